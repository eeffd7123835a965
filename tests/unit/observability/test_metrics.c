/* SPDX-License-Identifier: Apache-2.0 */
#include "observability/metrics.h"

#include "tvn_test.h"

static const struct tvn_graph_stage stages[] = {{"source", TVN_ROLE_SOURCE, false},
                                                {"si\"nk", TVN_ROLE_SINK, true}};
static const struct tvn_graph_edge edges[] = {{.from = 0, .to = 1, .port_name = "output"}};
static const struct tvn_graph graph = {"main", stages, 2, edges, 1};

static struct tvn_flow_stats flow_stats;
static struct tvn_stage_stats stage_stats[2];
static struct tvn_stream_stats stream_stats;
static struct tvn_recorder *recorder;

static void write_text(struct tvn_strbuf *out)
{
    const struct tvn_stage_stats *const by_stage[] = {&stage_stats[0], &stage_stats[1]};
    const struct tvn_stream_stats *const by_stream[] = {&stream_stats};
    const char *const policies[] = {"block"};
    const struct tvn_metrics_flow flow = {&graph,    TVN_FLOW_RUNNING, &flow_stats, by_stage,
                                          by_stream, policies,         recorder};
    const struct tvn_metrics_tier tier = {"256", 10, 6, 8, 4, 1, 2};
    const struct tvn_metrics_capability capability = {"si\"nk", "wasi-clocks", 5, 1};
    const struct tvn_metrics_view view = {.flows = &flow,
                                          .flow_count = 1,
                                          .tiers = &tier,
                                          .tier_count = 1,
                                          .capabilities = &capability,
                                          .capability_count = 1,
                                          .resident_bytes = 1000000,
                                          .now_ns = UINT64_C(3000000000)};
    tvn_metrics_prometheus(&view, out);
    assert_false(out->failed);
}

static int setup(void **state)
{
    (void)state;
    const struct tvn_recorder_options options = {
        .stage_count = 2, .edge_count = 1, .level = TVN_OBSERVE_DIAGNOSTIC, .sample_every = 1};
    assert_status(tvn_recorder_create(&options, &recorder), TVN_OK);
    tvn_stat_set(&flow_stats.started_ns, UINT64_C(1000000000));
    tvn_stat_set(&flow_stats.pulled, 100);
    tvn_stat_set(&flow_stats.wakeups, 7);
    tvn_copy_record(&stage_stats[0].copies, TVN_COPY_PAYLOAD_WRITE, 30);
    tvn_copy_record(&stage_stats[1].copies, TVN_COPY_PAYLOAD_READ, 12);
    tvn_copy_record(&stage_stats[1].copies, TVN_COPY_METADATA_MARSHAL, 1000);
    tvn_stat_set(&stage_stats[1].memory_bytes, 65536);
    tvn_stat_set(&stream_stats.backpressure_ns, 1500000);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tvn_recorder_destroy(recorder);
    return 0;
}

static void assert_line(const struct tvn_strbuf *text, const char *line)
{
    TVN_AUTO_VALUE(tvn_strbuf) wanted = {0};
    tvn_strbuf_printf(&wanted, "\n%s\n", line);
    if (!strstr(tvn_strbuf_text(text), tvn_strbuf_text(&wanted))) {
        fail_msg("'%s' is missing in\n%s", line, tvn_strbuf_text(text));
    }
}

static void test_prometheus_has_the_values(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    write_text(&text);
    assert_line(&text, "# TYPE torvyn_flow_elements_total counter");
    assert_line(&text, "torvyn_flow_elements_total{flow_id=\"main\"} 100");
    assert_line(&text, "torvyn_flow_throughput{flow_id=\"main\"} 50");
    assert_line(&text, "torvyn_flow_copies_total{flow_id=\"main\"} 2");
    assert_line(&text, "torvyn_flow_copies_bytes_total{flow_id=\"main\"} 42");
    assert_line(&text, "torvyn_flow_active_duration_seconds{flow_id=\"main\"} 2");
    assert_line(&text, "torvyn_flow_state{flow_id=\"main\",state=\"Running\"} 1");
    assert_line(&text, "torvyn_flow_state{flow_id=\"main\",state=\"Failed\"} 0");
    assert_line(
        &text,
        "torvyn_component_memory_current_bytes{flow_id=\"main\",component_id=\"si\\\"nk\"} 65536");
    assert_line(&text, "torvyn_stream_backpressure_duration_seconds_total{flow_id=\"main\",stream_"
                       "id=\"source:output→si\\\"nk\"} 0.0015");
    assert_line(&text, "torvyn_pool_reuse_rate{tier=\"256\"} 0.5");
    assert_line(
        &text,
        "torvyn_capability_denials_total{component_id=\"si\\\"nk\",capability=\"wasi-clocks\"} 1");
    assert_line(&text, "torvyn_system_flows_active 1");
    assert_line(&text, "torvyn_system_components_active 1");
    assert_line(&text, "torvyn_system_memory_host_bytes 934464");
    assert_line(&text, "torvyn_system_scheduler_wakeups_total 7");
    assert_line(&text, "torvyn_flow_latency_seconds_bucket{flow_id=\"main\",le=\"+Inf\"} 0");
    assert_line(&text, "torvyn_flow_latency_seconds_bucket{flow_id=\"main\",le=\"1.28e-07\"} 0");
}

static void test_prometheus_has_every_family_once(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    write_text(&text);
    for (unsigned i = 0; i < TVN_METRIC_COUNT; i++) {
        const struct tvn_metric_row *row = tvn_metric_row((enum tvn_metric)i);
        TVN_AUTO_VALUE(tvn_strbuf) type = {0};
        tvn_strbuf_printf(&type, "# TYPE %s ", row->prometheus);
        const char *found = strstr(tvn_strbuf_text(&text), tvn_strbuf_text(&type));
        assert_non_null(found);
        assert_null(strstr(found + 1, tvn_strbuf_text(&type)));
    }
}

static void test_catalogue_names_follow_the_rules(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TVN_METRIC_COUNT; i++) {
        const struct tvn_metric_row *row = tvn_metric_row((enum tvn_metric)i);
        struct tvn_str name = tvn_str_of(row->prometheus);
        bool is_total = tvn_str_ends_with(name, tvn_str_of("_total"));
        assert_true(tvn_str_starts_with(name, tvn_str_of("torvyn_")));
        assert_int_equal(is_total, row->kind == TVN_METRIC_KIND_COUNTER);
        if (row->unit == TVN_METRIC_UNIT_NS) {
            assert_non_null(strstr(row->prometheus, "_seconds"));
        }
        if (row->unit == TVN_METRIC_UNIT_BYTES) {
            assert_non_null(strstr(row->prometheus, "_bytes"));
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_prometheus_has_the_values),
    cmocka_unit_test(test_prometheus_has_every_family_once),
    cmocka_unit_test(test_catalogue_names_follow_the_rules),
};
TVN_TEST_MAIN_WITH("observability.metrics", tests, setup, teardown)
