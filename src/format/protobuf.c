/* SPDX-License-Identifier: Apache-2.0 */
#include "format/protobuf.h"

#include "base/assert.h"

#include <assert.h>

#define VARINT_BYTES_MAX  10
#define TAG_BYTES_MAX     5 /* of a varint of 32 bits */
#define FIXED64_BYTES     8
#define FIXED32_BYTES     4
#define WIRE_BITS         3
#define WIRE_MASK         7
#define GROUP_BITS        7 /* of a varint's byte */
#define GROUP_MASK        0x7f
#define CONTINUES         0x80
#define LAST_BYTE_MAX     1 /* the 64th bit */
#define LENGTH_BYTES_LEFT 1 /* room for the length of a message that is open */

/* ---- writer ---- */

void tvn_protobuf_writer_init(struct tvn_protobuf_writer *writer, struct tvn_strbuf *out)
{
    tvn_assert(writer && out);
    *writer = (struct tvn_protobuf_writer){.out = out};
}

static size_t encode_varint(uint64_t value, char bytes[VARINT_BYTES_MAX])
{
    size_t count = 0;
    while (value > GROUP_MASK) {
        bytes[count++] = (char)(uint8_t)((value & GROUP_MASK) | CONTINUES);
        value >>= GROUP_BITS;
    }
    bytes[count++] = (char)(uint8_t)value;
    return count;
}

static void add_varint(struct tvn_protobuf_writer *writer, uint64_t value)
{
    char bytes[VARINT_BYTES_MAX];
    tvn_strbuf_add(writer->out, bytes, encode_varint(value, bytes));
}

static void add_tag(struct tvn_protobuf_writer *writer, uint32_t field, enum tvn_protobuf_wire wire)
{
    tvn_assert(field > 0 && field <= TVN_PROTOBUF_FIELD_MAX);
    add_varint(writer, (uint64_t)field << WIRE_BITS | (unsigned)wire);
}

void tvn_protobuf_add_varint(struct tvn_protobuf_writer *writer, uint32_t field, uint64_t value)
{
    add_tag(writer, field, TVN_PROTOBUF_VARINT);
    add_varint(writer, value);
}

void tvn_protobuf_pack_fixed64(struct tvn_protobuf_writer *writer, uint64_t value)
{
    char bytes[FIXED64_BYTES];
    for (unsigned i = 0; i < FIXED64_BYTES; i++) {
        bytes[i] = (char)(uint8_t)(value >> (8 * i));
    }
    tvn_strbuf_add(writer->out, bytes, sizeof(bytes));
}

void tvn_protobuf_pack_double(struct tvn_protobuf_writer *writer, double value)
{
    uint64_t bits;
    static_assert(sizeof(bits) == sizeof(value), "IEEE 754 binary64");
    memcpy(&bits, &value, sizeof(bits));
    tvn_protobuf_pack_fixed64(writer, bits);
}

void tvn_protobuf_add_fixed64(struct tvn_protobuf_writer *writer, uint32_t field, uint64_t value)
{
    add_tag(writer, field, TVN_PROTOBUF_FIXED64);
    tvn_protobuf_pack_fixed64(writer, value);
}

void tvn_protobuf_add_fixed32(struct tvn_protobuf_writer *writer, uint32_t field, uint32_t value)
{
    add_tag(writer, field, TVN_PROTOBUF_FIXED32);
    char bytes[FIXED32_BYTES];
    for (unsigned i = 0; i < FIXED32_BYTES; i++) {
        bytes[i] = (char)(uint8_t)(value >> (8 * i));
    }
    tvn_strbuf_add(writer->out, bytes, sizeof(bytes));
}

void tvn_protobuf_add_double(struct tvn_protobuf_writer *writer, uint32_t field, double value)
{
    add_tag(writer, field, TVN_PROTOBUF_FIXED64);
    tvn_protobuf_pack_double(writer, value);
}

void tvn_protobuf_add_bytes(struct tvn_protobuf_writer *writer, uint32_t field, const void *bytes,
                            size_t length)
{
    tvn_assert(bytes || length == 0);
    add_tag(writer, field, TVN_PROTOBUF_BYTES);
    add_varint(writer, length);
    tvn_strbuf_add(writer->out, bytes, length);
}

void tvn_protobuf_add_text(struct tvn_protobuf_writer *writer, uint32_t field, struct tvn_str text)
{
    tvn_protobuf_add_bytes(writer, field, text.ptr, text.len);
}

void tvn_protobuf_begin(struct tvn_protobuf_writer *writer, uint32_t field)
{
    tvn_assert(writer->depth < TVN_PROTOBUF_DEPTH_MAX);
    add_tag(writer, field, TVN_PROTOBUF_BYTES);
    tvn_strbuf_add_repeat(writer->out, '\0', LENGTH_BYTES_LEFT);
    writer->begin[writer->depth++] = writer->out->len;
}

void tvn_protobuf_end(struct tvn_protobuf_writer *writer)
{
    tvn_assert(writer->depth > 0);
    size_t begin = writer->begin[--writer->depth];
    struct tvn_strbuf *out = writer->out;
    if (out->failed) {
        return;
    }
    size_t length = out->len - begin;
    char bytes[VARINT_BYTES_MAX];
    size_t count = encode_varint(length, bytes);
    tvn_strbuf_add_repeat(out, '\0', count - LENGTH_BYTES_LEFT);
    if (out->failed) {
        return;
    }
    char *content = out->ptr + begin;
    memmove(content + count - LENGTH_BYTES_LEFT, content, length);
    memcpy(content - LENGTH_BYTES_LEFT, bytes, count);
}

/* ---- reader ---- */

void tvn_protobuf_reader_init(struct tvn_protobuf_reader *reader, struct tvn_str message)
{
    tvn_assert(reader && (message.ptr || message.len == 0));
    static const uint8_t nothing[1];
    const uint8_t *at = message.ptr ? (const uint8_t *)message.ptr : nothing;
    *reader = (struct tvn_protobuf_reader){.at = at, .end = at + message.len};
}

static bool read_varint(struct tvn_protobuf_reader *reader, size_t bytes_max, uint64_t *out_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes_max && reader->at < reader->end; i++) {
        uint8_t byte = *reader->at++;
        if (i == VARINT_BYTES_MAX - 1 && byte > LAST_BYTE_MAX) {
            return false;
        }
        value |= (uint64_t)(byte & GROUP_MASK) << (GROUP_BITS * i);
        if ((byte & CONTINUES) == 0) {
            *out_value = value;
            return true;
        }
    }
    return false;
}

static bool read_fixed(struct tvn_protobuf_reader *reader, size_t bytes, uint64_t *out_value)
{
    if ((size_t)(reader->end - reader->at) < bytes) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) {
        value |= (uint64_t)*reader->at++ << (8 * i);
    }
    *out_value = value;
    return true;
}

static bool read_bytes(struct tvn_protobuf_reader *reader, struct tvn_str *out_bytes)
{
    uint64_t length;
    if (!read_varint(reader, VARINT_BYTES_MAX, &length) ||
        length > (uint64_t)(reader->end - reader->at)) {
        return false;
    }
    *out_bytes = (struct tvn_str){(const char *)reader->at, (size_t)length};
    reader->at += length;
    return true;
}

static bool read_field(struct tvn_protobuf_reader *reader, struct tvn_protobuf_field *field)
{
    uint64_t tag;
    if (!read_varint(reader, TAG_BYTES_MAX, &tag) || tag > UINT32_MAX || tag >> WIRE_BITS == 0) {
        return false;
    }
    field->number = (uint32_t)(tag >> WIRE_BITS);
    field->wire = (enum tvn_protobuf_wire)(tag & WIRE_MASK);
    switch ((int)field->wire) {
    case TVN_PROTOBUF_VARINT:
        return read_varint(reader, VARINT_BYTES_MAX, &field->value);
    case TVN_PROTOBUF_FIXED64:
        return read_fixed(reader, FIXED64_BYTES, &field->value);
    case TVN_PROTOBUF_FIXED32:
        return read_fixed(reader, FIXED32_BYTES, &field->value);
    case TVN_PROTOBUF_BYTES:
        return read_bytes(reader, &field->bytes);
    default: /* groups, and what is not defined */
        return false;
    }
}

bool tvn_protobuf_next(struct tvn_protobuf_reader *reader, struct tvn_protobuf_field *out_field)
{
    tvn_assert(reader && out_field);
    if (reader->failed || reader->at == reader->end) {
        return false;
    }
    struct tvn_protobuf_field field = {0};
    if (!read_field(reader, &field)) {
        reader->failed = true;
        return false;
    }
    *out_field = field;
    return true;
}
