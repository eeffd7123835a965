/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The questions of `torvyn init --interactive`: on standard error, answers from standard input. */
#include "cli/cli_internal.h"

struct tvn_init_options;

/*
 * COLD PATH. Asks for name, template and language as far as they are NULL; an empty answer, and the
 * end of input, take the default. E0702 when TVN_INIT_DIALOG_TRIES answers to one question cannot
 * be used, E0011. The answers live in the CLI's arena.
 */
#define TVN_INIT_DIALOG_TRIES 3
TVN_NODISCARD enum tvn_status tvn_init_dialog(struct tvn_cli *cli,
                                              struct tvn_init_options *options);
