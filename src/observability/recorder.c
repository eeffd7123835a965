/* SPDX-License-Identifier: Apache-2.0 */
#include "observability/recorder.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "observability/recorder_internal.h"
#include "observability/tracer.h"

#include <string.h>

#define IN_FLIGHT_MIN 64

const char *tvn_observe_level_name(enum tvn_observe_level level)
{
    static const char *const names[TVN_OBSERVE_LEVEL_COUNT] = {"off", "production", "diagnostic"};
    tvn_assert((unsigned)level < TVN_OBSERVE_LEVEL_COUNT);
    return names[level];
}

/* xorshift64* */
static uint64_t next_random(struct tvn_recorder *recorder)
{
    uint64_t x = recorder->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    recorder->random = x;
    return x * UINT64_C(2685821657736338717);
}

/* The next sample: 1 to 2 × every − 1 elements later, every on average. */
static void choose_next(struct tvn_recorder *recorder, uint64_t sequence)
{
    uint64_t every = atomic_load_explicit(&recorder->sample_every, memory_order_relaxed);
    uint64_t distance = every == 1 ? 1 : 1 + next_random(recorder) % (2 * every - 1);
    recorder->timed_next = sequence + distance;
}

/* The next pull that is watched although not all are. */
static void watch_next(struct tvn_recorder *recorder)
{
    uint64_t next = tvn_min(recorder->timed_next, recorder->mark_sequence);
    recorder->sink.sample_next =
        recorder->tracer ? tvn_min(next, tvn_tracer_next(recorder->tracer)) : next;
}

bool tvn_recorder_is_timed(enum tvn_entry entry, enum tvn_outcome outcome)
{
    if (outcome == TVN_OUTCOME_WAIT || outcome == TVN_OUTCOME_END) {
        return false;
    }
    switch (entry) {
    case TVN_ENTRY_PULL:
    case TVN_ENTRY_PROCESS:
    case TVN_ENTRY_EVALUATE:
    case TVN_ENTRY_ROUTE:
    case TVN_ENTRY_INGEST:
    case TVN_ENTRY_FLUSH:
    case TVN_ENTRY_PUSH:
        return true;
    case TVN_ENTRY_INIT:
    case TVN_ENTRY_NOTIFY:
    case TVN_ENTRY_COMPLETE:
    case TVN_ENTRY_TEARDOWN:
        break;
    }
    return false;
}

/* ---- calls ---- */

/* False: sources must wait for it. Then every pull is watched until it is reached. */
static TVN_COLD bool reach_mark(struct tvn_recorder *recorder, uint64_t sequence)
{
    uint32_t requested = atomic_load_explicit(&recorder->marks_requested, memory_order_acquire);
    uint64_t mark_sequence = recorder->mark_sequence;
    tvn_recorder_settle(recorder);
    if (sequence >= mark_sequence) {
        recorder->mark_sequence = UINT64_MAX; /* `mark` may set the next one */
    }
    if (recorder->mark && !recorder->mark(recorder->mark_context, sequence)) {
        recorder->mark_sequence = mark_sequence;
        recorder->sink.sample_next = 0;
        return false;
    }
    recorder->marks_reached = requested;
    return true;
}

static inline bool look_for_marks(struct tvn_recorder *recorder, const struct tvn_watched *watched)
{
    return TVN_LIKELY(!tvn_recorder_has_mark(recorder, watched->sequence)) ||
           reach_mark(recorder, watched->sequence);
}

/* The output of a pull. */
static void pulled(struct tvn_recorder *recorder, const struct tvn_call_record *record,
                   bool details)
{
    const struct tvn_watched *watched = record->watched;
    bool timed = details || watched->sequence >= recorder->timed_next;
    if (timed) {
        choose_next(recorder, watched->sequence);
    }
    bool emits = record->outcome == TVN_OUTCOME_EMIT && record->call->out_count > 0;
    bool traced =
        emits && recorder->tracer && tvn_tracer_pulled(recorder->tracer, record, timed, details);
    watch_next(recorder);
    if (!emits || !(timed || traced)) {
        return;
    }
    tvn_recorder_follow(recorder, watched->sequence,
                        recorder->due_ticks != 0 ? recorder->due_ticks : record->begin_ticks,
                        record->call->out, record->end_ticks);
    recorder->paced++;
}

static void pushed(struct tvn_recorder *recorder, struct tvn_call_record *record)
{
    uint64_t start_ticks = tvn_recorder_start_of(recorder, record->watched->sequence);
    if (start_ticks == 0 || record->end_ticks < start_ticks) {
        return;
    }
    record->latency_ns = tvn_ticks_to_ns(record->end_ticks - start_ticks);
    tvn_histogram_record(recorder->latency, record->latency_ns);
}

/* How long the input stood in its queue. */
static void waited(struct tvn_recorder *recorder, struct tvn_call_record *record, uint64_t since)
{
    const struct tvn_watched *watched = record->watched;
    if (since == 0 || since < recorder->reset_ticks || record->begin_ticks < since ||
        watched->edge >= recorder->edge_count) {
        return;
    }
    record->wait_ns = tvn_ticks_to_ns(record->begin_ticks - since);
    tvn_histogram_record(&recorder->waiting[watched->edge], record->wait_ns);
}

/* `copies` and `copy_bytes` hold what was counted before the call. */
static void subtract_copies(const struct tvn_stage_stats *stats, struct tvn_call_record *record)
{
    for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
        record->copies[reason] =
            tvn_stat_get(&stats->copies.count[reason]) - record->copies[reason];
        record->copy_bytes[reason] =
            tvn_stat_get(&stats->copies.bytes[reason]) - record->copy_bytes[reason];
    }
}

static void read_copies(const struct tvn_stage_stats *stats, struct tvn_call_record *record)
{
    for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
        record->copies[reason] = tvn_stat_get(&stats->copies.count[reason]);
        record->copy_bytes[reason] = tvn_stat_get(&stats->copies.bytes[reason]);
    }
}

static void tell(const struct tvn_recorder *recorder, const struct tvn_call_record *record)
{
    for (uint32_t i = 0; i < recorder->listener_count; i++) {
        if (recorder->listeners[i].call) {
            recorder->listeners[i].call(recorder->listeners[i].context, record);
        }
    }
}

/* True, and when to come back, if the next element is not due yet. */
static bool is_early(struct tvn_recorder *recorder, struct tvn_call *call)
{
    uint64_t now = tvn_ticks_now();
    if (recorder->pace_begin_ticks == 0) {
        recorder->pace_begin_ticks = now;
    }
    recorder->due_ticks =
        recorder->pace_begin_ticks + (uint64_t)((double)recorder->paced * recorder->pace_ticks);
    if (now >= recorder->due_ticks) {
        return false;
    }
    call->wake_ns = tvn_clock_monotonic_ns() + tvn_ticks_to_ns(recorder->due_ticks - now);
    return true;
}

/* With every call without element, and now and then with the others. */
static inline void refresh(struct tvn_recorder *recorder, const struct tvn_call_record *record)
{
    struct tvn_invoker *invoker = record->watched->invoker;
    bool is_due = record->watched->sequence == TVN_EVENT_NO_SEQUENCE ||
                  recorder->calls++ % TVN_RECORDER_REFRESH_EVERY == 0;
    if (TVN_UNLIKELY(is_due) && invoker->ops->refresh && record->outcome != TVN_OUTCOME_DEAD) {
        invoker->ops->refresh(invoker);
    }
}

/* Times, latency, and what is traced. */
static void account(struct tvn_recorder *recorder, struct tvn_call_record *record, uint64_t since,
                    bool details)
{
    const struct tvn_watched *watched = record->watched;
    if (tvn_recorder_is_timed(watched->entry, record->outcome)) {
        tvn_histogram_record(&recorder->processing[watched->stage],
                             tvn_ticks_to_ns(record->end_ticks - record->begin_ticks));
    }
    if (watched->in) {
        waited(recorder, record, since);
        watched->in->spare = record->end_ticks;
        if (watched->entry == TVN_ENTRY_PUSH && record->outcome == TVN_OUTCOME_EMIT) {
            pushed(recorder, record);
        }
        if (recorder->tracer) {
            tvn_tracer_called(recorder->tracer, record, details);
            watch_next(recorder); /* it may have been promoted */
        }
    } else if (watched->entry == TVN_ENTRY_PULL) {
        pulled(recorder, record, details);
    }
}

static enum tvn_outcome make_call(struct tvn_event_sink *self, const struct tvn_watched *watched,
                                  struct tvn_call *call)
{
    struct tvn_recorder *recorder = (struct tvn_recorder *)self;
    tvn_debug_assert(watched->stage < recorder->stage_count);
    if (watched->entry == TVN_ENTRY_PULL && !look_for_marks(recorder, watched)) {
        call->wake_ns = tvn_clock_monotonic_ns(); /* as soon as the others have worked */
        return TVN_OUTCOME_WAIT;
    }
    if (watched->whole_vector && tvn_recorder_may_log(recorder)) {
        return tvn_recorder_log_call(recorder, watched, call);
    }
    tvn_recorder_settle(recorder);
    struct tvn_call_record record = {.watched = watched, .call = call};
    const struct tvn_stage_stats *stats = recorder->stages[watched->stage].stats;
    if (TVN_UNLIKELY(recorder->pace_ticks != 0) && watched->entry == TVN_ENTRY_PULL &&
        is_early(recorder, call)) {
        return TVN_OUTCOME_WAIT;
    }
    bool details = tvn_recorder_level(recorder) == TVN_OBSERVE_DIAGNOSTIC;
    struct tvn_call_log *log = details ? tvn_recorder_log(recorder) : NULL;
    bool counts_copies = recorder->listener_count > 0 || details;
    if (counts_copies) {
        read_copies(stats, &record);
    }
    uint64_t since = watched->in ? watched->in->spare : 0;
    record.begin_ticks = tvn_ticks_now();
    record.outcome = tvn_invoke(watched->invoker, watched->entry, call);
    record.end_ticks = tvn_ticks_now();
    if (counts_copies) {
        subtract_copies(stats, &record);
    }
    account(recorder, &record, since, details);
    refresh(recorder, &record);
    if (log) {
        tvn_call_log_add(log, &record);
    }
    tell(recorder, &record);
    return record.outcome;
}

static void end_vector(struct tvn_event_sink *self)
{
    tvn_recorder_settle((struct tvn_recorder *)self);
}

static void take_event(struct tvn_event_sink *self, const struct tvn_event *event)
{
    struct tvn_recorder *recorder = (struct tvn_recorder *)self;
    if (recorder->tracer) {
        tvn_tracer_event(recorder->tracer, event,
                         tvn_recorder_level(recorder) == TVN_OBSERVE_DIAGNOSTIC);
        watch_next(recorder);
    }
    for (uint32_t i = 0; i < recorder->listener_count; i++) {
        if (recorder->listeners[i].event) {
            recorder->listeners[i].event(recorder->listeners[i].context, event);
        }
    }
}

static void take_tap(struct tvn_event_sink *self, const struct tvn_tapped *tapped)
{
    tvn_tap_offer(&((struct tvn_recorder *)self)->taps, tapped);
}

/* ---- life ---- */

void tvn_recorder_destroy(struct tvn_recorder *recorder)
{
    if (!recorder) {
        return;
    }
    tvn_call_log_destroy(tvn_recorder_log(recorder));
    tvn_free(recorder->stages);
    tvn_free(recorder->starts);
    tvn_free(recorder->latency);
    tvn_free(recorder->processing);
    tvn_free(recorder->waiting);
    tvn_free(recorder);
}

static void *allocate(struct tvn_recorder *recorder, size_t count, size_t size)
{
    recorder->memory_bytes += count * size;
    return tvn_calloc(count, size);
}

static bool options_valid(const struct tvn_recorder_options *options)
{
    return options->stage_count > 0 && options->sample_every > 0 &&
           options->sample_every <= TVN_RECORDER_SAMPLE_EVERY_MAX &&
           (unsigned)options->level < TVN_OBSERVE_LEVEL_COUNT;
}

static uint32_t start_count(uint32_t in_flight)
{
    uint32_t count = IN_FLIGHT_MIN;
    while (count < in_flight && count < TVN_RECORDER_IN_FLIGHT_MAX) {
        count *= 2;
    }
    return count;
}

enum tvn_status tvn_recorder_create(const struct tvn_recorder_options *options,
                                    struct tvn_recorder **out_recorder)
{
    static const struct tvn_event_sink_ops ops = {.call = make_call,
                                                  .row_begin = tvn_recorder_begin_row,
                                                  .row_called = tvn_recorder_called_in_row,
                                                  .vector_end = end_vector,
                                                  .event = take_event,
                                                  .tap = take_tap};
    tvn_assert(options && out_recorder);
    if (!options_valid(options)) {
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    tvn_ticks_init();
    TVN_AUTO(tvn_recorder) recorder = tvn_calloc(1, sizeof(*recorder));
    if (!recorder) {
        return TVN_E_OUT_OF_MEMORY;
    }
    recorder->memory_bytes = sizeof(*recorder);
    uint32_t starts = start_count(options->in_flight);
    uint32_t edges = tvn_max(options->edge_count, 1u); /* a flow of one stage has none */
    recorder->starts = allocate(recorder, starts, sizeof(*recorder->starts));
    recorder->stages = allocate(recorder, options->stage_count, sizeof(recorder->stages[0]));
    recorder->latency = allocate(recorder, 1, sizeof(*recorder->latency));
    recorder->processing = allocate(recorder, options->stage_count, sizeof(*recorder->processing));
    recorder->waiting = allocate(recorder, edges, sizeof(*recorder->waiting));
    if (!recorder->starts || !recorder->stages || !recorder->latency || !recorder->processing ||
        !recorder->waiting) {
        return TVN_E_OUT_OF_MEMORY;
    }
    recorder->sink.ops = &ops;
    recorder->stage_count = options->stage_count;
    recorder->edge_count = options->edge_count;
    recorder->start_mask = starts - 1;
    recorder->random = options->seed | 1;
    recorder->mark_sequence = UINT64_MAX;
    recorder->logs = true;
    atomic_store_explicit(&recorder->sample_every, options->sample_every, memory_order_relaxed);
    tvn_recorder_set_level(recorder, options->level);
    *out_recorder = TVN_TAKE(recorder);
    return TVN_OK;
}

struct tvn_event_sink *tvn_recorder_sink(struct tvn_recorder *recorder)
{
    return &recorder->sink;
}

void tvn_recorder_set_stats(struct tvn_recorder *recorder, uint32_t stage,
                            const struct tvn_stage_stats *stats)
{
    tvn_assert(stage < recorder->stage_count && stats);
    recorder->stages[stage].stats = stats;
}

void tvn_recorder_set_tracer(struct tvn_recorder *recorder, struct tvn_tracer *tracer)
{
    recorder->tracer = tracer;
    recorder->logs = false;
}

void tvn_recorder_listen(struct tvn_recorder *recorder,
                         const struct tvn_recorder_listener *listener)
{
    tvn_assert(recorder->listener_count < TVN_RECORDER_LISTENERS_MAX);
    recorder->listeners[recorder->listener_count++] = *listener;
    recorder->logs = false;
}

/* ---- levels and marks ---- */

/* Two threads may set the level at a time. */
static void need_log(struct tvn_recorder *recorder)
{
    if (tvn_recorder_log(recorder)) {
        return;
    }
    struct tvn_call_log *none = NULL;
    struct tvn_call_log *made = tvn_call_log_create();
    if (!atomic_compare_exchange_strong_explicit(&recorder->log, &none, made, memory_order_acq_rel,
                                                 memory_order_acquire)) {
        tvn_call_log_destroy(made);
    }
}

void tvn_recorder_set_level(struct tvn_recorder *recorder, enum tvn_observe_level level)
{
    static const uint32_t masks[TVN_OBSERVE_LEVEL_COUNT] = {
        [TVN_OBSERVE_OFF] = 0,
        [TVN_OBSERVE_PRODUCTION] = TVN_WATCH_EVENTS | TVN_WATCH_SAMPLED,
        [TVN_OBSERVE_DIAGNOSTIC] = TVN_WATCH_EVENTS | TVN_WATCH_CALLS,
    };
    tvn_assert((unsigned)level < TVN_OBSERVE_LEVEL_COUNT);
    if (level == TVN_OBSERVE_DIAGNOSTIC) {
        need_log(recorder);
    }
    atomic_store_explicit(&recorder->level, level, memory_order_relaxed);
    uint32_t mask = atomic_load_explicit(&recorder->sink.mask, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&recorder->sink.mask, &mask,
                                                  masks[level] | (mask & TVN_WATCH_TAPS),
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
}

enum tvn_observe_level tvn_recorder_level(const struct tvn_recorder *recorder)
{
    return (enum tvn_observe_level)atomic_load_explicit(&recorder->level, memory_order_relaxed);
}

void tvn_recorder_set_sample_every(struct tvn_recorder *recorder, uint32_t sample_every)
{
    tvn_assert(sample_every > 0 && sample_every <= TVN_RECORDER_SAMPLE_EVERY_MAX);
    atomic_store_explicit(&recorder->sample_every, sample_every, memory_order_relaxed);
}

uint32_t tvn_recorder_sample_every(const struct tvn_recorder *recorder)
{
    return atomic_load_explicit(&recorder->sample_every, memory_order_relaxed);
}

void tvn_recorder_on_mark(struct tvn_recorder *recorder, tvn_recorder_mark reached, void *context)
{
    recorder->mark = reached;
    recorder->mark_context = context;
}

void tvn_recorder_request_mark(struct tvn_recorder *recorder)
{
    atomic_fetch_add_explicit(&recorder->marks_requested, 1, memory_order_release);
}

void tvn_recorder_mark_at(struct tvn_recorder *recorder, uint64_t sequence)
{
    recorder->mark_sequence = sequence;
    recorder->sink.sample_next = tvn_min(recorder->sink.sample_next, sequence);
}

void tvn_recorder_pace(struct tvn_recorder *recorder, double elements_per_second)
{
    tvn_assert(elements_per_second > 0);
    tvn_assert(tvn_recorder_level(recorder) == TVN_OBSERVE_DIAGNOSTIC);
    recorder->pace_ticks = (double)tvn_ticks_from_ns(UINT64_C(1000000000)) / elements_per_second;
    recorder->logs = false;
}

void tvn_recorder_reset(struct tvn_recorder *recorder)
{
    recorder->reset_ticks = tvn_ticks_now();
    tvn_histogram_reset(recorder->latency);
    for (uint32_t i = 0; i < recorder->stage_count; i++) {
        tvn_histogram_reset(&recorder->processing[i]);
    }
    for (uint32_t i = 0; i < recorder->edge_count; i++) {
        tvn_histogram_reset(&recorder->waiting[i]);
    }
}

enum tvn_status tvn_recorder_attach(struct tvn_recorder *recorder, const struct tvn_intern *intern,
                                    struct tvn_tap *tap)
{
    enum tvn_status status = tvn_tap_attach(&recorder->taps, intern, tap);
    if (status == TVN_OK) {
        atomic_fetch_or_explicit(&recorder->sink.mask, TVN_WATCH_TAPS, memory_order_relaxed);
    }
    return status;
}

void tvn_recorder_detach(struct tvn_recorder *recorder, struct tvn_tap *tap)
{
    if (!tvn_tap_detach(&recorder->taps, tap)) {
        atomic_fetch_and_explicit(&recorder->sink.mask, ~(uint32_t)TVN_WATCH_TAPS,
                                  memory_order_relaxed);
    }
}

/* ---- reading ---- */

const struct tvn_call_log *tvn_recorder_copies(const struct tvn_recorder *recorder)
{
    return tvn_recorder_log(recorder);
}

const struct tvn_histogram *tvn_recorder_latency(const struct tvn_recorder *recorder)
{
    return recorder->latency;
}

const struct tvn_histogram *tvn_recorder_processing(const struct tvn_recorder *recorder,
                                                    uint32_t stage)
{
    tvn_assert(stage < recorder->stage_count);
    return &recorder->processing[stage];
}

const struct tvn_histogram *tvn_recorder_waiting(const struct tvn_recorder *recorder, uint32_t edge)
{
    tvn_assert(edge < recorder->edge_count);
    return &recorder->waiting[edge];
}

uint64_t tvn_recorder_memory_bytes(const struct tvn_recorder *recorder)
{
    return recorder->memory_bytes;
}
