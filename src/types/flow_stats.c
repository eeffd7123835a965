/* SPDX-License-Identifier: Apache-2.0 */
#include "types/flow_stats.h"

#include "base/assert.h"

const char *tvn_copy_reason_name(enum tvn_copy_reason reason)
{
    static const char *const names[TVN_COPY_REASON_COUNT] = {
        [TVN_COPY_METADATA_MARSHAL] = "MetadataMarshal",
        [TVN_COPY_PAYLOAD_READ] = "PayloadRead",
        [TVN_COPY_PAYLOAD_WRITE] = "PayloadWrite",
        [TVN_COPY_HOST_SERIALIZE] = "HostSerialize",
    };
    tvn_assert((unsigned)reason < TVN_COPY_REASON_COUNT);
    return names[reason];
}
