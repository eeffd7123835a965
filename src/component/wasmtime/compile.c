/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/mem.h"
#include "base/num.h"
#include "component/wasmtime/engine_internal.h"

#define PAGE_BYTES          65536u
#define SECTION_MEMORY      5
#define MODULE_HEADER_BYTES 8
#define LIMIT_HAS_MAX       1u
#define ERROR_TEXT_BYTES    512

/* A LEB128 u32 at *position; false at the end of the bytes. */
static bool read_u32(const uint8_t *bytes, size_t length, size_t *position, uint32_t *out_value)
{
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 35 && *position < length; shift += 7) {
        uint8_t byte = bytes[(*position)++];
        value |= (uint32_t)(byte & 0x7fu) << shift;
        if (!(byte & 0x80u)) {
            *out_value = value;
            return true;
        }
    }
    return false;
}

/* The first memory of a memory section's content, if there is one. */
static void read_memory_section(const uint8_t *bytes, size_t end, size_t at,
                                struct tvn_core_code *code)
{
    uint32_t count, flags, min = 0, max = PAGE_BYTES;
    if (!read_u32(bytes, end, &at, &count) || count == 0 || !read_u32(bytes, end, &at, &flags) ||
        !read_u32(bytes, end, &at, &min)) {
        return;
    }
    if ((flags & LIMIT_HAS_MAX) && !read_u32(bytes, end, &at, &max)) {
        max = PAGE_BYTES;
    }
    code->has_memory = true;
    code->memory_min_bytes = (uint64_t)min * PAGE_BYTES;
    code->memory_max_bytes = (uint64_t)max * PAGE_BYTES;
}

/*
 * Whether the module defines a memory and how large, which the engine shows for exported ones only.
 * The engine has accepted the bytes already.
 */
static void find_memory(const uint8_t *bytes, size_t length, struct tvn_core_code *code)
{
    size_t at = MODULE_HEADER_BYTES;
    while (at < length) {
        uint8_t id = bytes[at++];
        uint32_t size;
        if (!read_u32(bytes, length, &at, &size) || size > length - at) {
            return;
        }
        if (id == SECTION_MEMORY) {
            read_memory_section(bytes, at + size, at, code);
            return;
        }
        at += size;
    }
}

static void find_memory_export(const struct tvn_core_module_type *type, struct tvn_core_code *code)
{
    for (uint32_t i = 0; i < type->export_count && !code->memory_exported; i++) {
        if (type->exports[i].kind == TVN_CORE_EXTERN_MEMORY) {
            code->memory_exported = true;
            code->memory_name = type->exports[i].name;
        }
    }
}

void tvn_core_code_destroy(struct tvn_core_code *code)
{
    if (code) {
        if (code->module) {
            wasmtime_module_delete(code->module);
        }
        tvn_free(code);
    }
}

void tvn_component_drop_code(struct tvn_component *component)
{
    if (!component->code) {
        return;
    }
    for (uint32_t i = 0; i < component->document.module_count; i++) {
        tvn_core_code_destroy(component->code[i]);
    }
    tvn_free((void *)component->code);
    component->code = NULL;
}

static enum tvn_status compile_module(const struct tvn_component *component, uint32_t number,
                                      struct tvn_engine *engine, struct tvn_diag_sink *sink,
                                      struct tvn_core_code **out_code)
{
    const struct tvn_core_module *module = &component->document.modules[number];
    const uint8_t *bytes = component->document.bytes + module->offset;
    struct tvn_core_code *code = tvn_calloc(1, sizeof(*code));
    if (!code) {
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                              "no memory to compile core module %u", number);
    }
    wasmtime_error_t *error =
        wasmtime_module_new(engine->wasm, bytes, module->length, &code->module);
    if (error) {
        char text[ERROR_TEXT_BYTES];
        tvn_core_error_text(error, text, sizeof(text));
        tvn_core_code_destroy(code);
        return tvn_diag_error(sink, TVN_E_COMPONENT_INVALID,
                              (struct tvn_span){component->file, module->offset, 0},
                              "core module %u cannot be compiled: %s", number, text);
    }
    find_memory(bytes, module->length, code);
    find_memory_export(&module->type, code);
    *out_code = code;
    return TVN_OK;
}

enum tvn_status tvn_component_compile(struct tvn_component *component, struct tvn_engine *engine,
                                      struct tvn_diag_sink *sink)
{
    tvn_assert(component);
    tvn_assert(engine);
    tvn_assert(!component->code);
    uint32_t count = component->document.module_count;
    component->code =
        (struct tvn_core_code **)tvn_calloc(tvn_max(count, 1u), sizeof(struct tvn_core_code *));
    if (!component->code) {
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                              "no memory to compile the component");
    }
    for (uint32_t i = 0; i < count; i++) {
        enum tvn_status status = compile_module(component, i, engine, sink, &component->code[i]);
        if (status != TVN_OK) {
            tvn_component_drop_code(component);
            return status;
        }
    }
    return TVN_OK;
}
