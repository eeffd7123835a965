/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "wasi/pollable_internal.h"
#include "wasi/wasi.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)

/* ---- the pool ---- */

struct tvn_wasi_pollable_block {
    struct tvn_wasi_pollable_block *next;
    struct tvn_wasi_pollable items[TVN_WASI_POLLABLES_BLOCK];
};

static void free_all(struct tvn_wasi_pollables *pool, struct tvn_wasi_pollable *items, size_t count)
{
    for (size_t i = count; i-- > 0;) {
        items[i].kind = TVN_WASI_POLLABLE_FREE;
        items[i].of.next_free = pool->free_head;
        pool->free_head = &items[i];
    }
}

void tvn_wasi_pollables_init(struct tvn_wasi_pollables *pool)
{
    *pool = (struct tvn_wasi_pollables){0};
    free_all(pool, pool->first, TVN_ARRAY_LEN(pool->first));
}

void tvn_wasi_pollables_deinit(struct tvn_wasi_pollables *pool)
{
    tvn_assert(pool->live == 0);
    while (pool->blocks) {
        struct tvn_wasi_pollable_block *next = pool->blocks->next;
        tvn_free(pool->blocks);
        pool->blocks = next;
    }
    pool->free_head = NULL;
}

static struct tvn_wasi_pollable *take_free(struct tvn_wasi_pollables *pool)
{
    if (TVN_UNLIKELY(!pool->free_head)) {
        struct tvn_wasi_pollable_block *block = tvn_malloc(sizeof(*block));
        if (!block) {
            return NULL;
        }
        block->next = pool->blocks;
        pool->blocks = block;
        free_all(pool, block->items, TVN_ARRAY_LEN(block->items));
    }
    struct tvn_wasi_pollable *pollable = pool->free_head;
    pool->free_head = pollable->of.next_free;
    pool->live++;
    return pollable;
}

struct tvn_wasi_pollable *tvn_wasi_pollable_timer(struct tvn_wasi_pollables *pool, uint64_t when_ns)
{
    struct tvn_wasi_pollable *pollable = take_free(pool);
    if (pollable) {
        pollable->kind = TVN_WASI_POLLABLE_TIMER;
        pollable->of.when_ns = when_ns;
    }
    return pollable;
}

struct tvn_wasi_pollable *tvn_wasi_pollable_stream(struct tvn_wasi_pollables *pool,
                                                   struct tvn_byte_stream *stream)
{
    struct tvn_wasi_pollable *pollable = take_free(pool);
    if (pollable) {
        tvn_byte_stream_ref(stream);
        pollable->kind = TVN_WASI_POLLABLE_STREAM;
        pollable->of.stream = stream;
    }
    return pollable;
}

struct tvn_wasi_pollable *tvn_wasi_pollable_waitable(struct tvn_wasi_pollables *pool,
                                                     struct tvn_wasi_waitable *waitable)
{
    struct tvn_wasi_pollable *pollable = take_free(pool);
    if (pollable) {
        tvn_wasi_waitable_ref(waitable);
        pollable->kind = TVN_WASI_POLLABLE_WAITABLE;
        pollable->of.waitable = waitable;
    }
    return pollable;
}

void tvn_wasi_pollable_release(struct tvn_wasi_pollables *pool, struct tvn_wasi_pollable *pollable)
{
    tvn_assert(pollable->kind != TVN_WASI_POLLABLE_FREE);
    tvn_assert(pool->live > 0);
    if (pollable->kind == TVN_WASI_POLLABLE_STREAM) {
        tvn_byte_stream_unref(pollable->of.stream);
    } else if (pollable->kind == TVN_WASI_POLLABLE_WAITABLE) {
        tvn_wasi_waitable_unref(pollable->of.waitable);
    }
    free_all(pool, pollable, 1);
    pool->live--;
}

/* ---- waiting ---- */

/* One round: what is ready now, and what to sleep for if nothing is. */
struct round {
    struct pollfd *fds;
    size_t fd_count;  /* distinct (descriptor, events) */
    uint64_t wake_ns; /* UINT64_MAX: no timer */
    bool any;
    bool cancelled;
};

/* The entry of `fds` for a descriptor, added if new: the kernel limits how many it takes. */
static void want_fd(struct round *round, int fd, short events)
{
    for (size_t i = round->fd_count; i-- > 0;) {
        if (round->fds[i].fd == fd) {
            round->fds[i].events = (short)(round->fds[i].events | events);
            return;
        }
    }
    round->fds[round->fd_count++] = (struct pollfd){.fd = fd, .events = events};
}

static bool fd_is_ready(const struct round *round, int fd, short events)
{
    const short always = POLLERR | POLLHUP | POLLNVAL;
    for (size_t i = round->fd_count; i-- > 0;) {
        if (round->fds[i].fd == fd) {
            return (round->fds[i].revents & (events | always)) != 0;
        }
    }
    return false;
}

/* -1: ready now. */
static int wait_fd(const struct tvn_wasi_pollable *pollable, short *out_events)
{
    if (pollable->kind == TVN_WASI_POLLABLE_WAITABLE) {
        return pollable->of.waitable->ops->wait_fd(pollable->of.waitable, out_events);
    }
    tvn_assert(pollable->kind == TVN_WASI_POLLABLE_STREAM);
    return tvn_byte_stream_wait_fd(pollable->of.stream, out_events);
}

/* Ready without asking the kernel? If not, notes what could make it so. */
static bool ready_now(const struct tvn_wasi_pollable *pollable, uint64_t now_ns,
                      struct round *round)
{
    if (pollable->kind == TVN_WASI_POLLABLE_TIMER) {
        if (pollable->of.when_ns <= now_ns) {
            return true;
        }
        round->wake_ns = tvn_min(round->wake_ns, pollable->of.when_ns);
        return false;
    }
    short events = 0;
    int fd = wait_fd(pollable, &events);
    if (fd < 0) {
        return true;
    }
    want_fd(round, fd, events);
    return false;
}

static void begin_round(struct round *round, struct tvn_wasi_pollable *const *items, size_t count,
                        uint64_t now_ns, bool *ready)
{
    round->fd_count = 0;
    round->wake_ns = UINT64_MAX;
    round->any = false;
    for (size_t i = 0; i < count; i++) {
        ready[i] = ready_now(items[i], now_ns, round);
        round->any |= ready[i];
    }
}

/* After the kernel answered: which descriptors have something. */
static void end_round(struct round *round, struct tvn_wasi_pollable *const *items, size_t count,
                      bool *ready)
{
    for (size_t i = 0; i < count; i++) {
        if (!ready[i] && items[i]->kind != TVN_WASI_POLLABLE_TIMER) {
            short events = 0;
            int fd = wait_fd(items[i], &events);
            ready[i] = fd < 0 || fd_is_ready(round, fd, events);
            round->any |= ready[i];
        }
    }
}

static struct timespec until(uint64_t now_ns, uint64_t wake_ns)
{
    uint64_t ns = wake_ns > now_ns ? wake_ns - now_ns : 0;
    return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
}

static bool is_cancelled(const struct tvn_wasi_wait_limits *limits)
{
    return limits->cancel && atomic_load_explicit(limits->cancel, memory_order_relaxed) != 0;
}

/* Sleeps until an fd of the round has events, wake_ns, or a limit; at once when something is ready.
 */
static enum tvn_status sleep_round(struct round *round, const struct tvn_wasi_wait_limits *limits,
                                   uint64_t now_ns)
{
    uint64_t wake_ns = round->any ? now_ns : round->wake_ns;
    if (limits->deadline_ns != 0) {
        wake_ns = tvn_min(wake_ns, limits->deadline_ns);
    }
    if (limits->cancel && limits->cancel_fd < 0) {
        wake_ns = tvn_min(wake_ns, now_ns + TVN_WASI_CANCEL_POLL_NS);
    }
    size_t count = round->fd_count;
    if (limits->cancel_fd >= 0) {
        round->fds[count++] = (struct pollfd){.fd = limits->cancel_fd, .events = POLLIN};
    }
    struct timespec time = until(now_ns, wake_ns);
    const struct tvn_blocking *blocking = round->any ? NULL : limits->blocking;
    tvn_blocking_enter(blocking);
    int events = ppoll(round->fds, count, wake_ns == UINT64_MAX ? NULL : &time, NULL);
    tvn_blocking_leave(blocking);
    if (events < 0) {
        for (size_t i = 0; i < count; i++) {
            round->fds[i].revents = 0;
        }
        return errno == EINTR ? TVN_OK : TVN_E_INTERNAL;
    }
    round->cancelled = limits->cancel_fd >= 0 && round->fds[count - 1].revents != 0;
    return TVN_OK;
}

enum tvn_status tvn_wasi_pollables_wait(struct tvn_wasi_pollable *const *items, size_t count,
                                        const struct tvn_wasi_wait_limits *limits, bool *ready,
                                        struct pollfd *fds)
{
    tvn_assert(count > 0);
    struct round round = {.fds = fds};
    for (;;) {
        uint64_t now_ns = tvn_clock_monotonic_ns();
        begin_round(&round, items, count, now_ns, ready);
        if (!round.any || round.fd_count > 0) {
            if (!round.any && (round.cancelled || is_cancelled(limits))) {
                return TVN_E_FLOW_CANCELLED;
            }
            if (!round.any && limits->deadline_ns != 0 && now_ns >= limits->deadline_ns) {
                return TVN_E_COMPONENT_TIMEOUT;
            }
            TVN_TRY(sleep_round(&round, limits, now_ns));
            end_round(&round, items, count, ready);
        }
        if (round.any) {
            return TVN_OK;
        }
    }
}

bool tvn_wasi_pollable_is_ready(const struct tvn_wasi_pollable *pollable)
{
    struct pollfd fd;
    struct round round = {.fds = &fd};
    uint64_t now_ns =
        pollable->kind == TVN_WASI_POLLABLE_TIMER ? tvn_clock_monotonic_ns() : 0; /* dear */
    if (ready_now(pollable, now_ns, &round)) {
        return true;
    }
    if (round.fd_count == 0) {
        return false;
    }
    return poll(&fd, 1, 0) != 0; /* a failing descriptor is ready: the operation will say why */
}
