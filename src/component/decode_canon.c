/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical definitions: functions lifted and lowered, and the built-ins of resources. */
#include "base/assert.h"
#include "component/decode_internal.h"

#define CORE_I32         0x7f
#define FLAT_RESULTS_MAX 1

static enum tvn_status set_once(struct tvn_scope *scope, uint32_t *option, uint32_t index,
                                uint32_t offset, const char *name)
{
    if (*option != TVN_INDEX_NONE) {
        return tvn_decode_invalid(scope->context, offset,
                                  "canonical option '%s' is specified more than once", name);
    }
    *option = index;
    return TVN_OK;
}

static enum tvn_status read_core_option(struct tvn_scope *scope, struct tvn_reader *reader,
                                        enum tvn_sort sort, uint32_t *option, const char *name)
{
    uint32_t start = reader->at;
    uint32_t index;
    const struct tvn_slot *slot;
    TVN_TRY(tvn_scope_read(scope, reader, sort, &index, &slot));
    return set_once(scope, option, index, start, name);
}

static enum tvn_status read_option(struct tvn_scope *scope, struct tvn_reader *reader,
                                   struct tvn_canon_options *options, bool *has_encoding)
{
    uint32_t start = reader->at;
    uint8_t kind;
    TVN_TRY(tvn_reader_byte(reader, &kind));
    switch (kind) {
    case 0x00:
    case 0x01:
    case 0x02:
        if (*has_encoding) {
            return tvn_decode_invalid(scope->context, start,
                                      "canonical option 'string-encoding' conflicts with a "
                                      "previous one");
        }
        *has_encoding = true;
        options->string_encoding = (enum tvn_string_encoding)kind;
        return TVN_OK;
    case 0x03:
        return read_core_option(scope, reader, TVN_SORT_CORE_MEMORY, &options->memory, "memory");
    case 0x04:
        return read_core_option(scope, reader, TVN_SORT_CORE_FUNC, &options->realloc, "realloc");
    case 0x05:
        return read_core_option(scope, reader, TVN_SORT_CORE_FUNC, &options->post_return,
                                "post-return");
    case 0x06:
    case 0x07:
        return tvn_decode_unsupported(scope->context, start,
                                      "canonical options 'async' and 'callback' (WASI 0.3)");
    default:
        return tvn_decode_invalid(scope->context, start, "0x%02x is not a canonical option", kind);
    }
}

static const struct tvn_core_func_type *core_func_type(const struct tvn_scope *scope,
                                                       uint32_t index)
{
    return scope->spaces[TVN_SORT_CORE_FUNC].items[index].core->func;
}

static enum tvn_status read_options(struct tvn_scope *scope, struct tvn_reader *reader,
                                    struct tvn_canon_options *out_options)
{
    static const uint8_t i32[4] = {CORE_I32, CORE_I32, CORE_I32, CORE_I32};
    static const struct tvn_core_func_type realloc_type = {i32, 4, i32, 1};
    uint32_t start = reader->at;
    uint32_t count;
    struct tvn_canon_options options = {
        .memory = TVN_INDEX_NONE, .realloc = TVN_INDEX_NONE, .post_return = TVN_INDEX_NONE};
    bool has_encoding = false;
    TVN_TRY(tvn_reader_count(reader, 1, &count));
    for (uint32_t i = 0; i < count; i++) {
        TVN_TRY(read_option(scope, reader, &options, &has_encoding));
    }
    if (options.realloc != TVN_INDEX_NONE) {
        if (options.memory == TVN_INDEX_NONE) {
            return tvn_decode_invalid(scope->context, start,
                                      "canonical option 'realloc' requires 'memory'");
        }
        if (!tvn_core_func_type_equal(core_func_type(scope, options.realloc), &realloc_type)) {
            return tvn_decode_invalid(scope->context, start,
                                      "canonical option 'realloc' names a core function with the "
                                      "wrong signature");
        }
    }
    *out_options = options;
    return TVN_OK;
}

struct flat {
    uint8_t types[TVN_TYPE_FLAT_MAX + 1];
    uint32_t count; /* TVN_TYPE_FLAT_MAX + 1: more than that */
};

static void flat_add(struct flat *flat, const struct tvn_type *type)
{
    static const uint8_t core[] = {
        [TVN_CORE_I32] = 0x7f, [TVN_CORE_I64] = 0x7e, [TVN_CORE_F32] = 0x7d, [TVN_CORE_F64] = 0x7c};
    enum tvn_core_kind kinds[TVN_TYPE_FLAT_MAX];
    size_t count = tvn_type_flatten(type, kinds);
    if (count > TVN_TYPE_FLAT_MAX || flat->count + count > TVN_TYPE_FLAT_MAX) {
        flat->count = TVN_TYPE_FLAT_MAX + 1;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        flat->types[flat->count++] = core[kinds[i]];
    }
}

/* The core signature of a function, and what it needs to be called through it. */
struct flat_func {
    struct flat params;
    struct flat result;
    bool params_spill;
    bool result_spills;
    bool params_have_pointers;
    bool result_has_pointers;
};

static void flatten_func(const struct tvn_func_type *type, bool is_lift, struct flat_func *out_func)
{
    struct flat_func func = {0};
    for (uint32_t i = 0; i < type->param_count; i++) {
        func.params_have_pointers |= type->params[i].type->has_pointers;
        if (func.params.count <= TVN_TYPE_FLAT_MAX) {
            flat_add(&func.params, type->params[i].type);
        }
    }
    if (type->result) {
        func.result_has_pointers = type->result->has_pointers;
        flat_add(&func.result, type->result);
    }
    func.params_spill = func.params.count > TVN_TYPE_FLAT_MAX;
    if (func.params_spill) {
        func.params = (struct flat){.types = {CORE_I32}, .count = 1};
    }
    func.result_spills = func.result.count > FLAT_RESULTS_MAX;
    if (func.result_spills && is_lift) {
        func.result = (struct flat){.types = {CORE_I32}, .count = 1};
    } else if (func.result_spills) {
        func.params.types[func.params.count++] = CORE_I32;
        func.result.count = 0;
    }
    *out_func = func;
}

static struct tvn_core_func_type flat_type(const struct flat_func *func)
{
    return (struct tvn_core_func_type){func->params.types, func->params.count, func->result.types,
                                       func->result.count};
}

static enum tvn_status require(struct tvn_scope *scope, uint32_t option, bool needed,
                               uint32_t offset, const char *name)
{
    if (needed && option == TVN_INDEX_NONE) {
        return tvn_decode_invalid(scope->context, offset, "canonical option '%s' is required",
                                  name);
    }
    return TVN_OK;
}

static enum tvn_status check_core_type(struct tvn_scope *scope, uint32_t offset,
                                       const struct tvn_core_func_type *expected,
                                       const struct tvn_core_func_type *found, const char *what)
{
    if (tvn_core_func_type_equal(expected, found)) {
        return TVN_OK;
    }
    TVN_AUTO_VALUE(tvn_strbuf) expected_text = {0};
    TVN_AUTO_VALUE(tvn_strbuf) found_text = {0};
    tvn_core_func_type_print(expected, &expected_text);
    tvn_core_func_type_print(found, &found_text);
    return tvn_decode_invalid(scope->context, offset,
                              "the %s has the core type %s, but its function type asks for %s",
                              what, tvn_strbuf_text(&found_text), tvn_strbuf_text(&expected_text));
}

static enum tvn_status check_lift(struct tvn_scope *scope, const struct tvn_def *def,
                                  uint32_t offset)
{
    const struct tvn_canon_options *options = &def->of.lift.options;
    struct flat_func func;
    flatten_func(def->of.lift.type, true, &func);
    const struct tvn_core_func_type expected = flat_type(&func);
    TVN_TRY(check_core_type(scope, offset, &expected, core_func_type(scope, def->of.lift.core_func),
                            "lifted function"));
    bool needs_realloc = func.params_have_pointers || func.params_spill;
    TVN_TRY(require(scope, options->memory,
                    needs_realloc || func.result_has_pointers || func.result_spills, offset,
                    "memory"));
    TVN_TRY(require(scope, options->realloc, needs_realloc, offset, "realloc"));
    if (options->post_return == TVN_INDEX_NONE) {
        return TVN_OK;
    }
    const struct tvn_core_func_type post_return = {expected.results, expected.result_count, NULL,
                                                   0};
    return check_core_type(scope, offset, &post_return, core_func_type(scope, options->post_return),
                           "post-return function");
}

static enum tvn_status expect_zero(struct tvn_reader *reader, const char *what)
{
    uint32_t start = reader->at;
    uint8_t byte;
    TVN_TRY(tvn_reader_byte(reader, &byte));
    return byte == 0
               ? TVN_OK
               : tvn_decode_invalid(reader->context, start, "0x%02x after canon %s", byte, what);
}

static enum tvn_status decode_lift(struct tvn_scope *scope, struct tvn_reader *reader,
                                   uint32_t offset)
{
    struct tvn_def def = {.kind = TVN_DEF_CANON_LIFT, .sort = TVN_SORT_FUNC};
    const struct tvn_slot *core;
    struct tvn_slot slot = {0};
    TVN_TRY(expect_zero(reader, "lift"));
    TVN_TRY(tvn_scope_read(scope, reader, TVN_SORT_CORE_FUNC, &def.of.lift.core_func, &core));
    TVN_TRY(read_options(scope, reader, &def.of.lift.options));
    TVN_TRY(tvn_scope_read_type(scope, reader, TVN_EXTERN_FUNC_TYPE, &slot.type));
    slot.type.kind = TVN_EXTERN_FUNC;
    def.of.lift.type = slot.type.of.func;
    TVN_TRY(check_lift(scope, &def, offset));
    return tvn_scope_define(scope, &def, &slot, offset);
}

/* Adds a core function of that type. */
static enum tvn_status define_core_func(struct tvn_scope *scope, const struct tvn_def *def,
                                        const struct tvn_core_func_type *type, uint32_t offset)
{
    struct tvn_core_extern *core = TVN_DECODE_NEW(scope->context, struct tvn_core_extern);
    if (!core) {
        return tvn_decode_failure(scope->context);
    }
    core->kind = TVN_CORE_EXTERN_FUNC;
    core->func = type;
    const struct tvn_slot slot = {.core = core};
    return tvn_scope_define(scope, def, &slot, offset);
}

static enum tvn_status keep_core_type(struct tvn_scope *scope, const struct flat_func *func,
                                      const struct tvn_core_func_type **out_type)
{
    struct tvn_core_func_type *type = TVN_DECODE_NEW(scope->context, struct tvn_core_func_type);
    struct flat_func *kept = type ? TVN_DECODE_NEW(scope->context, struct flat_func) : NULL;
    if (!kept) {
        return tvn_decode_failure(scope->context);
    }
    *kept = *func;
    *type = flat_type(kept);
    *out_type = type;
    return TVN_OK;
}

static enum tvn_status decode_lower(struct tvn_scope *scope, struct tvn_reader *reader,
                                    uint32_t offset)
{
    struct tvn_def def = {.kind = TVN_DEF_CANON_LOWER, .sort = TVN_SORT_CORE_FUNC};
    const struct tvn_slot *slot;
    struct flat_func func;
    const struct tvn_core_func_type *type = NULL;
    TVN_TRY(expect_zero(reader, "lower"));
    TVN_TRY(tvn_scope_read(scope, reader, TVN_SORT_FUNC, &def.of.lower.func, &slot));
    def.of.lower.type = slot->type.of.func;
    TVN_TRY(read_options(scope, reader, &def.of.lower.options));
    const struct tvn_canon_options *options = &def.of.lower.options;
    if (options->post_return != TVN_INDEX_NONE) {
        return tvn_decode_invalid(scope->context, offset,
                                  "canonical option 'post-return' cannot be specified for "
                                  "lowerings");
    }
    flatten_func(def.of.lower.type, false, &func);
    TVN_TRY(require(scope, options->memory,
                    func.params_have_pointers || func.params_spill || func.result_has_pointers ||
                        func.result_spills,
                    offset, "memory"));
    TVN_TRY(require(scope, options->realloc, func.result_has_pointers, offset, "realloc"));
    TVN_TRY(keep_core_type(scope, &func, &type));
    return define_core_func(scope, &def, type, offset);
}

static enum tvn_status decode_resource_function(struct tvn_scope *scope, struct tvn_reader *reader,
                                                enum tvn_def_kind kind, uint32_t offset)
{
    static const uint8_t i32 = CORE_I32;
    static const struct tvn_core_func_type i32_to_i32 = {&i32, 1, &i32, 1};
    static const struct tvn_core_func_type i32_to_nothing = {&i32, 1, NULL, 0};
    struct tvn_def def = {.kind = kind, .sort = TVN_SORT_CORE_FUNC};
    struct tvn_extern resource;
    TVN_TRY(tvn_scope_read_type(scope, reader, TVN_EXTERN_RESOURCE, &resource));
    def.of.canon_resource = resource.of.resource;
    if (kind != TVN_DEF_CANON_RESOURCE_DROP &&
        !tvn_pointer_map_get(&scope->local_resources, resource.of.resource)) {
        return tvn_decode_invalid(scope->context, offset,
                                  "resource.new and resource.rep are for resources that this "
                                  "component defines itself");
    }
    return define_core_func(
        scope, &def, kind == TVN_DEF_CANON_RESOURCE_DROP ? &i32_to_nothing : &i32_to_i32, offset);
}

enum tvn_status tvn_decode_canon(struct tvn_scope *scope, struct tvn_reader *reader)
{
    uint32_t start = reader->at;
    uint8_t kind;
    TVN_TRY(tvn_reader_byte(reader, &kind));
    switch (kind) {
    case 0x00:
        return decode_lift(scope, reader, start);
    case 0x01:
        return decode_lower(scope, reader, start);
    case 0x02:
        return decode_resource_function(scope, reader, TVN_DEF_CANON_RESOURCE_NEW, start);
    case 0x03:
        return decode_resource_function(scope, reader, TVN_DEF_CANON_RESOURCE_DROP, start);
    case 0x04:
        return decode_resource_function(scope, reader, TVN_DEF_CANON_RESOURCE_REP, start);
    default:
        break;
    }
    bool is_async = (kind >= 0x05 && kind <= 0x06) || (kind >= 0x08 && kind <= 0x2f) ||
                    (kind >= 0x40 && kind <= 0x42);
    return is_async ? tvn_decode_unsupported(scope->context, start,
                                             "async, thread and error-context built-ins (WASI 0.3)")
                    : tvn_decode_invalid(scope->context, start,
                                         "0x%02x is not a canonical definition", kind);
}
