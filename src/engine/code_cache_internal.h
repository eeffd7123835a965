/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Files of the code cache; private to code_cache*.c and their tests. */
#include "engine/code_cache.h"

#include <assert.h>
#include <stddef.h>

#define TVN_CODE_SECRET_BYTES 32
#define TVN_CODE_SECRET_NAME  "code.secret"
#define TVN_CODE_TEMP_PREFIX  ".new-"
#define TVN_CODE_TEMP_BYTES   48

struct tvn_code_cache {
    int directory_fd;
    uint64_t max_bytes;
    uint8_t secret[TVN_CODE_SECRET_BYTES];
};

/* Behind the code in every file. */
struct tvn_code_trailer {
    char magic[8];
    uint64_t code_length;
    struct tvn_sha256 mac; /* of magic, name, length and code */
};
static_assert(sizeof(struct tvn_code_trailer) == 48, "no padding in the file");

/* Opens a directory that is this user's, making it and its parents; refuses one with any of
 * `forbidden_mode`. TVN_NOT_FOUND when it cannot be had, TVN_EXISTS when it is not
 * private; errno is of no use then. */
TVN_NODISCARD enum tvn_status tvn_code_open_directory(const char *path, unsigned forbidden_mode,
                                                      int *out_fd);
/* Opens a regular file of this user with mode 0600, not through a link. TVN_NOT_FOUND when there is
 * none, TVN_EXISTS when it is something else. */
TVN_NODISCARD enum tvn_status tvn_code_open_file(int directory_fd, const char *name, int *out_fd,
                                                 uint64_t *out_length);
/* A new file with mode 0600 under a name of its own. */
TVN_NODISCARD enum tvn_status tvn_code_create_temp(int directory_fd,
                                                   char out_name[TVN_CODE_TEMP_BYTES], int *out_fd);
/* The user's secret, made at first use. Statuses as tvn_code_open_directory. */
TVN_NODISCARD enum tvn_status tvn_code_read_secret(const char *directory,
                                                   uint8_t out_secret[TVN_CODE_SECRET_BYTES]);
