/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Head sampling: which elements of a flow are traced from the start. Each one with the same
 * probability, independently of the others. Not each is drawn for, only the distance to the next
 * one: an element that is not chosen costs nothing.
 *
 * Threads: one.
 */
#include <stdbool.h>
#include <stdint.h>

#define TVN_SAMPLER_NEVER UINT64_MAX

struct tvn_sampler {
    double rate;
    double log_not; /* ln(1 - rate) */
    uint64_t random;
    uint64_t next; /* sequence; TVN_SAMPLER_NEVER */
};

// COLD PATH. `rate` from 0 to 1.
void tvn_sampler_init(struct tvn_sampler *sampler, double rate, uint64_t seed);
/*
 * WARM PATH. Is the element chosen? Sequences grow. What lies between two calls was not chosen,
 * even if it was next: nobody looked.
 */
bool tvn_sampler_take(struct tvn_sampler *sampler, uint64_t sequence);
/* The next one that is chosen, if nobody misses it. */
static inline uint64_t tvn_sampler_next(const struct tvn_sampler *sampler)
{
    return sampler->next;
}
