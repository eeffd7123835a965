/* SPDX-License-Identifier: Apache-2.0 */
/* What the inspection server answers. */
#include "base/assert.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/json.h"
#include "format/json_writer.h"
#include "host/inspection_internal.h"
#include "net/http_server.h"
#include "observability/metrics.h"
#include "security/capability.h"
#include "security/guard.h"

#include <unistd.h>

TVN_LOG_CATEGORY("host");

#define STATM_BYTES 128

struct flow_view {
    const struct tvn_stage_stats **stages;
    const struct tvn_stream_stats **streams;
    const char **policies;
};

struct tvn_inspection {
    struct tvn_host *host;
    struct tvn_inspection_socket socket;
    struct tvn_http_server *server;
    struct tvn_metrics_flow *flows;
    struct flow_view *views;
    struct tvn_metrics_capability *capabilities;
    uint32_t capability_max;
};

/* ---- metrics ---- */

/* Resident memory, 0 when the kernel does not say. */
static uint64_t resident_bytes(void)
{
    TVN_AUTO_VALUE(tvn_file_bytes) text = {0};
    if (tvn_file_read("/proc/self/statm", STATM_BYTES, &text) != TVN_OK) {
        return 0;
    }
    struct tvn_str rest = {(const char *)text.ptr, text.len};
    size_t space = tvn_str_find(rest, ' ');
    if (space == SIZE_MAX) {
        return 0;
    }
    rest = tvn_str_slice(rest, space + 1, rest.len);
    uint64_t pages = 0;
    size_t end = tvn_str_find(rest, ' ');
    return tvn_parse_u64(rest.ptr, end == SIZE_MAX ? 0 : end, &pages)
               ? pages * (uint64_t)sysconf(_SC_PAGESIZE)
               : 0;
}

static uint32_t read_capabilities(struct tvn_inspection *inspection)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < inspection->host->flow_count; i++) {
        const struct tvn_host_flow *flow = &inspection->host->flows[i];
        for (uint32_t k = 0; k < flow->link->stage_count; k++) {
            const struct tvn_guard *guard = tvn_pipeline_stage_guard(flow->pipeline, k);
            for (unsigned c = 0; guard && c < TVN_CAP_COUNT; c++) {
                struct tvn_metrics_capability used = {
                    .component = flow->link->stages[k].name,
                    .capability = tvn_capability_key((enum tvn_capability)c),
                    .exercises = tvn_stat_get(&guard->exercised[c]),
                    .denials = tvn_stat_get(&guard->denials[c]),
                };
                if (used.exercises + used.denials > 0 && count < inspection->capability_max) {
                    inspection->capabilities[count++] = used;
                }
            }
        }
    }
    return count;
}

static void read_tiers(const struct tvn_inspection *inspection,
                       struct tvn_metrics_tier tiers[TVN_TIER_COUNT])
{
    static const char *const names[TVN_TIER_COUNT] = {"256", "4096", "65536", "1048576", "direct"};
    for (unsigned i = 0; i < TVN_TIER_COUNT; i++) {
        struct tvn_tier_report report;
        tvn_resources_report(inspection->host->resources, (enum tvn_tier)i, &report);
        tiers[i] = (struct tvn_metrics_tier){
            .name = names[i],
            .capacity = report.capacity,
            .available = report.available,
            .allocated = report.allocated,
            .returned = report.returned,
            .fallbacks = report.fallbacks,
            .exhaustions = report.exhaustions,
        };
    }
}

static void refresh_states(struct tvn_inspection *inspection)
{
    for (uint32_t i = 0; i < inspection->host->flow_count; i++) {
        inspection->flows[i].state =
            tvn_flow_state(tvn_pipeline_flow(inspection->host->flows[i].pipeline));
    }
}

static void answer_metrics(struct tvn_inspection *inspection, struct tvn_http_response *response)
{
    struct tvn_metrics_tier tiers[TVN_TIER_COUNT];
    read_tiers(inspection, tiers);
    refresh_states(inspection);
    const struct tvn_metrics_view view = {
        .flows = inspection->flows,
        .flow_count = inspection->host->flow_count,
        .tiers = tiers,
        .tier_count = TVN_TIER_COUNT,
        .capabilities = inspection->capabilities,
        .capability_count = read_capabilities(inspection),
        .resident_bytes = resident_bytes(),
        .now_ns = tvn_clock_monotonic_ns(),
    };
    response->content_type = TVN_METRICS_CONTENT_TYPE;
    tvn_metrics_prometheus(&view, &response->body);
}

/* ---- flows ---- */

static void write_streams(const struct tvn_metrics_flow *flow, struct tvn_json_writer *json)
{
    tvn_json_key(json, "streams");
    tvn_json_begin_array(json);
    for (uint32_t i = 0; i < flow->graph->edge_count; i++) {
        const struct tvn_graph_edge *edge = &flow->graph->edges[i];
        const struct tvn_stream_stats *stats = flow->streams[i];
        tvn_json_begin_object(json);
        tvn_json_field_text(json, "from", flow->graph->stages[edge->from].name);
        tvn_json_field_text(json, "to", flow->graph->stages[edge->to].name);
        tvn_json_field_u64(json, "capacity", edge->capacity);
        tvn_json_field_u64(json, "depth", tvn_stat_get(&stats->depth));
        tvn_json_field_u64(json, "peak_depth", tvn_stat_get(&stats->depth_peak));
        tvn_json_field_u64(json, "transferred", tvn_stat_get(&stats->transferred));
        tvn_json_field_u64(json, "dropped", tvn_stat_get(&stats->dropped));
        tvn_json_field_u64(json, "backpressure_events", tvn_stat_get(&stats->backpressure_events));
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
}

static void write_components(const struct tvn_metrics_flow *flow, struct tvn_json_writer *json)
{
    tvn_json_key(json, "components");
    tvn_json_begin_array(json);
    for (uint32_t i = 0; i < flow->graph->stage_count; i++) {
        const struct tvn_stage_stats *stats = flow->stages[i];
        const struct tvn_histogram *times = tvn_recorder_processing(flow->recorder, i);
        tvn_json_begin_object(json);
        tvn_json_field_text(json, "name", flow->graph->stages[i].name);
        tvn_json_field_text(json, "role", tvn_role_name(flow->graph->stages[i].role));
        tvn_json_field_u64(json, "invocations", tvn_stat_get(&stats->invocations));
        tvn_json_field_u64(json, "errors", tvn_stat_get(&stats->errors));
        tvn_json_field_u64(json, "memory_bytes", tvn_stat_get(&stats->memory_bytes));
        tvn_json_field_real(json, "p50_us", (double)tvn_histogram_quantile(times, 0.5) / 1e3);
        tvn_json_field_real(json, "p99_us", (double)tvn_histogram_quantile(times, 0.99) / 1e3);
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
}

static void write_flow(const struct tvn_metrics_flow *flow, bool whole,
                       struct tvn_json_writer *json)
{
    tvn_json_begin_object(json);
    tvn_json_field_text(json, "id", flow->graph->flow);
    tvn_json_field_text(json, "state", tvn_flow_state_name(flow->state));
    tvn_json_field_text(json, "level", tvn_observe_level_name(tvn_recorder_level(flow->recorder)));
    tvn_json_field_u64(json, "elements", tvn_stat_get(&flow->stats->pulled));
    tvn_json_field_u64(json, "delivered", tvn_stat_get(&flow->stats->delivered));
    tvn_json_field_u64(json, "dropped", tvn_stat_get(&flow->stats->dropped));
    tvn_json_field_u64(json, "failed", tvn_stat_get(&flow->stats->failed));
    tvn_json_field_u64(json, "errors", tvn_stat_get(&flow->stats->errors));
    if (whole) {
        write_components(flow, json);
        write_streams(flow, json);
    }
    tvn_json_end_object(json);
}

static void answer_flows(struct tvn_inspection *inspection, struct tvn_http_response *response)
{
    refresh_states(inspection);
    struct tvn_json_writer json;
    tvn_json_writer_init(&json, &response->body, 0);
    tvn_json_begin_object(&json);
    tvn_json_key(&json, "flows");
    tvn_json_begin_array(&json);
    for (uint32_t i = 0; i < inspection->host->flow_count; i++) {
        write_flow(&inspection->flows[i], false, &json);
    }
    tvn_json_end_array(&json);
    tvn_json_end_object(&json);
    tvn_strbuf_add_char(&response->body, '\n');
}

static void answer_error(struct tvn_http_response *response, unsigned status, const char *why)
{
    response->status = status;
    tvn_strbuf_printf(&response->body, "{\"error\":\"%s\"}\n", why);
}

/* {"level":"diagnostic"} */
static void set_level(struct tvn_host_flow *flow, struct tvn_str body,
                      struct tvn_http_response *response)
{
    TVN_AUTO(tvn_json) root = NULL;
    struct tvn_json_error error;
    if (tvn_json_parse(body, &root, &error) != TVN_OK || tvn_json_kind(root) != TVN_JSON_OBJECT ||
        tvn_json_count(root) != 1) {
        answer_error(response, 400, "the body is no object with 'level'");
        return;
    }
    const struct tvn_json *level = tvn_json_get(root, "level");
    for (unsigned i = 0;
         level && tvn_json_kind(level) == TVN_JSON_STRING && i < TVN_OBSERVE_LEVEL_COUNT; i++) {
        if (tvn_str_is(tvn_json_string(level), tvn_observe_level_name((enum tvn_observe_level)i))) {
            tvn_recorder_set_level(flow->recorder, (enum tvn_observe_level)i);
            tvn_strbuf_add_text(&response->body, "{}\n");
            return;
        }
    }
    answer_error(response, 400, "'level' is none of off, production, diagnostic");
}

static void act(struct tvn_host_flow *flow, struct tvn_str action,
                const struct tvn_http_request *request, struct tvn_http_response *response)
{
    if (tvn_str_is(action, "level")) {
        set_level(flow, request->body, response);
        return;
    }
    bool is_drain = tvn_str_is(action, "drain");
    if (!is_drain && !tvn_str_is(action, "cancel")) {
        answer_error(response, 404, "not found");
        return;
    }
    if (request->body.len > 0 && !tvn_str_is(tvn_str_trim(request->body), "{}")) {
        answer_error(response, 400, "the body must be empty or {}");
        return;
    }
    tvn_log_info("flow '%s' is told to %s", flow->link->flow_name, is_drain ? "drain" : "cancel");
    tvn_stop_control_raise(&flow->stop, is_drain ? TVN_STOP_DRAIN : TVN_STOP_CANCEL);
    response->status = 202;
    tvn_strbuf_add_text(&response->body, "{}\n");
}

/* What stands behind "/flows/". */
static void answer_flow(struct tvn_inspection *inspection, struct tvn_str rest,
                        const struct tvn_http_request *request, struct tvn_http_response *response)
{
    size_t slash = tvn_str_find(rest, '/');
    struct tvn_str id = slash == SIZE_MAX ? rest : tvn_str_slice(rest, 0, slash);
    for (uint32_t i = 0; i < inspection->host->flow_count; i++) {
        struct tvn_host_flow *flow = &inspection->host->flows[i];
        if (!tvn_str_is(id, flow->link->flow_name)) {
            continue;
        }
        if (slash != SIZE_MAX && request->is_post) {
            act(flow, tvn_str_slice(rest, slash + 1, rest.len), request, response);
            return;
        }
        if (slash == SIZE_MAX && !request->is_post) {
            refresh_states(inspection);
            struct tvn_json_writer json;
            tvn_json_writer_init(&json, &response->body, 0);
            write_flow(&inspection->flows[i], true, &json);
            tvn_strbuf_add_char(&response->body, '\n');
            return;
        }
    }
    answer_error(response, 404, "not found");
}

static void answer(void *context, const struct tvn_http_request *request,
                   struct tvn_http_response *response)
{
    struct tvn_inspection *inspection = context;
    const struct tvn_config_observability *config =
        &inspection->host->manifest->config.observability;
    struct tvn_str path = tvn_str_of(request->path);
    struct tvn_str flows = tvn_str_of("/flows/");
    if (tvn_str_starts_with(path, flows)) {
        answer_flow(inspection, tvn_str_slice(path, flows.len, path.len), request, response);
    } else if (request->is_post) {
        answer_error(response, 404, "not found");
    } else if (tvn_str_is(path, "/health")) {
        tvn_strbuf_add_text(&response->body, "{\"status\":\"ok\"}\n");
    } else if (tvn_str_is(path, "/metrics") && config->metrics_enabled &&
               config->prometheus_enabled) {
        answer_metrics(inspection, response);
    } else if (tvn_str_is(path, "/flows")) {
        answer_flows(inspection, response);
    } else {
        answer_error(response, 404, "not found");
    }
}

/* ---- life ---- */

static bool make_view(struct tvn_inspection *inspection, uint32_t index)
{
    static const char *const policies[] = {
        [TVN_CONFIG_POLICY_BLOCK] = "block",
        [TVN_CONFIG_POLICY_DROP_OLDEST] = "drop-oldest",
        [TVN_CONFIG_POLICY_DROP_NEWEST] = "drop-newest",
        [TVN_CONFIG_POLICY_ERROR] = "error",
        [TVN_CONFIG_POLICY_RATE_LIMIT] = "rate-limit",
    };
    const struct tvn_host_flow *flow = &inspection->host->flows[index];
    struct flow_view *view = &inspection->views[index];
    uint32_t edges = tvn_max(flow->link->edge_count, 1u);
    view->stages = tvn_calloc(flow->link->stage_count, sizeof(view->stages[0]));
    view->streams = tvn_calloc(edges, sizeof(view->streams[0]));
    view->policies = tvn_calloc(edges, sizeof(view->policies[0]));
    if (!view->stages || !view->streams || !view->policies) {
        return false;
    }
    for (uint32_t i = 0; i < flow->link->stage_count; i++) {
        view->stages[i] = tvn_pipeline_stage_stats(flow->pipeline, i);
    }
    for (uint32_t i = 0; i < flow->link->edge_count; i++) {
        view->streams[i] = tvn_pipeline_stream_stats(flow->pipeline, i);
        view->policies[i] = policies[flow->link->edges[i].backpressure.policy];
    }
    inspection->capability_max += flow->link->stage_count * TVN_CAP_COUNT;
    inspection->flows[index] = (struct tvn_metrics_flow){
        .graph = &flow->graph,
        .stats = tvn_pipeline_flow_stats(flow->pipeline),
        .stages = view->stages,
        .streams = view->streams,
        .policies = view->policies,
        .recorder = flow->recorder,
    };
    return true;
}

static bool make_views(struct tvn_inspection *inspection)
{
    uint32_t count = inspection->host->flow_count;
    inspection->flows = tvn_calloc(count, sizeof(*inspection->flows));
    inspection->views = tvn_calloc(count, sizeof(*inspection->views));
    if (!inspection->flows || !inspection->views) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!make_view(inspection, i)) {
            return false;
        }
    }
    inspection->capabilities =
        tvn_calloc(inspection->capability_max, sizeof(*inspection->capabilities));
    return inspection->capabilities != NULL;
}

struct tvn_inspection *tvn_inspection_start(struct tvn_host *host)
{
    struct tvn_inspection *inspection = tvn_calloc(1, sizeof(*inspection));
    if (!inspection) {
        return NULL;
    }
    inspection->host = host;
    inspection->socket = (struct tvn_inspection_socket){.fd = -1, .lock_fd = -1};
    if (make_views(inspection)) {
        tvn_inspection_socket_open(&inspection->socket);
    }
    if (inspection->socket.fd < 0 ||
        tvn_http_server_start(inspection->socket.fd, answer, inspection, &inspection->server) !=
            TVN_OK) {
        tvn_log_info("no inspection server: %s",
                     inspection->socket.why[0] ? inspection->socket.why : "no memory");
        tvn_fd_close(&inspection->socket.fd);
        tvn_inspection_stop(inspection);
        return NULL;
    }
    tvn_log_debug("inspection at '%s'", inspection->socket.path);
    return inspection;
}

void tvn_inspection_stop(struct tvn_inspection *inspection)
{
    if (!inspection) {
        return;
    }
    tvn_http_server_stop(inspection->server);
    if (inspection->socket.path[0]) {
        tvn_inspection_socket_remove(&inspection->socket);
    }
    for (uint32_t i = 0; inspection->views && i < inspection->host->flow_count; i++) {
        tvn_free(inspection->views[i].stages);
        tvn_free(inspection->views[i].streams);
        tvn_free(inspection->views[i].policies);
    }
    tvn_free(inspection->views);
    tvn_free(inspection->flows);
    tvn_free(inspection->capabilities);
    tvn_free(inspection);
}
