/* SPDX-License-Identifier: Apache-2.0 */
/* Which spans there are, and which of them are exported. How they look is in tracer_spans.c. */
#include "base/assert.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "observability/tracer_internal.h"

#include <stdio.h>

#define SLOTS_MIN   64
#define NS_PER_S    UINT64_C(1000000000)
#define PREFIX_SIZE sizeof(((struct tvn_tracer *)0)->prefixes[0])

/* ---- elements that are followed ---- */

static struct tvn_traced *slot_of(const struct tvn_tracer *tracer, uint64_t sequence)
{
    return &tracer->slots[sequence & tracer->slot_mask];
}

/* NULL: it is not followed. */
static struct tvn_traced *find(const struct tvn_tracer *tracer, uint64_t sequence)
{
    struct tvn_traced *traced = slot_of(tracer, sequence);
    return traced->sequence_plus_one == sequence + 1 ? traced : NULL;
}

/* ---- promotion ---- */

/* May more be exported because of a promotion in this second? So many spans, if so. */
static bool spend(struct tvn_tracer *tracer, uint64_t now_ticks, uint32_t spans)
{
    if (now_ticks - tracer->window_begin_ticks >= tracer->window_ticks) {
        tracer->window_begin_ticks = now_ticks;
        tracer->window_count = 0;
    }
    if (tracer->window_count >= TVN_TRACER_PROMOTED_MAX) {
        return false;
    }
    tracer->window_count += spans;
    return true;
}

/* An element has about so many. */
static uint32_t spans_of_element(const struct tvn_tracer *tracer)
{
    return tracer->options.graph->stage_count + 1;
}

/* Exports what is remembered, and marks what follows. */
static TVN_COLD void promote(struct tvn_tracer *tracer, const char *reason, uint64_t now_ticks)
{
    if (!spend(tracer, now_ticks, tvn_span_ring_count(tracer->ring))) {
        return;
    }
    if (!tracer->promoted) {
        tracer->promoted = true;
        tracer->promoted_from = tracer->last_pulled_plus_one;
    }
    tracer->reason = reason;
    tracer->calm = 0;
    struct tvn_span_record *record;
    while ((record = tvn_span_ring_take(tracer->ring)) != NULL) {
        struct tvn_traced *traced = find(tracer, record->sequence);
        if (traced) {
            traced->exports = true;
            traced->is_promoted = true;
        }
        record->is_promoted = true;
        tvn_tracer_export(tracer, record);
    }
    tvn_tracer_send(tracer);
}

/* An element has ended: does the condition go on? */
static void judge(struct tvn_tracer *tracer, const struct tvn_traced *traced)
{
    uint64_t limit_ns = tracer->options.latency_promote_ns;
    if (limit_ns > 0 && tvn_ticks_to_ns(traced->end_ticks - traced->begin_ticks) > limit_ns) {
        promote(tracer, "latency", traced->end_ticks);
    } else if (tracer->promoted && !traced->is_errored &&
               traced->sequence_plus_one > tracer->promoted_from) {
        tracer->promoted = ++tracer->calm < TVN_TRACER_CALM;
    }
}

/* ---- the end of an element ---- */

static void add_element(struct tvn_tracer *tracer, const struct tvn_traced *traced,
                        enum tvn_element_end end)
{
    struct tvn_span_record exported;
    struct tvn_span_record *record = traced->exports ? &exported : tvn_span_ring_add(tracer->ring);
    *record = (struct tvn_span_record){
        .kind = TVN_SPAN_OF_ELEMENT,
        .sequence = traced->sequence_plus_one - 1,
        .begin_ticks = traced->begin_ticks,
        .end_ticks = traced->end_ticks,
        .end = (uint8_t)end,
        .is_errored = traced->is_errored,
        .is_promoted = traced->is_promoted,
        .parent_id = traced->parent_id,
    };
    memcpy(record->trace_id, traced->trace_id, sizeof(record->trace_id));
    if (traced->exports) {
        tvn_tracer_export(tracer, record);
    }
}

static void finish(struct tvn_tracer *tracer, struct tvn_traced *traced, enum tvn_element_end end)
{
    if (traced->is_watched) {
        add_element(tracer, traced, end);
        judge(tracer, traced);
        tvn_tracer_send(tracer);
    }
    traced->sequence_plus_one = 0;
}

static void end_record(struct tvn_tracer *tracer, uint64_t sequence, enum tvn_element_end end)
{
    struct tvn_traced *traced = find(tracer, sequence);
    if (traced && traced->is_watched && --traced->records <= 0) {
        finish(tracer, traced, end);
    }
}

/* An error's call may be repeated; when the stage is called for another element it was not. */
static void settle_error(struct tvn_tracer *tracer, uint32_t stage, uint64_t next_sequence)
{
    uint64_t errored_plus_one = tracer->errored_plus_one[stage];
    if (TVN_UNLIKELY(errored_plus_one != 0 && errored_plus_one != next_sequence + 1)) {
        tracer->errored_plus_one[stage] = 0;
        end_record(tracer, errored_plus_one - 1, TVN_ELEMENT_DONE);
    }
}

/* ---- calls ---- */

static bool is_error(enum tvn_outcome outcome)
{
    return outcome == TVN_OUTCOME_ERROR || outcome == TVN_OUTCOME_DEAD;
}

static void note_error(struct tvn_tracer *tracer, uint64_t sequence, uint32_t stage,
                       const struct tvn_fault *fault)
{
    tracer->error_sequence_plus_one = sequence + 1;
    tracer->error_stage = stage;
    const char *text = fault ? fault->text : "";
    (void)snprintf(tracer->error_text, sizeof(tracer->error_text), "%.*s",
                   (int)sizeof(tracer->error_text) - 1, text);
}

static void add_details(const struct tvn_tracer *tracer, const struct tvn_call_record *call,
                        struct tvn_span_record *record)
{
    const struct tvn_watched *watched = call->watched;
    record->has_details = true;
    record->input = watched->in ? watched->in->payload : (struct tvn_buffer_id){0};
    record->output = record->has_output ? call->call->out->payload : (struct tvn_buffer_id){0};
    for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
        record->copies[reason] = (uint32_t)tvn_min(call->copies[reason], (uint64_t)UINT32_MAX);
        record->copy_bytes[reason] = call->copy_bytes[reason];
    }
    if (watched->edge < tracer->options.graph->edge_count && tracer->edges[watched->edge].stats) {
        record->depth = tvn_stat_get(&tracer->edges[watched->edge].stats->depth);
    }
}

static void add_call(struct tvn_tracer *tracer, struct tvn_traced *traced,
                     const struct tvn_call_record *call, bool details)
{
    struct tvn_span_record exported;
    struct tvn_span_record *record = traced->exports ? &exported : tvn_span_ring_add(tracer->ring);
    *record = (struct tvn_span_record){
        .kind = TVN_SPAN_OF_CALL,
        .sequence = traced->sequence_plus_one - 1,
        .begin_ticks = call->begin_ticks,
        .end_ticks = call->end_ticks,
        .entry = (uint8_t)call->watched->entry,
        .outcome = (uint8_t)call->outcome,
        .has_output = call->outcome == TVN_OUTCOME_EMIT && call->call->out_count > 0,
        .stage = call->watched->stage,
        .edge = call->watched->edge,
        .wait_ns = call->wait_ns,
    };
    memcpy(record->trace_id, traced->trace_id, sizeof(record->trace_id));
    if (details) {
        add_details(tracer, call, record);
    }
    if (TVN_UNLIKELY(is_error(call->outcome))) {
        traced->is_errored = true;
        note_error(tracer, record->sequence, record->stage, call->call->fault);
    }
    traced->end_ticks = tvn_max(traced->end_ticks, call->end_ticks);
    if (traced->exports) {
        tvn_tracer_export(tracer, record);
    }
}

/* Follows the element from now on; what had its slot is given up. */
static struct tvn_traced *follow(struct tvn_tracer *tracer, const struct tvn_element *element,
                                 uint64_t sequence, uint64_t begin_ticks, int32_t records)
{
    struct tvn_traced *traced = slot_of(tracer, sequence);
    if (traced->sequence_plus_one != 0) {
        finish(tracer, traced, TVN_ELEMENT_LOST);
    }
    *traced = (struct tvn_traced){
        .sequence_plus_one = sequence + 1,
        .begin_ticks = begin_ticks,
        .end_ticks = begin_ticks,
        .records = records,
    };
    struct tvn_element named = {.sequence = sequence};
    memcpy(named.trace_id, element->trace_id, sizeof(named.trace_id));
    tvn_trace_id_of(tracer->options.ids, &named, traced->trace_id);
    memcpy(&traced->parent_id, element->parent_id, sizeof(traced->parent_id));
    return traced;
}

static void keep_state(struct tvn_tracer *tracer, uint64_t sequence,
                       const struct tvn_trace_context *context)
{
    struct tvn_traced_state *state = &tracer->states[sequence % tracer->state_count];
    state->sequence_plus_one = sequence + 1;
    state->length = context->tracestate_length;
    memcpy(state->text, context->tracestate, context->tracestate_length);
}

bool tvn_tracer_pulled(struct tvn_tracer *tracer, const struct tvn_call_record *record, bool timed,
                       bool details)
{
    const struct tvn_trace_context *context = record->call->context;
    struct tvn_element *out = record->call->out;
    uint64_t sequence = record->watched->sequence;
    bool drawn = tvn_sampler_take(&tracer->sampler, sequence);
    bool sampled = context ? (context->flags & TVN_TRACE_FLAG_SAMPLED) != 0 : drawn;
    bool promoted =
        !sampled && tracer->promoted && spend(tracer, record->end_ticks, spans_of_element(tracer));
    tracer->last_pulled_plus_one = sequence + 1;
    bool exports = sampled || promoted;
    out->flags =
        exports ? out->flags | TVN_ELEMENT_SAMPLED : out->flags & ~(uint32_t)TVN_ELEMENT_SAMPLED;
    if (!exports && !timed && !tracer->states) {
        return false;
    }
    struct tvn_traced *traced =
        follow(tracer, out, sequence, record->begin_ticks,
               (int32_t)tvn_graph_outputs(tracer->options.graph, record->watched->stage,
                                          record->call->ports));
    if (context && tracer->states) {
        keep_state(tracer, sequence, context);
    }
    traced->exports = exports;
    traced->is_promoted = promoted;
    traced->is_watched = exports || timed;
    if (traced->is_watched) {
        add_call(tracer, traced, record, details);
    }
    return traced->is_watched;
}

/* How many records more there are of the element after the call. */
static int32_t change_of_records(const struct tvn_tracer *tracer,
                                 const struct tvn_call_record *record)
{
    const struct tvn_graph *graph = tracer->options.graph;
    uint32_t stage = record->watched->stage;
    enum tvn_role role = graph->stages[stage].role;
    bool makes_none = role == TVN_ROLE_SINK || record->outcome == TVN_OUTCOME_DROP ||
                      ((role == TVN_ROLE_PROCESSOR || role == TVN_ROLE_AGGREGATOR) &&
                       record->call->out_count == 0);
    return makes_none ? -1 : (int32_t)tvn_graph_outputs(graph, stage, record->call->ports) - 1;
}

void tvn_tracer_called(struct tvn_tracer *tracer, const struct tvn_call_record *record,
                       bool details)
{
    const struct tvn_watched *watched = record->watched;
    if (!watched->in) {
        return;
    }
    settle_error(tracer, watched->stage, watched->sequence);
    if (record->outcome == TVN_OUTCOME_WAIT) {
        return; /* the same call comes again */
    }
    struct tvn_traced *traced = find(tracer, watched->sequence);
    if (!traced) { /* flushed by an aggregator, or older than the level */
        traced = follow(tracer, watched->in, watched->sequence, record->begin_ticks, 1);
        traced->exports = (watched->in->flags & TVN_ELEMENT_SAMPLED) != 0;
    }
    traced->is_watched = true;
    add_call(tracer, traced, record, details);
    if (is_error(record->outcome)) {
        tracer->errored_plus_one[watched->stage] = watched->sequence + 1;
        return;
    }
    tracer->errored_plus_one[watched->stage] = 0;
    traced->records += change_of_records(tracer, record);
    if (traced->records <= 0) {
        finish(tracer, traced, TVN_ELEMENT_DONE);
    }
}

uint64_t tvn_tracer_next(const struct tvn_tracer *tracer)
{
    bool marks = tracer->promoted && tracer->window_count < TVN_TRACER_PROMOTED_MAX;
    return tracer->states || marks ? 0 : tvn_sampler_next(&tracer->sampler);
}

/* ---- events ---- */

/* A call failed that was not watched: all there is of it is this. */
static void add_untimed(struct tvn_tracer *tracer, const struct tvn_event *event, uint64_t now)
{
    bool is_of_flow = event->sequence == TVN_EVENT_NO_SEQUENCE;
    const struct tvn_element element = {.sequence = is_of_flow ? tracer->last_pulled_plus_one
                                                               : event->sequence};
    const struct tvn_traced *known = is_of_flow ? NULL : find(tracer, element.sequence);
    struct tvn_span_record record = {
        .kind = TVN_SPAN_OF_CALL,
        .sequence = element.sequence,
        .begin_ticks = now,
        .end_ticks = now,
        .entry = (uint8_t)event->entry,
        .outcome = (uint8_t)event->outcome,
        .is_untimed = true,
        .is_of_flow = is_of_flow,
        .stage = event->stage,
        .edge = TVN_EVENT_NOWHERE,
    };
    tvn_trace_id_of(tracer->options.ids, &element, record.trace_id);
    if (known) {
        memcpy(record.trace_id, known->trace_id, sizeof(record.trace_id));
    }
    note_error(tracer, element.sequence, event->stage, event->fault);
    tvn_tracer_export(tracer, &record);
    if (!is_of_flow) {
        record.kind = TVN_SPAN_OF_ELEMENT;
        record.is_errored = true;
        record.is_promoted = true;
        record.parent_id = known ? known->parent_id : 0;
        tvn_tracer_export(tracer, &record);
    }
}

static TVN_COLD void heard_fault(struct tvn_tracer *tracer, const struct tvn_event *event)
{
    if (!tracer->options.error_promote) {
        return;
    }
    uint64_t now = tracer->options.ticks();
    const struct tvn_traced *traced =
        event->sequence == TVN_EVENT_NO_SEQUENCE ? NULL : find(tracer, event->sequence);
    bool is_known = traced && traced->is_watched;
    promote(tracer, "error", now);
    if (!is_known && spend(tracer, now, spans_of_element(tracer))) {
        add_untimed(tracer, event, now);
        tvn_tracer_send(tracer);
    }
}

/* The flow's span begins when it runs; what was made before is no part of it. */
static void heard_state(struct tvn_tracer *tracer, enum tvn_flow_state state)
{
    if (state == TVN_FLOW_RUNNING && !tracer->started) {
        tracer->started = true;
        tracer->begin_unix_ns = tvn_tracer_unix_ns(tracer, tracer->options.ticks());
    }
    tracer->failed |= state == TVN_FLOW_FAILED;
}

void tvn_tracer_event(struct tvn_tracer *tracer, const struct tvn_event *event, bool details)
{
    switch (event->kind) {
    case TVN_EVENT_FAULT:
        heard_fault(tracer, event);
        break;
    case TVN_EVENT_EVICTED:
        end_record(tracer, event->sequence, TVN_ELEMENT_EVICTED);
        break;
    case TVN_EVENT_DISCARDED:
        end_record(tracer, event->sequence, TVN_ELEMENT_DISCARDED);
        break;
    case TVN_EVENT_THROTTLED:
        tracer->edges[event->edge].throttled_depth = event->depth;
        break;
    case TVN_EVENT_RELIEVED:
        if (details) {
            tvn_tracer_export_backpressure(tracer, event, tracer->options.ticks());
        }
        break;
    case TVN_EVENT_STATE:
        heard_state(tracer, event->state);
        break;
    case TVN_EVENT_RESTARTED:
    case TVN_EVENT_DEAD_LETTER:
    case TVN_EVENT_KIND_COUNT:
        break;
    }
}

/* ---- life ---- */

void tvn_tracer_finish(struct tvn_tracer *tracer)
{
    for (uint32_t i = 0; i <= tracer->slot_mask; i++) {
        if (tracer->slots[i].sequence_plus_one != 0) {
            bool is_errored = tracer->slots[i].is_errored;
            finish(tracer, &tracer->slots[i],
                   is_errored ? TVN_ELEMENT_DONE : TVN_ELEMENT_DISCARDED);
        }
    }
    tvn_tracer_export_flow(tracer, tracer->options.ticks());
    tvn_tracer_send(tracer);
}

void tvn_tracer_destroy(struct tvn_tracer *tracer)
{
    if (!tracer) {
        return;
    }
    tvn_span_ring_destroy(tracer->ring);
    tvn_free(tracer->slots);
    tvn_free(tracer->states);
    tvn_free(tracer->edges);
    tvn_free(tracer->errored_plus_one);
    tvn_free(tracer->prefixes);
    tvn_free(tracer);
}

static void name_parts(struct tvn_tracer *tracer)
{
    const struct tvn_graph *graph = tracer->options.graph;
    for (uint32_t i = 0; i < graph->edge_count; i++) {
        (void)snprintf(
            tracer->edges[i].name, TVN_TRACER_STREAM_NAME, TVN_TRACER_PRESSURE "%.130s→%.130s",
            graph->stages[graph->edges[i].from].name, graph->stages[graph->edges[i].to].name);
    }
    for (uint32_t i = 0; i < graph->stage_count; i++) {
        (void)snprintf(tracer->prefixes[i], PREFIX_SIZE,
                       "component:%.130s:invoke:", graph->stages[i].name);
    }
}

static uint64_t read_ticks(void)
{
    return tvn_ticks_now();
}

static void choose_flow_ids(struct tvn_tracer *tracer)
{
    uint64_t ids[3];
    for (size_t i = 0; i < TVN_ARRAY_LEN(ids); i++) {
        ids[i] = tvn_tracer_random(tracer);
    }
    memcpy(tracer->flow_trace_id, ids, sizeof(tracer->flow_trace_id));
    memcpy(tracer->flow_span_id, &ids[2], sizeof(tracer->flow_span_id));
}

struct tvn_tracer *tvn_tracer_create(const struct tvn_tracer_options *options)
{
    tvn_assert(options && options->graph && options->ids && options->exporter);
    TVN_AUTO(tvn_tracer) tracer = tvn_calloc(1, sizeof(*tracer));
    if (!tracer) {
        return NULL;
    }
    tvn_ticks_init();
    uint32_t slots = SLOTS_MIN;
    while (slots < options->in_flight && slots < TVN_RECORDER_IN_FLIGHT_MAX) {
        slots *= 2;
    }
    uint32_t stages = options->graph->stage_count;
    tracer->options = *options;
    tracer->slot_mask = slots - 1;
    tracer->random = options->seed | 1;
    tracer->options.ticks = options->ticks ? options->ticks : read_ticks;
    tracer->options.unix_ns = options->unix_ns ? options->unix_ns : tvn_clock_wall_ns;
    tracer->base_ticks = tracer->options.ticks();
    tracer->base_unix_ns = tracer->options.unix_ns();
    tracer->begin_unix_ns = tracer->base_unix_ns;
    tracer->window_ticks = tvn_ticks_from_ns(NS_PER_S);
    tracer->ring = tvn_span_ring_create(options->ring_capacity);
    tracer->slots = tvn_calloc(slots, sizeof(*tracer->slots));
    tracer->edges = tvn_calloc(tvn_max(options->graph->edge_count, 1u), sizeof(*tracer->edges));
    tracer->errored_plus_one = tvn_calloc(stages, sizeof(*tracer->errored_plus_one));
    tracer->prefixes = tvn_calloc(stages, sizeof(*tracer->prefixes));
    if (!tracer->ring || !tracer->slots || !tracer->edges || !tracer->errored_plus_one ||
        !tracer->prefixes) {
        return NULL;
    }
    tvn_sampler_init(&tracer->sampler, options->sample_rate, tvn_tracer_random(tracer));
    choose_flow_ids(tracer);
    name_parts(tracer);
    return TVN_TAKE(tracer);
}

bool tvn_tracer_take_contexts(struct tvn_tracer *tracer)
{
    tvn_assert(!tracer->states);
    tracer->state_count = tvn_min(tracer->slot_mask + 1, (uint32_t)TVN_TRACER_STATES_MAX);
    tracer->states = tvn_calloc(tracer->state_count, sizeof(*tracer->states));
    return tracer->states != NULL;
}

void tvn_tracer_set_stream(struct tvn_tracer *tracer, uint32_t edge,
                           const struct tvn_stream_stats *stats)
{
    tvn_assert(edge < tracer->options.graph->edge_count);
    tracer->edges[edge].stats = stats;
}
