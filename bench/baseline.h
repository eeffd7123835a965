/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The work of the comparison, without a transport: a source makes payloads, a processor appends an
 * 8-byte timestamp, a sink checks each element and takes its latency. The transports that carry it
 * between three processes are baseline_socket.c and baseline_grpc.c.
 *
 * An element on its way is `size` bytes of payload, of which the first 8 are the time it was made,
 * then behind the processor 8 bytes of timestamp.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BASELINE_STAMP_BYTES ((size_t)8)
#define BASELINE_SIZE_MIN    ((uint64_t)16)
#define BASELINE_SIZE_MAX    ((uint64_t)65536)

struct baseline {
    uint64_t elements;
    size_t size;
};

/* CLOCK_MONOTONIC, the same in all processes. */
uint64_t baseline_now_ns(void);
/* The source: element `sequence` into payload[size]. */
void baseline_make(const struct baseline *baseline, uint64_t sequence, uint8_t *payload);
/* The processor: the timestamp into the 8 bytes behind the payload. */
void baseline_stamp(const struct baseline *baseline, uint8_t *element);

struct baseline_sink {
    const struct baseline *baseline;
    uint64_t received;
    uint64_t first_ns;
    uint64_t *latencies_ns;
};
/* Exits when memory is missing. */
void baseline_sink_init(struct baseline_sink *sink, const struct baseline *baseline);
/* Checks an element of size + BASELINE_STAMP_BYTES; exits when it is not the next one. */
void baseline_sink_take(struct baseline_sink *sink, const uint8_t *element);
/* Prints one JSON object with the time from the first element's making to now. */
void baseline_sink_report(struct baseline_sink *sink);

/* Runs `stage` in a process of its own. */
pid_t baseline_fork(void (*stage)(const struct baseline *baseline, const int *fds),
                    const struct baseline *baseline, const int *fds);
/* Exits unless the process ended with success. */
void baseline_join(pid_t process);
