/* SPDX-License-Identifier: Apache-2.0 */
#include "reactor/queue.h"

#include "base/mem.h"

const char *tvn_overflow_policy_name(enum tvn_overflow_policy policy)
{
    static const char *const names[] = {
        [TVN_OVERFLOW_BLOCK] = "block",
        [TVN_OVERFLOW_DROP_OLDEST] = "drop-oldest",
        [TVN_OVERFLOW_DROP_NEWEST] = "drop-newest",
        [TVN_OVERFLOW_ERROR] = "error",
        [TVN_OVERFLOW_RATE_LIMIT] = "rate-limit",
    };
    tvn_assert((unsigned)policy < TVN_ARRAY_LEN(names));
    return names[policy];
}

enum tvn_status tvn_queue_init(struct tvn_queue *queue, uint32_t capacity,
                               double low_watermark_ratio)
{
    tvn_assert(queue);
    /* Written so that a NaN is refused. */
    bool ratio_valid = low_watermark_ratio >= 0.0 && low_watermark_ratio <= 1.0;
    if (capacity < 1 || capacity > TVN_QUEUE_CAPACITY_MAX || !ratio_valid) {
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    struct tvn_element *slots =
        tvn_aligned_alloc(sizeof(struct tvn_element), capacity * sizeof(struct tvn_element));
    if (!slots) {
        return TVN_E_OUT_OF_MEMORY;
    }
    uint32_t low_mark = (uint32_t)(low_watermark_ratio * (double)capacity);
    *queue = (struct tvn_queue){
        .slots = slots,
        .capacity = capacity,
        .low_mark = low_mark < capacity ? low_mark : capacity - 1, /* as soon as there is room */
    };
    return TVN_OK;
}

enum tvn_status tvn_queue_limit_bytes(struct tvn_queue *queue, uint64_t max_bytes,
                                      double low_watermark_ratio)
{
    tvn_assert(queue && queue->slots);
    tvn_assert(queue->count == 0 && !queue->sizes);
    bool ratio_valid = low_watermark_ratio >= 0.0 && low_watermark_ratio <= 1.0;
    if (max_bytes < 1 || max_bytes > TVN_QUEUE_BYTES_MAX || !ratio_valid) {
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    queue->sizes = tvn_calloc(queue->capacity, sizeof(*queue->sizes));
    if (!queue->sizes) {
        return TVN_E_OUT_OF_MEMORY;
    }
    uint64_t low_bytes = (uint64_t)(low_watermark_ratio * (double)max_bytes);
    queue->max_bytes = max_bytes;
    queue->low_bytes = low_bytes < max_bytes ? low_bytes : max_bytes - 1;
    return TVN_OK;
}

void tvn_queue_deinit(struct tvn_queue *queue)
{
    tvn_assert(queue);
    tvn_assert(queue->count == 0);
    tvn_free(queue->sizes);
    tvn_free(queue->slots);
    *queue = (struct tvn_queue){0};
}
