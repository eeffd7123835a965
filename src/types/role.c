/* SPDX-License-Identifier: Apache-2.0 */
#include "types/role.h"

#include "base/assert.h"

static const char *const interfaces[TVN_ROLE_COUNT] = {
    [TVN_ROLE_SOURCE] = "torvyn:streaming/source",
    [TVN_ROLE_PROCESSOR] = "torvyn:streaming/processor",
    [TVN_ROLE_FILTER] = "torvyn:filtering/filter",
    [TVN_ROLE_ROUTER] = "torvyn:filtering/router",
    [TVN_ROLE_AGGREGATOR] = "torvyn:aggregation/aggregator",
    [TVN_ROLE_SINK] = "torvyn:streaming/sink",
};

const char *tvn_role_interface(enum tvn_role role)
{
    tvn_assert((unsigned)role < TVN_ROLE_COUNT);
    return interfaces[role];
}

bool tvn_role_from_interface(struct tvn_str interface, enum tvn_role *out_role)
{
    size_t at = tvn_str_find(interface, '@');
    struct tvn_str plain = at == SIZE_MAX ? interface : tvn_str_slice(interface, 0, at);
    for (unsigned role = 0; role < TVN_ROLE_COUNT; role++) {
        if (tvn_str_is(plain, interfaces[role])) {
            *out_role = (enum tvn_role)role;
            return true;
        }
    }
    return false;
}
