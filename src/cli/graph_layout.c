/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/graph_layout.h"

#include "base/assert.h"
#include "base/num.h"

#define SWEEPS 6 /* of ordering, and of columns: down and up in turn */

/* ---- layers ---- */

static uint32_t choose_layers(struct tvn_graph_layout *layout, const struct tvn_graph_view *view)
{
    uint32_t count = 1;
    for (uint32_t node = 0; node < view->node_count; node++) {
        struct tvn_graph_cell *cell = &layout->cells[node];
        for (uint32_t i = 0; i < view->edge_count; i++) {
            const struct tvn_graph_view_edge *edge = &view->edges[i];
            if (edge->to == node) {
                cell->layer = tvn_max(cell->layer, layout->cells[edge->from].layer + 1);
            }
        }
        count = tvn_max(count, cell->layer + 1);
    }
    return count;
}

static bool count_cells(struct tvn_graph_layout *layout, const struct tvn_graph_view *view)
{
    uint32_t cells = view->node_count;
    uint32_t segments = 0;
    for (uint32_t i = 0; i < view->edge_count; i++) {
        const struct tvn_graph_view_edge *edge = &view->edges[i];
        uint32_t span = layout->cells[edge->to].layer - layout->cells[edge->from].layer;
        cells += span - 1;
        segments += span;
    }
    layout->cell_count = cells;
    layout->segment_count = segments;
    return cells <= TVN_GRAPH_CELLS_MAX;
}

/* Cells where edges pass, and the segments, by layers. */
static void make_segments(struct tvn_graph_layout *layout, const struct tvn_graph_view *view,
                          struct tvn_graph_segment *unsorted)
{
    uint32_t cell = view->node_count;
    uint32_t count = 0;
    for (uint32_t i = 0; i < view->edge_count; i++) {
        uint32_t last = view->edges[i].from;
        uint32_t to = view->edges[i].to;
        while (layout->cells[last].layer + 1 < layout->cells[to].layer) {
            layout->cells[cell] =
                (struct tvn_graph_cell){.layer = layout->cells[last].layer + 1, .width = 1};
            unsorted[count++] = (struct tvn_graph_segment){.edge = i, .from = last, .to = cell};
            last = cell++;
        }
        unsorted[count++] = (struct tvn_graph_segment){.edge = i, .from = last, .to = to};
    }
    tvn_assert(count == layout->segment_count && cell == layout->cell_count);
    for (uint32_t i = 0; i < count; i++) {
        layout->layers[layout->cells[unsorted[i].from].layer].segment_count++;
        layout->cells[unsorted[i].from].out_count++;
        layout->cells[unsorted[i].to].in_count++;
    }
    uint32_t first = 0;
    for (uint32_t i = 0; i < layout->layer_count; i++) {
        layout->layers[i].first_segment = first;
        first += layout->layers[i].segment_count;
        layout->layers[i].segment_count = 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct tvn_graph_layer *layer = &layout->layers[layout->cells[unsorted[i].from].layer];
        layout->segments[layer->first_segment + layer->segment_count++] = unsorted[i];
    }
}

static void fill_layers(struct tvn_graph_layout *layout)
{
    for (uint32_t i = 0; i < layout->cell_count; i++) {
        layout->layers[layout->cells[i].layer].count++;
    }
    uint32_t first = 0;
    for (uint32_t i = 0; i < layout->layer_count; i++) {
        layout->layers[i].first = first;
        first += layout->layers[i].count;
        layout->layers[i].count = 0;
    }
    for (uint32_t i = 0; i < layout->cell_count; i++) {
        struct tvn_graph_layer *layer = &layout->layers[layout->cells[i].layer];
        layout->order[layer->first + layer->count++] = i;
    }
}

/* ---- order in a layer: by where the neighbours stand ---- */

static double centre(const struct tvn_graph_cell *cell)
{
    return (double)cell->x + (double)(cell->width - 1) / 2;
}

/* Sets `wish` of the layer's cells to the mean of their neighbours above (or below). */
static void wish(struct tvn_graph_layout *layout, uint32_t layer, bool down)
{
    const struct tvn_graph_layer *row = &layout->layers[layer];
    for (uint32_t i = 0; i < row->count; i++) {
        struct tvn_graph_cell *cell = &layout->cells[layout->order[row->first + i]];
        bool alone = (down ? cell->in_count : cell->out_count) == 0;
        cell->wish = alone ? centre(cell) : 0;
    }
    const struct tvn_graph_layer *gap = &layout->layers[down ? layer - 1 : layer];
    for (uint32_t i = 0; i < gap->segment_count; i++) {
        const struct tvn_graph_segment *segment = &layout->segments[gap->first_segment + i];
        struct tvn_graph_cell *cell = &layout->cells[down ? segment->to : segment->from];
        const struct tvn_graph_cell *other = &layout->cells[down ? segment->from : segment->to];
        cell->wish += centre(other) / (down ? cell->in_count : cell->out_count);
    }
}

/* Insertion sort: stable, so that equal wishes keep the order of the manifest. */
static void sort_layer(struct tvn_graph_layout *layout, uint32_t layer)
{
    const struct tvn_graph_layer *row = &layout->layers[layer];
    uint32_t *order = &layout->order[row->first];
    for (uint32_t i = 1; i < row->count; i++) {
        uint32_t cell = order[i];
        uint32_t at = i;
        for (; at > 0 && layout->cells[order[at - 1]].wish > layout->cells[cell].wish; at--) {
            order[at] = order[at - 1];
        }
        order[at] = cell;
    }
}

/* One behind the other. */
static void pack(struct tvn_graph_layout *layout, uint32_t layer)
{
    const struct tvn_graph_layer *row = &layout->layers[layer];
    int32_t x = 0;
    for (uint32_t i = 0; i < row->count; i++) {
        struct tvn_graph_cell *cell = &layout->cells[layout->order[row->first + i]];
        cell->x = x;
        x += cell->width + TVN_GRAPH_CELL_GAP;
    }
}

/* ---- columns ---- */

/*
 * Towards the wishes, in order and without touching. Two such placements, one that gives way to the
 * right and one that gives way to the left: their mean is one, too, and is fair to both.
 */
static void place(struct tvn_graph_layout *layout, uint32_t layer)
{
    const struct tvn_graph_layer *row = &layout->layers[layer];
    const uint32_t *order = &layout->order[row->first];
    int32_t end = INT32_MIN / 4;
    for (uint32_t i = 0; i < row->count; i++) {
        struct tvn_graph_cell *cell = &layout->cells[order[i]];
        int32_t wanted = (int32_t)(cell->wish - (double)(cell->width - 1) / 2);
        cell->x = tvn_max(wanted, end + TVN_GRAPH_CELL_GAP);
        end = cell->x + cell->width;
    }
    int32_t begin = INT32_MAX / 4;
    for (uint32_t i = row->count; i-- > 0;) {
        struct tvn_graph_cell *cell = &layout->cells[order[i]];
        int32_t wanted = (int32_t)(cell->wish - (double)(cell->width - 1) / 2);
        int32_t left = tvn_min(wanted, begin - TVN_GRAPH_CELL_GAP - cell->width);
        begin = left;
        cell->x += left; /* halved below */
    }
    end = INT32_MIN / 4;
    for (uint32_t i = 0; i < row->count; i++) {
        struct tvn_graph_cell *cell = &layout->cells[order[i]];
        int32_t half = cell->x >= 0 ? cell->x / 2 : -((1 - cell->x) / 2); /* towards the left */
        cell->x = tvn_max(half, end + TVN_GRAPH_CELL_GAP);
        end = cell->x + cell->width;
    }
}

static void move_to_zero(struct tvn_graph_layout *layout)
{
    int32_t left = INT32_MAX;
    int32_t right = 0;
    for (uint32_t i = 0; i < layout->cell_count; i++) {
        left = tvn_min(left, layout->cells[i].x);
    }
    for (uint32_t i = 0; i < layout->cell_count; i++) {
        layout->cells[i].x -= left;
        right = tvn_max(right, layout->cells[i].x + layout->cells[i].width);
    }
    layout->width = right + 1; /* for a line that must give way */
}

static void order_and_place(struct tvn_graph_layout *layout)
{
    for (uint32_t i = 0; i < layout->layer_count; i++) {
        pack(layout, i);
    }
    for (uint32_t pass = 0; pass < 2 * SWEEPS; pass++) {
        bool down = pass % 2 == 0;
        for (uint32_t i = 1; i < layout->layer_count; i++) {
            uint32_t layer = down ? i : layout->layer_count - 1 - i;
            wish(layout, layer, down);
            if (pass < SWEEPS) {
                sort_layer(layout, layer);
                pack(layout, layer);
            } else {
                place(layout, layer);
            }
        }
    }
    move_to_zero(layout);
}

/* ---- where lines begin and end ---- */

/* Of the segments that share a cell at one end, how many are left of this one at the other. */
static uint32_t rank(const struct tvn_graph_layout *layout, const struct tvn_graph_layer *gap,
                     uint32_t index, bool outgoing)
{
    const struct tvn_graph_segment *segments = &layout->segments[gap->first_segment];
    const struct tvn_graph_segment *me = &segments[index];
    double mine = centre(&layout->cells[outgoing ? me->to : me->from]);
    uint32_t before = 0;
    for (uint32_t i = 0; i < gap->segment_count; i++) {
        const struct tvn_graph_segment *other = &segments[i];
        if ((outgoing ? other->from != me->from : other->to != me->to) || i == index) {
            continue;
        }
        double theirs = centre(&layout->cells[outgoing ? other->to : other->from]);
        before += theirs < mine || (theirs <= mine && i < index);
    }
    return before;
}

static int32_t attach(const struct tvn_graph_cell *cell, uint32_t at, uint32_t count)
{
    return cell->x + (int32_t)((at + 1) * (uint32_t)cell->width / (count + 1));
}

static bool column_is_used(const struct tvn_graph_layout *layout, const struct tvn_graph_layer *gap,
                           int32_t column)
{
    for (uint32_t i = 0; i < gap->segment_count; i++) {
        const struct tvn_graph_segment *segment = &layout->segments[gap->first_segment + i];
        if (segment->from_x == column || segment->to_x == column) {
            return true;
        }
    }
    return false;
}

/* The segment that ends in the column in which `segment` begins, and so must turn below it. */
static struct tvn_graph_segment *below(const struct tvn_graph_layout *layout,
                                       const struct tvn_graph_layer *gap,
                                       const struct tvn_graph_segment *segment)
{
    for (uint32_t i = 0; i < gap->segment_count; i++) {
        struct tvn_graph_segment *other = &layout->segments[gap->first_segment + i];
        if (other != segment && other->to_x == segment->from_x) {
            return other;
        }
    }
    return NULL;
}

/* True if each of a ring of segments, this one among them, would have to turn below the next. */
static bool is_in_cycle(const struct tvn_graph_layout *layout, const struct tvn_graph_layer *gap,
                        const struct tvn_graph_segment *segment)
{
    const struct tvn_graph_segment *next = below(layout, gap, segment);
    for (uint32_t steps = 0; next && next != segment && steps < gap->segment_count; steps++) {
        next = below(layout, gap, next);
    }
    return next == segment;
}

/* Ends the segment in a column beside that nobody uses. A cell where an edge passes moves along:
 * the gaps between cells have room for that. */
static void end_beside(struct tvn_graph_layout *layout, const struct tvn_graph_layer *gap,
                       struct tvn_graph_segment *segment)
{
    struct tvn_graph_cell *cell = &layout->cells[segment->to];
    int32_t first = cell->is_node ? cell->x + 1 : tvn_max(cell->x - 1, 0);
    int32_t last = cell->is_node ? cell->x + cell->width - 2 : cell->x + 1;
    for (int32_t column = first; column <= last; column++) {
        if (!column_is_used(layout, gap, column)) {
            segment->to_x = column;
            cell->x = cell->is_node ? cell->x : column;
            return;
        }
    }
}

static void break_cycles(struct tvn_graph_layout *layout, const struct tvn_graph_layer *gap)
{
    for (uint32_t i = 0; i < gap->segment_count; i++) {
        struct tvn_graph_segment *segment = &layout->segments[gap->first_segment + i];
        if (segment->from_x != segment->to_x && is_in_cycle(layout, gap, segment)) {
            end_beside(layout, gap, segment);
        }
    }
}

/* A line that is nearly straight is made straight where nothing is in its way. */
static void straighten(struct tvn_graph_layout *layout, const struct tvn_graph_layer *gap)
{
    for (uint32_t i = 0; i < gap->segment_count; i++) {
        struct tvn_graph_segment *segment = &layout->segments[gap->first_segment + i];
        const struct tvn_graph_cell *from = &layout->cells[segment->from];
        const struct tvn_graph_cell *to = &layout->cells[segment->to];
        int32_t column = segment->from_x;
        bool near = segment->to_x - column >= -2 && segment->to_x - column <= 2;
        bool inside = column > to->x && column < to->x + to->width - 1;
        if (near && segment->to_x != column && from->out_count == 1 && to->in_count == 1 &&
            inside && !below(layout, gap, segment)) {
            segment->to_x = column;
        }
    }
}

static bool tracks_collide(const struct tvn_graph_segment *a, const struct tvn_graph_segment *b)
{
    int32_t a_left = tvn_min(a->from_x, a->to_x);
    int32_t a_right = tvn_max(a->from_x, a->to_x);
    int32_t b_left = tvn_min(b->from_x, b->to_x);
    int32_t b_right = tvn_max(b->from_x, b->to_x);
    return a_left <= b_right && b_left <= a_right;
}

/* The first track that is free for the segment, from `lowest` on. */
static uint32_t free_track(const struct tvn_graph_layout *layout, const struct tvn_graph_layer *gap,
                           const struct tvn_graph_segment *segment, uint32_t lowest)
{
    for (uint32_t track = lowest;; track++) {
        bool free = true;
        for (uint32_t i = 0; free && i < gap->segment_count; i++) {
            const struct tvn_graph_segment *other = &layout->segments[gap->first_segment + i];
            free = other->track != track || !tracks_collide(segment, other);
        }
        if (free) {
            return track;
        }
    }
}

/* Begins with segments that need not turn below another one, then those below them. */
static void choose_tracks(struct tvn_graph_layout *layout, struct tvn_graph_layer *gap)
{
    for (uint32_t i = 0; i < gap->segment_count; i++) {
        layout->segments[gap->first_segment + i].track = TVN_GRAPH_NO_TRACK;
    }
    for (uint32_t i = 0; i < gap->segment_count; i++) {
        struct tvn_graph_segment *segment = &layout->segments[gap->first_segment + i];
        bool is_first = true;
        for (uint32_t k = 0; is_first && k < gap->segment_count; k++) {
            const struct tvn_graph_segment *other = &layout->segments[gap->first_segment + k];
            is_first = other == segment || other->from_x != segment->to_x;
        }
        uint32_t lowest = 0;
        for (uint32_t steps = 0; is_first && segment && steps < gap->segment_count; steps++) {
            if (segment->from_x != segment->to_x && segment->track == TVN_GRAPH_NO_TRACK) {
                segment->track = free_track(layout, gap, segment, lowest);
                lowest = segment->track + 1;
                gap->track_count = tvn_max(gap->track_count, lowest);
            }
            segment = below(layout, gap, segment);
        }
    }
    for (uint32_t i = 0; i < gap->segment_count; i++) { /* cycles that could not be broken */
        struct tvn_graph_segment *segment = &layout->segments[gap->first_segment + i];
        if (segment->track == TVN_GRAPH_NO_TRACK && segment->from_x != segment->to_x) {
            segment->track = free_track(layout, gap, segment, 0);
            gap->track_count = tvn_max(gap->track_count, segment->track + 1);
        }
    }
}

static void route(struct tvn_graph_layout *layout)
{
    for (uint32_t layer = 0; layer + 1 < layout->layer_count; layer++) {
        struct tvn_graph_layer *gap = &layout->layers[layer];
        for (uint32_t i = 0; i < gap->segment_count; i++) {
            struct tvn_graph_segment *segment = &layout->segments[gap->first_segment + i];
            const struct tvn_graph_cell *from = &layout->cells[segment->from];
            const struct tvn_graph_cell *to = &layout->cells[segment->to];
            segment->from_x = attach(from, rank(layout, gap, i, true), from->out_count);
            segment->to_x = attach(to, rank(layout, gap, i, false), to->in_count);
        }
        straighten(layout, gap);
        break_cycles(layout, gap);
        choose_tracks(layout, gap);
    }
}

/* ---- life ---- */

static int32_t node_width(const struct tvn_graph_view_node *node, const struct tvn_graph_cell *cell)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    uint32_t first = tvn_graph_add_cut(&text, node->name, TVN_GRAPH_LABEL_MAX);
    uint32_t second = tvn_graph_add_cut(&text, node->role, TVN_GRAPH_LABEL_MAX);
    uint32_t third = tvn_graph_add_tail(&text, node->component, TVN_GRAPH_LABEL_MAX);
    uint32_t lines = 3 * (tvn_max(cell->in_count, cell->out_count) + 1);
    uint32_t label = tvn_max(first, tvn_max(second, third)) + 4;
    return (int32_t)(tvn_max(label, lines) | 1); /* odd: a middle column */
}

static bool lay_out(struct tvn_graph_layout *layout, const struct tvn_graph_view *view)
{
    struct tvn_arena *arena = layout->arena;
    layout->cells = TVN_ARENA_ARRAY(arena, struct tvn_graph_cell, view->node_count);
    if (!layout->cells) {
        return false;
    }
    layout->layer_count = choose_layers(layout, view);
    if (!count_cells(layout, view)) {
        return false;
    }
    struct tvn_graph_cell *cells =
        TVN_ARENA_ARRAY(arena, struct tvn_graph_cell, layout->cell_count);
    uint32_t segments = tvn_max(layout->segment_count, 1u);
    struct tvn_graph_segment *unsorted = TVN_ARENA_ARRAY(arena, struct tvn_graph_segment, segments);
    layout->segments = TVN_ARENA_ARRAY(arena, struct tvn_graph_segment, segments);
    layout->layers = TVN_ARENA_ARRAY(arena, struct tvn_graph_layer, layout->layer_count);
    layout->order = TVN_ARENA_ARRAY(arena, uint32_t, layout->cell_count);
    if (!cells || !unsorted || !layout->segments || !layout->layers || !layout->order) {
        return false;
    }
    memcpy(cells, layout->cells, view->node_count * sizeof(*cells));
    layout->cells = cells;
    make_segments(layout, view, unsorted);
    for (uint32_t i = 0; i < view->node_count; i++) {
        cells[i].is_node = true;
        cells[i].width = node_width(&view->nodes[i], &cells[i]);
    }
    fill_layers(layout);
    order_and_place(layout);
    route(layout);
    return true;
}

bool tvn_graph_layout_init(struct tvn_graph_layout *layout, const struct tvn_graph_view *view)
{
    *layout = (struct tvn_graph_layout){0};
    if (view->node_count == 0 || view->node_count > TVN_GRAPH_DRAWN_NODES_MAX ||
        view->edge_count > TVN_GRAPH_DRAWN_EDGES_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < view->edge_count; i++) {
        tvn_assert(view->edges[i].from < view->edges[i].to);
        tvn_assert(view->edges[i].to < view->node_count);
    }
    layout->arena = tvn_arena_create(0);
    return layout->arena && lay_out(layout, view);
}

void tvn_graph_layout_deinit(struct tvn_graph_layout *layout)
{
    tvn_arena_destroy(layout->arena);
    *layout = (struct tvn_graph_layout){0};
}
