/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * String views (not owned, not NUL-terminated) and bounded growing buffers (owned, always
 * NUL-terminated).
 *
 * Limits: a buffer never exceeds the maximum given at init; beyond it appending sets `failed` and
 * drops the rest.
 */
#include "base/compiler.h"
#include "base/status.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct tvn_str {
    const char *ptr;
    size_t len;
};

#define TVN_STR(literal) ((struct tvn_str){(literal), sizeof(literal) - 1})
/* printf("%.*s", TVN_STR_ARG(view)) */
#define TVN_STR_ARG(view) (int)(view).len, (view).ptr

static inline struct tvn_str tvn_str_of(const char *text)
{
    return (struct tvn_str){text, text ? strlen(text) : 0};
}
static inline bool tvn_str_equal(struct tvn_str a, struct tvn_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
static inline bool tvn_str_is(struct tvn_str a, const char *text)
{
    return tvn_str_equal(a, tvn_str_of(text));
}
bool tvn_str_starts_with(struct tvn_str text, struct tvn_str prefix);
bool tvn_str_ends_with(struct tvn_str text, struct tvn_str suffix);
/* Index of the first (last) occurrence, or SIZE_MAX. */
size_t tvn_str_find(struct tvn_str text, char c);
size_t tvn_str_find_last(struct tvn_str text, char c);
static inline struct tvn_str tvn_str_slice(struct tvn_str text, size_t from, size_t to)
{
    return (struct tvn_str){text.ptr + from, to - from};
}
struct tvn_str tvn_str_trim(struct tvn_str text); /* ASCII white space at both ends */

struct tvn_strbuf {
    char *ptr; /* NULL while empty; else NUL-terminated */
    size_t len;
    size_t capacity;
    size_t max;  /* 0 means TVN_STRBUF_MAX_DEFAULT */
    bool failed; /* something did not fit or memory ran out; sticky until reset */
};

#define TVN_STRBUF_MAX_DEFAULT ((size_t)64 << 20)

// WARM PATH. A zeroed struct is a valid empty buffer with the default maximum.
void tvn_strbuf_init(struct tvn_strbuf *buf, size_t max_bytes);
void tvn_strbuf_deinit(struct tvn_strbuf *buf);
void tvn_strbuf_reset(struct tvn_strbuf *buf); /* empty, keeps the memory, clears `failed` */
void tvn_strbuf_add(struct tvn_strbuf *buf, const char *bytes, size_t length);
void tvn_strbuf_add_str(struct tvn_strbuf *buf, struct tvn_str text);
void tvn_strbuf_add_text(struct tvn_strbuf *buf, const char *text);
void tvn_strbuf_add_char(struct tvn_strbuf *buf, char c);
void tvn_strbuf_add_repeat(struct tvn_strbuf *buf, char c, size_t count);
void tvn_strbuf_printf(struct tvn_strbuf *buf, const char *format, ...) TVN_PRINTF(2, 3);
void tvn_strbuf_vprintf(struct tvn_strbuf *buf, const char *format, va_list args) TVN_PRINTF(2, 0);
/*
 * Appends text for a terminal: control characters, DEL, C1 controls, bidi controls and invalid
 * UTF-8 come out as
 * \n, \t, \x1b, \u{202e} …; everything else unchanged.
 */
void tvn_strbuf_add_escaped(struct tvn_strbuf *buf, struct tvn_str text);
/* Never NULL: "" while empty. Valid until the next change. */
const char *tvn_strbuf_text(const struct tvn_strbuf *buf);
static inline struct tvn_str tvn_strbuf_view(const struct tvn_strbuf *buf)
{
    return (struct tvn_str){tvn_strbuf_text(buf), buf->len};
}
TVN_DEFINE_CLEANUP_VALUE(tvn_strbuf, tvn_strbuf_deinit)
