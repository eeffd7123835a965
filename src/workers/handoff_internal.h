/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A thread, and how it comes to its worker; see handoff.c. */
#include "types/blocking.h"
#include "workers/blocking_state_internal.h"
#include "workers/park_internal.h"

#include <pthread.h>
#include <stdalign.h>

struct tvn_task;
struct tvn_worker;
struct tvn_workers;

struct tvn_thread {
    struct tvn_workers *pool;
    struct tvn_worker *worker; /* its own business; NULL: it has none */
    pthread_t handle;
    uint32_t number;
    uint64_t resumed_ticks; /* when it got a worker back in this turn; 0: it never lost it */
    /* What the watchdog looks at. */
    alignas(64) tvn_blocking_word blocking;
    _Atomic uint64_t turn_began_ticks; /* 0: no turn */
    struct tvn_task *_Atomic turn_task;
    uint64_t reported_ticks; /* the watchdog's own: the turn that it has reported */
    /* What others touch. */
    alignas(64) struct tvn_park park;
    struct tvn_worker *_Atomic given;
    struct tvn_thread *next; /* waiting or spare; with hand_lock */
};

extern _Thread_local struct tvn_thread *tvn_thread_self; /* NULL: this thread runs no tasks */

/* The thread, without a worker: waits until it gets one. It has none when the workers stop. */
void tvn_handoff_await(struct tvn_thread *thread);
/* The thread, between turns: its worker goes to a thread that waits for one, if any does. */
void tvn_handoff_give(struct tvn_thread *thread);
/* The watchdog, every tick. */
void tvn_handoff_look(struct tvn_workers *workers);
