/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A type that an interface renames from another one is written `use` in WIT. Which one it renames
 * is in tvn_type.alias_of of value types and in the name identities of resources; `origins` says
 * where each of those was first named, imports before exports.
 */
#include "base/assert.h"
#include "component/types_internal.h"
#include "component/world_internal.h"

struct origin {
    const struct tvn_interface *interface; /* NULL: the world itself */
    struct tvn_str name;
};

struct builder {
    struct tvn_decode_context *context;
    struct tvn_pointer_map origins; /* value type or name identity → struct origin */
};

static struct tvn_span span_at(const struct builder *builder, uint32_t offset)
{
    return (struct tvn_span){builder->context->file, offset, 0};
}

/* The document is still being built: nobody else has seen its types and resources. */
static struct tvn_type *type_to_amend(const struct tvn_type *type)
{
    return (struct tvn_type *)(uintptr_t)type;
}

static struct tvn_resource *resource_to_amend(const struct tvn_resource *resource)
{
    return (struct tvn_resource *)(uintptr_t)resource;
}

static enum tvn_status remember(struct builder *builder, const void *key,
                                const struct tvn_interface *interface, struct tvn_str name)
{
    if (tvn_pointer_map_get(&builder->origins, key)) {
        return TVN_OK;
    }
    struct origin *origin = TVN_DECODE_NEW(builder->context, struct origin);
    if (!origin) {
        return tvn_decode_failure(builder->context);
    }
    *origin = (struct origin){interface, name};
    enum tvn_status status = tvn_pointer_map_set(&builder->origins, key, origin);
    return status == TVN_OK ? TVN_OK : tvn_decode_folded(builder->context, status, 0, "names");
}

static const struct origin *type_origin(const struct builder *builder, const struct tvn_type *type)
{
    for (const struct tvn_type *at = type; at; at = at->alias_of) {
        const struct origin *origin = tvn_pointer_map_get(&builder->origins, at);
        if (origin) {
            return origin;
        }
    }
    return NULL;
}

static const struct origin *identity_origin(const struct builder *builder,
                                            const struct tvn_name_identity *identity)
{
    for (const struct tvn_name_identity *at = identity; at; at = at->of) {
        const struct origin *origin = tvn_pointer_map_get(&builder->origins, at);
        if (origin) {
            return origin;
        }
    }
    return NULL;
}

static void mark_used(struct tvn_type_item *item, const struct origin *origin)
{
    item->kind = TVN_TYPE_ITEM_USED;
    item->used_from = origin->interface;
    item->used_name = origin->name;
}

static enum tvn_status add_value_type(struct builder *builder,
                                      const struct tvn_interface *interface,
                                      const struct tvn_type *type, struct tvn_type_item *item)
{
    const struct origin *origin = type_origin(builder, type);
    item->kind = TVN_TYPE_ITEM_DEFINED;
    item->type = type;
    if (origin && origin->interface && origin->interface != interface) {
        mark_used(item, origin);
    }
    if (!tvn_value_type_of(type)) {
        return TVN_OK; /* a primitive that an instance exports as it is: no name of its own */
    }
    if (!type->owner) {
        type_to_amend(type)->owner = interface;
    }
    if (!origin) {
        type_to_amend(type)->alias_of = NULL; /* what it renames has no name on the outside */
    }
    return remember(builder, type, interface, item->name);
}

static enum tvn_status add_resource(struct builder *builder, const struct tvn_interface *interface,
                                    const struct tvn_extern *type, struct tvn_type_item *item)
{
    const struct origin *origin = identity_origin(builder, type->name_identity);
    item->kind = TVN_TYPE_ITEM_RESOURCE;
    item->resource = type->of.resource;
    if (origin && origin->interface && origin->interface != interface) {
        mark_used(item, origin);
    } else if (!origin && !type->of.resource->owner) {
        struct tvn_resource *resource = resource_to_amend(type->of.resource);
        resource->owner = interface;
        resource->name = item->name;
    }
    return remember(builder, type->name_identity, interface, item->name);
}

/* *out_is_type false: not something that WIT calls a type. */
static enum tvn_status add_type(struct builder *builder, const struct tvn_interface *interface,
                                const struct tvn_extern_item *from, struct tvn_type_item *item,
                                bool *out_is_type)
{
    *item = (struct tvn_type_item){
        .name = from->name, .used_name = {"", 0}, .span = span_at(builder, from->offset)};
    *out_is_type = true;
    if (from->type.kind == TVN_EXTERN_VALUE_TYPE) {
        return add_value_type(builder, interface, from->type.of.value_type, item);
    }
    if (from->type.kind == TVN_EXTERN_RESOURCE) {
        return add_resource(builder, interface, &from->type, item);
    }
    *out_is_type = false;
    return TVN_OK;
}

/* Where names are looked up: the exports of an instance, or one side of the component. */
struct names {
    const struct tvn_instance_type *instance; /* NULL: the component's */
    const struct tvn_component_type *component;
    bool is_import;
};

static const struct tvn_extern_item *find(const struct names *names, struct tvn_str name)
{
    if (names->instance) {
        return tvn_instance_type_find(names->instance, name);
    }
    return names->is_import ? tvn_signature_find_import(names->component, name)
                            : tvn_signature_find_export(names->component, name);
}

static enum tvn_status make_func(struct builder *builder, const struct names *names,
                                 const struct tvn_extern_item *from, struct tvn_func *func)
{
    static const enum tvn_func_kind kinds[] = {
        [TVN_NAME_PLAIN] = TVN_FUNC_FREE,     [TVN_NAME_CONSTRUCTOR] = TVN_FUNC_CONSTRUCTOR,
        [TVN_NAME_METHOD] = TVN_FUNC_METHOD,  [TVN_NAME_STATIC] = TVN_FUNC_STATIC,
        [TVN_NAME_INTERFACE] = TVN_FUNC_FREE,
    };
    struct tvn_extern_name name = {0};
    TVN_TRY(tvn_extern_name_parse(builder->context, from->name, from->offset, &name));
    *func = (struct tvn_func){.name = from->name,
                              .item_name = name.item,
                              .kind = kinds[name.kind],
                              .type = *from->type.of.func,
                              .span = span_at(builder, from->offset)};
    if (name.kind == TVN_NAME_INTERFACE) {
        func->item_name = from->name;
    } else if (name.kind != TVN_NAME_PLAIN) {
        const struct tvn_extern_item *resource = find(names, name.resource);
        tvn_assert(resource && resource->type.kind == TVN_EXTERN_RESOURCE); /* validated */
        func->resource = resource->type.of.resource;
        func->item_name = name.kind == TVN_NAME_CONSTRUCTOR ? TVN_STR("") : name.item;
    }
    return TVN_OK;
}

static enum tvn_status fill_interface(struct builder *builder, const struct tvn_instance_type *type,
                                      struct tvn_interface *interface)
{
    const struct names names = {.instance = type};
    struct tvn_type_item *types =
        TVN_DECODE_ARRAY(builder->context, struct tvn_type_item, type->export_count);
    struct tvn_func *funcs =
        types ? TVN_DECODE_ARRAY(builder->context, struct tvn_func, type->export_count) : NULL;
    if (!funcs) {
        return tvn_decode_failure(builder->context);
    }
    for (uint32_t i = 0; i < type->export_count; i++) {
        bool is_type = false;
        if (type->exports[i].type.kind == TVN_EXTERN_FUNC) {
            TVN_TRY(make_func(builder, &names, &type->exports[i], &funcs[interface->func_count]));
            interface->func_count++;
            continue;
        }
        TVN_TRY(add_type(builder, interface, &type->exports[i], &types[interface->type_count],
                         &is_type));
        interface->type_count += is_type;
    }
    interface->types = types;
    interface->funcs = funcs;
    return TVN_OK;
}

static enum tvn_status make_interface(struct builder *builder, const struct tvn_extern_item *from,
                                      const struct tvn_interface **out_interface)
{
    struct tvn_interface *interface = TVN_DECODE_NEW(builder->context, struct tvn_interface);
    if (!interface) {
        return tvn_decode_failure(builder->context);
    }
    if (!tvn_interface_id_parse(from->name, &interface->package, &interface->name)) {
        interface->package = (struct tvn_package_id){.namespace_name = {"", 0}, .name = {"", 0}};
        interface->name = from->name;
    }
    interface->id = from->name;
    interface->span = span_at(builder, from->offset);
    *out_interface = interface;
    return fill_interface(builder, from->type.of.instance, interface);
}

/* *out_is_item false: core modules and components are nothing that WIT can say. */
static enum tvn_status make_item(struct builder *builder, const struct names *names,
                                 const struct tvn_extern_item *from, struct tvn_world_item *item,
                                 bool *out_is_item)
{
    *item = (struct tvn_world_item){.name = from->name, .span = span_at(builder, from->offset)};
    *out_is_item = true;
    if (from->type.kind == TVN_EXTERN_INSTANCE) {
        item->kind = TVN_WORLD_INTERFACE;
        return make_interface(builder, from, &item->interface);
    }
    if (from->type.kind == TVN_EXTERN_FUNC) {
        struct tvn_func *func = TVN_DECODE_NEW(builder->context, struct tvn_func);
        if (!func) {
            return tvn_decode_failure(builder->context);
        }
        item->kind = TVN_WORLD_FUNC;
        item->func = func;
        return make_func(builder, names, from, func);
    }
    struct tvn_type_item *type = TVN_DECODE_NEW(builder->context, struct tvn_type_item);
    if (!type) {
        return tvn_decode_failure(builder->context);
    }
    item->kind = TVN_WORLD_TYPE;
    item->type = type;
    return add_type(builder, NULL, from, type, out_is_item);
}

static enum tvn_status make_items(struct builder *builder, const struct names *names,
                                  const struct tvn_extern_item *from, uint32_t count,
                                  const struct tvn_world_item **out_items, size_t *out_count)
{
    struct tvn_world_item *items = TVN_DECODE_ARRAY(builder->context, struct tvn_world_item, count);
    if (!items) {
        return tvn_decode_failure(builder->context);
    }
    size_t made = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool is_item = false;
        TVN_TRY(make_item(builder, names, &from[i], &items[made], &is_item));
        made += is_item;
    }
    *out_items = items;
    *out_count = made;
    return TVN_OK;
}

static enum tvn_status fill_world(struct builder *builder, const struct tvn_component_type *type,
                                  struct tvn_world *world)
{
    struct names names = {.component = type, .is_import = true};
    TVN_TRY(make_items(builder, &names, type->imports, type->import_count, &world->imports,
                       &world->import_count));
    names.is_import = false;
    return make_items(builder, &names, type->exports, type->export_count, &world->exports,
                      &world->export_count);
}

enum tvn_status tvn_world_create(struct tvn_decode_context *context,
                                 const struct tvn_component_type *type,
                                 const struct tvn_world **out_world)
{
    struct tvn_world *world = TVN_DECODE_NEW(context, struct tvn_world);
    if (!world) {
        return tvn_decode_failure(context);
    }
    world->package =
        (struct tvn_package_id){.namespace_name = TVN_STR("root"), .name = TVN_STR("component")};
    world->name = TVN_STR("root");
    world->span = (struct tvn_span){context->file, 0, 0};
    struct builder builder = {.context = context};
    enum tvn_status status = fill_world(&builder, type, world);
    tvn_pointer_map_deinit(&builder.origins);
    TVN_TRY(status);
    *out_world = world;
    return TVN_OK;
}
