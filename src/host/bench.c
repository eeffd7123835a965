/* SPDX-License-Identifier: Apache-2.0 */
/* A run under load: when rounds begin and end, and what is read there. */
#include "host/bench.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "host/host_internal.h"
#include "host/yardstick.h"

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define SNAPSHOTS_MAX   (TVN_BENCH_ROUNDS_MAX + 1)
#define SCHEDSTAT_BYTES 128
#define TIMED_CALL_NS   50.0                 /* about what timing a call costs */
#define SETTLE_ELEMENTS 500                  /* timed before it is decided how many are */
#define GRACE_NS        UINT64_C(1000000000) /* for the last mark of a slow flow */
/* Of the machine's pace: how often it is measured at most, which part of the time that may take,
 * and how long sources wait until nothing is under way. */
#define PACE_EVERY_NS    UINT64_C(20000000)
#define PACE_SHARE       50u
#define PACE_PATIENCE_NS UINT64_C(10000000)
#define PACE_GROWTH      8.0 /* of the distance between two marks */
static_assert(TVN_BENCH_TIERS == TVN_TIER_COUNT, "the report has all tiers");

/* What is counted, at one moment. */
struct snapshot {
    uint64_t now_ns;
    uint64_t cpu_ns;
    uint64_t ready_ns;
    pid_t thread;
    uint64_t pulled;
    uint64_t delivered;
    uint64_t dropped;
    uint64_t failed;
    uint64_t wakeups;
    uint64_t idle_ns;
    uint64_t memory_bytes;
    struct tvn_tier_report tiers[TVN_TIER_COUNT];
    struct tvn_histogram latency;
    struct tvn_yardstick yardstick; /* what it took until now is no time of the flow */
    struct tvn_bench_stage *stages; /* counters only */
    struct tvn_bench_stream *streams;
};

/* When the machine's pace is measured; the flow's thread. */
struct pace_clock {
    uint64_t next_ns;
    uint64_t waits_since_ns; /* until nothing is under way; 0: it does not */
    uint64_t mark_ns;        /* the last mark */
    uint64_t mark_sequence;
};

struct tvn_bench {
    struct tvn_host *host;
    struct tvn_bench_options options;
    struct tvn_recorder *recorder;
    struct snapshot *snapshots; /* rounds + 1 */
    _Atomic uint32_t taken;     /* snapshots; written by the flow's thread, read by the observer */
    _Atomic uint32_t requested; /* marks of rounds; written by the observer, read by the flow's */
    uint64_t begin_ns;          /* of the run */
    uint64_t next_ns;           /* when the observer asks for the next mark */
    bool stopped;
    uint64_t work_end_ns;           /* 0: not yet */
    struct tvn_yardstick yardstick; /* the flow's thread */
    struct pace_clock pace_clock;
    struct tvn_histogram part;
    struct tvn_bench_report report;
    struct tvn_bench_pace pace; /* beside the report's rounds */
    struct tvn_bench_stage *stages;
    struct tvn_bench_stream *streams;
};

/* ---- reading ---- */

/* CPU time of this thread and the time that it was ready without a processor; 0 where the kernel
 * does not say. */
static void read_thread(struct snapshot *snapshot)
{
    struct timespec cpu;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu) == 0) {
        snapshot->cpu_ns = (uint64_t)cpu.tv_sec * UINT64_C(1000000000) + (uint64_t)cpu.tv_nsec;
    }
    snapshot->thread = gettid();
    TVN_AUTO_VALUE(tvn_file_bytes) text = {0};
    if (tvn_file_read("/proc/thread-self/schedstat", SCHEDSTAT_BYTES, &text) == TVN_OK) {
        struct tvn_str rest = {(const char *)text.ptr, text.len};
        size_t space = tvn_str_find(rest, ' ');
        if (space != SIZE_MAX) {
            rest = tvn_str_slice(rest, space + 1, rest.len);
            size_t end = tvn_str_find(rest, ' ');
            if (!tvn_parse_u64(rest.ptr, end == SIZE_MAX ? 0 : end, &snapshot->ready_ns)) {
                snapshot->ready_ns = 0;
            }
        }
    }
}

static void read_stage(const struct tvn_bench *bench, uint32_t index, struct tvn_bench_stage *stage)
{
    const struct tvn_stage_stats *stats =
        tvn_pipeline_stage_stats(bench->host->flows[0].pipeline, index);
    *stage = (struct tvn_bench_stage){
        .vectors = tvn_stat_get(&stats->vectors),
        .invocations = tvn_stat_get(&stats->invocations),
        .errors = tvn_stat_get(&stats->errors),
        .emitted = tvn_stat_get(&stats->emitted),
        .dropped = tvn_stat_get(&stats->dropped),
        .failed = tvn_stat_get(&stats->failed),
        .produced_bytes = tvn_stat_get(&stats->produced_bytes),
        .memory_bytes = tvn_pipeline_stage_memory_bytes(bench->host->flows[0].pipeline, index),
    };
    for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
        stage->copies[reason] = tvn_stat_get(&stats->copies.count[reason]);
        stage->copy_bytes[reason] = tvn_stat_get(&stats->copies.bytes[reason]);
    }
}

static void read_stream(const struct tvn_bench *bench, uint32_t index,
                        struct tvn_bench_stream *stream)
{
    const struct tvn_stream_stats *stats =
        tvn_pipeline_stream_stats(bench->host->flows[0].pipeline, index);
    *stream = (struct tvn_bench_stream){
        .transferred = tvn_stat_get(&stats->transferred),
        .depth_peak = tvn_stat_get(&stats->depth_peak),
        .dropped = tvn_stat_get(&stats->dropped),
        .backpressure_events = tvn_stat_get(&stats->backpressure_events),
        .backpressure_ns = tvn_backpressure_ns(stats, tvn_clock_monotonic_ns()),
    };
}

static void read_resources(const struct tvn_bench *bench, struct snapshot *snapshot)
{
    for (unsigned i = 0; i < TVN_TIER_COUNT; i++) {
        struct tvn_tier_report *tier = &snapshot->tiers[i];
        tvn_resources_report(bench->host->resources, (enum tvn_tier)i, tier);
        uint64_t live = tier->allocated > tier->returned ? tier->allocated - tier->returned : 0;
        snapshot->memory_bytes += i == TVN_TIER_DIRECT ? 0 : live * tier->buffer_bytes;
    }
    for (uint32_t i = 0; i < bench->host->flows[0].link->stage_count; i++) {
        snapshot->memory_bytes += snapshot->stages[i].memory_bytes;
    }
}

/* `sequence`: of the element that is pulled next, if that is known. */
static void take_snapshot(struct tvn_bench *bench, struct snapshot *snapshot, uint64_t sequence)
{
    const struct tvn_link *link = bench->host->flows[0].link;
    const struct tvn_flow_stats *stats = tvn_pipeline_flow_stats(bench->host->flows[0].pipeline);
    for (uint32_t i = 0; i < link->stage_count; i++) {
        read_stage(bench, i, &snapshot->stages[i]);
    }
    for (uint32_t i = 0; i < link->edge_count; i++) {
        read_stream(bench, i, &snapshot->streams[i]);
    }
    /* The counter is brought up to date at the end of each vector. */
    uint64_t pulled = tvn_stat_get(&stats->pulled);
    snapshot->pulled = sequence != TVN_EVENT_NO_SEQUENCE ? sequence : pulled;
    snapshot->delivered = tvn_stat_get(&stats->delivered);
    snapshot->dropped = tvn_stat_get(&stats->dropped);
    snapshot->failed = tvn_stat_get(&stats->failed);
    snapshot->wakeups = tvn_stat_get(&stats->wakeups);
    snapshot->idle_ns = tvn_idle_ns(stats, tvn_clock_monotonic_ns());
    snapshot->memory_bytes = 0;
    read_resources(bench, snapshot);
    tvn_histogram_reset(&snapshot->latency);
    tvn_histogram_merge(&snapshot->latency, tvn_recorder_latency(bench->recorder));
    read_thread(snapshot);
    snapshot->yardstick = bench->yardstick;
    snapshot->now_ns = tvn_clock_monotonic_ns();
}

/* ---- rounds ---- */

/* With iterations: the element that ends a round; `taken` snapshots are those of its begin. */
static uint64_t round_end(const struct tvn_bench *bench, uint32_t taken)
{
    const struct tvn_bench_options *options = &bench->options;
    return bench->snapshots[0].pulled + options->iterations * taken / options->rounds;
}

/*
 * After warming up, when all elements were timed: how many will be, so that it costs little. A flow
 * as fast as the clock is sampled, in others every element is timed.
 */
static void choose_timing(struct tvn_bench *bench)
{
    const struct tvn_link *link = bench->host->flows[0].link;
    uint64_t work_ns = 0;
    uint64_t elements = 0;
    for (uint32_t i = 0; i < link->stage_count; i++) {
        const struct tvn_histogram *times = tvn_recorder_processing(bench->recorder, i);
        work_ns += tvn_histogram_sum(times);
        elements += link->stages[i].role == TVN_ROLE_SOURCE ? tvn_histogram_count(times) : 0;
    }
    if (bench->options.rate > 0 || elements < SETTLE_ELEMENTS) {
        return;
    }
    double element_ns = (double)work_ns / (double)elements;
    double cost_ns = TIMED_CALL_NS * link->stage_count;
    double every = cost_ns / (element_ns * TVN_BENCH_TIMING_SHARE);
    every = tvn_min(every, (double)TVN_RECORDER_SAMPLE_EVERY);
    tvn_recorder_set_sample_every(bench->recorder, every <= 1 ? 1 : (uint32_t)every + 1);
}

static bool is_quiet(const struct tvn_bench *bench)
{
    return tvn_flow_queued(tvn_pipeline_flow(bench->host->flows[0].pipeline)) == 0;
}

/* Else it is one for the machine's pace. */
static bool is_round_mark(const struct tvn_bench *bench, uint32_t taken, uint64_t sequence)
{
    if (taken > 0 && bench->options.iterations > 0) {
        return sequence >= round_end(bench, taken);
    }
    return atomic_load_explicit(&bench->requested, memory_order_acquire) > taken;
}

/* The next mark on the way to when the pace is to be measured, or to a round's end. */
static void set_next_mark(struct tvn_bench *bench, uint32_t taken, uint64_t sequence)
{
    struct pace_clock *pace = &bench->pace_clock;
    uint64_t now_ns = tvn_clock_monotonic_ns();
    double pulled = (double)(sequence - pace->mark_sequence);
    double passed_ns = (double)(now_ns - pace->mark_ns);
    double left_ns = pace->next_ns > now_ns ? (double)(pace->next_ns - now_ns) : 0;
    double distance = passed_ns > 0 ? tvn_min(left_ns / passed_ns, PACE_GROWTH) * pulled : 0;
    uint64_t next = bench->options.rate > 0 ? UINT64_MAX : sequence + 1 + (uint64_t)distance;
    if (bench->options.iterations > 0) {
        next = tvn_min(next, round_end(bench, taken));
    }
    pace->mark_ns = now_ns;
    pace->mark_sequence = sequence;
    if (next != UINT64_MAX) {
        tvn_recorder_mark_at(bench->recorder, next);
    }
}

/*
 * The pace of the machine while the flow runs, where it runs. At a given rate it is not measured:
 * elements would be late.
 */
static void measure_pace(struct tvn_bench *bench, uint64_t since_ns)
{
    if (bench->options.rate > 0) {
        return;
    }
    tvn_yardstick_measure(&bench->yardstick);
    uint64_t now_ns = tvn_clock_monotonic_ns();
    bench->pace_clock.next_ns = now_ns + tvn_max(PACE_EVERY_NS, PACE_SHARE * (now_ns - since_ns));
    bench->pace_clock.waits_since_ns = 0;
}

/* False: the sources must wait until nothing is under way that would be late. */
static bool reached_pace_mark(struct tvn_bench *bench, uint32_t taken, uint64_t sequence)
{
    struct pace_clock *pace = &bench->pace_clock;
    uint64_t now_ns = tvn_clock_monotonic_ns();
    if (now_ns >= pace->next_ns) {
        if (pace->waits_since_ns == 0) {
            pace->waits_since_ns = now_ns;
        }
        if (is_quiet(bench)) {
            measure_pace(bench, pace->waits_since_ns);
        } else if (now_ns - pace->waits_since_ns < PACE_PATIENCE_NS) {
            return false;
        } else {
            pace->next_ns = now_ns + PACE_SHARE * PACE_PATIENCE_NS;
            pace->waits_since_ns = 0;
        }
    }
    set_next_mark(bench, taken, sequence);
    return true;
}

/*
 * On the flow's thread. The first and the last mark of rounds wait until nothing is under way, so
 * that what the window counts belongs to its elements.
 */
static bool reached(void *context, uint64_t sequence)
{
    struct tvn_bench *bench = context;
    uint32_t taken = atomic_load_explicit(&bench->taken, memory_order_relaxed);
    bool is_last = taken == bench->options.rounds;
    if (taken > bench->options.rounds) {
        return true;
    }
    if (!is_round_mark(bench, taken, sequence)) {
        return taken == 0 || reached_pace_mark(bench, taken, sequence);
    }
    if ((taken == 0 || is_last) && !is_quiet(bench)) {
        return false;
    }
    if (taken == 0) {
        choose_timing(bench);
        tvn_recorder_reset(bench->recorder);
        measure_pace(bench, tvn_clock_monotonic_ns());
    }
    take_snapshot(bench, &bench->snapshots[taken], sequence);
    if (is_last) {
        tvn_recorder_set_level(bench->recorder, TVN_OBSERVE_OFF); /* what drains is not measured */
        measure_pace(bench, tvn_clock_monotonic_ns());
    } else {
        set_next_mark(bench, taken + 1, sequence);
    }
    atomic_store_explicit(&bench->taken, taken + 1, memory_order_release);
    return true;
}

/* The flow's work is done when it first tears a stage down. */
static void heard_call(void *context, const struct tvn_call_record *record)
{
    struct tvn_bench *bench = context;
    if (record->watched->entry == TVN_ENTRY_TEARDOWN && bench->work_end_ns == 0) {
        bench->work_end_ns =
            tvn_clock_monotonic_ns() - tvn_ticks_to_ns(record->end_ticks - record->begin_ticks);
    }
}

/* A flow that ends by itself, or is stopped, ends the window. */
static void heard_event(void *context, const struct tvn_event *event)
{
    struct tvn_bench *bench = context;
    uint32_t taken = atomic_load_explicit(&bench->taken, memory_order_relaxed);
    if (event->kind != TVN_EVENT_STATE || !tvn_flow_state_is_terminal(event->state) || taken == 0 ||
        taken > bench->options.rounds) {
        return;
    }
    struct snapshot *snapshot = &bench->snapshots[taken];
    take_snapshot(bench, snapshot, TVN_EVENT_NO_SEQUENCE);
    if (bench->work_end_ns > bench->snapshots[taken - 1].now_ns) {
        snapshot->now_ns = bench->work_end_ns;
    }
    measure_pace(bench, tvn_clock_monotonic_ns());
    atomic_store_explicit(&bench->taken, taken + 1, memory_order_release);
}

static void stop(struct tvn_bench *bench)
{
    bench->stopped = true;
    tvn_host_drain(bench->host);
}

/* When the round of that number ends; measuring the machine's pace does not count. */
static uint64_t due_ns(const struct tvn_bench *bench, uint32_t taken)
{
    const struct snapshot *first = &bench->snapshots[0];
    const struct snapshot *last = &bench->snapshots[taken - 1];
    return first->now_ns + last->yardstick.wall_ns - first->yardstick.wall_ns +
           bench->options.duration_ns * taken / bench->options.rounds;
}

/* Is it too late for the last mark? */
static bool is_late(const struct tvn_bench *bench, uint32_t taken, uint64_t now_ns)
{
    uint64_t end_ns = taken > 0 ? due_ns(bench, taken) : bench->begin_ns + bench->options.warmup_ns;
    uint32_t missing = taken > 0 ? bench->options.rounds - taken : bench->options.rounds;
    end_ns += bench->options.duration_ns * missing / bench->options.rounds;
    return bench->options.duration_ns > 0 && now_ns >= end_ns + GRACE_NS;
}

/* On the control thread, about ten times a second: asks for marks when their time has come. */
static void observe(void *context, const struct tvn_run_report *report)
{
    (void)report;
    struct tvn_bench *bench = context;
    const struct tvn_bench_options *options = &bench->options;
    uint64_t now_ns = tvn_clock_monotonic_ns();
    uint32_t taken = atomic_load_explicit(&bench->taken, memory_order_acquire);
    uint32_t requested = atomic_load_explicit(&bench->requested, memory_order_relaxed);
    if (bench->stopped) {
        return;
    }
    if (taken > options->rounds) {
        stop(bench);
        return;
    }
    if (taken > 0 && options->duration_ns > 0 && bench->next_ns == UINT64_MAX) {
        bench->next_ns = due_ns(bench, taken); /* the last one asked for was reached */
    }
    if (requested == taken && now_ns >= bench->next_ns) {
        bench->next_ns = UINT64_MAX;
        atomic_store_explicit(&bench->requested, requested + 1, memory_order_release);
        tvn_recorder_request_mark(bench->recorder);
    } else if (is_late(bench, taken, now_ns)) {
        stop(bench); /* nothing was pulled for long: there will be no mark */
    }
}

/* ---- the report ---- */

static void subtract_stage(struct tvn_bench_stage *stage, const struct tvn_bench_stage *before)
{
    stage->vectors -= before->vectors;
    stage->invocations -= before->invocations;
    stage->errors -= before->errors;
    stage->emitted -= before->emitted;
    stage->dropped -= before->dropped;
    stage->failed -= before->failed;
    stage->produced_bytes -= before->produced_bytes;
    for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
        stage->copies[reason] -= before->copies[reason];
        stage->copy_bytes[reason] -= before->copy_bytes[reason];
    }
}

static void fill_stages(struct tvn_bench *bench, const struct snapshot *first,
                        const struct snapshot *last)
{
    struct tvn_bench_report *report = &bench->report;
    for (uint32_t i = 0; i < report->stage_count; i++) {
        struct tvn_bench_stage *stage = &bench->stages[i];
        *stage = last->stages[i];
        subtract_stage(stage, &first->stages[i]);
        stage->name = bench->host->flows[0].link->stages[i].name;
        stage->role = bench->host->flows[0].link->stages[i].role;
        tvn_bench_times_of(tvn_recorder_processing(bench->recorder, i), &stage->times);
        report->produced_bytes += stage->produced_bytes;
        report->source_bytes += stage->role == TVN_ROLE_SOURCE ? stage->produced_bytes : 0;
        for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
            report->copies[reason] += stage->copies[reason];
            report->copy_bytes[reason] += stage->copy_bytes[reason];
        }
    }
}

static void fill_streams(struct tvn_bench *bench, const struct snapshot *first,
                         const struct snapshot *last)
{
    const struct tvn_link *link = bench->host->flows[0].link;
    for (uint32_t i = 0; i < bench->report.stream_count; i++) {
        struct tvn_bench_stream *stream = &bench->streams[i];
        const struct tvn_bench_stream *before = &first->streams[i];
        *stream = last->streams[i];
        stream->from = link->stages[link->edges[i].from].name;
        stream->to = link->stages[link->edges[i].to].name;
        stream->capacity = link->edges[i].backpressure.queue_depth;
        stream->transferred -= before->transferred;
        stream->dropped -= before->dropped;
        stream->backpressure_events -= before->backpressure_events;
        stream->backpressure_ns -= before->backpressure_ns;
        tvn_bench_times_of(tvn_recorder_waiting(bench->recorder, i), &stream->waiting);
        stream->depth_mean = tvn_bench_rate(stream->transferred, bench->report.measured_ns) *
                             stream->waiting.mean / 1e9;
    }
}

/* The time between two snapshots without what measuring the machine's pace took. */
static uint64_t measured_ns(const struct snapshot *from, const struct snapshot *to)
{
    return to->now_ns - from->now_ns - (to->yardstick.wall_ns - from->yardstick.wall_ns);
}

static uint64_t difference(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* Times of the flow's thread; 0 where it has become another one. */
static void read_round(const struct snapshot *from, const struct snapshot *to,
                       struct tvn_bench_round *round, struct tvn_bench_round_pace *pace)
{
    const struct tvn_yardstick *before = &from->yardstick;
    const struct tvn_yardstick *after = &to->yardstick;
    uint64_t paused_cpu_ns = after->cpu_ns - before->cpu_ns;
    uint64_t paused_ready_ns = difference(after->wall_ns - before->wall_ns, paused_cpu_ns);
    if (from->thread == to->thread) {
        round->ready_ns = difference(to->ready_ns - from->ready_ns, paused_ready_ns);
        pace->cpu_ns = difference(to->cpu_ns - from->cpu_ns, paused_cpu_ns);
    }
}

/* The mean of what was measured in a round and just before it; `after` also after it. */
static double mean_pace(const struct tvn_yardstick *from, const struct tvn_yardstick *after)
{
    double sum = after->sum_per_s - from->sum_per_s + from->last_per_s;
    uint64_t count = after->count - from->count + (from->count > 0 ? 1 : 0);
    return count > 0 ? sum / (double)count : 0;
}

static void fill_rounds(struct tvn_bench *bench, uint32_t snapshots)
{
    struct tvn_bench_report *report = &bench->report;
    for (uint32_t i = 0; i + 1 < snapshots; i++) {
        const struct snapshot *from = &bench->snapshots[i];
        const struct snapshot *to = &bench->snapshots[i + 1];
        bool is_last = i + 2 == snapshots;
        struct tvn_bench_round *round = &report->rounds[report->round_count];
        struct tvn_bench_round_pace *pace = &bench->pace.rounds[report->round_count];
        *round = (struct tvn_bench_round){
            .duration_ns = measured_ns(from, to),
            .elements = to->pulled - from->pulled,
        };
        *pace = (struct tvn_bench_round_pace){
            .per_s = mean_pace(&from->yardstick, is_last ? &bench->yardstick : &to->yardstick),
        };
        read_round(from, to, round, pace);
        tvn_histogram_difference(&bench->part, &to->latency, &from->latency);
        round->p50_ns = tvn_histogram_quantile(&bench->part, 0.5);
        round->p99_ns = tvn_histogram_quantile(&bench->part, 0.99);
        report->cpu_ns += pace->cpu_ns;
        report->round_count += round->ready_ns < round->duration_ns ? 1 : 0;
    }
    /* Measured at its begin, each round has one. */
    bench->pace.round_count = bench->snapshots[0].yardstick.count > 0 ? report->round_count : 0;
    tvn_yardstick_name(bench->pace.yardstick);
}

static void fill_memory(struct tvn_bench *bench, uint32_t snapshots)
{
    struct tvn_bench_report *report = &bench->report;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < snapshots; i++) {
        uint64_t bytes = bench->snapshots[i].memory_bytes;
        sum += bytes;
        report->memory_peak_bytes = tvn_max(report->memory_peak_bytes, bytes);
    }
    report->memory_mean_bytes = sum / snapshots;
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        report->process_peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
    }
}

static void fill_tiers(struct tvn_bench_report *report, const struct snapshot *first,
                       const struct snapshot *last)
{
    for (unsigned i = 0; i < TVN_TIER_COUNT; i++) {
        report->tiers[i] = (struct tvn_bench_tier){
            .buffer_bytes = last->tiers[i].buffer_bytes,
            .capacity = last->tiers[i].capacity,
            .allocated = last->tiers[i].allocated - first->tiers[i].allocated,
            .returned = last->tiers[i].returned - first->tiers[i].returned,
            .fallbacks = last->tiers[i].fallbacks - first->tiers[i].fallbacks,
            .exhaustions = last->tiers[i].exhaustions - first->tiers[i].exhaustions,
        };
    }
}

static void fill_report(struct tvn_bench *bench, uint32_t snapshots)
{
    const struct tvn_bench_options *options = &bench->options;
    bench->report = (struct tvn_bench_report){
        .flow = bench->host->flows[0].link->flow_name,
        .warmup_ns = options->warmup_ns,
        .warmup_elements = options->warmup_elements,
        .duration_ns = options->duration_ns,
        .iterations = options->iterations,
        .rate = options->rate,
        .payload_bytes = bench->host->options.payload_bytes,
        .timed_every = options->rate > 0 ? 1 : tvn_recorder_sample_every(bench->recorder),
        .stages = bench->stages,
        .stage_count = bench->host->flows[0].link->stage_count,
        .streams = bench->streams,
        .stream_count = bench->host->flows[0].link->edge_count,
    };
    if (snapshots < 2) {
        return; /* the window never began */
    }
    const struct snapshot *first = &bench->snapshots[0];
    const struct snapshot *last = &bench->snapshots[snapshots - 1];
    struct tvn_bench_report *report = &bench->report;
    report->measured_ns = measured_ns(first, last);
    report->elements = last->pulled - first->pulled;
    report->delivered = last->delivered - first->delivered;
    report->dropped = last->dropped - first->dropped;
    report->failed = last->failed - first->failed;
    report->wakeups = last->wakeups - first->wakeups;
    report->idle_ns = last->idle_ns - first->idle_ns;
    tvn_bench_times_of(tvn_recorder_latency(bench->recorder), &report->latency);
    fill_stages(bench, first, last);
    fill_streams(bench, first, last);
    fill_tiers(report, first, last);
    fill_rounds(bench, snapshots);
    fill_memory(bench, snapshots);
}

/* ---- life ---- */

void tvn_bench_destroy(struct tvn_bench *bench)
{
    if (!bench) {
        return;
    }
    for (uint32_t i = 0; bench->snapshots && i <= bench->options.rounds; i++) {
        tvn_free(bench->snapshots[i].stages);
        tvn_free(bench->snapshots[i].streams);
    }
    tvn_free(bench->snapshots);
    tvn_free(bench->stages);
    tvn_free(bench->streams);
    tvn_free(bench);
}

static bool allocate(struct tvn_bench *bench)
{
    size_t stages = bench->host->flows[0].link->stage_count;
    size_t streams = tvn_max(bench->host->flows[0].link->edge_count, 1u);
    bench->stages = tvn_calloc(stages, sizeof(*bench->stages));
    bench->streams = tvn_calloc(streams, sizeof(*bench->streams));
    bench->snapshots = tvn_calloc(bench->options.rounds + 1, sizeof(*bench->snapshots));
    if (!bench->stages || !bench->streams || !bench->snapshots) {
        return false;
    }
    for (uint32_t i = 0; i <= bench->options.rounds; i++) {
        bench->snapshots[i].stages = tvn_calloc(stages, sizeof(*bench->stages));
        bench->snapshots[i].streams = tvn_calloc(streams, sizeof(*bench->streams));
        if (!bench->snapshots[i].stages || !bench->snapshots[i].streams) {
            return false;
        }
    }
    return true;
}

enum tvn_status tvn_bench_create(struct tvn_host *host, const struct tvn_bench_options *options,
                                 struct tvn_diag_sink *sink, struct tvn_bench **out_bench)
{
    tvn_assert(host && options && sink && out_bench);
    tvn_assert(options->rounds > 0 && options->rounds <= TVN_BENCH_ROUNDS_MAX);
    tvn_assert((options->duration_ns == 0) != (options->iterations == 0));
    TVN_AUTO(tvn_bench) bench = tvn_calloc(1, sizeof(*bench));
    if (bench) {
        bench->host = host;
        bench->options = *options;
        bench->recorder = tvn_host_recorder(host);
        struct tvn_yardstick first = {0}; /* touches its memory for the first time: not used */
        tvn_yardstick_measure(&first);
    }
    if (!bench || !allocate(bench)) {
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                              "no memory for the figures of the benchmark");
    }
    tvn_recorder_set_level(bench->recorder,
                           options->rate > 0 ? TVN_OBSERVE_DIAGNOSTIC : TVN_OBSERVE_PRODUCTION);
    tvn_recorder_set_sample_every(bench->recorder, 1);
    if (options->rate > 0) {
        tvn_recorder_pace(bench->recorder, options->rate);
    }
    tvn_recorder_on_mark(bench->recorder, reached, bench);
    const struct tvn_recorder_listener listener = {heard_call, heard_event, bench};
    tvn_recorder_listen(bench->recorder, &listener);
    if (options->warmup_ns == 0) {
        tvn_recorder_mark_at(bench->recorder, options->warmup_elements);
        atomic_store_explicit(&bench->requested, 1, memory_order_relaxed);
        bench->next_ns = UINT64_MAX;
    }
    *out_bench = TVN_TAKE(bench);
    return TVN_OK;
}

enum tvn_status tvn_bench_run(struct tvn_bench *bench, struct tvn_diag_sink *sink,
                              struct tvn_run_report *out_run,
                              const struct tvn_bench_report **out_measured)
{
    tvn_assert(bench && sink && out_run && out_measured);
    bench->begin_ns = tvn_clock_monotonic_ns();
    if (bench->options.warmup_ns > 0) {
        bench->next_ns = bench->begin_ns + bench->options.warmup_ns;
    }
    enum tvn_status status = tvn_host_run(bench->host, observe, bench, sink, out_run);
    uint32_t taken = atomic_load_explicit(&bench->taken, memory_order_acquire);
    fill_report(bench, taken);
    *out_measured = &bench->report;
    return status;
}

const struct tvn_bench_pace *tvn_bench_pace(const struct tvn_bench *bench)
{
    tvn_assert(bench);
    return &bench->pace;
}
