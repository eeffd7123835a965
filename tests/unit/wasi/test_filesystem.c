/* SPDX-License-Identifier: Apache-2.0 */
/* wasi:filesystem through the ABI: what each grant allows and refuses, and that all of it is told
 * to the guard. */
#include "path_tree.h"
#include "wasi_guest.h"

static struct wasi_guest guest;
static struct path_tree tree;
static char dir_path[256];

static int load(void **state)
{
    (void)state;
    return wasi_guest_load(&guest, TVN_GUEST_DIR "/wasi-files.wasm");
}

static int unload(void **state)
{
    (void)state;
    wasi_guest_unload(&guest);
    return 0;
}

static int make_tree(void **state)
{
    (void)state;
    path_tree_create(&tree);
    snprintf(dir_path, sizeof(dir_path), "%s/dir", tree.in);
    return 0;
}

static int remove_tree(void **state)
{
    (void)state;
    path_tree_destroy(&tree);
    return 0;
}

static const struct tvn_wasi_options plain = {.stdin_fd = -1, .cancel_fd = -1};

#define START(run, ...)                                                    \
    wasi_run_start((run), &guest, (const struct tvn_grant[]){__VA_ARGS__}, \
                   TVN_ARRAY_LEN(((const struct tvn_grant[]){__VA_ARGS__})), plain)
#define READS(path)  {.capability = TVN_CAP_FILESYSTEM_READ, .scope = (path)}
#define WRITES(path) {.capability = TVN_CAP_FILESYSTEM_WRITE, .scope = (path)}

static struct tvn_value run_op(struct wasi_run *run, const char *op, uint32_t dir, const char *path,
                               uint32_t other_dir, const char *other)
{
    return WASI_CALL(run, "run", wasi_text(op), wasi_number(dir), wasi_text(path),
                     wasi_number(other_dir), wasi_text(other));
}
#define assert_op(run, op, dir, path, expected) \
    assert_reply(run_op((run), (op), (dir), (path), 0, ""), (expected))
#define assert_op2(run, op, dir, path, other_dir, other, expected) \
    assert_reply(run_op((run), (op), (dir), (path), (other_dir), (other)), (expected))

enum { KEPT_FILE = 8, KEPT_DIR = 9 };

static void assert_content(const char *path, const char *expected)
{
    char content[64] = {0};
    int fd = openat(tree.in_fd, path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(read(fd, content, sizeof(content) - 1) >= 0);
    close(fd);
    assert_string_equal(content, expected);
}

/* ---- grants ---- */

static void test_directories_without_grant_are_none(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_STDOUT});
    assert_op(&run, "count", 0, "", "0");
    wasi_run_end(&run);
}

static void test_directories_that_do_not_open_are_left_out(void **state)
{
    (void)state;
    char link[256];
    char missing[256];
    struct wasi_run run;
    snprintf(link, sizeof(link), "%s/link-out", tree.in);
    snprintf(missing, sizeof(missing), "%s/missing", tree.in);
    START(&run, READS(link), READS(missing), READS("/proc/self"), READS(tree.in), WRITES(tree.in));
    assert_op(&run, "count", 0, "", "1");
    assert_op(&run, "open", 0, "file", "ok");
    wasi_run_end(&run);
}

static void test_grant_without_scope_is_the_root(void **state)
{
    (void)state;
    struct wasi_run run;
    char path[256];
    START(&run, {.capability = TVN_CAP_FILESYSTEM_READ});
    snprintf(path, sizeof(path), "%s/file", tree.in + 1);
    assert_op(&run, "open", 0, path, "ok");
    assert_op(&run, "read", KEPT_FILE, "", "ok: inside");
    assert_op(&run, "open", 0, "proc/self/mem", "error: not-permitted");
    assert_op(&run, "open-write", 0, path, "error: read-only");
    wasi_run_end(&run);
}

/* Every mutation there is, with the right to read alone. */
static void test_read_only_means_no_mutation_of_any_kind(void **state)
{
    (void)state;
    static const struct {
        const char *op;
        uint32_t dir;
        const char *path;
        uint32_t other_dir;
        const char *other;
        const char *expected;
    } rows[] = {
        {"open-write", 0, "file", 0, "", "error: read-only"},
        {"open-both", 0, "file", 0, "", "error: read-only"},
        {"open-mutate", 0, "dir", 0, "", "error: read-only"},
        {"create", 0, "new", 0, "", "error: read-only"},
        {"create", 0, "file", 0, "", "error: read-only"},
        {"create-read", 0, "new", 0, "", "error: read-only"},
        {"create-new", 0, "new", 0, "", "error: read-only"},
        {"truncate", 0, "file", 0, "", "error: read-only"},
        {"truncate-read", 0, "file", 0, "", "error: read-only"},
        {"mkdir", 0, "new", 0, "", "error: read-only"},
        {"rmdir", 0, "empty", 0, "", "error: read-only"},
        {"unlink", 0, "file", 0, "", "error: read-only"},
        {"symlink", 0, "new", 0, "file", "error: read-only"},
        {"link", 0, "file", 0, "new", "error: read-only"},
        {"rename", 0, "file", 0, "new", "error: read-only"},
        {"times", 0, "file", 0, "", "error: read-only"},
        {"write", KEPT_FILE, "", 0, "text", "error: read-only"},
        {"write-stream", KEPT_FILE, "", 0, "text", "error: read-only"},
        {"append", KEPT_FILE, "", 0, "text", "error: read-only"},
        {"set-size", KEPT_FILE, "", 0, "", "error: read-only"},
        {"set-times", KEPT_FILE, "", 0, "", "error: read-only"},
        {"set-times", 0, "", 0, "", "error: read-only"},
        {"mkdir", KEPT_DIR, "new", 0, "", "error: read-only"},
        {"unlink", KEPT_DIR, "file", 0, "", "error: read-only"},
        {"create", KEPT_DIR, "new", 0, "", "error: read-only"},
        /* from what may be read to what may be written, and back */
        {"link", 0, "file", 1, "new", "error: read-only"},
        {"rename", 0, "file", 1, "new", "error: read-only"},
        {"link", 1, "victim", 0, "new", "error: read-only"},
        {"rename", 1, "victim", 0, "new", "error: read-only"},
        {"rename", KEPT_DIR, "file", 1, "new", "error: read-only"},
    };
    struct wasi_run run;
    struct stat before;
    struct stat after;
    char outside[64];
    char outside_after[64];
    START(&run, READS(tree.in), WRITES(tree.outside));
    path_tree_outside(&tree, outside, sizeof(outside));
    assert_op(&run, "open", 0, "file", "ok");
    assert_op(&run, "open-dir", 0, "dir", "ok");
    assert_int_equal(fstatat(tree.in_fd, ".", &before, 0), 0);
    for (size_t i = 0; i < TVN_ARRAY_LEN(rows); i++) {
        uint64_t denials = run.recorder.denials[TVN_CAP_FILESYSTEM_WRITE];
        struct tvn_value reply =
            run_op(&run, rows[i].op, rows[i].dir, rows[i].path, rows[i].other_dir, rows[i].other);
        if (!tvn_str_is(reply.of.string, rows[i].expected)) {
            fail_msg("row %zu, %s: '%.*s'", i, rows[i].op, TVN_STR_ARG(reply.of.string));
        }
        assert_true(run.recorder.denials[TVN_CAP_FILESYSTEM_WRITE] > denials);
        assert_string_equal(run.recorder.last_denied, tree.in);
    }
    assert_int_equal(fstatat(tree.in_fd, ".", &after, 0), 0);
    assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim));
    assert_content("file", "inside");
    path_tree_outside(&tree, outside_after, sizeof(outside_after));
    assert_string_equal(outside, outside_after);
    assert_op(&run, "flags", 0, "", "ok: 1");
    wasi_run_end(&run);
}

static void test_write_only_gives_no_content(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, WRITES(tree.in));
    assert_op(&run, "open", 0, "file", "error: access");
    assert_op(&run, "open-both", 0, "file", "error: access");
    assert_op(&run, "list", 0, "", "error: access");
    assert_op(&run, "readlink", 0, "link-file", "error: access");
    assert_true(run.recorder.denials[TVN_CAP_FILESYSTEM_READ] >= 4);
    assert_op(&run, "create", 0, "new", "ok");
    assert_op2(&run, "write", KEPT_FILE, "", 0, "text", "ok");
    assert_op(&run, "read", KEPT_FILE, "", "error: access");
    assert_op(&run, "read-stream", KEPT_FILE, "", "error: access");
    assert_op(&run, "open-write", 0, "file", "ok");
    assert_op(&run, "flags", 0, "", "ok: 32");
    wasi_run_end(&run);
}

static void test_nested_grants_have_their_own_rights(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, READS(tree.in), WRITES(dir_path));
    assert_op(&run, "count", 0, "", "2");
    assert_op(&run, "create", 0, "dir/new", "error: read-only"); /* by the outer name */
    assert_op(&run, "create", 1, "new", "ok");
    assert_op(&run, "open", 1, "file", "ok"); /* the outer grant to read covers it */
    assert_op2(&run, "rename", 1, "new", 0, "new", "error: read-only");
    assert_op(&run, "open", 1, "../file", "error: not-permitted");
    wasi_run_end(&run);
}

static void test_escapes_are_told_to_the_guard(void **state)
{
    (void)state;
    static const struct {
        const char *op;
        const char *path;
        const char *expected;
    } rows[] = {
        {"open", "../outside/secret", "error: not-permitted"},
        {"open", "/etc/passwd", "error: not-permitted"},
        {"open", "link-out-file", "error: not-permitted"},
        {"open", "chain-1", "error: not-permitted"},
        {"open", "link-magic", "error: not-permitted"},
        {"open", "fifo", "error: not-permitted"},
        {"open-dir", "..", "error: not-permitted"},
        {"create", "dangling-out", "error: not-permitted"},
        {"stat", "link-out", "error: not-permitted"},
        {"mkdir", "../outside/new", "error: not-permitted"},
        {"rmdir", "../outside/empty", "error: not-permitted"},
        {"unlink", "link-out/secret", "error: not-permitted"},
        {"times", "link-out/secret", "error: not-permitted"},
        {"readlink", "up/in/link-file", "error: not-permitted"},
        {"hash", "../outside/secret", "error: not-permitted"},
    };
    struct wasi_run run;
    START(&run, READS(tree.in), WRITES(tree.in));
    assert_op(&run, "open", 0, "file", "ok");
    for (size_t i = 0; i < TVN_ARRAY_LEN(rows); i++) {
        uint64_t denials = run.recorder.denials[0] + run.recorder.denials[1];
        struct tvn_value reply = run_op(&run, rows[i].op, 0, rows[i].path, 0, "");
        if (!tvn_str_is(reply.of.string, rows[i].expected)) {
            fail_msg("row %zu, %s: '%.*s'", i, rows[i].op, TVN_STR_ARG(reply.of.string));
        }
        assert_int_equal(run.recorder.denials[0] + run.recorder.denials[1], denials + 1);
        assert_non_null(strstr(run.recorder.last_denied, rows[i].path));
    }
    assert_op2(&run, "rename", 0, "file", 0, "../outside/file", "error: not-permitted");
    assert_non_null(strstr(run.recorder.last_denied, ": ../outside/file"));
    assert_op2(&run, "link", 0, "file", 0, "link-out/file", "error: not-permitted");
    assert_op2(&run, "rename", 0, "../outside/secret", 0, "mine", "error: not-permitted");
    assert_op2(&run, "symlink", 0, "new", 0, "/etc/passwd", "error: not-permitted");
    assert_op2(&run, "symlink", 0, "../new", 0, "file", "error: not-permitted");
    wasi_run_end(&run);
}

/* ---- what works ---- */

static void test_content_by_calls_and_streams(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, READS(tree.in), WRITES(tree.in));
    assert_op(&run, "open-both", 0, "file", "ok");
    assert_op(&run, "flags", KEPT_FILE, "", "ok: 3");
    assert_op(&run, "read", KEPT_FILE, "", "ok: inside");
    assert_op2(&run, "write", KEPT_FILE, "", 0, "NSI", "ok");
    assert_op(&run, "read-stream", KEPT_FILE, "", "ok NSId e closed");
    assert_op2(&run, "write-stream", KEPT_FILE, "", 0, "..", "ok");
    assert_op2(&run, "append", KEPT_FILE, "", 0, " more", "ok");
    assert_content("file", "iN..de more");
    assert_op(&run, "set-size", KEPT_FILE, "", "ok");
    assert_content("file", "iN.");
    assert_op(&run, "set-size-huge", KEPT_FILE, "", "error: invalid");
    assert_op(&run, "sync", KEPT_FILE, "", "ok");
    assert_op(&run, "sync", 0, "", "ok");
    assert_op(&run, "advise", KEPT_FILE, "", "ok");
    assert_op(&run, "advise", 0, "", "error: bad-descriptor");
    assert_op(&run, "times", 0, "file", "ok");
    assert_op(&run, "bad-time", 0, "file", "error: invalid");
    assert_op(&run, "self", KEPT_FILE, "", "ok: file 3 1000");
    assert_op(&run, "set-times", KEPT_FILE, "", "ok");
    assert_op(&run, "truncate", 0, "file", "ok");
    assert_content("file", "");
    wasi_run_end(&run);
}

static void test_descriptors_keep_to_what_they_were_opened_for(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, READS(tree.in), WRITES(tree.in));
    assert_op(&run, "open", 0, "file", "ok");
    assert_op2(&run, "write", KEPT_FILE, "", 0, "x", "error: bad-descriptor");
    assert_op2(&run, "append", KEPT_FILE, "", 0, "x", "error: bad-descriptor");
    assert_op(&run, "set-size", KEPT_FILE, "", "error: bad-descriptor");
    assert_op(&run, "open-write", 0, "file", "ok");
    assert_op(&run, "read", KEPT_FILE, "", "error: bad-descriptor");
    assert_op(&run, "open-nothing", 0, "file", "ok");
    assert_op(&run, "read", KEPT_FILE, "", "error: bad-descriptor");
    assert_op(&run, "write", KEPT_FILE, "", "error: bad-descriptor");
    assert_op(&run, "read", 0, "", "error: is-directory");
    assert_op(&run, "open", KEPT_FILE, "x", "error: not-directory");
    assert_op(&run, "list", KEPT_FILE, "", "error: not-directory");
    wasi_run_end(&run);
}

static void test_names_are_made_and_removed(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, READS(tree.in), WRITES(tree.in));
    assert_op(&run, "mkdir", 0, "made", "ok");
    assert_op(&run, "open-dir", 0, "made", "ok");
    assert_op(&run, "flags", KEPT_DIR, "", "ok: 33");
    assert_op(&run, "create-new", KEPT_DIR, "one", "ok");
    assert_op(&run, "create-new", KEPT_DIR, "one", "error: exist");
    assert_op2(&run, "link", KEPT_DIR, "one", KEPT_DIR, "two", "ok");
    assert_op2(&run, "symlink", KEPT_DIR, "three", 0, "two", "ok");
    assert_op2(&run, "symlink", KEPT_DIR, "four", 0, "../file", "ok"); /* relative: may be made */
    assert_op(&run, "open", KEPT_DIR, "four", "error: not-permitted");
    assert_op(&run, "open", 0, "made/four", "ok");
    assert_op(&run, "readlink", KEPT_DIR, "three", "ok: two");
    assert_op(&run, "readlink", 0, "link-absolute", "error: not-permitted");
    assert_op(&run, "list", KEPT_DIR, "", "ok: 4");
    assert_op(&run, "rmdir", 0, "made", "error: not-empty");
    assert_op2(&run, "rename", KEPT_DIR, "two", 0, "moved", "ok");
    assert_op(&run, "open", 0, "moved", "ok");
    assert_op(&run, "unlink", KEPT_DIR, "one", "ok");
    assert_op(&run, "unlink", KEPT_DIR, "three", "ok");
    assert_op(&run, "unlink", KEPT_DIR, "four", "ok");
    assert_op(&run, "rmdir", 0, "made", "ok");
    assert_op(&run, "list", KEPT_DIR, "", "ok: 0");
    wasi_run_end(&run);
}

static void test_identity_is_told_without_numbers(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, READS(tree.in));
    assert_op(&run, "open", 0, "link-file", "ok");
    assert_op(&run, "hash", 0, "file", "ok: same");
    assert_op(&run, "hash", 0, "dir/file", "ok: other");
    assert_op2(&run, "same", KEPT_FILE, "", KEPT_FILE, "", "yes");
    assert_op2(&run, "same", KEPT_FILE, "", 0, "", "no");
    wasi_run_end(&run);
}

static void test_names_that_are_no_text_are_errors_of_their_entry(void **state)
{
    (void)state;
    struct wasi_run run;
    int fd = openat(tree.in_fd, "empty/\xff\xfe", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    path_tree_file(tree.in_fd, "empty/good", "");
    START(&run, READS(tree.in));
    assert_op(&run, "open-dir", 0, "empty", "ok");
    assert_op(&run, "list", KEPT_DIR, "", "ok illegal-byte-sequence: 1");
    wasi_run_end(&run);
}

static void test_descriptors_are_limited_and_given_back(void **state)
{
    (void)state;
    struct wasi_run run;
    unsigned before = path_tree_open_descriptors();
    START(&run, READS(tree.in));
    uint64_t first = WASI_CALL(&run, "exhaust", wasi_text("file"), wasi_number(1000)).of.u;
    assert_true(first > 100 && first < 256);
    assert_int_equal(WASI_CALL(&run, "exhaust", wasi_text("file"), wasi_number(1000)).of.u, first);
    assert_op(&run, "open", 0, "file", "ok");
    assert_op(&run, "open-dir", 0, "dir", "ok"); /* both still open at the end */
    wasi_run_end(&run);
    assert_int_equal(path_tree_open_descriptors(), before);
}

#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, make_tree, remove_tree)
static const struct CMUnitTest tests[] = {
    WITH_TREE(test_directories_without_grant_are_none),
    WITH_TREE(test_directories_that_do_not_open_are_left_out),
    WITH_TREE(test_grant_without_scope_is_the_root),
    WITH_TREE(test_read_only_means_no_mutation_of_any_kind),
    WITH_TREE(test_write_only_gives_no_content),
    WITH_TREE(test_nested_grants_have_their_own_rights),
    WITH_TREE(test_escapes_are_told_to_the_guard),
    WITH_TREE(test_content_by_calls_and_streams),
    WITH_TREE(test_descriptors_keep_to_what_they_were_opened_for),
    WITH_TREE(test_names_are_made_and_removed),
    WITH_TREE(test_identity_is_told_without_numbers),
    WITH_TREE(test_names_that_are_no_text_are_errors_of_their_entry),
    WITH_TREE(test_descriptors_are_limited_and_given_back),
};
TVN_TEST_MAIN_WITH("wasi.filesystem", tests, load, unload)
