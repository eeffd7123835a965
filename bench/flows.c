/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many flows in one process: native source → component → native sink, each a task of the workers.
 *
 *   idle   all flows wait for their descriptors; each gets an element now and then, for --seconds
 *   start  from nothing to all flows having delivered one element; the component's code is cached
 *   churn  flows that deliver one element and end, --window at a time
 *
 * What does not depend on time is checked: every element arrives, descriptors do not grow.
 */
#include "base/clock.h"
#include "base/diag.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "bench/native.h"
#include "bench/program.h"
#include "component/component.h"
#include "engine/code_cache.h"
#include "engine/compile.h"
#include "engine/component_stage.h"
#include "reactor/flow.h"
#include "security/guard.h"
#include "workers/workers.h"

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define USAGE           "flows idle|start|churn [--flows N] [--seconds N] [--window N] [--threads N]"
#define GUEST           TVN_GUEST_DIR "/processor-upper.wasm"
#define GUEST_BYTES_MAX ((size_t)64 << 20)
#define FLOWS_MAX       ((uint64_t)1 << 20)
#define PAYLOAD_BYTES   64
#define NS_PER_S        UINT64_C(1000000000)

static const struct tvn_sandbox sandbox = {
    .component = "guest",
    .max_memory_bytes = (uint64_t)64 << 20,
    .max_buffer_bytes = (uint64_t)16 << 20,
    .invocation_timeout_ms = 10000,
    .init_timeout_ms = 10000,
    .teardown_timeout_ms = 10000,
};

struct fleet;

struct flow {
    struct fleet *fleet;
    struct tvn_flow *reactor;
    struct tvn_task *task;
    struct tvn_magazine *magazine;
    struct bench_source source;
    struct tvn_invoker *component;
    struct bench_sink sink;
    struct tvn_stage_stats stage_stats[3];
    struct tvn_stream_stats streams[2];
    struct tvn_flow_stats stats;
    struct tvn_intern intern;
    struct tvn_guard guard;
    tvn_stop_flag stop;
    _Atomic uint64_t posted_ns;
    uint64_t posted;
    bool started;
    _Atomic bool done;
    struct flow *next; /* that is to be destroyed */
};

struct fleet {
    struct tvn_diag_sink *diagnostics;
    struct tvn_file_bytes guest;
    struct tvn_runtime *runtime;
    struct tvn_component *component;
    struct tvn_resources *resources;
    struct tvn_magazine *magazine;
    struct tvn_workers *workers;
    struct flow **flows;
    uint64_t count;
    uint64_t flow_bytes; /* that the reactor allocated for the first flow */
    uint64_t queue_bytes;
    char directory[32]; /* of the code cache */
    int done_fd;
    _Atomic uint64_t done_count;
    struct flow *_Atomic ended; /* a stack */
};

/* ---- one flow ---- */

static uint64_t now_ns(void *context)
{
    (void)context;
    return tvn_clock_monotonic_ns();
}

static uint64_t wall_ns(void *context)
{
    (void)context;
    return tvn_clock_wall_ns();
}

static enum tvn_status discard(void *context, int stream, const char *bytes, size_t length)
{
    (void)context;
    (void)stream;
    (void)bytes;
    (void)length;
    return TVN_OK;
}

static void create_component(struct flow *flow)
{
    struct fleet *fleet = flow->fleet;
    tvn_guard_init(&flow->guard, &sandbox, NULL, NULL);
    const struct tvn_component_stage_options options = {
        .name = "guest",
        .flow_id = "flow",
        .role = TVN_ROLE_PROCESSOR,
        .config = TVN_STR(""),
        .sandbox = &sandbox,
        .guard = &flow->guard,
        .magazine = &flow->magazine,
        .intern = &flow->intern,
        .stats = &flow->stage_stats[1],
        .owner = 2,
        .cancel_fd = -1,
        .stdin_fd = -1,
        .write = discard,
    };
    bench_check(tvn_component_stage_create(fleet->runtime, fleet->component, &options,
                                           fleet->diagnostics, &flow->component),
                fleet->diagnostics, "instantiate");
}

static void create_reactor_flow(struct flow *flow)
{
    struct tvn_stage_options stages[3];
    struct tvn_edge_options edges[2];
    struct tvn_invoker *invokers[] = {&flow->source.invoker, flow->component, &flow->sink.invoker};
    uint64_t queue_bytes = 0;
    for (uint32_t i = 0; i < 3; i++) {
        tvn_stage_options_default(&stages[i]);
        stages[i].invoker = invokers[i];
        stages[i].stats = &flow->stage_stats[i];
    }
    for (uint32_t i = 0; i < 2; i++) {
        tvn_edge_options_default(&edges[i]);
        edges[i].from = i;
        edges[i].to = i + 1;
        edges[i].stats = &flow->streams[i];
        queue_bytes += edges[i].queue_depth * sizeof(struct tvn_element);
    }
    const struct tvn_flow_options options = {
        .env = {.now_ns = now_ns, .wall_ns = wall_ns},
        .magazine = &flow->magazine,
        .stages = stages,
        .stage_count = 3,
        .edges = edges,
        .edge_count = 2,
        .stats = &flow->stats,
        .stop = &flow->stop,
    };
    size_t before = mallinfo2().uordblks;
    bench_check(tvn_flow_create(&options, &flow->reactor), NULL, "flow");
    flow->fleet->flow_bytes = mallinfo2().uordblks - before;
    flow->fleet->queue_bytes = queue_bytes;
}

/* An eventfd feeds it, or it delivers one element and ends. */
static struct flow *create_flow(struct fleet *fleet, bool fed)
{
    struct flow *flow = tvn_calloc(1, sizeof(*flow));
    if (!flow) {
        bench_fail("no memory for a flow");
    }
    flow->fleet = fleet;
    flow->magazine = fleet->magazine;
    tvn_intern_init(&flow->intern);
    bench_source_init(&flow->source);
    flow->source.magazine = &flow->magazine;
    flow->source.payload_bytes = PAYLOAD_BYTES;
    flow->source.left = fed ? UINT64_MAX : 1;
    if (fed) {
        flow->source.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (flow->source.fd < 0) {
            bench_fail("no descriptor for a flow: raise ulimit -n");
        }
    }
    bench_sink_init(&flow->sink);
    flow->sink.posted_ns = fed ? &flow->posted_ns : NULL;
    create_component(flow);
    create_reactor_flow(flow);
    return flow;
}

static void destroy_flow(struct flow *flow)
{
    flow->magazine = flow->fleet->magazine;
    if (tvn_flow_state(flow->reactor) != TVN_FLOW_COMPLETED) {
        bench_fail("a flow ended as %s", tvn_flow_state_name(tvn_flow_state(flow->reactor)));
    }
    tvn_flow_destroy(flow->reactor);
    tvn_invoker_destroy(flow->component);
    tvn_fd_close(&flow->source.fd);
    tvn_free(flow);
}

static enum tvn_flow_turn run_flow(void *context, struct tvn_magazine *magazine,
                                   const struct tvn_flow_quantum *quantum,
                                   struct tvn_flow_wait *out_wait)
{
    struct flow *flow = context;
    flow->magazine = magazine;
    if (!flow->started) {
        flow->started = true;
        bench_check(tvn_flow_start(flow->reactor), NULL, "start");
    }
    return tvn_flow_run(flow->reactor, quantum, out_wait);
}

static void flow_done(void *context)
{
    struct flow *flow = context;
    struct fleet *fleet = flow->fleet;
    struct flow *first = atomic_load(&fleet->ended);
    do {
        flow->next = first;
    } while (!atomic_compare_exchange_weak(&fleet->ended, &first, flow));
    atomic_fetch_add(&fleet->done_count, 1);
    (void)eventfd_write(fleet->done_fd, 1);
}

static void spawn(struct flow *flow)
{
    const struct tvn_task_options options = {.name = "flow",
                                             .priority = TVN_TASK_NORMAL,
                                             .run = run_flow,
                                             .done = flow_done,
                                             .context = flow};
    bench_check(tvn_workers_spawn(flow->fleet->workers, &options, &flow->task), NULL, "spawn");
}

/* ---- all of them ---- */

static void create_runtime(struct fleet *fleet)
{
    const struct tvn_engine_options engine = {.instances =
                                                  (uint32_t)(fleet->count + fleet->count / 4 + 1),
                                              .max_memory_bytes = sandbox.max_memory_bytes};
    bench_check(tvn_runtime_create(&engine, fleet->diagnostics, &fleet->runtime),
                fleet->diagnostics, "engine");
    const struct tvn_code_cache_place place = {.directory = fleet->directory,
                                               .secret_directories = {fleet->directory}};
    struct tvn_code_cache *cache = tvn_code_cache_open(&place, 0);
    if (!cache) {
        bench_fail("no code cache in '%s'", fleet->directory);
    }
    const struct tvn_compile_options compile = {0};
    tvn_runtime_set_compile(fleet->runtime, &compile, cache);
    bench_check(tvn_component_decode(fleet->guest.ptr, fleet->guest.len, 0, fleet->diagnostics,
                                     &fleet->component),
                fleet->diagnostics, "decode");
    bench_check(tvn_runtime_compile(fleet->runtime, fleet->component, fleet->diagnostics),
                fleet->diagnostics, "compile");
}

static void destroy_runtime(struct fleet *fleet)
{
    tvn_component_destroy(TVN_TAKE(fleet->component));
    tvn_runtime_destroy(TVN_TAKE(fleet->runtime));
}

static void set_up(struct fleet *fleet, uint64_t count)
{
    fleet->count = count;
    fleet->diagnostics = tvn_diag_sink_create();
    fleet->flows = tvn_calloc(count, sizeof(*fleet->flows));
    fleet->done_fd = eventfd(0, EFD_CLOEXEC);
    memcpy(fleet->directory, "/tmp/tvn-bench-flows-XXXXXX", sizeof("/tmp/tvn-bench-flows-XXXXXX"));
    if (!fleet->flows || fleet->done_fd < 0 || !mkdtemp(fleet->directory)) {
        bench_fail("the benchmark cannot be set up");
    }
    if (tvn_file_read(GUEST, GUEST_BYTES_MAX, &fleet->guest) != TVN_OK) {
        bench_fail("cannot read '%s'", GUEST);
    }
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    struct tvn_resources_options options;
    tvn_resources_options_default(&options);
    bench_check(tvn_resources_create(&options, &fleet->resources), NULL, "buffer pools");
    fleet->magazine = tvn_magazine_create(fleet->resources);
    if (!fleet->magazine) {
        bench_fail("no memory for a magazine");
    }
}

static void start_workers(struct fleet *fleet, uint64_t threads)
{
    const struct tvn_workers_options options = {.threads = (uint32_t)threads,
                                                .quantum = TVN_FLOW_QUANTUM_DEFAULT,
                                                .resources = fleet->resources};
    bench_check(tvn_workers_create(&options, &fleet->workers), NULL, "workers");
}

static void tear_down(struct fleet *fleet)
{
    tvn_workers_destroy(fleet->workers);
    destroy_runtime(fleet);
    tvn_magazine_destroy(fleet->magazine);
    tvn_resources_destroy(fleet->resources);
    tvn_file_bytes_deinit(&fleet->guest);
    tvn_diag_sink_destroy(fleet->diagnostics);
    tvn_fd_close(&fleet->done_fd);
    tvn_free(fleet->flows);
    char command[64];
    snprintf(command, sizeof(command), "rm -rf '%s'", fleet->directory);
    if (system(command) != 0) { // NOLINT(cert-env33-c)
        bench_fail("'%s' cannot be removed", fleet->directory);
    }
}

static void await_done(struct fleet *fleet, uint64_t count)
{
    while (atomic_load(&fleet->done_count) < count) {
        eventfd_t ignored;
        (void)eventfd_read(fleet->done_fd, &ignored);
    }
}

/* Returns how many. */
static uint64_t destroy_ended(struct fleet *fleet)
{
    uint64_t count = 0;
    struct flow *next;
    for (struct flow *flow = atomic_exchange(&fleet->ended, NULL); flow; flow = next) {
        next = flow->next;
        if (tvn_stat_get(&flow->sink.delivered) < 1) {
            bench_fail("a flow ended without its element");
        }
        destroy_flow(flow);
        count++;
    }
    return count;
}

/* ---- what the process has ---- */

static uint64_t open_descriptors(void)
{
    uint64_t count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (directory && readdir(directory)) {
        count++;
    }
    if (directory) {
        closedir(directory);
    }
    return count;
}

/* Of /proc/self/statm, without what is shared: file mappings come and go as the kernel likes. */
static uint64_t memory_bytes(void)
{
    TVN_AUTO_VALUE(tvn_file_bytes) text = {0};
    unsigned long long total = 0;
    unsigned long long resident = 0;
    unsigned long long shared = 0;
    if (tvn_file_read("/proc/self/statm", 256, &text) != TVN_OK || text.len == 0) {
        return 0;
    }
    text.ptr[text.len - 1] = '\0';
    if (sscanf((const char *)text.ptr, "%llu %llu %llu", &total, &resident, &shared) != 3) {
        return 0;
    }
    return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* ---- idle ---- */

static void await_waiting(const struct fleet *fleet)
{
    for (uint64_t i = 0; i < fleet->count; i++) {
        while (!atomic_load_explicit(&fleet->flows[i]->source.waits, memory_order_relaxed)) {
            usleep(1000);
        }
    }
}

static void post(struct flow *flow)
{
    if (flow->posted > tvn_stat_get(&flow->sink.delivered)) {
        return; /* it has not had the last one yet: its time goes on */
    }
    flow->posted++;
    atomic_store_explicit(&flow->posted_ns, tvn_clock_monotonic_ns(), memory_order_release);
    (void)eventfd_write(flow->source.fd, 1);
}

/* Each flow about once a second, evenly. */
static void feed(struct fleet *fleet, uint64_t seconds)
{
    uint64_t begin_ns = tvn_clock_monotonic_ns();
    uint64_t sent = 0;
    uint64_t all = fleet->count * (seconds > 0 ? seconds : 1);
    while (sent < all) {
        uint64_t spent_ns = tvn_clock_monotonic_ns() - begin_ns;
        uint64_t due = seconds > 0 ? spent_ns / 1000 * fleet->count / (NS_PER_S / 1000) : all;
        for (; sent < due && sent < all; sent++) {
            post(fleet->flows[sent % fleet->count]);
        }
        usleep(500);
    }
}

static void await_delivered(const struct fleet *fleet)
{
    for (uint64_t i = 0; i < fleet->count; i++) {
        const struct flow *flow = fleet->flows[i];
        while (tvn_stat_get(&flow->sink.delivered) < flow->posted) {
            usleep(1000);
        }
    }
}

static void print_idle(struct fleet *fleet, uint64_t seconds, uint64_t flow_memory, double cpu)
{
    uint64_t delivered = 0;
    uint64_t worst_ns = 0;
    for (uint64_t i = 0; i < fleet->count; i++) {
        const struct bench_sink *sink = &fleet->flows[i]->sink;
        delivered += tvn_stat_get(&sink->delivered);
        worst_ns = tvn_max(worst_ns, tvn_stat_get(&sink->worst_ns));
    }
    uint64_t reactor = fleet->flow_bytes - fleet->queue_bytes + sizeof(struct tvn_flow_stats) +
                       3 * sizeof(struct tvn_stage_stats) + 2 * sizeof(struct tvn_stream_stats);
    printf("{\"flows\": %llu, \"delivered\": %llu, \"worst_ms\": %.3f, \"cpu_share\": %.4f, "
           "\"reactor_bytes\": %llu, \"task_bytes\": %zu, \"flow_bytes\": %llu, \"descriptors\": "
           "%llu}\n",
           (unsigned long long)fleet->count, (unsigned long long)delivered, (double)worst_ns / 1e6,
           seconds > 0 ? cpu / (double)seconds : 0.0, (unsigned long long)reactor, tvn_task_bytes(),
           (unsigned long long)flow_memory, (unsigned long long)open_descriptors());
}

static void run_idle(struct fleet *fleet, uint64_t seconds, uint64_t threads)
{
    create_runtime(fleet);
    start_workers(fleet, threads);
    uint64_t before = memory_bytes();
    for (uint64_t i = 0; i < fleet->count; i++) {
        fleet->flows[i] = create_flow(fleet, true);
        spawn(fleet->flows[i]);
    }
    await_waiting(fleet);
    uint64_t flow_memory = (memory_bytes() - before) / fleet->count;
    double cpu = cpu_seconds();
    feed(fleet, seconds);
    await_delivered(fleet);
    print_idle(fleet, seconds, flow_memory, cpu_seconds() - cpu);
    for (uint64_t i = 0; i < fleet->count; i++) {
        atomic_store_explicit(&fleet->flows[i]->source.stop, true, memory_order_relaxed);
        tvn_task_wake(fleet->workers, fleet->flows[i]->task);
    }
    await_done(fleet, fleet->count);
    if (destroy_ended(fleet) != fleet->count) {
        bench_fail("not every flow ended");
    }
}

/* ---- start ---- */

static void run_start(struct fleet *fleet, uint64_t threads)
{
    create_runtime(fleet); /* fills the cache */
    destroy_runtime(fleet);
    uint64_t begin_ns = tvn_clock_monotonic_ns();
    create_runtime(fleet);
    start_workers(fleet, threads);
    for (uint64_t i = 0; i < fleet->count; i++) {
        spawn(create_flow(fleet, false));
    }
    await_done(fleet, fleet->count);
    uint64_t spent_ns = tvn_clock_monotonic_ns() - begin_ns;
    if (destroy_ended(fleet) != fleet->count) {
        bench_fail("not every flow ended");
    }
    printf("{\"flows\": %llu, \"ms\": %.1f}\n", (unsigned long long)fleet->count,
           (double)spent_ns / 1e6);
}

/* ---- churn ---- */

static void run_churn(struct fleet *fleet, uint64_t window, uint64_t threads)
{
    uint64_t all = fleet->count;
    fleet->count = window;
    create_runtime(fleet);
    start_workers(fleet, threads);
    uint64_t begun = 0;
    uint64_t ended = 0;
    uint64_t early_descriptors = 0;
    uint64_t early_bytes = 0;
    uint64_t begin_ns = tvn_clock_monotonic_ns();
    while (ended < all) {
        for (; begun < all && begun < ended + window; begun++) {
            struct flow *flow = create_flow(fleet, true);
            (void)eventfd_write(flow->source.fd, 1);
            flow->source.left = 1;
            spawn(flow);
        }
        await_done(fleet, ended + 1);
        ended += destroy_ended(fleet);
        if (early_bytes == 0 && ended >= all / 10) {
            early_descriptors = open_descriptors();
            early_bytes = memory_bytes();
        }
    }
    uint64_t spent_ns = tvn_clock_monotonic_ns() - begin_ns;
    uint64_t late_descriptors = open_descriptors();
    printf("{\"flows\": %llu, \"per_second\": %.0f, \"descriptors\": [%llu, %llu], "
           "\"memory_bytes\": [%llu, %llu]}\n",
           (unsigned long long)all, (double)all * 1e9 / (double)spent_ns,
           (unsigned long long)early_descriptors, (unsigned long long)late_descriptors,
           (unsigned long long)early_bytes, (unsigned long long)memory_bytes());
    if (late_descriptors > early_descriptors) {
        bench_fail("descriptors grow: %llu, then %llu", (unsigned long long)early_descriptors,
                   (unsigned long long)late_descriptors);
    }
}

int main(int argc, char **argv)
{
    const char *mode = "idle";
    uint64_t count = 1000;
    uint64_t seconds = 5;
    uint64_t window = 64;
    uint64_t threads = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
    const struct bench_option options[] = {{"--flows", &count, FLOWS_MAX},
                                           {"--seconds", &seconds, 86400},
                                           {"--window", &window, FLOWS_MAX},
                                           {"--threads", &threads, TVN_WORKERS_MAX}};
    bench_parse(argc, argv, USAGE, options, TVN_ARRAY_LEN(options), &mode, 1);
    if (count == 0 || window == 0 || threads == 0) {
        bench_fail("usage: %s", USAGE);
    }
    static struct fleet fleet;
    set_up(&fleet, count);
    if (strcmp(mode, "idle") == 0) {
        run_idle(&fleet, seconds, threads);
    } else if (strcmp(mode, "start") == 0) {
        run_start(&fleet, threads);
    } else if (strcmp(mode, "churn") == 0) {
        run_churn(&fleet, window, threads);
    } else {
        bench_fail("usage: %s", USAGE);
    }
    tear_down(&fleet);
    return 0;
}
