/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_internal.h"
#include "cli/completions.h"

struct completions_args {
    unsigned shell; /* enum tvn_shell */
};

static const struct tvn_opt completions_operands[] = {
    {.name = "SHELL",
     .kind = TVN_OPT_CHOICE,
     .offset = offsetof(struct completions_args, shell),
     .help = "The shell",
     .choices = tvn_shell_names,
     .required = true},
    {0},
};

static const struct tvn_example completions_examples[] = {
    {"source <(torvyn completions bash)", "Complete torvyn in this bash"},
    {"torvyn completions zsh > ~/.zfunc/_torvyn", "Complete torvyn in zsh"},
    {"torvyn completions fish > ~/.config/fish/completions/torvyn.fish", "Complete torvyn in fish"},
    {0},
};

static enum tvn_exit completions_run(struct tvn_cli *cli, const void *raw)
{
    const struct completions_args *args = raw;
    TVN_AUTO_VALUE(tvn_strbuf) script = {0};
    tvn_completions_render((enum tvn_shell)args->shell, &script);
    return tvn_cli_print_text(cli, "script", &script);
}

const struct tvn_command tvn_cmd_completions = {
    .name = "completions",
    .summary = "Print a completion script for a shell",
    .operands = completions_operands,
    .examples = completions_examples,
    .args_size = sizeof(struct completions_args),
    .run = completions_run,
};
