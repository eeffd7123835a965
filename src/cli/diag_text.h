/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Diagnostics for people: message, excerpt with a caret, related places, notes, help.
 *
 *     error[E0701]: unknown field 'worker_thread'
 *       --> Torvyn.toml:12:1
 *        |
 *     12 | worker_thread = 4
 *        | ^^^^^^^^^^^^^ did you mean 'worker_threads'?
 *        |
 *        = help: Check for typos. …
 *
 * Everything that comes from input is escaped, so that it cannot control the terminal.
 */
#include <stdbool.h>
#include <stddef.h>

struct tvn_diag_sink;
struct tvn_strbuf;

// COLD PATH. Appends all kept diagnostics in the order of their making, each followed by a blank
// line. Sets out->failed when they do not fit. `colour` adds ANSI sequences.
void tvn_diag_text_render(const struct tvn_diag_sink *sink, bool colour, struct tvn_strbuf *out);
// COLD PATH. Appends the diagnostic with this number and a blank line.
void tvn_diag_text_render_one(const struct tvn_diag_sink *sink, size_t index, bool colour,
                              struct tvn_strbuf *out);
