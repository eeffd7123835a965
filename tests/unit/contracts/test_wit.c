/* SPDX-License-Identifier: Apache-2.0 */
/* Files and directories of WIT. */
#include "tvn_wit_test.h"

#include <sys/stat.h>

static char root[256];

static void write_file(const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    assert_true(file != NULL);
    if (!file) {
        return;
    }
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    snprintf(root, sizeof(root), "%s/tvn-wit-XXXXXX", base && *base ? base : "/tmp");
    return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    char command[300];
    snprintf(command, sizeof(command), "rm -r '%s'", root);
    return system(command) == 0 ? 0 : -1;
}

/* Adds a path below the root and resolves; returns what was reported. */
static struct wit_case load(const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    struct wit_case wit_case = wit_case_begin();
    enum tvn_status status = tvn_wit_add_path(wit_case.wit, path, wit_case.sink);
    assert_int_equal(status != TVN_OK, tvn_diag_error_count(wit_case.sink) > 0);
    if (status == TVN_OK) {
        status = tvn_wit_resolve(wit_case.wit, wit_case.sink);
        assert_int_equal(status != TVN_OK, tvn_diag_error_count(wit_case.sink) > 0);
    }
    return wit_case;
}

static void expect_load(const char *name, const char *errors)
{
    struct wit_case wit_case = load(name);
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    wit_case_errors(&wit_case, &text);
    assert_string_equal(tvn_strbuf_text(&text), errors);
    wit_case_end(&wit_case);
}

static void test_wit_add_path_reads_a_directory_and_its_deps(void **state)
{
    (void)state;
    write_file("wit/b.wit", "world w { import i; import c:d/e; import f:g/h; }");
    write_file("wit/a.wit", "package a:b; interface i {}");
    write_file("wit/notes.md", "not WIT");
    write_file("wit/deps/cd/x.wit", "package c:d; interface e { use f:g/h.{t}; }");
    write_file("wit/deps/cd/deps/ignored/x.wit", "faulty");
    write_file("wit/deps/fg.wit", "package f:g; interface h { type t = u8; }");
    write_file("wit/deps/README", "not WIT");
    struct wit_case wit_case = load("wit");
    assert_int_equal(tvn_diag_error_count(wit_case.sink), 0);
    assert_int_equal(tvn_wit_package_count(wit_case.wit), 3);
    assert_str(tvn_wit_package_at(wit_case.wit, 0)->id.name, "b");
    wit_case_end(&wit_case);
}

static void test_wit_add_path_reads_one_file(void **state)
{
    (void)state;
    write_file("a.wit", "package a:b; interface i {}");
    expect_load("a.wit", "");
}

static void test_wit_add_path_reports_what_cannot_be_read(void **state)
{
    (void)state;
    struct wit_case wit_case = load("missing");
    assert_int_equal(tvn_diag_at(wit_case.sink, 0)->code, TVN_E_IO_ERROR);
    wit_case_end(&wit_case);
    write_file("empty/README", "");
    wit_case = load("empty");
    assert_int_equal(tvn_diag_at(wit_case.sink, 0)->code, TVN_E_WIT_RESOLUTION_ERROR);
    wit_case_end(&wit_case);
}

static void expect_not_regular(const char *name)
{
    struct wit_case wit_case = load(name);
    assert_int_equal(tvn_diag_at(wit_case.sink, 0)->code, TVN_E_IO_ERROR);
    assert_non_null(strstr(tvn_diag_at(wit_case.sink, 0)->message, "is not a regular file"));
    wit_case_end(&wit_case);
}

static void test_wit_add_path_waits_for_nothing_that_a_directory_lists(void **state)
{
    (void)state;
    char path[512];
    write_file("wit/a.wit", "package a:a;");
    write_file("wit/deps/folder.wit/b.wit", "package b:b;"); /* a package, whatever its name */
    expect_load("wit", "");
    snprintf(path, sizeof(path), "%s/wit/deps/pipe.wit", root);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_not_regular("wit");
    assert_int_equal(remove(path), 0);
    write_file("wit/folder.wit/c", "");
    expect_not_regular("wit");
}

static void test_wit_add_path_refuses_two_packages_in_a_directory(void **state)
{
    (void)state;
    write_file("wit/a.wit", "package a:a;");
    write_file("wit/b.wit", "package a:b;");
    expect_load("wit", "1:9 E0101 package differs from that of another file in this directory");
}

static void test_wit_add_path_takes_equal_copies_of_a_package(void **state)
{
    (void)state;
    write_file("wit/a.wit", "package a:a; world w { import b:b/i; }");
    write_file("wit/deps/one/b.wit", "package b:b; interface i {}");
    write_file("wit/deps/two/b.wit", "package b:b; interface i {}");
    expect_load("wit", "");
    write_file("wit/deps/two/b.wit", "package b:b; interface i { f: func(); }");
    expect_load("wit", "1:9 E0101 package 'b:b' is defined in two places");
}

static void test_wit_add_path_reports_errors_of_every_file(void **state)
{
    (void)state;
    write_file("wit/a.wit", "package a:a;\ninterface ;");
    write_file("wit/deps/b.wit", "package b:b;\n\nworld ;");
    expect_load("wit",
                "2:11 E0100 expected a name, found ';'; 3:7 E0100 expected a name, found ';'");
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static const struct CMUnitTest tests[] = {
    CASE(test_wit_add_path_reads_a_directory_and_its_deps),
    CASE(test_wit_add_path_reads_one_file),
    CASE(test_wit_add_path_reports_what_cannot_be_read),
    CASE(test_wit_add_path_waits_for_nothing_that_a_directory_lists),
    CASE(test_wit_add_path_refuses_two_packages_in_a_directory),
    CASE(test_wit_add_path_takes_equal_copies_of_a_package),
    CASE(test_wit_add_path_reports_errors_of_every_file),
};

TVN_TEST_MAIN("contracts.wit", tests)
