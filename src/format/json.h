/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * JSON values: strict parsing with limits, look-ups, small edits, printing. For writing JSON use
 * json_writer.h.
 *
 * Memory: reference-counted; objects keep the order of their keys. Threads: one at a time. Limits:
 * TVN_JSON_SIZE_MAX bytes, TVN_JSON_DEPTH_MAX levels. Duplicate keys are errors.
 */
#include "base/compiler.h"
#include "base/status.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define TVN_JSON_SIZE_MAX  ((size_t)16 << 20)
#define TVN_JSON_DEPTH_MAX 128

enum tvn_json_kind {
    TVN_JSON_NULL,
    TVN_JSON_BOOL,
    TVN_JSON_INTEGER,
    TVN_JSON_REAL,
    TVN_JSON_STRING,
    TVN_JSON_ARRAY,
    TVN_JSON_OBJECT,
};

struct tvn_json;

struct tvn_json_error {
    size_t offset; /* bytes */
    char text[192];
};

// COLD PATH. TVN_E_CONSTRAINT_VIOLATION with *out_error filled, TVN_E_OUT_OF_MEMORY. Any value may
// stand at the top.
TVN_NODISCARD enum tvn_status tvn_json_parse(struct tvn_str text, struct tvn_json **out_value,
                                             struct tvn_json_error *out_error);
/* The same, but strings (not keys) may hold U+0000: for data whose strings are never C strings. */
TVN_NODISCARD enum tvn_status tvn_json_parse_with_nul(struct tvn_str text,
                                                      struct tvn_json **out_value,
                                                      struct tvn_json_error *out_error);
void tvn_json_unref(struct tvn_json *value);
TVN_DEFINE_CLEANUP(tvn_json, tvn_json_unref)

enum tvn_json_kind tvn_json_kind(const struct tvn_json *value);
/* The value must be of that kind (asserted); real accepts an integer too. */
bool tvn_json_boolean(const struct tvn_json *value);
int64_t tvn_json_integer(const struct tvn_json *value);
double tvn_json_real(const struct tvn_json *value);
struct tvn_str tvn_json_string(const struct tvn_json *value);

/* Members are borrowed. NULL when missing, or when the value is no object (array). */
struct tvn_json *tvn_json_get(const struct tvn_json *object, const char *key);
struct tvn_json *tvn_json_at(const struct tvn_json *array, size_t index);
size_t tvn_json_count(const struct tvn_json *value); /* of an object or array; 0 for others */
/* Iterates an object in order: start with *cursor = NULL; false at the end. */
bool tvn_json_next(const struct tvn_json *object, void **cursor, const char **out_key,
                   struct tvn_json **out_value);

// COLD PATH. NULL when memory is exhausted; a string must be UTF-8.
TVN_NODISCARD struct tvn_json *tvn_json_create_object(void);
TVN_NODISCARD struct tvn_json *tvn_json_create_string(struct tvn_str text);
/* Replaces or adds. `value` may be NULL: TVN_E_OUT_OF_MEMORY then, so that a constructor can stand
 * in the call. */
TVN_NODISCARD enum tvn_status tvn_json_set(struct tvn_json *object, const char *key,
                                           TVN_TAKEN struct tvn_json *value);

/* Compact, in one line. Sets out->failed when it does not fit. */
void tvn_json_print(const struct tvn_json *value, struct tvn_strbuf *out);
