/* SPDX-License-Identifier: Apache-2.0 */
/* [flow.X]: nodes, edges and their settings, without inheritance. */
#include "base/assert.h"
#include "config/load_internal.h"

/* "[flow.main.nodes.source]" for messages. */
static const char *title_of(struct config_load *load, const char *flow, const char *part,
                            const char *name)
{
    const char *title = tvn_arena_printf(load->arena, "[flow.%s%s%s]", flow, part, name);
    return title ? title : "the flow";
}

static void check_interface(struct config_load *load, const struct tvn_manifest_node *node,
                            const char *title, struct tvn_span at)
{
    if (!node->interface && node->component &&
        strncmp(node->component, "builtin:", strlen("builtin:")) != 0) {
        config_error(load, TVN_E_CONSTRAINT_VIOLATION, at, "%s has no 'interface'", title);
        tvn_diag_help(load->sink,
                      "add the interface that the component implements, for example interface = "
                      "\"torvyn:streaming/processor\"");
    }
}

static void decode_node(struct config_load *load, const struct tvn_manifest_flow *flow,
                        const struct tvn_toml_entry *entry, struct tvn_manifest_node *out)
{
    out->name = entry->key.ptr;
    out->span = entry->key_span;
    config_set_defaults(load, TVN_SECTION_NODE, out);
    const char *title = title_of(load, flow->name, ".nodes.", config_shown(load, entry->key));
    const struct config_table from = {TVN_SECTION_NODE, title, entry->value.table,
                                      entry->value.span, NULL};
    if (config_decode(load, &from, out) &&
        !tvn_toml_find(entry->value.table, TVN_STR("interface"))) {
        check_interface(load, out, title, entry->value.span);
    }
    config_fill_strings(TVN_SECTION_NODE, out);
}

static void decode_nodes(struct config_load *load, const struct tvn_toml_entry *nodes_entry,
                         struct tvn_manifest_flow *flow)
{
    const struct tvn_toml_table *table = config_table_of(load, "nodes", &nodes_entry->value);
    if (!table) {
        return;
    }
    if (table->count > TVN_MANIFEST_NODES_MAX) {
        config_error(load, TVN_E_CONSTRAINT_VIOLATION, nodes_entry->key_span,
                     "flow '%s' has more than %d nodes", flow->name, TVN_MANIFEST_NODES_MAX);
        return;
    }
    struct tvn_manifest_node *nodes =
        TVN_ARENA_ARRAY(load->arena, struct tvn_manifest_node, table->count);
    if (!nodes) {
        config_no_memory(load);
        return;
    }
    size_t count = 0;
    for (const struct tvn_toml_entry *entry = table->first; entry; entry = entry->next) {
        if (config_table_of(load, config_shown(load, entry->key), &entry->value) &&
            config_check_name(load, "a node's name", entry->key, entry->key_span)) {
            decode_node(load, flow, entry, &nodes[count++]);
        }
    }
    flow->nodes = nodes;
    flow->node_count = count;
}

static void decode_endpoint(struct config_load *load, const char *title,
                            const struct tvn_toml_entry *entry, struct tvn_manifest_endpoint *out)
{
    const struct tvn_toml_table *table =
        config_table_of(load, config_shown(load, entry->key), &entry->value);
    if (table) {
        out->span = entry->value.span;
        const struct config_table from = {TVN_SECTION_ENDPOINT, title, table, entry->value.span,
                                          NULL};
        (void)config_decode(load, &from, out);
    }
}

static void decode_edge_part(struct config_load *load, const struct tvn_config_key *key,
                             const struct tvn_toml_entry *entry, void *out)
{
    struct tvn_manifest_edge *edge = out;
    bool from = strcmp(key->name, "from") == 0;
    decode_endpoint(load, from ? "'from' of an edge" : "'to' of an edge", entry,
                    from ? &edge->from : &edge->to);
}

static void decode_edge(struct config_load *load, const struct tvn_manifest_flow *flow,
                        const struct tvn_toml_value *value, struct tvn_manifest_edge *out)
{
    out->span = value->span;
    const char *title = tvn_arena_printf(load->arena, "[[flow.%s.edges]]", flow->name);
    title = title ? title : "the edge";
    const struct config_table from = {TVN_SECTION_EDGE, title, value->table, value->span,
                                      decode_edge_part};
    (void)config_decode(load, &from, out);
    config_fill_strings(TVN_SECTION_ENDPOINT, &out->from);
    config_fill_strings(TVN_SECTION_ENDPOINT, &out->to);
}

static void decode_edges(struct config_load *load, const struct tvn_toml_entry *entry,
                         struct tvn_manifest_flow *flow)
{
    if (entry->value.kind != TVN_TOML_ARRAY) {
        config_wrong_type(load, "edges", "an array of tables", &entry->value);
        tvn_diag_help(load->sink,
                      "write [[flow.%s.edges]] for each edge, with its settings "
                      "(queue_depth, policy, …) in it",
                      flow->name);
        return;
    }
    const struct tvn_toml_array *array = entry->value.array;
    if (array->count > TVN_MANIFEST_EDGES_MAX) {
        config_error(load, TVN_E_CONSTRAINT_VIOLATION, entry->key_span,
                     "flow '%s' has more than %d edges", flow->name, TVN_MANIFEST_EDGES_MAX);
        return;
    }
    struct tvn_manifest_edge *edges =
        TVN_ARENA_ARRAY(load->arena, struct tvn_manifest_edge, array->count);
    if (!edges) {
        config_no_memory(load);
        return;
    }
    size_t count = 0;
    for (const struct tvn_toml_value *item = array->first; item; item = item->next) {
        if (config_table_of(load, "edges", item)) {
            decode_edge(load, flow, item, &edges[count++]);
        }
    }
    flow->edges = edges;
    flow->edge_count = count;
}

static void decode_flow_part(struct config_load *load, const struct tvn_config_key *key,
                             const struct tvn_toml_entry *entry, void *out)
{
    struct tvn_manifest_flow *flow = out;
    if (strcmp(key->name, "nodes") == 0) {
        decode_nodes(load, entry, flow);
    } else if (strcmp(key->name, "edges") == 0) {
        decode_edges(load, entry, flow);
    } else {
        const struct tvn_toml_table *table = config_table_of(load, key->name, &entry->value);
        if (table) {
            const struct config_table from = {TVN_SECTION_FLOW_BACKPRESSURE,
                                              title_of(load, flow->name, ".backpressure", ""),
                                              table, entry->value.span, NULL};
            (void)config_decode(load, &from, &flow->backpressure);
        }
    }
}

static void decode_flow(struct config_load *load, const struct tvn_toml_entry *entry,
                        struct tvn_manifest_flow *out)
{
    out->name = entry->key.ptr;
    out->span = entry->key_span;
    config_set_defaults(load, TVN_SECTION_FLOW, out);
    const struct config_table from = {TVN_SECTION_FLOW, title_of(load, out->name, "", ""),
                                      entry->value.table, entry->value.span, decode_flow_part};
    (void)config_decode(load, &from, out);
}

void config_decode_flows(struct config_load *load, const struct tvn_toml_entry *flow_entry)
{
    const struct tvn_toml_table *table = config_table_of(load, "flow", &flow_entry->value);
    if (!table) {
        return;
    }
    if (table->count > TVN_MANIFEST_FLOWS_MAX) {
        config_error(load, TVN_E_CONSTRAINT_VIOLATION, flow_entry->key_span, "more than %d flows",
                     TVN_MANIFEST_FLOWS_MAX);
        return;
    }
    struct tvn_manifest_flow *flows =
        TVN_ARENA_ARRAY(load->arena, struct tvn_manifest_flow, table->count);
    if (!flows) {
        config_no_memory(load);
        return;
    }
    size_t count = 0;
    for (const struct tvn_toml_entry *entry = table->first; entry; entry = entry->next) {
        if (config_table_of(load, config_shown(load, entry->key), &entry->value) &&
            config_check_name(load, "a flow's name", entry->key, entry->key_span)) {
            decode_flow(load, entry, &flows[count++]);
        }
    }
    load->flows = flows;
    load->manifest->flows = flows;
    load->manifest->flow_count = count;
}
