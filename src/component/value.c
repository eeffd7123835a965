/* SPDX-License-Identifier: Apache-2.0 */
#include "component/value.h"

#include "base/assert.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <math.h>

static bool lists_equal(const struct tvn_value *a, const struct tvn_value *b)
{
    if (a->is_bytes && b->is_bytes) {
        return tvn_str_equal(a->of.bytes, b->of.bytes);
    }
    if (a->is_bytes || b->is_bytes) { /* list<u8> in its two forms */
        const struct tvn_value *bytes = a->is_bytes ? a : b;
        const struct tvn_value *items = a->is_bytes ? b : a;
        bool same = bytes->of.bytes.len == items->of.list.count;
        for (uint32_t i = 0; same && i < items->of.list.count; i++) {
            same = (uint8_t)bytes->of.bytes.ptr[i] == items->of.list.items[i].of.u;
        }
        return same;
    }
    bool same = a->of.list.count == b->of.list.count;
    for (uint32_t i = 0; same && i < a->of.list.count; i++) {
        same = tvn_value_equal(&a->of.list.items[i], &b->of.list.items[i]);
    }
    return same;
}

static bool cases_equal(const struct tvn_value *a, const struct tvn_value *b)
{
    if (a->of.variant.index != b->of.variant.index) {
        return false;
    }
    if (!a->of.variant.value || !b->of.variant.value) {
        return a->of.variant.value == b->of.variant.value;
    }
    return tvn_value_equal(a->of.variant.value, b->of.variant.value);
}

bool tvn_value_equal(const struct tvn_value *a, const struct tvn_value *b)
{
    tvn_assert(a && a->type);
    tvn_assert(b && b->type);
    if (a->type->kind != b->type->kind) {
        return false;
    }
    switch (a->type->kind) {
    case TVN_TYPE_BOOL:
        return a->of.boolean == b->of.boolean;
    case TVN_TYPE_S8:
    case TVN_TYPE_S16:
    case TVN_TYPE_S32:
    case TVN_TYPE_S64:
        return a->of.s == b->of.s;
    case TVN_TYPE_U8:
    case TVN_TYPE_U16:
    case TVN_TYPE_U32:
    case TVN_TYPE_U64:
    case TVN_TYPE_FLAGS:
        return a->of.u == b->of.u;
    case TVN_TYPE_F32:
        return a->of.f32 == b->of.f32;
    case TVN_TYPE_F64:
        return a->of.f64 == b->of.f64;
    case TVN_TYPE_CHAR:
        return a->of.code_point == b->of.code_point;
    case TVN_TYPE_STRING:
        return tvn_str_equal(a->of.string, b->of.string);
    case TVN_TYPE_LIST:
    case TVN_TYPE_RECORD:
    case TVN_TYPE_TUPLE:
        return lists_equal(a, b);
    case TVN_TYPE_VARIANT:
    case TVN_TYPE_ENUM:
    case TVN_TYPE_OPTION:
    case TVN_TYPE_RESULT:
        return cases_equal(a, b);
    case TVN_TYPE_OWN:
    case TVN_TYPE_BORROW:
        return a->of.handle.type == b->of.handle.type && a->of.handle.rep == b->of.handle.rep;
    case TVN_TYPE_STREAM: /* decoding refuses these */
    case TVN_TYPE_FUTURE:
    case TVN_TYPE_ERROR_CONTEXT:
        break;
    }
    tvn_unreachable();
}

/* ---- text ---- */

static void print_quoted(struct tvn_str text, char quote, struct tvn_strbuf *out)
{
    tvn_strbuf_add_char(out, quote);
    for (size_t from = 0; from < text.len;) {
        size_t to = from;
        while (to < text.len && text.ptr[to] != quote && text.ptr[to] != '\\') {
            to++;
        }
        tvn_strbuf_add_escaped(out, tvn_str_slice(text, from, to));
        if (to < text.len) {
            tvn_strbuf_add_char(out, '\\');
            tvn_strbuf_add_char(out, text.ptr[to++]);
        }
        from = to;
    }
    tvn_strbuf_add_char(out, quote);
}

static void print_float(double value, int digits, struct tvn_strbuf *out)
{
    if (isnan(value)) {
        tvn_strbuf_add_text(out, "nan");
    } else if (isinf(value)) {
        tvn_strbuf_add_text(out, value < 0 ? "-inf" : "inf");
    } else {
        tvn_strbuf_printf(out, "%.*g", digits, value);
    }
}

static void print_list(const struct tvn_value *value, struct tvn_strbuf *out)
{
    tvn_strbuf_add_char(out, '[');
    size_t count = value->is_bytes ? value->of.bytes.len : value->of.list.count;
    for (size_t i = 0; i < count && !out->failed; i++) {
        tvn_strbuf_add_text(out, i == 0 ? "" : ", ");
        if (value->is_bytes) {
            tvn_strbuf_printf(out, "%u", (unsigned)(uint8_t)value->of.bytes.ptr[i]);
        } else {
            tvn_value_print(&value->of.list.items[i], out);
        }
    }
    tvn_strbuf_add_char(out, ']');
}

static void print_fields(const struct tvn_value *value, struct tvn_strbuf *out)
{
    bool named = value->type->kind == TVN_TYPE_RECORD;
    tvn_strbuf_add_char(out, named ? '{' : '(');
    for (uint32_t i = 0; i < value->of.list.count && !out->failed; i++) {
        tvn_strbuf_add_text(out, i == 0 ? "" : ", ");
        if (named) {
            tvn_strbuf_add_str(out, value->type->fields[i].name);
            tvn_strbuf_add_text(out, ": ");
        }
        tvn_value_print(&value->of.list.items[i], out);
    }
    tvn_strbuf_add_char(out, named ? '}' : ')');
}

static void print_flags(const struct tvn_value *value, struct tvn_strbuf *out)
{
    bool first = true;
    tvn_strbuf_add_char(out, '{');
    for (uint32_t i = 0; i < value->type->field_count; i++) {
        if (value->of.u >> i & 1u) {
            tvn_strbuf_add_text(out, first ? "" : ", ");
            tvn_strbuf_add_str(out, value->type->fields[i].name);
            first = false;
        }
    }
    tvn_strbuf_add_char(out, '}');
}

static struct tvn_str case_name(const struct tvn_value *value)
{
    uint32_t index = value->of.variant.index;
    if (value->type->kind == TVN_TYPE_OPTION) {
        return index == 1 ? TVN_STR("some") : TVN_STR("none");
    }
    if (value->type->kind == TVN_TYPE_RESULT) {
        return index == 0 ? TVN_STR("ok") : TVN_STR("err");
    }
    return value->type->fields[index].name;
}

static void print_case(const struct tvn_value *value, struct tvn_strbuf *out)
{
    tvn_strbuf_add_str(out, case_name(value));
    if (value->of.variant.value) {
        tvn_strbuf_add_char(out, '(');
        tvn_value_print(value->of.variant.value, out);
        tvn_strbuf_add_char(out, ')');
    }
}

static void print_char(uint32_t code_point, struct tvn_strbuf *out)
{
    char bytes[4];
    size_t length = tvn_utf8_encode(code_point, bytes);
    print_quoted((struct tvn_str){bytes, length}, '\'', out);
}

static void print_handle(const struct tvn_value *value, struct tvn_strbuf *out)
{
    struct tvn_str name = value->type->resource->name;
    tvn_strbuf_printf(out, "%s<%.*s>(%" PRIu64 ")",
                      value->type->kind == TVN_TYPE_OWN ? "own" : "borrow", TVN_STR_ARG(name),
                      value->of.handle.rep);
}

void tvn_value_print(const struct tvn_value *value, struct tvn_strbuf *out)
{
    tvn_assert(value && value->type);
    switch (value->type->kind) {
    case TVN_TYPE_BOOL:
        tvn_strbuf_add_text(out, value->of.boolean ? "true" : "false");
        return;
    case TVN_TYPE_S8:
    case TVN_TYPE_S16:
    case TVN_TYPE_S32:
    case TVN_TYPE_S64:
        tvn_strbuf_printf(out, "%" PRId64, value->of.s);
        return;
    case TVN_TYPE_U8:
    case TVN_TYPE_U16:
    case TVN_TYPE_U32:
    case TVN_TYPE_U64:
        tvn_strbuf_printf(out, "%" PRIu64, value->of.u);
        return;
    case TVN_TYPE_F32: {
        float number;
        memcpy(&number, &value->of.f32, sizeof(number));
        print_float((double)number, 9, out);
        return;
    }
    case TVN_TYPE_F64: {
        double number;
        memcpy(&number, &value->of.f64, sizeof(number));
        print_float(number, 17, out);
        return;
    }
    case TVN_TYPE_CHAR:
        print_char(value->of.code_point, out);
        return;
    case TVN_TYPE_STRING:
        print_quoted(value->of.string, '"', out);
        return;
    case TVN_TYPE_LIST:
        print_list(value, out);
        return;
    case TVN_TYPE_RECORD:
    case TVN_TYPE_TUPLE:
        print_fields(value, out);
        return;
    case TVN_TYPE_VARIANT:
    case TVN_TYPE_ENUM:
    case TVN_TYPE_OPTION:
    case TVN_TYPE_RESULT:
        print_case(value, out);
        return;
    case TVN_TYPE_FLAGS:
        print_flags(value, out);
        return;
    case TVN_TYPE_OWN:
    case TVN_TYPE_BORROW:
        print_handle(value, out);
        return;
    case TVN_TYPE_STREAM: /* decoding refuses these */
    case TVN_TYPE_FUTURE:
    case TVN_TYPE_ERROR_CONTEXT:
        break;
    }
    tvn_unreachable();
}
