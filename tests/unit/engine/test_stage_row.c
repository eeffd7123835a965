/* SPDX-License-Identifier: Apache-2.0 */
/* Calls in a row of component stages: what came of each, what is left, and what was counted, is as
 * with single calls.
 */
#include "engine/stage_internal.h"

#include "stage_rig.h"

#define RECORDS_MAX 64
#define TEXT_MAX    320
/* Calls after which a stage has its loop. */
#define WARM_CALLS (TVN_ROW_AFTER_CALLS + 1)

static _Atomic int cancel;

static uint32_t writes_left; /* to standard output, before it is full */

static enum tvn_status discard(void *context, int stream, const char *text, size_t length)
{
    (void)context;
    (void)text;
    (void)length;
    if (stream == 1 && writes_left-- == 0) {
        writes_left = 0;
        errno = ENOSPC;
        return TVN_E_IO_ERROR;
    }
    return TVN_OK;
}

static void start_runtime(bool fuel)
{
    assert_diag_status(
        tvn_runtime_create(&(struct tvn_engine_options){.fuel = fuel}, sink, &runtime), TVN_OK,
        sink);
}

static int set_up_group(void **state)
{
    (void)state;
    return rig_create();
}

static int tear_down_group(void **state)
{
    (void)state;
    rig_destroy();
    return 0;
}

static void stop(void)
{
    tvn_invoker_destroy(stage);
    stage = NULL;
    rig_unload();
    assert_int_equal(tvn_resources_live_count(resources), 0); /* every buffer is back */
}

static int tear_down(void **state)
{
    (void)state;
    stop();
    return 0;
}

static void start(const char *name, enum tvn_role role, const char *config, uint64_t fuel)
{
    tvn_intern_init(&intern);
    stats = (struct tvn_stage_stats){0};
    trace_ids = (struct tvn_trace_ids){.enabled = true, .seed = {1, 2, 3}};
    cancel = 0;
    writes_left = WARM_CALLS + 3;
    static struct tvn_grant grants[] = {{.capability = TVN_CAP_STDOUT}};
    sandbox = (struct tvn_sandbox){
        .component = "guest",
        .grants = grants,
        .grant_count = TVN_ARRAY_LEN(grants),
        .max_memory_bytes = (uint64_t)64 << 20,
        .max_buffer_bytes = (uint64_t)16 << 20,
        .init_timeout_ms = 60000,
        .teardown_timeout_ms = 60000,
        .fuel_per_invocation = fuel,
    };
    tvn_guard_init(&guard, &sandbox, NULL, NULL);
    rig_load(TVN_GUEST_DIR, name);
    static const struct tvn_str ports[] = {{"metrics", 7}, {"logs", 4}};
    struct tvn_component_stage_options options = rig_options(role, config, discard);
    options.cancel = &cancel;
    if (role == TVN_ROLE_ROUTER) {
        options.ports = ports;
        options.port_count = TVN_ARRAY_LEN(ports);
    }
    rig_start(&options);
    if (stage->ops->has_entry(stage, TVN_ENTRY_INIT)) {
        struct tvn_fault fault = {0};
        struct tvn_call call = {.fault = &fault};
        assert_int_equal(tvn_invoke(stage, TVN_ENTRY_INIT, &call), TVN_OUTCOME_EMIT);
    }
}

static const struct tvn_component_stage *component_stage(void)
{
    return (const struct tvn_component_stage *)(const void *)stage;
}

static bool has_loop_of(enum tvn_entry entry)
{
    return component_stage()->row.loop && component_stage()->row.entry == entry;
}

/* ---- what is told of one call ---- */

struct record {
    enum tvn_outcome outcome;
    uint32_t out_count;
    struct tvn_element out; /* without the payload's id */
    char text[TEXT_MAX];    /* of the payload */
    char content_type[TVN_CONTENT_TYPE_MAX + 1];
    enum tvn_signal signal;
    uint64_t ports;
    bool has_context;
    struct tvn_trace_context context;
    struct tvn_fault fault; /* of ERROR and DEAD */
    bool restarted;
};

/* A driver: the elements, what came of them, and what to do about it. */
struct drive {
    enum tvn_entry entry;
    const char *const *commands; /* payloads; NULL: an element without one. Of PULL nothing. */
    uint32_t command_count;      /* then they come again */
    uint32_t calls_max;
    uint32_t cancel_after; /* calls; 0: never */
    bool ends_dead;        /* else another instance goes on */
    bool restart_fails;
    uint32_t made;   /* elements */
    uint32_t looped; /* `next` came when there was a loop */
    struct tvn_buffer *payload;
    struct tvn_element in;
    struct tvn_element out;
    struct tvn_fault fault;
    struct tvn_call call;
    struct record records[RECORDS_MAX];
    uint32_t record_count;
};

/* Content types of several lengths. */
static uint32_t content_type_of(uint32_t number)
{
    static const char *const names[] = {"", "text/plain", "x",
                                        "application/vnd.example.thing+json"};
    const char *name = names[number % TVN_ARRAY_LEN(names)];
    uint32_t index = 0;
    assert_status(tvn_intern_add(&intern, name, strlen(name), &index), TVN_OK);
    return index;
}

static void offer(struct drive *drive)
{
    drive->out = (struct tvn_element){0};
    drive->call.out = &drive->out;
    drive->call.out_count = 0;
    if (drive->entry == TVN_ENTRY_PULL) {
        return;
    }
    const char *text = drive->commands[drive->made % drive->command_count];
    drive->in = (struct tvn_element){
        .sequence = drive->made,
        .timestamp_ns = 1000 + drive->made,
        .content_type = content_type_of(drive->made),
    };
    drive->made++;
    drive->call.in = &drive->in;
    drive->payload = NULL;
    if (text) {
        assert_status(
            tvn_buffer_acquire(magazine, strlen(text), TVN_OWNER_HOST, NULL, &drive->payload),
            TVN_OK);
        assert_status(tvn_buffer_write(drive->payload, 0, text, strlen(text)), TVN_OK);
        assert_status(tvn_buffer_freeze(drive->payload), TVN_OK);
        drive->in.payload = tvn_buffer_id_of(drive->payload);
    }
}

/* What the call put out, taken out of the pool. */
static void record_out(const struct drive *drive, struct record *record)
{
    struct tvn_buffer *buffer = NULL;
    record->out = drive->out;
    record->out.payload = (struct tvn_buffer_id){0};
    record->out.content_type = 0;
    struct tvn_str type = tvn_intern_name(&intern, drive->out.content_type);
    snprintf(record->content_type, sizeof(record->content_type), "%.*s", TVN_STR_ARG(type));
    assert_status(tvn_magazine_find(magazine, drive->out.payload, &buffer), TVN_OK);
    assert_int_equal(buffer->owner, TVN_OWNER_HOST);
    assert_true(buffer->frozen);
    snprintf(record->text, sizeof(record->text), "%.*s", (int)buffer->length,
             (const char *)buffer->bytes);
    tvn_buffer_release(magazine, buffer);
}

static struct record *record(struct drive *drive, enum tvn_outcome outcome)
{
    struct record *record = &drive->records[drive->record_count++ % RECORDS_MAX];
    memset(record, 0, sizeof(*record));
    record->outcome = outcome;
    record->out_count = drive->call.out_count;
    if (record->out_count > 0) {
        assert_int_equal(outcome, TVN_OUTCOME_EMIT);
        record_out(drive, record);
    }
    record->signal = drive->call.signal;
    record->ports = drive->call.ports;
    if (outcome == TVN_OUTCOME_EMIT && drive->call.context) {
        record->has_context = true;
        record->context.flags = drive->call.context->flags;
        record->context.tracestate_length = drive->call.context->tracestate_length;
    }
    if (outcome == TVN_OUTCOME_ERROR || outcome == TVN_OUTCOME_DEAD) {
        record->fault = drive->fault;
    }
    return record;
}

static void restart(struct drive *drive, struct record *record)
{
    if (drive->restart_fails) {
        tvn_mem_fail_at(1, true);
    }
    struct tvn_fault fault = {0};
    record->restarted = stage->ops->restart(stage, &fault) == TVN_OUTCOME_EMIT;
    tvn_mem_fail_at(0, false);
    assert_int_equal(record->restarted, !drive->restart_fails);
}

/* As the reactor between two calls: settles one, makes the next one ready. */
static bool next(void *context, enum tvn_outcome outcome)
{
    struct drive *drive = context;
    drive->looped += has_loop_of(drive->entry);
    if (drive->payload) {
        assert_int_equal(drive->payload->borrows, 0);
        tvn_buffer_release(magazine, drive->payload);
        drive->payload = NULL;
    }
    assert_null(component_stage()->current);
    if (stage->ops->refresh && outcome != TVN_OUTCOME_DEAD) {
        stage->ops->refresh(stage); /* as observers do, also within a row */
    }
    struct record *last = record(drive, outcome);
    drive->fault = (struct tvn_fault){0};
    drive->call.ports = 0;
    bool over = drive->record_count == drive->calls_max || outcome == TVN_OUTCOME_END;
    if (outcome == TVN_OUTCOME_DEAD && drive->ends_dead) {
        over = true;
    } else if (outcome == TVN_OUTCOME_DEAD) {
        restart(drive, last);
    }
    if (drive->cancel_after > 0 && drive->record_count >= drive->cancel_after) {
        cancel = 1;
        usleep(1000); /* a tick comes, now or later */
    }
    if (!over) {
        offer(drive);
    }
    return !over;
}

enum way { SINGLE, ROW };

static void run(struct drive *drive, enum way way)
{
    drive->call = (struct tvn_call){.out_capacity = 1, .fault = &drive->fault};
    offer(drive);
    if (way == ROW && stage->ops->invoke_row) {
        stage->ops->invoke_row(stage, drive->entry, &drive->call, next, drive);
    } else {
        while (next(drive, tvn_invoke(stage, drive->entry, &drive->call))) {
        }
    }
    assert_null(drive->payload);
}

/* Before the script: enough calls that work. */
static void warm_up(enum tvn_entry entry, enum way way)
{
    static const char *const commands[] = {"=warm"};
    struct drive drive = {
        .entry = entry, .commands = commands, .command_count = 1, .calls_max = WARM_CALLS};
    run(&drive, way);
    assert_int_equal(has_loop_of(entry), way == ROW);
}

static void assert_same_record(const struct record *a, const struct record *b, uint32_t index)
{
    if (memcmp(a, b, sizeof(*a)) == 0) {
        return;
    }
    print_error(
        "call %u: outcome %d and %d, out %u '%s' '%s' and %u '%s' '%s', fault '%s' and '%s'\n",
        index, (int)a->outcome, (int)b->outcome, a->out_count, a->text, a->content_type,
        b->out_count, b->text, b->content_type, a->fault.text, b->fault.text);
    fail();
}

static void assert_same(const struct drive *a, const struct drive *b)
{
    for (uint32_t i = 0; i < a->record_count && i < b->record_count; i++) {
        assert_same_record(&a->records[i], &b->records[i], i);
    }
    assert_int_equal(a->record_count, b->record_count);
    assert_true(a->record_count <= RECORDS_MAX);
}

struct counters {
    struct tvn_stage_stats stats;
    struct tvn_tier_report tier;
    uint64_t live;
    uint64_t names;
    uint64_t charged;
};

static struct counters count(const struct tvn_tier_report *before)
{
    struct counters counters = {.live = tvn_resources_live_count(resources), .names = intern.count};
    if (component_stage()->instance) {
        stage->ops->refresh(stage);
    }
    memcpy(&counters.stats, &stats, sizeof(stats));
    struct tvn_tier_report after;
    tvn_resources_report(resources, TVN_TIER_SMALL, &after);
    counters.tier.allocated = after.allocated - before->allocated;
    counters.tier.returned = after.returned - before->returned;
    counters.charged = component_stage()->budget.used_bytes;
    return counters;
}

/* The script both ways, each with a fresh stage. */
static const struct drive *compare(const char *guest, enum tvn_role role,
                                   const struct drive *script, const char *config)
{
    static struct drive drives[2];
    struct counters counters[2];
    memset(counters, 0, sizeof(counters));
    for (int way = SINGLE; way <= ROW; way++) {
        stop();
        struct tvn_tier_report before;
        tvn_resources_report(resources, TVN_TIER_SMALL, &before);
        start(guest, role, config, 0);
        warm_up(script->entry, (enum way)way);
        drives[way] = *script;
        run(&drives[way], (enum way)way);
        counters[way] = count(&before);
    }
    assert_same(&drives[SINGLE], &drives[ROW]);
    assert_memory_equal(&counters[SINGLE], &counters[ROW], sizeof(counters[0]));
    return &drives[ROW];
}

/* All that a call can end with, between calls that work. */
static const char *const script[] = {
    "=one",  "=two", "-",    "=three",      NULL,  "=four", "!e",    "=five",   "-",      "-",
    "!d",    "!f",   "=six", "ctext/plain", "cx",  "c",     "!b",    "=seven",  "=eight", "!x",
    "=nine", "=ten", "!v",   "=eleven",     "-",   "!r",    "=dead", "=twelve", "=13",    "!o",
    "=dead", "=14",  "=15",  "!t",          "=16", "=17",   "!h",    "=18",     "=19",    "!p",
    "=20",   "=21",  "!w",   "=22",         "=23", "-",     NULL,    "=24",     "!a",     "!e",
    "=25",   "g",    "g26",  "!u",          "=27"};
static_assert(sizeof(script) / sizeof(script[0]) <= RECORDS_MAX, "each has its record");

static const struct {
    enum tvn_role role;
    enum tvn_entry entry;
} with_element[] = {
    {TVN_ROLE_PROCESSOR, TVN_ENTRY_PROCESS},
    {TVN_ROLE_FILTER, TVN_ENTRY_EVALUATE},
    {TVN_ROLE_AGGREGATOR, TVN_ENTRY_INGEST},
    {TVN_ROLE_SINK, TVN_ENTRY_PUSH},
};

static void test_row_is_told_what_single_calls_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < TVN_ARRAY_LEN(with_element); i++) {
        const struct drive drive = {.entry = with_element[i].entry,
                                    .commands = script,
                                    .command_count = TVN_ARRAY_LEN(script),
                                    .calls_max = TVN_ARRAY_LEN(script)};
        const struct drive *row = compare("row-script", with_element[i].role, &drive, "");
        assert_int_equal(row->record_count, TVN_ARRAY_LEN(script));
        assert_true(row->looped > 10);
        assert_int_equal(row->records[26].outcome, TVN_OUTCOME_DEAD); /* after "!r" and "!o" */
        assert_non_null(strstr(row->records[26].fault.text, "'cabi_realloc'"));
        assert_non_null(strstr(row->records[30].fault.text, "realloc return: beyond end of"));
        const struct record *last = &row->records[row->record_count - 1];
        assert_int_equal(last[-2].outcome, TVN_OUTCOME_EMIT); /* "g26": the memory has grown */
        assert_int_equal(last[-1].outcome, TVN_OUTCOME_DEAD); /* "!u" */
        uint32_t seen = 0;
        for (uint32_t k = 0; k < row->record_count; k++) {
            seen |= 1u << row->records[k].outcome;
        }
        assert_true(seen & 1u << TVN_OUTCOME_EMIT && seen & 1u << TVN_OUTCOME_ERROR &&
                    seen & 1u << TVN_OUTCOME_DEAD);
    }
}

/* Each command alone, at each place of a short row. */
static void test_row_with_one_odd_call_at_any_place(void **state)
{
    (void)state;
    static const char *const odd[] = {"-",  NULL, "!e", "!f", "!t", "!b", "!x", "!v", "!h",
                                      "!p", "!w", "!r", "!o", "!a", "!u", "c",  "g"};
    for (size_t k = 0; k < TVN_ARRAY_LEN(odd); k++) {
        for (uint32_t place = 0; place < 3; place++) {
            const char *commands[] = {"=a", "=b", "=c", "=d"};
            commands[place] = odd[k];
            const struct drive drive = {.entry = TVN_ENTRY_PROCESS,
                                        .commands = commands,
                                        .command_count = 4,
                                        .calls_max = 4};
            (void)compare("row-script", TVN_ROLE_PROCESSOR, &drive, "");
        }
    }
}

/* Rows of calls that chance has put together. */
static void test_row_of_random_calls(void **state)
{
    (void)state;
    static const char *const any[] = {"=a", "=b", "=c", "-",  "-",  "cx", NULL, "!e",
                                      "!d", "!a", "!f", "!t", "!b", "!x", "!v", "!h",
                                      "!p", "!w", "!r", "!o", "!u", "ga"};
    uint64_t random = 1;
    for (uint32_t round = 0; round < 40; round++) {
        const char *commands[RECORDS_MAX];
        for (uint32_t i = 0; i < RECORDS_MAX; i++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
            uint32_t draw = (uint32_t)(random >> 33);
            bool works = (draw & 3) != 0; /* most of them: a trap ends the loop's life */
            commands[i] = any[(draw >> 2) % (works ? 7 : TVN_ARRAY_LEN(any))];
        }
        const struct drive drive = {.entry = with_element[round % 4].entry,
                                    .commands = commands,
                                    .command_count = RECORDS_MAX,
                                    .calls_max = RECORDS_MAX};
        (void)compare("row-script", with_element[round % 4].role, &drive, "");
    }
}

/* A configuration whose first lines are for the warm-up. */
static const char *source_config(const char *lines)
{
    static char text[4096];
    size_t length = 0;
    for (uint32_t i = 0; i < WARM_CALLS; i++) {
        length += (size_t)snprintf(text + length, sizeof(text) - length, "=w\n");
    }
    (void)snprintf(text + length, sizeof(text) - length, "%s", lines);
    return text;
}

static void test_row_of_pulls_is_told_what_single_ones_are(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "=a\n=b\ncx\nctext/plain\n!e\n=c\n-",
        "=a\n!f\n!d\n=b\n-\n=c",
        "-",
        "=a\n!t", /* then the new instance begins from the start */
        "=a\n=b\n!p",
        "=a\n!w",
        "=a\n!h",
        "=a\n!x",
        "=a\n!v",
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(scripts); i++) {
        const struct drive drive = {.entry = TVN_ENTRY_PULL, .calls_max = 20};
        const struct drive *row =
            compare("row-script", TVN_ROLE_SOURCE, &drive, source_config(scripts[i]));
        assert_true(row->looped > 0);
    }
}

#define PARENT "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"

static void test_row_of_pulls_has_the_contexts_of_single_ones(void **state)
{
    (void)state;
    static char config[4096]; /* empty lines: elements without one */
    memset(config, '\n', WARM_CALLS);
    (void)snprintf(config + WARM_CALLS, sizeof(config) - WARM_CALLS,
                   "\n00-" PARENT "-01|rojo=1\n\n00-" PARENT "-00\n00-" PARENT
                   "-01\nno context\n\n00-" PARENT "-01|no state\n");
    const struct drive drive = {.entry = TVN_ENTRY_PULL, .calls_max = 20};
    const struct drive *row = compare("traced-source", TVN_ROLE_SOURCE, &drive, config);
    static const bool expected[] = {false, true, false, true, true, false, false, true};
    for (size_t i = 0; i < TVN_ARRAY_LEN(expected); i++) {
        assert_int_equal(row->records[i].has_context, expected[i]);
        assert_int_equal(tvn_element_has_context(&row->records[i].out), expected[i]);
    }
    assert_true(row->records[1].out.flags & TVN_ELEMENT_SAMPLED);
    assert_int_equal(row->records[1].context.tracestate_length, 6);
}

/* A host function that marks the instance dead without a trap: the guest's call still comes back.
 */
static void test_row_whose_guest_dies_and_returns(void **state)
{
    (void)state;
    static const char *const commands[] = {"one", "two", "three", "four"};
    const struct drive drive = {.entry = TVN_ENTRY_PUSH,
                                .commands = commands,
                                .command_count = TVN_ARRAY_LEN(commands),
                                .calls_max = RECORDS_MAX,
                                .ends_dead = true};
    const struct drive *row = compare("hello-sink", TVN_ROLE_SINK, &drive, "");
    assert_int_equal(row->record_count, 4);
    assert_int_equal(row->records[3].outcome, TVN_OUTCOME_DEAD);
    assert_status(row->records[3].fault.code, TVN_E_IO_ERROR);
    assert_non_null(strstr(row->records[3].fault.text, "cannot write to standard output"));
}

/* A router's calls are made one by one. */
static void test_row_of_a_router_is_single_calls(void **state)
{
    (void)state;
    static const char *const commands[] = {"metrics", "logs",    "",   "logs,metrics",
                                           "!e",      "nowhere", "!t", "logs"};
    static struct drive drives[2];
    for (int way = SINGLE; way <= ROW; way++) {
        stop();
        start("router-script", TVN_ROLE_ROUTER, "", 0);
        drives[way] = (struct drive){.entry = TVN_ENTRY_ROUTE,
                                     .commands = commands,
                                     .command_count = TVN_ARRAY_LEN(commands),
                                     .calls_max = TVN_ARRAY_LEN(commands)};
        run(&drives[way], (enum way)way);
    }
    assert_same(&drives[SINGLE], &drives[ROW]);
    assert_int_equal(drives[ROW].looped, 0);
}

static void test_row_ends_when_next_says_so(void **state)
{
    (void)state;
    static const char *const commands[] = {"=a", "=b", "=c", "=d"};
    start("row-script", TVN_ROLE_PROCESSOR, "", 0);
    warm_up(TVN_ENTRY_PROCESS, ROW);
    for (uint32_t calls = 1; calls < 9; calls++) {
        struct drive drive = {.entry = TVN_ENTRY_PROCESS,
                              .commands = commands,
                              .command_count = TVN_ARRAY_LEN(commands),
                              .calls_max = calls};
        run(&drive, ROW);
        assert_int_equal(drive.record_count, calls);
        assert_int_equal(drive.looped, calls);
        assert_int_equal(tvn_resources_live_count(resources), 0);
    }
}

/* Single calls of the same and of other entries between rows; the guest is as after any call. */
static void test_row_alternates_with_other_entries(void **state)
{
    (void)state;
    static const char *const commands[] = {"=a", "-", "=b"};
    static const struct {
        enum tvn_role role;
        enum tvn_entry entry;
        enum tvn_entry other;
    } cases[] = {
        {TVN_ROLE_AGGREGATOR, TVN_ENTRY_INGEST, TVN_ENTRY_FLUSH},
        {TVN_ROLE_SINK, TVN_ENTRY_PUSH, TVN_ENTRY_COMPLETE},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        stop();
        start("row-script", cases[i].role, "", 0);
        warm_up(cases[i].entry, ROW);
        for (int round = 0; round < 6; round++) {
            struct drive drive = {.entry = cases[i].entry,
                                  .commands = commands,
                                  .command_count = TVN_ARRAY_LEN(commands),
                                  .calls_max = TVN_ARRAY_LEN(commands)};
            run(&drive, round % 3 == 2 ? SINGLE : ROW);
            assert_int_equal(drive.record_count, TVN_ARRAY_LEN(commands));
            struct tvn_call call = {.out = &drive.out, .out_capacity = 1, .fault = &drive.fault};
            assert_int_equal(tvn_invoke(stage, cases[i].other, &call), TVN_OUTCOME_EMIT);
        }
        struct tvn_fault fault = {0};
        struct tvn_call call = {.fault = &fault};
        assert_int_equal(tvn_invoke(stage, TVN_ENTRY_TEARDOWN, &call), TVN_OUTCOME_EMIT);
    }
}

/* Wherever a cancel is noticed, it ends the row, and nothing is lost. */
static void test_row_that_is_cancelled_ends(void **state)
{
    (void)state;
    static const char *const commands[] = {"=a", "-", "=b", "=c"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(with_element); i++) {
        stop();
        start("row-script", with_element[i].role, "", 0);
        warm_up(with_element[i].entry, ROW);
        static struct drive drive;
        drive = (struct drive){.entry = with_element[i].entry,
                               .commands = commands,
                               .command_count = TVN_ARRAY_LEN(commands),
                               .calls_max = 100000,
                               .cancel_after = 3,
                               .ends_dead = true};
        run(&drive, ROW);
        assert_true(drive.record_count > 3 && drive.record_count < drive.calls_max);
        const struct record *last = &drive.records[(drive.record_count - 1) % RECORDS_MAX];
        assert_int_equal(last->outcome, TVN_OUTCOME_DEAD);
        assert_status(last->fault.code, TVN_E_FLOW_CANCELLED);
        assert_int_equal(last->out_count, 0);
        assert_int_equal(tvn_resources_live_count(resources), 0);
    }
}

/* Who goes on without an instance is told so each time. */
static void test_row_after_a_restart_that_fails(void **state)
{
    (void)state;
    static const char *const commands[] = {"=a", "!t", "=b", NULL, "=c"};
    start("row-script", TVN_ROLE_PROCESSOR, "", 0);
    warm_up(TVN_ENTRY_PROCESS, ROW);
    struct drive drive = {.entry = TVN_ENTRY_PROCESS,
                          .commands = commands,
                          .command_count = TVN_ARRAY_LEN(commands),
                          .calls_max = TVN_ARRAY_LEN(commands),
                          .restart_fails = true};
    run(&drive, ROW);
    assert_int_equal(drive.record_count, TVN_ARRAY_LEN(commands));
    assert_int_equal(drive.records[0].outcome, TVN_OUTCOME_EMIT);
    for (uint32_t i = 1; i < drive.record_count; i++) {
        assert_int_equal(drive.records[i].outcome, TVN_OUTCOME_DEAD);
    }
    assert_string_equal(drive.records[2].fault.text, "the component could not be started again");
    drive.restart_fails = false; /* later it can be had */
    drive.record_count = 0;
    run(&drive, ROW);
    assert_int_equal(drive.records[0].outcome, TVN_OUTCOME_DEAD);
    assert_true(drive.records[0].restarted);
    assert_int_equal(drive.records[1].outcome, TVN_OUTCOME_DEAD); /* "!t" */
    assert_int_equal(drive.records[4].outcome, TVN_OUTCOME_EMIT);
}

/* What an instance cannot have is asked for ever more seldom: each time costs it a little memory.
 */
static void test_row_without_a_loop_is_not_asked_for_all_the_time(void **state)
{
    (void)state;
    static const char *const commands[] = {"=a", "-"};
    tvn_runtime_destroy(runtime);
    start_runtime(true);
    start("row-script", TVN_ROLE_PROCESSOR, "", UINT64_C(10000000));
    static struct drive drive;
    drive = (struct drive){.entry = TVN_ENTRY_PROCESS,
                           .commands = commands,
                           .command_count = 2,
                           .calls_max = 10 * TVN_ROW_AFTER_CALLS};
    run(&drive, ROW);
    assert_int_equal(drive.record_count, drive.calls_max);
    assert_int_equal(drive.looped, 0);
    assert_int_equal(component_stage()->row.tries, 3); /* after 1, 3 and 7 times as many calls */
    stop();
    tvn_runtime_destroy(runtime);
    start_runtime(false);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown(test_row_is_told_what_single_calls_are, tear_down),
    cmocka_unit_test_teardown(test_row_with_one_odd_call_at_any_place, tear_down),
    cmocka_unit_test_teardown(test_row_of_random_calls, tear_down),
    cmocka_unit_test_teardown(test_row_of_pulls_is_told_what_single_ones_are, tear_down),
    cmocka_unit_test_teardown(test_row_of_pulls_has_the_contexts_of_single_ones, tear_down),
    cmocka_unit_test_teardown(test_row_whose_guest_dies_and_returns, tear_down),
    cmocka_unit_test_teardown(test_row_of_a_router_is_single_calls, tear_down),
    cmocka_unit_test_teardown(test_row_ends_when_next_says_so, tear_down),
    cmocka_unit_test_teardown(test_row_alternates_with_other_entries, tear_down),
    cmocka_unit_test_teardown(test_row_that_is_cancelled_ends, tear_down),
    cmocka_unit_test_teardown(test_row_after_a_restart_that_fails, tear_down),
    cmocka_unit_test_teardown(test_row_without_a_loop_is_not_asked_for_all_the_time, tear_down),
};

TVN_TEST_MAIN_WITH("engine.stage_row", tests, set_up_group, tear_down_group)
