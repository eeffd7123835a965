/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "wasi_guest.h"

static struct wasi_guest guest;

static int load(void **state)
{
    (void)state;
    return wasi_guest_load(&guest, TVN_GUEST_DIR "/wasi-direct.wasm");
}

static int unload(void **state)
{
    (void)state;
    wasi_guest_unload(&guest);
    return 0;
}

static const struct tvn_wasi_options plain = {.stdin_fd = -1, .cancel_fd = -1};

static void start(struct wasi_run *run, const struct tvn_grant *grants, size_t count)
{
    wasi_run_start(run, &guest, grants, count, plain);
}
#define START(run, ...)                                   \
    start((run), (const struct tvn_grant[]){__VA_ARGS__}, \
          TVN_ARRAY_LEN(((const struct tvn_grant[]){__VA_ARGS__})))

static void test_monotonic_starts_with_the_instance_and_never_goes_back(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_CLOCKS});
    uint64_t first = WASI_CALL0(&run, "monotonic").of.u;
    uint64_t second = WASI_CALL0(&run, "monotonic").of.u;
    assert_true(first < UINT64_C(60000000000));
    assert_true(second >= first);
    wasi_run_end(&run);
}

static void test_wall_is_the_hosts(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_CLOCKS});
    uint64_t before = tvn_clock_wall_ns();
    uint64_t guest_ns = WASI_CALL0(&run, "wall").of.u;
    assert_true(guest_ns >= before && guest_ns <= tvn_clock_wall_ns());
    assert_int_equal(run.recorder.uses[TVN_CAP_CLOCKS], 1);
    wasi_run_end(&run);
}

static void test_clocks_without_grant_trap_and_are_counted(void **state)
{
    (void)state;
    const char *const functions[] = {"monotonic", "wall", "sleep"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(functions); i++) {
        struct wasi_run run;
        START(&run, {.capability = TVN_CAP_STDOUT});
        struct tvn_value arg = wasi_number(0);
        wasi_assert_fault(&run, functions[i], &arg, i == 2, TVN_E_CAPABILITY_DENIED,
                          "the capability 'clocks' is not granted in wasi:clocks/");
        assert_int_equal(run.recorder.denials[TVN_CAP_CLOCKS], 1);
        wasi_run_end(&run);
    }
}

static void test_resolution_and_timezone_need_no_grant(void **state)
{
    (void)state;
    struct wasi_run run;
    wasi_run_start(&run, &guest, NULL, 0, plain);
    assert_int_equal(WASI_CALL0(&run, "resolutions").of.u, 2);
    assert_reply(WASI_CALL0(&run, "timezone"), "UTC0");
    assert_int_equal(run.recorder.denials[TVN_CAP_CLOCKS], 0);
    wasi_run_end(&run);
}

static void test_timer_beyond_the_clock_never_fires(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_CLOCKS});
    run.recorder.deadline_ns = tvn_clock_monotonic_ns() + 10000000;
    WASI_FAULT(&run, "sleep", TVN_E_COMPONENT_TIMEOUT, "time was up", wasi_number(UINT64_MAX / 2));
    wasi_run_end(&run);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_monotonic_starts_with_the_instance_and_never_goes_back),
    cmocka_unit_test(test_wall_is_the_hosts),
    cmocka_unit_test(test_clocks_without_grant_trap_and_are_counted),
    cmocka_unit_test(test_resolution_and_timezone_need_no_grant),
    cmocka_unit_test(test_timer_beyond_the_clock_never_fires),
};
TVN_TEST_MAIN_WITH("wasi.clocks", tests, load, unload)
