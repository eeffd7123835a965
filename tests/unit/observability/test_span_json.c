/* SPDX-License-Identifier: Apache-2.0 */
#include "observability/span_json.h"

#include "tvn_test.h"

static void fill(struct tvn_trace_span *span)
{
    tvn_trace_span_init(span);
    memset(span->trace_id, 0x1a, sizeof(span->trace_id));
    memset(span->span_id, 0x2b, sizeof(span->span_id));
    memset(span->parent_id, 0x3c, sizeof(span->parent_id));
    memset(span->link_trace_id, 0x4d, sizeof(span->link_trace_id));
    memset(span->link_span_id, 0x5e, sizeof(span->link_span_id));
    span->begin_unix_ns = UINT64_C(1700000000123456789);
    span->end_unix_ns = span->begin_unix_ns + 1;
    span->trace_flags = 1;
    span->has_remote_parent = true;
    tvn_trace_span_set_name(span, TVN_STR("element:7"));
    tvn_trace_span_set_tracestate(span, TVN_STR("a=b"));
    tvn_trace_span_set_error(span, TVN_STR("a \"b\""));
    tvn_trace_span_add_text(span, "torvyn.flow", TVN_STR("main"));
    tvn_trace_span_add_event(span, "torvyn.queue", 5);
    tvn_trace_span_add_number(span, "torvyn.queue.depth", 3);
}

static void test_span_json_full_span_is_otlp(void **state)
{
    (void)state;
    static struct tvn_trace_span span;
    fill(&span);
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    struct tvn_json_writer json;
    tvn_json_writer_init(&json, &out, 0);
    tvn_span_json(&span, &json);
    assert_string_equal(
        tvn_strbuf_text(&out),
        "{\"traceId\":\"1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a\",\"spanId\":\"2b2b2b2b2b2b2b2b\","
        "\"parentSpanId\":\"3c3c3c3c3c3c3c3c\",\"traceState\":\"a=b\",\"flags\":769,"
        "\"name\":\"element:7\",\"kind\":1,\"startTimeUnixNano\":\"1700000000123456789\","
        "\"endTimeUnixNano\":\"1700000000123456790\",\"attributes\":[{\"key\":\"torvyn.flow\","
        "\"value\":{\"stringValue\":\"main\"}}],\"events\":[{\"timeUnixNano\":\"5\",\"name\":"
        "\"torvyn.queue\",\"attributes\":[{\"key\":\"torvyn.queue.depth\",\"value\":{"
        "\"intValue\":\"3\"}}]}],\"links\":[{\"traceId\":\"4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d\","
        "\"spanId\":\"5e5e5e5e5e5e5e5e\"}],\"status\":{\"code\":2,\"message\":\"a \\\"b\\\"\"}}");
}

static void test_span_json_root_span_has_only_what_it_has(void **state)
{
    (void)state;
    static struct tvn_trace_span span;
    tvn_trace_span_init(&span);
    tvn_trace_span_set_name(&span, TVN_STR("flow:main"));
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    const struct tvn_otlp_resource resource = {.service_name = "torvyn", .service_version = "1.2"};
    tvn_span_json_batch(&resource, &span, 1, &out);
    assert_string_equal(
        tvn_strbuf_text(&out),
        "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{"
        "\"stringValue\":\"torvyn\"}},{\"key\":\"service.version\",\"value\":{\"stringValue\":"
        "\"1.2\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"torvyn\",\"version\":\"" TVN_VERSION
        "\"},\"spans\":[{\"traceId\":\"00000000000000000000000000000000\",\"spanId\":"
        "\"0000000000000000\",\"flags\":256,\"name\":\"flow:main\",\"kind\":1,"
        "\"startTimeUnixNano\":\"0\",\"endTimeUnixNano\":\"0\",\"attributes\":[]}]}]}]}");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_span_json_full_span_is_otlp),
    cmocka_unit_test(test_span_json_root_span_has_only_what_it_has),
};
TVN_TEST_MAIN("observability.span_json", tests)
