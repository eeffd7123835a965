/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES_FIRST ((size_t)4 << 10)

void tvn_file_bytes_deinit(struct tvn_file_bytes *bytes)
{
    if (bytes) {
        tvn_free(bytes->ptr);
        *bytes = (struct tvn_file_bytes){0};
    }
}

void tvn_fd_close(int *fd)
{
    tvn_assert(fd);
    if (*fd >= 0) {
        int saved = errno; /* closing is clean-up: the caller wants the first failure */
        (void)close(*fd);
        errno = saved;
    }
    *fd = -1;
}

static enum tvn_status fail_with(int error)
{
    errno = error;
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return TVN_NOT_FOUND;
    case EFBIG:
        return TVN_FULL;
    case ENOMEM:
        return TVN_E_OUT_OF_MEMORY;
    default:
        return TVN_E_IO_ERROR;
    }
}

static ssize_t read_again(int fd, void *bytes, size_t length)
{
    for (;;) {
        ssize_t got = read(fd, bytes, length);
        if (got >= 0 || errno != EINTR) {
            return got;
        }
    }
}

/* Reads to the end; `expected` is a hint. One byte more than allowed is asked for, to tell "full"
 * from "too large". */
static enum tvn_status read_to_end(int fd, size_t expected, size_t max_bytes,
                                   struct tvn_file_bytes *bytes)
{
    size_t capacity = 0;
    size_t wanted = tvn_max(expected + 1, READ_BYTES_FIRST);
    for (;;) {
        if (bytes->len == capacity) {
            capacity = tvn_min(capacity ? capacity * 2 : wanted, max_bytes + 1);
            uint8_t *grown = tvn_realloc(bytes->ptr, capacity + 1);
            if (!grown) {
                return fail_with(ENOMEM);
            }
            bytes->ptr = grown;
        }
        ssize_t got = read_again(fd, bytes->ptr + bytes->len, capacity - bytes->len);
        if (got < 0) {
            return fail_with(errno == EFBIG ? EIO : errno);
        }
        if (got == 0) {
            bytes->ptr[bytes->len] = 0;
            return TVN_OK;
        }
        bytes->len += (size_t)got;
        if (bytes->len > max_bytes) {
            return fail_with(EFBIG);
        }
    }
}

/* `regular`: nothing else is waited for. */
static enum tvn_status read_file(const char *path, bool regular, size_t max_bytes,
                                 struct tvn_file_bytes *out_bytes)
{
    tvn_assert(path);
    tvn_assert(out_bytes);
    max_bytes = tvn_min(max_bytes, (size_t)SSIZE_MAX / 4); /* headroom: doubling cannot overflow */
    int fd;
    do {
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (regular ? O_NONBLOCK : 0));
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) {
        return fail_with(errno == EFBIG ? EIO : errno);
    }
    TVN_AUTO_VALUE(tvn_file_bytes) bytes = {0};
    enum tvn_status status;
    struct stat info;
    if (fstat(fd, &info) != 0) {
        status = fail_with(errno);
    } else if (regular && !S_ISREG(info.st_mode)) {
        status = fail_with(S_ISDIR(info.st_mode) ? EISDIR : ENOTSUP);
    } else {
        /* Only a hint: files under /sys claim a page, those under /proc nothing. */
        uint64_t expected = S_ISREG(info.st_mode) && info.st_size > 0 ? (uint64_t)info.st_size : 0;
        status = read_to_end(fd, (size_t)tvn_min(expected, max_bytes), max_bytes, &bytes);
    }
    tvn_fd_close(&fd);
    if (status == TVN_OK) {
        *out_bytes = bytes;
        bytes = (struct tvn_file_bytes){0};
    }
    return status;
}

enum tvn_status tvn_file_read(const char *path, size_t max_bytes, struct tvn_file_bytes *out_bytes)
{
    return read_file(path, false, max_bytes, out_bytes);
}

enum tvn_status tvn_file_read_regular(const char *path, size_t max_bytes,
                                      struct tvn_file_bytes *out_bytes)
{
    return read_file(path, true, max_bytes, out_bytes);
}

enum tvn_status tvn_fd_write_all(int fd, const void *bytes, size_t length)
{
    tvn_assert(bytes || length == 0);
    const char *rest = bytes;
    while (length > 0) {
        ssize_t written = write(fd, rest, length);
        if (written > 0) {
            rest += written;
            length -= (size_t)written;
        } else if (written == 0) {
            errno = EIO;
            return TVN_E_IO_ERROR;
        } else if (errno == EAGAIN) {
            struct pollfd ready = {.fd = fd, .events = POLLOUT};
            if (poll(&ready, 1, -1) < 0 && errno != EINTR) {
                return TVN_E_IO_ERROR;
            }
        } else if (errno != EINTR) {
            return TVN_E_IO_ERROR;
        }
    }
    return TVN_OK;
}

/* Until there is room for PIPE_BUF bytes, or an error. */
static enum tvn_status wait_for_room(int fd, uint64_t patience_ns)
{
    uint64_t begin_ns = tvn_clock_monotonic_ns();
    for (;;) {
        uint64_t waited_ns = tvn_clock_monotonic_ns() - begin_ns;
        uint64_t left_ms = waited_ns < patience_ns ? (patience_ns - waited_ns) / 1000000 : 0;
        struct pollfd ready = {.fd = fd, .events = POLLOUT};
        int found = poll(&ready, 1, (int)tvn_min(left_ms, (uint64_t)INT_MAX));
        if (found > 0) {
            return TVN_OK;
        }
        if (found < 0 && errno != EINTR) {
            return TVN_E_IO_ERROR;
        }
        if (found == 0 && left_ms == 0) {
            return fail_with(ETIMEDOUT);
        }
    }
}

enum tvn_status tvn_fd_write_patiently(int fd, const void *bytes, size_t length,
                                       uint64_t patience_ns)
{
    tvn_assert(bytes || length == 0);
    const char *rest = bytes;
    while (length > 0) {
        TVN_TRY(wait_for_room(fd, patience_ns));
        ssize_t written = write(fd, rest, tvn_min(length, (size_t)PIPE_BUF));
        if (written > 0) {
            rest += written;
            length -= (size_t)written;
        } else if (written == 0) {
            return fail_with(EIO);
        } else if (errno != EINTR && errno != EAGAIN) {
            return TVN_E_IO_ERROR;
        }
    }
    return TVN_OK;
}

bool tvn_file_exists(const char *path)
{
    tvn_assert(path);
    struct stat info;
    int saved = errno;
    bool exists = stat(path, &info) == 0;
    errno = saved;
    return exists;
}

/* Length without trailing slashes; the root keeps its one. */
static size_t trimmed_length(const char *path, size_t length)
{
    while (length > 1 && path[length - 1] == '/') {
        length--;
    }
    return length;
}

char *tvn_path_join(const char *directory, const char *name)
{
    tvn_assert(directory);
    tvn_assert(name);
    if (name[0] == '/' || directory[0] == '\0') {
        return tvn_strdup(name);
    }
    size_t directory_len = trimmed_length(directory, strlen(directory));
    size_t name_len = strlen(name);
    if (name_len == 0) {
        return tvn_strndup(directory, directory_len);
    }
    bool slash = directory[directory_len - 1] != '/';
    char *joined = tvn_malloc(directory_len + slash + name_len + 1);
    if (joined) {
        memcpy(joined, directory, directory_len);
        joined[directory_len] = '/';
        memcpy(joined + directory_len + slash, name, name_len);
        joined[directory_len + slash + name_len] = '\0';
    }
    return joined;
}

char *tvn_path_dirname(const char *path)
{
    tvn_assert(path);
    size_t length = trimmed_length(path, strlen(path));
    while (length > 0 && path[length - 1] != '/') {
        length--;
    }
    if (length == 0) {
        return tvn_strdup(".");
    }
    return tvn_strndup(path, trimmed_length(path, length));
}
