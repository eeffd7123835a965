/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json_writer.h"

#include "base/assert.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void tvn_json_writer_init(struct tvn_json_writer *json, struct tvn_strbuf *out, unsigned indent)
{
    tvn_assert(json);
    tvn_assert(out);
    *json = (struct tvn_json_writer){.out = out, .indent = indent};
}

static bool get_bit(const uint64_t *bits, unsigned level)
{
    return (bits[level / 64] >> level % 64 & 1) != 0;
}

static void set_bit(uint64_t *bits, unsigned level, bool value)
{
    uint64_t bit = (uint64_t)1 << level % 64;
    bits[level / 64] = value ? bits[level / 64] | bit : bits[level / 64] & ~bit;
}

static void line_break(struct tvn_json_writer *json)
{
    if (json->indent > 0) {
        tvn_strbuf_add_char(json->out, '\n');
        tvn_strbuf_add_repeat(json->out, ' ', (size_t)json->indent * json->depth);
    }
}

void tvn_json_writer_init_value(struct tvn_json_writer *json, struct tvn_strbuf *out,
                                unsigned indent, unsigned depth)
{
    tvn_assert(depth <= TVN_JSON_WRITER_DEPTH_MAX);
    tvn_json_writer_init(json, out, indent);
    json->depth = depth;
    set_bit(json->in_object, depth, true); /* after a key nothing stands before the value */
    json->after_key = true;
}

/* What stands before an item: a comma if it is not the first. */
static void begin_item(struct tvn_json_writer *json)
{
    if (get_bit(json->has_items, json->depth)) {
        tvn_strbuf_add_char(json->out, ',');
    }
    set_bit(json->has_items, json->depth, true);
    if (json->depth > 0) {
        line_break(json);
    }
}

static void begin_value(struct tvn_json_writer *json)
{
    bool in_object = get_bit(json->in_object, json->depth);
    tvn_assert(in_object == json->after_key);
    tvn_assert(json->depth > 0 || !get_bit(json->has_items, 0));
    if (!in_object) {
        begin_item(json);
    }
    json->after_key = false;
}

static void begin_nested(struct tvn_json_writer *json, char open, bool is_object)
{
    begin_value(json);
    tvn_assert(json->depth < TVN_JSON_WRITER_DEPTH_MAX);
    tvn_strbuf_add_char(json->out, open);
    json->depth++;
    set_bit(json->has_items, json->depth, false);
    set_bit(json->in_object, json->depth, is_object);
}

static void end_nested(struct tvn_json_writer *json, char close, bool is_object)
{
    tvn_assert(json->depth > 0);
    tvn_assert(get_bit(json->in_object, json->depth) == is_object);
    tvn_assert(!json->after_key);
    bool had_items = get_bit(json->has_items, json->depth);
    json->depth--;
    if (had_items) {
        line_break(json);
    }
    tvn_strbuf_add_char(json->out, close);
}

void tvn_json_begin_object(struct tvn_json_writer *json)
{
    begin_nested(json, '{', true);
}

void tvn_json_end_object(struct tvn_json_writer *json)
{
    end_nested(json, '}', true);
}

void tvn_json_begin_array(struct tvn_json_writer *json)
{
    begin_nested(json, '[', false);
}

void tvn_json_end_array(struct tvn_json_writer *json)
{
    end_nested(json, ']', false);
}

static void add_escape(struct tvn_strbuf *out, unsigned char c)
{
    static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (size_t i = 0; i + 1 < sizeof(letters); i += 2) {
        if ((unsigned char)letters[i] == c) {
            tvn_strbuf_add_char(out, '\\');
            tvn_strbuf_add_char(out, letters[i + 1]);
            return;
        }
    }
    tvn_strbuf_printf(out, "\\u%04x", (unsigned)c);
}

static void add_quoted(struct tvn_strbuf *out, struct tvn_str text)
{
    tvn_strbuf_add_char(out, '"');
    size_t valid = text.len > 0 ? tvn_utf8_valid_prefix(text.ptr, text.len) : 0;
    size_t plain = 0; /* start of what is not copied yet */
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool invalid = i == valid;
        if (!invalid && c >= 0x20 && c != '"' && c != '\\') {
            continue;
        }
        tvn_strbuf_add(out, text.ptr + plain, i - plain);
        plain = i + 1;
        if (invalid) {
            tvn_strbuf_add_text(out, "\xef\xbf\xbd");
            valid = i + 1 + tvn_utf8_valid_prefix(text.ptr + i + 1, text.len - i - 1);
        } else {
            add_escape(out, c);
        }
    }
    if (plain < text.len) {
        tvn_strbuf_add(out, text.ptr + plain, text.len - plain);
    }
    tvn_strbuf_add_char(out, '"');
}

void tvn_json_key_str(struct tvn_json_writer *json, struct tvn_str key)
{
    tvn_assert(get_bit(json->in_object, json->depth));
    tvn_assert(!json->after_key);
    begin_item(json);
    add_quoted(json->out, key);
    tvn_strbuf_add_text(json->out, json->indent > 0 ? ": " : ":");
    json->after_key = true;
}

void tvn_json_key(struct tvn_json_writer *json, const char *key)
{
    tvn_json_key_str(json, tvn_str_of(key));
}

void tvn_json_write_str(struct tvn_json_writer *json, struct tvn_str text)
{
    begin_value(json);
    add_quoted(json->out, text);
}

void tvn_json_write_text(struct tvn_json_writer *json, const char *text)
{
    if (text) {
        tvn_json_write_str(json, tvn_str_of(text));
    } else {
        tvn_json_write_null(json);
    }
}

void tvn_json_write_i64(struct tvn_json_writer *json, int64_t value)
{
    begin_value(json);
    tvn_strbuf_printf(json->out, "%" PRId64, value);
}

void tvn_json_write_u64(struct tvn_json_writer *json, uint64_t value)
{
    begin_value(json);
    tvn_strbuf_printf(json->out, "%" PRIu64, value);
}

void tvn_json_write_real(struct tvn_json_writer *json, double value)
{
    if (!isfinite(value)) {
        tvn_json_write_null(json);
        return;
    }
    begin_value(json);
    char text[40];
    int precision = 15;
    do {
        (void)snprintf(text, sizeof(text), "%.*g", precision, value);
    } while (precision++ < 17 && strtod(text, NULL) != value);
    /* The locale of an embedding program may have another decimal point. */
    size_t length = strlen(text);
    size_t plain = strspn(text, "+-0123456789eE");
    if (plain < length) {
        size_t rest = plain + strcspn(text + plain, "0123456789");
        tvn_strbuf_add(json->out, text, plain);
        tvn_strbuf_add_char(json->out, '.');
        tvn_strbuf_add_text(json->out, text + rest);
    } else {
        tvn_strbuf_add_text(json->out, text);
        tvn_strbuf_add_text(json->out, strpbrk(text, "eE") ? "" : ".0");
    }
}

void tvn_json_write_bool(struct tvn_json_writer *json, bool value)
{
    begin_value(json);
    tvn_strbuf_add_text(json->out, value ? "true" : "false");
}

void tvn_json_write_null(struct tvn_json_writer *json)
{
    begin_value(json);
    tvn_strbuf_add_text(json->out, "null");
}

void tvn_json_write_written(struct tvn_json_writer *json, struct tvn_str value)
{
    tvn_assert(value.len > 0);
    begin_value(json);
    tvn_strbuf_add_str(json->out, value);
}

void tvn_json_field_text(struct tvn_json_writer *json, const char *key, const char *text)
{
    tvn_json_key(json, key);
    tvn_json_write_text(json, text);
}

void tvn_json_field_i64(struct tvn_json_writer *json, const char *key, int64_t value)
{
    tvn_json_key(json, key);
    tvn_json_write_i64(json, value);
}

void tvn_json_field_u64(struct tvn_json_writer *json, const char *key, uint64_t value)
{
    tvn_json_key(json, key);
    tvn_json_write_u64(json, value);
}

void tvn_json_field_real(struct tvn_json_writer *json, const char *key, double value)
{
    tvn_json_key(json, key);
    tvn_json_write_real(json, value);
}

void tvn_json_field_bool(struct tvn_json_writer *json, const char *key, bool value)
{
    tvn_json_key(json, key);
    tvn_json_write_bool(json, value);
}
