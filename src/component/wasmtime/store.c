/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store of one component instance: limits, fuel, and the deadline of the running call.
 *
 * Deadlines cost a call nothing but a plain store: tvn_export_begin sets ticks_in_call to 0, and
 * the store's epoch deadline stays one tick ahead. The engine's ticker moves the epoch every
 * millisecond, so a guest that runs longer comes by here once per tick, on its own thread. The
 * first tick of a call reads the clock and starts the measure; the call is cut at the first tick
 * that finds `timeout_ns` of real time gone since then. A loaded machine whose ticker or guest is
 * late therefore never cuts early, and a call lives for timeout + two ticks at most while it is
 * scheduled.
 */
#include "base/assert.h"
#include "base/clock.h"
#include "component/wasmtime/engine_internal.h"

#include <inttypes.h>

static wasmtime_error_t *interrupt(void)
{
    return wasmtime_error_new("interrupted"); /* the fault has the words */
}

static wasmtime_error_t *epoch_deadline(wasmtime_context_t *context, void *data, uint64_t *delta,
                                        wasmtime_update_deadline_kind_t *kind)
{
    (void)context;
    struct tvn_instance *instance = data;
    if (instance->cancel && atomic_load_explicit(instance->cancel, memory_order_acquire) != 0) {
        tvn_instance_fail(instance, TVN_E_FLOW_CANCELLED, "the call was cancelled");
        return interrupt();
    }
    if (instance->timeout_ns > 0) {
        uint64_t now_ns = tvn_clock_monotonic_ns();
        if (instance->ticks_in_call == 0) {
            instance->first_tick_ns = now_ns;
        } else if (now_ns - instance->first_tick_ns >= instance->timeout_ns) {
            tvn_instance_fail(instance, TVN_E_COMPONENT_TIMEOUT,
                              "the call ran longer than %" PRIu64 " ms",
                              instance->timeout_ns / 1000000u);
            return interrupt();
        }
    }
    instance->ticks_in_call++;
    *delta = 1;
    *kind = WASMTIME_UPDATE_DEADLINE_CONTINUE;
    return NULL;
}

uint64_t tvn_instance_deadline_ns(struct tvn_instance *instance)
{
    tvn_assert(instance);
    if (instance->timeout_ns == 0) {
        return 0;
    }
    if (instance->ticks_in_call == 0) { /* as the first tick would: guest code may not run soon */
        instance->first_tick_ns = tvn_clock_monotonic_ns();
        instance->ticks_in_call = 1;
    }
    uint64_t deadline_ns;
    return __builtin_add_overflow(instance->first_tick_ns, instance->timeout_ns, &deadline_ns)
               ? 0
               : deadline_ns;
}

enum tvn_status tvn_core_store_create(struct tvn_instance *instance)
{
    wasmtime_store_t *store = wasmtime_store_new(instance->engine->wasm, instance, NULL);
    if (!store) {
        return TVN_E_OUT_OF_MEMORY;
    }
    enum tvn_status status = tvn_engine_attach(instance->engine);
    if (status != TVN_OK) {
        wasmtime_store_delete(store);
        return status;
    }
    instance->store = store;
    instance->context = wasmtime_store_context(store);
    instance->has_fuel = instance->engine->fuel;
    wasmtime_store_epoch_deadline_callback(store, epoch_deadline, instance, NULL);
    wasmtime_context_set_epoch_deadline(instance->context, 1);
    return TVN_OK;
}

void tvn_core_store_delete(struct tvn_instance *instance)
{
    if (instance->store) {
        wasmtime_store_delete(instance->store);
        instance->store = NULL;
        instance->context = NULL;
        tvn_engine_detach(instance->engine);
    }
}

void tvn_core_store_limit(struct tvn_instance *instance, uint64_t memory_bytes)
{
    int64_t limit = memory_bytes > INT64_MAX ? INT64_MAX : (int64_t)memory_bytes;
    wasmtime_store_limiter(instance->store, limit, TVN_COMPONENT_TABLE_ELEMENTS_MAX,
                           TVN_COMPONENT_CORE_INSTANCES_MAX, TVN_COMPONENT_TABLES_MAX,
                           TVN_COMPONENT_MEMORIES_MAX);
}

void tvn_core_set_fuel(struct tvn_instance *instance, uint64_t fuel)
{
    wasmtime_error_t *error = wasmtime_context_set_fuel(instance->context, fuel);
    if (error) { /* only without the engine's fuel option, which has_fuel says */
        wasmtime_error_delete(error);
    }
}

uint64_t tvn_core_get_fuel(const struct tvn_instance *instance)
{
    uint64_t fuel = 0;
    wasmtime_error_t *error = wasmtime_context_get_fuel(instance->context, &fuel);
    if (error) {
        wasmtime_error_delete(error);
    }
    return fuel;
}
