/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_internal.h"
#include "host/check.h"

struct check_args {
    const char *manifest;
    bool strict;
};

static const struct tvn_opt check_opts[] = {
    {.name = "manifest",
     .kind = TVN_OPT_PATH,
     .offset = offsetof(struct check_args, manifest),
     .value_name = "PATH",
     .help = "The project's manifest [default: ./Torvyn.toml]"},
    {.name = "strict",
     .kind = TVN_OPT_FLAG,
     .offset = offsetof(struct check_args, strict),
     .help = "Treat warnings as errors"},
    {0},
};

static const struct tvn_example check_examples[] = {
    {"torvyn check", "Check the project in this folder"},
    {"torvyn check --strict", "Fail for warnings as well, as before a release"},
    {"torvyn check --manifest pipelines/Torvyn.toml --format json",
     "Steps, errors and warnings for programs"},
    {0},
};

static const struct tvn_exit_meaning check_exits[] = {
    {TVN_EXIT_OK, "All checks passed"},
    {TVN_EXIT_ERROR, "There are errors, or there is no manifest"},
    {TVN_EXIT_PREREQUISITE, "There are warnings, with --strict; or wrong usage"},
    {0},
};

static enum tvn_exit judge(const struct tvn_cli *cli, const struct check_args *args,
                           enum tvn_status status)
{
    if (status != TVN_OK || tvn_diag_error_count(cli->sink) > 0) {
        return TVN_EXIT_ERROR;
    }
    bool refused = args->strict && tvn_diag_warning_count(cli->sink) > 0;
    return refused ? TVN_EXIT_PREREQUISITE : TVN_EXIT_OK;
}

/* ---- text ---- */

static bool reached(const struct tvn_check_report *report, enum tvn_check_step step)
{
    return report->steps[step] != TVN_CHECK_SKIPPED;
}

static bool good(const struct tvn_check_report *report, enum tvn_check_step step)
{
    return report->steps[step] == TVN_CHECK_PASSED || report->steps[step] == TVN_CHECK_WARNED;
}

static void line(struct tvn_strbuf *out, bool passed, const char *what)
{
    tvn_strbuf_printf(out, "  %s %s", passed ? "✓" : "✗", what);
}

static void render_contracts(const struct tvn_check_report *report, struct tvn_strbuf *out)
{
    bool valid = good(report, TVN_CHECK_WIT_SYNTAX) && good(report, TVN_CHECK_WIT_RESOLUTION);
    line(out, valid, valid ? "Contracts valid" : "Contracts invalid");
    bool files = report->component_count <= 1;
    size_t count = files ? report->wit_files : report->component_count;
    tvn_strbuf_printf(out, " (%zu %s%s)\n", count, files ? "interface file" : "component",
                      count == 1 ? "" : "s");
}

static void render_components(const struct tvn_check_report *report, struct tvn_strbuf *out)
{
    for (size_t i = 0; i < report->component_count; i++) {
        const struct tvn_check_component *component = &report->components[i];
        bool passed = component->verdict != TVN_CHECK_FAILED;
        line(out, passed, "Component \"");
        tvn_strbuf_add_escaped(out, tvn_str_of(component->name));
        tvn_strbuf_add_text(out, passed ? "\" declared correctly\n" : "\" has errors\n");
    }
}

static void render_count(struct tvn_strbuf *out, size_t count, const char *what)
{
    tvn_strbuf_printf(out, "%zu %s%s", count, what, count == 1 ? "" : "s");
}

static void render_end(const struct tvn_cli *cli, enum tvn_exit code, struct tvn_strbuf *out)
{
    size_t errors = tvn_diag_error_count(cli->sink);
    size_t warnings = tvn_diag_warning_count(cli->sink);
    if (code == TVN_EXIT_ERROR) {
        tvn_strbuf_add_text(out, "\n  Check failed: ");
        render_count(out, errors, "error");
        if (warnings > 0) {
            tvn_strbuf_add_text(out, ", ");
            render_count(out, warnings, "warning");
        }
        tvn_strbuf_add_text(out, ".\n");
        return;
    }
    if (warnings > 0) {
        tvn_strbuf_add_text(out, "  ! ");
        render_count(out, warnings, "warning");
        tvn_strbuf_add_char(out, '\n');
    }
    tvn_strbuf_add_text(out, code == TVN_EXIT_OK
                                 ? "\n  All checks passed.\n"
                                 : "\n  Check failed: --strict allows no warnings.\n");
}

static void render_text(const struct tvn_cli *cli, const struct tvn_check_report *report,
                        enum tvn_exit code, struct tvn_strbuf *out)
{
    bool manifest =
        good(report, TVN_CHECK_MANIFEST_PARSE) && good(report, TVN_CHECK_MANIFEST_SCHEMA);
    line(out, manifest, manifest ? "Manifest valid (" : "Manifest invalid (");
    tvn_strbuf_add_escaped(out, tvn_str_of(report->manifest_path));
    tvn_strbuf_add_text(out, ")\n");
    if (reached(report, TVN_CHECK_WIT_SYNTAX)) {
        render_contracts(report, out);
        render_components(report, out);
    }
    render_end(cli, code, out);
}

/* ---- JSON ---- */

static void json_steps(struct tvn_json_writer *json, const struct tvn_check_report *report)
{
    tvn_json_key(json, "steps");
    tvn_json_begin_array(json);
    for (unsigned i = 0; i < TVN_CHECK_STEP_COUNT; i++) {
        tvn_json_begin_object(json);
        tvn_json_field_text(json, "name", tvn_check_step_name((enum tvn_check_step)i));
        tvn_json_field_text(json, "result", tvn_check_verdict_name(report->steps[i]));
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
}

static void json_components(struct tvn_json_writer *json, const struct tvn_check_report *report)
{
    tvn_json_key(json, "components");
    tvn_json_begin_array(json);
    for (size_t i = 0; i < report->component_count; i++) {
        const struct tvn_check_component *component = &report->components[i];
        tvn_json_begin_object(json);
        tvn_json_field_text(json, "name", component->name);
        tvn_json_field_text(json, "world", component->world);
        tvn_json_field_text(json, "result", tvn_check_verdict_name(component->verdict));
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
}

static enum tvn_exit print_json(struct tvn_cli *cli, const struct tvn_check_report *report,
                                enum tvn_exit code)
{
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    struct tvn_json_writer json;
    tvn_cli_json_begin(cli, code, &out, &json);
    tvn_json_field_text(&json, "manifest", report->manifest_path);
    json_steps(&json, report);
    tvn_json_field_u64(&json, "wit_files", report->wit_files);
    json_components(&json, report);
    return tvn_cli_json_end(cli, code, &out, &json);
}

static enum tvn_exit check_run(struct tvn_cli *cli, const void *raw)
{
    const struct check_args *args = raw;
    TVN_AUTO_VALUE(tvn_check_report) report = {0};
    enum tvn_status status = tvn_host_check(args->manifest, cli->sink, &report);
    enum tvn_exit code = judge(cli, args, status);
    tvn_cli_show_diagnostics(cli);
    if (tvn_cli_json(cli)) {
        return print_json(cli, &report, code);
    }
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    render_text(cli, &report, code, &out);
    return tvn_cli_print(cli, &out, code);
}

const struct tvn_command tvn_cmd_check = {
    .name = "check",
    .summary = "Validate contracts, manifest and project structure",
    .description =
        "Reads the manifest and the WIT text of its components and says whether they agree: "
        "syntax, names, worlds, capabilities, contract versions. Nothing is compiled or run, and "
        "nothing has to be built yet.\n\n"
        "The WIT of a component is the folder wit in its path, else the wit of the project, with "
        "dependencies in deps. Its world is the only one there, the one with the component's "
        "name, or the first that exports the interface of the component's node.",
    .opts = check_opts,
    .examples = check_examples,
    .exits = check_exits,
    .args_size = sizeof(struct check_args),
    .run = check_run,
};
