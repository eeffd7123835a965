/* SPDX-License-Identifier: Apache-2.0 */
/* What spans of a flow look like. */
#include "base/clock.h"
#include "base/num.h"
#include "observability/trace_internal.h"
#include "observability/tracer_internal.h"

#include <inttypes.h>
#include <stdio.h>

#define NAME_BYTES   300
#define REBASE_AFTER 10 /* seconds */

/* xorshift64* */
uint64_t tvn_tracer_random(struct tvn_tracer *tracer)
{
    uint64_t x = tracer->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    tracer->random = x;
    x *= UINT64_C(2685821657736338717);
    return x == 0 ? 1 : x;
}

uint64_t tvn_tracer_unix_ns(const struct tvn_tracer *tracer, uint64_t ticks)
{
    uint64_t base = tracer->base_ticks;
    return ticks >= base ? tracer->base_unix_ns + tvn_ticks_to_ns(ticks - base)
                         : tracer->base_unix_ns - tvn_ticks_to_ns(base - ticks);
}

/* Ticks and the wall clock drift apart: milliseconds in an hour. */
static void follow_wall_clock(struct tvn_tracer *tracer)
{
    uint64_t now = tracer->options.ticks();
    if (now - tracer->base_ticks > REBASE_AFTER * tracer->window_ticks) {
        tracer->base_ticks = now;
        tracer->base_unix_ns = tracer->options.unix_ns();
    }
}

void tvn_tracer_send(struct tvn_tracer *tracer)
{
    if (tracer->batch_count > 0) {
        tvn_span_exporter_offer(tracer->options.exporter, tracer->batch, tracer->batch_count);
        tracer->batch_count = 0;
        follow_wall_clock(tracer);
    }
}

/* A new one in the batch, with an id of its own. */
static struct tvn_trace_span *new_span(struct tvn_tracer *tracer, const uint8_t trace_id[16],
                                       uint64_t begin_ticks, uint64_t end_ticks)
{
    if (tracer->batch_count == TVN_TRACER_BATCH) {
        tvn_tracer_send(tracer);
    }
    struct tvn_trace_span *span = &tracer->batch[tracer->batch_count++];
    uint64_t id = tvn_tracer_random(tracer);
    tvn_trace_span_init(span);
    memcpy(span->trace_id, trace_id, sizeof(span->trace_id));
    memcpy(span->span_id, &id, sizeof(span->span_id));
    span->trace_flags = TVN_TRACE_FLAG_SAMPLED;
    span->begin_unix_ns = tvn_tracer_unix_ns(tracer, begin_ticks);
    span->end_unix_ns = tvn_tracer_unix_ns(tracer, tvn_max(begin_ticks, end_ticks));
    return span;
}

/* ---- calls ---- */

static void name_with_buffer(struct tvn_trace_span *span, struct tvn_str prefix,
                             struct tvn_buffer_id buffer)
{
    tvn_trace_span_set_name_number(span, prefix, tvn_buffer_index(buffer));
    tvn_trace_span_add_number(span, "torvyn.buffer.generation", tvn_buffer_generation(buffer));
}

static void copy_span(struct tvn_tracer *tracer, const struct tvn_span_record *record,
                      const uint8_t parent_id[8], unsigned reason)
{
    struct tvn_trace_span *span =
        new_span(tracer, record->trace_id, record->begin_ticks, record->end_ticks);
    bool is_of_input = reason == TVN_COPY_PAYLOAD_READ || record->output.raw == 0;
    memcpy(span->parent_id, parent_id, sizeof(span->parent_id));
    name_with_buffer(span, TVN_STR("resource:copy:"), is_of_input ? record->input : record->output);
    tvn_trace_span_add_text(span, "torvyn.copy.reason",
                            tvn_str_of(tvn_copy_reason_name((enum tvn_copy_reason)reason)));
    tvn_trace_span_add_number(span, "torvyn.copy.count", record->copies[reason]);
    tvn_trace_span_add_number(span, "torvyn.copy.bytes", record->copy_bytes[reason]);
}

/* The payload that a call put out and the next one gets. */
static void transfer_span(struct tvn_tracer *tracer, const struct tvn_span_record *record,
                          const uint8_t parent_id[8])
{
    struct tvn_trace_span *span =
        new_span(tracer, record->trace_id, record->end_ticks, record->end_ticks);
    memcpy(span->parent_id, parent_id, sizeof(span->parent_id));
    name_with_buffer(span, TVN_STR("resource:transfer:"), record->output);
}

static void resource_spans(struct tvn_tracer *tracer, const struct tvn_span_record *record,
                           const uint8_t parent_id[8])
{
    for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
        if (record->copies[reason] > 0 && reason != TVN_COPY_METADATA_MARSHAL) {
            copy_span(tracer, record, parent_id, reason);
        }
    }
    if (record->output.raw != 0) {
        transfer_span(tracer, record, parent_id);
    }
}

/* "FROM→TO" */
static struct tvn_str stream_of(const struct tvn_tracer *tracer, uint32_t edge)
{
    return tvn_str_of(tracer->edges[edge].name + sizeof(TVN_TRACER_PRESSURE) - 1);
}

static void set_error(const struct tvn_tracer *tracer, const struct tvn_span_record *record,
                      struct tvn_trace_span *span)
{
    bool is_last = tracer->error_sequence_plus_one == record->sequence + 1 &&
                   tracer->error_stage == record->stage;
    const char *word = record->outcome == TVN_OUTCOME_DEAD ? "trap" : "error";
    tvn_trace_span_set_error(
        span, tvn_str_of(is_last && tracer->error_text[0] ? tracer->error_text : word));
}

static void export_call(struct tvn_tracer *tracer, const struct tvn_span_record *record)
{
    enum tvn_outcome outcome = (enum tvn_outcome)record->outcome;
    enum tvn_entry entry = (enum tvn_entry)record->entry;
    struct tvn_trace_span *span =
        new_span(tracer, record->trace_id, record->begin_ticks, record->end_ticks);
    uint8_t id[8];
    memcpy(id, span->span_id, sizeof(id)); /* the batch may go before the children come */
    tvn_span_id_of(tracer->options.ids, record->sequence, span->parent_id);
    if (record->is_of_flow) {
        memcpy(span->trace_id, tracer->flow_trace_id, sizeof(span->trace_id));
        memcpy(span->parent_id, tracer->flow_span_id, sizeof(span->parent_id));
    }
    tvn_trace_span_set_name_number(span, tvn_str_of(tracer->prefixes[record->stage]),
                                   record->sequence);
    if (outcome == TVN_OUTCOME_ERROR || outcome == TVN_OUTCOME_DEAD) {
        set_error(tracer, record, span);
    }
    tvn_trace_span_add_text(span, "torvyn.operation", tvn_str_of(tvn_trace_operation_name(entry)));
    tvn_trace_span_add_text(span, "torvyn.result",
                            tvn_str_of(tvn_trace_result_name(entry, outcome, record->has_output)));
    if (record->edge != TVN_EVENT_NOWHERE) {
        tvn_trace_span_add_number(span, "torvyn.queue.wait_ns", record->wait_ns);
    }
    if (record->is_untimed) {
        tvn_trace_span_add_number(span, "torvyn.timed", 0);
    }
    if (!record->has_details) {
        return;
    }
    if (record->edge < tracer->options.graph->edge_count) {
        tvn_trace_span_add_event(span, "torvyn.queue", span->begin_unix_ns);
        tvn_trace_span_add_text(span, "torvyn.stream", stream_of(tracer, record->edge));
        tvn_trace_span_add_number(span, "torvyn.queue.depth", record->depth);
        tvn_trace_span_add_number(span, "torvyn.queue.capacity",
                                  tracer->options.graph->edges[record->edge].capacity);
    }
    resource_spans(tracer, record, id);
}

/* ---- elements ---- */

static const char *end_name(enum tvn_element_end end)
{
    static const char *const names[] = {
        [TVN_ELEMENT_DONE] = "done",
        [TVN_ELEMENT_EVICTED] = "evicted",
        [TVN_ELEMENT_DISCARDED] = "discarded",
        [TVN_ELEMENT_LOST] = "lost",
    };
    return names[end];
}

static void add_state(const struct tvn_tracer *tracer, const struct tvn_span_record *record,
                      struct tvn_trace_span *span)
{
    const struct tvn_traced_state *state = &tracer->states[record->sequence % tracer->state_count];
    if (state->sequence_plus_one == record->sequence + 1 && state->length > 0) {
        tvn_trace_span_set_tracestate(span, (struct tvn_str){state->text, state->length});
    }
}

static void export_element(struct tvn_tracer *tracer, const struct tvn_span_record *record)
{
    struct tvn_trace_span *span =
        new_span(tracer, record->trace_id, record->begin_ticks, record->end_ticks);
    tvn_span_id_of(tracer->options.ids, record->sequence, span->span_id);
    memcpy(span->parent_id, &record->parent_id, sizeof(span->parent_id));
    span->has_remote_parent = record->parent_id != 0;
    memcpy(span->link_trace_id, tracer->flow_trace_id, sizeof(span->link_trace_id));
    memcpy(span->link_span_id, tracer->flow_span_id, sizeof(span->link_span_id));
    tvn_trace_span_set_name_number(span, TVN_STR("element:"), record->sequence);
    if (tracer->states && record->parent_id != 0) {
        add_state(tracer, record, span);
    }
    if (record->is_errored) {
        tvn_trace_span_set_error(span, TVN_STR(""));
    }
    tvn_trace_span_add_text(span, "torvyn.flow", tvn_str_of(tracer->options.graph->flow));
    tvn_trace_span_add_text(span, "torvyn.end",
                            tvn_str_of(end_name((enum tvn_element_end)record->end)));
    if (record->is_untimed) {
        tvn_trace_span_add_number(span, "torvyn.timed", 0);
    }
    if (record->is_promoted && tracer->reason) {
        tvn_trace_span_add_text(span, "torvyn.promoted", tvn_str_of(tracer->reason));
    }
}

void tvn_tracer_export(struct tvn_tracer *tracer, const struct tvn_span_record *record)
{
    if (record->kind == TVN_SPAN_OF_CALL) {
        export_call(tracer, record);
    } else {
        export_element(tracer, record);
    }
}

/* ---- the flow ---- */

void tvn_tracer_export_backpressure(struct tvn_tracer *tracer, const struct tvn_event *event,
                                    uint64_t end_ticks)
{
    uint64_t lasted_ticks = tvn_ticks_from_ns(event->duration_ns);
    uint64_t begin_ticks = end_ticks > lasted_ticks ? end_ticks - lasted_ticks : 0;
    struct tvn_trace_span *span = new_span(tracer, tracer->flow_trace_id, begin_ticks, end_ticks);
    memcpy(span->parent_id, tracer->flow_span_id, sizeof(span->parent_id));
    tvn_trace_span_set_name(span, tvn_str_of(tracer->edges[event->edge].name));
    tvn_trace_span_add_number(span, "torvyn.queue.capacity", event->capacity);
    tvn_trace_span_add_event(span, "torvyn.throttled", span->begin_unix_ns);
    tvn_trace_span_add_number(span, "torvyn.queue.depth",
                              tracer->edges[event->edge].throttled_depth);
    tvn_trace_span_add_event(span, "torvyn.relieved", span->end_unix_ns);
    tvn_trace_span_add_number(span, "torvyn.queue.depth", event->depth);
}

void tvn_tracer_export_flow(struct tvn_tracer *tracer, uint64_t end_ticks)
{
    char name[NAME_BYTES];
    struct tvn_trace_span *span = new_span(tracer, tracer->flow_trace_id, end_ticks, end_ticks);
    memcpy(span->span_id, tracer->flow_span_id, sizeof(span->span_id));
    span->begin_unix_ns = tvn_min(tracer->begin_unix_ns, span->end_unix_ns);
    (void)snprintf(name, sizeof(name), "flow:%.280s", tracer->options.graph->flow);
    tvn_trace_span_set_name(span, tvn_str_of(name));
    if (tracer->failed) {
        tvn_trace_span_set_error(span, TVN_STR("the flow failed"));
    }
}
