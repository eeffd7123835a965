/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What OpenTelemetry collectors get and answer: the requests of OTLP 1.x for metrics and spans as
 * Protocol Buffers or JSON, and their responses.
 *
 * Threads: no state. Memory: requests grow in the caller's buffer, whose maximum bounds them.
 */
#include "base/str.h"
#include "observability/metrics.h"
#include "observability/span.h"
#include "observability/span_json.h"

enum tvn_otlp_encoding { TVN_OTLP_PROTOBUF, TVN_OTLP_JSON };

#define TVN_OTLP_METRICS_FLOWS_MAX 64 /* flows of one request: about a megabyte */

struct tvn_otlp_metrics_options {
    const struct tvn_otlp_resource *resource;
    enum tvn_otlp_encoding encoding;
    uint64_t now_unix_ns;     /* at the view's now_ns */
    uint64_t started_unix_ns; /* since when counters count that belong to no flow */
    uint32_t first_flow;      /* 0: with what belongs to no flow */
    uint32_t flow_count;      /* at most TVN_OTLP_METRICS_FLOWS_MAX */
};

// COLD PATH. ExportMetricsServiceRequest. Counters are cumulative sums, histograms have the bounds
// of Prometheus' text; families without a value are left out.
void tvn_otlp_metrics(const struct tvn_metrics_view *view,
                      const struct tvn_otlp_metrics_options *options, struct tvn_strbuf *out);

// COLD PATH. ExportTraceServiceRequest.
void tvn_otlp_spans(const struct tvn_otlp_resource *resource, enum tvn_otlp_encoding encoding,
                    const struct tvn_trace_span *spans, size_t count, struct tvn_strbuf *out);

#define TVN_OTLP_TEXT_MAX 256

/* What a collector took with reservations. */
struct tvn_otlp_response {
    uint64_t rejected;            /* spans or data points */
    char text[TVN_OTLP_TEXT_MAX]; /* printable; "" for none */
};
/* COLD PATH. Export*ServiceResponse, hostile; an empty one is good. False: it is none. */
TVN_NODISCARD bool tvn_otlp_read_response(enum tvn_otlp_encoding encoding, struct tvn_str body,
                                          struct tvn_otlp_response *out_response);
