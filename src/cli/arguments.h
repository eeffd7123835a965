/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * From argv to a command and its values. Global options may stand before or after the command;
 * "--opt=value", "--opt value", "-x", "-xy", "-x value"; "--" ends options.
 */
#include "cli/command.h"

enum tvn_format { TVN_FORMAT_HUMAN, TVN_FORMAT_JSON };
enum tvn_color { TVN_COLOR_AUTO, TVN_COLOR_ALWAYS, TVN_COLOR_NEVER };

struct tvn_globals {
    unsigned format; /* enum tvn_format */
    unsigned color;  /* enum tvn_color */
    bool quiet;
    bool verbose;
    bool help;
    bool version;
};
extern const struct tvn_opt tvn_global_opts[];

struct tvn_arguments {
    struct tvn_globals globals;
    const struct tvn_command *command; /* NULL: none was named */
    void *values;                      /* command->args_size bytes in the arena */
    /* Of a failed parse, for people: "unknown option '--limt'" and what to do about it. */
    struct tvn_strbuf message;
    struct tvn_strbuf help;
};
void tvn_arguments_deinit(struct tvn_arguments *arguments);
TVN_DEFINE_CLEANUP_VALUE(tvn_arguments, tvn_arguments_deinit)

/*
 * COLD PATH. TVN_OK; TVN_E_CONSTRAINT_VIOLATION with message and help for a usage error;
 * TVN_E_OUT_OF_MEMORY. Missing operands are no error when --help was given. globals.format is right
 * also after a failure. argv and arena outlive the arguments.
 */
TVN_NODISCARD enum tvn_status tvn_arguments_parse(int argc, const char *const *argv,
                                                  struct tvn_arena *arena,
                                                  struct tvn_arguments *out_arguments);
