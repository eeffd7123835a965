/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An interface that uses another one's types needs that one beside it. So a world imports what its
 * imports use, and what its exports use unless it exports that too. The walks are iterative: chains
 * of interfaces are as long as the text allows.
 */
#include "contracts/wit_resolver_internal.h"

struct frame {
    struct tvn_world_item item;         /* an interface */
    const struct tvn_attributes *gates; /* for what it uses */
    size_t next_type;
    bool exported;
};

struct elaboration {
    struct tvn_wit_resolver *resolver;
    const struct tvn_wit_world_items *wanted_exports;
    struct tvn_wit_world_items imports;
    struct tvn_wit_world_items exports;
    struct tvn_wit_world_items required; /* interfaces that exports need as imports */
    TVN_VEC(struct frame) stack;
};

/* What a world needs for the sake of an item is gated as the item is. */
static struct tvn_world_item dependency_item(const struct tvn_interface *interface,
                                             const struct tvn_attributes *gates)
{
    return (struct tvn_world_item){.kind = TVN_WORLD_INTERFACE,
                                   .name = interface->id,
                                   .interface = interface,
                                   .span = interface->span,
                                   .attributes = gates};
}

/* The attributes without what names one item; NULL: none (or no memory, which was reported). */
static const struct tvn_attributes *gates_of(struct tvn_wit_resolver *resolver,
                                             const struct tvn_attributes *attributes)
{
    if (!attributes || !attributes->external_id.ptr) {
        return attributes;
    }
    struct tvn_attributes *gates = tvn_wit_resolver_alloc(resolver, 1, sizeof(*gates));
    if (gates) {
        *gates = *attributes;
        gates->external_id = (struct tvn_str){0};
    }
    return gates;
}

static bool push_frame(struct elaboration *elaboration, const struct tvn_world_item *item,
                       bool exported)
{
    struct frame frame = {.item = *item,
                          .gates = gates_of(elaboration->resolver, item->attributes),
                          .exported = exported};
    if (!tvn_wit_resolver_spend(elaboration->resolver, item->interface->type_count + 1)) {
        return false;
    }
    return tvn_wit_resolver_ok(elaboration->resolver,
                               tvn_vec_push(&elaboration->stack, TVN_WIT_ITEMS_MAX, frame));
}

/* The next interface that the one on top uses, or NULL. */
static const struct tvn_interface *next_dependency(struct frame *frame)
{
    const struct tvn_interface *interface = frame->item.interface;
    while (frame->next_type < interface->type_count) {
        const struct tvn_type_item *type = &interface->types[frame->next_type++];
        if (type->kind == TVN_TYPE_ITEM_USED) {
            return type->used_from;
        }
    }
    return NULL;
}

/* An import and, before it, what it uses. */
static bool import_interface(struct elaboration *elaboration, const struct tvn_world_item *item)
{
    if (!push_frame(elaboration, item, false)) {
        return false;
    }
    while (elaboration->stack.count > 0) {
        struct frame *top = &elaboration->stack.items[elaboration->stack.count - 1];
        const struct tvn_interface *dependency = next_dependency(top);
        if (dependency) {
            struct tvn_world_item next = dependency_item(dependency, top->gates);
            if (!tvn_wit_world_has(&elaboration->imports, dependency) &&
                !push_frame(elaboration, &next, false)) {
                return false;
            }
            continue;
        }
        struct tvn_world_item done = top->item;
        elaboration->stack.count--;
        bool by_id = tvn_str_equal(done.name, done.interface->id);
        if (by_id && tvn_wit_world_has(&elaboration->imports, done.interface)) {
            continue;
        }
        if (!tvn_wit_world_push(elaboration->resolver, &elaboration->imports, &done)) {
            return false;
        }
    }
    return true;
}

/* The item with which the world exports the interface under its id, or NULL. */
static const struct tvn_world_item *find_export(const struct elaboration *elaboration,
                                                const struct tvn_interface *interface)
{
    size_t place = tvn_wit_world_place(elaboration->wanted_exports, interface);
    return place == 0 ? NULL : &elaboration->wanted_exports->list.items[place - 1];
}

enum visit { VISIT_ENTERED, VISIT_SKIPPED, VISIT_CONFLICT, VISIT_FAILED };

static enum visit enter_export(struct elaboration *elaboration,
                               const struct tvn_interface *dependency, const struct frame *from)
{
    const struct tvn_world_item *exported =
        from->exported ? find_export(elaboration, dependency) : NULL;
    if (tvn_wit_world_has(&elaboration->exports, dependency)) {
        return exported ? VISIT_SKIPPED : VISIT_CONFLICT;
    }
    if (!exported && tvn_wit_world_has(&elaboration->required, dependency)) {
        return VISIT_SKIPPED;
    }
    struct tvn_world_item next = exported ? *exported : dependency_item(dependency, from->gates);
    return push_frame(elaboration, &next, exported != NULL) ? VISIT_ENTERED : VISIT_FAILED;
}

static enum visit leave_export(struct elaboration *elaboration, const struct frame *frame)
{
    struct tvn_wit_resolver *resolver = elaboration->resolver;
    const struct tvn_interface *interface = frame->item.interface;
    if (frame->exported) {
        if (tvn_wit_world_has(&elaboration->required, interface)) {
            return VISIT_CONFLICT;
        }
        return tvn_wit_world_push(resolver, &elaboration->exports, &frame->item) ? VISIT_ENTERED
                                                                                 : VISIT_FAILED;
    }
    if (!tvn_wit_world_push(resolver, &elaboration->required, &frame->item)) {
        return VISIT_FAILED;
    }
    if (tvn_wit_world_has(&elaboration->imports, interface)) {
        return VISIT_SKIPPED;
    }
    return tvn_wit_world_push(resolver, &elaboration->imports, &frame->item) ? VISIT_ENTERED
                                                                             : VISIT_FAILED;
}

/* An export and what it uses, each as an export if the world exports it, else as an import, never
 * as both. */
static enum visit export_interface(struct elaboration *elaboration,
                                   const struct tvn_world_item *item)
{
    bool by_id = tvn_str_equal(item->name, item->interface->id);
    if (by_id && tvn_wit_world_has(&elaboration->exports, item->interface)) {
        return VISIT_SKIPPED;
    }
    if (!push_frame(elaboration, item, true)) {
        return VISIT_FAILED;
    }
    while (elaboration->stack.count > 0) {
        struct frame *top = &elaboration->stack.items[elaboration->stack.count - 1];
        const struct tvn_interface *dependency = next_dependency(top);
        enum visit visit;
        if (dependency) {
            visit = enter_export(elaboration, dependency, top);
        } else {
            struct frame done = *top;
            elaboration->stack.count--;
            visit = leave_export(elaboration, &done);
        }
        if (visit == VISIT_CONFLICT || visit == VISIT_FAILED) {
            return visit;
        }
    }
    return VISIT_ENTERED;
}

/* What an import brings in, if it is not there yet: *out_item. First the interfaces, then what
 * types are used from. */
static bool implied_import(const struct elaboration *elaboration, const struct tvn_world_item *item,
                           bool types, struct tvn_world_item *out_item)
{
    if (!types && item->kind == TVN_WORLD_INTERFACE) {
        *out_item = *item;
        bool by_id = tvn_str_equal(item->name, item->interface->id);
        return !by_id || !tvn_wit_world_has(&elaboration->imports, item->interface);
    }
    if (types && item->kind == TVN_WORLD_TYPE && item->type->kind == TVN_TYPE_ITEM_USED) {
        *out_item = dependency_item(item->type->used_from,
                                    gates_of(elaboration->resolver, item->type->attributes));
        return !tvn_wit_world_has(&elaboration->imports, item->type->used_from);
    }
    return false;
}

static bool elaborate_imports(struct elaboration *elaboration,
                              const struct tvn_wit_world_items *imports)
{
    for (int types = 0; types <= 1; types++) {
        for (size_t i = 0; i < imports->list.count; i++) {
            struct tvn_world_item implied;
            if (implied_import(elaboration, &imports->list.items[i], types, &implied) &&
                !import_interface(elaboration, &implied)) {
                return false;
            }
        }
    }
    return true;
}

static bool elaborate_exports(struct elaboration *elaboration, const struct tvn_wit_entry *entry)
{
    const struct tvn_wit_world_items *wanted = elaboration->wanted_exports;
    for (size_t i = 0; i < wanted->list.count; i++) {
        const struct tvn_world_item *item = &wanted->list.items[i];
        if (item->kind != TVN_WORLD_INTERFACE) {
            continue;
        }
        enum visit visit = export_interface(elaboration, item);
        if (visit == VISIT_CONFLICT) {
            (void)tvn_wit_resolver_error(
                elaboration->resolver, TVN_E_WIT_RESOLUTION_ERROR, entry->decl->name.span,
                "export '%.*s' needs an interface both imported and exported",
                TVN_WIT_NAME_ARG(item->name));
            tvn_diag_related(elaboration->resolver->sink, item->span, "exported here");
            tvn_diag_help(elaboration->resolver->sink,
                          "export the interfaces in between as well, or none of them");
            elaboration->stack.count = 0;
            return true;
        }
        if (visit == VISIT_FAILED) {
            return false;
        }
    }
    return true;
}

/* Interfaces, used types, own types, functions, methods: what comes later refers to what came
 * before. */
static int import_class(const struct tvn_world_item *item)
{
    if (item->kind == TVN_WORLD_INTERFACE) {
        return 0;
    }
    if (item->kind == TVN_WORLD_TYPE) {
        return item->type->kind == TVN_TYPE_ITEM_USED ? 1 : 2;
    }
    return item->func->resource ? 4 : 3;
}

static void copy_class(struct tvn_world_item *to, size_t *count,
                       const struct tvn_wit_world_items *from, int class)
{
    for (size_t i = 0; i < from->list.count; i++) {
        if (import_class(&from->list.items[i]) == class) {
            to[(*count)++] = from->list.items[i];
        }
    }
}

static bool publish(struct elaboration *elaboration, const struct tvn_wit_world_items *imports,
                    struct tvn_world *world)
{
    struct tvn_wit_resolver *resolver = elaboration->resolver;
    size_t import_max = elaboration->imports.list.count + imports->list.count + 1;
    size_t export_max =
        elaboration->exports.list.count + elaboration->wanted_exports->list.count + 1;
    struct tvn_world_item *in = tvn_wit_resolver_alloc(resolver, import_max, sizeof(*in));
    struct tvn_world_item *out = tvn_wit_resolver_alloc(resolver, export_max, sizeof(*out));
    if (!in || !out) {
        return false;
    }
    copy_class(in, &world->import_count, &elaboration->imports, 0);
    for (int class = 1; class <= 4; class ++) {
        copy_class(in, &world->import_count, imports, class);
    }
    copy_class(out, &world->export_count, elaboration->wanted_exports, 3);
    copy_class(out, &world->export_count, &elaboration->exports, 0);
    world->imports = in;
    world->exports = out;
    return true;
}

bool tvn_wit_elaborate_world(struct tvn_wit_resolver *resolver, const struct tvn_wit_entry *entry,
                             const struct tvn_wit_world_items *imports,
                             const struct tvn_wit_world_items *exports, struct tvn_world *world)
{
    struct elaboration elaboration = {.resolver = resolver, .wanted_exports = exports};
    struct tvn_wit_world_items *const sets[] = {&elaboration.imports, &elaboration.exports,
                                                &elaboration.required};
    bool ready = true;
    for (size_t i = 0; i < TVN_ARRAY_LEN(sets); i++) {
        sets[i]->interfaces = tvn_wit_resolver_map(resolver);
        ready &= sets[i]->interfaces != NULL;
    }
    bool elaborated = ready && elaborate_imports(&elaboration, imports) &&
                      elaborate_exports(&elaboration, entry) &&
                      publish(&elaboration, imports, world);
    for (size_t i = 0; i < TVN_ARRAY_LEN(sets); i++) {
        tvn_map_destroy(sets[i]->interfaces);
        tvn_vec_deinit(&sets[i]->list);
    }
    tvn_vec_deinit(&elaboration.stack);
    return elaborated;
}
