/* SPDX-License-Identifier: Apache-2.0 */
/* The manual page, in roff, from the same tables as the help. Hidden: for packagers and `make
 * install`. */
#include "cli/cli_internal.h"
#include "cli/help.h"

/* Text with what roff would interpret escaped; a line must not begin with '.' or '\''. */
static void add_roff(struct tvn_strbuf *out, const char *text)
{
    bool line_start = out->len == 0 || out->ptr[out->len - 1] == '\n';
    for (const char *c = text; *c; c++) {
        if (line_start && (*c == '.' || *c == '\'')) {
            tvn_strbuf_add_text(out, "\\&");
        }
        line_start = *c == '\n';
        if (*c == '\\') {
            tvn_strbuf_add_text(out, "\\e");
        } else if (*c == '-') {
            tvn_strbuf_add_text(out, "\\-");
        } else {
            tvn_strbuf_add_char(out, *c);
        }
    }
}

/* .TP, the tag in bold, then its text. */
static void tagged(struct tvn_strbuf *out, const char *tag, const char *text)
{
    tvn_strbuf_add_text(out, ".TP\n\\fB");
    add_roff(out, tag);
    tvn_strbuf_add_text(out, "\\fR\n");
    add_roff(out, text);
    tvn_strbuf_add_char(out, '\n');
}

static void options(struct tvn_strbuf *out, const struct tvn_opt *table, bool operands)
{
    for (const struct tvn_opt *opt = table; opt && opt->name; opt++) {
        TVN_AUTO_VALUE(tvn_strbuf) name = {0};
        TVN_AUTO_VALUE(tvn_strbuf) text = {0};
        if (operands) {
            tvn_strbuf_add_text(&name, opt->name);
        } else {
            tvn_help_option_name(opt, &name);
        }
        tvn_strbuf_add_text(&text, opt->help);
        for (size_t i = 0; opt->choices && opt->choices[i]; i++) {
            tvn_strbuf_printf(&text, "%s%s", i == 0 ? "; one of " : ", ", opt->choices[i]);
        }
        tvn_strbuf_add_char(&text, '.');
        tagged(out, tvn_strbuf_text(&name), tvn_strbuf_text(&text));
        out->failed |= name.failed || text.failed;
    }
}

/* An empty line in the text becomes a paragraph. */
static void description(struct tvn_strbuf *out, const char *text)
{
    while (*text) {
        const char *end = strstr(text, "\n\n");
        size_t length = end ? (size_t)(end - text) : strlen(text);
        TVN_AUTO_VALUE(tvn_strbuf) paragraph = {0};
        tvn_strbuf_add(&paragraph, text, length);
        tvn_strbuf_add_text(out, ".PP\n");
        add_roff(out, tvn_strbuf_text(&paragraph));
        tvn_strbuf_add_char(out, '\n');
        text += length + (end ? 2 : 0);
    }
}

static void command_section(struct tvn_strbuf *out, const struct tvn_command *command)
{
    TVN_AUTO_VALUE(tvn_strbuf) usage = {0};
    tvn_help_usage(command, &usage);
    tvn_strbuf_add_text(out, ".SS ");
    add_roff(out, tvn_strbuf_text(&usage));
    tvn_strbuf_add_char(out, '\n');
    add_roff(out, command->summary);
    tvn_strbuf_add_text(out, ".\n");
    if (command->description) {
        description(out, command->description);
    }
    options(out, command->operands, true);
    options(out, command->opts, false);
    for (const struct tvn_exit_meaning *exit = command->exits; exit && exit->meaning; exit++) {
        TVN_AUTO_VALUE(tvn_strbuf) tag = {0};
        tvn_strbuf_printf(&tag, "Exit code %d", (int)exit->code);
        tagged(out, tvn_strbuf_text(&tag), exit->meaning);
    }
}

static void examples(struct tvn_strbuf *out)
{
    tvn_strbuf_add_text(out, ".SH EXAMPLES\n");
    for (size_t i = 0; tvn_commands[i]; i++) {
        const struct tvn_example *example = tvn_commands[i]->examples;
        for (; !tvn_commands[i]->hidden && example && example->command; example++) {
            tagged(out, example->command, example->what);
        }
    }
}

static enum tvn_exit man_run(struct tvn_cli *cli, const void *args)
{
    (void)args;
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    tvn_strbuf_add_text(&out, ".TH TORVYN 1 \"\" \"torvyn " TVN_VERSION "\" \"User Commands\"\n"
                              ".SH NAME\ntorvyn \\- ");
    add_roff(&out, TVN_HELP_SUMMARY "\n");
    tvn_strbuf_add_text(&out, ".SH SYNOPSIS\n.B torvyn\n[\\fIOPTIONS\\fR] <\\fICOMMAND\\fR>\n"
                              ".SH OPTIONS\nThese may stand before or after the command.\n");
    options(&out, tvn_global_opts, false);
    tvn_strbuf_add_text(&out, ".SH COMMANDS\n");
    for (size_t i = 0; tvn_commands[i]; i++) {
        if (!tvn_commands[i]->hidden) {
            command_section(&out, tvn_commands[i]);
        }
    }
    tvn_strbuf_add_text(&out, ".SH ENVIRONMENT\n");
    for (const struct tvn_help_variable *variable = tvn_help_variables; variable->name;
         variable++) {
        tagged(&out, variable->name, variable->what);
    }
    tvn_strbuf_add_text(&out, ".SH EXIT STATUS\n");
    for (size_t i = 0; tvn_help_exit_codes[i]; i += 2) {
        tagged(&out, tvn_help_exit_codes[i], tvn_help_exit_codes[i + 1]);
    }
    examples(&out);
    return tvn_cli_print_text(cli, "roff", &out);
}

static const struct tvn_example man_examples[] = {
    {"torvyn man | man -l -", "Read the manual page"},
    {"torvyn man > /usr/local/share/man/man1/torvyn.1", "Install it for 'man torvyn'"},
    {0},
};

const struct tvn_command tvn_cmd_man = {
    .name = "man",
    .summary = "Print the manual page",
    .description = "Prints the manual page in roff, the language of man.",
    .examples = man_examples,
    .run = man_run,
};
