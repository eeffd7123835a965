/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/cli_internal.h"
#include "cli/diag_json.h"
#include "cli/diag_text.h"
#include "cli/help.h"
#include "cli/interrupted.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

TVN_LOG_CATEGORY("cli");

#define LOG_FILTER_DEFAULT "warn"
#define ARENA_BYTES_MAX    ((size_t)64 << 20)
#define NO_MEMORY_TEXT     "error[E0011]: the process ran out of memory\n"

/* ---- writing ---- */

static void write_stderr(struct tvn_str text)
{
    /* Standard error that cannot be written has nobody left to tell. */
    enum tvn_status ignored = tvn_fd_write_all(STDERR_FILENO, text.ptr, text.len);
    (void)ignored;
}

void tvn_cli_say(const struct tvn_strbuf *text)
{
    write_stderr(text->failed ? TVN_STR(NO_MEMORY_TEXT) : tvn_strbuf_view(text));
}

enum tvn_status tvn_cli_write(const struct tvn_cli *cli, int fd, struct tvn_str bytes)
{
    return cli->patience_ns > 0 ? tvn_fd_write_patiently(fd, bytes.ptr, bytes.len, cli->patience_ns)
                                : tvn_fd_write_all(fd, bytes.ptr, bytes.len);
}

const char *tvn_cli_write_error(int error)
{
    return error == ETIMEDOUT ? "nobody reads it" : strerror(error);
}

enum tvn_exit tvn_cli_print(struct tvn_cli *cli, const struct tvn_strbuf *text, enum tvn_exit code)
{
    if (text->failed) {
        write_stderr(TVN_STR(NO_MEMORY_TEXT));
        return TVN_EXIT_ERROR;
    }
    bool written = cli->write ? cli->write(text->ptr, text->len)
                              : tvn_cli_write(cli, STDOUT_FILENO, tvn_strbuf_view(text)) == TVN_OK;
    if (written) {
        return code;
    }
    if (errno == EPIPE || errno == ECANCELED) { /* the reader, or the user, has seen enough */
        cli->output_gone = true;
        return code;
    }
    (void)tvn_diag_error(cli->sink, TVN_E_IO_ERROR, TVN_SPAN_NONE,
                         "standard output cannot be written: %s", tvn_cli_write_error(errno));
    TVN_AUTO_VALUE(tvn_strbuf) message = {0};
    tvn_diag_text_render_one(cli->sink, tvn_diag_count(cli->sink) - 1, cli->colour, &message);
    tvn_cli_say(&message);
    return TVN_EXIT_ERROR;
}

void tvn_cli_show_diagnostics(struct tvn_cli *cli)
{
    if (tvn_cli_json(cli)) {
        return;
    }
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    for (; cli->shown < tvn_diag_count(cli->sink); cli->shown++) {
        bool error = tvn_diag_at(cli->sink, cli->shown)->severity == TVN_SEVERITY_ERROR;
        if (error || !cli->arguments->globals.quiet) {
            tvn_diag_text_render_one(cli->sink, cli->shown, cli->colour, &text);
        }
    }
    size_t dropped = tvn_diag_dropped_count(cli->sink);
    if (dropped > 0) {
        tvn_strbuf_printf(&text, "%zu more %s not shown\n\n", dropped, dropped == 1 ? "is" : "are");
    }
    tvn_cli_say(&text);
}

/* ---- JSON ---- */

void tvn_cli_json_begin(struct tvn_cli *cli, enum tvn_exit code, struct tvn_strbuf *out,
                        struct tvn_json_writer *json)
{
    const struct tvn_command *command = cli->arguments->command;
    tvn_json_writer_init(json, out, 2);
    tvn_json_begin_object(json);
    tvn_json_field_text(json, "command", command ? command->name : NULL);
    tvn_json_field_u64(json, "exit_code", (uint64_t)code);
    tvn_json_key(json, "errors");
    tvn_diag_json_array_of(cli->sink, TVN_SEVERITY_ERROR, json);
    tvn_json_key(json, "warnings");
    tvn_diag_json_array_of(cli->sink, TVN_SEVERITY_WARNING, json);
}

enum tvn_exit tvn_cli_json_end(struct tvn_cli *cli, enum tvn_exit code, struct tvn_strbuf *out,
                               struct tvn_json_writer *json)
{
    tvn_json_end_object(json);
    tvn_strbuf_add_char(out, '\n');
    tvn_interrupted_over();
    return tvn_cli_print(cli, out, code);
}

enum tvn_exit tvn_cli_print_text(struct tvn_cli *cli, const char *key,
                                 const struct tvn_strbuf *text)
{
    if (!tvn_cli_json(cli)) {
        return tvn_cli_print(cli, text, TVN_EXIT_OK);
    }
    TVN_AUTO_VALUE(tvn_strbuf) out = {.failed = text->failed};
    struct tvn_json_writer json;
    tvn_cli_json_begin(cli, TVN_EXIT_OK, &out, &json);
    tvn_json_field_text(&json, key, tvn_strbuf_text(text));
    return tvn_cli_json_end(cli, TVN_EXIT_OK, &out, &json);
}

/* An error that has no number, with the keys of the others (diag_json.h). */
static void json_usage_error(struct tvn_json_writer *json, const char *message, const char *help)
{
    tvn_json_begin_object(json);
    tvn_json_field_text(json, "severity", "error");
    tvn_json_field_text(json, "code", NULL);
    tvn_json_field_text(json, "name", NULL);
    tvn_json_field_text(json, "message", message);
    static const char *const places[] = {"file", "line", "column", "end_column", "label"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(places); i++) {
        tvn_json_field_text(json, places[i], NULL);
    }
    tvn_json_key(json, "notes");
    tvn_json_begin_array(json);
    tvn_json_end_array(json);
    tvn_json_field_text(json, "help", help);
    tvn_json_key(json, "related");
    tvn_json_begin_array(json);
    tvn_json_end_array(json);
    tvn_json_end_object(json);
}

/* ---- the invocation ---- */

enum tvn_exit tvn_cli_usage_error(struct tvn_cli *cli, const char *message, const char *help)
{
    const struct tvn_command *command = cli->arguments->command;
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    if (!tvn_cli_json(cli)) {
        const char *red = cli->colour ? "\x1b[1;31m" : "";
        const char *cyan = cli->colour ? "\x1b[1;36m" : "";
        const char *end = cli->colour ? "\x1b[0m" : "";
        tvn_strbuf_printf(&out, "%serror%s: %s\n  = %shelp%s: %s\n", red, end, message, cyan, end,
                          help);
        tvn_cli_say(&out);
        return TVN_EXIT_PREREQUISITE;
    }
    struct tvn_json_writer json;
    tvn_json_writer_init(&json, &out, 2);
    tvn_json_begin_object(&json);
    tvn_json_field_text(&json, "command", command ? command->name : NULL);
    tvn_json_field_u64(&json, "exit_code", TVN_EXIT_PREREQUISITE);
    tvn_json_key(&json, "errors");
    tvn_json_begin_array(&json);
    json_usage_error(&json, message, help);
    tvn_json_end_array(&json);
    tvn_json_key(&json, "warnings");
    tvn_json_begin_array(&json);
    tvn_json_end_array(&json);
    return tvn_cli_json_end(cli, TVN_EXIT_PREREQUISITE, &out, &json);
}

bool tvn_cli_is_terminal(int fd)
{
    const char *term = getenv("TERM"); // NOLINT(concurrency-mt-unsafe)
    bool dumb = term && strcmp(term, "dumb") == 0;
    return !dumb && isatty(fd) == 1;
}

static bool use_colour(const struct tvn_globals *globals)
{
    if (globals->color != TVN_COLOR_AUTO) {
        return globals->color == TVN_COLOR_ALWAYS;
    }
    const char *no_color = getenv("NO_COLOR"); // NOLINT(concurrency-mt-unsafe)
    return !no_color && tvn_cli_is_terminal(STDERR_FILENO);
}

void tvn_cli_set_log(const struct tvn_cli *cli, const char *level)
{
    const struct tvn_globals *globals = &cli->arguments->globals;
    const char *environment = getenv("TORVYN_LOG"); // NOLINT(concurrency-mt-unsafe)
    const char *filter = level;
    if (!filter && globals->quiet) {
        filter = "error";
    }
    if (!filter && globals->verbose) {
        filter = "info";
    }
    bool from_environment = !filter && environment && environment[0] != '\0';
    filter = filter ? filter : from_environment ? environment : LOG_FILTER_DEFAULT;
    if (tvn_log_set_filter(filter) != TVN_OK) {
        tvn_assert(from_environment);
        enum tvn_status status = tvn_log_set_filter(LOG_FILTER_DEFAULT);
        tvn_assert(status == TVN_OK);
        tvn_log_warn("TORVYN_LOG is no log filter, going on with '" LOG_FILTER_DEFAULT "': \"%s\"",
                     environment);
    }
}

static enum tvn_exit print_version(struct tvn_cli *cli)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    if (tvn_cli_json(cli)) {
        tvn_strbuf_add_text(&text, TVN_VERSION);
    } else {
        tvn_strbuf_add_text(&text, "torvyn " TVN_VERSION "\n");
    }
    return tvn_cli_print_text(cli, "version", &text);
}

static enum tvn_exit dispatch(struct tvn_cli *cli)
{
    const struct tvn_arguments *arguments = cli->arguments;
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    if (arguments->globals.help) {
        tvn_help_render(arguments->command, &text);
        return tvn_cli_print_text(cli, "help", &text);
    }
    if (arguments->globals.version) {
        return print_version(cli);
    }
    tvn_cli_set_log(cli, NULL);
    return arguments->command->run(cli, arguments->values);
}

/* The program's help, but as an error: on standard error. */
static enum tvn_exit no_command(struct tvn_cli *cli)
{
    if (tvn_cli_json(cli)) {
        return tvn_cli_usage_error(cli, "no command is given", "'torvyn help' lists all commands");
    }
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_help_render(NULL, &text);
    tvn_cli_say(&text);
    return TVN_EXIT_PREREQUISITE;
}

static enum tvn_exit run(struct tvn_cli *cli, int argc, const char *const *argv)
{
    TVN_AUTO_VALUE(tvn_arguments) arguments = {0};
    enum tvn_status status = tvn_arguments_parse(argc, argv, cli->arena, &arguments);
    cli->arguments = &arguments;
    cli->colour = use_colour(&arguments.globals);
    if (status == TVN_E_OUT_OF_MEMORY || arguments.message.failed || arguments.help.failed) {
        write_stderr(TVN_STR(NO_MEMORY_TEXT));
        return TVN_EXIT_PREREQUISITE;
    }
    bool complete = arguments.command || arguments.globals.help || arguments.globals.version;
    enum tvn_exit code;
    if (status != TVN_OK) {
        code = tvn_cli_usage_error(cli, tvn_strbuf_text(&arguments.message),
                                   tvn_strbuf_text(&arguments.help));
    } else {
        code = complete ? dispatch(cli) : no_command(cli);
    }
    cli->arguments = NULL;
    return code;
}

/*
 * A standard descriptor that the process was started without would be given to the next file that
 * is opened, and pipeline data would go there. Something that can neither be read (0) nor written
 * (1, 2) takes its place, so that using it is the error that it is.
 */
static void occupy_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0) {
            int placed = fd == STDIN_FILENO ? open("/dev/null", O_WRONLY) : -1;
            placed = placed < 0 ? open("/", O_PATH) : placed;
            tvn_assert(placed < 0 || placed == fd);
        }
    }
}

int tvn_cli_main(int argc, const char *const *argv)
{
    occupy_standard_descriptors();
    /* A closed pipe is an error of the write, not the end of the process. */
    signal(SIGPIPE, SIG_IGN); // NOLINT(bugprone-signal-handler)
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(ARENA_BYTES_MAX);
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    if (!arena || !sink) {
        write_stderr(TVN_STR(NO_MEMORY_TEXT));
        return TVN_EXIT_PREREQUISITE;
    }
    struct tvn_cli cli = {.arena = arena, .sink = sink};
    return (int)run(&cli, argc, argv);
}
