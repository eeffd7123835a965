/* SPDX-License-Identifier: Apache-2.0 */
#include "net/grpc.h"

#include "tvn_test.h"

static void read_answer(unsigned status, const char *headers, struct tvn_str body,
                        struct tvn_http_answer *answer, struct tvn_grpc_result *out_result)
{
    *answer = (struct tvn_http_answer){.failure = TVN_HTTP_ANSWERED, .status = status};
    tvn_strbuf_add_text(&answer->headers, headers);
    tvn_strbuf_add_str(&answer->body, body);
    tvn_grpc_read(answer, out_result);
}

static void release(struct tvn_http_answer *answer)
{
    tvn_strbuf_deinit(&answer->headers);
    tvn_strbuf_deinit(&answer->body);
}

static void test_frame_has_the_length(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    tvn_grpc_frame_begin(&out);
    tvn_strbuf_add_repeat(&out, 'x', 0x010203);
    tvn_grpc_frame_end(&out);
    assert_memory_equal(out.ptr, "\0\0\x01\x02\x03x", 6);
    assert_int_equal(out.len, 0x010203 + 5);
}

static void test_read_a_good_answer(void **state)
{
    (void)state;
    struct tvn_http_answer answer;
    struct tvn_grpc_result result;
    read_answer(200, "content-type:application/grpc\ngrpc-status:0\n",
                (struct tvn_str){"\0\0\0\0\2hi", 7}, &answer, &result);
    assert_int_equal(result.code, TVN_GRPC_OK);
    assert_true(tvn_str_is(result.message, "hi"));
    release(&answer);
    read_answer(200, "grpc-status:0\n", (struct tvn_str){"\0\0\0\0\0", 5}, &answer, &result);
    assert_int_equal(result.code, TVN_GRPC_OK);
    assert_int_equal(result.message.len, 0);
    release(&answer);
}

static void test_read_refuses_broken_frames(void **state)
{
    (void)state;
    const struct tvn_str bodies[] = {
        {"", 0},
        {"\0\0\0\0", 4},
        {"\1\0\0\0\0", 5},                 /* compressed: nobody said that we could */
        {"\0\0\0\0\1", 5},                 /* cut */
        {"\0\0\0\0\0\0\0\0\0\0", 10},      /* two */
        {"\0\xff\xff\xff\xff\x01\x02", 7}, /* enormous */
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(bodies); i++) {
        struct tvn_http_answer answer;
        struct tvn_grpc_result result;
        read_answer(200, "grpc-status:0\n", bodies[i], &answer, &result);
        assert_int_equal(result.code, TVN_GRPC_INTERNAL);
        release(&answer);
    }
}

static void test_read_statuses(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *headers;
        unsigned code;
        const char *text;
    } cases[] = {
        {200, "grpc-status:14\ngrpc-message:try%20later%21\n", TVN_GRPC_UNAVAILABLE, "try later!"},
        {200, "grpc-status:16\n", TVN_GRPC_UNAUTHENTICATED, ""},
        {200, "grpc-status:17\n", TVN_GRPC_UNKNOWN, ""},
        {200, "grpc-status:-1\n", TVN_GRPC_UNKNOWN, ""},
        {200, "grpc-status:\n", TVN_GRPC_UNKNOWN, ""},
        {200, "grpc-status:99999999999999999999999\n", TVN_GRPC_UNKNOWN, ""},
        {200, "grpc-status:8\ngrpc-status:4\n", TVN_GRPC_DEADLINE_EXCEEDED, ""},
        {200, "", TVN_GRPC_UNKNOWN, "the answer has no grpc-status"},
        {404, "", TVN_GRPC_UNIMPLEMENTED, "HTTP says no"},
        {503, "", TVN_GRPC_UNAVAILABLE, "HTTP says no"},
        {503, "grpc-status:13\ngrpc-message:a%1b%zz%\xff%2\n", TVN_GRPC_INTERNAL, "a?%zz%?%2"},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        struct tvn_http_answer answer;
        struct tvn_grpc_result result;
        read_answer(cases[i].status, cases[i].headers, (struct tvn_str){"", 0}, &answer, &result);
        assert_int_equal(result.code, cases[i].code);
        assert_string_equal(result.text, cases[i].text);
        assert_false(result.has_retry_info);
        assert_int_equal(tvn_grpc_code_name(result.code)[0] != '\0', 1);
        release(&answer);
    }
}

static void test_read_cuts_a_long_text(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) headers = {0};
    struct tvn_http_answer answer;
    struct tvn_grpc_result result;
    tvn_strbuf_add_text(&headers, "grpc-status:2\ngrpc-message:");
    tvn_strbuf_add_repeat(&headers, 'x', 5000);
    read_answer(200, tvn_strbuf_text(&headers), (struct tvn_str){"", 0}, &answer, &result);
    assert_int_equal(strlen(result.text), TVN_GRPC_TEXT_MAX - 1);
    release(&answer);
}

/* google.rpc.Status with details, made by protoc's Python library. */
static void test_read_retry_info(void **state)
{
    (void)state;
    static const struct {
        const char *details;
        bool has;
        uint64_t ms;
    } cases[] = {
        /* RetryInfo{retry_delay: 3.5 s} */
        {"CA4aMAoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIECgIIAw", true, 3000},
        {"CA4aNgoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIKCggIAxCAyrXuAQ==", true,
         3500},
        {"CA4aKgoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbw==", false, 0},
        {"CA4=", false, 0},
        {"****", false, 0},
        {"", false, 0},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        TVN_AUTO_VALUE(tvn_strbuf) headers = {0};
        struct tvn_http_answer answer;
        struct tvn_grpc_result result;
        tvn_strbuf_printf(&headers, "grpc-status:14\ngrpc-status-details-bin:%s\n",
                          cases[i].details);
        read_answer(200, tvn_strbuf_text(&headers), (struct tvn_str){"", 0}, &answer, &result);
        assert_int_equal(result.code, TVN_GRPC_UNAVAILABLE);
        assert_int_equal(result.has_retry_info, cases[i].has);
        assert_int_equal(result.retry_ms, cases[i].ms);
        release(&answer);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_frame_has_the_length),       cmocka_unit_test(test_read_a_good_answer),
    cmocka_unit_test(test_read_refuses_broken_frames), cmocka_unit_test(test_read_statuses),
    cmocka_unit_test(test_read_cuts_a_long_text),      cmocka_unit_test(test_read_retry_info),
};
TVN_TEST_MAIN("net.grpc", tests)
