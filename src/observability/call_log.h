/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The last calls of one flow at level DIAGNOSTIC, one by one: a ring that each call is written to
 * once, and that two parties read. When a vector is over the recorder takes its calls into the
 * histograms, in a row; and whoever asks for the flow's last copies works them out from what is in
 * the ring (copy_ledger.h).
 *
 * What a call copied is what the stage's counters grew by, so that a call keeps them as they stand
 * at its end. Calls of one vector follow each other, and before the first one stands their
 * beginning: each begins, and has copied, from where the one before it ended. A call that is
 * accounted for by itself stands alone and keeps what it copied.
 *
 * Threads: the flow's writes, without ever waiting; any may read. The writer says how far it may
 * overwrite, writes, and says how far it has written; a reader drops what may have been overwritten
 * while it read. Memory: 16 KiB, made when the level is DIAGNOSTIC for the first time; little
 * enough to leave the processor's first cache to the flow. Limits: TVN_CALL_LOG_MAX calls of a
 * vector in a row.
 */
#include "observability/copy_ledger.h"
#include "types/event_sink.h"
#include "types/flow_stats.h"

#include <assert.h>

#define TVN_CALL_LOG_MAX   33u /* a usual vector is over before its log is full */
#define TVN_CALL_LOG_SLOTS 128u
/* Slots that may be overwritten between open and close: a beginning, twice at the ring's end. */
#define TVN_CALL_LOG_OPEN_MAX (TVN_CALL_LOG_MAX + 2)
static_assert(TVN_COPY_LEDGER_SLOTS + TVN_CALL_LOG_OPEN_MAX + 1 <= TVN_CALL_LOG_SLOTS,
              "an open log overwrites none of what may be read");

enum tvn_logged_kind {
    TVN_LOGGED_BEGIN, /* of calls that follow: end_ticks, records and copied only */
    TVN_LOGGED_NEXT,  /* a call; the one before it, or the beginning, stands before it */
    TVN_LOGGED_ALONE, /* a call; `copied` is what it copied itself */
};

/* In three groups: what anybody reads, what only the writer does, and what was copied. */
struct tvn_logged_call {
    tvn_stat end_ticks;
    tvn_stat sequence;
    tvn_stat input; /* tvn_buffer_id.raw; 0: none */
    tvn_stat output;
    tvn_stat records;     /* of copies, of the flow, up to its end */
    tvn_stat origin;      /* tvn_logged_origin */
    uint64_t since_ticks; /* the input was put into its queue; 0: not known */
    uint32_t edge;
    enum tvn_outcome outcome;
    struct tvn_copy_stats copied; /* by the stage until its end */
};
static_assert(sizeof(struct tvn_logged_call) == 128, "two cache lines");

/* All zero is an empty one. Numbers of slots are counted through all rounds of the ring. */
struct tvn_call_log {
    tvn_stat begun;   /* slots that may have been written: never less than before */
    tvn_stat count;   /* slots that are whole */
    tvn_stat records; /* of copies, in them and before */
    struct tvn_logged_call slots[TVN_CALL_LOG_SLOTS];
};

static inline uint64_t tvn_logged_origin(uint32_t stage, bool has_input, enum tvn_logged_kind kind)
{
    return (uint64_t)stage << 32 | (uint64_t)has_input << 8 | (uint64_t)kind;
}

/* HOT PATH. Before which slot calls from `first` on must end. */
static inline struct tvn_logged_call *tvn_call_log_limit(struct tvn_call_log *log,
                                                         struct tvn_logged_call *first)
{
    struct tvn_logged_call *end = log->slots + TVN_CALL_LOG_SLOTS;
    return (size_t)(end - first) > TVN_CALL_LOG_MAX ? first + TVN_CALL_LOG_MAX : end;
}

/* HOT PATH. From now on up to TVN_CALL_LOG_OPEN_MAX slots are written. */
static inline void tvn_call_log_open(struct tvn_call_log *log)
{
    tvn_stat_set(&log->begun, tvn_stat_get(&log->count) + TVN_CALL_LOG_OPEN_MAX);
    atomic_thread_fence(memory_order_release);
}

/* HOT PATH. So many slots are whole now, and up to the last one there were so many records. */
static inline void tvn_call_log_close(struct tvn_call_log *log, uint64_t count, uint64_t records)
{
    tvn_stat_set(&log->records, records);
    atomic_store_explicit(&log->count, count, memory_order_release);
}

/* HOT PATH. Opens the log and writes the beginning of calls that follow. Returns where the first
 * one goes: never the ring's first slot, which has none before it. */
static inline struct tvn_logged_call *tvn_call_log_begin(struct tvn_call_log *log,
                                                         uint64_t begin_ticks,
                                                         const struct tvn_copy_stats *copies)
{
    tvn_call_log_open(log);
    struct tvn_logged_call *slot = &log->slots[tvn_stat_get(&log->count) % TVN_CALL_LOG_SLOTS];
    for (;; slot = log->slots) {
        tvn_stat_set(&slot->end_ticks, begin_ticks);
        tvn_stat_set(&slot->records, tvn_stat_get(&log->records));
        tvn_stat_set(&slot->origin, TVN_LOGGED_BEGIN);
#pragma GCC unroll 4
        for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
            tvn_stat_set(&slot->copied.count[reason], tvn_stat_get(&copies->count[reason]));
            tvn_stat_set(&slot->copied.bytes[reason], tvn_stat_get(&copies->bytes[reason]));
        }
        if (TVN_LIKELY(slot + 1 < log->slots + TVN_CALL_LOG_SLOTS)) {
            return slot + 1;
        }
    }
}

/* HOT PATH. What the stage had copied when the call in this slot ended, and how many records the
 * flow has with it. */
static TVN_ALWAYS_INLINE void tvn_logged_copied(struct tvn_logged_call *slot,
                                                const struct tvn_copy_stats *copies)
{
    uint64_t records = tvn_stat_get(&slot[-1].records);
#pragma GCC unroll 4
    for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
        uint64_t count = tvn_stat_get(&copies->count[reason]);
        records += count > tvn_stat_get(&slot[-1].copied.count[reason]);
        tvn_stat_set(&slot->copied.count[reason], count);
        tvn_stat_set(&slot->copied.bytes[reason], tvn_stat_get(&copies->bytes[reason]));
    }
    tvn_stat_set(&slot->records, records);
}

/* HOT PATH. The calls before `end` are whole. If none of them copied anything they are not kept. */
static inline void tvn_call_log_end(struct tvn_call_log *log, const struct tvn_logged_call *end)
{
    uint64_t count = tvn_stat_get(&log->count);
    uint64_t records = tvn_stat_get(&end[-1].records);
    if (records > tvn_stat_get(&log->records)) {
        uint64_t at = (uint64_t)(end - log->slots);
        count += (at + TVN_CALL_LOG_SLOTS - count % TVN_CALL_LOG_SLOTS) % TVN_CALL_LOG_SLOTS;
    }
    tvn_call_log_close(log, count, records);
}
