/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The resource manager: pools, table, ownership. One per process; each worker (thread) brings its
 * own magazine, so the common acquire and release take no lock and no atomic read-modify-write.
 * What a buffer can do is in resources/buffer.h, acquire and release in resources/magazine.h.
 *
 * Life: create → magazines → buffers come and go → magazines destroyed → destroy, with every buffer
 * back.
 */
#include "resources/buffer.h"
#include "resources/magazine.h"

#include <stddef.h>

/* The largest max_buffer_bytes. */
#define TVN_BUFFER_BYTES_MAX (1u << 30)

enum tvn_exhaustion_policy { TVN_EXHAUSTION_FALLBACK_ALLOC, TVN_EXHAUSTION_ERROR };

/*
 * Looks for faults of the host itself, at a price: with any of these on, every buffer takes the
 * slow way through the pool. A zeroed struct is off.
 */
struct tvn_resources_debug {
    bool poison;    /* fills a buffer that went back, so that whoever still reads it notices */
    bool integrity; /* aborts when a free buffer was written to; means poison, too */
    uint32_t fail_one_in; /* one of so many allocations fails, at random; 0: none */
    uint64_t seed;        /* of these failures */
};

struct tvn_resources_options {
    uint32_t pool_sizes[TVN_TIER_DIRECT]; /* buffers per tier */
    enum tvn_exhaustion_policy exhaustion_policy;
    uint64_t max_buffer_bytes; /* beyond: TVN_E_CAPACITY_EXCEEDED */
    struct tvn_resources_debug debug;
};
void tvn_resources_options_default(
    struct tvn_resources_options *options); /* the configuration reference's values */

/*
 * COLD PATH. Address space of every tier is reserved at once, memory touched on first use.
 * TVN_E_CONSTRAINT_VIOLATION when the pools have more than TVN_BUFFERS_MAX buffers together or
 * max_buffer_bytes is out of range, TVN_E_OUT_OF_MEMORY.
 */
TVN_NODISCARD enum tvn_status tvn_resources_create(const struct tvn_resources_options *options,
                                                   struct tvn_resources **out_resources);
/* Every buffer must be back in the pools (asserted) and every magazine destroyed. NULL is allowed.
 */
void tvn_resources_destroy(struct tvn_resources *resources);
TVN_DEFINE_CLEANUP(tvn_resources, tvn_resources_destroy)

/* WARM PATH. tvn_magazine_find for those who have no magazine. */
TVN_NODISCARD enum tvn_status tvn_buffer_find(struct tvn_resources *resources,
                                              struct tvn_buffer_id id,
                                              struct tvn_buffer **out_buffer);

struct tvn_tier_report {
    uint64_t buffer_bytes;
    uint64_t capacity;  /* buffers of the pool; of HUGE those made so far; 0 for DIRECT */
    uint64_t available; /* free, magazines included */
    uint64_t allocated; /* acquires since the start, fallbacks included */
    uint64_t returned;  /* to the pool; a fallback's memory goes back to the system */
    uint64_t fallbacks;
    uint64_t exhaustions;
};
/*
 * COLD PATH. May be called from any thread; the figures of one tier are read one after another, not
 * atomically. DIRECT has only allocated and returned: the fallbacks of all tiers together.
 */
void tvn_resources_report(struct tvn_resources *resources, enum tvn_tier tier,
                          struct tvn_tier_report *out_report);
/* Buffers not in a pool. For tests and for the end of a run; only exact while no flow runs. */
uint64_t tvn_resources_live_count(struct tvn_resources *resources);
