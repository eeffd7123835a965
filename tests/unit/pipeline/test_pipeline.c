/* SPDX-License-Identifier: Apache-2.0 */
/* Real components in real flows, driven turn by turn. */
#include "base/clock.h"
#include "base/mem.h"
#include "pipeline/pipeline.h"

#include "tvn_test.h"

#include <fcntl.h>
#include <poll.h>

#define CHAIN                                                      \
    "[flow.main.nodes.source]\n"                                   \
    "component = \"file://" TVN_GUEST_DIR "/hello-source.wasm\"\n" \
    "interface = \"torvyn:streaming/source\"\n"                    \
    "config = '{\"count\": 20000}'\n"                              \
    "[flow.main.nodes.sink]\n"                                     \
    "component = \"file://" TVN_GUEST_DIR "/hello-sink.wasm\"\n"   \
    "interface = \"torvyn:streaming/sink\"\n"                      \
    "[[flow.main.edges]]\n"                                        \
    "from = { node = \"source\", port = \"output\" }\n"            \
    "to = { node = \"sink\", port = \"input\" }\n"

#define LOG_CHAIN                                                    \
    "[flow.main.nodes.changes]\n"                                    \
    "component = \"file://" TVN_GUEST_DIR "/change-filter.wasm\"\n"  \
    "interface = \"torvyn:filtering/filter\"\n"                      \
    "[flow.main.nodes.json]\n"                                       \
    "component = \"file://" TVN_GUEST_DIR "/change-to-json.wasm\"\n" \
    "interface = \"torvyn:streaming/processor\"\n"                   \
    "[[flow.main.edges]]\n"                                          \
    "from = { node = \"changes\", port = \"output\" }\n"             \
    "to = { node = \"json\", port = \"input\" }\n"

struct fixture {
    struct tvn_diag_sink *sink;
    struct tvn_manifest *manifest;
    struct tvn_link *link;
    struct tvn_runtime *runtime;
    struct tvn_resources *resources;
    struct tvn_magazine *magazine;
    struct tvn_pipeline *pipeline;
    struct tvn_stop_control stop;
    int null_fd;
};

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

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.sink = tvn_diag_sink_create(),
                               .null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC)};
    struct tvn_resources_options options;
    tvn_resources_options_default(&options);
    if (tvn_runtime_create(&(struct tvn_engine_options){0}, fixture.sink, &fixture.runtime) !=
            TVN_OK ||
        tvn_resources_create(&options, &fixture.resources) != TVN_OK ||
        tvn_stop_control_init(&fixture.stop) != TVN_OK) {
        return -1;
    }
    tvn_test_keep_signal_handlers();
    fixture.magazine = tvn_magazine_create(fixture.resources);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    tvn_pipeline_destroy(fixture->pipeline);
    int leaked = (int)tvn_resources_live_count(fixture->resources);
    tvn_runtime_destroy(fixture->runtime);
    tvn_magazine_destroy(fixture->magazine);
    tvn_resources_destroy(fixture->resources);
    tvn_link_destroy(fixture->link);
    tvn_manifest_destroy(fixture->manifest);
    tvn_diag_sink_destroy(fixture->sink);
    tvn_stop_control_deinit(&fixture->stop);
    close(fixture->null_fd);
    return leaked; /* every buffer is back */
}

static enum tvn_status build(struct fixture *fixture, const char *text, const char *input,
                             uint64_t limit)
{
    const struct tvn_config_options config = {.environment = (const char *const[]){NULL},
                                              .user_config = ""};
    struct tvn_link_options link_options = {.inputs = &input, .input_count = input ? 1 : 0};
    assert_status(tvn_manifest_parse("Torvyn.toml", tvn_str_of(text), &config, fixture->sink,
                                     &fixture->manifest),
                  TVN_OK);
    assert_status(tvn_link_create(fixture->manifest, &link_options, fixture->sink, &fixture->link),
                  TVN_OK);
    const struct tvn_pipeline_options options = {
        .runtime = fixture->runtime,
        .resources = fixture->resources,
        .magazine = &fixture->magazine,
        .env = {.now_ns = now_ns, .wall_ns = wall_ns},
        .stop = &fixture->stop,
        .limit = limit,
        .output_fd = fixture->null_fd,
    };
    return tvn_pipeline_create(fixture->link, &options, fixture->sink, &fixture->pipeline);
}

/* Runs until the flow is done or `pulled` elements came from the source. */
static void run_until(struct fixture *fixture, uint64_t pulled)
{
    const struct tvn_flow_quantum quantum = TVN_FLOW_QUANTUM_DEFAULT;
    const struct tvn_flow_stats *stats = tvn_pipeline_flow_stats(fixture->pipeline);
    struct tvn_flow *flow = tvn_pipeline_flow(fixture->pipeline);
    struct tvn_flow_wait wait;
    while (tvn_stat_get(&stats->pulled) < pulled) {
        enum tvn_flow_turn turn = tvn_flow_run(flow, &quantum, &wait);
        if (turn == TVN_FLOW_DONE) {
            return;
        }
        if (turn == TVN_FLOW_IDLE) {
            poll(NULL, 0, 1);
        }
    }
}

static uint64_t copies(const struct fixture *fixture, uint32_t stage, enum tvn_copy_reason reason)
{
    const struct tvn_stage_stats *stats = tvn_pipeline_stage_stats(fixture->pipeline, stage);
    return tvn_stat_get(&stats->copies.count[reason]);
}

static void test_pipeline_of_components_allocates_nothing_after_warm_up(void **state)
{
    struct fixture *fixture = *state;
    assert_status(build(fixture, CHAIN, NULL, 0), TVN_OK);
    assert_status(tvn_flow_start(tvn_pipeline_flow(fixture->pipeline)), TVN_OK);
    run_until(fixture, 2000);

    uint64_t before = tvn_mem_allocation_count();
    run_until(fixture, 18000);
    uint64_t after = tvn_mem_allocation_count();

    assert_int_equal(after - before, 0);
    run_until(fixture, UINT64_MAX);
    const struct tvn_flow_stats *stats = tvn_pipeline_flow_stats(fixture->pipeline);
    assert_int_equal(tvn_stat_get(&stats->pulled), 20000);
    assert_int_equal(tvn_stat_get(&stats->delivered), 20000);
}

static void test_pipeline_with_built_in_ends_allocates_nothing_after_warm_up(void **state)
{
    struct fixture *fixture = *state;
    assert_status(build(fixture, LOG_CHAIN, "generator:20000", 0), TVN_OK);
    assert_status(tvn_flow_start(tvn_pipeline_flow(fixture->pipeline)), TVN_OK);
    run_until(fixture, 2000);

    uint64_t before = tvn_mem_allocation_count();
    run_until(fixture, 18000);

    assert_int_equal(tvn_mem_allocation_count() - before, 0);
    run_until(fixture, UINT64_MAX);
    const struct tvn_flow_stats *stats = tvn_pipeline_flow_stats(fixture->pipeline);
    assert_int_equal(tvn_stat_get(&stats->dropped), 20000);
}

static void test_pipeline_counts_two_copies_per_hop_that_reads_and_writes(void **state)
{
    struct fixture *fixture = *state;
    assert_status(build(fixture, CHAIN, NULL, 5), TVN_OK);

    assert_status(tvn_flow_start(tvn_pipeline_flow(fixture->pipeline)), TVN_OK);
    run_until(fixture, UINT64_MAX);

    assert_int_equal(tvn_flow_state(tvn_pipeline_flow(fixture->pipeline)), TVN_FLOW_COMPLETED);
    assert_int_equal(copies(fixture, 0, TVN_COPY_PAYLOAD_WRITE), 5);
    assert_int_equal(copies(fixture, 1, TVN_COPY_PAYLOAD_READ), 5);
    assert_int_equal(copies(fixture, 0, TVN_COPY_PAYLOAD_READ), 0);
    assert_int_equal(copies(fixture, 1, TVN_COPY_PAYLOAD_WRITE), 0);
}

static void test_pipeline_cancelled_while_queues_are_full_gives_every_buffer_back(void **state)
{
    struct fixture *fixture = *state;
    assert_status(build(fixture, CHAIN, NULL, 0), TVN_OK);
    assert_status(tvn_flow_start(tvn_pipeline_flow(fixture->pipeline)), TVN_OK);
    run_until(fixture, 1000);

    tvn_stop_control_interrupt(&fixture->stop);
    run_until(fixture, UINT64_MAX);

    assert_int_equal(tvn_flow_state(tvn_pipeline_flow(fixture->pipeline)), TVN_FLOW_FAILED);
    assert_status(tvn_flow_failure(tvn_pipeline_flow(fixture->pipeline))->code,
                  TVN_E_FLOW_CANCELLED);
}

#define EDGE_TO_SINK                                \
    "[flow.main.nodes.in]\n"                        \
    "component = \"builtin:generator:1000\"\n"      \
    "[flow.main.nodes.out]\n"                       \
    "component = \"builtin:stdout\"\n"              \
    "[[flow.main.edges]]\n"                         \
    "from = { node = \"in\", port = \"output\" }\n" \
    "to = { node = \"out\", port = \"input\" }\n"

static void test_pipeline_with_rate_limit_delivers_everything(void **state)
{
    struct fixture *fixture = *state;
    assert_status(build(fixture,
                        EDGE_TO_SINK "policy = \"rate-limit\"\n"
                                     "max_elements_per_second = 100000\n",
                        NULL, 0),
                  TVN_OK);
    assert_status(tvn_flow_start(tvn_pipeline_flow(fixture->pipeline)), TVN_OK);
    run_until(fixture, UINT64_MAX);

    const struct tvn_flow_stats *stats = tvn_pipeline_flow_stats(fixture->pipeline);
    assert_int_equal(tvn_stat_get(&stats->delivered), 1000);
}

static void test_pipeline_with_a_limit_in_bytes_keeps_to_it(void **state)
{
    struct fixture *fixture = *state;
    assert_status(build(fixture, EDGE_TO_SINK "max_bytes = \"1KiB\"\n", NULL, 0), TVN_OK);
    assert_status(tvn_flow_start(tvn_pipeline_flow(fixture->pipeline)), TVN_OK);
    run_until(fixture, UINT64_MAX);

    const struct tvn_flow_stats *stats = tvn_pipeline_flow_stats(fixture->pipeline);
    const struct tvn_stream_stats *stream = tvn_pipeline_stream_stats(fixture->pipeline, 0);
    assert_int_equal(tvn_stat_get(&stats->delivered), 1000);
    assert_in_range(tvn_stat_get(&stream->bytes_peak), 1, 1024);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static const struct CMUnitTest tests[] = {
    TEST(test_pipeline_of_components_allocates_nothing_after_warm_up),
    TEST(test_pipeline_with_built_in_ends_allocates_nothing_after_warm_up),
    TEST(test_pipeline_counts_two_copies_per_hop_that_reads_and_writes),
    TEST(test_pipeline_cancelled_while_queues_are_full_gives_every_buffer_back),
    TEST(test_pipeline_with_rate_limit_delivers_everything),
    TEST(test_pipeline_with_a_limit_in_bytes_keeps_to_it),
};

TVN_TEST_MAIN("pipeline.pipeline", tests)
