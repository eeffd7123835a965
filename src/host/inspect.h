/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a component, or WIT text, says about itself. Decodes only: nothing is compiled or run.
 *
 * Memory: one arena; everything lives until tvn_inspection_destroy. Strings come from the file and
 * may hold control characters. Limits: TVN_COMPONENT_BYTES_MAX, TVN_INSPECTION_PRODUCERS_MAX,
 * TVN_INSPECTION_ROWS_MAX, those of WIT sets.
 */
#include "base/diag.h"

#define TVN_INSPECTION_PRODUCERS_MAX  256
#define TVN_INSPECTION_ROWS_MAX       4096 /* capabilities, contracts */
#define TVN_INSPECTION_BENCHMARKS_MAX 64

struct tvn_inspection_item {
    const char *kind; /* "interface", "func", "type" */
    const char *name;
};
/* From the "producers" section: field "processed-by", name "clang", version "19.1.7". */
struct tvn_inspection_producer {
    const char *field;
    const char *name;
    const char *version; /* may be "" */
};
/* What importing an interface asks for. */
struct tvn_inspection_capability {
    const char *key;   /* "wasi-clocks": what the manifest declares */
    const char *grant; /* "wasi:clocks" */
    const char *import;
    const char *world; /* of WIT text; NULL: the component's */
};
/* An interface with a package that the component or world imports or exports. */
struct tvn_inspection_contract {
    bool exported;
    const char *interface; /* "torvyn:streaming/sink@0.1.0" */
    const char *role;      /* "sink"; NULL: no processing interface, or imported */
    const char *world;     /* as above */
};
/* A report of `torvyn bench` in .torvyn/bench of the working directory. */
struct tvn_inspection_benchmark {
    const char *name;
    double throughput_eps;
    double latency_p50_us;
    double latency_p99_us;
};
struct tvn_inspection_module {
    uint32_t offset; /* in the file */
    uint32_t length;
};

struct tvn_arena;

struct tvn_inspection {
    struct tvn_arena *arena;
    const char *path;
    bool is_wit;      /* of WIT text modules, imports, exports and producers stay empty */
    const char *name; /* of the component; NULL when it has none */
    const char *wit;  /* the world, then the interfaces that it names; of WIT text the packages */
    size_t file_bytes;
    size_t module_bytes; /* of all core modules */
    const struct tvn_inspection_module *modules;
    size_t module_count;
    const struct tvn_inspection_item *imports;
    size_t import_count;
    const struct tvn_inspection_item *exports;
    size_t export_count;
    const struct tvn_inspection_producer *producers;
    size_t producer_count;
    const struct tvn_inspection_capability *capabilities;
    size_t capability_count;
    const struct tvn_inspection_contract *contracts;
    size_t contract_count;
    const char *built_for; /* the version section that `torvyn build` wrote; NULL: none */
    const struct tvn_inspection_benchmark *benchmarks;
    size_t benchmark_count;
};

// COLD PATH. A folder or a .wit file is WIT text. E0210 missing file, E0211 no component (with the
// byte offset), E0213, E0100 and E0101 for WIT, E0004, E0011.
TVN_NODISCARD enum tvn_status tvn_host_inspect_file(const char *path, struct tvn_diag_sink *sink,
                                                    struct tvn_inspection **out_inspection);
void tvn_inspection_destroy(struct tvn_inspection *inspection);
TVN_DEFINE_CLEANUP(tvn_inspection, tvn_inspection_destroy)
