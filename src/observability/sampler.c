/* SPDX-License-Identifier: Apache-2.0 */
#include "observability/sampler.h"

#include "base/assert.h"

#include <math.h>

#define DISTANCE_MAX 1e15 /* so far that no flow gets there */

/* xorshift64*, as a number in (0, 1] */
static double draw(struct tvn_sampler *sampler)
{
    uint64_t x = sampler->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    sampler->random = x;
    return (double)((x * UINT64_C(2685821657736338717) >> 11) + 1) * 0x1p-53;
}

/* From 1 on; geometrically distributed. */
static uint64_t distance(struct tvn_sampler *sampler)
{
    if (sampler->rate >= 1) {
        return 1;
    }
    double drawn = floor(log(draw(sampler)) / sampler->log_not);
    return drawn < DISTANCE_MAX ? 1 + (uint64_t)drawn : (uint64_t)DISTANCE_MAX;
}

void tvn_sampler_init(struct tvn_sampler *sampler, double rate, uint64_t seed)
{
    tvn_assert(rate >= 0 && rate <= 1);
    *sampler = (struct tvn_sampler){
        .rate = rate,
        .log_not = log1p(-rate),
        .random = seed | 1,
        .next = TVN_SAMPLER_NEVER,
    };
    if (rate > 0) {
        sampler->next = distance(sampler) - 1;
    }
}

bool tvn_sampler_take(struct tvn_sampler *sampler, uint64_t sequence)
{
    if (sampler->next == TVN_SAMPLER_NEVER || sequence < sampler->next) {
        return false;
    }
    if (sequence > sampler->next) { /* the past says nothing about what comes */
        sampler->next = sequence + distance(sampler) - 1;
    }
    if (sequence != sampler->next) {
        return false;
    }
    sampler->next = sequence + distance(sampler);
    return true;
}
