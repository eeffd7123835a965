/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What all component stages of a process share: the WebAssembly engine and the set of interfaces
 * that Torvyn and WASI offer to components.
 *
 * Threads: created and destroyed by one thread while no stage exists; read-only in between.
 */
#include "component/engine.h"
#include "component/host.h"
#include "contracts/wit.h"

/* Numbers under which host functions find their per-instance context. */
enum tvn_host_context { TVN_CONTEXT_STAGE, TVN_CONTEXT_WASI };

struct tvn_component;
struct tvn_runtime;

// COLD PATH. Creates the engine and parses the built-in contracts. E0311, E0011.
TVN_NODISCARD enum tvn_status tvn_runtime_create(const struct tvn_engine_options *options,
                                                 struct tvn_diag_sink *sink,
                                                 struct tvn_runtime **out_runtime);
void tvn_runtime_destroy(struct tvn_runtime *runtime); /* no stage may live */
TVN_DEFINE_CLEANUP(tvn_runtime, tvn_runtime_destroy)

struct tvn_engine *tvn_runtime_engine(const struct tvn_runtime *runtime);
const struct tvn_imports *tvn_runtime_imports(const struct tvn_runtime *runtime);
/* The canonical contracts, resolved: torvyn:streaming, filtering, aggregation, capabilities,
 * resources. */
const struct tvn_wit *tvn_runtime_contracts(const struct tvn_runtime *runtime);

/* Run-time types of Torvyn's own resources. */
struct tvn_stage_resources {
    const struct tvn_resource_rt *buffer;
    const struct tvn_resource_rt *mutable_buffer;
    const struct tvn_resource_rt *flow_context;
};
const struct tvn_stage_resources *tvn_runtime_resources(const struct tvn_runtime *runtime);

struct tvn_wasi_world;
const struct tvn_wasi_world *tvn_runtime_wasi_world(const struct tvn_runtime *runtime);

/*
 * How components are compiled from now on; without it in this process, keeping nothing. The options
 * are copied, what they point to outlives the runtime. `cache` may be NULL and is taken.
 */
struct tvn_code_cache;
struct tvn_compile_options;
void tvn_runtime_set_compile(struct tvn_runtime *runtime, const struct tvn_compile_options *options,
                             struct tvn_code_cache *cache);
/* COLD PATH. Compiles a component for the runtime's engine; does nothing the second time.
 * Statuses as tvn_compile_component. */
TVN_NODISCARD enum tvn_status tvn_runtime_compile(struct tvn_runtime *runtime,
                                                  struct tvn_component *component,
                                                  struct tvn_diag_sink *sink);
