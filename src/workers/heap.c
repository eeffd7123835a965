/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/mem.h"
#include "base/num.h"
#include "workers/heap_internal.h"

enum tvn_status tvn_heap_reserve(struct tvn_heap *heap, uint32_t capacity)
{
    if (capacity <= heap->capacity) {
        return TVN_OK;
    }
    size_t bytes;
    if (!tvn_mul_size(capacity, sizeof(struct tvn_heap_node *), &bytes)) {
        return TVN_E_OUT_OF_MEMORY;
    }
    struct tvn_heap_node **nodes = tvn_realloc(heap->nodes, bytes);
    if (!nodes) {
        return TVN_E_OUT_OF_MEMORY;
    }
    heap->nodes = nodes;
    heap->capacity = capacity;
    return TVN_OK;
}

void tvn_heap_deinit(struct tvn_heap *heap)
{
    tvn_free(heap->nodes);
    *heap = (struct tvn_heap){0};
}

static void place(struct tvn_heap *heap, uint32_t position, struct tvn_heap_node *node)
{
    heap->nodes[position] = node;
    node->position = position;
}

static void move_up(struct tvn_heap *heap, uint32_t position, struct tvn_heap_node *node)
{
    while (position > 0) {
        uint32_t parent = (position - 1) / 2;
        if (heap->nodes[parent]->key <= node->key) {
            break;
        }
        place(heap, position, heap->nodes[parent]);
        position = parent;
    }
    place(heap, position, node);
}

static void move_down(struct tvn_heap *heap, uint32_t position, struct tvn_heap_node *node)
{
    for (;;) {
        uint32_t child = 2 * position + 1;
        if (child >= heap->count) {
            break;
        }
        if (child + 1 < heap->count && heap->nodes[child + 1]->key < heap->nodes[child]->key) {
            child++;
        }
        if (node->key <= heap->nodes[child]->key) {
            break;
        }
        place(heap, position, heap->nodes[child]);
        position = child;
    }
    place(heap, position, node);
}

void tvn_heap_push(struct tvn_heap *heap, struct tvn_heap_node *node, uint64_t key)
{
    tvn_assert(node->position == TVN_HEAP_OUT);
    tvn_assert(heap->count < heap->capacity);
    node->key = key;
    move_up(heap, heap->count++, node);
}

struct tvn_heap_node *tvn_heap_first(const struct tvn_heap *heap)
{
    return heap->count > 0 ? heap->nodes[0] : NULL;
}

void tvn_heap_remove(struct tvn_heap *heap, struct tvn_heap_node *node)
{
    tvn_assert(node->position < heap->count && heap->nodes[node->position] == node);
    uint32_t position = node->position;
    struct tvn_heap_node *last = heap->nodes[--heap->count];
    node->position = TVN_HEAP_OUT;
    if (last == node) {
        return;
    }
    if (position > 0 && last->key < heap->nodes[(position - 1) / 2]->key) {
        move_up(heap, position, last);
    } else {
        move_down(heap, position, last);
    }
}

struct tvn_heap_node *tvn_heap_pop(struct tvn_heap *heap)
{
    struct tvn_heap_node *first = tvn_heap_first(heap);
    if (first) {
        tvn_heap_remove(heap, first);
    }
    return first;
}
