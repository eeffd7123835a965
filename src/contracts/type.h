/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The value types of the Component Model, as WIT text and component binaries both describe them.
 * One shared model: the WIT resolver and the component decoder build the same structs, so that
 * contracts and binaries compare.
 *
 * Memory: all of it lives in the arena of the document that declared it and never changes after
 * construction. Limits: nesting of at most TVN_TYPE_DEPTH_MAX; a type's flattened form is cut at
 * TVN_TYPE_FLAT_MAX.
 */
#include "base/arena.h"
#include "base/status.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define TVN_TYPE_DEPTH_MAX 100
#define TVN_TYPE_FLAT_MAX \
    16 /* abi_flat_count saturates at this + 1: "too many, goes through memory" */
#define TVN_FLAGS_MAX     32
#define TVN_TYPE_SIZE_MAX ((uint64_t)1 << 31)

enum tvn_type_kind {
    TVN_TYPE_BOOL,
    TVN_TYPE_S8,
    TVN_TYPE_U8,
    TVN_TYPE_S16,
    TVN_TYPE_U16,
    TVN_TYPE_S32,
    TVN_TYPE_U32,
    TVN_TYPE_S64,
    TVN_TYPE_U64,
    TVN_TYPE_F32,
    TVN_TYPE_F64,
    TVN_TYPE_CHAR,
    TVN_TYPE_STRING, /* the last primitive */
    TVN_TYPE_LIST,
    TVN_TYPE_RECORD,
    TVN_TYPE_TUPLE,
    TVN_TYPE_VARIANT,
    TVN_TYPE_ENUM,
    TVN_TYPE_OPTION,
    TVN_TYPE_RESULT,
    TVN_TYPE_FLAGS,
    TVN_TYPE_OWN,
    TVN_TYPE_BORROW,
    /* Of the asynchronous Component Model: contracts may name them, components with them are
     * refused.
     */
    TVN_TYPE_STREAM,
    TVN_TYPE_FUTURE,
    TVN_TYPE_ERROR_CONTEXT,
};

struct tvn_interface;

/*
 * A resource type, by identity: two handle types are the same only if they point to the same
 * tvn_resource. In a component binary an import or a definition makes a new identity, an `eq` bound
 * shares it.
 */
struct tvn_resource {
    struct tvn_str name;               /* "buffer"; "" when a binary never names it */
    const struct tvn_interface *owner; /* interface that declares it, or NULL */
    const char *docs;                  /* NULL when undocumented */
    uint32_t index;                    /* unique within the document */
};

/* A record's field, a variant's case (type may be NULL), an enum's or flags' label (type NULL), a
 * tuple's element. */
struct tvn_field {
    struct tvn_str name;
    const struct tvn_type *type;
    const char *docs;
};

struct tvn_type {
    enum tvn_type_kind kind;
    struct tvn_str name;               /* "element-meta"; "" for an anonymous type */
    const struct tvn_interface *owner; /* interface that names it, or NULL */
    const char *docs;
    const struct tvn_field *fields; /* RECORD, VARIANT, ENUM, FLAGS, TUPLE */
    uint32_t field_count;
    const struct tvn_type *element;      /* LIST, OPTION; RESULT: the ok type or NULL; STREAM and
                                            FUTURE: what they carry, or NULL */
    const struct tvn_type *error;        /* RESULT: the error type or NULL */
    const struct tvn_resource *resource; /* OWN, BORROW */
    struct tvn_str resource_name;        /* OWN, BORROW in WIT text: what it calls the resource */
    uint32_t list_length;                /* LIST: 0, or the fixed length */
    bool is_map;                         /* LIST of two-element tuples that is written map<k, v> */
    const struct tvn_type *alias_of;     /* the named type that `type a = b` names again, or NULL */

    /* Canonical ABI layout, set by the constructor. */
    uint32_t abi_size;
    uint32_t abi_align;
    uint32_t abi_payload_offset; /* VARIANT, OPTION, RESULT: where the case's value starts */
    uint8_t abi_discriminant;    /* VARIANT, ENUM, OPTION, RESULT: 1, 2 or 4 bytes */
    uint8_t abi_flat_count;      /* number of core values, saturated at TVN_TYPE_FLAT_MAX + 1 */
    uint32_t abi_flat_kinds; /* enum tvn_core_kind of the first TVN_TYPE_FLAT_MAX, two bits each,
                                lowest first */
    uint8_t depth;
    bool has_borrow;   /* contains a borrow anywhere */
    bool has_handle;   /* contains an own, borrow, stream, future or error context anywhere */
    bool has_async;    /* contains a stream, future or error context anywhere */
    bool has_pointers; /* contains a list or string: lowering needs realloc */
};

/* Shared by every document. */
extern const struct tvn_type tvn_type_primitives[TVN_TYPE_STRING + 1];
static inline const struct tvn_type *tvn_type_primitive(enum tvn_type_kind kind)
{
    return &tvn_type_primitives[kind];
}

/*
 * COLD PATH. Constructors: copy nothing, keep the given arrays (which live in the arena), compute
 * the layout. TVN_E_OUT_OF_MEMORY; TVN_E_COMPONENT_TOO_COMPLEX for depth or a size beyond 2^31;
 * TVN_E_CONSTRAINT_VIOLATION for an empty record/variant/enum/flags/tuple or too many flags.
 */
struct tvn_type_spec {
    enum tvn_type_kind kind;
    struct tvn_str name;
    const struct tvn_interface *owner;
    const char *docs;
    const struct tvn_field *fields;
    size_t field_count;
    const struct tvn_type *element;
    const struct tvn_type *error;
    const struct tvn_resource *resource;
    struct tvn_str resource_name;
    uint32_t list_length;
    bool is_map;
};
TVN_NODISCARD enum tvn_status tvn_type_create(struct tvn_arena *arena,
                                              const struct tvn_type_spec *spec,
                                              const struct tvn_type **out_type);
/* The same type under another name (WIT `type a = b`); layout shared. Sets alias_of when `type` has
 * a name already. */
TVN_NODISCARD enum tvn_status tvn_type_rename(struct tvn_arena *arena, const struct tvn_type *type,
                                              struct tvn_str name,
                                              const struct tvn_interface *owner,
                                              const struct tvn_type **out_type);

/* Byte offset of a record's or tuple's field. */
uint32_t tvn_type_field_offset(const struct tvn_type *type, uint32_t field_index);

/*
 * Flattening as the Canonical ABI defines it. Writes at most TVN_TYPE_FLAT_MAX kinds; returns how
 * many, or TVN_TYPE_FLAT_MAX + 1 when there are more.
 */
enum tvn_core_kind { TVN_CORE_I32, TVN_CORE_I64, TVN_CORE_F32, TVN_CORE_F64 };
size_t tvn_type_flatten(const struct tvn_type *type,
                        enum tvn_core_kind out_kinds[TVN_TYPE_FLAT_MAX]);

/*
 * Structural equality: kinds, names of fields and cases, and resources as `same_resource` decides
 * (NULL: by identity). Type names do not matter. `same_resource` must answer the same question the
 * same way during one call. False as well for types so entangled that TVN_TYPE_EQUAL_STEPS_MAX
 * comparisons do not settle it.
 */
#define TVN_TYPE_EQUAL_STEPS_MAX 1000000
typedef bool (*tvn_same_resource)(void *context, const struct tvn_resource *a,
                                  const struct tvn_resource *b);
bool tvn_type_equal(const struct tvn_type *a, const struct tvn_type *b,
                    tvn_same_resource same_resource, void *context);

/* "list<u8>", "result<option<output-element>, process-error>": named types by name. */
void tvn_type_print(const struct tvn_type *type, struct tvn_strbuf *out);

struct tvn_func_type {
    const struct tvn_field *params;
    uint32_t param_count;
    const struct tvn_type *result; /* NULL: none */
    bool is_async;                 /* parsed, refused when run */
};
bool tvn_func_type_equal(const struct tvn_func_type *a, const struct tvn_func_type *b,
                         tvn_same_resource same_resource, void *context);
/* "func(offset: u64, len: u64) -> list<u8>" */
void tvn_func_type_print(const struct tvn_func_type *type, struct tvn_strbuf *out);
