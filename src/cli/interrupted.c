/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/interrupted.h"

#include "base/assert.h"
#include "cli/cli_internal.h"
#include "cli/run_report.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#define OBJECT_BYTES_MAX ((size_t)1 << 10)

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

/* A handler may allocate nothing, so the objects are made before. */
static char objects[TVN_ARRAY_LEN(signals)][OBJECT_BYTES_MAX];
static size_t lengths[TVN_ARRAY_LEN(signals)];
/* Who writes an object; the command and a handler on another thread may race for it. */
enum { NOBODY, COMMAND, HANDLER };
static int writer;

static int claim(int me)
{
    int before = NOBODY;
    (void)__atomic_compare_exchange_n(&writer, &before, me, false, __ATOMIC_SEQ_CST,
                                      __ATOMIC_SEQ_CST);
    return before;
}

/* The action is the default one again: the signal that is raised ends the process on return. */
static void on_signal(int number)
{
    int saved = errno;
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    for (size_t i = 0; i < TVN_ARRAY_LEN(signals); i++) {
        /* Nobody waits for a reader here. */
        if (signals[i] == number && claim(HANDLER) == NOBODY && poll(&out, 1, 0) == 1) {
            ssize_t ignored = write(STDOUT_FILENO, objects[i], lengths[i]);
            (void)ignored;
        }
    }
    (void)raise(number);
    errno = saved;
}

/* False: no memory. */
static bool make_object(struct tvn_cli *cli, size_t i)
{
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    struct tvn_json_writer json;
    tvn_cli_json_begin(cli, (enum tvn_exit)(128 + signals[i]), &out, &json);
    tvn_json_field_text(&json, "signal", tvn_run_signal_name(signals[i]));
    tvn_json_end_object(&json);
    tvn_strbuf_add_char(&out, '\n');
    if (out.failed || out.len > OBJECT_BYTES_MAX) {
        return false;
    }
    memcpy(objects[i], out.ptr, out.len);
    lengths[i] = out.len;
    return true;
}

void tvn_interrupted_prepare(struct tvn_cli *cli)
{
    tvn_assert(cli);
    for (size_t i = 0; tvn_cli_json(cli) && i < TVN_ARRAY_LEN(signals); i++) {
        struct sigaction old;
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
        sigemptyset(&action.sa_mask);
        /* A signal that the process was started to ignore stays ignored. */
        if (make_object(cli, i) && sigaction(signals[i], NULL, &old) == 0 &&
            old.sa_handler != SIG_IGN) {
            (void)sigaction(signals[i], &action, NULL);
        }
    }
}

void tvn_interrupted_over(void)
{
    while (claim(COMMAND) == HANDLER) {
        pause(); /* the handler's signal ends the process */
    }
}
