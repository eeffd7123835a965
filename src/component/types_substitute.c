/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Substitution in types: what instantiation does to the types of a component, and an import to the
 * resources of an instance type.
 *
 * Layouts never change: a resource stands for a resource, a type for an equal one. Recursion is as
 * deep as types are nested, TVN_COMPONENT_NESTING_MAX.
 */
#include "base/assert.h"
#include "component/types_internal.h"

void tvn_substitution_init(struct tvn_substitution *substitution,
                           struct tvn_decode_context *context, uint32_t offset)
{
    *substitution = (struct tvn_substitution){.context = context, .offset = offset};
}

void tvn_substitution_deinit(struct tvn_substitution *substitution)
{
    tvn_pointer_map_deinit(&substitution->map);
}

enum tvn_status tvn_substitution_add(struct tvn_substitution *substitution, const void *from,
                                     const void *to)
{
    enum tvn_status status = tvn_pointer_map_set(&substitution->map, from, to);
    return status == TVN_OK
               ? TVN_OK
               : tvn_decode_folded(substitution->context, status, substitution->offset, "types");
}

const struct tvn_resource *tvn_substitute_resource(const struct tvn_substitution *substitution,
                                                   const struct tvn_resource *resource)
{
    const struct tvn_resource *to = tvn_pointer_map_get(&substitution->map, resource);
    return to ? to : resource;
}

/* An identity changes with what it renames. Chains are as long as renamings follow each other. */
static enum tvn_status substitute_identity(struct tvn_substitution *substitution,
                                           const struct tvn_name_identity *from,
                                           const struct tvn_name_identity **out_identity)
{
    *out_identity = from;
    const struct tvn_name_identity *to =
        from ? tvn_pointer_map_get(&substitution->map, from) : NULL;
    if (to) {
        *out_identity = to;
        return TVN_OK;
    }
    if (!from || !from->of) {
        return TVN_OK;
    }
    const struct tvn_name_identity *of = NULL;
    for (const struct tvn_name_identity *at = from->of; at && !of; at = at->of) {
        TVN_TRY(tvn_decode_charge(substitution->context, substitution->offset, 1));
        of = tvn_pointer_map_get(&substitution->map, at);
    }
    if (of && of != from->of) {
        struct tvn_name_identity *changed =
            TVN_DECODE_NEW(substitution->context, struct tvn_name_identity);
        if (!changed) {
            return tvn_decode_failure(substitution->context);
        }
        changed->of = of;
        *out_identity = changed;
    }
    return tvn_substitution_add(substitution, from, *out_identity);
}

static enum tvn_status optional_type(struct tvn_substitution *substitution,
                                     const struct tvn_type *type, const struct tvn_type **out_type)
{
    *out_type = NULL;
    return type ? tvn_substitute_type(substitution, type, out_type) : TVN_OK;
}

/* *out_fields is `fields` itself when nothing changes. */
static enum tvn_status substitute_fields(struct tvn_substitution *substitution,
                                         const struct tvn_field *fields, uint32_t count,
                                         const struct tvn_field **out_fields)
{
    struct tvn_field *changed = NULL;
    for (uint32_t i = 0; i < count; i++) {
        const struct tvn_type *to;
        TVN_TRY(optional_type(substitution, fields[i].type, &to));
        if (to != fields[i].type && !changed) {
            changed = TVN_DECODE_ARRAY(substitution->context, struct tvn_field, count);
            if (!changed) {
                return tvn_decode_failure(substitution->context);
            }
            memcpy(changed, fields, count * sizeof(*fields));
        }
        if (changed) {
            changed[i].type = to;
        }
    }
    *out_fields = changed ? changed : fields;
    return TVN_OK;
}

/* The parts of a value type after substitution. */
static enum tvn_status substitute_parts(struct tvn_substitution *substitution,
                                        struct tvn_value_type *whole)
{
    struct tvn_type *type = &whole->type;
    TVN_TRY(substitute_fields(substitution, type->fields, type->field_count, &type->fields));
    TVN_TRY(optional_type(substitution, type->element, &type->element));
    TVN_TRY(optional_type(substitution, type->error, &type->error));
    TVN_TRY(optional_type(substitution, type->alias_of, &type->alias_of));
    if (type->resource) {
        type->resource = tvn_substitute_resource(substitution, type->resource);
        TVN_TRY(substitute_identity(substitution, whole->name_identity, &whole->name_identity));
    }
    return TVN_OK;
}

static bool parts_same(const struct tvn_value_type *a, const struct tvn_value_type *b)
{
    return a->type.fields == b->type.fields && a->type.element == b->type.element &&
           a->type.error == b->type.error && a->type.alias_of == b->type.alias_of &&
           a->type.resource == b->type.resource && a->name_identity == b->name_identity;
}

enum tvn_status tvn_substitute_type(struct tvn_substitution *substitution,
                                    const struct tvn_type *type, const struct tvn_type **out_type)
{
    const struct tvn_value_type *whole = tvn_value_type_of(type);
    if (!whole) {
        *out_type = type;
        return TVN_OK;
    }
    const struct tvn_type *known = tvn_pointer_map_get(&substitution->map, type);
    if (known) {
        *out_type = known;
        return TVN_OK;
    }
    TVN_TRY(tvn_decode_charge(substitution->context, substitution->offset, 1 + type->field_count));
    struct tvn_value_type changed = *whole;
    TVN_TRY(substitute_parts(substitution, &changed));
    const struct tvn_type *result = type;
    if (!parts_same(whole, &changed)) {
        struct tvn_value_type *copy = TVN_DECODE_NEW(substitution->context, struct tvn_value_type);
        if (!copy) {
            return tvn_decode_failure(substitution->context);
        }
        *copy = changed;
        result = &copy->type;
    }
    TVN_TRY(tvn_substitution_add(substitution, type, result));
    *out_type = result;
    return TVN_OK;
}

enum tvn_status tvn_substitute_func(struct tvn_substitution *substitution,
                                    const struct tvn_func_type *type,
                                    const struct tvn_func_type **out_type)
{
    const struct tvn_func_type *known = tvn_pointer_map_get(&substitution->map, type);
    if (known) {
        *out_type = known;
        return TVN_OK;
    }
    TVN_TRY(tvn_decode_charge(substitution->context, substitution->offset, 1 + type->param_count));
    struct tvn_function_type changed = *tvn_function_type_of(type);
    TVN_TRY(substitute_fields(substitution, type->params, type->param_count, &changed.type.params));
    TVN_TRY(optional_type(substitution, type->result, &changed.type.result));
    const struct tvn_func_type *result = type;
    if (changed.type.params != type->params || changed.type.result != type->result) {
        struct tvn_function_type *copy =
            TVN_DECODE_NEW(substitution->context, struct tvn_function_type);
        if (!copy) {
            return tvn_decode_failure(substitution->context);
        }
        *copy = changed;
        result = &copy->type;
    }
    TVN_TRY(tvn_substitution_add(substitution, type, result));
    *out_type = result;
    return TVN_OK;
}

static bool extern_same(const struct tvn_extern *a, const struct tvn_extern *b)
{
    return a->of.instance == b->of.instance && a->name_identity == b->name_identity;
}

/* *out_items is `items` itself when nothing changes. */
static enum tvn_status substitute_items(struct tvn_substitution *substitution,
                                        const struct tvn_extern_item *items, uint32_t count,
                                        const struct tvn_extern_item **out_items)
{
    struct tvn_extern_item *changed = NULL;
    for (uint32_t i = 0; i < count; i++) {
        struct tvn_extern to;
        TVN_TRY(tvn_substitute_extern(substitution, &items[i].type, &to));
        if (!changed && !extern_same(&to, &items[i].type)) {
            changed = TVN_DECODE_ARRAY(substitution->context, struct tvn_extern_item, count);
            if (!changed) {
                return tvn_decode_failure(substitution->context);
            }
            memcpy(changed, items, count * sizeof(*items));
        }
        if (changed) {
            changed[i].type = to;
        }
    }
    *out_items = changed ? changed : items;
    return TVN_OK;
}

static enum tvn_status substitute_list(struct tvn_substitution *substitution,
                                       struct tvn_resource_list *list)
{
    const struct tvn_resource **changed =
        TVN_DECODE_ARRAY(substitution->context, const struct tvn_resource *, list->count);
    if (!changed) {
        return tvn_decode_failure(substitution->context);
    }
    for (uint32_t i = 0; i < list->count; i++) {
        changed[i] = tvn_substitute_resource(substitution, list->items[i]);
    }
    list->items = changed;
    return TVN_OK;
}

static enum tvn_status substitute_instance(struct tvn_substitution *substitution,
                                           const struct tvn_instance_type *type,
                                           const struct tvn_instance_type **out_type)
{
    const struct tvn_interface_type *whole = tvn_interface_type_of(type);
    const struct tvn_extern_item *exports = NULL;
    TVN_TRY(tvn_decode_charge(substitution->context, substitution->offset, 1 + type->export_count));
    TVN_TRY(substitute_items(substitution, type->exports, type->export_count, &exports));
    if (exports == type->exports) {
        *out_type = type;
        return TVN_OK;
    }
    struct tvn_interface_type *copy =
        TVN_DECODE_NEW(substitution->context, struct tvn_interface_type);
    if (!copy) {
        return tvn_decode_failure(substitution->context);
    }
    *copy = *whole;
    copy->type.exports = exports;
    *out_type = &copy->type;
    return substitute_list(substitution, &copy->fresh);
}

static enum tvn_status substitute_component(struct tvn_substitution *substitution,
                                            const struct tvn_component_type *type,
                                            const struct tvn_component_type **out_type)
{
    const struct tvn_extern_item *imports = NULL;
    const struct tvn_extern_item *exports = NULL;
    TVN_TRY(tvn_decode_charge(substitution->context, substitution->offset,
                              1 + (uint64_t)type->import_count + type->export_count));
    TVN_TRY(substitute_items(substitution, type->imports, type->import_count, &imports));
    TVN_TRY(substitute_items(substitution, type->exports, type->export_count, &exports));
    if (imports == type->imports && exports == type->exports) {
        *out_type = type;
        return TVN_OK;
    }
    struct tvn_signature *copy = TVN_DECODE_NEW(substitution->context, struct tvn_signature);
    if (!copy) {
        return tvn_decode_failure(substitution->context);
    }
    *copy = *tvn_signature_of(type);
    copy->type.imports = imports;
    copy->type.exports = exports;
    *out_type = &copy->type;
    TVN_TRY(substitute_list(substitution, &copy->import_fresh));
    return substitute_list(substitution, &copy->export_fresh);
}

/* What is kept for instances and components, which are found by the address of their type. */
static enum tvn_status substitute_shared(struct tvn_substitution *substitution,
                                         const struct tvn_extern *item, struct tvn_extern *out_item)
{
    bool instance = item->kind == TVN_EXTERN_INSTANCE || item->kind == TVN_EXTERN_INSTANCE_TYPE;
    const void *from =
        instance ? (const void *)item->of.instance : (const void *)item->of.component;
    const void *known = tvn_pointer_map_get(&substitution->map, from);
    if (instance && known) {
        out_item->of.instance = known;
        return TVN_OK;
    }
    if (known) {
        out_item->of.component = known;
        return TVN_OK;
    }
    if (instance) {
        TVN_TRY(substitute_instance(substitution, item->of.instance, &out_item->of.instance));
        return tvn_substitution_add(substitution, from, out_item->of.instance);
    }
    TVN_TRY(substitute_component(substitution, item->of.component, &out_item->of.component));
    return tvn_substitution_add(substitution, from, out_item->of.component);
}

enum tvn_status tvn_substitute_extern(struct tvn_substitution *substitution,
                                      const struct tvn_extern *item, struct tvn_extern *out_item)
{
    *out_item = *item;
    switch (item->kind) {
    case TVN_EXTERN_CORE_MODULE:
        return TVN_OK;
    case TVN_EXTERN_FUNC:
    case TVN_EXTERN_FUNC_TYPE:
        return tvn_substitute_func(substitution, item->of.func, &out_item->of.func);
    case TVN_EXTERN_VALUE_TYPE:
        return tvn_substitute_type(substitution, item->of.value_type, &out_item->of.value_type);
    case TVN_EXTERN_RESOURCE:
        out_item->of.resource = tvn_substitute_resource(substitution, item->of.resource);
        return substitute_identity(substitution, item->name_identity, &out_item->name_identity);
    case TVN_EXTERN_COMPONENT:
    case TVN_EXTERN_COMPONENT_TYPE:
    case TVN_EXTERN_INSTANCE:
    case TVN_EXTERN_INSTANCE_TYPE:
        return substitute_shared(substitution, item, out_item);
    }
    tvn_unreachable();
}
