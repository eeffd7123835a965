/* SPDX-License-Identifier: Apache-2.0 */
/* Named items: what component instances export, what core instances are made of, arguments. */
#include "base/assert.h"
#include "component/instance_internal.h"

#include <stdlib.h>

#define LINEAR_MAX 8 /* up to here a search from the front is faster */

enum tvn_status tvn_items_init(struct tvn_items *items, struct tvn_arena *arena, uint32_t capacity)
{
    *items = (struct tvn_items){0};
    if (capacity == 0) {
        return TVN_OK;
    }
    items->items = TVN_ARENA_ARRAY(arena, struct tvn_named_item, capacity);
    return items->items ? TVN_OK : TVN_E_OUT_OF_MEMORY;
}

void tvn_items_add(struct tvn_items *items, struct tvn_str name, const struct tvn_item *item)
{
    tvn_assert(!items->sorted);
    items->items[items->count++] = (struct tvn_named_item){.name = name, .item = *item};
}

static int compare_names(struct tvn_str a, struct tvn_str b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common > 0 ? memcmp(a.ptr, b.ptr, common) : 0;
    if (order != 0) {
        return order;
    }
    return (a.len > b.len) - (a.len < b.len);
}

static int compare_items(const void *a, const void *b)
{
    const struct tvn_named_item *left = a;
    const struct tvn_named_item *right = b;
    return compare_names(left->name, right->name);
}

void tvn_items_seal(struct tvn_items *items)
{
    if (items->count > LINEAR_MAX) {
        qsort(items->items, items->count, sizeof(items->items[0]), compare_items);
        items->sorted = true;
    }
}

static const struct tvn_named_item *find_sorted(const struct tvn_items *items, struct tvn_str name)
{
    uint32_t low = 0, high = items->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_names(items->items[middle].name, name);
        if (order == 0) {
            return &items->items[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

const struct tvn_item *tvn_items_find(const struct tvn_items *items, struct tvn_str name,
                                      enum tvn_sort sort)
{
    const struct tvn_named_item *found = NULL;
    if (items->sorted) {
        found = find_sorted(items, name);
    } else {
        for (uint32_t i = 0; i < items->count && !found; i++) {
            if (tvn_str_equal(items->items[i].name, name)) {
                found = &items->items[i];
            }
        }
    }
    return found && found->item.sort == sort ? &found->item : NULL;
}
