/* SPDX-License-Identifier: Apache-2.0 */
/* The debug switches of the pools. */
#include "resources/resources.h"

#include "tvn_test.h"

#define POISON 0xdb

static struct tvn_resources *resources;
static struct tvn_magazine *magazine;

static void set_up(struct tvn_resources_debug debug)
{
    struct tvn_resources_options options;
    tvn_resources_options_default(&options);
    for (unsigned tier = 0; tier < TVN_TIER_DIRECT; tier++) {
        options.pool_sizes[tier] = 2;
    }
    options.debug = debug;
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

static void test_poison_fills_what_went_back(void **state)
{
    (void)state;
    set_up((struct tvn_resources_debug){.poison = true});
    struct tvn_buffer *buffer = acquire(100);
    const uint8_t *bytes = buffer->bytes;
    assert_status(tvn_buffer_write(buffer, 0, "secret", 6), TVN_OK);
    tvn_buffer_release(magazine, buffer);
    for (uint32_t i = 0; i < 256; i++) {
        assert_int_equal(bytes[i], POISON);
    }
    tear_down();
}

static void test_integrity_lets_every_tier_come_and_go(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {10, 300, 5000, 70000, 2000000};
    set_up((struct tvn_resources_debug){.integrity = true});
    for (unsigned round = 0; round < 3; round++) {
        struct tvn_buffer *buffers[TVN_ARRAY_LEN(sizes)][3]; /* one more than the pool has */
        for (size_t i = 0; i < TVN_ARRAY_LEN(sizes); i++) {
            for (size_t j = 0; j < 3; j++) {
                buffers[i][j] = acquire(sizes[i]);
                assert_status(tvn_buffer_write(buffers[i][j], 0, "content", 7), TVN_OK);
            }
        }
        for (size_t i = 0; i < TVN_ARRAY_LEN(sizes); i++) {
            for (size_t j = 0; j < 3; j++) {
                tvn_buffer_release(magazine, buffers[i][j]);
            }
        }
    }
    struct tvn_tier_report report;
    tvn_resources_report(resources, TVN_TIER_SMALL, &report);
    assert_int_equal(report.allocated, 9);
    assert_int_equal(report.fallbacks, 3);
    tear_down();
}

/* The slot of a fallback that went back serves a pool's memory next, which nobody has used. */
static void test_integrity_knows_fresh_memory_behind_a_used_slot(void **state)
{
    (void)state;
    set_up((struct tvn_resources_debug){.integrity = true});
    struct tvn_buffer *direct = acquire(2u << 20);
    uint32_t index = tvn_buffer_index(tvn_buffer_id_of(direct));
    tvn_buffer_release(magazine, direct);
    struct tvn_buffer *pooled = acquire(100);
    assert_int_equal(tvn_buffer_index(tvn_buffer_id_of(pooled)), index);
    tvn_buffer_release(magazine, pooled);
    tear_down();
}

static void write_late(void *argument)
{
    (void)argument;
    set_up((struct tvn_resources_debug){.integrity = true});
    struct tvn_buffer *buffer = acquire(100);
    uint8_t *bytes = buffer->bytes;
    tvn_buffer_release(magazine, buffer);
    bytes[200] = 0; /* what the switch is there to find */
    (void)acquire(100);
}

static void test_integrity_aborts_after_a_late_write(void **state)
{
    (void)state;
    assert_aborts(write_late, NULL);
}

static unsigned count_failures(uint32_t one_in, uint64_t seed, uint64_t *out_pattern)
{
    set_up((struct tvn_resources_debug){.fail_one_in = one_in, .seed = seed});
    unsigned failures = 0;
    *out_pattern = 0;
    for (unsigned i = 0; i < 640; i++) {
        struct tvn_buffer *buffer = NULL;
        enum tvn_status status = tvn_buffer_acquire(magazine, 10, 7, NULL, &buffer);
        bool failed = status != TVN_OK;
        if (failed) {
            assert_status(status, TVN_E_ALLOCATION_FAILED);
        } else {
            tvn_buffer_release(magazine, buffer);
        }
        failures += failed;
        *out_pattern = *out_pattern * 3 + failed;
    }
    tear_down();
    return failures;
}

static void test_failures_are_at_random_and_repeatable(void **state)
{
    (void)state;
    uint64_t first, again, other;
    unsigned failures = count_failures(4, 1, &first);
    assert_in_range(failures, 100, 220);
    assert_int_equal(count_failures(4, 1, &again), failures);
    assert_int_equal(first, again);
    (void)count_failures(4, 2, &other);
    assert_int_not_equal(first, other);
    assert_int_equal(count_failures(1, 1, &other), 640);
    assert_int_equal(count_failures(0, 1, &other), 0);
}

static void test_failed_budget_gives_the_buffer_back(void **state)
{
    (void)state;
    set_up((struct tvn_resources_debug){.integrity = true});
    struct tvn_budget budget = {.max_bytes = 100};
    for (int i = 0; i < 5; i++) {
        struct tvn_buffer *buffer = NULL;
        assert_status(tvn_buffer_acquire(magazine, 10, 7, &budget, &buffer), TVN_E_BUDGET_EXCEEDED);
    }
    tear_down();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_poison_fills_what_went_back),
    cmocka_unit_test(test_integrity_lets_every_tier_come_and_go),
    cmocka_unit_test(test_integrity_knows_fresh_memory_behind_a_used_slot),
    cmocka_unit_test(test_integrity_aborts_after_a_late_write),
    cmocka_unit_test(test_failures_are_at_random_and_repeatable),
    cmocka_unit_test(test_failed_budget_gives_the_buffer_back),
};

TVN_TEST_MAIN("resources.debug", tests)
