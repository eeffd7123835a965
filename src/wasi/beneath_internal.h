/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Operations on paths beneath a directory descriptor, below the ABI: the one place where a guest's
 * path meets the kernel.
 *
 * The kernel alone decides whether a path stays beneath (openat2 with RESOLVE_BENEATH and
 * RESOLVE_NO_MAGICLINKS); no path is ever judged by its text. What has no *at2 form (mkdir, rename,
 * link, …) works on a descriptor of the parent that was opened that way and on one last component,
 * which is never "", ".", ".." and has no slash. What is opened is looked at first (O_PATH has no
 * side effects), so a fifo or a device is refused without being opened. procfs is refused
 * altogether: its plain files are the runtime's own memory and descriptors.
 *
 * Every function returns 0, an errno, or one of the negative refusals below. Without openat2
 * (ENOSYS, or a filter that forbids it) nothing opens. Threads: pure functions. Memory: none is
 * allocated.
 */
#include "base/compiler.h"
#include "base/str.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

enum tvn_beneath_refusal {
    TVN_BENEATH_OUTSIDE = -1, /* the path leads out of the directory */
    TVN_BENEATH_SPECIAL = -2, /* a fifo, socket or device, or something of procfs */
};

/* A path as the kernel takes it. */
struct tvn_beneath_path {
    char text[PATH_MAX];
};

struct tvn_beneath_open {
    bool read;
    bool write;
    bool create;
    bool exclusive;
    bool truncate; /* only with write */
    bool directory;
    bool follow;    /* a symbolic link as the last component */
    int sync_flags; /* O_SYNC, O_DSYNC */
};

// COLD PATH. ENOENT for an empty path, EINVAL for one with a NUL, ENAMETOOLONG.
TVN_NODISCARD int tvn_beneath_path_set(struct tvn_beneath_path *path, struct tvn_str text);

/*
 * COLD PATH. The directory that an absolute path names, for looking up only (O_PATH). No part of
 * the path may be a symbolic link (ELOOP): with a link, who can write above the directory would
 * decide what it is.
 */
TVN_NODISCARD int tvn_beneath_root(const char *path, int *out_fd);
/*
 * COLD PATH. Opens. Directories, and what is opened neither for reading nor writing, come back
 * as O_PATH descriptors, regular files ready for use and never blocking.
 */
TVN_NODISCARD int tvn_beneath_open(int dir, const struct tvn_beneath_path *path,
                                   const struct tvn_beneath_open *options, int *out_fd,
                                   struct stat *out_stat);
/* COLD PATH. A descriptor that lists the directory `dir` (itself O_PATH). */
TVN_NODISCARD int tvn_beneath_open_listing(int dir, int *out_fd);
// COLD PATH.
TVN_NODISCARD int tvn_beneath_stat(int dir, const struct tvn_beneath_path *path, bool follow,
                                   struct stat *out_stat);
TVN_NODISCARD int tvn_beneath_set_times(int dir, const struct tvn_beneath_path *path, bool follow,
                                        const struct timespec times[2]);
/* EINVAL when it is no link. Not NUL-terminated. */
TVN_NODISCARD int tvn_beneath_readlink(int dir, const struct tvn_beneath_path *path, char *buffer,
                                       size_t capacity, size_t *out_length);
TVN_NODISCARD int tvn_beneath_mkdir(int dir, const struct tvn_beneath_path *path);
TVN_NODISCARD int tvn_beneath_rmdir(int dir, const struct tvn_beneath_path *path);
TVN_NODISCARD int tvn_beneath_unlink(int dir, const struct tvn_beneath_path *path);
TVN_NODISCARD int tvn_beneath_symlink(const struct tvn_beneath_path *target, int dir,
                                      const struct tvn_beneath_path *path);
TVN_NODISCARD int tvn_beneath_rename(int dir, const struct tvn_beneath_path *path, int new_dir,
                                     const struct tvn_beneath_path *new_path);
TVN_NODISCARD int tvn_beneath_link(int dir, const struct tvn_beneath_path *path, bool follow,
                                   int new_dir, const struct tvn_beneath_path *new_path);
