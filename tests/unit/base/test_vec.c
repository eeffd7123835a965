/* SPDX-License-Identifier: Apache-2.0 */
#include "base/vec.h"

#include "tvn_test.h"

struct pair {
    int a;
    int b;
};

static void test_vec_push_grows_and_keeps_items(void **state)
{
    (void)state;
    TVN_VEC(struct pair) pairs = {0};
    for (int i = 0; i < 1000; i++) {
        assert_status(tvn_vec_push(&pairs, 1000, (struct pair){i, -i}), TVN_OK);
    }
    assert_int_equal(pairs.count, 1000);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(pairs.items[i].a, i);
        assert_int_equal(pairs.items[i].b, -i);
    }
    tvn_vec_deinit(&pairs);
    assert_null(pairs.items);
    assert_int_equal(pairs.capacity, 0);
    tvn_vec_deinit(&pairs);
}

static void test_vec_push_at_maximum_is_full_and_unchanged(void **state)
{
    (void)state;
    TVN_VEC(int) numbers = {0};
    for (int i = 0; i < 5; i++) {
        assert_status(tvn_vec_push(&numbers, 5, i), TVN_OK);
    }
    assert_status(tvn_vec_push(&numbers, 5, 99), TVN_FULL);
    assert_int_equal(numbers.count, 5);
    assert_int_equal(numbers.capacity, 5); /* never more than the maximum */
    assert_int_equal(numbers.items[4], 4);
    assert_status(tvn_vec_push(&numbers, 4, 99), TVN_FULL); /* a lower maximum later */
    assert_status(tvn_vec_push(&numbers, 6, 99), TVN_OK);
    tvn_vec_deinit(&numbers);
}

static void test_vec_push_with_maximum_zero_is_full(void **state)
{
    (void)state;
    TVN_VEC(int) numbers = {0};
    assert_status(tvn_vec_push(&numbers, 0, 1), TVN_FULL);
    assert_null(numbers.items);
}

static void test_vec_push_when_memory_is_exhausted_leaves_vector(void **state)
{
    (void)state;
    TVN_VEC(int) numbers = {0};
    for (int i = 0; i < 8; i++) {
        assert_status(tvn_vec_push(&numbers, SIZE_MAX, i), TVN_OK);
    }
    tvn_mem_fail_at(1, false);
    assert_status(tvn_vec_push(&numbers, SIZE_MAX, 8), TVN_E_OUT_OF_MEMORY);
    assert_int_equal(numbers.count, 8);
    assert_int_equal(numbers.items[7], 7);
    assert_status(tvn_vec_push(&numbers, SIZE_MAX, 8), TVN_OK);
    tvn_vec_deinit(&numbers);
}

static void test_vec_grow_when_bytes_overflow_is_out_of_memory(void **state)
{
    (void)state;
    void *items = NULL;
    size_t capacity = 0;
    assert_status(tvn_vec_grow(&items, 0, &capacity, SIZE_MAX / 4, SIZE_MAX), TVN_E_OUT_OF_MEMORY);
    assert_null(items);
    assert_int_equal(capacity, 0);
}

static void test_vec_push_evaluates_vector_and_item_once(void **state)
{
    (void)state;
    typedef TVN_VEC(int) int_vec;
    int_vec vecs[2] = {0};
    int_vec *next = vecs;
    int item = 0;
    assert_status(tvn_vec_push(next++, 10, item++), TVN_OK);
    assert_ptr_equal(next, vecs + 1);
    assert_int_equal(item, 1);
    tvn_vec_deinit(&vecs[0]);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_vec_push_grows_and_keeps_items),
    cmocka_unit_test(test_vec_push_at_maximum_is_full_and_unchanged),
    cmocka_unit_test(test_vec_push_with_maximum_zero_is_full),
    cmocka_unit_test(test_vec_push_when_memory_is_exhausted_leaves_vector),
    cmocka_unit_test(test_vec_grow_when_bytes_overflow_is_out_of_memory),
    cmocka_unit_test(test_vec_push_evaluates_vector_and_item_once),
};
TVN_TEST_MAIN("base.vec", tests)
