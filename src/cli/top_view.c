/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/top_view.h"

#include "base/assert.h"
#include "base/num.h"
#include "base/utf8.h"
#include "cli/figures.h"
#include "cli/graph_view.h"
#include "format/json_writer.h"

#include <inttypes.h>

#define BAR_CELLS   10u
#define NAME_MIN    6u
#define NAME_MAX    24u
#define EDGE_MAX    40u
#define COUNT_MAX   1e18
#define HEAT_WARM   0.5
#define HEAT_HOT    0.9
#define COLOUR_COOL "\x1b[32m"
#define COLOUR_WARM "\x1b[33m"
#define COLOUR_HOT  "\x1b[31m"
#define COLOUR_OFF  "\x1b[0m"

/* ---- cells ---- */

/* Left-aligned: text that may hold anything, cut to `width`. */
static void add_cell(struct tvn_strbuf *out, const char *text, uint32_t width)
{
    uint32_t columns = tvn_graph_add_cut(out, text, width);
    tvn_strbuf_add_repeat(out, ' ', width - columns);
}

/* Right-aligned: our own ASCII. */
static void add_right(struct tvn_strbuf *out, const struct tvn_strbuf *text, uint32_t width)
{
    tvn_strbuf_add_repeat(out, ' ', text->len < width ? width - text->len : 1);
    tvn_strbuf_add_str(out, tvn_strbuf_view(text));
}

/* A rate of a peer that lies may be beyond any integer. */
static uint64_t whole(double value)
{
    return value >= COUNT_MAX ? (uint64_t)COUNT_MAX : (uint64_t)(value + 0.5);
}

static void add_number(struct tvn_strbuf *out, double value, uint32_t width)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_figure_count(&text, whole(value));
    add_right(out, &text, width);
}

static void add_share(struct tvn_strbuf *out, double share, uint32_t width)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    if (share < 0) {
        tvn_strbuf_add_char(&text, '-');
    } else {
        tvn_strbuf_printf(&text, "%.0f%%", share * 100);
    }
    add_right(out, &text, width);
}

static void add_us(struct tvn_strbuf *out, double us, uint32_t width)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    if (us < 0) {
        tvn_strbuf_add_char(&text, '-');
    } else if (us < 1000) {
        tvn_strbuf_printf(&text, us < 10 ? "%.2fus" : "%.0fus", us);
    } else {
        tvn_strbuf_printf(&text, us < 10000 ? "%.2fms" : "%.0fms", us / 1000);
    }
    add_right(out, &text, width);
}

static void add_bytes(struct tvn_strbuf *out, double bytes, uint32_t width)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_figure_bytes(&text, whole(bytes));
    add_right(out, &text, width);
}

/* ---- text ---- */

static uint32_t name_width(const struct tvn_flow_sample *sample)
{
    uint32_t width = NAME_MIN;
    for (uint32_t i = 0; i < sample->stage_count; i++) {
        TVN_AUTO_VALUE(tvn_strbuf) ignored = {0};
        width = tvn_max(width, tvn_graph_add_cut(&ignored, sample->stages[i].name, NAME_MAX));
    }
    return width;
}

static void add_head(const struct tvn_top_flow *flow, struct tvn_strbuf *out)
{
    struct tvn_flow_rates rates;
    tvn_flow_rates(flow->earlier, flow->later, &rates);
    tvn_strbuf_add_text(out, "Flow ");
    tvn_strbuf_add_escaped(out, tvn_str_of(flow->later->id));
    tvn_strbuf_add_text(out, "  ");
    tvn_strbuf_add_escaped(out, tvn_str_of(flow->later->state));
    tvn_strbuf_add_text(out, "  level ");
    tvn_strbuf_add_escaped(out, tvn_str_of(flow->later->level));
    if (rates.is_estimate && strcmp(flow->later->level, "production") == 0) {
        tvn_strbuf_printf(out, "  (times of 1 in %" PRIu64 " elements: busy is an estimate)",
                          flow->later->sample_every);
    } else if (rates.is_estimate) {
        tvn_strbuf_add_text(out, "  (busy is not known, or an estimate)");
    }
    tvn_strbuf_add_text(out, "\n  in");
    add_number(out, rates.elements, 0);
    tvn_strbuf_add_text(out, "/s  out");
    add_number(out, rates.delivered, 0);
    tvn_strbuf_add_text(out, "/s  dropped");
    add_number(out, rates.dropped, 0);
    tvn_strbuf_add_text(out, "/s  failed");
    add_number(out, rates.failed, 0);
    tvn_strbuf_add_text(out, "/s  errors");
    add_number(out, rates.errors, 0);
    tvn_strbuf_add_text(out, "/s  copies");
    add_number(out, rates.copies, 0);
    tvn_strbuf_add_text(out, "/s");
    add_bytes(out, rates.copied_bytes, 0);
    tvn_strbuf_add_text(out, "/s  nothing to do");
    add_share(out, rates.idle, 0);
    tvn_strbuf_add_char(out, '\n');
}

static void add_stages(const struct tvn_top_flow *flow, struct tvn_strbuf *out)
{
    uint32_t width = name_width(flow->later);
    tvn_strbuf_add_text(out, "  ");
    add_cell(out, "STAGE", width);
    tvn_strbuf_add_text(out, "  ROLE           ELEM/S  BUSY BLOCKED  IDLE     MEAN      P99  "
                             "ERRORS      MEMORY\n");
    for (uint32_t i = 0; i < flow->later->stage_count; i++) {
        const struct tvn_stage_sample *stage = &flow->later->stages[i];
        struct tvn_stage_shares shares;
        tvn_stage_shares(flow->earlier, flow->later, i, &shares);
        tvn_strbuf_add_text(out, "  ");
        add_cell(out, stage->name, width);
        tvn_strbuf_add_text(out, "  ");
        add_cell(out, stage->role, 10);
        add_number(out, shares.per_second, 11);
        add_share(out, shares.busy, 6);
        add_share(out, shares.blocked, 8);
        add_share(out, shares.idle, 6);
        add_us(out, shares.mean_us, 9);
        add_us(out, stage->timed_calls > 0 ? stage->p99_us : -1, 9);
        add_number(out, (double)stage->errors, 8);
        add_bytes(out, (double)stage->memory_bytes, 12);
        tvn_strbuf_add_char(out, '\n');
    }
}

static double heat_of(const struct tvn_edge_sample *edge)
{
    return edge->capacity > 0 ? tvn_min((double)edge->depth / (double)edge->capacity, 1.0) : 0;
}

static void add_bar(struct tvn_strbuf *out, double heat, bool colour)
{
    uint32_t full = (uint32_t)(heat * BAR_CELLS + 0.5);
    const char *code = heat >= HEAT_HOT    ? COLOUR_HOT
                       : heat >= HEAT_WARM ? COLOUR_WARM
                                           : COLOUR_COOL;
    tvn_strbuf_add_text(out, colour ? code : "");
    for (uint32_t i = 0; i < BAR_CELLS; i++) {
        tvn_strbuf_add_text(out, i < full ? "█" : "░");
    }
    tvn_strbuf_add_text(out, colour ? COLOUR_OFF : "");
}

/* "source → relay", "router.logs → sink" */
static uint32_t add_edge_name(const struct tvn_flow_sample *sample,
                              const struct tvn_edge_sample *edge, struct tvn_strbuf *out)
{
    TVN_AUTO_VALUE(tvn_strbuf) name = {0};
    tvn_strbuf_add_text(&name, sample->stages[edge->from].name);
    if (strcmp(edge->port, "output") != 0) {
        tvn_strbuf_add_char(&name, '.');
        tvn_strbuf_add_text(&name, edge->port);
    }
    tvn_strbuf_add_text(&name, " → ");
    tvn_strbuf_add_text(&name, sample->stages[edge->to].name);
    return tvn_graph_add_cut(out, tvn_strbuf_text(&name), EDGE_MAX);
}

static void add_edges(const struct tvn_top_flow *flow, bool colour, struct tvn_strbuf *out)
{
    const struct tvn_flow_sample *sample = flow->later;
    uint32_t width = NAME_MIN;
    for (uint32_t i = 0; i < sample->edge_count; i++) {
        TVN_AUTO_VALUE(tvn_strbuf) ignored = {0};
        width = tvn_max(width, add_edge_name(sample, &sample->edges[i], &ignored));
    }
    if (sample->edge_count == 0) {
        return;
    }
    tvn_strbuf_add_text(out, "  ");
    add_cell(out, "QUEUE", width);
    tvn_strbuf_add_text(out, "  HEAT             DEPTH      ELEM/S   FULL     DROPPED  POLICY\n");
    for (uint32_t i = 0; i < sample->edge_count; i++) {
        const struct tvn_edge_sample *edge = &sample->edges[i];
        TVN_AUTO_VALUE(tvn_strbuf) depth = {0};
        tvn_strbuf_printf(&depth, "%" PRIu64 "/%" PRIu64, edge->depth, edge->capacity);
        tvn_strbuf_add_text(out, "  ");
        uint32_t columns = add_edge_name(sample, edge, out);
        tvn_strbuf_add_repeat(out, ' ', width - columns + 2);
        add_bar(out, heat_of(edge), colour);
        add_right(out, &depth, 12);
        add_number(out, tvn_edge_rate(flow->earlier, sample, i), 12);
        add_number(out, (double)edge->backpressure_events, 7);
        add_number(out, (double)edge->dropped, 12);
        tvn_strbuf_add_text(out, "  ");
        (void)tvn_graph_add_cut(out, edge->policy, NAME_MAX);
        tvn_strbuf_add_char(out, '\n');
    }
}

void tvn_top_text(const struct tvn_top_flow *flow, bool colour, struct tvn_strbuf *out)
{
    tvn_assert(flow && flow->later && out);
    add_head(flow, out);
    add_stages(flow, out);
    add_edges(flow, colour, out);
}

/* ---- to the size of a terminal ---- */

/* Length of the escape sequence (ESC [ … letter) that begins at `at`; 0 when none does. Ours only:
 * what came from elsewhere was escaped. */
static size_t sequence_length(struct tvn_str text, size_t at)
{
    if (text.ptr[at] != '\x1b') {
        return 0;
    }
    size_t end = at + 1;
    while (end < text.len && text.ptr[end] != 'm') {
        end++;
    }
    return end < text.len ? end + 1 - at : text.len - at;
}

void tvn_top_fit(struct tvn_str text, uint32_t columns, uint32_t rows, struct tvn_strbuf *out)
{
    uint32_t column = 0;
    uint32_t row = 0;
    for (size_t at = 0; at < text.len && row < rows;) {
        size_t sequence = sequence_length(text, at);
        uint32_t c = 0;
        size_t size = sequence > 0 ? sequence : tvn_utf8_decode(text.ptr + at, text.len - at, &c);
        size = tvn_max(size, 1);
        if (c == '\n') {
            row++;
            column = 0;
            tvn_strbuf_add_text(out, row < rows ? "\n" : "");
        } else if (sequence > 0 || column < columns) {
            tvn_strbuf_add(out, text.ptr + at, size);
            column += sequence > 0 ? 0 : 1;
        }
        at += size;
    }
}

/* ---- JSON ---- */

static void field_share(struct tvn_json_writer *json, const char *key, double value)
{
    tvn_json_key(json, key);
    if (value < 0) {
        tvn_json_write_null(json);
    } else {
        tvn_json_write_real(json, value);
    }
}

static void json_stages(const struct tvn_top_flow *flow, struct tvn_json_writer *json)
{
    tvn_json_key(json, "stages");
    tvn_json_begin_array(json);
    for (uint32_t i = 0; i < flow->later->stage_count; i++) {
        const struct tvn_stage_sample *stage = &flow->later->stages[i];
        struct tvn_stage_shares shares;
        tvn_stage_shares(flow->earlier, flow->later, i, &shares);
        tvn_json_begin_object(json);
        tvn_json_field_text(json, "name", stage->name);
        tvn_json_field_text(json, "role", stage->role);
        tvn_json_field_real(json, "elements_per_second", shares.per_second);
        field_share(json, "busy", shares.busy);
        tvn_json_field_real(json, "blocked", shares.blocked);
        field_share(json, "idle", shares.idle);
        field_share(json, "mean_us", shares.mean_us);
        field_share(json, "p99_us", stage->timed_calls > 0 ? stage->p99_us : -1);
        tvn_json_field_u64(json, "errors", stage->errors);
        tvn_json_field_u64(json, "restarts", stage->restarts);
        tvn_json_field_u64(json, "memory_bytes", stage->memory_bytes);
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
}

static void json_edges(const struct tvn_top_flow *flow, struct tvn_json_writer *json)
{
    tvn_json_key(json, "queues");
    tvn_json_begin_array(json);
    for (uint32_t i = 0; i < flow->later->edge_count; i++) {
        const struct tvn_edge_sample *edge = &flow->later->edges[i];
        tvn_json_begin_object(json);
        tvn_json_field_text(json, "from", flow->later->stages[edge->from].name);
        tvn_json_field_text(json, "port", edge->port);
        tvn_json_field_text(json, "to", flow->later->stages[edge->to].name);
        tvn_json_field_u64(json, "depth", edge->depth);
        tvn_json_field_u64(json, "capacity", edge->capacity);
        tvn_json_field_real(json, "heat", heat_of(edge));
        tvn_json_field_real(json, "elements_per_second",
                            tvn_edge_rate(flow->earlier, flow->later, i));
        tvn_json_field_u64(json, "backpressure_events", edge->backpressure_events);
        tvn_json_field_u64(json, "dropped", edge->dropped);
        tvn_json_field_text(json, "policy", edge->policy);
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
}

void tvn_top_json(const struct tvn_top_flow *flow, struct tvn_json_writer *json)
{
    struct tvn_flow_rates rates;
    const struct tvn_flow_sample *sample = flow->later;
    tvn_flow_rates(flow->earlier, sample, &rates);
    tvn_json_begin_object(json);
    tvn_json_field_text(json, "id", sample->id);
    tvn_json_field_text(json, "state", sample->state);
    tvn_json_field_text(json, "level", sample->level);
    tvn_json_field_bool(json, "busy_is_estimate", rates.is_estimate);
    tvn_json_field_real(json, "seconds", rates.seconds);
    tvn_json_field_u64(json, "elements", sample->elements);
    tvn_json_field_u64(json, "delivered", sample->delivered);
    tvn_json_field_u64(json, "dropped", sample->dropped);
    tvn_json_field_u64(json, "failed", sample->failed);
    tvn_json_field_u64(json, "errors", sample->errors);
    tvn_json_field_u64(json, "copies", sample->copies);
    tvn_json_field_u64(json, "copied_bytes", sample->copied_bytes);
    tvn_json_field_real(json, "elements_per_second", rates.elements);
    tvn_json_field_real(json, "delivered_per_second", rates.delivered);
    tvn_json_field_real(json, "errors_per_second", rates.errors);
    tvn_json_field_real(json, "copies_per_second", rates.copies);
    tvn_json_field_real(json, "copied_bytes_per_second", rates.copied_bytes);
    tvn_json_field_real(json, "idle", rates.idle);
    json_stages(flow, json);
    json_edges(flow, json);
    tvn_json_end_object(json);
}
