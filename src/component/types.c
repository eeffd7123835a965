/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/num.h"
#include "component/limits.h"
#include "component/types_internal.h"

#include <inttypes.h>

const struct tvn_value_type *tvn_value_type_of(const struct tvn_type *type)
{
    if (type->kind <= TVN_TYPE_STRING && type == tvn_type_primitive(type->kind)) {
        return NULL;
    }
    return (const struct tvn_value_type *)type;
}

const struct tvn_function_type *tvn_function_type_of(const struct tvn_func_type *type)
{
    return (const struct tvn_function_type *)type;
}

const struct tvn_interface_type *tvn_interface_type_of(const struct tvn_instance_type *type)
{
    return (const struct tvn_interface_type *)type;
}

const struct tvn_signature *tvn_signature_of(const struct tvn_component_type *type)
{
    return (const struct tvn_signature *)type;
}

_Static_assert(offsetof(struct tvn_value_type, type) == 0 &&
                   offsetof(struct tvn_function_type, type) == 0 &&
                   offsetof(struct tvn_interface_type, type) == 0 &&
                   offsetof(struct tvn_signature, type) == 0,
               "the public type comes first, so that its address is that of the whole");

uint32_t tvn_value_type_nodes(const struct tvn_type *type)
{
    const struct tvn_value_type *whole = tvn_value_type_of(type);
    return whole ? whole->nodes : 1;
}

uint32_t tvn_extern_nodes(const struct tvn_extern *item)
{
    switch (item->kind) {
    case TVN_EXTERN_CORE_MODULE:
        return 1 + item->of.core_module->import_count + item->of.core_module->export_count;
    case TVN_EXTERN_FUNC:
    case TVN_EXTERN_FUNC_TYPE:
        return tvn_function_type_of(item->of.func)->nodes;
    case TVN_EXTERN_VALUE_TYPE:
        return tvn_value_type_nodes(item->of.value_type);
    case TVN_EXTERN_RESOURCE:
        return 1;
    case TVN_EXTERN_COMPONENT:
    case TVN_EXTERN_COMPONENT_TYPE:
        return tvn_signature_of(item->of.component)->nodes;
    case TVN_EXTERN_INSTANCE:
    case TVN_EXTERN_INSTANCE_TYPE:
        return tvn_interface_type_of(item->of.instance)->nodes;
    }
    tvn_unreachable();
}

const char *tvn_extern_kind_name(enum tvn_extern_kind kind)
{
    static const char *const names[] = {
        [TVN_EXTERN_CORE_MODULE] = "core module",
        [TVN_EXTERN_FUNC] = "func",
        [TVN_EXTERN_VALUE_TYPE] = "value type",
        [TVN_EXTERN_RESOURCE] = "resource type",
        [TVN_EXTERN_FUNC_TYPE] = "function type",
        [TVN_EXTERN_COMPONENT_TYPE] = "component type",
        [TVN_EXTERN_INSTANCE_TYPE] = "instance type",
        [TVN_EXTERN_COMPONENT] = "component",
        [TVN_EXTERN_INSTANCE] = "instance",
    };
    tvn_assert(kind < TVN_ARRAY_LEN(names));
    return names[kind];
}

bool tvn_extern_is_type(enum tvn_extern_kind kind)
{
    return kind == TVN_EXTERN_VALUE_TYPE || kind == TVN_EXTERN_RESOURCE ||
           kind == TVN_EXTERN_FUNC_TYPE || kind == TVN_EXTERN_COMPONENT_TYPE ||
           kind == TVN_EXTERN_INSTANCE_TYPE;
}

const char *tvn_sort_name(enum tvn_sort sort)
{
    static const char *const names[TVN_SORT_COUNT] = {
        [TVN_SORT_CORE_FUNC] = "core func",
        [TVN_SORT_CORE_TABLE] = "core table",
        [TVN_SORT_CORE_MEMORY] = "core memory",
        [TVN_SORT_CORE_GLOBAL] = "core global",
        [TVN_SORT_CORE_TAG] = "core tag",
        [TVN_SORT_CORE_TYPE] = "core type",
        [TVN_SORT_CORE_MODULE] = "core module",
        [TVN_SORT_CORE_INSTANCE] = "core instance",
        [TVN_SORT_FUNC] = "func",
        [TVN_SORT_VALUE] = "value",
        [TVN_SORT_TYPE] = "type",
        [TVN_SORT_COMPONENT] = "component",
        [TVN_SORT_INSTANCE] = "instance",
    };
    tvn_assert(sort < TVN_SORT_COUNT);
    return names[sort];
}

/* Sums that stop at their limit instead of wrapping. */
static void add_nodes(uint32_t *nodes, uint64_t more)
{
    uint64_t sum = *nodes + more;
    *nodes = sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

static enum tvn_status check_nodes(struct tvn_decode_context *context, uint32_t offset,
                                   uint32_t nodes)
{
    if (nodes > TVN_COMPONENT_TYPE_SIZE_MAX) {
        return tvn_decode_fail(context, TVN_E_COMPONENT_TOO_COMPLEX, offset,
                               "a type has more than %d parts when written out",
                               TVN_COMPONENT_TYPE_SIZE_MAX);
    }
    return TVN_OK;
}

struct wide {
    uint64_t size;
    uint32_t align;
};

static struct wide wide_of(const struct tvn_type *type)
{
    const struct tvn_value_type *whole = tvn_value_type_of(type);
    if (whole) {
        return (struct wide){whole->wide_size, whole->wide_align};
    }
    return type->kind == TVN_TYPE_STRING ? (struct wide){16, 8}
                                         : (struct wide){type->abi_size, type->abi_align};
}

static uint64_t align_up(uint64_t value, uint32_t alignment)
{
    return (value + alignment - 1) / alignment * alignment;
}

/* Sizes of parts are below TVN_COMPONENT_VALUE_BYTES_MAX, so no sum here overflows 64 bits. */
static struct wide wide_record(const struct tvn_type *type)
{
    struct wide sum = {0, 1};
    for (uint32_t i = 0; i < type->field_count; i++) {
        struct wide part = wide_of(type->fields[i].type);
        sum.size = align_up(sum.size, part.align) + part.size;
        sum.align = tvn_max(sum.align, part.align);
    }
    sum.size = align_up(sum.size, sum.align);
    return sum;
}

static void wide_case(struct wide *largest, const struct tvn_type *payload)
{
    if (payload) {
        struct wide part = wide_of(payload);
        largest->size = tvn_max(largest->size, part.size);
        largest->align = tvn_max(largest->align, part.align);
    }
}

static struct wide wide_variant(const struct tvn_type *type)
{
    struct wide largest = {0, 1};
    for (uint32_t i = 0; i < type->field_count; i++) {
        wide_case(&largest, type->fields[i].type);
    }
    wide_case(&largest, type->element);
    wide_case(&largest, type->error);
    uint32_t align = tvn_max(largest.align, type->abi_discriminant);
    uint64_t payload = align_up(type->abi_discriminant, largest.align);
    return (struct wide){align_up(payload + largest.size, align), align};
}

static struct wide wide_measure(const struct tvn_type *type)
{
    switch (type->kind) {
    case TVN_TYPE_LIST:
        if (type->list_length > 0) {
            struct wide element = wide_of(type->element);
            return (struct wide){element.size * type->list_length, element.align};
        }
        return (struct wide){16, 8};
    case TVN_TYPE_STRING:
        return (struct wide){16, 8};
    case TVN_TYPE_RECORD:
    case TVN_TYPE_TUPLE:
        return wide_record(type);
    case TVN_TYPE_VARIANT:
    case TVN_TYPE_ENUM:
    case TVN_TYPE_OPTION:
    case TVN_TYPE_RESULT:
        return wide_variant(type);
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
    case TVN_TYPE_FLAGS:
    case TVN_TYPE_OWN:
    case TVN_TYPE_BORROW:
    case TVN_TYPE_STREAM:
    case TVN_TYPE_FUTURE:
    case TVN_TYPE_ERROR_CONTEXT:
        break;
    }
    return (struct wide){type->abi_size, type->abi_align};
}

static uint32_t spec_nodes(const struct tvn_type_spec *spec)
{
    uint32_t nodes = 1;
    for (size_t i = 0; i < spec->field_count; i++) {
        add_nodes(&nodes, spec->fields[i].type ? tvn_value_type_nodes(spec->fields[i].type) : 1);
    }
    add_nodes(&nodes, spec->element ? tvn_value_type_nodes(spec->element) : 0);
    add_nodes(&nodes, spec->error ? tvn_value_type_nodes(spec->error) : 0);
    return nodes;
}

static uint32_t height_of(const struct tvn_type *type)
{
    const struct tvn_value_type *whole = type ? tvn_value_type_of(type) : NULL;
    return whole ? whole->height : 1;
}

static uint32_t spec_height(const struct tvn_type_spec *spec)
{
    uint32_t height = tvn_max(height_of(spec->element), height_of(spec->error));
    for (size_t i = 0; i < spec->field_count; i++) {
        height = tvn_max(height, height_of(spec->fields[i].type));
    }
    return height + 1;
}

static enum tvn_status check_height(struct tvn_decode_context *context, uint32_t offset,
                                    uint32_t height)
{
    return height > TVN_COMPONENT_HEIGHT_MAX
               ? tvn_decode_folded(context, TVN_FULL, offset, "types that refer to types")
               : TVN_OK;
}

static enum tvn_status too_large(struct tvn_decode_context *context, uint32_t offset)
{
    return tvn_decode_invalid(context, offset,
                              "a value type exceeds the maximum size of %" PRIu64 " bytes",
                              TVN_COMPONENT_VALUE_BYTES_MAX - 1);
}

/* Sizes are the caller's to check. */
static enum tvn_status create(struct tvn_decode_context *context, uint32_t offset,
                              const struct tvn_type_spec *spec,
                              const struct tvn_name_identity *name_identity,
                              const struct tvn_value_type **out_type)
{
    uint32_t nodes = spec_nodes(spec);
    uint32_t height = spec_height(spec);
    TVN_TRY(check_nodes(context, offset, nodes));
    TVN_TRY(check_height(context, offset, height));
    const struct tvn_type *type;
    enum tvn_status status = tvn_type_create(context->arena, spec, &type);
    if (status != TVN_OK) {
        return tvn_decode_folded(context, status, offset, "types in types");
    }
    struct tvn_value_type *whole = TVN_DECODE_NEW(context, struct tvn_value_type);
    if (!whole) {
        return tvn_decode_failure(context);
    }
    struct wide wide = wide_measure(type);
    *whole = (struct tvn_value_type){.type = *type,
                                     .name_identity = name_identity,
                                     .wide_size = wide.size,
                                     .wide_align = wide.align,
                                     .nodes = nodes,
                                     .height = height};
    *out_type = whole;
    return TVN_OK;
}

enum tvn_status tvn_value_type_create(struct tvn_decode_context *context, uint32_t offset,
                                      const struct tvn_type_spec *spec,
                                      const struct tvn_name_identity *name_identity,
                                      const struct tvn_type **out_type)
{
    /* Checked first because the constructor's own limit is on 32-bit sizes. */
    if (spec->kind == TVN_TYPE_LIST && spec->list_length > 0 &&
        wide_of(spec->element).size * spec->list_length >= TVN_COMPONENT_VALUE_BYTES_MAX) {
        return too_large(context, offset);
    }
    const struct tvn_value_type *whole;
    TVN_TRY(create(context, offset, spec, name_identity, &whole));
    if (whole->wide_size >= TVN_COMPONENT_VALUE_BYTES_MAX) {
        return too_large(context, offset);
    }
    *out_type = &whole->type;
    return TVN_OK;
}

enum tvn_status tvn_map_type_create(struct tvn_decode_context *context, uint32_t offset,
                                    const struct tvn_type *key, const struct tvn_type *value,
                                    const struct tvn_type **out_type)
{
    struct tvn_field *pair = TVN_DECODE_ARRAY(context, struct tvn_field, 2);
    if (!pair) {
        return tvn_decode_failure(context);
    }
    pair[0] = (struct tvn_field){.name = {"", 0}, .type = key};
    pair[1] = (struct tvn_field){.name = {"", 0}, .type = value};
    const struct tvn_type_spec entry = {
        .kind = TVN_TYPE_TUPLE, .name = {"", 0}, .fields = pair, .field_count = 2};
    const struct tvn_value_type *element; /* nobody wrote it, so its size may be beyond the limit */
    TVN_TRY(create(context, offset, &entry, NULL, &element));
    const struct tvn_type_spec map = {
        .kind = TVN_TYPE_LIST, .name = {"", 0}, .element = &element->type, .is_map = true};
    return tvn_value_type_create(context, offset, &map, NULL, out_type);
}

enum tvn_status tvn_value_type_rename(struct tvn_decode_context *context, uint32_t offset,
                                      const struct tvn_type *type, struct tvn_str name,
                                      const struct tvn_type **out_type)
{
    const struct tvn_type *renamed;
    enum tvn_status status = tvn_type_rename(context->arena, type, name, NULL, &renamed);
    if (status != TVN_OK) {
        return tvn_decode_folded(context, status, offset, "types");
    }
    struct tvn_value_type *whole = TVN_DECODE_NEW(context, struct tvn_value_type);
    if (!whole) {
        return tvn_decode_failure(context);
    }
    const struct tvn_value_type *original = tvn_value_type_of(type);
    struct wide wide = wide_of(type);
    *whole = (struct tvn_value_type){.type = *renamed,
                                     .name_identity = original ? original->name_identity : NULL,
                                     .wide_size = wide.size,
                                     .wide_align = wide.align,
                                     .nodes = tvn_value_type_nodes(type),
                                     .height = height_of(type) + 1};
    *out_type = &whole->type;
    return check_height(context, offset, whole->height);
}

enum tvn_status tvn_function_type_create(struct tvn_decode_context *context, uint32_t offset,
                                         const struct tvn_func_type *type,
                                         const struct tvn_func_type **out_type)
{
    struct tvn_function_type *whole = TVN_DECODE_NEW(context, struct tvn_function_type);
    if (!whole) {
        return tvn_decode_failure(context);
    }
    *whole = (struct tvn_function_type){.type = *type, .nodes = 1};
    for (uint32_t i = 0; i < type->param_count; i++) {
        add_nodes(&whole->nodes, tvn_value_type_nodes(type->params[i].type));
        whole->has_handle |= type->params[i].type->has_handle;
    }
    if (type->result) {
        add_nodes(&whole->nodes, tvn_value_type_nodes(type->result));
        whole->has_handle |= type->result->has_handle;
    }
    *out_type = &whole->type;
    return check_nodes(context, offset, whole->nodes);
}

static struct tvn_name_array item_names(const struct tvn_extern_item *items, uint32_t count)
{
    return (struct tvn_name_array){items, sizeof(*items), count, 1};
}
_Static_assert(offsetof(struct tvn_extern_item, name) == 0, "searching takes the name first");

static void add_items(uint32_t *nodes, const struct tvn_extern_item *items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        add_nodes(nodes, tvn_extern_nodes(&items[i].type));
    }
}

enum tvn_status tvn_interface_type_create(struct tvn_decode_context *context, uint32_t offset,
                                          const struct tvn_instance_type *type,
                                          struct tvn_resource_list fresh,
                                          const struct tvn_instance_type **out_type)
{
    struct tvn_interface_type *whole = TVN_DECODE_NEW(context, struct tvn_interface_type);
    if (!whole) {
        return tvn_decode_failure(context);
    }
    *whole = (struct tvn_interface_type){.type = *type, .fresh = fresh, .nodes = 1};
    uint32_t twice;
    whole->order =
        tvn_name_order_create(context, item_names(type->exports, type->export_count), &twice);
    if (!whole->order) {
        return tvn_decode_failure(context);
    }
    add_items(&whole->nodes, type->exports, type->export_count);
    *out_type = &whole->type;
    return check_nodes(context, offset, whole->nodes);
}

enum tvn_status tvn_signature_create(struct tvn_decode_context *context, uint32_t offset,
                                     const struct tvn_component_type *type,
                                     struct tvn_resource_list import_fresh,
                                     struct tvn_resource_list export_fresh,
                                     const struct tvn_component_type **out_type)
{
    struct tvn_signature *whole = TVN_DECODE_NEW(context, struct tvn_signature);
    if (!whole) {
        return tvn_decode_failure(context);
    }
    *whole = (struct tvn_signature){
        .type = *type, .import_fresh = import_fresh, .export_fresh = export_fresh, .nodes = 1};
    uint32_t twice;
    whole->import_order =
        tvn_name_order_create(context, item_names(type->imports, type->import_count), &twice);
    if (!whole->import_order) {
        return tvn_decode_failure(context);
    }
    whole->export_order =
        tvn_name_order_create(context, item_names(type->exports, type->export_count), &twice);
    if (!whole->export_order) {
        return tvn_decode_failure(context);
    }
    add_items(&whole->nodes, type->imports, type->import_count);
    add_items(&whole->nodes, type->exports, type->export_count);
    *out_type = &whole->type;
    return check_nodes(context, offset, whole->nodes);
}

static const struct tvn_extern_item *find_item(const struct tvn_extern_item *items, uint32_t count,
                                               const uint32_t *order, struct tvn_str name)
{
    uint32_t at = tvn_name_order_find(item_names(items, count), order, &name);
    return at == UINT32_MAX ? NULL : &items[at];
}

const struct tvn_extern_item *tvn_instance_type_find(const struct tvn_instance_type *type,
                                                     struct tvn_str name)
{
    tvn_assert(type);
    return find_item(type->exports, type->export_count, tvn_interface_type_of(type)->order, name);
}

const struct tvn_extern_item *tvn_signature_find_import(const struct tvn_component_type *type,
                                                        struct tvn_str name)
{
    return find_item(type->imports, type->import_count, tvn_signature_of(type)->import_order, name);
}

const struct tvn_extern_item *tvn_signature_find_export(const struct tvn_component_type *type,
                                                        struct tvn_str name)
{
    return find_item(type->exports, type->export_count, tvn_signature_of(type)->export_order, name);
}
