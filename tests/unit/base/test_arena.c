/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "tvn_test.h"

static void test_arena_alloc_is_zeroed_aligned_and_disjoint(void **state)
{
    (void)state;
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    assert_non_null(arena);
    uint64_t random = tvn_test_seed();
    unsigned char *blocks[500];
    size_t sizes[500];

    for (size_t i = 0; i < 500; i++) {
        sizes[i] = tvn_test_random(&random) % 3000;
        blocks[i] = tvn_arena_alloc(arena, sizes[i]);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
        for (size_t k = 0; k < sizes[i]; k++) {
            assert_int_equal(blocks[i][k], 0);
        }
        memset(blocks[i], (int)(i & 0xFF), sizes[i]);
    }

    for (size_t i = 0; i < 500; i++) {
        for (size_t k = 0; k < sizes[i]; k++) {
            assert_int_equal(blocks[i][k], i & 0xFF);
        }
    }
}

static void test_arena_alloc_of_zero_is_unique(void **state)
{
    (void)state;
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    void *a = tvn_arena_alloc(arena, 0);
    void *b = tvn_arena_alloc(arena, 0);
    assert_non_null(a);
    assert_non_null(b);
    assert_ptr_not_equal(a, b);
}

static void test_arena_at_maximum_returns_null_and_stays_usable(void **state)
{
    (void)state;
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(1024);

    assert_null(tvn_arena_alloc(arena, 1025));
    assert_non_null(tvn_arena_alloc(arena, 1000)); /* 1008 with alignment */
    assert_null(tvn_arena_alloc(arena, 17));
    assert_non_null(tvn_arena_alloc(arena, 16));
    assert_null(tvn_arena_alloc(arena, 1));
    assert_int_equal(tvn_arena_used_bytes(arena), 1024);
}

static void test_arena_huge_sizes_return_null(void **state)
{
    (void)state;
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(SIZE_MAX);
    volatile size_t huge = SIZE_MAX;
    assert_null(tvn_arena_alloc(arena, huge));
    assert_null(tvn_arena_alloc(arena, huge - 15));
    assert_null(tvn_arena_alloc(arena, huge - 64));
    assert_null(tvn_arena_alloc_array(arena, huge / 2, 3));
    assert_null(tvn_arena_strndup(arena, "x", huge));
    assert_int_equal(tvn_arena_used_bytes(arena), 0);
}

static void test_arena_large_object_between_small_ones(void **state)
{
    (void)state;
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    char *first = tvn_arena_alloc(arena, 32);
    char *large = tvn_arena_alloc(arena, 5 << 20);
    char *second = tvn_arena_alloc(arena, 32);
    assert_non_null(first);
    assert_non_null(large);
    assert_non_null(second);
    memset(large, 1, 5 << 20);
    assert_int_equal(first[31], 0);
    assert_int_equal(second[0], 0);
    /* The open chunk was not given up for the large object. */
    assert_true(second > first && second - first < 4096);
}

static void test_arena_chunks_grow_so_that_allocations_stay_few(void **state)
{
    (void)state;
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    uint64_t before = tvn_mem_allocation_count();
    for (int i = 0; i < 100000; i++) {
        assert_non_null(tvn_arena_alloc(arena, 64));
    }
    assert_true(tvn_mem_allocation_count() - before < 30);
    assert_int_equal(tvn_arena_used_bytes(arena), 6400000);
}

static void test_arena_strings_are_copies_with_nul(void **state)
{
    (void)state;
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    char text[] = "abc";

    char *copy = tvn_arena_strndup(arena, text, 2);
    struct tvn_str view = tvn_arena_str(arena, TVN_STR("a\0b"));
    struct tvn_str empty = tvn_arena_str(arena, (struct tvn_str){NULL, 0});
    char *printed = tvn_arena_printf(arena, "%s-%d", text, 7);
    text[0] = 'X';

    assert_string_equal(copy, "ab");
    assert_int_equal(view.len, 3);
    assert_memory_equal(view.ptr, "a\0b", 4);
    assert_non_null(empty.ptr);
    assert_int_equal(empty.len, 0);
    assert_string_equal(printed, "abc-7");
}

static void test_arena_when_memory_is_exhausted_returns_null(void **state)
{
    (void)state;
    tvn_mem_fail_at(1, false);
    assert_null(tvn_arena_create(0));

    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    tvn_mem_fail_at(1, true);
    assert_null(tvn_arena_alloc(arena, 1));
    assert_null(tvn_arena_alloc(arena, 100000));
    assert_null(tvn_arena_str(arena, TVN_STR("x")).ptr);
    assert_null(tvn_arena_printf(arena, "x"));
    assert_int_equal(tvn_arena_used_bytes(arena), 0);
    tvn_mem_fail_at(0, false);
    assert_non_null(tvn_arena_alloc(arena, 1));
    tvn_arena_destroy(NULL);
}

static void test_arena_typed_macros(void **state)
{
    (void)state;
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    struct tvn_str *one = TVN_ARENA_NEW(arena, struct tvn_str);
    uint16_t *many = TVN_ARENA_ARRAY(arena, uint16_t, 10);
    assert_null(one->ptr);
    assert_int_equal(many[9], 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_arena_alloc_is_zeroed_aligned_and_disjoint),
    cmocka_unit_test(test_arena_alloc_of_zero_is_unique),
    cmocka_unit_test(test_arena_at_maximum_returns_null_and_stays_usable),
    cmocka_unit_test(test_arena_huge_sizes_return_null),
    cmocka_unit_test(test_arena_large_object_between_small_ones),
    cmocka_unit_test(test_arena_chunks_grow_so_that_allocations_stay_few),
    cmocka_unit_test(test_arena_strings_are_copies_with_nul),
    cmocka_unit_test(test_arena_when_memory_is_exhausted_returns_null),
    cmocka_unit_test(test_arena_typed_macros),
};
TVN_TEST_MAIN("base.arena", tests)
