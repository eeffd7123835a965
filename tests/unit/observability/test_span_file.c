/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "observability/span_file.h"

#include "tvn_test.h"

#include <fcntl.h>
#include <unistd.h>

#define LONG_NS UINT64_C(60000000000)

static const struct tvn_otlp_resource resource = {.service_name = "torvyn"};

static struct tvn_span_transport *create(int fd, uint32_t spans_per_line)
{
    const struct tvn_span_file_options options = {
        .fd = fd, .owns_fd = true, .resource = &resource, .spans_per_line = spans_per_line};
    struct tvn_span_transport *transport = NULL;
    assert_status(tvn_span_file_transport_create(&options, &transport), TVN_OK);
    return transport;
}

static void fill(struct tvn_trace_span *spans, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tvn_trace_span_init(&spans[i]);
        tvn_trace_span_set_name_number(&spans[i], TVN_STR("element:"), i);
    }
}

static enum tvn_span_send send_all(struct tvn_span_transport *transport,
                                   const struct tvn_trace_span *spans, size_t count,
                                   uint64_t timeout_ns, size_t *out_rejected)
{
    uint32_t retry_ms = 0;
    *out_rejected = 0;
    return transport->ops->send(transport, spans, count, tvn_clock_monotonic_ns() + timeout_ns,
                                &retry_ms, out_rejected);
}

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;
    for (; (text = strstr(text, what)) != NULL; text++) {
        count++;
    }
    return count;
}

static void test_span_file_writes_lines(void **state)
{
    (void)state;
    static struct tvn_trace_span spans[5];
    static char text[16384];
    fill(spans, 5);
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    struct tvn_span_transport *transport = create(fds[1], 2);
    size_t rejected;
    assert_int_equal(send_all(transport, spans, 5, LONG_NS, &rejected), TVN_SPAN_SENT);
    assert_int_equal(rejected, 0);
    ssize_t length = read(fds[0], text, sizeof(text) - 1);
    assert_true(length > 0);
    assert_int_equal(count_of(text, "\n"), 3);
    assert_int_equal(count_of(text, "{\"resourceSpans\":["), 3);
    assert_int_equal(count_of(text, "\"name\":\"element:"), 5);
    close(fds[0]);
    tvn_span_transport_destroy(transport);
}

static void test_span_file_nobody_reads_is_retried_then_whole(void **state)
{
    (void)state;
    static struct tvn_trace_span spans[1];
    static char text[1 << 20];
    fill(spans, 1);
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    struct tvn_span_transport *transport = create(fds[1], 1);
    size_t rejected;
    enum tvn_span_send result;
    size_t sent = 0;
    do { /* until the pipe is full: one span is taken in part */
        result = send_all(transport, spans, 1, 1, &rejected);
        sent += result == TVN_SPAN_SENT ? 1 : 0;
    } while (result == TVN_SPAN_SENT);
    assert_int_equal(result, TVN_SPAN_RETRY);
    ssize_t length = read(fds[0], text, sizeof(text) - 1);
    assert_true(length > 0);
    assert_int_equal(send_all(transport, spans, 1, LONG_NS, &rejected), TVN_SPAN_SENT);
    tvn_span_transport_destroy(transport); /* closes */
    ssize_t more;
    while ((more = read(fds[0], text + length, sizeof(text) - 1 - (size_t)length)) > 0) {
        length += more;
    }
    assert_int_equal(count_of(text, "\n"), sent + 1);
    assert_int_equal(count_of(text, "{\"resourceSpans\":["), sent + 1);
    assert_int_equal(text[length - 1], '\n');
    close(fds[0]);
}

static void test_span_file_that_cannot_be_written_loses(void **state)
{
    (void)state;
    static struct tvn_trace_span spans[1];
    fill(spans, 1);
    struct tvn_span_transport *transport = create(open("/dev/full", O_WRONLY | O_CLOEXEC), 1);
    size_t rejected;
    assert_int_equal(send_all(transport, spans, 1, LONG_NS, &rejected), TVN_SPAN_LOST);
    assert_int_equal(send_all(transport, spans, 1, LONG_NS, &rejected), TVN_SPAN_LOST);
    tvn_span_transport_destroy(transport);
}

static void test_span_file_interrupted_returns(void **state)
{
    (void)state;
    static struct tvn_trace_span spans[1];
    fill(spans, 1);
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    struct tvn_span_transport *transport = create(fds[1], 1);
    size_t rejected;
    while (send_all(transport, spans, 1, 1, &rejected) == TVN_SPAN_SENT) {
    }
    transport->ops->interrupt(transport);
    assert_int_equal(send_all(transport, spans, 1, LONG_NS, &rejected), TVN_SPAN_RETRY);
    close(fds[0]);
    tvn_span_transport_destroy(transport);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_span_file_writes_lines),
    cmocka_unit_test(test_span_file_nobody_reads_is_retried_then_whole),
    cmocka_unit_test(test_span_file_that_cannot_be_written_loses),
    cmocka_unit_test(test_span_file_interrupted_returns),
};
TVN_TEST_MAIN("observability.span_file", tests)
