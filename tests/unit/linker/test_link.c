/* SPDX-License-Identifier: Apache-2.0 */
#include "linker/link.h"

#include "tvn_test.h"

#define PROCESSOR        "interface = \"torvyn:streaming/processor\"\ncomponent = \"./absent.wasm\"\n"
#define SOURCE           "component = \"builtin:stdin\"\n"
#define SINK             "component = \"builtin:stdout\"\n"
#define NODE(name, body) "[flow.main.nodes." name "]\n" body
#define EDGE(from_node, to_node)                               \
    "[[flow.main.edges]]\n"                                    \
    "from = { node = \"" from_node "\", port = \"output\" }\n" \
    "to = { node = \"" to_node "\", port = \"input\" }\n"

struct fixture {
    struct tvn_diag_sink *sink;
    struct tvn_manifest *manifest;
    struct tvn_link *link;
};

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.sink = tvn_diag_sink_create()};
    *state = &fixture;
    return fixture.sink ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    tvn_link_destroy(fixture->link);
    tvn_manifest_destroy(fixture->manifest);
    tvn_diag_sink_destroy(fixture->sink);
    return 0;
}

static enum tvn_status link_with(struct fixture *fixture, const char *text,
                                 const struct tvn_link_options *options)
{
    const struct tvn_config_options config = {.environment = (const char *const[]){NULL},
                                              .user_config = ""};
    assert_status(tvn_manifest_parse("Torvyn.toml", tvn_str_of(text), &config, fixture->sink,
                                     &fixture->manifest),
                  TVN_OK);
    enum tvn_status status =
        tvn_link_create(fixture->manifest, options, fixture->sink, &fixture->link);
    assert_int_equal(status > TVN_OK, tvn_diag_error_count(fixture->sink) > 0);
    return status;
}

static enum tvn_status link_text(struct fixture *fixture, const char *text)
{
    return link_with(fixture, text, &(struct tvn_link_options){0});
}

static const char *message(const struct fixture *fixture, size_t index)
{
    return tvn_diag_at(fixture->sink, index)->message;
}

static uint32_t line_of(const struct fixture *fixture, size_t index)
{
    struct tvn_diag_place place;
    assert_true(
        tvn_diag_locate(fixture->sink, tvn_diag_at(fixture->sink, index)->primary.span, &place));
    return place.line;
}

static void test_link_of_two_builtins_orders_and_connects_them(void **state)
{
    struct fixture *fixture = *state;

    assert_status(link_text(fixture, NODE("out", SINK) NODE("in", SOURCE) EDGE("in", "out")),
                  TVN_OK);

    assert_int_equal(fixture->link->stage_count, 2);
    assert_string_equal(fixture->link->stages[0].name, "in");
    assert_string_equal(fixture->link->stages[0].builtin, "builtin:stdin");
    assert_int_equal(fixture->link->stages[1].role, TVN_ROLE_SINK);
    assert_int_equal(fixture->link->edge_count, 1);
    assert_int_equal(fixture->link->edges[0].from, 0);
    assert_int_equal(fixture->link->edges[0].to, 1);
}

static void test_link_of_unknown_node_in_edge_suggests_the_near_one(void **state)
{
    struct fixture *fixture = *state;

    assert_status(link_text(fixture, NODE("input", SOURCE) NODE("out", SINK) EDGE("inptu", "out")),
                  TVN_E_TOPOLOGY_INVALID);

    assert_int_equal(tvn_diag_count(fixture->sink), 1);
    assert_string_equal(message(fixture, 0), "edge names an unknown node 'inptu'");
    assert_string_equal(tvn_diag_at(fixture->sink, 0)->primary.text, "did you mean 'input'?");
    assert_int_equal(line_of(fixture, 0), 6);
}

static void test_link_of_a_cycle_names_its_nodes(void **state)
{
    struct fixture *fixture = *state;

    assert_status(link_text(fixture,
                            NODE("in", SOURCE) NODE("a", PROCESSOR) NODE("b", PROCESSOR)
                                NODE("out", SINK) EDGE("in", "out") EDGE("a", "b") EDGE("b", "a")),
                  TVN_E_TOPOLOGY_INVALID);

    assert_int_equal(tvn_diag_count(fixture->sink), 1);
    assert_non_null(strstr(message(fixture, 0), "the flow has a cycle: "));
    assert_non_null(strstr(message(fixture, 0), "a ← b"));
}

static void test_link_of_a_node_connected_to_itself_is_a_cycle(void **state)
{
    struct fixture *fixture = *state;

    assert_status(link_text(fixture, NODE("in", SOURCE) NODE("a", PROCESSOR) EDGE("a", "a")),
                  TVN_E_TOPOLOGY_INVALID);

    assert_string_equal(message(fixture, 0), "the flow has a cycle: a ← a");
}

static void test_link_of_an_edge_into_a_source_is_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_status(link_text(fixture, NODE("in", SOURCE) NODE("out", SINK) EDGE("out", "in")),
                  TVN_E_TOPOLOGY_INVALID);

    assert_int_equal(tvn_diag_count(fixture->sink), 2);
    assert_string_equal(message(fixture, 0), "sink 'out' cannot have an output");
    assert_string_equal(message(fixture, 1), "source 'in' cannot have an input");
}

static void test_link_of_several_open_nodes_blames_no_end_that_was_added(void **state)
{
    struct fixture *fixture = *state;

    assert_status(link_text(fixture, NODE("in", SOURCE) NODE("a", PROCESSOR) NODE("b", PROCESSOR)
                                         EDGE("in", "a") EDGE("in", "b")),
                  TVN_E_TOPOLOGY_INVALID);

    assert_string_equal(message(fixture, 0), "processor 'a' has no output");
    assert_string_equal(message(fixture, 1), "processor 'b' has no output");
    assert_int_equal(tvn_diag_count(fixture->sink), 2);
}

static void test_link_of_an_unconnected_node_is_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_status(link_text(fixture, NODE("in", SOURCE) NODE("a", PROCESSOR) NODE("out", SINK)
                                         EDGE("in", "out")),
                  TVN_E_TOPOLOGY_INVALID);

    assert_string_equal(message(fixture, 0), "processor 'a' has no input");
}

static void test_link_of_doubled_edge_is_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_status(link_text(fixture, NODE("in", SOURCE) NODE("out", SINK) EDGE("in", "out")
                                         EDGE("in", "out")),
                  TVN_E_TOPOLOGY_INVALID);

    assert_string_equal(message(fixture, 0), "'in' and 'out' are connected twice");
}

static void test_link_of_fan_out_and_fan_in_is_accepted(void **state)
{
    struct fixture *fixture = *state;

    assert_status(link_text(fixture,
                            NODE("in", SOURCE) NODE("more", SOURCE) NODE("x", SINK) NODE("y", SINK)
                                EDGE("in", "x") EDGE("in", "y") EDGE("more", "y")),
                  TVN_OK);

    assert_int_equal(fixture->link->edge_count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(fixture->link->edges[i].from < fixture->link->edges[i].to);
        assert_int_equal(fixture->link->edges[i].port, 0);
    }
}

static void test_link_of_a_diamond_lacks_only_its_components(void **state)
{
    struct fixture *fixture = *state;

    assert_status(link_text(fixture, NODE("out", SINK) NODE("a", PROCESSOR) NODE("b", PROCESSOR)
                                         NODE("in", SOURCE) EDGE("a", "out") EDGE("b", "out")
                                             EDGE("in", "a") EDGE("in", "b")),
                  TVN_E_COMPONENT_NOT_FOUND);

    assert_int_equal(tvn_diag_count(fixture->sink), 2);
    assert_string_equal(message(fixture, 0), "component file 'absent.wasm' does not exist");
    assert_string_equal(message(fixture, 1), "component file 'absent.wasm' does not exist");
}

static void test_link_of_parts_that_are_not_connected_is_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_status(link_text(fixture, NODE("in", SOURCE) NODE("out", SINK) NODE("in2", SOURCE)
                                         NODE("out2", SINK) EDGE("in", "out") EDGE("in2", "out2")),
                  TVN_E_TOPOLOGY_INVALID);

    assert_int_equal(tvn_diag_count(fixture->sink), 1);
    assert_string_equal(message(fixture, 0),
                        "flow 'main' has parts that are not connected with each other");
    assert_int_equal(line_of(fixture, 0), 5);
}

/* ---- routers ---- */

#define ROUTER                                  \
    "interface = \"torvyn:filtering/router\"\n" \
    "component = \"file://" TVN_GUEST_DIR "/router-script.wasm\"\n"
#define PORT_EDGE(port, to_node)                     \
    "[[flow.main.edges]]\n"                          \
    "from = { node = \"r\", port = \"" port "\" }\n" \
    "to = { node = \"" to_node "\", port = \"input\" }\n"

static void test_link_numbers_the_ports_of_a_router(void **state)
{
    struct fixture *fixture = *state;

    assert_status(link_text(fixture,
                            NODE("x", SINK) NODE("y", SINK) NODE("z", SINK) NODE("r", ROUTER)
                                NODE("in", SOURCE) PORT_EDGE("metrics", "x") EDGE("in", "r")
                                    PORT_EDGE("logs", "y") PORT_EDGE("metrics", "z")),
                  TVN_OK);

    const struct tvn_link *link = fixture->link;
    const struct tvn_link_stage *router = &link->stages[link->edges[0].from];
    assert_string_equal(router->name, "r");
    assert_int_equal(router->port_count, 2);
    assert_str(router->ports[0], "metrics");
    assert_str(router->ports[1], "logs");
    assert_int_equal(link->edges[0].port, 0);
    assert_int_equal(link->edges[1].port, 0); /* into the router */
    assert_int_equal(link->edges[2].port, 1);
    assert_int_equal(link->edges[3].port, 0); /* shared */
}

static void test_link_of_two_ports_to_one_node_is_accepted(void **state)
{
    struct fixture *fixture = *state;

    assert_status(link_text(fixture, NODE("x", SINK) NODE("r", ROUTER) NODE("in", SOURCE)
                                         EDGE("in", "r") PORT_EDGE("a", "x") PORT_EDGE("b", "x")),
                  TVN_OK);
    assert_int_equal(fixture->link->edges[2].port, 1);
}

static void test_link_of_one_port_twice_to_one_node_is_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_status(link_text(fixture, NODE("x", SINK) NODE("r", ROUTER) NODE("in", SOURCE)
                                         EDGE("in", "r") PORT_EDGE("a", "x") PORT_EDGE("a", "x")),
                  TVN_E_TOPOLOGY_INVALID);
    assert_string_equal(message(fixture, 0), "'r' and 'x' are connected twice");
}

static enum tvn_status link_router_of(struct fixture *fixture, int ports)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_strbuf_add_text(&text,
                        NODE("x", SINK) NODE("r", ROUTER) NODE("in", SOURCE) EDGE("in", "r"));
    for (int i = 0; i < ports; i++) {
        tvn_strbuf_printf(&text,
                          "[[flow.main.edges]]\nfrom = { node = \"r\", port = \"p%d\" }\n"
                          "to = { node = \"x\", port = \"input\" }\n",
                          i);
    }
    return link_text(fixture, tvn_strbuf_text(&text));
}

static void test_link_of_a_router_takes_64_ports(void **state)
{
    struct fixture *fixture = *state;
    assert_status(link_router_of(fixture, TVN_LINK_PORTS_MAX), TVN_OK);
    assert_int_equal(fixture->link->edges[TVN_LINK_PORTS_MAX].port, TVN_LINK_PORTS_MAX - 1);
}

static void test_link_of_a_router_refuses_the_65th_port(void **state)
{
    struct fixture *fixture = *state;
    assert_status(link_router_of(fixture, TVN_LINK_PORTS_MAX + 1), TVN_E_TOPOLOGY_INVALID);
    assert_string_equal(message(fixture, 0), "router 'r' has more than 64 ports");
}

/* ---- independent branches ---- */

#define INDEPENDENT "[flow.main]\nfan_out = \"independent\"\n"
#define BRANCHES    NODE("in", SOURCE) NODE("x", SINK) NODE("y", SINK)
#define DROPS       "policy = \"drop-newest\"\n"

static void test_link_of_an_independent_branch_that_blocks_is_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_status(link_text(fixture, INDEPENDENT BRANCHES EDGE("in", "x") DROPS EDGE("in", "y")),
                  TVN_E_CONSTRAINT_VIOLATION);

    assert_string_equal(message(fixture, 0),
                        "the branch from 'in' to 'y' is independent and has the policy \"block\"");
    assert_int_equal(line_of(fixture, 0), 2); /* where it is said that it is independent */
}

static void test_link_of_an_independent_branch_with_a_bad_policy_shows_it(void **state)
{
    struct fixture *fixture = *state;

    assert_status(link_text(fixture, INDEPENDENT BRANCHES EDGE(
                                         "in", "x") "policy = \"error\"\n" EDGE("in", "y") DROPS),
                  TVN_E_CONSTRAINT_VIOLATION);

    assert_non_null(strstr(message(fixture, 0), "has the policy \"error\""));
    assert_int_equal(line_of(fixture, 0), 12);
}

static void test_link_of_independent_branches_that_drop_is_accepted(void **state)
{
    struct fixture *fixture = *state;
    assert_status(
        link_text(fixture, INDEPENDENT BRANCHES EDGE("in", "x") DROPS EDGE("in", "y") DROPS),
        TVN_OK);
}

static void test_link_of_an_independent_flow_without_branches_may_block(void **state)
{
    struct fixture *fixture = *state;
    assert_status(
        link_text(fixture, INDEPENDENT NODE("in", SOURCE) NODE("x", SINK) EDGE("in", "x")), TVN_OK);
}

static void test_link_without_ends_adds_generator_and_stdout(void **state)
{
    struct fixture *fixture = *state;

    assert_status(link_text(fixture, NODE("work", PROCESSOR)), TVN_E_COMPONENT_NOT_FOUND);

    /* The graph was complete: only the component's file was missing. */
    assert_int_equal(tvn_diag_count(fixture->sink), 1);
    assert_string_equal(message(fixture, 0), "component file 'absent.wasm' does not exist");
}

static void test_link_with_input_and_output_replaces_the_ends(void **state)
{
    struct fixture *fixture = *state;
    const struct tvn_link_options options = {
        .inputs = (const char *const[]){"generator:3"},
        .input_count = 1,
        .outputs = (const char *const[]){"out=/dev/null"},
        .output_count = 1,
    };

    assert_status(
        link_with(fixture, NODE("in", SOURCE) NODE("out", SINK) EDGE("in", "out"), &options),
        TVN_OK);

    assert_string_equal(fixture->link->stages[0].builtin, "generator:3");
    assert_string_equal(fixture->link->stages[1].builtin, "/dev/null");
}

static void test_link_with_output_names_the_end_that_is_added(void **state)
{
    struct fixture *fixture = *state;
    const struct tvn_link_options options = {.outputs = (const char *const[]){"sink=/dev/null"},
                                             .output_count = 1};

    assert_status(link_with(fixture, NODE("in", SOURCE), &options), TVN_OK);

    assert_string_equal(fixture->link->stages[1].name, "sink");
    assert_string_equal(fixture->link->stages[1].builtin, "/dev/null");
}

/* The only error is that the file is missing: the graph is complete. */
static void test_link_of_a_lone_processor_takes_input_output_or_both(void **state)
{
    static const char *const ends[] = {"-"};
    static const struct tvn_link_options cases[] = {
        {0},
        {.inputs = ends, .input_count = 1},
        {.outputs = ends, .output_count = 1},
        {.inputs = ends, .input_count = 1, .outputs = ends, .output_count = 1},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        struct fixture *fixture = *state;
        assert_status(link_with(fixture, NODE("p", PROCESSOR), &cases[i]),
                      TVN_E_COMPONENT_NOT_FOUND);
        assert_int_equal(tvn_diag_count(fixture->sink), 1);
        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
    }
}

static void test_link_with_input_does_not_need_the_replaced_component(void **state)
{
    struct fixture *fixture = *state;
    const struct tvn_link_options options = {.inputs = (const char *const[]){"-"},
                                             .input_count = 1};

    assert_status(link_with(fixture,
                            NODE("in", "interface = \"torvyn:streaming/source\"\n"
                                       "component = \"./absent.wasm\"\n") NODE("out", SINK)
                                EDGE("in", "out"),
                            &options),
                  TVN_OK);

    assert_string_equal(fixture->link->stages[0].builtin, "-");
}

static void test_link_of_unknown_flow_suggests(void **state)
{
    struct fixture *fixture = *state;
    const struct tvn_link_options options = {.flow = "flow.mian"};

    assert_status(
        link_with(fixture, NODE("in", SOURCE) NODE("out", SINK) EDGE("in", "out"), &options),
        TVN_E_TOPOLOGY_INVALID);

    assert_string_equal(message(fixture, 0), "'Torvyn.toml' has no flow 'mian'");
    assert_string_equal(tvn_diag_at(fixture->sink, 0)->help, "did you mean 'main'?");
}

static void test_link_of_a_builtin_processor_is_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_status(link_text(fixture, "[flow.main.nodes.work]\ncomponent = \"builtin:nope\"\n"
                                     "interface = \"torvyn:streaming/processor\"\n"),
                  TVN_E_TOPOLOGY_INVALID);

    assert_string_equal(
        message(fixture, 0),
        "'builtin:nope' cannot be a processor: what is built in is a source or a sink");
}

static void test_link_of_unknown_component_suggests(void **state)
{
    struct fixture *fixture = *state;

    assert_status(link_text(fixture, "[[component]]\nname = \"upper\"\npath = \".\"\n"
                                     "[flow.main.nodes.work]\n"
                                     "interface = \"torvyn:streaming/processor\"\n"
                                     "component = \"uper\"\n"),
                  TVN_E_COMPONENT_NOT_FOUND);

    assert_string_equal(message(fixture, 0), "no [[component]] is called 'uper'");
    assert_string_equal(tvn_diag_at(fixture->sink, 0)->primary.text, "did you mean 'upper'?");
}

static void test_link_of_unknown_interface_suggests(void **state)
{
    struct fixture *fixture = *state;

    assert_status(link_text(fixture, "[flow.main.nodes.work]\n"
                                     "interface = \"torvyn:streaming/procesor\"\n"
                                     "component = \"./x.wasm\"\n"),
                  TVN_E_CONSTRAINT_VIOLATION);

    assert_string_equal(tvn_diag_at(fixture->sink, 0)->primary.text,
                        "did you mean 'torvyn:streaming/processor'?");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static const struct CMUnitTest tests[] = {
    TEST(test_link_of_two_builtins_orders_and_connects_them),
    TEST(test_link_of_unknown_node_in_edge_suggests_the_near_one),
    TEST(test_link_of_a_cycle_names_its_nodes),
    TEST(test_link_of_a_node_connected_to_itself_is_a_cycle),
    TEST(test_link_of_an_edge_into_a_source_is_refused),
    TEST(test_link_of_several_open_nodes_blames_no_end_that_was_added),
    TEST(test_link_of_an_unconnected_node_is_refused),
    TEST(test_link_of_doubled_edge_is_refused),
    TEST(test_link_of_fan_out_and_fan_in_is_accepted),
    TEST(test_link_of_a_diamond_lacks_only_its_components),
    TEST(test_link_of_parts_that_are_not_connected_is_refused),
    TEST(test_link_numbers_the_ports_of_a_router),
    TEST(test_link_of_two_ports_to_one_node_is_accepted),
    TEST(test_link_of_one_port_twice_to_one_node_is_refused),
    TEST(test_link_of_a_router_takes_64_ports),
    TEST(test_link_of_a_router_refuses_the_65th_port),
    TEST(test_link_of_an_independent_branch_that_blocks_is_refused),
    TEST(test_link_of_an_independent_branch_with_a_bad_policy_shows_it),
    TEST(test_link_of_independent_branches_that_drop_is_accepted),
    TEST(test_link_of_an_independent_flow_without_branches_may_block),
    TEST(test_link_without_ends_adds_generator_and_stdout),
    TEST(test_link_with_input_and_output_replaces_the_ends),
    TEST(test_link_with_output_names_the_end_that_is_added),
    TEST(test_link_of_a_lone_processor_takes_input_output_or_both),
    TEST(test_link_with_input_does_not_need_the_replaced_component),
    TEST(test_link_of_unknown_flow_suggests),
    TEST(test_link_of_a_builtin_processor_is_refused),
    TEST(test_link_of_unknown_component_suggests),
    TEST(test_link_of_unknown_interface_suggests),
};

TVN_TEST_MAIN("linker.link", tests)
