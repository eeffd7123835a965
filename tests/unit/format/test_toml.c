/* SPDX-License-Identifier: Apache-2.0 */
#include "format/toml.h"

#include "diag_assert.h"

#include <math.h>

struct document {
    struct tvn_arena *arena;
    struct tvn_diag_sink *sink;
    const struct tvn_toml_table *root; /* NULL after errors */
    enum tvn_status status;
};

static void close_document(struct document *document)
{
    tvn_arena_destroy(document->arena);
    tvn_diag_sink_destroy(document->sink);
}

static struct document open_view(struct tvn_str text)
{
    struct document document = {.arena = tvn_arena_create(0), .sink = tvn_diag_sink_create()};
    assert_non_null(document.arena);
    assert_non_null(document.sink);
    uint32_t file = tvn_diag_add_source(document.sink, "test.toml", text);
    document.status = tvn_toml_parse(document.arena, file, text, document.sink, &document.root);
    assert_true((document.status > TVN_OK) == (tvn_diag_error_count(document.sink) > 0));
    assert_true((document.status == TVN_OK) == (document.root != NULL));
    return document;
}

static struct document open_text(const char *text)
{
    return open_view(tvn_str_of(text));
}

static const struct tvn_toml_value *get(const struct tvn_toml_table *table, const char *key)
{
    assert_non_null(table);
    const struct tvn_toml_entry *entry = tvn_toml_find(table, tvn_str_of(key));
    assert_non_null(entry);
    return &entry->value;
}

static void assert_span(const struct document *document, struct tvn_span span, const char *text)
{
    assert_str(tvn_test_span_text(document->sink, span), text);
}

static void test_toml_keeps_order_and_places(void **state)
{
    (void)state;
    struct document d = open_text("zeta = 1 # one\n"
                                  "[flow.main]\n"
                                  "  'b c' = [ true, \"x\" ]\n"
                                  "a.\"d\" = { e = 1.5 }\n"
                                  "[[flow.main.edges]]\n"
                                  "[[flow.main.edges]]\n");
    assert_status(d.status, TVN_OK);
    const struct tvn_toml_entry *zeta = d.root->first;
    assert_str(zeta->key, "zeta");
    assert_span(&d, zeta->key_span, "zeta");
    assert_span(&d, zeta->value.span, "1");
    const struct tvn_toml_entry *flow = zeta->next;
    assert_str(flow->key, "flow");
    assert_span(&d, flow->key_span, "flow");
    const struct tvn_toml_entry *main_flow = flow->value.table->first;
    assert_span(&d, main_flow->key_span, "main");
    assert_span(&d, main_flow->value.span, "[flow.main]");
    const struct tvn_toml_entry *b = main_flow->value.table->first;
    assert_str(b->key, "b c");
    assert_span(&d, b->key_span, "'b c'");
    assert_span(&d, b->value.span, "[ true, \"x\" ]");
    assert_span(&d, b->value.array->first->span, "true");
    assert_span(&d, b->value.array->last->span, "\"x\"");
    const struct tvn_toml_entry *dotted = b->next->value.table->first;
    assert_str(dotted->key, "d");
    assert_span(&d, dotted->key_span, "\"d\"");
    assert_span(&d, dotted->value.span, "{ e = 1.5 }");
    const struct tvn_toml_entry *edges = b->next->next;
    assert_int_equal(edges->value.array->count, 2);
    assert_true(edges->value.array->of_tables);
    assert_span(&d, edges->value.array->last->span, "[[flow.main.edges]]");
    assert_int_equal(edges->value.array->last->span.offset, 91);
    assert_null(edges->next);
    assert_null(d.root->first->next->next);
    close_document(&d);
}

static void test_toml_strings_decode_escapes_and_lines(void **state)
{
    (void)state;
    struct document d = open_text("basic = \"a\\tb\\\"\\\\\\u00e9\\U0001F600\"\n"
                                  "literal = 'a\\tb'\n"
                                  "multi = \"\"\"\n\nx\\\n\n   y\"\" \"\"\"\"\n"
                                  "raw = '''\r\na\\\n''b'''''\n"
                                  "nul = \"a\\u0000b\"\n"
                                  "empty = \"\"\n");
    assert_status(d.status, TVN_OK);
    assert_str(get(d.root, "basic")->string, "a\tb\"\\\xc3\xa9\xf0\x9f\x98\x80");
    assert_str(get(d.root, "literal")->string, "a\\tb");
    assert_str(get(d.root, "multi")->string, "\nxy\"\" \"");
    assert_str(get(d.root, "raw")->string, "a\\\n''b''");
    assert_int_equal(get(d.root, "nul")->string.len, 3);
    assert_memory_equal(get(d.root, "nul")->string.ptr, "a\0b", 4);
    assert_int_equal(get(d.root, "empty")->string.len, 0);
    assert_non_null(get(d.root, "empty")->string.ptr);
    close_document(&d);
}

static void test_toml_numbers_keep_their_value(void **state)
{
    (void)state;
    struct document d = open_text("max = 9_223_372_036_854_775_807\nmin = -9223372036854775808\n"
                                  "hex = 0xDEAD_beef\noct = 0o755\nbin = 0b1101\nplus = +5\n"
                                  "f = -1_0.5e+0_2\ninf = -inf\nnan = +nan\nzero = -0.0\n"
                                  "big = 1e400\n");
    assert_status(d.status, TVN_OK);
    assert_true(get(d.root, "max")->integer == INT64_MAX);
    assert_true(get(d.root, "min")->integer == INT64_MIN);
    assert_int_equal(get(d.root, "hex")->integer, 0xdeadbeef);
    assert_int_equal(get(d.root, "oct")->integer, 0755);
    assert_int_equal(get(d.root, "bin")->integer, 13);
    assert_int_equal(get(d.root, "plus")->integer, 5);
    assert_true(get(d.root, "f")->real == -1050.0);
    assert_true(get(d.root, "inf")->real < 0 && isinf(get(d.root, "inf")->real));
    assert_true(isnan(get(d.root, "nan")->real));
    assert_true(signbit(get(d.root, "zero")->real));
    assert_true(isinf(get(d.root, "big")->real));
    close_document(&d);
}

static void test_toml_dates_are_checked_and_normalized(void **state)
{
    (void)state;
    struct document d =
        open_text("a = 1979-05-27 07:32:00.5z\nb = 2024-02-29t23:59:60-23:59\n"
                  "c = 1979-05-27T00:00:00\nd = 0000-01-01\ne = 00:00:00.123456789\n"
                  "f = 1979-05-27 # a date, then a comment\n");
    assert_status(d.status, TVN_OK);
    assert_int_equal(get(d.root, "a")->kind, TVN_TOML_OFFSET_DATETIME);
    assert_str(get(d.root, "a")->string, "1979-05-27T07:32:00.5Z");
    assert_str(get(d.root, "b")->string, "2024-02-29T23:59:60-23:59");
    assert_int_equal(get(d.root, "c")->kind, TVN_TOML_LOCAL_DATETIME);
    assert_int_equal(get(d.root, "d")->kind, TVN_TOML_LOCAL_DATE);
    assert_int_equal(get(d.root, "e")->kind, TVN_TOML_LOCAL_TIME);
    assert_span(&d, get(d.root, "f")->span, "1979-05-27");
    close_document(&d);
}

/* One error, its message and its place. */
static const struct {
    const char *text;
    const char *message;
    const char *under;
    uint32_t line;
    uint32_t column;
} single_errors[] = {
    {"a = ", "expected a value, found the end of the file", "", 1, 5},
    {"a =\nb = 1", "expected a value, found the end of the line", "", 1, 4},
    {"a = 1 b = 2", "expected the end of the line, found 'b'", "b", 1, 7},
    {"= 1", "expected a key, found '='", "=", 1, 1},
    {"a", "expected '=' after the key, found the end of the file", "", 1, 2},
    {"a.b c = 1", "expected '=' after the key, found 'c'", "c", 1, 5},
    {"a = tru", "expected a value", "tru", 1, 5},
    {"a = \"x\nb = 1", "this string is not closed before the end of the line", "\"x", 1, 5},
    {"\na = '''x\nb = 1", "this string is never closed", "'''", 2, 5},
    {"a = \"\\q\"", "unknown escape in a string", "\\q", 1, 6},
    {"a = \"\\ud800\"", "U+D800 is not a Unicode scalar value", "\\ud800", 1, 6},
    {"a = \"\\u12\"", "this escape needs 4 hexadecimal digits", "\\u12", 1, 6},
    {"a = \"x\x01\"", "control character U+0001 must be written as \\u0001", "\x01", 1, 7},
    {"# x\x7f", "control character U+007F in a comment", "\x7f", 1, 4},
    {"a = 1\rb = 2", "expected the end of the line, found '\\r'", "\r", 1, 6},
    {"a = 012", "a number must not start with a zero", "012", 1, 5},
    {"a = 1__2", "this is not a valid number", "1__2", 1, 5},
    {"a = 1.", "this is not a valid number", "1.", 1, 5},
    {"a = 0x", "this is not a valid number", "0x", 1, 5},
    {"a = 9223372036854775808", "this integer does not fit into 64 bits", "9223372036854775808", 1,
     5},
    {"a = 2023-02-29", "this is not a valid date or time", "2023-02-29", 1, 5},
    {"a = 24:00:00", "this is not a valid date or time", "24:00:00", 1, 5},
    {"a = 07:32", "this is not a valid date or time", "07:32", 1, 5},
    {"a = [1 2]", "expected ',' or ']' in an array, found '2'", "2", 1, 8},
    {"a = [1,\n2", "this array is never closed", "[", 1, 5},
    {"a = {b = 1,}", "expected a key, found '}'", "}", 1, 12},
    {"a = {b = 1\n}", "expected ',' or '}' in an inline table, found the end of the line", "", 1,
     11},
    {"[a", "expected ']', found the end of the file", "", 1, 3},
    {"[[a]", "expected ']]', found ']'", "]", 1, 4},
    {"[]", "expected a key, found ']'", "]", 1, 2},
    {"\"\"\"a\"\"\" = 1", "a key cannot be a multi-line string", "\"\"\"", 1, 1},
    {"a = 1\na = 2", "'a' is defined twice", "a", 2, 1},
    {"[a]\n[b]\n[ a ]", "'a' is defined twice", "a", 3, 3},
    {"a.b = 1\n[a]", "'a' is defined twice", "a", 2, 2},
    {"[a.b]\n[a]\nb.c = 1", "'b' is defined elsewhere and cannot be extended here", "b", 3, 1},
    {"a = {}\n[a.b]", "'a' is an inline table, which cannot be extended", "a", 2, 2},
    {"a = {}\na.b = 1", "'a' is an inline table, which cannot be extended", "a", 2, 1},
    {"a = []\n[[a]]", "'a' is defined twice", "a", 2, 3},
    {"a = [{}]\n[a.b]", "'a' is an array, not a table", "a", 2, 2},
    {"[[a]]\n[a]", "'a' is defined twice", "a", 2, 2},
    {"[a]\n[[a]]", "'a' is defined twice", "a", 2, 3},
    {"a = 1\na.b = 2", "'a' is a value, not a table", "a", 2, 1},
    {"a = \xc3\xa9", "expected a value, found '\xc3\xa9'", "\xc3\xa9", 1, 5},
    {"a = \"\xff\"", "byte 0xff is not valid UTF-8", "\xff", 1, 6},
};

static void test_toml_error_is_reported_once_at_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < TVN_ARRAY_LEN(single_errors); i++) {
        struct document d = open_text(single_errors[i].text);
        if (tvn_diag_error_count(d.sink) != 1) {
            print_error("case %zu has %zu errors\n", i, tvn_diag_error_count(d.sink));
        }
        assert_int_equal(tvn_diag_error_count(d.sink), 1);
        assert_diagnostic(d.sink, 0, TVN_E_MANIFEST_PARSE_ERROR, single_errors[i].message,
                          single_errors[i].under, single_errors[i].line, single_errors[i].column,
                          NULL);
        close_document(&d);
    }
}

static void test_toml_duplicate_shows_the_first_definition(void **state)
{
    (void)state;
    struct document d = open_text("x = 1\n\"x\" = [\n1 ]\ny = 2\n");
    assert_int_equal(tvn_diag_error_count(d.sink), 1);
    assert_diagnostic(d.sink, 0, TVN_E_MANIFEST_PARSE_ERROR, "'x' is defined twice", "\"x\"", 2, 1,
                      NULL);
    const struct tvn_diagnostic *diagnostic = tvn_diag_at(d.sink, 0);
    assert_int_equal(diagnostic->related_count, 1);
    assert_span(&d, diagnostic->related[0].span, "x");
    assert_string_equal(diagnostic->related[0].text, "first defined here");
    close_document(&d);
}

static void test_toml_goes_on_after_errors(void **state)
{
    (void)state;
    struct document d = open_text("a = \n"    /* 1 */
                                  "b = \"x\n" /* 2 */
                                  "[flow\n"   /* 3 */
                                  "a = 1\n"   /* of no table: no duplicate */
                                  "c = [1,\n" /* */
                                  "  y,\n"    /* 4 */
                                  "  3,\n"    /* of the broken array */
                                  "]\n"       /* of the broken array */
                                  "[x]\n"     /* */
                                  "d = 1\n"   /* */
                                  "d = 2\n"   /* 5 */
                                  "ok = true\n");
    assert_int_equal(tvn_diag_error_count(d.sink), 5);
    const uint32_t lines[] = {1, 2, 3, 6, 11};
    for (size_t i = 0; i < TVN_ARRAY_LEN(lines); i++) {
        struct tvn_diag_place place;
        assert_true(tvn_diag_locate(d.sink, tvn_diag_at(d.sink, i)->primary.span, &place));
        assert_int_equal(place.line, lines[i]);
    }
    assert_string_equal(tvn_diag_at(d.sink, 3)->related[0].text, "in the array that starts here");
    close_document(&d);
}

static void test_toml_stops_after_the_limit_of_errors(void **state)
{
    (void)state;
    struct tvn_strbuf text = {0};
    for (size_t i = 0; i < 3 * TVN_DIAG_ERRORS_MAX; i++) {
        tvn_strbuf_add_text(&text, "=\n");
    }
    struct document d = open_view(tvn_strbuf_view(&text));
    assert_int_equal(tvn_diag_error_count(d.sink), TVN_DIAG_ERRORS_MAX);
    close_document(&d);
    tvn_strbuf_deinit(&text);
}

static void repeat(struct tvn_strbuf *text, const char *part, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tvn_strbuf_add_text(text, part);
    }
}

static void test_toml_depth_is_limited(void **state)
{
    (void)state;
    const struct {
        const char *before;
        const char *part;
        const char *after;
        size_t allowed;
    } cases[] = {
        {"a = ", "[", "", TVN_TOML_DEPTH_MAX - 1},
        {"a = ", "{a=", "1", TVN_TOML_DEPTH_MAX - 1},
        {"", "a.", "a = 1", TVN_TOML_DEPTH_MAX - 1},
        {"[", "a.", "a]", TVN_TOML_DEPTH_MAX - 2},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        struct tvn_strbuf text = {0};
        tvn_strbuf_add_text(&text, cases[i].before);
        repeat(&text, cases[i].part, cases[i].allowed + 1);
        tvn_strbuf_add_text(&text, cases[i].after);
        struct document d = open_view(tvn_strbuf_view(&text));
        assert_string_equal(tvn_diag_at(d.sink, 0)->message, "nested deeper than 128 levels");
        close_document(&d);
        tvn_strbuf_deinit(&text);
    }
    struct tvn_strbuf text = {0};
    tvn_strbuf_add_text(&text, "a = ");
    repeat(&text, "[", TVN_TOML_DEPTH_MAX - 1);
    repeat(&text, "]", TVN_TOML_DEPTH_MAX - 1);
    struct document d = open_view(tvn_strbuf_view(&text));
    assert_status(d.status, TVN_OK);
    close_document(&d);
    tvn_strbuf_deinit(&text);
}

static void test_toml_size_is_limited(void **state)
{
    (void)state;
    struct tvn_strbuf text = {0};
    tvn_strbuf_add_repeat(&text, '\n', TVN_TOML_SIZE_MAX);
    struct document d = open_view(tvn_strbuf_view(&text));
    assert_status(d.status, TVN_OK);
    close_document(&d);
    tvn_strbuf_add_char(&text, '\n');
    d = open_view(tvn_strbuf_view(&text));
    assert_status(d.status, TVN_E_MANIFEST_PARSE_ERROR);
    close_document(&d);
    tvn_strbuf_deinit(&text);
}

static void test_toml_find_works_for_small_and_large_tables(void **state)
{
    (void)state;
    const size_t counts[] = {1, 7, 8, 9, 16, 17, 5000};
    for (size_t i = 0; i < TVN_ARRAY_LEN(counts); i++) {
        struct tvn_strbuf text = {0};
        for (size_t j = 0; j < counts[i]; j++) {
            tvn_strbuf_printf(&text, "key%zu = %zu\n", j, j);
        }
        struct document d = open_view(tvn_strbuf_view(&text));
        assert_status(d.status, TVN_OK);
        assert_int_equal(d.root->count, counts[i]);
        for (size_t j = 0; j < counts[i]; j++) {
            char key[32];
            (void)snprintf(key, sizeof(key), "key%zu", j);
            assert_int_equal(get(d.root, key)->integer, j);
        }
        assert_null(tvn_toml_find(d.root, TVN_STR("key")));
        close_document(&d);
        tvn_strbuf_deinit(&text);
    }
}

static void test_toml_byte_order_mark_and_crlf_are_accepted(void **state)
{
    (void)state;
    struct document d = open_text("\xef\xbb\xbf[a]\r\nb = 1\r\nc = \"\"\"x\r\ny\"\"\"\r\n");
    assert_status(d.status, TVN_OK);
    assert_str(get(get(d.root, "a")->table, "c")->string, "x\r\ny");
    close_document(&d);
}

static void test_toml_every_failed_allocation_is_reported(void **state)
{
    (void)state;
    static const char text[] = "[flow.main]\na = \"\\tx\"\nb = [1, {c = 2.5}]\n[[e]]\n[[e]]\nk1=1\n"
                               "k2=1\nk3=1\nk4=1\nk5=1\nk6=1\nk7=1\nk8=1\nk9=1\n";
    for (uint64_t n = 1;; n++) {
        struct tvn_diag_sink *sink = tvn_diag_sink_create();
        uint32_t file = tvn_diag_add_source(sink, "x", tvn_str_of(text));
        assert_int_not_equal(file, 0);
        const struct tvn_toml_table *root = NULL;
        tvn_mem_fail_at(n, false);
        struct tvn_arena *arena = tvn_arena_create(0);
        enum tvn_status status =
            arena ? tvn_toml_parse(arena, file, tvn_str_of(text), sink, &root) : TVN_OK;
        tvn_mem_fail_at(0, false);
        assert_true(status == TVN_OK || status == TVN_E_OUT_OF_MEMORY);
        assert_true(!arena || (root != NULL) == (status == TVN_OK));
        tvn_arena_destroy(arena);
        tvn_diag_sink_destroy(sink);
        if (root) {
            assert_true(n > 2);
            return;
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_toml_keeps_order_and_places),
    cmocka_unit_test(test_toml_strings_decode_escapes_and_lines),
    cmocka_unit_test(test_toml_numbers_keep_their_value),
    cmocka_unit_test(test_toml_dates_are_checked_and_normalized),
    cmocka_unit_test(test_toml_error_is_reported_once_at_its_place),
    cmocka_unit_test(test_toml_duplicate_shows_the_first_definition),
    cmocka_unit_test(test_toml_goes_on_after_errors),
    cmocka_unit_test(test_toml_stops_after_the_limit_of_errors),
    cmocka_unit_test(test_toml_depth_is_limited),
    cmocka_unit_test(test_toml_size_is_limited),
    cmocka_unit_test(test_toml_find_works_for_small_and_large_tables),
    cmocka_unit_test(test_toml_byte_order_mark_and_crlf_are_accepted),
    cmocka_unit_test(test_toml_every_failed_allocation_is_reported),
};
TVN_TEST_MAIN("format.toml", tests)
