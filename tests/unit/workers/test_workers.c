/* SPDX-License-Identifier: Apache-2.0 */
/* Fake flows on real threads. Nothing here depends on how long anything takes. */
#include "base/clock.h"
#include "workers/workers.h"

#include "tvn_test.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#define TASKS_MAX 2000

static struct tvn_workers *workers;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static uint32_t done_count;

/* ---- fake flows ---- */

struct fake {
    struct tvn_task *task;
    enum tvn_flow_turn (*turn)(struct fake *fake, const struct tvn_flow_quantum *quantum,
                               struct tvn_flow_wait *out_wait);
    uint64_t turns; /* plain: the queues hand it over */
    uint64_t turns_wanted;
    uint64_t elements;
    int fd;
    _Atomic int inside;
    _Atomic uint32_t posted;
    _Atomic bool stop;
    struct fake *next;
};

static struct fake fakes[TASKS_MAX];

static enum tvn_flow_turn run_fake(void *context, struct tvn_magazine *magazine,
                                   const struct tvn_flow_quantum *quantum,
                                   struct tvn_flow_wait *out_wait)
{
    (void)magazine;
    struct fake *fake = context;
    assert_int_equal(atomic_fetch_add(&fake->inside, 1), 0);
    fake->turns++;
    enum tvn_flow_turn turn = fake->turn(fake, quantum, out_wait);
    assert_int_equal(atomic_fetch_sub(&fake->inside, 1), 1);
    return turn;
}

static void fake_done(void *context)
{
    (void)context;
    pthread_mutex_lock(&lock);
    done_count++;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

static void start_with(const struct tvn_workers_options *options)
{
    memset(fakes, 0, sizeof(fakes));
    done_count = 0;
    assert_status(tvn_workers_create(options, &workers), TVN_OK);
}

static void start(uint32_t threads)
{
    start_with(
        &(struct tvn_workers_options){.threads = threads, .quantum = TVN_FLOW_QUANTUM_DEFAULT});
}

static void spawn_with(struct fake *fake, enum tvn_task_priority priority)
{
    const struct tvn_task_options options = {
        .name = "fake", .priority = priority, .run = run_fake, .done = fake_done, .context = fake};
    assert_status(tvn_workers_spawn(workers, &options, &fake->task), TVN_OK);
}

static void spawn(struct fake *fake)
{
    spawn_with(fake, TVN_TASK_NORMAL);
}

static void await_done(uint32_t count)
{
    pthread_mutex_lock(&lock);
    while (done_count < count) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
}

static uint64_t total(size_t offset)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < tvn_workers_count(workers); i++) {
        const char *stats = (const char *)tvn_workers_stats(workers, i);
        sum += tvn_stat_get((const tvn_stat *)(const void *)(stats + offset));
    }
    return sum;
}
#define total_of(field) total(offsetof(struct tvn_worker_stats, field))

static void end(uint32_t tasks)
{
    await_done(tasks);
    assert_int_equal(total_of(done), tasks);
    assert_int_equal(total_of(turns), total_of(yields) + total_of(sleeps) + total_of(done));
    tvn_workers_destroy(workers);
}

/* ---- tests ---- */

static enum tvn_flow_turn yield_some(struct fake *fake, const struct tvn_flow_quantum *quantum,
                                     struct tvn_flow_wait *out_wait)
{
    (void)out_wait;
    fake->elements += quantum->elements;
    return fake->turns == fake->turns_wanted ? TVN_FLOW_DONE : TVN_FLOW_YIELD;
}

static void test_workers_create_and_destroy_without_tasks(void **state)
{
    (void)state;
    for (uint32_t threads = 1; threads <= 4; threads++) {
        start(threads);
        end(0);
    }
}

static void test_workers_yielding_tasks_all_get_their_turns(void **state)
{
    (void)state;
    start(4);
    for (int i = 0; i < 600; i++) {
        fakes[i].turn = yield_some;
        fakes[i].turns_wanted = 50;
        spawn(&fakes[i]);
    }
    end(600);
    for (int i = 0; i < 600; i++) {
        assert_int_equal(fakes[i].turns, 50);
        assert_int_equal(fakes[i].elements, 50 * 32);
    }
}

static void test_workers_priority_sets_the_elements_of_a_turn(void **state)
{
    (void)state;
    static const struct {
        uint32_t normal;
        uint32_t expected[3];
    } rows[] = {{32, {128, 32, 8}}, {1, {4, 1, 1}}, {200, {256, 200, 50}}, {5000, {256, 256, 256}}};
    for (size_t row = 0; row < TVN_ARRAY_LEN(rows); row++) {
        for (int policy = 0; policy < 2; policy++) {
            start_with(&(struct tvn_workers_options){
                .threads = 1,
                .policy = policy == 0 ? TVN_WORKERS_DEMAND_DRIVEN : TVN_WORKERS_FIFO,
                .quantum = {rows[row].normal, 1000}});
            for (int i = 0; i < 3; i++) {
                fakes[i].turn = yield_some;
                fakes[i].turns_wanted = 1;
                spawn_with(&fakes[i], (enum tvn_task_priority)i);
            }
            end(3);
            for (int i = 0; i < 3; i++) {
                uint32_t expected = rows[row].expected[policy == 0 ? i : TVN_TASK_NORMAL];
                assert_int_equal(fakes[i].elements, expected);
            }
        }
    }
}

/* Sleeps until the sum of what was posted has come. */
static enum tvn_flow_turn take_posts(struct fake *fake, const struct tvn_flow_quantum *quantum,
                                     struct tvn_flow_wait *out_wait)
{
    (void)quantum;
    fake->elements += atomic_exchange_explicit(&fake->posted, 0, memory_order_relaxed);
    *out_wait = (struct tvn_flow_wait){.wake_ns = UINT64_MAX};
    return fake->elements == fake->turns_wanted ? TVN_FLOW_DONE : TVN_FLOW_IDLE;
}

#define SENDERS 3
#define POSTS   3000

static void *send(void *argument)
{
    (void)argument;
    for (int i = 0; i < POSTS; i++) {
        struct fake *fake = &fakes[i % 7];
        atomic_fetch_add_explicit(&fake->posted, 1, memory_order_relaxed);
        tvn_task_wake(workers, fake->task);
    }
    return NULL;
}

/* Would hang if a wake-up were lost: nothing else wakes these tasks. */
static void test_workers_wake_from_other_threads_none_is_lost(void **state)
{
    (void)state;
    for (uint32_t threads = 1; threads <= 3; threads++) {
        start(threads);
        for (int i = 0; i < 7; i++) {
            fakes[i].turn = take_posts;
            for (int post = i; post < POSTS; post += 7) {
                fakes[i].turns_wanted += SENDERS;
            }
            spawn(&fakes[i]);
        }
        pthread_t senders[SENDERS];
        for (int i = 0; i < SENDERS; i++) {
            assert_int_equal(pthread_create(&senders[i], NULL, send, NULL), 0);
        }
        for (int i = 0; i < SENDERS; i++) {
            pthread_join(senders[i], NULL);
        }
        end(7);
    }
}

/* A ring: each passes a token on and sleeps. */
static enum tvn_flow_turn pass_on(struct fake *fake, const struct tvn_flow_quantum *quantum,
                                  struct tvn_flow_wait *out_wait)
{
    (void)quantum;
    uint32_t tokens = atomic_exchange_explicit(&fake->posted, 0, memory_order_acquire);
    fake->elements += tokens;
    if (tokens > 0) {
        atomic_fetch_add_explicit(&fake->next->posted, tokens, memory_order_release);
        tvn_task_wake(workers, fake->next->task);
    }
    *out_wait = (struct tvn_flow_wait){.wake_ns = UINT64_MAX};
    return fake->elements >= fake->turns_wanted ? TVN_FLOW_DONE : TVN_FLOW_IDLE;
}

static void test_workers_tasks_wake_each_other(void **state)
{
    (void)state;
    start(3);
    for (int i = 0; i < 50; i++) {
        fakes[i].turn = pass_on;
        fakes[i].next = &fakes[(i + 1) % 50];
        fakes[i].turns_wanted = 100;
        spawn(&fakes[i]);
    }
    atomic_store(&fakes[0].posted, 1);
    tvn_task_wake(workers, fakes[0].task);
    end(50);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(fakes[i].elements, 100);
    }
}

static enum tvn_flow_turn read_event(struct fake *fake, const struct tvn_flow_quantum *quantum,
                                     struct tvn_flow_wait *out_wait)
{
    (void)quantum;
    eventfd_t value;
    while (eventfd_read(fake->fd, &value) == 0) {
        fake->elements += value;
    }
    *out_wait = (struct tvn_flow_wait){.wake_ns = UINT64_MAX, .fd_count = 1};
    out_wait->fds[0].fd = fake->fd;
    out_wait->fds[0].events = POLLIN;
    return fake->elements == fake->turns_wanted ? TVN_FLOW_DONE : TVN_FLOW_IDLE;
}

static void test_workers_descriptors_wake_tasks(void **state)
{
    (void)state;
    for (uint32_t threads = 1; threads <= 3; threads++) {
        start(threads);
        for (int i = 0; i < 100; i++) {
            fakes[i].turn = read_event;
            fakes[i].turns_wanted = 50;
            fakes[i].fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
            assert_true(fakes[i].fd >= 0);
            spawn(&fakes[i]);
        }
        /* And one that keeps a worker busy all the time. */
        fakes[100].turn = yield_some;
        fakes[100].turns_wanted = 20000;
        spawn(&fakes[100]);
        for (int round = 0; round < 50; round++) {
            for (int i = 0; i < 100; i++) {
                assert_int_equal(eventfd_write(fakes[i].fd, 1), 0);
            }
        }
        end(101);
        for (int i = 0; i < 100; i++) {
            close(fakes[i].fd);
        }
    }
}

static enum tvn_flow_turn sleep_often(struct fake *fake, const struct tvn_flow_quantum *quantum,
                                      struct tvn_flow_wait *out_wait)
{
    (void)quantum;
    *out_wait = (struct tvn_flow_wait){.wake_ns = tvn_clock_monotonic_ns() + fake->elements};
    return fake->turns == fake->turns_wanted ? TVN_FLOW_DONE : TVN_FLOW_IDLE;
}

static void test_workers_timers_wake_tasks(void **state)
{
    (void)state;
    start(2);
    for (uint32_t i = 0; i < 300; i++) {
        fakes[i].turn = sleep_often;
        fakes[i].turns_wanted = 20;
        fakes[i].elements = i * 5000;
        spawn(&fakes[i]);
    }
    end(300);
}

/* Spins until told to stop: the other worker must serve everything else meanwhile. */
static enum tvn_flow_turn hog(struct fake *fake, const struct tvn_flow_quantum *quantum,
                              struct tvn_flow_wait *out_wait)
{
    (void)quantum;
    (void)out_wait;
    while (!atomic_load(&fake->stop)) {
        sched_yield();
    }
    return TVN_FLOW_DONE;
}

static _Atomic uint32_t stalls_told;

static void stalled(void *context, const char *task, uint64_t running_ns)
{
    (void)context;
    assert_string_equal(task, "fake");
    assert_true(running_ns >= TVN_WORKERS_STALL_NS);
    atomic_fetch_add(&stalls_told, 1);
}

static void test_workers_a_long_turn_holds_up_nobody_and_is_reported(void **state)
{
    (void)state;
    atomic_store(&stalls_told, 0);
    start_with(&(struct tvn_workers_options){
        .threads = 2, .quantum = TVN_FLOW_QUANTUM_DEFAULT, .stalled = stalled});
    fakes[0].turn = hog;
    spawn(&fakes[0]);
    for (uint32_t i = 1; i < 100; i++) {
        fakes[i].turn = i % 2 == 0 ? sleep_often : yield_some;
        fakes[i].turns_wanted = 20;
        fakes[i].elements = 1000;
        spawn(&fakes[i]);
    }
    await_done(99);
    while (atomic_load(&stalls_told) == 0) {
        sched_yield();
    }
    atomic_store(&fakes[0].stop, true);
    await_done(100);
    assert_true(tvn_workers_stalls(workers) >= 1);
    end(100);
}

static enum tvn_flow_turn end_at_once(struct fake *fake, const struct tvn_flow_quantum *quantum,
                                      struct tvn_flow_wait *out_wait)
{
    (void)fake;
    (void)quantum;
    (void)out_wait;
    return TVN_FLOW_DONE;
}

/* Slots are reused; a wake-up that comes too late is harmless. */
static void test_workers_late_wake_is_harmless(void **state)
{
    (void)state;
    start(2);
    for (uint32_t i = 0; i < TASKS_MAX; i++) {
        fakes[i].turn = end_at_once;
        spawn(&fakes[i]);
        tvn_task_wake(workers, fakes[i / 2].task);
    }
    end(TASKS_MAX);
}

static void test_workers_weighted_fair_and_pinned(void **state)
{
    (void)state;
    start_with(&(struct tvn_workers_options){.threads = 2,
                                             .policy = TVN_WORKERS_WEIGHTED_FAIR,
                                             .quantum = TVN_FLOW_QUANTUM_DEFAULT,
                                             .pin = true});
    for (int i = 0; i < 600; i++) {
        fakes[i].turn = i % 3 == 0 ? sleep_often : yield_some;
        fakes[i].turns_wanted = 30;
        fakes[i].elements = 100;
        spawn_with(&fakes[i], (enum tvn_task_priority)(i % 3));
    }
    end(600);
}

static void test_workers_magazines_are_the_threads_own(void **state)
{
    (void)state;
    struct tvn_resources_options options;
    tvn_resources_options_default(&options);
    TVN_AUTO(tvn_resources) resources = NULL;
    assert_status(tvn_resources_create(&options, &resources), TVN_OK);
    start_with(&(struct tvn_workers_options){
        .threads = 2, .quantum = TVN_FLOW_QUANTUM_DEFAULT, .resources = resources});
    fakes[0].turn = end_at_once;
    spawn(&fakes[0]);
    end(1);
}

/* Every allocation of create and spawn fails once. */
static void test_workers_out_of_memory_is_survived(void **state)
{
    (void)state;
    const struct tvn_workers_options options = {
        .threads = 2, .policy = TVN_WORKERS_WEIGHTED_FAIR, .quantum = TVN_FLOW_QUANTUM_DEFAULT};
    memset(fakes, 0, sizeof(fakes));
    fakes[0].turn = end_at_once;
    for (uint64_t index = 1;; index++) {
        done_count = 0;
        workers = NULL;
        tvn_mem_fail_at(index, false);
        enum tvn_status status = tvn_workers_create(&options, &workers);
        if (status == TVN_OK) {
            const struct tvn_task_options task = {
                .name = "fake", .run = run_fake, .done = fake_done, .context = &fakes[0]};
            status = tvn_workers_spawn(workers, &task, &fakes[0].task);
        }
        tvn_mem_fail_at(0, false);
        if (status == TVN_OK) {
            end(1);
            assert_true(index > 4);
            return;
        }
        assert_status(status, TVN_E_OUT_OF_MEMORY);
        tvn_workers_destroy(workers);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_workers_create_and_destroy_without_tasks),
    cmocka_unit_test(test_workers_yielding_tasks_all_get_their_turns),
    cmocka_unit_test(test_workers_priority_sets_the_elements_of_a_turn),
    cmocka_unit_test(test_workers_wake_from_other_threads_none_is_lost),
    cmocka_unit_test(test_workers_tasks_wake_each_other),
    cmocka_unit_test(test_workers_descriptors_wake_tasks),
    cmocka_unit_test(test_workers_timers_wake_tasks),
    cmocka_unit_test(test_workers_a_long_turn_holds_up_nobody_and_is_reported),
    cmocka_unit_test(test_workers_late_wake_is_harmless),
    cmocka_unit_test(test_workers_weighted_fair_and_pinned),
    cmocka_unit_test(test_workers_magazines_are_the_threads_own),
    cmocka_unit_test(test_workers_out_of_memory_is_survived),
};
TVN_TEST_MAIN("workers.workers", tests)
