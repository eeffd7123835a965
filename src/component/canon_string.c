/* SPDX-License-Identifier: Apache-2.0 */
/* Strings in the three encodings that a component may choose; UTF-8 on our side. */
#include "base/utf8.h"
#include "component/canon_internal.h"

#include <inttypes.h>

#define UTF16_TAG      0x80000000u /* latin1+utf16: the length counts UTF-16 units */
#define LATIN1_MAX     0xffu
#define SURROGATE_HIGH 0xd800u
#define SURROGATE_LOW  0xdc00u
#define SURROGATE_END  0xe000u

static bool trap(struct tvn_canon *cx, const char *text)
{
    tvn_instance_fail(cx->instance, TVN_E_COMPONENT_TRAPPED, "%s", text);
    return false;
}

/* ---- lifting ---- */

static bool lift_utf8(struct tvn_canon *cx, const uint8_t *at, uint32_t length,
                      struct tvn_str *out_text)
{
    char *copy = tvn_canon_alloc(cx, (uint64_t)length + 1, 1);
    if (!copy) {
        return false;
    }
    /* SAFETY: checked after copying, so that what is checked is what is used. */
    memcpy(copy, at, length);
    size_t valid = tvn_utf8_valid_prefix(copy, length);
    if (valid != length) {
        uint32_t code_point;
        bool cut = length - valid < 4 && ((uint8_t)copy[valid] & 0xc0u) == 0xc0u &&
                   tvn_utf8_decode(copy + valid, length - valid, &code_point) == 0;
        for (size_t i = valid + 1; i < length && cut; i++) {
            cut = ((uint8_t)copy[i] & 0xc0u) == 0x80u;
        }
        return trap(cx, cut ? "invalid utf-8: incomplete utf-8 byte sequence"
                            : "invalid utf-8 sequence in a string");
    }
    *out_text = (struct tvn_str){copy, length};
    return true;
}

static uint32_t load_unit(const uint8_t *at, uint64_t index)
{
    uint16_t unit;
    memcpy(&unit, at + index * 2, sizeof(unit));
    return unit;
}

/* The code point that starts at units[*index]; false for a surrogate without its partner. */
static bool next_code_point(const uint8_t *at, uint32_t units, uint32_t *index,
                            uint32_t *out_code_point)
{
    uint32_t unit = load_unit(at, (*index)++);
    if (unit < SURROGATE_HIGH || unit >= SURROGATE_END) {
        *out_code_point = unit;
        return true;
    }
    if (unit >= SURROGATE_LOW || *index >= units) {
        return false;
    }
    uint32_t low = load_unit(at, (*index)++);
    if (low < SURROGATE_LOW || low >= SURROGATE_END) {
        return false;
    }
    *out_code_point = 0x10000u + ((unit - SURROGATE_HIGH) << 10) + (low - SURROGATE_LOW);
    return true;
}

static bool lift_utf16(struct tvn_canon *cx, const uint8_t *at, uint32_t units,
                       struct tvn_str *out_text)
{
    char *text = tvn_canon_alloc(cx, (uint64_t)units * 3 + 1, 1);
    if (!text) {
        return false;
    }
    size_t length = 0;
    for (uint32_t index = 0; index < units;) {
        uint32_t code_point;
        if (!next_code_point(at, units, &index, &code_point)) {
            return trap(cx, "invalid utf-16: unpaired surrogate in a string");
        }
        char encoded[4];
        size_t bytes = tvn_utf8_encode(code_point, encoded);
        memcpy(text + length, encoded, bytes);
        length += bytes;
    }
    *out_text = (struct tvn_str){text, length};
    return true;
}

static bool lift_latin1(struct tvn_canon *cx, const uint8_t *at, uint32_t count,
                        struct tvn_str *out_text)
{
    char *text = tvn_canon_alloc(cx, (uint64_t)count * 2 + 1, 1);
    if (!text) {
        return false;
    }
    size_t length = 0;
    for (uint32_t i = 0; i < count; i++) {
        char encoded[4];
        size_t bytes = tvn_utf8_encode(at[i], encoded);
        memcpy(text + length, encoded, bytes);
        length += bytes;
    }
    *out_text = (struct tvn_str){text, length};
    return true;
}

bool tvn_lift_string(struct tvn_canon *cx, uint32_t offset, uint32_t tagged_units,
                     struct tvn_str *out_text)
{
    bool wide = cx->encoding == TVN_STRING_UTF16;
    uint32_t units = tagged_units;
    if (cx->encoding == TVN_STRING_LATIN1_UTF16) {
        wide = (tagged_units & UTF16_TAG) != 0;
        units = tagged_units & ~UTF16_TAG;
    }
    uint32_t alignment = cx->encoding == TVN_STRING_UTF8 ? 1 : 2;
    uint64_t bytes = wide ? (uint64_t)units * 2 : units;
    if (bytes > TVN_STRING_BYTES_MAX) {
        return trap(cx,
                    "string pointer/length out of bounds of memory: longer than 2^28 - 1 bytes");
    }
    if (offset % alignment != 0) {
        return trap(cx, "unaligned pointer of a string");
    }
    const uint8_t *at = cx->mem ? tvn_guest_mem_at(cx->mem, offset, bytes) : NULL;
    if (!at) {
        return trap(cx, "string pointer/length out of bounds of memory: string content "
                        "out-of-bounds");
    }
    if (wide) {
        return lift_utf16(cx, at, units, out_text);
    }
    return cx->encoding == TVN_STRING_UTF8 ? lift_utf8(cx, at, units, out_text)
                                           : lift_latin1(cx, at, units, out_text);
}

/* ---- lowering: allocate for the likely size, correct it afterwards, as the Canonical ABI
 * prescribes ---- */

static uint8_t *memory_at(struct tvn_canon *cx, uint32_t offset, uint32_t length)
{
    uint8_t *at = tvn_guest_mem_at(cx->mem, offset, length);
    if (!at) {
        trap(cx, "string content out-of-bounds");
    }
    return at;
}

/* `offset` holds `length` bytes now, of which `used` are needed. */
static bool shrink(struct tvn_canon *cx, uint32_t alignment, uint32_t length, uint32_t used,
                   uint32_t *offset)
{
    return used == length || tvn_canon_realloc(cx, *offset, length, alignment, used, offset);
}

/*
 * What the sizes depend on when a string comes from a component that does not use UTF-8. In
 * "latin1+utf16" the text decides: one that is tagged as UTF-16 and would fit into Latin-1 counts
 * as Latin-1, and saves the call of realloc that would make it so.
 */
struct source {
    uint32_t units;     /* of UTF-16, which are the characters of a Latin-1 string */
    bool is_utf16;      /* else Latin-1 */
    size_t ascii_bytes; /* leading ones */
};

static struct source measure(const struct tvn_canon *cx, struct tvn_str text)
{
    struct source source = {.is_utf16 = cx->source_encoding == TVN_STRING_UTF16,
                            .ascii_bytes = text.len};
    for (size_t i = 0; i < text.len;) {
        uint32_t code_point = 0;
        size_t bytes = tvn_utf8_decode(text.ptr + i, text.len - i, &code_point);
        source.units += code_point >= 0x10000u ? 2 : 1;
        source.is_utf16 |= code_point > LATIN1_MAX;
        if (code_point >= 0x80u && i < source.ascii_bytes) {
            source.ascii_bytes = i;
        }
        i += bytes;
    }
    return source;
}

static bool lower_utf8(struct tvn_canon *cx, struct tvn_str text, uint32_t *out_offset,
                       uint32_t *out_units)
{
    if (!tvn_canon_realloc(cx, 0, 0, 1, (uint32_t)text.len, out_offset)) {
        return false;
    }
    uint8_t *at = memory_at(cx, *out_offset, (uint32_t)text.len);
    if (!at) {
        return false;
    }
    if (text.len > 0) {
        memcpy(at, text.ptr, text.len);
    }
    *out_units = (uint32_t)text.len;
    return true;
}

/* From another encoding: room for ASCII, then for the worst case, then what it takes. */
static bool lower_wide_as_utf8(struct tvn_canon *cx, struct tvn_str text, uint32_t *out_offset,
                               uint32_t *out_units)
{
    const struct source source = measure(cx, text);
    if (source.ascii_bytes == text.len) {
        return lower_utf8(cx, text, out_offset, out_units);
    }
    uint32_t worst = source.units * (source.is_utf16 ? 3 : 2);
    if (!tvn_canon_realloc(cx, 0, 0, 1, source.units, out_offset)) {
        return false;
    }
    uint8_t *at = memory_at(cx, *out_offset, source.units);
    if (!at) {
        return false;
    }
    memcpy(at, text.ptr, source.ascii_bytes);
    if (!tvn_canon_realloc(cx, *out_offset, source.units, 1, worst, out_offset)) {
        return false;
    }
    at = memory_at(cx, *out_offset, worst);
    if (!at) {
        return false;
    }
    memcpy(at, text.ptr, text.len);
    *out_units = (uint32_t)text.len;
    return shrink(cx, 1, worst, *out_units, out_offset);
}

/* Writes UTF-16 to `at`, which has room for it, at most two bytes for each byte of `text`; the text
 * is valid UTF-8. Returns units. */
static uint32_t write_utf16(struct tvn_str text, uint8_t *at)
{
    uint32_t units = 0;
    for (size_t i = 0; i < text.len;) {
        uint32_t code_point = 0;
        i += tvn_utf8_decode(text.ptr + i, text.len - i, &code_point);
        uint16_t pair[2] = {(uint16_t)code_point, 0};
        uint32_t count = 1;
        if (code_point >= 0x10000u) {
            pair[0] = (uint16_t)(SURROGATE_HIGH + ((code_point - 0x10000u) >> 10));
            pair[1] = (uint16_t)(SURROGATE_LOW + ((code_point - 0x10000u) & 0x3ffu));
            count = 2;
        }
        memcpy(at + (size_t)units * 2, pair, count * sizeof(pair[0]));
        units += count;
    }
    return units;
}

static bool lower_utf16(struct tvn_canon *cx, struct tvn_str text, uint32_t *out_offset,
                        uint32_t *out_units)
{
    bool is_utf8 = cx->source_encoding == TVN_STRING_UTF8;
    uint32_t worst = (is_utf8 ? (uint32_t)text.len : measure(cx, text).units) * 2;
    if (!tvn_canon_realloc(cx, 0, 0, 2, worst, out_offset)) {
        return false;
    }
    uint8_t *at = memory_at(cx, *out_offset, worst);
    if (!at) {
        return false;
    }
    *out_units = write_utf16(text, at);
    return shrink(cx, 2, worst, *out_units * 2, out_offset);
}

/* As many leading characters as fit into Latin-1. Returns bytes written; *out_read is how far
 * `text` was read. */
static uint32_t write_latin1(struct tvn_str text, uint8_t *at, size_t *out_read)
{
    uint32_t written = 0;
    size_t i = 0;
    while (i < text.len) {
        uint32_t code_point = 0;
        size_t bytes = tvn_utf8_decode(text.ptr + i, text.len - i, &code_point);
        if (code_point > LATIN1_MAX) {
            break;
        }
        at[written++] = (uint8_t)code_point;
        i += bytes;
    }
    *out_read = i;
    return written;
}

static bool lower_latin1_utf16(struct tvn_canon *cx, struct tvn_str text, uint32_t *out_offset,
                               uint32_t *out_units)
{
    uint32_t length = (uint32_t)text.len;
    if (cx->source_encoding != TVN_STRING_UTF8) {
        const struct source source = measure(cx, text);
        length = source.units;
        if (cx->source_encoding == TVN_STRING_LATIN1_UTF16 && source.is_utf16) {
            *out_units = source.units | UTF16_TAG;
            uint32_t units;
            return lower_utf16(cx, text, out_offset, &units);
        }
    }
    if (!tvn_canon_realloc(cx, 0, 0, 2, length, out_offset)) {
        return false;
    }
    uint8_t *at = memory_at(cx, *out_offset, length);
    if (!at) {
        return false;
    }
    size_t read;
    uint32_t written = write_latin1(text, at, &read);
    if (read == text.len) {
        *out_units = written;
        return shrink(cx, 2, length, written, out_offset);
    }
    uint32_t worst = length * 2;
    if (!tvn_canon_realloc(cx, *out_offset, length, 2, worst, out_offset)) {
        return false;
    }
    at = memory_at(cx, *out_offset, worst);
    if (!at) {
        return false;
    }
    uint32_t units = write_utf16(text, at);
    *out_units = units | UTF16_TAG;
    return shrink(cx, 2, worst, units * 2, out_offset);
}

bool tvn_lower_string(struct tvn_canon *cx, struct tvn_str text, uint32_t *out_offset,
                      uint32_t *out_tagged_units)
{
    if (text.len > TVN_STRING_BYTES_MAX) {
        return trap(cx, "a string is longer than 2^28 - 1 bytes");
    }
    if (!tvn_utf8_valid(text.ptr, text.len)) { /* from the host: lifted ones are valid */
        tvn_instance_fail(cx->instance, TVN_E_INTERNAL, "a string that is not UTF-8 was passed");
        return false;
    }
    switch (cx->encoding) {
    case TVN_STRING_UTF8:
        return cx->source_encoding == TVN_STRING_UTF8
                   ? lower_utf8(cx, text, out_offset, out_tagged_units)
                   : lower_wide_as_utf8(cx, text, out_offset, out_tagged_units);
    case TVN_STRING_UTF16:
        return lower_utf16(cx, text, out_offset, out_tagged_units);
    case TVN_STRING_LATIN1_UTF16:
        return lower_latin1_utf16(cx, text, out_offset, out_tagged_units);
    }
    return trap(cx, "unknown string encoding");
}
