/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where a worker sleeps: one word per worker. A wake-up that comes before the sleep is kept, so
 * that the next sleep ends at once.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum tvn_park_state {
    TVN_PARK_AWAKE,
    TVN_PARK_NOTIFIED,
    TVN_PARK_ASLEEP,  /* on the futex */
    TVN_PARK_POLLING, /* waits for descriptors and timers */
};

struct tvn_park {
    _Atomic uint32_t word;
};

/* The owner. Sleeps until the next, or a kept, wake-up. */
void tvn_park_wait(struct tvn_park *park);
/* The owner, around its waiting elsewhere. False: there is a kept wake-up, it is taken. */
bool tvn_park_begin_poll(struct tvn_park *park);
static inline void tvn_park_end_poll(struct tvn_park *park)
{
    atomic_store(&park->word, TVN_PARK_AWAKE);
}
/* Anyone. True: the owner waits for descriptors and the caller must end that. */
bool tvn_park_wake(struct tvn_park *park);
