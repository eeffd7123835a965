/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The only way to touch guest memory.
 *
 * With memory_may_move off a memory's base never changes and its size only grows, so both are
 * cached: an access is checked against the cached size, and only when that fails the size is read
 * again (guests grow memory themselves). SAFETY: a pointer handed out here is valid until the guest
 * instance is destroyed, but its bytes may change with every call into the guest: read each guest
 * value once.
 */
#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Opaque images of the engine's handles; component/wasmtime asserts their sizes. */
struct tvn_core_func {
    uint64_t opaque[2];
};
struct tvn_core_memory {
    uint64_t opaque[3];
};

struct tvn_guest_mem {
    uint8_t *base;
    uint64_t size;
    void *context; /* the store's context */
    struct tvn_core_memory memory;
};

// COLD PATH. Reads the current size; true if it grew. In component/wasmtime/.
TVN_COLD bool tvn_guest_mem_refresh(struct tvn_guest_mem *mem);
/* The slow half of tvn_guest_mem_at; not to be called otherwise. In component/wasmtime/. */
TVN_COLD uint8_t *tvn_guest_mem_at_grown(struct tvn_guest_mem *mem, uint32_t offset,
                                         uint64_t length);

// HOT PATH. NULL when [offset, offset+length) is not inside the memory. Length 0 is fine at any
// offset up to the size.
static inline uint8_t *tvn_guest_mem_at(struct tvn_guest_mem *mem, uint32_t offset, uint64_t length)
{
    /* length ≤ 2^32 by the callers' checks: no overflow */
    if (TVN_UNLIKELY((uint64_t)offset + length > mem->size)) {
        return tvn_guest_mem_at_grown(mem, offset, length);
    }
    return mem->base + offset;
}

/* HOT PATH. The same without asking whether the memory has grown: false does not mean that the
 * range is bad. For callers with a slow half, which asks. */
TVN_NODISCARD static inline bool tvn_guest_mem_seen(const struct tvn_guest_mem *mem,
                                                    uint32_t offset, uint64_t length,
                                                    uint8_t **out_at)
{
    if (TVN_UNLIKELY((uint64_t)offset + length > mem->size)) {
        return false;
    }
    *out_at = mem->base + offset;
    return true;
}

/* Little-endian loads and stores at any alignment; the pointer comes from tvn_guest_mem_at. */
static inline uint32_t tvn_guest_load_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}
static inline uint64_t tvn_guest_load_u64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}
static inline void tvn_guest_store_u32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof(value));
}
static inline void tvn_guest_store_u64(uint8_t *at, uint64_t value)
{
    memcpy(at, &value, sizeof(value));
}
