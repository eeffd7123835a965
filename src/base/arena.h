/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Bump allocator for everything that one document (manifest, WIT file, component) needs: freed at
 * once.
 *
 * Threads: one thread at a time. Memory: chunks that double from 4 KiB to 1 MiB. Limits:
 * `max_bytes` in total.
 */
#include "base/compiler.h"
#include "base/str.h"

struct tvn_arena;

// COLD PATH. NULL when memory is exhausted. max_bytes 0 means TVN_ARENA_MAX_DEFAULT.
TVN_NODISCARD struct tvn_arena *tvn_arena_create(size_t max_bytes);
void tvn_arena_destroy(struct tvn_arena *arena);
TVN_DEFINE_CLEANUP(tvn_arena, tvn_arena_destroy)

#define TVN_ARENA_MAX_DEFAULT ((size_t)256 << 20)

/* Zeroed memory, aligned for any type. NULL when memory or the maximum is exhausted. */
TVN_NODISCARD void *tvn_arena_alloc(struct tvn_arena *arena, size_t size_bytes);
TVN_NODISCARD void *tvn_arena_alloc_array(struct tvn_arena *arena, size_t count, size_t size_bytes);
#define TVN_ARENA_NEW(arena, type) ((type *)tvn_arena_alloc((arena), sizeof(type)))
#define TVN_ARENA_ARRAY(arena, type, count) \
    ((type *)tvn_arena_alloc_array((arena), (count), sizeof(type)))
/* NUL-terminated copies. */
TVN_NODISCARD char *tvn_arena_strndup(struct tvn_arena *arena, const char *text, size_t length);
/* Copies the view; out.ptr is NULL when memory is exhausted. */
struct tvn_str tvn_arena_str(struct tvn_arena *arena, struct tvn_str text);
TVN_NODISCARD char *tvn_arena_printf(struct tvn_arena *arena, const char *format, ...)
    TVN_PRINTF(2, 3);
size_t tvn_arena_used_bytes(const struct tvn_arena *arena);
