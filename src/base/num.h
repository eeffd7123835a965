/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Checked arithmetic and number parsing. */
#include "base/compiler.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* Each returns false on overflow and leaves *out untouched. */
static inline bool tvn_add_size(size_t a, size_t b, size_t *out)
{
    size_t sum;
    if (__builtin_add_overflow(a, b, &sum)) {
        return false;
    }
    *out = sum;
    return true;
}
static inline bool tvn_mul_size(size_t a, size_t b, size_t *out)
{
    size_t product;
    if (__builtin_mul_overflow(a, b, &product)) {
        return false;
    }
    *out = product;
    return true;
}
static inline bool tvn_add_u32(uint32_t a, uint32_t b, uint32_t *out)
{
    uint32_t sum;
    if (__builtin_add_overflow(a, b, &sum)) {
        return false;
    }
    *out = sum;
    return true;
}
/* alignment is a power of two; the caller knows that value + alignment does not overflow. */
static inline uint32_t tvn_align_up_u32(uint32_t value, uint32_t alignment)
{
    return (value + alignment - 1) & ~(alignment - 1);
}
static inline size_t tvn_align_up_size(size_t value, size_t alignment)
{
    return (value + alignment - 1) & ~(alignment - 1);
}
#define tvn_min(a, b) ((a) < (b) ? (a) : (b))
#define tvn_max(a, b) ((a) > (b) ? (a) : (b))

/* Whole-string parsers: no sign, no white space, no rest; false otherwise or on overflow. Text need
 * not end in NUL. */
TVN_NODISCARD bool tvn_parse_u64(const char *text, size_t length, uint64_t *out_value);
/* "64KiB", "16MiB", "1GiB", "512B", "4096". Binary units only (KB, MB, GB are accepted as
 * 1000-based). */
TVN_NODISCARD bool tvn_parse_size(const char *text, size_t length, uint64_t *out_bytes);
/* "500ms", "5s", "2m", "1h", "250us", "10ns"; a bare number is refused. Fractions such as "1.5s"
 * are accepted. */
TVN_NODISCARD bool tvn_parse_duration(const char *text, size_t length, uint64_t *out_ns);
