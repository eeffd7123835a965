/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "engine/compiler.h"
#include "host/host_internal.h"

#include <errno.h>

const char *tvn_host_state_name(enum tvn_host_state state)
{
    static const char *const names[] = {"Ready", "Running", "ShuttingDown", "Stopped"};
    tvn_assert((unsigned)state < TVN_ARRAY_LEN(names));
    return names[state];
}

void tvn_host_destroy(struct tvn_host *host)
{
    if (!host) {
        return;
    }
    tvn_pipeline_destroy(host->pipeline);
    tvn_host_destroy_recorder(host);
    tvn_runtime_destroy(host->runtime);
    tvn_magazine_destroy(host->magazine);
    tvn_resources_destroy(host->resources);
    (void)tvn_audit_close(host->audit, NULL);
    tvn_link_destroy(host->link);
    tvn_manifest_destroy(host->manifest);
    tvn_stop_control_deinit(&host->stop);
    tvn_free(host->stage_reports);
    tvn_free(host->stream_reports);
    tvn_free(host);
}

static void step_done(const struct tvn_host *host, enum tvn_host_step step)
{
    if (host->options.step_done) {
        host->options.step_done(host->options.step_context, step, host);
    }
}

/* ---- startup, in order ---- */

static enum tvn_status create_resources(struct tvn_host *host, struct tvn_diag_sink *sink)
{
    const struct tvn_config_pools *pools = &host->manifest->config.pools;
    struct tvn_resources_options options;
    tvn_resources_options_default(&options);
    options.pool_sizes[TVN_TIER_SMALL] =
        (uint32_t)pools->small_pool_size; /* bounded by the configuration */
    options.pool_sizes[TVN_TIER_MEDIUM] = (uint32_t)pools->medium_pool_size;
    options.pool_sizes[TVN_TIER_LARGE] = (uint32_t)pools->large_pool_size;
    options.pool_sizes[TVN_TIER_HUGE] = (uint32_t)pools->huge_pool_size;
    options.exhaustion_policy = pools->exhaustion_policy == TVN_CONFIG_EXHAUSTION_ERROR
                                    ? TVN_EXHAUSTION_ERROR
                                    : TVN_EXHAUSTION_FALLBACK_ALLOC;
    options.debug = (struct tvn_resources_debug){
        .poison = pools->debug_poison,
        .integrity = pools->debug_integrity,
        .fail_one_in = (uint32_t)pools->debug_fail_one_in, /* bounded by the configuration */
        .seed = pools->debug_seed,
    };
    for (uint32_t i = 0; i < host->link->stage_count; i++) { /* bounded by the configuration */
        options.max_buffer_bytes =
            tvn_max(options.max_buffer_bytes, host->link->stages[i].sandbox.max_buffer_bytes);
    }
    enum tvn_status status = tvn_resources_create(&options, &host->resources);
    if (status == TVN_OK) {
        host->magazine = tvn_magazine_create(host->resources);
        status = host->magazine ? TVN_OK : TVN_E_OUT_OF_MEMORY;
    }
    if (status != TVN_OK) {
        (void)tvn_diag_error(sink, tvn_status_fold(status), TVN_SPAN_NONE,
                             "the buffer pools cannot be created");
        tvn_diag_help(sink, "lower the sizes in [runtime.pools]");
        return tvn_status_fold(status);
    }
    return TVN_OK;
}

static enum tvn_status set_compile(struct tvn_host *host, struct tvn_diag_sink *sink)
{
    const struct tvn_config_runtime *runtime = &host->manifest->config.runtime;
    const struct tvn_compile_options options = {
        .program = host->options.compiler,
        .cpu_seconds_max =
            (uint32_t)runtime->compile_cpu_seconds, /* bounded by the configuration */
        .memory_bytes_max = runtime->compile_memory,
        .progress = host->options.compiling,
        .progress_context = host->options.compiling_context,
    };
    TVN_AUTO_VALUE(tvn_code_cache_place) place = {0};
    enum tvn_status status = tvn_code_cache_locate(&place);
    if (status == TVN_E_OUT_OF_MEMORY) {
        return tvn_diag_error(sink, status, TVN_SPAN_NONE, "no memory to start");
    }
    tvn_runtime_set_compile(host->runtime, &options,
                            status == TVN_OK ? tvn_code_cache_open(&place, 0) : NULL);
    return TVN_OK;
}

/* One engine for all components of the process; fuel only if a node asks for it. Memory is limited
 * instance by instance: the engine would refuse the code of a module that needs more, and not say
 * why. */
static enum tvn_status create_runtime(struct tvn_host *host, struct tvn_diag_sink *sink)
{
    struct tvn_engine_options options = {0};
    for (uint32_t i = 0; i < host->link->stage_count; i++) {
        const struct tvn_link_stage *stage = &host->link->stages[i];
        if (stage->kind == TVN_LINK_STAGE_COMPONENT) {
            options.instances++;
            options.fuel |= stage->sandbox.fuel_per_invocation > 0;
        }
    }
    if (options.instances == 0) {
        return TVN_OK;
    }
    TVN_TRY(tvn_runtime_create(&options, sink, &host->runtime));
    return set_compile(host, sink);
}

static uint64_t now_ns(void *context)
{
    (void)context;
    return tvn_clock_monotonic_ns();
}

static uint64_t wall_ns(void *context)
{
    (void)context;
    return tvn_clock_wall_ns();
}

static enum tvn_status create_pipeline(struct tvn_host *host, struct tvn_diag_sink *sink)
{
    uint64_t flow_deadline_ns = host->link->flow ? host->link->flow->deadline_ms * 1000000 : 0;
    host->deadline_ns = host->options.timeout_ns ? host->options.timeout_ns : flow_deadline_ns;
    const struct tvn_pipeline_options options = {
        .runtime = host->runtime,
        .resources = host->resources,
        .magazine = &host->magazine,
        .audit = host->audit,
        .env = {.now_ns = now_ns, .wall_ns = wall_ns},
        .stop = &host->stop,
        .events = tvn_recorder_sink(host->recorder),
        .limit = host->options.limit,
        .deadline_ns = host->deadline_ns,
        .payload_bytes = host->options.payload_bytes,
        .output_fd = host->options.output_fd,
    };
    TVN_TRY(tvn_pipeline_create(host->link, &options, sink, &host->pipeline));
    tvn_host_bind_recorder(host);
    return TVN_OK;
}

static enum tvn_status start_up(struct tvn_host *host, struct tvn_diag_sink *sink)
{
    TVN_TRY(tvn_manifest_load(host->options.manifest_path, &host->options.config, sink,
                              &host->manifest));
    step_done(host, TVN_HOST_STEP_LOADED);
    TVN_TRY(tvn_link_create(host->manifest, &host->options.link, sink, &host->link));
    host->stage_reports = tvn_calloc(host->link->stage_count, sizeof(*host->stage_reports));
    host->stream_reports = tvn_calloc(host->link->edge_count, sizeof(*host->stream_reports));
    if (!host->stage_reports || !host->stream_reports) {
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                              "no memory to run the flow");
    }
    step_done(host, TVN_HOST_STEP_LINKED);
    TVN_TRY(tvn_audit_open(host->manifest, sink, &host->audit));
    TVN_TRY(create_resources(host, sink));
    TVN_TRY(create_runtime(host, sink));
    TVN_TRY(tvn_host_create_recorder(host, sink));
    TVN_TRY(create_pipeline(host, sink));
    step_done(host, TVN_HOST_STEP_INSTANTIATED);
    return TVN_OK;
}

enum tvn_status tvn_host_create(const struct tvn_host_options *options, struct tvn_diag_sink *sink,
                                struct tvn_host **out_host)
{
    tvn_assert(options && sink && out_host);
    TVN_AUTO(tvn_host) host = tvn_calloc(1, sizeof(*host));
    if (!host) {
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE, "no memory to start");
    }
    host->options = *options;
    host->stop = (struct tvn_stop_control){.wake_fd = -1, .cancel_fd = -1};
    if (tvn_stop_control_init(&host->stop) != TVN_OK) {
        return tvn_diag_error(sink, TVN_E_IO_ERROR, TVN_SPAN_NONE, "no descriptor for an event: %s",
                              strerror(errno));
    }
    TVN_TRY(start_up(host, sink));
    *out_host = TVN_TAKE(host);
    return TVN_OK;
}

const struct tvn_manifest *tvn_host_manifest(const struct tvn_host *host)
{
    return host->manifest;
}

const struct tvn_link *tvn_host_link(const struct tvn_host *host)
{
    return host->link;
}

enum tvn_host_state tvn_host_state(const struct tvn_host *host)
{
    return host->state;
}

bool tvn_host_compiler_is_asked(int argc, const char *const *argv)
{
    return tvn_compiler_is_asked(argc, argv);
}

int tvn_host_compiler_main(void)
{
    return tvn_compiler_main();
}
