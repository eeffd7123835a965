/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Inside of a flow. flow.c makes and ends it, schedule.c decides which stage works, source.c and
 * consumer.c move elements, edge.c holds back, failure.c judges errors.
 */
#include "reactor/flow.h"
#include "reactor/rate.h"
#include "resources/lease.h"
#include "resources/magazine.h"

enum tvn_stage_phase {
    TVN_STAGE_READY,
    TVN_STAGE_WAIT_TIME, /* until wake_ns */
    TVN_STAGE_WAIT_FD,   /* until the next turn: the driver polled */
    TVN_STAGE_PARKED,    /* a source that had nothing while paused: until it is told ready */
    TVN_STAGE_ENDED,     /* nothing more will come out of it */
};

struct tvn_stage {
    struct tvn_invoker *invoker;
    struct tvn_stage_stats *stats;
    struct tvn_edge **inputs;
    struct tvn_edge **outputs;
    uint32_t input_count;
    uint32_t output_count;
    uint32_t index;
    enum tvn_role role;
    enum tvn_entry entry; /* the one that is called per element */
    enum tvn_stage_phase phase;
    enum tvn_on_error on_error;
    enum tvn_merge merge;
    bool simple;     /* at most one input and one output, none limited in bytes or by rate */
    bool sized;      /* an output is limited in bytes */
    bool repeat;     /* the head of `input` is offered again, whatever the merge policy says */
    bool input_over; /* the vector of `input` ended with its repeat: another input's turn is next */
    bool has_last;
    bool held_lost; /* aggregator: what it holds is gone; to be accounted after the vector */
    bool has_notify;
    bool paused;       /* the last signal sent to this source was pause */
    bool initialised;  /* TEARDOWN is due */
    bool dead;         /* the instance must not be called; a restart is due unless `failed` */
    bool circuit_open; /* it died too often */
    bool failed;       /* it made the flow fail, or only feeds such stages */
    bool has_skipped;  /* flow->skipped tells its first error that did not end the flow */
    uint32_t stride;   /* elements between two readings of the clock */
    uint32_t attempts; /* retries made of the call in work */
    uint32_t max_retries;
    uint32_t input_next;         /* index of `input` */
    uint32_t input_cursor;       /* index of the input that an element was taken from last */
    uint32_t blocking_outputs;   /* how many outputs block */
    uint32_t throttled_outputs;  /* how many are throttled, and of these … */
    uint32_t throttled_blocking; /* … how many block */
    struct tvn_edge *input;      /* where the element in work waits */
    struct tvn_element *last;    /* aggregator: what it took in or put out last, if has_last */
    uint64_t held;               /* aggregator: elements taken in since its last output */
    uint64_t ports;              /* router: those that lead somewhere; else bit 0 */
    uint64_t retry_backoff_ns;
    uint64_t restart_backoff_ns;
    uint64_t circuit_window_ns;
    uint64_t *trap_times_ns; /* of the last circuit_traps, a ring */
    uint64_t trap_count;     /* since the start */
    uint32_t circuit_traps;
    uint32_t restart_failures; /* in a row */
    struct tvn_lease lease;    /* of the element that waits to be offered again */
    uint64_t backoff_ns;       /* the last one used; 0: none since the last success */
    uint64_t wake_ns;
};

struct tvn_edge {
    struct tvn_queue queue;
    struct tvn_stage *from;
    struct tvn_stage *to;
    struct tvn_stream_stats *stats;
    enum tvn_overflow_policy policy;
    uint32_t port;
    uint32_t taken;     /* by the vector in work */
    uint32_t tapped;    /* elements at the head that were shown to the event sink */
    bool ended;         /* the producer has ended */
    bool closed;        /* the consumer has failed: nothing is put in any more */
    bool was_throttled; /* as told to statistics and source */
    bool has_held;
    uint64_t throttled_since_ns;
    struct tvn_element *held; /* under a limit in bytes: what did not fit, if has_held */
    uint32_t held_bytes;
    struct tvn_rate rate;
};

/* The first thing that went wrong in a stage without ending the flow. */
struct tvn_skipped {
    struct tvn_flow_failure failure;
    char text[TVN_FLOW_SKIPPED_TEXT_MAX];
};

struct tvn_flow {
    struct tvn_env env;
    struct tvn_magazine *const *magazine;
    struct tvn_flow_stats *stats;
    const tvn_stop_flag *stop;
    const tvn_pause_flag *pause;       /* NULL: never paused */
    struct tvn_event_sink *events;     /* NULL: none */
    _Atomic enum tvn_flow_state state; /* written by the driver, read by anyone */
    uint32_t stage_count;
    uint32_t edge_count;
    uint32_t ended_count;
    uint32_t sources_left;
    uint32_t cursor;       /* position in `order` of the next stage to visit */
    uint32_t close_cursor; /* stages already torn down, from the sources on */
    bool sources_stopped;  /* limit, drain or deadline: no more pulls */
    bool aborting;         /* cancelled, or not even started: all queues are discarded */
    bool cut_pending;      /* a stage has failed: it and what only feeds it must end */
    bool closing;
    enum tvn_schedule schedule;
    uint64_t limit;
    uint64_t deadline_ns; /* absolute; UINT64_MAX: none */
    uint64_t close_deadline_ns;
    uint64_t pulled; /* also the next sequence */
    uint64_t now_ns; /* the last reading */
    uint64_t turn_end_ns;
    uint32_t turn_elements; /* the quantum's */
    uint32_t turn_pulled;
    uint64_t clock_distance_ns; /* readings of the clock aim at this */
    uint64_t idle_called_ns;
    uint64_t idle_since_ns; /* 0: it is running */
    uint64_t last_timestamp_ns;
    struct tvn_stage *stages;
    struct tvn_edge *edges;
    struct tvn_stage **order; /* consumers first */
    struct tvn_edge **links;  /* what inputs and outputs point into */
    struct tvn_element *kept; /* what `last` and `held` point into */
    uint64_t *trap_times_ns;  /* what the stages' point into */
    bool (*dead_letter)(void *context, uint32_t stage, const struct tvn_element *element,
                        const struct tvn_flow_failure *failure);
    void *dead_letter_context;
    struct tvn_element scratch;
    struct tvn_fault fault;
    struct tvn_flow_failure failure; /* code TVN_OK: none */
    char *failure_text;          /* of `failure`; NULL until the flow fails: idle ones are many */
    struct tvn_skipped *skipped; /* by stage; those with has_skipped */
};

/* graph.c. Links stages and edges and orders the stages. TVN_E_TOPOLOGY_INVALID. */
TVN_NODISCARD enum tvn_status tvn_flow_link_graph(struct tvn_flow *flow,
                                                  const struct tvn_flow_options *options);

/* flow.c */
void tvn_flow_transition(struct tvn_flow *flow, enum tvn_flow_state to);
TVN_HOT uint64_t tvn_flow_read_clock(struct tvn_flow *flow);

/* HOT PATH. The element's payload, which belongs to the flow; NULL if it has none. */
static inline struct tvn_buffer *tvn_flow_payload(const struct tvn_flow *flow,
                                                  const struct tvn_element *element)
{
    if (element->payload.raw == 0) {
        return NULL;
    }
    struct tvn_buffer *buffer = NULL;
    enum tvn_status status = tvn_magazine_find(*flow->magazine, element->payload, &buffer);
    tvn_assert(status == TVN_OK && buffer->owner == TVN_OWNER_HOST);
    return buffer;
}

/* HOT PATH. The element is done with. */
static inline void tvn_flow_release_payload(struct tvn_flow *flow,
                                            const struct tvn_element *element)
{
    struct tvn_buffer *buffer = tvn_flow_payload(flow, element);
    if (buffer) {
        tvn_buffer_release(*flow->magazine, buffer);
    }
}

static inline bool tvn_edge_blocks(const struct tvn_edge *edge)
{
    return edge->policy == TVN_OVERFLOW_BLOCK || edge->policy == TVN_OVERFLOW_RATE_LIMIT;
}

/* watch.c. Calls and events for the event sink. */
enum tvn_outcome tvn_stage_call_watched(struct tvn_flow *flow, const struct tvn_watched *watched,
                                        struct tvn_call *call);
/* A call that takes no element: init, notify, flush, complete, teardown. Counts the invocation. */
enum tvn_outcome tvn_stage_call_other(struct tvn_flow *flow, const struct tvn_stage *stage,
                                      enum tvn_entry entry, struct tvn_call *call);
/* Counts an error of a stage; flow->fault says which. `element` is the one in work or NULL. */
void tvn_stage_count_error(struct tvn_flow *flow, const struct tvn_stage *stage,
                           enum tvn_entry entry, enum tvn_outcome outcome,
                           const struct tvn_element *element);
void tvn_edge_tell_throttling(struct tvn_flow *flow, const struct tvn_edge *edge, bool throttled,
                              uint64_t duration_ns);
/* Shows the event sink up to `count` elements of each input that it has not seen. */
TVN_COLD void tvn_stage_tap(struct tvn_flow *flow, const struct tvn_stage *stage, uint32_t count);
/* RESTARTED or DEAD_LETTER; the latter with its element. */
void tvn_stage_tell(struct tvn_flow *flow, const struct tvn_stage *stage, enum tvn_event_kind kind,
                    const struct tvn_element *element);
/* EVICTED or DISCARDED. */
void tvn_edge_tell_loss(struct tvn_flow *flow, const struct tvn_edge *edge,
                        enum tvn_event_kind kind, const struct tvn_element *element);

/* stage.c. One vector; false when nothing happened. */
TVN_HOT bool tvn_stage_run(struct tvn_flow *flow, struct tvn_stage *stage, uint32_t vector_max);
/* Back-off of calls without descriptor: doubles from the minimum to the maximum. */
void tvn_stage_wait_backoff(struct tvn_flow *flow, struct tvn_stage *stage);
/* Leases the first element of the input until the stage is called again, unless others share its
 * payload. */
void tvn_stage_lease(const struct tvn_flow *flow, struct tvn_stage *stage, struct tvn_edge *input);
/* Before the first element of the edge goes. */
void tvn_edge_reclaim(const struct tvn_flow *flow, struct tvn_edge *edge);
/* After WAIT: by descriptor if the invoker has one, else by back-off. */
TVN_HOT void tvn_stage_wait(struct tvn_flow *flow, struct tvn_stage *stage);
/* Nothing more comes out of the stage. */
void tvn_stage_end(struct tvn_flow *flow, struct tvn_stage *stage);

/* source.c, consumer.c. One vector of a stage that is ready. */
TVN_HOT bool tvn_source_run(struct tvn_flow *flow, struct tvn_stage *stage, uint32_t vector_max);
TVN_HOT bool tvn_consumer_run(struct tvn_flow *flow, struct tvn_stage *stage, uint32_t vector_max);

/* edge.c. Accounts a change of the queue's throttling and tells the source. */
TVN_HOT void tvn_edge_settle(struct tvn_flow *flow, struct tvn_edge *edge);
/* Tells a source what its outputs came to. */
void tvn_stage_signal(struct tvn_flow *flow, struct tvn_stage *stage);
/* What waits in the edge fails; nothing is put in any more. */
void tvn_edge_close(struct tvn_flow *flow, struct tvn_edge *edge);
/* Elements that wait in the edge. */
static inline uint32_t tvn_edge_count(const struct tvn_edge *edge)
{
    return edge->queue.count + edge->has_held;
}

/* merge.c. The input of the next element, also in stage->input; NULL when all are empty. */
struct tvn_edge *tvn_stage_next_input(struct tvn_stage *stage, bool new_vector);
/* HOT PATH. After an element was taken: the next one comes from the same input. */
static inline bool tvn_stage_keeps_input(const struct tvn_stage *stage)
{
    return stage->merge == TVN_MERGE_FIRST_AVAILABLE && !stage->input_over &&
           stage->input->queue.count > 0;
}
/* All producers have ended and everything was taken. */
TVN_HOT bool tvn_stage_inputs_over(const struct tvn_stage *stage);

/* fan_out.c. How many elements the stage may put out; when its rate says none, it waits. */
TVN_HOT uint32_t tvn_stage_credits(struct tvn_flow *flow, struct tvn_stage *stage,
                                   uint32_t vector_max);

/* failure.c */
/*
 * Ends failed stages and those that only feed them; what waits before them is discarded. What is
 * behind them goes on until it has delivered all that the failed stage had put out, so that the
 * output does not depend on vectors.
 */
void tvn_flow_cut(struct tvn_flow *flow);

enum tvn_verdict {
    TVN_VERDICT_SKIP,  /* the element ends here, failed; after DEAD the stage waits, too */
    TVN_VERDICT_RETRY, /* the stage waits; the element stays */
    TVN_VERDICT_FAIL,  /* the flow fails; the element ends here, failed */
};
/*
 * After ERROR or DEAD, with flow->fault filled: counts, applies the policy, records a failure.
 * `element` is the one in work, NULL if none.
 */
enum tvn_verdict tvn_stage_judge(struct tvn_flow *flow, struct tvn_stage *stage,
                                 enum tvn_entry entry, enum tvn_outcome outcome,
                                 const struct tvn_element *element);
/* Replaces the dead instance. True when something came of it. */
TVN_COLD bool tvn_stage_restart(struct tvn_flow *flow, struct tvn_stage *stage);
/* Keeps flow->fault for the report if it is the stage's first one, and clears it. */
TVN_COLD void tvn_stage_skip(struct tvn_flow *flow, struct tvn_stage *stage, enum tvn_entry entry,
                             enum tvn_outcome outcome, const struct tvn_element *element);
/* After the vector in which an aggregator lost what it held: that has failed. */
TVN_COLD void tvn_stage_settle_loss(struct tvn_flow *flow, struct tvn_stage *stage);
/* The same where no policy applies: always a failure. */
void tvn_stage_fail(struct tvn_flow *flow, struct tvn_stage *stage, enum tvn_entry entry,
                    enum tvn_outcome outcome, const struct tvn_element *element);
/* Records the first failure and returns it; NULL for a later one. `stage` may be NULL. */
struct tvn_flow_failure *tvn_flow_fail(struct tvn_flow *flow, enum tvn_status code,
                                       const struct tvn_stage *stage, const char *text);
