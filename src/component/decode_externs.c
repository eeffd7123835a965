/* SPDX-License-Identifier: Apache-2.0 */
/* Imports and exports, of components and in component and instance types. */
#include "base/assert.h"
#include "component/decode_internal.h"

static enum tvn_status read_attribute(struct tvn_scope *scope, struct tvn_reader *reader,
                                      unsigned *seen, bool *out_implements)
{
    static const char *const names[] = {"implements", "versionsuffix", "external-id"};
    uint32_t start = reader->at;
    uint8_t kind;
    struct tvn_str value;
    TVN_TRY(tvn_reader_byte(reader, &kind));
    if (kind >= TVN_ARRAY_LEN(names)) {
        return tvn_decode_invalid(scope->context, start, "0x%02x is not a name attribute", kind);
    }
    if (*seen & 1u << kind) {
        return tvn_decode_invalid(scope->context, start, "duplicate name attribute '%s'",
                                  names[kind]);
    }
    *seen |= 1u << kind;
    if (kind == 1) { /* it goes with names whose version is cut, such as "a:b/c@1" */
        return tvn_decode_unsupported(scope->context, start, "canonical interface names");
    }
    TVN_TRY(tvn_reader_name(reader, &value));
    if (kind == 0) {
        struct tvn_extern_name interface = {0};
        TVN_TRY(tvn_extern_name_parse(scope->context, value, start, &interface));
        if (interface.kind != TVN_NAME_INTERFACE) {
            return tvn_decode_invalid(scope->context, start,
                                      "the value of 'implements' must be an interface, not '%.*s'",
                                      TVN_DECODE_NAME(value));
        }
        *out_implements = true;
    }
    return TVN_OK;
}

enum tvn_status tvn_decode_extern_name(struct tvn_scope *scope, struct tvn_reader *reader,
                                       struct tvn_extern_name *out_name, bool *out_implements)
{
    uint32_t start = reader->at;
    uint8_t form;
    struct tvn_str text;
    *out_implements = false;
    TVN_TRY(tvn_reader_byte(reader, &form));
    if (form > 0x02) {
        return tvn_decode_invalid(scope->context, start, "0x%02x does not begin a name", form);
    }
    TVN_TRY(tvn_reader_name(reader, &text));
    TVN_TRY(tvn_extern_name_parse(scope->context, text, start, out_name));
    if (form < 0x02) {
        return TVN_OK;
    }
    uint32_t count;
    unsigned seen = 0;
    TVN_TRY(tvn_reader_count(reader, 2, &count));
    for (uint32_t i = 0; i < count; i++) {
        TVN_TRY(read_attribute(scope, reader, &seen, out_implements));
    }
    return TVN_OK;
}

enum tvn_status tvn_check_implements(struct tvn_decode_context *context,
                                     const struct tvn_extern_name *name, enum tvn_extern_kind kind,
                                     uint32_t offset)
{
    if (kind != TVN_EXTERN_INSTANCE) {
        return tvn_decode_invalid(context, offset,
                                  "only instances can have an 'implements' attribute");
    }
    if (name->kind != TVN_NAME_PLAIN) {
        return tvn_decode_invalid(context, offset, "name '%.*s' is not valid with 'implements'",
                                  TVN_DECODE_NAME(name->text));
    }
    return TVN_OK;
}

struct bound {
    struct tvn_slot slot; /* unset for a `sub` bound */
    bool is_sub;          /* (type (sub resource)) */
};

static enum tvn_status read_type_bound(struct tvn_scope *scope, struct tvn_reader *reader,
                                       struct bound *bound)
{
    uint32_t start = reader->at;
    uint8_t kind;
    TVN_TRY(tvn_reader_byte(reader, &kind));
    if (kind == 0x00) {
        uint32_t index;
        const struct tvn_slot *slot;
        TVN_TRY(tvn_scope_read(scope, reader, TVN_SORT_TYPE, &index, &slot));
        bound->slot = *slot;
        return TVN_OK;
    }
    if (kind == 0x01) {
        bound->is_sub = true;
        bound->slot.type.kind = TVN_EXTERN_RESOURCE;
        return TVN_OK;
    }
    return tvn_decode_invalid(scope->context, start, "0x%02x is not a type bound", kind);
}

static enum tvn_status read_module_bound(struct tvn_scope *scope, struct tvn_reader *reader,
                                         struct bound *bound)
{
    uint32_t start = reader->at;
    uint8_t sort;
    uint32_t index;
    const struct tvn_slot *slot;
    TVN_TRY(tvn_reader_byte(reader, &sort));
    if (sort != 0x11) {
        return tvn_decode_invalid(scope->context, start,
                                  "0x%02x is not a core sort that can be imported or exported",
                                  sort);
    }
    TVN_TRY(tvn_scope_read(scope, reader, TVN_SORT_CORE_TYPE, &index, &slot));
    if (!slot->core_module_type) {
        return tvn_decode_invalid(scope->context, start, "core type %u is not a module type",
                                  index);
    }
    bound->slot.core_module = slot->core_module_type;
    bound->slot.type.kind = TVN_EXTERN_CORE_MODULE;
    bound->slot.type.of.core_module = &slot->core_module_type->type;
    return TVN_OK;
}

/* An item whose type is one of that kind. */
static enum tvn_status read_item_bound(struct tvn_scope *scope, struct tvn_reader *reader,
                                       enum tvn_extern_kind type_kind, enum tvn_extern_kind kind,
                                       struct bound *bound)
{
    TVN_TRY(tvn_scope_read_type(scope, reader, type_kind, &bound->slot.type));
    bound->slot.type.kind = kind;
    return TVN_OK;
}

static enum tvn_status read_bound(struct tvn_scope *scope, struct tvn_reader *reader,
                                  struct bound *out_bound)
{
    uint32_t start = reader->at;
    uint8_t kind;
    *out_bound = (struct bound){0};
    TVN_TRY(tvn_reader_byte(reader, &kind));
    switch (kind) {
    case 0x00:
        return read_module_bound(scope, reader, out_bound);
    case 0x01:
        return read_item_bound(scope, reader, TVN_EXTERN_FUNC_TYPE, TVN_EXTERN_FUNC, out_bound);
    case 0x02:
        return tvn_decode_unsupported(scope->context, start, "component value definitions");
    case 0x03:
        return read_type_bound(scope, reader, out_bound);
    case 0x04:
        return read_item_bound(scope, reader, TVN_EXTERN_COMPONENT_TYPE, TVN_EXTERN_COMPONENT,
                               out_bound);
    case 0x05:
        return read_item_bound(scope, reader, TVN_EXTERN_INSTANCE_TYPE, TVN_EXTERN_INSTANCE,
                               out_bound);
    default:
        return tvn_decode_invalid(scope->context, start,
                                  "0x%02x is not the type of an import or export", kind);
    }
}

static enum tvn_status add_fresh(struct tvn_scope *scope, struct tvn_scope_side *side,
                                 const struct tvn_resource *resource, uint32_t offset)
{
    enum tvn_status status = tvn_pointer_map_set(&scope->declared_resources, resource, resource);
    if (status == TVN_OK) {
        status = tvn_vec_push(&side->fresh, TVN_COMPONENT_ITEMS_MAX, resource);
    }
    return status == TVN_OK ? TVN_OK
                            : tvn_decode_folded(scope->context, status, offset, "resources");
}

/* Another name for a type: a copy, or another identity. */
static enum tvn_status rename_type(struct tvn_scope *scope, struct tvn_extern *type,
                                   struct tvn_str name, uint32_t offset)
{
    if (type->kind == TVN_EXTERN_VALUE_TYPE) {
        return tvn_value_type_rename(scope->context, offset, type->of.value_type, name,
                                     &type->of.value_type);
    }
    if (type->kind == TVN_EXTERN_RESOURCE) {
        type->name_identity = tvn_identity_create(scope->context, type->name_identity);
        return type->name_identity ? TVN_OK : tvn_decode_failure(scope->context);
    }
    return TVN_OK;
}

/*
 * Turns what is said of a type into the type of a new item: a `sub` bound makes a new resource, and
 * an instance has resources of its own.
 */
static enum tvn_status open_bound(struct tvn_scope *scope, struct tvn_scope_side *side,
                                  struct bound *bound, struct tvn_str name, uint32_t offset)
{
    struct tvn_extern *type = &bound->slot.type;
    if (bound->is_sub) {
        TVN_TRY(tvn_resource_create(scope->decoder, name, &type->of.resource));
        TVN_TRY(add_fresh(scope, side, type->of.resource, offset));
    }
    if (type->kind == TVN_EXTERN_INSTANCE) {
        TVN_TRY(
            tvn_freshen_instance(scope->decoder, offset, type->of.instance, &type->of.instance));
        const struct tvn_resource_list *fresh = &tvn_interface_type_of(type->of.instance)->fresh;
        for (uint32_t i = 0; i < fresh->count; i++) {
            TVN_TRY(add_fresh(scope, side, fresh->items[i], offset));
        }
    }
    return rename_type(scope, type, name, offset);
}

/* The last steps of every import and export: names, and the list of items. */
static enum tvn_status add_extern(struct tvn_scope *scope, bool is_import,
                                  const struct tvn_extern_name *name,
                                  const struct tvn_extern_item *item)
{
    struct tvn_scope_side *side = is_import ? &scope->imports : &scope->exports;
    TVN_TRY(tvn_check_extern_name(scope->context, side->names, side->resources, name, &item->type,
                                  item->offset, is_import ? "import" : "export"));
    TVN_TRY(tvn_make_visible(scope, &item->type, is_import, item->offset));
    enum tvn_status status = tvn_vec_push(&side->items, TVN_COMPONENT_ITEMS_MAX, *item);
    return status == TVN_OK ? TVN_OK
                            : tvn_decode_folded(scope->context, status, item->offset,
                                                is_import ? "imports" : "exports");
}

/* An import, or an export in a type: a name and what is said of it. */
static enum tvn_status declare(struct tvn_scope *scope, struct tvn_reader *reader, bool is_import)
{
    uint32_t start = reader->at;
    struct tvn_scope_side *side = is_import ? &scope->imports : &scope->exports;
    struct tvn_extern_name name = {0};
    bool implements = false;
    struct bound bound = {0};
    TVN_TRY(tvn_decode_extern_name(scope, reader, &name, &implements));
    TVN_TRY(read_bound(scope, reader, &bound));
    if (implements) {
        TVN_TRY(tvn_check_implements(scope->context, &name, bound.slot.type.kind, start));
    }
    if (!bound.is_sub) {
        TVN_TRY(tvn_check_visible(scope, &bound.slot.type, is_import, name.text, start));
    }
    TVN_TRY(open_bound(scope, side, &bound, name.text, start));
    const struct tvn_extern_item item = {.name = name.text,
                                         .type = bound.slot.type,
                                         .fresh_resource = bound.is_sub,
                                         .offset = start};
    TVN_TRY(add_extern(scope, is_import, &name, &item));
    const struct tvn_def def = {.kind = TVN_DEF_IMPORT,
                                .sort = tvn_extern_sort(item.type.kind),
                                .of.import.name = name.text};
    return tvn_scope_define(scope, &def, &bound.slot, start);
}

enum tvn_status tvn_decode_import(struct tvn_scope *scope, struct tvn_reader *reader)
{
    tvn_assert(scope->kind != TVN_SCOPE_INSTANCE_TYPE);
    return declare(scope, reader, true);
}

enum tvn_status tvn_decode_export_declaration(struct tvn_scope *scope, struct tvn_reader *reader)
{
    tvn_assert(scope->kind != TVN_SCOPE_COMPONENT);
    return declare(scope, reader, false);
}

/* Resources that leave the component with this item for the first time. */
static enum tvn_status export_resources(struct tvn_scope *scope, const struct tvn_extern *type,
                                        uint32_t offset)
{
    if (type->kind == TVN_EXTERN_RESOURCE) {
        return tvn_pointer_map_get(&scope->declared_resources, type->of.resource)
                   ? TVN_OK
                   : add_fresh(scope, &scope->exports, type->of.resource, offset);
    }
    if (type->kind != TVN_EXTERN_INSTANCE) {
        return TVN_OK;
    }
    const struct tvn_instance_type *instance = type->of.instance;
    TVN_TRY(tvn_decode_charge(scope->context, offset, 1 + (uint64_t)instance->export_count));
    for (uint32_t i = 0; i < instance->export_count; i++) {
        TVN_TRY(export_resources(scope, &instance->exports[i].type, offset));
    }
    return TVN_OK;
}

/* The item must be what the export says of it. */
static enum tvn_status check_ascription(struct tvn_scope *scope, const struct tvn_extern *actual,
                                        const struct bound *bound, struct tvn_str name,
                                        uint32_t offset)
{
    TVN_AUTO_VALUE(tvn_substitution) substitution;
    tvn_substitution_init(&substitution, scope->context, offset);
    struct tvn_match match = {
        .substitution = &substitution, .what = "ascribed export", .name = name, .offset = offset};
    struct tvn_resource_list open = {0};
    if (bound->is_sub) {
        open = (struct tvn_resource_list){&bound->slot.type.of.resource, 1};
    } else if (bound->slot.type.kind == TVN_EXTERN_INSTANCE) {
        open = tvn_interface_type_of(bound->slot.type.of.instance)->fresh;
    }
    enum tvn_status status = tvn_match_open(&match, open);
    if (status == TVN_OK) {
        status = tvn_match_extern(&match, actual, &bound->slot.type);
    }
    tvn_pointer_map_deinit(&match.open);
    return status;
}

static enum tvn_status ascribe(struct tvn_scope *scope, struct tvn_reader *reader,
                               struct tvn_str name, struct tvn_slot *slot, bool *out_fresh)
{
    uint32_t start = reader->at;
    struct bound bound = {0};
    TVN_TRY(read_bound(scope, reader, &bound));
    if (tvn_extern_sort(bound.slot.type.kind) != tvn_extern_sort(slot->type.kind)) {
        return tvn_decode_invalid(scope->context, start,
                                  "ascribed type of export '%.*s' is of another sort",
                                  TVN_DECODE_NAME(name));
    }
    if (!bound.is_sub) {
        TVN_TRY(tvn_check_visible(scope, &bound.slot.type, false, name, start));
    }
    TVN_TRY(open_bound(scope, &scope->exports, &bound, name, start));
    TVN_TRY(check_ascription(scope, &slot->type, &bound, name, start));
    *slot = bound.slot;
    *out_fresh = bound.is_sub;
    return TVN_OK;
}

static enum tvn_status read_exported(struct tvn_scope *scope, struct tvn_reader *reader,
                                     struct tvn_def *def, struct tvn_slot *out_slot)
{
    uint32_t start = reader->at;
    const struct tvn_slot *slot;
    TVN_TRY(tvn_sort_read(reader, &def->sort));
    if (def->sort < TVN_SORT_FUNC && def->sort != TVN_SORT_CORE_MODULE) {
        return tvn_decode_invalid(scope->context, start, "a %s cannot be exported",
                                  tvn_sort_name(def->sort));
    }
    TVN_TRY(tvn_scope_read(scope, reader, def->sort, &def->of.export.item, &slot));
    *out_slot = *slot;
    return TVN_OK;
}

static enum tvn_status read_ascription(struct tvn_scope *scope, struct tvn_reader *reader,
                                       struct tvn_str name, struct tvn_slot *slot, bool *out_fresh)
{
    uint32_t start = reader->at;
    uint8_t present;
    TVN_TRY(tvn_reader_byte(reader, &present));
    if (present > 1) {
        return tvn_decode_invalid(scope->context, start,
                                  "0x%02x does not say if the type of an export follows", present);
    }
    if (present) {
        return ascribe(scope, reader, name, slot, out_fresh);
    }
    TVN_TRY(tvn_check_visible(scope, &slot->type, false, name, start));
    *out_fresh = slot->type.kind == TVN_EXTERN_RESOURCE &&
                 !tvn_pointer_map_get(&scope->declared_resources, slot->type.of.resource);
    TVN_TRY(export_resources(scope, &slot->type, start));
    return rename_type(scope, &slot->type, name, start);
}

enum tvn_status tvn_decode_export(struct tvn_scope *scope, struct tvn_reader *reader)
{
    uint32_t start = reader->at;
    struct tvn_def def = {.kind = TVN_DEF_EXPORT};
    struct tvn_extern_name name = {0};
    struct tvn_slot slot = {0};
    bool implements = false;
    bool fresh = false;
    TVN_TRY(tvn_decode_extern_name(scope, reader, &name, &implements));
    TVN_TRY(read_exported(scope, reader, &def, &slot));
    if (implements) {
        TVN_TRY(tvn_check_implements(scope->context, &name, slot.type.kind, start));
    }
    TVN_TRY(read_ascription(scope, reader, name.text, &slot, &fresh));
    if (slot.type.kind == TVN_EXTERN_RESOURCE && slot.type.of.resource->name.len == 0) {
        /* The document is still being built: nobody else has seen the resource. */
        struct tvn_resource *resource = (struct tvn_resource *)(uintptr_t)slot.type.of.resource;
        resource->name = name.text;
    }
    const struct tvn_extern_item item = {
        .name = name.text, .type = slot.type, .fresh_resource = fresh, .offset = start};
    TVN_TRY(add_extern(scope, false, &name, &item));
    def.of.export.name = name.text;
    return tvn_scope_define(scope, &def, &slot, start);
}
