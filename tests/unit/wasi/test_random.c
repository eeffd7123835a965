/* SPDX-License-Identifier: Apache-2.0 */
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

static void test_random_bytes_have_the_length_asked_for_and_differ(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_RANDOM});
    struct tvn_value first = WASI_CALL(&run, "random", wasi_number(32));
    struct tvn_value second = WASI_CALL(&run, "random", wasi_number(32));
    assert_true(first.is_bytes);
    assert_int_equal(first.of.bytes.len, 32);
    assert_int_equal(second.of.bytes.len, 32);
    assert_memory_not_equal(first.of.bytes.ptr, second.of.bytes.ptr, 32);
    assert_int_equal(WASI_CALL(&run, "random", wasi_number(0)).of.bytes.len, 0);
    assert_int_equal(WASI_CALL(&run, "random", wasi_number(100000)).of.bytes.len, 100000);
    wasi_run_end(&run);
}

static void test_random_numbers_differ(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_RANDOM});
    assert_true(WASI_CALL0(&run, "random-number").of.u != WASI_CALL0(&run, "random-number").of.u);
    assert_true(WASI_CALL0(&run, "insecure-number").of.u !=
                WASI_CALL0(&run, "insecure-number").of.u);
    assert_true(WASI_CALL0(&run, "seed").of.u != WASI_CALL0(&run, "seed").of.u);
    assert_int_equal(run.recorder.uses[TVN_CAP_RANDOM], 6);
    wasi_run_end(&run);
}

static void test_random_beyond_the_limit_traps(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_RANDOM});
    WASI_FAULT(&run, "random", TVN_E_COMPONENT_TRAPPED, "bytes in one call",
               wasi_number(TVN_WASI_RANDOM_MAX + 1));
    wasi_run_end(&run);
}

static void test_random_without_grant_traps_and_is_counted(void **state)
{
    (void)state;
    const char *const functions[] = {"random-number", "insecure-number", "random"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(functions); i++) {
        struct wasi_run run;
        START(&run, {.capability = TVN_CAP_CLOCKS});
        struct tvn_value arg = wasi_number(8);
        wasi_assert_fault(&run, functions[i], &arg, i == 2, TVN_E_CAPABILITY_DENIED,
                          "the capability 'random' is not granted in wasi:random/");
        assert_int_equal(run.recorder.denials[TVN_CAP_RANDOM], 1);
        wasi_run_end(&run);
    }
}

static void test_seed_without_grant_is_a_constant_and_counted(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_CLOCKS});
    assert_true(WASI_CALL0(&run, "seed").of.u == WASI_CALL0(&run, "seed").of.u);
    assert_int_equal(run.recorder.denials[TVN_CAP_RANDOM], 2);
    wasi_run_end(&run);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_random_bytes_have_the_length_asked_for_and_differ),
    cmocka_unit_test(test_random_numbers_differ),
    cmocka_unit_test(test_random_beyond_the_limit_traps),
    cmocka_unit_test(test_random_without_grant_traps_and_is_counted),
    cmocka_unit_test(test_seed_without_grant_is_a_constant_and_counted),
};
TVN_TEST_MAIN_WITH("wasi.random", tests, load, unload)
