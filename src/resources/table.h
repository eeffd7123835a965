/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The slot table: an index names a buffer header for the life of the process. Chunks are made on
 * demand and never move, so that a slot's address stays good.
 *
 * Threads: growing is under the resource manager's lock; looking up takes none.
 * Memory: one pointer per possible chunk, 64 bytes per slot, touched on first use.
 */
#include "resources/buffer.h"

#include <stdatomic.h>

#define TVN_BUFFER_CHUNKS_MAX (TVN_BUFFERS_MAX / TVN_BUFFERS_PER_CHUNK)

/* A slot whose generation passes this when released is retired: one use advances it by two at most.
 */
#define TVN_BUFFER_GENERATION_LAST (UINT32_MAX - 2)

struct tvn_buffer_table {
    _Atomic(struct tvn_buffer *) chunks[TVN_BUFFER_CHUNKS_MAX];
    uint32_t slot_count;               /* slots made so far */
    struct tvn_buffer *without_memory; /* free slots to which no memory belongs */
};

void tvn_buffer_table_init(struct tvn_buffer_table *table);
void tvn_buffer_table_deinit(struct tvn_buffer_table *table);
/*
 * COLD PATH. A slot in state Pooled without memory: a used one or a new one. TVN_FULL beyond
 * TVN_BUFFERS_MAX, TVN_E_OUT_OF_MEMORY.
 */
TVN_NODISCARD enum tvn_status tvn_buffer_table_take(struct tvn_buffer_table *table,
                                                    struct tvn_buffer **out_buffer);
/* COLD PATH. Gives a slot without memory back; a retired one is forgotten. */
void tvn_buffer_table_give(struct tvn_buffer_table *table, struct tvn_buffer *buffer);

/* HOT PATH. See tvn_buffer_find. */
TVN_NODISCARD static inline enum tvn_status tvn_buffer_table_find(struct tvn_buffer_table *table,
                                                                  struct tvn_buffer_id id,
                                                                  struct tvn_buffer **out_buffer)
{
    uint32_t index = tvn_buffer_index(id);
    if (TVN_UNLIKELY(index >= TVN_BUFFERS_MAX)) {
        return TVN_E_NOT_OWNER;
    }
    struct tvn_buffer *chunk =
        atomic_load_explicit(&table->chunks[index / TVN_BUFFERS_PER_CHUNK], memory_order_acquire);
    if (TVN_UNLIKELY(!chunk)) {
        return TVN_E_NOT_OWNER;
    }
    struct tvn_buffer *buffer = &chunk[index % TVN_BUFFERS_PER_CHUNK];
    if (TVN_UNLIKELY(buffer->generation != tvn_buffer_generation(id) ||
                     buffer->state == TVN_BUFFER_POOLED)) {
        return buffer->generation == 0 ? TVN_E_NOT_OWNER : TVN_E_STALE_HANDLE;
    }
    *out_buffer = buffer;
    return TVN_OK;
}
