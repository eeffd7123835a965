/* SPDX-License-Identifier: Apache-2.0 */
#include "security/guard.h"

#include "base/assert.h"
#include "security/capability.h"

void tvn_guard_init(struct tvn_guard *guard, const struct tvn_sandbox *sandbox,
                    tvn_guard_denied denied, void *context)
{
    tvn_assert(guard);
    tvn_assert(sandbox);
    *guard = (struct tvn_guard){.sandbox = sandbox, .denied = denied, .context = context};
    for (size_t i = 0; i < sandbox->grant_count; i++) {
        const struct tvn_grant *grant = &sandbox->grants[i];
        tvn_assert(grant->capability < TVN_CAP_COUNT);
        guard->any[grant->capability] |= grant->scope == NULL;
    }
}

static bool covered(const struct tvn_sandbox *sandbox, enum tvn_capability capability,
                    const char *scope)
{
    for (size_t i = 0; i < sandbox->grant_count; i++) {
        if (tvn_grant_covers(&sandbox->grants[i], capability, scope)) {
            return true;
        }
    }
    return false;
}

bool tvn_guard_check(struct tvn_guard *guard, enum tvn_capability capability, const char *scope)
{
    tvn_assert(guard);
    tvn_assert(capability < TVN_CAP_COUNT);
    if (TVN_LIKELY(guard->any[capability]) || covered(guard->sandbox, capability, scope)) {
        tvn_stat_add(&guard->exercised[capability], 1);
        return true;
    }
    tvn_stat_add(&guard->denials[capability], 1);
    if (guard->denied) {
        guard->denied(guard->context, guard, capability, scope);
    }
    return false;
}
