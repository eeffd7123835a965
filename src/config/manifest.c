/* SPDX-License-Identifier: Apache-2.0 */
#include "config/manifest.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/file.h"
#include "base/mem.h"
#include "config/load_internal.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

#define MANIFEST_ARENA_MAX ((size_t)512 << 20)

const char *tvn_config_policy_name(enum tvn_config_policy policy)
{
    static const char *const names[] = {"block", "drop-oldest", "drop-newest", "error",
                                        "rate-limit"};
    tvn_assert((size_t)policy < TVN_ARRAY_LEN(names));
    return names[policy];
}

static uint64_t usable_cores(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0) {
        return (uint64_t)CPU_COUNT(&set);
    }
    long online = sysconf(_SC_NPROCESSORS_ONLN); /* more cores than the set can hold */
    return online > 0 ? (uint64_t)online : 1;
}

static void set_config_defaults(struct config_load *load, struct tvn_config *config)
{
    for (unsigned i = 0; i < TVN_SECTION_COUNT; i++) {
        enum tvn_config_section section = (enum tvn_config_section)i;
        if (tvn_config_section_is_layered(section)) {
            void *out = config_layered_struct(config, section);
            config_set_defaults(load, section, out);
            config_fill_strings(section, out);
        }
    }
}

void tvn_config_defaults(struct tvn_config *out_config)
{
    tvn_assert(out_config);
    *out_config = (struct tvn_config){0};
    struct config_load load = {
        0}; /* a default never needs the sink: tests/unit/config checks them all */
    set_config_defaults(&load, out_config);
    out_config->runtime.worker_threads = usable_cores();
}

#define INHERIT(to, from, field)                       \
    do {                                               \
        if ((to)->field##_span.file == 0) {            \
            (to)->field = (from)->field;               \
            (to)->field##_span = (from)->field##_span; \
        }                                              \
    } while (0)

static void inherit_backpressure(struct tvn_config_backpressure *to,
                                 const struct tvn_config_backpressure *from)
{
    INHERIT(to, from, queue_depth);
    INHERIT(to, from, max_bytes);
    INHERIT(to, from, policy);
    INHERIT(to, from, low_watermark_ratio);
    INHERIT(to, from, max_elements_per_second);
}

static void check_rate_limit(struct config_load *load,
                             const struct tvn_config_backpressure *settings, struct tvn_span *last)
{
    struct tvn_span at = settings->policy_span;
    if (load->unknown_keys || settings->policy != TVN_CONFIG_POLICY_RATE_LIMIT ||
        settings->max_elements_per_second > 0 ||
        (at.file == last->file && at.offset == last->offset)) {
        return;
    }
    *last = at; /* inherited by many edges, reported once */
    config_error(load, TVN_E_CONSTRAINT_VIOLATION, at,
                 "the policy \"rate-limit\" needs 'max_elements_per_second'");
    tvn_diag_help(load->sink, "add max_elements_per_second = 1000 (or another rate) beside it");
}

/* A limit that an edge asks for and does not get must not go unseen. */
static void check_own_rate(struct config_load *load, const struct tvn_config_backpressure *settings,
                           struct tvn_span own)
{
    if (load->unknown_keys || own.file == 0 || settings->policy == TVN_CONFIG_POLICY_RATE_LIMIT) {
        return;
    }
    config_error(load, TVN_E_CONSTRAINT_VIOLATION, own,
                 "'max_elements_per_second' limits nothing here: the edge's policy is another one");
    tvn_diag_help(load->sink, "add policy = \"rate-limit\" beside it, or remove it");
}

static void inherit_into_node(const struct tvn_config_runtime *runtime,
                              struct tvn_manifest_node *node)
{
    if (node->fuel_per_invocation_span.file == 0) {
        node->fuel_per_invocation = runtime->fuel_per_invocation;
    }
    if (node->invocation_timeout_ms_span.file == 0) {
        node->invocation_timeout_ms = runtime->invocation_timeout_ms;
    }
    if (node->max_memory_span.file == 0) {
        node->max_memory = runtime->max_memory_per_component;
        node->max_memory_span = runtime->max_memory_per_component_span;
    }
}

static void inherit(struct config_load *load)
{
    struct tvn_manifest *manifest = load->manifest;
    struct tvn_span last = TVN_SPAN_NONE;
    if (manifest->config.runtime.worker_threads == 0) {
        manifest->config.runtime.worker_threads = usable_cores();
    }
    for (size_t i = 0; i < manifest->flow_count; i++) {
        struct tvn_manifest_flow *flow = &load->flows[i];
        inherit_backpressure(&flow->backpressure, &manifest->config.backpressure);
        check_rate_limit(load, &flow->backpressure, &last);
        /* The arrays are ours until loading ends. */
        struct tvn_manifest_node *nodes = (struct tvn_manifest_node *)(uintptr_t)flow->nodes;
        struct tvn_manifest_edge *edges = (struct tvn_manifest_edge *)(uintptr_t)flow->edges;
        for (size_t j = 0; j < flow->node_count; j++) {
            inherit_into_node(&manifest->config.runtime, &nodes[j]);
        }
        for (size_t j = 0; j < flow->edge_count; j++) {
            struct tvn_span own_rate = edges[j].backpressure.max_elements_per_second_span;
            inherit_backpressure(&edges[j].backpressure, &flow->backpressure);
            check_own_rate(load, &edges[j].backpressure, own_rate);
            check_rate_limit(load, &edges[j].backpressure, &last);
        }
    }
}

/* Everything but reading the manifest's file. `text` NULL: there is no manifest. */
static void load_layers(struct config_load *load, const struct tvn_str *text,
                        const struct tvn_config_options *options)
{
    struct tvn_manifest *manifest = load->manifest;
    load->layer = TVN_CONFIG_LAYER_DEFAULT;
    set_config_defaults(load, &manifest->config);
    load->layer = TVN_CONFIG_LAYER_USER;
    config_apply_user_file(load, options->user_config);
    load->layer = TVN_CONFIG_LAYER_PROJECT;
    if (text) {
        manifest->file = tvn_diag_add_source(load->sink, manifest->path, *text);
        if (manifest->file == 0) {
            config_no_memory(load);
            return;
        }
        const struct tvn_toml_table *root = NULL;
        enum tvn_status status =
            tvn_toml_parse(load->arena, manifest->file, *text, load->sink, &root);
        if (status != TVN_OK) {
            config_failed(load, status);
            return; /* without the tables every override would be unknown */
        }
        config_decode_manifest(load, root);
    } else {
        config_fill_strings(TVN_SECTION_TORVYN, &manifest->project);
        config_fill_strings(TVN_SECTION_CAPABILITIES_TORVYN, &manifest->capabilities);
    }
    load->layer = TVN_CONFIG_LAYER_ENVIRONMENT;
    config_apply_environment(load);
    load->layer = TVN_CONFIG_LAYER_FLAG;
    config_apply_overrides(load, options->overrides, options->override_count);
    inherit(load);
}

static enum tvn_status load_text(const char *path, const struct tvn_str *text,
                                 const struct tvn_config_options *options,
                                 struct tvn_diag_sink *sink, struct tvn_manifest **out_manifest)
{
    static const struct tvn_config_options defaults = {0};
    options = options ? options : &defaults;
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(MANIFEST_ARENA_MAX);
    struct config_load load = {
        .arena = arena,
        .sink = sink,
        .environment = options->environment ? options->environment : (const char *const *)environ,
    };
    TVN_AUTO_FREE char *directory = tvn_path_dirname(path);
    struct tvn_manifest *manifest = arena ? TVN_ARENA_NEW(arena, struct tvn_manifest) : NULL;
    if (manifest && directory) {
        manifest->path = tvn_arena_strndup(arena, path, strlen(path));
        manifest->directory = tvn_arena_strndup(arena, directory, strlen(directory));
        manifest->implicit_config = "";
    }
    load.origins =
        arena ? TVN_ARENA_ARRAY(arena, struct tvn_config_origin, tvn_config_key_count()) : NULL;
    if (!manifest || !manifest->path || !manifest->directory || !load.origins) {
        config_no_memory(&load);
        return load.status;
    }
    load.manifest = manifest;
    manifest->origins = load.origins;
    load_layers(&load, text, options);
    if (load.status == TVN_OK) {
        manifest->arena = TVN_TAKE(arena);
        *out_manifest = manifest;
    }
    return load.status;
}

enum tvn_status tvn_manifest_parse(const char *path, struct tvn_str text,
                                   const struct tvn_config_options *options,
                                   struct tvn_diag_sink *sink, struct tvn_manifest **out_manifest)
{
    tvn_assert(path);
    tvn_assert(sink);
    tvn_assert(out_manifest);
    return load_text(path, &text, options, sink, out_manifest);
}

enum tvn_status tvn_manifest_without_project(const struct tvn_config_options *options,
                                             struct tvn_diag_sink *sink,
                                             struct tvn_manifest **out_manifest)
{
    tvn_assert(sink);
    tvn_assert(out_manifest);
    return load_text(TVN_MANIFEST_DEFAULT_PATH, NULL, options, sink, out_manifest);
}

static enum tvn_status read_failed(const char *path, enum tvn_status status,
                                   struct tvn_diag_sink *sink)
{
    int error = errno;
    if (status == TVN_NOT_FOUND) {
        return tvn_diag_error(sink, TVN_E_MANIFEST_NOT_FOUND, TVN_SPAN_NONE,
                              "manifest '%s' not found", path);
    }
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    if (!arena) {
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                              "out of memory while reading the manifest");
    }
    struct config_load load = {.arena = arena, .sink = sink};
    errno = error;
    config_read_failed(&load, path, status);
    return load.status;
}

enum tvn_status tvn_manifest_load(const char *path, const struct tvn_config_options *options,
                                  struct tvn_diag_sink *sink, struct tvn_manifest **out_manifest)
{
    tvn_assert(sink);
    tvn_assert(out_manifest);
    path = path ? path : TVN_MANIFEST_DEFAULT_PATH;
    TVN_AUTO_VALUE(tvn_file_bytes) bytes = {0};
    enum tvn_status status = tvn_file_read(path, TVN_TOML_SIZE_MAX, &bytes);
    if (status != TVN_OK) {
        return read_failed(path, status, sink);
    }
    return tvn_manifest_parse(path, (struct tvn_str){(const char *)bytes.ptr, bytes.len}, options,
                              sink, out_manifest);
}

void tvn_manifest_destroy(struct tvn_manifest *manifest)
{
    if (manifest) {
        tvn_arena_destroy(manifest->arena); /* the manifest itself lives in it */
    }
}

const struct tvn_manifest_flow *tvn_manifest_find_flow(const struct tvn_manifest *manifest,
                                                       const char *name)
{
    for (size_t i = 0; i < manifest->flow_count; i++) {
        if (strcmp(manifest->flows[i].name, name) == 0) {
            return &manifest->flows[i];
        }
    }
    return NULL;
}

const struct tvn_manifest_component *
tvn_manifest_find_component(const struct tvn_manifest *manifest, const char *name)
{
    for (size_t i = 0; i < manifest->component_count; i++) {
        if (strcmp(manifest->components[i].name, name) == 0) {
            return &manifest->components[i];
        }
    }
    return NULL;
}

const struct tvn_manifest_node *tvn_manifest_find_node(const struct tvn_manifest_flow *flow,
                                                       const char *name)
{
    for (size_t i = 0; i < flow->node_count; i++) {
        if (strcmp(flow->nodes[i].name, name) == 0) {
            return &flow->nodes[i];
        }
    }
    return NULL;
}
