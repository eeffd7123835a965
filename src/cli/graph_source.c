/* SPDX-License-Identifier: Apache-2.0 */
/* A flow in the languages of other drawing programs. Ids are ours, so that no name can be one. */
#include "cli/graph_view.h"

#include <inttypes.h>

/* ---- Graphviz ---- */

/* In a double-quoted string: control characters are gone, so only the quote and the backslash mean
 * something. */
static void add_dot(struct tvn_strbuf *out, const char *text)
{
    TVN_AUTO_VALUE(tvn_strbuf) escaped = {0};
    tvn_strbuf_add_escaped(&escaped, tvn_str_of(text));
    for (size_t i = 0; i < escaped.len; i++) {
        if (escaped.ptr[i] == '"' || escaped.ptr[i] == '\\') {
            tvn_strbuf_add_char(out, '\\');
        }
        tvn_strbuf_add_char(out, escaped.ptr[i]);
    }
    out->failed |= escaped.failed;
}

void tvn_graph_dot(const struct tvn_graph_view *view, struct tvn_strbuf *out)
{
    tvn_strbuf_add_text(out, "digraph \"");
    add_dot(out, view->flow);
    tvn_strbuf_add_text(out, "\" {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n"
                             "  edge [fontname=\"sans-serif\", fontsize=10];\n");
    for (uint32_t i = 0; i < view->node_count; i++) {
        const struct tvn_graph_view_node *node = &view->nodes[i];
        tvn_strbuf_printf(out, "  n%" PRIu32 " [label=\"", i);
        add_dot(out, node->name);
        tvn_strbuf_printf(out, "\\n%s\\n", node->role);
        add_dot(out, node->component);
        tvn_strbuf_add_text(out, "\"];\n");
    }
    for (uint32_t i = 0; i < view->edge_count; i++) {
        const struct tvn_graph_view_edge *edge = &view->edges[i];
        tvn_strbuf_printf(out, "  n%" PRIu32 " -> n%" PRIu32 " [label=\"", edge->from, edge->to);
        add_dot(out, edge->from_port);
        tvn_strbuf_add_text(out, " → ");
        add_dot(out, edge->to_port);
        tvn_strbuf_printf(out, "\\n%" PRIu64 ", %s\"];\n", edge->queue_depth, edge->policy);
    }
    tvn_strbuf_add_text(out, "}\n");
}

/* ---- Mermaid ---- */

/* In a quoted label: everything that its parser or HTML gives a meaning is a numbered entity. */
static void add_mermaid(struct tvn_strbuf *out, const char *text)
{
    TVN_AUTO_VALUE(tvn_strbuf) escaped = {0};
    tvn_strbuf_add_escaped(&escaped, tvn_str_of(text));
    for (size_t i = 0; i < escaped.len; i++) {
        unsigned char c = (unsigned char)escaped.ptr[i];
        bool plain = c >= 0x80 || c == ' ' || c == '-' || c == '_' || c == '.' || c == '/' ||
                     c == ':' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                     (c >= 'a' && c <= 'z');
        if (plain) {
            tvn_strbuf_add_char(out, (char)c);
        } else {
            tvn_strbuf_printf(out, "#%u;", c);
        }
    }
    out->failed |= escaped.failed;
}

void tvn_graph_mermaid(const struct tvn_graph_view *view, struct tvn_strbuf *out)
{
    tvn_strbuf_add_text(out, "flowchart LR\n");
    for (uint32_t i = 0; i < view->node_count; i++) {
        const struct tvn_graph_view_node *node = &view->nodes[i];
        tvn_strbuf_printf(out, "  n%" PRIu32 "[\"", i);
        add_mermaid(out, node->name);
        tvn_strbuf_printf(out, "<br/>%s<br/>", node->role);
        add_mermaid(out, node->component);
        tvn_strbuf_add_text(out, "\"]\n");
    }
    for (uint32_t i = 0; i < view->edge_count; i++) {
        const struct tvn_graph_view_edge *edge = &view->edges[i];
        tvn_strbuf_printf(out, "  n%" PRIu32 " -->|\"", edge->from);
        add_mermaid(out, edge->from_port);
        tvn_strbuf_add_text(out, " → ");
        add_mermaid(out, edge->to_port);
        tvn_strbuf_printf(out, "<br/>%" PRIu64 ", %s\"| n%" PRIu32 "\n", edge->queue_depth,
                          edge->policy, edge->to);
    }
}
