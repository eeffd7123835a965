/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What tests of component stages share: a runtime, buffers, and the component that a stage runs. */
#include "base/file.h"
#include "component/limits.h"
#include "engine/component_stage.h"
#include "security/guard.h"

#include "tvn_test.h"

#define OWNER 1

static struct tvn_diag_sink *sink;
static struct tvn_runtime *runtime;
static struct tvn_resources *resources;
static struct tvn_magazine *magazine;
static struct tvn_component *component;
static struct tvn_file_bytes bytes;
static struct tvn_intern intern;
static struct tvn_sandbox sandbox;
static struct tvn_guard guard;
static struct tvn_stage_stats stats;
static struct tvn_trace_ids trace_ids;
static struct tvn_invoker *stage;

static inline int rig_create(void)
{
    sink = tvn_diag_sink_create();
    struct tvn_resources_options options;
    tvn_resources_options_default(&options);
    if (tvn_runtime_create(&(struct tvn_engine_options){0}, sink, &runtime) != TVN_OK ||
        tvn_resources_create(&options, &resources) != TVN_OK) {
        return -1;
    }
    tvn_test_keep_signal_handlers();
    magazine = tvn_magazine_create(resources);
    return 0;
}

static inline void rig_destroy(void)
{
    tvn_runtime_destroy(runtime);
    tvn_magazine_destroy(magazine);
    tvn_resources_destroy(resources);
    tvn_diag_sink_destroy(sink);
}

/* The component of the guest NAME of the folder GUEST_DIR, compiled. */
static inline void rig_load(const char *guest_dir, const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s.wasm", guest_dir, name);
    assert_status(tvn_file_read(path, TVN_COMPONENT_BYTES_MAX, &bytes), TVN_OK);
    assert_diag_status(tvn_component_decode(bytes.ptr, bytes.len, 0, sink, &component), TVN_OK,
                       sink);
    assert_diag_status(tvn_runtime_compile(runtime, component, sink), TVN_OK, sink);
}

static inline void rig_unload(void)
{
    tvn_component_destroy(component);
    component = NULL;
    tvn_file_bytes_deinit(&bytes);
}

static inline struct tvn_component_stage_options rig_options(enum tvn_role role, const char *config,
                                                             tvn_stage_write write)
{
    return (struct tvn_component_stage_options){
        .name = "guest",
        .flow_id = "main",
        .role = role,
        .config = tvn_str_of(config),
        .sandbox = &sandbox,
        .guard = &guard,
        .magazine = &magazine,
        .intern = &intern,
        .stats = &stats,
        .owner = OWNER,
        .trace_ids = &trace_ids,
        .cancel_fd = -1,
        .stdin_fd = -1,
        .write = write,
    };
}

static inline void rig_start(const struct tvn_component_stage_options *options)
{
    assert_diag_status(tvn_component_stage_create(runtime, component, options, sink, &stage),
                       TVN_OK, sink);
}
