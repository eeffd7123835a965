/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Torvyn.toml (or a standalone pipeline.toml) as values with places. Nothing here looks at
 * components: whether a file exists, an edge names a node, or a capability is known is for linker
 * and security to say, with these spans.
 *
 * Inheritance is done: a node's limits and an edge's settings are the effective ones (edge, else
 * flow, else [runtime]). A span whose file is 0 means that the value was not written anywhere.
 *
 * Threads: immutable once loaded. Memory: one arena, freed by tvn_manifest_destroy; spans stay
 * valid as long as the sink. Limits: TVN_MANIFEST_* below, TVN_TOML_* for the text.
 */
#include "config/config.h"

#define TVN_MANIFEST_COMPONENTS_MAX 4096
#define TVN_MANIFEST_FLOWS_MAX      1024
#define TVN_MANIFEST_NODES_MAX      4096  /* per flow */
#define TVN_MANIFEST_EDGES_MAX      65536 /* per flow */
#define TVN_MANIFEST_NAME_MAX       128

/* [torvyn] */
struct tvn_manifest_project {
    const char *name; /* all strings: never NULL, "" when unset */
    const char *version;
    const char *contract_version;
    const char *description;
    const char *license;
    const char *repository;
    const char *const *authors;
    size_t author_count;
    struct tvn_span span; /* file 0: there is no [torvyn] */
    struct tvn_span name_span;
    struct tvn_span version_span;
    struct tvn_span contract_version_span;
};

/* One key of [capabilities.required] or [capabilities.optional]. */
struct tvn_manifest_capability {
    const char *name; /* as written: "wasi-filesystem-read" */
    bool required;
    bool wanted;          /* the value; false: explicitly not needed */
    struct tvn_span span; /* of the key */
};
struct tvn_manifest_capabilities {
    const struct tvn_manifest_capability *items; /* required, then optional, in file order */
    size_t count;
    uint64_t max_buffer_size; /* bytes */
    uint64_t max_memory;      /* bytes; 0: not stated */
    const char *buffer_pool_access;
    struct tvn_span span; /* of the table; file 0: none declared */
    struct tvn_span max_buffer_size_span;
    struct tvn_span max_memory_span;
};

/* [component], [[component]] */
struct tvn_manifest_component {
    const char *name;
    const char *version;
    const char
        *path; /* relative to the manifest's directory; "." by default for a single [component] */
    const char *language;
    const char *build_command;
    struct tvn_manifest_capabilities capabilities;
    struct tvn_span span;
    struct tvn_span name_span;
    struct tvn_span path_span;
};

enum tvn_manifest_on_error {
    TVN_MANIFEST_ON_ERROR_DEFAULT, /* by kind of error, as documented */
    TVN_MANIFEST_ON_ERROR_SKIP,
    TVN_MANIFEST_ON_ERROR_RETRY,
    TVN_MANIFEST_ON_ERROR_TERMINATE,
    TVN_MANIFEST_ON_ERROR_DEAD_LETTER,
};
enum tvn_manifest_merge {
    TVN_MANIFEST_MERGE_FIRST_AVAILABLE,
    TVN_MANIFEST_MERGE_ROUND_ROBIN,
    TVN_MANIFEST_MERGE_PRIORITY,
};

/* [flow.X.nodes.N] */
struct tvn_manifest_node {
    const char *name;
    const char *component; /* as written: bare name, path, file://, oci://, builtin: */
    const char *interface; /* "torvyn:streaming/processor"; "" only for builtin: */
    const char *config;    /* with NODE.key=value overrides merged in; "" when unset */
    enum tvn_manifest_on_error on_error;
    uint64_t max_retries;
    uint64_t retry_backoff_ms;
    enum tvn_manifest_merge merge;
    uint64_t fuel_per_invocation;   /* effective */
    uint64_t max_memory;            /* effective, bytes */
    uint64_t invocation_timeout_ms; /* effective */
    struct tvn_span span;           /* of the name in [flow.X.nodes.N] */
    struct tvn_span component_span;
    struct tvn_span interface_span;
    struct tvn_span config_span;
    struct tvn_span on_error_span;
    struct tvn_span merge_span;
    struct tvn_span fuel_per_invocation_span;
    struct tvn_span max_memory_span;
    struct tvn_span invocation_timeout_ms_span;
};

struct tvn_manifest_endpoint {
    const char *node;
    const char *port;
    struct tvn_span span; /* of the inline table */
    struct tvn_span node_span;
    struct tvn_span port_span;
};

/* [[flow.X.edges]] */
struct tvn_manifest_edge {
    struct tvn_manifest_endpoint from;
    struct tvn_manifest_endpoint to;
    struct tvn_config_backpressure backpressure; /* effective */
    struct tvn_span span;
};

enum tvn_manifest_priority {
    TVN_MANIFEST_PRIORITY_CRITICAL,
    TVN_MANIFEST_PRIORITY_NORMAL,
    TVN_MANIFEST_PRIORITY_BACKGROUND,
};
enum tvn_manifest_fan_out { TVN_MANIFEST_FAN_OUT_MIN_DEMAND, TVN_MANIFEST_FAN_OUT_INDEPENDENT };
enum tvn_manifest_dead_letter {
    TVN_MANIFEST_DEAD_LETTER_TEXT,
    TVN_MANIFEST_DEAD_LETTER_BASE64,
    TVN_MANIFEST_DEAD_LETTER_OMIT,
};

/* [flow.X] */
struct tvn_manifest_flow {
    const char *name;
    const char *description;
    enum tvn_manifest_priority priority;
    uint64_t deadline_ms;       /* 0: none */
    uint64_t max_buffer_memory; /* bytes; 0: endless */
    enum tvn_manifest_fan_out fan_out;
    const char *dead_letter_file; /* relative to the manifest's directory */
    enum tvn_manifest_dead_letter dead_letter_payload;
    uint64_t dead_letter_max_size;
    struct tvn_config_backpressure backpressure; /* effective, for edges that the runtime adds */
    const struct tvn_manifest_node *nodes;       /* file order, as are edges */
    size_t node_count;
    const struct tvn_manifest_edge *edges;
    size_t edge_count;
    struct tvn_span span; /* of the name in [flow.X] */
    struct tvn_span deadline_ms_span;
    struct tvn_span fan_out_span;
    struct tvn_span dead_letter_file_span;
};

/* [security.grants.X] */
struct tvn_manifest_grant_item {
    const char *text; /* "wasi:filesystem/read:/data/input" */
    struct tvn_span span;
};
struct tvn_manifest_grants {
    const char *component; /* component name, node name or "flow/node" */
    const struct tvn_manifest_grant_item *capabilities;
    size_t capability_count;
    struct tvn_span span; /* of the name */
};

struct tvn_arena;

struct tvn_manifest {
    struct tvn_arena *arena;
    const char *path;      /* as given */
    const char *directory; /* what relative paths in the manifest are relative to */
    uint32_t file;         /* the manifest's text in the sink */
    struct tvn_manifest_project project;
    struct tvn_manifest_capabilities
        capabilities; /* at the top; also in the entry when there is one component */
    const struct tvn_manifest_component *components;
    size_t component_count;
    const struct tvn_manifest_flow *flows; /* file order; none is possible */
    size_t flow_count;
    /* What --config gave the only component of a manifest without flows, as its node's config; "".
     */
    const char *implicit_config;
    const struct tvn_manifest_grants *grants;
    size_t grant_count;
    struct tvn_config config;
    const struct tvn_config_origin *origins; /* of config: by tvn_config_key_index */
};

#define TVN_MANIFEST_DEFAULT_PATH "Torvyn.toml"

/*
 * COLD PATH. Reads, layers, interpolates and validates; reports every problem that it finds. path
 * NULL means TVN_MANIFEST_DEFAULT_PATH, options NULL all defaults. Keys of overrides: runtime.…,
 * observability.…, security.…, registry.…, flow.X.…, else NODE.key (merged into the JSON config of
 * every node of that name; without flows, the only component). E0001 missing file, E0002 syntax,
 * E0700 type, E0701 unknown key, E0702 range or missing key, E0004, E0011.
 */
TVN_NODISCARD enum tvn_status tvn_manifest_load(const char *path,
                                                const struct tvn_config_options *options,
                                                struct tvn_diag_sink *sink,
                                                struct tvn_manifest **out_manifest);
/* The same from text that is called `path` in diagnostics. */
TVN_NODISCARD enum tvn_status tvn_manifest_parse(const char *path, struct tvn_str text,
                                                 const struct tvn_config_options *options,
                                                 struct tvn_diag_sink *sink,
                                                 struct tvn_manifest **out_manifest);
/*
 * An empty manifest (no components, no flows) with the configuration of user, environment and
 * flags: for commands that work without a project.
 */
TVN_NODISCARD enum tvn_status tvn_manifest_without_project(const struct tvn_config_options *options,
                                                           struct tvn_diag_sink *sink,
                                                           struct tvn_manifest **out_manifest);
void tvn_manifest_destroy(struct tvn_manifest *manifest);
TVN_DEFINE_CLEANUP(tvn_manifest, tvn_manifest_destroy)

/* NULL when there is none of that name. */
const struct tvn_manifest_flow *tvn_manifest_find_flow(const struct tvn_manifest *manifest,
                                                       const char *name);
const struct tvn_manifest_component *
tvn_manifest_find_component(const struct tvn_manifest *manifest, const char *name);
const struct tvn_manifest_node *tvn_manifest_find_node(const struct tvn_manifest_flow *flow,
                                                       const char *name);
