/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How a running pipeline is asked to end, or to stand still: the reactor reads the flags, guest
 * code the cancel word, and what waits in the kernel inside of a call the descriptor.
 *
 * Threads: raise, pause and interrupt may be called from any thread, also more than once;
 * everything else is read-only for others. Set wake before the flow runs; it outlives the last
 * raise.
 */
#include "base/status.h"
#include "types/flow_state.h"

struct tvn_stop_control {
    tvn_stop_flag flag;
    tvn_pause_flag pause;
    _Atomic int cancel; /* not 0: guest code is interrupted at its next epoch tick */
    int cancel_fd;      /* eventfd, readable once interrupted: ends the waits of guests; -1: none */
    void (*wake)(
        void *context); /* makes the flow take a turn, so that it sees the flag; optional */
    void *wake_context;
};

// COLD PATH. TVN_E_IO_ERROR with errno when there are no descriptors left.
TVN_NODISCARD enum tvn_status tvn_stop_control_init(struct tvn_stop_control *stop);
void tvn_stop_control_deinit(struct tvn_stop_control *stop);
/* The call that is under way may end by itself. */
void tvn_stop_control_raise(struct tvn_stop_control *stop, enum tvn_stop level);
/* Stands still from its next turn on; or goes on. Setting it twice is setting it once. */
void tvn_stop_control_pause(struct tvn_stop_control *stop, bool pause);
/* TVN_STOP_CANCEL, and the call that is under way is cut. */
void tvn_stop_control_interrupt(struct tvn_stop_control *stop);
