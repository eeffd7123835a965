/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of a flow: stages and edges linked and ordered. */
#include "base/assert.h"
#include "reactor/flow_internal.h"

/* Links stages and edges; TVN_E_TOPOLOGY_INVALID for an edge that leads nowhere. */
static enum tvn_status link_graph(struct tvn_flow *flow, const struct tvn_flow_options *options)
{
    for (uint32_t i = 0; i < options->edge_count; i++) {
        const struct tvn_edge_options *edge = &options->edges[i];
        if (edge->from >= flow->stage_count || edge->to >= flow->stage_count) {
            return TVN_E_TOPOLOGY_INVALID;
        }
        flow->edges[i].from = &flow->stages[edge->from];
        flow->edges[i].to = &flow->stages[edge->to];
        flow->stages[edge->from].output_count++;
        flow->stages[edge->to].input_count++;
    }
    struct tvn_edge **next = flow->links;
    for (uint32_t i = 0; i < flow->stage_count; i++) {
        struct tvn_stage *stage = &flow->stages[i];
        stage->inputs = next;
        stage->outputs = next + stage->input_count;
        next += stage->input_count + stage->output_count;
        stage->input_count = 0;
        stage->output_count = 0;
    }
    for (uint32_t i = 0; i < flow->edge_count; i++) {
        struct tvn_edge *edge = &flow->edges[i];
        edge->from->outputs[edge->from->output_count++] = edge;
        edge->to->inputs[edge->to->input_count++] = edge;
    }
    return TVN_OK;
}

/* Fills `order` with every stage after all its consumers. False when there is a cycle. */
static bool sort_stages(struct tvn_flow *flow)
{
    uint32_t placed = 0;
    while (placed < flow->stage_count) {
        uint32_t before = placed;
        for (uint32_t i = 0; i < flow->stage_count; i++) {
            struct tvn_stage *stage = &flow->stages[i];
            bool ready = stage->phase != TVN_STAGE_ENDED; /* ended marks the placed ones here */
            for (uint32_t k = 0; ready && k < stage->output_count; k++) {
                ready = stage->outputs[k]->to->phase == TVN_STAGE_ENDED;
            }
            if (ready) {
                stage->phase = TVN_STAGE_ENDED;
                flow->order[placed++] = stage;
            }
        }
        if (placed == before) {
            return false;
        }
    }
    for (uint32_t i = 0; i < flow->stage_count; i++) {
        flow->stages[i].phase = TVN_STAGE_READY;
    }
    return true;
}

/* Sources begin, sinks end, all others pass on. */
static bool degrees_valid(const struct tvn_stage *stage)
{
    return (stage->input_count > 0) == (stage->role != TVN_ROLE_SOURCE) &&
           (stage->output_count > 0) == (stage->role != TVN_ROLE_SINK);
}

enum tvn_status tvn_flow_link_graph(struct tvn_flow *flow, const struct tvn_flow_options *options)
{
    TVN_TRY(link_graph(flow, options));
    for (uint32_t i = 0; i < flow->stage_count; i++) {
        if (!degrees_valid(&flow->stages[i])) {
            return TVN_E_TOPOLOGY_INVALID;
        }
    }
    return sort_stages(flow) ? TVN_OK : TVN_E_TOPOLOGY_INVALID;
}
