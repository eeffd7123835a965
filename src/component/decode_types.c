/* SPDX-License-Identifier: Apache-2.0 */
/* Component-level types: value types, functions, resources, component and instance types. */
#include "base/assert.h"
#include "base/map.h"
#include "component/decode_internal.h"

#define OPCODE_BOOL          0x7f
#define OPCODE_STRING        0x73
#define OPCODE_RECORD        0x72
#define OPCODE_VARIANT       0x71
#define OPCODE_LIST          0x70
#define OPCODE_TUPLE         0x6f
#define OPCODE_FLAGS         0x6e
#define OPCODE_ENUM          0x6d
#define OPCODE_OPTION        0x6b
#define OPCODE_RESULT        0x6a
#define OPCODE_OWN           0x69
#define OPCODE_BORROW        0x68
#define OPCODE_FIXED_LIST    0x67
#define OPCODE_STREAM        0x66
#define OPCODE_FUTURE        0x65
#define OPCODE_ERROR_CONTEXT 0x64
#define OPCODE_MAP           0x63
#define OPCODE_FUNC_ASYNC    0x43
#define OPCODE_INSTANCE      0x42
#define OPCODE_COMPONENT     0x41
#define OPCODE_FUNC          0x40
#define OPCODE_RESOURCE      0x3f
#define CORE_I32             0x7f

static const struct tvn_type *primitive_of(uint8_t opcode)
{
    static const enum tvn_type_kind kinds[] = {
        TVN_TYPE_STRING, TVN_TYPE_CHAR, TVN_TYPE_F64,  TVN_TYPE_F32, TVN_TYPE_U64,
        TVN_TYPE_S64,    TVN_TYPE_U32,  TVN_TYPE_S32,  TVN_TYPE_U16, TVN_TYPE_S16,
        TVN_TYPE_U8,     TVN_TYPE_S8,   TVN_TYPE_BOOL,
    };
    return opcode >= OPCODE_STRING && opcode <= OPCODE_BOOL
               ? tvn_type_primitive(kinds[opcode - OPCODE_STRING])
               : NULL;
}

enum tvn_status tvn_decode_value_type(struct tvn_scope *scope, struct tvn_reader *reader,
                                      const struct tvn_type **out_type)
{
    uint32_t start = reader->at;
    int64_t index;
    TVN_TRY(tvn_reader_signed(reader, 33, &index));
    if (index >= 0) {
        const struct tvn_slot *slot;
        TVN_TRY(tvn_scope_get(scope, TVN_SORT_TYPE, (uint32_t)index, start, &slot));
        if (slot->type.kind != TVN_EXTERN_VALUE_TYPE) {
            return tvn_decode_invalid(scope->context, start,
                                      "type %u: expected value type, found %s", (unsigned)index,
                                      tvn_extern_kind_name(slot->type.kind));
        }
        *out_type = slot->type.of.value_type;
        return TVN_OK;
    }
    uint8_t opcode = index >= -64 ? (uint8_t)(index & 0x7f) : 0;
    if (opcode == OPCODE_ERROR_CONTEXT) {
        return tvn_decode_unsupported(scope->context, start, "error-context type (WASI 0.3)");
    }
    const struct tvn_type *type = primitive_of(opcode);
    if (!type) {
        return tvn_decode_invalid(scope->context, start, "0x%02x is not a value type", opcode);
    }
    *out_type = type;
    return TVN_OK;
}

static enum tvn_status decode_optional(struct tvn_scope *scope, struct tvn_reader *reader,
                                       const struct tvn_type **out_type)
{
    uint32_t start = reader->at;
    uint8_t present;
    TVN_TRY(tvn_reader_byte(reader, &present));
    *out_type = NULL;
    if (present > 1) {
        return tvn_decode_invalid(scope->context, start, "0x%02x does not say if a type follows",
                                  present);
    }
    return present ? tvn_decode_value_type(scope, reader, out_type) : TVN_OK;
}

/* How the parts of a type are written. */
struct parts {
    const char *what; /* "record field" */
    uint32_t bytes_min;
    bool has_type;
    bool is_case; /* an optional type and a zero */
};

static enum tvn_status decode_part(struct tvn_scope *scope, struct tvn_reader *reader,
                                   const struct parts *parts, struct tvn_map *names,
                                   struct tvn_field *field)
{
    uint32_t start = reader->at;
    TVN_TRY(tvn_reader_name(reader, &field->name));
    TVN_TRY(tvn_label_add(scope->context, names, field->name, start, parts->what));
    if (parts->has_type) {
        return tvn_decode_value_type(scope, reader, &field->type);
    }
    if (!parts->is_case) {
        return TVN_OK;
    }
    uint8_t refines;
    TVN_TRY(decode_optional(scope, reader, &field->type));
    start = reader->at;
    TVN_TRY(tvn_reader_byte(reader, &refines));
    return refines == 0 ? TVN_OK
                        : tvn_decode_invalid(scope->context, start,
                                             "a variant case ends in 0x%02x, not in zero", refines);
}

static enum tvn_status decode_parts(struct tvn_scope *scope, struct tvn_reader *reader,
                                    const struct parts *parts, const struct tvn_field **out_fields,
                                    uint32_t *out_count)
{
    uint32_t start = reader->at;
    uint32_t count;
    TVN_TRY(tvn_reader_count(reader, parts->bytes_min, &count));
    struct tvn_field *fields = TVN_DECODE_ARRAY(scope->context, struct tvn_field, count);
    if (!fields) {
        return tvn_decode_failure(scope->context);
    }
    TVN_AUTO(tvn_map) names = tvn_map_create(count);
    if (!names) {
        return tvn_decode_folded(scope->context, TVN_E_OUT_OF_MEMORY, start, "names");
    }
    for (uint32_t i = 0; i < count; i++) {
        TVN_TRY(decode_part(scope, reader, parts, names, &fields[i]));
    }
    *out_fields = fields;
    *out_count = count;
    return TVN_OK;
}

static enum tvn_status decode_named_parts(struct tvn_scope *scope, struct tvn_reader *reader,
                                          struct tvn_type_spec *spec)
{
    static const struct parts record = {"record field", 2, true, false};
    static const struct parts variant = {"variant case", 3, false, true};
    static const struct parts flags = {"flag", 1, false, false};
    static const struct parts enumeration = {"enum case", 1, false, false};
    uint32_t start = reader->at;
    uint32_t count;
    const struct parts *parts = &record;
    if (spec->kind == TVN_TYPE_VARIANT) {
        parts = &variant;
    } else if (spec->kind == TVN_TYPE_FLAGS) {
        parts = &flags;
    } else if (spec->kind == TVN_TYPE_ENUM) {
        parts = &enumeration;
    }
    TVN_TRY(decode_parts(scope, reader, parts, &spec->fields, &count));
    if (count == 0) {
        return tvn_decode_invalid(scope->context, start, "a type must have at least one %s",
                                  parts->what);
    }
    if (spec->kind == TVN_TYPE_FLAGS && count > TVN_FLAGS_MAX) {
        return tvn_decode_invalid(scope->context, start, "a type cannot have more than %d flags",
                                  TVN_FLAGS_MAX);
    }
    spec->field_count = count;
    return TVN_OK;
}

static enum tvn_status decode_tuple(struct tvn_scope *scope, struct tvn_reader *reader,
                                    struct tvn_type_spec *spec)
{
    uint32_t start = reader->at;
    uint32_t count;
    TVN_TRY(tvn_reader_count(reader, 1, &count));
    if (count == 0) {
        return tvn_decode_invalid(scope->context, start, "a tuple must have at least one type");
    }
    struct tvn_field *fields = TVN_DECODE_ARRAY(scope->context, struct tvn_field, count);
    if (!fields) {
        return tvn_decode_failure(scope->context);
    }
    for (uint32_t i = 0; i < count; i++) {
        fields[i].name = (struct tvn_str){"", 0};
        TVN_TRY(tvn_decode_value_type(scope, reader, &fields[i].type));
    }
    spec->fields = fields;
    spec->field_count = count;
    return TVN_OK;
}

static enum tvn_status decode_list(struct tvn_scope *scope, struct tvn_reader *reader, bool fixed,
                                   struct tvn_type_spec *spec)
{
    TVN_TRY(tvn_decode_value_type(scope, reader, &spec->element));
    if (!fixed) {
        return TVN_OK;
    }
    uint32_t start = reader->at;
    TVN_TRY(tvn_reader_u32(reader, &spec->list_length));
    return spec->list_length > 0
               ? TVN_OK
               : tvn_decode_invalid(scope->context, start,
                                    "the length of a fixed-length list must be greater than 0");
}

static enum tvn_status decode_map(struct tvn_scope *scope, struct tvn_reader *reader,
                                  uint32_t offset, const struct tvn_type **out_type)
{
    const struct tvn_type *key;
    const struct tvn_type *value;
    TVN_TRY(tvn_decode_value_type(scope, reader, &key));
    TVN_TRY(tvn_decode_value_type(scope, reader, &value));
    if (key->kind > TVN_TYPE_STRING || key->kind == TVN_TYPE_F32 || key->kind == TVN_TYPE_F64) {
        return tvn_decode_invalid(scope->context, offset,
                                  "the key of a map must be an integer, bool, char or string");
    }
    if (value->has_handle) {
        return tvn_decode_invalid(scope->context, offset,
                                  "the value of a map cannot contain a handle");
    }
    return tvn_map_type_create(scope->context, offset, key, value, out_type);
}

static enum tvn_status decode_handle(struct tvn_scope *scope, struct tvn_reader *reader,
                                     struct tvn_type_spec *spec,
                                     const struct tvn_name_identity **out_identity)
{
    struct tvn_extern resource;
    TVN_TRY(tvn_scope_read_type(scope, reader, TVN_EXTERN_RESOURCE, &resource));
    spec->resource = resource.of.resource;
    *out_identity = resource.name_identity;
    return TVN_OK;
}

/* A value type other than primitives and maps; `opcode` is read already. */
static enum tvn_status decode_spec(struct tvn_scope *scope, struct tvn_reader *reader,
                                   uint8_t opcode, struct tvn_type_spec *spec,
                                   const struct tvn_name_identity **out_identity)
{
    uint32_t start = reader->at - 1;
    switch (opcode) {
    case OPCODE_RECORD:
        spec->kind = TVN_TYPE_RECORD;
        return decode_named_parts(scope, reader, spec);
    case OPCODE_VARIANT:
        spec->kind = TVN_TYPE_VARIANT;
        return decode_named_parts(scope, reader, spec);
    case OPCODE_FLAGS:
        spec->kind = TVN_TYPE_FLAGS;
        return decode_named_parts(scope, reader, spec);
    case OPCODE_ENUM:
        spec->kind = TVN_TYPE_ENUM;
        return decode_named_parts(scope, reader, spec);
    case OPCODE_TUPLE:
        spec->kind = TVN_TYPE_TUPLE;
        return decode_tuple(scope, reader, spec);
    case OPCODE_LIST:
    case OPCODE_FIXED_LIST:
        spec->kind = TVN_TYPE_LIST;
        return decode_list(scope, reader, opcode == OPCODE_FIXED_LIST, spec);
    case OPCODE_OPTION:
        spec->kind = TVN_TYPE_OPTION;
        return tvn_decode_value_type(scope, reader, &spec->element);
    case OPCODE_RESULT:
        spec->kind = TVN_TYPE_RESULT;
        TVN_TRY(decode_optional(scope, reader, &spec->element));
        return decode_optional(scope, reader, &spec->error);
    case OPCODE_OWN:
        spec->kind = TVN_TYPE_OWN;
        return decode_handle(scope, reader, spec, out_identity);
    case OPCODE_BORROW:
        spec->kind = TVN_TYPE_BORROW;
        return decode_handle(scope, reader, spec, out_identity);
    case OPCODE_STREAM:
    case OPCODE_FUTURE:
    case OPCODE_ERROR_CONTEXT:
        return tvn_decode_unsupported(scope->context, start,
                                      "stream, future or error-context type (WASI 0.3)");
    default:
        return tvn_decode_invalid(scope->context, start, "0x%02x is not a type", opcode);
    }
}

static enum tvn_status decode_defined(struct tvn_scope *scope, struct tvn_reader *reader,
                                      uint8_t opcode, struct tvn_slot *slot)
{
    uint32_t start = reader->at - 1;
    slot->type.kind = TVN_EXTERN_VALUE_TYPE;
    slot->type.of.value_type = primitive_of(opcode);
    if (slot->type.of.value_type) {
        return TVN_OK;
    }
    if (opcode == OPCODE_MAP) {
        return decode_map(scope, reader, start, &slot->type.of.value_type);
    }
    struct tvn_type_spec spec = {.name = {"", 0}};
    const struct tvn_name_identity *identity = NULL;
    TVN_TRY(decode_spec(scope, reader, opcode, &spec, &identity));
    return tvn_value_type_create(scope->context, start, &spec, identity, &slot->type.of.value_type);
}

static enum tvn_status decode_result(struct tvn_scope *scope, struct tvn_reader *reader,
                                     const struct tvn_type **out_type)
{
    uint32_t start = reader->at;
    uint8_t form;
    uint8_t none = 0;
    TVN_TRY(tvn_reader_byte(reader, &form));
    *out_type = NULL;
    if (form == 0x00) {
        TVN_TRY(tvn_decode_value_type(scope, reader, out_type));
        if ((*out_type)->has_borrow) {
            return tvn_decode_invalid(scope->context, start,
                                      "the result of a function cannot contain a borrow");
        }
        return TVN_OK;
    }
    if (form == 0x01) {
        TVN_TRY(tvn_reader_byte(reader, &none));
    }
    return form == 0x01 && none == 0x00
               ? TVN_OK
               : tvn_decode_invalid(scope->context, start, "malformed result of a function type");
}

static enum tvn_status decode_func(struct tvn_scope *scope, struct tvn_reader *reader,
                                   struct tvn_slot *slot)
{
    static const struct parts params = {"function parameter", 2, true, false};
    uint32_t start = reader->at - 1;
    struct tvn_func_type type = {0};
    TVN_TRY(decode_parts(scope, reader, &params, &type.params, &type.param_count));
    TVN_TRY(decode_result(scope, reader, &type.result));
    slot->type.kind = TVN_EXTERN_FUNC_TYPE;
    return tvn_function_type_create(scope->context, start, &type, &slot->type.of.func);
}

static enum tvn_status read_destructor(struct tvn_scope *scope, struct tvn_reader *reader,
                                       uint32_t *out_index)
{
    uint32_t start = reader->at;
    uint8_t present;
    TVN_TRY(tvn_reader_byte(reader, &present));
    *out_index = TVN_INDEX_NONE;
    if (present > 1) {
        return tvn_decode_invalid(scope->context, start,
                                  "0x%02x does not say if a destructor follows", present);
    }
    if (!present) {
        return TVN_OK;
    }
    static const uint8_t i32 = CORE_I32;
    static const struct tvn_core_func_type expected = {.params = &i32, .param_count = 1};
    const struct tvn_slot *function;
    TVN_TRY(tvn_scope_read(scope, reader, TVN_SORT_CORE_FUNC, out_index, &function));
    return tvn_core_func_type_equal(function->core->func, &expected)
               ? TVN_OK
               : tvn_decode_invalid(scope->context, start,
                                    "core function %u has the wrong signature for a destructor",
                                    *out_index);
}

/* A resource is the one type that is a definition of its own. */
static enum tvn_status decode_resource(struct tvn_scope *scope, struct tvn_reader *reader)
{
    uint32_t start = reader->at - 1;
    uint8_t representation;
    if (scope->kind != TVN_SCOPE_COMPONENT) {
        return tvn_decode_invalid(scope->context, start,
                                  "resources can only be defined within a concrete component");
    }
    TVN_TRY(tvn_reader_byte(reader, &representation));
    if (representation != CORE_I32) {
        return tvn_decode_invalid(scope->context, start + 1,
                                  "a resource can only be represented by i32");
    }
    struct tvn_def def = {.kind = TVN_DEF_RESOURCE, .sort = TVN_SORT_TYPE};
    struct tvn_slot slot = {.type = {.kind = TVN_EXTERN_RESOURCE}};
    TVN_TRY(read_destructor(scope, reader, &def.of.resource.destructor));
    TVN_TRY(
        tvn_resource_create(scope->decoder, (struct tvn_str){"", 0}, &def.of.resource.resource));
    slot.type.of.resource = def.of.resource.resource;
    slot.type.name_identity = tvn_identity_create(scope->context, NULL);
    if (!slot.type.name_identity) {
        return tvn_decode_failure(scope->context);
    }
    enum tvn_status status =
        tvn_pointer_map_set(&scope->local_resources, slot.type.of.resource, slot.type.of.resource);
    if (status != TVN_OK) {
        return tvn_decode_folded(scope->context, status, start, "resources");
    }
    return tvn_scope_define(scope, &def, &slot, start);
}

static enum tvn_status decode_declaration(struct tvn_scope *scope, struct tvn_reader *reader)
{
    uint32_t start = reader->at;
    uint8_t kind;
    TVN_TRY(tvn_reader_byte(reader, &kind));
    switch (kind) {
    case 0x00:
        return tvn_decode_core_type(scope, reader);
    case 0x01:
        return tvn_decode_type(scope, reader);
    case 0x02:
        return tvn_decode_alias(scope, reader);
    case 0x03:
        if (scope->kind == TVN_SCOPE_COMPONENT_TYPE) {
            return tvn_decode_import(scope, reader);
        }
        break;
    case 0x04:
        return tvn_decode_export_declaration(scope, reader);
    default:
        break;
    }
    return tvn_decode_invalid(
        scope->context, start, "0x%02x is not a declaration of a%s type", kind,
        scope->kind == TVN_SCOPE_COMPONENT_TYPE ? " component" : "n instance");
}

static enum tvn_status decode_declarations(struct tvn_scope *scope, struct tvn_reader *reader)
{
    uint32_t count;
    TVN_TRY(tvn_reader_count(reader, 2, &count));
    for (uint32_t i = 0; i < count; i++) {
        TVN_TRY(decode_declaration(scope, reader));
    }
    return TVN_OK;
}

static enum tvn_status decode_instance_type(struct tvn_scope *parent, struct tvn_reader *reader,
                                            struct tvn_slot *slot)
{
    uint32_t start = reader->at - 1;
    TVN_AUTO_VALUE(tvn_scope) scope;
    TVN_TRY(tvn_scope_init(&scope, parent->decoder, parent, TVN_SCOPE_INSTANCE_TYPE, start));
    TVN_TRY(decode_declarations(&scope, reader));
    struct tvn_instance_type type;
    struct tvn_resource_list fresh;
    TVN_TRY(tvn_scope_items(&scope, &scope.exports, &type.exports, &type.export_count));
    TVN_TRY(tvn_scope_fresh(&scope, &scope.exports, &fresh));
    slot->type.kind = TVN_EXTERN_INSTANCE_TYPE;
    return tvn_interface_type_create(parent->context, start, &type, fresh, &slot->type.of.instance);
}

static enum tvn_status decode_component_type(struct tvn_scope *parent, struct tvn_reader *reader,
                                             struct tvn_slot *slot)
{
    uint32_t start = reader->at - 1;
    TVN_AUTO_VALUE(tvn_scope) scope;
    TVN_TRY(tvn_scope_init(&scope, parent->decoder, parent, TVN_SCOPE_COMPONENT_TYPE, start));
    TVN_TRY(decode_declarations(&scope, reader));
    struct tvn_component_type type;
    struct tvn_resource_list import_fresh;
    struct tvn_resource_list export_fresh;
    TVN_TRY(tvn_scope_items(&scope, &scope.imports, &type.imports, &type.import_count));
    TVN_TRY(tvn_scope_items(&scope, &scope.exports, &type.exports, &type.export_count));
    TVN_TRY(tvn_scope_fresh(&scope, &scope.imports, &import_fresh));
    TVN_TRY(tvn_scope_fresh(&scope, &scope.exports, &export_fresh));
    slot->type.kind = TVN_EXTERN_COMPONENT_TYPE;
    return tvn_signature_create(parent->context, start, &type, import_fresh, export_fresh,
                                &slot->type.of.component);
}

enum tvn_status tvn_decode_type(struct tvn_scope *scope, struct tvn_reader *reader)
{
    uint32_t start = reader->at;
    uint8_t opcode;
    struct tvn_slot slot = {0};
    TVN_TRY(tvn_reader_byte(reader, &opcode));
    switch (opcode) {
    case OPCODE_RESOURCE:
        return decode_resource(scope, reader);
    case OPCODE_FUNC:
        TVN_TRY(decode_func(scope, reader, &slot));
        break;
    case OPCODE_FUNC_ASYNC:
        return tvn_decode_unsupported(scope->context, start, "async function type (WASI 0.3)");
    case OPCODE_COMPONENT:
        TVN_TRY(decode_component_type(scope, reader, &slot));
        break;
    case OPCODE_INSTANCE:
        TVN_TRY(decode_instance_type(scope, reader, &slot));
        break;
    default:
        TVN_TRY(decode_defined(scope, reader, opcode, &slot));
        break;
    }
    return tvn_scope_add(scope, TVN_SORT_TYPE, &slot, start);
}
