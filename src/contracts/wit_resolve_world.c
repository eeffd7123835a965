/* SPDX-License-Identifier: Apache-2.0 */
#include "contracts/wit_resolver_internal.h"

struct world_builder {
    struct tvn_wit_resolver *resolver;
    struct tvn_wit_scope *scope;
    struct tvn_wit_world_items
        imports; /* its names are the scope's: types and imports share them */
    struct tvn_wit_world_items exports;
};

static struct tvn_str pointer_key(const struct tvn_interface *const *interface)
{
    return (struct tvn_str){(const char *)interface, sizeof(*interface)};
}

size_t tvn_wit_world_place(const struct tvn_wit_world_items *items,
                           const struct tvn_interface *interface)
{
    return (size_t)(uintptr_t)tvn_map_get(items->interfaces, pointer_key(&interface));
}

bool tvn_wit_world_has(const struct tvn_wit_world_items *items,
                       const struct tvn_interface *interface)
{
    return tvn_wit_world_place(items, interface) != 0;
}

/* By its id, not under a name that the world gives it. */
static bool named_by_id(const struct tvn_world_item *item)
{
    return item->kind == TVN_WORLD_INTERFACE && item->interface->package.namespace_name.len > 0 &&
           tvn_str_equal(item->name, item->interface->id);
}

bool tvn_wit_world_push(struct tvn_wit_resolver *resolver, struct tvn_wit_world_items *items,
                        const struct tvn_world_item *item)
{
    if (named_by_id(item)) {
        enum tvn_status status = tvn_map_add(items->interfaces, pointer_key(&item->interface),
                                             (void *)(uintptr_t)(items->list.count + 1));
        if (!tvn_wit_resolver_ok(resolver, status == TVN_EXISTS ? TVN_OK : status)) {
            return false;
        }
    }
    return tvn_wit_resolver_ok(resolver, tvn_vec_push(&items->list, TVN_WIT_ITEMS_MAX, *item));
}

static struct tvn_wit_world_items *side(struct world_builder *builder,
                                        const struct tvn_ast_item *item)
{
    return item->is_export ? &builder->exports : &builder->imports;
}

/* The item as far as every kind has it. */
static struct tvn_world_item base_item(const struct tvn_ast_item *item,
                                       enum tvn_world_item_kind kind)
{
    return (struct tvn_world_item){.kind = kind,
                                   .name = item->name.text,
                                   .docs = item->docs,
                                   .span = item->name.span,
                                   .attributes = item->attributes};
}

/* A name that the world gives: unique among imports or among exports. */
static bool name_free(struct world_builder *builder, const struct tvn_ast_item *item)
{
    bool setter = item->kind == TVN_AST_EXTERN_FUNC && item->func->accessor == TVN_FUNC_SETTER;
    return tvn_wit_resolver_unique(builder->resolver, side(builder, item)->names,
                                   setter ? "[set]" : "", &item->name,
                                   item->is_export ? "export" : "import");
}

static bool add_path(struct world_builder *builder, const struct tvn_ast_item *item)
{
    const struct tvn_wit_entry *target = item->path.target;
    if (!target) {
        return true; /* reported */
    }
    if (tvn_wit_world_has(side(builder, item), target->interface)) {
        (void)tvn_wit_resolver_error(builder->resolver, TVN_E_WIT_SYNTAX_ERROR,
                                     item->path.name.span, "interface '%.*s' is %s more than once",
                                     TVN_WIT_NAME_ARG(target->interface->id),
                                     item->is_export ? "exported" : "imported");
        return true;
    }
    struct tvn_world_item added = base_item(item, TVN_WORLD_INTERFACE);
    added.name = target->interface->id;
    added.span = item->path.name.span;
    added.interface = target->interface;
    return tvn_wit_world_push(builder->resolver, side(builder, item), &added);
}

static bool add_named_path(struct world_builder *builder, const struct tvn_ast_item *item)
{
    if (!name_free(builder, item) || !item->path.target) {
        return !builder->resolver->out_of_memory;
    }
    struct tvn_world_item added = base_item(item, TVN_WORLD_INTERFACE);
    added.interface = item->path.target->interface;
    return tvn_wit_world_push(builder->resolver, side(builder, item), &added);
}

static bool push_func(struct world_builder *builder, struct tvn_wit_world_items *items,
                      const struct tvn_func *func)
{
    struct tvn_func *kept = tvn_wit_resolver_alloc(builder->resolver, 1, sizeof(*kept));
    if (!kept) {
        return false;
    }
    *kept = *func;
    struct tvn_world_item added = {.kind = TVN_WORLD_FUNC,
                                   .name = kept->name,
                                   .func = kept,
                                   .docs = kept->docs,
                                   .span = kept->span,
                                   .attributes = kept->attributes};
    return tvn_wit_world_push(builder->resolver, items, &added);
}

static bool add_func(struct world_builder *builder, const struct tvn_ast_item *item)
{
    struct tvn_func func;
    if (!name_free(builder, item) ||
        !tvn_wit_resolve_func(builder->resolver, builder->scope, item, NULL, &func)) {
        return !builder->resolver->out_of_memory;
    }
    return push_func(builder, side(builder, item), &func);
}

static bool add_inline_interface(struct world_builder *builder, const struct tvn_ast_item *item)
{
    struct tvn_wit_resolver *resolver = builder->resolver;
    struct tvn_interface *interface = tvn_wit_resolver_alloc(resolver, 1, sizeof(*interface));
    if (!interface) {
        return false;
    }
    *interface = (struct tvn_interface){.name = item->name.text,
                                        .id = item->name.text,
                                        .docs = item->docs,
                                        .span = item->name.span,
                                        .attributes = item->attributes};
    struct tvn_wit_scope *scope =
        tvn_wit_scope_create(resolver, builder->scope->package, interface);
    if (!scope || !tvn_wit_resolve_interface(resolver, scope, item->items, interface)) {
        return false;
    }
    if (!name_free(builder, item)) {
        return !resolver->out_of_memory;
    }
    struct tvn_world_item added = base_item(item, TVN_WORLD_INTERFACE);
    added.interface = interface;
    return tvn_wit_world_push(resolver, side(builder, item), &added);
}

static bool add_methods(struct world_builder *builder, const struct tvn_ast_item *item)
{
    struct tvn_wit_funcs funcs = {0};
    bool added = tvn_wit_resolve_methods(builder->resolver, builder->scope, item, &funcs);
    for (size_t i = 0; i < funcs.list.count && added; i++) {
        added = push_func(builder, &builder->imports, &funcs.list.items[i]);
    }
    tvn_vec_deinit(&funcs.list);
    return added;
}

static bool add_item(struct world_builder *builder, const struct tvn_ast_item *item)
{
    switch (item->kind) {
    case TVN_AST_EXTERN_PATH:
        return add_path(builder, item);
    case TVN_AST_EXTERN_NAMED_PATH:
        return add_named_path(builder, item);
    case TVN_AST_EXTERN_FUNC:
        return add_func(builder, item);
    case TVN_AST_EXTERN_INTERFACE:
        return add_inline_interface(builder, item);
    case TVN_AST_RESOURCE:
        return add_methods(builder, item);
    case TVN_AST_USE:
    case TVN_AST_ALIAS:
    case TVN_AST_RECORD:
    case TVN_AST_VARIANT:
    case TVN_AST_ENUM:
    case TVN_AST_FLAGS:
    case TVN_AST_FUNC:
    case TVN_AST_INCLUDE:
        return true; /* types are there already, includes come last */
    }
    tvn_unreachable();
}

static bool add_types(struct world_builder *builder)
{
    struct tvn_type_item *types;
    size_t count;
    if (!tvn_wit_scope_type_items(builder->resolver, builder->scope, &types, &count)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct tvn_world_item added = {.kind = TVN_WORLD_TYPE,
                                       .name = types[i].name,
                                       .type = &types[i],
                                       .docs = types[i].docs,
                                       .span = types[i].span,
                                       .attributes = types[i].attributes};
        if (!tvn_wit_world_push(builder->resolver, &builder->imports, &added)) {
            return false;
        }
    }
    return true;
}

/* Include. */

struct inclusion {
    const struct tvn_ast_item *include;
    bool foreign;            /* the world belongs to another package */
    struct tvn_map *renames; /* name → struct tvn_ast_rename; NULL: none */
    struct tvn_map *used;    /* those that met an item */
};

/* Where the resource's or accessor's own name stands in "[method]buffer.read", "[get]x", "pull". */
static struct tvn_str plain_part(struct tvn_str name)
{
    size_t bracket = tvn_str_find_last(name, ']');
    struct tvn_str rest = tvn_str_slice(name, bracket == SIZE_MAX ? 0 : bracket + 1, name.len);
    size_t dot = tvn_str_find(rest, '.');
    return tvn_str_slice(rest, 0, dot == SIZE_MAX ? rest.len : dot);
}

/* The name with its plain part replaced. */
static struct tvn_str replace_part(struct tvn_wit_resolver *resolver, struct tvn_str name,
                                   struct tvn_str with)
{
    struct tvn_str part = plain_part(name);
    size_t from = (size_t)(part.ptr - name.ptr);
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_strbuf_add_str(&text, tvn_str_slice(name, 0, from));
    tvn_strbuf_add_str(&text, with);
    tvn_strbuf_add_str(&text, tvn_str_slice(name, from + part.len, name.len));
    struct tvn_str copy = tvn_arena_str(resolver->arena, tvn_strbuf_view(&text));
    if (text.failed || !copy.ptr) {
        (void)tvn_wit_resolver_no_memory(resolver);
    }
    return copy;
}

static bool rename_item(struct tvn_wit_resolver *resolver, struct tvn_world_item *item,
                        struct tvn_str as)
{
    item->name = replace_part(resolver, item->name, as);
    if (item->kind == TVN_WORLD_FUNC) {
        struct tvn_func *func = tvn_wit_resolver_alloc(resolver, 1, sizeof(*func));
        if (!func) {
            return false;
        }
        *func = *item->func;
        func->name = item->name;
        func->item_name = func->resource ? func->item_name : as;
        item->func = func;
    } else if (item->kind == TVN_WORLD_TYPE) {
        struct tvn_type_item *type = tvn_wit_resolver_alloc(resolver, 1, sizeof(*type));
        if (!type) {
            return false;
        }
        *type = *item->type;
        type->name = as;
        item->type = type;
    }
    return !resolver->out_of_memory;
}

/* A method has its place with its resource. */
static bool include_name_free(struct world_builder *builder, struct tvn_wit_world_items *items,
                              const struct tvn_ast_item *include, const struct tvn_world_item *item)
{
    if (item->kind == TVN_WORLD_FUNC && item->func->resource) {
        return true;
    }
    struct tvn_ast_name *name = tvn_wit_resolver_alloc(builder->resolver, 1, sizeof(*name));
    if (!name) {
        return false;
    }
    *name = (struct tvn_ast_name){plain_part(item->name), include->path.name.span};
    bool setter = item->kind == TVN_WORLD_FUNC && item->func->accessor == TVN_FUNC_SETTER;
    if (tvn_wit_resolver_unique(builder->resolver, items->names, setter ? "[set]" : "", name,
                                "included name")) {
        return true;
    }
    if (!builder->resolver->out_of_memory) {
        tvn_diag_help(builder->resolver->sink, "rename it: include %.*s with { %.*s as … }",
                      TVN_WIT_NAME_ARG(include->path.name.text), TVN_WIT_NAME_ARG(name->text));
    }
    return false;
}

/* The item's new name, if it gets one. */
static bool apply_rename(struct tvn_wit_resolver *resolver, struct inclusion *inclusion,
                         struct tvn_world_item *item)
{
    const struct tvn_ast_rename *rename =
        inclusion->renames ? tvn_map_get(inclusion->renames, plain_part(item->name)) : NULL;
    if (!rename) {
        return true;
    }
    enum tvn_status status =
        tvn_map_add(inclusion->used, rename->name.text, (void *)(uintptr_t)rename);
    return tvn_wit_resolver_ok(resolver, status == TVN_EXISTS ? TVN_OK : status) &&
           rename_item(resolver, item, rename->as.text);
}

/* The version of @since is one of the package that said so: it stays behind. */
static bool drop_since(struct tvn_wit_resolver *resolver, struct tvn_world_item *item)
{
    const struct tvn_attributes *kept = NULL;
    if (!item->attributes || !item->attributes->since.valid) {
        return true;
    }
    if (item->attributes->external_id.ptr) {
        struct tvn_attributes *attributes =
            tvn_wit_resolver_alloc(resolver, 1, sizeof(*attributes));
        if (!attributes) {
            return false;
        }
        attributes->external_id = item->attributes->external_id;
        kept = attributes;
    }
    item->attributes = kept;
    if (item->kind == TVN_WORLD_FUNC) {
        struct tvn_func *func = tvn_wit_resolver_alloc(resolver, 1, sizeof(*func));
        if (!func) {
            return false;
        }
        *func = *item->func;
        func->attributes = kept;
        item->func = func;
    } else if (item->kind == TVN_WORLD_TYPE) {
        struct tvn_type_item *type = tvn_wit_resolver_alloc(resolver, 1, sizeof(*type));
        if (!type) {
            return false;
        }
        *type = *item->type;
        type->attributes = kept;
        item->type = type;
    }
    return true;
}

/* Whether the interface is there already; it takes on gates if it has none. */
static bool merge_gates(const struct tvn_wit_world_items *into, const struct tvn_world_item *item)
{
    size_t place = tvn_wit_world_place(into, item->interface);
    if (place > 0 && !into->list.items[place - 1].attributes) {
        into->list.items[place - 1].attributes = item->attributes;
    }
    return place > 0;
}

static bool include_item(struct world_builder *builder, struct inclusion *inclusion,
                         struct tvn_wit_world_items *into, struct tvn_world_item item)
{
    if (!tvn_wit_resolver_spend(builder->resolver, 1) ||
        (inclusion->foreign && !drop_since(builder->resolver, &item))) {
        return false;
    }
    if (named_by_id(&item)) {
        return merge_gates(into, &item) || tvn_wit_world_push(builder->resolver, into, &item);
    }
    if (!apply_rename(builder->resolver, inclusion, &item)) {
        return false;
    }
    if (!include_name_free(builder, into, inclusion->include, &item)) {
        return !builder->resolver->out_of_memory;
    }
    return tvn_wit_world_push(builder->resolver, into, &item);
}

static void report_unused_renames(struct tvn_wit_resolver *resolver,
                                  const struct inclusion *inclusion, const struct tvn_world *world)
{
    for (const struct tvn_ast_rename *rename = inclusion->include->renames; rename;
         rename = rename->next) {
        if (!tvn_map_has(inclusion->used, rename->name.text)) {
            (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_RESOLUTION_ERROR, rename->name.span,
                                         "world '%.*s' has no import or export '%.*s' to rename",
                                         TVN_WIT_NAME_ARG(world->name),
                                         TVN_WIT_NAME_ARG(rename->name.text));
            tvn_diag_help(resolver->sink, "an interface keeps its own name and cannot be renamed");
        }
    }
}

static bool prepare_renames(struct tvn_wit_resolver *resolver, struct inclusion *inclusion)
{
    if (!inclusion->include->renames) {
        return true;
    }
    inclusion->renames = tvn_wit_resolver_map(resolver);
    inclusion->used = tvn_wit_resolver_map(resolver);
    if (!inclusion->renames || !inclusion->used) {
        return false;
    }
    for (const struct tvn_ast_rename *rename = inclusion->include->renames; rename;
         rename = rename->next) {
        enum tvn_status status =
            tvn_map_add(inclusion->renames, rename->name.text, (void *)(uintptr_t)rename);
        if (status == TVN_EXISTS) {
            (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_SYNTAX_ERROR, rename->name.span,
                                         "'%.*s' is renamed more than once",
                                         TVN_WIT_NAME_ARG(rename->name.text));
        } else if (!tvn_wit_resolver_ok(resolver, status)) {
            return false;
        }
    }
    return true;
}

static bool include_world(struct world_builder *builder, struct inclusion *inclusion,
                          const struct tvn_world *world)
{
    if (!prepare_renames(builder->resolver, inclusion)) {
        return false;
    }
    for (size_t i = 0; i < world->import_count; i++) {
        if (!include_item(builder, inclusion, &builder->imports, world->imports[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < world->export_count; i++) {
        if (!include_item(builder, inclusion, &builder->exports, world->exports[i])) {
            return false;
        }
    }
    report_unused_renames(builder->resolver, inclusion, world);
    return true;
}

static bool add_include(struct world_builder *builder, const struct tvn_ast_item *include)
{
    const struct tvn_wit_entry *target = include->path.target;
    if (!target || !target->done) {
        return true; /* not found, or part of a cycle: reported */
    }
    struct inclusion inclusion = {.include = include,
                                  .foreign = target->home->package != builder->scope->package};
    bool included = include_world(builder, &inclusion, target->world);
    tvn_map_destroy(inclusion.renames);
    tvn_map_destroy(inclusion.used);
    return included;
}

static bool order_setters(struct tvn_wit_resolver *resolver, struct tvn_wit_world_items *items)
{
    size_t count = items->list.count;
    TVN_AUTO_FREE const struct tvn_func **funcs =
        (const struct tvn_func **)tvn_calloc(count + 1, sizeof(*funcs));
    TVN_AUTO_FREE size_t *order = tvn_calloc(count + 1, sizeof(*order));
    TVN_AUTO_FREE struct tvn_world_item *sorted = tvn_calloc(count + 1, sizeof(*sorted));
    if (!funcs || !order || !sorted) {
        return tvn_wit_resolver_no_memory(resolver);
    }
    for (size_t i = 0; i < count; i++) {
        funcs[i] = items->list.items[i].func; /* NULL for what is none */
    }
    if (!tvn_wit_order_setters(resolver, funcs, count, order)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        sorted[i] = items->list.items[order[i]];
    }
    for (size_t i = 0; i < count; i++) {
        items->list.items[i] = sorted[i];
    }
    return true;
}

static bool build(struct world_builder *builder, const struct tvn_wit_entry *entry)
{
    struct tvn_wit_resolver *resolver = builder->resolver;
    if (!tvn_wit_scope_collect(resolver, builder->scope, entry->decl->items, false) ||
        !tvn_wit_resolve_types(resolver, builder->scope) || !add_types(builder)) {
        return false;
    }
    for (const struct tvn_ast_item *item = entry->decl->items; item; item = item->next) {
        if (tvn_wit_resolver_included(resolver, item->attributes) && !add_item(builder, item)) {
            return false;
        }
    }
    for (const struct tvn_ast_item *item = entry->decl->items; item; item = item->next) {
        if (item->kind == TVN_AST_INCLUDE &&
            tvn_wit_resolver_included(resolver, item->attributes) && !add_include(builder, item)) {
            return false;
        }
    }
    return order_setters(resolver, &builder->imports) &&
           order_setters(resolver, &builder->exports) &&
           tvn_wit_elaborate_world(resolver, entry, &builder->imports, &builder->exports,
                                   entry->world);
}

bool tvn_wit_resolve_world(struct tvn_wit_resolver *resolver, struct tvn_wit_entry *entry)
{
    entry->scope = tvn_wit_scope_create(resolver, entry->home->package, NULL);
    if (!entry->scope) {
        return false;
    }
    struct world_builder builder = {.resolver = resolver, .scope = entry->scope};
    builder.imports.names = entry->scope->taken;
    builder.imports.interfaces = tvn_wit_resolver_map(resolver);
    builder.exports.interfaces = tvn_wit_resolver_map(resolver);
    builder.exports.names = tvn_wit_resolver_map(resolver);
    bool built = builder.imports.interfaces && builder.exports.interfaces &&
                 builder.exports.names && build(&builder, entry);
    tvn_map_destroy(builder.imports.interfaces);
    tvn_map_destroy(builder.exports.interfaces);
    tvn_map_destroy(builder.exports.names);
    tvn_vec_deinit(&builder.imports.list);
    tvn_vec_deinit(&builder.exports.list);
    return built;
}
