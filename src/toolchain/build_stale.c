/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a component is older than what it is made of. */
#include "base/mem.h"
#include "toolchain/build_internal.h"

#include <sys/stat.h>

#define SUFFIXES_MAX 4

/* What the language's tools read; WIT counts for all. Lock files are written by tools. */
static const struct {
    const char *language;
    const char *suffixes[SUFFIXES_MAX];
} languages[] = {
    {"c", {".c", ".h"}},     {"rust", {".rs", "Cargo.toml"}}, {"python", {".py"}},
    {"javascript", {".js"}}, {"go", {".go", "go.mod"}},       {"zig", {".zig", ".c"}},
};

static bool is_source(const char *language, const char *path)
{
    struct tvn_str text = tvn_str_of(path);
    bool source = tvn_str_ends_with(text, TVN_STR(".wit"));
    for (size_t i = 0; i < TVN_ARRAY_LEN(languages); i++) {
        const char *const *suffixes = languages[i].suffixes;
        for (size_t k = 0; strcmp(languages[i].language, language) == 0 && suffixes[k]; k++) {
            source |= tvn_str_ends_with(text, tvn_str_of(suffixes[k]));
        }
    }
    return source;
}

static bool is_later(struct timespec a, struct timespec b)
{
    return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

const char *tvn_build_newer_source(const struct tvn_manifest *manifest,
                                   const struct tvn_manifest_component *component,
                                   const char *output, struct tvn_arena *arena)
{
    struct stat info;
    TVN_AUTO_VALUE(build_files) files = {0};
    const char *root = build_join(arena, manifest->directory, component->path);
    if (!root || stat(output, &info) != 0 || build_files_add(&files, arena, root, NULL) != TVN_OK) {
        return NULL;
    }
    const char *newest = NULL;
    struct timespec time = info.st_mtim;
    for (size_t i = 0; i < files.list.count; i++) {
        const char *path = files.list.items[i];
        if (is_source(component->language, path) && stat(path, &info) == 0 &&
            is_later(info.st_mtim, time)) {
            newest = path;
            time = info.st_mtim;
        }
    }
    return newest;
}
