/* SPDX-License-Identifier: Apache-2.0 */
/* Built-in stages at both ends of a real flow, on real descriptors and the real clock. */
#include "base/clock.h"
#include "reactor/flow.h"

#include "connector_rig.h"

#include <poll.h>

static struct connector_rig rig;
static struct tvn_invoker *source;
static struct tvn_invoker *sink;
static struct tvn_stage_stats sink_stats;
static struct tvn_stream_stats stream;
static struct tvn_flow_stats stats;
static tvn_stop_flag stop;
static struct tvn_flow *flow;

static uint64_t now(void *context)
{
    (void)context;
    return tvn_clock_monotonic_ns();
}
static uint64_t wall(void *context)
{
    (void)context;
    return tvn_clock_wall_ns();
}

static void set_up(const char *from, int from_fd, const char *to, int to_fd)
{
    signal(SIGPIPE, SIG_IGN);
    connector_rig_init(&rig, TVN_EXHAUSTION_FALLBACK_ALLOC, 256);
    memset(&sink_stats, 0, sizeof(sink_stats));
    memset(&stream, 0, sizeof(stream));
    memset(&stats, 0, sizeof(stats));
    stop = TVN_STOP_NONE;
    assert_status(tvn_connector_spec_parse_source(tvn_str_of(from), &rig.options.spec), TVN_OK);
    rig.options.fd = from_fd;
    assert_status(tvn_connector_create_source(&rig.options, &source), TVN_OK);
    assert_status(tvn_connector_spec_parse_sink(tvn_str_of(to), &rig.options.spec), TVN_OK);
    rig.options.fd = to_fd;
    rig.options.stats = &sink_stats;
    assert_status(tvn_connector_create_sink(&rig.options, &sink), TVN_OK);

    struct tvn_stage_options stages[2];
    tvn_stage_options_default(&stages[0]);
    tvn_stage_options_default(&stages[1]);
    stages[0].invoker = source;
    stages[0].stats = &rig.stats;
    stages[1].invoker = sink;
    stages[1].stats = &sink_stats;
    struct tvn_edge_options edge;
    tvn_edge_options_default(&edge);
    edge.to = 1;
    edge.stats = &stream;
    struct tvn_flow_options options = {
        .env = {.now_ns = now, .wall_ns = wall},
        .magazine = &rig.magazine,
        .stages = stages,
        .stage_count = 2,
        .edges = &edge,
        .edge_count = 1,
        .stats = &stats,
        .stop = &stop,
    };
    assert_status(tvn_flow_create(&options, &flow), TVN_OK);
    assert_status(tvn_flow_start(flow), TVN_OK);
}

static void tear_down(void)
{
    tvn_flow_destroy(flow);
    tvn_invoker_destroy(source);
    tvn_invoker_destroy(sink);
    connector_rig_deinit(&rig);
}

/* Runs until the flow is done, or idle if `stop_at_idle`; polls as a driver would. */
static enum tvn_flow_turn drive(bool stop_at_idle)
{
    for (;;) {
        struct tvn_flow_wait wait;
        enum tvn_flow_turn turn = tvn_flow_run(flow, &TVN_FLOW_QUANTUM_DEFAULT, &wait);
        if (turn == TVN_FLOW_DONE || (turn == TVN_FLOW_IDLE && stop_at_idle)) {
            return turn;
        }
        if (turn == TVN_FLOW_IDLE) {
            struct pollfd fds[TVN_FLOW_WAIT_FDS_MAX];
            for (uint32_t i = 0; i < wait.fd_count; i++) {
                fds[i] = (struct pollfd){.fd = wait.fds[i].fd, .events = wait.fds[i].events};
            }
            assert_true(poll(fds, wait.fd_count, wait.wake_ns == UINT64_MAX ? 5000 : 1) >= 0);
        }
    }
}

static void test_generator_to_pipe(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    set_up("generator:3", -1, "stdout", ends[1]);
    assert_int_equal(drive(false), TVN_FLOW_DONE);
    assert_int_equal(tvn_flow_state(flow), TVN_FLOW_COMPLETED);
    char text[256] = "";
    assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
    assert_string_equal(text, "Hello, Torvyn! (1)\nHello, Torvyn! (2)\nHello, Torvyn! (3)\n");
    assert_int_equal(tvn_stat_get(&stats.delivered), 3);
    tear_down();
    close(ends[0]);
    close(ends[1]);
}

/* Each line is on the other side as soon as the flow idles, without waiting for more. */
static void test_pipe_to_pipe_passes_on_what_there_is(void **state)
{
    (void)state;
    int in[2], out[2];
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    set_up("-", in[0], "-", out[1]);
    char text[64];
    for (int i = 0; i < 3; i++) {
        assert_int_equal(write(in[1], "ping\n", 5), 5);
        assert_int_equal(drive(true), TVN_FLOW_IDLE);
        memset(text, 0, sizeof(text));
        assert_int_equal(read(out[0], text, sizeof(text)), 5);
        assert_string_equal(text, "ping\n");
    }
    close(in[1]);
    assert_int_equal(drive(false), TVN_FLOW_DONE);
    assert_int_equal(tvn_flow_state(flow), TVN_FLOW_COMPLETED);
    tear_down();
    close(in[0]);
    close(out[0]);
    close(out[1]);
}

static void test_reader_that_goes_away_fails_the_flow_with_e0004(void **state)
{
    (void)state;
    int out[2];
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    set_up("generator", -1, "-", out[1]);
    close(out[0]);
    assert_int_equal(drive(false), TVN_FLOW_DONE);
    assert_int_equal(tvn_flow_state(flow), TVN_FLOW_FAILED);
    assert_status(tvn_flow_failure(flow)->code, TVN_E_IO_ERROR);
    assert_int_equal(tvn_flow_failure(flow)->stage, 1);
    assert_non_null(strstr(tvn_flow_failure(flow)->text, "Broken pipe"));
    tear_down();
    close(out[1]);
}

static void test_a_too_long_line_is_counted_and_the_rest_passes(void **state)
{
    (void)state;
    char path[] = "/tmp/tvn-connector-flow-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    size_t length = (17u << 20) + 4;
    char *text = malloc(length);
    assert_non_null(text);
    memset(text, 'x', length);
    memcpy(text, "a\n", 2);
    memcpy(text + length - 3, "\nb\n", 3);
    assert_int_equal(write(fd, text, length), length);
    free(text);
    int out[2];
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    set_up(path, -1, "-", out[1]);
    assert_int_equal(drive(false), TVN_FLOW_DONE);
    assert_int_equal(tvn_flow_state(flow), TVN_FLOW_COMPLETED);
    char back[16] = "";
    assert_int_equal(read(out[0], back, sizeof(back)), 4);
    assert_string_equal(back, "a\nb\n");
    assert_int_equal(tvn_stat_get(&stats.errors), 1);
    assert_int_equal(tvn_stat_get(&stats.pulled), 2);
    tear_down();
    close(out[0]);
    close(out[1]);
    close(fd);
    unlink(path);
}

/* The hot path of native stages allocates nothing after the first elements. */
static void test_steady_state_allocates_nothing(void **state)
{
    (void)state;
    set_up("generator:100000", -1, "/dev/null", -1);
    struct tvn_flow_wait wait;
    for (int i = 0; i < 10; i++) {
        tvn_flow_run(flow, &TVN_FLOW_QUANTUM_DEFAULT, &wait);
    }
    uint64_t before = tvn_mem_allocation_count();
    assert_int_equal(drive(false), TVN_FLOW_DONE);
    assert_int_equal(tvn_mem_allocation_count(), before);
    assert_int_equal(tvn_stat_get(&stats.delivered), 100000);
    assert_int_equal(tvn_stat_get(&rig.stats.copies.count[TVN_COPY_HOST_SERIALIZE]), 100000);
    assert_int_equal(tvn_stat_get(&sink_stats.copies.count[TVN_COPY_HOST_SERIALIZE]), 100000);
    tear_down();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_generator_to_pipe),
    cmocka_unit_test(test_pipe_to_pipe_passes_on_what_there_is),
    cmocka_unit_test(test_reader_that_goes_away_fails_the_flow_with_e0004),
    cmocka_unit_test(test_a_too_long_line_is_counted_and_the_rest_passes),
    cmocka_unit_test(test_steady_state_allocates_nothing),
};
TVN_TEST_MAIN("connectors.flow", tests)
