/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elements of an edge of a running flow as lines of JSON, until somebody or something ends it:
 *
 *   GET /flows/{id}/tap?edge=N&sample=K&bytes=B&limit=L&seconds=S
 *
 * N is the stream's place in the answer of /flows/{id}. Every K-th element [1] with the first B
 * bytes of its payload [256], L of them [no limit], for at most S seconds [TAP_SECONDS_MAX]:
 *
 *   {"sequence":5,"timestamp_ns":17,"content_type":"text/plain","length":19,"data":"<base64>"}
 *   {"seen":9,"taken":9,"lost":0,"copied_bytes":171}           at least once a second
 *   {"end":"flow","seen":9,"taken":9,"lost":0,"copied_bytes":171}     flow, limit, time or stopped
 *
 * Payloads are not for everybody: only over the Unix socket.
 */
#include "base/assert.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/base64.h"
#include "format/json_writer.h"
#include "host/inspection.h"
#include "observability/tap.h"

#define TAP_SECONDS_MAX   UINT64_C(3600)
#define TAP_BYTES_DEFAULT 256
#define TAP_PENDING_BYTES ((size_t)16384) /* lines are made until so much is to be sent */
#define SECOND_NS         UINT64_C(1000000000)

static_assert(TVN_TAPS_MAX < TVN_HTTP_STREAMS_MAX, "one flow's taps do not use up all streams");

struct tap_stream {
    struct tvn_host_flow *flow;
    struct tvn_tap *tap;
    struct tvn_strbuf pending;
    size_t sent; /* of pending */
    uint64_t told_ns;
    uint64_t deadline_ns;
    bool over;
};

/* ---- lines ---- */

static void add_counts(const struct tap_stream *stream, const char *end, struct tvn_strbuf *out)
{
    const struct tvn_tap_counts *counts = tvn_tap_counts(stream->tap);
    struct tvn_json_writer json;
    tvn_json_writer_init(&json, out, 0);
    tvn_json_begin_object(&json);
    if (end) {
        tvn_json_field_text(&json, "end", end);
    }
    tvn_json_field_u64(&json, "seen", tvn_stat_get(&counts->seen));
    tvn_json_field_u64(&json, "taken", tvn_stat_get(&counts->taken));
    tvn_json_field_u64(&json, "lost", tvn_stat_get(&counts->lost));
    tvn_json_field_u64(&json, "copied_bytes", tvn_stat_get(&counts->copied_bytes));
    tvn_json_end_object(&json);
    tvn_strbuf_add_char(out, '\n');
}

static void add_element(const struct tvn_tap_element *element, struct tvn_strbuf *out)
{
    TVN_AUTO_VALUE(tvn_strbuf) data = {0};
    tvn_base64_add(&data, element->bytes, element->copied);
    struct tvn_json_writer json;
    tvn_json_writer_init(&json, out, 0);
    tvn_json_begin_object(&json);
    tvn_json_field_u64(&json, "sequence", element->sequence);
    tvn_json_field_u64(&json, "timestamp_ns", element->timestamp_ns);
    tvn_json_key(&json, "content_type");
    tvn_json_write_str(&json, element->content_type);
    tvn_json_field_u64(&json, "length", element->length);
    tvn_json_field_text(&json, "data", tvn_strbuf_text(&data));
    tvn_json_end_object(&json);
    tvn_strbuf_add_char(out, '\n');
    out->failed |= data.failed;
}

/* Why nothing more will come; NULL while something may. */
static const char *why_over(const struct tap_stream *stream, bool flow_is_done, uint64_t now_ns,
                            bool stopping)
{
    if (tvn_tap_is_over(stream->tap)) {
        return "limit";
    }
    if (flow_is_done) {
        return "flow";
    }
    return stopping ? "stopped" : now_ns >= stream->deadline_ns ? "time" : NULL;
}

static void fill(struct tap_stream *stream, bool stopping)
{
    struct tvn_tap_element element;
    uint64_t now_ns = tvn_clock_monotonic_ns();
    bool has_element = false;
    /* Before the ring is emptied: what came until then is in it. */
    bool flow_is_done = atomic_load_explicit(&stream->flow->done, memory_order_acquire);
    bool is_late = now_ns >= stream->deadline_ns;
    tvn_strbuf_reset(&stream->pending);
    stream->sent = 0;
    while (stream->pending.len < TAP_PENDING_BYTES &&
           (has_element = tvn_tap_next(stream->tap, &element))) {
        add_element(&element, &stream->pending);
    }
    const char *why = why_over(stream, flow_is_done, now_ns, stopping);
    if (why && (!has_element || is_late)) {
        add_counts(stream, why, &stream->pending);
        stream->over = true;
    } else if (now_ns - stream->told_ns >= SECOND_NS) {
        add_counts(stream, NULL, &stream->pending);
        stream->told_ns = now_ns;
    }
}

/* ---- the stream ---- */

static ssize_t read_tap(void *context, char *out, size_t max, bool stopping)
{
    struct tap_stream *stream = context;
    if (stream->sent == stream->pending.len) {
        if (stream->over) {
            return -1;
        }
        fill(stream, stopping);
    }
    if (stream->pending.failed) {
        return -1;
    }
    size_t length = tvn_min(max, stream->pending.len - stream->sent);
    if (length > 0) {
        memcpy(out, stream->pending.ptr + stream->sent, length);
        stream->sent += length;
    }
    return (ssize_t)length;
}

static void close_tap(void *context)
{
    struct tap_stream *stream = context;
    tvn_recorder_detach(stream->flow->recorder, stream->tap);
    tvn_tap_destroy(stream->tap);
    tvn_strbuf_deinit(&stream->pending);
    tvn_free(stream);
}

/* ---- the request ---- */

/* False when it is there and no number from `min` to `max`. */
static bool argument(const struct tvn_http_request *request, const char *name, uint64_t min,
                     uint64_t max, uint64_t *out)
{
    struct tvn_str text;
    uint64_t value = 0;
    if (!tvn_http_query_find(request->query, name, &text)) {
        return true;
    }
    if (!tvn_parse_u64(text.ptr, text.len, &value) || value < min || value > max) {
        return false;
    }
    *out = value;
    return true;
}

static enum tvn_status start(struct tvn_host_flow *flow, const struct tvn_tap_options *options,
                             uint64_t seconds, struct tvn_http_response *response)
{
    struct tap_stream *stream = tvn_calloc(1, sizeof(*stream));
    if (!stream) {
        return TVN_E_OUT_OF_MEMORY;
    }
    uint64_t now_ns = tvn_clock_monotonic_ns();
    *stream = (struct tap_stream){
        .flow = flow, .told_ns = now_ns, .deadline_ns = now_ns + seconds * SECOND_NS};
    enum tvn_status status = tvn_tap_create(options, &stream->tap);
    if (status == TVN_OK) {
        status =
            tvn_recorder_attach(flow->recorder, tvn_pipeline_intern(flow->pipeline), stream->tap);
    }
    if (status != TVN_OK) {
        tvn_tap_destroy(stream->tap);
        tvn_free(stream);
        return status;
    }
    response->content_type = "application/x-ndjson";
    response->stream =
        (struct tvn_http_stream){.read = read_tap, .close = close_tap, .context = stream};
    return TVN_OK;
}

void tvn_inspection_get_tap(struct tvn_inspection *inspection,
                            const struct tvn_inspection_call *call,
                            struct tvn_http_response *response)
{
    (void)inspection;
    uint64_t edge = UINT64_MAX;
    uint64_t sample = 1;
    uint64_t bytes = TAP_BYTES_DEFAULT;
    uint64_t limit = 0;
    uint64_t seconds = TAP_SECONDS_MAX;
    if (!call->request->is_unix) {
        tvn_inspection_refuse(response, 403, "payloads are shown on the Unix socket only");
        return;
    }
    if (!argument(call->request, "edge", 0, UINT32_MAX, &edge) ||
        !argument(call->request, "sample", 1, TVN_TAP_SAMPLE_MAX, &sample) ||
        !argument(call->request, "bytes", 0, TVN_TAP_BYTES_MAX, &bytes) ||
        !argument(call->request, "limit", 1, UINT64_MAX, &limit) ||
        !argument(call->request, "seconds", 1, TAP_SECONDS_MAX, &seconds)) {
        tvn_inspection_refuse(response, 400, "an argument is no number in its range");
        return;
    }
    if (edge >= call->flow->link->edge_count) {
        tvn_inspection_refuse(response, 404, "no such edge");
        return;
    }
    const struct tvn_tap_options options = {
        .edge = (uint32_t)edge,
        .sample_every = (uint32_t)sample,
        .bytes = (uint32_t)bytes,
        .limit = limit,
    };
    enum tvn_status status = start(call->flow, &options, seconds, response);
    if (status == TVN_FULL) {
        tvn_inspection_refuse(response, 503, "the flow has as many taps as it can");
    } else if (status != TVN_OK) {
        tvn_inspection_refuse(response, 500, "no memory");
    }
}
