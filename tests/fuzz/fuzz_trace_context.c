/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as traceparent, a new line, tracestate: what is accepted reads back equal. */
#include "base/assert.h"
#include "types/trace_context.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_parent(const struct tvn_trace_context *context)
{
    char header[TVN_TRACEPARENT_LENGTH];
    tvn_traceparent_write(context->trace_id, context->parent_id, context->flags, header);
    struct tvn_trace_context again;
    tvn_assert(tvn_traceparent_parse((struct tvn_str){header, sizeof(header)}, &again));
    tvn_assert(memcmp(again.trace_id, context->trace_id, sizeof(again.trace_id)) == 0);
    tvn_assert(memcmp(again.parent_id, context->parent_id, sizeof(again.parent_id)) == 0);
    tvn_assert(again.flags == context->flags);
}

static void check_state(const struct tvn_trace_context *context)
{
    struct tvn_trace_context again;
    struct tvn_str header = {context->tracestate, context->tracestate_length};
    tvn_assert(header.len <= TVN_TRACESTATE_MAX);
    tvn_assert(tvn_tracestate_parse(header, &again));
    tvn_assert(again.tracestate_length == header.len);
    tvn_assert(memcmp(again.tracestate, header.ptr, header.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tvn_str text = {(const char *)data, size};
    size_t end = tvn_str_find(text, '\n');
    size_t length = end == SIZE_MAX ? size : end;
    struct tvn_trace_context context;
    if (tvn_traceparent_parse(tvn_str_slice(text, 0, length), &context)) {
        check_parent(&context);
    }
    if (end != SIZE_MAX) {
        bool is_valid = tvn_tracestate_parse(tvn_str_slice(text, end + 1, size), &context);
        tvn_assert(is_valid || context.tracestate_length == 0);
        check_state(&context);
    }
    return 0;
}
