/* SPDX-License-Identifier: Apache-2.0 */
/* What the flows of a manifest name: nodes of edges, components of nodes. Whether a flow can run is
 * for linking to say, which needs the components. */
#include "base/suggest.h"
#include "host/check_internal.h"

#define NAMES_MAX 256

static void suggest(struct check *check, const char *given, const char *const *names, size_t count)
{
    const char *near = tvn_suggest(tvn_str_of(given), names, count);
    if (near) {
        tvn_diag_label(check->sink, "did you mean '%s'?", near);
    }
}

static enum tvn_status check_endpoint(struct check *check, const struct tvn_manifest_flow *flow,
                                      const struct tvn_manifest_endpoint *endpoint)
{
    if (tvn_manifest_find_node(flow, endpoint->node)) {
        return TVN_OK;
    }
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (; count < flow->node_count && count < NAMES_MAX; count++) {
        names[count] = flow->nodes[count].name;
    }
    (void)tvn_diag_error(check->sink, TVN_E_TOPOLOGY_INVALID, endpoint->node_span,
                         "edge names an unknown node '%s'", endpoint->node);
    suggest(check, endpoint->node, names, count);
    tvn_diag_help(check->sink, "declare the node in [flow.%s.nodes.%s], or correct the name",
                  flow->name, endpoint->node);
    return TVN_E_TOPOLOGY_INVALID;
}

/* A name, not a path, an artifact or something built in. */
static bool is_bare(const char *reference)
{
    return !strpbrk(reference, "/:") && !tvn_str_ends_with(tvn_str_of(reference), TVN_STR(".wasm"));
}

static enum tvn_status check_node(struct check *check, const struct tvn_manifest_node *node)
{
    const struct tvn_manifest *manifest = check->manifest;
    if (!is_bare(node->component) || tvn_manifest_find_component(manifest, node->component)) {
        return TVN_OK;
    }
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (; count < manifest->component_count && count < NAMES_MAX; count++) {
        names[count] = manifest->components[count].name;
    }
    (void)tvn_diag_error(check->sink, TVN_E_COMPONENT_NOT_FOUND, node->component_span,
                         "no [[component]] is called '%s'", node->component);
    suggest(check, node->component, names, count);
    tvn_diag_help(check->sink, "declare it with [[component]], or name a file: component = "
                               "\"./path/to/file.wasm\"");
    return TVN_E_COMPONENT_NOT_FOUND;
}

static void keep_first(enum tvn_status *first, enum tvn_status status)
{
    *first = *first == TVN_OK ? status : *first;
}

enum tvn_status check_flows(struct check *check)
{
    enum tvn_status result = TVN_OK;
    for (size_t f = 0; f < check->manifest->flow_count; f++) {
        const struct tvn_manifest_flow *flow = &check->manifest->flows[f];
        for (size_t i = 0; i < flow->node_count; i++) {
            keep_first(&result, check_node(check, &flow->nodes[i]));
        }
        for (size_t i = 0; i < flow->edge_count; i++) {
            keep_first(&result, check_endpoint(check, flow, &flow->edges[i].from));
            keep_first(&result, check_endpoint(check, flow, &flow->edges[i].to));
        }
    }
    return result;
}
