/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the decoder makes of a component binary and what instantiation walks: the definitions of one
 * component in order, every index resolved and typed. Nested components are definitions of their
 * own.
 *
 * Each definition adds one item to the index space of its sort (an export adds one too). All
 * indices below are into the index spaces of the component that holds the definition.
 *
 * Memory: the document's arena; read-only once decoded. `bytes` of the document outlive it.
 * Limits: component/limits.h.
 */
#include "contracts/model.h"

#include <stdint.h>

enum tvn_sort {
    TVN_SORT_CORE_FUNC,
    TVN_SORT_CORE_TABLE,
    TVN_SORT_CORE_MEMORY,
    TVN_SORT_CORE_GLOBAL,
    TVN_SORT_CORE_TAG,
    TVN_SORT_CORE_TYPE,
    TVN_SORT_CORE_MODULE,
    TVN_SORT_CORE_INSTANCE,
    TVN_SORT_FUNC,
    TVN_SORT_VALUE, /* refused: not in WASI 0.2-era tools */
    TVN_SORT_TYPE,
    TVN_SORT_COMPONENT,
    TVN_SORT_INSTANCE,
    TVN_SORT_COUNT,
};
const char *tvn_sort_name(enum tvn_sort sort); /* "core func", "instance" */

struct tvn_name_identity;
struct tvn_component_type;
struct tvn_instance_type;
struct tvn_core_module_type;

/* ---- core types, read by our own reader of a module's type, import, function and export sections
 * ---- */

enum tvn_core_extern_kind {
    TVN_CORE_EXTERN_FUNC,
    TVN_CORE_EXTERN_TABLE,
    TVN_CORE_EXTERN_MEMORY,
    TVN_CORE_EXTERN_GLOBAL,
    TVN_CORE_EXTERN_TAG,
};

/* Value types as in the binary: 0x7f i32, 0x7e i64, 0x7d f32, 0x7c f64, 0x7b v128, 0x70 funcref,
 * 0x6f externref. */
struct tvn_core_func_type {
    const uint8_t *params;
    uint32_t param_count;
    const uint8_t *results;
    uint32_t result_count;
};

struct tvn_core_extern {
    struct tvn_str module; /* imports only */
    struct tvn_str name;
    enum tvn_core_extern_kind kind;
    const struct tvn_core_func_type *func; /* FUNC, TAG */
    uint8_t value_type;                    /* TABLE: element type; GLOBAL: content type */
    bool is_mutable;                       /* GLOBAL */
    bool has_max;                          /* TABLE, MEMORY */
    bool is_shared;                        /* MEMORY */
    bool is_64;                            /* MEMORY, TABLE */
    uint32_t index;                        /* a module's exports only: in its own index space */
    uint64_t min;                          /* TABLE, MEMORY */
    uint64_t max;
};

/* What a module consists of, by its bytes; see struct tvn_late_func. */
enum tvn_core_shape {
    TVN_CORE_SHAPE_OTHER,
    TVN_CORE_SHAPE_SHIM,
    TVN_CORE_SHAPE_FIXUPS,
    TVN_CORE_SHAPE_FIXUPS_THAT_START, /* they call one more import when the table is filled */
};

struct tvn_core_module_type {
    const struct tvn_core_extern *imports;
    uint32_t import_count;
    const struct tvn_core_extern *exports;
    uint32_t export_count;
    enum tvn_core_shape shape;
};

/* ---- component-level types ---- */

enum tvn_extern_kind {
    TVN_EXTERN_CORE_MODULE,
    TVN_EXTERN_FUNC,
    TVN_EXTERN_VALUE_TYPE, /* a type that is a value type */
    TVN_EXTERN_RESOURCE,   /* a type that is a resource (sub or eq bound) */
    TVN_EXTERN_FUNC_TYPE,  /* a type that is a function, component or instance type */
    TVN_EXTERN_COMPONENT_TYPE,
    TVN_EXTERN_INSTANCE_TYPE,
    TVN_EXTERN_COMPONENT,
    TVN_EXTERN_INSTANCE,
};

/* The type of an import, an export or an item of an index space. */
struct tvn_extern {
    enum tvn_extern_kind kind;
    union {
        const struct tvn_core_module_type *core_module;
        const struct tvn_func_type *func; /* FUNC, FUNC_TYPE */
        const struct tvn_type *value_type;
        const struct tvn_resource *resource;
        const struct tvn_component_type *component; /* COMPONENT, COMPONENT_TYPE */
        const struct tvn_instance_type *instance;   /* INSTANCE, INSTANCE_TYPE */
    } of;
    /* RESOURCE: which import or export named it; private to the decoder. */
    const struct tvn_name_identity *name_identity;
};

struct tvn_extern_item {
    struct tvn_str name; /* as in the binary */
    struct tvn_extern type;
    /*
     * RESOURCE: declared here by a `sub` bound, or first exported here. In the types of instances
     * that already exist (def.type of an instance) nothing is fresh: there identities alone say
     * which resources are the same.
     */
    bool fresh_resource;
    uint32_t offset; /* byte offset in the document */
};

struct tvn_instance_type {
    const struct tvn_extern_item *exports;
    uint32_t export_count;
};

/* NULL when there is no such export. */
const struct tvn_extern_item *tvn_instance_type_find(const struct tvn_instance_type *type,
                                                     struct tvn_str name);

struct tvn_component_type {
    const struct tvn_extern_item *imports;
    uint32_t import_count;
    const struct tvn_extern_item *exports;
    uint32_t export_count;
};

/* ---- definitions ---- */

/* A name bound to an item: arguments and inline exports. */
struct tvn_binding {
    struct tvn_str name;
    enum tvn_sort sort;
    uint32_t index;
};

enum tvn_string_encoding { TVN_STRING_UTF8, TVN_STRING_UTF16, TVN_STRING_LATIN1_UTF16 };
#define TVN_INDEX_NONE UINT32_MAX

struct tvn_canon_options {
    enum tvn_string_encoding string_encoding;
    uint32_t memory;      /* core memory index, or TVN_INDEX_NONE */
    uint32_t realloc;     /* core func index, or TVN_INDEX_NONE */
    uint32_t post_return; /* core func index, or TVN_INDEX_NONE */
};

struct tvn_definition;

/*
 * A lowered function whose users come before its options: they call entry k of a table through a
 * module made for that (the shim) until another module (the fixups) has put it there. Both are
 * recognised by their bytes, and nobody else has the table. So the alias of the shim's function can
 * be the lowered function itself, which refuses calls until `lower` gives it its options.
 */
struct tvn_late_func {
    const struct tvn_def *lower;
    const struct tvn_def *func; /* what makes the func to be lowered; NULL: it is made before */
    uint32_t alias;             /* core func index that users have */
    uint32_t number;            /* below late_count of the definition */
};

enum tvn_def_kind {
    TVN_DEF_CORE_MODULE,           /* adds a core module */
    TVN_DEF_CORE_INSTANTIATE,      /* adds a core instance */
    TVN_DEF_CORE_INSTANCE_EXPORTS, /* adds a core instance made of bindings */
    TVN_DEF_COMPONENT,             /* adds a component */
    TVN_DEF_INSTANTIATE,           /* adds an instance */
    TVN_DEF_INSTANCE_EXPORTS,      /* adds an instance made of bindings */
    TVN_DEF_ALIAS_EXPORT,          /* adds an item of `sort` */
    TVN_DEF_ALIAS_CORE_EXPORT,     /* adds an item of a core sort */
    TVN_DEF_ALIAS_OUTER,           /* adds an item: core module, component, type, core type */
    TVN_DEF_RESOURCE,              /* adds a type: a resource defined here */
    TVN_DEF_CANON_LIFT,            /* adds a func */
    TVN_DEF_CANON_LOWER,           /* adds a core func */
    TVN_DEF_CANON_RESOURCE_NEW,    /* adds a core func */
    TVN_DEF_CANON_RESOURCE_REP,    /* adds a core func */
    TVN_DEF_CANON_RESOURCE_DROP,   /* adds a core func */
    TVN_DEF_IMPORT,                /* adds an item of `sort` */
    TVN_DEF_EXPORT,                /* adds an item of `sort` */
};
/* Types other than resources add nothing that instantiation must do: they are not in the list. */

struct tvn_def {
    enum tvn_def_kind kind;
    enum tvn_sort sort; /* of the item it adds */
    uint32_t index;     /* of the item it adds */
    uint32_t offset;    /* byte offset in the document */
    struct tvn_extern
        type; /* of the item it adds, for component-level sorts (func, type, component, instance) */
    union {
        uint32_t core_module; /* CORE_MODULE: number into tvn_document.modules */
        struct {
            uint32_t module;
            const struct tvn_binding *args; /* sort CORE_INSTANCE */
            uint32_t arg_count;
            bool only_for_late; /* a shim or fixups whose aliases are all late functions */
        } core_instantiate;
        struct {
            const struct tvn_binding *items;
            uint32_t count;
        } exports; /* CORE_INSTANCE_EXPORTS, INSTANCE_EXPORTS */
        const struct tvn_definition *component;
        struct {
            uint32_t component;
            const struct tvn_binding *args;
            uint32_t arg_count;
        } instantiate;
        struct {
            uint32_t instance;
            struct tvn_str name;
            const struct tvn_late_func *late; /* ALIAS_CORE_EXPORT; mostly NULL */
        } alias;                              /* ALIAS_EXPORT, ALIAS_CORE_EXPORT */
        struct {
            uint32_t depth; /* how many components out */
            uint32_t index;
        } outer;
        struct {
            const struct tvn_resource *resource;
            uint32_t destructor; /* core func index, or TVN_INDEX_NONE */
        } resource;
        struct {
            uint32_t core_func;
            const struct tvn_func_type *type;
            struct tvn_canon_options options;
        } lift;
        struct {
            uint32_t func;
            const struct tvn_func_type *type; /* of that func */
            struct tvn_canon_options options;
            const struct tvn_late_func *late; /* mostly NULL */
        } lower;
        const struct tvn_resource *canon_resource; /* RESOURCE_NEW, _REP, _DROP */
        struct {
            struct tvn_str name;
        } import;
        struct {
            struct tvn_str name;
            /*
             * Index of the exported item in the space of `sort`. When the export is ascribed a type
             * of its own, def.type may name other resource identities than the item's: bind them to
             * what the item has in the same place.
             */
            uint32_t item;
        } export;
    } of;
};

struct tvn_core_module {
    uint32_t offset; /* of its bytes in the document */
    uint32_t length;
    struct tvn_core_module_type type;
};

/* One component. Resources mentioned by its types are those of tvn_document.resource_count
 * identities. */
struct tvn_definition {
    const struct tvn_definition *parent; /* NULL for the root */
    const struct tvn_def *defs;
    uint32_t def_count;
    uint32_t late_count;             /* of late functions */
    uint32_t counts[TVN_SORT_COUNT]; /* final sizes of the index spaces */
    struct tvn_component_type type;
    uint32_t offset;
};

struct tvn_document {
    const uint8_t *bytes;
    size_t length;
    const struct tvn_core_module *modules; /* of all nested components, in order */
    uint32_t module_count;
    uint32_t resource_count; /* tvn_resource.index is below this; unique in the document */
    const struct tvn_definition *root;
};
