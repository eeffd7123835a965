/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a benchmark measured, as numbers: its parts, its JSON form (which is also the baseline's),
 * and the judgement of two against each other.
 *
 * The measured window is cut into rounds. Each round's throughput is also given for the time that
 * the flow's thread ran or could not have run: time in which it was ready but other threads had the
 * processor is taken out, so that a busy machine does not look like a slow flow.
 *
 * Threads: plain data. Memory: names are borrowed. Limits: TVN_BENCH_ROUNDS_MAX rounds.
 */
#include "base/histogram.h"
#include "base/status.h"
#include "base/str.h"
#include "format/json.h"
#include "format/json_writer.h"
#include "types/flow_stats.h"
#include "types/role.h"

#define TVN_BENCH_ROUNDS_MAX     64
#define TVN_BENCH_TIERS          5
#define TVN_BENCH_FORMAT_VERSION 1

/* Of nanoseconds; what a histogram says. */
struct tvn_bench_times {
    uint64_t count;
    uint64_t min;
    uint64_t p50;
    uint64_t p90;
    uint64_t p95;
    uint64_t p99;
    uint64_t p999;
    uint64_t max;
    double mean;
};
void tvn_bench_times_of(const struct tvn_histogram *histogram, struct tvn_bench_times *out_times);

struct tvn_bench_stage {
    const char *name;
    enum tvn_role role;
    uint64_t vectors; /* times it was scheduled */
    uint64_t invocations;
    uint64_t errors;
    uint64_t emitted;
    uint64_t dropped;
    uint64_t failed;
    uint64_t copies[TVN_COPY_REASON_COUNT];
    uint64_t copy_bytes[TVN_COPY_REASON_COUNT];
    uint64_t produced_bytes;
    uint64_t memory_bytes; /* linear memory at the end */
    struct tvn_bench_times times;
};

struct tvn_bench_stream {
    const char *from;
    const char *to;
    uint64_t capacity;
    uint64_t transferred;
    uint64_t depth_peak;
    double depth_mean; /* throughput × mean waiting time (Little's law) */
    uint64_t dropped;
    uint64_t backpressure_events;
    uint64_t backpressure_ns;
    struct tvn_bench_times waiting;
};

struct tvn_bench_tier {
    uint64_t buffer_bytes; /* 0: allocated one by one */
    uint64_t capacity;
    uint64_t allocated;
    uint64_t returned;
    uint64_t fallbacks;
    uint64_t exhaustions;
};

struct tvn_bench_round {
    uint64_t duration_ns;
    uint64_t ready_ns; /* the flow's thread could have run but did not get a processor */
    uint64_t elements;
    uint64_t p50_ns; /* latency; 0: none measured */
    uint64_t p99_ns;
};

struct tvn_bench_report {
    const char *flow;
    uint64_t warmup_ns; /* as asked for; 0 when in elements */
    uint64_t warmup_elements;
    uint64_t duration_ns; /* as asked for; 0 when in elements */
    uint64_t iterations;
    double rate; /* elements a second asked for; 0: as fast as possible */
    uint64_t payload_bytes;
    uint32_t timed_every; /* latency and processing: 1 element of so many */

    uint64_t measured_ns;
    uint64_t elements; /* pulled from sources */
    uint64_t delivered;
    uint64_t dropped;
    uint64_t failed;
    uint64_t source_bytes; /* payload that sources produced */
    struct tvn_bench_times latency;
    const struct tvn_bench_stage *stages;
    uint32_t stage_count;
    const struct tvn_bench_stream *streams;
    uint32_t stream_count;
    struct tvn_bench_tier tiers[TVN_BENCH_TIERS];
    uint64_t copies[TVN_COPY_REASON_COUNT];
    uint64_t copy_bytes[TVN_COPY_REASON_COUNT];
    uint64_t produced_bytes;
    uint64_t wakeups; /* of the flow: from idle to running */
    uint64_t idle_ns;
    uint64_t cpu_ns;            /* of the flow's thread */
    uint64_t memory_mean_bytes; /* linear memories and host buffers in use */
    uint64_t memory_peak_bytes;
    uint64_t process_peak_bytes; /* resident */
    struct tvn_bench_round rounds[TVN_BENCH_ROUNDS_MAX];
    uint32_t round_count;
};

/* Payload copies: all but MetadataMarshal. */
uint64_t tvn_bench_total_copies(const uint64_t by_reason[TVN_COPY_REASON_COUNT]);
double tvn_bench_rate(uint64_t count, uint64_t ns); /* a second; 0 when no time has passed */
/* Of as many values as there may be rounds; 0 without. */
double tvn_bench_median(const double *values, uint32_t count);
/* Payload bytes copied ÷ payload bytes produced; 0 when nothing was produced. */
double tvn_bench_amplification(const struct tvn_bench_report *report);
/* Buffers that came back ÷ buffers allocated, of all tiers; 0 when there were none. */
double tvn_bench_reuse_rate(const struct tvn_bench_report *report);
uint64_t tvn_bench_buffers(const struct tvn_bench_report *report);
/* The fullest queue; false when there is none. */
bool tvn_bench_peak(const struct tvn_bench_report *report, uint64_t *out_peak,
                    uint64_t *out_capacity);

/* The fields of one object: the top level that scripts read, then all parts. */
void tvn_bench_write_json(const struct tvn_bench_report *report, struct tvn_json_writer *json);

/* What a comparison needs of an earlier report. */
struct tvn_bench_baseline {
    double throughput_eps;
    double latency_p50_us;
    double latency_p99_us;
    double rate;
    uint64_t total_copies;
    uint64_t elements;
    struct tvn_bench_round rounds[TVN_BENCH_ROUNDS_MAX];
    uint32_t round_count;
};

/* COLD PATH. The text of a report, for those who read it. TVN_E_CONSTRAINT_VIOLATION with a
 * sentence in *why when it is no JSON; TVN_E_OUT_OF_MEMORY. */
TVN_NODISCARD enum tvn_status tvn_bench_parse(struct tvn_str text, struct tvn_json **out_report,
                                              struct tvn_strbuf *why);
/* COLD PATH. TVN_E_CONSTRAINT_VIOLATION with a sentence in *why when it is no report. */
TVN_NODISCARD enum tvn_status tvn_bench_read_baseline(const struct tvn_json *report,
                                                      struct tvn_bench_baseline *out_baseline,
                                                      struct tvn_strbuf *why);

enum tvn_bench_metric {
    TVN_BENCH_THROUGHPUT,
    TVN_BENCH_LATENCY_P50,
    TVN_BENCH_LATENCY_P99,
    TVN_BENCH_METRIC_COUNT,
};
const char *tvn_bench_metric_name(enum tvn_bench_metric metric); /* "latency_p50" */

struct tvn_bench_change {
    double before; /* medians of the rounds: elements a second, or microseconds */
    double now;
    double change;     /* of now against before, relative: 0.1 is 10 % more */
    double confidence; /* that the rounds of both do not come from the same distribution: 0 to 1 */
    double
        best_change; /* the same of the best quarters of the rounds, which noise hardly reaches */
    bool beyond;     /* worse than the threshold, whatever the confidence */
    /* Beyond, with confidence; the best rounds are beyond as well, and the median is beyond the
     * worst rounds of the baseline. */
    bool worse;
    bool judged; /* false: shown, but no ground for a regression */
};

struct tvn_bench_comparison {
    double threshold;
    struct tvn_bench_change changes[TVN_BENCH_METRIC_COUNT];
    bool regression;
};

#define TVN_BENCH_CONFIDENCE 0.99

/* "REGRESSION", "slower, not certain" (or "later"), "ok", "not judged" */
const char *tvn_bench_verdict(const struct tvn_bench_comparison *comparison,
                              enum tvn_bench_metric metric);

/*
 * Compares round by round (Mann-Whitney). Whatever else a machine does only makes rounds worse, so
 * a regression must also show where they are best, and be more than the noise of the baseline.
 * Throughput and median latency are judged; at a given rate, where throughput says nothing, median
 * and 99th percentile are.
 */
void tvn_bench_compare(const struct tvn_bench_report *now, const struct tvn_bench_baseline *before,
                       double threshold, struct tvn_bench_comparison *out_comparison);
/* Fields of an object: before, now, change, best_change, confidence. */
void tvn_bench_write_change(const struct tvn_bench_change *change, struct tvn_json_writer *json);
/* A field "comparison". */
void tvn_bench_write_comparison(const struct tvn_bench_comparison *comparison,
                                struct tvn_json_writer *json);
