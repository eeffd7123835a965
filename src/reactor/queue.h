/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Bounded queue of elements between two stages of one flow, with the watermarks of its
 * back-pressure: throttled from the push that makes it full until the pop that leaves low_mark
 * elements or fewer.
 *
 * A queue may be bounded in bytes, too: then it is also full when it holds max_bytes, relieved only
 * when low_bytes or less are left, and the sized functions must be used. An element fits when the
 * sum does not exceed max_bytes, or when the queue is empty.
 *
 * Threads: owned by the thread that runs the flow; no locking.
 * Memory:  init allocates every slot; push and pop never allocate. Elements are stored by value.
 * Limits:  1 ≤ capacity ≤ TVN_QUEUE_CAPACITY_MAX; low_mark < capacity; low_bytes < max_bytes.
 */
#include "base/assert.h"
#include "base/compiler.h"
#include "base/status.h"
#include "types/element.h"

#include <stdbool.h>
#include <stdint.h>

#define TVN_QUEUE_CAPACITY_MAX (1u << 20)
#define TVN_QUEUE_BYTES_MAX    (UINT64_C(1) << 50)

/* What becomes of an element that meets a full queue. */
enum tvn_overflow_policy {
    TVN_OVERFLOW_BLOCK,       /* the producer is not asked for one */
    TVN_OVERFLOW_DROP_OLDEST, /* the queue's first element makes room */
    TVN_OVERFLOW_DROP_NEWEST, /* it is dropped */
    TVN_OVERFLOW_ERROR,       /* the producing stage fails with E0412 */
    TVN_OVERFLOW_RATE_LIMIT,  /* as BLOCK; besides, the producer is held to a number a second */
};
const char *tvn_overflow_policy_name(enum tvn_overflow_policy policy); /* "drop-oldest" */

struct tvn_queue {
    struct tvn_element *slots;
    uint32_t capacity;
    uint32_t low_mark;
    uint32_t head;
    uint32_t count;
    bool throttled;
    uint32_t *sizes; /* of the payloads, slot by slot; NULL without a limit in bytes */
    uint64_t bytes;
    uint64_t max_bytes;
    uint64_t low_bytes;
};

// COLD PATH. low_watermark_ratio in [0, 1]. TVN_E_CONSTRAINT_VIOLATION, TVN_E_OUT_OF_MEMORY; then
// *queue is untouched.
TVN_NODISCARD enum tvn_status tvn_queue_init(struct tvn_queue *queue, uint32_t capacity,
                                             double low_watermark_ratio);
// COLD PATH. Bounds an empty queue in bytes, too; max_bytes ≥ 1. The same statuses.
TVN_NODISCARD enum tvn_status tvn_queue_limit_bytes(struct tvn_queue *queue, uint64_t max_bytes,
                                                    double low_watermark_ratio);
/* Must be empty: who drains it owns the elements. A zeroed queue is allowed. */
void tvn_queue_deinit(struct tvn_queue *queue);

static inline bool tvn_queue_is_full(const struct tvn_queue *queue)
{
    return queue->count == queue->capacity;
}

static inline bool tvn_queue_fits(const struct tvn_queue *queue, uint32_t bytes)
{
    return queue->count < queue->capacity &&
           (!queue->sizes || queue->count == 0 ||
            (queue->bytes <= queue->max_bytes && bytes <= queue->max_bytes - queue->bytes));
}

/* HOT PATH. Where the next element goes; write it, then tvn_queue_commit. Not when full. */
static inline struct tvn_element *tvn_queue_next_slot(struct tvn_queue *queue)
{
    tvn_assert(queue->count < queue->capacity);
    uint32_t tail = queue->head + queue->count;
    return &queue->slots[tail >= queue->capacity ? tail - queue->capacity : tail];
}
static inline void tvn_queue_commit(struct tvn_queue *queue)
{
    tvn_assert(queue->count < queue->capacity);
    queue->count++;
    if (queue->count == queue->capacity) {
        queue->throttled = true;
    }
}

/* HOT PATH. Copies the element in. TVN_FULL: nothing happened. */
TVN_NODISCARD static inline enum tvn_status tvn_queue_push(struct tvn_queue *queue,
                                                           const struct tvn_element *element)
{
    if (TVN_UNLIKELY(tvn_queue_is_full(queue))) {
        return TVN_FULL;
    }
    *tvn_queue_next_slot(queue) = *element;
    tvn_queue_commit(queue);
    return TVN_OK;
}

/* HOT PATH. The oldest element, valid until it is popped; NULL when empty. */
static inline struct tvn_element *tvn_queue_front(struct tvn_queue *queue)
{
    return queue->count > 0 ? &queue->slots[queue->head] : NULL;
}

/* The n-th element after the oldest one; n is below the count. */
static inline const struct tvn_element *tvn_queue_at(const struct tvn_queue *queue, uint32_t n)
{
    tvn_assert(n < queue->count);
    uint32_t at = queue->head + n;
    return &queue->slots[at >= queue->capacity ? at - queue->capacity : at];
}

/* HOT PATH. Not when empty. */
static inline void tvn_queue_pop(struct tvn_queue *queue)
{
    tvn_assert(queue->count > 0);
    queue->head = queue->head + 1 == queue->capacity ? 0 : queue->head + 1;
    queue->count--;
    if (queue->count <= queue->low_mark) {
        queue->throttled = false;
    }
}

/* The same for any queue; `bytes` is the payload's size, which only a limit in bytes asks for. */
static inline void tvn_queue_commit_sized(struct tvn_queue *queue, uint32_t bytes)
{
    if (queue->sizes) {
        queue->sizes[tvn_queue_next_slot(queue) - queue->slots] = bytes;
        queue->bytes += bytes;
        queue->throttled = queue->throttled || queue->bytes >= queue->max_bytes;
    }
    tvn_queue_commit(queue);
}
static inline void tvn_queue_pop_sized(struct tvn_queue *queue)
{
    bool throttled = queue->throttled;
    tvn_assert(queue->count > 0);
    if (queue->sizes) {
        tvn_assert(queue->bytes >= queue->sizes[queue->head]);
        queue->bytes -= queue->sizes[queue->head];
    }
    tvn_queue_pop(queue);
    if (queue->bytes > queue->low_bytes) {
        queue->throttled = throttled; /* still too many bytes */
    }
}

/* Slots from tvn_queue_next_slot on that lie in a row. */
static inline uint32_t tvn_queue_slots_in_a_row(const struct tvn_queue *queue)
{
    uint32_t tail = queue->head + queue->count;
    return tail >= queue->capacity ? queue->capacity - queue->count : queue->capacity - tail;
}
