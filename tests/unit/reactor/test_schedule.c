/* SPDX-License-Identifier: Apache-2.0 */
#include "mock_invoker.h"
#include "tvn_test.h"

#include <poll.h>

static struct mock_flow mock;

static void start(const char *roles)
{
    mock_flow_init(&mock, roles);
}

static void assert_completed(void)
{
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_COMPLETED);
    assert_null(tvn_flow_failure(mock.flow));
    assert_int_equal(tvn_flow_queued(mock.flow), 0);
    assert_true(mock_flow_conserves(&mock));
}

#define stat_of(field) tvn_stat_get(&(field))

static void test_run_five_elements_peak_depth_is_five(void **state)
{
    (void)state;
    start("spk");
    mock.stages[0].count = 5;
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 10));
    assert_completed();
    assert_int_equal(stat_of(mock.streams[0].depth_peak), 5);
    assert_int_equal(stat_of(mock.streams[1].depth_peak), 5);
    assert_int_equal(stat_of(mock.streams[0].transferred), 5);
    assert_int_equal(stat_of(mock.streams[0].depth), 0);
    assert_int_equal(mock.stages[2].delivered, 5);
    assert_int_equal(mock.stages[2].last_sequence, 4);
    assert_int_equal(stat_of(mock.stats.pulled), 5);
    assert_int_equal(stat_of(mock.stats.delivered), 5);
    assert_int_equal(stat_of(mock.stages[0].stats.emitted), 5);
    assert_int_equal(stat_of(mock.stages[1].stats.invocations), 5);
    mock_flow_deinit(&mock);
}

static void test_run_depth_16_of_1000_elements_activates_62_times(void **state)
{
    (void)state;
    start("sk");
    mock.stages[0].count = 1000;
    mock.stages[0].entries = MOCK_ENTRY(TVN_ENTRY_NOTIFY);
    mock.edge_options[0].queue_depth = 16;
    for (int i = 0; i < 2; i++) {
        mock.stages[i].cost_ns = 200;
    }
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 1000));
    assert_completed();
    assert_int_equal(stat_of(mock.streams[0].backpressure_events), 62);
    assert_int_equal(stat_of(mock.streams[0].depth_peak), 16);
    assert_true(stat_of(mock.streams[0].backpressure_ns) > 0);
    /* pause and ready alternate, and the last word is ready */
    assert_int_equal(mock.stages[0].calls[TVN_ENTRY_NOTIFY], 124);
    assert_int_equal(mock.stages[0].last_signal, TVN_SIGNAL_READY);
    mock_flow_deinit(&mock);
}

static void test_run_is_consumer_first_in_vectors(void **state)
{
    (void)state;
    start("spk");
    mock.stages[0].count = 4;
    mock.edge_options[0].queue_depth = 2;
    mock.world.logging = true;
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 100));
    /* s s | p p, s s | k k, p p, s(end) | k k */
    static const char expected[] = "sspp"
                                   "ss"
                                   "kkpp"
                                   "s"
                                   "kk";
    char actual[64] = "";
    for (uint32_t i = 0; i < mock.world.log_count; i++) {
        actual[i] = "spk"[mock.world.log[i].mock - mock.stages];
    }
    assert_string_equal(actual, expected);
    mock_flow_deinit(&mock);
}

static void test_run_fifo_goes_the_way_of_an_element(void **state)
{
    (void)state;
    start("spk");
    mock.stages[0].count = 4;
    mock.options.schedule = TVN_SCHEDULE_FIFO;
    mock.edge_options[0].queue_depth = 2;
    mock.world.logging = true;
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 100));
    assert_completed();
    static const char expected[] = "ssppkk"
                                   "ssppkk"
                                   "s";
    char actual[64] = "";
    for (uint32_t i = 0; i < mock.world.log_count; i++) {
        actual[i] = "spk"[mock.world.log[i].mock - mock.stages];
    }
    assert_string_equal(actual, expected);
    mock_flow_deinit(&mock);
}

static bool wait_first(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                       enum tvn_outcome *out_outcome)
{
    (void)call;
    if (entry != TVN_ENTRY_PULL || self->calls[TVN_ENTRY_PULL] != 1) {
        return false;
    }
    *out_outcome = TVN_OUTCOME_WAIT;
    return true;
}

static void test_run_woken_takes_the_first_element_all_the_way(void **state)
{
    (void)state;
    start("sppk");
    mock.stages[0].count = 3;
    mock.stages[0].script = wait_first;
    mock.stages[0].fd = 7;
    mock.stages[0].events = POLLIN;
    mock.world.logging = true;
    mock_flow_start(&mock);
    assert_int_equal(mock_flow_turn(&mock), TVN_FLOW_IDLE);
    assert_true(mock_flow_finish(&mock, 10));
    assert_completed();
    static const char expected[] = "s"
                                   "sabk" /* woken */
                                   "sss"  /* the rest, and the end */
                                   "aabbkk";
    char actual[64] = "";
    for (uint32_t i = 0; i < mock.world.log_count; i++) {
        actual[i] = "sabk"[mock.world.log[i].mock - mock.stages];
    }
    assert_string_equal(actual, expected);
    mock_flow_deinit(&mock);
}

/* A source that answers WAIT after each element: the element is delivered before the next pull. */
static bool wait_after_each(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                            enum tvn_outcome *out_outcome)
{
    (void)call;
    if (entry != TVN_ENTRY_PULL || self->calls[TVN_ENTRY_PULL] % 2 == 1) {
        return false;
    }
    *out_outcome = TVN_OUTCOME_WAIT;
    return true;
}

static void test_run_element_never_waits_behind_a_waiting_source(void **state)
{
    (void)state;
    start("spk");
    mock.stages[0].count = 10;
    mock.stages[0].script = wait_after_each;
    mock_flow_start(&mock);
    for (uint64_t i = 1; i <= 10; i++) {
        assert_int_equal(mock_flow_turn(&mock), TVN_FLOW_IDLE);
        assert_int_equal(mock.stages[2].delivered, i);
        assert_int_equal(mock.wait.wake_ns, mock.world.now_ns + TVN_FLOW_BACKOFF_MIN_NS);
        mock.world.now_ns = mock.wait.wake_ns;
    }
    assert_true(mock_flow_finish(&mock, 10));
    assert_completed();
    mock_flow_deinit(&mock);
}

/* A pull that blocked inside: the source says so, consumers drain first. */
static bool blocked_pull(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                         enum tvn_outcome *out_outcome)
{
    (void)out_outcome;
    if (entry == TVN_ENTRY_PULL) {
        self->world->now_ns += 50;
        call->waited = true;
    }
    return false;
}

static void test_run_source_that_blocked_is_not_pulled_in_a_row(void **state)
{
    (void)state;
    start("spk");
    mock.stages[0].count = 6;
    mock.stages[0].script = blocked_pull;
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 10));
    assert_int_equal(stat_of(mock.streams[0].depth_peak), 1);
    assert_completed();
    mock_flow_deinit(&mock);
}

static void test_run_slow_source_ends_its_vector_after_the_quantum(void **state)
{
    (void)state;
    start("sk");
    mock.stages[0].count = 20;
    mock.stages[0].cost_ns = 1000000; /* ten quanta a pull */
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 100));
    assert_int_equal(stat_of(mock.streams[0].depth_peak), 1);
    assert_true(mock.turns >= 20);
    mock_flow_deinit(&mock);
}

/* 60 µs per element: a turn is over after two, but the source must get its turn long before its
 * queue is empty. */
static void test_run_slow_processor_does_not_starve_the_source(void **state)
{
    (void)state;
    start("spk");
    mock.stages[0].count = 500;
    mock.stages[1].cost_ns = 60000;
    mock.edge_options[0].policy = TVN_OVERFLOW_DROP_OLDEST;
    mock_flow_start(&mock);
    for (int i = 0; i < 60; i++) {
        mock_flow_turn(&mock);
    }
    assert_true(stat_of(mock.stats.pulled) == 500);
    assert_true(mock_flow_finish(&mock, 1000));
    assert_completed();
    assert_true(stat_of(mock.streams[0].dropped) > 300);
    mock_flow_deinit(&mock);
}

static void test_run_yields_after_quantum_of_elements(void **state)
{
    (void)state;
    start("spk");
    mock.stages[0].count = 96;
    mock_flow_start(&mock);
    struct tvn_flow_quantum quantum = {10, 1000000000};
    assert_int_equal(tvn_flow_run(mock.flow, &quantum, &mock.wait), TVN_FLOW_YIELD);
    assert_int_equal(stat_of(mock.stats.pulled), 10);
    assert_int_equal(tvn_flow_run(mock.flow, &quantum, &mock.wait), TVN_FLOW_YIELD);
    assert_int_equal(stat_of(mock.stats.pulled), 20);
    assert_true(mock_flow_finish(&mock, 100));
    mock_flow_deinit(&mock);
}

static void test_run_yields_when_time_is_over(void **state)
{
    (void)state;
    start("sk");
    mock.stages[0].count = 1000;
    mock.stages[0].cost_ns = 10000;
    mock_flow_start(&mock);
    uint64_t before = mock.world.now_ns;
    assert_int_equal(mock_flow_turn(&mock), TVN_FLOW_YIELD);
    /* 100 µs and what the stride may add to it */
    assert_true(mock.world.now_ns - before <= 100000 + 2 * 10000);
    assert_true(mock_flow_finish(&mock, 1000));
    mock_flow_deinit(&mock);
}

/* Pauses after every element. */
static bool pausing_sink(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                         enum tvn_outcome *out_outcome)
{
    (void)out_outcome;
    (void)self;
    if (entry == TVN_ENTRY_PUSH) {
        call->signal = TVN_SIGNAL_PAUSE;
    }
    return false;
}

static void test_sink_pause_backs_off_from_100us_to_10ms(void **state)
{
    (void)state;
    start("sk");
    mock.stages[0].count = 12;
    mock.stages[1].script = pausing_sink;
    mock_flow_start(&mock);
    uint64_t expected = 100000;
    for (uint64_t i = 1; i <= 12; i++) {
        while (mock_flow_turn(&mock) != TVN_FLOW_IDLE) {
        }
        assert_int_equal(mock.stages[1].delivered, i);
        assert_int_equal(mock.wait.wake_ns - mock.world.now_ns, expected);
        assert_int_equal(mock.wait.fd_count, 0);
        /* too early changes nothing */
        mock.world.now_ns = mock.wait.wake_ns - 1;
        assert_int_equal(mock_flow_turn(&mock), TVN_FLOW_IDLE);
        assert_int_equal(mock.stages[1].delivered, i);
        mock.world.now_ns++;
        expected = expected * 2 > 10000000 ? 10000000 : expected * 2;
    }
    assert_true(mock_flow_finish(&mock, 10));
    assert_completed();
    mock_flow_deinit(&mock);
}

static bool pause_twice_then_ready(struct mock_invoker *self, enum tvn_entry entry,
                                   struct tvn_call *call, enum tvn_outcome *out_outcome)
{
    (void)out_outcome;
    if (entry == TVN_ENTRY_PUSH && self->delivered % 3 != 2) {
        call->signal = TVN_SIGNAL_PAUSE;
    }
    return false;
}

static void test_sink_ready_resets_the_back_off(void **state)
{
    (void)state;
    start("sk");
    mock.stages[0].count = 9;
    mock.stages[1].script = pause_twice_then_ready;
    mock_flow_start(&mock);
    static const uint64_t expected[] = {100000, 200000, 100000, 200000, 100000, 200000};
    for (size_t i = 0; i < TVN_ARRAY_LEN(expected); i++) {
        while (mock_flow_turn(&mock) != TVN_FLOW_IDLE) {
        }
        assert_int_equal(mock.wait.wake_ns - mock.world.now_ns, expected[i]);
        mock.world.now_ns = mock.wait.wake_ns;
    }
    assert_true(mock_flow_finish(&mock, 10));
    assert_int_equal(mock.stages[1].delivered, 9);
    mock_flow_deinit(&mock);
}

static bool wait_until_told(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                            enum tvn_outcome *out_outcome)
{
    (void)call;
    if ((entry != TVN_ENTRY_PULL && entry != TVN_ENTRY_PUSH) || self->script_data) {
        return false;
    }
    *out_outcome = TVN_OUTCOME_WAIT;
    return true;
}

static void test_wait_fd_of_source_and_sink_are_both_reported(void **state)
{
    (void)state;
    start("sk");
    mock.stages[0].count = 2;
    mock.stages[1].script = wait_until_told;
    mock.stages[1].fd = 7;
    mock.stages[1].events = POLLOUT;
    mock.stages[0].script = wait_after_each;
    mock.stages[0].fd = 5;
    mock.stages[0].events = POLLIN;
    mock_flow_start(&mock);
    assert_int_equal(mock_flow_turn(&mock), TVN_FLOW_IDLE);
    assert_int_equal(mock.wait.wake_ns, UINT64_MAX);
    assert_int_equal(mock.wait.fd_count, 2);
    assert_int_equal(mock.wait.fds[0].fd, 5);
    assert_int_equal(mock.wait.fds[0].events, POLLIN);
    assert_int_equal(mock.wait.fds[1].fd, 7);
    assert_int_equal(mock.wait.fds[1].events, POLLOUT);
    mock.stages[1].script_data = &mock;
    assert_int_equal(mock_flow_turn(&mock), TVN_FLOW_IDLE);
    assert_int_equal(mock.stages[1].delivered, 2);
    assert_int_equal(mock_flow_turn(&mock), TVN_FLOW_DONE);
    assert_completed();
    mock_flow_deinit(&mock);
}

/* Stages beyond the number of descriptors that fit are looked at again soon. */
static void test_wait_with_too_many_descriptors_polls(void **state)
{
    (void)state;
    mock_flow_init_graph(&mock, "ssssssssssssssssssk",
                         "0-18 1-18 2-18 3-18 4-18 5-18 6-18 7-18 8-18 9-18 10-18 11-18 12-18 "
                         "13-18 14-18 15-18 16-18 17-18");
    for (int i = 0; i < 18; i++) {
        mock.stages[i].script = wait_until_told;
        mock.stages[i].fd = 100 + i;
    }
    mock_flow_start(&mock);
    assert_int_equal(mock_flow_turn(&mock), TVN_FLOW_IDLE);
    assert_int_equal(mock.wait.fd_count, TVN_FLOW_WAIT_FDS_MAX);
    assert_int_equal(mock.wait.wake_ns, mock.world.now_ns + TVN_FLOW_BACKOFF_MAX_NS);
    for (int i = 0; i < 18; i++) {
        mock.stages[i].script = NULL;
    }
    assert_true(mock_flow_finish(&mock, 1000));
    assert_completed();
    assert_int_equal(mock.stages[18].delivered, 18 * 64);
    mock_flow_deinit(&mock);
}

static void test_idle_op_is_called_when_idle_and_its_wait_is_reported(void **state)
{
    (void)state;
    start("sk");
    mock.stages[0].count = 3;
    mock.stages[0].script = wait_after_each;
    mock.stages[0].fd = 5;
    mock.stages[1].idle_outcome = TVN_OUTCOME_WAIT;
    mock.stages[1].fd = 9;
    mock.stages[1].events = POLLOUT;
    mock_flow_start(&mock);
    assert_int_equal(mock_flow_turn(&mock), TVN_FLOW_IDLE);
    assert_int_equal(mock.stages[1].idle_calls, 1);
    assert_int_equal(mock.wait.fd_count, 2);
    assert_int_equal(mock.wait.fds[0].fd, 9);
    assert_int_equal(mock.wait.fds[1].fd, 5);
    mock.stages[1].idle_outcome = TVN_OUTCOME_EMIT;
    assert_int_equal(mock_flow_turn(&mock), TVN_FLOW_IDLE);
    assert_int_equal(mock.wait.fd_count, 1);
    mock_flow_deinit(&mock);
}

static void test_idle_op_is_called_every_50ms_of_a_busy_flow(void **state)
{
    (void)state;
    start("sk");
    mock.stages[0].count = 300;
    mock.stages[1].cost_ns = 1000000;
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 10000));
    assert_int_equal(mock.idles, 0);
    assert_in_range(mock.stages[1].idle_calls, 5, 6);
    mock_flow_deinit(&mock);
}

static void test_idle_op_that_fails_ends_the_flow(void **state)
{
    (void)state;
    start("sk");
    mock.stages[0].count = 3;
    mock.stages[0].script = wait_after_each;
    mock.stages[1].idle_outcome = TVN_OUTCOME_DEAD;
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 10));
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_FAILED);
    assert_status(tvn_flow_failure(mock.flow)->code, TVN_E_IO_ERROR);
    assert_string_equal(tvn_flow_failure(mock.flow)->text, "cannot flush");
    assert_true(mock_flow_conserves(&mock));
    mock_flow_deinit(&mock);
}

static void test_timestamps_and_sequences_are_monotone_though_the_wall_jumps_back(void **state)
{
    (void)state;
    start("spk");
    mock.stages[0].count = 200;
    mock.stages[0].cost_ns = 1000;
    mock_flow_start(&mock);
    uint64_t last = 0;
    while (mock_flow_turn(&mock) != TVN_FLOW_DONE) {
        assert_true(mock.stages[2].last_timestamp_ns >= last);
        last = mock.stages[2].last_timestamp_ns;
        mock.world.wall_offset_ns -= 3600;
    }
    assert_true(last >= UINT64_C(1700000000000000000) - UINT64_C(3600000000000));
    assert_int_equal(mock.stages[2].last_sequence, 199);
    mock_flow_deinit(&mock);
}

static bool own_timestamp(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                          enum tvn_outcome *out_outcome)
{
    (void)self;
    if (entry != TVN_ENTRY_PROCESS) {
        return false;
    }
    *call->out = (struct tvn_element){
        .timestamp_ns = call->in->sequence == 0 ? 0 : 77,
        .sequence = 999,
        .payload = call->in->payload,
    };
    call->out_count = 1;
    *out_outcome = TVN_OUTCOME_EMIT;
    return true;
}

static void test_processor_keeps_sequence_and_may_set_the_timestamp(void **state)
{
    (void)state;
    start("spk");
    mock.stages[0].count = 1;
    mock.stages[1].script = own_timestamp;
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 10));
    assert_int_equal(mock.stages[2].last_sequence, 0);
    assert_true(mock.stages[2].last_timestamp_ns > 77);
    mock_flow_deinit(&mock);

    start("spk");
    mock.stages[0].count = 2;
    mock.stages[1].script = own_timestamp;
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 10));
    assert_int_equal(mock.stages[2].last_sequence, 1);
    assert_int_equal(mock.stages[2].last_timestamp_ns, 77);
    mock_flow_deinit(&mock);
}

static bool drop_odd(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                     enum tvn_outcome *out_outcome)
{
    (void)self;
    if ((entry != TVN_ENTRY_EVALUATE && entry != TVN_ENTRY_PROCESS) ||
        call->in->sequence % 2 == 0) {
        return false;
    }
    *out_outcome = TVN_OUTCOME_DROP;
    return true;
}

static void test_filter_and_processor_drops_are_counted(void **state)
{
    (void)state;
    start("sfpk");
    mock.stages[0].count = 100;
    mock.stages[1].script = drop_odd;
    mock.stages[2].pass_through = true;
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 100));
    assert_completed();
    assert_int_equal(stat_of(mock.stages[1].stats.dropped), 50);
    assert_int_equal(stat_of(mock.stages[1].stats.emitted), 50);
    assert_int_equal(stat_of(mock.stats.dropped), 50);
    assert_int_equal(stat_of(mock.stats.delivered), 50);
    mock_flow_deinit(&mock);
}

static void run_allocation_free(const char *roles)
{
    start(roles);
    mock.stages[0].count = 20000;
    mock.stages[0].entries = MOCK_ENTRY(TVN_ENTRY_NOTIFY);
    mock.edge_options[0].queue_depth = 16;
    mock_flow_start(&mock);
    for (int i = 0; i < 20; i++) {
        mock_flow_turn(&mock);
    }
    uint64_t before = tvn_mem_allocation_count();
    assert_true(mock_flow_finish(&mock, 5000));
    assert_int_equal(tvn_mem_allocation_count(), before);
    assert_completed();
    mock_flow_deinit(&mock);
}

static void test_run_after_warm_up_allocates_nothing(void **state)
{
    (void)state;
    run_allocation_free("spk");
    run_allocation_free("sfppk");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_run_five_elements_peak_depth_is_five),
    cmocka_unit_test(test_run_depth_16_of_1000_elements_activates_62_times),
    cmocka_unit_test(test_run_is_consumer_first_in_vectors),
    cmocka_unit_test(test_run_fifo_goes_the_way_of_an_element),
    cmocka_unit_test(test_run_woken_takes_the_first_element_all_the_way),
    cmocka_unit_test(test_run_element_never_waits_behind_a_waiting_source),
    cmocka_unit_test(test_run_source_that_blocked_is_not_pulled_in_a_row),
    cmocka_unit_test(test_run_slow_source_ends_its_vector_after_the_quantum),
    cmocka_unit_test(test_run_slow_processor_does_not_starve_the_source),
    cmocka_unit_test(test_run_yields_after_quantum_of_elements),
    cmocka_unit_test(test_run_yields_when_time_is_over),
    cmocka_unit_test(test_sink_pause_backs_off_from_100us_to_10ms),
    cmocka_unit_test(test_sink_ready_resets_the_back_off),
    cmocka_unit_test(test_wait_fd_of_source_and_sink_are_both_reported),
    cmocka_unit_test(test_wait_with_too_many_descriptors_polls),
    cmocka_unit_test(test_idle_op_is_called_when_idle_and_its_wait_is_reported),
    cmocka_unit_test(test_idle_op_is_called_every_50ms_of_a_busy_flow),
    cmocka_unit_test(test_idle_op_that_fails_ends_the_flow),
    cmocka_unit_test(test_timestamps_and_sequences_are_monotone_though_the_wall_jumps_back),
    cmocka_unit_test(test_processor_keeps_sequence_and_may_set_the_timestamp),
    cmocka_unit_test(test_filter_and_processor_drops_are_counted),
    cmocka_unit_test(test_run_after_warm_up_allocates_nothing),
};
TVN_TEST_MAIN("reactor.schedule", tests)
