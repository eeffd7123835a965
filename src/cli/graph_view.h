/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The drawings of a flow. Names may hold anything: each form escapes what it must.
 *
 * Memory: a view borrows everything. Limits: drawings (text, SVG) of at most
 * TVN_GRAPH_DRAWN_NODES_MAX nodes and TVN_GRAPH_DRAWN_EDGES_MAX edges, which is more than a flow
 * that runs can have; text of at most TVN_GRAPH_TEXT_COLUMNS_MAX columns.
 */
#include "base/str.h"

#define TVN_GRAPH_DRAWN_NODES_MAX  256u
#define TVN_GRAPH_DRAWN_EDGES_MAX  1024u
#define TVN_GRAPH_TEXT_COLUMNS_MAX 160u

struct tvn_graph_view_node {
    const char *name;
    const char *role;
    const char *component; /* as the manifest says */
};

struct tvn_graph_view_edge {
    uint32_t from; /* nodes; from < to */
    uint32_t to;
    const char *from_port;
    const char *to_port;
    uint64_t queue_depth;
    const char *policy;
};

struct tvn_graph_view {
    const char *flow;
    const struct tvn_graph_view_node *nodes; /* in topological order */
    uint32_t node_count;
    const struct tvn_graph_view_edge *edges;
    uint32_t edge_count;
};

/* COLD PATH. Boxes and lines, then a list of the edges. Where that would be too large, lists. */
void tvn_graph_text(const struct tvn_graph_view *view, struct tvn_strbuf *out);
/* A flow chart for Mermaid. */
void tvn_graph_mermaid(const struct tvn_graph_view *view, struct tvn_strbuf *out);
/* For Graphviz. */
void tvn_graph_dot(const struct tvn_graph_view *view, struct tvn_strbuf *out);
/* A picture that needs nothing else. False when the graph is too large to be drawn. */
bool tvn_graph_svg(const struct tvn_graph_view *view, struct tvn_strbuf *out);

/* Text that a terminal can show, cut to `columns_max` characters; the last is then "…". Returns
 * its characters. */
uint32_t tvn_graph_add_cut(struct tvn_strbuf *out, const char *text, uint32_t columns_max);
/* The same, cut at the beginning: of a path the end tells more. */
uint32_t tvn_graph_add_tail(struct tvn_strbuf *out, const char *text, uint32_t columns_max);
/* Text for XML, the same as add_cut. */
void tvn_graph_add_xml(struct tvn_strbuf *out, const char *text, uint32_t columns_max);
