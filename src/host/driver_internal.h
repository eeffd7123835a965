/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The worker that drives one flow on a thread of its own: turn after turn, waiting in the kernel
 * while it is idle.
 */
#include "pipeline/pipeline.h"

#include <pthread.h>

struct tvn_driver {
    struct tvn_flow *flow;
    struct tvn_stop_control *stop;
    struct tvn_flow_quantum quantum;
    pthread_t thread;
    int done_fd; /* eventfd, readable once the flow is done */
    enum tvn_status start_status;
};

// COLD PATH. Starts the thread. TVN_E_IO_ERROR, errno.
TVN_NODISCARD enum tvn_status tvn_driver_start(struct tvn_driver *driver);
/* Waits for the thread's end; the flow is DONE then. */
void tvn_driver_join(struct tvn_driver *driver);
