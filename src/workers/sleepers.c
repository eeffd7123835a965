/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "workers/sleepers_internal.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

TVN_LOG_CATEGORY("workers");

#define EVENTS_MAX  64
#define FDS_FIRST   64u
#define KICK        UINT64_MAX
#define NS_PER_S    UINT64_C(1000000000)
#define NS_PER_MS   UINT64_C(1000000)
#define WAIT_MAX_NS (UINT64_C(3600) * NS_PER_S) /* of one call of the kernel */

static_assert(EPOLLIN == 1 && EPOLLOUT == 4, "the same bits as poll's");

enum tvn_status tvn_sleepers_init(struct tvn_sleepers *sleepers)
{
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = KICK};
    if (epoll_fd < 0 || kick_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, kick_fd, &event) != 0) {
        int error = errno;
        tvn_fd_close(&epoll_fd);
        tvn_fd_close(&kick_fd);
        errno = error;
        return TVN_E_IO_ERROR;
    }
    *sleepers = (struct tvn_sleepers){.epoll_fd = epoll_fd, .kick_fd = kick_fd};
    atomic_init(&sleepers->next_timer_ns, UINT64_MAX);
    return TVN_OK;
}

void tvn_sleepers_deinit(struct tvn_sleepers *sleepers)
{
    tvn_fd_close(&sleepers->epoll_fd);
    tvn_fd_close(&sleepers->kick_fd);
    tvn_heap_deinit(&sleepers->timers);
    tvn_free(sleepers->fds);
}

enum tvn_status tvn_sleepers_reserve(struct tvn_sleepers *sleepers, uint32_t tasks)
{
    tvn_lock_take(&sleepers->lock);
    enum tvn_status status = tvn_heap_reserve(&sleepers->timers, tasks);
    tvn_lock_give(&sleepers->lock);
    return status;
}

void tvn_sleepers_kick(struct tvn_sleepers *sleepers)
{
    (void)eventfd_write(sleepers->kick_fd, 1); /* fails only when it is readable already */
}

/* ---- with the lock ---- */

static void note_first_timer(struct tvn_sleepers *sleepers)
{
    const struct tvn_heap_node *first = tvn_heap_first(&sleepers->timers);
    atomic_store_explicit(&sleepers->next_timer_ns, first ? first->key : UINT64_MAX,
                          memory_order_relaxed);
}

static TVN_HOT void add_to_watch_count(struct tvn_sleepers *sleepers, uint32_t by)
{
    atomic_store_explicit(&sleepers->watch_count,
                          atomic_load_explicit(&sleepers->watch_count, memory_order_relaxed) + by,
                          memory_order_relaxed);
}

static TVN_HOT void unlink_watch(struct tvn_sleepers *sleepers, struct tvn_fd_watch *watch)
{
    *watch->link = watch->next;
    if (watch->next) {
        watch->next->link = watch->link;
    }
    watch->link = NULL;
    add_to_watch_count(sleepers, UINT32_MAX);
}

static void link_watch(struct tvn_sleepers *sleepers, struct tvn_fd_watch *watch)
{
    struct tvn_fd_watch **first = &sleepers->fds[watch->fd].first;
    watch->next = *first;
    watch->link = first;
    if (watch->next) {
        watch->next->link = &watch->next;
    }
    *first = watch;
    add_to_watch_count(sleepers, 1);
}

/* Room for this descriptor in the table. */
static bool reach_fd(struct tvn_sleepers *sleepers, int fd)
{
    if ((uint32_t)fd < sleepers->fd_capacity) {
        return true;
    }
    uint32_t capacity = tvn_max(sleepers->fd_capacity, FDS_FIRST);
    while (capacity <= (uint32_t)fd) {
        capacity *= 2; /* a descriptor is below 2^31 */
    }
    struct tvn_fd_watchers *fds = tvn_calloc(capacity, sizeof(*fds));
    if (!fds) {
        return false;
    }
    for (uint32_t i = 0; i < sleepers->fd_capacity; i++) {
        fds[i] = sleepers->fds[i];
        if (fds[i].first) {
            fds[i].first->link = &fds[i].first;
        }
    }
    tvn_free(sleepers->fds);
    sleepers->fds = fds;
    sleepers->fd_capacity = capacity;
    return true;
}

/* Asks the kernel for one report of what the watches of this descriptor wait for. False, errno. */
static bool ask_kernel(struct tvn_sleepers *sleepers, int fd)
{
    struct tvn_fd_watchers *watched = &sleepers->fds[fd];
    struct epoll_event event = {.events = EPOLLONESHOT, .data.u64 = (uint64_t)fd};
    for (const struct tvn_fd_watch *watch = watched->first; watch; watch = watch->next) {
        event.events |= (uint32_t)(unsigned short)watch->events;
    }
    int first = watched->known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    int result = epoll_ctl(sleepers->epoll_fd, first, fd, &event);
    if (result != 0 && errno == (watched->known ? ENOENT : EEXIST)) { /* closed, opened anew */
        int other = watched->known ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
        result = epoll_ctl(sleepers->epoll_fd, other, fd, &event);
    }
    watched->known = result == 0;
    return result == 0;
}

static struct tvn_fd_watch *watch_for(struct tvn_task *task, uint32_t index)
{
    if (index >= TVN_TASK_WATCH_INLINE && !task->more_watches) {
        task->more_watches =
            tvn_calloc(TVN_FLOW_WAIT_FDS_MAX - TVN_TASK_WATCH_INLINE, sizeof(struct tvn_fd_watch));
        if (!task->more_watches) {
            return NULL;
        }
    }
    return tvn_task_watch(task, index);
}

enum watch_result { WATCHED, WATCH_READY, WATCH_REFUSED };

static enum watch_result add_watch(struct tvn_sleepers *sleepers, struct tvn_task *task, int fd,
                                   short events)
{
    struct tvn_fd_watch *watch = watch_for(task, task->watch_count);
    if (!watch || fd < 0 || !reach_fd(sleepers, fd)) {
        return WATCH_REFUSED;
    }
    *watch = (struct tvn_fd_watch){.task = task, .fd = fd, .events = events};
    task->watch_count++;
    link_watch(sleepers, watch);
    if (ask_kernel(sleepers, fd)) {
        return WATCHED;
    }
    int error = errno;
    unlink_watch(sleepers, watch);
    if (error == EPERM) { /* it cannot be waited for: poll(2) calls it ready, too */
        return WATCH_READY;
    }
    tvn_log_debug("descriptor %d cannot be waited for: %s", fd, strerror(error));
    return WATCH_REFUSED;
}

static void arm_timer(struct tvn_sleepers *sleepers, struct tvn_task *task, uint64_t wake_ns)
{
    if (wake_ns == UINT64_MAX) {
        return;
    }
    tvn_heap_push(&sleepers->timers, &task->timer, wake_ns);
    note_first_timer(sleepers);
    if (wake_ns < sleepers->polled_until_ns) {
        tvn_sleepers_kick(sleepers);
    }
}

static void disarm(struct tvn_sleepers *sleepers, struct tvn_task *task)
{
    for (uint32_t i = 0; i < task->watch_count; i++) {
        struct tvn_fd_watch *watch = tvn_task_watch(task, i);
        if (watch->link) {
            unlink_watch(sleepers, watch);
        }
    }
    task->watch_count = 0;
    if (task->timer.position != TVN_HEAP_OUT) {
        tvn_heap_remove(&sleepers->timers, &task->timer);
        note_first_timer(sleepers);
    }
    atomic_store_explicit(&task->armed, false, memory_order_release);
}

/* What a poll has taken was all that the task waited for: its next turn need not look. */
static TVN_HOT void disarm_taken(struct tvn_task *task)
{
    if (task->watch_count <= 1 && task->timer.position == TVN_HEAP_OUT) {
        task->watch_count = 0;
        atomic_store_explicit(&task->armed, false, memory_order_release);
    }
}

/* ---- without ---- */

bool tvn_sleepers_arm(struct tvn_sleepers *sleepers, struct tvn_task *task,
                      const struct tvn_flow_wait *wait)
{
    tvn_assert(!atomic_load_explicit(&task->armed, memory_order_relaxed));
    tvn_assert(wait->fd_count <= TVN_FLOW_WAIT_FDS_MAX);
    uint64_t wake_ns = wait->wake_ns;
    bool ready = false;
    tvn_lock_take(&sleepers->lock);
    atomic_store_explicit(&task->armed, true, memory_order_relaxed);
    for (uint32_t i = 0; i < wait->fd_count && !ready; i++) {
        enum watch_result result = add_watch(sleepers, task, wait->fds[i].fd, wait->fds[i].events);
        ready = result == WATCH_READY;
        if (result == WATCH_REFUSED) {
            wake_ns = tvn_min(wake_ns, tvn_clock_monotonic_ns() + TVN_POLL_REFUSED_NS);
        }
    }
    if (ready) {
        disarm(sleepers, task);
    } else {
        arm_timer(sleepers, task, wake_ns);
    }
    tvn_lock_give(&sleepers->lock);
    return !ready;
}

void tvn_sleepers_disarm_armed(struct tvn_sleepers *sleepers, struct tvn_task *task)
{
    tvn_lock_take(&sleepers->lock);
    disarm(sleepers, task);
    tvn_lock_give(&sleepers->lock);
}

static int wait_ms(int epoll_fd, struct epoll_event *events, uint64_t timeout_ns)
{
    uint64_t ms = (timeout_ns + NS_PER_MS - 1) / NS_PER_MS;
    return epoll_wait(epoll_fd, events, EVENTS_MAX, (int)ms);
}

static int wait_events(int epoll_fd, struct epoll_event *events, uint64_t timeout_ns)
{
    if (timeout_ns == 0) {
        return epoll_wait(epoll_fd, events, EVENTS_MAX, 0);
    }
    if (timeout_ns == UINT64_MAX) { /* the kernel need not set up a timer, nor take it back */
        return epoll_wait(epoll_fd, events, EVENTS_MAX, -1);
    }
    timeout_ns = tvn_min(timeout_ns, WAIT_MAX_NS);
    const struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / NS_PER_S),
                                     .tv_nsec = (long)(timeout_ns % NS_PER_S)};
    int count = epoll_pwait2(epoll_fd, events, EVENTS_MAX, &timeout, NULL);
    return count < 0 && errno == ENOSYS ? wait_ms(epoll_fd, events, timeout_ns) : count;
}

/* How long the caller may wait (UINT64_MAX: for ever), published so that an earlier timer can end
 * it. */
static uint64_t begin_wait(struct tvn_sleepers *sleepers)
{
    tvn_lock_take(&sleepers->lock);
    uint64_t until_ns = atomic_load_explicit(&sleepers->next_timer_ns, memory_order_relaxed);
    sleepers->polled_until_ns = until_ns;
    tvn_lock_give(&sleepers->lock);
    if (until_ns == UINT64_MAX) {
        return UINT64_MAX;
    }
    uint64_t now_ns = tvn_clock_monotonic_ns();
    return until_ns > now_ns ? until_ns - now_ns : 0;
}

/* With the lock. What waits for these events is done waiting for this descriptor. */
static TVN_HOT void take_watches(struct tvn_sleepers *sleepers, const struct epoll_event *event,
                                 struct tvn_task **out_tasks, uint32_t *count)
{
    struct tvn_fd_watchers *watched = &sleepers->fds[event->data.u64];
    uint32_t always = EPOLLERR | EPOLLHUP;
    struct tvn_fd_watch *next;
    for (struct tvn_fd_watch *watch = watched->first; watch; watch = next) {
        next = watch->next;
        uint32_t wanted = (uint32_t)(unsigned short)watch->events | always;
        if ((event->events & wanted) != 0 && *count < TVN_POLL_TASKS_MAX) {
            out_tasks[(*count)++] = watch->task;
            unlink_watch(sleepers, watch);
            disarm_taken(watch->task);
        }
    }
    if (watched->first && !ask_kernel(sleepers, (int)event->data.u64)) {
        /* The kernel is out of memory. Better a turn too many than one that never comes. */
        tvn_log_warn("descriptor %d is not watched any more: %s", (int)event->data.u64,
                     strerror(errno));
        while (watched->first && *count < TVN_POLL_TASKS_MAX) {
            out_tasks[(*count)++] = watched->first->task;
            unlink_watch(sleepers, watched->first);
        }
    }
}

static TVN_HOT bool timer_is_due(struct tvn_sleepers *sleepers)
{
    uint64_t next_ns = atomic_load_explicit(&sleepers->next_timer_ns, memory_order_relaxed);
    return next_ns != UINT64_MAX && next_ns <= tvn_clock_monotonic_ns();
}

/* With the lock. */
static uint32_t take_expired(struct tvn_sleepers *sleepers, struct tvn_task **out_tasks,
                             uint32_t count)
{
    if (!timer_is_due(sleepers)) {
        return count;
    }
    uint64_t now_ns = tvn_clock_monotonic_ns();
    const struct tvn_heap_node *first;
    while (count < TVN_POLL_TASKS_MAX && (first = tvn_heap_first(&sleepers->timers)) &&
           first->key <= now_ns) {
        struct tvn_heap_node *node = tvn_heap_pop(&sleepers->timers);
        out_tasks[count++] = TVN_CONTAINER_OF(node, struct tvn_task, timer);
    }
    note_first_timer(sleepers);
    return count;
}

uint32_t tvn_sleepers_poll(struct tvn_sleepers *sleepers, bool wait,
                           struct tvn_task *out_tasks[TVN_POLL_TASKS_MAX])
{
    struct epoll_event events[EVENTS_MAX];
    uint64_t timeout_ns = wait ? begin_wait(sleepers) : 0;
    int event_count = 0;
    if (wait || atomic_load_explicit(&sleepers->watch_count, memory_order_relaxed) > 0) {
        event_count = wait_events(sleepers->epoll_fd, events, timeout_ns);
    }
    if (event_count <= 0 && !wait && !timer_is_due(sleepers)) {
        return 0;
    }
    uint32_t count = 0;
    tvn_lock_take(&sleepers->lock);
    sleepers->polled_until_ns = 0;
    for (int i = 0; i < event_count; i++) {
        if (events[i].data.u64 == KICK) {
            eventfd_t ignored;
            (void)eventfd_read(sleepers->kick_fd, &ignored);
        } else {
            take_watches(sleepers, &events[i], out_tasks, &count);
        }
    }
    count = take_expired(sleepers, out_tasks, count);
    tvn_lock_give(&sleepers->lock);
    return count;
}
