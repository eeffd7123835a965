/* SPDX-License-Identifier: Apache-2.0 */
/* A processor that drops every element unread: what a call costs when nothing happens in it. */
#include "streaming_abi.h"

static struct output_result result;

EXPORT_FUNC("processor", "process")
struct output_result *process(uint64_t sequence, uint64_t timestamp_ns, uint8_t *content_type,
                              uint32_t content_type_length, handle payload, handle context)
{
    (void)sequence;
    (void)timestamp_ns;
    (void)content_type;
    (void)content_type_length;
    buffer_drop(payload);
    flow_context_drop(context);
    result.is_error = 0;
    result.ok.tag = 1;
    return &result;
}

EXPORT_POST("processor", "process") void process_return(struct output_result *returned)
{
    (void)returned;
    scratch_clear();
}
