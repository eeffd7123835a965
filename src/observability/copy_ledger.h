/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The last copies of one flow, one by one: when, of which buffer, from where to where, how many
 * bytes and why. Filled by the flow's recorder at level DIAGNOSTIC only; at the other levels copies
 * are counted (types/flow_stats.h) and nothing else.
 *
 * A record is what one call copied for one reason: a guest that reads a buffer in three pieces
 * makes one record of three copies. It is worked out from the stage's counters before and after the
 * call, so that copying itself costs the same at every level.
 *
 * Threads: one writer, the flow's; any thread may read. Memory: create allocates
 * TVN_COPY_LEDGER_RECORDS records and some, 12 KiB, few enough to leave the processor's first cache
 * to the flow; older ones are overwritten.
 */
#include "base/compiler.h"
#include "base/status.h"
#include "types/flow_stats.h"

#define TVN_COPY_LEDGER_RECORDS 128u

/* Who may be on either side beside a stage, by its index: the host's buffers and metadata, and what
 * a built-in stage reads from or writes to. */
#define TVN_COPY_PARTY_HOST    UINT32_MAX
#define TVN_COPY_PARTY_OUTSIDE (UINT32_MAX - 1)

struct tvn_copy_record {
    uint64_t number;      /* of the flow's records, from 0; given by the ledger */
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
struct tvn_copy_ledger;

/* WARM PATH. What a watched call copied: returns how many records, `number` and `at_ns` unset. For
 * any listener of a recorder. */
uint32_t tvn_copy_records_of(const struct tvn_call_record *call,
                             struct tvn_copy_record out_records[TVN_COPY_REASON_COUNT]);

// COLD PATH. NULL when memory is exhausted.
TVN_NODISCARD struct tvn_copy_ledger *tvn_copy_ledger_create(void);
void tvn_copy_ledger_destroy(struct tvn_copy_ledger *ledger);
TVN_DEFINE_CLEANUP(tvn_copy_ledger, tvn_copy_ledger_destroy)

/* WARM PATH. The writer: a watched call has ended. Takes no lock and never waits. */
void tvn_copy_ledger_add(struct tvn_copy_ledger *ledger, const struct tvn_call_record *call);
/* Records made so far, those that were overwritten included. NULL: 0. */
uint64_t tvn_copy_ledger_count(const struct tvn_copy_ledger *ledger);
/* COLD PATH. Up to `max` records from number `first` on, or from the oldest that is left, in order;
 * returns how many. NULL: 0. */
uint32_t tvn_copy_ledger_read(const struct tvn_copy_ledger *ledger, uint64_t first, uint32_t max,
                              struct tvn_copy_record *out_records);
