/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a wake-up costs at least: threads that do nothing but wait, on a futex or for a descriptor,
 * and note how long each wake-up took. And where threads run, so that wake-ups can be compared.
 */
#include "base/histogram.h"

#include <pthread.h>
#include <stdatomic.h>

struct bench_bare {
    pthread_t thread;
    int fd; /* an eventfd; -1: the futex */
    uint64_t wakes;
    const _Atomic uint64_t *posted_ns;
    _Atomic uint32_t word;
    _Atomic uint64_t answers;
    struct tvn_histogram times;
};

/* A thread that is woken so many times, then ends; on the processor of the calling thread. */
void bench_bare_start(struct bench_bare *bare, int fd, uint64_t wakes,
                      const _Atomic uint64_t *posted_ns);
/* Wakes it once. */
void bench_bare_wake(struct bench_bare *bare);
void bench_bare_join(struct bench_bare *bare);

enum bench_place { BENCH_FIRST, BENCH_LAST, BENCH_ANYWHERE };

/* The calling thread, to a processor that this process could use at the first call. */
void bench_run_on(enum bench_place place);
