/* SPDX-License-Identifier: Apache-2.0 */
#include "types/event_sink.h"

#include "mock_invoker.h"
#include "tvn_test.h"

#define stat_of(field) tvn_stat_get(&(field))

#define MOCK_EDGES_TAPPED 4

static struct mock_flow mock;

/* Counts what it is told; marks pulled elements as a recorder would. */
static struct {
    struct tvn_event_sink sink;
    uint64_t calls[TVN_ENTRY_TEARDOWN + 1];
    uint64_t events[TVN_EVENT_KIND_COUNT];
    uint64_t stage_of_entry[TVN_ENTRY_TEARDOWN + 1];
    uint64_t spare_seen; /* calls whose input carried what was written before */
    uint64_t rows;       /* vectors that were watched as a whole */
    uint64_t row_calls;  /* of the one that goes on */
    uint32_t row_stage;
    uint64_t told_in_row;   /* calls that the invoker made in a row */
    uint64_t end_row_every; /* so many of them; 0: never */
    uint64_t sample_every;
    uint64_t throttled_ns;
    enum tvn_flow_state state;
    uint64_t tapped[MOCK_EDGES_TAPPED]; /* elements, by edge */
    uint64_t next_tapped[MOCK_EDGES_TAPPED];
    uint64_t tapped_bytes;
    uint64_t flip_every; /* shown elements; then nothing is shown for a while */
} seen;

static void note_call(const struct tvn_watched *watched, const struct tvn_element *in)
{
    seen.calls[watched->entry]++;
    seen.stage_of_entry[watched->entry] = watched->stage;
    if (watched->in) {
        assert_int_equal(watched->sequence, watched->in->sequence);
        assert_int_equal(watched->edge, watched->stage - 1);
        assert_ptr_equal(watched->in, in);
        seen.spare_seen += watched->in->spare == 1000 + watched->sequence ? 1 : 0;
    }
    if (watched->whole_vector) {
        assert_true(seen.row_calls == 0 || seen.row_stage == watched->stage);
        seen.row_stage = watched->stage;
        seen.row_calls++;
    }
}

static enum tvn_outcome see_call(struct tvn_event_sink *self, const struct tvn_watched *watched,
                                 struct tvn_call *call)
{
    note_call(watched, call->in);
    enum tvn_outcome outcome = tvn_invoke(watched->invoker, watched->entry, call);
    if (watched->entry == TVN_ENTRY_PULL) {
        self->sample_next = watched->sequence + seen.sample_every;
        call->out->spare = 1000 + watched->sequence;
        call->out->flags |= TVN_ELEMENT_WATCHED;
    }
    return outcome;
}

static bool see_row_begin(struct tvn_event_sink *self, const struct tvn_watched *watched)
{
    (void)self;
    assert_true(watched->whole_vector);
    return watched->sequence % 10 != 3; /* that one goes through `call` */
}

static bool see_row_called(struct tvn_event_sink *self, const struct tvn_watched *watched,
                           const struct tvn_call *call, enum tvn_outcome outcome)
{
    (void)self;
    note_call(watched, call->in);
    if (outcome == TVN_OUTCOME_EMIT && watched->entry == TVN_ENTRY_PULL) {
        call->out->spare = 1000 + watched->sequence;
    }
    seen.told_in_row++;
    return seen.end_row_every == 0 || seen.told_in_row % seen.end_row_every != 0;
}

static void see_vector_end(struct tvn_event_sink *self)
{
    (void)self;
    seen.rows += seen.row_calls > 0 ? 1 : 0;
    seen.row_calls = 0;
}

static void see_event(struct tvn_event_sink *self, const struct tvn_event *event)
{
    (void)self;
    seen.events[event->kind]++;
    if (event->kind == TVN_EVENT_STATE) {
        seen.state = event->state;
    } else if (event->kind == TVN_EVENT_RELIEVED) {
        seen.throttled_ns += event->duration_ns;
        assert_true(event->depth <= event->capacity / 2);
    } else if (event->kind == TVN_EVENT_THROTTLED) {
        assert_int_equal(event->depth, event->capacity);
    }
}

static void see_element(uint32_t edge, const struct tvn_element *element, const uint8_t *bytes,
                        uint32_t length)
{
    assert_true(element->sequence >= seen.next_tapped[edge]);
    seen.next_tapped[edge] = element->sequence + 1;
    seen.tapped[edge]++;
    seen.tapped_bytes += length;
    assert_true(bytes || length == 0);
}

/* In the order of the edge, none twice. */
static void see_tap(struct tvn_event_sink *self, const struct tvn_tapped *tapped)
{
    assert_true(tapped->edge < MOCK_EDGES_TAPPED && tapped->count > 0);
    for (uint32_t i = 0; i < tapped->count; i++) {
        const uint8_t *bytes;
        uint32_t length;
        const struct tvn_element *element = tapped->at(tapped, i, &bytes, &length);
        see_element(tapped->edge, element, bytes, length);
        if (seen.flip_every > 0 && seen.tapped[tapped->edge] % seen.flip_every == 0) {
            self->mask = 0;
        }
    }
}

static void start(const char *roles, uint32_t mask)
{
    static const struct tvn_event_sink_ops ops = {.call = see_call,
                                                  .row_begin = see_row_begin,
                                                  .row_called = see_row_called,
                                                  .vector_end = see_vector_end,
                                                  .event = see_event,
                                                  .tap = see_tap};
    memset(&seen, 0, sizeof(seen));
    seen.sink.ops = &ops;
    seen.sink.mask = mask;
    seen.sample_every = 1;
    mock_flow_init(&mock, roles);
    mock.options.events = &seen.sink;
}

static void test_watch_nothing_calls_no_sink(void **state)
{
    (void)state;
    start("spk", 0);
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 1000));
    for (size_t i = 0; i < TVN_ARRAY_LEN(seen.calls); i++) {
        assert_int_equal(seen.calls[i], 0);
    }
    assert_int_equal(seen.events[TVN_EVENT_STATE], 0);
    assert_int_equal(stat_of(mock.stats.delivered), 64);
    mock_flow_deinit(&mock);
}

static void test_watch_calls_sees_every_invocation(void **state)
{
    (void)state;
    start("spfk", TVN_WATCH_CALLS | TVN_WATCH_EVENTS);
    for (uint32_t i = 0; i < 4; i++) {
        mock.stages[i].entries = MOCK_ENTRY(TVN_ENTRY_INIT) | MOCK_ENTRY(TVN_ENTRY_TEARDOWN) |
                                 MOCK_ENTRY(TVN_ENTRY_COMPLETE);
    }
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 1000));
    assert_int_equal(seen.calls[TVN_ENTRY_PULL], 65); /* the last one ends */
    assert_int_equal(seen.calls[TVN_ENTRY_PROCESS], 64);
    assert_int_equal(seen.calls[TVN_ENTRY_EVALUATE], 64);
    assert_int_equal(seen.calls[TVN_ENTRY_PUSH], 64);
    assert_int_equal(seen.calls[TVN_ENTRY_INIT], 4);
    assert_int_equal(seen.calls[TVN_ENTRY_TEARDOWN], 4);
    assert_int_equal(seen.calls[TVN_ENTRY_COMPLETE], 1);
    assert_int_equal(seen.stage_of_entry[TVN_ENTRY_EVALUATE], 2);
    assert_int_equal(seen.spare_seen, 3 * 64); /* it travels with the element */
    uint64_t invocations = 0;
    uint64_t calls = 0;
    uint64_t vectors = 0;
    for (uint32_t i = 0; i < 4; i++) {
        invocations += stat_of(mock.stages[i].stats.invocations);
        vectors += stat_of(mock.stages[i].stats.vectors);
    }
    assert_int_equal(seen.rows, vectors);
    assert_int_equal(seen.row_calls, 0);
    for (size_t i = 0; i < TVN_ARRAY_LEN(seen.calls); i++) {
        calls += seen.calls[i];
    }
    assert_int_equal(calls, invocations);
    assert_int_equal(seen.state, TVN_FLOW_COMPLETED);
    mock_flow_deinit(&mock);
}

static bool fail_every_fifth(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                             enum tvn_outcome *out_outcome)
{
    if (entry != TVN_ENTRY_PUSH || self->calls[entry] % 5 != 0) {
        return false;
    }
    *call->fault = (struct tvn_fault){.error = TVN_PROCESS_INTERNAL, .text = "because"};
    *out_outcome = TVN_OUTCOME_ERROR;
    return true;
}

static void check_rows(uint32_t mask, bool invokers_loop, uint64_t end_row_every)
{
    start("spfk", mask);
    seen.end_row_every = end_row_every;
    seen.sample_every = 4;
    for (uint32_t i = 0; i < 4 && invokers_loop; i++) {
        mock_invoker_takes_rows(&mock.stages[i]);
    }
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 1000));
    assert_int_equal(stat_of(mock.stats.delivered), 64);
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(mock.stages[i].rows > 0 || !invokers_loop);
        assert_int_equal(stat_of(mock.stages[i].stats.invocations), i == 0 ? 65 : 64);
    }
    assert_int_equal(seen.row_calls, 0);
}

static void test_watch_calls_sees_those_in_rows(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 10; i++) {
        check_rows(TVN_WATCH_CALLS, i < 5, i % 5); /* else the reactor loops */
        assert_int_equal(seen.calls[TVN_ENTRY_PULL], 65);
        assert_int_equal(seen.calls[TVN_ENTRY_PROCESS], 64);
        assert_int_equal(seen.calls[TVN_ENTRY_EVALUATE], 64);
        assert_int_equal(seen.calls[TVN_ENTRY_PUSH], 64);
        assert_int_equal(seen.spare_seen, 3 * 64);
        assert_true(seen.told_in_row > 100 && seen.told_in_row <= 257);
        mock_flow_deinit(&mock);
    }
    check_rows(TVN_WATCH_SAMPLED, true, 0);
    assert_int_equal(seen.calls[TVN_ENTRY_PROCESS], 16);
    assert_int_equal(seen.told_in_row, 0);
    mock_flow_deinit(&mock);
}

/* An error ends the row; the stage goes on with another one. */
static void test_watch_calls_sees_errors_in_rows(void **state)
{
    (void)state;
    start("sk", TVN_WATCH_CALLS | TVN_WATCH_EVENTS);
    mock_invoker_takes_rows(&mock.stages[1]);
    mock.stages[1].script = fail_every_fifth;
    mock.stage_options[1].on_error = TVN_ON_ERROR_SKIP;
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 1000));
    assert_int_equal(seen.calls[TVN_ENTRY_PUSH], 64);
    assert_int_equal(seen.events[TVN_EVENT_FAULT], 12);
    assert_int_equal(stat_of(mock.stats.delivered), 52);
    mock_flow_deinit(&mock);
}

static void test_watch_sampled_sees_the_chosen_elements_everywhere(void **state)
{
    (void)state;
    start("spk", TVN_WATCH_SAMPLED);
    seen.sample_every = 10;
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 1000));
    assert_int_equal(seen.calls[TVN_ENTRY_PULL], 7); /* 0, 10, … 60 */
    assert_int_equal(seen.calls[TVN_ENTRY_PROCESS], 7);
    assert_int_equal(seen.calls[TVN_ENTRY_PUSH], 7);
    assert_int_equal(seen.rows + seen.row_calls,
                     0); /* between them are calls that it does not see */
    assert_int_equal(stat_of(mock.stats.delivered), 64);
    mock_flow_deinit(&mock);
}

static void test_watch_events_tell_throttling_as_counted(void **state)
{
    (void)state;
    start("sk", TVN_WATCH_EVENTS);
    mock.edge_options[0].queue_depth = 4;
    mock.stages[0].count = 40;
    mock.stages[1].cost_ns = 1000;
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 1000));
    assert_true(seen.events[TVN_EVENT_THROTTLED] > 0);
    assert_int_equal(seen.events[TVN_EVENT_THROTTLED],
                     stat_of(mock.streams[0].backpressure_events));
    assert_int_equal(seen.events[TVN_EVENT_RELIEVED], seen.events[TVN_EVENT_THROTTLED]);
    assert_int_equal(seen.throttled_ns, stat_of(mock.streams[0].backpressure_ns));
    mock_flow_deinit(&mock);
}

static void test_watch_events_tell_each_evicted_element(void **state)
{
    (void)state;
    static const enum tvn_overflow_policy policies[] = {TVN_OVERFLOW_DROP_OLDEST,
                                                        TVN_OVERFLOW_DROP_NEWEST};
    for (size_t i = 0; i < TVN_ARRAY_LEN(policies); i++) {
        start("sk", TVN_WATCH_EVENTS);
        mock.edge_options[0].queue_depth = 4;
        mock.edge_options[0].policy = policies[i];
        mock_flow_start(&mock);
        assert_true(mock_flow_finish(&mock, 1000));
        assert_true(stat_of(mock.stats.dropped) > 0);
        assert_int_equal(seen.events[TVN_EVENT_EVICTED], stat_of(mock.stats.dropped));
        mock_flow_deinit(&mock);
    }
}

static bool die_at_third(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                         enum tvn_outcome *out_outcome)
{
    if (entry != TVN_ENTRY_PUSH || self->calls[entry] != 3) {
        return false;
    }
    *call->fault = (struct tvn_fault){.error = TVN_PROCESS_FATAL, .text = "because"};
    *out_outcome = TVN_OUTCOME_ERROR;
    return true;
}

static void test_watch_events_tell_fault_and_what_is_discarded(void **state)
{
    (void)state;
    start("sk", TVN_WATCH_EVENTS);
    mock.stages[1].script = die_at_third;
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 1000));
    assert_int_equal(seen.events[TVN_EVENT_FAULT], 1);
    assert_int_equal(seen.events[TVN_EVENT_DISCARDED] + 1, stat_of(mock.stats.failed));
    assert_int_equal(seen.state, TVN_FLOW_FAILED);
    mock_flow_deinit(&mock);
}

static void test_watch_taps_show_each_element_of_each_edge_once(void **state)
{
    (void)state;
    start("spk", TVN_WATCH_TAPS);
    mock.stages[0].payload_bytes = 16;
    mock.stages[1].payload_bytes = 8;
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 1000));
    assert_int_equal(seen.tapped[0], 64);
    assert_int_equal(seen.tapped[1], 64);
    assert_int_equal(seen.tapped_bytes, 64 * (16 + 8));
    assert_int_equal(seen.calls[TVN_ENTRY_PROCESS], 0);
    mock_flow_deinit(&mock);
}

static bool pause_every_third(struct mock_invoker *self, enum tvn_entry entry,
                              struct tvn_call *call, enum tvn_outcome *out_outcome)
{
    (void)call;
    if (entry != TVN_ENTRY_PUSH || self->calls[entry] % 3 != 0) {
        return false;
    }
    *out_outcome = TVN_OUTCOME_WAIT;
    return true;
}

static void test_watch_taps_show_no_element_twice_that_is_offered_again(void **state)
{
    (void)state;
    start("sk", TVN_WATCH_TAPS);
    mock.stages[1].script = pause_every_third;
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 1000));
    assert_int_equal(seen.tapped[0], 64);
    assert_int_equal(stat_of(mock.stats.delivered), 64);
    mock_flow_deinit(&mock);
}

static void test_watch_taps_follow_fan_out_fan_in_and_evictions(void **state)
{
    (void)state;
    start("sk", TVN_WATCH_TAPS);
    mock_flow_deinit(&mock);
    mock_flow_init_graph(&mock, "sppk", "0-1 0-2 1-3 2-3");
    mock.options.events = &seen.sink;
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 1000));
    for (uint32_t i = 0; i < MOCK_EDGES_TAPPED; i++) {
        assert_int_equal(seen.tapped[i], stat_of(mock.streams[i].transferred));
    }
    mock_flow_deinit(&mock);
    start("sk", TVN_WATCH_TAPS);
    mock.edge_options[0].queue_depth = 4;
    mock.edge_options[0].policy = TVN_OVERFLOW_DROP_OLDEST;
    mock.stages[1].cost_ns = 30000; /* a turn is over before the queue is empty */
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 1000));
    assert_true(seen.tapped[0] >= stat_of(mock.streams[0].transferred));
    assert_true(seen.tapped[0] <= 64);
    mock_flow_deinit(&mock);
}

static void test_watch_taps_may_come_and_go(void **state)
{
    (void)state;
    start("sk", TVN_WATCH_TAPS);
    seen.flip_every = 5;
    mock.edge_options[0].queue_depth = 8;
    mock.stages[1].cost_ns = 30000;
    mock_flow_start(&mock);
    for (uint32_t i = 0; i < 1000 && mock_flow_turn(&mock) != TVN_FLOW_DONE; i++) {
        seen.sink.mask = i % 3 == 0 ? TVN_WATCH_TAPS : seen.sink.mask;
    }
    assert_int_equal(stat_of(mock.stats.delivered), 64);
    assert_true(seen.tapped[0] > 0);
    mock_flow_deinit(&mock);
}

/* Elements come every 5 µs and no earlier. */
static bool due_every_5us(struct mock_invoker *self, enum tvn_entry entry, struct tvn_call *call,
                          enum tvn_outcome *out_outcome)
{
    uint64_t due_ns = 1000000 + self->made * 5000;
    if (entry != TVN_ENTRY_PULL || self->world->now_ns >= due_ns) {
        return false;
    }
    call->wake_ns = due_ns;
    *out_outcome = TVN_OUTCOME_WAIT;
    return true;
}

static void test_wait_with_a_time_is_woken_at_it_and_counted_as_idle(void **state)
{
    (void)state;
    start("sk", 0);
    mock.world.now_ns = 1000000;
    mock.stages[0].count = 10;
    mock.stages[0].script = due_every_5us;
    mock_flow_start(&mock);
    assert_true(mock_flow_finish(&mock, 1000));
    assert_int_equal(stat_of(mock.stats.delivered), 10);
    assert_int_equal(stat_of(mock.stats.wakeups), 10); /* nine elements and the end */
    assert_int_equal(stat_of(mock.stats.idle_ns), 10 * 5000);
    assert_int_equal(mock.world.now_ns, 1000000 + 10 * 5000);
    assert_int_equal(stat_of(mock.stages[1].stats.vectors), 10);
    mock_flow_deinit(&mock);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_watch_nothing_calls_no_sink),
    cmocka_unit_test(test_watch_calls_sees_every_invocation),
    cmocka_unit_test(test_watch_calls_sees_those_in_rows),
    cmocka_unit_test(test_watch_calls_sees_errors_in_rows),
    cmocka_unit_test(test_watch_sampled_sees_the_chosen_elements_everywhere),
    cmocka_unit_test(test_watch_events_tell_throttling_as_counted),
    cmocka_unit_test(test_watch_events_tell_each_evicted_element),
    cmocka_unit_test(test_watch_events_tell_fault_and_what_is_discarded),
    cmocka_unit_test(test_watch_taps_show_each_element_of_each_edge_once),
    cmocka_unit_test(test_watch_taps_show_no_element_twice_that_is_offered_again),
    cmocka_unit_test(test_watch_taps_follow_fan_out_fan_in_and_evictions),
    cmocka_unit_test(test_watch_taps_may_come_and_go),
    cmocka_unit_test(test_wait_with_a_time_is_woken_at_it_and_counted_as_idle),
};
TVN_TEST_MAIN("reactor.watch", tests)
