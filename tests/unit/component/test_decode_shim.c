/* SPDX-License-Identifier: Apache-2.0 */
/* Lowered functions behind a shim: which are recognised, and that nothing else changes. */
#include "component/definition.h"

#include "tvn_component_test.h"

static struct guest guest;

static int tear_down(void **state)
{
    (void)state;
    guest_stop(&guest);
    return 0;
}

/* Makes every `from` in the bytes of "late" a `to`, which is as long. */
static void load_changed(const void *from, const void *to, size_t length)
{
    guest_load(&guest, "late");
    tvn_component_destroy(guest.component);
    guest.component = NULL;
    uint32_t found = 0;
    for (size_t i = 0; i + length <= guest.bytes.len; i++) {
        if (memcmp(guest.bytes.ptr + i, from, length) == 0) {
            memcpy(guest.bytes.ptr + i, to, length);
            found++;
        }
    }
    assert_int_not_equal(found, 0);
    assert_diag_status(
        tvn_component_decode(guest.bytes.ptr, guest.bytes.len, 0, guest.sink, &guest.component),
        TVN_OK, guest.sink);
    assert_diag_status(tvn_component_compile(guest.component, guest_engine, guest.sink), TVN_OK,
                       guest.sink);
}
#define CHANGED(from, to)                                                        \
    do {                                                                         \
        _Static_assert(sizeof(from) == sizeof(to), "a change keeps the length"); \
        load_changed((from), (to), sizeof(from) - 1);                            \
    } while (0)

#define BODY_0      "\x20\x00\x41\x00\x11\x00\x00\x0b"
#define BODY_1      "\x20\x00\x41\x01\x11\x00\x00\x0b"
#define ELEMENTS    "\x41\x00\x0b\x02\x00\x01"
#define TABLE       "\x70\x01\x02\x02"
#define TABLE_GROWS "\x70\x01\x02\x03"

static const struct tvn_definition *root(void)
{
    return tvn_component_document(guest.component)->root;
}

/* Core instantiations that are left out. */
static uint32_t left_out(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < root()->def_count; i++) {
        const struct tvn_def *def = &root()->defs[i];
        count += def->kind == TVN_DEF_CORE_INSTANTIATE && def->of.core_instantiate.only_for_late;
    }
    return count;
}

static void assert_recognised(uint32_t functions, uint32_t instances)
{
    assert_int_equal(root()->late_count, functions);
    assert_int_equal(left_out(), instances);
}

static void instantiate(void)
{
    assert_diag_status(guest_instantiate(&guest, NULL), TVN_OK, guest.sink);
}

static void assert_result(const char *name, uint32_t arg, uint32_t expected)
{
    uint32_t result = 0;
    assert_status(guest_call_u32(&guest, name, arg, 0, &result), TVN_OK);
    assert_int_equal(result, expected);
}

static void test_decode_shim_functions_take_the_place_of_shim_and_fixups(void **state)
{
    (void)state;
    guest_load(&guest, "late");
    assert_recognised(2, 2);
    instantiate();
    assert_result("add-ten", 5, 15);
    assert_result("double", 5, 10);
}

static void test_decode_shim_every_instance_has_its_own(void **state)
{
    (void)state;
    guest_load(&guest, "late");
    instantiate();
    struct tvn_instance *first = guest.instance;
    guest.instance = NULL;
    assert_diag_status(tvn_instance_create(guest_engine, guest.component, &guest.options,
                                           GUEST_TIMEOUT_MS, guest.sink, &guest.instance),
                       TVN_OK, guest.sink);
    assert_result("add-ten", 5, 15);
    tvn_instance_destroy(first);
    assert_result("double", 5, 10);
}

static void test_decode_shim_body_of_another_slot_is_none(void **state)
{
    (void)state;
    CHANGED(BODY_0, BODY_1);
    assert_recognised(0, 0);
    instantiate();
    assert_result("add-ten", 5, 10);
    assert_result("double", 5, 10);
}

static void test_decode_shim_body_that_does_more_is_none(void **state)
{
    (void)state;
    CHANGED("\x09\x00\x20\x00\x41\x00\x11\x00\x00\x0b", "\x09\x00\x41\x07\x41\x00\x11\x00\x00\x0b");
    assert_recognised(0, 0);
    instantiate();
    assert_result("add-ten", 5, 17);
}

static void test_decode_shim_const_in_another_encoding_is_none(void **state)
{
    (void)state;
    /* -63: as an unsigned number it would be 65 */
    CHANGED(BODY_1, "\x20\x00\x41\x41\x11\x00\x00\x0b");
    assert_recognised(0, 0);
    instantiate();
    assert_result("add-ten", 5, 15);
    assert_status(guest_call_u32(&guest, "double", 5, 0, NULL), TVN_E_COMPONENT_TRAPPED);
    assert_guest_fault(&guest, TVN_E_COMPONENT_TRAPPED, "out of bounds table access");
}

static void test_decode_shim_table_that_can_grow_is_none(void **state)
{
    (void)state;
    CHANGED(TABLE, TABLE_GROWS);
    assert_recognised(0, 0);
    instantiate();
    assert_result("add-ten", 5, 15);
    assert_result("double", 5, 10);
}

static void test_decode_shim_fixups_in_another_order_are_none(void **state)
{
    (void)state;
    CHANGED(ELEMENTS, "\x41\x00\x0b\x02\x01\x00");
    assert_recognised(0, 0);
    instantiate();
    assert_result("add-ten", 5, 10);
    assert_result("double", 5, 15);
}

static void test_decode_shim_fixups_at_another_offset_are_none(void **state)
{
    (void)state;
    CHANGED(ELEMENTS, "\x41\x01\x0b\x02\x00\x01");
    assert_recognised(0, 0);
    assert_diag_status(guest_instantiate(&guest, NULL), TVN_E_COMPONENT_TRAPPED, guest.sink);
    assert_guest_diag(&guest, "out of bounds table access");
}

static void test_decode_shim_slot_that_is_never_filled_traps(void **state)
{
    (void)state;
    CHANGED("\x08\x01\x00" ELEMENTS, "\x08\x01\x00\x41\x80\x00\x0b\x01\x00");
    assert_recognised(0, 0);
    instantiate();
    assert_result("add-ten", 5, 15);
    assert_status(guest_call_u32(&guest, "double", 5, 0, NULL), TVN_E_COMPONENT_TRAPPED);
    assert_guest_fault(&guest, TVN_E_COMPONENT_TRAPPED, "uninitialized element");
}

static void test_decode_shim_call_before_the_fixups_traps(void **state)
{
    (void)state;
    guest_load(&guest, "late_start");
    assert_recognised(2, 2);
    assert_diag_status(guest_instantiate(&guest, NULL), TVN_E_COMPONENT_TRAPPED, guest.sink);
    assert_guest_diag(&guest, "uninitialized element in 'early'");
}

static void test_decode_shim_fixups_may_start_the_guest(void **state)
{
    (void)state;
    guest_load(&guest, "late_initialize");
    assert_recognised(2, 0);
    instantiate();
    assert_result("add-ten", 5, 115);
    assert_result("double", 5, 10);
}

static void test_decode_shim_lowered_but_not_in_its_slot_traps(void **state)
{
    (void)state;
    guest_load(&guest, "late_between");
    assert_recognised(0, 0);
    assert_diag_status(guest_instantiate(&guest, NULL), TVN_E_COMPONENT_TRAPPED, guest.sink);
    assert_guest_diag(&guest, "uninitialized element");
}

static void assert_spoilt(const char *name)
{
    guest_load(&guest, name);
    assert_recognised(0, 0);
    instantiate();
    assert_result("add-ten", 5, 15);
    assert_status(guest_call(&guest, "spoil", NULL, 0, NULL), TVN_OK);
    assert_result("add-ten", 5, 7);
    assert_result("double", 5, 10);
}

static void test_decode_shim_whose_instance_others_have_is_none(void **state)
{
    (void)state;
    assert_spoilt("late_shared_table");
}

static void test_decode_shim_whose_table_others_have_is_none(void **state)
{
    (void)state;
    assert_spoilt("late_table_alias");
}

static void test_decode_shim_other_slots_stay_in_the_table(void **state)
{
    (void)state;
    guest_load(&guest, "late_partly");
    assert_recognised(1, 0);
    instantiate();
    assert_result("add-ten", 5, 15);
    assert_result("again", 5, 15);
    assert_result("double", 5, 15);
}

static uint64_t fuel_of_call(void)
{
    instantiate();
    tvn_instance_set_limits(guest.instance, 0, UINT64_C(1) << 40);
    uint64_t before = tvn_instance_fuel_consumed(guest.instance);
    assert_result("add-ten", 5, 15);
    uint64_t used = tvn_instance_fuel_consumed(guest.instance) - before;
    guest_stop(&guest);
    return used;
}

/* The shim's instructions cost fuel. */
static void test_decode_shim_calls_cost_the_same_fuel(void **state)
{
    (void)state;
    guest_engine_stop(NULL);
    guest_engine_start_with(&(struct tvn_engine_options){.fuel = true});
    guest_load(&guest, "late");
    assert_recognised(2, 2);
    uint64_t recognised = fuel_of_call();
    CHANGED(TABLE, TABLE_GROWS);
    assert_recognised(0, 0);
    assert_int_equal(fuel_of_call(), recognised);
    assert_true(recognised > 0);
    guest_engine_stop(NULL);
    guest_engine_start(NULL);
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

static const struct CMUnitTest tests[] = {
    TEST(test_decode_shim_functions_take_the_place_of_shim_and_fixups),
    TEST(test_decode_shim_every_instance_has_its_own),
    TEST(test_decode_shim_body_of_another_slot_is_none),
    TEST(test_decode_shim_body_that_does_more_is_none),
    TEST(test_decode_shim_const_in_another_encoding_is_none),
    TEST(test_decode_shim_table_that_can_grow_is_none),
    TEST(test_decode_shim_fixups_in_another_order_are_none),
    TEST(test_decode_shim_fixups_at_another_offset_are_none),
    TEST(test_decode_shim_slot_that_is_never_filled_traps),
    TEST(test_decode_shim_call_before_the_fixups_traps),
    TEST(test_decode_shim_fixups_may_start_the_guest),
    TEST(test_decode_shim_lowered_but_not_in_its_slot_traps),
    TEST(test_decode_shim_whose_instance_others_have_is_none),
    TEST(test_decode_shim_whose_table_others_have_is_none),
    TEST(test_decode_shim_other_slots_stay_in_the_table),
    TEST(test_decode_shim_calls_cost_the_same_fuel),
};
TVN_TEST_MAIN_WITH("component.decode_shim", tests, guest_engine_start, guest_engine_stop)
