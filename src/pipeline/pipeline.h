/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A linked flow made real: components compiled and instantiated, built-in stages opened, queues and
 * counters set up, all bound to one reactor flow.
 *
 * Life: create (Instantiated) → somebody starts and runs tvn_pipeline_flow until DONE → read the
 * counters → destroy. Threads: create, run and destroy on one thread at a time; counters and names
 * may be read from any. Memory: create allocates everything that running needs.
 */
#include "engine/runtime.h"
#include "linker/link.h"
#include "pipeline/stop.h"
#include "reactor/flow.h"
#include "resources/resources.h"
#include "security/audit.h"
#include "types/blocking.h"
#include "types/intern.h"

struct tvn_pipeline;

struct tvn_pipeline_options {
    struct tvn_runtime *runtime; /* NULL if no stage is a component */
    struct tvn_resources *resources;
    /* A slot: holds the magazine of the thread that creates, runs or destroys the pipeline at that
     * time; outlives the pipeline. */
    struct tvn_magazine *const *magazine;
    struct tvn_audit *audit; /* may be NULL */
    struct tvn_env env;
    struct tvn_stop_control *stop;         /* outlives the pipeline */
    struct tvn_event_sink *events;         /* outlives the pipeline; may be NULL */
    const struct tvn_trace_ids *trace_ids; /* of the elements; outlives the pipeline; NULL: none */
    uint64_t limit;                        /* elements to pull; 0: no limit */
    uint64_t deadline_ns;                  /* from start; 0: none */
    enum tvn_schedule schedule;
    /* Told about calls of components that may block; outlives the pipeline. NULL: nobody cares. */
    const struct tvn_blocking *blocking;
    uint64_t payload_bytes; /* of the generator's elements; 0: as long as its text */
    int output_fd; /* what the stage "stdout" and components' standard output mean: 1, or 2 for JSON
                    */
};

/*
 * COLD PATH. E0210 … E0213, E0311, E0401, E0411 for components, E0004 for files of built-in stages,
 * E0702 for settings that this flow cannot have. The link outlives the pipeline.
 */
TVN_NODISCARD enum tvn_status tvn_pipeline_create(const struct tvn_link *link,
                                                  const struct tvn_pipeline_options *options,
                                                  struct tvn_diag_sink *sink,
                                                  struct tvn_pipeline **out_pipeline);
void tvn_pipeline_destroy(struct tvn_pipeline *pipeline);
TVN_DEFINE_CLEANUP(tvn_pipeline, tvn_pipeline_destroy)
/* COLD PATH. What a flow may have at most, so that a turn of it stays short: TVN_FLOW_STAGES_MAX,
 * TVN_FLOW_EDGES_MAX. E0203. */
TVN_NODISCARD enum tvn_status tvn_pipeline_check_size(const struct tvn_link *link,
                                                      struct tvn_diag_sink *sink);

struct tvn_flow *tvn_pipeline_flow(struct tvn_pipeline *pipeline);
/* The flow's content types; read them on the thread that runs it. */
const struct tvn_intern *tvn_pipeline_intern(const struct tvn_pipeline *pipeline);
const struct tvn_link *tvn_pipeline_link(const struct tvn_pipeline *pipeline);
const struct tvn_flow_stats *tvn_pipeline_flow_stats(const struct tvn_pipeline *pipeline);
/* By the link's numbers of stages and edges. */
const struct tvn_stage_stats *tvn_pipeline_stage_stats(const struct tvn_pipeline *pipeline,
                                                       uint32_t stage);
const struct tvn_stream_stats *tvn_pipeline_stream_stats(const struct tvn_pipeline *pipeline,
                                                         uint32_t edge);
/* Counters of what the component used and was denied; NULL for a built-in stage. */
const struct tvn_guard *tvn_pipeline_stage_guard(const struct tvn_pipeline *pipeline,
                                                 uint32_t stage);
/* What the stage has in linear memory; 0 for a built-in one. On the thread that runs the flow. */
uint64_t tvn_pipeline_stage_memory_bytes(const struct tvn_pipeline *pipeline, uint32_t stage);

/* COLD PATH. A warning when dead letters of a flow that has ended could not be written. */
void tvn_pipeline_report_letters(const struct tvn_pipeline *pipeline, struct tvn_diag_sink *sink);
