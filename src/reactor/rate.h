/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A token bucket in exact integers: a token comes in every 1/per_second seconds and at most `burst`
 * are kept; it starts full. In any time t no more than burst + t × per_second are taken.
 *
 * Threads: the one that runs the flow. Memory: none. Limits: 1 ≤ per_second ≤ TVN_RATE_MAX, burst
 * ≥ 1.
 */
#include <stdbool.h>
#include <stdint.h>

#define TVN_RATE_MAX UINT64_C(1000000000) /* one a nanosecond, the resolution of the clock */

struct tvn_rate {
    uint64_t per_second; /* 0: no limit; then none of the functions below may be called */
    uint64_t level;      /* in parts of which TVN_RATE_MAX make a token: per_second come in a ns */
    uint64_t burst;
    uint64_t at_ns; /* of the level */
};

/* COLD PATH. A burst of 0 is what 10 ms bring, at least 1. False when out of limits. */
bool tvn_rate_init(struct tvn_rate *rate, uint64_t per_second, uint32_t burst);
/* WARM PATH. Tokens at this time, which never goes back. */
uint64_t tvn_rate_tokens(struct tvn_rate *rate, uint64_t now_ns);
/* WARM PATH. When the next token is there, after tvn_rate_tokens found none. */
uint64_t tvn_rate_next_ns(const struct tvn_rate *rate);
/* HOT PATH. Not without a token. */
void tvn_rate_take(struct tvn_rate *rate);
