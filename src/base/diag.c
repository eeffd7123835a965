/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/utf8.h"
#include "base/vec.h"

#include <stdio.h>

#define SOURCES_MAX    4096
#define EXTRAS_MAX     16 /* related places, and notes, of one diagnostic */
#define TEXT_BYTES_MAX ((size_t)8 << 10)
#define TEXT_CUT_MARK  "…"

/*
 * Diagnostics live in the sink itself, so that an error is on record even when memory is exhausted:
 * its message is then the code's own text.
 */
struct tvn_diag_sink {
    struct tvn_arena *arena;
    TVN_VEC(struct tvn_diag_source) sources;
    struct tvn_diagnostic kept[2 * TVN_DIAG_ERRORS_MAX]; /* errors, and as many warnings */
    size_t kept_count;
    size_t error_count;
    size_t warning_count;
    bool last_dropped; /* the amend functions have nothing to amend */
};

const char *tvn_severity_name(enum tvn_severity severity)
{
    switch (severity) {
    case TVN_SEVERITY_ERROR:
        return "error";
    case TVN_SEVERITY_WARNING:
        return "warning";
    case TVN_SEVERITY_NOTE:
        return "note";
    }
    tvn_unreachable();
}

struct tvn_diag_sink *tvn_diag_sink_create(void)
{
    TVN_AUTO(tvn_diag_sink) sink = tvn_calloc(1, sizeof(*sink));
    if (!sink) {
        return NULL;
    }
    sink->arena = tvn_arena_create(0);
    if (!sink->arena) {
        return NULL;
    }
    sink->last_dropped = true;
    return TVN_TAKE(sink);
}

void tvn_diag_sink_destroy(struct tvn_diag_sink *sink)
{
    if (!sink) {
        return;
    }
    tvn_vec_deinit(&sink->sources);
    tvn_arena_destroy(sink->arena);
    tvn_free(sink);
}

static uint32_t add_source(struct tvn_diag_sink *sink, const char *name, struct tvn_str text,
                           bool binary)
{
    tvn_assert(sink);
    tvn_assert(name);
    tvn_assert(text.ptr || text.len == 0);
    if (text.len > UINT32_MAX) {
        return 0;
    }
    struct tvn_diag_source source = {
        .name = tvn_arena_strndup(sink->arena, name, strlen(name)),
        .text = tvn_arena_str(sink->arena, text),
        .binary = binary,
    };
    if (!source.name || !source.text.ptr) {
        return 0;
    }
    enum tvn_status status = tvn_vec_push(&sink->sources, SOURCES_MAX, source);
    if (status != TVN_OK) {
        return 0;
    }
    return (uint32_t)sink->sources.count;
}

uint32_t tvn_diag_add_source(struct tvn_diag_sink *sink, const char *name, struct tvn_str text)
{
    return add_source(sink, name, text, false);
}

uint32_t tvn_diag_add_binary_source(struct tvn_diag_sink *sink, const char *name)
{
    return add_source(sink, name, TVN_STR(""), true);
}

const struct tvn_diag_source *tvn_diag_source(const struct tvn_diag_sink *sink, uint32_t file)
{
    tvn_assert(sink);
    return file >= 1 && file <= sink->sources.count ? &sink->sources.items[file - 1] : NULL;
}

/* Characters in text[from..to); each byte that is not UTF-8 counts as one. A character cut by `to`
 * counts. */
static size_t count_characters(struct tvn_str text, size_t from, size_t to)
{
    size_t count = 0;
    while (from < to) {
        uint32_t code_point;
        size_t size = tvn_utf8_decode(text.ptr + from, text.len - from, &code_point);
        from += size ? size : 1;
        count++;
    }
    return count;
}

/* Start of the character that the byte at `offset` belongs to, counted from a known start. */
static size_t character_start(struct tvn_str text, size_t from, size_t offset)
{
    size_t start = from;
    while (from <= offset) {
        uint32_t code_point;
        size_t size = tvn_utf8_decode(text.ptr + from, text.len - from, &code_point);
        start = from;
        from += size ? size : 1;
    }
    return start;
}

bool tvn_diag_locate(const struct tvn_diag_sink *sink, struct tvn_span span,
                     struct tvn_diag_place *out_place)
{
    tvn_assert(out_place);
    const struct tvn_diag_source *source = tvn_diag_source(sink, span.file);
    if (!source || source->binary) {
        return false;
    }
    struct tvn_str text = source->text;
    size_t offset = tvn_min((size_t)span.offset, text.len);
    size_t line = 1;
    size_t line_start = 0;
    for (;;) {
        size_t newline = tvn_str_find(tvn_str_slice(text, line_start, offset), '\n');
        if (newline == SIZE_MAX) {
            break;
        }
        line++;
        line_start += newline + 1;
    }
    size_t newline = tvn_str_find(tvn_str_slice(text, line_start, text.len), '\n');
    size_t line_end = newline == SIZE_MAX ? text.len : line_start + newline;
    if (line_end > line_start && newline != SIZE_MAX && text.ptr[line_end - 1] == '\r') {
        line_end--;
    }
    struct tvn_str line_text = tvn_str_slice(text, line_start, line_end);
    size_t begin = tvn_min(offset, line_end) - line_start;
    if (begin < line_text.len) {
        begin = character_start(line_text, 0, begin);
    }
    size_t end = tvn_min(offset + span.length, line_end);
    end = end > line_start ? end - line_start : 0;
    size_t width = end > begin ? count_characters(line_text, begin, end) : 0;
    *out_place = (struct tvn_diag_place){
        .line = (uint32_t)line,
        .column = (uint32_t)count_characters(line_text, 0, begin) + 1,
        .line_text = line_text,
        .width = (uint32_t)tvn_max(width, (size_t)1),
    };
    return true;
}

/* Formats into the arena; NULL when memory is exhausted. Long text is cut between characters. */
static TVN_PRINTF(2, 0) const
    char *format_text(struct tvn_diag_sink *sink, const char *format, va_list args)
{
    tvn_assert(format);
    TVN_AUTO_VALUE(tvn_strbuf) text = {.max = TEXT_BYTES_MAX};
    tvn_strbuf_vprintf(&text, format, args);
    if (text.failed && text.len < TEXT_BYTES_MAX) {
        return NULL;
    }
    if (!text.failed) {
        return tvn_arena_strndup(sink->arena, tvn_strbuf_text(&text), text.len);
    }
    size_t keep = text.len - strlen(TEXT_CUT_MARK);
    while (keep > 0 && ((unsigned char)text.ptr[keep] & 0xC0) == 0x80) {
        keep--;
    }
    return tvn_arena_printf(sink->arena, "%.*s" TEXT_CUT_MARK, (int)keep, text.ptr);
}

static TVN_PRINTF(5, 0) void add(struct tvn_diag_sink *sink, enum tvn_severity severity,
                                 enum tvn_status code, struct tvn_span at, const char *format,
                                 va_list args)
{
    size_t *count = severity == TVN_SEVERITY_ERROR ? &sink->error_count : &sink->warning_count;
    (*count)++;
    sink->last_dropped = *count > TVN_DIAG_ERRORS_MAX;
    if (sink->last_dropped) {
        return;
    }
    tvn_assert(sink->kept_count < TVN_ARRAY_LEN(sink->kept));
    const char *message = format_text(sink, format, args);
    sink->kept[sink->kept_count++] = (struct tvn_diagnostic){
        .severity = severity,
        .code = code,
        .message = message ? message : tvn_status_what(code),
        .primary = {.span = at, .text = ""},
    };
}

enum tvn_status tvn_diag_error(struct tvn_diag_sink *sink, enum tvn_status code, struct tvn_span at,
                               const char *format, ...)
{
    tvn_assert(sink);
    tvn_assert(code > TVN_OK);
    va_list args;
    va_start(args, format);
    add(sink, TVN_SEVERITY_ERROR, code, at, format, args);
    va_end(args);
    return code;
}

void tvn_diag_warning(struct tvn_diag_sink *sink, enum tvn_status code, struct tvn_span at,
                      const char *format, ...)
{
    tvn_assert(sink);
    tvn_assert(code >= TVN_OK);
    va_list args;
    va_start(args, format);
    add(sink, TVN_SEVERITY_WARNING, code, at, format, args);
    va_end(args);
}

static struct tvn_diagnostic *last_kept(struct tvn_diag_sink *sink)
{
    tvn_assert(sink);
    return sink->last_dropped ? NULL : &sink->kept[sink->kept_count - 1];
}

void tvn_diag_label(struct tvn_diag_sink *sink, const char *format, ...)
{
    struct tvn_diagnostic *last = last_kept(sink);
    if (!last) {
        return;
    }
    va_list args;
    va_start(args, format);
    const char *text = format_text(sink, format, args);
    va_end(args);
    if (text) {
        last->primary.text = text;
    }
}

/* The array's items live in the arena in one block of EXTRAS_MAX, made with the first of them. */
void tvn_diag_related(struct tvn_diag_sink *sink, struct tvn_span at, const char *format, ...)
{
    struct tvn_diagnostic *last = last_kept(sink);
    if (!last || last->related_count == EXTRAS_MAX) {
        return;
    }
    va_list args;
    va_start(args, format);
    const char *text = format_text(sink, format, args);
    va_end(args);
    struct tvn_diag_label *labels = (struct tvn_diag_label *)(uintptr_t)last->related;
    if (!labels) {
        labels = TVN_ARENA_ARRAY(sink->arena, struct tvn_diag_label, EXTRAS_MAX);
    }
    if (!labels) {
        return;
    }
    labels[last->related_count++] = (struct tvn_diag_label){.span = at, .text = text ? text : ""};
    last->related = labels;
}

void tvn_diag_note(struct tvn_diag_sink *sink, const char *format, ...)
{
    struct tvn_diagnostic *last = last_kept(sink);
    if (!last || last->note_count == EXTRAS_MAX) {
        return;
    }
    va_list args;
    va_start(args, format);
    const char *text = format_text(sink, format, args);
    va_end(args);
    const char **notes = (const char **)(uintptr_t)last->notes;
    if (text && !notes) {
        notes = TVN_ARENA_ARRAY(sink->arena, const char *, EXTRAS_MAX);
    }
    if (!text || !notes) {
        return;
    }
    notes[last->note_count++] = text;
    last->notes = notes;
}

void tvn_diag_help(struct tvn_diag_sink *sink, const char *format, ...)
{
    struct tvn_diagnostic *last = last_kept(sink);
    if (!last) {
        return;
    }
    va_list args;
    va_start(args, format);
    const char *text = format_text(sink, format, args);
    va_end(args);
    if (text) {
        last->help = text;
    }
}

size_t tvn_diag_error_count(const struct tvn_diag_sink *sink)
{
    tvn_assert(sink);
    return sink->error_count;
}

size_t tvn_diag_warning_count(const struct tvn_diag_sink *sink)
{
    tvn_assert(sink);
    return sink->warning_count;
}

size_t tvn_diag_dropped_count(const struct tvn_diag_sink *sink)
{
    tvn_assert(sink);
    return sink->error_count + sink->warning_count - sink->kept_count;
}

size_t tvn_diag_count(const struct tvn_diag_sink *sink)
{
    tvn_assert(sink);
    return sink->kept_count;
}

const struct tvn_diagnostic *tvn_diag_at(const struct tvn_diag_sink *sink, size_t index)
{
    tvn_assert(sink);
    tvn_assert(index < sink->kept_count);
    return &sink->kept[index];
}
