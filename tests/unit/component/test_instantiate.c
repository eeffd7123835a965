/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs of components: nesting, resources between them, strings across encodings, limits. */
#include "tvn_component_test.h"

static struct guest guest;

static int set_up(void **state)
{
    (void)state;
    guest_start(&guest, "nested", NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    guest_stop(&guest);
    return 0;
}

static uint32_t call(const char *name, uint32_t arg)
{
    uint32_t result = 0;
    enum tvn_status status = guest_call_u32(&guest, name, arg, 0, &result);
    if (status != TVN_OK) {
        print_error("%s: %s\n", name, tvn_instance_fault(guest.instance)->text);
    }
    assert_status(status, TVN_OK);
    return result;
}

static void
test_instantiate_borrow_goes_to_its_implementer_and_own_ends_in_the_destructor(void **state)
{
    (void)state;
    assert_int_equal(call("round", 7), 7);
    assert_int_equal(call("dropped", 0), 7);
    assert_int_equal(call("round", 5), 5);
    assert_int_equal(call("dropped", 0), 12);
    /* the other producer is another instance */
    assert_int_equal(call("dropped-other", 0), 0);
}

static void test_instantiate_strings_cross_encodings(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "hey", "na\xc3\xafve", "\xf0\x9f\x98\x80"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(texts); i++) {
        struct tvn_value arg = {.of.string = tvn_str_of(texts[i])}, result = {0};
        char expected[64];
        snprintf(expected, sizeof(expected), "%s!", texts[i]);
        assert_status(guest_call(&guest, "shout", &arg, 1, &result), TVN_OK);
        assert_str(result.of.string, expected);
    }
}

/* What is remembered about handles that are lent grows with their number, and has a limit. */
static void test_instantiate_borrows_of_one_call_are_bounded(void **state)
{
    (void)state;
    uint32_t sum = 0;
    guest_stop(&guest);
    guest_start(&guest, "borrows", NULL);
    assert_status(guest_call_u32(&guest, "lend", 1, 0, &sum), TVN_OK);
    assert_int_equal(sum, 7);
    assert_status(guest_call_u32(&guest, "lend", 100000, 0, &sum), TVN_OK);
    assert_int_equal(sum, 700000);
    assert_status(guest_call_u32(&guest, "lend", 10000000, 0, &sum), TVN_E_COMPONENT_TRAPPED);
    assert_guest_fault(&guest, TVN_E_COMPONENT_TRAPPED, "more than 64 MiB");
}

static void test_instantiate_host_holds_a_guest_resource(void **state)
{
    (void)state;
    struct tvn_value arg = {.of.u = 21}, counter = {0}, result = {0};
    assert_status(guest_call(&guest, "keep", &arg, 1, &counter), TVN_OK);
    assert_int_equal(counter.of.handle.rep, 21);
    assert_non_null(counter.of.handle.type->guest);
    assert_status(guest_call(&guest, "get", &counter, 1, &result), TVN_OK);
    assert_int_equal(result.of.u, 21);
    assert_status(
        tvn_instance_drop_resource(guest.instance, counter.of.handle.type, counter.of.handle.rep),
        TVN_OK);
    assert_int_equal(call("dropped", 0), 21);
}

static void test_instantiate_forged_handle_between_components_is_refused(void **state)
{
    (void)state;
    assert_status(guest_call_u32(&guest, "forge", 3, 0, NULL), TVN_E_NOT_OWNER);
    assert_guest_fault(&guest, TVN_E_NOT_OWNER, "unknown handle index 3");
}

static void test_instantiate_trap_in_a_nested_component_kills_the_tree(void **state)
{
    (void)state;
    assert_status(guest_call_u32(&guest, "trap", 0, 0, NULL), TVN_E_COMPONENT_TRAPPED);
    assert_guest_fault(&guest, TVN_E_COMPONENT_TRAPPED, "unreachable");
    assert_status(guest_call_u32(&guest, "dropped-other", 0, 0, NULL), TVN_E_COMPONENT_TRAPPED);
}

/* A child may call back into its running parent; nobody enters a child that runs. */
static void test_instantiate_running_children_are_not_entered(void **state)
{
    (void)state;
    guest_stop(&guest);
    guest_start(&guest, "reentrance", NULL);
    assert_int_equal(call("run", 0), 101);
    assert_int_equal(call("run", 0), 101);
    assert_status(guest_call_u32(&guest, "run", 1, 0, NULL), TVN_E_COMPONENT_TRAPPED);
    assert_guest_fault(&guest, TVN_E_COMPONENT_TRAPPED, "cannot enter component instance");
}

static void test_instantiate_without_memory_reports_and_leaks_nothing(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 200; n++) {
        struct tvn_instance *instance = NULL;
        TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
        tvn_mem_fail_at(n, true);
        enum tvn_status status = tvn_instance_create(guest_engine, guest.component, &guest.options,
                                                     GUEST_TIMEOUT_MS, sink, &instance);
        tvn_mem_fail_at(0, false);
        if (status == TVN_OK) {
            tvn_instance_destroy(instance);
            return;
        }
        assert_status(status, TVN_E_OUT_OF_MEMORY);
        assert_null(instance);
    }
    fail_msg("instantiation never succeeded");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
static const struct CMUnitTest tests[] = {
    CASE(test_instantiate_borrow_goes_to_its_implementer_and_own_ends_in_the_destructor),
    CASE(test_instantiate_strings_cross_encodings),
    CASE(test_instantiate_borrows_of_one_call_are_bounded),
    CASE(test_instantiate_host_holds_a_guest_resource),
    CASE(test_instantiate_forged_handle_between_components_is_refused),
    CASE(test_instantiate_trap_in_a_nested_component_kills_the_tree),
    CASE(test_instantiate_running_children_are_not_entered),
    CASE(test_instantiate_without_memory_reports_and_leaks_nothing),
};
TVN_TEST_MAIN_WITH("component.instantiate", tests, guest_engine_start, guest_engine_stop)
