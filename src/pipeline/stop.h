/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How a running pipeline is asked to end: the reactor reads the flag, guest code the cancel word,
 * and everything that waits in the kernel one of the descriptors.
 *
 * Threads: raise may be called from any thread, also more than once; everything else is read-only
 * for others.
 */
#include "base/status.h"
#include "types/flow_state.h"

struct tvn_stop_control {
    tvn_stop_flag flag;
    _Atomic int cancel; /* non-zero once cancelled: interrupts guest code at its next epoch tick */
    int wake_fd;        /* eventfd, readable once anything was raised: wakes an idle flow */
    int cancel_fd;      /* eventfd, readable once cancelled: ends the waits of guests */
};

// COLD PATH. TVN_E_IO_ERROR with errno when there are no descriptors left.
TVN_NODISCARD enum tvn_status tvn_stop_control_init(struct tvn_stop_control *stop);
void tvn_stop_control_deinit(struct tvn_stop_control *stop);
void tvn_stop_control_raise(struct tvn_stop_control *stop, enum tvn_stop level);
