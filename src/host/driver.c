/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "host/driver_internal.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>

TVN_LOG_CATEGORY("host");

#define DRIVER_STACK_BYTES ((size_t)2 << 20)

/* Sleeps until a descriptor of the flow, its wake time or a stop request. */
static void wait_idle(const struct tvn_driver *driver, const struct tvn_flow_wait *wait)
{
    struct pollfd fds[TVN_FLOW_WAIT_FDS_MAX + 1];
    for (uint32_t i = 0; i < wait->fd_count; i++) {
        fds[i] = (struct pollfd){.fd = wait->fds[i].fd, .events = wait->fds[i].events};
    }
    /* Once raised the stop descriptor stays readable: it must not turn the wait of a draining flow
     * into a spin. */
    bool stopping = tvn_stop_level(&driver->stop->flag) != TVN_STOP_NONE;
    int stop_fd = stopping ? driver->stop->cancel_fd : driver->stop->wake_fd;
    bool cancelled = tvn_stop_level(&driver->stop->flag) == TVN_STOP_CANCEL;
    fds[wait->fd_count] = (struct pollfd){.fd = cancelled ? -1 : stop_fd, .events = POLLIN};
    struct timespec timeout;
    const struct timespec *limit = NULL;
    if (wait->wake_ns != UINT64_MAX) {
        uint64_t now_ns = tvn_clock_monotonic_ns();
        uint64_t left_ns = wait->wake_ns > now_ns ? wait->wake_ns - now_ns : 0;
        timeout = (struct timespec){.tv_sec = (time_t)(left_ns / 1000000000),
                                    .tv_nsec = (long)(left_ns % 1000000000)};
        limit = &timeout;
    }
    if (ppoll(fds, wait->fd_count + 1, limit, NULL) < 0 && errno != EINTR) {
        tvn_log_warn("waiting failed, going on: %s", strerror(errno));
    }
}

static void *drive(void *argument)
{
    struct tvn_driver *driver = argument;
    driver->start_status = tvn_flow_start(driver->flow);
    struct tvn_flow_wait wait;
    enum tvn_flow_turn turn;
    while ((turn = tvn_flow_run(driver->flow, &driver->quantum, &wait)) != TVN_FLOW_DONE) {
        if (turn == TVN_FLOW_IDLE) {
            wait_idle(driver, &wait);
        }
    }
    (void)eventfd_write(driver->done_fd, 1);
    return NULL;
}

enum tvn_status tvn_driver_start(struct tvn_driver *driver)
{
    driver->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (driver->done_fd < 0) {
        return TVN_E_IO_ERROR;
    }
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, DRIVER_STACK_BYTES);
    int error = pthread_create(&driver->thread, &attributes, drive, driver);
    pthread_attr_destroy(&attributes);
    if (error != 0) {
        tvn_fd_close(&driver->done_fd);
        errno = error;
        return TVN_E_IO_ERROR;
    }
    return TVN_OK;
}

void tvn_driver_join(struct tvn_driver *driver)
{
    pthread_join(driver->thread, NULL);
    tvn_fd_close(&driver->done_fd);
}
