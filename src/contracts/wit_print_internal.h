/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Printing the model as WIT. Whatever goes wrong (memory, the buffer's maximum) sets out->failed
 * and ends early.
 */
#include "base/map.h"
#include "contracts/model.h"

/* What one interface or world calls its types and resources, and which functions belong to which
 * resource. */
struct tvn_wit_names {
    struct tvn_map *items;     /* pointer of a type or resource → struct tvn_type_item */
    struct tvn_map *by_name;   /* what the scope calls its types → struct tvn_type_item */
    struct tvn_map *resources; /* pointer of a resource → place of its first function, + 1 */
    const struct tvn_func **funcs;
    size_t *next_funcs; /* per function: place of the resource's next one, + 1 */
};

struct tvn_wit_printer {
    struct tvn_strbuf *out;
    unsigned indent;
    const struct tvn_package_id
        *package; /* its interfaces go by their plain names; NULL: none do */
    const struct tvn_wit_names *names;
};

/* wit_print_names.c */
bool tvn_wit_names_init(struct tvn_wit_names *names, const struct tvn_type_item *const *types,
                        size_t type_count, const struct tvn_func *const *funcs, size_t func_count);
void tvn_wit_names_deinit(struct tvn_wit_names *names);
/* The item is another name for a resource that the scope has under `*out_first`. */
bool tvn_wit_names_is_alias(const struct tvn_wit_names *names, const struct tvn_type_item *item,
                            struct tvn_str *out_first);
/* Functions of a resource: start with place 0; NULL at the end. */
const struct tvn_func *tvn_wit_names_method(const struct tvn_wit_names *names,
                                            const struct tvn_resource *resource, size_t *place);
void tvn_wit_print_type_reference(const struct tvn_wit_printer *printer,
                                  const struct tvn_type *type);
void tvn_wit_print_type_body(const struct tvn_wit_printer *printer, const struct tvn_type *type);
void tvn_wit_print_signature(const struct tvn_wit_printer *printer, const struct tvn_func *func);

/* wit_print.c */
void tvn_wit_print_line_start(const struct tvn_wit_printer *printer);
void tvn_wit_print_docs(const struct tvn_wit_printer *printer, const char *docs);
void tvn_wit_print_attributes(const struct tvn_wit_printer *printer,
                              const struct tvn_attributes *attributes);
/* "types" within its own package, else "ns:pkg/types@1.0.0". */
void tvn_wit_print_path(const struct tvn_wit_printer *printer,
                        const struct tvn_interface *interface);
/* `use` of as many of the items as come from one interface; returns how many. */
size_t tvn_wit_print_use(const struct tvn_wit_printer *printer,
                         const struct tvn_type_item *const *items, size_t count);
/* A type of the scope, with documentation and, for a resource, its functions. */
void tvn_wit_print_type_item(const struct tvn_wit_printer *printer,
                             const struct tvn_type_item *item);
/* "func(a: u32)", "async func()", "static get() -> u8" */
void tvn_wit_print_func_type(const struct tvn_wit_printer *printer, const struct tvn_func *func);
/* Everything between the braces. */
void tvn_wit_print_interface_body(const struct tvn_wit_printer *printer,
                                  const struct tvn_interface *interface);
void tvn_wit_print_interface_item(const struct tvn_wit_printer *printer,
                                  const struct tvn_interface *interface);
