/* SPDX-License-Identifier: Apache-2.0 */
#include "workers/run_queue_internal.h"

#include "tvn_test.h"

#define TASKS 100

static struct tvn_run_queue one;
static struct tvn_run_queue other;
static struct tvn_task tasks[TASKS];

static void start(bool fair)
{
    tvn_run_queue_init(&one, fair);
    tvn_run_queue_init(&other, fair);
    assert_status(tvn_run_queue_reserve(&one, TASKS), TVN_OK);
    assert_status(tvn_run_queue_reserve(&other, TASKS), TVN_OK);
    for (int i = 0; i < TASKS; i++) {
        tasks[i] = (struct tvn_task){.fair = {.position = TVN_HEAP_OUT}};
    }
}

static void end(void)
{
    tvn_run_queue_deinit(&one);
    tvn_run_queue_deinit(&other);
}

static void test_run_queue_fifo_keeps_the_order(void **state)
{
    (void)state;
    start(false);
    assert_null(tvn_run_queue_pop(&one));
    for (uint32_t i = 0; i < TASKS; i++) {
        assert_int_equal(tvn_run_queue_push(&one, &tasks[i]), i + 1);
    }
    for (int i = 0; i < TASKS; i++) {
        assert_ptr_equal(tvn_run_queue_pop(&one), &tasks[i]);
    }
    assert_false(tvn_run_queue_has_task(&one));
    (void)tvn_run_queue_push(&one, &tasks[0]);
    assert_ptr_equal(tvn_run_queue_pop(&one), &tasks[0]);
    end();
}

static void test_run_queue_steal_takes_the_first_half(void **state)
{
    (void)state;
    start(false);
    for (int i = 0; i < 5; i++) {
        (void)tvn_run_queue_push(&one, &tasks[i]);
    }
    assert_int_equal(tvn_run_queue_steal(&one, &other, TVN_STEAL_MAX), 3);
    for (int i = 0; i < 3; i++) {
        assert_ptr_equal(tvn_run_queue_pop(&other), &tasks[i]);
    }
    assert_int_equal(tvn_run_queue_steal(&one, &other, 1), 1);
    assert_ptr_equal(tvn_run_queue_pop(&other), &tasks[3]);
    assert_ptr_equal(tvn_run_queue_pop(&one), &tasks[4]);
    assert_int_equal(tvn_run_queue_steal(&one, &other, TVN_STEAL_MAX), 0);
    end();
}

static void test_run_queue_steal_is_bounded(void **state)
{
    (void)state;
    start(false);
    for (int i = 0; i < TASKS; i++) {
        (void)tvn_run_queue_push(&one, &tasks[i]);
    }
    assert_int_equal(tvn_run_queue_steal(&one, &other, UINT32_MAX), TVN_STEAL_MAX);
    for (int i = 0; i < TVN_STEAL_MAX; i++) {
        assert_ptr_equal(tvn_run_queue_pop(&other), &tasks[i]);
    }
    while (tvn_run_queue_pop(&one)) {
    }
    end();
}

/* Turns of two tasks that are always ready; `cost` is what a turn of each costs. */
static void take_turns(uint32_t turns, const uint64_t cost[2], uint32_t out_turns[2])
{
    out_turns[0] = 0;
    out_turns[1] = 0;
    (void)tvn_run_queue_push(&one, &tasks[0]);
    (void)tvn_run_queue_push(&one, &tasks[1]);
    for (uint32_t i = 0; i < turns; i++) {
        struct tvn_task *task = tvn_run_queue_pop(&one);
        out_turns[task - tasks]++;
        task->cost = cost[task - tasks];
        (void)tvn_run_queue_push(&one, task);
    }
    while (tvn_run_queue_pop(&one)) {
    }
}

static void test_run_queue_fair_shares_time_not_turns(void **state)
{
    (void)state;
    start(true);
    uint32_t turns[2];
    take_turns(4000, (uint64_t[]){100, 300}, turns);
    assert_in_range(turns[0], 2990, 3010);
    assert_int_equal(turns[0] + turns[1], 4000);
    end();
}

static void test_run_queue_fair_who_slept_has_saved_nothing(void **state)
{
    (void)state;
    start(true);
    uint32_t turns[2];
    take_turns(1000, (uint64_t[]){100, 100}, turns);
    /* The third comes late: it takes its turn, not all that it has missed. */
    (void)tvn_run_queue_push(&one, &tasks[2]);
    tasks[0].cost = 100;
    (void)tvn_run_queue_push(&one, &tasks[0]);
    for (int i = 0; i < 10; i++) {
        struct tvn_task *expected = i % 2 == 0 ? &tasks[2] : &tasks[0];
        assert_ptr_equal(tvn_run_queue_pop(&one), expected);
        expected->cost = 100;
        (void)tvn_run_queue_push(&one, expected);
    }
    while (tvn_run_queue_pop(&one)) {
    }
    end();
}

static void test_run_queue_fair_stolen_tasks_keep_their_distance(void **state)
{
    (void)state;
    start(true);
    uint32_t turns[2];
    take_turns(1000, (uint64_t[]){1000, 1000}, turns); /* moves the floor of `one` far ahead */
    tasks[2].cost = 10;
    tasks[3].cost = 20;
    (void)tvn_run_queue_push(&one, &tasks[2]);
    (void)tvn_run_queue_push(&one, &tasks[3]);
    assert_int_equal(tvn_run_queue_steal(&one, &other, 1), 1);
    assert_int_equal(tvn_run_queue_steal(&one, &other, 1), 1);
    tasks[4].cost = 15;
    (void)tvn_run_queue_push(&other, &tasks[4]);
    assert_ptr_equal(tvn_run_queue_pop(&other), &tasks[2]);
    assert_ptr_equal(tvn_run_queue_pop(&other), &tasks[4]);
    assert_ptr_equal(tvn_run_queue_pop(&other), &tasks[3]);
    end();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_run_queue_fifo_keeps_the_order),
    cmocka_unit_test(test_run_queue_steal_takes_the_first_half),
    cmocka_unit_test(test_run_queue_steal_is_bounded),
    cmocka_unit_test(test_run_queue_fair_shares_time_not_turns),
    cmocka_unit_test(test_run_queue_fair_who_slept_has_saved_nothing),
    cmocka_unit_test(test_run_queue_fair_stolen_tasks_keep_their_distance),
};
TVN_TEST_MAIN("workers.run_queue", tests)
