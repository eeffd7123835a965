/* SPDX-License-Identifier: Apache-2.0 */
/* Routers and aggregators: the calls whose results are lists. */
#include "base/mem.h"
#include "base/num.h"
#include "base/utf8.h"
#include "engine/stage_calls.h"

#include <stdio.h>

/* A list in guest memory. */
struct guest_list {
    const uint8_t *items;
    uint32_t count;
};

/* The list of the ok case; false when it is out of bounds or misaligned. */
static bool list_at(const struct tvn_export *export, const uint8_t *area, uint32_t item_size,
                    uint32_t item_alignment, struct guest_list *out)
{
    uint32_t pointer = tvn_guest_load_u32(area + TVN_LIST_POINTER);
    uint32_t count = tvn_guest_load_u32(area + TVN_LIST_LENGTH);
    *out = (struct guest_list){.count = count};
    if (count == 0) {
        return true; /* nothing is read: the pointer may be anything */
    }
    if ((pointer & (item_alignment - 1)) != 0 || count > UINT32_MAX / item_size) {
        return false;
    }
    out->items = tvn_guest_mem_at(export->mem, pointer, (uint64_t)count * item_size);
    return out->items != NULL;
}

/* ---- route ---- */

static uint32_t find_port(const struct tvn_component_stage *stage, struct tvn_str name)
{
    for (uint32_t i = 0; i < stage->port_count; i++) {
        if (tvn_str_equal(stage->ports[i], name)) {
            return i;
        }
    }
    return UINT32_MAX;
}

/* The name is the guest's and its memory: said before post-return, which may free it. */
TVN_COLD static void describe_unknown(const struct tvn_component_stage *stage, struct tvn_str name,
                                      struct tvn_fault *out)
{
    *out = (struct tvn_fault){.code = TVN_E_ROUTER_PORT_UNKNOWN, .error = TVN_PROCESS_INTERNAL};
    int shown =
        (int)tvn_utf8_valid_prefix((const uint8_t *)name.ptr, tvn_min(name.len, (size_t)64));
    int written = snprintf(out->text, sizeof(out->text), "there is no port '%.*s'; the flow has",
                           shown, name.ptr);
    size_t at = tvn_min((size_t)written, sizeof(out->text) - 1);
    for (uint32_t i = 0; i < stage->port_count; i++) {
        const char *between = i == 0 ? "" : ",";
        written = snprintf(out->text + at, sizeof(out->text) - at, "%s '%.*s'", between,
                           TVN_STR_ARG(stage->ports[i]));
        if ((size_t)written >= sizeof(out->text) - at) {
            out->text[at] = '\0'; /* only whole names */
            return;
        }
        at += (size_t)written;
    }
}

enum route_names { NAMES_KNOWN, NAMES_UNKNOWN, NAMES_INVALID };

static enum route_names read_names(const struct tvn_component_stage *stage,
                                   const struct tvn_export *export, const struct guest_list *list,
                                   uint64_t *out_ports, struct tvn_str *out_unknown)
{
    enum route_names found = NAMES_KNOWN;
    *out_ports = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        const uint8_t *item = list->items + (size_t)i * TVN_STRING_SIZE;
        uint32_t length = tvn_guest_load_u32(item + 4);
        /* SAFETY: checked against the memory's size; no guest code runs before its last use. */
        const uint8_t *bytes = tvn_guest_mem_at(export->mem, tvn_guest_load_u32(item), length);
        if (TVN_UNLIKELY(!bytes || length > TVN_ROUTE_NAME_MAX)) {
            return NAMES_INVALID;
        }
        struct tvn_str name = {(const char *)bytes, length};
        uint32_t port = find_port(stage, name);
        if (TVN_LIKELY(port != UINT32_MAX)) {
            *out_ports |= UINT64_C(1) << port;
            continue;
        }
        if (!tvn_utf8_valid(bytes, length)) {
            return NAMES_INVALID;
        }
        if (found == NAMES_KNOWN) {
            found = NAMES_UNKNOWN;
            *out_unknown = name;
        }
    }
    return found;
}

enum tvn_outcome tvn_stage_route(struct tvn_component_stage *stage, struct tvn_call *call)
{
    const struct tvn_export *export = stage->entries[TVN_ENTRY_ROUTE];
    union tvn_flat slots[TVN_STREAM_ELEMENT_SLOTS];
    if (TVN_UNLIKELY(!tvn_stage_call_with_element(stage, export, call->in, slots))) {
        return tvn_stage_dead(stage, call);
    }
    const uint8_t *area = tvn_stage_result_area(export, slots, TVN_LIST_SIZE, TVN_LIST_ALIGN);
    if (TVN_UNLIKELY(!area || area[TVN_LIST_TAG] > 1)) {
        (void)tvn_stage_bad_result(stage, export, "an invalid result");
        return tvn_stage_abandon(stage, export, call);
    }
    if (TVN_UNLIKELY(area[TVN_LIST_TAG] == 1)) {
        enum tvn_outcome outcome = tvn_stage_lift_error(stage, export, area + TVN_LIST_ERROR, call);
        return tvn_stage_finish(stage, export, slots, outcome, call);
    }
    struct guest_list list;
    struct tvn_str unknown = {0};
    enum route_names names = NAMES_INVALID;
    if (TVN_LIKELY(list_at(export, area, TVN_STRING_SIZE, TVN_STRING_ALIGN, &list) &&
                   list.count <= TVN_ROUTE_NAMES_MAX)) {
        names = read_names(stage, export, &list, &call->ports, &unknown);
    }
    if (TVN_UNLIKELY(names == NAMES_INVALID)) {
        (void)tvn_stage_bad_result(stage, export, "an invalid list of ports");
        return tvn_stage_abandon(stage, export, call);
    }
    struct tvn_fault fault;
    if (TVN_UNLIKELY(names == NAMES_UNKNOWN)) {
        describe_unknown(stage, unknown, &fault);
    }
    if (TVN_UNLIKELY(tvn_export_end(export, slots) != TVN_OK)) {
        return tvn_stage_dead(stage, call);
    }
    if (TVN_UNLIKELY(names == NAMES_UNKNOWN)) {
        *call->fault = fault;
        return TVN_OUTCOME_ERROR;
    }
    return TVN_OUTCOME_EMIT;
}

/* ---- flush ---- */

static void release_elements(const struct tvn_component_stage *stage,
                             const struct tvn_element *elements, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct tvn_buffer *buffer;
        enum tvn_status status = tvn_stage_find_buffer(stage, elements[i].payload, &buffer);
        tvn_assert(status == TVN_OK);
        tvn_buffer_release(*stage->magazine, buffer);
    }
}

static void free_flush(struct tvn_component_stage *stage)
{
    struct tvn_stage_flush *flush = &stage->flush;
    tvn_budget_discharge(&stage->budget, (uint64_t)flush->count * sizeof(*flush->elements));
    tvn_free(flush->elements);
    *flush = (struct tvn_stage_flush){.called = flush->called};
}

void tvn_stage_discard_flush(struct tvn_component_stage *stage)
{
    const struct tvn_stage_flush *flush = &stage->flush;
    release_elements(stage, flush->elements + flush->next, flush->count - flush->next);
    free_flush(stage);
}

/* Room for the list, charged to the stage. False: the instance is dead. */
static bool reserve_flush(struct tvn_component_stage *stage, const struct tvn_export *export,
                          uint32_t count)
{
    uint64_t bytes = (uint64_t)count * sizeof(struct tvn_element);
    tvn_stage_refresh_budget(stage, export->mem);
    if (!tvn_budget_charge(&stage->budget, bytes)) {
        (void)tvn_instance_fail(stage->instance, TVN_E_BUDGET_EXCEEDED,
                                "%s returned %u elements: a list of %llu bytes does not fit into "
                                "what is left of max_memory",
                                export->name, count, (unsigned long long)bytes);
        return false;
    }
    stage->flush.elements = tvn_malloc((size_t)bytes);
    if (!stage->flush.elements) {
        tvn_budget_discharge(&stage->budget, bytes);
        (void)tvn_instance_fail(stage->instance, TVN_E_OUT_OF_MEMORY,
                                "no memory for the %u elements that %s returned", count,
                                export->name);
        return false;
    }
    stage->flush.count = count;
    return true;
}

static bool lift_elements(struct tvn_component_stage *stage, const struct tvn_export *export,
                          const struct guest_list *list)
{
    if (list->count == 0) {
        return true;
    }
    if (!reserve_flush(stage, export, list->count)) {
        return false;
    }
    struct tvn_call into = {.out = stage->flush.elements, .out_capacity = list->count};
    for (uint32_t i = 0; i < list->count; i++) {
        const uint8_t *item = list->items + (size_t)i * TVN_ELEMENT_SIZE;
        if (tvn_stage_lift_output(stage, export, item, &into) != TVN_OUTCOME_EMIT) {
            tvn_stage_take_back(stage, &into);
            free_flush(stage);
            return false;
        }
    }
    return true;
}

/* Calls the guest's flush; EMIT when its whole list is in stage->flush. */
static enum tvn_outcome call_flush(struct tvn_component_stage *stage, struct tvn_call *call)
{
    const struct tvn_export *export = stage->entries[TVN_ENTRY_FLUSH];
    union tvn_flat slots[1];
    if (tvn_export_begin(export) != TVN_OK) {
        return tvn_stage_dead(stage, call);
    }
    if (tvn_export_call(export, slots) != TVN_OK) {
        return tvn_stage_abandon(stage, export, call);
    }
    const uint8_t *area = tvn_stage_result_area(export, slots, TVN_LIST_SIZE, TVN_LIST_ALIGN);
    if (!area || area[TVN_LIST_TAG] > 1) {
        (void)tvn_stage_bad_result(stage, export, "an invalid result");
        return tvn_stage_abandon(stage, export, call);
    }
    if (area[TVN_LIST_TAG] == 1) {
        enum tvn_outcome outcome = tvn_stage_lift_error(stage, export, area + TVN_LIST_ERROR, call);
        return tvn_stage_finish(stage, export, slots, outcome, call);
    }
    struct guest_list list;
    if (!list_at(export, area, TVN_ELEMENT_SIZE, TVN_ELEMENT_ALIGN, &list)) {
        (void)tvn_stage_bad_result(stage, export, "an invalid list of elements");
        return tvn_stage_abandon(stage, export, call);
    }
    if (!lift_elements(stage, export, &list)) {
        return tvn_stage_abandon(stage, export, call);
    }
    if (tvn_export_end(export, slots) != TVN_OK) {
        tvn_stage_discard_flush(stage);
        return tvn_stage_dead(stage, call);
    }
    stage->flush.called = true;
    return TVN_OUTCOME_EMIT;
}

enum tvn_outcome tvn_stage_flush(struct tvn_component_stage *stage, struct tvn_call *call)
{
    struct tvn_stage_flush *flush = &stage->flush;
    if (!flush->called) {
        enum tvn_outcome outcome = call_flush(stage, call);
        if (outcome != TVN_OUTCOME_EMIT) {
            return outcome;
        }
    }
    tvn_assert(call->out_capacity >= 1);
    uint32_t count = tvn_min(call->out_capacity, flush->count - flush->next);
    if (count > 0) {
        memcpy(call->out, flush->elements + flush->next, count * sizeof(*call->out));
        flush->next += count;
        call->out_count = count;
    } else if (flush->elements) {
        free_flush(stage);
    }
    return TVN_OUTCOME_EMIT;
}
