/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_report.h"

#include "base/assert.h"
#include "cli/figures.h"
#include "format/json_writer.h"
#include "host/host.h"
#include "observability/recorder.h"

#include <signal.h>

#define SUMMARY_TITLE      "  ── Summary ──────────────\n"
#define LABEL_COLUMNS      13
#define COPY_RECORDS_SHOWN 64

static const enum tvn_copy_reason payload_reasons[] = {
    TVN_COPY_PAYLOAD_READ, TVN_COPY_PAYLOAD_WRITE, TVN_COPY_HOST_SERIALIZE};

uint64_t tvn_run_report_copies(const struct tvn_run_report *report)
{
    uint64_t total = 0;
    for (size_t i = 0; i < TVN_ARRAY_LEN(payload_reasons); i++) {
        total += report->copies[payload_reasons[i]];
    }
    return total;
}

/* Of payload; metadata is told apart. */
static uint64_t copied_bytes(const uint64_t by_reason[TVN_COPY_REASON_COUNT])
{
    uint64_t total = 0;
    for (size_t i = 0; i < TVN_ARRAY_LEN(payload_reasons); i++) {
        total += by_reason[payload_reasons[i]];
    }
    return total;
}

bool tvn_run_report_peak(const struct tvn_host *host, const struct tvn_run_report *report,
                         uint64_t *out_peak, uint64_t *out_capacity)
{
    const struct tvn_link *link = tvn_host_flow_link(host, report->index);
    tvn_assert(report->stream_count == link->edge_count);
    double fullest = -1;
    for (uint32_t i = 0; i < report->stream_count; i++) {
        uint64_t capacity = link->edges[i].backpressure.queue_depth;
        double fill = (double)report->streams[i].depth_peak / (double)capacity;
        if (fill > fullest) {
            fullest = fill;
            *out_peak = report->streams[i].depth_peak;
            *out_capacity = capacity;
        }
    }
    return report->stream_count > 0;
}

/* ---- text ---- */

static void label(struct tvn_strbuf *out, const char *name)
{
    tvn_strbuf_printf(out, "  %-*s", LABEL_COLUMNS, name);
}

static void count_line(struct tvn_strbuf *out, const char *name, uint64_t value)
{
    label(out, name);
    tvn_figure_count(out, value);
    tvn_strbuf_add_char(out, '\n');
}

static void quickstart_lines(struct tvn_strbuf *out, const struct tvn_run_report *report,
                             const char *ending)
{
    label(out, "Flow:");
    tvn_strbuf_add_escaped(out, tvn_str_of(report->flow));
    if (ending) {
        tvn_strbuf_printf(out, " (%s)", ending);
    }
    tvn_strbuf_add_char(out, '\n');
    count_line(out, "Elements:", report->pulled);
    label(out, "Duration:");
    tvn_figure_seconds(out, report->duration_ns);
    tvn_strbuf_add_char(out, '\n');
    label(out, "Throughput:");
    tvn_strbuf_add_char(out, '~');
    tvn_figure_count(out, (uint64_t)(tvn_figure_rate(report->pulled, report->duration_ns) + 0.5));
    tvn_strbuf_add_text(out, " elem/s\n");
}

/* What there was besides the sources' elements: the lines below add up to all of it. */
static void origin_lines(struct tvn_strbuf *out, const struct tvn_run_report *report)
{
    if (report->forked > 0) {
        count_line(out, "Forked:", report->forked);
    }
    if (report->flushed > 0) {
        count_line(out, "Flushed:", report->flushed);
    }
}

static void failed_line(struct tvn_strbuf *out, const struct tvn_run_report *report)
{
    label(out, "Failed:");
    tvn_figure_count(out, report->failed);
    if (report->dead_lettered > 0) {
        tvn_strbuf_add_text(out, " (");
        tvn_figure_count(out, report->dead_lettered);
        tvn_strbuf_printf(out, " dead letter%s)", report->dead_lettered == 1 ? "" : "s");
    }
    tvn_strbuf_add_char(out, '\n');
}

/* Where the elements went. */
static void fate_lines(struct tvn_strbuf *out, const struct tvn_run_report *report)
{
    uint64_t filtered = 0;
    for (uint32_t i = 0; i < report->stage_count; i++) {
        filtered += report->stages[i].role == TVN_ROLE_FILTER ? report->stages[i].dropped : 0;
    }
    uint64_t dropped = report->dropped > filtered ? report->dropped - filtered : 0;
    count_line(out, "Delivered:", report->delivered);
    if (filtered > 0) {
        count_line(out, "Filtered:", filtered);
    }
    if (dropped > 0) {
        count_line(out, "Dropped:", dropped);
    }
    if (report->absorbed > 0) {
        count_line(out, "Absorbed:", report->absorbed);
    }
    if (report->failed > 0) {
        failed_line(out, report);
    }
    uint64_t restarts = 0;
    for (uint32_t i = 0; i < report->stage_count; i++) {
        restarts += report->stages[i].restarts;
    }
    if (restarts > 0) {
        count_line(out, "Restarts:", restarts);
    }
}

static void copy_lines(struct tvn_strbuf *out, const struct tvn_run_report *report)
{
    label(out, "Copies:");
    tvn_figure_count(out, tvn_run_report_copies(report));
    tvn_strbuf_add_text(out, " (");
    tvn_figure_bytes(out, copied_bytes(report->copy_bytes));
    tvn_strbuf_add_char(out, ')');
    const char *separator = ": ";
    for (size_t i = 0; i < TVN_ARRAY_LEN(payload_reasons); i++) {
        enum tvn_copy_reason reason = payload_reasons[i];
        if (report->copies[reason] > 0) {
            tvn_strbuf_add_text(out, separator);
            tvn_figure_count(out, report->copies[reason]);
            tvn_strbuf_printf(out, " %s", tvn_copy_reason_name(reason));
            separator = ", ";
        }
    }
    tvn_strbuf_add_char(out, '\n');
    if (report->copies[TVN_COPY_METADATA_MARSHAL] > 0) {
        label(out, "Metadata:");
        tvn_figure_count(out, report->copies[TVN_COPY_METADATA_MARSHAL]);
        tvn_strbuf_printf(out, " %s (", tvn_copy_reason_name(TVN_COPY_METADATA_MARSHAL));
        tvn_figure_bytes(out, report->copy_bytes[TVN_COPY_METADATA_MARSHAL]);
        tvn_strbuf_add_text(out, ")\n");
    }
}

static void queue_line(struct tvn_strbuf *out, const struct tvn_host *host,
                       const struct tvn_run_report *report)
{
    uint64_t peak = 0;
    uint64_t capacity = 0;
    if (!tvn_run_report_peak(host, report, &peak, &capacity)) {
        return;
    }
    uint64_t events = 0;
    for (uint32_t i = 0; i < report->stream_count; i++) {
        events += report->streams[i].backpressure_events;
    }
    label(out, "Queue peak:");
    tvn_figure_count(out, peak);
    tvn_strbuf_add_text(out, " / ");
    tvn_figure_count(out, capacity);
    tvn_strbuf_add_text(out, ", ");
    tvn_figure_count(out, events);
    tvn_strbuf_printf(out, " backpressure event%s\n", events == 1 ? "" : "s");
}

void tvn_run_report_text(const struct tvn_host *host, const struct tvn_run_report *report,
                         const char *ending, struct tvn_strbuf *out)
{
    tvn_assert(host && report && out);
    tvn_strbuf_add_text(out, SUMMARY_TITLE);
    quickstart_lines(out, report, ending);
    origin_lines(out, report);
    fate_lines(out, report);
    copy_lines(out, report);
    queue_line(out, host, report);
}

/* ---- JSON ---- */

static void json_copies_of(const struct tvn_run_report *report, enum tvn_copy_reason reason,
                           const char *key, struct tvn_json_writer *json)
{
    tvn_json_key(json, key);
    tvn_json_begin_object(json);
    tvn_json_field_u64(json, "count", report->copies[reason]);
    tvn_json_field_u64(json, "bytes", report->copy_bytes[reason]);
    tvn_json_end_object(json);
}

/* Of payload; what crosses as metadata is reported apart. */
static void json_copies(const struct tvn_run_report *report, struct tvn_json_writer *json)
{
    tvn_json_key(json, "copies");
    tvn_json_begin_object(json);
    tvn_json_field_u64(json, "total", tvn_run_report_copies(report));
    tvn_json_field_u64(json, "bytes", copied_bytes(report->copy_bytes));
    tvn_json_key(json, "by_reason");
    tvn_json_begin_object(json);
    for (size_t i = 0; i < TVN_ARRAY_LEN(payload_reasons); i++) {
        json_copies_of(report, payload_reasons[i], tvn_copy_reason_name(payload_reasons[i]), json);
    }
    tvn_json_end_object(json);
    tvn_json_end_object(json);
    json_copies_of(report, TVN_COPY_METADATA_MARSHAL, "metadata_copies", json);
}

/* Payload bytes copied per byte produced; null where nothing is produced. */
static void json_amplification(struct tvn_json_writer *json, uint64_t copied, uint64_t produced)
{
    tvn_json_key(json, "copy_amplification");
    if (produced == 0) {
        tvn_json_write_null(json);
    } else {
        tvn_json_write_real(json, (double)copied / (double)produced);
    }
}

static void json_stages(const struct tvn_run_report *report, struct tvn_json_writer *json)
{
    tvn_json_key(json, "stages");
    tvn_json_begin_array(json);
    for (uint32_t i = 0; i < report->stage_count; i++) {
        const struct tvn_stage_report *stage = &report->stages[i];
        tvn_json_begin_object(json);
        tvn_json_field_text(json, "name", stage->name);
        tvn_json_field_text(json, "role", tvn_role_name(stage->role));
        tvn_json_field_u64(json, "invocations", stage->invocations);
        tvn_json_field_u64(json, "emitted", stage->emitted);
        tvn_json_field_u64(json, "dropped", stage->dropped);
        tvn_json_field_u64(json, "failed", stage->failed);
        tvn_json_field_u64(json, "absorbed", stage->absorbed);
        tvn_json_field_u64(json, "flushed", stage->flushed);
        tvn_json_field_u64(json, "dead_lettered", stage->dead_lettered);
        tvn_json_field_u64(json, "errors", stage->errors);
        tvn_json_field_u64(json, "restarts", stage->restarts);
        uint64_t copied = copied_bytes(stage->copy_bytes);
        tvn_json_field_u64(json, "copied_bytes", copied);
        tvn_json_field_u64(json, "produced_bytes", stage->produced_bytes);
        json_amplification(json, copied, stage->produced_bytes);
        tvn_json_field_u64(json, "log_lines_dropped", stage->log_lines_dropped);
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
}

static void json_streams(const struct tvn_host *host, const struct tvn_run_report *report,
                         struct tvn_json_writer *json)
{
    const struct tvn_link *link = tvn_host_flow_link(host, report->index);
    tvn_json_key(json, "streams");
    tvn_json_begin_array(json);
    for (uint32_t i = 0; i < report->stream_count; i++) {
        const struct tvn_stream_report *stream = &report->streams[i];
        tvn_json_begin_object(json);
        tvn_json_field_text(json, "from", stream->from);
        tvn_json_field_text(json, "port", link->edges[i].from_port);
        tvn_json_field_text(json, "to", stream->to);
        tvn_json_field_u64(json, "transferred", stream->transferred);
        tvn_json_field_u64(json, "capacity", link->edges[i].backpressure.queue_depth);
        tvn_json_field_u64(json, "peak_depth", stream->depth_peak);
        tvn_json_field_u64(json, "backpressure_events", stream->backpressure_events);
        tvn_json_field_real(json, "backpressure_ms", (double)stream->backpressure_ns / 1e6);
        tvn_json_field_real(json, "suspend_us", (double)stream->suspend_ns / 1e3);
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
}

/* A stage's name, or what else bytes come from and go to. */
static const char *party_name(const struct tvn_run_report *report, uint32_t party)
{
    if (party == TVN_COPY_PARTY_HOST) {
        return "host";
    }
    return party < report->stage_count ? report->stages[party].name : "outside";
}

static void json_copy_record(const struct tvn_run_report *report,
                             const struct tvn_copy_record *record, struct tvn_json_writer *json)
{
    tvn_json_begin_object(json);
    tvn_json_field_u64(json, "number", record->number);
    tvn_json_field_u64(json, "at_unix_ns", record->at_ns);
    tvn_json_field_text(json, "flow", report->flow);
    tvn_json_field_text(json, "stage", report->stages[record->stage].name);
    if (record->sequence != TVN_EVENT_NO_SEQUENCE) {
        tvn_json_field_u64(json, "element", record->sequence);
    }
    tvn_json_field_u64(json, "resource", record->resource);
    tvn_json_field_text(json, "source", party_name(report, record->source));
    tvn_json_field_text(json, "destination", party_name(report, record->destination));
    tvn_json_field_text(json, "reason", tvn_copy_reason_name(record->reason));
    tvn_json_field_u64(json, "copies", record->copies);
    tvn_json_field_u64(json, "bytes", record->bytes);
    tvn_json_end_object(json);
}

/* At level diagnostic: the last copies, one by one. */
static void json_copy_ledger(const struct tvn_host *host, const struct tvn_run_report *report,
                             struct tvn_json_writer *json)
{
    const struct tvn_call_log *ledger =
        tvn_recorder_copies(tvn_host_flow_recorder(host, report->index));
    if (!ledger) {
        return;
    }
    struct tvn_copy_record records[COPY_RECORDS_SHOWN];
    uint64_t count = tvn_copy_ledger_count(ledger);
    uint64_t first = count > COPY_RECORDS_SHOWN ? count - COPY_RECORDS_SHOWN : 0;
    uint32_t shown = tvn_copy_ledger_read(ledger, first, COPY_RECORDS_SHOWN, records);
    tvn_json_key(json, "copy_ledger");
    tvn_json_begin_object(json);
    tvn_json_field_u64(json, "records", count);
    tvn_json_key(json, "last");
    tvn_json_begin_array(json);
    for (uint32_t i = 0; i < shown; i++) {
        json_copy_record(report, &records[i], json);
    }
    tvn_json_end_array(json);
    tvn_json_end_object(json);
}

const char *tvn_run_signal_name(int number)
{
    return number == SIGINT    ? "SIGINT"
           : number == SIGTERM ? "SIGTERM"
           : number == SIGHUP  ? "SIGHUP"
                               : NULL;
}

void tvn_run_report_json(const struct tvn_host *host, const struct tvn_run_report *report,
                         struct tvn_json_writer *json)
{
    tvn_assert(host && report && json);
    tvn_json_field_text(json, "flow", report->flow);
    tvn_json_field_text(json, "state", tvn_flow_state_name(report->state));
    tvn_json_field_text(json, "signal", tvn_run_signal_name(report->signal));
    tvn_json_field_u64(json, "elements", report->pulled);
    tvn_json_field_u64(json, "forked", report->forked);
    tvn_json_field_u64(json, "flushed", report->flushed);
    tvn_json_field_u64(json, "delivered", report->delivered);
    tvn_json_field_u64(json, "dropped", report->dropped);
    tvn_json_field_u64(json, "absorbed", report->absorbed);
    tvn_json_field_u64(json, "failed", report->failed);
    tvn_json_field_u64(json, "dead_lettered", report->dead_lettered);
    tvn_json_field_real(json, "duration_ms", (double)report->duration_ns / 1e6);
    tvn_json_field_real(json, "throughput_eps",
                        tvn_figure_rate(report->pulled, report->duration_ns));
    tvn_json_field_u64(json, "produced_bytes", report->produced_bytes);
    json_amplification(json, copied_bytes(report->copy_bytes), report->produced_bytes);
    json_copies(report, json);
    json_stages(report, json);
    json_streams(host, report, json);
    json_copy_ledger(host, report, json);
}
