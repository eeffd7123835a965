/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"
#include "wasi/byte_stream_internal.h"

#define ZEROES_BYTES 4096

static enum tvn_status settle(struct tvn_byte_stream *stream, enum tvn_status status)
{
    if (TVN_UNLIKELY(status == TVN_E_CAPABILITY_DENIED)) {
        return TVN_END; /* for the guest it is closed, but each use counts as a denial */
    }
    if (TVN_UNLIKELY(status != TVN_OK && status != TVN_AGAIN)) {
        tvn_assert(status == TVN_END || status > TVN_OK);
        stream->closed = true;
        stream->permit = 0;
    }
    return status;
}

enum tvn_status tvn_byte_stream_read(struct tvn_byte_stream *stream, char *bytes, size_t capacity,
                                     size_t *out_length)
{
    tvn_assert(stream->ops->read);
    if (stream->closed) {
        return TVN_END;
    }
    if (capacity == 0) {
        *out_length = 0;
        return TVN_OK;
    }
    return settle(stream, stream->ops->read(stream, bytes, capacity, out_length));
}

enum tvn_status tvn_byte_stream_check_write(struct tvn_byte_stream *stream)
{
    tvn_assert(stream->ops->room);
    if (stream->closed) {
        return TVN_END;
    }
    size_t length = 0;
    enum tvn_status status = settle(stream, stream->ops->room(stream, &length));
    stream->permit = status == TVN_OK ? length : 0;
    return status;
}

static enum tvn_status write_zeroes(struct tvn_byte_stream *stream, size_t length)
{
    static const char zeroes[ZEROES_BYTES];
    while (length > 0) {
        size_t piece = tvn_min(length, sizeof(zeroes));
        TVN_TRY(stream->ops->write(stream, zeroes, piece));
        length -= piece;
    }
    return TVN_OK;
}

enum tvn_status tvn_byte_stream_write(struct tvn_byte_stream *stream, const char *bytes,
                                      size_t length)
{
    tvn_assert(stream->ops->write);
    if (stream->closed) {
        return TVN_END;
    }
    tvn_assert(length <= stream->permit);
    stream->permit -= length;
    if (length == 0) {
        return TVN_OK;
    }
    return settle(stream,
                  bytes ? stream->ops->write(stream, bytes, length) : write_zeroes(stream, length));
}

enum tvn_status tvn_byte_stream_flush(struct tvn_byte_stream *stream)
{
    tvn_assert(stream->ops->flush);
    if (stream->closed) {
        return TVN_END;
    }
    return settle(stream, stream->ops->flush(stream));
}

int tvn_byte_stream_wait_fd(const struct tvn_byte_stream *stream, short *out_events)
{
    return stream->closed ? -1 : stream->ops->wait_fd(stream, out_events);
}
