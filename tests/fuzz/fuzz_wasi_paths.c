/* SPDX-License-Identifier: Apache-2.0 */
#include "wasi_paths.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    wasi_paths_once(data, size);
    return 0;
}
