/* SPDX-License-Identifier: Apache-2.0 */
#include "mock_invoker.h"
#include "tvn_test.h"

#define stat_of(field) tvn_stat_get(&(field))

static struct mock_flow mock;
static char order[256];
static size_t order_length;

/* Which source an element came from is told by its flags. */
static bool mark(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                 enum tvn_outcome *out_outcome)
{
    if (entry != TVN_ENTRY_PULL || self->made == self->count) {
        return false;
    }
    self->made++;
    *call->out = (struct tvn_element){.flags = (uint32_t)(self - mock.stages) << 8};
    call->out_count = 1;
    *out_outcome = TVN_OUTCOME_EMIT;
    return true;
}

static bool note(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                 enum tvn_outcome *out_outcome)
{
    (void)self;
    (void)out_outcome;
    if (entry == TVN_ENTRY_PUSH && order_length < sizeof(order) - 1) {
        order[order_length++] = (char)('a' + (call->in->flags >> 8));
        order[order_length] = '\0';
    }
    return false;
}

/* Three sources of 4, 3 and 2 elements into one sink. */
static void start(enum tvn_merge merge)
{
    mock_flow_init_graph(&mock, "sssk", "0-3 1-3 2-3");
    for (int i = 0; i < 3; i++) {
        mock.stages[i].script = mark;
        mock.stages[i].count = (uint64_t)(4 - i);
    }
    mock.stages[3].script = note;
    mock.stage_options[3].merge = merge;
    order_length = 0;
    mock_flow_start(&mock);
}

static void run(const struct tvn_flow_quantum *quantum)
{
    for (int i = 0; tvn_flow_run(mock.flow, quantum, &mock.wait) != TVN_FLOW_DONE; i++) {
        assert_true(i < 1000);
    }
    assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_COMPLETED);
    assert_true(mock_flow_conserves(&mock));
    assert_int_equal(stat_of(mock.stats.pulled), 9);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(stat_of(mock.streams[i].transferred), 4 - i);
        assert_int_equal(stat_of(mock.streams[i].depth), 0);
    }
    mock_flow_deinit(&mock);
}

static void test_first_available_drains_one_input_after_the_other(void **state)
{
    (void)state;
    start(TVN_MERGE_FIRST_AVAILABLE);
    run(&TVN_FLOW_QUANTUM_DEFAULT);
    assert_string_equal(order, "aaaabbbcc");
}

/* An input that is never empty does not keep the others waiting: the next vector is another's. */
static void test_first_available_turns_with_each_vector(void **state)
{
    (void)state;
    start(TVN_MERGE_FIRST_AVAILABLE);
    run(&(struct tvn_flow_quantum){2, 1000000});
    assert_string_equal(order, "aabbccaab");
}

static void test_round_robin_takes_one_of_each(void **state)
{
    (void)state;
    start(TVN_MERGE_ROUND_ROBIN);
    run(&TVN_FLOW_QUANTUM_DEFAULT);
    assert_string_equal(order, "abcabcaba");
}

static void test_priority_takes_the_first_edge_first(void **state)
{
    (void)state;
    start(TVN_MERGE_PRIORITY);
    run(&(struct tvn_flow_quantum){2, 1000000});
    assert_string_equal(order, "aaaabbbcc");
}

static bool fail_twice_each(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                            enum tvn_outcome *out_outcome)
{
    if (entry != TVN_ENTRY_PUSH) {
        return false;
    }
    uint64_t *last = self->script_data;
    uint64_t attempt = (self->calls[entry] - 1) % 3;
    if (attempt > 0) {
        assert_int_equal(call->in->sequence, *last); /* the same element, whatever came since */
    }
    *last = call->in->sequence;
    call->fault->error = TVN_PROCESS_UNAVAILABLE;
    *out_outcome = attempt == 0 ? TVN_OUTCOME_WAIT : TVN_OUTCOME_ERROR;
    return attempt < 2;
}

static void test_an_element_in_work_is_offered_again_before_others(void **state)
{
    (void)state;
    for (unsigned merge = TVN_MERGE_FIRST_AVAILABLE; merge <= TVN_MERGE_PRIORITY; merge++) {
        uint64_t last = 0;
        start((enum tvn_merge)merge);
        mock.stages[3].script = fail_twice_each;
        mock.stages[3].script_data = &last;
        assert_true(mock_flow_finish(&mock, 1000));
        assert_int_equal(tvn_flow_state(mock.flow), TVN_FLOW_COMPLETED);
        assert_int_equal(mock.stages[3].delivered, 9);
        assert_true(mock_flow_conserves(&mock));
        mock_flow_deinit(&mock);
    }
}

/* Notes an element, but only when it is offered for the second time. */
static bool wait_then_note(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                           enum tvn_outcome *out_outcome)
{
    if (entry == TVN_ENTRY_PUSH && self->calls[entry] % 2 == 1) {
        *out_outcome = TVN_OUTCOME_WAIT;
        return true;
    }
    return note(self, entry, call, out_outcome);
}

/* While the stage has no room for its output it is looked at, but no input loses its turn. */
static void test_round_robin_keeps_its_place_while_blocked(void **state)
{
    (void)state;
    mock_flow_init_graph(&mock, "ssfk", "0-2 1-2 2-3");
    mock.stages[0].script = mark;
    mock.stages[1].script = mark;
    mock.stages[0].count = 6;
    mock.stages[1].count = 6;
    mock.stages[3].script = wait_then_note;
    mock.stage_options[2].merge = TVN_MERGE_ROUND_ROBIN;
    mock.edge_options[2].queue_depth = 1;
    order_length = 0;
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 1000));
    assert_string_equal(order, "abababababab");
    mock_flow_deinit(&mock);
}

/* A vector that ends with a wait is over, too: the element comes again, then the next input. */
static void test_first_available_turns_after_a_wait(void **state)
{
    (void)state;
    start(TVN_MERGE_FIRST_AVAILABLE);
    mock.stages[3].script = wait_then_note;
    assert_true(mock_flow_finish(&mock, 1000));
    assert_string_equal(order, "abcabcaba");
    mock_flow_deinit(&mock);
}

/* Each source has its own credits; the sequence is the flow's. */
static void test_inputs_have_independent_credits(void **state)
{
    (void)state;
    mock_flow_init_graph(&mock, "ssk", "0-2 1-2");
    mock.edge_options[0].queue_depth = 2;
    mock.edge_options[1].queue_depth = 16;
    mock.stages[2].cost_ns = 200000; /* one element a turn */
    mock_flow_start(&mock);
    mock_flow_turn(&mock);
    mock_flow_turn(&mock);
    assert_int_equal(stat_of(mock.streams[0].depth_peak), 2);
    assert_int_equal(stat_of(mock.streams[1].depth_peak), 16);
    assert_true(mock_flow_finish(&mock, 1000));
    assert_int_equal(mock.stages[2].delivered, 128);
    assert_int_equal(stat_of(mock.stats.pulled), 128);
    assert_true(mock_flow_conserves(&mock));
    mock_flow_deinit(&mock);
}

static void test_limit_counts_all_sources_together(void **state)
{
    (void)state;
    start(TVN_MERGE_ROUND_ROBIN);
    tvn_flow_destroy(mock.flow);
    mock.options.limit = 6;
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 1000));
    assert_int_equal(mock.stages[3].delivered, 6);
    assert_int_equal(stat_of(mock.stats.pulled), 6);
    mock_flow_deinit(&mock);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_first_available_drains_one_input_after_the_other),
    cmocka_unit_test(test_first_available_turns_with_each_vector),
    cmocka_unit_test(test_round_robin_takes_one_of_each),
    cmocka_unit_test(test_priority_takes_the_first_edge_first),
    cmocka_unit_test(test_round_robin_keeps_its_place_while_blocked),
    cmocka_unit_test(test_first_available_turns_after_a_wait),
    cmocka_unit_test(test_an_element_in_work_is_offered_again_before_others),
    cmocka_unit_test(test_inputs_have_independent_credits),
    cmocka_unit_test(test_limit_counts_all_sources_together),
};
TVN_TEST_MAIN("reactor.merge", tests)
