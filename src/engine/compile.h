/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * From a decoded component to one that can be instantiated: code from the cache where there is
 * some, else compiled in a child process that is bounded in time and memory, and then kept.
 *
 * Threads: the runtime's.
 */
#include "base/diag.h"
#include "engine/code_cache.h"

struct tvn_component;
struct tvn_engine;

struct tvn_compile_progress {
    const char *file;       /* of the component, as its diagnostics call it */
    uint64_t wasm_bytes;    /* that are not in the cache */
    uint64_t elapsed_ns;    /* since compiling began */
    uint32_t modules_done;  /* of those that are not in the cache */
    uint32_t modules_total; /* likewise */
};

struct tvn_compile_options {
    /*
     * The program whose main is as compiler.h says. NULL: compile in this process, without limits,
     * which is for components that the embedding program trusts. If it cannot be started then
     * nothing is compiled (E0004).
     */
    const char *program;
    uint32_t cpu_seconds_max;  /* 0: TVN_COMPILE_CPU_SECONDS_DEFAULT, of one component */
    uint64_t memory_bytes_max; /* 0: TVN_COMPILE_MEMORY_BYTES_DEFAULT */
    /* Called when compiling begins and then about once a second; optional. */
    void (*progress)(void *context, const struct tvn_compile_progress *progress);
    void *progress_context;
};

/*
 * COLD PATH. `cache` may be NULL. Does nothing for a component that is compiled. E0213, E0211,
 * E0004, E0011 (compile_child.h).
 */
TVN_NODISCARD enum tvn_status tvn_compile_component(struct tvn_component *component,
                                                    struct tvn_engine *engine,
                                                    struct tvn_code_cache *cache,
                                                    const struct tvn_compile_options *options,
                                                    struct tvn_diag_sink *sink);
