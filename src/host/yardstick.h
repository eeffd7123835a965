/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How fast the machine is at the moment, whatever Torvyn does: a fixed piece of work, and the
 * processor time that it takes.
 *
 * The work is SHA3-256 of 64 KiB (libcrypto) and sorting 2,048 numbers (C library), each about half
 * of the time. The first keeps all of a core's units busy and suffers most from who shares the
 * core; the second, branches that cannot be foreseen and steps that wait for each other, suffers
 * less. Programs are something between: while a core's neighbour came and went, the throughput of a
 * pipeline of components followed the two together better than either (the logarithm of throughput
 * by pace deviated by 0.09, with SHA-3 alone by 0.10, with sorting alone by 0.13, without either by
 * 0.19). SHA-256, which has units of its own in processors, and an interpreter's loop did not
 * follow.
 *
 * Threads: one at a time. Memory: nothing is kept. Limits: none.
 */
#include <stdint.h>

#define TVN_YARDSTICK_NAME_BYTES 96 /* with NUL */

/* What was measured so far. */
struct tvn_yardstick {
    uint64_t wall_ns; /* that measuring took */
    uint64_t cpu_ns;
    uint64_t count;
    double sum_per_s; /* pieces of work a second, of all measurements */
    double last_per_s;
};

// WARM PATH. About 0.3 ms, on the thread whose pace it is. Nothing is measured where the kernel
// tells no thread's processor time or memory is exhausted.
void tvn_yardstick_measure(struct tvn_yardstick *yardstick);
/* The work and whose it is, with versions: only what the same did can be compared. */
void tvn_yardstick_name(char out_name[TVN_YARDSTICK_NAME_BYTES]);
