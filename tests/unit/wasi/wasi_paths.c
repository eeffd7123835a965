/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations on paths beneath a directory, one a line: a letter for the operation, a path, and
 * after a tab a second path. The directory has a few files, and links that lead out; what is beside
 * it must stay as it is, whatever links the input makes itself, and nothing read may be the secret.
 */
#include "wasi_paths.h"

#include "wasi/beneath_internal.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPERATIONS_MAX 64

#define require(condition)                                                  \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                        \
        }                                                                   \
    } while (0)

static char root[] = "/tmp/tvn-fuzz-paths-XXXXXX";
static int root_fd = -1;
static int in_fd = -1;
static struct stat secret_before;
static struct stat outside_before;

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

static void remove_in(void)
{
    char path[sizeof(root) + 8];
    if (in_fd >= 0) {
        close(in_fd);
        in_fd = -1;
        snprintf(path, sizeof(path), "%s/in", root);
        require(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
    }
}

static void remove_all(void)
{
    remove_in();
    (void)nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void make_file(int dir, const char *name, const char *content)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    require(fd >= 0 && write(fd, content, strlen(content)) == (ssize_t)strlen(content));
    close(fd);
}

static void make_outside(void)
{
    require(mkdtemp(root));
    (void)atexit(remove_all);
    root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    require(mkdirat(root_fd, "outside", 0700) == 0);
    make_file(root_fd, "outside/secret", "secret");
    require(fstatat(root_fd, "outside/secret", &secret_before, 0) == 0);
    require(fstatat(root_fd, "outside", &outside_before, 0) == 0);
}

static void make_in(void)
{
    require(mkdirat(root_fd, "in", 0700) == 0);
    in_fd = openat(root_fd, "in", O_PATH | O_DIRECTORY | O_CLOEXEC);
    require(in_fd >= 0 && mkdirat(in_fd, "d", 0700) == 0);
    make_file(in_fd, "f", "file");
    make_file(in_fd, "d/g", "file");
    require(symlinkat("../outside", in_fd, "out") == 0);
    require(symlinkat("..", in_fd, "up") == 0);
    require(symlinkat("../outside/new", in_fd, "d/new") == 0);
    require(symlinkat("/", in_fd, "slash") == 0);
}

static void open_and_use(const struct tvn_beneath_path *path, bool create)
{
    const struct tvn_beneath_open options = {
        .read = true, .write = true, .create = create, .truncate = create, .follow = true};
    struct stat info;
    int fd = -1;
    char content[8] = {0};
    if (tvn_beneath_open(in_fd, path, &options, &fd, &info) == 0) {
        require(S_ISREG(info.st_mode) && info.st_ino != secret_before.st_ino);
        require(read(fd, content, sizeof(content) - 1) >= 0);
        require(strcmp(content, "secret") != 0);
        require(write(fd, "x", 1) == 1);
        close(fd);
    }
}

static int run(char operation, const struct tvn_beneath_path *path,
               const struct tvn_beneath_path *other)
{
    const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    struct stat info;
    char text[64];
    size_t length;
    switch (operation) {
    case 'o':
    case 'c':
        open_and_use(path, operation == 'c');
        return 0;
    case 'm':
        return tvn_beneath_mkdir(in_fd, path);
    case 'R':
        return tvn_beneath_rmdir(in_fd, path);
    case 'u':
        return tvn_beneath_unlink(in_fd, path);
    case 's':
        return tvn_beneath_symlink(other, in_fd, path);
    case 'r':
        return tvn_beneath_rename(in_fd, path, in_fd, other);
    case 'l':
    case 'L':
        return tvn_beneath_link(in_fd, path, operation == 'L', in_fd, other);
    case 't':
        return tvn_beneath_set_times(in_fd, path, true, times);
    case 'k':
        return tvn_beneath_readlink(in_fd, path, text, sizeof(text), &length);
    default:
        return tvn_beneath_stat(in_fd, path, true, &info);
    }
}

static void run_line(const char *line, size_t length)
{
    const char *tab = memchr(line, '\t', length);
    size_t first = tab ? (size_t)(tab - line) : length;
    struct tvn_beneath_path path;
    struct tvn_beneath_path other = {"f"};
    if (length == 0 || tvn_beneath_path_set(&path, (struct tvn_str){line + 1, first - 1}) != 0) {
        return;
    }
    if (tab && tvn_beneath_path_set(&other, (struct tvn_str){tab + 1, length - first - 1}) != 0) {
        return;
    }
    (void)run(line[0], &path, &other);
}

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_nlink == b->st_nlink &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

void wasi_paths_once(const uint8_t *data, size_t size)
{
    if (root_fd < 0) {
        make_outside();
    }
    make_in();
    const char *text = (const char *)data;
    for (int i = 0; size > 0 && i < OPERATIONS_MAX; i++) {
        const char *end = memchr(text, '\n', size);
        size_t length = end ? (size_t)(end - text) : size;
        if (length > 0 && text[0] != '\t') {
            run_line(text, length);
        }
        length = end ? length + 1 : length;
        text += length;
        size -= length;
    }
    struct stat secret;
    struct stat outside;
    require(fstatat(root_fd, "outside/secret", &secret, 0) == 0 && same(&secret, &secret_before));
    require(fstatat(root_fd, "outside", &outside, 0) == 0 && same(&outside, &outside_before));
    remove_in();
}
