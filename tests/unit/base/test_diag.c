/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"

#include "tvn_test.h"

static int make_sink(void **state)
{
    *state = tvn_diag_sink_create();
    return *state ? 0 : -1;
}

static int drop_sink(void **state)
{
    tvn_diag_sink_destroy(*state);
    return 0;
}

static void test_diag_error_returns_code_and_is_kept(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t file = tvn_diag_add_source(sink, "a.toml", TVN_STR("x = 1\n"));
    struct tvn_span span = {file, 0, 1};

    assert_status(tvn_diag_error(sink, TVN_E_UNKNOWN_FIELD, span, "unknown field '%s'", "x"),
                  TVN_E_UNKNOWN_FIELD);

    assert_int_equal(tvn_diag_error_count(sink), 1);
    assert_int_equal(tvn_diag_warning_count(sink), 0);
    assert_int_equal(tvn_diag_count(sink), 1);
    const struct tvn_diagnostic *diagnostic = tvn_diag_at(sink, 0);
    assert_int_equal(diagnostic->severity, TVN_SEVERITY_ERROR);
    assert_status(diagnostic->code, TVN_E_UNKNOWN_FIELD);
    assert_string_equal(diagnostic->message, "unknown field 'x'");
    assert_int_equal(diagnostic->primary.span.file, file);
    assert_string_equal(diagnostic->primary.text, "");
    assert_null(diagnostic->help);
    assert_int_equal(diagnostic->note_count, 0);
    assert_int_equal(diagnostic->related_count, 0);
}

static void test_diag_amendments_go_to_the_last_diagnostic(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t file = tvn_diag_add_source(sink, "a", TVN_STR("abc"));
    tvn_diag_warning(sink, TVN_OK, TVN_SPAN_NONE, "first");
    tvn_diag_error(sink, TVN_E_INTERNAL, TVN_SPAN_NONE, "second");

    tvn_diag_label(sink, "label %d", 1);
    tvn_diag_related(sink, (struct tvn_span){file, 1, 1}, "there");
    tvn_diag_related(sink, (struct tvn_span){file, 2, 1}, "and there");
    tvn_diag_note(sink, "note %s", "a");
    tvn_diag_note(sink, "note %s", "b");
    tvn_diag_help(sink, "help");

    const struct tvn_diagnostic *first = tvn_diag_at(sink, 0);
    const struct tvn_diagnostic *second = tvn_diag_at(sink, 1);
    assert_int_equal(first->severity, TVN_SEVERITY_WARNING);
    assert_int_equal(first->note_count + first->related_count, 0);
    assert_string_equal(second->primary.text, "label 1");
    assert_int_equal(second->related_count, 2);
    assert_string_equal(second->related[1].text, "and there");
    assert_int_equal(second->related[1].span.offset, 2);
    assert_int_equal(second->note_count, 2);
    assert_string_equal(second->notes[0], "note a");
    assert_string_equal(second->notes[1], "note b");
    assert_string_equal(second->help, "help");
}

static void test_diag_amendment_of_nothing_is_ignored(void **state)
{
    struct tvn_diag_sink *sink = *state;
    tvn_diag_label(sink, "x");
    tvn_diag_note(sink, "x");
    tvn_diag_help(sink, "x");
    tvn_diag_related(sink, TVN_SPAN_NONE, "x");
    assert_int_equal(tvn_diag_count(sink), 0);
}

static void test_diag_beyond_fifty_errors_are_counted_but_dropped(void **state)
{
    struct tvn_diag_sink *sink = *state;
    for (int i = 0; i < TVN_DIAG_ERRORS_MAX + 10; i++) {
        tvn_diag_error(sink, TVN_E_WIT_SYNTAX_ERROR, TVN_SPAN_NONE, "error %d", i);
        tvn_diag_note(sink, "note of %d", i);
    }
    assert_int_equal(tvn_diag_error_count(sink), 60);
    assert_int_equal(tvn_diag_count(sink), 50);
    assert_int_equal(tvn_diag_dropped_count(sink), 10);
    const struct tvn_diagnostic *last = tvn_diag_at(sink, 49);
    assert_string_equal(last->message, "error 49");
    assert_int_equal(last->note_count, 1); /* notes of dropped errors went nowhere */

    /* Warnings have their own room. */
    tvn_diag_warning(sink, TVN_OK, TVN_SPAN_NONE, "warning");
    tvn_diag_note(sink, "its note");
    assert_int_equal(tvn_diag_count(sink), 51);
    assert_int_equal(tvn_diag_at(sink, 50)->note_count, 1);
    for (int i = 0; i < 100; i++) {
        tvn_diag_warning(sink, TVN_OK, TVN_SPAN_NONE, "warning");
    }
    assert_int_equal(tvn_diag_count(sink), 100);
    assert_int_equal(tvn_diag_warning_count(sink), 101);
    assert_int_equal(tvn_diag_dropped_count(sink), 61);
}

static void test_diag_notes_and_related_places_are_limited(void **state)
{
    struct tvn_diag_sink *sink = *state;
    tvn_diag_error(sink, TVN_E_INTERNAL, TVN_SPAN_NONE, "x");
    for (int i = 0; i < 100; i++) {
        tvn_diag_note(sink, "%d", i);
        tvn_diag_related(sink, TVN_SPAN_NONE, "%d", i);
    }
    const struct tvn_diagnostic *diagnostic = tvn_diag_at(sink, 0);
    assert_int_equal(diagnostic->note_count, 16);
    assert_int_equal(diagnostic->related_count, 16);
    assert_string_equal(diagnostic->notes[15], "15");
}

static void test_diag_long_message_is_cut_between_characters(void **state)
{
    struct tvn_diag_sink *sink = *state;
    TVN_AUTO_VALUE(tvn_strbuf) message = {0};
    tvn_strbuf_add_char(&message, 'x'); /* so that the cut falls into a character */
    for (int i = 0; i < 10000; i++) {
        tvn_strbuf_add_text(&message, "€");
    }
    tvn_diag_error(sink, TVN_E_INTERNAL, TVN_SPAN_NONE, "%s", tvn_strbuf_text(&message));
    const char *kept = tvn_diag_at(sink, 0)->message;
    size_t length = strlen(kept);
    assert_true(length > 8000 && length <= 8192);
    assert_int_equal((length - 1) % 3, 0);
    assert_string_equal(kept + length - 6, "€…");
}

static void test_diag_source_is_a_copy(void **state)
{
    struct tvn_diag_sink *sink = *state;
    char name[] = "name";
    char text[] = "text";
    uint32_t first = tvn_diag_add_source(sink, name, tvn_str_of(text));
    uint32_t second = tvn_diag_add_binary_source(sink, "b.wasm");
    name[0] = text[0] = 'X';

    assert_int_equal(first, 1);
    assert_int_equal(second, 2);
    assert_string_equal(tvn_diag_source(sink, first)->name, "name");
    assert_str(tvn_diag_source(sink, first)->text, "text");
    assert_false(tvn_diag_source(sink, first)->binary);
    assert_true(tvn_diag_source(sink, second)->binary);
    assert_null(tvn_diag_source(sink, 0));
    assert_null(tvn_diag_source(sink, 3));
    assert_null(tvn_diag_source(sink, UINT32_MAX));
}

static void check_place(struct tvn_diag_sink *sink, struct tvn_span span,
                        const struct tvn_diag_place *expected)
{
    struct tvn_diag_place place = {0};
    assert_true(tvn_diag_locate(sink, span, &place));
    assert_int_equal(place.line, expected->line);
    assert_int_equal(place.column, expected->column);
    assert_int_equal(place.width, expected->width);
    assert_true(tvn_str_equal(place.line_text, expected->line_text));
}

#define PLACE(line, column, width, text) \
    (&(struct tvn_diag_place){(line), (column), TVN_STR(text), (width)})

static void test_diag_locate_counts_lines_and_columns(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t file = tvn_diag_add_source(sink, "a", TVN_STR("one\ntwo\n\nfour"));
    check_place(sink, (struct tvn_span){file, 0, 3}, PLACE(1, 1, 3, "one"));
    check_place(sink, (struct tvn_span){file, 2, 1}, PLACE(1, 3, 1, "one"));
    check_place(sink, (struct tvn_span){file, 3, 1}, PLACE(1, 4, 1, "one")); /* the newline */
    check_place(sink, (struct tvn_span){file, 4, 0}, PLACE(2, 1, 1, "two"));
    check_place(sink, (struct tvn_span){file, 8, 0}, PLACE(3, 1, 1, ""));
    check_place(sink, (struct tvn_span){file, 10, 2}, PLACE(4, 2, 2, "four"));
}

static void test_diag_locate_at_and_beyond_the_end(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t file = tvn_diag_add_source(sink, "a", TVN_STR("ab\ncd"));
    check_place(sink, (struct tvn_span){file, 5, 1}, PLACE(2, 3, 1, "cd"));
    check_place(sink, (struct tvn_span){file, 99, 5}, PLACE(2, 3, 1, "cd"));
    check_place(sink, (struct tvn_span){file, UINT32_MAX, UINT32_MAX}, PLACE(2, 3, 1, "cd"));
    uint32_t ended = tvn_diag_add_source(sink, "b", TVN_STR("ab\n"));
    check_place(sink, (struct tvn_span){ended, 3, 0}, PLACE(2, 1, 1, ""));
    uint32_t empty = tvn_diag_add_source(sink, "c", TVN_STR(""));
    check_place(sink, (struct tvn_span){empty, 0, 0}, PLACE(1, 1, 1, ""));
}

static void test_diag_locate_counts_characters_not_bytes(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t file = tvn_diag_add_source(sink, "a", TVN_STR("ä\n€ä = \"🎉\" x"));
    /* line 2 starts at byte 3: € 3..6, ä 6..8, ' ' 8, = 9, ' ' 10, " 11, 🎉 12..16, " 16 */
    check_place(sink, (struct tvn_span){file, 3, 5}, PLACE(2, 1, 2, "€ä = \"🎉\" x"));
    check_place(sink, (struct tvn_span){file, 9, 1}, PLACE(2, 4, 1, "€ä = \"🎉\" x"));
    check_place(sink, (struct tvn_span){file, 11, 6}, PLACE(2, 6, 3, "€ä = \"🎉\" x"));
    /* inside a character: that character */
    check_place(sink, (struct tvn_span){file, 13, 1}, PLACE(2, 7, 1, "€ä = \"🎉\" x"));
    check_place(sink, (struct tvn_span){file, 4, 3}, PLACE(2, 1, 2, "€ä = \"🎉\" x"));
}

static void test_diag_locate_counts_each_invalid_byte(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t file = tvn_diag_add_source(sink, "a", TVN_STR("\xff\xe2\x82x"));
    check_place(sink, (struct tvn_span){file, 3, 1}, PLACE(1, 4, 1, "\xff\xe2\x82x"));
    check_place(sink, (struct tvn_span){file, 0, 3}, PLACE(1, 1, 3, "\xff\xe2\x82x"));
}

static void test_diag_locate_strips_crlf_and_counts_tabs_as_one(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t file = tvn_diag_add_source(sink, "a", TVN_STR("\tx\r\ny\rz\r\nw\r"));
    check_place(sink, (struct tvn_span){file, 1, 1}, PLACE(1, 2, 1, "\tx"));
    check_place(sink, (struct tvn_span){file, 2, 1}, PLACE(1, 3, 1, "\tx"));  /* the CR */
    check_place(sink, (struct tvn_span){file, 3, 1}, PLACE(1, 3, 1, "\tx"));  /* the LF */
    check_place(sink, (struct tvn_span){file, 6, 1}, PLACE(2, 3, 1, "y\rz")); /* lone CR stays */
    check_place(sink, (struct tvn_span){file, 9, 1}, PLACE(3, 1, 1, "w\r"));
}

static void test_diag_locate_width_stops_at_line_end(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t file = tvn_diag_add_source(sink, "a", TVN_STR("abc\r\ndef"));
    check_place(sink, (struct tvn_span){file, 1, 100}, PLACE(1, 2, 2, "abc"));
    check_place(sink, (struct tvn_span){file, 1, UINT32_MAX}, PLACE(1, 2, 2, "abc"));
}

static void test_diag_locate_without_text_is_false(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t binary = tvn_diag_add_binary_source(sink, "a.wasm");
    struct tvn_diag_place place;
    assert_false(tvn_diag_locate(sink, TVN_SPAN_NONE, &place));
    assert_false(tvn_diag_locate(sink, (struct tvn_span){binary, 4, 1}, &place));
    assert_false(tvn_diag_locate(sink, (struct tvn_span){77, 4, 1}, &place));
}

static void test_diag_error_is_kept_when_memory_is_exhausted(void **state)
{
    (void)state;
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    tvn_mem_fail_at(1, true);

    tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE, "while reading '%s'", "x");
    tvn_diag_label(sink, "x");
    tvn_diag_note(sink, "x");
    tvn_diag_related(sink, TVN_SPAN_NONE, "x");
    tvn_diag_help(sink, "x");
    uint32_t file = tvn_diag_add_source(sink, "a", TVN_STR("b"));
    tvn_mem_fail_at(0, false);

    assert_int_equal(file, 0);
    assert_int_equal(tvn_diag_error_count(sink), 1);
    const struct tvn_diagnostic *diagnostic = tvn_diag_at(sink, 0);
    assert_string_equal(diagnostic->message, tvn_status_what(TVN_E_OUT_OF_MEMORY));
    assert_string_equal(diagnostic->primary.text, "");
    assert_int_equal(diagnostic->note_count + diagnostic->related_count, 0);
    assert_null(diagnostic->help);
}

static void test_diag_any_allocation_may_fail(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 40; n++) {
        tvn_mem_fail_at(n, false);
        TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
        if (!sink) {
            continue;
        }
        uint32_t file = tvn_diag_add_source(sink, "a", TVN_STR("b"));
        for (int i = 0; i < 3; i++) {
            tvn_diag_error(sink, TVN_E_INTERNAL, (struct tvn_span){file, 0, 1}, "error %d", i);
            tvn_diag_note(sink, "note");
            tvn_diag_related(sink, (struct tvn_span){file, 0, 1}, "related");
            tvn_diag_help(sink, "help");
        }
        assert_int_equal(tvn_diag_error_count(sink), 3);
        assert_int_equal(tvn_diag_count(sink), 3);
        for (size_t i = 0; i < 3; i++) {
            assert_non_null(tvn_diag_at(sink, i)->message);
        }
    }
}

static void error_with_condition(void *sink)
{
    tvn_diag_error(sink, TVN_FULL, TVN_SPAN_NONE, "x");
}

static void test_diag_error_with_non_public_code_aborts(void **state)
{
    assert_aborts(error_with_condition, *state);
}

#define WITH_SINK(test) cmocka_unit_test_setup_teardown(test, make_sink, drop_sink)

static const struct CMUnitTest tests[] = {
    WITH_SINK(test_diag_error_returns_code_and_is_kept),
    WITH_SINK(test_diag_amendments_go_to_the_last_diagnostic),
    WITH_SINK(test_diag_amendment_of_nothing_is_ignored),
    WITH_SINK(test_diag_beyond_fifty_errors_are_counted_but_dropped),
    WITH_SINK(test_diag_notes_and_related_places_are_limited),
    WITH_SINK(test_diag_long_message_is_cut_between_characters),
    WITH_SINK(test_diag_source_is_a_copy),
    WITH_SINK(test_diag_locate_counts_lines_and_columns),
    WITH_SINK(test_diag_locate_at_and_beyond_the_end),
    WITH_SINK(test_diag_locate_counts_characters_not_bytes),
    WITH_SINK(test_diag_locate_counts_each_invalid_byte),
    WITH_SINK(test_diag_locate_strips_crlf_and_counts_tabs_as_one),
    WITH_SINK(test_diag_locate_width_stops_at_line_end),
    WITH_SINK(test_diag_locate_without_text_is_false),
    cmocka_unit_test(test_diag_error_is_kept_when_memory_is_exhausted),
    cmocka_unit_test(test_diag_any_allocation_may_fail),
    WITH_SINK(test_diag_error_with_non_public_code_aborts),
};
TVN_TEST_MAIN("base.diag", tests)
