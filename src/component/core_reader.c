/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/vec.h"
#include "component/core_reader_internal.h"
#include "component/limits.h"

enum {
    SECTION_CUSTOM,
    SECTION_TYPE,
    SECTION_IMPORT,
    SECTION_FUNCTION,
    SECTION_TABLE,
    SECTION_MEMORY,
    SECTION_GLOBAL,
    SECTION_EXPORT,
    SECTION_START,
    SECTION_ELEMENT,
    SECTION_CODE,
    SECTION_DATA,
    SECTION_DATA_COUNT,
    SECTION_TAG,
    SECTION_COUNT,
};

#define SHIM_SLOTS_MAX 256 /* of a shim that is recognised: they are searched one by one */

/* The module's index spaces; items are read in the order of the sections. */
struct module {
    struct tvn_decode_context *context;
    TVN_VEC(const struct tvn_core_func_type *) types;
    /* Indexed by enum tvn_core_extern_kind. */
    TVN_VEC(struct tvn_core_extern) spaces[TVN_CORE_EXTERN_TAG + 1];
    TVN_VEC(struct tvn_core_extern) imports;
    struct tvn_core_extern *exports; /* in the arena */
    uint32_t export_count;
    uint32_t seen;                             /* a bit per section, but for custom ones */
    struct tvn_reader sections[SECTION_COUNT]; /* their contents */
};

static void module_deinit(struct module *module)
{
    tvn_vec_deinit(&module->types);
    for (size_t i = 0; i < TVN_ARRAY_LEN(module->spaces); i++) {
        tvn_vec_deinit(&module->spaces[i]);
    }
    tvn_vec_deinit(&module->imports);
}

static struct tvn_core_types module_types(const struct module *module)
{
    return (struct tvn_core_types){module->types.items, (uint32_t)module->types.count};
}

static enum tvn_status add_item(struct module *module, uint32_t offset,
                                const struct tvn_core_extern *item)
{
    size_t max = item->kind == TVN_CORE_EXTERN_TABLE || item->kind == TVN_CORE_EXTERN_MEMORY
                     ? TVN_CORE_TABLES_MAX
                     : TVN_CORE_ITEMS_MAX;
    enum tvn_status status = tvn_vec_push(&module->spaces[item->kind], max, *item);
    return status == TVN_OK ? TVN_OK
                            : tvn_decode_folded(module->context, status, offset,
                                                tvn_core_extern_kind_name(item->kind));
}

static enum tvn_status read_type(struct module *module, struct tvn_reader *reader)
{
    uint32_t start = reader->at;
    uint8_t opcode;
    TVN_TRY(tvn_reader_byte(reader, &opcode));
    if (opcode != TVN_CORE_OPCODE_FUNC) {
        if (opcode >= 0x4e && opcode <= 0x5f) {
            return tvn_decode_unsupported(reader->context, start, "garbage-collected core types");
        }
        return tvn_decode_invalid(reader->context, start, "0x%02x is not a core type", opcode);
    }
    const struct tvn_core_func_type *type;
    TVN_TRY(tvn_core_func_type_read(reader, &type));
    enum tvn_status status = tvn_vec_push(&module->types, TVN_CORE_ITEMS_MAX, type);
    return status == TVN_OK ? TVN_OK
                            : tvn_decode_folded(reader->context, status, start, "core types");
}

static enum tvn_status read_import(struct module *module, struct tvn_reader *reader)
{
    uint32_t start = reader->at;
    struct tvn_core_extern item = {0};
    TVN_TRY(tvn_reader_name(reader, &item.module));
    TVN_TRY(tvn_reader_name(reader, &item.name));
    const struct tvn_core_types types = module_types(module);
    TVN_TRY(tvn_core_extern_read(reader, &types, &item));
    enum tvn_status status = tvn_vec_push(&module->imports, TVN_CORE_ITEMS_MAX, item);
    if (status != TVN_OK) {
        return tvn_decode_folded(reader->context, status, start, "core imports");
    }
    return add_item(module, start, &item);
}

static enum tvn_status read_function(struct module *module, struct tvn_reader *reader)
{
    uint32_t start = reader->at;
    uint32_t index;
    TVN_TRY(tvn_reader_u32(reader, &index));
    if (index >= module->types.count) {
        return tvn_decode_invalid(reader->context, start, "core type index %u out of bounds",
                                  index);
    }
    const struct tvn_core_extern item = {.kind = TVN_CORE_EXTERN_FUNC,
                                         .func = module->types.items[index]};
    return add_item(module, start, &item);
}

/* Skips a constant expression to behind its end. */
static enum tvn_status skip_constant(struct tvn_reader *reader)
{
    for (;;) {
        uint32_t start = reader->at;
        uint8_t opcode;
        uint32_t index;
        int64_t number;
        TVN_TRY(tvn_reader_byte(reader, &opcode));
        switch (opcode) {
        case 0x0b: /* end */
            return TVN_OK;
        case 0x23: /* global.get */
        case 0xd2: /* ref.func */
            TVN_TRY(tvn_reader_u32(reader, &index));
            break;
        case 0x41: /* i32.const */
            TVN_TRY(tvn_reader_signed(reader, 32, &number));
            break;
        case 0x42: /* i64.const */
            TVN_TRY(tvn_reader_signed(reader, 64, &number));
            break;
        case 0x43: /* f32.const */
            TVN_TRY(tvn_reader_skip(reader, 4));
            break;
        case 0x44: /* f64.const */
            TVN_TRY(tvn_reader_skip(reader, 8));
            break;
        case 0x6a: /* i32.add, sub, mul; i64.add, sub, mul */
        case 0x6b:
        case 0x6c:
        case 0x7c:
        case 0x7d:
        case 0x7e:
            break;
        case 0xd0: /* ref.null */
            TVN_TRY(tvn_reader_signed(reader, 33, &number));
            break;
        case 0xfd: /* v128.const is the only one of its prefix */
            TVN_TRY(tvn_reader_u32(reader, &index));
            TVN_TRY(tvn_reader_skip(reader, 16));
            break;
        default:
            return tvn_decode_invalid(reader->context, start,
                                      "0x%02x is not an instruction of a constant", opcode);
        }
    }
}

/* Tables, memories, globals and tags are written as an import writes them, but for the kind. */
static enum tvn_status read_definition(struct module *module, struct tvn_reader *reader,
                                       enum tvn_core_extern_kind kind)
{
    uint32_t start = reader->at;
    struct tvn_core_extern item = {.kind = kind};
    bool has_value = kind == TVN_CORE_EXTERN_GLOBAL;
    if (kind == TVN_CORE_EXTERN_TABLE && !tvn_reader_at_end(reader) &&
        reader->context->bytes[reader->at] == 0x40) { /* a table with a first value */
        TVN_TRY(tvn_reader_skip(reader, 2));
        has_value = true;
    }
    const struct tvn_core_types types = module_types(module);
    TVN_TRY(tvn_core_extern_type_read(reader, &types, &item));
    if (has_value) {
        TVN_TRY(skip_constant(reader));
    }
    return add_item(module, start, &item);
}

static enum tvn_status read_exports(struct module *module, struct tvn_reader *reader)
{
    uint32_t start = reader->at;
    uint32_t count;
    TVN_TRY(tvn_reader_count(reader, 3, &count));
    if (count > TVN_CORE_ITEMS_MAX) {
        return tvn_decode_folded(reader->context, TVN_FULL, start, "core exports");
    }
    module->exports = TVN_DECODE_ARRAY(reader->context, struct tvn_core_extern, count);
    if (!module->exports) {
        return tvn_decode_failure(reader->context);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct tvn_str name;
        uint8_t kind;
        uint32_t index;
        TVN_TRY(tvn_reader_name(reader, &name));
        start = reader->at;
        TVN_TRY(tvn_reader_byte(reader, &kind));
        TVN_TRY(tvn_reader_u32(reader, &index));
        if (kind > TVN_CORE_EXTERN_TAG || index >= module->spaces[kind].count) {
            return tvn_decode_invalid(reader->context, start,
                                      "core export '%.*s' names an item that does not exist",
                                      TVN_DECODE_NAME(name));
        }
        module->exports[i] = module->spaces[kind].items[index];
        module->exports[i].module = (struct tvn_str){NULL, 0};
        module->exports[i].name = name;
        module->exports[i].index = index;
    }
    module->export_count = count;
    return TVN_OK;
}

static enum tvn_status read_item(struct module *module, struct tvn_reader *reader, uint8_t section)
{
    switch (section) {
    case SECTION_TYPE:
        return read_type(module, reader);
    case SECTION_IMPORT:
        return read_import(module, reader);
    case SECTION_FUNCTION:
        return read_function(module, reader);
    case SECTION_TABLE:
        return read_definition(module, reader, TVN_CORE_EXTERN_TABLE);
    case SECTION_MEMORY:
        return read_definition(module, reader, TVN_CORE_EXTERN_MEMORY);
    case SECTION_GLOBAL:
        return read_definition(module, reader, TVN_CORE_EXTERN_GLOBAL);
    default:
        tvn_assert(section == SECTION_TAG);
        return read_definition(module, reader, TVN_CORE_EXTERN_TAG);
    }
}

static enum tvn_status read_section(struct module *module, struct tvn_reader *reader,
                                    uint8_t section)
{
    switch (section) {
    case SECTION_CUSTOM: {
        struct tvn_str name;
        return tvn_reader_name(reader, &name);
    }
    case SECTION_START:
    case SECTION_ELEMENT:
    case SECTION_CODE:
    case SECTION_DATA:
    case SECTION_DATA_COUNT:
        return TVN_OK; /* nothing in them changes the module's type */
    case SECTION_EXPORT:
        TVN_TRY(read_exports(module, reader));
        break;
    default: {
        uint32_t count;
        TVN_TRY(tvn_reader_count(reader, 1, &count));
        for (uint32_t i = 0; i < count; i++) {
            TVN_TRY(read_item(module, reader, section));
        }
        break;
    }
    }
    return tvn_reader_finish(reader, "core section");
}

static enum tvn_status read_sections(struct module *module, struct tvn_reader *reader)
{
    /* Where in the order of sections each one belongs. */
    static const uint8_t ranks[SECTION_COUNT] = {
        [SECTION_TYPE] = 1,     [SECTION_IMPORT] = 2,      [SECTION_FUNCTION] = 3,
        [SECTION_TABLE] = 4,    [SECTION_MEMORY] = 5,      [SECTION_TAG] = 6,
        [SECTION_GLOBAL] = 7,   [SECTION_EXPORT] = 8,      [SECTION_START] = 9,
        [SECTION_ELEMENT] = 10, [SECTION_DATA_COUNT] = 11, [SECTION_CODE] = 12,
        [SECTION_DATA] = 13,
    };
    uint8_t rank = 0;
    while (!tvn_reader_at_end(reader)) {
        uint32_t start = reader->at;
        uint8_t section;
        uint32_t length;
        struct tvn_reader slice;
        TVN_TRY(tvn_reader_byte(reader, &section));
        if (section >= SECTION_COUNT) {
            return tvn_decode_invalid(reader->context, start, "malformed core section id %u",
                                      section);
        }
        if (section != SECTION_CUSTOM && ranks[section] <= rank) {
            return tvn_decode_invalid(reader->context, start, "core section out of order");
        }
        rank = section == SECTION_CUSTOM ? rank : ranks[section];
        TVN_TRY(tvn_reader_u32(reader, &length));
        TVN_TRY(tvn_reader_slice(reader, length, &slice));
        module->seen |= section == SECTION_CUSTOM ? 0 : 1u << section;
        module->sections[section] = slice;
        TVN_TRY(read_section(module, &slice, section));
    }
    return TVN_OK;
}

/* ---- shapes: shims and fixups in exactly the form that wit-component writes ---- */

/* The engine judges code: what is not well-formed here is only not what was wanted. */
static bool next_u32(struct tvn_reader *reader, uint32_t *out_value)
{
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 28 && !tvn_reader_at_end(reader); shift += 7) {
        uint8_t byte = reader->context->bytes[reader->at++];
        value |= (uint32_t)(byte & 0x7fu) << shift;
        if (!(byte & 0x80u)) {
            *out_value = value;
            return true;
        }
    }
    return false;
}

/* A number, or an opcode: those below are less than 0x80. */
static bool want(struct tvn_reader *reader, uint32_t value)
{
    uint32_t found;
    return next_u32(reader, &found) && found == value;
}

static bool want_i32_const(struct tvn_reader *reader, uint32_t value)
{
    bool found = want(reader, 0x41) && want(reader, value);
    return found && !(reader->context->bytes[reader->at - 1] & 0x40u); /* the number is signed */
}

/* local.get of each parameter, i32.const slot, call_indirect of the function's own type. */
static bool is_shim_body(const struct module *module, struct tvn_reader *code, uint32_t slot)
{
    const struct tvn_core_func_type *type = module->exports[slot].func;
    uint32_t length, found;
    if (!next_u32(code, &length) || !want(code, 0)) { /* no locals */
        return false;
    }
    for (uint32_t i = 0; i < type->param_count; i++) {
        if (!want(code, 0x20) || !want(code, i)) {
            return false;
        }
    }
    return want_i32_const(code, slot) && want(code, 0x11) && next_u32(code, &found) &&
           found < module->types.count && module->types.items[found] == type && want(code, 0) &&
           want(code, 0x0b);
}

/* Exports its functions in order, then its table, which has an entry for each; nothing else. */
static bool is_shim(const struct module *module)
{
    struct tvn_reader code = module->sections[SECTION_CODE];
    struct tvn_reader tables = module->sections[SECTION_TABLE];
    uint32_t count = (uint32_t)module->spaces[TVN_CORE_EXTERN_FUNC].count;
    bool is = module->seen == (1u << SECTION_TYPE | 1u << SECTION_FUNCTION | 1u << SECTION_TABLE |
                               1u << SECTION_EXPORT | 1u << SECTION_CODE) &&
              count > 0 && count <= SHIM_SLOTS_MAX && module->export_count == count + 1 &&
              module->exports[count].kind == TVN_CORE_EXTERN_TABLE && want(&tables, 1) &&
              want(&tables, 0x70) && want(&tables, 1) && want(&tables, count) &&
              want(&tables, count) && want(&code, count);
    for (uint32_t i = 0; i < count && is; i++) {
        is = module->exports[i].kind == TVN_CORE_EXTERN_FUNC && module->exports[i].index == i &&
             is_shim_body(module, &code, i);
    }
    return is && tvn_reader_at_end(&code);
}

/* Imports functions, then a table, and puts them into it in order; nothing else. With `starts` the
 * last function is not put there but called then. */
static bool is_fixups(const struct module *module, bool starts)
{
    struct tvn_reader elements = module->sections[SECTION_ELEMENT];
    struct tvn_reader start = module->sections[SECTION_START];
    uint32_t funcs = (uint32_t)module->spaces[TVN_CORE_EXTERN_FUNC].count;
    uint32_t slots = funcs - starts;
    bool is = module->seen == (1u << SECTION_TYPE | 1u << SECTION_IMPORT | 1u << SECTION_ELEMENT |
                               (uint32_t)starts << SECTION_START) &&
              funcs > starts && module->imports.count == funcs + 1 &&
              module->imports.items[funcs].kind == TVN_CORE_EXTERN_TABLE &&
              (!starts || want(&start, slots)) && want(&elements, 1) && want(&elements, 0) &&
              want_i32_const(&elements, 0) && want(&elements, 0x0b) && want(&elements, slots);
    for (uint32_t i = 0; i < slots && is; i++) {
        is = want(&elements, i);
    }
    return is && tvn_reader_at_end(&elements);
}

static enum tvn_core_shape shape_of(const struct module *module)
{
    return is_shim(module)            ? TVN_CORE_SHAPE_SHIM
           : is_fixups(module, false) ? TVN_CORE_SHAPE_FIXUPS
           : is_fixups(module, true)  ? TVN_CORE_SHAPE_FIXUPS_THAT_START
                                      : TVN_CORE_SHAPE_OTHER;
}

static enum tvn_status finish(struct module *module, uint32_t offset,
                              const struct tvn_core_module_index **out_index)
{
    struct tvn_core_extern *imports =
        TVN_DECODE_ARRAY(module->context, struct tvn_core_extern, module->imports.count);
    if (!imports) {
        return tvn_decode_failure(module->context);
    }
    for (size_t i = 0; i < module->imports.count; i++) {
        imports[i] = module->imports.items[i];
    }
    const struct tvn_core_module_type type = {
        .imports = imports,
        .import_count = (uint32_t)module->imports.count,
        .exports = module->exports,
        .export_count = module->export_count,
        .shape = shape_of(module),
    };
    return tvn_core_module_index_create(module->context, &type, offset, out_index);
}

enum tvn_status tvn_core_module_read(struct tvn_reader *reader,
                                     const struct tvn_core_module_index **out_index)
{
    static const uint8_t preamble[8] = {0x00, 'a', 's', 'm', 0x01, 0x00, 0x00, 0x00};
    uint32_t start = reader->at;
    TVN_TRY(tvn_reader_skip(reader, sizeof(preamble)));
    if (memcmp(reader->context->bytes + start, preamble, sizeof(preamble)) != 0) {
        return tvn_decode_invalid(reader->context, start, "no core module begins here");
    }
    struct module module = {.context = reader->context};
    enum tvn_status status = read_sections(&module, reader);
    if (status == TVN_OK) {
        status = finish(&module, start, out_index);
    }
    module_deinit(&module);
    return status;
}
