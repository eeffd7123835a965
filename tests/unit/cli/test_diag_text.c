/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/diag_text.h"

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

static struct tvn_span span_of(uint32_t file, uint32_t offset, uint32_t length)
{
    return (struct tvn_span){file, offset, length};
}

static void check_text(const struct tvn_diag_sink *sink, const char *expected)
{
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    tvn_diag_text_render(sink, false, &out);
    assert_false(out.failed);
    assert_str(tvn_strbuf_view(&out), expected);
}

static void test_diag_text_of_empty_sink_is_empty(void **state)
{
    check_text(*state, "");
}

static void test_diag_text_of_error_with_label_note_and_help(void **state)
{
    struct tvn_diag_sink *sink = *state;
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_strbuf_add_repeat(&text, '\n', 11);
    tvn_strbuf_add_text(&text, "worker_thread = 4\n");
    uint32_t file = tvn_diag_add_source(sink, "Torvyn.toml", tvn_strbuf_view(&text));
    tvn_diag_error(sink, TVN_E_UNKNOWN_FIELD, span_of(file, 11, 13),
                   "unknown field 'worker_thread'");
    tvn_diag_label(sink, "did you mean 'worker_threads'?");
    tvn_diag_note(sink, "the table [runtime] has no such field");
    tvn_diag_help(sink, "see the configuration reference");

    check_text(sink, "error[E0701]: unknown field 'worker_thread'\n"
                     "  --> Torvyn.toml:12:1\n"
                     "   |\n"
                     "12 | worker_thread = 4\n"
                     "   | ^^^^^^^^^^^^^ did you mean 'worker_threads'?\n"
                     "   |\n"
                     "   = note: the table [runtime] has no such field\n"
                     "   = help: see the configuration reference\n"
                     "\n");
}

static void test_diag_text_without_help_shows_the_codes_fix_for_errors_only(void **state)
{
    struct tvn_diag_sink *sink = *state;
    tvn_diag_error(sink, TVN_E_COMPONENT_INVALID, TVN_SPAN_NONE, "no magic number");
    tvn_diag_warning(sink, TVN_E_DEPRECATED_CONTRACT_VERSION, TVN_SPAN_NONE, "old");
    tvn_diag_warning(sink, TVN_OK, TVN_SPAN_NONE, "just so");
    tvn_diag_note(sink, "a note");

    check_text(sink,
               "error[E0211]: no magic number\n"
               "  = help: Build the component again; wasm-tools validate shows the same fault.\n"
               "\n"
               "warning[E0110]: old\n"
               "\n"
               "warning: just so\n"
               "  = note: a note\n"
               "\n");
}

static void test_diag_text_of_help_with_lines_keeps_them_and_of_a_note_escapes_them(void **state)
{
    struct tvn_diag_sink *sink = *state;
    tvn_diag_error(sink, TVN_E_CAPABILITY_NOT_GRANTED, TVN_SPAN_NONE, "not granted");
    tvn_diag_note(sink, "one\ntwo");
    tvn_diag_help(sink, "write:\n[security.grants.x]\ncapabilities = []");

    check_text(sink, "error[E0202]: not granted\n"
                     "  = note: one\\ntwo\n"
                     "  = help: write:\n"
                     "          [security.grants.x]\n"
                     "          capabilities = []\n"
                     "\n");
}

static void test_diag_text_of_related_places_in_one_file_is_in_line_order(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t file = tvn_diag_add_source(sink, "a.wit",
                                        TVN_STR("record a {\n  x: u8,\n  y: u8,\n"
                                                "  z: u8,\n  x: u8,\n}\n"));
    tvn_diag_warning(sink, TVN_OK, span_of(file, 40, 1), "field 'x' is defined twice");
    tvn_diag_label(sink, "again here");
    tvn_diag_related(sink, span_of(file, 13, 1), "first here");
    tvn_diag_related(sink, span_of(file, 7, 1), "in this record");

    check_text(sink, "warning: field 'x' is defined twice\n"
                     " --> a.wit:5:3\n"
                     "  |\n"
                     "1 | record a {\n"
                     "  |        - in this record\n"
                     "2 |   x: u8,\n"
                     "  |   - first here\n"
                     "...\n"
                     "5 |   x: u8,\n"
                     "  |   ^ again here\n"
                     "\n");
}

static void test_diag_text_of_two_labels_on_one_line_shows_it_once(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t file = tvn_diag_add_source(sink, "a", TVN_STR("key = 1, key = 2"));
    tvn_diag_warning(sink, TVN_OK, span_of(file, 9, 3), "twice");
    tvn_diag_related(sink, span_of(file, 0, 3), "first");

    check_text(sink, "warning: twice\n"
                     " --> a:1:10\n"
                     "  |\n"
                     "1 | key = 1, key = 2\n"
                     "  | --- first\n"
                     "  |          ^^^\n"
                     "\n");
}

static void test_diag_text_of_related_place_in_another_file_is_a_second_snippet(void **state)
{
    struct tvn_diag_sink *sink = *state;
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_strbuf_add_repeat(&text, '\n', 99);
    tvn_strbuf_add_text(&text, "output: x");
    uint32_t one = tvn_diag_add_source(sink, "one.wit", TVN_STR("input: y"));
    uint32_t two = tvn_diag_add_source(sink, "two.wit", tvn_strbuf_view(&text));
    tvn_diag_error(sink, TVN_E_INTERFACE_INCOMPATIBLE, span_of(one, 0, 5), "types differ");
    tvn_diag_label(sink, "takes 'y'");
    tvn_diag_related(sink, span_of(two, 99, 6), "gives 'x'");
    tvn_diag_help(sink, "use one type");

    check_text(sink, "error[E0200]: types differ\n"
                     "   --> one.wit:1:1\n"
                     "    |\n"
                     "1   | input: y\n"
                     "    | ^^^^^ takes 'y'\n"
                     "    |\n"
                     "   ::: two.wit:100:1\n"
                     "    |\n"
                     "100 | output: x\n"
                     "    | ------ gives 'x'\n"
                     "    |\n"
                     "    = help: use one type\n"
                     "\n");
}

static void test_diag_text_of_binary_source_shows_byte_offset(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t one = tvn_diag_add_binary_source(sink, "file.wasm");
    uint32_t two = tvn_diag_add_binary_source(sink, "other.wasm");
    tvn_diag_error(sink, TVN_E_COMPONENT_INVALID, span_of(one, 0x1f, 2), "bad section");
    tvn_diag_related(sink, span_of(two, 0x20, 0), "the other");
    tvn_diag_help(sink, "rebuild");
    tvn_diag_warning(sink, TVN_OK, span_of(one, 0, 0), "odd");
    tvn_diag_label(sink, "this byte");

    check_text(sink, "error[E0211]: bad section\n"
                     " --> file.wasm at byte 0x1f\n"
                     " ::: other.wasm at byte 0x20: the other\n"
                     "  |\n"
                     "  = help: rebuild\n"
                     "\n"
                     "warning: odd\n"
                     " --> file.wasm at byte 0x0: this byte\n"
                     "\n");
}

static void test_diag_text_of_labels_without_place_are_notes(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t file = tvn_diag_add_source(sink, "a", TVN_STR("x"));
    tvn_diag_warning(sink, TVN_OK, TVN_SPAN_NONE, "message");
    tvn_diag_label(sink, "label");
    tvn_diag_related(sink, TVN_SPAN_NONE, "nowhere");
    tvn_diag_related(sink, span_of(file, 0, 1), "here");

    check_text(sink, "warning: message\n"
                     " --> a:1:1\n"
                     "  |\n"
                     "1 | x\n"
                     "  | - here\n"
                     "  |\n"
                     "  = note: label\n"
                     "  = note: nowhere\n"
                     "\n");
}

static void test_diag_text_expands_tabs_so_that_the_caret_aligns(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t file = tvn_diag_add_source(sink, "a", TVN_STR("\tab\tcd\tx"));
    tvn_diag_warning(sink, TVN_OK, span_of(file, 4, 2), "at cd");
    tvn_diag_warning(sink, TVN_OK, span_of(file, 0, 1), "at the tab");

    check_text(sink, "warning: at cd\n"
                     " --> a:1:5\n"
                     "  |\n"
                     "1 |     ab  cd  x\n"
                     "  |         ^^\n"
                     "\n"
                     "warning: at the tab\n"
                     " --> a:1:1\n"
                     "  |\n"
                     "1 |     ab  cd  x\n"
                     "  | ^^^^\n"
                     "\n");
}

static void test_diag_text_aligns_below_multibyte_and_wide_characters(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t narrow = tvn_diag_add_source(sink, "a", TVN_STR("größe = €"));
    uint32_t wide = tvn_diag_add_source(sink, "b", TVN_STR("日本 e\u0301 x"));
    tvn_diag_warning(sink, TVN_OK, span_of(narrow, 10, 3), "euro");
    tvn_diag_warning(sink, TVN_OK, span_of(wide, 3, 3), "wide");
    tvn_diag_warning(sink, TVN_OK, span_of(wide, 11, 1), "after a combining accent");

    check_text(sink, "warning: euro\n"
                     " --> a:1:9\n"
                     "  |\n"
                     "1 | größe = €\n"
                     "  |         ^\n"
                     "\n"
                     "warning: wide\n"
                     " --> b:1:2\n"
                     "  |\n"
                     "1 | 日本 e\u0301 x\n"
                     "  |   ^^\n"
                     "\n"
                     "warning: after a combining accent\n"
                     " --> b:1:7\n"
                     "  |\n"
                     "1 | 日本 e\u0301 x\n"
                     "  |        ^\n"
                     "\n");
}

static void test_diag_text_escapes_everything_that_comes_from_input(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t file = tvn_diag_add_source(sink, "a\x1b[2J.toml", TVN_STR("x = \x1b]0;y\x07 z\xff"));
    tvn_diag_error(sink, TVN_E_MANIFEST_PARSE_ERROR, span_of(file, 11, 1),
                   "bad\nerror[E0001]: '%s'", "\xe2\x80\xae");
    tvn_diag_label(sink, "label\x1b");
    tvn_diag_note(sink, "note\r");
    tvn_diag_help(sink, "help\xc2\x9b");

    check_text(sink, "error[E0002]: bad\\nerror[E0001]: '\\u{202e}'\n"
                     " --> a\\x1b[2J.toml:1:12\n"
                     "  |\n"
                     "1 | x = \\x1b]0;y\\x07 z\\xff\n"
                     "  |                  ^ label\\x1b\n"
                     "  |\n"
                     "  = note: note\\r\n"
                     "  = help: help\\u{9b}\n"
                     "\n");
}

static void test_diag_text_underlines_the_whole_escape(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t file = tvn_diag_add_source(sink, "a",
                                        TVN_STR("a\x01"
                                                "b"));
    tvn_diag_warning(sink, TVN_OK, span_of(file, 1, 1), "control");
    check_text(sink, "warning: control\n"
                     " --> a:1:2\n"
                     "  |\n"
                     "1 | a\\x01b\n"
                     "  |  ^^^^\n"
                     "\n");
}

static void test_diag_text_at_line_end_and_on_empty_line(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t file = tvn_diag_add_source(sink, "a", TVN_STR("x =\r\n\r\n"));
    tvn_diag_warning(sink, TVN_OK, span_of(file, 3, 0), "value missing");
    tvn_diag_warning(sink, TVN_OK, span_of(file, 5, 0), "empty");
    tvn_diag_label(sink, "here");
    tvn_diag_warning(sink, TVN_OK, span_of(file, 7, 0), "end of file");

    check_text(sink, "warning: value missing\n"
                     " --> a:1:4\n"
                     "  |\n"
                     "1 | x =\n"
                     "  |    ^\n"
                     "\n"
                     "warning: empty\n"
                     " --> a:2:1\n"
                     "  |\n"
                     "2 |\n"
                     "  | ^ here\n"
                     "\n"
                     "warning: end of file\n"
                     " --> a:3:1\n"
                     "  |\n"
                     "3 |\n"
                     "  | ^\n"
                     "\n");
}

static void test_diag_text_of_span_over_lines_marks_the_first(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t file = tvn_diag_add_source(sink, "a", TVN_STR("x = \"\"\"abc\ndef\"\"\""));
    tvn_diag_warning(sink, TVN_OK, span_of(file, 4, 13), "long");
    check_text(sink, "warning: long\n"
                     " --> a:1:5\n"
                     "  |\n"
                     "1 | x = \"\"\"abc\n"
                     "  |     ^^^^^^\n"
                     "\n");
}

/* A line of `columns` digits, each the tens of its column, with "HERE" at `at`. */
static uint32_t add_long_line(struct tvn_diag_sink *sink, size_t columns, size_t at)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    for (size_t i = 0; i < columns; i++) {
        tvn_strbuf_add_char(&text, (char)('0' + i / 10 % 10));
    }
    memcpy(text.ptr + at, "HERE", 4);
    return tvn_diag_add_source(sink, "a", tvn_strbuf_view(&text));
}

/* The excerpt and caret line of the only diagnostic. */
static void check_cut(struct tvn_diag_sink *sink, const char *begin, const char *end,
                      size_t columns, size_t caret)
{
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    tvn_diag_text_render(sink, false, &out);
    const char *line = strstr(tvn_strbuf_text(&out), "1 | ");
    assert_non_null(line);
    struct tvn_str excerpt = {line + 4, strcspn(line + 4, "\n")};
    assert_true(tvn_str_starts_with(excerpt, tvn_str_of(begin)));
    assert_true(tvn_str_ends_with(excerpt, tvn_str_of(end)));
    size_t shown = 0;
    for (size_t i = 0; i < excerpt.len; i++) {
        shown += ((unsigned char)excerpt.ptr[i] & 0xC0) != 0x80;
    }
    assert_int_equal(shown, columns);
    const char *marks = excerpt.ptr + excerpt.len + strlen("\n  | ");
    assert_int_equal(strspn(marks, " "), caret);
    assert_memory_equal(marks + caret, "^^^^\n", 5);
}

static void test_diag_text_line_of_200_columns_is_whole(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t file = add_long_line(sink, 200, 196);
    tvn_diag_warning(sink, TVN_OK, span_of(file, 196, 4), "x");
    check_cut(sink, "0000000000", "HERE", 200, 196);
}

static void test_diag_text_long_line_is_cut_behind_an_early_caret(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t file = add_long_line(sink, 1000, 20);
    tvn_diag_warning(sink, TVN_OK, span_of(file, 20, 4), "x");
    check_cut(sink, "00000000001111111111HERE", "9999999999…", 201, 20);
}

static void test_diag_text_long_line_is_cut_on_both_sides(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t file = add_long_line(sink, 1000, 500);
    tvn_diag_warning(sink, TVN_OK, span_of(file, 500, 4), "x");
    check_cut(sink, "…4444444444", "3333333333…", 202, 61);
}

static void test_diag_text_long_line_is_cut_before_a_late_caret(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t file = add_long_line(sink, 1000, 996);
    tvn_diag_warning(sink, TVN_OK, span_of(file, 996, 4), "x");
    check_cut(sink, "…0000000000", "999999HERE", 201, 197);
}

static void test_diag_text_long_span_ends_with_the_excerpt(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t file = add_long_line(sink, 1000, 0);
    tvn_diag_warning(sink, TVN_OK, span_of(file, 0, 1000), "x");
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    tvn_diag_text_render(sink, false, &out);
    const char *marks = strchr(tvn_strbuf_text(&out), '^');
    assert_int_equal(strspn(marks, "^"), 200);
}

static void test_diag_text_cut_line_is_shown_again_for_a_distant_label(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t file = add_long_line(sink, 1000, 500);
    tvn_diag_warning(sink, TVN_OK, span_of(file, 500, 4), "x");
    tvn_diag_related(sink, span_of(file, 0, 1), "start");
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    tvn_diag_text_render(sink, false, &out);
    const char *first = strstr(tvn_strbuf_text(&out), "1 | 0000000000");
    assert_non_null(first);
    assert_non_null(strstr(first, "1 | …4444444444"));
}

static void test_diag_text_wide_character_on_the_cut_keeps_alignment(void **state)
{
    struct tvn_diag_sink *sink = *state;
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_strbuf_add_char(&text, 'x'); /* so that the cut falls into a character */
    for (int i = 0; i < 200; i++) {
        tvn_strbuf_add_text(&text, "日");
    }
    tvn_strbuf_add_text(&text, "HERE");
    uint32_t file = tvn_diag_add_source(sink, "a", tvn_strbuf_view(&text));
    tvn_diag_warning(sink, TVN_OK, span_of(file, 601, 4), "x");
    /* 405 columns; shown are 205 to 405, which begins on a whole character. */
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    tvn_diag_text_render(sink, false, &out);
    const char *line = strstr(tvn_strbuf_text(&out), "1 | …");
    assert_non_null(line);
    const char *here = strstr(line, "HERE\n  | ");
    assert_non_null(here);
    assert_int_equal(strspn(here + strlen("HERE\n  | "), " "), 1 + 196);
}

static void test_diag_text_says_how_many_are_not_shown(void **state)
{
    struct tvn_diag_sink *sink = *state;
    for (int i = 0; i < TVN_DIAG_ERRORS_MAX + 3; i++) {
        tvn_diag_error(sink, TVN_E_INTERNAL, TVN_SPAN_NONE, "x");
    }
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    tvn_diag_text_render(sink, false, &out);
    assert_true(tvn_str_ends_with(tvn_strbuf_view(&out), TVN_STR("\n\n3 more are not shown\n\n")));
}

static void test_diag_text_in_colour(void **state)
{
    struct tvn_diag_sink *sink = *state;
    uint32_t file = tvn_diag_add_source(sink, "a", TVN_STR("x y"));
    tvn_diag_error(sink, TVN_E_UNKNOWN_FIELD, span_of(file, 0, 1), "bad");
    tvn_diag_label(sink, "this");
    tvn_diag_related(sink, span_of(file, 2, 1), "that");
    tvn_diag_note(sink, "why");
    tvn_diag_help(sink, "fix");
    tvn_diag_warning(sink, TVN_OK, TVN_SPAN_NONE, "careful");
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};

    tvn_diag_text_render(sink, true, &out);

    assert_str(tvn_strbuf_view(&out), "\x1b[1;31merror[E0701]\x1b[0m\x1b[1m: bad\x1b[0m\n"
                                      " \x1b[1;34m-->\x1b[0m a:1:1\n"
                                      "\x1b[1;34m  |\x1b[0m\n"
                                      "\x1b[1;34m1 |\x1b[0m x y\n"
                                      "\x1b[1;34m  |\x1b[0m \x1b[1;31m^ this\x1b[0m\n"
                                      "\x1b[1;34m  |\x1b[0m   \x1b[1;34m- that\x1b[0m\n"
                                      "\x1b[1;34m  |\x1b[0m\n"
                                      "  \x1b[1;34m=\x1b[0m \x1b[1mnote\x1b[0m: why\n"
                                      "  \x1b[1;34m=\x1b[0m \x1b[1;36mhelp\x1b[0m: fix\n"
                                      "\n"
                                      "\x1b[1;33mwarning\x1b[0m\x1b[1m: careful\x1b[0m\n"
                                      "\n");
}

static void test_diag_text_appends_and_reports_a_full_buffer(void **state)
{
    struct tvn_diag_sink *sink = *state;
    tvn_diag_warning(sink, TVN_OK, TVN_SPAN_NONE, "x");
    TVN_AUTO_VALUE(tvn_strbuf) out = {.max = 20};
    tvn_strbuf_add_text(&out, "before ");
    tvn_diag_text_render(sink, false, &out);
    assert_false(out.failed);
    assert_string_equal(tvn_strbuf_text(&out), "before warning: x\n\n");
    tvn_diag_text_render(sink, false, &out);
    assert_true(out.failed);
}

/* Whatever the input: no control character but the line ends, valid UTF-8, carets below text. */
static void test_diag_text_of_random_sources_is_always_printable(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "a",    "\t",   "\n",           "\r\n",    "\r",       "ä",          "日",
        "\xff", "\x1b", "\xe2\x80\xae", "e\u0301", "\xe2\x82", "0123456789", ""};
    uint64_t random = tvn_test_seed();
    for (int round = 0; round < 2000; round++) {
        TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
        TVN_AUTO_VALUE(tvn_strbuf) text = {0};
        size_t count = tvn_test_random(&random) % 300;
        for (size_t i = 0; i < count; i++) {
            tvn_strbuf_add_text(&text, pieces[tvn_test_random(&random) % TVN_ARRAY_LEN(pieces)]);
        }
        uint32_t file = tvn_diag_add_source(sink, "a", tvn_strbuf_view(&text));
        for (int i = 0; i < 3; i++) {
            uint32_t offset = (uint32_t)(tvn_test_random(&random) % (text.len + 10));
            uint32_t length = (uint32_t)(tvn_test_random(&random) % 300);
            struct tvn_span span = span_of(file, offset, length);
            if (i == 0) {
                tvn_diag_error(sink, TVN_E_WIT_SYNTAX_ERROR, span, "x");
            } else {
                tvn_diag_related(sink, span, "y");
            }
        }
        TVN_AUTO_VALUE(tvn_strbuf) out = {0};
        tvn_diag_text_render(sink, false, &out);
        assert_false(out.failed);
        for (size_t i = 0; i < out.len; i++) {
            unsigned char c = (unsigned char)out.ptr[i];
            assert_true(c == '\n' || (c >= 0x20 && c != 0x7F));
        }
        struct tvn_str escaped_once = tvn_strbuf_view(&out);
        TVN_AUTO_VALUE(tvn_strbuf) escaped = {0};
        while (escaped_once.len > 0) { /* escaping again changes nothing */
            size_t end = tvn_str_find(escaped_once, '\n');
            tvn_strbuf_add_escaped(&escaped, tvn_str_slice(escaped_once, 0, end));
            tvn_strbuf_add_char(&escaped, '\n');
            escaped_once = tvn_str_slice(escaped_once, end + 1, escaped_once.len);
        }
        assert_true(tvn_str_equal(tvn_strbuf_view(&escaped), tvn_strbuf_view(&out)));
    }
}

#define WITH_SINK(test) cmocka_unit_test_setup_teardown(test, make_sink, drop_sink)

static const struct CMUnitTest tests[] = {
    WITH_SINK(test_diag_text_of_empty_sink_is_empty),
    WITH_SINK(test_diag_text_of_error_with_label_note_and_help),
    WITH_SINK(test_diag_text_without_help_shows_the_codes_fix_for_errors_only),
    WITH_SINK(test_diag_text_of_help_with_lines_keeps_them_and_of_a_note_escapes_them),
    WITH_SINK(test_diag_text_of_related_places_in_one_file_is_in_line_order),
    WITH_SINK(test_diag_text_of_two_labels_on_one_line_shows_it_once),
    WITH_SINK(test_diag_text_of_related_place_in_another_file_is_a_second_snippet),
    WITH_SINK(test_diag_text_of_binary_source_shows_byte_offset),
    WITH_SINK(test_diag_text_of_labels_without_place_are_notes),
    WITH_SINK(test_diag_text_expands_tabs_so_that_the_caret_aligns),
    WITH_SINK(test_diag_text_aligns_below_multibyte_and_wide_characters),
    WITH_SINK(test_diag_text_escapes_everything_that_comes_from_input),
    WITH_SINK(test_diag_text_underlines_the_whole_escape),
    WITH_SINK(test_diag_text_at_line_end_and_on_empty_line),
    WITH_SINK(test_diag_text_of_span_over_lines_marks_the_first),
    WITH_SINK(test_diag_text_line_of_200_columns_is_whole),
    WITH_SINK(test_diag_text_long_line_is_cut_behind_an_early_caret),
    WITH_SINK(test_diag_text_long_line_is_cut_on_both_sides),
    WITH_SINK(test_diag_text_long_line_is_cut_before_a_late_caret),
    WITH_SINK(test_diag_text_long_span_ends_with_the_excerpt),
    WITH_SINK(test_diag_text_cut_line_is_shown_again_for_a_distant_label),
    WITH_SINK(test_diag_text_wide_character_on_the_cut_keeps_alignment),
    WITH_SINK(test_diag_text_says_how_many_are_not_shown),
    WITH_SINK(test_diag_text_in_colour),
    WITH_SINK(test_diag_text_appends_and_reports_a_full_buffer),
    cmocka_unit_test(test_diag_text_of_random_sources_is_always_printable),
};
TVN_TEST_MAIN("cli.diag_text", tests)
