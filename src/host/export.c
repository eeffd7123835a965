/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "host/export_internal.h"
#include "host/metrics_source.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

TVN_LOG_CATEGORY("host");

#define NS_PER_S UINT64_C(1000000000)

struct tvn_host_export {
    struct tvn_metrics_source *source;
    struct tvn_otlp_metrics_exporter *metrics;
};

/* ---- whose telemetry ---- */

static void read_identity(struct tvn_host_identity *identity)
{
    uint8_t id[16];
    if (getrandom(id, sizeof(id), GRND_NONBLOCK) == (ssize_t)sizeof(id)) {
        id[6] = (uint8_t)((id[6] & 0x0f) | 0x40); /* version 4, variant 1 of RFC 9562 */
        id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
        (void)snprintf(identity->instance_id, sizeof(identity->instance_id),
                       "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                       id[0], id[1], id[2], id[3], id[4], id[5], id[6], id[7], id[8], id[9], id[10],
                       id[11], id[12], id[13], id[14], id[15]);
        identity->resource.instance_id = identity->instance_id;
    }
    if (gethostname(identity->host_name, sizeof(identity->host_name) - 1) == 0 &&
        tvn_utf8_valid(identity->host_name, strlen(identity->host_name))) {
        identity->resource.host_name = identity->host_name;
    }
    identity->resource.service_name = "torvyn";
    identity->resource.service_version = TVN_VERSION;
    identity->resource.pid = (uint32_t)getpid();
}

/* ---- where to ---- */

static enum tvn_otlp_protocol http_protocol(const struct tvn_config_observability *config)
{
    return config->otlp_encoding == TVN_CONFIG_OTLP_JSON ? TVN_OTLP_HTTP_JSON
                                                         : TVN_OTLP_HTTP_PROTOBUF;
}

static bool exports_spans(const struct tvn_config_observability *config)
{
    return config->tracing_enabled && (config->tracing_exporter == TVN_CONFIG_EXPORTER_OTLP_GRPC ||
                                       config->tracing_exporter == TVN_CONFIG_EXPORTER_OTLP_HTTP);
}

static bool exports_metrics(const struct tvn_config_observability *config)
{
    return config->metrics_enabled && config->otlp_metrics_enabled;
}

static struct tvn_otlp_target span_target(const struct tvn_config_observability *config)
{
    bool is_grpc = config->tracing_exporter == TVN_CONFIG_EXPORTER_OTLP_GRPC;
    return (struct tvn_otlp_target){is_grpc ? TVN_OTLP_GRPC : http_protocol(config),
                                    config->tracing_endpoint};
}

/* Without an endpoint of its own the collector is that of the spans, if that speaks the protocol.
 */
static struct tvn_otlp_target metrics_target(const struct tvn_config_observability *config)
{
    bool is_grpc = config->otlp_metrics_protocol == TVN_CONFIG_OTLP_GRPC ||
                   (config->otlp_metrics_protocol == TVN_CONFIG_OTLP_AUTO &&
                    config->tracing_exporter == TVN_CONFIG_EXPORTER_OTLP_GRPC);
    enum tvn_config_exporter same =
        is_grpc ? TVN_CONFIG_EXPORTER_OTLP_GRPC : TVN_CONFIG_EXPORTER_OTLP_HTTP;
    bool is_shared = !config->otlp_metrics_endpoint[0] && config->tracing_exporter == same;
    return (struct tvn_otlp_target){is_grpc ? TVN_OTLP_GRPC : http_protocol(config),
                                    is_shared ? config->tracing_endpoint
                                              : config->otlp_metrics_endpoint};
}

static enum tvn_status check_target(const struct tvn_otlp_target *target, const char *key,
                                    struct tvn_span span, struct tvn_diag_sink *sink)
{
    const char *problem = tvn_otlp_target_problem(target);
    if (!problem) {
        return TVN_OK;
    }
    (void)tvn_diag_error(sink, TVN_E_CONSTRAINT_VIOLATION, span, "'%s' names no collector: %s", key,
                         problem);
    tvn_diag_help(sink, target->protocol == TVN_OTLP_GRPC
                            ? "such as \"http://localhost:4317\""
                            : "such as \"http://localhost:4318\"; the path /v1/traces or "
                              "/v1/metrics is added");
    return TVN_E_CONSTRAINT_VIOLATION;
}

enum tvn_status tvn_host_prepare_export(struct tvn_host *host, struct tvn_diag_sink *sink)
{
    const struct tvn_config_observability *config = &host->manifest->config.observability;
    read_identity(&host->identity);
    if (exports_spans(config)) {
        struct tvn_otlp_target target = span_target(config);
        TVN_TRY(check_target(&target, "tracing_endpoint", config->tracing_endpoint_span, sink));
    }
    if (exports_metrics(config)) {
        struct tvn_otlp_target target = metrics_target(config);
        TVN_TRY(check_target(&target, "otlp_metrics_endpoint", config->otlp_metrics_endpoint_span,
                             sink));
    }
    return TVN_OK;
}

enum tvn_status tvn_host_otlp_transport(const struct tvn_host *host,
                                        struct tvn_span_transport **out_transport)
{
    struct tvn_otlp_target target = span_target(&host->manifest->config.observability);
    return tvn_otlp_span_transport_create(&target, &host->identity.resource, out_transport);
}

/* ---- life ---- */

static void read_metrics(void *context, struct tvn_metrics_view *out_view)
{
    const struct tvn_host_export *export = context;
    tvn_metrics_source_read(export->source, out_view);
}

static enum tvn_status start_metrics(struct tvn_host_export *export, struct tvn_host *host)
{
    const struct tvn_config_observability *config = &host->manifest->config.observability;
    const struct tvn_otlp_metrics_exporter_options options = {
        .target = metrics_target(config),
        .resource = &host->identity.resource,
        .interval_ns =
            config->otlp_metrics_interval_s * NS_PER_S, /* bounded by the configuration */
        .read = read_metrics,
        .context = export,
    };
    TVN_TRY(tvn_metrics_source_create(host, &export->source));
    return tvn_otlp_metrics_exporter_create(&options, &export->metrics);
}

struct tvn_host_export *tvn_host_export_start(struct tvn_host *host)
{
    tvn_assert(host && host->manifest);
    if (!exports_metrics(&host->manifest->config.observability)) {
        return NULL;
    }
    struct tvn_host_export *export = tvn_calloc(1, sizeof(*export));
    enum tvn_status status = export ? start_metrics(export, host) : TVN_E_OUT_OF_MEMORY;
    if (status != TVN_OK) {
        tvn_log_warn("metrics are not exported: %s",
                     status == TVN_E_IO_ERROR ? strerror(errno) : "no memory");
        tvn_host_export_stop(export, 0);
        return NULL;
    }
    return export;
}

void tvn_host_export_stop(struct tvn_host_export *export, uint64_t deadline_ns)
{
    if (!export) {
        return;
    }
    tvn_otlp_metrics_exporter_destroy(export->metrics, deadline_ns);
    tvn_metrics_source_destroy(export->source);
    tvn_free(export);
}
