/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks that block in the kernel. Nothing here depends on how long anything takes. */
#include "resources/magazine.h"
#include "workers/workers.h"

#include "tvn_test.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TASKS_MAX 200

static struct tvn_resources *resources;
static struct tvn_workers *workers;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static uint32_t done_count;

struct fake {
    struct tvn_task *task;
    struct tvn_magazine *magazine;
    enum tvn_flow_turn (*turn)(struct fake *fake);
    int fd; /* what it blocks on */
    struct fake *other;
    uint32_t turns;
    uint32_t turns_wanted;
    uint32_t seed;
    uint32_t moves; /* turns that went on with another magazine */
};

static struct fake fakes[TASKS_MAX];

static enum tvn_flow_turn run_fake(void *context, struct tvn_magazine *magazine,
                                   const struct tvn_flow_quantum *quantum,
                                   struct tvn_flow_wait *out_wait)
{
    (void)quantum;
    struct fake *fake = context;
    *out_wait = (struct tvn_flow_wait){.wake_ns = UINT64_MAX};
    fake->magazine = magazine;
    fake->turns++;
    return fake->turn(fake);
}

static void fake_moved(void *context, struct tvn_magazine *magazine)
{
    struct fake *fake = context;
    assert_non_null(magazine);
    fake->magazine = magazine;
    fake->moves++;
}

static void fake_done(void *context)
{
    (void)context;
    pthread_mutex_lock(&lock);
    done_count++;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

static void start(uint32_t threads, uint32_t max_blocking)
{
    struct tvn_resources_options pools;
    tvn_resources_options_default(&pools);
    assert_status(tvn_resources_create(&pools, &resources), TVN_OK);
    memset(fakes, 0, sizeof(fakes));
    done_count = 0;
    const struct tvn_workers_options options = {.threads = threads,
                                                .quantum = TVN_FLOW_QUANTUM_DEFAULT,
                                                .resources = resources,
                                                .max_blocking = max_blocking};
    assert_status(tvn_workers_create(&options, &workers), TVN_OK);
}

static void spawn(struct fake *fake)
{
    const struct tvn_task_options options = {.name = "fake",
                                             .priority = TVN_TASK_NORMAL,
                                             .run = run_fake,
                                             .magazine_changed = fake_moved,
                                             .done = fake_done,
                                             .context = fake};
    assert_status(tvn_workers_spawn(workers, &options, &fake->task), TVN_OK);
}

static void end(uint32_t tasks)
{
    pthread_mutex_lock(&lock);
    while (done_count < tasks) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
    tvn_workers_destroy(workers);
    assert_int_equal(tvn_resources_live_count(resources), 0);
    tvn_resources_destroy(resources);
}

/* Takes a buffer from the thread's magazine and gives it back. */
static void use_magazine(const struct fake *fake)
{
    struct tvn_buffer *buffer = NULL;
    assert_status(tvn_buffer_acquire(fake->magazine, 100, TVN_OWNER_HOST, NULL, &buffer), TVN_OK);
    tvn_buffer_release(fake->magazine, buffer);
}

static void block_on(int fd)
{
    eventfd_t value;
    tvn_blocking_enter(&tvn_workers_blocking);
    ssize_t got = read(fd, &value, sizeof(value));
    tvn_blocking_leave(&tvn_workers_blocking);
    assert_int_equal(got, sizeof(value));
}

static enum tvn_flow_turn block_once(struct fake *fake)
{
    use_magazine(fake);
    block_on(fake->fd);
    use_magazine(fake);
    return TVN_FLOW_DONE;
}

static enum tvn_flow_turn release_other(struct fake *fake)
{
    use_magazine(fake);
    assert_int_equal(eventfd_write(fake->other->fd, 1), 0);
    return TVN_FLOW_DONE;
}

/* With one worker this would hang: what ends the first task's wait is the second one. */
static void test_handoff_a_blocked_task_does_not_stop_another(void **state)
{
    (void)state;
    start(1, 1);
    fakes[0] = (struct fake){.turn = block_once, .fd = eventfd(0, EFD_CLOEXEC)};
    fakes[1] = (struct fake){.turn = release_other, .other = &fakes[0]};
    spawn(&fakes[0]);
    spawn(&fakes[1]);
    end(2);
    assert_int_equal(fakes[0].moves, 1);
    close(fakes[0].fd);
}

/* Nobody polls while the only worker's thread blocks, until the worker is handed over. */
static int wanted_fd;

static enum tvn_flow_turn wait_then_release(struct fake *fake)
{
    struct pollfd ready = {.fd = wanted_fd, .events = POLLIN};
    return poll(&ready, 1, 0) == 0 ? TVN_FLOW_IDLE : release_other(fake);
}

static enum tvn_flow_turn run_waiting(void *context, struct tvn_magazine *magazine,
                                      const struct tvn_flow_quantum *quantum,
                                      struct tvn_flow_wait *out_wait)
{
    (void)quantum;
    struct fake *fake = context;
    fake->magazine = magazine;
    *out_wait = (struct tvn_flow_wait){.wake_ns = UINT64_MAX};
    enum tvn_flow_turn turn = wait_then_release(fake);
    if (turn == TVN_FLOW_IDLE) {
        out_wait->fds[0].fd = wanted_fd;
        out_wait->fds[0].events = POLLIN;
        out_wait->fd_count = 1;
    }
    return turn;
}

static void test_handoff_a_blocked_task_does_not_stop_descriptors(void **state)
{
    (void)state;
    start(1, 1);
    wanted_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    fakes[0] = (struct fake){.turn = block_once, .fd = eventfd(0, EFD_CLOEXEC)};
    fakes[1] = (struct fake){.other = &fakes[0]};
    const struct tvn_task_options options = {
        .name = "waits", .run = run_waiting, .done = fake_done, .context = &fakes[1]};
    assert_status(tvn_workers_spawn(workers, &options, &fakes[1].task), TVN_OK);
    spawn(&fakes[0]);
    assert_int_equal(eventfd_write(wanted_fd, 1), 0);
    end(2);
    close(wanted_fd);
    close(fakes[0].fd);
}

/* So many that block, one more that cannot give its worker away, and one that waits for it. */
static void fill_and_overflow(uint32_t limit)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
    start(1, limit);
    for (uint32_t i = 0; i <= limit; i++) {
        fakes[i] = (struct fake){.turn = block_once, .fd = fd};
        spawn(&fakes[i]);
    }
    fakes[limit + 1] = (struct fake){.turn = block_once, .fd = fd};
    spawn(&fakes[limit + 1]);
    while (tvn_workers_handoffs_refused(workers) == 0) {
        usleep(1000);
    }
    assert_int_equal(tvn_workers_handoffs(workers), limit);
    for (uint32_t i = 0; i < limit + 2; i++) {
        assert_int_equal(eventfd_write(fd, 1), 0);
    }
    end(limit + 2);
    close(fd);
}

static void test_handoff_beyond_the_limit_waits(void **state)
{
    (void)state;
    fill_and_overflow(64);
    fill_and_overflow(1);
    fill_and_overflow(0);
}

/* Threads are used again. */
static enum tvn_flow_turn block_often(struct fake *fake)
{
    use_magazine(fake);
    block_on(fake->fd);
    use_magazine(fake);
    return fake->turns == fake->turns_wanted ? TVN_FLOW_DONE : TVN_FLOW_YIELD;
}

static enum tvn_flow_turn release_often(struct fake *fake)
{
    assert_int_equal(eventfd_write(fake->other->fd, 1), 0);
    return fake->turns == fake->turns_wanted ? TVN_FLOW_DONE : TVN_FLOW_YIELD;
}

static void test_handoff_happens_again_and_again(void **state)
{
    (void)state;
    start(1, 2);
    int fd = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
    fakes[0] = (struct fake){.turn = block_often, .fd = fd, .turns_wanted = 20};
    fakes[1] = (struct fake){.turn = block_often, .fd = fd, .turns_wanted = 20};
    fakes[2] = (struct fake){.turn = release_often, .other = &fakes[0], .turns_wanted = 40};
    for (int i = 0; i < 3; i++) {
        spawn(&fakes[i]);
    }
    end(3);
    close(fd);
}

/* Seeded: some calls are short, some are not; buffers come and go with whatever magazine there is.
 */
static enum tvn_flow_turn block_at_random(struct fake *fake)
{
    struct tvn_buffer *held = NULL;
    assert_status(tvn_buffer_acquire(fake->magazine, 100, TVN_OWNER_HOST, NULL, &held), TVN_OK);
    fake->seed = fake->seed * 1664525u + 1013904223u;
    unsigned sleep_us = (fake->seed >> 16) % 4 == 0 ? (fake->seed >> 18) % 4000 : 0;
    tvn_blocking_enter(&tvn_workers_blocking);
    if (sleep_us > 0) {
        usleep(sleep_us);
    }
    tvn_blocking_leave(&tvn_workers_blocking);
    tvn_buffer_release(fake->magazine, held);
    return fake->turns == fake->turns_wanted ? TVN_FLOW_DONE : TVN_FLOW_YIELD;
}

static void test_handoff_at_random_touches_no_magazine_twice(void **state)
{
    (void)state;
    for (uint32_t threads = 1; threads <= 3; threads++) {
        start(threads, 8);
        for (uint32_t i = 0; i < 60; i++) {
            fakes[i] = (struct fake){
                .turn = block_at_random, .seed = i * 7919 + threads, .turns_wanted = 10};
            spawn(&fakes[i]);
        }
        end(60);
    }
}

static void test_handoff_on_a_thread_that_is_no_worker_does_nothing(void **state)
{
    (void)state;
    int fd = eventfd(1, EFD_CLOEXEC);
    block_on(fd);
    close(fd);
    errno = EPROTO;
    tvn_blocking_enter(NULL);
    tvn_blocking_leave(NULL);
    assert_int_equal(errno, EPROTO);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_handoff_a_blocked_task_does_not_stop_another),
    cmocka_unit_test(test_handoff_a_blocked_task_does_not_stop_descriptors),
    cmocka_unit_test(test_handoff_beyond_the_limit_waits),
    cmocka_unit_test(test_handoff_happens_again_and_again),
    cmocka_unit_test(test_handoff_at_random_touches_no_magazine_twice),
    cmocka_unit_test(test_handoff_on_a_thread_that_is_no_worker_does_nothing),
};
TVN_TEST_MAIN("workers.handoff", tests)
