/* SPDX-License-Identifier: Apache-2.0 */
#include "base/vec.h"

#include "base/assert.h"
#include "base/num.h"

#define VEC_CAPACITY_FIRST 8

enum tvn_status tvn_vec_grow(void **items, size_t count, size_t *capacity, size_t item_bytes,
                             size_t max_count)
{
    tvn_assert(items);
    tvn_assert(capacity);
    tvn_assert(item_bytes > 0);
    tvn_assert(count <= *capacity);
    if (count >= max_count) {
        return TVN_FULL;
    }
    if (count < *capacity) {
        return TVN_OK;
    }
    size_t wanted = *capacity == 0 ? VEC_CAPACITY_FIRST : *capacity;
    if (*capacity != 0 && !tvn_mul_size(wanted, 2, &wanted)) {
        wanted = max_count;
    }
    wanted = tvn_min(wanted, max_count);
    size_t bytes;
    if (!tvn_mul_size(wanted, item_bytes, &bytes)) {
        return TVN_E_OUT_OF_MEMORY;
    }
    void *grown = tvn_realloc(*items, bytes);
    if (!grown) {
        return TVN_E_OUT_OF_MEMORY;
    }
    *items = grown;
    *capacity = wanted;
    return TVN_OK;
}
