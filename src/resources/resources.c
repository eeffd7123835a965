/* SPDX-License-Identifier: Apache-2.0 */
#include "resources/resources.h"

#include "base/mem.h"
#include "resources/resources_internal.h"

#include <sys/mman.h>

static const uint32_t tier_bytes[TVN_TIER_DIRECT] = {256, 4096, 65536, 1048576};

void tvn_resources_options_default(struct tvn_resources_options *options)
{
    tvn_assert(options);
    *options = (struct tvn_resources_options){
        .pool_sizes = {4096, 1024, 256, 32},
        .exhaustion_policy = TVN_EXHAUSTION_FALLBACK_ALLOC,
        .max_buffer_bytes = 16u << 20,
    };
}

static enum tvn_status pool_init(struct tvn_pool *pool, uint32_t buffer_bytes, uint32_t size)
{
    pool->buffer_bytes = buffer_bytes;
    pool->size = size;
    if (size == 0) {
        return TVN_OK;
    }
    /* size ≤ 2^22 and buffer_bytes ≤ 2^20, so the product fits. */
    void *memory = mmap(NULL, (size_t)size * buffer_bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return TVN_E_OUT_OF_MEMORY;
    }
    pool->memory = memory;
    pool->free_slots = tvn_malloc(size * sizeof(struct tvn_buffer *));
    return pool->free_slots ? TVN_OK : TVN_E_OUT_OF_MEMORY;
}

static void pool_deinit(struct tvn_pool *pool)
{
    if (pool->memory) {
        munmap(pool->memory, (size_t)pool->size * pool->buffer_bytes);
    }
    tvn_free(pool->free_slots);
}

static bool options_valid(const struct tvn_resources_options *options)
{
    uint64_t total = 0;
    for (uint32_t tier = 0; tier < TVN_TIER_DIRECT; tier++) {
        total += options->pool_sizes[tier];
    }
    return total <= TVN_BUFFERS_MAX && options->max_buffer_bytes >= 1 &&
           options->max_buffer_bytes <= TVN_BUFFER_BYTES_MAX;
}

enum tvn_status tvn_resources_create(const struct tvn_resources_options *options,
                                     struct tvn_resources **out_resources)
{
    tvn_assert(options && out_resources);
    if (!options_valid(options)) {
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    TVN_AUTO(tvn_resources) resources = tvn_calloc(1, sizeof(*resources));
    if (!resources) {
        return TVN_E_OUT_OF_MEMORY;
    }
    resources->options = *options;
    resources->random = options->debug.seed;
    pthread_mutex_init(&resources->lock, NULL);
    TVN_TRY(tvn_buffer_table_init(&resources->table));
    for (uint32_t tier = 0; tier < TVN_TIER_DIRECT; tier++) {
        TVN_TRY(pool_init(&resources->pools[tier], tier_bytes[tier], options->pool_sizes[tier]));
    }
    *out_resources = TVN_TAKE(resources);
    return TVN_OK;
}

void tvn_resources_destroy(struct tvn_resources *resources)
{
    if (!resources) {
        return;
    }
    tvn_assert(!resources->magazines);
    tvn_assert(tvn_resources_live_count(resources) == 0);
    for (uint32_t tier = 0; tier < TVN_TIER_DIRECT; tier++) {
        pool_deinit(&resources->pools[tier]);
    }
    tvn_buffer_table_deinit(&resources->table);
    pthread_mutex_destroy(&resources->lock);
    tvn_free(resources);
}

enum tvn_status tvn_buffer_find(struct tvn_resources *resources, struct tvn_buffer_id id,
                                struct tvn_buffer **out_buffer)
{
    tvn_assert(resources && out_buffer);
    return tvn_buffer_slot_find(resources->table.slots, id, out_buffer);
}

/* Gives memory of the pool a slot. False when the table has none. */
static bool attach(struct tvn_resources *resources, enum tvn_tier tier, uint8_t *memory,
                   struct tvn_buffer **out_buffer)
{
    struct tvn_buffer *buffer;
    if (tvn_buffer_table_take(&resources->table, &buffer) != TVN_OK) {
        return false;
    }
    buffer->bytes = memory;
    buffer->capacity = resources->pools[tier].buffer_bytes;
    buffer->tier = (uint8_t)tier;
    *out_buffer = buffer;
    return true;
}

uint32_t tvn_pool_take(struct tvn_resources *resources, enum tvn_tier tier,
                       struct tvn_buffer **out_slots, uint32_t wanted)
{
    tvn_assert(resources && out_slots);
    tvn_assert(tier < TVN_TIER_DIRECT);
    struct tvn_pool *pool = &resources->pools[tier];
    uint32_t taken = 0;
    while (taken < wanted && pool->free_count > 0) {
        out_slots[taken++] = pool->free_slots[--pool->free_count];
    }
    while (taken < wanted && pool->made < pool->size) {
        uint8_t *memory = pool->memory + (size_t)pool->made * pool->buffer_bytes;
        if (!attach(resources, tier, memory, &out_slots[taken])) {
            break;
        }
        tvn_debug_poison(resources, out_slots[taken]); /* its slot may have served before */
        pool->made++;
        taken++;
    }
    return taken;
}

void tvn_pool_give(struct tvn_resources *resources, enum tvn_tier tier,
                   struct tvn_buffer *const *slots, uint32_t count)
{
    tvn_assert(resources && slots);
    tvn_assert(tier < TVN_TIER_DIRECT);
    struct tvn_pool *pool = &resources->pools[tier];
    tvn_assert(count <= pool->size - pool->free_count);
    memcpy(pool->free_slots + pool->free_count, slots, count * sizeof(slots[0]));
    pool->free_count += count;
}

void tvn_pool_retire(struct tvn_resources *resources, struct tvn_buffer *buffer)
{
    tvn_assert(resources && buffer);
    tvn_assert(buffer->state == TVN_BUFFER_POOLED);
    enum tvn_tier tier = (enum tvn_tier)buffer->tier;
    uint8_t *memory = TVN_TAKE(buffer->bytes);
    struct tvn_buffer *fresh;
    if (attach(resources, tier, memory, &fresh)) {
        tvn_pool_give(resources, tier, &fresh, 1);
    } else {
        resources->pools[tier].lost++;
    }
}

void tvn_resources_report(struct tvn_resources *resources, enum tvn_tier tier,
                          struct tvn_tier_report *out_report)
{
    tvn_assert(resources && out_report);
    tvn_assert((unsigned)tier < TVN_TIER_COUNT);
    pthread_mutex_lock(&resources->lock);
    uint64_t acquired = resources->acquired[tier];
    uint64_t released = resources->released[tier];
    uint64_t fallbacks = resources->fallbacks[tier];
    uint64_t exhaustions = resources->exhaustions[tier];
    for (struct tvn_magazine *magazine = resources->magazines; magazine;
         magazine = magazine->next) {
        /* Released before acquired: a difference read in between is never negative. */
        released += tvn_stat_get(&magazine->tiers[tier].released);
        acquired += tvn_stat_get(&magazine->tiers[tier].acquired);
        fallbacks += tvn_stat_get(&magazine->tiers[tier].fallbacks);
        exhaustions += tvn_stat_get(&magazine->exhaustions[tier]);
    }
    uint64_t capacity = 0;
    if (tier != TVN_TIER_DIRECT) {
        const struct tvn_pool *pool = &resources->pools[tier];
        capacity = (tier == TVN_TIER_HUGE ? pool->made : pool->size) - pool->lost;
    }
    pthread_mutex_unlock(&resources->lock);
    uint64_t live = acquired > released ? acquired - released : 0;
    *out_report = (struct tvn_tier_report){
        .buffer_bytes = tier == TVN_TIER_DIRECT ? 0 : tier_bytes[tier],
        .capacity = capacity,
        .available = capacity > live ? capacity - live : 0,
        .allocated = acquired + fallbacks,
        .returned = released,
        .fallbacks = fallbacks,
        .exhaustions = exhaustions,
    };
}

uint64_t tvn_resources_live_count(struct tvn_resources *resources)
{
    tvn_assert(resources);
    pthread_mutex_lock(&resources->lock);
    uint64_t acquired = 0;
    uint64_t released = 0;
    for (uint32_t tier = 0; tier < TVN_TIER_COUNT; tier++) {
        acquired += resources->acquired[tier];
        released += resources->released[tier];
        for (struct tvn_magazine *magazine = resources->magazines; magazine;
             magazine = magazine->next) {
            released += tvn_stat_get(&magazine->tiers[tier].released);
            acquired += tvn_stat_get(&magazine->tiers[tier].acquired);
        }
    }
    pthread_mutex_unlock(&resources->lock);
    return acquired - released;
}
