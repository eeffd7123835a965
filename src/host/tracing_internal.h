/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Spans of running flows, as [observability] says: an exporter for the process, a tracer for each
 * flow. With options.telemetry, tracing_enabled, and an exporter that is not "none". The exporter
 * "stdout" is the default: it writes only when the manifest, the environment or the command line
 * names it, so that a run that nobody configured says what the summary says and no more.
 */
#include "host/host_internal.h"

/* COLD PATH. Flows are linked. E0702, E0004 for the file. */
enum tvn_status tvn_host_open_tracing(struct tvn_host *host, struct tvn_diag_sink *sink);
/* COLD PATH. The flow's tracer, if there is an exporter; once there is a recorder, and once there
 * is a pipeline. E0011. */
enum tvn_status tvn_host_create_tracer(struct tvn_host_flow *flow, uint32_t in_flight,
                                       struct tvn_diag_sink *sink);
enum tvn_status tvn_host_bind_tracer(struct tvn_host_flow *flow, struct tvn_diag_sink *sink);
/* COLD PATH. Nobody runs flows any more, but those that were abandoned. Spans that are not out by
 * deadline_ns (CLOCK_MONOTONIC) are given up. */
void tvn_host_finish_tracing(struct tvn_host *host, uint64_t deadline_ns);
/* Any thread. */
uint64_t tvn_host_spans_dropped(const struct tvn_host *host);
