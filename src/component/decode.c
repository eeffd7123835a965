/* SPDX-License-Identifier: Apache-2.0 */
/* Sections of a component, in order; nested components recursively. */
#include "base/assert.h"
#include "component/decode_internal.h"
#include "component/limits.h"

enum {
    SECTION_CUSTOM,
    SECTION_CORE_MODULE,
    SECTION_CORE_INSTANCE,
    SECTION_CORE_TYPE,
    SECTION_COMPONENT,
    SECTION_INSTANCE,
    SECTION_ALIAS,
    SECTION_TYPE,
    SECTION_CANON,
    SECTION_START,
    SECTION_IMPORT,
    SECTION_EXPORT,
    SECTION_VALUE,
};

static enum tvn_status decode_custom(struct tvn_scope *scope, struct tvn_reader *reader)
{
    uint32_t start = reader->at;
    struct tvn_custom_section section;
    TVN_TRY(tvn_reader_name(reader, &section.name));
    section.bytes =
        (struct tvn_str){(const char *)scope->context->bytes + reader->at, tvn_reader_left(reader)};
    reader->at = reader->end;
    if (scope->parent) {
        return TVN_OK;
    }
    enum tvn_status status =
        tvn_vec_push(&scope->decoder->custom_sections, TVN_COMPONENT_ITEMS_MAX, section);
    return status == TVN_OK ? TVN_OK
                            : tvn_decode_folded(scope->context, status, start, "custom sections");
}

static enum tvn_status decode_core_module(struct tvn_scope *scope, struct tvn_reader *reader)
{
    uint32_t start = reader->at;
    uint32_t length = tvn_reader_left(reader);
    if (length > TVN_CORE_MODULE_BYTES_MAX) {
        return tvn_decode_fail(scope->context, TVN_E_COMPONENT_TOO_COMPLEX, start,
                               "%u bytes are more than a core module may have (%zu)", length,
                               TVN_CORE_MODULE_BYTES_MAX);
    }
    struct tvn_slot slot = {.type = {.kind = TVN_EXTERN_CORE_MODULE}};
    TVN_TRY(tvn_core_module_read(reader, &slot.core_module));
    slot.type.of.core_module = &slot.core_module->type;
    const struct tvn_core_module module = {start, length, slot.core_module->type};
    const struct tvn_def def = {.kind = TVN_DEF_CORE_MODULE,
                                .sort = TVN_SORT_CORE_MODULE,
                                .of.core_module = (uint32_t)scope->decoder->modules.count};
    enum tvn_status status =
        tvn_vec_push(&scope->decoder->modules, TVN_COMPONENT_ITEMS_MAX, module);
    if (status != TVN_OK) {
        return tvn_decode_folded(scope->context, status, start, "core modules");
    }
    return tvn_scope_define(scope, &def, &slot, start);
}

static enum tvn_status decode_nested(struct tvn_scope *scope, struct tvn_reader *reader)
{
    uint32_t start = reader->at;
    struct tvn_slot slot = {.type = {.kind = TVN_EXTERN_COMPONENT}};
    struct tvn_def def = {.kind = TVN_DEF_COMPONENT, .sort = TVN_SORT_COMPONENT};
    TVN_TRY(tvn_decode_component(scope->decoder, scope, reader, &def.of.component,
                                 &slot.type.of.component));
    return tvn_scope_define(scope, &def, &slot, start);
}

typedef enum tvn_status (*decode_item)(struct tvn_scope *scope, struct tvn_reader *reader);

static enum tvn_status decode_items(struct tvn_scope *scope, struct tvn_reader *reader,
                                    decode_item decode)
{
    uint32_t count;
    TVN_TRY(tvn_reader_count(reader, 1, &count));
    for (uint32_t i = 0; i < count; i++) {
        TVN_TRY(decode(scope, reader));
    }
    return TVN_OK;
}

static enum tvn_status decode_section(struct tvn_scope *scope, struct tvn_reader *reader,
                                      uint8_t section, uint32_t offset)
{
    switch (section) {
    case SECTION_CUSTOM:
        return decode_custom(scope, reader);
    case SECTION_CORE_MODULE:
        return decode_core_module(scope, reader);
    case SECTION_CORE_INSTANCE:
        return decode_items(scope, reader, tvn_decode_core_instance);
    case SECTION_CORE_TYPE:
        return decode_items(scope, reader, tvn_decode_core_type);
    case SECTION_COMPONENT:
        return decode_nested(scope, reader);
    case SECTION_INSTANCE:
        return decode_items(scope, reader, tvn_decode_instance);
    case SECTION_ALIAS:
        return decode_items(scope, reader, tvn_decode_alias);
    case SECTION_TYPE:
        return decode_items(scope, reader, tvn_decode_type);
    case SECTION_CANON:
        return decode_items(scope, reader, tvn_decode_canon);
    case SECTION_START:
        return tvn_decode_unsupported(scope->context, offset, "component start function");
    case SECTION_IMPORT:
        return decode_items(scope, reader, tvn_decode_import);
    case SECTION_EXPORT:
        return decode_items(scope, reader, tvn_decode_export);
    case SECTION_VALUE:
        return tvn_decode_unsupported(scope->context, offset, "component value definitions");
    default:
        return tvn_decode_invalid(scope->context, offset, "malformed section id %u", section);
    }
}

static enum tvn_status decode_sections(struct tvn_scope *scope, struct tvn_reader *reader)
{
    while (!tvn_reader_at_end(reader)) {
        uint32_t start = reader->at;
        uint8_t section;
        uint32_t length;
        struct tvn_reader slice;
        TVN_TRY(tvn_reader_byte(reader, &section));
        TVN_TRY(tvn_reader_u32(reader, &length));
        TVN_TRY(tvn_reader_slice(reader, length, &slice));
        TVN_TRY(decode_section(scope, &slice, section, start));
        TVN_TRY(tvn_reader_finish(&slice, "section"));
    }
    return TVN_OK;
}

static enum tvn_status decode_preamble(struct tvn_reader *reader, bool is_root)
{
    static const uint8_t component[8] = {0x00, 'a', 's', 'm', 0x0d, 0x00, 0x01, 0x00};
    static const uint8_t module[8] = {0x00, 'a', 's', 'm', 0x01, 0x00, 0x00, 0x00};
    uint32_t start = reader->at;
    const uint8_t *bytes = reader->context->bytes + start;
    size_t left = tvn_reader_left(reader);
    if (left == 0) {
        return tvn_decode_invalid(reader->context, start, "the %s is empty",
                                  is_root ? "file" : "nested component");
    }
    if (memcmp(bytes, component, left < 4 ? left : 4) != 0) {
        return tvn_decode_invalid(reader->context, start, "no WebAssembly begins here");
    }
    if (left >= sizeof(module) && memcmp(bytes, module, sizeof(module)) == 0) {
        tvn_decode_report(reader->context, TVN_E_COMPONENT_INVALID, start,
                          "a core module, not a component");
        tvn_diag_help(reader->context->sink,
                      "make a component of it with 'wasm-tools component new'");
        return TVN_E_COMPONENT_INVALID;
    }
    TVN_TRY(tvn_reader_skip(reader, sizeof(component)));
    if (memcmp(bytes, component, sizeof(component)) != 0) {
        return tvn_decode_invalid(reader->context, start + 4,
                                  "unknown version of the component binary format");
    }
    return TVN_OK;
}

/* Moves what a scope collected into the definition. */
static enum tvn_status finish_component(struct tvn_scope *scope, uint32_t offset,
                                        const struct tvn_component_type **out_type)
{
    struct tvn_definition *definition = scope->definition;
    struct tvn_def *defs = TVN_DECODE_ARRAY(scope->context, struct tvn_def, scope->defs.count);
    if (!defs) {
        return tvn_decode_failure(scope->context);
    }
    for (size_t i = 0; i < scope->defs.count; i++) {
        defs[i] = scope->defs.items[i];
    }
    definition->defs = defs;
    definition->def_count = (uint32_t)scope->defs.count;
    for (size_t i = 0; i < TVN_SORT_COUNT; i++) {
        definition->counts[i] = (uint32_t)scope->spaces[i].count;
    }
    TVN_TRY(tvn_decode_shim(scope, defs, definition->def_count));
    struct tvn_component_type type;
    struct tvn_resource_list import_fresh;
    struct tvn_resource_list export_fresh;
    TVN_TRY(tvn_scope_items(scope, &scope->imports, &type.imports, &type.import_count));
    TVN_TRY(tvn_scope_items(scope, &scope->exports, &type.exports, &type.export_count));
    TVN_TRY(tvn_scope_fresh(scope, &scope->imports, &import_fresh));
    TVN_TRY(tvn_scope_fresh(scope, &scope->exports, &export_fresh));
    TVN_TRY(
        tvn_signature_create(scope->context, offset, &type, import_fresh, export_fresh, out_type));
    definition->type = **out_type;
    return TVN_OK;
}

enum tvn_status tvn_decode_component(struct tvn_decoder *decoder, struct tvn_scope *parent,
                                     struct tvn_reader *reader,
                                     const struct tvn_definition **out_definition,
                                     const struct tvn_component_type **out_type)
{
    uint32_t start = reader->at;
    TVN_TRY(decode_preamble(reader, parent == NULL));
    TVN_AUTO_VALUE(tvn_scope) scope;
    TVN_TRY(tvn_scope_init(&scope, decoder, parent, TVN_SCOPE_COMPONENT, start));
    scope.definition = TVN_DECODE_NEW(&decoder->context, struct tvn_definition);
    if (!scope.definition) {
        return tvn_decode_failure(&decoder->context);
    }
    scope.definition->offset = start;
    scope.definition->parent = parent ? parent->definition : NULL;
    TVN_TRY(decode_sections(&scope, reader));
    TVN_TRY(finish_component(&scope, start, out_type));
    *out_definition = scope.definition;
    return TVN_OK;
}
