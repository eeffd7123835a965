/* SPDX-License-Identifier: Apache-2.0 */
/* C: bindings by wit-bindgen, objects and a module by clang, a component by wasm-tools. */
#include "base/mem.h"
#include "toolchain/build_internal.h"

#define DEPFILES_MAX 4096

struct c_tools {
    const char *clang;
    const char *wasm_ld;
    const char *libc;
    const char *wit_bindgen;
    const char *wasm_tools;
    const char *adapter;
};

static enum tvn_status find_tools(struct build_plan *plan, struct c_tools *tools)
{
    const struct {
        enum tvn_tool tool;
        const char **path;
    } wanted[] = {
        {TVN_TOOL_CLANG, &tools->clang},           {TVN_TOOL_WASM_LD, &tools->wasm_ld},
        {TVN_TOOL_WASI_LIBC, &tools->libc},        {TVN_TOOL_WIT_BINDGEN, &tools->wit_bindgen},
        {TVN_TOOL_WASM_TOOLS, &tools->wasm_tools}, {TVN_TOOL_WASI_ADAPTER, &tools->adapter},
    };
    enum tvn_status result = TVN_OK;
    for (size_t i = 0; i < TVN_ARRAY_LEN(wanted); i++) {
        enum tvn_status status =
            tvn_probe_require(plan->options->probe, wanted[i].tool, build_needed_by(plan),
                              plan->sink, wanted[i].path);
        result = result == TVN_OK ? status : result;
    }
    return result;
}

/* As wit-bindgen names things of a world: lower case, underscores. */
static char *snake(struct tvn_arena *arena, const char *world)
{
    char *name = tvn_arena_strndup(arena, world, strlen(world));
    for (char *c = name; c && *c; c++) {
        *c = *c == '-' ? '_' : *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    }
    return name;
}

const char *build_in_work(struct build_plan *plan, const char *name, const char *suffix)
{
    return name ? tvn_arena_printf(plan->arena, "%s/%s%s", plan->work, name, suffix) : NULL;
}

/* Only the guest's own C library: no header of the host may slip in. */
static void add_clang(struct build_plan *plan, struct build_words *words,
                      const struct c_tools *tools)
{
    const char *const common[] = {
        tools->clang, "--target=wasm32-wasi", "-nostdlibinc", "-isystem", tools->libc, "-std=gnu17",
        NULL};
    build_words_of(words, common);
    build_word(words, plan->options->release ? "-O2" : "-O1");
    if (!plan->options->release) {
        build_word(words, "-g");
    }
}

enum tvn_status build_c_bindings(struct build_plan *plan, const char **out_name)
{
    const char *tool = NULL;
    TVN_TRY(tvn_probe_require(plan->options->probe, TVN_TOOL_WIT_BINDGEN, build_needed_by(plan),
                              plan->sink, &tool));
    *out_name = snake(plan->arena, plan->component->world);
    if (!*out_name) {
        return TVN_E_OUT_OF_MEMORY;
    }
    struct build_words words = {.arena = plan->arena};
    /* autodrop: a guest must drop the handles lent to it before it returns, or the call fails. */
    const char *const generate[] = {
        tool,        "c",        "--autodrop-borrows", "yes", "--world", plan->component->world,
        "--out-dir", plan->work, plan->component->wit, NULL};
    build_words_of(&words, generate);
    return build_add_step(plan, &words, (struct build_step){.name = "wit-bindgen", .quiet = true});
}

enum tvn_status build_component(struct build_plan *plan)
{
    const char *tool = NULL;
    const char *adapter = NULL;
    TVN_TRY(tvn_probe_require(plan->options->probe, TVN_TOOL_WASM_TOOLS, build_needed_by(plan),
                              plan->sink, &tool));
    TVN_TRY(tvn_probe_require(plan->options->probe, TVN_TOOL_WASI_ADAPTER, build_needed_by(plan),
                              plan->sink, &adapter));
    plan->places[0] = build_in_work(plan, "component", ".wasm");
    struct build_words words = {.arena = plan->arena};
    const char *const join[] = {
        tool,      "component",
        "new",     build_in_work(plan, "module", ".wasm"),
        "--adapt", tvn_arena_printf(plan->arena, "wasi_snapshot_preview1=%s", adapter),
        "-o",      plan->places[0],
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(join); i++) {
        build_word(&words, join[i]);
    }
    return build_add_step(plan, &words, (struct build_step){.name = "wasm-tools"});
}

static enum tvn_status compile_bindings(struct build_plan *plan, const struct c_tools *tools,
                                        const char *bindings)
{
    struct build_words words = {.arena = plan->arena};
    add_clang(plan, &words, tools);
    const char *const compile[] = {"-w", "-c", build_in_work(plan, bindings, ".c"), "-o",
                                   build_in_work(plan, bindings, ".o")};
    for (size_t i = 0; i < TVN_ARRAY_LEN(compile); i++) {
        build_word(&words, compile[i]);
    }
    return build_add_step(plan, &words, (struct build_step){.name = "clang"});
}

static enum tvn_status add_source(struct build_plan *plan, const struct c_tools *tools,
                                  const char *world, const char *source, const char *object,
                                  const char *depfile)
{
    struct build_words words = {.arena = plan->arena};
    add_clang(plan, &words, tools);
    const char *const arguments[] = {
        "-Wall",
        "-Wextra",
        tvn_arena_printf(plan->arena, "-DTORVYN_WORLD=%s", world),
        "-I",
        plan->work,
        "-I",
        build_join(plan->arena, plan->root, "include"),
        "-I",
        build_join(plan->arena, plan->project, "include"),
        "-MMD",
        "-MF",
        depfile,
        "-c",
        source,
        "-o",
        object,
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(arguments); i++) {
        build_word(&words, arguments[i]);
    }
    TVN_TRY(build_add_step(plan, &words, (struct build_step){.name = "clang"}));
    return tvn_vec_push(&plan->depfiles, DEPFILES_MAX, depfile);
}

static enum tvn_status no_sources(struct build_plan *plan)
{
    (void)tvn_diag_error(plan->sink, TVN_E_IO_ERROR, plan->component->declared->name_span,
                         "%s has no source: no .c file in '%s' or in '%s'", build_needed_by(plan),
                         build_shown(plan, "src"), plan->root);
    tvn_diag_help(plan->sink, "write one, for example '%s'", build_shown(plan, "src/main.c"));
    return TVN_E_IO_ERROR;
}

static enum tvn_status add_module(struct build_plan *plan, const struct c_tools *tools,
                                  const struct build_files *sources, const char *world,
                                  const char *bindings)
{
    struct build_words objects = {.arena = plan->arena};
    enum tvn_status status = TVN_OK;
    for (size_t i = 0; status == TVN_OK && i < sources->list.count; i++) {
        const char *name = tvn_arena_printf(plan->arena, "source-%zu", i);
        const char *object = build_in_work(plan, name, ".o");
        const char *depfile = build_in_work(plan, name, ".d");
        build_word(&objects, object);
        status = object && depfile
                     ? add_source(plan, tools, world, sources->list.items[i], object, depfile)
                     : TVN_E_OUT_OF_MEMORY;
    }
    struct build_words words = {.arena = plan->arena};
    add_clang(plan, &words, tools);
    build_word(&words, "-mexec-model=reactor");
    build_word(&words, tvn_arena_printf(plan->arena, "-fuse-ld=%s", tools->wasm_ld));
    for (size_t i = 0; i < objects.list.count; i++) {
        build_word(&words, objects.list.items[i]);
    }
    build_word(&words, build_in_work(plan, bindings, ".o"));
    build_word(&words, build_in_work(plan, bindings, "_component_type.o"));
    if (plan->options->release) {
        build_word(&words, "-Wl,--strip-debug");
    }
    build_word(&words, "-o");
    build_word(&words, build_in_work(plan, "module", ".wasm"));
    words.failed |= objects.failed;
    tvn_vec_deinit(&objects.list);
    enum tvn_status linked =
        build_add_step(plan, &words, (struct build_step){.name = "clang"}); /* frees the words */
    return status == TVN_OK ? linked : status;
}

static enum tvn_status find_sources(struct build_plan *plan, struct build_files *sources)
{
    const char *folder = build_join(plan->arena, plan->root, "src");
    if (!folder) {
        return TVN_E_OUT_OF_MEMORY;
    }
    TVN_TRY(build_files_add(sources, plan->arena, folder, ".c"));
    return sources->list.count > 0 ? TVN_OK
                                   : build_files_add(sources, plan->arena, plan->root, ".c");
}

enum tvn_status build_plan_c(struct build_plan *plan)
{
    TVN_AUTO_VALUE(build_files) sources = {0};
    TVN_TRY(find_sources(plan, &sources));
    if (sources.list.count == 0) {
        return no_sources(plan);
    }
    struct c_tools tools = {0};
    TVN_TRY(find_tools(plan, &tools));
    const char *bindings = NULL;
    TVN_TRY(build_c_bindings(plan, &bindings));
    TVN_TRY(compile_bindings(plan, &tools, bindings));
    TVN_TRY(add_module(plan, &tools, &sources, bindings, bindings));
    return build_component(plan);
}
