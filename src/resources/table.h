/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The slot table: an index names a buffer header for the life of the process. All slots that there
 * may be lie in one range of address space, so that a slot never moves and an index is its address.
 *
 * Threads: growing is under the resource manager's lock; looking up takes none.
 * Memory: TVN_BUFFER_TABLE_BYTES of address space. Slots that were not made yet can only be read
 * and are zero: generation 0, which no id has. They become writable TVN_BUFFERS_PER_STEP at a time,
 * 64 bytes each, touched on first use.
 */
#include "resources/buffer.h"

#define TVN_BUFFER_TABLE_BYTES ((size_t)TVN_BUFFERS_MAX * sizeof(struct tvn_buffer))

/* A slot whose generation passes this when released is retired: one use advances it by two at most.
 */
#define TVN_BUFFER_GENERATION_LAST (UINT32_MAX - 2)

static inline bool tvn_buffer_is_used_up(const struct tvn_buffer *buffer)
{
    return tvn_buffer_generation(tvn_buffer_id_of(buffer)) > TVN_BUFFER_GENERATION_LAST;
}

struct tvn_buffer_table {
    struct tvn_buffer *slots;          /* TVN_BUFFERS_MAX */
    uint32_t slot_count;               /* slots made so far */
    uint32_t writable_count;           /* slots that can be made without asking the system */
    struct tvn_buffer *without_memory; /* free slots to which no memory belongs */
};

/* COLD PATH. TVN_E_OUT_OF_MEMORY when there is no such range of address space. */
TVN_NODISCARD enum tvn_status tvn_buffer_table_init(struct tvn_buffer_table *table);
/* A zeroed table is allowed. */
void tvn_buffer_table_deinit(struct tvn_buffer_table *table);
/*
 * COLD PATH. A slot in state Pooled without memory: a used one or a new one. TVN_FULL beyond
 * TVN_BUFFERS_MAX, TVN_E_OUT_OF_MEMORY.
 */
TVN_NODISCARD enum tvn_status tvn_buffer_table_take(struct tvn_buffer_table *table,
                                                    struct tvn_buffer **out_buffer);
/* COLD PATH. Gives a slot without memory back; a retired one is forgotten. */
void tvn_buffer_table_give(struct tvn_buffer_table *table, struct tvn_buffer *buffer);

/* HOT PATH. See tvn_buffer_find. `slots` is the table's. */
TVN_NODISCARD static inline enum tvn_status tvn_buffer_slot_find(struct tvn_buffer *slots,
                                                                 struct tvn_buffer_id id,
                                                                 struct tvn_buffer **out_buffer)
{
    uint32_t index = tvn_buffer_index(id);
    if (TVN_UNLIKELY(index >= TVN_BUFFERS_MAX)) {
        return TVN_E_NOT_OWNER;
    }
    struct tvn_buffer *buffer = &slots[index];
    struct tvn_buffer_id current = tvn_buffer_id_of(buffer); /* a slot never made has none: 0 */
    if (TVN_UNLIKELY(current.raw != id.raw || buffer->state == TVN_BUFFER_POOLED)) {
        return current.raw == 0 ? TVN_E_NOT_OWNER : TVN_E_STALE_HANDLE;
    }
    *out_buffer = buffer;
    return TVN_OK;
}
