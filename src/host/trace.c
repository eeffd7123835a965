/* SPDX-License-Identifier: Apache-2.0 */
#include "host/trace.h"

#include "base/assert.h"
#include "host/host_internal.h"

static bool look(void *context, struct tvn_buffer_id id, struct tvn_trace_content *out_content)
{
    struct tvn_host *host = context;
    struct tvn_buffer *buffer = NULL;
    if (tvn_buffer_find(host->resources, id, &buffer) != TVN_OK) {
        return false;
    }
    *out_content = (struct tvn_trace_content){.bytes = buffer->bytes, .length = buffer->length};
    return true;
}

enum tvn_status tvn_host_trace(struct tvn_host *host, bool show_buffers, struct tvn_diag_sink *sink,
                               struct tvn_trace **out_trace)
{
    tvn_assert(host && sink && out_trace);
    host->flows[0].trace_ids.enabled = true;
    const struct tvn_trace_options options = {
        .graph = tvn_host_graph(host),
        .ids = &host->flows[0].trace_ids,
        .look = look,
        .context = host,
        .show_buffers = show_buffers,
    };
    enum tvn_status status = tvn_trace_create(&options, out_trace);
    if (status != TVN_OK) {
        return tvn_diag_error(sink, tvn_status_fold(status), TVN_SPAN_NONE, "no memory to trace");
    }
    struct tvn_recorder *recorder = tvn_host_recorder(host);
    tvn_recorder_set_level(recorder, TVN_OBSERVE_DIAGNOSTIC);
    tvn_trace_listen(*out_trace, recorder);
    return TVN_OK;
}
