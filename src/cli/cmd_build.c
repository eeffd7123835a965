/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/num.h"
#include "base/suggest.h"
#include "cli/cli_internal.h"
#include "cli/figures.h"
#include "cli/live_line.h"
#include "host/check.h"
#include "toolchain/build.h"
#include "toolchain/probe.h"

#include <inttypes.h>
#include <unistd.h>

#define NAMES_MAX     256
#define SLOW_BUILD_NS UINT64_C(1000000000) /* what takes no longer is not worth a line */

struct build_args {
    const char *manifest;
    const char *target;
    bool release;
    bool all;
};

static const struct tvn_opt build_opts[] = {
    {.name = "manifest",
     .kind = TVN_OPT_PATH,
     .offset = offsetof(struct build_args, manifest),
     .value_name = "PATH",
     .help = "The project's manifest [default: ./Torvyn.toml]"},
    {.name = "release",
     .kind = TVN_OPT_FLAG,
     .offset = offsetof(struct build_args, release),
     .help = "Build with optimizations"},
    {.name = "target",
     .kind = TVN_OPT_TEXT,
     .offset = offsetof(struct build_args, target),
     .value_name = "COMPONENT",
     .help = "Build this component only"},
    {.name = "all",
     .kind = TVN_OPT_FLAG,
     .offset = offsetof(struct build_args, all),
     .help = "Build all components [default]"},
    {0},
};

static const struct tvn_example build_examples[] = {
    {"torvyn build", "Build what changed since the last time"},
    {"torvyn build --release --target enricher", "One component, optimized"},
    {0},
};

static const struct tvn_exit_meaning build_exits[] = {
    {TVN_EXIT_OK, "All components are built"},
    {TVN_EXIT_ERROR, "The project has errors, or there is no manifest"},
    {TVN_EXIT_PREREQUISITE, "A component does not compile, or a tool is missing; or wrong usage"},
    {0},
};

struct progress {
    struct tvn_cli *cli;
    struct tvn_live_line live;
};

/* ---- what is built ---- */

static const struct tvn_check_component *find_checked(const struct tvn_check_report *report,
                                                      const char *name)
{
    for (size_t i = 0; i < report->component_count; i++) {
        if (strcmp(report->components[i].name, name) == 0) {
            return &report->components[i];
        }
    }
    return NULL;
}

static enum tvn_status unknown_target(struct tvn_cli *cli, const struct tvn_manifest *manifest,
                                      const char *target)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (; count < manifest->component_count && count < NAMES_MAX; count++) {
        names[count] = manifest->components[count].name;
    }
    (void)tvn_diag_error(cli->sink, TVN_E_COMPONENT_NOT_FOUND, TVN_SPAN_NONE,
                         "--target %s: no component is called so", target);
    const char *near = tvn_suggest(tvn_str_of(target), names, count);
    if (near) {
        tvn_diag_help(cli->sink, "did you mean '%s'?", near);
    } else {
        tvn_diag_help(cli->sink, "name one of the components that the manifest declares");
    }
    return TVN_E_COMPONENT_NOT_FOUND;
}

/* The components to build, in the order of the manifest. */
static enum tvn_status choose(struct tvn_cli *cli, const struct build_args *args,
                              const struct tvn_manifest *manifest,
                              const struct tvn_check_report *checked,
                              struct tvn_build_component **out_components, size_t *out_count)
{
    struct tvn_build_component *components =
        TVN_ARENA_ARRAY(cli->arena, struct tvn_build_component, manifest->component_count + 1);
    if (!components) {
        return tvn_diag_error(cli->sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE, "no memory to build");
    }
    size_t count = 0;
    for (size_t i = 0; i < manifest->component_count; i++) {
        const struct tvn_manifest_component *declared = &manifest->components[i];
        const struct tvn_check_component *from = find_checked(checked, declared->name);
        if ((args->target && strcmp(args->target, declared->name) != 0) || !from || !from->wit) {
            continue;
        }
        components[count++] = (struct tvn_build_component){.declared = declared,
                                                           .wit = from->wit,
                                                           .world = from->world,
                                                           .packages = from->packages,
                                                           .package_count = from->package_count};
    }
    if (args->target && count == 0) {
        return unknown_target(cli, manifest, args->target);
    }
    *out_components = components;
    *out_count = count;
    return TVN_OK;
}

/* ---- text ---- */

static void show_started(void *data, const struct tvn_build_component *component)
{
    struct progress *progress = data;
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_live_line_clear(&progress->live);
    if (tvn_cli_talks(progress->cli)) {
        tvn_strbuf_printf(&text, "  building %s (%s) ...\n", component->declared->name,
                          component->declared->language);
        tvn_cli_say(&text);
    }
}

/*   a, b: 12 s | Compiling serde v1.0.228 */
static void show_running(void *data, const struct tvn_build_progress *jobs, size_t count)
{
    struct progress *progress = data;
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    uint64_t longest_ns = 0;
    struct tvn_str line = TVN_STR("");
    for (size_t i = 0; i < count; i++) {
        tvn_strbuf_add_text(&text, i == 0 ? "  " : ", ");
        tvn_strbuf_add_escaped(&text, tvn_str_of(jobs[i].name));
        longest_ns = tvn_max(longest_ns, jobs[i].elapsed_ns);
        line = line.len > 0 ? line : jobs[i].line;
    }
    if (longest_ns < SLOW_BUILD_NS) {
        return;
    }
    tvn_strbuf_printf(&text, ": %" PRIu64 " s%s", longest_ns / 1000000000,
                      line.len > 0 ? " | " : "");
    tvn_strbuf_add_escaped(&text, tvn_str_trim(line));
    tvn_live_line_show(&progress->live, &text);
}

static void show_waiting(void *data, const struct tvn_build_component *component)
{
    struct progress *progress = data;
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_live_line_clear(&progress->live);
    if (tvn_cli_talks(progress->cli)) {
        tvn_strbuf_printf(&text, "  waiting for %s: another torvyn is building it ...\n",
                          component->declared->name);
        tvn_cli_say(&text);
    }
}

/* What compilers print is shown as it is. */
static void show_finished(void *data, const struct tvn_build_result *result)
{
    struct progress *progress = data;
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_live_line_clear(&progress->live);
    bool failed = result->outcome == TVN_BUILD_FAILED;
    bool wanted = failed || !progress->cli->arguments->globals.quiet;
    if (!tvn_cli_json(progress->cli) && wanted && result->log.len > 0) {
        tvn_strbuf_add_str(&text, result->log);
        if (!tvn_str_ends_with(result->log, TVN_STR("\n"))) {
            tvn_strbuf_add_char(&text, '\n');
        }
        tvn_cli_say(&text);
    }
}

static void render_result(const struct tvn_build_result *result, struct tvn_strbuf *out)
{
    switch (result->outcome) {
    case TVN_BUILD_DONE:
        tvn_strbuf_printf(out, "  ✓ Built \"%s\": %s (", result->name, result->output);
        tvn_figure_bytes(out, result->bytes);
        tvn_strbuf_add_text(out, ")\n");
        return;
    case TVN_BUILD_FRESH:
        tvn_strbuf_printf(out, "  ✓ \"%s\" is up to date: %s\n", result->name, result->output);
        return;
    case TVN_BUILD_FAILED:
        tvn_strbuf_printf(out, "  ✗ \"%s\" was not built", result->name);
        tvn_strbuf_printf(out, result->failure ? ": %s\n" : "%s\n",
                          result->failure ? result->failure : "");
        return;
    case TVN_BUILD_SKIPPED:
        tvn_strbuf_printf(out, "  - \"%s\" was not started\n", result->name);
        return;
    }
}

static void render_text(const struct tvn_build_report *report, enum tvn_exit code,
                        struct tvn_strbuf *out)
{
    for (size_t i = 0; i < report->result_count; i++) {
        render_result(&report->results[i], out);
    }
    if (report->result_count == 0 && code == TVN_EXIT_OK) {
        tvn_strbuf_add_text(out, "  Nothing to build: the manifest declares no component.\n");
        return;
    }
    tvn_strbuf_add_text(out, code == TVN_EXIT_OK ? "\n  Build finished.\n" : "\n  Build failed.\n");
}

/* ---- JSON ---- */

static enum tvn_exit print_json(struct tvn_cli *cli, const struct tvn_build_report *report,
                                enum tvn_exit code)
{
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    struct tvn_json_writer json;
    tvn_cli_json_begin(cli, code, &out, &json);
    tvn_json_key(&json, "components");
    tvn_json_begin_array(&json);
    for (size_t i = 0; i < report->result_count; i++) {
        const struct tvn_build_result *result = &report->results[i];
        bool there = result->outcome == TVN_BUILD_DONE || result->outcome == TVN_BUILD_FRESH;
        tvn_json_begin_object(&json);
        tvn_json_field_text(&json, "name", result->name);
        tvn_json_field_text(&json, "language", result->language);
        tvn_json_field_text(&json, "result", tvn_build_outcome_name(result->outcome));
        tvn_json_field_text(&json, "output", there ? result->output : NULL);
        tvn_json_field_u64(&json, "bytes", result->bytes);
        tvn_json_field_text(&json, "failure", result->failure);
        tvn_json_key(&json, "log");
        tvn_json_write_str(&json, result->log.ptr ? result->log : TVN_STR(""));
        tvn_json_end_object(&json);
    }
    tvn_json_end_array(&json);
    return tvn_cli_json_end(cli, code, &out, &json);
}

/* ---- the command ---- */

static enum tvn_exit print(struct tvn_cli *cli, const struct tvn_build_report *report,
                           enum tvn_exit code)
{
    tvn_cli_show_diagnostics(cli);
    if (tvn_cli_json(cli)) {
        return print_json(cli, report, code);
    }
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    if (!cli->arguments->globals.quiet) {
        render_text(report, code, &out);
    }
    return tvn_cli_print(cli, &out, code);
}

static enum tvn_status build(struct tvn_cli *cli, const struct build_args *args,
                             const struct tvn_manifest *manifest,
                             const struct tvn_check_report *checked,
                             struct tvn_build_report *report)
{
    struct tvn_build_component *components = NULL;
    size_t count = 0;
    TVN_TRY(choose(cli, args, manifest, checked, &components, &count));
    TVN_AUTO(tvn_probe) probe = tvn_probe_create();
    if (!probe) {
        return tvn_diag_error(cli->sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE, "no memory to build");
    }
    struct progress progress = {.cli = cli};
    tvn_live_line_init(&progress.live, tvn_cli_talks(cli) && tvn_cli_is_terminal(STDERR_FILENO));
    const struct tvn_build_options options = {
        .manifest = manifest,
        .components = components,
        .component_count = count,
        .probe = probe,
        .release = args->release,
        .waiting = show_waiting,
        .started = show_started,
        .finished = show_finished,
        .running = show_running,
        .data = &progress,
    };
    enum tvn_status status = tvn_build(&options, cli->sink, report);
    tvn_live_line_clear(&progress.live);
    return status;
}

static enum tvn_exit build_run(struct tvn_cli *cli, const void *raw)
{
    const struct build_args *args = raw;
    if (args->target && args->all) {
        return tvn_cli_usage_error(cli, "--target and --all exclude each other",
                                   "name one component, or build all");
    }
    TVN_AUTO_VALUE(tvn_build_report) report = {0};
    TVN_AUTO_VALUE(tvn_check_report) checked = {0};
    TVN_AUTO(tvn_manifest) manifest = NULL;
    enum tvn_status status = tvn_host_check(args->manifest, cli->sink, &checked);
    if (status == TVN_OK) {
        status = tvn_manifest_load(args->manifest, NULL, cli->sink, &manifest);
    }
    if (status != TVN_OK || tvn_diag_error_count(cli->sink) > 0) {
        return print(cli, &report, TVN_EXIT_ERROR);
    }
    tvn_cli_show_diagnostics(cli); /* warnings, before what compilers say */
    status = build(cli, args, manifest, &checked, &report);
    bool built = status == TVN_OK && report.failed_count == 0;
    return print(cli, &report, built ? TVN_EXIT_OK : TVN_EXIT_PREREQUISITE);
}

const struct tvn_command tvn_cmd_build = {
    .name = "build",
    .summary = "Compile the components of a project",
    .description =
        "Checks the project as torvyn check does, then builds each component with the tools of its "
        "language: C with clang, wit-bindgen and wasm-tools; Rust with cargo; Python with "
        "componentize-py; JavaScript with componentize-js; Go with go and wasm-tools; Zig with "
        "zig; or with its build_command. What compilers print is shown as it is. A tool that is "
        "missing is error E0010, which says how to install it.\n\n"
        "Components land in .torvyn/build/<component>.wasm. What did not change is not built "
        "again. Tools are looked for in the variables of their names (CLANG, CARGO, WASM_TOOLS "
        "and so on), in $TORVYN_HOME/bin, on PATH and in Torvyn's cache.\n\n"
        "A build_command runs in the component's folder by /bin/sh. It leaves the component in "
        "$TORVYN_OUTPUT; TORVYN_WIT, TORVYN_WORLD and TORVYN_PROFILE say what is wanted.",
    .opts = build_opts,
    .examples = build_examples,
    .exits = build_exits,
    .args_size = sizeof(struct build_args),
    .run = build_run,
};
