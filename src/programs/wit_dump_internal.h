/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A resolved set of WIT packages as numbered lists of worlds, interfaces, types and packages that
 * refer to each other by index, and their JSON.
 *
 * Memory: the lists are the dump's; what they point at belongs to the tvn_wit.
 */
#include "base/map.h"
#include "base/vec.h"
#include "contracts/wit.h"

#define TVN_DUMP_ITEMS_MAX ((size_t)1 << 24)

/* What an interface or a world calls its types; ids are consecutive from first_type on. */
struct tvn_dump_scope {
    const struct tvn_type_item **items;
    size_t count;
    size_t first_type;
    struct tvn_map *by_identity; /* pointer of a type or resource → item number + 1 */
    struct tvn_map *by_name;     /* → item number + 1 */
    bool is_world;
    size_t owner; /* number of the interface or world */
};

struct tvn_dump_interface {
    const struct tvn_interface *model;
    size_t package;
    bool is_inline;
    struct tvn_dump_scope *scope;
};

struct tvn_dump_world {
    const struct tvn_world *model;
    size_t package;
    size_t first_inline; /* its inline interfaces: imports, then exports */
    struct tvn_dump_scope *scope;
};

/* A type without a name, numbered when something first refers to it. */
struct tvn_dump_anonymous {
    const struct tvn_type *type;
    const struct tvn_dump_scope *scope;
};

struct tvn_dump {
    const struct tvn_wit *wit;
    TVN_VEC(struct tvn_dump_world) worlds;
    TVN_VEC(struct tvn_dump_interface) interfaces;
    TVN_VEC(struct tvn_dump_scope *) scopes;
    TVN_VEC(struct tvn_dump_anonymous) anonymous;
    struct tvn_map *interface_numbers; /* pointer → number + 1 */
    struct tvn_map *defined;           /* pointer of a named type or resource → id + 1 */
    size_t type_count;                 /* of named ones */
    bool failed;                       /* memory */
};

/* COLD PATH. Numbers everything that has a name; dump->failed says whether memory sufficed. */
void tvn_dump_init(struct tvn_dump *dump, const struct tvn_wit *wit);
void tvn_dump_deinit(struct tvn_dump *dump);
/* The number of a type as `scope` refers to it; a type without a name gets one. */
size_t tvn_dump_type_id(struct tvn_dump *dump, const struct tvn_dump_scope *scope,
                        const struct tvn_type *type);
/* What `scope` calls the resource that a handle names (`name` may be empty). */
size_t tvn_dump_resource_id(const struct tvn_dump *dump, const struct tvn_dump_scope *scope,
                            const struct tvn_resource *resource, struct tvn_str name);
size_t tvn_dump_interface_number(const struct tvn_dump *dump, const struct tvn_interface *model);
/* The type that a `use` names. */
size_t tvn_dump_used_id(const struct tvn_dump *dump, const struct tvn_type_item *item);

/* The JSON of everything (wit_dump_json.c). */
void tvn_dump_write_json(struct tvn_dump *dump, struct tvn_strbuf *out);
