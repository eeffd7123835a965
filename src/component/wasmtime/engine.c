/* SPDX-License-Identifier: Apache-2.0 */
#include "component/engine.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/thread.h"
#include "component/code.h"
#include "component/wasmtime/engine_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

#define WASM_STACK_BYTES   ((size_t)512 << 10)
#define MEMORY_RESERVATION ((uint64_t)4 << 30)  /* one linear memory's address range */
#define MEMORY_GUARD       ((uint64_t)32 << 20) /* behind each, the engine's default */
#define POOL_MEMORIES_MAX  8000 /* beyond it a pool wants more address space than there is */
/* Per component instance. Core instances are only counted, so all that one may have. */
#define CORE_INSTANCES_DEFAULT TVN_COMPONENT_CORE_INSTANCES_MAX
#define MEMORIES_DEFAULT       2
#define TABLES_DEFAULT         4
#define MAPS_PER_COMPONENT     4
#define CORE_INSTANCE_BYTES    ((size_t)1 << 20) /* of the engine's record of one core instance */

#if defined(__x86_64__)
#define INSTRUCTION_SET "x86_64"
#elif defined(__aarch64__)
#define INSTRUCTION_SET "aarch64"
#else
#error "the engine has no compiler for this instruction set"
#endif

struct pool_size {
    uint32_t core_instances;
    uint32_t memories;
    uint32_t tables;
    uint64_t memory_bytes;
};

static uint32_t or_derived(uint32_t given, uint32_t instances, uint32_t factor)
{
    uint64_t derived = (uint64_t)instances * factor;
    return given > 0 ? given : (uint32_t)tvn_min(derived, (uint64_t)UINT32_MAX);
}

static struct pool_size pool_size(const struct tvn_engine_options *options)
{
    uint64_t memory_bytes = options->max_memory_bytes;
    if (memory_bytes == 0 || memory_bytes > MEMORY_RESERVATION) {
        memory_bytes = MEMORY_RESERVATION;
    }
    return (struct pool_size){
        .core_instances =
            or_derived(options->core_instances, options->instances, CORE_INSTANCES_DEFAULT),
        .memories = or_derived(options->memories, options->instances, MEMORIES_DEFAULT),
        .tables = or_derived(options->tables, options->instances, TABLES_DEFAULT),
        .memory_bytes = memory_bytes,
    };
}

/* Lines of a /proc file (mappings in use), or its one number when `number`. 0 when it cannot be
 * read. */
static uint64_t read_proc(const char *path, bool number)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        return 0;
    }
    uint64_t value = 0;
    if (number) {
        if (fscanf(file, "%" SCNu64, &value) != 1) {
            value = 0;
        }
    } else {
        for (int c = getc(file); c != EOF; c = getc(file)) {
            value += c == '\n';
        }
    }
    fclose(file);
    return value;
}

/* The engine aborts the process when its pool does not fit, so try the same reservation first. */
static enum tvn_status check_pool_fits(const struct tvn_engine_options *options,
                                       const struct pool_size *size, struct tvn_diag_sink *sink)
{
    size_t bytes;
    if (!tvn_mul_size(size->memories, MEMORY_RESERVATION + MEMORY_GUARD, &bytes) ||
        !tvn_add_size(bytes, MEMORY_GUARD, &bytes)) {
        bytes = SIZE_MAX >> 1;
    }
    void *probe = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (probe == MAP_FAILED) {
        enum tvn_status status =
            tvn_diag_error(sink, TVN_E_INSTANCE_LIMIT, TVN_SPAN_NONE,
                           "no address space for the memories of %" PRIu32 " component instances",
                           options->instances);
        tvn_diag_note(sink, "%" PRIu32 " memories need %zu GiB of address space", size->memories,
                      bytes >> 30);
        return status;
    }
    munmap(probe, bytes);
    return TVN_OK;
}

/* Without them instances fail while flows run. */
static enum tvn_status check_mappings(const struct tvn_engine_options *options,
                                      struct tvn_diag_sink *sink)
{
    uint64_t maps_max = read_proc("/proc/sys/vm/max_map_count", true);
    uint64_t maps_used = read_proc("/proc/self/maps", false);
    uint64_t maps_wanted = (uint64_t)options->instances * MAPS_PER_COMPONENT;
    if (maps_max > 0 && maps_used + maps_wanted > maps_max) {
        enum tvn_status status = tvn_diag_error(
            sink, TVN_E_INSTANCE_LIMIT, TVN_SPAN_NONE,
            "too few memory mappings for %" PRIu32 " component instances", options->instances);
        tvn_diag_note(sink,
                      "they need %" PRIu64 ", the process has %" PRIu64 " of %" PRIu64 " already",
                      maps_wanted, maps_used, maps_max);
        tvn_diag_help(sink, "raise the limit: sysctl vm.max_map_count=%" PRIu64,
                      maps_used + 2 * maps_wanted);
        return status;
    }
    return TVN_OK;
}

static void configure_pool(wasm_config_t *config, const struct pool_size *size)
{
    wasmtime_pooling_allocation_config_t *pool = wasmtime_pooling_allocation_config_new();
    wasmtime_pooling_allocation_config_total_core_instances_set(pool, size->core_instances);
    wasmtime_pooling_allocation_config_total_memories_set(pool, size->memories);
    wasmtime_pooling_allocation_config_total_tables_set(pool, size->tables);
    wasmtime_pooling_allocation_config_max_memories_per_module_set(pool, 1);
    wasmtime_pooling_allocation_config_max_tables_per_module_set(pool, TVN_COMPONENT_TABLES_MAX);
    wasmtime_pooling_allocation_config_table_elements_set(pool, TVN_COMPONENT_TABLE_ELEMENTS_MAX);
    wasmtime_pooling_allocation_config_max_memory_size_set(pool, (size_t)size->memory_bytes);
    wasmtime_pooling_allocation_config_max_core_instance_size_set(pool, CORE_INSTANCE_BYTES);
    wasmtime_pooling_allocation_strategy_set(config, pool);
    wasmtime_pooling_allocation_config_delete(pool);
}

static wasm_config_t *make_config(const struct tvn_engine_options *options)
{
    wasm_config_t *config = wasm_config_new();
    if (!config) {
        return NULL;
    }
    wasmtime_config_strategy_set(config, WASMTIME_STRATEGY_CRANELIFT);
    wasmtime_config_parallel_compilation_set(config, true);
    wasmtime_config_epoch_interruption_set(config, true);
    wasmtime_config_consume_fuel_set(config, options->fuel);
    wasmtime_config_max_wasm_stack_set(config, WASM_STACK_BYTES);
    wasmtime_config_wasm_simd_set(config, true);
    wasmtime_config_wasm_bulk_memory_set(config, true);
    wasmtime_config_wasm_multi_value_set(config, true);
    wasmtime_config_wasm_memory64_set(config, false);
    wasmtime_config_wasm_multi_memory_set(config, options->multi_memory);
    wasmtime_config_shared_memory_set(config, false);
    wasmtime_config_gc_support_set(config, false);
    /* The base of a memory never changes: guest_mem.h depends on it. */
    wasmtime_config_memory_may_move_set(config, false);
    wasmtime_config_memory_reservation_set(config, MEMORY_RESERVATION);
    wasmtime_config_memory_guard_size_set(config, MEMORY_GUARD);
    wasmtime_config_memory_init_cow_set(config, true);
    return config;
}

/* All of make_config that code depends on; the pool changes nothing about code. */
static void note_code_settings(struct tvn_engine *engine, const struct tvn_engine_options *options)
{
    int length = snprintf(engine->code_settings, sizeof(engine->code_settings),
                          "wasmtime " WASMTIME_VERSION " build " TVN_WASMTIME_BUILD " on %s"
                          " epochs=1 fuel=%d stack=%zu simd=1 bulk=1 multivalue=1 memory64=0"
                          " multimemory=%d shared=0 gc=0 move=0 reservation=%" PRIu64
                          " guard=%" PRIu64 " cow=1",
                          INSTRUCTION_SET, options->fuel, WASM_STACK_BYTES, options->multi_memory,
                          MEMORY_RESERVATION, MEMORY_GUARD);
    tvn_assert(length > 0 && (size_t)length < sizeof(engine->code_settings));
}

const char *tvn_engine_code_settings(const struct tvn_engine *engine)
{
    tvn_assert(engine);
    return engine->code_settings;
}

enum tvn_status tvn_engine_create(const struct tvn_engine_options *options,
                                  struct tvn_diag_sink *sink, struct tvn_engine **out_engine)
{
    tvn_assert(options);
    tvn_assert(sink);
    tvn_assert(out_engine);
    struct pool_size size = pool_size(options);
    bool pooled = options->instances > 0 && size.memories <= POOL_MEMORIES_MAX;
    if (pooled) {
        TVN_TRY(check_pool_fits(options, &size, sink));
    }
    TVN_TRY(check_mappings(options, sink));
    struct tvn_engine *engine = tvn_calloc(1, sizeof(*engine));
    wasm_config_t *config = engine ? make_config(options) : NULL;
    if (!config) {
        tvn_free(engine);
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                              "no memory for the WebAssembly engine");
    }
    if (pooled) {
        configure_pool(config, &size);
    }
    engine->wasm = wasm_engine_new_with_config(config);
    engine->fuel = options->fuel;
    engine->multi_memory = options->multi_memory;
    note_code_settings(engine, options);
    engine->pooled = pooled;
    tvn_assert(engine->wasm);
    pthread_mutex_init(&engine->lock, NULL);
    tvn_cond_init_monotonic(&engine->changed);
    *out_engine = engine;
    return TVN_OK;
}

wasm_engine_t *tvn_engine_for_helpers(const struct tvn_engine *engine)
{
    const struct tvn_engine_options options = {.fuel = engine->fuel,
                                               .multi_memory = engine->multi_memory};
    wasm_config_t *config = make_config(&options);
    if (!config) {
        return NULL;
    }
    wasmtime_config_parallel_compilation_set(config, false);
    return wasm_engine_new_with_config(config);
}

void tvn_engine_set_code_store(struct tvn_engine *engine, const struct tvn_code_store *store)
{
    tvn_assert(engine && store && store->find && store->put);
    tvn_assert(engine->instances == 0);
    engine->store = *store;
}

void tvn_engine_destroy(struct tvn_engine *engine)
{
    if (!engine) {
        return;
    }
    tvn_assert(engine->instances == 0);
    if (engine->ticker_started) {
        pthread_mutex_lock(&engine->lock);
        engine->stop = true;
        pthread_cond_signal(&engine->changed);
        pthread_mutex_unlock(&engine->lock);
        pthread_join(engine->ticker, NULL);
    }
    pthread_cond_destroy(&engine->changed);
    pthread_mutex_destroy(&engine->lock);
    tvn_engine_drop_helpers(engine);
    wasm_engine_delete(engine->wasm);
    tvn_free(engine);
}

static void timespec_add(struct timespec *time, uint64_t ns)
{
    uint64_t total = (uint64_t)time->tv_nsec + ns;
    time->tv_sec += (time_t)(total / 1000000000u);
    time->tv_nsec = (long)(total % 1000000000u);
}

static void *ticker_main(void *argument)
{
    struct tvn_engine *engine = argument;
    pthread_mutex_lock(&engine->lock);
    while (!engine->stop) {
        if (engine->instances == 0) {
            pthread_cond_wait(&engine->changed, &engine->lock);
            continue;
        }
        struct timespec next;
        clock_gettime(CLOCK_MONOTONIC, &next);
        timespec_add(&next, TVN_EPOCH_TICK_NS);
        /* Only the end of the engine cuts a tick short. */
        while (!engine->stop &&
               pthread_cond_timedwait(&engine->changed, &engine->lock, &next) != ETIMEDOUT) {
        }
        wasmtime_engine_increment_epoch(engine->wasm);
    }
    pthread_mutex_unlock(&engine->lock);
    return NULL;
}

static bool start_ticker(struct tvn_engine *engine)
{
    int error = tvn_service_thread_start(&engine->ticker, 0, ticker_main, engine);
    if (error == 0) {
        pthread_setname_np(engine->ticker, "tvn-epoch");
    }
    return error == 0;
}

enum tvn_status tvn_engine_attach(struct tvn_engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    if (!engine->ticker_started) {
        engine->ticker_started = start_ticker(engine);
    }
    bool started = engine->ticker_started;
    if (started && engine->instances++ == 0) {
        pthread_cond_signal(&engine->changed);
    }
    pthread_mutex_unlock(&engine->lock);
    return started ? TVN_OK : TVN_E_INSTANCE_LIMIT;
}

void tvn_engine_detach(struct tvn_engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    tvn_assert(engine->instances > 0);
    engine->instances--;
    pthread_mutex_unlock(&engine->lock);
}
