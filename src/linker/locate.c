/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "linker/link_internal.h"

#include <sys/stat.h>

#define BUILTIN_PREFIX  "builtin:"
#define SUGGESTIONS_MAX 256

static bool is_path(struct tvn_str reference)
{
    return tvn_str_find(reference, '/') != SIZE_MAX ||
           tvn_str_ends_with(reference, TVN_STR(".wasm"));
}

/* Relative to the manifest's directory, without needless "./". */
static const char *join(struct tvn_link_build *build, const char *directory, const char *name)
{
    while (name[0] == '.' && name[1] == '/') {
        name += 2;
    }
    if (strcmp(directory, ".") == 0) {
        directory = "";
    }
    TVN_AUTO_FREE char *joined = directory[0] ? tvn_path_join(directory, name) : tvn_strdup(name);
    return joined ? tvn_arena_strndup(build->link->arena, joined, strlen(joined)) : NULL;
}

static enum tvn_status no_memory(struct tvn_link_build *build, struct tvn_span at)
{
    return tvn_diag_error(build->sink, TVN_E_OUT_OF_MEMORY, at, "no memory to link the flow");
}

/* Keeps the newer of *newest and the file at directory/name. */
static void consider(struct tvn_link_build *build, const char *directory, const char *name,
                     const char **newest, struct timespec *newest_time)
{
    const char *path = join(build, directory, name);
    struct stat info;
    if (!path || stat(path, &info) != 0 || !S_ISREG(info.st_mode)) {
        return;
    }
    bool newer =
        !*newest || info.st_mtim.tv_sec > newest_time->tv_sec ||
        (info.st_mtim.tv_sec == newest_time->tv_sec && info.st_mtim.tv_nsec > newest_time->tv_nsec);
    if (newer) {
        *newest = path;
        *newest_time = info.st_mtim;
    }
}

/* Where Rust's own tools put a component: target/wasm32-wasip2/{debug,release}/<name with
 * underscores>.wasm. */
static void consider_cargo(struct tvn_link_build *build,
                           const struct tvn_manifest_component *component, const char *root,
                           const char **newest, struct timespec *newest_time)
{
    char *crate = tvn_arena_strndup(build->link->arena, component->name, strlen(component->name));
    if (!crate) {
        return;
    }
    for (char *c = crate; *c; c++) {
        *c = *c == '-' ? '_' : *c;
    }
    static const char *const profiles[] = {"debug", "release"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(profiles); i++) {
        const char *name = tvn_arena_printf(build->link->arena, "target/wasm32-wasip2/%s/%s.wasm",
                                            profiles[i], crate);
        if (name) {
            consider(build, root, name, newest, newest_time);
        }
    }
}

static enum tvn_status locate_declared(struct tvn_link_build *build,
                                       const struct tvn_manifest_component *component,
                                       struct tvn_span at, const char **out_path)
{
    const struct tvn_manifest *manifest = build->link->manifest;
    const char *output =
        tvn_arena_printf(build->link->arena, ".torvyn/build/%s.wasm", component->name);
    const char *root = join(build, manifest->directory, component->path);
    if (!output || !root) {
        return no_memory(build, at);
    }
    const char *newest = NULL;
    struct timespec newest_time = {0};
    consider(build, manifest->directory, output, &newest, &newest_time);
    consider(build, root, output, &newest, &newest_time);
    consider_cargo(build, component, root, &newest, &newest_time);
    consider_cargo(build, component, manifest->directory, &newest, &newest_time);
    if (newest) {
        *out_path = newest;
        return TVN_OK;
    }
    (void)tvn_diag_error(build->sink, TVN_E_COMPONENT_NOT_FOUND, at,
                         "component '%s' has not been built", component->name);
    tvn_diag_note(build->sink, "looked for '%s/%s' and, for Rust, under 'target/wasm32-wasip2'",
                  manifest->directory, output);
    tvn_diag_help(build->sink,
                  "build it first (torvyn build, or the project's own build), then run again");
    return TVN_E_COMPONENT_NOT_FOUND;
}

/* The file in --components: NAME.wasm for a name, the last part of a path. NULL when there is
 * none. */
static const char *in_components(struct tvn_link_build *build, struct tvn_str reference)
{
    if (!build->options->components) {
        return NULL;
    }
    size_t slash = tvn_str_find_last(reference, '/');
    struct tvn_str name =
        tvn_str_slice(reference, slash == SIZE_MAX ? 0 : slash + 1, reference.len);
    struct tvn_arena *arena = build->link->arena;
    const char *file = tvn_str_ends_with(name, TVN_STR(".wasm"))
                           ? tvn_arena_strndup(arena, name.ptr, name.len)
                           : tvn_arena_printf(arena, "%.*s.wasm", TVN_STR_ARG(name));
    TVN_AUTO_FREE char *path = file ? tvn_path_join(build->options->components, file) : NULL;
    return path && tvn_file_exists(path) ? tvn_arena_strndup(arena, path, strlen(path)) : NULL;
}

static enum tvn_status unknown_component(struct tvn_link_build *build, const char *reference,
                                         struct tvn_span at)
{
    const struct tvn_manifest *manifest = build->link->manifest;
    const char *names[SUGGESTIONS_MAX];
    size_t count = 0;
    for (; count < manifest->component_count && count < SUGGESTIONS_MAX; count++) {
        names[count] = manifest->components[count].name;
    }
    (void)tvn_diag_error(build->sink, TVN_E_COMPONENT_NOT_FOUND, at,
                         "no [[component]] is called '%s'", reference);
    const char *near = tvn_suggest(tvn_str_of(reference), names, count);
    if (near) {
        tvn_diag_label(build->sink, "did you mean '%s'?", near);
    }
    tvn_diag_help(
        build->sink,
        "declare it with [[component]], or name a file: component = \"./path/to/file.wasm\"");
    return TVN_E_COMPONENT_NOT_FOUND;
}

enum tvn_status tvn_link_locate(struct tvn_link_build *build, const char *reference,
                                struct tvn_span at, const char **out_path, const char **out_builtin)
{
    struct tvn_str text = tvn_str_of(reference);
    *out_path = NULL;
    *out_builtin = NULL;
    if (tvn_str_starts_with(text, TVN_STR(BUILTIN_PREFIX))) {
        *out_builtin = reference;
        return TVN_OK;
    }
    *out_path = in_components(build, text);
    if (*out_path) {
        return TVN_OK;
    }
    if (tvn_str_starts_with(text, TVN_STR("oci://"))) {
        (void)tvn_diag_error(build->sink, TVN_E_COMPONENT_NOT_FOUND, at,
                             "'%s': components are not fetched from registries when a flow starts",
                             reference);
        tvn_diag_help(
            build->sink,
            "fetch the artifact first and name its file: component = \"./path/to/file.wasm\"");
        return TVN_E_COMPONENT_NOT_FOUND;
    }
    if (tvn_str_starts_with(text, TVN_STR("file://"))) {
        *out_path = join(build, build->link->manifest->directory, reference + strlen("file://"));
        return *out_path ? TVN_OK : no_memory(build, at);
    }
    if (is_path(text)) {
        *out_path = join(build, build->link->manifest->directory, reference);
        return *out_path ? TVN_OK : no_memory(build, at);
    }
    const struct tvn_manifest_component *component =
        tvn_manifest_find_component(build->link->manifest, reference);
    if (!component) {
        return unknown_component(build, reference, at);
    }
    return locate_declared(build, component, at, out_path);
}
