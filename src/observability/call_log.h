/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The calls of one vector of one stage at level DIAGNOSTIC, until the vector is over: what a call
 * costs is a reading of the clock and a few words, and the histograms get them in a row.
 *
 * A call begins when the one before it in the log has ended, or, the first one, when the log was
 * begun. What it copied is what the stage's counters grew by since then; the ledger of copies gets
 * that when the vector is over, too.
 *
 * Threads: the flow's. Memory: by value. Limits: TVN_CALL_LOG_MAX calls.
 */
#include "observability/copy_ledger.h"
#include "types/event_sink.h"
#include "types/flow_stats.h"

#include <assert.h>

#define TVN_CALL_LOG_MAX 33u /* a usual vector is over before its log is full */

/* How much a stage has copied. */
struct tvn_copied {
    uint64_t count[TVN_COPY_REASON_COUNT];
    uint64_t bytes[TVN_COPY_REASON_COUNT];
};

struct tvn_logged_call {
    uint64_t end_ticks;
    uint64_t since_ticks; /* the input was put into its queue; 0: not known */
    uint64_t sequence;
    uint64_t input; /* tvn_buffer_id.raw; 0: none */
    uint64_t output;
    uint32_t edge;
    enum tvn_outcome outcome;
    struct tvn_copied copied; /* until its end */
};
static_assert(sizeof(struct tvn_logged_call) == 112, "not quite two cache lines");

/* All zero is one that is not open. */
struct tvn_call_log {
    struct tvn_logged_call *end; /* behind the last call; NULL: not open */
    uint32_t stage;
    enum tvn_entry entry;
    uint64_t begin_ticks;
    uint64_t now_ticks; /* the end of the last call; the beginning of the next one */
    const struct tvn_copy_stats *copies; /* of the stage */
    struct tvn_copied copied;            /* before the first call */
    struct tvn_logged_call calls[TVN_CALL_LOG_MAX];
};
