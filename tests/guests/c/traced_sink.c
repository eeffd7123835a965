/* SPDX-License-Identifier: Apache-2.0 */
/* A sink that prints what an element came with and what it would be sent on with. */
#include <stdio.h>
#include <torvyn.h>

static enum torvyn_result push(struct torvyn_element *element)
{
    char header[TORVYN_TRACEPARENT_BYTES];
    traced_sink_string_t trace_id;
    traced_sink_string_t span_id;
    struct torvyn_bytes came = torvyn_read(element);
    torvyn_traceparent(header);
    torvyn_streaming_types_method_flow_context_trace_id(element->lent->context, &trace_id);
    torvyn_streaming_types_method_flow_context_span_id(element->lent->context, &span_id);
    printf("%.*s %.*s %.*s %s\n", (int)came.len, (const char *)came.ptr, (int)trace_id.len,
           (const char *)trace_id.ptr, (int)span_id.len, (const char *)span_id.ptr, header);
    fflush(stdout);
    traced_sink_string_free(&trace_id);
    traced_sink_string_free(&span_id);
    return TORVYN_READY;
}

static enum torvyn_result complete(void)
{
    return TORVYN_READY;
}

TORVYN_SINK(push, complete)
