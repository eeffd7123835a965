/* SPDX-License-Identifier: Apache-2.0 */
#include "toolchain/build_internal.h"

#include "tvn_test.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

/* A component in a folder of its own, with what its compiler read beside it. */
struct fixture {
    char root[64];
    struct tvn_arena *arena;
    struct tvn_build_component component;
    struct build_plan plan;
};

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

static const char *path_of(struct fixture *fixture, const char *name)
{
    const char *path = tvn_arena_printf(fixture->arena, "%s/%s", fixture->root, name);
    assert_non_null(path);
    return path;
}

static void put(struct fixture *fixture, const char *name, const char *content)
{
    int fd = open(path_of(fixture, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    close(fd);
}

static int make(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.root = "/tmp/tvn-record-XXXXXX"};
    if (!mkdtemp(fixture.root)) {
        return -1;
    }
    fixture.arena = tvn_arena_create(0);
    static const char *const folders[] = {"component", "component/src", "component/wit", "shared",
                                          "work"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(folders); i++) {
        assert_int_equal(mkdir(path_of(&fixture, folders[i]), 0755), 0);
    }
    put(&fixture, "component/src/main.c", "int x;");
    put(&fixture, "component/wit/world.wit", "world");
    put(&fixture, "shared/a header.h", "a");
    put(&fixture, "shared/b.h", "b");
    put(&fixture, "output.wasm", "wasm");
    fixture.component.wit = path_of(&fixture, "component/wit");
    fixture.plan = (struct build_plan){
        .arena = fixture.arena,
        .component = &fixture.component,
        .root = path_of(&fixture, "component"),
        .project = path_of(&fixture, "nowhere"),
        .work = path_of(&fixture, "work"),
        .output = path_of(&fixture, "output.wasm"),
        .record = path_of(&fixture, "work/record"),
        .key = "k",
    };
    TVN_AUTO_VALUE(tvn_strbuf) rules = {0};
    tvn_strbuf_printf(
        &rules, "%s/job/main.o: \\\n  %s/shared/a\\ header.h %s/job/made.h \\\r\n\t%s/shared/b.h\n",
        fixture.root, fixture.root, fixture.root, fixture.root);
    put(&fixture, "work/main.d", tvn_strbuf_text(&rules));
    assert_status(tvn_vec_push(&fixture.plan.depfiles, 8, path_of(&fixture, "work/main.d")),
                  TVN_OK);
    *state = &fixture;
    return 0;
}

static int destroy(void **state)
{
    struct fixture *fixture = *state;
    build_plan_deinit(&fixture->plan);
    tvn_arena_destroy(fixture->arena);
    return nftw(fixture->root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void record(struct fixture *fixture)
{
    build_record_write(&fixture->plan, build_record_inputs(&fixture->plan));
    assert_true(build_record_is_fresh(&fixture->plan));
}

static void test_build_record_is_fresh_until_something_changes(void **state)
{
    struct fixture *fixture = *state;
    assert_false(build_record_is_fresh(&fixture->plan)); /* there is none */
    static const char *const files[] = {"component/src/main.c", "component/wit/world.wit",
                                        "shared/a header.h",    "shared/b.h",
                                        "output.wasm",          "component/src/new.c"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(files); i++) {
        record(fixture);
        put(fixture, files[i], "something else");
        assert_false(build_record_is_fresh(&fixture->plan));
    }
    record(fixture);
    assert_int_equal(unlink(path_of(fixture, "component/src/new.c")), 0);
    assert_false(build_record_is_fresh(&fixture->plan));
    record(fixture);
    fixture->plan.key[0] = 'l'; /* other commands */
    assert_false(build_record_is_fresh(&fixture->plan));
    record(fixture);
    put(fixture, "work/made.h", "what a tool made");
    assert_true(build_record_is_fresh(&fixture->plan));
}

static void test_build_record_sees_what_changed_during_the_build(void **state)
{
    struct fixture *fixture = *state;
    const char *before = build_record_inputs(&fixture->plan);
    put(fixture, "component/src/main.c", "int changed;");
    build_record_write(&fixture->plan, before);
    assert_false(build_record_is_fresh(&fixture->plan));

    before = build_record_inputs(&fixture->plan);
    put(fixture, "component/Cargo.lock", "made by the build");
    build_record_write(&fixture->plan, before);
    assert_true(build_record_is_fresh(&fixture->plan));
    before = build_record_inputs(&fixture->plan);
    put(fixture, "component/Cargo.lock", "sorted by the build");
    build_record_write(&fixture->plan, before);
    assert_true(build_record_is_fresh(&fixture->plan));
    put(fixture, "component/Cargo.lock", "changed by the user");
    assert_false(build_record_is_fresh(&fixture->plan));
}

/* A record is a file in the user's project: it may hold anything. */
static void test_build_record_that_is_damaged_is_not_fresh(void **state)
{
    struct fixture *fixture = *state;
    record(fixture);
    const char *path = path_of(fixture, "work/record");
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    for (off_t length = info.st_size - 1; length >= 0; length -= 7) {
        assert_int_equal(truncate(path, length), 0);
        (void)build_record_is_fresh(&fixture->plan); /* whole lines at the end may be missing */
    }
    static const char *const records[] = {"",        "\n",     "key",   "key k\n",
                                          "read \n", "read x", "\t\t\n"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(records); i++) {
        put(fixture, "work/record", records[i]);
        assert_false(build_record_is_fresh(&fixture->plan));
    }
}

static void test_build_record_survives_any_depfile(void **state)
{
    struct fixture *fixture = *state;
    static const char *const depfiles[] = {
        "",       "\\",     "\\\n",         "a",      "a:",          ": :",
        "a: b\\", "a: \\ ", "a:\tb\\ \\ c", "x\\\ny", "a: b\tc\n\n",
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(depfiles); i++) {
        put(fixture, "work/main.d", depfiles[i]);
        record(fixture);
    }
}

static void test_build_files_are_sorted_and_without_what_tools_make(void **state)
{
    struct fixture *fixture = *state;
    static const char *const made[] = {"component/.git", "component/target",
                                       "component/node_modules"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(made); i++) {
        assert_int_equal(mkdir(path_of(fixture, made[i]), 0755), 0);
    }
    put(fixture, "component/target/x.c", "");
    put(fixture, "component/.git/x.c", "");
    put(fixture, "component/x.wasm", "");
    put(fixture, "component/src/a.c", "");
    assert_int_equal(symlink("..", path_of(fixture, "component/src/up")), 0);
    TVN_AUTO_VALUE(build_files) files = {0};

    /* The link leads back: the depth ends it. */
    assert_status(build_files_add(&files, fixture->arena, fixture->plan.root, ".c"), TVN_FULL);
    assert_int_equal(unlink(path_of(fixture, "component/src/up")), 0);
    build_files_deinit(&files);
    assert_status(build_files_add(&files, fixture->arena, fixture->plan.root, ".c"), TVN_OK);
    assert_status(build_files_add(&files, fixture->arena, fixture->plan.root, ".c"), TVN_OK);

    assert_int_equal(files.list.count, 2);
    assert_string_equal(files.list.items[0], path_of(fixture, "component/src/a.c"));
    assert_string_equal(files.list.items[1], path_of(fixture, "component/src/main.c"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_build_record_is_fresh_until_something_changes, make,
                                    destroy),
    cmocka_unit_test_setup_teardown(test_build_record_sees_what_changed_during_the_build, make,
                                    destroy),
    cmocka_unit_test_setup_teardown(test_build_record_that_is_damaged_is_not_fresh, make, destroy),
    cmocka_unit_test_setup_teardown(test_build_record_survives_any_depfile, make, destroy),
    cmocka_unit_test_setup_teardown(test_build_files_are_sorted_and_without_what_tools_make, make,
                                    destroy),
};
TVN_TEST_MAIN("toolchain.build_record", tests)
