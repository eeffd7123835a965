/* SPDX-License-Identifier: Apache-2.0 */
#include "host/contract_versions.h"

static struct tvn_semver version_of(const char *text)
{
    struct tvn_semver version = {0};
    (void)!tvn_semver_parse(tvn_str_of(text), &version);
    return version;
}

bool host_contract_is_old(const struct tvn_semver *version)
{
    struct tvn_semver oldest = version_of(HOST_CONTRACT_OLDEST);
    return version->valid && tvn_semver_compare(version, &oldest) < 0;
}

static bool is_new(const struct tvn_semver *version)
{
    struct tvn_semver current = version_of(HOST_CONTRACT_CURRENT);
    return version->valid && tvn_semver_compare(version, &current) > 0;
}

static void warn_project(const struct tvn_manifest_project *project, struct tvn_diag_sink *sink)
{
    struct tvn_semver target = version_of(project->contract_version);
    if (host_contract_is_old(&target)) {
        tvn_diag_warning(sink, TVN_E_DEPRECATED_CONTRACT_VERSION, project->contract_version_span,
                         "contract version %s is deprecated", project->contract_version);
        tvn_diag_help(sink, "upgrade to contract version " HOST_CONTRACT_CURRENT);
    } else if (is_new(&target)) {
        tvn_diag_warning(sink, TVN_E_VERSION_MISMATCH, project->contract_version_span,
                         "contract version %s is newer than those of this Torvyn",
                         project->contract_version);
        tvn_diag_help(sink,
                      "target contract version " HOST_CONTRACT_CURRENT ", or use a newer Torvyn");
    }
}

/* Which interface it is and whether the component has it is for linking to say. */
static void warn_node(const struct tvn_manifest_node *node, struct tvn_diag_sink *sink)
{
    struct tvn_str interface = tvn_str_of(node->interface);
    size_t at = tvn_str_find(interface, '@');
    struct tvn_semver version = {0};
    if (at == SIZE_MAX) {
        return;
    }
    if (!tvn_semver_parse(tvn_str_slice(interface, at + 1, interface.len), &version)) {
        tvn_diag_warning(sink, TVN_E_VERSION_MISMATCH, node->interface_span,
                         "the interface of node '%s' has no version after the '@'", node->name);
    } else if (host_contract_is_old(&version)) {
        tvn_diag_warning(sink, TVN_E_DEPRECATED_CONTRACT_VERSION, node->interface_span,
                         "the interface of node '%s' has a deprecated version", node->name);
    } else if (is_new(&version)) {
        tvn_diag_warning(sink, TVN_E_VERSION_MISMATCH, node->interface_span,
                         "the interface of node '%s' is newer than that of this Torvyn",
                         node->name);
    } else {
        return;
    }
    tvn_diag_help(sink, "leave the version out: the component says which one it has");
}

void host_warn_versions(const struct tvn_manifest *manifest, struct tvn_diag_sink *sink)
{
    warn_project(&manifest->project, sink);
    for (size_t f = 0; f < manifest->flow_count; f++) {
        for (size_t i = 0; i < manifest->flows[f].node_count; i++) {
            warn_node(&manifest->flows[f].nodes[i], sink);
        }
    }
}
