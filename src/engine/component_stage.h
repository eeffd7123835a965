/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A stage that is a WebAssembly component: the invoker implementation that the reactor calls.
 *
 * Life: create instantiates in a store of its own; the reactor calls entries one after another;
 * destroy gives back whatever buffers the guest still holds and deletes the store. After DEAD only
 * restart, which replaces the instance by a fresh one, and destroy are useful. Threads: the one
 * that runs the owning flow.
 */
#include "component/component.h"
#include "engine/runtime.h"
#include "resources/resources.h"
#include "types/flow_stats.h"
#include "types/intern.h"
#include "types/invoker.h"
#include "types/sandbox.h"
#include "types/trace_context.h"

#include <stdatomic.h>

struct tvn_blocking;
struct tvn_guard;

/*
 * Where a component's standard output (1) and standard error (2) go: whole lines, in order with
 * other output. Anything but TVN_OK closes the guest's stream.
 */
typedef enum tvn_status (*tvn_stage_write)(void *context, int stream, const char *bytes,
                                           size_t length);

struct tvn_component_stage_options {
    const char *name;    /* node */
    const char *flow_id; /* what flow-context.flow-id answers */
    enum tvn_role role;
    struct tvn_str config;             /* for lifecycle.init; copied */
    const struct tvn_sandbox *sandbox; /* outlives the stage */
    struct tvn_guard *guard;           /* every access to the outside; outlives the stage */
    /* A slot: holds the magazine of the thread that runs the flow now; outlives the stage, and is
     * filled whenever an entry is called and at destroy. */
    struct tvn_magazine *const *magazine;
    struct tvn_intern *intern; /* the flow's */
    struct tvn_stage_stats *stats;
    const struct tvn_str *ports;      /* of a router: names by number; outlive the stage */
    uint32_t port_count;              /* at most TVN_CALL_PORTS_MAX */
    struct tvn_budget *flow_budget;   /* of all buffers of the flow; outlives it; NULL: endless */
    tvn_owner owner;                  /* this stage's number in the flow, not 0 */
    const uint64_t *flow_deadline_ns; /* CLOCK_MONOTONIC, 0: none; may be NULL */
    const struct tvn_trace_ids
        *trace_ids;            /* of the flow's elements; outlives the stage; NULL: none */
    const _Atomic int *cancel; /* interrupts guest code at the next tick; may be NULL */
    int cancel_fd;             /* readable once cancelled; -1 */
    int stdin_fd;              /* -1 */
    const struct tvn_blocking *blocking; /* told about WASI calls that may block; may be NULL */
    tvn_stage_write write;
    void *write_context;
};

/*
 * COLD PATH. Instantiates and binds the role's exports; runtime and component outlive the stage.
 * E0212, E0311, E0401, E0411; E0200 when the component does not export the role's interface, or
 * exports it with another shape.
 */
TVN_NODISCARD enum tvn_status
tvn_component_stage_create(struct tvn_runtime *runtime, const struct tvn_component *component,
                           const struct tvn_component_stage_options *options,
                           struct tvn_diag_sink *sink, struct tvn_invoker **out_stage);

/* Linear memory of the stage now. */
uint64_t tvn_component_stage_memory_bytes(struct tvn_invoker *stage);
