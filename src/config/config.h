/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The typed configuration: what the layers defaults < user < project < environment < flags come to.
 * Every key is one row of config_keys.def; this file only holds the structs that the rows fill.
 *
 * Names carry the unit of the key. Durations may be written "500ms" as well, sizes are written
 * "64KiB".
 */
#include "base/compiler.h"
#include "base/diag.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum tvn_config_policy {
    TVN_CONFIG_POLICY_BLOCK,
    TVN_CONFIG_POLICY_DROP_OLDEST,
    TVN_CONFIG_POLICY_DROP_NEWEST,
    TVN_CONFIG_POLICY_ERROR,
    TVN_CONFIG_POLICY_RATE_LIMIT, /* max_elements_per_second > 0 */
};
const char *tvn_config_policy_name(enum tvn_config_policy policy); /* "drop-oldest" */

enum tvn_config_scheduling {
    TVN_CONFIG_SCHEDULING_DEMAND_DRIVEN,
    TVN_CONFIG_SCHEDULING_FIFO,
    TVN_CONFIG_SCHEDULING_WEIGHTED_FAIR,
};
enum tvn_config_exhaustion { TVN_CONFIG_EXHAUSTION_FALLBACK_ALLOC, TVN_CONFIG_EXHAUSTION_ERROR };
enum tvn_config_level {
    TVN_CONFIG_LEVEL_OFF,
    TVN_CONFIG_LEVEL_PRODUCTION,
    TVN_CONFIG_LEVEL_DIAGNOSTIC
};
enum tvn_config_exporter {
    TVN_CONFIG_EXPORTER_OTLP_GRPC,
    TVN_CONFIG_EXPORTER_OTLP_HTTP,
    TVN_CONFIG_EXPORTER_STDOUT,
    TVN_CONFIG_EXPORTER_FILE,
    TVN_CONFIG_EXPORTER_NONE,
};
enum tvn_config_default_capability { TVN_CONFIG_CAPABILITY_DENY_ALL };
enum tvn_config_audit_target {
    TVN_CONFIG_AUDIT_FILE,
    TVN_CONFIG_AUDIT_STDOUT,
    TVN_CONFIG_AUDIT_EVENT_SINK,
};

/* What an edge, a flow's [backpressure] and [runtime.backpressure] have in common. */
struct tvn_config_backpressure {
    uint64_t queue_depth; /* elements */
    uint64_t max_bytes;   /* of queued payload; 0: unbounded */
    enum tvn_config_policy policy;
    double low_watermark_ratio;       /* 0.0 … 1.0 */
    uint64_t max_elements_per_second; /* of policy rate-limit, else 0 */
    struct tvn_span queue_depth_span; /* file 0: a default */
    struct tvn_span max_bytes_span;
    struct tvn_span policy_span;
    struct tvn_span low_watermark_ratio_span;
    struct tvn_span max_elements_per_second_span;
};

struct tvn_config_runtime {
    uint64_t worker_threads;            /* never 0: the number of usable cores by default */
    uint64_t max_memory_per_component;  /* bytes */
    uint64_t fuel_per_invocation;       /* 0: not metered */
    uint64_t component_init_timeout_ms; /* 0: unbounded, as for the next two */
    uint64_t component_teardown_timeout_ms;
    uint64_t invocation_timeout_ms;
    uint64_t yield_elements;
    uint64_t yield_quantum_us;
    enum tvn_config_scheduling scheduling_policy;
    bool pin_workers;
    uint64_t max_blocking_threads;
    uint64_t cancel_grace_ms;
    uint64_t cancel_trap_ms;
    uint64_t drain_timeout_ms;
    uint64_t compile_cpu_seconds;
    uint64_t compile_memory; /* bytes */
    struct tvn_span max_memory_per_component_span;
};

struct tvn_config_pools {
    uint64_t small_pool_size;
    uint64_t medium_pool_size;
    uint64_t large_pool_size;
    uint64_t huge_pool_size;
    enum tvn_config_exhaustion exhaustion_policy;
    bool debug_poison;
    bool debug_integrity;
    uint64_t debug_fail_one_in; /* 0: none */
    uint64_t debug_seed;
};

enum tvn_config_otlp_protocol { TVN_CONFIG_OTLP_AUTO, TVN_CONFIG_OTLP_GRPC, TVN_CONFIG_OTLP_HTTP };
enum tvn_config_otlp_encoding { TVN_CONFIG_OTLP_PROTOBUF, TVN_CONFIG_OTLP_JSON };

struct tvn_config_observability {
    enum tvn_config_level level;
    bool tracing_enabled;
    enum tvn_config_exporter tracing_exporter;
    const char *tracing_endpoint; /* strings are never NULL; "" when unset */
    const char *tracing_file;
    double sample_rate; /* 0.0 … 1.0 */
    bool error_promote;
    uint64_t latency_promote_threshold_ms;
    bool metrics_enabled;
    bool prometheus_enabled;
    bool otlp_metrics_enabled;
    uint64_t otlp_metrics_interval_s;
    const char *otlp_metrics_endpoint;
    enum tvn_config_otlp_protocol otlp_metrics_protocol;
    enum tvn_config_otlp_encoding otlp_encoding;
    uint64_t ring_buffer_capacity;
    const char *inspection_listen;
    const char *inspection_token_file;
    struct tvn_span tracing_exporter_span;
    struct tvn_span tracing_file_span;
    struct tvn_span tracing_endpoint_span;
    struct tvn_span otlp_metrics_endpoint_span;
    struct tvn_span inspection_listen_span;
    struct tvn_span inspection_token_file_span;
};

struct tvn_config_security {
    enum tvn_config_default_capability default_capability_policy;
    bool audit_enabled;
    enum tvn_config_audit_target audit_target;
    const char *audit_file; /* "" : .torvyn/audit.jsonl in the project's directory */
    struct tvn_span audit_file_span;
};

struct tvn_config_registry {
    const char *default_url;
};

struct tvn_config {
    struct tvn_config_runtime runtime;
    struct tvn_config_backpressure backpressure; /* [runtime.backpressure] */
    struct tvn_config_pools pools;               /* [runtime.pools] */
    struct tvn_config_observability observability;
    struct tvn_config_security security;
    struct tvn_config_registry registry;
};

/* Where an effective value comes from. */
enum tvn_config_layer {
    TVN_CONFIG_LAYER_DEFAULT,
    TVN_CONFIG_LAYER_USER,        /* the user's config.toml */
    TVN_CONFIG_LAYER_PROJECT,     /* the manifest */
    TVN_CONFIG_LAYER_ENVIRONMENT, /* TORVYN_… */
    TVN_CONFIG_LAYER_FLAG,        /* --config */
};
struct tvn_config_origin {
    enum tvn_config_layer layer;
    struct tvn_span span; /* file 0: a default */
};
/* "default", "user", "project", "environment", "flag". */
const char *tvn_config_layer_name(enum tvn_config_layer layer);

/* Where the layers above the project manifest come from. A zeroed struct means: this process's own.
 */
struct tvn_config_options {
    const char *const *overrides; /* --config, each "KEY=VALUE" */
    size_t override_count;
    const char *const
        *environment;        /* "NAME=value", NULL-terminated; NULL: the process's environment */
    const char *user_config; /* file; NULL: $TORVYN_HOME/config.toml or the XDG place; "": none */
};

/* Built-in defaults alone; the strings are static. */
void tvn_config_defaults(struct tvn_config *out_config);
