/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Hash map from byte strings to pointers; keys are copied. The hash is keyed by a per-process
 * secret, so hostile keys cannot make it slow.
 *
 * Limits: at most max_count entries, given at creation.
 */
#include "base/compiler.h"
#include "base/status.h"
#include "base/str.h"

struct tvn_map;

// COLD PATH. NULL when memory is exhausted.
TVN_NODISCARD struct tvn_map *tvn_map_create(size_t max_count);
void tvn_map_destroy(struct tvn_map *map);
TVN_DEFINE_CLEANUP(tvn_map, tvn_map_destroy)

// WARM PATH. TVN_EXISTS when the key is there (unchanged), TVN_FULL at the maximum,
// TVN_E_OUT_OF_MEMORY.
TVN_NODISCARD enum tvn_status tvn_map_add(struct tvn_map *map, struct tvn_str key, void *value);
/* NULL when missing (a stored NULL looks the same: use tvn_map_has). */
void *tvn_map_get(const struct tvn_map *map, struct tvn_str key);
bool tvn_map_has(const struct tvn_map *map, struct tvn_str key);
void *tvn_map_remove(struct tvn_map *map, struct tvn_str key);
size_t tvn_map_count(const struct tvn_map *map);
/* Iteration in insertion order: start with *cursor = 0; false at the end. Removing while iterating
 * is not allowed. */
bool tvn_map_next(const struct tvn_map *map, size_t *cursor, struct tvn_str *out_key,
                  void **out_value);
/* Keyed 64-bit hash of bytes (SipHash-1-3). */
uint64_t tvn_map_hash(const void *bytes, size_t length);
