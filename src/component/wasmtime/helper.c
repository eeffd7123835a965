/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/file.h"
#include "base/mem.h"
#include "component/helper_internal.h"
#include "component/wasmtime/engine_internal.h"

#define HELPER_IMPORTS_MAX 8

/* Its bytes in the form that stores take. */
static struct tvn_str wasm_of(const struct tvn_helper_code *helper)
{
    return (struct tvn_str){(const char *)helper->wasm, helper->length};
}

static void forget_error(wasmtime_error_t *error)
{
    if (error) {
        wasmtime_error_delete(error);
    }
}

/*
 * Compiled by an engine of its own, without the compiler's thread pool: the process gets no threads
 * for a module of thirty instructions. Then it is code like any other that is kept as bytes.
 */
static wasmtime_module_t *compile(const struct tvn_engine *engine, const uint8_t *wasm,
                                  size_t length)
{
    wasm_engine_t *compiler = tvn_engine_for_helpers(engine);
    if (!compiler) {
        return NULL;
    }
    wasmtime_module_t *made = NULL;
    wasmtime_module_t *module = NULL;
    TVN_AUTO_VALUE(tvn_code_bytes) code = {0};
    wasmtime_error_t *error = wasmtime_module_new(compiler, wasm, length, &made);
    tvn_debug_assert(!error);
    if (!error) {
        error = tvn_core_serialize(made, &code);
        wasmtime_module_delete(made);
    }
    if (!error) {
        error =
            wasmtime_module_deserialize(engine->wasm, (const uint8_t *)code.ptr, code.len, &module);
    }
    forget_error(error);
    wasm_engine_delete(compiler);
    return module;
}

static const struct tvn_helper_code *find(const struct tvn_engine *engine, const uint8_t *wasm,
                                          size_t length)
{
    for (uint32_t i = 0; i < engine->helper_count; i++) {
        const struct tvn_helper_code *helper = &engine->helpers[i];
        if (helper->length == length && memcmp(helper->wasm, wasm, length) == 0) {
            return helper;
        }
    }
    return NULL;
}

/* The code that an earlier process made, or NULL. */
static wasmtime_module_t *load(const struct tvn_engine *engine, struct tvn_str wasm)
{
    int fd = engine->store.find ? engine->store.find(engine->store.context, wasm) : -1;
    if (fd < 0) {
        return NULL;
    }
    wasmtime_module_t *module = tvn_core_map_code(engine, fd);
    tvn_fd_close(&fd);
    return module;
}

/* A fresh record: what could not be compiled is kept as NULL, nobody tries again. */
static struct tvn_helper_code make(const struct tvn_engine *engine, const uint8_t *wasm,
                                   size_t length)
{
    struct tvn_helper_code helper = {.length = length};
    memcpy(helper.wasm, wasm, length);
    helper.module = load(engine, wasm_of(&helper));
    if (!helper.module) {
        helper.module = compile(engine, wasm, length);
        helper.is_new = helper.module != NULL;
    }
    return helper;
}

/* As find, or makes it, unless another thread is about to make one. */
static const struct tvn_helper_code *find_or_make(struct tvn_engine *engine, const uint8_t *wasm,
                                                  size_t length)
{
    pthread_mutex_lock(&engine->lock);
    const struct tvn_helper_code *found = find(engine, wasm, length);
    bool makes = !found && !engine->helper_busy && engine->helper_count < TVN_HELPERS_MAX;
    engine->helper_busy |= makes;
    pthread_mutex_unlock(&engine->lock);
    if (!makes) {
        return found;
    }
    const struct tvn_helper_code made = make(engine, wasm, length);
    pthread_mutex_lock(&engine->lock);
    struct tvn_helper_code *kept = &engine->helpers[engine->helper_count++];
    *kept = made;
    engine->helper_busy = false;
    pthread_mutex_unlock(&engine->lock);
    return kept;
}

const struct tvn_helper_code *tvn_core_helper_code(struct tvn_engine *engine, const uint8_t *wasm,
                                                   size_t length)
{
    tvn_assert(engine && wasm && length <= TVN_HELPER_BYTES_MAX);
    const struct tvn_helper_code *code = find_or_make(engine, wasm, length);
    return code && code->module ? code : NULL;
}

bool tvn_core_helper(struct tvn_instance *instance, const struct tvn_helper_code *code,
                     const struct tvn_core_item *imports, size_t import_count,
                     struct tvn_core_func *out_run)
{
    tvn_assert(code && code->module);
    tvn_assert(import_count <= HELPER_IMPORTS_MAX);
    wasmtime_extern_t externs[HELPER_IMPORTS_MAX];
    for (size_t i = 0; i < import_count; i++) {
        tvn_assert(imports[i].kind == TVN_CORE_EXTERN_FUNC);
        externs[i].kind = WASMTIME_EXTERN_FUNC;
        memcpy(&externs[i].of, &imports[i].of, sizeof(externs[i].of));
    }
    wasmtime_instance_t made;
    wasm_trap_t *trap = NULL;
    wasmtime_error_t *error =
        wasmtime_instance_new(instance->context, code->module, externs, import_count, &made, &trap);
    if (error || trap) { /* a limit: there is no start function that could fail */
        forget_error(error);
        if (trap) {
            wasm_trap_delete(trap);
        }
        return false;
    }
    wasmtime_extern_t run;
    bool found = wasmtime_instance_export_get(instance->context, &made, TVN_HELPER_EXPORT,
                                              sizeof(TVN_HELPER_EXPORT) - 1, &run);
    tvn_assert(found && run.kind == WASMTIME_EXTERN_FUNC);
    memcpy(out_run, &run.of.func, sizeof(*out_run));
    return true;
}

static void put(const struct tvn_engine *engine, const struct tvn_helper_code *helper)
{
    TVN_AUTO_VALUE(tvn_code_bytes) code = {0};
    wasmtime_error_t *error = tvn_core_serialize(helper->module, &code);
    if (!error) {
        engine->store.put(engine->store.context, wasm_of(helper),
                          (struct tvn_str){code.ptr, code.len});
    }
    forget_error(error);
}

void tvn_engine_drop_helpers(struct tvn_engine *engine)
{
    for (uint32_t i = 0; i < engine->helper_count; i++) {
        const struct tvn_helper_code *helper = &engine->helpers[i];
        if (helper->is_new && engine->store.put) {
            put(engine, helper);
        }
        if (helper->module) {
            wasmtime_module_delete(helper->module);
        }
    }
    engine->helper_count = 0;
}
