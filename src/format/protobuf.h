/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The wire format of Protocol Buffers, field by field, without descriptors: a writer into a string
 * buffer and a strict reader.
 *
 *     struct tvn_protobuf_writer writer;
 *     tvn_protobuf_writer_init(&writer, &out);
 *     tvn_protobuf_begin(&writer, 1);
 *     tvn_protobuf_add_text(&writer, 1, "service.name");
 *     tvn_protobuf_end(&writer);
 *
 * The writer writes what it is told, defaults (0, "") too; lengths are minimal. No call fails on
 * its own: out->failed is sticky. Memory: of the buffer; the reader borrows. Threads: one at a
 * time. Limits: TVN_PROTOBUF_DEPTH_MAX open messages.
 */
#include "base/str.h"

#define TVN_PROTOBUF_DEPTH_MAX 16
#define TVN_PROTOBUF_FIELD_MAX ((UINT32_C(1) << 29) - 1)

struct tvn_protobuf_writer {
    struct tvn_strbuf *out;
    unsigned depth;
    size_t begin[TVN_PROTOBUF_DEPTH_MAX]; /* where the open messages' contents begin */
};

// WARM PATH.
void tvn_protobuf_writer_init(struct tvn_protobuf_writer *writer, struct tvn_strbuf *out);
void tvn_protobuf_add_varint(struct tvn_protobuf_writer *writer, uint32_t field, uint64_t value);
/* fixed64, sfixed64 */
void tvn_protobuf_add_fixed64(struct tvn_protobuf_writer *writer, uint32_t field, uint64_t value);
void tvn_protobuf_add_fixed32(struct tvn_protobuf_writer *writer, uint32_t field, uint32_t value);
void tvn_protobuf_add_double(struct tvn_protobuf_writer *writer, uint32_t field, double value);
void tvn_protobuf_add_bytes(struct tvn_protobuf_writer *writer, uint32_t field, const void *bytes,
                            size_t length);
void tvn_protobuf_add_text(struct tvn_protobuf_writer *writer, uint32_t field, struct tvn_str text);
/* A message, or packed values, until tvn_protobuf_end. */
void tvn_protobuf_begin(struct tvn_protobuf_writer *writer, uint32_t field);
void tvn_protobuf_end(struct tvn_protobuf_writer *writer);
/* Values of a packed field. */
void tvn_protobuf_pack_fixed64(struct tvn_protobuf_writer *writer, uint64_t value);
void tvn_protobuf_pack_double(struct tvn_protobuf_writer *writer, double value);

/* ---- reader ---- */

enum tvn_protobuf_wire {
    TVN_PROTOBUF_VARINT = 0,
    TVN_PROTOBUF_FIXED64 = 1,
    TVN_PROTOBUF_BYTES = 2,
    TVN_PROTOBUF_FIXED32 = 5,
};

struct tvn_protobuf_field {
    uint32_t number;
    enum tvn_protobuf_wire wire;
    uint64_t value;       /* of the numeric ones */
    struct tvn_str bytes; /* BYTES; in the reader's input */
};

struct tvn_protobuf_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed; /* the input is no message */
};

// WARM PATH.
void tvn_protobuf_reader_init(struct tvn_protobuf_reader *reader, struct tvn_str message);
/* False at the end, or when the rest is no message: groups, numbers of 0, what goes beyond the end.
 */
TVN_NODISCARD bool tvn_protobuf_next(struct tvn_protobuf_reader *reader,
                                     struct tvn_protobuf_field *out_field);
