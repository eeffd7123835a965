/* SPDX-License-Identifier: Apache-2.0 */
/* Level DIAGNOSTIC: the calls of vectors that are watched as a whole. */
#include "base/assert.h"
#include "base/clock.h"
#include "observability/copy_ledger_internal.h"
#include "observability/recorder_internal.h"

static_assert(TVN_CALL_LOG_MAX * TVN_COPY_REASON_COUNT <= TVN_COPY_LEDGER_OPEN_MAX,
              "a log's copies fit into the ledger while it is open");

/* ---- when a vector is over ---- */

/* The times of the calls. */
static void settle_processing(struct tvn_recorder *recorder)
{
    const struct tvn_call_log *log = &recorder->log;
    struct tvn_histogram_batch batch = tvn_histogram_batch_begin(&recorder->processing[log->stage]);
    uint64_t begin_ticks = log->begin_ticks;
    /* Only the last one may have come to nothing: it ends the log. */
    const struct tvn_logged_call *end =
        log->end - !tvn_recorder_is_timed(log->entry, log->end[-1].outcome);
    for (const struct tvn_logged_call *call = log->calls; call < end; call++) {
        tvn_histogram_batch_add(&batch, tvn_ticks_to_ns(call->end_ticks - begin_ticks));
        begin_ticks = call->end_ticks;
    }
    tvn_histogram_batch_end(batch);
}

/* How long the inputs stood in their queues. */
static void settle_waiting(struct tvn_recorder *recorder)
{
    const struct tvn_call_log *log = &recorder->log;
    struct tvn_histogram_batch batch;
    const uint64_t least_ticks = tvn_max(recorder->reset_ticks, UINT64_C(1)); /* 0: not known */
    uint64_t begin_ticks = log->begin_ticks;
    uint32_t edge = log->calls[0].edge;
    tvn_assert(edge < recorder->edge_count);
    batch = tvn_histogram_batch_begin(&recorder->waiting[edge]);
    for (const struct tvn_logged_call *call = log->calls, *end = log->end; call < end; call++) {
        if (TVN_UNLIKELY(call->edge != edge)) {
            tvn_histogram_batch_end(batch);
            edge = call->edge;
            tvn_assert(edge < recorder->edge_count);
            batch = tvn_histogram_batch_begin(&recorder->waiting[edge]);
        }
        if (TVN_LIKELY(call->since_ticks >= least_ticks && begin_ticks >= call->since_ticks)) {
            tvn_histogram_batch_add(&batch, tvn_ticks_to_ns(begin_ticks - call->since_ticks));
        }
        begin_ticks = call->end_ticks;
    }
    tvn_histogram_batch_end(batch);
}

static void settle_latency(struct tvn_recorder *recorder)
{
    const struct tvn_call_log *log = &recorder->log;
    struct tvn_histogram_batch batch = tvn_histogram_batch_begin(recorder->latency);
    for (const struct tvn_logged_call *call = log->calls, *end = log->end; call < end; call++) {
        uint64_t start_ticks = tvn_recorder_start_of(recorder, call->sequence);
        if (TVN_LIKELY(call->outcome == TVN_OUTCOME_EMIT && start_ticks != 0 &&
                       call->end_ticks >= start_ticks)) {
            tvn_histogram_batch_add(&batch, tvn_ticks_to_ns(call->end_ticks - start_ticks));
        }
    }
    tvn_histogram_batch_end(batch);
}

/* What each call copied, a record for each reason. */
static void settle_copies(const struct tvn_recorder *recorder)
{
    const struct tvn_call_log *log = &recorder->log;
    struct tvn_copy_ledger *ledger = atomic_load_explicit(&recorder->copies, memory_order_acquire);
    if (!ledger) {
        return;
    }
    const bool has_input = log->entry != TVN_ENTRY_PULL;
    const uint32_t stage = log->stage;
    const struct tvn_logged_call *const end = log->end;
    const struct tvn_copied *before = &log->copied;
    struct tvn_copy_writer writer = tvn_copy_ledger_open(ledger);
    for (const struct tvn_logged_call *call = log->calls; call < end; call++) {
        const uint64_t of_input = has_input ? call->input : call->output;
#pragma GCC unroll 4
        for (unsigned i = 0; i < TVN_COPY_REASON_COUNT; i++) {
            enum tvn_copy_reason reason = (enum tvn_copy_reason)i;
            uint64_t copies = call->copied.count[i] - before->count[i];
            if (copies == 0) {
                continue;
            }
            const struct tvn_copy_entry entry = {
                .end_ticks = call->end_ticks,
                .resource = tvn_copy_is_of_input(true, reason) ? of_input : call->output,
                .sequence = call->sequence,
                .copies = copies,
                .bytes = call->copied.bytes[i] - before->bytes[i],
                .stage = stage,
                .has_input = has_input,
                .reason = reason,
            };
            tvn_copy_ledger_put(&writer, entry);
        }
        before = &call->copied;
    }
    tvn_copy_ledger_close(&writer);
}

/* With a stage's first vector, and now and then. */
static void refresh_logged(struct tvn_recorder *recorder)
{
    const struct tvn_call_log *log = &recorder->log;
    struct tvn_observed_stage *stage = &recorder->stages[log->stage];
    uint32_t count = (uint32_t)(log->end - log->calls);
    if (stage->until_refresh > count) {
        stage->until_refresh -= count;
        return;
    }
    stage->until_refresh = TVN_RECORDER_REFRESH_LOGGED_EVERY;
    if (stage->invoker->ops->refresh && log->end[-1].outcome != TVN_OUTCOME_DEAD) {
        stage->invoker->ops->refresh(stage->invoker);
    }
}

void tvn_recorder_settle(struct tvn_recorder *recorder)
{
    struct tvn_call_log *log = &recorder->log;
    if (!log->end) {
        return;
    }
    if (log->end > log->calls) {
        settle_processing(recorder);
        settle_copies(recorder);
        if (log->entry != TVN_ENTRY_PULL) {
            settle_waiting(recorder);
        }
        if (log->entry == TVN_ENTRY_PUSH) {
            settle_latency(recorder);
        }
        refresh_logged(recorder);
    }
    log->end = NULL;
}

/* ---- calls ---- */

static inline void read_copied(const struct tvn_copy_stats *copies, struct tvn_copied *out)
{
#pragma GCC unroll 4
    for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
        out->count[reason] = tvn_stat_get(&copies->count[reason]);
        out->bytes[reason] = tvn_stat_get(&copies->bytes[reason]);
    }
}

/* Calls of this kind follow, the first one begins now. */
static TVN_COLD void begin_log(struct tvn_recorder *recorder, const struct tvn_watched *watched)
{
    tvn_recorder_settle(recorder);
    struct tvn_call_log *log = &recorder->log;
    struct tvn_observed_stage *stage = &recorder->stages[watched->stage];
    stage->invoker = watched->invoker;
    log->end = log->calls;
    log->stage = watched->stage;
    log->entry = watched->entry;
    log->copies = &stage->stats->copies;
    read_copied(log->copies, &log->copied);
    log->begin_ticks = tvn_ticks_now();
    log->now_ticks = log->begin_ticks;
}

/* The next call is one of this kind. A log without calls is begun again: who knows what came
 * between. */
static inline void need_log(struct tvn_recorder *recorder, const struct tvn_watched *watched)
{
    const struct tvn_call_log *log = &recorder->log;
    if (!log->end || log->end == log->calls || log->stage != watched->stage ||
        log->entry != watched->entry) {
        begin_log(recorder, watched);
    }
}

/* True: the log goes on. */
static inline __attribute__((always_inline)) bool end_call(struct tvn_recorder *recorder,
                                                           const struct tvn_watched *watched,
                                                           const struct tvn_call *call,
                                                           enum tvn_outcome outcome)
{
    struct tvn_call_log *log = &recorder->log;
    uint64_t begin_ticks = log->now_ticks;
    uint64_t end_ticks = tvn_ticks_now();
    bool has_output = outcome == TVN_OUTCOME_EMIT && call->out_count > 0;
    struct tvn_element *in = watched->in;
    struct tvn_logged_call *logged = log->end++;
    log->now_ticks = end_ticks;
    logged->end_ticks = end_ticks;
    logged->since_ticks = in ? in->spare : 0;
    logged->sequence = watched->sequence;
    logged->input = in ? in->payload.raw : 0;
    logged->output = has_output ? call->out[0].payload.raw : 0;
    logged->edge = watched->edge;
    logged->outcome = outcome;
    read_copied(log->copies, &logged->copied);
    if (in) {
        in->spare = end_ticks;
    } else if (has_output) {
        tvn_recorder_follow(recorder, watched->sequence, begin_ticks, call->out, end_ticks);
    }
    if (TVN_UNLIKELY(outcome != TVN_OUTCOME_EMIT && outcome != TVN_OUTCOME_DROP)) {
        tvn_recorder_settle(recorder); /* what follows is no part of the next call */
        return false;
    }
    if (TVN_UNLIKELY(log->end == log->calls + TVN_CALL_LOG_MAX)) {
        begin_log(recorder, watched);
    }
    return true;
}

enum tvn_outcome tvn_recorder_log_call(struct tvn_recorder *recorder,
                                       const struct tvn_watched *watched, struct tvn_call *call)
{
    need_log(recorder, watched);
    enum tvn_outcome outcome = tvn_invoke(watched->invoker, watched->entry, call);
    (void)end_call(recorder, watched, call, outcome);
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
    need_log(recorder, watched);
    return true;
}

bool tvn_recorder_called_in_row(struct tvn_event_sink *self, const struct tvn_watched *watched,
                                const struct tvn_call *call, enum tvn_outcome outcome)
{
    struct tvn_recorder *recorder = (struct tvn_recorder *)self;
    return end_call(recorder, watched, call, outcome) &&
           !(watched->entry == TVN_ENTRY_PULL &&
             tvn_recorder_has_mark(recorder, watched->sequence + 1));
}
