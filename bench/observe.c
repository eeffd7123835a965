/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What observing costs: the pipeline of pipeline.c, or the example event-enrichment, at the levels
 * off, production and diagnostic, in turns, all in one process. Processor time of the run counts,
 * not wall time, and each level is compared with the off of its own round; the median of the
 * differences is printed. With --spans 1 spans are exported to /dev/null, at the usual sample rate;
 * what their exporter's thread takes is left out then: it runs beside the flow.
 */
#include "base/diag.h"
#include "base/mem.h"
#include "bench/program.h"
#include "host/host.h"
#include "observability/recorder.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define USAGE        "observe [--enrichment 0|1] [--spans 0|1] [--size BYTES] [--elements N] [--rounds N]"
#define SIZE_BYTES   ((uint64_t)1 << 20)
#define ELEMENTS_MAX ((uint64_t)1 << 40)
#define ROUNDS_MAX   1000
#define EVENTS_PATH  TVN_BINARY_DIR "/bench/events.jsonl"

static double cpu_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* What is run: all but the level. */
struct workload {
    const char *manifest;
    const char *const *environment;
    uint64_t elements;
    int output_fd;
    bool spans;
};

/* Processor time of the thread that exports spans. */
static double exporter_ns(void)
{
    double used = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *task; tasks && (task = readdir(tasks)) != NULL;) {
        char path[320];
        char name[32] = "";
        snprintf(path, sizeof(path), "/proc/self/task/%s/comm", task->d_name);
        FILE *file = fopen(path, "re");
        bool is_exporter = file && fgets(name, sizeof(name), file) && !strcmp(name, "tvn-spans\n");
        if (file) {
            fclose(file);
        }
        snprintf(path, sizeof(path), "/proc/self/task/%s/schedstat", task->d_name);
        file = is_exporter ? fopen(path, "re") : NULL;
        if (file && (fscanf(file, "%lf", &used) != 1 || used <= 0)) {
            bench_fail("%s says nothing", path);
        }
        if (file) {
            fclose(file);
        }
    }
    if (tasks) {
        closedir(tasks);
    }
    return used;
}

/* Nanoseconds of processor time per element. */
static double run(const struct workload *workload, enum tvn_observe_level level)
{
    const char *const overrides[] = {"runtime.invocation_timeout_ms=60000", /* a busy machine */
                                     "observability.latency_promote_threshold_ms=0", /* likewise */
                                     "observability.tracing_exporter=file",
                                     "observability.tracing_file=/dev/null"};
    const struct tvn_host_options options = {
        .manifest_path = workload->manifest,
        .config = {.environment = workload->environment,
                   .user_config = "",
                   .overrides = overrides,
                   .override_count = TVN_ARRAY_LEN(overrides)},
        .output_fd = workload->output_fd,
        .telemetry = workload->spans,
    };
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    TVN_AUTO(tvn_host) host = NULL;
    bench_check(tvn_host_create(&options, sink, &host), sink, "start");
    tvn_recorder_set_level(tvn_host_recorder(host), level);
    struct tvn_run_report report;
    double begin = cpu_ns();
    bench_check(tvn_host_run(host, NULL, NULL, sink, &report), sink, "run");
    double used = cpu_ns() - begin - (workload->spans ? exporter_ns() : 0);
    if (report.delivered != workload->elements) {
        bench_fail("%" PRIu64 " of %" PRIu64 " elements were delivered", report.delivered,
                   workload->elements);
    }
    return used / (double)workload->elements;
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

/* The events of the example, over and over. */
static void write_events(const char *path, uint64_t elements)
{
    static const char *const events[] = {
        "{\"ip\":\"192.0.2.10\",\"level\":\"info\",\"message\":\"user login successful\"}",
        "{\"ip\":\"198.51.100.42\",\"level\":\"warn\",\"message\":\"high memory usage detected\"}",
        "{\"ip\":\"203.0.113.5\",\"level\":\"error\",\"message\":\"disk full on /data\"}",
        "{\"ip\":\"192.0.2.10\",\"level\":\"info\",\"message\":\"config reload completed\"}",
        "{\"ip\":\"198.51.100.1\",\"level\":\"critical\",\"message\":\"auth service down\"}",
    };
    FILE *file = fopen(path, "we");
    for (uint64_t i = 0; file && i < elements; i++) {
        fprintf(file, "%s\n", events[i % TVN_ARRAY_LEN(events)]);
    }
    if (!file || fclose(file) != 0) {
        bench_fail("cannot write %s", path);
    }
}

struct costs {
    double off[ROUNDS_MAX];
    double production[ROUNDS_MAX]; /* more than off */
    double diagnostic[ROUNDS_MAX];
};

static void measure(const struct workload *workload, uint64_t rounds, struct costs *costs)
{
    (void)run(workload, TVN_OBSERVE_OFF); /* compiles, fills caches */
    for (uint64_t i = 0; i < rounds; i++) {
        /* In another order every round: who comes first would else always meet the same cache. */
        double turn[TVN_OBSERVE_LEVEL_COUNT];
        for (uint64_t k = 0; k < TVN_OBSERVE_LEVEL_COUNT; k++) {
            uint64_t level = (i + k) % TVN_OBSERVE_LEVEL_COUNT;
            turn[level] = run(workload, (enum tvn_observe_level)level);
        }
        costs->off[i] = turn[TVN_OBSERVE_OFF];
        costs->production[i] = turn[TVN_OBSERVE_PRODUCTION] - costs->off[i];
        costs->diagnostic[i] = turn[TVN_OBSERVE_DIAGNOSTIC] - costs->off[i];
    }
}

int main(int argc, char **argv)
{
    uint64_t enrichment = 0;
    uint64_t spans = 0;
    uint64_t size = 64;
    uint64_t elements = 200000;
    uint64_t rounds = 15;
    const struct bench_option options[] = {{"--enrichment", &enrichment, 1},
                                           {"--spans", &spans, 1},
                                           {"--size", &size, SIZE_BYTES},
                                           {"--elements", &elements, ELEMENTS_MAX},
                                           {"--rounds", &rounds, ROUNDS_MAX}};
    bench_parse(argc, argv, USAGE, options, TVN_ARRAY_LEN(options), NULL, 0);
    if (elements == 0 || rounds == 0) {
        bench_fail("nothing to measure");
    }
    char count_text[48];
    char size_text[48];
    snprintf(count_text, sizeof(count_text), "BENCH_ELEMENTS=%" PRIu64, elements);
    snprintf(size_text, sizeof(size_text), "BENCH_SIZE=%" PRIu64, size);
    const char *const environment[] = {
        "BENCH_GUESTS=" TVN_GUEST_DIR,
        count_text,
        size_text,
        "BENCH_PROCESSOR=processor-upper",
        "BENCH_SINK=bench-sink",
        "BENCH_EVENTS=" EVENTS_PATH,
        NULL,
    };
    struct workload workload = {
        .manifest = TVN_SOURCE_DIR "/bench/pipeline.toml",
        .environment = environment,
        .elements = elements,
        .output_fd = open("/dev/null", O_WRONLY | O_CLOEXEC), /* the alerts */
        .spans = spans != 0,
    };
    if (enrichment) {
        workload.manifest = TVN_SOURCE_DIR "/bench/enrichment.toml";
        write_events(EVENTS_PATH, elements);
    }
    static struct costs costs;
    measure(&workload, rounds, &costs);
    (void)close(workload.output_fd);
    printf("{\"elements\": %" PRIu64 ", \"rounds\": %" PRIu64
           ", \"off_ns\": %.1f, \"production_ns\": %.1f, \"diagnostic_ns\": %.1f}\n",
           elements, rounds, median(costs.off, rounds), median(costs.production, rounds),
           median(costs.diagnostic, rounds));
    return 0;
}
