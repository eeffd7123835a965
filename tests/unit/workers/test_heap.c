/* SPDX-License-Identifier: Apache-2.0 */
#include "workers/heap_internal.h"

#include "tvn_test.h"

#define NODES 500

static struct tvn_heap heap;
static struct tvn_heap_node nodes[NODES];

static uint32_t random_state = 7;

static uint32_t next_random(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

static void fill(uint32_t count)
{
    assert_status(tvn_heap_reserve(&heap, count), TVN_OK);
    for (uint32_t i = 0; i < count; i++) {
        nodes[i].position = TVN_HEAP_OUT;
        tvn_heap_push(&heap, &nodes[i], next_random() % 100);
    }
}

static void assert_pops_in_order(uint32_t count)
{
    uint64_t last = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct tvn_heap_node *node = tvn_heap_pop(&heap);
        assert_non_null(node);
        assert_int_equal(node->position, TVN_HEAP_OUT);
        assert_true(node->key >= last);
        last = node->key;
    }
    assert_null(tvn_heap_pop(&heap));
}

static void test_heap_pop_random_keys_in_order(void **state)
{
    (void)state;
    fill(NODES);
    assert_pops_in_order(NODES);
    tvn_heap_deinit(&heap);
}

static void test_heap_remove_any_keeps_the_order(void **state)
{
    (void)state;
    fill(NODES);
    uint32_t left = NODES;
    for (uint32_t i = 0; i < NODES; i++) {
        if (next_random() % 2 == 0) {
            tvn_heap_remove(&heap, &nodes[i]);
            assert_int_equal(nodes[i].position, TVN_HEAP_OUT);
            left--;
        }
    }
    assert_pops_in_order(left);
    tvn_heap_deinit(&heap);
}

static void test_heap_reserve_without_memory_keeps_what_is_there(void **state)
{
    (void)state;
    fill(4);
    tvn_mem_fail_at(1, false);
    assert_status(tvn_heap_reserve(&heap, 8), TVN_E_OUT_OF_MEMORY);
    assert_int_equal(heap.capacity, 4);
    assert_pops_in_order(4);
    tvn_heap_deinit(&heap);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_heap_pop_random_keys_in_order),
    cmocka_unit_test(test_heap_remove_any_keeps_the_order),
    cmocka_unit_test(test_heap_reserve_without_memory_keeps_what_is_there),
};
TVN_TEST_MAIN("workers.heap", tests)
