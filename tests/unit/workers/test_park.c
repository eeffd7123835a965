/* SPDX-License-Identifier: Apache-2.0 */
#include "workers/park_internal.h"

#include "tvn_test.h"

#include <pthread.h>

#define ROUNDS 5000

static struct tvn_park here;
static struct tvn_park there;
static _Atomic uint32_t turn;

static void test_park_wake_before_wait_is_kept(void **state)
{
    (void)state;
    assert_false(tvn_park_wake(&here));
    tvn_park_wait(&here);
    assert_int_equal(atomic_load(&here.word), TVN_PARK_AWAKE);
    assert_false(tvn_park_wake(&here));
    assert_false(tvn_park_begin_poll(&here)); /* takes it */
    assert_true(tvn_park_begin_poll(&here));
    assert_true(tvn_park_wake(&here)); /* the caller must end the poll */
    tvn_park_end_poll(&here);
    assert_int_equal(atomic_load(&here.word), TVN_PARK_AWAKE);
}

static void *answer(void *argument)
{
    (void)argument;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        while (atomic_load(&turn) != 2 * i + 1) {
            tvn_park_wait(&there);
        }
        atomic_store(&turn, 2 * i + 2);
        (void)tvn_park_wake(&here);
    }
    return NULL;
}

static void test_park_ping_pong_no_wake_is_lost(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, answer, NULL), 0);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        atomic_store(&turn, 2 * i + 1);
        (void)tvn_park_wake(&there);
        while (atomic_load(&turn) != 2 * i + 2) {
            tvn_park_wait(&here);
        }
    }
    pthread_join(thread, NULL);
    assert_int_equal(atomic_load(&turn), 2 * ROUNDS);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_park_wake_before_wait_is_kept),
    cmocka_unit_test(test_park_ping_pong_no_wake_is_lost),
};
TVN_TEST_MAIN("workers.park", tests)
