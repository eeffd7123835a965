/* SPDX-License-Identifier: Apache-2.0 */
#include "contracts/type.h"

#include "base/assert.h"
#include "base/num.h"

/* Two bits per core value in abi_flat_kinds. */
#define FLAT_BITS    2
#define FLAT_2(a, b) ((uint32_t)(a) | (uint32_t)(b) << FLAT_BITS)

#define PRIMITIVE(enumerator, size, flat)     \
    [enumerator] = {.kind = (enumerator),     \
                    .name = {"", 0},          \
                    .abi_size = (size),       \
                    .abi_align = (size),      \
                    .abi_flat_count = 1,      \
                    .abi_flat_kinds = (flat), \
                    .depth = 1}

const struct tvn_type tvn_type_primitives[TVN_TYPE_STRING + 1] = {
    PRIMITIVE(TVN_TYPE_BOOL, 1, TVN_CORE_I32),
    PRIMITIVE(TVN_TYPE_S8, 1, TVN_CORE_I32),
    PRIMITIVE(TVN_TYPE_U8, 1, TVN_CORE_I32),
    PRIMITIVE(TVN_TYPE_S16, 2, TVN_CORE_I32),
    PRIMITIVE(TVN_TYPE_U16, 2, TVN_CORE_I32),
    PRIMITIVE(TVN_TYPE_S32, 4, TVN_CORE_I32),
    PRIMITIVE(TVN_TYPE_U32, 4, TVN_CORE_I32),
    PRIMITIVE(TVN_TYPE_S64, 8, TVN_CORE_I64),
    PRIMITIVE(TVN_TYPE_U64, 8, TVN_CORE_I64),
    PRIMITIVE(TVN_TYPE_F32, 4, TVN_CORE_F32),
    PRIMITIVE(TVN_TYPE_F64, 8, TVN_CORE_F64),
    PRIMITIVE(TVN_TYPE_CHAR, 4, TVN_CORE_I32),
    [TVN_TYPE_STRING] = {.kind = TVN_TYPE_STRING,
                         .name = {"", 0},
                         .abi_size = 8,
                         .abi_align = 4,
                         .abi_flat_count = 2,
                         .abi_flat_kinds = FLAT_2(TVN_CORE_I32, TVN_CORE_I32),
                         .depth = 1,
                         .has_pointers = true},
};

static enum tvn_core_kind flat_get(uint32_t kinds, unsigned index)
{
    return (enum tvn_core_kind)(kinds >> (index * FLAT_BITS) & 3u);
}

static uint32_t flat_set(uint32_t kinds, unsigned index, enum tvn_core_kind kind)
{
    return (kinds & ~(3u << (index * FLAT_BITS))) | (uint32_t)kind << (index * FLAT_BITS);
}

/* Appends the core values of `part` to those of `type`. */
static void flat_append(struct tvn_type *type, const struct tvn_type *part)
{
    for (unsigned i = 0; i < part->abi_flat_count && type->abi_flat_count <= TVN_TYPE_FLAT_MAX;
         i++) {
        if (i < TVN_TYPE_FLAT_MAX && type->abi_flat_count < TVN_TYPE_FLAT_MAX) {
            type->abi_flat_kinds = flat_set(type->abi_flat_kinds, type->abi_flat_count,
                                            flat_get(part->abi_flat_kinds, i));
        }
        type->abi_flat_count++;
    }
}

/* The core type that can carry either (Canonical ABI, "join"). */
static enum tvn_core_kind flat_join(enum tvn_core_kind a, enum tvn_core_kind b)
{
    if (a == b) {
        return a;
    }
    bool narrow =
        (a == TVN_CORE_I32 && b == TVN_CORE_F32) || (a == TVN_CORE_F32 && b == TVN_CORE_I32);
    return narrow ? TVN_CORE_I32 : TVN_CORE_I64;
}

/* Overlays a case's core values behind the discriminant, which is value 0 of `type`. */
static void flat_overlay(struct tvn_type *type, const struct tvn_type *payload)
{
    for (unsigned i = 0; i < payload->abi_flat_count && i + 1 <= TVN_TYPE_FLAT_MAX; i++) {
        unsigned at = i + 1;
        if (at < TVN_TYPE_FLAT_MAX) {
            enum tvn_core_kind kind = flat_get(payload->abi_flat_kinds, i);
            if (at < type->abi_flat_count) {
                kind = flat_join(flat_get(type->abi_flat_kinds, at), kind);
            }
            type->abi_flat_kinds = flat_set(type->abi_flat_kinds, at, kind);
        }
        if (at >= type->abi_flat_count) {
            type->abi_flat_count = (uint8_t)(at + 1);
        }
    }
}

/* What a part (field, element, payload) passes on to the type that contains it. */
static enum tvn_status inherit(struct tvn_type *type, const struct tvn_type *part)
{
    if (part->depth >= TVN_TYPE_DEPTH_MAX) {
        return TVN_E_COMPONENT_TOO_COMPLEX;
    }
    type->depth = (uint8_t)tvn_max(type->depth, part->depth + 1);
    type->has_borrow |= part->has_borrow;
    type->has_handle |= part->has_handle;
    type->has_async |= part->has_async;
    type->has_pointers |= part->has_pointers;
    return TVN_OK;
}

static enum tvn_status set_size(struct tvn_type *type, uint64_t size, uint32_t align)
{
    if (size > TVN_TYPE_SIZE_MAX) {
        return TVN_E_COMPONENT_TOO_COMPLEX;
    }
    type->abi_size = tvn_align_up_u32((uint32_t)size, align);
    type->abi_align = align;
    return type->abi_size > TVN_TYPE_SIZE_MAX ? TVN_E_COMPONENT_TOO_COMPLEX : TVN_OK;
}

static enum tvn_status layout_record(struct tvn_type *type)
{
    uint64_t size = 0;
    uint32_t align = 1;
    for (uint32_t i = 0; i < type->field_count; i++) {
        const struct tvn_type *part = type->fields[i].type;
        tvn_assert(part);
        TVN_TRY(inherit(type, part));
        size = tvn_align_up_size(size, part->abi_align) + part->abi_size;
        if (size > TVN_TYPE_SIZE_MAX) {
            return TVN_E_COMPONENT_TOO_COMPLEX;
        }
        align = tvn_max(align, part->abi_align);
        flat_append(type, part);
    }
    return set_size(type, size, align);
}

static uint8_t discriminant_bytes(uint32_t case_count)
{
    if (case_count <= 0x100) {
        return 1;
    }
    return case_count <= 0x10000 ? 2 : 4;
}

/* Adds one case to the layout; payload may be NULL. */
static enum tvn_status layout_case(struct tvn_type *type, const struct tvn_type *payload,
                                   uint32_t *max_size, uint32_t *max_align)
{
    if (!payload) {
        return TVN_OK;
    }
    TVN_TRY(inherit(type, payload));
    *max_size = tvn_max(*max_size, payload->abi_size);
    *max_align = tvn_max(*max_align, payload->abi_align);
    flat_overlay(type, payload);
    return TVN_OK;
}

static enum tvn_status layout_variant(struct tvn_type *type, uint32_t case_count)
{
    uint32_t max_size = 0;
    uint32_t max_align = 1;
    type->abi_discriminant = discriminant_bytes(case_count);
    type->abi_flat_count = 1;
    type->abi_flat_kinds = TVN_CORE_I32;
    if (type->kind == TVN_TYPE_OPTION || type->kind == TVN_TYPE_RESULT) {
        TVN_TRY(layout_case(type, type->element, &max_size, &max_align));
        TVN_TRY(layout_case(type, type->error, &max_size, &max_align));
    } else {
        for (uint32_t i = 0; i < case_count; i++) {
            TVN_TRY(layout_case(type, type->fields[i].type, &max_size, &max_align));
        }
    }
    type->abi_payload_offset = tvn_align_up_u32(type->abi_discriminant, max_align);
    return set_size(type, (uint64_t)type->abi_payload_offset + max_size,
                    tvn_max(max_align, type->abi_discriminant));
}

static enum tvn_status layout_flags(struct tvn_type *type)
{
    if (type->field_count > TVN_FLAGS_MAX) {
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    uint32_t bytes = 4;
    if (type->field_count <= 16) {
        bytes = type->field_count <= 8 ? 1 : 2;
    }
    type->abi_flat_count = 1;
    type->abi_flat_kinds = TVN_CORE_I32;
    return set_size(type, bytes, bytes);
}

static enum tvn_status layout_list(struct tvn_type *type)
{
    TVN_TRY(inherit(type, type->element));
    if (type->list_length == 0) {
        type->has_pointers = true;
        type->abi_flat_count = 2;
        type->abi_flat_kinds = FLAT_2(TVN_CORE_I32, TVN_CORE_I32);
        return set_size(type, 8, 4);
    }
    for (uint32_t i = 0; i < type->list_length && type->abi_flat_count <= TVN_TYPE_FLAT_MAX; i++) {
        flat_append(type, type->element);
    }
    return set_size(type, (uint64_t)type->element->abi_size * type->list_length,
                    type->element->abi_align);
}

static enum tvn_status layout_handle(struct tvn_type *type)
{
    type->has_handle = true;
    type->has_borrow = type->kind == TVN_TYPE_BORROW;
    type->abi_flat_count = 1;
    type->abi_flat_kinds = TVN_CORE_I32;
    return set_size(type, 4, 4);
}

/* A stream, a future or an error context: an index into a table of its own. */
static enum tvn_status layout_async(struct tvn_type *type)
{
    if (type->element) {
        TVN_TRY(inherit(type, type->element));
        type->has_pointers = false; /* what it carries is not lowered with it */
    }
    type->has_handle = true;
    type->has_async = true;
    type->abi_flat_count = 1;
    type->abi_flat_kinds = TVN_CORE_I32;
    return set_size(type, 4, 4);
}

static enum tvn_status layout(struct tvn_type *type)
{
    switch (type->kind) {
    case TVN_TYPE_RECORD:
    case TVN_TYPE_TUPLE:
        return type->field_count == 0 ? TVN_E_CONSTRAINT_VIOLATION : layout_record(type);
    case TVN_TYPE_VARIANT:
    case TVN_TYPE_ENUM:
        return type->field_count == 0 ? TVN_E_CONSTRAINT_VIOLATION
                                      : layout_variant(type, type->field_count);
    case TVN_TYPE_FLAGS:
        return type->field_count == 0 ? TVN_E_CONSTRAINT_VIOLATION : layout_flags(type);
    case TVN_TYPE_OPTION:
        tvn_assert(type->element);
        return layout_variant(type, 2);
    case TVN_TYPE_RESULT:
        return layout_variant(type, 2);
    case TVN_TYPE_LIST:
        tvn_assert(type->element);
        return layout_list(type);
    case TVN_TYPE_OWN:
    case TVN_TYPE_BORROW:
        tvn_assert(type->resource);
        return layout_handle(type);
    case TVN_TYPE_STREAM:
    case TVN_TYPE_FUTURE:
    case TVN_TYPE_ERROR_CONTEXT:
        return layout_async(type);
    case TVN_TYPE_BOOL:
    case TVN_TYPE_S8:
    case TVN_TYPE_U8:
    case TVN_TYPE_S16:
    case TVN_TYPE_U16:
    case TVN_TYPE_S32:
    case TVN_TYPE_U32:
    case TVN_TYPE_S64:
    case TVN_TYPE_U64:
    case TVN_TYPE_F32:
    case TVN_TYPE_F64:
    case TVN_TYPE_CHAR:
    case TVN_TYPE_STRING:
        break;
    }
    tvn_unreachable(); /* primitives are in tvn_type_primitives */
}

enum tvn_status tvn_type_create(struct tvn_arena *arena, const struct tvn_type_spec *spec,
                                const struct tvn_type **out_type)
{
    tvn_assert(arena);
    tvn_assert(spec);
    tvn_assert(out_type);
    tvn_assert(spec->field_count == 0 || spec->fields);
    if (spec->field_count > TVN_TYPE_SIZE_MAX) {
        return TVN_E_COMPONENT_TOO_COMPLEX;
    }
    struct tvn_type type = {
        .kind = spec->kind,
        .name = spec->name,
        .owner = spec->owner,
        .docs = spec->docs,
        .fields = spec->fields,
        .field_count = (uint32_t)spec->field_count,
        .element = spec->element,
        .error = spec->error,
        .resource = spec->resource,
        .resource_name = spec->resource_name,
        .list_length = spec->list_length,
        .is_map = spec->is_map,
        .depth = 1,
    };
    TVN_TRY(layout(&type));
    struct tvn_type *kept = TVN_ARENA_NEW(arena, struct tvn_type);
    if (!kept) {
        return TVN_E_OUT_OF_MEMORY;
    }
    *kept = type;
    *out_type = kept;
    return TVN_OK;
}

enum tvn_status tvn_type_rename(struct tvn_arena *arena, const struct tvn_type *type,
                                struct tvn_str name, const struct tvn_interface *owner,
                                const struct tvn_type **out_type)
{
    tvn_assert(arena);
    tvn_assert(type);
    tvn_assert(out_type);
    struct tvn_type *renamed = TVN_ARENA_NEW(arena, struct tvn_type);
    if (!renamed) {
        return TVN_E_OUT_OF_MEMORY;
    }
    *renamed = *type;
    renamed->name = name;
    renamed->owner = owner;
    renamed->docs = NULL;
    renamed->alias_of = type->name.len > 0 ? type : NULL;
    *out_type = renamed;
    return TVN_OK;
}

uint32_t tvn_type_field_offset(const struct tvn_type *type, uint32_t field_index)
{
    tvn_assert(type);
    tvn_assert(type->kind == TVN_TYPE_RECORD || type->kind == TVN_TYPE_TUPLE);
    tvn_assert(field_index < type->field_count);
    uint32_t offset = 0;
    for (uint32_t i = 0; i < field_index; i++) {
        offset = tvn_align_up_u32(offset, type->fields[i].type->abi_align) +
                 type->fields[i].type->abi_size;
    }
    return tvn_align_up_u32(offset, type->fields[field_index].type->abi_align);
}

size_t tvn_type_flatten(const struct tvn_type *type,
                        enum tvn_core_kind out_kinds[TVN_TYPE_FLAT_MAX])
{
    tvn_assert(type);
    tvn_assert(out_kinds);
    for (unsigned i = 0; i < type->abi_flat_count && i < TVN_TYPE_FLAT_MAX; i++) {
        out_kinds[i] = flat_get(type->abi_flat_kinds, i);
    }
    return type->abi_flat_count;
}
