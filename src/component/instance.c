/* SPDX-License-Identifier: Apache-2.0 */
#include "component/instance.h"

#include "base/assert.h"
#include "base/mem.h"
#include "component/imports_internal.h"

#include <inttypes.h>
#include <stdio.h>

#define MEMORY_DEFAULT ((uint64_t)4 << 30)

/* ---- faults ---- */

enum tvn_status tvn_instance_fail(struct tvn_instance *instance, enum tvn_status code,
                                  const char *format, ...)
{
    tvn_assert(instance);
    tvn_assert(code > TVN_OK);
    if (instance->dead) { /* the first one is the cause */
        return instance->fault.code;
    }
    instance->dead = true;
    instance->fault.code = code;
    va_list args;
    va_start(args, format);
    vsnprintf(instance->fault.text, sizeof(instance->fault.text), format, args);
    va_end(args);
    return code;
}

enum tvn_status tvn_instance_bad_realloc(struct tvn_instance *instance, bool is_aligned)
{
    return tvn_instance_fail(instance, TVN_E_COMPONENT_TRAPPED, "%s",
                             is_aligned ? "realloc return: beyond end of memory"
                                        : "unaligned pointer: realloc return: result not aligned");
}

bool tvn_instance_is_dead(const struct tvn_instance *instance)
{
    tvn_assert(instance);
    return instance->dead;
}

const struct tvn_fault *tvn_instance_fault(const struct tvn_instance *instance)
{
    tvn_assert(instance);
    return &instance->fault;
}

/* ---- creation ---- */

static enum tvn_status report(const struct tvn_instance *instance, struct tvn_diag_sink *sink,
                              uint32_t offset)
{
    const struct tvn_span span = {instance->component->file, offset, 0};
    return tvn_diag_error(sink, instance->fault.code, span, "'%s' cannot be started: %s",
                          instance->name, instance->fault.text);
}

/* Exports get the names that people know them by. */
static enum tvn_status name_exports(struct tvn_instance *instance)
{
    const struct tvn_items *exports = &instance->root->exports;
    for (uint32_t i = 0; i < exports->count; i++) {
        const struct tvn_named_item *named = &exports->items[i];
        const struct tvn_items *inner =
            named->item.sort == TVN_SORT_INSTANCE ? named->item.of.instance : NULL;
        uint32_t count = inner ? inner->count : 1;
        TVN_TRY(tvn_instantiate_steps(instance, count));
        for (uint32_t k = 0; k < count; k++) {
            const struct tvn_item *item = inner ? &inner->items[k].item : &named->item;
            if (item->sort != TVN_SORT_FUNC || !item->of.func->lifted ||
                item->of.func->lifted->export.name) {
                continue;
            }
            struct tvn_str name = inner ? inner->items[k].name : (struct tvn_str){"", 0};
            char *text = tvn_arena_printf(instance->arena, "%.*s%s%.*s", TVN_STR_ARG(named->name),
                                          inner ? "#" : "", TVN_STR_ARG(name));
            if (!text) {
                return tvn_instance_fail(instance, TVN_E_OUT_OF_MEMORY, "no memory for names");
            }
            item->of.func->lifted->export.name = text;
        }
    }
    return TVN_OK;
}

static enum tvn_status start(struct tvn_instance *instance, struct tvn_diag_sink *sink)
{
    enum tvn_status status = tvn_core_store_create(instance);
    if (status != TVN_OK) {
        return tvn_diag_error(sink, status, TVN_SPAN_NONE,
                              "'%s' cannot be started: no store for it", instance->name);
    }
    instance->memory_limit_bytes = instance->max_memory_bytes;
    tvn_core_store_limit(instance, instance->memory_limit_bytes);
    if (instance->has_fuel) {
        instance->fuel_set = instance->fuel;
        tvn_core_set_fuel(instance, instance->fuel);
    }
    uint32_t offset = 0;
    status = tvn_instantiate_root(instance, sink, &offset);
    if (status == TVN_OK) {
        status = name_exports(instance);
    }
    if (status != TVN_OK && instance->dead) {
        return report(instance, sink, offset);
    }
    return status;
}

/* What did not fail now cannot fail the next time: see struct tvn_component. */
static void note_checked(const struct tvn_instance *instance)
{
    struct tvn_component *component = (struct tvn_component *)instance->component;
    atomic_store(&component->checked_imports, instance->imports->serial);
    atomic_store(&component->checked_signatures, true);
}

enum tvn_status tvn_instance_create(struct tvn_engine *engine,
                                    const struct tvn_component *component,
                                    const struct tvn_instance_options *options, uint64_t timeout_ms,
                                    struct tvn_diag_sink *sink, struct tvn_instance **out_instance)
{
    tvn_assert(engine);
    tvn_assert(component);
    tvn_assert(component->code); /* compiled */
    tvn_assert(options);
    tvn_assert(options->imports);
    tvn_assert(sink);
    tvn_assert(out_instance);
    TVN_AUTO(tvn_instance) instance = tvn_calloc(1, sizeof(*instance));
    if (instance) {
        instance->arena = tvn_arena_create(TVN_INSTANCE_ARENA_MAX);
        instance->name = tvn_strdup(options->name ? options->name : "component");
    }
    if (!instance || !instance->arena || !instance->name) {
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                              "no memory to start a component");
    }
    instance->engine = engine;
    instance->component = component;
    instance->imports = options->imports;
    instance->cancel = options->cancel;
    instance->max_memory_bytes =
        options->max_memory_bytes > 0 ? options->max_memory_bytes : MEMORY_DEFAULT;
    instance->fuel = UINT64_MAX;
    memcpy((void *)instance->contexts, (const void *)options->contexts, sizeof(instance->contexts));
    tvn_instance_set_limits(instance, timeout_ms, 0);
    TVN_TRY(start(instance, sink));
    note_checked(instance);
    *out_instance = TVN_TAKE(instance);
    return TVN_OK;
}

/* Host resources that a guest still owns go back to their owner. */
static void drop_handles(struct tvn_instance *instance, struct tvn_guest *guest)
{
    for (uint32_t i = 1; i < guest->handles.count; i++) {
        const struct tvn_handle *handle = &guest->handles.items[i];
        if (handle->type && handle->own && handle->type->drop) {
            handle->type->drop(instance->contexts[handle->type->context], guest, handle->rep);
        }
    }
    tvn_handle_table_deinit(&guest->handles);
}

void tvn_instance_destroy(struct tvn_instance *instance)
{
    if (!instance) {
        return;
    }
    instance->dead = true; /* nothing enters it from a drop callback */
    for (struct tvn_rt_scope *scope = instance->scopes; scope; scope = scope->next) {
        drop_handles(instance, &scope->guest);
    }
    tvn_core_store_delete(instance);
    tvn_arena_destroy(instance->arena);
    tvn_free((void *)instance->name);
    tvn_free(instance);
}

void tvn_instance_set_limits(struct tvn_instance *instance, uint64_t timeout_ms, uint64_t fuel)
{
    tvn_assert(instance);
    instance->timeout_ns = timeout_ms > UINT64_MAX / 1000000u ? 0 : timeout_ms * 1000000u;
    instance->fuel = fuel > 0 ? fuel : UINT64_MAX;
}

uint64_t tvn_instance_memory_bytes(struct tvn_instance *instance)
{
    tvn_assert(instance);
    uint64_t total = 0;
    for (uint32_t i = 0; i < instance->core_memory_count; i++) {
        total += tvn_core_memory_bytes(instance, &instance->core_memories[i]);
    }
    return total;
}

uint64_t tvn_instance_fuel_consumed(struct tvn_instance *instance)
{
    tvn_assert(instance);
    if (!instance->has_fuel) {
        return 0;
    }
    return instance->fuel_consumed + (instance->fuel_set - tvn_core_get_fuel(instance));
}

/* ---- exports ---- */

/* The exported instance with that id, or one of the same semver track. */
static const struct tvn_items *find_interface(const struct tvn_items *exports, struct tvn_str id)
{
    const struct tvn_item *exact = tvn_items_find(exports, id, TVN_SORT_INSTANCE);
    if (exact) {
        return exact->of.instance;
    }
    struct tvn_package_id wanted, package;
    struct tvn_str wanted_name, name;
    if (!tvn_interface_id_parse(id, &wanted, &wanted_name)) {
        return NULL;
    }
    for (uint32_t i = 0; i < exports->count; i++) {
        const struct tvn_named_item *item = &exports->items[i];
        if (item->item.sort == TVN_SORT_INSTANCE &&
            tvn_interface_id_parse(item->name, &package, &name) &&
            tvn_str_equal(wanted_name, name) &&
            tvn_str_equal(wanted.namespace_name, package.namespace_name) &&
            tvn_str_equal(wanted.name, package.name) && wanted.version.valid &&
            package.version.valid && tvn_semver_same_track(&wanted.version, &package.version)) {
            return item->item.of.instance;
        }
    }
    return NULL;
}

const struct tvn_export *tvn_instance_find_export(const struct tvn_instance *instance,
                                                  struct tvn_str interface, struct tvn_str name)
{
    tvn_assert(instance);
    const struct tvn_items *items = &instance->root->exports;
    if (interface.len > 0) {
        items = find_interface(items, interface);
    }
    const struct tvn_item *item = items ? tvn_items_find(items, name, TVN_SORT_FUNC) : NULL;
    return item && item->of.func->lifted ? &item->of.func->lifted->export : NULL;
}
