/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "host/host.h"
#include "observability/graph.h"
#include "observability/recorder.h"
#include "pipeline/pipeline.h"

struct tvn_host {
    struct tvn_host_options options;
    enum tvn_host_state state;
    struct tvn_manifest *manifest;
    struct tvn_link *link;
    struct tvn_audit *audit;
    struct tvn_resources *resources;
    struct tvn_magazine *magazine;
    struct tvn_runtime *runtime;
    struct tvn_recorder *recorder;
    struct tvn_graph graph; /* stages and edges are owned */
    struct tvn_pipeline *pipeline;
    uint64_t deadline_ns; /* of the flow, from its start; 0: none */
    bool overdue;         /* cancelled because it did not end after its deadline */
    struct tvn_stop_control stop;
    struct tvn_stage_report *stage_reports;
    struct tvn_stream_report *stream_reports;
};

/* observe.c: the recorder of the flow; before the pipeline, and once there is one. */
enum tvn_status tvn_host_create_recorder(struct tvn_host *host, struct tvn_diag_sink *sink);
void tvn_host_bind_recorder(struct tvn_host *host);
void tvn_host_destroy_recorder(struct tvn_host *host);

/* report.c: reads the counters; may run beside the flow. */
void tvn_host_read_report(struct tvn_host *host, struct tvn_run_report *out_report);
/* report.c: a warning for each stage that had errors which did not end the flow. */
void tvn_host_report_skipped(struct tvn_host *host, struct tvn_diag_sink *sink);
/* report.c: one diagnostic for why the flow failed. */
enum tvn_status tvn_host_report_failure(struct tvn_host *host, struct tvn_diag_sink *sink);
