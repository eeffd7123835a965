/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Diagnostics: what a person is told about a problem in their input. A sink collects them; the CLI
 * renders them as text with carets (cli/diag_text.c) or as JSON (cli/diag_json.c). Library code
 * never prints.
 *
 * Promise of every function that takes a sink: it returns a positive status if and only if it added
 * at least one error.
 *
 * Threads: a sink belongs to one thread. Limits: TVN_DIAG_ERRORS_MAX errors and as many warnings
 * are kept, further ones are counted.
 */
#include "base/compiler.h"
#include "base/status.h"
#include "base/str.h"

#include <stdint.h>

#define TVN_DIAG_ERRORS_MAX 50

enum tvn_severity { TVN_SEVERITY_ERROR, TVN_SEVERITY_WARNING, TVN_SEVERITY_NOTE };

/* "error", "warning", "note". */
const char *tvn_severity_name(enum tvn_severity severity);

/* A place in a source known to the sink. file 0 means "no place". Line and column are computed when
 * rendered. */
struct tvn_span {
    uint32_t file;
    uint32_t offset; /* bytes */
    uint32_t length; /* bytes; 0 renders as a caret at offset */
};
#define TVN_SPAN_NONE ((struct tvn_span){0, 0, 0})

/* A source a span can point into. Binary sources have no text; their offset is shown as "0x1f". */
struct tvn_diag_source {
    const char *name; /* path as the user gave it */
    struct tvn_str text;
    bool binary;
};

struct tvn_diag_label {
    struct tvn_span span;
    const char *text; /* may be "" */
};

struct tvn_diagnostic {
    enum tvn_severity severity;
    enum tvn_status code; /* TVN_OK when the message has no number */
    const char *message;
    struct tvn_diag_label primary;
    const struct tvn_diag_label *related; /* the other place, for example the first definition */
    size_t related_count;
    const char *const *notes; /* why */
    size_t note_count;
    const char *help; /* how to fix it; NULL: the code's own fix is shown */
};

struct tvn_diag_sink;

// COLD PATH. NULL when memory is exhausted.
TVN_NODISCARD struct tvn_diag_sink *tvn_diag_sink_create(void);
void tvn_diag_sink_destroy(struct tvn_diag_sink *sink);
TVN_DEFINE_CLEANUP(tvn_diag_sink, tvn_diag_sink_destroy)

/* Copies name and text into the sink. Returns the file number for spans (>= 1), 0 when memory is
 * exhausted. */
uint32_t tvn_diag_add_source(struct tvn_diag_sink *sink, const char *name, struct tvn_str text);
uint32_t tvn_diag_add_binary_source(struct tvn_diag_sink *sink, const char *name);
const struct tvn_diag_source *tvn_diag_source(const struct tvn_diag_sink *sink, uint32_t file);

/* 1-based line and column (in characters, not bytes) of a span's start, and the whole line without
 * its end. */
struct tvn_diag_place {
    uint32_t line;
    uint32_t column;
    struct tvn_str line_text;
    uint32_t width; /* characters under the caret on that line, at least 1 */
};
bool tvn_diag_locate(const struct tvn_diag_sink *sink, struct tvn_span span,
                     struct tvn_diag_place *out_place);

/* Add a diagnostic; error returns `code` so that `return tvn_diag_error(…)` reads well. code is a
 * positive status. */
enum tvn_status tvn_diag_error(struct tvn_diag_sink *sink, enum tvn_status code, struct tvn_span at,
                               const char *format, ...) TVN_PRINTF(4, 5);
void tvn_diag_warning(struct tvn_diag_sink *sink, enum tvn_status code, struct tvn_span at,
                      const char *format, ...) TVN_PRINTF(4, 5);
/* Amend the diagnostic added last (no effect while it was dropped because of the limit). */
void tvn_diag_label(struct tvn_diag_sink *sink, const char *format, ...)
    TVN_PRINTF(2, 3); /* under the caret */
void tvn_diag_related(struct tvn_diag_sink *sink, struct tvn_span at, const char *format, ...)
    TVN_PRINTF(3, 4);
void tvn_diag_note(struct tvn_diag_sink *sink, const char *format, ...) TVN_PRINTF(2, 3);
void tvn_diag_help(struct tvn_diag_sink *sink, const char *format, ...) TVN_PRINTF(2, 3);

size_t
tvn_diag_error_count(const struct tvn_diag_sink *sink); /* including those beyond the limit */
size_t tvn_diag_warning_count(const struct tvn_diag_sink *sink);
size_t tvn_diag_dropped_count(const struct tvn_diag_sink *sink); /* not kept */
size_t tvn_diag_count(const struct tvn_diag_sink *sink);         /* kept */
const struct tvn_diagnostic *tvn_diag_at(const struct tvn_diag_sink *sink, size_t index);
