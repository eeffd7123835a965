/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"
#include "cli/graph_layout.h"

#include "tvn_test.h"

#include <stdlib.h>

#define NODES 40
#define EDGES 80

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return *state >> 33;
}

struct sample {
    struct tvn_graph_view_node nodes[NODES];
    struct tvn_graph_view_edge edges[EDGES];
    struct tvn_graph_view view;
};

static void make_sample(struct sample *sample, uint64_t seed)
{
    uint64_t state = seed;
    *sample = (struct sample){0};
    uint32_t nodes = 2 + (uint32_t)(next_random(&state) % (NODES - 1));
    uint32_t edges = (uint32_t)(next_random(&state) % (EDGES + 1));
    for (uint32_t i = 0; i < nodes; i++) {
        sample->nodes[i] = (struct tvn_graph_view_node){
            .name = i % 3 == 0 ? "a" : "a-longer-name", .role = "processor", .component = "x"};
    }
    for (uint32_t i = 0; i < edges; i++) {
        uint32_t to = 1 + (uint32_t)(next_random(&state) % (nodes - 1));
        sample->edges[i] = (struct tvn_graph_view_edge){
            .from = (uint32_t)(next_random(&state) % to),
            .to = to,
            .from_port = "output",
            .to_port = "input",
            .policy = "block",
        };
    }
    sample->view = (struct tvn_graph_view){.flow = "main",
                                           .nodes = sample->nodes,
                                           .node_count = nodes,
                                           .edges = sample->edges,
                                           .edge_count = edges};
}

static void check_cells(const struct tvn_graph_layout *layout)
{
    for (uint32_t l = 0; l < layout->layer_count; l++) {
        const struct tvn_graph_layer *layer = &layout->layers[l];
        int32_t end = -1;
        for (uint32_t i = 0; i < layer->count; i++) {
            const struct tvn_graph_cell *cell = &layout->cells[layout->order[layer->first + i]];
            assert_int_equal(cell->layer, l);
            assert_true(cell->x > end);
            end = cell->x + cell->width;
        }
        assert_true(end <= layout->width);
    }
}

/* Rows between two layers in which a segment stands in a column: [first, last]. */
struct stretch {
    int32_t column;
    int64_t first;
    int64_t last;
};

static unsigned stretches(const struct tvn_graph_segment *segment, struct stretch out[2])
{
    if (segment->track == TVN_GRAPH_NO_TRACK) {
        out[0] = (struct stretch){segment->from_x, 0, INT64_MAX};
        return 1;
    }
    out[0] = (struct stretch){segment->from_x, 0, segment->track};
    out[1] = (struct stretch){segment->to_x, segment->track, INT64_MAX};
    return 2;
}

static void check_pair(const struct tvn_graph_segment *a, const struct tvn_graph_segment *b)
{
    struct stretch of_a[2];
    struct stretch of_b[2];
    unsigned count_a = stretches(a, of_a);
    unsigned count_b = stretches(b, of_b);
    for (unsigned i = 0; i < count_a; i++) {
        for (unsigned k = 0; k < count_b; k++) {
            assert_true(of_a[i].column != of_b[k].column || of_a[i].last < of_b[k].first ||
                        of_b[k].last < of_a[i].first);
        }
    }
    if (a->track != TVN_GRAPH_NO_TRACK && a->track == b->track) {
        assert_true(tvn_max(a->from_x, a->to_x) < tvn_min(b->from_x, b->to_x) ||
                    tvn_max(b->from_x, b->to_x) < tvn_min(a->from_x, a->to_x));
    }
}

/* Lines cross, but no two lie on each other. */
static void check_segments(const struct tvn_graph_layout *layout)
{
    for (uint32_t l = 0; l < layout->layer_count; l++) {
        const struct tvn_graph_layer *gap = &layout->layers[l];
        for (uint32_t i = 0; i < gap->segment_count; i++) {
            const struct tvn_graph_segment *a = &layout->segments[gap->first_segment + i];
            assert_int_equal(layout->cells[a->from].layer, l);
            assert_int_equal(layout->cells[a->to].layer, l + 1);
            assert_true(a->track == TVN_GRAPH_NO_TRACK || a->track < gap->track_count);
            for (uint32_t k = i + 1; k < gap->segment_count; k++) {
                check_pair(a, &layout->segments[gap->first_segment + k]);
            }
        }
    }
}

static void test_layout_any_graph_has_cells_and_lines_apart(void **state)
{
    (void)state;
    struct sample sample;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        make_sample(&sample, seed);
        TVN_AUTO_VALUE(tvn_graph_layout) layout = {0};
        assert_true(tvn_graph_layout_init(&layout, &sample.view));
        check_cells(&layout);
        check_segments(&layout);
        TVN_AUTO_VALUE(tvn_strbuf) text = {0};
        tvn_graph_text(&sample.view, &text);
        assert_false(text.failed);
    }
}

static void test_layout_chain_is_straight(void **state)
{
    (void)state;
    struct sample sample;
    make_sample(&sample, 1);
    sample.view.node_count = 3;
    sample.view.edge_count = 2;
    sample.edges[0].from = 0;
    sample.edges[0].to = 1;
    sample.edges[1].from = 1;
    sample.edges[1].to = 2;
    TVN_AUTO_VALUE(tvn_graph_layout) layout = {0};
    assert_true(tvn_graph_layout_init(&layout, &sample.view));
    assert_int_equal(layout.layer_count, 3);
    for (uint32_t i = 0; i < layout.segment_count; i++) {
        assert_int_equal(layout.segments[i].track, TVN_GRAPH_NO_TRACK);
    }
}

static void test_layout_beyond_the_limits_is_refused(void **state)
{
    (void)state;
    struct tvn_graph_view view = {.flow = "main", .node_count = TVN_GRAPH_DRAWN_NODES_MAX + 1};
    TVN_AUTO_VALUE(tvn_graph_layout) layout = {0};
    assert_false(tvn_graph_layout_init(&layout, &view));
    view.node_count = 1;
    view.edge_count = TVN_GRAPH_DRAWN_EDGES_MAX + 1;
    assert_false(tvn_graph_layout_init(&layout, &view));
}

static void check_xml(const char *text, const char *expected)
{
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    tvn_graph_add_xml(&out, text, UINT32_MAX);
    assert_str(tvn_strbuf_view(&out), expected);
}

static void test_xml_holds_any_text(void **state)
{
    (void)state;
    check_xml("</text><script>&'\"", "&#60;/text&#62;&#60;script&#62;&#38;&#39;&#34;");
    check_xml("a\nb\x1b[2J\xff", "a\\nb\\x1b[2J\\xff");
    check_xml("\xef\xbf\xbf", "\xef\xbf\xbd");
}

static void test_cut_counts_characters(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    assert_int_equal(tvn_graph_add_cut(&out, "äöüß", 4), 4);
    assert_int_equal(tvn_graph_add_cut(&out, "äöüß", 3), 3);
    assert_str(tvn_strbuf_view(&out), "äöüßäö…");
    tvn_strbuf_reset(&out);
    assert_int_equal(tvn_graph_add_tail(&out, "äöüß", 4), 4);
    assert_int_equal(tvn_graph_add_tail(&out, "äöüß", 3), 3);
    assert_int_equal(tvn_graph_add_tail(&out, "", 3), 0);
    assert_str(tvn_strbuf_view(&out), "äöüß…üß");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_layout_any_graph_has_cells_and_lines_apart),
    cmocka_unit_test(test_layout_chain_is_straight),
    cmocka_unit_test(test_layout_beyond_the_limits_is_refused),
    cmocka_unit_test(test_xml_holds_any_text),
    cmocka_unit_test(test_cut_counts_characters),
};

TVN_TEST_MAIN("cli.graph_layout", tests)
