/* SPDX-License-Identifier: Apache-2.0 */
/* A traced element as JSON, and as spans of OpenTelemetry. */
#include "observability/trace.h"

#include <inttypes.h>
#include <stdio.h>

#define NAME_BYTES      300
#define NUMBER_BYTES    24
#define SPAN_KIND       1 /* internal */
#define STATUS_ERROR    2
#define SPAN_STEP_SHIFT 16 /* span ids of one element: its own plus the step's number */

static const char *result_name(const struct tvn_trace_step *step)
{
    switch (step->outcome) {
    case TVN_OUTCOME_DROP:
        return "drop";
    case TVN_OUTCOME_ERROR:
        return "error";
    case TVN_OUTCOME_DEAD:
        return "trap";
    case TVN_OUTCOME_EMIT:
    case TVN_OUTCOME_END:
    case TVN_OUTCOME_WAIT:
        break;
    }
    if (step->entry == TVN_ENTRY_PROCESS && !step->has_output) {
        return "drop";
    }
    return step->entry == TVN_ENTRY_EVALUATE ? "pass" : "ok";
}

static const char *operation_name(enum tvn_entry entry)
{
    static const char *const names[] = {
        [TVN_ENTRY_PULL] = "pull",         [TVN_ENTRY_PROCESS] = "process",
        [TVN_ENTRY_EVALUATE] = "evaluate", [TVN_ENTRY_ROUTE] = "route",
        [TVN_ENTRY_INGEST] = "ingest",     [TVN_ENTRY_PUSH] = "push",
    };
    const char *name = (size_t)entry < TVN_ARRAY_LEN(names) ? names[entry] : NULL;
    return name ? name : "other";
}

static const char *end_name(enum tvn_trace_end end)
{
    static const char *const names[] = {
        [TVN_TRACE_DONE] = "done",
        [TVN_TRACE_EVICTED] = "evicted",
        [TVN_TRACE_DISCARDED] = "discarded",
    };
    return names[end];
}

static void hex(const uint8_t *bytes, size_t length, char *out)
{
    for (size_t i = 0; i < length; i++) {
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    }
}

/* ---- JSON ---- */

static void write_buffer(struct tvn_json_writer *json, const char *key,
                         const struct tvn_trace_buffer *buffer, bool show_buffers)
{
    if (buffer->number == 0) {
        return;
    }
    char label[NUMBER_BYTES];
    (void)snprintf(label, sizeof(label), "B%03" PRIu32, buffer->number);
    tvn_json_key(json, key);
    tvn_json_begin_object(json);
    tvn_json_field_text(json, "buffer", label);
    tvn_json_field_u64(json, "bytes", buffer->length);
    if (show_buffers) {
        tvn_json_key(json, "content");
        tvn_json_write_str(json, (struct tvn_str){(const char *)buffer->content, buffer->shown});
    }
    tvn_json_end_object(json);
}

static void write_copies(struct tvn_json_writer *json, const struct tvn_trace_step *step)
{
    tvn_json_key(json, "copies");
    tvn_json_begin_object(json);
    for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
        if (step->copies[reason] == 0) {
            continue;
        }
        tvn_json_key(json, tvn_copy_reason_name((enum tvn_copy_reason)reason));
        tvn_json_begin_object(json);
        tvn_json_field_u64(json, "count", step->copies[reason]);
        tvn_json_field_u64(json, "bytes", step->copy_bytes[reason]);
        tvn_json_end_object(json);
    }
    tvn_json_end_object(json);
}

static void write_step(const struct tvn_graph *graph, const struct tvn_trace_step *step,
                       bool show_buffers, struct tvn_json_writer *json)
{
    tvn_json_begin_object(json);
    tvn_json_field_text(json, "component", graph->stages[step->stage].name);
    tvn_json_field_text(json, "operation", operation_name(step->entry));
    tvn_json_field_text(json, "result", result_name(step));
    tvn_json_field_real(json, "begin_us", (double)step->begin_ns / 1e3);
    tvn_json_field_real(json, "duration_us", (double)step->duration_ns / 1e3);
    tvn_json_field_real(json, "waited_us", (double)step->wait_ns / 1e3);
    write_buffer(json, "input", &step->input, show_buffers);
    write_buffer(json, "output", &step->output, show_buffers);
    write_copies(json, step);
    if (step->entry == TVN_ENTRY_ROUTE) {
        tvn_json_key(json, "to");
        tvn_json_begin_array(json);
        for (uint32_t i = 0; i < graph->edge_count; i++) {
            const struct tvn_graph_edge *edge = &graph->edges[i];
            if (edge->from == step->stage && (step->ports >> (edge->port % 64) & 1) != 0) {
                tvn_json_write_text(json, graph->stages[edge->to].name);
            }
        }
        tvn_json_end_array(json);
    }
    if (step->error) {
        tvn_json_field_text(json, "error", step->error);
    }
    tvn_json_end_object(json);
}

static void write_element(const struct tvn_graph *graph, const struct tvn_trace_element *element,
                          bool show_buffers, struct tvn_json_writer *json)
{
    char trace_id[33];
    hex(element->trace_id, sizeof(element->trace_id), trace_id);
    tvn_json_begin_object(json);
    tvn_json_field_text(json, "type", "element");
    tvn_json_field_u64(json, "sequence", element->sequence);
    tvn_json_field_text(json, "trace_id", trace_id);
    tvn_json_field_text(json, "end", end_name(element->end));
    tvn_json_field_real(json, "latency_us", (double)element->latency_ns / 1e3);
    tvn_json_key(json, "steps");
    tvn_json_begin_array(json);
    for (uint32_t i = 0; i < element->step_count; i++) {
        write_step(graph, &element->steps[i], show_buffers, json);
    }
    tvn_json_end_array(json);
    if (element->steps_left_out > 0) {
        tvn_json_field_u64(json, "steps_left_out", element->steps_left_out);
    }
    tvn_json_end_object(json);
}

static void write_event(const struct tvn_graph *graph, const struct tvn_trace_item *item,
                        struct tvn_json_writer *json)
{
    static const char *const states[] = {
        [TVN_TRACE_ELEMENT] = NULL,
        [TVN_TRACE_THROTTLED] = "activated",
        [TVN_TRACE_NOTIFIED] = "notified",
        [TVN_TRACE_RELIEVED] = "deactivated",
    };
    const struct tvn_graph_edge *edge = &graph->edges[item->edge];
    tvn_json_begin_object(json);
    tvn_json_field_text(json, "type", "backpressure");
    tvn_json_field_text(json, "from", graph->stages[edge->from].name);
    tvn_json_field_text(json, "to", graph->stages[edge->to].name);
    tvn_json_field_text(json, "state", states[item->kind]);
    tvn_json_field_real(json, "at_us", (double)item->at_ns / 1e3);
    if (item->kind == TVN_TRACE_NOTIFIED) {
        tvn_json_field_text(json, "signal", item->signal == TVN_SIGNAL_PAUSE ? "pause" : "ready");
    } else {
        tvn_json_field_u64(json, "depth", item->depth);
        tvn_json_field_u64(json, "capacity", item->capacity);
    }
    if (item->kind == TVN_TRACE_RELIEVED) {
        tvn_json_field_real(json, "suspended_us", (double)item->duration_ns / 1e3);
        tvn_json_field_u64(json, "drained", item->drained);
    }
    tvn_json_end_object(json);
}

void tvn_trace_json(const struct tvn_graph *graph, const struct tvn_trace_item *item,
                    bool show_buffers, struct tvn_json_writer *json)
{
    if (item->kind == TVN_TRACE_ELEMENT) {
        write_element(graph, &item->element, show_buffers, json);
    } else {
        write_event(graph, item, json);
    }
}

/* ---- OTLP ---- */

/* 64-bit numbers are strings in OTLP's JSON. */
static void field_number_text(struct tvn_json_writer *json, const char *key, uint64_t value)
{
    char text[NUMBER_BYTES];
    (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    tvn_json_field_text(json, key, text);
}

static void attribute_text(struct tvn_json_writer *json, const char *key, const char *value)
{
    tvn_json_begin_object(json);
    tvn_json_field_text(json, "key", key);
    tvn_json_key(json, "value");
    tvn_json_begin_object(json);
    tvn_json_field_text(json, "stringValue", value);
    tvn_json_end_object(json);
    tvn_json_end_object(json);
}

static void attribute_number(struct tvn_json_writer *json, const char *key, uint64_t value)
{
    tvn_json_begin_object(json);
    tvn_json_field_text(json, "key", key);
    tvn_json_key(json, "value");
    tvn_json_begin_object(json);
    field_number_text(json, "intValue", value);
    tvn_json_end_object(json);
    tvn_json_end_object(json);
}

struct span {
    const uint8_t *trace_id;
    const uint8_t *span_id;
    const uint8_t *parent_id; /* NULL: none */
    const char *name;
    uint64_t begin_unix_ns;
    uint64_t duration_ns;
};

/* Leaves the object and its attributes open. */
static void begin_span(struct tvn_json_writer *json, const struct span *span)
{
    char trace_id[33];
    char id[17];
    hex(span->trace_id, 16, trace_id);
    hex(span->span_id, 8, id);
    tvn_json_begin_object(json);
    tvn_json_field_text(json, "traceId", trace_id);
    tvn_json_field_text(json, "spanId", id);
    if (span->parent_id) {
        hex(span->parent_id, 8, id);
        tvn_json_field_text(json, "parentSpanId", id);
    }
    tvn_json_field_text(json, "name", span->name);
    tvn_json_field_u64(json, "kind", SPAN_KIND);
    field_number_text(json, "startTimeUnixNano", span->begin_unix_ns);
    field_number_text(json, "endTimeUnixNano", span->begin_unix_ns + span->duration_ns);
    tvn_json_key(json, "attributes");
    tvn_json_begin_array(json);
}

static void end_span(struct tvn_json_writer *json, const char *error)
{
    tvn_json_end_array(json);
    tvn_json_key(json, "status");
    tvn_json_begin_object(json);
    if (error) {
        tvn_json_field_u64(json, "code", STATUS_ERROR);
        tvn_json_field_text(json, "message", error);
    }
    tvn_json_end_object(json);
    tvn_json_end_object(json);
}

/* Another id than the element's, the same for the same place; never zero. */
static void derive_id(const uint8_t base[8], uint32_t number, uint8_t out[8])
{
    uint64_t value = 0;
    for (size_t i = 0; i < 8; i++) {
        value = value << 8 | base[i];
    }
    value = (value ^ ((uint64_t)number + 1)) * UINT64_C(0x9E3779B97F4A7C15);
    value ^= value >> 29;
    value = value == 0 ? 1 : value;
    for (size_t i = 0; i < 8; i++) {
        out[i] = (uint8_t)(value >> (56 - 8 * i));
    }
}

/* Copies of one reason within a call. */
static void copy_span(const struct tvn_trace_step *step, unsigned reason, const struct span *parent,
                      uint32_t number, struct tvn_json_writer *json)
{
    uint8_t id[8];
    derive_id(parent->span_id, number, id);
    char name[NAME_BYTES];
    uint32_t buffer = reason == TVN_COPY_PAYLOAD_READ || step->output.number == 0
                          ? step->input.number
                          : step->output.number;
    (void)snprintf(name, sizeof(name), "resource:copy:B%03" PRIu32, buffer);
    const struct span span = {
        .trace_id = parent->trace_id,
        .span_id = id,
        .parent_id = parent->span_id,
        .name = name,
        .begin_unix_ns = parent->begin_unix_ns,
        .duration_ns = parent->duration_ns,
    };
    begin_span(json, &span);
    attribute_text(json, "torvyn.copy.reason", tvn_copy_reason_name((enum tvn_copy_reason)reason));
    attribute_number(json, "torvyn.copy.count", step->copies[reason]);
    attribute_number(json, "torvyn.copy.bytes", step->copy_bytes[reason]);
    end_span(json, NULL);
}

/* The payload that a call put out and the next one gets. */
static void transfer_span(const struct tvn_trace_step *step, const struct span *parent,
                          uint32_t number, struct tvn_json_writer *json)
{
    uint8_t id[8];
    derive_id(parent->span_id, number, id);
    char name[NAME_BYTES];
    (void)snprintf(name, sizeof(name), "resource:transfer:B%03" PRIu32, step->output.number);
    const struct span span = {
        .trace_id = parent->trace_id,
        .span_id = id,
        .parent_id = parent->span_id,
        .name = name,
        .begin_unix_ns = parent->begin_unix_ns + parent->duration_ns,
    };
    begin_span(json, &span);
    attribute_number(json, "torvyn.buffer.bytes", step->output.length);
    end_span(json, NULL);
}

static void step_spans(const struct tvn_graph *graph, const struct tvn_trace_flow_span *flow_span,
                       const struct tvn_trace_element *element, uint32_t index,
                       struct tvn_json_writer *json)
{
    const struct tvn_trace_step *step = &element->steps[index];
    uint8_t id[8];
    derive_id(element->span_id, (index + 1) << SPAN_STEP_SHIFT, id);
    char name[NAME_BYTES];
    (void)snprintf(name, sizeof(name), "component:%s:invoke:%" PRIu64,
                   graph->stages[step->stage].name, element->sequence);
    const struct span span = {
        .trace_id = element->trace_id,
        .span_id = id,
        .parent_id = element->span_id,
        .name = name,
        .begin_unix_ns = flow_span->begin_unix_ns + step->begin_ns,
        .duration_ns = step->duration_ns,
    };
    begin_span(json, &span);
    attribute_text(json, "torvyn.operation", operation_name(step->entry));
    attribute_text(json, "torvyn.result", result_name(step));
    attribute_number(json, "torvyn.queue.wait_ns", step->wait_ns);
    end_span(json, step->error);
    for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
        if (step->copies[reason] > 0 && reason != TVN_COPY_METADATA_MARSHAL) {
            copy_span(step, reason, &span, reason, json);
        }
    }
    if (step->output.number != 0) {
        transfer_span(step, &span, TVN_COPY_REASON_COUNT, json);
    }
}

static void element_spans(const struct tvn_graph *graph,
                          const struct tvn_trace_flow_span *flow_span,
                          const struct tvn_trace_element *element, struct tvn_json_writer *json)
{
    if (element->step_count == 0) {
        return;
    }
    const struct tvn_trace_step *last = &element->steps[element->step_count - 1];
    uint64_t begin_ns = element->steps[0].begin_ns;
    char name[NAME_BYTES];
    (void)snprintf(name, sizeof(name), "element:%" PRIu64, element->sequence);
    const struct span span = {
        .trace_id = element->trace_id,
        .span_id = element->span_id,
        .name = name,
        .begin_unix_ns = flow_span->begin_unix_ns + begin_ns,
        .duration_ns = last->begin_ns + last->duration_ns - begin_ns,
    };
    begin_span(json, &span);
    attribute_text(json, "torvyn.flow", graph->flow);
    attribute_text(json, "torvyn.end", end_name(element->end));
    tvn_json_end_array(json);
    char trace_id[33];
    char id[17];
    hex(flow_span->trace_id, 16, trace_id);
    hex(flow_span->span_id, 8, id);
    tvn_json_key(json, "links");
    tvn_json_begin_array(json);
    tvn_json_begin_object(json);
    tvn_json_field_text(json, "traceId", trace_id);
    tvn_json_field_text(json, "spanId", id);
    tvn_json_end_object(json);
    tvn_json_end_array(json);
    tvn_json_end_object(json);
    for (uint32_t i = 0; i < element->step_count; i++) {
        step_spans(graph, flow_span, element, i, json);
    }
}

/* What ends tells how long it was. */
static void backpressure_span(const struct tvn_graph *graph,
                              const struct tvn_trace_flow_span *flow_span,
                              const struct tvn_trace_item *item, struct tvn_json_writer *json)
{
    const struct tvn_graph_edge *edge = &graph->edges[item->edge];
    uint8_t id[8];
    derive_id(flow_span->span_id, (uint32_t)(item->at_ns ^ (item->at_ns >> 32)), id);
    char name[NAME_BYTES];
    (void)snprintf(name, sizeof(name), "backpressure:%s→%s", graph->stages[edge->from].name,
                   graph->stages[edge->to].name);
    uint64_t lasted_ns = item->duration_ns < item->at_ns ? item->duration_ns : item->at_ns;
    const struct span span = {
        .trace_id = flow_span->trace_id,
        .span_id = id,
        .parent_id = flow_span->span_id,
        .name = name,
        .begin_unix_ns = flow_span->begin_unix_ns + item->at_ns - lasted_ns,
        .duration_ns = lasted_ns,
    };
    begin_span(json, &span);
    attribute_number(json, "torvyn.queue.depth", item->depth);
    attribute_number(json, "torvyn.queue.capacity", item->capacity);
    attribute_number(json, "torvyn.queue.drained", item->drained);
    end_span(json, NULL);
}

void tvn_trace_otlp(const struct tvn_graph *graph, const struct tvn_trace_flow_span *flow_span,
                    const struct tvn_trace_item *item, struct tvn_json_writer *json)
{
    if (item->kind == TVN_TRACE_ELEMENT) {
        element_spans(graph, flow_span, &item->element, json);
    } else if (item->kind == TVN_TRACE_RELIEVED) {
        backpressure_span(graph, flow_span, item, json);
    }
}

void tvn_trace_otlp_flow(const struct tvn_graph *graph, const struct tvn_trace_flow_span *flow_span,
                         uint64_t duration_ns, struct tvn_json_writer *json)
{
    char name[NAME_BYTES];
    (void)snprintf(name, sizeof(name), "flow:%s", graph->flow);
    const struct span span = {
        .trace_id = flow_span->trace_id,
        .span_id = flow_span->span_id,
        .name = name,
        .begin_unix_ns = flow_span->begin_unix_ns,
        .duration_ns = duration_ns,
    };
    begin_span(json, &span);
    end_span(json, NULL);
}
