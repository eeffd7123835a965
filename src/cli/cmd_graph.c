/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_internal.h"
#include "cli/graph_view.h"
#include "host/link_flows.h"

enum graph_format { GRAPH_TEXT, GRAPH_MERMAID, GRAPH_DOT, GRAPH_SVG };

struct graph_args {
    const char *flow_operand;
    const char *manifest;
    const char *flow;
    const char *components;
    unsigned graph_format;
};

static const char *const graph_formats[] = {"text", "mermaid", "dot", "svg", NULL};

static const struct tvn_opt graph_opts[] = {
    {.name = "manifest",
     .kind = TVN_OPT_PATH,
     .offset = offsetof(struct graph_args, manifest),
     .value_name = "PATH",
     .help = "The project's manifest [default: ./Torvyn.toml]"},
    {.name = "flow",
     .kind = TVN_OPT_TEXT,
     .offset = offsetof(struct graph_args, flow),
     .value_name = "NAME",
     .help = "Flow to draw [default: the first one of the manifest]"},
    {.name = "components",
     .kind = TVN_OPT_PATH,
     .offset = offsetof(struct graph_args, components),
     .value_name = "DIR",
     .help = "Look for compiled components here first, as NAME.wasm"},
    {.name = "graph-format",
     .kind = TVN_OPT_CHOICE,
     .offset = offsetof(struct graph_args, graph_format),
     .value_name = "FORMAT",
     .help = "Form of the drawing; dot is Graphviz' language",
     .choices = graph_formats},
    {0},
};

static const struct tvn_opt graph_operands[] = {
    {.name = "FLOW",
     .kind = TVN_OPT_TEXT,
     .offset = offsetof(struct graph_args, flow_operand),
     .help = "Flow to draw, as NAME or flow.NAME; the same as --flow"},
    {0},
};

static const struct tvn_example graph_examples[] = {
    {"torvyn graph", "Draw the first flow in the terminal"},
    {"torvyn graph flow.main --graph-format mermaid", "For a page in Markdown"},
    {"torvyn graph --graph-format svg > flow.svg", "A picture"},
    {"torvyn graph --graph-format dot | dot -Tpdf > flow.pdf", "Drawn by Graphviz"},
    {0},
};

static const struct tvn_exit_meaning graph_exits[] = {
    {TVN_EXIT_OK, "The flow was drawn"},
    {TVN_EXIT_ERROR, "The flow does not link, or is too large for a drawing"},
    {TVN_EXIT_PREREQUISITE, "The manifest or a component is missing; or wrong usage"},
    {0},
};

/* ---- from the link ---- */

static bool fill_view(const struct tvn_cli *cli, const struct tvn_link *link,
                      struct tvn_graph_view *out_view)
{
    struct tvn_graph_view_node *nodes =
        TVN_ARENA_ARRAY(cli->arena, struct tvn_graph_view_node, link->stage_count);
    struct tvn_graph_view_edge *edges =
        TVN_ARENA_ARRAY(cli->arena, struct tvn_graph_view_edge, link->edge_count);
    if (!nodes || !edges) {
        return false;
    }
    for (uint32_t i = 0; i < link->stage_count; i++) {
        const struct tvn_link_stage *stage = &link->stages[i];
        bool is_component = stage->kind == TVN_LINK_STAGE_COMPONENT;
        const char *found = is_component ? stage->component->path : stage->builtin;
        nodes[i] = (struct tvn_graph_view_node){
            .name = stage->name,
            .role = tvn_role_name(stage->role),
            .component = stage->node && !stage->replaced ? stage->node->component : found,
        };
    }
    for (uint32_t i = 0; i < link->edge_count; i++) {
        const struct tvn_link_edge *edge = &link->edges[i];
        edges[i] = (struct tvn_graph_view_edge){
            .from = edge->from,
            .to = edge->to,
            .from_port = edge->from_port,
            .to_port = edge->to_port,
            .queue_depth = edge->backpressure.queue_depth,
            .policy = tvn_config_policy_name(edge->backpressure.policy),
        };
    }
    *out_view = (struct tvn_graph_view){
        .flow = link->flow_name,
        .nodes = nodes,
        .node_count = link->stage_count,
        .edges = edges,
        .edge_count = link->edge_count,
    };
    return true;
}

/* ---- what comes out ---- */

static void json_graph(const struct tvn_graph_view *view, struct tvn_json_writer *json)
{
    tvn_json_field_text(json, "flow", view->flow);
    tvn_json_key(json, "nodes");
    tvn_json_begin_array(json);
    for (uint32_t i = 0; i < view->node_count; i++) {
        tvn_json_begin_object(json);
        tvn_json_field_text(json, "name", view->nodes[i].name);
        tvn_json_field_text(json, "role", view->nodes[i].role);
        tvn_json_field_text(json, "component", view->nodes[i].component);
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
    tvn_json_key(json, "edges");
    tvn_json_begin_array(json);
    for (uint32_t i = 0; i < view->edge_count; i++) {
        const struct tvn_graph_view_edge *edge = &view->edges[i];
        tvn_json_begin_object(json);
        tvn_json_field_text(json, "from", view->nodes[edge->from].name);
        tvn_json_field_text(json, "from_port", edge->from_port);
        tvn_json_field_text(json, "to", view->nodes[edge->to].name);
        tvn_json_field_text(json, "to_port", edge->to_port);
        tvn_json_field_u64(json, "queue_depth", edge->queue_depth);
        tvn_json_field_text(json, "policy", edge->policy);
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
}

static enum tvn_status draw(struct tvn_cli *cli, const struct tvn_graph_view *view,
                            enum graph_format format, struct tvn_strbuf *out)
{
    switch (format) {
    case GRAPH_TEXT:
        tvn_graph_text(view, out);
        break;
    case GRAPH_MERMAID:
        tvn_graph_mermaid(view, out);
        break;
    case GRAPH_DOT:
        tvn_graph_dot(view, out);
        break;
    case GRAPH_SVG:
        if (!tvn_graph_svg(view, out)) {
            return tvn_diag_error(cli->sink, TVN_E_CONSTRAINT_VIOLATION, TVN_SPAN_NONE,
                                  "the flow is too large to be drawn: at most %u nodes and %u "
                                  "edges; --graph-format dot has no limit",
                                  TVN_GRAPH_DRAWN_NODES_MAX, TVN_GRAPH_DRAWN_EDGES_MAX);
        }
        break;
    }
    return TVN_OK;
}

/* `view` NULL: the flow was refused. With --format json the drawing is a field of the object. */
static enum tvn_exit print_json(struct tvn_cli *cli, const struct tvn_graph_view *view,
                                const struct tvn_strbuf *drawing, enum tvn_exit code)
{
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    struct tvn_json_writer json;
    tvn_cli_json_begin(cli, code, &out, &json);
    if (view) {
        json_graph(view, &json);
        tvn_json_field_text(&json, "drawing", tvn_strbuf_text(drawing));
    }
    return tvn_cli_json_end(cli, code, &out, &json);
}

static enum tvn_exit graph_run(struct tvn_cli *cli, const void *raw)
{
    const struct graph_args *args = raw;
    if (args->flow && args->flow_operand) {
        return tvn_cli_usage_error(cli, "the flow is named twice",
                                   "name it with --flow or as argument");
    }
    const struct tvn_flow_links_options options = {
        .manifest_path = args->manifest,
        .flow = args->flow ? args->flow : args->flow_operand,
        .components = args->components,
        .first_only = true,
    };
    TVN_AUTO_VALUE(tvn_flow_links) links = {0};
    TVN_AUTO_VALUE(tvn_strbuf) drawing = {0};
    struct tvn_graph_view view;
    enum tvn_exit code = TVN_EXIT_OK;
    enum tvn_status status = tvn_host_link_flows(&options, cli->sink, &links);
    bool linked = status == TVN_OK;
    if (linked && !fill_view(cli, links.items[0].link, &view)) {
        linked = false;
        status = tvn_diag_error(cli->sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                                "no memory to draw the flow");
    }
    if (linked) {
        status = draw(cli, &view, (enum graph_format)args->graph_format, &drawing);
    }
    if (status != TVN_OK) {
        code = links.missing ? TVN_EXIT_PREREQUISITE : TVN_EXIT_ERROR;
    }
    tvn_cli_show_diagnostics(cli);
    if (tvn_cli_json(cli)) {
        return print_json(cli, linked ? &view : NULL, &drawing, code);
    }
    return code == TVN_EXIT_OK ? tvn_cli_print(cli, &drawing, code) : code;
}

const struct tvn_command tvn_cmd_graph = {
    .name = "graph",
    .summary = "Draw a pipeline",
    .description =
        "Links a flow, as torvyn link does, and draws it: nodes with their roles and components, "
        "edges with their ports, queue depth and what happens when the queue is full. Nothing is "
        "compiled or run.\n\n"
        "Text is at most 160 columns wide; a flow that needs more is listed. With --format json "
        "the object has the nodes, the edges and the drawing.",
    .opts = graph_opts,
    .operands = graph_operands,
    .examples = graph_examples,
    .exits = graph_exits,
    .args_size = sizeof(struct graph_args),
    .run = graph_run,
};
