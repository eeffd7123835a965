/* SPDX-License-Identifier: Apache-2.0 */
/* What GET says, and what POST does to a flow. */
#include "base/clock.h"
#include "base/log.h"
#include "format/json.h"
#include "format/json_writer.h"
#include "host/inspection.h"

TVN_LOG_CATEGORY("host");

void tvn_inspection_get_health(struct tvn_inspection *inspection,
                               const struct tvn_inspection_call *call,
                               struct tvn_http_response *response)
{
    (void)inspection;
    (void)call;
    tvn_strbuf_add_text(&response->body, "{\"status\":\"ok\"}\n");
}

void tvn_inspection_get_metrics(struct tvn_inspection *inspection,
                                const struct tvn_inspection_call *call,
                                struct tvn_http_response *response)
{
    const struct tvn_config_observability *config =
        &inspection->host->manifest->config.observability;
    (void)call;
    if (!config->metrics_enabled || !config->prometheus_enabled) {
        tvn_inspection_refuse(response, 404, "not found");
        return;
    }
    struct tvn_metrics_view view;
    tvn_metrics_source_read(inspection->metrics, &view);
    response->content_type = TVN_METRICS_CONTENT_TYPE;
    tvn_metrics_prometheus(&view, &response->body);
}

static void write_streams(const struct tvn_metrics_flow *flow, struct tvn_json_writer *json)
{
    uint64_t now_ns = tvn_clock_monotonic_ns();
    tvn_json_key(json, "streams");
    tvn_json_begin_array(json);
    for (uint32_t i = 0; i < flow->graph->edge_count; i++) {
        const struct tvn_graph_edge *edge = &flow->graph->edges[i];
        const struct tvn_stream_stats *stats = flow->streams[i];
        tvn_json_begin_object(json);
        tvn_json_field_text(json, "from", flow->graph->stages[edge->from].name);
        tvn_json_field_text(json, "to", flow->graph->stages[edge->to].name);
        tvn_json_field_text(json, "port", edge->port_name);
        tvn_json_field_text(json, "policy", flow->policies[i]);
        tvn_json_field_u64(json, "capacity", edge->capacity);
        tvn_json_field_u64(json, "depth", tvn_stat_get(&stats->depth));
        tvn_json_field_u64(json, "peak_depth", tvn_stat_get(&stats->depth_peak));
        tvn_json_field_u64(json, "transferred", tvn_stat_get(&stats->transferred));
        tvn_json_field_u64(json, "dropped", tvn_stat_get(&stats->dropped));
        tvn_json_field_bool(json, "backpressure", tvn_stat_get(&stats->backpressure_open_ns) != 0);
        tvn_json_field_u64(json, "backpressure_events", tvn_stat_get(&stats->backpressure_events));
        tvn_json_field_real(json, "backpressure_ms",
                            (double)tvn_backpressure_ns(stats, now_ns) / 1e6);
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
        tvn_json_field_u64(json, "emitted", tvn_stat_get(&stats->emitted));
        tvn_json_field_u64(json, "dropped", tvn_stat_get(&stats->dropped));
        tvn_json_field_u64(json, "failed", tvn_stat_get(&stats->failed));
        tvn_json_field_u64(json, "restarts", tvn_stat_get(&stats->restarts));
        tvn_json_field_u64(json, "memory_bytes", tvn_stat_get(&stats->memory_bytes));
        tvn_json_field_u64(json, "timed_calls", tvn_histogram_count(times));
        tvn_json_field_u64(json, "timed_ns", tvn_histogram_sum(times));
        tvn_json_field_real(json, "p50_us", (double)tvn_histogram_quantile(times, 0.5) / 1e3);
        tvn_json_field_real(json, "p99_us", (double)tvn_histogram_quantile(times, 0.99) / 1e3);
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
}

/* What changes from one reading to the next is only true with the time between them. */
static void write_times(const struct tvn_metrics_flow *flow, struct tvn_json_writer *json)
{
    tvn_json_field_u64(json, "now_ns", tvn_clock_monotonic_ns());
    tvn_json_field_u64(json, "started_ns", tvn_stat_get(&flow->stats->started_ns));
    tvn_json_field_u64(json, "ended_ns", tvn_stat_get(&flow->stats->ended_ns));
    tvn_json_field_u64(json, "idle_ns", tvn_idle_ns(flow->stats, tvn_clock_monotonic_ns()));
    tvn_json_field_u64(json, "wakeups", tvn_stat_get(&flow->stats->wakeups));
    tvn_json_field_u64(json, "sample_every", tvn_recorder_sample_every(flow->recorder));
}

/* Of payloads. */
static void write_copies(const struct tvn_metrics_flow *flow, struct tvn_json_writer *json)
{
    uint64_t count = 0;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < flow->graph->stage_count; i++) {
        const struct tvn_copy_stats *copies = &flow->stages[i]->copies;
        for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
            bool is_payload = reason != TVN_COPY_METADATA_MARSHAL;
            count += is_payload ? tvn_stat_get(&copies->count[reason]) : 0;
            bytes += is_payload ? tvn_stat_get(&copies->bytes[reason]) : 0;
        }
    }
    tvn_json_field_u64(json, "copies", count);
    tvn_json_field_u64(json, "copied_bytes", bytes);
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
        write_copies(flow, json);
        write_times(flow, json);
        write_components(flow, json);
        write_streams(flow, json);
    }
    tvn_json_end_object(json);
}

void tvn_inspection_get_flows(struct tvn_inspection *inspection,
                              const struct tvn_inspection_call *call,
                              struct tvn_http_response *response)
{
    (void)call;
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

void tvn_inspection_get_flow(struct tvn_inspection *inspection,
                             const struct tvn_inspection_call *call,
                             struct tvn_http_response *response)
{
    struct tvn_json_writer json;
    tvn_json_writer_init(&json, &response->body, 0);
    uint32_t index = (uint32_t)(call->flow - inspection->host->flows);
    write_flow(tvn_metrics_source_flow(inspection->metrics, index), true, &json);
    tvn_strbuf_add_char(&response->body, '\n');
}

/* ---- POST ---- */

/* {"level":"diagnostic"}; false when it was refused. */
static bool read_level(const struct tvn_inspection_call *call, struct tvn_http_response *response,
                       enum tvn_observe_level *out_level)
{
    TVN_AUTO(tvn_json) root = NULL;
    struct tvn_json_error error;
    if (tvn_json_parse(call->request->body, &root, &error) != TVN_OK ||
        tvn_json_kind(root) != TVN_JSON_OBJECT || tvn_json_count(root) != 1) {
        tvn_inspection_refuse(response, 400, "the body is no object with 'level'");
        return false;
    }
    const struct tvn_json *level = tvn_json_get(root, "level");
    for (unsigned i = 0;
         level && tvn_json_kind(level) == TVN_JSON_STRING && i < TVN_OBSERVE_LEVEL_COUNT; i++) {
        if (tvn_str_is(tvn_json_string(level), tvn_observe_level_name((enum tvn_observe_level)i))) {
            *out_level = (enum tvn_observe_level)i;
            return true;
        }
    }
    tvn_inspection_refuse(response, 400, "'level' is none of off, production, diagnostic");
    return false;
}

void tvn_inspection_post_level(struct tvn_inspection *inspection,
                               const struct tvn_inspection_call *call,
                               struct tvn_http_response *response)
{
    (void)inspection;
    enum tvn_observe_level level;
    if (read_level(call, response, &level)) {
        tvn_recorder_set_level(call->flow->recorder, level);
        tvn_strbuf_add_text(&response->body, "{}\n");
    }
}

void tvn_inspection_post_process_level(struct tvn_inspection *inspection,
                                       const struct tvn_inspection_call *call,
                                       struct tvn_http_response *response)
{
    enum tvn_observe_level level;
    if (!read_level(call, response, &level)) {
        return;
    }
    for (uint32_t i = 0; i < inspection->host->flow_count; i++) {
        tvn_recorder_set_level(inspection->host->flows[i].recorder, level);
    }
    tvn_strbuf_add_text(&response->body, "{}\n");
}

/* What a flow is told without any words: the body must be empty or {}, and the state fit. */
static bool may_tell(const struct tvn_inspection_call *call, struct tvn_http_response *response,
                     bool pauses)
{
    struct tvn_str body = tvn_str_trim(call->request->body);
    enum tvn_flow_state state = tvn_flow_state(tvn_pipeline_flow(call->flow->pipeline));
    if (body.len > 0 && !tvn_str_is(body, "{}")) {
        tvn_inspection_refuse(response, 400, "the body must be empty or {}");
        return false;
    }
    if (tvn_flow_state_is_terminal(state)) {
        tvn_inspection_refuse(response, 409, "the flow has ended");
        return false;
    }
    bool ends = state == TVN_FLOW_DRAINING ||
                tvn_stop_level(&call->flow->stop.flag) != TVN_STOP_NONE ||
                tvn_stop_level(&call->flow->asked) != TVN_STOP_NONE;
    if (pauses && ends) {
        tvn_inspection_refuse(response, 409, "the flow is ending");
        return false;
    }
    return true;
}

static void told(const struct tvn_inspection_call *call, struct tvn_http_response *response,
                 const char *what)
{
    tvn_log_info("flow '%s' is told to %s", call->flow->link->flow_name, what);
    response->status = 202;
    tvn_strbuf_add_text(&response->body, "{}\n");
}

static void pause_or_resume(const struct tvn_inspection_call *call,
                            struct tvn_http_response *response, bool pause)
{
    if (may_tell(call, response, true)) {
        tvn_stop_control_pause(&call->flow->stop, pause);
        told(call, response, pause ? "pause" : "resume");
    }
}

void tvn_inspection_post_pause(struct tvn_inspection *inspection,
                               const struct tvn_inspection_call *call,
                               struct tvn_http_response *response)
{
    (void)inspection;
    pause_or_resume(call, response, true);
}

void tvn_inspection_post_resume(struct tvn_inspection *inspection,
                                const struct tvn_inspection_call *call,
                                struct tvn_http_response *response)
{
    (void)inspection;
    pause_or_resume(call, response, false);
}

void tvn_inspection_post_drain(struct tvn_inspection *inspection,
                               const struct tvn_inspection_call *call,
                               struct tvn_http_response *response)
{
    (void)inspection;
    if (may_tell(call, response, false)) {
        tvn_host_flow_ask(call->flow, TVN_STOP_DRAIN);
        told(call, response, "drain");
    }
}

void tvn_inspection_post_cancel(struct tvn_inspection *inspection,
                                const struct tvn_inspection_call *call,
                                struct tvn_http_response *response)
{
    (void)inspection;
    if (may_tell(call, response, false)) {
        tvn_host_flow_ask(call->flow, TVN_STOP_CANCEL);
        told(call, response, "cancel");
    }
}
