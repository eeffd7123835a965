/* SPDX-License-Identifier: Apache-2.0 */
#include "reactor/rate.h"

#include "base/assert.h"
#include "base/num.h"

#define TOKEN        TVN_RATE_MAX
#define BURSTS_PER_S 100 /* of the default burst */

bool tvn_rate_init(struct tvn_rate *rate, uint64_t per_second, uint32_t burst)
{
    tvn_assert(rate);
    if (per_second < 1 || per_second > TVN_RATE_MAX) {
        return false;
    }
    uint64_t size = burst > 0 ? burst : tvn_max(per_second / BURSTS_PER_S, UINT64_C(1));
    *rate = (struct tvn_rate){
        .per_second = per_second,
        .level = size * TOKEN, /* < 2^32 × 2^30 */
        .burst = size,
    };
    return true;
}

uint64_t tvn_rate_tokens(struct tvn_rate *rate, uint64_t now_ns)
{
    tvn_assert(rate->per_second > 0);
    tvn_assert(now_ns >= rate->at_ns);
    uint64_t missing = rate->burst * TOKEN - rate->level;
    uint64_t passed_ns = now_ns - rate->at_ns;
    if (passed_ns >= missing / rate->per_second + 1) {
        rate->level = rate->burst * TOKEN;
    } else {
        rate->level += passed_ns * rate->per_second; /* ≤ missing, so it fits */
    }
    rate->at_ns = now_ns;
    return rate->level / TOKEN;
}

uint64_t tvn_rate_next_ns(const struct tvn_rate *rate)
{
    tvn_assert(rate->level < TOKEN);
    uint64_t wait_ns = (TOKEN - rate->level + rate->per_second - 1) / rate->per_second;
    return rate->at_ns > UINT64_MAX - wait_ns ? UINT64_MAX : rate->at_ns + wait_ns;
}

void tvn_rate_take(struct tvn_rate *rate)
{
    tvn_assert(rate->level >= TOKEN);
    rate->level -= TOKEN;
}
