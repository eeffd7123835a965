/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reactor alone: flows of native stages that do next to nothing, on the real clock and pools.
 *  - hop: what one more stage costs per element, its empty call included: a path of ten stages less
 *    one of two. The same with queues limited in bytes, which have the loops of graphs.
 *  - fan-out: what each record of an element that goes to eight sinks costs.
 *  - latency: from the return of a pull to the call of push behind one stage, one element at a
 * time.
 *  - suspend: from a full queue to the producer suspended and told.
 */
#include "base/clock.h"
#include "base/histogram.h"
#include "base/mem.h"
#include "bench/program.h"
#include "reactor/flow.h"
#include "resources/resources.h"

#include <inttypes.h>
#include <stdio.h>

#define USAGE         "reactor [--elements N]"
#define ELEMENTS_MAX  ((uint64_t)1 << 40)
#define STAGES_MAX    10
#define ROUNDS        5
#define PAYLOAD_BYTES 64
#define MANY_BYTES    ((uint64_t)1 << 30)

struct stage {
    struct tvn_invoker invoker;
    struct tvn_magazine *magazine;
    uint64_t left;                 /* source */
    bool one_by_one;               /* source: each pull says that it waited */
    bool is_notified;              /* source */
    uint64_t *pulled_ns;           /* written by the source, read by the sink; NULL: not timed */
    struct tvn_histogram *latency; /* sink */
};

struct rig {
    struct tvn_resources *resources;
    struct tvn_magazine *magazine;
    struct stage stages[STAGES_MAX];
    struct tvn_stage_options stage_options[STAGES_MAX];
    struct tvn_stage_stats stage_stats[STAGES_MAX];
    struct tvn_edge_options edge_options[STAGES_MAX];
    struct tvn_stream_stats stream_stats[STAGES_MAX];
    struct tvn_flow_stats stats;
    tvn_stop_flag stop;
    uint64_t pulled_ns;
    struct tvn_histogram latency;
};

static enum tvn_outcome pull(struct stage *stage, struct tvn_call *call)
{
    struct tvn_buffer *buffer = NULL;
    if (stage->left == 0) {
        return TVN_OUTCOME_END;
    }
    stage->left--;
    if (tvn_buffer_acquire(stage->magazine, PAYLOAD_BYTES, TVN_OWNER_HOST, NULL, &buffer) !=
        TVN_OK) {
        bench_fail("no buffer");
    }
    if (tvn_buffer_freeze(buffer) != TVN_OK) {
        bench_fail("not frozen");
    }
    call->out->payload = tvn_buffer_id_of(buffer);
    call->out_count = 1;
    call->waited = stage->one_by_one;
    if (stage->pulled_ns) {
        *stage->pulled_ns = tvn_clock_monotonic_ns();
    }
    return TVN_OUTCOME_EMIT;
}

static enum tvn_outcome invoke(struct tvn_invoker *self, enum tvn_entry entry,
                               struct tvn_call *call)
{
    struct stage *stage = TVN_CONTAINER_OF(self, struct stage, invoker);
    if (entry == TVN_ENTRY_PULL) {
        return pull(stage, call);
    }
    if (entry == TVN_ENTRY_PUSH && stage->latency) {
        tvn_histogram_add(stage->latency, tvn_clock_monotonic_ns() - *stage->pulled_ns, 1);
    }
    return TVN_OUTCOME_EMIT; /* a filter accepts, a sink takes, a signal is heard */
}

static bool has_entry(const struct tvn_invoker *self, enum tvn_entry entry)
{
    const struct stage *stage = (const struct stage *)(const void *)self;
    return entry == TVN_ENTRY_NOTIFY && stage->is_notified;
}

static void destroy(struct tvn_invoker *self)
{
    (void)self;
}

static uint64_t now_ns(void *context)
{
    (void)context;
    return tvn_clock_monotonic_ns();
}

/* One source, filters, and sinks at the end; the source's elements go along the path or to all. */
static void prepare(struct rig *rig, uint32_t stage_count, bool fan_out, uint64_t elements)
{
    static const struct tvn_invoker_ops ops = {
        .invoke = invoke, .has_entry = has_entry, .destroy = destroy};
    struct tvn_resources *resources = rig->resources;
    struct tvn_magazine *magazine = rig->magazine;
    *rig = (struct rig){.resources = resources, .magazine = magazine};
    for (uint32_t i = 0; i < stage_count; i++) {
        struct stage *stage = &rig->stages[i];
        bool is_sink = fan_out ? i > 0 : i + 1 == stage_count;
        stage->invoker = (struct tvn_invoker){
            .ops = &ops,
            .role = i == 0    ? TVN_ROLE_SOURCE
                    : is_sink ? TVN_ROLE_SINK
                              : TVN_ROLE_FILTER,
        };
        stage->magazine = magazine;
        stage->left = elements;
        tvn_stage_options_default(&rig->stage_options[i]);
        rig->stage_options[i].invoker = &stage->invoker;
        rig->stage_options[i].stats = &rig->stage_stats[i];
        tvn_edge_options_default(&rig->edge_options[i]);
        rig->edge_options[i].from = fan_out ? 0 : i;
        rig->edge_options[i].to = i + 1;
        rig->edge_options[i].stats = &rig->stream_stats[i];
    }
}

/* Nanoseconds of the whole run. */
static double run(struct rig *rig, uint32_t stage_count)
{
    struct tvn_flow *flow = NULL;
    const struct tvn_flow_options options = {
        .env = {.now_ns = now_ns, .wall_ns = now_ns},
        .magazine = &rig->magazine,
        .stages = rig->stage_options,
        .stage_count = stage_count,
        .edges = rig->edge_options,
        .edge_count = stage_count - 1,
        .stats = &rig->stats,
        .stop = &rig->stop,
    };
    if (tvn_flow_create(&options, &flow) != TVN_OK || tvn_flow_start(flow) != TVN_OK) {
        bench_fail("the flow does not start");
    }
    const struct tvn_flow_quantum quantum = TVN_FLOW_QUANTUM_DEFAULT;
    struct tvn_flow_wait wait;
    uint64_t start_ns = tvn_clock_monotonic_ns();
    while (tvn_flow_run(flow, &quantum, &wait) != TVN_FLOW_DONE) {
    }
    uint64_t ns = tvn_clock_monotonic_ns() - start_ns;
    if (tvn_flow_state(flow) != TVN_FLOW_COMPLETED ||
        tvn_stat_get(&rig->stats.delivered) !=
            tvn_stat_get(&rig->stats.pulled) + tvn_stat_get(&rig->stats.forked)) {
        bench_fail("elements are missing");
    }
    tvn_flow_destroy(flow);
    return (double)ns;
}

static double path_ns(struct rig *rig, uint32_t stage_count, uint64_t max_bytes, uint64_t elements)
{
    prepare(rig, stage_count, false, elements);
    for (uint32_t i = 0; i + 1 < stage_count; i++) {
        rig->edge_options[i].max_bytes = max_bytes;
    }
    return run(rig, stage_count) / (double)elements;
}

static double better(double a, double b)
{
    return a < b ? a : b;
}

/* The difference of the best of each, so that a busy moment of the machine does not make it
 * smaller. */
static double hop_ns(struct rig *rig, uint64_t max_bytes, uint64_t elements)
{
    double short_ns = path_ns(rig, 2, max_bytes, elements);
    double long_ns = path_ns(rig, STAGES_MAX, max_bytes, elements);
    for (int round = 1; round < ROUNDS; round++) {
        short_ns = better(short_ns, path_ns(rig, 2, max_bytes, elements));
        long_ns = better(long_ns, path_ns(rig, STAGES_MAX, max_bytes, elements));
    }
    return (long_ns - short_ns) / (STAGES_MAX - 2);
}

static double fan_out_ns(struct rig *rig, uint64_t elements)
{
    prepare(rig, 9, true, elements);
    return run(rig, 9) / (8 * (double)elements);
}

static void measure_latency(struct rig *rig, uint64_t elements)
{
    prepare(rig, 3, false, elements);
    rig->stages[0].one_by_one = true;
    rig->stages[0].pulled_ns = &rig->pulled_ns;
    rig->stages[2].pulled_ns = &rig->pulled_ns;
    rig->stages[2].latency = &rig->latency;
    (void)run(rig, 3);
}

/* Mean over all times that the queue was full. */
static double suspend_ns(struct rig *rig, uint64_t elements)
{
    prepare(rig, 2, false, elements);
    rig->edge_options[0].queue_depth = 16;
    rig->stages[0].is_notified = true;
    (void)run(rig, 2);
    uint64_t events = tvn_stat_get(&rig->stream_stats[0].backpressure_events);
    return (double)tvn_stat_get(&rig->stream_stats[0].suspend_ns) / (double)events;
}

int main(int argc, char **argv)
{
    uint64_t elements = 100000;
    const struct bench_option options[] = {{"--elements", &elements, ELEMENTS_MAX}};
    bench_parse(argc, argv, USAGE, options, TVN_ARRAY_LEN(options), NULL, 0);
    if (elements < 1000) {
        bench_fail("too few elements to measure");
    }
    struct tvn_resources_options pools;
    tvn_resources_options_default(&pools);
    struct rig *rig = tvn_calloc(1, sizeof(*rig));
    if (!rig || tvn_resources_create(&pools, &rig->resources) != TVN_OK) {
        bench_fail("no memory");
    }
    rig->magazine = tvn_magazine_create(rig->resources);
    if (!rig->magazine) {
        bench_fail("no memory");
    }
    (void)path_ns(rig, STAGES_MAX, 0, elements / 10); /* warm */
    double hop = hop_ns(rig, 0, elements);
    double limited = hop_ns(rig, MANY_BYTES, elements);
    double record = fan_out_ns(rig, elements / 4);
    double suspend = suspend_ns(rig, elements);
    measure_latency(rig, elements / 4);
    printf("{\"hop_ns\": %.2f, \"limited_hop_ns\": %.2f, \"fan_out_record_ns\": %.2f, "
           "\"suspend_ns\": %.1f, \"latency_p50_ns\": %" PRIu64 ", \"latency_p99_ns\": %" PRIu64
           "}\n",
           hop, limited, record, suspend, tvn_histogram_quantile(&rig->latency, 0.5),
           tvn_histogram_quantile(&rig->latency, 0.99));
    tvn_magazine_destroy(rig->magazine);
    tvn_resources_destroy(rig->resources);
    tvn_free(rig);
    return 0;
}
