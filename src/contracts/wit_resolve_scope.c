/* SPDX-License-Identifier: Apache-2.0 */
#include "contracts/wit_resolver_internal.h"

struct tvn_wit_scope *tvn_wit_scope_create(struct tvn_wit_resolver *resolver,
                                           struct tvn_wit_pkg *package,
                                           const struct tvn_interface *owner)
{
    struct tvn_wit_scope *scope = tvn_wit_resolver_alloc(resolver, 1, sizeof(*scope));
    if (!scope) {
        return NULL;
    }
    scope->owner = owner;
    scope->package = package;
    scope->next = resolver->scopes;
    resolver->scopes = scope; /* from here on freed at the end */
    scope->symbols = tvn_wit_resolver_map(resolver);
    scope->taken = scope->symbols ? tvn_wit_resolver_map(resolver) : NULL;
    return scope->taken ? scope : NULL;
}

void tvn_wit_scopes_destroy(struct tvn_wit_scope *scopes)
{
    for (struct tvn_wit_scope *scope = scopes; scope; scope = scope->next) {
        tvn_map_destroy(scope->symbols);
        tvn_map_destroy(scope->taken);
        tvn_vec_deinit(&scope->types);
    }
}

/* NULL: the name is taken (reported) or there is no memory. */
static struct tvn_wit_symbol *add_symbol(struct tvn_wit_resolver *resolver,
                                         struct tvn_wit_scope *scope,
                                         const struct tvn_ast_name *name,
                                         const struct tvn_ast_item *item)
{
    struct tvn_wit_symbol *symbol = tvn_wit_resolver_alloc(resolver, 1, sizeof(*symbol));
    if (!symbol) {
        return NULL;
    }
    *symbol =
        (struct tvn_wit_symbol){.name = *name, .item = item, .node = (uint32_t)scope->types.count};
    if (!tvn_wit_resolver_unique(resolver, scope->taken, "", &symbol->name, "name") ||
        !tvn_wit_resolver_ok(resolver, tvn_map_add(scope->symbols, name->text, symbol))) {
        return NULL;
    }
    return symbol;
}

static bool add_type_symbol(struct tvn_wit_resolver *resolver, struct tvn_wit_scope *scope,
                            const struct tvn_ast_name *name, const struct tvn_ast_item *item,
                            const struct tvn_ast_rename *rename, bool excluded)
{
    struct tvn_wit_symbol *symbol = add_symbol(resolver, scope, name, item);
    if (!symbol) {
        return !resolver->out_of_memory;
    }
    symbol->rename = rename;
    symbol->excluded = excluded;
    if (excluded) {
        return true;
    }
    enum tvn_status status = tvn_vec_push(&scope->types, TVN_WIT_ITEMS_MAX, symbol);
    return tvn_wit_resolver_ok(resolver, status);
}

/* What an excluded item contains must be excluded too. */
static void check_contained(struct tvn_wit_resolver *resolver, const struct tvn_ast_item *item)
{
    for (const struct tvn_ast_item *method = item->items; method; method = method->next) {
        if (tvn_wit_resolver_included(resolver, method->attributes)) {
            (void)tvn_wit_resolver_error(
                resolver, TVN_E_WIT_RESOLUTION_ERROR, method->name.span,
                "resource '%.*s' belongs to a feature that is not enabled, this does not",
                TVN_WIT_NAME_ARG(item->name.text));
            tvn_diag_help(resolver->sink, "mark it @unstable as well");
        }
    }
}

static bool collect_use(struct tvn_wit_resolver *resolver, struct tvn_wit_scope *scope,
                        const struct tvn_ast_item *item, bool excluded)
{
    for (const struct tvn_ast_rename *rename = item->renames; rename; rename = rename->next) {
        const struct tvn_ast_name *name = rename->as.text.len > 0 ? &rename->as : &rename->name;
        if (!add_type_symbol(resolver, scope, name, item, rename, excluded)) {
            return false;
        }
    }
    return true;
}

static bool collect_func(struct tvn_wit_resolver *resolver, struct tvn_wit_scope *scope,
                         const struct tvn_ast_item *item)
{
    if (item->func->accessor == TVN_FUNC_SETTER) {
        (void)tvn_wit_resolver_unique(resolver, scope->taken, "[set]", &item->name, "setter");
        return !resolver->out_of_memory;
    }
    struct tvn_wit_symbol *symbol = add_symbol(resolver, scope, &item->name, item);
    if (symbol) {
        symbol->is_func = true;
    }
    return !resolver->out_of_memory;
}

static bool collect_item(struct tvn_wit_resolver *resolver, struct tvn_wit_scope *scope,
                         const struct tvn_ast_item *item, bool excluded)
{
    switch (item->kind) {
    case TVN_AST_USE:
        return collect_use(resolver, scope, item, excluded);
    case TVN_AST_FUNC:
        return excluded || collect_func(resolver, scope, item);
    case TVN_AST_RESOURCE:
        if (excluded) {
            check_contained(resolver, item);
        }
        return add_type_symbol(resolver, scope, &item->name, item, NULL, excluded);
    case TVN_AST_ALIAS:
    case TVN_AST_RECORD:
    case TVN_AST_VARIANT:
    case TVN_AST_ENUM:
    case TVN_AST_FLAGS:
        return add_type_symbol(resolver, scope, &item->name, item, NULL, excluded);
    case TVN_AST_INCLUDE:
    case TVN_AST_EXTERN_PATH:
    case TVN_AST_EXTERN_NAMED_PATH:
    case TVN_AST_EXTERN_FUNC:
    case TVN_AST_EXTERN_INTERFACE:
        return true;
    }
    tvn_unreachable();
}

bool tvn_wit_scope_collect(struct tvn_wit_resolver *resolver, struct tvn_wit_scope *scope,
                           struct tvn_ast_item *items, bool excluded)
{
    for (const struct tvn_ast_item *item = items; item; item = item->next) {
        struct tvn_span span = item->kind == TVN_AST_USE ? item->path.name.span : item->name.span;
        bool out = !tvn_wit_resolver_included(resolver, item->attributes);
        if (excluded && !out && item->kind != TVN_AST_USE && item->kind != TVN_AST_FUNC) {
            (void)tvn_wit_resolver_error(
                resolver, TVN_E_WIT_RESOLUTION_ERROR, span,
                "the interface belongs to a feature that is not enabled, '%.*s' does not",
                TVN_WIT_NAME_ARG(item->name.text));
            tvn_diag_help(resolver->sink, "mark it @unstable as well");
        }
        if (!collect_item(resolver, scope, item, out || excluded)) {
            return false;
        }
    }
    return true;
}

struct tvn_wit_symbol *tvn_wit_scope_type(struct tvn_wit_resolver *resolver,
                                          struct tvn_wit_scope *scope,
                                          const struct tvn_ast_name *name)
{
    struct tvn_wit_symbol *symbol = tvn_map_get(scope->symbols, name->text);
    if (!symbol) {
        (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_RESOLUTION_ERROR, name->span,
                                     "type '%.*s' does not exist", TVN_WIT_NAME_ARG(name->text));
        if (tvn_str_is(name->text, "float32") || tvn_str_is(name->text, "float64")) {
            tvn_diag_help(resolver->sink, "it is called 'f%.2s' now",
                          name->text.ptr + strlen("float"));
        } else {
            tvn_wit_resolver_suggest(
                resolver, name->text, scope->symbols,
                "define it here, or take it from another interface with 'use'");
        }
        return NULL;
    }
    if (symbol->is_func) {
        (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_RESOLUTION_ERROR, name->span,
                                     "'%.*s' is a function, not a type",
                                     TVN_WIT_NAME_ARG(name->text));
        return NULL;
    }
    if (symbol->excluded) {
        (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_RESOLUTION_ERROR, name->span,
                                     "type '%.*s' belongs to a feature that is not enabled",
                                     TVN_WIT_NAME_ARG(name->text));
        tvn_diag_help(resolver->sink, "mark this item @unstable as well");
        return NULL;
    }
    return symbol;
}
