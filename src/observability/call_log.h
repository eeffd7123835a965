/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The calls of one vector of one stage at level DIAGNOSTIC, until the vector is over: what a call
 * costs is a reading of the clock and a few words; histograms and ledger get them in a row.
 *
 * A call begins when the one before it in the log has ended, or, the first one, when the log was
 * begun. What it copied is what the stage's counters grew by since then.
 *
 * Threads: the flow's. Memory: by value. Limits: TVN_CALL_LOG_MAX calls; who logs more empties it
 * first.
 */
#include "base/clock.h"
#include "types/event_sink.h"
#include "types/flow_stats.h"

#include <assert.h>

#define TVN_CALL_LOG_MAX 32u

struct tvn_copy_counts {
    uint64_t copies[TVN_COPY_REASON_COUNT];
    uint64_t bytes[TVN_COPY_REASON_COUNT];
};

struct tvn_logged_call {
    uint64_t end_ticks;
    uint64_t since_ticks; /* the input was put into its queue; 0: not known */
    uint64_t sequence;
    uint64_t input; /* tvn_buffer_id.raw; 0 without */
    uint64_t output;
    uint32_t edge;
    enum tvn_outcome outcome;
    struct tvn_copy_counts counts; /* the stage's, after the call */
};
static_assert(sizeof(struct tvn_logged_call) == 112, "two cache lines at most");

/* All zero is an empty one. */
struct tvn_call_log {
    uint32_t count;
    uint32_t stage;
    enum tvn_entry entry;
    uint64_t begin_ticks;
    struct tvn_copy_counts counts; /* before the first call */
    struct tvn_logged_call calls[TVN_CALL_LOG_MAX];
};

/* HOT PATH. */
static inline void tvn_copy_counts_read(struct tvn_copy_counts *counts,
                                        const struct tvn_copy_stats *stats)
{
    for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
        counts->copies[reason] = tvn_stat_get(&stats->count[reason]);
        counts->bytes[reason] = tvn_stat_get(&stats->bytes[reason]);
    }
}

/* HOT PATH. Of an empty log: calls of this kind follow, from now on. */
static inline void tvn_call_log_begin(struct tvn_call_log *log, const struct tvn_watched *watched,
                                      const struct tvn_copy_stats *stats)
{
    log->stage = watched->stage;
    log->entry = watched->entry;
    tvn_copy_counts_read(&log->counts, stats);
    log->begin_ticks = tvn_ticks_now();
}

/* HOT PATH. When the next call begins. */
static inline uint64_t tvn_call_log_now(const struct tvn_call_log *log)
{
    return log->count == 0 ? log->begin_ticks : log->calls[log->count - 1].end_ticks;
}
