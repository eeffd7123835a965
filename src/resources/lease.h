/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A host holder of a buffer outside of calls and moves: meanwhile the buffer can be neither lent
 * nor transferred nor released by others (E0304). A lease has a scope, and ends with it (a dead
 * letter that is written), or a deadline (an element that waits to be offered again after an error
 * or a sink's pause), when its holder reclaims it. What ends the flow or drops the element reclaims
 * it before.
 *
 * Threads: the one that runs the owning flow. Memory: embedded by its holder; zeroed is none.
 */
#include "resources/buffer.h"

#define TVN_LEASE_SCOPE UINT64_MAX

struct tvn_lease {
    struct tvn_buffer *buffer; /* NULL: none */
    uint64_t until_ns;         /* of the holder's clock; TVN_LEASE_SCOPE: no deadline */
};

static inline void tvn_lease_begin(struct tvn_lease *lease, struct tvn_buffer *buffer,
                                   uint64_t until_ns)
{
    tvn_assert(!lease->buffer);
    tvn_assert(buffer->state == TVN_BUFFER_OWNED && buffer->owner == TVN_OWNER_HOST);
    /* With a deadline, others go on meanwhile: what several edges hold they may want to lend. */
    tvn_assert(until_ns == TVN_LEASE_SCOPE || buffer->holders == 1);
    tvn_buffer_set_state(buffer, TVN_BUFFER_LEASED);
    *lease = (struct tvn_lease){.buffer = buffer, .until_ns = until_ns};
}

static inline bool tvn_lease_is_held(const struct tvn_lease *lease)
{
    return lease->buffer != NULL;
}

/* The buffer is Owned again. */
static inline void tvn_lease_end(struct tvn_lease *lease)
{
    tvn_assert(lease->buffer && lease->buffer->state == TVN_BUFFER_LEASED);
    tvn_buffer_set_state(lease->buffer, TVN_BUFFER_OWNED);
    *lease = (struct tvn_lease){0};
}

/* Ends it when its deadline has come; then true. */
static inline bool tvn_lease_expire(struct tvn_lease *lease, uint64_t now_ns)
{
    bool due = lease->buffer && lease->until_ns <= now_ns;
    if (due) {
        tvn_lease_end(lease);
    }
    return due;
}
