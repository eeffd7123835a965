/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Writes JSON into a string buffer, value by value. No call can fail on its own: out->failed is
 * sticky, and a call that does not fit the grammar (a value without a key in an object, an end too
 * many) is our bug and asserted.
 *
 *     struct tvn_json_writer json;
 *     tvn_json_writer_init(&json, &out, 0);
 *     tvn_json_begin_object(&json);
 *     tvn_json_field_text(&json, "flow", name);
 *     tvn_json_end_object(&json);
 *
 * Limits: TVN_JSON_WRITER_DEPTH_MAX levels. Invalid UTF-8 becomes U+FFFD, infinite and NaN become
 * null.
 */
#include "base/str.h"

#define TVN_JSON_WRITER_DEPTH_MAX 191

struct tvn_json_writer {
    struct tvn_strbuf *out;
    unsigned indent; /* spaces a level; 0: all in one line */
    unsigned depth;
    uint64_t in_object[3]; /* bit per level */
    uint64_t has_items[3];
    bool after_key;
};

void tvn_json_writer_init(struct tvn_json_writer *json, struct tvn_strbuf *out, unsigned indent);
/* For one value that is to stand `depth` levels deep in what another writer writes. */
void tvn_json_writer_init_value(struct tvn_json_writer *json, struct tvn_strbuf *out,
                                unsigned indent, unsigned depth);
void tvn_json_begin_object(struct tvn_json_writer *json);
void tvn_json_end_object(struct tvn_json_writer *json);
void tvn_json_begin_array(struct tvn_json_writer *json);
void tvn_json_end_array(struct tvn_json_writer *json);
void tvn_json_key(struct tvn_json_writer *json, const char *key);
void tvn_json_key_str(struct tvn_json_writer *json, struct tvn_str key);

void tvn_json_write_text(struct tvn_json_writer *json, const char *text); /* NULL: null */
void tvn_json_write_str(struct tvn_json_writer *json, struct tvn_str text);
void tvn_json_write_i64(struct tvn_json_writer *json, int64_t value);
void tvn_json_write_u64(struct tvn_json_writer *json, uint64_t value);
void tvn_json_write_real(struct tvn_json_writer *json,
                         double value); /* the shortest that reads back equal */
void tvn_json_write_bool(struct tvn_json_writer *json, bool value);
void tvn_json_write_null(struct tvn_json_writer *json);

/* What a writer of tvn_json_writer_init_value wrote for this depth, with this indentation. */
void tvn_json_write_written(struct tvn_json_writer *json, struct tvn_str value);

/* Key and value in one call. */
void tvn_json_field_text(struct tvn_json_writer *json, const char *key, const char *text);
void tvn_json_field_i64(struct tvn_json_writer *json, const char *key, int64_t value);
void tvn_json_field_u64(struct tvn_json_writer *json, const char *key, uint64_t value);
void tvn_json_field_real(struct tvn_json_writer *json, const char *key, double value);
void tvn_json_field_bool(struct tvn_json_writer *json, const char *key, bool value);
