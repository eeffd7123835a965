/* SPDX-License-Identifier: Apache-2.0 */
#include "types/invoker.h"

#include "tvn_test.h"

static void test_role_names_are_the_contracts(void **state)
{
    (void)state;
    assert_string_equal(tvn_role_name(TVN_ROLE_SOURCE), "source");
    assert_string_equal(tvn_role_name(TVN_ROLE_PROCESSOR), "processor");
    assert_string_equal(tvn_role_name(TVN_ROLE_FILTER), "filter");
    assert_string_equal(tvn_role_name(TVN_ROLE_ROUTER), "router");
    assert_string_equal(tvn_role_name(TVN_ROLE_AGGREGATOR), "aggregator");
    assert_string_equal(tvn_role_name(TVN_ROLE_SINK), "sink");
}

static void test_process_error_names_are_the_contracts(void **state)
{
    (void)state;
    assert_string_equal(tvn_process_error_name(TVN_PROCESS_INVALID_INPUT), "invalid-input");
    assert_string_equal(tvn_process_error_name(TVN_PROCESS_UNAVAILABLE), "unavailable");
    assert_string_equal(tvn_process_error_name(TVN_PROCESS_INTERNAL), "internal");
    assert_string_equal(tvn_process_error_name(TVN_PROCESS_DEADLINE_EXCEEDED), "deadline-exceeded");
    assert_string_equal(tvn_process_error_name(TVN_PROCESS_FATAL), "fatal");
}

static int destroyed;
static void count_destroy(struct tvn_invoker *self)
{
    (void)self;
    destroyed++;
}

static void test_invoker_destroy_accepts_null_and_cleans_up(void **state)
{
    (void)state;
    static const struct tvn_invoker_ops ops = {.destroy = count_destroy};
    struct tvn_invoker invoker = {.ops = &ops};
    destroyed = 0;
    tvn_invoker_destroy(NULL);
    assert_int_equal(destroyed, 0);
    {
        TVN_AUTO(tvn_invoker) owned TVN_UNUSED = &invoker;
    }
    assert_int_equal(destroyed, 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_role_names_are_the_contracts),
    cmocka_unit_test(test_process_error_names_are_the_contracts),
    cmocka_unit_test(test_invoker_destroy_accepts_null_and_cleans_up),
};
TVN_TEST_MAIN("types.invoker", tests)
