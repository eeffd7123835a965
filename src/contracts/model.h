/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Packages, interfaces and worlds: what WIT text resolves to and what a component binary imports
 * and exports.
 *
 * Memory: lives in the arena of its document; read-only once built.
 */
#include "base/diag.h"
#include "contracts/type.h"

/* "0.2.0-rc.1+build": valid false when there is no version. */
struct tvn_semver {
    uint32_t major;
    uint32_t minor;
    uint32_t patch;
    struct tvn_str pre;   /* without '-' */
    struct tvn_str build; /* without '+' */
    bool valid;
};

/* namespace:name@version. */
struct tvn_package_id {
    struct tvn_str namespace_name;
    struct tvn_str name;
    struct tvn_semver version;
};

/* What stands before an item: @since, @unstable, @deprecated, @external-id. */
struct tvn_attributes {
    struct tvn_semver since;      /* valid false: none */
    struct tvn_semver deprecated; /* valid false: none */
    struct tvn_str unstable;      /* the feature's name; len 0: none */
    struct tvn_str external_id;   /* ptr NULL: none */
};

enum tvn_func_kind { TVN_FUNC_FREE, TVN_FUNC_METHOD, TVN_FUNC_STATIC, TVN_FUNC_CONSTRUCTOR };

/* `x: get() -> t` and `x: set(value: t)`: named "[get]x" and "[set]x" in a binary. */
enum tvn_func_accessor { TVN_FUNC_PLAIN, TVN_FUNC_GETTER, TVN_FUNC_SETTER };

struct tvn_func {
    /* As in a binary: "pull", "[method]buffer.read", "[constructor]x", "[static]x.y". */
    struct tvn_str name;
    struct tvn_str item_name; /* the last part: "read"; "" for a constructor */
    enum tvn_func_kind kind;
    const struct tvn_resource *resource; /* of a method, static or constructor */
    struct tvn_func_type type;           /* a method's first parameter is self: borrow<resource> */
    const char *docs;
    struct tvn_span span;
    enum tvn_func_accessor accessor;
    const struct tvn_attributes *attributes; /* NULL: none */
};

/* A name in an interface's (or world's) scope that stands for a type. */
enum tvn_type_item_kind {
    TVN_TYPE_ITEM_DEFINED, /* record, variant, … declared here, or `type a = …` */
    /* A resource declared here, or another name for one that the scope has already (`type a = r`).
     */
    TVN_TYPE_ITEM_RESOURCE,
    TVN_TYPE_ITEM_USED, /* `use other.{name as this}` */
};
struct tvn_type_item {
    enum tvn_type_item_kind kind;
    struct tvn_str name;
    const struct tvn_type *type;           /* DEFINED; USED of a value type */
    const struct tvn_resource *resource;   /* RESOURCE; USED of a resource */
    const struct tvn_interface *used_from; /* USED */
    struct tvn_str used_name;              /* USED: its name there; RESOURCE that is another name:
                                              for what, in this scope */
    const char *docs;
    struct tvn_span span;
    const struct tvn_attributes *attributes; /* NULL: none */
};

struct tvn_interface {
    struct tvn_package_id package; /* namespace_name.len == 0: inline in a world or unnamed */
    struct tvn_str name; /* "types"; for an inline interface the name of the import or export */
    struct tvn_str id;   /* "torvyn:streaming/types@0.1.0"; the plain name when inline */
    const struct tvn_type_item *types;
    size_t type_count;
    const struct tvn_func *funcs;
    size_t func_count;
    const char *docs;
    struct tvn_span span;
    const struct tvn_attributes *attributes; /* NULL: none */
};

enum tvn_world_item_kind { TVN_WORLD_INTERFACE, TVN_WORLD_FUNC, TVN_WORLD_TYPE };
struct tvn_world_item {
    enum tvn_world_item_kind kind;
    struct tvn_str name;                   /* interface id, function name or type name */
    const struct tvn_interface *interface; /* INTERFACE */
    const struct tvn_func *func;           /* FUNC */
    const struct tvn_type_item *type;      /* TYPE */
    const char *docs;
    struct tvn_span span;
    const struct tvn_attributes *attributes; /* NULL: none */
};

struct tvn_world {
    struct tvn_package_id package;
    struct tvn_str name;
    const struct tvn_world_item *imports;
    size_t import_count;
    const struct tvn_world_item *exports;
    size_t export_count;
    const char *docs;
    struct tvn_span span;
    const struct tvn_attributes *attributes; /* NULL: none */
};

struct tvn_package {
    struct tvn_package_id id;
    const struct tvn_interface *const *interfaces;
    size_t interface_count;
    const struct tvn_world *const *worlds;
    size_t world_count;
    const char *docs;
};

const struct tvn_type_item *tvn_interface_find_type(const struct tvn_interface *interface,
                                                    struct tvn_str name);
const struct tvn_func *tvn_interface_find_func(const struct tvn_interface *interface,
                                               struct tvn_str name);
const struct tvn_interface *tvn_package_find_interface(const struct tvn_package *package,
                                                       struct tvn_str name);
const struct tvn_world *tvn_package_find_world(const struct tvn_package *package,
                                               struct tvn_str name);

/* Parses "1.2.3-pre+build" strictly. */
TVN_NODISCARD bool tvn_semver_parse(struct tvn_str text, struct tvn_semver *out_version);
/* -1, 0, 1 by precedence (build ignored). */
int tvn_semver_compare(const struct tvn_semver *a, const struct tvn_semver *b);
/* Same major and, at major 0, the same minor (the ecosystem's rule, for wasi:*). */
bool tvn_semver_same_track(const struct tvn_semver *a, const struct tvn_semver *b);
/* Splits "ns:pkg/name@1.2.3" (also without version). False when it is not of that form. The views
 * point into `id`. */
TVN_NODISCARD bool tvn_interface_id_parse(struct tvn_str id, struct tvn_package_id *out_package,
                                          struct tvn_str *out_name);
/* "1.2.3-pre+build", "ns:pkg@1.2.3" and "ns:pkg/name@1.2.3". */
void tvn_semver_print(const struct tvn_semver *version, struct tvn_strbuf *out);
void tvn_package_id_print(const struct tvn_package_id *id, struct tvn_strbuf *out);
void tvn_interface_id_print(const struct tvn_package_id *package, struct tvn_str name,
                            struct tvn_strbuf *out);
