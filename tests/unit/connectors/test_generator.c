/* SPDX-License-Identifier: Apache-2.0 */
#include "connector_rig.h"

static struct connector_rig rig;

static struct tvn_invoker *make(uint64_t count, uint64_t payload_bytes)
{
    struct tvn_invoker *source = NULL;
    rig.options.spec = (struct tvn_connector_spec){.kind = TVN_CONNECTOR_GENERATOR, .count = count};
    rig.options.payload_bytes = payload_bytes;
    assert_status(tvn_connector_create_source(&rig.options, &source), TVN_OK);
    assert_int_equal(source->role, TVN_ROLE_SOURCE);
    return source;
}

static void test_generator_counts_from_one_and_ends(void **state)
{
    (void)state;
    connector_rig_init(&rig, TVN_EXHAUSTION_ERROR, 8);
    TVN_AUTO(tvn_invoker) source = make(11, 0);
    for (int i = 1; i <= 11; i++) {
        char expected[64];
        snprintf(expected, sizeof(expected), "Hello, Torvyn! (%d)", i);
        assert_line(&rig, source, expected);
    }
    assert_int_equal(connector_rig_pull(&rig, source), TVN_OUTCOME_END);
    assert_int_equal(connector_rig_pull(&rig, source), TVN_OUTCOME_END);
    assert_int_equal(tvn_stat_get(&rig.stats.copies.count[TVN_COPY_HOST_SERIALIZE]), 11);
    assert_int_equal(tvn_stat_get(&rig.stats.copies.bytes[TVN_COPY_HOST_SERIALIZE]),
                     9 * 18 + 2 * 19);
    assert_int_equal(tvn_stat_get(&rig.stats.produced_bytes), 9 * 18 + 2 * 19);
    assert_false(source->ops->has_entry(source, TVN_ENTRY_NOTIFY));
    connector_rig_deinit(&rig);
}

static void test_generator_payload_size_cuts_and_fills(void **state)
{
    (void)state;
    connector_rig_init(&rig, TVN_EXHAUSTION_ERROR, 8);
    struct tvn_invoker *source = make(2, 5);
    assert_line(&rig, source, "Hello");
    tvn_invoker_destroy(source);
    source = make(2, 24);
    assert_line(&rig, source, "Hello, Torvyn! (1)......");
    assert_line(&rig, source, "Hello, Torvyn! (2)......");
    tvn_invoker_destroy(source);
    source = make(1, 16384);
    assert_int_equal(connector_rig_pull(&rig, source), TVN_OUTCOME_EMIT);
    assert_int_equal(rig.length, 16384);
    tvn_invoker_destroy(source);
    connector_rig_deinit(&rig);
}

static void test_generator_of_none_ends_at_once(void **state)
{
    (void)state;
    connector_rig_init(&rig, TVN_EXHAUSTION_ERROR, 8);
    TVN_AUTO(tvn_invoker) source = make(0, 0);
    assert_int_equal(connector_rig_pull(&rig, source), TVN_OUTCOME_END);
    connector_rig_deinit(&rig);
}

static void test_generator_refuses_what_no_buffer_can_hold(void **state)
{
    (void)state;
    connector_rig_init(&rig, TVN_EXHAUSTION_ERROR, 8);
    struct tvn_invoker *source = NULL;
    rig.options.spec.kind = TVN_CONNECTOR_GENERATOR;
    rig.options.payload_bytes = (16 << 20) + 1;
    assert_status(tvn_connector_create_source(&rig.options, &source), TVN_E_CONSTRAINT_VIOLATION);
    assert_status(tvn_connector_create_sink(&rig.options, &source), TVN_E_CONSTRAINT_VIOLATION);
    rig.options.payload_bytes = 0;
    tvn_mem_fail_at(1, false);
    assert_status(tvn_connector_create_source(&rig.options, &source), TVN_E_OUT_OF_MEMORY);
    connector_rig_deinit(&rig);
}

/* An exhausted pool is unavailable: the same element comes when there is a buffer again. */
static void test_generator_without_buffer_loses_nothing(void **state)
{
    (void)state;
    connector_rig_init(&rig, TVN_EXHAUSTION_ERROR, 1);
    TVN_AUTO(tvn_invoker) source = make(3, 0);
    struct tvn_buffer *held = NULL;
    assert_status(tvn_buffer_acquire(rig.magazine, 1, TVN_OWNER_HOST, NULL, &held), TVN_OK);
    assert_int_equal(connector_rig_pull(&rig, source), TVN_OUTCOME_ERROR);
    assert_int_equal(rig.fault.error, TVN_PROCESS_UNAVAILABLE);
    assert_status(rig.fault.code, TVN_E_POOL_EXHAUSTED);
    tvn_buffer_release(rig.magazine, held);
    assert_line(&rig, source, "Hello, Torvyn! (1)");
    connector_rig_deinit(&rig);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_generator_counts_from_one_and_ends),
    cmocka_unit_test(test_generator_payload_size_cuts_and_fills),
    cmocka_unit_test(test_generator_of_none_ends_at_once),
    cmocka_unit_test(test_generator_refuses_what_no_buffer_can_hold),
    cmocka_unit_test(test_generator_without_buffer_loses_nothing),
};
TVN_TEST_MAIN("connectors.generator", tests)
