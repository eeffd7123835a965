/* SPDX-License-Identifier: Apache-2.0 */
/* What the host offers: registration. imports_bind.c matches a component's imports against it. */
#include "base/assert.h"
#include "base/mem.h"
#include "component/imports_internal.h"

static _Atomic uint64_t last_serial;

struct tvn_imports *tvn_imports_create(void)
{
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    struct tvn_imports *imports = arena ? TVN_ARENA_NEW(arena, struct tvn_imports) : NULL;
    if (!imports) {
        return NULL;
    }
    imports->serial = atomic_fetch_add(&last_serial, 1) + 1;
    imports->arena = TVN_TAKE(arena);
    return imports;
}

void tvn_imports_destroy(struct tvn_imports *imports)
{
    if (imports) {
        tvn_vec_deinit(&imports->interfaces);
        tvn_arena_destroy(imports->arena); /* with the struct in it */
    }
}

const struct tvn_offered_interface *tvn_imports_find(const struct tvn_imports *imports,
                                                     struct tvn_str id)
{
    for (size_t i = 0; i < imports->interfaces.count; i++) {
        if (tvn_str_equal(imports->interfaces.items[i].interface->id, id)) {
            return &imports->interfaces.items[i];
        }
    }
    return NULL;
}

const struct tvn_resource_rt *tvn_offered_resource(const struct tvn_offered_interface *offered,
                                                   struct tvn_str name)
{
    for (uint32_t i = 0; i < offered->resource_count; i++) {
        if (tvn_str_equal(offered->resources[i].name, name)) {
            return offered->resources[i].rt;
        }
    }
    return NULL;
}

const struct tvn_resource_rt *tvn_imports_resource(const struct tvn_imports *imports,
                                                   struct tvn_str interface_id,
                                                   struct tvn_str resource)
{
    tvn_assert(imports);
    const struct tvn_offered_interface *offered = tvn_imports_find(imports, interface_id);
    return offered ? tvn_offered_resource(offered, resource) : NULL;
}

static const struct tvn_host_func *find_func(const struct tvn_host_func *funcs, size_t count,
                                             struct tvn_str name)
{
    for (size_t i = 0; i < count; i++) {
        if (tvn_str_is(name, funcs[i].name)) {
            return &funcs[i];
        }
    }
    return NULL;
}

static enum tvn_status add_funcs(struct tvn_imports *imports, struct tvn_offered_interface *offered,
                                 const struct tvn_host_func *funcs, size_t func_count,
                                 uint32_t context)
{
    const struct tvn_interface *interface = offered->interface;
    struct tvn_host_impl *impls =
        TVN_ARENA_ARRAY(imports->arena, struct tvn_host_impl, interface->func_count + 1);
    struct tvn_host_func *copies =
        TVN_ARENA_ARRAY(imports->arena, struct tvn_host_func, interface->func_count + 1);
    if (!impls || !copies) {
        return TVN_E_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < interface->func_count; i++) {
        const struct tvn_func *func = &interface->funcs[i];
        const struct tvn_host_func *given = find_func(funcs, func_count, func->name);
        tvn_assert(given); /* an interface is offered whole */
        tvn_assert(!given->raw != !given->dynamic);
        copies[i] = *given;
        impls[i] = (struct tvn_host_impl){
            .func = &copies[i],
            .type = &func->type,
            .item = func->name,
            .name = tvn_arena_printf(imports->arena, "%.*s%s%.*s", TVN_STR_ARG(interface->id),
                                     interface->id.len > 0 ? "#" : "", TVN_STR_ARG(func->name)),
            .context = context,
        };
        if (!impls[i].name) {
            return TVN_E_OUT_OF_MEMORY;
        }
    }
    offered->funcs = impls;
    offered->func_count = (uint32_t)interface->func_count;
    return TVN_OK;
}

static const struct tvn_resource_rt *make_resource(struct tvn_imports *imports, struct tvn_str name,
                                                   const struct tvn_host_resource *resources,
                                                   size_t count, uint32_t context)
{
    const struct tvn_host_resource *given = NULL;
    for (size_t i = 0; i < count && !given; i++) {
        if (tvn_str_is(name, resources[i].name)) {
            given = &resources[i];
        }
    }
    tvn_assert(given); /* every resource that an interface declares is implemented */
    struct tvn_resource_rt *rt = TVN_ARENA_NEW(imports->arena, struct tvn_resource_rt);
    if (rt) {
        *rt = (struct tvn_resource_rt){
            .name = tvn_arena_strndup(imports->arena, name.ptr, name.len),
            .drop = given->drop,
            .context = context,
        };
    }
    return rt && rt->name ? rt : NULL;
}

static enum tvn_status add_resources(struct tvn_imports *imports,
                                     struct tvn_offered_interface *offered,
                                     const struct tvn_host_resource *resources,
                                     size_t resource_count, uint32_t context)
{
    const struct tvn_interface *interface = offered->interface;
    struct tvn_offered_resource *items =
        TVN_ARENA_ARRAY(imports->arena, struct tvn_offered_resource, interface->type_count + 1);
    if (!items) {
        return TVN_E_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < interface->type_count; i++) {
        const struct tvn_type_item *type = &interface->types[i];
        const struct tvn_resource_rt *rt;
        if (type->kind == TVN_TYPE_ITEM_RESOURCE) {
            rt = make_resource(imports, type->name, resources, resource_count, context);
            if (!rt) {
                return TVN_E_OUT_OF_MEMORY;
            }
        } else if (type->kind == TVN_TYPE_ITEM_USED && type->resource) {
            rt = tvn_imports_resource(imports, type->used_from->id, type->used_name);
            tvn_assert(rt); /* its owner was added before */
        } else {
            continue;
        }
        items[offered->resource_count++] =
            (struct tvn_offered_resource){.name = type->name, .identity = type->resource, .rt = rt};
    }
    offered->resources = items;
    return TVN_OK;
}

enum tvn_status tvn_imports_add(struct tvn_imports *imports, const struct tvn_interface *interface,
                                const struct tvn_host_func *funcs, size_t func_count,
                                const struct tvn_host_resource *resources, size_t resource_count,
                                uint32_t context)
{
    tvn_assert(imports);
    tvn_assert(interface);
    tvn_assert(funcs || func_count == 0);
    tvn_assert(resources || resource_count == 0);
    tvn_assert(context < TVN_HOST_CONTEXTS_MAX);
    tvn_assert(!tvn_imports_find(imports, interface->id));
    struct tvn_offered_interface offered = {
        .interface = interface,
        .id_text = tvn_arena_strndup(imports->arena, interface->id.ptr ? interface->id.ptr : "",
                                     interface->id.len),
    };
    if (!offered.id_text) {
        return TVN_E_OUT_OF_MEMORY;
    }
    TVN_TRY(add_resources(imports, &offered, resources, resource_count, context));
    TVN_TRY(add_funcs(imports, &offered, funcs, func_count, context));
    return TVN_FOLD(tvn_vec_push(&imports->interfaces, TVN_IMPORTS_INTERFACES_MAX, offered));
}
