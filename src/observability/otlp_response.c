/* SPDX-License-Identifier: Apache-2.0 */
/* What collectors answer (opentelemetry.proto.collector.*). */
#include "base/assert.h"
#include "base/num.h"
#include "format/json.h"
#include "format/protobuf.h"
#include "observability/otlp.h"

#define PARTIAL_SUCCESS 1
#define REJECTED        1
#define ERROR_MESSAGE   2

static void set_text(struct tvn_otlp_response *response, struct tvn_str text)
{
    size_t used = 0;
    while (used < text.len && used < TVN_OTLP_TEXT_MAX - 1) {
        char c = text.ptr[used];
        response->text[used++] = c >= ' ' && c < 0x7f ? c : '?';
    }
    response->text[used] = '\0';
}

/* ---- Protocol Buffers ---- */

static bool read_partial_success(struct tvn_str message, struct tvn_otlp_response *response)
{
    struct tvn_protobuf_reader reader;
    struct tvn_protobuf_field field;
    tvn_protobuf_reader_init(&reader, message);
    while (tvn_protobuf_next(&reader, &field)) {
        if (field.number == REJECTED && field.wire == TVN_PROTOBUF_VARINT) {
            response->rejected = field.value > INT64_MAX ? 0 : field.value;
        } else if (field.number == ERROR_MESSAGE && field.wire == TVN_PROTOBUF_BYTES) {
            set_text(response, field.bytes);
        }
    }
    return !reader.failed;
}

static bool read_protobuf(struct tvn_str body, struct tvn_otlp_response *response)
{
    struct tvn_protobuf_reader reader;
    struct tvn_protobuf_field field;
    tvn_protobuf_reader_init(&reader, body);
    while (tvn_protobuf_next(&reader, &field)) {
        if (field.number == PARTIAL_SUCCESS && field.wire == TVN_PROTOBUF_BYTES &&
            !read_partial_success(field.bytes, response)) {
            return false;
        }
    }
    return !reader.failed;
}

/* ---- JSON ---- */

/* A 64-bit number is a string, and a number is accepted. */
static uint64_t read_count(const struct tvn_json *value)
{
    uint64_t count = 0;
    if (value && tvn_json_kind(value) == TVN_JSON_INTEGER && tvn_json_integer(value) > 0) {
        count = (uint64_t)tvn_json_integer(value);
    } else if (value && tvn_json_kind(value) == TVN_JSON_STRING) {
        struct tvn_str digits = tvn_json_string(value);
        if (!tvn_parse_u64(digits.ptr, digits.len, &count)) {
            count = 0;
        }
    }
    return count;
}

static bool read_json(struct tvn_str body, struct tvn_otlp_response *response)
{
    TVN_AUTO(tvn_json) root = NULL;
    struct tvn_json_error error;
    if (tvn_json_parse(body, &root, &error) != TVN_OK || tvn_json_kind(root) != TVN_JSON_OBJECT) {
        return false;
    }
    const struct tvn_json *partial = tvn_json_get(root, "partialSuccess");
    const struct tvn_json *spans = tvn_json_get(partial, "rejectedSpans");
    const struct tvn_json *points = tvn_json_get(partial, "rejectedDataPoints");
    const struct tvn_json *text = tvn_json_get(partial, "errorMessage");
    response->rejected = read_count(spans ? spans : points);
    if (text && tvn_json_kind(text) == TVN_JSON_STRING) {
        set_text(response, tvn_json_string(text));
    }
    return true;
}

bool tvn_otlp_read_response(enum tvn_otlp_encoding encoding, struct tvn_str body,
                            struct tvn_otlp_response *out_response)
{
    tvn_assert(out_response && (body.ptr || body.len == 0));
    struct tvn_otlp_response response = {0};
    bool good = body.len == 0 || (encoding == TVN_OTLP_JSON ? read_json(body, &response)
                                                            : read_protobuf(body, &response));
    if (good) {
        *out_response = response;
    }
    return good;
}
