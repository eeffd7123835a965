/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* xoshiro256++ seeded by splitmix64: a stream of numbers per flow, stage and schedule, so that
 * leaving one out does not change the others. */
#include "base/assert.h"

#include <stdbool.h>
#include <stdint.h>

struct tvn_sim_random {
    uint64_t state[4];
};

static inline uint64_t tvn_sim_mix(uint64_t value)
{
    value += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

static inline struct tvn_sim_random tvn_sim_random_of(uint64_t seed, uint64_t stream)
{
    struct tvn_sim_random random;
    uint64_t value = tvn_sim_mix(seed) ^ tvn_sim_mix(~stream);
    for (unsigned i = 0; i < 4; i++) {
        value = tvn_sim_mix(value + i);
        random.state[i] = value;
    }
    random.state[0] |= 1; /* not all zero */
    return random;
}

static inline uint64_t tvn_sim_rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static inline uint64_t tvn_sim_next(struct tvn_sim_random *random)
{
    uint64_t *s = random->state;
    uint64_t result = tvn_sim_rotate(s[0] + s[3], 23) + s[0];
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = tvn_sim_rotate(s[3], 45);
    return result;
}

/* 0 … bound - 1; the bias of a bound far below 2^32 does not matter here. */
static inline uint32_t tvn_sim_below(struct tvn_sim_random *random, uint32_t bound)
{
    tvn_assert(bound > 0);
    return (uint32_t)((tvn_sim_next(random) >> 32) * bound >> 32);
}

/* first … last. */
static inline uint32_t tvn_sim_between(struct tvn_sim_random *random, uint32_t first, uint32_t last)
{
    return first + tvn_sim_below(random, last - first + 1);
}

/* True with probability rate / 65536. */
static inline bool tvn_sim_chance(struct tvn_sim_random *random, uint32_t rate)
{
    return (tvn_sim_next(random) >> 48) < rate;
}

/* Mostly small numbers up to `last`: every order of magnitude is as likely. */
static inline uint32_t tvn_sim_skewed(struct tvn_sim_random *random, uint32_t last)
{
    uint32_t bits = 0;
    while (bits < 31 && (UINT32_C(1) << bits) <= last) {
        bits++;
    }
    uint32_t limit = (UINT32_C(1) << tvn_sim_below(random, bits + 1)) - 1;
    return tvn_sim_below(random, (limit < last ? limit : last) + 1);
}
