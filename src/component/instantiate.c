/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instantiation: the definitions of a component in order, each adding one item to an index space. A
 * nested component is a closure over the scope that it is defined in; instantiating it makes a
 * scope of its own.
 */
#include "base/assert.h"
#include "component/instance_internal.h"

struct walk {
    struct tvn_instance *instance;
    struct tvn_diag_sink *sink;
    uint32_t offset; /* of the definition at work, for the message */
};

static enum tvn_status run_definitions(struct walk *walk, struct tvn_rt_scope *scope,
                                       const struct tvn_items *args);

/* ---- core instances ---- */

static enum tvn_status core_bag(struct walk *walk, const struct tvn_items *items,
                                struct tvn_item *out_item)
{
    struct tvn_rt_core_instance *core =
        TVN_ARENA_NEW(walk->instance->arena, struct tvn_rt_core_instance);
    if (!core) {
        return tvn_instantiate_no_memory(walk->instance);
    }
    core->is_bag = true;
    core->items = (struct tvn_items *)items;
    out_item->of.core_instance = core;
    return TVN_OK;
}

/* The items that bindings name: arguments, inline exports. */
static enum tvn_status collect(struct walk *walk, const struct tvn_rt_scope *scope,
                               const struct tvn_binding *bindings, uint32_t count,
                               struct tvn_items **out_items)
{
    struct tvn_arena *arena = walk->instance->arena;
    TVN_TRY(tvn_instantiate_steps(walk->instance, count));
    struct tvn_items *items = TVN_ARENA_NEW(arena, struct tvn_items);
    if (!items || tvn_items_init(items, arena, count) != TVN_OK) {
        return tvn_instantiate_no_memory(walk->instance);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct tvn_item item = *tvn_rt_scope_item(scope, bindings[i].sort, bindings[i].index);
        item.sort = bindings[i].sort; /* a value type's item is still zero */
        tvn_items_add(items, bindings[i].name, &item);
    }
    tvn_items_seal(items);
    *out_items = items;
    return TVN_OK;
}

static enum tvn_sort core_sort(enum tvn_core_extern_kind kind)
{
    switch (kind) {
    case TVN_CORE_EXTERN_FUNC:
        return TVN_SORT_CORE_FUNC;
    case TVN_CORE_EXTERN_TABLE:
        return TVN_SORT_CORE_TABLE;
    case TVN_CORE_EXTERN_MEMORY:
        return TVN_SORT_CORE_MEMORY;
    case TVN_CORE_EXTERN_GLOBAL:
        return TVN_SORT_CORE_GLOBAL;
    case TVN_CORE_EXTERN_TAG:
        break;
    }
    return TVN_SORT_COUNT; /* no such index space */
}

static bool core_export(const struct tvn_instance *instance,
                        const struct tvn_rt_core_instance *core, struct tvn_str name,
                        enum tvn_core_extern_kind kind, struct tvn_core_item *out_item)
{
    if (!core->is_bag) {
        return tvn_core_export(instance, &core->core, name, out_item) && out_item->kind == kind;
    }
    const struct tvn_item *item = tvn_items_find(core->items, name, core_sort(kind));
    if (!item) {
        return false;
    }
    *out_item = item->of.core;
    return true;
}

static enum tvn_status find_core_imports(struct walk *walk, const struct tvn_core_module_type *type,
                                         const struct tvn_items *args,
                                         struct tvn_core_item *out_imports)
{
    struct tvn_instance *instance = walk->instance;
    TVN_TRY(tvn_instantiate_steps(instance, type->import_count));
    for (uint32_t i = 0; i < type->import_count; i++) {
        const struct tvn_core_extern *import = &type->imports[i];
        const struct tvn_item *from = tvn_items_find(args, import->module, TVN_SORT_CORE_INSTANCE);
        if (!from || !core_export(instance, from->of.core_instance, import->name, import->kind,
                                  &out_imports[i])) {
            return tvn_instance_fail(instance, TVN_E_COMPONENT_INVALID,
                                     "a core module imports '%.*s' '%.*s', which it does not get",
                                     TVN_STR_ARG(import->module), TVN_STR_ARG(import->name));
        }
    }
    return TVN_OK;
}

static enum tvn_status core_instantiate(struct walk *walk, const struct tvn_rt_scope *scope,
                                        const struct tvn_def *def, struct tvn_item *out_item)
{
    struct tvn_instance *instance = walk->instance;
    if (instance->core_instance_count >= TVN_COMPONENT_CORE_INSTANCES_MAX) {
        return tvn_instance_fail(instance, TVN_E_INSTANCE_LIMIT,
                                 "the component is made of more than %d core instances",
                                 TVN_COMPONENT_CORE_INSTANCES_MAX);
    }
    instance->core_instance_count++;
    if (scope->late && def->of.core_instantiate.only_for_late) {
        static const struct tvn_items nothing;
        return core_bag(walk, &nothing, out_item); /* nobody looks into it */
    }
    uint32_t number =
        tvn_rt_scope_item(scope, TVN_SORT_CORE_MODULE, def->of.core_instantiate.module)->of.module;
    const struct tvn_core_module_type *type = &instance->component->document.modules[number].type;
    struct tvn_items *args = NULL;
    TVN_TRY(collect(walk, scope, def->of.core_instantiate.args, def->of.core_instantiate.arg_count,
                    &args));
    struct tvn_rt_core_instance *core = TVN_ARENA_NEW(instance->arena, struct tvn_rt_core_instance);
    struct tvn_core_item *imports =
        TVN_ARENA_ARRAY(instance->arena, struct tvn_core_item, (size_t)type->import_count + 1);
    if (!core || !imports) {
        return tvn_instantiate_no_memory(instance);
    }
    TVN_TRY(find_core_imports(walk, type, args, imports));
    TVN_TRY(tvn_core_instantiate(instance, instance->component->code[number], imports,
                                 type->import_count, &core->core));
    out_item->of.core_instance = core;
    return TVN_OK;
}

/* ---- components ---- */

static enum tvn_status define_component(struct walk *walk, const struct tvn_rt_scope *scope,
                                        const struct tvn_def *def, struct tvn_item *out_item)
{
    struct tvn_rt_component *component =
        TVN_ARENA_NEW(walk->instance->arena, struct tvn_rt_component);
    if (!component) {
        return tvn_instantiate_no_memory(walk->instance);
    }
    *component = (struct tvn_rt_component){.definition = def->of.component, .outer = scope};
    out_item->of.component = component;
    return TVN_OK;
}

static enum tvn_status instantiate(struct walk *walk, struct tvn_rt_scope *scope,
                                   const struct tvn_def *def, struct tvn_item *out_item)
{
    const struct tvn_rt_component *component =
        tvn_rt_scope_item(scope, TVN_SORT_COMPONENT, def->of.instantiate.component)->of.component;
    struct tvn_items *args = NULL;
    TVN_TRY(collect(walk, scope, def->of.instantiate.args, def->of.instantiate.arg_count, &args));
    struct tvn_rt_scope *child = NULL;
    TVN_TRY(tvn_rt_scope_create(walk->instance, component->definition, component->outer,
                                &scope->guest, &child));
    TVN_TRY(run_definitions(walk, child, args));
    out_item->of.instance = &child->exports;
    return TVN_OK;
}

static enum tvn_status define_resource(struct walk *walk, struct tvn_rt_scope *scope,
                                       const struct tvn_def *def, struct tvn_item *out_item)
{
    const struct tvn_resource *resource = def->of.resource.resource;
    struct tvn_arena *arena = walk->instance->arena;
    struct tvn_resource_rt *rt = TVN_ARENA_NEW(arena, struct tvn_resource_rt);
    if (!rt) {
        return tvn_instantiate_no_memory(walk->instance);
    }
    rt->name = resource->name.len > 0
                   ? tvn_arena_strndup(arena, resource->name.ptr, resource->name.len)
                   : "guest-defined resource";
    rt->guest = &scope->guest;
    if (def->of.resource.destructor != TVN_INDEX_NONE) {
        const struct tvn_core_item *core =
            &tvn_rt_scope_item(scope, TVN_SORT_CORE_FUNC, def->of.resource.destructor)->of.core;
        static const struct tvn_core_signature signature = {.params = {TVN_CORE_I32},
                                                            .param_count = 1};
        if (!atomic_load(&walk->instance->component->checked_signatures) &&
            !tvn_core_func_has_signature(walk->instance, &core->of.func, &signature)) {
            return tvn_instantiate_broken(walk->instance, "a destructor has the wrong core type");
        }
        rt->has_destructor = true;
        rt->destructor = core->of.func;
    }
    scope->resources[resource->index] = rt;
    out_item->of.resource = rt;
    return TVN_OK;
}

/* ---- aliases, imports, exports ---- */

static enum tvn_status alias_export(struct walk *walk, const struct tvn_rt_scope *scope,
                                    const struct tvn_def *def, struct tvn_item *out_item)
{
    const struct tvn_items *items =
        tvn_rt_scope_item(scope, TVN_SORT_INSTANCE, def->of.alias.instance)->of.instance;
    const struct tvn_item *item = tvn_items_find(items, def->of.alias.name, def->sort);
    if (!item) {
        return tvn_instantiate_broken(walk->instance, "an alias names a missing export");
    }
    *out_item = *item;
    return TVN_OK;
}

static enum tvn_status alias_late(struct walk *walk, struct tvn_rt_scope *scope,
                                  const struct tvn_late_func *late, struct tvn_item *out_item)
{
    struct tvn_item func;
    if (late->func) {
        TVN_TRY(alias_export(walk, scope, late->func, &func));
    } else {
        func = *tvn_rt_scope_item(scope, TVN_SORT_FUNC, late->lower->of.lower.func);
    }
    return tvn_instantiate_late(walk->instance, scope, late, func.of.func, out_item);
}

static enum tvn_status alias_core_export(struct walk *walk, struct tvn_rt_scope *scope,
                                         const struct tvn_def *def, struct tvn_item *out_item)
{
    static const enum tvn_core_extern_kind kinds[] = {
        [TVN_SORT_CORE_FUNC] = TVN_CORE_EXTERN_FUNC,
        [TVN_SORT_CORE_TABLE] = TVN_CORE_EXTERN_TABLE,
        [TVN_SORT_CORE_MEMORY] = TVN_CORE_EXTERN_MEMORY,
        [TVN_SORT_CORE_GLOBAL] = TVN_CORE_EXTERN_GLOBAL,
    };
    if (scope->late && def->of.alias.late) {
        return alias_late(walk, scope, def->of.alias.late, out_item);
    }
    const struct tvn_rt_core_instance *core =
        tvn_rt_scope_item(scope, TVN_SORT_CORE_INSTANCE, def->of.alias.instance)->of.core_instance;
    if (def->sort > TVN_SORT_CORE_GLOBAL || !core_export(walk->instance, core, def->of.alias.name,
                                                         kinds[def->sort], &out_item->of.core)) {
        return tvn_instantiate_broken(walk->instance, "an alias names a missing core export");
    }
    return TVN_OK;
}

static enum tvn_status alias_outer(struct walk *walk, const struct tvn_rt_scope *scope,
                                   const struct tvn_def *def, struct tvn_item *out_item)
{
    for (uint32_t i = 0; i < def->of.outer.depth && scope; i++) {
        scope = scope->outer;
    }
    if (!scope || def->of.outer.index >= scope->counts[def->sort]) {
        /* Only value types are allowed that are not there yet: they add nothing. */
        if (def->sort == TVN_SORT_TYPE || def->sort == TVN_SORT_CORE_TYPE) {
            return TVN_OK;
        }
        return tvn_instantiate_broken(walk->instance, "an outer alias leads nowhere");
    }
    *out_item = scope->spaces[def->sort][def->of.outer.index];
    return TVN_OK;
}

static enum tvn_status import(struct walk *walk, struct tvn_rt_scope *scope,
                              const struct tvn_def *def, const struct tvn_items *args,
                              struct tvn_item *out_item)
{
    if (!args) {
        return tvn_imports_bind(walk->instance, scope, def, walk->sink, out_item);
    }
    const struct tvn_item *item = tvn_items_find(args, def->of.import.name, def->sort);
    if (!item) {
        if (def->sort == TVN_SORT_TYPE && def->type.kind != TVN_EXTERN_RESOURCE) {
            return TVN_OK;
        }
        return tvn_instance_fail(walk->instance, TVN_E_COMPONENT_INVALID,
                                 "a nested component does not get its import '%.*s'",
                                 TVN_STR_ARG(def->of.import.name));
    }
    *out_item = *item;
    return TVN_OK;
}

static void export_item(struct tvn_rt_scope *scope, const struct tvn_def *def,
                        struct tvn_item *out_item)
{
    *out_item = *tvn_rt_scope_item(scope, def->sort, def->of.export.item);
    out_item->sort = def->sort;
    tvn_items_add(&scope->exports, def->of.export.name, out_item);
}

static enum tvn_status inline_exports(struct walk *walk, const struct tvn_rt_scope *scope,
                                      const struct tvn_def *def, struct tvn_item *out_item)
{
    struct tvn_items *items = NULL;
    TVN_TRY(collect(walk, scope, def->of.exports.items, def->of.exports.count, &items));
    if (def->kind == TVN_DEF_CORE_INSTANCE_EXPORTS) {
        return core_bag(walk, items, out_item);
    }
    out_item->of.instance = items;
    return TVN_OK;
}

/* ---- the walk ---- */

static enum tvn_status run_definition(struct walk *walk, struct tvn_rt_scope *scope,
                                      const struct tvn_def *def, const struct tvn_items *args,
                                      struct tvn_item *item)
{
    switch (def->kind) {
    case TVN_DEF_CORE_MODULE:
        item->of.module = def->of.core_module;
        return TVN_OK;
    case TVN_DEF_CORE_INSTANTIATE:
        return core_instantiate(walk, scope, def, item);
    case TVN_DEF_CORE_INSTANCE_EXPORTS:
    case TVN_DEF_INSTANCE_EXPORTS:
        return inline_exports(walk, scope, def, item);
    case TVN_DEF_COMPONENT:
        return define_component(walk, scope, def, item);
    case TVN_DEF_INSTANTIATE:
        return instantiate(walk, scope, def, item);
    case TVN_DEF_ALIAS_EXPORT:
        return alias_export(walk, scope, def, item);
    case TVN_DEF_ALIAS_CORE_EXPORT:
        return alias_core_export(walk, scope, def, item);
    case TVN_DEF_ALIAS_OUTER:
        return alias_outer(walk, scope, def, item);
    case TVN_DEF_RESOURCE:
        return define_resource(walk, scope, def, item);
    case TVN_DEF_CANON_LIFT:
    case TVN_DEF_CANON_LOWER:
    case TVN_DEF_CANON_RESOURCE_NEW:
    case TVN_DEF_CANON_RESOURCE_REP:
    case TVN_DEF_CANON_RESOURCE_DROP:
        return tvn_instantiate_canon(walk->instance, scope, def, item);
    case TVN_DEF_IMPORT:
        return import(walk, scope, def, args, item);
    case TVN_DEF_EXPORT:
        export_item(scope, def, item);
        return TVN_OK;
    }
    tvn_unreachable();
}

static bool names_resources(const struct tvn_def *def)
{
    return def->sort == TVN_SORT_INSTANCE ||
           (def->sort == TVN_SORT_TYPE && def->type.kind == TVN_EXTERN_RESOURCE);
}

static enum tvn_status run_definitions(struct walk *walk, struct tvn_rt_scope *scope,
                                       const struct tvn_items *args)
{
    const struct tvn_definition *definition = scope->definition;
    TVN_TRY(tvn_instantiate_steps(walk->instance, definition->def_count));
    for (uint32_t i = 0; i < definition->def_count; i++) {
        const struct tvn_def *def = &definition->defs[i];
        struct tvn_item item = {.sort = def->sort};
        uint32_t outer_offset = walk->offset;
        walk->offset = def->offset;
        TVN_TRY(run_definition(walk, scope, def, args, &item));
        walk->offset = outer_offset;
        item.sort = def->sort;
        if (names_resources(def)) {
            TVN_TRY(tvn_rt_scope_bind(scope, &def->type, &item));
        }
        /* SAFETY: the decoder's indices decide where an item goes; types without a definition leave
         * gaps. */
        tvn_assert(def->index < definition->counts[def->sort]);
        scope->spaces[def->sort][def->index] = item;
        scope->counts[def->sort] = def->index + 1;
    }
    tvn_items_seal(&scope->exports);
    return TVN_OK;
}

enum tvn_status tvn_instantiate_root(struct tvn_instance *instance, struct tvn_diag_sink *sink,
                                     uint32_t *out_offset)
{
    struct walk walk = {.instance = instance, .sink = sink};
    enum tvn_status status = tvn_rt_scope_create(instance, instance->component->document.root, NULL,
                                                 NULL, &instance->root);
    if (status == TVN_OK) {
        status = run_definitions(&walk, instance->root, NULL);
    }
    if (status == TVN_OK) {
        tvn_core_memory_settle(instance);
    }
    *out_offset = walk.offset;
    return status;
}
