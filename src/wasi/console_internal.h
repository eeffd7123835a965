/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A guest's standard streams. Output goes to the context's owner by whole lines: a line is kept
 * until it is complete, grows beyond TVN_WASI_LINE_MAX, or the instance ends. Lines that arrive
 * whole are passed on from where they are, without a copy.
 *
 * Without the grant every use is told to the owner's check and answers that the stream is closed.
 */
#include "wasi/byte_stream_internal.h"
#include "wasi/wasi.h"

struct tvn_wasi_console {
    struct tvn_byte_stream stream;
    const struct tvn_wasi_ops *ops;
    void *context;
    enum tvn_wasi_stream_kind kind;
    enum tvn_capability capability;
    size_t length;
    char line[TVN_WASI_LINE_MAX];
};

void tvn_wasi_console_init(struct tvn_wasi_console *console, const struct tvn_wasi_ops *ops,
                           void *context, enum tvn_wasi_stream_kind kind);
/* Passes on an unfinished line. */
void tvn_wasi_console_finish(struct tvn_wasi_console *console);

/* Standard input, read when the guest asks and never ahead. */
struct tvn_wasi_stdin {
    struct tvn_byte_stream stream;
    const struct tvn_wasi_ops *ops;
    void *context;
    int fd; /* borrowed; -1: at its end */
};

void tvn_wasi_stdin_init(struct tvn_wasi_stdin *input, const struct tvn_wasi_ops *ops,
                         void *context, int fd);
