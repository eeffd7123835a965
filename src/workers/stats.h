/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Counters of one worker thread, each written by that worker only. */
#include "types/flow_stats.h"

struct tvn_worker_stats {
    tvn_stat turns;
    tvn_stat yields; /* turns after which there was more to do */
    tvn_stat sleeps; /* turns after which the task had to wait */
    tvn_stat done;
    tvn_stat steals; /* successful ones */
    tvn_stat stolen; /* tasks that came by them */
    tvn_stat parks;
    tvn_stat unparks; /* parks that another worker or thread ended */
    tvn_stat polls;   /* looks at descriptors and timers */
    tvn_stat woken;   /* tasks that these looks woke */
    tvn_stat busy_ns; /* in turns */
};
