/* SPDX-License-Identifier: Apache-2.0 */
#include "component/component.h"

#include "base/assert.h"
#include "base/mem.h"
#include "component/component_internal.h"
#include "component/decode_internal.h"
#include "component/world_internal.h"

static void decoder_deinit(struct tvn_decoder *decoder)
{
    tvn_vec_deinit(&decoder->modules);
    tvn_vec_deinit(&decoder->custom_sections);
}

static enum tvn_status keep_arrays(struct tvn_decoder *decoder, struct tvn_component *component)
{
    struct tvn_core_module *modules =
        TVN_DECODE_ARRAY(&decoder->context, struct tvn_core_module, decoder->modules.count);
    struct tvn_custom_section *sections =
        modules ? TVN_DECODE_ARRAY(&decoder->context, struct tvn_custom_section,
                                   decoder->custom_sections.count)
                : NULL;
    if (!sections) {
        return tvn_decode_failure(&decoder->context);
    }
    for (size_t i = 0; i < decoder->modules.count; i++) {
        modules[i] = decoder->modules.items[i];
    }
    for (size_t i = 0; i < decoder->custom_sections.count; i++) {
        sections[i] = decoder->custom_sections.items[i];
    }
    component->document.modules = modules;
    component->document.module_count = (uint32_t)decoder->modules.count;
    component->custom_sections = sections;
    component->custom_section_count = decoder->custom_sections.count;
    return TVN_OK;
}

static enum tvn_status decode(struct tvn_decoder *decoder, struct tvn_component *component)
{
    struct tvn_document *document = &component->document;
    struct tvn_reader reader = {
        .context = &decoder->context, .at = 0, .end = (uint32_t)document->length};
    const struct tvn_component_type *type = NULL;
    TVN_TRY(tvn_decode_component(decoder, NULL, &reader, &document->root, &type));
    TVN_TRY(keep_arrays(decoder, component));
    document->resource_count = decoder->resource_count;
    return tvn_world_create(&decoder->context, type, &component->world);
}

enum tvn_status tvn_component_decode(const uint8_t *bytes, size_t length, uint32_t file,
                                     struct tvn_diag_sink *sink,
                                     struct tvn_component **out_component)
{
    tvn_assert(bytes || length == 0);
    tvn_assert(sink);
    tvn_assert(out_component);
    const struct tvn_span place = {file, 0, 0};
    if (length > TVN_COMPONENT_BYTES_MAX) {
        return tvn_diag_error(sink, TVN_E_COMPONENT_TOO_COMPLEX, place,
                              "%zu bytes are more than a component may have (%zu)", length,
                              TVN_COMPONENT_BYTES_MAX);
    }
    TVN_AUTO(tvn_component) component = tvn_calloc(1, sizeof(*component));
    if (component) {
        component->arena = tvn_arena_create(TVN_COMPONENT_DECODED_BYTES_MAX);
    }
    if (!component || !component->arena) {
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, place,
                              "out of memory for decoding a component");
    }
    component->file = file;
    component->document.bytes = bytes;
    component->document.length = length;
    struct tvn_decoder decoder = {.context = {.bytes = bytes,
                                              .sink = sink,
                                              .file = file,
                                              .arena = component->arena,
                                              .steps_left = TVN_COMPONENT_STEPS_MAX}};
    enum tvn_status status = decode(&decoder, component);
    decoder_deinit(&decoder);
    TVN_TRY(status);
    *out_component = TVN_TAKE(component);
    return TVN_OK;
}

void tvn_component_destroy(struct tvn_component *component)
{
    if (!component) {
        return;
    }
    tvn_component_drop_code(component);
    tvn_arena_destroy(component->arena);
    tvn_free(component);
}

const struct tvn_document *tvn_component_document(const struct tvn_component *component)
{
    tvn_assert(component);
    return &component->document;
}

const struct tvn_world *tvn_component_world(const struct tvn_component *component)
{
    tvn_assert(component);
    return component->world;
}

uint32_t tvn_component_file(const struct tvn_component *component)
{
    tvn_assert(component);
    return component->file;
}

bool tvn_component_custom_section(const struct tvn_component *component, struct tvn_str name,
                                  struct tvn_str *out_bytes)
{
    tvn_assert(component);
    tvn_assert(out_bytes);
    for (size_t i = 0; i < component->custom_section_count; i++) {
        if (tvn_str_equal(component->custom_sections[i].name, name)) {
            *out_bytes = component->custom_sections[i].bytes;
            return true;
        }
    }
    return false;
}
