/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/num.h"
#include "net/http_request.h"

#include "tvn_test.h"

#include <stdlib.h>

#define TABLE     TVN_SOURCE_DIR "/tests/http/requests.tsv"
#define TABLE_MAX ((size_t)1 << 20)

/* ---- the table ---- */

static char from_hex(const char *digits)
{
    char text[3] = {digits[0], digits[1], '\0'};
    return (char)strtoul(text, NULL, 16);
}

/* \r \n \t \0 \\ \" \xNN, and \R10a; for ten times a. */
static void decode(struct tvn_str text, struct tvn_strbuf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '\\') {
            tvn_strbuf_add_char(out, text.ptr[i]);
            continue;
        }
        char c = text.ptr[++i];
        if (c == 'x') {
            tvn_strbuf_add_char(out, from_hex(text.ptr + i + 1));
            i += 2;
        } else if (c == 'R') {
            char *end;
            unsigned long count = strtoul(text.ptr + i + 1, &end, 10);
            tvn_strbuf_add_repeat(out, *end, count);
            i = (size_t)(end - text.ptr) + 1;
            assert_int_equal(text.ptr[i], ';');
        } else {
            tvn_strbuf_add_char(out, c == 'r'   ? '\r'
                                     : c == 'n' ? '\n'
                                     : c == 't' ? '\t'
                                     : c == '0' ? '\0'
                                                : c);
        }
    }
    assert_false(out->failed);
}

/* What the server would say without its routes. */
static unsigned verdict(struct tvn_str bytes, const struct tvn_http_policy *policy)
{
    struct tvn_http_head head;
    size_t length = tvn_http_head_length(bytes);
    if (length == TVN_HTTP_HEAD_BROKEN) {
        return 400;
    }
    if (length == 0 || length > TVN_HTTP_HEAD_MAX) {
        return bytes.len >= TVN_HTTP_HEAD_MAX ? 431 : 0;
    }
    struct tvn_http_refusal refusal = tvn_http_head_parse(tvn_str_slice(bytes, 0, length), &head);
    if (refusal.status == 0) {
        refusal = tvn_http_judge(&head, policy);
    }
    return refusal.status == 0 ? 200 : refusal.status;
}

static struct tvn_str take(struct tvn_str *rest, char until)
{
    size_t end = tvn_str_find(*rest, until);
    assert_true(end != SIZE_MAX);
    struct tvn_str part = tvn_str_slice(*rest, 0, end);
    *rest = tvn_str_slice(*rest, end + 1, rest->len);
    return part;
}

static void test_head_of_the_table_gets_its_verdict(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_file_bytes) file = {0};
    assert_int_equal(tvn_file_read(TABLE, TABLE_MAX, &file), TVN_OK);
    struct tvn_str rest = {(const char *)file.ptr, file.len};
    static const struct tvn_http_policy policy = {0};
    unsigned rows = 0;
    while (rest.len > 0) {
        struct tvn_str line = take(&rest, '\n');
        if (line.ptr[0] == '#') {
            continue;
        }
        struct tvn_str name = take(&line, '\t');
        struct tvn_str digits = take(&line, '\t');
        TVN_AUTO_VALUE(tvn_strbuf) bytes = {0};
        decode(line, &bytes);
        uint64_t expected;
        assert_true(tvn_parse_u64(digits.ptr, digits.len, &expected));
        unsigned given = verdict(tvn_strbuf_view(&bytes), &policy);
        bool by_routes = given == 200 && (expected == 404 || expected == 400);
        if (given != expected && !by_routes) {
            fail_msg("%.*s: %u, not %u", TVN_STR_ARG(name), given, (unsigned)expected);
        }
        rows++;
    }
    assert_true(rows > 250);
}

/* Byte by byte nothing is judged otherwise than at once. */
static void test_head_length_of_each_front_part(void **state)
{
    (void)state;
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\nX:\r\n\r\nrest";
    size_t whole = (size_t)(strstr(text, "\r\n\r\n") - text) + 4;
    for (size_t i = 0; i < sizeof(text); i++) {
        struct tvn_str part = {text, i};
        assert_int_equal(tvn_http_head_length(part), i < whole ? 0 : whole);
    }
}

/* ---- policies ---- */

static unsigned judge(const char *headers, const struct tvn_http_policy *policy)
{
    TVN_AUTO_VALUE(tvn_strbuf) bytes = {0};
    tvn_strbuf_printf(&bytes, "GET / HTTP/1.1\r\n%s\r\n", headers);
    return verdict(tvn_strbuf_view(&bytes), policy);
}

static void test_judge_asks_for_the_token(void **state)
{
    (void)state;
    static const struct tvn_http_policy policy = {.token = "0123456789abcdef"};
    static const struct {
        const char *header;
        unsigned status;
    } rows[] = {
        {"Authorization: Bearer 0123456789abcdef\r\n", 200},
        {"authorization: bearer 0123456789abcdef\r\n", 200},
        {"", 401},
        {"Authorization:\r\n", 401},
        {"Authorization: Bearer\r\n", 401},
        {"Authorization: Bearer \r\n", 401},
        {"Authorization: Bearer 0123456789abcde\r\n", 401},
        {"Authorization: Bearer 0123456789abcdef0\r\n", 401},
        {"Authorization: Bearer 0123456789abcdef0123456789abcdef\r\n", 401},
        {"Authorization: Bearer 0123456789ABCDEF\r\n", 401},
        {"Authorization: Bearer  0123456789abcdef\r\n", 401},
        {"Authorization: Basic 0123456789abcdef\r\n", 401},
        {"Authorization: 0123456789abcdef\r\n", 401},
        {"Authorization: Bearer 0123456789abcdef\r\nAuthorization: Bearer x\r\n", 400},
        {"X-Authorization: Bearer 0123456789abcdef\r\n", 401},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(rows); i++) {
        TVN_AUTO_VALUE(tvn_strbuf) headers = {0};
        tvn_strbuf_printf(&headers, "Host: localhost\r\n%s", rows[i].header);
        assert_int_equal(judge(tvn_strbuf_text(&headers), &policy), rows[i].status);
    }
    static const struct tvn_http_policy empty = {.token = ""};
    assert_int_equal(judge("Host: localhost\r\nAuthorization: Bearer \r\n", &empty), 401);
}

static void test_judge_compares_the_port_of_the_host(void **state)
{
    (void)state;
    static const struct tvn_http_policy policy = {.port = 9100, .host = "127.0.0.2"};
    static const struct {
        const char *host;
        unsigned status;
    } rows[] = {
        {"Host: localhost:9100\r\n", 200}, {"Host: 127.0.0.1:9100\r\n", 200},
        {"Host: [::1]:9100\r\n", 200},     {"Host: 127.0.0.2:9100\r\n", 200},
        {"Host: localhost\r\n", 403},      {"Host: localhost:9101\r\n", 403},
        {"Host: localhost:910\r\n", 403},  {"Host: 127.0.0.3:9100\r\n", 403},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(rows); i++) {
        assert_int_equal(judge(rows[i].host, &policy), rows[i].status);
    }
    static const struct tvn_http_policy http = {.port = 80};
    assert_int_equal(judge("Host: localhost\r\n", &http), 200);
}

static void test_judge_refuses_another_users_peer_first(void **state)
{
    (void)state;
    static const struct tvn_http_policy policy = {.peer_refused = true, .token = "x"};
    assert_int_equal(judge("Host: localhost\r\n", &policy), 403);
}

static void test_head_says_whether_the_connection_stays(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        bool stays;
    } rows[] = {
        {"", true},
        {"Connection: keep-alive\r\n", true},
        {"Connection: close\r\n", false},
        {"Connection: a,CLOSE ,b\r\n", false},
        {"Connection: a\r\nConnection: close\r\n", false},
        {"Connection: closed\r\n", true},
        {"Connection: ,,\r\n", true},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(rows); i++) {
        TVN_AUTO_VALUE(tvn_strbuf) bytes = {0};
        struct tvn_http_head head;
        tvn_strbuf_printf(&bytes, "GET /a?b HTTP/1.1\r\nHost: x\r\n%s\r\n", rows[i].header);
        assert_int_equal(tvn_http_head_parse(tvn_strbuf_view(&bytes), &head).status, 0);
        assert_int_equal(head.keep_alive, rows[i].stays);
        assert_str(head.path, "/a");
        assert_str(head.query, "b");
    }
}

/* ---- targets ---- */

static void test_query_find_takes_the_first_of_a_name(void **state)
{
    (void)state;
    struct tvn_str value;
    struct tvn_str query = TVN_STR("a=1&b=&c&=x&a=2&d=e=f&&%61=3");
    assert_true(tvn_http_query_find(query, "a", &value));
    assert_str(value, "1");
    assert_true(tvn_http_query_find(query, "b", &value));
    assert_str(value, "");
    assert_true(tvn_http_query_find(query, "c", &value));
    assert_str(value, "");
    assert_true(tvn_http_query_find(query, "d", &value));
    assert_str(value, "e=f");
    assert_false(tvn_http_query_find(query, "f", &value));
    assert_false(tvn_http_query_find(TVN_STR(""), "a", &value));
}

static void test_unescape_resolves_once(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    tvn_http_unescape(TVN_STR("a%2Fb%2525%C3%a4+"), &out);
    assert_str(tvn_strbuf_view(&out), "a/b%25\xc3\xa4+");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head_of_the_table_gets_its_verdict),
        cmocka_unit_test(test_head_length_of_each_front_part),
        cmocka_unit_test(test_judge_asks_for_the_token),
        cmocka_unit_test(test_judge_compares_the_port_of_the_host),
        cmocka_unit_test(test_judge_refuses_another_users_peer_first),
        cmocka_unit_test(test_head_says_whether_the_connection_stays),
        cmocka_unit_test(test_query_find_takes_the_first_of_a_name),
        cmocka_unit_test(test_unescape_resolves_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
