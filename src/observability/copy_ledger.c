/* SPDX-License-Identifier: Apache-2.0 */
#include "observability/copy_ledger.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "observability/copy_ledger_internal.h"
#include "observability/recorder.h"

#include <string.h>

/* Where bytes came from and went to. A built-in stage copies between its buffers and the outside, a
 * component between its memory and the host's buffers. */
static void name_parties(struct tvn_copy_record *record, bool has_input)
{
    uint32_t stage = record->stage;
    switch (record->reason) {
    case TVN_COPY_PAYLOAD_READ:
    case TVN_COPY_METADATA_MARSHAL:
        record->source = TVN_COPY_PARTY_HOST;
        record->destination = stage;
        return;
    case TVN_COPY_PAYLOAD_WRITE:
        record->source = stage;
        record->destination = TVN_COPY_PARTY_HOST;
        return;
    case TVN_COPY_HOST_SERIALIZE:
        record->source = has_input ? TVN_COPY_PARTY_HOST : TVN_COPY_PARTY_OUTSIDE;
        record->destination = has_input ? TVN_COPY_PARTY_OUTSIDE : TVN_COPY_PARTY_HOST;
        return;
    case TVN_COPY_REASON_COUNT:
        break;
    }
    tvn_unreachable();
}

static uint64_t resource_of(const struct tvn_call_record *call, enum tvn_copy_reason reason)
{
    const struct tvn_element *in = call->watched->in;
    bool has_output = call->outcome == TVN_OUTCOME_EMIT && call->call->out_count > 0;
    if (tvn_copy_is_of_input(in != NULL, reason)) {
        return in->payload.raw;
    }
    return has_output ? call->call->out[0].payload.raw : 0;
}

uint32_t tvn_copy_records_of(const struct tvn_call_record *call,
                             struct tvn_copy_record out_records[TVN_COPY_REASON_COUNT])
{
    tvn_assert(call && out_records);
    uint32_t count = 0;
    for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
        if (call->copies[reason] == 0) {
            continue;
        }
        struct tvn_copy_record *record = &out_records[count++];
        *record = (struct tvn_copy_record){
            .resource = resource_of(call, (enum tvn_copy_reason)reason),
            .sequence = call->watched->sequence,
            .copies = call->copies[reason],
            .bytes = call->copy_bytes[reason],
            .stage = call->watched->stage,
            .reason = (enum tvn_copy_reason)reason,
        };
        name_parties(record, call->watched->in != NULL);
    }
    return count;
}

struct tvn_copy_ledger *tvn_copy_ledger_create(void)
{
    return tvn_calloc(1, sizeof(struct tvn_copy_ledger));
}

void tvn_copy_ledger_destroy(struct tvn_copy_ledger *ledger)
{
    tvn_free(ledger);
}

/* ---- writing ---- */

void tvn_copy_ledger_add(struct tvn_copy_ledger *ledger, const struct tvn_call_record *call)
{
    tvn_debug_assert(ledger);
    struct tvn_copy_writer writer = tvn_copy_ledger_open(ledger);
    for (unsigned i = 0; i < TVN_COPY_REASON_COUNT; i++) {
        enum tvn_copy_reason reason = (enum tvn_copy_reason)i;
        if (call->copies[reason] == 0) {
            continue;
        }
        const struct tvn_copy_entry entry = {
            .end_ticks = call->end_ticks,
            .resource = resource_of(call, reason),
            .sequence = call->watched->sequence,
            .copies = call->copies[reason],
            .bytes = call->copy_bytes[reason],
            .stage = call->watched->stage,
            .has_input = call->watched->in != NULL,
            .reason = reason,
        };
        tvn_copy_ledger_put(&writer, entry);
    }
    tvn_copy_ledger_close(&writer);
}

/* ---- reading ---- */

uint64_t tvn_copy_ledger_count(const struct tvn_copy_ledger *ledger)
{
    return ledger ? atomic_load_explicit(&ledger->count, memory_order_acquire) : 0;
}

static inline uint64_t get(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* at_ns is in ticks yet. What was overwritten meanwhile is nonsense, but of the right types. */
static void read_slot(const struct tvn_copy_slot *slot, uint64_t number,
                      struct tvn_copy_record *record)
{
    uint64_t call = get(&slot->call);
    *record = (struct tvn_copy_record){
        .number = number,
        .at_ns = get(&slot->end_ticks),
        .resource = get(&slot->resource),
        .sequence = get(&slot->sequence),
        .copies = get(&slot->copies),
        .bytes = get(&slot->bytes),
        .stage = (uint32_t)(call >> 32),
        .reason = (enum tvn_copy_reason)(call & 0xff),
    };
    name_parties(record, (call & 0x100) != 0);
}

static void tell_wall_time(struct tvn_copy_record *records, uint32_t count)
{
    uint64_t now_ns = tvn_clock_wall_ns();
    uint64_t now_ticks = tvn_ticks_now();
    for (uint32_t i = 0; i < count; i++) {
        uint64_t end_ticks = tvn_min(records[i].at_ns, now_ticks);
        records[i].at_ns = now_ns - tvn_ticks_to_ns(now_ticks - end_ticks);
    }
}

uint32_t tvn_copy_ledger_read(const struct tvn_copy_ledger *ledger, uint64_t first, uint32_t max,
                              struct tvn_copy_record *out_records)
{
    uint64_t count = tvn_copy_ledger_count(ledger);
    uint64_t oldest = count > TVN_COPY_LEDGER_RECORDS ? count - TVN_COPY_LEDGER_RECORDS : 0;
    first = tvn_max(first, oldest);
    uint32_t copied = 0;
    for (uint64_t number = first; number < count && copied < max; number++) {
        read_slot(&ledger->slots[number % TVN_COPY_LEDGER_SLOTS], number, &out_records[copied++]);
    }
    if (copied == 0) {
        return 0;
    }
    atomic_thread_fence(memory_order_acquire);
    uint64_t begun = get(&ledger->begun);
    oldest = begun > TVN_COPY_LEDGER_SLOTS ? begun - TVN_COPY_LEDGER_SLOTS : 0;
    uint32_t lost = (uint32_t)tvn_min(oldest > first ? oldest - first : 0, (uint64_t)copied);
    copied -= lost;
    memmove(out_records, out_records + lost, copied * sizeof(*out_records));
    tell_wall_time(out_records, copied);
    return copied;
}
