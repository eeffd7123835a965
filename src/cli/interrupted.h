/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The one JSON object of a command that a signal ends before its own handlers are set: while the
 * project is read, linked and compiled. The process still dies of the signal.
 *
 * Threads: both functions on the main one; the signal may come on any.
 */
struct tvn_cli;

/* COLD PATH. With --format json: from now on SIGINT, SIGTERM and SIGHUP write the object first. */
void tvn_interrupted_prepare(struct tvn_cli *cli);
/* The command is about to write its own. Does not return when a signal was faster. */
void tvn_interrupted_over(void);
