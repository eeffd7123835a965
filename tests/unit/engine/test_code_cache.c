/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "engine/code_cache_internal.h"

#include "tvn_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

/* Of the running test: a root with the two directories in it. */
static char root[] = "/tmp/tvn-code-cache-XXXXXX";
static char directory[64];
static char secret_directory[64];
static struct tvn_code_cache_place place;
static struct tvn_code_cache *cache;
static struct tvn_code_key key;
static const char code_text[] = "what the engine made of a module";
static const struct tvn_str code = {code_text, sizeof(code_text) - 1};

static void remove_tree(const char *path)
{
    char command[256];
    snprintf(command, sizeof(command), "chmod -R u+rwx '%s'; rm -rf '%s'", path, path);
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c)
}

static int set_up(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/tvn-code-cache-XXXXXX");
    assert_non_null(mkdtemp(root));
    snprintf(directory, sizeof(directory), "%s/a/b", root);
    snprintf(secret_directory, sizeof(secret_directory), "%s/state", root);
    place = (struct tvn_code_cache_place){.directory = directory,
                                          .secret_directories = {secret_directory}};
    cache = tvn_code_cache_open(&place, 0);
    assert_non_null(cache);
    assert_status(tvn_code_key_of("settings", TVN_STR("module"), &key), TVN_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tvn_code_cache_close(cache);
    cache = NULL;
    remove_tree(root);
    return 0;
}

static const char *file_path(void)
{
    static char path[160];
    snprintf(path, sizeof(path), "%s/%s", directory, key.text);
    return path;
}

static bool is_kept(struct tvn_code_cache *in, const struct tvn_code_key *wanted)
{
    int fd;
    if (tvn_code_cache_find(in, wanted, &fd) != TVN_OK) {
        return false;
    }
    tvn_fd_close(&fd);
    return true;
}

static unsigned count_files(void)
{
    DIR *stream = opendir(directory);
    if (!stream) {
        fail_msg("'%s' cannot be read", directory);
        return 0;
    }
    unsigned count = 0;
    for (struct dirent *entry = readdir(stream); entry; entry = readdir(stream)) {
        count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    }
    closedir(stream);
    return count;
}

static void reopen(void)
{
    tvn_code_cache_close(cache);
    cache = tvn_code_cache_open(&place, 0);
}

/* ---- keeping ---- */

static void test_code_cache_put_then_find_gives_the_code(void **state)
{
    (void)state;
    assert_false(is_kept(cache, &key));
    assert_true(tvn_code_cache_put(cache, &key, code));
    int fd;
    assert_status(tvn_code_cache_find(cache, &key, &fd), TVN_OK);
    char bytes[64] = "";
    assert_true(read(fd, bytes, code.len) == (ssize_t)code.len);
    assert_memory_equal(bytes, code.ptr, code.len);
    tvn_fd_close(&fd);
    reopen();
    assert_true(is_kept(cache, &key));
    assert_int_equal(count_files(), 1); /* no temporary file stays */
}

static void test_code_cache_files_and_directories_are_private(void **state)
{
    (void)state;
    mode_t before = umask(0);
    assert_true(tvn_code_cache_put(cache, &key, code));
    umask(before);
    struct stat status;
    assert_int_equal(stat(file_path(), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(stat(directory, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    char secret[96];
    snprintf(secret, sizeof(secret), "%s/%s", secret_directory, TVN_CODE_SECRET_NAME);
    assert_int_equal(stat(secret, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(status.st_size, TVN_CODE_SECRET_BYTES);
}

static void test_code_key_depends_on_settings_and_module(void **state)
{
    (void)state;
    struct tvn_code_key other;
    assert_status(tvn_code_key_of("settings", TVN_STR("module"), &other), TVN_OK);
    assert_string_equal(key.text, other.text);
    assert_status(tvn_code_key_of("settingsm", TVN_STR("odule"), &other), TVN_OK);
    assert_string_not_equal(key.text, other.text);
    assert_status(tvn_code_key_of("settings", TVN_STR("modulf"), &other), TVN_OK);
    assert_string_not_equal(key.text, other.text);
}

/* ---- refusing ---- */

/* Refused, removed, and kept again. */
static void assert_refused_and_rebuilt(void)
{
    assert_false(is_kept(cache, &key));
    struct stat status;
    assert_int_equal(lstat(file_path(), &status), -1);
    assert_true(tvn_code_cache_put(cache, &key, code));
    assert_true(is_kept(cache, &key));
}

static void test_code_cache_every_flipped_bit_is_refused(void **state)
{
    (void)state;
    assert_true(tvn_code_cache_put(cache, &key, code));
    TVN_AUTO_VALUE(tvn_file_bytes) good = {0};
    assert_status(tvn_file_read(file_path(), 4096, &good), TVN_OK);
    assert_int_equal(good.len, code.len + sizeof(struct tvn_code_trailer));
    for (size_t bit = 0; bit < good.len * 8; bit++) {
        int fd = open(file_path(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        good.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_status(tvn_fd_write_all(fd, good.ptr, good.len), TVN_OK);
        good.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        tvn_fd_close(&fd);
        assert_false(is_kept(cache, &key));
    }
    assert_refused_and_rebuilt();
}

static void test_code_cache_every_truncation_is_refused(void **state)
{
    (void)state;
    size_t length = code.len + sizeof(struct tvn_code_trailer);
    for (size_t cut = 0; cut < length; cut++) {
        assert_true(tvn_code_cache_put(cache, &key, code));
        assert_int_equal(truncate(file_path(), (off_t)cut), 0);
        assert_false(is_kept(cache, &key));
    }
    assert_true(tvn_code_cache_put(cache, &key, code));
    assert_int_equal(truncate(file_path(), (off_t)length + 1), 0);
    assert_refused_and_rebuilt();
}

static void test_code_cache_other_modes_are_refused(void **state)
{
    (void)state;
    static const mode_t modes[] = {0644, 0660, 0602, 0700, 0400, 04600};
    for (size_t i = 0; i < TVN_ARRAY_LEN(modes); i++) {
        assert_true(tvn_code_cache_put(cache, &key, code));
        assert_int_equal(chmod(file_path(), modes[i]), 0);
        assert_refused_and_rebuilt();
    }
}

static void test_code_cache_other_owner_is_refused(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    assert_true(tvn_code_cache_put(cache, &key, code));
    assert_int_equal(chown(file_path(), 1, (gid_t)-1), 0);
    assert_refused_and_rebuilt();
    assert_int_equal(chown(directory, 1, (gid_t)-1), 0);
    reopen();
    assert_null(cache);
}

static void test_code_cache_links_and_special_files_are_refused(void **state)
{
    (void)state;
    char moved[160];
    snprintf(moved, sizeof(moved), "%s/elsewhere", root);
    assert_true(tvn_code_cache_put(cache, &key, code));
    assert_int_equal(rename(file_path(), moved), 0);
    assert_int_equal(symlink(moved, file_path()), 0);
    assert_refused_and_rebuilt();
    assert_int_equal(unlink(file_path()), 0);
    assert_int_equal(mkfifo(file_path(), 0600), 0);
    assert_refused_and_rebuilt();
}

static void test_code_cache_under_another_name_is_refused(void **state)
{
    (void)state;
    assert_true(tvn_code_cache_put(cache, &key, code));
    char from[160];
    snprintf(from, sizeof(from), "%s", file_path());
    assert_status(tvn_code_key_of("settings", TVN_STR("another module"), &key), TVN_OK);
    assert_int_equal(rename(from, file_path()), 0);
    assert_refused_and_rebuilt();
}

/* A directory out of somebody's archive: all modes are right, the secret is not. */
static void test_code_cache_of_another_secret_is_refused(void **state)
{
    (void)state;
    assert_true(tvn_code_cache_put(cache, &key, code));
    remove_tree(secret_directory);
    reopen();
    assert_non_null(cache);
    assert_refused_and_rebuilt();
}

static void test_code_cache_directory_that_others_may_enter_is_refused(void **state)
{
    (void)state;
    static const mode_t modes[] = {0755, 0770, 0701, 01777};
    for (size_t i = 0; i < TVN_ARRAY_LEN(modes); i++) {
        assert_int_equal(chmod(directory, modes[i]), 0);
        reopen();
        assert_null(cache);
    }
    assert_int_equal(chmod(directory, 0700), 0);
    reopen();
    assert_non_null(cache);
}

static void test_code_cache_directory_that_is_a_link_is_refused(void **state)
{
    (void)state;
    char target[96];
    snprintf(target, sizeof(target), "%s/target", root);
    assert_int_equal(rename(directory, target), 0);
    assert_int_equal(symlink(target, directory), 0);
    reopen();
    assert_null(cache);
}

static void test_code_cache_secret_that_others_may_change_is_refused(void **state)
{
    (void)state;
    char secret[96];
    snprintf(secret, sizeof(secret), "%s/%s", secret_directory, TVN_CODE_SECRET_NAME);
    assert_int_equal(chmod(secret, 0644), 0);
    reopen();
    assert_null(cache);
    assert_int_equal(chmod(secret, 0600), 0);
    assert_int_equal(chmod(secret_directory, 0777), 0);
    reopen();
    assert_null(cache);
    assert_int_equal(chmod(secret_directory, 0755), 0);
    reopen();
    assert_non_null(cache);
}

static void test_code_cache_that_cannot_be_made_is_none(void **state)
{
    (void)state;
    place.directory = (char[]){"/proc/torvyn/code"};
    reopen();
    assert_null(cache);
    place.directory = directory;
    place.secret_directories[0] = (char[]){"/proc/torvyn"};
    reopen();
    assert_null(cache);
    place.secret_directories[1] = secret_directory; /* the second place serves */
    reopen();
    assert_non_null(cache);
}

/* ---- many at a time ---- */

#define WRITERS 4
#define ROUNDS  200

static void write_and_read(unsigned writer)
{
    struct tvn_code_cache *mine = tvn_code_cache_open(&place, 0);
    if (!mine) {
        _exit(1);
    }
    char bytes[3000];
    memset(bytes, 'a' + (int)writer, sizeof(bytes));
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (!tvn_code_cache_put(mine, &key, (struct tvn_str){bytes, sizeof(bytes) - writer}) ||
            !is_kept(mine, &key)) {
            _exit(2);
        }
        tvn_code_cache_sweep(mine);
    }
    _exit(0);
}

static void test_code_cache_concurrent_writers_leave_whole_files(void **state)
{
    (void)state;
    remove_tree(secret_directory); /* they race for the secret, too */
    pid_t children[WRITERS];
    for (unsigned i = 0; i < WRITERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            write_and_read(i);
        }
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        int result;
        assert_int_equal(waitpid(children[i], &result, 0), children[i]);
        assert_int_equal(result, 0);
    }
    assert_int_equal(count_files(), 1);
    reopen();
    assert_true(is_kept(cache, &key));
}

/* ---- eviction ---- */

static void numbered_key(unsigned number, struct tvn_code_key *out_key)
{
    assert_status(
        tvn_code_key_of("settings", (struct tvn_str){(char *)&number, sizeof(number)}, out_key),
        TVN_OK);
}

static void set_age(const struct tvn_code_key *of, time_t seconds)
{
    struct timespec times[2] = {{.tv_sec = time(NULL) - seconds}, {.tv_sec = time(NULL) - seconds}};
    assert_int_equal(utimensat(cache->directory_fd, of->text, times, 0), 0);
}

static void test_code_cache_sweep_evicts_the_least_recently_used(void **state)
{
    (void)state;
    size_t file_bytes = code.len + sizeof(struct tvn_code_trailer);
    struct tvn_code_key keys[4];
    for (unsigned i = 0; i < 4; i++) {
        numbered_key(i, &keys[i]);
        assert_true(tvn_code_cache_put(cache, &keys[i], code));
        set_age(&keys[i], (time_t)10000 * (4 - i));
    }
    assert_true(is_kept(cache, &keys[0])); /* used: now the youngest */
    cache->max_bytes = 2 * file_bytes;
    tvn_code_cache_sweep(cache);
    assert_int_equal(count_files(), 2);
    assert_true(is_kept(cache, &keys[0]));
    assert_false(is_kept(cache, &keys[1]));
    assert_false(is_kept(cache, &keys[2]));
    assert_true(is_kept(cache, &keys[3]));
    cache->max_bytes = code.len - 1; /* what is too large for the whole cache is not written */
    assert_false(tvn_code_cache_put(cache, &keys[1], code));
}

static void test_code_cache_sweep_removes_old_leftovers_only(void **state)
{
    (void)state;
    static const char *const names[] = {TVN_CODE_TEMP_PREFIX "00000000000000aa",
                                        TVN_CODE_TEMP_PREFIX "00000000000000bb", "notes.txt"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(names); i++) {
        int fd = openat(cache->directory_fd, names[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        tvn_fd_close(&fd);
    }
    struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    assert_int_equal(utimensat(cache->directory_fd, names[0], times, 0), 0);
    assert_int_equal(utimensat(cache->directory_fd, names[2], times, 0), 0);
    tvn_code_cache_sweep(cache);
    assert_int_equal(faccessat(cache->directory_fd, names[0], F_OK, 0), -1);
    assert_int_equal(faccessat(cache->directory_fd, names[1], F_OK, 0), 0);
    assert_int_equal(faccessat(cache->directory_fd, names[2], F_OK, 0), 0);
}

/* ---- the place ---- */

static void set_environment(const char *own, const char *home, const char *xdg_cache,
                            const char *xdg_state, const char *off)
{
    const char *const names[] = {"TORVYN_HOME", "HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME",
                                 "TORVYN_CODE_CACHE"};
    const char *const values[] = {own, home, xdg_cache, xdg_state, off};
    for (size_t i = 0; i < TVN_ARRAY_LEN(names); i++) {
        assert_int_equal(values[i] ? setenv(names[i], values[i], 1) : unsetenv(names[i]), 0);
    }
}

static void assert_place(const char *expected, const char *first_secret, const char *second_secret)
{
    TVN_AUTO_VALUE(tvn_code_cache_place) found = {0};
    assert_status(tvn_code_cache_locate(&found), expected ? TVN_OK : TVN_NOT_FOUND);
    if (expected) {
        assert_string_equal(found.directory, expected);
        assert_string_equal(found.secret_directories[0], first_secret);
        if (second_secret) {
            assert_string_equal(found.secret_directories[1], second_secret);
        } else {
            assert_null(found.secret_directories[1]);
        }
    }
}

static void test_code_cache_locate_follows_the_environment(void **state)
{
    (void)state;
    set_environment(NULL, "/h", NULL, NULL, NULL);
    assert_place("/h/.cache/torvyn/code", "/h/.local/state/torvyn", NULL);
    set_environment(NULL, "/h", "/c", "/s", NULL);
    assert_place("/c/torvyn/code", "/s/torvyn", NULL);
    set_environment(NULL, "/h", "relative", "relative", "on");
    assert_place("/h/.cache/torvyn/code", "/h/.local/state/torvyn", NULL);
    set_environment("/t", "/h", "/c", NULL, NULL); /* the secret is not what TORVYN_HOME brings */
    assert_place("/t/cache", "/h/.local/state/torvyn", "/t");
    set_environment("/t", NULL, NULL, NULL, NULL);
    assert_place("/t/cache", "/t", NULL);
    set_environment(NULL, NULL, NULL, NULL, NULL);
    assert_place(NULL, NULL, NULL);
    set_environment("/t", "/h", "/c", "/s", "off");
    assert_place(NULL, NULL, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
static const struct CMUnitTest tests[] = {
    TEST(test_code_cache_put_then_find_gives_the_code),
    TEST(test_code_cache_files_and_directories_are_private),
    TEST(test_code_key_depends_on_settings_and_module),
    TEST(test_code_cache_every_flipped_bit_is_refused),
    TEST(test_code_cache_every_truncation_is_refused),
    TEST(test_code_cache_other_modes_are_refused),
    TEST(test_code_cache_other_owner_is_refused),
    TEST(test_code_cache_links_and_special_files_are_refused),
    TEST(test_code_cache_under_another_name_is_refused),
    TEST(test_code_cache_of_another_secret_is_refused),
    TEST(test_code_cache_directory_that_others_may_enter_is_refused),
    TEST(test_code_cache_directory_that_is_a_link_is_refused),
    TEST(test_code_cache_secret_that_others_may_change_is_refused),
    TEST(test_code_cache_that_cannot_be_made_is_none),
    TEST(test_code_cache_concurrent_writers_leave_whole_files),
    TEST(test_code_cache_sweep_evicts_the_least_recently_used),
    TEST(test_code_cache_sweep_removes_old_leftovers_only),
    cmocka_unit_test(test_code_cache_locate_follows_the_environment),
};
TVN_TEST_MAIN("engine.code_cache", tests)
