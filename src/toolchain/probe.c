/* SPDX-License-Identifier: Apache-2.0 */
#include "toolchain/probe.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/file.h"
#include "base/mem.h"
#include "toolchain/probe_internal.h"
#include "toolchain/process.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const struct tvn_tool_info *tvn_tool_info(enum tvn_tool tool)
{
    static const struct tvn_tool_info infos[] = {
#define TVN_TOOL(id, kind_, name_, variable_, programs_, cached_, what_, install_) \
    [TVN_TOOL_##id] = {.kind = TVN_TOOL_KIND_##kind_,                              \
                       .name = (name_),                                            \
                       .variable = (variable_),                                    \
                       .programs = (programs_),                                    \
                       .cached = (cached_),                                        \
                       .what = (what_),                                            \
                       .install = (install_)},
#include "toolchain/tools.def"
#undef TVN_TOOL
    };
    tvn_assert((unsigned)tool < TVN_TOOL_COUNT);
    return &infos[tool];
}

/* An environment variable that is set and not empty, copied; NULL else. */
const char *probe_variable(struct tvn_probe *probe, const char *name)
{
    const char *value = getenv(name); // NOLINT(concurrency-mt-unsafe)
    return value && value[0] ? tvn_arena_strndup(probe->arena, value, strlen(value)) : NULL;
}

static void read_places(struct tvn_probe *probe)
{
    const char *xdg = probe_variable(probe, "XDG_CACHE_HOME");
    probe->home = probe_variable(probe, "HOME");
    probe->path = probe_variable(probe, "PATH");
    probe->torvyn_home = probe_variable(probe, "TORVYN_HOME");
    probe->cache = probe_variable(probe, "TORVYN_CACHE_DIR");
    if (!probe->cache && xdg) {
        probe->cache = probe_join(probe, xdg, "torvyn");
    } else if (!probe->cache && probe->home) {
        probe->cache = probe_join(probe, probe->home, ".cache/torvyn");
    }
}

struct tvn_probe *tvn_probe_create(void)
{
    TVN_AUTO(tvn_probe) probe = tvn_calloc(1, sizeof(*probe));
    if (!probe) {
        return NULL;
    }
    probe->arena = tvn_arena_create(0);
    if (!probe->arena) {
        return NULL;
    }
    read_places(probe);
    return TVN_TAKE(probe);
}

void tvn_probe_destroy(struct tvn_probe *probe)
{
    if (probe) {
        tvn_arena_destroy(probe->arena);
        tvn_free(probe);
    }
}

/* ---- looking ---- */

const char *probe_join(struct tvn_probe *probe, const char *directory, const char *name)
{
    return tvn_arena_printf(probe->arena, "%s/%s", directory, name);
}

bool probe_is(enum tvn_tool_kind kind, const char *path)
{
    struct stat info;
    if (!path || stat(path, &info) != 0) {
        return false;
    }
    switch (kind) {
    case TVN_TOOL_KIND_PROGRAM:
        return S_ISREG(info.st_mode) && access(path, X_OK) == 0;
    case TVN_TOOL_KIND_FILE:
        return S_ISREG(info.st_mode);
    case TVN_TOOL_KIND_FOLDER:
        return S_ISDIR(info.st_mode);
    }
    tvn_unreachable();
}

/* Takes the text before the next `separator` off *rest; false at the end. */
static bool next_part(struct tvn_str *rest, char separator, struct tvn_str *out_part)
{
    if (!rest->ptr) {
        return false;
    }
    size_t end = tvn_str_find(*rest, separator);
    bool last = end == SIZE_MAX;
    *out_part = last ? *rest : tvn_str_slice(*rest, 0, end);
    *rest = last ? (struct tvn_str){NULL, 0} : tvn_str_slice(*rest, end + 1, rest->len);
    return true;
}

/* Folders of PATH that are relative are left out: what they mean depends on where one stands. */
const char *probe_on_path(struct tvn_probe *probe, struct tvn_str name)
{
    struct tvn_str rest = tvn_str_of(probe->path);
    struct tvn_str folder;
    for (size_t i = 0; i < TVN_PROBE_PATHS_MAX && next_part(&rest, ':', &folder); i++) {
        if (folder.len == 0 || folder.ptr[0] != '/') {
            continue;
        }
        const char *path =
            tvn_arena_printf(probe->arena, "%.*s/%.*s", TVN_STR_ARG(folder), TVN_STR_ARG(name));
        if (probe_is(TVN_TOOL_KIND_PROGRAM, path)) {
            return path;
        }
    }
    return NULL;
}

static const char *in_places(struct tvn_probe *probe, const struct tvn_tool_info *info)
{
    struct tvn_str rest = tvn_str_of(info->programs);
    struct tvn_str part;
    while (next_part(&rest, '|', &part)) {
        if (part.len == 0) {
            continue;
        }
        const char *path = info->kind == TVN_TOOL_KIND_PROGRAM
                               ? probe_on_path(probe, part)
                               : tvn_arena_strndup(probe->arena, part.ptr, part.len);
        if (probe_is(info->kind, path)) {
            return path;
        }
    }
    return NULL;
}

static const char *in_torvyn_home(struct tvn_probe *probe, const struct tvn_tool_info *info)
{
    if (!probe->torvyn_home) {
        return NULL;
    }
    bool program = info->kind == TVN_TOOL_KIND_PROGRAM;
    const char *path = tvn_arena_printf(probe->arena, "%s/%s/%s", probe->torvyn_home,
                                        program ? "bin" : "share", info->name);
    return probe_is(info->kind, path) ? path : NULL;
}

/* The folder "<prefix><key>" of the cache whose stamp (written last) is the newest. */
static const char *newest_in_cache(struct tvn_probe *probe, struct tvn_str prefix)
{
    DIR *directory = opendir(probe->cache);
    if (!directory) {
        return NULL;
    }
    const char *newest = NULL;
    struct timespec newest_time = {0};
    const struct dirent *entry;
    while ((entry = readdir(directory))) { // NOLINT(concurrency-mt-unsafe)
        if (!tvn_str_starts_with(tvn_str_of(entry->d_name), prefix)) {
            continue;
        }
        const char *folder = probe_join(probe, probe->cache, entry->d_name);
        const char *stamp = folder ? probe_join(probe, folder, "stamp") : NULL;
        struct stat info;
        if (!stamp || stat(stamp, &info) != 0) {
            continue;
        }
        bool newer = !newest || info.st_mtim.tv_sec > newest_time.tv_sec ||
                     (info.st_mtim.tv_sec == newest_time.tv_sec &&
                      info.st_mtim.tv_nsec > newest_time.tv_nsec);
        if (newer) {
            newest = folder;
            newest_time = info.st_mtim;
        }
    }
    closedir(directory);
    return newest;
}

const char *probe_in_cache(struct tvn_probe *probe, const struct tvn_tool_info *info)
{
    struct tvn_str cached = tvn_str_of(info->cached);
    size_t slash = tvn_str_find(cached, '/');
    if (!probe->cache || slash == SIZE_MAX) {
        return NULL;
    }
    const char *folder = newest_in_cache(probe, tvn_str_slice(cached, 0, slash));
    const char *path = folder ? probe_join(probe, folder, info->cached + slash + 1) : NULL;
    return probe_is(info->kind, path) ? path : NULL;
}

static const char *look(struct tvn_probe *probe, const struct tvn_tool_info *info)
{
    const char *named = probe_variable(probe, info->variable);
    if (named) {
        /* A variable that names nothing is an error to be seen, not one to be passed over. A name
         * without slash is a program on PATH. */
        bool bare = info->kind == TVN_TOOL_KIND_PROGRAM && !strchr(named, '/');
        const char *path = bare ? probe_on_path(probe, tvn_str_of(named)) : named;
        return probe_is(info->kind, path) ? path : NULL;
    }
    const char *found = in_torvyn_home(probe, info);
    found = found ? found : in_places(probe, info);
    return found ? found : probe_in_cache(probe, info);
}

const char *tvn_probe_find(struct tvn_probe *probe, enum tvn_tool tool)
{
    tvn_assert(probe && (unsigned)tool < TVN_TOOL_COUNT);
    if (!probe->looked[tool]) {
        probe->found[tool] = look(probe, tvn_tool_info(tool));
        probe->looked[tool] = true;
    }
    return probe->found[tool];
}

enum tvn_status tvn_probe_require(struct tvn_probe *probe, enum tvn_tool tool,
                                  const char *needed_by, struct tvn_diag_sink *sink,
                                  const char **out_path)
{
    const char *path = tvn_probe_find(probe, tool);
    if (path) {
        *out_path = path;
        return TVN_OK;
    }
    const struct tvn_tool_info *info = tvn_tool_info(tool);
    (void)tvn_diag_error(sink, TVN_E_TOOLCHAIN_MISSING, TVN_SPAN_NONE,
                         "%s needs '%s', which was not found", needed_by, info->name);
    tvn_diag_note(sink, "'%s' %s", info->name, info->what);
    const char *named = probe_variable(probe, info->variable);
    if (named) {
        tvn_diag_note(sink, "the environment says %s=%s, which is not usable", info->variable,
                      named);
    } else {
        tvn_diag_note(sink, "looked in $TORVYN_HOME, %s and Torvyn's cache; %s may name it",
                      info->kind == TVN_TOOL_KIND_PROGRAM ? "PATH" : "the usual places",
                      info->variable);
    }
    tvn_diag_help(sink, "%s", info->install);
    return TVN_E_TOOLCHAIN_MISSING;
}

/* ---- asking ---- */

/* The first line of what a call prints; NULL when it fails or prints nothing. */
const char *probe_ask(struct tvn_probe *probe, const char *const *argv)
{
    TVN_AUTO_VALUE(tvn_strbuf) out = {.max = TVN_PROCESS_OUTPUT_MAX};
    const struct tvn_process_options options = {.argv = argv};
    int code = 0;
    if (tvn_process_run(&options, TVN_PROBE_TIMEOUT_NS, &out, &code) != TVN_OK || code != 0) {
        return NULL;
    }
    struct tvn_str text = tvn_strbuf_view(&out);
    size_t end = tvn_str_find(text, '\n');
    text = tvn_str_trim(end == SIZE_MAX ? text : tvn_str_slice(text, 0, end));
    return text.len > 0 ? tvn_arena_strndup(probe->arena, text.ptr, text.len) : NULL;
}

const char *tvn_probe_ask_version(struct tvn_probe *probe, const char *program)
{
    const char *const argv[] = {program, "--version", NULL};
    return probe_ask(probe, argv);
}

const char *tvn_probe_version(struct tvn_probe *probe, enum tvn_tool tool)
{
    const char *path = tvn_probe_find(probe, tool);
    if (!path || tvn_tool_info(tool)->kind != TVN_TOOL_KIND_PROGRAM) {
        return NULL;
    }
    bool word = tool == TVN_TOOL_GO || tool == TVN_TOOL_ZIG;
    const char *const argv[] = {path, word ? "version" : "--version", NULL};
    return probe_ask(probe, argv);
}
