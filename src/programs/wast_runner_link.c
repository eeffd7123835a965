/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a component of a script can import: the exports of instances that the script registered, and
 * an instance "host" that scripts of one engine count on (wast_runner_host.c).
 *
 * Every instance has a store of its own, so a call between two goes through values. A resource
 * stays where it was made: the other side holds a number into run->held.
 */
#include "programs/wast_runner_internal.h"

#include <inttypes.h>

struct provider {
    struct tvn_str id;
    struct tvn_wast_instance *instance;
};

/* The context of what was linked into one instance. */
struct tvn_wast_links {
    struct tvn_wast_run *run;
    struct provider *providers;
    size_t count;
};

/* ---- values between instances ---- */

enum direction { TO_PROVIDER, TO_IMPORTER };

struct passage {
    struct tvn_wast_run *run;
    struct tvn_arena *arena;
    struct tvn_instance *provider;
    enum direction direction;
};

static bool pass_handle(const struct passage *passage, const struct tvn_value *from,
                        struct tvn_value *to)
{
    struct tvn_wast_run *run = passage->run;
    *to = *from;
    if (passage->direction == TO_IMPORTER) {
        const struct tvn_wast_held held = {passage->provider, from->of.handle.type,
                                           from->of.handle.rep};
        to->of.handle.type = NULL; /* the one that was linked */
        to->of.handle.rep = run->held.count;
        enum tvn_status status = tvn_vec_push(&run->held, TVN_WAST_ITEMS_MAX, held);
        return status == TVN_OK;
    }
    if (from->of.handle.rep >= run->held.count) {
        return false;
    }
    struct tvn_wast_held *held = &run->held.items[from->of.handle.rep];
    to->of.handle.type = held->type;
    to->of.handle.rep = held->rep;
    if (from->type && from->type->kind == TVN_TYPE_OWN) {
        *held = (struct tvn_wast_held){0};
    }
    return held->instance == passage->provider || !held->instance;
}

static bool pass(const struct passage *passage, const struct tvn_value *from, struct tvn_value *to);

static bool pass_items(const struct passage *passage, const struct tvn_value *from,
                       struct tvn_value *to)
{
    *to = *from;
    if (from->is_bytes) {
        return true;
    }
    uint32_t count = from->of.list.count;
    to->of.list.items = TVN_ARENA_ARRAY(passage->arena, struct tvn_value, count + 1);
    bool good = to->of.list.items != NULL;
    for (uint32_t i = 0; good && i < count; i++) {
        good = pass(passage, &from->of.list.items[i], &to->of.list.items[i]);
    }
    return good;
}

/* Copies a value; handles in it become what they are on the other side. */
static bool pass(const struct passage *passage, const struct tvn_value *from, struct tvn_value *to)
{
    *to = *from;
    switch ((int)from->type->kind) {
    case TVN_TYPE_OWN:
    case TVN_TYPE_BORROW:
        return pass_handle(passage, from, to);
    case TVN_TYPE_LIST:
    case TVN_TYPE_RECORD:
    case TVN_TYPE_TUPLE:
        return pass_items(passage, from, to);
    case TVN_TYPE_VARIANT:
    case TVN_TYPE_OPTION:
    case TVN_TYPE_RESULT:
        if (!from->of.variant.value) {
            return true;
        }
        to->of.variant.value = TVN_ARENA_NEW(passage->arena, struct tvn_value);
        return to->of.variant.value && pass(passage, from->of.variant.value, to->of.variant.value);
    default:
        return true;
    }
}

/* ---- host functions that stand for exports ---- */

static const struct tvn_export *find_provider(const struct tvn_wast_links *links, const char *name,
                                              struct tvn_instance **out_instance)
{
    const char *hash = strchr(name, '#'); /* "interface#function" */
    for (size_t i = 0; hash && i < links->count; i++) {
        const struct provider *provider = &links->providers[i];
        if (tvn_str_equal(provider->id, (struct tvn_str){name, (size_t)(hash - name)})) {
            *out_instance = provider->instance->instance;
            return tvn_instance_find_export(*out_instance, TVN_STR(""), tvn_str_of(hash + 1));
        }
    }
    return NULL;
}

static enum tvn_status call_export(const struct tvn_call_site *site, const struct tvn_value *args,
                                   uint32_t arg_count, struct tvn_arena *arena,
                                   struct tvn_value *out_result)
{
    const struct tvn_wast_links *links = site->host;
    struct passage passage = {.run = links->run, .arena = arena, .direction = TO_PROVIDER};
    const struct tvn_export *export = find_provider(links, site->name, &passage.provider);
    struct tvn_value *values = TVN_ARENA_ARRAY(arena, struct tvn_value, arg_count + 1);
    bool good = export && values;
    for (uint32_t i = 0; good && i < arg_count; i++) {
        good = pass(&passage, &args[i], &values[i]);
    }
    if (!good) {
        return tvn_instance_fail(site->instance, TVN_E_INTERNAL, "'%s' cannot be called",
                                 site->name);
    }
    struct tvn_value result = {0};
    enum tvn_status status = tvn_export_invoke(export, values, arg_count, arena, &result);
    if (status != TVN_OK) {
        return tvn_instance_fail(site->instance, status, "%s",
                                 tvn_instance_fault(passage.provider)->text);
    }
    passage.direction = TO_IMPORTER;
    if (result.type && !pass(&passage, &result, out_result)) {
        return tvn_instance_fail(site->instance, TVN_E_INTERNAL, "too many resources");
    }
    return TVN_OK;
}

static void drop_held(void *host, struct tvn_guest *guest, uint64_t rep)
{
    const struct tvn_wast_links *links = host;
    if (rep >= links->run->held.count) {
        return;
    }
    struct tvn_wast_held held = links->run->held.items[rep];
    links->run->held.items[rep] = (struct tvn_wast_held){0};
    if (!held.instance || tvn_instance_is_dead(held.instance)) {
        return;
    }
    enum tvn_status status = tvn_instance_drop_resource(held.instance, held.type, held.rep);
    if (status != TVN_OK) {
        tvn_instance_fail(guest->instance, status, "%s", tvn_instance_fault(held.instance)->text);
    }
}

/* ---- the exports of an instance as an interface ---- */

struct offer {
    struct tvn_interface interface;
    struct tvn_host_func *funcs;
    struct tvn_host_resource *resources;
    size_t resource_count;
};

static bool offer_item(struct tvn_arena *arena, const struct tvn_world_item *item,
                       struct tvn_type_item *types, struct tvn_func *funcs, struct offer *offer)
{
    char *name = tvn_arena_strndup(arena, item->name.ptr, item->name.len);
    if (!name) {
        return false;
    }
    if (item->kind == TVN_WORLD_FUNC) {
        size_t number = offer->interface.func_count++;
        funcs[number] = *item->func;
        offer->funcs[number] = (struct tvn_host_func){.name = name, .dynamic = call_export};
    } else if (item->kind == TVN_WORLD_TYPE) {
        struct tvn_type_item *type = &types[offer->interface.type_count++];
        *type = *item->type;
        type->name = item->name;
        if (type->resource) {
            type->kind = TVN_TYPE_ITEM_RESOURCE;
            offer->resources[offer->resource_count++] =
                (struct tvn_host_resource){.name = name, .drop = drop_held};
        }
    }
    return true;
}

static bool make_offer(struct tvn_arena *arena, const struct tvn_world *world, struct tvn_str id,
                       struct offer *offer)
{
    size_t count = world->export_count + 1;
    struct tvn_type_item *types = TVN_ARENA_ARRAY(arena, struct tvn_type_item, count);
    struct tvn_func *funcs = TVN_ARENA_ARRAY(arena, struct tvn_func, count);
    offer->funcs = TVN_ARENA_ARRAY(arena, struct tvn_host_func, count);
    offer->resources = TVN_ARENA_ARRAY(arena, struct tvn_host_resource, count);
    bool good = types && funcs && offer->funcs && offer->resources;
    offer->interface = (struct tvn_interface){
        .package = {.namespace_name = {"", 0}, .name = {"", 0}}, .name = id, .id = id};
    offer->interface.types = types;
    offer->interface.funcs = funcs;
    for (size_t i = 0; good && i < world->export_count; i++) {
        good = offer_item(arena, &world->exports[i], types, funcs, offer);
    }
    return good;
}

/* ---- linking ---- */

static struct tvn_wast_instance *find_registered(const struct tvn_wast_run *run, struct tvn_str id)
{
    for (struct tvn_wast_instance *instance = run->instances; instance;
         instance = instance->older) {
        if (instance->registered_as.len > 0 && tvn_str_equal(instance->registered_as, id) &&
            !instance->definition->is_core) {
            return instance;
        }
    }
    return NULL;
}

static bool link_registered(struct tvn_wast_links *links, struct tvn_str id,
                            struct tvn_wast_instance *registered, struct tvn_imports *imports)
{
    struct tvn_arena *arena = links->run->arena;
    struct offer *offer = TVN_ARENA_NEW(arena, struct offer);
    links->providers[links->count++] = (struct provider){id, registered};
    const struct tvn_world *world = tvn_component_world(registered->definition->component);
    return offer && make_offer(arena, world, id, offer) &&
           tvn_imports_add(imports, &offer->interface, offer->funcs, offer->interface.func_count,
                           offer->resources, offer->resource_count,
                           TVN_WAST_CONTEXT_LINKS) == TVN_OK;
}

bool tvn_wast_link(struct tvn_wast_run *run, const struct tvn_component *component,
                   struct tvn_imports *imports, struct tvn_wast_links **out_links)
{
    const struct tvn_world *world = tvn_component_world(component);
    struct tvn_wast_links *links = TVN_ARENA_NEW(run->arena, struct tvn_wast_links);
    if (!links) {
        return false;
    }
    links->run = run;
    links->providers = TVN_ARENA_ARRAY(run->arena, struct provider, world->import_count + 1);
    bool good = links->providers != NULL;
    bool host_taken = false;
    for (size_t i = 0; good && i < world->import_count; i++) {
        const struct tvn_world_item *item = &world->imports[i];
        struct tvn_wast_instance *registered =
            item->kind == TVN_WORLD_INTERFACE ? find_registered(run, item->name) : NULL;
        if (registered) {
            host_taken = host_taken || tvn_str_is(item->name, "host");
            good = link_registered(links, item->name, registered, imports);
        }
    }
    *out_links = links;
    return good && tvn_wast_offer_host(imports, !host_taken);
}
