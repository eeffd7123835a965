/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "host/host.h"
#include "host/inspection_tcp.h"
#include "observability/graph.h"
#include "observability/recorder.h"
#include "observability/span_json.h"
#include "pipeline/pipeline.h"
#include "types/trace_context.h"
#include "workers/workers.h"

/* How far a flow has been stopped; each step comes when the one before did not help in time. */
enum tvn_host_stop {
    TVN_HOST_STOP_NONE,
    TVN_HOST_STOP_DRAIN,     /* for drain_timeout_ms; also: the flow's own deadline is watched */
    TVN_HOST_STOP_CANCEL,    /* no call begins, the one under way may end: cancel_grace_ms */
    TVN_HOST_STOP_INTERRUPT, /* the call is cut: cancel_trap_ms */
    TVN_HOST_STOP_ABANDON,   /* what it holds is given up with the process */
};

/* One flow of the host; never moves. */
struct tvn_host_flow {
    struct tvn_host *host;
    struct tvn_link *link;
    struct tvn_recorder *recorder;
    struct tvn_tracer *tracer; /* NULL: no spans */
    struct tvn_trace_ids trace_ids;
    struct tvn_graph graph; /* stages and edges are owned */
    struct tvn_pipeline *pipeline;
    struct tvn_magazine *magazine; /* of the thread that has the pipeline now */
    struct tvn_stop_control stop;
    struct tvn_task *task;
    uint64_t deadline_ns; /* from its start; 0: none */
    bool started;         /* the worker's */
    atomic_bool done;     /* the workers do not touch it any more */
    enum tvn_host_stop stopped;
    tvn_stop_flag asked;   /* by tvn_host_flow_ask, not seen by the control loop yet */
    uint64_t next_stop_ns; /* when the next step of stopping is due; UINT64_MAX: never */
    bool overdue;          /* cancelled because it did not end after its deadline */
    struct tvn_stage_report *stage_reports; /* of the host's */
    struct tvn_stream_report *stream_reports;
};

/* Whose telemetry it is. */
struct tvn_host_identity {
    struct tvn_otlp_resource resource; /* texts are static or below */
    char host_name[256];
    char instance_id[37]; /* a random UUID */
};

struct tvn_host {
    struct tvn_host_options options;
    enum tvn_host_state state;
    struct tvn_manifest *manifest;
    struct tvn_host_identity identity;  /* with options.telemetry */
    struct tvn_span_exporter *exporter; /* NULL: no spans */
    atomic_bool spans_are_over;         /* nobody waits for the rest of them */
    struct tvn_audit *audit;
    struct tvn_inspection_tcp inspection_tcp; /* the socket is the server's while flows run */
    struct tvn_resources *resources;
    struct tvn_magazine *magazine; /* of the thread that creates, runs and destroys the host */
    struct tvn_runtime *runtime;
    struct tvn_workers *workers;
    struct tvn_host_flow *flows;
    uint32_t flow_count;
    uint32_t running; /* flows that are not known to be done */
    int done_fd;      /* eventfd, readable once a flow is done or asked to stop */
    bool abandoned;   /* a flow did not end: its thread may use everything for ever */
    int signal;       /* the first one that came while flows ran; 0 */
    struct tvn_stage_report *stage_reports; /* of all flows */
    struct tvn_stream_report *stream_reports;
    uint32_t stage_count;
    uint32_t edge_count;
};

/* flows.c: judges the flows that the options name. */
enum tvn_status tvn_host_link_all(struct tvn_host *host, struct tvn_diag_sink *sink);
/* flows.c: pipelines of all flows. */
enum tvn_status tvn_host_create_pipelines(struct tvn_host *host, struct tvn_diag_sink *sink);
/* flows.c: gives the pipeline up; nobody runs it. What was measured stays. */
void tvn_host_flow_close(struct tvn_host_flow *flow);
/* flows.c: everything but the link. */
void tvn_host_flow_end(struct tvn_host_flow *flow);

/* run.c: any thread, while the host runs. As after a signal: drains, or cancels, for as long as the
 * configuration says, then harder. */
void tvn_host_flow_ask(struct tvn_host_flow *flow, enum tvn_stop level);

/* observe.c: the recorder of the flow; before the pipeline, and once there is one. */
enum tvn_status tvn_host_create_recorder(struct tvn_host_flow *flow, struct tvn_diag_sink *sink);
enum tvn_status tvn_host_bind_recorder(struct tvn_host_flow *flow, struct tvn_diag_sink *sink);
void tvn_host_destroy_recorder(struct tvn_host_flow *flow);

/* report.c: reads the counters; may run beside the flow. */
void tvn_host_read_report(struct tvn_host_flow *flow, struct tvn_run_report *out_report);
/* report.c: the sum of all flows. */
void tvn_host_read_total(struct tvn_host *host, struct tvn_run_report *out_report);
/* report.c: a warning for each stage that had errors which did not end the flow. */
void tvn_host_report_skipped(struct tvn_host_flow *flow, struct tvn_diag_sink *sink);
/* report.c: one diagnostic for why the flow failed. */
enum tvn_status tvn_host_report_failure(struct tvn_host_flow *flow, struct tvn_diag_sink *sink);
