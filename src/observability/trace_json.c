/* SPDX-License-Identifier: Apache-2.0 */
/* A traced element as JSON. */
#include "observability/trace_internal.h"

#include <inttypes.h>
#include <stdio.h>

#define NUMBER_BYTES 24

const char *tvn_trace_result_name(enum tvn_entry entry, enum tvn_outcome outcome, bool has_output)
{
    switch (outcome) {
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
    if (entry == TVN_ENTRY_PROCESS && !has_output) {
        return "drop";
    }
    return entry == TVN_ENTRY_EVALUATE ? "pass" : "ok";
}

const char *tvn_trace_operation_name(enum tvn_entry entry)
{
    static const char *const names[] = {
        [TVN_ENTRY_PULL] = "pull",         [TVN_ENTRY_PROCESS] = "process",
        [TVN_ENTRY_EVALUATE] = "evaluate", [TVN_ENTRY_ROUTE] = "route",
        [TVN_ENTRY_INGEST] = "ingest",     [TVN_ENTRY_PUSH] = "push",
    };
    const char *name = (size_t)entry < TVN_ARRAY_LEN(names) ? names[entry] : NULL;
    return name ? name : "other";
}

const char *tvn_trace_end_name(enum tvn_trace_end end)
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
    tvn_json_field_text(json, "operation", tvn_trace_operation_name(step->entry));
    tvn_json_field_text(json, "result",
                        tvn_trace_result_name(step->entry, step->outcome, step->has_output));
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
    tvn_json_field_text(json, "end", tvn_trace_end_name(element->end));
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
