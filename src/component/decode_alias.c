/* SPDX-License-Identifier: Apache-2.0 */
/* Aliases: exports of instances and of core instances, and items of enclosing scopes. */
#include "base/assert.h"
#include "component/decode_internal.h"

/* Inside types only types and instances can be aliased: nothing else could be used there. */
static enum tvn_status check_sort(const struct tvn_scope *scope, enum tvn_sort sort, bool is_outer,
                                  uint32_t offset)
{
    bool allowed = true;
    if (scope->kind != TVN_SCOPE_COMPONENT) {
        allowed =
            sort == TVN_SORT_TYPE || sort == (is_outer ? TVN_SORT_CORE_TYPE : TVN_SORT_INSTANCE);
    } else if (is_outer) {
        allowed = sort == TVN_SORT_CORE_MODULE || sort == TVN_SORT_CORE_TYPE ||
                  sort == TVN_SORT_TYPE || sort == TVN_SORT_COMPONENT;
    }
    return allowed ? TVN_OK
                   : tvn_decode_invalid(scope->context, offset,
                                        "an item of sort '%s' cannot be aliased here",
                                        tvn_sort_name(sort));
}

static enum tvn_status alias_export(struct tvn_scope *scope, struct tvn_reader *reader,
                                    enum tvn_sort sort, uint32_t offset)
{
    struct tvn_def def = {.kind = TVN_DEF_ALIAS_EXPORT, .sort = sort};
    const struct tvn_slot *instance;
    TVN_TRY(check_sort(scope, sort, false, offset));
    TVN_TRY(tvn_scope_read(scope, reader, TVN_SORT_INSTANCE, &def.of.alias.instance, &instance));
    TVN_TRY(tvn_reader_name(reader, &def.of.alias.name));
    const struct tvn_extern_item *item =
        tvn_instance_type_find(instance->type.of.instance, def.of.alias.name);
    if (!item) {
        return tvn_decode_invalid(scope->context, offset, "instance %u has no export named '%.*s'",
                                  def.of.alias.instance, TVN_DECODE_NAME(def.of.alias.name));
    }
    if (tvn_extern_sort(item->type.kind) != sort) {
        return tvn_decode_invalid(scope->context, offset,
                                  "export '%.*s' of instance %u: expected %s, found %s",
                                  TVN_DECODE_NAME(def.of.alias.name), def.of.alias.instance,
                                  tvn_sort_name(sort), tvn_extern_kind_name(item->type.kind));
    }
    struct tvn_slot slot = {.type = item->type};
    if (sort == TVN_SORT_CORE_MODULE) {
        slot.core_module = (const struct tvn_core_module_index *)item->type.of.core_module;
    }
    return tvn_scope_define(scope, &def, &slot, offset);
}
_Static_assert(offsetof(struct tvn_core_module_index, type) == 0,
               "a module type is found by the address of its public part");

static enum tvn_sort core_sort(enum tvn_core_extern_kind kind)
{
    static const enum tvn_sort sorts[] = {
        [TVN_CORE_EXTERN_FUNC] = TVN_SORT_CORE_FUNC,
        [TVN_CORE_EXTERN_TABLE] = TVN_SORT_CORE_TABLE,
        [TVN_CORE_EXTERN_MEMORY] = TVN_SORT_CORE_MEMORY,
        [TVN_CORE_EXTERN_GLOBAL] = TVN_SORT_CORE_GLOBAL,
        [TVN_CORE_EXTERN_TAG] = TVN_SORT_CORE_TAG,
    };
    return sorts[kind];
}

static enum tvn_status alias_core_export(struct tvn_scope *scope, struct tvn_reader *reader,
                                         enum tvn_sort sort, uint32_t offset)
{
    struct tvn_def def = {.kind = TVN_DEF_ALIAS_CORE_EXPORT, .sort = sort};
    const struct tvn_slot *instance;
    TVN_TRY(check_sort(scope, sort, false, offset));
    TVN_TRY(
        tvn_scope_read(scope, reader, TVN_SORT_CORE_INSTANCE, &def.of.alias.instance, &instance));
    TVN_TRY(tvn_reader_name(reader, &def.of.alias.name));
    const struct tvn_core_extern *item =
        tvn_core_module_find_export(instance->core_instance, def.of.alias.name);
    if (!item) {
        return tvn_decode_invalid(scope->context, offset,
                                  "core instance %u has no export named '%.*s'",
                                  def.of.alias.instance, TVN_DECODE_NAME(def.of.alias.name));
    }
    if (core_sort(item->kind) != sort) {
        return tvn_decode_invalid(scope->context, offset,
                                  "export '%.*s' of core instance %u: expected %s, found %s",
                                  TVN_DECODE_NAME(def.of.alias.name), def.of.alias.instance,
                                  tvn_sort_name(sort), tvn_sort_name(core_sort(item->kind)));
    }
    const struct tvn_slot slot = {.core = item};
    return tvn_scope_define(scope, &def, &slot, offset);
}

/* The scope `count` scopes out; *out_crosses: leaves a component on the way. */
static enum tvn_status find_scope(struct tvn_scope *scope, uint32_t count, uint32_t offset,
                                  struct tvn_scope **out_scope, bool *out_crosses)
{
    struct tvn_scope *outer = scope;
    bool crosses = false;
    for (uint32_t i = 0; i < count && outer; i++) {
        crosses |= outer->kind == TVN_SCOPE_COMPONENT;
        outer = outer->parent;
    }
    if (!outer) {
        return tvn_decode_invalid(scope->context, offset, "invalid outer alias count of %u", count);
    }
    *out_scope = outer;
    *out_crosses = crosses;
    return TVN_OK;
}

static enum tvn_status alias_outer(struct tvn_scope *scope, struct tvn_reader *reader,
                                   enum tvn_sort sort, uint32_t offset)
{
    struct tvn_def def = {.kind = TVN_DEF_ALIAS_OUTER, .sort = sort};
    struct tvn_scope *outer = NULL;
    bool crosses = false;
    const struct tvn_slot *found;
    TVN_TRY(check_sort(scope, sort, true, offset));
    TVN_TRY(tvn_reader_u32(reader, &def.of.outer.depth));
    TVN_TRY(find_scope(scope, def.of.outer.depth, offset, &outer, &crosses));
    TVN_TRY(tvn_scope_read(outer, reader, sort, &def.of.outer.index, &found));
    const struct tvn_slot slot = *found; /* adding it may move what was found */
    if (crosses && sort == TVN_SORT_TYPE) {
        bool has_resources;
        TVN_TRY(tvn_has_free_resources(scope->context, &slot.type, offset, &has_resources));
        if (has_resources) {
            return tvn_decode_invalid(scope->context, offset,
                                      "an outer alias to a type that refers to resources cannot "
                                      "leave its component");
        }
    }
    return tvn_scope_define(scope, &def, &slot, offset);
}

enum tvn_status tvn_decode_alias(struct tvn_scope *scope, struct tvn_reader *reader)
{
    uint32_t start = reader->at;
    enum tvn_sort sort;
    uint8_t target;
    TVN_TRY(tvn_sort_read(reader, &sort));
    uint32_t target_at = reader->at;
    TVN_TRY(tvn_reader_byte(reader, &target));
    switch (target) {
    case 0x00:
        return alias_export(scope, reader, sort, start);
    case 0x01:
        return alias_core_export(scope, reader, sort, start);
    case 0x02:
        return alias_outer(scope, reader, sort, start);
    default:
        return tvn_decode_invalid(scope->context, target_at, "0x%02x is not a target of an alias",
                                  target);
    }
}
