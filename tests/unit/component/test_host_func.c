/* SPDX-License-Identifier: Apache-2.0 */
/* Host functions, raw and dynamic; host resources; handle misuse; realloc that misbehaves. */
#include "component/handle_table.h"

#include "tvn_component_test.h"

/* ---- what this host offers ---- */

struct world {
    uint32_t pings;
    uint32_t made;
    uint32_t live;
    uint32_t last_dropped;
    uint32_t list_count;
};
static struct world world;
static struct guest guest;

static const struct tvn_resource thing = {.name = {"thing", 5}};
static const struct tvn_type own_thing = {.kind = TVN_TYPE_OWN,
                                          .resource = &thing,
                                          .abi_size = 4,
                                          .abi_align = 4,
                                          .abi_flat_count = 1,
                                          .depth = 1,
                                          .has_handle = true};
static const struct tvn_type borrow_thing = {.kind = TVN_TYPE_BORROW,
                                             .resource = &thing,
                                             .abi_size = 4,
                                             .abi_align = 4,
                                             .abi_flat_count = 1,
                                             .depth = 1,
                                             .has_handle = true,
                                             .has_borrow = true};
static const struct tvn_type list_u32 = {.kind = TVN_TYPE_LIST,
                                         .element = &tvn_type_primitives[TVN_TYPE_U32],
                                         .abi_size = 8,
                                         .abi_align = 4,
                                         .abi_flat_count = 2,
                                         .depth = 2,
                                         .has_pointers = true};

#define NAME(text)  {(text), sizeof(text) - 1}
#define PRIM(kind)  (&tvn_type_primitives[(kind)])
#define PARAM(n, t) (const struct tvn_field[]){{NAME(n), (t), NULL}}, 1

static const struct tvn_func call_funcs[] = {
    {.name = NAME("ping"), .type = {NULL, 0, PRIM(TVN_TYPE_U32), false}},
    {.name = NAME("give-list"), .type = {NULL, 0, &list_u32, false}},
    {.name = NAME("give-text"), .type = {NULL, 0, PRIM(TVN_TYPE_STRING), false}},
};
static const struct tvn_interface calls_interface = {
    .id = NAME("test:host/calls@1.0.0"), .funcs = call_funcs, .func_count = 3};
static const struct tvn_interface wasi_interface = {
    .id = NAME("wasi:test/calls@0.2.3"), .funcs = call_funcs, .func_count = 3};

static const struct tvn_func thing_funcs[] = {
    {.name = NAME("make"), .type = {PARAM("n", PRIM(TVN_TYPE_U32)), &own_thing, false}},
    {.name = NAME("[method]thing.get"),
     .type = {PARAM("self", &borrow_thing), PRIM(TVN_TYPE_U32), false}},
    {.name = NAME("consume"), .type = {PARAM("t", &own_thing), PRIM(TVN_TYPE_U32), false}},
};
static const struct tvn_type_item thing_types[] = {
    {.kind = TVN_TYPE_ITEM_RESOURCE, .name = NAME("thing"), .resource = &thing}};
static const struct tvn_interface things_interface = {.id = NAME("test:host/things@1.0.0"),
                                                      .types = thing_types,
                                                      .type_count = 1,
                                                      .funcs = thing_funcs,
                                                      .func_count = 3};

static const struct tvn_resource_rt *thing_rt;

static void *raw_ping(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    struct world *host = site->host;
    host->pings++;
    slots[0].u64 = 2048;
    return NULL;
}

static void *raw_give_list(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    struct world *host = site->host;
    uint32_t out = slots[0].u32, offset;
    if (!tvn_site_realloc(site, 4, host->list_count * 4, &offset)) {
        return tvn_site_trapped(site);
    }
    uint8_t *at = tvn_guest_mem_at(site->mem, offset, (uint64_t)host->list_count * 4);
    for (uint32_t i = 0; at && i < host->list_count; i++) {
        tvn_guest_store_u32(at + (size_t)i * 4, 100 + i);
    }
    uint8_t *pair = tvn_guest_mem_at(site->mem, out, 8);
    if (!at || !pair) {
        return tvn_site_trap(site, TVN_E_COMPONENT_TRAPPED, "bad pointer");
    }
    tvn_guest_store_u32(pair, offset);
    tvn_guest_store_u32(pair + 4, host->list_count);
    return NULL;
}

static enum tvn_status dynamic_give_text(const struct tvn_call_site *site,
                                         const struct tvn_value *args, uint32_t arg_count,
                                         struct tvn_arena *arena, struct tvn_value *out_result)
{
    (void)args;
    (void)arena;
    assert_int_equal(arg_count, 0);
    struct world *host = site->host;
    if (host->list_count == 0) {
        return tvn_instance_fail(site->instance, TVN_E_BUDGET_EXCEEDED, "no text today");
    }
    out_result->of.string = TVN_STR("text of the host");
    return TVN_OK;
}

static enum tvn_status dynamic_make(const struct tvn_call_site *site, const struct tvn_value *args,
                                    uint32_t arg_count, struct tvn_arena *arena,
                                    struct tvn_value *out_result)
{
    (void)arena;
    assert_int_equal(arg_count, 1);
    struct world *host = site->host;
    host->made++;
    host->live++;
    out_result->of.handle.rep = 1000 + args[0].of.u;
    out_result->of.handle.type = thing_rt;
    return TVN_OK;
}

static void *raw_get(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    const struct tvn_handle *handle =
        tvn_handle_find(&site->guest->handles, slots[0].u32, thing_rt);
    if (!handle) {
        return tvn_site_trap(site, TVN_E_NOT_OWNER, "unknown handle index %u", slots[0].u32);
    }
    slots[0].u64 = handle->rep;
    return NULL;
}

static enum tvn_status dynamic_consume(const struct tvn_call_site *site,
                                       const struct tvn_value *args, uint32_t arg_count,
                                       struct tvn_arena *arena, struct tvn_value *out_result)
{
    (void)arena;
    assert_int_equal(arg_count, 1);
    struct world *host = site->host;
    assert_ptr_equal(args[0].of.handle.type, thing_rt);
    host->live--;
    out_result->of.u = args[0].of.handle.rep;
    return TVN_OK;
}

static void drop_thing(void *host, struct tvn_guest *from, uint64_t rep)
{
    assert_ptr_equal(host, &world);
    assert_non_null(from);
    world.live--;
    world.last_dropped = (uint32_t)rep;
}

static struct tvn_imports *make_imports(void)
{
    static const struct tvn_host_func call_impls[] = {
        {"ping", raw_ping, NULL},
        {"give-list", raw_give_list, NULL},
        {"give-text", NULL, dynamic_give_text},
    };
    static const struct tvn_host_func thing_impls[] = {
        {"make", NULL, dynamic_make},
        {"[method]thing.get", raw_get, NULL},
        {"consume", NULL, dynamic_consume},
    };
    static const struct tvn_host_resource things[] = {{"thing", drop_thing}};
    struct tvn_imports *imports = tvn_imports_create();
    assert_non_null(imports);
    assert_status(tvn_imports_add(imports, &calls_interface, call_impls, 3, NULL, 0, 2), TVN_OK);
    assert_status(tvn_imports_add(imports, &wasi_interface, call_impls, 3, NULL, 0, 2), TVN_OK);
    assert_status(tvn_imports_add(imports, &things_interface, thing_impls, 3, things, 1, 2),
                  TVN_OK);
    thing_rt = tvn_imports_resource(imports, things_interface.id, TVN_STR("thing"));
    assert_non_null(thing_rt);
    return imports;
}

static void start(const char *name)
{
    world = (struct world){.list_count = 4};
    guest_load(&guest, name);
    guest.options.contexts[2] = &world;
    assert_diag_status(guest_instantiate(&guest, make_imports()), TVN_OK, guest.sink);
    guest.own_imports = true;
}

static void restart(const char *name)
{
    guest_stop(&guest);
    start(name);
}

static int set_up_things(void **state)
{
    (void)state;
    start("things");
    return 0;
}

static int set_up_realloc(void **state)
{
    (void)state;
    start("hostile_realloc");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    guest_stop(&guest);
    assert_int_equal(world.live, 0); /* whatever happened, every thing came back once */
    return 0;
}

static struct tvn_value new_thing(uint64_t rep)
{
    world.live++;
    return (struct tvn_value){.of.handle = {.rep = rep, .type = thing_rt}};
}

static struct tvn_value lent_thing(uint64_t rep)
{
    return (struct tvn_value){.of.handle = {.rep = rep, .type = thing_rt}};
}

static const struct tvn_handle_table *handles(void)
{
    return &guest_export(&guest, "get")->guest->handles;
}

/* ---- resources ---- */

static void test_host_func_borrow_is_used_and_dropped(void **state)
{
    (void)state;
    struct tvn_value arg = lent_thing(77), result = {0};
    assert_status(guest_call(&guest, "use", &arg, 1, &result), TVN_OK);
    assert_int_equal(result.of.u, 77);
    assert_int_equal(tvn_handle_table_live(handles()), 0);
}

static void test_host_func_borrow_kept_past_the_call_traps(void **state)
{
    (void)state;
    struct tvn_value arg = lent_thing(77);
    assert_status(guest_call(&guest, "leak", &arg, 1, NULL), TVN_E_COMPONENT_TRAPPED);
    assert_guest_fault(&guest, TVN_E_COMPONENT_TRAPPED, "borrow handles still remain");
    restart("things");
    arg = lent_thing(77);
    assert_status(guest_call(&guest, "keep-borrow", &arg, 1, NULL), TVN_E_COMPONENT_TRAPPED);
    assert_guest_fault(&guest, TVN_E_COMPONENT_TRAPPED, "borrow handles still remain");
}

static void test_host_func_own_moves_in_and_out(void **state)
{
    (void)state;
    struct tvn_value arg = new_thing(5), result = {0};
    assert_status(guest_call(&guest, "keep", &arg, 1, NULL), TVN_OK);
    assert_status(guest_call(&guest, "use-kept", NULL, 0, &result), TVN_OK);
    assert_int_equal(result.of.u, 5);
    assert_status(guest_call(&guest, "give-kept", NULL, 0, &result), TVN_OK);
    assert_int_equal(result.of.handle.rep, 5);
    assert_ptr_equal(result.of.handle.type, thing_rt);
    assert_int_equal(tvn_handle_table_live(handles()), 0);
    world.live--;
    /* given away: gone */
    assert_status(guest_call(&guest, "use-kept", NULL, 0, NULL), TVN_E_NOT_OWNER);
}

static void test_host_func_own_dropped_by_the_guest_comes_back(void **state)
{
    (void)state;
    struct tvn_value arg = new_thing(6);
    assert_status(guest_call(&guest, "keep", &arg, 1, NULL), TVN_OK);
    assert_status(guest_call(&guest, "drop-kept", NULL, 0, NULL), TVN_OK);
    assert_int_equal(world.last_dropped, 6);
    assert_int_equal(world.live, 0);
}

static void test_host_func_own_kept_comes_back_at_the_end(void **state)
{
    (void)state;
    struct tvn_value arg = new_thing(6);
    assert_status(guest_call(&guest, "keep", &arg, 1, NULL), TVN_OK);
    assert_int_equal(world.live, 1); /* tear_down sees 0 */
}

static void test_host_func_consume_takes_the_handle(void **state)
{
    (void)state;
    struct tvn_value arg = new_thing(8), result = {0};
    assert_status(guest_call(&guest, "consume", &arg, 1, &result), TVN_OK);
    assert_int_equal(result.of.u, 8);
    assert_int_equal(tvn_handle_table_live(handles()), 0);
}

static void test_host_func_consume_of_a_borrow_traps(void **state)
{
    (void)state;
    struct tvn_value arg = lent_thing(8);
    assert_status(guest_call(&guest, "consume-borrow", &arg, 1, NULL), TVN_E_COMPONENT_TRAPPED);
    assert_guest_fault(&guest, TVN_E_COMPONENT_TRAPPED, "is a borrow");
}

static void test_host_func_bad_handles_are_refused(void **state)
{
    (void)state;
    static const uint32_t indices[] = {0, 1, 2, 16, 65536, 0x7fffffff, UINT32_MAX};
    for (size_t i = 0; i < TVN_ARRAY_LEN(indices); i++) {
        char text[64];
        snprintf(text, sizeof(text), "unknown handle index %u", indices[i]);
        static const char *const names[] = {"get", "drop", "forge"};
        for (size_t n = 0; n < TVN_ARRAY_LEN(names); n++) {
            assert_status(guest_call_u32(&guest, names[n], indices[i], 0, NULL), TVN_E_NOT_OWNER);
            assert_guest_fault(&guest, TVN_E_NOT_OWNER, text);
            restart("things");
        }
    }
    struct tvn_value arg = new_thing(9);
    assert_status(guest_call(&guest, "drop-twice", &arg, 1, NULL), TVN_E_NOT_OWNER);
    assert_guest_fault(&guest, TVN_E_NOT_OWNER, "unknown handle index 1");
}

static void test_host_func_full_table_traps_and_gives_all_back(void **state)
{
    (void)state;
    assert_status(guest_call_u32(&guest, "make-many", TVN_HANDLES_MAX, 0, NULL), TVN_OK);
    assert_int_equal(tvn_handle_table_live(handles()), TVN_HANDLES_MAX);
    assert_status(guest_call_u32(&guest, "make-many", 1, 0, NULL), TVN_E_COMPONENT_TRAPPED);
    assert_guest_fault(&guest, TVN_E_COMPONENT_TRAPPED, "handle table is full");
    assert_int_equal(world.live, TVN_HANDLES_MAX); /* the one that found no room is back */
}

static void test_host_func_argument_of_a_dead_instance_comes_back(void **state)
{
    (void)state;
    assert_status(guest_call_u32(&guest, "get", 99, 0, NULL), TVN_E_NOT_OWNER);
    struct tvn_value arg = new_thing(5);
    assert_status(guest_call(&guest, "keep", &arg, 1, NULL), TVN_E_NOT_OWNER);
    assert_int_equal(world.live, 0);
}

static void test_host_func_compiled_lend_and_take(void **state)
{
    (void)state;
    const struct tvn_export *use = guest_export(&guest, "use");
    const struct tvn_export *make = guest_export(&guest, "make");
    union tvn_flat slots[2] = {0};
    assert_status(tvn_export_begin(use), TVN_OK);
    slots[0].u32 = tvn_export_lend(use, thing_rt, 55);
    assert_int_equal(slots[0].u32, 1);
    assert_status(tvn_export_call(use, slots), TVN_OK);
    assert_int_equal(slots[0].u32, 55);
    assert_status(tvn_export_end(use, slots), TVN_OK);

    uint64_t rep = 0;
    slots[0].u32 = 4;
    assert_status(tvn_export_begin(make), TVN_OK);
    assert_status(tvn_export_call(make, slots), TVN_OK);
    assert_status(tvn_export_take_own(make, thing_rt, slots[0].u32, &rep), TVN_OK);
    assert_int_equal(rep, 1004);
    world.live--;
    assert_status(tvn_export_take_own(make, thing_rt, slots[0].u32, &rep), TVN_E_NOT_OWNER);
    assert_status(tvn_export_end(make, slots), TVN_E_NOT_OWNER);
}

/* ---- realloc ---- */

static void test_host_func_lists_and_texts_arrive(void **state)
{
    (void)state;
    uint32_t result = 0;
    assert_status(guest_call_u32(&guest, "fetch", 0, 0, &result), TVN_OK);
    assert_int_equal(result, 100 + 4);
    assert_status(guest_call_u32(&guest, "fetch-text", 0, 0, &result), TVN_OK);
    assert_int_equal(result, strlen("text of the host"));
    assert_status(guest_call_u32(&guest, "call-ping", 0, 0, &result), TVN_OK);
    assert_int_equal(world.pings, 1);
}

static void test_host_func_failure_of_the_host_reaches_the_fault(void **state)
{
    (void)state;
    world.list_count = 0;
    assert_status(guest_call_u32(&guest, "fetch-text", 0, 0, NULL), TVN_E_BUDGET_EXCEEDED);
    assert_guest_fault(&guest, TVN_E_BUDGET_EXCEEDED, "no text today");
}

static enum tvn_status take_two(void)
{
    struct tvn_value numbers[] = {{.of.u = 1}, {.of.u = 2}};
    struct tvn_value list = {.of.list = {numbers, 2}};
    return guest_call(&guest, "take", &list, 1, NULL);
}

static enum tvn_status fetch(void)
{
    return guest_call_u32(&guest, "fetch", 0, 0, NULL);
}

static enum tvn_status fetch_text(void)
{
    return guest_call_u32(&guest, "fetch-text", 0, 0, NULL);
}

/* Each misbehaviour against each place that calls realloc: for arguments, raw results, dynamic
 * results. */
static void test_host_func_hostile_realloc(void **state)
{
    (void)state;
    static const struct {
        uint32_t mode;
        enum tvn_status status; /* OK: harmless */
        const char *part;
    } cases[] = {
        {0, TVN_OK, ""},
        {1, TVN_E_COMPONENT_TRAPPED, "beyond end of memory"},
        {3, TVN_E_COMPONENT_TRAPPED, "unreachable"},
        {4, TVN_E_COMPONENT_TRAPPED, "cannot leave component instance"},
        {5, TVN_E_COMPONENT_TIMEOUT, "longer than 20 ms"},
        {6, TVN_OK, ""}, /* grows the memory and points into the new page */
        {7, TVN_E_COMPONENT_TRAPPED, "beyond end of memory"},
        {8, TVN_OK, ""}, /* null is an address like others */
        {9, TVN_E_COMPONENT_TRAPPED, "cannot leave component instance"},
    };
    static enum tvn_status (*const calls[])(void) = {take_two, fetch, fetch_text};
    for (size_t c = 0; c < TVN_ARRAY_LEN(calls); c++) {
        for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
            tvn_instance_set_limits(guest.instance, 20, 0);
            assert_status(guest_call_u32(&guest, "set-mode", cases[i].mode, 0, NULL), TVN_OK);
            assert_status(calls[c](), cases[i].status);
            if (cases[i].status != TVN_OK) {
                assert_guest_fault(&guest, cases[i].status, cases[i].part);
            }
            assert_int_equal(world.pings, 0);
            restart("hostile_realloc");
        }
    }
    assert_status(guest_call_u32(&guest, "set-mode", 2, 0, NULL), TVN_OK);
    assert_status(take_two(), TVN_E_COMPONENT_TRAPPED);
    assert_guest_fault(&guest, TVN_E_COMPONENT_TRAPPED, "result not aligned");
}

static void test_host_func_call_from_post_return_cannot_leave(void **state)
{
    (void)state;
    assert_status(guest_call_u32(&guest, "ping-in-post-return", 0, 0, NULL),
                  TVN_E_COMPONENT_TRAPPED);
    assert_guest_fault(&guest, TVN_E_COMPONENT_TRAPPED, "cannot leave component instance");
    assert_int_equal(world.pings, 1);
}

/* ---- matching ---- */

static void refuse(const char *name, const char *message, const char *help)
{
    world = (struct world){0};
    guest_load(&guest, name);
    assert_diag_status(guest_instantiate(&guest, make_imports()), TVN_E_IMPORT_UNKNOWN, guest.sink);
    guest.own_imports = true;
    assert_guest_diag(&guest, message);
    assert_guest_diag(&guest, help);
}

static void test_host_func_unknown_interface_is_named_with_a_suggestion(void **state)
{
    (void)state;
    refuse("unknown_interface", "imports 'test:host/thimgs@1.0.0', which nobody provides",
           "did you mean 'test:host/things@1.0.0'?");
}

static void test_host_func_unknown_function_is_named_with_a_suggestion(void **state)
{
    (void)state;
    refuse("unknown_function", "'test:host/calls@1.0.0' has no function 'pimg'",
           "did you mean 'ping'?");
}

static void test_host_func_other_type_is_shown_with_both(void **state)
{
    (void)state;
    refuse("wrong_type", "with another type", "Torvyn provides func() -> u32");
}

static void test_host_func_other_resource_is_refused(void **state)
{
    (void)state;
    refuse("wrong_resource", "has no resource 'other'", "");
}

static void test_host_func_wasi_matches_by_track(void **state)
{
    (void)state;
    start("wasi_newer_patch");
    struct tvn_value result = {0};
    const struct tvn_export *run =
        tvn_instance_find_export(guest.instance, TVN_STR("test:guest/run@1.0.0"), TVN_STR("run"));
    assert_non_null(run);
    assert_string_equal(run->name, "test:guest/run@1.2.0#run");
    assert_status(tvn_export_invoke(run, NULL, 0, guest.arena, &result), TVN_OK);
    assert_int_equal(result.of.u, 2048);
    guest_stop(&guest);
    refuse("wasi_next_minor", "imports 'wasi:test/calls@0.3.0'", "");
}

#define THINGS(name)  cmocka_unit_test_setup_teardown(name, set_up_things, tear_down)
#define REALLOC(name) cmocka_unit_test_setup_teardown(name, set_up_realloc, tear_down)
#define MATCH(name)   cmocka_unit_test_setup_teardown(name, NULL, tear_down)
static const struct CMUnitTest tests[] = {
    THINGS(test_host_func_borrow_is_used_and_dropped),
    THINGS(test_host_func_borrow_kept_past_the_call_traps),
    THINGS(test_host_func_own_moves_in_and_out),
    THINGS(test_host_func_own_dropped_by_the_guest_comes_back),
    THINGS(test_host_func_own_kept_comes_back_at_the_end),
    THINGS(test_host_func_consume_takes_the_handle),
    THINGS(test_host_func_consume_of_a_borrow_traps),
    THINGS(test_host_func_bad_handles_are_refused),
    THINGS(test_host_func_full_table_traps_and_gives_all_back),
    THINGS(test_host_func_argument_of_a_dead_instance_comes_back),
    THINGS(test_host_func_compiled_lend_and_take),
    REALLOC(test_host_func_lists_and_texts_arrive),
    REALLOC(test_host_func_failure_of_the_host_reaches_the_fault),
    REALLOC(test_host_func_hostile_realloc),
    REALLOC(test_host_func_call_from_post_return_cannot_leave),
    MATCH(test_host_func_unknown_interface_is_named_with_a_suggestion),
    MATCH(test_host_func_unknown_function_is_named_with_a_suggestion),
    MATCH(test_host_func_other_type_is_shown_with_both),
    MATCH(test_host_func_other_resource_is_refused),
    MATCH(test_host_func_wasi_matches_by_track),
};
TVN_TEST_MAIN_WITH("component.host_func", tests, guest_engine_start, guest_engine_stop)
