/* SPDX-License-Identifier: Apache-2.0 */
#include "host/yardstick.h"

#include "tvn_test.h"

static void test_measure_adds_to_what_was_measured(void **state)
{
    (void)state;
    struct tvn_yardstick yardstick = {0};
    tvn_yardstick_measure(&yardstick);
    assert_int_equal(yardstick.count, 1);
    assert_true(yardstick.last_per_s > 0);
    assert_true(yardstick.sum_per_s == yardstick.last_per_s);
    struct tvn_yardstick first = yardstick;
    tvn_yardstick_measure(&yardstick);
    assert_int_equal(yardstick.count, 2);
    assert_true(yardstick.sum_per_s == first.sum_per_s + yardstick.last_per_s);
    assert_true(yardstick.cpu_ns > first.cpu_ns);
    assert_true(yardstick.wall_ns > first.wall_ns);
}

static void test_name_says_the_work_and_whose(void **state)
{
    (void)state;
    char name[TVN_YARDSTICK_NAME_BYTES];
    tvn_yardstick_name(name);
    assert_non_null(strstr(name, "SHA3-256 of OpenSSL "));
    assert_non_null(strstr(name, "qsort of glibc "));
    assert_true(strlen(name) < TVN_YARDSTICK_NAME_BYTES - 1); /* nothing is cut */
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_measure_adds_to_what_was_measured),
    cmocka_unit_test(test_name_says_the_work_and_whose),
};
TVN_TEST_MAIN("host.yardstick", tests)
