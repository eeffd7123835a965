/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Values of wasi:filesystem: error codes, types, stat, times. Pure, but for the arena. */
#include "component/value.h"

#include <stdbool.h>
#include <sys/stat.h>

// COLD PATH. The case of error-code for an errno.
uint32_t tvn_wasi_filesystem_code(int error);
/* descriptor-type of an st_mode. */
struct tvn_value tvn_wasi_file_type(mode_t mode);
/* descriptor-stat; false when memory is exhausted. */
TVN_NODISCARD bool tvn_wasi_file_stat(struct tvn_arena *arena, const struct stat *info,
                                      struct tvn_value *out_value);
/* metadata-hash-value: of device and inode, with a key of this process; the same as long as the
 * object is the same, which is what guests compare it for. */
TVN_NODISCARD bool tvn_wasi_file_hash(struct tvn_arena *arena, const struct stat *info,
                                      struct tvn_value *out_value);
/* new-timestamp as utimensat takes it; 0, EINVAL, EOVERFLOW. */
TVN_NODISCARD int tvn_wasi_file_time(const struct tvn_value *value, struct timespec *out_time);
