/* SPDX-License-Identifier: Apache-2.0 */
#include "wasi/byte_stream_internal.h"

#include "tvn_test.h"

/* A stream that answers what it is told to. */
struct scripted {
    struct tvn_byte_stream stream;
    enum tvn_status answer;
    size_t room;
    size_t taken;
    size_t non_zero;
    uint32_t destroyed;
};

static enum tvn_status scripted_read(struct tvn_byte_stream *stream, char *bytes, size_t capacity,
                                     size_t *out_length)
{
    struct scripted *self = TVN_CONTAINER_OF(stream, struct scripted, stream);
    memset(bytes, 'r', capacity);
    *out_length = capacity;
    return self->answer;
}

static enum tvn_status scripted_room(struct tvn_byte_stream *stream, size_t *out_length)
{
    struct scripted *self = TVN_CONTAINER_OF(stream, struct scripted, stream);
    *out_length = self->room;
    return self->answer;
}

static enum tvn_status scripted_write(struct tvn_byte_stream *stream, const char *bytes,
                                      size_t length)
{
    struct scripted *self = TVN_CONTAINER_OF(stream, struct scripted, stream);
    self->taken += length;
    for (size_t i = 0; i < length; i++) {
        self->non_zero += bytes[i] != 0;
    }
    return self->answer;
}

static enum tvn_status scripted_flush(struct tvn_byte_stream *stream)
{
    return TVN_CONTAINER_OF(stream, struct scripted, stream)->answer;
}

static int scripted_wait_fd(const struct tvn_byte_stream *stream, short *out_events)
{
    (void)stream;
    *out_events = 0;
    return 7;
}

static void scripted_destroy(struct tvn_byte_stream *stream)
{
    TVN_CONTAINER_OF(stream, struct scripted, stream)->destroyed++;
}

static const struct tvn_byte_stream_ops scripted_ops = {
    .read = scripted_read,
    .room = scripted_room,
    .write = scripted_write,
    .flush = scripted_flush,
    .wait_fd = scripted_wait_fd,
    .destroy = scripted_destroy,
};

static struct scripted scripted(size_t room)
{
    return (struct scripted){.stream = {.ops = &scripted_ops}, .room = room};
}

static void test_byte_stream_permit_is_given_by_check_write_and_used_by_write(void **state)
{
    (void)state;
    struct scripted self = scripted(10);
    assert_status(tvn_byte_stream_check_write(&self.stream), TVN_OK);
    assert_int_equal(self.stream.permit, 10);
    assert_status(tvn_byte_stream_write(&self.stream, "abcd", 4), TVN_OK);
    assert_int_equal(self.stream.permit, 6);
    assert_int_equal(self.taken, 4);
}

static void write_beyond_permit(void *argument)
{
    (void)tvn_byte_stream_write(argument, "abc", 3);
}

static void test_byte_stream_write_beyond_the_permit_is_our_bug(void **state)
{
    (void)state;
    struct scripted self = scripted(2);
    assert_status(tvn_byte_stream_check_write(&self.stream), TVN_OK);
    assert_aborts(write_beyond_permit, &self.stream);
}

static void test_byte_stream_zeroes_are_written_in_pieces(void **state)
{
    (void)state;
    struct scripted self = scripted(10000);
    assert_status(tvn_byte_stream_check_write(&self.stream), TVN_OK);
    assert_status(tvn_byte_stream_write(&self.stream, NULL, 10000), TVN_OK);
    assert_int_equal(self.taken, 10000);
    assert_int_equal(self.non_zero, 0);
}

static void test_byte_stream_no_room_permits_nothing(void **state)
{
    (void)state;
    struct scripted self = scripted(10);
    assert_status(tvn_byte_stream_check_write(&self.stream), TVN_OK);
    self.answer = TVN_AGAIN;
    assert_status(tvn_byte_stream_check_write(&self.stream), TVN_AGAIN);
    assert_int_equal(self.stream.permit, 0);
    assert_false(self.stream.closed);
}

static void test_byte_stream_failure_and_end_close_it(void **state)
{
    (void)state;
    const enum tvn_status closing[] = {TVN_END, TVN_E_IO_ERROR};
    for (size_t i = 0; i < TVN_ARRAY_LEN(closing); i++) {
        struct scripted self = scripted(10);
        self.answer = closing[i];
        assert_status(tvn_byte_stream_flush(&self.stream), closing[i]);
        assert_true(self.stream.closed);
        self.answer = TVN_OK;
        char byte;
        size_t length;
        short events;
        assert_status(tvn_byte_stream_flush(&self.stream), TVN_END);
        assert_status(tvn_byte_stream_check_write(&self.stream), TVN_END);
        assert_status(tvn_byte_stream_write(&self.stream, "x", 1), TVN_END);
        assert_status(tvn_byte_stream_read(&self.stream, &byte, 1, &length), TVN_END);
        assert_int_equal(tvn_byte_stream_wait_fd(&self.stream, &events), -1);
    }
}

static void test_byte_stream_denial_looks_closed_but_does_not_close(void **state)
{
    (void)state;
    struct scripted self = scripted(10);
    self.answer = TVN_E_CAPABILITY_DENIED;
    assert_status(tvn_byte_stream_check_write(&self.stream), TVN_END);
    assert_int_equal(self.stream.permit, 0);
    assert_false(self.stream.closed);
}

static void test_byte_stream_read_of_nothing_does_not_ask(void **state)
{
    (void)state;
    struct scripted self = scripted(0);
    self.answer = TVN_E_IO_ERROR;
    size_t length = 5;
    char byte;
    assert_status(tvn_byte_stream_read(&self.stream, &byte, 0, &length), TVN_OK);
    assert_int_equal(length, 0);
}

static void test_byte_stream_lives_as_long_as_it_is_referred_to(void **state)
{
    (void)state;
    struct scripted self = scripted(0);
    tvn_byte_stream_ref(&self.stream);
    tvn_byte_stream_ref(&self.stream);
    tvn_byte_stream_unref(&self.stream);
    assert_int_equal(self.destroyed, 0);
    tvn_byte_stream_unref(&self.stream);
    assert_int_equal(self.destroyed, 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_byte_stream_permit_is_given_by_check_write_and_used_by_write),
    cmocka_unit_test(test_byte_stream_write_beyond_the_permit_is_our_bug),
    cmocka_unit_test(test_byte_stream_zeroes_are_written_in_pieces),
    cmocka_unit_test(test_byte_stream_no_room_permits_nothing),
    cmocka_unit_test(test_byte_stream_failure_and_end_close_it),
    cmocka_unit_test(test_byte_stream_denial_looks_closed_but_does_not_close),
    cmocka_unit_test(test_byte_stream_read_of_nothing_does_not_ask),
    cmocka_unit_test(test_byte_stream_lives_as_long_as_it_is_referred_to),
};
TVN_TEST_MAIN("wasi.byte_stream", tests)
