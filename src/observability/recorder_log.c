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
    struct tvn_histogram_batch batch;
    tvn_histogram_batch_begin(&batch, &recorder->processing[log->stage]);
    uint64_t begin_ticks = log->begin_ticks;
    /* Only the last one may have come to nothing: it ends the log. */
    uint32_t count =
        log->count - !tvn_recorder_is_timed(log->entry, log->calls[log->count - 1].outcome);
    for (uint32_t i = 0; i < count; i++) {
        tvn_histogram_batch_add(&batch, tvn_ticks_to_ns(log->calls[i].end_ticks - begin_ticks));
        begin_ticks = log->calls[i].end_ticks;
    }
    tvn_histogram_batch_end(&batch);
}

/* How long the inputs stood in their queues. */
static void settle_waiting(struct tvn_recorder *recorder)
{
    const struct tvn_call_log *log = &recorder->log;
    struct tvn_histogram_batch batch;
    uint64_t begin_ticks = log->begin_ticks;
    uint32_t edge = log->calls[0].edge;
    tvn_assert(edge < recorder->edge_count);
    tvn_histogram_batch_begin(&batch, &recorder->waiting[edge]);
    for (uint32_t i = 0; i < log->count; i++) {
        const struct tvn_logged_call *call = &log->calls[i];
        if (TVN_UNLIKELY(call->edge != edge)) {
            tvn_histogram_batch_end(&batch);
            edge = call->edge;
            tvn_assert(edge < recorder->edge_count);
            tvn_histogram_batch_begin(&batch, &recorder->waiting[edge]);
        }
        if (TVN_LIKELY(call->since_ticks != 0 && call->since_ticks >= recorder->reset_ticks &&
                       begin_ticks >= call->since_ticks)) {
            tvn_histogram_batch_add(&batch, tvn_ticks_to_ns(begin_ticks - call->since_ticks));
        }
        begin_ticks = call->end_ticks;
    }
    tvn_histogram_batch_end(&batch);
}

static void settle_latency(struct tvn_recorder *recorder)
{
    const struct tvn_call_log *log = &recorder->log;
    struct tvn_histogram_batch batch;
    tvn_histogram_batch_begin(&batch, recorder->latency);
    for (uint32_t i = 0; i < log->count; i++) {
        const struct tvn_logged_call *call = &log->calls[i];
        uint64_t start_ticks = tvn_recorder_start_of(recorder, call->sequence);
        if (TVN_LIKELY(call->outcome == TVN_OUTCOME_EMIT && start_ticks != 0 &&
                       call->end_ticks >= start_ticks)) {
            tvn_histogram_batch_add(&batch, tvn_ticks_to_ns(call->end_ticks - start_ticks));
        }
    }
    tvn_histogram_batch_end(&batch);
}

/* Now and then. */
static void refresh_logged(struct tvn_recorder *recorder)
{
    const struct tvn_call_log *log = &recorder->log;
    struct tvn_observed_stage *stage = &recorder->stages[log->stage];
    stage->calls += log->count;
    if (stage->calls < TVN_RECORDER_REFRESH_EVERY) {
        return;
    }
    stage->calls = 0;
    if (stage->invoker->ops->refresh && log->calls[log->count - 1].outcome != TVN_OUTCOME_DEAD) {
        stage->invoker->ops->refresh(stage->invoker);
    }
}

void tvn_recorder_settle(struct tvn_recorder *recorder)
{
    struct tvn_call_log *log = &recorder->log;
    if (!log->is_open) {
        return;
    }
    if (log->ledger) {
        tvn_copy_ledger_close(log->ledger);
    }
    if (log->count > 0) {
        settle_processing(recorder);
        if (log->entry != TVN_ENTRY_PULL) {
            settle_waiting(recorder);
        }
        if (log->entry == TVN_ENTRY_PUSH) {
            settle_latency(recorder);
        }
        refresh_logged(recorder);
    }
    log->count = 0;
    log->is_open = false;
}

/* ---- calls ---- */

/* Calls of this kind follow, the first one begins now. */
static TVN_COLD void begin_log(struct tvn_recorder *recorder, const struct tvn_watched *watched)
{
    tvn_recorder_settle(recorder);
    struct tvn_call_log *log = &recorder->log;
    struct tvn_observed_stage *stage = &recorder->stages[watched->stage];
    stage->invoker = watched->invoker;
    log->is_open = true;
    log->stage = watched->stage;
    log->entry = watched->entry;
    log->copies = &stage->stats->copies;
    log->ledger = atomic_load_explicit(&recorder->copies, memory_order_acquire);
    if (log->ledger) {
        tvn_copy_ledger_open(log->ledger);
    }
    for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
        log->counts[reason] = tvn_stat_get(&log->copies->count[reason]);
        log->bytes[reason] = tvn_stat_get(&log->copies->bytes[reason]);
    }
    log->begin_ticks = tvn_ticks_now();
    log->now_ticks = log->begin_ticks;
}

/* The next call is one of this kind. A log without calls is begun again: who knows what came
 * between. */
static inline void need_log(struct tvn_recorder *recorder, const struct tvn_watched *watched)
{
    const struct tvn_call_log *log = &recorder->log;
    if (log->count == 0 || log->stage != watched->stage || log->entry != watched->entry) {
        begin_log(recorder, watched);
    }
}

/* The copies of the call that has just ended. */
static inline void log_copies(struct tvn_call_log *log, const struct tvn_watched *watched,
                              uint64_t output)
{
    const struct tvn_element *in = watched->in;
#pragma GCC unroll 4
    for (unsigned i = 0; i < TVN_COPY_REASON_COUNT; i++) {
        enum tvn_copy_reason reason = (enum tvn_copy_reason)i;
        uint64_t count = tvn_stat_get(&log->copies->count[i]);
        if (count == log->counts[i]) {
            continue;
        }
        uint64_t bytes = tvn_stat_get(&log->copies->bytes[i]);
        struct tvn_copy_slot *slot = tvn_copy_ledger_next(log->ledger);
        tvn_copy_slot_put(&slot->end_ticks, log->now_ticks);
        tvn_copy_slot_put(&slot->resource,
                          tvn_copy_is_of_input(in != NULL, reason) ? in->payload.raw : output);
        tvn_copy_slot_put(&slot->sequence, watched->sequence);
        tvn_copy_slot_put(&slot->copies, count - log->counts[i]);
        tvn_copy_slot_put(&slot->bytes, bytes - log->bytes[i]);
        tvn_copy_slot_put(&slot->call, tvn_copy_slot_call(watched->stage, in != NULL, reason));
        log->counts[i] = count;
        log->bytes[i] = bytes;
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
    struct tvn_logged_call *logged = &log->calls[log->count++];
    log->now_ticks = end_ticks;
    logged->end_ticks = end_ticks;
    logged->since_ticks = in ? in->spare : 0;
    logged->sequence = watched->sequence;
    logged->edge = watched->edge;
    logged->outcome = outcome;
    if (TVN_LIKELY(log->ledger != NULL)) {
        log_copies(log, watched, has_output ? call->out[0].payload.raw : 0);
    }
    if (in) {
        in->spare = end_ticks;
    } else if (has_output) {
        tvn_recorder_follow(recorder, watched->sequence, begin_ticks, call->out, end_ticks);
    }
    if (TVN_UNLIKELY(outcome != TVN_OUTCOME_EMIT && outcome != TVN_OUTCOME_DROP)) {
        tvn_recorder_settle(recorder); /* what follows is no part of the next call */
        return false;
    }
    if (TVN_UNLIKELY(log->count == TVN_CALL_LOG_MAX)) {
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
