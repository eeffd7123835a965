/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/num.h"
#include "base/utf8.h"
#include "component/limits.h"
#include "component/reader_internal.h"

#include <stdio.h>

void tvn_decode_report(struct tvn_decode_context *context, enum tvn_status status, uint32_t offset,
                       const char *format, ...)
{
    tvn_assert(context);
    tvn_assert(status > TVN_OK);
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    size_t length = tvn_utf8_valid_prefix(text, strlen(text)); /* a name may have been cut */
    context->failed =
        tvn_diag_error(context->sink, status, (struct tvn_span){context->file, offset, 0}, "%.*s",
                       (int)length, text);
}

void tvn_decode_report_unsupported(struct tvn_decode_context *context, uint32_t offset,
                                   const char *feature)
{
    tvn_decode_report(context, TVN_E_COMPONENT_INVALID, offset, "%s: not supported", feature);
    tvn_diag_help(context->sink, "build the component for WASI 0.2 without this feature");
}

void tvn_decode_report_folded(struct tvn_decode_context *context, enum tvn_status status,
                              uint32_t offset, const char *what)
{
    tvn_assert(status != TVN_OK);
    if (status == TVN_FULL || status == TVN_E_COMPONENT_TOO_COMPLEX) {
        tvn_decode_report(context, TVN_E_COMPONENT_TOO_COMPLEX, offset, "too many or too deep: %s",
                          what);
    } else if (status == TVN_E_OUT_OF_MEMORY) {
        tvn_decode_report(context, status, offset, "out of memory for %s", what);
    } else {
        tvn_decode_report(context, tvn_status_fold(status), offset, "cannot keep %s", what);
    }
}

void *tvn_decode_alloc(struct tvn_decode_context *context, size_t count, size_t size)
{
    size_t total;
    void *block = tvn_arena_alloc_array(context->arena, count, size);
    if (block) {
        return block;
    }
    size_t used = tvn_arena_used_bytes(context->arena);
    bool limit = !tvn_mul_size(count, size, &total) || used + total < used ||
                 used + total + 64 > TVN_COMPONENT_DECODED_BYTES_MAX;
    tvn_decode_report(context, limit ? TVN_E_COMPONENT_TOO_COMPLEX : TVN_E_OUT_OF_MEMORY, 0,
                      limit ? "the decoded component would take more than %zu bytes"
                            : "out of memory below %zu bytes of decoded component",
                      TVN_COMPONENT_DECODED_BYTES_MAX);
    return NULL;
}

enum tvn_status tvn_decode_charge(struct tvn_decode_context *context, uint32_t offset,
                                  uint64_t steps)
{
    if (steps > context->steps_left) {
        context->steps_left = 0;
        return tvn_decode_fail(context, TVN_E_COMPONENT_TOO_COMPLEX, offset,
                               "checking the types of this component takes too many steps");
    }
    context->steps_left -= steps;
    return TVN_OK;
}

static enum tvn_status fail_end(const struct tvn_reader *reader)
{
    return tvn_decode_invalid(reader->context, reader->end,
                              "unexpected end of the file or section");
}

enum tvn_status tvn_reader_byte(struct tvn_reader *reader, uint8_t *out_byte)
{
    if (tvn_reader_at_end(reader)) {
        return fail_end(reader);
    }
    *out_byte = reader->context->bytes[reader->at++];
    return TVN_OK;
}

/* Unsigned LEB128: at most ceil(bits / 7) bytes, no set bit beyond `bits`. */
static enum tvn_status read_unsigned(struct tvn_reader *reader, unsigned bits, uint64_t *out_value)
{
    uint32_t start = reader->at;
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = 0;
        TVN_TRY(tvn_reader_byte(reader, &byte));
        unsigned room = bits - shift;
        if (room < 7 && (byte & 0x7fu) >> room != 0) {
            return tvn_decode_invalid(reader->context, start, "integer too large");
        }
        value |= (uint64_t)(byte & 0x7fu) << shift;
        if (!(byte & 0x80u)) {
            *out_value = value;
            return TVN_OK;
        }
        if (shift + 7 >= bits) {
            return tvn_decode_invalid(reader->context, start, "integer representation too long");
        }
    }
}

enum tvn_status tvn_reader_u32(struct tvn_reader *reader, uint32_t *out_value)
{
    uint64_t value;
    TVN_TRY(read_unsigned(reader, 32, &value));
    *out_value = (uint32_t)value;
    return TVN_OK;
}

enum tvn_status tvn_reader_u64(struct tvn_reader *reader, uint64_t *out_value)
{
    return read_unsigned(reader, 64, out_value);
}

enum tvn_status tvn_reader_signed(struct tvn_reader *reader, unsigned bits, int64_t *out_value)
{
    tvn_assert(bits >= 7 && bits <= 64);
    uint32_t start = reader->at;
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = 0;
        TVN_TRY(tvn_reader_byte(reader, &byte));
        value |= (uint64_t)(byte & 0x7fu) << shift;
        unsigned room = bits - shift;
        if (room < 7) {
            /* The bits beyond the number repeat its sign. */
            unsigned rest = (byte & 0x7fu) >> (room - 1);
            if (rest != 0 && rest != 0x7fu >> (room - 1)) {
                return tvn_decode_invalid(reader->context, start, "integer too large");
            }
        }
        if (!(byte & 0x80u)) {
            bool negative = (byte & 0x40u) != 0 && shift + 7 < 64;
            *out_value = (int64_t)(negative ? value | ~UINT64_C(0) << (shift + 7) : value);
            return TVN_OK;
        }
        if (shift + 7 >= bits) {
            return tvn_decode_invalid(reader->context, start, "integer representation too long");
        }
    }
}

enum tvn_status tvn_reader_name(struct tvn_reader *reader, struct tvn_str *out_name)
{
    uint32_t start = reader->at;
    uint32_t length;
    TVN_TRY(tvn_reader_u32(reader, &length));
    if (length > tvn_reader_left(reader)) {
        return fail_end(reader);
    }
    if (length > TVN_COMPONENT_NAME_MAX) {
        return tvn_decode_fail(reader->context, TVN_E_COMPONENT_TOO_COMPLEX, start,
                               "a name of %u bytes is longer than the limit of %d", length,
                               TVN_COMPONENT_NAME_MAX);
    }
    const uint8_t *text = reader->context->bytes + reader->at;
    size_t valid = tvn_utf8_valid_prefix(text, length);
    if (valid != length) {
        return tvn_decode_invalid(reader->context, reader->at + (uint32_t)valid,
                                  "name is not valid UTF-8");
    }
    reader->at += length;
    *out_name = (struct tvn_str){(const char *)text, length};
    return TVN_OK;
}

enum tvn_status tvn_reader_skip(struct tvn_reader *reader, uint32_t length)
{
    if (length > tvn_reader_left(reader)) {
        return fail_end(reader);
    }
    reader->at += length;
    return TVN_OK;
}

enum tvn_status tvn_reader_count(struct tvn_reader *reader, uint32_t item_bytes_min,
                                 uint32_t *out_count)
{
    tvn_assert(item_bytes_min > 0);
    uint32_t start = reader->at;
    uint32_t count;
    TVN_TRY(tvn_reader_u32(reader, &count));
    if (count > tvn_reader_left(reader) / item_bytes_min) {
        return tvn_decode_invalid(reader->context, start, "unexpected end: %u items cannot follow",
                                  count);
    }
    *out_count = count;
    return TVN_OK;
}

enum tvn_status tvn_reader_slice(struct tvn_reader *reader, uint32_t length,
                                 struct tvn_reader *out_slice)
{
    uint32_t start = reader->at;
    TVN_TRY(tvn_reader_skip(reader, length));
    *out_slice = *reader;
    out_slice->at = start;
    out_slice->end = start + length;
    return TVN_OK;
}

enum tvn_status tvn_reader_finish(const struct tvn_reader *reader, const char *what)
{
    if (!tvn_reader_at_end(reader)) {
        return tvn_decode_invalid(reader->context, reader->at, "%u bytes follow the end of the %s",
                                  tvn_reader_left(reader), what);
    }
    return TVN_OK;
}
