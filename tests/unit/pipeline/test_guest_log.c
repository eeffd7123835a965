/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "pipeline/guest_log.h"

#include "tvn_test.h"

#define SECOND UINT64_C(1000000000)

struct place {
    struct tvn_guest_log log;
    struct tvn_strbuf out;
    tvn_stat dropped;
};

static void open_place(struct place *place)
{
    *place = (struct place){0};
    tvn_guest_log_init(&place->log, "node", &place->dropped, SECOND);
}

static void add(struct place *place, const char *text, uint64_t now_ns)
{
    tvn_guest_log_add(&place->log, text, strlen(text), now_ns, &place->out);
}

static void expect(struct place *place, const char *text)
{
    assert_string_equal(tvn_strbuf_text(&place->out), text);
    tvn_strbuf_reset(&place->out);
}

static size_t count_lines(const struct tvn_strbuf *text)
{
    size_t count = 0;
    for (size_t i = 0; i < text->len; i++) {
        count += text->ptr[i] == '\n';
    }
    return count;
}

static void test_guest_log_plain_lines_unchanged(void **state)
{
    (void)state;
    struct place place;
    open_place(&place);
    add(&place, "one\n\n\ttwo \xc3\xa9\nthree\r\n", SECOND);
    expect(&place, "one\n\n\ttwo \xc3\xa9\nthree\n");
    tvn_guest_log_end(&place.log, &place.out);
    expect(&place, "");
    tvn_strbuf_deinit(&place.out);
}

static void test_guest_log_controls_escaped(void **state)
{
    (void)state;
    struct place place;
    open_place(&place);
    add(&place, "\x1b[2J\rforged\x08\x7f\xc2\x9b \xe2\x80\xae \xff\n", SECOND);
    expect(&place, "\\x1b[2J\\rforged\\x08\\x7f\\u{9b} \\u{202e} \\xff\n");
    tvn_strbuf_deinit(&place.out);
}

static void test_guest_log_long_line_cut(void **state)
{
    (void)state;
    struct place place;
    open_place(&place);
    static char line[5002];
    for (size_t length = TVN_GUEST_LOG_LINE_MAX - 5; length < TVN_GUEST_LOG_LINE_MAX + 5;
         length++) {
        memset(line, 'x', length);
        line[length] = '\n';
        tvn_guest_log_add(&place.log, line, length + 1, SECOND, &place.out);
        assert_true(place.out.len <= TVN_GUEST_LOG_LINE_MAX + 1);
        bool cut = length > TVN_GUEST_LOG_LINE_MAX - 3;
        assert_int_equal(place.out.len, cut ? TVN_GUEST_LOG_LINE_MAX + 1 : length + 1);
        tvn_strbuf_reset(&place.out);
    }
    /* Escapes count, and no character is cut in two. */
    for (size_t shift = 0; shift < 4; shift++) {
        memset(line, 'x', shift);
        for (size_t i = shift; i + 3 < sizeof(line); i += 3) {
            memcpy(line + i, "\xe2\x98\x83", 3);
        }
        tvn_guest_log_add(&place.log, line, 4998 + shift, SECOND, &place.out);
        add(&place, "\n", SECOND);
        assert_true(place.out.len <= TVN_GUEST_LOG_LINE_MAX + 1);
        assert_true(tvn_utf8_valid(place.out.ptr, place.out.len));
        tvn_strbuf_reset(&place.out);
    }
    memset(line, '\x1b', 5000);
    tvn_guest_log_add(&place.log, line, 5000, SECOND, &place.out);
    assert_true(place.out.len <= TVN_GUEST_LOG_LINE_MAX);
    tvn_strbuf_deinit(&place.out);
}

static void test_guest_log_pieces_of_one_line_are_one_line(void **state)
{
    (void)state;
    struct place place;
    open_place(&place);
    static char piece[TVN_GUEST_LOG_LINE_MAX];
    memset(piece, 'x', sizeof(piece));
    for (int i = 0; i < 1000; i++) {
        tvn_guest_log_add(&place.log, piece, sizeof(piece), SECOND, &place.out);
    }
    add(&place, "the end\nnext\n", SECOND);
    assert_int_equal(count_lines(&place.out), 2);
    assert_int_equal(place.out.len, TVN_GUEST_LOG_LINE_MAX + 1 + strlen("next\n"));
    assert_int_equal(tvn_stat_get(&place.dropped), 0);
    tvn_strbuf_reset(&place.out);
    add(&place, "a short piece, ", SECOND);
    tvn_guest_log_add(&place.log, piece, sizeof(piece), SECOND, &place.out);
    assert_int_equal(place.out.len, TVN_GUEST_LOG_LINE_MAX);
    tvn_strbuf_deinit(&place.out);
}

static void test_guest_log_unfinished_line_is_ended(void **state)
{
    (void)state;
    struct place place;
    open_place(&place);
    add(&place, "no end", SECOND);
    expect(&place, "no end");
    tvn_guest_log_end(&place.log, &place.out);
    expect(&place, "\n");
    tvn_strbuf_deinit(&place.out);
}

static void test_guest_log_flood_dropped_and_counted(void **state)
{
    (void)state;
    struct place place;
    open_place(&place);
    for (int i = 0; i < TVN_GUEST_LOG_BURST + 3; i++) {
        add(&place, "flood\n", SECOND);
    }
    assert_int_equal(count_lines(&place.out), TVN_GUEST_LOG_BURST);
    assert_int_equal(tvn_stat_get(&place.dropped), 3);
    tvn_strbuf_reset(&place.out);

    uint64_t cost = SECOND / TVN_GUEST_LOG_LINES_PER_SECOND;
    add(&place, "too early\n", SECOND + cost - 1);
    expect(&place, "");
    add(&place, "in time\n", SECOND + cost);
    expect(&place, "[torvyn] node 'node' writes too fast: 4 lines of its standard error were "
                   "dropped\nin time\n");
    add(&place, "dropped in ", SECOND + cost);
    add(&place, "two pieces\n", SECOND + cost);
    expect(&place, "");
    tvn_guest_log_end(&place.log, &place.out);
    expect(&place,
           "[torvyn] node 'node' writes too fast: 1 line of its standard error was dropped\n");
    assert_int_equal(tvn_stat_get(&place.dropped), 5);
    tvn_strbuf_deinit(&place.out);
}

static void test_guest_log_credit_has_a_maximum(void **state)
{
    (void)state;
    struct place place;
    open_place(&place);
    uint64_t later = UINT64_C(1000000) * SECOND;
    for (int i = 0; i < 2 * TVN_GUEST_LOG_BURST; i++) {
        add(&place, "flood\n", later);
    }
    assert_int_equal(count_lines(&place.out), TVN_GUEST_LOG_BURST);
    add(&place, "the clock went back\n", SECOND);
    assert_int_equal(tvn_stat_get(&place.dropped), TVN_GUEST_LOG_BURST + 1);
    tvn_strbuf_deinit(&place.out);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_guest_log_plain_lines_unchanged),
    cmocka_unit_test(test_guest_log_controls_escaped),
    cmocka_unit_test(test_guest_log_long_line_cut),
    cmocka_unit_test(test_guest_log_pieces_of_one_line_are_one_line),
    cmocka_unit_test(test_guest_log_unfinished_line_is_ended),
    cmocka_unit_test(test_guest_log_flood_dropped_and_counted),
    cmocka_unit_test(test_guest_log_credit_has_a_maximum),
};

TVN_TEST_MAIN("pipeline.guest_log", tests)
