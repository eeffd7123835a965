/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The running phase: a worker drives the flow, this thread takes signals, keeps the time of the
 * drain and feeds the observer.
 */
#include "base/assert.h"
#include "base/clock.h"
#include "base/file.h"
#include "host/driver_internal.h"
#include "host/host_internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define OBSERVE_EVERY_NS UINT64_C(100000000)

/* What the control loop knows. */
struct control {
    struct tvn_host *host;
    struct tvn_driver *driver;
    int signal_fd;
    int signal;              /* the first one that came */
    uint64_t drain_until_ns; /* 0: not draining */
    tvn_host_observer observer;
    void *observer_context;
};

static void begin_drain(struct control *control, int signal_number)
{
    struct tvn_host *host = control->host;
    host->state = TVN_HOST_SHUTTING_DOWN;
    control->signal = signal_number;
    control->drain_until_ns =
        tvn_clock_monotonic_ns() + host->manifest->config.runtime.drain_timeout_ms * 1000000;
    tvn_stop_control_raise(&host->stop, TVN_STOP_DRAIN);
}

static void take_signal(struct control *control)
{
    struct signalfd_siginfo info;
    if (read(control->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info)) {
        return;
    }
    if (control->signal == 0) {
        begin_drain(control, (int)info.ssi_signo);
    } else {
        tvn_stop_control_raise(&control->host->stop, TVN_STOP_CANCEL); /* asked twice: at once */
    }
}

/* Nanoseconds to the next thing that this thread has to do by itself. */
static uint64_t next_timeout_ns(const struct control *control, uint64_t now_ns,
                                uint64_t observe_at_ns)
{
    uint64_t next_ns = control->observer ? observe_at_ns : UINT64_MAX;
    if (control->drain_until_ns != 0 && control->drain_until_ns < next_ns) {
        next_ns = control->drain_until_ns;
    }
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
        {.fd = control->signal_fd, .events = POLLIN},
    };
    while (!(fds[0].revents & POLLIN)) {
        uint64_t now_ns = tvn_clock_monotonic_ns();
        if (control->drain_until_ns != 0 && now_ns >= control->drain_until_ns) {
            tvn_stop_control_raise(&control->host->stop, TVN_STOP_CANCEL);
            control->drain_until_ns = 0;
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
            continue;
        }
        if (fds[1].revents & POLLIN) {
            take_signal(control);
        }
    }
}

/* SIGINT and SIGTERM go to a descriptor while the flow runs; every thread made meanwhile has them
 * blocked. */
static enum tvn_status take_signals(sigset_t *old_mask, int *out_fd)
{
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGTERM);
    if (pthread_sigmask(SIG_BLOCK, &mask, old_mask) != 0) {
        return TVN_E_IO_ERROR;
    }
    *out_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (*out_fd < 0) {
        pthread_sigmask(SIG_SETMASK, old_mask, NULL);
        return TVN_E_IO_ERROR;
    }
    return TVN_OK;
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
    if (tvn_driver_start(&driver) != TVN_OK) {
        return tvn_diag_error(sink, TVN_E_IO_ERROR, TVN_SPAN_NONE, "no worker thread: %s",
                              strerror(errno));
    }
    host->state = TVN_HOST_RUNNING;
    control->driver = &driver;
    control_loop(control);
    host->state = TVN_HOST_SHUTTING_DOWN;
    tvn_driver_join(&driver);
    return TVN_OK;
}

enum tvn_status tvn_host_run(struct tvn_host *host, tvn_host_observer observer,
                             void *observer_context, struct tvn_diag_sink *sink,
                             struct tvn_run_report *out_report)
{
    tvn_assert(host && sink && out_report);
    tvn_assert(host->state == TVN_HOST_READY);
    struct control control = {
        .host = host, .observer = observer, .observer_context = observer_context};
    sigset_t old_mask;
    if (take_signals(&old_mask, &control.signal_fd) != TVN_OK) {
        return tvn_diag_error(sink, TVN_E_IO_ERROR, TVN_SPAN_NONE,
                              "signals cannot be taken over: %s", strerror(errno));
    }
    enum tvn_status status = drive(&control, sink);
    tvn_fd_close(&control.signal_fd);
    pthread_sigmask(SIG_SETMASK, &old_mask, NULL);
    host->state = TVN_HOST_STOPPED;
    tvn_host_read_report(host, out_report);
    out_report->signal = control.signal;
    TVN_TRY(status);
    return tvn_host_report_failure(host, sink);
}
