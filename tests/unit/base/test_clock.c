/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "tvn_test.h"

#include <pthread.h>
#include <time.h>

static void busy_wait_ns(uint64_t duration_ns)
{
    uint64_t start = tvn_clock_monotonic_ns();
    while (tvn_clock_monotonic_ns() - start < duration_ns) {
    }
}

static void test_clock_monotonic_never_goes_back(void **state)
{
    (void)state;
    uint64_t last = tvn_clock_monotonic_ns();
    for (int i = 0; i < 100000; i++) {
        uint64_t now = tvn_clock_monotonic_ns();
        assert_true(now >= last);
        last = now;
    }
}

static void test_clock_wall_agrees_with_time(void **state)
{
    (void)state;
    time_t before = time(NULL);
    uint64_t wall_s = tvn_clock_wall_ns() / 1000000000;
    time_t after = time(NULL);
    /* time() may lag behind by the length of a kernel tick. */
    assert_true(wall_s >= (uint64_t)before);
    assert_true(wall_s <= (uint64_t)after + 1);
}

static void test_ticks_measure_like_the_monotonic_clock(void **state)
{
    (void)state;
    tvn_ticks_init();
    /* The bounds nest, so that being descheduled between two reads cannot fail the test. */
    uint64_t outer_start = tvn_clock_monotonic_ns();
    uint64_t start = tvn_ticks_now();
    uint64_t inner_start = tvn_clock_monotonic_ns();
    busy_wait_ns(20000000);
    uint64_t inner = tvn_clock_monotonic_ns() - inner_start;
    uint64_t measured = tvn_ticks_to_ns(tvn_ticks_now() - start);
    uint64_t outer = tvn_clock_monotonic_ns() - outer_start;

    assert_true(measured >= inner - inner / 200);
    assert_true(measured <= outer + outer / 200);
}

static void test_ticks_convert_there_and_back(void **state)
{
    (void)state;
    tvn_ticks_init();
    static const uint64_t durations[] = {0, 1000, 1000000, 1000000000, UINT64_C(86400000000000)};
    for (size_t i = 0; i < TVN_ARRAY_LEN(durations); i++) {
        uint64_t ns = durations[i];
        uint64_t back = tvn_ticks_to_ns(tvn_ticks_from_ns(ns));
        uint64_t error = back > ns ? back - ns : ns - back;
        assert_true(error <= 2 + ns / 1000000);
    }
}

static void test_ticks_of_for_ever_saturate(void **state)
{
    (void)state;
    tvn_ticks_init();
    uint64_t ticks = tvn_ticks_from_ns(UINT64_MAX);
    uint64_t ns = tvn_ticks_to_ns(UINT64_MAX);
    /* One of the two directions saturates unless a tick is a nanosecond; neither wraps. */
    assert_true(ticks > UINT64_MAX / 1000);
    assert_true(ns > UINT64_MAX / 1000);
    assert_true(ticks == UINT64_MAX || ns == UINT64_MAX);
}

static void test_ticks_short_durations_convert_like_long_ones(void **state)
{
    (void)state;
    tvn_ticks_init();
    static const uint64_t ticks[] = {0,
                                     1,
                                     2,
                                     1000,
                                     123456,
                                     TVN_TICKS_SHORT / 3,
                                     TVN_TICKS_SHORT - 1,
                                     TVN_TICKS_SHORT,
                                     TVN_TICKS_SHORT + 1};
    for (size_t i = 0; i < TVN_ARRAY_LEN(ticks); i++) {
        assert_int_equal(tvn_ticks_to_ns(ticks[i]), tvn_ticks_long_to_ns_(ticks[i]));
    }
    assert_in_range(tvn_ns_per_tick_, 1, UINT64_MAX / TVN_TICKS_SHORT);
}

static void *init_ticks(void *unused)
{
    (void)unused;
    tvn_ticks_init();
    return tvn_ticks_now() > 0 ? &tvn_ticks_tsc_ : NULL;
}

static void test_ticks_init_from_many_threads_is_safe(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, init_ticks, NULL), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
    }
    assert_int_equal(tvn_ticks_are_tsc(), tvn_ticks_tsc_);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_ticks_init_from_many_threads_is_safe),
    cmocka_unit_test(test_clock_monotonic_never_goes_back),
    cmocka_unit_test(test_clock_wall_agrees_with_time),
    cmocka_unit_test(test_ticks_measure_like_the_monotonic_clock),
    cmocka_unit_test(test_ticks_convert_there_and_back),
    cmocka_unit_test(test_ticks_of_for_ever_saturate),
    cmocka_unit_test(test_ticks_short_durations_convert_like_long_ones),
};
TVN_TEST_MAIN("base.clock", tests)
