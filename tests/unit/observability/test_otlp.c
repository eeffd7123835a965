/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json.h"
#include "format/protobuf.h"
#include "observability/otlp.h"

#include "tvn_test.h"

static const struct tvn_otlp_resource resource = {
    .service_name = "torvyn", .service_version = "1.2.3", .host_name = "here", .pid = 42};

/* ---- responses ---- */

static void test_response_reads_partial_success(void **state)
{
    (void)state;
    const struct {
        enum tvn_otlp_encoding encoding;
        struct tvn_str body;
        uint64_t rejected;
        const char *text;
    } cases[] = {
        {TVN_OTLP_PROTOBUF, TVN_STR(""), 0, ""},
        {TVN_OTLP_PROTOBUF, {"\x0a\x00", 2}, 0, ""},
        {TVN_OTLP_PROTOBUF, TVN_STR("\x0a\x06\x08\x07\x12\x02no"), 7, "no"},
        {TVN_OTLP_PROTOBUF, TVN_STR("\x12\x01x\x0a\x04\x12\x02\x1b\xff"), 0, "??"},
        /* -1 */
        {TVN_OTLP_PROTOBUF, TVN_STR("\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 0, ""},
        {TVN_OTLP_JSON, TVN_STR("{}"), 0, ""},
        {TVN_OTLP_JSON, TVN_STR(""), 0, ""},
        {TVN_OTLP_JSON, TVN_STR("{\"partialSuccess\":{\"rejectedSpans\":\"12\"}}"), 12, ""},
        {TVN_OTLP_JSON,
         TVN_STR(
             "{\"partialSuccess\":{\"rejectedDataPoints\":3,\"errorMessage\":\"why\"},\"x\":1}"),
         3, "why"},
        {TVN_OTLP_JSON, TVN_STR("{\"partialSuccess\":{\"rejectedSpans\":-3,\"errorMessage\":9}}"),
         0, ""},
        {TVN_OTLP_JSON, TVN_STR("{\"partialSuccess\":[1]}"), 0, ""},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        struct tvn_otlp_response response;
        assert_true(tvn_otlp_read_response(cases[i].encoding, cases[i].body, &response));
        assert_int_equal(response.rejected, cases[i].rejected);
        assert_string_equal(response.text, cases[i].text);
    }
}

static void test_response_refuses_what_is_none(void **state)
{
    (void)state;
    struct tvn_otlp_response response;
    assert_false(tvn_otlp_read_response(TVN_OTLP_PROTOBUF, TVN_STR("<html>"), &response));
    assert_false(tvn_otlp_read_response(TVN_OTLP_PROTOBUF, TVN_STR("\x0a\x05\x08"), &response));
    assert_false(tvn_otlp_read_response(TVN_OTLP_PROTOBUF, TVN_STR("\x0a\x02\x12\x09"), &response));
    assert_false(tvn_otlp_read_response(TVN_OTLP_JSON, TVN_STR("<html>"), &response));
    assert_false(tvn_otlp_read_response(TVN_OTLP_JSON, TVN_STR("[]"), &response));
}

/* ---- requests ---- */

static const struct tvn_graph_stage stages[] = {{"source", TVN_ROLE_SOURCE, false},
                                                {"sink", TVN_ROLE_SINK, true}};
static const struct tvn_graph_edge edges[] = {{.from = 0, .to = 1, .port_name = "output"}};
static const struct tvn_graph graphs[] = {{"one", stages, 2, edges, 1},
                                          {"two", stages, 2, edges, 1}};

static struct tvn_flow_stats flow_stats;
static struct tvn_stage_stats stage_stats[2];
static struct tvn_stream_stats stream_stats;
static struct tvn_recorder *recorder;

static void write_metrics(enum tvn_otlp_encoding encoding, uint32_t first, uint32_t count,
                          struct tvn_strbuf *out)
{
    const struct tvn_stage_stats *const by_stage[] = {&stage_stats[0], &stage_stats[1]};
    const struct tvn_stream_stats *const by_stream[] = {&stream_stats};
    const char *const policies[] = {"block"};
    struct tvn_metrics_flow flows[2];
    for (size_t i = 0; i < TVN_ARRAY_LEN(flows); i++) {
        flows[i] = (struct tvn_metrics_flow){&graphs[i], TVN_FLOW_RUNNING, &flow_stats, by_stage,
                                             by_stream,  policies,         recorder};
    }
    const struct tvn_metrics_tier tier = {"256", 10, 6, 8, 4, 1, 2};
    const struct tvn_metrics_view view = {
        .flows = flows, .flow_count = 2, .tiers = &tier, .tier_count = 1, .now_ns = 5000};
    const struct tvn_otlp_metrics_options options = {
        .resource = &resource,
        .encoding = encoding,
        .now_unix_ns = 1000000,
        .started_unix_ns = 10,
        .first_flow = first,
        .flow_count = count,
    };
    tvn_otlp_metrics(&view, &options, out);
    assert_false(out->failed);
}

static struct tvn_str inner(struct tvn_str message, uint32_t number)
{
    struct tvn_protobuf_reader reader;
    struct tvn_protobuf_field field;
    tvn_protobuf_reader_init(&reader, message);
    while (tvn_protobuf_next(&reader, &field)) {
        if (field.number == number) {
            return field.bytes;
        }
    }
    fail_msg("no field %u", number);
    return message;
}

static uint32_t count_of(struct tvn_str message, uint32_t number)
{
    struct tvn_protobuf_reader reader;
    struct tvn_protobuf_field field;
    uint32_t count = 0;
    tvn_protobuf_reader_init(&reader, message);
    while (tvn_protobuf_next(&reader, &field)) {
        count += field.number == number;
    }
    assert_false(reader.failed);
    return count;
}

static void test_metrics_of_one_moment_are_split_by_flows(void **state)
{
    (void)state;
    static const struct {
        uint32_t first;
        uint32_t count;
        uint32_t families;
    } cases[] = {
        {0, 2, TVN_METRIC_COUNT - 2}, /* no capability was used */
        {0, 1, TVN_METRIC_COUNT - 2},
        {1, 1, TVN_METRIC_POOL_CAPACITY}, /* what is before it: no tiers, no system */
        {2, 0, 0},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        TVN_AUTO_VALUE(tvn_strbuf) out = {0};
        write_metrics(TVN_OTLP_PROTOBUF, cases[i].first, cases[i].count, &out);
        struct tvn_str scope = inner(inner(tvn_strbuf_view(&out), 1), 2);
        assert_int_equal(count_of(scope, 2), cases[i].families);
    }
}

static void test_metrics_as_json(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    write_metrics(TVN_OTLP_JSON, 0, 2, &out);
    TVN_AUTO(tvn_json) root = NULL;
    struct tvn_json_error error;
    assert_status(tvn_json_parse(tvn_strbuf_view(&out), &root, &error), TVN_OK);
    static const char elements[] =
        "{\"name\":\"flow.elements.total\",\"description\":\"Elements pulled from sources.\","
        "\"unit\":\"1\",\"sum\":{\"dataPoints\":[{\"startTimeUnixNano\":\"996000\","
        "\"timeUnixNano\":\"1000000\",\"asInt\":\"100\",\"attributes\":[{\"key\":\"flow_id\","
        "\"value\":{\"stringValue\":\"one\"}}]},";
    assert_non_null(strstr(tvn_strbuf_text(&out), elements));
    assert_non_null(strstr(tvn_strbuf_text(&out), "\"aggregationTemporality\":2,"
                                                  "\"isMonotonic\":true"));
    assert_non_null(strstr(tvn_strbuf_text(&out), "{\"key\":\"process.pid\",\"value\":{"
                                                  "\"intValue\":\"42\"}}"));
    assert_non_null(strstr(tvn_strbuf_text(&out), "\"startTimeUnixNano\":\"10\""));
    assert_non_null(strstr(tvn_strbuf_text(&out), "\"count\":\"0\",\"sum\":0"));
    assert_null(strstr(tvn_strbuf_text(&out), "capability.exercises"));
}

static void test_spans_as_protobuf(void **state)
{
    (void)state;
    static struct tvn_trace_span span;
    tvn_trace_span_init(&span);
    memset(span.trace_id, 0xab, sizeof(span.trace_id));
    memset(span.span_id, 0xcd, sizeof(span.span_id));
    memset(span.parent_id, 0xef, sizeof(span.parent_id));
    span.trace_flags = 1;
    span.begin_unix_ns = 1;
    span.end_unix_ns = 2;
    tvn_trace_span_set_name(&span, TVN_STR("name"));
    tvn_trace_span_add_number(&span, "n", 300);
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    tvn_otlp_spans(&resource, TVN_OTLP_PROTOBUF, &span, 1, &out);
    struct tvn_str scope = inner(inner(tvn_strbuf_view(&out), 1), 2);
    static const char wanted[] =
        "\x0a\x10\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab"
        "\x12\x08\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd"
        "\x22\x08\xef\xef\xef\xef\xef\xef\xef\xef"
        "\x2a\x04name\x30\x01"
        "\x39\x01\0\0\0\0\0\0\0\x41\x02\0\0\0\0\0\0\0"
        "\x4a\x08\x0a\x01n\x12\x03\x18\xac\x02"
        "\x85\x01\x01\x01\0";
    struct tvn_str got = inner(scope, 2);
    assert_int_equal(got.len, sizeof(wanted)); /* with the last 0 of the flags */
    assert_memory_equal(got.ptr, wanted, sizeof(wanted));
}

static int setup(void **state)
{
    (void)state;
    const struct tvn_recorder_options options = {
        .stage_count = 2, .edge_count = 1, .level = TVN_OBSERVE_DIAGNOSTIC, .sample_every = 1};
    assert_status(tvn_recorder_create(&options, &recorder), TVN_OK);
    tvn_stat_set(&flow_stats.started_ns, 1000);
    tvn_stat_set(&flow_stats.pulled, 100);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tvn_recorder_destroy(recorder);
    return 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_response_reads_partial_success),
    cmocka_unit_test(test_response_refuses_what_is_none),
    cmocka_unit_test(test_metrics_of_one_moment_are_split_by_flows),
    cmocka_unit_test(test_metrics_as_json),
    cmocka_unit_test(test_spans_as_protobuf),
};
TVN_TEST_MAIN_WITH("observability.otlp", tests, setup, teardown)
