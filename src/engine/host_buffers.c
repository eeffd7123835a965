/* SPDX-License-Identifier: Apache-2.0 */
/*
 * torvyn:streaming/types and buffer-allocator: the functions behind buffer and mutable-buffer. All
 * raw: flat slots in, no allocation, one counted copy where the contract says so.
 *
 * A handle's rep is the buffer's id {index, generation}. `freeze` and release bump the generation,
 * so a handle that outlived its buffer is found out by comparing: E0303.
 */
#include "base/assert.h"
#include "base/num.h"
#include "engine/stage_internal.h"

#include <stdio.h>

/* Offsets in result<_, buffer-error> and result<mutable-buffer, buffer-error>; checked against the
 * model by a test. */
enum {
    RESULT_TAG = 0,
    RESULT_OK_HANDLE = 4,
    RESULT_ERROR_TAG = 4,
    RESULT_ERROR_TEXT = 8,
    RESULT_SIZE = 16,
    RESULT_ALIGN = 4,
};
enum buffer_error { CAPACITY_EXCEEDED, OUT_OF_BOUNDS, ALLOCATION_FAILED };

/* The buffer behind a handle of the given resource type. */
static TVN_ALWAYS_INLINE enum tvn_status look_up(const struct tvn_call_site *site, uint32_t handle,
                                                 const struct tvn_resource_rt *type,
                                                 struct tvn_buffer **out_buffer)
{
    const struct tvn_component_stage *stage = site->host;
    const struct tvn_handle *entry = tvn_handle_find(&site->guest->handles, handle, type);
    if (TVN_UNLIKELY(!entry)) {
        return TVN_E_NOT_OWNER;
    }
    return tvn_stage_find_buffer(stage, (struct tvn_buffer_id){entry->rep}, out_buffer);
}

/* Records why a look-up failed and returns the trap. */
TVN_COLD static void *refuse_handle(const struct tvn_call_site *site, uint32_t handle,
                                    enum tvn_status code)
{
    (void)tvn_instance_fail(site->instance, code, "%s: handle %u %s", site->name, handle,
                            code == TVN_E_STALE_HANDLE ? "is no longer valid"
                                                       : "is not a handle of this kind");
    return tvn_site_trapped(site);
}

/*
 * Declares `buffer`, which the first argument of a raw function is a handle of; returns the trap
 * when it is none. As a macro, the check is inline and its failure leaves no trace on the way of
 * those that pass.
 */
#define FIND_BUFFER(buffer, site, slots, kind)                                                    \
    struct tvn_buffer *buffer;                                                                    \
    do {                                                                                          \
        const struct tvn_component_stage *stage_ = (site)->host;                                  \
        enum tvn_status status_ = look_up((site), (slots)[0].u32, stage_->types.kind, &(buffer)); \
        if (TVN_UNLIKELY(status_ != TVN_OK)) {                                                    \
            return refuse_handle((site), (slots)[0].u32, status_);                                \
        }                                                                                         \
    } while (0)

/* ---- buffer ---- */

static void *buffer_size(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    FIND_BUFFER(buffer, site, slots, buffer);
    slots[0].u64 = buffer->length;
    return NULL;
}

static void *buffer_content_type(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    const struct tvn_component_stage *stage = site->host;
    FIND_BUFFER(buffer, site, slots, buffer);
    struct tvn_str name = tvn_intern_name(stage->intern, buffer->content_type);
    return tvn_host_return_bytes(site, slots[1].u32, name.ptr, (uint32_t)name.len);
}

static void *return_payload(const struct tvn_call_site *site, uint32_t return_pointer,
                            const uint8_t *bytes, uint32_t length)
{
    const struct tvn_component_stage *stage = site->host;
    tvn_copy_record(&stage->stats->copies, TVN_COPY_PAYLOAD_READ, length);
    return tvn_host_return_bytes(site, return_pointer, bytes, length);
}

static void *buffer_read(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    FIND_BUFFER(buffer, site, slots, buffer);
    uint64_t offset = slots[1].u64;
    uint64_t wanted = slots[2].u64;
    if (offset > buffer->length) {
        offset = buffer->length;
    }
    uint64_t rest = buffer->length - offset;
    uint32_t length = (uint32_t)(wanted < rest ? wanted : rest);
    return return_payload(site, slots[3].u32, buffer->bytes + offset, length);
}

static void *buffer_read_all(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    FIND_BUFFER(buffer, site, slots, buffer);
    return return_payload(site, slots[1].u32, buffer->bytes, buffer->length);
}

/* ---- mutable-buffer ---- */

/* Which of the two budgets is used up. */
static const char *refusal_text(const struct tvn_component_stage *stage, enum tvn_status status)
{
    const struct tvn_budget *flow = stage->budget.parent;
    bool flow_is_full =
        status == TVN_E_BUDGET_EXCEEDED && flow &&
        flow->max_bytes - flow->used_bytes < stage->budget.max_bytes - stage->budget.used_bytes;
    return flow_is_full ? "The flow's max_buffer_memory is used up." : tvn_status_what(status);
}

/* Writes result<_, buffer-error>'s error into the return area. The text of allocation-failed
 * carries the E-code. */
TVN_COLD static void *return_buffer_error(const struct tvn_call_site *site, uint32_t return_pointer,
                                          enum tvn_status status)
{
    ((struct tvn_component_stage *)site->host)->refused = tvn_max(status, TVN_OK);
    uint32_t text = 0;
    uint32_t length = 0;
    enum buffer_error error = status == TVN_NOT_FOUND             ? OUT_OF_BOUNDS
                              : status == TVN_E_CAPACITY_EXCEEDED ? CAPACITY_EXCEEDED
                                                                  : ALLOCATION_FAILED;
    if (error == ALLOCATION_FAILED) {
        char message[160];
        int written = snprintf(message, sizeof(message), "%s: %s", tvn_status_code(status),
                               refusal_text(site->host, status));
        length = (uint32_t)tvn_min((size_t)written, sizeof(message) - 1);
        if (!tvn_site_realloc(site, 1, length, &text)) {
            return tvn_site_trapped(site);
        }
        memcpy(tvn_guest_mem_at(site->mem, text, length), message, length);
    }
    uint8_t *area = tvn_host_return_area(site, return_pointer, RESULT_SIZE, RESULT_ALIGN);
    if (!area) {
        return tvn_site_trapped(site);
    }
    area[RESULT_TAG] = 1;
    area[RESULT_ERROR_TAG] = (uint8_t)error;
    tvn_guest_store_u32(area + RESULT_ERROR_TEXT, text);
    tvn_guest_store_u32(area + RESULT_ERROR_TEXT + 4, length);
    return NULL;
}

static TVN_ALWAYS_INLINE enum tvn_status write_bytes(const struct tvn_component_stage *stage,
                                                     struct tvn_buffer *buffer, uint64_t offset,
                                                     const uint8_t *bytes, uint32_t length)
{
    /* A tier's buffer may hold more than the component may put into one. */
    if (TVN_UNLIKELY(offset <= buffer->length && offset + length > stage->max_buffer_bytes)) {
        return TVN_E_CAPACITY_EXCEEDED;
    }
    enum tvn_status status = tvn_buffer_write(buffer, offset, bytes, length);
    if (TVN_LIKELY(status == TVN_OK)) {
        tvn_copy_record(&stage->stats->copies, TVN_COPY_PAYLOAD_WRITE, length);
    }
    return status;
}

static TVN_NOINLINE void *store_any_bytes(const struct tvn_call_site *site,
                                          struct tvn_buffer *buffer, uint64_t offset,
                                          uint32_t pointer, uint32_t length,
                                          uint32_t return_pointer)
{
    const uint8_t *bytes = tvn_host_argument(site, pointer, length);
    if (TVN_UNLIKELY(!bytes)) {
        return tvn_site_trapped(site);
    }
    enum tvn_status status = write_bytes(site->host, buffer, offset, bytes, length);
    if (TVN_UNLIKELY(status != TVN_OK)) {
        return return_buffer_error(site, return_pointer, status);
    }
    uint8_t *area = tvn_host_return_area(site, return_pointer, RESULT_SIZE, RESULT_ALIGN);
    if (TVN_UNLIKELY(!area)) {
        return tvn_site_trapped(site);
    }
    area[RESULT_TAG] = 0;
    return NULL;
}

/* Few bytes, and everything in the part of the memory that was seen before: no call. */
static TVN_ALWAYS_INLINE void *store_bytes(const struct tvn_call_site *site,
                                           struct tvn_buffer *buffer, uint64_t offset,
                                           uint32_t pointer, uint32_t length,
                                           uint32_t return_pointer)
{
    uint8_t *bytes;
    uint8_t *area;
    if (TVN_UNLIKELY(
            length > TVN_BYTES_SHORT_MAX ||
            !tvn_guest_mem_seen(site->mem, pointer, length, &bytes) ||
            !tvn_host_return_area_seen(site, return_pointer, RESULT_SIZE, RESULT_ALIGN, &area))) {
        return store_any_bytes(site, buffer, offset, pointer, length, return_pointer);
    }
    enum tvn_status status = write_bytes(site->host, buffer, offset, bytes, length);
    if (TVN_UNLIKELY(status != TVN_OK)) {
        return return_buffer_error(site, return_pointer, status);
    }
    area[RESULT_TAG] = 0;
    return NULL;
}

static void *mutable_write(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    FIND_BUFFER(buffer, site, slots, mutable_buffer);
    return store_bytes(site, buffer, slots[1].u64, slots[2].u32, slots[3].u32, slots[4].u32);
}

static void *mutable_append(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    FIND_BUFFER(buffer, site, slots, mutable_buffer);
    return store_bytes(site, buffer, buffer->length, slots[1].u32, slots[2].u32, slots[3].u32);
}

static void *mutable_size(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    FIND_BUFFER(buffer, site, slots, mutable_buffer);
    slots[0].u64 = buffer->length;
    return NULL;
}

static void *mutable_capacity(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    FIND_BUFFER(buffer, site, slots, mutable_buffer);
    uint64_t limit = ((const struct tvn_component_stage *)site->host)->max_buffer_bytes;
    slots[0].u64 = tvn_min((uint64_t)buffer->capacity, limit);
    return NULL;
}

static void *mutable_set_content_type(void *env, void *caller, union tvn_flat *slots,
                                      size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    const struct tvn_component_stage *stage = site->host;
    FIND_BUFFER(buffer, site, slots, mutable_buffer);
    const uint8_t *name = tvn_host_argument(site, slots[1].u32, slots[2].u32);
    if (TVN_UNLIKELY(!name)) {
        return tvn_site_trapped(site);
    }
    uint32_t content_type;
    enum tvn_status status =
        tvn_intern_add(stage->intern, (const char *)name, slots[2].u32, &content_type);
    if (TVN_UNLIKELY(status != TVN_OK)) {
        return tvn_site_trap(site,
                             status == TVN_E_BUDGET_EXCEEDED ? status : TVN_E_COMPONENT_TRAPPED,
                             "%s: content type of %u bytes refused (at most %d printable UTF-8 "
                             "bytes, %d names a flow)",
                             site->name, slots[2].u32, TVN_CONTENT_TYPE_MAX, TVN_INTERN_MAX);
    }
    buffer->content_type = content_type;
    return NULL;
}

/* Calls the function again, now with room in the handle table. */
TVN_COLD static void *with_room(tvn_raw_func func, const struct tvn_call_site *site,
                                union tvn_flat *slots, size_t slot_count)
{
    if (!tvn_handle_table_reserve(&site->guest->handles)) {
        (void)tvn_guest_handles_full(site->guest);
        return tvn_site_trapped(site);
    }
    return func((void *)site, NULL, slots, slot_count);
}

static void *mutable_freeze(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    const struct tvn_component_stage *stage = site->host;
    if (TVN_UNLIKELY(!tvn_handle_table_has_free(&site->guest->handles))) {
        return with_room(mutable_freeze, site, slots, slot_count);
    }
    FIND_BUFFER(buffer, site, slots, mutable_buffer);
    enum tvn_status status = tvn_buffer_freeze(buffer);
    if (TVN_UNLIKELY(status != TVN_OK)) {
        return tvn_site_trap(site, status, "%s: the buffer is borrowed", site->name);
    }
    slots[0].u64 = tvn_handle_add_reserved(&site->guest->handles, stage->types.buffer,
                                           tvn_buffer_id_of(buffer).raw, true, 0);
    return NULL;
}

/* ---- drops ---- */

/* An own handle of either kind went away: give the buffer back unless it was frozen or released
 * under another id. */
static void drop_buffer(void *host, struct tvn_guest *guest, uint64_t rep)
{
    (void)guest;
    struct tvn_component_stage *stage = host;
    struct tvn_buffer *buffer;
    if (tvn_stage_find_buffer(stage, (struct tvn_buffer_id){rep}, &buffer) == TVN_OK &&
        buffer->owner == stage->owner) {
        tvn_buffer_release(*stage->magazine, buffer);
    }
}

/* ---- buffer-allocator ---- */

TVN_COLD static void adjust_budget(struct tvn_component_stage *stage,
                                   const struct tvn_guest_mem *mem)
{
    stage->memory_seen_bytes = mem->size;
    uint64_t linear = tvn_instance_memory_bytes(stage->instance);
    uint64_t limit = stage->sandbox->max_memory_bytes;
    stage->budget.max_bytes = linear < limit ? limit - linear : 0;
}

void tvn_stage_refresh_budget(struct tvn_component_stage *stage, const struct tvn_guest_mem *mem)
{
    if (TVN_UNLIKELY(mem->size != stage->memory_seen_bytes)) {
        adjust_budget(stage, mem);
    }
}

/* A buffer of the component's own, within its limits. */
static enum tvn_status acquire(const struct tvn_call_site *site, uint64_t bytes,
                               struct tvn_buffer **out_buffer)
{
    struct tvn_component_stage *stage = site->host;
    if (TVN_UNLIKELY(bytes > stage->max_buffer_bytes)) {
        return TVN_E_CAPACITY_EXCEEDED;
    }
    tvn_stage_refresh_budget(stage, site->mem);
    return tvn_buffer_acquire(*stage->magazine, bytes, stage->owner, &stage->budget, out_buffer);
}

static void *return_mutable(const struct tvn_call_site *site, struct tvn_buffer *buffer,
                            uint32_t return_pointer)
{
    const struct tvn_component_stage *stage = site->host;
    uint8_t *area = tvn_host_return_area(site, return_pointer, RESULT_SIZE, RESULT_ALIGN);
    uint32_t handle =
        area ? tvn_site_give_own(site, stage->types.mutable_buffer, tvn_buffer_id_of(buffer).raw)
             : 0;
    if (TVN_UNLIKELY(handle == 0)) {
        tvn_buffer_release(*stage->magazine, buffer);
        return tvn_site_trapped(site);
    }
    area[RESULT_TAG] = 0;
    tvn_guest_store_u32(area + RESULT_OK_HANDLE, handle);
    return NULL;
}

static TVN_NOINLINE void *allocate_any(const struct tvn_call_site *site, uint64_t bytes,
                                       uint32_t return_pointer)
{
    struct tvn_buffer *buffer;
    enum tvn_status status = acquire(site, bytes, &buffer);
    if (TVN_UNLIKELY(status != TVN_OK)) {
        return return_buffer_error(site, return_pointer, status);
    }
    return return_mutable(site, buffer, return_pointer);
}

/*
 * The usual case: nothing has grown since the last time, there is room for the handle, and the
 * magazine holds a buffer. NULL, and nothing happened, when it is another one.
 */
static TVN_ALWAYS_INLINE struct tvn_buffer *acquire_held(const struct tvn_call_site *site,
                                                         uint64_t bytes, uint32_t return_pointer,
                                                         uint8_t **out_area)
{
    struct tvn_component_stage *stage = site->host;
    struct tvn_buffer *buffer;
    bool held =
        tvn_host_return_area_seen(site, return_pointer, RESULT_SIZE, RESULT_ALIGN, out_area) &&
        tvn_handle_table_has_free(&site->guest->handles) &&
        site->mem->size == stage->memory_seen_bytes && bytes <= stage->max_buffer_bytes &&
        tvn_buffer_acquire_held(*stage->magazine, bytes, stage->owner, &stage->budget, &buffer) ==
            TVN_OK;
    return TVN_LIKELY(held) ? buffer : NULL;
}

/* The handle of a buffer from acquire_held. */
static TVN_ALWAYS_INLINE void *return_held(const struct tvn_call_site *site,
                                           const struct tvn_buffer *buffer, uint8_t *area)
{
    const struct tvn_component_stage *stage = site->host;
    uint32_t handle = tvn_handle_add_reserved(&site->guest->handles, stage->types.mutable_buffer,
                                              tvn_buffer_id_of(buffer).raw, true, 0);
    area[RESULT_TAG] = 0;
    tvn_guest_store_u32(area + RESULT_OK_HANDLE, handle);
    return NULL;
}

static void *allocate(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    uint8_t *area;
    const struct tvn_buffer *buffer = acquire_held(site, slots[0].u64, slots[1].u32, &area);
    if (TVN_UNLIKELY(!buffer)) {
        return allocate_any(site, slots[0].u64, slots[1].u32);
    }
    return return_held(site, buffer, area);
}

/* A fresh buffer has the source's content. */
static TVN_ALWAYS_INLINE void clone_content(const struct tvn_component_stage *stage,
                                            struct tvn_buffer *copy,
                                            const struct tvn_buffer *source)
{
    enum tvn_status status = tvn_buffer_write(copy, 0, source->bytes, source->length);
    tvn_assert(status == TVN_OK); /* the capacity is at least what was asked for */
    copy->content_type = source->content_type;
    tvn_copy_record(&stage->stats->copies, TVN_COPY_PAYLOAD_WRITE, source->length);
}

static TVN_NOINLINE void *clone_any(const struct tvn_call_site *site,
                                    const struct tvn_buffer *source, uint32_t return_pointer)
{
    struct tvn_buffer *copy;
    enum tvn_status status = acquire(site, source->length, &copy);
    if (TVN_UNLIKELY(status != TVN_OK)) {
        return return_buffer_error(site, return_pointer, status);
    }
    clone_content(site->host, copy, source);
    return return_mutable(site, copy, return_pointer);
}

static void *clone_into_mutable(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    TVN_SITE_ENTER(site);
    FIND_BUFFER(source, site, slots, buffer);
    uint8_t *area;
    struct tvn_buffer *copy = source->length <= TVN_BYTES_SHORT_MAX
                                  ? acquire_held(site, source->length, slots[1].u32, &area)
                                  : NULL;
    if (TVN_UNLIKELY(!copy)) {
        return clone_any(site, source, slots[1].u32);
    }
    clone_content(site->host, copy, source);
    return return_held(site, copy, area);
}

static const struct tvn_host_func types_funcs[] = {
    {.name = "[method]buffer.size", .raw = buffer_size},
    {.name = "[method]buffer.content-type", .raw = buffer_content_type},
    {.name = "[method]buffer.read", .raw = buffer_read},
    {.name = "[method]buffer.read-all", .raw = buffer_read_all},
    {.name = "[method]mutable-buffer.write", .raw = mutable_write},
    {.name = "[method]mutable-buffer.append", .raw = mutable_append},
    {.name = "[method]mutable-buffer.size", .raw = mutable_size},
    {.name = "[method]mutable-buffer.capacity", .raw = mutable_capacity},
    {.name = "[method]mutable-buffer.set-content-type", .raw = mutable_set_content_type},
    {.name = "[method]mutable-buffer.freeze", .raw = mutable_freeze},
    {.name = "[method]flow-context.trace-id", .raw = tvn_host_trace_id},
    {.name = "[method]flow-context.span-id", .raw = tvn_host_span_id},
    {.name = "[method]flow-context.deadline-ns", .raw = tvn_host_deadline_ns},
    {.name = "[method]flow-context.flow-id", .raw = tvn_host_flow_id},
};
static const struct tvn_host_resource types_resources[] = {
    {.name = "buffer", .drop = drop_buffer},
    {.name = "mutable-buffer", .drop = drop_buffer},
    {.name = "flow-context", .drop = NULL},
};
const struct tvn_host_group tvn_host_types = {
    .interface_id = "torvyn:streaming/types@0.1.0",
    .funcs = types_funcs,
    .func_count = TVN_ARRAY_LEN(types_funcs),
    .resources = types_resources,
    .resource_count = TVN_ARRAY_LEN(types_resources),
};

static const struct tvn_host_func allocator_funcs[] = {
    {.name = "allocate", .raw = allocate},
    {.name = "clone-into-mutable", .raw = clone_into_mutable},
};
const struct tvn_host_group tvn_host_buffer_allocator = {
    .interface_id = "torvyn:streaming/buffer-allocator@0.1.0",
    .funcs = allocator_funcs,
    .func_count = TVN_ARRAY_LEN(allocator_funcs),
};
/* The same functions under the name that the tutorials use. */
const struct tvn_host_group tvn_host_buffer_ops = {
    .interface_id = "torvyn:resources/buffer-ops@0.1.0",
    .funcs = allocator_funcs,
    .func_count = TVN_ARRAY_LEN(allocator_funcs),
};
