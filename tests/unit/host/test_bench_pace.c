/* SPDX-License-Identifier: Apache-2.0 */
#include "host/bench_pace.h"

#include "tvn_test.h"

#define ROUNDS    10
#define SECOND_NS UINT64_C(1000000000)

struct run {
    struct tvn_bench_report report;
    struct tvn_bench_pace pace;
};

/* Ten rounds of a second, each a little different, at that pace, of the processor all the time. */
static struct run run_of(uint64_t elements, uint64_t p50_ns, double per_s)
{
    struct run run = {.report = {.flow = "main", .round_count = ROUNDS},
                      .pace = {.yardstick = "work", .round_count = ROUNDS}};
    for (uint32_t i = 0; i < ROUNDS; i++) {
        run.report.rounds[i] = (struct tvn_bench_round){
            .duration_ns = SECOND_NS,
            .elements = elements + (uint64_t)i * elements / 500,
            .p50_ns = p50_ns + (uint64_t)(i % 3) * p50_ns / 100,
            .p99_ns = 3 * p50_ns,
        };
        run.pace.rounds[i] = (struct tvn_bench_round_pace){.per_s = per_s * (1 + i % 2 / 100.0),
                                                           .cpu_ns = SECOND_NS};
        run.report.elements += run.report.rounds[i].elements;
    }
    return run;
}

static void set_busy(struct run *run, uint64_t ready_ns)
{
    for (uint32_t i = 0; i < ROUNDS; i++) {
        run->report.rounds[i].ready_ns = ready_ns;
        run->report.rounds[i].duration_ns += ready_ns;
    }
}

static void text_of(const struct run *run, struct tvn_strbuf *out)
{
    struct tvn_json_writer json;
    tvn_json_writer_init(&json, out, 0);
    tvn_json_begin_object(&json);
    tvn_bench_write_json(&run->report, &json);
    tvn_bench_write_pace(&run->pace, &json);
    tvn_json_end_object(&json);
}

struct outcome {
    struct tvn_bench_comparison comparison;
    struct tvn_bench_pace_comparison pace;
};

static enum tvn_status read_pace(struct tvn_str text, uint32_t round_count,
                                 struct tvn_bench_pace *out, struct tvn_strbuf *why)
{
    TVN_AUTO(tvn_json) report = NULL;
    TVN_TRY(tvn_bench_parse(text, &report, why));
    return tvn_bench_read_pace(report, round_count, out, why);
}

/* As the command does: the baseline comes from a file. */
static struct outcome compare(const struct run *before, const struct run *now)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    TVN_AUTO_VALUE(tvn_strbuf) why = {0};
    text_of(before, &text);
    struct tvn_bench_baseline baseline;
    struct tvn_bench_pace pace;
    TVN_AUTO(tvn_json) report = NULL;
    assert_status(tvn_bench_parse(tvn_strbuf_view(&text), &report, &why), TVN_OK);
    assert_status(tvn_bench_read_baseline(report, &baseline, &why), TVN_OK);
    assert_status(tvn_bench_read_pace(report, baseline.round_count, &pace, &why), TVN_OK);
    struct outcome outcome;
    tvn_bench_compare_at_pace(&now->report, &now->pace, &baseline, &pace, 0.10, &outcome.comparison,
                              &outcome.pace);
    return outcome;
}

static void assert_near(double value, double expected)
{
    if (value < expected - 0.02 || value > expected + 0.02) {
        fail_msg("%g is not about %g", value, expected);
    }
}

static void test_compare_same_flow_on_a_slower_machine_is_no_regression(void **state)
{
    (void)state;
    struct run before = run_of(180000, 3000, 4000);
    struct run now = run_of(100000, 5400, 4000 / 1.8);
    struct outcome outcome = compare(&before, &now);
    assert_true(outcome.pace.is_known);
    assert_false(outcome.comparison.regression);
    assert_near(outcome.comparison.changes[TVN_BENCH_THROUGHPUT].change, 1 / 1.8 - 1);
    assert_near(outcome.pace.converted.changes[TVN_BENCH_THROUGHPUT].change, 0);
    assert_near(outcome.pace.converted.changes[TVN_BENCH_LATENCY_P50].change, 0);
    assert_near(outcome.pace.spread, 0.8 * 1.01 + 0.01);
    assert_string_equal(tvn_bench_verdict(&outcome.comparison, TVN_BENCH_THROUGHPUT), "ok");
}

static void test_compare_slower_flow_is_a_regression_at_any_pace(void **state)
{
    (void)state;
    struct run before = run_of(180000, 3000, 4000);
    struct run same_pace = run_of(150000, 3600, 4000);
    struct run slower_pace = run_of(83000, 6500, 4000 / 1.8);
    struct run much_slower_at_faster_pace = run_of(90000, 6000, 4000 * 1.8);
    assert_true(compare(&before, &same_pace).comparison.regression);
    assert_true(compare(&before, &slower_pace).comparison.regression);
    assert_true(compare(&before, &much_slower_at_faster_pace).comparison.regression);
}

/* Whether it is slower depends on how far it follows the machine's pace. */
static void test_compare_slower_than_a_faster_machine_is_not_certain(void **state)
{
    (void)state;
    struct run before = run_of(100000, 5400, 4000 / 1.8);
    struct run now = run_of(130000, 4200, 4000);
    struct outcome outcome = compare(&before, &now);
    assert_false(outcome.comparison.regression);
    assert_true(outcome.pace.converted.changes[TVN_BENCH_THROUGHPUT].worse);
    assert_string_equal(tvn_bench_verdict(&outcome.comparison, TVN_BENCH_THROUGHPUT),
                        "slower, not certain");
}

/* A flow that waits, for a disk or a timer, does not follow the machine's pace. */
static void test_compare_waiting_is_not_converted(void **state)
{
    (void)state;
    struct run before = run_of(1000, 3000, 4000);
    struct run now = run_of(800, 3750, 4000 / 1.8);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        before.pace.rounds[i].cpu_ns = SECOND_NS / 100;
        now.pace.rounds[i].cpu_ns = SECOND_NS / 100;
    }
    struct outcome outcome = compare(&before, &now);
    assert_true(outcome.comparison.regression);
    assert_near(outcome.pace.converted.changes[TVN_BENCH_THROUGHPUT].change, -0.2);
}

static void test_compare_paces_within_a_run_are_those_of_its_rounds(void **state)
{
    (void)state;
    struct run before = run_of(180000, 3000, 4000);
    struct run now = before;
    for (uint32_t i = 0; i < ROUNDS; i++) { /* most of them at the slower pace */
        if (i % 4 != 0) {
            now.report.rounds[i].elements = now.report.rounds[i].elements * 10 / 18;
            now.report.rounds[i].p50_ns = now.report.rounds[i].p50_ns * 18 / 10;
            now.pace.rounds[i].per_s /= 1.8;
        }
    }
    assert_false(compare(&before, &now).comparison.regression);
    assert_false(compare(&now, &before).comparison.regression);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        now.report.rounds[i].elements /= 2;
    }
    assert_true(compare(&before, &now).comparison.regression);
}

static void test_compare_busy_machine_raises_the_threshold(void **state)
{
    (void)state;
    struct run before = run_of(180000, 3000, 4000);
    struct run now = run_of(140000, 3900, 4000);
    struct run much_slower = run_of(60000, 9000, 4000);
    set_busy(&before, SECOND_NS / 4); /* 20 % */
    assert_true(compare(&before, &now).comparison.regression);
    set_busy(&now, 4 * SECOND_NS); /* 80 % */
    set_busy(&much_slower, 4 * SECOND_NS);
    struct outcome outcome = compare(&before, &now);
    assert_false(outcome.comparison.regression);
    assert_near(outcome.pace.busy_before, 0.2);
    assert_near(outcome.pace.busy_now, 0.8);
    assert_near(outcome.pace.threshold, 0.7);
    assert_string_equal(tvn_bench_verdict(&outcome.comparison, TVN_BENCH_THROUGHPUT),
                        "slower, not certain");
    assert_true(compare(&before, &much_slower).comparison.regression);
    assert_near(compare(&now, &before).pace.threshold, 0.1); /* never lowered */
}

static void test_compare_without_a_pace_is_as_without_yardstick(void **state)
{
    (void)state;
    struct run before = run_of(180000, 3000, 4000);
    struct run now = run_of(100000, 5400, 4000 / 1.8);
    struct run other = before;
    (void)snprintf(other.pace.yardstick, sizeof(other.pace.yardstick), "other work");
    before.pace.round_count = 0;
    assert_false(compare(&before, &now).pace.is_known);
    assert_true(compare(&before, &now).comparison.regression);
    assert_false(compare(&other, &now).pace.is_known);
    assert_true(compare(&other, &now).comparison.regression);
    now.pace.round_count = 0; /* as at a given rate */
    assert_false(compare(&other, &now).pace.is_known);
    assert_true(compare(&other, &now).comparison.regression);
}

static void test_read_pace_other_than_written_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "{\"machine_pace\": 1}",
        "{\"machine_pace\": {\"rounds\": [{\"per_s\": 1, \"cpu_ns\": 1}]}}",
        "{\"machine_pace\": {\"yardstick\": \"\", \"rounds\": [{\"per_s\": 1, \"cpu_ns\": 1}]}}",
        "{\"machine_pace\": {\"yardstick\": \"work\"}}",
        "{\"machine_pace\": {\"yardstick\": \"work\", \"rounds\": []}}",
        "{\"machine_pace\": {\"yardstick\": \"work\", \"rounds\": [{\"per_s\": 0, \"cpu_ns\": "
        "1}]}}",
        "{\"machine_pace\": {\"yardstick\": \"work\", \"rounds\": [{\"per_s\": -1, \"cpu_ns\": "
        "1}]}}",
        "{\"machine_pace\": {\"yardstick\": \"work\", \"rounds\": [{\"per_s\": 1e300, \"cpu_ns\": "
        "1}]}}",
        "{\"machine_pace\": {\"yardstick\": \"work\", \"rounds\": [{\"per_s\": 1}]}}",
        "{\"machine_pace\": {\"yardstick\": \"work\", \"rounds\": [{\"per_s\": 1, \"cpu_ns\": "
        "1e16}]}}",
        "{\"machine_pace\": {\"yardstick\": \"work\", \"rounds\": [1]}}",
        "{",
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(wrong); i++) {
        TVN_AUTO_VALUE(tvn_strbuf) why = {0};
        struct tvn_bench_pace pace;
        assert_status(read_pace(tvn_str_of(wrong[i]), 1, &pace, &why), TVN_E_CONSTRAINT_VIOLATION);
        assert_true(why.len > 0);
    }
    TVN_AUTO_VALUE(tvn_strbuf) why = {0};
    struct tvn_bench_pace pace;
    assert_status(read_pace(TVN_STR("{}"), 1, &pace, &why), TVN_OK);
    assert_int_equal(pace.round_count, 0);
}

static void test_range_is_that_of_rounds(void **state)
{
    (void)state;
    struct tvn_bench_pace pace = {
        .round_count = 4, .rounds = {{.per_s = 5}, {.per_s = 2}, {.per_s = 9}, {.per_s = 3}}};
    struct tvn_bench_pace_range range = tvn_bench_pace_range(&pace);
    assert_near(range.median, 4);
    assert_near(range.slowest, 2);
    assert_near(range.fastest, 9);
    pace.round_count = 0;
    assert_near(tvn_bench_pace_range(&pace).median, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_compare_same_flow_on_a_slower_machine_is_no_regression),
    cmocka_unit_test(test_compare_slower_flow_is_a_regression_at_any_pace),
    cmocka_unit_test(test_compare_slower_than_a_faster_machine_is_not_certain),
    cmocka_unit_test(test_compare_waiting_is_not_converted),
    cmocka_unit_test(test_compare_paces_within_a_run_are_those_of_its_rounds),
    cmocka_unit_test(test_compare_busy_machine_raises_the_threshold),
    cmocka_unit_test(test_compare_without_a_pace_is_as_without_yardstick),
    cmocka_unit_test(test_read_pace_other_than_written_is_refused),
    cmocka_unit_test(test_range_is_that_of_rounds),
};
TVN_TEST_MAIN("host.bench_pace", tests)
