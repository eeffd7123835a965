/* SPDX-License-Identifier: Apache-2.0 */
#include "base/suggest.h"
#include "cli/cli_internal.h"
#include "cli/help.h"

struct help_args {
    const char *command;
};

static const struct tvn_opt help_operands[] = {
    {.name = "COMMAND",
     .kind = TVN_OPT_TEXT,
     .offset = offsetof(struct help_args, command),
     .help = "The command; without one, all commands are listed"},
    {0},
};

static const struct tvn_example help_examples[] = {
    {"torvyn help run", "The options of 'torvyn run', with examples"},
    {0},
};

static enum tvn_exit no_such_command(struct tvn_cli *cli, const char *name)
{
    const char *names[TVN_OPT_TABLE_MAX];
    size_t count = 0;
    for (size_t i = 0; tvn_commands[i] && count < TVN_ARRAY_LEN(names); i++) {
        if (!tvn_commands[i]->hidden) {
            names[count++] = tvn_commands[i]->name;
        }
    }
    TVN_AUTO_VALUE(tvn_strbuf) message = {0};
    TVN_AUTO_VALUE(tvn_strbuf) help = {0};
    tvn_strbuf_add_text(&message, "there is no help for '");
    tvn_strbuf_add_escaped(&message, tvn_str_of(name));
    tvn_strbuf_add_char(&message, '\'');
    const char *near = tvn_suggest(tvn_str_of(name), names, count);
    if (near) {
        tvn_strbuf_printf(&help, "did you mean '%s'?", near);
    } else {
        tvn_strbuf_add_text(&help, "'torvyn help' lists all commands");
    }
    return tvn_cli_usage_error(cli, tvn_strbuf_text(&message), tvn_strbuf_text(&help));
}

static enum tvn_exit help_run(struct tvn_cli *cli, const void *raw)
{
    const struct help_args *args = raw;
    const struct tvn_command *command =
        args->command ? tvn_command_find(tvn_str_of(args->command)) : NULL;
    if (args->command && !command) {
        return no_such_command(cli, args->command);
    }
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_help_render(command, &text);
    return tvn_cli_print_text(cli, "help", &text);
}

const struct tvn_command tvn_cmd_help = {
    .name = "help",
    .summary = "Print help for a command",
    .operands = help_operands,
    .examples = help_examples,
    .args_size = sizeof(struct help_args),
    .run = help_run,
};
