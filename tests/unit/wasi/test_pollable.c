/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "wasi/console_internal.h"
#include "wasi/pollable_internal.h"

#include "tvn_test.h"
#include "wasi_recorder.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <time.h>

#define NS_PER_MS UINT64_C(1000000)

struct fixture {
    struct recorder recorder;
    struct tvn_wasi_pollables pool;
    struct tvn_wasi_stdin input; /* the read end of a pipe */
    int write_fd;
    struct tvn_wasi_wait_limits limits;
    _Atomic int cancel;
};

static int setup(void **state)
{
    struct fixture *fixture = tvn_calloc(1, sizeof(*fixture));
    int ends[2];
    if (!fixture || pipe2(ends, O_CLOEXEC) != 0) {
        return -1;
    }
    tvn_wasi_pollables_init(&fixture->pool);
    tvn_wasi_stdin_init(&fixture->input, &recorder_ops, &fixture->recorder, ends[0]);
    fixture->write_fd = ends[1];
    fixture->limits = (struct tvn_wasi_wait_limits){.cancel_fd = -1};
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    tvn_wasi_pollables_deinit(&fixture->pool);
    close(fixture->input.fd);
    if (fixture->write_fd >= 0) {
        close(fixture->write_fd);
    }
    recorder_deinit(&fixture->recorder);
    tvn_free(fixture);
    return 0;
}

static struct tvn_wasi_pollable *timer_in(struct fixture *fixture, uint64_t ms)
{
    struct tvn_wasi_pollable *timer =
        tvn_wasi_pollable_timer(&fixture->pool, tvn_clock_monotonic_ns() + ms * NS_PER_MS);
    assert_non_null(timer);
    return timer;
}

static struct tvn_wasi_pollable *input_of(struct fixture *fixture)
{
    struct tvn_wasi_pollable *pollable =
        tvn_wasi_pollable_stream(&fixture->pool, &fixture->input.stream);
    assert_non_null(pollable);
    return pollable;
}

static enum tvn_status wait_for(struct fixture *fixture, struct tvn_wasi_pollable **items,
                                size_t count, bool *ready)
{
    struct pollfd *fds = tvn_calloc(count + 1, sizeof(*fds));
    assert_non_null(fds);
    enum tvn_status status = tvn_wasi_pollables_wait(items, count, &fixture->limits, ready, fds);
    tvn_free(fds);
    return status;
}

static void release(struct fixture *fixture, struct tvn_wasi_pollable **items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tvn_wasi_pollable_release(&fixture->pool, items[i]);
    }
}

static void test_pool_reuses_without_allocating(void **state)
{
    struct fixture *fixture = *state;
    uint64_t before = tvn_mem_allocation_count();
    for (int round = 0; round < 100; round++) {
        struct tvn_wasi_pollable *items[TVN_WASI_POLLABLES_FIRST];
        for (size_t i = 0; i < TVN_ARRAY_LEN(items); i++) {
            items[i] = timer_in(fixture, 1);
        }
        release(fixture, items, TVN_ARRAY_LEN(items));
    }
    assert_int_equal(tvn_mem_allocation_count(), before);
    assert_int_equal(fixture->pool.live, 0);
}

static void test_pool_grows_and_survives_failing_allocations(void **state)
{
    struct fixture *fixture = *state;
    struct tvn_wasi_pollable *items[200];
    for (size_t i = 0; i < TVN_ARRAY_LEN(items); i++) {
        if (!fixture->pool.free_head) {
            tvn_mem_fail_at(1, false);
            assert_null(tvn_wasi_pollable_timer(&fixture->pool, 0));
            assert_null(fixture->pool.free_head);
            tvn_mem_fail_at(0, false);
        }
        items[i] = timer_in(fixture, i);
    }
    assert_int_equal(fixture->pool.live, TVN_ARRAY_LEN(items));
    release(fixture, items, TVN_ARRAY_LEN(items));
}

static void test_wait_returns_at_the_earliest_timer(void **state)
{
    struct fixture *fixture = *state;
    struct tvn_wasi_pollable *items[] = {timer_in(fixture, 60000), timer_in(fixture, 15),
                                         timer_in(fixture, 90000)};
    bool ready[3];
    assert_false(tvn_wasi_pollable_is_ready(items[1]));
    uint64_t start_ns = tvn_clock_monotonic_ns();
    assert_status(wait_for(fixture, items, 3, ready), TVN_OK);
    uint64_t waited_ns = tvn_clock_monotonic_ns() - start_ns;
    assert_true(waited_ns >= 14 * NS_PER_MS && waited_ns < 5000 * NS_PER_MS);
    assert_false(ready[0]);
    assert_true(ready[1]);
    assert_false(ready[2]);
    assert_true(tvn_wasi_pollable_is_ready(items[1]));
    release(fixture, items, 3);
}

static void test_wait_with_passed_timer_does_not_sleep_and_still_sees_streams(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(write(fixture->write_fd, "x", 1), 1);
    struct tvn_wasi_pollable *items[] = {timer_in(fixture, 0), input_of(fixture),
                                         timer_in(fixture, 60000)};
    bool ready[3];
    assert_status(wait_for(fixture, items, 3, ready), TVN_OK);
    assert_true(ready[0]);
    assert_true(ready[1]);
    assert_false(ready[2]);
    release(fixture, items, 3);
}

static void *write_soon(void *argument)
{
    const struct fixture *fixture = argument;
    nanosleep(&(struct timespec){.tv_nsec = 10 * (long)NS_PER_MS}, NULL);
    return write(fixture->write_fd, "x", 1) == 1 ? NULL : argument;
}

static void test_wait_wakes_for_a_stream(void **state)
{
    struct fixture *fixture = *state;
    struct tvn_wasi_pollable *items[] = {timer_in(fixture, 60000), input_of(fixture),
                                         input_of(fixture)};
    assert_false(tvn_wasi_pollable_is_ready(items[1]));
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, write_soon, fixture), 0);
    bool ready[3];
    assert_status(wait_for(fixture, items, 3, ready), TVN_OK);
    pthread_join(writer, NULL);
    assert_false(ready[0]);
    assert_true(ready[1]);
    assert_true(ready[2]);
    assert_true(tvn_wasi_pollable_is_ready(items[1]));
    release(fixture, items, 3);
}

static void test_wait_sees_the_other_end_close(void **state)
{
    struct fixture *fixture = *state;
    close(fixture->write_fd);
    fixture->write_fd = -1;
    struct tvn_wasi_pollable *items[] = {input_of(fixture)};
    bool ready[1];
    assert_status(wait_for(fixture, items, 1, ready), TVN_OK);
    assert_true(ready[0]);
    release(fixture, items, 1);
}

static void test_wait_takes_more_pollables_than_descriptors_allowed(void **state)
{
    struct fixture *fixture = *state;
    enum { COUNT = 5000 }; /* beyond RLIMIT_NOFILE: the kernel refuses that many entries */
    assert_int_equal(write(fixture->write_fd, "x", 1), 1);
    struct tvn_wasi_pollable *pollable = input_of(fixture);
    struct tvn_wasi_pollable **items = tvn_calloc(COUNT, sizeof(struct tvn_wasi_pollable *));
    bool *ready = tvn_calloc(COUNT, sizeof(*ready));
    assert_non_null(items);
    assert_non_null(ready);
    for (size_t i = 0; i < COUNT; i++) {
        items[i] = pollable;
    }
    assert_status(wait_for(fixture, items, COUNT, ready), TVN_OK);
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(ready[i]);
    }
    tvn_wasi_pollable_release(&fixture->pool, pollable);
    tvn_free(items);
    tvn_free(ready);
}

static void test_wait_ends_at_the_deadline(void **state)
{
    struct fixture *fixture = *state;
    struct tvn_wasi_pollable *items[] = {timer_in(fixture, 60000), input_of(fixture)};
    bool ready[2];
    fixture->limits.deadline_ns = tvn_clock_monotonic_ns() + 15 * NS_PER_MS;
    assert_status(wait_for(fixture, items, 2, ready), TVN_E_COMPONENT_TIMEOUT);
    assert_true(tvn_clock_monotonic_ns() >= fixture->limits.deadline_ns);
    release(fixture, items, 2);
}

static void test_wait_beyond_the_deadline_still_returns_what_is_ready(void **state)
{
    struct fixture *fixture = *state;
    struct tvn_wasi_pollable *items[] = {timer_in(fixture, 0)};
    bool ready[1];
    fixture->limits.deadline_ns = 1;
    assert_status(wait_for(fixture, items, 1, ready), TVN_OK);
    release(fixture, items, 1);
}

static void *cancel_soon(void *argument)
{
    struct fixture *fixture = argument;
    nanosleep(&(struct timespec){.tv_nsec = 10 * (long)NS_PER_MS}, NULL);
    atomic_store(&fixture->cancel, 1);
    if (fixture->limits.cancel_fd >= 0) {
        eventfd_write(fixture->limits.cancel_fd, 1);
    }
    return NULL;
}

static void wait_and_cancel(struct fixture *fixture)
{
    fixture->limits.cancel = &fixture->cancel;
    struct tvn_wasi_pollable *items[] = {timer_in(fixture, 60000), input_of(fixture)};
    pthread_t canceller;
    assert_int_equal(pthread_create(&canceller, NULL, cancel_soon, fixture), 0);
    bool ready[2];
    uint64_t start_ns = tvn_clock_monotonic_ns();
    assert_status(wait_for(fixture, items, 2, ready), TVN_E_FLOW_CANCELLED);
    assert_true(tvn_clock_monotonic_ns() - start_ns < 5000 * NS_PER_MS);
    pthread_join(canceller, NULL);
    release(fixture, items, 2);
}

static void test_wait_ends_when_cancelled_by_flag(void **state)
{
    wait_and_cancel(*state);
}

static void test_wait_ends_when_cancelled_by_descriptor(void **state)
{
    struct fixture *fixture = *state;
    fixture->limits.cancel_fd = eventfd(0, EFD_CLOEXEC);
    assert_true(fixture->limits.cancel_fd >= 0);
    wait_and_cancel(fixture);
    close(fixture->limits.cancel_fd);
}

static void test_pollable_keeps_its_stream_alive(void **state)
{
    struct fixture *fixture = *state;
    tvn_byte_stream_ref(&fixture->input.stream); /* the guest's handle */
    struct tvn_wasi_pollable *pollable = input_of(fixture);
    assert_int_equal(fixture->input.stream.refs, 2);
    tvn_byte_stream_unref(&fixture->input.stream);
    assert_false(tvn_wasi_pollable_is_ready(pollable));
    tvn_wasi_pollable_release(&fixture->pool, pollable);
    assert_int_equal(fixture->input.stream.refs, 0);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static const struct CMUnitTest tests[] = {
    WITH_FIXTURE(test_pool_reuses_without_allocating),
    WITH_FIXTURE(test_pool_grows_and_survives_failing_allocations),
    WITH_FIXTURE(test_wait_returns_at_the_earliest_timer),
    WITH_FIXTURE(test_wait_with_passed_timer_does_not_sleep_and_still_sees_streams),
    WITH_FIXTURE(test_wait_wakes_for_a_stream),
    WITH_FIXTURE(test_wait_sees_the_other_end_close),
    WITH_FIXTURE(test_wait_takes_more_pollables_than_descriptors_allowed),
    WITH_FIXTURE(test_wait_ends_at_the_deadline),
    WITH_FIXTURE(test_wait_beyond_the_deadline_still_returns_what_is_ready),
    WITH_FIXTURE(test_wait_ends_when_cancelled_by_flag),
    WITH_FIXTURE(test_wait_ends_when_cancelled_by_descriptor),
    WITH_FIXTURE(test_pollable_keeps_its_stream_alive),
};
TVN_TEST_MAIN("wasi.pollable", tests)
