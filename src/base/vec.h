/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Typed growing arrays on the heap.
 *
 *     TVN_VEC(struct edge) edges = {0};
 *     TVN_TRY(tvn_vec_push(&edges, TVN_EDGES_MAX, edge));
 *     for (size_t i = 0; i < edges.count; i++) use(&edges.items[i]);
 *     tvn_vec_deinit(&edges);
 *
 * Limits: every push names the maximum number of items; beyond it the push fails with TVN_FULL.
 */
#include "base/compiler.h"
#include "base/mem.h"
#include "base/status.h"

#define TVN_VEC(type)    \
    struct {             \
        type *items;     \
        size_t count;    \
        size_t capacity; \
    }

// WARM PATH. Makes room for one more item. TVN_FULL at max_count, TVN_E_OUT_OF_MEMORY; the vector
// is unchanged then.
TVN_NODISCARD enum tvn_status tvn_vec_grow(void **items, size_t count, size_t *capacity,
                                           size_t item_bytes, size_t max_count);

#define tvn_vec_push(vec, max_count, ...)                                                   \
    __extension__({                                                                         \
        __typeof__(vec) vec_ = (vec);                                                       \
        size_t max_count_ = (max_count);                                                    \
        void *items_ = vec_->items;                                                         \
        enum tvn_status status_ = vec_->count < vec_->capacity && vec_->count < max_count_  \
                                      ? TVN_OK                                              \
                                      : tvn_vec_grow(&items_, vec_->count, &vec_->capacity, \
                                                     sizeof(*vec_->items), max_count_);     \
        vec_->items = items_;                                                               \
        if (status_ == TVN_OK) {                                                            \
            vec_->items[vec_->count++] = (__VA_ARGS__);                                     \
        }                                                                                   \
        status_;                                                                            \
    })
#define tvn_vec_deinit(vec)     \
    do {                        \
        tvn_free((vec)->items); \
        (vec)->items = NULL;    \
        (vec)->count = 0;       \
        (vec)->capacity = 0;    \
    } while (0)
