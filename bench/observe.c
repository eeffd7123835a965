/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What observing costs: the pipeline of pipeline.c, or the example event-enrichment, at the levels
 * off, production and diagnostic. A flow runs on while the level changes every 20 ms, so that what
 * is compared shares its code, memory and neighbours: each slice of a level with the slice of level
 * off just before or just after it, in turns. Processor time counts, not wall time, and the medians
 * of the differences and shares of all pairs are printed, the shares' quartiles too. With --spans 1
 * spans are exported to /dev/null, at the usual sample rate; what their exporter's thread takes is
 * left out then: it runs beside the flow.
 */
#include "base/diag.h"
#include "base/mem.h"
#include "base/num.h"
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

#define USAGE          "observe [--enrichment 0|1] [--spans 0|1] [--size BYTES] [--elements N] [--rounds N]"
#define SIZE_BYTES     ((uint64_t)1 << 20)
#define ELEMENTS_MAX   ((uint64_t)1 << 40)
#define ROUNDS_MAX     1000
#define SLICE_NS       UINT64_C(20000000)
#define WARM_UP_SLICES 4
#define SLICES_MAX     1000
#define PAIRS_MAX      10000
#define EVENTS_PATH    TVN_BINARY_DIR "/bench/events.jsonl"

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

/* One level's share of a run. */
struct slice {
    enum tvn_observe_level level;
    double ns; /* per element */
};

struct slices {
    struct tvn_host *host;
    bool spans;
    uint32_t count;
    uint32_t warm_up;   /* slices that do not count yet */
    uint64_t delivered; /* when the current one began */
    double begin_ns;    /* processor time then, of the process and of spans' exporter */
    double exported_ns;
    struct slice all[SLICES_MAX];
};

/* Each slice of the others has one of level off beside it, now before and now after it. */
static enum tvn_observe_level level_of(uint32_t slice)
{
    static const enum tvn_observe_level order[] = {
        TVN_OBSERVE_OFF, TVN_OBSERVE_PRODUCTION, TVN_OBSERVE_DIAGNOSTIC,
        TVN_OBSERVE_OFF, TVN_OBSERVE_DIAGNOSTIC, TVN_OBSERVE_PRODUCTION,
    };
    return order[slice % TVN_ARRAY_LEN(order)];
}

/* A slice is over; the first ones are warm-up. */
static void take_slice(void *context, const struct tvn_run_report *report)
{
    struct slices *slices = context;
    double used_ns = cpu_ns() - slices->begin_ns;
    double exported_ns = slices->spans ? exporter_ns() : 0;
    uint64_t elements = report->delivered - slices->delivered;
    if (slices->warm_up > 0) {
        slices->warm_up--;
    } else if (elements > 0 && slices->count < SLICES_MAX) {
        slices->all[slices->count] = (struct slice){
            .level = level_of(slices->count),
            .ns = (used_ns - (exported_ns - slices->exported_ns)) / (double)elements,
        };
        slices->count++;
    }
    tvn_recorder_set_level(tvn_host_recorder(slices->host), level_of(slices->count));
    slices->delivered = report->delivered;
    slices->exported_ns = exported_ns;
    slices->begin_ns = cpu_ns();
}

/* Processor time per element, slice by slice. */
static void run(const struct workload *workload, struct slices *slices)
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
        .observe_every_ns = SLICE_NS,
        .telemetry = workload->spans,
    };
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    TVN_AUTO(tvn_host) host = NULL;
    bench_check(tvn_host_create(&options, sink, &host), sink, "start");
    tvn_recorder_set_level(tvn_host_recorder(host), TVN_OBSERVE_OFF);
    slices->host = host;
    slices->spans = workload->spans;
    slices->count = 0;
    slices->warm_up = WARM_UP_SLICES;
    struct tvn_run_report report;
    bench_check(tvn_host_run(host, take_slice, slices, sink, &report), sink, "run");
    if (report.delivered != workload->elements) {
        bench_fail("%" PRIu64 " of %" PRIu64 " elements were delivered", report.delivered,
                   workload->elements);
    }
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

/* What slices of one level took more than slices of level off beside them; those of level off
 * themselves took more than nothing. */
struct pairs {
    uint64_t count;
    double more_ns[PAIRS_MAX];
    double share[PAIRS_MAX];
};

static void add_pair(struct pairs *pairs, double more_ns, double off_ns)
{
    if (pairs->count < PAIRS_MAX) {
        pairs->more_ns[pairs->count] = more_ns;
        pairs->share[pairs->count] = more_ns / off_ns;
        pairs->count++;
    }
}

static void add_pairs(const struct slices *slices, struct pairs pairs[TVN_OBSERVE_LEVEL_COUNT])
{
    for (uint32_t i = 0; i < slices->count; i++) {
        const struct slice *slice = &slices->all[i];
        if (slice->level == TVN_OBSERVE_OFF) {
            add_pair(&pairs[slice->level], slice->ns, slice->ns);
            continue;
        }
        /* Never the first one; the last one may lack its pair. */
        const struct slice *off = slice[-1].level == TVN_OBSERVE_OFF ? slice - 1 : slice + 1;
        if (off < slices->all + slices->count) {
            add_pair(&pairs[slice->level], slice->ns - off->ns, off->ns);
        }
    }
}

static void print_level(const char *name, struct pairs *pairs)
{
    double middle = median(pairs->share, pairs->count);
    printf(", \"%s_ns\": %.1f, \"%s_share\": %.5f, \"%s_quartiles\": [%.5f, %.5f]", name,
           median(pairs->more_ns, pairs->count), name, middle, name, pairs->share[pairs->count / 4],
           pairs->share[pairs->count * 3 / 4]);
}

static void print_costs(uint64_t elements, uint64_t rounds,
                        struct pairs pairs[TVN_OBSERVE_LEVEL_COUNT])
{
    struct pairs *off = &pairs[TVN_OBSERVE_OFF];
    struct pairs *production = &pairs[TVN_OBSERVE_PRODUCTION];
    struct pairs *diagnostic = &pairs[TVN_OBSERVE_DIAGNOSTIC];
    if (production->count == 0 || diagnostic->count == 0) {
        bench_fail("%" PRIu64 " elements are over too soon: nothing to compare", elements);
    }
    printf("{\"elements\": %" PRIu64 ", \"rounds\": %" PRIu64 ", \"pairs\": %" PRIu64
           ", \"sample_every\": %u, \"off_ns\": %.1f",
           elements, rounds, tvn_min(production->count, diagnostic->count),
           TVN_RECORDER_SAMPLE_EVERY, median(off->more_ns, off->count));
    print_level("production", production);
    print_level("diagnostic", diagnostic);
    printf("}\n");
}

int main(int argc, char **argv)
{
    uint64_t enrichment = 0;
    uint64_t spans = 0;
    uint64_t size = 64;
    uint64_t elements = 3000000;
    uint64_t rounds = 10;
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
    static struct slices slices;
    static struct pairs pairs[TVN_OBSERVE_LEVEL_COUNT];
    for (uint64_t i = 0; i < rounds; i++) {
        run(&workload, &slices);
        add_pairs(&slices, pairs);
    }
    (void)close(workload.output_fd);
    print_costs(elements, rounds, pairs);
    return 0;
}
