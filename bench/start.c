/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it takes until a component can be called: from its bytes with code in the cache, as a second
 * start of `torvyn run` does it, and again when it is compiled already.
 */
#include "base/clock.h"
#include "base/diag.h"
#include "base/file.h"
#include "bench/program.h"
#include "component/code.h"
#include "engine/compile.h"
#include "engine/compiler.h"
#include "engine/component_stage.h"
#include "security/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USAGE           "start [GUEST] [--rounds N] (a component that exports processor)"
#define GUEST_BYTES_MAX ((size_t)64 << 20)
#define ROUNDS_MAX      UINT64_C(1000000)
#define STAGE_OWNER     1

static const struct tvn_sandbox sandbox = {
    .component = "guest",
    .max_memory_bytes = (uint64_t)256 << 20,
    .max_buffer_bytes = (uint64_t)16 << 20,
    .invocation_timeout_ms = 10000,
    .init_timeout_ms = 10000,
    .teardown_timeout_ms = 2000,
};

struct bench {
    struct tvn_diag_sink *sink;
    struct tvn_runtime *runtime;
    struct tvn_resources *resources;
    struct tvn_magazine *magazine;
    struct tvn_intern intern;
    struct tvn_guard guard;
    struct tvn_stage_stats stats;
    struct tvn_file_bytes guest;
    char directory[32]; /* of the code cache */
};

/* The best of all rounds; hash is part of load: the keys of the modules, not the seals. */
struct times {
    uint64_t compile_ns; /* once, with nothing in the cache */
    uint64_t decode_ns;
    uint64_t hash_ns;
    uint64_t load_ns;
    uint64_t first_ns; /* instantiate, just loaded */
    uint64_t warm_ns;  /* instantiate again */
    uint64_t disk_ns;  /* decode, load and instantiate together */
};

static enum tvn_status discard(void *context, int stream, const char *bytes, size_t length)
{
    (void)context;
    (void)stream;
    (void)bytes;
    (void)length;
    return TVN_OK;
}

static void lower(uint64_t *best_ns, uint64_t begin_ns)
{
    uint64_t spent_ns = tvn_clock_monotonic_ns() - begin_ns;
    *best_ns = spent_ns < *best_ns ? spent_ns : *best_ns;
}

static void set_up(struct bench *bench)
{
    const struct tvn_engine_options engine = {
        .instances = 4, .core_instances = 128, .max_memory_bytes = sandbox.max_memory_bytes};
    bench_check(tvn_runtime_create(&engine, bench->sink, &bench->runtime), bench->sink, "engine");
    memcpy(bench->directory, "/tmp/tvn-bench-start-XXXXXX", sizeof("/tmp/tvn-bench-start-XXXXXX"));
    if (!mkdtemp(bench->directory)) {
        bench_fail("no directory for the code cache");
    }
    const struct tvn_code_cache_place place = {.directory = bench->directory,
                                               .secret_directories = {bench->directory}};
    const struct tvn_compile_options compile = {.program = "/proc/self/exe"};
    struct tvn_code_cache *cache = tvn_code_cache_open(&place, 0);
    if (!cache) {
        bench_fail("no code cache in '%s'", bench->directory);
    }
    tvn_runtime_set_compile(bench->runtime, &compile, cache);
    struct tvn_resources_options options;
    tvn_resources_options_default(&options);
    bench_check(tvn_resources_create(&options, &bench->resources), NULL, "buffer pools");
    bench->magazine = tvn_magazine_create(bench->resources);
    if (!bench->magazine) {
        bench_fail("no memory for a magazine");
    }
    tvn_intern_init(&bench->intern);
    tvn_guard_init(&bench->guard, &sandbox, NULL, NULL);
}

static void tear_down(struct bench *bench)
{
    tvn_runtime_destroy(bench->runtime);
    tvn_magazine_destroy(bench->magazine);
    tvn_resources_destroy(bench->resources);
    tvn_file_bytes_deinit(&bench->guest);
    tvn_diag_sink_destroy(bench->sink);
    char command[64];
    snprintf(command, sizeof(command), "rm -rf '%s'", bench->directory);
    if (system(command) != 0) { // NOLINT(cert-env33-c)
        bench_fail("'%s' cannot be removed", bench->directory);
    }
}

static struct tvn_invoker *instantiate(struct bench *bench, struct tvn_component *component,
                                       uint64_t *best_ns)
{
    const struct tvn_component_stage_options options = {
        .name = "guest",
        .flow_id = "bench",
        .role = TVN_ROLE_PROCESSOR,
        .config = TVN_STR(""),
        .sandbox = &sandbox,
        .guard = &bench->guard,
        .magazine = &bench->magazine,
        .intern = &bench->intern,
        .stats = &bench->stats,
        .owner = STAGE_OWNER,
        .cancel_fd = -1,
        .stdin_fd = -1,
        .write = discard,
    };
    struct tvn_invoker *stage = NULL;
    uint64_t begin_ns = tvn_clock_monotonic_ns();
    bench_check(
        tvn_component_stage_create(bench->runtime, component, &options, bench->sink, &stage),
        bench->sink, "instantiate");
    lower(best_ns, begin_ns);
    return stage;
}

static void hash_modules(const struct bench *bench, const struct tvn_component *component,
                         uint64_t *best_ns)
{
    const struct tvn_document *document = tvn_component_document(component);
    const char *settings = tvn_engine_code_settings(tvn_runtime_engine(bench->runtime));
    uint64_t begin_ns = tvn_clock_monotonic_ns();
    for (uint32_t i = 0; i < document->module_count; i++) {
        const struct tvn_core_module *module = &document->modules[i];
        struct tvn_code_key key;
        bench_check(tvn_code_key_of(settings,
                                    (struct tvn_str){(const char *)document->bytes + module->offset,
                                                     module->length},
                                    &key),
                    NULL, "hash");
    }
    lower(best_ns, begin_ns);
}

/* One start; the component goes with it. */
static void start(struct bench *bench, uint64_t *load_ns, struct times *times)
{
    TVN_AUTO(tvn_component) component = NULL;
    uint64_t begin_ns = tvn_clock_monotonic_ns();
    bench_check(
        tvn_component_decode(bench->guest.ptr, bench->guest.len, 0, bench->sink, &component),
        bench->sink, "decode");
    lower(&times->decode_ns, begin_ns);
    uint64_t load_begin_ns = tvn_clock_monotonic_ns();
    bench_check(tvn_runtime_compile(bench->runtime, component, bench->sink), bench->sink, "load");
    lower(load_ns, load_begin_ns);
    struct tvn_invoker *stage = instantiate(bench, component, &times->first_ns);
    lower(&times->disk_ns, begin_ns);
    tvn_invoker_destroy(stage);
    tvn_invoker_destroy(instantiate(bench, component, &times->warm_ns));
    hash_modules(bench, component, &times->hash_ns);
}

static double us(uint64_t ns)
{
    return (double)ns / 1000.0;
}

static int run(int argc, char **argv)
{
    const char *path = TVN_GUEST_DIR "/processor-upper.wasm";
    uint64_t rounds = 200;
    const struct bench_option options[] = {{"--rounds", &rounds, ROUNDS_MAX}};
    bench_parse(argc, argv, USAGE, options, TVN_ARRAY_LEN(options), &path, 1);
    struct bench bench = {.sink = tvn_diag_sink_create()};
    if (tvn_file_read(path, GUEST_BYTES_MAX, &bench.guest) != TVN_OK) {
        bench_fail("cannot read '%s'", path);
    }
    set_up(&bench);
    struct times times;
    memset(&times, 0xff, sizeof(times));
    start(&bench, &times.compile_ns, &times);
    times.disk_ns = UINT64_MAX;
    for (uint64_t i = 0; i < rounds; i++) {
        start(&bench, &times.load_ns, &times);
    }
    printf("{\"compile_us\": %.1f, \"decode_us\": %.1f, \"load_us\": %.1f, \"hash_us\": %.1f, "
           "\"first_us\": %.1f, \"disk_us\": %.1f, \"disk_without_hash_us\": %.1f, "
           "\"warm_us\": %.1f}\n",
           us(times.compile_ns), us(times.decode_ns), us(times.load_ns), us(times.hash_ns),
           us(times.first_ns), us(times.disk_ns), us(times.disk_ns - times.hash_ns),
           us(times.warm_ns));
    tear_down(&bench);
    return 0;
}

int main(int argc, char **argv)
{
    if (tvn_compiler_is_asked(argc, (const char *const *)argv)) {
        return tvn_compiler_main();
    }
    return run(argc, argv);
}
