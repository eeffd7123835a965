/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"

#include "tvn_test.h"

#define UNTOUCHED UINT64_C(0xABCD)

static uint64_t parse(bool (*parser)(const char *, size_t, uint64_t *), const char *text)
{
    uint64_t value = UNTOUCHED;
    bool ok = parser(text, strlen(text), &value);
    if (!ok) {
        assert_int_equal(value, UNTOUCHED); /* outputs only on success */
    }
    return ok ? value : UINT64_MAX - 1;
}

#define REFUSED (UINT64_MAX - 1)

static void test_add_and_mul_on_overflow_leave_output(void **state)
{
    (void)state;
    size_t size = 7;
    uint32_t small = 7;

    assert_false(tvn_add_size(SIZE_MAX, 1, &size));
    assert_false(tvn_mul_size(SIZE_MAX / 2 + 1, 2, &size));
    assert_false(tvn_add_u32(UINT32_MAX, 1, &small));
    assert_int_equal(size, 7);
    assert_int_equal(small, 7);

    assert_true(tvn_add_size(SIZE_MAX - 1, 1, &size));
    assert_true(size == SIZE_MAX);
    assert_true(tvn_mul_size(SIZE_MAX, 1, &size));
    assert_true(size == SIZE_MAX);
    assert_true(tvn_mul_size(SIZE_MAX, 0, &size));
    assert_int_equal(size, 0);
    assert_true(tvn_add_u32(UINT32_MAX, 0, &small));
    assert_int_equal(small, UINT32_MAX);
}

static void test_align_up_at_boundaries(void **state)
{
    (void)state;
    assert_int_equal(tvn_align_up_u32(0, 8), 0);
    assert_int_equal(tvn_align_up_u32(1, 8), 8);
    assert_int_equal(tvn_align_up_u32(8, 8), 8);
    assert_int_equal(tvn_align_up_u32(9, 1), 9);
    assert_int_equal(tvn_align_up_size(4097, 4096), 8192);
}

static void test_parse_u64_accepts_decimal_up_to_maximum(void **state)
{
    (void)state;
    assert_int_equal(parse(tvn_parse_u64, "0"), 0);
    assert_int_equal(parse(tvn_parse_u64, "007"), 7);
    assert_true(parse(tvn_parse_u64, "18446744073709551615") == UINT64_MAX);
}

static void test_parse_u64_refuses_everything_else(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "+1",
                                      "-1",
                                      " 1",
                                      "1 ",
                                      "0x1",
                                      "1.",
                                      "a",
                                      "1a",
                                      "18446744073709551616",
                                      "99999999999999999999999"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(bad); i++) {
        assert_true(parse(tvn_parse_u64, bad[i]) == REFUSED);
    }
}

static void test_parse_u64_stops_at_length_without_nul(void **state)
{
    (void)state;
    uint64_t value = 0;
    char digits[2] = {'4', '2'};
    assert_true(tvn_parse_u64(digits, 2, &value));
    assert_int_equal(value, 42);
    assert_false(tvn_parse_u64("1\0002", 3, &value));
    assert_false(tvn_parse_u64(NULL, 0, &value));
}

static void test_parse_size_knows_the_units(void **state)
{
    (void)state;
    assert_int_equal(parse(tvn_parse_size, "4096"), 4096);
    assert_int_equal(parse(tvn_parse_size, "512B"), 512);
    assert_int_equal(parse(tvn_parse_size, "64KiB"), 65536);
    assert_int_equal(parse(tvn_parse_size, "16MiB"), 16777216);
    assert_int_equal(parse(tvn_parse_size, "1GiB"), 1073741824);
    assert_int_equal(parse(tvn_parse_size, "1KB"), 1000);
    assert_int_equal(parse(tvn_parse_size, "2MB"), 2000000);
    assert_int_equal(parse(tvn_parse_size, "3GB"), 3000000000);
    assert_int_equal(parse(tvn_parse_size, "0KiB"), 0);
    assert_true(parse(tvn_parse_size, "17179869183GiB") == UINT64_C(17179869183) << 30);
}

static void test_parse_size_refuses_overflow_and_bad_units(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",    "KiB",   "1 KiB", "1kib", "1K",     "1Ki", "1.5KiB",         "-1B",
        "1BB", "1KiB ", "1b",    "1TB",  "1KiBxx", "1.",  "17179869184GiB", "18446744073709551616",
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(bad); i++) {
        assert_true(parse(tvn_parse_size, bad[i]) == REFUSED);
    }
}

static void test_parse_duration_knows_the_units(void **state)
{
    (void)state;
    assert_int_equal(parse(tvn_parse_duration, "10ns"), 10);
    assert_int_equal(parse(tvn_parse_duration, "250us"), 250000);
    assert_int_equal(parse(tvn_parse_duration, "500ms"), 500000000);
    assert_int_equal(parse(tvn_parse_duration, "5s"), 5000000000);
    assert_int_equal(parse(tvn_parse_duration, "2m"), 120000000000);
    assert_int_equal(parse(tvn_parse_duration, "1h"), 3600000000000);
    assert_int_equal(parse(tvn_parse_duration, "0s"), 0);
}

static void test_parse_duration_fraction_is_exact_and_rounded_down(void **state)
{
    (void)state;
    assert_int_equal(parse(tvn_parse_duration, "1.5s"), 1500000000);
    assert_int_equal(parse(tvn_parse_duration, "0.000000001s"), 1);
    assert_int_equal(parse(tvn_parse_duration, "0.0000000019s"), 1);
    assert_int_equal(parse(tvn_parse_duration, "0.999999999999999999999999s"), 999999999);
    assert_int_equal(parse(tvn_parse_duration, "2.25h"), 8100000000000);
    assert_int_equal(parse(tvn_parse_duration, "0.1m"), 6000000000);
    assert_int_equal(parse(tvn_parse_duration, "1.9ns"), 1);
    assert_int_equal(parse(tvn_parse_duration, "0.50ms"), 500000);
}

static void test_parse_duration_refuses_overflow_and_bad_syntax(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",     "5",     "5 s",  "s",        ".5s",
        "1.s",  "1..5s", "-1s",  "1S",       "1d",
        "1sec", "1m1s",  "1e3s", "5124096h", "18446744073709551616ns",
        "+1s",  "1ms ",
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(bad); i++) {
        assert_true(parse(tvn_parse_duration, bad[i]) == REFUSED);
    }
    assert_true(parse(tvn_parse_duration, "18446744073709551615ns") == UINT64_MAX);
    assert_true(parse(tvn_parse_duration, "5124095.5h") == UINT64_C(18446743800000000000));
    assert_true(parse(tvn_parse_duration, "18446744073709551.615us") == UINT64_MAX);
    assert_true(parse(tvn_parse_duration, "18446744073709551.616us") == REFUSED);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_add_and_mul_on_overflow_leave_output),
    cmocka_unit_test(test_align_up_at_boundaries),
    cmocka_unit_test(test_parse_u64_accepts_decimal_up_to_maximum),
    cmocka_unit_test(test_parse_u64_refuses_everything_else),
    cmocka_unit_test(test_parse_u64_stops_at_length_without_nul),
    cmocka_unit_test(test_parse_size_knows_the_units),
    cmocka_unit_test(test_parse_size_refuses_overflow_and_bad_units),
    cmocka_unit_test(test_parse_duration_knows_the_units),
    cmocka_unit_test(test_parse_duration_fraction_is_exact_and_rounded_down),
    cmocka_unit_test(test_parse_duration_refuses_overflow_and_bad_syntax),
};
TVN_TEST_MAIN("base.num", tests)
