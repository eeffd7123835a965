/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "net/grpc.h"
#include "observability/otlp_post_internal.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/random.h>

TVN_LOG_CATEGORY("observability");

#define NS_PER_MS         UINT64_C(1000000)
#define MS_PER_S          1000
#define BACKOFF_DOUBLINGS 8
#define WHY_MAX           320
#define TIMEOUT_BYTES     48

static const struct {
    const char *name;
    const char *path; /* of OTLP/HTTP */
    const char *method;
} signals[] = {
    [OTLP_METRICS] = {"metrics", "/v1/metrics",
                      "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"},
    [OTLP_TRACES] = {"spans", "/v1/traces",
                     "/opentelemetry.proto.collector.trace.v1.TraceService/Export"},
};

struct otlp_post {
    enum otlp_signal signal;
    enum tvn_otlp_protocol protocol;
    struct tvn_otlp_resource resource; /* texts are owned */
    char *texts[4];
    struct tvn_strbuf url;
    struct tvn_strbuf origin; /* for people */
    struct tvn_http_client *client;
    struct tvn_strbuf request;
    bool ended; /* the frame around the message is complete */
    _Atomic uint64_t hurry_ns;
    uint32_t failures; /* in a row */
    bool is_rejecting; /* as the log knows it */
};

/* ---- targets ---- */

static const char *url_of(const struct tvn_otlp_target *target)
{
    if (target->url && target->url[0]) {
        return target->url;
    }
    return target->protocol == TVN_OTLP_GRPC ? "http://localhost:4317" : "http://localhost:4318";
}

const char *tvn_otlp_target_problem(const struct tvn_otlp_target *target)
{
    tvn_assert(target);
    const char *url = url_of(target);
    if (!tvn_http_url_is_valid(url)) {
        return "it is no URL of the form http://host:port or https://host:port";
    }
    TVN_AUTO_VALUE(tvn_strbuf) path = {0};
    tvn_http_url_path(url, &path);
    if (target->protocol == TVN_OTLP_GRPC && strcmp(tvn_strbuf_text(&path), "/") != 0) {
        return "a URL for gRPC has no path";
    }
    return NULL;
}

static void set_url(struct otlp_post *post, const char *text)
{
    const char *path = signals[post->signal].path;
    struct tvn_str url = tvn_str_of(text);
    if (post->protocol != TVN_OTLP_GRPC && tvn_str_ends_with(url, tvn_str_of(path))) {
        tvn_strbuf_add_str(&post->url, url);
        return;
    }
    while (tvn_str_ends_with(url, TVN_STR("/"))) {
        url.len--;
    }
    tvn_strbuf_add_str(&post->url, url);
    tvn_strbuf_add_text(&post->url,
                        post->protocol == TVN_OTLP_GRPC ? signals[post->signal].method : path);
}

/* ---- life ---- */

static bool copy_resource(struct otlp_post *post, const struct tvn_otlp_resource *resource)
{
    const char *const from[] = {resource->service_name, resource->service_version,
                                resource->instance_id, resource->host_name};
    static_assert(TVN_ARRAY_LEN(from) == TVN_ARRAY_LEN(post->texts), "all texts");
    for (size_t i = 0; i < TVN_ARRAY_LEN(from); i++) {
        post->texts[i] = from[i] ? tvn_strdup(from[i]) : NULL;
        if (from[i] && !post->texts[i]) {
            return false;
        }
    }
    post->resource = (struct tvn_otlp_resource){
        .service_name = post->texts[0],
        .service_version = post->texts[1],
        .instance_id = post->texts[2],
        .host_name = post->texts[3],
        .pid = resource->pid,
    };
    return true;
}

enum tvn_status otlp_post_create(enum otlp_signal signal, const struct tvn_otlp_target *target,
                                 const struct tvn_otlp_resource *resource,
                                 struct otlp_post **out_post)
{
    tvn_assert(target && resource && out_post);
    if (tvn_otlp_target_problem(target)) { /* there was none: only memory can be missing */
        return TVN_E_OUT_OF_MEMORY;
    }
    TVN_AUTO(otlp_post) post = tvn_calloc(1, sizeof(*post));
    if (!post) {
        return TVN_E_OUT_OF_MEMORY;
    }
    post->signal = signal;
    post->protocol = target->protocol;
    atomic_init(&post->hurry_ns, UINT64_MAX);
    tvn_strbuf_init(&post->request, TVN_OTLP_REQUEST_MAX);
    set_url(post, url_of(target));
    tvn_http_url_origin(url_of(target), &post->origin);
    if (!copy_resource(post, resource) || post->url.failed || post->origin.failed) {
        return TVN_E_OUT_OF_MEMORY;
    }
    TVN_TRY(tvn_http_client_create(&post->client));
    *out_post = TVN_TAKE(post);
    return TVN_OK;
}

void otlp_post_destroy(struct otlp_post *post)
{
    if (!post) {
        return;
    }
    tvn_http_client_destroy(post->client);
    for (size_t i = 0; i < TVN_ARRAY_LEN(post->texts); i++) {
        tvn_free(post->texts[i]);
    }
    tvn_strbuf_deinit(&post->url);
    tvn_strbuf_deinit(&post->origin);
    tvn_strbuf_deinit(&post->request);
    tvn_free(post);
}

const struct tvn_otlp_resource *otlp_post_resource(const struct otlp_post *post)
{
    return &post->resource;
}

enum tvn_otlp_encoding otlp_post_encoding(const struct otlp_post *post)
{
    return post->protocol == TVN_OTLP_HTTP_JSON ? TVN_OTLP_JSON : TVN_OTLP_PROTOBUF;
}

struct tvn_strbuf *otlp_post_begin(struct otlp_post *post)
{
    tvn_strbuf_reset(&post->request);
    post->ended = false;
    if (post->protocol == TVN_OTLP_GRPC) {
        tvn_grpc_frame_begin(&post->request);
    }
    return &post->request;
}

void otlp_post_hurry(struct otlp_post *post, uint64_t deadline_ns)
{
    atomic_store(&post->hurry_ns, deadline_ns);
    tvn_http_client_wake(post->client);
}

/* ---- what answers mean ---- */

struct verdict {
    enum otlp_post_result result;
    uint64_t told_ms; /* when the collector wants to be asked again; 0: not told */
    bool is_told;
    uint64_t rejected;
    char why[WHY_MAX];
};

static void set_why(struct verdict *verdict, enum otlp_post_result result, const char *why)
{
    verdict->result = result;
    (void)snprintf(verdict->why, sizeof(verdict->why), "%s", why);
}

static void judge_message(enum tvn_otlp_encoding encoding, struct tvn_str message,
                          struct verdict *verdict)
{
    struct tvn_otlp_response response;
    if (!tvn_otlp_read_response(encoding, message, &response)) {
        set_why(verdict, OTLP_POST_LOST, "the answer is not of OTLP");
        return;
    }
    verdict->result = OTLP_POST_SENT;
    verdict->rejected = response.rejected;
    (void)snprintf(verdict->why, sizeof(verdict->why), "%s", response.text);
}

static bool grpc_may_retry(const struct tvn_grpc_result *result)
{
    switch (result->code) {
    case TVN_GRPC_CANCELLED:
    case TVN_GRPC_DEADLINE_EXCEEDED:
    case TVN_GRPC_ABORTED:
    case TVN_GRPC_OUT_OF_RANGE:
    case TVN_GRPC_UNAVAILABLE:
    case TVN_GRPC_DATA_LOSS:
        return true;
    case TVN_GRPC_RESOURCE_EXHAUSTED:
        return result->has_retry_info;
    default:
        return false;
    }
}

static void judge_grpc(const struct tvn_http_answer *answer, struct verdict *verdict)
{
    struct tvn_grpc_result result;
    tvn_grpc_read(answer, &result);
    if (result.code == TVN_GRPC_OK) {
        judge_message(TVN_OTLP_PROTOBUF, result.message, verdict);
        return;
    }
    verdict->result = grpc_may_retry(&result) ? OTLP_POST_RETRY : OTLP_POST_LOST;
    verdict->is_told = result.has_retry_info || answer->retry_after_s > 0;
    verdict->told_ms = result.has_retry_info
                           ? result.retry_ms
                           : tvn_min(answer->retry_after_s, (uint64_t)UINT32_MAX) * MS_PER_S;
    (void)snprintf(verdict->why, sizeof(verdict->why), "gRPC's status is %s (%s)",
                   tvn_grpc_code_name(result.code), result.text);
}

/* The answer's own type is believed, as some servers always answer with JSON. */
static enum tvn_otlp_encoding answer_encoding(const struct otlp_post *post,
                                              const struct tvn_http_answer *answer)
{
    struct tvn_str type;
    if (tvn_http_answer_header(answer, "content-type", &type)) {
        if (tvn_str_starts_with(type, TVN_STR("application/json"))) {
            return TVN_OTLP_JSON;
        }
        if (tvn_str_starts_with(type, TVN_STR("application/x-protobuf"))) {
            return TVN_OTLP_PROTOBUF;
        }
    }
    return otlp_post_encoding(post);
}

static void judge_http(const struct otlp_post *post, const struct tvn_http_answer *answer,
                       struct verdict *verdict)
{
    unsigned status = answer->status;
    if (status >= 200 && status < 300) {
        judge_message(answer_encoding(post, answer), tvn_strbuf_view(&answer->body), verdict);
        return;
    }
    bool may_retry = status == 429 || status == 502 || status == 503 || status == 504;
    verdict->result = may_retry ? OTLP_POST_RETRY : OTLP_POST_LOST;
    verdict->is_told = answer->retry_after_s > 0;
    verdict->told_ms = tvn_min(answer->retry_after_s, (uint64_t)UINT32_MAX) * MS_PER_S;
    (void)snprintf(verdict->why, sizeof(verdict->why), "HTTP's status is %u%s", status,
                   status >= 300 && status < 400 ? ", and redirects are not followed" : "");
}

static void judge(const struct otlp_post *post, const struct tvn_http_answer *answer,
                  struct verdict *verdict)
{
    switch (answer->failure) {
    case TVN_HTTP_ANSWERED:
        if (post->protocol == TVN_OTLP_GRPC) {
            judge_grpc(answer, verdict);
        } else {
            judge_http(post, answer, verdict);
        }
        return;
    case TVN_HTTP_TOO_LARGE: /* it may have been taken: not sent twice */
        set_why(verdict, OTLP_POST_LOST, answer->why);
        return;
    case TVN_HTTP_UNREACHABLE:
    case TVN_HTTP_TIMED_OUT:
    case TVN_HTTP_BROKEN:
    case TVN_HTTP_NO_MEMORY:
        set_why(verdict, OTLP_POST_RETRY, answer->why);
        return;
    }
    tvn_unreachable();
}

/* ---- sending ---- */

static uint64_t backoff_ms(const struct otlp_post *post)
{
    uint16_t noise;
    if (getrandom(&noise, sizeof(noise), GRND_NONBLOCK) != (ssize_t)sizeof(noise)) {
        noise = 0; /* no jitter */
    }
    uint32_t doublings = tvn_min(post->failures, (uint32_t)BACKOFF_DOUBLINGS);
    uint64_t ms =
        tvn_min((uint64_t)TVN_OTLP_BACKOFF_MIN_MS << doublings, (uint64_t)TVN_OTLP_BACKOFF_MAX_MS);
    return ms / 2 + ms * noise / (UINT16_MAX + UINT64_C(1)); /* half to one and a half */
}

/* The log has one line a change. */
static void tell(struct otlp_post *post, const struct verdict *verdict)
{
    const char *name = signals[post->signal].name;
    const char *origin = tvn_strbuf_text(&post->origin);
    if (verdict->result != OTLP_POST_SENT) {
        if (post->failures == 0) {
            tvn_log_warn("%s do not reach the collector at %s: %s", name, origin, verdict->why);
        } else {
            tvn_log_debug("%s still do not: %s", name, verdict->why);
        }
        return;
    }
    if (post->failures > 0) {
        tvn_log_info("%s reach the collector at %s again", name, origin);
    }
    bool is_rejecting = verdict->rejected > 0;
    if (is_rejecting && !post->is_rejecting) {
        tvn_log_warn("the collector at %s rejects some %s: %s", origin, name,
                     verdict->why[0] ? verdict->why : "it does not say why");
    }
    post->is_rejecting = is_rejecting;
}

static uint64_t deadline_of(struct otlp_post *post, uint64_t deadline_ns)
{
    uint64_t hurry_ns = atomic_load(&post->hurry_ns);
    return tvn_min(deadline_ns, hurry_ns);
}

/* NULL: the deadline passed first. */
static const struct tvn_http_answer *
wait_for_answer(struct otlp_post *post, const struct tvn_http_call *call, uint64_t deadline_ns)
{
    for (;;) {
        const struct tvn_http_answer *answer = tvn_http_call_answer(call);
        uint64_t now_ns = tvn_clock_monotonic_ns();
        uint64_t until_ns = deadline_of(post, deadline_ns);
        if (answer || now_ns >= until_ns) {
            return answer;
        }
        tvn_http_client_wait(post->client, (uint32_t)((until_ns - now_ns) / NS_PER_MS) + 1);
    }
}

static enum tvn_status post_request(struct otlp_post *post, uint32_t timeout_ms,
                                    struct tvn_http_call **out_call)
{
    char timeout[TIMEOUT_BYTES];
    (void)snprintf(timeout, sizeof(timeout), "grpc-timeout: %" PRIu32 "m", timeout_ms);
    const char *const grpc[] = {"Content-Type: application/grpc", "TE: trailers", timeout};
    const char *const protobuf[] = {"Content-Type: application/x-protobuf"};
    const char *const json[] = {"Content-Type: application/json"};
    struct tvn_http_call_options options = {
        .url = tvn_strbuf_text(&post->url),
        .headers = protobuf,
        .header_count = TVN_ARRAY_LEN(protobuf),
        .body = tvn_strbuf_view(&post->request),
        .connect_timeout_ms = tvn_min((uint32_t)TVN_OTLP_CONNECT_TIMEOUT_MS, timeout_ms),
        .timeout_ms = timeout_ms,
        .answer_max = TVN_OTLP_ANSWER_MAX,
    };
    if (post->protocol == TVN_OTLP_GRPC) {
        options.headers = grpc;
        options.header_count = TVN_ARRAY_LEN(grpc);
        options.http2 = true;
    } else if (post->protocol == TVN_OTLP_HTTP_JSON) {
        options.headers = json;
        options.header_count = TVN_ARRAY_LEN(json);
    }
    return tvn_http_client_post(post->client, &options, out_call);
}

static void exchange(struct otlp_post *post, uint64_t deadline_ns, struct verdict *verdict)
{
    uint64_t now_ns = tvn_clock_monotonic_ns();
    uint64_t until_ns = deadline_of(post, deadline_ns);
    uint64_t left_ms = until_ns > now_ns ? (until_ns - now_ns) / NS_PER_MS : 0;
    TVN_AUTO(tvn_http_call) call = NULL;
    if (left_ms == 0) {
        set_why(verdict, OTLP_POST_RETRY, "no time is left");
    } else if (post_request(post, (uint32_t)tvn_min(left_ms, (uint64_t)TVN_OTLP_TIMEOUT_MS),
                            &call) != TVN_OK) {
        set_why(verdict, OTLP_POST_RETRY, "no memory");
    } else {
        const struct tvn_http_answer *answer = wait_for_answer(post, call, deadline_ns);
        if (answer) {
            judge(post, answer, verdict);
        } else {
            set_why(verdict, OTLP_POST_RETRY, "it does not answer in time");
        }
    }
}

enum otlp_post_result otlp_post_send(struct otlp_post *post, uint64_t deadline_ns,
                                     struct otlp_post_report *out_report)
{
    tvn_assert(post && out_report);
    if (!post->ended && post->protocol == TVN_OTLP_GRPC) {
        tvn_grpc_frame_end(&post->request);
    }
    post->ended = true;
    struct verdict verdict = {0};
    if (post->request.failed) {
        set_why(&verdict, OTLP_POST_LOST, "the request is too large");
    } else {
        exchange(post, deadline_ns, &verdict);
    }
    tell(post, &verdict);
    *out_report = (struct otlp_post_report){.rejected = verdict.rejected, .told = verdict.is_told};
    if (verdict.result == OTLP_POST_RETRY) {
        uint64_t told_ms = tvn_min(verdict.told_ms, (uint64_t)TVN_OTLP_RETRY_AFTER_MAX_MS);
        out_report->retry_ms = tvn_max(backoff_ms(post), told_ms);
    }
    post->failures = verdict.result == OTLP_POST_SENT ? 0 : tvn_min(post->failures + 1, 1000000u);
    return verdict.result;
}

/* ---- spans ---- */

struct span_transport {
    struct tvn_span_transport base;
    struct otlp_post *post;
};

static enum tvn_span_send send_spans(struct tvn_span_transport *self,
                                     const struct tvn_trace_span *spans, size_t count,
                                     uint64_t deadline_ns, uint32_t *out_retry_ms,
                                     size_t *out_rejected)
{
    static const enum tvn_span_send results[] = {
        [OTLP_POST_SENT] = TVN_SPAN_SENT,
        [OTLP_POST_RETRY] = TVN_SPAN_RETRY,
        [OTLP_POST_LOST] = TVN_SPAN_LOST,
    };
    struct otlp_post *post = ((struct span_transport *)self)->post;
    struct otlp_post_report report;
    tvn_otlp_spans(otlp_post_resource(post), otlp_post_encoding(post), spans, count,
                   otlp_post_begin(post));
    enum otlp_post_result result = otlp_post_send(post, deadline_ns, &report);
    *out_retry_ms = (uint32_t)report.retry_ms;
    *out_rejected = (size_t)tvn_min(report.rejected, (uint64_t)count);
    return results[result];
}

static void interrupt_spans(struct tvn_span_transport *self)
{
    otlp_post_hurry(((struct span_transport *)self)->post, 0);
}

static void destroy_spans(struct tvn_span_transport *self)
{
    otlp_post_destroy(((struct span_transport *)self)->post);
    tvn_free(self);
}

enum tvn_status tvn_otlp_span_transport_create(const struct tvn_otlp_target *target,
                                               const struct tvn_otlp_resource *resource,
                                               struct tvn_span_transport **out_transport)
{
    static const struct tvn_span_transport_ops ops = {
        .send = send_spans, .interrupt = interrupt_spans, .destroy = destroy_spans};
    tvn_assert(out_transport);
    TVN_AUTO(otlp_post) post = NULL;
    TVN_TRY(otlp_post_create(OTLP_TRACES, target, resource, &post));
    struct span_transport *transport = tvn_calloc(1, sizeof(*transport));
    if (!transport) {
        return TVN_E_OUT_OF_MEMORY;
    }
    transport->base.ops = &ops;
    transport->post = TVN_TAKE(post);
    *out_transport = &transport->base;
    return TVN_OK;
}
