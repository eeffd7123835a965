/* SPDX-License-Identifier: Apache-2.0 */
/* A flow as a picture: no script, no style sheet, no font and nothing else from elsewhere. */
#include "base/num.h"
#include "base/utf8.h"
#include "cli/graph_layout.h"

#include <inttypes.h>

#define COLUMN     8 /* pixels */
#define BOX_HEIGHT 64
#define GAP_HEIGHT 72
#define MARGIN     24
#define TEXT_ABOVE 8 /* of the first baseline */

/* Characters that XML cannot hold, not even as a reference. */
static bool is_xml(uint32_t c)
{
    return c >= 0x20 && c != 0xfffe && c != 0xffff;
}

void tvn_graph_add_xml(struct tvn_strbuf *out, const char *text, uint32_t columns_max)
{
    TVN_AUTO_VALUE(tvn_strbuf) cut = {0};
    (void)tvn_graph_add_cut(&cut, text, columns_max);
    for (size_t at = 0; at < cut.len;) {
        uint32_t c;
        size_t size = tvn_utf8_decode(cut.ptr + at, cut.len - at, &c);
        if (c == '&' || c == '<' || c == '>' || c == '"' || c == '\'') {
            tvn_strbuf_printf(out, "&#%" PRIu32 ";", c);
        } else if (!is_xml(c)) {
            tvn_strbuf_add_text(out, "\xef\xbf\xbd");
        } else {
            tvn_strbuf_add(out, cut.ptr + at, size);
        }
        at += size;
    }
    out->failed |= cut.failed;
}

static int32_t x_of(int32_t column)
{
    return MARGIN + column * COLUMN;
}

static int32_t top_of(uint32_t layer)
{
    return MARGIN + (int32_t)layer * (BOX_HEIGHT + GAP_HEIGHT);
}

static void add_line(struct tvn_strbuf *out, int32_t x, int32_t y, const char *style,
                     const char *text)
{
    tvn_strbuf_printf(out, "    <text x=\"%" PRIi32 "\" y=\"%" PRIi32 "\"%s>", x, y, style);
    tvn_graph_add_xml(out, text, TVN_GRAPH_LABEL_MAX);
    tvn_strbuf_add_text(out, "</text>\n");
}

static void add_node(struct tvn_strbuf *out, const struct tvn_graph_cell *cell,
                     const struct tvn_graph_view_node *node)
{
    int32_t x = x_of(cell->x);
    int32_t y = top_of(cell->layer);
    int32_t middle = x + cell->width * COLUMN / 2;
    tvn_strbuf_add_text(out, "  <g text-anchor=\"middle\">\n    <title>");
    tvn_graph_add_xml(out, node->component, UINT32_MAX);
    tvn_strbuf_printf(out,
                      "</title>\n    <rect x=\"%" PRIi32 "\" y=\"%" PRIi32 "\" width=\"%" PRIi32
                      "\" height=\"%d\" rx=\"6\" fill=\"#eef3fb\" stroke=\"#3b5b8c\"/>\n",
                      x, y, cell->width * COLUMN, BOX_HEIGHT);
    add_line(out, middle, y + TEXT_ABOVE + 14, " font-weight=\"bold\"", node->name);
    add_line(out, middle, y + TEXT_ABOVE + 32, " fill=\"#55606e\"", node->role);
    TVN_AUTO_VALUE(tvn_strbuf) component = {0};
    (void)tvn_graph_add_tail(&component, node->component, TVN_GRAPH_LABEL_MAX);
    add_line(out, middle, y + TEXT_ABOVE + 48, " font-size=\"11\" fill=\"#55606e\"",
             tvn_strbuf_text(&component));
    tvn_strbuf_add_text(out, "  </g>\n");
}

static void add_segment(struct tvn_strbuf *out, const struct tvn_graph_layout *layout,
                        const struct tvn_graph_segment *segment)
{
    const struct tvn_graph_cell *from = &layout->cells[segment->from];
    const struct tvn_graph_cell *to = &layout->cells[segment->to];
    int32_t x1 = x_of(segment->from_x) + COLUMN / 2;
    int32_t x2 = x_of(segment->to_x) + COLUMN / 2;
    int32_t begin = top_of(from->layer) + (from->is_node ? BOX_HEIGHT : 0);
    int32_t y1 = top_of(from->layer) + BOX_HEIGHT;
    int32_t y2 = top_of(to->layer);
    int32_t bend = (y1 + y2) / 2;
    tvn_strbuf_printf(out,
                      "  <path d=\"M%" PRIi32 " %" PRIi32 "V%" PRIi32 "C%" PRIi32 " %" PRIi32
                      " %" PRIi32 " %" PRIi32 " %" PRIi32 " %" PRIi32
                      "\" fill=\"none\" stroke=\"#3b5b8c\"%s/>\n",
                      x1, begin, y1, x1, bend, x2, bend, x2, y2,
                      to->is_node ? " marker-end=\"url(#arrow)\"" : "");
}

/* Beside the end of the line, where no two ends stand in one place. */
static void add_label(struct tvn_strbuf *out, const struct tvn_graph_layout *layout,
                      const struct tvn_graph_segment *segment,
                      const struct tvn_graph_view_edge *edge)
{
    int32_t x = x_of(segment->to_x) + COLUMN / 2 + 8;
    int32_t y = top_of(layout->cells[segment->to].layer);
    tvn_strbuf_printf(out,
                      "  <text font-size=\"11\" fill=\"#55606e\" stroke=\"#ffffff\" "
                      "stroke-width=\"3\" paint-order=\"stroke\">\n    <tspan x=\"%" PRIi32
                      "\" y=\"%" PRIi32 "\">",
                      x, y - 22);
    tvn_graph_add_xml(out, edge->from_port, TVN_GRAPH_LABEL_MAX);
    tvn_strbuf_add_text(out, " → ");
    tvn_graph_add_xml(out, edge->to_port, TVN_GRAPH_LABEL_MAX);
    tvn_strbuf_printf(out,
                      "</tspan>\n    <tspan x=\"%" PRIi32 "\" y=\"%" PRIi32 "\">%" PRIu64
                      ", %s</tspan>\n  </text>\n",
                      x, y - 9, edge->queue_depth, edge->policy);
}

bool tvn_graph_svg(const struct tvn_graph_view *view, struct tvn_strbuf *out)
{
    TVN_AUTO_VALUE(tvn_graph_layout) layout = {0};
    if (!tvn_graph_layout_init(&layout, view)) {
        return false;
    }
    int32_t width = 2 * MARGIN + (layout.width + (int32_t)TVN_GRAPH_LABEL_MAX) * COLUMN;
    int32_t height = 2 * MARGIN + top_of(layout.layer_count) - GAP_HEIGHT - MARGIN;
    tvn_strbuf_printf(out,
                      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%" PRIi32
                      "\" height=\"%" PRIi32 "\" viewBox=\"0 0 %" PRIi32 " %" PRIi32
                      "\" font-family=\"sans-serif\" font-size=\"13\">\n  <title>",
                      width, height, width, height);
    tvn_graph_add_xml(out, view->flow, UINT32_MAX);
    tvn_strbuf_add_text(out,
                        "</title>\n  <defs>\n    <marker id=\"arrow\" viewBox=\"0 0 8 8\" "
                        "refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" "
                        "orient=\"auto\">\n      <path d=\"M0 0L8 4L0 8z\" fill=\"#3b5b8c\"/>\n"
                        "    </marker>\n  </defs>\n"
                        "  <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
    for (uint32_t i = 0; i < layout.segment_count; i++) {
        add_segment(out, &layout, &layout.segments[i]);
    }
    for (uint32_t i = 0; i < view->node_count; i++) {
        add_node(out, &layout.cells[i], &view->nodes[i]);
    }
    for (uint32_t i = 0; i < layout.segment_count; i++) {
        if (layout.cells[layout.segments[i].to].is_node) {
            add_label(out, &layout, &layout.segments[i], &view->edges[layout.segments[i].edge]);
        }
    }
    tvn_strbuf_add_text(out, "</svg>\n");
    return true;
}
