/* SPDX-License-Identifier: Apache-2.0 */
#include "observability/span_ring.h"

#include "base/assert.h"
#include "base/mem.h"

struct tvn_span_ring {
    uint32_t capacity;
    uint32_t next; /* to write */
    uint32_t count;
    struct tvn_span_record records[];
};

struct tvn_span_ring *tvn_span_ring_create(uint32_t capacity)
{
    tvn_assert(capacity > 0 && capacity <= TVN_SPAN_RING_MAX);
    struct tvn_span_ring *ring = tvn_calloc(1, sizeof(*ring) + capacity * sizeof(ring->records[0]));
    if (ring) {
        ring->capacity = capacity;
    }
    return ring;
}

void tvn_span_ring_destroy(struct tvn_span_ring *ring)
{
    tvn_free(ring);
}

struct tvn_span_record *tvn_span_ring_add(struct tvn_span_ring *ring)
{
    struct tvn_span_record *record = &ring->records[ring->next];
    ring->next = ring->next + 1 == ring->capacity ? 0 : ring->next + 1;
    ring->count += ring->count < ring->capacity ? 1 : 0;
    return record;
}

struct tvn_span_record *tvn_span_ring_take(struct tvn_span_ring *ring)
{
    if (ring->count == 0) {
        return NULL;
    }
    uint32_t oldest = ring->next >= ring->count ? ring->next - ring->count
                                                : ring->next + ring->capacity - ring->count;
    ring->count--;
    return &ring->records[oldest];
}

uint32_t tvn_span_ring_count(const struct tvn_span_ring *ring)
{
    return ring->count;
}
