/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where the tools are that build components. A tool (tools.def) is looked for in this order: the
 * environment variable of its name; $TORVYN_HOME/bin (files: $TORVYN_HOME/share); PATH (files and
 * folders: fixed places); the cache that scripts/bootstrap fills: $TORVYN_CACHE_DIR, else
 * $XDG_CACHE_HOME/torvyn, else ~/.cache/torvyn.
 *
 * Looking runs nothing; tvn_probe_version and tvn_probe_rust start the tools that they ask.
 *
 * Threads: a probe belongs to one thread. Memory: one arena, freed by destroy. Limits: PATH is read
 * up to TVN_PROBE_PATHS_MAX folders; a tool that is asked gets TVN_PROBE_TIMEOUT_NS.
 */
#include "base/diag.h"

#define TVN_PROBE_PATHS_MAX  256
#define TVN_PROBE_TIMEOUT_NS UINT64_C(60000000000)

enum tvn_tool {
#define TVN_TOOL(id, kind, name, variable, programs, cached, what, install) TVN_TOOL_##id,
#include "toolchain/tools.def"
#undef TVN_TOOL
    TVN_TOOL_COUNT,
};

enum tvn_tool_kind { TVN_TOOL_KIND_PROGRAM, TVN_TOOL_KIND_FILE, TVN_TOOL_KIND_FOLDER };

struct tvn_tool_info {
    enum tvn_tool_kind kind;
    const char *name;     /* "wasm-tools" */
    const char *variable; /* "WASM_TOOLS" */
    const char *programs; /* as in tools.def */
    const char *cached;
    const char *what;    /* "makes components of modules" */
    const char *install; /* a command, or a sentence */
};
const struct tvn_tool_info *tvn_tool_info(enum tvn_tool tool);

struct tvn_probe;

// COLD PATH. NULL when memory is exhausted.
TVN_NODISCARD struct tvn_probe *tvn_probe_create(void);
void tvn_probe_destroy(struct tvn_probe *probe);
TVN_DEFINE_CLEANUP(tvn_probe, tvn_probe_destroy)

/* Path of the tool, owned by the probe; NULL when it is not there. */
const char *tvn_probe_find(struct tvn_probe *probe, enum tvn_tool tool);
/* The same, or E0010 that says what needs it ("component 'x' (C)") and how to install it. */
TVN_NODISCARD enum tvn_status tvn_probe_require(struct tvn_probe *probe, enum tvn_tool tool,
                                                const char *needed_by, struct tvn_diag_sink *sink,
                                                const char **out_path);
/* First line of what `path --version` prints (for go: `path version`), owned by the probe; NULL
 * when it fails. */
const char *tvn_probe_version(struct tvn_probe *probe, enum tvn_tool tool);

/* The same of a program that was found otherwise. */
const char *tvn_probe_ask_version(struct tvn_probe *probe, const char *program);

/* How Rust code becomes WebAssembly on this machine. */
struct tvn_rust {
    const char *cargo;
    const char *rustc;
    const char *target;    /* "wasm32-wasip2", "wasm32-wasip1" or "wasm32-unknown-unknown" */
    const char *linker;    /* NULL: rustc's own */
    const char *libraries; /* NULL: rustc's own; else the folder of the C library */
    bool build_std;        /* the standard library comes from its sources */
};
/*
 * COLD PATH. The first way that works: a toolchain (CARGO and RUSTC, PATH, Cargo's home, rustup's
 * toolchains, /usr/bin) with the libraries of wasm32-wasip2, of wasm32-wasip1, of
 * wasm32-unknown-unknown; else a distribution's Rust in /usr/bin with the library's sources: with
 * the distribution's C library for wasm32-wasip1, without it for wasm32-unknown-unknown, where
 * printing does nothing. False when there is none.
 */
bool tvn_probe_rust(struct tvn_probe *probe, struct tvn_rust *out_rust);

/* How componentize-py and componentize-js are called: argument vector's beginning and one variable
 * for the environment (or NULL). False when they are not there. `root`: of the component; its
 * node_modules wins. */
#define TVN_PROBE_ARGV_MAX 5
struct tvn_tool_call {
    const char *argv[TVN_PROBE_ARGV_MAX]; /* ends with NULL */
    const char *environment;
};
bool tvn_probe_componentize_py(struct tvn_probe *probe, struct tvn_tool_call *out_call);
bool tvn_probe_componentize_js(struct tvn_probe *probe, const char *root,
                               struct tvn_tool_call *out_call);
/* zig as a program, else Python's package ziglang. */
bool tvn_probe_zig(struct tvn_probe *probe, struct tvn_tool_call *out_call);
