/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A byte stream behind wasi:io's input-stream and output-stream, below the ABI.
 *
 * A stream lives while a handle or a pollable refers to it: guests may drop a stream before its
 * pollables. Threads: those of its context.
 */
#include "base/assert.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tvn_byte_stream;

/*
 * All return TVN_OK, TVN_END (closed: nothing more will ever come or go), TVN_AGAIN (not now: wait
 * for wait_fd), TVN_E_IO_ERROR with stream->error set, which closes the stream, or
 * TVN_E_CAPABILITY_DENIED, which the guest sees as TVN_END.
 */
struct tvn_byte_stream_ops {
    /* HOT PATH. Inputs. At least one byte on TVN_OK; capacity is not 0. */
    enum tvn_status (*read)(struct tvn_byte_stream *stream, char *bytes, size_t capacity,
                            size_t *out_length);
    /* HOT PATH. Outputs. How many bytes `write` takes now, at least 1 on TVN_OK. */
    enum tvn_status (*room)(struct tvn_byte_stream *stream, size_t *out_length);
    /* HOT PATH. Outputs. Takes all bytes; length is at most what `room` said, and not 0. */
    enum tvn_status (*write)(struct tvn_byte_stream *stream, const char *bytes, size_t length);
    /* HOT PATH. Outputs. */
    enum tvn_status (*flush)(struct tvn_byte_stream *stream);
    /* WARM PATH. The descriptor and events to wait for; -1: ready now. */
    int (*wait_fd)(const struct tvn_byte_stream *stream, short *out_events);
    /* COLD PATH. Frees a stream of its own memory; NULL for one embedded in its owner. */
    void (*destroy)(struct tvn_byte_stream *stream);
};

/* Whose errors a stream's are: the interface that can name them. */
enum tvn_byte_stream_origin {
    TVN_BYTE_STREAM_STANDARD,
    TVN_BYTE_STREAM_FILE,
    TVN_BYTE_STREAM_SOCKET,
};

/* The first field of every stream. */
struct tvn_byte_stream {
    const struct tvn_byte_stream_ops *ops;
    uint32_t refs;
    int error; /* errno of the failure that closed it */
    enum tvn_byte_stream_origin origin;
    bool closed;
    size_t permit; /* what the last check-write allowed and no write has used */
};

static inline void tvn_byte_stream_ref(struct tvn_byte_stream *stream)
{
    stream->refs++;
}
static inline void tvn_byte_stream_unref(struct tvn_byte_stream *stream)
{
    tvn_assert(stream->refs > 0);
    if (--stream->refs == 0 && stream->ops->destroy) {
        stream->ops->destroy(stream);
    }
}

// HOT PATH. What the guest's operations do; `closed` is kept here.
enum tvn_status tvn_byte_stream_read(struct tvn_byte_stream *stream, char *bytes, size_t capacity,
                                     size_t *out_length);
/* Sets stream->permit. */
enum tvn_status tvn_byte_stream_check_write(struct tvn_byte_stream *stream);
/* Uses up the permit, which must suffice (the caller traps else). bytes NULL: zeroes. */
enum tvn_status tvn_byte_stream_write(struct tvn_byte_stream *stream, const char *bytes,
                                      size_t length);
enum tvn_status tvn_byte_stream_flush(struct tvn_byte_stream *stream);
/* -1: an operation will not have to wait. */
int tvn_byte_stream_wait_fd(const struct tvn_byte_stream *stream, short *out_events);
