/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Copies and comparisons of a few bytes on the hot path: no call, so that a function around them
 * need not save registers, and moves of fixed sizes from both ends that overlap in the middle.
 */
#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define TVN_BYTES_SHORT_MAX 128
#define TVN_BYTES_NAME_MAX  32

/* `length` is between `half` and twice that. */
static TVN_ALWAYS_INLINE void tvn_bytes_copy_ends_(uint8_t *to, const uint8_t *from, size_t length,
                                                   size_t half)
{
    memcpy(to, from, half);
    memcpy(to + length - half, from + length - half, half);
}

/* HOT PATH. memcpy of at most TVN_BYTES_SHORT_MAX bytes; NULL is allowed for none. */
static TVN_ALWAYS_INLINE void tvn_bytes_copy_short(void *to, const void *from, size_t length)
{
    if (length > 64) {
        tvn_bytes_copy_ends_(to, from, length, 64);
    } else if (length > 32) {
        tvn_bytes_copy_ends_(to, from, length, 32);
    } else if (length >= 16) {
        tvn_bytes_copy_ends_(to, from, length, 16);
    } else if (length >= 8) {
        tvn_bytes_copy_ends_(to, from, length, 8);
    } else if (length >= 4) {
        tvn_bytes_copy_ends_(to, from, length, 4);
    } else if (length >= 2) {
        tvn_bytes_copy_ends_(to, from, length, 2);
    } else if (length == 1) {
        *(uint8_t *)to = *(const uint8_t *)from;
    }
}

/* HOT PATH. memcpy of any length; NULL is allowed for none. */
static TVN_ALWAYS_INLINE void tvn_bytes_copy(void *to, const void *from, size_t length)
{
    if (TVN_LIKELY(length <= TVN_BYTES_SHORT_MAX)) {
        tvn_bytes_copy_short(to, from, length);
    } else {
        memcpy(to, from, length);
    }
}

/* HOT PATH. The same for names, of which most are of 8 to 16 bytes. */
static TVN_ALWAYS_INLINE void tvn_bytes_copy_name(void *to, const void *from, size_t length)
{
    if (TVN_LIKELY(length >= 8 && length <= 16)) {
        tvn_bytes_copy_ends_(to, from, length, 8);
    } else {
        tvn_bytes_copy(to, from, length);
    }
}

/* Not 0 when the words at `left` and `right` differ. */
static TVN_ALWAYS_INLINE uint64_t tvn_bytes_differ_(const uint8_t *left, const uint8_t *right,
                                                    size_t size)
{
    uint64_t a = 0;
    uint64_t b = 0;
    memcpy(&a, left, size);
    memcpy(&b, right, size);
    return a ^ b;
}

/* HOT PATH. Whether at most TVN_BYTES_NAME_MAX bytes are the same. */
static TVN_ALWAYS_INLINE bool tvn_bytes_name_equal(const void *left, const void *right,
                                                   size_t length)
{
    const uint8_t *a = left;
    const uint8_t *b = right;
    if (length >= 8) {
        uint64_t differ = tvn_bytes_differ_(a, b, 8);
        if (length > 16) {
            differ |= tvn_bytes_differ_(a + 8, b + 8, 8);
            differ |= tvn_bytes_differ_(a + length - 16, b + length - 16, 8);
        }
        return (differ | tvn_bytes_differ_(a + length - 8, b + length - 8, 8)) == 0;
    }
    if (length >= 4) {
        return (tvn_bytes_differ_(a, b, 4) |
                tvn_bytes_differ_(a + length - 4, b + length - 4, 4)) == 0;
    }
    return length == 0 ||
           (a[0] == b[0] && a[length / 2] == b[length / 2] && a[length - 1] == b[length - 1]);
}
