/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include "base/assert.h"
#include "base/num.h"
#include "cli/arguments.h"

#define INDENT          2
#define LEFT_COLUMN_MAX 28 /* a longer left part stands on a line of its own */

const struct tvn_help_variable tvn_help_variables[] = {
    {"NO_COLOR", "If set, diagnostics are not coloured"},
    {"TORVYN_LOG", "Log filter, such as info or warn,torvyn_reactor=debug [default: warn]; "
                   "--quiet, --verbose and --log-level win over it"},
    {"TORVYN_HOME", "Directory of the user's config.toml and of cached code "
                    "[default: the XDG directories]"},
    {"TORVYN_CODE_CACHE", "'off' compiles components at every start instead of keeping their code"},
    {"TORVYN_<SECTION>_<KEY>", "Overrides a configuration key, such as "
                               "TORVYN_RUNTIME_INVOCATION_TIMEOUT_MS"},
    {0},
};

const char *const tvn_help_exit_codes[] = {
    "0",   "Success",
    "1",   "General error (validation, compilation, runtime failure)",
    "2",   "Wrong usage, missing input or prerequisite",
    "130", "Interrupted (Ctrl+C)",
    NULL,
};

/* Words of `text` from `column` on; continuation lines begin at `indent`. */
static void wrap(struct tvn_strbuf *out, const char *text, size_t column, size_t indent)
{
    bool first = true;
    while (*text) {
        size_t length = strcspn(text, " ");
        if (!first && column + 1 + length > TVN_HELP_COLUMNS_MAX) {
            tvn_strbuf_add_char(out, '\n');
            tvn_strbuf_add_repeat(out, ' ', indent);
            column = indent;
        } else if (!first) {
            tvn_strbuf_add_char(out, ' ');
            column++;
        }
        tvn_strbuf_add(out, text, length);
        column += length;
        first = false;
        text += length;
        text += strspn(text, " ");
    }
    tvn_strbuf_add_char(out, '\n');
}

static void paragraphs(struct tvn_strbuf *out, const char *text)
{
    while (*text) {
        const char *end = strstr(text, "\n\n");
        size_t length = end ? (size_t)(end - text) : strlen(text);
        TVN_AUTO_VALUE(tvn_strbuf) paragraph = {0};
        tvn_strbuf_add(&paragraph, text, length);
        wrap(out, tvn_strbuf_text(&paragraph), 0, 0);
        out->failed |= paragraph.failed;
        text += length + (end ? 2 : 0);
        if (*text) {
            tvn_strbuf_add_char(out, '\n');
        }
    }
}

/* "  left      right", the right part wrapped in its column. */
static void row(struct tvn_strbuf *out, struct tvn_str left, const char *right, size_t column)
{
    tvn_strbuf_add_repeat(out, ' ', INDENT);
    tvn_strbuf_add_str(out, left);
    if (INDENT + left.len + 2 > column) {
        tvn_strbuf_add_char(out, '\n');
        tvn_strbuf_add_repeat(out, ' ', column);
    } else {
        tvn_strbuf_add_repeat(out, ' ', column - INDENT - left.len);
    }
    wrap(out, right, column, column);
}

static void title(struct tvn_strbuf *out, const char *text)
{
    tvn_strbuf_printf(out, "\n%s:\n", text);
}

void tvn_help_option_name(const struct tvn_opt *opt, struct tvn_strbuf *out)
{
    if (opt->letter) {
        tvn_strbuf_printf(out, "-%c, ", opt->letter);
    }
    tvn_strbuf_printf(out, "--%s", opt->name);
    if (opt->value_name) {
        tvn_strbuf_printf(out, " <%s>", opt->value_name);
    }
}

static void operand_name(const struct tvn_opt *operand, struct tvn_strbuf *out)
{
    tvn_strbuf_printf(out, operand->required ? "<%s>" : "[%s]", operand->name);
}

static void row_name(const struct tvn_opt *opt, bool operand, struct tvn_strbuf *out)
{
    tvn_strbuf_reset(out);
    if (operand) {
        operand_name(opt, out);
        return;
    }
    if (!opt->letter) {
        tvn_strbuf_add_repeat(out, ' ', 4); /* where others have "-q, " */
    }
    tvn_help_option_name(opt, out);
}

/* All rows of one table. */
static void opt_rows(struct tvn_strbuf *out, const struct tvn_opt *table, bool operands)
{
    TVN_AUTO_VALUE(tvn_strbuf) name = {0};
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    size_t column = 0;
    for (const struct tvn_opt *opt = table; opt->name; opt++) {
        row_name(opt, operands, &name);
        size_t needed = INDENT + name.len + 2;
        column = needed <= LEFT_COLUMN_MAX ? tvn_max(column, needed) : column;
    }
    for (const struct tvn_opt *opt = table; opt->name; opt++) {
        tvn_strbuf_reset(&text);
        tvn_strbuf_add_text(&text, opt->help);
        for (size_t i = 0; opt->choices && opt->choices[i]; i++) {
            tvn_strbuf_printf(&text, "%s%s", i == 0 ? " [values: " : ", ", opt->choices[i]);
        }
        tvn_strbuf_add_text(&text, opt->choices ? "]" : "");
        row_name(opt, operands, &name);
        row(out, tvn_strbuf_view(&name), tvn_strbuf_text(&text), tvn_max(column, 8));
    }
    out->failed |= name.failed || text.failed;
}

void tvn_help_usage(const struct tvn_command *command, struct tvn_strbuf *out)
{
    if (!command) {
        tvn_strbuf_add_text(out, "torvyn [OPTIONS] <COMMAND>");
        return;
    }
    tvn_strbuf_printf(out, "torvyn %s [OPTIONS]", command->name);
    for (const struct tvn_opt *operand = command->operands; operand && operand->name; operand++) {
        tvn_strbuf_add_char(out, ' ');
        operand_name(operand, out);
    }
}

static void render_command(const struct tvn_command *command, struct tvn_strbuf *out)
{
    tvn_strbuf_printf(out, "%s\n\nUsage: ", command->summary);
    tvn_help_usage(command, out);
    tvn_strbuf_add_text(out, "\n");
    if (command->description) {
        tvn_strbuf_add_char(out, '\n');
        paragraphs(out, command->description);
    }
    if (tvn_opt_count(command->operands) > 0) {
        title(out, "Arguments");
        opt_rows(out, command->operands, true);
    }
    if (tvn_opt_count(command->opts) > 0) {
        title(out, "Options");
        opt_rows(out, command->opts, false);
    }
    title(out, "Global options");
    opt_rows(out, tvn_global_opts, false);
    if (command->examples) {
        title(out, "Examples");
        for (const struct tvn_example *example = command->examples; example->command; example++) {
            tvn_strbuf_printf(out, "  %s\n", example->command);
            tvn_strbuf_add_repeat(out, ' ', 6);
            wrap(out, example->what, 6, 6);
        }
    }
    if (command->exits) {
        title(out, "Exit codes");
        for (const struct tvn_exit_meaning *exit = command->exits; exit->meaning; exit++) {
            tvn_strbuf_printf(out, "  %-5d", (int)exit->code);
            wrap(out, exit->meaning, 7, 7);
        }
    }
}

static void render_program(struct tvn_strbuf *out)
{
    tvn_strbuf_add_text(out, TVN_HELP_SUMMARY "\n\nUsage: ");
    tvn_help_usage(NULL, out);
    tvn_strbuf_add_char(out, '\n');
    title(out, "Commands");
    for (size_t i = 0; tvn_commands[i]; i++) {
        if (!tvn_commands[i]->hidden) {
            row(out, tvn_str_of(tvn_commands[i]->name), tvn_commands[i]->summary, 15);
        }
    }
    title(out, "Options");
    opt_rows(out, tvn_global_opts, false);
    title(out, "Environment");
    for (const struct tvn_help_variable *variable = tvn_help_variables; variable->name;
         variable++) {
        row(out, tvn_str_of(variable->name), variable->what, LEFT_COLUMN_MAX);
    }
    title(out, "Examples");
    tvn_strbuf_add_text(out, "  torvyn run --limit 10\n"
                             "      Run the first flow of ./Torvyn.toml for ten elements\n"
                             "  torvyn inspect filter.wasm\n"
                             "      Show what a component imports and exports\n");
    tvn_strbuf_add_text(out, "\n'torvyn help <COMMAND>' tells more about a command.\n");
}

void tvn_help_render(const struct tvn_command *command, struct tvn_strbuf *out)
{
    tvn_assert(out);
    if (command) {
        render_command(command, out);
    } else {
        render_program(out);
    }
}
