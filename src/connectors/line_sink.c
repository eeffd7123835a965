/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payloads as lines to a file, pipe, socket or terminal. An element is taken when it is copied into
 * the buffer; a buffer that cannot be passed on makes further elements wait, so that nothing is
 * lost or grows.
 */
#include "base/assert.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "connectors/connector_internal.h"
#include "connectors/shared_output.h"
#include "types/flow_stats.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORD_BITS  64u
#define ENDS_WORDS (TVN_LINE_SINK_BYTES / WORD_BITS)

enum target {
    TARGET_FILE,        /* never waits */
    TARGET_NONBLOCKING, /* a descriptor of our own with O_NONBLOCK */
    TARGET_SOCKET,
    TARGET_BLOCKING, /* somebody else's pipe or device (shared_output.h) */
};

struct line_sink {
    struct tvn_connector connector;
    int fd;
    bool owns_fd;
    bool flush_each; /* a terminal */
    bool has_old;    /* a file whose content is that of before, until there is something to write */
    enum target target;
    uint8_t *bytes; /* [start, end) waits to be written */
    size_t capacity;
    size_t start;
    size_t end;
    uint64_t ends[ENDS_WORDS]; /* a bit per byte: the last of an element */
    uint64_t lost;             /* elements that were taken and can no longer be written */
    char name[TVN_CONNECTOR_NAME_MAX];
};

/* ---- which elements are written ---- */

/* The buffer ends with an element. One that is larger than the buffer stands alone in it. */
static void note_end(struct line_sink *sink)
{
    size_t last = sink->end - 1;
    if (TVN_LIKELY(last < TVN_LINE_SINK_BYTES)) {
        sink->ends[last / WORD_BITS] |= UINT64_C(1) << (last % WORD_BITS);
    }
}

/* Elements of which not every byte is written. */
static uint64_t count_held(const struct line_sink *sink)
{
    if (sink->end > TVN_LINE_SINK_BYTES) {
        return sink->start < sink->end;
    }
    uint64_t count = 0;
    for (size_t word = sink->start / WORD_BITS; word * WORD_BITS < sink->end; word++) {
        bool is_first = word == sink->start / WORD_BITS;
        uint64_t from = is_first ? UINT64_MAX << (sink->start % WORD_BITS) : UINT64_MAX;
        count += (uint64_t)__builtin_popcountll(sink->ends[word] & from);
    }
    return count;
}

static void empty(struct line_sink *sink)
{
    size_t used = tvn_min(sink->end, (size_t)TVN_LINE_SINK_BYTES);
    memset(sink->ends, 0, (used + WORD_BITS - 1) / WORD_BITS * sizeof(sink->ends[0]));
    sink->start = sink->end = 0;
}

/* ---- writing ---- */

/* One write: bytes written, or -1 with errno; EAGAIN when it would block. */
static ssize_t write_some(struct line_sink *sink)
{
    const uint8_t *bytes = sink->bytes + sink->start;
    size_t length = sink->end - sink->start;
    switch (sink->target) {
    case TARGET_FILE:
    case TARGET_NONBLOCKING:
        break;
    case TARGET_SOCKET:
        return send(sink->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    case TARGET_BLOCKING:
        return tvn_shared_output_write(sink->fd, bytes, length);
    }
    return write(sink->fd, bytes, length);
}

static enum tvn_outcome give_up(struct line_sink *sink, struct tvn_fault *fault)
{
    int error = errno;
    sink->lost += count_held(sink);
    empty(sink); /* it will not get better: teardown must not try again */
    return tvn_connector_io_fault(fault, "write to", sink->name, error);
}

/* A flow that does not start leaves what a file had. EMIT or DEAD. */
static enum tvn_outcome drop_old(struct line_sink *sink, struct tvn_fault *fault)
{
    if (TVN_LIKELY(!sink->has_old)) {
        return TVN_OUTCOME_EMIT;
    }
    sink->has_old = false;
    return ftruncate(sink->fd, 0) == 0 ? TVN_OUTCOME_EMIT : give_up(sink, fault);
}

/* EMIT: everything is written; WAIT; DEAD. */
static enum tvn_outcome flush(struct line_sink *sink, struct tvn_fault *fault)
{
    if (sink->start < sink->end && drop_old(sink, fault) != TVN_OUTCOME_EMIT) {
        return TVN_OUTCOME_DEAD;
    }
    while (sink->start < sink->end) {
        ssize_t count = write_some(sink);
        if (count >= 0) {
            sink->start += (size_t)count;
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return TVN_OUTCOME_WAIT;
        }
        if (errno != EINTR) {
            return give_up(sink, fault);
        }
    }
    empty(sink);
    return TVN_OUTCOME_EMIT;
}

/* Room for `needed` more bytes; the buffer only grows beyond its size for one long element. */
static enum tvn_outcome reserve(struct line_sink *sink, size_t needed, struct tvn_fault *fault)
{
    if (sink->end > 0 && sink->end + needed > TVN_LINE_SINK_BYTES) {
        enum tvn_outcome outcome = flush(sink, fault);
        if (outcome != TVN_OUTCOME_EMIT) {
            return outcome;
        }
    }
    if (TVN_LIKELY(needed <= sink->capacity - sink->end)) {
        return TVN_OUTCOME_EMIT;
    }
    tvn_assert(sink->end == 0);
    uint8_t *bytes = tvn_realloc(sink->bytes, needed);
    if (!bytes) {
        *fault = (struct tvn_fault){
            .code = TVN_E_OUT_OF_MEMORY,
            .error = TVN_PROCESS_UNAVAILABLE,
        };
        snprintf(fault->text, sizeof(fault->text), "no memory for an element of %zu bytes",
                 needed - 1);
        return TVN_OUTCOME_ERROR;
    }
    sink->bytes = bytes;
    sink->capacity = needed;
    return TVN_OUTCOME_EMIT;
}

static enum tvn_outcome push(struct line_sink *sink, struct tvn_call *call)
{
    const uint8_t *payload = NULL;
    size_t length = 0;
    if (TVN_LIKELY(call->in->payload.raw != 0)) {
        struct tvn_buffer *buffer = NULL;
        enum tvn_status status =
            tvn_magazine_find(*sink->connector.magazine, call->in->payload, &buffer);
        tvn_assert(status == TVN_OK);
        payload = buffer->bytes;
        length = buffer->length;
    }
    enum tvn_outcome outcome = reserve(sink, length + 1, call->fault);
    if (TVN_UNLIKELY(outcome != TVN_OUTCOME_EMIT)) {
        return outcome;
    }
    if (length > 0) {
        memcpy(sink->bytes + sink->end, payload, length);
    }
    sink->end += length;
    sink->bytes[sink->end++] = '\n';
    note_end(sink);
    tvn_copy_record(&sink->connector.stats->copies, TVN_COPY_HOST_SERIALIZE, length);
    call->signal = TVN_SIGNAL_READY;
    if (TVN_UNLIKELY(sink->flush_each) && flush(sink, call->fault) == TVN_OUTCOME_DEAD) {
        sink->lost--; /* this one was not taken */
        return TVN_OUTCOME_DEAD;
    }
    return TVN_OUTCOME_EMIT;
}

static enum tvn_outcome line_sink_invoke(struct tvn_invoker *self, enum tvn_entry entry,
                                         struct tvn_call *call)
{
    struct line_sink *sink = TVN_CONTAINER_OF(self, struct line_sink, connector.invoker);
    if (TVN_LIKELY(entry == TVN_ENTRY_PUSH)) {
        return push(sink, call);
    }
    tvn_assert(entry == TVN_ENTRY_COMPLETE || entry == TVN_ENTRY_TEARDOWN);
    if (entry == TVN_ENTRY_COMPLETE && drop_old(sink, call->fault) != TVN_OUTCOME_EMIT) {
        return TVN_OUTCOME_DEAD;
    }
    return flush(sink, call->fault);
}

static bool line_sink_has_entry(const struct tvn_invoker *self, enum tvn_entry entry)
{
    (void)self;
    return entry == TVN_ENTRY_PUSH || entry == TVN_ENTRY_COMPLETE || entry == TVN_ENTRY_TEARDOWN;
}

static int line_sink_wait_fd(const struct tvn_invoker *self, short *out_events)
{
    const struct line_sink *sink = (const struct line_sink *)(const void *)self;
    *out_events = POLLOUT;
    return sink->target == TARGET_FILE ? -1 : sink->fd;
}

static enum tvn_outcome line_sink_idle(struct tvn_invoker *self, struct tvn_fault *fault)
{
    return flush(TVN_CONTAINER_OF(self, struct line_sink, connector.invoker), fault);
}

static uint64_t line_sink_undelivered(const struct tvn_invoker *self)
{
    const struct line_sink *sink = (const struct line_sink *)(const void *)self;
    return sink->lost + count_held(sink);
}

static void line_sink_destroy(struct tvn_invoker *self)
{
    struct line_sink *sink = TVN_CONTAINER_OF(self, struct line_sink, connector.invoker);
    if (sink->owns_fd) {
        tvn_fd_close(&sink->fd);
    }
    tvn_free(sink->bytes);
    tvn_free(sink);
}

static const struct tvn_invoker_ops line_sink_ops = {
    .invoke = line_sink_invoke,
    .has_entry = line_sink_has_entry,
    .wait_fd = line_sink_wait_fd,
    .idle = line_sink_idle,
    .undelivered = line_sink_undelivered,
    .destroy = line_sink_destroy,
};

/*
 * A file has one writer, or what one of them wrote would be lost. The lock tells sinks of this
 * process apart, too; a file system without locks is taken as it is.
 */
static enum tvn_status claim(struct line_sink *sink)
{
    struct stat info;
    if (fstat(sink->fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        return TVN_OK;
    }
    TVN_TRY(tvn_connector_lock(sink->fd, LOCK_EX));
    sink->has_old = true;
    return TVN_OK;
}

static enum tvn_status open_path(struct line_sink *sink, struct tvn_str view)
{
    TVN_AUTO_FREE char *path = tvn_strndup(view.ptr, view.len);
    if (!path) {
        return TVN_E_OUT_OF_MEMORY;
    }
    sink->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
    sink->owns_fd = sink->fd >= 0;
    return sink->fd >= 0 ? claim(sink) : TVN_E_IO_ERROR;
}

/*
 * O_NONBLOCK belongs to the open file, which other processes share (the shell's terminal, the other
 * writers of a pipe). So a pipe or device is opened anew; where that is not allowed it is asked
 * before each small write.
 */
static void make_nonblocking(struct line_sink *sink)
{
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", sink->fd);
    int own = open(link, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (own < 0) {
        sink->target = TARGET_BLOCKING;
        return;
    }
    if (sink->owns_fd) {
        tvn_fd_close(&sink->fd);
    }
    sink->fd = own;
    sink->owns_fd = true;
    sink->target = TARGET_NONBLOCKING;
}

/* Fills fd, owns_fd, target and flush_each. */
static enum tvn_status open_sink(struct line_sink *sink,
                                 const struct tvn_connector_options *options)
{
    sink->fd = options->spec.kind == TVN_CONNECTOR_STDERR ? STDERR_FILENO : STDOUT_FILENO;
    if (options->fd >= 0) {
        sink->fd = options->fd;
    } else if (options->spec.kind == TVN_CONNECTOR_FILE) {
        TVN_TRY(open_path(sink, options->spec.path));
    }
    struct stat info;
    if (fstat(sink->fd, &info) < 0) {
        return TVN_E_IO_ERROR;
    }
    sink->flush_each = isatty(sink->fd) == 1;
    if (S_ISREG(info.st_mode) || S_ISBLK(info.st_mode)) {
        sink->target = TARGET_FILE;
    } else if (S_ISSOCK(info.st_mode)) {
        sink->target = TARGET_SOCKET;
    } else {
        make_nonblocking(sink);
    }
    return TVN_OK;
}

enum tvn_status tvn_line_sink_create(const struct tvn_connector_options *options,
                                     struct tvn_invoker **out_invoker)
{
    struct tvn_connector connector;
    TVN_TRY(tvn_connector_init(&connector, options, &line_sink_ops, TVN_ROLE_SINK));
    struct line_sink *sink = tvn_calloc(1, sizeof(*sink));
    if (!sink) {
        return TVN_E_OUT_OF_MEMORY;
    }
    sink->connector = connector;
    sink->capacity = TVN_LINE_SINK_BYTES;
    sink->bytes = tvn_malloc(sink->capacity);
    tvn_connector_name(options, sink->name);
    enum tvn_status status = sink->bytes ? open_sink(sink, options) : TVN_E_OUT_OF_MEMORY;
    if (status != TVN_OK) {
        int saved = errno;
        tvn_invoker_destroy(&sink->connector.invoker);
        errno = saved;
        return status;
    }
    *out_invoker = &sink->connector.invoker;
    return TVN_OK;
}
