/* SPDX-License-Identifier: Apache-2.0 */
/* Contracts that still work but should be left: old versions, aliases, what is marked so. */
#include "host/check_internal.h"

/* Of the contracts in wit/. */
#define CONTRACT_OLDEST  "0.1.0"
#define CONTRACT_CURRENT "0.1.0"

static struct tvn_semver version_of(const char *text)
{
    struct tvn_semver version = {0};
    (void)!tvn_semver_parse(tvn_str_of(text), &version);
    return version;
}

void check_deprecations_manifest(struct check *check)
{
    const struct tvn_manifest_project *project = &check->manifest->project;
    struct tvn_semver target = version_of(project->contract_version);
    struct tvn_semver oldest = version_of(CONTRACT_OLDEST);
    struct tvn_semver current = version_of(CONTRACT_CURRENT);
    if (!target.valid) {
        return;
    }
    if (tvn_semver_compare(&target, &oldest) < 0) {
        tvn_diag_warning(check->sink, TVN_E_DEPRECATED_CONTRACT_VERSION,
                         project->contract_version_span, "contract version %s is deprecated",
                         project->contract_version);
        tvn_diag_help(check->sink, "upgrade to contract version " CONTRACT_CURRENT);
    } else if (tvn_semver_compare(&target, &current) > 0) {
        tvn_diag_warning(check->sink, TVN_E_VERSION_MISMATCH, project->contract_version_span,
                         "contract version %s is newer than those of this Torvyn",
                         project->contract_version);
        tvn_diag_help(check->sink,
                      "target contract version " CONTRACT_CURRENT ", or use a newer Torvyn");
    }
}

static bool is_deprecated(const struct tvn_attributes *attributes)
{
    return attributes && attributes->deprecated.valid;
}

static void check_item(struct check *check, const struct check_component *component,
                       const struct tvn_world_item *item)
{
    struct tvn_package_id package = {0};
    struct tvn_str name;
    if (item->kind != TVN_WORLD_INTERFACE || !tvn_interface_id_parse(item->name, &package, &name)) {
        return;
    }
    struct tvn_semver oldest = version_of(CONTRACT_OLDEST);
    bool torvyn = tvn_str_is(package.namespace_name, "torvyn");
    const char *help = "use what its documentation names instead";
    if (torvyn && tvn_str_is(package.name, "resources") && tvn_str_is(name, "buffer-ops")) {
        help = "import torvyn:streaming/buffer-allocator@" CONTRACT_CURRENT
               ", which has the same functions";
    } else if (torvyn && package.version.valid &&
               tvn_semver_compare(&package.version, &oldest) < 0) {
        help = "upgrade to contract version " CONTRACT_CURRENT;
    } else if (!is_deprecated(item->attributes) && !is_deprecated(item->interface->attributes)) {
        return;
    }
    tvn_diag_warning(check->sink, TVN_E_DEPRECATED_CONTRACT_VERSION, item->span,
                     "component '%s' uses '%.*s', which is deprecated", component->declared->name,
                     TVN_STR_ARG(item->name));
    tvn_diag_help(check->sink, "%s", help);
}

void check_deprecations(struct check *check, const struct check_component *component)
{
    const struct tvn_world *world = component->world;
    for (size_t i = 0; i < world->import_count; i++) {
        check_item(check, component, &world->imports[i]);
    }
    for (size_t i = 0; i < world->export_count; i++) {
        check_item(check, component, &world->exports[i]);
    }
}
