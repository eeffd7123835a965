/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the module needs of the engine for core modules; implemented in component/wasmtime/, the
 * only place that knows the engine's own types.
 *
 * Failures of code that runs (traps, limits, deadlines) are recorded in the instance as its fault.
 */
#include "component/component_internal.h"
#include "component/host.h"

#include <stdatomic.h>

struct tvn_instance;
struct tvn_engine;

/* A core function, table, memory or global of a store: an opaque image of the engine's own item. */
struct tvn_core_item {
    enum tvn_core_extern_kind kind;
    union {
        struct tvn_core_func func;
        struct tvn_core_memory memory;
        uint64_t opaque[3];
    } of;
};

struct tvn_core_instance {
    uint64_t opaque[2];
};

/* ---- compiled modules ---- */

void tvn_core_code_destroy(struct tvn_core_code *code);

/* ---- the store of an instance ---- */

/* Makes instance->store and instance->context, with limits and the epoch callback. */
TVN_NODISCARD enum tvn_status tvn_core_store_create(struct tvn_instance *instance);
void tvn_core_store_delete(struct tvn_instance *instance);
/* No single memory may grow beyond `memory_bytes` from now on. */
void tvn_core_store_limit(struct tvn_instance *instance, uint64_t memory_bytes);
// HOT PATH.
void tvn_core_set_fuel(struct tvn_instance *instance, uint64_t fuel);
uint64_t tvn_core_get_fuel(const struct tvn_instance *instance);

/* ---- linking ---- */

/*
 * Instantiates a compiled module; `imports` in the order of the module's own imports. Runs its
 * start function. On failure the fault is recorded.
 */
TVN_NODISCARD enum tvn_status tvn_core_instantiate(struct tvn_instance *instance,
                                                   const struct tvn_core_code *code,
                                                   const struct tvn_core_item *imports,
                                                   size_t import_count,
                                                   struct tvn_core_instance *out_core);
/*
 * The engine limits each memory, an instance's cap is for all of its memories together. While it is
 * built, a memory that is not exported (its size cannot be read) holds the others to a small share;
 * afterwards this gives each the largest limit under which all together stay below the cap.
 */
void tvn_core_memory_settle(struct tvn_instance *instance);
bool tvn_core_export(const struct tvn_instance *instance, const struct tvn_core_instance *core,
                     struct tvn_str name, struct tvn_core_item *out_item);

/* A function type out of numbers alone; count ≤ TVN_CORE_SIGNATURE_MAX. */
#define TVN_CORE_SIGNATURE_MAX (TVN_TYPE_FLAT_MAX + 1)
struct tvn_core_signature {
    enum tvn_core_kind params[TVN_CORE_SIGNATURE_MAX];
    uint32_t param_count;
    enum tvn_core_kind results[TVN_CORE_SIGNATURE_MAX]; /* more than one: our own modules only */
    uint32_t result_count;
};
/* A core function that runs `callback` with `env`. */
void tvn_core_func_create(struct tvn_instance *instance, const struct tvn_core_signature *signature,
                          tvn_raw_func callback, void *env, struct tvn_core_func *out_func);
/* SAFETY: calls are unchecked, so a function's type is compared once before it is first called. */
bool tvn_core_func_has_signature(const struct tvn_instance *instance,
                                 const struct tvn_core_func *func,
                                 const struct tvn_core_signature *signature);

/* ---- memories ---- */

void tvn_core_memory_open(const struct tvn_instance *instance, const struct tvn_core_item *item,
                          struct tvn_guest_mem *out_mem);
uint64_t tvn_core_memory_bytes(const struct tvn_instance *instance,
                               const struct tvn_core_memory *memory);

/* ---- calls ---- */

// HOT PATH. `slots` holds max(parameters, results). On failure the fault is recorded and its code
// returned.
TVN_NODISCARD enum tvn_status tvn_core_call(struct tvn_instance *instance,
                                            const struct tvn_core_func *func, union tvn_flat *slots,
                                            size_t slot_count);
// COLD PATH. What a host function returns so that the guest traps. The text is for debuggers of the
// engine only.
TVN_COLD void *tvn_core_trap_signal(void);
/* The same as a call through a table's empty entry: no fault is recorded before. */
TVN_COLD void *tvn_core_trap_empty_slot(void);
