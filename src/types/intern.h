/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A flow's table of content types: an element carries an index, the names live here.
 *
 * Threads: the flow's. Memory: fixed. Limits: 64 names of at most 256 bytes; index 0 is "".
 */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "base/status.h"
#include "base/str.h"

#define TVN_INTERN_MAX       64
#define TVN_CONTENT_TYPE_MAX 256

struct tvn_intern {
    uint32_t count;
    uint32_t last; /* the name asked for last: streams rarely mix types */
    uint16_t lengths[TVN_INTERN_MAX];
    char names[TVN_INTERN_MAX][TVN_CONTENT_TYPE_MAX];
};

void tvn_intern_init(struct tvn_intern *intern);
/* The slow half of tvn_intern_add; not to be called otherwise. */
TVN_NODISCARD enum tvn_status tvn_intern_add_other(struct tvn_intern *intern, const char *name,
                                                   size_t length, uint32_t *out_index);
/*
 * HOT PATH. Index of the name, added if new. TVN_E_BUDGET_EXCEEDED when the table is full,
 * TVN_E_CAPACITY_EXCEEDED for a longer name, TVN_E_CONSTRAINT_VIOLATION for control characters or
 * invalid UTF-8.
 */
TVN_NODISCARD static TVN_ALWAYS_INLINE enum tvn_status
tvn_intern_add(struct tvn_intern *intern, const char *name, size_t length, uint32_t *out_index)
{
    uint32_t last = intern->last;
    tvn_assert(last < TVN_INTERN_MAX);
    if (TVN_LIKELY(intern->lengths[last] == length && length <= TVN_BYTES_NAME_MAX &&
                   tvn_bytes_name_equal(intern->names[last], name, length))) {
        *out_index = last;
        return TVN_OK;
    }
    uint32_t other = 0; /* so that the caller's index may stay in a register */
    enum tvn_status status = tvn_intern_add_other(intern, name, length, &other);
    if (TVN_LIKELY(status == TVN_OK)) {
        *out_index = other;
    }
    return status;
}
static inline struct tvn_str tvn_intern_name(const struct tvn_intern *intern, uint32_t index)
{
    return (struct tvn_str){intern->names[index], intern->lengths[index]};
}
