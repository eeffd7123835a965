/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wasi:random. All of it comes from the kernel's generator, the insecure half too. Without the
 * capability random and insecure trap: they have no error. insecure-seed answers a constant, which
 * its definition allows and which tells the guest nothing; every hash map asks for it.
 */
#include "wasi/context_internal.h"
#include "wasi/value_internal.h"

#include <errno.h>
#include <sys/random.h>

/* False when the kernel has no generator. */
static bool fill_random(void *bytes, size_t length)
{
    char *at = bytes;
    while (length > 0) {
        ssize_t got = getrandom(at, length, 0);
        if (got < 0 && errno != EINTR) {
            return false;
        }
        if (got > 0) {
            at += got;
            length -= (size_t)got;
        }
    }
    return true;
}

static TVN_COLD enum tvn_status fail_generator(const struct tvn_call_site *site)
{
    return tvn_instance_fail(site->instance, TVN_E_INTERNAL,
                             "the kernel gave no random bytes in %s", site->name);
}

static enum tvn_status random_bytes(const struct tvn_call_site *site, const struct tvn_value *args,
                                    uint32_t arg_count, struct tvn_arena *arena,
                                    struct tvn_value *out_result)
{
    (void)arg_count;
    uint64_t length = args[0].of.u;
    if (!tvn_wasi_check(site->host, TVN_CAP_RANDOM)) {
        return tvn_wasi_fail_denied(site, "random");
    }
    if (length > TVN_WASI_RANDOM_MAX) {
        return tvn_instance_fail(
            site->instance, TVN_E_COMPONENT_TRAPPED, "%llu bytes in one call, more than %llu in %s",
            (unsigned long long)length, (unsigned long long)TVN_WASI_RANDOM_MAX, site->name);
    }
    void *bytes = tvn_arena_alloc(arena, (size_t)length);
    if (!bytes) {
        return tvn_wasi_fail(site, TVN_E_OUT_OF_MEMORY);
    }
    if (!fill_random(bytes, (size_t)length)) {
        return fail_generator(site);
    }
    *out_result = tvn_wasi_bytes(bytes, (size_t)length);
    return TVN_OK;
}

static void *random_u64(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    if (!tvn_wasi_check(site->host, TVN_CAP_RANDOM)) {
        return tvn_wasi_trap_denied(site, "random");
    }
    uint64_t number = 0;
    if (!fill_random(&number, sizeof(number))) {
        (void)fail_generator(site);
        return tvn_site_trapped(site);
    }
    slots[0].u64 = number;
    return NULL;
}

static void *insecure_seed(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    uint64_t seed[2] = {UINT64_C(0x746f7276796e2121), UINT64_C(0x9e3779b97f4a7c15)};
    if (tvn_wasi_check(site->host, TVN_CAP_RANDOM) && !fill_random(seed, sizeof(seed))) {
        (void)fail_generator(site);
        return tvn_site_trapped(site);
    }
    uint8_t *at = tvn_wasi_result_at(site, slots[0].u32, 8, 16);
    if (!at) {
        return tvn_wasi_trap_pointer(site);
    }
    tvn_guest_store_u64(at, seed[0]);
    tvn_guest_store_u64(at + 8, seed[1]);
    return NULL;
}

static const struct tvn_host_func random_funcs[] = {
    {.name = "get-random-bytes", .dynamic = random_bytes},
    {.name = "get-random-u64", .raw = random_u64},
};
static const struct tvn_host_func insecure_funcs[] = {
    {.name = "get-insecure-random-bytes", .dynamic = random_bytes},
    {.name = "get-insecure-random-u64", .raw = random_u64},
};
static const struct tvn_host_func seed_funcs[] = {
    {.name = "insecure-seed", .raw = insecure_seed},
};

static const struct tvn_wasi_interface interfaces[] = {
    {.id = "wasi:random/random@0.2.12", TVN_WASI_FUNCS(random_funcs)},
    {.id = "wasi:random/insecure@0.2.12", TVN_WASI_FUNCS(insecure_funcs)},
    {.id = "wasi:random/insecure-seed@0.2.12", TVN_WASI_FUNCS(seed_funcs)},
};
const struct tvn_wasi_interfaces tvn_wasi_random_interfaces = {TVN_WASI_LIST(interfaces)};
