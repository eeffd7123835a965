/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completions.h"

#include "base/assert.h"
#include "cli/arguments.h"

const char *const tvn_shell_names[] = {"bash", "zsh", "fish", "powershell", NULL};

typedef void (*visit_command)(struct tvn_strbuf *out, const struct tvn_command *command);

static void each_command(struct tvn_strbuf *out, visit_command visit)
{
    for (size_t i = 0; tvn_commands[i]; i++) {
        if (!tvn_commands[i]->hidden) {
            visit(out, tvn_commands[i]);
        }
    }
}

static void add_command_name(struct tvn_strbuf *out, const struct tvn_command *command)
{
    tvn_strbuf_printf(out, "%s ", command->name);
}

/* "human json", with a separator after each. */
static void add_choices(struct tvn_strbuf *out, const struct tvn_opt *opt)
{
    for (size_t i = 0; opt->choices && opt->choices[i]; i++) {
        tvn_strbuf_printf(out, i == 0 ? "%s" : " %s", opt->choices[i]);
    }
}

/* Words that may stand as the command's first operand: a choice, or a command for `help`. */
static void add_operand_words(struct tvn_strbuf *out, const struct tvn_command *command)
{
    if (tvn_opt_count(command->operands) == 0) {
        return;
    }
    add_choices(out, &command->operands[0]);
    if (strcmp(command->operands[0].name, "COMMAND") == 0) {
        each_command(out, add_command_name);
    }
}

static bool takes_words(const struct tvn_command *command)
{
    TVN_AUTO_VALUE(tvn_strbuf) words = {0};
    add_operand_words(&words, command);
    return words.len > 0;
}

/* Text within single quotes of a POSIX shell or of fish; ours has no backslashes. */
static void add_quoted(struct tvn_strbuf *out, const char *text, const char *quote)
{
    for (; *text; text++) {
        if (*text == '\'') {
            tvn_strbuf_add_text(out, quote);
        } else {
            tvn_strbuf_add_char(out, *text);
        }
    }
}

/* ---- bash ---- */

static void bash_options(struct tvn_strbuf *out, const struct tvn_opt *table)
{
    for (const struct tvn_opt *opt = table; opt && opt->name; opt++) {
        tvn_strbuf_printf(out, "--%s ", opt->name);
    }
}

static void bash_values(struct tvn_strbuf *out, const struct tvn_opt *table)
{
    for (const struct tvn_opt *opt = table; opt && opt->name; opt++) {
        if (opt->choices) {
            tvn_strbuf_printf(out, "    --%s)\n        COMPREPLY=($(compgen -W \"", opt->name);
            add_choices(out, opt);
            tvn_strbuf_add_text(out, "\" -- \"$word\"))\n        return\n        ;;\n");
        } else if (opt->kind != TVN_OPT_FLAG) {
            tvn_strbuf_printf(out, "    --%s)\n        return\n        ;;\n", opt->name);
        }
    }
}

static void bash_command_values(struct tvn_strbuf *out, const struct tvn_command *command)
{
    bash_values(out, command->opts);
}

static void bash_command(struct tvn_strbuf *out, const struct tvn_command *command)
{
    tvn_strbuf_printf(out, "    %s)\n        words=\"", command->name);
    bash_options(out, command->opts);
    tvn_strbuf_add_text(out, "\"\n        operands=\"");
    add_operand_words(out, command);
    tvn_strbuf_add_text(out, "\"\n        ;;\n");
}

static void render_bash(struct tvn_strbuf *out)
{
    tvn_strbuf_add_text(out, "# bash completion for torvyn\n"
                             "_torvyn() {\n"
                             "    local word=${COMP_WORDS[COMP_CWORD]} command= i\n"
                             "    local before=${COMP_WORDS[COMP_CWORD - 1]}\n"
                             "    local words= operands= commands=\"");
    each_command(out, add_command_name);
    tvn_strbuf_add_text(out, "\"\n"
                             "    COMPREPLY=()\n"
                             "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                             "        if [[ \" $commands \" == *\" ${COMP_WORDS[i]} \"* ]]; then\n"
                             "            command=${COMP_WORDS[i]}\n"
                             "            break\n"
                             "        fi\n"
                             "    done\n"
                             "    case $before in\n");
    bash_values(out, tvn_global_opts);
    each_command(out, bash_command_values);
    tvn_strbuf_add_text(out, "    esac\n"
                             "    case $command in\n"
                             "    '')\n"
                             "        operands=$commands\n"
                             "        ;;\n");
    each_command(out, bash_command);
    tvn_strbuf_add_text(out, "    esac\n"
                             "    if [[ $word == -* ]]; then\n"
                             "        operands=\"$words ");
    bash_options(out, tvn_global_opts);
    tvn_strbuf_add_text(out, "\"\n"
                             "    fi\n"
                             "    COMPREPLY=($(compgen -W \"$operands\" -- \"$word\"))\n"
                             "}\n"
                             "complete -o default -F _torvyn torvyn\n");
}

/* ---- zsh ---- */

static void zsh_action(struct tvn_strbuf *out, const struct tvn_opt *opt, const char *name)
{
    tvn_strbuf_printf(out, ":%s:", name);
    if (opt->choices) {
        tvn_strbuf_add_char(out, '(');
        add_choices(out, opt);
        tvn_strbuf_add_char(out, ')');
    } else if (strcmp(name, "COMMAND") == 0) {
        tvn_strbuf_add_char(out, '(');
        each_command(out, add_command_name);
        tvn_strbuf_add_char(out, ')');
    } else if (opt->kind == TVN_OPT_PATH || opt->kind == TVN_OPT_LIST) {
        tvn_strbuf_add_text(out, "_files");
    }
}

static void zsh_options(struct tvn_strbuf *out, const struct tvn_opt *table)
{
    for (const struct tvn_opt *opt = table; opt && opt->name; opt++) {
        tvn_strbuf_printf(out, " \\\n            '%s--%s%s[", opt->kind == TVN_OPT_LIST ? "*" : "",
                          opt->name, opt->kind == TVN_OPT_FLAG ? "" : "=");
        /* Brackets and colons have a meaning here. */
        for (const char *c = opt->help; *c; c++) {
            if (*c == '[' || *c == ']' || *c == ':') {
                tvn_strbuf_add_char(out, '\\');
            }
            const char one[] = {*c, '\0'};
            add_quoted(out, one, "'\\''");
        }
        tvn_strbuf_add_char(out, ']');
        if (opt->kind != TVN_OPT_FLAG) {
            zsh_action(out, opt, opt->value_name);
        }
        tvn_strbuf_add_char(out, '\'');
    }
}

static void zsh_command(struct tvn_strbuf *out, const struct tvn_command *command)
{
    tvn_strbuf_printf(out, "        %s)\n        _arguments", command->name);
    zsh_options(out, command->opts);
    zsh_options(out, tvn_global_opts);
    for (const struct tvn_opt *operand = command->operands; operand && operand->name; operand++) {
        tvn_strbuf_printf(out, " \\\n            '%s", operand->required ? "" : ":");
        zsh_action(out, operand, operand->name);
        tvn_strbuf_add_char(out, '\'');
    }
    tvn_strbuf_add_text(out, "\n        ;;\n");
}

static void zsh_description(struct tvn_strbuf *out, const struct tvn_command *command)
{
    tvn_strbuf_printf(out, "        '%s:", command->name);
    add_quoted(out, command->summary, "'\\''");
    tvn_strbuf_add_text(out, "'\n");
}

static void render_zsh(struct tvn_strbuf *out)
{
    tvn_strbuf_add_text(out, "#compdef torvyn\n"
                             "# zsh completion for torvyn\n"
                             "_torvyn() {\n"
                             "    local curcontext=$curcontext state line\n"
                             "    local -a commands\n"
                             "    commands=(\n");
    each_command(out, zsh_description);
    tvn_strbuf_add_text(out, "    )\n"
                             "    _arguments -C");
    zsh_options(out, tvn_global_opts);
    tvn_strbuf_add_text(out, " \\\n            '1:command:->command' \\\n"
                             "            '*::argument:->argument'\n"
                             "    case $state in\n"
                             "    command)\n"
                             "        _describe command commands\n"
                             "        ;;\n"
                             "    argument)\n"
                             "        case $line[1] in\n");
    each_command(out, zsh_command);
    tvn_strbuf_add_text(out, "        esac\n"
                             "        ;;\n"
                             "    esac\n"
                             "}\n"
                             "if [ \"$funcstack[1]\" = _torvyn ]; then\n"
                             "    _torvyn \"$@\"\n"
                             "else\n"
                             "    compdef _torvyn torvyn\n"
                             "fi\n");
}

/* ---- fish ---- */

static void fish_options(struct tvn_strbuf *out, const struct tvn_opt *table, const char *command)
{
    for (const struct tvn_opt *opt = table; opt && opt->name; opt++) {
        tvn_strbuf_add_text(out, "complete -c torvyn");
        if (command) {
            tvn_strbuf_printf(out, " -n '__fish_seen_subcommand_from %s'", command);
        }
        tvn_strbuf_printf(out, " -l %s", opt->name);
        if (opt->letter) {
            tvn_strbuf_printf(out, " -s %c", opt->letter);
        }
        if (opt->choices) {
            tvn_strbuf_add_text(out, " -x -a '");
            add_choices(out, opt);
            tvn_strbuf_add_char(out, '\'');
        } else if (opt->kind == TVN_OPT_PATH || opt->kind == TVN_OPT_LIST) {
            tvn_strbuf_add_text(out, " -r -F");
        } else if (opt->kind != TVN_OPT_FLAG) {
            tvn_strbuf_add_text(out, " -x");
        }
        tvn_strbuf_add_text(out, " -d '");
        add_quoted(out, opt->help, "\\'");
        tvn_strbuf_add_text(out, "'\n");
    }
}

static void fish_command(struct tvn_strbuf *out, const struct tvn_command *command)
{
    tvn_strbuf_printf(out, "complete -c torvyn -f -n __fish_use_subcommand -a %s -d '",
                      command->name);
    add_quoted(out, command->summary, "\\'");
    tvn_strbuf_add_text(out, "'\n");
    fish_options(out, command->opts, command->name);
    if (takes_words(command)) {
        tvn_strbuf_printf(out, "complete -c torvyn -f -n '__fish_seen_subcommand_from %s' -a '",
                          command->name);
        add_operand_words(out, command);
        tvn_strbuf_add_text(out, "'\n");
    }
}

static void render_fish(struct tvn_strbuf *out)
{
    tvn_strbuf_add_text(out, "# fish completion for torvyn\n");
    fish_options(out, tvn_global_opts, NULL);
    each_command(out, fish_command);
}

/* ---- PowerShell ---- */

static void powershell_words(struct tvn_strbuf *out, const struct tvn_opt *table)
{
    for (const struct tvn_opt *opt = table; opt && opt->name; opt++) {
        tvn_strbuf_printf(out, "'--%s', ", opt->name);
    }
}

static void powershell_quoted_name(struct tvn_strbuf *out, const struct tvn_command *command)
{
    tvn_strbuf_printf(out, "'%s', ", command->name);
}

static void powershell_command(struct tvn_strbuf *out, const struct tvn_command *command)
{
    tvn_strbuf_printf(out, "        '%s' = @(", command->name);
    powershell_words(out, command->opts);
    const struct tvn_opt *operand = command->operands;
    for (size_t i = 0; operand && operand->choices && operand->choices[i]; i++) {
        tvn_strbuf_printf(out, "'%s', ", operand->choices[i]);
    }
    if (operand && strcmp(operand->name, "COMMAND") == 0) {
        each_command(out, powershell_quoted_name);
    }
    tvn_strbuf_add_text(out, "$null)\n");
}

static void render_powershell(struct tvn_strbuf *out)
{
    tvn_strbuf_add_text(out,
                        "# PowerShell completion for torvyn\n"
                        "Register-ArgumentCompleter -Native -CommandName torvyn -ScriptBlock {\n"
                        "    param($wordToComplete, $commandAst, $cursorPosition)\n"
                        "    $commands = @(");
    each_command(out, powershell_quoted_name);
    tvn_strbuf_add_text(out, "$null)\n"
                             "    $global = @(");
    powershell_words(out, tvn_global_opts);
    tvn_strbuf_add_text(out, "$null)\n"
                             "    $words = @{\n");
    each_command(out, powershell_command);
    tvn_strbuf_add_text(
        out, "    }\n"
             "    $given = $commandAst.CommandElements | Select-Object -Skip 1 |\n"
             "        ForEach-Object { $_.ToString() } |\n"
             "        Where-Object { $commands -contains $_ } | Select-Object -First 1\n"
             "    $list = if ($given -and $given -ne $wordToComplete) { $words[$given] } else { "
             "$commands }\n"
             "    $list + $global | Where-Object { $_ -and $_ -like \"$wordToComplete*\" } |\n"
             "        ForEach-Object {\n"
             "            [System.Management.Automation.CompletionResult]::new($_, $_, "
             "'ParameterValue', $_)\n"
             "        }\n"
             "}\n");
}

void tvn_completions_render(enum tvn_shell shell, struct tvn_strbuf *out)
{
    tvn_assert(out);
    switch (shell) {
    case TVN_SHELL_BASH:
        render_bash(out);
        return;
    case TVN_SHELL_ZSH:
        render_zsh(out);
        return;
    case TVN_SHELL_FISH:
        render_fish(out);
        return;
    case TVN_SHELL_POWERSHELL:
        render_powershell(out);
        return;
    }
    tvn_unreachable();
}
