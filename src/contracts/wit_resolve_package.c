/* SPDX-License-Identifier: Apache-2.0 */
#include "contracts/wit_resolver_internal.h"

/* Files that share a directory, and with it a package. */
struct group {
    const struct tvn_ast_package *named; /* the first header */
    bool differs;                        /* another header names another package */
    bool reported;
    bool skipped; /* a copy of a package that is there already */
    TVN_VEC(struct tvn_ast_file *) files;
};

struct groups {
    struct tvn_map *by_name;
    TVN_VEC(struct group *) list;
};

static void groups_deinit(struct groups *groups)
{
    for (size_t i = 0; i < groups->list.count; i++) {
        tvn_vec_deinit(&groups->list.items[i]->files);
    }
    tvn_vec_deinit(&groups->list);
    tvn_map_destroy(groups->by_name);
}

static bool same_package(const struct tvn_package_id *a, const struct tvn_package_id *b)
{
    return tvn_str_equal(a->namespace_name, b->namespace_name) && tvn_str_equal(a->name, b->name) &&
           a->version.valid == b->version.valid &&
           (!a->version.valid || (tvn_semver_compare(&a->version, &b->version) == 0 &&
                                  tvn_str_equal(a->version.build, b->version.build)));
}

static struct tvn_str package_key(struct tvn_wit_resolver *resolver,
                                  const struct tvn_package_id *id)
{
    TVN_AUTO_VALUE(tvn_strbuf) key = {0};
    tvn_package_id_print(id, &key);
    struct tvn_str copy = tvn_arena_str(resolver->arena, tvn_strbuf_view(&key));
    if (!copy.ptr) {
        (void)tvn_wit_resolver_no_memory(resolver);
    }
    return copy;
}

static struct group *group_of(struct tvn_wit_resolver *resolver, struct groups *groups,
                              struct tvn_str name)
{
    struct group *group = tvn_map_get(groups->by_name, name);
    if (group) {
        return group;
    }
    group = tvn_wit_resolver_alloc(resolver, 1, sizeof(*group));
    if (!group) {
        return NULL;
    }
    enum tvn_status status = tvn_vec_push(&groups->list, TVN_WIT_FILES_MAX, group);
    if (status == TVN_OK) {
        status = tvn_map_add(groups->by_name, name, group);
    }
    return tvn_wit_resolver_ok(resolver, status) ? group : NULL;
}

static bool add_file(struct tvn_wit_resolver *resolver, struct groups *groups,
                     struct tvn_ast_file *file)
{
    struct group *group = group_of(resolver, groups, file->group);
    if (!group) {
        return false;
    }
    enum tvn_status status = tvn_vec_push(&group->files, TVN_WIT_FILES_MAX, file);
    if (!tvn_wit_resolver_ok(resolver, status)) {
        return false;
    }
    if (!file->root.named) {
        return true;
    }
    if (!group->named) {
        group->named = &file->root;
    } else if (!same_package(&group->named->id, &file->root.id)) {
        group->differs = true;
        if (file->group_agrees) {
            (void)tvn_wit_resolver_error(
                resolver, TVN_E_WIT_RESOLUTION_ERROR, file->root.span,
                "package differs from that of another file in this directory");
            tvn_diag_related(resolver->sink, group->named->span, "the other package");
            tvn_diag_help(resolver->sink,
                          "the files of a directory form one package; put others under deps/");
        }
    }
    return true;
}

/* The same files with the same text: a dependency that several packages bring along. */
static bool same_texts(const struct group *group, const struct group *other)
{
    if (group->files.count != other->files.count) {
        return false;
    }
    for (size_t i = 0; i < group->files.count; i++) {
        if (!tvn_str_equal(group->files.items[i]->text, other->files.items[i]->text)) {
            return false;
        }
    }
    return true;
}

static struct tvn_wit_pkg *create_package(struct tvn_wit_resolver *resolver,
                                          const struct tvn_ast_file *file,
                                          const struct tvn_ast_package *ast, struct tvn_str key)
{
    struct tvn_wit_pkg *pkg = tvn_wit_resolver_alloc(resolver, 1, sizeof(*pkg));
    if (!pkg) {
        return NULL;
    }
    *pkg = (struct tvn_wit_pkg){.id = ast->id,
                                .key = key,
                                .span = ast->span,
                                .file = file,
                                .index = (uint32_t)resolver->packages.count};
    enum tvn_status status = tvn_vec_push(&resolver->packages, TVN_WIT_ITEMS_MAX, pkg);
    if (status == TVN_OK) {
        status = tvn_map_add(resolver->packages_by_key, key, pkg);
    }
    if (!tvn_wit_resolver_ok(resolver, status)) {
        return NULL;
    }
    pkg->names = tvn_wit_resolver_map(resolver);
    return pkg->names ? pkg : NULL;
}

/* "torvyn:streaming/types@0.1.0" */
static struct tvn_str entry_id(struct tvn_wit_resolver *resolver, const struct tvn_wit_pkg *pkg,
                               struct tvn_str name)
{
    TVN_AUTO_VALUE(tvn_strbuf) id = {0};
    tvn_interface_id_print(&pkg->id, name, &id);
    struct tvn_str copy = tvn_arena_str(resolver->arena, tvn_strbuf_view(&id));
    if (!copy.ptr) {
        (void)tvn_wit_resolver_no_memory(resolver);
    }
    return copy;
}

static bool create_target(struct tvn_wit_resolver *resolver, struct tvn_wit_entry *entry)
{
    const struct tvn_ast_decl *decl = entry->decl;
    const struct tvn_wit_pkg *pkg = entry->home->package;
    if (entry->is_world) {
        entry->world = tvn_wit_resolver_alloc(resolver, 1, sizeof(*entry->world));
        if (!entry->world) {
            return false;
        }
        *entry->world = (struct tvn_world){.package = pkg->id,
                                           .name = decl->name.text,
                                           .docs = decl->docs,
                                           .span = decl->name.span,
                                           .attributes = decl->attributes};
        return true;
    }
    entry->interface = tvn_wit_resolver_alloc(resolver, 1, sizeof(*entry->interface));
    struct tvn_str id = entry_id(resolver, pkg, decl->name.text);
    if (!entry->interface || !id.ptr) {
        return false;
    }
    *entry->interface = (struct tvn_interface){.package = pkg->id,
                                               .name = decl->name.text,
                                               .id = id,
                                               .docs = decl->docs,
                                               .span = decl->name.span,
                                               .attributes = decl->attributes};
    return true;
}

static bool add_entry(struct tvn_wit_resolver *resolver, struct tvn_wit_home *home,
                      struct tvn_ast_decl *decl)
{
    struct tvn_wit_pkg *pkg = home->package;
    const struct tvn_wit_entry *first = tvn_map_get(pkg->names, decl->name.text);
    if (first) {
        (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_SYNTAX_ERROR, decl->name.span,
                                     "'%.*s' is defined more than once in package '%.*s'",
                                     TVN_WIT_NAME_ARG(decl->name.text), TVN_WIT_NAME_ARG(pkg->key));
        tvn_diag_related(resolver->sink, first->decl->name.span, "first defined here");
        return true;
    }
    struct tvn_wit_entry *entry = tvn_wit_resolver_alloc(resolver, 1, sizeof(*entry));
    if (!entry) {
        return false;
    }
    *entry = (struct tvn_wit_entry){.home = home,
                                    .decl = decl,
                                    .index = (uint32_t)resolver->entries.count,
                                    .is_world = decl->kind == TVN_AST_DECL_WORLD};
    tvn_wit_resolver_check_since(resolver, decl->attributes, pkg, decl->name.span);
    entry->excluded = !tvn_wit_resolver_included(resolver, decl->attributes);
    if (!create_target(resolver, entry)) {
        return false;
    }
    enum tvn_status status = tvn_vec_push(&resolver->entries, TVN_WIT_ITEMS_MAX, entry);
    if (status == TVN_OK) {
        status = tvn_vec_push(&pkg->entries, TVN_WIT_ITEMS_MAX, entry);
    }
    if (status == TVN_OK) {
        status = tvn_map_add(pkg->names, decl->name.text, entry);
    }
    return tvn_wit_resolver_ok(resolver, status);
}

static bool add_decls(struct tvn_wit_resolver *resolver, struct tvn_wit_home *home)
{
    for (struct tvn_ast_decl *decl = home->ast->decls; decl; decl = decl->next) {
        const struct tvn_ast_decl *first = tvn_map_get(home->names, decl->name.text);
        if (first) {
            (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_SYNTAX_ERROR, decl->name.span,
                                         "'%.*s' is defined more than once in this file",
                                         TVN_WIT_NAME_ARG(decl->name.text));
            tvn_diag_related(resolver->sink, first->name.span, "first defined here");
            continue;
        }
        if (!tvn_wit_resolver_ok(resolver, tvn_map_add(home->names, decl->name.text, decl))) {
            return false;
        }
        if (decl->kind != TVN_AST_DECL_USE && !add_entry(resolver, home, decl)) {
            return false;
        }
    }
    return true;
}

/* One file's part of a package. */
static bool add_home(struct tvn_wit_resolver *resolver, struct tvn_wit_pkg *pkg,
                     const struct tvn_ast_package *ast)
{
    if (ast->documented && pkg->documented) {
        (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_SYNTAX_ERROR, ast->docs_span,
                                     "package '%.*s' is documented in more than one file",
                                     TVN_WIT_NAME_ARG(pkg->key));
    } else if (ast->documented || !pkg->docs) {
        pkg->docs = ast->docs;
        pkg->documented |= ast->documented;
    }
    struct tvn_wit_home *home = tvn_wit_resolver_alloc(resolver, 1, sizeof(*home));
    if (!home) {
        return false;
    }
    enum tvn_status status = tvn_vec_push(&resolver->homes, TVN_WIT_ITEMS_MAX, home);
    if (!tvn_wit_resolver_ok(resolver, status)) {
        return false;
    }
    *home =
        (struct tvn_wit_home){.package = pkg, .ast = ast, .names = tvn_wit_resolver_map(resolver)};
    return home->names && add_decls(resolver, home);
}

static bool defined_twice(struct tvn_wit_resolver *resolver, const struct tvn_wit_pkg *pkg,
                          struct tvn_span span)
{
    (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_RESOLUTION_ERROR, span,
                                 "package '%.*s' is defined in two places",
                                 TVN_WIT_NAME_ARG(pkg->key));
    tvn_diag_related(resolver->sink, pkg->span, "the other place");
    tvn_diag_help(resolver->sink, "keep one of them, or make their contents equal");
    return true; /* nothing else is wrong with it */
}

/* A `package a:b { … }` block. The same block in a copy of the same file is no conflict. */
static bool add_nested(struct tvn_wit_resolver *resolver, const struct tvn_ast_file *file,
                       const struct tvn_ast_package *ast)
{
    struct tvn_str key = package_key(resolver, &ast->id);
    if (!key.ptr) {
        return false;
    }
    const struct tvn_wit_pkg *other = tvn_map_get(resolver->packages_by_key, key);
    if (other) {
        return defined_twice(resolver, other, ast->span);
    }
    struct tvn_wit_pkg *pkg = create_package(resolver, file, ast, key);
    return pkg && add_home(resolver, pkg, ast);
}

/* The package of a group's files: that of their headers, or of the other files' header. */
static bool add_group_file(struct tvn_wit_resolver *resolver, struct groups *groups,
                           struct group *group, struct tvn_ast_file *file)
{
    const struct tvn_ast_package *head = file->root.named ? &file->root : group->named;
    if (!head || (!file->root.named && group->differs)) {
        if (!group->reported) {
            (void)tvn_wit_resolver_error(resolver, TVN_E_WIT_RESOLUTION_ERROR, file->start,
                                         "no package header");
            tvn_diag_help(resolver->sink, "start the file with 'package namespace:name;'");
        }
        group->reported = true;
        return true;
    }
    struct tvn_str key = package_key(resolver, &head->id);
    if (!key.ptr) {
        return false;
    }
    struct tvn_wit_pkg *pkg = tvn_map_get(resolver->packages_by_key, key);
    if (pkg && file->group_agrees && !tvn_str_equal(pkg->file->group, file->group)) {
        const struct group *other = tvn_map_get(groups->by_name, pkg->file->group);
        group->skipped = true;
        return (other && same_texts(group, other)) || defined_twice(resolver, pkg, head->span);
    }
    if (!pkg) {
        pkg = create_package(resolver, file, head, key);
    }
    return pkg && add_home(resolver, pkg, &file->root);
}

static bool add_group(struct tvn_wit_resolver *resolver, struct groups *groups, struct group *group)
{
    for (size_t i = 0; i < group->files.count && !group->skipped; i++) {
        if (!add_group_file(resolver, groups, group, group->files.items[i])) {
            return false;
        }
    }
    return true;
}

static bool collect(struct tvn_wit_resolver *resolver, struct groups *groups)
{
    for (struct tvn_ast_file *file = resolver->wit->files; file; file = file->next) {
        if (!add_file(resolver, groups, file)) {
            return false;
        }
    }
    for (size_t i = 0; i < groups->list.count; i++) {
        if (!add_group(resolver, groups, groups->list.items[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < groups->list.count; i++) {
        const struct group *group = groups->list.items[i];
        for (size_t j = 0; j < group->files.count && !group->skipped; j++) {
            const struct tvn_ast_file *file = group->files.items[j];
            for (const struct tvn_ast_package *ast = file->nested; ast; ast = ast->next) {
                if (!add_nested(resolver, file, ast)) {
                    return false;
                }
            }
        }
    }
    return true;
}

bool tvn_wit_resolve_packages(struct tvn_wit_resolver *resolver)
{
    struct groups groups = {.by_name = tvn_wit_resolver_map(resolver)};
    bool collected = groups.by_name && collect(resolver, &groups);
    groups_deinit(&groups);
    return collected;
}
