/* SPDX-License-Identifier: Apache-2.0 */
/*
 * External visibility of types: what an import or export mentions must have a name on the outside.
 *
 * Also which resources a type mentions without declaring them. Recursion is as deep as types are
 * nested.
 */
#include "base/assert.h"
#include "component/decode_internal.h"

struct walk {
    struct tvn_decode_context *context;
    uint32_t offset;
    const struct tvn_pointer_map *first; /* may be NULL */
    const struct tvn_pointer_map *second;
    struct tvn_pointer_map local; /* named by the instance that is being looked at */
};

static bool is_named(const struct walk *walk, const void *identity)
{
    return tvn_pointer_map_get(walk->first, identity) ||
           (walk->second && tvn_pointer_map_get(walk->second, identity)) ||
           tvn_pointer_map_get(&walk->local, identity);
}

static enum tvn_status add_named(struct walk *walk, struct tvn_pointer_map *set,
                                 const void *identity)
{
    enum tvn_status status = tvn_pointer_map_set(set, identity, identity);
    return status == TVN_OK ? TVN_OK
                            : tvn_decode_folded(walk->context, status, walk->offset, "types");
}

static enum tvn_status walk_value(struct walk *walk, const struct tvn_type *type, bool *visible);

/* The parts of a type, whatever its own name. */
static enum tvn_status walk_parts(struct walk *walk, const struct tvn_type *type, bool *visible)
{
    TVN_TRY(tvn_decode_charge(walk->context, walk->offset, 1 + (uint64_t)type->field_count));
    for (uint32_t i = 0; i < type->field_count && *visible; i++) {
        if (type->fields[i].type) {
            TVN_TRY(walk_value(walk, type->fields[i].type, visible));
        }
    }
    if (type->element && *visible) {
        TVN_TRY(walk_value(walk, type->element, visible));
    }
    if (type->error && *visible) {
        TVN_TRY(walk_value(walk, type->error, visible));
    }
    return TVN_OK;
}

static bool must_be_named(enum tvn_type_kind kind)
{
    return kind == TVN_TYPE_RECORD || kind == TVN_TYPE_VARIANT || kind == TVN_TYPE_ENUM ||
           kind == TVN_TYPE_FLAGS;
}

static enum tvn_status walk_value(struct walk *walk, const struct tvn_type *type, bool *visible)
{
    const struct tvn_value_type *whole = tvn_value_type_of(type);
    if (!whole) {
        return TVN_OK;
    }
    if (type->kind == TVN_TYPE_OWN || type->kind == TVN_TYPE_BORROW) {
        *visible = is_named(walk, whole->name_identity);
        return TVN_OK;
    }
    if (must_be_named(type->kind)) {
        *visible = is_named(walk, type);
        return TVN_OK;
    }
    return walk_parts(walk, type, visible);
}

static enum tvn_status walk_func(struct walk *walk, const struct tvn_func_type *type, bool *visible)
{
    for (uint32_t i = 0; i < type->param_count && *visible; i++) {
        TVN_TRY(walk_value(walk, type->params[i].type, visible));
    }
    return type->result && *visible ? walk_value(walk, type->result, visible) : TVN_OK;
}

/* Adds the types that an item names: itself, or what an instance exports. */
static enum tvn_status name_types(struct walk *walk, struct tvn_pointer_map *set,
                                  const struct tvn_extern *item)
{
    if (item->kind == TVN_EXTERN_VALUE_TYPE) {
        return add_named(walk, set, item->of.value_type);
    }
    if (item->kind == TVN_EXTERN_RESOURCE) {
        return add_named(walk, set, item->name_identity);
    }
    if (item->kind != TVN_EXTERN_INSTANCE) {
        return TVN_OK;
    }
    const struct tvn_instance_type *instance = item->of.instance;
    TVN_TRY(tvn_decode_charge(walk->context, walk->offset, 1 + (uint64_t)instance->export_count));
    for (uint32_t i = 0; i < instance->export_count; i++) {
        TVN_TRY(name_types(walk, set, &instance->exports[i].type));
    }
    return TVN_OK;
}

static enum tvn_status walk_extern(struct walk *walk, const struct tvn_extern *item, bool *visible)
{
    switch (item->kind) {
    case TVN_EXTERN_FUNC:
    case TVN_EXTERN_FUNC_TYPE:
        TVN_TRY(tvn_decode_charge(walk->context, walk->offset,
                                  1 + (uint64_t)item->of.func->param_count));
        return walk_func(walk, item->of.func, visible);
    case TVN_EXTERN_VALUE_TYPE: {
        const struct tvn_type *type = item->of.value_type;
        return must_be_named(type->kind) ? walk_parts(walk, type, visible)
                                         : walk_value(walk, type, visible);
    }
    case TVN_EXTERN_INSTANCE:
    case TVN_EXTERN_INSTANCE_TYPE: {
        const struct tvn_instance_type *instance = item->of.instance;
        TVN_TRY(
            tvn_decode_charge(walk->context, walk->offset, 1 + (uint64_t)instance->export_count));
        for (uint32_t i = 0; i < instance->export_count && *visible; i++) {
            TVN_TRY(walk_extern(walk, &instance->exports[i].type, visible));
        }
        return TVN_OK;
    }
    case TVN_EXTERN_RESOURCE:    /* gets a name by this import or export */
    case TVN_EXTERN_CORE_MODULE: /* has no component-level types */
    case TVN_EXTERN_COMPONENT:   /* components are closed: checked when they were read */
    case TVN_EXTERN_COMPONENT_TYPE:
        return TVN_OK;
    }
    tvn_unreachable();
}

/* What an export named: that name, not the type, is for exports only. */
static enum tvn_status check_not_exported(struct tvn_scope *scope, const struct tvn_extern *type,
                                          struct tvn_str name, uint32_t offset)
{
    const bool is_resource = type->kind == TVN_EXTERN_RESOURCE;
    const void *identity = is_resource ? (const void *)type->name_identity : type->of.value_type;
    if (!tvn_pointer_map_get(&scope->exports.visible, identity) ||
        tvn_pointer_map_get(&scope->imports.visible, identity)) {
        return TVN_OK;
    }
    TVN_TRY(tvn_decode_charge(scope->context, offset, scope->exports.items.count));
    for (size_t i = 0; i < scope->exports.items.count; i++) {
        const struct tvn_extern *export = &scope->exports.items.items[i].type;
        if (export->kind == type->kind &&
            identity ==
                (is_resource ? (const void *)export->name_identity : export->of.value_type)) {
            return tvn_decode_invalid(scope->context, offset,
                                      "import '%.*s' refers to the name that an export gave a type",
                                      TVN_DECODE_NAME(name));
        }
    }
    return TVN_OK;
}

enum tvn_status tvn_check_visible(struct tvn_scope *scope, const struct tvn_extern *type,
                                  bool is_import, struct tvn_str name, uint32_t offset)
{
    if (scope->kind == TVN_SCOPE_INSTANCE_TYPE) {
        return TVN_OK;
    }
    bool needs_name =
        type->kind == TVN_EXTERN_RESOURCE ||
        (type->kind == TVN_EXTERN_VALUE_TYPE && must_be_named(type->of.value_type->kind));
    if (is_import && needs_name) {
        TVN_TRY(check_not_exported(scope, type, name, offset));
    }
    struct walk walk = {
        .context = scope->context,
        .offset = offset,
        .first = &scope->imports.visible,
        .second = is_import ? NULL : &scope->exports.visible,
    };
    bool visible = true;
    enum tvn_status status = TVN_OK;
    if (type->kind == TVN_EXTERN_INSTANCE || type->kind == TVN_EXTERN_INSTANCE_TYPE) {
        const struct tvn_extern instance = {.kind = TVN_EXTERN_INSTANCE,
                                            .of.instance = type->of.instance};
        status = name_types(&walk, &walk.local, &instance);
    }
    if (status == TVN_OK) {
        status = walk_extern(&walk, type, &visible);
    }
    tvn_pointer_map_deinit(&walk.local);
    if (status == TVN_OK && !visible) {
        return tvn_decode_invalid(scope->context, offset,
                                  "%s '%.*s' refers to a type that is not %s itself",
                                  is_import ? "import" : "export", TVN_DECODE_NAME(name),
                                  is_import ? "imported" : "imported or exported");
    }
    return status;
}

enum tvn_status tvn_make_visible(struct tvn_scope *scope, const struct tvn_extern *type,
                                 bool is_import, uint32_t offset)
{
    if (scope->kind == TVN_SCOPE_INSTANCE_TYPE) {
        return TVN_OK;
    }
    struct walk walk = {.context = scope->context, .offset = offset};
    return name_types(&walk, is_import ? &scope->imports.visible : &scope->exports.visible, type);
}

/* In this walk `local` holds the resources that enclosing types declare. */
static enum tvn_status bind(struct walk *walk, struct tvn_resource_list list)
{
    for (uint32_t i = 0; i < list.count; i++) {
        TVN_TRY(add_named(walk, &walk->local, list.items[i]));
    }
    return TVN_OK;
}

static enum tvn_status free_in_value(struct walk *walk, const struct tvn_type *type, bool *is_free)
{
    if (!type || !type->has_handle || *is_free) {
        return TVN_OK;
    }
    TVN_TRY(tvn_decode_charge(walk->context, walk->offset, 1 + (uint64_t)type->field_count));
    if (type->resource) {
        *is_free = !tvn_pointer_map_get(&walk->local, type->resource);
        return TVN_OK;
    }
    for (uint32_t i = 0; i < type->field_count; i++) {
        TVN_TRY(free_in_value(walk, type->fields[i].type, is_free));
    }
    TVN_TRY(free_in_value(walk, type->element, is_free));
    return free_in_value(walk, type->error, is_free);
}

static enum tvn_status free_in_extern(struct walk *walk, const struct tvn_extern *item,
                                      bool *is_free);

static enum tvn_status free_in_items(struct walk *walk, const struct tvn_extern_item *items,
                                     uint32_t count, bool *is_free)
{
    TVN_TRY(tvn_decode_charge(walk->context, walk->offset, 1 + (uint64_t)count));
    for (uint32_t i = 0; i < count && !*is_free; i++) {
        TVN_TRY(free_in_extern(walk, &items[i].type, is_free));
    }
    return TVN_OK;
}

static enum tvn_status free_in_func(struct walk *walk, const struct tvn_func_type *type,
                                    bool *is_free)
{
    for (uint32_t i = 0; i < type->param_count; i++) {
        TVN_TRY(free_in_value(walk, type->params[i].type, is_free));
    }
    return free_in_value(walk, type->result, is_free);
}

static enum tvn_status free_in_extern(struct walk *walk, const struct tvn_extern *item,
                                      bool *is_free)
{
    switch (item->kind) {
    case TVN_EXTERN_CORE_MODULE:
        return TVN_OK;
    case TVN_EXTERN_FUNC:
    case TVN_EXTERN_FUNC_TYPE:
        return free_in_func(walk, item->of.func, is_free);
    case TVN_EXTERN_VALUE_TYPE:
        return free_in_value(walk, item->of.value_type, is_free);
    case TVN_EXTERN_RESOURCE:
        *is_free |= !tvn_pointer_map_get(&walk->local, item->of.resource);
        return TVN_OK;
    case TVN_EXTERN_COMPONENT:
    case TVN_EXTERN_COMPONENT_TYPE: {
        const struct tvn_signature *signature = tvn_signature_of(item->of.component);
        TVN_TRY(bind(walk, signature->import_fresh));
        TVN_TRY(bind(walk, signature->export_fresh));
        TVN_TRY(
            free_in_items(walk, signature->type.imports, signature->type.import_count, is_free));
        return free_in_items(walk, signature->type.exports, signature->type.export_count, is_free);
    }
    case TVN_EXTERN_INSTANCE:
    case TVN_EXTERN_INSTANCE_TYPE:
        TVN_TRY(bind(walk, tvn_interface_type_of(item->of.instance)->fresh));
        return free_in_items(walk, item->of.instance->exports, item->of.instance->export_count,
                             is_free);
    }
    tvn_unreachable();
}

enum tvn_status tvn_has_free_resources(struct tvn_decode_context *context,
                                       const struct tvn_extern *type, uint32_t offset,
                                       bool *out_free)
{
    struct walk walk = {.context = context, .offset = offset};
    bool is_free = false;
    enum tvn_status status = free_in_extern(&walk, type, &is_free);
    tvn_pointer_map_deinit(&walk.local);
    if (status == TVN_OK) {
        *out_free = is_free;
    }
    return status;
}
