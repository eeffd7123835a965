/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/screen.h"

#include "base/num.h"
#include "cli/cli_internal.h"
#include "cli/top_view.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define COLUMNS_DEFAULT 80
#define ROWS_DEFAULT    24
#define WRITE_WAIT_MS   100 /* then a signal is looked for that came just before the wait */
#define ENTER           "\x1b[?1049h\x1b[?25l"
#define LEAVE           "\x1b[?25h\x1b[?1049l"
#define HOME            "\x1b[H"
#define ERASE_LINE      "\x1b[K"
#define ERASE_REST      "\x1b[J"

/* Of the one screen: what a signal handler and its end need. */
static volatile sig_atomic_t stopped;
static struct termios terminal_before;

static void stop(int signal_number)
{
    (void)signal_number;
    stopped = 1;
}

/* Only wakes a wait. */
static void resized(int signal_number)
{
    (void)signal_number;
}

static void take_signals(void)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = stop};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < TVN_ARRAY_LEN(ends); i++) {
        (void)sigaction(ends[i], &action, NULL);
    }
    action.sa_handler = resized;
    (void)sigaction(SIGWINCH, &action, NULL);
}

bool tvn_screen_write(const char *text, size_t length)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    while (length > 0) {
        int ready = poll(&out, 1, stopped ? 0 : WRITE_WAIT_MS);
        if (ready == 0 && stopped) {
            errno = ECANCELED;
            return false;
        }
        if (ready <= 0) {
            continue; /* nobody reads yet, or a signal */
        }
        size_t part = tvn_min(length, (size_t)PIPE_BUF); /* so much never waits */
        ssize_t written = write(STDOUT_FILENO, text, part);
        if (written < 0 && errno != EINTR && errno != EAGAIN) {
            return false;
        }
        text += written > 0 ? written : 0;
        length -= written > 0 ? (size_t)written : 0;
    }
    return true;
}

static void put(const char *text)
{
    (void)tvn_screen_write(text, strlen(text)); /* one that went away is noticed when drawn on */
}

void tvn_screen_open(struct tvn_screen *screen, bool draws)
{
    *screen = (struct tvn_screen){.is_terminal = draws && tvn_cli_is_terminal(STDOUT_FILENO)};
    stopped = 0;
    take_signals();
    if (!screen->is_terminal) {
        return;
    }
    if (isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &terminal_before) == 0) {
        struct termios raw = terminal_before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        raw.c_cc[VMIN] = 0;
        raw.c_cc[VTIME] = 0;
        screen->has_keys = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
    }
    put(ENTER);
}

void tvn_screen_close(struct tvn_screen *screen)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH};
    if (screen->is_terminal) {
        put(LEAVE);
    }
    if (screen->has_keys) {
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &terminal_before);
    }
    for (size_t i = 0; i < TVN_ARRAY_LEN(ends); i++) {
        signal(ends[i], SIG_DFL); // NOLINT(bugprone-signal-handler)
    }
    *screen = (struct tvn_screen){0};
}

bool tvn_screen_is_stopped(void)
{
    return stopped != 0;
}

static void measure(struct tvn_screen *screen)
{
    struct winsize size;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    screen->columns = known && size.ws_col > 0 ? size.ws_col : COLUMNS_DEFAULT;
    screen->rows = known && size.ws_row > 0 ? size.ws_row : ROWS_DEFAULT;
}

/* Each line is erased behind its end, so that nothing flickers. */
static void add_lines(struct tvn_strbuf *out, struct tvn_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n') {
            tvn_strbuf_add_text(out, ERASE_LINE "\r");
        }
        tvn_strbuf_add_char(out, text.ptr[i]);
    }
    tvn_strbuf_add_text(out, ERASE_LINE ERASE_REST);
}

bool tvn_screen_draw(struct tvn_screen *screen, struct tvn_str text)
{
    TVN_AUTO_VALUE(tvn_strbuf) fitted = {0};
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    measure(screen);
    tvn_top_fit(text, screen->columns, screen->rows, &fitted);
    tvn_strbuf_add_text(&out, HOME);
    add_lines(&out, tvn_strbuf_view(&fitted));
    return !out.failed && !fitted.failed && tvn_screen_write(out.ptr, out.len);
}

int tvn_screen_wait(const struct tvn_screen *screen, int64_t timeout_ms)
{
    struct pollfd keys = {.fd = screen->has_keys ? STDIN_FILENO : -1, .events = POLLIN};
    if (stopped) {
        return TVN_KEY_STOP;
    }
    int ready = poll(&keys, 1, (int)tvn_min(tvn_max(timeout_ms, 0), (int64_t)INT_MAX));
    if (stopped) {
        return TVN_KEY_STOP;
    }
    if (ready <= 0) {
        return TVN_KEY_NONE;
    }
    unsigned char key = 0;
    ssize_t got = read(STDIN_FILENO, &key, 1);
    if (got == 1) {
        return key;
    }
    return got < 0 && errno == EINTR ? TVN_KEY_NONE : TVN_KEY_STOP; /* the terminal is gone */
}
