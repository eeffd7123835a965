/* SPDX-License-Identifier: Apache-2.0 */
#include "types/sandbox.h"

#include "base/assert.h"

bool tvn_sandbox_has(const struct tvn_sandbox *sandbox, enum tvn_capability capability)
{
    tvn_assert(sandbox);
    tvn_assert(sandbox->grants || sandbox->grant_count == 0);
    tvn_assert((unsigned)capability < TVN_CAP_COUNT);
    for (size_t i = 0; i < sandbox->grant_count; i++) {
        if (sandbox->grants[i].capability == capability) {
            return true;
        }
    }
    return false;
}
