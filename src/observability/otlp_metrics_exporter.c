/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that exports the metrics every interval, and once more at the end. */
#include "base/assert.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/thread.h"
#include "observability/otlp_post_internal.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#define NS_PER_MS   UINT64_C(1000000)
#define NS_PER_S    UINT64_C(1000000000)
#define STACK_BYTES ((size_t)256 << 10)

struct tvn_otlp_metrics_exporter {
    struct tvn_otlp_metrics_exporter_options options;
    struct otlp_post *post;
    uint64_t started_unix_ns;
    pthread_t thread;
    pthread_mutex_t lock; /* of the following */
    pthread_cond_t changed;
    bool ending;
    uint64_t deadline_ns;
};

/* ---- the thread ---- */

/* Until the time has come, or the end. True: the end. */
static bool sleep_until(struct tvn_otlp_metrics_exporter *exporter, uint64_t until_ns)
{
    struct timespec until = {.tv_sec = (time_t)(until_ns / NS_PER_S),
                             .tv_nsec = (long)(until_ns % NS_PER_S)};
    pthread_mutex_lock(&exporter->lock);
    int result = 0;
    while (!exporter->ending && result != ETIMEDOUT) {
        result = pthread_cond_timedwait(&exporter->changed, &exporter->lock, &until);
    }
    bool ending = exporter->ending;
    pthread_mutex_unlock(&exporter->lock);
    return ending;
}

/* False: the collector is not there. */
static bool export_once(struct tvn_otlp_metrics_exporter *exporter, uint64_t deadline_ns,
                        struct otlp_post_report *report)
{
    struct tvn_metrics_view view;
    exporter->options.read(exporter->options.context, &view);
    struct tvn_otlp_metrics_options options = {
        .resource = otlp_post_resource(exporter->post),
        .encoding = otlp_post_encoding(exporter->post),
        .now_unix_ns = tvn_clock_wall_ns(),
        .started_unix_ns = exporter->started_unix_ns,
    };
    do {
        options.flow_count =
            tvn_min(view.flow_count - options.first_flow, (uint32_t)TVN_OTLP_METRICS_FLOWS_MAX);
        tvn_otlp_metrics(&view, &options, otlp_post_begin(exporter->post));
        if (otlp_post_send(exporter->post, deadline_ns, report) == OTLP_POST_RETRY) {
            return false;
        }
        options.first_flow += options.flow_count;
    } while (options.first_flow < view.flow_count);
    return true;
}

/* Counters are cumulative: what could not be sent is in the next reading. */
static void *run(void *argument)
{
    struct tvn_otlp_metrics_exporter *exporter = argument;
    uint64_t interval_ns = exporter->options.interval_ns;
    uint64_t next_ns = tvn_clock_monotonic_ns() + interval_ns;
    while (!sleep_until(exporter, next_ns)) {
        struct otlp_post_report report = {0};
        uint64_t now_ns = tvn_clock_monotonic_ns();
        next_ns += ((now_ns - tvn_min(now_ns, next_ns)) / interval_ns + 1) * interval_ns;
        if (!export_once(exporter, now_ns + TVN_OTLP_TIMEOUT_MS * NS_PER_MS, &report)) {
            uint64_t retry_ns = tvn_clock_monotonic_ns() + report.retry_ms * NS_PER_MS;
            next_ns = report.told ? tvn_max(next_ns, retry_ns) : tvn_min(next_ns, retry_ns);
        }
    }
    struct otlp_post_report report = {0};
    (void)export_once(exporter, exporter->deadline_ns, &report);
    return NULL;
}

/* ---- life ---- */

static void release(struct tvn_otlp_metrics_exporter *exporter)
{
    otlp_post_destroy(exporter->post);
    pthread_cond_destroy(&exporter->changed);
    pthread_mutex_destroy(&exporter->lock);
    tvn_free(exporter);
}

enum tvn_status
tvn_otlp_metrics_exporter_create(const struct tvn_otlp_metrics_exporter_options *options,
                                 struct tvn_otlp_metrics_exporter **out_exporter)
{
    tvn_assert(options && options->read && options->interval_ns > 0 && out_exporter);
    TVN_AUTO(otlp_post) post = NULL;
    TVN_TRY(otlp_post_create(OTLP_METRICS, &options->target, options->resource, &post));
    struct tvn_otlp_metrics_exporter *exporter = tvn_calloc(1, sizeof(*exporter));
    if (!exporter) {
        return TVN_E_OUT_OF_MEMORY;
    }
    exporter->options = *options;
    exporter->post = TVN_TAKE(post);
    exporter->started_unix_ns = tvn_clock_wall_ns();
    tvn_cond_init_monotonic(&exporter->changed);
    pthread_mutex_init(&exporter->lock, NULL);
    int error = tvn_service_thread_start(&exporter->thread, STACK_BYTES, run, exporter);
    if (error != 0) {
        release(exporter);
        errno = error;
        return TVN_E_IO_ERROR;
    }
    pthread_setname_np(exporter->thread, "tvn-metrics");
    *out_exporter = exporter;
    return TVN_OK;
}

void tvn_otlp_metrics_exporter_destroy(struct tvn_otlp_metrics_exporter *exporter,
                                       uint64_t deadline_ns)
{
    if (!exporter) {
        return;
    }
    pthread_mutex_lock(&exporter->lock);
    exporter->ending = true;
    exporter->deadline_ns = deadline_ns;
    pthread_cond_signal(&exporter->changed);
    pthread_mutex_unlock(&exporter->lock);
    otlp_post_hurry(exporter->post, deadline_ns);
    pthread_join(exporter->thread, NULL);
    release(exporter);
}
