/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_report.h"

#include "cli/figures.h"
#include "host/bench_pace.h"
#include "observability/bench.h"

#include <inttypes.h>
#include <math.h>

#define LABEL_COLUMNS 16
#define NS_PER_US     1e3
#define BUSY_SHOWN    0.05 /* a difference */

struct percentile {
    const char *name;
    uint64_t ns;
};

#define PERCENTILES 6

static void percentiles_of(const struct tvn_bench_times *times, struct percentile out[PERCENTILES])
{
    const struct percentile list[PERCENTILES] = {
        {"p50", times->p50}, {"p90", times->p90},   {"p95", times->p95},
        {"p99", times->p99}, {"p999", times->p999}, {"max", times->max},
    };
    memcpy(out, list, sizeof(list));
}

static uint64_t backpressure_events(const struct tvn_bench_report *report)
{
    uint64_t events = 0;
    for (uint32_t i = 0; i < report->stream_count; i++) {
        events += report->streams[i].backpressure_events;
    }
    return events;
}

static uint64_t stage_wakeups(const struct tvn_bench_report *report)
{
    uint64_t vectors = 0;
    for (uint32_t i = 0; i < report->stage_count; i++) {
        vectors += report->stages[i].vectors;
    }
    return vectors;
}

static double part(uint64_t of, uint64_t whole)
{
    return whole == 0 ? 0 : 100.0 * (double)of / (double)whole;
}

/* ---- pretty ---- */

/* "  name:          " with the value at column 18, or one space after a long name. */
static void label(struct tvn_strbuf *out, const char *name)
{
    size_t begin = out->len;
    tvn_strbuf_add_text(out, "  ");
    tvn_strbuf_add_escaped(out, tvn_str_of(name));
    tvn_strbuf_add_char(out, ':');
    do {
        tvn_strbuf_add_char(out, ' ');
    } while (out->len - begin < LABEL_COLUMNS + 2 && !out->failed);
}

static void count_line(struct tvn_strbuf *out, const char *name, uint64_t value, const char *unit)
{
    label(out, name);
    tvn_figure_count(out, value);
    tvn_strbuf_printf(out, "%s\n", unit);
}

static void bytes_line(struct tvn_strbuf *out, const char *name, uint64_t bytes, const char *unit)
{
    label(out, name);
    tvn_figure_bytes(out, bytes);
    tvn_strbuf_printf(out, "%s\n", unit);
}

static void micros_line(struct tvn_strbuf *out, const char *name, uint64_t ns)
{
    label(out, name);
    tvn_strbuf_printf(out, "%.1f\n", (double)ns / NS_PER_US);
}

/*   Machine's pace: 3812 pieces of work/s, 3350 to 3901 in rounds */
static void pretty_pace(const struct tvn_bench_pace *pace, struct tvn_strbuf *out)
{
    struct tvn_bench_pace_range range = tvn_bench_pace_range(pace);
    if (pace->round_count > 0) {
        label(out, "Machine's pace");
        tvn_strbuf_printf(out, "%.0f pieces of work/s, %.0f to %.0f in rounds\n", range.median,
                          range.slowest, range.fastest);
    }
}

static void pretty_throughput(const struct tvn_bench_report *report,
                              const struct tvn_bench_pace *pace, struct tvn_strbuf *out)
{
    tvn_strbuf_add_text(out, "  ── Throughput ───────────\n");
    count_line(out, "Elements/s",
               (uint64_t)(tvn_bench_rate(report->elements, report->measured_ns) + 0.5), "");
    bytes_line(out, "Bytes/s",
               (uint64_t)(tvn_bench_rate(report->source_bytes, report->measured_ns) + 0.5), "/s");
    count_line(out, "Elements", report->elements, "");
    label(out, "Measured");
    tvn_figure_seconds(out, report->measured_ns);
    tvn_strbuf_printf(out, " in %" PRIu32 " round%s\n", report->round_count,
                      report->round_count == 1 ? "" : "s");
    pretty_pace(pace, out);
    if (report->dropped > 0 || report->failed > 0) {
        count_line(out, "Delivered", report->delivered, "");
    }
    if (report->dropped > 0) {
        count_line(out, "Dropped", report->dropped, "");
    }
    if (report->failed > 0) {
        count_line(out, "Failed", report->failed, "");
    }
}

static void pretty_latency(const struct tvn_bench_report *report, struct tvn_strbuf *out)
{
    tvn_strbuf_add_text(out, "\n  ── Latency (µs) ────────\n");
    struct percentile list[PERCENTILES];
    percentiles_of(&report->latency, list);
    for (size_t i = 0; i < PERCENTILES; i++) {
        micros_line(out, list[i].name, list[i].ns);
    }
    label(out, "Timed");
    if (report->timed_every == 1) {
        tvn_strbuf_add_text(out, "every element");
    } else {
        tvn_strbuf_printf(out, "1 of %" PRIu32 " elements, chosen at random", report->timed_every);
    }
    tvn_strbuf_add_text(out, report->rate > 0 ? ", from when it was due\n" : "\n");
    tvn_strbuf_add_text(out, "\n  ── Per-Component Latency (µs, p50) ──\n");
    for (uint32_t i = 0; i < report->stage_count; i++) {
        micros_line(out, report->stages[i].name, report->stages[i].times.p50);
    }
}

static void pretty_resources(const struct tvn_bench_report *report, struct tvn_strbuf *out)
{
    tvn_strbuf_add_text(out, "\n  ── Resources ────────────\n");
    count_line(out, "Buffer allocs", tvn_bench_buffers(report), "");
    label(out, "Pool reuse rate");
    tvn_strbuf_printf(out, "%.1f%%\n", 100 * tvn_bench_reuse_rate(report));
    count_line(out, "Total copies", tvn_bench_total_copies(report->copies), "");
    bytes_line(out, "Peak memory", report->memory_peak_bytes, "");
    bytes_line(out, "Mean memory", report->memory_mean_bytes, "");
    bytes_line(out, "Process peak", report->process_peak_bytes, "");
    uint64_t fallbacks = 0;
    for (size_t i = 0; i + 1 < TVN_BENCH_TIERS; i++) {
        fallbacks += report->tiers[i].fallbacks;
    }
    if (fallbacks > 0) {
        count_line(out, "Not from pools", fallbacks, "");
    }
}

/*   transform:      1,000 PayloadRead (18.5 KiB), 1,000 PayloadWrite (18.5 KiB) */
static void pretty_copies(const struct tvn_bench_report *report, struct tvn_strbuf *out)
{
    if (tvn_bench_total_copies(report->copies) == 0) {
        return;
    }
    tvn_strbuf_add_text(out, "\n  ── Copies ───────────────\n");
    for (uint32_t i = 0; i < report->stage_count; i++) {
        const struct tvn_bench_stage *stage = &report->stages[i];
        const char *separator = "";
        if (tvn_bench_total_copies(stage->copies) == 0) {
            continue;
        }
        label(out, stage->name);
        for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
            if (reason == TVN_COPY_METADATA_MARSHAL || stage->copies[reason] == 0) {
                continue;
            }
            tvn_strbuf_add_text(out, separator);
            tvn_figure_count(out, stage->copies[reason]);
            tvn_strbuf_printf(out, " %s (", tvn_copy_reason_name((enum tvn_copy_reason)reason));
            tvn_figure_bytes(out, stage->copy_bytes[reason]);
            tvn_strbuf_add_char(out, ')');
            separator = ", ";
        }
        tvn_strbuf_add_char(out, '\n');
    }
    label(out, "Amplification");
    tvn_strbuf_printf(out, "%.2f bytes copied per byte produced\n",
                      tvn_bench_amplification(report));
}

static void pretty_scheduling(const struct tvn_bench_report *report, struct tvn_strbuf *out)
{
    tvn_strbuf_add_text(out, "\n  ── Scheduling ───────────\n");
    count_line(out, "Total wakeups", stage_wakeups(report), "");
    uint64_t events = backpressure_events(report);
    count_line(out, "Backpressure", events, events == 1 ? " event" : " events");
    uint64_t peak = 0;
    uint64_t capacity = 0;
    if (tvn_bench_peak(report, &peak, &capacity)) {
        label(out, "Queue peak");
        tvn_strbuf_printf(out, "%" PRIu64 " / %" PRIu64 "\n", peak, capacity);
    }
    label(out, "Idle");
    tvn_strbuf_printf(out, "%.1f%%\n", part(report->idle_ns, report->measured_ns));
    label(out, "Processor");
    tvn_strbuf_printf(out, "%.1f%%\n", part(report->cpu_ns, report->measured_ns));
    if (report->stream_count == 0) {
        return;
    }
    tvn_strbuf_add_text(out, "\n  ── Queues ───────────────\n");
    for (uint32_t i = 0; i < report->stream_count; i++) {
        const struct tvn_bench_stream *stream = &report->streams[i];
        tvn_strbuf_add_text(out, "  ");
        tvn_strbuf_add_escaped(out, tvn_str_of(stream->from));
        tvn_strbuf_add_text(out, " → ");
        tvn_strbuf_add_escaped(out, tvn_str_of(stream->to));
        tvn_strbuf_printf(
            out,
            ": depth %.1f mean, %" PRIu64 " peak / %" PRIu64 "; waiting p50 %.1f µs, p99 %.1f µs; ",
            stream->depth_mean, stream->depth_peak, stream->capacity,
            (double)stream->waiting.p50 / NS_PER_US, (double)stream->waiting.p99 / NS_PER_US);
        tvn_figure_count(out, stream->backpressure_events);
        tvn_strbuf_add_text(out, " backpressure");
        if (stream->dropped > 0) {
            tvn_strbuf_add_text(out, ", ");
            tvn_figure_count(out, stream->dropped);
            tvn_strbuf_add_text(out, " dropped");
        }
        tvn_strbuf_add_char(out, '\n');
    }
}

static const char *const metric_titles[TVN_BENCH_METRIC_COUNT] = {
    [TVN_BENCH_THROUGHPUT] = "Elements/s",
    [TVN_BENCH_LATENCY_P50] = "p50 (µs)",
    [TVN_BENCH_LATENCY_P99] = "p99 (µs)",
};

/* What a comparison came to, in words that also hold when something is not certain. */
static const char *conclusion(const struct tvn_bench_comparison *comparison)
{
    for (size_t i = 0; !comparison->regression && i < TVN_BENCH_METRIC_COUNT; i++) {
        if (comparison->changes[i].judged && comparison->changes[i].beyond) {
            return "No certain regression";
        }
    }
    return comparison->regression ? "Regression" : "No regression";
}

/* What the machine's pace has to do with it. */
static void pretty_pace_comparison(const struct tvn_bench_pace_comparison *pace, double threshold,
                                   struct tvn_strbuf *out)
{
    if (pace->now.median <= 0) {
        return;
    }
    label(out, "Machine's pace");
    if (!pace->is_known) {
        tvn_strbuf_printf(out, "%.0f pieces of work/s, %s for the baseline\n", pace->now.median,
                          pace->before.median > 0 ? "measured otherwise" : "not measured");
        return;
    }
    tvn_strbuf_printf(out, "%.0f → %.0f pieces of work/s (%+.1f%%)\n", pace->before.median,
                      pace->now.median, 100 * (pace->now.median / pace->before.median - 1));
    if (pace->spread > threshold) {
        tvn_strbuf_printf(out, "  %-16sby %.0f%% from round to round; small changes may not show\n",
                          "Not steady:", 100 * pace->spread);
    }
    if (fabs(pace->busy_now - pace->busy_before) >= BUSY_SHOWN) {
        tvn_strbuf_printf(out,
                          "  %-16sothers had the processor for %.0f%% of the time, %.0f%% for the "
                          "baseline; a regression begins at %.0f%%\n",
                          "Busy:", 100 * pace->busy_now, 100 * pace->busy_before,
                          100 * pace->threshold);
    }
}

/*   Elements/s:     4198512 → 2611034 (-37.8%; at the baseline's pace +9.1%, confidence 97.2%)  ok
 */
static void pretty_change(const struct tvn_bench_figures *figures, enum tvn_bench_metric metric,
                          struct tvn_strbuf *out)
{
    const struct tvn_bench_change *change = &figures->comparison->changes[metric];
    const struct tvn_bench_pace_comparison *pace = figures->comparison_pace;
    int decimals = metric == TVN_BENCH_THROUGHPUT ? 0 : 1;
    label(out, metric_titles[metric]);
    tvn_strbuf_printf(out, "%.*f → %.*f (%+.1f%%", decimals, change->before, decimals, change->now,
                      100 * change->change);
    if (pace->is_known) {
        change = &pace->converted.changes[metric];
        tvn_strbuf_printf(out, "; at the baseline's pace %+.1f%%", 100 * change->change);
    }
    tvn_strbuf_printf(out, ", confidence %.1f%%)  %s\n", 100 * change->confidence,
                      tvn_bench_verdict(figures->comparison, metric));
}

static void pretty_comparison(const struct tvn_bench_figures *figures, struct tvn_strbuf *out)
{
    tvn_strbuf_add_text(out, "\n  ── Comparison ───────────\n");
    double threshold = figures->comparison->threshold;
    for (size_t i = 0; i < TVN_BENCH_METRIC_COUNT; i++) {
        pretty_change(figures, (enum tvn_bench_metric)i, out);
    }
    pretty_pace_comparison(figures->comparison_pace, threshold, out);
    tvn_strbuf_printf(out, "  %s (threshold %g%%)\n", conclusion(figures->comparison),
                      100 * threshold);
}

void tvn_bench_report_pretty(const struct tvn_bench_figures *figures, struct tvn_strbuf *out)
{
    const struct tvn_bench_report *report = figures->report;
    pretty_throughput(report, figures->pace, out);
    pretty_latency(report, out);
    pretty_resources(report, out);
    pretty_scheduling(report, out);
    pretty_copies(report, out);
    if (figures->comparison) {
        pretty_comparison(figures, out);
    }
}

/* ---- CSV ---- */

static void csv_text(struct tvn_strbuf *out, const char *text)
{
    tvn_strbuf_add_char(out, '"');
    for (const char *c = text; *c; c++) {
        if (*c == '"') {
            tvn_strbuf_add_char(out, '"');
        }
        tvn_strbuf_add_char(out, *c);
    }
    tvn_strbuf_add_char(out, '"');
}

static void csv_row(struct tvn_strbuf *out, const char *metric, const char *of, double value,
                    const char *unit)
{
    tvn_strbuf_printf(out, "%s,", metric);
    csv_text(out, of);
    tvn_strbuf_printf(out, ",%.15g,%s\n", value, unit);
}

static void csv_times(struct tvn_strbuf *out, const char *metric, const char *of,
                      const struct tvn_bench_times *times)
{
    struct percentile list[PERCENTILES];
    percentiles_of(times, list);
    for (size_t i = 0; i < PERCENTILES; i++) {
        tvn_strbuf_printf(out, "%s_%s,", metric, list[i].name);
        csv_text(out, of);
        tvn_strbuf_printf(out, ",%.15g,us\n", (double)list[i].ns / NS_PER_US);
    }
}

void tvn_bench_report_csv(const struct tvn_bench_figures *figures, struct tvn_strbuf *out)
{
    const struct tvn_bench_report *report = figures->report;
    const char *flow = report->flow;
    tvn_strbuf_add_text(out, "metric,part,value,unit\n");
    csv_row(out, "throughput", flow, tvn_bench_rate(report->elements, report->measured_ns),
            "elements/s");
    csv_row(out, "throughput_bytes", flow,
            tvn_bench_rate(report->source_bytes, report->measured_ns), "bytes/s");
    csv_row(out, "elements", flow, (double)report->elements, "elements");
    csv_row(out, "delivered", flow, (double)report->delivered, "elements");
    csv_row(out, "dropped", flow, (double)report->dropped, "elements");
    csv_row(out, "failed", flow, (double)report->failed, "elements");
    if (figures->pace->round_count > 0) {
        csv_row(out, "machine_pace", flow, tvn_bench_pace_range(figures->pace).median, "pieces/s");
    }
    csv_times(out, "latency", flow, &report->latency);
    csv_row(out, "buffer_allocs", flow, (double)tvn_bench_buffers(report), "buffers");
    csv_row(out, "pool_reuse_rate", flow, tvn_bench_reuse_rate(report), "ratio");
    csv_row(out, "copies", flow, (double)tvn_bench_total_copies(report->copies), "copies");
    csv_row(out, "copied_bytes", flow, (double)tvn_bench_total_copies(report->copy_bytes), "bytes");
    csv_row(out, "copy_amplification", flow, tvn_bench_amplification(report), "ratio");
    csv_row(out, "memory_peak", flow, (double)report->memory_peak_bytes, "bytes");
    csv_row(out, "memory_mean", flow, (double)report->memory_mean_bytes, "bytes");
    csv_row(out, "wakeups", flow, (double)stage_wakeups(report), "wakeups");
    csv_row(out, "idle", flow, (double)report->idle_ns / 1e6, "ms");
    for (uint32_t i = 0; i < report->stage_count; i++) {
        const struct tvn_bench_stage *stage = &report->stages[i];
        csv_times(out, "processing", stage->name, &stage->times);
        csv_row(out, "invocations", stage->name, (double)stage->invocations, "calls");
        csv_row(out, "copies", stage->name, (double)tvn_bench_total_copies(stage->copies),
                "copies");
        csv_row(out, "copied_bytes", stage->name, (double)tvn_bench_total_copies(stage->copy_bytes),
                "bytes");
        csv_row(out, "memory", stage->name, (double)stage->memory_bytes, "bytes");
    }
    for (uint32_t i = 0; i < report->stream_count; i++) {
        const struct tvn_bench_stream *stream = &report->streams[i];
        TVN_AUTO_VALUE(tvn_strbuf) name = {0};
        tvn_strbuf_printf(&name, "%s → %s", stream->from, stream->to);
        const char *text = tvn_strbuf_text(&name);
        csv_times(out, "waiting", text, &stream->waiting);
        csv_row(out, "queue_depth_mean", text, stream->depth_mean, "elements");
        csv_row(out, "queue_depth_peak", text, (double)stream->depth_peak, "elements");
        csv_row(out, "backpressure_events", text, (double)stream->backpressure_events, "events");
        csv_row(out, "backpressure", text, (double)stream->backpressure_ns / 1e6, "ms");
    }
}

/* ---- Markdown ---- */

/* A table cell: '|' would end it. */
static void cell(struct tvn_strbuf *out, const char *text)
{
    struct tvn_str rest = tvn_str_of(text);
    for (size_t bar = tvn_str_find(rest, '|'); bar != SIZE_MAX; bar = tvn_str_find(rest, '|')) {
        tvn_strbuf_add_escaped(out, tvn_str_slice(rest, 0, bar));
        tvn_strbuf_add_text(out, "\\|");
        rest = tvn_str_slice(rest, bar + 1, rest.len);
    }
    tvn_strbuf_add_escaped(out, rest);
}

static void markdown_times(struct tvn_strbuf *out, const char *name,
                           const struct tvn_bench_times *times)
{
    struct percentile list[PERCENTILES];
    percentiles_of(times, list);
    tvn_strbuf_add_text(out, "| ");
    cell(out, name);
    for (size_t i = 0; i < PERCENTILES; i++) {
        tvn_strbuf_printf(out, " | %.1f", (double)list[i].ns / NS_PER_US);
    }
    tvn_strbuf_add_text(out, " |\n");
}

static void markdown_comparison(const struct tvn_bench_figures *figures, struct tvn_strbuf *out)
{
    const struct tvn_bench_pace_comparison *pace = figures->comparison_pace;
    tvn_strbuf_printf(out, "\n| | before | now | change |%s |\n|---|---:|---:|---:|%s---|\n",
                      pace->is_known ? " at the baseline's pace |" : "",
                      pace->is_known ? "---:|" : "");
    for (size_t i = 0; i < TVN_BENCH_METRIC_COUNT; i++) {
        const struct tvn_bench_change *change = &figures->comparison->changes[i];
        tvn_strbuf_printf(out, "| %s | %.1f | %.1f | %+.1f%% |", metric_titles[i], change->before,
                          change->now, 100 * change->change);
        if (pace->is_known) {
            tvn_strbuf_printf(out, " %+.1f%% |", 100 * pace->converted.changes[i].change);
        }
        tvn_strbuf_printf(out, " %s |\n",
                          tvn_bench_verdict(figures->comparison, (enum tvn_bench_metric)i));
    }
    if (pace->is_known) {
        tvn_strbuf_printf(out,
                          "| Machine's pace (pieces of work/s) | %.1f | %.1f | %+.1f%% | | |\n",
                          pace->before.median, pace->now.median,
                          100 * (pace->now.median / pace->before.median - 1));
    }
}

void tvn_bench_report_markdown(const struct tvn_bench_figures *figures, struct tvn_strbuf *out)
{
    const struct tvn_bench_report *report = figures->report;
    tvn_strbuf_add_text(out, "## Benchmark of flow `");
    cell(out, report->flow);
    tvn_strbuf_add_text(out, "`\n\n| | |\n|---|---:|\n| Elements/s | ");
    tvn_figure_count(out, (uint64_t)(tvn_bench_rate(report->elements, report->measured_ns) + 0.5));
    tvn_strbuf_add_text(out, " |\n| Elements | ");
    tvn_figure_count(out, report->elements);
    if (figures->pace->round_count > 0) {
        tvn_strbuf_printf(out, " |\n| Machine's pace (pieces of work/s) | %.0f",
                          tvn_bench_pace_range(figures->pace).median);
    }
    tvn_strbuf_add_text(out, " |\n| Total copies | ");
    tvn_figure_count(out, tvn_bench_total_copies(report->copies));
    tvn_strbuf_printf(out, " |\n| Copy amplification | %.2f |\n| Pool reuse rate | %.1f%% |\n",
                      tvn_bench_amplification(report), 100 * tvn_bench_reuse_rate(report));
    tvn_strbuf_add_text(out, "| Peak memory | ");
    tvn_figure_bytes(out, report->memory_peak_bytes);
    tvn_strbuf_printf(out, " |\n| Backpressure events | %" PRIu64 " |\n",
                      backpressure_events(report));
    tvn_strbuf_add_text(out, "\n| µs | p50 | p90 | p95 | p99 | p999 | max |\n"
                             "|---|---:|---:|---:|---:|---:|---:|\n");
    markdown_times(out, "latency", &report->latency);
    for (uint32_t i = 0; i < report->stage_count; i++) {
        markdown_times(out, report->stages[i].name, &report->stages[i].times);
    }
    if (figures->comparison) {
        markdown_comparison(figures, out);
    }
}
