/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/compile.h"

#include "base/assert.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "component/code.h"
#include "component/engine.h"
#include "engine/compile_child.h"

TVN_LOG_CATEGORY("engine");

struct work {
    struct tvn_component *component;
    struct tvn_engine *engine;
    struct tvn_code_cache *cache; /* or NULL */
    const struct tvn_compile_options *options;
    struct tvn_diag_sink *sink;
    const struct tvn_document *document;
    struct tvn_code_key *keys;          /* of all modules, if there is a cache */
    struct tvn_compile_module *missing; /* what is not in it */
    uint32_t missing_count;
    struct tvn_compile_progress progress;
};

static enum tvn_status no_memory(const struct work *work)
{
    return tvn_diag_error(work->sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                          "no memory to compile a component");
}

static struct tvn_str wasm_of(const struct work *work, uint32_t module)
{
    const struct tvn_core_module *core = &work->document->modules[module];
    return (struct tvn_str){(const char *)work->document->bytes + core->offset, core->length};
}

/* ---- the cache ---- */

/* False when the module has to be compiled. */
static bool take_kept(struct work *work, uint32_t module)
{
    int fd;
    if (!work->cache || tvn_code_cache_find(work->cache, &work->keys[module], &fd) != TVN_OK) {
        return false;
    }
    enum tvn_status status =
        tvn_component_adopt_code_file(work->component, work->engine, module, fd);
    tvn_fd_close(&fd);
    if (status == TVN_NOT_FOUND) { /* of a processor that could do more, for example */
        tvn_code_cache_remove(work->cache, &work->keys[module]);
    }
    return status == TVN_OK;
}

static enum tvn_status look_up(struct work *work)
{
    const char *settings = tvn_engine_code_settings(work->engine);
    for (uint32_t i = 0; i < work->document->module_count; i++) {
        struct tvn_str wasm = wasm_of(work, i);
        if (work->cache && tvn_code_key_of(settings, wasm, &work->keys[i]) != TVN_OK) {
            return no_memory(work);
        }
        if (!take_kept(work, i)) {
            work->missing[work->missing_count++] = (struct tvn_compile_module){
                .wasm = wasm,
                .number = i,
                .at = {tvn_component_file(work->component), work->document->modules[i].offset, 0}};
            work->progress.wasm_bytes += wasm.len;
        }
    }
    return TVN_OK;
}

static void keep(const struct work *work, uint32_t module, struct tvn_str code)
{
    if (work->cache) {
        (void)tvn_code_cache_put(work->cache, &work->keys[module], code);
    }
}

/* ---- compiling ---- */

static void tell(struct work *work, uint32_t done, uint64_t elapsed_ns)
{
    if (work->options->progress) {
        work->progress.modules_done = done;
        work->progress.elapsed_ns = elapsed_ns;
        work->options->progress(work->options->progress_context, &work->progress);
    }
}

static void on_progress(void *context, uint32_t index, uint64_t elapsed_ns)
{
    tell(context, index, elapsed_ns);
}

static enum tvn_status take_code(void *context, uint32_t index, struct tvn_str code,
                                 struct tvn_diag_sink *sink)
{
    struct work *work = context;
    const struct tvn_compile_module *module = &work->missing[index];
    enum tvn_status status = tvn_component_adopt_code_bytes(
        work->component, work->engine, module->number, (const uint8_t *)code.ptr, code.len);
    if (status == TVN_NOT_FOUND) {
        return tvn_diag_error(sink, TVN_E_INTERNAL, module->at,
                              "the engine refuses what it has compiled of core module %u",
                              module->number);
    }
    if (status != TVN_OK) {
        return no_memory(work);
    }
    keep(work, module->number, code);
    return TVN_OK;
}

static enum tvn_status compile_in_child(struct work *work)
{
    const struct tvn_compile_child_options options = {
        .program = work->options->program,
        .fuel = tvn_engine_has_fuel(work->engine),
        .cpu_seconds_max = work->options->cpu_seconds_max,
        .memory_bytes_max = work->options->memory_bytes_max,
        .modules = work->missing,
        .module_count = work->missing_count,
        .take = take_code,
        .progress = on_progress,
        .context = work,
    };
    return tvn_compile_child_run(&options, work->sink);
}

static enum tvn_status compile_here(struct work *work)
{
    TVN_TRY(tvn_component_compile(work->component, work->engine, work->sink));
    for (uint32_t i = 0; work->cache && i < work->missing_count; i++) {
        TVN_AUTO_VALUE(tvn_code_bytes) code = {0};
        uint32_t module = work->missing[i].number;
        if (tvn_component_code_bytes(work->component, module, &code) == TVN_OK) {
            keep(work, module, (struct tvn_str){code.ptr, code.len});
        }
    }
    return TVN_OK;
}

static enum tvn_status compile_missing(struct work *work)
{
    const struct tvn_diag_source *source =
        tvn_diag_source(work->sink, tvn_component_file(work->component));
    work->progress.file = source ? source->name : "";
    work->progress.modules_total = work->missing_count;
    tvn_log_debug("compiling '%s': %u of %u core modules, %llu bytes", work->progress.file,
                  work->missing_count, work->document->module_count,
                  (unsigned long long)work->progress.wasm_bytes);
    tell(work, 0, 0);
    TVN_TRY(work->options->program ? compile_in_child(work) : compile_here(work));
    if (work->cache) {
        tvn_code_cache_sweep(work->cache);
    }
    return TVN_OK;
}

enum tvn_status tvn_compile_component(struct tvn_component *component, struct tvn_engine *engine,
                                      struct tvn_code_cache *cache,
                                      const struct tvn_compile_options *options,
                                      struct tvn_diag_sink *sink)
{
    tvn_assert(component && engine && options && sink);
    if (tvn_component_is_compiled(component)) {
        return TVN_OK;
    }
    struct work work = {
        .component = component,
        .engine = engine,
        .cache = cache,
        .options = options,
        .sink = sink,
        .document = tvn_component_document(component),
    };
    size_t count = tvn_max(work.document->module_count, 1u);
    TVN_AUTO_FREE struct tvn_code_key *keys = tvn_calloc(count, sizeof(*keys));
    TVN_AUTO_FREE struct tvn_compile_module *missing = tvn_calloc(count, sizeof(*missing));
    if (!keys || !missing) {
        return no_memory(&work);
    }
    work.keys = keys;
    work.missing = missing;
    TVN_TRY(look_up(&work));
    if (work.missing_count > 0) {
        return compile_missing(&work);
    }
    /* Every module had code, or there is none: then this makes the empty table. */
    return tvn_component_compile(component, engine, sink);
}
