/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Exact expectations on a diagnostic: its code, message, the text under its caret and the place of
 * it. NULL for message or label means: any.
 */
#include "tvn_test.h"

struct expected_diagnostic {
    enum tvn_status code;
    const char *message;
    const char *under; /* the text of the span; "" for a place between characters */
    uint32_t line;     /* 0: the diagnostic has no place */
    uint32_t column;
    const char *label;
};

#define assert_diagnostic(sink, index, ...)                                                \
    tvn_test_assert_diagnostic((sink), (index), (struct expected_diagnostic){__VA_ARGS__}, \
                               __FILE__, __LINE__)

static inline struct tvn_str tvn_test_span_text(const struct tvn_diag_sink *sink,
                                                struct tvn_span span)
{
    const struct tvn_diag_source *source = tvn_diag_source(sink, span.file);
    if (!source || (size_t)span.offset + span.length > source->text.len) {
        return (struct tvn_str){"(out of the source)", 19};
    }
    return tvn_str_slice(source->text, span.offset, (size_t)span.offset + span.length);
}

static inline void tvn_test_assert_diagnostic(const struct tvn_diag_sink *sink, size_t index,
                                              struct expected_diagnostic expected, const char *file,
                                              int line)
{
    if (index >= tvn_diag_count(sink)) {
        print_error("there is no diagnostic %zu\n", index);
        _fail(file, line);
        return;
    }
    const struct tvn_diagnostic *actual = tvn_diag_at(sink, index);
    struct tvn_diag_place place = {0};
    bool placed = tvn_diag_locate(sink, actual->primary.span, &place);
    struct tvn_str under = placed ? tvn_test_span_text(sink, actual->primary.span) : TVN_STR("");
    const char *label = actual->primary.text ? actual->primary.text : "";
    bool same = actual->code == expected.code &&
                (!expected.message || strcmp(actual->message, expected.message) == 0) &&
                (!expected.label || strcmp(label, expected.label) == 0) &&
                place.line == expected.line && place.column == expected.column &&
                tvn_str_is(under, expected.under ? expected.under : "");
    if (!same) {
        print_error("diagnostic %zu is %s \"%s\" at %u:%u under \"%.*s\" label \"%s\"\n", index,
                    tvn_status_code(actual->code), actual->message, place.line, place.column,
                    TVN_STR_ARG(under), label);
        print_error("      expected %s \"%s\" at %u:%u under \"%s\" label \"%s\"\n",
                    tvn_status_code(expected.code), expected.message ? expected.message : "(any)",
                    expected.line, expected.column, expected.under ? expected.under : "",
                    expected.label ? expected.label : "(any)");
        _fail(file, line);
    }
}
