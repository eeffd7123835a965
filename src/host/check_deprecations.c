/* SPDX-License-Identifier: Apache-2.0 */
/* Contracts of components that still work but should be left: old versions, aliases, what is
 * marked so. */
#include "host/check_internal.h"
#include "host/contract_versions.h"

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
    bool torvyn = tvn_str_is(package.namespace_name, "torvyn");
    const char *help = "use what its documentation names instead";
    if (torvyn && tvn_str_is(package.name, "resources") && tvn_str_is(name, "buffer-ops")) {
        help = "import torvyn:streaming/buffer-allocator@" HOST_CONTRACT_CURRENT
               ", which has the same functions";
    } else if (torvyn && host_contract_is_old(&package.version)) {
        help = "upgrade to contract version " HOST_CONTRACT_CURRENT;
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
