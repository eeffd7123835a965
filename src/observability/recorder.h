/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Measures one flow: the event sink that times calls, and through which traces and benchmarks hear
 * of them.
 *
 * Levels: OFF watches nothing. PRODUCTION times the calls of sampled elements, one of sample_every
 * on average, at random distances, so that vectors and periodic work do not bias it. DIAGNOSTIC
 * times every call. Counters are exact at every level; they are not kept here.
 *
 * Times: processing of a stage is the time of its element calls (pull, process, evaluate, route,
 * ingest, flush, push) that did not end with "nothing now" or "no more". At level DIAGNOSTIC, if
 * there is neither a listener nor a tracer nor a pace, the clock is read once a call: a call begins
 * when the one before it in its vector has ended, so that what the reactor does between the two,
 * some tens of nanoseconds, counts with the second one; histograms get the calls of a vector, and
 * readers of copies see them, when it is over, or after TVN_CALL_LOG_MAX of them. Waiting of an
 * edge is from the end of the call that put the element out to the beginning of the call that takes
 * it. Latency is from the beginning of the pull to the end of an accepted push, once per sink.
 *
 * Threads: the flow's thread is the writer; level and marks may be asked for, histograms read, by
 * any thread. Memory:  create allocates everything. Limits:  TVN_RECORDER_LISTENERS_MAX listeners;
 * latency is known for elements at most `in_flight` pulls old.
 */
#include "base/histogram.h"
#include "observability/copy_ledger.h"
#include "observability/tap.h"
#include "types/event_sink.h"
#include "types/flow_stats.h"

enum tvn_observe_level { TVN_OBSERVE_OFF, TVN_OBSERVE_PRODUCTION, TVN_OBSERVE_DIAGNOSTIC };
#define TVN_OBSERVE_LEVEL_COUNT 3
const char *tvn_observe_level_name(enum tvn_observe_level level); /* "production" */

#define TVN_RECORDER_LISTENERS_MAX    4
#define TVN_RECORDER_SAMPLE_EVERY     64
#define TVN_RECORDER_SAMPLE_EVERY_MAX (1u << 20)
#define TVN_RECORDER_IN_FLIGHT_MAX    (1u << 16)

/* A watched call after its end; valid while a listener is told. */
struct tvn_call_record {
    const struct tvn_watched *watched;
    const struct tvn_call *call; /* outputs, ports, signal */
    enum tvn_outcome outcome;
    uint64_t begin_ticks;
    uint64_t end_ticks;
    uint64_t wait_ns;    /* in the queue before; 0: unknown or none */
    uint64_t latency_ns; /* of an accepted push of an element whose pull was watched; else 0 */
    uint64_t copies[TVN_COPY_REASON_COUNT]; /* made by this call */
    uint64_t copy_bytes[TVN_COPY_REASON_COUNT];
};

/* Either function may be NULL. On the flow's thread; must not block for long. */
struct tvn_recorder_listener {
    void (*call)(void *context, const struct tvn_call_record *record);
    void (*event)(void *context, const struct tvn_event *event);
    void *context;
};

struct tvn_recorder_options {
    uint32_t stage_count;
    uint32_t edge_count;
    enum tvn_observe_level level;
    uint32_t sample_every; /* 1 to TVN_RECORDER_SAMPLE_EVERY_MAX */
    uint32_t in_flight;    /* elements between source and sink, at most; more are not wrong, only
                              without latency */
    uint64_t seed;         /* of the choice of samples */
};

struct tvn_recorder;
struct tvn_tracer;

// COLD PATH. TVN_E_CONSTRAINT_VIOLATION for counts or limits of 0, TVN_E_OUT_OF_MEMORY.
TVN_NODISCARD enum tvn_status tvn_recorder_create(const struct tvn_recorder_options *options,
                                                  struct tvn_recorder **out_recorder);
void tvn_recorder_destroy(struct tvn_recorder *recorder);
TVN_DEFINE_CLEANUP(tvn_recorder, tvn_recorder_destroy)

/* What tvn_flow_options.events takes. */
struct tvn_event_sink *tvn_recorder_sink(struct tvn_recorder *recorder);
/* COLD PATH. Where the copies of a stage are counted; for each stage, before the flow starts.
 * Outlives the recorder. */
void tvn_recorder_set_stats(struct tvn_recorder *recorder, uint32_t stage,
                            const struct tvn_stage_stats *stats);

/* COLD PATH. Before the flow starts: who makes spans of what is watched; outlives the flow. */
void tvn_recorder_set_tracer(struct tvn_recorder *recorder, struct tvn_tracer *tracer);

/* COLD PATH. Before the flow starts. */
void tvn_recorder_listen(struct tvn_recorder *recorder,
                         const struct tvn_recorder_listener *listener);

/* WARM PATH. Any thread; holds from the next vector on. The first time that it is DIAGNOSTIC the
 * log of calls is made. */
void tvn_recorder_set_level(struct tvn_recorder *recorder, enum tvn_observe_level level);
enum tvn_observe_level tvn_recorder_level(const struct tvn_recorder *recorder);
/* Any thread. Of PRODUCTION: one element of so many. */
void tvn_recorder_set_sample_every(struct tvn_recorder *recorder, uint32_t sample_every);
uint32_t tvn_recorder_sample_every(const struct tvn_recorder *recorder);

/*
 * A mark: `reached` is called on the flow's thread, before the first watched pull after
 * tvn_recorder_request_mark (any thread), or before the pull of the element that
 * tvn_recorder_mark_at names. `sequence` is that pull's. There the recorder may be reset. False:
 * not yet; sources wait, the rest of the flow goes on, and it is called again soon.
 */
typedef bool (*tvn_recorder_mark)(void *context, uint64_t sequence);
/* Before the flow starts. */
void tvn_recorder_on_mark(struct tvn_recorder *recorder, tvn_recorder_mark reached, void *context);
void tvn_recorder_request_mark(struct tvn_recorder *recorder);
void tvn_recorder_mark_at(struct tvn_recorder *recorder,
                          uint64_t sequence); /* before the flow starts, or at a mark */
/* At a mark: histograms are empty; what was pulled before has no latency. */
void tvn_recorder_reset(struct tvn_recorder *recorder);

/*
 * Lets the sources give at most so many elements a second, evenly; from the first pull on, before
 * the flow starts. An element's latency then counts from when it was due, also if the flow was not
 * ready for it: a stall hits all elements that were due meanwhile (no coordinated omission). Only
 * at level DIAGNOSTIC.
 */
void tvn_recorder_pace(struct tvn_recorder *recorder, double elements_per_second);

/*
 * Any one thread at a time; at every level. A tap that is attached sees the elements of its edge
 * from the next vector on. TVN_FULL beyond TVN_TAPS_MAX.
 */
TVN_NODISCARD enum tvn_status tvn_recorder_attach(struct tvn_recorder *recorder,
                                                  const struct tvn_intern *intern,
                                                  struct tvn_tap *tap);
/* The tap is the caller's alone when this returns. */
void tvn_recorder_detach(struct tvn_recorder *recorder, struct tvn_tap *tap);

/* What the flow's last copies are read from (copy_ledger.h); NULL if the level was never
 * DIAGNOSTIC, or memory was exhausted. Lives as long as the recorder. */
const struct tvn_call_log *tvn_recorder_copies(const struct tvn_recorder *recorder);
const struct tvn_histogram *tvn_recorder_latency(const struct tvn_recorder *recorder);
const struct tvn_histogram *tvn_recorder_processing(const struct tvn_recorder *recorder,
                                                    uint32_t stage);
const struct tvn_histogram *tvn_recorder_waiting(const struct tvn_recorder *recorder,
                                                 uint32_t edge);
/* What the recorder itself takes, in bytes. */
uint64_t tvn_recorder_memory_bytes(const struct tvn_recorder *recorder);
