/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "contracts/type_print_internal.h"
#include "contracts/wit_name_internal.h"

static const char *primitive_name(enum tvn_type_kind kind)
{
    static const char *const names[TVN_TYPE_STRING + 1] = {
        [TVN_TYPE_BOOL] = "bool",     [TVN_TYPE_S8] = "s8",   [TVN_TYPE_U8] = "u8",
        [TVN_TYPE_S16] = "s16",       [TVN_TYPE_U16] = "u16", [TVN_TYPE_S32] = "s32",
        [TVN_TYPE_U32] = "u32",       [TVN_TYPE_S64] = "s64", [TVN_TYPE_U64] = "u64",
        [TVN_TYPE_F32] = "f32",       [TVN_TYPE_F64] = "f64", [TVN_TYPE_CHAR] = "char",
        [TVN_TYPE_STRING] = "string",
    };
    tvn_assert(kind <= TVN_TYPE_STRING);
    return names[kind];
}

static void print_resource(const struct tvn_type_names *names, const struct tvn_type *handle,
                           struct tvn_strbuf *out)
{
    const struct tvn_resource *resource = handle->resource;
    struct tvn_str name = names ? names->of_resource(names->context, handle) : resource->name;
    if (name.len > 0) {
        tvn_wit_print_name(out, name);
    } else {
        tvn_strbuf_printf(out, "resource-%u", resource->index);
    }
}

/* "tuple<a, b>": the element types between angle brackets. */
static void print_elements(const struct tvn_type_names *names, const char *word,
                           const struct tvn_type *type, struct tvn_strbuf *out)
{
    tvn_strbuf_add_text(out, word);
    for (uint32_t i = 0; i < type->field_count && !out->failed; i++) {
        tvn_strbuf_add_text(out, i == 0 ? "<" : ", ");
        tvn_type_print_reference(names, type->fields[i].type, out);
    }
    tvn_strbuf_add_char(out, '>');
}

static void print_list(const struct tvn_type_names *names, const struct tvn_type *type,
                       struct tvn_strbuf *out)
{
    if (type->is_map) {
        print_elements(names, "map", type->element, out);
        return;
    }
    tvn_strbuf_add_text(out, "list<");
    tvn_type_print_reference(names, type->element, out);
    if (type->list_length > 0) {
        tvn_strbuf_printf(out, ", %u", type->list_length);
    }
    tvn_strbuf_add_char(out, '>');
}

static void print_result(const struct tvn_type_names *names, const struct tvn_type *type,
                         struct tvn_strbuf *out)
{
    tvn_strbuf_add_text(out, "result");
    if (!type->element && !type->error) {
        return;
    }
    tvn_strbuf_add_char(out, '<');
    if (type->element) {
        tvn_type_print_reference(names, type->element, out);
    } else {
        tvn_strbuf_add_char(out, '_');
    }
    if (type->error) {
        tvn_strbuf_add_text(out, ", ");
        tvn_type_print_reference(names, type->error, out);
    }
    tvn_strbuf_add_char(out, '>');
}

/* WIT gives these kinds a name always; a binary need not. */
static void print_unnamed(const struct tvn_type_names *names, const char *word,
                          const struct tvn_type *type, struct tvn_strbuf *out)
{
    tvn_strbuf_add_text(out, word);
    for (uint32_t i = 0; i < type->field_count && !out->failed; i++) {
        tvn_strbuf_add_text(out, i == 0 ? " { " : ", ");
        tvn_wit_print_name(out, type->fields[i].name);
        if (type->fields[i].type) {
            tvn_strbuf_add_text(out, type->kind == TVN_TYPE_RECORD ? ": " : "(");
            tvn_type_print_reference(names, type->fields[i].type, out);
            tvn_strbuf_add_text(out, type->kind == TVN_TYPE_RECORD ? "" : ")");
        }
    }
    tvn_strbuf_add_text(out, " }");
}

/* "stream", "future<u8>" */
static void print_carrier(const struct tvn_type_names *names, const char *word,
                          const struct tvn_type *type, struct tvn_strbuf *out)
{
    tvn_strbuf_add_text(out, word);
    if (type->element) {
        tvn_strbuf_add_char(out, '<');
        tvn_type_print_reference(names, type->element, out);
        tvn_strbuf_add_char(out, '>');
    }
}

void tvn_type_print_body(const struct tvn_type_names *names, const struct tvn_type *type,
                         struct tvn_strbuf *out)
{
    tvn_assert(type);
    tvn_assert(out);
    switch (type->kind) {
    case TVN_TYPE_LIST:
        print_list(names, type, out);
        break;
    case TVN_TYPE_TUPLE:
        print_elements(names, "tuple", type, out);
        break;
    case TVN_TYPE_OPTION:
        tvn_strbuf_add_text(out, "option<");
        tvn_type_print_reference(names, type->element, out);
        tvn_strbuf_add_char(out, '>');
        break;
    case TVN_TYPE_RESULT:
        print_result(names, type, out);
        break;
    case TVN_TYPE_RECORD:
        print_unnamed(names, "record", type, out);
        break;
    case TVN_TYPE_VARIANT:
        print_unnamed(names, "variant", type, out);
        break;
    case TVN_TYPE_ENUM:
        print_unnamed(names, "enum", type, out);
        break;
    case TVN_TYPE_FLAGS:
        print_unnamed(names, "flags", type, out);
        break;
    case TVN_TYPE_OWN:
        print_resource(names, type, out);
        break;
    case TVN_TYPE_BORROW:
        tvn_strbuf_add_text(out, "borrow<");
        print_resource(names, type, out);
        tvn_strbuf_add_char(out, '>');
        break;
    case TVN_TYPE_STREAM:
        print_carrier(names, "stream", type, out);
        break;
    case TVN_TYPE_FUTURE:
        print_carrier(names, "future", type, out);
        break;
    case TVN_TYPE_ERROR_CONTEXT:
        tvn_strbuf_add_text(out, "error-context");
        break;
    case TVN_TYPE_BOOL:
    case TVN_TYPE_S8:
    case TVN_TYPE_U8:
    case TVN_TYPE_S16:
    case TVN_TYPE_U16:
    case TVN_TYPE_S32:
    case TVN_TYPE_U32:
    case TVN_TYPE_S64:
    case TVN_TYPE_U64:
    case TVN_TYPE_F32:
    case TVN_TYPE_F64:
    case TVN_TYPE_CHAR:
    case TVN_TYPE_STRING:
        tvn_strbuf_add_text(out, primitive_name(type->kind));
        break;
    }
}

/* Recursion is as deep as types are; a full buffer ends it early where shared parts would print for
 * ever. */
void tvn_type_print_reference(const struct tvn_type_names *names, const struct tvn_type *type,
                              struct tvn_strbuf *out)
{
    tvn_assert(type);
    tvn_assert(out);
    if (out->failed) {
        return;
    }
    struct tvn_str name = names ? names->of_type(names->context, type) : type->name;
    if (name.len > 0) {
        tvn_wit_print_name(out, name);
    } else {
        tvn_type_print_body(names, type, out);
    }
}

void tvn_func_type_print_named(const struct tvn_type_names *names, const struct tvn_func_type *type,
                               uint32_t first_param, bool with_result, struct tvn_strbuf *out)
{
    tvn_assert(type);
    tvn_assert(out);
    tvn_strbuf_add_char(out, '(');
    for (uint32_t i = first_param; i < type->param_count && !out->failed; i++) {
        tvn_strbuf_add_text(out, i == first_param ? "" : ", ");
        tvn_wit_print_name(out, type->params[i].name);
        tvn_strbuf_add_text(out, ": ");
        tvn_type_print_reference(names, type->params[i].type, out);
    }
    tvn_strbuf_add_char(out, ')');
    if (type->result && with_result) {
        tvn_strbuf_add_text(out, " -> ");
        tvn_type_print_reference(names, type->result, out);
    }
}

void tvn_type_print(const struct tvn_type *type, struct tvn_strbuf *out)
{
    tvn_type_print_reference(NULL, type, out);
}

void tvn_func_type_print(const struct tvn_func_type *type, struct tvn_strbuf *out)
{
    tvn_assert(type);
    tvn_assert(out);
    tvn_strbuf_add_text(out, type->is_async ? "async func" : "func");
    tvn_func_type_print_named(NULL, type, 0, true, out);
}
