/* SPDX-License-Identifier: Apache-2.0 */
#include "contracts/wit_resolver_internal.h"

/* The references of one scope's types to each other. */
struct type_graph {
    struct tvn_wit_resolver *resolver;
    struct tvn_wit_scope *scope;
    struct tvn_wit_graph graph;
    TVN_VEC(struct tvn_span) spans; /* per edge */
};

static bool add_reference(struct type_graph *types, const struct tvn_ast_name *name)
{
    const struct tvn_wit_symbol *symbol = tvn_map_get(types->scope->symbols, name->text);
    if (!symbol || symbol->is_func || symbol->excluded) {
        return true; /* reported when the type is resolved */
    }
    enum tvn_status status = tvn_wit_graph_edge(&types->graph, symbol->node);
    if (status == TVN_OK) {
        status = tvn_vec_push(&types->spans, TVN_WIT_EDGES_MAX, name->span);
    }
    return tvn_wit_resolver_ok(types->resolver, status);
}

/* As deep as the parser allowed. */
static bool add_references(struct type_graph *types, const struct tvn_ast_type *type)
{
    for (; type; type = type->next) {
        bool named = type->kind == TVN_AST_TYPE_NAME || type->kind == TVN_AST_TYPE_OWN ||
                     type->kind == TVN_AST_TYPE_BORROW;
        if (named && !add_reference(types, &type->name)) {
            return false;
        }
        if (!add_references(types, type->first) || !add_references(types, type->second)) {
            return false;
        }
    }
    return true;
}

static bool build_graph(struct type_graph *types)
{
    for (size_t i = 0; i < types->scope->types.count; i++) {
        const struct tvn_ast_item *item = types->scope->types.items[i]->item;
        if (!tvn_wit_resolver_ok(types->resolver, tvn_wit_graph_node(&types->graph)) ||
            !add_references(types, item->type)) {
            return false;
        }
        for (const struct tvn_ast_field *field = item->fields; field; field = field->next) {
            if (!add_references(types, field->type)) {
                return false;
            }
        }
    }
    return tvn_wit_resolver_ok(types->resolver, tvn_wit_graph_end(&types->graph));
}

static void on_type_cycle(void *context, uint32_t first, uint32_t first_edge, uint32_t last)
{
    struct type_graph *types = context;
    (void)first;
    (void)last;
    const struct tvn_wit_symbol *target =
        types->scope->types.items[types->graph.edges.items[first_edge]];
    (void)tvn_wit_resolver_error(types->resolver, TVN_E_WIT_RESOLUTION_ERROR,
                                 types->spans.items[first_edge], "type '%.*s' depends on itself",
                                 TVN_WIT_NAME_ARG(target->name.text));
    tvn_diag_help(types->resolver->sink,
                  "types cannot be recursive; a resource's handle can refer back");
}

static bool create_failed(struct tvn_wit_resolver *resolver, enum tvn_status status,
                          struct tvn_span span)
{
    if (status == TVN_E_OUT_OF_MEMORY) {
        return tvn_wit_resolver_no_memory(resolver);
    }
    (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_SYNTAX_ERROR, span,
                                 status == TVN_E_COMPONENT_TOO_COMPLEX
                                     ? "type is too large or nested too deep"
                                     : "type has no contents");
    tvn_diag_help(resolver->sink, "a value takes at most 2 GiB, types nest at most %d deep",
                  TVN_TYPE_DEPTH_MAX);
    return false;
}

static const struct tvn_type *create(struct tvn_wit_resolver *resolver,
                                     const struct tvn_type_spec *spec, struct tvn_span span)
{
    const struct tvn_type *type = NULL;
    enum tvn_status status = tvn_type_create(resolver->arena, spec, &type);
    if (status != TVN_OK) {
        (void)create_failed(resolver, status, span);
        return NULL;
    }
    return type;
}

const struct tvn_type *tvn_wit_own_type(struct tvn_wit_resolver *resolver,
                                        struct tvn_wit_symbol *symbol)
{
    if (!symbol->own) {
        /* Under another name the handle's type remembers it, so that it prints as it was written.
         */
        bool renamed = !tvn_str_equal(symbol->name.text, symbol->resource->name);
        struct tvn_type_spec spec = {.kind = TVN_TYPE_OWN,
                                     .name = renamed ? symbol->name.text : TVN_STR(""),
                                     .resource = symbol->resource,
                                     .resource_name = symbol->name.text};
        symbol->own = create(resolver, &spec, symbol->name.span);
    }
    return symbol->own;
}

static const struct tvn_type *resolve_name(struct tvn_wit_resolver *resolver,
                                           struct tvn_wit_scope *scope,
                                           const struct tvn_ast_type *ast)
{
    struct tvn_wit_symbol *symbol = tvn_wit_scope_type(resolver, scope, &ast->name);
    if (!symbol) {
        return NULL;
    }
    return symbol->resource ? tvn_wit_own_type(resolver, symbol) : symbol->type;
}

static const struct tvn_type *resolve_handle(struct tvn_wit_resolver *resolver,
                                             struct tvn_wit_scope *scope,
                                             const struct tvn_ast_type *ast)
{
    struct tvn_wit_symbol *symbol = tvn_wit_scope_type(resolver, scope, &ast->name);
    if (!symbol || (!symbol->resource && !symbol->type)) {
        return NULL;
    }
    if (!symbol->resource) {
        (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_RESOLUTION_ERROR, ast->name.span,
                                     "type '%.*s' in a handle must be a resource",
                                     TVN_WIT_NAME_ARG(ast->name.text));
        return NULL;
    }
    if (ast->kind == TVN_AST_TYPE_OWN) {
        return tvn_wit_own_type(resolver, symbol);
    }
    struct tvn_type_spec spec = {
        .kind = TVN_TYPE_BORROW, .resource = symbol->resource, .resource_name = symbol->name.text};
    return create(resolver, &spec, ast->span);
}

/* The elements of a tuple, the key and value of a map: `first` and those behind it, then `second`.
 */
static struct tvn_field *resolve_elements(struct tvn_wit_resolver *resolver,
                                          struct tvn_wit_scope *scope,
                                          const struct tvn_ast_type *first,
                                          const struct tvn_ast_type *second, size_t count)
{
    struct tvn_field *fields = tvn_wit_resolver_alloc(resolver, count, sizeof(*fields));
    bool complete = fields != NULL;
    size_t i = 0;
    for (const struct tvn_ast_type *ast = first; ast && fields; ast = ast->next) {
        fields[i] = (struct tvn_field){.name = TVN_STR(""),
                                       .type = tvn_wit_resolve_type(resolver, scope, ast)};
        complete &= fields[i++].type != NULL;
    }
    if (second && fields) {
        fields[i] = (struct tvn_field){.name = TVN_STR(""),
                                       .type = tvn_wit_resolve_type(resolver, scope, second)};
        complete &= fields[i].type != NULL;
    }
    return complete ? fields : NULL;
}

static const struct tvn_type *resolve_tuple(struct tvn_wit_resolver *resolver,
                                            struct tvn_wit_scope *scope,
                                            const struct tvn_ast_type *ast)
{
    bool map = ast->kind == TVN_AST_TYPE_MAP;
    struct tvn_type_spec spec = {.kind = TVN_TYPE_TUPLE, .field_count = map ? 2 : ast->count};
    spec.fields =
        resolve_elements(resolver, scope, ast->first, map ? ast->second : NULL, spec.field_count);
    const struct tvn_type *tuple = spec.fields ? create(resolver, &spec, ast->span) : NULL;
    if (!tuple || !map) {
        return tuple;
    }
    struct tvn_type_spec list = {.kind = TVN_TYPE_LIST, .element = tuple, .is_map = true};
    return create(resolver, &list, ast->span);
}

static enum tvn_type_kind container_kind(enum tvn_ast_type_kind kind)
{
    static const struct {
        enum tvn_ast_type_kind from;
        enum tvn_type_kind to;
    } kinds[] = {
        {TVN_AST_TYPE_LIST, TVN_TYPE_LIST},
        {TVN_AST_TYPE_OPTION, TVN_TYPE_OPTION},
        {TVN_AST_TYPE_RESULT, TVN_TYPE_RESULT},
        {TVN_AST_TYPE_STREAM, TVN_TYPE_STREAM},
        {TVN_AST_TYPE_FUTURE, TVN_TYPE_FUTURE},
        {TVN_AST_TYPE_ERROR_CONTEXT, TVN_TYPE_ERROR_CONTEXT},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(kinds); i++) {
        if (kinds[i].from == kind) {
            return kinds[i].to;
        }
    }
    tvn_unreachable();
}

static const struct tvn_type *resolve_container(struct tvn_wit_resolver *resolver,
                                                struct tvn_wit_scope *scope,
                                                const struct tvn_ast_type *ast)
{
    struct tvn_type_spec spec = {.kind = container_kind(ast->kind), .list_length = ast->length};
    if (ast->first) {
        spec.element = tvn_wit_resolve_type(resolver, scope, ast->first);
    }
    if (ast->second) {
        spec.error = tvn_wit_resolve_type(resolver, scope, ast->second);
    }
    bool complete = (!ast->first || spec.element) && (!ast->second || spec.error);
    return complete ? create(resolver, &spec, ast->span) : NULL;
}

const struct tvn_type *tvn_wit_resolve_type(struct tvn_wit_resolver *resolver,
                                            struct tvn_wit_scope *scope,
                                            const struct tvn_ast_type *ast)
{
    switch (ast->kind) {
    case TVN_AST_TYPE_PRIMITIVE:
        return tvn_type_primitive(ast->primitive);
    case TVN_AST_TYPE_NAME:
        return resolve_name(resolver, scope, ast);
    case TVN_AST_TYPE_OWN:
    case TVN_AST_TYPE_BORROW:
        return resolve_handle(resolver, scope, ast);
    case TVN_AST_TYPE_TUPLE:
    case TVN_AST_TYPE_MAP:
        return resolve_tuple(resolver, scope, ast);
    case TVN_AST_TYPE_LIST:
    case TVN_AST_TYPE_OPTION:
    case TVN_AST_TYPE_RESULT:
    case TVN_AST_TYPE_STREAM:
    case TVN_AST_TYPE_FUTURE:
    case TVN_AST_TYPE_ERROR_CONTEXT:
        return resolve_container(resolver, scope, ast);
    }
    tvn_unreachable();
}

struct kind_words {
    enum tvn_type_kind kind;
    const char *field; /* "field", "case", "flag" */
};

static struct kind_words words_of(enum tvn_ast_item_kind kind)
{
    if (kind == TVN_AST_RECORD) {
        return (struct kind_words){TVN_TYPE_RECORD, "field"};
    }
    if (kind == TVN_AST_FLAGS) {
        return (struct kind_words){TVN_TYPE_FLAGS, "flag"};
    }
    return (struct kind_words){kind == TVN_AST_VARIANT ? TVN_TYPE_VARIANT : TVN_TYPE_ENUM, "case"};
}

/* Fields, cases or labels; NULL when one of them is wrong. */
static struct tvn_field *resolve_fields(struct tvn_wit_resolver *resolver,
                                        struct tvn_wit_scope *scope,
                                        const struct tvn_ast_item *item, const char *what)
{
    struct tvn_map *taken = tvn_wit_resolver_map(resolver);
    struct tvn_field *fields = tvn_wit_resolver_alloc(resolver, item->field_count, sizeof(*fields));
    bool complete = taken && fields;
    size_t i = 0;
    for (const struct tvn_ast_field *ast = item->fields; ast && taken && fields; ast = ast->next) {
        complete &= tvn_wit_resolver_unique(resolver, taken, "", &ast->name, what);
        fields[i] = (struct tvn_field){.name = ast->name.text, .docs = ast->docs};
        if (ast->type) {
            fields[i].type = tvn_wit_resolve_type(resolver, scope, ast->type);
            complete &= fields[i].type != NULL;
        }
        if (item->kind == TVN_AST_FLAGS && i == TVN_FLAGS_MAX) {
            complete = tvn_wit_resolver_error(resolver, TVN_E_WIT_SYNTAX_ERROR, ast->name.span,
                                              "more than %d flags", TVN_FLAGS_MAX);
        }
        i++;
    }
    tvn_map_destroy(taken);
    return complete ? fields : NULL;
}

static const struct tvn_type *define_fields_type(struct tvn_wit_resolver *resolver,
                                                 struct tvn_wit_scope *scope,
                                                 const struct tvn_ast_item *item)
{
    struct kind_words words = words_of(item->kind);
    if (item->field_count == 0) {
        (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_SYNTAX_ERROR, item->name.span,
                                     "'%.*s' needs at least one %s",
                                     TVN_WIT_NAME_ARG(item->name.text), words.field);
        return NULL;
    }
    struct tvn_type_spec spec = {.kind = words.kind,
                                 .name = item->name.text,
                                 .owner = scope->owner,
                                 .docs = item->docs,
                                 .fields = resolve_fields(resolver, scope, item, words.field),
                                 .field_count = item->field_count};
    return spec.fields ? create(resolver, &spec, item->name.span) : NULL;
}

static void define_alias(struct tvn_wit_resolver *resolver, struct tvn_wit_scope *scope,
                         struct tvn_wit_symbol *symbol)
{
    const struct tvn_ast_type *ast = symbol->item->type;
    if (ast->kind == TVN_AST_TYPE_NAME) {
        struct tvn_wit_symbol *target = tvn_wit_scope_type(resolver, scope, &ast->name);
        if (!target || target->resource) {
            symbol->resource = target ? target->resource : NULL;
            return;
        }
    }
    const struct tvn_type *type = tvn_wit_resolve_type(resolver, scope, ast);
    if (type &&
        !tvn_wit_resolver_ok(resolver, tvn_type_rename(resolver->arena, type, symbol->name.text,
                                                       scope->owner, &symbol->type))) {
        return;
    }
}

static void define_resource(struct tvn_wit_resolver *resolver, struct tvn_wit_scope *scope,
                            struct tvn_wit_symbol *symbol)
{
    struct tvn_resource *resource = tvn_wit_resolver_alloc(resolver, 1, sizeof(*resource));
    if (resource) {
        *resource = (struct tvn_resource){.name = symbol->name.text,
                                          .owner = scope->owner,
                                          .docs = symbol->item->docs,
                                          .index = resolver->next_resource++};
        symbol->resource = resource;
    }
}

static void define_used(struct tvn_wit_resolver *resolver, const struct tvn_wit_scope *scope,
                        struct tvn_wit_symbol *symbol)
{
    const struct tvn_wit_entry *target = symbol->item->path.target;
    const struct tvn_ast_name *name = &symbol->rename->name;
    if (!target || !target->done || !target->scope) {
        return; /* not found, or part of a cycle: reported */
    }
    const struct tvn_wit_symbol *source = tvn_map_get(target->scope->symbols, name->text);
    if (!source) {
        (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_RESOLUTION_ERROR, name->span,
                                     "type '%.*s' does not exist in interface '%.*s'",
                                     TVN_WIT_NAME_ARG(name->text),
                                     TVN_WIT_NAME_ARG(target->interface->id));
        tvn_wit_resolver_suggest(resolver, name->text, target->scope->symbols,
                                 "the interface does not define it");
        return;
    }
    if (source->is_func || source->excluded) {
        (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_RESOLUTION_ERROR, name->span, "'%.*s' %s",
                                     TVN_WIT_NAME_ARG(name->text),
                                     source->is_func ? "is a function; only types can be used"
                                                     : "belongs to a feature that is not enabled");
        tvn_diag_help(resolver->sink, source->is_func ? "call it where it is"
                                                      : "mark this 'use' @unstable as well");
        return;
    }
    symbol->type = source->type;
    symbol->resource = source->resource;
    /* Under another name it is a type of its own, so that a scope can have it under both. */
    if (symbol->type && !tvn_str_equal(symbol->name.text, name->text)) {
        (void)tvn_wit_resolver_ok(resolver,
                                  tvn_type_rename(resolver->arena, source->type, symbol->name.text,
                                                  scope->owner, &symbol->type));
    }
}

static void define(struct tvn_wit_resolver *resolver, struct tvn_wit_scope *scope,
                   struct tvn_wit_symbol *symbol)
{
    if (symbol->rename) {
        define_used(resolver, scope, symbol);
    } else if (symbol->item->kind == TVN_AST_RESOURCE) {
        define_resource(resolver, scope, symbol);
    } else if (symbol->item->kind == TVN_AST_ALIAS) {
        define_alias(resolver, scope, symbol);
    } else {
        symbol->type = define_fields_type(resolver, scope, symbol->item);
    }
}

static bool define_in_order(struct type_graph *types)
{
    size_t count = types->scope->types.count;
    TVN_AUTO_FREE uint32_t *order = tvn_calloc(count + 1, sizeof(*order));
    if (!order) {
        return tvn_wit_resolver_no_memory(types->resolver);
    }
    if (!build_graph(types) ||
        !tvn_wit_resolver_ok(types->resolver,
                             tvn_wit_graph_order(&types->graph, on_type_cycle, types, order))) {
        return false;
    }
    for (size_t i = 0; i < count && !types->resolver->out_of_memory; i++) {
        define(types->resolver, types->scope, types->scope->types.items[order[i]]);
    }
    return !types->resolver->out_of_memory;
}

bool tvn_wit_resolve_types(struct tvn_wit_resolver *resolver, struct tvn_wit_scope *scope)
{
    struct type_graph types = {.resolver = resolver, .scope = scope};
    bool defined = define_in_order(&types);
    tvn_wit_graph_deinit(&types.graph);
    tvn_vec_deinit(&types.spans);
    return defined;
}

bool tvn_wit_scope_type_items(struct tvn_wit_resolver *resolver, const struct tvn_wit_scope *scope,
                              struct tvn_type_item **out_items, size_t *out_count)
{
    struct tvn_type_item *items =
        tvn_wit_resolver_alloc(resolver, scope->types.count + 1, sizeof(*items));
    if (!items) {
        return false;
    }
    size_t count = 0;
    for (size_t i = 0; i < scope->types.count; i++) {
        const struct tvn_wit_symbol *symbol = scope->types.items[i];
        if (!symbol->type && !symbol->resource) {
            continue; /* reported */
        }
        items[count] = (struct tvn_type_item){
            .kind = symbol->resource ? TVN_TYPE_ITEM_RESOURCE : TVN_TYPE_ITEM_DEFINED,
            .name = symbol->name.text,
            .type = symbol->type,
            .resource = symbol->resource,
            .docs = symbol->rename ? NULL : symbol->item->docs,
            .span = symbol->name.span,
            .attributes = symbol->item->attributes,
        };
        if (symbol->resource && symbol->item->kind == TVN_AST_ALIAS) {
            items[count].used_name = symbol->item->type->name.text;
        }
        if (symbol->rename) {
            items[count].kind = TVN_TYPE_ITEM_USED;
            items[count].used_from = symbol->item->path.target->interface;
            items[count].used_name = symbol->rename->name.text;
        }
        count++;
    }
    *out_items = items;
    *out_count = count;
    return true;
}
