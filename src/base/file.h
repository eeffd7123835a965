/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Files, whole and bounded. Every descriptor is O_CLOEXEC. */
#include "base/compiler.h"
#include "base/status.h"
#include "base/str.h"

#include <stdint.h>

struct tvn_file_bytes {
    uint8_t *ptr; /* owned; one NUL beyond len */
    size_t len;
};
void tvn_file_bytes_deinit(struct tvn_file_bytes *bytes);
TVN_DEFINE_CLEANUP_VALUE(tvn_file_bytes, tvn_file_bytes_deinit)

/*
 * COLD PATH. Reads a regular file or pipe of at most max_bytes. On failure errno says why:
 * TVN_NOT_FOUND for ENOENT/ENOTDIR, TVN_FULL beyond max_bytes, TVN_E_IO_ERROR else,
 * TVN_E_OUT_OF_MEMORY.
 */
TVN_NODISCARD enum tvn_status tvn_file_read(const char *path, size_t max_bytes,
                                            struct tvn_file_bytes *out_bytes);
/*
 * COLD PATH. The same for a regular file only, for paths that somebody else wrote: a pipe could
 * keep its reader for ever. What is no file is TVN_E_IO_ERROR at once, with errno EISDIR or
 * ENOTSUP.
 */
TVN_NODISCARD enum tvn_status tvn_file_read_regular(const char *path, size_t max_bytes,
                                                    struct tvn_file_bytes *out_bytes);
/* Writes all of it, going on after EINTR and short writes; waits for a non-blocking descriptor.
 * TVN_E_IO_ERROR, errno. */
TVN_NODISCARD enum tvn_status tvn_fd_write_all(int fd, const void *bytes, size_t length);
/*
 * The same for a reader that may be gone: errno is ETIMEDOUT when there is no room for
 * `patience_ns`. A blocking descriptor is asked before each write: a pipe, a terminal or a file
 * then keeps nobody waiting.
 */
TVN_NODISCARD enum tvn_status tvn_fd_write_patiently(int fd, const void *bytes, size_t length,
                                                     uint64_t patience_ns);
/* COLD PATH. Makes the folders above `path`. TVN_E_IO_ERROR (errno), TVN_E_OUT_OF_MEMORY. */
TVN_NODISCARD enum tvn_status tvn_file_make_folders(const char *path);
/*
 * COLD PATH. A file with this content, whole or not at all: written beside its place, then renamed.
 * What stood there is replaced, a link is not followed. TVN_E_IO_ERROR (errno),
 * TVN_E_OUT_OF_MEMORY (errno ENOMEM).
 */
TVN_NODISCARD enum tvn_status tvn_file_replace(const char *path, struct tvn_str content);
/* The same, with the folders that it needs. */
TVN_NODISCARD enum tvn_status tvn_file_put(const char *path, struct tvn_str content);
bool tvn_file_exists(const char *path);
/* Joins with one slash; an absolute `name` wins. Heap string or NULL when memory is exhausted. */
TVN_NODISCARD char *tvn_path_join(const char *directory, const char *name);
/* "." for a bare name; heap string or NULL. */
TVN_NODISCARD char *tvn_path_dirname(const char *path);
/* Sets *fd to -1 after closing; -1 is allowed. */
void tvn_fd_close(int *fd);
