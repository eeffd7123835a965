/* SPDX-License-Identifier: Apache-2.0 */
/* The flows of a host: which, whether they can run beside each other, and their making. */
#include "base/clock.h"
#include "base/mem.h"
#include "connectors/spec.h"
#include "host/host_internal.h"
#include "host/stale.h"

#include <errno.h>
#include <string.h>

/* ---- which ---- */

static const char *without_prefix(const char *name)
{
    return strncmp(name, "flow.", 5) == 0 ? name + 5 : name;
}

static enum tvn_status refuse_twice(const struct tvn_host *host, struct tvn_diag_sink *sink)
{
    const struct tvn_host_options *options = &host->options;
    for (size_t i = 0; i < options->flow_count; i++) {
        for (size_t other = 0; other < i; other++) {
            const char *name = without_prefix(options->flows[i]);
            if (strcmp(name, without_prefix(options->flows[other])) == 0) {
                (void)tvn_diag_error(sink, TVN_E_CONSTRAINT_VIOLATION, TVN_SPAN_NONE,
                                     "flow '%s' is named twice", name);
                tvn_diag_help(sink, "name each flow once: a flow has one state and one set of "
                                    "counters");
                return TVN_E_CONSTRAINT_VIOLATION;
            }
        }
    }
    return TVN_OK;
}

/* The flow with this number among those to run; NULL: the first of the manifest. */
static const char *name_of(const struct tvn_host *host, uint32_t index)
{
    const struct tvn_host_options *options = &host->options;
    if (options->all_flows && host->manifest->flow_count > 0) {
        return host->manifest->flows[index].name;
    }
    return options->flow_count > 0 ? options->flows[index] : options->link.flow;
}

static uint32_t count_flows(const struct tvn_host *host)
{
    if (host->options.all_flows && host->manifest->flow_count > 0) {
        return (uint32_t)host->manifest->flow_count;
    }
    return host->options.flow_count > 0 ? (uint32_t)host->options.flow_count : 1;
}

/* ---- beside each other ---- */

static bool reads_stdin(const struct tvn_link *link)
{
    for (uint32_t i = 0; i < link->stage_count; i++) {
        const struct tvn_link_stage *stage = &link->stages[i];
        struct tvn_connector_spec spec;
        if (stage->kind == TVN_LINK_STAGE_BUILTIN && stage->role == TVN_ROLE_SOURCE &&
            tvn_connector_spec_parse_source(tvn_str_of(stage->builtin), &spec) == TVN_OK &&
            spec.kind == TVN_CONNECTOR_STDIN) {
            return true;
        }
    }
    return false;
}

/* Lines would go to one or the other as it comes. */
static enum tvn_status refuse_shared_stdin(const struct tvn_host *host, struct tvn_diag_sink *sink)
{
    const struct tvn_link *reader = NULL;
    for (uint32_t i = 0; i < host->flow_count; i++) {
        const struct tvn_link *link = host->flows[i].link;
        if (!reads_stdin(link)) {
            continue;
        }
        if (reader) {
            (void)tvn_diag_error(
                sink, TVN_E_CONSTRAINT_VIOLATION, link->flow ? link->flow->span : TVN_SPAN_NONE,
                "flows '%s' and '%s' both read standard input", reader->flow_name, link->flow_name);
            tvn_diag_help(sink, "let one of them read a file, or run them one after the other");
            return TVN_E_CONSTRAINT_VIOLATION;
        }
        reader = link;
    }
    return TVN_OK;
}

/* ---- ends that are for no flow ---- */

static bool names_a_flow(const struct tvn_host *host, const char *given)
{
    for (uint32_t i = 0; i < host->flow_count; i++) {
        const char *name = host->flows[i].link->flow_name;
        size_t length = strlen(name);
        if (strncmp(given, name, length) == 0 && given[length] == '/' && strchr(given, '=')) {
            return true;
        }
    }
    return false;
}

static enum tvn_status refuse_strange_end(const struct tvn_host *host, const char *option,
                                          const char *const *given, size_t count,
                                          struct tvn_diag_sink *sink)
{
    for (size_t i = 0; i < count; i++) {
        if (!names_a_flow(host, given[i])) {
            (void)tvn_diag_error(sink, TVN_E_TOPOLOGY_INVALID, TVN_SPAN_NONE,
                                 "%s %s: which of the flows is meant?", option, given[i]);
            tvn_diag_help(sink, "name flow and node: %s %s/NODE=…", option,
                          host->flows[0].link->flow_name);
            return TVN_E_TOPOLOGY_INVALID;
        }
    }
    return TVN_OK;
}

static enum tvn_status refuse_strange_ends(const struct tvn_host *host, struct tvn_diag_sink *sink)
{
    const struct tvn_link_options *link = &host->options.link;
    if (host->flow_count < 2) {
        return TVN_OK;
    }
    TVN_TRY(refuse_strange_end(host, "--input", link->inputs, link->input_count, sink));
    return refuse_strange_end(host, "--output", link->outputs, link->output_count, sink);
}

/* ---- linking ---- */

static enum tvn_status reserve(struct tvn_host *host)
{
    host->flows = tvn_calloc(count_flows(host), sizeof(*host->flows));
    if (!host->flows) {
        return TVN_E_OUT_OF_MEMORY;
    }
    host->flow_count = count_flows(host);
    for (uint32_t i = 0; i < host->flow_count; i++) {
        host->flows[i].host = host;
        host->flows[i].stop.cancel_fd = -1;
        host->flows[i].next_stop_ns = UINT64_MAX;
    }
    return TVN_OK;
}

static enum tvn_status reserve_reports(struct tvn_host *host)
{
    for (uint32_t i = 0; i < host->flow_count; i++) {
        host->stage_count += host->flows[i].link->stage_count; /* bounded by the manifest's */
        host->edge_count += host->flows[i].link->edge_count;
    }
    host->stage_reports = tvn_calloc(host->stage_count, sizeof(*host->stage_reports));
    host->stream_reports = tvn_calloc(host->edge_count, sizeof(*host->stream_reports));
    if (!host->stage_reports || !host->stream_reports) {
        return TVN_E_OUT_OF_MEMORY;
    }
    struct tvn_stage_report *stages = host->stage_reports;
    struct tvn_stream_report *streams = host->stream_reports;
    for (uint32_t i = 0; i < host->flow_count; i++) {
        host->flows[i].stage_reports = stages;
        host->flows[i].stream_reports = streams;
        stages += host->flows[i].link->stage_count;
        streams += host->flows[i].link->edge_count;
    }
    return TVN_OK;
}

static enum tvn_status no_memory(struct tvn_diag_sink *sink)
{
    return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE, "no memory to run the flow");
}

enum tvn_status tvn_host_link_all(struct tvn_host *host, struct tvn_diag_sink *sink)
{
    TVN_TRY(refuse_twice(host, sink));
    if (reserve(host) != TVN_OK) {
        return no_memory(sink);
    }
    enum tvn_status result = TVN_OK;
    for (uint32_t i = 0; i < host->flow_count; i++) {
        struct tvn_link_options options = host->options.link;
        options.flow = name_of(host, i);
        options.one_of_several = host->flow_count > 1;
        enum tvn_status status =
            tvn_link_create(host->manifest, &options, sink, &host->flows[i].link);
        if (status == TVN_OK) {
            host_warn_stale(host->flows[i].link, sink);
        }
        result = result == TVN_OK ? status : result;
    }
    TVN_TRY(result);
    TVN_TRY(refuse_strange_ends(host, sink));
    TVN_TRY(refuse_shared_stdin(host, sink));
    return reserve_reports(host) == TVN_OK ? TVN_OK : no_memory(sink);
}

/* ---- making ---- */

static uint64_t now_ns(void *context)
{
    (void)context;
    return tvn_clock_monotonic_ns();
}

static uint64_t wall_ns(void *context)
{
    (void)context;
    return tvn_clock_wall_ns();
}

static void wake(void *context)
{
    const struct tvn_host_flow *flow = context;
    if (flow->task) {
        tvn_task_wake(flow->host->workers, flow->task);
    }
}

static enum tvn_status create_pipeline(struct tvn_host_flow *flow, struct tvn_diag_sink *sink)
{
    const struct tvn_host *host = flow->host;
    if (tvn_stop_control_init(&flow->stop) != TVN_OK) {
        return tvn_diag_error(sink, TVN_E_IO_ERROR, TVN_SPAN_NONE, "no descriptor for an event: %s",
                              strerror(errno));
    }
    flow->stop.wake = wake;
    flow->stop.wake_context = flow;
    flow->magazine = host->magazine;
    uint64_t flow_deadline_ns = flow->link->flow ? flow->link->flow->deadline_ms * 1000000 : 0;
    flow->deadline_ns = host->options.timeout_ns ? host->options.timeout_ns : flow_deadline_ns;
    TVN_TRY(tvn_host_create_recorder(flow, sink));
    const struct tvn_pipeline_options options = {
        .runtime = host->runtime,
        .resources = host->resources,
        .magazine = &flow->magazine,
        .audit = host->audit,
        .env = {.now_ns = now_ns, .wall_ns = wall_ns},
        .stop = &flow->stop,
        .events = tvn_recorder_sink(flow->recorder),
        .trace_ids = &flow->trace_ids,
        .limit = host->options.limit,
        .deadline_ns = flow->deadline_ns,
        .schedule = host->manifest->config.runtime.scheduling_policy == TVN_CONFIG_SCHEDULING_FIFO
                        ? TVN_SCHEDULE_FIFO
                        : TVN_SCHEDULE_CONSUMER_FIRST,
        .blocking = &tvn_workers_blocking,
        .payload_bytes = host->options.payload_bytes,
        .output_fd = host->options.output_fd,
    };
    TVN_TRY(tvn_pipeline_create(flow->link, &options, sink, &flow->pipeline));
    return tvn_host_bind_recorder(flow, sink);
}

enum tvn_status tvn_host_create_pipelines(struct tvn_host *host, struct tvn_diag_sink *sink)
{
    for (uint32_t i = 0; i < host->flow_count; i++) {
        TVN_TRY(create_pipeline(&host->flows[i], sink));
    }
    return TVN_OK;
}

void tvn_host_flow_close(struct tvn_host_flow *flow)
{
    flow->magazine = flow->host->magazine;
    tvn_pipeline_destroy(TVN_TAKE(flow->pipeline));
}

void tvn_host_flow_end(struct tvn_host_flow *flow)
{
    tvn_host_flow_close(flow);
    tvn_host_destroy_recorder(flow);
    if (flow->stop.cancel_fd >= 0) {
        tvn_stop_control_deinit(&flow->stop);
    }
}
