/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"
#include "reactor/rate.h"

#include "tvn_test.h"

static void test_rate_init_bounds(void **state)
{
    (void)state;
    struct tvn_rate rate;
    assert_false(tvn_rate_init(&rate, 0, 1));
    assert_false(tvn_rate_init(&rate, TVN_RATE_MAX + 1, 1));
    static const struct {
        uint64_t per_second;
        uint32_t burst;
        uint64_t tokens;
    } cases[] = {
        {1, 0, 1},
        {99, 0, 1},
        {100, 0, 1},
        {1000, 0, 10},
        {1000, 3, 3},
        {1, 5, 5},
        {TVN_RATE_MAX, 1, 1},
        {TVN_RATE_MAX, 0, TVN_RATE_MAX / 100},
        {1, UINT32_MAX, UINT32_MAX},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        assert_true(tvn_rate_init(&rate, cases[i].per_second, cases[i].burst));
        assert_int_equal(tvn_rate_tokens(&rate, 12345), cases[i].tokens); /* it starts full */
        assert_int_equal(tvn_rate_tokens(&rate, UINT64_MAX), cases[i].tokens);
    }
}

static void test_rate_next_is_exactly_when_a_token_is_there(void **state)
{
    (void)state;
    static const uint64_t rates[] = {1, 3, 7, 1000, 999999937, TVN_RATE_MAX};
    for (size_t i = 0; i < TVN_ARRAY_LEN(rates); i++) {
        struct tvn_rate rate;
        assert_true(tvn_rate_init(&rate, rates[i], 1));
        uint64_t now_ns = 1000;
        assert_int_equal(tvn_rate_tokens(&rate, now_ns), 1);
        for (int n = 0; n < 1000; n++) {
            tvn_rate_take(&rate);
            assert_int_equal(tvn_rate_tokens(&rate, now_ns), 0);
            uint64_t next_ns = tvn_rate_next_ns(&rate);
            assert_int_equal(tvn_rate_tokens(&rate, next_ns - 1), 0);
            assert_int_equal(tvn_rate_tokens(&rate, next_ns), 1);
            now_ns = next_ns;
        }
        /* no drift beyond the clock's resolution: 1000 tokens take 1000 / rate seconds */
        uint64_t ideal_ns = UINT64_C(1000) * 1000000000 / rates[i];
        assert_in_range(now_ns - 1000, ideal_ns, ideal_ns + 1001);
    }
}

/* In any window no more than burst + t × rate; and all of it when asked without pause. */
static void test_rate_property_never_more_than_promised(void **state)
{
    (void)state;
    uint64_t random = tvn_test_seed();
    for (int round = 0; round < 300; round++) {
        uint64_t per_second = 1 + tvn_test_random(&random) % 2000000;
        uint32_t burst = 1 + (uint32_t)(tvn_test_random(&random) % 50);
        struct tvn_rate rate;
        assert_true(tvn_rate_init(&rate, per_second, burst));
        uint64_t now_ns = 0, taken = 0;
        for (int i = 0; i < 200; i++) {
            now_ns += tvn_test_random(&random) % 10000000;
            uint64_t tokens = tvn_rate_tokens(&rate, now_ns);
            assert_true(tokens <= burst);
            for (uint64_t n = tvn_test_random(&random) % (tokens + 1); n > 0; n--) {
                tvn_rate_take(&rate);
                taken++;
            }
            assert_true((double)taken <=
                        (double)burst + (double)now_ns * (double)per_second / 1e9 + 1e-6);
        }
    }
}

static void take_none(void *argument)
{
    tvn_rate_take(argument);
}
static void test_rate_take_without_token_aborts(void **state)
{
    (void)state;
    struct tvn_rate rate;
    assert_true(tvn_rate_init(&rate, 10, 1));
    tvn_rate_take(&rate);
    assert_aborts(take_none, &rate);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_rate_init_bounds),
    cmocka_unit_test(test_rate_next_is_exactly_when_a_token_is_there),
    cmocka_unit_test(test_rate_property_never_more_than_promised),
    cmocka_unit_test(test_rate_take_without_token_aborts),
};
TVN_TEST_MAIN("reactor.rate", tests)
