/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/runtime.h"

#include "base/assert.h"
#include "base/mem.h"
#include "contracts/canonical.h"
#include "engine/cached_code.h"
#include "engine/compile.h"
#include "engine/stage_internal.h"
#include "wasi/wasi.h"

struct tvn_runtime {
    struct tvn_engine *engine;
    struct tvn_wit *contracts;
    struct tvn_imports *imports;
    struct tvn_wasi_world *wasi_world;
    struct tvn_stage_resources resources;
    struct tvn_compile_options compile;
    struct tvn_code_cache *cache; /* or NULL */
    struct tvn_cached_code cached_code;
};

static const struct tvn_host_group *const host_groups[] = {
    &tvn_host_types, /* first: the others use its resources */
    &tvn_host_buffer_allocator,
    &tvn_host_buffer_ops,
    &tvn_host_capability_query,
    &tvn_host_tracing,
};

static enum tvn_status add_groups(struct tvn_runtime *runtime)
{
    for (size_t i = 0; i < TVN_ARRAY_LEN(host_groups); i++) {
        const struct tvn_host_group *group = host_groups[i];
        const struct tvn_interface *interface =
            tvn_wit_find_interface(runtime->contracts, tvn_str_of(group->interface_id));
        tvn_assert(interface);
        TVN_TRY(tvn_imports_add(runtime->imports, interface, group->funcs, group->func_count,
                                group->resources, group->resource_count, TVN_CONTEXT_STAGE));
    }
    struct tvn_str types = tvn_str_of(tvn_host_types.interface_id);
    runtime->resources = (struct tvn_stage_resources){
        .buffer = tvn_imports_resource(runtime->imports, types, TVN_STR("buffer")),
        .mutable_buffer = tvn_imports_resource(runtime->imports, types, TVN_STR("mutable-buffer")),
        .flow_context = tvn_imports_resource(runtime->imports, types, TVN_STR("flow-context")),
    };
    tvn_assert(runtime->resources.buffer && runtime->resources.mutable_buffer &&
               runtime->resources.flow_context);
    return tvn_wasi_add_imports(runtime->imports, TVN_CONTEXT_WASI, &runtime->wasi_world);
}

static enum tvn_status fill(struct tvn_runtime *runtime, const struct tvn_engine_options *options,
                            struct tvn_diag_sink *sink)
{
    TVN_TRY(tvn_engine_create(options, sink, &runtime->engine));
    runtime->contracts = tvn_wit_create();
    runtime->imports = tvn_imports_create();
    enum tvn_status status = runtime->contracts && runtime->imports ? TVN_OK : TVN_E_OUT_OF_MEMORY;
    if (status == TVN_OK) {
        TVN_TRY(tvn_contracts_add_canonical(runtime->contracts, sink));
        TVN_TRY(tvn_wit_resolve(runtime->contracts, sink));
        status = add_groups(runtime);
    }
    if (status != TVN_OK) {
        return tvn_diag_error(sink, tvn_status_fold(status), TVN_SPAN_NONE,
                              "the runtime could not be set up");
    }
    return TVN_OK;
}

enum tvn_status tvn_runtime_create(const struct tvn_engine_options *options,
                                   struct tvn_diag_sink *sink, struct tvn_runtime **out_runtime)
{
    tvn_assert(options && sink && out_runtime);
    TVN_AUTO(tvn_runtime) runtime = tvn_calloc(1, sizeof(*runtime));
    if (!runtime) {
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                              "the runtime could not be set up");
    }
    TVN_TRY(fill(runtime, options, sink));
    *out_runtime = TVN_TAKE(runtime);
    return TVN_OK;
}

void tvn_runtime_destroy(struct tvn_runtime *runtime)
{
    if (!runtime) {
        return;
    }
    tvn_imports_destroy(runtime->imports);
    tvn_wasi_world_destroy(runtime->wasi_world);
    tvn_wit_destroy(runtime->contracts);
    tvn_engine_destroy(runtime->engine);
    tvn_code_cache_close(runtime->cache);
    tvn_free(runtime);
}

struct tvn_engine *tvn_runtime_engine(const struct tvn_runtime *runtime)
{
    return runtime->engine;
}

const struct tvn_imports *tvn_runtime_imports(const struct tvn_runtime *runtime)
{
    return runtime->imports;
}

const struct tvn_wit *tvn_runtime_contracts(const struct tvn_runtime *runtime)
{
    return runtime->contracts;
}

const struct tvn_stage_resources *tvn_runtime_resources(const struct tvn_runtime *runtime)
{
    return &runtime->resources;
}

const struct tvn_wasi_world *tvn_runtime_wasi_world(const struct tvn_runtime *runtime)
{
    return runtime->wasi_world;
}

void tvn_runtime_set_compile(struct tvn_runtime *runtime, const struct tvn_compile_options *options,
                             struct tvn_code_cache *cache)
{
    tvn_assert(runtime && options);
    tvn_assert(!runtime->cache);
    runtime->compile = *options;
    runtime->cache = cache;
    if (cache) {
        tvn_cached_code_attach(&runtime->cached_code, cache, runtime->engine);
    }
}

enum tvn_status tvn_runtime_compile(struct tvn_runtime *runtime, struct tvn_component *component,
                                    struct tvn_diag_sink *sink)
{
    return tvn_compile_component(component, runtime->engine, runtime->cache, &runtime->compile,
                                 sink);
}
