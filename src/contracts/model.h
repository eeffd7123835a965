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

enum tvn_func_kind { TVN_FUNC_FREE, TVN_FUNC_METHOD, TVN_FUNC_STATIC, TVN_FUNC_CONSTRUCTOR };

struct tvn_func {
    struct tvn_str
        name; /* as in a binary: "pull", "[method]buffer.read", "[constructor]x", "[static]x.y" */
    struct tvn_str item_name; /* the last part: "read"; "" for a constructor */
    enum tvn_func_kind kind;
    const struct tvn_resource *resource; /* of a method, static or constructor */
    struct tvn_func_type type;           /* a method's first parameter is self: borrow<resource> */
    const char *docs;
    struct tvn_span span;
};

/* A name in an interface's (or world's) scope that stands for a type. */
enum tvn_type_item_kind {
    TVN_TYPE_ITEM_DEFINED,  /* record, variant, … declared here, or `type a = …` */
    TVN_TYPE_ITEM_RESOURCE, /* a resource declared here */
    TVN_TYPE_ITEM_USED,     /* `use other.{name as this}` */
};
struct tvn_type_item {
    enum tvn_type_item_kind kind;
    struct tvn_str name;
    const struct tvn_type *type;           /* DEFINED; USED of a value type */
    const struct tvn_resource *resource;   /* RESOURCE; USED of a resource */
    const struct tvn_interface *used_from; /* USED */
    struct tvn_str used_name;              /* USED: its name there */
    const char *docs;
    struct tvn_span span;
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
