/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The engine object and helpers around the engine's own types; private to this folder. */
#include "component/code.h"
#include "component/core_internal.h"
#include "component/engine.h"
#include "component/helper_internal.h"
#include "component/instance_internal.h"

#include <assert.h>
#include <pthread.h>
#include <wasmtime.h>

#define TVN_CODE_SETTINGS_BYTES 320
#define TVN_HELPERS_MAX         8 /* shapes of them: what an export takes, and its options */

/* A module of the host's own: helper_internal.h. */
struct tvn_helper_code {
    wasmtime_module_t *module; /* NULL: the engine would not compile it */
    bool is_new;               /* compiled by this process: to be put into the store */
    size_t length;
    uint8_t wasm[TVN_HELPER_BYTES_MAX];
};

struct tvn_engine {
    wasm_engine_t *wasm;
    bool fuel;
    bool multi_memory;
    bool pooled;
    char code_settings[TVN_CODE_SETTINGS_BYTES]; /* tvn_engine_code_settings */
    struct tvn_code_store store;                 /* of helpers' code; zeroed: none */
    /* The ticker: runs from the first instance to the end of the engine, and ticks while instances
     * exist. */
    pthread_t ticker;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    uint32_t instances;
    bool ticker_started;
    bool stop;
    struct tvn_helper_code helpers[TVN_HELPERS_MAX];
    uint32_t helper_count;
    bool helper_busy; /* one is being loaded or compiled, without the lock */
};

struct tvn_core_code {
    wasmtime_module_t *module;
    bool has_memory; /* defines one (imports and multi-memory leave it no other) */
    bool memory_exported;
    struct tvn_str memory_name; /* of the export */
    uint64_t memory_min_bytes;
    uint64_t memory_max_bytes;
};

/* One instance more or less keeps the ticker going. TVN_E_INSTANCE_LIMIT when no thread can be
 * made. */
TVN_NODISCARD enum tvn_status tvn_engine_attach(struct tvn_engine *engine);
void tvn_engine_detach(struct tvn_engine *engine);

/* COLD PATH. An engine whose code this one takes, for one thread and without a pool; NULL without
 * memory. */
TVN_NODISCARD wasm_engine_t *tvn_engine_for_helpers(const struct tvn_engine *engine);
void tvn_engine_drop_helpers(struct tvn_engine *engine);

/* COLD PATH. As wasmtime_module_serialize; on success the caller owns *out_code. */
TVN_NODISCARD wasmtime_error_t *tvn_core_serialize(const wasmtime_module_t *module,
                                                   struct tvn_code_bytes *out_code);
/* COLD PATH. Maps the code in a file that this process can trust: code.h. NULL when the engine has
 * no use for it. */
TVN_NODISCARD wasmtime_module_t *tvn_core_map_code(const struct tvn_engine *engine, int fd);

/* The store of an image that our headers keep opaque. */
static inline wasmtime_context_t *tvn_core_context(const struct tvn_instance *instance)
{
    return instance->context;
}

/* Text of an engine error, cut to `size`; frees the error. */
void tvn_core_error_text(wasmtime_error_t *error, char *text, size_t size);
/* Records what came back from running code and frees it. Returns the fault's code. */
TVN_COLD enum tvn_status tvn_core_fail(struct tvn_instance *instance, wasmtime_error_t *error,
                                       wasm_trap_t *trap);

/* SAFETY: our opaque images are read and written through memcpy; these are the sizes that they rely
 * on. */
static_assert(sizeof(struct tvn_core_func) == sizeof(wasmtime_func_t), "function image");
static_assert(sizeof(struct tvn_core_memory) == sizeof(wasmtime_memory_t), "memory image");
static_assert(sizeof(struct tvn_core_instance) == sizeof(wasmtime_instance_t), "instance image");
static_assert(sizeof(wasmtime_extern_union_t) == sizeof(((struct tvn_core_item *)0)->of),
              "item image");
static_assert(sizeof(union tvn_flat) == sizeof(wasmtime_val_raw_t), "slot size");
static_assert(alignof(union tvn_flat) == alignof(wasmtime_val_raw_t), "slot alignment");
static_assert(alignof(struct tvn_core_func) == alignof(wasmtime_func_t),
              "function image alignment");
