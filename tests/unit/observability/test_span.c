/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "observability/span.h"

#include "tvn_test.h"

static void assert_text(const struct tvn_trace_span *span, struct tvn_trace_span_text text,
                        const char *expected)
{
    struct tvn_str str = tvn_trace_span_str(span, text);
    assert_int_equal(str.len, strlen(expected));
    assert_memory_equal(str.ptr, expected, str.len);
}

static void test_span_filled_all_is_inside(void **state)
{
    (void)state;
    struct tvn_trace_span span;
    tvn_trace_span_init(&span);
    tvn_trace_span_set_name_number(&span, TVN_STR("component:a:invoke:"), UINT64_MAX);
    tvn_trace_span_set_tracestate(&span, TVN_STR("k=v"));
    tvn_trace_span_set_error(&span, TVN_STR("it broke"));
    tvn_trace_span_add_number(&span, "number", UINT64_MAX);
    tvn_trace_span_add_text(&span, "text", TVN_STR("pull"));
    tvn_trace_span_add_event(&span, "event", 7);
    tvn_trace_span_add_number(&span, "depth", 3);
    struct tvn_trace_span copy;
    memset(&copy, 0xaa, sizeof(copy));
    tvn_trace_span_copy(&copy, &span);
    assert_text(&copy, copy.name, "component:a:invoke:18446744073709551615");
    assert_text(&copy, copy.tracestate, "k=v");
    assert_text(&copy, copy.status_text, "it broke");
    assert_int_equal(copy.status, TVN_TRACE_SPAN_ERROR);
    assert_int_equal(copy.kind, TVN_TRACE_SPAN_INTERNAL);
    assert_int_equal(copy.attribute_count, 3);
    assert_true(copy.attributes[0].number == INT64_MAX);
    assert_int_equal(copy.attributes[0].event_plus_one, 0);
    assert_text(&copy, copy.attributes[1].text, "pull");
    assert_int_equal(copy.attributes[2].event_plus_one, 1);
    assert_int_equal(copy.events[0].at_unix_ns, 7);
    assert_false(tvn_trace_span_has_parent(&copy));
    assert_false(tvn_trace_span_has_link(&copy));
}

static void test_span_number_zero_is_one_digit(void **state)
{
    (void)state;
    struct tvn_trace_span span;
    tvn_trace_span_init(&span);
    tvn_trace_span_set_name_number(&span, TVN_STR("element:"), 0);
    assert_text(&span, span.name, "element:0");
}

static void test_span_text_too_long_is_cut_at_a_character(void **state)
{
    (void)state;
    static char text[TVN_TRACE_SPAN_TEXT_MAX + 8];
    for (size_t i = 0; i + 2 <= sizeof(text); i += 2) {
        memcpy(text + i, "\xc3\xa4", 2); /* ä */
    }
    struct tvn_trace_span span;
    tvn_trace_span_init(&span);
    tvn_trace_span_set_name(&span, TVN_STR("x"));
    tvn_trace_span_set_error(&span, (struct tvn_str){text, sizeof(text)});
    assert_int_equal(span.status_text.length, TVN_TRACE_SPAN_TEXT_MAX - 2);
    struct tvn_str str = tvn_trace_span_str(&span, span.status_text);
    assert_true(tvn_utf8_valid(str.ptr, str.len));
    tvn_trace_span_set_tracestate(&span, TVN_STR("k=v"));
    assert_int_equal(span.tracestate.length, 0);
    tvn_trace_span_add_text(&span, "text", TVN_STR("pull"));
    assert_true(span.text_length <= TVN_TRACE_SPAN_TEXT_MAX);
}

static void test_span_full_counts_what_is_left_out(void **state)
{
    (void)state;
    struct tvn_trace_span span;
    tvn_trace_span_init(&span);
    for (unsigned i = 0; i < TVN_TRACE_SPAN_EVENTS_MAX + 2; i++) {
        tvn_trace_span_add_event(&span, "event", i);
    }
    assert_int_equal(span.event_count, TVN_TRACE_SPAN_EVENTS_MAX);
    assert_int_equal(span.dropped_events, 2);
    tvn_trace_span_add_number(&span, "of an event that is not there", 1);
    assert_int_equal(span.attribute_count, 0);
    assert_int_equal(span.dropped_attributes, 1);
    tvn_trace_span_init(&span);
    for (unsigned i = 0; i < TVN_TRACE_SPAN_ATTRIBUTES_MAX + 3; i++) {
        tvn_trace_span_add_number(&span, "number", i);
    }
    assert_int_equal(span.attribute_count, TVN_TRACE_SPAN_ATTRIBUTES_MAX);
    assert_int_equal(span.dropped_attributes, 3);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_span_filled_all_is_inside),
    cmocka_unit_test(test_span_number_zero_is_one_digit),
    cmocka_unit_test(test_span_text_too_long_is_cut_at_a_character),
    cmocka_unit_test(test_span_full_counts_what_is_left_out),
};
TVN_TEST_MAIN("observability.span", tests)
