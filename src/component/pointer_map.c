/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/mem.h"
#include "component/pointer_map_internal.h"

#define CAPACITY_FIRST 16

struct tvn_pointer_entry {
    const void *key;
    const void *value;
};

void tvn_pointer_map_deinit(struct tvn_pointer_map *map)
{
    tvn_free(map->entries);
    *map = (struct tvn_pointer_map){0};
}

/* The entry of `key`, or the free one where it belongs. There is always a free one. */
static struct tvn_pointer_entry *find(const struct tvn_pointer_map *map, const void *key)
{
    size_t mask = map->capacity - 1;
    size_t at = (size_t)(((uint64_t)(uintptr_t)key * 0x9e3779b97f4a7c15u) >> 20) & mask;
    while (map->entries[at].key && map->entries[at].key != key) {
        at = (at + 1) & mask;
    }
    return &map->entries[at];
}

static enum tvn_status grow(struct tvn_pointer_map *map)
{
    struct tvn_pointer_map bigger = {
        .capacity = map->capacity ? map->capacity * 2 : CAPACITY_FIRST,
        .count = map->count,
    };
    bigger.entries = tvn_calloc(bigger.capacity, sizeof(*bigger.entries));
    if (!bigger.entries) {
        return TVN_E_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->entries[i].key) {
            *find(&bigger, map->entries[i].key) = map->entries[i];
        }
    }
    tvn_free(map->entries);
    *map = bigger;
    return TVN_OK;
}

enum tvn_status tvn_pointer_map_set(struct tvn_pointer_map *map, const void *key, const void *value)
{
    tvn_assert(key);
    tvn_assert(value);
    if (map->count * 2 >= map->capacity) {
        TVN_TRY(grow(map));
    }
    struct tvn_pointer_entry *entry = find(map, key);
    map->count += !entry->key;
    *entry = (struct tvn_pointer_entry){key, value};
    return TVN_OK;
}

const void *tvn_pointer_map_get(const struct tvn_pointer_map *map, const void *key)
{
    return map->count > 0 ? find(map, key)->value : NULL;
}
