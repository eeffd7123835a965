/* SPDX-License-Identifier: Apache-2.0 */
#include "workers/lock_internal.h"

#include "tvn_test.h"

#include <pthread.h>
#include <unistd.h>

#define THREADS 4
#define ROUNDS  20000

static struct tvn_lock lock;
static uint64_t counter; /* with the lock */
static _Atomic bool has_taken;

static void test_lock_zeroed_is_free_and_is_free_again(void **state)
{
    (void)state;
    tvn_lock_take(&lock);
    assert_int_equal(atomic_load(&lock.word), TVN_LOCK_HELD);
    tvn_lock_give(&lock);
    assert_int_equal(atomic_load(&lock.word), TVN_LOCK_FREE);
}

static void *take_once(void *argument)
{
    (void)argument;
    tvn_lock_take(&lock);
    atomic_store(&has_taken, true);
    tvn_lock_give(&lock);
    return NULL;
}

static void test_lock_held_is_waited_for_and_given_wakes(void **state)
{
    (void)state;
    tvn_lock_take(&lock);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, take_once, NULL), 0);
    }
    while (atomic_load(&lock.word) != TVN_LOCK_WANTED) {
        usleep(100);
    }
    assert_false(atomic_load(&has_taken));
    tvn_lock_give(&lock);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_true(atomic_load(&has_taken));
    assert_int_equal(atomic_load(&lock.word), TVN_LOCK_FREE);
}

static void *count(void *argument)
{
    (void)argument;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        tvn_lock_take(&lock);
        counter++;
        tvn_lock_give(&lock);
    }
    return NULL;
}

static void test_lock_many_threads_one_at_a_time(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, count, NULL), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(counter, THREADS * ROUNDS);
    assert_int_equal(atomic_load(&lock.word), TVN_LOCK_FREE);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_lock_zeroed_is_free_and_is_free_again),
    cmocka_unit_test(test_lock_held_is_waited_for_and_given_wakes),
    cmocka_unit_test(test_lock_many_threads_one_at_a_time),
};

TVN_TEST_MAIN("workers.lock", tests)
