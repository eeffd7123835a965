/* SPDX-License-Identifier: Apache-2.0 */
/* Constants of a script: {"type": "u32", "value": "42"}, typed by the function that takes them. */
#include "base/num.h"
#include "base/utf8.h"
#include "programs/wast_runner_internal.h"

#define F32_QUIET 0x7fc00000u
#define F32_SIGN  0x80000000u
#define F64_QUIET 0x7ff8000000000000u
#define F64_SIGN  0x8000000000000000u

/* The names of a constant's type; core constants stand for the unsigned types of their size. */
static const struct {
    const char *tag;
    const char *core_tag;
} tags[] = {
    [TVN_TYPE_BOOL] = {"bool", NULL},       [TVN_TYPE_S8] = {"s8", NULL},
    [TVN_TYPE_U8] = {"u8", NULL},           [TVN_TYPE_S16] = {"s16", NULL},
    [TVN_TYPE_U16] = {"u16", NULL},         [TVN_TYPE_S32] = {"s32", NULL},
    [TVN_TYPE_U32] = {"u32", "i32"},        [TVN_TYPE_S64] = {"s64", NULL},
    [TVN_TYPE_U64] = {"u64", "i64"},        [TVN_TYPE_F32] = {"f32", NULL},
    [TVN_TYPE_F64] = {"f64", NULL},         [TVN_TYPE_CHAR] = {"char", NULL},
    [TVN_TYPE_STRING] = {"string", NULL},   [TVN_TYPE_LIST] = {"list", "map"},
    [TVN_TYPE_RECORD] = {"record", NULL},   [TVN_TYPE_TUPLE] = {"tuple", NULL},
    [TVN_TYPE_VARIANT] = {"variant", NULL}, [TVN_TYPE_ENUM] = {"enum", NULL},
    [TVN_TYPE_OPTION] = {"option", NULL},   [TVN_TYPE_RESULT] = {"result", NULL},
    [TVN_TYPE_FLAGS] = {"flags", NULL},     [TVN_TYPE_OWN] = {"own", NULL},
    [TVN_TYPE_BORROW] = {"borrow", NULL},
};

static bool is_string(const struct tvn_json *json)
{
    return json && tvn_json_kind(json) == TVN_JSON_STRING;
}

/* ---- scalars ---- */

static bool parse_unsigned(const struct tvn_json *json, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    struct tvn_str text = is_string(json) ? tvn_json_string(json) : TVN_STR("");
    if (!tvn_parse_u64(text.ptr, text.len, &value) || value > max) {
        return false;
    }
    *out = value;
    return true;
}

static bool parse_signed(const struct tvn_json *json, unsigned bits, int64_t *out)
{
    struct tvn_str text = is_string(json) ? tvn_json_string(json) : TVN_STR("");
    bool negative = text.len > 0 && text.ptr[0] == '-';
    uint64_t magnitude = 0;
    uint64_t limit = ((uint64_t)1 << (bits - 1)) - (negative ? 0 : 1);
    if (!tvn_parse_u64(text.ptr + negative, text.len - negative, &magnitude) || magnitude > limit) {
        return false;
    }
    *out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

/* Core constants are signed, "-1" and "4294967295" are the same. */
static bool parse_bits(const struct tvn_json *json, unsigned bits, uint64_t *out)
{
    uint64_t mask = bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
    int64_t value = 0;
    if (parse_unsigned(json, mask, out)) {
        return true;
    }
    if (!parse_signed(json, bits, &value)) {
        return false;
    }
    *out = (uint64_t)value & mask;
    return true;
}

static bool parse_char(const struct tvn_json *json, uint32_t *out)
{
    struct tvn_str text = is_string(json) ? tvn_json_string(json) : TVN_STR("");
    return text.len > 0 && tvn_utf8_decode(text.ptr, text.len, out) == text.len;
}

static bool scalar(const struct tvn_type *type, const struct tvn_json *json, struct tvn_value *out)
{
    uint64_t bits = 0;
    switch ((int)type->kind) {
    case TVN_TYPE_BOOL:
        out->of.boolean = json && tvn_json_kind(json) == TVN_JSON_BOOL && tvn_json_boolean(json);
        return json && tvn_json_kind(json) == TVN_JSON_BOOL;
    case TVN_TYPE_S8:
        return parse_signed(json, 8, &out->of.s);
    case TVN_TYPE_S16:
        return parse_signed(json, 16, &out->of.s);
    case TVN_TYPE_S32:
        return parse_signed(json, 32, &out->of.s);
    case TVN_TYPE_S64:
        return parse_signed(json, 64, &out->of.s);
    case TVN_TYPE_U8:
        return parse_unsigned(json, UINT8_MAX, &out->of.u);
    case TVN_TYPE_U16:
        return parse_unsigned(json, UINT16_MAX, &out->of.u);
    case TVN_TYPE_U32:
        return parse_bits(json, 32, &out->of.u);
    case TVN_TYPE_U64:
        return parse_bits(json, 64, &out->of.u);
    case TVN_TYPE_F32:
        if (!parse_unsigned(json, UINT32_MAX, &bits)) {
            return false;
        }
        out->of.f32 = (uint32_t)bits;
        return true;
    case TVN_TYPE_F64:
        return parse_unsigned(json, UINT64_MAX, &out->of.f64);
    case TVN_TYPE_CHAR:
        return parse_char(json, &out->of.code_point);
    default: /* STRING */
        out->of.string = is_string(json) ? tvn_json_string(json) : TVN_STR("");
        return is_string(json);
    }
}

/* ---- composites ---- */

static bool set_items(struct tvn_arena *arena, size_t count, struct tvn_value *out)
{
    out->of.list.items = TVN_ARENA_ARRAY(arena, struct tvn_value, count + 1);
    out->of.list.count = (uint32_t)count;
    return out->of.list.items != NULL;
}

static bool is_array(const struct tvn_json *json, size_t count)
{
    return json && tvn_json_kind(json) == TVN_JSON_ARRAY && tvn_json_count(json) == count;
}

/* [[key, value], …]: the pairs are not constants themselves. */
static bool map_entry(struct tvn_arena *arena, const struct tvn_type *pair,
                      const struct tvn_json *json, struct tvn_value *out)
{
    *out = (struct tvn_value){.type = pair};
    return is_array(json, 2) && set_items(arena, 2, out) &&
           tvn_wast_value(arena, pair->fields[0].type, tvn_json_at(json, 0),
                          &out->of.list.items[0]) &&
           tvn_wast_value(arena, pair->fields[1].type, tvn_json_at(json, 1),
                          &out->of.list.items[1]);
}

static bool list(struct tvn_arena *arena, const struct tvn_type *type, const struct tvn_json *json,
                 struct tvn_value *out)
{
    size_t count = json ? tvn_json_count(json) : 0;
    if (!is_array(json, count) || (type->list_length > 0 && type->list_length != count) ||
        !set_items(arena, count, out)) {
        return false;
    }
    bool good = true;
    for (size_t i = 0; good && i < count; i++) {
        const struct tvn_json *item = tvn_json_at(json, i);
        good = type->is_map ? map_entry(arena, type->element, item, &out->of.list.items[i])
                            : tvn_wast_value(arena, type->element, item, &out->of.list.items[i]);
    }
    return good;
}

/* RECORD: [[name, constant], …]; TUPLE: [constant, …] */
static bool fields(struct tvn_arena *arena, const struct tvn_type *type,
                   const struct tvn_json *json, struct tvn_value *out)
{
    if (!is_array(json, type->field_count) || !set_items(arena, type->field_count, out)) {
        return false;
    }
    bool good = true;
    for (uint32_t i = 0; good && i < type->field_count; i++) {
        const struct tvn_json *item = tvn_json_at(json, i);
        if (type->kind == TVN_TYPE_RECORD) {
            const struct tvn_json *name = tvn_json_at(item, 0);
            good = is_string(name) && tvn_str_equal(tvn_json_string(name), type->fields[i].name);
            item = tvn_json_at(item, 1);
        }
        good = good && tvn_wast_value(arena, type->fields[i].type, item, &out->of.list.items[i]);
    }
    return good;
}

static bool find_case(const struct tvn_type *type, const struct tvn_json *name, uint32_t *out_index)
{
    for (uint32_t i = 0; is_string(name) && i < type->field_count; i++) {
        if (tvn_str_equal(tvn_json_string(name), type->fields[i].name)) {
            *out_index = i;
            return true;
        }
    }
    return false;
}

static bool flags(const struct tvn_type *type, const struct tvn_json *json, struct tvn_value *out)
{
    size_t count = json ? tvn_json_count(json) : 0;
    if (!is_array(json, count)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t bit = 0;
        if (!find_case(type, tvn_json_at(json, i), &bit)) {
            return false;
        }
        out->of.u |= (uint64_t)1 << bit;
    }
    return true;
}

/* A case's value: `type` NULL when it has none. */
static bool payload(struct tvn_arena *arena, const struct tvn_type *type,
                    const struct tvn_json *json, struct tvn_value *out)
{
    bool missing = !json || tvn_json_kind(json) == TVN_JSON_NULL;
    if (!type || missing) {
        return !type && missing;
    }
    out->of.variant.value = TVN_ARENA_NEW(arena, struct tvn_value);
    return out->of.variant.value && tvn_wast_value(arena, type, json, out->of.variant.value);
}

static bool result(struct tvn_arena *arena, const struct tvn_type *type,
                   const struct tvn_json *json, struct tvn_value *out)
{
    void *cursor = NULL;
    const char *key = NULL;
    struct tvn_json *value = NULL;
    if (!json || tvn_json_kind(json) != TVN_JSON_OBJECT || tvn_json_count(json) != 1 ||
        !tvn_json_next(json, &cursor, &key, &value)) {
        return false;
    }
    out->of.variant.index = strcmp(key, "Err") == 0;
    return payload(arena, out->of.variant.index == 1 ? type->error : type->element, value, out);
}

static bool composite(struct tvn_arena *arena, const struct tvn_type *type,
                      const struct tvn_json *json, struct tvn_value *out)
{
    switch ((int)type->kind) {
    case TVN_TYPE_LIST:
        return list(arena, type, json, out);
    case TVN_TYPE_RECORD:
    case TVN_TYPE_TUPLE:
        return fields(arena, type, json, out);
    case TVN_TYPE_FLAGS:
        return flags(type, json, out);
    case TVN_TYPE_ENUM:
        return find_case(type, json, &out->of.variant.index);
    case TVN_TYPE_VARIANT:
        return find_case(type, tvn_json_get(json, "case"), &out->of.variant.index) &&
               payload(arena, type->fields[out->of.variant.index].type,
                       tvn_json_get(json, "payload"), out);
    case TVN_TYPE_OPTION:
        out->of.variant.index = json && tvn_json_kind(json) != TVN_JSON_NULL;
        return payload(arena, out->of.variant.index == 1 ? type->element : NULL, json, out);
    case TVN_TYPE_RESULT:
        return result(arena, type, json, out);
    default: /* handles: a script cannot write them */
        return false;
    }
}

bool tvn_wast_value(struct tvn_arena *arena, const struct tvn_type *type,
                    const struct tvn_json *constant, struct tvn_value *out_value)
{
    const struct tvn_json *tag = tvn_json_get(constant, "type");
    const struct tvn_json *json = tvn_json_get(constant, "value");
    struct tvn_str name = is_string(tag) ? tvn_json_string(tag) : TVN_STR("");
    if (!tvn_str_is(name, tags[type->kind].tag) &&
        !(tags[type->kind].core_tag && tvn_str_is(name, tags[type->kind].core_tag))) {
        return false;
    }
    *out_value = (struct tvn_value){.type = type};
    return type->kind <= TVN_TYPE_STRING ? scalar(type, json, out_value)
                                         : composite(arena, type, json, out_value);
}

/* ---- comparison ---- */

/* Makes all NaNs in a value the same. */
static void unify_nans(struct tvn_value *value)
{
    switch ((int)value->type->kind) {
    case TVN_TYPE_F32:
        value->of.f32 = (value->of.f32 & ~F32_SIGN) > 0x7f800000u ? F32_QUIET : value->of.f32;
        return;
    case TVN_TYPE_F64:
        value->of.f64 =
            (value->of.f64 & ~F64_SIGN) > 0x7ff0000000000000u ? F64_QUIET : value->of.f64;
        return;
    case TVN_TYPE_LIST:
    case TVN_TYPE_RECORD:
    case TVN_TYPE_TUPLE:
        for (uint32_t i = 0; !value->is_bytes && i < value->of.list.count; i++) {
            unify_nans(&value->of.list.items[i]);
        }
        return;
    case TVN_TYPE_VARIANT:
    case TVN_TYPE_OPTION:
    case TVN_TYPE_RESULT:
        if (value->of.variant.value) {
            unify_nans(value->of.variant.value);
        }
        return;
    default:
        return;
    }
}

/* nan:canonical: the quiet bit alone, of any sign; nan:arithmetic: the quiet bit and any others. */
static bool matches_nan(const struct tvn_value *value, struct tvn_str pattern)
{
    bool is_64 = value->type->kind == TVN_TYPE_F64;
    uint64_t quiet = is_64 ? F64_QUIET : F32_QUIET;
    uint64_t sign = is_64 ? F64_SIGN : F32_SIGN;
    uint64_t bits = is_64 ? value->of.f64 : value->of.f32;
    return tvn_str_is(pattern, "nan:canonical") ? (bits & ~sign) == quiet : (bits & quiet) == quiet;
}

static bool matches_one_of(struct tvn_arena *arena, const struct tvn_value *value,
                           const struct tvn_json *values, bool exact)
{
    bool found = false;
    for (size_t i = 0; !found && i < tvn_json_count(values); i++) {
        found = tvn_wast_matches(arena, value, tvn_json_at(values, i), exact);
    }
    return found;
}

bool tvn_wast_matches(struct tvn_arena *arena, const struct tvn_value *value,
                      const struct tvn_json *expected, bool exact)
{
    const struct tvn_json *either = tvn_json_get(expected, "values");
    if (either) {
        return matches_one_of(arena, value, either, exact);
    }
    const struct tvn_json *text = tvn_json_get(expected, "value");
    bool is_float = value->type->kind == TVN_TYPE_F32 || value->type->kind == TVN_TYPE_F64;
    if (is_float && is_string(text) &&
        tvn_str_starts_with(tvn_json_string(text), TVN_STR("nan:"))) {
        return matches_nan(value, tvn_json_string(text));
    }
    struct tvn_value wanted;
    struct tvn_value got = *value;
    if (!tvn_wast_value(arena, value->type, expected, &wanted)) {
        return false;
    }
    if (!exact) {
        unify_nans(&wanted);
        unify_nans(&got);
    }
    return tvn_value_equal(&got, &wanted);
}
