/* SPDX-License-Identifier: Apache-2.0 */
/* Rust: cargo, and wasm-tools where the target makes modules only. */
#include "base/file.h"
#include "base/mem.h"
#include "format/toml.h"
#include "toolchain/build_internal.h"

#include <stdlib.h>

#define DEPFILES_MAX 16
#define ENVIRONMENT  8

/* What the crate's own manifest says; read again by cargo, which also says what is wrong with it.
 */
struct crate {
    const char *name;        /* of the library, with underscores */
    bool component_metadata; /* [package.metadata.component] */
};

static const struct tvn_toml_table *table_at(const struct tvn_toml_table *table, const char *key)
{
    const struct tvn_toml_entry *entry = table ? tvn_toml_find(table, tvn_str_of(key)) : NULL;
    return entry && entry->value.kind == TVN_TOML_TABLE ? entry->value.table : NULL;
}

static struct tvn_str string_at(const struct tvn_toml_table *table, const char *key)
{
    const struct tvn_toml_entry *entry = table ? tvn_toml_find(table, tvn_str_of(key)) : NULL;
    bool is_string = entry && entry->value.kind == TVN_TOML_STRING;
    return is_string ? entry->value.string : (struct tvn_str){NULL, 0};
}

static const struct tvn_toml_table *parse(struct build_plan *plan, const char *path)
{
    TVN_AUTO_VALUE(tvn_file_bytes) bytes = {0};
    TVN_AUTO(tvn_diag_sink) faults = tvn_diag_sink_create();
    if (!faults || tvn_file_read(path, TVN_TOML_SIZE_MAX, &bytes) != TVN_OK) {
        return NULL;
    }
    struct tvn_str text =
        tvn_arena_str(plan->arena, (struct tvn_str){(char *)bytes.ptr, bytes.len});
    uint32_t file = text.ptr ? tvn_diag_add_source(faults, path, text) : 0;
    const struct tvn_toml_table *root = NULL;
    bool parsed = file && tvn_toml_parse(plan->arena, file, text, faults, &root) == TVN_OK;
    return parsed ? root : NULL;
}

/* Cargo's rule for the file's name: the library's, else the package's, with underscores. */
static void read_crate(struct build_plan *plan, const char *path, struct crate *out_crate)
{
    const struct tvn_toml_table *root = parse(plan, path);
    const struct tvn_toml_table *package = table_at(root, "package");
    struct tvn_str name = string_at(table_at(root, "lib"), "name");
    name = name.ptr ? name : string_at(package, "name");
    name = name.ptr ? name : tvn_str_of(plan->component->declared->name);
    char *crate = tvn_arena_strndup(plan->arena, name.ptr, name.len);
    for (char *c = crate; c && *c; c++) {
        *c = *c == '-' ? '_' : *c;
    }
    out_crate->name = crate;
    out_crate->component_metadata = table_at(table_at(package, "metadata"), "component") != NULL;
}

const char *build_rust_place(struct build_plan *plan, bool release)
{
    struct crate crate = {0};
    const char *manifest = build_join(plan->arena, plan->root, "Cargo.toml");
    if (manifest) {
        read_crate(plan, manifest, &crate);
    }
    return crate.name ? tvn_arena_printf(plan->arena, "%s/target/wasm32-wasip2/%s/%s.wasm",
                                         plan->root, release ? "release" : "debug", crate.name)
                      : NULL;
}

/* cargo runs in the crate's folder, where its configuration is looked for. */
static const char *absolute(struct build_plan *plan, const char *path)
{
    if (!path || path[0] == '/') {
        return path;
    }
    const char *here = build_working_directory(plan->arena);
    return here ? build_join(plan->arena, here, path) : NULL;
}

/* CARGO_TARGET_DIR; else of the project where the standard library is built, once for all of its
 * components; else where cargo would put it. */
static const char *target_folder(struct build_plan *plan, const struct tvn_rust *rust)
{
    const char *given = getenv("CARGO_TARGET_DIR"); // NOLINT(concurrency-mt-unsafe)
    if (given && given[0]) {
        return absolute(plan, tvn_arena_strndup(plan->arena, given, strlen(given)));
    }
    return absolute(
        plan, build_join(plan->arena, rust->build_std ? plan->project : plan->root, "target"));
}

/* "CARGO_TARGET_WASM32_WASIP1_<what>=<value>" */
static const char *target_variable(struct build_plan *plan, const struct tvn_rust *rust,
                                   const char *what, const char *value)
{
    char *name = tvn_arena_strndup(plan->arena, rust->target, strlen(rust->target));
    for (char *c = name; c && *c; c++) {
        *c = *c == '-' ? '_' : *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
    }
    return name ? tvn_arena_printf(plan->arena, "CARGO_TARGET_%s_%s=%s", name, what, value) : NULL;
}

static bool set_environment(struct build_plan *plan, const struct tvn_rust *rust,
                            const char *environment[ENVIRONMENT])
{
    size_t count = 0;
    size_t wanted = 1;
    environment[count++] = tvn_arena_printf(plan->arena, "RUSTC=%s", rust->rustc);
    if (rust->build_std) {
        /* build-std is an unstable option of cargo; a distribution's Rust is a stable release. */
        environment[count++] = "RUSTC_BOOTSTRAP=1";
        environment[count++] = target_variable(plan, rust, "LINKER", rust->linker);
        wanted += 2;
    }
    if (rust->libraries) {
        const char *flags = tvn_arena_printf(
            plan->arena, "-C link-self-contained=no -L native=%s -C target-feature=+crt-static",
            rust->libraries);
        environment[count++] = flags ? target_variable(plan, rust, "RUSTFLAGS", flags) : NULL;
        wanted++;
    }
    environment[count] = NULL;
    for (size_t i = 0; i < wanted; i++) {
        if (!environment[i]) {
            return false;
        }
    }
    return true;
}

static enum tvn_status add_cargo(struct build_plan *plan, const struct tvn_rust *rust,
                                 const char *folder)
{
    const char **environment = TVN_ARENA_ARRAY(plan->arena, const char *, ENVIRONMENT);
    if (!environment || !set_environment(plan, rust, environment)) {
        return TVN_E_OUT_OF_MEMORY;
    }
    struct build_words words = {.arena = plan->arena};
    const char *const build[] = {rust->cargo,    "build",    "--manifest-path",
                                 "Cargo.toml",   "--target", rust->target,
                                 "--target-dir", folder,     NULL};
    build_words_of(&words, build);
    if (plan->options->release) {
        build_word(&words, "--release");
    }
    if (rust->build_std) {
        build_word(&words, "-Z");
        build_word(&words, "build-std=std,panic_abort");
    }
    return build_add_step(
        plan, &words,
        (struct build_step){.environment = environment, .directory = plan->root, .name = "cargo"});
}

/* cargo-component makes the component itself. */
static enum tvn_status add_cargo_component(struct build_plan *plan, const char *program,
                                           const char *folder)
{
    struct build_words words = {.arena = plan->arena};
    const char *const build[] = {program,      "component", "build",         "--manifest-path",
                                 "Cargo.toml", "--target",  "wasm32-wasip2", "--target-dir",
                                 folder,       NULL};
    build_words_of(&words, build);
    if (plan->options->release) {
        build_word(&words, "--release");
    }
    return build_add_step(plan, &words,
                          (struct build_step){.directory = plan->root, .name = "cargo-component"});
}

/* A component of the module that cargo leaves. */
static enum tvn_status add_component(struct build_plan *plan, const struct tvn_rust *rust,
                                     const char *module)
{
    const char *tools = NULL;
    const char *adapter = NULL;
    TVN_TRY(tvn_probe_require(plan->options->probe, TVN_TOOL_WASM_TOOLS, build_needed_by(plan),
                              plan->sink, &tools));
    struct build_words words = {.arena = plan->arena};
    plan->places[0] = tvn_arena_printf(plan->arena, "%s/component.wasm", plan->work);
    const char *const join[] = {tools, "component", "new", module, "-o", plan->places[0]};
    bool wasi = strcmp(rust->target, "wasm32-wasip1") == 0;
    if (wasi) {
        TVN_TRY(tvn_probe_require(plan->options->probe, TVN_TOOL_WASI_ADAPTER,
                                  build_needed_by(plan), plan->sink, &adapter));
    }
    for (size_t i = 0; i < TVN_ARRAY_LEN(join); i++) {
        build_word(&words, join[i]);
    }
    if (wasi) {
        build_word(&words, "--adapt");
        build_word(&words, tvn_arena_printf(plan->arena, "wasi_snapshot_preview1=%s", adapter));
    }
    return build_add_step(plan, &words, (struct build_step){.name = "wasm-tools"});
}

static enum tvn_status no_toolchain(struct build_plan *plan)
{
    (void)tvn_diag_error(plan->sink, TVN_E_TOOLCHAIN_MISSING, TVN_SPAN_NONE,
                         "%s needs a Rust toolchain for WebAssembly, which was not found",
                         build_needed_by(plan));
    tvn_diag_note(plan->sink, "looked for cargo and rustc on PATH, in Cargo's home, in rustup's "
                              "toolchains and in /usr/bin, with the libraries of wasm32-wasip2, "
                              "wasm32-wasip1 or wasm32-unknown-unknown");
    tvn_diag_help(plan->sink, "rustup target add wasm32-wasip2, or on Debian: apt-get install "
                              "cargo-web rustc-web rust-web-src lld-19 wasi-libc");
    return TVN_E_TOOLCHAIN_MISSING;
}

static enum tvn_status no_crate(struct build_plan *plan, const char *path)
{
    (void)tvn_diag_error(plan->sink, TVN_E_IO_ERROR, plan->component->declared->name_span,
                         "%s has no crate: '%s' is missing", build_needed_by(plan), path);
    tvn_diag_help(plan->sink, "create it, or correct the component's path or language");
    return TVN_E_IO_ERROR;
}

enum tvn_status build_plan_rust(struct build_plan *plan)
{
    const char *manifest = build_join(plan->arena, plan->root, "Cargo.toml");
    if (manifest && !tvn_file_exists(manifest)) {
        return no_crate(plan, manifest);
    }
    struct tvn_rust rust;
    if (!tvn_probe_rust(plan->options->probe, &rust)) {
        return no_toolchain(plan);
    }
    struct crate crate = {0};
    const char *folder = target_folder(plan, &rust);
    if (manifest) {
        read_crate(plan, manifest, &crate);
    }
    if (!manifest || !folder || !crate.name) {
        return TVN_E_OUT_OF_MEMORY;
    }
    const char *own = crate.component_metadata && !rust.build_std
                          ? tvn_probe_find(plan->options->probe, TVN_TOOL_CARGO_COMPONENT)
                          : NULL;
    const char *made =
        tvn_arena_printf(plan->arena, "%s/%s/%s/%s", folder, own ? "wasm32-wasip2" : rust.target,
                         plan->options->release ? "release" : "debug", crate.name);
    const char *module = made ? tvn_arena_printf(plan->arena, "%s.wasm", made) : NULL;
    const char *depfile = made ? tvn_arena_printf(plan->arena, "%s.d", made) : NULL;
    plan->mirror = build_rust_place(plan, plan->options->release);
    plan->exclusive = folder;
    if (!module || !depfile || !plan->mirror) {
        return TVN_E_OUT_OF_MEMORY;
    }
    TVN_TRY(tvn_vec_push(&plan->depfiles, DEPFILES_MAX, depfile));
    if (own || strcmp(rust.target, "wasm32-wasip2") == 0) {
        plan->places[0] = module;
        return own ? add_cargo_component(plan, own, folder) : add_cargo(plan, &rust, folder);
    }
    TVN_TRY(add_cargo(plan, &rust, folder));
    return add_component(plan, &rust, module);
}
