/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A directory tree for tests of paths: "in" is what a guest may use, "outside" is beside it and
 * must never change. Links of every kind lead from one to the other.
 */
#include "tvn_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

struct path_tree {
    char root[64];
    char in[80];
    char outside[80];
    int root_fd;
    int in_fd;
    int outside_fd;
};

static inline void path_tree_file(int dir, const char *path, const char *content)
{
    int fd = openat(dir, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    close(fd);
}

static inline void path_tree_links(const struct path_tree *tree)
{
    static const char *const links[][2] = {
        {"file", "link-file"},
        {"dir", "link-dir"},
        {"../outside", "link-out"},
        {"../outside/secret", "link-out-file"},
        {"/etc/passwd", "link-absolute"},
        {"chain-2", "chain-1"},
        {"dir/chain-3", "chain-2"},
        {"../../outside/secret", "dir/chain-3"},
        {"loop-2", "loop-1"},
        {"loop-1", "loop-2"},
        {"../outside/new", "dangling-out"},
        {"made", "dangling-in"},
        {"..", "up"},
        {".", "here"},
        {"../..", "dir/up"},
        {"/proc/self/root", "link-magic"},
        {"/proc/self/fd", "link-fds"},
        {"dir/../../outside/secret", "link-sneaky"},
        {"/", "link-slash"},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(links); i++) {
        assert_int_equal(symlinkat(links[i][0], tree->in_fd, links[i][1]), 0);
    }
    assert_int_equal(symlinkat(tree->outside, tree->in_fd, "link-out-absolute"), 0);
}

static inline void path_tree_create(struct path_tree *tree)
{
    strcpy(tree->root, "/tmp/tvn-paths-XXXXXX");
    assert_non_null(mkdtemp(tree->root));
    snprintf(tree->in, sizeof(tree->in), "%s/in", tree->root);
    snprintf(tree->outside, sizeof(tree->outside), "%s/outside", tree->root);
    tree->root_fd = open(tree->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(tree->root_fd, "in", 0755), 0);
    assert_int_equal(mkdirat(tree->root_fd, "outside", 0755), 0);
    tree->in_fd = openat(tree->root_fd, "in", O_PATH | O_DIRECTORY | O_CLOEXEC);
    tree->outside_fd = openat(tree->root_fd, "outside", O_PATH | O_DIRECTORY | O_CLOEXEC);
    path_tree_file(tree->outside_fd, "secret", "secret");
    path_tree_file(tree->outside_fd, "victim", "victim");
    assert_int_equal(mkdirat(tree->outside_fd, "empty", 0755), 0);
    path_tree_file(tree->in_fd, "file", "inside");
    assert_int_equal(mkdirat(tree->in_fd, "dir", 0755), 0);
    assert_int_equal(mkdirat(tree->in_fd, "dir/deep", 0755), 0);
    assert_int_equal(mkdirat(tree->in_fd, "empty", 0755), 0);
    path_tree_file(tree->in_fd, "dir/file", "deeper");
    path_tree_links(tree);
    assert_int_equal(mkfifoat(tree->in_fd, "fifo", 0644), 0);
    assert_int_equal(mknodat(tree->in_fd, "socket", S_IFSOCK | 0644, 0), 0);
}

static inline int path_tree_remove_one(const char *path, const struct stat *info, int type,
                                       struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

static inline void path_tree_destroy(struct path_tree *tree)
{
    close(tree->in_fd);
    close(tree->outside_fd);
    close(tree->root_fd);
    assert_int_equal(nftw(tree->root, path_tree_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* Everything that a guest could have changed outside, as one text. */
static inline void path_tree_outside(const struct path_tree *tree, char *text, size_t capacity)
{
    size_t used = 0;
    int fd = openat(tree->outside_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    DIR *dir = fdopendir(fd);
    assert_non_null(dir);
    const struct dirent *entry;
    uint64_t names = 0;
    while ((entry = readdir(dir)) != NULL) {
        struct stat info;
        if (strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        assert_int_equal(fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW), 0);
        uint64_t sum = info.st_ino + (uint64_t)info.st_size * 31u + info.st_nlink * 131u +
                       info.st_mode * 1031u;
        sum += (uint64_t)info.st_mtim.tv_nsec + (uint64_t)info.st_mtim.tv_sec;
        for (const char *c = entry->d_name; *c; c++) {
            sum = sum * 33 + (unsigned char)*c;
        }
        names += sum; /* whatever the order */
    }
    closedir(dir);
    char content[16] = {0};
    fd = openat(tree->outside_fd, "secret", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && read(fd, content, sizeof(content) - 1) >= 0);
    close(fd);
    used = (size_t)snprintf(text, capacity, "%" PRIu64 " %s", names, content);
    assert_true(used < capacity);
}

static inline unsigned path_tree_open_descriptors(void)
{
    unsigned count = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir)) {
        count++;
    }
    closedir(dir);
    return count;
}
