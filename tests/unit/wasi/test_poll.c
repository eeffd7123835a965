/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "wasi_guest.h"

#include <fcntl.h>
#include <pthread.h>
#include <time.h>

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

#define NS_PER_MS UINT64_C(1000000)

static struct tvn_value poll_timers(struct wasi_run *run, bool with_stdin, const uint64_t *ns,
                                    uint32_t count)
{
    struct tvn_value items[8];
    assert_true(count <= TVN_ARRAY_LEN(items));
    for (uint32_t i = 0; i < count; i++) {
        items[i] = wasi_number(ns[i]);
    }
    struct tvn_value list = {.of.list = {.items = items, .count = count}};
    return WASI_CALL(run, "poll-timers", list, wasi_bool(with_stdin));
}

static void test_poll_returns_the_timers_that_are_due(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_CLOCKS});
    const uint64_t ns[] = {60000 * NS_PER_MS, 0, 60000 * NS_PER_MS, 0};
    assert_reply(poll_timers(&run, false, ns, 4), "1 3");
    const uint64_t later[] = {60000 * NS_PER_MS, 10 * NS_PER_MS};
    assert_reply(poll_timers(&run, false, later, 2), "1");
    wasi_run_end(&run);
}

static void test_poll_sees_input(void **state)
{
    (void)state;
    struct wasi_run run;
    static const struct tvn_grant grants[] = {{.capability = TVN_CAP_CLOCKS},
                                              {.capability = TVN_CAP_STDIN}};
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct tvn_wasi_options options = plain;
    options.stdin_fd = ends[0];
    wasi_run_start(&run, &guest, grants, TVN_ARRAY_LEN(grants), options);
    const uint64_t ns[] = {5 * NS_PER_MS};
    assert_reply(poll_timers(&run, true, ns, 1), "1");
    assert_int_equal(write(ends[1], "x", 1), 1);
    const uint64_t far[] = {60000 * NS_PER_MS};
    assert_reply(poll_timers(&run, true, far, 1), "0");
    const uint64_t now[] = {0};
    assert_reply(poll_timers(&run, true, now, 1), "0 1");
    wasi_run_end(&run);
    close(ends[0]);
    close(ends[1]);
}

static void test_poll_of_nothing_traps(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_CLOCKS});
    struct tvn_value list = {.of.list = {.items = NULL, .count = 0}};
    WASI_FAULT(&run, "poll-timers", TVN_E_COMPONENT_TRAPPED, "empty", list, wasi_bool(false));
    wasi_run_end(&run);
}

static void test_sleep_takes_its_time(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_CLOCKS});
    uint64_t took = WASI_CALL(&run, "sleep", wasi_number(15 * NS_PER_MS)).of.u;
    assert_true(took >= 15 * NS_PER_MS && took < 5000 * NS_PER_MS);
    wasi_run_end(&run);
}

static void test_sleep_ends_at_the_deadline(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_CLOCKS});
    uint64_t start_ns = tvn_clock_monotonic_ns();
    run.recorder.deadline_ns = start_ns + 20 * NS_PER_MS;
    WASI_FAULT(&run, "sleep", TVN_E_COMPONENT_TIMEOUT, "[method]pollable.block",
               wasi_number(60000 * NS_PER_MS));
    assert_true(tvn_clock_monotonic_ns() - start_ns < 5000 * NS_PER_MS);
    wasi_run_end(&run);
}

static void *cancel_soon(void *argument)
{
    struct wasi_run *run = argument;
    nanosleep(&(struct timespec){.tv_nsec = 15 * (long)NS_PER_MS}, NULL);
    run->cancel = 1;
    return NULL;
}

static void test_sleep_ends_when_cancelled(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_CLOCKS});
    pthread_t canceller;
    assert_int_equal(pthread_create(&canceller, NULL, cancel_soon, &run), 0);
    WASI_FAULT(&run, "sleep", TVN_E_FLOW_CANCELLED, "cancelled", wasi_number(60000 * NS_PER_MS));
    pthread_join(canceller, NULL);
    wasi_run_end(&run);
}

static void test_stream_may_be_dropped_before_its_pollable(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_STDIN});
    assert_true(WASI_CALL0(&run, "drop-stream-first").of.boolean);
    wasi_run_end(&run);
}

static void test_pollables_come_from_a_pool(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_CLOCKS});
    (void)WASI_CALL(&run, "many-pollables", wasi_number(1000));
    (void)WASI_CALL(&run, "many-pollables", wasi_number(1));
    uint64_t start = tvn_mem_allocation_count();
    (void)WASI_CALL(&run, "many-pollables", wasi_number(1));
    uint64_t once = tvn_mem_allocation_count() - start;
    start = tvn_mem_allocation_count();
    (void)WASI_CALL(&run, "many-pollables", wasi_number(1000));
    assert_int_equal(tvn_mem_allocation_count() - start, once);
    wasi_run_end(&run);
}

static void test_too_many_pollables_trap_and_are_given_back(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_CLOCKS});
    WASI_FAULT(&run, "many-pollables", TVN_E_COMPONENT_TRAPPED, "handle table is full",
               wasi_number(70000));
    wasi_run_end(&run); /* asserts that none is left */
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_poll_returns_the_timers_that_are_due),
    cmocka_unit_test(test_poll_sees_input),
    cmocka_unit_test(test_poll_of_nothing_traps),
    cmocka_unit_test(test_sleep_takes_its_time),
    cmocka_unit_test(test_sleep_ends_at_the_deadline),
    cmocka_unit_test(test_sleep_ends_when_cancelled),
    cmocka_unit_test(test_stream_may_be_dropped_before_its_pollable),
    cmocka_unit_test(test_pollables_come_from_a_pool),
    cmocka_unit_test(test_too_many_pollables_trap_and_are_given_back),
};
TVN_TEST_MAIN_WITH("wasi.poll", tests, load, unload)
