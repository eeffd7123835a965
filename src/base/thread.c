/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include "base/assert.h"

#include <signal.h>
#include <time.h>

int tvn_service_thread_start(pthread_t *out_thread, size_t stack_bytes, void *(*run)(void *),
                             void *argument)
{
    tvn_assert(out_thread && run);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (stack_bytes > 0) {
        pthread_attr_setstacksize(&attributes, stack_bytes);
    }
    sigset_t blocked;
    sigset_t before;
    sigfillset(&blocked);
    sigdelset(&blocked, SIGSEGV);
    sigdelset(&blocked, SIGILL);
    sigdelset(&blocked, SIGFPE);
    sigdelset(&blocked, SIGBUS);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    int error = pthread_create(out_thread, &attributes, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

void tvn_cond_init_monotonic(pthread_cond_t *condition)
{
    tvn_assert(condition);
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &clock);
    pthread_condattr_destroy(&clock);
}
