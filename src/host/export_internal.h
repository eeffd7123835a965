/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Telemetry that leaves a running host by OTLP, as [observability] says. A collector that cannot be
 * reached is a warning in the log: no flow depends on it.
 *
 * Threads: the host's; the exporters have their own.
 */
#include "host/host_internal.h"
#include "observability/otlp_export.h"

/* Of the end of a run: spans first, then the metrics, which count what became of the spans. */
#define TVN_HOST_FLUSH_SPANS_NS UINT64_C(1000000000)
#define TVN_HOST_FLUSH_NS       UINT64_C(1500000000)

struct tvn_host_export;

/* COLD PATH. The manifest is loaded. Refuses endpoints that are none: E0702. */
enum tvn_status tvn_host_prepare_export(struct tvn_host *host, struct tvn_diag_sink *sink);

// COLD PATH. Where the spans go when tracing_exporter is otlp-grpc or otlp-http, after
// tvn_host_prepare_export. TVN_E_OUT_OF_MEMORY.
TVN_NODISCARD enum tvn_status tvn_host_otlp_transport(const struct tvn_host *host,
                                                      struct tvn_span_transport **out_transport);

/* COLD PATH. Pipelines exist. NULL when there is nothing to export, or no memory: the log says so.
 */
struct tvn_host_export *tvn_host_export_start(struct tvn_host *host);
/* COLD PATH. Exports for the last time, until deadline_ns (CLOCK_MONOTONIC) at most. NULL is
 * allowed. */
void tvn_host_export_stop(struct tvn_host_export *export, uint64_t deadline_ns);
