/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a flow did last: records of the spans that nobody has asked for yet. The oldest ones are
 * overwritten; when something goes wrong the rest is taken out and exported after all.
 *
 * Threads: one, the flow's. Memory: create allocates everything. Limits: the given capacity, at
 * most TVN_SPAN_RING_MAX.
 */
#include "types/event_sink.h"
#include "types/flow_stats.h"

#define TVN_SPAN_RING_MAX 65536

enum tvn_span_record_kind {
    TVN_SPAN_OF_CALL,
    TVN_SPAN_OF_ELEMENT, /* comes after all of its calls */
};

/* How an element ended. */
enum tvn_element_end {
    TVN_ELEMENT_DONE,      /* delivered, filtered, failed: the calls tell */
    TVN_ELEMENT_EVICTED,   /* a full queue's policy dropped a record of it */
    TVN_ELEMENT_DISCARDED, /* the flow ended with it in a queue */
    TVN_ELEMENT_LOST,      /* more are under way than can be followed */
};

/* A span in the making; times in ticks. */
struct tvn_span_record {
    uint64_t sequence;
    uint64_t begin_ticks;
    uint64_t end_ticks;
    uint8_t trace_id[16];
    uint8_t kind;                /* enum tvn_span_record_kind */
    uint8_t entry;               /* CALL: enum tvn_entry */
    uint8_t outcome;             /* CALL: enum tvn_outcome */
    uint8_t end;                 /* ELEMENT: enum tvn_element_end */
    bool has_output;             /* CALL */
    bool is_untimed;             /* begin and end are when it was heard of */
    bool has_details;            /* CALL: the following were recorded (level DIAGNOSTIC) */
    bool is_errored;             /* ELEMENT */
    bool is_promoted;            /* ELEMENT: exported because of a promotion */
    bool is_of_flow;             /* CALL: of no element; in the flow's trace */
    uint32_t stage;              /* CALL */
    uint32_t edge;               /* CALL: it came through; TVN_EVENT_NOWHERE */
    uint64_t wait_ns;            /* CALL: in the queue before */
    uint64_t parent_id;          /* ELEMENT: of the incoming context, its 8 bytes; 0: none */
    uint64_t depth;              /* details: of the queue that it was taken from */
    struct tvn_buffer_id input;  /* details */
    struct tvn_buffer_id output; /* details */
    uint32_t copies[TVN_COPY_REASON_COUNT]; /* details */
    uint64_t copy_bytes[TVN_COPY_REASON_COUNT];
};
static_assert(sizeof(struct tvn_span_record) == 152, "a flow has dozens by default");

struct tvn_span_ring;

// COLD PATH. NULL: no memory. `capacity` from 1.
struct tvn_span_ring *tvn_span_ring_create(uint32_t capacity);
void tvn_span_ring_destroy(struct tvn_span_ring *ring);
/* HOT PATH. A record to fill, not cleared; the oldest one if the ring is full. */
struct tvn_span_record *tvn_span_ring_add(struct tvn_span_ring *ring);
/* WARM PATH. Takes the oldest one out; valid until the next add. NULL: the ring is empty. */
struct tvn_span_record *tvn_span_ring_take(struct tvn_span_ring *ring);
uint32_t tvn_span_ring_count(const struct tvn_span_ring *ring);
