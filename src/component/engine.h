/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The process's one WebAssembly engine and its epoch ticker. Implemented in component/wasmtime/.
 *
 * Threads: the object may be shared; creation and destruction from one thread. The ticker thread
 * runs while at least one instance exists and bumps the epoch every TVN_EPOCH_TICK_NS.
 */
#include "base/diag.h"

#include <stdint.h>

#define TVN_EPOCH_TICK_NS 1000000u

struct tvn_engine;

struct tvn_engine_options {
    bool fuel; /* meter fuel in all code: about a third slower in byte loops */
    /*
     * Several memories in one core module. For scripts of the public test suites only: what
     * instances may use is counted by the first memory of each module.
     */
    bool multi_memory;
    uint32_t instances; /* component instances to have room for; 0: allocate on demand, no pool */
    uint32_t core_instances;   /* per process, 0: derived from `instances` */
    uint32_t memories;         /* likewise */
    uint32_t tables;           /* likewise */
    uint64_t max_memory_bytes; /* largest linear memory; bounds a pool slot */
};

// COLD PATH. E0311 when the address space or vm.max_map_count cannot hold the pool.
TVN_NODISCARD enum tvn_status tvn_engine_create(const struct tvn_engine_options *options,
                                                struct tvn_diag_sink *sink,
                                                struct tvn_engine **out_engine);
void tvn_engine_destroy(struct tvn_engine *engine);
TVN_DEFINE_CLEANUP(tvn_engine, tvn_engine_destroy)
