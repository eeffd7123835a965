/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/mem.h"
#include "base/num.h"
#include "component/code.h"
#include "component/wasmtime/engine_internal.h"

#include <stdio.h>

#define PAGE_BYTES          65536u
#define SECTION_MEMORY      5
#define MODULE_HEADER_BYTES 8
#define LIMIT_HAS_MAX       1u

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

/* ---- code as bytes ---- */

bool tvn_engine_has_fuel(const struct tvn_engine *engine)
{
    tvn_assert(engine);
    return engine->fuel;
}

void tvn_code_bytes_deinit(struct tvn_code_bytes *bytes)
{
    if (bytes && bytes->ptr) {
        wasm_byte_vec_t vec = {.size = bytes->len, .data = bytes->ptr};
        wasm_byte_vec_delete(&vec);
        *bytes = (struct tvn_code_bytes){0};
    }
}

wasmtime_error_t *tvn_core_serialize(const wasmtime_module_t *module,
                                     struct tvn_code_bytes *out_code)
{
    wasm_byte_vec_t vec;
    wasmtime_error_t *error = wasmtime_module_serialize(module, &vec);
    if (!error) {
        *out_code = (struct tvn_code_bytes){.ptr = vec.data, .len = vec.size};
    }
    return error;
}

enum tvn_status tvn_code_compile(struct tvn_engine *engine, const uint8_t *wasm, size_t wasm_length,
                                 struct tvn_code_bytes *out_code, char *text, size_t text_bytes)
{
    tvn_assert(engine);
    tvn_assert(wasm || wasm_length == 0);
    tvn_assert(out_code);
    tvn_assert(text && text_bytes > 0);
    wasmtime_module_t *module = NULL;
    wasmtime_error_t *error = wasmtime_module_new(engine->wasm, wasm, wasm_length, &module);
    if (!error) {
        error = tvn_core_serialize(module, out_code);
        wasmtime_module_delete(module);
    }
    if (error) {
        tvn_core_error_text(error, text, text_bytes);
        return TVN_E_COMPONENT_INVALID;
    }
    return TVN_OK;
}

enum tvn_status tvn_component_code_bytes(const struct tvn_component *component, uint32_t module,
                                         struct tvn_code_bytes *out_code)
{
    tvn_assert(tvn_component_has_code(component, module));
    tvn_assert(out_code);
    wasmtime_error_t *error = tvn_core_serialize(component->code[module]->module, out_code);
    if (error) {
        wasmtime_error_delete(error);
        return TVN_NOT_FOUND;
    }
    return TVN_OK;
}

/* ---- modules of a component ---- */

bool tvn_component_has_code(const struct tvn_component *component, uint32_t module)
{
    tvn_assert(component);
    tvn_assert(module < component->document.module_count);
    return component->code && component->code[module];
}

bool tvn_component_is_compiled(const struct tvn_component *component)
{
    tvn_assert(component);
    for (uint32_t i = 0; i < component->document.module_count; i++) {
        if (!tvn_component_has_code(component, i)) {
            return false;
        }
    }
    return component->code != NULL;
}

/* Room for the code of all modules. */
static enum tvn_status reserve_code(struct tvn_component *component)
{
    if (!component->code) {
        uint32_t count = component->document.module_count;
        component->code =
            (struct tvn_core_code **)tvn_calloc(tvn_max(count, 1u), sizeof(struct tvn_core_code *));
    }
    return component->code ? TVN_OK : TVN_E_OUT_OF_MEMORY;
}

/* Keeps the module; takes it in any case. */
static enum tvn_status keep_module(struct tvn_component *component, uint32_t number,
                                   wasmtime_module_t *compiled)
{
    struct tvn_core_code *code =
        reserve_code(component) == TVN_OK ? tvn_calloc(1, sizeof(*code)) : NULL;
    if (!code) {
        wasmtime_module_delete(compiled);
        return TVN_E_OUT_OF_MEMORY;
    }
    const struct tvn_core_module *module = &component->document.modules[number];
    code->module = compiled;
    find_memory(component->document.bytes + module->offset, module->length, code);
    find_memory_export(&module->type, code);
    component->code[number] = code;
    return TVN_OK;
}

wasmtime_module_t *tvn_core_map_code(const struct tvn_engine *engine, int fd)
{
    char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    wasmtime_module_t *module = NULL;
    wasmtime_error_t *error = wasmtime_module_deserialize_file(engine->wasm, path, &module);
    if (error) {
        wasmtime_error_delete(error);
        return NULL;
    }
    return module;
}

enum tvn_status tvn_component_adopt_code_file(struct tvn_component *component,
                                              struct tvn_engine *engine, uint32_t module, int fd)
{
    tvn_assert(!tvn_component_has_code(component, module));
    tvn_assert(engine);
    tvn_assert(fd >= 0);
    wasmtime_module_t *compiled = tvn_core_map_code(engine, fd);
    return compiled ? keep_module(component, module, compiled) : TVN_NOT_FOUND;
}

enum tvn_status tvn_component_adopt_code_bytes(struct tvn_component *component,
                                               struct tvn_engine *engine, uint32_t module,
                                               const uint8_t *code, size_t length)
{
    tvn_assert(!tvn_component_has_code(component, module));
    tvn_assert(engine);
    tvn_assert(code);
    wasmtime_module_t *compiled = NULL;
    wasmtime_error_t *error = wasmtime_module_deserialize(engine->wasm, code, length, &compiled);
    if (error) {
        wasmtime_error_delete(error);
        return TVN_NOT_FOUND;
    }
    return keep_module(component, module, compiled);
}

static enum tvn_status compile_module(struct tvn_component *component, uint32_t number,
                                      struct tvn_engine *engine, struct tvn_diag_sink *sink)
{
    const struct tvn_core_module *module = &component->document.modules[number];
    wasmtime_module_t *compiled = NULL;
    wasmtime_error_t *error = wasmtime_module_new(
        engine->wasm, component->document.bytes + module->offset, module->length, &compiled);
    if (error) {
        char text[TVN_CODE_ERROR_TEXT_BYTES];
        tvn_core_error_text(error, text, sizeof(text));
        return tvn_diag_error(sink, TVN_E_COMPONENT_INVALID,
                              (struct tvn_span){component->file, module->offset, 0},
                              "core module %u cannot be compiled: %s", number, text);
    }
    if (keep_module(component, number, compiled) != TVN_OK) {
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                              "no memory to compile core module %u", number);
    }
    return TVN_OK;
}

enum tvn_status tvn_component_compile(struct tvn_component *component, struct tvn_engine *engine,
                                      struct tvn_diag_sink *sink)
{
    tvn_assert(component);
    tvn_assert(engine);
    tvn_assert(sink);
    if (reserve_code(component) != TVN_OK) {
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                              "no memory to compile the component");
    }
    for (uint32_t i = 0; i < component->document.module_count; i++) {
        if (!tvn_component_has_code(component, i)) {
            enum tvn_status status = compile_module(component, i, engine, sink);
            if (status != TVN_OK) {
                tvn_component_drop_code(component);
                return status;
            }
        }
    }
    return TVN_OK;
}
