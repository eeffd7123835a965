/* SPDX-License-Identifier: Apache-2.0 */
/* The world of a component: which it is, that it takes part in streams, and that it means one
 * version of the contracts. */
#include "base/assert.h"
#include "host/check_internal.h"
#include "types/role.h"

#define NAMES_SHOWN_MAX 8

/* ---- which world ---- */

static bool exports(const struct tvn_world *world, const char *interface)
{
    enum tvn_role role;
    return tvn_role_from_interface(tvn_str_of(interface), &role) &&
           (check_world_roles(world) & (1u << role));
}

/* "file://./components/sink/target/…" is the component whose path is "components/sink". */
static bool is_node_of(const struct tvn_manifest_node *node,
                       const struct tvn_manifest_component *declared)
{
    if (strcmp(node->component, declared->name) == 0) {
        return true;
    }
    struct tvn_str reference = tvn_str_of(node->component);
    struct tvn_str path = tvn_str_of(declared->path);
    if (tvn_str_starts_with(reference, TVN_STR("file://"))) {
        reference = tvn_str_slice(reference, strlen("file://"), reference.len);
    }
    if (tvn_str_starts_with(reference, TVN_STR("./"))) {
        reference = tvn_str_slice(reference, 2, reference.len);
    }
    if (tvn_str_starts_with(path, TVN_STR("./"))) {
        path = tvn_str_slice(path, 2, path.len);
    }
    return path.len > 0 && !tvn_str_is(path, ".") && tvn_str_starts_with(reference, path) &&
           reference.len > path.len && reference.ptr[path.len] == '/';
}

static bool has_lifecycle(const struct tvn_world *world)
{
    for (size_t i = 0; i < world->export_count; i++) {
        if (tvn_str_starts_with(world->exports[i].name, TVN_STR("torvyn:streaming/lifecycle@"))) {
            return true;
        }
    }
    return false;
}

/* The first world that exports what the node plays; of several the first with a lifecycle, when
 * the node has a configuration, which is given to nothing else. */
static const struct tvn_world *world_of_node(const struct check *check,
                                             const struct check_component *component,
                                             const struct tvn_manifest_node *node)
{
    const struct tvn_world *first = NULL;
    const struct tvn_world *world;
    for (size_t i = 0; (world = check_wit_world(check, component->folder, i)); i++) {
        if (!exports(world, node->interface)) {
            continue;
        }
        if (node->config[0] == '\0' || has_lifecycle(world)) {
            return world;
        }
        first = first ? first : world;
    }
    return first;
}

static const struct tvn_world *world_of_nodes(const struct check *check,
                                              const struct check_component *component)
{
    for (size_t f = 0; f < check->manifest->flow_count; f++) {
        const struct tvn_manifest_flow *flow = &check->manifest->flows[f];
        for (size_t n = 0; n < flow->node_count; n++) {
            if (!is_node_of(&flow->nodes[n], component->declared)) {
                continue;
            }
            const struct tvn_world *world = world_of_node(check, component, &flow->nodes[n]);
            if (world) {
                return world;
            }
        }
    }
    return NULL;
}

static const struct tvn_world *find_world(const struct check *check,
                                          const struct check_component *component)
{
    const struct tvn_world *first = check_wit_world(check, component->folder, 0);
    if (!component->folder->shared && !check_wit_world(check, component->folder, 1)) {
        return first;
    }
    const struct tvn_world *world;
    for (size_t i = 0; (world = check_wit_world(check, component->folder, i)); i++) {
        if (tvn_str_is(world->name, component->declared->name)) {
            return world;
        }
    }
    return world_of_nodes(check, component);
}

static enum tvn_status no_world(struct check *check, const struct check_component *component)
{
    const char *name = component->declared->name;
    struct tvn_span at = component->declared->name_span;
    if (!component->folder) {
        (void)tvn_diag_error(check->sink, TVN_E_WORLD_INCOMPLETE, at,
                             "component '%s' has no WIT: neither its path nor the project has a "
                             "folder 'wit'",
                             name);
        tvn_diag_help(check->sink, "describe its imports and exports in wit/world.wit");
        return TVN_E_WORLD_INCOMPLETE;
    }
    const struct tvn_world *world = check_wit_world(check, component->folder, 0);
    (void)tvn_diag_error(
        check->sink, TVN_E_WORLD_INCOMPLETE, at,
        world ? "which world is that of component '%s' is not clear: '%s' has several"
              : "component '%s' has no world: no file in '%s' defines one",
        name, component->folder->path);
    if (!world) {
        tvn_diag_help(check->sink, "define one: world %s { … }", name);
        return TVN_E_WORLD_INCOMPLETE;
    }
    for (size_t i = 0; i < NAMES_SHOWN_MAX && world; i++) {
        tvn_diag_note(check->sink, "there is '%.*s'", TVN_STR_ARG(world->name));
        world = check_wit_world(check, component->folder, i + 1);
    }
    tvn_diag_help(check->sink,
                  "call its world '%s', or give the component a folder 'wit' of its own", name);
    return TVN_E_WORLD_INCOMPLETE;
}

/* ---- what it says ---- */

uint32_t check_world_roles(const struct tvn_world *world)
{
    uint32_t roles = 0;
    for (size_t i = 0; i < world->export_count; i++) {
        enum tvn_role role;
        if (world->exports[i].kind == TVN_WORLD_INTERFACE &&
            tvn_role_from_interface(world->exports[i].name, &role)) {
            roles |= 1u << role;
        }
    }
    return roles;
}

static enum tvn_status check_exports(struct check *check, const struct check_component *component)
{
    const struct tvn_world *world = component->world;
    if (check_world_roles(world) != 0) {
        return TVN_OK;
    }
    (void)tvn_diag_error(check->sink, TVN_E_WORLD_INCOMPLETE, world->span,
                         "world '%.*s' of component '%s' exports no Torvyn processing interface",
                         TVN_STR_ARG(world->name), component->declared->name);
    for (size_t i = 0; i < world->export_count && i < NAMES_SHOWN_MAX; i++) {
        tvn_diag_note(check->sink, "it exports '%.*s'", TVN_STR_ARG(world->exports[i].name));
    }
    if (world->export_count == 0) {
        tvn_diag_note(check->sink, "it exports nothing");
    }
    tvn_diag_help(check->sink, "add an export for at least one of processor, source, sink, filter, "
                               "router, aggregator: export torvyn:streaming/processor@0.1.0;");
    return TVN_E_WORLD_INCOMPLETE;
}

/* A versioned torvyn:* interface that the world names. */
static bool contract_of(const struct tvn_world_item *item, struct tvn_package_id *out_package)
{
    struct tvn_str name;
    return item->kind == TVN_WORLD_INTERFACE &&
           tvn_interface_id_parse(item->name, out_package, &name) && out_package->version.valid &&
           tvn_str_is(out_package->namespace_name, "torvyn");
}

static const struct tvn_world_item *item_at(const struct tvn_world *world, size_t index)
{
    return index < world->import_count ? &world->imports[index]
                                       : &world->exports[index - world->import_count];
}

/* One version of each package: types of two versions are different types. */
static enum tvn_status check_one_version(struct check *check, const struct tvn_world *world,
                                         size_t index, const struct tvn_package_id *package)
{
    for (size_t i = 0; i < index; i++) {
        struct tvn_package_id other;
        if (!contract_of(item_at(world, i), &other) || !tvn_str_equal(other.name, package->name)) {
            continue;
        }
        if (tvn_semver_compare(&other.version, &package->version) == 0) {
            return TVN_OK;
        }
        (void)tvn_diag_error(check->sink, TVN_E_VERSION_MISMATCH, item_at(world, index)->span,
                             "world '%.*s' uses two versions of 'torvyn:%.*s'",
                             TVN_STR_ARG(world->name), TVN_STR_ARG(package->name));
        tvn_diag_related(check->sink, item_at(world, i)->span, "the other one");
        tvn_diag_help(check->sink, "use one version of a contract package in a world");
        return TVN_E_VERSION_MISMATCH;
    }
    return TVN_OK;
}

static enum tvn_status check_manifest_version(struct check *check,
                                              const struct check_component *component,
                                              const struct tvn_world_item *item,
                                              const struct tvn_package_id *package)
{
    const struct tvn_manifest_project *project = &check->manifest->project;
    struct tvn_semver target;
    if (!tvn_semver_parse(tvn_str_of(project->contract_version), &target) ||
        tvn_semver_compare(&target, &package->version) == 0) {
        return TVN_OK;
    }
    bool other_major = target.major != package->version.major;
    if (other_major) {
        (void)tvn_diag_error(check->sink, TVN_E_VERSION_MISMATCH, item->span,
                             "component '%s' uses '%.*s', the project targets contract version %s",
                             component->declared->name, TVN_STR_ARG(item->name),
                             project->contract_version);
    } else {
        tvn_diag_warning(check->sink, TVN_E_VERSION_MISMATCH, item->span,
                         "component '%s' uses '%.*s', the project targets contract version %s",
                         component->declared->name, TVN_STR_ARG(item->name),
                         project->contract_version);
    }
    tvn_diag_related(check->sink, project->contract_version_span, "the project's");
    tvn_diag_help(check->sink, "write the same version in both places");
    return other_major ? TVN_E_VERSION_MISMATCH : TVN_OK;
}

static enum tvn_status check_versions(struct check *check, const struct check_component *component)
{
    const struct tvn_world *world = component->world;
    enum tvn_status result = TVN_OK;
    for (size_t i = 0; i < world->import_count + world->export_count; i++) {
        struct tvn_package_id package;
        const struct tvn_world_item *item = item_at(world, i);
        if (!contract_of(item, &package)) {
            continue;
        }
        enum tvn_status status = check_one_version(check, world, i, &package);
        /* Once for a world is enough, where it exports. */
        if (status == TVN_OK && i == world->import_count) {
            status = check_manifest_version(check, component, item, &package);
        }
        result = result == TVN_OK ? status : result;
    }
    return result;
}

enum tvn_status check_world(struct check *check, struct check_component *component)
{
    if (component->folder && !check_folder_usable(component->folder)) {
        return TVN_OK; /* what is wrong with it has been said */
    }
    component->world = component->folder ? find_world(check, component) : NULL;
    if (!component->world) {
        return component->folder || component->errors == 0 ? no_world(check, component) : TVN_OK;
    }
    enum tvn_status status = check_exports(check, component);
    enum tvn_status versions = check_versions(check, component);
    enum tvn_status async = check_async(check, component);
    status = status == TVN_OK ? versions : status;
    return status == TVN_OK ? async : status;
}

/* ---- what it names ---- */

static bool is_named(const char *const *packages, size_t count, const char *package)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(packages[i], package) == 0) {
            return true;
        }
    }
    return false;
}

bool check_world_packages(struct check *check, const struct tvn_world *world,
                          const char *const **out_packages, size_t *out_count)
{
    size_t most = world->import_count + world->export_count;
    const char **packages = TVN_ARENA_ARRAY(check->arena, const char *, most + 1);
    size_t count = 0;
    for (size_t i = 0; packages && i < most; i++) {
        const struct tvn_world_item *item = item_at(world, i);
        struct tvn_package_id package;
        struct tvn_str name;
        if (item->kind != TVN_WORLD_INTERFACE ||
            !tvn_interface_id_parse(item->name, &package, &name) || !package.version.valid) {
            continue;
        }
        TVN_AUTO_VALUE(tvn_strbuf) text = {0};
        tvn_package_id_print(&package, &text);
        if (text.failed) {
            return false;
        }
        if (!is_named(packages, count, tvn_strbuf_text(&text))) {
            packages[count] = tvn_arena_strndup(check->arena, tvn_strbuf_text(&text), text.len);
            if (!packages[count++]) {
                return false;
            }
        }
    }
    *out_packages = packages;
    *out_count = count;
    return packages != NULL;
}
