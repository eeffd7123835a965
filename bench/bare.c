/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/bare.h"

#include "base/clock.h"
#include "bench/program.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

static void wait_once(struct bench_bare *bare, int epoll_fd)
{
    struct epoll_event event;
    eventfd_t ignored;
    if (bare->fd >= 0) {
        (void)epoll_wait(epoll_fd, &event, 1, -1);
        (void)eventfd_read(bare->fd, &ignored);
        return;
    }
    while (atomic_load(&bare->word) == 0) {
        (void)syscall(SYS_futex, &bare->word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    }
    atomic_store(&bare->word, 0);
}

static void *wait_bare(void *argument)
{
    struct bench_bare *bare = argument;
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    if (bare->fd >= 0) {
        (void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, bare->fd, &event);
    }
    for (uint64_t i = 1; i <= bare->wakes; i++) {
        wait_once(bare, epoll_fd);
        tvn_histogram_record(&bare->times, tvn_clock_monotonic_ns() - atomic_load(bare->posted_ns));
        atomic_store(&bare->answers, i);
    }
    close(epoll_fd);
    return NULL;
}

void bench_bare_start(struct bench_bare *bare, int fd, uint64_t wakes,
                      const _Atomic uint64_t *posted_ns)
{
    bare->fd = fd;
    bare->wakes = wakes;
    bare->posted_ns = posted_ns;
    atomic_store(&bare->answers, 0);
    tvn_histogram_reset(&bare->times);
    if (pthread_create(&bare->thread, NULL, wait_bare, bare) != 0) {
        bench_fail("no thread");
    }
}

void bench_bare_wake(struct bench_bare *bare)
{
    if (bare->fd >= 0) {
        (void)eventfd_write(bare->fd, 1);
    } else {
        atomic_store(&bare->word, 1);
        (void)syscall(SYS_futex, &bare->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
}

void bench_bare_join(struct bench_bare *bare)
{
    pthread_join(bare->thread, NULL);
}

void bench_run_on(enum bench_place place)
{
    static cpu_set_t usable;
    if (CPU_COUNT(&usable) == 0 && sched_getaffinity(0, sizeof(usable), &usable) != 0) {
        bench_fail("the processors of this process are not known");
    }
    cpu_set_t wanted = usable;
    size_t found = CPU_SETSIZE;
    for (size_t cpu = 0; cpu < CPU_SETSIZE && place != BENCH_ANYWHERE; cpu++) {
        if (CPU_ISSET(cpu, &usable) && (place == BENCH_LAST || found == CPU_SETSIZE)) {
            found = cpu;
        }
    }
    if (found < CPU_SETSIZE) {
        CPU_ZERO(&wanted);
        CPU_SET(found, &wanted);
    }
    if (pthread_setaffinity_np(pthread_self(), sizeof(wanted), &wanted) != 0) {
        bench_fail("a thread cannot be bound to a processor");
    }
}
