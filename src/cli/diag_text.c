/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/diag_text.h"

#include "base/assert.h"
#include "base/diag.h"
#include "base/num.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <string.h>

#define LABELS_MAX       32
#define TAB_COLUMNS      4
#define LINE_COLUMNS_MAX 200
#define CONTEXT_COLUMNS  60 /* shown before the caret when the line is cut */
#define CUT_MARK         "…"

enum style {
    STYLE_ERROR,
    STYLE_WARNING,
    STYLE_NOTE,
    STYLE_HELP,
    STYLE_FRAME,
    STYLE_STRONG,
};

struct label {
    const struct tvn_diag_label *label;
    struct tvn_diag_place place;
    bool primary;
    bool shown;
};

struct renderer {
    const struct tvn_diag_sink *sink;
    struct tvn_strbuf *out;
    struct tvn_strbuf scratch; /* one escaped character */
    bool colour;
    const struct tvn_diagnostic *diagnostic;
    size_t gutter;                   /* digits of the largest line number */
    struct label labels[LABELS_MAX]; /* those that have a place in a text */
    size_t label_count;
};

static void add(struct renderer *r, const char *text)
{
    tvn_strbuf_add_text(r->out, text);
}

static void add_input(struct renderer *r, const char *text)
{
    tvn_strbuf_add_escaped(r->out, tvn_str_of(text));
}

static void style_begin(struct renderer *r, enum style style)
{
    static const char *const sequences[] = {
        [STYLE_ERROR] = "\x1b[1;31m", [STYLE_WARNING] = "\x1b[1;33m", [STYLE_NOTE] = "\x1b[1;32m",
        [STYLE_HELP] = "\x1b[1;36m",  [STYLE_FRAME] = "\x1b[1;34m",   [STYLE_STRONG] = "\x1b[1m",
    };
    if (r->colour) {
        add(r, sequences[style]);
    }
}

static void style_end(struct renderer *r)
{
    if (r->colour) {
        add(r, "\x1b[0m");
    }
}

static enum style severity_style(enum tvn_severity severity)
{
    switch (severity) {
    case TVN_SEVERITY_ERROR:
        return STYLE_ERROR;
    case TVN_SEVERITY_WARNING:
        return STYLE_WARNING;
    case TVN_SEVERITY_NOTE:
        return STYLE_NOTE;
    }
    tvn_unreachable();
}

/* The columns that a terminal gives a printable character; the large blocks of UAX #11 only. */
static size_t character_columns(uint32_t c)
{
    static const struct {
        uint32_t first, last;
        uint8_t columns;
    } ranges[] = {
        {0x0300, 0x036F, 0},   {0x1100, 0x115F, 2},   {0x1AB0, 0x1AFF, 0},   {0x1DC0, 0x1DFF, 0},
        {0x200B, 0x200D, 0},   {0x20D0, 0x20FF, 0},   {0x2E80, 0x303E, 2},   {0x3041, 0xA4CF, 2},
        {0xAC00, 0xD7A3, 2},   {0xF900, 0xFAFF, 2},   {0xFE00, 0xFE0F, 0},   {0xFE20, 0xFE2F, 0},
        {0xFE30, 0xFE6F, 2},   {0xFEFF, 0xFEFF, 0},   {0xFF01, 0xFF60, 2},   {0xFFE0, 0xFFE6, 2},
        {0x1F300, 0x1F64F, 2}, {0x1F680, 0x1F6FF, 2}, {0x1F900, 0x1F9FF, 2}, {0x20000, 0x3FFFD, 2},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(ranges) && c >= ranges[i].first; i++) {
        if (c <= ranges[i].last) {
            return ranges[i].columns;
        }
    }
    return 1;
}

/* One character of a source line as it is shown: where it begins, how wide it is, its bytes. */
struct cell {
    size_t column; /* from 0 */
    size_t columns;
    struct tvn_str bytes;
};

/* Goes on to the cell at byte `at`; false at the end of the line. */
static bool cell_next(struct renderer *r, struct tvn_str line, size_t at, struct cell *cell)
{
    if (at >= line.len) {
        return false;
    }
    cell->column += cell->columns;
    uint32_t c = 0;
    size_t size = tvn_utf8_decode(line.ptr + at, line.len - at, &c);
    cell->bytes = tvn_str_slice(line, at, at + (size ? size : 1));
    if (size == 1 && c >= 0x20 && c < 0x7F) {
        cell->columns = 1;
    } else if (size == 1 && c == '\t') {
        cell->columns = TAB_COLUMNS - cell->column % TAB_COLUMNS;
    } else {
        tvn_strbuf_reset(&r->scratch);
        tvn_strbuf_add_escaped(&r->scratch, cell->bytes);
        bool escaped = !tvn_str_equal(tvn_strbuf_view(&r->scratch), cell->bytes);
        cell->columns = escaped ? r->scratch.len : character_columns(c);
    }
    return true;
}

/* What part of a line is shown, and where the label's caret stands, in columns from 0. */
struct layout {
    size_t from, to;
    size_t caret, caret_end;
    bool cut_left, cut_right;
};

static struct layout layout_line(struct renderer *r, const struct tvn_diag_place *place)
{
    struct layout layout = {.caret = SIZE_MAX, .caret_end = SIZE_MAX};
    struct cell cell = {0};
    size_t character = 0;
    for (size_t at = 0; cell_next(r, place->line_text, at, &cell); at += cell.bytes.len) {
        character++;
        if (character == place->column) {
            layout.caret = cell.column;
        }
        if (character == place->column + place->width) {
            layout.caret_end = cell.column;
        }
    }
    size_t total = cell.column + cell.columns;
    layout.to = total;
    layout.caret = tvn_min(layout.caret, total);
    layout.caret_end = layout.caret_end == SIZE_MAX ? total : layout.caret_end;
    layout.caret_end = tvn_max(layout.caret_end, layout.caret + 1);
    if (total <= LINE_COLUMNS_MAX) {
        return layout;
    }
    layout.from = layout.caret > CONTEXT_COLUMNS ? layout.caret - CONTEXT_COLUMNS : 0;
    layout.from = tvn_min(layout.from, total - LINE_COLUMNS_MAX);
    layout.to = layout.from + LINE_COLUMNS_MAX;
    layout.cut_left = layout.from > 0;
    layout.cut_right = layout.to < total;
    layout.caret_end = tvn_min(layout.caret_end, tvn_max(layout.to, layout.caret + 1));
    return layout;
}

/* "12 |", or "   |" for line 0. */
static void frame_begin(struct renderer *r, uint32_t line)
{
    style_begin(r, STYLE_FRAME);
    if (line > 0) {
        tvn_strbuf_printf(r->out, "%-*" PRIu32 " |", (int)r->gutter, line);
    } else {
        tvn_strbuf_add_repeat(r->out, ' ', r->gutter + 1);
        add(r, "|");
    }
    style_end(r);
}

static void frame_empty(struct renderer *r)
{
    frame_begin(r, 0);
    add(r, "\n");
}

static void render_line(struct renderer *r, const struct tvn_diag_place *place,
                        const struct layout *layout)
{
    frame_begin(r, place->line);
    if (place->line_text.len > 0) {
        add(r, layout->cut_left ? " " CUT_MARK : " ");
    }
    struct cell cell = {0};
    for (size_t at = 0; cell_next(r, place->line_text, at, &cell); at += cell.bytes.len) {
        size_t end = cell.column + cell.columns;
        if (cell.column >= layout->from && end <= layout->to && cell.bytes.ptr[0] != '\t') {
            tvn_strbuf_add_escaped(r->out, cell.bytes);
        } else {
            /* A tab, or a wide cell on the edge of what is shown. */
            size_t first = tvn_max(cell.column, layout->from);
            size_t last = tvn_min(end, layout->to);
            tvn_strbuf_add_repeat(r->out, ' ', last > first ? last - first : 0);
        }
    }
    add(r, layout->cut_right ? CUT_MARK "\n" : "\n");
}

static void render_caret(struct renderer *r, const struct label *label, const struct layout *layout)
{
    frame_begin(r, 0);
    size_t indent = layout->caret - layout->from + (layout->cut_left ? 1 : 0);
    tvn_strbuf_add_repeat(r->out, ' ', indent + 1);
    style_begin(r, label->primary ? severity_style(r->diagnostic->severity) : STYLE_FRAME);
    tvn_strbuf_add_repeat(r->out, label->primary ? '^' : '-', layout->caret_end - layout->caret);
    if (label->label->text[0] != '\0') {
        add(r, " ");
        add_input(r, label->label->text);
    }
    style_end(r);
    add(r, "\n");
}

static bool label_before(const struct label *a, const struct label *b)
{
    return a->place.line < b->place.line ||
           (a->place.line == b->place.line && a->place.column < b->place.column);
}

/* The first label in `file` that is not shown yet, in the order of lines and columns. */
static struct label *label_next(struct renderer *r, uint32_t file)
{
    struct label *next = NULL;
    for (size_t i = 0; i < r->label_count; i++) {
        struct label *label = &r->labels[i];
        if (!label->shown && label->label->span.file == file &&
            (!next || label_before(label, next))) {
            next = label;
        }
    }
    return next;
}

static void render_arrow(struct renderer *r, bool first)
{
    tvn_strbuf_add_repeat(r->out, ' ', r->gutter);
    style_begin(r, STYLE_FRAME);
    add(r, first ? "-->" : ":::");
    style_end(r);
    add(r, " ");
}

/* All labels of one file: its name with the place of `head`, then each line with its carets. */
static void render_file(struct renderer *r, const struct label *head, bool first)
{
    uint32_t file = head->label->span.file;
    if (!first) {
        frame_empty(r);
    }
    render_arrow(r, first);
    add_input(r, tvn_diag_source(r->sink, file)->name);
    tvn_strbuf_printf(r->out, ":%" PRIu32 ":%" PRIu32 "\n", head->place.line, head->place.column);
    frame_empty(r);
    uint32_t line_before = 0;
    bool cut_before = false;
    struct label *label;
    while ((label = label_next(r, file)) != NULL) {
        struct layout layout = layout_line(r, &label->place);
        /* A cut line is shown again for its next label, which may lie elsewhere in it. */
        if (label->place.line != line_before || cut_before) {
            if (line_before != 0 && label->place.line > line_before + 1) {
                style_begin(r, STYLE_FRAME);
                add(r, "...");
                style_end(r);
                add(r, "\n");
            }
            render_line(r, &label->place, &layout);
        }
        render_caret(r, label, &layout);
        line_before = label->place.line;
        cut_before = layout.cut_left || layout.cut_right;
        label->shown = true;
    }
}

static void render_binary(struct renderer *r, const struct tvn_diag_label *label, bool first)
{
    render_arrow(r, first);
    add_input(r, tvn_diag_source(r->sink, label->span.file)->name);
    tvn_strbuf_printf(r->out, " at byte 0x%" PRIx32, label->span.offset);
    if (label->text[0] != '\0') {
        add(r, ": ");
        add_input(r, label->text);
    }
    add(r, "\n");
}

/*
 * Lines of a help after the first, such as a table to add to the manifest, stand below it. Notes
 * may hold what others wrote and stay on one line.
 */
static void render_footer(struct renderer *r, enum style style, const char *kind, const char *text)
{
    size_t indent = r->gutter + strlen(" = : ") + strlen(kind);
    tvn_strbuf_add_repeat(r->out, ' ', r->gutter + 1);
    style_begin(r, STYLE_FRAME);
    add(r, "=");
    style_end(r);
    add(r, " ");
    style_begin(r, style);
    add(r, kind);
    style_end(r);
    add(r, ": ");
    for (const char *end; style == STYLE_HELP && (end = strchr(text, '\n')); text = end + 1) {
        tvn_strbuf_add_escaped(r->out, (struct tvn_str){text, (size_t)(end - text)});
        add(r, "\n");
        tvn_strbuf_add_repeat(r->out, ' ', indent);
    }
    add_input(r, text);
    add(r, "\n");
}

static void render_headline(struct renderer *r)
{
    const struct tvn_diagnostic *diagnostic = r->diagnostic;
    style_begin(r, severity_style(diagnostic->severity));
    add(r, tvn_severity_name(diagnostic->severity));
    if (diagnostic->code != TVN_OK) {
        tvn_strbuf_printf(r->out, "[%s]", tvn_status_code(diagnostic->code));
    }
    style_end(r);
    style_begin(r, STYLE_STRONG);
    add(r, ": ");
    add_input(r, diagnostic->message);
    style_end(r);
    add(r, "\n");
}

static const struct tvn_diag_label *label_at(const struct tvn_diagnostic *diagnostic, size_t index)
{
    return index == 0 ? &diagnostic->primary : &diagnostic->related[index - 1];
}

/* Finds the labels that have a place in a text, and the width of the line numbers. */
static void collect_labels(struct renderer *r)
{
    r->label_count = 0;
    uint32_t line_max = 1;
    for (size_t i = 0; i <= r->diagnostic->related_count && r->label_count < LABELS_MAX; i++) {
        struct label *label = &r->labels[r->label_count];
        *label = (struct label){.label = label_at(r->diagnostic, i), .primary = i == 0};
        if (tvn_diag_locate(r->sink, label->label->span, &label->place)) {
            line_max = tvn_max(line_max, label->place.line);
            r->label_count++;
        }
    }
    r->gutter = 0;
    for (; line_max > 0; line_max /= 10) {
        r->gutter++;
    }
}

/* Every place: the primary one's file first, the others in the order of their making. */
static void render_places(struct renderer *r)
{
    bool first = true;
    size_t next = 0;
    for (size_t i = 0; i <= r->diagnostic->related_count; i++) {
        const struct tvn_diag_label *label = label_at(r->diagnostic, i);
        const struct tvn_diag_source *source = tvn_diag_source(r->sink, label->span.file);
        if (!source) {
            continue;
        }
        if (source->binary) {
            render_binary(r, label, first);
        } else if (next < r->label_count) {
            const struct label *head = &r->labels[next++];
            if (head->shown) {
                continue;
            }
            render_file(r, head, first);
        }
        first = false;
    }
}

static bool has_place(const struct renderer *r)
{
    for (size_t i = 0; i <= r->diagnostic->related_count; i++) {
        if (tvn_diag_source(r->sink, label_at(r->diagnostic, i)->span.file)) {
            return true;
        }
    }
    return false;
}

static void render_footers(struct renderer *r)
{
    const struct tvn_diagnostic *diagnostic = r->diagnostic;
    const char *help = diagnostic->help;
    if (!help && diagnostic->severity == TVN_SEVERITY_ERROR) {
        help = tvn_status_fix(diagnostic->code);
    }
    bool framed = !has_place(r); /* the bar leads on from an excerpt */
    for (size_t i = 0; i <= diagnostic->related_count + diagnostic->note_count; i++) {
        const char *text;
        if (i <= diagnostic->related_count) {
            /* A label without a place is a note. */
            const struct tvn_diag_label *label = label_at(diagnostic, i);
            text = tvn_diag_source(r->sink, label->span.file) ? "" : label->text;
        } else {
            text = diagnostic->notes[i - diagnostic->related_count - 1];
        }
        if (text[0] != '\0') {
            if (!framed) {
                frame_empty(r);
                framed = true;
            }
            render_footer(r, STYLE_STRONG, "note", text);
        }
    }
    if (help && help[0] != '\0') {
        if (!framed) {
            frame_empty(r);
        }
        render_footer(r, STYLE_HELP, "help", help);
    }
}

void tvn_diag_text_render_one(const struct tvn_diag_sink *sink, size_t index, bool colour,
                              struct tvn_strbuf *out)
{
    tvn_assert(sink);
    tvn_assert(out);
    struct renderer r = {.sink = sink, .out = out, .colour = colour};
    r.diagnostic = tvn_diag_at(sink, index);
    collect_labels(&r);
    render_headline(&r);
    render_places(&r);
    render_footers(&r);
    add(&r, "\n");
    tvn_strbuf_deinit(&r.scratch);
}

void tvn_diag_text_render(const struct tvn_diag_sink *sink, bool colour, struct tvn_strbuf *out)
{
    tvn_assert(sink);
    tvn_assert(out);
    for (size_t i = 0; i < tvn_diag_count(sink); i++) {
        tvn_diag_text_render_one(sink, i, colour, out);
    }
    size_t dropped = tvn_diag_dropped_count(sink);
    if (dropped > 0) {
        tvn_strbuf_printf(out, "%zu more %s not shown\n\n", dropped, dropped == 1 ? "is" : "are");
    }
}
