/* SPDX-License-Identifier: Apache-2.0 */
#include "observability/copy_ledger.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "observability/recorder.h"

#include <pthread.h>

struct tvn_copy_ledger {
    pthread_mutex_t lock; /* diagnostic level only: a reader must not see half a record */
    uint64_t count;
    struct tvn_copy_record records[TVN_COPY_LEDGER_RECORDS]; /* by number; at_ns is in ticks */
};

/* Where bytes came from and went to. A built-in stage copies between its buffers and the outside, a
 * component between its memory and the host's buffers. */
static void name_parties(const struct tvn_call_record *call, struct tvn_copy_record *record)
{
    uint32_t stage = call->watched->stage;
    bool has_input = call->watched->in != NULL;
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
    if (in && reason != TVN_COPY_PAYLOAD_WRITE) {
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
        name_parties(call, record);
    }
    return count;
}

struct tvn_copy_ledger *tvn_copy_ledger_create(void)
{
    struct tvn_copy_ledger *ledger = tvn_calloc(1, sizeof(*ledger));
    if (ledger) {
        pthread_mutex_init(&ledger->lock, NULL);
    }
    return ledger;
}

void tvn_copy_ledger_destroy(struct tvn_copy_ledger *ledger)
{
    if (ledger) {
        pthread_mutex_destroy(&ledger->lock);
        tvn_free(ledger);
    }
}

void tvn_copy_ledger_add(struct tvn_copy_ledger *ledger, const struct tvn_call_record *call)
{
    tvn_assert(ledger);
    struct tvn_copy_record records[TVN_COPY_REASON_COUNT];
    uint32_t count = tvn_copy_records_of(call, records);
    if (count == 0) {
        return;
    }
    pthread_mutex_lock(&ledger->lock);
    for (uint32_t i = 0; i < count; i++) {
        records[i].number = ledger->count;
        records[i].at_ns = call->end_ticks;
        ledger->records[ledger->count++ % TVN_COPY_LEDGER_RECORDS] = records[i];
    }
    pthread_mutex_unlock(&ledger->lock);
}

uint64_t tvn_copy_ledger_count(struct tvn_copy_ledger *ledger)
{
    if (!ledger) {
        return 0;
    }
    pthread_mutex_lock(&ledger->lock);
    uint64_t count = ledger->count;
    pthread_mutex_unlock(&ledger->lock);
    return count;
}

uint32_t tvn_copy_ledger_read(struct tvn_copy_ledger *ledger, uint64_t first, uint32_t max,
                              struct tvn_copy_record *out_records)
{
    if (!ledger) {
        return 0;
    }
    pthread_mutex_lock(&ledger->lock);
    uint64_t count = ledger->count;
    uint64_t oldest = count > TVN_COPY_LEDGER_RECORDS ? count - TVN_COPY_LEDGER_RECORDS : 0;
    first = tvn_max(first, oldest);
    uint32_t copied = 0;
    for (; first < count && copied < max; first++) {
        out_records[copied++] = ledger->records[first % TVN_COPY_LEDGER_RECORDS];
    }
    pthread_mutex_unlock(&ledger->lock);
    uint64_t now_ns = tvn_clock_wall_ns();
    uint64_t now_ticks = tvn_ticks_now();
    for (uint32_t i = 0; i < copied; i++) {
        uint64_t end_ticks = tvn_min(out_records[i].at_ns, now_ticks);
        out_records[i].at_ns = now_ns - tvn_ticks_to_ns(now_ticks - end_ticks);
    }
    return copied;
}
