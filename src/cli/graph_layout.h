/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where nodes and edges of a drawing stand, in columns. Nodes stand in layers, each below all that
 * feed it; an edge that passes a layer has a cell of its own there, so that every segment of an
 * edge leads from one layer to the next. Columns where segments begin and end are chosen such that
 * lines cross but never lie on each other.
 *
 * Memory: an arena of its own. Limits: as in graph_view.h; TVN_GRAPH_CELLS_MAX cells.
 */
#include "base/arena.h"
#include "cli/graph_view.h"

#define TVN_GRAPH_CELLS_MAX 8192u
#define TVN_GRAPH_LABEL_MAX 32u /* characters of a line in a node */
#define TVN_GRAPH_CELL_GAP  3
#define TVN_GRAPH_NO_TRACK  UINT32_MAX

/* A node, or where an edge passes. The first node_count cells are the nodes. */
struct tvn_graph_cell {
    bool is_node;
    uint32_t layer;
    int32_t x;
    int32_t width;
    uint32_t in_count; /* segments */
    uint32_t out_count;
    double wish; /* of the ordering and of the columns */
};

struct tvn_graph_segment {
    uint32_t edge;
    uint32_t from; /* cells; in the layer above … */
    uint32_t to;   /* … and below */
    int32_t from_x;
    int32_t to_x;
    uint32_t track; /* where it runs sideways, between the layers; NO_TRACK: straight down */
};

struct tvn_graph_layer {
    uint32_t first; /* in `order` */
    uint32_t count;
    uint32_t first_segment; /* those to the next layer, in a row */
    uint32_t segment_count;
    uint32_t track_count;
};

struct tvn_graph_layout {
    struct tvn_arena *arena;
    struct tvn_graph_cell *cells;
    uint32_t cell_count;
    uint32_t *order; /* cells, layer by layer from left to right */
    struct tvn_graph_segment *segments;
    uint32_t segment_count;
    struct tvn_graph_layer *layers;
    uint32_t layer_count;
    int32_t width;
};

/* COLD PATH. False when the graph is beyond the limits or memory is exhausted. */
bool tvn_graph_layout_init(struct tvn_graph_layout *layout, const struct tvn_graph_view *view);
void tvn_graph_layout_deinit(struct tvn_graph_layout *layout);
TVN_DEFINE_CLEANUP_VALUE(tvn_graph_layout, tvn_graph_layout_deinit)
