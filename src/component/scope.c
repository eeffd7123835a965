/* SPDX-License-Identifier: Apache-2.0 */
/* Component instances in the making: index spaces, and which run-time type a resource stands for.
 */
#include "base/assert.h"
#include "component/instance_internal.h"

#define HANDLES_INITIAL 16

enum tvn_status tvn_instantiate_no_memory(struct tvn_instance *instance)
{
    return tvn_instance_fail(instance, TVN_E_OUT_OF_MEMORY,
                             "the component's graph takes more than %zu MiB of host memory",
                             TVN_INSTANCE_ARENA_MAX >> 20);
}

enum tvn_status tvn_instantiate_broken(struct tvn_instance *instance, const char *what)
{
    return tvn_instance_fail(instance, TVN_E_COMPONENT_INVALID,
                             "the component's definitions do not fit together: %s", what);
}

enum tvn_status tvn_instantiate_steps(struct tvn_instance *instance, uint32_t count)
{
    if (count > TVN_INSTANTIATE_STEPS_MAX - instance->steps) {
        return tvn_instance_fail(instance, TVN_E_COMPONENT_TOO_COMPLEX,
                                 "instantiating the component takes more than %u steps",
                                 TVN_INSTANTIATE_STEPS_MAX);
    }
    instance->steps += count;
    return TVN_OK;
}

static enum tvn_status make_spaces(struct tvn_instance *instance, struct tvn_rt_scope *scope)
{
    uint32_t total = 0;
    for (unsigned sort = 0; sort < TVN_SORT_COUNT; sort++) {
        total += scope->definition->counts[sort];
    }
    struct tvn_item *items = TVN_ARENA_ARRAY(instance->arena, struct tvn_item, (size_t)total + 1);
    const struct tvn_resource_rt **resources =
        TVN_ARENA_ARRAY(instance->arena, const struct tvn_resource_rt *,
                        (size_t)instance->component->document.resource_count + 1);
    if (!items || !resources) {
        return tvn_instantiate_no_memory(instance);
    }
    for (unsigned sort = 0; sort < TVN_SORT_COUNT; sort++) {
        scope->spaces[sort] = items;
        items += scope->definition->counts[sort];
    }
    /* Fuel is spent in the shim: where it is counted, the shim runs. */
    if (scope->definition->late_count > 0 && !instance->has_fuel) {
        scope->late =
            TVN_ARENA_ARRAY(instance->arena, struct tvn_site *, scope->definition->late_count);
        if (!scope->late) {
            return tvn_instantiate_no_memory(instance);
        }
    }
    scope->resources = resources;
    scope->resource_count = instance->component->document.resource_count;
    if (tvn_items_init(&scope->exports, instance->arena, scope->definition->type.export_count) !=
        TVN_OK) {
        return tvn_instantiate_no_memory(instance);
    }
    return TVN_OK;
}

enum tvn_status tvn_rt_scope_create(struct tvn_instance *instance,
                                    const struct tvn_definition *definition,
                                    const struct tvn_rt_scope *outer, struct tvn_guest *parent,
                                    struct tvn_rt_scope **out_scope)
{
    if (instance->scope_count >= TVN_COMPONENT_INSTANCES_MAX) {
        return tvn_instance_fail(instance, TVN_E_INSTANCE_LIMIT,
                                 "the component is made of more than %d component instances",
                                 TVN_COMPONENT_INSTANCES_MAX);
    }
    struct tvn_rt_scope *scope = TVN_ARENA_NEW(instance->arena, struct tvn_rt_scope);
    if (!scope) {
        return tvn_instantiate_no_memory(instance);
    }
    scope->definition = definition;
    scope->outer = outer;
    scope->guest = (struct tvn_guest){
        .instance = instance,
        .definition = definition,
        .parent = parent,
        .may_leave = true,
        .may_enter = true,
    };
    TVN_TRY(make_spaces(instance, scope));
    if (tvn_handle_table_init(&scope->guest.handles, HANDLES_INITIAL) != TVN_OK) {
        return tvn_instantiate_no_memory(instance);
    }
    scope->next = instance->scopes;
    instance->scopes = scope;
    instance->scope_count++;
    *out_scope = scope;
    return TVN_OK;
}

const struct tvn_item *tvn_rt_scope_item(const struct tvn_rt_scope *scope, enum tvn_sort sort,
                                         uint32_t index)
{
    /*
     * SAFETY: the decoder resolved every index; the count is what has been filled so far. Types
     * that are not resources have no definition: their items stay zero.
     */
    bool type = sort == TVN_SORT_TYPE || sort == TVN_SORT_CORE_TYPE;
    tvn_assert(index < (type ? scope->definition->counts[sort] : scope->counts[sort]));
    return &scope->spaces[sort][index];
}

const struct tvn_resource_rt *tvn_rt_scope_resource(const struct tvn_rt_scope *scope,
                                                    const struct tvn_resource *resource)
{
    for (; scope; scope = scope->outer) {
        if (resource->index < scope->resource_count && scope->resources[resource->index]) {
            return scope->resources[resource->index];
        }
    }
    return NULL;
}

static enum tvn_status bind_instance(struct tvn_rt_scope *scope,
                                     const struct tvn_instance_type *type,
                                     const struct tvn_items *items)
{
    struct tvn_instance *instance = scope->guest.instance;
    TVN_TRY(tvn_instantiate_steps(instance, type->export_count));
    for (uint32_t i = 0; i < type->export_count; i++) {
        const struct tvn_extern_item *export = &type->exports[i];
        bool resource = export->type.kind == TVN_EXTERN_RESOURCE;
        if (!resource && export->type.kind != TVN_EXTERN_INSTANCE) {
            continue;
        }
        const struct tvn_item *item =
            tvn_items_find(items, export->name, resource ? TVN_SORT_TYPE : TVN_SORT_INSTANCE);
        if (!item) {
            return tvn_instantiate_broken(instance, "an instance lacks an export of its type");
        }
        TVN_TRY(tvn_rt_scope_bind(scope, &export->type, item));
    }
    return TVN_OK;
}

enum tvn_status tvn_rt_scope_bind(struct tvn_rt_scope *scope, const struct tvn_extern *type,
                                  const struct tvn_item *item)
{
    if (type->kind == TVN_EXTERN_INSTANCE) {
        return bind_instance(scope, type->of.instance, item->of.instance);
    }
    if (type->kind == TVN_EXTERN_RESOURCE) {
        if (!item->of.resource || type->of.resource->index >= scope->resource_count) {
            return tvn_instantiate_broken(scope->guest.instance, "a resource type is not one");
        }
        scope->resources[type->of.resource->index] = item->of.resource;
    }
    return TVN_OK;
}
