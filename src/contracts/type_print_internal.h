/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Printing types with the names that one scope (interface or world) gives them. */
#include "contracts/type.h"

/* What the scope calls a type (len 0: print it in full) or the resource of a handle. */
struct tvn_type_names {
    struct tvn_str (*of_type)(void *context, const struct tvn_type *type);
    struct tvn_str (*of_resource)(void *context, const struct tvn_type *handle);
    void *context;
};

/* names NULL: every type and resource by its own name. */
void tvn_type_print_reference(const struct tvn_type_names *names, const struct tvn_type *type,
                              struct tvn_strbuf *out);
/* What the type consists of, whatever its name. */
void tvn_type_print_body(const struct tvn_type_names *names, const struct tvn_type *type,
                         struct tvn_strbuf *out);
/* "(offset: u64) -> u32" without the first `first_param` parameters. */
void tvn_func_type_print_named(const struct tvn_type_names *names, const struct tvn_func_type *type,
                               uint32_t first_param, bool with_result, struct tvn_strbuf *out);
