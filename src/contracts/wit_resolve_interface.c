/* SPDX-License-Identifier: Apache-2.0 */
#include "contracts/wit_resolver_internal.h"

/* "[method]buffer.read", "[static][get]buffer.size", "[constructor]buffer", "[set]x", "pull" */
static struct tvn_str func_name(struct tvn_wit_resolver *resolver, const struct tvn_ast_item *item,
                                const struct tvn_wit_symbol *resource)
{
    static const char *const kinds[] = {"", "[method]", "[static]", "[constructor]"};
    static const char *const accessors[] = {"", "[get]", "[set]"};
    tvn_strbuf_reset(&resolver->scratch);
    tvn_strbuf_add_text(&resolver->scratch, kinds[item->func->kind]);
    tvn_strbuf_add_text(&resolver->scratch, accessors[item->func->accessor]);
    if (resource) {
        tvn_strbuf_add_str(&resolver->scratch, resource->name.text);
    }
    if (resource && item->func->kind != TVN_FUNC_CONSTRUCTOR) {
        tvn_strbuf_add_char(&resolver->scratch, '.');
    }
    tvn_strbuf_add_str(&resolver->scratch, item->name.text);
    struct tvn_str copy = tvn_arena_str(resolver->arena, tvn_strbuf_view(&resolver->scratch));
    if (resolver->scratch.failed || !copy.ptr) {
        (void)tvn_wit_resolver_no_memory(resolver);
    }
    return copy;
}

/* Parameters, behind `self` for a method. NULL when one of them is wrong. */
static struct tvn_field *resolve_params(struct tvn_wit_resolver *resolver,
                                        struct tvn_wit_scope *scope,
                                        const struct tvn_ast_item *item,
                                        const struct tvn_type *self)
{
    const struct tvn_ast_func *ast = item->func;
    struct tvn_ast_name self_name = {TVN_STR("self"), item->name.span};
    struct tvn_map *taken = tvn_wit_resolver_map(resolver);
    struct tvn_field *params =
        tvn_wit_resolver_alloc(resolver, (size_t)ast->param_count + 1, sizeof(*params));
    bool complete = taken && params;
    size_t i = 0;
    if (complete && self) {
        complete &= tvn_wit_resolver_unique(resolver, taken, "", &self_name, "parameter");
        params[i++] = (struct tvn_field){.name = self_name.text, .type = self};
    }
    for (const struct tvn_ast_field *field = ast->params; field && taken && params;
         field = field->next) {
        complete &= tvn_wit_resolver_unique(resolver, taken, "", &field->name, "parameter");
        params[i] = (struct tvn_field){.name = field->name.text, .docs = field->docs};
        params[i].type = tvn_wit_resolve_type(resolver, scope, field->type);
        complete &= params[i++].type != NULL;
    }
    tvn_map_destroy(taken);
    return complete ? params : NULL;
}

/* A constructor returns its resource, or a result of it. */
static const struct tvn_type *constructor_result(struct tvn_wit_resolver *resolver,
                                                 struct tvn_wit_scope *scope,
                                                 const struct tvn_ast_func *ast,
                                                 struct tvn_wit_symbol *resource)
{
    tvn_assert(resource);
    const struct tvn_type *own = tvn_wit_own_type(resolver, resource);
    if (!ast->result || !own) {
        return own;
    }
    const struct tvn_type *result = tvn_wit_resolve_type(resolver, scope, ast->result);
    if (!result) {
        return NULL;
    }
    const struct tvn_type *ok = result->element;
    if (!ok || ok->kind != TVN_TYPE_OWN || ok->resource != resource->resource) {
        struct tvn_span span = ast->result->first ? ast->result->first->span : ast->result->span;
        (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_SYNTAX_ERROR, span,
                                     "a constructor's result must hold its resource '%.*s'",
                                     TVN_WIT_NAME_ARG(resource->name.text));
        return NULL;
    }
    return result;
}

static bool resolve_result(struct tvn_wit_resolver *resolver, struct tvn_wit_scope *scope,
                           const struct tvn_ast_item *item, struct tvn_wit_symbol *resource,
                           const struct tvn_type **out_result)
{
    *out_result = NULL;
    if (item->func->kind == TVN_FUNC_CONSTRUCTOR) {
        *out_result = constructor_result(resolver, scope, item->func, resource);
        return *out_result != NULL;
    }
    if (!item->func->result) {
        return true;
    }
    *out_result = tvn_wit_resolve_type(resolver, scope, item->func->result);
    if (*out_result && (*out_result)->has_borrow) {
        (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_SYNTAX_ERROR, item->name.span,
                                     "function '%.*s' returns a type that contains a borrow",
                                     TVN_WIT_NAME_ARG(item->name.text));
        tvn_diag_help(resolver->sink,
                      "a borrow ends with the call; return an owned handle instead");
        return false;
    }
    return *out_result != NULL;
}

/* False when a type of it is wrong (reported). */
bool tvn_wit_resolve_func(struct tvn_wit_resolver *resolver, struct tvn_wit_scope *scope,
                          const struct tvn_ast_item *item, struct tvn_wit_symbol *resource,
                          struct tvn_func *out_func)
{
    const struct tvn_ast_func *ast = item->func;
    const struct tvn_type *self = NULL;
    if (ast->kind == TVN_FUNC_METHOD) {
        tvn_assert(resource);
        struct tvn_type_spec spec = {.kind = TVN_TYPE_BORROW,
                                     .resource = resource->resource,
                                     .resource_name = resource->name.text};
        if (!tvn_wit_resolver_ok(resolver, tvn_type_create(resolver->arena, &spec, &self))) {
            return false;
        }
    }
    const struct tvn_field *params = resolve_params(resolver, scope, item, self);
    const struct tvn_type *result;
    if (!resolve_result(resolver, scope, item, resource, &result) || !params) {
        return false;
    }
    *out_func = (struct tvn_func){
        .name = func_name(resolver, item, resource),
        .item_name = item->name.text,
        .kind = ast->kind,
        .resource = resource ? resource->resource : NULL,
        .type = {.params = params,
                 .param_count = ast->param_count + (self ? 1 : 0),
                 .result = result,
                 .is_async = ast->is_async},
        .docs = item->docs,
        .span = item->name.span,
        .accessor = ast->accessor,
        .attributes = item->attributes,
    };
    return !resolver->out_of_memory;
}

static bool push_func(struct tvn_wit_resolver *resolver, struct tvn_wit_funcs *funcs,
                      const struct tvn_func *func)
{
    return tvn_wit_resolver_ok(resolver, tvn_vec_push(&funcs->list, TVN_WIT_ITEMS_MAX, *func));
}

/* Methods and statics share their resource's names; a constructor stands alone, a setter beside its
 * getter. */
static bool method_unique(struct tvn_wit_resolver *resolver, struct tvn_map *taken,
                          const struct tvn_ast_item *resource, const struct tvn_ast_item *item)
{
    static const struct tvn_str constructor = {"constructor", sizeof("constructor") - 1};
    if (item->func->kind == TVN_FUNC_CONSTRUCTOR) {
        struct tvn_ast_name *name = tvn_wit_resolver_alloc(resolver, 1, sizeof(*name));
        if (!name) {
            return false;
        }
        *name = (struct tvn_ast_name){constructor, item->name.span};
        return tvn_wit_resolver_unique(resolver, taken, "[constructor]", name, "function");
    }
    if (item->func->accessor == TVN_FUNC_SETTER) {
        return tvn_wit_resolver_unique(resolver, taken, "[set]", &item->name, "setter");
    }
    /* The resource's own name is entered first, so that a method of that name collides. */
    (void)resource;
    return tvn_wit_resolver_unique(resolver, taken, "", &item->name, "function");
}

static bool resolve_methods(struct tvn_wit_resolver *resolver, struct tvn_wit_scope *scope,
                            const struct tvn_ast_item *item, struct tvn_map *taken,
                            struct tvn_wit_funcs *funcs)
{
    struct tvn_wit_symbol *symbol = tvn_map_get(scope->symbols, item->name.text);
    if (!symbol || symbol->item != item || !symbol->resource ||
        !tvn_wit_resolver_unique(resolver, taken, "", &item->name, "name")) {
        return !resolver->out_of_memory;
    }
    for (const struct tvn_ast_item *method = item->items; method; method = method->next) {
        struct tvn_func func;
        if (!tvn_wit_resolver_included(resolver, method->attributes)) {
            continue;
        }
        if (method_unique(resolver, taken, item, method) &&
            tvn_wit_resolve_func(resolver, scope, method, symbol, &func) &&
            !push_func(resolver, funcs, &func)) {
            return false;
        }
        if (resolver->out_of_memory) {
            return false;
        }
    }
    return true;
}

bool tvn_wit_resolve_methods(struct tvn_wit_resolver *resolver, struct tvn_wit_scope *scope,
                             const struct tvn_ast_item *item, struct tvn_wit_funcs *funcs)
{
    struct tvn_map *taken = tvn_wit_resolver_map(resolver);
    bool resolved = taken && resolve_methods(resolver, scope, item, taken, funcs);
    tvn_map_destroy(taken);
    return resolved;
}

/* The key of an accessor: "[get]x" for "[set]x" as well. Valid until the next call. */
static struct tvn_str getter_name(struct tvn_wit_resolver *resolver, const struct tvn_func *func)
{
    tvn_strbuf_reset(&resolver->scratch);
    tvn_strbuf_add_str(&resolver->scratch, func->name);
    char *mark = resolver->scratch.ptr ? strstr(resolver->scratch.ptr, "[set]") : NULL;
    if (mark) {
        mark[1] = 'g';
    }
    return tvn_strbuf_view(&resolver->scratch);
}

/* Getters by name: their place + 1. NULL when memory is exhausted, which was reported. */
static struct tvn_map *map_getters(struct tvn_wit_resolver *resolver,
                                   const struct tvn_func *const *funcs, size_t count)
{
    TVN_AUTO(tvn_map) getters = tvn_wit_resolver_map(resolver);
    for (size_t i = 0; i < count && getters; i++) {
        if (funcs[i] && funcs[i]->accessor == TVN_FUNC_GETTER) {
            enum tvn_status status =
                tvn_map_add(getters, funcs[i]->name, (void *)(uintptr_t)(i + 1));
            if (!tvn_wit_resolver_ok(resolver, status == TVN_EXISTS ? TVN_OK : status)) {
                return NULL;
            }
        }
    }
    return TVN_TAKE(getters);
}

static bool any_setter(const struct tvn_func *const *funcs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (funcs[i] && funcs[i]->accessor == TVN_FUNC_SETTER) {
            return true;
        }
    }
    return false;
}

bool tvn_wit_order_setters(struct tvn_wit_resolver *resolver, const struct tvn_func *const *funcs,
                           size_t count, size_t *order)
{
    bool setters = any_setter(funcs, count);
    TVN_AUTO(tvn_map) getters = setters ? map_getters(resolver, funcs, count) : NULL;
    TVN_AUTO_FREE size_t *behind = setters ? tvn_calloc(count, sizeof(*behind)) : NULL;
    if (setters && (!getters || !behind)) {
        return tvn_wit_resolver_no_memory(resolver);
    }
    for (size_t i = 0; i < count && setters; i++) {
        if (!funcs[i] || funcs[i]->accessor != TVN_FUNC_SETTER) {
            continue;
        }
        size_t getter = (size_t)(uintptr_t)tvn_map_get(getters, getter_name(resolver, funcs[i]));
        if (getter == 0) {
            (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_SYNTAX_ERROR, funcs[i]->span,
                                         "setter '%.*s' has no getter",
                                         TVN_WIT_NAME_ARG(funcs[i]->item_name));
        } else if (getter - 1 > i) {
            behind[getter - 1] = i + 1;
            behind[i] = SIZE_MAX; /* comes with its getter */
        }
    }
    for (size_t i = 0, next = 0; i < count; i++) {
        if (behind && behind[i] == SIZE_MAX) {
            continue;
        }
        order[next++] = i;
        if (behind && behind[i] > 0) {
            order[next++] = behind[i] - 1;
        }
    }
    return true;
}

static bool resolve_funcs(struct tvn_wit_resolver *resolver, struct tvn_wit_scope *scope,
                          const struct tvn_ast_item *items, struct tvn_wit_funcs *funcs)
{
    for (const struct tvn_ast_item *item = items; item; item = item->next) {
        bool included = tvn_wit_resolver_included(resolver, item->attributes);
        if (item->kind == TVN_AST_RESOURCE && included &&
            !tvn_wit_resolve_methods(resolver, scope, item, funcs)) {
            return false;
        }
        struct tvn_func func;
        if (item->kind == TVN_AST_FUNC && included &&
            tvn_wit_resolve_func(resolver, scope, item, NULL, &func) &&
            !push_func(resolver, funcs, &func)) {
            return false;
        }
    }
    return !resolver->out_of_memory;
}

static bool keep_funcs(struct tvn_wit_resolver *resolver, const struct tvn_wit_funcs *funcs,
                       struct tvn_interface *interface)
{
    size_t count = funcs->list.count;
    struct tvn_func *kept = tvn_wit_resolver_alloc(resolver, count + 1, sizeof(*kept));
    TVN_AUTO_FREE const struct tvn_func **list =
        (const struct tvn_func **)tvn_calloc(count + 1, sizeof(*list));
    TVN_AUTO_FREE size_t *order = tvn_calloc(count + 1, sizeof(*order));
    if (!kept || !list || !order) {
        return tvn_wit_resolver_no_memory(resolver);
    }
    for (size_t i = 0; i < count; i++) {
        list[i] = &funcs->list.items[i];
    }
    if (!tvn_wit_order_setters(resolver, list, count, order)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        kept[i] = *list[order[i]];
    }
    interface->funcs = kept;
    interface->func_count = funcs->list.count;
    return true;
}

bool tvn_wit_resolve_interface(struct tvn_wit_resolver *resolver, struct tvn_wit_scope *scope,
                               struct tvn_ast_item *items, struct tvn_interface *interface)
{
    struct tvn_type_item *types;
    if (!tvn_wit_scope_collect(resolver, scope, items, false) ||
        !tvn_wit_resolve_types(resolver, scope) ||
        !tvn_wit_scope_type_items(resolver, scope, &types, &interface->type_count)) {
        return false;
    }
    interface->types = types;
    struct tvn_wit_funcs funcs = {0};
    bool resolved =
        resolve_funcs(resolver, scope, items, &funcs) && keep_funcs(resolver, &funcs, interface);
    tvn_vec_deinit(&funcs.list);
    return resolved;
}
