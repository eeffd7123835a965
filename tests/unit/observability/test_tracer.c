/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "observability/recorder.h"
#include "observability/tracer.h"

#include "tvn_test.h"

enum { SOURCE, RELAY, SINK, STAGES };

#define RING     16
#define SLOW_NS  UINT64_C(10000000)
#define CALL_NS  1000 /* what a call takes */
#define SEEN_MAX 4096
#define FIRST    UINT64_C(1000000000000) /* ticks */

static const struct tvn_graph_stage stages[STAGES] = {
    {.name = "source", .role = TVN_ROLE_SOURCE},
    {.name = "relay", .role = TVN_ROLE_PROCESSOR},
    {.name = "sink", .role = TVN_ROLE_SINK},
};
static const struct tvn_graph_edge edges[STAGES - 1] = {
    {.from = SOURCE, .to = RELAY, .capacity = 8},
    {.from = RELAY, .to = SINK, .capacity = 8},
};
static const struct tvn_graph graph = {"main", stages, STAGES, edges, STAGES - 1};
static const struct tvn_trace_ids ids = {.enabled = true, .seed = {1, 2, 3}};

/* ---- an exporter that remembers ---- */

static struct tvn_trace_span seen[SEEN_MAX];
static size_t seen_count;

static void remember(struct tvn_span_exporter *self, const struct tvn_trace_span *spans,
                     size_t count)
{
    (void)self;
    for (size_t i = 0; i < count; i++) {
        assert_true(seen_count < SEEN_MAX);
        tvn_trace_span_copy(&seen[seen_count++], &spans[i]);
    }
}

static const struct tvn_span_exporter_ops exporter_ops = {.offer = remember};
static struct tvn_span_exporter exporter = {.ops = &exporter_ops};

/* NULL: no such span. */
static const struct tvn_trace_span *find(const char *name)
{
    for (size_t i = 0; i < seen_count; i++) {
        if (tvn_str_is(tvn_trace_span_name(&seen[i]), name)) {
            return &seen[i];
        }
    }
    return NULL;
}

static size_t count_prefix(const char *prefix)
{
    size_t count = 0;
    for (size_t i = 0; i < seen_count; i++) {
        count += tvn_str_starts_with(tvn_trace_span_name(&seen[i]), tvn_str_of(prefix)) ? 1 : 0;
    }
    return count;
}

/* ---- a flow run by hand; its clock goes as the test says ---- */

static struct tvn_tracer *tracer;
static struct tvn_invoker nobody;
static uint64_t now; /* ticks */

static uint64_t read_now(void)
{
    return now;
}

static uint64_t read_unix(void)
{
    return UINT64_C(1700000000000000000) + tvn_ticks_to_ns(now - FIRST);
}

static struct tvn_tracer_options usual(void)
{
    tvn_ticks_init();
    now = FIRST;
    return (struct tvn_tracer_options){
        .graph = &graph,
        .ids = &ids,
        .exporter = &exporter,
        .error_promote = true,
        .latency_promote_ns = SLOW_NS,
        .ring_capacity = RING,
        .in_flight = 64,
        .seed = 7,
        .ticks = read_now,
        .unix_ns = read_unix,
    };
}

static void start(const struct tvn_tracer_options *options)
{
    seen_count = 0;
    tracer = tvn_tracer_create(options);
    assert_non_null(tracer);
}

static void stop(void)
{
    tvn_tracer_finish(tracer);
    tvn_tracer_destroy(tracer);
}

static bool pull(uint64_t sequence, const struct tvn_trace_context *context, bool timed,
                 struct tvn_element *out)
{
    *out = (struct tvn_element){.payload = {9}};
    if (context) {
        memcpy(out->trace_id, context->trace_id, sizeof(out->trace_id));
        memcpy(out->parent_id, context->parent_id, sizeof(out->parent_id));
    }
    struct tvn_call call = {.out = out, .out_capacity = 1, .out_count = 1, .context = context};
    const struct tvn_watched watched = {.stage = SOURCE,
                                        .edge = TVN_EVENT_NOWHERE,
                                        .invoker = &nobody,
                                        .entry = TVN_ENTRY_PULL,
                                        .sequence = sequence};
    const struct tvn_call_record record = {.watched = &watched,
                                           .call = &call,
                                           .outcome = TVN_OUTCOME_EMIT,
                                           .begin_ticks = now,
                                           .end_ticks = now + tvn_ticks_from_ns(CALL_NS)};
    now = record.end_ticks;
    bool watch = tvn_tracer_pulled(tracer, &record, timed, false);
    out->sequence = sequence;
    return watch;
}

static void call(uint32_t stage, struct tvn_element *in, enum tvn_outcome outcome,
                 uint64_t duration_ns, bool details)
{
    struct tvn_element out = *in;
    struct tvn_fault fault = {.text = "it broke"};
    struct tvn_call made = {.in = in,
                            .out = &out,
                            .out_capacity = 1,
                            .out_count = stage == RELAY && outcome == TVN_OUTCOME_EMIT ? 1 : 0,
                            .fault = &fault};
    const struct tvn_watched watched = {.stage = stage,
                                        .edge = stage - 1,
                                        .invoker = &nobody,
                                        .entry = stage == SINK ? TVN_ENTRY_PUSH : TVN_ENTRY_PROCESS,
                                        .sequence = in->sequence,
                                        .in = in};
    struct tvn_call_record record = {.watched = &watched,
                                     .call = &made,
                                     .outcome = outcome,
                                     .begin_ticks = now,
                                     .end_ticks = now + tvn_ticks_from_ns(duration_ns)};
    if (details) {
        record.copies[TVN_COPY_PAYLOAD_READ] = 1;
        record.copy_bytes[TVN_COPY_PAYLOAD_READ] = 64;
    }
    now = record.end_ticks;
    tvn_tracer_called(tracer, &record, details);
}

static void break_call(uint32_t stage, uint64_t sequence)
{
    const struct tvn_fault fault = {.text = "it broke"};
    const struct tvn_event event = {.kind = TVN_EVENT_FAULT,
                                    .stage = stage,
                                    .edge = TVN_EVENT_NOWHERE,
                                    .entry = stage == SOURCE ? TVN_ENTRY_PULL : TVN_ENTRY_PROCESS,
                                    .outcome = TVN_OUTCOME_ERROR,
                                    .sequence = sequence,
                                    .fault = &fault};
    tvn_tracer_event(tracer, &event, false);
}

/* An element from source to sink, with the relay taking so long. True: it was watched. */
static bool pass(uint64_t sequence, uint64_t relay_ns, bool timed)
{
    struct tvn_element element;
    if (!pull(sequence, NULL, timed, &element)) {
        return false;
    }
    call(RELAY, &element, TVN_OUTCOME_EMIT, relay_ns, false);
    call(SINK, &element, TVN_OUTCOME_EMIT, CALL_NS, false);
    return true;
}

/* ---- the tree ---- */

static void assert_id(const uint8_t *id, const uint8_t *expected, size_t length)
{
    assert_memory_equal(id, expected, length);
}

static void test_tracer_sampled_element_is_a_tree_under_its_span(void **state)
{
    (void)state;
    struct tvn_tracer_options options = usual();
    options.sample_rate = 1;
    start(&options);
    struct tvn_element element;
    assert_true(pull(0, NULL, false, &element));
    assert_true(element.flags & TVN_ELEMENT_SAMPLED);
    call(RELAY, &element, TVN_OUTCOME_EMIT, CALL_NS, false);
    call(SINK, &element, TVN_OUTCOME_EMIT, CALL_NS, false);
    stop();
    assert_int_equal(seen_count, 5);
    const struct tvn_trace_span *parent = find("element:0");
    const struct tvn_trace_span *flow = find("flow:main");
    assert_non_null(parent);
    assert_non_null(flow);
    uint8_t trace_id[16];
    tvn_trace_id_of(&ids, &element, trace_id);
    assert_id(parent->trace_id, trace_id, 16);
    assert_id(parent->link_trace_id, flow->trace_id, 16);
    assert_id(parent->link_span_id, flow->span_id, 8);
    assert_false(tvn_trace_span_has_parent(parent));
    static const char *const names[STAGES] = {
        "component:source:invoke:0", "component:relay:invoke:0", "component:sink:invoke:0"};
    for (size_t i = 0; i < STAGES; i++) {
        const struct tvn_trace_span *span = find(names[i]);
        assert_non_null(span);
        assert_id(span->trace_id, trace_id, 16);
        assert_id(span->parent_id, parent->span_id, 8);
        assert_true(span->begin_unix_ns >= parent->begin_unix_ns);
        assert_true(span->end_unix_ns <= parent->end_unix_ns);
        assert_int_equal(span->trace_flags, TVN_TRACE_FLAG_SAMPLED);
    }
}

static void test_tracer_incoming_context_is_the_parent(void **state)
{
    (void)state;
    const struct tvn_tracer_options options = usual();
    start(&options);
    assert_true(tvn_tracer_take_contexts(tracer));
    assert_int_equal(tvn_tracer_next(tracer), 0);
    struct tvn_trace_context context;
    assert_true(tvn_traceparent_parse(
        TVN_STR("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), &context));
    assert_true(tvn_tracestate_parse(TVN_STR("rojo=1"), &context));
    struct tvn_element element;
    assert_true(pull(0, &context, false, &element));
    context.flags = 0;
    struct tvn_element unsampled;
    assert_false(pull(1, &context, false, &unsampled)); /* as the parent says */
    assert_false(unsampled.flags & TVN_ELEMENT_SAMPLED);
    call(RELAY, &element, TVN_OUTCOME_DROP, CALL_NS, false);
    const struct tvn_trace_span *span = find("element:0");
    assert_non_null(span);
    assert_id(span->trace_id, context.trace_id, 16);
    assert_id(span->parent_id, context.parent_id, 8);
    assert_true(span->has_remote_parent);
    assert_true(tvn_str_is(tvn_trace_span_str(span, span->tracestate), "rojo=1"));
    break_call(RELAY, 1); /* which nobody watched: its trace is known nevertheless */
    span = find("element:1");
    assert_non_null(span);
    assert_id(span->trace_id, context.trace_id, 16);
    assert_id(span->parent_id, context.parent_id, 8);
    stop();
}

static void test_tracer_details_are_spans_and_events(void **state)
{
    (void)state;
    struct tvn_tracer_options options = usual();
    options.sample_rate = 1;
    start(&options);
    struct tvn_stream_stats stats = {0};
    tvn_stat_set(&stats.depth, 5);
    tvn_tracer_set_stream(tracer, 0, &stats);
    struct tvn_element element;
    assert_true(pull(0, NULL, true, &element));
    call(RELAY, &element, TVN_OUTCOME_EMIT, CALL_NS, true);
    call(SINK, &element, TVN_OUTCOME_EMIT, CALL_NS, true);
    struct tvn_event event = {.kind = TVN_EVENT_THROTTLED, .edge = 0, .depth = 8, .capacity = 8};
    tvn_tracer_event(tracer, &event, true);
    event = (struct tvn_event){
        .kind = TVN_EVENT_RELIEVED, .edge = 0, .depth = 4, .capacity = 8, .duration_ns = 5000};
    tvn_tracer_event(tracer, &event, true);
    stop();
    const struct tvn_trace_span *relay = find("component:relay:invoke:0");
    assert_non_null(relay);
    assert_int_equal(relay->event_count, 1);
    const struct tvn_trace_span *copy = find("resource:copy:9");
    assert_non_null(copy);
    assert_id(copy->parent_id, relay->span_id, 8);
    assert_int_equal(count_prefix("resource:copy:"), 2);
    assert_int_equal(count_prefix("resource:transfer:"), 1); /* the source's had no details */
    const struct tvn_trace_span *pressure = find("backpressure:source→relay");
    assert_non_null(pressure);
    assert_in_range(pressure->end_unix_ns - pressure->begin_unix_ns, 4990, 5010);
    assert_int_equal(pressure->event_count, 2);
    assert_id(pressure->parent_id, find("flow:main")->span_id, 8);
}

/* ---- promotion ---- */

static void test_tracer_nothing_wrong_exports_only_the_flow(void **state)
{
    (void)state;
    const struct tvn_tracer_options options = usual();
    start(&options);
    assert_true(tvn_tracer_next(tracer) == UINT64_MAX);
    for (uint64_t i = 0; i < 100; i++) {
        assert_true(pass(i, CALL_NS, true));
    }
    assert_int_equal(seen_count, 0);
    stop();
    assert_int_equal(seen_count, 1);
    assert_non_null(find("flow:main"));
}

static void test_tracer_error_exports_the_ring_and_what_follows_until_calm(void **state)
{
    (void)state;
    const struct tvn_tracer_options options = usual();
    start(&options);
    for (uint64_t i = 0; i < 10; i++) {
        assert_true(pass(i, CALL_NS, true));
    }
    struct tvn_element element;
    assert_true(pull(10, NULL, true, &element));
    call(RELAY, &element, TVN_OUTCOME_ERROR, CALL_NS, false);
    break_call(RELAY, 10);
    assert_int_equal(seen_count, RING); /* the last ones before, and the failed call */
    assert_null(find("component:source:invoke:5"));
    assert_non_null(find("element:9"));
    const struct tvn_trace_span *failed = find("component:relay:invoke:10");
    assert_non_null(failed);
    assert_int_equal(failed->status, TVN_TRACE_SPAN_ERROR);
    assert_true(tvn_str_is(tvn_trace_span_str(failed, failed->status_text), "it broke"));
    assert_int_equal(tvn_tracer_next(tracer), 0);
    uint64_t marked = 0;
    for (uint64_t i = 11; i < 100; i++) {
        marked += pass(i, CALL_NS, false) ? 1 : 0;
    }
    assert_int_equal(marked, TVN_TRACER_CALM);
    assert_true(tvn_tracer_next(tracer) == UINT64_MAX);
    const struct tvn_trace_span *parent = find("element:10"); /* was not repeated: settled */
    assert_non_null(parent);
    assert_int_equal(parent->status, TVN_TRACE_SPAN_ERROR);
    assert_non_null(find("component:sink:invoke:26"));
    assert_null(find("component:sink:invoke:27"));
    stop();
}

static void test_tracer_error_of_an_unwatched_call_has_no_times(void **state)
{
    (void)state;
    const struct tvn_tracer_options options = usual();
    start(&options);
    break_call(RELAY, 41);
    assert_int_equal(seen_count, 2);
    const struct tvn_trace_span *failed = find("component:relay:invoke:41");
    const struct tvn_trace_span *parent = find("element:41");
    assert_non_null(failed);
    assert_non_null(parent);
    assert_id(failed->parent_id, parent->span_id, 8);
    assert_true(failed->begin_unix_ns == failed->end_unix_ns);
    break_call(SOURCE, TVN_EVENT_NO_SEQUENCE);
    stop();
    failed = find("component:source:invoke:0");
    assert_non_null(failed);
    assert_id(failed->parent_id, find("flow:main")->span_id, 8);
    assert_id(failed->trace_id, find("flow:main")->trace_id, 16);
}

static void test_tracer_repeated_call_is_one_element(void **state)
{
    (void)state;
    const struct tvn_tracer_options options = usual();
    start(&options);
    struct tvn_element element;
    assert_true(pull(0, NULL, true, &element));
    call(RELAY, &element, TVN_OUTCOME_ERROR, CALL_NS, false);
    break_call(RELAY, 0);
    call(RELAY, &element, TVN_OUTCOME_EMIT, CALL_NS, false);
    call(SINK, &element, TVN_OUTCOME_EMIT, CALL_NS, false);
    assert_int_equal(count_prefix("element:0"), 1);
    assert_int_equal(count_prefix("component:relay:invoke:0"), 2);
    stop();
}

static void test_tracer_errors_are_not_promoted_unless_wanted(void **state)
{
    (void)state;
    struct tvn_tracer_options options = usual();
    options.error_promote = false;
    start(&options);
    break_call(RELAY, 41);
    assert_int_equal(seen_count, 0);
    stop();
}

static void test_tracer_slow_element_exports_the_ring_until_calm(void **state)
{
    (void)state;
    const struct tvn_tracer_options options = usual();
    start(&options);
    assert_true(pass(0, CALL_NS, true));
    assert_true(pass(1, SLOW_NS - 10 * CALL_NS, true));
    assert_int_equal(seen_count, 0);
    assert_true(pass(2, SLOW_NS, true));
    assert_int_equal(seen_count, 3 * (STAGES + 1));
    uint64_t marked = 0;
    for (uint64_t i = 3; i < 10; i++) {
        marked += pass(i, SLOW_NS, false) ? 1 : 0;
    }
    for (uint64_t i = 10; i < 100; i++) {
        marked += pass(i, CALL_NS, false) ? 1 : 0;
    }
    assert_int_equal(marked, 7 + TVN_TRACER_CALM);
    stop();
}

static void test_tracer_promotion_is_bounded(void **state)
{
    (void)state;
    const struct tvn_tracer_options options = usual();
    start(&options);
    uint64_t promoted = 0;
    uint64_t sequence = 0;
    for (; sequence < 2 * TVN_TRACER_PROMOTED_MAX; sequence++) {
        seen_count = 0;
        break_call(RELAY, sequence); /* all within a second */
        promoted += seen_count > 0 ? 1 : 0;
    }
    assert_int_equal(promoted, TVN_TRACER_PROMOTED_MAX / (STAGES + 1)); /* the ring was empty */
    assert_true(tvn_tracer_next(tracer) == UINT64_MAX);
    seen_count = 0;
    assert_false(pass(sequence, CALL_NS, false));
    now += tvn_ticks_from_ns(UINT64_C(2000000000));
    assert_true(pass(sequence + 1, CALL_NS, false));
    stop();
}

static void test_tracer_more_under_way_than_slots_gives_up_the_oldest(void **state)
{
    (void)state;
    struct tvn_tracer_options options = usual();
    options.sample_rate = 1;
    start(&options);
    struct tvn_element element;
    for (uint64_t i = 0; i < 65; i++) {
        assert_true(pull(i, NULL, false, &element));
    }
    const struct tvn_trace_span *lost = find("element:0");
    assert_non_null(lost);
    assert_null(find("element:1"));
    stop();
    assert_non_null(find("element:64"));
}

static void test_tracer_flow_span_is_from_running_to_the_end(void **state)
{
    (void)state;
    const struct tvn_tracer_options options = usual();
    start(&options);
    now += tvn_ticks_from_ns(5000);
    struct tvn_event event = {.kind = TVN_EVENT_STATE, .state = TVN_FLOW_RUNNING};
    tvn_tracer_event(tracer, &event, false);
    uint64_t began = read_unix();
    now += tvn_ticks_from_ns(5000);
    event.state = TVN_FLOW_SUSPENDED;
    tvn_tracer_event(tracer, &event, false);
    event.state = TVN_FLOW_RUNNING;
    tvn_tracer_event(tracer, &event, false);
    event.state = TVN_FLOW_FAILED;
    tvn_tracer_event(tracer, &event, false);
    stop();
    const struct tvn_trace_span *flow = find("flow:main");
    assert_non_null(flow);
    assert_in_range(flow->begin_unix_ns, began - 2, began + 2); /* rounding */
    assert_in_range(flow->end_unix_ns - began, 4990, 5010);
    assert_int_equal(flow->status, TVN_TRACE_SPAN_ERROR);
}

static enum tvn_outcome pull_one(struct tvn_invoker *self, enum tvn_entry entry,
                                 struct tvn_call *call)
{
    (void)self;
    (void)entry;
    call->out_count = 1;
    return TVN_OUTCOME_EMIT;
}

static void test_tracer_promoted_recorder_watches_the_next_pull(void **state)
{
    (void)state;
    const struct tvn_tracer_options options = usual();
    start(&options);
    const struct tvn_recorder_options recorder_options = {.stage_count = STAGES,
                                                          .edge_count = STAGES - 1,
                                                          .level = TVN_OBSERVE_PRODUCTION,
                                                          .sample_every = 1u << 20,
                                                          .in_flight = 64,
                                                          .seed = 1};
    struct tvn_recorder *recorder = NULL;
    assert_status(tvn_recorder_create(&recorder_options, &recorder), TVN_OK);
    tvn_recorder_set_tracer(recorder, tracer);
    struct tvn_stage_stats stats = {0};
    tvn_recorder_set_stats(recorder, SOURCE, &stats);
    struct tvn_event_sink *sink = tvn_recorder_sink(recorder);
    const struct tvn_invoker_ops ops = {.invoke = pull_one};
    struct tvn_invoker invoker = {.ops = &ops};
    const struct tvn_watched watched = {
        .stage = SOURCE, .edge = TVN_EVENT_NOWHERE, .invoker = &invoker, .entry = TVN_ENTRY_PULL};
    struct tvn_element out = {0};
    struct tvn_call made = {.out = &out, .out_capacity = 1};
    assert_int_equal(sink->ops->call(sink, &watched, &made), TVN_OUTCOME_EMIT);
    assert_false(tvn_watch_pull(sink, tvn_watch_mask(sink), 1));
    const struct tvn_fault fault = {.text = "it broke"};
    const struct tvn_event event = {.kind = TVN_EVENT_FAULT,
                                    .stage = RELAY,
                                    .entry = TVN_ENTRY_PROCESS,
                                    .outcome = TVN_OUTCOME_ERROR,
                                    .sequence = 0,
                                    .fault = &fault};
    sink->ops->event(sink, &event);
    assert_true(tvn_watch_pull(sink, tvn_watch_mask(sink), 1));
    stop();
    tvn_recorder_destroy(recorder);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_tracer_sampled_element_is_a_tree_under_its_span),
    cmocka_unit_test(test_tracer_incoming_context_is_the_parent),
    cmocka_unit_test(test_tracer_details_are_spans_and_events),
    cmocka_unit_test(test_tracer_nothing_wrong_exports_only_the_flow),
    cmocka_unit_test(test_tracer_error_exports_the_ring_and_what_follows_until_calm),
    cmocka_unit_test(test_tracer_error_of_an_unwatched_call_has_no_times),
    cmocka_unit_test(test_tracer_repeated_call_is_one_element),
    cmocka_unit_test(test_tracer_errors_are_not_promoted_unless_wanted),
    cmocka_unit_test(test_tracer_slow_element_exports_the_ring_until_calm),
    cmocka_unit_test(test_tracer_promotion_is_bounded),
    cmocka_unit_test(test_tracer_flow_span_is_from_running_to_the_end),
    cmocka_unit_test(test_tracer_promoted_recorder_watches_the_next_pull),
    cmocka_unit_test(test_tracer_more_under_way_than_slots_gives_up_the_oldest),
};
TVN_TEST_MAIN("observability.tracer", tests)
