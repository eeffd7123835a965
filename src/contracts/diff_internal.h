/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A comparison while it is made. */
#include "base/arena.h"
#include "base/vec.h"
#include "contracts/diff.h"

struct tvn_diff {
    struct tvn_arena *arena;
    enum tvn_diff_level level;
    size_t dropped;
    size_t steps;  /* of comparing, up to TVN_DIFF_STEPS_MAX */
    bool failed;   /* memory, or too many steps */
    bool inverted; /* below what a component imports: more is major, less is minor */
    TVN_VEC(struct tvn_diff_change) changes;
};

/* Where a change is: "package/interface", then the item. */
struct tvn_diff_place {
    struct tvn_str scope;
    struct tvn_str item; /* may be empty */
};

/* diff.c. `before` and `after` may be NULL; `what` and `name` make "field 'a' was removed". */
void tvn_diff_add(struct tvn_diff *diff, enum tvn_diff_level level,
                  const struct tvn_diff_place *place, const char *text, struct tvn_str name);
void tvn_diff_show(struct tvn_diff *diff, const struct tvn_strbuf *before,
                   const struct tvn_strbuf *after);
void tvn_diff_abi(struct tvn_diff *diff);
/* False, and diff->failed, when there is too much to compare. */
bool tvn_diff_spend(struct tvn_diff *diff, size_t steps);
enum tvn_diff_level tvn_diff_removed(const struct tvn_diff *diff);
enum tvn_diff_level tvn_diff_added(const struct tvn_diff *diff);

/* diff_type.c. A reference means the same in both versions. `ownership`: own and borrow differ. */
bool tvn_diff_same_type(struct tvn_diff *diff, const struct tvn_type *before,
                        const struct tvn_type *after, bool ownership);
bool tvn_diff_same_func(struct tvn_diff *diff, const struct tvn_func_type *before,
                        const struct tvn_func_type *after, bool ownership);
/* Two definitions of one name. */
void tvn_diff_type_items(struct tvn_diff *diff, struct tvn_str scope,
                         const struct tvn_type_item *before, const struct tvn_type_item *after);
