/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The resource manager's own struct, shared by resources.c and magazine.c. */
#include "resources/resources.h"

#include <pthread.h>

/* The shared free list of one tier. Slots are made on demand, in the order of their memory. */
struct tvn_pool {
    uint8_t *memory; /* size × buffer_bytes, reserved */
    uint32_t buffer_bytes;
    uint32_t size;
    uint32_t made;
    uint32_t lost; /* memory without a slot: the table was full when one was retired */
    uint32_t free_count;
    struct tvn_buffer **free_slots; /* size entries */
};

struct tvn_resources {
    pthread_mutex_t lock; /* everything below but the options and made slots of the table */
    struct tvn_resources_options options;
    struct tvn_buffer_table table;
    struct tvn_pool pools[TVN_TIER_DIRECT];
    struct tvn_magazine *magazines;
    uint64_t random; /* state of debug.fail_one_in */
    /* Sums of destroyed magazines. */
    uint64_t acquired[TVN_TIER_COUNT];
    uint64_t released[TVN_TIER_COUNT];
    uint64_t fallbacks[TVN_TIER_COUNT];
    uint64_t exhaustions[TVN_TIER_COUNT];
};

/* All four want the lock held. */

/* Moves up to `wanted` free slots into `out_slots`; returns how many. */
uint32_t tvn_pool_take(struct tvn_resources *resources, enum tvn_tier tier,
                       struct tvn_buffer **out_slots, uint32_t wanted);
void tvn_pool_give(struct tvn_resources *resources, enum tvn_tier tier,
                   struct tvn_buffer *const *slots, uint32_t count);
/* The slot's memory moves to a fresh slot, which is put on the free list; the old slot is never
 * used again. */
void tvn_pool_retire(struct tvn_resources *resources, struct tvn_buffer *buffer);

/* debug.c. */
#define TVN_BUFFER_POISON 0xdb
static inline bool tvn_resources_debugging(const struct tvn_resources *resources)
{
    const struct tvn_resources_debug *debug = &resources->options.debug;
    return debug->poison || debug->integrity || debug->fail_one_in > 0;
}
/* True when this allocation is to fail. Wants the lock held. */
bool tvn_debug_fails(struct tvn_resources *resources);
/* Before a buffer of a pool goes back. */
void tvn_debug_poison(const struct tvn_resources *resources, struct tvn_buffer *buffer);
/* Before a buffer of a pool is used again: aborts when it is not as tvn_debug_poison left it. */
void tvn_debug_check(const struct tvn_resources *resources, const struct tvn_buffer *buffer);
