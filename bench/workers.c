/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker threads, with native flows.
 *  - wake: from data on a descriptor to the call of the sink: of a worker that sleeps, of one that
 *    still looks around, and of one that runs another flow; beside threads that do nothing but wait
 *    on a futex, and for a descriptor, as data on a descriptor cannot wake a futex. Whoever sleeps
 * is on one processor; whoever wakes it on another one ("_shared": on the same one).
 *  - fair: elements of flows that share one worker, the most over the least; what four times the
 *    priority brings.
 *  - scaling: two flows by one worker and by two.
 */
#include "workers/workers.h"

#include "base/clock.h"
#include "base/mem.h"
#include "bench/bare.h"
#include "bench/native.h"
#include "bench/program.h"
#include "reactor/flow.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define USAGE        "workers [--wakes N] [--elements N] [--milliseconds N]"
#define COUNT_MAX    ((uint64_t)1 << 40)
#define FLOWS        8
#define STAGES       3
#define SLEEP_GAP_US 1000
#define WORK_SPIN    400 /* rounds of work for an element where flows compete */

struct flow {
    struct tvn_flow *reactor;
    struct tvn_task *task;
    struct bench_source source;
    struct bench_relay relay;
    struct bench_sink sink;
    struct tvn_stage_stats stage_stats[STAGES];
    struct tvn_stream_stats streams[STAGES - 1];
    struct tvn_flow_stats stats;
    tvn_stop_flag stop;
    bool started;
    _Atomic bool done;
};

static struct tvn_workers *workers;
static struct flow flows[FLOWS];
static struct tvn_histogram times;
static _Atomic uint64_t posted_ns;

static uint64_t now_ns(void *context)
{
    (void)context;
    return tvn_clock_monotonic_ns();
}

static enum tvn_flow_turn run_flow(void *context, struct tvn_magazine *magazine,
                                   const struct tvn_flow_quantum *quantum,
                                   struct tvn_flow_wait *out_wait)
{
    (void)magazine;
    struct flow *flow = context;
    if (!flow->started) {
        flow->started = true;
        bench_check(tvn_flow_start(flow->reactor), NULL, "start");
    }
    return tvn_flow_run(flow->reactor, quantum, out_wait);
}

static void flow_done(void *context)
{
    struct flow *flow = context;
    atomic_store_explicit(&flow->done, true, memory_order_release);
}

static void create(struct flow *flow, uint64_t elements)
{
    memset(flow, 0, sizeof(*flow));
    bench_source_init(&flow->source);
    bench_relay_init(&flow->relay);
    bench_sink_init(&flow->sink);
    flow->source.left = elements;
    struct tvn_invoker *invokers[STAGES] = {&flow->source.invoker, &flow->relay.invoker,
                                            &flow->sink.invoker};
    struct tvn_stage_options stages[STAGES];
    struct tvn_edge_options edges[STAGES - 1];
    for (uint32_t i = 0; i < STAGES; i++) {
        tvn_stage_options_default(&stages[i]);
        stages[i].invoker = invokers[i];
        stages[i].stats = &flow->stage_stats[i];
    }
    for (uint32_t i = 0; i + 1 < STAGES; i++) {
        tvn_edge_options_default(&edges[i]);
        edges[i].from = i;
        edges[i].to = i + 1;
        edges[i].stats = &flow->streams[i];
    }
    const struct tvn_flow_options options = {
        .env = {.now_ns = now_ns, .wall_ns = now_ns},
        .stages = stages,
        .stage_count = STAGES,
        .edges = edges,
        .edge_count = STAGES - 1,
        .stats = &flow->stats,
        .stop = &flow->stop,
    };
    bench_check(tvn_flow_create(&options, &flow->reactor), NULL, "flow");
}

static void spawn(struct flow *flow, enum tvn_task_priority priority)
{
    const struct tvn_task_options options = {
        .name = "flow", .priority = priority, .run = run_flow, .done = flow_done, .context = flow};
    bench_check(tvn_workers_spawn(workers, &options, &flow->task), NULL, "spawn");
}

/* When pinned, the first one to the first processor. */
static void start_workers(uint32_t threads, enum tvn_workers_policy policy, bool pin)
{
    const struct tvn_workers_options options = {
        .threads = threads,
        .policy = policy,
        .quantum = TVN_FLOW_QUANTUM_DEFAULT,
        .pin = pin,
    };
    bench_check(tvn_workers_create(&options, &workers), NULL, "workers");
}

static void end_flow(struct flow *flow)
{
    while (!atomic_load_explicit(&flow->done, memory_order_acquire)) {
        usleep(50);
    }
    if (tvn_flow_state(flow->reactor) != TVN_FLOW_COMPLETED) {
        bench_fail("a flow ended as %s", tvn_flow_state_name(tvn_flow_state(flow->reactor)));
    }
    tvn_flow_destroy(flow->reactor);
}

static void stop_flow(struct flow *flow)
{
    atomic_store(&flow->source.stop, true);
    tvn_task_wake(workers, flow->task);
    end_flow(flow);
}

static void print_times(const char *name, const char *place, struct tvn_histogram *from)
{
    printf("\"%s_p50_us%s\": %.2f, \"%s_p99_us%s\": %.2f, ", name, place,
           (double)tvn_histogram_quantile(from, 0.5) / 1000.0, name, place,
           (double)tvn_histogram_quantile(from, 0.99) / 1000.0);
    tvn_histogram_reset(from);
}

/* ---- wake-ups ---- */

/*
 * Where a woken thread runs decides what its wake-up costs, so everything is placed: what sleeps on
 * the first processor, what wakes it on the last one, or both on the first.
 */

/* Returns when `counter` has arrived. The processor is left to others meanwhile: it may be theirs.
 */
static void await(const _Atomic uint64_t *counter, uint64_t number)
{
    while (atomic_load_explicit(counter, memory_order_acquire) < number) {
        (void)sched_yield();
    }
}

/* One element; returns when it has arrived. */
static void post(struct flow *flow, uint64_t number)
{
    atomic_store_explicit(&posted_ns, tvn_clock_monotonic_ns(), memory_order_release);
    (void)eventfd_write(flow->source.fd, 1);
    await(&flow->sink.delivered, number);
}

/* A worker that runs `flow`, asleep for want of data; and, when `busy`, another flow that has data
 * all the time. */
static void start_waiting(struct flow *flow, bool busy)
{
    bench_run_on(BENCH_ANYWHERE); /* as many processors as the workers find, so long they search */
    start_workers(1, TVN_WORKERS_DEMAND_DRIVEN, true);
    create(flow, UINT64_MAX);
    flow->source.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    flow->sink.posted_ns = &posted_ns;
    flow->sink.times = &times;
    spawn(flow, TVN_TASK_NORMAL);
    if (busy) {
        create(&flows[1], UINT64_MAX);
        spawn(&flows[1], TVN_TASK_NORMAL);
    }
    while (!atomic_load(&flow->source.waits)) {
        usleep(100);
    }
}

static void stop_waiting(struct flow *flow)
{
    stop_flow(flow);
    tvn_workers_destroy(workers);
    close(flow->source.fd);
    bench_run_on(BENCH_ANYWHERE);
}

static void measure_wakes(const char *name, uint64_t wakes, bool busy)
{
    struct flow *flow = &flows[0];
    start_waiting(flow, busy);
    bench_run_on(BENCH_LAST);
    for (uint64_t i = 1; i <= wakes; i++) {
        post(flow, i);
    }
    if (busy) {
        stop_flow(&flows[1]);
    }
    stop_waiting(flow);
    print_times(name, "", &times);
}

static void wake_bare(struct bench_bare *bare, uint64_t number)
{
    usleep(SLEEP_GAP_US);
    atomic_store(&posted_ns, tvn_clock_monotonic_ns());
    bench_bare_wake(bare);
    await(&bare->answers, number);
}

static double median(const struct tvn_histogram *histogram)
{
    return (double)tvn_histogram_quantile(histogram, 0.5);
}

/* In turn, so that a busy moment of the machine hits all three alike. */
static void measure_parked(const char *place, enum bench_place waker, uint64_t wakes)
{
    static struct bench_bare by_futex;
    static struct bench_bare by_epoll;
    struct flow *flow = &flows[0];
    start_waiting(flow, false);
    bench_run_on(BENCH_FIRST);
    bench_bare_start(&by_futex, -1, wakes, &posted_ns);
    bench_bare_start(&by_epoll, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), wakes, &posted_ns);
    bench_run_on(waker);
    for (uint64_t i = 1; i <= wakes; i++) {
        wake_bare(&by_futex, i);
        wake_bare(&by_epoll, i);
        usleep(SLEEP_GAP_US);
        post(flow, i);
    }
    bench_bare_join(&by_futex);
    bench_bare_join(&by_epoll);
    close(by_epoll.fd);
    stop_waiting(flow);
    printf("\"parked_over_futex%s\": %.2f, \"parked_over_epoll%s\": %.2f, ", place,
           median(&times) / median(&by_futex.times), place,
           median(&times) / median(&by_epoll.times));
    print_times("bare_futex", place, &by_futex.times);
    print_times("bare_epoll", place, &by_epoll.times);
    print_times("parked", place, &times);
}

/* ---- fairness ---- */

static void measure_fairness(uint64_t milliseconds)
{
    start_workers(1, TVN_WORKERS_DEMAND_DRIVEN, false);
    for (int i = 0; i < FLOWS; i++) {
        create(&flows[i], UINT64_MAX);
        flows[i].source.spin = WORK_SPIN;
        spawn(&flows[i], i == 0 ? TVN_TASK_CRITICAL : TVN_TASK_NORMAL);
    }
    usleep((unsigned)milliseconds * 1000);
    uint64_t critical = tvn_stat_get(&flows[0].sink.delivered);
    uint64_t least = UINT64_MAX;
    uint64_t most = 0;
    uint64_t sum = 0;
    for (int i = 1; i < FLOWS; i++) {
        uint64_t count = tvn_stat_get(&flows[i].sink.delivered);
        least = count < least ? count : least;
        most = count > most ? count : most;
        sum += count;
    }
    for (int i = 0; i < FLOWS; i++) {
        stop_flow(&flows[i]);
    }
    tvn_workers_destroy(workers);
    double mean = (double)sum / (FLOWS - 1);
    printf("\"fair_most_over_least\": %.3f, \"critical_over_normal\": %.2f, ",
           least > 0 ? (double)most / (double)least : 0.0,
           mean > 0 ? (double)critical / mean : 0.0);
}

/* ---- scaling ---- */

static uint64_t time_two(uint32_t threads, uint64_t elements)
{
    start_workers(threads, TVN_WORKERS_DEMAND_DRIVEN, false);
    for (int i = 0; i < 2; i++) {
        create(&flows[i], elements);
        flows[i].source.spin = WORK_SPIN;
    }
    uint64_t begin_ns = tvn_clock_monotonic_ns();
    spawn(&flows[0], TVN_TASK_NORMAL);
    spawn(&flows[1], TVN_TASK_NORMAL);
    end_flow(&flows[0]);
    end_flow(&flows[1]);
    uint64_t spent_ns = tvn_clock_monotonic_ns() - begin_ns;
    tvn_workers_destroy(workers);
    return spent_ns;
}

int main(int argc, char **argv)
{
    uint64_t wakes = 1000;
    uint64_t elements = 300000;
    uint64_t milliseconds = 300;
    const struct bench_option options[] = {{"--wakes", &wakes, COUNT_MAX},
                                           {"--elements", &elements, COUNT_MAX},
                                           {"--milliseconds", &milliseconds, 60000}};
    bench_parse(argc, argv, USAGE, options, TVN_ARRAY_LEN(options), NULL, 0);
    printf("{");
    measure_parked("", BENCH_LAST, wakes);
    measure_parked("_shared", BENCH_FIRST, wakes);
    measure_wakes("spinning", wakes, false);
    measure_wakes("running", wakes, true);
    measure_fairness(milliseconds);
    uint64_t alone_ns = time_two(1, elements);
    uint64_t both_ns = time_two(2, elements);
    printf("\"one_worker_ms\": %.1f, \"two_workers_ms\": %.1f, \"scaling\": %.2f}\n",
           (double)alone_ns / 1e6, (double)both_ns / 1e6, (double)alone_ns / (double)both_ns);
    return 0;
}
