/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"
#include "net/http_server.h"

#include "tvn_test.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MAX  65536
#define WAIT_S      60 /* for what must happen, however slow the machine is */
#define FAILURES    60
#define STREAM_ENDS 3

/* ---- a server that echoes ---- */

static struct sockaddr_un address;
static socklen_t address_length;
static struct tvn_http_server *server;

static struct {
    atomic_uint pieces; /* asked of the stream that is there */
    atomic_uint closed;
    atomic_bool told_to_stop;
} stream;

/* "piece" three times with a rest after each, or for ever until it is told to stop. */
static ssize_t read_stream(void *context, char *out, size_t max, bool stopping)
{
    bool ends = context != NULL;
    unsigned asked = atomic_fetch_add(&stream.pieces, 1);
    assert_true(max >= 5);
    if (stopping) {
        atomic_store(&stream.told_to_stop, true);
        return -1;
    }
    if (ends && asked >= 2 * STREAM_ENDS) {
        return -1;
    }
    if (asked % 2 == 1 || (!ends && asked > 0)) {
        return 0;
    }
    memcpy(out, "piece", 5);
    return 5;
}

static void close_stream(void *context)
{
    (void)context;
    atomic_fetch_add(&stream.closed, 1);
}

static void echo(void *context, const struct tvn_http_request *request,
                 struct tvn_http_response *response)
{
    static int yes;
    (void)context;
    if (tvn_str_starts_with(request->path, TVN_STR("/stream"))) {
        bool ends = tvn_str_is(request->query, "ends");
        response->content_type = "text/plain";
        response->stream = (struct tvn_http_stream){
            .read = read_stream, .close = close_stream, .context = ends ? &yes : NULL};
        return;
    }
    assert_true(request->is_unix);
    tvn_strbuf_printf(&response->body, "%s %.*s %.*s %.*s", request->is_post ? "post" : "get",
                      TVN_STR_ARG(request->path), TVN_STR_ARG(request->query),
                      TVN_STR_ARG(request->body));
}

static int start_server(void **state)
{
    (void)state;
    static unsigned number;
    address = (struct sockaddr_un){.sun_family = AF_UNIX};
    int length = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "torvyn-test-%ld-%u",
                          (long)getpid(), number++); /* no file: the name begins with NUL */
    address_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, address_length), 0);
    assert_int_equal(listen(fd, 16), 0);
    const struct tvn_http_listener listener = {.fd = fd};
    stream.pieces = 0;
    stream.closed = 0;
    stream.told_to_stop = false;
    assert_status(tvn_http_server_start(&listener, 1, echo, NULL, &server), TVN_OK);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    tvn_http_server_stop(TVN_TAKE(server));
    return 0;
}

static int connect_to(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {.tv_sec = WAIT_S};
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, address_length), 0);
    return fd;
}

/* Until the peer closes. False when it does not say anything. */
static bool read_answer(int fd, char answer[ANSWER_MAX])
{
    size_t length = 0;
    ssize_t got;
    while ((got = recv(fd, answer + length, ANSWER_MAX - 1 - length, 0)) > 0) {
        length += (size_t)got;
    }
    answer[length] = '\0';
    return length > 0;
}

static bool ask(const char *request, char answer[ANSWER_MAX])
{
    int fd = connect_to();
    size_t length = strlen(request);
    bool sent = send(fd, request, length, MSG_NOSIGNAL) == (ssize_t)length;
    bool answered = sent && read_answer(fd, answer);
    tvn_fd_close(&fd);
    return answered;
}

#define HOST  "Host: localhost\r\n"
#define CLOSE "Connection: close\r\n"

/* ---- tests ---- */

static void test_server_answers_one_after_the_other(void **state)
{
    (void)state;
    char answer[ANSWER_MAX];
    assert_true(ask("GET /a?b HTTP/1.1\r\n" HOST "\r\n"
                    "POST /c HTTP/1.1\r\n" HOST
                    "Content-Type: application/json\r\nContent-Length: 4\r\n\r\nbody"
                    "GET /d HTTP/1.1\r\n" HOST CLOSE "\r\n",
                    answer));
    const char *first = strstr(answer, "get /a b ");
    const char *second = first ? strstr(first, "post /c  body") : NULL;
    assert_non_null(second);
    assert_non_null(strstr(second, "get /d  "));
}

static void test_stream_ends_with_its_last_piece(void **state)
{
    (void)state;
    char answer[ANSWER_MAX];
    assert_true(ask("GET /stream?ends HTTP/1.1\r\n" HOST "\r\n", answer));
    assert_non_null(strstr(answer, "Transfer-Encoding: chunked\r\n"));
    assert_non_null(strstr(answer, "\r\n\r\n5\r\npiece\r\n5\r\npiece\r\n5\r\npiece\r\n0\r\n\r\n"));
    assert_int_equal(stream.closed, 1);
}

static void test_head_of_a_stream_asks_it_for_nothing(void **state)
{
    (void)state;
    char answer[ANSWER_MAX];
    assert_true(ask("HEAD /stream HTTP/1.1\r\n" HOST "\r\n", answer));
    assert_int_equal(strncmp(answer, "HTTP/1.1 200 ", 13), 0);
    assert_int_equal(stream.pieces, 0);
    assert_int_equal(stream.closed, 1);
}

static void test_stop_tells_streams_and_finishes_them(void **state)
{
    char answer[ANSWER_MAX];
    static const char request[] = "GET /stream HTTP/1.1\r\n" HOST "\r\n";
    int fd = connect_to();
    assert_int_equal(send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL), sizeof(request) - 1);
    assert_int_equal(recv(fd, answer, 1, MSG_PEEK), 1); /* it has begun */
    (void)stop_server(state);
    assert_true(read_answer(fd, answer));
    assert_non_null(strstr(answer, "5\r\npiece\r\n0\r\n\r\n"));
    assert_true(stream.told_to_stop);
    assert_int_equal(stream.closed, 1);
    tvn_fd_close(&fd);
}

static void test_streams_beyond_the_limit_are_refused(void **state)
{
    char answer[ANSWER_MAX];
    static const char request[] = "GET /stream HTTP/1.1\r\n" HOST "\r\n";
    int fds[TVN_HTTP_STREAMS_MAX];
    for (unsigned i = 0; i < TVN_HTTP_STREAMS_MAX; i++) {
        fds[i] = connect_to();
        assert_int_equal(send(fds[i], request, sizeof(request) - 1, MSG_NOSIGNAL),
                         sizeof(request) - 1);
        assert_int_equal(recv(fds[i], answer, 1, MSG_PEEK), 1);
    }
    assert_true(ask(request, answer));
    assert_int_equal(strncmp(answer, "HTTP/1.1 503 ", 13), 0);
    assert_int_equal(stream.closed, 1);
    for (unsigned i = 0; i < TVN_HTTP_STREAMS_MAX; i++) {
        tvn_fd_close(&fds[i]);
    }
    (void)stop_server(state);
    assert_int_equal(stream.closed, TVN_HTTP_STREAMS_MAX + 1);
}

/* Whatever allocation fails, a peer gets an answer or none, and the next one is served. */
static void test_server_outlives_every_failed_allocation(void **state)
{
    (void)state;
    char answer[ANSWER_MAX];
    unsigned unanswered = 0;
    for (uint64_t i = 1; i <= FAILURES; i++) {
        tvn_mem_fail_at(i % (FAILURES / 2) + 1, i > FAILURES / 2);
        bool answered = ask("GET /a HTTP/1.1\r\n" HOST CLOSE "\r\n", answer);
        tvn_mem_fail_at(0, false);
        unanswered += !answered;
        assert_true(!answered || strncmp(answer, "HTTP/1.1 ", 9) == 0);
        assert_true(ask("GET /a HTTP/1.1\r\n" HOST CLOSE "\r\n", answer));
        assert_non_null(strstr(answer, "get /a  "));
    }
    assert_true(unanswered > 0 && unanswered < FAILURES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_server_answers_one_after_the_other, start_server,
                                        stop_server),
        cmocka_unit_test_setup_teardown(test_stream_ends_with_its_last_piece, start_server,
                                        stop_server),
        cmocka_unit_test_setup_teardown(test_head_of_a_stream_asks_it_for_nothing, start_server,
                                        stop_server),
        cmocka_unit_test_setup_teardown(test_stop_tells_streams_and_finishes_them, start_server,
                                        stop_server),
        cmocka_unit_test_setup_teardown(test_streams_beyond_the_limit_are_refused, start_server,
                                        stop_server),
        cmocka_unit_test_setup_teardown(test_server_outlives_every_failed_allocation, start_server,
                                        stop_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
