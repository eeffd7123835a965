/* SPDX-License-Identifier: Apache-2.0 */
#include "contracts/wit.h"

#include "base/assert.h"
#include "base/file.h"
#include "contracts/wit_internal.h"
#include "contracts/wit_parser_internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

struct tvn_wit *tvn_wit_create(void)
{
    TVN_AUTO(tvn_wit) wit = tvn_calloc(1, sizeof(*wit));
    if (!wit) {
        return NULL;
    }
    wit->arena = tvn_arena_create(0);
    wit->interfaces = tvn_map_create(TVN_WIT_ITEMS_MAX);
    if (!wit->arena || !wit->interfaces) {
        return NULL;
    }
    wit->files_tail = &wit->files;
    return TVN_TAKE(wit);
}

void tvn_wit_destroy(struct tvn_wit *wit)
{
    if (!wit) {
        return;
    }
    tvn_vec_deinit(&wit->packages);
    tvn_vec_deinit(&wit->features);
    tvn_map_destroy(wit->interfaces);
    tvn_arena_destroy(wit->arena);
    tvn_free(wit);
}

enum tvn_status tvn_wit_enable_feature(struct tvn_wit *wit, struct tvn_str feature)
{
    tvn_assert(wit);
    tvn_assert(!wit->resolved);
    struct tvn_str copy = tvn_arena_str(wit->arena, feature);
    if (!copy.ptr) {
        return TVN_E_OUT_OF_MEMORY;
    }
    return tvn_vec_push(&wit->features, TVN_WIT_FEATURES_MAX, copy);
}

void tvn_wit_enable_all_features(struct tvn_wit *wit)
{
    tvn_assert(wit);
    tvn_assert(!wit->resolved);
    wit->all_features = true;
}

static enum tvn_status no_memory(struct tvn_diag_sink *sink)
{
    return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE, "no memory for WIT files");
}

/* Parses one file into the set. */
static enum tvn_status add_text(struct tvn_wit *wit, const char *name, struct tvn_str text,
                                struct tvn_str group, bool group_agrees, struct tvn_diag_sink *sink)
{
    tvn_assert(!wit->resolved);
    if (text.len > TVN_WIT_FILE_MAX || wit->file_count == TVN_WIT_FILES_MAX) {
        struct tvn_span nowhere = {tvn_diag_add_source(sink, name, TVN_STR("")), 0, 0};
        return text.len > TVN_WIT_FILE_MAX
                   ? tvn_diag_error(sink, TVN_E_WIT_SYNTAX_ERROR, nowhere,
                                    "file is larger than %zu bytes", TVN_WIT_FILE_MAX)
                   : tvn_diag_error(sink, TVN_E_WIT_SYNTAX_ERROR, nowhere, "more than %d WIT files",
                                    TVN_WIT_FILES_MAX);
    }
    struct tvn_ast_file *file = TVN_ARENA_NEW(wit->arena, struct tvn_ast_file);
    struct tvn_str copy = tvn_arena_str(wit->arena, text);
    struct tvn_str group_copy = tvn_arena_str(wit->arena, group);
    uint32_t number = tvn_diag_add_source(sink, name, text);
    if (!file || !copy.ptr || !group_copy.ptr || number == 0) {
        return no_memory(sink);
    }
    file->start = (struct tvn_span){number, 0, 0};
    file->text = copy;
    file->group = group_copy;
    file->group_agrees = group_agrees;
    *wit->files_tail = file;
    wit->files_tail = &file->next;
    wit->file_count++;

    size_t errors = tvn_diag_error_count(sink);
    struct tvn_wit_parser parser = {.arena = wit->arena, .sink = sink};
    if (tvn_wit_lexer_init(&parser.lexer, copy, number, sink)) {
        tvn_wit_parse_file(&parser, file);
    }
    if (parser.out_of_memory) {
        return TVN_E_OUT_OF_MEMORY;
    }
    return tvn_diag_error_count(sink) > errors ? TVN_E_WIT_SYNTAX_ERROR : TVN_OK;
}

enum tvn_status tvn_wit_add_text(struct tvn_wit *wit, const char *name, struct tvn_str text,
                                 struct tvn_diag_sink *sink)
{
    tvn_assert(wit);
    tvn_assert(name);
    tvn_assert(sink);
    struct tvn_str path = tvn_str_of(name);
    size_t slash = tvn_str_find_last(path, '/');
    struct tvn_str group = tvn_str_slice(path, 0, slash == SIZE_MAX ? 0 : slash);
    return add_text(wit, name, text, group, false, sink);
}

/* errno says why. */
static enum tvn_status cannot_read(const char *path, struct tvn_diag_sink *sink)
{
    return tvn_diag_error(sink, TVN_E_IO_ERROR, TVN_SPAN_NONE, "cannot read '%s': %s", path,
                          strerror(errno));
}

/* What is listed in a directory but is no file, such as a pipe, could keep its reader for ever. A
 * path that the user names may be anything that can be read. */
static enum tvn_status add_file(struct tvn_wit *wit, const char *path, const char *group,
                                bool listed, struct tvn_diag_sink *sink)
{
    TVN_AUTO_VALUE(tvn_file_bytes) bytes = {0};
    enum tvn_status status = listed ? tvn_file_read_regular(path, TVN_WIT_FILE_MAX, &bytes)
                                    : tvn_file_read(path, TVN_WIT_FILE_MAX, &bytes);
    if (listed && status == TVN_E_IO_ERROR && (errno == ENOTSUP || errno == EISDIR)) {
        return tvn_diag_error(sink, TVN_E_IO_ERROR, TVN_SPAN_NONE, "'%s' is not a regular file",
                              path);
    }
    if (status == TVN_FULL) {
        return tvn_diag_error(sink, TVN_E_WIT_SYNTAX_ERROR, TVN_SPAN_NONE,
                              "'%s' is larger than %zu bytes", path, TVN_WIT_FILE_MAX);
    }
    if (status == TVN_E_OUT_OF_MEMORY) {
        return no_memory(sink);
    }
    if (status != TVN_OK) {
        return cannot_read(path, sink);
    }
    return add_text(wit, path, (struct tvn_str){(const char *)bytes.ptr, bytes.len},
                    tvn_str_of(group), true, sink);
}

struct names {
    TVN_VEC(char *) list;
};

static void names_deinit(struct names *names)
{
    for (size_t i = 0; i < names->list.count; i++) {
        tvn_free(names->list.items[i]);
    }
    tvn_vec_deinit(&names->list);
}
TVN_DEFINE_CLEANUP_VALUE(names, names_deinit)

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum tvn_status add_name(struct names *names, const char *name)
{
    char *copy = tvn_strdup(name);
    if (!copy) {
        return TVN_E_OUT_OF_MEMORY;
    }
    enum tvn_status status = tvn_vec_push(&names->list, TVN_WIT_FILES_MAX + 1, copy);
    if (status != TVN_OK) {
        tvn_free(copy);
    }
    return status;
}

/* The entries of a directory by name, without hidden ones; at most TVN_WIT_FILES_MAX + 1, which
 * add_text refuses. */
static enum tvn_status list_directory(const char *path, struct names *names,
                                      struct tvn_diag_sink *sink)
{
    DIR *directory = opendir(path);
    if (!directory) {
        return cannot_read(path, sink);
    }
    enum tvn_status status = TVN_OK;
    const struct dirent *entry;
    while (status == TVN_OK && (entry = readdir(directory))) {
        if (entry->d_name[0] != '.') {
            status = add_name(names, entry->d_name);
        }
    }
    closedir(directory);
    if (status == TVN_E_OUT_OF_MEMORY) {
        return no_memory(sink);
    }
    if (names->list.count > 0) {
        qsort((void *)names->list.items, names->list.count, sizeof(*names->list.items),
              compare_names);
    }
    return TVN_OK;
}

static bool is_directory(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Remembers the first failure but lets the loop go on to the next file. */
static void keep_first(enum tvn_status *first, enum tvn_status status)
{
    if (*first == TVN_OK) {
        *first = status;
    }
}

/* The *.wit files of one directory as one package. */
static enum tvn_status add_package_directory(struct tvn_wit *wit, const char *path,
                                             struct tvn_diag_sink *sink)
{
    TVN_AUTO_VALUE(names) names = {0};
    TVN_TRY(list_directory(path, &names, sink));
    enum tvn_status first = TVN_OK;
    size_t found = 0;
    for (size_t i = 0; i < names.list.count; i++) {
        if (!tvn_str_ends_with(tvn_str_of(names.list.items[i]), TVN_STR(".wit"))) {
            continue;
        }
        TVN_AUTO_FREE char *file = tvn_path_join(path, names.list.items[i]);
        if (!file) {
            return no_memory(sink);
        }
        found++;
        keep_first(&first, add_file(wit, file, path, true, sink));
    }
    if (found == 0) {
        return tvn_diag_error(sink, TVN_E_WIT_RESOLUTION_ERROR, TVN_SPAN_NONE,
                              "no .wit file in '%s'", path);
    }
    return first;
}

/* Each file and each directory of deps/ is a package; what is neither is ignored. */
static enum tvn_status add_deps(struct tvn_wit *wit, const char *path, struct tvn_diag_sink *sink)
{
    TVN_AUTO_VALUE(names) names = {0};
    TVN_TRY(list_directory(path, &names, sink));
    enum tvn_status first = TVN_OK;
    for (size_t i = 0; i < names.list.count; i++) {
        TVN_AUTO_FREE char *entry = tvn_path_join(path, names.list.items[i]);
        if (!entry) {
            return no_memory(sink);
        }
        if (is_directory(entry)) {
            keep_first(&first, add_package_directory(wit, entry, sink));
        } else if (tvn_str_ends_with(tvn_str_of(entry), TVN_STR(".wit"))) {
            keep_first(&first, add_file(wit, entry, entry, true, sink));
        }
    }
    return first;
}

enum tvn_status tvn_wit_add_path(struct tvn_wit *wit, const char *path, struct tvn_diag_sink *sink)
{
    tvn_assert(wit);
    tvn_assert(path);
    tvn_assert(sink);
    if (!is_directory(path)) {
        return add_file(wit, path, path, false, sink);
    }
    enum tvn_status first = add_package_directory(wit, path, sink);
    TVN_AUTO_FREE char *deps = tvn_path_join(path, "deps");
    if (!deps) {
        return no_memory(sink);
    }
    if (is_directory(deps)) {
        keep_first(&first, add_deps(wit, deps, sink));
    }
    return first;
}

enum tvn_status tvn_wit_resolve(struct tvn_wit *wit, struct tvn_diag_sink *sink)
{
    tvn_assert(wit);
    tvn_assert(sink);
    tvn_assert(!wit->resolved);
    wit->resolved = true;
    return tvn_wit_resolver_run(wit, sink);
}

size_t tvn_wit_package_count(const struct tvn_wit *wit)
{
    tvn_assert(wit);
    return wit->packages.count;
}

const struct tvn_package *tvn_wit_package_at(const struct tvn_wit *wit, size_t index)
{
    tvn_assert(wit);
    tvn_assert(index < wit->packages.count);
    return wit->packages.items[index];
}

const struct tvn_interface *tvn_wit_find_interface(const struct tvn_wit *wit, struct tvn_str id)
{
    tvn_assert(wit);
    const struct tvn_interface *exact = tvn_map_get(wit->interfaces, id);
    struct tvn_package_id package;
    struct tvn_str name;
    if (exact || !tvn_interface_id_parse(id, &package, &name) || package.version.valid) {
        return exact;
    }
    for (size_t i = 0; i < wit->packages.count; i++) {
        const struct tvn_package *candidate = wit->packages.items[i];
        if (tvn_str_equal(candidate->id.namespace_name, package.namespace_name) &&
            tvn_str_equal(candidate->id.name, package.name)) {
            const struct tvn_interface *found = tvn_package_find_interface(candidate, name);
            if (found) {
                return found;
            }
        }
    }
    return NULL;
}
