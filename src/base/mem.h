/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Every heap allocation of the project goes through here, so that tests can count allocations (the
 * hot path must not make any) and fail the n-th one.
 *
 * Threads: all functions may be called from any thread. Limits: TVN_MEM_BLOCK_BYTES_MAX for one
 * block, so that an absurd size fails alike with and without a sanitizer.
 */
#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

#define TVN_MEM_BLOCK_BYTES_MAX ((size_t)1 << 39)

// WARM PATH. NULL when memory is exhausted. tvn_free accepts NULL. Sizes of 0 return a unique
// pointer.
TVN_NODISCARD void *tvn_malloc(size_t size_bytes);
TVN_NODISCARD void *tvn_calloc(size_t count, size_t size_bytes);
TVN_NODISCARD void *tvn_realloc(void *block, size_t size_bytes);
TVN_NODISCARD void *tvn_aligned_alloc(size_t alignment, size_t size_bytes);
TVN_NODISCARD char *tvn_strdup(const char *text);
TVN_NODISCARD char *tvn_strndup(const char *text, size_t length);
void tvn_free(void *block);

static inline void tvn_mem_free_cleanup_(void *pointer_to_pointer)
{
    tvn_free(*(void **)pointer_to_pointer);
}
/* TVN_AUTO_FREE char *text = tvn_strdup("..."); */
#define TVN_AUTO_FREE __attribute__((cleanup(tvn_mem_free_cleanup_)))

/* Number of successful allocations (malloc, calloc, realloc, aligned) since the process started. */
uint64_t tvn_mem_allocation_count(void);

/*
 * Tests only: the allocation with this 1-based index from now on fails, once, or for ever when
 * `sticky`. 0 switches failing off.
 */
void tvn_mem_fail_at(uint64_t index, bool sticky);
