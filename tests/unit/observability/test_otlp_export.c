/* SPDX-License-Identifier: Apache-2.0 */
/* Exporters against peers that answer well, badly or not at all. No assertion is about time: what
 * waits for ever is ended by the test's own limit. */
#include "base/clock.h"
#include "base/mem.h"
#include "observability/otlp_export.h"

#include "http_peer.h"

#define LONG_NS  UINT64_C(60000000000)
#define SHORT_NS UINT64_C(100000000)

static const struct tvn_otlp_resource resource = {.service_name = "torvyn"};
static const char good[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

static struct tvn_span_exporter *create_exporter(const char *url, enum tvn_otlp_protocol protocol)
{
    const struct tvn_otlp_target target = {protocol, url};
    const struct tvn_span_exporter_options options = {.delay_ms = 1, .batch_max = 16};
    struct tvn_span_transport *transport;
    struct tvn_span_exporter *exporter;
    assert_null(tvn_otlp_target_problem(&target));
    assert_status(tvn_otlp_span_transport_create(&target, &resource, &transport), TVN_OK);
    assert_status(tvn_span_exporter_create(&options, transport, &exporter), TVN_OK);
    return exporter;
}

static void offer(struct tvn_span_exporter *exporter, size_t count)
{
    struct tvn_trace_span span;
    tvn_trace_span_init(&span);
    memset(span.trace_id, 1, sizeof(span.trace_id));
    memset(span.span_id, 1, sizeof(span.span_id));
    tvn_trace_span_set_name(&span, TVN_STR("test"));
    for (size_t i = 0; i < count; i++) {
        tvn_span_exporter_offer(exporter, &span, 1);
    }
}

static void *offer_many(void *exporter)
{
    offer(exporter, 500);
    return NULL;
}

static void test_spans_of_several_threads_arrive(void **state)
{
    (void)state;
    static const enum tvn_otlp_protocol protocols[] = {TVN_OTLP_HTTP_PROTOBUF, TVN_OTLP_HTTP_JSON};
    for (size_t i = 0; i < TVN_ARRAY_LEN(protocols); i++) {
        struct http_peer peer = {.says = good};
        http_peer_start(&peer);
        struct tvn_span_exporter *exporter = create_exporter(peer.url, protocols[i]);
        pthread_t threads[2];
        for (size_t k = 0; k < TVN_ARRAY_LEN(threads); k++) {
            assert_int_equal(pthread_create(&threads[k], NULL, offer_many, exporter), 0);
        }
        for (size_t k = 0; k < TVN_ARRAY_LEN(threads); k++) {
            pthread_join(threads[k], NULL);
        }
        assert_true(tvn_span_exporter_flush(exporter, tvn_clock_monotonic_ns() + LONG_NS));
        struct tvn_span_exporter_stats stats;
        tvn_span_exporter_stats(exporter, &stats);
        assert_int_equal(stats.exported, 1000);
        assert_int_equal(stats.dropped, 0);
        tvn_span_exporter_destroy(exporter);
        http_peer_stop(&peer);
        assert_true(atomic_load(&peer.requests) >= 1000 / 16);
        assert_non_null(strstr(peer.head, "POST /x/v1/traces HTTP/1.1\r\n"));
    }
}

static void test_refused_spans_are_counted(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "HTTP/1.1 400 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 301 Elsewhere\r\nLocation: /\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>",
        /* rejects more than there was */
        ("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 41\r\n"
         "Connection: close\r\n\r\n{\"partialSuccess\":{\"rejectedSpans\":\"99\"}}"),
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(answers); i++) {
        struct http_peer peer = {.says = answers[i]};
        http_peer_start(&peer);
        struct tvn_span_exporter *exporter = create_exporter(peer.url, TVN_OTLP_HTTP_PROTOBUF);
        offer(exporter, 1);
        assert_true(tvn_span_exporter_flush(exporter, tvn_clock_monotonic_ns() + LONG_NS));
        struct tvn_span_exporter_stats stats;
        tvn_span_exporter_stats(exporter, &stats);
        assert_int_equal(stats.exported, 0);
        assert_int_equal(stats.dropped, 1);
        tvn_span_exporter_destroy(exporter);
        http_peer_stop(&peer);
        assert_int_equal(atomic_load(&peer.requests), 1);
    }
}

static void test_a_silent_collector_holds_nobody(void **state)
{
    (void)state;
    struct http_peer peer = {.says = "", .holds = true};
    http_peer_start(&peer);
    struct tvn_span_exporter *exporter = create_exporter(peer.url, TVN_OTLP_HTTP_PROTOBUF);
    offer(exporter, 100);
    assert_false(tvn_span_exporter_flush(exporter, tvn_clock_monotonic_ns() + SHORT_NS));
    tvn_span_exporter_destroy(exporter); /* interrupts the request */
    http_peer_stop(&peer);
}

static void test_a_dead_collector_is_given_up_by_a_flush(void **state)
{
    (void)state;
    struct http_peer peer = {.says = ""};
    http_peer_start(&peer);
    http_peer_stop(&peer); /* nobody listens at the port any more */
    struct tvn_span_exporter *exporter = create_exporter(peer.url, TVN_OTLP_HTTP_JSON);
    offer(exporter, 100);
    assert_true(tvn_span_exporter_flush(exporter, tvn_clock_monotonic_ns() + LONG_NS));
    struct tvn_span_exporter_stats stats;
    tvn_span_exporter_stats(exporter, &stats);
    assert_int_equal(stats.dropped, 100);
    tvn_span_exporter_destroy(exporter);
}

/* ---- metrics ---- */

static void read_nothing(void *context, struct tvn_metrics_view *out_view)
{
    atomic_uint *reads = context;
    atomic_fetch_add(reads, 1);
    *out_view = (struct tvn_metrics_view){.now_ns = tvn_clock_monotonic_ns()};
}

static void run_metrics(struct http_peer *peer, uint64_t interval_ns, uint64_t last_ns,
                        unsigned requests_min)
{
    atomic_uint reads = 0;
    const struct tvn_otlp_metrics_exporter_options options = {
        .target = {TVN_OTLP_HTTP_PROTOBUF, peer->url},
        .resource = &resource,
        .interval_ns = interval_ns,
        .read = read_nothing,
        .context = &reads,
    };
    struct tvn_otlp_metrics_exporter *exporter;
    assert_status(tvn_otlp_metrics_exporter_create(&options, &exporter), TVN_OK);
    while (atomic_load(&peer->requests) < requests_min) {
        usleep(1000);
    }
    tvn_otlp_metrics_exporter_destroy(exporter, tvn_clock_monotonic_ns() + last_ns);
    assert_true(atomic_load(&reads) > 0);
}

static void test_metrics_come_every_interval_and_at_the_end(void **state)
{
    (void)state;
    struct http_peer peer = {.says = good};
    http_peer_start(&peer);
    run_metrics(&peer, 1000000, LONG_NS, 3);
    unsigned before = atomic_load(&peer.requests);
    run_metrics(&peer, LONG_NS, LONG_NS, 0); /* only at the end */
    assert_int_equal(atomic_load(&peer.requests), before + 1);
    http_peer_stop(&peer);
}

static void test_metrics_end_beside_a_silent_collector(void **state)
{
    (void)state;
    struct http_peer peer = {.says = "", .holds = true};
    http_peer_start(&peer);
    run_metrics(&peer, 1000000, SHORT_NS, 1); /* while a request is under way */
    run_metrics(&peer, LONG_NS, SHORT_NS, 0);
    http_peer_stop(&peer);
}

/* Each allocation fails once, whoever makes it: creating says so, later it is a span that is lost.
 */
static void test_no_memory_is_survived(void **state)
{
    (void)state;
    const struct tvn_otlp_target target = {TVN_OTLP_HTTP_PROTOBUF, "http://127.0.0.1:9"};
    const struct tvn_span_exporter_options options = {.delay_ms = 1, .queue_capacity = 4};
    bool created = false;
    for (uint64_t index = 1; !created; index++) {
        struct tvn_span_transport *transport = NULL;
        struct tvn_span_exporter *exporter = NULL;
        tvn_mem_fail_at(index, false);
        enum tvn_status status = tvn_otlp_span_transport_create(&target, &resource, &transport);
        if (status == TVN_OK) {
            status = tvn_span_exporter_create(&options, transport, &exporter);
        }
        tvn_mem_fail_at(0, false);
        assert_true(status == TVN_OK || status == TVN_E_OUT_OF_MEMORY);
        created = status == TVN_OK;
        if (created) {
            tvn_span_exporter_destroy(exporter);
        } else {
            tvn_span_transport_destroy(transport);
        }
    }
    for (uint64_t index = 1; index <= 8; index++) {
        struct http_peer peer = {.says = good};
        http_peer_start(&peer);
        struct tvn_span_exporter *exporter = create_exporter(peer.url, TVN_OTLP_HTTP_JSON);
        tvn_mem_fail_at(index, false);
        offer(exporter, 1);
        assert_true(tvn_span_exporter_flush(exporter, tvn_clock_monotonic_ns() + LONG_NS));
        tvn_mem_fail_at(0, false);
        struct tvn_span_exporter_stats stats;
        tvn_span_exporter_stats(exporter, &stats);
        assert_int_equal(stats.exported + stats.dropped, 1);
        tvn_span_exporter_destroy(exporter);
        http_peer_stop(&peer);
    }
}

static void test_targets(void **state)
{
    (void)state;
    static const struct {
        struct tvn_otlp_target target;
        bool good;
    } cases[] = {
        {{TVN_OTLP_GRPC, ""}, true},
        {{TVN_OTLP_GRPC, NULL}, true},
        {{TVN_OTLP_GRPC, "http://host:1"}, true},
        {{TVN_OTLP_GRPC, "https://host/"}, true},
        {{TVN_OTLP_GRPC, "http://host:1/v1/traces"}, false},
        {{TVN_OTLP_GRPC, "host:1"}, false},
        {{TVN_OTLP_HTTP_JSON, "http://host:1/any/path"}, true},
        {{TVN_OTLP_HTTP_JSON, "http://host:1/any?query"}, false},
        {{TVN_OTLP_HTTP_JSON, "unix:///run/x"}, false},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        assert_int_equal(tvn_otlp_target_problem(&cases[i].target) == NULL, cases[i].good);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_spans_of_several_threads_arrive),
    cmocka_unit_test(test_refused_spans_are_counted),
    cmocka_unit_test(test_a_silent_collector_holds_nobody),
    cmocka_unit_test(test_a_dead_collector_is_given_up_by_a_flush),
    cmocka_unit_test(test_metrics_come_every_interval_and_at_the_end),
    cmocka_unit_test(test_metrics_end_beside_a_silent_collector),
    cmocka_unit_test(test_no_memory_is_survived),
    cmocka_unit_test(test_targets),
};
TVN_TEST_MAIN("observability.otlp_export", tests)
