/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "workers/park_internal.h"

#include <assert.h>
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

static_assert(sizeof(_Atomic uint32_t) == 4, "the kernel compares four bytes");

void tvn_park_wait(struct tvn_park *park)
{
    uint32_t awake = TVN_PARK_AWAKE;
    if (atomic_compare_exchange_strong(&park->word, &awake, TVN_PARK_ASLEEP)) {
        while (atomic_load(&park->word) == TVN_PARK_ASLEEP) {
            long result =
                syscall(SYS_futex, &park->word, FUTEX_WAIT_PRIVATE, TVN_PARK_ASLEEP, NULL, NULL, 0);
            tvn_assert(result == 0 || errno == EAGAIN || errno == EINTR);
        }
    }
    atomic_store(&park->word, TVN_PARK_AWAKE);
}

bool tvn_park_begin_poll(struct tvn_park *park)
{
    uint32_t awake = TVN_PARK_AWAKE;
    if (atomic_compare_exchange_strong(&park->word, &awake, TVN_PARK_POLLING)) {
        return true;
    }
    atomic_store(&park->word, TVN_PARK_AWAKE);
    return false;
}

bool tvn_park_wake(struct tvn_park *park)
{
    uint32_t before = atomic_exchange(&park->word, TVN_PARK_NOTIFIED);
    if (before == TVN_PARK_ASLEEP) {
        (void)syscall(SYS_futex, &park->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
    return before == TVN_PARK_POLLING;
}
