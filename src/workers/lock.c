/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "workers/lock_internal.h"

#include <assert.h>
#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

static_assert(sizeof(_Atomic uint32_t) == 4, "the kernel compares four bytes");

/* Who has slept does not know whether others still do, so it takes the lock as wanted. */
void tvn_lock_wait(struct tvn_lock *lock)
{
    while (atomic_exchange_explicit(&lock->word, TVN_LOCK_WANTED, memory_order_acquire) !=
           TVN_LOCK_FREE) {
        long result =
            syscall(SYS_futex, &lock->word, FUTEX_WAIT_PRIVATE, TVN_LOCK_WANTED, NULL, NULL, 0);
        tvn_assert(result == 0 || errno == EAGAIN || errno == EINTR);
    }
}

void tvn_lock_wake(struct tvn_lock *lock)
{
    (void)syscall(SYS_futex, &lock->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
