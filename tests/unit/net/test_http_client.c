/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_client.h"

#include "http_peer.h"

#define LONG_MS 60000 /* for what must happen, however slow the machine is */

static const char *const headers[] = {"Content-Type: text/test", "TE: trailers"};

static struct tvn_http_call *post(struct tvn_http_client *client, const char *url,
                                  uint32_t timeout_ms, bool http2)
{
    const struct tvn_http_call_options options = {
        .url = url,
        .headers = headers,
        .header_count = TVN_ARRAY_LEN(headers),
        .body = TVN_STR("hello"),
        .http2 = http2,
        .connect_timeout_ms = timeout_ms,
        .timeout_ms = timeout_ms,
        .answer_max = 1000,
    };
    struct tvn_http_call *call = NULL;
    assert_status(tvn_http_client_post(client, &options, &call), TVN_OK);
    return call;
}

static const struct tvn_http_answer *finish(struct tvn_http_client *client,
                                            struct tvn_http_call *call)
{
    const struct tvn_http_answer *answer;
    while (!(answer = tvn_http_call_answer(call))) {
        tvn_http_client_wait(client, LONG_MS);
    }
    return answer;
}

static void test_post_is_sent_and_answered(void **state)
{
    (void)state;
    TVN_AUTO(tvn_http_client) client = NULL;
    assert_status(tvn_http_client_create(&client), TVN_OK);
    struct http_peer peer = {.says =
                                 "HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\n"
                                 "HTTP/1.1 429 Slow down\r\nContent-Length: 3\r\nRetry-After: 7\r\n"
                                 "X-Twice: a\r\nX-TWICE:  b \r\n\r\nabc"};
    http_peer_start(&peer);
    TVN_AUTO(tvn_http_call) call = post(client, peer.url, LONG_MS, false);
    const struct tvn_http_answer *answer = finish(client, call);
    assert_int_equal(answer->failure, TVN_HTTP_ANSWERED);
    assert_int_equal(answer->status, 429);
    assert_int_equal(answer->retry_after_s, 7);
    assert_string_equal(tvn_strbuf_text(&answer->body), "abc");
    struct tvn_str value;
    assert_true(tvn_http_answer_header(answer, "x-twice", &value));
    assert_true(tvn_str_is(value, "b"));
    assert_false(tvn_http_answer_header(answer, "x-early", &value));
    http_peer_stop(&peer);
    assert_non_null(strstr(peer.head, "POST /x HTTP/1.1\r\n"));
    assert_non_null(strstr(peer.head, "\r\nContent-Type: text/test\r\n"));
    assert_non_null(strstr(peer.head, "\r\nContent-Length: 5\r\n"));
    assert_non_null(strstr(peer.head, "\r\n\r\nhello"));
    assert_null(strstr(peer.head, "Expect"));
}

static void test_redirects_are_not_followed(void **state)
{
    (void)state;
    TVN_AUTO(tvn_http_client) client = NULL;
    assert_status(tvn_http_client_create(&client), TVN_OK);
    struct http_peer peer = {.says = "HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:1/\r\n"
                                     "Content-Length: 0\r\n\r\n"};
    http_peer_start(&peer);
    TVN_AUTO(tvn_http_call) call = post(client, peer.url, LONG_MS, false);
    const struct tvn_http_answer *answer = finish(client, call);
    assert_int_equal(answer->failure, TVN_HTTP_ANSWERED);
    assert_int_equal(answer->status, 307);
    http_peer_stop(&peer);
}

static void test_hostile_answers_fail(void **state)
{
    (void)state;
    static const struct {
        const char *says;
        size_t repeat;
        bool http2;
        enum tvn_http_failure failure;
    } cases[] = {
        {"", 0, false, TVN_HTTP_BROKEN},
        {"SSH-2.0-OpenSSH\r\n", 0, false, TVN_HTTP_BROKEN},
        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", 0, false, TVN_HTTP_BROKEN},
        {"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\na", 1 << 20, false,
         TVN_HTTP_TOO_LARGE},
        {"HTTP/1.1 200 OK\r\n\r\na", 1 << 20, false, TVN_HTTP_TOO_LARGE},
        {"HTTP/1.1 200 OK\r\nX: a", 1 << 20, false, TVN_HTTP_TOO_LARGE},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0, true, TVN_HTTP_BROKEN},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 0, true, TVN_HTTP_BROKEN},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        TVN_AUTO(tvn_http_client) client = NULL;
        assert_status(tvn_http_client_create(&client), TVN_OK);
        struct http_peer peer = {.says = cases[i].says,
                                 .repeat = cases[i].repeat,
                                 .until = cases[i].http2 ? "\r\n\r\n" : NULL};
        http_peer_start(&peer);
        struct tvn_http_call *call = post(client, peer.url, LONG_MS, cases[i].http2);
        const struct tvn_http_answer *answer = finish(client, call);
        print_message("%zu: %s\n", i, answer->why);
        /* curl has a limit of its own for one header. */
        bool too_much =
            answer->failure == TVN_HTTP_TOO_LARGE || answer->failure == TVN_HTTP_NO_MEMORY;
        assert_true(answer->failure == cases[i].failure ||
                    (too_much && cases[i].failure == TVN_HTTP_TOO_LARGE));
        assert_int_equal(answer->status, 0);
        tvn_http_call_destroy(call);
        http_peer_stop(&peer);
    }
}

static void test_a_silent_peer_times_out_or_is_given_up(void **state)
{
    (void)state;
    TVN_AUTO(tvn_http_client) client = NULL;
    assert_status(tvn_http_client_create(&client), TVN_OK);
    struct http_peer peer = {.says = "", .holds = true};
    http_peer_start(&peer);
    struct tvn_http_call *call = post(client, peer.url, 50, false);
    assert_int_equal(finish(client, call)->failure, TVN_HTTP_TIMED_OUT);
    tvn_http_call_destroy(call);
    http_peer_stop(&peer);
    struct http_peer other = {.says = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
                              .holds = true};
    http_peer_start(&other);
    call = post(client, other.url, LONG_MS, false);
    tvn_http_client_wait(client, 1);
    assert_null(tvn_http_call_answer(call));
    tvn_http_call_destroy(call);
    tvn_http_client_destroy(TVN_TAKE(client)); /* hangs up */
    http_peer_stop(&other);
}

static void test_a_refused_port_is_unreachable(void **state)
{
    (void)state;
    TVN_AUTO(tvn_http_client) client = NULL;
    assert_status(tvn_http_client_create(&client), TVN_OK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* bound, and does not listen */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    char url[64];
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    TVN_AUTO(tvn_http_call) call = post(client, url, LONG_MS, true);
    assert_int_equal(finish(client, call)->failure, TVN_HTTP_UNREACHABLE);
    close(fd);
}

static void *wake(void *client)
{
    tvn_http_client_wake(client);
    return NULL;
}

static void test_wake_ends_a_wait(void **state)
{
    (void)state;
    TVN_AUTO(tvn_http_client) client = NULL;
    assert_status(tvn_http_client_create(&client), TVN_OK);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wake, client), 0);
    tvn_http_client_wait(client, LONG_MS * 60); /* else the test's own time is over */
    pthread_join(thread, NULL);
}

static void test_urls(void **state)
{
    (void)state;
    static const char *const good[] = {"http://localhost:4317", "https://collector.example",
                                       "http://[::1]:4318/otlp", "http://u:p@host:1/"};
    static const char *const bad[] = {"",
                                      "localhost:4317",
                                      "http://",
                                      "ftp://host/",
                                      "http:/x",
                                      "file:///etc/passwd",
                                      "http://h/#x",
                                      "http://h/?q",
                                      "http://h:99999/",
                                      "http://h/\n",
                                      "http://a b/",
                                      "unix:///x"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(good); i++) {
        assert_true(tvn_http_url_is_valid(good[i]));
    }
    for (size_t i = 0; i < TVN_ARRAY_LEN(bad); i++) {
        if (tvn_http_url_is_valid(bad[i])) {
            fail_msg("'%s' is valid", bad[i]);
        }
    }
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    tvn_http_url_origin("https://user:secret@host/path", &out);
    tvn_strbuf_add_char(&out, ' ');
    tvn_http_url_path("https://user:secret@host/path", &out);
    tvn_http_url_path("https://host", &out);
    assert_string_equal(tvn_strbuf_text(&out), "https://host:443 /path/");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_post_is_sent_and_answered),
    cmocka_unit_test(test_redirects_are_not_followed),
    cmocka_unit_test(test_hostile_answers_fail),
    cmocka_unit_test(test_a_silent_peer_times_out_or_is_given_up),
    cmocka_unit_test(test_a_refused_port_is_unreachable),
    cmocka_unit_test(test_wake_ends_a_wait),
    cmocka_unit_test(test_urls),
};
TVN_TEST_MAIN("net.http_client", tests)
