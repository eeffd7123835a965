/* SPDX-License-Identifier: Apache-2.0 */
#include "connectors/shared_output.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

static_assert(TVN_SHARED_OUTPUT_BYTES <= PIPE_BUF, "what is ready takes as much");

static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;

/* A line that is longer than all there is room for is cut: it has no other way out. */
static size_t whole_lines(const char *bytes, size_t length)
{
    if (length <= TVN_SHARED_OUTPUT_BYTES) {
        return length;
    }
    const char *end = memrchr(bytes, '\n', TVN_SHARED_OUTPUT_BYTES);
    return end ? (size_t)(end - bytes) + 1 : TVN_SHARED_OUTPUT_BYTES;
}

ssize_t tvn_shared_output_write(int fd, const void *bytes, size_t length)
{
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    ssize_t written = -1;
    pthread_mutex_lock(&writing);
    int count = poll(&ready, 1, 0);
    int error = EAGAIN;
    if (count == 1) {
        written = write(fd, bytes, whole_lines(bytes, length));
        error = errno;
    }
    pthread_mutex_unlock(&writing);
    errno = error;
    return written;
}
