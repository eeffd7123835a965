/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/num.h"
#include "contracts/diff_internal.h"

const char *tvn_diff_level_name(enum tvn_diff_level level)
{
    static const char *const names[] = {"none", "patch", "minor", "major"};
    tvn_assert((unsigned)level < TVN_ARRAY_LEN(names));
    return names[level];
}

/* ---- collecting ---- */

static const char *keep(struct tvn_diff *diff, const struct tvn_strbuf *text)
{
    const char *copy =
        text->failed ? NULL : tvn_arena_strndup(diff->arena, tvn_strbuf_text(text), text->len);
    diff->failed |= !copy;
    return copy;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
void tvn_diff_add(struct tvn_diff *diff, enum tvn_diff_level level,
                  const struct tvn_diff_place *place, const char *text, struct tvn_str name)
{
    if (level > diff->level) {
        diff->level = level;
    }
    if (diff->changes.count == TVN_DIFF_CHANGES_MAX || diff->failed) {
        diff->dropped++;
        return;
    }
    TVN_AUTO_VALUE(tvn_strbuf) where = {0};
    TVN_AUTO_VALUE(tvn_strbuf) message = {0};
    tvn_strbuf_add_str(&where, place->scope);
    if (place->item.len > 0) {
        tvn_strbuf_add_char(&where, '.');
        tvn_strbuf_add_str(&where, place->item);
    }
    if (name.ptr) {
        tvn_strbuf_printf(&message, text, TVN_STR_ARG(name)); /* callers' own literals */
    } else {
        tvn_strbuf_add_text(&message, text);
    }
    struct tvn_diff_change change = {
        .level = level, .where = keep(diff, &where), .text = keep(diff, &message)};
    enum tvn_status status = tvn_vec_push(&diff->changes, TVN_DIFF_CHANGES_MAX, change);
    diff->failed |= status != TVN_OK;
}
#pragma GCC diagnostic pop

static struct tvn_diff_change *last_change(struct tvn_diff *diff)
{
    bool kept = diff->dropped == 0 && !diff->failed && diff->changes.count > 0;
    return kept ? &diff->changes.items[diff->changes.count - 1] : NULL;
}

void tvn_diff_show(struct tvn_diff *diff, const struct tvn_strbuf *before,
                   const struct tvn_strbuf *after)
{
    struct tvn_diff_change *change = last_change(diff);
    if (change) {
        change->before = keep(diff, before);
        change->after = keep(diff, after);
    }
}

void tvn_diff_abi(struct tvn_diff *diff)
{
    struct tvn_diff_change *change = last_change(diff);
    if (change) {
        change->abi_breaking = true;
    }
}

bool tvn_diff_spend(struct tvn_diff *diff, size_t steps)
{
    diff->steps += tvn_min(steps, TVN_DIFF_STEPS_MAX) + 1;
    diff->failed |= diff->steps > TVN_DIFF_STEPS_MAX;
    return !diff->failed;
}

enum tvn_diff_level tvn_diff_removed(const struct tvn_diff *diff)
{
    return diff->inverted ? TVN_DIFF_MINOR : TVN_DIFF_MAJOR;
}

enum tvn_diff_level tvn_diff_added(const struct tvn_diff *diff)
{
    return diff->inverted ? TVN_DIFF_MAJOR : TVN_DIFF_MINOR;
}

static bool same_gates(const struct tvn_attributes *a, const struct tvn_attributes *b)
{
    static const struct tvn_attributes none = {0};
    a = a ? a : &none;
    b = b ? b : &none;
    return a->since.valid == b->since.valid && a->deprecated.valid == b->deprecated.valid &&
           (!a->since.valid || tvn_semver_compare(&a->since, &b->since) == 0) &&
           (!a->deprecated.valid || tvn_semver_compare(&a->deprecated, &b->deprecated) == 0) &&
           tvn_str_equal(a->unstable, b->unstable);
}

/* Documentation and gates of one thing. */
static void diff_words(struct tvn_diff *diff, struct tvn_str scope, struct tvn_str item,
                       const char *before, const char *after)
{
    struct tvn_diff_place place = {scope, item};
    if (strcmp(before ? before : "", after ? after : "") != 0) {
        tvn_diff_add(diff, TVN_DIFF_PATCH, &place, "documentation changed", (struct tvn_str){0});
    }
}

static void diff_gates(struct tvn_diff *diff, struct tvn_str scope, struct tvn_str item,
                       const struct tvn_attributes *before, const struct tvn_attributes *after)
{
    struct tvn_diff_place place = {scope, item};
    if (!same_gates(before, after)) {
        tvn_diff_add(diff, TVN_DIFF_PATCH, &place, "@since, @unstable or @deprecated changed",
                     (struct tvn_str){0});
    }
}

/* ---- functions and interfaces ---- */

static void diff_funcs(struct tvn_diff *diff, struct tvn_str scope, const struct tvn_func *before,
                       const struct tvn_func *after)
{
    struct tvn_diff_place place = {scope, before->name};
    if (!tvn_diff_same_func(diff, &before->type, &after->type, true)) {
        TVN_AUTO_VALUE(tvn_strbuf) old_text = {0};
        TVN_AUTO_VALUE(tvn_strbuf) new_text = {0};
        tvn_func_type_print(&before->type, &old_text);
        tvn_func_type_print(&after->type, &new_text);
        tvn_diff_add(diff, TVN_DIFF_MAJOR, &place,
                     tvn_diff_same_func(diff, &before->type, &after->type, false)
                         ? "ownership in the function's signature changed"
                         : "the function's signature changed",
                     (struct tvn_str){0});
        tvn_diff_show(diff, &old_text, &new_text);
    }
    diff_words(diff, scope, before->name, before->docs, after->docs);
    diff_gates(diff, scope, before->name, before->attributes, after->attributes);
}

static void diff_interface_funcs(struct tvn_diff *diff, struct tvn_str scope,
                                 const struct tvn_interface *before,
                                 const struct tvn_interface *after)
{
    for (size_t i = 0; i < before->func_count && tvn_diff_spend(diff, after->func_count); i++) {
        const struct tvn_func *func = tvn_interface_find_func(after, before->funcs[i].name);
        struct tvn_diff_place place = {scope, before->funcs[i].name};
        if (func) {
            diff_funcs(diff, scope, &before->funcs[i], func);
        } else {
            tvn_diff_add(diff, tvn_diff_removed(diff), &place, "the function was removed",
                         (struct tvn_str){0});
        }
    }
    for (size_t i = 0; i < after->func_count && tvn_diff_spend(diff, before->func_count); i++) {
        struct tvn_diff_place place = {scope, after->funcs[i].name};
        if (!tvn_interface_find_func(before, after->funcs[i].name)) {
            tvn_diff_add(diff, tvn_diff_added(diff), &place, "the function was added",
                         (struct tvn_str){0});
        }
    }
}

static void diff_interfaces(struct tvn_diff *diff, struct tvn_str scope,
                            const struct tvn_interface *before, const struct tvn_interface *after)
{
    for (size_t i = 0; i < before->type_count && tvn_diff_spend(diff, after->type_count); i++) {
        const struct tvn_type_item *item = tvn_interface_find_type(after, before->types[i].name);
        struct tvn_diff_place place = {scope, before->types[i].name};
        if (item) {
            tvn_diff_type_items(diff, scope, &before->types[i], item);
            diff_gates(diff, scope, item->name, before->types[i].attributes, item->attributes);
        } else {
            tvn_diff_add(diff, tvn_diff_removed(diff), &place, "the type was removed",
                         (struct tvn_str){0});
        }
    }
    for (size_t i = 0; i < after->type_count && tvn_diff_spend(diff, before->type_count); i++) {
        struct tvn_diff_place place = {scope, after->types[i].name};
        if (!tvn_interface_find_type(before, after->types[i].name)) {
            tvn_diff_add(diff, tvn_diff_added(diff), &place, "the type was added",
                         (struct tvn_str){0});
        }
    }
    diff_interface_funcs(diff, scope, before, after);
    diff_words(diff, scope, (struct tvn_str){0}, before->docs, after->docs);
    diff_gates(diff, scope, (struct tvn_str){0}, before->attributes, after->attributes);
}

/* ---- worlds ---- */

/* "ns:name/interface" without the version, or the plain name. Views into `id`. */
static bool same_item_name(struct tvn_str a, struct tvn_str b)
{
    struct tvn_package_id package_a;
    struct tvn_package_id package_b;
    struct tvn_str name_a;
    struct tvn_str name_b;
    if (!tvn_interface_id_parse(a, &package_a, &name_a) ||
        !tvn_interface_id_parse(b, &package_b, &name_b)) {
        return tvn_str_equal(a, b);
    }
    return tvn_str_equal(package_a.namespace_name, package_b.namespace_name) &&
           tvn_str_equal(package_a.name, package_b.name) && tvn_str_equal(name_a, name_b);
}

static struct tvn_str without_version(struct tvn_str id)
{
    size_t at = tvn_str_find(id, '@');
    return tvn_str_slice(id, 0, at == SIZE_MAX ? id.len : at);
}

/* "ns:name/world" and "ns:name/interface@1.0.0": the package's own version is not a change of its
 * worlds. */
static bool same_package(struct tvn_str scope, struct tvn_str id)
{
    size_t slash = tvn_str_find(scope, '/');
    return slash != SIZE_MAX && tvn_str_starts_with(id, tvn_str_slice(scope, 0, slash + 1));
}

static const struct tvn_world_item *find_item(const struct tvn_world_item *items, size_t count,
                                              const struct tvn_world_item *like)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i].kind == like->kind && same_item_name(items[i].name, like->name)) {
            return &items[i];
        }
    }
    return NULL;
}

static void diff_item_version(struct tvn_diff *diff, struct tvn_str scope,
                              const struct tvn_world_item *before,
                              const struct tvn_world_item *after)
{
    struct tvn_package_id package_a;
    struct tvn_package_id package_b;
    struct tvn_str name;
    if (!tvn_interface_id_parse(before->name, &package_a, &name) ||
        !tvn_interface_id_parse(after->name, &package_b, &name)) {
        return;
    }
    enum tvn_diff_level step = tvn_diff_version_step(&package_a.version, &package_b.version);
    if (step != TVN_DIFF_NONE) {
        TVN_AUTO_VALUE(tvn_strbuf) old_text = {0};
        TVN_AUTO_VALUE(tvn_strbuf) new_text = {0};
        struct tvn_diff_place place = {scope, without_version(before->name)};
        tvn_strbuf_add_str(&old_text, before->name);
        tvn_strbuf_add_str(&new_text, after->name);
        tvn_diff_add(diff, step, &place, "another version of the interface", (struct tvn_str){0});
        tvn_diff_show(diff, &old_text, &new_text);
    }
}

/* Imports or exports of two worlds. `deep`: the interfaces too, as they are this world's own. */
static void diff_items(struct tvn_diff *diff, struct tvn_str scope, bool deep,
                       const struct tvn_world *before, const struct tvn_world *after, bool exports)
{
    const struct tvn_world_item *old_items = exports ? before->exports : before->imports;
    const struct tvn_world_item *new_items = exports ? after->exports : after->imports;
    size_t old_count = exports ? before->export_count : before->import_count;
    size_t new_count = exports ? after->export_count : after->import_count;
    for (size_t i = 0; i < old_count && tvn_diff_spend(diff, new_count); i++) {
        const struct tvn_world_item *item = find_item(new_items, new_count, &old_items[i]);
        struct tvn_diff_place place = {scope, without_version(old_items[i].name)};
        if (!item) {
            tvn_diff_add(diff, tvn_diff_removed(diff), &place,
                         exports ? "the export was removed" : "the import was removed",
                         (struct tvn_str){0});
            continue;
        }
        if (deep || !same_package(scope, item->name)) {
            diff_item_version(diff, scope, &old_items[i], item);
        }
        bool own = item->kind == TVN_WORLD_INTERFACE &&
                   (deep || item->interface->package.namespace_name.len == 0);
        if (own) {
            diff_interfaces(diff, without_version(item->name), old_items[i].interface,
                            item->interface);
        } else if (item->kind == TVN_WORLD_FUNC) {
            diff_funcs(diff, scope, old_items[i].func, item->func);
        } else if (item->kind == TVN_WORLD_TYPE) {
            tvn_diff_type_items(diff, scope, old_items[i].type, item->type);
        }
    }
    for (size_t i = 0; i < new_count && tvn_diff_spend(diff, old_count); i++) {
        struct tvn_diff_place place = {scope, without_version(new_items[i].name)};
        if (!find_item(old_items, old_count, &new_items[i])) {
            /* A world of a package binds both sides: what it adds, somebody must provide. */
            tvn_diff_add(diff, deep ? tvn_diff_added(diff) : TVN_DIFF_MAJOR, &place,
                         exports ? "the export was added" : "the import was added",
                         (struct tvn_str){0});
        }
    }
}

static void diff_worlds(struct tvn_diff *diff, struct tvn_str scope, bool component,
                        const struct tvn_world *before, const struct tvn_world *after)
{
    diff->inverted = component;
    diff_items(diff, scope, component, before, after, false);
    diff->inverted = false;
    diff_items(diff, scope, component, before, after, true);
    diff_words(diff, scope, (struct tvn_str){0}, before->docs, after->docs);
    diff_gates(diff, scope, (struct tvn_str){0}, before->attributes, after->attributes);
}

/* ---- packages ---- */

static struct tvn_str scope_name(struct tvn_diff *diff, const struct tvn_package *package,
                                 struct tvn_str name)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_strbuf_add_str(&text, package->id.namespace_name);
    tvn_strbuf_add_char(&text, ':');
    tvn_strbuf_add_str(&text, package->id.name);
    if (name.len > 0) {
        tvn_strbuf_add_char(&text, '/');
        tvn_strbuf_add_str(&text, name);
    }
    const char *copy = keep(diff, &text);
    return (struct tvn_str){copy ? copy : "", copy ? text.len : 0};
}

static void add_whole(struct tvn_diff *diff, enum tvn_diff_level level,
                      const struct tvn_package *package, struct tvn_str name, const char *text)
{
    struct tvn_diff_place place = {.scope = scope_name(diff, package, name)};
    tvn_diff_add(diff, level, &place, text, (struct tvn_str){0});
}

static void diff_package_interfaces(struct tvn_diff *diff, const struct tvn_package *before,
                                    const struct tvn_package *after)
{
    for (size_t i = 0; i < before->interface_count && tvn_diff_spend(diff, after->interface_count);
         i++) {
        const struct tvn_interface *old = before->interfaces[i];
        const struct tvn_interface *found = tvn_package_find_interface(after, old->name);
        if (found) {
            diff_interfaces(diff, scope_name(diff, before, old->name), old, found);
        } else {
            add_whole(diff, TVN_DIFF_MAJOR, before, old->name, "the interface was removed");
        }
    }
    for (size_t i = 0; i < after->interface_count && tvn_diff_spend(diff, before->interface_count);
         i++) {
        if (!tvn_package_find_interface(before, after->interfaces[i]->name)) {
            add_whole(diff, TVN_DIFF_MINOR, after, after->interfaces[i]->name,
                      "the interface was added");
        }
    }
}

static void diff_package_worlds(struct tvn_diff *diff, const struct tvn_package *before,
                                const struct tvn_package *after)
{
    for (size_t i = 0; i < before->world_count && tvn_diff_spend(diff, after->world_count); i++) {
        const struct tvn_world *old = before->worlds[i];
        const struct tvn_world *found = tvn_package_find_world(after, old->name);
        if (found) {
            diff_worlds(diff, scope_name(diff, before, old->name), false, old, found);
        } else {
            add_whole(diff, TVN_DIFF_MAJOR, before, old->name, "the world was removed");
        }
    }
    for (size_t i = 0; i < after->world_count && tvn_diff_spend(diff, before->world_count); i++) {
        if (!tvn_package_find_world(before, after->worlds[i]->name)) {
            add_whole(diff, TVN_DIFF_MINOR, after, after->worlds[i]->name, "the world was added");
        }
    }
}

static const struct tvn_package *find_package(const struct tvn_diff_side *side,
                                              const struct tvn_package_id *id)
{
    const struct tvn_package *found = NULL;
    for (size_t i = 0; i < side->package_count; i++) {
        const struct tvn_package *package = side->packages[i];
        if (tvn_str_equal(package->id.namespace_name, id->namespace_name) &&
            tvn_str_equal(package->id.name, id->name)) {
            bool exact =
                package->id.version.valid == id->version.valid &&
                (!id->version.valid || tvn_semver_compare(&package->id.version, &id->version) == 0);
            found = exact || !found ? package : found; /* of several the same, else the first */
        }
    }
    return found;
}

static void diff_packages(struct tvn_diff *diff, const struct tvn_diff_side *before,
                          const struct tvn_diff_side *after)
{
    for (size_t i = 0; i < before->package_count && tvn_diff_spend(diff, after->package_count);
         i++) {
        const struct tvn_package *found = find_package(after, &before->packages[i]->id);
        if (!found) {
            add_whole(diff, TVN_DIFF_MAJOR, before->packages[i], (struct tvn_str){0},
                      "the package was removed");
            continue;
        }
        diff_package_interfaces(diff, before->packages[i], found);
        diff_package_worlds(diff, before->packages[i], found);
        diff_words(diff, scope_name(diff, found, (struct tvn_str){0}), (struct tvn_str){0},
                   before->packages[i]->docs, found->docs);
    }
    for (size_t i = 0; i < after->package_count && tvn_diff_spend(diff, before->package_count);
         i++) {
        if (!find_package(before, &after->packages[i]->id)) {
            add_whole(diff, TVN_DIFF_MINOR, after->packages[i], (struct tvn_str){0},
                      "the package was added");
        }
    }
}

enum tvn_status tvn_diff_compare(const struct tvn_diff_side *before,
                                 const struct tvn_diff_side *after, struct tvn_diff **out_diff)
{
    tvn_assert(before && after && out_diff);
    tvn_assert(!before->component == !after->component);
    TVN_AUTO(tvn_diff) diff = tvn_calloc(1, sizeof(*diff));
    if (diff) {
        diff->arena = tvn_arena_create(0);
    }
    if (!diff || !diff->arena) {
        return TVN_E_OUT_OF_MEMORY;
    }
    if (before->component) {
        diff_worlds(diff, TVN_STR("component"), true, before->component, after->component);
    } else {
        diff_packages(diff, before, after);
    }
    if (diff->failed) {
        return diff->steps > TVN_DIFF_STEPS_MAX ? TVN_FULL : TVN_E_OUT_OF_MEMORY;
    }
    *out_diff = TVN_TAKE(diff);
    return TVN_OK;
}

void tvn_diff_destroy(struct tvn_diff *diff)
{
    if (diff) {
        tvn_vec_deinit(&diff->changes);
        tvn_arena_destroy(diff->arena);
        tvn_free(diff);
    }
}

enum tvn_diff_level tvn_diff_level(const struct tvn_diff *diff)
{
    return diff->level;
}

size_t tvn_diff_count(const struct tvn_diff *diff)
{
    return diff->changes.count;
}

size_t tvn_diff_dropped_count(const struct tvn_diff *diff)
{
    return diff->dropped;
}

const struct tvn_diff_change *tvn_diff_at(const struct tvn_diff *diff, size_t index)
{
    tvn_assert(index < diff->changes.count);
    return &diff->changes.items[index];
}

enum tvn_diff_level tvn_diff_version_step(const struct tvn_semver *before,
                                          const struct tvn_semver *after)
{
    if (!before->valid || !after->valid) {
        return before->valid == after->valid ? TVN_DIFF_NONE : TVN_DIFF_MAJOR;
    }
    int order = tvn_semver_compare(before, after);
    if (order == 0) {
        return TVN_DIFF_NONE;
    }
    if (order > 0 || before->major != after->major) {
        return TVN_DIFF_MAJOR;
    }
    return before->minor != after->minor ? TVN_DIFF_MINOR : TVN_DIFF_PATCH;
}
