/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/mem.h"
#include "base/num.h"
#include "component/wasmtime/engine_internal.h"

#include <inttypes.h>

#define IMPORTS_ON_STACK 32

static wasmtime_extern_kind_t engine_kind(enum tvn_core_extern_kind kind)
{
    switch (kind) {
    case TVN_CORE_EXTERN_FUNC:
        return WASMTIME_EXTERN_FUNC;
    case TVN_CORE_EXTERN_TABLE:
        return WASMTIME_EXTERN_TABLE;
    case TVN_CORE_EXTERN_MEMORY:
        return WASMTIME_EXTERN_MEMORY;
    case TVN_CORE_EXTERN_GLOBAL:
        return WASMTIME_EXTERN_GLOBAL;
    case TVN_CORE_EXTERN_TAG:
        return WASMTIME_EXTERN_TAG;
    }
    tvn_unreachable();
}

static bool our_kind(wasmtime_extern_kind_t kind, enum tvn_core_extern_kind *out_kind)
{
    switch (kind) {
    case WASMTIME_EXTERN_FUNC:
        *out_kind = TVN_CORE_EXTERN_FUNC;
        return true;
    case WASMTIME_EXTERN_TABLE:
        *out_kind = TVN_CORE_EXTERN_TABLE;
        return true;
    case WASMTIME_EXTERN_MEMORY:
        *out_kind = TVN_CORE_EXTERN_MEMORY;
        return true;
    case WASMTIME_EXTERN_GLOBAL:
        *out_kind = TVN_CORE_EXTERN_GLOBAL;
        return true;
    case WASMTIME_EXTERN_TAG:
        *out_kind = TVN_CORE_EXTERN_TAG;
        return true;
    default: /* shared memories: the engine has them switched off */
        return false;
    }
}

/* What all memories together can be when none may grow beyond `limit`. */
static uint64_t memory_total(const struct tvn_instance *instance, uint64_t limit)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < instance->core_memory_count; i++) {
        uint64_t bytes = tvn_core_memory_bytes(instance, &instance->core_memories[i]);
        total += tvn_max(bytes, limit);
    }
    for (uint32_t i = 0; i < instance->hidden_memory_count; i++) {
        const struct tvn_hidden_memory *hidden = &instance->hidden_memories[i];
        total += tvn_max(hidden->bound_bytes, tvn_min(limit, hidden->max_bytes));
    }
    return total;
}

/*
 * The largest limit under which all memories, grown as far as they may, stay below the cap;
 * `extra_count` more of at least `extra_bytes` are about to be made.
 */
static uint64_t memory_share(const struct tvn_instance *instance, uint64_t extra_bytes,
                             uint32_t extra_count)
{
    uint64_t low = 0, high = instance->max_memory_bytes;
    while (low < high) {
        uint64_t middle = low + (high - low + 1) / 2;
        uint64_t extra = extra_count * tvn_max(middle, extra_bytes);
        if (memory_total(instance, middle) + extra <= instance->max_memory_bytes) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

static void limit_memories(struct tvn_instance *instance, uint64_t limit)
{
    instance->memory_limit_bytes = limit;
    for (uint32_t i = 0; i < instance->hidden_memory_count; i++) {
        struct tvn_hidden_memory *hidden = &instance->hidden_memories[i];
        hidden->bound_bytes = tvn_max(hidden->bound_bytes, tvn_min(limit, hidden->max_bytes));
    }
    tvn_core_store_limit(instance, limit);
}

/* Before a module with a memory starts: room for its minimum, or E0311. */
static enum tvn_status reserve_memory(struct tvn_instance *instance,
                                      const struct tvn_core_code *code)
{
    uint64_t used = memory_total(instance, 0);
    if (used > instance->max_memory_bytes ||
        code->memory_min_bytes > instance->max_memory_bytes - used) {
        return tvn_instance_fail(
            instance, TVN_E_INSTANCE_LIMIT,
            "the component needs %" PRIu64 " KiB of memory, its limit is %" PRIu64 " KiB",
            (used + code->memory_min_bytes) >> 10, instance->max_memory_bytes >> 10);
    }
    uint64_t share = memory_share(instance, code->memory_min_bytes, 1);
    if (!code->memory_exported || instance->hidden_memory_count > 0) {
        share = tvn_min(share, instance->max_memory_bytes / TVN_COMPONENT_MEMORIES_MAX);
    }
    limit_memories(instance, tvn_max(share, code->memory_min_bytes));
    return TVN_OK;
}

/* Afterwards: the memory is known, or hidden. */
static void register_memory(struct tvn_instance *instance, const struct tvn_core_code *code,
                            const struct tvn_core_instance *core)
{
    struct tvn_core_item item;
    if (code->memory_exported && instance->core_memory_count < TVN_COMPONENT_MEMORIES_MAX &&
        tvn_core_export(instance, core, code->memory_name, &item) &&
        item.kind == TVN_CORE_EXTERN_MEMORY) {
        instance->core_memories[instance->core_memory_count++] = item.of.memory;
    } else if (instance->hidden_memory_count < TVN_COMPONENT_MEMORIES_MAX) {
        instance->hidden_memories[instance->hidden_memory_count++] = (struct tvn_hidden_memory){
            .bound_bytes = tvn_min(instance->memory_limit_bytes, code->memory_max_bytes),
            .max_bytes = code->memory_max_bytes,
        };
    }
    if (instance->hidden_memory_count == 0) {
        tvn_core_memory_settle(instance);
    }
}

void tvn_core_memory_settle(struct tvn_instance *instance)
{
    if (instance->core_memory_count + instance->hidden_memory_count > 0) {
        limit_memories(instance, memory_share(instance, 0, 0));
    }
}

static enum tvn_status fail_to_link(struct tvn_instance *instance, wasmtime_error_t *error,
                                    wasm_trap_t *trap)
{
    if (trap || instance->dead) {
        return tvn_core_fail(instance, error, trap);
    }
    char text[TVN_FAULT_TEXT_MAX];
    tvn_core_error_text(error, text, sizeof(text));
    /* The engine has no codes for its errors; what remains after linking was checked is one of its
     * limits. */
    bool limit = strstr(text, "limit") || strstr(text, "maximum") || strstr(text, "exceeds");
    return tvn_instance_fail(instance, limit ? TVN_E_INSTANCE_LIMIT : TVN_E_COMPONENT_INVALID, "%s",
                             text);
}

enum tvn_status tvn_core_instantiate(struct tvn_instance *instance,
                                     const struct tvn_core_code *code,
                                     const struct tvn_core_item *imports, size_t import_count,
                                     struct tvn_core_instance *out_core)
{
    wasmtime_extern_t few[IMPORTS_ON_STACK];
    wasmtime_extern_t *externs = few;
    if (import_count > IMPORTS_ON_STACK) {
        externs = tvn_calloc(import_count, sizeof(*externs));
        if (!externs) {
            return tvn_instance_fail(instance, TVN_E_OUT_OF_MEMORY, "no memory to link a module");
        }
    }
    for (size_t i = 0; i < import_count; i++) {
        externs[i].kind = engine_kind(imports[i].kind);
        memcpy(&externs[i].of, &imports[i].of, sizeof(externs[i].of));
    }
    enum tvn_status status = code->has_memory ? reserve_memory(instance, code) : TVN_OK;
    if (status == TVN_OK) {
        wasmtime_instance_t made;
        wasm_trap_t *trap = NULL;
        wasmtime_error_t *error = wasmtime_instance_new(instance->context, code->module, externs,
                                                        import_count, &made, &trap);
        if (error || trap) {
            status = fail_to_link(instance, error, trap);
        } else {
            memcpy(out_core, &made, sizeof(made));
        }
    }
    if (externs != few) {
        tvn_free(externs);
    }
    if (status == TVN_OK && code->has_memory) {
        register_memory(instance, code, out_core);
    }
    return status;
}

bool tvn_core_export(const struct tvn_instance *instance, const struct tvn_core_instance *core,
                     struct tvn_str name, struct tvn_core_item *out_item)
{
    wasmtime_instance_t engine_instance;
    memcpy(&engine_instance, core, sizeof(engine_instance));
    wasmtime_extern_t found;
    if (!wasmtime_instance_export_get(instance->context, &engine_instance, name.ptr, name.len,
                                      &found)) {
        return false;
    }
    enum tvn_core_extern_kind kind;
    if (!our_kind(found.kind, &kind)) {
        wasmtime_extern_delete(&found);
        return false;
    }
    out_item->kind = kind;
    memcpy(&out_item->of, &found.of, sizeof(found.of)); /* these kinds own nothing */
    return true;
}

static wasm_valkind_t value_kind(enum tvn_core_kind kind)
{
    switch (kind) {
    case TVN_CORE_I32:
        return WASM_I32;
    case TVN_CORE_I64:
        return WASM_I64;
    case TVN_CORE_F32:
        return WASM_F32;
    case TVN_CORE_F64:
        return WASM_F64;
    }
    tvn_unreachable();
}

static void value_types(const enum tvn_core_kind *kinds, uint32_t count, wasm_valtype_vec_t *out)
{
    wasm_valtype_t *types[TVN_CORE_SIGNATURE_MAX];
    for (uint32_t i = 0; i < count; i++) {
        types[i] = wasm_valtype_new(value_kind(kinds[i]));
    }
    wasm_valtype_vec_new(out, count, types);
}

void tvn_core_func_create(struct tvn_instance *instance, const struct tvn_core_signature *signature,
                          tvn_raw_func callback, void *env, struct tvn_core_func *out_func)
{
    wasm_valtype_vec_t params, results;
    value_types(signature->params, signature->param_count, &params);
    value_types(signature->results, signature->result_count, &results);
    wasm_functype_t *type = wasm_functype_new(&params, &results);
    wasmtime_func_t func;
    /* SAFETY: tvn_raw_func is the engine's callback type with the pointed-to types left out. */
    wasmtime_func_new_unchecked(instance->context, type,
                                (wasmtime_func_unchecked_callback_t)(void (*)(void))callback, env,
                                NULL, &func);
    wasm_functype_delete(type);
    memcpy(out_func, &func, sizeof(func));
}

static bool same_types(const wasm_valtype_vec_t *types, const enum tvn_core_kind *kinds,
                       uint32_t count)
{
    if (types->size != count) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (wasm_valtype_kind(types->data[i]) != value_kind(kinds[i])) {
            return false;
        }
    }
    return true;
}

bool tvn_core_func_has_signature(const struct tvn_instance *instance,
                                 const struct tvn_core_func *func,
                                 const struct tvn_core_signature *signature)
{
    wasmtime_func_t engine_func;
    memcpy(&engine_func, func, sizeof(engine_func));
    wasm_functype_t *type = wasmtime_func_type(instance->context, &engine_func);
    bool same =
        same_types(wasm_functype_params(type), signature->params, signature->param_count) &&
        same_types(wasm_functype_results(type), signature->results, signature->result_count);
    wasm_functype_delete(type);
    return same;
}
