/* SPDX-License-Identifier: Apache-2.0 */
#include "reactor/queue.h"

#include "tvn_test.h"

#include <math.h>

static struct tvn_element element(uint64_t sequence)
{
    return (struct tvn_element){.sequence = sequence};
}

static void push(struct tvn_queue *queue, uint64_t sequence)
{
    struct tvn_element e = element(sequence);
    assert_status(tvn_queue_push(queue, &e), TVN_OK);
}

static uint64_t pop(struct tvn_queue *queue)
{
    assert_non_null(tvn_queue_front(queue));
    uint64_t sequence = tvn_queue_front(queue)->sequence;
    tvn_queue_pop(queue);
    return sequence;
}

static void test_queue_init_bounds(void **state)
{
    (void)state;
    struct tvn_queue queue = {0};
    assert_status(tvn_queue_init(&queue, 0, 0.5), TVN_E_CONSTRAINT_VIOLATION);
    assert_status(tvn_queue_init(&queue, TVN_QUEUE_CAPACITY_MAX + 1, 0.5),
                  TVN_E_CONSTRAINT_VIOLATION);
    assert_status(tvn_queue_init(&queue, 4, -0.1), TVN_E_CONSTRAINT_VIOLATION);
    assert_status(tvn_queue_init(&queue, 4, 1.01), TVN_E_CONSTRAINT_VIOLATION);
    assert_status(tvn_queue_init(&queue, 4, (double)NAN), TVN_E_CONSTRAINT_VIOLATION);
    assert_null(queue.slots);
    tvn_mem_fail_at(1, false);
    assert_status(tvn_queue_init(&queue, 4, 0.5), TVN_E_OUT_OF_MEMORY);
    tvn_queue_deinit(&queue);
}

static void test_queue_low_mark_is_below_capacity(void **state)
{
    (void)state;
    static const struct {
        uint32_t capacity;
        double ratio;
        uint32_t low_mark;
    } cases[] = {{1, 0.5, 0},  {16, 0.5, 8}, {5, 0.5, 2},
                 {10, 0.0, 0}, {4, 0.25, 1}, {3, 0.9999999999999999, 2},
                 {4, 1.0, 3},  {1, 1.0, 0}};
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        struct tvn_queue queue;
        assert_status(tvn_queue_init(&queue, cases[i].capacity, cases[i].ratio), TVN_OK);
        assert_int_equal(queue.low_mark, cases[i].low_mark);
        tvn_queue_deinit(&queue);
    }
}

static void test_queue_push_when_full_returns_full_and_changes_nothing(void **state)
{
    (void)state;
    struct tvn_queue queue;
    assert_status(tvn_queue_init(&queue, 2, 0.5), TVN_OK);
    push(&queue, 1);
    push(&queue, 2);
    struct tvn_element third = element(3);
    assert_status(tvn_queue_push(&queue, &third), TVN_FULL);
    assert_int_equal(queue.count, 2);
    assert_int_equal(pop(&queue), 1);
    assert_int_equal(pop(&queue), 2);
    assert_null(tvn_queue_front(&queue));
    tvn_queue_deinit(&queue);
}

static void test_queue_is_first_in_first_out_across_wraps(void **state)
{
    (void)state;
    for (uint32_t capacity = 1; capacity <= 9; capacity++) {
        struct tvn_queue queue;
        assert_status(tvn_queue_init(&queue, capacity, 0.5), TVN_OK);
        uint64_t random = tvn_test_seed();
        uint64_t in = 0, out = 0;
        for (int i = 0; i < 500; i++) {
            if ((tvn_test_random(&random) & 1) && !tvn_queue_is_full(&queue)) {
                push(&queue, in++);
            } else if (queue.count > 0) {
                assert_int_equal(pop(&queue), out++);
            }
            assert_int_equal(queue.count, in - out);
        }
        while (queue.count > 0) {
            assert_int_equal(pop(&queue), out++);
        }
        tvn_queue_deinit(&queue);
    }
}

static void test_queue_throttles_at_capacity_relieves_at_low_mark(void **state)
{
    (void)state;
    struct tvn_queue queue;
    assert_status(tvn_queue_init(&queue, 4, 0.5), TVN_OK);
    for (int i = 0; i < 3; i++) {
        push(&queue, 0);
        assert_false(queue.throttled);
    }
    push(&queue, 0);
    assert_true(queue.throttled);
    pop(&queue);
    assert_true(queue.throttled);
    push(&queue, 0); /* full again: the same episode */
    assert_true(queue.throttled);
    pop(&queue);
    pop(&queue);
    assert_false(queue.throttled);
    push(&queue, 0);
    assert_false(queue.throttled); /* 3 of 4: below capacity */
    while (queue.count > 0) {
        pop(&queue);
    }
    tvn_queue_deinit(&queue);
}

/* Hysteresis: edges alternate, rise only at capacity, fall only at or below the low mark. */
static void test_queue_property_throttle_edges_alternate(void **state)
{
    (void)state;
    uint64_t random = tvn_test_seed();
    for (int round = 0; round < 200; round++) {
        uint32_t capacity = 1 + (uint32_t)(tvn_test_random(&random) % 20);
        double ratio = (double)(tvn_test_random(&random) % 100) / 100.0;
        struct tvn_queue queue;
        assert_status(tvn_queue_init(&queue, capacity, ratio), TVN_OK);
        bool model = false;
        for (int i = 0; i < 300; i++) {
            bool was = queue.throttled;
            if (tvn_test_random(&random) % 100 < 50) {
                struct tvn_element e = element(0);
                if (tvn_queue_push(&queue, &e) == TVN_OK && queue.count == capacity) {
                    model = true;
                }
            } else if (queue.count > 0) {
                pop(&queue);
                if ((double)queue.count <= ratio * (double)capacity) {
                    model = false;
                }
            }
            assert_int_equal(queue.throttled, model);
            if (was != queue.throttled) {
                assert_true(queue.throttled ? queue.count == capacity
                                            : queue.count <= queue.low_mark);
            }
        }
        while (queue.count > 0) {
            pop(&queue);
        }
        assert_false(queue.throttled);
        tvn_queue_deinit(&queue);
    }
}

static void commit_sized(struct tvn_queue *queue, uint32_t bytes)
{
    *tvn_queue_next_slot(queue) = element(0);
    tvn_queue_commit_sized(queue, bytes);
}

static void test_queue_limit_bytes_bounds(void **state)
{
    (void)state;
    struct tvn_queue queue;
    assert_status(tvn_queue_init(&queue, 4, 0.5), TVN_OK);
    assert_status(tvn_queue_limit_bytes(&queue, 0, 0.5), TVN_E_CONSTRAINT_VIOLATION);
    assert_status(tvn_queue_limit_bytes(&queue, TVN_QUEUE_BYTES_MAX + 1, 0.5),
                  TVN_E_CONSTRAINT_VIOLATION);
    assert_status(tvn_queue_limit_bytes(&queue, 8, (double)NAN), TVN_E_CONSTRAINT_VIOLATION);
    tvn_mem_fail_at(1, false);
    assert_status(tvn_queue_limit_bytes(&queue, 8, 0.5), TVN_E_OUT_OF_MEMORY);
    assert_null(queue.sizes);
    assert_status(tvn_queue_limit_bytes(&queue, 8, 1.0), TVN_OK);
    assert_int_equal(queue.low_bytes, 7);
    tvn_queue_deinit(&queue);
}

static void test_queue_fits_up_to_its_bytes_and_anything_when_empty(void **state)
{
    (void)state;
    struct tvn_queue queue;
    assert_status(tvn_queue_init(&queue, 4, 0.5), TVN_OK);
    assert_status(tvn_queue_limit_bytes(&queue, 100, 0.5), TVN_OK);
    assert_true(tvn_queue_fits(&queue, UINT32_MAX));
    commit_sized(&queue, 60);
    assert_true(tvn_queue_fits(&queue, 40));
    assert_false(tvn_queue_fits(&queue, 41));
    assert_false(queue.throttled);
    commit_sized(&queue, 40);
    assert_true(queue.throttled); /* full by bytes */
    assert_true(tvn_queue_fits(&queue, 0));
    commit_sized(&queue, 0);
    tvn_queue_pop_sized(&queue); /* 40 bytes, 2 elements: at both low marks */
    assert_int_equal(queue.bytes, 40);
    assert_false(queue.throttled);
    tvn_queue_pop_sized(&queue);
    tvn_queue_pop_sized(&queue);
    commit_sized(&queue, 500); /* more than all, but alone */
    assert_true(queue.throttled);
    assert_false(tvn_queue_fits(&queue, 0));
    tvn_queue_pop_sized(&queue);
    assert_false(queue.throttled);
    assert_int_equal(queue.bytes, 0);
    tvn_queue_deinit(&queue);
}

static void test_queue_is_relieved_only_when_both_marks_are_reached(void **state)
{
    (void)state;
    struct tvn_queue queue;
    assert_status(tvn_queue_init(&queue, 8, 0.5), TVN_OK);
    assert_status(tvn_queue_limit_bytes(&queue, 100, 0.5), TVN_OK);
    static const uint32_t sizes[] = {1, 1, 1, 1, 1, 1, 30, 64};
    for (size_t i = 0; i < TVN_ARRAY_LEN(sizes); i++) {
        commit_sized(&queue, sizes[i]);
    }
    for (uint32_t left = 7; left >= 2; left--) { /* few elements, but 94 bytes of them */
        tvn_queue_pop_sized(&queue);
        assert_true(queue.throttled);
    }
    tvn_queue_pop_sized(&queue);
    assert_true(queue.throttled); /* 64 */
    tvn_queue_pop_sized(&queue);
    assert_false(queue.throttled);
    tvn_queue_deinit(&queue);
}

static void test_queue_slots_in_a_row_end_at_the_wrap(void **state)
{
    (void)state;
    struct tvn_queue queue;
    assert_status(tvn_queue_init(&queue, 4, 0.5), TVN_OK);
    assert_int_equal(tvn_queue_slots_in_a_row(&queue), 4);
    push(&queue, 0);
    push(&queue, 1);
    assert_int_equal(tvn_queue_slots_in_a_row(&queue), 2);
    pop(&queue);
    push(&queue, 2);
    push(&queue, 3);
    assert_int_equal(tvn_queue_slots_in_a_row(&queue), 1); /* wrapped: slot 0 */
    push(&queue, 4);
    assert_int_equal(tvn_queue_slots_in_a_row(&queue), 0);
    while (queue.count > 0) {
        pop(&queue);
    }
    tvn_queue_deinit(&queue);
}

static void pop_empty(void *argument)
{
    tvn_queue_pop(argument);
}
static void deinit_full(void *argument)
{
    struct tvn_queue *queue = argument;
    struct tvn_element e = element(0);
    if (tvn_queue_push(queue, &e) == TVN_OK) {
        tvn_queue_deinit(queue);
    }
}

static void test_queue_misuse_aborts(void **state)
{
    (void)state;
    struct tvn_queue queue;
    assert_status(tvn_queue_init(&queue, 1, 0.5), TVN_OK);
    assert_aborts(pop_empty, &queue);
    assert_aborts(deinit_full, &queue);
    tvn_queue_deinit(&queue);
}

static void test_overflow_policy_names_are_the_specifications(void **state)
{
    (void)state;
    assert_string_equal(tvn_overflow_policy_name(TVN_OVERFLOW_BLOCK), "block");
    assert_string_equal(tvn_overflow_policy_name(TVN_OVERFLOW_DROP_OLDEST), "drop-oldest");
    assert_string_equal(tvn_overflow_policy_name(TVN_OVERFLOW_DROP_NEWEST), "drop-newest");
    assert_string_equal(tvn_overflow_policy_name(TVN_OVERFLOW_ERROR), "error");
    assert_string_equal(tvn_overflow_policy_name(TVN_OVERFLOW_RATE_LIMIT), "rate-limit");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_queue_init_bounds),
    cmocka_unit_test(test_queue_low_mark_is_below_capacity),
    cmocka_unit_test(test_queue_push_when_full_returns_full_and_changes_nothing),
    cmocka_unit_test(test_queue_is_first_in_first_out_across_wraps),
    cmocka_unit_test(test_queue_throttles_at_capacity_relieves_at_low_mark),
    cmocka_unit_test(test_queue_property_throttle_edges_alternate),
    cmocka_unit_test(test_queue_limit_bytes_bounds),
    cmocka_unit_test(test_queue_fits_up_to_its_bytes_and_anything_when_empty),
    cmocka_unit_test(test_queue_is_relieved_only_when_both_marks_are_reached),
    cmocka_unit_test(test_queue_slots_in_a_row_end_at_the_wrap),
    cmocka_unit_test(test_queue_misuse_aborts),
    cmocka_unit_test(test_overflow_policy_names_are_the_specifications),
};
TVN_TEST_MAIN("reactor.queue", tests)
