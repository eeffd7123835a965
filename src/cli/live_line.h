/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One line of a terminal (standard error) that is rewritten while something runs: what a start that
 * takes longer than a second is compiling, the counters of a run, what a build's tools print.
 *
 * Life: init → show (at will) → clear → update (about ten times a second) → clear. Threads: one.
 */
#include <stdbool.h>
#include <stdint.h>

#define TVN_LIVE_SAMPLES 10 /* the throughput is that of the last second */

struct tvn_run_report;
struct tvn_strbuf;

struct tvn_live_line {
    bool enabled;
    bool drawn;
    uint64_t pulled[TVN_LIVE_SAMPLES];
    uint64_t at_ns[TVN_LIVE_SAMPLES]; /* of the run */
    unsigned sample_count;
};

/* `enabled` false: nothing is ever written. */
void tvn_live_line_init(struct tvn_live_line *live, bool enabled);
/* Any text without control characters. */
void tvn_live_line_show(struct tvn_live_line *live, const struct tvn_strbuf *text);
/* A tvn_host_observer; the context is the line. */
void tvn_live_line_update(void *context, const struct tvn_run_report *report);
void tvn_live_line_clear(struct tvn_live_line *live);
