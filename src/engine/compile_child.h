/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Compiles core modules in a child process that is bounded in processor time and memory.
 *
 * There is no size below which compiling in this process would be harmless: a third of a megabyte
 * can take a minute and gigabytes, 32 KB of the same kind 0.3 s and 50 MB, and no count of
 * instructions tells beforehand. So every module that is not in the code cache goes to the child;
 * starting it costs about 3 ms, once.
 *
 * Threads: any; the caller waits, nobody else does. Memory: the answers, one at a time.
 */
#include "base/diag.h"
#include "base/str.h"

#include <stdint.h>

#define TVN_COMPILE_CPU_SECONDS_DEFAULT  30
#define TVN_COMPILE_MEMORY_BYTES_DEFAULT ((uint64_t)512 << 20)
/* A child that is killed though it computes little: the machine is overloaded, or it hangs. */
#define TVN_COMPILE_WALL_SECONDS_PER_CPU_SECOND 20

struct tvn_compile_module {
    struct tvn_str wasm;
    uint32_t number; /* of the component, for diagnostics */
    struct tvn_span at;
};

struct tvn_compile_child_options {
    const char *program;       /* a path; its main is as compiler.h says */
    bool fuel;                 /* as the engine that will run the code */
    uint32_t cpu_seconds_max;  /* 0: the default */
    uint64_t memory_bytes_max; /* 0: the default; beyond what the program has at its start */
    const struct tvn_compile_module *modules;
    uint32_t module_count;
    /* Called for each module in order; what it returns but TVN_OK ends everything. */
    enum tvn_status (*take)(void *context, uint32_t index, struct tvn_str code,
                            struct tvn_diag_sink *sink);
    /* Called about once a second; optional. `index`: what is being compiled. */
    void (*progress)(void *context, uint32_t index, uint64_t elapsed_ns);
    void *context;
};

/*
 * COLD PATH. E0213 when the limits do not suffice, E0211 with the engine's message for a bad
 * module, E0004 when the child cannot be started (nothing is compiled then: fail closed), E0011,
 * E0099.
 */
TVN_NODISCARD enum tvn_status tvn_compile_child_run(const struct tvn_compile_child_options *options,
                                                    struct tvn_diag_sink *sink);
