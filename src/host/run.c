/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The running phase: workers drive the flows, this thread takes signals, keeps the time of stopping
 * and feeds the observer.
 */
#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "host/export_internal.h"
#include "host/host_internal.h"
#include "host/inspection.h"
#include "host/tracing_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

TVN_LOG_CATEGORY("host");

#define OBSERVE_EVERY_NS UINT64_C(100000000)

/* What the control loop knows. */
struct control {
    struct tvn_host *host;
    tvn_host_observer observer;
    void *observer_context;
};

/* ---- stopping, step by step ---- */

static uint64_t after_ms(uint64_t begin_ns, uint64_t ms)
{
    uint64_t ns;
    uint64_t end_ns;
    if (__builtin_mul_overflow(ms, UINT64_C(1000000), &ns) ||
        __builtin_add_overflow(begin_ns, ns, &end_ns)) {
        return UINT64_MAX;
    }
    return end_ns;
}

static bool is_done(const struct tvn_host_flow *flow)
{
    return atomic_load_explicit(&flow->done, memory_order_acquire);
}

static void interrupt_flow(struct tvn_host_flow *flow, uint64_t now_ns)
{
    const struct tvn_config_runtime *config = &flow->host->manifest->config.runtime;
    flow->stopped = TVN_HOST_STOP_INTERRUPT;
    /* Stages that wait in their teardown have this long by themselves. */
    flow->next_stop_ns = after_ms(now_ns + TVN_FLOW_CANCEL_WAIT_NS, config->cancel_trap_ms);
    tvn_stop_control_interrupt(&flow->stop);
}

static void cancel_flow(struct tvn_host_flow *flow, uint64_t now_ns)
{
    const struct tvn_config_runtime *config = &flow->host->manifest->config.runtime;
    flow->stopped = TVN_HOST_STOP_CANCEL;
    flow->next_stop_ns = after_ms(now_ns, config->cancel_grace_ms);
    tvn_stop_control_raise(&flow->stop, TVN_STOP_CANCEL);
}

static void drain_flow(struct tvn_host_flow *flow, uint64_t now_ns)
{
    const struct tvn_config_runtime *config = &flow->host->manifest->config.runtime;
    flow->stopped = TVN_HOST_STOP_DRAIN;
    flow->next_stop_ns = tvn_min(flow->next_stop_ns, after_ms(now_ns, config->drain_timeout_ms));
    tvn_stop_control_raise(&flow->stop, TVN_STOP_DRAIN);
}

/* The step before did not help in time. */
static void stop_harder(struct tvn_host_flow *flow, uint64_t now_ns)
{
    switch (flow->stopped) {
    case TVN_HOST_STOP_NONE:
        flow->overdue = true;
        cancel_flow(flow, now_ns);
        break;
    case TVN_HOST_STOP_DRAIN:
        cancel_flow(flow, now_ns);
        break;
    case TVN_HOST_STOP_CANCEL:
        interrupt_flow(flow, now_ns);
        break;
    case TVN_HOST_STOP_INTERRUPT:
    case TVN_HOST_STOP_ABANDON:
        flow->stopped = TVN_HOST_STOP_ABANDON;
        flow->next_stop_ns = UINT64_MAX;
        flow->host->abandoned = true;
        break;
    }
}

static void stop_overdue_flows(struct tvn_host *host, uint64_t now_ns)
{
    for (uint32_t i = 0; i < host->flow_count; i++) {
        if (host->flows[i].next_stop_ns <= now_ns && !is_done(&host->flows[i])) {
            stop_harder(&host->flows[i], now_ns);
        }
    }
}

static void begin_drain(struct control *control, int signal_number)
{
    struct tvn_host *host = control->host;
    uint64_t now_ns = tvn_clock_monotonic_ns();
    host->state = TVN_HOST_SHUTTING_DOWN;
    host->signal = signal_number;
    for (uint32_t i = 0; i < host->flow_count; i++) {
        struct tvn_host_flow *flow = &host->flows[i];
        if (flow->stopped == TVN_HOST_STOP_NONE && !is_done(flow)) {
            drain_flow(flow, now_ns);
        }
    }
}

void tvn_host_flow_ask(struct tvn_host_flow *flow, enum tvn_stop level)
{
    tvn_stop_raise(&flow->asked, level);
    (void)eventfd_write(flow->host->done_fd, 1); /* fails only when it is readable already */
}

static void take_requests(struct tvn_host *host)
{
    uint64_t now_ns = tvn_clock_monotonic_ns();
    for (uint32_t i = 0; i < host->flow_count; i++) {
        struct tvn_host_flow *flow = &host->flows[i];
        enum tvn_stop level = tvn_stop_level(&flow->asked);
        if (is_done(flow)) {
            continue;
        }
        if (level == TVN_STOP_CANCEL && flow->stopped < TVN_HOST_STOP_CANCEL) {
            cancel_flow(flow, now_ns);
        } else if (level == TVN_STOP_DRAIN && flow->stopped == TVN_HOST_STOP_NONE) {
            drain_flow(flow, now_ns);
        }
    }
}

/* Asked twice: at once. */
static void interrupt_all(struct control *control)
{
    struct tvn_host *host = control->host;
    uint64_t now_ns = tvn_clock_monotonic_ns();
    for (uint32_t i = 0; i < host->flow_count; i++) {
        if (host->flows[i].stopped < TVN_HOST_STOP_INTERRUPT && !is_done(&host->flows[i])) {
            interrupt_flow(&host->flows[i], now_ns);
        }
    }
}

/*
 * A flow itself watches its deadline and drains. But a guest that never returns keeps it from doing
 * so, and a sink that nobody reads from keeps it draining.
 */
static void expect_deadlines(struct tvn_host *host)
{
    uint64_t now_ns = tvn_clock_monotonic_ns();
    for (uint32_t i = 0; i < host->flow_count; i++) {
        struct tvn_host_flow *flow = &host->flows[i];
        uint64_t deadline_ns;
        if (flow->deadline_ns != 0 &&
            !__builtin_add_overflow(now_ns, flow->deadline_ns, &deadline_ns)) {
            flow->next_stop_ns =
                after_ms(deadline_ns, host->manifest->config.runtime.drain_timeout_ms);
        }
    }
}

/* ---- signals ---- */

/*
 * Signals become bytes of a pipe. A handler, not signalfd: that would need them blocked in every
 * thread, and the engine's threads (ticker, compilation) are older than the run, so that one of
 * them would take the signal's default action. The pipe is made once and never closed: a handler
 * may still be running on another thread when the run has ended.
 */
static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
static int signal_pipe[2] = {-1, -1};

static void on_signal(int number)
{
    int saved = errno;
    unsigned char byte = (unsigned char)number;
    ssize_t ignored = write(signal_pipe[1], &byte, 1); /* full: enough signals are on their way */
    (void)ignored;
    errno = saved;
}

static void take_signal(struct control *control)
{
    unsigned char byte;
    if (read(signal_pipe[0], &byte, 1) != 1) {
        return;
    }
    if (control->host->signal == 0) {
        begin_drain(control, (int)byte);
    } else {
        interrupt_all(control);
    }
}

/* ---- the loop ---- */

/* Nanoseconds to the next thing that this thread has to do by itself. */
static uint64_t next_timeout_ns(const struct control *control, uint64_t now_ns,
                                uint64_t observe_at_ns)
{
    const struct tvn_host *host = control->host;
    uint64_t next_ns = control->observer ? observe_at_ns : UINT64_MAX;
    for (uint32_t i = 0; i < host->flow_count; i++) {
        if (!is_done(&host->flows[i])) {
            next_ns = tvn_min(next_ns, host->flows[i].next_stop_ns);
        }
    }
    if (next_ns == UINT64_MAX) {
        return UINT64_MAX;
    }
    return next_ns > now_ns ? next_ns - now_ns : 0;
}

static void observe(const struct control *control)
{
    struct tvn_run_report report;
    tvn_host_read_total(control->host, &report);
    control->observer(control->observer_context, &report);
}

static bool all_ended(const struct tvn_host *host)
{
    for (uint32_t i = 0; i < host->flow_count; i++) {
        if (!is_done(&host->flows[i]) && host->flows[i].stopped != TVN_HOST_STOP_ABANDON) {
            return false;
        }
    }
    return true;
}

/* Sleeps until a flow is done, a signal, or the time is over. */
static void wait_for_news(struct control *control, uint64_t timeout_ns)
{
    struct pollfd fds[] = {
        {.fd = control->host->done_fd, .events = POLLIN},
        {.fd = signal_pipe[0], .events = POLLIN},
    };
    struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / 1000000000),
                               .tv_nsec = (long)(timeout_ns % 1000000000)};
    if (ppoll(fds, TVN_ARRAY_LEN(fds), timeout_ns == UINT64_MAX ? NULL : &timeout, NULL) < 0) {
        tvn_assert(errno == EINTR);
        return;
    }
    if (fds[0].revents & POLLIN) {
        eventfd_t ignored;
        (void)eventfd_read(control->host->done_fd, &ignored);
        take_requests(control->host);
    }
    if (fds[1].revents & POLLIN) {
        take_signal(control);
    }
}

static void control_loop(struct control *control)
{
    uint64_t every_ns = control->host->options.observe_every_ns;
    every_ns = every_ns > 0 ? every_ns : OBSERVE_EVERY_NS;
    uint64_t observe_at_ns = tvn_clock_monotonic_ns() + every_ns;
    while (!all_ended(control->host)) {
        uint64_t now_ns = tvn_clock_monotonic_ns();
        stop_overdue_flows(control->host, now_ns);
        if (all_ended(control->host)) { /* abandoned: nobody will tell */
            break;
        }
        if (control->observer && now_ns >= observe_at_ns) {
            observe(control);
            observe_at_ns = now_ns + every_ns;
        }
        wait_for_news(control, next_timeout_ns(control, now_ns, observe_at_ns));
    }
}

/* A signal that the process was started to ignore stays ignored. */
static enum tvn_status take_signals(struct sigaction old_actions[TVN_ARRAY_LEN(signals)])
{
    if (signal_pipe[0] < 0 && pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0) {
        return TVN_E_IO_ERROR;
    }
    unsigned char left;
    while (read(signal_pipe[0], &left, 1) == 1) { /* of an earlier run */
    }
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < TVN_ARRAY_LEN(signals); i++) {
        sigaction(signals[i], NULL, &old_actions[i]);
        if (old_actions[i].sa_handler != SIG_IGN) {
            sigaction(signals[i], &action, NULL);
        }
    }
    return TVN_OK;
}

static void give_signals_back(struct tvn_host *host,
                              const struct sigaction old_actions[TVN_ARRAY_LEN(signals)])
{
    for (size_t i = 0; i < TVN_ARRAY_LEN(signals); i++) {
        sigaction(signals[i], &old_actions[i], NULL);
    }
    unsigned char late;
    if (read(signal_pipe[0], &late, 1) == 1 && host->signal == 0) {
        host->signal = late;
    }
}

/* ---- the flows' threads ---- */

static enum tvn_flow_turn run_turn(void *context, struct tvn_magazine *magazine,
                                   const struct tvn_flow_quantum *quantum,
                                   struct tvn_flow_wait *out_wait)
{
    struct tvn_host_flow *flow = context;
    struct tvn_flow *reactor = tvn_pipeline_flow(flow->pipeline);
    flow->magazine = magazine;
    if (!flow->started) {
        flow->started = true;
        enum tvn_status status = tvn_flow_start(reactor);
        (void)status; /* the flow knows it, and ends */
    }
    return tvn_flow_run(reactor, quantum, out_wait);
}

static void magazine_changed(void *context, struct tvn_magazine *magazine)
{
    struct tvn_host_flow *flow = context;
    flow->magazine = magazine;
}

static void flow_done(void *context)
{
    struct tvn_host_flow *flow = context;
    int done_fd = flow->host->done_fd;
    atomic_store_explicit(&flow->done, true, memory_order_release);
    (void)eventfd_write(done_fd, 1); /* fails only when it is readable already */
}

/* Not a warning: how long a turn takes is also the machine's affair. */
static void tell_stall(void *context, const char *task, uint64_t running_ns)
{
    (void)context;
    tvn_log_info("flow '%s' has not yielded for %" PRIu64 " ms", task, running_ns / 1000000);
}

static enum tvn_status start_workers(struct tvn_host *host, struct tvn_diag_sink *sink)
{
    static const enum tvn_workers_policy policies[] = {
        [TVN_CONFIG_SCHEDULING_DEMAND_DRIVEN] = TVN_WORKERS_DEMAND_DRIVEN,
        [TVN_CONFIG_SCHEDULING_FIFO] = TVN_WORKERS_FIFO,
        [TVN_CONFIG_SCHEDULING_WEIGHTED_FAIR] = TVN_WORKERS_WEIGHTED_FAIR,
    };
    const struct tvn_config_runtime *config = &host->manifest->config.runtime;
    const struct tvn_workers_options options = {
        /* More threads than flows have nothing to do. */
        .threads = tvn_min((uint32_t)config->worker_threads, host->flow_count),
        .policy = policies[config->scheduling_policy],
        .quantum = {.elements = (uint32_t)config->yield_elements,
                    .duration_ns = config->yield_quantum_us * 1000},
        .resources = host->resources,
        .pin = config->pin_workers,
        .max_blocking = (uint32_t)config->max_blocking_threads,
        .stalled = tell_stall,
    };
    enum tvn_status status = tvn_workers_create(&options, &host->workers);
    if (status != TVN_OK) {
        return tvn_diag_error(sink, tvn_status_fold(status), TVN_SPAN_NONE,
                              "the worker threads cannot be started: %s",
                              status == TVN_E_IO_ERROR ? strerror(errno) : "no memory");
    }
    return TVN_OK;
}

static enum tvn_status spawn(struct tvn_host_flow *flow)
{
    static const enum tvn_task_priority priorities[] = {
        [TVN_MANIFEST_PRIORITY_CRITICAL] = TVN_TASK_CRITICAL,
        [TVN_MANIFEST_PRIORITY_NORMAL] = TVN_TASK_NORMAL,
        [TVN_MANIFEST_PRIORITY_BACKGROUND] = TVN_TASK_BACKGROUND,
    };
    const struct tvn_task_options options = {
        .name = flow->link->flow_name,
        .priority = flow->link->flow ? priorities[flow->link->flow->priority] : TVN_TASK_NORMAL,
        .run = run_turn,
        .magazine_changed = magazine_changed,
        .done = flow_done,
        .context = flow,
    };
    return tvn_workers_spawn(flow->host->workers, &options, &flow->task);
}

/* What could not be started has never run, and does not count. */
static enum tvn_status spawn_all(struct tvn_host *host, struct tvn_diag_sink *sink)
{
    enum tvn_status result = TVN_OK;
    for (uint32_t i = 0; i < host->flow_count; i++) {
        struct tvn_host_flow *flow = &host->flows[i];
        enum tvn_status status = result == TVN_OK ? spawn(flow) : TVN_E_OUT_OF_MEMORY;
        if (status != TVN_OK) {
            flow->done = true;
            result = tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                                    "no memory to run flow '%s'", flow->link->flow_name);
        }
    }
    return result;
}

static enum tvn_status drive(struct control *control, struct tvn_diag_sink *sink)
{
    struct tvn_host *host = control->host;
    TVN_TRY(start_workers(host, sink));
    enum tvn_status status = spawn_all(host, sink);
    if (status == TVN_OK) {
        host->state = TVN_HOST_RUNNING;
        expect_deadlines(host);
    } else {
        interrupt_all(control);
    }
    control_loop(control);
    host->state = TVN_HOST_SHUTTING_DOWN;
    if (!host->abandoned) {
        for (uint32_t i = 0; i < host->flow_count; i++) {
            host->flows[i].stop.wake = NULL;
        }
        tvn_workers_destroy(TVN_TAKE(host->workers));
    }
    return status;
}

int tvn_host_signal(const struct tvn_host *host)
{
    return host->signal;
}

/* ---- the end ---- */

static enum tvn_status report_end(struct tvn_host_flow *flow, struct tvn_diag_sink *sink)
{
    if (flow->stopped == TVN_HOST_STOP_ABANDON && !is_done(flow)) {
        (void)tvn_diag_error(sink, TVN_E_FLOW_CANCELLED,
                             flow->link->flow ? flow->link->flow->span : TVN_SPAN_NONE,
                             "flow '%s' did not end when it was cancelled, and was abandoned",
                             flow->link->flow_name);
        return TVN_E_FLOW_CANCELLED;
    }
    tvn_host_report_skipped(flow, sink);
    tvn_pipeline_report_letters(flow->pipeline, sink);
    return tvn_host_report_failure(flow, sink);
}

static enum tvn_status report_all(struct control *control, struct tvn_diag_sink *sink,
                                  struct tvn_run_report *out_reports)
{
    struct tvn_host *host = control->host;
    enum tvn_status result = TVN_OK;
    for (uint32_t i = 0; i < host->flow_count; i++) {
        tvn_host_read_report(&host->flows[i], &out_reports[i]);
        bool was_over = host->flows[i].stopped == TVN_HOST_STOP_NONE;
        out_reports[i].signal = was_over ? 0 : host->signal;
        out_reports[i].status = report_end(&host->flows[i], sink);
        result = result == TVN_OK ? out_reports[i].status : result;
    }
    return result;
}

enum tvn_status tvn_host_run(struct tvn_host *host, tvn_host_observer observer,
                             void *observer_context, struct tvn_diag_sink *sink,
                             struct tvn_run_report *out_reports)
{
    tvn_assert(host && sink && out_reports);
    tvn_assert(host->state == TVN_HOST_READY);
    struct control control = {
        .host = host,
        .observer = observer,
        .observer_context = observer_context,
    };
    struct sigaction old_actions[TVN_ARRAY_LEN(signals)];
    if (take_signals(old_actions) != TVN_OK) {
        return tvn_diag_error(sink, TVN_E_IO_ERROR, TVN_SPAN_NONE,
                              "signals cannot be taken over: %s", strerror(errno));
    }
    struct tvn_inspection *inspection = host->options.inspect ? tvn_inspection_start(host) : NULL;
    struct tvn_host_export *export = host->options.telemetry ? tvn_host_export_start(host) : NULL;
    enum tvn_status status = drive(&control, sink);
    tvn_inspection_stop(inspection);
    uint64_t over_ns = tvn_clock_monotonic_ns();
    tvn_host_finish_tracing(host, over_ns + TVN_HOST_FLUSH_SPANS_NS);
    tvn_host_export_stop(export, over_ns + TVN_HOST_FLUSH_NS);
    give_signals_back(host, old_actions);
    host->state = TVN_HOST_STOPPED;
    TVN_TRY(status);
    status = report_all(&control, sink, out_reports);
    if (host->abandoned) {
        return status; /* its audit records come no more */
    }
    /* The stages' last audit records are written when they end; only then is it known whether all
     * of them were. */
    for (uint32_t i = 0; i < host->flow_count; i++) {
        tvn_host_flow_close(&host->flows[i]);
    }
    enum tvn_status audited = tvn_audit_close(TVN_TAKE(host->audit), sink);
    return status != TVN_OK ? status : audited;
}
