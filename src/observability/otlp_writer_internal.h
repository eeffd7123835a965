/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Writes OTLP's messages as Protocol Buffers or as JSON, from one description: each call names the
 * field's number and its name. In JSON, 64-bit integers are strings, ids hexadecimal, enums
 * numbers.
 */
#include "format/json_writer.h"
#include "format/protobuf.h"
#include "observability/otlp.h"

struct otlp_writer {
    bool is_json;
    struct tvn_protobuf_writer protobuf;
    struct tvn_json_writer json;
};

/* `out` may hold something already. JSON's outermost object begins. */
void otlp_writer_init(struct otlp_writer *writer, enum tvn_otlp_encoding encoding,
                      struct tvn_strbuf *out);
void otlp_writer_finish(struct otlp_writer *writer);

/* A message that occurs once. */
void otlp_begin(struct otlp_writer *writer, uint32_t number, const char *name);
void otlp_end(struct otlp_writer *writer);
/* Messages that repeat: list, then item and end for each, then end of the list. */
void otlp_begin_list(struct otlp_writer *writer, const char *name);
void otlp_begin_item(struct otlp_writer *writer, uint32_t number);
void otlp_end_list(struct otlp_writer *writer);

void otlp_text(struct otlp_writer *writer, uint32_t number, const char *name, struct tvn_str text);
void otlp_id(struct otlp_writer *writer, uint32_t number, const char *name, const uint8_t *bytes,
             size_t length);
void otlp_u32(struct otlp_writer *writer, uint32_t number, const char *name, uint32_t value);
void otlp_bool(struct otlp_writer *writer, uint32_t number, const char *name, bool value);
void otlp_fixed32(struct otlp_writer *writer, uint32_t number, const char *name, uint32_t value);
void otlp_fixed64(struct otlp_writer *writer, uint32_t number, const char *name, uint64_t value);
void otlp_double(struct otlp_writer *writer, uint32_t number, const char *name, double value);
/* Packed lists. */
void otlp_fixed64_list(struct otlp_writer *writer, uint32_t number, const char *name,
                       const uint64_t *values, size_t count);
void otlp_double_list(struct otlp_writer *writer, uint32_t number, const char *name,
                      const double *values, size_t count);

/* KeyValue, as an item of an open list. */
void otlp_attribute_text(struct otlp_writer *writer, uint32_t number, const char *key,
                         struct tvn_str value);
void otlp_attribute_number(struct otlp_writer *writer, uint32_t number, const char *key,
                           int64_t value);
/* Fields 1 of ResourceX and of ScopeX. */
void otlp_resource(struct otlp_writer *writer, const struct tvn_otlp_resource *resource);
void otlp_scope(struct otlp_writer *writer);
