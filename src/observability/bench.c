/* SPDX-License-Identifier: Apache-2.0 */
/* Derived numbers of a benchmark and their JSON form. */
#include "observability/bench.h"

#include "base/assert.h"

#define NS_PER_US     1e3
#define NS_PER_SECOND 1e9

void tvn_bench_times_of(const struct tvn_histogram *histogram, struct tvn_bench_times *out_times)
{
    tvn_assert(histogram && out_times);
    *out_times = (struct tvn_bench_times){
        .count = tvn_histogram_count(histogram),
        .min = tvn_histogram_min(histogram),
        .p50 = tvn_histogram_quantile(histogram, 0.5),
        .p90 = tvn_histogram_quantile(histogram, 0.9),
        .p95 = tvn_histogram_quantile(histogram, 0.95),
        .p99 = tvn_histogram_quantile(histogram, 0.99),
        .p999 = tvn_histogram_quantile(histogram, 0.999),
        .max = tvn_histogram_max(histogram),
        .mean = tvn_histogram_mean(histogram),
    };
}

uint64_t tvn_bench_total_copies(const uint64_t by_reason[TVN_COPY_REASON_COUNT])
{
    uint64_t total = 0;
    for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
        total += reason == TVN_COPY_METADATA_MARSHAL ? 0 : by_reason[reason];
    }
    return total;
}

double tvn_bench_rate(uint64_t count, uint64_t ns)
{
    return ns == 0 ? 0 : (double)count * NS_PER_SECOND / (double)ns;
}

double tvn_bench_amplification(const struct tvn_bench_report *report)
{
    return report->produced_bytes == 0 ? 0
                                       : (double)tvn_bench_total_copies(report->copy_bytes) /
                                             (double)report->produced_bytes;
}

uint64_t tvn_bench_buffers(const struct tvn_bench_report *report)
{
    /* The last tier holds again what the others had to allocate beside their pools. */
    uint64_t allocated = 0;
    for (size_t i = 0; i + 1 < TVN_BENCH_TIERS; i++) {
        allocated += report->tiers[i].allocated;
    }
    return allocated;
}

double tvn_bench_reuse_rate(const struct tvn_bench_report *report)
{
    uint64_t allocated = tvn_bench_buffers(report);
    uint64_t returned = 0;
    for (size_t i = 0; i + 1 < TVN_BENCH_TIERS; i++) {
        returned += report->tiers[i].returned;
    }
    return allocated == 0 ? 0 : (double)returned / (double)allocated;
}

bool tvn_bench_peak(const struct tvn_bench_report *report, uint64_t *out_peak,
                    uint64_t *out_capacity)
{
    double fullest = -1;
    for (uint32_t i = 0; i < report->stream_count; i++) {
        const struct tvn_bench_stream *stream = &report->streams[i];
        double fill = (double)stream->depth_peak / (double)stream->capacity;
        if (fill > fullest) {
            fullest = fill;
            *out_peak = stream->depth_peak;
            *out_capacity = stream->capacity;
        }
    }
    return report->stream_count > 0;
}

/* ---- JSON ---- */

static double microseconds(uint64_t ns)
{
    return (double)ns / NS_PER_US;
}

static void write_times(struct tvn_json_writer *json, const char *key,
                        const struct tvn_bench_times *times)
{
    tvn_json_key(json, key);
    tvn_json_begin_object(json);
    tvn_json_field_u64(json, "count", times->count);
    tvn_json_field_real(json, "min", microseconds(times->min));
    tvn_json_field_real(json, "mean", times->mean / NS_PER_US);
    tvn_json_field_real(json, "p50", microseconds(times->p50));
    tvn_json_field_real(json, "p90", microseconds(times->p90));
    tvn_json_field_real(json, "p95", microseconds(times->p95));
    tvn_json_field_real(json, "p99", microseconds(times->p99));
    tvn_json_field_real(json, "p999", microseconds(times->p999));
    tvn_json_field_real(json, "max", microseconds(times->max));
    tvn_json_end_object(json);
}

static void write_copies(struct tvn_json_writer *json, const uint64_t count[TVN_COPY_REASON_COUNT],
                         const uint64_t bytes[TVN_COPY_REASON_COUNT])
{
    tvn_json_key(json, "copies");
    tvn_json_begin_object(json);
    tvn_json_field_u64(json, "total", tvn_bench_total_copies(count));
    tvn_json_field_u64(json, "bytes", tvn_bench_total_copies(bytes));
    tvn_json_key(json, "by_reason");
    tvn_json_begin_object(json);
    for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
        tvn_json_key(json, tvn_copy_reason_name((enum tvn_copy_reason)reason));
        tvn_json_begin_object(json);
        tvn_json_field_u64(json, "count", count[reason]);
        tvn_json_field_u64(json, "bytes", bytes[reason]);
        tvn_json_end_object(json);
    }
    tvn_json_end_object(json);
    tvn_json_end_object(json);
}

static void write_settings(const struct tvn_bench_report *report, struct tvn_json_writer *json)
{
    tvn_json_key(json, "settings");
    tvn_json_begin_object(json);
    tvn_json_field_real(json, "warmup_s", (double)report->warmup_ns / NS_PER_SECOND);
    tvn_json_field_u64(json, "warmup_elements", report->warmup_elements);
    tvn_json_field_real(json, "duration_s", (double)report->duration_ns / NS_PER_SECOND);
    tvn_json_field_u64(json, "iterations", report->iterations);
    tvn_json_field_real(json, "rate", report->rate);
    tvn_json_field_u64(json, "payload_bytes", report->payload_bytes);
    tvn_json_field_u64(json, "timed_every", report->timed_every);
    tvn_json_end_object(json);
}

static void write_throughput(const struct tvn_bench_report *report, struct tvn_json_writer *json)
{
    tvn_json_key(json, "throughput");
    tvn_json_begin_object(json);
    tvn_json_field_real(json, "elements_per_s",
                        tvn_bench_rate(report->elements, report->measured_ns));
    tvn_json_field_real(json, "bytes_per_s",
                        tvn_bench_rate(report->source_bytes, report->measured_ns));
    tvn_json_field_real(json, "measured_s", (double)report->measured_ns / NS_PER_SECOND);
    tvn_json_field_u64(json, "elements", report->elements);
    tvn_json_field_u64(json, "delivered", report->delivered);
    tvn_json_field_u64(json, "dropped", report->dropped);
    tvn_json_field_u64(json, "failed", report->failed);
    tvn_json_end_object(json);
}

static void write_stages(const struct tvn_bench_report *report, struct tvn_json_writer *json)
{
    tvn_json_key(json, "components");
    tvn_json_begin_array(json);
    for (uint32_t i = 0; i < report->stage_count; i++) {
        const struct tvn_bench_stage *stage = &report->stages[i];
        tvn_json_begin_object(json);
        tvn_json_field_text(json, "name", stage->name);
        tvn_json_field_text(json, "role", tvn_role_name(stage->role));
        write_times(json, "processing_us", &stage->times);
        tvn_json_field_u64(json, "invocations", stage->invocations);
        tvn_json_field_u64(json, "wakeups", stage->vectors);
        tvn_json_field_u64(json, "errors", stage->errors);
        tvn_json_field_u64(json, "emitted", stage->emitted);
        tvn_json_field_u64(json, "dropped", stage->dropped);
        tvn_json_field_u64(json, "failed", stage->failed);
        tvn_json_field_u64(json, "produced_bytes", stage->produced_bytes);
        tvn_json_field_u64(json, "memory_bytes", stage->memory_bytes);
        write_copies(json, stage->copies, stage->copy_bytes);
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
}

static void write_streams(const struct tvn_bench_report *report, struct tvn_json_writer *json)
{
    tvn_json_key(json, "streams");
    tvn_json_begin_array(json);
    for (uint32_t i = 0; i < report->stream_count; i++) {
        const struct tvn_bench_stream *stream = &report->streams[i];
        tvn_json_begin_object(json);
        tvn_json_field_text(json, "from", stream->from);
        tvn_json_field_text(json, "to", stream->to);
        tvn_json_field_u64(json, "capacity", stream->capacity);
        tvn_json_field_u64(json, "transferred", stream->transferred);
        tvn_json_field_real(json, "mean_depth", stream->depth_mean);
        tvn_json_field_u64(json, "peak_depth", stream->depth_peak);
        tvn_json_field_u64(json, "dropped", stream->dropped);
        tvn_json_field_u64(json, "backpressure_events", stream->backpressure_events);
        tvn_json_field_real(json, "backpressure_ms", (double)stream->backpressure_ns / 1e6);
        write_times(json, "waiting_us", &stream->waiting);
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
}

static void write_resources(const struct tvn_bench_report *report, struct tvn_json_writer *json)
{
    tvn_json_key(json, "pools");
    tvn_json_begin_object(json);
    tvn_json_field_u64(json, "allocated", tvn_bench_buffers(report));
    tvn_json_field_real(json, "reuse_rate", tvn_bench_reuse_rate(report));
    tvn_json_key(json, "tiers");
    tvn_json_begin_array(json);
    for (size_t i = 0; i < TVN_BENCH_TIERS; i++) {
        const struct tvn_bench_tier *tier = &report->tiers[i];
        tvn_json_begin_object(json);
        tvn_json_field_u64(json, "buffer_bytes", tier->buffer_bytes);
        tvn_json_field_u64(json, "capacity", tier->capacity);
        tvn_json_field_u64(json, "allocated", tier->allocated);
        tvn_json_field_u64(json, "returned", tier->returned);
        tvn_json_field_u64(json, "fallbacks", tier->fallbacks);
        tvn_json_field_u64(json, "exhaustions", tier->exhaustions);
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
    tvn_json_end_object(json);
    tvn_json_key(json, "memory");
    tvn_json_begin_object(json);
    tvn_json_field_u64(json, "mean_bytes", report->memory_mean_bytes);
    tvn_json_field_u64(json, "peak_bytes", report->memory_peak_bytes);
    tvn_json_field_u64(json, "process_peak_bytes", report->process_peak_bytes);
    tvn_json_end_object(json);
}

static void write_scheduling(const struct tvn_bench_report *report, struct tvn_json_writer *json)
{
    uint64_t vectors = 0;
    for (uint32_t i = 0; i < report->stage_count; i++) {
        vectors += report->stages[i].vectors;
    }
    uint64_t events = 0;
    for (uint32_t i = 0; i < report->stream_count; i++) {
        events += report->streams[i].backpressure_events;
    }
    tvn_json_key(json, "scheduling");
    tvn_json_begin_object(json);
    tvn_json_field_u64(json, "wakeups", vectors);
    tvn_json_field_u64(json, "flow_wakeups", report->wakeups);
    tvn_json_field_real(json, "idle_ms", (double)report->idle_ns / 1e6);
    tvn_json_field_real(json, "cpu_ms", (double)report->cpu_ns / 1e6);
    tvn_json_field_u64(json, "backpressure_events", events);
    tvn_json_end_object(json);
}

static void write_rounds(const struct tvn_bench_report *report, struct tvn_json_writer *json)
{
    tvn_json_key(json, "rounds");
    tvn_json_begin_array(json);
    for (uint32_t i = 0; i < report->round_count; i++) {
        const struct tvn_bench_round *round = &report->rounds[i];
        tvn_json_begin_object(json);
        tvn_json_field_u64(json, "duration_ns", round->duration_ns);
        tvn_json_field_u64(json, "ready_ns", round->ready_ns);
        tvn_json_field_u64(json, "elements", round->elements);
        tvn_json_field_u64(json, "latency_p50_ns", round->p50_ns);
        tvn_json_field_u64(json, "latency_p99_ns", round->p99_ns);
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
}

void tvn_bench_write_json(const struct tvn_bench_report *report, struct tvn_json_writer *json)
{
    tvn_assert(report && json);
    tvn_json_field_u64(json, "format", TVN_BENCH_FORMAT_VERSION);
    tvn_json_field_text(json, "flow", report->flow);
    tvn_json_field_real(json, "latency_p50_us", microseconds(report->latency.p50));
    tvn_json_field_real(json, "latency_p99_us", microseconds(report->latency.p99));
    tvn_json_field_real(json, "throughput_eps",
                        tvn_bench_rate(report->elements, report->measured_ns));
    tvn_json_field_u64(json, "total_copies", tvn_bench_total_copies(report->copies));
    write_settings(report, json);
    write_throughput(report, json);
    write_times(json, "latency_us", &report->latency);
    write_stages(report, json);
    write_streams(report, json);
    write_copies(json, report->copies, report->copy_bytes);
    tvn_json_field_u64(json, "produced_bytes", report->produced_bytes);
    tvn_json_field_real(json, "copy_amplification", tvn_bench_amplification(report));
    write_resources(report, json);
    write_scheduling(report, json);
    write_rounds(report, json);
}
