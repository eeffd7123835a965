/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "observability/copy_ledger.h"

#include <stdatomic.h>

/* Records that a writer may put between open and close. */
#define TVN_COPY_LEDGER_OPEN_MAX 132u
/* So that those of an open ledger overwrite none that may be read. */
#define TVN_COPY_LEDGER_SLOTS (TVN_COPY_LEDGER_RECORDS + TVN_COPY_LEDGER_OPEN_MAX)

/* A record but for its number, which is its place. */
struct tvn_copy_slot {
    _Atomic uint64_t end_ticks;
    _Atomic uint64_t resource;
    _Atomic uint64_t sequence;
    _Atomic uint64_t copies;
    _Atomic uint64_t bytes;
    _Atomic uint64_t call; /* stage, has input, reason: tvn_copy_slot_call */
};

/*
 * The writer never waits. It says how far it may overwrite, writes, and says how far it has
 * written; a reader drops what may have been overwritten while it copied.
 */
struct tvn_copy_ledger {
    _Atomic uint64_t begun;
    _Atomic uint64_t count;
    struct tvn_copy_slot slots[TVN_COPY_LEDGER_SLOTS];
};

static inline uint64_t tvn_copy_slot_call(uint32_t stage, bool has_input,
                                          enum tvn_copy_reason reason)
{
    return (uint64_t)stage << 32 | (uint64_t)has_input << 8 | (uint64_t)reason;
}

/* Is it a copy of the input's payload or metadata, or of the output's? */
static inline bool tvn_copy_is_of_input(bool has_input, enum tvn_copy_reason reason)
{
    return has_input && reason != TVN_COPY_PAYLOAD_WRITE;
}

/* Who puts records into an open ledger. */
struct tvn_copy_writer {
    struct tvn_copy_ledger *ledger;
    struct tvn_copy_slot *next; /* where the next record goes */
    uint64_t written;           /* records, of this writer and before */
};

/* HOT PATH. At most TVN_COPY_LEDGER_OPEN_MAX records follow; they are there when it is closed. */
static inline struct tvn_copy_writer tvn_copy_ledger_open(struct tvn_copy_ledger *ledger)
{
    uint64_t written = atomic_load_explicit(&ledger->count, memory_order_relaxed);
    atomic_store_explicit(&ledger->begun, written + TVN_COPY_LEDGER_OPEN_MAX, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    return (struct tvn_copy_writer){
        .ledger = ledger,
        .next = &ledger->slots[written % TVN_COPY_LEDGER_SLOTS],
        .written = written,
    };
}

static inline void tvn_copy_ledger_close(const struct tvn_copy_writer *writer)
{
    struct tvn_copy_ledger *ledger = writer->ledger;
    atomic_store_explicit(&ledger->count, writer->written, memory_order_release);
    atomic_store_explicit(&ledger->begun, writer->written, memory_order_relaxed);
}

static inline void tvn_copy_slot_put(_Atomic uint64_t *word, uint64_t value)
{
    atomic_store_explicit(word, value, memory_order_relaxed);
}

/* What one call copied for one reason. */
struct tvn_copy_entry {
    uint64_t end_ticks;
    uint64_t resource; /* tvn_buffer_id.raw; 0: none */
    uint64_t sequence;
    uint64_t copies;
    uint64_t bytes;
    uint32_t stage;
    bool has_input;
    enum tvn_copy_reason reason;
};

/* HOT PATH. The next record. */
static TVN_ALWAYS_INLINE void tvn_copy_ledger_put(struct tvn_copy_writer *writer,
                                                  struct tvn_copy_entry entry)
{
    struct tvn_copy_slot *slot = writer->next++;
    if (TVN_UNLIKELY(writer->next == writer->ledger->slots + TVN_COPY_LEDGER_SLOTS)) {
        writer->next = writer->ledger->slots;
    }
    writer->written++;
    tvn_copy_slot_put(&slot->end_ticks, entry.end_ticks);
    tvn_copy_slot_put(&slot->resource, entry.resource);
    tvn_copy_slot_put(&slot->sequence, entry.sequence);
    tvn_copy_slot_put(&slot->copies, entry.copies);
    tvn_copy_slot_put(&slot->bytes, entry.bytes);
    tvn_copy_slot_put(&slot->call, tvn_copy_slot_call(entry.stage, entry.has_input, entry.reason));
}
