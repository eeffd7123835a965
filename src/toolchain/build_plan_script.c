/* SPDX-License-Identifier: Apache-2.0 */
/* Python, JavaScript, and commands of the project's own: one step each. */
#include "base/file.h"
#include "base/mem.h"
#include "toolchain/build_internal.h"

/* Programs of a component that was not told where its code is: the only one in its folder. */
static const char *only_file(struct build_plan *plan, const char *suffix)
{
    TVN_AUTO_VALUE(build_files) files = {0};
    if (build_files_add(&files, plan->arena, plan->root, suffix) != TVN_OK) {
        return NULL;
    }
    const char *only = NULL;
    size_t prefix = strcmp(plan->root, ".") == 0 ? 0 : strlen(plan->root) + 1;
    for (size_t i = 0; i < files.list.count; i++) {
        const char *path = files.list.items[i];
        if (strchr(path + prefix, '/')) {
            continue;
        }
        if (only) {
            return NULL;
        }
        only = path;
    }
    return only;
}

static const char *find_source(struct build_plan *plan, const char *name, const char *suffix)
{
    const char *path = build_join(plan->arena, plan->root, name);
    return path && tvn_file_exists(path) ? path : only_file(plan, suffix);
}

static enum tvn_status no_source(struct build_plan *plan, const char *name)
{
    (void)tvn_diag_error(plan->sink, TVN_E_IO_ERROR, plan->component->declared->name_span,
                         "%s has no source: there is no '%s'", build_needed_by(plan),
                         build_shown(plan, name));
    tvn_diag_help(plan->sink, "write it; another name will do when it is the only such file there");
    return TVN_E_IO_ERROR;
}

static enum tvn_status missing(struct build_plan *plan, enum tvn_tool tool)
{
    const struct tvn_tool_info *info = tvn_tool_info(tool);
    (void)tvn_diag_error(plan->sink, TVN_E_TOOLCHAIN_MISSING, TVN_SPAN_NONE,
                         "%s needs '%s', which was not found", build_needed_by(plan), info->name);
    tvn_diag_note(plan->sink, "'%s' %s", info->name, info->what);
    tvn_diag_help(plan->sink, "%s", info->install);
    return TVN_E_TOOLCHAIN_MISSING;
}

/* Adds the call's words and returns the environment of its step; NULL: none. */
static const char *const *begin_call(struct build_plan *plan, const struct tvn_tool_call *call,
                                     struct build_words *words)
{
    build_words_of(words, call->argv);
    const char **environment =
        call->environment ? TVN_ARENA_ARRAY(plan->arena, const char *, 2) : NULL;
    if (environment) {
        environment[0] = call->environment;
    }
    words->failed |= call->environment && !environment;
    return environment;
}

enum tvn_status build_plan_python(struct build_plan *plan)
{
    const char *source = find_source(plan, "app.py", ".py");
    if (!source) {
        return no_source(plan, "app.py");
    }
    struct tvn_tool_call call;
    if (!tvn_probe_componentize_py(plan->options->probe, &call)) {
        return missing(plan, TVN_TOOL_COMPONENTIZE_PY);
    }
    const char *slash = strrchr(source, '/');
    const char *file = slash ? slash + 1 : source;
    plan->places[0] = tvn_arena_printf(plan->arena, "%s/component.wasm", plan->work);
    struct build_words words = {.arena = plan->arena};
    const char *const *environment = begin_call(plan, &call, &words);
    const char *const arguments[] = {
        "--quiet",
        "--wit-path",
        plan->component->wit,
        "--world",
        plan->component->world,
        "componentize",
        "--python-path",
        plan->root,
        tvn_arena_strndup(plan->arena, file, strlen(file) - strlen(".py")),
        "-o",
        plan->places[0],
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(arguments); i++) {
        build_word(&words, arguments[i]);
    }
    return build_add_step(
        plan, &words, (struct build_step){.environment = environment, .name = "componentize-py"});
}

enum tvn_status build_plan_javascript(struct build_plan *plan)
{
    const char *source = find_source(plan, "component.js", ".js");
    if (!source) {
        return no_source(plan, "component.js");
    }
    struct tvn_tool_call call;
    if (!tvn_probe_componentize_js(plan->options->probe, plan->root, &call)) {
        return missing(plan, TVN_TOOL_COMPONENTIZE_JS);
    }
    plan->places[0] = tvn_arena_printf(plan->arena, "%s/component.wasm", plan->work);
    struct build_words words = {.arena = plan->arena};
    const char *const *environment = begin_call(plan, &call, &words);
    /* HTTP is nothing that Torvyn offers to components. */
    const char *const arguments[] = {
        source,       "--wit",         plan->component->wit, "--world-name", plan->component->world,
        "--out",      plan->places[0], "--disable",          "http",         "--disable",
        "fetch-event"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(arguments); i++) {
        build_word(&words, arguments[i]);
    }
    /* What it prints when all is well says where its output went, which is not where it stays. */
    return build_add_step(
        plan, &words,
        (struct build_step){.environment = environment, .name = "componentize-js", .quiet = true});
}

/*
 * The project's own command is the user's, as a recipe of make is: a shell runs it, in the
 * component's folder. It finds in its environment what a driver would have been given.
 */
enum tvn_status build_plan_command(struct build_plan *plan)
{
    char *here = build_working_directory(plan->arena);
    const char *output = tvn_arena_printf(plan->arena, "%s/component.wasm", plan->work);
    const char **environment = TVN_ARENA_ARRAY(plan->arena, const char *, 5);
    if (!here || !output || !environment) {
        return TVN_E_OUT_OF_MEMORY;
    }
    const char *place = build_join(plan->arena, here, output);
    const char *wit = build_join(plan->arena, here, plan->component->wit);
    environment[0] = place ? tvn_arena_printf(plan->arena, "TORVYN_OUTPUT=%s", place) : NULL;
    environment[1] = wit ? tvn_arena_printf(plan->arena, "TORVYN_WIT=%s", wit) : NULL;
    environment[2] = tvn_arena_printf(plan->arena, "TORVYN_WORLD=%s", plan->component->world);
    environment[3] = plan->options->release ? "TORVYN_PROFILE=release" : "TORVYN_PROFILE=debug";
    plan->places[0] = output;
    plan->places[1] = tvn_arena_printf(plan->arena, "%s/.torvyn/build/%s.wasm", plan->root,
                                       plan->component->declared->name);
    plan->places[2] = build_rust_place(plan, false);
    plan->places[3] = build_rust_place(plan, true);
    plan->clean = true;
    bool complete = environment[0] && environment[1] && environment[2] && plan->places[1] &&
                    plan->places[2] && plan->places[3];
    if (!complete) {
        return TVN_E_OUT_OF_MEMORY;
    }
    struct build_words words = {.arena = plan->arena};
    const char *const shell[] = {"/bin/sh", "-e", "-c", plan->component->declared->build_command,
                                 NULL};
    build_words_of(&words, shell);
    return build_add_step(plan, &words,
                          (struct build_step){.environment = environment,
                                              .directory = plan->root,
                                              .name = "build_command"});
}
