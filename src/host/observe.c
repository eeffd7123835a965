/* SPDX-License-Identifier: Apache-2.0 */
/* The recorder of the host's flow. */
#include "base/clock.h"
#include "base/num.h"
#include "host/host_internal.h"

#include <sys/random.h>

/* Beside what the queues hold: a vector of each stage. */
#define IN_FLIGHT_EXTRA 64

static enum tvn_observe_level configured_level(const struct tvn_host *host)
{
    static const enum tvn_observe_level levels[] = {
        [TVN_CONFIG_LEVEL_OFF] = TVN_OBSERVE_OFF,
        [TVN_CONFIG_LEVEL_PRODUCTION] = TVN_OBSERVE_PRODUCTION,
        [TVN_CONFIG_LEVEL_DIAGNOSTIC] = TVN_OBSERVE_DIAGNOSTIC,
    };
    return levels[host->manifest->config.observability.level];
}

static uint32_t in_flight(const struct tvn_link *link)
{
    uint64_t count = IN_FLIGHT_EXTRA;
    for (uint32_t i = 0; i < link->edge_count; i++) {
        count += link->edges[i].backpressure.queue_depth;
    }
    return (uint32_t)tvn_min(count, (uint64_t)TVN_RECORDER_IN_FLIGHT_MAX);
}

enum tvn_status tvn_host_create_recorder(struct tvn_host *host, struct tvn_diag_sink *sink)
{
    struct tvn_recorder_options options = {
        .stage_count = host->link->stage_count,
        .edge_count = host->link->edge_count,
        .level = configured_level(host),
        .sample_every = TVN_RECORDER_SAMPLE_EVERY,
        .in_flight = in_flight(host->link),
    };
    if (getrandom(&options.seed, sizeof(options.seed), GRND_NONBLOCK) !=
        (ssize_t)sizeof(options.seed)) {
        options.seed = tvn_clock_wall_ns(); /* which elements are timed is no secret */
    }
    enum tvn_status status = tvn_recorder_create(&options, &host->recorder);
    if (status != TVN_OK) {
        return tvn_diag_error(sink, tvn_status_fold(status), TVN_SPAN_NONE,
                              "no memory for the histograms of flow '%s'", host->link->flow_name);
    }
    return TVN_OK;
}

void tvn_host_bind_recorder(struct tvn_host *host)
{
    for (uint32_t i = 0; i < host->link->stage_count; i++) {
        tvn_recorder_set_stats(host->recorder, i, tvn_pipeline_stage_stats(host->pipeline, i));
    }
}

struct tvn_recorder *tvn_host_recorder(const struct tvn_host *host)
{
    return host->recorder;
}
