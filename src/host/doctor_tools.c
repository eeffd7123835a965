/* SPDX-License-Identifier: Apache-2.0 */
/* The tools that turn sources into components, by language. */
#include "host/doctor_internal.h"
#include "toolchain/process.h"

#include <stdio.h>

#define RUSTUP_TIMEOUT_NS UINT64_C(600000000000)

static const enum tvn_tool c_tools[] = {TVN_TOOL_CLANG,      TVN_TOOL_WASM_LD,
                                        TVN_TOOL_WASI_LIBC,  TVN_TOOL_WIT_BINDGEN,
                                        TVN_TOOL_WASM_TOOLS, TVN_TOOL_WASI_ADAPTER};
static const enum tvn_tool rust_tools[] = {TVN_TOOL_WASM_TOOLS};
static const enum tvn_tool python_tools[] = {TVN_TOOL_PYTHON};
static const enum tvn_tool javascript_tools[] = {TVN_TOOL_NODE};
static const enum tvn_tool go_tools[] = {TVN_TOOL_GO, TVN_TOOL_WASM_TOOLS, TVN_TOOL_WASI_ADAPTER};
static const enum tvn_tool zig_tools[] = {TVN_TOOL_WIT_BINDGEN, TVN_TOOL_WASM_TOOLS,
                                          TVN_TOOL_WASI_ADAPTER};

static const struct language {
    const char *name;    /* as in the manifest */
    const char *section; /* "Rust toolchain" */
    const enum tvn_tool *tools;
    size_t count;
} languages[] = {
    {"c", "C toolchain", c_tools, TVN_ARRAY_LEN(c_tools)},
    {"rust", "Rust toolchain", rust_tools, TVN_ARRAY_LEN(rust_tools)},
    {"python", "Python toolchain", python_tools, TVN_ARRAY_LEN(python_tools)},
    {"javascript", "JavaScript toolchain", javascript_tools, TVN_ARRAY_LEN(javascript_tools)},
    {"go", "Go toolchain", go_tools, TVN_ARRAY_LEN(go_tools)},
    {"zig", "Zig toolchain", zig_tools, TVN_ARRAY_LEN(zig_tools)},
};

/* Looking at one language: its faults are faults when the project uses it. */
struct look {
    struct doctor *doctor;
    const struct language *language;
    bool used;
    size_t missing;
};

static void there(struct look *look, const char *name, const char *version)
{
    doctor_add(look->doctor, look->language->section, TVN_DOCTOR_GOOD, NULL, "%s%s%s%s", name,
               version ? " (" : "", version ? version : "", version ? ")" : "");
}

static void missing(struct look *look, const char *name, const char *install)
{
    look->missing++;
    doctor_add(look->doctor, look->language->section,
               look->used ? TVN_DOCTOR_FAULT : TVN_DOCTOR_OPTIONAL, install, "%s not found", name);
}

static void look_at_tool(struct look *look, enum tvn_tool tool)
{
    const struct tvn_tool_info *info = tvn_tool_info(tool);
    const char *path = NULL;
    char needed_by[64];
    (void)snprintf(needed_by, sizeof(needed_by), "building %s", look->language->name);
    if (look->used) {
        /* Reports E0010 as `torvyn build` would. */
        (void)!tvn_probe_require(look->doctor->probe, tool, needed_by, look->doctor->sink, &path);
    } else {
        path = tvn_probe_find(look->doctor->probe, tool);
    }
    if (path) {
        bool program = info->kind == TVN_TOOL_KIND_PROGRAM;
        there(look, info->name, program ? tvn_probe_version(look->doctor->probe, tool) : NULL);
    } else {
        missing(look, info->name, info->install);
    }
}

/* A tool that is not one program: present, or E0010 by the row of `tool`. */
static void look_at_call(struct look *look, bool found, const char *name, enum tvn_tool tool)
{
    const struct tvn_tool_info *info = tvn_tool_info(tool);
    if (found) {
        there(look, name, NULL);
        return;
    }
    if (look->used) {
        (void)tvn_diag_error(look->doctor->sink, TVN_E_TOOLCHAIN_MISSING, TVN_SPAN_NONE,
                             "building %s needs '%s', which was not found", look->language->name,
                             name);
        tvn_diag_help(look->doctor->sink, "%s", info->install);
    }
    missing(look, name, info->install);
}

/* ---- Rust's target ---- */

static bool add_target(void)
{
    const char *const argv[] = {"/usr/bin/env", "rustup", "target", "add", "wasm32-wasip2", NULL};
    const struct tvn_process_options options = {.argv = argv};
    TVN_AUTO_VALUE(tvn_strbuf) out = {.max = TVN_PROCESS_OUTPUT_MAX};
    int code = 1;
    return tvn_process_run(&options, RUSTUP_TIMEOUT_NS, &out, &code) == TVN_OK && code == 0;
}

static void look_at_rust(struct look *look)
{
    struct tvn_rust rust;
    enum tvn_doctor_verdict verdict = TVN_DOCTOR_GOOD;
    bool found = tvn_probe_rust(look->doctor->probe, &rust);
    if (!found && look->doctor->options->fix && add_target()) {
        found = tvn_probe_rust(look->doctor->probe, &rust);
        verdict = TVN_DOCTOR_FIXED;
    }
    if (found) {
        there(look, "cargo", tvn_probe_ask_version(look->doctor->probe, rust.cargo));
        there(look, "rustc", tvn_probe_ask_version(look->doctor->probe, rust.rustc));
        doctor_add(look->doctor, look->language->section, verdict, NULL, "target %s%s", rust.target,
                   rust.build_std ? ", its library built from sources" : "");
        if (strcmp(rust.target, "wasm32-wasip1") == 0) {
            look_at_tool(look, TVN_TOOL_WASI_ADAPTER);
        }
    } else {
        look_at_tool(look, TVN_TOOL_CARGO);
        look_at_tool(look, TVN_TOOL_RUSTC);
        look_at_call(look, false, "a WebAssembly target of Rust", TVN_TOOL_CARGO);
    }
    const char *component = tvn_probe_find(look->doctor->probe, TVN_TOOL_CARGO_COMPONENT);
    doctor_add(look->doctor, look->language->section,
               component ? TVN_DOCTOR_GOOD : TVN_DOCTOR_OPTIONAL, NULL, "cargo-component%s",
               component ? "" : " not found: only projects with its metadata need it");
}

static void look_at_language(struct look *look)
{
    struct tvn_tool_call call;
    for (size_t i = 0; i < look->language->count; i++) {
        look_at_tool(look, look->language->tools[i]);
    }
    struct tvn_str name = tvn_str_of(look->language->name);
    if (tvn_str_is(name, "rust")) {
        look_at_rust(look);
    } else if (tvn_str_is(name, "python")) {
        look_at_call(look, tvn_probe_componentize_py(look->doctor->probe, &call), "componentize-py",
                     TVN_TOOL_COMPONENTIZE_PY);
    } else if (tvn_str_is(name, "javascript")) {
        look_at_call(look, tvn_probe_componentize_js(look->doctor->probe, ".", &call),
                     "componentize-js", TVN_TOOL_COMPONENTIZE_JS);
    } else if (tvn_str_is(name, "zig")) {
        look_at_call(look, tvn_probe_zig(look->doctor->probe, &call), "zig", TVN_TOOL_ZIG);
    }
}

static bool is_used(const struct doctor *doctor, const char *language)
{
    for (size_t i = 0; doctor->manifest && i < doctor->manifest->component_count; i++) {
        const struct tvn_manifest_component *component = &doctor->manifest->components[i];
        if (strcmp(component->language, language) == 0 && component->build_command[0] == '\0') {
            return true;
        }
    }
    return false;
}

static void look_at_optional(struct doctor *doctor, enum tvn_tool tool)
{
    const struct tvn_tool_info *info = tvn_tool_info(tool);
    bool found = tvn_probe_find(doctor->probe, tool) != NULL;
    const char *version = found ? tvn_probe_version(doctor->probe, tool) : NULL;
    if (found) {
        doctor_add(doctor, "WebAssembly tools", TVN_DOCTOR_GOOD, NULL, "%s%s%s%s", info->name,
                   version ? " (" : "", version ? version : "", version ? ")" : "");
    } else {
        doctor_add(doctor, "WebAssembly tools", TVN_DOCTOR_OPTIONAL, info->install, "%s not found",
                   info->name);
    }
}

void doctor_tools(struct doctor *doctor)
{
    size_t complete = 0;
    for (size_t i = 0; i < TVN_ARRAY_LEN(languages); i++) {
        struct look look = {.doctor = doctor,
                            .language = &languages[i],
                            .used = is_used(doctor, languages[i].name)};
        if (!doctor->project || look.used) {
            look_at_language(&look);
            complete += look.missing == 0;
        }
    }
    if (!doctor->project && complete == 0) {
        doctor_add(doctor, "WebAssembly tools", TVN_DOCTOR_FAULT,
                   "install those of the language that you want to write in",
                   "the tools of no language are complete");
    }
    look_at_optional(doctor, TVN_TOOL_WASM_TOOLS);
    look_at_optional(doctor, TVN_TOOL_WASMTIME);
}
