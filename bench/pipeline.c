/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Source → upper-case processor → sink as `torvyn run` runs it: manifest, linker, reactor, queues,
 * pools, limits, counters. With --stamp 1 the processor appends a timestamp instead, which is the
 * work of the baselines. The time is the run's own: from the first init to the last teardown.
 */
#include "base/diag.h"
#include "base/mem.h"
#include "bench/program.h"
#include "host/host.h"

#include <inttypes.h>
#include <stdio.h>

#define USAGE        "pipeline [--size BYTES] [--elements N] [--stamp 0|1]"
#define SIZE_BYTES   ((uint64_t)1 << 20)
#define ELEMENTS_MAX ((uint64_t)1 << 40)
#define STDERR       2

/* Returns how often the run itself allocated memory. */
static uint64_t run(uint64_t size, uint64_t elements, bool stamp, struct tvn_run_report *out_report)
{
    char count_text[48];
    char size_text[48];
    snprintf(count_text, sizeof(count_text), "BENCH_ELEMENTS=%" PRIu64, elements);
    snprintf(size_text, sizeof(size_text), "BENCH_SIZE=%" PRIu64, size);
    const char *const environment[] = {
        "BENCH_GUESTS=" TVN_GUEST_DIR,
        count_text,
        size_text,
        stamp ? "BENCH_PROCESSOR=processor-stamp" : "BENCH_PROCESSOR=processor-upper",
        stamp ? "BENCH_SINK=sink-stamped" : "BENCH_SINK=bench-sink",
        NULL,
    };
    const struct tvn_host_options options = {
        .manifest_path = TVN_SOURCE_DIR "/bench/pipeline.toml",
        .config = {.environment = environment, .user_config = ""},
        .output_fd = STDERR,
    };
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    TVN_AUTO(tvn_host) host = NULL;
    bench_check(tvn_host_create(&options, sink, &host), sink, "start");
    uint64_t before = tvn_mem_allocation_count();
    bench_check(tvn_host_run(host, NULL, NULL, sink, out_report), sink, "run");
    uint64_t allocations = tvn_mem_allocation_count() - before;
    if (out_report->delivered != elements) {
        bench_fail("%" PRIu64 " of %" PRIu64 " elements were delivered", out_report->delivered,
                   elements);
    }
    return allocations;
}

int main(int argc, char **argv)
{
    uint64_t size = 64;
    uint64_t elements = 1000000;
    uint64_t stamp = 0;
    const struct bench_option options[] = {{"--size", &size, SIZE_BYTES},
                                           {"--elements", &elements, ELEMENTS_MAX},
                                           {"--stamp", &stamp, 1}};
    bench_parse(argc, argv, USAGE, options, TVN_ARRAY_LEN(options), NULL, 0);
    if (elements == 0) {
        bench_fail("nothing to measure");
    }
    struct tvn_run_report report;
    uint64_t allocations = run(size, elements, stamp != 0, &report);
    double ns = (double)report.duration_ns;
    printf("{\"elements\": %" PRIu64
           ", \"ns_per_element\": %.2f, \"elements_per_s\": %.0f, \"copies\": %" PRIu64
           ", \"copy_bytes\": %" PRIu64 ", \"metadata_copies\": %" PRIu64
           ", \"allocations\": %" PRIu64 "}\n",
           elements, ns / (double)elements, (double)elements * 1e9 / ns,
           report.copies[TVN_COPY_PAYLOAD_READ] + report.copies[TVN_COPY_PAYLOAD_WRITE] +
               report.copies[TVN_COPY_HOST_SERIALIZE],
           report.copy_bytes[TVN_COPY_PAYLOAD_READ] + report.copy_bytes[TVN_COPY_PAYLOAD_WRITE] +
               report.copy_bytes[TVN_COPY_HOST_SERIALIZE],
           report.copies[TVN_COPY_METADATA_MARSHAL], allocations);
    return 0;
}
