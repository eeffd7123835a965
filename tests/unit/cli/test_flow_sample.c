/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/flow_sample.h"

#include "tvn_test.h"

#include <math.h>
#include <stdio.h>

#define STAGE(name, role, emitted, calls, ns)                                             \
    "{\"name\":\"" name "\",\"role\":\"" role "\",\"invocations\":9,\"emitted\":" emitted \
    ",\"dropped\":0,\"failed\":0,\"errors\":0,\"restarts\":0,\"memory_bytes\":65536,"     \
    "\"timed_calls\":" calls ",\"timed_ns\":" ns ",\"p50_us\":0.5,\"p99_us\":1}"
#define EDGE(transferred, ms)                                                                      \
    "{\"from\":\"source\",\"to\":\"sink\",\"port\":\"output\",\"policy\":\"block\","               \
    "\"capacity\":64,\"depth\":3,\"peak_depth\":64,\"transferred\":" transferred ",\"dropped\":0," \
    "\"backpressure_events\":1,\"backpressure_ms\":" ms "}"
#define FLOW(level, now, elements, stages, edges)                                           \
    "{\"id\":\"main\",\"state\":\"Running\",\"level\":\"" level "\",\"elements\":" elements \
    ",\"delivered\":" elements ",\"dropped\":0,\"failed\":0,\"errors\":0,\"copies\":2,"     \
    "\"copied_bytes\":64,\"now_ns\":" now ",\"started_ns\":1000000000,\"ended_ns\":0,"      \
    "\"idle_ns\":0,\"sample_every\":64,\"components\":[" stages "],\"streams\":[" edges "]}"

static bool read_flow(struct tvn_arena *arena, const char *json, struct tvn_flow_sample *out)
{
    TVN_AUTO(tvn_json) value = NULL;
    struct tvn_json_error error;
    assert_status(tvn_json_parse(tvn_str_of(json), &value, &error), TVN_OK);
    return tvn_flow_sample_read(value, arena, out);
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-6;
}

static void test_shares_at_diagnostic_are_what_was_timed(void **state)
{
    (void)state;
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    struct tvn_flow_sample first;
    struct tvn_flow_sample second;
    assert_true(read_flow(arena,
                          FLOW("diagnostic", "2000000000", "100",
                               STAGE("source", "source", "100", "100",
                                     "1000") "," STAGE("sink", "sink", "100", "100", "5000"),
                               EDGE("100", "10")),
                          &first));
    assert_true(read_flow(arena,
                          FLOW("diagnostic", "4000000000", "1100",
                               STAGE("source", "source", "1100", "1100", "500001000") "," STAGE(
                                   "sink", "sink", "1100", "1100", "1000005000"),
                               EDGE("1100", "1010")),
                          &second));
    assert_true(tvn_flow_sample_follows(&first, &second));
    assert_false(tvn_flow_sample_follows(&second, &first));
    struct tvn_flow_rates rates;
    tvn_flow_rates(&first, &second, &rates);
    assert_true(near(rates.seconds, 2) && near(rates.elements, 500));
    assert_false(rates.is_estimate);
    struct tvn_stage_shares shares;
    tvn_stage_shares(&first, &second, 0, &shares);
    assert_true(near(shares.busy, 0.25) && near(shares.blocked, 0.5) && near(shares.idle, 0.25));
    assert_true(near(shares.mean_us, 500) && near(shares.per_second, 500));
    tvn_stage_shares(&first, &second, 1, &shares);
    assert_true(near(shares.busy, 0.5) && near(shares.blocked, 0) && near(shares.idle, 0.5));
    assert_true(near(tvn_edge_rate(&first, &second, 0), 500));
}

static void test_shares_at_production_are_mean_times_count(void **state)
{
    (void)state;
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    struct tvn_flow_sample sample;
    assert_true(read_flow(arena,
                          FLOW("production", "2000000000", "1000",
                               STAGE("source", "source", "1000", "10",
                                     "1000") "," STAGE("sink", "sink", "1000", "10", "5000000"),
                               EDGE("1000", "0")),
                          &sample));
    struct tvn_flow_rates rates;
    struct tvn_stage_shares shares;
    tvn_flow_rates(NULL, &sample, &rates);
    assert_true(rates.is_estimate);
    tvn_stage_shares(NULL, &sample, 1, &shares);
    assert_true(near(shares.busy, 0.5)); /* 1000 × 0.5 ms in 1 s */
}

static void test_shares_without_timings_are_unknown(void **state)
{
    (void)state;
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    struct tvn_flow_sample sample;
    assert_true(read_flow(arena,
                          FLOW("off", "2000000000", "1000",
                               STAGE("source", "source", "1000", "0",
                                     "0") "," STAGE("sink", "sink", "1000", "0", "0"),
                               EDGE("1000", "100")),
                          &sample));
    struct tvn_stage_shares shares;
    tvn_stage_shares(NULL, &sample, 0, &shares);
    assert_true(shares.busy < 0 && shares.idle < 0 && shares.mean_us < 0);
    assert_true(near(shares.blocked, 0.1));
}

static void test_counters_that_went_back_make_no_negative_rates(void **state)
{
    (void)state;
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    struct tvn_flow_sample samples[2];
#define TWO STAGE("source", "source", "5", "5", "5") "," STAGE("sink", "sink", "5", "5", "5")
    assert_true(read_flow(arena, FLOW("diagnostic", "2000000000", "900", TWO, EDGE("900", "5")),
                          &samples[0]));
    assert_true(read_flow(arena, FLOW("diagnostic", "3000000000", "100", TWO, EDGE("100", "1")),
                          &samples[1]));
    struct tvn_flow_rates rates;
    struct tvn_stage_shares shares;
    tvn_flow_rates(&samples[0], &samples[1], &rates);
    assert_true(rates.elements >= 0);
    tvn_stage_shares(&samples[0], &samples[1], 1, &shares);
    assert_true(shares.busy <= 1 && shares.blocked >= 0);
}

static void test_hostile_answers_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{}",
        "[]",
        "null",
        FLOW("off", "-1", "1", TWO, EDGE("1", "1")),
        FLOW("off", "1.5", "1", TWO, EDGE("1", "1")),
        FLOW("off", "\"1\"", "1", TWO, EDGE("1", "1")),
        FLOW("off", "1", "1", TWO, EDGE("1", "-5")),
        FLOW("off", "1", "1", TWO, EDGE("1", "1e300")),
        FLOW("off", "1", "1", "1", EDGE("1", "1")),
        FLOW("off", "1", "1", "", EDGE("1", "1")), /* an edge of no stage */
        FLOW("off", "1", "1", TWO, "{}"),
        FLOW("off", "1", "1", TWO, "[]"),
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(bad); i++) {
        TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
        struct tvn_flow_sample sample;
        assert_false(read_flow(arena, bad[i], &sample));
    }
    assert_true(tvn_sample_is_flow_name(tvn_str_of("main_2-x")));
    assert_false(tvn_sample_is_flow_name(tvn_str_of("../x")));
    assert_false(tvn_sample_is_flow_name(tvn_str_of("a b")));
    assert_false(tvn_sample_is_flow_name(tvn_str_of("")));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_shares_at_diagnostic_are_what_was_timed),
    cmocka_unit_test(test_shares_at_production_are_mean_times_count),
    cmocka_unit_test(test_shares_without_timings_are_unknown),
    cmocka_unit_test(test_counters_that_went_back_make_no_negative_rates),
    cmocka_unit_test(test_hostile_answers_are_refused),
};
TVN_TEST_MAIN("cli.flow_sample", tests)
