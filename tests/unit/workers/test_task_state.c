/* SPDX-License-Identifier: Apache-2.0 */
#include "workers/task_state_internal.h"

#include "tvn_test.h"

#include <pthread.h>

static tvn_task_state word;

#define assert_state(expected) assert_int_equal(atomic_load(&word), (expected))

static void test_task_state_notify_only_an_idle_task_is_to_be_queued(void **state)
{
    (void)state;
    atomic_store(&word, TVN_TASK_FREE);
    assert_false(tvn_task_state_notify(&word));
    assert_state(TVN_TASK_FREE);
    tvn_task_state_requeue(&word);
    assert_false(tvn_task_state_notify(&word));
    assert_state(TVN_TASK_QUEUED);
    tvn_task_state_begin(&word);
    assert_true(tvn_task_state_sleep(&word));
    assert_true(tvn_task_state_notify(&word));
    assert_state(TVN_TASK_QUEUED);
    assert_false(tvn_task_state_notify(&word));
}

static void test_task_state_notified_while_running_does_not_sleep(void **state)
{
    (void)state;
    atomic_store(&word, TVN_TASK_QUEUED);
    tvn_task_state_begin(&word);
    assert_false(tvn_task_state_notify(&word));
    assert_false(tvn_task_state_notify(&word));
    assert_state(TVN_TASK_NOTIFIED);
    assert_false(tvn_task_state_sleep(&word));
    tvn_task_state_requeue(&word);
    tvn_task_state_begin(&word);
    assert_true(tvn_task_state_sleep(&word));
}

static void test_task_state_finished_is_free(void **state)
{
    (void)state;
    atomic_store(&word, TVN_TASK_NOTIFIED);
    tvn_task_state_finish(&word);
    assert_state(TVN_TASK_FREE);
    assert_false(tvn_task_state_notify(&word));
}

/*
 * A mailbox: many senders post and notify; whoever gets to queue the task runs it, empties the
 * mailbox and lets it sleep. At the end nothing may be left in the box of a sleeping task.
 */
#define SENDERS 4
#define POSTS   20000

static _Atomic uint32_t posted;
static uint32_t taken;     /* plain: one runner at a time */
static _Atomic int inside; /* runners */

static void run_until_asleep(void)
{
    for (;;) {
        assert_int_equal(atomic_fetch_add(&inside, 1), 0);
        tvn_task_state_begin(&word);
        taken += atomic_exchange_explicit(&posted, 0, memory_order_relaxed);
        assert_int_equal(atomic_fetch_sub(&inside, 1), 1);
        if (tvn_task_state_sleep(&word)) {
            return;
        }
        tvn_task_state_requeue(&word);
    }
}

static void *send(void *argument)
{
    (void)argument;
    for (int i = 0; i < POSTS; i++) {
        atomic_fetch_add_explicit(&posted, 1, memory_order_relaxed);
        if (tvn_task_state_notify(&word)) {
            run_until_asleep();
        }
    }
    return NULL;
}

static void test_task_state_many_senders_no_post_is_lost(void **state)
{
    (void)state;
    atomic_store(&word, TVN_TASK_IDLE);
    pthread_t threads[SENDERS];
    for (int i = 0; i < SENDERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, send, NULL), 0);
    }
    for (int i = 0; i < SENDERS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_state(TVN_TASK_IDLE);
    assert_int_equal(atomic_load(&posted), 0);
    assert_int_equal(taken, SENDERS * POSTS);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_task_state_notify_only_an_idle_task_is_to_be_queued),
    cmocka_unit_test(test_task_state_notified_while_running_does_not_sleep),
    cmocka_unit_test(test_task_state_finished_is_free),
    cmocka_unit_test(test_task_state_many_senders_no_post_is_lost),
};
TVN_TEST_MAIN("workers.task_state", tests)
