/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Looks at the elements of one edge of a running flow: the flow's thread copies the beginnings of
 * sampled elements into a ring of fixed size, somebody else takes them out. A full ring loses what
 * does not fit and counts it; the flow never waits.
 *
 * Life of a tap: create → attach to a board → next, again and again → detach → destroy. A board
 * holds the taps of one flow.
 *
 * Threads: offer on the flow's thread; everything else on one other thread at a time. A tap's
 * counters may be read by any. Memory: create allocates everything. Limits:
 * TVN_TAPS_MAX taps a board, TVN_TAP_BYTES_MAX bytes of an element, TVN_TAP_SLOTS elements in the
 * ring. What is copied here is no copy of the pipeline: it is counted in `copied_bytes` only.
 */
#include "base/compiler.h"
#include "base/status.h"
#include "types/event_sink.h"
#include "types/flow_stats.h"
#include "types/intern.h"

#define TVN_TAPS_MAX       4u
#define TVN_TAP_SLOTS      256u /* a power of two */
#define TVN_TAP_BYTES_MAX  4096u
#define TVN_TAP_SAMPLE_MAX (1u << 20)
#define TVN_TAP_TYPE_MAX   TVN_CONTENT_TYPE_MAX

struct tvn_tap_options {
    uint32_t edge;
    uint32_t sample_every; /* 1 to TVN_TAP_SAMPLE_MAX: one element of so many */
    uint32_t bytes;        /* at most TVN_TAP_BYTES_MAX of an element's payload */
    uint64_t limit;        /* elements; 0: no limit. Then the rest is not even counted */
};

struct tvn_tap_counts {
    tvn_stat seen;         /* elements that passed */
    tvn_stat taken;        /* sampled and put into the ring */
    tvn_stat lost;         /* sampled, but the ring was full */
    tvn_stat copied_bytes; /* of payloads, into the ring */
};

/* What was copied of an element; valid until the next call of tvn_tap_next. */
struct tvn_tap_element {
    uint64_t sequence;
    uint64_t timestamp_ns;
    uint64_t length; /* of the payload */
    struct tvn_str content_type;
    const uint8_t *bytes;
    uint32_t copied; /* of `bytes` */
};

struct tvn_tap;

// COLD PATH. TVN_E_CONSTRAINT_VIOLATION for options beyond the limits, TVN_E_OUT_OF_MEMORY.
TVN_NODISCARD enum tvn_status tvn_tap_create(const struct tvn_tap_options *options,
                                             struct tvn_tap **out_tap);
/* Must not be attached. NULL is allowed. */
void tvn_tap_destroy(struct tvn_tap *tap);
TVN_DEFINE_CLEANUP(tvn_tap, tvn_tap_destroy)

/* HOT PATH. The oldest element that was not taken yet; false when there is none. */
bool tvn_tap_next(struct tvn_tap *tap, struct tvn_tap_element *out_element);
const struct tvn_tap_counts *tvn_tap_counts(const struct tvn_tap *tap);
/* True when the limit is reached: nothing more will come. */
bool tvn_tap_is_over(const struct tvn_tap *tap);

/* Embedded by who drives the taps of a flow; zeroed at first. */
struct tvn_tap_board {
    _Atomic uint32_t in_use; /* by the flow's thread */
    _Atomic(struct tvn_tap *) taps[TVN_TAPS_MAX];
};

// COLD PATH. TVN_FULL when the board has no place. `intern` is the flow's and is read on its
// thread.
TVN_NODISCARD enum tvn_status tvn_tap_attach(struct tvn_tap_board *board,
                                             const struct tvn_intern *intern, struct tvn_tap *tap);
/* COLD PATH. Returns when the flow's thread does not use the tap any more, at once or after the
 * copying of one vector. Returns whether taps are left. */
bool tvn_tap_detach(struct tvn_tap_board *board, struct tvn_tap *tap);
/* HOT PATH. On the flow's thread: elements of an edge. Those that no tap samples cost nothing each.
 */
void tvn_tap_offer(struct tvn_tap_board *board, const struct tvn_tapped *tapped);
