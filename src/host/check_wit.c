/* SPDX-License-Identifier: Apache-2.0 */
/* The WIT text of a project: which folders hold it, parsing and resolving. */
#include "base/file.h"
#include "base/mem.h"
#include "base/vec.h"
#include "host/check_internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Without needless "./", as a person would write it. */
static const char *join(struct check *check, const char *directory, const char *name)
{
    while (name[0] == '.' && name[1] == '/') {
        name += 2;
    }
    if (strcmp(directory, ".") == 0) {
        directory = "";
    }
    if (strcmp(name, ".") == 0) {
        name = "";
    }
    TVN_AUTO_FREE char *joined = tvn_path_join(directory, name);
    return joined ? tvn_arena_strndup(check->arena, joined, strlen(joined)) : NULL;
}

/* ---- which folders ---- */

static struct check_folder *add_folder(struct check *check, const char *path, bool shared)
{
    for (size_t i = 0; i < check->folder_count; i++) {
        if (strcmp(check->folders[i].path, path) == 0) {
            return &check->folders[i]; /* a component at "." owns the project's folder */
        }
    }
    struct check_folder *folder = &check->folders[check->folder_count++];
    *folder = (struct check_folder){.path = path, .shared = shared};
    return folder;
}

static enum tvn_status find_component(struct check *check, struct check_component *component,
                                      const char *project_wit)
{
    const struct tvn_manifest_component *declared = component->declared;
    const char *root = join(check, check->manifest->directory, declared->path);
    const char *own = root ? join(check, root, "wit") : NULL;
    if (!own) {
        return check_no_memory(check->sink);
    }
    if (root[0] != '\0' && !is_folder(root)) {
        component->errors++;
        (void)tvn_diag_error(check->sink, TVN_E_CONSTRAINT_VIOLATION,
                             declared->path_span.file ? declared->path_span : declared->name_span,
                             "component '%s': there is no folder '%s'", declared->name, root);
        tvn_diag_help(check->sink, "correct its path, which is relative to the manifest");
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    if (is_folder(own)) {
        component->folder = add_folder(check, own, false);
    } else if (is_folder(project_wit)) {
        component->folder = add_folder(check, project_wit, true);
    }
    return TVN_OK;
}

/* A folder with vendored contracts and nothing else: a project that has no component yet. */
static bool holds_only_deps(const char *path)
{
    DIR *directory = opendir(path);
    bool deps = false;
    bool more = false;
    const struct dirent *entry;
    while (directory && (entry = readdir(directory))) { // NOLINT(concurrency-mt-unsafe)
        deps |= strcmp(entry->d_name, "deps") == 0;
        more |= entry->d_name[0] != '.' && strcmp(entry->d_name, "deps") != 0;
    }
    if (directory) {
        closedir(directory);
    }
    return deps && !more;
}

enum tvn_status check_wit_find(struct check *check)
{
    size_t count = check->manifest->component_count;
    check->components = TVN_ARENA_ARRAY(check->arena, struct check_component, count + 1);
    check->folders = TVN_ARENA_ARRAY(check->arena, struct check_folder, count + 1);
    const char *project_wit = join(check, check->manifest->directory, "wit");
    if (!check->components || !check->folders || !project_wit) {
        return check_no_memory(check->sink);
    }
    enum tvn_status result = TVN_OK;
    for (size_t i = 0; i < count; i++) {
        struct check_component *component = &check->components[check->component_count++];
        component->declared = &check->manifest->components[i];
        enum tvn_status status = find_component(check, component, project_wit);
        result = result == TVN_OK ? status : result;
    }
    if (count == 0 && is_folder(project_wit) && !holds_only_deps(project_wit)) {
        (void)add_folder(check, project_wit, true);
    }
    return result;
}

/* ---- parsing ---- */

/* Names in a folder, sorted; the names live in the check's arena. */
struct entry {
    const char *name;
};
struct entries {
    TVN_VEC(struct entry) list;
};
static void entries_deinit(struct entries *entries)
{
    tvn_vec_deinit(&entries->list);
}
TVN_DEFINE_CLEANUP_VALUE(entries, entries_deinit)

static enum tvn_status add_package(struct check *check, struct check_folder *folder,
                                   const char *path)
{
    struct check_package *package = &folder->packages[folder->package_count];
    package->wit = tvn_wit_create();
    if (!package->wit) {
        return check_no_memory(check->sink);
    }
    folder->package_count++;
    package->path = path;
    enum tvn_status status = tvn_wit_add_path(package->wit, path, check->sink);
    package->parsed = status == TVN_OK;
    return status;
}

static size_t count_wit_files(const struct entries *entries)
{
    size_t count = 0;
    for (size_t i = 0; i < entries->list.count; i++) {
        count += tvn_str_ends_with(tvn_str_of(entries->list.items[i].name), TVN_STR(".wit"));
    }
    return count;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

/* Without hidden ones. */
static enum tvn_status read_names(struct check *check, DIR *directory, struct entries *out)
{
    const struct dirent *entry;
    while ((entry = readdir(directory))) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        const char *name = tvn_arena_strndup(check->arena, entry->d_name, strlen(entry->d_name));
        TVN_TRY(name ? TVN_OK : TVN_E_OUT_OF_MEMORY);
        TVN_TRY(tvn_vec_push(&out->list, TVN_WIT_FILES_MAX, (struct entry){name}));
    }
    return TVN_OK;
}

static enum tvn_status list(struct check *check, const char *path, struct entries *out)
{
    DIR *directory = opendir(path);
    if (!directory) {
        return tvn_diag_error(check->sink, TVN_E_IO_ERROR, TVN_SPAN_NONE,
                              "folder '%s' cannot be read: %s", path, strerror(errno));
    }
    enum tvn_status status = read_names(check, directory, out);
    closedir(directory);
    if (status == TVN_FULL) {
        return tvn_diag_error(check->sink, TVN_E_WIT_RESOLUTION_ERROR, TVN_SPAN_NONE,
                              "'%s' holds more than %d files", path, TVN_WIT_FILES_MAX);
    }
    if (status != TVN_OK) {
        return check_no_memory(check->sink);
    }
    if (out->list.count > 0) {
        qsort(out->list.items, out->list.count, sizeof(*out->list.items), compare_names);
    }
    return TVN_OK;
}

/* Every folder that holds .wit files is a package; deps has dependencies only. */
static enum tvn_status add_packages(struct check *check, struct check_folder *folder,
                                    const struct entries *entries)
{
    enum tvn_status result = TVN_OK;
    for (size_t i = 0; i < entries->list.count; i++) {
        const char *name = entries->list.items[i].name;
        const char *path = join(check, folder->path, name);
        if (!path) {
            return check_no_memory(check->sink);
        }
        if (strcmp(name, "deps") == 0 || !is_folder(path)) {
            continue;
        }
        TVN_AUTO_VALUE(entries) inner = {0};
        TVN_TRY(list(check, path, &inner));
        size_t files = count_wit_files(&inner);
        if (files == 0) {
            continue;
        }
        if (folder->package_count == TVN_CHECK_PACKAGES_MAX) {
            return tvn_diag_error(check->sink, TVN_E_WIT_RESOLUTION_ERROR, TVN_SPAN_NONE,
                                  "'%s' holds more than %d packages", folder->path,
                                  TVN_CHECK_PACKAGES_MAX);
        }
        check->wit_files += files;
        enum tvn_status status = add_package(check, folder, path);
        result = result == TVN_OK ? status : result;
    }
    return result;
}

static enum tvn_status parse_folder(struct check *check, struct check_folder *folder)
{
    TVN_AUTO_VALUE(entries) entries = {0};
    TVN_TRY(list(check, folder->path, &entries));
    folder->packages = TVN_ARENA_ARRAY(check->arena, struct check_package, TVN_CHECK_PACKAGES_MAX);
    if (!folder->packages) {
        return check_no_memory(check->sink);
    }
    size_t files = count_wit_files(&entries);
    if (files > 0) {
        check->wit_files += files;
        return add_package(check, folder, folder->path);
    }
    TVN_TRY(add_packages(check, folder, &entries));
    return folder->package_count > 0
               ? TVN_OK
               : tvn_diag_error(check->sink, TVN_E_WIT_RESOLUTION_ERROR, TVN_SPAN_NONE,
                                "no .wit file in '%s'", folder->path);
}

enum tvn_status check_wit_parse(struct check *check)
{
    enum tvn_status result = TVN_OK;
    for (size_t i = 0; i < check->folder_count; i++) {
        enum tvn_status status = parse_folder(check, &check->folders[i]);
        result = result == TVN_OK ? status : result;
    }
    return result;
}

/* ---- resolving ---- */

enum tvn_status check_wit_resolve(struct check *check)
{
    enum tvn_status result = TVN_OK;
    for (size_t i = 0; i < check->folder_count; i++) {
        for (size_t p = 0; p < check->folders[i].package_count; p++) {
            struct check_package *package = &check->folders[i].packages[p];
            if (!package->parsed) {
                continue;
            }
            enum tvn_status status = tvn_wit_resolve(package->wit, check->sink);
            package->resolved = status == TVN_OK;
            result = result == TVN_OK ? status : result;
        }
    }
    return result;
}

void check_wit_release(struct check *check)
{
    for (size_t i = 0; i < check->folder_count; i++) {
        for (size_t p = 0; p < check->folders[i].package_count; p++) {
            tvn_wit_destroy(check->folders[i].packages[p].wit);
        }
    }
}

bool check_folder_usable(const struct check_folder *folder)
{
    bool usable = folder->package_count > 0;
    for (size_t p = 0; p < folder->package_count; p++) {
        usable &= folder->packages[p].resolved;
    }
    return usable;
}

/* ---- worlds ---- */

/* A file of the package itself, not of its deps. */
static bool is_own(const struct check *check, const struct check_package *package,
                   struct tvn_span span)
{
    const struct tvn_diag_source *source = tvn_diag_source(check->sink, span.file);
    struct tvn_str name = tvn_str_of(source ? source->name : "");
    size_t slash = tvn_str_find_last(name, '/');
    return slash != SIZE_MAX && tvn_str_is(tvn_str_slice(name, 0, slash), package->path);
}

const struct tvn_world *check_wit_world(const struct check *check,
                                        const struct check_folder *folder, size_t index)
{
    for (size_t p = 0; p < folder->package_count; p++) {
        const struct check_package *package = &folder->packages[p];
        for (size_t i = 0; package->resolved && i < tvn_wit_package_count(package->wit); i++) {
            const struct tvn_package *from = tvn_wit_package_at(package->wit, i);
            for (size_t w = 0; w < from->world_count; w++) {
                if (is_own(check, package, from->worlds[w]->span) && index-- == 0) {
                    return from->worlds[w];
                }
            }
        }
    }
    return NULL;
}

const char *check_wit_path_of(const struct check *check, const struct check_folder *folder,
                              const struct tvn_world *world)
{
    for (size_t p = 0; p < folder->package_count; p++) {
        if (folder->packages[p].resolved && is_own(check, &folder->packages[p], world->span)) {
            return folder->packages[p].path;
        }
    }
    return NULL;
}
