/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of a file, pipe or terminal. What was read stands in chunk[start, end); [start, scanned) is
 * known to have no newline. The chunk grows, up to the longest allowed line, when one line fills
 * it.
 */
#include "base/assert.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "connectors/connector_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* What one pull passes over of a line that is too long; then others, and a stop, get their turn. */
#define SKIP_BYTES_MAX ((size_t)64 << 20)

struct line_source {
    struct tvn_connector connector;
    int fd;
    bool owns_fd;
    bool may_wait; /* not a regular file: poll before reading */
    bool ended;    /* end of file was read */
    bool skipping; /* the rest of a line that is too long */
    char *chunk;
    size_t capacity;
    size_t start;
    size_t scanned;
    size_t end;
    uint64_t line; /* 1-based number of the line at `start` */
    char name[TVN_CONNECTOR_NAME_MAX];
};

/* Makes room behind `end`: moves the rest to the front, or doubles the chunk. False: out of memory.
 */
static bool make_room(struct line_source *source)
{
    if (source->start > 0) {
        size_t rest = source->end - source->start;
        memmove(source->chunk, source->chunk + source->start, rest);
        source->scanned -= source->start;
        source->end = rest;
        source->start = 0;
    }
    if (source->end < source->capacity) {
        return true;
    }
    /* One byte more than the longest line shows that a line is too long. */
    size_t limit = tvn_max((size_t)source->connector.max_bytes + 1, (size_t)TVN_LINE_SOURCE_BYTES);
    size_t capacity = tvn_min(source->capacity * 2, limit);
    tvn_assert(capacity > source->capacity);
    char *chunk = tvn_realloc(source->chunk, capacity);
    if (!chunk) {
        return false;
    }
    source->chunk = chunk;
    source->capacity = capacity;
    return true;
}

/* EMIT: something was read or the end was met; WAIT; DEAD. */
static enum tvn_outcome fill(struct line_source *source, struct tvn_fault *fault)
{
    if (!make_room(source)) {
        *fault = (struct tvn_fault){.code = TVN_E_OUT_OF_MEMORY, .error = TVN_PROCESS_FATAL};
        snprintf(fault->text, sizeof(fault->text), "no memory for line %llu of '%s'",
                 (unsigned long long)source->line, source->name);
        return TVN_OUTCOME_DEAD;
    }
    for (;;) {
        struct pollfd ready = {.fd = source->fd, .events = POLLIN};
        if (source->may_wait && poll(&ready, 1, 0) < 1) {
            return TVN_OUTCOME_WAIT; /* a signal counts as not ready */
        }
        ssize_t count =
            read(source->fd, source->chunk + source->end, source->capacity - source->end);
        if (count >= 0) {
            source->ended = count == 0;
            source->end += (size_t)count;
            return TVN_OUTCOME_EMIT;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return TVN_OUTCOME_WAIT;
        }
        if (errno != EINTR) {
            return tvn_connector_io_fault(fault, "read", source->name, errno);
        }
    }
}

/* The line's end in the chunk, or NULL; remembers how far it looked. */
static const char *find_newline(struct line_source *source)
{
    const char *newline =
        memchr(source->chunk + source->scanned, '\n', source->end - source->scanned);
    if (!newline) {
        source->scanned = source->end;
    }
    return newline;
}

static void advance(struct line_source *source, size_t to)
{
    source->start = to;
    source->scanned = to;
    source->line++;
}

static enum tvn_outcome too_long(const struct line_source *source, struct tvn_fault *fault)
{
    *fault = (struct tvn_fault){.error = TVN_PROCESS_INVALID_INPUT};
    snprintf(fault->text, sizeof(fault->text), "line %llu of '%s' is longer than %llu bytes",
             (unsigned long long)source->line, source->name,
             (unsigned long long)source->connector.max_bytes);
    return TVN_OUTCOME_ERROR;
}

/* A whole line [start, to). The newline, if any, is passed over only when the line was taken. */
static enum tvn_outcome emit_line(struct line_source *source, size_t to, bool has_newline,
                                  struct tvn_call *call)
{
    size_t length = to - source->start;
    size_t next = to + has_newline;
    if (TVN_UNLIKELY(length > source->connector.max_bytes)) {
        enum tvn_outcome outcome = too_long(source, call->fault);
        advance(source, next);
        return outcome;
    }
    enum tvn_outcome outcome =
        tvn_connector_emit(&source->connector, source->chunk + source->start, length, call);
    if (TVN_LIKELY(outcome == TVN_OUTCOME_EMIT)) {
        advance(source, next);
    }
    return outcome;
}

/* No newline in the chunk. False: *out_outcome is the answer. */
static bool read_on(struct line_source *source, struct tvn_call *call,
                    enum tvn_outcome *out_outcome)
{
    if (source->skipping) {
        source->start = source->scanned = source->end = 0;
    } else if (source->end - source->start > source->connector.max_bytes) {
        *out_outcome = too_long(source, call->fault);
        source->skipping = true;
        return false;
    }
    if (source->ended) {
        if (source->start == source->end) {
            *out_outcome = TVN_OUTCOME_END;
        } else {
            *out_outcome = emit_line(source, source->end, false, call);
        }
        return false;
    }
    *out_outcome = fill(source, call->fault);
    return *out_outcome == TVN_OUTCOME_EMIT;
}

static enum tvn_outcome pull(struct line_source *source, struct tvn_call *call)
{
    size_t skipped = 0;
    for (;;) {
        const char *newline = find_newline(source);
        if (TVN_UNLIKELY(!newline)) {
            enum tvn_outcome outcome;
            skipped += source->skipping ? source->end - source->start : 0;
            if (skipped > SKIP_BYTES_MAX) {
                source->start = source->scanned = source->end = 0;
                return TVN_OUTCOME_WAIT;
            }
            if (!read_on(source, call, &outcome)) {
                return outcome;
            }
            continue;
        }
        size_t to = (size_t)(newline - source->chunk);
        if (TVN_UNLIKELY(source->skipping)) {
            source->skipping = false;
            advance(source, to + 1);
            continue;
        }
        return emit_line(source, to, true, call);
    }
}

static enum tvn_outcome line_source_invoke(struct tvn_invoker *self, enum tvn_entry entry,
                                           struct tvn_call *call)
{
    tvn_assert(entry == TVN_ENTRY_PULL);
    return pull(TVN_CONTAINER_OF(self, struct line_source, connector.invoker), call);
}

static bool line_source_has_entry(const struct tvn_invoker *self, enum tvn_entry entry)
{
    (void)self;
    return entry == TVN_ENTRY_PULL;
}

static int line_source_wait_fd(const struct tvn_invoker *self, short *out_events)
{
    const struct line_source *source = (const struct line_source *)(const void *)self;
    *out_events = POLLIN;
    return source->may_wait ? source->fd : -1;
}

static void line_source_destroy(struct tvn_invoker *self)
{
    struct line_source *source = TVN_CONTAINER_OF(self, struct line_source, connector.invoker);
    if (source->owns_fd) {
        tvn_fd_close(&source->fd);
    }
    tvn_free(source->chunk);
    tvn_free(source);
}

static const struct tvn_invoker_ops line_source_ops = {
    .invoke = line_source_invoke,
    .has_entry = line_source_has_entry,
    .wait_fd = line_source_wait_fd,
    .destroy = line_source_destroy,
};

/* Fills fd, owns_fd and may_wait. */
static enum tvn_status open_source(struct line_source *source,
                                   const struct tvn_connector_options *options)
{
    source->fd = options->fd >= 0 ? options->fd : STDIN_FILENO;
    if (options->fd < 0 && options->spec.kind == TVN_CONNECTOR_FILE) {
        TVN_AUTO_FREE char *path = tvn_strndup(options->spec.path.ptr, options->spec.path.len);
        if (!path) {
            return TVN_E_OUT_OF_MEMORY;
        }
        /* A named pipe must not wait here for its writer: no deadline is counted yet, and nobody
         * could cancel it. It has nothing to read until then. */
        source->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (source->fd < 0) {
            return TVN_E_IO_ERROR;
        }
        source->owns_fd = true;
    }
    struct stat info;
    if (fstat(source->fd, &info) < 0) {
        return TVN_E_IO_ERROR;
    }
    if (S_ISDIR(info.st_mode)) {
        errno = EISDIR;
        return TVN_E_IO_ERROR;
    }
    /* Shared among readers; a sink that wants the file for itself would truncate it. */
    if (source->owns_fd && S_ISREG(info.st_mode)) {
        TVN_TRY(tvn_connector_lock(source->fd, LOCK_SH));
    }
    source->may_wait = !S_ISREG(info.st_mode) && !S_ISBLK(info.st_mode);
    return TVN_OK;
}

enum tvn_status tvn_line_source_create(const struct tvn_connector_options *options,
                                       struct tvn_invoker **out_invoker)
{
    struct tvn_connector connector;
    TVN_TRY(tvn_connector_init(&connector, options, &line_source_ops, TVN_ROLE_SOURCE));
    struct line_source *source = tvn_calloc(1, sizeof(*source));
    if (!source) {
        return TVN_E_OUT_OF_MEMORY;
    }
    source->connector = connector;
    source->line = 1;
    source->capacity = TVN_LINE_SOURCE_BYTES;
    source->chunk = tvn_malloc(source->capacity);
    tvn_connector_name(options, source->name);
    enum tvn_status status = source->chunk ? open_source(source, options) : TVN_E_OUT_OF_MEMORY;
    if (status != TVN_OK) {
        int saved = errno;
        tvn_invoker_destroy(&source->connector.invoker);
        errno = saved;
        return status;
    }
    *out_invoker = &source->connector.invoker;
    return TVN_OK;
}
