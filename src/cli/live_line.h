/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One line of a terminal (standard error) that is rewritten while something runs: "loading …" of a
 * start that takes longer than a second, then the counters of the run.
 *
 * Life: init → start_begin → start_end → update (about ten times a second) → clear.
 * Threads: one, besides the timer's own, which lives from start_begin to start_end.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define TVN_LIVE_SAMPLES 10 /* the throughput is that of the last second */

struct tvn_run_report;

struct tvn_live_line {
    bool enabled;
    bool drawn;
    bool timing; /* the timer's thread runs */
    bool loaded; /* guarded by lock */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    uint64_t pulled[TVN_LIVE_SAMPLES];
    uint64_t at_ns[TVN_LIVE_SAMPLES]; /* of the run */
    unsigned sample_count;
};

/* `enabled` false: nothing is ever written. */
void tvn_live_line_init(struct tvn_live_line *live, bool enabled);
void tvn_live_line_start_begin(struct tvn_live_line *live);
void tvn_live_line_start_end(struct tvn_live_line *live);
/* A tvn_host_observer; the context is the line. */
void tvn_live_line_update(void *context, const struct tvn_run_report *report);
void tvn_live_line_clear(struct tvn_live_line *live);
