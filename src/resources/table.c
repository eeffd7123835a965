/* SPDX-License-Identifier: Apache-2.0 */
#include "resources/table.h"

#include <sys/mman.h>

#define STEP_BYTES (TVN_BUFFERS_PER_STEP * sizeof(struct tvn_buffer))
static_assert(TVN_BUFFERS_MAX % TVN_BUFFERS_PER_STEP == 0, "steps fill the table");
static_assert(STEP_BYTES % 65536 == 0, "a step is whole pages, whatever their size");

enum tvn_status tvn_buffer_table_init(struct tvn_buffer_table *table)
{
    tvn_assert(table);
    memset(table, 0, sizeof(*table));
    void *slots = mmap(NULL, TVN_BUFFER_TABLE_BYTES, PROT_READ,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (slots == MAP_FAILED) {
        return TVN_E_OUT_OF_MEMORY;
    }
    table->slots = slots;
    return TVN_OK;
}

void tvn_buffer_table_deinit(struct tvn_buffer_table *table)
{
    tvn_assert(table);
    if (table->slots) {
        munmap(table->slots, TVN_BUFFER_TABLE_BYTES);
    }
    memset(table, 0, sizeof(*table));
}

/* The next new slot. NULL when memory is exhausted. */
static struct tvn_buffer *make_slot(struct tvn_buffer_table *table)
{
    struct tvn_buffer *slot = &table->slots[table->slot_count];
    if (table->slot_count == table->writable_count) {
        if (mprotect(slot, STEP_BYTES, PROT_READ | PROT_WRITE) != 0) {
            return NULL;
        }
        table->writable_count += TVN_BUFFERS_PER_STEP;
    }
    tvn_assert(tvn_buffer_id_of(slot).raw == 0);
    atomic_store_explicit(&slot->id, UINT64_C(1) << 32 | table->slot_count++, memory_order_relaxed);
    return slot;
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
    buffer = make_slot(table);
    if (!buffer) {
        return TVN_E_OUT_OF_MEMORY;
    }
    *out_buffer = buffer;
    return TVN_OK;
}

void tvn_buffer_table_give(struct tvn_buffer_table *table, struct tvn_buffer *buffer)
{
    tvn_assert(table && buffer);
    tvn_assert(buffer->state == TVN_BUFFER_POOLED && !buffer->bytes && !buffer->next_free);
    if (tvn_buffer_is_used_up(buffer)) {
        return;
    }
    buffer->next_free = table->without_memory;
    table->without_memory = buffer;
}
