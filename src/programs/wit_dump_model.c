/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "programs/wit_dump_internal.h"

static struct tvn_str pointer_key(const void *const *pointer)
{
    return (struct tvn_str){(const char *)pointer, sizeof(*pointer)};
}

static const void *identity(const struct tvn_type_item *item)
{
    return item->resource ? (const void *)item->resource : (const void *)item->type;
}

/* The first entry of a key stays. */
static void remember(struct tvn_dump *dump, struct tvn_map *map, struct tvn_str key, size_t number)
{
    enum tvn_status status = tvn_map_add(map, key, (void *)(uintptr_t)(number + 1));
    dump->failed |= status != TVN_OK && status != TVN_EXISTS;
}

/* SIZE_MAX: not there. */
static size_t recall(const struct tvn_map *map, struct tvn_str key)
{
    return (size_t)(uintptr_t)tvn_map_get(map, key) - 1;
}

static bool goes_by_own_name(const struct tvn_type_item *item)
{
    return tvn_str_equal(item->name, item->resource ? item->resource->name : item->type->name);
}

static void name_scope(struct tvn_dump *dump, struct tvn_dump_scope *scope)
{
    for (int pass = 0; pass < 2; pass++) { /* a type's own name before its other names */
        for (size_t i = 0; i < scope->count; i++) {
            const void *key = identity(scope->items[i]);
            if (goes_by_own_name(scope->items[i]) == (pass == 0)) {
                remember(dump, scope->by_identity, pointer_key(&key), i);
            }
        }
    }
    for (size_t i = 0; i < scope->count; i++) {
        const struct tvn_type_item *item = scope->items[i];
        const void *key = identity(item);
        remember(dump, scope->by_name, item->name, i);
        if (item->kind != TVN_TYPE_ITEM_USED && goes_by_own_name(item)) {
            remember(dump, dump->defined, pointer_key(&key), scope->first_type + i);
        }
    }
}

/* With room for `count` items, which the caller fills in. */
static struct tvn_dump_scope *add_scope(struct tvn_dump *dump, size_t count)
{
    struct tvn_dump_scope *scope = tvn_calloc(1, sizeof(*scope));
    enum tvn_status status = tvn_vec_push(&dump->scopes, TVN_DUMP_ITEMS_MAX, scope);
    if (!scope || status != TVN_OK) {
        tvn_free(status == TVN_OK ? NULL : scope);
        dump->failed = true;
        return NULL;
    }
    scope->items = (const struct tvn_type_item **)tvn_calloc(count + 1, sizeof(*scope->items));
    scope->by_identity = tvn_map_create(TVN_DUMP_ITEMS_MAX);
    scope->by_name = tvn_map_create(TVN_DUMP_ITEMS_MAX);
    scope->first_type = dump->type_count;
    dump->failed |= !scope->items || !scope->by_identity || !scope->by_name;
    return dump->failed ? NULL : scope;
}

static void finish_scope(struct tvn_dump *dump, struct tvn_dump_scope *scope)
{
    dump->type_count += scope->count;
    name_scope(dump, scope);
}

static void add_interface(struct tvn_dump *dump, const struct tvn_interface *model, size_t package,
                          bool is_inline)
{
    struct tvn_dump_scope *scope = add_scope(dump, model->type_count);
    if (!scope) {
        return;
    }
    scope->owner = dump->interfaces.count;
    for (size_t i = 0; i < model->type_count; i++) {
        scope->items[scope->count++] = &model->types[i];
    }
    finish_scope(dump, scope);
    if (!is_inline) {
        const void *key = model;
        remember(dump, dump->interface_numbers, pointer_key(&key), scope->owner);
    }
    struct tvn_dump_interface added = {model, package, is_inline, scope};
    enum tvn_status status = tvn_vec_push(&dump->interfaces, TVN_DUMP_ITEMS_MAX, added);
    dump->failed |= status != TVN_OK;
}

static void add_inline(struct tvn_dump *dump, const struct tvn_world_item *items, size_t count,
                       size_t package)
{
    for (size_t i = 0; i < count && !dump->failed; i++) {
        if (items[i].kind == TVN_WORLD_INTERFACE &&
            items[i].interface->package.namespace_name.len == 0) {
            add_interface(dump, items[i].interface, package, true);
        }
    }
}

static void add_world(struct tvn_dump *dump, const struct tvn_world *model, size_t package)
{
    struct tvn_dump_scope *scope = add_scope(dump, model->import_count);
    if (!scope) {
        return;
    }
    scope->is_world = true;
    scope->owner = dump->worlds.count;
    for (size_t i = 0; i < model->import_count; i++) {
        if (model->imports[i].kind == TVN_WORLD_TYPE) {
            scope->items[scope->count++] = model->imports[i].type;
        }
    }
    finish_scope(dump, scope);
    struct tvn_dump_world added = {model, package, dump->interfaces.count, scope};
    enum tvn_status status = tvn_vec_push(&dump->worlds, TVN_DUMP_ITEMS_MAX, added);
    dump->failed |= status != TVN_OK;
    add_inline(dump, model->imports, model->import_count, package);
    add_inline(dump, model->exports, model->export_count, package);
}

void tvn_dump_init(struct tvn_dump *dump, const struct tvn_wit *wit)
{
    tvn_assert(dump);
    tvn_assert(wit);
    *dump = (struct tvn_dump){.wit = wit,
                              .interface_numbers = tvn_map_create(TVN_DUMP_ITEMS_MAX),
                              .defined = tvn_map_create(TVN_DUMP_ITEMS_MAX)};
    dump->failed = !dump->interface_numbers || !dump->defined;
    for (size_t i = 0; i < tvn_wit_package_count(wit) && !dump->failed; i++) {
        const struct tvn_package *package = tvn_wit_package_at(wit, i);
        for (size_t k = 0; k < package->interface_count && !dump->failed; k++) {
            add_interface(dump, package->interfaces[k], i, false);
        }
        for (size_t k = 0; k < package->world_count && !dump->failed; k++) {
            add_world(dump, package->worlds[k], i);
        }
    }
}

void tvn_dump_deinit(struct tvn_dump *dump)
{
    for (size_t i = 0; i < dump->scopes.count; i++) {
        struct tvn_dump_scope *scope = dump->scopes.items[i];
        if (!scope) {
            continue;
        }
        tvn_map_destroy(scope->by_identity);
        tvn_map_destroy(scope->by_name);
        tvn_free((void *)scope->items);
        tvn_free(scope);
    }
    tvn_vec_deinit(&dump->scopes);
    tvn_vec_deinit(&dump->worlds);
    tvn_vec_deinit(&dump->interfaces);
    tvn_vec_deinit(&dump->anonymous);
    tvn_map_destroy(dump->interface_numbers);
    tvn_map_destroy(dump->defined);
}

/* SIZE_MAX: the scope has no name for it. */
static size_t in_scope(const struct tvn_dump_scope *scope, const void *pointer)
{
    size_t item = recall(scope->by_identity, pointer_key(&pointer));
    return item == SIZE_MAX ? SIZE_MAX : scope->first_type + item;
}

size_t tvn_dump_resource_id(const struct tvn_dump *dump, const struct tvn_dump_scope *scope,
                            const struct tvn_resource *resource, struct tvn_str name)
{
    size_t item = recall(scope->by_name, name);
    if (item != SIZE_MAX && scope->items[item]->resource == resource) {
        return scope->first_type + item;
    }
    size_t id = in_scope(scope, resource);
    const void *key = resource;
    return id != SIZE_MAX ? id : recall(dump->defined, pointer_key(&key));
}

static size_t anonymous_id(struct tvn_dump *dump, const struct tvn_dump_scope *scope,
                           const struct tvn_type *type)
{
    struct tvn_dump_anonymous added = {type, scope};
    enum tvn_status status = tvn_vec_push(&dump->anonymous, TVN_DUMP_ITEMS_MAX, added);
    if (status != TVN_OK) {
        dump->failed = true;
        return 0;
    }
    return dump->type_count + dump->anonymous.count - 1;
}

size_t tvn_dump_type_id(struct tvn_dump *dump, const struct tvn_dump_scope *scope,
                        const struct tvn_type *type)
{
    size_t id = in_scope(scope, type);
    const void *key = type;
    if (id == SIZE_MAX) {
        id = recall(dump->defined, pointer_key(&key));
    }
    return id != SIZE_MAX ? id : anonymous_id(dump, scope, type);
}

size_t tvn_dump_interface_number(const struct tvn_dump *dump, const struct tvn_interface *model)
{
    const void *key = model;
    return recall(dump->interface_numbers, pointer_key(&key));
}

size_t tvn_dump_used_id(const struct tvn_dump *dump, const struct tvn_type_item *item)
{
    size_t number = tvn_dump_interface_number(dump, item->used_from);
    if (number == SIZE_MAX) {
        return SIZE_MAX;
    }
    const struct tvn_dump_scope *scope = dump->interfaces.items[number].scope;
    size_t place = recall(scope->by_name, item->used_name);
    return place == SIZE_MAX ? SIZE_MAX : scope->first_type + place;
}
