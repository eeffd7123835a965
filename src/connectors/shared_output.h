/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Somebody else's pipe or device (standard output and error) that several flows may write to. It is
 * in blocking mode and cannot be changed, so each asks whether there is room and writes no more
 * than that. Both as one step in this process: else another flow could take the room in between,
 * and the worker would block.
 *
 * Threads: any. Limits: TVN_SHARED_OUTPUT_BYTES at once.
 */
#include <stddef.h>
#include <sys/types.h>

/* PIPE_BUF: a pipe that is ready takes it without blocking. */
#define TVN_SHARED_OUTPUT_BYTES 4096

// WARM PATH. One write, of whole lines where they fit: bytes written, or -1 with errno; EAGAIN when
// there is no room now.
ssize_t tvn_shared_output_write(int fd, const void *bytes, size_t length);
