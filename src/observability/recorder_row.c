/* SPDX-License-Identifier: Apache-2.0 */
/* Level DIAGNOSTIC: the calls of vectors that are watched as a whole. */
#include "base/assert.h"
#include "observability/recorder_internal.h"

static void settle_processing(struct tvn_recorder *recorder)
{
    const struct tvn_call_log *log = &recorder->log;
    uint64_t times_ns[TVN_CALL_LOG_MAX];
    uint64_t begin_ticks = log->begin_ticks;
    for (uint32_t i = 0; i < log->count; i++) {
        times_ns[i] = tvn_ticks_to_ns(log->calls[i].end_ticks - begin_ticks);
        begin_ticks = log->calls[i].end_ticks;
    }
    /* Only the last one may have come to nothing: it ends the log. */
    uint32_t count =
        log->count - !tvn_recorder_is_timed(log->entry, log->calls[log->count - 1].outcome);
    tvn_histogram_record_many(&recorder->processing[log->stage], times_ns, count);
}

static void record_waiting(struct tvn_recorder *recorder, uint32_t edge, const uint64_t *times_ns,
                           uint32_t count)
{
    if (edge < recorder->edge_count) {
        tvn_histogram_record_many(&recorder->waiting[edge], times_ns, count);
    }
}

/* How long the inputs stood in their queues. */
static void settle_waiting(struct tvn_recorder *recorder)
{
    const struct tvn_call_log *log = &recorder->log;
    uint64_t times_ns[TVN_CALL_LOG_MAX];
    uint64_t begin_ticks = log->begin_ticks;
    uint32_t edge = log->calls[0].edge;
    uint32_t count = 0;
    for (uint32_t i = 0; i < log->count; i++) {
        const struct tvn_logged_call *call = &log->calls[i];
        if (TVN_UNLIKELY(call->edge != edge)) {
            record_waiting(recorder, edge, times_ns, count);
            edge = call->edge;
            count = 0;
        }
        bool is_known = call->since_ticks != 0 && call->since_ticks >= recorder->reset_ticks &&
                        begin_ticks >= call->since_ticks;
        times_ns[count] = tvn_ticks_to_ns(begin_ticks - call->since_ticks);
        count += is_known;
        begin_ticks = call->end_ticks;
    }
    record_waiting(recorder, edge, times_ns, count);
}

static void settle_latency(struct tvn_recorder *recorder)
{
    const struct tvn_call_log *log = &recorder->log;
    uint64_t times_ns[TVN_CALL_LOG_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < log->count; i++) {
        const struct tvn_logged_call *call = &log->calls[i];
        uint64_t start_ticks = tvn_recorder_start_of(recorder, call->sequence);
        times_ns[count] = tvn_ticks_to_ns(call->end_ticks - start_ticks);
        count +=
            call->outcome == TVN_OUTCOME_EMIT && start_ticks != 0 && call->end_ticks >= start_ticks;
    }
    tvn_histogram_record_many(recorder->latency, times_ns, count);
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
    if (log->count == 0) {
        return;
    }
    settle_processing(recorder);
    if (log->entry != TVN_ENTRY_PULL) {
        settle_waiting(recorder);
    }
    if (log->entry == TVN_ENTRY_PUSH) {
        settle_latency(recorder);
    }
    struct tvn_copy_ledger *copies = atomic_load_explicit(&recorder->copies, memory_order_acquire);
    if (copies) {
        tvn_copy_ledger_add_logged(copies, log);
    }
    refresh_logged(recorder);
    log->count = 0;
}

/* The place of the next call, which begins at *out_begin_ticks. */
static inline struct tvn_logged_call *next_logged(struct tvn_recorder *recorder,
                                                  const struct tvn_watched *watched,
                                                  uint64_t *out_begin_ticks)
{
    struct tvn_call_log *log = &recorder->log;
    struct tvn_observed_stage *stage = &recorder->stages[watched->stage];
    if (log->count == TVN_CALL_LOG_MAX ||
        (log->count > 0 && (log->stage != watched->stage || log->entry != watched->entry))) {
        tvn_recorder_settle(recorder);
    }
    if (log->count == 0) {
        stage->invoker = watched->invoker;
        tvn_call_log_begin(log, watched, &stage->stats->copies);
    }
    *out_begin_ticks = tvn_call_log_now(log);
    struct tvn_logged_call *logged = &log->calls[log->count];
    const struct tvn_element *in = watched->in;
    logged->sequence = watched->sequence;
    logged->edge = watched->edge;
    logged->since_ticks = in ? in->spare : 0;
    logged->input = in ? in->payload.raw : 0;
    return logged;
}

enum tvn_outcome tvn_recorder_call_in_row(struct tvn_recorder *recorder,
                                          const struct tvn_watched *watched, struct tvn_call *call)
{
    uint64_t begin_ticks;
    struct tvn_logged_call *logged = next_logged(recorder, watched, &begin_ticks);
    enum tvn_outcome outcome = tvn_invoke(watched->invoker, watched->entry, call);
    uint64_t end_ticks = tvn_ticks_now();
    bool has_output = outcome == TVN_OUTCOME_EMIT && call->out_count > 0;
    logged->end_ticks = end_ticks;
    logged->outcome = outcome;
    logged->output = has_output ? call->out[0].payload.raw : 0;
    tvn_copy_counts_read(&logged->counts, &recorder->stages[watched->stage].stats->copies);
    recorder->log.count++;
    if (watched->in) {
        watched->in->spare = end_ticks;
    } else if (has_output) {
        tvn_recorder_follow(recorder, watched->sequence, begin_ticks, call->out, end_ticks);
    }
    if (TVN_UNLIKELY(outcome != TVN_OUTCOME_EMIT && outcome != TVN_OUTCOME_DROP)) {
        tvn_recorder_settle(recorder); /* what follows is no part of the next call */
    }
    return outcome;
}
