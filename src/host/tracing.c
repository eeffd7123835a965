/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "connectors/spec.h"
#include "host/export_internal.h"
#include "host/tracing_internal.h"
#include "observability/span_file.h"
#include "observability/tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

TVN_LOG_CATEGORY("host");

#define NS_PER_MS      UINT64_C(1000000)
#define FILE_MODE      0600
#define SPANS_PER_LINE 64 /* of a file; a stream gets one a line */

/* ---- where spans go ---- */

static bool writes_to_stdout(const struct tvn_link_stage *stage)
{
    if (stage->kind == TVN_LINK_STAGE_COMPONENT) {
        return tvn_sandbox_has(&stage->sandbox, TVN_CAP_STDOUT);
    }
    struct tvn_connector_spec spec;
    return stage->role == TVN_ROLE_SINK &&
           tvn_connector_spec_parse_sink(tvn_str_of(stage->builtin), &spec) == TVN_OK &&
           spec.kind == TVN_CONNECTOR_STDOUT;
}

/* Standard output is for pipeline data, and for the report with --format json. */
static int stream_for_spans(const struct tvn_host *host)
{
    bool is_taken = host->options.output_fd != STDOUT_FILENO;
    for (uint32_t i = 0; i < host->flow_count; i++) {
        const struct tvn_link *link = host->flows[i].link;
        for (uint32_t k = 0; k < link->stage_count; k++) {
            is_taken |= writes_to_stdout(&link->stages[k]);
        }
    }
    return is_taken ? STDERR_FILENO : STDOUT_FILENO;
}

static enum tvn_status refuse_file(const struct tvn_host *host, const char *path, const char *why,
                                   struct tvn_diag_sink *sink)
{
    (void)tvn_diag_error(sink, TVN_E_IO_ERROR,
                         host->manifest->config.observability.tracing_file_span,
                         "cannot open the trace file '%s': %s", path, why);
    tvn_diag_help(sink, "name a file in a folder that exists and can be written to");
    return TVN_E_IO_ERROR;
}

/* Appends: spans of several runs may stand in one file. */
static enum tvn_status open_file(const struct tvn_host *host, struct tvn_diag_sink *sink,
                                 int *out_fd)
{
    const struct tvn_config_observability *config = &host->manifest->config.observability;
    if (!config->tracing_file[0]) {
        (void)tvn_diag_error(sink, TVN_E_CONSTRAINT_VIOLATION, config->tracing_exporter_span,
                             "the exporter 'file' has no tracing_file");
        tvn_diag_help(sink, "set tracing_file = \"traces.jsonl\" in [observability]");
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    char *path = tvn_path_join(host->manifest->directory, config->tracing_file);
    if (!path) {
        return refuse_file(host, config->tracing_file, "out of memory", sink);
    }
    /* O_NONBLOCK: a pipe that nobody reads from is refused instead of waited for. */
    int fd =
        open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, FILE_MODE);
    enum tvn_status status = fd >= 0 ? TVN_OK : refuse_file(host, path, strerror(errno), sink);
    tvn_free(path);
    *out_fd = fd;
    return status;
}

static enum tvn_status no_memory(struct tvn_diag_sink *sink)
{
    return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE, "no memory to trace");
}

static enum tvn_status create_transport(struct tvn_host *host, struct tvn_diag_sink *sink,
                                        struct tvn_span_transport **out_transport)
{
    const struct tvn_config_observability *config = &host->manifest->config.observability;
    struct tvn_span_file_options options = {
        .fd = -1, .resource = &host->identity.resource, .spans_per_line = 1};
    switch (config->tracing_exporter) {
    case TVN_CONFIG_EXPORTER_OTLP_GRPC:
    case TVN_CONFIG_EXPORTER_OTLP_HTTP:
        return tvn_host_otlp_transport(host, out_transport) == TVN_OK ? TVN_OK : no_memory(sink);
    case TVN_CONFIG_EXPORTER_FILE:
        TVN_TRY(open_file(host, sink, &options.fd));
        options.owns_fd = true;
        options.spans_per_line = SPANS_PER_LINE;
        break;
    case TVN_CONFIG_EXPORTER_STDOUT:
        options.fd = stream_for_spans(host);
        break;
    case TVN_CONFIG_EXPORTER_NONE:
        tvn_unreachable();
    }
    if (tvn_span_file_transport_create(&options, out_transport) != TVN_OK) {
        if (options.owns_fd) {
            tvn_fd_close(&options.fd);
        }
        return no_memory(sink);
    }
    return TVN_OK;
}

static bool is_wanted(const struct tvn_host *host)
{
    const struct tvn_config_observability *config = &host->manifest->config.observability;
    bool is_named = config->tracing_exporter_span.file != 0;
    return host->options.telemetry && config->tracing_enabled &&
           config->tracing_exporter != TVN_CONFIG_EXPORTER_NONE &&
           (config->tracing_exporter != TVN_CONFIG_EXPORTER_STDOUT || is_named);
}

enum tvn_status tvn_host_open_tracing(struct tvn_host *host, struct tvn_diag_sink *sink)
{
    if (!is_wanted(host)) {
        return TVN_OK;
    }
    TVN_AUTO(tvn_span_transport) transport = NULL;
    TVN_TRY(create_transport(host, sink, &transport));
    const struct tvn_span_exporter_options options = {0};
    enum tvn_status status = tvn_span_exporter_create(&options, transport, &host->exporter);
    if (status == TVN_E_IO_ERROR) {
        return tvn_diag_error(sink, status, TVN_SPAN_NONE, "no thread for the span exporter: %s",
                              strerror(errno));
    }
    if (status != TVN_OK) {
        return no_memory(sink);
    }
    (void)TVN_TAKE(transport);
    return TVN_OK;
}

/* ---- flows ---- */

enum tvn_status tvn_host_create_tracer(struct tvn_host_flow *flow, uint32_t in_flight,
                                       struct tvn_diag_sink *sink)
{
    const struct tvn_config_observability *config = &flow->host->manifest->config.observability;
    if (!flow->host->exporter) {
        return TVN_OK;
    }
    const struct tvn_tracer_options options = {
        .graph = &flow->graph,
        .ids = &flow->trace_ids,
        .exporter = flow->host->exporter,
        .sample_rate = config->sample_rate,
        .error_promote = config->error_promote,
        .latency_promote_ns = config->latency_promote_threshold_ms * NS_PER_MS,
        .ring_capacity = (uint32_t)config->ring_buffer_capacity, /* bounded by the configuration */
        .in_flight = in_flight,
        .seed = flow->trace_ids.seed[0] ^ flow->trace_ids.seed[2],
    };
    flow->tracer = tvn_tracer_create(&options);
    if (!flow->tracer) {
        return no_memory(sink);
    }
    tvn_recorder_set_tracer(flow->recorder, flow->tracer);
    return TVN_OK;
}

/* A source that may hand in the contexts of its elements. */
static bool takes_contexts(const struct tvn_link_stage *stage)
{
    if (stage->kind != TVN_LINK_STAGE_COMPONENT || stage->role != TVN_ROLE_SOURCE) {
        return false;
    }
    const struct tvn_world *world = tvn_component_world(stage->component->component);
    for (size_t i = 0; i < world->import_count; i++) {
        if (tvn_str_starts_with(world->imports[i].name, TVN_STR("torvyn:runtime/tracing@"))) {
            return true;
        }
    }
    return false;
}

enum tvn_status tvn_host_bind_tracer(struct tvn_host_flow *flow, struct tvn_diag_sink *sink)
{
    if (!flow->tracer) {
        return TVN_OK;
    }
    bool takes = false;
    for (uint32_t i = 0; i < flow->link->stage_count; i++) {
        takes |= takes_contexts(&flow->link->stages[i]);
    }
    for (uint32_t i = 0; i < flow->link->edge_count; i++) {
        tvn_tracer_set_stream(flow->tracer, i, tvn_pipeline_stream_stats(flow->pipeline, i));
    }
    return !takes || tvn_tracer_take_contexts(flow->tracer) ? TVN_OK : no_memory(sink);
}

/* ---- the end ---- */

void tvn_host_finish_tracing(struct tvn_host *host, uint64_t deadline_ns)
{
    if (!host->exporter) {
        return;
    }
    for (uint32_t i = 0; i < host->flow_count; i++) {
        struct tvn_host_flow *flow = &host->flows[i];
        if (flow->tracer && atomic_load_explicit(&flow->done, memory_order_acquire)) {
            tvn_tracer_finish(flow->tracer);
        }
    }
    /* What has not gone by then goes with the exporter; the last metrics must know. */
    host->spans_are_over = !tvn_span_exporter_flush(host->exporter, deadline_ns);
    struct tvn_span_exporter_stats stats;
    tvn_span_exporter_stats(host->exporter, &stats);
    uint64_t lost = stats.dropped + (host->spans_are_over ? stats.waiting : 0);
    if (lost > 0) {
        tvn_log_warn("%" PRIu64 " of %" PRIu64 " spans were not exported", lost,
                     stats.exported + stats.dropped + stats.waiting);
    }
}

uint64_t tvn_host_spans_dropped(const struct tvn_host *host)
{
    struct tvn_span_exporter_stats stats = {0};
    if (host->exporter) {
        tvn_span_exporter_stats(host->exporter, &stats);
    }
    return stats.dropped + (host->spans_are_over ? stats.waiting : 0);
}
