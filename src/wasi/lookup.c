/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "wasi/context_internal.h"
#include "wasi/lookup_internal.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STACK_BYTES ((size_t)512 << 10)

struct tvn_lookup_job {
    _Atomic uint32_t refs;
    _Atomic bool done; /* the rest is the thread's before, the context's after */
    int event_fd;      /* readable when done */
    int error;         /* EAI_* */
    tvn_wasi_resolve resolve;
    void *context;
    size_t count;
    struct tvn_wasi_address addresses[TVN_WASI_ADDRESSES_MAX];
    char name[TVN_WASI_NAME_BYTES];
};

static _Atomic uint32_t running;

static void job_unref(struct tvn_lookup_job *job)
{
    if (atomic_fetch_sub_explicit(&job->refs, 1, memory_order_acq_rel) == 1) {
        tvn_fd_close(&job->event_fd);
        tvn_free(job);
    }
}

/* ---- the resolver ---- */

static int system_resolve(void *context, const char *name, struct tvn_wasi_address *addresses,
                          size_t capacity, size_t *out_count)
{
    (void)context;
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int error = getaddrinfo(name, NULL, &hints, &found);
    if (error != 0) {
        return error;
    }
    size_t count = 0;
    for (const struct addrinfo *item = found; item && count < capacity; item = item->ai_next) {
        struct tvn_wasi_address address = {.is_v6 = item->ai_family == AF_INET6};
        union tvn_socket_address kernel = {0};
        if (item->ai_addrlen > sizeof(kernel)) {
            continue;
        }
        memcpy(&kernel, item->ai_addr, item->ai_addrlen);
        if (address.is_v6) {
            memcpy(address.bytes, &kernel.v6.sin6_addr, 16);
        } else {
            memcpy(address.bytes, &kernel.v4.sin_addr, 4);
        }
        addresses[count++] = address;
    }
    freeaddrinfo(found);
    *out_count = count;
    return 0;
}

static void *run_job(void *context)
{
    struct tvn_lookup_job *job = context;
    size_t count = 0;
    job->error =
        job->resolve(job->context, job->name, job->addresses, TVN_WASI_ADDRESSES_MAX, &count);
    job->count = tvn_min(count, (size_t)TVN_WASI_ADDRESSES_MAX);
    atomic_fetch_sub(&running, 1);
    atomic_store_explicit(&job->done, true, memory_order_release);
    (void)eventfd_write(job->event_fd, 1);
    job_unref(job);
    return NULL;
}

/* A detached thread that takes none of the process's signals. 0 or an errno. */
static int start_thread(struct tvn_lookup_job *job)
{
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error) {
        return error;
    }
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    atomic_fetch_add_explicit(&job->refs, 1, memory_order_relaxed);
    error = pthread_create(&thread, &attributes, run_job, job);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (error) {
        atomic_fetch_sub_explicit(&job->refs, 1, memory_order_relaxed);
    }
    return error;
}

/* ---- names ---- */

/* Lower case, no dot at the end, nothing that is no host name. */
static bool clean_name(struct tvn_str text, char *out_name)
{
    size_t length = text.len > 0 && text.ptr[text.len - 1] == '.' ? text.len - 1 : text.len;
    if (length == 0 || length >= TVN_WASI_NAME_BYTES) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        char c = text.ptr[i];
        if (c >= 'A' && c <= 'Z') {
            c = (char)(c | 0x20);
        }
        bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                    c == '.' || c == ':';
        if (!fine) {
            return false;
        }
        out_name[i] = c;
    }
    out_name[length] = '\0';
    return true;
}

/* An address is its own look-up: it tells nothing and asks nobody. */
static bool is_address(struct tvn_lookup_job *job)
{
    struct tvn_wasi_address *address = &job->addresses[0];
    if (inet_pton(AF_INET, job->name, address->bytes) != 1) {
        if (inet_pton(AF_INET6, job->name, address->bytes) != 1) {
            return false;
        }
        address->is_v6 = true;
    }
    tvn_wasi_address_normalise(address);
    job->count = 1;
    job->name[0] = '\0';
    atomic_store(&job->done, true);
    return true;
}

/* ---- look-ups ---- */

static int lookup_wait_fd(const struct tvn_wasi_waitable *waitable, short *out_events)
{
    const struct tvn_lookup *lookup = TVN_CONTAINER_OF(waitable, const struct tvn_lookup, waitable);
    *out_events = POLLIN;
    return atomic_load_explicit(&lookup->job->done, memory_order_acquire) ? -1
                                                                          : lookup->job->event_fd;
}

static void lookup_destroy(struct tvn_wasi_waitable *waitable)
{
    struct tvn_lookup *lookup = TVN_CONTAINER_OF(waitable, struct tvn_lookup, waitable);
    job_unref(lookup->job);
    tvn_wasi_descriptor_give_back(lookup->wasi);
    tvn_free(lookup);
}

static const struct tvn_wasi_waitable_ops lookup_ops = {
    .wait_fd = lookup_wait_fd,
    .destroy = lookup_destroy,
};

/* Asks the guard and starts the thread. 0 or an errno. */
static int start_job(struct tvn_wasi *wasi, struct tvn_lookup_job *job)
{
    if (!tvn_wasi_may_resolve(wasi, job->name)) {
        return EACCES;
    }
    job->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (job->event_fd < 0) {
        return errno;
    }
    if (atomic_fetch_add(&running, 1) >= TVN_WASI_LOOKUPS_MAX) {
        atomic_fetch_sub(&running, 1);
        return TVN_NET_RESOLVER_BUSY;
    }
    int error = start_thread(job);
    if (error) {
        atomic_fetch_sub(&running, 1);
        return TVN_NET_RESOLVER_BUSY;
    }
    return 0;
}

static int create_job(struct tvn_wasi *wasi, struct tvn_str name, struct tvn_lookup_job **out_job)
{
    struct tvn_lookup_job *job = tvn_calloc(1, sizeof(*job));
    if (!job) {
        return ENOMEM;
    }
    atomic_init(&job->refs, 1);
    job->event_fd = -1;
    job->resolve = wasi->resolve ? wasi->resolve : system_resolve;
    job->context = wasi->resolve_context;
    int error = clean_name(name, job->name) ? 0 : EINVAL;
    if (error == 0 && !is_address(job)) {
        error = strchr(job->name, ':') ? EINVAL : start_job(wasi, job);
    }
    if (error) {
        job_unref(job);
        return error;
    }
    *out_job = job;
    return 0;
}

int tvn_lookup_create(struct tvn_wasi *wasi, struct tvn_str name, struct tvn_lookup **out_lookup)
{
    if (!tvn_wasi_descriptor_take(wasi)) {
        return EMFILE;
    }
    struct tvn_lookup *lookup = tvn_calloc(1, sizeof(*lookup));
    int error = lookup ? create_job(wasi, name, &lookup->job) : ENOMEM;
    if (error) {
        tvn_free(lookup);
        tvn_wasi_descriptor_give_back(wasi);
        return error;
    }
    lookup->waitable = (struct tvn_wasi_waitable){.ops = &lookup_ops, .refs = 1};
    lookup->wasi = wasi;
    *out_lookup = lookup;
    return 0;
}

static int resolver_error(int error)
{
    switch (error) {
    case 0:
        return 0;
    case EAI_AGAIN:
        return TVN_NET_RESOLVER_BUSY;
    case EAI_FAIL:
        return TVN_NET_RESOLVER_REFUSED;
    case EAI_MEMORY:
        return ENOMEM;
    default:
        return TVN_NET_UNRESOLVABLE;
    }
}

int tvn_lookup_next(struct tvn_lookup *lookup, const struct tvn_wasi_address **out_address)
{
    struct tvn_lookup_job *job = lookup->job;
    *out_address = NULL;
    if (!atomic_load_explicit(&job->done, memory_order_acquire)) {
        return EAGAIN;
    }
    int error = resolver_error(job->error);
    if (error || lookup->at == job->count) {
        return error;
    }
    struct tvn_wasi_address *address = &job->addresses[lookup->at];
    tvn_wasi_address_normalise(address);
    if (job->name[0] && !tvn_wasi_names_remember(lookup->wasi, job->name, address)) {
        return ENOMEM;
    }
    lookup->at++;
    *out_address = address;
    return 0;
}
