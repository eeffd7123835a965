/* SPDX-License-Identifier: Apache-2.0 */
#include "types/flow_state.h"

#include "tvn_test.h"

/* Rows: from, columns: to, in the order of the enum; written by hand, not derived from the code. */
static const char edges[TVN_FLOW_STATE_COUNT][TVN_FLOW_STATE_COUNT + 1] = {
    ".x.....x", /* Created */
    "..x....x", /* Validated */
    "...x...x", /* Instantiated */
    "....xx.x", /* Running */
    "...x.x.x", /* Suspended */
    "......xx", /* Draining */
    "........", /* Completed */
    "........", /* Failed */
};

static void test_flow_state_every_pair_follows_the_table(void **state)
{
    (void)state;
    for (unsigned from = 0; from < TVN_FLOW_STATE_COUNT; from++) {
        for (unsigned to = 0; to < TVN_FLOW_STATE_COUNT; to++) {
            bool expected = edges[from][to] == 'x';
            bool actual =
                tvn_flow_state_may_follow((enum tvn_flow_state)from, (enum tvn_flow_state)to);
            assert_int_equal(actual, expected);
        }
    }
}

static void test_flow_state_only_completed_and_failed_are_terminal(void **state)
{
    (void)state;
    for (unsigned s = 0; s < TVN_FLOW_STATE_COUNT; s++) {
        bool expected = s == TVN_FLOW_COMPLETED || s == TVN_FLOW_FAILED;
        assert_int_equal(tvn_flow_state_is_terminal((enum tvn_flow_state)s), expected);
    }
}

static void test_flow_state_names_are_the_specifications(void **state)
{
    (void)state;
    assert_string_equal(tvn_flow_state_name(TVN_FLOW_CREATED), "Created");
    assert_string_equal(tvn_flow_state_name(TVN_FLOW_SUSPENDED), "Suspended");
    assert_string_equal(tvn_flow_state_name(TVN_FLOW_FAILED), "Failed");
}

static void ask_out_of_range(void *argument)
{
    (void)argument;
    (void)tvn_flow_state_name(TVN_FLOW_STATE_COUNT);
}

static void test_flow_state_out_of_range_aborts(void **state)
{
    (void)state;
    assert_aborts(ask_out_of_range, NULL);
}

static void test_stop_raise_never_lowers(void **state)
{
    (void)state;
    tvn_stop_flag flag = TVN_STOP_NONE;
    tvn_stop_raise(&flag, TVN_STOP_DRAIN);
    assert_int_equal(tvn_stop_level(&flag), TVN_STOP_DRAIN);
    tvn_stop_raise(&flag, TVN_STOP_CANCEL);
    tvn_stop_raise(&flag, TVN_STOP_DRAIN);
    assert_int_equal(tvn_stop_level(&flag), TVN_STOP_CANCEL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_flow_state_every_pair_follows_the_table),
    cmocka_unit_test(test_flow_state_only_completed_and_failed_are_terminal),
    cmocka_unit_test(test_flow_state_names_are_the_specifications),
    cmocka_unit_test(test_flow_state_out_of_range_aborts),
    cmocka_unit_test(test_stop_raise_never_lowers),
};
TVN_TEST_MAIN("types.flow_state", tests)
