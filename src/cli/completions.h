/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Completion scripts, from the tables of commands and options. */
struct tvn_strbuf;

enum tvn_shell { TVN_SHELL_BASH, TVN_SHELL_ZSH, TVN_SHELL_FISH, TVN_SHELL_POWERSHELL };
extern const char *const tvn_shell_names[]; /* ends with NULL */

// COLD PATH.
void tvn_completions_render(enum tvn_shell shell, struct tvn_strbuf *out);
