/* SPDX-License-Identifier: Apache-2.0 */
#include "canonical_lift.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    canonical_lift_once(data, size);
    return 0;
}
