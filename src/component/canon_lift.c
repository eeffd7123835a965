/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/mem.h"
#include "base/num.h"
#include "component/canon_internal.h"

#include <inttypes.h>

#define CODE_POINT_MAX 0x10ffffu
#define SURROGATE_MIN  0xd800u
#define SURROGATE_MAX  0xdfffu

void tvn_canon_init(struct tvn_canon *cx, const struct tvn_rt_scope *scope,
                    struct tvn_guest_mem *mem, const struct tvn_core_func *realloc,
                    enum tvn_string_encoding encoding, struct tvn_arena **arena)
{
    struct tvn_guest *guest = (struct tvn_guest *)&scope->guest;
    *cx = (struct tvn_canon){
        .instance = guest->instance,
        .guest = guest,
        .mem = mem,
        .realloc = realloc,
        .scope = scope,
        .encoding = encoding,
        .arena = arena,
        .budget = TVN_LIFT_BYTES_MAX,
    };
}

static bool trap(struct tvn_canon *cx, const char *text)
{
    tvn_instance_fail(cx->instance, TVN_E_COMPONENT_TRAPPED, "%s", text);
    return false;
}

void *tvn_canon_alloc(struct tvn_canon *cx, uint64_t count, size_t item_bytes)
{
    uint64_t bytes;
    if (__builtin_mul_overflow(count, (uint64_t)item_bytes, &bytes) || bytes > cx->budget) {
        tvn_instance_fail(cx->instance, TVN_E_COMPONENT_TRAPPED,
                          "the values of one call take more than %zu MiB",
                          TVN_LIFT_BYTES_MAX >> 20);
        return NULL;
    }
    cx->budget -= (size_t)bytes;
    bytes = tvn_max(bytes, (uint64_t)1);
    if (!*cx->arena) {
        *cx->arena = tvn_arena_create(0);
    }
    void *memory = *cx->arena ? tvn_arena_alloc(*cx->arena, (size_t)bytes) : NULL;
    if (!memory) {
        tvn_instance_fail(cx->instance, TVN_E_OUT_OF_MEMORY, "no memory for the values of a call");
    }
    return memory;
}

/* ---- values that look the same in a slot and in memory ---- */

static int64_t sign_extend(uint64_t bits, unsigned width)
{
    unsigned shift = 64 - width;
    return (int64_t)(bits << shift) >> shift;
}

static bool lift_char(struct tvn_canon *cx, uint32_t bits, struct tvn_value *value)
{
    if (bits > CODE_POINT_MAX || (bits >= SURROGATE_MIN && bits <= SURROGATE_MAX)) {
        return trap(cx, "invalid `char` bit pattern");
    }
    value->of.code_point = bits;
    return true;
}

static bool lift_own(struct tvn_canon *cx, const struct tvn_resource_rt *resource, uint32_t index,
                     struct tvn_value *value)
{
    if (tvn_guest_take_own(cx->guest, resource, index, &value->of.handle.rep) != TVN_OK) {
        return false;
    }
    value->of.handle.type = resource; /* only now: what is abandoned after a failure goes by it */
    return true;
}

static bool lift_borrow(struct tvn_canon *cx, const struct tvn_resource_rt *resource,
                        uint32_t index, struct tvn_value *value)
{
    struct tvn_handle *handle = tvn_handle_find(&cx->guest->handles, index, resource);
    if (!handle) {
        tvn_guest_bad_handle(cx->guest, resource, index);
        return false;
    }
    value->of.handle.type = resource;
    value->of.handle.rep = handle->rep;
    if (cx->lends) {
        if (!tvn_lends_add(cx->lends, index)) {
            return trap(cx, "too many handles lent to one call");
        }
        handle->lends++;
    }
    return true;
}

static bool lift_handle(struct tvn_canon *cx, const struct tvn_type *type, uint32_t index,
                        struct tvn_value *value)
{
    const struct tvn_resource_rt *resource = tvn_rt_scope_resource(cx->scope, type->resource);
    if (!cx->guest || !resource) {
        return trap(cx, "a handle of a resource that this component does not know");
    }
    return type->kind == TVN_TYPE_OWN ? lift_own(cx, resource, index, value)
                                      : lift_borrow(cx, resource, index, value);
}

static uint64_t flags_mask(const struct tvn_type *type)
{
    return type->field_count >= 64 ? UINT64_MAX : (UINT64_C(1) << type->field_count) - 1;
}

/* Scalars and handles, from their bits. */
static bool lift_scalar(struct tvn_canon *cx, const struct tvn_type *type, uint64_t bits,
                        struct tvn_value *value)
{
    switch (type->kind) {
    case TVN_TYPE_BOOL:
        value->of.boolean = (uint32_t)bits != 0;
        return true;
    case TVN_TYPE_S8:
        value->of.s = sign_extend(bits, 8);
        return true;
    case TVN_TYPE_S16:
        value->of.s = sign_extend(bits, 16);
        return true;
    case TVN_TYPE_S32:
        value->of.s = sign_extend(bits, 32);
        return true;
    case TVN_TYPE_U8:
        value->of.u = (uint8_t)bits;
        return true;
    case TVN_TYPE_U16:
        value->of.u = (uint16_t)bits;
        return true;
    case TVN_TYPE_U32:
        value->of.u = (uint32_t)bits;
        return true;
    case TVN_TYPE_S64:
        value->of.s = (int64_t)bits;
        return true;
    case TVN_TYPE_U64:
        value->of.u = bits;
        return true;
    case TVN_TYPE_F32:
        value->of.f32 = (uint32_t)bits;
        return true;
    case TVN_TYPE_F64:
        value->of.f64 = bits;
        return true;
    case TVN_TYPE_CHAR:
        return lift_char(cx, (uint32_t)bits, value);
    case TVN_TYPE_FLAGS:
        value->of.u = bits & flags_mask(type);
        return true;
    case TVN_TYPE_OWN:
    case TVN_TYPE_BORROW:
        return lift_handle(cx, type, (uint32_t)bits, value);
    case TVN_TYPE_STRING:
    case TVN_TYPE_LIST:
    case TVN_TYPE_RECORD:
    case TVN_TYPE_TUPLE:
    case TVN_TYPE_VARIANT:
    case TVN_TYPE_ENUM:
    case TVN_TYPE_OPTION:
    case TVN_TYPE_RESULT:
    case TVN_TYPE_STREAM: /* decoding refuses these */
    case TVN_TYPE_FUTURE:
    case TVN_TYPE_ERROR_CONTEXT:
        break;
    }
    tvn_unreachable();
}

/* ---- shapes ---- */

static uint32_t case_count(const struct tvn_type *type)
{
    return type->kind == TVN_TYPE_OPTION || type->kind == TVN_TYPE_RESULT ? 2 : type->field_count;
}

const struct tvn_type *tvn_case_type(const struct tvn_type *type, uint32_t index)
{
    if (type->kind == TVN_TYPE_OPTION) {
        return index == 1 ? type->element : NULL;
    }
    if (type->kind == TVN_TYPE_RESULT) {
        return index == 0 ? type->element : type->error;
    }
    return type->fields[index].type;
}

static bool start_case(struct tvn_canon *cx, const struct tvn_type *type, uint32_t index,
                       struct tvn_value *value, const struct tvn_type **out_payload)
{
    if (index >= case_count(type)) {
        return trap(cx, "invalid variant discriminant");
    }
    value->of.variant.index = index;
    value->of.variant.value = NULL;
    *out_payload = tvn_case_type(type, index);
    if (*out_payload) {
        value->of.variant.value = tvn_canon_alloc(cx, 1, sizeof(struct tvn_value));
        return value->of.variant.value != NULL;
    }
    return true;
}

static bool start_items(struct tvn_canon *cx, uint32_t count, struct tvn_value *value)
{
    value->of.list.items = tvn_canon_alloc(cx, count, sizeof(struct tvn_value));
    value->of.list.count = count;
    return value->of.list.items != NULL;
}

/* ---- memory ---- */

static bool load(struct tvn_canon *cx, const struct tvn_type *type, const uint8_t *at,
                 struct tvn_value *value);

static uint64_t load_bits(const uint8_t *at, uint32_t bytes)
{
    uint64_t bits = 0;
    memcpy(&bits, at, bytes); /* little-endian, as guest memory */
    return bits;
}

static bool load_elements(struct tvn_canon *cx, const struct tvn_type *element, const uint8_t *at,
                          uint32_t count, struct tvn_value *value)
{
    if (!start_items(cx, count, value)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!load(cx, element, at + (size_t)i * element->abi_size, &value->of.list.items[i])) {
            return false;
        }
    }
    return true;
}

static bool load_bytes(struct tvn_canon *cx, const uint8_t *at, uint32_t count,
                       struct tvn_value *value)
{
    char *bytes = tvn_canon_alloc(cx, count, 1);
    if (!bytes) {
        return false;
    }
    if (count > 0) {
        memcpy(bytes, at, count);
    }
    value->of.bytes = (struct tvn_str){bytes, count};
    value->is_bytes = true;
    return true;
}

static bool lift_list(struct tvn_canon *cx, const struct tvn_type *type, uint32_t offset,
                      uint32_t count, struct tvn_value *value)
{
    const struct tvn_type *element = type->element;
    uint64_t bytes = (uint64_t)count * element->abi_size;
    if (bytes > TVN_LIST_BYTES_MAX) {
        return trap(cx, "list content out-of-bounds: longer than 2^28 - 1 bytes");
    }
    if (offset % element->abi_align != 0) {
        return trap(cx, "unaligned pointer of a list");
    }
    const uint8_t *at = cx->mem ? tvn_guest_mem_at(cx->mem, offset, bytes) : NULL;
    if (!at) {
        return trap(cx, "list content out-of-bounds of memory");
    }
    return element->kind == TVN_TYPE_U8 ? load_bytes(cx, at, count, value)
                                        : load_elements(cx, element, at, count, value);
}

static bool load_fields(struct tvn_canon *cx, const struct tvn_type *type, const uint8_t *at,
                        struct tvn_value *value)
{
    if (!start_items(cx, type->field_count, value)) {
        return false;
    }
    size_t offset = 0;
    for (uint32_t i = 0; i < type->field_count; i++) {
        const struct tvn_type *field = type->fields[i].type;
        offset = tvn_align_up_size(offset, field->abi_align);
        if (!load(cx, field, at + offset, &value->of.list.items[i])) {
            return false;
        }
        offset += field->abi_size;
    }
    return true;
}

static bool load_case(struct tvn_canon *cx, const struct tvn_type *type, const uint8_t *at,
                      struct tvn_value *value)
{
    uint32_t index = (uint32_t)load_bits(at, type->abi_discriminant);
    const struct tvn_type *payload;
    if (!start_case(cx, type, index, value, &payload)) {
        return false;
    }
    return !payload || load(cx, payload, at + type->abi_payload_offset, value->of.variant.value);
}

/* `at` has abi_size bytes: one check covers everything inline. */
static bool load(struct tvn_canon *cx, const struct tvn_type *type, const uint8_t *at,
                 struct tvn_value *value)
{
    value->type = type;
    value->is_bytes = false;
    switch (type->kind) {
    case TVN_TYPE_STRING:
        return tvn_lift_string(cx, tvn_guest_load_u32(at), tvn_guest_load_u32(at + 4),
                               &value->of.string);
    case TVN_TYPE_LIST:
        if (type->list_length > 0) {
            return load_elements(cx, type->element, at, type->list_length, value);
        }
        return lift_list(cx, type, tvn_guest_load_u32(at), tvn_guest_load_u32(at + 4), value);
    case TVN_TYPE_RECORD:
    case TVN_TYPE_TUPLE:
        return load_fields(cx, type, at, value);
    case TVN_TYPE_VARIANT:
    case TVN_TYPE_ENUM:
    case TVN_TYPE_OPTION:
    case TVN_TYPE_RESULT:
        return load_case(cx, type, at, value);
    case TVN_TYPE_BOOL:
    case TVN_TYPE_S8:
    case TVN_TYPE_U8:
    case TVN_TYPE_S16:
    case TVN_TYPE_U16:
    case TVN_TYPE_S32:
    case TVN_TYPE_U32:
    case TVN_TYPE_S64:
    case TVN_TYPE_U64:
    case TVN_TYPE_F32:
    case TVN_TYPE_F64:
    case TVN_TYPE_CHAR:
    case TVN_TYPE_FLAGS:
    case TVN_TYPE_OWN:
    case TVN_TYPE_BORROW:
        return lift_scalar(cx, type, load_bits(at, type->abi_size), value);
    case TVN_TYPE_STREAM: /* decoding refuses these */
    case TVN_TYPE_FUTURE:
    case TVN_TYPE_ERROR_CONTEXT:
        break;
    }
    tvn_unreachable();
}

/* A block of `size` bytes that a guest points at. */
static const uint8_t *block_at(struct tvn_canon *cx, uint32_t offset, uint64_t size,
                               uint32_t alignment)
{
    if (offset % alignment != 0) {
        trap(cx, "unaligned pointer");
        return NULL;
    }
    const uint8_t *at = cx->mem ? tvn_guest_mem_at(cx->mem, offset, size) : NULL;
    if (!at) {
        trap(cx, "pointer out of bounds of memory");
    }
    return at;
}

bool tvn_lift_memory(struct tvn_canon *cx, const struct tvn_type *type, uint32_t offset,
                     struct tvn_value *out_value)
{
    const uint8_t *at = block_at(cx, offset, type->abi_size, type->abi_align);
    return at && load(cx, type, at, out_value);
}

/* ---- slots ---- */

static bool flat_elements(struct tvn_canon *cx, const struct tvn_type *type,
                          const union tvn_flat *slots, uint32_t *position, struct tvn_value *value)
{
    bool fields = type->kind != TVN_TYPE_LIST;
    uint32_t count = fields ? type->field_count : type->list_length;
    if (!start_items(cx, count, value)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct tvn_type *part = fields ? type->fields[i].type : type->element;
        if (!tvn_lift_flat(cx, part, slots, position, &value->of.list.items[i])) {
            return false;
        }
    }
    return true;
}

/*
 * Every case's values overlay the same slots, widened to a common type. A slot's low bits are the
 * narrower value's bits (little-endian union), so reading needs no conversion.
 */
static bool flat_case(struct tvn_canon *cx, const struct tvn_type *type,
                      const union tvn_flat *slots, uint32_t *position, struct tvn_value *value)
{
    uint32_t end = *position + type->abi_flat_count;
    uint32_t index = slots[(*position)++].u32;
    const struct tvn_type *payload;
    if (!start_case(cx, type, index, value, &payload)) {
        return false;
    }
    if (payload && !tvn_lift_flat(cx, payload, slots, position, value->of.variant.value)) {
        return false;
    }
    tvn_assert(*position <= end);
    *position = end;
    return true;
}

bool tvn_lift_flat(struct tvn_canon *cx, const struct tvn_type *type, const union tvn_flat *slots,
                   uint32_t *position, struct tvn_value *out_value)
{
    tvn_assert(type->abi_flat_count <= TVN_TYPE_FLAT_MAX);
    out_value->type = type;
    out_value->is_bytes = false;
    switch (type->kind) {
    case TVN_TYPE_STRING: {
        uint32_t at = *position;
        *position += 2;
        return tvn_lift_string(cx, slots[at].u32, slots[at + 1].u32, &out_value->of.string);
    }
    case TVN_TYPE_LIST: {
        if (type->list_length > 0) {
            return flat_elements(cx, type, slots, position, out_value);
        }
        uint32_t at = *position;
        *position += 2;
        return lift_list(cx, type, slots[at].u32, slots[at + 1].u32, out_value);
    }
    case TVN_TYPE_RECORD:
    case TVN_TYPE_TUPLE:
        return flat_elements(cx, type, slots, position, out_value);
    case TVN_TYPE_VARIANT:
    case TVN_TYPE_ENUM:
    case TVN_TYPE_OPTION:
    case TVN_TYPE_RESULT:
        return flat_case(cx, type, slots, position, out_value);
    case TVN_TYPE_BOOL:
    case TVN_TYPE_S8:
    case TVN_TYPE_U8:
    case TVN_TYPE_S16:
    case TVN_TYPE_U16:
    case TVN_TYPE_S32:
    case TVN_TYPE_U32:
    case TVN_TYPE_S64:
    case TVN_TYPE_U64:
    case TVN_TYPE_F32:
    case TVN_TYPE_F64:
    case TVN_TYPE_CHAR:
    case TVN_TYPE_FLAGS:
    case TVN_TYPE_OWN:
    case TVN_TYPE_BORROW: {
        bool wide =
            type->kind == TVN_TYPE_S64 || type->kind == TVN_TYPE_U64 || type->kind == TVN_TYPE_F64;
        const union tvn_flat *slot = &slots[(*position)++];
        return lift_scalar(cx, type, wide ? slot->u64 : slot->u32, out_value);
    }
    case TVN_TYPE_STREAM: /* decoding refuses these */
    case TVN_TYPE_FUTURE:
    case TVN_TYPE_ERROR_CONTEXT:
        break;
    }
    tvn_unreachable();
}

/* ---- whole functions ---- */

bool tvn_lift_params(struct tvn_canon *cx, const struct tvn_func_type *type,
                     const union tvn_flat *slots, uint32_t *position, struct tvn_value *out_values)
{
    if (tvn_func_flat_params(type) <= TVN_TYPE_FLAT_MAX) {
        for (uint32_t i = 0; i < type->param_count; i++) {
            if (!tvn_lift_flat(cx, type->params[i].type, slots, position, &out_values[i])) {
                return false;
            }
        }
        return true;
    }
    uint64_t size;
    uint32_t align;
    tvn_func_params_layout(type, &size, &align);
    const uint8_t *at = block_at(cx, slots[(*position)++].u32, size, align);
    if (!at) {
        return false;
    }
    size_t offset = 0;
    for (uint32_t i = 0; i < type->param_count; i++) {
        const struct tvn_type *param = type->params[i].type;
        offset = tvn_align_up_size(offset, param->abi_align);
        if (!load(cx, param, at + offset, &out_values[i])) {
            return false;
        }
        offset += param->abi_size;
    }
    return true;
}

bool tvn_lift_result(struct tvn_canon *cx, const struct tvn_func_type *type,
                     const union tvn_flat *slots, struct tvn_value *out_value)
{
    tvn_assert(type->result);
    if (tvn_func_flat_results(type) > 1) {
        return tvn_lift_memory(cx, type->result, slots[0].u32, out_value);
    }
    uint32_t position = 0;
    return tvn_lift_flat(cx, type->result, slots, &position, out_value);
}

/* ---- lends ---- */

bool tvn_lends_add(struct tvn_lends *lends, uint32_t index)
{
    if (lends->count < TVN_LENDS_INLINE) {
        lends->inline_indices[lends->count++] = index;
        return true;
    }
    uint32_t rest = lends->count - TVN_LENDS_INLINE;
    if (rest == lends->capacity) {
        uint32_t capacity = lends->capacity > 0 ? lends->capacity * 2 : TVN_LENDS_INLINE * 2;
        if (capacity > TVN_HANDLES_MAX * 2) {
            return false;
        }
        uint32_t *more = tvn_realloc(lends->more, capacity * sizeof(*more));
        if (!more) {
            return false;
        }
        lends->more = more;
        lends->capacity = capacity;
    }
    lends->more[rest] = index;
    lends->count++;
    return true;
}

void tvn_lends_release(struct tvn_lends *lends, struct tvn_guest *guest)
{
    for (uint32_t i = 0; i < lends->count; i++) {
        uint32_t index =
            i < TVN_LENDS_INLINE ? lends->inline_indices[i] : lends->more[i - TVN_LENDS_INLINE];
        /* A lent handle cannot be dropped, so the index still names it. */
        tvn_assert(index < guest->handles.count && guest->handles.items[index].lends > 0);
        guest->handles.items[index].lends--;
    }
    tvn_free(lends->more);
    *lends = (struct tvn_lends){0};
}
