/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host.h"

#include "base/assert.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "engine/compiler.h"
#include "host/contract_versions.h"
#include "host/export_internal.h"
#include "host/host_internal.h"
#include "host/tracing_internal.h"

#include <errno.h>
#include <sys/eventfd.h>

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
    if (host->abandoned) {
        return; /* a thread is still at it: the process ends soon */
    }
    for (uint32_t i = 0; i < host->flow_count; i++) {
        tvn_host_flow_end(&host->flows[i]);
    }
    tvn_inspection_tcp_close(&host->inspection_tcp);
    tvn_workers_destroy(host->workers);
    tvn_runtime_destroy(host->runtime);
    tvn_span_exporter_destroy(host->exporter);
    tvn_magazine_destroy(host->magazine);
    tvn_resources_destroy(host->resources);
    (void)tvn_audit_close(host->audit, NULL);
    for (uint32_t i = 0; i < host->flow_count; i++) {
        tvn_link_destroy(host->flows[i].link);
    }
    tvn_manifest_destroy(host->manifest);
    tvn_fd_close(&host->done_fd);
    tvn_free(host->flows);
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
    for (uint32_t flow = 0; flow < host->flow_count; flow++) {
        const struct tvn_link *link = host->flows[flow].link;
        for (uint32_t i = 0; i < link->stage_count; i++) { /* bounded by the configuration */
            options.max_buffer_bytes =
                tvn_max(options.max_buffer_bytes, link->stages[i].sandbox.max_buffer_bytes);
        }
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

/* Component instances of all flows, and a quarter more: instances are replaced while they run. */
static uint32_t with_reserve(uint32_t instances)
{
    return instances + instances / 4 + (instances % 4 != 0 ? 1 : 0);
}

/* One engine for all components of the process; fuel only if a node asks for it. Memory is limited
 * instance by instance: the engine would refuse the code of a module that needs more, and not say
 * why. */
static enum tvn_status create_runtime(struct tvn_host *host, struct tvn_diag_sink *sink)
{
    struct tvn_engine_options options = {0};
    for (uint32_t flow = 0; flow < host->flow_count; flow++) {
        const struct tvn_link *link = host->flows[flow].link;
        for (uint32_t i = 0; i < link->stage_count; i++) {
            const struct tvn_link_stage *stage = &link->stages[i];
            if (stage->kind == TVN_LINK_STAGE_COMPONENT) {
                options.instances++;
                options.fuel |= stage->sandbox.fuel_per_invocation > 0;
            }
        }
    }
    if (options.instances == 0) {
        return TVN_OK;
    }
    options.instances = with_reserve(options.instances);
    TVN_TRY(tvn_runtime_create(&options, sink, &host->runtime));
    return set_compile(host, sink);
}

static enum tvn_status start_up(struct tvn_host *host, struct tvn_diag_sink *sink)
{
    TVN_TRY(tvn_manifest_load(host->options.manifest_path, &host->options.config, sink,
                              &host->manifest));
    host_warn_versions(host->manifest, sink);
    if (host->options.telemetry) {
        TVN_TRY(tvn_host_prepare_export(host, sink));
    }
    step_done(host, TVN_HOST_STEP_LOADED);
    TVN_TRY(tvn_host_link_all(host, sink));
    step_done(host, TVN_HOST_STEP_LINKED);
    TVN_TRY(tvn_host_open_tracing(host, sink));
    TVN_TRY(tvn_audit_open(host->manifest, sink, &host->audit));
    if (host->options.inspect) {
        TVN_TRY(tvn_inspection_tcp_open(host->manifest, sink, &host->inspection_tcp));
    }
    TVN_TRY(create_resources(host, sink));
    TVN_TRY(create_runtime(host, sink));
    TVN_TRY(tvn_host_create_pipelines(host, sink));
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
    host->inspection_tcp.fd = -1;
    host->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (host->done_fd < 0) {
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
    return tvn_host_flow_link(host, 0);
}

uint32_t tvn_host_flow_count(const struct tvn_host *host)
{
    return host->flow_count;
}

const struct tvn_link *tvn_host_flow_link(const struct tvn_host *host, uint32_t flow)
{
    return flow < host->flow_count ? host->flows[flow].link : NULL;
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
