/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A terminal that is drawn on again and again, with keys: the other screen, without cursor and
 * echo.
 *
 * Life: open → wait and draw at will → close. Between open and close SIGINT, SIGTERM and SIGHUP are
 * taken over, so that the terminal is as it was at the end. Threads: one; one screen a process.
 */
#include "base/str.h"

struct tvn_screen {
    bool is_terminal; /* else nothing is drawn, and only signals are heard */
    bool has_keys;    /* standard input is a terminal, too */
    uint32_t columns; /* when it was drawn last */
    uint32_t rows;
};

enum { TVN_KEY_NONE = -1, TVN_KEY_STOP = -2 }; /* nothing came in time; a signal to end */

/* `draws`: standard output may be drawn on if it is a terminal. */
void tvn_screen_open(struct tvn_screen *screen, bool draws);
void tvn_screen_close(struct tvn_screen *screen);
/* Shows the text from the upper left corner on, cut to the terminal's size of now. False when it
 * cannot be written. */
bool tvn_screen_draw(struct tvn_screen *screen, struct tvn_str text);
/* The next key (a byte), or NONE after `timeout_ms`, or earlier when the size changed; STOP after a
 * signal, and from then on. */
int tvn_screen_wait(const struct tvn_screen *screen, int64_t timeout_ms);
bool tvn_screen_is_stopped(void);
/* To standard output. False with errno; ECANCELED when a signal to end came and nobody reads. */
bool tvn_screen_write(const char *text, size_t length);
