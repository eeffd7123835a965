/* SPDX-License-Identifier: Apache-2.0 */
/* Scopes: index spaces of what is being read, and the definitions of a component. */
#include "base/assert.h"
#include "base/map.h"
#include "component/decode_internal.h"

static enum tvn_status side_init(struct tvn_scope *scope, struct tvn_scope_side *side,
                                 uint32_t offset)
{
    side->names = tvn_map_create(TVN_COMPONENT_ITEMS_MAX);
    side->resources = tvn_map_create(TVN_COMPONENT_ITEMS_MAX);
    if (!side->names || !side->resources) {
        return tvn_decode_folded(scope->context, TVN_E_OUT_OF_MEMORY, offset, "names");
    }
    return TVN_OK;
}

static void side_deinit(struct tvn_scope_side *side)
{
    tvn_vec_deinit(&side->items);
    tvn_vec_deinit(&side->fresh);
    tvn_map_destroy(side->names);
    tvn_map_destroy(side->resources);
    tvn_pointer_map_deinit(&side->visible);
}

enum tvn_status tvn_scope_init(struct tvn_scope *scope, struct tvn_decoder *decoder,
                               struct tvn_scope *parent, enum tvn_scope_kind kind, uint32_t offset)
{
    *scope = (struct tvn_scope){
        .decoder = decoder,
        .context = &decoder->context,
        .parent = parent,
        .kind = kind,
        .depth = parent ? parent->depth + 1 : 0,
    };
    if (scope->depth > TVN_COMPONENT_NESTING_MAX) {
        return tvn_decode_fail(scope->context, TVN_E_COMPONENT_TOO_COMPLEX, offset,
                               "components and types are nested more than %d deep",
                               TVN_COMPONENT_NESTING_MAX);
    }
    TVN_TRY(side_init(scope, &scope->imports, offset));
    return side_init(scope, &scope->exports, offset);
}

void tvn_scope_deinit(struct tvn_scope *scope)
{
    for (size_t i = 0; i < TVN_SORT_COUNT; i++) {
        tvn_vec_deinit(&scope->spaces[i]);
    }
    tvn_vec_deinit(&scope->defs);
    tvn_pointer_map_deinit(&scope->local_resources);
    tvn_pointer_map_deinit(&scope->declared_resources);
    side_deinit(&scope->imports);
    side_deinit(&scope->exports);
}

enum tvn_status tvn_scope_add(struct tvn_scope *scope, enum tvn_sort sort,
                              const struct tvn_slot *slot, uint32_t offset)
{
    enum tvn_status status = tvn_vec_push(&scope->spaces[sort], TVN_COMPONENT_ITEMS_MAX, *slot);
    return status == TVN_OK
               ? TVN_OK
               : tvn_decode_folded(scope->context, status, offset, tvn_sort_name(sort));
}

enum tvn_status tvn_scope_define(struct tvn_scope *scope, const struct tvn_def *def,
                                 const struct tvn_slot *slot, uint32_t offset)
{
    struct tvn_slot item = *slot;
    if (scope->kind == TVN_SCOPE_COMPONENT) {
        item.def = (uint32_t)scope->defs.count;
        struct tvn_def made = *def;
        made.index = (uint32_t)scope->spaces[def->sort].count;
        made.offset = offset;
        made.type = slot->type;
        enum tvn_status status =
            tvn_vec_push(&scope->defs, (size_t)TVN_COMPONENT_ITEMS_MAX * TVN_SORT_COUNT, made);
        if (status != TVN_OK) {
            return tvn_decode_folded(scope->context, status, offset, "definitions");
        }
    }
    return tvn_scope_add(scope, def->sort, &item, offset);
}

enum tvn_status tvn_scope_get(const struct tvn_scope *scope, enum tvn_sort sort, uint32_t index,
                              uint32_t offset, const struct tvn_slot **out_slot)
{
    if (index >= scope->spaces[sort].count) {
        return tvn_decode_invalid(scope->context, offset, "%s index %u out of bounds (%zu so far)",
                                  tvn_sort_name(sort), index, scope->spaces[sort].count);
    }
    *out_slot = &scope->spaces[sort].items[index];
    return TVN_OK;
}

enum tvn_status tvn_scope_read(struct tvn_scope *scope, struct tvn_reader *reader,
                               enum tvn_sort sort, uint32_t *out_index,
                               const struct tvn_slot **out_slot)
{
    uint32_t start = reader->at;
    uint32_t index;
    TVN_TRY(tvn_reader_u32(reader, &index));
    TVN_TRY(tvn_scope_get(scope, sort, index, start, out_slot));
    *out_index = index;
    return TVN_OK;
}

enum tvn_status tvn_scope_read_type(struct tvn_scope *scope, struct tvn_reader *reader,
                                    enum tvn_extern_kind kind, struct tvn_extern *out_type)
{
    uint32_t start = reader->at;
    uint32_t index;
    const struct tvn_slot *slot = NULL;
    TVN_TRY(tvn_scope_read(scope, reader, TVN_SORT_TYPE, &index, &slot));
    if (slot->type.kind != kind) {
        return tvn_decode_invalid(scope->context, start, "type %u: expected %s, found %s", index,
                                  tvn_extern_kind_name(kind),
                                  tvn_extern_kind_name(slot->type.kind));
    }
    *out_type = slot->type;
    return TVN_OK;
}

enum tvn_status tvn_resource_create(struct tvn_decoder *decoder, struct tvn_str name,
                                    const struct tvn_resource **out_resource)
{
    struct tvn_resource *resource = TVN_DECODE_NEW(&decoder->context, struct tvn_resource);
    if (!resource) {
        return tvn_decode_failure(&decoder->context);
    }
    resource->name = name;
    resource->index = decoder->resource_count++;
    *out_resource = resource;
    return TVN_OK;
}

const struct tvn_name_identity *tvn_identity_create(struct tvn_decode_context *context,
                                                    const struct tvn_name_identity *of)
{
    struct tvn_name_identity *identity = TVN_DECODE_NEW(context, struct tvn_name_identity);
    if (identity) {
        identity->of = of;
    }
    return identity;
}

enum tvn_status tvn_scope_items(struct tvn_scope *scope, const struct tvn_scope_side *side,
                                const struct tvn_extern_item **out_items, uint32_t *out_count)
{
    struct tvn_extern_item *items =
        TVN_DECODE_ARRAY(scope->context, struct tvn_extern_item, side->items.count);
    if (!items) {
        return tvn_decode_failure(scope->context);
    }
    for (size_t i = 0; i < side->items.count; i++) {
        items[i] = side->items.items[i];
    }
    *out_items = items;
    *out_count = (uint32_t)side->items.count;
    return TVN_OK;
}

enum tvn_status tvn_scope_fresh(struct tvn_scope *scope, const struct tvn_scope_side *side,
                                struct tvn_resource_list *out_list)
{
    const struct tvn_resource **items =
        TVN_DECODE_ARRAY(scope->context, const struct tvn_resource *, side->fresh.count);
    if (!items) {
        return tvn_decode_failure(scope->context);
    }
    for (size_t i = 0; i < side->fresh.count; i++) {
        items[i] = side->fresh.items[i];
    }
    *out_list = (struct tvn_resource_list){items, (uint32_t)side->fresh.count};
    return TVN_OK;
}

enum tvn_status tvn_core_sort_read(struct tvn_reader *reader, enum tvn_sort *out_sort)
{
    uint32_t start = reader->at;
    uint8_t byte;
    TVN_TRY(tvn_reader_byte(reader, &byte));
    switch (byte) {
    case 0x00:
        *out_sort = TVN_SORT_CORE_FUNC;
        return TVN_OK;
    case 0x01:
        *out_sort = TVN_SORT_CORE_TABLE;
        return TVN_OK;
    case 0x02:
        *out_sort = TVN_SORT_CORE_MEMORY;
        return TVN_OK;
    case 0x03:
        *out_sort = TVN_SORT_CORE_GLOBAL;
        return TVN_OK;
    case 0x04:
        *out_sort = TVN_SORT_CORE_TAG;
        return TVN_OK;
    case 0x10:
        *out_sort = TVN_SORT_CORE_TYPE;
        return TVN_OK;
    case 0x11:
        *out_sort = TVN_SORT_CORE_MODULE;
        return TVN_OK;
    case 0x12:
        *out_sort = TVN_SORT_CORE_INSTANCE;
        return TVN_OK;
    default:
        return tvn_decode_invalid(reader->context, start, "0x%02x is not a core sort", byte);
    }
}

enum tvn_status tvn_sort_read(struct tvn_reader *reader, enum tvn_sort *out_sort)
{
    uint32_t start = reader->at;
    uint8_t byte;
    TVN_TRY(tvn_reader_byte(reader, &byte));
    switch (byte) {
    case 0x00:
        return tvn_core_sort_read(reader, out_sort);
    case 0x01:
        *out_sort = TVN_SORT_FUNC;
        return TVN_OK;
    case 0x02:
        return tvn_decode_unsupported(reader->context, start, "component value definitions");
    case 0x03:
        *out_sort = TVN_SORT_TYPE;
        return TVN_OK;
    case 0x04:
        *out_sort = TVN_SORT_COMPONENT;
        return TVN_OK;
    case 0x05:
        *out_sort = TVN_SORT_INSTANCE;
        return TVN_OK;
    default:
        return tvn_decode_invalid(reader->context, start, "0x%02x is not a sort", byte);
    }
}

enum tvn_sort tvn_extern_sort(enum tvn_extern_kind kind)
{
    switch (kind) {
    case TVN_EXTERN_CORE_MODULE:
        return TVN_SORT_CORE_MODULE;
    case TVN_EXTERN_FUNC:
        return TVN_SORT_FUNC;
    case TVN_EXTERN_VALUE_TYPE:
    case TVN_EXTERN_RESOURCE:
    case TVN_EXTERN_FUNC_TYPE:
    case TVN_EXTERN_COMPONENT_TYPE:
    case TVN_EXTERN_INSTANCE_TYPE:
        return TVN_SORT_TYPE;
    case TVN_EXTERN_COMPONENT:
        return TVN_SORT_COMPONENT;
    case TVN_EXTERN_INSTANCE:
        return TVN_SORT_INSTANCE;
    }
    tvn_unreachable();
}
