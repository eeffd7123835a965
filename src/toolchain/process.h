/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Other programs: started by argument vector, never by a shell, with standard output and standard
 * error in one pipe that the caller reads.
 *
 * Life: start → poll until it ended → destroy. Destroying a running process kills it.
 * Threads: a process belongs to one thread. Memory: one block and the output.
 * Limits: TVN_PROCESS_OUTPUT_MAX bytes of output are kept; what comes after is read and dropped.
 */
#include "base/compiler.h"
#include "base/status.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define TVN_PROCESS_OUTPUT_MAX ((size_t)8 << 20)

struct tvn_process_options {
    const char *const *argv; /* argv[0] is the program's path, used as it is; ends with NULL */
    const char *const *environment; /* "NAME=value" besides the caller's own; may be NULL */
    const char *directory;          /* working directory; NULL: the caller's */
};

struct tvn_process;

/* COLD PATH. Standard input is empty. TVN_NOT_FOUND when the program cannot be started (errno),
 * TVN_E_OUT_OF_MEMORY. Copies nothing of the options but what the new process gets. */
TVN_NODISCARD enum tvn_status tvn_process_start(const struct tvn_process_options *options,
                                                struct tvn_process **out_process);
void tvn_process_destroy(struct tvn_process *process);
TVN_DEFINE_CLEANUP(tvn_process, tvn_process_destroy)

/* Readable when there is output, or at its end; -1 once that was seen. */
int tvn_process_fd(const struct tvn_process *process);
/* Reads what there is without waiting. True once the process has ended; its exit code is then
 * 0…255, or 128 + the number of the signal that ended it. */
bool tvn_process_poll(struct tvn_process *process);
int tvn_process_exit_code(const struct tvn_process *process);
/* Output so far; owned by the process. */
struct tvn_str tvn_process_output(const struct tvn_process *process);
bool tvn_process_output_cut(const struct tvn_process *process);

/*
 * COLD PATH. Starts it and waits for its end. As tvn_process_start; *out_code is 128 + SIGKILL when
 * it was killed because timeout_ns passed (0: no limit). The output is appended to `out`.
 */
TVN_NODISCARD enum tvn_status tvn_process_run(const struct tvn_process_options *options,
                                              uint64_t timeout_ns, struct tvn_strbuf *out,
                                              int *out_code);
