/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Built-in sources and sinks behind the invoker interface. Lines in, lines out.
 *
 * generator: `Hello, Torvyn! (1)` … `(count)`; with payload_bytes each text is cut or filled with
 * '.' to that length. Line source (stdin, file): one element per line without its '\n'; a last line
 * needs none. A longer line than max_buffer_bytes is one invalid-input error and skipped to its
 * end. Line sink (stdout, stderr, file): payload and '\n', held back up to TVN_LINE_SINK_BYTES;
 * passed on when the flow idles, completes or tears down, and after each element on a terminal.
 * Files are created or truncated.
 *
 * Elements are text/plain. Each copy is counted as HostSerialize in *stats.
 * No stage blocks: a pipe, socket or terminal with nothing to read or no room is WAIT and wait_fd.
 * A failed read or write is DEAD with E0004. The process must ignore SIGPIPE.
 *
 * Threads: the flow's. Memory: at create, and for lines longer than ever before.
 */
#include "base/compiler.h"
#include "base/status.h"
#include "connectors/spec.h"
#include "types/invoker.h"

#include <stdint.h>

#define TVN_LINE_SOURCE_BYTES 131072u /* read at once */
#define TVN_LINE_SINK_BYTES   65536u

struct tvn_budget;
struct tvn_magazine;
struct tvn_intern;
struct tvn_stage_stats;

/* What is pointed to is borrowed and outlives the connector; spec.path only needs to live during
 * create. */
struct tvn_connector_options {
    struct tvn_connector_spec spec;
    int fd;                    /* instead of what the spec would open, kept open; -1: by the spec */
    uint64_t payload_bytes;    /* generator; 0: the text as it is */
    uint64_t max_buffer_bytes; /* 0: the resource manager's */
    struct tvn_magazine *const *magazine; /* a slot: that of the thread that runs the flow now */
    struct tvn_budget *budget;            /* of the flow; NULL: endless */
    struct tvn_intern *intern;
    struct tvn_stage_stats *stats;
};
/* fd -1, everything else zero. */
void tvn_connector_options_default(struct tvn_connector_options *options);

/*
 * COLD PATH. TVN_E_IO_ERROR with errno when a file cannot be opened (EISDIR for a directory),
 * TVN_E_CONSTRAINT_VIOLATION for a spec of the wrong direction or a payload beyond
 * max_buffer_bytes, TVN_E_BUDGET_EXCEEDED when the intern table is full, TVN_E_OUT_OF_MEMORY.
 */
TVN_NODISCARD enum tvn_status
tvn_connector_create_source(const struct tvn_connector_options *options,
                            struct tvn_invoker **out_invoker);
TVN_NODISCARD enum tvn_status tvn_connector_create_sink(const struct tvn_connector_options *options,
                                                        struct tvn_invoker **out_invoker);
