/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a component writes to standard error, made fit for a terminal and a log that others use too:
 * control characters escaped, lines cut, floods dropped and counted.
 *
 * Threads: one at a time. Memory: none of its own. Limits: as below.
 */
#include "base/str.h"
#include "types/flow_stats.h"

#include <stdbool.h>
#include <stdint.h>

/* Bytes of a line without its end, escapes included; a longer one is cut and ends in "…". */
#define TVN_GUEST_LOG_LINE_MAX 1024
/* Lines that may come at once, and that may come a second for ever. */
#define TVN_GUEST_LOG_BURST            1000
#define TVN_GUEST_LOG_LINES_PER_SECOND 100

struct tvn_guest_log {
    const char *name;   /* the node; outlives the log */
    tvn_stat *dropped;  /* lines */
    uint64_t credit_ns; /* a line costs a second's part of it */
    uint64_t seen_ns;   /* when credit was counted last */
    uint64_t untold;    /* lines dropped since the last notice */
    size_t column;      /* bytes of the open line that are shown */
    enum { TVN_GUEST_LOG_FRESH, TVN_GUEST_LOG_OPEN, TVN_GUEST_LOG_CUT, TVN_GUEST_LOG_DROPPED } line;
};

// COLD PATH. now_ns: CLOCK_MONOTONIC, as everywhere here.
void tvn_guest_log_init(struct tvn_guest_log *log, const char *name, tvn_stat *dropped,
                        uint64_t now_ns);
/*
 * WARM PATH. Appends to `out` what is to be shown of the bytes: whole lines, or a piece of one that
 * has no end yet. A notice stands before the first line that comes after dropped ones.
 */
void tvn_guest_log_add(struct tvn_guest_log *log, const char *bytes, size_t length, uint64_t now_ns,
                       struct tvn_strbuf *out);
/* WARM PATH. Nothing more comes: ends an unfinished line, tells what was dropped. */
void tvn_guest_log_end(struct tvn_guest_log *log, struct tvn_strbuf *out);
