/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The running phase: a worker drives the flow, this thread takes signals, keeps the time of the
 * drain and feeds the observer.
 */
#include "base/assert.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/num.h"
#include "host/driver_internal.h"
#include "host/host_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#define OBSERVE_EVERY_NS UINT64_C(100000000)

/* What the control loop knows. */
struct control {
    struct tvn_host *host;
    struct tvn_driver *driver;
    int signal;            /* the first one that came */
    uint64_t cancel_at_ns; /* whoever drains may do so until then; UINT64_MAX: for ever */
    tvn_host_observer observer;
    void *observer_context;
};

static uint64_t drain_end_ns(const struct tvn_host *host, uint64_t begin_ns)
{
    uint64_t end_ns;
    uint64_t drain_ns = host->manifest->config.runtime.drain_timeout_ms * 1000000;
    return __builtin_add_overflow(begin_ns, drain_ns, &end_ns) ? UINT64_MAX : end_ns;
}

static void begin_drain(struct control *control, int signal_number)
{
    struct tvn_host *host = control->host;
    host->state = TVN_HOST_SHUTTING_DOWN;
    control->signal = signal_number;
    control->cancel_at_ns =
        tvn_min(control->cancel_at_ns, drain_end_ns(host, tvn_clock_monotonic_ns()));
    tvn_stop_control_raise(&host->stop, TVN_STOP_DRAIN);
}

/*
 * The flow itself watches its deadline and drains. But a guest that never returns keeps it from
 * doing so, and a sink that nobody reads from keeps it draining.
 */
static void expect_deadline(struct control *control)
{
    const struct tvn_host *host = control->host;
    uint64_t deadline_ns;
    if (host->deadline_ns != 0 &&
        !__builtin_add_overflow(tvn_clock_monotonic_ns(), host->deadline_ns, &deadline_ns)) {
        control->cancel_at_ns = drain_end_ns(host, deadline_ns);
    }
}

/*
 * Signals become bytes of a pipe. A handler, not signalfd: that would need them blocked in every
 * thread, and the engine's threads (ticker, compilation) are older than the run, so that one of
 * them would take the signal's default action. The pipe is made once and never closed: a handler
 * may still be running on another thread when the run has ended.
 */
static const int signals[] = {SIGINT, SIGTERM};
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
    if (control->signal == 0) {
        begin_drain(control, (int)byte);
    } else {
        tvn_stop_control_raise(&control->host->stop, TVN_STOP_CANCEL); /* asked twice: at once */
    }
}

/* Nanoseconds to the next thing that this thread has to do by itself. */
static uint64_t next_timeout_ns(const struct control *control, uint64_t now_ns,
                                uint64_t observe_at_ns)
{
    uint64_t next_ns = control->observer ? observe_at_ns : UINT64_MAX;
    next_ns = tvn_min(next_ns, control->cancel_at_ns);
    if (next_ns == UINT64_MAX) {
        return UINT64_MAX;
    }
    return next_ns > now_ns ? next_ns - now_ns : 0;
}

static void observe(const struct control *control)
{
    struct tvn_run_report report;
    tvn_host_read_report(control->host, &report);
    control->observer(control->observer_context, &report);
}

static void control_loop(struct control *control)
{
    uint64_t observe_at_ns = tvn_clock_monotonic_ns() + OBSERVE_EVERY_NS;
    struct pollfd fds[] = {
        {.fd = control->driver->done_fd, .events = POLLIN},
        {.fd = signal_pipe[0], .events = POLLIN},
    };
    while (!(fds[0].revents & POLLIN)) {
        uint64_t now_ns = tvn_clock_monotonic_ns();
        if (now_ns >= control->cancel_at_ns) {
            control->host->overdue = control->signal == 0;
            tvn_stop_control_raise(&control->host->stop, TVN_STOP_CANCEL);
            control->cancel_at_ns = UINT64_MAX;
        }
        if (control->observer && now_ns >= observe_at_ns) {
            observe(control);
            observe_at_ns = now_ns + OBSERVE_EVERY_NS;
        }
        uint64_t timeout_ns = next_timeout_ns(control, now_ns, observe_at_ns);
        struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / 1000000000),
                                   .tv_nsec = (long)(timeout_ns % 1000000000)};
        if (ppoll(fds, TVN_ARRAY_LEN(fds), timeout_ns == UINT64_MAX ? NULL : &timeout, NULL) < 0) {
            tvn_assert(errno == EINTR);
            fds[0].revents = 0;
            fds[1].revents = 0;
            continue;
        }
        if (fds[1].revents & POLLIN) {
            take_signal(control);
        }
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

static void give_signals_back(const struct sigaction old_actions[TVN_ARRAY_LEN(signals)])
{
    for (size_t i = 0; i < TVN_ARRAY_LEN(signals); i++) {
        sigaction(signals[i], &old_actions[i], NULL);
    }
}

/* The worker is spared the signals: no call of a guest is disturbed by them. */
static enum tvn_status start_driver(struct tvn_driver *driver)
{
    sigset_t mask;
    sigset_t old_mask;
    sigemptyset(&mask);
    for (size_t i = 0; i < TVN_ARRAY_LEN(signals); i++) {
        sigaddset(&mask, signals[i]);
    }
    pthread_sigmask(SIG_BLOCK, &mask, &old_mask);
    enum tvn_status status = tvn_driver_start(driver);
    int saved = errno;
    pthread_sigmask(SIG_SETMASK, &old_mask, NULL);
    errno = saved;
    return status;
}

static enum tvn_status drive(struct control *control, struct tvn_diag_sink *sink)
{
    struct tvn_host *host = control->host;
    const struct tvn_config_runtime *config = &host->manifest->config.runtime;
    struct tvn_driver driver = {
        .flow = tvn_pipeline_flow(host->pipeline),
        .stop = &host->stop,
        .quantum = {.elements = (uint32_t)config->yield_elements,
                    .duration_ns = config->yield_quantum_us * 1000},
    };
    if (start_driver(&driver) != TVN_OK) {
        return tvn_diag_error(sink, TVN_E_IO_ERROR, TVN_SPAN_NONE, "no worker thread: %s",
                              strerror(errno));
    }
    host->state = TVN_HOST_RUNNING;
    control->driver = &driver;
    expect_deadline(control);
    control_loop(control);
    host->state = TVN_HOST_SHUTTING_DOWN;
    tvn_driver_join(&driver);
    control->driver = NULL;
    return TVN_OK;
}

enum tvn_status tvn_host_run(struct tvn_host *host, tvn_host_observer observer,
                             void *observer_context, struct tvn_diag_sink *sink,
                             struct tvn_run_report *out_report)
{
    tvn_assert(host && sink && out_report);
    tvn_assert(host->state == TVN_HOST_READY);
    struct control control = {
        .host = host,
        .cancel_at_ns = UINT64_MAX,
        .observer = observer,
        .observer_context = observer_context,
    };
    struct sigaction old_actions[TVN_ARRAY_LEN(signals)];
    if (take_signals(old_actions) != TVN_OK) {
        return tvn_diag_error(sink, TVN_E_IO_ERROR, TVN_SPAN_NONE,
                              "signals cannot be taken over: %s", strerror(errno));
    }
    enum tvn_status status = drive(&control, sink);
    give_signals_back(old_actions);
    host->state = TVN_HOST_STOPPED;
    tvn_host_read_report(host, out_report);
    out_report->signal = control.signal;
    TVN_TRY(status);
    tvn_host_report_skipped(host, sink);
    tvn_pipeline_report_letters(host->pipeline, sink);
    status = tvn_host_report_failure(host, sink);
    /* The stages' last audit records are written when they end; only then is it known whether all
     * of them were. */
    tvn_pipeline_destroy(TVN_TAKE(host->pipeline));
    enum tvn_status audited = tvn_audit_close(TVN_TAKE(host->audit), sink);
    return status != TVN_OK ? status : audited;
}
