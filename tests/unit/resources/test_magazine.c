/* SPDX-License-Identifier: Apache-2.0 */
#include "resources/magazine.h"
#include "resources/resources.h"
#include "resources/resources_internal.h"

#include "tvn_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static struct tvn_resources *resources;
static struct tvn_magazine *magazine;

static void set_up(uint32_t pool_size, enum tvn_exhaustion_policy policy)
{
    struct tvn_resources_options options;
    tvn_resources_options_default(&options);
    for (unsigned tier = 0; tier < TVN_TIER_DIRECT; tier++) {
        options.pool_sizes[tier] = pool_size;
    }
    options.exhaustion_policy = policy;
    assert_status(tvn_resources_create(&options, &resources), TVN_OK);
    magazine = tvn_magazine_create(resources);
    assert_non_null(magazine);
}

static void tear_down(void)
{
    assert_int_equal(tvn_resources_live_count(resources), 0);
    tvn_magazine_destroy(magazine);
    tvn_resources_destroy(resources);
}

static struct tvn_buffer *acquire(uint64_t capacity)
{
    struct tvn_buffer *buffer = NULL;
    assert_status(tvn_buffer_acquire(magazine, capacity, 7, NULL, &buffer), TVN_OK);
    return buffer;
}

static struct tvn_tier_report report_of(enum tvn_tier tier)
{
    struct tvn_tier_report report;
    tvn_resources_report(resources, tier, &report);
    return report;
}

static void test_acquire_picks_the_smallest_tier(void **state)
{
    (void)state;
    static const struct {
        uint64_t wanted;
        uint32_t capacity;
        enum tvn_tier tier;
    } cases[] = {
        {0, 256, TVN_TIER_SMALL},
        {1, 256, TVN_TIER_SMALL},
        {256, 256, TVN_TIER_SMALL},
        {257, 4096, TVN_TIER_MEDIUM},
        {4096, 4096, TVN_TIER_MEDIUM},
        {4097, 65536, TVN_TIER_LARGE},
        {65537, 1048576, TVN_TIER_HUGE},
        {1048576, 1048576, TVN_TIER_HUGE},
        {1048577, 1048577, TVN_TIER_DIRECT},
        {16777216, 16777216, TVN_TIER_DIRECT},
    };
    set_up(16, TVN_EXHAUSTION_FALLBACK_ALLOC);
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        struct tvn_buffer *buffer = acquire(cases[i].wanted);
        assert_int_equal(buffer->capacity, cases[i].capacity);
        assert_int_equal(buffer->tier, cases[i].tier);
        assert_int_equal(buffer->state, TVN_BUFFER_OWNED);
        assert_int_equal(buffer->owner, 7);
        assert_int_equal(buffer->length, 0);
        assert_int_equal(buffer->holders, 1);
        assert_false(buffer->frozen);
        memset(buffer->bytes, 0xa5, buffer->capacity); /* it is really there */
        tvn_buffer_release(magazine, buffer);
    }
    struct tvn_buffer *buffer = NULL;
    assert_status(tvn_buffer_acquire(magazine, 16777217, 7, NULL, &buffer),
                  TVN_E_CAPACITY_EXCEEDED);
    assert_status(tvn_buffer_acquire(magazine, UINT64_MAX, 7, NULL, &buffer),
                  TVN_E_CAPACITY_EXCEEDED);
    assert_int_equal(report_of(TVN_TIER_HUGE).fallbacks, 2);
    tear_down();
}

static void test_buffers_of_a_pool_are_disjoint(void **state)
{
    (void)state;
    set_up(100, TVN_EXHAUSTION_ERROR);
    struct tvn_buffer *buffers[100];
    for (unsigned i = 0; i < 100; i++) {
        buffers[i] = acquire(256);
        memset(buffers[i]->bytes, (int)i, 256);
    }
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(buffers[i]->bytes[0], i);
        assert_int_equal(buffers[i]->bytes[255], i);
        tvn_buffer_release(magazine, buffers[i]);
    }
    tear_down();
}

static void test_release_makes_every_old_id_stale(void **state)
{
    (void)state;
    set_up(8, TVN_EXHAUSTION_ERROR);
    struct tvn_buffer *buffer = acquire(10);
    struct tvn_buffer_id mutable_id = tvn_buffer_id_of(buffer);
    assert_status(tvn_buffer_freeze(buffer), TVN_OK);
    struct tvn_buffer_id frozen_id = tvn_buffer_id_of(buffer);
    struct tvn_buffer *found = NULL;
    assert_status(tvn_buffer_find(resources, mutable_id, &found), TVN_E_STALE_HANDLE);
    assert_status(tvn_magazine_find(magazine, frozen_id, &found), TVN_OK);
    tvn_buffer_release(magazine, buffer);
    assert_status(tvn_buffer_find(resources, frozen_id, &found), TVN_E_STALE_HANDLE);
    assert_status(tvn_buffer_find(resources, tvn_buffer_id_of(buffer), &found),
                  TVN_E_STALE_HANDLE); /* pooled */
    struct tvn_buffer *again = acquire(10);
    assert_ptr_equal(again, buffer);
    assert_status(tvn_buffer_find(resources, frozen_id, &found), TVN_E_STALE_HANDLE);
    assert_false(again->frozen);
    tvn_buffer_release(magazine, again);
    tear_down();
}

static void test_exhausted_under_error_returns_pool_exhausted(void **state)
{
    (void)state;
    static const uint64_t capacities[] = {256, 4096, 65536, 1048576};
    set_up(10, TVN_EXHAUSTION_ERROR);
    for (unsigned tier = 0; tier < TVN_TIER_DIRECT; tier++) {
        struct tvn_buffer *buffers[10];
        for (int i = 0; i < 10; i++) {
            buffers[i] = acquire(capacities[tier]);
        }
        struct tvn_buffer *none = NULL;
        assert_status(tvn_buffer_acquire(magazine, capacities[tier], 7, NULL, &none),
                      TVN_E_POOL_EXHAUSTED);
        assert_null(none);
        struct tvn_tier_report report = report_of((enum tvn_tier)tier);
        assert_int_equal(report.exhaustions, 1);
        assert_int_equal(report.capacity, 10);
        assert_int_equal(report.available, 0);
        assert_int_equal(report.allocated, 10);
        tvn_buffer_release(magazine, buffers[0]);
        buffers[0] = acquire(capacities[tier]);
        for (int i = 0; i < 10; i++) {
            tvn_buffer_release(magazine, buffers[i]);
        }
        assert_int_equal(report_of((enum tvn_tier)tier).available, 10);
    }
    struct tvn_buffer *none = NULL;
    assert_status(tvn_buffer_acquire(magazine, 2 << 20, 7, NULL, &none), TVN_E_POOL_EXHAUSTED);
    tear_down();
}

static void test_exhausted_under_fallback_allocates_and_frees(void **state)
{
    (void)state;
    set_up(4, TVN_EXHAUSTION_FALLBACK_ALLOC);
    struct tvn_buffer *buffers[8];
    for (int i = 0; i < 8; i++) {
        buffers[i] = acquire(100);
        assert_int_equal(buffers[i]->capacity, 256);
        assert_int_equal(buffers[i]->tier, i < 4 ? TVN_TIER_SMALL : TVN_TIER_DIRECT);
        memset(buffers[i]->bytes, 1, 256);
    }
    struct tvn_tier_report report = report_of(TVN_TIER_SMALL);
    assert_int_equal(report.allocated, 8);
    assert_int_equal(report.fallbacks, 4);
    assert_int_equal(report.exhaustions, 4);
    assert_int_equal(report.available, 0);
    for (int i = 0; i < 8; i++) {
        tvn_buffer_release(magazine, buffers[i]);
    }
    report = report_of(TVN_TIER_SMALL);
    assert_int_equal(report.returned, 4);
    assert_int_equal(report.available, 4);
    assert_int_equal(report_of(TVN_TIER_DIRECT).allocated, 4);
    assert_int_equal(report_of(TVN_TIER_DIRECT).returned, 4);
    tear_down();
}

static void test_allocation_failure_of_a_fallback(void **state)
{
    (void)state;
    set_up(0, TVN_EXHAUSTION_FALLBACK_ALLOC);
    struct tvn_buffer *buffer = NULL;
    tvn_mem_fail_at(1, false);
    assert_status(tvn_buffer_acquire(magazine, 100, 7, NULL, &buffer), TVN_E_ALLOCATION_FAILED);
    tvn_mem_fail_at(0, false);
    assert_null(buffer);
    tear_down();
}

static void test_full_table_fails_a_fallback(void **state)
{
    (void)state;
    set_up(0, TVN_EXHAUSTION_FALLBACK_ALLOC);
    resources->table.slot_count = TVN_BUFFERS_MAX;
    struct tvn_buffer *buffer = NULL;
    assert_status(tvn_buffer_acquire(magazine, 100, 7, NULL, &buffer), TVN_E_ALLOCATION_FAILED);
    assert_null(buffer);
    tear_down();
}

static void test_budget_is_charged_and_discharged(void **state)
{
    (void)state;
    set_up(8, TVN_EXHAUSTION_ERROR);
    struct tvn_budget budget = {.max_bytes = 600};
    struct tvn_buffer *a = NULL, *b = NULL, *c = NULL;
    assert_status(tvn_buffer_acquire(magazine, 1, 1, &budget, &a), TVN_OK);
    assert_status(tvn_buffer_acquire(magazine, 1, 1, &budget, &b), TVN_OK);
    assert_int_equal(budget.used_bytes, 512);
    assert_status(tvn_buffer_acquire(magazine, 1, 1, &budget, &c), TVN_E_BUDGET_EXCEEDED);
    assert_status(tvn_buffer_acquire(magazine, 5000, 1, &budget, &c), TVN_E_BUDGET_EXCEEDED);
    assert_null(c);
    assert_int_equal(budget.used_bytes, 512);
    assert_int_equal(tvn_resources_live_count(resources), 2);
    struct tvn_buffer *free_one = acquire(1); /* what was refused was not used up */
    tvn_buffer_release(magazine, free_one);
    assert_status(tvn_buffer_acquire_held(magazine, 1, 1, &budget, &c), TVN_E_BUDGET_EXCEEDED);
    assert_status(tvn_buffer_acquire_held(magazine, UINT64_MAX, 1, NULL, &c), TVN_EMPTY);
    assert_null(c);
    tvn_buffer_release(magazine, a);
    assert_int_equal(budget.used_bytes, 256);
    tvn_buffer_release(magazine, b);
    assert_int_equal(budget.used_bytes, 0);
    tear_down();
}

static void test_last_holder_releases(void **state)
{
    (void)state;
    set_up(8, TVN_EXHAUSTION_ERROR);
    struct tvn_buffer *buffer = acquire(1);
    assert_status(tvn_buffer_hold(buffer), TVN_OK);
    tvn_buffer_borrow(buffer);
    tvn_buffer_release(magazine, buffer); /* one holder less, while borrowed */
    assert_int_equal(buffer->state, TVN_BUFFER_BORROWED);
    tvn_buffer_end_borrow(buffer);
    tvn_buffer_release(magazine, buffer);
    assert_int_equal(buffer->state, TVN_BUFFER_POOLED);
    tear_down();
}

static uint64_t generation_of(const struct tvn_buffer *buffer)
{
    return tvn_buffer_generation(tvn_buffer_id_of(buffer));
}

static void test_generation_near_the_end_retires_the_slot(void **state)
{
    (void)state;
    set_up(1, TVN_EXHAUSTION_ERROR);
    struct tvn_buffer *old = acquire(1);
    uint8_t *memory = old->bytes;
    uint32_t index = tvn_buffer_index(tvn_buffer_id_of(old));
    old->id = (uint64_t)(TVN_BUFFER_GENERATION_LAST - 1) << 32 | index;
    tvn_buffer_release(magazine, old); /* exactly LAST: one more use */
    struct tvn_buffer *again = acquire(1);
    assert_ptr_equal(again, old);
    assert_int_equal(generation_of(again), TVN_BUFFER_GENERATION_LAST);
    assert_status(tvn_buffer_freeze(again), TVN_OK);
    struct tvn_buffer_id last_id = tvn_buffer_id_of(again);
    tvn_buffer_release(magazine, again);

    struct tvn_buffer *fresh = acquire(1);
    assert_ptr_not_equal(fresh, old);
    assert_ptr_equal(fresh->bytes, memory); /* the pool keeps its memory */
    assert_int_equal(generation_of(fresh), 1);
    struct tvn_buffer *found = NULL;
    assert_status(tvn_buffer_find(resources, last_id, &found), TVN_E_STALE_HANDLE);
    assert_int_equal(generation_of(old), UINT32_MAX);
    tvn_buffer_release(magazine, fresh);
    assert_int_equal(report_of(TVN_TIER_SMALL).available, 1);
    tear_down();
}

static void test_buffers_may_return_through_another_magazine(void **state)
{
    (void)state;
    set_up(64, TVN_EXHAUSTION_ERROR);
    struct tvn_magazine *other = tvn_magazine_create(resources);
    for (int round = 0; round < 50; round++) {
        struct tvn_buffer *buffers[40];
        for (int i = 0; i < 40; i++) {
            buffers[i] = acquire(1);
        }
        for (int i = 0; i < 40; i++) {
            tvn_buffer_release(other, buffers[i]);
        }
        assert_int_equal(report_of(TVN_TIER_SMALL).available, 64);
    }
    tvn_magazine_destroy(other);
    assert_int_equal(report_of(TVN_TIER_SMALL).allocated, 2000);
    assert_int_equal(report_of(TVN_TIER_SMALL).returned, 2000);
    /* nothing is stuck in the destroyed one */
    struct tvn_buffer *buffers[64];
    for (int i = 0; i < 64; i++) {
        buffers[i] = acquire(1);
    }
    for (int i = 0; i < 64; i++) {
        tvn_buffer_release(magazine, buffers[i]);
    }
    tear_down();
}

static void test_steady_state_allocates_nothing(void **state)
{
    (void)state;
    set_up(1024, TVN_EXHAUSTION_ERROR);
    struct tvn_buffer *buffers[300];
    for (int round = 0; round < 3; round++) {
        uint64_t before = tvn_mem_allocation_count();
        for (int i = 0; i < 300; i++) {
            buffers[i] = acquire((uint64_t)(i % 3) * 2000);
        }
        for (int i = 0; i < 300; i++) {
            tvn_buffer_release(magazine, buffers[i]);
        }
        if (round > 0) {
            assert_int_equal(tvn_mem_allocation_count(), before);
        }
    }
    tear_down();
}

/* Threads with a magazine each pass buffers around through a locked ring. */
#define RING 64
static struct {
    pthread_mutex_t lock;
    struct tvn_buffer_id ring[RING];
    unsigned count;
} exchange = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *exchange_buffers(void *argument)
{
    uint64_t random = (uint64_t)(uintptr_t)argument;
    struct tvn_magazine *mine = tvn_magazine_create(resources);
    for (int i = 0; i < 20000; i++) {
        struct tvn_buffer *buffer = NULL;
        uint64_t capacity = tvn_test_random(&random) % 3 * 2000;
        if (tvn_buffer_acquire(mine, capacity, TVN_OWNER_HOST, NULL, &buffer) != TVN_OK) {
            abort();
        }
        buffer->bytes[0] = (uint8_t)i;
        struct tvn_buffer_id id = tvn_buffer_id_of(buffer);
        pthread_mutex_lock(&exchange.lock);
        unsigned place = (unsigned)(tvn_test_random(&random) % RING);
        struct tvn_buffer_id taken = exchange.ring[place];
        exchange.ring[place] = id;
        pthread_mutex_unlock(&exchange.lock);
        if (taken.raw != 0) {
            if (tvn_magazine_find(mine, taken, &buffer) != TVN_OK) {
                abort();
            }
            tvn_buffer_release(mine, buffer);
        }
    }
    tvn_magazine_destroy(mine);
    return NULL;
}

static void test_threads_exchange_buffers(void **state)
{
    (void)state;
    set_up(256, TVN_EXHAUSTION_FALLBACK_ALLOC);
    pthread_t threads[4];
    for (uintptr_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, exchange_buffers, (void *)(i + 1)), 0);
    }
    for (int i = 0; i < 50; i++) { /* a reader beside them */
        struct tvn_tier_report report = report_of(TVN_TIER_SMALL);
        assert_true(report.available <= report.capacity);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < RING; i++) {
        struct tvn_buffer *buffer = NULL;
        if (exchange.ring[i].raw != 0) {
            assert_status(tvn_magazine_find(magazine, exchange.ring[i], &buffer), TVN_OK);
            tvn_buffer_release(magazine, buffer);
            exchange.ring[i].raw = 0;
        }
    }
    tear_down();
}

/* Uses the only slot of a magazine again and again. */
static struct {
    struct tvn_magazine *magazine;
    const struct tvn_buffer *slot;
    atomic_bool done;
} reuse;

static void *reuse_slot(void *argument)
{
    (void)argument;
    for (int i = 0; i < 1000; i++) {
        struct tvn_buffer *buffer = NULL;
        if (tvn_buffer_acquire(reuse.magazine, 1, 1, NULL, &buffer) != TVN_OK ||
            buffer != reuse.slot || tvn_buffer_freeze(buffer) != TVN_OK) {
            abort();
        }
        tvn_buffer_release(reuse.magazine, buffer);
    }
    atomic_store_explicit(&reuse.done, true, memory_order_relaxed);
    return NULL;
}

/* As a guest does with the handle of a buffer that is another flow's by now. */
static void test_old_id_is_stale_while_another_thread_uses_the_slot(void **state)
{
    (void)state;
    set_up(8, TVN_EXHAUSTION_ERROR);
    reuse.magazine = tvn_magazine_create(resources);
    struct tvn_buffer *buffer = acquire(1);
    struct tvn_buffer_id old = tvn_buffer_id_of(buffer);
    reuse.slot = buffer;
    tvn_buffer_release(reuse.magazine, buffer);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, reuse_slot, NULL), 0);
    do {
        assert_status(tvn_magazine_find(magazine, old, &buffer), TVN_E_STALE_HANDLE);
    } while (!atomic_load_explicit(&reuse.done, memory_order_relaxed));
    pthread_join(thread, NULL);
    tvn_magazine_destroy(reuse.magazine);
    tear_down();
}

static void release_twice(void *argument)
{
    struct tvn_buffer *buffer = argument;
    tvn_buffer_release(magazine, buffer);
    tvn_buffer_release(magazine, buffer);
}
static void release_borrowed(void *argument)
{
    tvn_buffer_borrow(argument);
    tvn_buffer_release(magazine, argument);
}

static void test_release_misuse_aborts(void **state)
{
    (void)state;
    set_up(8, TVN_EXHAUSTION_ERROR);
    struct tvn_buffer *buffer = acquire(1);
    assert_aborts(release_twice, buffer);
    assert_aborts(release_borrowed, buffer);
    tvn_buffer_release(magazine, buffer);
    tear_down();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_acquire_picks_the_smallest_tier),
    cmocka_unit_test(test_buffers_of_a_pool_are_disjoint),
    cmocka_unit_test(test_release_makes_every_old_id_stale),
    cmocka_unit_test(test_exhausted_under_error_returns_pool_exhausted),
    cmocka_unit_test(test_exhausted_under_fallback_allocates_and_frees),
    cmocka_unit_test(test_allocation_failure_of_a_fallback),
    cmocka_unit_test(test_full_table_fails_a_fallback),
    cmocka_unit_test(test_budget_is_charged_and_discharged),
    cmocka_unit_test(test_last_holder_releases),
    cmocka_unit_test(test_generation_near_the_end_retires_the_slot),
    cmocka_unit_test(test_buffers_may_return_through_another_magazine),
    cmocka_unit_test(test_steady_state_allocates_nothing),
    cmocka_unit_test(test_threads_exchange_buffers),
    cmocka_unit_test(test_old_id_is_stale_while_another_thread_uses_the_slot),
    cmocka_unit_test(test_release_misuse_aborts),
};
TVN_TEST_MAIN("resources.magazine", tests)
