/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of an edge in bytes and by rate; what back-pressure is told and measured. */
#include "reactor/flow_internal.h"

#include "mock_invoker.h"
#include "tvn_test.h"

#define stat_of(field) tvn_stat_get(&(field))

static struct mock_flow mock;

static void finish(void)
{
    assert_true(mock_flow_finish(&mock, 100000));
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_COMPLETED);
    assert_int_equal(tvn_flow_queued(mock.flow), 0);
    assert_true(mock_flow_conserves(&mock));
}

static void test_create_refuses_bad_limits(void **state)
{
    (void)state;
    static const struct {
        enum tvn_overflow_policy policy;
        uint64_t rate;
        uint64_t max_bytes;
        bool valid;
    } cases[] = {
        {TVN_OVERFLOW_BLOCK, 0, 1, true},
        {TVN_OVERFLOW_BLOCK, 0, TVN_QUEUE_BYTES_MAX + 1, false},
        {TVN_OVERFLOW_BLOCK, 5, 0, false}, /* a rate belongs to its policy */
        {TVN_OVERFLOW_RATE_LIMIT, 0, 0, false},
        {TVN_OVERFLOW_RATE_LIMIT, TVN_RATE_MAX, 0, true},
        {TVN_OVERFLOW_RATE_LIMIT, TVN_RATE_MAX + 1, 0, false},
        {TVN_OVERFLOW_RATE_LIMIT, 1, 1, true},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        mock_flow_init(&mock, "sk");
        mock.edge_options[0].policy = cases[i].policy;
        mock.edge_options[0].max_elements_per_second = cases[i].rate;
        mock.edge_options[0].max_bytes = cases[i].max_bytes;
        assert_status(tvn_flow_create(&mock.options, &mock.flow),
                      cases[i].valid ? TVN_OK : TVN_E_CONSTRAINT_VIOLATION);
        mock_flow_deinit(&mock);
    }
}

static void test_max_bytes_blocks_the_producer(void **state)
{
    (void)state;
    mock_flow_init(&mock, "spk");
    mock.stages[0].payload_bytes = 100;
    mock.stages[0].entries = MOCK_ENTRY(TVN_ENTRY_NOTIFY);
    mock.stages[1].cost_ns = 200000; /* one element a turn */
    mock.edge_options[0].max_bytes = 450;
    mock_flow_start(&mock);
    while (mock_flow_turn(&mock) != TVN_FLOW_DONE) {
        assert_true(stat_of(mock.streams[0].bytes) <= 450);
        assert_true(mock_flow_conserves(&mock));
    }
    assert_int_equal(mock.stages[2].delivered, 64);
    assert_int_equal(mock.stages[2].last_sequence, 63);
    assert_int_equal(stat_of(mock.streams[0].depth_peak), 4);
    assert_int_equal(stat_of(mock.streams[0].bytes_peak), 400);
    assert_int_equal(stat_of(mock.streams[0].bytes), 0);
    assert_int_equal(stat_of(mock.stats.dropped), 0);
    assert_true(stat_of(mock.streams[0].backpressure_events) > 5);
    assert_int_equal(mock.stages[0].calls[TVN_ENTRY_NOTIFY],
                     2 * stat_of(mock.streams[0].backpressure_events));
    mock_flow_deinit(&mock);
}

static bool growing_payload(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                            enum tvn_outcome *out_outcome)
{
    (void)call;
    (void)out_outcome;
    if (entry == TVN_ENTRY_PULL) {
        self->payload_bytes = (uint32_t)(self->made % 10) * 1000;
    }
    return false;
}

static void test_an_oversize_element_passes_alone(void **state)
{
    (void)state;
    for (unsigned policy = TVN_OVERFLOW_BLOCK; policy <= TVN_OVERFLOW_DROP_NEWEST; policy++) {
        mock_flow_init(&mock, "sk");
        mock.stages[0].script = growing_payload;
        mock.edge_options[0].max_bytes = 1;
        mock.edge_options[0].policy = (enum tvn_overflow_policy)policy;
        mock_flow_start(&mock);
        finish();
        if (policy == TVN_OVERFLOW_BLOCK) {
            assert_int_equal(mock.stages[1].delivered, 64);
            assert_int_equal(stat_of(mock.streams[0].bytes_peak), 9000);
        } else {
            assert_true(mock.stages[1].delivered > 0);
            assert_int_equal(mock.stages[1].delivered + stat_of(mock.streams[0].dropped), 64);
        }
        mock_flow_deinit(&mock);
    }
}

static void test_drop_oldest_by_bytes_makes_room_for_the_newest(void **state)
{
    (void)state;
    mock_flow_init(&mock, "sk");
    mock.stages[0].count = 20;
    mock.stages[0].payload_bytes = 100;
    mock.edge_options[0].max_bytes = 350;
    mock.edge_options[0].policy = TVN_OVERFLOW_DROP_OLDEST;
    mock_flow_start(&mock);
    finish();
    assert_int_equal(mock.stages[1].delivered, 3);
    assert_int_equal(mock.stages[1].last_sequence, 19);
    assert_int_equal(stat_of(mock.stats.dropped), 17);
    mock_flow_deinit(&mock);
}

static void test_drop_newest_by_bytes_keeps_the_oldest(void **state)
{
    (void)state;
    mock_flow_init(&mock, "sk");
    mock.stages[0].count = 20;
    mock.stages[0].payload_bytes = 100;
    mock.edge_options[0].max_bytes = 350;
    mock.edge_options[0].policy = TVN_OVERFLOW_DROP_NEWEST;
    mock_flow_start(&mock);
    finish();
    assert_int_equal(mock.stages[1].delivered, 3);
    assert_int_equal(mock.stages[1].last_sequence, 2);
    mock_flow_deinit(&mock);
}

static void test_policy_error_by_bytes_fails_the_producer(void **state)
{
    (void)state;
    mock_flow_init(&mock, "sk");
    mock.stages[0].payload_bytes = 100;
    mock.edge_options[0].max_bytes = 350;
    mock.edge_options[0].policy = TVN_OVERFLOW_ERROR;
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 100));
    assert_status(tvn_flow_failure(mock.flow)->code, TVN_E_QUEUE_FULL);
    assert_int_equal(mock.stages[1].delivered, 3);
    assert_true(mock_flow_conserves(&mock));
    mock_flow_deinit(&mock);
}

static bool third_is_larger(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                            enum tvn_outcome *out_outcome)
{
    (void)call;
    (void)out_outcome;
    if (entry == TVN_ENTRY_PULL) {
        self->payload_bytes = self->made % 3 == 2 ? 240 : 100;
    }
    return false;
}

/* An element that waits beside a queue is not lost, whatever ends the flow. */
static void test_a_held_element_is_accounted_for(void **state)
{
    (void)state;
    for (int end = 0; end < 3; end++) {
        mock_flow_init_graph(&mock, "skk", "0-1 0-2");
        mock.stages[0].script = third_is_larger;
        mock.stages[2].cost_ns = 200000;
        mock.edge_options[1].max_bytes = 250;
        mock_flow_start(&mock);
        while (!mock.flow->edges[1].has_held) {
            mock_flow_turn(&mock);
        }
        assert_true(mock_flow_conserves(&mock));
        if (end < 2) {
            tvn_stop_raise(&mock.stop, end == 0 ? TVN_STOP_DRAIN : TVN_STOP_CANCEL);
            assert_true(mock_flow_finish(&mock, 1000));
            assert_int_equal(tvn_flow_queued(mock.flow), 0);
            assert_true(mock_flow_conserves(&mock));
            assert_int_equal(end == 0, stat_of(mock.stats.failed) == 0);
        }
        mock_flow_deinit(&mock); /* asserts that every buffer came back, destroy alone, too */
    }
}

/* 1000 a second, 4 at once: 64 elements take 60 ms, whoever produces. */
static void test_rate_limit_delays_the_producer(void **state)
{
    (void)state;
    static const char *const roles[] = {"sk", "spk", "sfk"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(roles); i++) {
        mock_flow_init(&mock, roles[i]);
        struct tvn_edge_options *edge = &mock.edge_options[mock.options.edge_count - 1];
        edge->policy = TVN_OVERFLOW_RATE_LIMIT;
        edge->max_elements_per_second = 1000;
        edge->burst = 4;
        mock_flow_start(&mock);
        uint64_t begin_ns = mock.world.now_ns;
        uint64_t seen = 0;
        while (mock_flow_turn(&mock) != TVN_FLOW_DONE) {
            seen = stat_of(mock.stats.delivered);
            assert_true(seen <= 4 + (mock.world.now_ns - begin_ns) / 1000000);
            if (mock.wait.wake_ns != UINT64_MAX) {
                mock.world.now_ns = tvn_stat_get(&mock.stats.wakeups) % 2 /* late at times */
                                        ? mock.wait.wake_ns
                                        : mock.wait.wake_ns + 700000;
            }
        }
        assert_int_equal(stat_of(mock.stats.delivered), 64);
        assert_int_equal(stat_of(mock.stats.dropped), 0);
        assert_in_range(mock.world.now_ns - begin_ns, 60000000, 62000000);
        mock_flow_deinit(&mock);
    }
}

static void test_rate_limit_sleeps_until_the_next_token(void **state)
{
    (void)state;
    mock_flow_init(&mock, "sk");
    mock.edge_options[0].policy = TVN_OVERFLOW_RATE_LIMIT;
    mock.edge_options[0].max_elements_per_second = 10;
    mock_flow_start(&mock);
    uint64_t begin_ns = mock.world.now_ns;
    assert_int_equal(mock_flow_turn(&mock), TVN_FLOW_IDLE);
    assert_int_equal(mock.stages[1].delivered, 1);
    assert_int_equal(mock.wait.wake_ns, begin_ns + 100000000);
    mock.world.now_ns = mock.wait.wake_ns;
    finish();
    assert_int_equal(mock.idles, 64); /* no spinning */
    mock_flow_deinit(&mock);
}

static void test_rate_limit_of_a_slow_consumer_blocks(void **state)
{
    (void)state;
    mock_flow_init(&mock, "sk");
    mock.edge_options[0].policy = TVN_OVERFLOW_RATE_LIMIT;
    mock.edge_options[0].max_elements_per_second = TVN_RATE_MAX;
    mock.edge_options[0].queue_depth = 4;
    mock.stages[1].cost_ns = 1000000;
    mock_flow_start(&mock);
    finish();
    assert_int_equal(mock.stages[1].delivered, 64);
    assert_int_equal(stat_of(mock.streams[0].depth_peak), 4);
    mock_flow_deinit(&mock);
}

/* Each branch has its rate: the producer goes at the slower one's. */
static void test_rate_limits_of_several_edges_all_hold(void **state)
{
    (void)state;
    mock_flow_init_graph(&mock, "skk", "0-1 0-2");
    for (int i = 0; i < 2; i++) {
        mock.edge_options[i].policy = TVN_OVERFLOW_RATE_LIMIT;
        mock.edge_options[i].max_elements_per_second = i == 0 ? 1000 : 500;
        mock.edge_options[i].burst = 1;
    }
    mock_flow_start(&mock);
    uint64_t begin_ns = mock.world.now_ns;
    finish();
    assert_in_range(mock.world.now_ns - begin_ns, 63 * 2000000, 64 * 2000000);
    mock_flow_deinit(&mock);
}

static void test_rate_limited_source_obeys_drain_at_once(void **state)
{
    (void)state;
    mock_flow_init(&mock, "sk");
    mock.edge_options[0].policy = TVN_OVERFLOW_RATE_LIMIT;
    mock.edge_options[0].max_elements_per_second = 1;
    mock_flow_start(&mock);
    assert_int_equal(mock_flow_turn(&mock), TVN_FLOW_IDLE);
    uint64_t now_ns = mock.world.now_ns;
    tvn_stop_raise(&mock.stop, TVN_STOP_DRAIN);
    finish();
    assert_int_equal(mock.world.now_ns, now_ns);
    mock_flow_deinit(&mock);
}

/* From the vector that filled the queue until the source has been told. */
static bool slow_signal(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                        enum tvn_outcome *out_outcome)
{
    (void)call;
    (void)out_outcome;
    if (entry == TVN_ENTRY_NOTIFY) {
        self->world->now_ns += 300;
    }
    return false;
}

static void test_suspend_time_is_from_full_to_told(void **state)
{
    (void)state;
    for (unsigned policy = TVN_OVERFLOW_BLOCK; policy <= TVN_OVERFLOW_DROP_OLDEST; policy++) {
        mock_flow_init(&mock, "sk");
        mock.stages[0].entries = MOCK_ENTRY(TVN_ENTRY_NOTIFY);
        mock.stages[0].script = slow_signal;
        mock.edge_options[0].queue_depth = 16;
        mock.edge_options[0].policy = (enum tvn_overflow_policy)policy;
        mock_flow_start(&mock);
        finish();
        uint64_t events = stat_of(mock.streams[0].backpressure_events);
        assert_true(events > 0);
        /* a producer that drops is not suspended */
        assert_int_equal(stat_of(mock.streams[0].suspend_ns),
                         policy == TVN_OVERFLOW_BLOCK ? 300 * events : 0);
        mock_flow_deinit(&mock);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_create_refuses_bad_limits),
    cmocka_unit_test(test_max_bytes_blocks_the_producer),
    cmocka_unit_test(test_an_oversize_element_passes_alone),
    cmocka_unit_test(test_drop_oldest_by_bytes_makes_room_for_the_newest),
    cmocka_unit_test(test_drop_newest_by_bytes_keeps_the_oldest),
    cmocka_unit_test(test_policy_error_by_bytes_fails_the_producer),
    cmocka_unit_test(test_a_held_element_is_accounted_for),
    cmocka_unit_test(test_rate_limit_delays_the_producer),
    cmocka_unit_test(test_rate_limit_sleeps_until_the_next_token),
    cmocka_unit_test(test_rate_limit_of_a_slow_consumer_blocks),
    cmocka_unit_test(test_rate_limits_of_several_edges_all_hold),
    cmocka_unit_test(test_rate_limited_source_obeys_drain_at_once),
    cmocka_unit_test(test_suspend_time_is_from_full_to_told),
};
TVN_TEST_MAIN("reactor.edge", tests)
