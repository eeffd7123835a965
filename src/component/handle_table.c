/* SPDX-License-Identifier: Apache-2.0 */
#include "component/handle_table.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/num.h"

#include <string.h>

#define CAPACITY_MIN 8u

enum tvn_status tvn_handle_table_init(struct tvn_handle_table *table, uint32_t initial_capacity)
{
    tvn_assert(table);
    tvn_assert(initial_capacity <= TVN_HANDLES_MAX);
    uint32_t capacity = tvn_max(initial_capacity, CAPACITY_MIN);
    struct tvn_handle *items = tvn_calloc(capacity, sizeof(*items));
    if (!items) {
        return TVN_E_OUT_OF_MEMORY;
    }
    *table = (struct tvn_handle_table){.items = items, .count = 1, .capacity = capacity};
    return TVN_OK;
}

void tvn_handle_table_deinit(struct tvn_handle_table *table)
{
    tvn_assert(table);
    tvn_free(table->items);
    *table = (struct tvn_handle_table){0};
}

enum tvn_status tvn_handle_table_grow(struct tvn_handle_table *table)
{
    tvn_assert(table);
    tvn_assert(table->capacity > 0);
    /* Index 0 is never used, so one slot more than there may be handles. */
    if (table->capacity > TVN_HANDLES_MAX) {
        return TVN_FULL;
    }
    uint32_t capacity = tvn_min(table->capacity * 2, TVN_HANDLES_MAX + 1u);
    struct tvn_handle *items = tvn_realloc(table->items, capacity * sizeof(*items));
    if (!items) {
        return TVN_E_OUT_OF_MEMORY;
    }
    memset(items + table->capacity, 0, (capacity - table->capacity) * sizeof(*items));
    table->items = items;
    table->capacity = capacity;
    return TVN_OK;
}

bool tvn_handle_table_reserve(struct tvn_handle_table *table)
{
    tvn_assert(table);
    if (table->free_head != 0) {
        return true;
    }
    if (table->count == table->capacity && tvn_handle_table_grow(table) != TVN_OK) {
        return false;
    }
    table->free_head = table->count++;
    table->items[table->free_head] = (struct tvn_handle){0};
    return true;
}

uint32_t tvn_handle_table_live(const struct tvn_handle_table *table)
{
    tvn_assert(table);
    uint32_t live = 0;
    for (uint32_t i = 1; i < table->count; i++) {
        live += table->items[i].type != NULL;
    }
    return live;
}
