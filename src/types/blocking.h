/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How host code that serves a guest tells that its thread may now sleep in the kernel for long:
 * whoever owns the thread can give the thread's other work to another one meanwhile.
 *
 * A guest's frames are on the thread's stack, so the flow cannot leave its thread; everything else
 * can. So between enter and leave nothing of the thread's may be touched but its stack and what
 * belongs to the call itself: no magazine, no queue, no guest code.
 *
 * Threads: any; on a thread that nobody looks after both do nothing. Not to be nested.
 */
#include <errno.h>
#include <stddef.h>

struct tvn_blocking {
    void (*enter)(void);
    /* May sleep until the thread has what it needs to go on. */
    void (*leave)(void);
};

/* WARM PATH. Around a call of the kernel that may sleep; NULL: nobody wants to know. */
static inline void tvn_blocking_enter(const struct tvn_blocking *blocking)
{
    if (blocking) {
        blocking->enter();
    }
}
/* Keeps errno. */
static inline void tvn_blocking_leave(const struct tvn_blocking *blocking)
{
    if (blocking) {
        int error = errno;
        blocking->leave();
        errno = error;
    }
}
