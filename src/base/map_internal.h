/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The map's hash with an explicit key, for tests against known values. */
#include <stddef.h>
#include <stdint.h>

struct tvn_map_key {
    uint64_t low;
    uint64_t high;
};

// WARM PATH. SipHash-1-3.
uint64_t tvn_map_hash_with(struct tvn_map_key key, const void *bytes, size_t length);
