/* SPDX-License-Identifier: Apache-2.0 */
#include "reactor/flow_inspect.h"

#include "base/assert.h"
#include "reactor/flow_internal.h"

void tvn_flow_inspect_edge(const struct tvn_flow *flow, uint32_t edge,
                           struct tvn_edge_view *out_view)
{
    tvn_assert(flow && out_view);
    tvn_assert(edge < flow->edge_count);
    *out_view = (struct tvn_edge_view){
        .queue = &flow->edges[edge].queue,
        .held = flow->edges[edge].has_held ? flow->edges[edge].held : NULL,
    };
}

void tvn_flow_inspect(const struct tvn_flow *flow, struct tvn_flow_view *out_view)
{
    tvn_assert(flow && out_view);
    *out_view = (struct tvn_flow_view){
        .cut_pending = flow->cut_pending,
        .closing = flow->closing,
        .close_deadline_ns = flow->close_deadline_ns,
    };
}
