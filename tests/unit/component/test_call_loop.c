/* SPDX-License-Identifier: Apache-2.0 */
/* Calls in a row through a generated module: as single calls in every respect, and when there can
 * be no loop. */
#include "component/call_loop.h"

#include "tvn_component_test.h"

#include <pthread.h>
#include <time.h>

#define LOG_COUNT_AT 4092
#define LOG_AT       4096
#define LOG_MAX      1024
#define POSTED_AT    2048
#define TEXT         "some text"
#define SHAPES       11
#define SHAPES_MAX   8 /* the engine keeps so many modules */
#define THREADS      4

enum { REALLOC = 'r', BODY = 'b', POST_RETURN = 'p' };
enum { TRAPS = 1, CALLS_HOST, NEVER_ENDS, RECURSES, OUT_OF_BOUNDS };

static struct guest guest;
static _Atomic uint32_t pings;

/* ---- what this host offers ---- */

#define NAME(text) {(text), sizeof(text) - 1}
#define U32        (&tvn_type_primitives[TVN_TYPE_U32])

static const struct tvn_field four[] = {{NAME("old"), U32, NULL},
                                        {NAME("old-size"), U32, NULL},
                                        {NAME("align"), U32, NULL},
                                        {NAME("size"), U32, NULL}};
static const struct tvn_func call_funcs[] = {
    {.name = NAME("ping"), .type = {NULL, 0, U32, false}},
    {.name = NAME("grab"), .type = {four, 4, U32, false}},
};
static const struct tvn_interface calls_interface = {
    .id = NAME("test:host/calls@1.0.0"), .funcs = call_funcs, .func_count = 2};

static void *raw_ping(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    slots[0].u64 = ++pings;
    return NULL;
}

static struct tvn_imports *make_imports(void)
{
    static const struct tvn_host_func impls[] = {{"ping", raw_ping, NULL},
                                                 {"grab", raw_ping, NULL}};
    struct tvn_imports *imports = tvn_imports_create();
    assert_non_null(imports);
    assert_status(tvn_imports_add(imports, &calls_interface, impls, 2, NULL, 0, 2), TVN_OK);
    return imports;
}

static void start(const _Atomic int *cancel)
{
    pings = 0;
    guest_load(&guest, "call_loop");
    guest.options.cancel = cancel;
    assert_diag_status(guest_instantiate(&guest, make_imports()), TVN_OK, guest.sink);
    guest.own_imports = true;
}

/* Each test has an engine of its own: one that has compiled no loop yet. */
static int set_up(void **state)
{
    (void)state;
    guest_engine_start(NULL);
    start(NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    guest_stop(&guest);
    guest_engine_stop(NULL);
    return 0;
}

static void restart_with_engine(const struct tvn_engine_options *options)
{
    guest_stop(&guest);
    guest_engine_stop(NULL);
    guest_engine_start_with(options);
    start(NULL);
}

static void restart(void)
{
    guest_stop(&guest);
    start(NULL);
}

/* ---- a driver of loops, and of single calls ---- */

struct drive {
    const struct tvn_export *export;
    struct tvn_guest_mem *mem;
    uint32_t wanted; /* calls in all */
    uint32_t begun;
    uint32_t ended;
    bool running;
    void (*between)(struct drive *self); /* after each call */
    bool lends;                          /* a handle with every call, which nobody drops */
    union tvn_flat result;               /* of the last call */
};

static void note(struct drive *drive, char part)
{
    uint8_t *count = tvn_guest_mem_at(drive->mem, LOG_COUNT_AT, 4);
    uint32_t logged = tvn_guest_load_u32(count);
    *tvn_guest_mem_at(drive->mem, LOG_AT + logged % LOG_MAX, 1) = (uint8_t)part;
    tvn_guest_store_u32(count, logged + 1);
}

static void assert_log(struct drive *drive, const char *expected)
{
    uint32_t logged = tvn_guest_load_u32(tvn_guest_mem_at(drive->mem, LOG_COUNT_AT, 4));
    const char *log = (const char *)tvn_guest_mem_at(drive->mem, LOG_AT, LOG_MAX);
    assert_str(((struct tvn_str){log, logged}), expected);
    tvn_guest_store_u32(tvn_guest_mem_at(drive->mem, LOG_COUNT_AT, 4), 0);
}

static bool begin(struct drive *drive)
{
    enum tvn_status status =
        drive->running ? tvn_export_again(drive->export) : tvn_export_begin(drive->export);
    drive->running = status == TVN_OK;
    drive->begun += drive->running;
    return drive->running;
}

static void *drive_next(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    struct drive *drive = env;
    note(drive, 'n');
    tvn_export_allow_leaving(drive->export, true);
    drive->ended += drive->running;
    if (drive->running && drive->between) {
        drive->between(drive);
    }
    slots[0].i32 = -1;
    if (drive->begun == drive->wanted) {
        if (drive->running) {
            tvn_export_leave(drive->export);
        }
        drive->running = false;
        return NULL;
    }
    if (!begin(drive)) {
        return tvn_call_loop_abort(drive->export);
    }
    slots[0].i32 = 0;
    if (drive->export->type->param_count > 0) {
        tvn_export_allow_leaving(drive->export, false);
        slots[0].u32 = sizeof(TEXT) - 1;
    }
    return NULL;
}

static const struct tvn_resource_rt thing = {.name = "thing"};

static bool lower(struct drive *drive, uint32_t offset, union tvn_flat *slots)
{
    if (drive->export->type->param_count == 4) {
        slots[0].u64 = 1;
        slots[1].u64 = UINT64_C(1) << 40;
        slots[2].f32 = 0.25F;
        slots[3].f64 = 0.5;
        return true;
    }
    uint8_t *at = tvn_guest_mem_at(drive->export->mem, offset, sizeof(TEXT) - 1);
    memcpy(at, TEXT, sizeof(TEXT) - 1);
    slots[0].u64 = offset;
    slots[1].u64 = sizeof(TEXT) - 1;
    return !drive->lends || tvn_export_lend(drive->export, &thing, 77) != 0;
}

static void *drive_arguments(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    struct drive *drive = env;
    note(drive, 'a');
    assert_true(slot_count >= drive->export->type->param_count);
    uint32_t offset = slots[0].u32;
    if (!tvn_guest_mem_at(drive->export->mem, offset, sizeof(TEXT) - 1)) {
        (void)tvn_instance_fail(guest.instance, TVN_E_COMPONENT_TRAPPED,
                                "realloc return: beyond end of memory");
        return tvn_call_loop_abort(drive->export);
    }
    tvn_export_allow_leaving(drive->export, true);
    return lower(drive, offset, slots) ? NULL : tvn_call_loop_abort(drive->export);
}

static void *drive_returned(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    struct drive *drive = env;
    note(drive, 'R');
    if (slot_count > 0) {
        drive->result = slots[0];
    }
    if (tvn_export_returned(drive->export) != TVN_OK) {
        return tvn_call_loop_abort(drive->export);
    }
    tvn_export_allow_leaving(drive->export, !drive->export->has_post_return);
    return NULL;
}

static const struct tvn_call_loop_host host = {drive_next, drive_arguments, drive_returned};

static struct drive drive_of(const char *name, uint32_t wanted)
{
    return (struct drive){.export = guest_export(&guest, name),
                          .mem = guest_export(&guest, "set")->mem,
                          .wanted = wanted};
}

static const struct tvn_call_loop *loop_of(struct drive *drive)
{
    struct tvn_call_loop *loop = NULL;
    assert_status(tvn_call_loop_create(drive->export, &host, drive, &loop), TVN_OK);
    assert_non_null(loop);
    return loop;
}

/* `count` more calls; ends the one that failed. */
static enum tvn_status run(struct drive *drive, const struct tvn_call_loop *loop, uint32_t count)
{
    drive->wanted = drive->begun + count;
    enum tvn_status status = tvn_call_loop_run(loop);
    if (status != TVN_OK) {
        tvn_export_leave(drive->export);
        drive->running = false;
    }
    return status;
}

static enum tvn_status run_new(struct drive *drive, uint32_t count)
{
    return run(drive, loop_of(drive), count);
}

static enum tvn_status call_single(struct drive *drive)
{
    const struct tvn_export *export = drive->export;
    union tvn_flat slots[8] = {0};
    uint32_t offset = 0;
    enum tvn_status status = tvn_export_begin(export);
    if (status != TVN_OK) {
        return status;
    }
    if (export->type->param_count > 0) {
        status = tvn_export_realloc(export, 1, sizeof(TEXT) - 1, &offset);
    }
    if (status == TVN_OK && export->type->param_count > 0 && !lower(drive, offset, slots)) {
        status = TVN_E_COMPONENT_TRAPPED;
    }
    if (status == TVN_OK) {
        status = tvn_export_call(export, slots);
        drive->result = slots[0];
    }
    return tvn_export_end(export, status == TVN_OK ? slots : NULL);
}

static enum tvn_status run_single(struct drive *drive, uint32_t count)
{
    enum tvn_status status = TVN_OK;
    for (uint32_t i = 0; i < count && status == TVN_OK; i++) {
        status = call_single(drive);
        drive->ended += status == TVN_OK;
    }
    return status;
}

static void misbehave(uint32_t where, uint32_t what, uint32_t after)
{
    const struct tvn_value args[] = {{.of.u = where}, {.of.u = what}, {.of.u = after}};
    assert_status(guest_call(&guest, "set", args, 3, NULL), TVN_OK);
}

/* ---- what a run does ---- */

static void test_call_loop_parts_run_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *log;
    } cases[] = {
        {"nothing", "nbRnbRnbRn"},       {"nothing-post", "nbRpnbRpnbRpn"},
        {"give", "nbRnbRnbRn"},          {"give-post", "nbRpnbRpnbRpn"},
        {"take", "nrabRnrabRnrabRn"},    {"take-post", "nrabRpnrabRpnrabRpn"},
        {"measure", "nrabRnrabRnrabRn"}, {"measure-post", "nrabRpnrabRpnrabRpn"},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        struct drive drive = drive_of(cases[i].name, 0);
        assert_status(run_new(&drive, 3), TVN_OK);
        assert_log(&drive, cases[i].log);
        assert_int_equal(drive.ended, 3);
    }
}

static void test_call_loop_of_no_calls_and_again(void **state)
{
    (void)state;
    struct drive drive = drive_of("measure-post", 0);
    const struct tvn_call_loop *loop = loop_of(&drive);
    assert_status(run(&drive, loop, 0), TVN_OK);
    assert_log(&drive, "n");
    assert_status(run(&drive, loop, 1), TVN_OK);
    assert_log(&drive, "nrabRpn");
    assert_status(run(&drive, loop, 5000), TVN_OK);
    assert_int_equal(drive.ended, 5001);
    /* Single calls and other exports in between. */
    assert_status(run_single(&drive, 3), TVN_OK);
    misbehave(0, 0, 0);
    assert_status(run(&drive, loop, 2), TVN_OK);
    assert_int_equal(drive.ended, 5006);
}

static void test_call_loop_results_of_every_kind(void **state)
{
    (void)state;
    struct drive drive = drive_of("give-post", 0);
    const uint8_t *posted = tvn_guest_mem_at(drive.mem, POSTED_AT, 8);
    assert_status(run_new(&drive, 1), TVN_OK);
    assert_int_equal(drive.result.u32, 0x80000007u);
    assert_int_equal(tvn_guest_load_u32(posted), 0x80000007u);
    drive = drive_of("give-u64", 0);
    assert_status(run_new(&drive, 1), TVN_OK);
    assert_true(drive.result.u64 == UINT64_C(0x8000000000000007));
    assert_true(tvn_guest_load_u64(posted) == UINT64_C(0x8000000000000007));
    drive = drive_of("give-f32", 0);
    assert_status(run_new(&drive, 1), TVN_OK);
    assert_true(drive.result.f32 == 1.5F);
    drive = drive_of("give-f64", 0);
    assert_status(run_new(&drive, 1), TVN_OK);
    assert_true(drive.result.f64 == 2.5);
}

static void test_call_loop_arguments_of_every_kind(void **state)
{
    (void)state;
    struct drive drive = drive_of("measure", 0);
    assert_status(run_new(&drive, 1), TVN_OK);
    assert_int_equal(drive.result.u32, sizeof(TEXT) - 1);
    drive = drive_of("take", 0);
    assert_status(run_new(&drive, 1), TVN_OK);
    assert_int_equal(tvn_guest_load_u32(tvn_guest_mem_at(drive.mem, 2056, 4)), TEXT[0]);
    drive = drive_of("mixed", 0);
    assert_status(run_new(&drive, 2), TVN_OK);
    assert_true(drive.result.f64 == 1 + (double)(UINT64_C(1) << 40) + 0.75);
}

/* ---- failures: as single calls ---- */

/* Runs both ways with fresh instances and compares what is left. */
static void compare(const char *name, uint32_t where, uint32_t what, bool lends)
{
    struct tvn_fault faults[2];
    enum tvn_status statuses[2];
    uint32_t ended[2];
    for (int way = 0; way < 2; way++) {
        restart();
        struct drive drive = drive_of(name, 0);
        misbehave(where, what, 2);
        drive.lends = lends;
        statuses[way] = way == 0 ? run_single(&drive, 5) : run_new(&drive, 5);
        faults[way] = *tvn_instance_fault(guest.instance);
        ended[way] = drive.ended;
        assert_int_equal(tvn_instance_is_dead(guest.instance), statuses[way] != TVN_OK);
        assert_status(tvn_export_begin(drive.export), statuses[way]); /* may be entered, if alive */
    }
    assert_status(statuses[1], statuses[0]);
    assert_string_equal(faults[1].text, faults[0].text);
    assert_int_equal(ended[1], ended[0]);
}

static void test_call_loop_faults_are_those_of_single_calls(void **state)
{
    (void)state;
    static const char *const names[] = {"nothing-post", "give",    "give-post",   "take",
                                        "take-post",    "measure", "measure-post"};
    static const char parts[] = {REALLOC, BODY, POST_RETURN};
    static const uint32_t ways[] = {TRAPS, CALLS_HOST, RECURSES, OUT_OF_BOUNDS};
    for (size_t i = 0; i < TVN_ARRAY_LEN(names); i++) {
        for (size_t part = 0; part < TVN_ARRAY_LEN(parts); part++) {
            for (size_t way = 0; way < TVN_ARRAY_LEN(ways); way++) {
                compare(names[i], (uint32_t)parts[part], ways[way], false);
            }
        }
    }
}

static void test_call_loop_fault_names_the_guests_frames_only(void **state)
{
    (void)state;
    compare("trap", 0, 0, false); /* one frame above the loop's */
    assert_null(strstr(tvn_instance_fault(guest.instance)->text, "called from"));
    restart();
    struct drive drive = drive_of("measure-post", 0);
    misbehave(BODY, TRAPS, 2);
    assert_status(run_new(&drive, 5), TVN_E_COMPONENT_TRAPPED);
    assert_guest_fault(&guest, TVN_E_COMPONENT_TRAPPED, "unreachable instruction executed in 'mis");
    const char *text = tvn_instance_fault(guest.instance)->text;
    assert_non_null(strstr(text, "called from 'enter'"));
    assert_non_null(strstr(text, "called from 'body'"));
    restart();
    drive = drive_of("measure-post", 0);
    misbehave(REALLOC, TRAPS, 0);
    assert_status(run_new(&drive, 5), TVN_E_COMPONENT_TRAPPED);
    text = tvn_instance_fault(guest.instance)->text;
    assert_non_null(strstr(text, "called from 'realloc'"));
    assert_int_equal(drive.ended, 0);
}

static void test_call_loop_realloc_out_of_bounds(void **state)
{
    (void)state;
    struct drive drive = drive_of("measure-post", 0);
    misbehave(REALLOC, OUT_OF_BOUNDS, 1);
    assert_status(run_new(&drive, 5), TVN_E_COMPONENT_TRAPPED);
    assert_guest_fault(&guest, TVN_E_COMPONENT_TRAPPED, "beyond end of memory");
    assert_log(&drive, "nrabRpnra");
}

static void test_call_loop_guest_may_leave_in_its_body_only(void **state)
{
    (void)state;
    struct drive drive = drive_of("measure-post", 0);
    misbehave(BODY, CALLS_HOST, 0);
    assert_status(run_new(&drive, 5), TVN_OK);
    assert_int_equal(pings, 5);
    static const char parts[] = {REALLOC, POST_RETURN};
    for (size_t i = 0; i < TVN_ARRAY_LEN(parts); i++) {
        restart();
        drive = drive_of("measure-post", 0);
        misbehave((uint32_t)parts[i], CALLS_HOST, 0);
        assert_status(run_new(&drive, 5), TVN_E_COMPONENT_TRAPPED);
        assert_guest_fault(&guest, TVN_E_COMPONENT_TRAPPED, "cannot leave component instance");
        assert_int_equal(pings, 0);
    }
}

/* Without post-return nothing forbids leaving after a call, whatever came before. */
static void test_call_loop_may_leave_again_after_each_part(void **state)
{
    (void)state;
    static const char *const names[] = {"nothing", "nothing-post", "take", "measure-post"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(names); i++) {
        struct drive drive = drive_of(names[i], 0);
        assert_status(run_new(&drive, 2), TVN_OK);
        assert_true(drive.export->guest->may_leave);
        assert_true(drive.export->guest->may_enter);
    }
}

/* The loop's export is the root's and calls a nested instance, or is the nested one's own. */
static void test_call_loop_of_nested_instances(void **state)
{
    (void)state;
    struct drive twice = drive_of("count-twice", 0);
    struct drive once = drive_of("count", 0);
    const struct tvn_call_loop *loops[] = {loop_of(&twice), loop_of(&once)};
    assert_ptr_not_equal(twice.export->guest, once.export->guest);
    for (uint32_t round = 0; round < 3; round++) {
        assert_status(run(&twice, loops[0], 2), TVN_OK);
        assert_int_equal(twice.result.u32, round * 10 + 4);
        assert_status(run(&once, loops[1], 2), TVN_OK);
        assert_int_equal(once.result.u32, round * 10 + 6);
        assert_status(run_single(&twice, 1), TVN_OK);
        assert_status(run_single(&once, 2), TVN_OK);
        assert_int_equal(once.result.u32, round * 10 + 10);
    }
}

static void test_call_loop_functions_of_the_host_as_parts(void **state)
{
    (void)state;
    struct drive drive = drive_of("host-body", 0);
    assert_status(run_new(&drive, 3), TVN_OK);
    assert_int_equal(drive.result.u32, 3);
    compare("host-body", 0, 0, false);
    compare("host-realloc", 0, 0, false);
    assert_guest_fault(&guest, TVN_E_COMPONENT_TRAPPED, "cannot leave component instance");
    compare("drop-in-post-return", 0, 0, false);
    assert_guest_fault(&guest, TVN_E_COMPONENT_TRAPPED, "cannot leave component instance");
}

static void test_call_loop_borrow_that_is_kept_traps(void **state)
{
    (void)state;
    compare("take", 0, 0, true);
    assert_guest_fault(&guest, TVN_E_COMPONENT_TRAPPED, "borrow handles still remain");
    compare("measure-post", 0, 0, true);
    assert_guest_fault(&guest, TVN_E_COMPONENT_TRAPPED, "borrow handles still remain");
}

/* A dead instance does not begin another call, and the loop of one cannot be made. */
static void die(struct drive *drive)
{
    if (drive->ended == 2) {
        (void)tvn_instance_fail(guest.instance, TVN_E_IO_ERROR, "died between two calls");
    }
}

static void test_call_loop_instance_that_dies_between_two_calls(void **state)
{
    (void)state;
    struct drive drive = drive_of("give-post", 0);
    const struct tvn_call_loop *loop = loop_of(&drive);
    struct tvn_call_loop *other = NULL;
    drive.between = die;
    assert_status(run(&drive, loop, 5), TVN_E_IO_ERROR);
    assert_int_equal(drive.begun, 2);
    assert_int_equal(drive.ended, 2);
    assert_status(run(&drive, loop, 5), TVN_E_IO_ERROR);
    assert_int_equal(drive.begun, 2);
    assert_status(tvn_call_loop_create(drive.export, &host, &drive, &other), TVN_NOT_FOUND);
}

/* ---- time ---- */

static void test_call_loop_endless_parts_time_out(void **state)
{
    (void)state;
    static const char parts[] = {REALLOC, BODY, POST_RETURN};
    for (size_t i = 0; i < TVN_ARRAY_LEN(parts); i++) {
        restart();
        struct drive drive = drive_of("measure-post", 0);
        misbehave((uint32_t)parts[i], NEVER_ENDS, 1);
        const struct tvn_call_loop *loop = loop_of(&drive);
        tvn_instance_set_limits(guest.instance, 30, 0);
        assert_status(run(&drive, loop, 5), TVN_E_COMPONENT_TIMEOUT);
        assert_guest_fault(&guest, TVN_E_COMPONENT_TIMEOUT, "longer than 30 ms");
        assert_int_equal(drive.ended, 1);
    }
}

static void test_call_loop_cancel_interrupts(void **state)
{
    (void)state;
    static _Atomic int cancel;
    static const char parts[] = {REALLOC, BODY, POST_RETURN};
    for (size_t i = 0; i < TVN_ARRAY_LEN(parts); i++) {
        guest_stop(&guest);
        cancel = 0;
        start(&cancel);
        struct drive drive = drive_of("measure-post", 0);
        misbehave((uint32_t)parts[i], NEVER_ENDS, 1);
        const struct tvn_call_loop *loop = loop_of(&drive);
        assert_status(run(&drive, loop, 1), TVN_OK);
        cancel = 1;
        assert_status(run(&drive, loop, 5), TVN_E_FLOW_CANCELLED);
        assert_guest_fault(&guest, TVN_E_FLOW_CANCELLED, "cancelled");
        assert_int_equal(drive.ended, 1);
    }
}

#define LIMIT_MS 300

/* As if a tick had come during the call, which takes no time itself. */
static void tick_and_pause(struct drive *drive)
{
    (void)drive;
    const struct timespec pause = {.tv_nsec = (LIMIT_MS + 100) * 1000000};
    (void)tvn_instance_deadline_ns(guest.instance);
    nanosleep(&pause, NULL);
}

static void test_call_loop_time_between_two_calls_is_nobodys(void **state)
{
    (void)state;
    struct drive drive = drive_of("measure-post", 0);
    drive.between = tick_and_pause;
    const struct tvn_call_loop *loop = loop_of(&drive);
    tvn_instance_set_limits(guest.instance, LIMIT_MS, 0);
    assert_status(run(&drive, loop, 3), TVN_OK);
    drive.between = NULL;
    assert_status(run(&drive, loop, 1), TVN_OK); /* and that between two runs */
    tick_and_pause(&drive);
    assert_status(run(&drive, loop, 1), TVN_OK);
    assert_int_equal(drive.ended, 5);
}

/* ---- when there is none ---- */

static void test_call_loop_of_other_exports_cannot_be_had(void **state)
{
    (void)state;
    static const char *const names[] = {"spilled", "scalar"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(names); i++) {
        struct drive drive = drive_of(names[i], 0);
        struct tvn_call_loop *loop = NULL;
        assert_status(tvn_call_loop_create(drive.export, &host, &drive, &loop), TVN_NOT_FOUND);
        assert_null(loop);
    }
    assert_status(guest_call_u32(&guest, "scalar", 1, 0, NULL), TVN_OK);
}

static void test_call_loop_with_fuel_cannot_be_had(void **state)
{
    (void)state;
    restart_with_engine(&(struct tvn_engine_options){.fuel = true});
    struct drive drive = drive_of("measure-post", 0);
    struct tvn_call_loop *loop = NULL;
    assert_status(tvn_call_loop_create(drive.export, &host, &drive, &loop), TVN_NOT_FOUND);
    assert_status(run_single(&drive, 3), TVN_OK);
}

static void test_call_loop_without_room_for_a_core_instance(void **state)
{
    (void)state;
    guest_stop(&guest);
    guest_start(&guest, "full_of_core_instances", NULL);
    const struct tvn_export *export = guest_export(&guest, "give");
    struct drive drive = {.export = export};
    struct tvn_call_loop *loop = NULL;
    assert_status(tvn_call_loop_create(export, &host, &drive, &loop), TVN_NOT_FOUND);
    assert_false(tvn_instance_is_dead(guest.instance));
    assert_status(run_single(&drive, 3), TVN_OK);
    assert_int_equal(drive.result.u32, 7);
}

/* So many that the tree is full: the rest is refused, and what there is goes on. */
static void test_call_loop_many_of_one_instance(void **state)
{
    (void)state;
    struct drive drive = drive_of("measure-post", 0);
    const struct tvn_call_loop *first = loop_of(&drive);
    uint32_t made = 1;
    struct tvn_call_loop *loop = NULL;
    while (made < 100 && tvn_call_loop_create(drive.export, &host, &drive, &loop) == TVN_OK) {
        made++;
    }
    assert_int_equal(made, 62); /* and the component's own two */
    assert_status(run(&drive, first, 2), TVN_OK);
    assert_status(run(&drive, loop, 2), TVN_OK);
    assert_int_equal(drive.ended, 4);
}

/* A pool whose last core instance is in use. */
static void test_call_loop_without_room_in_the_pool(void **state)
{
    (void)state;
    restart_with_engine(&(struct tvn_engine_options){.instances = 1,
                                                     .core_instances = 2,
                                                     .memories = 1,
                                                     .tables = 1,
                                                     .max_memory_bytes = 1 << 20});
    struct drive drive = drive_of("measure-post", 0);
    struct tvn_call_loop *loop = NULL;
    assert_status(tvn_call_loop_create(drive.export, &host, &drive, &loop), TVN_NOT_FOUND);
    assert_status(run_single(&drive, 3), TVN_OK);
}

static void test_call_loop_without_memory(void **state)
{
    (void)state;
    struct drive drive = drive_of("measure-post", 0);
    struct tvn_call_loop *loop = NULL;
    for (uint32_t at = 1; at < 20; at++) {
        tvn_mem_fail_at(at, false);
        enum tvn_status status = tvn_call_loop_create(drive.export, &host, &drive, &loop);
        tvn_mem_fail_at(0, false);
        assert_true(status == TVN_OK || status == TVN_NOT_FOUND);
        assert_status(run_single(&drive, 1), TVN_OK);
    }
    assert_status(run(&drive, loop, 1), TVN_OK);
}

static void test_call_loop_shapes_beyond_the_engines_room(void **state)
{
    (void)state;
    static const char *const names[SHAPES] = {"nothing",  "nothing-post", "give",    "give-post",
                                              "take",     "take-post",    "measure", "measure-post",
                                              "give-u64", "give-f32",     "mixed"};
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < SHAPES; i++) {
            struct drive drive = drive_of(names[i], 0);
            struct tvn_call_loop *loop = NULL;
            assert_status(tvn_call_loop_create(drive.export, &host, &drive, &loop),
                          i < SHAPES_MAX ? TVN_OK : TVN_NOT_FOUND);
            assert_status(loop ? run(&drive, loop, 2) : run_single(&drive, 2), TVN_OK);
        }
    }
}

/* ---- threads ---- */

struct thread {
    pthread_t id;
    pthread_barrier_t *barrier;
    struct tvn_instance *instance;
    struct drive drive;
    uint32_t refused;
    enum tvn_status status;
};

/* Asks until it gets one, and uses it. */
static void *thread_main(void *argument)
{
    struct thread *thread = argument;
    struct tvn_call_loop *loop = NULL;
    pthread_barrier_wait(thread->barrier);
    do {
        thread->status = tvn_call_loop_create(thread->drive.export, &host, &thread->drive, &loop);
        thread->refused += thread->status == TVN_NOT_FOUND;
        if (thread->status != TVN_OK) {
            usleep(100);
        }
    } while (thread->status == TVN_NOT_FOUND && thread->refused < 100000);
    if (thread->status == TVN_OK) {
        thread->status = run(&thread->drive, loop, 1000);
    }
    return NULL;
}

static void start_thread(struct thread *thread, const char *name, pthread_barrier_t *barrier)
{
    *thread = (struct thread){.barrier = barrier};
    assert_diag_status(tvn_instance_create(guest_engine, guest.component, &guest.options,
                                           GUEST_TIMEOUT_MS, guest.sink, &thread->instance),
                       TVN_OK, guest.sink);
    thread->drive.export =
        tvn_instance_find_export(thread->instance, TVN_STR(""), tvn_str_of(name));
    thread->drive.mem =
        tvn_instance_find_export(thread->instance, TVN_STR(""), TVN_STR("set"))->mem;
    assert_int_equal(pthread_create(&thread->id, NULL, thread_main, thread), 0);
}

/* Two shapes for four threads, of an engine that has none. */
static void test_call_loop_threads_ask_at_once(void **state)
{
    (void)state;
    static const char *const names[THREADS] = {"measure-post", "measure-post", "give", "give"};
    for (int round = 0; round < 3; round++) {
        struct thread threads[THREADS];
        pthread_barrier_t barrier;
        assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
        for (uint32_t i = 0; i < THREADS; i++) {
            start_thread(&threads[i], names[i], &barrier);
        }
        for (uint32_t i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_join(threads[i].id, NULL), 0);
            assert_status(threads[i].status, TVN_OK);
            assert_int_equal(threads[i].drive.ended, 1000);
            assert_true(round == 0 || threads[i].refused == 0); /* the engine keeps the modules */
            tvn_instance_destroy(threads[i].instance);
        }
        pthread_barrier_destroy(&barrier);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
static const struct CMUnitTest tests[] = {
    CASE(test_call_loop_parts_run_in_order),
    CASE(test_call_loop_of_no_calls_and_again),
    CASE(test_call_loop_results_of_every_kind),
    CASE(test_call_loop_arguments_of_every_kind),
    CASE(test_call_loop_faults_are_those_of_single_calls),
    CASE(test_call_loop_fault_names_the_guests_frames_only),
    CASE(test_call_loop_realloc_out_of_bounds),
    CASE(test_call_loop_guest_may_leave_in_its_body_only),
    CASE(test_call_loop_may_leave_again_after_each_part),
    CASE(test_call_loop_of_nested_instances),
    CASE(test_call_loop_functions_of_the_host_as_parts),
    CASE(test_call_loop_borrow_that_is_kept_traps),
    CASE(test_call_loop_instance_that_dies_between_two_calls),
    CASE(test_call_loop_endless_parts_time_out),
    CASE(test_call_loop_cancel_interrupts),
    CASE(test_call_loop_time_between_two_calls_is_nobodys),
    CASE(test_call_loop_of_other_exports_cannot_be_had),
    CASE(test_call_loop_with_fuel_cannot_be_had),
    CASE(test_call_loop_without_room_for_a_core_instance),
    CASE(test_call_loop_many_of_one_instance),
    CASE(test_call_loop_without_room_in_the_pool),
    CASE(test_call_loop_without_memory),
    CASE(test_call_loop_shapes_beyond_the_engines_room),
    CASE(test_call_loop_threads_ask_at_once),
};
TVN_TEST_MAIN("component.call_loop", tests)
