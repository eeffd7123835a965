/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Spans in OTLP's JSON form: what the exporters stdout and file, OTLP over HTTP with JSON, and
 * `torvyn trace --trace-format otlp` write.
 *
 *     {"resourceSpans":[{"resource":…,"scopeSpans":[{"scope":…,"spans":[ … ]}]}]}
 */
#include "format/json_writer.h"
#include "observability/span.h"

/* Whose telemetry it is. Texts are borrowed. */
struct tvn_otlp_resource {
    const char *service_name;    /* "torvyn"; never NULL */
    const char *service_version; /* NULL: not told */
    const char *instance_id;     /* of this process, anywhere and ever; NULL: not told */
    const char *host_name;       /* NULL: not told */
    uint32_t pid;                /* 0: not told */
};

// WARM PATH. Everything up to the first span, as fields of an open object or as an object of its
// own.
void tvn_span_json_begin_fields(const struct tvn_otlp_resource *resource,
                                struct tvn_json_writer *json);
/* Closes what tvn_span_json_begin_fields opened. */
void tvn_span_json_end_fields(struct tvn_json_writer *json);

/* One span, as an object. */
void tvn_span_json(const struct tvn_trace_span *span, struct tvn_json_writer *json);

/* WARM PATH. All of a batch: an object of one line, without a new line. */
void tvn_span_json_batch(const struct tvn_otlp_resource *resource,
                         const struct tvn_trace_span *spans, size_t count, struct tvn_strbuf *out);
