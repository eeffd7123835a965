/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Source, processor and sink as three processes with a Unix socket between each two. Three ways:
 * one element per send and an acknowledgement awaited for each (--acknowledge 1), one send per
 * element and no waiting, and as many elements per send as fit into 64 KiB (--batch 1). A receiver
 * takes whatever has arrived at once.
 */
#include "base/num.h"
#include "bench/baseline.h"
#include "bench/program.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define USAGE        "baseline_socket [--size BYTES] [--elements N] [--acknowledge 0|1] [--batch 0|1]"
#define ELEMENTS_MAX ((uint64_t)1 << 32)
#define CHUNK_BYTES  ((size_t)65536)
#define FRAME_MAX    (BASELINE_SIZE_MAX + BASELINE_STAMP_BYTES)

static uint64_t acknowledge;
static uint64_t batch;

/* One direction of a connection: what has arrived, or what is to be sent. */
struct channel {
    int fd;
    size_t frame; /* bytes of an element */
    size_t begin;
    size_t end;
    uint8_t bytes[CHUNK_BYTES + FRAME_MAX];
};

static struct channel incoming;
static struct channel outgoing;

static void write_all(int fd, const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = send(fd, bytes, length, MSG_NOSIGNAL);
        if (written < 0 && errno != EINTR) {
            bench_fail("send: %s", strerror(errno));
        }
        bytes += written > 0 ? written : 0;
        length -= written > 0 ? (size_t)written : 0;
    }
}

/* At least one byte; 0 at the end. */
static size_t read_some(int fd, uint8_t *bytes, size_t capacity)
{
    ssize_t got;
    while ((got = recv(fd, bytes, capacity, 0)) < 0) {
        if (errno != EINTR) {
            bench_fail("recv: %s", strerror(errno));
        }
    }
    return (size_t)got;
}

/* Where the next element that is to be sent goes. */
static uint8_t *channel_slot(struct channel *channel)
{
    return channel->bytes + channel->end;
}

static void channel_flush(struct channel *channel)
{
    write_all(channel->fd, channel->bytes, channel->end);
    channel->end = 0;
}

/* Sends what stands in the slot. */
static void channel_send(struct channel *channel)
{
    channel->end += channel->frame;
    if (!batch || channel->end + channel->frame > CHUNK_BYTES) {
        channel_flush(channel);
    }
    uint8_t answer;
    if (acknowledge && read_some(channel->fd, &answer, 1) == 0) {
        bench_fail("no acknowledgement");
    }
}

/* The next element, valid until the next call; NULL at the end of the stream. */
static const uint8_t *channel_receive(struct channel *channel)
{
    while (channel->end - channel->begin < channel->frame) {
        memmove(channel->bytes, channel->bytes + channel->begin, channel->end - channel->begin);
        channel->end -= channel->begin;
        channel->begin = 0;
        if (batch && channel != &outgoing && outgoing.end > 0) {
            channel_flush(&outgoing); /* before waiting */
        }
        size_t got = read_some(channel->fd, channel->bytes + channel->end, CHUNK_BYTES);
        if (got == 0) {
            return NULL;
        }
        channel->end += got;
    }
    const uint8_t *element = channel->bytes + channel->begin;
    channel->begin += channel->frame;
    if (acknowledge) {
        write_all(channel->fd, &(uint8_t){1}, 1);
    }
    return element;
}

static void run_source(const struct baseline *baseline, int fd)
{
    outgoing = (struct channel){.fd = fd, .frame = baseline->size};
    for (uint64_t i = 0; i < baseline->elements; i++) {
        baseline_make(baseline, i, channel_slot(&outgoing));
        channel_send(&outgoing);
    }
    channel_flush(&outgoing);
    shutdown(fd, SHUT_WR);
}

/* fds: the source's two ends, the sink's two ends. */
static void run_processor(const struct baseline *baseline, const int *fds)
{
    close(fds[0]);
    close(fds[3]);
    incoming = (struct channel){.fd = fds[1], .frame = baseline->size};
    outgoing = (struct channel){.fd = fds[2], .frame = baseline->size + BASELINE_STAMP_BYTES};
    const uint8_t *element;
    while ((element = channel_receive(&incoming))) {
        uint8_t *slot = channel_slot(&outgoing);
        memcpy(slot, element, baseline->size);
        baseline_stamp(baseline, slot);
        channel_send(&outgoing);
    }
    channel_flush(&outgoing);
    shutdown(fds[2], SHUT_WR);
}

static void run_sink(const struct baseline *baseline, const int *fds)
{
    close(fds[0]);
    close(fds[1]);
    close(fds[2]);
    struct baseline_sink sink;
    baseline_sink_init(&sink, baseline);
    incoming = (struct channel){.fd = fds[3], .frame = baseline->size + BASELINE_STAMP_BYTES};
    const uint8_t *element;
    while ((element = channel_receive(&incoming))) {
        baseline_sink_take(&sink, element);
    }
    baseline_sink_report(&sink);
}

int main(int argc, char **argv)
{
    uint64_t size = 64;
    uint64_t elements = 100000;
    const struct bench_option options[] = {{"--size", &size, BASELINE_SIZE_MAX},
                                           {"--elements", &elements, ELEMENTS_MAX},
                                           {"--acknowledge", &acknowledge, 1},
                                           {"--batch", &batch, 1}};
    bench_parse(argc, argv, USAGE, options, TVN_ARRAY_LEN(options), NULL, 0);
    if (size < BASELINE_SIZE_MIN || elements == 0 || (acknowledge && batch)) {
        bench_fail("size below 16, no elements, or a batch that is acknowledged");
    }
    const struct baseline baseline = {.elements = elements, .size = (size_t)size};
    int fds[4];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds + 2) != 0) {
        bench_fail("socketpair: %s", strerror(errno));
    }
    pid_t sink = baseline_fork(run_sink, &baseline, fds);
    pid_t processor = baseline_fork(run_processor, &baseline, fds);
    close(fds[1]);
    close(fds[2]);
    close(fds[3]);
    run_source(&baseline, fds[0]);
    baseline_join(processor);
    baseline_join(sink);
    return 0;
}
