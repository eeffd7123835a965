/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Telemetry to OpenTelemetry collectors by OTLP/gRPC or OTLP/HTTP.
 *
 * A collector is a stranger: it may be dead, slow or hostile. Every call has limits on time and on
 * the answer's size, redirects are not followed, and nothing of it is on a thread of a flow. What
 * cannot be delivered for now (no connection, 429, 502, 503, 504, gRPC's UNAVAILABLE and its like)
 * is tried again after a back-off with jitter, or when the collector asks for it; what is refused
 * is lost. The log tells each change between working and not working once.
 *
 * Threads: of a span transport the exporter's; the metrics' exporter has one of its own. Memory:
 * bounded by the limits. Limits: below.
 */
#include "observability/otlp.h"
#include "observability/span_exporter.h"

#define TVN_OTLP_CONNECT_TIMEOUT_MS 5000
#define TVN_OTLP_TIMEOUT_MS         10000 /* of one request */
#define TVN_OTLP_ANSWER_MAX         65536
#define TVN_OTLP_REQUEST_MAX        ((size_t)16 << 20)
#define TVN_OTLP_BACKOFF_MIN_MS     200
#define TVN_OTLP_BACKOFF_MAX_MS     5000
#define TVN_OTLP_RETRY_AFTER_MAX_MS 60000 /* a collector that asks for more is asked again then */

enum tvn_otlp_protocol { TVN_OTLP_GRPC, TVN_OTLP_HTTP_PROTOBUF, TVN_OTLP_HTTP_JSON };

struct tvn_otlp_target {
    enum tvn_otlp_protocol protocol;
    /*
     * gRPC: "http://host:port" (HTTP/2 by prior knowledge) or https. HTTP: the same with or without
     * a path; "/v1/metrics" and "/v1/traces" are added unless it ends with it. "": localhost with
     * the protocol's usual port.
     */
    const char *url;
};

/* COLD PATH. NULL, or why the target's URL is none (static). */
const char *tvn_otlp_target_problem(const struct tvn_otlp_target *target);

/* COLD PATH. What tvn_span_exporter_create takes. The resource is copied. TVN_E_OUT_OF_MEMORY. The
 * target must have no problem. */
TVN_NODISCARD enum tvn_status
tvn_otlp_span_transport_create(const struct tvn_otlp_target *target,
                               const struct tvn_otlp_resource *resource,
                               struct tvn_span_transport **out_transport);

/* ---- metrics ---- */

struct tvn_otlp_metrics_exporter;

struct tvn_otlp_metrics_exporter_options {
    struct tvn_otlp_target target;
    const struct tvn_otlp_resource *resource;
    uint64_t interval_ns;
    /* What the metrics are now; on the exporter's thread. The view holds until the next call. */
    void (*read)(void *context, struct tvn_metrics_view *out_view);
    void *context;
};

// COLD PATH. Starts the thread, which exports every interval. TVN_E_OUT_OF_MEMORY, TVN_E_IO_ERROR
// without a thread (errno). The target must have no problem.
TVN_NODISCARD enum tvn_status
tvn_otlp_metrics_exporter_create(const struct tvn_otlp_metrics_exporter_options *options,
                                 struct tvn_otlp_metrics_exporter **out_exporter);
/* COLD PATH. Exports for the last time, until deadline_ns (CLOCK_MONOTONIC) at most, and ends the
 * thread. NULL is allowed. */
void tvn_otlp_metrics_exporter_destroy(struct tvn_otlp_metrics_exporter *exporter,
                                       uint64_t deadline_ns);
