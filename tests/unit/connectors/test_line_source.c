/* SPDX-License-Identifier: Apache-2.0 */
#include "connector_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

static struct connector_rig rig;

static void set_up(void)
{
    connector_rig_init(&rig, TVN_EXHAUSTION_FALLBACK_ALLOC, 64);
}

/* A source over a temporary file with this content. */
static struct tvn_invoker *over_file(const void *content, size_t length)
{
    char path[] = "/tmp/tvn-line-source-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, length), length);
    close(fd);
    struct tvn_invoker *source = NULL;
    rig.options.fd = -1;
    rig.options.spec =
        (struct tvn_connector_spec){.kind = TVN_CONNECTOR_FILE, .path = tvn_str_of(path)};
    assert_status(tvn_connector_create_source(&rig.options, &source), TVN_OK);
    unlink(path);
    return source;
}

static struct tvn_invoker *over_fd(int fd)
{
    struct tvn_invoker *source = NULL;
    rig.options.spec = (struct tvn_connector_spec){.kind = TVN_CONNECTOR_STDIN};
    rig.options.fd = fd;
    assert_status(tvn_connector_create_source(&rig.options, &source), TVN_OK);
    return source;
}

static void test_file_lines_without_their_newline(void **state)
{
    (void)state;
    set_up();
    static const char text[] = "one\n\nthree\r\nfour"; /* the last one has no newline */
    TVN_AUTO(tvn_invoker) source = over_file(text, sizeof(text) - 1);
    short events;
    assert_int_equal(source->ops->wait_fd(source, &events), -1);
    assert_line(&rig, source, "one");
    assert_line(&rig, source, "");
    assert_line(&rig, source, "three\r");
    assert_line(&rig, source, "four");
    assert_int_equal(connector_rig_pull(&rig, source), TVN_OUTCOME_END);
    assert_int_equal(connector_rig_pull(&rig, source), TVN_OUTCOME_END);
    assert_int_equal(tvn_stat_get(&rig.stats.copies.count[TVN_COPY_HOST_SERIALIZE]), 4);
    assert_int_equal(tvn_stat_get(&rig.stats.copies.bytes[TVN_COPY_HOST_SERIALIZE]), 13);
    connector_rig_deinit(&rig);
}

static void test_file_edges(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length;
        int lines;
    } cases[] = {{"", 0, 0},  {"\n", 1, 1},  {"\n\n", 2, 2},
                 {"a", 1, 1}, {"a\n", 2, 1}, {"\0\n", 2, 1}};
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        set_up();
        TVN_AUTO(tvn_invoker) source = over_file(cases[i].text, cases[i].length);
        int lines = 0;
        while (connector_rig_pull(&rig, source) == TVN_OUTCOME_EMIT) {
            lines++;
        }
        assert_int_equal(lines, cases[i].lines);
        connector_rig_deinit(&rig);
    }
}

/* Random lines, many chunks, lengths around the chunk's size: concatenated they are the file. */
static void test_file_of_many_chunks_comes_out_unchanged(void **state)
{
    (void)state;
    set_up();
    uint64_t random = tvn_test_seed();
    size_t length = 4u << 20;
    char *text = malloc(length);
    assert_non_null(text);
    for (size_t i = 0; i < length;) {
        size_t line = (size_t)(tvn_test_random(&random) % (i % 7 == 0 ? 400000 : 200));
        for (; line > 0 && i < length; line--) {
            text[i] = (char)('a' + i % 26);
            i++;
        }
        if (i < length) {
            text[i++] = '\n';
        }
    }
    {
        TVN_AUTO(tvn_invoker) source = over_file(text, length);
        size_t at = 0;
        while (at < length) {
            struct tvn_element out = {0};
            struct tvn_call call = {.out = &out, .out_capacity = 1, .fault = &rig.fault};
            assert_int_equal(tvn_invoke(source, TVN_ENTRY_PULL, &call), TVN_OUTCOME_EMIT);
            struct tvn_buffer *buffer = NULL;
            assert_status(tvn_magazine_find(rig.magazine, out.payload, &buffer), TVN_OK);
            assert_memory_equal(buffer->bytes, text + at, buffer->length);
            at += buffer->length;
            assert_true(at == length || text[at] == '\n');
            at++;
            tvn_buffer_release(rig.magazine, buffer);
        }
        assert_int_equal(connector_rig_pull(&rig, source), TVN_OUTCOME_END);
    }
    free(text);
    connector_rig_deinit(&rig);
}

static void test_too_long_line_is_one_error_and_skipped(void **state)
{
    (void)state;
    static const uint64_t limits[] = {10, 200000};
    for (size_t i = 0; i < TVN_ARRAY_LEN(limits); i++) {
        for (size_t length = (size_t)limits[i] - 1; length <= limits[i] * 3; length += limits[i]) {
            set_up();
            rig.options.max_buffer_bytes = limits[i];
            char *text = malloc(length + 16);
            assert_non_null(text);
            memcpy(text, "a\n", 2);
            memset(text + 2, 'x', length);
            memcpy(text + 2 + length, "\nb\nc", 4);
            struct tvn_invoker *source = over_file(text, length + 6);
            assert_line(&rig, source, "a");
            if (length > limits[i]) {
                assert_int_equal(connector_rig_pull(&rig, source), TVN_OUTCOME_ERROR);
                assert_int_equal(rig.fault.error, TVN_PROCESS_INVALID_INPUT);
                assert_status(rig.fault.code, TVN_OK);
                assert_non_null(strstr(rig.fault.text, "line 2 of '/tmp/tvn-line-source-"));
                assert_non_null(strstr(rig.fault.text, "longer than"));
            } else {
                assert_int_equal(connector_rig_pull(&rig, source), TVN_OUTCOME_EMIT);
                assert_int_equal(rig.length, length);
            }
            assert_line(&rig, source, "b");
            assert_line(&rig, source, "c");
            assert_int_equal(connector_rig_pull(&rig, source), TVN_OUTCOME_END);
            tvn_invoker_destroy(source);
            free(text);
            connector_rig_deinit(&rig);
        }
    }
}

/* A device that never ends a line must not keep the flow in one call. */
static void test_endless_line_waits_in_between(void **state)
{
    (void)state;
    set_up();
    rig.options.max_buffer_bytes = 10;
    int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    TVN_AUTO(tvn_invoker) source = over_fd(fd);
    assert_int_equal(connector_rig_pull(&rig, source), TVN_OUTCOME_ERROR);
    assert_int_equal(connector_rig_pull(&rig, source), TVN_OUTCOME_WAIT);
    assert_int_equal(connector_rig_pull(&rig, source), TVN_OUTCOME_WAIT);
    close(fd);
    connector_rig_deinit(&rig);
}

static void test_too_long_last_line_without_newline(void **state)
{
    (void)state;
    set_up();
    rig.options.max_buffer_bytes = 4;
    TVN_AUTO(tvn_invoker) source = over_file("ab\nabcde", 8);
    assert_line(&rig, source, "ab");
    assert_int_equal(connector_rig_pull(&rig, source), TVN_OUTCOME_ERROR);
    assert_int_equal(connector_rig_pull(&rig, source), TVN_OUTCOME_END);
    connector_rig_deinit(&rig);
}

static void test_pipe_waits_and_goes_on(void **state)
{
    (void)state;
    set_up();
    int ends[2];
    connector_rig_pipe(ends);
    TVN_AUTO(tvn_invoker) source = over_fd(ends[0]);
    short events = 0;
    assert_int_equal(connector_rig_pull(&rig, source), TVN_OUTCOME_WAIT);
    assert_int_equal(source->ops->wait_fd(source, &events), ends[0]);
    assert_int_equal(events, POLLIN);
    assert_int_equal(write(ends[1], "first\nsec", 9), 9);
    assert_line(&rig, source, "first");
    assert_int_equal(connector_rig_pull(&rig, source), TVN_OUTCOME_WAIT);
    assert_int_equal(write(ends[1], "ond\n", 4), 4);
    assert_line(&rig, source, "second");
    assert_int_equal(write(ends[1], "last", 4), 4);
    assert_int_equal(connector_rig_pull(&rig, source), TVN_OUTCOME_WAIT);
    close(ends[1]);
    assert_line(&rig, source, "last");
    assert_int_equal(connector_rig_pull(&rig, source), TVN_OUTCOME_END);
    assert_int_equal(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0); /* it is not ours to change */
    close(ends[0]);
    connector_rig_deinit(&rig);
}

static void test_nonblocking_descriptor_waits_too(void **state)
{
    (void)state;
    set_up();
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    TVN_AUTO(tvn_invoker) source = over_fd(ends[0]);
    assert_int_equal(connector_rig_pull(&rig, source), TVN_OUTCOME_WAIT);
    assert_int_equal(write(ends[1], "x\n", 2), 2);
    assert_line(&rig, source, "x");
    close(ends[1]);
    assert_int_equal(connector_rig_pull(&rig, source), TVN_OUTCOME_END);
    close(ends[0]);
    connector_rig_deinit(&rig);
}

static void test_unreadable_descriptor_is_dead_with_e0004(void **state)
{
    (void)state;
    set_up();
    int ends[2];
    connector_rig_pipe(ends);
    TVN_AUTO(tvn_invoker) source = over_fd(ends[1]); /* the writing end */
    assert_int_equal(connector_rig_pull(&rig, source), TVN_OUTCOME_WAIT);
    close(ends[0]); /* now it polls as ready (POLLERR) */
    assert_int_equal(connector_rig_pull(&rig, source), TVN_OUTCOME_DEAD);
    assert_status(rig.fault.code, TVN_E_IO_ERROR);
    assert_string_equal(rig.fault.text, "cannot read 'stdin': Bad file descriptor");
    close(ends[1]);
    connector_rig_deinit(&rig);
}

static void test_create_failures_keep_errno(void **state)
{
    (void)state;
    set_up();
    struct tvn_invoker *source = NULL;
    rig.options.spec = (struct tvn_connector_spec){.kind = TVN_CONNECTOR_FILE,
                                                   .path = TVN_STR("/nonexistent/file")};
    assert_status(tvn_connector_create_source(&rig.options, &source), TVN_E_IO_ERROR);
    assert_int_equal(errno, ENOENT);
    rig.options.spec.path = TVN_STR("/tmp");
    assert_status(tvn_connector_create_source(&rig.options, &source), TVN_E_IO_ERROR);
    assert_int_equal(errno, EISDIR);
    rig.options.spec.kind = TVN_CONNECTOR_STDOUT;
    assert_status(tvn_connector_create_source(&rig.options, &source), TVN_E_CONSTRAINT_VIOLATION);
    rig.options.spec =
        (struct tvn_connector_spec){.kind = TVN_CONNECTOR_FILE, .path = TVN_STR("/dev/null")};
    for (uint64_t n = 1; n <= 3; n++) {
        tvn_mem_fail_at(n, false);
        assert_status(tvn_connector_create_source(&rig.options, &source), TVN_E_OUT_OF_MEMORY);
        tvn_mem_fail_at(0, false);
    }
    assert_null(source);
    assert_status(tvn_connector_create_source(&rig.options, &source), TVN_OK);
    assert_int_equal(connector_rig_pull(&rig, source), TVN_OUTCOME_END);
    tvn_invoker_destroy(source);
    connector_rig_deinit(&rig);
}

static void test_no_memory_for_a_long_line_is_dead(void **state)
{
    (void)state;
    set_up();
    size_t length = 300000;
    char *text = calloc(1, length);
    assert_non_null(text);
    struct tvn_invoker *source = over_file(text, length);
    tvn_mem_fail_at(1, false);
    assert_int_equal(connector_rig_pull(&rig, source), TVN_OUTCOME_DEAD);
    assert_status(rig.fault.code, TVN_E_OUT_OF_MEMORY);
    tvn_invoker_destroy(source);
    free(text);
    connector_rig_deinit(&rig);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_file_lines_without_their_newline),
    cmocka_unit_test(test_file_edges),
    cmocka_unit_test(test_file_of_many_chunks_comes_out_unchanged),
    cmocka_unit_test(test_too_long_line_is_one_error_and_skipped),
    cmocka_unit_test(test_endless_line_waits_in_between),
    cmocka_unit_test(test_too_long_last_line_without_newline),
    cmocka_unit_test(test_pipe_waits_and_goes_on),
    cmocka_unit_test(test_nonblocking_descriptor_waits_too),
    cmocka_unit_test(test_unreadable_descriptor_is_dead_with_e0004),
    cmocka_unit_test(test_create_failures_keep_errno),
    cmocka_unit_test(test_no_memory_for_a_long_line_is_dead),
};
TVN_TEST_MAIN("connectors.line_source", tests)
