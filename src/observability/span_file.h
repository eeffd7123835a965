/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Spans into a file or a stream, as lines of OTLP's JSON: the exporters `file` and `stdout`.
 *
 * Each line is an object with "resourceSpans" of up to `spans_per_line` spans. A stream that nobody
 * reads from holds up only the exporter's thread, and not longer than its limits. A line is written
 * whole or, when the process ends before there is room for it, cut.
 *
 * Threads: the exporter's. Memory: one line.
 */
#include "observability/span_exporter.h"
#include "observability/span_json.h"

struct tvn_span_file_options {
    int fd;
    bool owns_fd;                             /* closed with the transport */
    const struct tvn_otlp_resource *resource; /* outlives the transport */
    uint32_t spans_per_line;                  /* from 1 */
};

/* COLD PATH. TVN_E_OUT_OF_MEMORY: the descriptor stays the caller's. */
TVN_NODISCARD enum tvn_status
tvn_span_file_transport_create(const struct tvn_span_file_options *options,
                               struct tvn_span_transport **out_transport);
