/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include "tvn_test.h"

#include <pthread.h>

static void test_malloc_of_zero_returns_unique_pointers(void **state)
{
    (void)state;
    TVN_AUTO_FREE char *a = tvn_malloc(0);
    TVN_AUTO_FREE char *b = tvn_malloc(0);
    TVN_AUTO_FREE char *c = tvn_calloc(0, 16);
    TVN_AUTO_FREE char *d = tvn_realloc(NULL, 0);
    TVN_AUTO_FREE char *e = tvn_aligned_alloc(64, 0);

    assert_non_null(a);
    assert_non_null(b);
    assert_non_null(c);
    assert_non_null(d);
    assert_non_null(e);
    assert_ptr_not_equal(a, b);
}

static void test_realloc_to_zero_keeps_a_block(void **state)
{
    (void)state;
    char *block = tvn_malloc(8);
    assert_non_null(block);

    block = tvn_realloc(block, 0);

    assert_non_null(block);
    tvn_free(block);
}

static void test_calloc_when_product_overflows_returns_null(void **state)
{
    (void)state;
    size_t huge = SIZE_MAX / 2;
    assert_null(tvn_calloc(huge, 4));
}

static void test_malloc_beyond_the_block_limit_returns_null(void **state)
{
    (void)state;
    size_t huge = TVN_MEM_BLOCK_BYTES_MAX + 1;
    assert_null(tvn_malloc(huge));
    assert_null(tvn_calloc(1, huge));
    assert_null(tvn_calloc(huge, 1));
    assert_null(tvn_realloc(NULL, huge));
    assert_null(tvn_aligned_alloc(16, huge));
    assert_null(tvn_malloc(SIZE_MAX));
}

static void test_calloc_is_zeroed(void **state)
{
    (void)state;
    TVN_AUTO_FREE unsigned char *bytes = tvn_calloc(100, 10);
    assert_non_null(bytes);
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(bytes[i], 0);
    }
}

static void test_aligned_alloc_is_aligned(void **state)
{
    (void)state;
    for (size_t alignment = 1; alignment <= 4096; alignment *= 2) {
        void *block = tvn_aligned_alloc(alignment, 3);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % alignment, 0);
        tvn_free(block);
    }
}

static void aligned_alloc_of(void *alignment)
{
    tvn_free(tvn_aligned_alloc(*(size_t *)alignment, 1));
}

static void test_aligned_alloc_with_bad_alignment_aborts(void **state)
{
    (void)state;
    size_t zero = 0;
    size_t three = 3;
    assert_aborts(aligned_alloc_of, &zero);
    assert_aborts(aligned_alloc_of, &three);
}

static void test_strdup_and_strndup_copy(void **state)
{
    (void)state;
    TVN_AUTO_FREE char *whole = tvn_strdup("text");
    TVN_AUTO_FREE char *cut = tvn_strndup("text", 2);
    TVN_AUTO_FREE char *longer = tvn_strndup("text", 100);
    TVN_AUTO_FREE char *empty = tvn_strndup(NULL, 0);

    assert_string_equal(whole, "text");
    assert_string_equal(cut, "te");
    assert_string_equal(longer, "text");
    assert_string_equal(empty, "");
}

static void test_allocation_count_counts_every_kind_once(void **state)
{
    (void)state;
    uint64_t before = tvn_mem_allocation_count();

    void *a = tvn_malloc(1);
    void *b = tvn_calloc(1, 1);
    a = tvn_realloc(a, 100);
    void *c = tvn_aligned_alloc(16, 16);
    char *d = tvn_strdup("x");

    assert_int_equal(tvn_mem_allocation_count() - before, 5);
    tvn_free(a);
    tvn_free(b);
    tvn_free(c);
    tvn_free(d);
    tvn_free(NULL);
    assert_int_equal(tvn_mem_allocation_count() - before, 5);
}

static void test_fail_at_fails_only_that_allocation(void **state)
{
    (void)state;
    uint64_t before = tvn_mem_allocation_count();
    tvn_mem_fail_at(2, false);

    TVN_AUTO_FREE void *first = tvn_malloc(1);
    TVN_AUTO_FREE void *second = tvn_calloc(1, 1);
    TVN_AUTO_FREE void *third = tvn_malloc(1);

    assert_non_null(first);
    assert_null(second);
    assert_non_null(third);
    assert_int_equal(tvn_mem_allocation_count() - before, 2);
}

static void test_fail_at_sticky_fails_for_ever_until_switched_off(void **state)
{
    (void)state;
    tvn_mem_fail_at(2, true);
    TVN_AUTO_FREE char *first = tvn_malloc(1);
    assert_non_null(first);
    assert_null(tvn_malloc(1));
    assert_null(tvn_calloc(1, 1));
    assert_null(tvn_aligned_alloc(16, 1));
    assert_null(tvn_strdup("x"));
    assert_null(tvn_strndup("x", 1));
    assert_null(tvn_realloc(first, 2)); /* the block stays */

    tvn_mem_fail_at(0, false);

    first[0] = 'x';
    TVN_AUTO_FREE void *after = tvn_malloc(1);
    assert_non_null(after);
}

static void *allocate_many(void *failures)
{
    for (int i = 0; i < 1000; i++) {
        void *block = tvn_malloc(1);
        if (!block) {
            __atomic_fetch_add((int *)failures, 1, __ATOMIC_RELAXED);
        }
        tvn_free(block);
    }
    return NULL;
}

static void test_fail_at_with_many_threads_fails_exactly_once(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    int failures = 0;
    uint64_t before = tvn_mem_allocation_count();
    tvn_mem_fail_at(1500, false);

    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, allocate_many, &failures), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }

    assert_int_equal(failures, 1);
    assert_int_equal(tvn_mem_allocation_count() - before, THREADS * 1000 - 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_malloc_of_zero_returns_unique_pointers),
    cmocka_unit_test(test_realloc_to_zero_keeps_a_block),
    cmocka_unit_test(test_calloc_when_product_overflows_returns_null),
    cmocka_unit_test(test_malloc_beyond_the_block_limit_returns_null),
    cmocka_unit_test(test_calloc_is_zeroed),
    cmocka_unit_test(test_aligned_alloc_is_aligned),
    cmocka_unit_test(test_aligned_alloc_with_bad_alignment_aborts),
    cmocka_unit_test(test_strdup_and_strndup_copy),
    cmocka_unit_test(test_allocation_count_counts_every_kind_once),
    cmocka_unit_test(test_fail_at_fails_only_that_allocation),
    cmocka_unit_test(test_fail_at_sticky_fails_for_ever_until_switched_off),
    cmocka_unit_test(test_fail_at_with_many_threads_fails_exactly_once),
};
TVN_TEST_MAIN("base.mem", tests)
