/* SPDX-License-Identifier: Apache-2.0 */
/* What the inspection server answers. */
#include "base/assert.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "format/json.h"
#include "format/json_writer.h"
#include "host/inspection_internal.h"
#include "host/metrics_source.h"
#include "net/http_server.h"

TVN_LOG_CATEGORY("host");

struct tvn_inspection {
    struct tvn_host *host;
    struct tvn_inspection_socket socket;
    struct tvn_http_server *server;
    struct tvn_metrics_source *metrics;
};

/* ---- metrics ---- */

static void answer_metrics(struct tvn_inspection *inspection, struct tvn_http_response *response)
{
    struct tvn_metrics_view view;
    tvn_metrics_source_read(inspection->metrics, &view);
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
    struct tvn_json_writer json;
    tvn_json_writer_init(&json, &response->body, 0);
    tvn_json_begin_object(&json);
    tvn_json_key(&json, "flows");
    tvn_json_begin_array(&json);
    for (uint32_t i = 0; i < inspection->host->flow_count; i++) {
        write_flow(tvn_metrics_source_flow(inspection->metrics, i), false, &json);
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
            struct tvn_json_writer json;
            tvn_json_writer_init(&json, &response->body, 0);
            write_flow(tvn_metrics_source_flow(inspection->metrics, i), true, &json);
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

struct tvn_inspection *tvn_inspection_start(struct tvn_host *host)
{
    struct tvn_inspection *inspection = tvn_calloc(1, sizeof(*inspection));
    if (!inspection) {
        return NULL;
    }
    inspection->host = host;
    inspection->socket = (struct tvn_inspection_socket){.fd = -1, .lock_fd = -1};
    if (tvn_metrics_source_create(host, &inspection->metrics) == TVN_OK) {
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
    tvn_metrics_source_destroy(inspection->metrics);
    tvn_free(inspection);
}
