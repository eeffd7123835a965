/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include "base/assert.h"

#include <string.h>

#define HIGH_BITS      UINT64_C(0x8080808080808080)
#define CODE_POINT_MAX 0x10FFFFu

static inline bool is_tail(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

/*
 * Length of the sequence at p[0..length), 0 when it is invalid or truncated. The second byte's
 * range rules out overlong forms (E0, F0), surrogates (ED) and what is beyond U+10FFFF (F4); see
 * the Unicode standard, table 3-7.
 */
static inline size_t sequence_length(const uint8_t *p, size_t length)
{
    uint8_t lead = p[0];
    if (lead < 0x80) {
        return 1;
    }
    if (lead < 0xC2) {
        return 0;
    }
    if (lead < 0xE0) {
        return length >= 2 && is_tail(p[1]) ? 2 : 0;
    }
    if (lead < 0xF0) {
        if (length < 3 || !is_tail(p[1]) || !is_tail(p[2])) {
            return 0;
        }
        return (lead == 0xE0 && p[1] < 0xA0) || (lead == 0xED && p[1] > 0x9F) ? 0 : 3;
    }
    if (lead < 0xF5) {
        if (length < 4 || !is_tail(p[1]) || !is_tail(p[2]) || !is_tail(p[3])) {
            return 0;
        }
        return (lead == 0xF0 && p[1] < 0x90) || (lead == 0xF4 && p[1] > 0x8F) ? 0 : 4;
    }
    return 0;
}

size_t tvn_utf8_valid_prefix(const void *bytes, size_t length)
{
    tvn_assert(bytes || length == 0);
    const uint8_t *p = bytes;
    size_t i = 0;
    while (i < length) {
        if (length - i >= sizeof(uint64_t)) {
            uint64_t word;
            memcpy(&word, p + i, sizeof(word));
            if ((word & HIGH_BITS) == 0) {
                i += sizeof(word);
                continue;
            }
        }
        size_t step = sequence_length(p + i, length - i);
        if (step == 0) {
            return i;
        }
        i += step;
    }
    return length;
}

bool tvn_utf8_valid(const void *bytes, size_t length)
{
    return tvn_utf8_valid_prefix(bytes, length) == length;
}

size_t tvn_utf8_decode(const void *bytes, size_t length, uint32_t *out_code_point)
{
    tvn_assert(bytes || length == 0);
    tvn_assert(out_code_point);
    if (length == 0) {
        return 0;
    }
    const uint8_t *p = bytes;
    size_t size = sequence_length(p, length);
    switch (size) {
    case 1:
        *out_code_point = p[0];
        break;
    case 2:
        *out_code_point = (p[0] & 0x1Fu) << 6 | (p[1] & 0x3Fu);
        break;
    case 3:
        *out_code_point = (p[0] & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
        break;
    case 4:
        *out_code_point =
            (p[0] & 0x07u) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 | (p[3] & 0x3Fu);
        break;
    default:
        break;
    }
    return size;
}

size_t tvn_utf8_encode(uint32_t code_point, char out_bytes[4])
{
    tvn_assert(out_bytes);
    tvn_assert(code_point <= CODE_POINT_MAX);
    tvn_assert(code_point < 0xD800 || code_point > 0xDFFF);
    if (code_point < 0x80) {
        out_bytes[0] = (char)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        out_bytes[0] = (char)(0xC0 | code_point >> 6);
        out_bytes[1] = (char)(0x80 | (code_point & 0x3F));
        return 2;
    }
    if (code_point < 0x10000) {
        out_bytes[0] = (char)(0xE0 | code_point >> 12);
        out_bytes[1] = (char)(0x80 | (code_point >> 6 & 0x3F));
        out_bytes[2] = (char)(0x80 | (code_point & 0x3F));
        return 3;
    }
    out_bytes[0] = (char)(0xF0 | code_point >> 18);
    out_bytes[1] = (char)(0x80 | (code_point >> 12 & 0x3F));
    out_bytes[2] = (char)(0x80 | (code_point >> 6 & 0x3F));
    out_bytes[3] = (char)(0x80 | (code_point & 0x3F));
    return 4;
}
