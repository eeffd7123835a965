/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The calls of one vector of one stage at level DIAGNOSTIC, until the vector is over: what a call
 * costs is a reading of the clock and a few words, and the histograms get them in a row.
 *
 * A call begins when the one before it in the log has ended, or, the first one, when the log was
 * begun. What it copied is what the stage's counters grew by since then; that goes to the ledger of
 * copies, which is open meanwhile.
 *
 * Threads: the flow's. Memory: by value. Limits: TVN_CALL_LOG_MAX calls.
 */
#include "observability/copy_ledger.h"
#include "types/event_sink.h"
#include "types/flow_stats.h"

#include <assert.h>

#define TVN_CALL_LOG_MAX 32u

struct tvn_logged_call {
    uint64_t end_ticks;
    uint64_t since_ticks; /* the input was put into its queue; 0: not known */
    uint64_t sequence;
    uint32_t edge;
    enum tvn_outcome outcome;
};
static_assert(sizeof(struct tvn_logged_call) == 32, "half a cache line");

/* All zero is one that is not open. */
struct tvn_call_log {
    bool is_open;
    uint32_t count;
    uint32_t stage;
    enum tvn_entry entry;
    uint64_t begin_ticks;
    uint64_t now_ticks; /* the end of the last call; the beginning of the next one */
    const struct tvn_copy_stats *copies;    /* of the stage */
    struct tvn_copy_ledger *ledger;         /* NULL: none */
    uint64_t counts[TVN_COPY_REASON_COUNT]; /* of copies, after the last call */
    uint64_t bytes[TVN_COPY_REASON_COUNT];
    struct tvn_logged_call calls[TVN_CALL_LOG_MAX];
};
