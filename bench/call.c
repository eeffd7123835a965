/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call of `process`, as the product makes it: through the stage's invoker, with handles,
 * copies, budgets and counters. The same element is offered again and again.
 */
#include "base/clock.h"
#include "base/diag.h"
#include "base/file.h"
#include "base/num.h"
#include "bench/program.h"
#include "component/component.h"
#include "engine/component_stage.h"
#include "security/guard.h"

#include <stdio.h>
#include <string.h>

#define USAGE           "call [GUEST] [--size BYTES] [--calls N] [--row 0|1]"
#define GUEST_BYTES_MAX ((size_t)64 << 20)
#define SIZE_MAX_BYTES  ((uint64_t)1 << 20)
#define CALLS_MAX       ((uint64_t)1 << 40)
#define INSTANCES       64 /* made and destroyed to time instantiation */
#define STAGE_OWNER     1
#define PAYLOAD_BYTE    'a'
#define CONTENT_TYPE    "text/plain"
#define ROW_LENGTH      32 /* of a full vector */
#define WARM_UP_SHARE   10 /* one call in so many is made before the clock starts */

struct bench {
    struct tvn_diag_sink *sink;
    struct tvn_runtime *runtime;
    struct tvn_component *component;
    struct tvn_resources *resources;
    struct tvn_magazine *magazine;
    struct tvn_intern intern;
    struct tvn_sandbox sandbox;
    struct tvn_guard guard;
    struct tvn_stage_stats stats;
    struct tvn_invoker *stage;
};

static const struct tvn_sandbox sandbox = {
    .component = "guest",
    .max_memory_bytes = (uint64_t)64 << 20,
    .max_buffer_bytes = (uint64_t)16 << 20,
    .invocation_timeout_ms = 1000,
    .init_timeout_ms = 5000,
    .teardown_timeout_ms = 2000,
};

static enum tvn_status discard(void *context, int stream, const char *bytes, size_t length)
{
    (void)context;
    (void)stream;
    (void)bytes;
    (void)length;
    return TVN_OK;
}

static void create_stage(struct bench *bench)
{
    const struct tvn_component_stage_options options = {
        .name = "guest",
        .flow_id = "bench",
        .role = TVN_ROLE_PROCESSOR,
        .config = TVN_STR(""),
        .sandbox = &bench->sandbox,
        .guard = &bench->guard,
        .magazine = &bench->magazine,
        .intern = &bench->intern,
        .stats = &bench->stats,
        .owner = STAGE_OWNER,
        .cancel_fd = -1,
        .stdin_fd = -1,
        .write = discard,
    };
    bench_check(tvn_component_stage_create(bench->runtime, bench->component, &options, bench->sink,
                                           &bench->stage),
                bench->sink, "instantiate");
}

static void set_up(struct bench *bench, const struct tvn_file_bytes *guest)
{
    const struct tvn_engine_options engine = {.instances = 4,
                                              .max_memory_bytes = sandbox.max_memory_bytes};
    bench_check(tvn_runtime_create(&engine, bench->sink, &bench->runtime), bench->sink, "engine");
    bench_check(tvn_component_decode(guest->ptr, guest->len, 0, bench->sink, &bench->component),
                bench->sink, "decode");
    bench_check(tvn_runtime_compile(bench->runtime, bench->component, bench->sink), bench->sink,
                "compile");
    struct tvn_resources_options options;
    tvn_resources_options_default(&options);
    bench_check(tvn_resources_create(&options, &bench->resources), NULL, "buffer pools");
    bench->magazine = tvn_magazine_create(bench->resources);
    if (!bench->magazine) {
        bench_fail("no memory for a magazine");
    }
    tvn_intern_init(&bench->intern);
    bench->sandbox = sandbox;
    tvn_guard_init(&bench->guard, &bench->sandbox, NULL, NULL);
}

static void tear_down(struct bench *bench)
{
    tvn_invoker_destroy(bench->stage);
    tvn_component_destroy(bench->component);
    tvn_runtime_destroy(bench->runtime);
    tvn_magazine_destroy(bench->magazine);
    tvn_resources_destroy(bench->resources);
    tvn_diag_sink_destroy(bench->sink);
}

static uint64_t time_instantiation_ns(struct bench *bench)
{
    uint64_t best_ns = UINT64_MAX;
    for (int i = 0; i < INSTANCES; i++) {
        uint64_t start_ns = tvn_clock_monotonic_ns();
        create_stage(bench);
        uint64_t spent_ns = tvn_clock_monotonic_ns() - start_ns;
        best_ns = spent_ns < best_ns ? spent_ns : best_ns;
        tvn_invoker_destroy(bench->stage);
    }
    return best_ns;
}

static struct tvn_element make_element(struct bench *bench, uint64_t size)
{
    struct tvn_buffer *buffer = NULL;
    bench_check(tvn_buffer_acquire(bench->magazine, size, TVN_OWNER_HOST, NULL, &buffer), NULL,
                "payload");
    memset(buffer->bytes, PAYLOAD_BYTE, size);
    buffer->length = (uint32_t)size;
    bench_check(tvn_buffer_freeze(buffer), NULL, "payload");
    struct tvn_element element = {.payload = tvn_buffer_id_of(buffer)};
    bench_check(
        tvn_intern_add(&bench->intern, CONTENT_TYPE, strlen(CONTENT_TYPE), &element.content_type),
        NULL, "content type");
    return element;
}

static void release(struct bench *bench, struct tvn_buffer_id payload)
{
    struct tvn_buffer *buffer = NULL;
    bench_check(tvn_magazine_find(bench->magazine, payload, &buffer), NULL, "payload");
    tvn_buffer_release(bench->magazine, buffer);
}

/* Calls one after the other. */
struct series {
    struct bench *bench;
    struct tvn_element element;
    struct tvn_element out;
    struct tvn_fault fault;
    uint64_t done;
    uint64_t row_end; /* the reactor's vectors end now and then, too */
};

static void settle(struct series *series, enum tvn_outcome outcome)
{
    if (outcome == TVN_OUTCOME_EMIT && series->out.sequence == series->done) {
        release(series->bench, series->out.payload);
    } else if (outcome != TVN_OUTCOME_DROP) {
        bench_fail("call %llu failed: %s", (unsigned long long)series->done, series->fault.text);
    }
    series->done++;
    series->element.sequence = series->done;
    series->element.timestamp_ns = series->done;
}

static bool settle_in_row(void *context, enum tvn_outcome outcome)
{
    struct series *series = context;
    settle(series, outcome);
    return series->done < series->row_end;
}

/* Nanoseconds for `calls` calls together. */
static uint64_t run(struct bench *bench, struct tvn_element element, uint64_t calls, bool in_rows)
{
    struct series series = {.bench = bench, .element = element};
    struct tvn_call call = {
        .in = &series.element, .out = &series.out, .out_capacity = 1, .fault = &series.fault};
    const struct tvn_invoker_ops *ops = bench->stage->ops;
    uint64_t start_ns = tvn_clock_monotonic_ns();
    while (series.done < calls) {
        if (in_rows) {
            series.row_end = tvn_min(series.done + ROW_LENGTH, calls);
            ops->invoke_row(bench->stage, TVN_ENTRY_PROCESS, &call, settle_in_row, &series);
        } else {
            settle(&series, tvn_invoke(bench->stage, TVN_ENTRY_PROCESS, &call));
        }
    }
    return tvn_clock_monotonic_ns() - start_ns;
}

static void report(const struct bench *bench, uint64_t calls, uint64_t ns, uint64_t instantiate_ns)
{
    uint64_t payloads = tvn_stat_get(&bench->stats.copies.count[TVN_COPY_PAYLOAD_READ]) +
                        tvn_stat_get(&bench->stats.copies.count[TVN_COPY_PAYLOAD_WRITE]);
    printf("{\"ns_per_call\": %.2f, \"copies\": %llu, \"instantiate_us\": %.1f}\n",
           (double)ns / (double)calls, (unsigned long long)payloads,
           (double)instantiate_ns / 1000.0);
}

int main(int argc, char **argv)
{
    const char *path = TVN_GUEST_DIR "/processor-upper.wasm";
    uint64_t size = 64;
    uint64_t calls = 1000000;
    uint64_t in_rows = 0;
    const struct bench_option options[] = {
        {"--size", &size, SIZE_MAX_BYTES}, {"--calls", &calls, CALLS_MAX}, {"--row", &in_rows, 1}};
    bench_parse(argc, argv, USAGE, options, TVN_ARRAY_LEN(options), &path, 1);
    TVN_AUTO_VALUE(tvn_file_bytes) guest = {0};
    if (tvn_file_read(path, GUEST_BYTES_MAX, &guest) != TVN_OK) {
        bench_fail("cannot read '%s'", path);
    }
    struct bench bench = {.sink = tvn_diag_sink_create()};
    set_up(&bench, &guest);
    uint64_t instantiate_ns = time_instantiation_ns(&bench);
    create_stage(&bench);
    struct tvn_element element = make_element(&bench, size);
    (void)run(&bench, element, calls / WARM_UP_SHARE, in_rows != 0);
    bench.stats = (struct tvn_stage_stats){0};
    uint64_t ns = run(&bench, element, calls, in_rows != 0);
    report(&bench, calls, ns, instantiate_ns);
    release(&bench, element.payload);
    tear_down(&bench);
    return 0;
}
