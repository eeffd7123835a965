/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Component-level types while they are being decoded.
 *
 * Every type that the decoder makes is the public struct plus what validation needs, so the private
 * part is found from the public pointer. Types are immutable but for names and owners, which the
 * world fills in at the end.
 *
 * Identity. Resource types are equal by tvn_resource. Whether a type may appear in an import or an
 * export depends on something finer: which import or export named it. A value type's identity in
 * that sense is its address (an import or export makes a renamed copy); a resource's is
 * tvn_extern.name_identity, which handle types keep.
 *
 * Memory: the document's arena.
 */
#include "component/definition.h"
#include "component/names_internal.h"
#include "component/pointer_map_internal.h"
#include "component/reader_internal.h"

/* Made by every definition, import and export of a resource type. */
struct tvn_name_identity {
    const struct tvn_name_identity *of; /* what it renames, or NULL */
};

struct tvn_value_type {
    struct tvn_type type;
    const struct tvn_name_identity *name_identity; /* OWN, BORROW */
    uint64_t wide_size;                            /* bytes in a memory with 64-bit addresses */
    uint32_t wide_align;
    uint32_t nodes;  /* when written out */
    uint32_t height; /* of the tree of parts and renamed types: how deep a walk of both recurses */
};

struct tvn_function_type {
    struct tvn_func_type type;
    uint32_t nodes;
    bool has_handle;
};

/* Resources that a type declares: replaced by others wherever the type is used. */
struct tvn_resource_list {
    const struct tvn_resource *const *items;
    uint32_t count;
};

struct tvn_interface_type {
    struct tvn_instance_type type;
    const uint32_t *order; /* of the exports, by name */
    struct tvn_resource_list fresh;
    uint32_t nodes;
};

struct tvn_signature {
    struct tvn_component_type type;
    const uint32_t *import_order;
    const uint32_t *export_order;
    struct tvn_resource_list import_fresh; /* what an instantiation must supply */
    struct tvn_resource_list export_fresh; /* what an instantiation makes */
    uint32_t nodes;
};

/* The private part. Value types: NULL for a primitive. */
const struct tvn_value_type *tvn_value_type_of(const struct tvn_type *type);
const struct tvn_function_type *tvn_function_type_of(const struct tvn_func_type *type);
const struct tvn_interface_type *tvn_interface_type_of(const struct tvn_instance_type *type);
const struct tvn_signature *tvn_signature_of(const struct tvn_component_type *type);
uint32_t tvn_value_type_nodes(const struct tvn_type *type);
uint32_t tvn_extern_nodes(const struct tvn_extern *item);

/* E0213 for a type that is too large, E0211 for one that is not well-formed. */
TVN_NODISCARD enum tvn_status tvn_value_type_create(struct tvn_decode_context *context,
                                                    uint32_t offset,
                                                    const struct tvn_type_spec *spec,
                                                    const struct tvn_name_identity *name_identity,
                                                    const struct tvn_type **out_type);
/* map<key, value>: a list of pairs. */
TVN_NODISCARD enum tvn_status tvn_map_type_create(struct tvn_decode_context *context,
                                                  uint32_t offset, const struct tvn_type *key,
                                                  const struct tvn_type *value,
                                                  const struct tvn_type **out_type);
TVN_NODISCARD enum tvn_status tvn_value_type_rename(struct tvn_decode_context *context,
                                                    uint32_t offset, const struct tvn_type *type,
                                                    struct tvn_str name,
                                                    const struct tvn_type **out_type);
TVN_NODISCARD enum tvn_status tvn_function_type_create(struct tvn_decode_context *context,
                                                       uint32_t offset,
                                                       const struct tvn_func_type *type,
                                                       const struct tvn_func_type **out_type);
/* The names are unique already. */
TVN_NODISCARD enum tvn_status tvn_interface_type_create(struct tvn_decode_context *context,
                                                        uint32_t offset,
                                                        const struct tvn_instance_type *type,
                                                        struct tvn_resource_list fresh,
                                                        const struct tvn_instance_type **out_type);
TVN_NODISCARD enum tvn_status tvn_signature_create(struct tvn_decode_context *context,
                                                   uint32_t offset,
                                                   const struct tvn_component_type *type,
                                                   struct tvn_resource_list import_fresh,
                                                   struct tvn_resource_list export_fresh,
                                                   const struct tvn_component_type **out_type);
/* NULL when there is none. */
const struct tvn_extern_item *tvn_signature_find_import(const struct tvn_component_type *type,
                                                        struct tvn_str name);
const struct tvn_extern_item *tvn_signature_find_export(const struct tvn_component_type *type,
                                                        struct tvn_str name);

/*
 * A substitution: types and resources that stand for others. What does not change is shared.
 * Results are remembered in the map, so that shared parts stay shared.
 */
struct tvn_substitution {
    struct tvn_decode_context *context;
    uint32_t offset; /* for errors */
    struct tvn_pointer_map map;
};
void tvn_substitution_init(struct tvn_substitution *substitution,
                           struct tvn_decode_context *context, uint32_t offset);
void tvn_substitution_deinit(struct tvn_substitution *substitution);
TVN_DEFINE_CLEANUP_VALUE(tvn_substitution, tvn_substitution_deinit)

/* `to` stands for `from` from now on; both are types of one kind, resources or identities. */
TVN_NODISCARD enum tvn_status tvn_substitution_add(struct tvn_substitution *substitution,
                                                   const void *from, const void *to);
TVN_NODISCARD enum tvn_status tvn_substitute_type(struct tvn_substitution *substitution,
                                                  const struct tvn_type *type,
                                                  const struct tvn_type **out_type);
TVN_NODISCARD enum tvn_status tvn_substitute_func(struct tvn_substitution *substitution,
                                                  const struct tvn_func_type *type,
                                                  const struct tvn_func_type **out_type);
TVN_NODISCARD enum tvn_status tvn_substitute_extern(struct tvn_substitution *substitution,
                                                    const struct tvn_extern *item,
                                                    struct tvn_extern *out_item);
/* The resource that stands for it, or itself. */
const struct tvn_resource *tvn_substitute_resource(const struct tvn_substitution *substitution,
                                                   const struct tvn_resource *resource);

/* "func", "resource type" … for messages. */
const char *tvn_extern_kind_name(enum tvn_extern_kind kind);
bool tvn_extern_is_type(enum tvn_extern_kind kind);
