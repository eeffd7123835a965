/* SPDX-License-Identifier: Apache-2.0 */
#include "observability/sampler.h"

#include "tvn_test.h"

static uint64_t count(double rate, uint64_t elements)
{
    struct tvn_sampler sampler;
    tvn_sampler_init(&sampler, rate, 42);
    uint64_t chosen = 0;
    for (uint64_t i = 0; i < elements; i++) {
        uint64_t next = tvn_sampler_next(&sampler);
        bool taken = tvn_sampler_take(&sampler, i);
        assert_int_equal(taken, next == i);
        chosen += taken ? 1 : 0;
    }
    return chosen;
}

static void test_sampler_edges_are_none_and_all(void **state)
{
    (void)state;
    assert_int_equal(count(0, 1000), 0);
    assert_int_equal(count(1, 1000), 1000);
}

static void test_sampler_rate_is_met(void **state)
{
    (void)state;
    uint64_t chosen = count(0.01, 1000000); /* 10 000 expected, deviation 100; the seed is fixed */
    assert_in_range(chosen, 9500, 10500);
    chosen = count(0.5, 1000000);
    assert_in_range(chosen, 497500, 502500);
}

static void test_sampler_tiny_rate_does_not_overflow(void **state)
{
    (void)state;
    struct tvn_sampler sampler;
    tvn_sampler_init(&sampler, 1e-300, 1);
    assert_true(tvn_sampler_next(&sampler) >= UINT64_C(1000000000000));
    assert_false(tvn_sampler_take(&sampler, 5));
}

static void test_sampler_what_nobody_saw_is_not_made_up_for(void **state)
{
    (void)state;
    uint64_t chosen = 0;
    for (uint64_t seed = 1; seed <= 20000; seed++) {
        struct tvn_sampler sampler;
        tvn_sampler_init(&sampler, 0.1, seed * UINT64_C(0x9E3779B97F4A7C15));
        chosen += tvn_sampler_take(&sampler, 1000) ? 1 : 0; /* the first one that is seen */
    }
    assert_in_range(chosen, 1800, 2200);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_sampler_edges_are_none_and_all),
    cmocka_unit_test(test_sampler_rate_is_met),
    cmocka_unit_test(test_sampler_tiny_rate_does_not_overflow),
    cmocka_unit_test(test_sampler_what_nobody_saw_is_not_made_up_for),
};
TVN_TEST_MAIN("observability.sampler", tests)
