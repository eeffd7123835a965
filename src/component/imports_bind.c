/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A component's imports against what the host offers. An interface matches by id, one of wasi:* by
 * its semver track; each function that the component names must be there with a structurally equal
 * type, where two resources are the same when they have become the same run-time type.
 */
#include "base/assert.h"
#include "base/suggest.h"
#include "component/imports_internal.h"

#include <inttypes.h>

#define SUGGESTIONS_MAX 256

struct binding {
    struct tvn_instance *instance;
    struct tvn_rt_scope *scope;
    const struct tvn_def *import;
    const struct tvn_imports *imports;
    struct tvn_diag_sink *sink;
    bool checked; /* types of this pair were compared before */
};

static struct tvn_span span_of(const struct binding *binding, uint32_t offset)
{
    return (struct tvn_span){binding->instance->component->file, offset, 0};
}

static void suggest(struct tvn_diag_sink *sink, struct tvn_str word, const char *const *names,
                    size_t count)
{
    const char *near = tvn_suggest(word, names, count);
    if (near) {
        tvn_diag_help(sink, "did you mean '%s'?", near);
    }
}

/* ---- interfaces ---- */

static bool same_wasi_track(struct tvn_str wanted, struct tvn_str offered)
{
    struct tvn_package_id wanted_package, offered_package;
    struct tvn_str wanted_name, offered_name;
    return tvn_interface_id_parse(wanted, &wanted_package, &wanted_name) &&
           tvn_interface_id_parse(offered, &offered_package, &offered_name) &&
           tvn_str_is(wanted_package.namespace_name, "wasi") &&
           tvn_str_is(offered_package.namespace_name, "wasi") &&
           tvn_str_equal(wanted_package.name, offered_package.name) &&
           tvn_str_equal(wanted_name, offered_name) && wanted_package.version.valid &&
           offered_package.version.valid &&
           tvn_semver_same_track(&wanted_package.version, &offered_package.version);
}

static const struct tvn_offered_interface *find_interface(const struct tvn_imports *imports,
                                                          struct tvn_str id)
{
    const struct tvn_offered_interface *found = tvn_imports_find(imports, id);
    for (size_t i = 0; i < imports->interfaces.count && !found; i++) {
        if (same_wasi_track(id, imports->interfaces.items[i].interface->id)) {
            found = &imports->interfaces.items[i];
        }
    }
    return found;
}

const struct tvn_interface *tvn_imports_interface(const struct tvn_imports *imports,
                                                  struct tvn_str id)
{
    tvn_assert(imports);
    const struct tvn_offered_interface *offered = find_interface(imports, id);
    return offered ? offered->interface : NULL;
}

static enum tvn_status unknown_interface(const struct binding *binding, struct tvn_str id)
{
    const char *names[SUGGESTIONS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < binding->imports->interfaces.count && count < SUGGESTIONS_MAX; i++) {
        names[count++] = binding->imports->interfaces.items[i].id_text;
    }
    enum tvn_status status = tvn_diag_error(
        binding->sink, TVN_E_IMPORT_UNKNOWN, span_of(binding, binding->import->offset),
        "the component imports '%.*s', which nobody provides", TVN_STR_ARG(id));
    suggest(binding->sink, id, names, count);
    return status;
}

/* ---- functions ---- */

/* `a` is the component's, `b` the host's: the same if the host's has become the run-time type of
 * the component's. */
static bool same_resource(void *context, const struct tvn_resource *a, const struct tvn_resource *b)
{
    const struct binding *binding = context;
    const struct tvn_resource_rt *mine = tvn_rt_scope_resource(binding->scope, a);
    if (!mine) {
        return false;
    }
    for (size_t i = 0; i < binding->imports->interfaces.count; i++) {
        const struct tvn_offered_interface *offered = &binding->imports->interfaces.items[i];
        for (uint32_t r = 0; r < offered->resource_count; r++) {
            if (offered->resources[r].identity == b) {
                return offered->resources[r].rt == mine;
            }
        }
    }
    return b->owner && mine == tvn_imports_resource(binding->imports, b->owner->id, b->name);
}

static const struct tvn_host_impl *find_impl(const struct tvn_offered_interface *offered,
                                             struct tvn_str name)
{
    for (uint32_t i = 0; i < offered->func_count; i++) {
        if (tvn_str_equal(offered->funcs[i].item, name)) {
            return &offered->funcs[i];
        }
    }
    return NULL;
}

static enum tvn_status unknown_func(const struct binding *binding,
                                    const struct tvn_offered_interface *offered,
                                    struct tvn_str name, uint32_t offset)
{
    const char *names[SUGGESTIONS_MAX];
    size_t count = 0;
    for (uint32_t i = 0; i < offered->func_count && count < SUGGESTIONS_MAX; i++) {
        names[count++] = offered->funcs[i].func->name;
    }
    enum tvn_status status =
        tvn_diag_error(binding->sink, TVN_E_IMPORT_UNKNOWN, span_of(binding, offset),
                       "'%s' has no function '%.*s'", offered->id_text, TVN_STR_ARG(name));
    suggest(binding->sink, name, names, count);
    return status;
}

static enum tvn_status wrong_type(const struct binding *binding, const struct tvn_host_impl *impl,
                                  const struct tvn_func_type *wanted, uint32_t offset)
{
    TVN_AUTO_VALUE(tvn_strbuf) have_text = {0};
    TVN_AUTO_VALUE(tvn_strbuf) want_text = {0};
    tvn_func_type_print(impl->type, &have_text);
    tvn_func_type_print(wanted, &want_text);
    enum tvn_status status = tvn_diag_error(
        binding->sink, TVN_E_IMPORT_UNKNOWN, span_of(binding, offset),
        "the component imports '%s' with another type than Torvyn provides", impl->name);
    tvn_diag_note(binding->sink, "the component expects %s", tvn_strbuf_text(&want_text));
    tvn_diag_note(binding->sink, "Torvyn provides %s", tvn_strbuf_text(&have_text));
    tvn_diag_help(binding->sink, "build the component against the same version of the interface");
    return status;
}

static enum tvn_status bind_func(const struct binding *binding,
                                 const struct tvn_offered_interface *offered, struct tvn_str name,
                                 const struct tvn_func_type *type, uint32_t offset,
                                 struct tvn_item *out_item)
{
    const struct tvn_host_impl *impl = find_impl(offered, name);
    if (!impl) {
        return unknown_func(binding, offered, name, offset);
    }
    if (!binding->checked &&
        !tvn_func_type_equal(type, impl->type, same_resource, (void *)binding)) {
        return wrong_type(binding, impl, type, offset);
    }
    struct tvn_rt_func *func = TVN_ARENA_NEW(binding->instance->arena, struct tvn_rt_func);
    if (!func) {
        return tvn_diag_error(binding->sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                              "no memory to link the component");
    }
    func->host = impl;
    *out_item = (struct tvn_item){.sort = TVN_SORT_FUNC, .of.func = func};
    return TVN_OK;
}

/* ---- items ---- */

static enum tvn_status bind_resource(const struct binding *binding,
                                     const struct tvn_offered_interface *offered,
                                     struct tvn_str name, const struct tvn_resource *resource,
                                     uint32_t offset, struct tvn_item *out_item)
{
    const struct tvn_resource_rt *rt = tvn_offered_resource(offered, name);
    if (!rt) {
        return tvn_diag_error(binding->sink, TVN_E_IMPORT_UNKNOWN, span_of(binding, offset),
                              "'%s' has no resource '%.*s'", offered->id_text, TVN_STR_ARG(name));
    }
    if (resource->index >= binding->scope->resource_count) {
        return tvn_diag_error(binding->sink, TVN_E_COMPONENT_INVALID, span_of(binding, offset),
                              "a resource of the component has no place");
    }
    const struct tvn_resource_rt **bound = &binding->scope->resources[resource->index];
    if (*bound && *bound != rt) {
        return tvn_diag_error(binding->sink, TVN_E_IMPORT_UNKNOWN, span_of(binding, offset),
                              "the component takes '%.*s' of '%s' for another resource",
                              TVN_STR_ARG(name), offered->id_text);
    }
    *bound = rt;
    *out_item = (struct tvn_item){.sort = TVN_SORT_TYPE, .of.resource = rt};
    return TVN_OK;
}

/* Anything that only a component could supply. */
static enum tvn_status not_provided(const struct binding *binding, struct tvn_str name,
                                    uint32_t offset)
{
    return tvn_diag_error(binding->sink, TVN_E_IMPORT_UNKNOWN, span_of(binding, offset),
                          "the component imports '%.*s', which only another component can provide",
                          TVN_STR_ARG(name));
}

static enum tvn_status bind_item(const struct binding *binding,
                                 const struct tvn_offered_interface *offered, struct tvn_str name,
                                 const struct tvn_extern *type, uint32_t offset,
                                 struct tvn_item *out_item)
{
    switch (type->kind) {
    case TVN_EXTERN_FUNC:
        return bind_func(binding, offered, name, type->of.func, offset, out_item);
    case TVN_EXTERN_RESOURCE:
        return bind_resource(binding, offered, name, type->of.resource, offset, out_item);
    case TVN_EXTERN_VALUE_TYPE:
    case TVN_EXTERN_FUNC_TYPE:
    case TVN_EXTERN_COMPONENT_TYPE:
    case TVN_EXTERN_INSTANCE_TYPE:
        *out_item = (struct tvn_item){.sort = TVN_SORT_TYPE};
        return TVN_OK;
    case TVN_EXTERN_CORE_MODULE:
    case TVN_EXTERN_COMPONENT:
    case TVN_EXTERN_INSTANCE:
        break;
    }
    return not_provided(binding, name, offset);
}

static enum tvn_status bind_instance(const struct binding *binding,
                                     const struct tvn_instance_type *type, struct tvn_str id,
                                     struct tvn_item *out_item)
{
    const struct tvn_offered_interface *offered = find_interface(binding->imports, id);
    if (!offered && type->export_count > 0) {
        return unknown_interface(binding, id);
    }
    struct tvn_arena *arena = binding->instance->arena;
    struct tvn_items *items = TVN_ARENA_NEW(arena, struct tvn_items);
    if (!items || tvn_items_init(items, arena, type->export_count) != TVN_OK) {
        return tvn_diag_error(binding->sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                              "no memory to link the component");
    }
    for (uint32_t i = 0; i < type->export_count; i++) {
        const struct tvn_extern_item *export = &type->exports[i];
        struct tvn_item item;
        TVN_TRY(bind_item(binding, offered, export->name, &export->type, export->offset, &item));
        tvn_items_add(items, export->name, &item);
    }
    tvn_items_seal(items);
    *out_item = (struct tvn_item){.sort = TVN_SORT_INSTANCE, .of.instance = items};
    return TVN_OK;
}

enum tvn_status tvn_imports_bind(struct tvn_instance *instance, struct tvn_rt_scope *scope,
                                 const struct tvn_def *import, struct tvn_diag_sink *sink,
                                 struct tvn_item *out_item)
{
    static const struct tvn_interface no_interface = {.id = {"", 0}};
    static const struct tvn_offered_interface nothing = {.interface = &no_interface, .id_text = ""};
    struct binding binding = {
        .instance = instance,
        .scope = scope,
        .import = import,
        .imports = instance->imports,
        .sink = sink,
        .checked = atomic_load(&instance->component->checked_imports) == instance->imports->serial,
    };
    struct tvn_str name = import->of.import.name;
    if (import->type.kind == TVN_EXTERN_INSTANCE) {
        return bind_instance(&binding, import->type.of.instance, name, out_item);
    }
    if (import->type.kind == TVN_EXTERN_FUNC || import->type.kind == TVN_EXTERN_RESOURCE) {
        /* Of the world itself: the interface without an id. */
        const struct tvn_offered_interface *world =
            tvn_imports_find(instance->imports, TVN_STR(""));
        const struct tvn_offered_interface *offered = world ? world : &nothing;
        bool found = import->type.kind == TVN_EXTERN_FUNC
                         ? find_impl(offered, name) != NULL
                         : tvn_offered_resource(offered, name) != NULL;
        if (!found) {
            return unknown_interface(&binding, name);
        }
        return bind_item(&binding, offered, name, &import->type, import->offset, out_item);
    }
    return bind_item(&binding, &nothing, name, &import->type, import->offset, out_item);
}
