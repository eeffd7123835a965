/* SPDX-License-Identifier: Apache-2.0 */
#include "wasi/console_internal.h"

#include "tvn_test.h"
#include "wasi_recorder.h"

#include <fcntl.h>

struct fixture {
    struct recorder recorder;
    struct tvn_wasi_console console;
};

static int setup(void **state)
{
    struct fixture *fixture = tvn_calloc(1, sizeof(*fixture));
    if (!fixture) {
        return -1;
    }
    tvn_wasi_console_init(&fixture->console, &recorder_ops, &fixture->recorder, TVN_WASI_STDOUT);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    recorder_deinit(&fixture->recorder);
    tvn_free(fixture);
    return 0;
}

static enum tvn_status put(struct fixture *fixture, const char *bytes, size_t length)
{
    enum tvn_status status = tvn_byte_stream_check_write(&fixture->console.stream);
    return status != TVN_OK ? status
                            : tvn_byte_stream_write(&fixture->console.stream, bytes, length);
}

static void put_text(struct fixture *fixture, const char *text)
{
    assert_status(put(fixture, text, strlen(text)), TVN_OK);
}

static struct tvn_str written(const struct fixture *fixture)
{
    return tvn_strbuf_view(&fixture->recorder.out[TVN_WASI_STDOUT]);
}

static void test_console_whole_lines_pass_in_one_write(void **state)
{
    struct fixture *fixture = *state;
    put_text(fixture, "one\ntwo\nthree\n");
    assert_str(written(fixture), "[one\ntwo\nthree\n]");
    assert_int_equal(fixture->console.length, 0);
}

static void test_console_part_of_a_line_waits_for_its_end(void **state)
{
    struct fixture *fixture = *state;
    put_text(fixture, "he");
    put_text(fixture, "llo");
    assert_status(tvn_byte_stream_flush(&fixture->console.stream), TVN_OK);
    assert_str(written(fixture), "");
    put_text(fixture, " world\nnext\nre");
    assert_str(written(fixture), "[hello world\n][next\n]");
    put_text(fixture, "st\n");
    assert_str(written(fixture), "[hello world\n][next\n][rest\n]");
}

static void test_console_finish_passes_on_the_unfinished_line_once(void **state)
{
    struct fixture *fixture = *state;
    put_text(fixture, "no end");
    tvn_wasi_console_finish(&fixture->console);
    tvn_wasi_console_finish(&fixture->console);
    assert_str(written(fixture), "[no end]");
}

static void test_console_single_byte_writes_make_whole_lines(void **state)
{
    struct fixture *fixture = *state;
    const char *text = "ab\n\ncd\n";
    for (const char *at = text; *at; at++) {
        assert_status(put(fixture, at, 1), TVN_OK);
    }
    assert_str(written(fixture), "[ab\n][\n][cd\n]");
}

static void test_console_line_of_the_maximum_stays_whole(void **state)
{
    struct fixture *fixture = *state;
    char line[TVN_WASI_LINE_MAX];
    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\n';
    assert_status(put(fixture, line, 10), TVN_OK);
    assert_status(put(fixture, line + 10, sizeof(line) - 10), TVN_OK);
    assert_int_equal(fixture->recorder.writes[TVN_WASI_STDOUT], 1);
    assert_int_equal(written(fixture).len, sizeof(line) + 2);
}

static void test_console_overlong_line_goes_in_pieces_and_keeps_every_byte(void **state)
{
    struct fixture *fixture = *state;
    char piece[700];
    memset(piece, 'y', sizeof(piece));
    for (int i = 0; i < 5; i++) {
        assert_status(put(fixture, piece, sizeof(piece)), TVN_OK);
        assert_true(fixture->console.length <= TVN_WASI_LINE_MAX);
    }
    put_text(fixture, "\n");
    uint32_t writes = fixture->recorder.writes[TVN_WASI_STDOUT];
    assert_true(writes > 1);
    assert_int_equal(written(fixture).len, 5 * sizeof(piece) + 1 + 2 * writes);
}

static void test_console_long_unfinished_write_is_not_kept(void **state)
{
    struct fixture *fixture = *state;
    char piece[TVN_WASI_LINE_MAX + 1];
    memset(piece, 'z', sizeof(piece));
    assert_status(put(fixture, piece, sizeof(piece)), TVN_OK);
    assert_int_equal(fixture->recorder.writes[TVN_WASI_STDOUT], 1);
    assert_int_equal(fixture->console.length, 0);
}

/* Any split of any text: same bytes, and every write but the last ends a line (lines are short). */
static void test_console_any_split_keeps_bytes_and_lines(void **state)
{
    struct fixture *fixture = *state;
    uint64_t seed = tvn_test_seed();
    for (int round = 0; round < 200; round++) {
        char text[3000];
        size_t length = tvn_test_random(&seed) % sizeof(text);
        for (size_t i = 0; i < length; i++) {
            text[i] = tvn_test_random(&seed) % 40 == 0 ? '\n' : 'a';
        }
        size_t before = written(fixture).len;
        uint32_t writes_before = fixture->recorder.writes[TVN_WASI_STDOUT];
        for (size_t at = 0; at < length;) {
            size_t piece = 1 + tvn_test_random(&seed) % 500;
            piece = piece > length - at ? length - at : piece;
            assert_status(put(fixture, text + at, piece), TVN_OK);
            at += piece;
        }
        tvn_wasi_console_finish(&fixture->console);
        uint32_t writes = fixture->recorder.writes[TVN_WASI_STDOUT] - writes_before;
        struct tvn_str all = written(fixture);
        assert_int_equal(all.len - before, length + 2 * (size_t)writes);
        size_t used = 0;
        for (size_t i = before; i < all.len; i++) {
            if (all.ptr[i] == '[') {
                assert_true(i == before || all.ptr[i - 2] == '\n');
            } else if (all.ptr[i] != ']') {
                assert_int_equal(all.ptr[i], text[used]);
                used++;
            }
        }
        assert_int_equal(used, length);
    }
}

static void test_console_without_grant_is_closed_and_each_use_counts(void **state)
{
    struct fixture *fixture = *state;
    static const struct tvn_sandbox nothing = {.component = "c"};
    fixture->recorder.sandbox = &nothing;
    assert_status(put(fixture, "x\n", 2), TVN_END);
    assert_status(put(fixture, "x\n", 2), TVN_END);
    assert_int_equal(fixture->recorder.denials[TVN_CAP_STDOUT], 2);
    assert_int_equal(fixture->recorder.denials[TVN_CAP_STDERR], 0);
    assert_str(written(fixture), "");
}

static void test_console_counts_uses(void **state)
{
    struct fixture *fixture = *state;
    put_text(fixture, "a\n");
    put_text(fixture, "b\n");
    assert_int_equal(fixture->recorder.uses[TVN_CAP_STDOUT], 2);
}

static void test_console_failing_output_closes_the_stream(void **state)
{
    struct fixture *fixture = *state;
    fixture->recorder.write_status = TVN_E_IO_ERROR;
    assert_status(put(fixture, "a\n", 2), TVN_E_IO_ERROR);
    assert_int_not_equal(fixture->console.stream.error, 0);
    assert_status(put(fixture, "b\n", 2), TVN_END);
    assert_status(tvn_byte_stream_flush(&fixture->console.stream), TVN_END);
}

static void test_console_output_allocates_nothing(void **state)
{
    struct fixture *fixture = *state;
    fixture->recorder.write_status = TVN_E_IO_ERROR; /* the recorder would allocate */
    uint64_t before = tvn_mem_allocation_count();
    for (int i = 0; i < 100; i++) {
        fixture->console.stream.closed = false;
        (void)put(fixture, "a line\nand a part", 17);
    }
    assert_int_equal(tvn_mem_allocation_count(), before);
}

/* ---- stdin ---- */

static void test_stdin_reads_what_is_there_then_waits_then_ends(void **state)
{
    struct fixture *fixture = *state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct tvn_wasi_stdin input;
    tvn_wasi_stdin_init(&input, &recorder_ops, &fixture->recorder, ends[0]);
    char bytes[16];
    size_t length = 0;
    assert_status(tvn_byte_stream_read(&input.stream, bytes, sizeof(bytes), &length), TVN_AGAIN);
    short events = 0;
    assert_int_equal(tvn_byte_stream_wait_fd(&input.stream, &events), ends[0]);
    assert_int_equal(write(ends[1], "abc", 3), 3);
    assert_status(tvn_byte_stream_read(&input.stream, bytes, 2, &length), TVN_OK);
    assert_int_equal(length, 2);
    assert_memory_equal(bytes, "ab", 2);
    assert_status(tvn_byte_stream_read(&input.stream, bytes, sizeof(bytes), &length), TVN_OK);
    assert_int_equal(length, 1);
    close(ends[1]);
    assert_status(tvn_byte_stream_read(&input.stream, bytes, sizeof(bytes), &length), TVN_END);
    assert_status(tvn_byte_stream_read(&input.stream, bytes, 0, &length), TVN_END);
    assert_int_equal(tvn_byte_stream_wait_fd(&input.stream, &events), -1);
    close(ends[0]);
}

static void test_stdin_without_descriptor_or_grant_is_at_its_end(void **state)
{
    struct fixture *fixture = *state;
    struct tvn_wasi_stdin input;
    char bytes[16];
    size_t length = 0;
    tvn_wasi_stdin_init(&input, &recorder_ops, &fixture->recorder, -1);
    assert_status(tvn_byte_stream_read(&input.stream, bytes, sizeof(bytes), &length), TVN_END);

    static const struct tvn_sandbox nothing = {.component = "c"};
    fixture->recorder.sandbox = &nothing;
    tvn_wasi_stdin_init(&input, &recorder_ops, &fixture->recorder, STDIN_FILENO);
    assert_status(tvn_byte_stream_read(&input.stream, bytes, sizeof(bytes), &length), TVN_END);
    assert_int_equal(fixture->recorder.denials[TVN_CAP_STDIN], 1);
}

static void test_stdin_failing_read_tells_the_errno(void **state)
{
    struct fixture *fixture = *state;
    int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    struct tvn_wasi_stdin input;
    tvn_wasi_stdin_init(&input, &recorder_ops, &fixture->recorder, fd);
    char bytes[16];
    size_t length = 0;
    assert_status(tvn_byte_stream_read(&input.stream, bytes, sizeof(bytes), &length),
                  TVN_E_IO_ERROR);
    assert_int_equal(input.stream.error, EISDIR);
    assert_status(tvn_byte_stream_read(&input.stream, bytes, sizeof(bytes), &length), TVN_END);
    close(fd);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static const struct CMUnitTest tests[] = {
    WITH_FIXTURE(test_console_whole_lines_pass_in_one_write),
    WITH_FIXTURE(test_console_part_of_a_line_waits_for_its_end),
    WITH_FIXTURE(test_console_finish_passes_on_the_unfinished_line_once),
    WITH_FIXTURE(test_console_single_byte_writes_make_whole_lines),
    WITH_FIXTURE(test_console_line_of_the_maximum_stays_whole),
    WITH_FIXTURE(test_console_overlong_line_goes_in_pieces_and_keeps_every_byte),
    WITH_FIXTURE(test_console_long_unfinished_write_is_not_kept),
    WITH_FIXTURE(test_console_any_split_keeps_bytes_and_lines),
    WITH_FIXTURE(test_console_without_grant_is_closed_and_each_use_counts),
    WITH_FIXTURE(test_console_counts_uses),
    WITH_FIXTURE(test_console_failing_output_closes_the_stream),
    WITH_FIXTURE(test_console_output_allocates_nothing),
    WITH_FIXTURE(test_stdin_reads_what_is_there_then_waits_then_ends),
    WITH_FIXTURE(test_stdin_without_descriptor_or_grant_is_at_its_end),
    WITH_FIXTURE(test_stdin_failing_read_tells_the_errno),
};
TVN_TEST_MAIN("wasi.console", tests)
