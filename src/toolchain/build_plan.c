/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/mem.h"
#include "format/digest.h"
#include "toolchain/build_internal.h"

#include <assert.h>
#include <unistd.h>

#define PATH_BYTES_MAX 4096

enum tvn_status build_no_memory(struct tvn_diag_sink *sink)
{
    return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE, "no memory to build");
}

const char *build_join(struct tvn_arena *arena, const char *directory, const char *name)
{
    while (name[0] == '.' && name[1] == '/') {
        name += 2;
    }
    bool here = strcmp(name, ".") == 0 || name[0] == '\0';
    if (directory[0] == '\0' || strcmp(directory, ".") == 0 || name[0] == '/') {
        return here ? "." : tvn_arena_strndup(arena, name, strlen(name));
    }
    return here ? tvn_arena_strndup(arena, directory, strlen(directory))
                : tvn_arena_printf(arena, "%s/%s", directory, name);
}

char *build_working_directory(struct tvn_arena *arena)
{
    char path[PATH_BYTES_MAX];
    return getcwd(path, sizeof(path)) ? tvn_arena_strndup(arena, path, strlen(path)) : NULL;
}

const char *build_needed_by(struct build_plan *plan)
{
    const char *text =
        tvn_arena_printf(plan->arena, "component '%s' (%s)", plan->component->declared->name,
                         plan->component->declared->language);
    return text ? text : "a component";
}

const char *build_shown(struct build_plan *plan, const char *name)
{
    const char *path = build_join(plan->arena, plan->root, name);
    return path ? path : name;
}

/* ---- words and steps ---- */

void build_word(struct build_words *words, const char *word)
{
    if (words->failed || !word || tvn_vec_push(&words->list, BUILD_ARGUMENTS_MAX, word) != TVN_OK) {
        words->failed = true;
    }
}

void build_words_of(struct build_words *words, const char *const *list)
{
    for (; *list; list++) {
        build_word(words, *list);
    }
}

enum tvn_status build_add_step(struct build_plan *plan, struct build_words *words,
                               struct build_step step)
{
    const char **argv = TVN_ARENA_ARRAY(plan->arena, const char *, words->list.count + 1);
    bool failed = words->failed || !argv;
    for (size_t i = 0; !failed && i < words->list.count; i++) {
        argv[i] = words->list.items[i];
    }
    tvn_vec_deinit(&words->list);
    *words = (struct build_words){.arena = words->arena};
    step.argv = argv;
    return failed ? TVN_E_OUT_OF_MEMORY : tvn_vec_push(&plan->steps, BUILD_STEPS_MAX, step);
}

/* ---- the plan ---- */

static void add_text(struct tvn_strbuf *all, const char *text)
{
    tvn_strbuf_add_text(all, text ? text : "");
    tvn_strbuf_add_char(all, '\0');
}

/* Other commands, environments or contracts are another build. */
static enum tvn_status make_key(struct build_plan *plan)
{
    TVN_AUTO_VALUE(tvn_strbuf) all = {0};
    for (size_t i = 0; i < plan->steps.count; i++) {
        const struct build_step *step = &plan->steps.items[i];
        add_text(&all, step->name);
        for (const char *const *word = step->argv; word && *word; word++) {
            add_text(&all, *word);
        }
        for (const char *const *word = step->environment; word && *word; word++) {
            add_text(&all, *word);
        }
        add_text(&all, step->directory);
    }
    add_text(&all, plan->options->manifest->project.contract_version);
    for (size_t i = 0; i < plan->component->package_count; i++) {
        add_text(&all, plan->component->packages[i]);
    }
    const struct tvn_str part = tvn_strbuf_view(&all);
    struct tvn_sha256 digest;
    if (all.failed || tvn_sha256_of(&part, 1, &digest) != TVN_OK) {
        return TVN_E_OUT_OF_MEMORY;
    }
    static_assert(sizeof(plan->key) == TVN_SHA256_TEXT_BYTES, "a key is a digest");
    tvn_sha256_text(&digest, plan->key);
    return TVN_OK;
}

static enum tvn_status plan_language(struct build_plan *plan)
{
    static const struct {
        const char *language;
        enum tvn_status (*plan)(struct build_plan *plan);
    } drivers[] = {
        {"c", build_plan_c},           {"rust", build_plan_rust},
        {"python", build_plan_python}, {"javascript", build_plan_javascript},
        {"go", build_plan_go},         {"zig", build_plan_zig},
    };
    const struct tvn_manifest_component *declared = plan->component->declared;
    if (declared->build_command[0]) {
        return build_plan_command(plan);
    }
    for (size_t i = 0; i < TVN_ARRAY_LEN(drivers); i++) {
        if (strcmp(drivers[i].language, declared->language) == 0) {
            return drivers[i].plan(plan);
        }
    }
    (void)tvn_diag_error(plan->sink, TVN_E_TOOLCHAIN_MISSING, declared->name_span,
                         "%s: this Torvyn does not know how to build %s", build_needed_by(plan),
                         declared->language);
    tvn_diag_help(plan->sink, "say how with build_command = \"…\", which leaves the component in "
                              "$TORVYN_OUTPUT");
    return TVN_E_TOOLCHAIN_MISSING;
}

static bool set_paths(struct build_plan *plan)
{
    const struct tvn_manifest_component *declared = plan->component->declared;
    plan->project = build_join(plan->arena, plan->options->manifest->directory, ".");
    plan->root = build_join(plan->arena, plan->options->manifest->directory, declared->path);
    const char *build =
        plan->project ? build_join(plan->arena, plan->project, ".torvyn/build") : NULL;
    if (!build || !plan->root) {
        return false;
    }
    plan->output = tvn_arena_printf(plan->arena, "%s/%s.wasm", build, declared->name);
    plan->work = tvn_arena_printf(plan->arena, "%s/%s.d", build, declared->name);
    plan->record = tvn_arena_printf(plan->arena, "%s/%s.d/record", build, declared->name);
    return plan->output && plan->work && plan->record;
}

enum tvn_status build_plan_create(const struct tvn_build_options *options,
                                  const struct tvn_build_component *component,
                                  struct tvn_arena *arena, struct tvn_diag_sink *sink,
                                  struct build_plan *out_plan)
{
    *out_plan = (struct build_plan){
        .arena = arena, .options = options, .component = component, .sink = sink};
    size_t errors = tvn_diag_error_count(sink);
    enum tvn_status status = set_paths(out_plan) ? plan_language(out_plan) : TVN_E_OUT_OF_MEMORY;
    if (status == TVN_OK) {
        status = make_key(out_plan);
    }
    if (status != TVN_OK && tvn_diag_error_count(sink) == errors) {
        status = status == TVN_FULL
                     ? tvn_diag_error(sink, TVN_E_CONSTRAINT_VIOLATION, TVN_SPAN_NONE,
                                      "%s has too many files", build_needed_by(out_plan))
                     : build_no_memory(sink);
    }
    return status;
}

void build_plan_deinit(struct build_plan *plan)
{
    tvn_vec_deinit(&plan->depfiles);
    tvn_vec_deinit(&plan->steps);
}
