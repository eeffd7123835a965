/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/num.h"
#include "observability/call_log.h"
#include "observability/recorder.h"

#define TVN_RECORDER_REFRESH_EVERY        17  /* calls; no multiple of a usual number of stages */
#define TVN_RECORDER_REFRESH_LOGGED_EVERY 512 /* calls of one stage */

/* When the pull of an element began. */
struct tvn_recorded_start {
    uint64_t sequence_plus_one; /* 0: unused */
    uint64_t ticks;
};

struct tvn_observed_stage {
    const struct tvn_stage_stats *stats;
    struct tvn_invoker *invoker; /* of the logged calls */
    uint32_t until_refresh;      /* logged calls */
};

/* The calls of one vector of one stage, while they go on. */
struct tvn_open_calls {
    struct tvn_logged_call *end;         /* behind the last call; NULL: none are going on */
    struct tvn_logged_call *first;       /* behind their beginning */
    struct tvn_logged_call *limit;       /* where they must be begun again */
    const struct tvn_copy_stats *copies; /* of the stage */
    uint64_t origin;
    uint32_t stage;
    enum tvn_entry entry;
};

struct tvn_recorder {
    struct tvn_event_sink sink;
    struct tvn_observed_stage *stages;
    uint32_t stage_count;
    uint32_t edge_count;
    uint32_t listener_count;
    uint32_t start_mask;
    struct tvn_recorded_start *starts; /* by sequence */
    struct tvn_histogram *latency;
    struct tvn_histogram *processing;
    struct tvn_histogram *waiting;
    uint64_t random;
    uint64_t reset_ticks; /* what began before does not count */
    uint64_t timed_next;  /* the first pull from it on is timed at level PRODUCTION */
    uint64_t mark_sequence;
    struct tvn_tracer *tracer; /* or NULL */
    double pace_ticks;         /* between two elements; 0: as fast as possible */
    uint64_t pace_begin_ticks;
    uint64_t paced;     /* elements */
    uint64_t due_ticks; /* of the next one; 0: not paced */
    uint32_t marks_reached;
    uint32_t calls;
    bool logs; /* nobody wants to hear of each call when it has ended */
    _Atomic uint32_t marks_requested;
    _Atomic uint32_t sample_every;
    _Atomic uint32_t level;
    _Atomic(struct tvn_call_log *) log; /* NULL until the level is DIAGNOSTIC */
    tvn_recorder_mark mark;
    void *mark_context;
    uint64_t memory_bytes;
    struct tvn_tap_board taps;
    struct tvn_recorder_listener listeners[TVN_RECORDER_LISTENERS_MAX];
    struct tvn_open_calls open;
};

/* recorder.c: is the time of such a call part of the stage's processing? */
bool tvn_recorder_is_timed(enum tvn_entry entry, enum tvn_outcome outcome);

/* recorder_log.c: makes a call of a vector that is watched as a whole, if nobody wants to hear of
 * each as soon as it has ended. */
enum tvn_outcome tvn_recorder_log_call(struct tvn_recorder *recorder,
                                       const struct tvn_watched *watched, struct tvn_call *call);
/* recorder_log.c: the operations of the sink for calls that the invoker makes in a row. */
bool tvn_recorder_begin_row(struct tvn_event_sink *self, const struct tvn_watched *watched);
bool tvn_recorder_called_in_row(struct tvn_event_sink *self, const struct tvn_watched *watched,
                                const struct tvn_call *call, enum tvn_outcome outcome);
/* recorder_log.c: what was logged goes to where it is read. */
void tvn_recorder_settle(struct tvn_recorder *recorder);

/* When the element's pull began, or was due; 0: not known, or before the last reset. */
static inline uint64_t tvn_recorder_start_of(const struct tvn_recorder *recorder, uint64_t sequence)
{
    const struct tvn_recorded_start *start = &recorder->starts[sequence & recorder->start_mask];
    bool is_known =
        start->sequence_plus_one == sequence + 1 && start->ticks >= recorder->reset_ticks;
    return is_known ? start->ticks : 0;
}

/* From now on the calls of the pulled element are watched. */
static inline void tvn_recorder_follow(struct tvn_recorder *recorder, uint64_t sequence,
                                       uint64_t start_ticks, struct tvn_element *out,
                                       uint64_t end_ticks)
{
    struct tvn_recorded_start *start = &recorder->starts[sequence & recorder->start_mask];
    start->sequence_plus_one = sequence + 1;
    start->ticks = start_ticks;
    out->flags |= TVN_ELEMENT_WATCHED;
    out->spare = end_ticks;
}

/* Is there one before the pull of this element? */
static inline bool tvn_recorder_has_mark(const struct tvn_recorder *recorder, uint64_t sequence)
{
    uint32_t requested = atomic_load_explicit(&recorder->marks_requested, memory_order_relaxed);
    return requested != recorder->marks_reached || sequence >= recorder->mark_sequence;
}

static inline struct tvn_call_log *tvn_recorder_log(const struct tvn_recorder *recorder)
{
    return atomic_load_explicit(&recorder->log, memory_order_acquire);
}

/* Does nobody want to hear of each call as soon as it has ended? */
static inline bool tvn_recorder_may_log(const struct tvn_recorder *recorder)
{
    return recorder->logs && tvn_recorder_level(recorder) == TVN_OBSERVE_DIAGNOSTIC &&
           tvn_recorder_log(recorder) != NULL;
}
