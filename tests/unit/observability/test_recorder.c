/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "observability/call_log.h"
#include "observability/recorder.h"

#include "tvn_test.h"

enum { SOURCE, SINK, STAGES };

/* A flow of two stages, run by hand as the reactor would. */
struct rig {
    struct tvn_recorder *recorder;
    struct tvn_event_sink *sink;
    struct tvn_invoker invoker;
    struct tvn_stage_stats stats[STAGES];
    enum tvn_outcome outcome; /* of the next call */
    uint64_t copies;          /* made by each call, of 10 bytes */
    uint32_t stage;
    bool whole; /* the calls are those of vectors that are watched as a whole */
    bool rows;  /* and the invoker makes as many as it may in a row */
    bool in_row;
    unsigned row_calls;
    unsigned pulls; /* that reached the source */
    unsigned refreshes;
    uint64_t wake_ns; /* of the last one */
    /* what the listener heard */
    unsigned calls;
    unsigned events;
    struct tvn_call_record last;
    unsigned marks;
    unsigned refusals; /* of marks to come */
    bool reset_at_mark;
};

static enum tvn_outcome answer(struct tvn_invoker *self, enum tvn_entry entry,
                               struct tvn_call *call)
{
    struct rig *rig = TVN_CONTAINER_OF(self, struct rig, invoker);
    for (uint64_t i = 0; i < rig->copies; i++) {
        tvn_copy_record(&rig->stats[rig->stage].copies, TVN_COPY_PAYLOAD_READ, 10);
    }
    rig->pulls += entry == TVN_ENTRY_PULL ? 1 : 0;
    if (entry == TVN_ENTRY_PULL && rig->outcome == TVN_OUTCOME_EMIT) {
        call->out_count = 1;
    }
    return rig->outcome;
}

static void refresh(struct tvn_invoker *self)
{
    TVN_CONTAINER_OF(self, struct rig, invoker)->refreshes++;
}

static void heard_call(void *context, const struct tvn_call_record *record)
{
    struct rig *rig = context;
    rig->calls++;
    rig->last = *record;
}

static void heard_event(void *context, const struct tvn_event *event)
{
    (void)event;
    ((struct rig *)context)->events++;
}

static bool marked(void *context, uint64_t sequence)
{
    (void)sequence;
    struct rig *rig = context;
    if (rig->refusals > 0) {
        rig->refusals--;
        return false;
    }
    rig->marks++;
    if (rig->reset_at_mark) {
        tvn_recorder_reset(rig->recorder);
    }
    return true;
}

static void rig_init(struct rig *rig, enum tvn_observe_level level, uint32_t sample_every)
{
    static const struct tvn_invoker_ops ops = {.invoke = answer, .refresh = refresh};
    *rig = (struct rig){.invoker = {.ops = &ops}, .outcome = TVN_OUTCOME_EMIT};
    const struct tvn_recorder_options options = {
        .stage_count = STAGES,
        .edge_count = 2,
        .level = level,
        .sample_every = sample_every,
        .in_flight = 64,
        .seed = 1,
    };
    assert_status(tvn_recorder_create(&options, &rig->recorder), TVN_OK);
    tvn_recorder_set_stats(rig->recorder, SOURCE, &rig->stats[SOURCE]);
    tvn_recorder_set_stats(rig->recorder, SINK, &rig->stats[SINK]);
    rig->sink = tvn_recorder_sink(rig->recorder);
    tvn_recorder_on_mark(rig->recorder, marked, rig);
}

static void listen(struct rig *rig)
{
    const struct tvn_recorder_listener listener = {heard_call, heard_event, rig};
    tvn_recorder_listen(rig->recorder, &listener);
}

/* As the reactor makes a watched call. */
static void make_call(struct rig *rig, const struct tvn_watched *watched, struct tvn_call *call)
{
    const struct tvn_event_sink_ops *ops = rig->sink->ops;
    if (rig->rows && !rig->in_row) {
        rig->in_row = ops->row_begin(rig->sink, watched);
    }
    if (!rig->in_row) {
        (void)ops->call(rig->sink, watched, call);
        return;
    }
    enum tvn_outcome outcome = tvn_invoke(watched->invoker, watched->entry, call);
    rig->in_row = ops->row_called(rig->sink, watched, call, outcome);
    rig->row_calls++;
}

static bool pull(struct rig *rig, uint64_t sequence, struct tvn_element *out)
{
    *out = (struct tvn_element){0};
    struct tvn_call call = {.out = out, .out_capacity = 1};
    uint32_t mask = tvn_watch_mask(rig->sink);
    bool is_watched = tvn_watch_pull(rig->sink, mask, sequence);
    const struct tvn_watched watched = {.stage = SOURCE,
                                        .edge = TVN_EVENT_NOWHERE,
                                        .invoker = &rig->invoker,
                                        .entry = TVN_ENTRY_PULL,
                                        .sequence = sequence,
                                        .whole_vector = rig->whole};
    rig->stage = SOURCE;
    if (is_watched) {
        make_call(rig, &watched, &call);
    } else {
        (void)tvn_invoke(&rig->invoker, TVN_ENTRY_PULL, &call);
    }
    out->sequence = sequence;
    rig->wake_ns = call.wake_ns;
    return is_watched;
}

static bool push_from(struct rig *rig, uint32_t edge, struct tvn_element *in)
{
    struct tvn_call call = {.in = in};
    bool is_watched = tvn_watch_element(tvn_watch_mask(rig->sink), in->flags);
    const struct tvn_watched watched = {.stage = SINK,
                                        .edge = edge,
                                        .invoker = &rig->invoker,
                                        .entry = TVN_ENTRY_PUSH,
                                        .sequence = in->sequence,
                                        .in = in,
                                        .whole_vector = rig->whole};
    rig->stage = SINK;
    if (is_watched) {
        make_call(rig, &watched, &call);
    }
    return is_watched;
}

static bool push(struct rig *rig, struct tvn_element *in)
{
    return push_from(rig, 0, in);
}

static void end_vector(struct rig *rig)
{
    rig->in_row = false;
    rig->sink->ops->vector_end(rig->sink);
}

static uint64_t latencies(const struct rig *rig)
{
    return tvn_histogram_count(tvn_recorder_latency(rig->recorder));
}

static uint64_t processed(const struct rig *rig, uint32_t stage)
{
    return tvn_histogram_count(tvn_recorder_processing(rig->recorder, stage));
}

static uint64_t waited(const struct rig *rig, uint32_t edge)
{
    return tvn_histogram_count(tvn_recorder_waiting(rig->recorder, edge));
}

static void test_recorder_off_watches_nothing(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, TVN_OBSERVE_OFF, 1);
    struct tvn_element element;
    assert_false(pull(&rig, 0, &element));
    assert_false(push(&rig, &element));
    tvn_event_tell(rig.sink, &(struct tvn_event){.kind = TVN_EVENT_STATE});
    assert_int_equal(latencies(&rig), 0);
    assert_int_equal(element.flags, 0);
    tvn_recorder_destroy(rig.recorder);
}

static void test_recorder_diagnostic_times_every_call(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, TVN_OBSERVE_DIAGNOSTIC, 64);
    struct tvn_element element;
    for (uint64_t i = 0; i < 100; i++) {
        assert_true(pull(&rig, i, &element));
        assert_true(push(&rig, &element));
    }
    assert_int_equal(latencies(&rig), 100);
    assert_int_equal(tvn_histogram_count(tvn_recorder_processing(rig.recorder, SOURCE)), 100);
    assert_int_equal(tvn_histogram_count(tvn_recorder_processing(rig.recorder, SINK)), 100);
    assert_int_equal(tvn_histogram_count(tvn_recorder_waiting(rig.recorder, 0)), 100);
    tvn_recorder_destroy(rig.recorder);
}

static void test_recorder_production_times_one_of_many_at_random_distances(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, TVN_OBSERVE_PRODUCTION, 16);
    struct tvn_element element;
    uint64_t watched = 0;
    uint64_t by_residue[16] = {0};
    for (uint64_t i = 0; i < 160000; i++) {
        if (pull(&rig, i, &element)) {
            watched++;
            by_residue[i % 16]++;
        }
        assert_int_equal(push(&rig, &element), (element.flags & TVN_ELEMENT_WATCHED) != 0);
    }
    assert_in_range(watched, 9500, 10500);
    for (size_t i = 0; i < TVN_ARRAY_LEN(by_residue); i++) {
        assert_in_range(by_residue[i], 500, 750); /* no position is preferred */
    }
    assert_int_equal(latencies(&rig), watched);
    tvn_recorder_destroy(rig.recorder);
}

static void test_recorder_level_changes_while_elements_are_under_way(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, TVN_OBSERVE_OFF, 1);
    struct tvn_element early;
    struct tvn_element late;
    assert_false(pull(&rig, 0, &early));
    tvn_recorder_set_level(rig.recorder, TVN_OBSERVE_DIAGNOSTIC);
    assert_int_equal(tvn_recorder_level(rig.recorder), TVN_OBSERVE_DIAGNOSTIC);
    assert_true(push(&rig, &early)); /* timed, but nobody knows when it began */
    assert_int_equal(latencies(&rig), 0);
    assert_int_equal(tvn_histogram_count(tvn_recorder_waiting(rig.recorder, 0)), 0);
    assert_int_equal(tvn_histogram_count(tvn_recorder_processing(rig.recorder, SINK)), 1);

    assert_true(pull(&rig, 1, &late));
    tvn_recorder_set_level(rig.recorder, TVN_OBSERVE_OFF);
    assert_false(push(&rig, &late));
    assert_int_equal(latencies(&rig), 0);
    tvn_recorder_destroy(rig.recorder);
}

/* One in a thousand seconds: the first one is due at once, the second one not. While the source was
 * away for longer than that, elements were due, and their latency says so. */
static void test_recorder_paced_source_waits_and_latency_counts_from_when_due(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, TVN_OBSERVE_DIAGNOSTIC, 1);
    tvn_recorder_pace(rig.recorder, 0.001);
    struct tvn_element element;
    assert_true(pull(&rig, 0, &element));
    assert_int_equal(rig.pulls, 1);
    assert_true(pull(&rig, 1, &element));
    assert_int_equal(rig.pulls, 1); /* not asked: 1000 s too early */
    assert_true(rig.wake_ns > tvn_clock_monotonic_ns() + UINT64_C(900000000000));

    tvn_recorder_pace(rig.recorder, 1e9); /* now it is far behind */
    uint64_t begin = tvn_ticks_now();
    while (tvn_ticks_to_ns(tvn_ticks_now() - begin) < 1000000) {
    }
    assert_true(pull(&rig, 1, &element));
    assert_int_equal(rig.pulls, 2);
    assert_true(push(&rig, &element));
    assert_true(tvn_histogram_min(tvn_recorder_latency(rig.recorder)) >= 999000);
    tvn_recorder_destroy(rig.recorder);
}

static void test_recorder_forgets_the_start_of_what_is_too_old(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, TVN_OBSERVE_DIAGNOSTIC, 1);
    struct tvn_element oldest;
    struct tvn_element element;
    assert_true(pull(&rig, 0, &oldest));
    for (uint64_t i = 1; i <= 64; i++) {
        assert_true(pull(&rig, i, &element));
    }
    assert_true(push(&rig, &oldest));
    assert_int_equal(latencies(&rig), 0);
    assert_true(push(&rig, &element));
    assert_int_equal(latencies(&rig), 1);
    tvn_recorder_destroy(rig.recorder);
}

static void test_recorder_leaves_out_calls_without_element(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, TVN_OBSERVE_DIAGNOSTIC, 1);
    struct tvn_element element;
    rig.outcome = TVN_OUTCOME_WAIT;
    assert_true(pull(&rig, 0, &element));
    rig.outcome = TVN_OUTCOME_END;
    assert_true(pull(&rig, 0, &element));
    assert_int_equal(tvn_histogram_count(tvn_recorder_processing(rig.recorder, SOURCE)), 0);
    rig.outcome = TVN_OUTCOME_ERROR;
    assert_true(pull(&rig, 0, &element));
    assert_int_equal(tvn_histogram_count(tvn_recorder_processing(rig.recorder, SOURCE)), 1);
    tvn_recorder_destroy(rig.recorder);
}

static void test_recorder_tells_listeners_calls_with_their_copies(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, TVN_OBSERVE_DIAGNOSTIC, 1);
    listen(&rig);
    rig.copies = 2;
    struct tvn_element element;
    assert_true(pull(&rig, 0, &element));
    assert_true(push(&rig, &element));
    assert_int_equal(rig.calls, 2);
    assert_int_equal(rig.last.copies[TVN_COPY_PAYLOAD_READ], 2);
    assert_int_equal(rig.last.copy_bytes[TVN_COPY_PAYLOAD_READ], 20);
    assert_int_equal(rig.last.copies[TVN_COPY_PAYLOAD_WRITE], 0);
    assert_int_equal(rig.last.latency_ns, tvn_histogram_max(tvn_recorder_latency(rig.recorder)));
    tvn_event_tell(rig.sink, &(struct tvn_event){.kind = TVN_EVENT_THROTTLED});
    assert_int_equal(rig.events, 1);
    tvn_recorder_destroy(rig.recorder);
}

static void test_recorder_mark_at_a_sequence_comes_before_its_pull(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, TVN_OBSERVE_PRODUCTION, 1000);
    tvn_recorder_mark_at(rig.recorder, 10);
    struct tvn_element element;
    for (uint64_t i = 0; i < 10; i++) {
        (void)pull(&rig, i, &element);
        assert_int_equal(rig.marks, 0);
    }
    assert_true(pull(&rig, 10, &element));
    assert_int_equal(rig.marks, 1);
    (void)pull(&rig, 11, &element);
    assert_int_equal(rig.marks, 1);
    tvn_recorder_destroy(rig.recorder);
}

static void test_recorder_mark_that_is_not_yet_holds_the_sources(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, TVN_OBSERVE_PRODUCTION, 1000);
    tvn_recorder_mark_at(rig.recorder, 0);
    rig.refusals = 2;
    struct tvn_element element;
    assert_true(pull(&rig, 0, &element));
    assert_true(pull(&rig, 0, &element)); /* of another source, perhaps */
    assert_int_equal(rig.pulls, 0);
    assert_int_equal(rig.marks, 0);
    assert_true(rig.wake_ns > 0);
    assert_true(pull(&rig, 0, &element));
    assert_int_equal(rig.pulls, 1);
    assert_int_equal(rig.marks, 1);
    tvn_recorder_destroy(rig.recorder);
}

static void test_recorder_reset_at_a_mark_leaves_out_what_came_before(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, TVN_OBSERVE_DIAGNOSTIC, 1);
    rig.reset_at_mark = true;
    struct tvn_element before;
    struct tvn_element after;
    assert_true(pull(&rig, 0, &before));
    tvn_recorder_request_mark(rig.recorder);
    assert_true(pull(&rig, 1, &after));
    assert_int_equal(rig.marks, 1);
    assert_true(push(&rig, &before));
    assert_int_equal(latencies(&rig), 0);
    assert_int_equal(tvn_histogram_count(tvn_recorder_waiting(rig.recorder, 0)), 0);
    assert_true(push(&rig, &after));
    assert_int_equal(latencies(&rig), 1);
    assert_int_equal(tvn_histogram_count(tvn_recorder_processing(rig.recorder, SOURCE)), 1);
    tvn_recorder_destroy(rig.recorder);
}

/* ---- vectors that are watched as a whole ---- */

static void check_vector_times_every_call(bool rows)
{
    enum { COUNT = 3 * TVN_CALL_LOG_MAX + 5 };
    struct rig rig;
    rig_init(&rig, TVN_OBSERVE_DIAGNOSTIC, 64);
    rig.whole = true;
    rig.rows = rows;
    struct tvn_element elements[16];
    for (uint64_t i = 0; i < COUNT; i++) { /* more than one log holds */
        assert_true(pull(&rig, i, &elements[0]));
    }
    end_vector(&rig);
    assert_int_equal(processed(&rig, SOURCE), COUNT);
    for (uint64_t i = 0; i < 16; i++) {
        assert_true(pull(&rig, COUNT + i, &elements[i]));
        assert_int_equal(elements[i].flags, TVN_ELEMENT_WATCHED);
    }
    end_vector(&rig);
    for (uint64_t i = 0; i < 16; i++) { /* from two queues in turn */
        assert_true(push_from(&rig, i % 4 == 0 ? 1 : 0, &elements[i]));
    }
    end_vector(&rig);
    end_vector(&rig);
    assert_int_equal(processed(&rig, SOURCE), COUNT + 16);
    assert_int_equal(processed(&rig, SINK), 16);
    assert_int_equal(waited(&rig, 0), 12);
    assert_int_equal(waited(&rig, 1), 4);
    assert_int_equal(latencies(&rig), 16);
    assert_true(rig.refreshes > 0 && rig.refreshes < 16);
    assert_int_equal(rig.row_calls, rows ? COUNT + 32 : 0);
    tvn_recorder_destroy(rig.recorder);
}

/* Nothing lies between two calls of a row: their times add up to the whole. */
static void check_vector_has_no_gaps(bool rows)
{
    struct rig rig;
    rig_init(&rig, TVN_OBSERVE_DIAGNOSTIC, 64);
    rig.whole = true;
    rig.rows = rows;
    struct tvn_element elements[16];
    for (uint64_t i = 0; i < 16; i++) {
        assert_true(pull(&rig, i, &elements[i]));
    }
    end_vector(&rig);
    uint64_t since_ticks = elements[0].spare;
    for (uint64_t i = 0; i < 16; i++) {
        elements[i].spare = since_ticks; /* all were put into the queue at once */
        assert_true(push(&rig, &elements[i]));
    }
    end_vector(&rig);
    uint64_t whole_ns = tvn_ticks_to_ns(elements[15].spare - since_ticks);
    uint64_t parts_ns = tvn_histogram_min(tvn_recorder_waiting(rig.recorder, 0)) +
                        tvn_histogram_sum(tvn_recorder_processing(rig.recorder, SINK));
    assert_in_range(parts_ns, whole_ns - 17, whole_ns); /* each of 17 parts is rounded down */
    tvn_recorder_destroy(rig.recorder);
}

static void check_vector_leaves_out_what_took_no_element(bool rows)
{
    static const enum tvn_outcome ends[] = {TVN_OUTCOME_WAIT, TVN_OUTCOME_END, TVN_OUTCOME_ERROR,
                                            TVN_OUTCOME_DEAD};
    for (size_t i = 0; i < TVN_ARRAY_LEN(ends); i++) {
        struct rig rig;
        rig_init(&rig, TVN_OBSERVE_DIAGNOSTIC, 64);
        rig.whole = true;
        rig.rows = rows;
        struct tvn_element element;
        assert_true(pull(&rig, 0, &element));
        rig.outcome = ends[i];
        struct tvn_element none;
        assert_true(pull(&rig, 1, &none));
        assert_int_equal(none.flags, 0);
        bool is_timed = ends[i] == TVN_OUTCOME_ERROR || ends[i] == TVN_OUTCOME_DEAD;
        assert_int_equal(processed(&rig, SOURCE), is_timed ? 2 : 1); /* at once */
        end_vector(&rig);
        assert_true(push(&rig, &element)); /* which is not accepted */
        end_vector(&rig);
        assert_int_equal(latencies(&rig), 0);
        assert_int_equal(waited(&rig, 0), 1);
        assert_int_equal(processed(&rig, SINK), is_timed ? 1 : 0);
        tvn_recorder_destroy(rig.recorder);
    }
}

static void check_vector_fills_the_ledger(bool rows)
{
    struct rig rig;
    rig_init(&rig, TVN_OBSERVE_DIAGNOSTIC, 64);
    rig.whole = true;
    rig.rows = rows;
    struct tvn_element elements[8];
    for (uint64_t i = 0; i < 8; i++) {
        rig.copies = i; /* the first one none */
        assert_true(pull(&rig, i, &elements[i]));
    }
    end_vector(&rig);
    const struct tvn_call_log *ledger = tvn_recorder_copies(rig.recorder);
    assert_int_equal(tvn_copy_ledger_count(ledger), 7);
    rig.copies = 3;
    elements[0].payload.raw = 77;
    assert_true(push(&rig, &elements[0]));
    end_vector(&rig);
    struct tvn_copy_record records[9];
    assert_int_equal(tvn_copy_ledger_read(ledger, 0, 9, records), 8);
    for (uint64_t i = 0; i < 7; i++) {
        assert_int_equal(records[i].sequence, i + 1);
        assert_int_equal(records[i].copies, i + 1);
        assert_int_equal(records[i].bytes, 10 * (i + 1));
        assert_int_equal(records[i].stage, SOURCE);
    }
    assert_int_equal(records[7].resource, 77);
    assert_int_equal(records[7].copies, 3);
    assert_int_equal(records[7].stage, SINK);
    tvn_recorder_destroy(rig.recorder);
}

static void check_vector_may_be_broken_by_level_mark_and_other_calls(bool rows)
{
    struct rig rig;
    rig_init(&rig, TVN_OBSERVE_DIAGNOSTIC, 1);
    rig.whole = true;
    rig.rows = rows;
    struct tvn_element element;
    assert_true(pull(&rig, 0, &element));
    tvn_recorder_set_level(rig.recorder, TVN_OBSERVE_PRODUCTION); /* within the vector */
    assert_true(pull(&rig, 1, &element));
    assert_int_equal(processed(&rig, SOURCE), rows ? 0 : 2);
    if (rows) {
        end_vector(&rig); /* a row goes on as it was begun */
    }
    assert_int_equal(processed(&rig, SOURCE), 2);
    tvn_recorder_set_level(rig.recorder, TVN_OBSERVE_DIAGNOSTIC);
    assert_true(pull(&rig, 2, &element));
    rig.reset_at_mark = true;
    tvn_recorder_request_mark(rig.recorder);
    assert_true(pull(&rig, 3, &element));
    assert_int_equal(rig.marks, rows ? 0 : 1); /* it ends the row */
    assert_true(pull(&rig, 4, &element));
    assert_int_equal(rig.marks, 1);
    rig.whole = false;
    rig.rows = false;
    rig.in_row = false;
    assert_true(pull(&rig, 5, &element));
    assert_int_equal(processed(&rig, SOURCE), rows ? 2 : 3);
    end_vector(&rig);
    assert_int_equal(processed(&rig, SOURCE), rows ? 2 : 3);
    tvn_recorder_destroy(rig.recorder);
}

static void check_vector_tells_listeners_at_once(bool rows)
{
    struct rig rig;
    rig_init(&rig, TVN_OBSERVE_DIAGNOSTIC, 1);
    listen(&rig);
    rig.whole = true;
    rig.rows = rows;
    rig.copies = 2;
    struct tvn_element element;
    assert_true(pull(&rig, 0, &element));
    assert_int_equal(rig.calls, 1);
    assert_int_equal(rig.last.copies[TVN_COPY_PAYLOAD_READ], 2);
    assert_int_equal(processed(&rig, SOURCE), 1);
    end_vector(&rig);
    assert_int_equal(processed(&rig, SOURCE), 1);
    tvn_recorder_destroy(rig.recorder);
}

static void test_recorder_vector_times_every_call(void **state)
{
    (void)state;
    check_vector_times_every_call(false);
    check_vector_times_every_call(true);
}

static void test_recorder_vector_has_no_gaps(void **state)
{
    (void)state;
    check_vector_has_no_gaps(false);
    check_vector_has_no_gaps(true);
}

static void test_recorder_vector_leaves_out_what_took_no_element(void **state)
{
    (void)state;
    check_vector_leaves_out_what_took_no_element(false);
    check_vector_leaves_out_what_took_no_element(true);
}

static void test_recorder_vector_fills_the_ledger(void **state)
{
    (void)state;
    check_vector_fills_the_ledger(false);
    check_vector_fills_the_ledger(true);
}

static void test_recorder_vector_may_be_broken_by_level_mark_and_other_calls(void **state)
{
    (void)state;
    check_vector_may_be_broken_by_level_mark_and_other_calls(false);
    check_vector_may_be_broken_by_level_mark_and_other_calls(true);
}

static void test_recorder_vector_tells_listeners_at_once(void **state)
{
    (void)state;
    check_vector_tells_listeners_at_once(false);
    check_vector_tells_listeners_at_once(true);
}

static void test_recorder_create_refuses_bad_options(void **state)
{
    (void)state;
    const struct tvn_recorder_options good = {.stage_count = 1, .sample_every = 1};
    struct tvn_recorder *recorder = NULL;
    struct tvn_recorder_options options = good;
    options.sample_every = 0;
    assert_status(tvn_recorder_create(&options, &recorder), TVN_E_CONSTRAINT_VIOLATION);
    options = good;
    options.sample_every = TVN_RECORDER_SAMPLE_EVERY_MAX + 1;
    assert_status(tvn_recorder_create(&options, &recorder), TVN_E_CONSTRAINT_VIOLATION);
    options = good;
    options.stage_count = 0;
    assert_status(tvn_recorder_create(&options, &recorder), TVN_E_CONSTRAINT_VIOLATION);
    assert_null(recorder);
    assert_status(tvn_recorder_create(&good, &recorder), TVN_OK);
    tvn_recorder_destroy(recorder);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_recorder_off_watches_nothing),
    cmocka_unit_test(test_recorder_diagnostic_times_every_call),
    cmocka_unit_test(test_recorder_production_times_one_of_many_at_random_distances),
    cmocka_unit_test(test_recorder_level_changes_while_elements_are_under_way),
    cmocka_unit_test(test_recorder_paced_source_waits_and_latency_counts_from_when_due),
    cmocka_unit_test(test_recorder_forgets_the_start_of_what_is_too_old),
    cmocka_unit_test(test_recorder_leaves_out_calls_without_element),
    cmocka_unit_test(test_recorder_tells_listeners_calls_with_their_copies),
    cmocka_unit_test(test_recorder_mark_at_a_sequence_comes_before_its_pull),
    cmocka_unit_test(test_recorder_mark_that_is_not_yet_holds_the_sources),
    cmocka_unit_test(test_recorder_reset_at_a_mark_leaves_out_what_came_before),
    cmocka_unit_test(test_recorder_vector_times_every_call),
    cmocka_unit_test(test_recorder_vector_has_no_gaps),
    cmocka_unit_test(test_recorder_vector_leaves_out_what_took_no_element),
    cmocka_unit_test(test_recorder_vector_fills_the_ledger),
    cmocka_unit_test(test_recorder_vector_may_be_broken_by_level_mark_and_other_calls),
    cmocka_unit_test(test_recorder_vector_tells_listeners_at_once),
    cmocka_unit_test(test_recorder_create_refuses_bad_options),
};
TVN_TEST_MAIN("observability.recorder", tests)
