/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the three files of the TOML reader share: toml.c (tree), toml_parser.c (structure),
 * toml_scalar.c (values that nest nothing). A parse function returns false after it reported an
 * error; p->status keeps the first code.
 */
#include "format/toml.h"

#include <locale.h>

struct tvn_toml_parser {
    struct tvn_arena *arena;
    struct tvn_diag_sink *sink;
    uint32_t file;
    const char *text;
    size_t len;
    size_t pos;
    enum tvn_status status;
    size_t error_count;
    bool in_lines;             /* inside something that may go over several lines */
    size_t array_noted;        /* error_count when an array was last named in a diagnostic */
    struct tvn_strbuf scratch; /* the value being decoded */
    locale_t locale;           /* "C" for numbers, made when the first float comes */
};

static inline int toml_peek(const struct tvn_toml_parser *p)
{
    return p->pos < p->len ? (unsigned char)p->text[p->pos] : -1;
}
static inline bool toml_is_digit(int c)
{
    return c >= '0' && c <= '9';
}
static inline bool toml_at(const struct tvn_toml_parser *p, const char *text, size_t length)
{
    return p->len - p->pos >= length && memcmp(p->text + p->pos, text, length) == 0;
}
/* A line end, LF or CRLF: its length, else 0. */
static inline size_t toml_newline(const struct tvn_toml_parser *p)
{
    return toml_at(p, "\n", 1) ? 1 : toml_at(p, "\r\n", 2) ? 2 : 0;
}
static inline struct tvn_span toml_span(const struct tvn_toml_parser *p, size_t from, size_t to)
{
    return (struct tvn_span){p->file, (uint32_t)from, (uint32_t)(to - from)};
}

/* Notes that `status` was reported; always false. */
bool toml_failed(struct tvn_toml_parser *p, enum tvn_status status);
bool toml_no_memory(struct tvn_toml_parser *p);
#define toml_error(p, from, to, ...)                                       \
    toml_failed((p), tvn_diag_error((p)->sink, TVN_E_MANIFEST_PARSE_ERROR, \
                                    toml_span((p), (from), (to)), __VA_ARGS__))
/* "expected …, found 'x'" at the current position. */
bool toml_expected(struct tvn_toml_parser *p, const char *what);

struct tvn_toml_entry *toml_table_find(const struct tvn_toml_table *table, struct tvn_str key);
struct tvn_toml_table *toml_table_create(struct tvn_toml_parser *p, enum tvn_toml_origin origin);
/* The key must be new. NULL when memory is exhausted (reported). */
struct tvn_toml_entry *toml_table_add(struct tvn_toml_parser *p, struct tvn_toml_table *table,
                                      struct tvn_str key, struct tvn_span key_span);

/* Parse at the current position and move behind it. Strings are copied into the arena. */
bool toml_parse_string(struct tvn_toml_parser *p, struct tvn_toml_value *out);
bool toml_parse_key_string(struct tvn_toml_parser *p, struct tvn_str *out_key);
bool toml_parse_bare_scalar(struct tvn_toml_parser *p, struct tvn_toml_value *out);
/* The document; p->status says how it went. */
void toml_parse_document(struct tvn_toml_parser *p, struct tvn_toml_table *root);
