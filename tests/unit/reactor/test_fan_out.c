/* SPDX-License-Identifier: Apache-2.0 */
#include "reactor/flow_internal.h"

#include "mock_invoker.h"
#include "tvn_test.h"

#define stat_of(field) tvn_stat_get(&(field))

static struct mock_flow mock;

static void finish(enum tvn_flow_state expected)
{
    assert_true(mock_flow_finish(&mock, 10000));
    assert_int_equal(tvn_flow_state(mock.flow), expected);
    assert_int_equal(tvn_flow_queued(mock.flow), 0);
    assert_true(mock_flow_conserves(&mock));
}

static void test_fan_out_gives_every_edge_a_record_of_one_payload(void **state)
{
    (void)state;
    for (uint32_t payload = 0; payload <= 16; payload += 16) {
        mock_flow_init_graph(&mock, "skkk", "0-1 0-2 0-3");
        mock.stages[0].count = 100;
        mock.stages[0].payload_bytes = payload;
        mock_flow_start(&mock);
        finish(TVN_FLOW_COMPLETED);
        for (int i = 1; i <= 3; i++) {
            assert_int_equal(mock.stages[i].delivered, 100);
            assert_int_equal(mock.stages[i].last_sequence, 99);
        }
        assert_int_equal(stat_of(mock.stats.pulled), 100);
        assert_int_equal(stat_of(mock.stats.forked), 200);
        assert_int_equal(stat_of(mock.stats.delivered), 300);
        assert_int_equal(stat_of(mock.stages[0].stats.emitted), 100);
        mock_flow_deinit(&mock); /* asserts that every buffer came back */
    }
}

static void test_diamond_delivers_both_ways_once(void **state)
{
    (void)state;
    mock_flow_init_graph(&mock, "spfpk", "0-1 0-2 1-4 2-3 3-4");
    mock.stages[3].pass_through = true;
    mock_flow_start(&mock);
    finish(TVN_FLOW_COMPLETED);
    assert_int_equal(mock.stages[4].delivered, 128);
    assert_int_equal(stat_of(mock.stats.forked), 64);
    mock_flow_deinit(&mock);
}

/* Depth 2 before a sink that takes one element a turn: the other sink gets no further. */
static void test_min_demand_is_the_slowest_edge_that_blocks(void **state)
{
    (void)state;
    mock_flow_init_graph(&mock, "skk", "0-1 0-2");
    mock.edge_options[1].queue_depth = 2;
    mock.edge_options[1].low_watermark_ratio = 0.5;
    mock.stages[2].cost_ns = 200000;
    mock_flow_start(&mock);
    while (mock_flow_turn(&mock) != TVN_FLOW_DONE) {
        assert_true(mock.stages[1].delivered <= mock.stages[2].delivered + 2);
        assert_true(mock_flow_conserves(&mock));
    }
    assert_int_equal(mock.stages[1].delivered, 64);
    assert_int_equal(mock.stages[2].delivered, 64);
    assert_int_equal(stat_of(mock.stats.dropped), 0);
    mock_flow_deinit(&mock);
}

static void test_an_edge_that_drops_does_not_limit(void **state)
{
    (void)state;
    mock_flow_init_graph(&mock, "skk", "0-1 0-2");
    mock.edge_options[1].queue_depth = 2;
    mock.edge_options[1].policy = TVN_OVERFLOW_DROP_OLDEST;
    mock.stages[2].cost_ns = 200000;
    mock_flow_start(&mock);
    finish(TVN_FLOW_COMPLETED);
    assert_int_equal(mock.stages[1].delivered, 64);
    uint64_t dropped = stat_of(mock.streams[1].dropped);
    assert_true(dropped > 0);
    assert_int_equal(mock.stages[2].delivered + dropped, 64);
    assert_int_equal(mock.stages[2].last_sequence, 63);
    assert_int_equal(stat_of(mock.streams[0].dropped), 0);
    assert_int_equal(stat_of(mock.stats.dropped), dropped);
    mock_flow_deinit(&mock);
}

static bool wait_for_ever(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                          enum tvn_outcome *out_outcome)
{
    (void)self;
    (void)call;
    *out_outcome = TVN_OUTCOME_WAIT;
    return entry == TVN_ENTRY_PUSH;
}

static void test_independent_branches_go_on_without_a_stuck_one(void **state)
{
    (void)state;
    mock_flow_init_graph(&mock, "skk", "0-1 0-2");
    mock.options.fan_out = TVN_FAN_OUT_INDEPENDENT;
    mock.edge_options[0].policy = TVN_OVERFLOW_DROP_NEWEST;
    mock.edge_options[1].policy = TVN_OVERFLOW_DROP_OLDEST;
    mock.edge_options[1].queue_depth = 4;
    mock.stages[2].script = wait_for_ever;
    mock.stages[2].fd = 7;
    mock_flow_start(&mock);
    while (mock_flow_turn(&mock) != TVN_FLOW_IDLE) {
    }
    assert_int_equal(mock.stages[1].delivered, 64);
    assert_int_equal(mock.stages[2].delivered, 0);
    assert_int_equal(tvn_flow_queued(mock.flow), 4);
    assert_true(mock_flow_conserves(&mock));
    mock.stages[2].script = NULL;
    finish(TVN_FLOW_COMPLETED);
    assert_int_equal(mock.stages[2].delivered, 4);
    mock_flow_deinit(&mock);
}

static bool die_at_tenth(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                         enum tvn_outcome *out_outcome)
{
    if (entry != TVN_ENTRY_PUSH || self->calls[entry] != 10) {
        return false;
    }
    *call->fault = (struct tvn_fault){.code = TVN_E_COMPONENT_TIMEOUT};
    *out_outcome = TVN_OUTCOME_DEAD;
    return true;
}

/* One sink of two dies: what the source had put out still reaches the other. */
static void test_a_failed_branch_lets_the_others_finish(void **state)
{
    (void)state;
    mock_flow_init_graph(&mock, "spkpk", "0-1 1-2 0-3 3-4 1-4");
    mock.stages[0].count = 1000;
    mock.stages[2].script = die_at_tenth;
    mock.stages[4].entries = MOCK_ENTRY(TVN_ENTRY_COMPLETE);
    mock_flow_start(&mock);
    finish(TVN_FLOW_FAILED);
    uint64_t pulled = stat_of(mock.stats.pulled);
    assert_true(pulled < 1000);
    assert_int_equal(mock.stages[2].delivered, 9);
    assert_int_equal(mock.stages[4].delivered, 2 * pulled);
    assert_int_equal(mock.stages[4].calls[TVN_ENTRY_COMPLETE], 1);
    assert_int_equal(tvn_flow_failure(mock.flow)->stage, 2);
    mock_flow_deinit(&mock);
}

/* The only reader of a stage fails: the stage ends, its sibling does not. */
static void test_a_stage_that_only_feeds_failed_ones_ends(void **state)
{
    (void)state;
    mock_flow_init_graph(&mock, "sppkk", "0-1 0-2 1-3 2-4");
    mock.stages[0].count = 1000;
    mock.stages[3].script = die_at_tenth;
    mock_flow_start(&mock);
    finish(TVN_FLOW_FAILED);
    assert_int_equal(mock.stages[4].delivered, stat_of(mock.stats.pulled));
    mock_flow_deinit(&mock);
}

static void test_error_policy_of_one_edge_fails_the_producer_only_there(void **state)
{
    (void)state;
    mock_flow_init_graph(&mock, "skk", "0-1 0-2");
    mock.edge_options[0].policy = TVN_OVERFLOW_ERROR;
    mock.edge_options[0].queue_depth = 4;
    mock_flow_start(&mock);
    finish(TVN_FLOW_FAILED);
    assert_status(tvn_flow_failure(mock.flow)->code, TVN_E_QUEUE_FULL);
    assert_int_equal(mock.stages[1].delivered, 4);
    assert_int_equal(mock.stages[2].delivered, 5); /* the element that was too many, too */
    assert_int_equal(stat_of(mock.stats.failed), 1);
    mock_flow_deinit(&mock);
}

static void test_an_element_that_no_edge_gets_has_not_left(void **state)
{
    (void)state;
    mock_flow_init_graph(&mock, "skk", "0-1 0-2");
    for (int i = 0; i < 2; i++) {
        mock.edge_options[i].policy = TVN_OVERFLOW_ERROR;
        mock.edge_options[i].queue_depth = 4;
    }
    mock_flow_start(&mock);
    finish(TVN_FLOW_FAILED);
    assert_int_equal(stat_of(mock.stages[0].stats.emitted), 4);
    assert_int_equal(stat_of(mock.stages[0].stats.failed), 2);
    assert_int_equal(stat_of(mock.stats.forked), 5);
    assert_int_equal(stat_of(mock.stats.delivered), 8);
    mock_flow_deinit(&mock);
}

static bool record_signal(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                          enum tvn_outcome *out_outcome)
{
    (void)out_outcome;
    if (entry == TVN_ENTRY_NOTIFY) {
        enum tvn_signal *last = self->script_data;
        assert_int_not_equal(*last, call->signal); /* they alternate */
        *last = call->signal;
    }
    return false;
}

static void test_source_is_paused_while_any_blocking_output_is_throttled(void **state)
{
    (void)state;
    enum tvn_signal last = TVN_SIGNAL_READY;
    mock_flow_init_graph(&mock, "skkk", "0-1 0-2 0-3");
    mock.stages[0].count = 1000;
    mock.stages[0].entries = MOCK_ENTRY(TVN_ENTRY_NOTIFY);
    mock.stages[0].script = record_signal;
    mock.stages[0].script_data = &last;
    mock.edge_options[0].queue_depth = 8;
    mock.edge_options[1].queue_depth = 6;
    mock.edge_options[2].queue_depth = 2; /* full all the time, but it drops */
    mock.edge_options[2].policy = TVN_OVERFLOW_DROP_NEWEST;
    mock.stages[3].cost_ns = 150000;
    mock_flow_start(&mock);
    while (mock_flow_turn(&mock) != TVN_FLOW_DONE) {
        bool throttled = mock.flow->edges[0].queue.throttled || mock.flow->edges[1].queue.throttled;
        if (mock.flow->stages[0].phase != TVN_STAGE_ENDED) {
            assert_int_equal(last, throttled ? TVN_SIGNAL_PAUSE : TVN_SIGNAL_READY);
        }
    }
    assert_true(mock.stages[0].calls[TVN_ENTRY_NOTIFY] > 100);
    assert_true(mock_flow_conserves(&mock));
    mock_flow_deinit(&mock);
}

/* More records of one payload than a buffer can count: the rest of them fail, nothing leaks. */
static void test_payload_with_too_many_holders_fails_the_rest(void **state)
{
    (void)state;
    mock_flow_init_graph(&mock, "sfk", "0-1 1-2");
    for (uint32_t i = 0; i < 512; i++) { /* 256 edges, twice in a row */
        mock.edge_options[i] = mock.edge_options[i / 256];
        mock.edge_options[i].from = i / 256;
        mock.edge_options[i].to = 1 + i / 256;
        mock.edge_options[i].queue_depth = 257;
        mock.edge_options[i].stats = &mock.streams[i];
    }
    mock.options.edge_count = 512;
    mock.stages[0].count = 1;
    mock.stages[2].script = wait_for_ever;
    mock.stages[2].fd = 7;
    mock_flow_start(&mock);
    while (mock_flow_turn(&mock) != TVN_FLOW_IDLE) {
    }
    assert_true(stat_of(mock.stats.failed) > 0);
    assert_true(mock_flow_conserves(&mock));
    assert_non_null(tvn_flow_first_skipped(mock.flow, 1));
    mock.stages[2].script = NULL;
    finish(TVN_FLOW_COMPLETED);
    mock_flow_deinit(&mock);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_fan_out_gives_every_edge_a_record_of_one_payload),
    cmocka_unit_test(test_diamond_delivers_both_ways_once),
    cmocka_unit_test(test_min_demand_is_the_slowest_edge_that_blocks),
    cmocka_unit_test(test_an_edge_that_drops_does_not_limit),
    cmocka_unit_test(test_independent_branches_go_on_without_a_stuck_one),
    cmocka_unit_test(test_a_failed_branch_lets_the_others_finish),
    cmocka_unit_test(test_a_stage_that_only_feeds_failed_ones_ends),
    cmocka_unit_test(test_error_policy_of_one_edge_fails_the_producer_only_there),
    cmocka_unit_test(test_an_element_that_no_edge_gets_has_not_left),
    cmocka_unit_test(test_source_is_paused_while_any_blocking_output_is_throttled),
    cmocka_unit_test(test_payload_with_too_many_holders_fails_the_rest),
};
TVN_TEST_MAIN("reactor.fan_out", tests)
