/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A named record, variant, enum or flags is the same if it has the same name in the same interface:
 * what changed in it is reported where it is defined, once. Everything else is compared by its
 * parts.
 */
#include "base/assert.h"
#include "contracts/diff_internal.h"

#include <stdio.h>

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_owner(const struct tvn_interface *a, const struct tvn_interface *b)
{
    if (!a || !b) {
        return a == b;
    }
    return tvn_str_equal(a->package.namespace_name, b->package.namespace_name) &&
           tvn_str_equal(a->package.name, b->package.name) && tvn_str_equal(a->name, b->name);
}

/* The definition behind `type a = b`. */
static const struct tvn_type *defined(const struct tvn_type *type)
{
    while (type->alias_of) {
        type = type->alias_of;
    }
    return type;
}

static bool is_nominal(const struct tvn_type *type)
{
    return type->name.len > 0 && (type->kind == TVN_TYPE_RECORD || type->kind == TVN_TYPE_VARIANT ||
                                  type->kind == TVN_TYPE_ENUM || type->kind == TVN_TYPE_FLAGS);
}

static bool is_handle(const struct tvn_type *type)
{
    return type->kind == TVN_TYPE_OWN || type->kind == TVN_TYPE_BORROW;
}

static bool same_parts(struct tvn_diff *diff, const struct tvn_type *before,
                       const struct tvn_type *after, bool ownership)
{
    bool same = before->field_count == after->field_count &&
                before->list_length == after->list_length && before->is_map == after->is_map &&
                tvn_diff_same_type(diff, before->element, after->element, ownership) &&
                tvn_diff_same_type(diff, before->error, after->error, ownership);
    for (uint32_t i = 0; same && i < before->field_count; i++) {
        same = tvn_str_equal(before->fields[i].name, after->fields[i].name) &&
               tvn_diff_same_type(diff, before->fields[i].type, after->fields[i].type, ownership);
    }
    return same;
}

/* As deep as types nest; shared parts are walked again, which the steps bound. */
bool tvn_diff_same_type(struct tvn_diff *diff, const struct tvn_type *before,
                        const struct tvn_type *after, bool ownership)
{
    if (!before || !after || !tvn_diff_spend(diff, 1)) {
        return before == after;
    }
    before = defined(before);
    after = defined(after);
    if (is_handle(before) && is_handle(after)) {
        return (!ownership || before->kind == after->kind) &&
               tvn_str_equal(before->resource->name, after->resource->name) &&
               same_owner(before->resource->owner, after->resource->owner);
    }
    if (before->kind != after->kind) {
        return false;
    }
    if (is_nominal(before) || is_nominal(after)) {
        return tvn_str_equal(before->name, after->name) && same_owner(before->owner, after->owner);
    }
    return same_parts(diff, before, after, ownership);
}

bool tvn_diff_same_func(struct tvn_diff *diff, const struct tvn_func_type *before,
                        const struct tvn_func_type *after, bool ownership)
{
    bool same = before->param_count == after->param_count && before->is_async == after->is_async &&
                tvn_diff_same_type(diff, before->result, after->result, ownership);
    for (uint32_t i = 0; same && i < before->param_count; i++) {
        same = tvn_str_equal(before->params[i].name, after->params[i].name) &&
               tvn_diff_same_type(diff, before->params[i].type, after->params[i].type, ownership);
    }
    return same;
}

/* ---- definitions ---- */

/* Its place + 1, or 0. */
static uint32_t find_field(const struct tvn_type *type, struct tvn_str name)
{
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (tvn_str_equal(type->fields[i].name, name)) {
            return i + 1;
        }
    }
    return 0;
}

static const char *part_word(enum tvn_type_kind kind)
{
    return kind == TVN_TYPE_RECORD ? "field" : kind == TVN_TYPE_FLAGS ? "flag" : "case";
}

static void changed_field(struct tvn_diff *diff, const struct tvn_diff_place *place,
                          const struct tvn_type *type, const struct tvn_field *before,
                          const struct tvn_field *after)
{
    if (tvn_diff_same_type(diff, before->type, after->type, true)) {
        if (!same_text(before->docs, after->docs)) {
            tvn_diff_add(diff, TVN_DIFF_PATCH, place, "documentation of '%.*s' changed",
                         before->name);
        }
        return;
    }
    TVN_AUTO_VALUE(tvn_strbuf) old_text = {0};
    TVN_AUTO_VALUE(tvn_strbuf) new_text = {0};
    if (before->type) {
        tvn_type_print(before->type, &old_text);
    }
    if (after->type) {
        tvn_type_print(after->type, &new_text);
    }
    bool owner = tvn_diff_same_type(diff, before->type, after->type, false);
    const char *text = owner                           ? "ownership in '%.*s' changed"
                       : type->kind == TVN_TYPE_RECORD ? "field '%.*s' has another type"
                                                       : "case '%.*s' has another payload";
    tvn_diff_add(diff, TVN_DIFF_MAJOR, place, text, before->name);
    tvn_diff_show(diff, &old_text, &new_text);
}

static void diff_fields(struct tvn_diff *diff, const struct tvn_diff_place *place,
                        const struct tvn_type *before, const struct tvn_type *after)
{
    const char *word = part_word(before->kind);
    char text[64];
    uint32_t last = 0;
    bool moved = false;
    for (uint32_t i = 0; i < before->field_count && tvn_diff_spend(diff, after->field_count); i++) {
        uint32_t found = find_field(after, before->fields[i].name);
        if (found == 0) {
            (void)snprintf(text, sizeof(text), "%s '%%.*s' was removed", word);
            tvn_diff_add(diff, TVN_DIFF_MAJOR, place, text, before->fields[i].name);
            continue;
        }
        moved |= found < last;
        last = found;
        changed_field(diff, place, before, &before->fields[i], &after->fields[found - 1]);
    }
    if (moved) {
        tvn_diff_add(diff, TVN_DIFF_MAJOR, place, "the order changed", (struct tvn_str){0});
    }
    for (uint32_t i = 0; i < after->field_count && tvn_diff_spend(diff, before->field_count); i++) {
        if (find_field(before, after->fields[i].name) == 0) {
            bool record = before->kind == TVN_TYPE_RECORD;
            (void)snprintf(text, sizeof(text), "%s '%%.*s' was added", word);
            tvn_diff_add(diff, record ? TVN_DIFF_MAJOR : TVN_DIFF_MINOR, place, text,
                         after->fields[i].name);
            if (!record) {
                tvn_diff_abi(diff);
            }
        }
    }
}

static void diff_definitions(struct tvn_diff *diff, const struct tvn_diff_place *place,
                             const struct tvn_type *before, const struct tvn_type *after)
{
    bool fields = before->kind == TVN_TYPE_RECORD || before->kind == TVN_TYPE_VARIANT ||
                  before->kind == TVN_TYPE_ENUM || before->kind == TVN_TYPE_FLAGS;
    bool aliases = before->alias_of || after->alias_of;
    if (before->kind == after->kind && fields && !aliases) {
        diff_fields(diff, place, before, after);
        return;
    }
    if ((aliases && tvn_diff_same_type(diff, before, after, true)) ||
        (!aliases && before->kind == after->kind && same_parts(diff, before, after, true) &&
         (!is_handle(before) || tvn_diff_same_type(diff, before, after, true)))) {
        return;
    }
    TVN_AUTO_VALUE(tvn_strbuf) old_text = {0};
    TVN_AUTO_VALUE(tvn_strbuf) new_text = {0};
    struct tvn_type unnamed = *(before->alias_of ? before->alias_of : before);
    unnamed.name = before->alias_of ? unnamed.name : (struct tvn_str){0};
    tvn_type_print(&unnamed, &old_text);
    unnamed = *(after->alias_of ? after->alias_of : after);
    unnamed.name = after->alias_of ? unnamed.name : (struct tvn_str){0};
    tvn_type_print(&unnamed, &new_text);
    tvn_diff_add(diff, TVN_DIFF_MAJOR, place, "the type is another one", (struct tvn_str){0});
    tvn_diff_show(diff, &old_text, &new_text);
}

static bool same_used(struct tvn_diff *diff, const struct tvn_type_item *before,
                      const struct tvn_type_item *after)
{
    if (before->resource) {
        return tvn_str_equal(before->resource->name, after->resource->name) &&
               same_owner(before->resource->owner, after->resource->owner);
    }
    return tvn_diff_same_type(diff, before->type, after->type, true);
}

void tvn_diff_type_items(struct tvn_diff *diff, struct tvn_str scope,
                         const struct tvn_type_item *before, const struct tvn_type_item *after)
{
    struct tvn_diff_place place = {scope, before->name};
    bool used = before->kind == TVN_TYPE_ITEM_USED || after->kind == TVN_TYPE_ITEM_USED;
    if (!before->resource != !after->resource) {
        tvn_diff_add(diff, TVN_DIFF_MAJOR, &place,
                     before->resource ? "the resource became a type" : "the type became a resource",
                     (struct tvn_str){0});
    } else if (used || before->resource) {
        if (!same_used(diff, before, after)) {
            tvn_diff_add(diff, TVN_DIFF_MAJOR, &place, "the name means another type",
                         (struct tvn_str){0});
        }
    } else {
        diff_definitions(diff, &place, before->type, after->type);
    }
    if (!same_text(before->docs, after->docs)) {
        tvn_diff_add(diff, TVN_DIFF_PATCH, &place, "documentation changed", (struct tvn_str){0});
    }
}
