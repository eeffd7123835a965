/* SPDX-License-Identifier: Apache-2.0 */
/* Calls become elements. */
#include "observability/trace.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"

#include <pthread.h>

#define SLOTS         4096u             /* of the table of elements under way */
#define INDEX_BYTES   ((size_t)1 << 19) /* a bit per possible buffer */
#define INDEX_MAX     (INDEX_BYTES * 8)
#define STEPS_FIRST   4
#define KNOWN_BUFFERS 8 /* of one element, at the same time */

/* An element under way. */
struct active {
    struct tvn_trace_item *item;
    int64_t records; /* of it, in queues and calls */
    uint32_t step_capacity;
    struct {
        uint64_t raw;
        uint32_t number;
    } known[KNOWN_BUFFERS];
    uint32_t known_count;
    struct active *next_in_slot;
    struct active *next; /* by age */
};

struct stage_state {
    uint64_t errored_plus_one; /* sequence whose last call here failed: it may be repeated */
};

struct edge_state {
    uint64_t taken;
    uint64_t taken_when_throttled;
};

struct tvn_trace {
    struct tvn_trace_options options;
    uint64_t begin_ticks; /* of the first call; 0: none yet */
    struct active *slots[SLOTS];
    struct active *oldest;
    struct active *newest;
    uint32_t active_count;
    struct stage_state *stages;
    struct edge_state *edges;
    uint8_t *used_indices;
    uint32_t buffers;
    uint32_t throttled_edge; /* the last one */
    struct tvn_trace_summary summary;
    pthread_mutex_t lock; /* of the following */
    pthread_cond_t room;
    struct tvn_trace_item *ready;
    struct tvn_trace_item **ready_end;
    uint32_t ready_count;
    bool gone;
    bool finished; /* who takes is who fills now: no limit */
};

/* ---- items ---- */

void tvn_trace_item_destroy(struct tvn_trace_item *item)
{
    if (!item) {
        return;
    }
    for (uint32_t i = 0; i < item->element.step_count; i++) {
        tvn_free(item->element.steps[i].error);
    }
    tvn_free(item->element.steps);
    tvn_free(item);
}

static void hand_over(struct tvn_trace *trace, struct tvn_trace_item *item)
{
    pthread_mutex_lock(&trace->lock);
    while (trace->ready_count >= TVN_TRACE_READY_MAX && !trace->gone && !trace->finished) {
        pthread_cond_wait(&trace->room, &trace->lock);
    }
    if (trace->ready_count >= TVN_TRACE_READY_MAX && !trace->finished) {
        trace->summary.lost += item->kind == TVN_TRACE_ELEMENT ? 1 : 0;
        pthread_mutex_unlock(&trace->lock);
        tvn_trace_item_destroy(item);
        return;
    }
    item->next = NULL;
    *trace->ready_end = item;
    trace->ready_end = &item->next;
    trace->ready_count++;
    pthread_mutex_unlock(&trace->lock);
}

struct tvn_trace_item *tvn_trace_take(struct tvn_trace *trace)
{
    pthread_mutex_lock(&trace->lock);
    struct tvn_trace_item *items = trace->ready;
    trace->ready = NULL;
    trace->ready_end = &trace->ready;
    trace->ready_count = 0;
    pthread_cond_signal(&trace->room);
    pthread_mutex_unlock(&trace->lock);
    return items;
}

void tvn_trace_let_go(struct tvn_trace *trace)
{
    pthread_mutex_lock(&trace->lock);
    trace->gone = true;
    pthread_cond_signal(&trace->room);
    pthread_mutex_unlock(&trace->lock);
}

/* ---- elements under way ---- */

static struct active *find(const struct tvn_trace *trace, uint64_t sequence)
{
    struct active *active = trace->slots[sequence % SLOTS];
    while (active && active->item->element.sequence != sequence) {
        active = active->next_in_slot;
    }
    return active;
}

/* Out of the table and the list, which it heads. */
static void retire_oldest(struct tvn_trace *trace)
{
    struct active *active = trace->oldest;
    struct active **link = &trace->slots[active->item->element.sequence % SLOTS];
    while (*link != active) {
        link = &(*link)->next_in_slot;
    }
    *link = active->next_in_slot;
    trace->oldest = active->next;
    trace->newest = trace->oldest ? trace->newest : NULL;
    trace->active_count--;
    trace->summary.elements++;
    hand_over(trace, TVN_TAKE(active->item));
    tvn_free(active);
}

static void retire_finished(struct tvn_trace *trace)
{
    while (trace->oldest &&
           (trace->oldest->records <= 0 || trace->active_count > TVN_TRACE_ACTIVE_MAX)) {
        retire_oldest(trace);
    }
}

static struct active *begin(struct tvn_trace *trace, uint64_t sequence, int64_t records)
{
    TVN_AUTO(tvn_trace_item) item = tvn_calloc(1, sizeof(*item));
    struct active *active = item ? tvn_calloc(1, sizeof(*active)) : NULL;
    if (!active) {
        trace->summary.lost++;
        return NULL;
    }
    item->kind = TVN_TRACE_ELEMENT;
    item->element.sequence = sequence;
    active->item = TVN_TAKE(item);
    active->records = records;
    active->next_in_slot = trace->slots[sequence % SLOTS];
    trace->slots[sequence % SLOTS] = active;
    if (trace->newest) {
        trace->newest->next = active;
    } else {
        trace->oldest = active;
    }
    trace->newest = active;
    trace->active_count++;
    return active;
}

/* NULL: no room. */
static struct tvn_trace_step *add_step(struct active *active)
{
    struct tvn_trace_element *element = &active->item->element;
    if (element->step_count == TVN_TRACE_STEPS_MAX) {
        element->steps_left_out++;
        return NULL;
    }
    if (element->step_count == active->step_capacity) {
        uint32_t capacity = tvn_max(active->step_capacity * 2, (uint32_t)STEPS_FIRST);
        struct tvn_trace_step *steps =
            tvn_realloc(element->steps, capacity * sizeof(*element->steps));
        if (!steps) {
            element->steps_left_out++;
            return NULL;
        }
        element->steps = steps;
        active->step_capacity = capacity;
    }
    struct tvn_trace_step *step = &element->steps[element->step_count++];
    *step = (struct tvn_trace_step){0};
    return step;
}

/* ---- buffers ---- */

static uint32_t new_number(struct tvn_trace *trace, struct tvn_buffer_id id)
{
    uint32_t index = tvn_buffer_index(id);
    trace->summary.buffers++;
    if (index < INDEX_MAX) {
        uint8_t bit = (uint8_t)(1u << (index % 8));
        trace->summary.reused += (trace->used_indices[index / 8] & bit) != 0 ? 1 : 0;
        trace->used_indices[index / 8] |= bit;
    }
    return ++trace->buffers;
}

static uint32_t number_of(struct tvn_trace *trace, struct active *active, struct tvn_buffer_id id)
{
    for (uint32_t i = 0; i < active->known_count; i++) {
        if (active->known[i].raw == id.raw) {
            return active->known[i].number;
        }
    }
    uint32_t number = new_number(trace, id);
    uint32_t at =
        active->known_count < KNOWN_BUFFERS ? active->known_count++ : number % KNOWN_BUFFERS;
    active->known[at].raw = id.raw;
    active->known[at].number = number;
    return number;
}

static void note_buffer(struct tvn_trace *trace, struct active *active, struct tvn_buffer_id id,
                        struct tvn_trace_buffer *out)
{
    struct tvn_trace_content content;
    if (id.raw == 0 || !trace->options.look(trace->options.context, id, &content)) {
        return;
    }
    out->number = number_of(trace, active, id);
    out->length = content.length;
    if (trace->options.show_buffers) {
        out->shown = tvn_min(content.length, (uint32_t)TVN_TRACE_CONTENT_MAX);
        memcpy(out->content, content.bytes, out->shown);
    }
}

/* ---- calls ---- */

/* Records of an element that a stage puts out with one output. */
static int64_t fan_out(const struct tvn_trace *trace, uint32_t stage, const struct tvn_call *call)
{
    return tvn_graph_outputs(trace->options.graph, stage, call->ports);
}

/* How many records more there are of the element after the call. */
static int64_t change_of_records(const struct tvn_trace *trace,
                                 const struct tvn_call_record *record)
{
    uint32_t stage = record->watched->stage;
    switch (trace->options.graph->stages[stage].role) {
    case TVN_ROLE_SINK:
        return -1;
    case TVN_ROLE_PROCESSOR:
    case TVN_ROLE_AGGREGATOR:
        return record->call->out_count == 0 ? -1 : fan_out(trace, stage, record->call) - 1;
    case TVN_ROLE_FILTER:
    case TVN_ROLE_ROUTER:
    case TVN_ROLE_SOURCE:
        break;
    }
    return fan_out(trace, stage, record->call) - 1;
}

static void fill_step(struct tvn_trace *trace, struct active *active, struct tvn_trace_step *step,
                      const struct tvn_call_record *record)
{
    const struct tvn_watched *watched = record->watched;
    step->stage = watched->stage;
    step->entry = watched->entry;
    step->outcome = record->outcome;
    step->begin_ns = tvn_ticks_to_ns(record->begin_ticks - trace->begin_ticks);
    step->duration_ns = tvn_ticks_to_ns(record->end_ticks - record->begin_ticks);
    step->wait_ns = record->wait_ns;
    step->ports = watched->entry == TVN_ENTRY_ROUTE ? record->call->ports : 0;
    memcpy(step->copies, record->copies, sizeof(step->copies));
    memcpy(step->copy_bytes, record->copy_bytes, sizeof(step->copy_bytes));
    if (watched->in) {
        note_buffer(trace, active, watched->in->payload, &step->input);
    }
    if (record->outcome == TVN_OUTCOME_EMIT && record->call->out_count > 0) {
        step->has_output = true;
        note_buffer(trace, active, record->call->out->payload, &step->output);
    }
    if ((record->outcome == TVN_OUTCOME_ERROR || record->outcome == TVN_OUTCOME_DEAD) &&
        record->call->fault) {
        const struct tvn_fault *fault = record->call->fault;
        step->error = tvn_strndup(fault->text, strnlen(fault->text, sizeof(fault->text)));
    }
}

static void end_record(struct tvn_trace *trace, uint64_t sequence, int64_t change)
{
    struct active *active = find(trace, sequence);
    if (active) {
        active->records += change;
        retire_finished(trace);
    }
}

/* An error's call may be repeated; when the stage is called for another element it was not. */
static void settle_error(struct tvn_trace *trace, uint32_t stage, uint64_t next_sequence)
{
    struct stage_state *state = &trace->stages[stage];
    if (state->errored_plus_one != 0 && state->errored_plus_one != next_sequence + 1) {
        uint64_t sequence = state->errored_plus_one - 1;
        state->errored_plus_one = 0;
        end_record(trace, sequence, -1);
    }
}

static void heard_pull(struct tvn_trace *trace, const struct tvn_call_record *record)
{
    if (record->outcome != TVN_OUTCOME_EMIT || record->call->out_count == 0) {
        return;
    }
    const struct tvn_watched *watched = record->watched;
    struct active *active =
        begin(trace, watched->sequence, fan_out(trace, watched->stage, record->call));
    if (!active) {
        return;
    }
    struct tvn_element out = *record->call->out;
    out.sequence = watched->sequence; /* it gets it after the call */
    tvn_trace_id_of(trace->options.ids, &out, active->item->element.trace_id);
    tvn_span_id_of(trace->options.ids, out.sequence, active->item->element.span_id);
    memcpy(active->item->element.parent_id, out.parent_id, sizeof(out.parent_id));
    struct tvn_trace_step *step = add_step(active);
    if (step) {
        fill_step(trace, active, step, record);
    }
}

static void heard_consumer(struct tvn_trace *trace, const struct tvn_call_record *record)
{
    const struct tvn_watched *watched = record->watched;
    settle_error(trace, watched->stage, watched->sequence);
    if (record->outcome == TVN_OUTCOME_WAIT) {
        return; /* the same call comes again */
    }
    if (watched->edge < trace->options.graph->edge_count) {
        trace->edges[watched->edge].taken++;
    }
    struct active *active = find(trace, watched->sequence);
    /* What an aggregator flushed, or was under way before the trace, is new here. */
    active = active ? active : begin(trace, watched->sequence, 1);
    if (!active) {
        return;
    }
    struct tvn_trace_step *step = add_step(active);
    if (step) {
        fill_step(trace, active, step, record);
    }
    if (record->latency_ns > active->item->element.latency_ns) {
        active->item->element.latency_ns = record->latency_ns;
    }
    if (record->outcome == TVN_OUTCOME_ERROR || record->outcome == TVN_OUTCOME_DEAD) {
        trace->stages[watched->stage].errored_plus_one = watched->sequence + 1;
        return;
    }
    trace->stages[watched->stage].errored_plus_one = 0;
    active->records += record->outcome == TVN_OUTCOME_DROP ? -1 : change_of_records(trace, record);
    retire_finished(trace);
}

static struct tvn_trace_item *new_event(struct tvn_trace *trace, enum tvn_trace_kind kind,
                                        uint32_t edge)
{
    struct tvn_trace_item *item = tvn_calloc(1, sizeof(*item));
    if (item) {
        item->kind = kind;
        item->edge = edge;
        item->at_ns = tvn_ticks_to_ns(tvn_ticks_now() - trace->begin_ticks);
    }
    return item;
}

static void heard_notify(struct tvn_trace *trace, const struct tvn_call_record *record)
{
    struct tvn_trace_item *item = new_event(trace, TVN_TRACE_NOTIFIED, trace->throttled_edge);
    if (item) {
        item->signal = record->call->signal;
        hand_over(trace, item);
    }
}

static void heard_call(void *context, const struct tvn_call_record *record)
{
    struct tvn_trace *trace = context;
    if (trace->begin_ticks == 0) {
        trace->begin_ticks = record->begin_ticks;
    }
    for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
        trace->summary.copies[reason] += record->copies[reason];
        trace->summary.copy_bytes[reason] += record->copy_bytes[reason];
    }
    switch (record->watched->entry) {
    case TVN_ENTRY_PULL:
        heard_pull(trace, record);
        return;
    case TVN_ENTRY_NOTIFY:
        heard_notify(trace, record);
        return;
    case TVN_ENTRY_PROCESS:
    case TVN_ENTRY_EVALUATE:
    case TVN_ENTRY_ROUTE:
    case TVN_ENTRY_INGEST:
    case TVN_ENTRY_PUSH:
        heard_consumer(trace, record);
        return;
    case TVN_ENTRY_INIT:
    case TVN_ENTRY_FLUSH:
    case TVN_ENTRY_COMPLETE:
    case TVN_ENTRY_TEARDOWN:
        return;
    }
}

/* ---- events ---- */

static void heard_throttling(struct tvn_trace *trace, const struct tvn_event *event)
{
    bool begins = event->kind == TVN_EVENT_THROTTLED;
    struct edge_state *edge = &trace->edges[event->edge];
    trace->throttled_edge = event->edge;
    trace->summary.backpressure_events += begins ? 1 : 0;
    struct tvn_trace_item *item =
        new_event(trace, begins ? TVN_TRACE_THROTTLED : TVN_TRACE_RELIEVED, event->edge);
    if (begins) {
        edge->taken_when_throttled = edge->taken;
    }
    if (item) {
        item->depth = event->depth;
        item->capacity = event->capacity;
        item->duration_ns = event->duration_ns;
        item->drained = edge->taken - edge->taken_when_throttled;
        hand_over(trace, item);
    }
}

static void heard_event(void *context, const struct tvn_event *event)
{
    struct tvn_trace *trace = context;
    switch (event->kind) {
    case TVN_EVENT_THROTTLED:
    case TVN_EVENT_RELIEVED:
        if (event->edge < trace->options.graph->edge_count) {
            heard_throttling(trace, event);
        }
        return;
    case TVN_EVENT_EVICTED:
    case TVN_EVENT_DISCARDED: {
        struct active *active = find(trace, event->sequence);
        if (active) {
            active->item->element.end =
                event->kind == TVN_EVENT_EVICTED ? TVN_TRACE_EVICTED : TVN_TRACE_DISCARDED;
            end_record(trace, event->sequence, -1);
        }
        return;
    }
    case TVN_EVENT_STATE:
    case TVN_EVENT_FAULT:
    case TVN_EVENT_RESTARTED:
    case TVN_EVENT_DEAD_LETTER:
    case TVN_EVENT_KIND_COUNT:
        return;
    }
}

/* ---- life ---- */

void tvn_trace_destroy(struct tvn_trace *trace)
{
    if (!trace) {
        return;
    }
    trace->gone = true;
    while (trace->oldest) {
        retire_oldest(trace);
    }
    struct tvn_trace_item *item = trace->ready;
    while (item) {
        struct tvn_trace_item *next = item->next;
        tvn_trace_item_destroy(item);
        item = next;
    }
    pthread_mutex_destroy(&trace->lock);
    pthread_cond_destroy(&trace->room);
    tvn_free(trace->stages);
    tvn_free(trace->edges);
    tvn_free(trace->used_indices);
    tvn_free(trace);
}

enum tvn_status tvn_trace_create(const struct tvn_trace_options *options,
                                 struct tvn_trace **out_trace)
{
    tvn_assert(options && options->graph && options->look && out_trace);
    struct tvn_trace *made = tvn_calloc(1, sizeof(*made));
    if (!made) {
        return TVN_E_OUT_OF_MEMORY;
    }
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->room, NULL);
    TVN_AUTO(tvn_trace) trace = made;
    trace->options = *options;
    trace->ready_end = &trace->ready;
    trace->stages = tvn_calloc(options->graph->stage_count, sizeof(*trace->stages));
    trace->edges = tvn_calloc(tvn_max(options->graph->edge_count, 1u), sizeof(*trace->edges));
    trace->used_indices = tvn_calloc(1, INDEX_BYTES);
    if (!trace->stages || !trace->edges || !trace->used_indices) {
        return TVN_E_OUT_OF_MEMORY;
    }
    *out_trace = TVN_TAKE(trace);
    return TVN_OK;
}

void tvn_trace_listen(struct tvn_trace *trace, struct tvn_recorder *recorder)
{
    const struct tvn_recorder_listener listener = {heard_call, heard_event, trace};
    tvn_recorder_listen(recorder, &listener);
}

void tvn_trace_finish(struct tvn_trace *trace)
{
    trace->finished = true;
    while (trace->oldest) {
        retire_oldest(trace);
    }
}

void tvn_trace_summary(const struct tvn_trace *trace, struct tvn_trace_summary *out_summary)
{
    *out_summary = trace->summary;
}
