/* SPDX-License-Identifier: Apache-2.0 */
#include "reactor/flow_inspect.h"

#include "mock_invoker.h"
#include "tvn_test.h"

static struct mock_flow mock;

static void test_inspect_edge_shows_what_is_queued_in_order(void **state)
{
    (void)state;
    mock_flow_init(&mock, "sk");
    mock.stages[1].script = NULL;
    mock.stages[0].cost_ns = TVN_FLOW_QUANTUM_DEFAULT.duration_ns / 2; /* two fill a turn */
    mock_flow_start(&mock);
    assert_int_equal(mock_flow_turn(&mock), TVN_FLOW_YIELD);

    struct tvn_edge_view view;
    tvn_flow_inspect_edge(mock.flow, 0, &view);
    assert_int_equal(view.queue->count, tvn_flow_queued(mock.flow));
    assert_true(view.queue->count > 0);
    for (uint32_t i = 0; i < view.queue->count; i++) {
        assert_int_equal(view.queue->slots[view.queue->head + i].sequence, i);
    }
    mock_flow_deinit(&mock);
}

static bool wait_for_ever(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                          enum tvn_outcome *out_outcome)
{
    (void)self;
    (void)call;
    *out_outcome = TVN_OUTCOME_WAIT;
    return entry == TVN_ENTRY_TEARDOWN;
}

static void test_inspect_shows_closing_and_its_deadline(void **state)
{
    (void)state;
    mock_flow_init(&mock, "sk");
    mock.stages[0].entries = MOCK_ENTRY(TVN_ENTRY_TEARDOWN);
    mock.stages[0].script = wait_for_ever;
    mock_flow_start(&mock);
    struct tvn_flow_view view;
    tvn_flow_inspect(mock.flow, &view);
    assert_false(view.closing);
    assert_false(view.cut_pending);

    tvn_stop_raise(&mock.stop, TVN_STOP_CANCEL);
    assert_int_equal(mock_flow_turn(&mock), TVN_FLOW_IDLE);
    tvn_flow_inspect(mock.flow, &view);
    assert_true(view.closing);
    assert_int_equal(view.close_deadline_ns, mock.world.now_ns + TVN_FLOW_CANCEL_WAIT_NS);
    assert_true(mock_flow_finish(&mock, 1000000));
    mock_flow_deinit(&mock);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_inspect_edge_shows_what_is_queued_in_order),
    cmocka_unit_test(test_inspect_shows_closing_and_its_deadline),
};
TVN_TEST_MAIN("reactor.flow_inspect", tests)
