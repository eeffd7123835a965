/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Tells the user, when starting takes longer than a second, what is compiled. Threads: one. */
struct tvn_cli;
struct tvn_live_line;
struct tvn_compile_progress;

struct tvn_compile_talk {
    const struct tvn_cli *cli;
    struct tvn_live_line *live;
    const char *file; /* that the user has been told of */
};

/* For tvn_host_options.compiling; the context is the talk. */
void tvn_compile_talk_tell(void *context, const struct tvn_compile_progress *progress);
