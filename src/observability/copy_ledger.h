/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The last copies of one flow, one by one: when, of which buffer, from where to where, how many
 * bytes and why. Worked out, when somebody asks, from the log of the flow's last calls, which is
 * kept at level DIAGNOSTIC only; at the other levels copies are counted (types/flow_stats.h) and
 * nothing else.
 *
 * A record is what one call copied for one reason: a guest that reads a buffer in three pieces
 * makes one record of three copies. It is the difference of the stage's counters before and after
 * the call, so that copying itself costs the same at every level.
 *
 * Threads: one writer, the flow's; any thread may read. Limits: what is in the last
 * TVN_COPY_LEDGER_SLOTS slots of the log, in which a vector's calls take one each and their
 * beginning one or two: the copies of 88 calls of usual vectors, of 46 where each vector is a
 * single call. Vectors that copied nothing at all take none.
 */
#include "base/compiler.h"
#include "base/status.h"
#include "types/flow_stats.h"

#define TVN_COPY_LEDGER_SLOTS 92u

/* Who may be on either side beside a stage, by its index: the host's buffers and metadata, and what
 * a built-in stage reads from or writes to. */
#define TVN_COPY_PARTY_HOST    UINT32_MAX
#define TVN_COPY_PARTY_OUTSIDE (UINT32_MAX - 1)

struct tvn_copy_record {
    uint64_t number;      /* of the flow's records, from 0 */
    uint64_t at_ns;       /* wall clock: the call had ended; worked out when it is read */
    uint64_t resource;    /* tvn_buffer_id.raw; 0: of none that outlived the call */
    uint64_t sequence;    /* of the element; TVN_EVENT_NO_SEQUENCE without */
    uint64_t copies;      /* at least 1 */
    uint64_t bytes;       /* of all of them */
    uint32_t stage;       /* whose call it was */
    uint32_t source;      /* a stage or TVN_COPY_PARTY_… */
    uint32_t destination; /* likewise */
    enum tvn_copy_reason reason;
};

struct tvn_call_record;
struct tvn_call_log;

/* WARM PATH. What a watched call copied: returns how many records, `number` and `at_ns` unset. For
 * any listener of a recorder. */
uint32_t tvn_copy_records_of(const struct tvn_call_record *call,
                             struct tvn_copy_record out_records[TVN_COPY_REASON_COUNT]);

// COLD PATH. NULL when memory is exhausted.
TVN_NODISCARD struct tvn_call_log *tvn_call_log_create(void);
void tvn_call_log_destroy(struct tvn_call_log *log);
TVN_DEFINE_CLEANUP(tvn_call_log, tvn_call_log_destroy)

/* WARM PATH. The writer: a watched call has ended that is accounted for by itself. If it copied
 * nothing it is not kept. Takes no lock and never waits. */
void tvn_call_log_add(struct tvn_call_log *log, const struct tvn_call_record *call);
/* Records of the calls logged so far, those that were overwritten included. NULL: 0. */
uint64_t tvn_copy_ledger_count(const struct tvn_call_log *log);
/* COLD PATH. Up to `max` records from number `first` on, or from the oldest that is left, in order;
 * returns how many. NULL: 0. */
uint32_t tvn_copy_ledger_read(const struct tvn_call_log *log, uint64_t first, uint32_t max,
                              struct tvn_copy_record *out_records);
