/* SPDX-License-Identifier: Apache-2.0 */
/* A flow as boxes and lines of characters. */
#include "base/assert.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/utf8.h"
#include "cli/graph_layout.h"

#include <inttypes.h>

#define BOX_ROWS 5 /* border, name, role, component, border */

/* Directions in which a line leaves a square: its character is chosen at the end. */
enum { UP = 1, RIGHT = 2, DOWN = 4, LEFT = 8, LINES = 16 };

/* Squares hold what lines meet there (below LINES), or a code point. */
struct canvas {
    uint32_t *squares;
    uint32_t columns;
    uint32_t rows;
};

static uint32_t *square(const struct canvas *canvas, uint32_t row, int32_t column)
{
    tvn_assert(row < canvas->rows && column >= 0 && (uint32_t)column < canvas->columns);
    return &canvas->squares[(size_t)row * canvas->columns + (uint32_t)column];
}

static void line(const struct canvas *canvas, uint32_t row, int32_t column, uint32_t directions)
{
    uint32_t *at = square(canvas, row, column);
    if (*at < LINES) {
        *at |= directions;
    }
}

static void horizontal(const struct canvas *canvas, uint32_t row, int32_t from, int32_t to)
{
    int32_t left = tvn_min(from, to);
    int32_t right = tvn_max(from, to);
    for (int32_t x = left; x <= right; x++) {
        line(canvas, row, x, (x > left ? (uint32_t)LEFT : 0) | (x < right ? (uint32_t)RIGHT : 0));
    }
}

/* The lines leave the first and the last square, too. */
static void vertical(const struct canvas *canvas, uint32_t from, uint32_t to, int32_t column)
{
    for (uint32_t row = from; row < to; row++) {
        line(canvas, row, column, UP | DOWN);
    }
}

/* ---- text ---- */

uint32_t tvn_graph_add_cut(struct tvn_strbuf *out, const char *text, uint32_t columns_max)
{
    TVN_AUTO_VALUE(tvn_strbuf) escaped = {0};
    tvn_strbuf_add_escaped(&escaped, tvn_str_of(text));
    struct tvn_str rest = tvn_strbuf_view(&escaped);
    uint32_t columns = 0;
    for (size_t at = 0; at < rest.len; columns++) {
        uint32_t c;
        size_t size = tvn_utf8_decode(rest.ptr + at, rest.len - at, &c);
        tvn_assert(size > 0); /* escaping leaves nothing invalid */
        if (columns + 1 == columns_max && at + size < rest.len) {
            tvn_strbuf_add_text(out, "…");
            return columns_max;
        }
        tvn_strbuf_add(out, rest.ptr + at, size);
        at += size;
    }
    return columns;
}

/* Escaped text has a byte that begins a character wherever the two highest bits are not 10. */
static uint32_t columns_of_text(struct tvn_str text)
{
    uint32_t columns = 0;
    for (size_t i = 0; i < text.len; i++) {
        columns += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    }
    return columns;
}

uint32_t tvn_graph_add_tail(struct tvn_strbuf *out, const char *text, uint32_t columns_max)
{
    TVN_AUTO_VALUE(tvn_strbuf) escaped = {0};
    tvn_strbuf_add_escaped(&escaped, tvn_str_of(text));
    struct tvn_str rest = tvn_strbuf_view(&escaped);
    uint32_t columns = columns_of_text(rest);
    if (columns <= columns_max) {
        tvn_strbuf_add_str(out, rest);
        return columns;
    }
    for (uint32_t left = columns; left >= columns_max && rest.len > 0; left--) {
        uint32_t c;
        size_t size = tvn_utf8_decode(rest.ptr, rest.len, &c);
        tvn_assert(size > 0);
        rest = tvn_str_slice(rest, size, rest.len);
    }
    tvn_strbuf_add_text(out, "…");
    tvn_strbuf_add_str(out, rest);
    return columns_max;
}

static void write_text(const struct canvas *canvas, uint32_t row, int32_t column,
                       struct tvn_str text)
{
    for (size_t at = 0; at < text.len; column++) {
        uint32_t c;
        at += tvn_utf8_decode(text.ptr + at, text.len - at, &c);
        *square(canvas, row, column) = c;
    }
}

static void write_centred(const struct canvas *canvas, uint32_t row,
                          const struct tvn_graph_cell *cell, const struct tvn_strbuf *text)
{
    uint32_t columns = columns_of_text(tvn_strbuf_view(text));
    int32_t at = cell->x + (cell->width - (int32_t)columns) / 2;
    if (!text->failed) {
        write_text(canvas, row, at, tvn_strbuf_view(text));
    }
}

static void write_labels(const struct canvas *canvas, uint32_t row,
                         const struct tvn_graph_cell *cell, const struct tvn_graph_view_node *node)
{
    TVN_AUTO_VALUE(tvn_strbuf) name = {0};
    TVN_AUTO_VALUE(tvn_strbuf) role = {0};
    TVN_AUTO_VALUE(tvn_strbuf) component = {0};
    (void)tvn_graph_add_cut(&name, node->name, TVN_GRAPH_LABEL_MAX);
    (void)tvn_graph_add_cut(&role, node->role, TVN_GRAPH_LABEL_MAX);
    (void)tvn_graph_add_tail(&component, node->component, TVN_GRAPH_LABEL_MAX);
    write_centred(canvas, row, cell, &name);
    write_centred(canvas, row + 1, cell, &role);
    write_centred(canvas, row + 2, cell, &component);
}

/* ---- cells and lines ---- */

static void draw_box(const struct canvas *canvas, uint32_t row, const struct tvn_graph_cell *cell,
                     const struct tvn_graph_view_node *node)
{
    int32_t right = cell->x + cell->width - 1;
    uint32_t bottom = row + BOX_ROWS - 1;
    horizontal(canvas, row, cell->x, right);
    horizontal(canvas, bottom, cell->x, right);
    for (uint32_t i = row; i <= bottom; i++) {
        uint32_t directions = (i > row ? (uint32_t)UP : 0) | (i < bottom ? (uint32_t)DOWN : 0);
        line(canvas, i, cell->x, directions);
        line(canvas, i, right, directions);
    }
    write_labels(canvas, row + 1, cell, node);
}

/* Where a layer begins: below the boxes of the one above, its tracks and a row of arrows. */
static uint32_t next_row(const struct tvn_graph_layer *layer, uint32_t row)
{
    return row + BOX_ROWS + tvn_max(layer->track_count, 1u) + 1;
}

static void draw_segment(const struct canvas *canvas, const struct tvn_graph_layout *layout,
                         const struct tvn_graph_layer *layer, uint32_t row,
                         const struct tvn_graph_segment *segment)
{
    uint32_t top = row + BOX_ROWS;
    uint32_t end = next_row(layer, row);
    if (layout->cells[segment->from].is_node) {
        line(canvas, top - 1, segment->from_x, DOWN);
    }
    if (segment->track == TVN_GRAPH_NO_TRACK) {
        vertical(canvas, top, end, segment->from_x);
    } else {
        uint32_t turn = top + segment->track;
        vertical(canvas, top, turn, segment->from_x);
        line(canvas, turn, segment->from_x, UP);
        horizontal(canvas, turn, segment->from_x, segment->to_x);
        line(canvas, turn, segment->to_x, DOWN);
        vertical(canvas, turn + 1, end, segment->to_x);
    }
    if (layout->cells[segment->to].is_node) {
        *square(canvas, end - 1, segment->to_x) = 0x25bc; /* ▼ */
    }
}

/* A port other than the usual one, beside the arrow, if there is room. */
static void label_segment(const struct canvas *canvas, const struct tvn_graph_view_edge *edge,
                          uint32_t row, int32_t column)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    uint32_t columns = tvn_graph_add_cut(&text, edge->from_port, TVN_GRAPH_LABEL_MAX);
    if (strcmp(edge->from_port, "output") == 0 || text.failed) {
        return;
    }
    for (uint32_t i = 1; i <= columns + 2; i++) {
        uint32_t at = (uint32_t)column + i;
        if (at < canvas->columns && *square(canvas, row, (int32_t)at) != 0) {
            return;
        }
        if (at >= canvas->columns && i <= columns + 1) {
            return;
        }
    }
    write_text(canvas, row, column + 2, tvn_strbuf_view(&text));
}

static void draw(const struct canvas *canvas, const struct tvn_graph_layout *layout,
                 const struct tvn_graph_view *view)
{
    uint32_t row = 0;
    for (uint32_t l = 0; l < layout->layer_count; l++) {
        const struct tvn_graph_layer *layer = &layout->layers[l];
        for (uint32_t i = 0; i < layer->count; i++) {
            uint32_t index = layout->order[layer->first + i];
            const struct tvn_graph_cell *cell = &layout->cells[index];
            if (cell->is_node) {
                draw_box(canvas, row, cell, &view->nodes[index]);
            } else {
                vertical(canvas, row, row + BOX_ROWS, cell->x);
            }
        }
        for (uint32_t i = 0; i < layer->segment_count; i++) {
            draw_segment(canvas, layout, layer, row, &layout->segments[layer->first_segment + i]);
        }
        uint32_t end = next_row(layer, row);
        for (uint32_t i = 0; i < layer->segment_count; i++) {
            const struct tvn_graph_segment *segment = &layout->segments[layer->first_segment + i];
            if (layout->cells[segment->to].is_node) {
                label_segment(canvas, &view->edges[segment->edge], end - 1, segment->to_x);
            }
        }
        row = end;
    }
}

/* ---- what comes out ---- */

static void add_square(struct tvn_strbuf *out, uint32_t value)
{
    static const char *const lines[LINES] = {
        " ", "│", "─", "└", "│", "│", "┌", "├", "─", "┘", "─", "┴", "┐", "┤", "┬", "┼",
    };
    if (value < LINES) {
        tvn_strbuf_add_text(out, lines[value]);
        return;
    }
    char bytes[4];
    tvn_strbuf_add(out, bytes, tvn_utf8_encode(value, bytes));
}

static void add_canvas(const struct canvas *canvas, struct tvn_strbuf *out)
{
    for (uint32_t row = 0; row < canvas->rows; row++) {
        uint32_t end = canvas->columns;
        while (end > 0 && *square(canvas, row, (int32_t)end - 1) == 0) {
            end--;
        }
        tvn_strbuf_add_text(out, end > 0 ? "  " : "");
        for (uint32_t column = 0; column < end; column++) {
            add_square(out, *square(canvas, row, (int32_t)column));
        }
        tvn_strbuf_add_char(out, '\n');
    }
}

/* Room for a label to the right of the last line. */
static uint32_t columns_of(const struct tvn_graph_layout *layout)
{
    return (uint32_t)layout->width + TVN_GRAPH_LABEL_MAX;
}

/* False when it would be too wide. */
static bool add_drawing(const struct tvn_graph_view *view, struct tvn_strbuf *out)
{
    TVN_AUTO_VALUE(tvn_graph_layout) layout = {0};
    if (!tvn_graph_layout_init(&layout, view) ||
        layout.width > (int32_t)TVN_GRAPH_TEXT_COLUMNS_MAX) {
        return false;
    }
    struct canvas canvas = {.columns = columns_of(&layout)};
    for (uint32_t i = 0; i < layout.layer_count; i++) {
        canvas.rows = i + 1 < layout.layer_count ? next_row(&layout.layers[i], canvas.rows)
                                                 : canvas.rows + BOX_ROWS;
    }
    canvas.squares = tvn_calloc((size_t)canvas.rows * canvas.columns, sizeof(*canvas.squares));
    if (!canvas.squares) {
        out->failed = true;
        return true;
    }
    draw(&canvas, &layout, view);
    add_canvas(&canvas, out);
    tvn_free(canvas.squares);
    return true;
}

static void add_padded(struct tvn_strbuf *out, struct tvn_str text, uint32_t columns,
                       uint32_t width)
{
    tvn_strbuf_add_str(out, text);
    tvn_strbuf_add_repeat(out, ' ', width > columns ? width - columns : 0);
}

/* "router.metrics → metric-proc.input" */
static uint32_t add_edge(const struct tvn_graph_view *view, const struct tvn_graph_view_edge *edge,
                         struct tvn_strbuf *out)
{
    uint32_t columns = 5;
    columns += tvn_graph_add_cut(out, view->nodes[edge->from].name, UINT32_MAX);
    tvn_strbuf_add_char(out, '.');
    columns += tvn_graph_add_cut(out, edge->from_port, UINT32_MAX);
    tvn_strbuf_add_text(out, " → ");
    columns += tvn_graph_add_cut(out, view->nodes[edge->to].name, UINT32_MAX);
    tvn_strbuf_add_char(out, '.');
    columns += tvn_graph_add_cut(out, edge->to_port, UINT32_MAX);
    return columns;
}

static void add_edges(const struct tvn_graph_view *view, struct tvn_strbuf *out)
{
    uint32_t width = 0;
    for (uint32_t i = 0; i < view->edge_count; i++) {
        TVN_AUTO_VALUE(tvn_strbuf) text = {0};
        width = tvn_max(width, add_edge(view, &view->edges[i], &text));
    }
    tvn_strbuf_add_text(out, view->edge_count > 0 ? "\n" : "");
    for (uint32_t i = 0; i < view->edge_count; i++) {
        TVN_AUTO_VALUE(tvn_strbuf) text = {0};
        uint32_t columns = add_edge(view, &view->edges[i], &text);
        tvn_strbuf_add_text(out, "  ");
        add_padded(out, tvn_strbuf_view(&text), columns, width);
        tvn_strbuf_printf(out, "  queue %" PRIu64 ", %s\n", view->edges[i].queue_depth,
                          view->edges[i].policy);
    }
}

static void add_nodes(const struct tvn_graph_view *view, struct tvn_strbuf *out)
{
    for (uint32_t i = 0; i < view->node_count; i++) {
        tvn_strbuf_add_text(out, "  ");
        tvn_strbuf_add_escaped(out, tvn_str_of(view->nodes[i].name));
        tvn_strbuf_printf(out, ": %s, ", view->nodes[i].role);
        tvn_strbuf_add_escaped(out, tvn_str_of(view->nodes[i].component));
        tvn_strbuf_add_char(out, '\n');
    }
}

void tvn_graph_text(const struct tvn_graph_view *view, struct tvn_strbuf *out)
{
    tvn_strbuf_add_text(out, "Flow \"");
    tvn_strbuf_add_escaped(out, tvn_str_of(view->flow));
    tvn_strbuf_printf(out, "\": %" PRIu32 " node%s, %" PRIu32 " edge%s\n\n", view->node_count,
                      view->node_count == 1 ? "" : "s", view->edge_count,
                      view->edge_count == 1 ? "" : "s");
    if (!add_drawing(view, out)) {
        add_nodes(view, out);
    }
    add_edges(view, out);
}
