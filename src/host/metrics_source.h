/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The metrics of a host whose pipelines exist: where each value of the catalogue is read.
 *
 * Threads: any one thread a source; what it reads are relaxed atomics. Memory: borrows the host's
 * flows, which outlive it; a view lives until the next read.
 */
#include "host/host.h"
#include "observability/metrics.h"

struct tvn_metrics_source;

// COLD PATH. TVN_E_OUT_OF_MEMORY.
TVN_NODISCARD enum tvn_status tvn_metrics_source_create(struct tvn_host *host,
                                                        struct tvn_metrics_source **out_source);
void tvn_metrics_source_destroy(struct tvn_metrics_source *source);
TVN_DEFINE_CLEANUP(tvn_metrics_source, tvn_metrics_source_destroy)

/* COLD PATH. */
void tvn_metrics_source_read(struct tvn_metrics_source *source, struct tvn_metrics_view *out_view);
const struct tvn_metrics_flow *tvn_metrics_source_flow(struct tvn_metrics_source *source,
                                                       uint32_t flow);
