/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "wasi_guest.h"

#include <fcntl.h>

static struct wasi_guest guest;

static int load(void **state)
{
    (void)state;
    return wasi_guest_load(&guest, TVN_GUEST_DIR "/wasi-direct.wasm");
}

static int unload(void **state)
{
    (void)state;
    wasi_guest_unload(&guest);
    return 0;
}

static const struct tvn_wasi_options plain = {.stdin_fd = -1, .cancel_fd = -1};

static void start(struct wasi_run *run, const struct tvn_grant *grants, size_t count)
{
    wasi_run_start(run, &guest, grants, count, plain);
}
#define START(run, ...)                                   \
    start((run), (const struct tvn_grant[]){__VA_ARGS__}, \
          TVN_ARRAY_LEN(((const struct tvn_grant[]){__VA_ARGS__})))

static const char *out_of(struct wasi_run *run)
{
    return tvn_strbuf_text(&run->recorder.out[TVN_WASI_STDOUT]);
}

static void test_write_passes_whole_lines_and_keeps_the_rest(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_STDOUT});
    assert_reply(WASI_CALL(&run, "write", wasi_text("one\ntwo\nthr")), "ok");
    assert_string_equal(out_of(&run), "[one\ntwo\n]");
    assert_reply(WASI_CALL(&run, "write", wasi_text("ee\nfour")), "ok");
    tvn_wasi_flush(run.wasi);
    assert_string_equal(out_of(&run), "[one\ntwo\n][three\n][four]");
    wasi_run_end(&run);
}

static void test_write_of_nothing_is_ok(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_STDOUT});
    assert_reply(WASI_CALL(&run, "write", wasi_text("")), "ok");
    assert_reply(WASI_CALL(&run, "blocking-write", wasi_text(""), wasi_bool(false)), "ok");
    assert_string_equal(out_of(&run), "");
    wasi_run_end(&run);
}

static void test_blocking_write_goes_to_the_stream_asked_for(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_STDOUT}, {.capability = TVN_CAP_STDERR});
    assert_reply(WASI_CALL(&run, "blocking-write", wasi_text("to out\n"), wasi_bool(false)), "ok");
    assert_reply(WASI_CALL(&run, "blocking-write", wasi_text("to err\n"), wasi_bool(true)), "ok");
    assert_str(wasi_written(&run, TVN_WASI_STDOUT), "[to out\n]");
    assert_str(wasi_written(&run, TVN_WASI_STDERR), "[to err\n]");
    wasi_run_end(&run);
}

static void test_large_writes_arrive_whole(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_STDOUT});
    enum { LENGTH = 200000 };
    char *text = tvn_malloc(LENGTH + 1);
    assert_non_null(text);
    for (size_t i = 0; i < LENGTH; i++) {
        text[i] = i % 61 == 60 ? '\n' : (char)('a' + i % 26);
    }
    text[LENGTH] = '\0';
    assert_reply(WASI_CALL(&run, "write", wasi_text(text)), "ok");
    tvn_wasi_flush(run.wasi);
    struct tvn_str all = wasi_written(&run, TVN_WASI_STDOUT);
    size_t used = 0;
    for (size_t i = 0; i < all.len; i++) {
        if (all.ptr[i] != '[' && all.ptr[i] != ']') {
            assert_true(used < LENGTH && all.ptr[i] == text[used]);
            used++;
        }
    }
    assert_int_equal(used, LENGTH);
    tvn_free(text);
    wasi_run_end(&run);
}

static void test_write_zeroes_writes_zeroes(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_STDOUT});
    assert_reply(WASI_CALL(&run, "write-zeroes", wasi_number(10000)), "ok");
    tvn_wasi_flush(run.wasi);
    struct tvn_str all = wasi_written(&run, TVN_WASI_STDOUT);
    size_t zeroes = 0;
    for (size_t i = 0; i < all.len; i++) {
        zeroes += all.ptr[i] == 0;
    }
    assert_int_equal(zeroes, 10001);
    wasi_run_end(&run);
}

static void test_write_without_permit_traps(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_STDOUT});
    WASI_FAULT(&run, "write-unpermitted", TVN_E_COMPONENT_TRAPPED, "10 bytes, but only 0",
               wasi_number(10), wasi_bool(false));
    wasi_run_end(&run);
}

static void test_write_beyond_the_permit_traps(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_STDOUT});
    WASI_FAULT(&run, "write-unpermitted", TVN_E_COMPONENT_TRAPPED, "only 65536 are permitted",
               wasi_number(65537), wasi_bool(true));
    wasi_run_end(&run);
}

static void test_blocking_write_has_the_interfaces_limit(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_STDOUT});
    assert_reply(WASI_CALL(&run, "blocking-write-large", wasi_number(4096)), "ok");
    WASI_FAULT(&run, "blocking-write-large", TVN_E_COMPONENT_TRAPPED, "4097 bytes",
               wasi_number(4097));
    wasi_run_end(&run);
}

static void test_output_without_grant_is_closed_and_counted(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_STDERR});
    assert_reply(WASI_CALL(&run, "write", wasi_text("x\n")), "closed");
    assert_reply(WASI_CALL(&run, "blocking-write", wasi_text("x\n"), wasi_bool(false)), "closed");
    assert_reply(WASI_CALL(&run, "blocking-write", wasi_text("x\n"), wasi_bool(true)), "ok");
    assert_int_equal(run.recorder.denials[TVN_CAP_STDOUT], 2);
    assert_int_equal(run.recorder.denials[TVN_CAP_STDERR], 0);
    assert_int_equal(run.recorder.uses[TVN_CAP_STDERR], 1);
    assert_string_equal(out_of(&run), "");
    wasi_run_end(&run);
}

static void test_failing_output_is_told_once_then_closed(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_STDOUT});
    run.recorder.write_status = TVN_E_IO_ERROR;
    assert_reply(WASI_CALL(&run, "write", wasi_text("x\n")), "failed: Input/output error");
    assert_reply(WASI_CALL(&run, "write", wasi_text("x\n")), "closed");
    wasi_run_end(&run);
}

static void test_output_per_element_allocates_nothing(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_STDOUT});
    assert_reply(WASI_CALL(&run, "write-many", wasi_number(2)), "ok");
    run.recorder.discard = true;
    /* A dynamic call allocates for its own values: how many must not depend on what the guest
     * writes. */
    uint64_t start = tvn_mem_allocation_count();
    assert_reply(WASI_CALL(&run, "write-many", wasi_number(1)), "ok");
    uint64_t once = tvn_mem_allocation_count() - start;
    start = tvn_mem_allocation_count();
    assert_reply(WASI_CALL(&run, "write-many", wasi_number(1000)), "ok");
    assert_int_equal(tvn_mem_allocation_count() - start, once);
    wasi_run_end(&run);
}

static void test_output_is_always_ready(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_STDOUT});
    assert_true(WASI_CALL0(&run, "output-is-ready").of.boolean);
    wasi_run_end(&run);
}

static void test_bad_handle_and_bad_pointer_trap(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, {.capability = TVN_CAP_STDOUT});
    WASI_FAULT0(&run, "bad-handle", TVN_E_NOT_OWNER, "unknown handle index");
    wasi_run_end(&run);
    START(&run, {.capability = TVN_CAP_STDOUT});
    WASI_FAULT0(&run, "bad-pointer", TVN_E_COMPONENT_TRAPPED, "out of bounds");
    wasi_run_end(&run);
}

/* ---- input ---- */

struct input {
    int read_fd;
    int write_fd;
};

static struct input start_with_input(struct wasi_run *run, const char *text)
{
    static const struct tvn_grant grants[] = {{.capability = TVN_CAP_STDIN},
                                              {.capability = TVN_CAP_STDOUT}};
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
    struct tvn_wasi_options options = plain;
    options.stdin_fd = ends[0];
    wasi_run_start(run, &guest, grants, TVN_ARRAY_LEN(grants), options);
    return (struct input){ends[0], ends[1]};
}

static void end_input(struct wasi_run *run, struct input *input)
{
    wasi_run_end(run);
    tvn_fd_close(&input->read_fd);
    tvn_fd_close(&input->write_fd);
}

static void test_read_takes_at_most_what_was_asked_for(void **state)
{
    (void)state;
    struct wasi_run run;
    struct input input = start_with_input(&run, "hello world");
    assert_reply(WASI_CALL(&run, "read", wasi_number(5), wasi_bool(false)), "hello");
    assert_reply(WASI_CALL(&run, "read", wasi_number(0), wasi_bool(false)), "");
    assert_reply(WASI_CALL(&run, "read", wasi_number(UINT64_MAX), wasi_bool(true)), " world");
    assert_reply(WASI_CALL(&run, "read", wasi_number(5), wasi_bool(false)), "");
    tvn_fd_close(&input.write_fd);
    assert_reply(WASI_CALL(&run, "read", wasi_number(5), wasi_bool(true)), "closed");
    assert_reply(WASI_CALL(&run, "read", wasi_number(0), wasi_bool(false)), "closed");
    end_input(&run, &input);
}

static void test_skip_counts(void **state)
{
    (void)state;
    struct wasi_run run;
    struct input input = start_with_input(&run, "hello world");
    assert_reply(WASI_CALL(&run, "skip", wasi_number(6)), "6");
    assert_reply(WASI_CALL(&run, "read", wasi_number(100), wasi_bool(true)), "world");
    end_input(&run, &input);
}

static void test_splice_moves_bytes(void **state)
{
    (void)state;
    struct wasi_run run;
    struct input input = start_with_input(&run, "one\ntwo\n");
    assert_reply(WASI_CALL(&run, "splice", wasi_number(4), wasi_bool(false)), "4");
    assert_reply(WASI_CALL(&run, "splice", wasi_number(100), wasi_bool(true)), "4");
    assert_string_equal(out_of(&run), "[one\n][two\n]");
    assert_reply(WASI_CALL(&run, "splice", wasi_number(100), wasi_bool(false)), "0");
    tvn_fd_close(&input.write_fd);
    assert_reply(WASI_CALL(&run, "splice", wasi_number(100), wasi_bool(true)), "closed");
    end_input(&run, &input);
}

static void test_blocking_read_ends_at_the_deadline(void **state)
{
    (void)state;
    struct wasi_run run;
    struct input input = start_with_input(&run, "");
    run.recorder.deadline_ns = tvn_clock_monotonic_ns() + 20000000;
    WASI_FAULT(&run, "read", TVN_E_COMPONENT_TIMEOUT, "time was up", wasi_number(5),
               wasi_bool(true));
    end_input(&run, &input);
}

static void test_blocking_read_ends_when_cancelled(void **state)
{
    (void)state;
    struct wasi_run run;
    struct input input = start_with_input(&run, "");
    run.cancel = 1;
    WASI_FAULT(&run, "read", TVN_E_FLOW_CANCELLED, "cancelled", wasi_number(5), wasi_bool(true));
    end_input(&run, &input);
}

static void test_input_without_grant_is_closed_and_counted(void **state)
{
    (void)state;
    struct wasi_run run;
    struct tvn_wasi_options options = plain;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(write(ends[1], "secret", 6), 6);
    options.stdin_fd = ends[0];
    wasi_run_start(&run, &guest, NULL, 0, options);
    assert_reply(WASI_CALL(&run, "read", wasi_number(5), wasi_bool(true)), "closed");
    assert_true(WASI_CALL0(&run, "drop-stream-first").of.boolean);
    assert_int_equal(run.recorder.denials[TVN_CAP_STDIN], 1);
    wasi_run_end(&run);
    close(ends[0]);
    close(ends[1]);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_write_passes_whole_lines_and_keeps_the_rest),
    cmocka_unit_test(test_write_of_nothing_is_ok),
    cmocka_unit_test(test_blocking_write_goes_to_the_stream_asked_for),
    cmocka_unit_test(test_large_writes_arrive_whole),
    cmocka_unit_test(test_write_zeroes_writes_zeroes),
    cmocka_unit_test(test_write_without_permit_traps),
    cmocka_unit_test(test_write_beyond_the_permit_traps),
    cmocka_unit_test(test_blocking_write_has_the_interfaces_limit),
    cmocka_unit_test(test_output_without_grant_is_closed_and_counted),
    cmocka_unit_test(test_failing_output_is_told_once_then_closed),
    cmocka_unit_test(test_output_per_element_allocates_nothing),
    cmocka_unit_test(test_output_is_always_ready),
    cmocka_unit_test(test_bad_handle_and_bad_pointer_trap),
    cmocka_unit_test(test_read_takes_at_most_what_was_asked_for),
    cmocka_unit_test(test_skip_counts),
    cmocka_unit_test(test_splice_moves_bytes),
    cmocka_unit_test(test_blocking_read_ends_at_the_deadline),
    cmocka_unit_test(test_blocking_read_ends_when_cancelled),
    cmocka_unit_test(test_input_without_grant_is_closed_and_counted),
};
TVN_TEST_MAIN_WITH("wasi.streams", tests, load, unload)
