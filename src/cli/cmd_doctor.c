/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_internal.h"
#include "host/doctor.h"

struct doctor_args {
    const char *manifest;
    bool fix;
};

static const struct tvn_opt doctor_opts[] = {
    {.name = "fix",
     .kind = TVN_OPT_FLAG,
     .offset = offsetof(struct doctor_args, fix),
     .help = "Repair what can be repaired: vendor missing contracts, add Rust's target"},
    {.name = "manifest",
     .kind = TVN_OPT_PATH,
     .offset = offsetof(struct doctor_args, manifest),
     .value_name = "PATH",
     .help = "The project's manifest [default: ./Torvyn.toml if there is one]"},
    {0},
};

static const struct tvn_example doctor_examples[] = {
    {"torvyn doctor", "What is missing for the project in this folder, or for a new one"},
    {"torvyn doctor --fix", "The same, and repair what can be repaired"},
    {0},
};

static const struct tvn_exit_meaning doctor_exits[] = {
    {TVN_EXIT_OK, "Nothing that is needed is missing"},
    {TVN_EXIT_ERROR, "There are faults"},
    {TVN_EXIT_PREREQUISITE, "Wrong usage"},
    {0},
};

static const char *mark(enum tvn_doctor_verdict verdict)
{
    static const char *const marks[] = {"✓", "✓", "-", "✗"};
    return marks[verdict];
}

static void render_section(const struct tvn_doctor_report *report, const char *section,
                           struct tvn_strbuf *out)
{
    tvn_strbuf_printf(out, "%s  %s\n", out->len > 0 ? "\n" : "", section);
    for (size_t i = 0; i < report->count; i++) {
        const struct tvn_doctor_check *check = &report->checks[i];
        if (strcmp(check->section, section) != 0) {
            continue;
        }
        tvn_strbuf_printf(out, "    %s ", mark(check->verdict));
        tvn_strbuf_add_escaped(out, tvn_str_of(check->text));
        tvn_strbuf_add_text(out, check->verdict == TVN_DOCTOR_FIXED ? " (fixed)\n" : "\n");
        if (check->help && check->verdict == TVN_DOCTOR_FAULT) {
            tvn_strbuf_add_text(out, "      → ");
            tvn_strbuf_add_escaped(out, tvn_str_of(check->help));
            tvn_strbuf_add_char(out, '\n');
        }
    }
}

static bool is_first(const struct tvn_doctor_report *report, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(report->checks[i].section, report->checks[index].section) == 0) {
            return false;
        }
    }
    return true;
}

static void render_text(const struct tvn_doctor_report *report, struct tvn_strbuf *out)
{
    for (size_t i = 0; i < report->count; i++) {
        if (is_first(report, i)) {
            render_section(report, report->checks[i].section, out);
        }
    }
    if (report->faults == 0) {
        tvn_strbuf_add_text(out, "\n  All checks passed!\n");
    } else {
        tvn_strbuf_printf(out, "\n  %zu fault%s found.\n", report->faults,
                          report->faults == 1 ? "" : "s");
    }
}

static enum tvn_exit print_json(struct tvn_cli *cli, const struct tvn_doctor_report *report,
                                enum tvn_exit code)
{
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    struct tvn_json_writer json;
    tvn_cli_json_begin(cli, code, &out, &json);
    tvn_json_field_u64(&json, "faults", report->faults);
    tvn_json_field_u64(&json, "fixed", report->fixed);
    tvn_json_key(&json, "checks");
    tvn_json_begin_array(&json);
    for (size_t i = 0; i < report->count; i++) {
        tvn_json_begin_object(&json);
        tvn_json_field_text(&json, "section", report->checks[i].section);
        tvn_json_field_text(&json, "result", tvn_doctor_verdict_name(report->checks[i].verdict));
        tvn_json_field_text(&json, "text", report->checks[i].text);
        tvn_json_field_text(&json, "help", report->checks[i].help);
        tvn_json_end_object(&json);
    }
    tvn_json_end_array(&json);
    return tvn_cli_json_end(cli, code, &out, &json);
}

static enum tvn_exit doctor_run(struct tvn_cli *cli, const void *raw)
{
    const struct doctor_args *args = raw;
    const struct tvn_doctor_options options = {.manifest = args->manifest, .fix = args->fix};
    TVN_AUTO_VALUE(tvn_doctor_report) report = {0};
    enum tvn_status status = tvn_host_doctor(&options, cli->sink, &report);
    enum tvn_exit code = status == TVN_OK && report.faults == 0 ? TVN_EXIT_OK : TVN_EXIT_ERROR;
    tvn_cli_show_diagnostics(cli);
    if (tvn_cli_json(cli)) {
        return print_json(cli, &report, code);
    }
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    render_text(&report, &out);
    return tvn_cli_print(cli, &out, code);
}

const struct tvn_command tvn_cmd_doctor = {
    .name = "doctor",
    .summary = "Find out what this machine and this project lack",
    .description =
        "Looks for the tools of every language that the project's components are written in, "
        "checks the project and its vendored contracts, and says how to get what is missing. In a "
        "folder without a project it looks for the tools of all languages; those of one are "
        "enough. Over the network only the registry of [registry] default is asked, and only "
        "whether "
        "it takes a connection.",
    .opts = doctor_opts,
    .examples = doctor_examples,
    .exits = doctor_exits,
    .args_size = sizeof(struct doctor_args),
    .run = doctor_run,
};
