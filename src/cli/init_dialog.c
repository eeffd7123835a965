/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/init_dialog.h"

#include "base/arena.h"
#include "toolchain/init.h"

#include <errno.h>
#include <unistd.h>

#define ANSWER_BYTES_MAX 256

struct question {
    const char *text;
    const char *standard; /* shown as the default; an empty answer stays NULL */
    const char *const *choices;
    enum tvn_status (*check)(const char *answer, struct tvn_diag_sink *sink);
};

/* A line without its end, trimmed; what is longer is cut. False at the end of input. */
static bool read_line(struct tvn_strbuf *line)
{
    tvn_strbuf_reset(line);
    for (;;) {
        char c;
        ssize_t length = read(STDIN_FILENO, &c, 1);
        if (length < 0 && errno == EINTR) {
            continue;
        }
        if (length <= 0) {
            return line->len > 0;
        }
        if (c == '\n') {
            return true;
        }
        if (line->len < ANSWER_BYTES_MAX) {
            tvn_strbuf_add_char(line, c);
        }
    }
}

static void ask(const struct question *question)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_strbuf_add_text(&text, question->text);
    for (size_t i = 0; question->choices && question->choices[i]; i++) {
        tvn_strbuf_printf(&text, "%s%s", i == 0 ? " (" : ", ", question->choices[i]);
    }
    tvn_strbuf_printf(&text, "%s [%s]: ", question->choices ? ")" : "", question->standard);
    tvn_cli_say(&text);
}

/* Silence is no consent: an empty line takes the default, the end of input takes nothing. */
static enum tvn_status no_answer(struct tvn_cli *cli)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_strbuf_add_char(&text, '\n'); /* after the question */
    tvn_cli_say(&text);
    (void)tvn_diag_error(cli->sink, TVN_E_IO_ERROR, TVN_SPAN_NONE,
                         "the input ended before the questions were answered; nothing was created");
    tvn_diag_help(cli->sink, "answer each question, an empty line takes the default; or leave out "
                             "--interactive");
    return TVN_E_IO_ERROR;
}

static enum tvn_status answer(struct tvn_cli *cli, const struct question *question,
                              const char **field)
{
    TVN_AUTO_VALUE(tvn_strbuf) line = {0};
    for (unsigned i = 0; !*field; i++) {
        ask(question);
        struct tvn_str given = {NULL, 0};
        bool more = read_line(&line);
        given = tvn_str_trim(tvn_strbuf_view(&line));
        if (!more) {
            return no_answer(cli);
        }
        if (given.len == 0) {
            return TVN_OK;
        }
        const char *text = tvn_arena_strndup(cli->arena, given.ptr, given.len);
        if (!text || line.failed) {
            return tvn_diag_error(cli->sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                                  "no memory for the answer");
        }
        if (i + 1 == TVN_INIT_DIALOG_TRIES) { /* the last try is judged for good */
            *field = text;
            return question->check(text, cli->sink);
        }
        TVN_AUTO(tvn_diag_sink) trial = tvn_diag_sink_create();
        if (trial && question->check(text, trial) == TVN_OK) {
            *field = text;
        } else if (trial) {
            struct tvn_diag_sink *kept = cli->sink;
            size_t shown = cli->shown;
            cli->sink = trial;
            cli->shown = 0;
            tvn_cli_show_diagnostics(cli);
            cli->sink = kept;
            cli->shown = shown;
        }
    }
    return TVN_OK;
}

enum tvn_status tvn_init_dialog(struct tvn_cli *cli, struct tvn_init_options *options)
{
    const struct question name = {"Name of the project", "this folder and its name", NULL,
                                  tvn_init_check_name};
    const struct question template = {"Template", TVN_TEMPLATE_DEFAULT, tvn_template_names,
                                      tvn_init_check_template};
    const struct question language = {"Language", TVN_LANGUAGE_DEFAULT, tvn_language_names,
                                      tvn_init_check_language};
    TVN_TRY(answer(cli, &name, &options->name));
    TVN_TRY(answer(cli, &template, &options->template));
    return answer(cli, &language, &options->language);
}
