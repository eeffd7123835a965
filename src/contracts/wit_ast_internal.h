/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the parser found in WIT text, before any name means anything.
 *
 * Memory: everything lives in the arena of the tvn_wit. Lists are linked in source order.
 */
#include "contracts/model.h"

struct tvn_ast_name {
    struct tvn_str text; /* without '%' */
    struct tvn_span span;
};

struct tvn_wit_entry;

/* "types", or "ns:package/types@1.0.0". */
struct tvn_ast_path {
    struct tvn_ast_name namespace_name; /* text.len == 0: a name in the file or package */
    struct tvn_ast_name package_name;
    struct tvn_ast_name name;
    struct tvn_semver version;
    struct tvn_span package_span; /* "ns:package" */
    struct tvn_wit_entry
        *target; /* set by the resolver; NULL: not found (reported) or not looked for */
};

enum tvn_ast_type_kind {
    TVN_AST_TYPE_PRIMITIVE,
    TVN_AST_TYPE_NAME,
    TVN_AST_TYPE_OWN,
    TVN_AST_TYPE_BORROW,
    TVN_AST_TYPE_LIST,
    TVN_AST_TYPE_MAP,
    TVN_AST_TYPE_TUPLE,
    TVN_AST_TYPE_OPTION,
    TVN_AST_TYPE_RESULT,
    TVN_AST_TYPE_STREAM,
    TVN_AST_TYPE_FUTURE,
    TVN_AST_TYPE_ERROR_CONTEXT,
};

struct tvn_ast_type {
    enum tvn_ast_type_kind kind;
    enum tvn_type_kind primitive; /* PRIMITIVE */
    struct tvn_span span;         /* of the first word */
    struct tvn_ast_name name;     /* NAME, OWN, BORROW */
    struct tvn_ast_type
        *first; /* LIST, OPTION, STREAM, FUTURE element; RESULT ok; MAP key; TUPLE first */
    struct tvn_ast_type *second; /* RESULT error; MAP value */
    struct tvn_ast_type *next;   /* the tuple's next element */
    uint32_t count;              /* TUPLE: elements */
    uint32_t length;             /* LIST: fixed length or 0 */
};

/* A record's field, a case, a label, a parameter. */
struct tvn_ast_field {
    struct tvn_ast_name name;
    struct tvn_ast_type *type; /* NULL: none */
    const char *docs;
    struct tvn_ast_field *next;
};

/* `a` or `a as b` in use and include. */
struct tvn_ast_rename {
    struct tvn_ast_name name;
    struct tvn_ast_name as; /* text.len == 0: none */
    struct tvn_ast_rename *next;
};

struct tvn_ast_func {
    enum tvn_func_kind kind;
    enum tvn_func_accessor accessor;
    bool is_async;
    struct tvn_ast_field *params;
    uint32_t param_count;
    struct tvn_ast_type *result;
};

enum tvn_ast_item_kind {
    TVN_AST_USE,
    TVN_AST_ALIAS,
    TVN_AST_RECORD,
    TVN_AST_VARIANT,
    TVN_AST_ENUM,
    TVN_AST_FLAGS,
    TVN_AST_RESOURCE,
    TVN_AST_FUNC,
    TVN_AST_INCLUDE,           /* from here on only in worlds */
    TVN_AST_EXTERN_PATH,       /* import types; */
    TVN_AST_EXTERN_NAMED_PATH, /* import primary: store; */
    TVN_AST_EXTERN_FUNC,
    TVN_AST_EXTERN_INTERFACE,
};

/* Something in an interface, a world or (functions) a resource. */
struct tvn_ast_item {
    enum tvn_ast_item_kind kind;
    bool is_export;
    struct tvn_ast_name name; /* all but USE, INCLUDE, EXTERN_PATH */
    const char *docs;
    const struct tvn_attributes *attributes;
    struct tvn_ast_path path;       /* USE, INCLUDE, EXTERN_PATH, EXTERN_NAMED_PATH */
    struct tvn_ast_rename *renames; /* USE, INCLUDE */
    struct tvn_ast_type *type;      /* ALIAS */
    struct tvn_ast_field *fields;   /* RECORD, VARIANT, ENUM, FLAGS */
    uint32_t field_count;
    struct tvn_ast_func *func;  /* FUNC, EXTERN_FUNC */
    struct tvn_ast_item *items; /* RESOURCE, EXTERN_INTERFACE */
    struct tvn_ast_item *next;
};

enum tvn_ast_decl_kind { TVN_AST_DECL_INTERFACE, TVN_AST_DECL_WORLD, TVN_AST_DECL_USE };

/* Something at the top level of a package. */
struct tvn_ast_decl {
    enum tvn_ast_decl_kind kind;
    struct tvn_ast_name name; /* USE: the name that it introduces */
    const char *docs;
    const struct tvn_attributes *attributes;
    struct tvn_ast_path path;   /* USE */
    struct tvn_ast_item *items; /* INTERFACE, WORLD */
    struct tvn_ast_decl *next;
};

/* One file's part of a package, or a nested package. */
struct tvn_ast_package {
    bool named; /* a `package` header or block says what it is called */
    struct tvn_package_id id;
    struct tvn_span span; /* "ns:name" */
    const char *docs;
    struct tvn_span docs_span;
    bool documented; /* on purpose: not only by a licence header and the like */
    struct tvn_ast_decl *decls;
    struct tvn_ast_package *next; /* the file's next nested package */
};

struct tvn_ast_file {
    struct tvn_span start; /* offset 0: for messages about the file */
    struct tvn_str group;  /* files of one directory that share a package */
    struct tvn_str text;
    bool group_agrees; /* its files must not name different packages */
    struct tvn_ast_package root;
    struct tvn_ast_package *nested;
    struct tvn_ast_file *next;
};
