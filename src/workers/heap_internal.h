/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Binary min-heap of nodes that live in other structs: timers and the fair run queue. A node knows
 * its place, so that any can be removed.
 *
 * Threads: the caller's lock. Memory: only reserve allocates; push never does.
 */
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

#define TVN_HEAP_OUT UINT32_MAX

struct tvn_heap_node {
    uint64_t key;
    uint32_t position; /* TVN_HEAP_OUT: in no heap */
};

struct tvn_heap {
    struct tvn_heap_node **nodes;
    uint32_t count;
    uint32_t capacity;
};

// WARM PATH. Room for `capacity` nodes in all. TVN_E_OUT_OF_MEMORY.
TVN_NODISCARD enum tvn_status tvn_heap_reserve(struct tvn_heap *heap, uint32_t capacity);
void tvn_heap_deinit(struct tvn_heap *heap);

/* Not in a heap yet; room was reserved. */
void tvn_heap_push(struct tvn_heap *heap, struct tvn_heap_node *node, uint64_t key);
/* NULL when empty. */
struct tvn_heap_node *tvn_heap_first(const struct tvn_heap *heap);
struct tvn_heap_node *tvn_heap_pop(struct tvn_heap *heap);
/* In this heap. */
void tvn_heap_remove(struct tvn_heap *heap, struct tvn_heap_node *node);
