/* SPDX-License-Identifier: Apache-2.0 */
#include "resources/resources.h"
#include "resources/resources_internal.h"

#include "tvn_test.h"

static void test_options_default_are_the_references(void **state)
{
    (void)state;
    struct tvn_resources_options options;
    tvn_resources_options_default(&options);
    assert_int_equal(options.pool_sizes[TVN_TIER_SMALL], 4096);
    assert_int_equal(options.pool_sizes[TVN_TIER_MEDIUM], 1024);
    assert_int_equal(options.pool_sizes[TVN_TIER_LARGE], 256);
    assert_int_equal(options.pool_sizes[TVN_TIER_HUGE], 32);
    assert_int_equal(options.exhaustion_policy, TVN_EXHAUSTION_FALLBACK_ALLOC);
    assert_int_equal(options.max_buffer_bytes, 16 << 20);
}

static void test_create_refuses_options_out_of_range(void **state)
{
    (void)state;
    struct tvn_resources *resources = NULL;
    struct tvn_resources_options options;
    tvn_resources_options_default(&options);
    options.max_buffer_bytes = 0;
    assert_status(tvn_resources_create(&options, &resources), TVN_E_CONSTRAINT_VIOLATION);
    options.max_buffer_bytes = (uint64_t)TVN_BUFFER_BYTES_MAX + 1;
    assert_status(tvn_resources_create(&options, &resources), TVN_E_CONSTRAINT_VIOLATION);
    tvn_resources_options_default(&options);
    options.pool_sizes[TVN_TIER_SMALL] = TVN_BUFFERS_MAX;
    assert_status(tvn_resources_create(&options, &resources), TVN_E_CONSTRAINT_VIOLATION);
    options.pool_sizes[TVN_TIER_SMALL] = UINT32_MAX;
    assert_status(tvn_resources_create(&options, &resources), TVN_E_CONSTRAINT_VIOLATION);
    assert_null(resources);
    tvn_resources_destroy(NULL);
}

static void test_create_survives_every_failing_allocation(void **state)
{
    (void)state;
    struct tvn_resources_options options;
    tvn_resources_options_default(&options);
    struct tvn_resources *resources = NULL;
    uint64_t n = 1;
    for (;; n++) {
        tvn_mem_fail_at(n, false);
        enum tvn_status status = tvn_resources_create(&options, &resources);
        tvn_mem_fail_at(0, false);
        if (status == TVN_OK) {
            break;
        }
        assert_status(status, TVN_E_OUT_OF_MEMORY);
        assert_null(resources);
    }
    assert_int_equal(n, 6);
    tvn_resources_destroy(resources);
}

static void test_report_of_a_fresh_manager(void **state)
{
    (void)state;
    struct tvn_resources_options options;
    tvn_resources_options_default(&options);
    TVN_AUTO(tvn_resources) resources = NULL;
    assert_status(tvn_resources_create(&options, &resources), TVN_OK);
    static const uint64_t bytes[] = {256, 4096, 65536, 1048576, 0};
    static const uint64_t capacity[] = {4096, 1024, 256, 0, 0}; /* huge ones are made on demand */
    for (unsigned tier = 0; tier < TVN_TIER_COUNT; tier++) {
        struct tvn_tier_report report;
        tvn_resources_report(resources, (enum tvn_tier)tier, &report);
        assert_int_equal(report.buffer_bytes, bytes[tier]);
        assert_int_equal(report.capacity, capacity[tier]);
        assert_int_equal(report.available, capacity[tier]);
        assert_int_equal(report.allocated + report.returned + report.fallbacks, 0);
    }
}

struct pair {
    struct tvn_resources *resources;
    struct tvn_magazine *magazine;
};

static void destroy_with_live_buffer(void *argument)
{
    struct pair *pair = argument;
    tvn_magazine_destroy(pair->magazine);
    tvn_resources_destroy(pair->resources);
}

static void test_destroy_with_live_buffer_aborts(void **state)
{
    (void)state;
    struct tvn_resources_options options;
    tvn_resources_options_default(&options);
    struct pair pair = {0};
    assert_status(tvn_resources_create(&options, &pair.resources), TVN_OK);
    pair.magazine = tvn_magazine_create(pair.resources);
    struct tvn_buffer *buffer = NULL;
    assert_status(tvn_buffer_acquire(pair.magazine, 1, TVN_OWNER_HOST, NULL, &buffer), TVN_OK);
    assert_int_equal(tvn_resources_live_count(pair.resources), 1);
    assert_aborts(destroy_with_live_buffer, &pair);
    tvn_buffer_release(pair.magazine, buffer);
    destroy_with_live_buffer(&pair);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_options_default_are_the_references),
    cmocka_unit_test(test_create_refuses_options_out_of_range),
    cmocka_unit_test(test_create_survives_every_failing_allocation),
    cmocka_unit_test(test_report_of_a_fresh_manager),
    cmocka_unit_test(test_destroy_with_live_buffer_aborts),
};
TVN_TEST_MAIN("resources.resources", tests)
