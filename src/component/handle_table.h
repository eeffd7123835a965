/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The handles of one component instance: small integers for the guest, {rep, type, own, lends,
 * scope} for the host. One table for all resource types; index 0 is never used; freed indices are
 * reused last-in first-out, as the Canonical ABI defines.
 *
 * Limits: TVN_HANDLES_MAX live handles; beyond it adding fails and the guest traps.
 */
#include "base/assert.h"
#include "base/compiler.h"
#include "base/status.h"
#include "component/limits.h"

#include <stdbool.h>
#include <stdint.h>

struct tvn_resource_rt; /* a resource type at run time, by identity */

struct tvn_handle {
    uint64_t rep; /* what the resource's implementer means; the next free index while free */
    const struct tvn_resource_rt *type; /* NULL while free */
    uint32_t lends;                     /* borrows lent out of this own handle in running calls */
    uint32_t scope; /* of a borrow: the call it must be dropped in (0 for own) */
    bool own;
};

struct tvn_handle_table {
    struct tvn_handle *items;
    uint32_t count; /* slots in use or on the free list, including 0 */
    uint32_t capacity;
    uint32_t free_head; /* 0: none */
};

// COLD PATH.
TVN_NODISCARD enum tvn_status tvn_handle_table_init(struct tvn_handle_table *table,
                                                    uint32_t initial_capacity);
void tvn_handle_table_deinit(struct tvn_handle_table *table);
/* Doubles the capacity. TVN_FULL at TVN_HANDLES_MAX, TVN_E_OUT_OF_MEMORY. */
TVN_COLD TVN_NODISCARD enum tvn_status tvn_handle_table_grow(struct tvn_handle_table *table);

/* COLD PATH. Handles that are not free. */
uint32_t tvn_handle_table_live(const struct tvn_handle_table *table);
/* Sees to a free slot. False at TVN_HANDLES_MAX and when memory is exhausted. */
TVN_COLD TVN_NODISCARD bool tvn_handle_table_reserve(struct tvn_handle_table *table);

// HOT PATH. True when tvn_handle_add_reserved may be called.
static inline bool tvn_handle_table_has_free(const struct tvn_handle_table *table)
{
    return table->free_head != 0;
}
// HOT PATH. True when it may be called twice.
static inline bool tvn_handle_table_has_two_free(const struct tvn_handle_table *table)
{
    return table->free_head != 0 && (uint32_t)table->items[table->free_head].rep != 0;
}

// HOT PATH. Returns the new index.
static inline uint32_t tvn_handle_add_reserved(struct tvn_handle_table *table,
                                               const struct tvn_resource_rt *type, uint64_t rep,
                                               bool own, uint32_t scope)
{
    uint32_t index = table->free_head;
    tvn_assert(index != 0);
    struct tvn_handle *handle = &table->items[index];
    table->free_head = (uint32_t)handle->rep;
    *handle = (struct tvn_handle){.rep = rep, .type = type, .scope = scope, .own = own};
    return index;
}

// HOT PATH. Returns the new index, or 0 when the table is full.
static inline uint32_t tvn_handle_add(struct tvn_handle_table *table,
                                      const struct tvn_resource_rt *type, uint64_t rep, bool own,
                                      uint32_t scope)
{
    if (TVN_UNLIKELY(!tvn_handle_table_has_free(table)) && !tvn_handle_table_reserve(table)) {
        return 0;
    }
    return tvn_handle_add_reserved(table, type, rep, own, scope);
}

// HOT PATH. NULL for an index that is 0, free, out of range or of another resource type.
static inline struct tvn_handle *tvn_handle_find(struct tvn_handle_table *table, uint32_t index,
                                                 const struct tvn_resource_rt *type)
{
    if (TVN_UNLIKELY(index >= table->count || table->items[index].type != type || type == NULL)) {
        return NULL;
    }
    return &table->items[index];
}

// HOT PATH. The handle comes from tvn_handle_find.
static inline void tvn_handle_remove(struct tvn_handle_table *table, struct tvn_handle *handle)
{
    handle->type = NULL;
    handle->rep = table->free_head;
    table->free_head = (uint32_t)(handle - table->items);
}
