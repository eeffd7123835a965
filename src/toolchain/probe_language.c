/* SPDX-License-Identifier: Apache-2.0 */
/* Tools that are more than one program: Rust's toolchains, packages of Python and JavaScript. */
#include "base/arena.h"
#include "toolchain/probe_internal.h"

#include <dirent.h>

#define RUST_FOLDERS_MAX 64
#define WASI_LIBRARIES   "/usr/lib/wasm32-wasi" /* of the distribution's wasi-libc */

/* ---- Rust ---- */

struct rust_folders {
    const char *items[RUST_FOLDERS_MAX]; /* that hold cargo and rustc */
    size_t count;
};

static void add_folder(struct tvn_probe *probe, struct rust_folders *folders, const char *folder)
{
    if (!folder || folders->count == RUST_FOLDERS_MAX) {
        return;
    }
    const char *cargo = probe_join(probe, folder, "cargo");
    const char *rustc = probe_join(probe, folder, "rustc");
    if (probe_is(TVN_TOOL_KIND_PROGRAM, cargo) && probe_is(TVN_TOOL_KIND_PROGRAM, rustc)) {
        folders->items[folders->count++] = folder;
    }
}

static const char *folder_of(struct tvn_probe *probe, const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? tvn_arena_strndup(probe->arena, path, (size_t)(slash - path)) : NULL;
}

static const char *home_of(struct tvn_probe *probe, const char *variable, const char *below_home)
{
    const char *value = probe_variable(probe, variable);
    return value || !probe->home ? value : probe_join(probe, probe->home, below_home);
}

static void add_rustup(struct tvn_probe *probe, struct rust_folders *folders)
{
    const char *rustup = home_of(probe, "RUSTUP_HOME", ".rustup");
    const char *toolchains = rustup ? probe_join(probe, rustup, "toolchains") : NULL;
    DIR *directory = toolchains ? opendir(toolchains) : NULL;
    if (!directory) {
        return;
    }
    const struct dirent *entry;
    while ((entry = readdir(directory))) { // NOLINT(concurrency-mt-unsafe)
        if (entry->d_name[0] != '.') {
            add_folder(probe, folders,
                       tvn_arena_printf(probe->arena, "%s/%s/bin", toolchains, entry->d_name));
        }
    }
    closedir(directory);
}

static void find_folders(struct tvn_probe *probe, struct rust_folders *folders)
{
    add_folder(probe, folders, folder_of(probe, tvn_probe_find(probe, TVN_TOOL_CARGO)));
    if (probe_variable(probe, tvn_tool_info(TVN_TOOL_CARGO)->variable)) {
        return; /* that toolchain, or none */
    }
    const char *cargo_home = home_of(probe, "CARGO_HOME", ".cargo");
    add_folder(probe, folders, cargo_home ? probe_join(probe, cargo_home, "bin") : NULL);
    add_rustup(probe, folders);
    add_folder(probe, folders, "/usr/bin");
}

static bool has_library(struct tvn_probe *probe, const char *folder, const char *target)
{
    const char *rustc = probe_join(probe, folder, "rustc");
    const char *const argv[] = {rustc, "--print", "target-libdir", "--target", target, NULL};
    const char *libraries = rustc ? probe_ask(probe, argv) : NULL;
    DIR *directory = libraries ? opendir(libraries) : NULL;
    if (!directory) {
        return false;
    }
    bool found = false;
    const struct dirent *entry;
    while (!found && (entry = readdir(directory))) { // NOLINT(concurrency-mt-unsafe)
        found = tvn_str_starts_with(tvn_str_of(entry->d_name), TVN_STR("libstd-"));
    }
    closedir(directory);
    return found;
}

static bool take(struct tvn_probe *probe, const char *folder, const char *target,
                 struct tvn_rust *out_rust)
{
    *out_rust = (struct tvn_rust){
        .cargo = probe_join(probe, folder, "cargo"),
        .rustc = probe_join(probe, folder, "rustc"),
        .target = target,
    };
    return out_rust->cargo && out_rust->rustc;
}

bool tvn_probe_rust(struct tvn_probe *probe, struct tvn_rust *out_rust)
{
    static const char *const targets[] = {"wasm32-wasip2", "wasm32-wasip1",
                                          "wasm32-unknown-unknown"};
    struct rust_folders folders = {0};
    find_folders(probe, &folders);
    for (size_t t = 0; t < TVN_ARRAY_LEN(targets); t++) {
        for (size_t i = 0; i < folders.count; i++) {
            if (has_library(probe, folders.items[i], targets[t])) {
                return take(probe, folders.items[i], targets[t], out_rust);
            }
        }
    }
    const char *linker = tvn_probe_find(probe, TVN_TOOL_WASM_LD);
    bool distribution = false;
    for (size_t i = 0; i < folders.count; i++) {
        distribution |= strcmp(folders.items[i], "/usr/bin") == 0;
    }
    if (!distribution || !linker ||
        !probe_is(TVN_TOOL_KIND_FILE, "/usr/lib/rustlib/src/rust/library/Cargo.lock") ||
        !take(probe, "/usr/bin", "wasm32-unknown-unknown", out_rust)) {
        return false;
    }
    if (probe_is(TVN_TOOL_KIND_FILE, WASI_LIBRARIES "/crt1-reactor.o") &&
        tvn_probe_find(probe, TVN_TOOL_WASI_ADAPTER)) {
        out_rust->target = "wasm32-wasip1";
        out_rust->libraries = WASI_LIBRARIES;
    }
    out_rust->build_std = true;
    out_rust->linker = linker;
    return true;
}

/* ---- Python, JavaScript, Zig ---- */

bool tvn_probe_componentize_py(struct tvn_probe *probe, struct tvn_tool_call *out_call)
{
    *out_call = (struct tvn_tool_call){0};
    const char *program = tvn_probe_find(probe, TVN_TOOL_COMPONENTIZE_PY_PROGRAM);
    if (program) {
        out_call->argv[0] = program;
        return true;
    }
    /* A folder that pip --target filled. -B: no compiled files of the build in the source folder.
     */
    const char *folder = tvn_probe_find(probe, TVN_TOOL_COMPONENTIZE_PY);
    const char *python = tvn_probe_find(probe, TVN_TOOL_PYTHON);
    const char *package = folder ? probe_join(probe, folder, "componentize_py") : NULL;
    if (!python || !probe_is(TVN_TOOL_KIND_FOLDER, package)) {
        return false;
    }
    out_call->argv[0] = python;
    out_call->argv[1] = "-B";
    out_call->argv[2] = "-c";
    out_call->argv[3] = "import componentize_py; componentize_py.script()";
    out_call->environment = tvn_arena_printf(probe->arena, "PYTHONPATH=%s", folder);
    return out_call->environment != NULL;
}

bool tvn_probe_componentize_js(struct tvn_probe *probe, const char *root,
                               struct tvn_tool_call *out_call)
{
    *out_call = (struct tvn_tool_call){0};
    const char *program =
        root ? probe_join(probe, root, "node_modules/.bin/componentize-js") : NULL;
    if (!probe_is(TVN_TOOL_KIND_PROGRAM, program)) {
        program = tvn_probe_find(probe, TVN_TOOL_COMPONENTIZE_JS_PROGRAM);
    }
    if (program) {
        out_call->argv[0] = program;
        return true;
    }
    const char *script = tvn_probe_find(probe, TVN_TOOL_COMPONENTIZE_JS);
    /* The one that came with the package, unless another one is asked for: distributions' are often
     * too old. */
    const struct tvn_tool_info *info = tvn_tool_info(TVN_TOOL_NODE);
    const char *node = probe_variable(probe, info->variable) ? NULL : probe_in_cache(probe, info);
    node = node ? node : tvn_probe_find(probe, TVN_TOOL_NODE);
    if (!script || !node) {
        return false;
    }
    out_call->argv[0] = node;
    out_call->argv[1] = script;
    return true;
}

bool tvn_probe_zig(struct tvn_probe *probe, struct tvn_tool_call *out_call)
{
    *out_call = (struct tvn_tool_call){0};
    const char *zig = tvn_probe_find(probe, TVN_TOOL_ZIG);
    if (zig) {
        out_call->argv[0] = zig;
        return true;
    }
    const char *python = tvn_probe_find(probe, TVN_TOOL_PYTHON);
    const char *const argv[] = {python, "-m", "ziglang", "version", NULL};
    if (!python || !probe_ask(probe, argv)) {
        return false;
    }
    out_call->argv[0] = python;
    out_call->argv[1] = "-m";
    out_call->argv[2] = "ziglang";
    return true;
}
