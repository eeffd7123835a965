/* SPDX-License-Identifier: Apache-2.0 */
#include "net/grpc.h"

#include "base/assert.h"
#include "base/num.h"
#include "format/base64.h"
#include "format/protobuf.h"

#include <assert.h>

#define MS_PER_S          1000
#define NS_PER_MS         1000000
#define DETAILS_MAX       8192 /* bytes of grpc-status-details-bin */
#define RETRY_SECONDS_MAX 86400

#define STATUS_DETAILS   3 /* google.rpc.Status.details */
#define ANY_TYPE_URL     1
#define ANY_VALUE        2
#define RETRY_INFO_DELAY 1
#define DURATION_SECONDS 1
#define DURATION_NANOS   2

const char *tvn_grpc_code_name(unsigned code)
{
    static const char *const names[] = {
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    };
    static_assert(TVN_ARRAY_LEN(names) == TVN_GRPC_CODE_MAX + 1, "one a code");
    tvn_assert(code < TVN_ARRAY_LEN(names));
    return names[code];
}

/* ---- frames ---- */

void tvn_grpc_frame_begin(struct tvn_strbuf *out)
{
    tvn_assert(out && out->len == 0);
    tvn_strbuf_add_repeat(out, '\0', TVN_GRPC_FRAME_BYTES);
}

void tvn_grpc_frame_end(struct tvn_strbuf *out)
{
    if (out->failed) {
        return;
    }
    tvn_assert(out->len >= TVN_GRPC_FRAME_BYTES);
    uint64_t length = out->len - TVN_GRPC_FRAME_BYTES;
    tvn_assert(length <= UINT32_MAX); /* a buffer's maximum is far below */
    for (unsigned i = 0; i < 4; i++) {
        out->ptr[1 + i] = (char)(uint8_t)(length >> (24 - 8 * i));
    }
}

/* One whole message that is not compressed. */
static bool read_frame(struct tvn_str body, struct tvn_str *out_message)
{
    if (body.len < TVN_GRPC_FRAME_BYTES || body.ptr[0] != 0) {
        return false;
    }
    uint64_t length = 0;
    for (unsigned i = 0; i < 4; i++) {
        length = length << 8 | (uint8_t)body.ptr[1 + i];
    }
    if (length != body.len - TVN_GRPC_FRAME_BYTES) {
        return false;
    }
    *out_message = tvn_str_slice(body, TVN_GRPC_FRAME_BYTES, body.len);
    return true;
}

/* ---- status ---- */

static bool hex_digit(char c, unsigned *out_value)
{
    if (c >= '0' && c <= '9') {
        *out_value = (unsigned)(c - '0');
    } else if (c >= 'A' && c <= 'F') {
        *out_value = (unsigned)(c - 'A') + 10;
    } else if (c >= 'a' && c <= 'f') {
        *out_value = (unsigned)(c - 'a') + 10;
    } else {
        return false;
    }
    return true;
}

/* Percent-encoded, and from a stranger: what does not print is left to '?'. */
static void read_text(struct tvn_str encoded, char out[TVN_GRPC_TEXT_MAX])
{
    size_t used = 0;
    for (size_t i = 0; i < encoded.len && used < TVN_GRPC_TEXT_MAX - 1; i++) {
        char c = encoded.ptr[i];
        unsigned high;
        unsigned low;
        if (c == '%' && encoded.len - i > 2 && hex_digit(encoded.ptr[i + 1], &high) &&
            hex_digit(encoded.ptr[i + 2], &low)) {
            c = (char)(uint8_t)(high << 4 | low);
            i += 2;
        }
        out[used++] = c >= ' ' && c < 0x7f ? c : '?';
    }
    out[used] = '\0';
}

/* HTTP's status for a server, or something between, that does not speak gRPC. */
static unsigned code_of_status(unsigned status)
{
    switch (status) {
    case 400:
        return TVN_GRPC_INTERNAL;
    case 401:
        return TVN_GRPC_UNAUTHENTICATED;
    case 403:
        return TVN_GRPC_PERMISSION_DENIED;
    case 404:
        return TVN_GRPC_UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
        return TVN_GRPC_UNAVAILABLE;
    default:
        return TVN_GRPC_UNKNOWN;
    }
}

/* ---- google.rpc.RetryInfo ---- */

/* The last field of that number and wire type. */
static bool find_field(struct tvn_str message, uint32_t number, enum tvn_protobuf_wire wire,
                       struct tvn_protobuf_field *out_field)
{
    struct tvn_protobuf_reader reader;
    struct tvn_protobuf_field field;
    bool found = false;
    tvn_protobuf_reader_init(&reader, message);
    while (tvn_protobuf_next(&reader, &field)) {
        if (field.number == number && field.wire == wire) {
            *out_field = field;
            found = true;
        }
    }
    return found && !reader.failed;
}

static bool read_retry_info(struct tvn_str any, uint64_t *out_ms)
{
    struct tvn_protobuf_field type;
    struct tvn_protobuf_field value;
    struct tvn_protobuf_field delay;
    if (!find_field(any, ANY_TYPE_URL, TVN_PROTOBUF_BYTES, &type) ||
        !tvn_str_ends_with(type.bytes, TVN_STR("/google.rpc.RetryInfo")) ||
        !find_field(any, ANY_VALUE, TVN_PROTOBUF_BYTES, &value)) {
        return false;
    }
    struct tvn_protobuf_field seconds = {0};
    struct tvn_protobuf_field nanos = {0};
    if (find_field(value.bytes, RETRY_INFO_DELAY, TVN_PROTOBUF_BYTES, &delay)) {
        (void)find_field(delay.bytes, DURATION_SECONDS, TVN_PROTOBUF_VARINT, &seconds);
        (void)find_field(delay.bytes, DURATION_NANOS, TVN_PROTOBUF_VARINT, &nanos);
    }
    /* Negative ones are at once. */
    uint64_t s =
        seconds.value > INT64_MAX ? 0 : tvn_min(seconds.value, (uint64_t)RETRY_SECONDS_MAX);
    uint64_t ns = nanos.value > INT32_MAX ? 0 : nanos.value;
    *out_ms = s * MS_PER_S + ns / NS_PER_MS;
    return true;
}

static void read_details(struct tvn_str encoded, struct tvn_grpc_result *result)
{
    TVN_AUTO_VALUE(tvn_strbuf) status = {0};
    tvn_strbuf_init(&status, DETAILS_MAX);
    if (!tvn_base64_decode(&status, encoded) || status.failed) {
        return;
    }
    struct tvn_protobuf_reader reader;
    struct tvn_protobuf_field field;
    tvn_protobuf_reader_init(&reader, tvn_strbuf_view(&status));
    while (tvn_protobuf_next(&reader, &field)) {
        if (field.number == STATUS_DETAILS && field.wire == TVN_PROTOBUF_BYTES &&
            read_retry_info(field.bytes, &result->retry_ms)) {
            result->has_retry_info = true;
        }
    }
}

/* ---- answers ---- */

static void set_text(struct tvn_grpc_result *result, unsigned code, const char *text)
{
    result->code = code;
    read_text(tvn_str_of(text), result->text);
}

static void read_status(const struct tvn_http_answer *answer, struct tvn_str status,
                        struct tvn_grpc_result *result)
{
    uint64_t code;
    struct tvn_str value;
    result->code = tvn_parse_u64(status.ptr, status.len, &code) && code <= TVN_GRPC_CODE_MAX
                       ? (unsigned)code
                       : TVN_GRPC_UNKNOWN;
    if (tvn_http_answer_header(answer, "grpc-message", &value)) {
        read_text(value, result->text);
    }
    if (tvn_http_answer_header(answer, "grpc-status-details-bin", &value)) {
        read_details(value, result);
    }
    if (result->code == TVN_GRPC_OK &&
        !read_frame(tvn_strbuf_view(&answer->body), &result->message)) {
        set_text(result, TVN_GRPC_INTERNAL, "the answer is no single message");
    }
}

void tvn_grpc_read(const struct tvn_http_answer *answer, struct tvn_grpc_result *out_result)
{
    tvn_assert(answer && answer->failure == TVN_HTTP_ANSWERED && out_result);
    struct tvn_grpc_result result = {0};
    struct tvn_str value;
    if (tvn_http_answer_header(answer, "grpc-status", &value)) {
        read_status(answer, value, &result);
    } else if (answer->status != 200) {
        set_text(&result, code_of_status(answer->status), "HTTP says no");
    } else {
        set_text(&result, TVN_GRPC_UNKNOWN, "the answer has no grpc-status");
    }
    *out_result = result;
}
