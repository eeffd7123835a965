/* SPDX-License-Identifier: Apache-2.0 */
/* A traced element as spans of OpenTelemetry. */
#include "observability/span_json.h"
#include "observability/trace_internal.h"

#include <inttypes.h>
#include <stdio.h>

#define NAME_BYTES      300
#define SPAN_STEP_SHIFT 16 /* span ids of one element: its own plus the step's number */

/* Another id for each number. */
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

static void begin_span(struct tvn_trace_span *span, const uint8_t trace_id[16],
                       const uint8_t span_id[8], uint64_t begin_unix_ns, uint64_t duration_ns)
{
    tvn_trace_span_init(span);
    memcpy(span->trace_id, trace_id, sizeof(span->trace_id));
    memcpy(span->span_id, span_id, sizeof(span->span_id));
    span->trace_flags = 1;
    span->begin_unix_ns = begin_unix_ns;
    span->end_unix_ns = begin_unix_ns + duration_ns;
}

/* Within `parent`, with the id that belongs to the number. */
static void begin_child(struct tvn_trace_span *span, const struct tvn_trace_span *parent,
                        uint32_t number, uint64_t begin_unix_ns, uint64_t duration_ns)
{
    uint8_t id[8];
    derive_id(parent->span_id, number, id);
    begin_span(span, parent->trace_id, id, begin_unix_ns, duration_ns);
    memcpy(span->parent_id, parent->span_id, sizeof(span->parent_id));
}

TVN_PRINTF(2, 3)
static void set_name(struct tvn_trace_span *span, const char *format, ...)
{
    char name[NAME_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(name, sizeof(name), format, args);
    va_end(args);
    tvn_trace_span_set_name(span, tvn_str_of(name));
}

/* Copies of one reason within a call. */
static void copy_span(const struct tvn_trace_step *step, unsigned reason,
                      const struct tvn_trace_span *parent, struct tvn_json_writer *json)
{
    struct tvn_trace_span span;
    uint32_t buffer = reason == TVN_COPY_PAYLOAD_READ || step->output.number == 0
                          ? step->input.number
                          : step->output.number;
    begin_child(&span, parent, reason, parent->begin_unix_ns,
                parent->end_unix_ns - parent->begin_unix_ns);
    set_name(&span, "resource:copy:B%03" PRIu32, buffer);
    tvn_trace_span_add_text(&span, "torvyn.copy.reason",
                            tvn_str_of(tvn_copy_reason_name((enum tvn_copy_reason)reason)));
    tvn_trace_span_add_number(&span, "torvyn.copy.count", step->copies[reason]);
    tvn_trace_span_add_number(&span, "torvyn.copy.bytes", step->copy_bytes[reason]);
    tvn_span_json(&span, json);
}

/* The payload that a call put out and the next one gets. */
static void transfer_span(const struct tvn_trace_step *step, const struct tvn_trace_span *parent,
                          struct tvn_json_writer *json)
{
    struct tvn_trace_span span;
    begin_child(&span, parent, TVN_COPY_REASON_COUNT, parent->end_unix_ns, 0);
    set_name(&span, "resource:transfer:B%03" PRIu32, step->output.number);
    tvn_trace_span_add_number(&span, "torvyn.buffer.bytes", step->output.length);
    tvn_span_json(&span, json);
}

static void step_spans(const struct tvn_graph *graph, const struct tvn_trace_flow_span *flow_span,
                       const struct tvn_trace_element *element, const struct tvn_trace_span *parent,
                       uint32_t index, struct tvn_json_writer *json)
{
    const struct tvn_trace_step *step = &element->steps[index];
    struct tvn_trace_span span;
    begin_child(&span, parent, (index + 1) << SPAN_STEP_SHIFT,
                flow_span->begin_unix_ns + step->begin_ns, step->duration_ns);
    set_name(&span, "component:%s:invoke:%" PRIu64, graph->stages[step->stage].name,
             element->sequence);
    tvn_trace_span_add_text(&span, "torvyn.operation",
                            tvn_str_of(tvn_trace_operation_name(step->entry)));
    tvn_trace_span_add_text(
        &span, "torvyn.result",
        tvn_str_of(tvn_trace_result_name(step->entry, step->outcome, step->has_output)));
    tvn_trace_span_add_number(&span, "torvyn.queue.wait_ns", step->wait_ns);
    if (step->error) {
        tvn_trace_span_set_error(&span, tvn_str_of(step->error));
    }
    tvn_span_json(&span, json);
    for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
        if (step->copies[reason] > 0 && reason != TVN_COPY_METADATA_MARSHAL) {
            copy_span(step, reason, &span, json);
        }
    }
    if (step->output.number != 0) {
        transfer_span(step, &span, json);
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
    struct tvn_trace_span span;
    begin_span(&span, element->trace_id, element->span_id, flow_span->begin_unix_ns + begin_ns,
               last->begin_ns + last->duration_ns - begin_ns);
    memcpy(span.link_trace_id, flow_span->trace_id, sizeof(span.link_trace_id));
    memcpy(span.link_span_id, flow_span->span_id, sizeof(span.link_span_id));
    memcpy(span.parent_id, element->parent_id, sizeof(span.parent_id));
    span.has_remote_parent = tvn_trace_span_has_parent(&span);
    set_name(&span, "element:%" PRIu64, element->sequence);
    tvn_trace_span_add_text(&span, "torvyn.flow", tvn_str_of(graph->flow));
    tvn_trace_span_add_text(&span, "torvyn.end", tvn_str_of(tvn_trace_end_name(element->end)));
    tvn_span_json(&span, json);
    for (uint32_t i = 0; i < element->step_count; i++) {
        step_spans(graph, flow_span, element, &span, i, json);
    }
}

/* The flow's own, with its id. */
static void begin_flow_span(struct tvn_trace_span *span,
                            const struct tvn_trace_flow_span *flow_span, uint64_t duration_ns)
{
    begin_span(span, flow_span->trace_id, flow_span->span_id, flow_span->begin_unix_ns,
               duration_ns);
}

/* What ends tells how long it was. */
static void backpressure_span(const struct tvn_graph *graph,
                              const struct tvn_trace_flow_span *flow_span,
                              const struct tvn_trace_item *item, struct tvn_json_writer *json)
{
    const struct tvn_graph_edge *edge = &graph->edges[item->edge];
    uint64_t lasted_ns = item->duration_ns < item->at_ns ? item->duration_ns : item->at_ns;
    struct tvn_trace_span flow;
    struct tvn_trace_span span;
    begin_flow_span(&flow, flow_span, 0);
    begin_child(&span, &flow, (uint32_t)(item->at_ns ^ (item->at_ns >> 32)),
                flow_span->begin_unix_ns + item->at_ns - lasted_ns, lasted_ns);
    set_name(&span, "backpressure:%s→%s", graph->stages[edge->from].name,
             graph->stages[edge->to].name);
    tvn_trace_span_add_number(&span, "torvyn.queue.depth", item->depth);
    tvn_trace_span_add_number(&span, "torvyn.queue.capacity", item->capacity);
    tvn_trace_span_add_number(&span, "torvyn.queue.drained", item->drained);
    tvn_span_json(&span, json);
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
    struct tvn_trace_span span;
    begin_flow_span(&span, flow_span, duration_ns);
    set_name(&span, "flow:%s", graph->flow);
    tvn_span_json(&span, json);
}
