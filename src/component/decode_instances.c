/* SPDX-License-Identifier: Apache-2.0 */
/* Instances, core and component: instantiations, and bags of exports. */
#include "base/assert.h"
#include "base/map.h"
#include "component/decode_internal.h"

#define FORM_INSTANTIATE 0x00
#define FORM_EXPORTS     0x01
#define CORE_INSTANCE    0x12

static enum tvn_status read_core_args(struct tvn_scope *scope, struct tvn_reader *reader,
                                      struct tvn_def *def)
{
    uint32_t count;
    TVN_TRY(tvn_reader_count(reader, 3, &count));
    struct tvn_binding *args = TVN_DECODE_ARRAY(scope->context, struct tvn_binding, count);
    if (!args) {
        return tvn_decode_failure(scope->context);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint8_t kind;
        const struct tvn_slot *slot;
        TVN_TRY(tvn_reader_name(reader, &args[i].name));
        uint32_t start = reader->at;
        TVN_TRY(tvn_reader_byte(reader, &kind));
        if (kind != CORE_INSTANCE) {
            return tvn_decode_invalid(scope->context, start,
                                      "0x%02x is not a kind of core instantiation argument", kind);
        }
        args[i].sort = TVN_SORT_CORE_INSTANCE;
        TVN_TRY(tvn_scope_read(scope, reader, TVN_SORT_CORE_INSTANCE, &args[i].index, &slot));
    }
    def->of.core_instantiate.args = args;
    def->of.core_instantiate.arg_count = count;
    return TVN_OK;
}

/* The order of arguments by name; E0211 when two have one name. */
static enum tvn_status order_args(struct tvn_scope *scope, const struct tvn_binding *args,
                                  uint32_t count, uint32_t offset, const uint32_t **out_order)
{
    uint32_t twice;
    const struct tvn_name_array names = {args, sizeof(*args), count, 1};
    *out_order = tvn_name_order_create(scope->context, names, &twice);
    if (!*out_order) {
        return tvn_decode_failure(scope->context);
    }
    return twice == UINT32_MAX ? TVN_OK
                               : tvn_decode_invalid(scope->context, offset,
                                                    "duplicate instantiation argument named '%.*s'",
                                                    TVN_DECODE_NAME(args[twice].name));
}
_Static_assert(offsetof(struct tvn_binding, name) == 0, "searching takes the name first");

static enum tvn_status core_mismatch(struct tvn_scope *scope, uint32_t offset,
                                     const struct tvn_core_extern *import,
                                     const struct tvn_core_extern *actual)
{
    if (import->kind != actual->kind) {
        return tvn_decode_invalid(
            scope->context, offset, "core import '%.*s' '%.*s': expected %s, found %s",
            TVN_DECODE_NAME(import->module), TVN_DECODE_NAME(import->name),
            tvn_core_extern_kind_name(import->kind), tvn_core_extern_kind_name(actual->kind));
    }
    if (import->kind == TVN_CORE_EXTERN_FUNC) {
        TVN_AUTO_VALUE(tvn_strbuf) expected = {0};
        TVN_AUTO_VALUE(tvn_strbuf) found = {0};
        tvn_core_func_type_print(import->func, &expected);
        tvn_core_func_type_print(actual->func, &found);
        return tvn_decode_invalid(scope->context, offset,
                                  "core import '%.*s' '%.*s': expected %s, found %s",
                                  TVN_DECODE_NAME(import->module), TVN_DECODE_NAME(import->name),
                                  tvn_strbuf_text(&expected), tvn_strbuf_text(&found));
    }
    return tvn_decode_invalid(scope->context, offset,
                              "core import '%.*s' '%.*s': the type of the %s does not match",
                              TVN_DECODE_NAME(import->module), TVN_DECODE_NAME(import->name),
                              tvn_core_extern_kind_name(import->kind));
}

static enum tvn_status check_core_args(struct tvn_scope *scope, const struct tvn_def *def,
                                       const struct tvn_core_module_type *module, uint32_t offset)
{
    const struct tvn_binding *args = def->of.core_instantiate.args;
    const struct tvn_name_array names = {args, sizeof(*args), def->of.core_instantiate.arg_count,
                                         1};
    const uint32_t *order;
    TVN_TRY(order_args(scope, args, names.count, offset, &order));
    for (uint32_t i = 0; i < module->import_count; i++) {
        const struct tvn_core_extern *import = &module->imports[i];
        uint32_t at = tvn_name_order_find(names, order, &import->module);
        if (at == UINT32_MAX) {
            return tvn_decode_invalid(scope->context, offset,
                                      "missing core instantiation argument named '%.*s'",
                                      TVN_DECODE_NAME(import->module));
        }
        const struct tvn_slot *instance =
            &scope->spaces[TVN_SORT_CORE_INSTANCE].items[args[at].index];
        const struct tvn_core_extern *actual =
            tvn_core_module_find_export(instance->core_instance, import->name);
        if (!actual) {
            return tvn_decode_invalid(scope->context, offset,
                                      "core instance %u, argument '%.*s', has no export named "
                                      "'%.*s'",
                                      args[at].index, TVN_DECODE_NAME(import->module),
                                      TVN_DECODE_NAME(import->name));
        }
        if (!tvn_core_extern_matches(actual, import)) {
            return core_mismatch(scope, offset, import, actual);
        }
    }
    return TVN_OK;
}

static enum tvn_status core_instantiate(struct tvn_scope *scope, struct tvn_reader *reader,
                                        uint32_t offset)
{
    struct tvn_def def = {.kind = TVN_DEF_CORE_INSTANTIATE, .sort = TVN_SORT_CORE_INSTANCE};
    const struct tvn_slot *module;
    TVN_TRY(tvn_scope_read(scope, reader, TVN_SORT_CORE_MODULE, &def.of.core_instantiate.module,
                           &module));
    const struct tvn_slot slot = {.core_instance = module->core_module};
    TVN_TRY(read_core_args(scope, reader, &def));
    TVN_TRY(check_core_args(scope, &def, &slot.core_instance->type, offset));
    if (++scope->core_instantiations > TVN_COMPONENT_CORE_INSTANCES_MAX) {
        return tvn_decode_fail(scope->context, TVN_E_COMPONENT_TOO_COMPLEX, offset,
                               "a component instantiates more than %d core modules",
                               TVN_COMPONENT_CORE_INSTANCES_MAX);
    }
    return tvn_scope_define(scope, &def, &slot, offset);
}

static enum tvn_status read_core_export(struct tvn_scope *scope, struct tvn_reader *reader,
                                        struct tvn_binding *binding, struct tvn_core_extern *item)
{
    TVN_TRY(tvn_reader_name(reader, &binding->name));
    uint32_t start = reader->at;
    TVN_TRY(tvn_core_sort_read(reader, &binding->sort));
    const struct tvn_slot *slot;
    TVN_TRY(tvn_scope_read(scope, reader, binding->sort, &binding->index, &slot));
    if (!slot->core) {
        return tvn_decode_invalid(scope->context, start, "a core instance cannot export a %s",
                                  tvn_sort_name(binding->sort));
    }
    *item = *slot->core;
    item->module = (struct tvn_str){NULL, 0};
    item->name = binding->name;
    return TVN_OK;
}

static enum tvn_status core_exports(struct tvn_scope *scope, struct tvn_reader *reader,
                                    uint32_t offset)
{
    struct tvn_def def = {.kind = TVN_DEF_CORE_INSTANCE_EXPORTS, .sort = TVN_SORT_CORE_INSTANCE};
    uint32_t count;
    TVN_TRY(tvn_reader_count(reader, 3, &count));
    struct tvn_binding *bindings = TVN_DECODE_ARRAY(scope->context, struct tvn_binding, count);
    struct tvn_core_extern *items =
        bindings ? TVN_DECODE_ARRAY(scope->context, struct tvn_core_extern, count) : NULL;
    if (!items) {
        return tvn_decode_failure(scope->context);
    }
    for (uint32_t i = 0; i < count; i++) {
        TVN_TRY(read_core_export(scope, reader, &bindings[i], &items[i]));
    }
    def.of.exports.items = bindings;
    def.of.exports.count = count;
    const struct tvn_core_module_type type = {.exports = items, .export_count = count};
    struct tvn_slot slot = {0};
    TVN_TRY(tvn_core_module_index_create(scope->context, &type, offset, &slot.core_instance));
    return tvn_scope_define(scope, &def, &slot, offset);
}

static enum tvn_status read_form(struct tvn_reader *reader, uint8_t *out_form)
{
    uint32_t start = reader->at;
    TVN_TRY(tvn_reader_byte(reader, out_form));
    return *out_form <= FORM_EXPORTS
               ? TVN_OK
               : tvn_decode_invalid(reader->context, start, "0x%02x is not a kind of instance",
                                    *out_form);
}

enum tvn_status tvn_decode_core_instance(struct tvn_scope *scope, struct tvn_reader *reader)
{
    uint32_t start = reader->at;
    uint8_t form;
    TVN_TRY(read_form(reader, &form));
    return form == FORM_INSTANTIATE ? core_instantiate(scope, reader, start)
                                    : core_exports(scope, reader, start);
}

/* Sort and index of an item that may be an argument or an export. */
static enum tvn_status read_item(struct tvn_scope *scope, struct tvn_reader *reader,
                                 struct tvn_binding *binding, struct tvn_extern *out_type)
{
    uint32_t start = reader->at;
    const struct tvn_slot *slot;
    TVN_TRY(tvn_sort_read(reader, &binding->sort));
    if (binding->sort < TVN_SORT_FUNC && binding->sort != TVN_SORT_CORE_MODULE) {
        return tvn_decode_invalid(scope->context, start, "a %s cannot pass between components",
                                  tvn_sort_name(binding->sort));
    }
    TVN_TRY(tvn_scope_read(scope, reader, binding->sort, &binding->index, &slot));
    *out_type = slot->type;
    return TVN_OK;
}

struct argument {
    struct tvn_str name;
    struct tvn_extern type;
};

/* Matches every import of the component with its argument; resources and types get bound. */
static enum tvn_status match_args(struct tvn_scope *scope,
                                  const struct tvn_component_type *component,
                                  const struct argument *args, uint32_t count, uint32_t offset,
                                  struct tvn_substitution *substitution)
{
    uint32_t twice;
    const struct tvn_name_array names = {args, sizeof(*args), count, 1};
    const uint32_t *order = tvn_name_order_create(scope->context, names, &twice);
    if (!order) {
        return tvn_decode_failure(scope->context);
    }
    if (twice != UINT32_MAX) {
        return tvn_decode_invalid(scope->context, offset,
                                  "duplicate instantiation argument named '%.*s'",
                                  TVN_DECODE_NAME(args[twice].name));
    }
    struct tvn_match match = {
        .substitution = substitution, .what = "instantiation argument", .offset = offset};
    enum tvn_status status = tvn_match_open(&match, tvn_signature_of(component)->import_fresh);
    for (uint32_t i = 0; i < component->import_count && status == TVN_OK; i++) {
        uint32_t at = tvn_name_order_find(names, order, &component->imports[i].name);
        match.name = component->imports[i].name;
        status = at == UINT32_MAX
                     ? tvn_decode_invalid(scope->context, offset,
                                          "missing instantiation argument for import '%.*s'",
                                          TVN_DECODE_NAME(match.name))
                     : tvn_match_extern(&match, &args[at].type, &component->imports[i].type);
    }
    tvn_pointer_map_deinit(&match.open);
    return status;
}

/* A resource of a component without a name gets that of its export. */
static void name_resources(const struct tvn_extern_item *items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (items[i].type.kind == TVN_EXTERN_RESOURCE && items[i].type.of.resource->name.len == 0) {
            /* The document is still being built: nobody else has seen the resource. */
            struct tvn_resource *resource =
                (struct tvn_resource *)(uintptr_t)items[i].type.of.resource;
            resource->name = items[i].name;
        }
    }
}

/* What an instantiation exports: the component's exports with new resources. */
static enum tvn_status result_type(struct tvn_scope *scope,
                                   const struct tvn_component_type *component, uint32_t offset,
                                   struct tvn_substitution *substitution,
                                   const struct tvn_instance_type **out_type)
{
    const struct tvn_signature *signature = tvn_signature_of(component);
    for (uint32_t i = 0; i < signature->export_fresh.count; i++) {
        const struct tvn_resource *fresh = signature->export_fresh.items[i];
        const struct tvn_resource *made;
        TVN_TRY(tvn_resource_create(scope->decoder, fresh->name, &made));
        TVN_TRY(tvn_substitution_add(substitution, fresh, made));
    }
    struct tvn_extern_item *exports =
        TVN_DECODE_ARRAY(scope->context, struct tvn_extern_item, component->export_count);
    if (!exports) {
        return tvn_decode_failure(scope->context);
    }
    for (uint32_t i = 0; i < component->export_count; i++) {
        exports[i] = component->exports[i];
        exports[i].fresh_resource = false;
        TVN_TRY(tvn_substitute_extern(substitution, &component->exports[i].type, &exports[i].type));
    }
    name_resources(exports, component->export_count);
    const struct tvn_instance_type type = {exports, component->export_count};
    return tvn_interface_type_create(scope->context, offset, &type, (struct tvn_resource_list){0},
                                     out_type);
}

static enum tvn_status read_args(struct tvn_scope *scope, struct tvn_reader *reader,
                                 struct tvn_def *def, const struct argument **out_args)
{
    uint32_t count;
    TVN_TRY(tvn_reader_count(reader, 3, &count));
    struct tvn_binding *bindings = TVN_DECODE_ARRAY(scope->context, struct tvn_binding, count);
    struct argument *args =
        bindings ? TVN_DECODE_ARRAY(scope->context, struct argument, count) : NULL;
    if (!args) {
        return tvn_decode_failure(scope->context);
    }
    for (uint32_t i = 0; i < count; i++) {
        TVN_TRY(tvn_reader_name(reader, &args[i].name));
        bindings[i].name = args[i].name;
        TVN_TRY(read_item(scope, reader, &bindings[i], &args[i].type));
    }
    def->of.instantiate.args = bindings;
    def->of.instantiate.arg_count = count;
    *out_args = args;
    return TVN_OK;
}

static enum tvn_status instantiate(struct tvn_scope *scope, struct tvn_reader *reader,
                                   uint32_t offset)
{
    struct tvn_def def = {.kind = TVN_DEF_INSTANTIATE, .sort = TVN_SORT_INSTANCE};
    const struct tvn_slot *found;
    const struct argument *args = NULL;
    TVN_TRY(
        tvn_scope_read(scope, reader, TVN_SORT_COMPONENT, &def.of.instantiate.component, &found));
    const struct tvn_component_type *component = found->type.of.component;
    TVN_TRY(read_args(scope, reader, &def, &args));
    TVN_AUTO_VALUE(tvn_substitution) substitution;
    tvn_substitution_init(&substitution, scope->context, offset);
    TVN_TRY(
        match_args(scope, component, args, def.of.instantiate.arg_count, offset, &substitution));
    struct tvn_slot slot = {.type = {.kind = TVN_EXTERN_INSTANCE}};
    TVN_TRY(result_type(scope, component, offset, &substitution, &slot.type.of.instance));
    return tvn_scope_define(scope, &def, &slot, offset);
}

static enum tvn_status read_export(struct tvn_scope *scope, struct tvn_reader *reader,
                                   struct tvn_map *names, struct tvn_binding *binding,
                                   struct tvn_extern_item *item)
{
    uint32_t start = reader->at;
    struct tvn_extern_name name = {0};
    bool implements = false;
    struct tvn_extern type = {0};
    TVN_TRY(tvn_decode_extern_name(scope, reader, &name, &implements));
    binding->name = name.text;
    TVN_TRY(read_item(scope, reader, binding, &type));
    if (implements) {
        TVN_TRY(tvn_check_implements(scope->context, &name, type.kind, start));
    }
    TVN_TRY(tvn_check_extern_name(scope->context, names, NULL, &name, &type, start, "export"));
    *item = (struct tvn_extern_item){.name = name.text, .type = type, .offset = start};
    return TVN_OK;
}

static enum tvn_status inline_exports(struct tvn_scope *scope, struct tvn_reader *reader,
                                      uint32_t offset)
{
    struct tvn_def def = {.kind = TVN_DEF_INSTANCE_EXPORTS, .sort = TVN_SORT_INSTANCE};
    uint32_t count;
    TVN_TRY(tvn_reader_count(reader, 4, &count));
    struct tvn_binding *bindings = TVN_DECODE_ARRAY(scope->context, struct tvn_binding, count);
    struct tvn_extern_item *items =
        bindings ? TVN_DECODE_ARRAY(scope->context, struct tvn_extern_item, count) : NULL;
    if (!items) {
        return tvn_decode_failure(scope->context);
    }
    TVN_AUTO(tvn_map) names = tvn_map_create(count);
    if (!names) {
        return tvn_decode_folded(scope->context, TVN_E_OUT_OF_MEMORY, offset, "names");
    }
    for (uint32_t i = 0; i < count; i++) {
        TVN_TRY(read_export(scope, reader, names, &bindings[i], &items[i]));
    }
    name_resources(items, count);
    def.of.exports.items = bindings;
    def.of.exports.count = count;
    const struct tvn_instance_type type = {items, count};
    struct tvn_slot slot = {.type = {.kind = TVN_EXTERN_INSTANCE}};
    TVN_TRY(tvn_interface_type_create(scope->context, offset, &type, (struct tvn_resource_list){0},
                                      &slot.type.of.instance));
    return tvn_scope_define(scope, &def, &slot, offset);
}

enum tvn_status tvn_decode_instance(struct tvn_scope *scope, struct tvn_reader *reader)
{
    uint32_t start = reader->at;
    uint8_t form;
    TVN_TRY(read_form(reader, &form));
    return form == FORM_INSTANTIATE ? instantiate(scope, reader, start)
                                    : inline_exports(scope, reader, start);
}
