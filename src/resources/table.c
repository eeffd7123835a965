/* SPDX-License-Identifier: Apache-2.0 */
#include "resources/table.h"

#include "base/mem.h"

#define CHUNK_BYTES (TVN_BUFFERS_PER_CHUNK * sizeof(struct tvn_buffer))

void tvn_buffer_table_init(struct tvn_buffer_table *table)
{
    tvn_assert(table);
    memset(table, 0, sizeof(*table));
}

void tvn_buffer_table_deinit(struct tvn_buffer_table *table)
{
    tvn_assert(table);
    for (uint32_t i = 0; i < TVN_BUFFER_CHUNKS_MAX; i++) {
        tvn_free(atomic_load_explicit(&table->chunks[i], memory_order_relaxed));
        atomic_store_explicit(&table->chunks[i], NULL, memory_order_relaxed);
    }
    table->slot_count = 0;
    table->without_memory = NULL;
}

/* The chunk that holds the next new slot. */
static struct tvn_buffer *chunk_of_next(struct tvn_buffer_table *table)
{
    _Atomic(struct tvn_buffer *) *place = &table->chunks[table->slot_count / TVN_BUFFERS_PER_CHUNK];
    struct tvn_buffer *chunk = atomic_load_explicit(place, memory_order_relaxed);
    if (!chunk) {
        chunk = tvn_aligned_alloc(alignof(struct tvn_buffer), CHUNK_BYTES);
        if (!chunk) {
            return NULL;
        }
        memset(chunk, 0, CHUNK_BYTES);
        atomic_store_explicit(place, chunk, memory_order_release);
    }
    return chunk;
}

enum tvn_status tvn_buffer_table_take(struct tvn_buffer_table *table,
                                      struct tvn_buffer **out_buffer)
{
    tvn_assert(table && out_buffer);
    struct tvn_buffer *buffer = table->without_memory;
    if (buffer) {
        tvn_assert(buffer->state == TVN_BUFFER_POOLED && !buffer->bytes);
        table->without_memory = buffer->next_free;
        buffer->next_free = NULL;
        *out_buffer = buffer;
        return TVN_OK;
    }
    if (table->slot_count == TVN_BUFFERS_MAX) {
        return TVN_FULL;
    }
    struct tvn_buffer *chunk = chunk_of_next(table);
    if (!chunk) {
        return TVN_E_OUT_OF_MEMORY;
    }
    buffer = &chunk[table->slot_count % TVN_BUFFERS_PER_CHUNK];
    tvn_assert(buffer->generation == 0);
    buffer->index = table->slot_count++;
    buffer->generation = 1;
    *out_buffer = buffer;
    return TVN_OK;
}

void tvn_buffer_table_give(struct tvn_buffer_table *table, struct tvn_buffer *buffer)
{
    tvn_assert(table && buffer);
    tvn_assert(buffer->state == TVN_BUFFER_POOLED && !buffer->bytes && !buffer->next_free);
    if (buffer->generation > TVN_BUFFER_GENERATION_LAST) {
        return;
    }
    buffer->next_free = table->without_memory;
    table->without_memory = buffer;
}
