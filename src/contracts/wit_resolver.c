/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"
#include "base/suggest.h"
#include "contracts/wit_resolver_internal.h"

#include <stdarg.h>
#include <stdio.h>

#define CANDIDATES_MAX 256 /* names that a suggestion is chosen from */

bool tvn_wit_resolver_error(struct tvn_wit_resolver *resolver, enum tvn_status code,
                            struct tvn_span span, const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    (void)tvn_diag_error(resolver->sink, code, span, "%s", message);
    if (resolver->status == TVN_OK) {
        resolver->status = code;
    }
    return false;
}

bool tvn_wit_resolver_no_memory(struct tvn_wit_resolver *resolver)
{
    if (!resolver->out_of_memory) {
        resolver->out_of_memory = true;
        (void)tvn_wit_resolver_error(resolver, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                                     "no memory to resolve WIT");
    }
    return false;
}

bool tvn_wit_resolver_spend(struct tvn_wit_resolver *resolver, size_t steps)
{
    resolver->work += tvn_min(steps, TVN_WIT_WORK_MAX);
    if (resolver->work > TVN_WIT_WORK_MAX && !resolver->out_of_memory) {
        resolver->out_of_memory = true;
        (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_RESOLUTION_ERROR, TVN_SPAN_NONE,
                                     "the worlds of these packages contain too much");
        tvn_diag_help(resolver->sink, "include fewer worlds in each other");
    }
    return !resolver->out_of_memory;
}

bool tvn_wit_resolver_ok(struct tvn_wit_resolver *resolver, enum tvn_status status)
{
    return status == TVN_OK || tvn_wit_resolver_no_memory(resolver);
}

void *tvn_wit_resolver_alloc(struct tvn_wit_resolver *resolver, size_t count, size_t size_bytes)
{
    void *block = tvn_arena_alloc_array(resolver->arena, count, size_bytes);
    if (!block) {
        (void)tvn_wit_resolver_no_memory(resolver);
    }
    return block;
}

struct tvn_map *tvn_wit_resolver_map(struct tvn_wit_resolver *resolver)
{
    struct tvn_map *map = tvn_map_create(TVN_WIT_ITEMS_MAX);
    if (!map) {
        (void)tvn_wit_resolver_no_memory(resolver);
    }
    return map;
}

void tvn_wit_resolver_suggest(struct tvn_wit_resolver *resolver, struct tvn_str word,
                              const struct tvn_map *names, const char *otherwise)
{
    if (tvn_diag_error_count(resolver->sink) > TVN_DIAG_ERRORS_MAX) {
        return; /* nobody will see it */
    }
    const char *candidates[CANDIDATES_MAX];
    size_t count = 0;
    size_t cursor = 0;
    struct tvn_str key;
    void *value;
    while (names && count < CANDIDATES_MAX && tvn_map_next(names, &cursor, &key, &value)) {
        candidates[count] =
            key.len <= 64 ? tvn_arena_strndup(resolver->arena, key.ptr, key.len) : NULL;
        count += candidates[count] != NULL;
    }
    const char *near = tvn_suggest(word, candidates, count);
    if (near) {
        tvn_diag_help(resolver->sink, "did you mean '%s'?", near);
    } else if (otherwise) {
        tvn_diag_help(resolver->sink, "%s", otherwise);
    }
}

static bool feature_enabled(const struct tvn_wit *wit, struct tvn_str feature)
{
    for (size_t i = 0; i < wit->features.count; i++) {
        if (tvn_str_equal(wit->features.items[i], feature)) {
            return true;
        }
    }
    return wit->all_features;
}

bool tvn_wit_resolver_included(const struct tvn_wit_resolver *resolver,
                               const struct tvn_attributes *attributes)
{
    return !attributes || attributes->unstable.len == 0 ||
           feature_enabled(resolver->wit, attributes->unstable);
}

void tvn_wit_resolver_check_since(struct tvn_wit_resolver *resolver,
                                  const struct tvn_attributes *attributes,
                                  const struct tvn_wit_pkg *package, struct tvn_span span)
{
    if (!attributes || !attributes->since.valid) {
        return;
    }
    if (!package->id.version.valid) {
        (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_SYNTAX_ERROR, span,
                                     "@since needs a version of package '%.*s'",
                                     TVN_WIT_NAME_ARG(package->key));
    } else if (tvn_semver_compare(&attributes->since, &package->id.version) > 0) {
        (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_SYNTAX_ERROR, span,
                                     "@since names a later version than that of package '%.*s'",
                                     TVN_WIT_NAME_ARG(package->key));
    }
}

/* Lower case without hyphens, behind the prefix. */
static struct tvn_str canonical(struct tvn_wit_resolver *resolver, const char *prefix,
                                struct tvn_str name)
{
    struct tvn_strbuf *key = &resolver->scratch;
    tvn_strbuf_reset(key);
    tvn_strbuf_add_text(key, prefix);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (c != '-') {
            if (c >= 'A' && c <= 'Z') {
                c = (char)(c - 'A' + 'a');
            }
            tvn_strbuf_add_char(key, c);
        }
    }
    return tvn_strbuf_view(key);
}

bool tvn_wit_resolver_unique(struct tvn_wit_resolver *resolver, struct tvn_map *taken,
                             const char *prefix, const struct tvn_ast_name *name, const char *what)
{
    struct tvn_str key = canonical(resolver, prefix, name->text);
    const struct tvn_ast_name *first = tvn_map_get(taken, key);
    if (!first) {
        return tvn_wit_resolver_ok(
            resolver, resolver->scratch.failed ? TVN_E_OUT_OF_MEMORY
                                               : tvn_map_add(taken, key, (void *)(uintptr_t)name));
    }
    if (tvn_str_equal(first->text, name->text)) {
        (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_SYNTAX_ERROR, name->span,
                                     "%s '%.*s' is defined more than once", what,
                                     TVN_WIT_NAME_ARG(name->text));
    } else {
        (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_SYNTAX_ERROR, name->span,
                                     "%s '%.*s' conflicts with '%.*s'", what,
                                     TVN_WIT_NAME_ARG(name->text), TVN_WIT_NAME_ARG(first->text));
        tvn_diag_help(resolver->sink, "names must differ in more than case and hyphens");
    }
    tvn_diag_related(resolver->sink, first->span, "first defined here");
    return false;
}

static bool resolve_entry(struct tvn_wit_resolver *resolver, struct tvn_wit_entry *entry)
{
    if (entry->is_world) {
        return entry->excluded || tvn_wit_resolve_world(resolver, entry);
    }
    entry->scope = tvn_wit_scope_create(resolver, entry->home->package, entry->interface);
    if (!entry->scope) {
        return false;
    }
    if (entry->excluded) {
        return tvn_wit_scope_collect(resolver, entry->scope, entry->decl->items, true);
    }
    return tvn_wit_resolve_interface(resolver, entry->scope, entry->decl->items, entry->interface);
}

static void resolve_entries(struct tvn_wit_resolver *resolver)
{
    TVN_AUTO_VALUE(tvn_wit_graph) graph = {0};
    if (!tvn_wit_resolve_paths(resolver, &graph)) {
        return;
    }
    TVN_AUTO_FREE uint32_t *order = tvn_calloc(resolver->entries.count + 1, sizeof(*order));
    if (!order) {
        (void)tvn_wit_resolver_no_memory(resolver);
        return;
    }
    if (!tvn_wit_resolve_order(resolver, &graph, order) ||
        !tvn_wit_check_package_cycles(resolver)) {
        return;
    }
    for (size_t i = 0; i < resolver->entries.count && !resolver->out_of_memory; i++) {
        struct tvn_wit_entry *entry = resolver->entries.items[order[i]];
        (void)resolve_entry(resolver, entry);
        entry->done = true;
    }
}

/* One package of the model, and its interfaces in the index. */
static bool publish_package(struct tvn_wit_resolver *resolver, const struct tvn_wit_pkg *pkg)
{
    struct tvn_package *package = tvn_wit_resolver_alloc(resolver, 1, sizeof(*package));
    const struct tvn_interface **interfaces = (const struct tvn_interface **)tvn_wit_resolver_alloc(
        resolver, pkg->entries.count + 1, sizeof(*interfaces));
    const struct tvn_world **worlds = (const struct tvn_world **)tvn_wit_resolver_alloc(
        resolver, pkg->entries.count + 1, sizeof(*worlds));
    if (!package || !interfaces || !worlds) {
        return false;
    }
    *package = (struct tvn_package){
        .id = pkg->id, .interfaces = interfaces, .worlds = worlds, .docs = pkg->docs};
    for (size_t i = 0; i < pkg->entries.count; i++) {
        const struct tvn_wit_entry *entry = pkg->entries.items[i];
        if (entry->excluded) {
            continue;
        }
        if (entry->is_world) {
            worlds[package->world_count++] = entry->world;
            continue;
        }
        interfaces[package->interface_count++] = entry->interface;
        enum tvn_status status =
            tvn_map_add(resolver->wit->interfaces, entry->interface->id, entry->interface);
        if (!tvn_wit_resolver_ok(resolver, status == TVN_EXISTS ? TVN_OK : status)) {
            return false;
        }
    }
    return tvn_wit_resolver_ok(resolver,
                               tvn_vec_push(&resolver->wit->packages, TVN_WIT_ITEMS_MAX, package));
}

static void resolver_deinit(struct tvn_wit_resolver *resolver)
{
    for (size_t i = 0; i < resolver->packages.count; i++) {
        tvn_map_destroy(resolver->packages.items[i]->names);
        tvn_vec_deinit(&resolver->packages.items[i]->entries);
    }
    for (size_t i = 0; i < resolver->homes.count; i++) {
        tvn_map_destroy(resolver->homes.items[i]->names);
    }
    tvn_wit_scopes_destroy(resolver->scopes);
    tvn_vec_deinit(&resolver->packages);
    tvn_vec_deinit(&resolver->homes);
    tvn_vec_deinit(&resolver->entries);
    tvn_vec_deinit(&resolver->edge_spans);
    tvn_vec_deinit(&resolver->package_edges);
    tvn_map_destroy(resolver->packages_by_key);
    tvn_strbuf_deinit(&resolver->scratch);
}

enum tvn_status tvn_wit_resolver_run(struct tvn_wit *wit, struct tvn_diag_sink *sink)
{
    struct tvn_wit_resolver resolver = {.wit = wit, .arena = wit->arena, .sink = sink};
    resolver.packages_by_key = tvn_wit_resolver_map(&resolver);
    if (resolver.packages_by_key && tvn_wit_resolve_packages(&resolver)) {
        resolve_entries(&resolver);
    }
    for (size_t i = 0; i < resolver.packages.count && !resolver.out_of_memory; i++) {
        (void)publish_package(&resolver, resolver.packages.items[i]);
    }
    resolver_deinit(&resolver);
    return resolver.status;
}
