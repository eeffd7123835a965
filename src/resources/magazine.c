/* SPDX-License-Identifier: Apache-2.0 */
#include "resources/magazine.h"

#include "base/mem.h"
#include "base/num.h"
#include "resources/resources_internal.h"

/* A magazine takes at most this part of a pool. */
#define POOL_SHARE 8

struct tvn_magazine *tvn_magazine_create(struct tvn_resources *resources)
{
    tvn_assert(resources);
    struct tvn_magazine *magazine =
        tvn_aligned_alloc(alignof(struct tvn_magazine), sizeof(*magazine));
    if (!magazine) {
        return NULL;
    }
    memset(magazine, 0, sizeof(*magazine));
    magazine->resources = resources;
    magazine->slots = resources->table.slots;
    magazine->max_buffer_bytes = resources->options.max_buffer_bytes;
    for (uint32_t tier = 0; tier < TVN_TIER_DIRECT; tier++) {
        uint32_t share = resources->pools[tier].size / POOL_SHARE;
        magazine->tiers[tier].capacity = tvn_max(tvn_min(share, TVN_MAGAZINE_SLOTS_MAX), 1u);
        if (tvn_resources_debugging(resources)) {
            magazine->tiers[tier].capacity = 0; /* every acquire and release comes to us */
        }
    }
    pthread_mutex_lock(&resources->lock);
    magazine->next = resources->magazines;
    if (magazine->next) {
        magazine->next->previous = magazine;
    }
    resources->magazines = magazine;
    pthread_mutex_unlock(&resources->lock);
    return magazine;
}

void tvn_magazine_destroy(struct tvn_magazine *magazine)
{
    if (!magazine) {
        return;
    }
    struct tvn_resources *resources = magazine->resources;
    pthread_mutex_lock(&resources->lock);
    for (uint32_t tier = 0; tier < TVN_TIER_COUNT; tier++) {
        struct tvn_magazine_tier *cache = &magazine->tiers[tier];
        if (cache->count > 0) {
            tvn_pool_give(resources, (enum tvn_tier)tier, magazine->free[tier], cache->count);
        }
        resources->acquired[tier] += tvn_stat_get(&cache->acquired);
        resources->released[tier] += tvn_stat_get(&cache->released);
        resources->fallbacks[tier] += tvn_stat_get(&cache->fallbacks);
        resources->exhaustions[tier] += tvn_stat_get(&magazine->exhaustions[tier]);
    }
    if (magazine->previous) {
        magazine->previous->next = magazine->next;
    } else {
        tvn_assert(resources->magazines == magazine);
        resources->magazines = magazine->next;
    }
    if (magazine->next) {
        magazine->next->previous = magazine->previous;
    }
    pthread_mutex_unlock(&resources->lock);
    tvn_free(magazine);
}

/* Memory of its own for one use. `tier` is the one that could not serve. */
static enum tvn_status acquire_direct(struct tvn_magazine *magazine, enum tvn_tier tier,
                                      uint64_t capacity_bytes, struct tvn_buffer **out_buffer)
{
    struct tvn_resources *resources = magazine->resources;
    tvn_stat_add(&magazine->exhaustions[tier], 1);
    if (resources->options.exhaustion_policy == TVN_EXHAUSTION_ERROR) {
        return TVN_E_POOL_EXHAUSTED;
    }
    size_t size = tvn_max((size_t)capacity_bytes, (size_t)1);
    if (tier != TVN_TIER_HUGE || capacity_bytes <= resources->pools[TVN_TIER_HUGE].buffer_bytes) {
        size = resources->pools[tier].buffer_bytes; /* what the pool would have given */
    }
    uint8_t *bytes = tvn_malloc(size);
    if (!bytes) {
        return TVN_E_ALLOCATION_FAILED;
    }
    pthread_mutex_lock(&resources->lock);
    struct tvn_buffer *buffer;
    enum tvn_status status = tvn_buffer_table_take(&resources->table, &buffer);
    pthread_mutex_unlock(&resources->lock);
    if (status != TVN_OK) {
        tvn_free(bytes);
        return TVN_E_ALLOCATION_FAILED;
    }
    buffer->bytes = bytes;
    buffer->capacity = (uint32_t)size;
    buffer->tier = TVN_TIER_DIRECT;
    tvn_stat_add(&magazine->tiers[tier].fallbacks, 1);
    tvn_stat_add(&magazine->tiers[TVN_TIER_DIRECT].acquired, 1);
    *out_buffer = buffer;
    return TVN_OK;
}

/* One buffer straight from the pool, after the debug switches had their say. */
TVN_COLD static enum tvn_status acquire_debugged(struct tvn_magazine *magazine, enum tvn_tier tier,
                                                 uint64_t capacity_bytes,
                                                 struct tvn_buffer **out_buffer)
{
    struct tvn_resources *resources = magazine->resources;
    struct tvn_buffer *buffer = NULL;
    pthread_mutex_lock(&resources->lock);
    bool fails = tvn_debug_fails(resources);
    uint32_t taken =
        fails || tier == TVN_TIER_DIRECT ? 0 : tvn_pool_take(resources, tier, &buffer, 1);
    pthread_mutex_unlock(&resources->lock);
    if (fails) {
        return TVN_E_ALLOCATION_FAILED;
    }
    if (taken == 0) {
        return acquire_direct(magazine, tier == TVN_TIER_DIRECT ? TVN_TIER_HUGE : tier,
                              capacity_bytes, out_buffer);
    }
    tvn_debug_check(resources, buffer);
    tvn_stat_add(&magazine->tiers[tier].acquired, 1);
    *out_buffer = buffer;
    return TVN_OK;
}

/* A free buffer for which the magazine's own do not do. */
static enum tvn_status take_free(struct tvn_magazine *magazine, uint64_t capacity_bytes,
                                 struct tvn_buffer **out_buffer)
{
    enum tvn_tier tier = tvn_tier_for(capacity_bytes);
    struct tvn_magazine_tier *cache = &magazine->tiers[tier];
    tvn_assert(cache->count == 0);
    if (TVN_UNLIKELY(tvn_resources_debugging(magazine->resources))) {
        return acquire_debugged(magazine, tier, capacity_bytes, out_buffer);
    }
    if (tier == TVN_TIER_DIRECT) { /* counted as the largest tier's fallback */
        return acquire_direct(magazine, TVN_TIER_HUGE, capacity_bytes, out_buffer);
    }
    struct tvn_resources *resources = magazine->resources;
    pthread_mutex_lock(&resources->lock);
    cache->count = tvn_pool_take(resources, tier, magazine->free[tier], cache->capacity / 2 + 1);
    pthread_mutex_unlock(&resources->lock);
    tvn_assert(cache->count <= cache->capacity);
    if (cache->count == 0) {
        return acquire_direct(magazine, tier, capacity_bytes, out_buffer);
    }
    *out_buffer = magazine->free[tier][--cache->count];
    tvn_stat_add(&cache->acquired, 1);
    return TVN_OK;
}

enum tvn_status tvn_buffer_acquire_slow(struct tvn_magazine *magazine, uint64_t capacity_bytes,
                                        tvn_owner owner, struct tvn_budget *budget,
                                        struct tvn_buffer **out_buffer)
{
    tvn_assert(magazine && out_buffer);
    if (capacity_bytes > magazine->max_buffer_bytes) {
        return TVN_E_CAPACITY_EXCEEDED;
    }
    struct tvn_buffer *buffer;
    enum tvn_status status = take_free(magazine, capacity_bytes, &buffer);
    if (status != TVN_OK) {
        return status;
    }
    tvn_assert(buffer->capacity >= capacity_bytes);
    bool charged = tvn_budget_charge(budget, buffer->capacity);
    tvn_buffer_own(buffer, owner, charged ? budget : NULL);
    if (!charged) {
        tvn_magazine_release_slow(magazine, buffer);
        return TVN_E_BUDGET_EXCEEDED;
    }
    *out_buffer = buffer;
    return TVN_OK;
}

/* Makes room for one slot by giving the older half back. */
static void flush_half(struct tvn_magazine *magazine, enum tvn_tier tier)
{
    struct tvn_magazine_tier *cache = &magazine->tiers[tier];
    struct tvn_buffer **buffers = magazine->free[tier];
    uint32_t given = cache->count / 2 + 1;
    tvn_assert(given <= cache->count);
    tvn_pool_give(magazine->resources, tier, buffers, given);
    cache->count -= given;
    memmove(buffers, buffers + given, cache->count * sizeof(struct tvn_buffer *));
}

void tvn_magazine_release_slow(struct tvn_magazine *magazine, struct tvn_buffer *buffer)
{
    tvn_assert(magazine && buffer);
    tvn_assert(buffer->state != TVN_BUFFER_POOLED && buffer->holders == 1 && buffer->borrows == 0);
    struct tvn_resources *resources = magazine->resources;
    enum tvn_tier tier = (enum tvn_tier)buffer->tier;
    struct tvn_magazine_tier *cache = &magazine->tiers[tier];
    uint8_t *direct_bytes = NULL;

    tvn_budget_discharge(buffer->budget, buffer->capacity);
    buffer->budget = NULL;
    buffer->holders = 0;
    tvn_buffer_next_generation(buffer);
    tvn_assert(tvn_buffer_generation(tvn_buffer_id_of(buffer)) != 0);
    tvn_buffer_set_state(buffer, TVN_BUFFER_POOLED);
    tvn_stat_add(&cache->released, 1);

    bool debugging = tvn_resources_debugging(resources);
    if (TVN_UNLIKELY(debugging) && tier != TVN_TIER_DIRECT) {
        tvn_debug_poison(resources, buffer);
    }
    pthread_mutex_lock(&resources->lock);
    if (tier == TVN_TIER_DIRECT) {
        direct_bytes = TVN_TAKE(buffer->bytes);
        tvn_buffer_table_give(&resources->table, buffer);
    } else if (tvn_buffer_is_used_up(buffer)) {
        tvn_pool_retire(resources, buffer);
    } else if (TVN_UNLIKELY(debugging)) {
        tvn_pool_give(resources, tier, &buffer, 1);
    } else {
        if (cache->count == cache->capacity) {
            flush_half(magazine, tier);
        }
        magazine->free[tier][cache->count++] = buffer;
    }
    pthread_mutex_unlock(&resources->lock);
    tvn_free(direct_bytes);
}
