/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The types of a core module's imports and exports, read without compiling anything: the engine
 * shows them only after compilation, and checking a component must not need it.
 *
 * Reads the sections that types depend on and skips the others; code is validated by the engine.
 */
#include "component/definition.h"
#include "component/names_internal.h"
#include "component/reader_internal.h"

/* A module's type with the orders for searching it; also the exports of a core instance. */
struct tvn_core_module_index {
    struct tvn_core_module_type type;
    const uint32_t *import_order; /* by module and name */
    const uint32_t *export_order; /* by name */
};

/* The types that function and tag types may name. */
struct tvn_core_types {
    const struct tvn_core_func_type *const *items; /* NULL: not a function type */
    uint32_t count;
};

#define TVN_CORE_OPCODE_FUNC 0x60

// COLD PATH. Reads a whole core module (the reader covers exactly its bytes). E0211, E0213.
TVN_NODISCARD enum tvn_status tvn_core_module_read(struct tvn_reader *reader,
                                                   const struct tvn_core_module_index **out_index);
/* A function type after its opcode. */
TVN_NODISCARD enum tvn_status tvn_core_func_type_read(struct tvn_reader *reader,
                                                      const struct tvn_core_func_type **out_type);
/* What an import or a module type says of an item: kind and type. Names are left alone. */
TVN_NODISCARD enum tvn_status tvn_core_extern_read(struct tvn_reader *reader,
                                                   const struct tvn_core_types *types,
                                                   struct tvn_core_extern *out_extern);
/* The type alone, of an item of the kind that `item` says. */
TVN_NODISCARD enum tvn_status tvn_core_extern_type_read(struct tvn_reader *reader,
                                                        const struct tvn_core_types *types,
                                                        struct tvn_core_extern *item);
/* Builds the orders; E0211 for names that are there twice. */
TVN_NODISCARD enum tvn_status
tvn_core_module_index_create(struct tvn_decode_context *context,
                             const struct tvn_core_module_type *type, uint32_t offset,
                             const struct tvn_core_module_index **out_index);

/* NULL when there is none. */
const struct tvn_core_extern *tvn_core_module_find_export(const struct tvn_core_module_index *index,
                                                          struct tvn_str name);
const struct tvn_core_extern *tvn_core_module_find_import(const struct tvn_core_module_index *index,
                                                          struct tvn_str module,
                                                          struct tvn_str name);

/* May `actual` stand where `expected` is asked for? (Core WebAssembly's import matching.) */
bool tvn_core_extern_matches(const struct tvn_core_extern *actual,
                             const struct tvn_core_extern *expected);
bool tvn_core_func_type_equal(const struct tvn_core_func_type *a,
                              const struct tvn_core_func_type *b);
/* "func", "table" … */
const char *tvn_core_extern_kind_name(enum tvn_core_extern_kind kind);
/* "(i32, i64) -> i32" */
void tvn_core_func_type_print(const struct tvn_core_func_type *type, struct tvn_strbuf *out);
