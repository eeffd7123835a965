/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include "cli/cli_internal.h"

/* A line each. */
/* clang-format off */
const struct tvn_command *const tvn_commands[] = {
    &tvn_cmd_init,
    &tvn_cmd_check,
    &tvn_cmd_link,
    &tvn_cmd_build,
    &tvn_cmd_run,
    &tvn_cmd_trace,
    &tvn_cmd_bench,
    &tvn_cmd_top,
    &tvn_cmd_tap,
    &tvn_cmd_graph,
    &tvn_cmd_inspect,
    &tvn_cmd_diff,
    &tvn_cmd_doctor,
    &tvn_cmd_config,
    &tvn_cmd_completions,
    &tvn_cmd_help,
    &tvn_cmd_man,
    &tvn_cmd_reference,
    NULL,
};
/* clang-format on */

const struct tvn_command *tvn_command_find(struct tvn_str name)
{
    for (size_t i = 0; tvn_commands[i]; i++) {
        if (tvn_str_is(name, tvn_commands[i]->name)) {
            return tvn_commands[i];
        }
    }
    return NULL;
}

bool tvn_command_is_planned(struct tvn_str name)
{
    static const char *const planned[] = {"pack", "publish"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(planned); i++) {
        if (tvn_str_is(name, planned[i]) && !tvn_command_find(name)) {
            return true;
        }
    }
    return false;
}
