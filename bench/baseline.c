/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/baseline.h"

#include "base/mem.h"
#include "bench/program.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

uint64_t baseline_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void baseline_make(const struct baseline *baseline, uint64_t sequence, uint8_t *payload)
{
    uint64_t now = baseline_now_ns();
    memset(payload, (int)('a' + sequence % 26), baseline->size);
    memcpy(payload, &now, sizeof(now));
}

void baseline_stamp(const struct baseline *baseline, uint8_t *element)
{
    uint64_t now = baseline_now_ns();
    memcpy(element + baseline->size, &now, sizeof(now));
}

void baseline_sink_init(struct baseline_sink *sink, const struct baseline *baseline)
{
    *sink = (struct baseline_sink){
        .baseline = baseline,
        .latencies_ns = tvn_calloc(baseline->elements, sizeof(uint64_t)),
    };
    if (!sink->latencies_ns) {
        bench_fail("out of memory");
    }
}

void baseline_sink_take(struct baseline_sink *sink, const uint8_t *element)
{
    uint64_t now = baseline_now_ns();
    uint64_t made;
    uint64_t stamped;
    memcpy(&made, element, sizeof(made));
    memcpy(&stamped, element + sink->baseline->size, sizeof(stamped));
    if (sink->received == sink->baseline->elements || stamped < made || stamped > now ||
        element[sink->baseline->size - 1] != (uint8_t)('a' + sink->received % 26)) {
        bench_fail("element %" PRIu64 " is not the one that was sent", sink->received);
    }
    if (sink->received == 0) {
        sink->first_ns = made;
    }
    sink->latencies_ns[sink->received++] = now - made;
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

void baseline_sink_report(struct baseline_sink *sink)
{
    uint64_t duration_ns = baseline_now_ns() - sink->first_ns;
    uint64_t count = sink->received;
    if (count != sink->baseline->elements) {
        bench_fail("%" PRIu64 " of %" PRIu64 " elements arrived", count, sink->baseline->elements);
    }
    qsort(sink->latencies_ns, count, sizeof(uint64_t), compare);
    printf("{\"elements\": %" PRIu64
           ", \"ns_per_element\": %.2f, \"elements_per_s\": %.0f, \"p50_us\": %.2f, "
           "\"p99_us\": %.2f}\n",
           count, (double)duration_ns / (double)count, (double)count * 1e9 / (double)duration_ns,
           (double)sink->latencies_ns[count / 2] / 1000,
           (double)sink->latencies_ns[count - 1 - count / 100] / 1000);
    fflush(stdout);
    tvn_free(sink->latencies_ns);
}

pid_t baseline_fork(void (*stage)(const struct baseline *baseline, const int *fds),
                    const struct baseline *baseline, const int *fds)
{
    pid_t process = fork();
    if (process < 0) {
        bench_fail("a process cannot be started");
    }
    if (process == 0) {
        stage(baseline, fds);
        _exit(0);
    }
    return process;
}

void baseline_join(pid_t process)
{
    int status = 0;
    if (waitpid(process, &status, 0) != process || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        bench_fail("a stage's process failed");
    }
}
