/* SPDX-License-Identifier: Apache-2.0 */
/* Component stages through their invoker: routers, aggregators, and another instance after a death.
 */
#include "stage_rig.h"

static struct tvn_fault fault;
static struct tvn_call call;
static struct tvn_element out[TVN_CALL_OUT_MAX];

static const struct tvn_str ports[] = {{"metrics", 7}, {"logs", 4}, {"other", 5}};

static enum tvn_status discard(void *context, int stream, const char *text, size_t length)
{
    (void)context;
    (void)stream;
    (void)text;
    (void)length;
    return TVN_OK;
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

static int set_up(void **state)
{
    (void)state;
    tvn_intern_init(&intern);
    stats = (struct tvn_stage_stats){0};
    trace_ids = (struct tvn_trace_ids){.enabled = true, .seed = {1, 2, 3}};
    sandbox = (struct tvn_sandbox){
        .component = "guest",
        .max_memory_bytes = (uint64_t)64 << 20,
        .max_buffer_bytes = (uint64_t)16 << 20,
        .init_timeout_ms = 60000,
        .teardown_timeout_ms = 60000,
    };
    tvn_guard_init(&guard, &sandbox, NULL, NULL);
    fault = (struct tvn_fault){0};
    call = (struct tvn_call){.out = out, .out_capacity = TVN_CALL_OUT_MAX, .fault = &fault};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tvn_invoker_destroy(stage);
    stage = NULL;
    rig_unload();
    return (int)tvn_resources_live_count(resources); /* every buffer is back */
}

static void start(const char *name, enum tvn_role role, const char *config)
{
    rig_load(TVN_GUEST_DIR, name);
    struct tvn_component_stage_options options = rig_options(role, config, discard);
    if (role == TVN_ROLE_ROUTER) {
        options.ports = ports;
        options.port_count = TVN_ARRAY_LEN(ports);
    }
    rig_start(&options);
}

static struct tvn_buffer *buffer_of(const struct tvn_element *element)
{
    struct tvn_buffer *buffer = NULL;
    assert_status(tvn_magazine_find(magazine, element->payload, &buffer), TVN_OK);
    assert_int_equal(buffer->owner, TVN_OWNER_HOST);
    return buffer;
}

/* Calls the entry with one element whose payload is `text`. */
static enum tvn_outcome offer(enum tvn_entry entry, const char *text)
{
    struct tvn_buffer *payload = NULL;
    assert_status(tvn_buffer_acquire(magazine, strlen(text), TVN_OWNER_HOST, NULL, &payload),
                  TVN_OK);
    assert_status(tvn_buffer_write(payload, 0, text, strlen(text)), TVN_OK);
    assert_status(tvn_buffer_freeze(payload), TVN_OK);
    const struct tvn_element element = {.sequence = 7, .payload = tvn_buffer_id_of(payload)};
    call.in = &element;
    call.ports = 0;
    enum tvn_outcome outcome = tvn_invoke(stage, entry, &call);
    call.in = NULL;
    assert_int_equal(payload->borrows, 0);
    tvn_buffer_release(magazine, payload);
    return outcome;
}

static void assert_out(uint32_t index, const char *text)
{
    struct tvn_buffer *buffer = buffer_of(&out[index]);
    assert_str(((struct tvn_str){(const char *)buffer->bytes, buffer->length}), text);
    assert_true(buffer->frozen);
    tvn_buffer_release(magazine, buffer);
}

/* ---- routers ---- */

static void test_route_names_become_bits(void **state)
{
    (void)state;
    start("router-script", TVN_ROLE_ROUTER, "");
    static const struct {
        const char *names;
        uint64_t ports;
    } cases[] = {{"metrics", 1},        {"logs", 2}, {"other", 4},     {"metrics,other", 5},
                 {"logs,logs,logs", 2}, {"", 0},     {"other,logs", 6}};
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        assert_int_equal(offer(TVN_ENTRY_ROUTE, cases[i].names), TVN_OUTCOME_EMIT);
        assert_int_equal(call.ports, cases[i].ports);
        assert_int_equal(call.out_count, 0);
    }
}

static void test_route_unknown_port_is_an_error_that_names_it(void **state)
{
    (void)state;
    start("router-script", TVN_ROLE_ROUTER, "");

    assert_int_equal(offer(TVN_ENTRY_ROUTE, "logs,metric,nowhere"), TVN_OUTCOME_ERROR);
    assert_status(fault.code, TVN_E_ROUTER_PORT_UNKNOWN);
    assert_int_equal(fault.error, TVN_PROCESS_INTERNAL);
    assert_string_equal(fault.text,
                        "there is no port 'metric'; the flow has 'metrics', 'logs', 'other'");
    assert_int_equal(offer(TVN_ENTRY_ROUTE, "logs"), TVN_OUTCOME_EMIT); /* it can go on */
}

static void test_route_long_unknown_name_is_cut_at_a_character(void **state)
{
    (void)state;
    start("router-script", TVN_ROLE_ROUTER, "");

    assert_int_equal(offer(TVN_ENTRY_ROUTE, "!l"), TVN_OUTCOME_ERROR);
    assert_int_equal(strncmp(fault.text, "there is no port 'ää", 21), 0);
    assert_non_null(strstr(fault.text, "ä'; the flow has 'metrics'"));
}

static void test_route_error_of_the_guest_is_handed_on(void **state)
{
    (void)state;
    start("router-script", TVN_ROLE_ROUTER, "");

    assert_int_equal(offer(TVN_ENTRY_ROUTE, "!e"), TVN_OUTCOME_ERROR);
    assert_status(fault.code, TVN_OK);
    assert_int_equal(fault.error, TVN_PROCESS_INTERNAL);
    assert_string_equal(fault.text, "the router is worn out");
}

static void test_route_invalid_results_kill_the_instance(void **state)
{
    (void)state;
    static const char *const commands[] = {"!t", "!m", "!o", "!n", "!s", "!u", "!c", "!x", "!b"};
    start("router-script", TVN_ROLE_ROUTER, "");
    for (size_t i = 0; i < TVN_ARRAY_LEN(commands); i++) {
        assert_int_equal(offer(TVN_ENTRY_ROUTE, commands[i]), TVN_OUTCOME_DEAD);
        assert_status(fault.code, TVN_E_COMPONENT_TRAPPED);
        assert_int_equal(offer(TVN_ENTRY_ROUTE, "logs"), TVN_OUTCOME_DEAD);
        assert_int_equal(stage->ops->restart(stage, &fault), TVN_OUTCOME_EMIT);
        assert_int_equal(offer(TVN_ENTRY_ROUTE, "logs"), TVN_OUTCOME_EMIT);
        assert_int_equal(call.ports, 2);
    }
}

/* ---- aggregators ---- */

static void test_ingest_absorbs_or_emits(void **state)
{
    (void)state;
    start("aggregator-script", TVN_ROLE_AGGREGATOR, "");

    assert_int_equal(offer(TVN_ENTRY_INGEST, "absorbed"), TVN_OUTCOME_EMIT);
    assert_int_equal(call.out_count, 0);
    assert_int_equal(offer(TVN_ENTRY_INGEST, "=window"), TVN_OUTCOME_EMIT);
    assert_int_equal(call.out_count, 1);
    assert_out(0, "window");
    assert_int_equal(offer(TVN_ENTRY_INGEST, "!e"), TVN_OUTCOME_ERROR);
    assert_int_equal(fault.error, TVN_PROCESS_INVALID_INPUT);
    assert_int_equal(call.out_count, 0);
}

static void test_ingest_element_without_payload_is_empty(void **state)
{
    (void)state;
    start("aggregator-script", TVN_ROLE_AGGREGATOR, "");
    size_t live = tvn_resources_live_count(resources);
    const struct tvn_element element = {.sequence = 7};

    call.in = &element;
    enum tvn_outcome outcome = tvn_invoke(stage, TVN_ENTRY_INGEST, &call);
    call.in = NULL;

    assert_int_equal(outcome, TVN_OUTCOME_EMIT);
    assert_int_equal(call.out_count, 0);
    assert_int_equal(tvn_resources_live_count(resources), live);
}

static uint32_t flush_all(void)
{
    uint32_t total = 0;
    while (tvn_invoke(stage, TVN_ENTRY_FLUSH, &call) == TVN_OUTCOME_EMIT && call.out_count > 0) {
        for (uint32_t i = 0; i < call.out_count; i++) {
            char expected[16];
            snprintf(expected, sizeof(expected), "%u", total++);
            assert_out(i, expected);
        }
    }
    return total;
}

static void test_flush_hands_out_the_list_piece_by_piece(void **state)
{
    (void)state;
    static const char *const commands[] = {"#1", "#32", "#33", "#2000"};
    static const uint32_t counts[] = {1, 32, 33, 2000};
    start("aggregator-script", TVN_ROLE_AGGREGATOR, "");
    for (size_t i = 0; i < TVN_ARRAY_LEN(commands); i++) {
        assert_int_equal(offer(TVN_ENTRY_INGEST, commands[i]), TVN_OUTCOME_EMIT);
        assert_int_equal(flush_all(), counts[i]);
        assert_int_equal(tvn_invoke(stage, TVN_ENTRY_FLUSH, &call), TVN_OUTCOME_EMIT);
        assert_int_equal(call.out_count, 0); /* and so for ever: the guest is asked once */
        tvn_invoker_destroy(TVN_TAKE(stage));
        tvn_component_destroy(TVN_TAKE(component));
        tvn_file_bytes_deinit(&bytes);
        start("aggregator-script", TVN_ROLE_AGGREGATOR, "");
    }
}

static void test_flush_of_nothing_is_done_at_once(void **state)
{
    (void)state;
    start("aggregator-script", TVN_ROLE_AGGREGATOR, "");
    assert_int_equal(flush_all(), 0);
}

static void test_flush_half_taken_gives_the_rest_back_at_the_end(void **state)
{
    (void)state;
    start("aggregator-script", TVN_ROLE_AGGREGATOR, "");
    assert_int_equal(offer(TVN_ENTRY_INGEST, "#100"), TVN_OUTCOME_EMIT);
    call.out_capacity = 1;

    assert_int_equal(tvn_invoke(stage, TVN_ENTRY_FLUSH, &call), TVN_OUTCOME_EMIT);
    assert_int_equal(call.out_count, 1);
    assert_out(0, "0");
    assert_int_equal(tvn_resources_live_count(resources), 99);
}

static void test_flush_beyond_the_budget_is_e0310(void **state)
{
    (void)state;
    sandbox.max_memory_bytes = (uint64_t)5 << 20; /* the guest's own memory takes most of it */
    start("aggregator-script", TVN_ROLE_AGGREGATOR, "");
    assert_int_equal(offer(TVN_ENTRY_INGEST, "!fk"), TVN_OUTCOME_EMIT);

    assert_int_equal(tvn_invoke(stage, TVN_ENTRY_FLUSH, &call), TVN_OUTCOME_DEAD);
    assert_status(fault.code, TVN_E_BUDGET_EXCEEDED);
    assert_non_null(strstr(fault.text, "100000 elements"));
}

static void test_flush_error_and_invalid_lists(void **state)
{
    (void)state;
    static const char *const commands[] = {"!ft", "!fm", "!fo", "!fn", "!fh", "!fk"};
    start("aggregator-script", TVN_ROLE_AGGREGATOR, "");
    for (size_t i = 0; i < TVN_ARRAY_LEN(commands); i++) {
        assert_int_equal(offer(TVN_ENTRY_INGEST, "#3"), TVN_OUTCOME_EMIT);
        assert_int_equal(offer(TVN_ENTRY_INGEST, commands[i]), TVN_OUTCOME_EMIT);
        assert_int_equal(tvn_invoke(stage, TVN_ENTRY_FLUSH, &call), TVN_OUTCOME_DEAD);
        assert_int_equal(stage->ops->restart(stage, &fault), TVN_OUTCOME_EMIT);
        assert_int_equal(tvn_resources_live_count(resources), 0);
    }
    assert_int_equal(offer(TVN_ENTRY_INGEST, "!fe"), TVN_OUTCOME_EMIT);
    assert_int_equal(tvn_invoke(stage, TVN_ENTRY_FLUSH, &call), TVN_OUTCOME_ERROR);
    assert_int_equal(fault.error, TVN_PROCESS_INTERNAL);
}

/* ---- another instance ---- */

static void test_restart_replaces_a_dead_instance(void **state)
{
    (void)state;
    start("failing-processor", TVN_ROLE_PROCESSOR, "{\"after\": 2, \"how\": \"trap\"}");
    assert_int_equal(tvn_invoke(stage, TVN_ENTRY_INIT, &call), TVN_OUTCOME_EMIT);
    for (int life = 0; life < 3; life++) {
        for (int i = 0; i < 2; i++) { /* its memory is new: it counts from the beginning */
            assert_int_equal(offer(TVN_ENTRY_PROCESS, "payload"), TVN_OUTCOME_EMIT);
            assert_out(0, "payload");
        }
        assert_int_equal(offer(TVN_ENTRY_PROCESS, "payload"), TVN_OUTCOME_DEAD);
        assert_status(fault.code, TVN_E_COMPONENT_TRAPPED);
        assert_int_equal(stage->ops->restart(stage, &fault), TVN_OUTCOME_EMIT);
    }
    assert_true(stage->ops->has_entry(stage, TVN_ENTRY_TEARDOWN));
    assert_int_equal(tvn_invoke(stage, TVN_ENTRY_TEARDOWN, &call), TVN_OUTCOME_EMIT);
}

static void test_restart_reclaims_what_the_dead_instance_held(void **state)
{
    (void)state;
    start("failing-processor", TVN_ROLE_PROCESSOR, "{\"after\": 5, \"how\": \"keep\"}");
    assert_int_equal(tvn_invoke(stage, TVN_ENTRY_INIT, &call), TVN_OUTCOME_EMIT);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(offer(TVN_ENTRY_PROCESS, "payload"), TVN_OUTCOME_EMIT);
        assert_out(0, "payload");
    }
    assert_int_equal(tvn_resources_live_count(resources), 5);

    assert_int_equal(stage->ops->restart(stage, &fault), TVN_OUTCOME_EMIT);

    assert_int_equal(tvn_resources_live_count(resources), 0);
    assert_int_equal(offer(TVN_ENTRY_PROCESS, "payload"), TVN_OUTCOME_EMIT);
    assert_out(0, "payload");
}

static void test_restart_whose_init_fails_tells_the_error(void **state)
{
    (void)state;
    start("failing-processor", TVN_ROLE_PROCESSOR, "{\"how\": \"init\"}");

    assert_int_equal(stage->ops->restart(stage, &fault), TVN_OUTCOME_ERROR);

    assert_status(fault.code, TVN_E_FATAL_COMPONENT_ERROR);
    assert_int_equal(fault.error, TVN_PROCESS_FATAL);
}

static void test_restart_without_memory_leaves_a_stage_that_says_so(void **state)
{
    (void)state;
    start("failing-processor", TVN_ROLE_PROCESSOR, "{\"after\": 2, \"how\": \"trap\"}");
    tvn_mem_fail_at(1, true);
    assert_int_equal(stage->ops->restart(stage, &fault), TVN_OUTCOME_DEAD);
    tvn_mem_fail_at(0, false);
    assert_status(fault.code, TVN_E_OUT_OF_MEMORY);

    assert_int_equal(offer(TVN_ENTRY_PROCESS, "payload"), TVN_OUTCOME_DEAD);
    assert_status(fault.code, TVN_E_COMPONENT_TRAPPED);
    assert_false(stage->ops->has_entry(stage, TVN_ENTRY_TEARDOWN));
    assert_int_equal(stage->ops->restart(stage, &fault), TVN_OUTCOME_EMIT);
    assert_int_equal(offer(TVN_ENTRY_PROCESS, "payload"), TVN_OUTCOME_EMIT);
    assert_out(0, "payload");
}

/* ---- torvyn:runtime/tracing ---- */

#define PARENT "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"

/* Pulls one element; what it was given for a context, or NULL. */
static const struct tvn_trace_context *pull_traced(void)
{
    memset(out, 0, sizeof(out[0]));
    assert_int_equal(tvn_invoke(stage, TVN_ENTRY_PULL, &call), TVN_OUTCOME_EMIT);
    assert_int_equal(call.out_count, 1);
    tvn_buffer_release(magazine, buffer_of(&out[0]));
    return call.context;
}

static void start_traced(const char *config)
{
    start("traced-source", TVN_ROLE_SOURCE, config);
    assert_int_equal(tvn_invoke(stage, TVN_ENTRY_INIT, &call), TVN_OUTCOME_EMIT);
}

static void test_stage_source_names_the_context_of_its_next_element(void **state)
{
    (void)state;
    start_traced("00-" PARENT "-01|rojo=1\n\n00-" PARENT "-00");
    const struct tvn_trace_context *context = pull_traced();
    assert_non_null(context);
    assert_int_equal(out[0].trace_id[0], 0x4b);
    assert_int_equal(out[0].parent_id[7], 0xb7);
    assert_true(out[0].flags & TVN_ELEMENT_SAMPLED);
    assert_int_equal(context->tracestate_length, 6);
    assert_null(pull_traced());
    assert_false(tvn_element_has_context(&out[0]));
    context = pull_traced();
    assert_non_null(context);
    assert_int_equal(context->flags, 0);
    assert_int_equal(context->tracestate_length, 0);
    assert_false(out[0].flags & TVN_ELEMENT_SAMPLED);
    assert_int_equal(tvn_stat_get(&stats.trace_contexts_invalid), 0);
}

static void test_stage_context_that_is_not_valid_is_ignored_and_counted(void **state)
{
    (void)state;
    start_traced("01\n00-" PARENT "-01|no state");
    assert_null(pull_traced());
    assert_false(tvn_element_has_context(&out[0]));
    assert_int_equal(tvn_stat_get(&stats.trace_contexts_invalid), 1);
    const struct tvn_trace_context *context = pull_traced();
    assert_non_null(context); /* only its state is left out */
    assert_int_equal(context->tracestate_length, 0);
    assert_int_equal(tvn_stat_get(&stats.trace_contexts_invalid), 2);
}

static void test_stage_context_is_ignored_when_tracing_is_off(void **state)
{
    (void)state;
    trace_ids.enabled = false;
    start_traced("00-" PARENT "-01");
    assert_null(pull_traced());
    assert_false(tvn_element_has_context(&out[0]));
    assert_int_equal(tvn_stat_get(&stats.trace_contexts_invalid), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_route_names_become_bits, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_route_unknown_port_is_an_error_that_names_it, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_route_long_unknown_name_is_cut_at_a_character, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_route_error_of_the_guest_is_handed_on, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_route_invalid_results_kill_the_instance, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_ingest_absorbs_or_emits, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_ingest_element_without_payload_is_empty, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_flush_hands_out_the_list_piece_by_piece, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_flush_of_nothing_is_done_at_once, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_flush_half_taken_gives_the_rest_back_at_the_end, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_flush_beyond_the_budget_is_e0310, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_flush_error_and_invalid_lists, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_restart_replaces_a_dead_instance, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_restart_reclaims_what_the_dead_instance_held, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_restart_whose_init_fails_tells_the_error, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_restart_without_memory_leaves_a_stage_that_says_so, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_stage_source_names_the_context_of_its_next_element, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_stage_context_that_is_not_valid_is_ignored_and_counted,
                                    set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_stage_context_is_ignored_when_tracing_is_off, set_up,
                                    tear_down),
};

TVN_TEST_MAIN_WITH("engine.stage", tests, set_up_group, tear_down_group)
