/* SPDX-License-Identifier: Apache-2.0 */
#include "mock_invoker.h"
#include "tvn_test.h"

#define stat_of(field) tvn_stat_get(&(field))

static struct mock_flow mock;

/* Elements that reach the sink, by sequence. */
static uint64_t seen[256];
static uint64_t seen_count;

static bool record_sequences(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                             enum tvn_outcome *out_outcome)
{
    (void)self;
    (void)out_outcome;
    if (entry == TVN_ENTRY_PUSH && seen_count < TVN_ARRAY_LEN(seen)) {
        seen[seen_count++] = call->in->sequence;
    }
    return false;
}

/* 20 elements into a queue of 4 that is drained only between vectors. */
static void start_overflowing(enum tvn_overflow_policy policy)
{
    seen_count = 0;
    mock_flow_init(&mock, "sk");
    mock.stages[0].count = 20;
    mock.stages[1].script = record_sequences;
    mock.edge_options[0].queue_depth = 4;
    mock.edge_options[0].policy = policy;
    mock_flow_start(&mock);
}

static void test_drop_oldest_keeps_the_newest(void **state)
{
    (void)state;
    start_overflowing(TVN_OVERFLOW_DROP_OLDEST);
    assert_true(mock_flow_finish(&mock, 10));
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_COMPLETED);
    assert_int_equal(seen_count, 4);
    for (uint64_t i = 0; i < 4; i++) {
        assert_int_equal(seen[i], 16 + i);
    }
    assert_int_equal(stat_of(mock.streams[0].dropped), 16);
    assert_int_equal(stat_of(mock.stats.dropped), 16);
    assert_int_equal(stat_of(mock.streams[0].backpressure_events), 1);
    assert_true(mock_flow_conserves(&mock));
    mock_flow_deinit(&mock);
}

static void test_drop_newest_keeps_the_oldest(void **state)
{
    (void)state;
    start_overflowing(TVN_OVERFLOW_DROP_NEWEST);
    assert_true(mock_flow_finish(&mock, 10));
    assert_int_equal(seen_count, 4);
    for (uint64_t i = 0; i < 4; i++) {
        assert_int_equal(seen[i], i);
    }
    assert_int_equal(stat_of(mock.streams[0].dropped), 16);
    assert_true(mock_flow_conserves(&mock));
    mock_flow_deinit(&mock);
}

static void test_policy_error_fails_the_producer_with_e0412(void **state)
{
    (void)state;
    start_overflowing(TVN_OVERFLOW_ERROR);
    assert_true(mock_flow_finish(&mock, 10));
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_FAILED);
    const struct tvn_flow_failure *failure = tvn_flow_failure(mock.flow);
    assert_status(failure->code, TVN_E_QUEUE_FULL);
    assert_int_equal(failure->stage, 0);
    assert_int_equal(failure->sequence, 4);
    assert_int_equal(stat_of(mock.stats.pulled), 5);
    assert_int_equal(seen_count, 4); /* what the producer had put out is delivered */
    assert_int_equal(stat_of(mock.stages[0].stats.failed), 1);
    assert_true(mock_flow_conserves(&mock));
    mock_flow_deinit(&mock);
}

static void test_block_never_drops_at_depth_one(void **state)
{
    (void)state;
    mock_flow_init(&mock, "sppk");
    mock.stages[0].count = 50;
    for (int i = 0; i < 3; i++) {
        mock.edge_options[i].queue_depth = 1;
    }
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 1000));
    assert_int_equal(mock.stages[3].delivered, 50);
    assert_int_equal(stat_of(mock.streams[0].backpressure_events), 50);
    assert_int_equal(stat_of(mock.stats.dropped), 0);
    mock_flow_deinit(&mock);
}

/* Says END whenever it is paused, and otherwise delivers. */
static bool none_while_paused(struct mock_invoker *self, enum tvn_entry entry,
                              struct tvn_call *call, enum tvn_outcome *out_outcome)
{
    (void)call;
    if (entry != TVN_ENTRY_PULL || self->calls[TVN_ENTRY_NOTIFY] == 0 ||
        self->last_signal == TVN_SIGNAL_READY) {
        return false;
    }
    *out_outcome = TVN_OUTCOME_END;
    return true;
}

static void test_none_while_paused_means_nothing_now(void **state)
{
    (void)state;
    mock_flow_init(&mock, "sk");
    mock.stages[0].count = 100;
    mock.stages[0].entries = MOCK_ENTRY(TVN_ENTRY_NOTIFY);
    mock.stages[0].script = none_while_paused;
    mock.stages[1].cost_ns = 200000; /* one element a turn */
    mock.edge_options[0].queue_depth = 8;
    mock.edge_options[0].policy = TVN_OVERFLOW_DROP_NEWEST;
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 10000));
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_COMPLETED);
    assert_int_equal(stat_of(mock.stats.pulled), 100);
    assert_true(mock.stages[0].calls[TVN_ENTRY_NOTIFY] > 2);
    assert_true(mock_flow_conserves(&mock));
    mock_flow_deinit(&mock);
}

static void test_drain_ends_a_parked_source(void **state)
{
    (void)state;
    mock_flow_init(&mock, "sk");
    mock.stages[0].count = 100;
    mock.stages[0].entries = MOCK_ENTRY(TVN_ENTRY_NOTIFY);
    mock.stages[0].script = none_while_paused;
    mock.stages[1].cost_ns = 200000;
    mock.edge_options[0].queue_depth = 8;
    mock.edge_options[0].policy = TVN_OVERFLOW_DROP_NEWEST;
    mock_flow_start(&mock);
    mock_flow_turn(&mock);
    mock_flow_turn(&mock);
    tvn_stop_raise(&mock.stop, TVN_STOP_DRAIN);
    assert_true(mock_flow_finish(&mock, 100));
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_COMPLETED);
    assert_true(mock_flow_conserves(&mock));
    mock_flow_deinit(&mock);
}

static bool die_on_signal(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                          enum tvn_outcome *out_outcome)
{
    if (entry != TVN_ENTRY_NOTIFY) {
        return false;
    }
    *call->fault = (struct tvn_fault){.error = TVN_PROCESS_INTERNAL, .text = "signal"};
    *out_outcome = *(const enum tvn_outcome *)self->script_data;
    return true;
}

static bool fatal_signal(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                         enum tvn_outcome *out_outcome)
{
    (void)self;
    call->fault->error = TVN_PROCESS_FATAL;
    *out_outcome = TVN_OUTCOME_ERROR;
    return entry == TVN_ENTRY_NOTIFY;
}

static void test_notify_that_is_fatal_ends_the_flow(void **state)
{
    (void)state;
    mock_flow_init(&mock, "sk");
    mock.stages[0].entries = MOCK_ENTRY(TVN_ENTRY_NOTIFY) | MOCK_ENTRY(TVN_ENTRY_TEARDOWN);
    mock.stages[0].script = fatal_signal;
    mock.edge_options[0].queue_depth = 8;
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 100));
    assert_status(tvn_flow_failure(mock.flow)->code, TVN_E_FATAL_COMPONENT_ERROR);
    assert_int_equal(mock.stages[0].calls[TVN_ENTRY_NOTIFY], 1);
    assert_int_equal(mock.stages[0].calls[TVN_ENTRY_TEARDOWN], 1);
    assert_int_equal(mock.stages[1].delivered, 8);
    assert_int_equal(stat_of(mock.stats.errors), 1);
    mock_flow_deinit(&mock);
}

static void test_notify_that_fails_is_counted_and_that_traps_ends_the_flow(void **state)
{
    (void)state;
    static enum tvn_outcome outcomes[] = {TVN_OUTCOME_ERROR, TVN_OUTCOME_DEAD};
    for (size_t i = 0; i < 2; i++) {
        mock_flow_init(&mock, "sk");
        mock.stages[0].count = 20;
        mock.stages[0].entries = MOCK_ENTRY(TVN_ENTRY_NOTIFY) | MOCK_ENTRY(TVN_ENTRY_TEARDOWN);
        mock.stages[0].script = die_on_signal;
        mock.stages[0].script_data = &outcomes[i];
        mock.edge_options[0].queue_depth = 8;
        mock_flow_start(&mock);
        assert_true(mock_flow_finish(&mock, 100));
        assert_true(mock_flow_conserves(&mock));
        if (outcomes[i] == TVN_OUTCOME_DEAD) {
            assert_status(tvn_flow_failure(mock.flow)->code, TVN_E_COMPONENT_TRAPPED);
            assert_int_equal(tvn_flow_failure(mock.flow)->entry, TVN_ENTRY_NOTIFY);
            assert_int_equal(mock.stages[1].delivered, 8);
            assert_int_equal(mock.stages[0].calls[TVN_ENTRY_NOTIFY], 1);
            assert_int_equal(mock.stages[0].calls[TVN_ENTRY_TEARDOWN], 0);
        } else {
            assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_COMPLETED);
            assert_int_equal(mock.stages[1].delivered, 20);
            assert_int_equal(stat_of(mock.stats.errors), 4);
        }
        mock_flow_deinit(&mock);
    }
}

/* Between full and the low mark the source is not pulled, though there is room. */
static void test_blocked_source_is_pulled_again_only_at_the_low_mark(void **state)
{
    (void)state;
    mock_flow_init(&mock, "sk");
    mock.stages[0].count = 40;
    mock.stages[1].cost_ns = 200000; /* one element a turn */
    mock.edge_options[0].queue_depth = 8;
    mock_flow_start(&mock);
    uint64_t queued = 0;
    uint64_t pulled = 0;
    uint64_t refills = 0;
    while (mock_flow_turn(&mock) != TVN_FLOW_DONE) {
        uint64_t pulled_now = stat_of(mock.stats.pulled);
        if (pulled_now != pulled && pulled > 0) {
            assert_int_equal(queued, 4);
            assert_int_equal(pulled_now - pulled, 4);
            refills++;
        }
        queued = tvn_flow_queued(mock.flow);
        pulled = pulled_now;
    }
    assert_int_equal(refills, 8); /* 8, then 4 at a time */
    assert_int_equal(stat_of(mock.streams[0].backpressure_events), 9);
    mock_flow_deinit(&mock);
}

static void test_backpressure_time_is_from_full_to_relieved(void **state)
{
    (void)state;
    mock_flow_init(&mock, "sk");
    mock.stages[0].count = 8;
    mock.edge_options[0].queue_depth = 8;
    mock.edge_options[0].low_watermark_ratio = 0.0;
    mock.stages[1].cost_ns = 1000000;
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 100));
    assert_int_equal(stat_of(mock.streams[0].backpressure_events), 1);
    assert_int_equal(stat_of(mock.streams[0].backpressure_ns), 8000000);
    mock_flow_deinit(&mock);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_drop_oldest_keeps_the_newest),
    cmocka_unit_test(test_drop_newest_keeps_the_oldest),
    cmocka_unit_test(test_policy_error_fails_the_producer_with_e0412),
    cmocka_unit_test(test_block_never_drops_at_depth_one),
    cmocka_unit_test(test_none_while_paused_means_nothing_now),
    cmocka_unit_test(test_drain_ends_a_parked_source),
    cmocka_unit_test(test_notify_that_fails_is_counted_and_that_traps_ends_the_flow),
    cmocka_unit_test(test_notify_that_is_fatal_ends_the_flow),
    cmocka_unit_test(test_blocked_source_is_pulled_again_only_at_the_low_mark),
    cmocka_unit_test(test_backpressure_time_is_from_full_to_relieved),
};
TVN_TEST_MAIN("reactor.stage", tests)
