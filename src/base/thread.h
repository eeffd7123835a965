/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Threads of the control plane, which run no guest and wait for a moment of the monotonic clock.
 *
 * Threads: any.
 */
#include <pthread.h>
#include <stddef.h>

// COLD PATH. Starts a thread to which no signal is delivered but those of its own faults: signals
// are the main thread's. `stack_bytes` 0: the system's. Returns 0 or an errno value.
int tvn_service_thread_start(pthread_t *out_thread, size_t stack_bytes, void *(*run)(void *),
                             void *argument);

/* COLD PATH. A condition whose timed waits are by CLOCK_MONOTONIC. */
void tvn_cond_init_monotonic(pthread_cond_t *condition);
