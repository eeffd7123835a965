/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/num.h"

#include <stdarg.h>
#include <stdio.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
/* Unused bytes are poisoned, and a red zone follows every object, so that overruns are seen. */
#define RED_ZONE_BYTES 16
#else
#define RED_ZONE_BYTES                             0
#define ASAN_POISON_MEMORY_REGION(address, size)   ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

#define CHUNK_BYTES_FIRST ((size_t)4 << 10)
#define CHUNK_BYTES_MAX   ((size_t)1 << 20)
#define ALIGNMENT         _Alignof(max_align_t)

struct chunk {
    struct chunk *next;
    size_t size;
    size_t used;
    _Alignas(max_align_t) unsigned char bytes[];
};

struct tvn_arena {
    struct chunk *chunks; /* the first one is being filled */
    size_t chunk_bytes_next;
    size_t used_bytes;
    size_t max_bytes;
};

struct tvn_arena *tvn_arena_create(size_t max_bytes)
{
    struct tvn_arena *arena = tvn_calloc(1, sizeof(*arena));
    if (arena) {
        arena->chunk_bytes_next = CHUNK_BYTES_FIRST;
        arena->max_bytes = max_bytes ? max_bytes : TVN_ARENA_MAX_DEFAULT;
    }
    return arena;
}

void tvn_arena_destroy(struct tvn_arena *arena)
{
    if (!arena) {
        return;
    }
    struct chunk *chunk = arena->chunks;
    while (chunk) {
        struct chunk *next = chunk->next;
        ASAN_UNPOISON_MEMORY_REGION(chunk->bytes, chunk->size);
        tvn_free(chunk);
        chunk = next;
    }
    tvn_free(arena);
}

static struct chunk *chunk_create(size_t size)
{
    size_t total;
    if (!tvn_add_size(sizeof(struct chunk), size, &total)) {
        return NULL;
    }
    struct chunk *chunk = tvn_calloc(1, total);
    if (chunk) {
        chunk->size = size;
        ASAN_POISON_MEMORY_REGION(chunk->bytes, size);
    }
    return chunk;
}

/* A chunk with room for `size` bytes. Large objects get their own, so that little of the open one
 * is wasted. */
static struct chunk *chunk_for(struct tvn_arena *arena, size_t size)
{
    struct chunk *open = arena->chunks;
    if (open && size <= open->size - open->used) {
        return open;
    }
    if (size > arena->chunk_bytes_next / 4) {
        struct chunk *own = chunk_create(size);
        if (own && open) {
            own->next = open->next;
            open->next = own;
        } else if (own) {
            arena->chunks = own;
        }
        return own;
    }
    struct chunk *fresh = chunk_create(arena->chunk_bytes_next);
    if (fresh) {
        fresh->next = open;
        arena->chunks = fresh;
        arena->chunk_bytes_next = tvn_min(arena->chunk_bytes_next * 2, CHUNK_BYTES_MAX);
    }
    return fresh;
}

void *tvn_arena_alloc(struct tvn_arena *arena, size_t size_bytes)
{
    tvn_assert(arena);
    tvn_assert(arena->used_bytes <= arena->max_bytes);
    size_t padded;
    if (!tvn_add_size(size_bytes ? size_bytes : 1, ALIGNMENT - 1 + RED_ZONE_BYTES, &padded)) {
        return NULL;
    }
    padded &= ~(ALIGNMENT - 1);
    size_t charged = padded - RED_ZONE_BYTES;
    if (charged > arena->max_bytes - arena->used_bytes) {
        return NULL;
    }
    struct chunk *chunk = chunk_for(arena, padded);
    if (!chunk) {
        return NULL;
    }
    unsigned char *object = chunk->bytes + chunk->used;
    chunk->used += padded;
    arena->used_bytes += charged;
    ASAN_UNPOISON_MEMORY_REGION(object, size_bytes);
    return object;
}

void *tvn_arena_alloc_array(struct tvn_arena *arena, size_t count, size_t size_bytes)
{
    size_t total;
    return tvn_mul_size(count, size_bytes, &total) ? tvn_arena_alloc(arena, total) : NULL;
}

char *tvn_arena_strndup(struct tvn_arena *arena, const char *text, size_t length)
{
    tvn_assert(text || length == 0);
    size_t size;
    char *copy = tvn_add_size(length, 1, &size) ? tvn_arena_alloc(arena, size) : NULL;
    if (copy && length > 0) {
        memcpy(copy, text, length);
    }
    return copy;
}

struct tvn_str tvn_arena_str(struct tvn_arena *arena, struct tvn_str text)
{
    char *copy = tvn_arena_strndup(arena, text.ptr, text.len);
    return (struct tvn_str){copy, copy ? text.len : 0};
}

char *tvn_arena_printf(struct tvn_arena *arena, const char *format, ...)
{
    tvn_assert(format);
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = length < 0 ? NULL : tvn_arena_alloc(arena, (size_t)length + 1);
    if (text) {
        va_start(args, format);
        (void)vsnprintf(text, (size_t)length + 1, format, args);
        va_end(args);
    }
    return text;
}

size_t tvn_arena_used_bytes(const struct tvn_arena *arena)
{
    tvn_assert(arena);
    return arena->used_bytes;
}
