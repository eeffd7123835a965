/* SPDX-License-Identifier: Apache-2.0 */
/* A traced element as a tree. */
#include "observability/trace.h"

#include <inttypes.h>

#define LABEL_COLUMNS 8
#define NAME_COLUMNS  14
#define ENTRY_COLUMNS 8

void tvn_trace_duration(struct tvn_strbuf *out, uint64_t ns)
{
    double us = (double)ns / 1e3;
    if (us >= 999950) {
        tvn_strbuf_printf(out, "%.1fs", us / 1e6);
    } else if (us >= 999.95) {
        tvn_strbuf_printf(out, "%.1fms", us / 1e3);
    } else {
        tvn_strbuf_printf(out, "%.1fµs", us);
    }
}

static const char *entry_name(enum tvn_entry entry)
{
    switch (entry) {
    case TVN_ENTRY_PULL:
        return "pull";
    case TVN_ENTRY_PROCESS:
        return "process";
    case TVN_ENTRY_EVALUATE:
        return "evaluate";
    case TVN_ENTRY_ROUTE:
        return "route";
    case TVN_ENTRY_INGEST:
        return "ingest";
    case TVN_ENTRY_PUSH:
        return "push";
    case TVN_ENTRY_INIT:
    case TVN_ENTRY_NOTIFY:
    case TVN_ENTRY_FLUSH:
    case TVN_ENTRY_COMPLETE:
    case TVN_ENTRY_TEARDOWN:
        break;
    }
    return "";
}

/* Columns that text takes: code points. */
static size_t columns(struct tvn_str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        count += ((unsigned char)text.ptr[i] & 0xC0) != 0x80 ? 1 : 0;
    }
    return count;
}

static void pad(struct tvn_strbuf *out, size_t from, size_t width)
{
    size_t used = columns(tvn_str_slice(tvn_strbuf_view(out), from, out->len));
    tvn_strbuf_add_repeat(out, ' ', used < width ? width - used : 0);
}

static uint64_t payload_copies(const uint64_t by_reason[TVN_COPY_REASON_COUNT])
{
    uint64_t total = 0;
    for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
        total += reason == TVN_COPY_METADATA_MARSHAL ? 0 : by_reason[reason];
    }
    return total;
}

/* B001 (19B, borrowed) → B002 (19B) */
static void add_buffers(struct tvn_strbuf *out, const struct tvn_trace_step *step)
{
    const struct tvn_trace_buffer *in = &step->input;
    const struct tvn_trace_buffer *made = &step->output;
    if (in->number != 0) {
        tvn_strbuf_printf(out, "  B%03" PRIu32 " (%" PRIu32 "B, borrowed)", in->number, in->length);
    }
    if (made->number != 0 && made->number != in->number) {
        tvn_strbuf_printf(out, "%sB%03" PRIu32 " (%" PRIu32 "B, new)",
                          in->number != 0 ? " → " : "  ", made->number, made->length);
    }
}

static void add_ports(struct tvn_strbuf *out, const struct tvn_graph *graph,
                      const struct tvn_trace_step *step)
{
    const char *separator = "  → ";
    for (uint32_t i = 0; i < graph->edge_count; i++) {
        const struct tvn_graph_edge *edge = &graph->edges[i];
        if (edge->from == step->stage && (step->ports >> (edge->port % 64) & 1) != 0) {
            tvn_strbuf_add_text(out, separator);
            tvn_strbuf_add_escaped(out, tvn_str_of(graph->stages[edge->to].name));
            separator = ", ";
        }
    }
}

static void add_result(struct tvn_strbuf *out, const struct tvn_graph *graph,
                       const struct tvn_trace_step *step)
{
    switch (step->outcome) {
    case TVN_OUTCOME_ERROR:
    case TVN_OUTCOME_DEAD:
        tvn_strbuf_add_text(out, step->outcome == TVN_OUTCOME_DEAD ? "  trap: " : "  error: ");
        tvn_strbuf_add_escaped(out, tvn_str_of(step->error ? step->error : ""));
        return;
    case TVN_OUTCOME_DROP:
        tvn_strbuf_add_text(out, "  drop");
        return;
    case TVN_OUTCOME_EMIT:
    case TVN_OUTCOME_END:
    case TVN_OUTCOME_WAIT:
        break;
    }
    if (step->entry == TVN_ENTRY_EVALUATE) {
        tvn_strbuf_add_text(out, "  pass");
    } else if (step->entry == TVN_ENTRY_ROUTE) {
        add_ports(out, graph, step);
    } else if ((step->entry == TVN_ENTRY_PROCESS || step->entry == TVN_ENTRY_INGEST) &&
               !step->has_output) {
        tvn_strbuf_add_text(out, step->entry == TVN_ENTRY_INGEST ? "  keep" : "  drop");
    }
}

static void add_content(struct tvn_strbuf *out, size_t label_columns, bool is_last,
                        const struct tvn_trace_buffer *buffer)
{
    if (buffer->number == 0) {
        return;
    }
    tvn_strbuf_add_repeat(out, ' ', label_columns + 2);
    tvn_strbuf_printf(out, "%s    B%03" PRIu32 ": \"", is_last ? " " : "│", buffer->number);
    tvn_strbuf_add_escaped(out, (struct tvn_str){(const char *)buffer->content, buffer->shown});
    tvn_strbuf_printf(out, "\"%s\n", buffer->shown < buffer->length ? "…" : "");
}

/*   ├─ transform      process  1.8µs  B001 (19B, borrowed) */
static void add_step(struct tvn_strbuf *out, const struct tvn_graph *graph,
                     const struct tvn_trace_step *step)
{
    const struct tvn_graph_stage *stage = &graph->stages[step->stage];
    size_t begin = out->len;
    tvn_strbuf_add_escaped(out, tvn_str_of(stage->name));
    pad(out, begin, NAME_COLUMNS);
    tvn_strbuf_printf(out, " %-*s ", ENTRY_COLUMNS, entry_name(step->entry));
    tvn_trace_duration(out, step->duration_ns);
    if (stage->is_component) {
        add_buffers(out, step);
    }
    uint64_t copies = payload_copies(step->copies);
    if (stage->is_component && copies > 0) {
        tvn_strbuf_printf(out, "  %" PRIu64 " cop%s (%" PRIu64 "B)", copies,
                          copies == 1 ? "y" : "ies", payload_copies(step->copy_bytes));
    }
    add_result(out, graph, step);
    tvn_strbuf_add_char(out, '\n');
}

static void add_total(struct tvn_strbuf *out, size_t label_columns,
                      const struct tvn_trace_element *element)
{
    uint64_t work_ns = 0;
    uint64_t wait_ns = 0;
    for (uint32_t i = 0; i < element->step_count; i++) {
        work_ns += element->steps[i].duration_ns;
        wait_ns += element->steps[i].wait_ns;
    }
    uint64_t total_ns = element->latency_ns > 0 ? element->latency_ns : work_ns + wait_ns;
    tvn_strbuf_add_repeat(out, ' ', label_columns + 2);
    tvn_strbuf_add_text(out, "total: ");
    tvn_trace_duration(out, total_ns);
    if (wait_ns > 0 && wait_ns <= total_ns) { /* branches wait at the same time: no sum then */
        tvn_strbuf_add_text(out, " (");
        tvn_trace_duration(out, wait_ns);
        tvn_strbuf_add_text(out, " in queues)");
    }
    if (element->end == TVN_TRACE_EVICTED) {
        tvn_strbuf_add_text(out, ", dropped by a full queue");
    } else if (element->end == TVN_TRACE_DISCARDED) {
        tvn_strbuf_add_text(out, ", discarded at the end");
    }
    if (element->steps_left_out > 0) {
        tvn_strbuf_printf(out, ", %" PRIu32 " more calls", element->steps_left_out);
    }
    tvn_strbuf_add_text(out, "\n\n");
}

static void element_text(const struct tvn_graph *graph, const struct tvn_trace_element *element,
                         bool show_buffers, struct tvn_strbuf *out)
{
    size_t begin = out->len;
    tvn_strbuf_printf(out, "  elem-%" PRIu64, element->sequence);
    pad(out, begin, LABEL_COLUMNS + 2);
    size_t label_columns = out->len - begin - 2;
    for (uint32_t i = 0; i < element->step_count; i++) {
        const struct tvn_trace_step *step = &element->steps[i];
        bool is_last = i + 1 == element->step_count;
        if (i > 0) {
            tvn_strbuf_add_repeat(out, ' ', label_columns + 2);
        }
        tvn_strbuf_add_text(out, element->step_count == 1 ? "── "
                                 : i == 0                 ? "┬─ "
                                 : is_last                ? "└─ "
                                                          : "├─ ");
        add_step(out, graph, step);
        if (show_buffers) {
            add_content(out, label_columns, is_last, &step->input);
            if (step->output.number != step->input.number) {
                add_content(out, label_columns, is_last, &step->output);
            }
        }
    }
    add_total(out, label_columns, element);
}

/* [trace] flow=main stream=source→sink queue_depth=16/16 backpressure=ACTIVATED */
static void event_text(const struct tvn_graph *graph, const struct tvn_trace_item *item,
                       struct tvn_strbuf *out)
{
    const struct tvn_graph_edge *edge = &graph->edges[item->edge];
    const char *source = graph->stages[edge->from].name;
    tvn_strbuf_add_text(out, "[trace] flow=");
    tvn_strbuf_add_escaped(out, tvn_str_of(graph->flow));
    tvn_strbuf_add_text(out, " stream=");
    tvn_strbuf_add_escaped(out, tvn_str_of(source));
    tvn_strbuf_add_text(out, "→");
    tvn_strbuf_add_escaped(out, tvn_str_of(graph->stages[edge->to].name));
    if (item->kind == TVN_TRACE_NOTIFIED) {
        tvn_strbuf_printf(out, " source notified: %s\n",
                          item->signal == TVN_SIGNAL_PAUSE ? "PAUSE" : "READY");
        return;
    }
    tvn_strbuf_printf(out, " queue_depth=%" PRIu64 "/%" PRIu64, item->depth, item->capacity);
    if (item->kind == TVN_TRACE_THROTTLED) {
        tvn_strbuf_add_text(out, " backpressure=ACTIVATED\n");
        return;
    }
    tvn_strbuf_add_text(out, " backpressure=DEACTIVATED (low watermark) suspended=");
    tvn_trace_duration(out, item->duration_ns);
    tvn_strbuf_printf(out, " drained=%" PRIu64 "\n", item->drained);
}

void tvn_trace_text(const struct tvn_graph *graph, const struct tvn_trace_item *item,
                    bool show_buffers, struct tvn_strbuf *out)
{
    if (item->kind == TVN_TRACE_ELEMENT) {
        element_text(graph, &item->element, show_buffers, out);
    } else {
        event_text(graph, item, out);
    }
}
