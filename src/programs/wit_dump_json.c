/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "format/json_writer.h"
#include "programs/wit_dump_internal.h"

struct writer {
    struct tvn_dump *dump;
    struct tvn_json_writer json;
    struct tvn_strbuf text; /* scratch */
};

static void write_id_field(struct writer *writer, const char *key, size_t id)
{
    if (id == SIZE_MAX) {
        tvn_json_key(&writer->json, key);
        tvn_json_write_null(&writer->json);
    } else {
        tvn_json_field_u64(&writer->json, key, id);
    }
}

static void write_str_field(struct writer *writer, const char *key, struct tvn_str text)
{
    tvn_json_key(&writer->json, key);
    tvn_json_write_str(&writer->json, text);
}

static void write_docs(struct writer *writer, const char *docs)
{
    if (docs && *docs) {
        tvn_json_key(&writer->json, "docs");
        tvn_json_begin_object(&writer->json);
        tvn_json_field_text(&writer->json, "contents", docs);
        tvn_json_end_object(&writer->json);
    }
}

static void write_version(struct writer *writer, const char *key, const struct tvn_semver *version)
{
    if (version->valid) {
        tvn_strbuf_reset(&writer->text);
        tvn_semver_print(version, &writer->text);
        write_str_field(writer, key, tvn_strbuf_view(&writer->text));
    }
}

static void write_stability(struct writer *writer, const struct tvn_attributes *attributes)
{
    struct tvn_json_writer *json = &writer->json;
    if (!attributes || (attributes->unstable.len == 0 && !attributes->since.valid)) {
        return;
    }
    bool unstable = attributes->unstable.len > 0;
    tvn_json_key(json, "stability");
    tvn_json_begin_object(json);
    tvn_json_key(json, unstable ? "unstable" : "stable");
    tvn_json_begin_object(json);
    if (unstable) {
        write_str_field(writer, "feature", attributes->unstable);
    } else {
        write_version(writer, "since", &attributes->since);
    }
    write_version(writer, "deprecated", &attributes->deprecated);
    tvn_json_end_object(json);
    tvn_json_end_object(json);
}

static void write_external_id(struct writer *writer, const struct tvn_attributes *attributes)
{
    if (attributes && attributes->external_id.ptr) {
        write_str_field(writer, "external_id", attributes->external_id);
    }
}

static const char *scalar_name(enum tvn_type_kind kind)
{
    static const char *const names[] = {
        [TVN_TYPE_BOOL] = "bool",     [TVN_TYPE_S8] = "s8",
        [TVN_TYPE_U8] = "u8",         [TVN_TYPE_S16] = "s16",
        [TVN_TYPE_U16] = "u16",       [TVN_TYPE_S32] = "s32",
        [TVN_TYPE_U32] = "u32",       [TVN_TYPE_S64] = "s64",
        [TVN_TYPE_U64] = "u64",       [TVN_TYPE_F32] = "f32",
        [TVN_TYPE_F64] = "f64",       [TVN_TYPE_CHAR] = "char",
        [TVN_TYPE_STRING] = "string", [TVN_TYPE_ERROR_CONTEXT] = "error-context",
    };
    return names[kind];
}

static void write_reference(struct writer *writer, const struct tvn_dump_scope *scope,
                            const struct tvn_type *type)
{
    const char *name = type && type->name.len == 0 ? scalar_name(type->kind) : NULL;
    if (!type) {
        tvn_json_write_null(&writer->json);
    } else if (name) {
        tvn_json_write_text(&writer->json, name);
    } else {
        tvn_json_write_u64(&writer->json, tvn_dump_type_id(writer->dump, scope, type));
    }
}

static void write_fields(struct writer *writer, const struct tvn_dump_scope *scope,
                         const struct tvn_type *type, const char *list)
{
    struct tvn_json_writer *json = &writer->json;
    tvn_json_begin_object(json);
    tvn_json_key(json, list);
    tvn_json_begin_array(json);
    for (uint32_t i = 0; i < type->field_count; i++) {
        const struct tvn_field *field = &type->fields[i];
        if (type->kind == TVN_TYPE_TUPLE) {
            write_reference(writer, scope, field->type);
            continue;
        }
        tvn_json_begin_object(json);
        write_str_field(writer, "name", field->name);
        if (type->kind == TVN_TYPE_RECORD || type->kind == TVN_TYPE_VARIANT) {
            tvn_json_key(json, "type");
            write_reference(writer, scope, field->type);
        }
        write_docs(writer, field->docs);
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
    tvn_json_end_object(json);
}

static void write_list(struct writer *writer, const struct tvn_dump_scope *scope,
                       const struct tvn_type *type)
{
    struct tvn_json_writer *json = &writer->json;
    if (type->is_map || type->list_length > 0) {
        tvn_json_key(json, type->is_map ? "map" : "fixed-length-list");
        tvn_json_begin_array(json);
        if (type->is_map) {
            write_reference(writer, scope, type->element->fields[0].type);
            write_reference(writer, scope, type->element->fields[1].type);
        } else {
            write_reference(writer, scope, type->element);
            tvn_json_write_u64(json, type->list_length);
        }
        tvn_json_end_array(json);
    } else {
        tvn_json_key(json, "list");
        write_reference(writer, scope, type->element);
    }
}

static void write_result(struct writer *writer, const struct tvn_dump_scope *scope,
                         const struct tvn_type *type)
{
    struct tvn_json_writer *json = &writer->json;
    tvn_json_begin_object(json);
    tvn_json_key(json, "ok");
    write_reference(writer, scope, type->element);
    tvn_json_key(json, "err");
    write_reference(writer, scope, type->error);
    tvn_json_end_object(json);
}

/* Within the object behind "kind". */
static void write_kind_members(struct writer *writer, const struct tvn_dump_scope *scope,
                               const struct tvn_type *type)
{
    struct tvn_json_writer *json = &writer->json;
    switch ((int)type->kind) {
    case TVN_TYPE_RECORD:
        tvn_json_key(json, "record");
        write_fields(writer, scope, type, "fields");
        return;
    case TVN_TYPE_FLAGS:
        tvn_json_key(json, "flags");
        write_fields(writer, scope, type, "flags");
        return;
    case TVN_TYPE_TUPLE:
        tvn_json_key(json, "tuple");
        write_fields(writer, scope, type, "types");
        return;
    case TVN_TYPE_VARIANT:
    case TVN_TYPE_ENUM:
        tvn_json_key(json, type->kind == TVN_TYPE_ENUM ? "enum" : "variant");
        write_fields(writer, scope, type, "cases");
        return;
    case TVN_TYPE_LIST:
        write_list(writer, scope, type);
        return;
    case TVN_TYPE_OPTION:
    case TVN_TYPE_STREAM:
    case TVN_TYPE_FUTURE:
        tvn_json_key(json, type->kind == TVN_TYPE_OPTION   ? "option"
                           : type->kind == TVN_TYPE_STREAM ? "stream"
                                                           : "future");
        write_reference(writer, scope, type->element);
        return;
    case TVN_TYPE_RESULT:
        tvn_json_key(json, "result");
        write_result(writer, scope, type);
        return;
    case TVN_TYPE_OWN:
    case TVN_TYPE_BORROW:
        tvn_json_key(json, "handle");
        tvn_json_begin_object(json);
        write_id_field(
            writer, type->kind == TVN_TYPE_OWN ? "own" : "borrow",
            tvn_dump_resource_id(writer->dump, scope, type->resource, type->resource_name));
        tvn_json_end_object(json);
        return;
    default:
        tvn_json_field_text(json, "type", scalar_name(type->kind));
        return;
    }
}

static void write_named_kind(struct writer *writer, const struct tvn_dump_scope *scope,
                             const struct tvn_type_item *item)
{
    struct tvn_json_writer *json = &writer->json;
    tvn_json_key(json, "kind");
    if (item->kind == TVN_TYPE_ITEM_RESOURCE && item->used_name.len == 0) {
        tvn_json_write_text(json, "resource");
        return;
    }
    tvn_json_begin_object(json);
    if (item->kind == TVN_TYPE_ITEM_USED) {
        write_id_field(writer, "type", tvn_dump_used_id(writer->dump, item));
    } else if (item->kind == TVN_TYPE_ITEM_RESOURCE) {
        write_id_field(writer, "type",
                       tvn_dump_resource_id(writer->dump, scope, item->resource, item->used_name));
    } else if (item->type->alias_of) {
        tvn_json_key(json, "type");
        write_reference(writer, scope, item->type->alias_of);
    } else {
        write_kind_members(writer, scope, item->type);
    }
    tvn_json_end_object(json);
}

static void write_named_type(struct writer *writer, const struct tvn_dump_scope *scope,
                             const struct tvn_type_item *item)
{
    struct tvn_json_writer *json = &writer->json;
    tvn_json_begin_object(json);
    write_str_field(writer, "name", item->name);
    write_named_kind(writer, scope, item);
    tvn_json_key(json, "owner");
    tvn_json_begin_object(json);
    tvn_json_field_u64(json, scope->is_world ? "world" : "interface", scope->owner);
    tvn_json_end_object(json);
    write_docs(writer, item->docs);
    write_stability(writer, item->attributes);
    write_external_id(writer, item->attributes);
    tvn_json_end_object(json);
}

static void write_types(struct writer *writer)
{
    struct tvn_json_writer *json = &writer->json;
    struct tvn_dump *dump = writer->dump;
    tvn_json_key(json, "types");
    tvn_json_begin_array(json);
    for (size_t i = 0; i < dump->scopes.count; i++) {
        for (size_t k = 0; k < dump->scopes.items[i]->count; k++) {
            write_named_type(writer, dump->scopes.items[i], dump->scopes.items[i]->items[k]);
        }
    }
    for (size_t i = 0; i < dump->anonymous.count && !dump->failed; i++) { /* grows as it goes */
        struct tvn_dump_anonymous anonymous = dump->anonymous.items[i];
        tvn_json_begin_object(json);
        tvn_json_field_text(json, "name", NULL);
        tvn_json_key(json, "kind");
        tvn_json_begin_object(json);
        write_kind_members(writer, anonymous.scope, anonymous.type);
        tvn_json_end_object(json);
        tvn_json_field_text(json, "owner", NULL);
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
}

static const char *func_kind(const struct tvn_func *func)
{
    static const char *const kinds[3][4] = {
        [TVN_FUNC_FREE] = {"freestanding", "async-freestanding", "getter", "setter"},
        [TVN_FUNC_METHOD] = {"method", "async-method", "method-getter", "method-setter"},
        [TVN_FUNC_STATIC] = {"static", "async-static", "static-getter", "static-setter"},
    };
    if (func->kind == TVN_FUNC_CONSTRUCTOR) {
        return "constructor";
    }
    if (func->accessor != TVN_FUNC_PLAIN) {
        return kinds[func->kind][func->accessor == TVN_FUNC_GETTER ? 2 : 3];
    }
    return kinds[func->kind][func->type.is_async ? 1 : 0];
}

/* The resource's name in "[method]buffer.read". */
static struct tvn_str resource_part(struct tvn_str name)
{
    size_t bracket = tvn_str_find_last(name, ']');
    struct tvn_str rest = tvn_str_slice(name, bracket == SIZE_MAX ? 0 : bracket + 1, name.len);
    size_t dot = tvn_str_find(rest, '.');
    return tvn_str_slice(rest, 0, dot == SIZE_MAX ? rest.len : dot);
}

static void write_func(struct writer *writer, const struct tvn_dump_scope *scope,
                       const struct tvn_func *func)
{
    struct tvn_json_writer *json = &writer->json;
    tvn_json_begin_object(json);
    write_str_field(writer, "name", func->name);
    tvn_json_key(json, "kind");
    if (func->resource) {
        tvn_json_begin_object(json);
        write_id_field(
            writer, func_kind(func),
            tvn_dump_resource_id(writer->dump, scope, func->resource, resource_part(func->name)));
        tvn_json_end_object(json);
    } else {
        tvn_json_write_text(json, func_kind(func));
    }
    tvn_json_key(json, "params");
    tvn_json_begin_array(json);
    for (uint32_t i = 0; i < func->type.param_count; i++) {
        tvn_json_begin_object(json);
        write_str_field(writer, "name", func->type.params[i].name);
        tvn_json_key(json, "type");
        write_reference(writer, scope, func->type.params[i].type);
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
    if (func->type.result) {
        tvn_json_key(json, "result");
        write_reference(writer, scope, func->type.result);
    }
    write_docs(writer, func->docs);
    write_stability(writer, func->attributes);
    write_external_id(writer, func->attributes);
    tvn_json_end_object(json);
}

static void write_interface(struct writer *writer, const struct tvn_dump_interface *interface)
{
    struct tvn_json_writer *json = &writer->json;
    const struct tvn_interface *model = interface->model;
    tvn_json_begin_object(json);
    tvn_json_key(json, "name");
    if (interface->is_inline) {
        tvn_json_write_null(json);
    } else {
        tvn_json_write_str(json, model->name);
    }
    tvn_json_key(json, "types");
    tvn_json_begin_object(json);
    for (size_t i = 0; i < interface->scope->count; i++) {
        tvn_json_key_str(json, interface->scope->items[i]->name);
        tvn_json_write_u64(json, interface->scope->first_type + i);
    }
    tvn_json_end_object(json);
    tvn_json_key(json, "functions");
    tvn_json_begin_object(json);
    for (size_t i = 0; i < model->func_count; i++) {
        tvn_json_key_str(json, model->funcs[i].name);
        write_func(writer, interface->scope, &model->funcs[i]);
    }
    tvn_json_end_object(json);
    write_docs(writer, interface->is_inline ? NULL : model->docs); /* else the import's */
    write_stability(writer, model->attributes);
    tvn_json_field_u64(json, "package", interface->package);
    tvn_json_end_object(json);
}

static void write_interface_item(struct writer *writer, const struct tvn_world_item *item,
                                 size_t number)
{
    struct tvn_json_writer *json = &writer->json;
    tvn_json_key(json, "interface");
    tvn_json_begin_object(json);
    write_id_field(writer, "id", number);
    write_stability(writer, item->attributes);
    write_external_id(writer, item->attributes);
    write_docs(writer, item->docs);
    tvn_json_end_object(json);
}

/* "interface-3" for an interface that goes by its id, else the name. */
static void write_world_key(struct writer *writer, const struct tvn_world_item *item, size_t number)
{
    bool by_id = item->kind == TVN_WORLD_INTERFACE &&
                 item->interface->package.namespace_name.len > 0 &&
                 tvn_str_equal(item->name, item->interface->id);
    if (!by_id) {
        tvn_json_key_str(&writer->json, item->name);
        return;
    }
    tvn_strbuf_reset(&writer->text);
    tvn_strbuf_printf(&writer->text, "interface-%zu", number);
    tvn_json_key_str(&writer->json, tvn_strbuf_view(&writer->text));
}

static void write_world_items(struct writer *writer, const struct tvn_dump_world *world,
                              bool exports, size_t *next_inline)
{
    struct tvn_json_writer *json = &writer->json;
    const struct tvn_world_item *items = exports ? world->model->exports : world->model->imports;
    size_t count = exports ? world->model->export_count : world->model->import_count;
    size_t next_type = world->scope->first_type;
    tvn_json_key(json, exports ? "exports" : "imports");
    tvn_json_begin_object(json);
    for (size_t i = 0; i < count; i++) {
        const struct tvn_world_item *item = &items[i];
        size_t number = SIZE_MAX;
        if (item->kind == TVN_WORLD_INTERFACE) {
            number = item->interface->package.namespace_name.len == 0
                         ? (*next_inline)++
                         : tvn_dump_interface_number(writer->dump, item->interface);
        }
        write_world_key(writer, item, number);
        tvn_json_begin_object(json);
        if (item->kind == TVN_WORLD_INTERFACE) {
            write_interface_item(writer, item, number);
        } else if (item->kind == TVN_WORLD_FUNC) {
            tvn_json_key(json, "function");
            write_func(writer, world->scope, item->func);
        } else {
            tvn_json_field_u64(json, "type", next_type++);
        }
        tvn_json_end_object(json);
    }
    tvn_json_end_object(json);
}

static void write_world(struct writer *writer, const struct tvn_dump_world *world)
{
    struct tvn_json_writer *json = &writer->json;
    size_t next_inline = world->first_inline;
    tvn_json_begin_object(json);
    write_str_field(writer, "name", world->model->name);
    write_world_items(writer, world, false, &next_inline);
    write_world_items(writer, world, true, &next_inline);
    tvn_json_field_u64(json, "package", world->package);
    write_docs(writer, world->model->docs);
    write_stability(writer, world->model->attributes);
    tvn_json_end_object(json);
}

static void write_package(struct writer *writer, size_t number)
{
    struct tvn_json_writer *json = &writer->json;
    struct tvn_dump *dump = writer->dump;
    const struct tvn_package *package = tvn_wit_package_at(dump->wit, number);
    tvn_json_begin_object(json);
    tvn_strbuf_reset(&writer->text);
    tvn_package_id_print(&package->id, &writer->text);
    write_str_field(writer, "name", tvn_strbuf_view(&writer->text));
    write_docs(writer, package->docs);
    tvn_json_key(json, "interfaces");
    tvn_json_begin_object(json);
    for (size_t i = 0; i < package->interface_count; i++) {
        tvn_json_key_str(json, package->interfaces[i]->name);
        tvn_json_write_u64(json, tvn_dump_interface_number(dump, package->interfaces[i]));
    }
    tvn_json_end_object(json);
    tvn_json_key(json, "worlds");
    tvn_json_begin_object(json);
    for (size_t i = 0; i < dump->worlds.count; i++) {
        if (dump->worlds.items[i].package == number) {
            tvn_json_key_str(json, dump->worlds.items[i].model->name);
            tvn_json_write_u64(json, i);
        }
    }
    tvn_json_end_object(json);
    tvn_json_end_object(json);
}

void tvn_dump_write_json(struct tvn_dump *dump, struct tvn_strbuf *out)
{
    tvn_assert(dump);
    tvn_assert(out);
    struct writer writer = {.dump = dump};
    tvn_json_writer_init(&writer.json, out, 2);
    tvn_json_begin_object(&writer.json);
    tvn_json_key(&writer.json, "worlds");
    tvn_json_begin_array(&writer.json);
    for (size_t i = 0; i < dump->worlds.count; i++) {
        write_world(&writer, &dump->worlds.items[i]);
    }
    tvn_json_end_array(&writer.json);
    tvn_json_key(&writer.json, "interfaces");
    tvn_json_begin_array(&writer.json);
    for (size_t i = 0; i < dump->interfaces.count; i++) {
        write_interface(&writer, &dump->interfaces.items[i]);
    }
    tvn_json_end_array(&writer.json);
    write_types(&writer);
    tvn_json_key(&writer.json, "packages");
    tvn_json_begin_array(&writer.json);
    for (size_t i = 0; i < tvn_wit_package_count(dump->wit); i++) {
        write_package(&writer, i);
    }
    tvn_json_end_array(&writer.json);
    tvn_json_end_object(&writer.json);
    tvn_strbuf_add_char(out, '\n');
    dump->failed |= writer.text.failed;
    tvn_strbuf_deinit(&writer.text);
}
