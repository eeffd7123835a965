/* SPDX-License-Identifier: Apache-2.0 */
/* Core types: reading one of them, comparing, searching. */
#include "base/assert.h"
#include "component/core_reader_internal.h"
#include "component/limits.h"

_Static_assert(offsetof(struct tvn_core_extern, module) == 0 &&
                   offsetof(struct tvn_core_extern, name) == sizeof(struct tvn_str),
               "searching takes the two names as one array");

#define VALUE_I32       0x7f
#define VALUE_V128      0x7b
#define VALUE_FUNCREF   0x70
#define VALUE_EXTERNREF 0x6f
#define VALUE_EXNREF    0x69

#define LIMITS_HAS_MAX   0x01
#define LIMITS_SHARED    0x02
#define LIMITS_64        0x04
#define LIMITS_PAGE_SIZE 0x08
#define MEMORY_PAGES_MAX 65536
#define TABLE_SIZE_MAX   UINT64_C(0xffffffff)

const char *tvn_core_extern_kind_name(enum tvn_core_extern_kind kind)
{
    static const char *const names[] = {
        [TVN_CORE_EXTERN_FUNC] = "func",     [TVN_CORE_EXTERN_TABLE] = "table",
        [TVN_CORE_EXTERN_MEMORY] = "memory", [TVN_CORE_EXTERN_GLOBAL] = "global",
        [TVN_CORE_EXTERN_TAG] = "tag",
    };
    tvn_assert(kind < TVN_ARRAY_LEN(names));
    return names[kind];
}

static bool reference_type_known(uint8_t type)
{
    return type == VALUE_FUNCREF || type == VALUE_EXTERNREF || type == VALUE_EXNREF;
}

static enum tvn_status read_value_type(struct tvn_reader *reader, uint8_t *out_type)
{
    uint32_t start = reader->at;
    uint8_t type;
    TVN_TRY(tvn_reader_byte(reader, &type));
    if ((type >= VALUE_V128 && type <= VALUE_I32) || reference_type_known(type)) {
        *out_type = type;
        return TVN_OK;
    }
    if (type >= 0x62 && type <= 0x75) {
        return tvn_decode_unsupported(reader->context, start,
                                      "garbage-collected and typed function references");
    }
    return tvn_decode_invalid(reader->context, start, "0x%02x is not a core value type", type);
}

static enum tvn_status read_value_types(struct tvn_reader *reader, const uint8_t **out_types,
                                        uint32_t *out_count)
{
    uint32_t start = reader->at;
    uint32_t count;
    TVN_TRY(tvn_reader_count(reader, 1, &count));
    if (count > TVN_CORE_PARAMS_MAX) {
        return tvn_decode_fail(reader->context, TVN_E_COMPONENT_TOO_COMPLEX, start,
                               "a core function type has more than %d parameters or results",
                               TVN_CORE_PARAMS_MAX);
    }
    *out_types = reader->context->bytes + reader->at;
    *out_count = count;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t type;
        TVN_TRY(read_value_type(reader, &type));
    }
    return TVN_OK;
}

enum tvn_status tvn_core_func_type_read(struct tvn_reader *reader,
                                        const struct tvn_core_func_type **out_type)
{
    struct tvn_core_func_type *type = TVN_DECODE_NEW(reader->context, struct tvn_core_func_type);
    if (!type) {
        return tvn_decode_failure(reader->context);
    }
    TVN_TRY(read_value_types(reader, &type->params, &type->param_count));
    TVN_TRY(read_value_types(reader, &type->results, &type->result_count));
    *out_type = type;
    return TVN_OK;
}

static enum tvn_status read_limits(struct tvn_reader *reader, uint64_t highest,
                                   struct tvn_core_extern *item)
{
    uint32_t start = reader->at;
    uint8_t flags;
    TVN_TRY(tvn_reader_byte(reader, &flags));
    if (flags & ~(LIMITS_HAS_MAX | LIMITS_SHARED | LIMITS_64 | LIMITS_PAGE_SIZE)) {
        return tvn_decode_invalid(reader->context, start, "0x%02x are not limits", flags);
    }
    if (flags & LIMITS_SHARED) {
        return tvn_decode_unsupported(reader->context, start, "shared memory");
    }
    if (flags & LIMITS_64) {
        return tvn_decode_unsupported(reader->context, start, "64-bit memory or table");
    }
    if (flags & LIMITS_PAGE_SIZE) {
        return tvn_decode_unsupported(reader->context, start, "custom page size");
    }
    uint32_t value;
    TVN_TRY(tvn_reader_u32(reader, &value));
    item->min = value;
    item->has_max = flags & LIMITS_HAS_MAX;
    if (item->has_max) {
        TVN_TRY(tvn_reader_u32(reader, &value));
        item->max = value;
    }
    if (item->min > highest || (item->has_max && (item->max > highest || item->max < item->min))) {
        return tvn_decode_invalid(reader->context, start,
                                  "the size limits of a %s are out of range",
                                  tvn_core_extern_kind_name(item->kind));
    }
    return TVN_OK;
}

static enum tvn_status read_func_type_index(struct tvn_reader *reader,
                                            const struct tvn_core_types *types,
                                            struct tvn_core_extern *item)
{
    uint32_t start = reader->at;
    uint32_t index;
    TVN_TRY(tvn_reader_u32(reader, &index));
    if (index >= types->count) {
        return tvn_decode_invalid(reader->context, start, "core type index %u out of bounds",
                                  index);
    }
    item->func = types->items[index];
    if (!item->func) {
        return tvn_decode_invalid(reader->context, start, "core type %u is not a function type",
                                  index);
    }
    if (item->kind == TVN_CORE_EXTERN_TAG && item->func->result_count > 0) {
        return tvn_decode_invalid(reader->context, start, "the type of a tag has results");
    }
    return TVN_OK;
}

static enum tvn_status read_table(struct tvn_reader *reader, struct tvn_core_extern *item)
{
    uint32_t start = reader->at;
    TVN_TRY(read_value_type(reader, &item->value_type));
    if (!reference_type_known(item->value_type)) {
        return tvn_decode_invalid(reader->context, start,
                                  "the element type of a table is not a reference type");
    }
    return read_limits(reader, TABLE_SIZE_MAX, item);
}

static enum tvn_status read_global(struct tvn_reader *reader, struct tvn_core_extern *item)
{
    TVN_TRY(read_value_type(reader, &item->value_type));
    uint32_t start = reader->at;
    uint8_t is_mutable;
    TVN_TRY(tvn_reader_byte(reader, &is_mutable));
    if (is_mutable > 1) {
        return tvn_decode_invalid(reader->context, start, "0x%02x is not a global's mutability",
                                  is_mutable);
    }
    item->is_mutable = is_mutable != 0;
    return TVN_OK;
}

enum tvn_status tvn_core_extern_type_read(struct tvn_reader *reader,
                                          const struct tvn_core_types *types,
                                          struct tvn_core_extern *item)
{
    uint32_t start = reader->at;
    uint8_t attribute;
    switch (item->kind) {
    case TVN_CORE_EXTERN_FUNC:
        return read_func_type_index(reader, types, item);
    case TVN_CORE_EXTERN_TABLE:
        return read_table(reader, item);
    case TVN_CORE_EXTERN_MEMORY:
        return read_limits(reader, MEMORY_PAGES_MAX, item);
    case TVN_CORE_EXTERN_GLOBAL:
        return read_global(reader, item);
    case TVN_CORE_EXTERN_TAG:
        TVN_TRY(tvn_reader_byte(reader, &attribute));
        if (attribute != 0) {
            return tvn_decode_invalid(reader->context, start, "0x%02x is not a tag's attribute",
                                      attribute);
        }
        return read_func_type_index(reader, types, item);
    }
    tvn_unreachable();
}

enum tvn_status tvn_core_extern_read(struct tvn_reader *reader, const struct tvn_core_types *types,
                                     struct tvn_core_extern *out_extern)
{
    uint32_t start = reader->at;
    uint8_t kind;
    TVN_TRY(tvn_reader_byte(reader, &kind));
    if (kind > TVN_CORE_EXTERN_TAG) {
        return tvn_decode_invalid(reader->context, start, "0x%02x is not a kind of core item",
                                  kind);
    }
    out_extern->kind = (enum tvn_core_extern_kind)kind;
    return tvn_core_extern_type_read(reader, types, out_extern);
}

static struct tvn_name_array import_names(const struct tvn_core_module_type *type)
{
    return (struct tvn_name_array){type->imports, sizeof(*type->imports), type->import_count, 2};
}

/* Both names count, so an export's module is always "". */
static struct tvn_name_array export_names(const struct tvn_core_module_type *type)
{
    return (struct tvn_name_array){type->exports, sizeof(*type->exports), type->export_count, 2};
}

enum tvn_status tvn_core_module_index_create(struct tvn_decode_context *context,
                                             const struct tvn_core_module_type *type,
                                             uint32_t offset,
                                             const struct tvn_core_module_index **out_index)
{
    struct tvn_core_module_index *index = TVN_DECODE_NEW(context, struct tvn_core_module_index);
    if (!index) {
        return tvn_decode_failure(context);
    }
    index->type = *type;
    uint32_t twice;
    index->import_order = tvn_name_order_create(context, import_names(type), &twice);
    if (!index->import_order) {
        return tvn_decode_failure(context);
    }
    if (twice != UINT32_MAX) {
        return tvn_decode_invalid(context, offset, "duplicate import name '%.*s' '%.*s'",
                                  TVN_DECODE_NAME(type->imports[twice].module),
                                  TVN_DECODE_NAME(type->imports[twice].name));
    }
    index->export_order = tvn_name_order_create(context, export_names(type), &twice);
    if (!index->export_order) {
        return tvn_decode_failure(context);
    }
    if (twice != UINT32_MAX) {
        return tvn_decode_invalid(context, offset, "duplicate core export name '%.*s'",
                                  TVN_DECODE_NAME(type->exports[twice].name));
    }
    *out_index = index;
    return TVN_OK;
}

const struct tvn_core_extern *tvn_core_module_find_export(const struct tvn_core_module_index *index,
                                                          struct tvn_str name)
{
    const struct tvn_str keys[2] = {{NULL, 0}, name};
    uint32_t at = tvn_name_order_find(export_names(&index->type), index->export_order, keys);
    return at == UINT32_MAX ? NULL : &index->type.exports[at];
}

const struct tvn_core_extern *tvn_core_module_find_import(const struct tvn_core_module_index *index,
                                                          struct tvn_str module,
                                                          struct tvn_str name)
{
    const struct tvn_str keys[2] = {module, name};
    uint32_t at = tvn_name_order_find(import_names(&index->type), index->import_order, keys);
    return at == UINT32_MAX ? NULL : &index->type.imports[at];
}

bool tvn_core_func_type_equal(const struct tvn_core_func_type *a,
                              const struct tvn_core_func_type *b)
{
    return a->param_count == b->param_count && a->result_count == b->result_count &&
           (a->param_count == 0 || memcmp(a->params, b->params, a->param_count) == 0) &&
           (a->result_count == 0 || memcmp(a->results, b->results, a->result_count) == 0);
}

static bool limits_match(const struct tvn_core_extern *actual,
                         const struct tvn_core_extern *expected)
{
    return actual->is_64 == expected->is_64 && actual->is_shared == expected->is_shared &&
           actual->min >= expected->min &&
           (!expected->has_max || (actual->has_max && actual->max <= expected->max));
}

bool tvn_core_extern_matches(const struct tvn_core_extern *actual,
                             const struct tvn_core_extern *expected)
{
    if (actual->kind != expected->kind) {
        return false;
    }
    switch (expected->kind) {
    case TVN_CORE_EXTERN_FUNC:
    case TVN_CORE_EXTERN_TAG:
        return tvn_core_func_type_equal(actual->func, expected->func);
    case TVN_CORE_EXTERN_TABLE:
        return actual->value_type == expected->value_type && limits_match(actual, expected);
    case TVN_CORE_EXTERN_MEMORY:
        return limits_match(actual, expected);
    case TVN_CORE_EXTERN_GLOBAL:
        return actual->value_type == expected->value_type &&
               actual->is_mutable == expected->is_mutable;
    }
    tvn_unreachable();
}

static void print_values(const uint8_t *types, uint32_t count, struct tvn_strbuf *out)
{
    for (uint32_t i = 0; i < count; i++) {
        static const char *const names[] = {"v128", "f64", "f32", "i64", "i32"};
        tvn_strbuf_add_text(out, i == 0 ? "" : ", ");
        if (types[i] >= VALUE_V128) {
            tvn_strbuf_add_text(out, names[types[i] - VALUE_V128]);
        } else if (types[i] == VALUE_FUNCREF) {
            tvn_strbuf_add_text(out, "funcref");
        } else {
            tvn_strbuf_add_text(out, types[i] == VALUE_EXTERNREF ? "externref" : "exnref");
        }
    }
}

void tvn_core_func_type_print(const struct tvn_core_func_type *type, struct tvn_strbuf *out)
{
    tvn_strbuf_add_char(out, '(');
    print_values(type->params, type->param_count, out);
    tvn_strbuf_add_text(out, ") -> (");
    print_values(type->results, type->result_count, out);
    tvn_strbuf_add_char(out, ')');
}
