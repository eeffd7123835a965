/* SPDX-License-Identifier: Apache-2.0 */
#include "types/trace_context.h"

#include "tvn_test.h"

#define PARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static struct tvn_trace_context context;

static bool parse(const char *header)
{
    return tvn_traceparent_parse(tvn_str_of(header), &context);
}

static bool parse_state(struct tvn_str header)
{
    return tvn_tracestate_parse(header, &context);
}

static void assert_state(const char *expected)
{
    assert_int_equal(context.tracestate_length, strlen(expected));
    assert_memory_equal(context.tracestate, expected, strlen(expected));
}

static void test_traceparent_valid_is_read(void **state)
{
    (void)state;
    const uint8_t trace_id[16] = {0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6,
                                  0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36};
    const uint8_t parent_id[8] = {0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7};
    assert_true(parse(PARENT));
    assert_memory_equal(context.trace_id, trace_id, 16);
    assert_memory_equal(context.parent_id, parent_id, 8);
    assert_int_equal(context.flags, TVN_TRACE_FLAG_SAMPLED);
    char header[TVN_TRACEPARENT_LENGTH];
    tvn_traceparent_write(trace_id, parent_id, 1, header);
    assert_memory_equal(header, PARENT, TVN_TRACEPARENT_LENGTH);
}

static void test_traceparent_flags_only_sampled_counts(void **state)
{
    (void)state;
    assert_true(parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"));
    assert_int_equal(context.flags, 0);
    assert_true(parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fe"));
    assert_int_equal(context.flags, 0);
    assert_true(parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff"));
    assert_int_equal(context.flags, TVN_TRACE_FLAG_SAMPLED);
}

static void test_traceparent_later_version_may_be_longer(void **state)
{
    (void)state;
    assert_true(parse("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    assert_true(parse("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"));
    assert_false(parse("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.more"));
    assert_false(parse("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
}

static void test_traceparent_not_valid_is_refused(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "",
        "00",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 ",
        " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00F067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0G",
        "0g-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(headers); i++) {
        assert_false(parse(headers[i]));
    }
    static char longest[TVN_TRACEPARENT_MAX + 1];
    memset(longest, '-', sizeof(longest));
    memcpy(longest, PARENT, TVN_TRACEPARENT_LENGTH);
    longest[0] = '1';
    assert_true(tvn_traceparent_parse((struct tvn_str){longest, TVN_TRACEPARENT_MAX}, &context));
    assert_false(
        tvn_traceparent_parse((struct tvn_str){longest, TVN_TRACEPARENT_MAX + 1}, &context));
}

static void test_tracestate_valid_is_kept_without_what_means_nothing(void **state)
{
    (void)state;
    assert_true(parse_state(TVN_STR("")));
    assert_state("");
    assert_true(parse_state(TVN_STR("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")));
    assert_state("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE");
    assert_true(parse_state(TVN_STR(" a=1 ,\t, 0tenant@sys=x y ,b*/_-=~,")));
    assert_state("a=1,0tenant@sys=x y,b*/_-=~");
}

static void test_tracestate_not_valid_is_empty(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "a",      "a=",     "=1",   "A=1",   "0a=1",  "a=1,a=2",
        "a=\x7f", "a=1=2",  "a@=1", "@s=1",  "a@0=1", "a@b@c=1",
        "a =1",   "a=\x01", "a=ä",  "a=1,b", "a.b=1", "t@abcdefghijklmno=1",
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(headers); i++) {
        assert_false(parse_state(tvn_str_of(headers[i])));
        assert_int_equal(context.tracestate_length, 0);
    }
}

static void test_tracestate_limits(void **state)
{
    (void)state;
    char header[TVN_TRACESTATE_MAX + 2];
    size_t length = 0;
    for (unsigned i = 0; i < TVN_TRACESTATE_MEMBERS_MAX; i++) {
        length += (size_t)snprintf(header + length, sizeof(header) - length, "k%u=v,", i);
    }
    assert_true(parse_state((struct tvn_str){header, length}));
    length += (size_t)snprintf(header + length, sizeof(header) - length, "more=v");
    assert_false(parse_state((struct tvn_str){header, length}));
    memset(header, 'x', sizeof(header));
    memcpy(header, "a=", 2);
    assert_true(parse_state((struct tvn_str){header, 2 + 256}));
    assert_false(parse_state((struct tvn_str){header, 2 + 257}));
    memcpy(header + 2 + 256, ",b=", 3);
    assert_true(parse_state((struct tvn_str){header, TVN_TRACESTATE_MAX}));
    assert_false(parse_state((struct tvn_str){header, TVN_TRACESTATE_MAX + 1}));
}

static void test_trace_ids_follow_from_seed_and_sequence(void **state)
{
    (void)state;
    const struct tvn_trace_ids ids = {.enabled = true, .seed = {1, 2, 3}};
    const uint8_t none[16] = {0};
    uint8_t first[16];
    uint8_t other[16];
    struct tvn_element element = {.sequence = 7};
    tvn_trace_id_of(&ids, &element, first);
    assert_memory_not_equal(first, none, 16);
    element.timestamp_ns = 5;
    tvn_trace_id_of(&ids, &element, other);
    assert_memory_equal(first, other, 16);
    element.sequence = 8;
    tvn_trace_id_of(&ids, &element, other);
    assert_memory_not_equal(first, other, 16);
    element.trace_id[15] = 9;
    tvn_trace_id_of(&ids, &element, other);
    assert_memory_equal(other, element.trace_id, 16);
    uint8_t span[2][8];
    tvn_span_id_of(&ids, 7, span[0]);
    tvn_span_id_of(&ids, 8, span[1]);
    assert_memory_not_equal(span[0], none, 8);
    assert_memory_not_equal(span[0], span[1], 8);
    const struct tvn_trace_ids off = {.enabled = false};
    tvn_trace_id_of(&off, &element, other);
    assert_memory_equal(other, none, 16);
    tvn_span_id_of(&off, 7, span[0]);
    assert_memory_equal(span[0], none, 8);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_traceparent_valid_is_read),
    cmocka_unit_test(test_traceparent_flags_only_sampled_counts),
    cmocka_unit_test(test_traceparent_later_version_may_be_longer),
    cmocka_unit_test(test_traceparent_not_valid_is_refused),
    cmocka_unit_test(test_tracestate_valid_is_kept_without_what_means_nothing),
    cmocka_unit_test(test_tracestate_not_valid_is_empty),
    cmocka_unit_test(test_tracestate_limits),
    cmocka_unit_test(test_trace_ids_follow_from_seed_and_sequence),
};
TVN_TEST_MAIN("types.trace_context", tests)
