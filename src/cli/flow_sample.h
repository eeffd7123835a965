/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a running process says of a flow (GET /flows/{id}), and what follows from two readings.
 *
 * The answer is not trusted: it is taken as a whole or refused. Memory: an arena of the caller's.
 * Limits: below.
 */
#include "base/arena.h"
#include "format/json.h"

#define TVN_SAMPLE_NAME_MAX   128u
#define TVN_SAMPLE_STAGES_MAX 256u
#define TVN_SAMPLE_EDGES_MAX  1024u
#define TVN_SAMPLE_NUMBER_MAX INT64_MAX

struct tvn_stage_sample {
    const char *name;
    const char *role;
    uint64_t invocations;
    uint64_t emitted;
    uint64_t dropped;
    uint64_t failed;
    uint64_t errors;
    uint64_t restarts;
    uint64_t memory_bytes;
    uint64_t timed_calls; /* calls with elements: all of them, sampled ones, or none, by level */
    uint64_t timed_ns;
    double p50_us;
    double p99_us;
};

struct tvn_edge_sample {
    uint32_t from; /* stages */
    uint32_t to;
    const char *port;
    const char *policy;
    uint64_t capacity;
    uint64_t depth;
    uint64_t peak_depth;
    uint64_t transferred;
    uint64_t dropped;
    uint64_t backpressure_events;
    double backpressure_ms;
};

struct tvn_flow_sample {
    const char *id;
    const char *state;
    const char *level;
    uint64_t elements;
    uint64_t delivered;
    uint64_t dropped;
    uint64_t failed;
    uint64_t errors;
    uint64_t copies;
    uint64_t copied_bytes;
    uint64_t now_ns; /* of the reading */
    uint64_t started_ns;
    uint64_t ended_ns; /* 0: not ended */
    uint64_t idle_ns;
    uint64_t sample_every;
    const struct tvn_stage_sample *stages;
    uint32_t stage_count;
    const struct tvn_edge_sample *edges;
    uint32_t edge_count;
};

/* True for what a flow may be called: letters, digits, '_' and '-'. It can stand in a path. */
bool tvn_sample_is_flow_name(struct tvn_str text);

/* COLD PATH. False when something is missing, has another type, or is beyond the limits. Names may
 * hold anything but NUL: escape them. */
bool tvn_flow_sample_read(const struct tvn_json *json, struct tvn_arena *arena,
                          struct tvn_flow_sample *out_sample);

/*
 * Shares of the time between two readings. `busy`: in calls with elements. Exact at level
 * diagnostic; at production the mean of the timed calls times the number of calls, an estimate;
 * below 0: unknown. `blocked`: an output queue that blocks was full and the stage held back.
 * `idle`: the rest, waiting for elements or for its turn.
 */
struct tvn_stage_shares {
    double busy;
    double blocked;
    double idle;
    double mean_us; /* of a timed call; below 0: unknown */
    double per_second;
};

struct tvn_flow_rates {
    double seconds;
    double elements; /* a second, as are all */
    double delivered;
    double dropped;
    double failed;
    double errors;
    double copies;
    double copied_bytes;
    double idle;      /* share of the time in which the flow had nothing to do */
    bool is_estimate; /* of busy */
};

/* True when `later` is a later reading of the same run of the same flow. */
bool tvn_flow_sample_follows(const struct tvn_flow_sample *earlier,
                             const struct tvn_flow_sample *later);
/* `earlier` NULL: since the start. */
void tvn_flow_rates(const struct tvn_flow_sample *earlier, const struct tvn_flow_sample *later,
                    struct tvn_flow_rates *out_rates);
void tvn_stage_shares(const struct tvn_flow_sample *earlier, const struct tvn_flow_sample *later,
                      uint32_t stage, struct tvn_stage_shares *out_shares);
double tvn_edge_rate(const struct tvn_flow_sample *earlier, const struct tvn_flow_sample *later,
                     uint32_t edge);
