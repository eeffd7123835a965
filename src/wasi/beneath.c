/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/file.h"
#include "wasi/beneath_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* The kernel answers EAGAIN when it cannot tell whether ".." stayed beneath, because something was
 * renamed meanwhile. */
#define AGAIN_MAX 64
/* A file that others create and remove while we look and create. */
#define CREATE_TRIES_MAX 8
#define FILE_MODE        0666
#define DIRECTORY_MODE   0777
#define USE_FLAGS        (O_CLOEXEC | O_NOCTTY)

int tvn_beneath_path_set(struct tvn_beneath_path *path, struct tvn_str text)
{
    if (text.len == 0) {
        return ENOENT;
    }
    if (text.len >= sizeof(path->text)) {
        return ENAMETOOLONG;
    }
    if (memchr(text.ptr, '\0', text.len)) {
        return EINVAL;
    }
    memcpy(path->text, text.ptr, text.len);
    path->text[text.len] = '\0';
    return 0;
}

static int open_how(int dir, const char *path, int flags, mode_t mode, uint64_t resolve,
                    int *out_fd)
{
    flags |= flags & O_PATH ? O_CLOEXEC : USE_FLAGS; /* openat2 refuses what has no meaning */
    struct open_how how = {.flags = (uint64_t)(unsigned)flags, .mode = mode, .resolve = resolve};
    for (int i = 0;; i++) {
        long fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
        if (fd >= 0) {
            *out_fd = (int)fd;
            return 0;
        }
        if ((errno != EAGAIN && errno != EINTR) || i >= AGAIN_MAX) {
            return errno;
        }
    }
}

/* openat2 beneath `dir`, with what leads out told from other failures. */
static int open_beneath(int dir, const char *path, int flags, mode_t mode, int *out_fd)
{
    int error = open_how(dir, path, flags, mode, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS, out_fd);
    if (error == ELOOP) {
        /* A magic link or only a loop? RESOLVE_BENEATH alone refuses magic links too, as EXDEV. */
        int fd = -1;
        int again = open_how(dir, path, O_PATH | (flags & O_NOFOLLOW), 0, RESOLVE_BENEATH, &fd);
        tvn_fd_close(&fd);
        error = again == EXDEV ? EXDEV : error;
    }
    return error == EXDEV ? TVN_BENEATH_OUTSIDE : error;
}

static int refuse_procfs(int fd)
{
    struct statfs info;
    if (fstatfs(fd, &info) != 0) {
        return errno;
    }
    return info.f_type == PROC_SUPER_MAGIC ? TVN_BENEATH_SPECIAL : 0;
}

/* What the path names, without opening it. */
static int look_up(int dir, const char *path, int flags, int *out_fd)
{
    int fd = -1;
    int error = open_beneath(dir, path, O_PATH | flags, 0, &fd);
    if (error != 0) {
        return error;
    }
    tvn_assert(fd >= 0);
    error = refuse_procfs(fd);
    if (error != 0) {
        tvn_fd_close(&fd);
        return error;
    }
    *out_fd = fd;
    return 0;
}

int tvn_beneath_root(const char *path, int *out_fd)
{
    int fd = -1;
    int error = open_how(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0, RESOLVE_NO_SYMLINKS, &fd);
    if (error == 0) {
        error = refuse_procfs(fd);
    }
    if (error != 0) {
        tvn_fd_close(&fd);
        return error;
    }
    *out_fd = fd;
    return 0;
}

/* ---- opening ---- */

static int access_flags(const struct tvn_beneath_open *options)
{
    int flags = options->write ? (options->read ? O_RDWR : O_WRONLY) : O_RDONLY;
    return flags | O_NONBLOCK | options->sync_flags | (options->truncate ? O_TRUNC : 0);
}

/* The kernel's name of an open descriptor: the very object, whatever its path is by now. */
struct fd_path {
    char text[32];
};
static struct fd_path path_of_fd(int fd)
{
    struct fd_path path;
    snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", fd);
    return path;
}

/* Opens for use what was looked up as `fd`; takes `fd`. */
static int open_found(int fd, const struct tvn_beneath_open *options, int *out_fd,
                      struct stat *out_stat)
{
    int error = fstat(fd, out_stat) == 0 ? 0 : errno;
    mode_t type = error == 0 ? out_stat->st_mode & S_IFMT : 0;
    bool use = options->read || options->write;
    if (error != 0) {
    } else if (type == S_IFLNK) {
        error = ELOOP;
    } else if (type == S_IFDIR) {
        error = options->write ? EISDIR : 0;
    } else if (options->directory) {
        error = ENOTDIR;
    } else if (type != S_IFREG && use) {
        error = TVN_BENEATH_SPECIAL;
    } else if (use) {
        struct fd_path path = path_of_fd(fd);
        int used = open(path.text, access_flags(options) | USE_FLAGS);
        error = used >= 0 ? 0 : errno;
        error = error == ENOENT ? EIO : error; /* no procfs: the file itself is there */
        tvn_fd_close(&fd);
        fd = used;
    }
    if (error != 0) {
        tvn_fd_close(&fd);
        return error;
    }
    *out_fd = fd;
    return 0;
}

static int create_file(int dir, const char *path, const struct tvn_beneath_open *options,
                       int nofollow, int *out_fd, struct stat *out_stat)
{
    int fd = -1;
    int flags = access_flags(options) | nofollow | O_CREAT | (options->exclusive ? O_EXCL : 0);
    int error = open_beneath(dir, path, flags, FILE_MODE, &fd);
    if (error != 0) {
        return error;
    }
    if (fstat(fd, out_stat) != 0) {
        error = errno;
    } else if (!S_ISREG(out_stat->st_mode)) {
        error = TVN_BENEATH_SPECIAL; /* came there after we looked */
    } else {
        error = refuse_procfs(fd);
    }
    if (error != 0) {
        tvn_fd_close(&fd);
        return error;
    }
    *out_fd = fd;
    return 0;
}

int tvn_beneath_open(int dir, const struct tvn_beneath_path *path,
                     const struct tvn_beneath_open *options, int *out_fd, struct stat *out_stat)
{
    if ((options->truncate && !options->write) || (options->create && options->directory) ||
        (options->exclusive && !options->create)) {
        return EINVAL;
    }
    int nofollow = options->follow ? 0 : O_NOFOLLOW;
    int error = ENOENT;
    for (int i = 0; i < CREATE_TRIES_MAX; i++) {
        int found = -1;
        if (!options->exclusive) {
            error = look_up(dir, path->text, nofollow, &found);
        }
        if (found >= 0) {
            return open_found(found, options, out_fd, out_stat);
        }
        if (error != ENOENT || !options->create) {
            return error;
        }
        error = create_file(dir, path->text, options, nofollow, out_fd, out_stat);
        if (error != ENOENT || options->exclusive) {
            return error;
        }
    }
    return error;
}

int tvn_beneath_open_listing(int dir, int *out_fd)
{
    return open_beneath(dir, ".", O_RDONLY | O_DIRECTORY, 0, out_fd);
}

/* ---- looking ---- */

int tvn_beneath_stat(int dir, const struct tvn_beneath_path *path, bool follow,
                     struct stat *out_stat)
{
    int fd = -1;
    int error = look_up(dir, path->text, follow ? 0 : O_NOFOLLOW, &fd);
    if (error == 0 && fstat(fd, out_stat) != 0) {
        error = errno;
    }
    tvn_fd_close(&fd);
    return error;
}

int tvn_beneath_set_times(int dir, const struct tvn_beneath_path *path, bool follow,
                          const struct timespec times[2])
{
    int fd = -1;
    int error = look_up(dir, path->text, follow ? 0 : O_NOFOLLOW, &fd);
    if (error == 0 && utimensat(fd, "", times, AT_EMPTY_PATH) != 0) {
        error = errno;
    }
    tvn_fd_close(&fd);
    return error;
}

int tvn_beneath_readlink(int dir, const struct tvn_beneath_path *path, char *buffer,
                         size_t capacity, size_t *out_length)
{
    int fd = -1;
    int error = look_up(dir, path->text, O_NOFOLLOW, &fd);
    if (error != 0) {
        return error;
    }
    ssize_t length = readlinkat(fd, "", buffer, capacity);
    if (length < 0) {
        error = errno == ENOENT ? EINVAL : errno; /* the kernel's word for "this is no link" */
    } else if ((size_t)length == capacity) {
        error = ENAMETOOLONG;
    } else {
        *out_length = (size_t)length;
    }
    tvn_fd_close(&fd);
    return error;
}

/* ---- changing: the parent and a last component ---- */

struct place {
    int dir;
    bool dir_is_ours;
    bool slash; /* the path ended in one: it asks for a directory */
    char name[NAME_MAX + 1];
};

static void place_release(struct place *place)
{
    if (place->dir_is_ours) {
        tvn_fd_close(&place->dir);
    }
}

/* "." and ".." as the last component: out, or the answer of the operation. */
static int refuse_dots(int dir, const char *path, int answer)
{
    int fd = -1;
    int error = look_up(dir, path, 0, &fd);
    tvn_fd_close(&fd);
    return error == 0 ? answer : error;
}

static size_t without_slashes(const char *text, size_t length)
{
    while (length > 0 && text[length - 1] == '/') {
        length--;
    }
    return length;
}

/* dots: the answer for a path that ends in "." or "..". */
static int place_find(int dir, const struct tvn_beneath_path *path, int dots, struct place *place)
{
    *place = (struct place){.dir = dir};
    size_t total = strlen(path->text);
    size_t end = without_slashes(path->text, total);
    place->slash = end < total;
    if (end == 0) {
        return TVN_BENEATH_OUTSIDE; /* "/": what is absolute is never beneath */
    }
    const char *slash = memrchr(path->text, '/', end);
    size_t start = slash ? (size_t)(slash - path->text) + 1 : 0;
    size_t length = end - start;
    if (length >= sizeof(place->name)) {
        return ENAMETOOLONG;
    }
    memcpy(place->name, path->text + start, length);
    place->name[length] = '\0';
    if (strcmp(place->name, ".") == 0 || strcmp(place->name, "..") == 0) {
        return refuse_dots(dir, path->text, dots);
    }
    int fd = -1;
    int error;
    if (start > 0) {
        struct tvn_beneath_path parent;
        memcpy(parent.text, path->text, start);
        parent.text[start] = '\0';
        error = look_up(dir, parent.text, O_DIRECTORY, &fd);
    } else {
        return refuse_procfs(dir);
    }
    if (error == 0) {
        place->dir = fd;
        place->dir_is_ours = true;
    }
    return error;
}

/* For operations that a trailing slash asks more of: what is there must be a directory. */
static int require_directory(const struct place *place)
{
    struct stat info;
    if (fstatat(place->dir, place->name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno;
    }
    return S_ISDIR(info.st_mode) ? 0 : ENOTDIR;
}

int tvn_beneath_mkdir(int dir, const struct tvn_beneath_path *path)
{
    struct place place;
    int error = place_find(dir, path, EEXIST, &place);
    if (error == 0 && mkdirat(place.dir, place.name, DIRECTORY_MODE) != 0) {
        error = errno;
    }
    place_release(&place);
    return error;
}

int tvn_beneath_rmdir(int dir, const struct tvn_beneath_path *path)
{
    struct place place;
    int error = place_find(dir, path, EINVAL, &place);
    if (error == 0 && unlinkat(place.dir, place.name, AT_REMOVEDIR) != 0) {
        error = errno;
    }
    place_release(&place);
    return error;
}

int tvn_beneath_unlink(int dir, const struct tvn_beneath_path *path)
{
    struct place place;
    int error = place_find(dir, path, EISDIR, &place);
    if (error == 0 && place.slash) {
        error = require_directory(&place);
        error = error == 0 ? EISDIR : error;
    }
    if (error == 0 && unlinkat(place.dir, place.name, 0) != 0) {
        error = errno;
    }
    place_release(&place);
    return error;
}

int tvn_beneath_symlink(const struct tvn_beneath_path *target, int dir,
                        const struct tvn_beneath_path *path)
{
    struct place place;
    int error = place_find(dir, path, EEXIST, &place);
    if (error == 0 && place.slash) {
        error = ENOENT;
    }
    if (error == 0 && symlinkat(target->text, place.dir, place.name) != 0) {
        error = errno;
    }
    place_release(&place);
    return error;
}

int tvn_beneath_rename(int dir, const struct tvn_beneath_path *path, int new_dir,
                       const struct tvn_beneath_path *new_path)
{
    struct place from;
    struct place to = {.dir = -1};
    int error = place_find(dir, path, EBUSY, &from);
    if (error == 0) {
        error = place_find(new_dir, new_path, EBUSY, &to);
    }
    if (error == 0 && (from.slash || to.slash)) {
        error = require_directory(&from);
    }
    if (error == 0 && renameat(from.dir, from.name, to.dir, to.name) != 0) {
        error = errno;
    }
    place_release(&from);
    place_release(&to);
    return error;
}

/* The link's target after following: the object itself, through its descriptor. */
static int link_followed(int dir, const struct tvn_beneath_path *path, const struct place *to)
{
    int fd = -1;
    int error = look_up(dir, path->text, 0, &fd);
    if (error == 0) {
        struct fd_path source = path_of_fd(fd);
        error =
            linkat(AT_FDCWD, source.text, to->dir, to->name, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
    }
    tvn_fd_close(&fd);
    return error;
}

int tvn_beneath_link(int dir, const struct tvn_beneath_path *path, bool follow, int new_dir,
                     const struct tvn_beneath_path *new_path)
{
    struct place from = {.dir = -1};
    struct place to;
    int error = place_find(new_dir, new_path, EEXIST, &to);
    if (error == 0 && to.slash) {
        error = ENOENT;
    }
    if (error == 0 && follow) {
        error = link_followed(dir, path, &to);
    } else if (error == 0) {
        error = place_find(dir, path, EPERM, &from);
        if (error == 0 && from.slash) {
            error = require_directory(&from);
            error = error == 0 ? EPERM : error;
        }
        if (error == 0 && linkat(from.dir, from.name, to.dir, to.name, 0) != 0) {
            error = errno;
        }
    }
    place_release(&from);
    place_release(&to);
    return error;
}
