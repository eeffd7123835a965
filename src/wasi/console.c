/* SPDX-License-Identifier: Apache-2.0 */
#include "wasi/console_internal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* ---- output ---- */

static struct tvn_wasi_console *console_of(struct tvn_byte_stream *stream)
{
    return TVN_CONTAINER_OF(stream, struct tvn_wasi_console, stream);
}

static enum tvn_status emit(struct tvn_wasi_console *console, const char *bytes, size_t length)
{
    tvn_assert(length > 0);
    if (TVN_UNLIKELY(console->ops->write(console->context, console->kind, bytes, length) !=
                     TVN_OK)) {
        console->stream.error = EIO;
        return TVN_E_IO_ERROR;
    }
    return TVN_OK;
}

static enum tvn_status emit_kept(struct tvn_wasi_console *console)
{
    size_t length = console->length;
    console->length = 0;
    return emit(console, console->line, length);
}

static void keep(struct tvn_wasi_console *console, const char *bytes, size_t length)
{
    tvn_assert(length <= sizeof(console->line) - console->length);
    if (length > 0) {
        memcpy(console->line + console->length, bytes, length);
        console->length += length;
    }
}

/*
 * Completes the kept line, as far as `bytes` go. Afterwards nothing is kept, or all bytes were.
 * *out_used says how many of them went.
 */
static enum tvn_status complete_kept(struct tvn_wasi_console *console, const char *bytes,
                                     size_t length, size_t *out_used)
{
    const char *end = memchr(bytes, '\n', length);
    size_t rest = end ? (size_t)(end - bytes) + 1 : length;
    if (rest > sizeof(console->line) - console->length) {
        *out_used = 0; /* an overlong line: what is kept goes as a piece */
        return emit_kept(console);
    }
    keep(console, bytes, rest);
    *out_used = rest;
    return end ? emit_kept(console) : TVN_OK;
}

static enum tvn_status console_room(struct tvn_byte_stream *stream, size_t *out_length)
{
    struct tvn_wasi_console *console = console_of(stream);
    if (TVN_UNLIKELY(!console->ops->check(console->context, console->capability, NULL))) {
        return TVN_E_CAPABILITY_DENIED;
    }
    *out_length = TVN_WASI_CHUNK_MAX;
    return TVN_OK;
}

static enum tvn_status console_write(struct tvn_byte_stream *stream, const char *bytes,
                                     size_t length)
{
    struct tvn_wasi_console *console = console_of(stream);
    if (console->length > 0) {
        size_t used = 0;
        TVN_TRY(complete_kept(console, bytes, length, &used));
        bytes += used;
        length -= used;
    }
    const char *last = length > 0 ? memrchr(bytes, '\n', length) : NULL;
    if (last) {
        size_t whole = (size_t)(last - bytes) + 1;
        TVN_TRY(emit(console, bytes, whole));
        bytes += whole;
        length -= whole;
    }
    if (length >= sizeof(console->line)) {
        return emit(console, bytes, length);
    }
    keep(console, bytes, length);
    return TVN_OK;
}

static enum tvn_status console_flush(struct tvn_byte_stream *stream)
{
    /* Whole lines are out already, and an unfinished one stays: lines of several writers must not
     * mix. */
    (void)stream;
    return TVN_OK;
}

static int always_ready(const struct tvn_byte_stream *stream, short *out_events)
{
    (void)stream;
    (void)out_events;
    return -1;
}

static const struct tvn_byte_stream_ops console_ops = {
    .room = console_room,
    .write = console_write,
    .flush = console_flush,
    .wait_fd = always_ready,
};

void tvn_wasi_console_init(struct tvn_wasi_console *console, const struct tvn_wasi_ops *ops,
                           void *context, enum tvn_wasi_stream_kind kind)
{
    tvn_assert(ops->check);
    tvn_assert(ops->write);
    console->stream = (struct tvn_byte_stream){.ops = &console_ops};
    console->ops = ops;
    console->context = context;
    console->kind = kind;
    console->capability = kind == TVN_WASI_STDOUT ? TVN_CAP_STDOUT : TVN_CAP_STDERR;
    console->length = 0;
}

void tvn_wasi_console_finish(struct tvn_wasi_console *console)
{
    if (console->length > 0 && !console->stream.closed) {
        (void)emit_kept(console); /* nobody is left to be told */
    }
    console->length = 0;
}

/* ---- input ---- */

static enum tvn_status stdin_read(struct tvn_byte_stream *stream, char *bytes, size_t capacity,
                                  size_t *out_length)
{
    struct tvn_wasi_stdin *input = TVN_CONTAINER_OF(stream, struct tvn_wasi_stdin, stream);
    if (!input->ops->check(input->context, TVN_CAP_STDIN, NULL)) {
        return TVN_E_CAPABILITY_DENIED;
    }
    if (input->fd < 0) {
        return TVN_END;
    }
    struct pollfd poll_fd = {.fd = input->fd, .events = POLLIN};
    int ready;
    do {
        ready = poll(&poll_fd, 1, 0); /* others share the descriptor: O_NONBLOCK is not ours */
    } while (ready < 0 && errno == EINTR);
    if (ready == 0) {
        return TVN_AGAIN;
    }
    ssize_t got;
    do {
        got = read(input->fd, bytes, capacity);
    } while (got < 0 && errno == EINTR);
    if (got > 0) {
        *out_length = (size_t)got;
        return TVN_OK;
    }
    if (got == 0) {
        return TVN_END;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return TVN_AGAIN;
    }
    stream->error = errno;
    return TVN_E_IO_ERROR;
}

static int stdin_wait_fd(const struct tvn_byte_stream *stream, short *out_events)
{
    const struct tvn_wasi_stdin *input =
        TVN_CONTAINER_OF(stream, const struct tvn_wasi_stdin, stream);
    *out_events = POLLIN;
    return input->fd;
}

static const struct tvn_byte_stream_ops stdin_ops = {
    .read = stdin_read,
    .wait_fd = stdin_wait_fd,
};

void tvn_wasi_stdin_init(struct tvn_wasi_stdin *input, const struct tvn_wasi_ops *ops,
                         void *context, int fd)
{
    input->stream = (struct tvn_byte_stream){.ops = &stdin_ops};
    input->ops = ops;
    input->context = context;
    input->fd = fd;
}
