/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * TOML 1.0 reader that keeps the order of keys and the place of every key and value.
 *
 * Memory: the tree lives in the caller's arena; strings point into it. Threads: one at a time, then
 * immutable. Limits: TVN_TOML_SIZE_MAX bytes, TVN_TOML_DEPTH_MAX levels of values and of key parts.
 * Time is linear in the size.
 */
#include "base/arena.h"
#include "base/diag.h"
#include "base/status.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define TVN_TOML_SIZE_MAX  ((size_t)4 << 20)
#define TVN_TOML_DEPTH_MAX 128

enum tvn_toml_kind {
    TVN_TOML_STRING,
    TVN_TOML_INTEGER,
    TVN_TOML_FLOAT,
    TVN_TOML_BOOL,
    TVN_TOML_OFFSET_DATETIME,
    TVN_TOML_LOCAL_DATETIME,
    TVN_TOML_LOCAL_DATE,
    TVN_TOML_LOCAL_TIME,
    TVN_TOML_ARRAY,
    TVN_TOML_TABLE,
};
/* "string", "integer", …, "date-time", "array", "table" */
const char *tvn_toml_kind_name(enum tvn_toml_kind kind);

struct tvn_toml_table;

struct tvn_toml_value {
    enum tvn_toml_kind kind;
    /* Of the whole value; of a table from headers: its header, or the key in a longer one. */
    struct tvn_span span;
    union {
        struct tvn_str string; /* STRING (UTF-8, may hold NUL; also NUL-terminated); the *DATE* and
                                *TIME* kinds: RFC 3339 */
        int64_t integer;
        double real;
        bool boolean;
        struct tvn_toml_array *array;
        struct tvn_toml_table *table;
    };
    struct tvn_toml_value *next; /* the next item, in an array */
};

struct tvn_toml_array {
    struct tvn_toml_value *first;
    struct tvn_toml_value *last;
    size_t count;
    bool of_tables; /* made by [[headers]] */
};

struct tvn_toml_entry {
    struct tvn_str key;
    struct tvn_span key_span; /* where the key is written first */
    struct tvn_toml_value value;
    struct tvn_toml_entry *next; /* in file order */
    struct tvn_toml_entry *next_in_bucket;
};

/* How a table came to be decides what may be added to it. */
enum tvn_toml_origin {
    TVN_TOML_ORIGIN_IMPLICIT, /* a part of a longer header */
    TVN_TOML_ORIGIN_HEADER,
    TVN_TOML_ORIGIN_DOTTED,
    TVN_TOML_ORIGIN_INLINE,
};

struct tvn_toml_table {
    struct tvn_toml_entry *first;
    struct tvn_toml_entry *last;
    size_t count;
    enum tvn_toml_origin origin;
    struct tvn_toml_entry **buckets;
    size_t bucket_count; /* 0 or a power of two */
};

/*
 * COLD PATH. Parses `text`, which the sink knows as source `file`. Reports several E0002; *out_root
 * is written only when there was none. E0011 when memory or the arena's maximum is exhausted.
 */
TVN_NODISCARD enum tvn_status tvn_toml_parse(struct tvn_arena *arena, uint32_t file,
                                             struct tvn_str text, struct tvn_diag_sink *sink,
                                             const struct tvn_toml_table **out_root);

/* NULL when there is no such key. */
const struct tvn_toml_entry *tvn_toml_find(const struct tvn_toml_table *table, struct tvn_str key);
