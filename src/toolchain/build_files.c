/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "toolchain/build_internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

void build_files_deinit(struct build_files *files)
{
    tvn_vec_deinit(&files->list);
}

/* What tools make or keep for themselves; and the manifest, of which the plan knows what counts. */
static bool is_skipped(const char *name)
{
    static const char *const skipped[] = {"target", "node_modules", "__pycache__", "zig-out",
                                          "Torvyn.toml"};
    bool skip = name[0] == '.' || tvn_str_ends_with(tvn_str_of(name), TVN_STR(".wasm"));
    for (size_t i = 0; !skip && i < TVN_ARRAY_LEN(skipped); i++) {
        skip = strcmp(name, skipped[i]) == 0;
    }
    return skip;
}

static enum tvn_status walk(struct build_files *files, struct tvn_arena *arena, const char *folder,
                            const char *suffix, unsigned depth);

static enum tvn_status add_entry(struct build_files *files, struct tvn_arena *arena,
                                 const char *path, const char *suffix, unsigned depth)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        return TVN_OK; /* gone, or a link to nothing */
    }
    if (S_ISDIR(info.st_mode)) {
        return walk(files, arena, path, suffix, depth + 1);
    }
    bool wanted = S_ISREG(info.st_mode) &&
                  (!suffix || tvn_str_ends_with(tvn_str_of(path), tvn_str_of(suffix)));
    return wanted ? tvn_vec_push(&files->list, TVN_BUILD_FILES_MAX, path) : TVN_OK;
}

/* At most TVN_BUILD_DEPTH_MAX levels, which also ends at links in a circle. */
static enum tvn_status walk(struct build_files *files, struct tvn_arena *arena, const char *folder,
                            const char *suffix, unsigned depth)
{
    if (depth > TVN_BUILD_DEPTH_MAX) {
        return TVN_FULL;
    }
    DIR *directory = opendir(folder);
    if (!directory) {
        return errno == ENOENT || errno == ENOTDIR ? TVN_OK : TVN_E_IO_ERROR;
    }
    enum tvn_status status = TVN_OK;
    const struct dirent *entry;
    while (status == TVN_OK && (entry = readdir(directory))) { // NOLINT(concurrency-mt-unsafe)
        if (!is_skipped(entry->d_name)) {
            const char *path = build_join(arena, folder, entry->d_name);
            status = path ? add_entry(files, arena, path, suffix, depth) : TVN_E_OUT_OF_MEMORY;
        }
    }
    closedir(directory);
    return status;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void drop_repeated(struct build_files *files)
{
    size_t kept = 1;
    for (size_t i = 1; i < files->list.count; i++) {
        if (strcmp(files->list.items[i], files->list.items[kept - 1]) != 0) {
            files->list.items[kept++] = files->list.items[i];
        }
    }
    files->list.count = kept;
}

enum tvn_status build_files_add(struct build_files *files, struct tvn_arena *arena,
                                const char *folder, const char *suffix)
{
    TVN_TRY(walk(files, arena, folder, suffix, 0));
    if (files->list.count > 0) {
        qsort(files->list.items, files->list.count, sizeof(*files->list.items), compare);
        drop_repeated(files);
    }
    return TVN_OK;
}
