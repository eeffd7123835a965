/* SPDX-License-Identifier: Apache-2.0 */
#include "base/suggest.h"
#include "linker/link_internal.h"

#define SUGGESTIONS_MAX 256

static bool has_input(enum tvn_role role)
{
    return role != TVN_ROLE_SOURCE;
}

static bool has_output(enum tvn_role role)
{
    return role != TVN_ROLE_SINK;
}

static uint32_t endpoint_stage(struct tvn_link_build *build,
                               const struct tvn_manifest_endpoint *endpoint)
{
    uint32_t index = tvn_link_find_stage(build->link, endpoint->node);
    if (index != UINT32_MAX) {
        return index;
    }
    const char *names[SUGGESTIONS_MAX];
    size_t count = 0;
    for (; count < build->link->stage_count && count < SUGGESTIONS_MAX; count++) {
        names[count] = build->link->stages[count].name;
    }
    (void)tvn_diag_error(build->sink, TVN_E_TOPOLOGY_INVALID, endpoint->node_span,
                         "edge names an unknown node '%s'", endpoint->node);
    const char *near = tvn_suggest(tvn_str_of(endpoint->node), names, count);
    if (near) {
        tvn_diag_label(build->sink, "did you mean '%s'?", near);
    }
    tvn_diag_help(build->sink, "declare the node in [flow.%s.nodes.%s], or correct the name",
                  build->link->flow_name, endpoint->node);
    return UINT32_MAX;
}

/* The same edge again. A router may reach a node by several ports. */
static bool is_double(const struct tvn_link_build *build, const struct tvn_manifest_edge *edge,
                      uint32_t from, uint32_t to)
{
    bool by_port = build->link->stages[from].role == TVN_ROLE_ROUTER;
    for (uint32_t i = 0; i < build->link->edge_count; i++) {
        const struct tvn_link_edge *other = &build->link->edges[i];
        if (other->from == from && other->to == to &&
            (!by_port || strcmp(other->from_port, edge->from.port) == 0)) {
            return true;
        }
    }
    return false;
}

/* Only routers have names of their own for what leaves them. */
static bool check_port(struct tvn_link_build *build, const struct tvn_link_stage *stage,
                       const struct tvn_manifest_endpoint *end, const char *name)
{
    if (strcmp(end->port, name) == 0) {
        return true;
    }
    (void)tvn_diag_error(build->sink, TVN_E_TOPOLOGY_INVALID, end->port_span,
                         "%s '%s' has no port '%s' there", tvn_role_name(stage->role), stage->name,
                         end->port);
    tvn_diag_help(build->sink, "write port = \"%s\"; a router's output alone has other names",
                  name);
    return false;
}

static bool check_ports(struct tvn_link_build *build, const struct tvn_manifest_edge *edge,
                        const struct tvn_link_stage *source, const struct tvn_link_stage *target)
{
    bool valid = source->role == TVN_ROLE_ROUTER || !has_output(source->role) ||
                 check_port(build, source, &edge->from, "output");
    return (!has_input(target->role) || check_port(build, target, &edge->to, "input")) && valid;
}

static bool check_ends(struct tvn_link_build *build, const struct tvn_manifest_edge *edge,
                       uint32_t from, uint32_t to)
{
    const struct tvn_link_stage *source = &build->link->stages[from];
    const struct tvn_link_stage *target = &build->link->stages[to];
    bool valid = check_ports(build, edge, source, target);
    if (!has_output(source->role)) {
        (void)tvn_diag_error(build->sink, TVN_E_TOPOLOGY_INVALID, edge->from.span,
                             "sink '%s' cannot have an output", source->name);
        valid = false;
    }
    if (!has_input(target->role)) {
        (void)tvn_diag_error(build->sink, TVN_E_TOPOLOGY_INVALID, edge->to.span,
                             "source '%s' cannot have an input", target->name);
        valid = false;
    }
    if (is_double(build, edge, from, to)) {
        (void)tvn_diag_error(build->sink, TVN_E_TOPOLOGY_INVALID, edge->span,
                             "'%s' and '%s' are connected twice", source->name, target->name);
        valid = false;
    }
    return valid;
}

enum tvn_status tvn_link_add_edges(struct tvn_link_build *build)
{
    const struct tvn_manifest_flow *flow = build->link->flow;
    enum tvn_status result = TVN_OK;
    for (size_t i = 0; flow && i < flow->edge_count; i++) {
        const struct tvn_manifest_edge *edge = &flow->edges[i];
        uint32_t from = endpoint_stage(build, &edge->from);
        uint32_t to = endpoint_stage(build, &edge->to);
        if (from == UINT32_MAX || to == UINT32_MAX || !check_ends(build, edge, from, to)) {
            result = TVN_E_TOPOLOGY_INVALID;
            continue;
        }
        build->link->edges[build->link->edge_count++] = (struct tvn_link_edge){
            .from = from,
            .to = to,
            .from_port = edge->from.port,
            .to_port = edge->to.port,
            .backpressure = edge->backpressure,
        };
    }
    return result;
}

static void count_edges(const struct tvn_link *link, uint32_t stage, uint32_t *out_inputs,
                        uint32_t *out_outputs)
{
    *out_inputs = 0;
    *out_outputs = 0;
    for (uint32_t i = 0; i < link->edge_count; i++) {
        *out_outputs += link->edges[i].from == stage;
        *out_inputs += link->edges[i].to == stage;
    }
}

/* An end that the linker added, which nobody can connect by hand. */
static bool is_added(const struct tvn_link *link, const struct tvn_link_stage *stage)
{
    return link->flow && !stage->node;
}

/* `added`: only the ends that the linker added, else only what is in the manifest. */
static enum tvn_status check_degrees(struct tvn_link_build *build, bool added)
{
    enum tvn_status result = TVN_OK;
    for (uint32_t i = 0; i < build->link->stage_count; i++) {
        const struct tvn_link_stage *stage = &build->link->stages[i];
        if (is_added(build->link, stage) != added) {
            continue;
        }
        uint32_t inputs, outputs;
        count_edges(build->link, i, &inputs, &outputs);
        bool no_input = has_input(stage->role) && inputs == 0;
        if (no_input || (has_output(stage->role) && outputs == 0)) {
            result = tvn_diag_error(build->sink, TVN_E_TOPOLOGY_INVALID, stage->span, "%s '%s' %s",
                                    tvn_role_name(stage->role), stage->name,
                                    no_input ? "has no input" : "has no output");
            tvn_diag_help(build->sink, "connect it with [[flow.%s.edges]]", build->link->flow_name);
        }
    }
    return result;
}

/* Names the stages of the cycle that `start` reaches: every remaining stage has a remaining
 * predecessor. */
static enum tvn_status report_cycle(struct tvn_link_build *build, const uint32_t *order,
                                    uint32_t placed)
{
    const struct tvn_link *link = build->link;
    bool *done = TVN_ARENA_ARRAY(link->arena, bool, link->stage_count);
    bool *seen = TVN_ARENA_ARRAY(link->arena, bool, link->stage_count);
    if (!done || !seen) {
        return tvn_diag_error(build->sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                              "no memory to link the flow");
    }
    for (uint32_t i = 0; i < placed; i++) {
        done[order[i]] = true;
    }
    uint32_t at = 0;
    while (done[at]) {
        at++;
    }
    while (!seen[at]) { /* walk backwards until a stage repeats: that one is on the cycle */
        seen[at] = true;
        for (uint32_t i = 0; i < link->edge_count; i++) {
            if (link->edges[i].to == at && !done[link->edges[i].from]) {
                at = link->edges[i].from;
                break;
            }
        }
    }
    TVN_AUTO_VALUE(tvn_strbuf) path = {0};
    uint32_t start = at;
    do {
        tvn_strbuf_printf(&path, "%s ← ", link->stages[at].name);
        for (uint32_t i = 0; i < link->edge_count; i++) {
            if (link->edges[i].to == at && !done[link->edges[i].from]) {
                at = link->edges[i].from;
                break;
            }
        }
    } while (at != start);
    tvn_strbuf_add_text(&path, link->stages[start].name);
    (void)tvn_diag_error(build->sink, TVN_E_TOPOLOGY_INVALID, link->stages[start].span,
                         "the flow has a cycle: %s", tvn_strbuf_text(&path));
    tvn_diag_help(build->sink, "remove one of its edges: a flow is a directed acyclic graph");
    return TVN_E_TOPOLOGY_INVALID;
}

/* Kahn's algorithm; stages keep file order among equals. Renumbers stages and edges. */
static enum tvn_status sort_stages(struct tvn_link_build *build)
{
    struct tvn_link *link = build->link;
    uint32_t count = link->stage_count;
    uint32_t *missing = TVN_ARENA_ARRAY(link->arena, uint32_t, count);
    uint32_t *order = TVN_ARENA_ARRAY(link->arena, uint32_t, count);
    uint32_t *position = TVN_ARENA_ARRAY(link->arena, uint32_t, count);
    struct tvn_link_stage *sorted =
        TVN_ARENA_ARRAY(link->arena, struct tvn_link_stage, build->stage_capacity);
    if (!missing || !order || !position || !sorted) {
        return tvn_diag_error(build->sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                              "no memory to link the flow");
    }
    for (uint32_t i = 0; i < link->edge_count; i++) {
        missing[link->edges[i].to]++;
    }
    uint32_t placed = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (missing[i] == 0) {
            order[placed++] = i;
        }
    }
    for (uint32_t next = 0; next < placed; next++) {
        for (uint32_t i = 0; i < link->edge_count; i++) {
            if (link->edges[i].from == order[next] && --missing[link->edges[i].to] == 0) {
                order[placed++] = link->edges[i].to;
            }
        }
    }
    if (placed < count) {
        return report_cycle(build, order, placed);
    }
    for (uint32_t i = 0; i < count; i++) {
        position[order[i]] = i;
        sorted[i] = link->stages[order[i]];
    }
    for (uint32_t i = 0; i < link->edge_count; i++) {
        link->edges[i].from = position[link->edges[i].from];
        link->edges[i].to = position[link->edges[i].to];
    }
    link->stages = sorted;
    return TVN_OK;
}

/* Spreads from the first stage along the edges, in both directions. */
static enum tvn_status check_connected(struct tvn_link_build *build)
{
    const struct tvn_link *link = build->link;
    bool *reached = TVN_ARENA_ARRAY(link->arena, bool, link->stage_count);
    if (!reached) {
        return tvn_diag_error(build->sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                              "no memory to link the flow");
    }
    reached[0] = true;
    for (bool more = true; more;) {
        more = false;
        for (uint32_t i = 0; i < link->edge_count; i++) {
            const struct tvn_link_edge *edge = &link->edges[i];
            more |= reached[edge->from] != reached[edge->to];
            reached[edge->from] |= reached[edge->to];
            reached[edge->to] |= reached[edge->from];
        }
    }
    for (uint32_t i = 0; i < link->stage_count; i++) {
        if (!reached[i]) {
            (void)tvn_diag_error(build->sink, TVN_E_TOPOLOGY_INVALID, link->stages[i].span,
                                 "flow '%s' has parts that are not connected with each other",
                                 link->flow_name);
            tvn_diag_note(build->sink, "no edge leads from or to '%s', by whatever way",
                          link->stages[0].name);
            tvn_diag_help(build->sink, "connect them with an edge, or make two flows of them");
            return TVN_E_TOPOLOGY_INVALID;
        }
    }
    return TVN_OK;
}

/* ---- ports ---- */

static enum tvn_status too_many_ports(struct tvn_link_build *build,
                                      const struct tvn_link_stage *stage)
{
    (void)tvn_diag_error(build->sink, TVN_E_TOPOLOGY_INVALID, stage->span,
                         "router '%s' has more than %d ports", stage->name, TVN_LINK_PORTS_MAX);
    tvn_diag_help(build->sink, "let edges share a port, or route in two steps");
    return TVN_E_TOPOLOGY_INVALID;
}

/* Numbers the names by which the router's edges leave, in file order. */
static enum tvn_status number_ports(struct tvn_link_build *build, uint32_t router)
{
    struct tvn_link *link = build->link;
    struct tvn_link_stage *stage = &link->stages[router];
    struct tvn_str *ports = TVN_ARENA_ARRAY(link->arena, struct tvn_str, TVN_LINK_PORTS_MAX);
    if (!ports) {
        return tvn_diag_error(build->sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                              "no memory to link the flow");
    }
    stage->ports = ports;
    for (uint32_t i = 0; i < link->edge_count; i++) {
        struct tvn_link_edge *edge = &link->edges[i];
        if (edge->from != router) {
            continue;
        }
        struct tvn_str name = tvn_str_of(edge->from_port);
        uint32_t port = 0;
        while (port < stage->port_count && !tvn_str_equal(ports[port], name)) {
            port++;
        }
        if (port == TVN_LINK_PORTS_MAX) {
            return too_many_ports(build, stage);
        }
        if (port == stage->port_count) {
            ports[stage->port_count++] = name;
        }
        edge->port = port;
    }
    return TVN_OK;
}

/* ---- fan-out ---- */

static bool drops(enum tvn_config_policy policy)
{
    return policy == TVN_CONFIG_POLICY_DROP_OLDEST || policy == TVN_CONFIG_POLICY_DROP_NEWEST;
}

/* A branch that does not drop would hold up the stage before it, and with it the other branches. */
static enum tvn_status check_branches(struct tvn_link_build *build, uint32_t from)
{
    const struct tvn_link *link = build->link;
    for (uint32_t i = 0; i < link->edge_count; i++) {
        const struct tvn_link_edge *edge = &link->edges[i];
        const struct tvn_config_backpressure *settings = &edge->backpressure;
        if (edge->from != from || drops(settings->policy)) {
            continue;
        }
        bool at_policy = settings->policy_span.file != 0;
        (void)tvn_diag_error(build->sink, TVN_E_CONSTRAINT_VIOLATION,
                             at_policy ? settings->policy_span : link->flow->fan_out_span,
                             "the branch from '%s' to '%s' is independent and has the policy "
                             "\"%s\"",
                             link->stages[from].name, link->stages[edge->to].name,
                             tvn_config_policy_name(settings->policy));
        tvn_diag_note(build->sink,
                      "independent branches wait for nobody: what a full one cannot take is "
                      "dropped");
        tvn_diag_help(build->sink,
                      "set policy = \"drop-oldest\" or \"drop-newest\" on the edge, or fan_out = "
                      "\"min-demand\" on the flow");
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    return TVN_OK;
}

static enum tvn_status check_fan_out(struct tvn_link_build *build)
{
    const struct tvn_link *link = build->link;
    bool independent = link->flow && link->flow->fan_out == TVN_MANIFEST_FAN_OUT_INDEPENDENT;
    enum tvn_status result = TVN_OK;
    for (uint32_t i = 0; i < link->stage_count; i++) {
        uint32_t inputs, outputs;
        count_edges(link, i, &inputs, &outputs);
        enum tvn_status status = TVN_OK;
        if (link->stages[i].role == TVN_ROLE_ROUTER) {
            status = number_ports(build, i);
        }
        if (status == TVN_OK && independent && outputs > 1) {
            status = check_branches(build, i);
        }
        result = result == TVN_OK ? status : result;
    }
    return result;
}

enum tvn_status tvn_link_check_graph(struct tvn_link_build *build)
{
    /* A cycle explains more than the degrees that follow from it. */
    TVN_TRY(sort_stages(build));
    TVN_TRY(check_degrees(build, false));
    TVN_TRY(check_degrees(build, true));
    TVN_TRY(check_connected(build));
    return check_fan_out(build);
}
