/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Dependencies first: the order in which things that refer to each other can be resolved.
 * Iterative, because hostile text makes chains as long as the text.
 */
#include "base/status.h"
#include "base/vec.h"

#include <stdint.h>

#define TVN_WIT_EDGES_MAX ((size_t)1 << 26)

/* Edges of node i are edges[starts[i]] up to edges[starts[i + 1]]. */
struct tvn_wit_graph {
    TVN_VEC(uint32_t) starts; /* node_count + 1 once built */
    TVN_VEC(uint32_t) edges;  /* target nodes */
};

void tvn_wit_graph_deinit(struct tvn_wit_graph *graph);
TVN_DEFINE_CLEANUP_VALUE(tvn_wit_graph, tvn_wit_graph_deinit)

/* Nodes are added in order; edges belong to the node added last. Ends with tvn_wit_graph_end. */
TVN_NODISCARD enum tvn_status tvn_wit_graph_node(struct tvn_wit_graph *graph);
TVN_NODISCARD enum tvn_status tvn_wit_graph_edge(struct tvn_wit_graph *graph, uint32_t target);
TVN_NODISCARD enum tvn_status tvn_wit_graph_end(struct tvn_wit_graph *graph);

/*
 * Called for each cycle that is met: `first` is its first node in the walk, `first_edge` the edge
 * that leaves it within the cycle, `last` the node whose edge closes it. The walk goes on as if the
 * closing edge did not exist.
 */
typedef void (*tvn_wit_on_cycle)(void *context, uint32_t first, uint32_t first_edge, uint32_t last);

/* Writes every node to out_order, targets before those that refer to them. TVN_E_OUT_OF_MEMORY. */
TVN_NODISCARD enum tvn_status tvn_wit_graph_order(const struct tvn_wit_graph *graph,
                                                  tvn_wit_on_cycle on_cycle, void *context,
                                                  uint32_t *out_order);
