/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The program `torvyn`: arguments → command → what it prints → exit code.
 *
 * Standard output carries data (pipeline output, one JSON object with --format json), standard
 * error all talk. Threads: one, besides those of the host.
 */

// COLD PATH. All of the program; returns the process's exit code. Ignores SIGPIPE and sets the log
// filter of the process.
int tvn_cli_main(int argc, const char *const *argv);
