/* SPDX-License-Identifier: Apache-2.0 */
#include "contracts/canonical.h"
#include "contracts/wit_resolver_internal.h"

#include <stdlib.h>

enum want { WANT_ANY, WANT_INTERFACE, WANT_WORLD };

struct binder {
    struct tvn_wit_resolver *resolver;
    struct tvn_wit_graph *graph;
    struct tvn_wit_home *home;
};

static bool kind_fits(struct tvn_wit_resolver *resolver, const struct tvn_wit_entry *entry,
                      enum want want, const struct tvn_ast_name *name)
{
    if (want == WANT_ANY || entry->is_world == (want == WANT_WORLD)) {
        return true;
    }
    return tvn_wit_resolver_error(resolver, TVN_E_WIT_RESOLUTION_ERROR, name->span, "'%.*s' is %s",
                                  TVN_WIT_NAME_ARG(name->text),
                                  entry->is_world ? "a world, not an interface"
                                                  : "an interface, not a world");
}

/* Does the program carry it? */
static bool is_canonical(struct tvn_str package)
{
    TVN_AUTO_VALUE(tvn_strbuf) line = {0};
    tvn_strbuf_printf(&line, "package %.*s;", TVN_STR_ARG(package));
    for (const struct tvn_embedded_text *file = tvn_contracts_texts; file->name; file++) {
        if (!line.failed && strstr(file->text, tvn_strbuf_text(&line))) {
            return true;
        }
    }
    return false;
}

/* The versions that there are of the package that was not found, and what to do. */
static void help_with_package(struct tvn_wit_resolver *resolver, const struct tvn_ast_path *path)
{
    for (size_t i = 0; i < resolver->packages.count; i++) {
        const struct tvn_wit_pkg *pkg = resolver->packages.items[i];
        if (tvn_str_equal(pkg->id.namespace_name, path->namespace_name.text) &&
            tvn_str_equal(pkg->id.name, path->package_name.text)) {
            tvn_diag_help(resolver->sink, "there is '%.*s': a path names the version too",
                          TVN_WIT_NAME_ARG(pkg->key));
            return;
        }
    }
    TVN_AUTO_VALUE(tvn_strbuf) wanted = {0};
    struct tvn_package_id id = {path->namespace_name.text, path->package_name.text, path->version};
    tvn_package_id_print(&id, &wanted);
    if (is_canonical(tvn_strbuf_view(&wanted))) {
        tvn_diag_help(resolver->sink, "put Torvyn's contracts under deps/: torvyn doctor --fix");
        return;
    }
    tvn_wit_resolver_suggest(resolver, tvn_strbuf_view(&wanted), resolver->packages_by_key,
                             "put its .wit files under deps/");
}

static struct tvn_wit_entry *find_in_package(struct tvn_wit_resolver *resolver,
                                             const struct tvn_wit_home *home,
                                             const struct tvn_ast_path *path, enum want want)
{
    struct tvn_package_id id = {path->namespace_name.text, path->package_name.text, path->version};
    tvn_strbuf_reset(&resolver->scratch);
    tvn_package_id_print(&id, &resolver->scratch);
    struct tvn_wit_pkg *pkg =
        tvn_map_get(resolver->packages_by_key, tvn_strbuf_view(&resolver->scratch));
    if (!pkg) {
        (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_RESOLUTION_ERROR, path->package_span,
                                     "package '%.*s' not found",
                                     TVN_STR_ARG(tvn_strbuf_view(&resolver->scratch)));
        help_with_package(resolver, path);
        return NULL;
    }
    if (pkg == home->package) {
        (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_RESOLUTION_ERROR, path->package_span,
                                     "package '%.*s' depends on itself",
                                     TVN_WIT_NAME_ARG(pkg->key));
        tvn_diag_help(resolver->sink, "within the package write '%.*s'",
                      TVN_WIT_NAME_ARG(path->name.text));
        return NULL;
    }
    struct tvn_wit_package_edge edge = {home->package->index, pkg->index, path->package_span};
    enum tvn_status status = tvn_vec_push(&resolver->package_edges, TVN_WIT_EDGES_MAX, edge);
    if (!tvn_wit_resolver_ok(resolver, status)) {
        return NULL;
    }
    struct tvn_wit_entry *entry = tvn_map_get(pkg->names, path->name.text);
    if (entry) {
        return kind_fits(resolver, entry, want, &path->name) ? entry : NULL;
    }
    const char *kind = want == WANT_WORLD ? "world" : "interface";
    (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_RESOLUTION_ERROR, path->name.span,
                                 "%s '%.*s' not found in package '%.*s'", kind,
                                 TVN_WIT_NAME_ARG(path->name.text), TVN_WIT_NAME_ARG(pkg->key));
    tvn_wit_resolver_suggest(resolver, path->name.text, pkg->names,
                             "the package does not define it");
    return NULL;
}

static struct tvn_wit_entry *find_unqualified(struct tvn_wit_resolver *resolver,
                                              const struct tvn_wit_home *home,
                                              const struct tvn_ast_path *path, enum want want,
                                              bool in_file)
{
    const struct tvn_ast_decl *decl = in_file ? tvn_map_get(home->names, path->name.text) : NULL;
    struct tvn_wit_entry *entry = NULL;
    if (decl && decl->kind == TVN_AST_DECL_USE) {
        entry = decl->path.target;
        if (!entry) {
            return NULL; /* reported at the use */
        }
    } else {
        entry = tvn_map_get(home->package->names, path->name.text);
    }
    if (entry) {
        return kind_fits(resolver, entry, want, &path->name) ? entry : NULL;
    }
    (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_RESOLUTION_ERROR, path->name.span,
                                 "interface or world '%.*s' does not exist",
                                 TVN_WIT_NAME_ARG(path->name.text));
    tvn_wit_resolver_suggest(
        resolver, path->name.text, home->package->names,
        "define it in this package, or write 'namespace:package/name' for another one's");
    return NULL;
}

/* Finds what a path names; an edge of the graph when it is found. `excluded`: the item that names
 * it is. */
static bool bind(struct binder *binder, struct tvn_ast_path *path, enum want want, bool in_file)
{
    struct tvn_wit_resolver *resolver = binder->resolver;
    path->target = path->namespace_name.text.len > 0
                       ? find_in_package(resolver, binder->home, path, want)
                       : find_unqualified(resolver, binder->home, path, want, in_file);
    if (!path->target || !binder->graph) {
        return !resolver->out_of_memory;
    }
    if (path->target->excluded) {
        (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_RESOLUTION_ERROR, path->name.span,
                                     "'%.*s' belongs to a feature that is not enabled",
                                     TVN_WIT_NAME_ARG(path->name.text));
        tvn_diag_help(resolver->sink, "mark this item @unstable as well");
        path->target = NULL;
        return true;
    }
    enum tvn_status status = tvn_wit_graph_edge(binder->graph, path->target->index);
    if (status == TVN_OK) {
        status = tvn_vec_push(&resolver->edge_spans, TVN_WIT_EDGES_MAX, path->name.span);
    }
    return tvn_wit_resolver_ok(resolver, status);
}

static bool bind_item(struct binder *binder, struct tvn_ast_item *item)
{
    switch (item->kind) {
    case TVN_AST_USE:
    case TVN_AST_EXTERN_PATH:
    case TVN_AST_EXTERN_NAMED_PATH:
        return bind(binder, &item->path, WANT_INTERFACE, true);
    case TVN_AST_INCLUDE:
        return bind(binder, &item->path, WANT_WORLD, true);
    case TVN_AST_ALIAS:
    case TVN_AST_RECORD:
    case TVN_AST_VARIANT:
    case TVN_AST_ENUM:
    case TVN_AST_FLAGS:
    case TVN_AST_RESOURCE:
    case TVN_AST_FUNC:
    case TVN_AST_EXTERN_FUNC:
    case TVN_AST_EXTERN_INTERFACE:
        return true;
    }
    tvn_unreachable();
}

/* The @since of an item, and of a resource's methods. */
static void check_gates(const struct binder *binder, const struct tvn_ast_item *item)
{
    const struct tvn_wit_pkg *pkg = binder->home->package;
    struct tvn_span span = item->name.text.len > 0 ? item->name.span : item->path.name.span;
    tvn_wit_resolver_check_since(binder->resolver, item->attributes, pkg, span);
    if (item->kind == TVN_AST_RESOURCE) {
        for (const struct tvn_ast_item *method = item->items; method; method = method->next) {
            tvn_wit_resolver_check_since(binder->resolver, method->attributes, pkg,
                                         method->name.span);
        }
    }
}

/* Paths in items; those of features that are not enabled are never looked for. Inline interfaces
 * nest once. */
static bool bind_items(struct binder *binder, struct tvn_ast_item *items, bool inner)
{
    for (struct tvn_ast_item *item = items; item; item = item->next) {
        check_gates(binder, item);
        if (!tvn_wit_resolver_included(binder->resolver, item->attributes)) {
            continue;
        }
        if (!bind_item(binder, item)) {
            return false;
        }
        if (item->kind == TVN_AST_EXTERN_INTERFACE && !inner &&
            !bind_items(binder, item->items, true)) {
            return false;
        }
    }
    return true;
}

static bool bind_uses(struct tvn_wit_resolver *resolver, struct tvn_wit_home *home)
{
    struct binder binder = {.resolver = resolver, .home = home};
    for (struct tvn_ast_decl *decl = home->ast->decls; decl; decl = decl->next) {
        if (decl->kind == TVN_AST_DECL_USE) {
            bool foreign = decl->path.namespace_name.text.len > 0;
            if (!bind(&binder, &decl->path, foreign ? WANT_INTERFACE : WANT_ANY, false)) {
                return false;
            }
        }
    }
    return true;
}

bool tvn_wit_resolve_paths(struct tvn_wit_resolver *resolver, struct tvn_wit_graph *graph)
{
    for (size_t i = 0; i < resolver->homes.count; i++) {
        if (!bind_uses(resolver, resolver->homes.items[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < resolver->entries.count; i++) {
        struct tvn_wit_entry *entry = resolver->entries.items[i];
        struct binder binder = {.resolver = resolver, .graph = graph, .home = entry->home};
        if (!tvn_wit_resolver_ok(resolver, tvn_wit_graph_node(graph)) ||
            (!entry->excluded && !bind_items(&binder, entry->decl->items, false))) {
            return false;
        }
    }
    return tvn_wit_resolver_ok(resolver, tvn_wit_graph_end(graph));
}

struct order_context {
    struct tvn_wit_resolver *resolver;
    const struct tvn_wit_graph *graph;
};

static void on_entry_cycle(void *context, uint32_t first, uint32_t first_edge, uint32_t last)
{
    struct order_context *order = context;
    struct tvn_wit_resolver *resolver = order->resolver;
    const struct tvn_wit_entry *from = resolver->entries.items[first];
    const struct tvn_wit_entry *to = resolver->entries.items[order->graph->edges.items[first_edge]];
    const struct tvn_wit_entry *closing = resolver->entries.items[last];
    struct tvn_span edge = resolver->edge_spans.items[first_edge];
    resolver->cycle_reported = true;
    if (from->home->package != to->home->package) {
        (void)tvn_wit_resolver_error(
            resolver, TVN_E_WIT_RESOLUTION_ERROR, edge,
            "package '%.*s' depends on package '%.*s', which depends on it",
            TVN_WIT_NAME_ARG(from->home->package->key), TVN_WIT_NAME_ARG(to->home->package->key));
    } else {
        (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_RESOLUTION_ERROR, closing->decl->name.span,
                                     "%s '%.*s' depends on itself",
                                     closing->is_world ? "world" : "interface",
                                     TVN_WIT_NAME_ARG(closing->decl->name.text));
        tvn_diag_related(resolver->sink, edge, "by way of this");
    }
    tvn_diag_help(resolver->sink, "move what both need into an interface of its own");
}

bool tvn_wit_resolve_order(struct tvn_wit_resolver *resolver, const struct tvn_wit_graph *graph,
                           uint32_t *out_order)
{
    struct order_context context = {resolver, graph};
    return tvn_wit_resolver_ok(resolver,
                               tvn_wit_graph_order(graph, on_entry_cycle, &context, out_order));
}

static int compare_edges(const void *a, const void *b)
{
    const struct tvn_wit_package_edge *left = a;
    const struct tvn_wit_package_edge *right = b;
    if (left->from != right->from) {
        return left->from < right->from ? -1 : 1;
    }
    return (left->span.offset > right->span.offset) - (left->span.offset < right->span.offset);
}

static void on_package_cycle(void *context, uint32_t first, uint32_t first_edge, uint32_t last)
{
    struct tvn_wit_resolver *resolver = context;
    const struct tvn_wit_package_edge *edge = &resolver->package_edges.items[first_edge];
    (void)last;
    (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_RESOLUTION_ERROR, edge->span,
                                 "package '%.*s' depends on package '%.*s', which depends on it",
                                 TVN_WIT_NAME_ARG(resolver->packages.items[first]->key),
                                 TVN_WIT_NAME_ARG(resolver->packages.items[edge->to]->key));
    tvn_diag_help(resolver->sink, "move what both need into a package of its own");
}

bool tvn_wit_check_package_cycles(struct tvn_wit_resolver *resolver)
{
    if (resolver->cycle_reported || resolver->package_edges.count == 0) {
        return true;
    }
    qsort(resolver->package_edges.items, resolver->package_edges.count,
          sizeof(*resolver->package_edges.items), compare_edges);
    TVN_AUTO_VALUE(tvn_wit_graph) graph = {0};
    size_t edge = 0;
    for (uint32_t i = 0; i < resolver->packages.count; i++) {
        if (!tvn_wit_resolver_ok(resolver, tvn_wit_graph_node(&graph))) {
            return false;
        }
        for (;
             edge < resolver->package_edges.count && resolver->package_edges.items[edge].from == i;
             edge++) {
            if (!tvn_wit_resolver_ok(
                    resolver, tvn_wit_graph_edge(&graph, resolver->package_edges.items[edge].to))) {
                return false;
            }
        }
    }
    TVN_AUTO_FREE uint32_t *order = tvn_calloc(resolver->packages.count, sizeof(*order));
    if (!order) {
        return tvn_wit_resolver_no_memory(resolver);
    }
    return tvn_wit_resolver_ok(resolver, tvn_wit_graph_end(&graph)) &&
           tvn_wit_resolver_ok(resolver,
                               tvn_wit_graph_order(&graph, on_package_cycle, resolver, order));
}
