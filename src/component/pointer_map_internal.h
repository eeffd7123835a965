/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Hash map from pointers to pointers: which type stands for which. A zeroed struct is an empty map.
 *
 * Addresses come from our allocator, not from the input, so the hash needs no secret.
 */
#include "base/compiler.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

struct tvn_pointer_map {
    struct tvn_pointer_entry *entries; /* capacity of them, open addressing; key NULL: free */
    size_t capacity;                   /* a power of two */
    size_t count;
};

void tvn_pointer_map_deinit(struct tvn_pointer_map *map);
TVN_DEFINE_CLEANUP_VALUE(tvn_pointer_map, tvn_pointer_map_deinit)

/* Adds or replaces. Key and value are not NULL. TVN_E_OUT_OF_MEMORY: unchanged. */
TVN_NODISCARD enum tvn_status tvn_pointer_map_set(struct tvn_pointer_map *map, const void *key,
                                                  const void *value);
/* NULL when missing. */
const void *tvn_pointer_map_get(const struct tvn_pointer_map *map, const void *key);
