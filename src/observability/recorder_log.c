/* SPDX-License-Identifier: Apache-2.0 */
/* Level DIAGNOSTIC: the calls of vectors that are watched as a whole. */
#include "base/assert.h"
#include "base/clock.h"
#include "observability/recorder_internal.h"

/* ---- when a vector is over ---- */

static inline uint64_t begin_of(const struct tvn_logged_call *call)
{
    return tvn_stat_get(&call[-1].end_ticks);
}

/* The times of the calls. */
static void settle_processing(struct tvn_recorder *recorder)
{
    const struct tvn_open_calls *open = &recorder->open;
    struct tvn_histogram_batch batch =
        tvn_histogram_batch_begin(&recorder->processing[open->stage]);
    /* Only the last one may have come to nothing: calls end with it. */
    const struct tvn_logged_call *end =
        open->end - !tvn_recorder_is_timed(open->entry, open->end[-1].outcome);
    uint64_t begin_ticks = begin_of(open->first);
    for (const struct tvn_logged_call *call = open->first; call < end; call++) {
        uint64_t end_ticks = tvn_stat_get(&call->end_ticks);
        tvn_histogram_batch_add(&batch, tvn_ticks_to_ns(end_ticks - begin_ticks));
        begin_ticks = end_ticks;
    }
    tvn_histogram_batch_end(batch);
}

/* How long the inputs stood in their queues. */
static void settle_waiting(struct tvn_recorder *recorder)
{
    const struct tvn_open_calls *open = &recorder->open;
    struct tvn_histogram_batch batch;
    const uint64_t least_ticks = tvn_max(recorder->reset_ticks, UINT64_C(1)); /* 0: not known */
    uint32_t edge = open->first->edge;
    tvn_assert(edge < recorder->edge_count);
    batch = tvn_histogram_batch_begin(&recorder->waiting[edge]);
    for (const struct tvn_logged_call *call = open->first, *end = open->end; call < end; call++) {
        if (TVN_UNLIKELY(call->edge != edge)) {
            tvn_histogram_batch_end(batch);
            edge = call->edge;
            tvn_assert(edge < recorder->edge_count);
            batch = tvn_histogram_batch_begin(&recorder->waiting[edge]);
        }
        uint64_t begin_ticks = begin_of(call);
        if (TVN_LIKELY(call->since_ticks >= least_ticks && begin_ticks >= call->since_ticks)) {
            tvn_histogram_batch_add(&batch, tvn_ticks_to_ns(begin_ticks - call->since_ticks));
        }
    }
    tvn_histogram_batch_end(batch);
}

static void settle_latency(struct tvn_recorder *recorder)
{
    const struct tvn_open_calls *open = &recorder->open;
    struct tvn_histogram_batch batch = tvn_histogram_batch_begin(recorder->latency);
    for (const struct tvn_logged_call *call = open->first, *end = open->end; call < end; call++) {
        uint64_t start_ticks = tvn_recorder_start_of(recorder, tvn_stat_get(&call->sequence));
        uint64_t end_ticks = tvn_stat_get(&call->end_ticks);
        if (TVN_LIKELY(call->outcome == TVN_OUTCOME_EMIT && start_ticks != 0 &&
                       end_ticks >= start_ticks)) {
            tvn_histogram_batch_add(&batch, tvn_ticks_to_ns(end_ticks - start_ticks));
        }
    }
    tvn_histogram_batch_end(batch);
}

/* With a stage's first vector, and now and then. */
static void refresh_logged(struct tvn_recorder *recorder)
{
    const struct tvn_open_calls *open = &recorder->open;
    struct tvn_observed_stage *stage = &recorder->stages[open->stage];
    uint32_t count = (uint32_t)(open->end - open->first);
    if (stage->until_refresh > count) {
        stage->until_refresh -= count;
        return;
    }
    stage->until_refresh = TVN_RECORDER_REFRESH_LOGGED_EVERY;
    if (stage->invoker->ops->refresh && open->end[-1].outcome != TVN_OUTCOME_DEAD) {
        stage->invoker->ops->refresh(stage->invoker);
    }
}

void tvn_recorder_settle(struct tvn_recorder *recorder)
{
    struct tvn_open_calls *open = &recorder->open;
    if (!open->end) {
        return;
    }
    if (open->end > open->first) {
        tvn_call_log_end(tvn_recorder_log(recorder), open->end);
        settle_processing(recorder);
        if (open->entry != TVN_ENTRY_PULL) {
            settle_waiting(recorder);
        }
        if (open->entry == TVN_ENTRY_PUSH) {
            settle_latency(recorder);
        }
        refresh_logged(recorder);
    }
    open->end = NULL;
}

/* ---- calls ---- */

/* Calls of this kind follow, the first one begins now. */
static TVN_COLD void begin_calls(struct tvn_recorder *recorder, const struct tvn_watched *watched)
{
    tvn_recorder_settle(recorder);
    struct tvn_open_calls *open = &recorder->open;
    struct tvn_call_log *log = tvn_recorder_log(recorder);
    struct tvn_observed_stage *stage = &recorder->stages[watched->stage];
    stage->invoker = watched->invoker;
    open->stage = watched->stage;
    open->entry = watched->entry;
    open->origin =
        tvn_logged_origin(watched->stage, watched->entry != TVN_ENTRY_PULL, TVN_LOGGED_NEXT);
    open->copies = &stage->stats->copies;
    open->first = tvn_call_log_begin(log, tvn_ticks_now(), open->copies);
    open->limit = tvn_call_log_limit(log, open->first);
    open->end = open->first;
}

/* The next call is one of this kind. A beginning without calls is made again: who knows what came
 * between. */
static inline void need_beginning(struct tvn_recorder *recorder, const struct tvn_watched *watched)
{
    const struct tvn_open_calls *open = &recorder->open;
    if (!open->end || open->end == open->first || open->stage != watched->stage ||
        open->entry != watched->entry) {
        begin_calls(recorder, watched);
    }
}

/* A call has ended after which calls do not just go on. Whether a row may. */
static TVN_COLD bool interrupt(struct tvn_recorder *recorder, const struct tvn_watched *watched,
                               enum tvn_outcome outcome, bool goes_on)
{
    if (outcome != TVN_OUTCOME_EMIT && outcome != TVN_OUTCOME_DROP) {
        tvn_recorder_settle(recorder); /* what follows is no part of the next call */
        return false;
    }
    begin_calls(recorder, watched); /* there was no room for another one */
    return goes_on;
}

/* The first thing to do after a call. */
static TVN_ALWAYS_INLINE void take_copied(const struct tvn_open_calls *open)
{
    tvn_logged_copied(open->end, open->copies);
}

/* What it copied was taken. False: the next call must not follow in the same row. Whatever is
 * called here is called last, so that the usual case saves no registers. */
static TVN_ALWAYS_INLINE bool end_call(struct tvn_recorder *recorder,
                                       const struct tvn_watched *watched,
                                       const struct tvn_call *call, enum tvn_outcome outcome,
                                       uint64_t end_ticks)
{
    struct tvn_open_calls *open = &recorder->open;
    struct tvn_logged_call *logged = open->end;
    bool has_output = outcome == TVN_OUTCOME_EMIT && call->out_count > 0;
    struct tvn_element *out = has_output ? call->out : NULL;
    tvn_stat_set(&logged->end_ticks, end_ticks);
    tvn_stat_set(&logged->sequence, watched->sequence);
    tvn_stat_set(&logged->origin, open->origin);
    tvn_stat_set(&logged->output, out ? out->payload.raw : 0);
    logged->outcome = outcome;
    open->end = logged + 1;
    struct tvn_element *in = watched->in;
    bool goes_on = true;
    if (TVN_LIKELY(in != NULL)) {
        tvn_stat_set(&logged->input, in->payload.raw);
        logged->edge = watched->edge;
        logged->since_ticks = in->spare;
        in->spare = end_ticks;
    } else {
        if (out) {
            tvn_recorder_follow(recorder, watched->sequence, begin_of(logged), out, end_ticks);
        }
        goes_on = !tvn_recorder_has_mark(recorder, watched->sequence + 1);
    }
    if (TVN_UNLIKELY((outcome != TVN_OUTCOME_EMIT && outcome != TVN_OUTCOME_DROP) ||
                     logged + 1 == open->limit)) {
        return interrupt(recorder, watched, outcome, goes_on);
    }
    return goes_on;
}

enum tvn_outcome tvn_recorder_log_call(struct tvn_recorder *recorder,
                                       const struct tvn_watched *watched, struct tvn_call *call)
{
    need_beginning(recorder, watched);
    enum tvn_outcome outcome = tvn_invoke(watched->invoker, watched->entry, call);
    take_copied(&recorder->open);
    (void)end_call(recorder, watched, call, outcome, tvn_ticks_now());
    return outcome;
}

bool tvn_recorder_begin_row(struct tvn_event_sink *self, const struct tvn_watched *watched)
{
    struct tvn_recorder *recorder = (struct tvn_recorder *)self;
    tvn_debug_assert(watched->whole_vector && watched->stage < recorder->stage_count);
    if (!tvn_recorder_may_log(recorder) ||
        (watched->entry == TVN_ENTRY_PULL && tvn_recorder_has_mark(recorder, watched->sequence))) {
        return false;
    }
    need_beginning(recorder, watched);
    return true;
}

/* Without a counter of ticks. */
static TVN_NOINLINE bool called_by_clock(struct tvn_recorder *recorder,
                                         const struct tvn_watched *watched,
                                         const struct tvn_call *call, enum tvn_outcome outcome)
{
    return end_call(recorder, watched, call, outcome, tvn_ticks_now());
}

bool tvn_recorder_called_in_row(struct tvn_event_sink *self, const struct tvn_watched *watched,
                                const struct tvn_call *call, enum tvn_outcome outcome)
{
    struct tvn_recorder *recorder = (struct tvn_recorder *)self;
    uint64_t end_ticks;
    take_copied(&recorder->open);
    return TVN_LIKELY(tvn_ticks_counted(&end_ticks))
               ? end_call(recorder, watched, call, outcome, end_ticks)
               : called_by_clock(recorder, watched, call, outcome);
}
