/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "contracts/wit.h"
#include "contracts/wit_name_internal.h"
#include "contracts/wit_print_internal.h"

void tvn_wit_print_line_start(const struct tvn_wit_printer *printer)
{
    tvn_strbuf_add_repeat(printer->out, ' ', (size_t)printer->indent * 2);
}

/* One "///" line per line. Lines of a binary may hold anything: what WIT forbids is escaped. */
void tvn_wit_print_docs(const struct tvn_wit_printer *printer, const char *docs)
{
    while (docs && *docs && !printer->out->failed) {
        size_t length = strcspn(docs, "\n");
        tvn_wit_print_line_start(printer);
        tvn_strbuf_add_text(printer->out, length > 0 ? "/// " : "///");
        for (size_t from = 0; from < length;) {
            size_t plain = from;
            while (plain < length && docs[plain] != '\t') {
                plain++;
            }
            tvn_strbuf_add_escaped(printer->out, (struct tvn_str){docs + from, plain - from});
            if (plain < length) {
                tvn_strbuf_add_char(printer->out, '\t');
            }
            from = plain + (plain < length);
        }
        tvn_strbuf_add_char(printer->out, '\n');
        docs += length + (docs[length] == '\n');
    }
}

/* A string literal; what may not stand in WIT as \u{…}. */
static void print_string(struct tvn_strbuf *out, struct tvn_str text)
{
    tvn_strbuf_add_char(out, '"');
    for (size_t at = 0; at < text.len && !out->failed;) {
        uint32_t c;
        size_t size = tvn_utf8_decode(text.ptr + at, text.len - at, &c);
        if (size == 0) {
            c = 0xfffd;
            size = 1;
        }
        if (c == '"' || c == '\\') {
            tvn_strbuf_add_char(out, '\\');
            tvn_strbuf_add_char(out, (char)c);
        } else if (c >= 0x20 && c < 0x7f) {
            tvn_strbuf_add_char(out, (char)c);
        } else {
            tvn_strbuf_printf(out, "\\u{%x}", c);
        }
        at += size;
    }
    tvn_strbuf_add_char(out, '"');
}

static void print_version_gate(const struct tvn_wit_printer *printer, const char *word,
                               const struct tvn_semver *version)
{
    if (version->valid) {
        tvn_wit_print_line_start(printer);
        tvn_strbuf_printf(printer->out, "@%s(version = ", word);
        tvn_semver_print(version, printer->out);
        tvn_strbuf_add_text(printer->out, ")\n");
    }
}

void tvn_wit_print_attributes(const struct tvn_wit_printer *printer,
                              const struct tvn_attributes *attributes)
{
    if (!attributes) {
        return;
    }
    print_version_gate(printer, "since", &attributes->since);
    if (attributes->unstable.len > 0) {
        tvn_wit_print_line_start(printer);
        tvn_strbuf_add_text(printer->out, "@unstable(feature = ");
        tvn_wit_print_name(printer->out, attributes->unstable);
        tvn_strbuf_add_text(printer->out, ")\n");
    }
    print_version_gate(printer, "deprecated", &attributes->deprecated);
    if (attributes->external_id.ptr) {
        tvn_wit_print_line_start(printer);
        tvn_strbuf_add_text(printer->out, "@external-id(");
        print_string(printer->out, attributes->external_id);
        tvn_strbuf_add_text(printer->out, ")\n");
    }
}

static bool same_package(const struct tvn_package_id *a, const struct tvn_package_id *b)
{
    return tvn_str_equal(a->namespace_name, b->namespace_name) && tvn_str_equal(a->name, b->name) &&
           a->version.valid == b->version.valid &&
           (!a->version.valid || (tvn_semver_compare(&a->version, &b->version) == 0 &&
                                  tvn_str_equal(a->version.build, b->version.build)));
}

void tvn_wit_print_path(const struct tvn_wit_printer *printer,
                        const struct tvn_interface *interface)
{
    const struct tvn_package_id *package = &interface->package;
    bool local = package->namespace_name.len == 0 ||
                 (printer->package && same_package(printer->package, package));
    if (!local) {
        tvn_wit_print_name(printer->out, package->namespace_name);
        tvn_strbuf_add_char(printer->out, ':');
        tvn_wit_print_name(printer->out, package->name);
        tvn_strbuf_add_char(printer->out, '/');
    }
    tvn_wit_print_name(printer->out, interface->name);
    if (!local && package->version.valid) {
        tvn_strbuf_add_char(printer->out, '@');
        tvn_semver_print(&package->version, printer->out);
    }
}

size_t tvn_wit_print_use(const struct tvn_wit_printer *printer,
                         const struct tvn_type_item *const *items, size_t count)
{
    tvn_wit_print_attributes(printer, items[0]->attributes);
    tvn_wit_print_line_start(printer);
    tvn_strbuf_add_text(printer->out, "use ");
    tvn_wit_print_path(printer, items[0]->used_from);
    size_t i = 0;
    for (; i < count && items[i]->used_from == items[0]->used_from &&
           items[i]->attributes == items[0]->attributes && !printer->out->failed;
         i++) {
        tvn_strbuf_add_text(printer->out, i == 0 ? ".{" : ", ");
        tvn_wit_print_name(printer->out, items[i]->used_name);
        if (!tvn_str_equal(items[i]->used_name, items[i]->name)) {
            tvn_strbuf_add_text(printer->out, " as ");
            tvn_wit_print_name(printer->out, items[i]->name);
        }
    }
    tvn_strbuf_add_text(printer->out, "};\n");
    return i;
}

void tvn_wit_print_func_type(const struct tvn_wit_printer *printer, const struct tvn_func *func)
{
    static const char *const words[] = {"func", "get", "set"};
    if (func->kind == TVN_FUNC_STATIC) {
        tvn_strbuf_add_text(printer->out, "static ");
    }
    if (func->type.is_async) {
        tvn_strbuf_add_text(printer->out, "async ");
    }
    tvn_strbuf_add_text(printer->out, words[func->accessor]);
    tvn_wit_print_signature(printer, func);
}

static void print_func(const struct tvn_wit_printer *printer, const struct tvn_func *func)
{
    tvn_wit_print_docs(printer, func->docs);
    tvn_wit_print_attributes(printer, func->attributes);
    tvn_wit_print_line_start(printer);
    if (func->kind == TVN_FUNC_CONSTRUCTOR) {
        tvn_strbuf_add_text(printer->out, "constructor");
        tvn_wit_print_signature(printer, func);
    } else {
        tvn_wit_print_name(printer->out, func->item_name);
        tvn_strbuf_add_text(printer->out, ": ");
        tvn_wit_print_func_type(printer, func);
    }
    tvn_strbuf_add_text(printer->out, ";\n");
}

static void print_resource(const struct tvn_wit_printer *printer, const struct tvn_type_item *item)
{
    struct tvn_wit_printer inner = *printer;
    inner.indent++;
    tvn_strbuf_add_text(printer->out, "resource ");
    tvn_wit_print_name(printer->out, item->name);
    size_t place = 0;
    const struct tvn_func *func = tvn_wit_names_method(printer->names, item->resource, &place);
    if (!func) {
        tvn_strbuf_add_text(printer->out, ";\n");
        return;
    }
    tvn_strbuf_add_text(printer->out, " {\n");
    for (; func && !printer->out->failed;
         func = tvn_wit_names_method(printer->names, item->resource, &place)) {
        print_func(&inner, func);
    }
    tvn_wit_print_line_start(printer);
    tvn_strbuf_add_text(printer->out, "}\n");
}

static void print_fields(const struct tvn_wit_printer *printer, const char *word,
                         const struct tvn_type_item *item)
{
    struct tvn_wit_printer inner = *printer;
    inner.indent++;
    tvn_strbuf_add_text(printer->out, word);
    tvn_wit_print_name(printer->out, item->name);
    tvn_strbuf_add_text(printer->out, " {\n");
    const struct tvn_type *type = item->type;
    for (uint32_t i = 0; i < type->field_count && !printer->out->failed; i++) {
        const struct tvn_field *field = &type->fields[i];
        tvn_wit_print_docs(&inner, field->docs);
        tvn_wit_print_line_start(&inner);
        tvn_wit_print_name(printer->out, field->name);
        if (field->type) {
            tvn_strbuf_add_text(printer->out, type->kind == TVN_TYPE_RECORD ? ": " : "(");
            tvn_wit_print_type_reference(&inner, field->type);
            tvn_strbuf_add_text(printer->out, type->kind == TVN_TYPE_RECORD ? "" : ")");
        }
        tvn_strbuf_add_text(printer->out, ",\n");
    }
    tvn_wit_print_line_start(printer);
    tvn_strbuf_add_text(printer->out, "}\n");
}

static void print_alias(const struct tvn_wit_printer *printer, const struct tvn_type_item *item)
{
    tvn_strbuf_add_text(printer->out, "type ");
    tvn_wit_print_name(printer->out, item->name);
    tvn_strbuf_add_text(printer->out, " = ");
    if (item->type->kind == TVN_TYPE_OWN) {
        tvn_strbuf_add_text(printer->out, "own<");
        tvn_wit_print_type_body(printer, item->type);
        tvn_strbuf_add_char(printer->out, '>');
    } else if (item->type->alias_of) {
        tvn_wit_print_type_reference(printer, item->type->alias_of);
    } else {
        tvn_wit_print_type_body(printer, item->type);
    }
    tvn_strbuf_add_text(printer->out, ";\n");
}

static void print_resource_alias(const struct tvn_wit_printer *printer, struct tvn_str name,
                                 struct tvn_str first)
{
    tvn_strbuf_add_text(printer->out, "type ");
    tvn_wit_print_name(printer->out, name);
    tvn_strbuf_add_text(printer->out, " = ");
    tvn_wit_print_name(printer->out, first);
    tvn_strbuf_add_text(printer->out, ";\n");
}

void tvn_wit_print_type_item(const struct tvn_wit_printer *printer,
                             const struct tvn_type_item *item)
{
    tvn_wit_print_docs(printer, item->docs);
    tvn_wit_print_attributes(printer, item->attributes);
    tvn_wit_print_line_start(printer);
    struct tvn_str first;
    if (item->kind == TVN_TYPE_ITEM_RESOURCE) {
        if (tvn_wit_names_is_alias(printer->names, item, &first)) {
            print_resource_alias(printer, item->name, first);
        } else {
            print_resource(printer, item);
        }
        return;
    }
    if (item->type->alias_of) {
        print_alias(printer, item);
        return;
    }
    switch (item->type->kind) {
    case TVN_TYPE_RECORD:
        print_fields(printer, "record ", item);
        break;
    case TVN_TYPE_VARIANT:
        print_fields(printer, "variant ", item);
        break;
    case TVN_TYPE_ENUM:
        print_fields(printer, "enum ", item);
        break;
    case TVN_TYPE_FLAGS:
        print_fields(printer, "flags ", item);
        break;
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
    case TVN_TYPE_LIST:
    case TVN_TYPE_TUPLE:
    case TVN_TYPE_OPTION:
    case TVN_TYPE_RESULT:
    case TVN_TYPE_OWN:
    case TVN_TYPE_BORROW:
    case TVN_TYPE_STREAM:
    case TVN_TYPE_FUTURE:
    case TVN_TYPE_ERROR_CONTEXT:
        print_alias(printer, item);
        break;
    }
}

static void print_scope(const struct tvn_wit_printer *printer,
                        const struct tvn_interface *interface,
                        const struct tvn_type_item *const *used, size_t used_count)
{
    bool first = true;
    for (size_t i = 0; i < used_count && !printer->out->failed; first = false) {
        i += tvn_wit_print_use(printer, used + i, used_count - i);
    }
    for (size_t i = 0; i < interface->type_count && !printer->out->failed; i++) {
        if (interface->types[i].kind != TVN_TYPE_ITEM_USED) {
            tvn_strbuf_add_text(printer->out, first ? "" : "\n");
            tvn_wit_print_type_item(printer, &interface->types[i]);
            first = false;
        }
    }
    for (size_t i = 0; i < interface->func_count && !printer->out->failed; i++) {
        if (!interface->funcs[i].resource) {
            tvn_strbuf_add_text(printer->out, first ? "" : "\n");
            print_func(printer, &interface->funcs[i]);
            first = false;
        }
    }
}

void tvn_wit_print_interface_body(const struct tvn_wit_printer *printer,
                                  const struct tvn_interface *interface)
{
    TVN_AUTO_FREE const struct tvn_type_item **types =
        (const struct tvn_type_item **)tvn_calloc(interface->type_count + 1, sizeof(*types));
    TVN_AUTO_FREE const struct tvn_type_item **used =
        (const struct tvn_type_item **)tvn_calloc(interface->type_count + 1, sizeof(*used));
    TVN_AUTO_FREE const struct tvn_func **funcs =
        (const struct tvn_func **)tvn_calloc(interface->func_count + 1, sizeof(*funcs));
    if (!types || !used || !funcs) {
        printer->out->failed = true;
        return;
    }
    size_t used_count = 0;
    for (size_t i = 0; i < interface->type_count; i++) {
        types[i] = &interface->types[i];
        if (types[i]->kind == TVN_TYPE_ITEM_USED && types[i]->used_from) {
            used[used_count++] = types[i];
        }
    }
    for (size_t i = 0; i < interface->func_count; i++) {
        funcs[i] = &interface->funcs[i];
    }
    struct tvn_wit_names names;
    struct tvn_wit_printer inner = *printer;
    inner.names = &names;
    if (tvn_wit_names_init(&names, types, interface->type_count, funcs, interface->func_count)) {
        print_scope(&inner, interface, used, used_count);
    } else {
        printer->out->failed = true;
    }
    tvn_wit_names_deinit(&names);
}

void tvn_wit_print_interface_item(const struct tvn_wit_printer *printer,
                                  const struct tvn_interface *interface)
{
    struct tvn_wit_printer inner = *printer;
    inner.indent++;
    tvn_wit_print_docs(printer, interface->docs);
    tvn_wit_print_attributes(printer, interface->attributes);
    tvn_wit_print_line_start(printer);
    tvn_strbuf_add_text(printer->out, "interface ");
    tvn_wit_print_name(printer->out, interface->name);
    tvn_strbuf_add_text(printer->out, " {\n");
    tvn_wit_print_interface_body(&inner, interface);
    tvn_wit_print_line_start(printer);
    tvn_strbuf_add_text(printer->out, "}\n");
}

void tvn_wit_print_interface(const struct tvn_interface *interface, struct tvn_strbuf *out)
{
    tvn_assert(interface);
    tvn_assert(out);
    struct tvn_wit_printer printer = {.out = out, .package = &interface->package};
    tvn_wit_print_interface_item(&printer, interface);
}
