/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/utf8.h"

#include <stdio.h>

#define STRBUF_CAPACITY_FIRST 64

bool tvn_str_starts_with(struct tvn_str text, struct tvn_str prefix)
{
    return prefix.len <= text.len && tvn_str_equal(tvn_str_slice(text, 0, prefix.len), prefix);
}

bool tvn_str_ends_with(struct tvn_str text, struct tvn_str suffix)
{
    return suffix.len <= text.len &&
           tvn_str_equal(tvn_str_slice(text, text.len - suffix.len, text.len), suffix);
}

size_t tvn_str_find(struct tvn_str text, char c)
{
    const char *found = text.len ? memchr(text.ptr, c, text.len) : NULL;
    return found ? (size_t)(found - text.ptr) : SIZE_MAX;
}

size_t tvn_str_find_last(struct tvn_str text, char c)
{
    for (size_t i = text.len; i > 0; i--) {
        if (text.ptr[i - 1] == c) {
            return i - 1;
        }
    }
    return SIZE_MAX;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct tvn_str tvn_str_trim(struct tvn_str text)
{
    size_t from = 0;
    size_t to = text.len;
    while (from < to && is_space(text.ptr[from])) {
        from++;
    }
    while (to > from && is_space(text.ptr[to - 1])) {
        to--;
    }
    return tvn_str_slice(text, from, to);
}

void tvn_strbuf_init(struct tvn_strbuf *buf, size_t max_bytes)
{
    tvn_assert(buf);
    *buf = (struct tvn_strbuf){.max = max_bytes};
}

void tvn_strbuf_deinit(struct tvn_strbuf *buf)
{
    if (buf) {
        tvn_free(buf->ptr);
        *buf = (struct tvn_strbuf){.max = buf->max};
    }
}

void tvn_strbuf_reset(struct tvn_strbuf *buf)
{
    tvn_assert(buf);
    buf->len = 0;
    buf->failed = false;
    if (buf->ptr) {
        buf->ptr[0] = '\0';
    }
}

static size_t strbuf_max(const struct tvn_strbuf *buf)
{
    /* The NUL must fit beside the text. */
    return tvn_min(buf->max ? buf->max : TVN_STRBUF_MAX_DEFAULT, SIZE_MAX - 1);
}

/*
 * Makes room for up to `length` more bytes and a NUL. Returns how many of them fit; fewer than
 * asked sets `failed`. Once failed nothing more is taken, so the text is always a prefix of what
 * was added.
 */
static size_t strbuf_reserve(struct tvn_strbuf *buf, size_t length)
{
    if (buf->failed) {
        return 0;
    }
    size_t max = strbuf_max(buf);
    tvn_assert(buf->len <= max);
    size_t fits = tvn_min(length, max - buf->len);
    size_t needed = buf->len + fits + 1;
    if (needed > buf->capacity) {
        size_t capacity = tvn_max(buf->capacity, (size_t)STRBUF_CAPACITY_FIRST);
        while (capacity < needed) {
            capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
        }
        capacity = tvn_min(capacity, max + 1);
        char *grown = tvn_realloc(buf->ptr, capacity);
        if (!grown) {
            buf->failed = true;
            return 0;
        }
        buf->ptr = grown;
        buf->capacity = capacity;
        buf->ptr[buf->len] = '\0';
    }
    if (fits < length) {
        buf->failed = true;
    }
    return fits;
}

static void strbuf_advance(struct tvn_strbuf *buf, size_t length)
{
    if (length > 0) {
        buf->len += length;
        buf->ptr[buf->len] = '\0';
    }
}

void tvn_strbuf_add(struct tvn_strbuf *buf, const char *bytes, size_t length)
{
    tvn_assert(buf);
    tvn_assert(bytes || length == 0);
    if (length == 0) {
        return;
    }
    size_t fits = strbuf_reserve(buf, length);
    if (fits > 0) {
        memcpy(buf->ptr + buf->len, bytes, fits);
    }
    strbuf_advance(buf, fits);
}

void tvn_strbuf_add_str(struct tvn_strbuf *buf, struct tvn_str text)
{
    tvn_strbuf_add(buf, text.ptr, text.len);
}

void tvn_strbuf_add_text(struct tvn_strbuf *buf, const char *text)
{
    tvn_assert(text);
    tvn_strbuf_add(buf, text, strlen(text));
}

void tvn_strbuf_add_char(struct tvn_strbuf *buf, char c)
{
    tvn_strbuf_add(buf, &c, 1);
}

void tvn_strbuf_add_repeat(struct tvn_strbuf *buf, char c, size_t count)
{
    tvn_assert(buf);
    if (count == 0) {
        return;
    }
    size_t fits = strbuf_reserve(buf, count);
    if (fits > 0) {
        memset(buf->ptr + buf->len, c, fits);
    }
    strbuf_advance(buf, fits);
}

void tvn_strbuf_vprintf(struct tvn_strbuf *buf, const char *format, va_list args)
{
    tvn_assert(buf);
    tvn_assert(format);
    if (buf->failed) {
        return;
    }
    size_t room = buf->capacity > buf->len ? buf->capacity - buf->len : 0;
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(room ? buf->ptr + buf->len : NULL, room, format, args);
    if (length < 0) {
        buf->failed = true; /* a format error or beyond INT_MAX */
        if (room) {
            buf->ptr[buf->len] = '\0';
        }
    } else if ((size_t)length < room) {
        buf->len += (size_t)length;
    } else {
        if (room) {
            buf->ptr[buf->len] = '\0';
        }
        size_t fits = strbuf_reserve(buf, (size_t)length);
        if (fits > 0) {
            (void)vsnprintf(buf->ptr + buf->len, fits + 1, format, again);
        }
        strbuf_advance(buf, fits);
    }
    va_end(again);
}

void tvn_strbuf_printf(struct tvn_strbuf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tvn_strbuf_vprintf(buf, format, args);
    va_end(args);
}

/* Invisible characters that reorder or break the line around them on a terminal. */
static bool is_layout_control(uint32_t c)
{
    return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069);
}

static void add_escape(struct tvn_strbuf *buf, uint32_t c, size_t size)
{
    if (c == '\n') {
        tvn_strbuf_add_text(buf, "\\n");
    } else if (c == '\r') {
        tvn_strbuf_add_text(buf, "\\r");
    } else if (c == '\t') {
        tvn_strbuf_add_text(buf, "\\t");
    } else if (size <= 1) {
        tvn_strbuf_printf(buf, "\\x%02x", (unsigned)c); /* ASCII, or a byte that is no UTF-8 */
    } else {
        tvn_strbuf_printf(buf, "\\u{%x}", (unsigned)c);
    }
}

void tvn_strbuf_add_escaped(struct tvn_strbuf *buf, struct tvn_str text)
{
    tvn_assert(buf);
    size_t plain = 0; /* start of the run that needs no escape */
    size_t i = 0;
    while (i < text.len) {
        uint32_t c = (uint8_t)text.ptr[i];
        size_t size = tvn_utf8_decode(text.ptr + i, text.len - i, &c);
        if (size > 0 && c >= 0x20 && (c < 0x7F || c > 0x9F) && !is_layout_control(c)) {
            i += size;
            continue;
        }
        if (i > plain) {
            tvn_strbuf_add(buf, text.ptr + plain, i - plain);
        }
        add_escape(buf, c, size);
        i += size ? size : 1;
        plain = i;
    }
    if (i > plain) {
        tvn_strbuf_add(buf, text.ptr + plain, i - plain);
    }
}

const char *tvn_strbuf_text(const struct tvn_strbuf *buf)
{
    tvn_assert(buf);
    return buf->ptr ? buf->ptr : "";
}
