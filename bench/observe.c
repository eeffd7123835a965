/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What observing costs: the pipeline of pipeline.c at the levels off, production and diagnostic, in
 * turns, all in one process. Processor time of the run counts, not wall time, and each level is
 * compared with the off of its own round; the median of the differences is printed.
 */
#include "base/diag.h"
#include "base/mem.h"
#include "bench/program.h"
#include "host/host.h"
#include "observability/recorder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define USAGE        "observe [--size BYTES] [--elements N] [--rounds N]"
#define SIZE_BYTES   ((uint64_t)1 << 20)
#define ELEMENTS_MAX ((uint64_t)1 << 40)
#define ROUNDS_MAX   1000
#define STDERR       2

static double cpu_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Nanoseconds of processor time per element. */
static double run(uint64_t size, uint64_t elements, enum tvn_observe_level level)
{
    char count_text[48];
    char size_text[48];
    snprintf(count_text, sizeof(count_text), "BENCH_ELEMENTS=%" PRIu64, elements);
    snprintf(size_text, sizeof(size_text), "BENCH_SIZE=%" PRIu64, size);
    const char *const environment[] = {
        "BENCH_GUESTS=" TVN_GUEST_DIR, count_text, size_text, "BENCH_PROCESSOR=processor-upper",
        "BENCH_SINK=bench-sink",       NULL,
    };
    const char *const overrides[] = {"runtime.invocation_timeout_ms=60000"}; /* a busy machine */
    const struct tvn_host_options options = {
        .manifest_path = TVN_SOURCE_DIR "/bench/pipeline.toml",
        .config = {.environment = environment,
                   .user_config = "",
                   .overrides = overrides,
                   .override_count = TVN_ARRAY_LEN(overrides)},
        .output_fd = STDERR,
    };
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    TVN_AUTO(tvn_host) host = NULL;
    bench_check(tvn_host_create(&options, sink, &host), sink, "start");
    tvn_recorder_set_level(tvn_host_recorder(host), level);
    struct tvn_run_report report;
    double begin = cpu_ns();
    bench_check(tvn_host_run(host, NULL, NULL, sink, &report), sink, "run");
    double used = cpu_ns() - begin;
    if (report.delivered != elements) {
        bench_fail("%" PRIu64 " of %" PRIu64 " elements were delivered", report.delivered,
                   elements);
    }
    return used / (double)elements;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return left < right ? -1 : left > right;
}

static double median(double *values, uint64_t count)
{
    qsort(values, count, sizeof(values[0]), compare);
    return values[count / 2];
}

int main(int argc, char **argv)
{
    uint64_t size = 64;
    uint64_t elements = 200000;
    uint64_t rounds = 15;
    const struct bench_option options[] = {{"--size", &size, SIZE_BYTES},
                                           {"--elements", &elements, ELEMENTS_MAX},
                                           {"--rounds", &rounds, ROUNDS_MAX}};
    bench_parse(argc, argv, USAGE, options, TVN_ARRAY_LEN(options), NULL, 0);
    if (elements == 0 || rounds == 0) {
        bench_fail("nothing to measure");
    }
    static double off[ROUNDS_MAX];
    static double production[ROUNDS_MAX];
    static double diagnostic[ROUNDS_MAX];
    (void)run(size, elements, TVN_OBSERVE_OFF); /* compiles, fills caches */
    for (uint64_t i = 0; i < rounds; i++) {
        /* In another order every round: who comes first would else always meet the same cache. */
        double turn[TVN_OBSERVE_LEVEL_COUNT];
        for (uint64_t k = 0; k < TVN_OBSERVE_LEVEL_COUNT; k++) {
            uint64_t level = (i + k) % TVN_OBSERVE_LEVEL_COUNT;
            turn[level] = run(size, elements, (enum tvn_observe_level)level);
        }
        off[i] = turn[TVN_OBSERVE_OFF];
        production[i] = turn[TVN_OBSERVE_PRODUCTION] - off[i];
        diagnostic[i] = turn[TVN_OBSERVE_DIAGNOSTIC] - off[i];
    }
    printf("{\"elements\": %" PRIu64 ", \"rounds\": %" PRIu64
           ", \"off_ns\": %.1f, \"production_ns\": %.1f, \"diagnostic_ns\": %.1f}\n",
           elements, rounds, median(off, rounds), median(production, rounds),
           median(diagnostic, rounds));
    return 0;
}
