/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "linker/link_internal.h"
#include "security/capability.h"

#define ADDED_ENDS    2      /* stages and edges that the ends may add */
#define IMPLICIT_FLOW "main" /* of a manifest with one component and no flow */

void tvn_link_destroy(struct tvn_link *link)
{
    if (!link) {
        return;
    }
    for (uint32_t i = 0; i < link->component_count; i++) {
        tvn_component_destroy(link->components[i].component);
        tvn_free(link->components[i].bytes);
    }
    tvn_arena_destroy(link->arena);
    tvn_free(link);
}

struct tvn_link_stage *tvn_link_add_stage(struct tvn_link_build *build,
                                          const struct tvn_link_stage *stage)
{
    tvn_assert(build->link->stage_count < build->stage_capacity);
    struct tvn_link_stage *added = &build->link->stages[build->link->stage_count];
    *added = *stage;
    /* An added end must not take a node's name. */
    for (unsigned n = 2; tvn_link_find_stage(build->link, added->name) != UINT32_MAX; n++) {
        added->name = tvn_arena_printf(build->link->arena, "%s-%u", stage->name, n);
        if (!added->name) {
            return NULL;
        }
    }
    build->link->stage_count++;
    return added;
}

uint32_t tvn_link_find_stage(const struct tvn_link *link, const char *name)
{
    for (uint32_t i = 0; i < link->stage_count; i++) {
        if (strcmp(link->stages[i].name, name) == 0) {
            return i;
        }
    }
    return UINT32_MAX;
}

/* ---- which flow ---- */

static enum tvn_status unknown_flow(struct tvn_link_build *build, const char *name)
{
    const struct tvn_manifest *manifest = build->link->manifest;
    const char *names[64];
    size_t count = 0;
    for (; count < manifest->flow_count && count < TVN_ARRAY_LEN(names); count++) {
        names[count] = manifest->flows[count].name;
    }
    bool implicit = count == 0 && manifest->component_count == 1;
    if (implicit) {
        names[count++] = IMPLICIT_FLOW;
    }
    (void)tvn_diag_error(build->sink, TVN_E_TOPOLOGY_INVALID, TVN_SPAN_NONE,
                         "'%s' has no flow '%s'", manifest->path, name);
    const char *near = tvn_suggest(tvn_str_of(name), names, count);
    if (near) {
        tvn_diag_help(build->sink, "did you mean '%s'?", near);
    } else if (count > 0) {
        tvn_diag_help(build->sink, "its %s flow is '%s'", implicit ? "only" : "first", names[0]);
    } else {
        tvn_diag_help(build->sink, "define one: [flow.main] with nodes and edges");
    }
    return TVN_E_TOPOLOGY_INVALID;
}

static enum tvn_status choose_flow(struct tvn_link_build *build)
{
    struct tvn_link *link = build->link;
    const char *name = build->options->flow;
    if (name && strncmp(name, "flow.", 5) == 0) {
        name += 5;
    }
    if (name) {
        link->flow = tvn_manifest_find_flow(link->manifest, name);
        if (!link->flow && !(link->manifest->flow_count == 0 && strcmp(name, IMPLICIT_FLOW) == 0)) {
            return unknown_flow(build, name);
        }
    } else if (link->manifest->flow_count > 0) {
        link->flow = &link->manifest->flows[0];
    }
    link->flow_name = link->flow ? link->flow->name : IMPLICIT_FLOW;
    if (!link->flow && link->manifest->component_count != 1) {
        (void)tvn_diag_error(build->sink, TVN_E_TOPOLOGY_INVALID, TVN_SPAN_NONE,
                             "'%s' defines no flow", link->manifest->path);
        tvn_diag_help(build->sink, "define one: [flow.main] with nodes and edges");
        return TVN_E_TOPOLOGY_INVALID;
    }
    return TVN_OK;
}

/* ---- stages ---- */

static enum tvn_status unknown_interface(struct tvn_link_build *build,
                                         const struct tvn_manifest_node *node)
{
    const char *names[TVN_ROLE_COUNT];
    for (unsigned role = 0; role < TVN_ROLE_COUNT; role++) {
        names[role] = tvn_role_interface((enum tvn_role)role);
    }
    (void)tvn_diag_error(build->sink, TVN_E_CONSTRAINT_VIOLATION, node->interface_span,
                         "'%s' is not an interface that a node can have", node->interface);
    const char *near = tvn_suggest(tvn_str_of(node->interface), names, TVN_ROLE_COUNT);
    if (near) {
        tvn_diag_label(build->sink, "did you mean '%s'?", near);
    }
    tvn_diag_help(build->sink, "use one of %s, %s, %s, %s, %s, %s", names[0], names[1], names[2],
                  names[3], names[4], names[5]);
    return TVN_E_CONSTRAINT_VIOLATION;
}

static enum tvn_status add_node(struct tvn_link_build *build, const struct tvn_manifest_node *node)
{
    struct tvn_link_stage stage = {.name = node->name,
                                   .config = node->config,
                                   .node = node,
                                   .span = node->span,
                                   .role = TVN_ROLE_SINK};
    bool builtin = strncmp(node->component, "builtin:", 8) == 0;
    if (builtin && node->interface[0] == '\0') {
        bool writes = strncmp(node->component, "builtin:stdout", 14) == 0;
        stage.role = writes ? TVN_ROLE_SINK : TVN_ROLE_SOURCE;
    } else if (!tvn_role_from_interface(tvn_str_of(node->interface), &stage.role)) {
        return unknown_interface(build, node);
    }
    if (builtin && stage.role != TVN_ROLE_SOURCE && stage.role != TVN_ROLE_SINK) {
        return tvn_diag_error(build->sink, TVN_E_TOPOLOGY_INVALID, node->component_span,
                              "'%s' cannot be a %s: what is built in is a source or a sink",
                              node->component, tvn_role_name(stage.role));
    }
    (void)tvn_link_add_stage(build, &stage);
    return TVN_OK;
}

/* The flow of a project with one component and no [flow]: that component, in the role that it
 * exports. */
static enum tvn_status add_implicit(struct tvn_link_build *build)
{
    const struct tvn_manifest_component *declared = &build->link->manifest->components[0];
    struct tvn_link_stage stage = {.name = declared->name,
                                   .config = build->link->manifest->implicit_config,
                                   .span = declared->name_span};
    const char *path, *builtin;
    TVN_TRY(tvn_link_locate(build, declared->name, declared->name_span, &path, &builtin));
    TVN_TRY(tvn_link_load(build, path, declared->name_span, &stage.component));
    uint32_t roles = tvn_link_component_roles(stage.component->component);
    if (roles == 0) {
        return tvn_diag_error(build->sink, TVN_E_WORLD_INCOMPLETE, declared->name_span,
                              "component '%s' exports no Torvyn interface", declared->name);
    }
    stage.role = (enum tvn_role)__builtin_ctz(roles);
    (void)tvn_link_add_stage(build, &stage);
    return TVN_OK;
}

static enum tvn_status add_stages(struct tvn_link_build *build)
{
    const struct tvn_manifest_flow *flow = build->link->flow;
    if (!flow) {
        return add_implicit(build);
    }
    if (flow->node_count == 0) {
        return tvn_diag_error(build->sink, TVN_E_TOPOLOGY_INVALID, flow->span,
                              "flow '%s' has no nodes", flow->name);
    }
    enum tvn_status result = TVN_OK;
    for (size_t i = 0; i < flow->node_count; i++) {
        enum tvn_status status = add_node(build, &flow->nodes[i]);
        result = result == TVN_OK ? status : result;
    }
    return result;
}

/* ---- components ---- */

static enum tvn_status wrong_role(struct tvn_link_build *build, const struct tvn_link_stage *stage,
                                  uint32_t roles)
{
    struct tvn_span at =
        stage->node->interface_span.file ? stage->node->interface_span : stage->span;
    (void)tvn_diag_error(build->sink, TVN_E_INTERFACE_INCOMPATIBLE, at,
                         "component '%s' does not export '%s'", stage->component->path,
                         tvn_role_interface(stage->role));
    for (unsigned role = 0; role < TVN_ROLE_COUNT; role++) {
        if (roles & (1u << role)) {
            tvn_diag_note(build->sink, "it exports '%s'", tvn_role_interface((enum tvn_role)role));
        }
    }
    if (roles == 0) {
        tvn_diag_note(build->sink, "it exports no Torvyn interface");
    }
    tvn_diag_help(
        build->sink,
        "correct the node's interface, or export the interface from the component's world");
    return TVN_E_INTERFACE_INCOMPATIBLE;
}

static enum tvn_status resolve_stage(struct tvn_link_build *build, struct tvn_link_stage *stage)
{
    struct tvn_link *link = build->link;
    struct tvn_span at = stage->node ? stage->node->component_span : stage->span;
    const char *reference = stage->node ? stage->node->component : NULL;
    if (stage->kind == TVN_LINK_STAGE_BUILTIN) {
        return TVN_OK;
    }
    if (reference && !stage->component) {
        const char *path;
        TVN_TRY(tvn_link_locate(build, reference, at, &path, &stage->builtin));
        if (stage->builtin) {
            stage->kind = TVN_LINK_STAGE_BUILTIN;
            return TVN_OK;
        }
        TVN_TRY(tvn_link_load(build, path, at, &stage->component));
        uint32_t roles = tvn_link_component_roles(stage->component->component);
        if (!(roles & (1u << stage->role))) {
            return wrong_role(build, stage, roles);
        }
    }
    TVN_TRY(tvn_link_check_contracts(build, stage));
    const struct tvn_security_subject subject = {
        .manifest = link->manifest,
        .flow = link->flow,
        .node = stage->node,
        .component = reference ? tvn_manifest_find_component(link->manifest, reference)
                               : &link->manifest->components[0],
    };
    return tvn_security_resolve(link->arena, &subject, build->sink, &stage->sandbox);
}

static enum tvn_status run_steps(struct tvn_link_build *build)
{
    TVN_TRY(tvn_security_check_manifest(build->link->manifest, build->sink));
    TVN_TRY(add_stages(build));
    TVN_TRY(tvn_link_add_edges(build));
    TVN_TRY(tvn_link_apply_ends(build));
    TVN_TRY(tvn_link_check_graph(build));
    enum tvn_status result = TVN_OK;
    for (uint32_t i = 0; i < build->link->stage_count; i++) {
        enum tvn_status status = resolve_stage(build, &build->link->stages[i]);
        result = result == TVN_OK ? status : result;
    }
    return result;
}

static enum tvn_status reserve(struct tvn_link_build *build)
{
    struct tvn_link *link = build->link;
    size_t nodes = link->flow ? link->flow->node_count : 1;
    size_t edges = link->flow ? link->flow->edge_count : 0;
    build->stage_capacity = (uint32_t)nodes + ADDED_ENDS; /* bounded by TVN_MANIFEST_NODES_MAX */
    build->edge_capacity = (uint32_t)edges + ADDED_ENDS;
    link->stages = TVN_ARENA_ARRAY(link->arena, struct tvn_link_stage, build->stage_capacity);
    link->edges = TVN_ARENA_ARRAY(link->arena, struct tvn_link_edge, build->edge_capacity);
    link->components =
        TVN_ARENA_ARRAY(link->arena, struct tvn_link_component, build->stage_capacity);
    return link->stages && link->edges && link->components ? TVN_OK : TVN_E_OUT_OF_MEMORY;
}

enum tvn_status tvn_link_create(const struct tvn_manifest *manifest,
                                const struct tvn_link_options *options, struct tvn_diag_sink *sink,
                                struct tvn_link **out_link)
{
    tvn_assert(manifest && options && sink && out_link);
    TVN_AUTO(tvn_link) link = tvn_calloc(1, sizeof(*link));
    if (link) {
        link->arena = tvn_arena_create(0);
    }
    if (!link || !link->arena) {
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                              "no memory to link the flow");
    }
    link->manifest = manifest;
    struct tvn_link_build build = {.link = link, .options = options, .sink = sink};
    TVN_TRY(choose_flow(&build));
    if (reserve(&build) != TVN_OK) {
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                              "no memory to link the flow");
    }
    enum tvn_status status = run_steps(&build);
    tvn_wit_destroy(build.contracts);
    TVN_TRY(status);
    *out_link = TVN_TAKE(link);
    return TVN_OK;
}
