/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "contracts/wit_order_internal.h"

void tvn_wit_graph_deinit(struct tvn_wit_graph *graph)
{
    tvn_vec_deinit(&graph->starts);
    tvn_vec_deinit(&graph->edges);
}

static enum tvn_status full_is_memory(enum tvn_status status)
{
    return status == TVN_FULL ? TVN_E_OUT_OF_MEMORY : status;
}

enum tvn_status tvn_wit_graph_node(struct tvn_wit_graph *graph)
{
    tvn_assert(graph);
    return full_is_memory(
        tvn_vec_push(&graph->starts, TVN_WIT_EDGES_MAX, (uint32_t)graph->edges.count));
}

enum tvn_status tvn_wit_graph_edge(struct tvn_wit_graph *graph, uint32_t target)
{
    tvn_assert(graph);
    tvn_assert(graph->starts.count > 0);
    return full_is_memory(tvn_vec_push(&graph->edges, TVN_WIT_EDGES_MAX, target));
}

enum tvn_status tvn_wit_graph_end(struct tvn_wit_graph *graph)
{
    return tvn_wit_graph_node(graph);
}

enum { NODE_NEW = 0, NODE_OPEN, NODE_DONE };

struct walk {
    const struct tvn_wit_graph *graph;
    uint8_t *states;
    uint32_t *next_edge; /* per node: the edge to follow next */
    uint32_t *stack;     /* open nodes */
    uint32_t depth;
    uint32_t *depth_of; /* per open node: its place in the stack */
    uint32_t *order;
    uint32_t ordered;
};

static void open_node(struct walk *walk, uint32_t node)
{
    walk->states[node] = NODE_OPEN;
    walk->next_edge[node] = walk->graph->starts.items[node];
    walk->depth_of[node] = walk->depth;
    walk->stack[walk->depth++] = node;
}

/* Follows one edge of the node on top, or takes the node off. */
static void step(struct walk *walk, tvn_wit_on_cycle on_cycle, void *context)
{
    uint32_t node = walk->stack[walk->depth - 1];
    if (walk->next_edge[node] == walk->graph->starts.items[node + 1]) {
        walk->states[node] = NODE_DONE;
        walk->order[walk->ordered++] = node;
        walk->depth--;
        return;
    }
    uint32_t target = walk->graph->edges.items[walk->next_edge[node]++];
    if (walk->states[target] == NODE_NEW) {
        open_node(walk, target);
    } else if (walk->states[target] == NODE_OPEN) {
        tvn_assert(walk->stack[walk->depth_of[target]] == target);
        on_cycle(context, target, walk->next_edge[target] - 1, node);
    }
}

enum tvn_status tvn_wit_graph_order(const struct tvn_wit_graph *graph, tvn_wit_on_cycle on_cycle,
                                    void *context, uint32_t *out_order)
{
    tvn_assert(graph);
    tvn_assert(on_cycle);
    tvn_assert(graph->starts.count > 0);
    uint32_t count = (uint32_t)graph->starts.count - 1;
    TVN_AUTO_FREE uint8_t *states = tvn_calloc((size_t)count + 1, sizeof(*states));
    TVN_AUTO_FREE uint32_t *numbers = tvn_calloc((size_t)count + 1, 3 * sizeof(*numbers));
    if (!states || !numbers) {
        return TVN_E_OUT_OF_MEMORY;
    }
    struct walk walk = {
        .graph = graph,
        .states = states,
        .next_edge = numbers,
        .stack = numbers + count,
        .depth_of = numbers + 2 * (size_t)count,
        .order = out_order,
    };
    for (uint32_t node = 0; node < count; node++) {
        if (states[node] == NODE_NEW) {
            open_node(&walk, node);
        }
        while (walk.depth > 0) {
            step(&walk, on_cycle, context);
        }
    }
    tvn_assert(walk.ordered == count);
    return TVN_OK;
}
