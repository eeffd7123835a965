/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Help for people, from the tables: no line is wider than TVN_HELP_COLUMNS_MAX. */
#define TVN_HELP_COLUMNS_MAX 80

struct tvn_command;
struct tvn_opt;
struct tvn_strbuf;

#define TVN_HELP_SUMMARY "Run WebAssembly components as streaming pipelines"

/* A variable of the environment, in help and man page. The table ends with NULL. */
struct tvn_help_variable {
    const char *name;
    const char *what;
};
extern const struct tvn_help_variable tvn_help_variables[];
extern const char *const tvn_help_exit_codes[]; /* pairs of code and meaning; ends with NULL */

// COLD PATH. Help for the command; NULL: for the whole program.
void tvn_help_render(const struct tvn_command *command, struct tvn_strbuf *out);
/* "torvyn run [OPTIONS] [FLOW]" */
void tvn_help_usage(const struct tvn_command *command, struct tvn_strbuf *out);
/* "-q, --quiet", "--limit <N>" */
void tvn_help_option_name(const struct tvn_opt *opt, struct tvn_strbuf *out);
