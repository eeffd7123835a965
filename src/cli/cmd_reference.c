/* SPDX-License-Identifier: Apache-2.0 */
/* The reference pages under docs/reference, from the tables that the code works by. Hidden: a test
 * compares the pages with it (tests/cli/check_reference.py). */
#include "cli/cli_internal.h"
#include "cli/help.h"
#include "config/keys.h"
#include "observability/metrics.h"

#include <inttypes.h>

enum page { PAGE_CONFIGURATION, PAGE_ERRORS, PAGE_COMMANDS, PAGE_METRICS };
static const char *const page_names[] = {"configuration", "errors", "commands", "metrics", NULL};

struct reference_args {
    unsigned page; /* enum page */
};

static const struct tvn_opt reference_operands[] = {
    {.name = "PAGE",
     .kind = TVN_OPT_CHOICE,
     .offset = offsetof(struct reference_args, page),
     .help = "Which page",
     .choices = page_names,
     .required = true},
    {0},
};

#define GENERATED \
    "<!-- Generated from the program's tables: tests/cli/check_reference.py --update. -->\n\n"

/* Text of a table's cell: what Markdown would interpret escaped. */
static void cell(struct tvn_strbuf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|' || *text == '<' || *text == '*' || *text == '_') {
            tvn_strbuf_add_char(out, '\\');
        }
        tvn_strbuf_add_char(out, *text);
    }
}

/* ---- configuration ---- */

static void key_limits(const struct tvn_config_key *key, struct tvn_strbuf *out)
{
    if (key->choices) {
        tvn_strbuf_add_text(out, " One of ");
        for (const char *c = key->choices; *c; c++) {
            if (*c == '|') {
                tvn_strbuf_add_text(out, ", ");
            } else {
                tvn_strbuf_add_char(out, *c);
            }
        }
        tvn_strbuf_add_char(out, '.');
    } else if (key->type == TVN_CONFIG_TYPE_SIZE) {
        tvn_strbuf_add_text(out, " From ");
        tvn_config_print_size(key->min, out);
        tvn_strbuf_add_text(out, " to ");
        tvn_config_print_size(key->max, out);
        tvn_strbuf_add_char(out, '.');
    } else if (key->max > 0 && key->type != TVN_CONFIG_TYPE_PART) {
        tvn_strbuf_printf(out, " From %" PRIu64 " to %" PRIu64 ".", key->min, key->max);
    }
}

static void key_row(const struct tvn_config_key *key, struct tvn_strbuf *out)
{
    tvn_strbuf_printf(out, "| `%s` | ", key->name);
    if (key->type == TVN_CONFIG_TYPE_ALIAS) {
        tvn_strbuf_printf(out, "| | The same as `%s`. |\n", key->doc);
        return;
    }
    tvn_strbuf_add_text(out, tvn_config_type_name(key->type));
    if (tvn_config_key_is_required(key)) {
        tvn_strbuf_add_text(out, " | required | ");
    } else if (key->default_text) {
        tvn_strbuf_printf(out, " | `%s` | ", key->default_text[0] ? key->default_text : "\"\"");
    } else {
        tvn_strbuf_add_text(out, " | | ");
    }
    cell(out, key->doc);
    key_limits(key, out);
    tvn_strbuf_add_text(out, " |\n");
}

static void section_rows(enum tvn_config_section section, struct tvn_strbuf *out)
{
    const char *path = tvn_config_section_path(section);
    bool layered = tvn_config_section_is_layered(section);
    tvn_strbuf_printf(out, path[0] ? "\n## [%s]\n\n" : "\n## At the top\n\n%s", path);
    if (layered) {
        tvn_strbuf_add_text(out,
                            "Also from your `config.toml`, the environment and `--config`.\n\n");
    }
    tvn_strbuf_add_text(out, "| key | type | default | meaning |\n| --- | --- | --- | --- |\n");
    const struct tvn_config_key *key;
    for (size_t i = 0; (key = tvn_config_key_at(i)); i++) {
        if (key->section == section) {
            key_row(key, out);
        }
    }
}

static void render_configuration(struct tvn_strbuf *out)
{
    tvn_strbuf_add_text(out, "# Configuration\n\n" GENERATED
                             "A project is configured by `Torvyn.toml`; `--manifest` takes a file "
                             "of another name, such as a\n"
                             "standalone `pipeline.toml`. `torvyn config` shows every effective "
                             "value and where it comes from.\n\n"
                             "From the strongest to the weakest: `--config KEY=VALUE`, the "
                             "environment, the project's manifest,\n"
                             "your own `config.toml` (in `$TORVYN_HOME`, else "
                             "`$XDG_CONFIG_HOME/torvyn`, else `~/.config/torvyn`),\n"
                             "the defaults. The variable of `runtime.worker_threads` is "
                             "`TORVYN_RUNTIME_WORKER_THREADS`, and so on.\n\n"
                             "Sizes are written `\"64KiB\"`, durations as a number in the key's "
                             "unit or `\"500ms\"`, `\"5s\"`, `\"2m\"`.\n"
                             "Strings may hold `${VARIABLE}` and `${VARIABLE:-default}`.\n");
    for (unsigned section = 0; section < TVN_SECTION_COUNT; section++) {
        section_rows((enum tvn_config_section)section, out);
    }
}

/* ---- errors ---- */

static void render_errors(struct tvn_strbuf *out)
{
    static const struct {
        unsigned from;
        const char *title;
    } ranges[] = {
        {0, "General (E0001–E0099)"},
        {100, "Contracts and WIT (E0100–E0199)"},
        {200, "Linking and composition (E0200–E0299)"},
        {300, "Resources (E0300–E0399)"},
        {400, "Reactor and scheduling (E0400–E0499)"},
        {500, "Security and capabilities (E0500–E0599)"},
        {600, "Packaging and distribution (E0600–E0699)"},
        {700, "Configuration (E0700–E0799)"},
    };
    tvn_strbuf_add_text(
        out, "# Error codes\n\n" GENERATED
             "Every diagnostic names its code, the place, the reason and what to do. Codes are "
             "stable across versions.\n");
    size_t range = 0;
    enum tvn_status status;
    for (size_t i = 0; tvn_status_at(i, &status); i++) {
        if (range < TVN_ARRAY_LEN(ranges) && (unsigned)status >= ranges[range].from) {
            tvn_strbuf_printf(out,
                              "\n## %s\n\n| code | name | what happened | what to do |\n"
                              "| --- | --- | --- | --- |\n",
                              ranges[range].title);
            range++;
        }
        tvn_strbuf_printf(out, "| %s | %s | ", tvn_status_code(status), tvn_status_name(status));
        cell(out, tvn_status_what(status));
        tvn_strbuf_add_text(out, " | ");
        cell(out, tvn_status_fix(status));
        tvn_strbuf_add_text(out, " |\n");
    }
}

/* ---- commands ---- */

static void option_rows(const struct tvn_opt *table, bool operands, struct tvn_strbuf *out)
{
    for (const struct tvn_opt *opt = table; opt && opt->name; opt++) {
        TVN_AUTO_VALUE(tvn_strbuf) name = {0};
        if (operands) {
            tvn_strbuf_add_text(&name, opt->name);
        } else {
            tvn_help_option_name(opt, &name);
        }
        tvn_strbuf_printf(out, "| `%s` | ", tvn_strbuf_text(&name));
        cell(out, opt->help);
        for (size_t i = 0; opt->choices && opt->choices[i]; i++) {
            tvn_strbuf_printf(out, "%s`%s`", i == 0 ? "; one of " : ", ", opt->choices[i]);
        }
        tvn_strbuf_add_text(out, " |\n");
        out->failed |= name.failed;
    }
}

static void command_page(const struct tvn_command *command, struct tvn_strbuf *out)
{
    tvn_strbuf_printf(out, "\n## torvyn %s\n\n%s.\n\n```text\n", command->name, command->summary);
    tvn_help_usage(command, out);
    tvn_strbuf_add_text(out, "\n```\n");
    if (command->description) {
        tvn_strbuf_printf(out, "\n%s\n", command->description);
    }
    if (tvn_opt_count(command->operands) + tvn_opt_count(command->opts) > 0) {
        tvn_strbuf_add_text(out, "\n| option | meaning |\n| --- | --- |\n");
        option_rows(command->operands, true, out);
        option_rows(command->opts, false, out);
    }
    if (command->exits && command->exits->meaning) {
        tvn_strbuf_add_text(out, "\n| exit | meaning |\n| --- | --- |\n");
    }
    for (const struct tvn_exit_meaning *exit = command->exits; exit && exit->meaning; exit++) {
        tvn_strbuf_printf(out, "| %d | %s |\n", (int)exit->code, exit->meaning);
    }
    tvn_strbuf_add_text(out, "\n```sh\n");
    for (const struct tvn_example *example = command->examples; example && example->command;
         example++) {
        tvn_strbuf_printf(out, "%s  # %s\n", example->command, example->what);
    }
    tvn_strbuf_add_text(out, "```\n");
}

static void render_commands(struct tvn_strbuf *out)
{
    tvn_strbuf_add_text(out, "# Commands\n\n" GENERATED
                             "These options may stand before or after every command.\n\n"
                             "| option | meaning |\n| --- | --- |\n");
    option_rows(tvn_global_opts, false, out);
    tvn_strbuf_add_text(out, "\n| variable | meaning |\n| --- | --- |\n");
    for (const struct tvn_help_variable *variable = tvn_help_variables; variable->name;
         variable++) {
        tvn_strbuf_printf(out, "| `%s` | ", variable->name);
        cell(out, variable->what);
        tvn_strbuf_add_text(out, " |\n");
    }
    tvn_strbuf_add_text(out, "\n| exit | meaning |\n| --- | --- |\n");
    for (size_t i = 0; tvn_help_exit_codes[i]; i += 2) {
        tvn_strbuf_printf(out, "| %s | %s |\n", tvn_help_exit_codes[i], tvn_help_exit_codes[i + 1]);
    }
    for (size_t i = 0; tvn_commands[i]; i++) {
        if (!tvn_commands[i]->hidden) {
            command_page(tvn_commands[i], out);
        }
    }
}

static void render_metrics(struct tvn_strbuf *out)
{
    tvn_strbuf_add_text(
        out,
        "# Metrics\n\n" GENERATED "All metrics of a flow exist from its start. Counters have "
        "one writer and are exact at every level. "
        "Histograms\n"
        "are logarithmic: 32 buckets per power of two, so that a percentile is off by at most "
        "1.6 %; Prometheus "
        "gets the\n"
        "powers of two from 128 ns to 8.6 s, whose counts are exact. At `observability.level "
        "= \"production\"` "
        "times are\n"
        "those of 1 element in 64, chosen at random; at `diagnostic` those of every call. There a "
        "call begins when the\n"
        "stage's call before it has ended: what the runtime does between the two, some tens of "
        "nanoseconds, counts with the\n"
        "second one (not where spans are exported, nor in `torvyn bench` and `torvyn trace`).\n\n"
        "`component_id` is the node's name, `stream_id` is `FROM:PORT→TO`, `tier` the size of "
        "its buffers.\n");
    tvn_metrics_reference(out);
}

static enum tvn_exit reference_run(struct tvn_cli *cli, const void *raw)
{
    static void (*const render[])(struct tvn_strbuf *) = {render_configuration, render_errors,
                                                          render_commands, render_metrics};
    const struct reference_args *args = raw;
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    render[args->page](&out);
    return tvn_cli_print_text(cli, "markdown", &out);
}

const struct tvn_command tvn_cmd_reference = {
    .name = "reference",
    .summary = "Print a reference page in Markdown",
    .operands = reference_operands,
    .args_size = sizeof(struct reference_args),
    .hidden = true,
    .run = reference_run,
};
