/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A scripted stage and a virtual world for tests of the reactor. Without a script a source emits
 * `count` elements and ends, a processor makes a new payload for each element, a filter accepts, a
 * router names `ports`, an aggregator absorbs and puts `flush_count` elements out at the end, a
 * sink delivers. A script sees every call first and may answer itself. With MOCK_ROWS in the
 * environment all mocks take calls in a row, which must make no difference.
 */
#include "base/compiler.h"
#include "reactor/flow.h"
#include "resources/resources.h"
#include "types/invoker.h"

#define MOCK_ENTRY_COUNT  (TVN_ENTRY_TEARDOWN + 1)
#define MOCK_ENTRY(entry) (1u << (unsigned)(entry))
#define MOCK_LOG_MAX      4096
#define MOCK_STAGES_MAX   24
#define MOCK_EDGES_MAX    1024

struct mock_invoker;

/* Returns true when it answered: *out_outcome is then the outcome. */
typedef bool (*mock_script)(struct mock_invoker *mock, enum tvn_entry entry, struct tvn_call *call,
                            enum tvn_outcome *out_outcome);

/* Time that only moves when a call costs some or a test says so. */
struct mock_world {
    uint64_t now_ns;
    uint64_t wall_offset_ns;
    uint64_t clock_reads;
    struct tvn_resources *resources;
    struct tvn_magazine *magazine;
    /* Every call of every stage, in order. */
    struct {
        const struct mock_invoker *mock;
        enum tvn_entry entry;
        uint64_t sequence; /* of the element in work */
    } log[MOCK_LOG_MAX];
    uint32_t log_count;
    bool logging;
};

struct mock_invoker {
    struct tvn_invoker invoker;
    struct tvn_invoker_ops ops;
    struct mock_world *world;
    unsigned entries; /* optional ones: MOCK_ENTRY bits */
    mock_script script;
    void *script_data;
    uint64_t cost_ns; /* of each call */
    uint64_t count;   /* source: elements before END */
    uint64_t made;
    uint32_t payload_bytes; /* source and processor; 0: no payload */
    bool pass_through;      /* processor: hands its input's payload on */
    uint64_t ports;         /* router: 1 unless told otherwise */
    uint64_t flush_count;   /* aggregator: elements at the end */
    uint64_t flushed;
    int fd; /* of wait_fd; -1 */
    short events;
    enum tvn_outcome idle_outcome;
    uint32_t idle_calls;
    enum tvn_outcome restart_outcome;     /* of mock_invoker_can_restart; EMIT */
    enum tvn_process_error restart_error; /* of ERROR */
    uint64_t restarts;
    uint64_t rows; /* times that it was asked for one */
    bool between;  /* two calls of a row: it must be left alone */
    uint64_t calls[MOCK_ENTRY_COUNT];
    uint64_t delivered;
    uint64_t last_sequence; /* of what a sink got */
    uint64_t last_timestamp_ns;
    enum tvn_signal last_signal; /* of NOTIFY */
    struct tvn_stage_stats stats;
};

/* With resources of the given policy; asserts success. */
void mock_world_init(struct mock_world *world);
/* Asserts that every buffer came back. */
void mock_world_deinit(struct mock_world *world);
struct tvn_env mock_world_env(struct mock_world *world);

void mock_invoker_init(struct mock_invoker *mock, enum tvn_role role, struct mock_world *world);

/* Gives it the operation invoke_row, as MOCK_ROWS does. */
void mock_invoker_takes_rows(struct mock_invoker *mock);

/* Gives it the operation restart. */
void mock_invoker_can_restart(struct mock_invoker *mock);

/* A flow of mocks. */
struct mock_flow {
    struct mock_world world;
    struct mock_invoker stages[MOCK_STAGES_MAX];
    struct tvn_stage_options stage_options[MOCK_STAGES_MAX];
    struct tvn_edge_options edge_options[MOCK_EDGES_MAX];
    struct tvn_stream_stats streams[MOCK_EDGES_MAX];
    struct tvn_flow_stats stats;
    tvn_stop_flag stop;
    tvn_pause_flag pause;
    struct tvn_flow_options options;
    struct tvn_flow *flow;
    struct tvn_flow_wait wait;
    uint64_t turns;
    uint64_t idles;
};

/* A path. roles: "spfrak" = source, processor, filter, router, aggregator, sink. 64 elements of 16
 * bytes, default options. */
void mock_flow_init(struct mock_flow *mock, const char *roles);
/* The same with these edges: "0-1 0-2:5" leads from stage 0 to 1 and, by port 5, to 2. */
void mock_flow_init_graph(struct mock_flow *mock, const char *roles, const char *edges);
void mock_flow_deinit(struct mock_flow *mock);
/* Creates and starts; asserts TVN_OK. */
void mock_flow_start(struct mock_flow *mock);
enum tvn_flow_turn mock_flow_turn(struct mock_flow *mock);
/*
 * Runs until DONE; an idle flow's time jumps to its wake. Returns false if that takes more than
 * turns_max turns or the flow waits for a descriptor only.
 */
bool mock_flow_finish(struct mock_flow *mock, uint64_t turns_max);
/* pulled + forked + flushed = delivered + dropped + failed + absorbed + queued. */
bool mock_flow_conserves(const struct mock_flow *mock);
