/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/figures.h"

#include "tvn_test.h"

typedef void (*figure)(struct tvn_strbuf *out, uint64_t value);

static void check(figure render, uint64_t value, const char *expected)
{
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    render(&out, value);
    assert_str(tvn_strbuf_view(&out), expected);
}

static void test_figure_count_groups_thousands(void **state)
{
    (void)state;
    check(tvn_figure_count, 0, "0");
    check(tvn_figure_count, 999, "999");
    check(tvn_figure_count, 1000, "1,000");
    check(tvn_figure_count, 1002003, "1,002,003");
    check(tvn_figure_count, UINT64_MAX, "18,446,744,073,709,551,615");
}

static void test_figure_bytes_chooses_the_unit(void **state)
{
    (void)state;
    check(tvn_figure_bytes, 0, "0 B");
    check(tvn_figure_bytes, 1023, "1023 B");
    check(tvn_figure_bytes, 1024, "1.0 KiB");
    check(tvn_figure_bytes, (1 << 20) - 1, "1.0 MiB");
    check(tvn_figure_bytes, 1258291, "1.2 MiB");
    check(tvn_figure_bytes, UINT64_MAX, "16.0 EiB");
}

static void test_figure_seconds_never_says_zero_for_something(void **state)
{
    (void)state;
    check(tvn_figure_seconds, 30000000, "0.03s");
    check(tvn_figure_seconds, 1234567, "0.0012s");
    check(tvn_figure_seconds, 0, "0.0000s");
    check(tvn_figure_seconds, UINT64_C(59990000000), "59.99s");
    check(tvn_figure_seconds, UINT64_C(59999000000), "1m 00s");
    check(tvn_figure_seconds, UINT64_C(125000000000), "2m 05s");
}

static void test_figure_milliseconds(void **state)
{
    (void)state;
    check(tvn_figure_milliseconds, 12345678, "12ms");
    check(tvn_figure_milliseconds, 1234567, "1.23ms");
}

static void test_figure_duration_is_exact(void **state)
{
    (void)state;
    check(tvn_figure_duration, UINT64_C(300000000000), "5m");
    check(tvn_figure_duration, UINT64_C(90000000000), "90s");
    check(tvn_figure_duration, 300000000, "300ms");
    check(tvn_figure_duration, 1500, "1500ns");
    check(tvn_figure_duration, 2000, "2us");
    check(tvn_figure_duration, 0, "0ns");
}

static void test_figure_rate(void **state)
{
    (void)state;
    assert_true(tvn_figure_rate(10, 0) == 0);
    assert_true(tvn_figure_rate(10, UINT64_C(2000000000)) == 5);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_figure_count_groups_thousands),
    cmocka_unit_test(test_figure_bytes_chooses_the_unit),
    cmocka_unit_test(test_figure_seconds_never_says_zero_for_something),
    cmocka_unit_test(test_figure_milliseconds),
    cmocka_unit_test(test_figure_duration_is_exact),
    cmocka_unit_test(test_figure_rate),
};
TVN_TEST_MAIN("cli.figures", tests)
