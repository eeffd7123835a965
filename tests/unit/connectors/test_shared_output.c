/* SPDX-License-Identifier: Apache-2.0 */
#include "connectors/shared_output.h"

#include "tvn_test.h"

#include <fcntl.h>
#include <pthread.h>

#define LINE_BYTES 100
#define LINES      100

static int ends[2];
static char text[LINES * LINE_BYTES];

static void open_pipe(void)
{
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) >= 4096);
}

static void close_pipe(void)
{
    close(ends[0]);
    close(ends[1]);
}

static void fill_lines(char letter)
{
    memset(text, letter, sizeof(text));
    for (int i = 1; i <= LINES; i++) {
        text[i * LINE_BYTES - 1] = '\n';
    }
}

static void test_shared_output_write_takes_whole_lines_and_never_waits(void **state)
{
    (void)state;
    open_pipe();
    fill_lines('a');
    assert_int_equal(tvn_shared_output_write(ends[1], text, sizeof(text)), 4000);
    assert_int_equal(tvn_shared_output_write(ends[1], text, sizeof(text)), -1);
    assert_int_equal(errno, EAGAIN);
    close_pipe();
}

static void test_shared_output_write_cuts_a_line_that_is_too_long(void **state)
{
    (void)state;
    open_pipe();
    memset(text, 'a', sizeof(text));
    assert_int_equal(tvn_shared_output_write(ends[1], text, sizeof(text)), TVN_SHARED_OUTPUT_BYTES);
    close_pipe();
}

static void test_shared_output_write_without_reader_is_an_error(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    open_pipe();
    close(ends[0]);
    assert_int_equal(tvn_shared_output_write(ends[1], "a\n", 2), -1);
    assert_int_equal(errno, EPIPE);
    close(ends[1]);
}

/* Several flows' workers: if one could take the room that another has found, that one would wait in
 * write for ever, because nobody reads. */
static void *write_until_full(void *argument)
{
    (void)argument;
    while (tvn_shared_output_write(ends[1], text, LINE_BYTES) == LINE_BYTES) {
    }
    return NULL;
}

static void test_shared_output_write_by_several_threads_none_waits(void **state)
{
    (void)state;
    fill_lines('b');
    for (int round = 0; round < 200; round++) {
        open_pipe();
        pthread_t threads[3];
        for (int i = 0; i < 3; i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, write_until_full, NULL), 0);
        }
        for (int i = 0; i < 3; i++) {
            pthread_join(threads[i], NULL);
        }
        close_pipe();
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_shared_output_write_takes_whole_lines_and_never_waits),
    cmocka_unit_test(test_shared_output_write_cuts_a_line_that_is_too_long),
    cmocka_unit_test(test_shared_output_write_without_reader_is_an_error),
    cmocka_unit_test(test_shared_output_write_by_several_threads_none_waits),
};
TVN_TEST_MAIN("connectors.shared_output", tests)
