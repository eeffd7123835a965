/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * From syntax trees to the model, in this order:
 *   wit_resolve_package.c    files → packages and their entries (interfaces, worlds)
 *   wit_resolve_path.c       every path → the entry it names; the order in which entries can be
 * resolved wit_resolve_scope.c      names of one interface or world wit_resolve_type.c       its
 * types wit_resolve_interface.c  its functions wit_resolve_world.c      imports, exports, includes
 *   wit_resolve_elaborate.c  what a world imports because something else uses it
 *
 * Something that cannot be resolved is reported once and leaves NULL behind; what refers to it
 * stays NULL silently, so that one mistake makes one message. Functions that return bool return
 * false after reporting.
 */
#include "base/arena.h"
#include "base/assert.h"
#include "contracts/wit_internal.h"
#include "contracts/wit_order_internal.h"

/* A name in an interface or world that stands for a type, or a function that has it. */
struct tvn_wit_symbol {
    struct tvn_ast_name name;
    const struct tvn_ast_item *item;
    const struct tvn_ast_rename *rename; /* `use` */
    bool is_func;
    bool excluded; /* its feature is not enabled */
    uint32_t node; /* among the scope's types */
    const struct tvn_type *type;
    const struct tvn_resource *resource;
    const struct tvn_type *own; /* of the resource, made when first needed */
};

struct tvn_wit_scope {
    const struct tvn_interface *owner; /* NULL: a world */
    struct tvn_wit_pkg *package;
    struct tvn_map *symbols;                /* name → struct tvn_wit_symbol */
    struct tvn_map *taken;                  /* canonical name → struct tvn_ast_name */
    TVN_VEC(struct tvn_wit_symbol *) types; /* in source order */
    struct tvn_wit_scope *next;             /* all scopes, to free their tables */
};

struct tvn_wit_home;

/* An interface or a world. */
struct tvn_wit_entry {
    struct tvn_wit_home *home;
    const struct tvn_ast_decl *decl;
    uint32_t index;
    bool is_world;
    bool excluded;
    bool done;
    struct tvn_interface *interface;
    struct tvn_world *world;
    struct tvn_wit_scope *scope;
};

struct tvn_wit_pkg {
    struct tvn_package_id id;
    struct tvn_str key; /* "ns:name@1.0.0" */
    struct tvn_span span;
    const struct tvn_ast_file *file;
    const char *docs;
    bool documented;
    uint32_t index;
    struct tvn_map *names; /* → struct tvn_wit_entry */
    TVN_VEC(struct tvn_wit_entry *) entries;
};

/* One file's part of a package: where unqualified names are looked up. */
struct tvn_wit_home {
    struct tvn_wit_pkg *package;
    const struct tvn_ast_package *ast;
    struct tvn_map *names; /* → struct tvn_ast_decl: top-level use, and the file's own entries */
};

struct tvn_wit_package_edge {
    uint32_t from;
    uint32_t to;
    struct tvn_span span;
};

struct tvn_wit_resolver {
    struct tvn_wit *wit;
    struct tvn_arena *arena;
    struct tvn_diag_sink *sink;
    enum tvn_status status; /* the first error's */
    bool out_of_memory;
    bool cycle_reported;
    size_t
        work; /* steps of what the length of the text does not bound, see tvn_wit_resolver_spend */
    uint32_t next_resource;
    struct tvn_strbuf scratch;
    struct tvn_map *packages_by_key; /* → struct tvn_wit_pkg */
    TVN_VEC(struct tvn_wit_pkg *) packages;
    TVN_VEC(struct tvn_wit_home *) homes;
    TVN_VEC(struct tvn_wit_entry *) entries;
    TVN_VEC(struct tvn_span) edge_spans; /* of the graph of entries */
    TVN_VEC(struct tvn_wit_package_edge) package_edges;
    struct tvn_wit_scope *scopes;
};

/* wit_resolver.c */
bool tvn_wit_resolver_error(struct tvn_wit_resolver *resolver, enum tvn_status code,
                            struct tvn_span span, const char *format, ...) TVN_PRINTF(4, 5);
bool tvn_wit_resolver_no_memory(struct tvn_wit_resolver *resolver);
/* False when the status is not TVN_OK; memory is the only thing that can be wrong (or a maximum,
 * which is the same). */
bool tvn_wit_resolver_ok(struct tvn_wit_resolver *resolver, enum tvn_status status);
/*
 * Worlds can include each other so that their expansion outgrows the text by far. Every step of an
 * expansion counts; beyond TVN_WIT_WORK_MAX the set is refused (as if memory had run out). False
 * then.
 */
#define TVN_WIT_WORK_MAX ((size_t)1 << 20)
bool tvn_wit_resolver_spend(struct tvn_wit_resolver *resolver, size_t steps);
void *tvn_wit_resolver_alloc(struct tvn_wit_resolver *resolver, size_t count, size_t size_bytes);
struct tvn_map *tvn_wit_resolver_map(struct tvn_wit_resolver *resolver);
/* Adds help "did you mean 'x'?" to the error just reported when a key of `names` is near. */
void tvn_wit_resolver_suggest(struct tvn_wit_resolver *resolver, struct tvn_str word,
                              const struct tvn_map *names, const char *otherwise);
/* The item's feature is enabled, or it has none. */
bool tvn_wit_resolver_included(const struct tvn_wit_resolver *resolver,
                               const struct tvn_attributes *attributes);
/* Reports a @since that the package's version contradicts. */
void tvn_wit_resolver_check_since(struct tvn_wit_resolver *resolver,
                                  const struct tvn_attributes *attributes,
                                  const struct tvn_wit_pkg *package, struct tvn_span span);
/*
 * Names that differ only in case or in hyphens collide. `what` is for the message ("field"); prefix
 * makes tables of different kinds of names out of one. False after reporting.
 */
bool tvn_wit_resolver_unique(struct tvn_wit_resolver *resolver, struct tvn_map *taken,
                             const char *prefix, const struct tvn_ast_name *name, const char *what);
/* Name of an item in a message. */
#define TVN_WIT_NAME_ARG(name) (int)((name).len < 64 ? (name).len : 64), (name).ptr

/* wit_resolve_package.c */
bool tvn_wit_resolve_packages(struct tvn_wit_resolver *resolver);

/* wit_resolve_path.c */
bool tvn_wit_resolve_paths(struct tvn_wit_resolver *resolver, struct tvn_wit_graph *graph);
bool tvn_wit_resolve_order(struct tvn_wit_resolver *resolver, const struct tvn_wit_graph *graph,
                           uint32_t *out_order);
bool tvn_wit_check_package_cycles(struct tvn_wit_resolver *resolver);

/* wit_resolve_scope.c */
struct tvn_wit_scope *tvn_wit_scope_create(struct tvn_wit_resolver *resolver,
                                           struct tvn_wit_pkg *package,
                                           const struct tvn_interface *owner);
void tvn_wit_scopes_destroy(struct tvn_wit_scope *scopes);
/* Enters the names of use, type and function items. `excluded`: so is the whole. */
bool tvn_wit_scope_collect(struct tvn_wit_resolver *resolver, struct tvn_wit_scope *scope,
                           struct tvn_ast_item *items, bool excluded);
/* NULL after reporting. */
struct tvn_wit_symbol *tvn_wit_scope_type(struct tvn_wit_resolver *resolver,
                                          struct tvn_wit_scope *scope,
                                          const struct tvn_ast_name *name);

/* wit_resolve_type.c */
/* Defines every type of the scope. */
bool tvn_wit_resolve_types(struct tvn_wit_resolver *resolver, struct tvn_wit_scope *scope);
/* NULL: reported, or the fault was reported before. */
const struct tvn_type *tvn_wit_resolve_type(struct tvn_wit_resolver *resolver,
                                            struct tvn_wit_scope *scope,
                                            const struct tvn_ast_type *ast);
const struct tvn_type *tvn_wit_own_type(struct tvn_wit_resolver *resolver,
                                        struct tvn_wit_symbol *symbol);
/* The scope's types as the model shows them. */
bool tvn_wit_scope_type_items(struct tvn_wit_resolver *resolver, const struct tvn_wit_scope *scope,
                              struct tvn_type_item **out_items, size_t *out_count);

/* wit_resolve_interface.c */
struct tvn_wit_funcs {
    TVN_VEC(struct tvn_func) list;
};
bool tvn_wit_resolve_func(struct tvn_wit_resolver *resolver, struct tvn_wit_scope *scope,
                          const struct tvn_ast_item *item, struct tvn_wit_symbol *resource,
                          struct tvn_func *out_func);
/* The functions of a resource item. */
bool tvn_wit_resolve_methods(struct tvn_wit_resolver *resolver, struct tvn_wit_scope *scope,
                             const struct tvn_ast_item *item, struct tvn_wit_funcs *funcs);
/* Setters need getters and stand behind them: fills in the order of the list (NULL: no function).
 */
bool tvn_wit_order_setters(struct tvn_wit_resolver *resolver, const struct tvn_func *const *funcs,
                           size_t count, size_t *order);
bool tvn_wit_resolve_interface(struct tvn_wit_resolver *resolver, struct tvn_wit_scope *scope,
                               struct tvn_ast_item *items, struct tvn_interface *interface);

/* wit_resolve_world.c */
struct tvn_wit_world_items {
    TVN_VEC(struct tvn_world_item) list;
    struct tvn_map *interfaces; /* pointer bytes → index + 1: interfaces named by their id */
    struct tvn_map *names;      /* canonical plain name → struct tvn_ast_name */
};
bool tvn_wit_resolve_world(struct tvn_wit_resolver *resolver, struct tvn_wit_entry *entry);
bool tvn_wit_world_has(const struct tvn_wit_world_items *items,
                       const struct tvn_interface *interface);
/* Its index + 1, 0 when it is not there. */
size_t tvn_wit_world_place(const struct tvn_wit_world_items *items,
                           const struct tvn_interface *interface);
bool tvn_wit_world_push(struct tvn_wit_resolver *resolver, struct tvn_wit_world_items *items,
                        const struct tvn_world_item *item);

/* wit_resolve_elaborate.c */
bool tvn_wit_elaborate_world(struct tvn_wit_resolver *resolver, const struct tvn_wit_entry *entry,
                             const struct tvn_wit_world_items *imports,
                             const struct tvn_wit_world_items *exports, struct tvn_world *world);
