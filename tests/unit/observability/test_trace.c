/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "observability/trace.h"

#include "mock_invoker.h"
#include "tvn_test.h"

#define stat_of(field) tvn_stat_get(&(field))

static struct mock_flow mock;
static struct tvn_recorder *recorder;
static struct tvn_trace *trace;
static struct tvn_graph_stage graph_stages[MOCK_STAGES_MAX];
static struct tvn_graph_edge graph_edges[MOCK_STAGES_MAX];
static struct tvn_graph graph;

static bool look(void *context, struct tvn_buffer_id id, struct tvn_trace_content *out_content)
{
    (void)context;
    struct tvn_buffer *buffer = NULL;
    if (tvn_buffer_find(mock.world.resources, id, &buffer) != TVN_OK) {
        return false;
    }
    *out_content = (struct tvn_trace_content){buffer->bytes, buffer->length};
    return true;
}

static const struct tvn_trace_ids trace_ids = {.enabled = true, .seed = {1, 2, 3}};

/* A linear flow, traced. */
static void start(const char *roles, uint64_t count)
{
    static const char *const names[] = {"first", "second", "third", "fourth"};
    mock_flow_init(&mock, roles);
    mock.stages[0].count = count;
    uint32_t stages = (uint32_t)strlen(roles);
    for (uint32_t i = 0; i < stages; i++) {
        graph_stages[i] = (struct tvn_graph_stage){
            .name = names[i], .role = mock.stages[i].invoker.role, .is_component = true};
        graph_edges[i] = (struct tvn_graph_edge){.from = i, .to = i + 1, .capacity = 64};
    }
    graph = (struct tvn_graph){"main", graph_stages, stages, graph_edges, stages - 1};
    const struct tvn_recorder_options options = {.stage_count = stages,
                                                 .edge_count = stages - 1,
                                                 .level = TVN_OBSERVE_DIAGNOSTIC,
                                                 .sample_every = 1,
                                                 .in_flight = 256,
                                                 .seed = 1};
    assert_status(tvn_recorder_create(&options, &recorder), TVN_OK);
    for (uint32_t i = 0; i < stages; i++) {
        tvn_recorder_set_stats(recorder, i, &mock.stages[i].stats);
    }
    const struct tvn_trace_options trace_options = {
        .graph = &graph, .ids = &trace_ids, .look = look, .show_buffers = true};
    assert_status(tvn_trace_create(&trace_options, &trace), TVN_OK);
    tvn_trace_listen(trace, recorder);
    mock.options.events = tvn_recorder_sink(recorder);
}

static struct tvn_trace_item *run(void)
{
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 10000));
    tvn_trace_finish(trace);
    return tvn_trace_take(trace);
}

static void stop(struct tvn_trace_item *items)
{
    while (items) {
        struct tvn_trace_item *next = items->next;
        tvn_trace_item_destroy(items);
        items = next;
    }
    mock_flow_deinit(&mock);
    tvn_trace_destroy(trace);
    tvn_recorder_destroy(recorder);
}

/* Every pulled element comes out once, in order; returns how many have this last outcome. */
static uint64_t check_elements(const struct tvn_trace_item *items, enum tvn_outcome last,
                               enum tvn_trace_end end)
{
    uint64_t expected = 0;
    uint64_t matches = 0;
    for (; items; items = items->next) {
        if (items->kind != TVN_TRACE_ELEMENT) {
            continue;
        }
        const struct tvn_trace_element *element = &items->element;
        assert_int_equal(element->sequence, expected++);
        assert_true(element->step_count > 0);
        assert_int_equal(element->steps[0].entry, TVN_ENTRY_PULL);
        matches +=
            element->steps[element->step_count - 1].outcome == last && element->end == end ? 1 : 0;
    }
    assert_int_equal(expected, stat_of(mock.stats.pulled));
    struct tvn_trace_summary summary;
    tvn_trace_summary(trace, &summary);
    assert_int_equal(summary.elements, expected);
    assert_int_equal(summary.lost, 0);
    return matches;
}

static void test_trace_of_delivered_elements_has_a_step_per_stage(void **state)
{
    (void)state;
    start("spk", 100);
    struct tvn_trace_item *items = run();
    assert_int_equal(check_elements(items, TVN_OUTCOME_EMIT, TVN_TRACE_DONE), 100);
    const struct tvn_trace_element *first = &items->element;
    assert_int_equal(first->step_count, 3);
    assert_int_equal(first->steps[0].output.number, 1);
    assert_int_equal(first->steps[0].output.length, 16);
    assert_int_equal(first->steps[1].input.number, 1);
    assert_true(first->steps[1].output.number > 1);
    assert_int_equal(first->steps[2].input.number, first->steps[1].output.number);
    assert_true(first->latency_ns > 0);
    static const uint8_t none[16] = {0};
    assert_memory_not_equal(first->trace_id, none, 16);
    assert_memory_not_equal(first->trace_id, items->next->element.trace_id, 16);
    stop(items);
}

static bool reject_odd(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                       enum tvn_outcome *out_outcome)
{
    (void)self;
    if (entry != TVN_ENTRY_EVALUATE || call->in->sequence % 2 == 0) {
        return false;
    }
    *out_outcome = TVN_OUTCOME_DROP;
    return true;
}

static void test_trace_of_filtered_elements_ends_with_drop(void **state)
{
    (void)state;
    start("sfk", 100);
    mock.stages[1].script = reject_odd;
    struct tvn_trace_item *items = run();
    assert_int_equal(check_elements(items, TVN_OUTCOME_DROP, TVN_TRACE_DONE), 50);
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_trace_text(&graph, items->next, false, &text);
    assert_non_null(strstr(tvn_strbuf_text(&text), "  elem-1  ┬─ first          pull     "));
    assert_non_null(strstr(tvn_strbuf_text(&text), "          └─ second         evaluate "));
    assert_non_null(strstr(tvn_strbuf_text(&text), "(16B, borrowed)  drop\n"));
    assert_non_null(strstr(tvn_strbuf_text(&text), "          total: "));
    stop(items);
}

static uint32_t failures;

static bool fail_at_third(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                          enum tvn_outcome *out_outcome)
{
    const enum tvn_process_error *error = self->script_data;
    if (entry != TVN_ENTRY_PROCESS || call->in->sequence != 3 || failures == 0) {
        return false;
    }
    failures--;
    *call->fault = (struct tvn_fault){.error = *error, .text = "be\ncause"};
    *out_outcome = TVN_OUTCOME_ERROR;
    return true;
}

static void test_trace_of_a_skipped_element_ends_with_its_error(void **state)
{
    (void)state;
    static enum tvn_process_error error = TVN_PROCESS_INVALID_INPUT;
    failures = 1;
    start("spk", 100);
    mock.stages[1].script = fail_at_third;
    mock.stages[1].script_data = &error;
    struct tvn_trace_item *items = run();
    assert_int_equal(check_elements(items, TVN_OUTCOME_ERROR, TVN_TRACE_DONE), 1);
    const struct tvn_trace_item *third = items->next->next->next;
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_trace_text(&graph, third, true, &text);
    assert_non_null(strstr(tvn_strbuf_text(&text), "  error: be\\ncause\n"));
    stop(items);
}

static void test_trace_of_a_repeated_call_has_all_attempts(void **state)
{
    (void)state;
    static enum tvn_process_error error = TVN_PROCESS_UNAVAILABLE;
    failures = 2;
    start("spk", 100);
    mock.stages[1].script = fail_at_third;
    mock.stages[1].script_data = &error;
    struct tvn_trace_item *items = run();
    assert_int_equal(check_elements(items, TVN_OUTCOME_EMIT, TVN_TRACE_DONE), 100);
    const struct tvn_trace_item *item = items;
    while (item->kind != TVN_TRACE_ELEMENT || item->element.sequence != 3) {
        item = item->next;
    }
    assert_int_equal(item->element.step_count, 5);
    stop(items);
}

static void test_trace_tells_what_queues_drop_and_discard(void **state)
{
    (void)state;
    start("sk", 100);
    mock.edge_options[0].queue_depth = 4;
    mock.edge_options[0].policy = TVN_OVERFLOW_DROP_NEWEST;
    struct tvn_trace_item *items = run();
    uint64_t evicted = check_elements(items, TVN_OUTCOME_EMIT, TVN_TRACE_EVICTED);
    assert_true(evicted > 0);
    assert_int_equal(evicted, stat_of(mock.stats.dropped));
    stop(items);

    static enum tvn_process_error error = TVN_PROCESS_FATAL;
    failures = 1;
    start("spk", 100);
    mock.stages[1].script = fail_at_third;
    mock.stages[1].script_data = &error;
    items = run();
    uint64_t discarded = check_elements(items, TVN_OUTCOME_EMIT, TVN_TRACE_DISCARDED);
    assert_int_equal(discarded + 1, stat_of(mock.stats.failed));
    stop(items);
}

static void test_trace_tells_backpressure_in_time(void **state)
{
    (void)state;
    start("sk", 40);
    mock.edge_options[0].queue_depth = 4;
    mock.stages[1].cost_ns = 1000;
    struct tvn_trace_item *items = run();
    uint64_t begun = 0;
    uint64_t ended = 0;
    for (const struct tvn_trace_item *item = items; item; item = item->next) {
        begun += item->kind == TVN_TRACE_THROTTLED ? 1 : 0;
        if (item->kind == TVN_TRACE_RELIEVED) {
            ended++;
            assert_true(item->drained > 0);
            assert_true(item->duration_ns > 0);
        }
    }
    assert_true(begun > 0);
    assert_int_equal(begun, stat_of(mock.streams[0].backpressure_events));
    assert_int_equal(ended, begun);
    struct tvn_trace_summary summary;
    tvn_trace_summary(trace, &summary);
    assert_int_equal(summary.backpressure_events, begun);
    stop(items);
}

static void test_trace_json_and_otlp_are_written_for_every_item(void **state)
{
    (void)state;
    start("sk", 3);
    struct tvn_trace_item *items = run();
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    struct tvn_json_writer json;
    tvn_json_writer_init(&json, &text, 0);
    tvn_json_begin_array(&json);
    const struct tvn_trace_flow_span span = {.trace_id = {1}, .span_id = {2}, .begin_unix_ns = 5};
    for (const struct tvn_trace_item *item = items; item; item = item->next) {
        tvn_trace_json(&graph, item, true, &json);
        tvn_trace_otlp(&graph, &span, item, &json);
    }
    tvn_trace_otlp_flow(&graph, &span, 10, &json);
    tvn_json_end_array(&json);
    const char *written = tvn_strbuf_text(&text);
    assert_non_null(strstr(written, "\"sequence\":2"));
    assert_non_null(strstr(written, "\"name\":\"component:second:invoke:1\""));
    assert_non_null(strstr(written, "\"name\":\"flow:main\""));
    assert_non_null(strstr(written, "\"traceId\":\"01000000000000000000000000000000\""));
    stop(items);
}

static void test_trace_duration_changes_its_unit(void **state)
{
    (void)state;
    static const struct {
        uint64_t ns;
        const char *text;
    } cases[] = {{0, "0.0µs"},        {4200, "4.2µs"},     {999900, "999.9µs"},
                 {999960, "1.0ms"},   {1500000, "1.5ms"},  {999900000, "999.9ms"},
                 {999960000, "1.0s"}, {2500000000, "2.5s"}};
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        TVN_AUTO_VALUE(tvn_strbuf) text = {0};
        tvn_trace_duration(&text, cases[i].ns);
        assert_string_equal(tvn_strbuf_text(&text), cases[i].text);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_trace_of_delivered_elements_has_a_step_per_stage),
    cmocka_unit_test(test_trace_of_filtered_elements_ends_with_drop),
    cmocka_unit_test(test_trace_of_a_skipped_element_ends_with_its_error),
    cmocka_unit_test(test_trace_of_a_repeated_call_has_all_attempts),
    cmocka_unit_test(test_trace_tells_what_queues_drop_and_discard),
    cmocka_unit_test(test_trace_tells_backpressure_in_time),
    cmocka_unit_test(test_trace_json_and_otlp_are_written_for_every_item),
    cmocka_unit_test(test_trace_duration_changes_its_unit),
};
TVN_TEST_MAIN("observability.trace", tests)
