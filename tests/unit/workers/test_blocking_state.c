/* SPDX-License-Identifier: Apache-2.0 */
#include "workers/blocking_state_internal.h"

#include "tvn_test.h"

#include <pthread.h>
#include <sched.h>

static void test_blocking_word_left_in_time_keeps_the_worker(void **state)
{
    (void)state;
    tvn_blocking_word word = TVN_BLOCKING_NONE;
    tvn_blocking_word_enter(&word, 7, 3);
    assert_true(tvn_blocking_word_holds(atomic_load(&word)));
    assert_true(tvn_blocking_word_leave(&word));
    assert_int_equal(atomic_load(&word), TVN_BLOCKING_NONE);
    assert_false(tvn_blocking_word_holds(atomic_load(&word)));
}

static void test_blocking_word_retaken_is_not_left_but_resumed(void **state)
{
    (void)state;
    for (uint32_t worker = 0; worker < 1200; worker += 109) {
        tvn_blocking_word word = TVN_BLOCKING_NONE;
        tvn_blocking_word_enter(&word, 7, worker);
        uint32_t taken = UINT32_MAX;
        assert_true(tvn_blocking_word_retake(&word, atomic_load(&word), &taken));
        assert_int_equal(taken, worker);
        assert_false(tvn_blocking_word_holds(atomic_load(&word)));
        assert_false(tvn_blocking_word_leave(&word));
        assert_false(tvn_blocking_word_leave(&word));
        tvn_blocking_word_resume(&word);
        assert_int_equal(atomic_load(&word), TVN_BLOCKING_NONE);
    }
}

static void test_blocking_word_of_another_call_is_not_retaken(void **state)
{
    (void)state;
    tvn_blocking_word word = TVN_BLOCKING_NONE;
    tvn_blocking_word_enter(&word, 7, 3);
    uint64_t seen = atomic_load(&word);
    assert_true(tvn_blocking_word_leave(&word));
    uint32_t taken;
    assert_false(tvn_blocking_word_retake(&word, seen, &taken));
    tvn_blocking_word_enter(&word, 8, 3);
    assert_false(tvn_blocking_word_retake(&word, seen, &taken));
    assert_true(tvn_blocking_word_leave(&word));
}

static void test_blocking_word_is_overdue_after_a_whole_tick(void **state)
{
    (void)state;
    static const uint64_t begins[] = {0, 1, 1000, TVN_BLOCKING_TICKS_MAX - 1,
                                      TVN_BLOCKING_TICKS_MAX};
    for (size_t i = 0; i < TVN_ARRAY_LEN(begins); i++) {
        tvn_blocking_word word = TVN_BLOCKING_NONE;
        tvn_blocking_word_enter(&word, begins[i], 0);
        uint64_t seen = atomic_load(&word);
        assert_false(tvn_blocking_word_is_overdue(seen, begins[i]));
        assert_false(tvn_blocking_word_is_overdue(seen, begins[i] + 1));
        assert_true(tvn_blocking_word_is_overdue(seen, begins[i] + 2));
        assert_true(tvn_blocking_word_is_overdue(seen, begins[i] + 1000));
    }
    assert_false(tvn_blocking_word_is_overdue(TVN_BLOCKING_NONE, 1000));
    assert_false(tvn_blocking_word_is_overdue(TVN_BLOCKING_RETAKEN, 1000));
}

/* A worker that is nobody's but its thread's: plain memory, so that ThreadSanitizer sees a mistake.
 */
#define CALLS 20000

static tvn_blocking_word shared;
static uint64_t of_worker;
static _Atomic bool given_back;
static _Atomic bool over;

static void *retaker(void *argument)
{
    uint64_t *taken_count = argument;
    while (!atomic_load(&over)) {
        uint64_t seen = atomic_load_explicit(&shared, memory_order_relaxed);
        uint32_t worker;
        if (tvn_blocking_word_holds(seen) && tvn_blocking_word_retake(&shared, seen, &worker)) {
            assert_int_equal(worker, 5);
            of_worker++;
            (*taken_count)++;
            atomic_store_explicit(&given_back, true, memory_order_release);
        }
    }
    return NULL;
}

static void test_blocking_word_has_one_winner(void **state)
{
    (void)state;
    uint64_t taken_count = 0;
    uint64_t lost_count = 0;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, retaker, &taken_count), 0);
    for (uint64_t i = 0; i < CALLS; i++) {
        of_worker++;
        tvn_blocking_word_enter(&shared, i, 5);
        if (i % 16 == 0) {
            sched_yield();
        }
        if (!tvn_blocking_word_leave(&shared)) {
            lost_count++;
            while (!atomic_exchange_explicit(&given_back, false, memory_order_acquire)) {
            }
            tvn_blocking_word_resume(&shared);
        }
    }
    atomic_store(&over, true);
    pthread_join(thread, NULL);
    assert_int_equal(taken_count, lost_count);
    assert_int_equal(of_worker, CALLS + taken_count);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_blocking_word_left_in_time_keeps_the_worker),
    cmocka_unit_test(test_blocking_word_retaken_is_not_left_but_resumed),
    cmocka_unit_test(test_blocking_word_of_another_call_is_not_retaken),
    cmocka_unit_test(test_blocking_word_is_overdue_after_a_whole_tick),
    cmocka_unit_test(test_blocking_word_has_one_winner),
};
TVN_TEST_MAIN("workers.blocking_state", tests)
