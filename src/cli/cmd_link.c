/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_internal.h"
#include "host/link_flows.h"

struct link_args {
    const char *manifest;
    const char *flow;
    const char *components;
};

static const struct tvn_opt link_opts[] = {
    {.name = "manifest",
     .kind = TVN_OPT_PATH,
     .offset = offsetof(struct link_args, manifest),
     .value_name = "PATH",
     .help = "The project's manifest [default: ./Torvyn.toml]"},
    {.name = "flow",
     .kind = TVN_OPT_TEXT,
     .offset = offsetof(struct link_args, flow),
     .value_name = "NAME",
     .help = "Flow to link [default: all flows]"},
    {.name = "components",
     .kind = TVN_OPT_PATH,
     .offset = offsetof(struct link_args, components),
     .value_name = "DIR",
     .help = "Look for compiled components here first, as NAME.wasm"},
    {0},
};

static const struct tvn_example link_examples[] = {
    {"torvyn link", "Link all flows of the project in this folder"},
    {"torvyn link --flow main --verbose", "One flow, with the interfaces of every edge"},
    {"torvyn link --components dist", "With the components that were put into dist"},
    {0},
};

static const struct tvn_exit_meaning link_exits[] = {
    {TVN_EXIT_OK, "The flows link"},
    {TVN_EXIT_ERROR, "Something does not fit"},
    {TVN_EXIT_PREREQUISITE, "The manifest or a component is missing; or wrong usage"},
    {0},
};

/* ---- text ---- */

/* True if every stage hands on to the next. */
static bool is_chain(const struct tvn_link *link)
{
    bool chain = link->edge_count + 1 == link->stage_count;
    for (uint32_t i = 0; chain && i < link->edge_count; i++) {
        chain = link->edges[i].to == link->edges[i].from + 1;
    }
    return chain;
}

static void add_name(struct tvn_strbuf *out, const char *name)
{
    tvn_strbuf_add_escaped(out, tvn_str_of(name));
}

/* "source → transform → sink", or edge by edge. */
static void render_graph(const struct tvn_link *link, struct tvn_strbuf *out)
{
    if (is_chain(link)) {
        for (uint32_t i = 0; i < link->stage_count; i++) {
            tvn_strbuf_add_text(out, i > 0 ? " → " : "");
            add_name(out, link->stages[i].name);
        }
        return;
    }
    for (uint32_t i = 0; i < link->edge_count; i++) {
        tvn_strbuf_add_text(out, i > 0 ? ", " : "");
        add_name(out, link->stages[link->edges[i].from].name);
        tvn_strbuf_add_text(out, " → ");
        add_name(out, link->stages[link->edges[i].to].name);
    }
}

static const char *where(const struct tvn_link_stage *stage)
{
    return stage->kind == TVN_LINK_STAGE_COMPONENT ? stage->component->path : stage->builtin;
}

static void render_details(const struct tvn_flow_link *item, struct tvn_strbuf *out)
{
    const struct tvn_link *link = item->link;
    for (uint32_t i = 0; i < link->stage_count; i++) {
        tvn_strbuf_add_text(out, "      ");
        add_name(out, link->stages[i].name);
        tvn_strbuf_add_text(out, ": ");
        add_name(out, item->stages[i].interface);
        tvn_strbuf_add_text(out, " by ");
        add_name(out, where(&link->stages[i]));
        if (link->stages[i].kind == TVN_LINK_STAGE_COMPONENT) {
            tvn_strbuf_add_text(out,
                                item->stages[i].grants[0] ? ", granted " : ", granted nothing");
            add_name(out, item->stages[i].grants);
        }
        tvn_strbuf_add_char(out, '\n');
    }
    for (uint32_t i = 0; i < link->edge_count; i++) {
        const struct tvn_link_edge *edge = &link->edges[i];
        tvn_strbuf_add_text(out, "      ");
        add_name(out, link->stages[edge->from].name);
        tvn_strbuf_add_char(out, '.');
        add_name(out, edge->from_port);
        tvn_strbuf_add_text(out, " → ");
        add_name(out, link->stages[edge->to].name);
        tvn_strbuf_add_char(out, '.');
        add_name(out, edge->to_port);
        tvn_strbuf_add_text(out, ": compatible\n");
    }
}

static void render_flow(const struct tvn_cli *cli, const struct tvn_flow_link *item,
                        struct tvn_strbuf *out)
{
    tvn_strbuf_printf(out, "  %s Flow \"", item->link ? "✓" : "✗");
    add_name(out, item->flow);
    tvn_strbuf_add_char(out, '"');
    if (item->link) {
        tvn_strbuf_add_text(out, ": ");
        render_graph(item->link, out);
    }
    tvn_strbuf_add_char(out, '\n');
    if (item->link && cli->arguments->globals.verbose) {
        render_details(item, out);
    }
}

static void render_text(const struct tvn_cli *cli, const struct tvn_flow_links *links,
                        enum tvn_exit code, struct tvn_strbuf *out)
{
    for (size_t i = 0; i < links->count; i++) {
        render_flow(cli, &links->items[i], out);
    }
    if (code == TVN_EXIT_OK) {
        tvn_strbuf_add_text(out, "  ✓ All interfaces compatible\n"
                                 "  ✓ Topology valid (DAG, connected, role-consistent)\n"
                                 "\n  Link check passed.\n");
        return;
    }
    size_t errors = tvn_diag_error_count(cli->sink);
    tvn_strbuf_printf(out, "%s  Link check failed: %zu error%s.\n", links->count > 0 ? "\n" : "",
                      errors, errors == 1 ? "" : "s");
}

/* ---- JSON ---- */

static void json_link(struct tvn_json_writer *json, const struct tvn_flow_link *item)
{
    const struct tvn_link *link = item->link;
    tvn_json_key(json, "nodes");
    tvn_json_begin_array(json);
    for (uint32_t i = 0; link && i < link->stage_count; i++) {
        tvn_json_begin_object(json);
        tvn_json_field_text(json, "name", link->stages[i].name);
        tvn_json_field_text(json, "interface", item->stages[i].interface);
        tvn_json_field_text(json, "component", where(&link->stages[i]));
        tvn_json_field_text(json, "granted", item->stages[i].grants);
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
    tvn_json_key(json, "edges");
    tvn_json_begin_array(json);
    for (uint32_t i = 0; link && i < link->edge_count; i++) {
        tvn_json_begin_object(json);
        tvn_json_field_text(json, "from", link->stages[link->edges[i].from].name);
        tvn_json_field_text(json, "from_port", link->edges[i].from_port);
        tvn_json_field_text(json, "to", link->stages[link->edges[i].to].name);
        tvn_json_field_text(json, "to_port", link->edges[i].to_port);
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
}

static enum tvn_exit print_json(struct tvn_cli *cli, const struct tvn_flow_links *links,
                                enum tvn_exit code)
{
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    struct tvn_json_writer json;
    tvn_cli_json_begin(cli, code, &out, &json);
    tvn_json_key(&json, "flows");
    tvn_json_begin_array(&json);
    for (size_t i = 0; i < links->count; i++) {
        tvn_json_begin_object(&json);
        tvn_json_field_text(&json, "name", links->items[i].flow);
        tvn_json_field_bool(&json, "links", links->items[i].link != NULL);
        json_link(&json, &links->items[i]);
        tvn_json_end_object(&json);
    }
    tvn_json_end_array(&json);
    return tvn_cli_json_end(cli, code, &out, &json);
}

static enum tvn_exit link_run(struct tvn_cli *cli, const void *raw)
{
    const struct link_args *args = raw;
    const struct tvn_flow_links_options options = {
        .manifest_path = args->manifest, .flow = args->flow, .components = args->components};
    TVN_AUTO_VALUE(tvn_flow_links) links = {0};
    enum tvn_status status = tvn_host_link_flows(&options, cli->sink, &links);
    enum tvn_exit code = TVN_EXIT_OK;
    if (status != TVN_OK) {
        code = links.missing ? TVN_EXIT_PREREQUISITE : TVN_EXIT_ERROR;
    }
    tvn_cli_show_diagnostics(cli);
    if (tvn_cli_json(cli)) {
        return print_json(cli, &links, code);
    }
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    render_text(cli, &links, code, &out);
    return tvn_cli_print(cli, &out, code);
}

const struct tvn_command tvn_cmd_link = {
    .name = "link",
    .summary = "Verify that the components of a pipeline fit together",
    .description =
        "Finds the components of every flow and compares them with the contracts and with each "
        "other: interfaces and contract versions of every edge, the graph and its roles, "
        "required capabilities against the grants. Components are read, never compiled or run. "
        "torvyn run links its flow in the same way.\n\n"
        "With --components, a component is taken from DIR/NAME.wasm if that exists: NAME is the "
        "declared name, or the file name that the node gives. --verbose shows what was found.",
    .opts = link_opts,
    .examples = link_examples,
    .exits = link_exits,
    .args_size = sizeof(struct link_args),
    .run = link_run,
};
