/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The compiling process: the program started again by tvn_compile_child_run with one argument. It
 * bounds itself, reads core modules from descriptor 0, writes their code to descriptor 1 and ends.
 * It has no other descriptor but 2 and opens no file of its own accord.
 *
 *     int main(int argc, char **argv)
 *     {
 *         if (tvn_compiler_is_asked(argc, argv)) {
 *             return tvn_compiler_main();
 *         }
 *
 * Threads: main calls it before there are any.
 */
#include <stdbool.h>

#define TVN_COMPILER_ARGUMENT "__compile"

bool tvn_compiler_is_asked(int argc, const char *const *argv);
int tvn_compiler_main(void);
