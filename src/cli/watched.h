/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Readings of all flows of all processes that can be inspected, the last two of each.
 *
 * Life: init → read, again and again → deinit. Memory: two arenas in turn. Limits:
 * TVN_WATCHED_FLOWS_MAX flows; those beyond are counted.
 */
#include "cli/flow_sample.h"
#include "host/peers.h"

#define TVN_WATCHED_FLOWS_MAX 256u

struct tvn_watched_flow {
    uint32_t peer; /* of the reading */
    struct tvn_flow_sample sample;
};

struct tvn_watched_reading {
    struct tvn_arena *arena;
    struct tvn_peers peers;
    const char *why[TVN_PEERS_MAX]; /* a peer that could not be read: what was wrong; else NULL */
    struct tvn_watched_flow flows[TVN_WATCHED_FLOWS_MAX];
    uint32_t flow_count;
    uint32_t left_out;
};

struct tvn_watched_flows {
    struct tvn_watched_reading *last; /* NULL before the first reading */
    struct tvn_watched_reading *before;
};

/* COLD PATH. `flow` NULL: all; `pid` 0: all. E0004, E0011: then nothing changed. */
TVN_NODISCARD enum tvn_status tvn_watched_read(struct tvn_watched_flows *watched, const char *flow,
                                               uint64_t pid, struct tvn_diag_sink *sink);
/* Which process of the last reading gave no answer, and why, in `text`; NULL when all did. */
const char *tvn_watched_problem(const struct tvn_watched_flows *watched, struct tvn_strbuf *text);
/* The reading before of this flow of the last one; NULL when there is none. */
const struct tvn_flow_sample *tvn_watched_earlier(const struct tvn_watched_flows *watched,
                                                  uint32_t flow);
void tvn_watched_flows_deinit(struct tvn_watched_flows *watched);
TVN_DEFINE_CLEANUP_VALUE(tvn_watched_flows, tvn_watched_flows_deinit)
