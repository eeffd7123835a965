/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/mem.h"
#include "base/vec.h"
#include "contracts/wit.h"
#include "contracts/wit_name_internal.h"
#include "contracts/wit_print_internal.h"

#define INTERFACES_MAX ((size_t)1 << 20)

static void print_header(const struct tvn_wit_printer *printer, const struct tvn_package *package)
{
    tvn_wit_print_docs(printer, package->docs);
    tvn_strbuf_add_text(printer->out, "package ");
    tvn_wit_print_name(printer->out, package->id.namespace_name);
    tvn_strbuf_add_char(printer->out, ':');
    tvn_wit_print_name(printer->out, package->id.name);
    if (package->id.version.valid) {
        tvn_strbuf_add_char(printer->out, '@');
        tvn_semver_print(&package->id.version, printer->out);
    }
}

static void print_extern_interface(const struct tvn_wit_printer *printer,
                                   const struct tvn_world_item *item)
{
    bool inline_interface = item->interface->package.namespace_name.len == 0;
    if (!inline_interface && tvn_str_equal(item->name, item->interface->id)) {
        tvn_wit_print_path(printer, item->interface);
        tvn_strbuf_add_text(printer->out, ";\n");
        return;
    }
    tvn_wit_print_name(printer->out, item->name);
    tvn_strbuf_add_text(printer->out, ": ");
    if (!inline_interface) {
        tvn_wit_print_path(printer, item->interface);
        tvn_strbuf_add_text(printer->out, ";\n");
        return;
    }
    struct tvn_wit_printer inner = *printer;
    inner.indent++;
    tvn_strbuf_add_text(printer->out, "interface {\n");
    tvn_wit_print_interface_body(&inner, item->interface);
    tvn_wit_print_line_start(printer);
    tvn_strbuf_add_text(printer->out, "}\n");
}

static void print_extern(const struct tvn_wit_printer *printer, const char *word,
                         const struct tvn_world_item *item)
{
    tvn_wit_print_docs(printer, item->docs);
    tvn_wit_print_attributes(printer, item->attributes);
    tvn_wit_print_line_start(printer);
    tvn_strbuf_add_text(printer->out, word);
    if (item->kind == TVN_WORLD_INTERFACE) {
        print_extern_interface(printer, item);
        return;
    }
    tvn_wit_print_name(printer->out, item->func->item_name);
    tvn_strbuf_add_text(printer->out, ": ");
    tvn_wit_print_func_type(printer, item->func);
    tvn_strbuf_add_text(printer->out, ";\n");
}

/* Imports in order; a resource's functions stand with the resource. */
static void print_imports(const struct tvn_wit_printer *printer, const struct tvn_world *world,
                          const struct tvn_type_item *const *used, size_t used_count)
{
    size_t uses_seen = 0;
    size_t uses_printed = 0;
    for (size_t i = 0; i < world->import_count && !printer->out->failed; i++) {
        const struct tvn_world_item *item = &world->imports[i];
        if (item->kind == TVN_WORLD_INTERFACE ||
            (item->kind == TVN_WORLD_FUNC && !item->func->resource)) {
            print_extern(printer, "import ", item);
        } else if (item->kind == TVN_WORLD_TYPE && item->type->kind != TVN_TYPE_ITEM_USED) {
            tvn_wit_print_type_item(printer, item->type);
        } else if (item->kind == TVN_WORLD_TYPE && item->type->used_from &&
                   uses_seen++ == uses_printed) {
            uses_printed +=
                tvn_wit_print_use(printer, used + uses_printed, used_count - uses_printed);
        }
    }
}

static void print_items(const struct tvn_wit_printer *printer, const struct tvn_world *world,
                        const struct tvn_type_item *const *used, size_t used_count)
{
    print_imports(printer, world, used, used_count);
    if (world->import_count > 0 && world->export_count > 0) {
        tvn_strbuf_add_char(printer->out, '\n');
    }
    for (size_t i = 0; i < world->export_count && !printer->out->failed; i++) {
        if (world->exports[i].kind != TVN_WORLD_TYPE) {
            print_extern(printer, "export ", &world->exports[i]);
        }
    }
}

static void print_world_body(const struct tvn_wit_printer *printer, const struct tvn_world *world)
{
    TVN_AUTO_FREE const struct tvn_type_item **types =
        (const struct tvn_type_item **)tvn_calloc(world->import_count + 1, sizeof(*types));
    TVN_AUTO_FREE const struct tvn_type_item **used =
        (const struct tvn_type_item **)tvn_calloc(world->import_count + 1, sizeof(*used));
    TVN_AUTO_FREE const struct tvn_func **funcs =
        (const struct tvn_func **)tvn_calloc(world->import_count + 1, sizeof(*funcs));
    if (!types || !used || !funcs) {
        printer->out->failed = true;
        return;
    }
    size_t type_count = 0;
    size_t used_count = 0;
    size_t func_count = 0;
    for (size_t i = 0; i < world->import_count; i++) {
        const struct tvn_world_item *item = &world->imports[i];
        if (item->kind == TVN_WORLD_TYPE) {
            types[type_count++] = item->type;
            if (item->type->kind == TVN_TYPE_ITEM_USED && item->type->used_from) {
                used[used_count++] = item->type;
            }
        } else if (item->kind == TVN_WORLD_FUNC) {
            funcs[func_count++] = item->func;
        }
    }
    struct tvn_wit_names names;
    struct tvn_wit_printer inner = *printer;
    inner.names = &names;
    if (tvn_wit_names_init(&names, types, type_count, funcs, func_count)) {
        print_items(&inner, world, used, used_count);
    } else {
        printer->out->failed = true;
    }
    tvn_wit_names_deinit(&names);
}

static void print_world(const struct tvn_wit_printer *printer, const struct tvn_world *world,
                        struct tvn_str name)
{
    struct tvn_wit_printer inner = *printer;
    inner.indent++;
    tvn_wit_print_docs(printer, world->docs);
    tvn_wit_print_attributes(printer, world->attributes);
    tvn_wit_print_line_start(printer);
    tvn_strbuf_add_text(printer->out, "world ");
    tvn_wit_print_name(printer->out, name);
    tvn_strbuf_add_text(printer->out, " {\n");
    print_world_body(&inner, world);
    tvn_wit_print_line_start(printer);
    tvn_strbuf_add_text(printer->out, "}\n");
}

static void print_package_items(const struct tvn_wit_printer *printer,
                                const struct tvn_package *package)
{
    for (size_t i = 0; i < package->interface_count && !printer->out->failed; i++) {
        tvn_strbuf_add_char(printer->out, '\n');
        tvn_wit_print_interface_item(printer, package->interfaces[i]);
    }
    for (size_t i = 0; i < package->world_count && !printer->out->failed; i++) {
        tvn_strbuf_add_char(printer->out, '\n');
        print_world(printer, package->worlds[i], package->worlds[i]->name);
    }
}

void tvn_wit_print_package(const struct tvn_package *package, struct tvn_strbuf *out)
{
    tvn_assert(package);
    tvn_assert(out);
    struct tvn_wit_printer printer = {.out = out, .package = &package->id};
    print_header(&printer, package);
    tvn_strbuf_add_text(out, ";\n");
    print_package_items(&printer, package);
}

void tvn_wit_print_nested_package(const struct tvn_package *package, struct tvn_strbuf *out)
{
    tvn_assert(package);
    tvn_assert(out);
    struct tvn_wit_printer printer = {.out = out, .package = &package->id};
    print_header(&printer, package);
    tvn_strbuf_add_text(out, " {\n");
    printer.indent = 1;
    print_package_items(&printer, package);
    tvn_strbuf_add_text(out, "}\n");
}

/* The interfaces that a world needs, once each (by id), grouped by package in the order they are
 * met. */
struct closure {
    struct tvn_map *seen;     /* id → anything */
    struct tvn_map *packages; /* "ns:name@v" → index into `firsts` + 1 */
    TVN_VEC(const struct tvn_interface *) interfaces;
    TVN_VEC(size_t) next;   /* per interface: the package's next one, + 1 */
    TVN_VEC(size_t) firsts; /* per package: its first interface */
    TVN_VEC(size_t) lasts;
};

static bool join_package(struct closure *closure, const struct tvn_interface *interface)
{
    TVN_AUTO_VALUE(tvn_strbuf) key = {0};
    size_t index = closure->interfaces.count - 1;
    tvn_package_id_print(&interface->package, &key);
    size_t place = (size_t)(uintptr_t)tvn_map_get(closure->packages, tvn_strbuf_view(&key));
    if (place > 0) {
        closure->next.items[closure->lasts.items[place - 1]] = index + 1;
        closure->lasts.items[place - 1] = index;
        return !key.failed;
    }
    enum tvn_status first = tvn_vec_push(&closure->firsts, INTERFACES_MAX, index);
    enum tvn_status last = tvn_vec_push(&closure->lasts, INTERFACES_MAX, index);
    return !key.failed && first == TVN_OK && last == TVN_OK &&
           tvn_map_add(closure->packages, tvn_strbuf_view(&key),
                       (void *)(uintptr_t)closure->firsts.count) == TVN_OK;
}

static bool add_interface(struct closure *closure, const struct tvn_interface *interface)
{
    if (interface->package.namespace_name.len == 0 || tvn_map_has(closure->seen, interface->id)) {
        return true;
    }
    enum tvn_status seen = tvn_map_add(closure->seen, interface->id, NULL);
    enum tvn_status added = tvn_vec_push(&closure->interfaces, INTERFACES_MAX, interface);
    enum tvn_status chained = tvn_vec_push(&closure->next, INTERFACES_MAX, 0);
    return seen == TVN_OK && added == TVN_OK && chained == TVN_OK &&
           join_package(closure, interface);
}

static bool add_used(struct closure *closure, const struct tvn_interface *interface)
{
    for (size_t i = 0; i < interface->type_count; i++) {
        const struct tvn_type_item *item = &interface->types[i];
        if (item->kind == TVN_TYPE_ITEM_USED && item->used_from &&
            !add_interface(closure, item->used_from)) {
            return false;
        }
    }
    return true;
}

static bool add_world_items(struct closure *closure, const struct tvn_world_item *items,
                            size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i].kind == TVN_WORLD_INTERFACE && !add_interface(closure, items[i].interface)) {
            return false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        bool inline_interface = items[i].kind == TVN_WORLD_INTERFACE &&
                                items[i].interface->package.namespace_name.len == 0;
        bool used = items[i].kind == TVN_WORLD_TYPE && items[i].type->kind == TVN_TYPE_ITEM_USED;
        if ((inline_interface && !add_used(closure, items[i].interface)) ||
            (used && items[i].type->used_from &&
             !add_interface(closure, items[i].type->used_from))) {
            return false;
        }
    }
    return true;
}

static bool collect(struct closure *closure, const struct tvn_world *world)
{
    closure->seen = tvn_map_create(INTERFACES_MAX);
    closure->packages = tvn_map_create(INTERFACES_MAX);
    if (!closure->seen || !closure->packages ||
        !add_world_items(closure, world->imports, world->import_count) ||
        !add_world_items(closure, world->exports, world->export_count)) {
        return false;
    }
    for (size_t i = 0; i < closure->interfaces.count; i++) { /* grows while it runs */
        if (!add_used(closure, closure->interfaces.items[i])) {
            return false;
        }
    }
    return true;
}

static void print_closure(const struct closure *closure, struct tvn_strbuf *out)
{
    for (size_t i = 0; i < closure->firsts.count && !out->failed; i++) {
        size_t place = closure->firsts.items[i] + 1;
        struct tvn_package package = {.id = closure->interfaces.items[place - 1]->package};
        struct tvn_wit_printer printer = {.out = out, .package = &package.id};
        tvn_strbuf_add_text(out, i > 0 ? "\n" : "");
        print_header(&printer, &package);
        tvn_strbuf_add_text(out, " {\n");
        printer.indent = 1;
        for (; place > 0 && !out->failed; place = closure->next.items[place - 1]) {
            tvn_wit_print_interface_item(&printer, closure->interfaces.items[place - 1]);
        }
        tvn_strbuf_add_text(out, "}\n");
    }
}

void tvn_wit_print_world(const struct tvn_world *world, struct tvn_strbuf *out)
{
    tvn_assert(world);
    tvn_assert(out);
    struct tvn_wit_printer printer = {.out = out};
    tvn_strbuf_add_text(out, "package root:component;\n\n");
    print_world(&printer, world, TVN_STR("root"));
    struct closure closure = {0};
    if (collect(&closure, world)) {
        print_closure(&closure, out);
    } else {
        out->failed = true;
    }
    tvn_map_destroy(closure.seen);
    tvn_map_destroy(closure.packages);
    tvn_vec_deinit(&closure.interfaces);
    tvn_vec_deinit(&closure.next);
    tvn_vec_deinit(&closure.firsts);
    tvn_vec_deinit(&closure.lasts);
}
