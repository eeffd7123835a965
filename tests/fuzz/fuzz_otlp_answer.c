/* SPDX-License-Identifier: Apache-2.0 */
/* Any answer of a collector: status, headers up to an empty line, body. By gRPC, and by HTTP in
 * both encodings. */
#include "base/assert.h"
#include "net/grpc.h"
#include "observability/otlp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t max)
{
    tvn_assert(strnlen(text, max) < max);
    for (const char *c = text; *c; c++) {
        tvn_assert(*c >= ' ' && *c < 0x7f);
    }
}

static void check_grpc(const struct tvn_http_answer *answer)
{
    struct tvn_grpc_result result;
    tvn_grpc_read(answer, &result);
    tvn_assert(result.code <= TVN_GRPC_CODE_MAX && tvn_grpc_code_name(result.code));
    tvn_assert(result.retry_ms == 0 || result.has_retry_info);
    check_text(result.text, sizeof(result.text));
    if (result.code == TVN_GRPC_OK) {
        tvn_assert(result.message.len + TVN_GRPC_FRAME_BYTES == answer->body.len);
    }
}

static void check_http(enum tvn_otlp_encoding encoding, struct tvn_str body)
{
    struct tvn_otlp_response response;
    if (tvn_otlp_read_response(encoding, body, &response)) {
        tvn_assert(response.rejected <= INT64_MAX || encoding == TVN_OTLP_JSON);
        check_text(response.text, sizeof(response.text));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct tvn_http_answer answer = {.failure = TVN_HTTP_ANSWERED};
    answer.status = (unsigned)data[0] << 8 | data[1];
    struct tvn_str rest = {(const char *)data + 2, size - 2};
    for (size_t end; (end = tvn_str_find(rest, '\n')) != SIZE_MAX;) {
        struct tvn_str line = tvn_str_slice(rest, 0, end + 1);
        rest = tvn_str_slice(rest, end + 1, rest.len);
        if (end == 0) {
            break;
        }
        tvn_strbuf_add_str(&answer.headers, line);
    }
    tvn_strbuf_add_str(&answer.body, rest);
    check_grpc(&answer);
    check_http(TVN_OTLP_PROTOBUF, rest);
    check_http(TVN_OTLP_JSON, rest);
    tvn_strbuf_deinit(&answer.headers);
    tvn_strbuf_deinit(&answer.body);
    return 0;
}
