/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/map_internal.h"
#include "base/mem.h"
#include "base/num.h"

#include <pthread.h>
#include <string.h>
#include <sys/random.h>

/*
 * Entries lie in insertion order in one array; a table of entry numbers, twice as large and probed
 * linearly, finds them. A removed entry stays as a dead row until the next rebuild, which is also
 * what clears its mark in the table.
 */
#define SLOT_FREE     0u
#define SLOT_DEAD     UINT32_MAX
#define ENTRIES_MAX   ((size_t)1 << 30)
#define ENTRIES_FIRST 8

struct entry {
    char *key; /* NULL: dead; else owned, one NUL beyond key_len */
    size_t key_len;
    uint64_t hash;
    void *value;
};

struct tvn_map {
    struct entry *entries;
    size_t used; /* rows in use, dead ones included */
    size_t capacity;
    size_t count; /* living entries */
    size_t max_count;
    uint32_t *slots;   /* SLOT_FREE, SLOT_DEAD, or entry number + 1 */
    size_t slot_count; /* 2 * capacity, a power of two */
};

static pthread_once_t secret_once = PTHREAD_ONCE_INIT;
static struct tvn_map_key secret;

static void secret_init(void)
{
    if (getrandom(&secret, sizeof(secret), GRND_NONBLOCK) == (ssize_t)sizeof(secret)) {
        return;
    }
    /* No entropy yet (early boot): the clock and the address layout are the best there is. */
    secret.low = tvn_clock_wall_ns() ^ (uint64_t)(uintptr_t)&secret;
    secret.high = tvn_clock_monotonic_ns() ^ (uint64_t)(uintptr_t)__builtin_frame_address(0);
}

static inline uint64_t rotl(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

struct sip {
    uint64_t a, b, c, d;
};

static inline void sip_round(struct sip *v)
{
    v->a += v->b;
    v->c += v->d;
    v->b = rotl(v->b, 13) ^ v->a;
    v->d = rotl(v->d, 16) ^ v->c;
    v->a = rotl(v->a, 32);
    v->c += v->b;
    v->a += v->d;
    v->b = rotl(v->b, 17) ^ v->c;
    v->d = rotl(v->d, 21) ^ v->a;
    v->c = rotl(v->c, 32);
}

static inline void sip_word(struct sip *v, uint64_t word)
{
    v->d ^= word;
    sip_round(v);
    v->a ^= word;
}

static inline uint64_t load_le64(const unsigned char *p, size_t length)
{
    uint64_t word = 0;
    for (size_t i = 0; i < length; i++) {
        word |= (uint64_t)p[i] << (8 * i);
    }
    return word;
}

uint64_t tvn_map_hash_with(struct tvn_map_key key, const void *bytes, size_t length)
{
    tvn_assert(bytes || length == 0);
    const unsigned char *p = bytes;
    struct sip v = {
        .a = key.low ^ UINT64_C(0x736f6d6570736575),
        .b = key.high ^ UINT64_C(0x646f72616e646f6d),
        .c = key.low ^ UINT64_C(0x6c7967656e657261),
        .d = key.high ^ UINT64_C(0x7465646279746573),
    };
    size_t rest = length;
    for (; rest >= 8; rest -= 8, p += 8) {
        sip_word(&v, load_le64(p, 8));
    }
    sip_word(&v, (uint64_t)(length & 0xFF) << 56 | load_le64(p, rest));
    v.c ^= 0xFF;
    sip_round(&v);
    sip_round(&v);
    sip_round(&v);
    return v.a ^ v.b ^ v.c ^ v.d;
}

uint64_t tvn_map_hash(const void *bytes, size_t length)
{
    pthread_once(&secret_once, secret_init);
    return tvn_map_hash_with(secret, bytes, length);
}

struct tvn_map *tvn_map_create(size_t max_count)
{
    struct tvn_map *map = tvn_calloc(1, sizeof(*map));
    if (map) {
        map->max_count = tvn_min(max_count, ENTRIES_MAX / 2);
    }
    return map;
}

void tvn_map_destroy(struct tvn_map *map)
{
    if (!map) {
        return;
    }
    for (size_t i = 0; i < map->used; i++) {
        tvn_free(map->entries[i].key);
    }
    tvn_free(map->entries);
    tvn_free(map->slots);
    tvn_free(map);
}

/* The slot that holds the key, or SIZE_MAX. At least half of the slots are free, so probing ends.
 */
static size_t slot_find(const struct tvn_map *map, struct tvn_str key, uint64_t hash)
{
    if (map->count == 0) {
        return SIZE_MAX;
    }
    size_t mask = map->slot_count - 1;
    for (size_t i = (size_t)hash & mask;; i = (i + 1) & mask) {
        uint32_t slot = map->slots[i];
        if (slot == SLOT_FREE) {
            return SIZE_MAX;
        }
        if (slot == SLOT_DEAD) {
            continue;
        }
        const struct entry *entry = &map->entries[slot - 1];
        if (entry->hash == hash && entry->key_len == key.len &&
            (key.len == 0 || memcmp(entry->key, key.ptr, key.len) == 0)) {
            return i;
        }
    }
}

static void slot_insert(uint32_t *slots, size_t slot_count, uint64_t hash, size_t index)
{
    size_t mask = slot_count - 1;
    size_t i = (size_t)hash & mask;
    while (slots[i] != SLOT_FREE) {
        i = (i + 1) & mask;
    }
    slots[i] = (uint32_t)(index + 1);
}

/* Room for one more entry: drops dead rows, and doubles when more than half of them live. */
static enum tvn_status rebuild(struct tvn_map *map)
{
    size_t capacity = tvn_max(map->capacity, (size_t)ENTRIES_FIRST);
    if (map->capacity != 0 && map->count > map->capacity / 2) {
        capacity *= 2;
    }
    struct entry *entries = tvn_malloc(capacity * sizeof(*entries));
    uint32_t *slots = tvn_calloc(capacity * 2, sizeof(*slots));
    if (!entries || !slots) {
        tvn_free(entries);
        tvn_free(slots);
        return TVN_E_OUT_OF_MEMORY;
    }
    size_t used = 0;
    for (size_t i = 0; i < map->used; i++) {
        if (map->entries[i].key) {
            entries[used] = map->entries[i];
            slot_insert(slots, capacity * 2, entries[used].hash, used);
            used++;
        }
    }
    tvn_assert(used == map->count);
    tvn_free(map->entries);
    tvn_free(map->slots);
    map->entries = entries;
    map->slots = slots;
    map->used = used;
    map->capacity = capacity;
    map->slot_count = capacity * 2;
    return TVN_OK;
}

enum tvn_status tvn_map_add(struct tvn_map *map, struct tvn_str key, void *value)
{
    tvn_assert(map);
    tvn_assert(key.ptr || key.len == 0);
    uint64_t hash = tvn_map_hash(key.ptr, key.len);
    if (slot_find(map, key, hash) != SIZE_MAX) {
        return TVN_EXISTS;
    }
    if (map->count >= map->max_count) {
        return TVN_FULL;
    }
    size_t size;
    char *copy = tvn_add_size(key.len, 1, &size) ? tvn_malloc(size) : NULL;
    if (!copy) {
        return TVN_E_OUT_OF_MEMORY;
    }
    if (key.len > 0) {
        memcpy(copy, key.ptr, key.len);
    }
    copy[key.len] = '\0';
    if (map->used == map->capacity) {
        enum tvn_status status = rebuild(map);
        if (status != TVN_OK) {
            tvn_free(copy);
            return status;
        }
    }
    map->entries[map->used] = (struct entry){copy, key.len, hash, value};
    slot_insert(map->slots, map->slot_count, hash, map->used);
    map->used++;
    map->count++;
    return TVN_OK;
}

void *tvn_map_get(const struct tvn_map *map, struct tvn_str key)
{
    tvn_assert(map);
    size_t slot = slot_find(map, key, tvn_map_hash(key.ptr, key.len));
    return slot == SIZE_MAX ? NULL : map->entries[map->slots[slot] - 1].value;
}

bool tvn_map_has(const struct tvn_map *map, struct tvn_str key)
{
    tvn_assert(map);
    return slot_find(map, key, tvn_map_hash(key.ptr, key.len)) != SIZE_MAX;
}

void *tvn_map_remove(struct tvn_map *map, struct tvn_str key)
{
    tvn_assert(map);
    size_t slot = slot_find(map, key, tvn_map_hash(key.ptr, key.len));
    if (slot == SIZE_MAX) {
        return NULL;
    }
    struct entry *entry = &map->entries[map->slots[slot] - 1];
    void *value = entry->value;
    tvn_free(entry->key);
    *entry = (struct entry){0};
    map->slots[slot] = SLOT_DEAD;
    map->count--;
    return value;
}

size_t tvn_map_count(const struct tvn_map *map)
{
    tvn_assert(map);
    return map->count;
}

bool tvn_map_next(const struct tvn_map *map, size_t *cursor, struct tvn_str *out_key,
                  void **out_value)
{
    tvn_assert(map);
    tvn_assert(cursor);
    while (*cursor < map->used) {
        const struct entry *entry = &map->entries[(*cursor)++];
        if (!entry->key) {
            continue;
        }
        if (out_key) {
            *out_key = (struct tvn_str){entry->key, entry->key_len};
        }
        if (out_value) {
            *out_value = entry->value;
        }
        return true;
    }
    return false;
}
