/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "workers/sleepers_internal.h"

#include "tvn_test.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>

#define TASKS 4

static struct tvn_sleepers sleepers;
static struct tvn_task tasks[TASKS];
static struct tvn_task *found[TVN_POLL_TASKS_MAX];

static void start(void)
{
    assert_status(tvn_sleepers_init(&sleepers), TVN_OK);
    assert_status(tvn_sleepers_reserve(&sleepers, TASKS), TVN_OK);
    for (int i = 0; i < TASKS; i++) {
        tasks[i] = (struct tvn_task){.timer = {.position = TVN_HEAP_OUT}};
    }
}

static void end(void)
{
    for (int i = 0; i < TASKS; i++) {
        tvn_sleepers_disarm(&sleepers, &tasks[i]);
        tvn_free(tasks[i].more_watches);
    }
    assert_false(tvn_sleepers_any(&sleepers));
    tvn_sleepers_deinit(&sleepers);
}

static bool arm(int task, int fd, short events, uint64_t wake_ns)
{
    struct tvn_flow_wait wait = {.wake_ns = wake_ns};
    if (fd >= 0) {
        wait.fds[wait.fd_count].fd = fd;
        wait.fds[wait.fd_count++].events = events;
    }
    return tvn_sleepers_arm(&sleepers, &tasks[task], &wait);
}

static uint32_t poll_now(void)
{
    return tvn_sleepers_poll(&sleepers, false, found);
}

static int new_event(void)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(fd >= 0);
    return fd;
}

static void test_sleepers_poll_reports_a_readable_descriptor_once(void **state)
{
    (void)state;
    start();
    int fd = new_event();
    assert_true(arm(0, fd, POLLIN, UINT64_MAX));
    assert_int_equal(poll_now(), 0);
    assert_int_equal(eventfd_write(fd, 1), 0);
    assert_int_equal(poll_now(), 1);
    assert_ptr_equal(found[0], &tasks[0]);
    assert_int_equal(poll_now(), 0); /* nobody waits any more, though it is readable */
    tvn_sleepers_disarm(&sleepers, &tasks[0]);
    assert_true(arm(0, fd, POLLIN, UINT64_MAX));
    assert_int_equal(poll_now(), 1); /* still readable */
    close(fd);
    end();
}

static void test_sleepers_poll_several_tasks_of_one_descriptor_get_their_events(void **state)
{
    (void)state;
    start();
    int fd = new_event();
    assert_true(arm(0, fd, POLLIN, UINT64_MAX));
    assert_true(arm(1, fd, POLLIN, UINT64_MAX));
    assert_true(arm(2, fd, POLLOUT, UINT64_MAX));
    assert_int_equal(poll_now(), 1);
    assert_ptr_equal(found[0], &tasks[2]);
    assert_int_equal(poll_now(), 0);
    assert_int_equal(eventfd_write(fd, 1), 0);
    assert_int_equal(poll_now(), 2);
    close(fd);
    end();
}

static void test_sleepers_disarm_ends_all_watches(void **state)
{
    (void)state;
    start();
    int fds[5];
    struct tvn_flow_wait wait = {.wake_ns = 1, .fd_count = 5};
    for (int i = 0; i < 5; i++) {
        fds[i] = new_event();
        wait.fds[i].fd = fds[i];
        wait.fds[i].events = POLLIN;
    }
    assert_true(tvn_sleepers_arm(&sleepers, &tasks[0], &wait));
    tvn_sleepers_disarm(&sleepers, &tasks[0]);
    assert_int_equal(eventfd_write(fds[0], 1), 0);
    assert_int_equal(eventfd_write(fds[4], 1), 0);
    assert_int_equal(poll_now(), 0);
    assert_true(tvn_sleepers_arm(&sleepers, &tasks[0], &wait));
    assert_int_equal(poll_now(), 3); /* two descriptors and the timer */
    for (int i = 0; i < 5; i++) {
        close(fds[i]);
    }
    end();
}

/* What a stage does to its descriptor while it runs is not ours to know. */
static void test_sleepers_arm_a_number_that_is_another_file_now(void **state)
{
    (void)state;
    start();
    int fd = new_event();
    int copy = dup(fd); /* keeps the old file alive, and with it the kernel's note of it */
    assert_true(arm(0, fd, POLLIN, UINT64_MAX));
    tvn_sleepers_disarm(&sleepers, &tasks[0]);
    int other = new_event();
    assert_int_equal(dup2(other, fd), fd);
    assert_true(arm(1, fd, POLLIN, UINT64_MAX));
    assert_int_equal(eventfd_write(other, 1), 0);
    assert_int_equal(poll_now(), 1);
    assert_ptr_equal(found[0], &tasks[1]);
    close(fd);
    close(other);
    close(copy);
    end();
}

static void test_sleepers_arm_regular_file_is_ready(void **state)
{
    (void)state;
    start();
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_false(arm(0, fd, POLLIN, UINT64_MAX));
    assert_false(tvn_sleepers_any(&sleepers));
    close(fd);
    end();
}

static void test_sleepers_arm_closed_descriptor_becomes_a_timer(void **state)
{
    (void)state;
    start();
    int fd = new_event();
    close(fd);
    assert_true(arm(0, fd, POLLIN, UINT64_MAX));
    assert_int_equal(tvn_sleepers_poll(&sleepers, true, found), 1);
    assert_ptr_equal(found[0], &tasks[0]);
    end();
}

static void test_sleepers_poll_timers_in_order_and_not_early(void **state)
{
    (void)state;
    start();
    uint64_t now_ns = tvn_clock_monotonic_ns();
    assert_true(arm(0, -1, 0, now_ns + 30000000));
    assert_true(arm(1, -1, 0, now_ns + 10000000));
    assert_true(arm(2, -1, 0, now_ns));
    assert_true(arm(3, -1, 0, UINT64_MAX - 1));
    struct tvn_task *order[TASKS] = {NULL};
    uint32_t count = 0;
    while (count < 3) {
        uint32_t woken = tvn_sleepers_poll(&sleepers, true, found);
        for (uint32_t i = 0; i < woken; i++) {
            order[count++] = found[i];
        }
    }
    assert_true(tvn_clock_monotonic_ns() >= now_ns + 30000000);
    assert_ptr_equal(order[0], &tasks[2]);
    assert_ptr_equal(order[1], &tasks[1]);
    assert_ptr_equal(order[2], &tasks[0]);
    end();
}

static void test_sleepers_kick_ends_one_wait(void **state)
{
    (void)state;
    start();
    tvn_sleepers_kick(&sleepers);
    tvn_sleepers_kick(&sleepers);
    assert_int_equal(tvn_sleepers_poll(&sleepers, true, found), 0);
    assert_true(arm(0, -1, 0, tvn_clock_monotonic_ns() + 1000000));
    assert_int_equal(tvn_sleepers_poll(&sleepers, true, found), 1);
    end();
}

static void test_sleepers_arm_without_memory_becomes_a_timer(void **state)
{
    (void)state;
    start();
    int fd = new_event();
    assert_int_equal(eventfd_write(fd, 1), 0);
    tvn_mem_fail_at(1, false); /* the table of descriptors */
    assert_true(arm(0, fd, POLLIN, UINT64_MAX));
    assert_int_equal(atomic_load(&sleepers.watch_count), 0);
    assert_int_equal(tvn_sleepers_poll(&sleepers, true, found), 1);
    close(fd);
    end();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_sleepers_poll_reports_a_readable_descriptor_once),
    cmocka_unit_test(test_sleepers_poll_several_tasks_of_one_descriptor_get_their_events),
    cmocka_unit_test(test_sleepers_disarm_ends_all_watches),
    cmocka_unit_test(test_sleepers_arm_a_number_that_is_another_file_now),
    cmocka_unit_test(test_sleepers_arm_regular_file_is_ready),
    cmocka_unit_test(test_sleepers_arm_closed_descriptor_becomes_a_timer),
    cmocka_unit_test(test_sleepers_poll_timers_in_order_and_not_early),
    cmocka_unit_test(test_sleepers_kick_ends_one_wait),
    cmocka_unit_test(test_sleepers_arm_without_memory_becomes_a_timer),
};
TVN_TEST_MAIN("workers.sleepers", tests)
