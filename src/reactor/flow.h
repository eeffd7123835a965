/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A flow: stages, the queues between them, and the rules by which elements move. Deterministic: it
 * sees the world only through tvn_env and its invokers, so that a simulator runs the real thing.
 *
 * Life: create (Instantiated) → start (init of every stage; Running) → run, again and again → DONE
 * (Completed or Failed, every stage torn down) → destroy.
 *
 * Order: consumer-first over vectors (see tvn_schedule). A source is pulled in a row until its
 * credits or the quantum's elements are used, a pull had to wait, or the quantum's time is over;
 * then consumers drain. A turn that ran out of time goes on with the next stage, so that no stage
 * starves behind a slow one.
 *
 * Elements: the runtime gives each its sequence (from 0, over all sources) and timestamp (wall
 * clock at the pull, never going back; up to TVN_FLOW_SOURCE_STRIDE elements share one reading). A
 * processor's output keeps sequence, trace and flags of its input, and its timestamp unless the
 * component set another than 0; so does an aggregator's, and what it flushes counts on from the
 * last element it took in. A stage may hand on its input's payload by naming the same buffer in its
 * output; else the reactor releases the input's payload. A payload of 0 means none.
 *
 * Graphs: any without a cycle. An element that goes to several edges becomes one record each, which
 * share its payload; the last one that is done releases it. A stage is called when every output
 * that blocks has room, so a router or a fan-out goes at the pace of the slowest of these. From
 * several inputs elements come by the stage's merge policy. A router's ports are bits; a port that
 * no edge has is E0204, an `internal` error of the router. An aggregator is flushed when all its
 * inputs have ended and are empty. At the end pulled + forked + flushed = delivered + dropped +
 * failed + absorbed (flow_stats.h). A source is told to pause when any output that blocks is
 * throttled (or all, if none blocks), and ready when that is over.
 *
 * Errors of a stage: see tvn_on_error. When a stage ends the flow, sources stop, what waits before
 * it is discarded (failed), and so is what only reaches such stages; all else is still delivered,
 * sinks complete, then Failed. A source that fails again and again is asked in growing intervals.
 *
 * Pause: while its pause flag is set a flow that is Running becomes Suspended with its next turn:
 * queues hold what they have, sources are not pulled, no stage is called; only what stages hold
 * back is passed on (tvn_invoker_ops.idle). When the flag is cleared it is Running again. The
 * deadline goes on: once it is over, and when the flow is told to drain or to cancel or fails, it
 * ends as if it were not paused. A flow whose sources have ended is Draining, and cannot be paused
 * any more.
 *
 * Threads: one at a time; only the stop and pause flags may be set from elsewhere (then wake the
 * driver).
 * Memory: create allocates everything; run never does.
 * Limits: TVN_FLOW_STAGES_MAX stages, TVN_FLOW_EDGES_MAX edges, TVN_CALL_PORTS_MAX ports of a
 * router.
 */
#include "base/compiler.h"
#include "base/status.h"
#include "reactor/queue.h"
#include "types/event_sink.h"
#include "types/flow_state.h"
#include "types/flow_stats.h"
#include "types/invoker.h"

#include <stdbool.h>
#include <stdint.h>

#define TVN_FLOW_STAGES_MAX    256
#define TVN_FLOW_EDGES_MAX     1024
#define TVN_FLOW_TRAPS_MAX     1024
#define TVN_FLOW_WAIT_FDS_MAX  16
#define TVN_FLOW_SOURCE_STRIDE 8 /* elements between two readings of the clock, at most */
#define TVN_FLOW_STRIDE        32

/* Back-off of a sink that paused, of a stage that waits without descriptor, of a source that fails.
 */
#define TVN_FLOW_BACKOFF_MIN_NS       UINT64_C(100000)
#define TVN_FLOW_BACKOFF_MAX_NS       UINT64_C(10000000)
#define TVN_FLOW_RETRY_BACKOFF_MAX_NS UINT64_C(10000000000) /* and of restarts */
#define TVN_FLOW_TEARDOWN_WAIT_NS                                                              \
    UINT64_C(2000000000)                            /* for stages that answer WAIT to TEARDOWN \
                                                     */
#define TVN_FLOW_CANCEL_WAIT_NS UINT64_C(200000000) /* the same after TVN_STOP_CANCEL */
#define TVN_FLOW_IDLE_EVERY_NS \
    UINT64_C(50000000) /* tvn_invoker_ops.idle of a flow that never idles */

struct tvn_magazine;
struct tvn_flow;
struct tvn_flow_failure;

/* The world. */
struct tvn_env {
    void *context;
    uint64_t (*now_ns)(void *context);  /* monotonic */
    uint64_t (*wall_ns)(void *context); /* since the Unix epoch */
};

/*
 * What a process-error or the death of an instance (trap, timeout) means. SKIP: the element is
 * counted as failed and the next one follows. RETRY: the call is repeated after a growing back-off
 * and the flow ends when max_retries are used. TERMINATE: the flow ends. DEAD_LETTER: as SKIP, and
 * the element is handed over before. DEFAULT: invalid-input, internal, deadline-exceeded skip;
 * unavailable retries; a death terminates. `fatal` always ends the flow (E0410).
 *
 * Where a death does not end the flow the instance is replaced after a back-off (invoker.h,
 * restart), and nothing of the stage is called until that has succeeded. The flow ends with the
 * code of the last death when there were circuit_traps within circuit_window_ns, when as many
 * restarts failed in a row, when the invoker cannot restart, or when it was cancelled.
 */
enum tvn_on_error {
    TVN_ON_ERROR_DEFAULT,
    TVN_ON_ERROR_SKIP,
    TVN_ON_ERROR_RETRY,
    TVN_ON_ERROR_TERMINATE,
    TVN_ON_ERROR_DEAD_LETTER,
};

/* From which of several inputs a stage takes its next element; one that is empty is passed over. */
enum tvn_merge {
    TVN_MERGE_FIRST_AVAILABLE, /* one input until it is empty or the vector is over, then the next
                                */
    TVN_MERGE_ROUND_ROBIN,     /* one element of each in turn */
    TVN_MERGE_PRIORITY,        /* the first in the order of the edges that has one */
};

/* What a stage with several outputs asks for before it is called. */
enum tvn_fan_out {
    TVN_FAN_OUT_MIN_DEMAND,  /* room behind every edge that blocks */
    TVN_FAN_OUT_INDEPENDENT, /* nothing: all its edges must drop */
};

/* In which order the stages of a flow get their vectors. */
enum tvn_schedule {
    TVN_SCHEDULE_CONSUMER_FIRST,
    TVN_SCHEDULE_FIFO, /* in the order in which an element passes them */
};

struct tvn_stage_options {
    struct tvn_invoker *invoker; /* borrowed; outlives the flow */
    struct tvn_stage_stats
        *stats; /* borrowed; outlives the flow; the invoker may count copies there */
    enum tvn_on_error on_error;
    uint32_t max_retries;
    uint64_t retry_backoff_ns; /* doubles with each retry */
    enum tvn_merge merge;
    uint64_t restart_backoff_ns; /* doubles with each trap within circuit_window_ns */
    uint32_t circuit_traps; /* so many within the window end the flow; 1 to TVN_FLOW_TRAPS_MAX */
    uint64_t circuit_window_ns;
};
/* DEFAULT, 3 retries, 100 ms; first-available; restart after 1 ms, 5 traps within 1 s. */
void tvn_stage_options_default(struct tvn_stage_options *options);

struct tvn_edge_options {
    uint32_t from; /* indices of stages */
    uint32_t to;
    uint32_t queue_depth;
    enum tvn_overflow_policy policy;
    double low_watermark_ratio;
    struct tvn_stream_stats *stats; /* borrowed; outlives the flow */
    uint32_t port;                  /* of a router, below TVN_CALL_PORTS_MAX; else 0 */
    /*
     * Payload in the queue; 0: no limit. An element that does not fit meets a full queue; into an
     * empty queue everything fits. Under BLOCK it waits beside the queue, one element at most.
     */
    uint64_t max_bytes;
    uint64_t max_elements_per_second; /* of RATE_LIMIT, at least 1; else 0 */
    uint32_t burst; /* of RATE_LIMIT: elements at once; 0: what 10 ms bring, at least 1 */
};
/* Depth 64, block, 0.5, no limits. */
void tvn_edge_options_default(struct tvn_edge_options *options);

struct tvn_flow_options {
    struct tvn_env env;
    /*
     * Where payloads are released to: a slot, because a flow may move between threads. Whoever runs
     * the flow stores its thread's magazine there before. NULL when no element has a payload.
     */
    struct tvn_magazine *const *magazine;
    const struct tvn_stage_options *stages;
    uint32_t stage_count;
    const struct tvn_edge_options *edges;
    uint32_t edge_count;
    struct tvn_flow_stats *stats; /* borrowed; outlives the flow */
    const tvn_stop_flag *stop;    /* borrowed; outlives the flow */
    const tvn_pause_flag *pause;  /* likewise; NULL: never paused */
    uint64_t limit;               /* elements to pull; 0: no limit */
    uint64_t deadline_ns;         /* from start; then drains and ends Failed with E0400; 0: none */
    enum tvn_fan_out fan_out;
    enum tvn_schedule schedule;
    /*
     * Gets each element that ends because of TVN_ON_ERROR_DEAD_LETTER, before its payload is
     * released; all is lent for the call. False: it is lost, and only failed. Mandatory if a stage
     * has that policy.
     */
    bool (*dead_letter)(void *context, uint32_t stage, const struct tvn_element *element,
                        const struct tvn_flow_failure *failure);
    void *dead_letter_context;
    struct tvn_event_sink *events; /* gets calls and events; outlives the flow; may be NULL */
};

// COLD PATH. TVN_E_TOPOLOGY_INVALID, TVN_E_CONSTRAINT_VIOLATION (depth, ratio),
// TVN_E_OUT_OF_MEMORY.
TVN_NODISCARD enum tvn_status tvn_flow_create(const struct tvn_flow_options *options,
                                              struct tvn_flow **out_flow);
/* Releases what is still in the queues. In any state; NULL is allowed. */
void tvn_flow_destroy(struct tvn_flow *flow);
TVN_DEFINE_CLEANUP(tvn_flow, tvn_flow_destroy)

/*
 * COLD PATH. Calls INIT, consumers first. TVN_OK: Running. Else what tvn_flow_failure tells; the
 * flow must then be run until DONE, which tears down the stages that were initialised.
 */
TVN_NODISCARD enum tvn_status tvn_flow_start(struct tvn_flow *flow);

struct tvn_flow_quantum {
    uint32_t elements; /* pulled per vector and per turn */
    uint64_t duration_ns;
};
#define TVN_FLOW_QUANTUM_DEFAULT ((struct tvn_flow_quantum){32, 100000})

enum tvn_flow_turn {
    TVN_FLOW_YIELD, /* there is more to do; run it again after the others */
    TVN_FLOW_IDLE,  /* nothing to do before *out_wait comes true or the stop flag is raised */
    TVN_FLOW_DONE,  /* Completed or Failed */
};

/* What wakes an idle flow: a point of time of env.now_ns, or one of the descriptors. */
struct tvn_flow_wait {
    uint64_t wake_ns; /* UINT64_MAX: no time */
    uint32_t fd_count;
    struct {
        int fd;
        short events; /* POLLIN, POLLOUT */
    } fds[TVN_FLOW_WAIT_FDS_MAX];
};

// HOT PATH. One turn. Fills *out_wait only for IDLE. Spurious calls are allowed at any time after
// start.
TVN_HOT enum tvn_flow_turn tvn_flow_run(struct tvn_flow *flow,
                                        const struct tvn_flow_quantum *quantum,
                                        struct tvn_flow_wait *out_wait);

enum tvn_flow_state tvn_flow_state(const struct tvn_flow *flow);
/* Elements in all queues. */
uint64_t tvn_flow_queued(const struct tvn_flow *flow);

#define TVN_FLOW_STAGE_NONE UINT32_MAX

/* The first thing that made the flow fail. */
struct tvn_flow_failure {
    enum tvn_status code; /* E0400, E0402, E0410, E0412 or what the invoker's fault says */
    uint32_t stage;       /* index, or TVN_FLOW_STAGE_NONE for deadline and cancel */
    enum tvn_entry entry;
    enum tvn_outcome outcome;     /* ERROR: a process-error ended it; DEAD: the instance died */
    enum tvn_process_error error; /* of ERROR */
    bool has_sequence;
    uint64_t sequence; /* of the element in work */
    uint32_t attempts; /* retries made before */
    uint32_t traps;    /* not 0: the circuit opened after so many, failed restarts included */
    const char *text;  /* the guest's or the engine's, not escaped; never NULL */
};
/* NULL while none. Kept until destroy, its text, too. */
const struct tvn_flow_failure *tvn_flow_failure(const struct tvn_flow *flow);
/*
 * The first thing that went wrong in a stage without ending the flow: an error after which the
 * element was skipped, or a teardown that failed. code is TVN_OK for a plain process-error. NULL if
 * there was none. Kept until destroy; read it when the flow is DONE. Its text is cut to
 * TVN_FLOW_SKIPPED_TEXT_MAX bytes.
 */
#define TVN_FLOW_SKIPPED_TEXT_MAX 192
const struct tvn_flow_failure *tvn_flow_first_skipped(const struct tvn_flow *flow, uint32_t stage);
