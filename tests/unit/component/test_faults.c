/* SPDX-License-Identifier: Apache-2.0 */
/* Every way a guest can fail: recorded once, with its code, and the instance is dead afterwards. */
#include "base/clock.h"

#include "tvn_component_test.h"

#include <dirent.h>

static struct guest guest;

static int set_up(void **state)
{
    (void)state;
    guest_start(&guest, "faults", NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    guest_stop(&guest);
    return 0;
}

static void assert_dead(enum tvn_status code, const char *part)
{
    assert_guest_fault(&guest, code, part);
    /* and stays so, with the same fault */
    assert_status(guest_call_u32(&guest, "count", 0, 0, NULL), code);
    assert_status(tvn_export_begin(guest_export(&guest, "count")), code);
    assert_guest_fault(&guest, code, part);
}

static void test_faults_traps_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *part;
    } cases[] = {
        {"unreachable", "unreachable instruction executed in"},
        {"out-of-bounds", "out of bounds memory access in 'named_function' at 0x"},
        {"divide", "integer divide by zero"},
        {"call-null", "uninitialized element"},
        {"recurse", "call stack exhausted in 'deep'"},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        assert_status(guest_call_u32(&guest, cases[i].name, 0, 0, NULL), TVN_E_COMPONENT_TRAPPED);
        assert_dead(TVN_E_COMPONENT_TRAPPED, cases[i].part);
        guest_stop(&guest);
        guest_start(&guest, "faults", NULL);
    }
}

static void test_faults_endless_loop_times_out(void **state)
{
    (void)state;
    tvn_instance_set_limits(guest.instance, 30, 0);
    uint64_t before = tvn_clock_monotonic_ns();
    assert_status(guest_call_u32(&guest, "loop", 0, 0, NULL), TVN_E_COMPONENT_TIMEOUT);
    uint64_t elapsed_ms = (tvn_clock_monotonic_ns() - before) / 1000000u;
    assert_true(elapsed_ms >= 30);
    assert_true(elapsed_ms < 5000);
    assert_dead(TVN_E_COMPONENT_TIMEOUT, "longer than 30 ms");
}

/* Wherever a guest's code runs, and however much an instruction of it does: time is bounded without
 * any fuel. */
static void test_faults_endless_work_times_out_everywhere(void **state)
{
    (void)state;
    static const char *const exports[] = {"in-post-return", "grow",  "fill",
                                          "copy",           "table", "calls"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(exports); i++) {
        guest_stop(&guest);
        guest_start(&guest, "loops", NULL);
        tvn_instance_set_limits(guest.instance, 30, 0);
        assert_status(guest_call(&guest, exports[i], NULL, 0, NULL), TVN_E_COMPONENT_TIMEOUT);
        assert_guest_fault(&guest, TVN_E_COMPONENT_TIMEOUT, "longer than 30 ms");
    }
}

static void test_faults_endless_realloc_times_out(void **state)
{
    (void)state;
    guest_stop(&guest);
    guest_start(&guest, "loops", NULL);
    tvn_instance_set_limits(guest.instance, 30, 0);
    const struct tvn_value text = {.of.string = TVN_STR("text")};
    assert_status(guest_call(&guest, "in-realloc", &text, 1, NULL), TVN_E_COMPONENT_TIMEOUT);
    assert_guest_fault(&guest, TVN_E_COMPONENT_TIMEOUT, "longer than 30 ms");
}

static void test_faults_endless_destructor_times_out(void **state)
{
    (void)state;
    guest_stop(&guest);
    guest_start(&guest, "loops", NULL);
    tvn_instance_set_limits(guest.instance, 30, 0);
    struct tvn_value thing = {0};
    assert_status(guest_call(&guest, "make-thing", NULL, 0, &thing), TVN_OK);
    assert_status(
        tvn_instance_drop_resource(guest.instance, thing.of.handle.type, thing.of.handle.rep),
        TVN_E_COMPONENT_TIMEOUT);
    assert_guest_fault(&guest, TVN_E_COMPONENT_TIMEOUT, "longer than 30 ms");
}

/* A host function on a stack that is nearly used up has what it needs; the guest has not. */
static void test_faults_recursion_through_host_calls_traps(void **state)
{
    (void)state;
    guest_stop(&guest);
    guest_start(&guest, "loops", NULL);
    assert_status(guest_call_u32(&guest, "recurse", 0, 0, NULL), TVN_E_COMPONENT_TRAPPED);
    assert_guest_fault(&guest, TVN_E_COMPONENT_TRAPPED, "call stack exhausted");
}

/* The deadline is per call: many short calls in a row outlive it. */
static void test_faults_deadline_starts_anew_with_each_call(void **state)
{
    (void)state;
    tvn_instance_set_limits(guest.instance, 200, 0);
    uint64_t before = tvn_clock_monotonic_ns();
    while (tvn_clock_monotonic_ns() - before < UINT64_C(400000000)) {
        assert_status(guest_call_u32(&guest, "work", 100000, 0, NULL), TVN_OK);
    }
}

/* Host functions that wait one after the other share the call's time. */
static void test_faults_deadline_of_the_running_call(void **state)
{
    (void)state;
    const struct tvn_export *export = guest_export(&guest, "count");
    tvn_instance_set_limits(guest.instance, 0, 0);
    assert_int_equal(tvn_instance_deadline_ns(guest.instance), 0);
    tvn_instance_set_limits(guest.instance, 3000, 0);
    uint64_t before = tvn_clock_monotonic_ns();
    assert_status(tvn_export_begin(export), TVN_OK);
    uint64_t deadline_ns = tvn_instance_deadline_ns(guest.instance);
    assert_true(deadline_ns >= before + UINT64_C(3000000000));
    assert_true(deadline_ns <= tvn_clock_monotonic_ns() + UINT64_C(3000000000));
    assert_int_equal(tvn_instance_deadline_ns(guest.instance), deadline_ns);
    assert_status(tvn_export_end(export, NULL), TVN_OK);
    assert_status(tvn_export_begin(export), TVN_OK);
    assert_true(tvn_instance_deadline_ns(guest.instance) > deadline_ns);
    assert_status(tvn_export_end(export, NULL), TVN_OK);
}

static void test_faults_cancel_interrupts(void **state)
{
    (void)state;
    static _Atomic int cancel;
    guest_stop(&guest);
    guest_load(&guest, "faults");
    guest.options.cancel = &cancel;
    cancel = 0;
    assert_diag_status(guest_instantiate(&guest, NULL), TVN_OK, guest.sink);
    assert_status(guest_call_u32(&guest, "count", 0, 0, NULL), TVN_OK);
    cancel = 1;
    assert_status(guest_call_u32(&guest, "loop", 0, 0, NULL), TVN_E_FLOW_CANCELLED);
    assert_dead(TVN_E_FLOW_CANCELLED, "cancelled");
}

static void test_faults_memory_grows_up_to_the_limit_only(void **state)
{
    (void)state;
    guest_stop(&guest);
    guest_load(&guest, "faults");
    guest.options.max_memory_bytes = UINT64_C(4) * 65536;
    assert_diag_status(guest_instantiate(&guest, NULL), TVN_OK, guest.sink);
    uint32_t pages = 0;
    assert_status(guest_call_u32(&guest, "grow", 3, 0, &pages), TVN_OK);
    assert_int_equal(pages, 1);
    assert_int_equal(tvn_instance_memory_bytes(guest.instance), 4 * 65536);
    assert_status(guest_call_u32(&guest, "grow", 1, 0, &pages), TVN_OK);
    assert_int_equal(pages, UINT32_MAX); /* refused, the guest lives */
    assert_status(guest_call_u32(&guest, "size", 0, 0, &pages), TVN_OK);
    assert_int_equal(pages, 4);
}

static void test_faults_memory_that_is_too_large_from_the_start(void **state)
{
    (void)state;
    guest_stop(&guest);
    guest_load(&guest, "faults");
    guest.options.max_memory_bytes = 65535;
    assert_diag_status(guest_instantiate(&guest, NULL), TVN_E_INSTANCE_LIMIT, guest.sink);
    assert_guest_diag(&guest, "needs 64 KiB of memory");
}

static void test_faults_bad_results_trap(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t a, b;
        const char *part;
    } cases[] = {
        {"bad-string", 0xfffffff0u, 32, "string pointer/length out of bounds"},
        {"bad-string", 65530, 7, "string pointer/length out of bounds"},
        {"bad-string", 0, 0x90000000u, "string pointer/length out of bounds"},
        {"bad-list", 65532, 2, "list content out-of-bounds"},
        {"bad-list", 2, 1, "unaligned pointer"},
        {"bad-list", 0, 0x40000000u, "list content out-of-bounds"},
        {"bad-pointer", 65528, 0, "out of bounds"},
        {"bad-pointer", 4, 0, "unaligned pointer"},
        {"bad-char", 0xd800, 0, "invalid `char` bit pattern"},
        {"bad-char", 0x110000, 0, "invalid `char` bit pattern"},
        {"bad-case", 2, 0, "invalid variant discriminant"},
        {"bad-post-return", 0, 0, "unreachable"},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        assert_status(guest_call_u32(&guest, cases[i].name, cases[i].a, cases[i].b, NULL),
                      TVN_E_COMPONENT_TRAPPED);
        assert_dead(TVN_E_COMPONENT_TRAPPED, cases[i].part);
        guest_stop(&guest);
        guest_start(&guest, "faults", NULL);
    }
}

static void test_faults_start_function_that_traps(void **state)
{
    (void)state;
    guest_stop(&guest);
    guest_load(&guest, "start_trap");
    assert_diag_status(guest_instantiate(&guest, NULL), TVN_E_COMPONENT_TRAPPED, guest.sink);
    assert_guest_diag(&guest, "unreachable instruction executed in 'start_function'");
}

static void test_faults_start_function_that_loops(void **state)
{
    (void)state;
    guest_stop(&guest);
    guest_load(&guest, "start_loop");
    guest.imports = tvn_imports_create();
    guest.own_imports = true;
    guest.options.imports = guest.imports;
    assert_diag_status(tvn_instance_create(guest_engine, guest.component, &guest.options, 20,
                                           guest.sink, &guest.instance),
                       TVN_E_COMPONENT_TIMEOUT, guest.sink);
}

static void test_faults_first_fault_wins(void **state)
{
    (void)state;
    assert_status(tvn_instance_fail(guest.instance, TVN_E_NOT_OWNER, "first %d", 1),
                  TVN_E_NOT_OWNER);
    assert_status(tvn_instance_fail(guest.instance, TVN_E_COMPONENT_TRAPPED, "second"),
                  TVN_E_NOT_OWNER);
    assert_dead(TVN_E_NOT_OWNER, "first 1");
}

static void test_faults_of_one_instance_leave_others_alone(void **state)
{
    (void)state;
    struct tvn_instance *other = NULL;
    assert_diag_status(tvn_instance_create(guest_engine, guest.component, &guest.options,
                                           GUEST_TIMEOUT_MS, guest.sink, &other),
                       TVN_OK, guest.sink);
    const struct tvn_export *count = tvn_instance_find_export(other, TVN_STR(""), TVN_STR("count"));
    struct tvn_value result = {0};
    assert_status(tvn_export_invoke(count, NULL, 0, guest.arena, &result), TVN_OK);
    assert_status(guest_call_u32(&guest, "unreachable", 0, 0, NULL), TVN_E_COMPONENT_TRAPPED);
    assert_status(tvn_export_invoke(count, NULL, 0, guest.arena, &result), TVN_OK);
    assert_int_equal(result.of.u, 2);
    tvn_instance_destroy(other);
}

static unsigned count_descriptors(void)
{
    unsigned count = 0;
    DIR *directory = opendir("/proc/self/fd");
    assert_non_null(directory);
    while (readdir(directory)) {
        count++;
    }
    closedir(directory);
    return count;
}

/* A crash leaves no descriptor, no slot of the pool and (by the leak checker) no memory. */
static void test_faults_crashes_leave_nothing_behind(void **state)
{
    (void)state;
    unsigned before = count_descriptors();
    for (int i = 0; i < 500; i++) {
        TVN_AUTO(tvn_instance) instance = NULL;
        assert_diag_status(tvn_instance_create(guest_engine, guest.component, &guest.options,
                                               GUEST_TIMEOUT_MS, guest.sink, &instance),
                           TVN_OK, guest.sink);
        struct tvn_value result;
        const struct tvn_export *export =
            tvn_instance_find_export(instance, TVN_STR(""), TVN_STR("unreachable"));
        assert_status(tvn_export_invoke(export, NULL, 0, guest.arena, &result),
                      TVN_E_COMPONENT_TRAPPED);
    }
    assert_int_equal(count_descriptors(), before);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
static const struct CMUnitTest tests[] = {
    CASE(test_faults_traps_are_told_apart),
    CASE(test_faults_endless_loop_times_out),
    CASE(test_faults_endless_work_times_out_everywhere),
    CASE(test_faults_endless_realloc_times_out),
    CASE(test_faults_endless_destructor_times_out),
    CASE(test_faults_recursion_through_host_calls_traps),
    CASE(test_faults_deadline_starts_anew_with_each_call),
    CASE(test_faults_deadline_of_the_running_call),
    CASE(test_faults_cancel_interrupts),
    CASE(test_faults_memory_grows_up_to_the_limit_only),
    CASE(test_faults_memory_that_is_too_large_from_the_start),
    CASE(test_faults_bad_results_trap),
    CASE(test_faults_start_function_that_traps),
    CASE(test_faults_start_function_that_loops),
    CASE(test_faults_first_fault_wins),
    CASE(test_faults_of_one_instance_leave_others_alone),
    CASE(test_faults_crashes_leave_nothing_behind),
};
TVN_TEST_MAIN_WITH("component.faults", tests, guest_engine_start, guest_engine_stop)
