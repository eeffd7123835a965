/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What observers need to know of a flow's shape. Names are borrowed and outlive what is made from
 * it. */
#include "types/role.h"

#include <stdbool.h>
#include <stdint.h>

struct tvn_graph_stage {
    const char *name;
    enum tvn_role role;
    bool is_component; /* else built in */
};

struct tvn_graph_edge {
    uint32_t from; /* stages */
    uint32_t to;
    uint32_t port; /* of a router: bit in tvn_call.ports */
    const char *port_name;
    uint64_t capacity;
};

struct tvn_graph {
    const char *flow;
    const struct tvn_graph_stage *stages;
    uint32_t stage_count;
    const struct tvn_graph_edge *edges;
    uint32_t edge_count;
};

/* How many records a stage puts out with one output; `ports`: a router's choice. */
static inline uint32_t tvn_graph_outputs(const struct tvn_graph *graph, uint32_t stage,
                                         uint64_t ports)
{
    bool is_router = graph->stages[stage].role == TVN_ROLE_ROUTER;
    uint32_t count = 0;
    for (uint32_t i = 0; i < graph->edge_count; i++) {
        const struct tvn_graph_edge *edge = &graph->edges[i];
        bool is_chosen = !is_router || (ports >> (edge->port % 64) & 1) != 0;
        count += edge->from == stage && is_chosen ? 1 : 0;
    }
    return count;
}
