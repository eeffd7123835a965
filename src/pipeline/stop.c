/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/stop.h"

#include "base/file.h"

#include <sys/eventfd.h>

enum tvn_status tvn_stop_control_init(struct tvn_stop_control *stop)
{
    int cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (cancel_fd < 0) {
        return TVN_E_IO_ERROR;
    }
    *stop = (struct tvn_stop_control){.cancel_fd = cancel_fd};
    return TVN_OK;
}

void tvn_stop_control_deinit(struct tvn_stop_control *stop)
{
    tvn_fd_close(&stop->cancel_fd);
}

void tvn_stop_control_raise(struct tvn_stop_control *stop, enum tvn_stop level)
{
    tvn_stop_raise(&stop->flag, level);
    if (stop->wake) {
        stop->wake(stop->wake_context);
    }
}

void tvn_stop_control_pause(struct tvn_stop_control *stop, bool pause)
{
    atomic_store_explicit(&stop->pause, pause, memory_order_relaxed);
    if (stop->wake) {
        stop->wake(stop->wake_context);
    }
}

void tvn_stop_control_interrupt(struct tvn_stop_control *stop)
{
    atomic_store_explicit(&stop->cancel, 1, memory_order_release);
    if (stop->cancel_fd >= 0) {
        (void)eventfd_write(stop->cancel_fd, 1); /* fails only when it is readable already */
    }
    tvn_stop_control_raise(stop, TVN_STOP_CANCEL);
}
