/* SPDX-License-Identifier: Apache-2.0 */
/* Zig: C bindings by wit-bindgen; zig compiles them, the component's own C and main.zig. */
#include "base/file.h"
#include "toolchain/build_internal.h"

static enum tvn_status no_source(struct build_plan *plan, const char *main)
{
    (void)tvn_diag_error(plan->sink, TVN_E_IO_ERROR, plan->component->declared->name_span,
                         "%s has no source: there is no '%s'", build_needed_by(plan), main);
    tvn_diag_help(plan->sink, "write it, with the functions that exports.c names");
    return TVN_E_IO_ERROR;
}

static enum tvn_status missing(struct build_plan *plan)
{
    const struct tvn_tool_info *info = tvn_tool_info(TVN_TOOL_ZIG);
    (void)tvn_diag_error(plan->sink, TVN_E_TOOLCHAIN_MISSING, TVN_SPAN_NONE,
                         "%s needs '%s', which was not found", build_needed_by(plan), info->name);
    tvn_diag_note(plan->sink, "'%s' %s", info->name, info->what);
    tvn_diag_help(plan->sink, "%s", info->install);
    return TVN_E_TOOLCHAIN_MISSING;
}

static enum tvn_status add_module(struct build_plan *plan, const struct tvn_tool_call *zig,
                                  const char *main, const char *bindings,
                                  const struct build_files *sources)
{
    struct build_words words = {.arena = plan->arena};
    build_words_of(&words, zig->argv);
    const char *module = build_in_work(plan, "module", ".wasm");
    const char *const arguments[] = {
        "build-exe",
        "-target",
        "wasm32-wasi",
        "-mexec-model=reactor",
        "-lc",
        "-fno-stack-protector", /* its start value would be asked of wasi:random */
        "-O",
        plan->options->release ? "ReleaseSmall" : "ReleaseSafe",
        "--cache-dir",
        build_in_work(plan, "zig-cache", ""),
        module ? tvn_arena_printf(plan->arena, "-femit-bin=%s", module) : NULL,
        "-I",
        plan->work,
        "-I",
        build_shown(plan, "include"),
        "-I",
        build_join(plan->arena, plan->project, "include"),
        main,
        "-cflags",
        "-std=gnu17",
        tvn_arena_printf(plan->arena, "-DTORVYN_WORLD=%s", bindings),
        "--",
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(arguments); i++) {
        build_word(&words, arguments[i]);
    }
    for (size_t i = 0; i < sources->list.count; i++) {
        build_word(&words, sources->list.items[i]);
    }
    build_word(&words, build_in_work(plan, bindings, ".c"));
    build_word(&words, build_in_work(plan, bindings, "_component_type.o"));
    return build_add_step(plan, &words, (struct build_step){.name = "zig"});
}

enum tvn_status build_plan_zig(struct build_plan *plan)
{
    const char *folder = build_join(plan->arena, plan->root, "src");
    const char *main = build_join(plan->arena, plan->root, "src/main.zig");
    if (!folder || !main) {
        return TVN_E_OUT_OF_MEMORY;
    }
    if (!tvn_file_exists(main)) {
        return no_source(plan, main);
    }
    struct tvn_tool_call zig;
    if (!tvn_probe_zig(plan->options->probe, &zig)) {
        return missing(plan);
    }
    TVN_AUTO_VALUE(build_files) sources = {0};
    TVN_TRY(build_files_add(&sources, plan->arena, folder, ".c"));
    const char *bindings = NULL;
    TVN_TRY(build_c_bindings(plan, &bindings));
    TVN_TRY(add_module(plan, &zig, main, bindings, &sources));
    return build_component(plan);
}
