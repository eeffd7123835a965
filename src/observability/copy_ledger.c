/* SPDX-License-Identifier: Apache-2.0 */
#include "observability/copy_ledger.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "observability/call_log.h"
#include "observability/recorder.h"

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

/* A copy of the input's payload or metadata, or of the output's? */
static bool is_of_input(bool has_input, enum tvn_copy_reason reason)
{
    return has_input && reason != TVN_COPY_PAYLOAD_WRITE;
}

static uint64_t input_of(const struct tvn_call_record *call)
{
    return call->watched->in ? call->watched->in->payload.raw : 0;
}

static uint64_t output_of(const struct tvn_call_record *call)
{
    bool has_output = call->outcome == TVN_OUTCOME_EMIT && call->call->out_count > 0;
    return has_output ? call->call->out[0].payload.raw : 0;
}

uint32_t tvn_copy_records_of(const struct tvn_call_record *call,
                             struct tvn_copy_record out_records[TVN_COPY_REASON_COUNT])
{
    tvn_assert(call && out_records);
    const bool has_input = call->watched->in != NULL;
    uint32_t count = 0;
    for (unsigned i = 0; i < TVN_COPY_REASON_COUNT; i++) {
        enum tvn_copy_reason reason = (enum tvn_copy_reason)i;
        if (call->copies[reason] == 0) {
            continue;
        }
        struct tvn_copy_record *record = &out_records[count++];
        *record = (struct tvn_copy_record){
            .resource = is_of_input(has_input, reason) ? input_of(call) : output_of(call),
            .sequence = call->watched->sequence,
            .copies = call->copies[reason],
            .bytes = call->copy_bytes[reason],
            .stage = call->watched->stage,
            .reason = reason,
        };
        name_parties(record, has_input);
    }
    return count;
}

/* ---- writing ---- */

struct tvn_call_log *tvn_call_log_create(void)
{
    return tvn_calloc(1, sizeof(struct tvn_call_log));
}

void tvn_call_log_destroy(struct tvn_call_log *log)
{
    tvn_free(log);
}

void tvn_call_log_add(struct tvn_call_log *log, const struct tvn_call_record *call)
{
    tvn_debug_assert(log);
    uint64_t count = tvn_stat_get(&log->count);
    uint64_t records = tvn_stat_get(&log->records);
    struct tvn_logged_call *slot = &log->slots[count % TVN_CALL_LOG_SLOTS];
    tvn_call_log_open(log);
    for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
        records += call->copies[reason] > 0;
        tvn_stat_set(&slot->copied.count[reason], call->copies[reason]);
        tvn_stat_set(&slot->copied.bytes[reason], call->copy_bytes[reason]);
    }
    tvn_stat_set(&slot->end_ticks, call->end_ticks);
    tvn_stat_set(&slot->sequence, call->watched->sequence);
    tvn_stat_set(&slot->input, input_of(call));
    tvn_stat_set(&slot->output, output_of(call));
    tvn_stat_set(&slot->records, records);
    tvn_stat_set(&slot->origin, tvn_logged_origin(call->watched->stage, call->watched->in != NULL,
                                                  TVN_LOGGED_ALONE));
    tvn_call_log_close(log, records > tvn_stat_get(&log->records) ? count + 1 : count, records);
}

/* ---- reading ---- */

uint64_t tvn_copy_ledger_count(const struct tvn_call_log *log)
{
    return log ? tvn_stat_get(&log->records) : 0;
}

/* What the call in slot `at` copied; at_ns is in ticks yet. What was overwritten meanwhile is
 * nonsense, but of the right types. */
static uint32_t records_at(const struct tvn_call_log *log, uint64_t at,
                           struct tvn_copy_record out_records[TVN_COPY_REASON_COUNT])
{
    static const struct tvn_logged_call nothing;
    const struct tvn_logged_call *call = &log->slots[at % TVN_CALL_LOG_SLOTS];
    const struct tvn_logged_call *before = &log->slots[(at - 1) % TVN_CALL_LOG_SLOTS];
    uint64_t origin = tvn_stat_get(&call->origin);
    enum tvn_logged_kind kind = (enum tvn_logged_kind)(origin & 0xff);
    bool has_input = (origin & 0x100) != 0;
    const struct tvn_copy_stats *copied =
        kind == TVN_LOGGED_ALONE ? &nothing.copied : &before->copied;
    uint32_t count = 0;
    for (unsigned i = 0; kind != TVN_LOGGED_BEGIN && i < TVN_COPY_REASON_COUNT; i++) {
        enum tvn_copy_reason reason = (enum tvn_copy_reason)i;
        uint64_t copies =
            tvn_stat_get(&call->copied.count[reason]) - tvn_stat_get(&copied->count[reason]);
        if (copies == 0) {
            continue;
        }
        struct tvn_copy_record *record = &out_records[count];
        *record = (struct tvn_copy_record){
            .at_ns = tvn_stat_get(&call->end_ticks),
            .resource = tvn_stat_get(is_of_input(has_input, reason) ? &call->input : &call->output),
            .sequence = tvn_stat_get(&call->sequence),
            .copies = copies,
            .bytes =
                tvn_stat_get(&call->copied.bytes[reason]) - tvn_stat_get(&copied->bytes[reason]),
            .stage = (uint32_t)(origin >> 32),
            .reason = reason,
        };
        name_parties(record, has_input);
        count++;
    }
    uint64_t number = tvn_stat_get(&call->records) - count;
    for (uint32_t i = 0; i < count; i++) {
        out_records[i].number = number + i;
    }
    return count;
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

/* Neither the slot nor the one before it was overwritten before now. */
static bool is_whole(const struct tvn_call_log *log, uint64_t at)
{
    atomic_thread_fence(memory_order_acquire);
    return tvn_stat_get(&log->begun) < at + TVN_CALL_LOG_SLOTS;
}

uint32_t tvn_copy_ledger_read(const struct tvn_call_log *log, uint64_t first, uint32_t max,
                              struct tvn_copy_record *out_records)
{
    uint64_t count = log ? atomic_load_explicit(&log->count, memory_order_acquire) : 0;
    uint64_t at = count > TVN_COPY_LEDGER_SLOTS ? count - TVN_COPY_LEDGER_SLOTS : 0;
    uint32_t copied = 0;
    for (; at < count && copied < max; at++) {
        struct tvn_copy_record records[TVN_COPY_REASON_COUNT];
        uint32_t found = records_at(log, at, records);
        if (!is_whole(log, at)) {
            copied = 0; /* nor is what came before */
            continue;
        }
        for (uint32_t i = 0; i < found && copied < max; i++) {
            if (records[i].number >= first) {
                out_records[copied++] = records[i];
            }
        }
    }
    tell_wall_time(out_records, copied);
    return copied;
}
