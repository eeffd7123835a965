/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's options, pools and fuel; limits of one tree. Engines come and go here, so each test
 * makes its own. */
#include "base/clock.h"

#include "tvn_component_test.h"

static struct guest guest;

static int tear_down(void **state)
{
    (void)state;
    guest_stop(&guest);
    if (guest_engine) {
        guest_engine_stop(NULL);
    }
    return 0;
}

static void test_engine_pool_serves_instances_again_and_again(void **state)
{
    (void)state;
    guest_engine_start_with(&(struct tvn_engine_options){.instances = 4,
                                                         .core_instances = 4,
                                                         .memories = 2,
                                                         .tables = 4,
                                                         .max_memory_bytes = 1 << 20});
    guest_start(&guest, "faults", NULL);
    uint32_t pages = 0;
    /* the pool's slot is smaller than what the instance may have */
    assert_status(guest_call_u32(&guest, "grow", 16, 0, &pages), TVN_OK);
    assert_int_equal(pages, UINT32_MAX);
    for (int i = 0; i < 100; i++) {
        struct tvn_instance *other = NULL;
        assert_diag_status(tvn_instance_create(guest_engine, guest.component, &guest.options,
                                               GUEST_TIMEOUT_MS, guest.sink, &other),
                           TVN_OK, guest.sink);
        tvn_instance_destroy(other);
    }
}

static void test_engine_full_pool_is_an_instance_limit(void **state)
{
    (void)state;
    guest_engine_start_with(&(struct tvn_engine_options){.instances = 1,
                                                         .core_instances = 4,
                                                         .memories = 1,
                                                         .tables = 4,
                                                         .max_memory_bytes = 1 << 20});
    guest_start(&guest, "faults", NULL);
    struct tvn_instance *other = NULL;
    assert_diag_status(tvn_instance_create(guest_engine, guest.component, &guest.options,
                                           GUEST_TIMEOUT_MS, guest.sink, &other),
                       TVN_E_INSTANCE_LIMIT, guest.sink);
    assert_null(other);
    /* the first one is unharmed */
    assert_status(guest_call_u32(&guest, "count", 0, 0, NULL), TVN_OK);
}

/* Memory that one instance wrote is zero for the next: the pool's slots are cleaned. */
static void test_engine_pool_leaks_nothing_between_instances(void **state)
{
    (void)state;
    guest_engine_start_with(&(struct tvn_engine_options){.instances = 1,
                                                         .core_instances = 1,
                                                         .memories = 1,
                                                         .tables = 1,
                                                         .max_memory_bytes = 1 << 20});
    guest_load(&guest, "echo");
    assert_diag_status(guest_instantiate(&guest, NULL), TVN_OK, guest.sink);
    for (int round = 0; round < 20; round++) {
        const struct tvn_export *export = guest_export(&guest, "string");
        const size_t size = (size_t)2 * 65536;
        uint8_t *memory = tvn_guest_mem_at(export->mem, 0, size);
        assert_non_null(memory);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(memory[i], 0);
        }
        memset(memory, 0xa5, size);
        tvn_instance_destroy(guest.instance);
        guest.instance = NULL;
        assert_diag_status(tvn_instance_create(guest_engine, guest.component, &guest.options,
                                               GUEST_TIMEOUT_MS, guest.sink, &guest.instance),
                           TVN_OK, guest.sink);
    }
}

static void test_engine_pool_beyond_the_machine_is_refused(void **state)
{
    (void)state;
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    struct tvn_engine *engine = NULL;
    assert_diag_status(
        tvn_engine_create(&(struct tvn_engine_options){.instances = 1000000, .memories = 8000},
                          sink, &engine),
        TVN_E_INSTANCE_LIMIT, sink);
    assert_null(engine);
}

/* So many that there is no pool: they would have to be mapped one by one. */
static void test_engine_more_instances_than_mappings_are_refused(void **state)
{
    (void)state;
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    struct tvn_engine *engine = NULL;
    assert_diag_status(
        tvn_engine_create(&(struct tvn_engine_options){.instances = UINT32_MAX}, sink, &engine),
        TVN_E_INSTANCE_LIMIT, sink);
    assert_null(engine);
}

static void test_engine_fuel_runs_out(void **state)
{
    (void)state;
    guest_engine_start_with(&(struct tvn_engine_options){.fuel = true});
    guest_start(&guest, "faults", NULL);
    assert_status(guest_call_u32(&guest, "work", 1000, 0, NULL), TVN_OK); /* not metered yet */
    tvn_instance_set_limits(guest.instance, 0, 5000);
    uint64_t before = tvn_instance_fuel_consumed(guest.instance);
    for (int i = 0; i < 10; i++) { /* per call */
        assert_status(guest_call_u32(&guest, "work", 200, 0, NULL), TVN_OK);
    }
    uint64_t used = tvn_instance_fuel_consumed(guest.instance) - before;
    assert_true(used > UINT64_C(10) * 200);
    assert_true(used < UINT64_C(10) * 5000);
    assert_status(guest_call_u32(&guest, "loop", 0, 0, NULL), TVN_E_COMPONENT_TIMEOUT);
    assert_guest_fault(&guest, TVN_E_COMPONENT_TIMEOUT, "fuel of 5000");
}

static void test_engine_without_fuel_counts_none(void **state)
{
    (void)state;
    guest_start(&guest, "faults", NULL);
    tvn_instance_set_limits(guest.instance, 0, 1);
    assert_status(guest_call_u32(&guest, "work", 1000, 0, NULL), TVN_OK);
    assert_int_equal(tvn_instance_fuel_consumed(guest.instance), 0);
}

static uint32_t grow(const char *name, uint32_t pages)
{
    uint32_t before = 0;
    assert_status(guest_call_u32(&guest, name, pages, 0, &before), TVN_OK);
    return before;
}

/* 16 pages for three memories of 1, 2 and 2: none may grow beyond what keeps all together below the
 * cap. */
static void test_engine_memory_cap_is_for_all_memories_together(void **state)
{
    (void)state;
    guest_load(&guest, "memories");
    guest.options.max_memory_bytes = UINT64_C(16) * 65536;
    assert_diag_status(guest_instantiate(&guest, NULL), TVN_OK, guest.sink);
    uint32_t grown[3] = {0};
    static const char *const names[] = {"grow-hidden", "grow-a", "grow-b"};
    uint32_t total = 5;
    for (unsigned i = 0; i < 3; i++) {
        while (grown[i] < 100 && grow(names[i], 1) != UINT32_MAX) {
            grown[i]++;
            total++;
        }
        assert_true(grown[i] >= 3); /* a fair share */
    }
    assert_true(total <= 16);
}

static void test_engine_more_core_instances_than_allowed(void **state)
{
    (void)state;
    guest_load(&guest, "many_core_instances");
    assert_diag_status(guest_instantiate(&guest, NULL), TVN_E_INSTANCE_LIMIT, guest.sink);
    assert_guest_diag(&guest, "more than 64 core instances");
}

static void test_engine_exponential_tree_is_refused(void **state)
{
    (void)state;
    guest_load(&guest, "exponential");
    assert_diag_status(guest_instantiate(&guest, NULL), TVN_E_INSTANCE_LIMIT, guest.sink);
    assert_guest_diag(&guest, "more than 1000 component instances");
}

/* The ticker stops with the last instance and starts again with the next one. */
static void test_engine_ticker_serves_later_instances(void **state)
{
    (void)state;
    guest_start(&guest, "faults", NULL);
    guest_stop(&guest);
    usleep(3000);
    guest_start(&guest, "faults", NULL);
    tvn_instance_set_limits(guest.instance, 5, 0);
    assert_status(guest_call_u32(&guest, "loop", 0, 0, NULL), TVN_E_COMPONENT_TIMEOUT);
}

#define CASE(name) cmocka_unit_test_teardown(name, tear_down)
static const struct CMUnitTest tests[] = {
    CASE(test_engine_pool_serves_instances_again_and_again),
    CASE(test_engine_full_pool_is_an_instance_limit),
    CASE(test_engine_pool_leaks_nothing_between_instances),
    CASE(test_engine_pool_beyond_the_machine_is_refused),
    CASE(test_engine_more_instances_than_mappings_are_refused),
    CASE(test_engine_fuel_runs_out),
    CASE(test_engine_without_fuel_counts_none),
    CASE(test_engine_memory_cap_is_for_all_memories_together),
    CASE(test_engine_more_core_instances_than_allowed),
    CASE(test_engine_exponential_tree_is_refused),
    CASE(test_engine_ticker_serves_later_instances),
};
TVN_TEST_MAIN("component.engine", tests)
