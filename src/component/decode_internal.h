/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The state of decoding and the functions that its files share.
 *
 * A document is read once, front to back; each definition is validated as it is read, against the
 * index spaces that the ones before it filled. One scope per component, component type or instance
 * type being read; scopes nest at most TVN_COMPONENT_NESTING_MAX deep.
 *
 * Memory: results in the document's arena; a scope's own growing arrays on the heap, freed with it.
 */
#include "base/vec.h"
#include "component/core_reader_internal.h"
#include "component/limits.h"
#include "component/types_internal.h"

struct tvn_map;

struct tvn_custom_section {
    struct tvn_str name;
    struct tvn_str bytes;
};

struct tvn_decoder {
    struct tvn_decode_context context;
    TVN_VEC(struct tvn_core_module) modules;
    TVN_VEC(struct tvn_custom_section) custom_sections; /* of the root */
    uint32_t resource_count;
};

/* An item of an index space. */
struct tvn_slot {
    struct tvn_extern type;                            /* component-level sorts, core modules */
    const struct tvn_core_extern *core;                /* core func, table, memory, global, tag */
    const struct tvn_core_module_index *core_module;   /* core module */
    const struct tvn_core_module_index *core_instance; /* core instance: its exports */
    const struct tvn_core_func_type *core_func_type;   /* core type: one of the two */
    const struct tvn_core_module_index *core_module_type;
    uint32_t def; /* in a component: number of the definition that made it */
};

enum tvn_scope_kind { TVN_SCOPE_COMPONENT, TVN_SCOPE_COMPONENT_TYPE, TVN_SCOPE_INSTANCE_TYPE };

/* What has been imported (exported) so far in a scope. */
struct tvn_scope_side {
    TVN_VEC(struct tvn_extern_item) items;
    TVN_VEC(const struct tvn_resource *) fresh;
    struct tvn_map *names;          /* for uniqueness */
    struct tvn_map *resources;      /* name of an imported (exported) resource → the resource */
    struct tvn_pointer_map visible; /* types and resource identities that have a name here */
};

struct tvn_scope {
    struct tvn_decoder *decoder;
    struct tvn_decode_context *context; /* the decoder's */
    struct tvn_scope *parent;
    enum tvn_scope_kind kind;
    uint32_t depth;
    TVN_VEC(struct tvn_slot) spaces[TVN_SORT_COUNT];
    TVN_VEC(struct tvn_def) defs;              /* COMPONENT */
    struct tvn_definition *definition;         /* COMPONENT */
    struct tvn_pointer_map local_resources;    /* COMPONENT: resources defined here */
    struct tvn_pointer_map declared_resources; /* in the imports or exports so far */
    uint32_t core_instantiations;              /* COMPONENT */
    struct tvn_scope_side imports;
    struct tvn_scope_side exports;
};

/* In decode_scope.c. */

TVN_NODISCARD enum tvn_status tvn_scope_init(struct tvn_scope *scope, struct tvn_decoder *decoder,
                                             struct tvn_scope *parent, enum tvn_scope_kind kind,
                                             uint32_t offset);
void tvn_scope_deinit(struct tvn_scope *scope);
TVN_DEFINE_CLEANUP_VALUE(tvn_scope, tvn_scope_deinit)

TVN_NODISCARD enum tvn_status tvn_scope_add(struct tvn_scope *scope, enum tvn_sort sort,
                                            const struct tvn_slot *slot, uint32_t offset);
/* Adds an item and, in a component, the definition that makes it. `def` says kind, sort and `of`.
 */
TVN_NODISCARD enum tvn_status tvn_scope_define(struct tvn_scope *scope, const struct tvn_def *def,
                                               const struct tvn_slot *slot, uint32_t offset);
/* E0211 when the index is out of bounds. The slot is valid until the next item is added. */
TVN_NODISCARD enum tvn_status tvn_scope_get(const struct tvn_scope *scope, enum tvn_sort sort,
                                            uint32_t index, uint32_t offset,
                                            const struct tvn_slot **out_slot);
/* Reads an index and looks it up. */
TVN_NODISCARD enum tvn_status tvn_scope_read(struct tvn_scope *scope, struct tvn_reader *reader,
                                             enum tvn_sort sort, uint32_t *out_index,
                                             const struct tvn_slot **out_slot);
/* Reads a type index that must be of one kind; `what` for the message ("an instance type"). */
TVN_NODISCARD enum tvn_status tvn_scope_read_type(struct tvn_scope *scope,
                                                  struct tvn_reader *reader,
                                                  enum tvn_extern_kind kind,
                                                  struct tvn_extern *out_type);
TVN_NODISCARD enum tvn_status tvn_resource_create(struct tvn_decoder *decoder, struct tvn_str name,
                                                  const struct tvn_resource **out_resource);
/* A new name identity, another one for `of` (may be NULL). NULL: reported. */
TVN_NODISCARD const struct tvn_name_identity *
tvn_identity_create(struct tvn_decode_context *context, const struct tvn_name_identity *of);
/* Copies of growing arrays in the arena. */
TVN_NODISCARD enum tvn_status tvn_scope_items(struct tvn_scope *scope,
                                              const struct tvn_scope_side *side,
                                              const struct tvn_extern_item **out_items,
                                              uint32_t *out_count);
TVN_NODISCARD enum tvn_status tvn_scope_fresh(struct tvn_scope *scope,
                                              const struct tvn_scope_side *side,
                                              struct tvn_resource_list *out_list);
/* Reads a sort (one or two bytes). */
TVN_NODISCARD enum tvn_status tvn_sort_read(struct tvn_reader *reader, enum tvn_sort *out_sort);
TVN_NODISCARD enum tvn_status tvn_core_sort_read(struct tvn_reader *reader,
                                                 enum tvn_sort *out_sort);
/* The sort of an item of that type. */
enum tvn_sort tvn_extern_sort(enum tvn_extern_kind kind);

/* One function per kind of definition; each reads one item of its section. */

TVN_NODISCARD enum tvn_status tvn_decode_component(struct tvn_decoder *decoder,
                                                   struct tvn_scope *parent,
                                                   struct tvn_reader *reader,
                                                   const struct tvn_definition **out_definition,
                                                   const struct tvn_component_type **out_type);
TVN_NODISCARD enum tvn_status tvn_decode_core_type(struct tvn_scope *scope,
                                                   struct tvn_reader *reader);
TVN_NODISCARD enum tvn_status tvn_decode_type(struct tvn_scope *scope, struct tvn_reader *reader);
TVN_NODISCARD enum tvn_status tvn_decode_alias(struct tvn_scope *scope, struct tvn_reader *reader);
TVN_NODISCARD enum tvn_status tvn_decode_core_instance(struct tvn_scope *scope,
                                                       struct tvn_reader *reader);
TVN_NODISCARD enum tvn_status tvn_decode_instance(struct tvn_scope *scope,
                                                  struct tvn_reader *reader);
TVN_NODISCARD enum tvn_status tvn_decode_canon(struct tvn_scope *scope, struct tvn_reader *reader);
TVN_NODISCARD enum tvn_status tvn_decode_import(struct tvn_scope *scope, struct tvn_reader *reader);
TVN_NODISCARD enum tvn_status tvn_decode_export(struct tvn_scope *scope, struct tvn_reader *reader);
/* An export declared in a component or instance type. */
TVN_NODISCARD enum tvn_status tvn_decode_export_declaration(struct tvn_scope *scope,
                                                            struct tvn_reader *reader);

/*
 * In decode_shim.c: notes the late functions (definition.h) among the definitions of a component
 * that has been read. E0213 or E0005 for want of memory only.
 */
TVN_NODISCARD enum tvn_status tvn_decode_shim(struct tvn_scope *scope, struct tvn_def *defs,
                                              uint32_t def_count);

/* In decode_types.c. */

TVN_NODISCARD enum tvn_status tvn_decode_value_type(struct tvn_scope *scope,
                                                    struct tvn_reader *reader,
                                                    const struct tvn_type **out_type);

/* In decode_externs.c. */

/* A name with its attributes. */
TVN_NODISCARD enum tvn_status tvn_decode_extern_name(struct tvn_scope *scope,
                                                     struct tvn_reader *reader,
                                                     struct tvn_extern_name *out_name,
                                                     bool *out_implements);
/* `implements` goes with instances of plain names only. */
TVN_NODISCARD enum tvn_status tvn_check_implements(struct tvn_decode_context *context,
                                                   const struct tvn_extern_name *name,
                                                   enum tvn_extern_kind kind, uint32_t offset);
/* In validate_names.c. */

/*
 * Checks a name against those before it and, for [method] and its like, against the item's type;
 * then adds it. `resources` NULL: no resource has a name here, as in a bag of exports.
 */
TVN_NODISCARD enum tvn_status
tvn_check_extern_name(struct tvn_decode_context *context, struct tvn_map *names,
                      struct tvn_map *resources, const struct tvn_extern_name *name,
                      const struct tvn_extern *type, uint32_t offset, const char *what);

/* In validate_visible.c. */

/*
 * Every record, variant, enum, flags and resource type that `type` mentions must have been imported
 * (for an export: or exported) itself, else E0211: whoever uses the component has no name for it
 * otherwise. Instance types put that off until they are used; component types do not.
 */
TVN_NODISCARD enum tvn_status tvn_check_visible(struct tvn_scope *scope,
                                                const struct tvn_extern *type, bool is_import,
                                                struct tvn_str name, uint32_t offset);
/* From now on `type`, or the types that this instance exports, have a name. */
TVN_NODISCARD enum tvn_status tvn_make_visible(struct tvn_scope *scope,
                                               const struct tvn_extern *type, bool is_import,
                                               uint32_t offset);

/* In validate_match.c. */

/*
 * May `actual` be given where `expected` is asked for? Open resources (those that expected's side
 * declares) are bound in `substitution` to what actual has in their place, and so are the value
 * types that expected's side names. E0211 with the reason.
 */
struct tvn_match {
    struct tvn_substitution *substitution;
    struct tvn_pointer_map open; /* resources that may be bound */
    const char *what;            /* what `name` names: "instantiation argument" */
    struct tvn_str name;
    uint32_t offset;
    uint32_t depth;
};
TVN_NODISCARD enum tvn_status tvn_match_open(struct tvn_match *match,
                                             struct tvn_resource_list list);
TVN_NODISCARD enum tvn_status tvn_match_extern(struct tvn_match *match,
                                               const struct tvn_extern *actual,
                                               const struct tvn_extern *expected);

/* Instantiating types. */

/* The type with new resources in place of those that it declares. */
TVN_NODISCARD enum tvn_status tvn_freshen_instance(struct tvn_decoder *decoder, uint32_t offset,
                                                   const struct tvn_instance_type *type,
                                                   const struct tvn_instance_type **out_type);

/* Does it mention resources that it does not declare itself? */
TVN_NODISCARD enum tvn_status tvn_has_free_resources(struct tvn_decode_context *context,
                                                     const struct tvn_extern *type, uint32_t offset,
                                                     bool *out_free);
