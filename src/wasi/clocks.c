/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wasi:clocks. Telling the time and timers need the capability and trap without it: the interfaces
 * have no error. Resolutions and the time zone, always UTC, tell nothing and need none.
 */
#include "base/clock.h"
#include "wasi/context_internal.h"
#include "wasi/value_internal.h"

#define NS_PER_S UINT64_C(1000000000)

static uint64_t add_saturating(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* ---- monotonic-clock ---- */

// HOT PATH.
static void *monotonic_now(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    const struct tvn_wasi *wasi = site->host;
    TVN_SITE_ENTER(site);
    if (TVN_UNLIKELY(!tvn_wasi_check(wasi, TVN_CAP_CLOCKS))) {
        return tvn_wasi_trap_denied(site, "clocks");
    }
    slots[0].u64 = tvn_clock_monotonic_ns() - wasi->origin_ns;
    return NULL;
}

static void *monotonic_resolution(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    slots[0].u64 = 1;
    return NULL;
}

static void *subscribe_after(const struct tvn_call_site *site, union tvn_flat *slots,
                             uint64_t from_ns)
{
    struct tvn_wasi *wasi = site->host;
    TVN_SITE_ENTER(site);
    if (!tvn_wasi_check(wasi, TVN_CAP_CLOCKS)) {
        return tvn_wasi_trap_denied(site, "clocks");
    }
    uint64_t when_ns = add_saturating(from_ns, slots[0].u64);
    return tvn_wasi_give_pollable(site, tvn_wasi_pollable_timer(&wasi->pollables, when_ns), slots);
}

static void *subscribe_instant(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    const struct tvn_wasi *wasi = site->host;
    return subscribe_after(site, slots, wasi->origin_ns);
}

static void *subscribe_duration(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    return subscribe_after(env, slots, tvn_clock_monotonic_ns());
}

/* ---- wall-clock ---- */

static void *store_datetime(const struct tvn_call_site *site, uint32_t offset, uint64_t seconds,
                            uint32_t nanoseconds)
{
    uint8_t *at = tvn_wasi_result_at(site, offset, 8, 16);
    if (!at) {
        return tvn_wasi_trap_pointer(site);
    }
    tvn_guest_store_u64(at, seconds);
    tvn_guest_store_u32(at + 8, nanoseconds);
    return NULL;
}

// HOT PATH.
static void *wall_now(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    if (TVN_UNLIKELY(!tvn_wasi_check(site->host, TVN_CAP_CLOCKS))) {
        return tvn_wasi_trap_denied(site, "clocks");
    }
    uint64_t now_ns = tvn_clock_wall_ns();
    return store_datetime(site, slots[0].u32, now_ns / NS_PER_S, (uint32_t)(now_ns % NS_PER_S));
}

static void *wall_resolution(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    return store_datetime(site, slots[0].u32, 0, 1);
}

/* ---- timezone ---- */

static enum tvn_status timezone_display(const struct tvn_call_site *site,
                                        const struct tvn_value *args, uint32_t arg_count,
                                        struct tvn_arena *arena, struct tvn_value *out_result)
{
    (void)args;
    (void)arg_count;
    struct tvn_value record;
    if (!tvn_wasi_items(arena, 3, &record)) {
        return tvn_wasi_fail(site, TVN_E_OUT_OF_MEMORY);
    }
    record.of.list.items[1] = tvn_wasi_string(TVN_STR("UTC")); /* offset 0, no daylight saving */
    *out_result = record;
    return TVN_OK;
}

static void *timezone_utc_offset(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    slots[0].u64 = 0;
    return NULL;
}

static const struct tvn_host_func monotonic_funcs[] = {
    {.name = "now", .raw = monotonic_now},
    {.name = "resolution", .raw = monotonic_resolution},
    {.name = "subscribe-instant", .raw = subscribe_instant},
    {.name = "subscribe-duration", .raw = subscribe_duration},
};
static const struct tvn_host_func wall_funcs[] = {
    {.name = "now", .raw = wall_now},
    {.name = "resolution", .raw = wall_resolution},
};
static const struct tvn_host_func timezone_funcs[] = {
    {.name = "display", .dynamic = timezone_display},
    {.name = "utc-offset", .raw = timezone_utc_offset},
};

static const struct tvn_wasi_interface interfaces[] = {
    {.id = "wasi:clocks/monotonic-clock@0.2.12", TVN_WASI_FUNCS(monotonic_funcs)},
    {.id = "wasi:clocks/wall-clock@0.2.12", TVN_WASI_FUNCS(wall_funcs)},
    {.id = "wasi:clocks/timezone@0.2.12", TVN_WASI_FUNCS(timezone_funcs)},
};
const struct tvn_wasi_interfaces tvn_wasi_clock_interfaces = {TVN_WASI_LIST(interfaces)};
