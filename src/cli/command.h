/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The table of commands. A new command is a file cmd_<name>.c with one struct tvn_command, a row in
 * command.c, and at least a case folder under tests/cli/<name>/; help, completions and man page
 * follow from the struct.
 */
#include "cli/option.h"

struct tvn_cli;

enum tvn_exit {
    TVN_EXIT_OK = 0,
    TVN_EXIT_ERROR = 1,
    TVN_EXIT_PREREQUISITE = 2, /* usage errors, missing input, refused before anything ran */
    TVN_EXIT_REGRESSION = 3,   /* bench --compare */
    TVN_EXIT_INTERRUPTED = 130,
};

struct tvn_example {
    const char *command;
    const char *what;
};
struct tvn_exit_meaning {
    enum tvn_exit code;
    const char *meaning;
};

struct tvn_command {
    const char *name;
    const char *summary;     /* one sentence without full stop */
    const char *description; /* paragraphs divided by an empty line; printed wrapped */
    const struct tvn_opt *opts;
    const struct tvn_opt *operands;       /* in order; required ones first */
    const struct tvn_example *examples;   /* ends with command NULL */
    const struct tvn_exit_meaning *exits; /* ends with meaning NULL */
    size_t args_size;                     /* of the zeroed struct that opts and operands fill */
    bool hidden;                          /* not in help, completions and suggestions */
    enum tvn_exit (*run)(struct tvn_cli *cli, const void *args);
};

/* Ends with NULL. */
extern const struct tvn_command *const tvn_commands[];
/* NULL when there is none. */
const struct tvn_command *tvn_command_find(struct tvn_str name);
/* True for a command of the specification that this version does not have. */
bool tvn_command_is_planned(struct tvn_str name);
