/* SPDX-License-Identifier: Apache-2.0 */
#include "contracts/compat.h"

#include "base/assert.h"

enum tvn_version_fit tvn_version_fit(const struct tvn_semver *used,
                                     const struct tvn_semver *offered)
{
    tvn_assert(used && offered);
    if (!used->valid || !offered->valid) {
        return TVN_VERSION_FITS;
    }
    if (used->major != offered->major) {
        return TVN_VERSION_OTHER_MAJOR;
    }
    return tvn_semver_compare(used, offered) <= 0 ? TVN_VERSION_FITS : TVN_VERSION_TOO_OLD;
}

static bool same_resource_by_name(void *context, const struct tvn_resource *a,
                                  const struct tvn_resource *b)
{
    (void)context;
    return tvn_str_equal(a->name, b->name);
}

bool tvn_contract_func_equal(const struct tvn_func_type *a, const struct tvn_func_type *b)
{
    tvn_assert(a && b);
    return tvn_func_type_equal(a, b, same_resource_by_name, NULL);
}

struct tvn_contract_difference tvn_contract_compare(const struct tvn_interface *used,
                                                    const struct tvn_interface *offered)
{
    tvn_assert(used && offered);
    for (size_t i = 0; i < used->func_count; i++) {
        const struct tvn_func *func = &used->funcs[i];
        const struct tvn_func *found = tvn_interface_find_func(offered, func->name);
        if (!found) {
            return (struct tvn_contract_difference){TVN_CONTRACT_FUNC_MISSING, func, NULL};
        }
        if (!tvn_contract_func_equal(&func->type, &found->type)) {
            return (struct tvn_contract_difference){TVN_CONTRACT_FUNC_DIFFERS, func, found};
        }
    }
    return (struct tvn_contract_difference){.fault = TVN_CONTRACT_FITS};
}
