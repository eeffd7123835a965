/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/mem.h"
#include "contracts/type_print_internal.h"
#include "contracts/wit_name_internal.h"
#include "contracts/wit_print_internal.h"

#define SCOPE_MAX ((size_t)1 << 24)

static struct tvn_str pointer_key(const void *const *pointer)
{
    return (struct tvn_str){(const char *)pointer, sizeof(*pointer)};
}

static bool added(enum tvn_status status)
{
    return status == TVN_OK || status == TVN_EXISTS;
}

static bool add(struct tvn_map *map, const void *pointer, const void *value)
{
    return added(tvn_map_add(map, pointer_key(&pointer), (void *)(uintptr_t)value));
}

static const void *identity(const struct tvn_type_item *item)
{
    return item->resource ? (const void *)item->resource : (const void *)item->type;
}

/* Whether the type or resource goes by its own name here. */
static bool own_name(const struct tvn_type_item *item)
{
    return tvn_str_equal(item->name, item->resource ? item->resource->name : item->type->name);
}

/* Own names first, then those from elsewhere, then further names for them: the first entry stays.
 */
static bool add_items(struct tvn_wit_names *names, const struct tvn_type_item *const *types,
                      size_t count)
{
    for (int pass = 0; pass < 3; pass++) {
        for (size_t i = 0; i < count; i++) {
            bool own = own_name(types[i]);
            bool used = types[i]->kind == TVN_TYPE_ITEM_USED;
            bool now = pass == 0 ? own : !own && used == (pass == 1);
            if (now && (!add(names->items, identity(types[i]), types[i]) ||
                        !added(tvn_map_add(names->by_name, types[i]->name,
                                           (void *)(uintptr_t)types[i])))) {
                return false;
            }
        }
    }
    return true;
}

/* Chains the functions of each resource, in order. */
static bool add_funcs(struct tvn_wit_names *names, const struct tvn_func *const *funcs,
                      size_t count)
{
    for (size_t i = count; i > 0; i--) {
        names->funcs[i - 1] = funcs[i - 1];
        const void *resource = funcs[i - 1]->resource;
        if (!resource) {
            continue;
        }
        names->next_funcs[i - 1] =
            (size_t)(uintptr_t)tvn_map_remove(names->resources, pointer_key(&resource));
        if (!add(names->resources, resource, (const void *)(uintptr_t)i)) {
            return false;
        }
    }
    return true;
}

bool tvn_wit_names_init(struct tvn_wit_names *names, const struct tvn_type_item *const *types,
                        size_t type_count, const struct tvn_func *const *funcs, size_t func_count)
{
    *names = (struct tvn_wit_names){
        .items = tvn_map_create(SCOPE_MAX),
        .by_name = tvn_map_create(SCOPE_MAX),
        .resources = tvn_map_create(SCOPE_MAX),
        .funcs = (const struct tvn_func **)tvn_calloc(func_count + 1, sizeof(*names->funcs)),
        .next_funcs = tvn_calloc(func_count + 1, sizeof(*names->next_funcs)),
    };
    return names->items && names->by_name && names->resources && names->funcs &&
           names->next_funcs && add_items(names, types, type_count) &&
           add_funcs(names, funcs, func_count);
}

void tvn_wit_names_deinit(struct tvn_wit_names *names)
{
    tvn_map_destroy(names->items);
    tvn_map_destroy(names->by_name);
    tvn_map_destroy(names->resources);
    tvn_free((void *)names->funcs);
    tvn_free(names->next_funcs);
}

bool tvn_wit_names_is_alias(const struct tvn_wit_names *names, const struct tvn_type_item *item,
                            struct tvn_str *out_first)
{
    const void *resource = item->resource;
    const struct tvn_type_item *first = tvn_map_get(names->items, pointer_key(&resource));
    if (!first || first == item) {
        return false;
    }
    *out_first = first->name;
    return true;
}

const struct tvn_func *tvn_wit_names_method(const struct tvn_wit_names *names,
                                            const struct tvn_resource *resource, size_t *place)
{
    const void *key = resource;
    *place = *place == 0 ? (size_t)(uintptr_t)tvn_map_get(names->resources, pointer_key(&key))
                         : names->next_funcs[*place - 1];
    return *place == 0 ? NULL : names->funcs[*place - 1];
}

/* A handle to a resource that goes by several names keeps the one it was written with, if the scope
 * has it. */
static struct tvn_str name_of_type(void *context, const struct tvn_type *type)
{
    const struct tvn_wit_names *names = context;
    const void *key = type;
    const struct tvn_type_item *item = tvn_map_get(names->items, pointer_key(&key));
    if (!item && type->kind == TVN_TYPE_OWN && !tvn_map_has(names->by_name, type->name)) {
        return TVN_STR("");
    }
    return item ? item->name : type->name;
}

static struct tvn_str name_of_resource(void *context, const struct tvn_type *handle)
{
    const struct tvn_wit_names *names = context;
    const struct tvn_resource *resource = handle->resource;
    const void *key = resource;
    const struct tvn_type_item *item = tvn_map_get(names->by_name, handle->resource_name);
    if (item && item->resource == resource) {
        return item->name;
    }
    item = tvn_map_get(names->items, pointer_key(&key));
    return item ? item->name : resource->name;
}

static struct tvn_type_names type_names(const struct tvn_wit_printer *printer)
{
    return (struct tvn_type_names){name_of_type, name_of_resource,
                                   (void *)(uintptr_t)printer->names};
}

void tvn_wit_print_type_reference(const struct tvn_wit_printer *printer,
                                  const struct tvn_type *type)
{
    struct tvn_type_names names = type_names(printer);
    tvn_type_print_reference(&names, type, printer->out);
}

void tvn_wit_print_type_body(const struct tvn_wit_printer *printer, const struct tvn_type *type)
{
    struct tvn_type_names names = type_names(printer);
    tvn_type_print_body(&names, type, printer->out);
}

void tvn_wit_print_signature(const struct tvn_wit_printer *printer, const struct tvn_func *func)
{
    struct tvn_type_names names = type_names(printer);
    bool method = func->kind == TVN_FUNC_METHOD && func->type.param_count > 0;
    /* A constructor that cannot fail returns its resource without saying so. */
    const struct tvn_type *result = func->type.result;
    bool silent = func->kind == TVN_FUNC_CONSTRUCTOR && result && result->kind == TVN_TYPE_OWN;
    tvn_func_type_print_named(&names, &func->type, method ? 1 : 0, !silent, printer->out);
}
