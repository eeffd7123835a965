/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Runs the flow of a host under load and measures it.
 *
 * Life: tvn_host_create (output_fd to nowhere, limit = warm-up + iterations when both are in
 * elements) → tvn_bench_create → tvn_bench_run instead of tvn_host_run → read the report → destroy
 * the bench, then the host. Threads: as the host's.
 *
 * The window begins and ends with a pull, or with the end of the flow; sources wait there until
 * nothing is under way, so that all counts are those of its elements.
 *
 * Every 20 ms or less often, so that it takes a fiftieth of the time at most, the flow's thread
 * measures the machine's pace while nothing is under way; that time does not count. Not at a given
 * rate: elements would be late.
 */
#include "host/bench_pace.h"
#include "host/host.h"
#include "observability/bench.h"

#define TVN_BENCH_ROUNDS_DEFAULT 10
/* Level PRODUCTION times so many elements that it costs about this part of the time; beyond, all
 * are timed. */
#define TVN_BENCH_TIMING_SHARE 0.02

struct tvn_bench_options {
    uint64_t warmup_ns; /* either of the two; both 0: none */
    uint64_t warmup_elements;
    uint64_t duration_ns; /* exactly one of the two */
    uint64_t iterations;
    double rate;     /* elements a second; 0: as fast as possible */
    uint32_t rounds; /* 1 to TVN_BENCH_ROUNDS_MAX */
};

struct tvn_bench;

// COLD PATH. TVN_E_OUT_OF_MEMORY with a diagnostic. The host outlives the bench.
TVN_NODISCARD enum tvn_status tvn_bench_create(struct tvn_host *host,
                                               const struct tvn_bench_options *options,
                                               struct tvn_diag_sink *sink,
                                               struct tvn_bench **out_bench);
void tvn_bench_destroy(struct tvn_bench *bench);
TVN_DEFINE_CLEANUP(tvn_bench, tvn_bench_destroy)

/* The run's status and report as from tvn_host_run; *out_measured is borrowed from the bench.
 * Without a single measured element its `elements` is 0. */
TVN_NODISCARD enum tvn_status tvn_bench_run(struct tvn_bench *bench, struct tvn_diag_sink *sink,
                                            struct tvn_run_report *out_run,
                                            const struct tvn_bench_report **out_measured);
/* Of the machine, beside the rounds of that report; without rounds when none was measured. */
const struct tvn_bench_pace *tvn_bench_pace(const struct tvn_bench *bench);
