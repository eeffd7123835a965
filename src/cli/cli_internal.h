/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the commands share: the invocation, where they write, and how. */
#include "base/diag.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "format/json_writer.h"

struct tvn_arena;

struct tvn_cli {
    const struct tvn_arguments *arguments;
    struct tvn_arena *arena; /* of the invocation */
    struct tvn_diag_sink *sink;
    size_t shown;         /* diagnostics that are printed already */
    bool json;            /* as if --format json had been given */
    bool colour;          /* of diagnostics, on standard error */
    bool output_gone;     /* standard output's reader has closed it */
    uint64_t patience_ns; /* with a reader that takes nothing, once asked to end; 0: endless */
    /* How data is written to standard output; NULL: whole, however long its reader takes. */
    bool (*write)(const char *text, size_t length);
};

static inline bool tvn_cli_json(const struct tvn_cli *cli)
{
    return cli->json || cli->arguments->globals.format == TVN_FORMAT_JSON;
}
static inline bool tvn_cli_talks(const struct tvn_cli *cli)
{
    return !tvn_cli_json(cli) && !cli->arguments->globals.quiet;
}

/* --log-level, else --quiet or --verbose, else TORVYN_LOG, else warn. `level` may be NULL. */
void tvn_cli_set_log(const struct tvn_cli *cli, const char *level);
/* A terminal that understands control sequences: TERM=dumb says that it does not. */
bool tvn_cli_is_terminal(int fd);
/* Prints diagnostics that were not shown yet to standard error; with --format json and, for
 * warnings, with --quiet it prints nothing. */
void tvn_cli_show_diagnostics(struct tvn_cli *cli);
/* Talk, to standard error as it is; the caller asks tvn_cli_talks. */
void tvn_cli_say(const struct tvn_strbuf *text);
/* All of it, however long the reader takes, within cli->patience_ns. TVN_E_IO_ERROR, errno; and
 * why, in words. */
TVN_NODISCARD enum tvn_status tvn_cli_write(const struct tvn_cli *cli, int fd,
                                            struct tvn_str bytes);
const char *tvn_cli_write_error(int error);
/* Data, to standard output. Returns `code`, or TVN_EXIT_ERROR when it could not be written. */
enum tvn_exit tvn_cli_print(struct tvn_cli *cli, const struct tvn_strbuf *text, enum tvn_exit code);

/*
 * The JSON object of a command: begin writes command, exit_code, errors and warnings; the caller
 * adds its fields; end prints the object and returns the exit code.
 */
void tvn_cli_json_begin(struct tvn_cli *cli, enum tvn_exit code, struct tvn_strbuf *out,
                        struct tvn_json_writer *json);
enum tvn_exit tvn_cli_json_end(struct tvn_cli *cli, enum tvn_exit code, struct tvn_strbuf *out,
                               struct tvn_json_writer *json);
/* Text as data: as it is, or as field `key` of the JSON object. */
enum tvn_exit tvn_cli_print_text(struct tvn_cli *cli, const char *key,
                                 const struct tvn_strbuf *text);

/* An error without number: what the user wrote cannot be meant. Returns TVN_EXIT_PREREQUISITE. */
enum tvn_exit tvn_cli_usage_error(struct tvn_cli *cli, const char *message, const char *help);

extern const struct tvn_command tvn_cmd_init;
extern const struct tvn_command tvn_cmd_bench;
extern const struct tvn_command tvn_cmd_check;
extern const struct tvn_command tvn_cmd_build;
extern const struct tvn_command tvn_cmd_link;
extern const struct tvn_command tvn_cmd_run;
extern const struct tvn_command tvn_cmd_graph;
extern const struct tvn_command tvn_cmd_tap;
extern const struct tvn_command tvn_cmd_top;
extern const struct tvn_command tvn_cmd_inspect;
extern const struct tvn_command tvn_cmd_trace;
extern const struct tvn_command tvn_cmd_diff;
extern const struct tvn_command tvn_cmd_doctor;
extern const struct tvn_command tvn_cmd_config;
extern const struct tvn_command tvn_cmd_completions;
extern const struct tvn_command tvn_cmd_help;
extern const struct tvn_command tvn_cmd_man;
extern const struct tvn_command tvn_cmd_reference;
