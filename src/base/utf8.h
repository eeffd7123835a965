/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* UTF-8 as in the Unicode standard: no surrogates, no overlong forms, at most U+10FFFF. */
#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

// HOT PATH. Long ASCII runs are checked eight bytes at a time. Length 0 is valid.
bool tvn_utf8_valid(const void *bytes, size_t length);
/* Offset of the first invalid byte, or `length` when all is valid. */
size_t tvn_utf8_valid_prefix(const void *bytes, size_t length);
/* Decodes one code point at bytes[0..length). Returns its length in bytes (1..4), or 0 when invalid
 * or truncated. */
size_t tvn_utf8_decode(const void *bytes, size_t length, uint32_t *out_code_point);
/* Writes 1..4 bytes. The code point is a Unicode scalar value. */
size_t tvn_utf8_encode(uint32_t code_point, char out_bytes[4]);
