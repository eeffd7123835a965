/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"

#include "tvn_test.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/tvn-test-write-XXXXXX");
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static void remove_all(const char *path)
{
    DIR *directory = opendir(path);
    const struct dirent *entry;
    while (directory && (entry = readdir(directory))) {
        char inside[512];
        snprintf(inside, sizeof(inside), "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.' && unlink(inside) != 0) {
            remove_all(inside);
        }
    }
    if (directory) {
        closedir(directory);
    }
    rmdir(path);
}

static int remove_folder(void **state)
{
    (void)state;
    remove_all(folder);
    return 0;
}

static size_t count_entries(void)
{
    DIR *directory = opendir(".");
    assert_non_null(directory);
    size_t count = 0;
    const struct dirent *entry;
    while ((entry = readdir(directory))) {
        count += entry->d_name[0] != '.';
    }
    closedir(directory);
    return count;
}

static void assert_content(const char *path, const char *content)
{
    TVN_AUTO_VALUE(tvn_file_bytes) bytes = {0};
    assert_status(tvn_file_read(path, 1000, &bytes), TVN_OK);
    assert_string_equal((char *)bytes.ptr, content);
}

static void test_file_replace_replaces_and_leaves_nothing_beside(void **state)
{
    (void)state;
    assert_status(tvn_file_replace("a", TVN_STR("one")), TVN_OK);
    assert_status(tvn_file_replace("a", TVN_STR("two")), TVN_OK);

    assert_content("a", "two");
    assert_int_equal(count_entries(), 1);
}

static void test_file_replace_follows_no_link(void **state)
{
    (void)state;
    assert_status(tvn_file_replace("target", TVN_STR("kept")), TVN_OK);
    assert_int_equal(symlink("target", "link"), 0);

    assert_status(tvn_file_replace("link", TVN_STR("new")), TVN_OK);

    struct stat info;
    assert_int_equal(lstat("link", &info), 0);
    assert_true(S_ISREG(info.st_mode));
    assert_content("target", "kept");
    assert_content("link", "new");
}

static void test_file_replace_that_fails_leaves_nothing_beside(void **state)
{
    (void)state;
    assert_int_equal(mkdir("folder", 0700), 0);

    assert_status(tvn_file_replace("folder", TVN_STR("x")), TVN_E_IO_ERROR);
    assert_int_equal(errno, EISDIR);
    assert_status(tvn_file_replace("missing/file", TVN_STR("x")), TVN_E_IO_ERROR);
    assert_int_equal(errno, ENOENT);

    assert_int_equal(count_entries(), 1);
}

static void test_file_put_makes_the_folders_above(void **state)
{
    (void)state;
    assert_status(tvn_file_put("a/b/c", TVN_STR("deep")), TVN_OK);
    assert_status(tvn_file_put("a/b/d", TVN_STR("")), TVN_OK);

    assert_content("a/b/c", "deep");
    assert_status(tvn_file_put("a/b/c/e", TVN_STR("x")), TVN_E_IO_ERROR);
    assert_int_equal(errno, ENOTDIR);
}

static void test_file_put_without_memory_leaves_nothing(void **state)
{
    (void)state;
    for (uint64_t n = 1;; n++) {
        tvn_mem_fail_at(n, false);
        enum tvn_status status = tvn_file_put("file", TVN_STR("x"));
        tvn_mem_fail_at(0, false);
        if (status == TVN_OK) {
            assert_true(n > 1);
            return;
        }
        assert_status(status, TVN_E_OUT_OF_MEMORY);
        assert_int_equal(count_entries(), 0);
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
static const struct CMUnitTest tests[] = {
    CASE(test_file_replace_replaces_and_leaves_nothing_beside),
    CASE(test_file_replace_follows_no_link),
    CASE(test_file_replace_that_fails_leaves_nothing_beside),
    CASE(test_file_put_makes_the_folders_above),
    CASE(test_file_put_without_memory_leaves_nothing),
};
TVN_TEST_MAIN("base.file_write", tests)
