/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A worker's cache of free buffers, per tier: acquiring pops, releasing pushes. Empty or full
 * magazines exchange half their size with the pools under the resource manager's lock.
 *
 * Threads: one thread at a time; its counters may be read by any.
 * Memory: fixed. A small pool's magazines are small, so that few buffers lie idle in other workers'
 * magazines.
 */
#include "resources/table.h"
#include "types/flow_stats.h"

#define TVN_MAGAZINE_SLOTS_MAX 64

struct tvn_resources;
struct tvn_magazine;

struct tvn_magazine_tier {
    uint32_t count;    /* of free buffers */
    uint32_t capacity; /* 0 for DIRECT: always the slow path */
    tvn_stat acquired;
    tvn_stat released;
    tvn_stat fallbacks;
};

/* Shown for the inline functions below; nobody else looks inside. */
struct tvn_magazine {
    /* One cache line up to the small tier, which most elements use. */
    alignas(64) struct tvn_buffer *slots; /* the table's */
    uint64_t max_buffer_bytes;
    struct tvn_magazine_tier tiers[TVN_TIER_COUNT];
    struct tvn_buffer *free[TVN_TIER_COUNT][TVN_MAGAZINE_SLOTS_MAX];
    tvn_stat exhaustions[TVN_TIER_COUNT];
    struct tvn_resources *resources;
    struct tvn_magazine *previous;
    struct tvn_magazine *next;
};
static_assert(offsetof(struct tvn_magazine, tiers[1]) <= 64, "the small tier's line");

// COLD PATH. NULL when memory is exhausted.
TVN_NODISCARD struct tvn_magazine *tvn_magazine_create(struct tvn_resources *resources);
void tvn_magazine_destroy(struct tvn_magazine *magazine); /* gives what it caches back */
TVN_DEFINE_CLEANUP(tvn_magazine, tvn_magazine_destroy)

/* The slow halves of the functions below; not to be called otherwise. */
TVN_NODISCARD enum tvn_status tvn_buffer_acquire_slow(struct tvn_magazine *magazine,
                                                      uint64_t capacity_bytes, tvn_owner owner,
                                                      struct tvn_budget *budget,
                                                      struct tvn_buffer **out_buffer);
void tvn_magazine_release_slow(struct tvn_magazine *magazine, struct tvn_buffer *buffer);

static inline enum tvn_tier tvn_tier_for(uint64_t capacity_bytes)
{
    if (capacity_bytes <= 256) {
        return TVN_TIER_SMALL;
    }
    if (capacity_bytes <= 4096) {
        return TVN_TIER_MEDIUM;
    }
    if (capacity_bytes <= 65536) {
        return TVN_TIER_LARGE;
    }
    return capacity_bytes <= 1048576 ? TVN_TIER_HUGE : TVN_TIER_DIRECT;
}

/* A free buffer, charged to `budget` already, has an owner. */
static inline void tvn_buffer_own(struct tvn_buffer *buffer, tvn_owner owner,
                                  struct tvn_budget *budget)
{
    tvn_debug_assert(buffer->state == TVN_BUFFER_POOLED && buffer->borrows == 0 &&
                     buffer->holders == 0);
    buffer->length = 0;
    buffer->owner = owner;
    buffer->content_type = 0;
    buffer->holders = 1;
    buffer->frozen = false;
    buffer->budget = budget;
    tvn_buffer_set_state(buffer, TVN_BUFFER_OWNED);
}

/*
 * HOT PATH. A buffer of at least `capacity_bytes`, length 0, Owned by `owner`, charged to `budget`
 * (may be NULL), one holder, of those that the magazine holds. TVN_E_BUDGET_EXCEEDED; TVN_EMPTY
 * when only tvn_buffer_acquire can tell.
 */
TVN_NODISCARD static inline enum tvn_status
tvn_buffer_acquire_held(struct tvn_magazine *magazine, uint64_t capacity_bytes, tvn_owner owner,
                        struct tvn_budget *budget, struct tvn_buffer **out_buffer)
{
    enum tvn_tier tier = tvn_tier_for(capacity_bytes);
    struct tvn_magazine_tier *cache = &magazine->tiers[tier];
    uint32_t count = cache->count;
    if (TVN_UNLIKELY(capacity_bytes > magazine->max_buffer_bytes || count == 0)) {
        return TVN_EMPTY;
    }
    struct tvn_buffer *buffer = magazine->free[tier][count - 1];
    tvn_debug_assert(buffer->capacity >= capacity_bytes);
    if (TVN_UNLIKELY(!tvn_budget_charge(budget, buffer->capacity))) {
        return TVN_E_BUDGET_EXCEEDED;
    }
    cache->count = count - 1;
    tvn_stat_add(&cache->acquired, 1);
    tvn_buffer_own(buffer, owner, budget);
    *out_buffer = buffer;
    return TVN_OK;
}

/*
 * HOT PATH. The same from wherever there is one. TVN_E_BUDGET_EXCEEDED, TVN_E_CAPACITY_EXCEEDED
 * (over max_buffer_bytes), TVN_E_POOL_EXHAUSTED (policy error), TVN_E_ALLOCATION_FAILED.
 */
TVN_NODISCARD static inline enum tvn_status
tvn_buffer_acquire(struct tvn_magazine *magazine, uint64_t capacity_bytes, tvn_owner owner,
                   struct tvn_budget *budget, struct tvn_buffer **out_buffer)
{
    enum tvn_status status =
        tvn_buffer_acquire_held(magazine, capacity_bytes, owner, budget, out_buffer);
    return TVN_LIKELY(status != TVN_EMPTY)
               ? status
               : tvn_buffer_acquire_slow(magazine, capacity_bytes, owner, budget, out_buffer);
}

/*
 * HOT PATH. One holder less; the last one pools it: generation bumped, budget discharged. Asserts
 * no borrows when the last holder goes; callers that serve guests ask tvn_buffer_may_release first.
 */
static inline void tvn_buffer_release(struct tvn_magazine *magazine, struct tvn_buffer *buffer)
{
    tvn_assert(buffer->state != TVN_BUFFER_POOLED);
    if (TVN_UNLIKELY(buffer->holders != 1)) {
        tvn_assert(buffer->holders > 0);
        buffer->holders--;
        return;
    }
    tvn_assert(buffer->borrows == 0);
    size_t tier = buffer->tier;
    struct tvn_magazine_tier *cache = &magazine->tiers[tier];
    uint32_t count = cache->count;
    if (TVN_UNLIKELY(count == cache->capacity || tvn_buffer_generation(tvn_buffer_id_of(buffer)) >=
                                                     TVN_BUFFER_GENERATION_LAST)) {
        tvn_magazine_release_slow(magazine, buffer);
        return;
    }
    tvn_budget_discharge(buffer->budget, buffer->capacity);
    buffer->budget = NULL;
    buffer->holders = 0;
    tvn_buffer_next_generation(buffer);
    tvn_buffer_set_state(buffer, TVN_BUFFER_POOLED);
    magazine->free[tier][count] = buffer;
    cache->count = count + 1;
    tvn_stat_add(&cache->released, 1);
}

/*
 * HOT PATH. The buffer of an id. TVN_E_NOT_OWNER for an index that never existed,
 * TVN_E_STALE_HANDLE for another generation or a pooled buffer. The same as tvn_buffer_find without
 * a call.
 */
TVN_NODISCARD static inline enum tvn_status tvn_magazine_find(struct tvn_magazine *magazine,
                                                              struct tvn_buffer_id id,
                                                              struct tvn_buffer **out_buffer)
{
    return tvn_buffer_slot_find(magazine->slots, id, out_buffer);
}
