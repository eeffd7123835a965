/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Stages without a guest, so that a benchmark measures what is around them. */
#include "base/histogram.h"
#include "resources/resources.h"
#include "types/flow_stats.h"
#include "types/invoker.h"

#include <stdatomic.h>

/*
 * Source of `left` elements: with `fd` (an eventfd) one each time that it is found readable, else
 * as fast as it is asked for them. Ends when they are used up, or once `stop` is set.
 */
struct bench_source {
    struct tvn_invoker invoker;
    int fd; /* -1: none */
    uint64_t left;
    uint32_t payload_bytes; /* 0: none */
    uint32_t spin;          /* rounds of work for each element */
    struct tvn_magazine *const *magazine;
    _Atomic bool stop;
    _Atomic bool waits; /* it was asked and had nothing */
    bool is_empty;      /* the last pull took what was there */
};

/* Hands its input on. */
struct bench_relay {
    struct tvn_invoker invoker;
};

/* Counts; with `posted_ns` also the time since then. */
struct bench_sink {
    struct tvn_invoker invoker;
    tvn_stat delivered;
    const _Atomic uint64_t *posted_ns; /* NULL: no times */
    struct tvn_histogram *times;       /* of the calling thread's flows only */
    tvn_stat worst_ns;
};

void bench_source_init(struct bench_source *source);
void bench_relay_init(struct bench_relay *relay);
void bench_sink_init(struct bench_sink *sink);
