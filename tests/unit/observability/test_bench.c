/* SPDX-License-Identifier: Apache-2.0 */
#include "observability/bench.h"

#include "tvn_test.h"

#define ROUNDS 10

/* Ten rounds of a second with so many elements, each a little different. */
static struct tvn_bench_report report_of(uint64_t elements, uint64_t p50_ns, uint64_t p99_ns)
{
    struct tvn_bench_report report = {
        .flow = "main", .round_count = ROUNDS, .measured_ns = UINT64_C(10000000000)};
    for (uint32_t i = 0; i < ROUNDS; i++) {
        report.rounds[i] = (struct tvn_bench_round){
            .duration_ns = UINT64_C(1000000000),
            .elements = elements + (uint64_t)i * elements / 500,
            .p50_ns = p50_ns + (uint64_t)(i % 3) * p50_ns / 100,
            .p99_ns = p99_ns + (uint64_t)(i % 4) * p99_ns / 10,
        };
        report.elements += report.rounds[i].elements;
    }
    report.latency = (struct tvn_bench_times){.p50 = p50_ns, .p99 = p99_ns};
    return report;
}

static void text_of(const struct tvn_bench_report *report, struct tvn_strbuf *out)
{
    struct tvn_json_writer json;
    tvn_json_writer_init(&json, out, 0);
    tvn_json_begin_object(&json);
    tvn_bench_write_json(report, &json);
    tvn_json_end_object(&json);
}

static enum tvn_status read_baseline(struct tvn_str text, struct tvn_bench_baseline *out,
                                     struct tvn_strbuf *why)
{
    TVN_AUTO(tvn_json) report = NULL;
    TVN_TRY(tvn_bench_parse(text, &report, why));
    return tvn_bench_read_baseline(report, out, why);
}

static struct tvn_bench_comparison compare(const struct tvn_bench_report *before,
                                           const struct tvn_bench_report *now)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    TVN_AUTO_VALUE(tvn_strbuf) why = {0};
    text_of(before, &text);
    struct tvn_bench_baseline baseline;
    assert_status(read_baseline(tvn_strbuf_view(&text), &baseline, &why), TVN_OK);
    struct tvn_bench_comparison comparison;
    tvn_bench_compare(now, &baseline, 0.10, &comparison);
    return comparison;
}

static void test_compare_with_itself_is_no_regression(void **state)
{
    (void)state;
    struct tvn_bench_report report = report_of(100000, 3000, 9000);
    struct tvn_bench_comparison comparison = compare(&report, &report);
    assert_false(comparison.regression);
    for (size_t i = 0; i < TVN_BENCH_METRIC_COUNT; i++) {
        assert_true(comparison.changes[i].change == 0);
        assert_false(comparison.changes[i].worse);
    }
}

static void test_compare_slower_than_threshold_is_a_regression(void **state)
{
    (void)state;
    struct tvn_bench_report before = report_of(100000, 3000, 9000);
    struct tvn_bench_report slower = report_of(85000, 3000, 9000);
    struct tvn_bench_report little_slower = report_of(95000, 3100, 9000);
    struct tvn_bench_report later = report_of(100000, 3600, 9000);
    struct tvn_bench_report faster = report_of(200000, 1500, 9000);
    assert_true(compare(&before, &slower).regression);
    assert_false(compare(&before, &little_slower).regression);
    assert_true(compare(&before, &later).regression);
    assert_false(compare(&before, &faster).regression);
    assert_true(compare(&before, &slower).changes[TVN_BENCH_THROUGHPUT].confidence > 0.999);
}

static void test_compare_noise_is_no_regression(void **state)
{
    (void)state;
    struct tvn_bench_report before = report_of(100000, 3000, 9000);
    struct tvn_bench_report now = before;
    for (uint32_t i = 0; i < ROUNDS; i++) { /* half of the rounds twice as slow, half faster */
        now.rounds[i].elements = i % 2 ? 50000 : 130000;
    }
    assert_false(compare(&before, &now).regression);
}

/* A loud neighbour through most of a run: its best rounds tell that the flow is what it was. */
static void test_compare_slowdown_with_good_rounds_is_not_certain(void **state)
{
    (void)state;
    struct tvn_bench_report before = report_of(100000, 3000, 9000);
    struct tvn_bench_report now = before;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        now.rounds[i].elements = i < ROUNDS - ROUNDS / 3 ? 70000 : now.rounds[i].elements - 1;
    }
    struct tvn_bench_comparison comparison = compare(&before, &now);
    assert_false(comparison.regression);
    assert_true(comparison.changes[TVN_BENCH_THROUGHPUT].beyond);
    assert_string_equal(tvn_bench_verdict(&comparison, TVN_BENCH_THROUGHPUT),
                        "slower, not certain");
    assert_string_equal(tvn_bench_verdict(&comparison, TVN_BENCH_LATENCY_P50), "ok");
}

/* The baseline's machine had two speeds: the slower one is no regression. */
static void test_compare_within_the_noise_of_the_baseline_is_not_certain(void **state)
{
    (void)state;
    struct tvn_bench_report before = report_of(100000, 3000, 9000);
    struct tvn_bench_report now = report_of(60000, 3000, 9000);
    for (uint32_t i = 0; i < ROUNDS / 2; i++) {
        before.rounds[i].elements = 61000;
    }
    assert_false(compare(&before, &now).regression);
    struct tvn_bench_report slow = report_of(30000, 3000, 9000);
    assert_true(compare(&before, &slow).regression);
}

static void test_compare_tail_counts_only_at_a_rate(void **state)
{
    (void)state;
    struct tvn_bench_report before = report_of(1000, 3000, 9000);
    struct tvn_bench_report now = report_of(1000, 3000, 90000);
    assert_false(compare(&before, &now).regression);
    assert_true(compare(&before, &now).changes[TVN_BENCH_LATENCY_P99].worse);
    before.rate = now.rate = 1000;
    assert_true(compare(&before, &now).regression);
    assert_false(compare(&before, &now).changes[TVN_BENCH_THROUGHPUT].judged);
}

static void test_compare_takes_out_the_time_of_other_programs(void **state)
{
    (void)state;
    struct tvn_bench_report before = report_of(100000, 3000, 9000);
    struct tvn_bench_report now = report_of(50000, 3000, 9000);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        now.rounds[i].ready_ns = now.rounds[i].duration_ns / 2;
    }
    assert_false(compare(&before, &now).regression);
}

static void test_compare_one_round_is_too_little_to_judge(void **state)
{
    (void)state;
    struct tvn_bench_report before = report_of(100000, 3000, 9000);
    struct tvn_bench_report now = report_of(50000, 3000, 9000);
    before.round_count = now.round_count = 1;
    assert_false(compare(&before, &now).regression);
}

static void test_read_baseline_refuses_what_is_no_report(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "[]",
        "3",
        "{}",
        "{\"format\":2}",
        "{\"format\":\"1\"}",
        ("{\"format\":1,\"throughput_eps\":1,\"latency_p50_us\":1,\"latency_p99_us\":1,"
         "\"total_copies\":1,\"throughput\":{\"elements\":1},\"settings\":{\"rate\":0},\"rounds\":["
         "]"
         "}"),
        "{\"format\":1,\"throughput_eps\":1,\"latency_p50_us\":1,\"latency_p99_us\":-1}",
        ("{\"format\":1,\"throughput_eps\":1,\"latency_p50_us\":1,\"latency_p99_us\":1,"
         "\"total_copies\":1,\"throughput\":{\"elements\":1},\"settings\":{\"rate\":0},\"rounds\":["
         "{"
         "\"duration_ns\":0,\"ready_ns\":0,\"elements\":1,\"latency_p50_ns\":1,"
         "\"latency_p99_ns\":1}]}"),
        ("{\"format\":1,\"throughput_eps\":1,\"latency_p50_us\":1,\"latency_p99_us\":1,"
         "\"total_copies\":1e300,\"throughput\":{\"elements\":1},\"settings\":{\"rate\":0}}"),
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(texts); i++) {
        TVN_AUTO_VALUE(tvn_strbuf) why = {0};
        struct tvn_bench_baseline baseline;
        assert_status(read_baseline(tvn_str_of(texts[i]), &baseline, &why),
                      TVN_E_CONSTRAINT_VIOLATION);
        assert_true(why.len > 0);
    }
}

static void test_derived_figures(void **state)
{
    (void)state;
    struct tvn_bench_report report = {.produced_bytes = 100};
    report.copies[TVN_COPY_PAYLOAD_READ] = 3;
    report.copies[TVN_COPY_METADATA_MARSHAL] = 50;
    report.copy_bytes[TVN_COPY_PAYLOAD_READ] = 250;
    report.copy_bytes[TVN_COPY_METADATA_MARSHAL] = 1000;
    report.tiers[0] = (struct tvn_bench_tier){.allocated = 10, .returned = 9};
    report.tiers[TVN_BENCH_TIERS - 1] = (struct tvn_bench_tier){.allocated = 5, .returned = 5};
    assert_int_equal(tvn_bench_total_copies(report.copies), 3);
    assert_true(tvn_bench_amplification(&report) == 2.5);
    assert_int_equal(tvn_bench_buffers(&report), 10);
    assert_true(tvn_bench_reuse_rate(&report) == 0.9);
    const struct tvn_bench_stream streams[] = {{.depth_peak = 9, .capacity = 64},
                                               {.depth_peak = 8, .capacity = 16}};
    uint64_t peak = 0;
    uint64_t capacity = 0;
    assert_false(tvn_bench_peak(&report, &peak, &capacity));
    report.streams = streams;
    report.stream_count = 2;
    assert_true(tvn_bench_peak(&report, &peak, &capacity));
    assert_int_equal(peak, 8);
    assert_int_equal(capacity, 16);
    assert_true(tvn_bench_rate(5, 0) == 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_compare_with_itself_is_no_regression),
    cmocka_unit_test(test_compare_slower_than_threshold_is_a_regression),
    cmocka_unit_test(test_compare_noise_is_no_regression),
    cmocka_unit_test(test_compare_slowdown_with_good_rounds_is_not_certain),
    cmocka_unit_test(test_compare_within_the_noise_of_the_baseline_is_not_certain),
    cmocka_unit_test(test_compare_tail_counts_only_at_a_rate),
    cmocka_unit_test(test_compare_takes_out_the_time_of_other_programs),
    cmocka_unit_test(test_compare_one_round_is_too_little_to_judge),
    cmocka_unit_test(test_read_baseline_refuses_what_is_no_report),
    cmocka_unit_test(test_derived_figures),
};
TVN_TEST_MAIN("observability.bench", tests)
