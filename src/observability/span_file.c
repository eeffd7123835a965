/* SPDX-License-Identifier: Apache-2.0 */
#include "observability/span_file.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <unistd.h>

TVN_LOG_CATEGORY("observability");

#define CHUNK_BYTES 4096 /* PIPE_BUF: a pipe that has room at all takes so much without waiting */
#define LOOK_MS     50   /* how soon an interruption is noticed */

struct file {
    struct tvn_span_transport base;
    struct tvn_span_file_options options;
    atomic_bool interrupted;
    bool failed; /* told in the log */
    struct tvn_strbuf line;
    size_t written; /* of the line */
};

/* Room for a chunk? */
static bool wait_for_room(const struct file *file, uint64_t deadline_ns)
{
    do {
        struct pollfd fds = {.fd = file->options.fd, .events = POLLOUT};
        if (poll(&fds, 1, LOOK_MS) > 0) {
            return true; /* or an error, which the write will tell */
        }
    } while (!atomic_load(&file->interrupted) && tvn_clock_monotonic_ns() < deadline_ns);
    return false;
}

/* TVN_AGAIN: not all of it in time. TVN_E_IO_ERROR (errno). */
static enum tvn_status write_line(struct file *file, uint64_t deadline_ns)
{
    while (file->written < file->line.len) {
        if (!wait_for_room(file, deadline_ns)) {
            return TVN_AGAIN;
        }
        size_t length = tvn_min(file->line.len - file->written, (size_t)CHUNK_BYTES);
        ssize_t count = write(file->options.fd, file->line.ptr + file->written, length);
        if (count < 0 && errno != EINTR && errno != EAGAIN) {
            return TVN_E_IO_ERROR;
        }
        file->written += count > 0 ? (size_t)count : 0;
    }
    return TVN_OK;
}

static enum tvn_span_send give_up(struct file *file, int error)
{
    tvn_strbuf_reset(&file->line);
    file->written = 0;
    if (!file->failed) {
        file->failed = true;
        tvn_log_warn("spans cannot be written and are dropped: %s", strerror(error));
    }
    return TVN_SPAN_LOST;
}

static enum tvn_span_send send_spans(struct tvn_span_transport *self,
                                     const struct tvn_trace_span *spans, size_t count,
                                     uint64_t deadline_ns, uint32_t *out_retry_ms,
                                     size_t *out_rejected)
{
    struct file *file = (struct file *)self;
    (void)out_retry_ms;
    enum tvn_status status = write_line(file, deadline_ns); /* what is left of the last one */
    for (size_t i = 0; i < count && status == TVN_OK; i += file->options.spans_per_line) {
        size_t taken = tvn_min(count - i, (size_t)file->options.spans_per_line);
        tvn_strbuf_reset(&file->line);
        file->written = 0;
        tvn_span_json_batch(file->options.resource, &spans[i], taken, &file->line);
        tvn_strbuf_add_char(&file->line, '\n');
        if (file->line.failed) {
            return give_up(file, ENOMEM);
        }
        status = write_line(file, deadline_ns);
        if (status == TVN_AGAIN) { /* what was begun goes on with the next call */
            *out_rejected = count - i - taken;
            return TVN_SPAN_SENT;
        }
    }
    if (status == TVN_E_IO_ERROR) {
        return give_up(file, errno);
    }
    file->failed &= status != TVN_OK;
    return status == TVN_OK ? TVN_SPAN_SENT : TVN_SPAN_RETRY;
}

static void interrupt(struct tvn_span_transport *self)
{
    atomic_store(&((struct file *)self)->interrupted, true);
}

static void destroy(struct tvn_span_transport *self)
{
    struct file *file = (struct file *)self;
    if (file->options.owns_fd) {
        tvn_fd_close(&file->options.fd);
    }
    tvn_strbuf_deinit(&file->line);
    tvn_free(file);
}

enum tvn_status tvn_span_file_transport_create(const struct tvn_span_file_options *options,
                                               struct tvn_span_transport **out_transport)
{
    static const struct tvn_span_transport_ops ops = {
        .send = send_spans, .interrupt = interrupt, .destroy = destroy};
    tvn_assert(options && options->fd >= 0 && options->spans_per_line > 0 && options->resource &&
               out_transport);
    struct file *file = tvn_calloc(1, sizeof(*file));
    if (!file) {
        return TVN_E_OUT_OF_MEMORY;
    }
    file->base.ops = &ops;
    file->options = *options;
    *out_transport = &file->base;
    return TVN_OK;
}
