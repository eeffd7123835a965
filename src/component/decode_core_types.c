/* SPDX-License-Identifier: Apache-2.0 */
/* Core types: function types and the types of modules. */
#include "base/assert.h"
#include "component/decode_internal.h"

#define OPCODE_MODULE 0x50

/* A module type while it is read: its own type index space, imports and exports. */
struct module_type {
    struct tvn_scope *scope;
    TVN_VEC(const struct tvn_core_func_type *) types;
    TVN_VEC(struct tvn_core_extern) imports;
    TVN_VEC(struct tvn_core_extern) exports;
};

static void module_type_deinit(struct module_type *module)
{
    tvn_vec_deinit(&module->types);
    tvn_vec_deinit(&module->imports);
    tvn_vec_deinit(&module->exports);
}

static enum tvn_status read_func_type(struct tvn_reader *reader,
                                      const struct tvn_core_func_type **out_type)
{
    uint32_t start = reader->at;
    uint8_t opcode;
    TVN_TRY(tvn_reader_byte(reader, &opcode));
    if (opcode == TVN_CORE_OPCODE_FUNC) {
        return tvn_core_func_type_read(reader, out_type);
    }
    if (opcode == 0x00 || (opcode >= 0x4e && opcode <= 0x5f)) {
        return tvn_decode_unsupported(reader->context, start, "garbage-collected core types");
    }
    return tvn_decode_invalid(reader->context, start, "0x%02x is not a core type", opcode);
}

static enum tvn_status add_type(struct module_type *module, uint32_t offset,
                                const struct tvn_core_func_type *type)
{
    enum tvn_status status = tvn_vec_push(&module->types, TVN_COMPONENT_ITEMS_MAX, type);
    return status == TVN_OK
               ? TVN_OK
               : tvn_decode_folded(module->scope->context, status, offset, "core types");
}

/* (alias outer COUNT INDEX (type)): counted from the module type itself. */
static enum tvn_status read_alias(struct module_type *module, struct tvn_reader *reader)
{
    uint32_t start = reader->at;
    uint8_t sort;
    uint8_t target;
    uint32_t count;
    uint32_t index;
    TVN_TRY(tvn_reader_byte(reader, &sort));
    TVN_TRY(tvn_reader_byte(reader, &target));
    if (sort != 0x10 || target != 0x01) {
        return tvn_decode_invalid(reader->context, start,
                                  "a module type may alias outer core types only");
    }
    TVN_TRY(tvn_reader_u32(reader, &count));
    TVN_TRY(tvn_reader_u32(reader, &index));
    if (count == 0) {
        if (index >= module->types.count) {
            return tvn_decode_invalid(reader->context, start, "core type index %u out of bounds",
                                      index);
        }
        return add_type(module, start, module->types.items[index]);
    }
    const struct tvn_scope *outer = module->scope;
    for (uint32_t i = 1; i < count && outer; i++) {
        outer = outer->parent;
    }
    if (!outer) {
        return tvn_decode_invalid(reader->context, start, "invalid outer alias count of %u", count);
    }
    const struct tvn_slot *slot;
    TVN_TRY(tvn_scope_get(outer, TVN_SORT_CORE_TYPE, index, start, &slot));
    if (!slot->core_func_type) {
        return tvn_decode_invalid(reader->context, start,
                                  "a module type may not alias a module type");
    }
    return add_type(module, start, slot->core_func_type);
}

static enum tvn_status read_extern(struct module_type *module, struct tvn_reader *reader,
                                   bool is_import)
{
    uint32_t start = reader->at;
    struct tvn_core_extern item = {0};
    if (is_import) {
        TVN_TRY(tvn_reader_name(reader, &item.module));
    }
    TVN_TRY(tvn_reader_name(reader, &item.name));
    const struct tvn_core_types types = {module->types.items, (uint32_t)module->types.count};
    TVN_TRY(tvn_core_extern_read(reader, &types, &item));
    enum tvn_status status = is_import
                                 ? tvn_vec_push(&module->imports, TVN_COMPONENT_ITEMS_MAX, item)
                                 : tvn_vec_push(&module->exports, TVN_COMPONENT_ITEMS_MAX, item);
    return status == TVN_OK
               ? TVN_OK
               : tvn_decode_folded(reader->context, status, start, "items of a module type");
}

static enum tvn_status read_declaration(struct module_type *module, struct tvn_reader *reader)
{
    uint32_t start = reader->at;
    uint8_t kind;
    TVN_TRY(tvn_reader_byte(reader, &kind));
    switch (kind) {
    case 0x00:
        return read_extern(module, reader, true);
    case 0x01: {
        const struct tvn_core_func_type *type;
        TVN_TRY(read_func_type(reader, &type));
        return add_type(module, start, type);
    }
    case 0x02:
        return read_alias(module, reader);
    case 0x03:
        return read_extern(module, reader, false);
    default:
        return tvn_decode_invalid(reader->context, start,
                                  "0x%02x is not a declaration of a module type", kind);
    }
}

static enum tvn_status copy_externs(struct tvn_decode_context *context,
                                    const struct tvn_core_extern *items, size_t count,
                                    const struct tvn_core_extern **out_items)
{
    struct tvn_core_extern *copy = TVN_DECODE_ARRAY(context, struct tvn_core_extern, count);
    if (!copy) {
        return tvn_decode_failure(context);
    }
    for (size_t i = 0; i < count; i++) {
        copy[i] = items[i];
    }
    *out_items = copy;
    return TVN_OK;
}

static enum tvn_status read_declarations(struct module_type *module, struct tvn_reader *reader,
                                         uint32_t offset,
                                         const struct tvn_core_module_index **out_type)
{
    uint32_t count;
    TVN_TRY(tvn_reader_count(reader, 2, &count));
    for (uint32_t i = 0; i < count; i++) {
        TVN_TRY(read_declaration(module, reader));
    }
    struct tvn_core_module_type type = {
        .import_count = (uint32_t)module->imports.count,
        .export_count = (uint32_t)module->exports.count,
    };
    TVN_TRY(
        copy_externs(reader->context, module->imports.items, module->imports.count, &type.imports));
    TVN_TRY(
        copy_externs(reader->context, module->exports.items, module->exports.count, &type.exports));
    return tvn_core_module_index_create(reader->context, &type, offset, out_type);
}

enum tvn_status tvn_decode_core_type(struct tvn_scope *scope, struct tvn_reader *reader)
{
    uint32_t start = reader->at;
    struct tvn_slot slot = {0};
    if (!tvn_reader_at_end(reader) && scope->context->bytes[start] == OPCODE_MODULE) {
        TVN_TRY(tvn_reader_skip(reader, 1));
        struct module_type module = {.scope = scope};
        enum tvn_status status = read_declarations(&module, reader, start, &slot.core_module_type);
        module_type_deinit(&module);
        TVN_TRY(status);
    } else {
        TVN_TRY(read_func_type(reader, &slot.core_func_type));
    }
    return tvn_scope_add(scope, TVN_SORT_CORE_TYPE, &slot, start);
}
