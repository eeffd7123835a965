/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A host-owned payload buffer and the table that knows who owns which.
 *
 * A slot of the table is a buffer's header for life: acquiring takes a free slot of the right tier
 * out of the caller's magazine, releasing bumps the generation and puts it back. Content beyond
 * `length` is never visible to a guest.
 *
 * States: Pooled → Owned → Borrowed (borrows > 0) → Owned → Pooled; Leased is host-internal
 * (lease.h). `freeze` bumps the generation, so that handles to the mutable buffer become stale.
 * Threads: a slot is touched only by the thread that runs the owning flow, but for the id: who
 * looks an old one up may read it while another flow uses the slot. Slots never move. Limits:
 * TVN_BUFFERS_MAX slots; one buffer of at most `max_buffer_bytes`.
 */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "base/status.h"
#include "types/element.h"

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define TVN_BUFFERS_PER_STEP 4096u /* the table grows by */
#define TVN_BUFFERS_MAX      (1u << 22)

/* Tiers of architecture.md; DIRECT buffers are allocated for one use and counted as huge-tier
 * fallback. */
enum tvn_tier {
    TVN_TIER_SMALL,  /* 256 B */
    TVN_TIER_MEDIUM, /* 4 KiB */
    TVN_TIER_LARGE,  /* 64 KiB */
    TVN_TIER_HUGE,   /* 1 MiB */
    TVN_TIER_DIRECT,
    TVN_TIER_COUNT,
};

enum tvn_buffer_state {
    TVN_BUFFER_POOLED,
    TVN_BUFFER_OWNED,
    TVN_BUFFER_BORROWED,
    TVN_BUFFER_LEASED
};
const char *tvn_buffer_state_name(enum tvn_buffer_state state);

/* Who owns a buffer: 0 is the host (in transit, queued), others are component instances of the
 * flow. */
typedef uint32_t tvn_owner;
#define TVN_OWNER_HOST 0u

/* What one component may hold in host buffers, within what its flow may. */
struct tvn_budget {
    uint64_t used_bytes;
    uint64_t max_bytes;
    struct tvn_budget *parent; /* charged with the same, too; NULL: none */
};

/* One cache line. */
struct tvn_buffer {
    alignas(64) uint8_t *bytes;
    uint32_t length;
    uint32_t capacity;
    _Atomic uint64_t id; /* the current tvn_buffer_id; generations start at 1 */
    tvn_owner owner;
    uint32_t content_type; /* index into the flow's intern table */
    uint16_t borrows;
    uint16_t holders; /* records that name it: fan-out; the last release pools it */
    uint8_t state;
    uint8_t tier;
    bool frozen;
    struct tvn_budget *budget;    /* charged with `capacity`: of the owning component, else of the
                                     flow; NULL: none */
    struct tvn_buffer *next_free; /* of slots without memory; the table's */
};
static_assert(sizeof(struct tvn_buffer) == 64, "one cache line per slot");

static inline struct tvn_buffer_id tvn_buffer_id_of(const struct tvn_buffer *buffer)
{
    return (struct tvn_buffer_id){atomic_load_explicit(&buffer->id, memory_order_relaxed)};
}

/* From now on the ids so far are stale. */
static inline void tvn_buffer_next_generation(struct tvn_buffer *buffer)
{
    uint64_t next = tvn_buffer_id_of(buffer).raw + (UINT64_C(1) << 32);
    tvn_debug_assert(next > UINT32_MAX); /* it has not wrapped */
    atomic_store_explicit(&buffer->id, next, memory_order_relaxed);
}

/* The legal moves; checked by tvn_buffer_set_state in debug builds. */
bool tvn_buffer_state_may_follow(enum tvn_buffer_state from, enum tvn_buffer_state to);

static inline void tvn_buffer_set_state(struct tvn_buffer *buffer, enum tvn_buffer_state to)
{
    tvn_debug_assert(tvn_buffer_state_may_follow((enum tvn_buffer_state)buffer->state, to));
    buffer->state = (uint8_t)to;
}

static inline void tvn_budget_discharge(struct tvn_budget *budget, uint64_t bytes)
{
    for (; budget; budget = budget->parent) {
        tvn_assert(budget->used_bytes >= bytes);
        budget->used_bytes -= bytes;
    }
}

/* HOT PATH. False, and nothing charged, when it does not fit into the budget or a parent: also when
 * a limit fell below what is used already. A NULL budget is endless. */
TVN_NODISCARD static inline bool tvn_budget_charge(struct tvn_budget *budget, uint64_t bytes)
{
    for (struct tvn_budget *at = budget; at; at = at->parent) {
        uint64_t used;
        if (TVN_UNLIKELY(__builtin_add_overflow(at->used_bytes, bytes, &used) ||
                         used > at->max_bytes)) {
            for (struct tvn_budget *charged = budget; charged != at; charged = charged->parent) {
                charged->used_bytes -= bytes;
            }
            return false;
        }
        at->used_bytes = used;
    }
    return true;
}

/* TVN_E_BORROWS_OUTSTANDING while borrowed or leased. */
TVN_NODISCARD static inline enum tvn_status tvn_buffer_may_release(const struct tvn_buffer *buffer)
{
    return buffer->borrows == 0 && buffer->state != TVN_BUFFER_LEASED ? TVN_OK
                                                                      : TVN_E_BORROWS_OUTSTANDING;
}

/*
 * HOT PATH. Moves ownership; discharges the old owner's budget and charges the new one. To a
 * parent, which is charged already, there is always room. On failure nothing changes:
 * TVN_E_NOT_OWNER when `from` does not own it, TVN_E_BORROWS_OUTSTANDING, TVN_E_BUDGET_EXCEEDED.
 */
TVN_NODISCARD static inline enum tvn_status tvn_buffer_transfer(struct tvn_buffer *buffer,
                                                                tvn_owner from, tvn_owner to,
                                                                struct tvn_budget *to_budget)
{
    if (TVN_UNLIKELY(buffer->owner != from || buffer->state == TVN_BUFFER_POOLED)) {
        return TVN_E_NOT_OWNER;
    }
    if (TVN_UNLIKELY(buffer->borrows != 0 || buffer->state == TVN_BUFFER_LEASED)) {
        return TVN_E_BORROWS_OUTSTANDING;
    }
    struct tvn_budget *from_budget = buffer->budget;
    if (TVN_LIKELY(from_budget && from_budget->parent == to_budget)) {
        tvn_assert(from_budget->used_bytes >= buffer->capacity);
        from_budget->used_bytes -= buffer->capacity;
        buffer->budget = to_budget;
    } else if (to_budget != from_budget) {
        tvn_budget_discharge(from_budget, buffer->capacity); /* first: they may share a parent */
        if (TVN_UNLIKELY(!tvn_budget_charge(to_budget, buffer->capacity))) {
            for (; from_budget; from_budget = from_budget->parent) {
                from_budget->used_bytes += buffer->capacity;
            }
            return TVN_E_BUDGET_EXCEEDED;
        }
        buffer->budget = to_budget;
    }
    buffer->owner = to;
    return TVN_OK;
}

/* HOT PATH. A read-only borrow for one call; end it with tvn_buffer_end_borrow. */
static inline void tvn_buffer_borrow(struct tvn_buffer *buffer)
{
    tvn_assert(buffer->state != TVN_BUFFER_POOLED && buffer->borrows < UINT16_MAX);
    if (buffer->borrows++ == 0) {
        tvn_buffer_set_state(buffer, TVN_BUFFER_BORROWED);
    }
}
static inline void tvn_buffer_end_borrow(struct tvn_buffer *buffer)
{
    tvn_assert(buffer->state == TVN_BUFFER_BORROWED && buffer->borrows > 0);
    if (--buffer->borrows == 0) {
        tvn_buffer_set_state(buffer, TVN_BUFFER_OWNED);
    }
}

/* One more record names it (fan-out, tap). TVN_FULL at UINT16_MAX. */
TVN_NODISCARD static inline enum tvn_status tvn_buffer_hold(struct tvn_buffer *buffer)
{
    tvn_assert(buffer->state != TVN_BUFFER_POOLED && buffer->holders > 0);
    if (buffer->holders == UINT16_MAX) {
        return TVN_FULL;
    }
    buffer->holders++;
    return TVN_OK;
}

/*
 * HOT PATH. Mutable → immutable: from now on the id is another one; the old id is stale.
 * TVN_E_STALE_HANDLE when it is frozen already, TVN_E_BORROWS_OUTSTANDING.
 */
TVN_NODISCARD static inline enum tvn_status tvn_buffer_freeze(struct tvn_buffer *buffer)
{
    tvn_assert(buffer->state != TVN_BUFFER_POOLED);
    if (TVN_UNLIKELY(buffer->frozen)) {
        return TVN_E_STALE_HANDLE;
    }
    if (TVN_UNLIKELY(buffer->borrows != 0)) {
        return TVN_E_BORROWS_OUTSTANDING;
    }
    buffer->frozen = true;
    tvn_buffer_next_generation(buffer);
    return TVN_OK;
}

/*
 * HOT PATH. Content. `offset` ≤ length, else TVN_NOT_FOUND ("out-of-bounds"); beyond capacity
 * TVN_E_CAPACITY_EXCEEDED; TVN_E_STALE_HANDLE when frozen. `bytes` may come from guest memory; it
 * is copied once.
 */
TVN_NODISCARD static TVN_ALWAYS_INLINE enum tvn_status
tvn_buffer_write(struct tvn_buffer *buffer, uint64_t offset, const void *bytes, size_t length)
{
    tvn_assert(buffer->state != TVN_BUFFER_POOLED);
    if (TVN_UNLIKELY(buffer->frozen)) {
        return TVN_E_STALE_HANDLE;
    }
    if (TVN_UNLIKELY(offset > buffer->length)) {
        return TVN_NOT_FOUND;
    }
    if (TVN_UNLIKELY(length > buffer->capacity - offset)) {
        return TVN_E_CAPACITY_EXCEEDED;
    }
    uint32_t end = (uint32_t)(offset + length);
    buffer->length = end > buffer->length ? end : buffer->length;
    tvn_bytes_copy(buffer->bytes + offset, bytes, length);
    return TVN_OK;
}
