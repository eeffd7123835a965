/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include "base/assert.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Relaxed everywhere: the counters order nothing, they are only read by tests and reports. */
static _Atomic uint64_t allocation_count;
static _Atomic uint64_t fail_countdown; /* 0: off; 1: the next allocation fails */
static _Atomic bool fail_sticky;

static TVN_COLD bool countdown_hits(void)
{
    uint64_t left = atomic_load_explicit(&fail_countdown, memory_order_relaxed);
    for (;;) {
        if (left == 0) {
            return false;
        }
        if (left == 1 && atomic_load_explicit(&fail_sticky, memory_order_relaxed)) {
            return true;
        }
        if (atomic_compare_exchange_weak_explicit(&fail_countdown, &left, left - 1,
                                                  memory_order_relaxed, memory_order_relaxed)) {
            return left == 1;
        }
    }
}

static inline bool should_fail(void)
{
    return TVN_UNLIKELY(atomic_load_explicit(&fail_countdown, memory_order_relaxed) != 0) &&
           countdown_hits();
}

/* True when the allocation has to fail: on purpose, or because no machine has that much. */
static inline bool refused(size_t size_bytes)
{
    return should_fail() || size_bytes > TVN_MEM_BLOCK_BYTES_MAX;
}

static inline void *counted(void *block)
{
    if (TVN_LIKELY(block)) {
        atomic_fetch_add_explicit(&allocation_count, 1, memory_order_relaxed);
    }
    return block;
}

void *tvn_malloc(size_t size_bytes)
{
    if (refused(size_bytes)) {
        return NULL;
    }
    return counted(malloc(size_bytes ? size_bytes : 1));
}

void *tvn_calloc(size_t count, size_t size_bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, size_bytes, &total)) {
        total = SIZE_MAX;
    }
    if (refused(total)) {
        return NULL;
    }
    if (count == 0 || size_bytes == 0) {
        count = 1;
        size_bytes = 1;
    }
    return counted(calloc(count, size_bytes));
}

void *tvn_realloc(void *block, size_t size_bytes)
{
    if (refused(size_bytes)) {
        return NULL;
    }
    return counted(realloc(block, size_bytes ? size_bytes : 1));
}

void *tvn_aligned_alloc(size_t alignment, size_t size_bytes)
{
    tvn_assert(alignment > 0);
    tvn_assert((alignment & (alignment - 1)) == 0);
    if (refused(size_bytes)) {
        return NULL;
    }
    void *block = NULL;
    if (posix_memalign(&block, alignment < sizeof(void *) ? sizeof(void *) : alignment,
                       size_bytes ? size_bytes : 1) != 0) {
        return NULL;
    }
    return counted(block);
}

char *tvn_strdup(const char *text)
{
    tvn_assert(text);
    size_t size = strlen(text) + 1;
    char *copy = tvn_malloc(size);
    if (copy) {
        memcpy(copy, text, size);
    }
    return copy;
}

char *tvn_strndup(const char *text, size_t length)
{
    tvn_assert(text || length == 0);
    size_t size = length ? strnlen(text, length) : 0;
    char *copy = tvn_malloc(size + 1);
    if (copy) {
        if (size > 0) {
            memcpy(copy, text, size);
        }
        copy[size] = '\0';
    }
    return copy;
}

void tvn_free(void *block)
{
    free(block);
}

uint64_t tvn_mem_allocation_count(void)
{
    return atomic_load_explicit(&allocation_count, memory_order_relaxed);
}

void tvn_mem_fail_at(uint64_t index, bool sticky)
{
    atomic_store_explicit(&fail_sticky, sticky, memory_order_relaxed);
    atomic_store_explicit(&fail_countdown, index, memory_order_relaxed);
}
