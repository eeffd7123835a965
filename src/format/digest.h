/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * SHA-256, plain and keyed, over bytes that need not lie together, and its hexadecimal form; and
 * SHA3-256. Over OpenSSL's libcrypto, which nobody else includes.
 *
 * Threads: any. Memory: nothing is kept. Failing means that memory is exhausted.
 */
#include "base/status.h"
#include "base/str.h"

#include <stdint.h>

#define TVN_SHA256_BYTES      32
#define TVN_SHA256_TEXT_BYTES (2 * TVN_SHA256_BYTES + 1) /* lower case, with NUL */

#define TVN_SHA3_256_BYTES 32

struct tvn_sha256 {
    uint8_t bytes[TVN_SHA256_BYTES];
};

// COLD PATH. Of the parts one after the other. TVN_E_OUT_OF_MEMORY.
TVN_NODISCARD enum tvn_status tvn_sha256_of(const struct tvn_str *parts, size_t part_count,
                                            struct tvn_sha256 *out_digest);
/* COLD PATH. HMAC-SHA-256. The key has at least one byte. TVN_E_OUT_OF_MEMORY. */
TVN_NODISCARD enum tvn_status tvn_hmac_sha256_of(struct tvn_str key, const struct tvn_str *parts,
                                                 size_t part_count, struct tvn_sha256 *out_digest);
/* In a time that does not depend on where they differ. */
bool tvn_sha256_equal(const struct tvn_sha256 *a, const struct tvn_sha256 *b);
void tvn_sha256_text(const struct tvn_sha256 *digest, char out_text[TVN_SHA256_TEXT_BYTES]);

struct tvn_sha3_256 {
    uint8_t bytes[TVN_SHA3_256_BYTES];
};

// WARM PATH. Of the parts one after the other. TVN_E_OUT_OF_MEMORY.
TVN_NODISCARD enum tvn_status tvn_sha3_256_of(const struct tvn_str *parts, size_t part_count,
                                              struct tvn_sha3_256 *out_digest);
/* Of libcrypto, as it is at run time: "3.0.22". */
const char *tvn_digest_library_version(void);
