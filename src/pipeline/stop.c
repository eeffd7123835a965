/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/stop.h"

#include "base/file.h"

#include <sys/eventfd.h>

enum tvn_status tvn_stop_control_init(struct tvn_stop_control *stop)
{
    int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_fd < 0 || cancel_fd < 0) {
        tvn_fd_close(&wake_fd);
        tvn_fd_close(&cancel_fd);
        return TVN_E_IO_ERROR;
    }
    *stop = (struct tvn_stop_control){.wake_fd = wake_fd, .cancel_fd = cancel_fd};
    return TVN_OK;
}

void tvn_stop_control_deinit(struct tvn_stop_control *stop)
{
    tvn_fd_close(&stop->wake_fd);
    tvn_fd_close(&stop->cancel_fd);
}

void tvn_stop_control_raise(struct tvn_stop_control *stop, enum tvn_stop level)
{
    tvn_stop_raise(&stop->flag, level);
    if (level == TVN_STOP_CANCEL) {
        atomic_store_explicit(&stop->cancel, 1, memory_order_relaxed);
        (void)eventfd_write(stop->cancel_fd, 1);
    }
    (void)eventfd_write(stop->wake_fd,
                        1); /* fails only when the counter is full: then it is readable already */
}
