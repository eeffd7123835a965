/* SPDX-License-Identifier: Apache-2.0 */
#include "types/sandbox.h"
#include "wasi/beneath_internal.h"
#include "wasi/landlock.h"

#include "path_tree.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define OUTSIDE TVN_BENEATH_OUTSIDE
#define SPECIAL TVN_BENEATH_SPECIAL

enum op {
    READ,
    READ_NOFOLLOW,
    WRITE,
    TRUNCATE,
    CREATE,
    CREATE_NEW,
    OPEN_DIRECTORY,
    STAT,
    LSTAT,
    TIMES,
    READLINK,
    MKDIR,
    RMDIR,
    UNLINK,
    SYMLINK,
    RENAME_FROM,
    RENAME_TO,
    LINK_FROM,
    LINK_FROM_FOLLOW,
    LINK_TO,
    OP_COUNT,
};

static const struct tvn_beneath_open open_options[] = {
    [READ] = {.read = true, .follow = true},
    [READ_NOFOLLOW] = {.read = true},
    [WRITE] = {.write = true, .follow = true},
    [TRUNCATE] = {.write = true, .truncate = true, .follow = true},
    [CREATE] = {.write = true, .create = true, .follow = true},
    [CREATE_NEW] = {.write = true, .create = true, .exclusive = true, .follow = true},
    [OPEN_DIRECTORY] = {.read = true, .directory = true, .follow = true},
};

static struct tvn_beneath_path path_from(const char *text)
{
    struct tvn_beneath_path path;
    assert_int_equal(tvn_beneath_path_set(&path, tvn_str_of(text)), 0);
    return path;
}

static int run_change(enum op op, int dir, const struct tvn_beneath_path *path)
{
    struct tvn_beneath_path other = path_from("target");
    struct tvn_beneath_path file = path_from("file");
    switch ((int)op) {
    case MKDIR:
        return tvn_beneath_mkdir(dir, path);
    case RMDIR:
        return tvn_beneath_rmdir(dir, path);
    case UNLINK:
        return tvn_beneath_unlink(dir, path);
    case SYMLINK:
        return tvn_beneath_symlink(&other, dir, path);
    case RENAME_FROM:
        return tvn_beneath_rename(dir, path, dir, &other);
    case RENAME_TO:
        return tvn_beneath_rename(dir, &file, dir, path);
    case LINK_FROM:
        return tvn_beneath_link(dir, path, false, dir, &other);
    case LINK_FROM_FOLLOW:
        return tvn_beneath_link(dir, path, true, dir, &other);
    default:
        return tvn_beneath_link(dir, &file, false, dir, path);
    }
}

static int run_op(enum op op, int dir, const char *text)
{
    struct tvn_beneath_path path = path_from(text);
    struct stat info;
    char buffer[PATH_MAX];
    size_t length;
    if (op <= OPEN_DIRECTORY) {
        int fd = -1;
        int error = tvn_beneath_open(dir, &path, &open_options[op], &fd, &info);
        assert_int_equal(fd >= 0, error == 0);
        if (fd >= 0) {
            close(fd);
        }
        return error;
    }
    switch ((int)op) {
    case STAT:
    case LSTAT:
        return tvn_beneath_stat(dir, &path, op == STAT, &info);
    case TIMES:
        return tvn_beneath_set_times(dir, &path, true,
                                     (const struct timespec[2]){{.tv_sec = 1}, {.tv_sec = 2}});
    case READLINK:
        return tvn_beneath_readlink(dir, &path, buffer, sizeof(buffer), &length);
    default:
        return run_change(op, dir, &path);
    }
}

struct row {
    enum op op;
    const char *path;
    int expected;
};

/* Confines this process to what a guest may do in the tree. */
static bool confine(const struct path_tree *tree)
{
    const struct tvn_grant grants[] = {
        {.capability = TVN_CAP_FILESYSTEM_READ, .scope = tree->in},
        {.capability = TVN_CAP_FILESYSTEM_WRITE, .scope = tree->in},
    };
    const struct tvn_sandbox sandbox = {.grants = grants, .grant_count = TVN_ARRAY_LEN(grants)};
    const struct tvn_sandbox *const sandboxes[] = {&sandbox};
    return tvn_wasi_landlock(sandboxes, 1) == TVN_OK;
}

static bool has_landlock(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 3;
}

/* The same in a child that Landlock confines: what it answers must not change. */
static int run_op_confined(const struct path_tree *tree, enum op op, int dir, const char *text)
{
    int ends[2];
    int error = INT_MAX;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        error = confine(tree) ? run_op(op, dir, text) : INT_MAX;
        _exit(write(ends[1], &error, sizeof(error)) == sizeof(error) ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(read(ends[0], &error, sizeof(error)), sizeof(error));
    close(ends[0]);
    close(ends[1]);
    return error;
}

static void run_row(const struct row *row, const char *base, bool confined)
{
    struct path_tree tree;
    char before[64];
    char after[64];
    path_tree_create(&tree);
    path_tree_outside(&tree, before, sizeof(before));
    unsigned descriptors = path_tree_open_descriptors();
    int dir = openat(tree.in_fd, base, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int error = confined ? run_op_confined(&tree, row->op, dir, row->path)
                         : run_op(row->op, dir, row->path);
    close(dir);
    if (error != row->expected) {
        fail_msg("op %d on '%s'%s is %d, expected %d", (int)row->op, row->path,
                 confined ? " confined" : "", error, row->expected);
    }
    path_tree_outside(&tree, after, sizeof(after));
    assert_string_equal(before, after);
    assert_int_equal(path_tree_open_descriptors(), descriptors);
    path_tree_destroy(&tree);
}

static void run_rows(const struct row *rows, size_t count, const char *base)
{
    for (size_t i = 0; i < count; i++) {
        run_row(&rows[i], base, false);
        if (has_landlock()) {
            run_row(&rows[i], base, true);
        }
    }
}

/* Each way out, for each operation that looks something up. */
static void test_every_operation_refuses_every_way_out(void **state)
{
    (void)state;
    static const char *const ways[] = {
        "..",
        "../outside/secret",
        "../outside/new",
        "./../outside/new",
        "dir/../../outside/new",
        "dir/../../in/file",
        "dir/deep/../../../outside/secret",
        "../in/file",
        "../../../../../../../../etc/passwd",
        "/etc/passwd",
        "/",
        "//",
        "/..",
        "//etc/passwd",
        "/tmp",
        "link-out/secret",
        "link-out/new",
        "link-out/empty",
        "link-out/../outside/secret",
        "link-out-absolute/secret",
        "link-slash/etc/passwd",
        "up/outside/secret",
        "up/outside/empty/",
        "dir/up/outside/secret",
        "here/up/outside/new",
        "here/../outside/new",
        "link-magic/etc/passwd",
        "link-fds/0",
        "up/..",
        "dir/../..",
        "empty/../../outside",
        "file/../../outside/secret",
    };
    struct path_tree tree;
    char before[64];
    char after[64];
    path_tree_create(&tree);
    path_tree_outside(&tree, before, sizeof(before));
    for (size_t i = 0; i < TVN_ARRAY_LEN(ways); i++) {
        for (enum op op = 0; op < OP_COUNT; op++) {
            int error = run_op(op, tree.in_fd, ways[i]);
            bool through_file = strncmp(ways[i], "file/", 5) == 0;
            if (error != OUTSIDE && !(through_file && error == ENOTDIR)) {
                fail_msg("op %d on '%s' is %d", (int)op, ways[i], error);
            }
        }
    }
    path_tree_outside(&tree, after, sizeof(after));
    assert_string_equal(before, after);
    path_tree_destroy(&tree);
}

/* The last component decides: following or not, links out, chains, loops, dangling ones. */
static const struct row link_rows[] = {
    {READ, "link-file", 0},
    {READ_NOFOLLOW, "link-file", ELOOP},
    {READ, "link-out-file", OUTSIDE},
    {READ_NOFOLLOW, "link-out-file", ELOOP},
    {WRITE, "link-out-file", OUTSIDE},
    {TRUNCATE, "link-out-file", OUTSIDE},
    {CREATE, "link-out-file", OUTSIDE},
    {CREATE_NEW, "link-out-file", EEXIST},
    {READ, "link-absolute", OUTSIDE},
    {STAT, "link-absolute", OUTSIDE},
    {LSTAT, "link-absolute", 0},
    {TIMES, "link-absolute", OUTSIDE},
    {READ, "chain-1", OUTSIDE},
    {TRUNCATE, "chain-1", OUTSIDE},
    {TIMES, "chain-1", OUTSIDE},
    {STAT, "chain-1", OUTSIDE},
    {READ, "loop-1", ELOOP},
    {STAT, "loop-2", ELOOP},
    {CREATE, "loop-1", ELOOP},
    {CREATE, "dangling-out", OUTSIDE},
    {CREATE_NEW, "dangling-out", EEXIST},
    {MKDIR, "dangling-out", EEXIST},
    {MKDIR, "dangling-out/", EEXIST},
    {SYMLINK, "dangling-out", EEXIST},
    {LINK_TO, "dangling-out", EEXIST},
    {CREATE, "dangling-in", 0},
    {READ, "dangling-in", ENOENT},
    {OPEN_DIRECTORY, "link-out", OUTSIDE},
    {OPEN_DIRECTORY, "link-out/", OUTSIDE},
    {OPEN_DIRECTORY, "link-out/.", OUTSIDE},
    {OPEN_DIRECTORY, "link-out-absolute", OUTSIDE},
    {OPEN_DIRECTORY, "up", OUTSIDE},
    {OPEN_DIRECTORY, "link-slash", OUTSIDE},
    {OPEN_DIRECTORY, "link-dir", 0},
    {STAT, "link-out", OUTSIDE},
    {STAT, "link-out/", OUTSIDE},
    {LSTAT, "link-out/", OUTSIDE},
    {TIMES, "link-out", OUTSIDE},
    {TIMES, "link-out/", OUTSIDE},
    {READLINK, "link-out", 0},
    {READLINK, "link-out/", OUTSIDE},
    {READLINK, "file", EINVAL},
    {RMDIR, "link-out", ENOTDIR},
    {RMDIR, "link-out/", ENOTDIR},
    {RMDIR, "link-out/empty", OUTSIDE},
    {RMDIR, "link-dir/", ENOTDIR},
    {UNLINK, "link-out", 0},
    {UNLINK, "link-out/", ENOTDIR},
    {UNLINK, "link-out/secret", OUTSIDE},
    {RENAME_FROM, "link-out", 0},
    {RENAME_FROM, "link-out/", ENOTDIR},
    {RENAME_TO, "link-out", 0},
    {RENAME_TO, "link-out/", ENOTDIR},
    {LINK_FROM, "link-out-file", 0},
    {LINK_FROM_FOLLOW, "link-out-file", OUTSIDE},
    {LINK_FROM_FOLLOW, "chain-1", OUTSIDE},
    {LINK_FROM_FOLLOW, "link-file", 0},
    {LINK_FROM, "link-out/", ENOTDIR},
    {LINK_TO, "link-out/", ENOENT},
    {SYMLINK, "link-out/", ENOENT},
    {READ, "link-sneaky", OUTSIDE},
    {READ, "link-magic", OUTSIDE},
    {OPEN_DIRECTORY, "link-fds", OUTSIDE},
};

/* Names: empty parts, dots, slashes, files used as directories, lengths. */
static const struct row name_rows[] = {
    {READ, ".//file", 0},
    {READ, "dir/../file", 0},
    {READ, "file/", ENOTDIR},
    {READ, "file/.", ENOTDIR},
    {READ, "file/..", ENOTDIR},
    {READ, "missing", ENOENT},
    {READ, "missing/../file", ENOENT},
    {WRITE, "dir", EISDIR},
    {WRITE, "dir/", EISDIR},
    {TRUNCATE, "dir", EISDIR},
    {CREATE, "new", 0},
    {CREATE, "new/", EISDIR},
    {CREATE, "missing/new", ENOENT},
    {CREATE_NEW, "file", EEXIST},
    {OPEN_DIRECTORY, "file", ENOTDIR},
    {OPEN_DIRECTORY, ".", 0},
    {OPEN_DIRECTORY, "dir/..", 0},
    {MKDIR, ".", EEXIST},
    {MKDIR, "dir/.", EEXIST},
    {MKDIR, "dir/..", EEXIST},
    {MKDIR, "new/", 0},
    {MKDIR, "new//", 0},
    {MKDIR, "file/new", ENOTDIR},
    {RMDIR, ".", EINVAL},
    {RMDIR, "dir/.", EINVAL},
    {RMDIR, "dir/..", EINVAL},
    {RMDIR, "dir", ENOTEMPTY},
    {RMDIR, "file", ENOTDIR},
    {RMDIR, "empty/", 0},
    {UNLINK, ".", EISDIR},
    {UNLINK, "dir/..", EISDIR},
    {UNLINK, "file/", ENOTDIR},
    {UNLINK, "empty/", EISDIR},
    {UNLINK, "missing/", ENOENT},
    {RENAME_FROM, ".", EBUSY},
    {RENAME_FROM, "dir/..", EBUSY},
    {RENAME_TO, ".", EBUSY},
    {RENAME_FROM, "file/", ENOTDIR},
    {RENAME_TO, "other/", ENOTDIR},
    {RENAME_FROM, "dir/", 0},
    {LINK_FROM, "dir", EPERM},
    {LINK_FROM, "dir/", EPERM},
    {LINK_FROM, "file/", ENOTDIR},
    {LINK_FROM, ".", EPERM},
    {LINK_TO, ".", EEXIST},
    {LINK_TO, "new/", ENOENT},
    {SYMLINK, ".", EEXIST},
    {SYMLINK, "new/", ENOENT},
    {READ, "fifo", SPECIAL},
    {WRITE, "fifo", SPECIAL},
    {CREATE, "fifo", SPECIAL},
    {TRUNCATE, "fifo", SPECIAL},
    {CREATE_NEW, "fifo", EEXIST},
    {STAT, "fifo", 0},
    {UNLINK, "fifo", 0},
    {READ, "socket", SPECIAL},
    {WRITE, "socket", SPECIAL},
};

/* A descriptor of a directory inside is as tight as the grant itself. */
static const struct row inner_rows[] = {
    {READ, "../file", OUTSIDE},       {READ, "..", OUTSIDE},      {OPEN_DIRECTORY, "..", OUTSIDE},
    {READ, "../dir/file", OUTSIDE},   {READ, "chain-3", OUTSIDE}, {READ, "up/in/file", OUTSIDE},
    {CREATE, "../new", OUTSIDE},      {MKDIR, "../new", OUTSIDE}, {UNLINK, "../file", OUTSIDE},
    {RENAME_TO, "../moved", OUTSIDE}, {READ, "deep/../file", 0},
};

static void test_links_are_followed_only_beneath(void **state)
{
    (void)state;
    run_rows(link_rows, TVN_ARRAY_LEN(link_rows), ".");
}

static void test_odd_names_do_what_they_should(void **state)
{
    (void)state;
    run_rows(name_rows, TVN_ARRAY_LEN(name_rows), ".");
}

static void test_inner_descriptors_are_roots(void **state)
{
    (void)state;
    run_rows(inner_rows, TVN_ARRAY_LEN(inner_rows), "dir");
}

static void test_path_set_refuses_what_the_kernel_would_cut(void **state)
{
    (void)state;
    struct tvn_beneath_path path;
    static char text[5000];
    memset(text, 'a', sizeof(text));
    assert_int_equal(tvn_beneath_path_set(&path, TVN_STR("")), ENOENT);
    assert_int_equal(tvn_beneath_path_set(&path, (struct tvn_str){"a\0/../../etc", 12}), EINVAL);
    assert_int_equal(tvn_beneath_path_set(&path, (struct tvn_str){"\0", 1}), EINVAL);
    assert_int_equal(tvn_beneath_path_set(&path, (struct tvn_str){text, 4096}), ENAMETOOLONG);
    assert_int_equal(tvn_beneath_path_set(&path, (struct tvn_str){text, 5000}), ENAMETOOLONG);
    assert_int_equal(tvn_beneath_path_set(&path, (struct tvn_str){text, 4095}), 0);
    assert_int_equal(strlen(path.text), 4095);
}

static void test_long_names_are_refused(void **state)
{
    (void)state;
    struct path_tree tree;
    path_tree_create(&tree);
    char name[4096];
    memset(name, 'n', sizeof(name));
    name[4095] = '\0';
    for (enum op op = 0; op < OP_COUNT; op++) {
        assert_int_equal(run_op(op, tree.in_fd, name), ENAMETOOLONG);
    }
    name[256] = '\0';
    for (enum op op = 0; op < OP_COUNT; op++) {
        assert_int_equal(run_op(op, tree.in_fd, name), ENAMETOOLONG);
    }
    for (size_t i = 0; i + 2 < sizeof(name); i += 2) {
        memcpy(name + i, "./", 3);
    }
    assert_int_equal(run_op(OPEN_DIRECTORY, tree.in_fd, name), 0);
    assert_int_equal(run_op(MKDIR, tree.in_fd, name), EEXIST);
    path_tree_destroy(&tree);
}

static void test_device_is_never_opened(void **state)
{
    (void)state;
    struct path_tree tree;
    path_tree_create(&tree);
    if (mknodat(tree.in_fd, "null", S_IFCHR | 0666, makedev(1, 3)) == 0) {
        assert_int_equal(run_op(READ, tree.in_fd, "null"), SPECIAL);
        assert_int_equal(run_op(WRITE, tree.in_fd, "null"), SPECIAL);
        assert_int_equal(run_op(CREATE, tree.in_fd, "null"), SPECIAL);
        assert_int_equal(run_op(STAT, tree.in_fd, "null"), 0);
    }
    path_tree_destroy(&tree);
    int slash = -1;
    assert_int_equal(tvn_beneath_root("/dev", &slash), 0);
    assert_int_equal(run_op(READ, slash, "null"), SPECIAL);
    assert_int_equal(run_op(WRITE, slash, "null"), SPECIAL);
    close(slash);
}

/* Its plain files are the runtime's memory: no grant may reach them, "/" included. */
static void test_procfs_is_refused_even_beneath_the_root(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "proc/self/mem",
        "proc/self/environ",
        "proc/self/maps",
        "proc/self/fd/0",
        "proc/self/fd",
        "proc",
        "proc/self/cwd",
        "proc/self/root/etc/passwd",
        "proc/self/exe",
        "proc/version",
        "proc/sys/kernel/core_pattern",
        "tmp/../proc/self",
        "proc/thread-self",
    };
    int slash = -1;
    assert_int_equal(tvn_beneath_root("/", &slash), 0);
    for (size_t i = 0; i < TVN_ARRAY_LEN(paths); i++) {
        for (enum op op = 0; op < OP_COUNT; op++) {
            if (op >= MKDIR && strchr(paths[i], '/') == NULL) {
                continue; /* the mount point itself is the root's */
            }
            int error = run_op(op, slash, paths[i]);
            if (error != SPECIAL && error != OUTSIDE && error != EEXIST && error != ENOENT) {
                fail_msg("op %d on '%s' is %d", (int)op, paths[i], error);
            }
        }
        assert_int_not_equal(run_op(READ, slash, paths[i]), 0);
        assert_int_not_equal(run_op(WRITE, slash, paths[i]), 0);
    }
    close(slash);
    int proc = -1;
    assert_int_equal(tvn_beneath_root("/proc", &proc), SPECIAL);
    assert_int_equal(tvn_beneath_root("/proc/self/task", &proc), ELOOP);
    assert_int_equal(proc, -1);
}

static void test_root_takes_no_links_and_no_files(void **state)
{
    (void)state;
    struct path_tree tree;
    path_tree_create(&tree);
    char path[256];
    int fd = -1;
    snprintf(path, sizeof(path), "%s/link-dir", tree.in);
    assert_int_equal(tvn_beneath_root(path, &fd), ELOOP);
    snprintf(path, sizeof(path), "%s/link-out/empty", tree.in);
    assert_int_equal(tvn_beneath_root(path, &fd), ELOOP);
    snprintf(path, sizeof(path), "%s/file", tree.in);
    assert_int_equal(tvn_beneath_root(path, &fd), ENOTDIR);
    snprintf(path, sizeof(path), "%s/missing", tree.in);
    assert_int_equal(tvn_beneath_root(path, &fd), ENOENT);
    assert_int_equal(fd, -1);
    assert_int_equal(tvn_beneath_root(tree.in, &fd), 0);
    close(fd);
    path_tree_destroy(&tree);
}

static void test_rename_and_link_work_between_directories(void **state)
{
    (void)state;
    struct path_tree tree;
    path_tree_create(&tree);
    int dir = openat(tree.in_fd, "dir", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct tvn_beneath_path file = path_from("file");
    struct tvn_beneath_path moved = path_from("deep/moved");
    struct tvn_beneath_path out = path_from("../moved");
    assert_int_equal(tvn_beneath_rename(tree.in_fd, &file, dir, &out), OUTSIDE);
    assert_int_equal(tvn_beneath_link(tree.in_fd, &file, false, dir, &out), OUTSIDE);
    assert_int_equal(tvn_beneath_link(tree.in_fd, &file, false, dir, &moved), 0);
    assert_int_equal(run_op(READ, tree.in_fd, "dir/deep/moved"), 0);
    assert_int_equal(tvn_beneath_unlink(dir, &moved), 0);
    assert_int_equal(tvn_beneath_rename(tree.in_fd, &file, dir, &moved), 0);
    assert_int_equal(run_op(READ, tree.in_fd, "file"), ENOENT);
    assert_int_equal(run_op(READ, tree.in_fd, "dir/deep/moved"), 0);
    close(dir);
    path_tree_destroy(&tree);
}

/* Without the path layer: the wall stands by itself. */
static void test_landlock_forbids_what_is_outside(void **state)
{
    (void)state;
    struct path_tree tree;
    path_tree_create(&tree);
    if (has_landlock()) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            int wrong = confine(&tree) ? 0 : 1000;
            wrong += openat(tree.outside_fd, "secret", O_RDONLY | O_CLOEXEC) >= 0;
            wrong += openat(tree.in_fd, "link-out-file", O_WRONLY | O_CLOEXEC) >= 0;
            wrong += openat(tree.outside_fd, "new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0;
            wrong += unlinkat(tree.outside_fd, "secret", 0) == 0;
            wrong += renameat(tree.in_fd, "file", tree.outside_fd, "file") == 0;
            wrong += openat(tree.in_fd, "fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC) < 0;
            wrong += openat(tree.in_fd, "dir/file", O_RDWR | O_TRUNC | O_CLOEXEC) < 0;
            wrong += renameat(tree.in_fd, "file", tree.in_fd, "dir/moved") != 0;
            _exit(wrong == 0 ? 0 : 1);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    path_tree_destroy(&tree);
}

/* ---- a second writer that swaps a directory and a link out of the tree ---- */

#define RACE_TRIES 20000

struct race {
    const struct path_tree *tree;
    _Atomic bool stop;
};

static void *swap_all_the_time(void *context)
{
    struct race *race = context;
    while (!atomic_load(&race->stop)) {
        (void)renameat2(race->tree->in_fd, "swap", race->tree->in_fd, "link-out", RENAME_EXCHANGE);
    }
    return NULL;
}

static bool is_secret(int dir, const char *text)
{
    struct tvn_beneath_path path = path_from(text);
    struct stat info;
    int fd = -1;
    char content[16] = {0};
    if (tvn_beneath_open(dir, &path, &open_options[READ], &fd, &info) != 0) {
        return false;
    }
    ssize_t got = S_ISREG(info.st_mode) ? read(fd, content, sizeof(content) - 1) : 0;
    close(fd);
    assert_true(got >= 0);
    return strcmp(content, "secret") == 0;
}

static void test_swapping_a_directory_and_a_link_wins_nothing(void **state)
{
    (void)state;
    static const enum op ops[] = {CREATE, TRUNCATE, TIMES,   MKDIR,       RMDIR,
                                  UNLINK, SYMLINK,  LINK_TO, RENAME_FROM, RENAME_TO};
    struct path_tree tree;
    char before[64];
    char after[64];
    path_tree_create(&tree);
    assert_int_equal(mkdirat(tree.in_fd, "swap", 0755), 0);
    path_tree_outside(&tree, before, sizeof(before));
    struct race race = {.tree = &tree};
    pthread_t swapper;
    assert_int_equal(pthread_create(&swapper, NULL, swap_all_the_time, &race), 0);
    unsigned reached = 0;
    for (int i = 0; i < RACE_TRIES; i++) {
        assert_false(is_secret(tree.in_fd, "swap/secret"));
        int error = run_op(ops[(size_t)i % TVN_ARRAY_LEN(ops)], tree.in_fd, "swap/secret");
        reached += error != OUTSIDE;
        assert_int_not_equal(run_op(READ, tree.in_fd, "swap/../../outside/secret"), 0);
    }
    atomic_store(&race.stop, true);
    pthread_join(swapper, NULL);
    assert_true(reached > 0); /* both sides of the race were seen */
    path_tree_outside(&tree, after, sizeof(after));
    assert_string_equal(before, after);
    path_tree_destroy(&tree);
}

/* ---- a kernel without openat2 ---- */

static bool forbid_openat2(int error)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {.len = TVN_ARRAY_LEN(program), .filter = program};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

static void test_without_openat2_nothing_opens(void **state)
{
    (void)state;
    struct path_tree tree;
    path_tree_create(&tree);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int fd = -1;
        int wrong = forbid_openat2(ENOSYS) ? 0 : 1000;
        wrong += tvn_beneath_root(tree.in, &fd) != ENOSYS;
        for (enum op op = 0; op < OP_COUNT; op++) {
            wrong += run_op(op, tree.in_fd, "dir/file") != ENOSYS;
        }
        _exit(wrong == 0 ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    path_tree_destroy(&tree);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_operation_refuses_every_way_out),
    cmocka_unit_test(test_links_are_followed_only_beneath),
    cmocka_unit_test(test_odd_names_do_what_they_should),
    cmocka_unit_test(test_inner_descriptors_are_roots),
    cmocka_unit_test(test_path_set_refuses_what_the_kernel_would_cut),
    cmocka_unit_test(test_long_names_are_refused),
    cmocka_unit_test(test_device_is_never_opened),
    cmocka_unit_test(test_procfs_is_refused_even_beneath_the_root),
    cmocka_unit_test(test_root_takes_no_links_and_no_files),
    cmocka_unit_test(test_rename_and_link_work_between_directories),
    cmocka_unit_test(test_landlock_forbids_what_is_outside),
    cmocka_unit_test(test_swapping_a_directory_and_a_link_wins_nothing),
    cmocka_unit_test(test_without_openat2_nothing_opens),
};
TVN_TEST_MAIN("wasi.beneath", tests)
