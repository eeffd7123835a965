/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Runs flows of a project from manifest to summary: startup order, signals, drain.
 *
 * Life: create (Ready: manifest read, flows linked, components compiled and instantiated; nothing
 * has run but their start functions) → run (Running → ShuttingDown → Stopped) → read the reports →
 * destroy. Threads: create, run and destroy on one thread. run starts the workers that drive the
 * flows and keeps the calling thread for signals, timers and the observer. SIGINT, SIGTERM and
 * SIGHUP are taken over while run is active.
 */
#include "config/manifest.h"
#include "engine/compile.h"
#include "linker/link.h"
#include "reactor/flow.h"
#include "resources/resources.h"

enum tvn_host_state { TVN_HOST_READY, TVN_HOST_RUNNING, TVN_HOST_SHUTTING_DOWN, TVN_HOST_STOPPED };
const char *tvn_host_state_name(enum tvn_host_state state); /* "ShuttingDown" */

/* Steps of starting, as the log tells them. */
enum tvn_host_step {
    TVN_HOST_STEP_LOADED, /* manifest read */
    TVN_HOST_STEP_LINKED,
    TVN_HOST_STEP_INSTANTIATED,
};

struct tvn_host;

struct tvn_host_options {
    const char *manifest_path; /* NULL: ./Torvyn.toml */
    struct tvn_config_options config;
    struct tvn_link_options link;
    const char *const *flows; /* names, instead of link.flow; none: the first of the manifest */
    size_t flow_count;
    bool all_flows;            /* instead of naming them */
    uint64_t limit;            /* elements that each flow pulls; 0: no limit */
    uint64_t timeout_ns;       /* of each flow; 0: its deadline_ms */
    uint64_t payload_bytes;    /* of the built-in generator's elements; 0: as long as its text */
    int output_fd;             /* pipeline output: 1, or 2 */
    uint64_t observe_every_ns; /* between two calls of the observer; 0: a tenth of a second */
    bool inspect;              /* serve the inspection API while flows run */
    bool telemetry;            /* export it as [observability] says */
    /* Optional; called as each step of creating is done, on the creating thread. */
    void (*step_done)(void *context, enum tvn_host_step step, const struct tvn_host *host);
    void *step_context;
    /*
     * The program that compiles components within limits, and who wants to hear of it
     * (engine/compile.h). Its main begins with tvn_host_compiler_is_asked; "/proc/self/exe" is this
     * one. NULL: compiled in this process, without limits.
     */
    const char *compiler;
    void (*compiling)(void *context, const struct tvn_compile_progress *progress); /* optional */
    void *compiling_context;
};

/* For main: this process was started to compile for another; it does that and nothing else. */
bool tvn_host_compiler_is_asked(int argc, const char *const *argv);
int tvn_host_compiler_main(void);

// COLD PATH. Everything that can be refused before the first element is refused here.
TVN_NODISCARD enum tvn_status tvn_host_create(const struct tvn_host_options *options,
                                              struct tvn_diag_sink *sink,
                                              struct tvn_host **out_host);
void tvn_host_destroy(struct tvn_host *host);
TVN_DEFINE_CLEANUP(tvn_host, tvn_host_destroy)

const struct tvn_manifest *tvn_host_manifest(const struct tvn_host *host);
/* COLD PATH. E0702 when `path`, which `flag` names and the caller is about to write, is the
 * manifest, or a file that one of the flows is made of, reads or writes. */
TVN_NODISCARD enum tvn_status tvn_host_check_output(const struct tvn_host *host, const char *flag,
                                                    const char *path, struct tvn_diag_sink *sink);
uint32_t tvn_host_flow_count(const struct tvn_host *host); /* 0 before LINKED */
/* In the order in which they were named, or stand in the manifest; NULL before LINKED. */
const struct tvn_link *tvn_host_flow_link(const struct tvn_host *host, uint32_t flow);
const struct tvn_link *tvn_host_link(const struct tvn_host *host); /* of the first one */
enum tvn_host_state tvn_host_state(const struct tvn_host *host);

/* Times of the flow's calls, at the level that the configuration says; the level may be changed. */
struct tvn_recorder *tvn_host_flow_recorder(const struct tvn_host *host, uint32_t flow);
struct tvn_recorder *tvn_host_recorder(const struct tvn_host *host); /* of the first one */
/* The first flow's shape for observers. */
const struct tvn_graph *tvn_host_graph(const struct tvn_host *host);
/* Any thread, while flows run: sources are pulled no more, what is queued is delivered. */
void tvn_host_drain(struct tvn_host *host);
/* Any thread: the first flow is to end at once, nobody need wait for anything. */
bool tvn_host_is_cancelled(const struct tvn_host *host);

/* On the thread that runs: the first signal of the run, also one that came too late to end a flow;
 * 0. Whoever has asked for an end waits for nobody. */
int tvn_host_signal(const struct tvn_host *host);

/* What a run did. */
struct tvn_stage_report {
    const char *name;
    enum tvn_role role;
    uint64_t invocations;
    uint64_t emitted;
    uint64_t dropped;
    uint64_t failed;
    uint64_t absorbed;
    uint64_t flushed;
    uint64_t dead_lettered; /* part of failed */
    uint64_t errors;
    uint64_t restarts;
    uint64_t log_lines_dropped; /* of its standard error */
    uint64_t copies[TVN_COPY_REASON_COUNT];
    uint64_t copy_bytes[TVN_COPY_REASON_COUNT];
    uint64_t produced_bytes;
};
struct tvn_stream_report {
    const char *from;
    const char *to;
    uint64_t transferred;
    uint64_t depth;
    uint64_t depth_peak;
    uint64_t backpressure_events;
    uint64_t backpressure_ns;
    uint64_t suspend_ns; /* from a full queue to its producer suspended and told, over all times */
};
/* At the end pulled + forked + flushed = delivered + dropped + absorbed + failed. */
struct tvn_run_report {
    const char *flow;
    uint32_t index;         /* of the flow in the host */
    enum tvn_status status; /* why it failed; TVN_OK after a clean end, also after a drain */
    enum tvn_flow_state state;
    uint64_t pulled;
    uint64_t forked;  /* records beyond the first of an element that several edges got */
    uint64_t flushed; /* put out by aggregators at their end */
    uint64_t delivered;
    uint64_t dropped;       /* by filters, routers, processors and queues' policies */
    uint64_t absorbed;      /* taken in by aggregators */
    uint64_t failed;        /* ended by an error, or what was left when the flow failed */
    uint64_t dead_lettered; /* part of failed */
    uint64_t duration_ns;
    uint64_t copies[TVN_COPY_REASON_COUNT];
    uint64_t copy_bytes[TVN_COPY_REASON_COUNT];
    uint64_t produced_bytes; /* payload bytes that sources and processors made */
    const struct tvn_stage_report *stages;
    uint32_t stage_count;
    const struct tvn_stream_report *streams;
    uint32_t stream_count;
    int signal; /* SIGINT, SIGTERM or SIGHUP that ended the flow; 0 */
};

/* Called about ten times a second, or as the host's options say, on the calling thread while flows
 * run, with the sum of all; optional. */
typedef void (*tvn_host_observer)(void *context, const struct tvn_run_report *report);

/*
 * COLD PATH. Runs all flows to their ends. A first SIGINT, SIGTERM or SIGHUP drains: sources are
 * pulled no more, what is queued is delivered. After drain_timeout_ms no call begins any more,
 * after cancel_grace_ms or at a second signal running calls are interrupted; what is not at its end
 * cancel_trap_ms later is abandoned, and destroying the host then frees nothing.
 *
 * Writes a report for each flow in any case. E0400, E0402, E0410 … with one diagnostic per failed
 * flow that says which node failed and why; the status is that of the first one that failed, TVN_OK
 * when all ended well.
 */
TVN_NODISCARD enum tvn_status tvn_host_run(struct tvn_host *host, tvn_host_observer observer,
                                           void *observer_context, struct tvn_diag_sink *sink,
                                           struct tvn_run_report *out_reports);
