/* SPDX-License-Identifier: Apache-2.0 */
#include "connector_rig.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

static struct connector_rig rig;

static void set_up(void)
{
    signal(SIGPIPE, SIG_IGN);
    connector_rig_init(&rig, TVN_EXHAUSTION_FALLBACK_ALLOC, 64);
}

static struct tvn_invoker *over_fd(int fd)
{
    struct tvn_invoker *sink = NULL;
    rig.options.spec = (struct tvn_connector_spec){.kind = TVN_CONNECTOR_STDOUT};
    rig.options.fd = fd;
    assert_status(tvn_connector_create_sink(&rig.options, &sink), TVN_OK);
    assert_int_equal(sink->role, TVN_ROLE_SINK);
    return sink;
}

static enum tvn_outcome push(struct tvn_invoker *sink, const char *text)
{
    return connector_rig_push(&rig, sink, text, strlen(text));
}

/* What can be read now; never more than the array. */
static const char *read_now(int fd)
{
    static char text[1 << 17];
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    ssize_t count = poll(&ready, 1, 0) > 0 ? read(fd, text, sizeof(text) - 1) : 0;
    text[count > 0 ? count : 0] = '\0';
    return text;
}

static void test_lines_are_held_back_until_idle_or_complete(void **state)
{
    (void)state;
    set_up();
    int ends[2];
    connector_rig_pipe(ends);
    TVN_AUTO(tvn_invoker) sink = over_fd(ends[1]);
    assert_int_equal(push(sink, "one"), TVN_OUTCOME_EMIT);
    assert_int_equal(push(sink, ""), TVN_OUTCOME_EMIT);
    assert_string_equal(read_now(ends[0]), "");
    assert_int_equal(sink->ops->idle(sink, &rig.fault), TVN_OUTCOME_EMIT);
    assert_string_equal(read_now(ends[0]), "one\n\n");
    assert_int_equal(push(sink, "two"), TVN_OUTCOME_EMIT);
    assert_int_equal(connector_rig_call(&rig, sink, TVN_ENTRY_COMPLETE), TVN_OUTCOME_EMIT);
    assert_string_equal(read_now(ends[0]), "two\n");
    assert_int_equal(push(sink, "three"), TVN_OUTCOME_EMIT);
    assert_int_equal(connector_rig_call(&rig, sink, TVN_ENTRY_TEARDOWN), TVN_OUTCOME_EMIT);
    assert_string_equal(read_now(ends[0]), "three\n");
    assert_int_equal(tvn_stat_get(&rig.stats.copies.count[TVN_COPY_HOST_SERIALIZE]), 4);
    assert_int_equal(tvn_stat_get(&rig.stats.copies.bytes[TVN_COPY_HOST_SERIALIZE]), 11);
    assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
    close(ends[0]);
    close(ends[1]);
    connector_rig_deinit(&rig);
}

static void test_element_without_payload_is_an_empty_line(void **state)
{
    (void)state;
    set_up();
    int ends[2];
    connector_rig_pipe(ends);
    TVN_AUTO(tvn_invoker) sink = over_fd(ends[1]);
    struct tvn_element in = {0};
    struct tvn_call call = {.in = &in, .fault = &rig.fault};
    assert_int_equal(tvn_invoke(sink, TVN_ENTRY_PUSH, &call), TVN_OUTCOME_EMIT);
    assert_int_equal(sink->ops->idle(sink, &rig.fault), TVN_OUTCOME_EMIT);
    assert_string_equal(read_now(ends[0]), "\n");
    close(ends[0]);
    close(ends[1]);
    connector_rig_deinit(&rig);
}

/* A reader that is slower than the sink gets every byte in order, though the pipe is full all the
 * time. */
static void slow_reader(int reading, int writing)
{
    set_up();
    struct tvn_invoker *sink = over_fd(writing);
    char line[3000];
    size_t expected_line = 0, expected_at = 0;
    uint64_t waits = 0;
    int pushed = 0;
    for (bool complete = false; !complete;) {
        if (pushed < 200) {
            memset(line, 'a' + pushed % 26, sizeof(line));
            size_t length = (size_t)(pushed * 37) % sizeof(line);
            enum tvn_outcome outcome = connector_rig_push(&rig, sink, line, length);
            assert_true(outcome == TVN_OUTCOME_EMIT || outcome == TVN_OUTCOME_WAIT);
            pushed += outcome == TVN_OUTCOME_EMIT;
            waits += outcome == TVN_OUTCOME_WAIT;
            if (outcome == TVN_OUTCOME_EMIT) {
                continue;
            }
        } else {
            complete = connector_rig_call(&rig, sink, TVN_ENTRY_COMPLETE) == TVN_OUTCOME_EMIT;
            waits += !complete;
        }
        do {
            for (const char *c = read_now(reading); *c; c++) {
                size_t length = (expected_line * 37) % sizeof(line);
                if (expected_at == length) {
                    assert_int_equal(*c, '\n');
                    expected_line++;
                    expected_at = 0;
                } else {
                    assert_int_equal(*c, 'a' + expected_line % 26);
                    expected_at++;
                }
            }
        } while (complete && poll(&(struct pollfd){.fd = reading, .events = POLLIN}, 1, 0) > 0);
    }
    assert_int_equal(expected_line, 200);
    assert_true(waits > 3);
    tvn_invoker_destroy(sink);
    close(reading);
    close(writing);
    connector_rig_deinit(&rig);
}

static void test_full_pipe_makes_push_wait_and_loses_nothing(void **state)
{
    (void)state;
    int ends[2];
    connector_rig_pipe(ends);
    slow_reader(ends[0], ends[1]);
}

static void test_full_socket_makes_push_wait_and_loses_nothing(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    int small = 4096;
    setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    slow_reader(ends[0], ends[1]);
}

static void test_wait_fd_is_for_writing(void **state)
{
    (void)state;
    set_up();
    int ends[2];
    connector_rig_pipe(ends);
    struct tvn_invoker *sink = over_fd(ends[1]);
    while (push(sink, "0123456789012345678901234567890123456789") == TVN_OUTCOME_EMIT) {
    }
    short events = 0;
    int fd = sink->ops->wait_fd(sink, &events);
    assert_true(fd >= 0);
    assert_int_equal(events, POLLOUT);
    assert_int_equal(poll(&(struct pollfd){.fd = fd, .events = events}, 1, 0), 0);
    while (*read_now(ends[0])) {
    }
    assert_int_equal(poll(&(struct pollfd){.fd = fd, .events = events}, 1, 0), 1);
    tvn_invoker_destroy(sink);
    close(ends[0]);
    close(ends[1]);
    connector_rig_deinit(&rig);
}

static void test_element_larger_than_the_buffer_comes_out_whole(void **state)
{
    (void)state;
    set_up();
    char path[] = "/tmp/tvn-line-sink-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    size_t length = 5u << 20;
    char *big = malloc(length);
    assert_non_null(big);
    for (size_t i = 0; i < length; i++) {
        big[i] = (char)('a' + i % 23);
    }
    struct tvn_invoker *sink = NULL;
    rig.options.spec =
        (struct tvn_connector_spec){.kind = TVN_CONNECTOR_FILE, .path = tvn_str_of(path)};
    assert_status(tvn_connector_create_sink(&rig.options, &sink), TVN_OK);
    short events;
    assert_int_equal(sink->ops->wait_fd(sink, &events), -1);
    assert_int_equal(push(sink, "before"), TVN_OUTCOME_EMIT);
    assert_int_equal(connector_rig_push(&rig, sink, big, length), TVN_OUTCOME_EMIT);
    assert_int_equal(push(sink, "after"), TVN_OUTCOME_EMIT);
    assert_int_equal(connector_rig_call(&rig, sink, TVN_ENTRY_COMPLETE), TVN_OUTCOME_EMIT);
    tvn_invoker_destroy(sink);

    char *back = malloc(length + 64);
    assert_non_null(back);
    size_t total = 0;
    ssize_t count;
    while ((count = read(fd, back + total, length + 64 - total)) > 0) {
        total += (size_t)count;
    }
    assert_int_equal(total, 7 + length + 1 + 6);
    assert_memory_equal(back, "before\n", 7);
    assert_memory_equal(back + 7, big, length);
    assert_memory_equal(back + 7 + length, "\nafter\n", 7);
    free(back);
    free(big);
    close(fd);
    unlink(path);
    connector_rig_deinit(&rig);
}

static void test_no_memory_for_a_large_element_is_unavailable(void **state)
{
    (void)state;
    set_up();
    struct tvn_invoker *sink = NULL;
    rig.options.spec =
        (struct tvn_connector_spec){.kind = TVN_CONNECTOR_FILE, .path = TVN_STR("/dev/null")};
    assert_status(tvn_connector_create_sink(&rig.options, &sink), TVN_OK);
    char *big = calloc(1, 200000);
    assert_non_null(big);
    assert_int_equal(push(sink, "warm-up"), TVN_OUTCOME_EMIT);
    tvn_mem_fail_at(1, false); /* the payload itself is in the pool */
    assert_int_equal(connector_rig_push(&rig, sink, big, 200000), TVN_OUTCOME_ERROR);
    assert_int_equal(rig.fault.error, TVN_PROCESS_UNAVAILABLE);
    tvn_mem_fail_at(0, false);
    assert_int_equal(connector_rig_push(&rig, sink, big, 200000), TVN_OUTCOME_EMIT);
    free(big);
    tvn_invoker_destroy(sink);
    connector_rig_deinit(&rig);
}

static void test_reader_gone_is_dead_with_e0004(void **state)
{
    (void)state;
    set_up();
    int ends[2];
    connector_rig_pipe(ends);
    TVN_AUTO(tvn_invoker) sink = over_fd(ends[1]);
    assert_int_equal(push(sink, "x"), TVN_OUTCOME_EMIT);
    close(ends[0]);
    assert_int_equal(sink->ops->idle(sink, &rig.fault), TVN_OUTCOME_DEAD);
    assert_status(rig.fault.code, TVN_E_IO_ERROR);
    assert_string_equal(rig.fault.text,
                        "cannot write to 'stdout': Broken pipe (its reader has gone)");
    /* nothing is tried again */
    assert_int_equal(connector_rig_call(&rig, sink, TVN_ENTRY_TEARDOWN), TVN_OUTCOME_EMIT);
    close(ends[1]);
    connector_rig_deinit(&rig);
}

static void test_full_device_is_dead_with_e0004(void **state)
{
    (void)state;
    set_up();
    struct tvn_invoker *sink = NULL;
    rig.options.spec =
        (struct tvn_connector_spec){.kind = TVN_CONNECTOR_FILE, .path = TVN_STR("/dev/full")};
    assert_status(tvn_connector_create_sink(&rig.options, &sink), TVN_OK);
    assert_int_equal(push(sink, "x"), TVN_OUTCOME_EMIT);
    assert_int_equal(connector_rig_call(&rig, sink, TVN_ENTRY_COMPLETE), TVN_OUTCOME_DEAD);
    assert_string_equal(rig.fault.text, "cannot write to '/dev/full': No space left on device");
    assert_int_equal(sink->ops->undelivered(sink), 1);
    tvn_invoker_destroy(sink);
    connector_rig_deinit(&rig);
}

/* Of what was taken, only whole lines that went out count. */
static void test_undelivered_are_those_not_wholly_written(void **state)
{
    (void)state;
    set_up();
    int ends[2];
    connector_rig_pipe(ends);
    assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) >= 4096);
    TVN_AUTO(tvn_invoker) sink = over_fd(ends[1]);
    for (int i = 0; i < 300; i++) {
        assert_int_equal(push(sink, "a line of some length\nwith another one in it"),
                         TVN_OUTCOME_EMIT);
    }
    assert_int_equal(sink->ops->undelivered(sink), 300);
    assert_int_equal(sink->ops->idle(sink, &rig.fault), TVN_OUTCOME_WAIT);

    uint64_t held = sink->ops->undelivered(sink);
    size_t written = strlen(read_now(ends[0]));
    assert_true(written > 0 && held > 0);
    assert_int_equal(held,
                     300 - written / strlen("a line of some length\nwith another one in it\n"));

    close(ends[0]);
    assert_int_equal(sink->ops->idle(sink, &rig.fault), TVN_OUTCOME_DEAD);
    assert_int_equal(sink->ops->undelivered(sink), held);
    close(ends[1]);
    connector_rig_deinit(&rig);
}

static void test_undelivered_large_element_counts_once(void **state)
{
    (void)state;
    set_up();
    int ends[2];
    connector_rig_pipe(ends);
    TVN_AUTO(tvn_invoker) sink = over_fd(ends[1]);
    static char large[3 * TVN_LINE_SINK_BYTES];
    memset(large, 'x', sizeof(large));
    assert_int_equal(connector_rig_push(&rig, sink, large, sizeof(large)), TVN_OUTCOME_EMIT);
    assert_int_equal(sink->ops->idle(sink, &rig.fault), TVN_OUTCOME_WAIT);
    assert_int_equal(sink->ops->undelivered(sink), 1);
    while (sink->ops->undelivered(sink) > 0) {
        assert_true(strlen(read_now(ends[0])) > 0);
        (void)sink->ops->idle(sink, &rig.fault);
    }
    assert_int_equal(push(sink, "small"), TVN_OUTCOME_EMIT);
    assert_int_equal(sink->ops->undelivered(sink), 1);
    close(ends[0]);
    close(ends[1]);
    connector_rig_deinit(&rig);
}

static void test_terminal_is_flushed_after_each_element(void **state)
{
    (void)state;
    set_up();
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(terminal >= 0);
    assert_int_equal(grantpt(terminal), 0);
    assert_int_equal(unlockpt(terminal), 0);
    int slave = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(slave >= 0);
    TVN_AUTO(tvn_invoker) sink = over_fd(slave);
    assert_int_equal(push(sink, "now"), TVN_OUTCOME_EMIT);
    assert_string_equal(read_now(terminal), "now\r\n");
    close(slave);
    close(terminal);
    connector_rig_deinit(&rig);
}

static void test_a_file_has_one_writer(void **state)
{
    (void)state;
    set_up();
    char path[] = "/tmp/torvyn-line-sink.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    rig.options.spec =
        (struct tvn_connector_spec){.kind = TVN_CONNECTOR_FILE, .path = {path, strlen(path)}};
    rig.options.fd = -1;
    struct tvn_invoker *first = NULL;
    assert_status(tvn_connector_create_sink(&rig.options, &first), TVN_OK);
    assert_int_equal(push(first, "one"), TVN_OUTCOME_EMIT);
    assert_int_equal(connector_rig_call(&rig, first, TVN_ENTRY_COMPLETE), TVN_OUTCOME_EMIT);
    struct tvn_invoker *second = NULL;
    assert_status(tvn_connector_create_sink(&rig.options, &second), TVN_E_IO_ERROR);
    assert_int_equal(errno, EBUSY);
    assert_string_equal(read_now(fd), "one\n");
    tvn_invoker_destroy(first);
    assert_status(tvn_connector_create_sink(&rig.options, &second), TVN_OK);
    assert_string_equal(read_now(fd), "");
    tvn_invoker_destroy(second);
    close(fd);
    unlink(path);
    connector_rig_deinit(&rig);
}

static void test_create_failures_keep_errno(void **state)
{
    (void)state;
    set_up();
    struct tvn_invoker *sink = NULL;
    rig.options.spec = (struct tvn_connector_spec){.kind = TVN_CONNECTOR_FILE,
                                                   .path = TVN_STR("/nonexistent/file")};
    assert_status(tvn_connector_create_sink(&rig.options, &sink), TVN_E_IO_ERROR);
    assert_int_equal(errno, ENOENT);
    rig.options.spec.path = TVN_STR("/tmp");
    assert_status(tvn_connector_create_sink(&rig.options, &sink), TVN_E_IO_ERROR);
    assert_int_equal(errno, EISDIR);
    rig.options.spec.kind = TVN_CONNECTOR_STDIN;
    assert_status(tvn_connector_create_sink(&rig.options, &sink), TVN_E_CONSTRAINT_VIOLATION);
    rig.options.spec =
        (struct tvn_connector_spec){.kind = TVN_CONNECTOR_FILE, .path = TVN_STR("/dev/null")};
    for (uint64_t n = 1; n <= 3; n++) {
        tvn_mem_fail_at(n, false);
        assert_status(tvn_connector_create_sink(&rig.options, &sink), TVN_E_OUT_OF_MEMORY);
        tvn_mem_fail_at(0, false);
    }
    assert_null(sink);
    rig.options.spec.kind = TVN_CONNECTOR_STDERR;
    rig.options.fd = 987;
    assert_status(tvn_connector_create_sink(&rig.options, &sink), TVN_E_IO_ERROR);
    assert_int_equal(errno, EBADF);
    connector_rig_deinit(&rig);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_lines_are_held_back_until_idle_or_complete),
    cmocka_unit_test(test_element_without_payload_is_an_empty_line),
    cmocka_unit_test(test_full_pipe_makes_push_wait_and_loses_nothing),
    cmocka_unit_test(test_full_socket_makes_push_wait_and_loses_nothing),
    cmocka_unit_test(test_wait_fd_is_for_writing),
    cmocka_unit_test(test_element_larger_than_the_buffer_comes_out_whole),
    cmocka_unit_test(test_no_memory_for_a_large_element_is_unavailable),
    cmocka_unit_test(test_reader_gone_is_dead_with_e0004),
    cmocka_unit_test(test_full_device_is_dead_with_e0004),
    cmocka_unit_test(test_undelivered_are_those_not_wholly_written),
    cmocka_unit_test(test_undelivered_large_element_counts_once),
    cmocka_unit_test(test_terminal_is_flushed_after_each_element),
    cmocka_unit_test(test_a_file_has_one_writer),
    cmocka_unit_test(test_create_failures_keep_errno),
};
TVN_TEST_MAIN("connectors.line_sink", tests)
