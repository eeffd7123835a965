/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/num.h"
#include "component/canon_internal.h"

#include <inttypes.h>

static bool trap(struct tvn_canon *cx, const char *text)
{
    tvn_instance_fail(cx->instance, TVN_E_COMPONENT_TRAPPED, "%s", text);
    return false;
}

/* The host gave a value that is not of the function's type: a mistake of the embedding program, not
 * of the guest. */
static bool mismatch(struct tvn_canon *cx, const struct tvn_type *type)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_type_print(type, &text);
    tvn_instance_fail(cx->instance, TVN_E_INTERNAL, "a value that is not a '%s' was passed",
                      tvn_strbuf_text(&text));
    return false;
}

bool tvn_canon_realloc(struct tvn_canon *cx, uint32_t old_offset, uint32_t old_length,
                       uint32_t alignment, uint32_t new_length, uint32_t *out_offset)
{
    uint32_t offset;
    if (cx->fake_realloc) {
        if (!cx->fake_realloc(cx->fake_context, old_offset, old_length, alignment, new_length,
                              &offset)) {
            return trap(cx, "realloc trapped");
        }
    } else {
        if (!cx->realloc || !cx->mem) {
            return trap(cx, "values in memory need the component's realloc");
        }
        union tvn_flat slots[4] = {
            {.u32 = old_offset}, {.u32 = old_length}, {.u32 = alignment}, {.u32 = new_length}};
        cx->guest->may_leave = false;
        enum tvn_status status = tvn_core_call(cx->instance, cx->realloc, slots, 4);
        cx->guest->may_leave = true;
        if (status != TVN_OK) {
            return false;
        }
        offset = slots[0].u32;
    }
    if (tvn_instance_check_realloc(cx->instance, cx->mem, alignment, offset, new_length) !=
        TVN_OK) {
        return false;
    }
    *out_offset = offset;
    return true;
}

/* ---- handles ---- */

static bool lower_handle(struct tvn_canon *cx, const struct tvn_type *type,
                         const struct tvn_value *value, uint64_t *out_bits)
{
    const struct tvn_resource_rt *resource = tvn_rt_scope_resource(cx->scope, type->resource);
    if (!cx->guest || !resource) {
        return trap(cx, "a handle of a resource that this component does not know");
    }
    if (value->of.handle.type && value->of.handle.type != resource) {
        return mismatch(cx, type);
    }
    struct tvn_guest *guest = cx->guest;
    bool own = type->kind == TVN_TYPE_OWN;
    if (!own && resource->guest == guest) {
        *out_bits = value->of.handle.rep; /* its implementer gets the representation itself */
        return true;
    }
    uint32_t index = tvn_handle_add(&guest->handles, resource, value->of.handle.rep, own,
                                    own ? 0 : guest->scope);
    if (index == 0) {
        return trap(cx, "the component's handle table is full");
    }
    if (own) {
        cx->owns_lowered++;
    } else {
        guest->scope_borrows++;
    }
    *out_bits = index;
    return true;
}

/* ---- scalars ---- */

static bool fits_signed(int64_t value, unsigned width)
{
    int64_t limit = INT64_C(1) << (width - 1);
    return value >= -limit && value < limit;
}

static bool lower_char(struct tvn_canon *cx, const struct tvn_type *type, uint32_t code_point,
                       uint64_t *out_bits)
{
    if (code_point > 0x10ffff || (code_point >= 0xd800 && code_point <= 0xdfff)) {
        return mismatch(cx, type);
    }
    *out_bits = code_point;
    return true;
}

static bool lower_signed(struct tvn_canon *cx, const struct tvn_type *type, int64_t value,
                         unsigned width, uint64_t *out_bits)
{
    if (!fits_signed(value, width)) {
        return mismatch(cx, type);
    }
    *out_bits = (uint32_t)(int32_t)value;
    return true;
}

static bool lower_unsigned(struct tvn_canon *cx, const struct tvn_type *type, uint64_t value,
                           unsigned width, uint64_t *out_bits)
{
    if (value >> width != 0) {
        return mismatch(cx, type);
    }
    *out_bits = value;
    return true;
}

/* Bits of a scalar or handle; 32-bit values are sign-extended to 32 bits and zero-extended beyond.
 */
static bool lower_scalar(struct tvn_canon *cx, const struct tvn_type *type,
                         const struct tvn_value *value, uint64_t *out_bits)
{
    switch (type->kind) {
    case TVN_TYPE_BOOL:
        *out_bits = value->of.boolean ? 1 : 0;
        return true;
    case TVN_TYPE_S8:
        return lower_signed(cx, type, value->of.s, 8, out_bits);
    case TVN_TYPE_S16:
        return lower_signed(cx, type, value->of.s, 16, out_bits);
    case TVN_TYPE_S32:
        return lower_signed(cx, type, value->of.s, 32, out_bits);
    case TVN_TYPE_U8:
        return lower_unsigned(cx, type, value->of.u, 8, out_bits);
    case TVN_TYPE_U16:
        return lower_unsigned(cx, type, value->of.u, 16, out_bits);
    case TVN_TYPE_U32:
        return lower_unsigned(cx, type, value->of.u, 32, out_bits);
    case TVN_TYPE_S64:
        *out_bits = (uint64_t)value->of.s;
        return true;
    case TVN_TYPE_U64:
        *out_bits = value->of.u;
        return true;
    case TVN_TYPE_F32:
        *out_bits = value->of.f32;
        return true;
    case TVN_TYPE_F64:
        *out_bits = value->of.f64;
        return true;
    case TVN_TYPE_CHAR:
        return lower_char(cx, type, value->of.code_point, out_bits);
    case TVN_TYPE_FLAGS:
        return lower_unsigned(cx, type, value->of.u, type->field_count, out_bits);
    case TVN_TYPE_OWN:
    case TVN_TYPE_BORROW:
        return lower_handle(cx, type, value, out_bits);
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

static bool check_case(struct tvn_canon *cx, const struct tvn_type *type,
                       const struct tvn_value *value, const struct tvn_type **out_payload)
{
    if (value->of.variant.index >= case_count(type)) {
        return mismatch(cx, type);
    }
    *out_payload = tvn_case_type(type, value->of.variant.index);
    return !*out_payload || value->of.variant.value ? true : mismatch(cx, type);
}

static uint32_t list_count(const struct tvn_value *value)
{
    return value->is_bytes ? (uint32_t)value->of.bytes.len : value->of.list.count;
}

/* A list<u8> may be given as bytes, nothing else may. */
static bool check_list(struct tvn_canon *cx, const struct tvn_type *type,
                       const struct tvn_value *value)
{
    if (value->is_bytes &&
        (type->element->kind != TVN_TYPE_U8 || value->of.bytes.len > UINT32_MAX)) {
        return mismatch(cx, type);
    }
    if (type->list_length > 0 && list_count(value) != type->list_length) {
        return mismatch(cx, type);
    }
    return true;
}

static bool check_fields(struct tvn_canon *cx, const struct tvn_type *type,
                         const struct tvn_value *value)
{
    return value->of.list.count == type->field_count ? true : mismatch(cx, type);
}

/* ---- memory: no pointer into it lives longer than one store, since realloc may run in between
 * ---- */

static bool store_bits(struct tvn_canon *cx, uint32_t offset, uint64_t bits, uint32_t bytes)
{
    uint8_t *at = tvn_guest_mem_at(cx->mem, offset, bytes);
    if (!at) {
        return trap(cx, "pointer out of bounds of memory");
    }
    memcpy(at, &bits, bytes);
    return true;
}

static bool store_elements(struct tvn_canon *cx, const struct tvn_type *element,
                           const struct tvn_value *value, uint32_t offset)
{
    if (value->is_bytes) {
        uint8_t *at = tvn_guest_mem_at(cx->mem, offset, value->of.bytes.len);
        if (!at) {
            return trap(cx, "pointer out of bounds of memory");
        }
        if (value->of.bytes.len > 0) {
            memcpy(at, value->of.bytes.ptr, value->of.bytes.len);
        }
        return true;
    }
    for (uint32_t i = 0; i < value->of.list.count; i++) {
        if (!tvn_lower_memory(cx, element, &value->of.list.items[i],
                              offset + i * element->abi_size)) {
            return false;
        }
    }
    return true;
}

/* The elements of a list go into memory of their own. */
static bool lower_list(struct tvn_canon *cx, const struct tvn_type *type,
                       const struct tvn_value *value, uint32_t *out_offset, uint32_t *out_count)
{
    if (!check_list(cx, type, value)) {
        return false;
    }
    const struct tvn_type *element = type->element;
    uint32_t count = list_count(value);
    uint64_t bytes = (uint64_t)count * element->abi_size;
    if (bytes > UINT32_MAX) {
        return trap(cx, "list content out-of-bounds: longer than the guest's memory can be");
    }
    if (!tvn_canon_realloc(cx, 0, 0, element->abi_align, (uint32_t)bytes, out_offset)) {
        return false;
    }
    *out_count = count;
    return store_elements(cx, element, value, *out_offset);
}

static bool store_pair(struct tvn_canon *cx, uint32_t offset, uint32_t first, uint32_t second)
{
    return store_bits(cx, offset, first, 4) && store_bits(cx, offset + 4, second, 4);
}

static bool store_fields(struct tvn_canon *cx, const struct tvn_type *type,
                         const struct tvn_value *value, uint32_t offset)
{
    if (!check_fields(cx, type, value)) {
        return false;
    }
    for (uint32_t i = 0; i < type->field_count; i++) {
        const struct tvn_type *field = type->fields[i].type;
        offset = tvn_align_up_u32(offset, field->abi_align);
        if (!tvn_lower_memory(cx, field, &value->of.list.items[i], offset)) {
            return false;
        }
        offset += field->abi_size;
    }
    return true;
}

static bool store_case(struct tvn_canon *cx, const struct tvn_type *type,
                       const struct tvn_value *value, uint32_t offset)
{
    const struct tvn_type *payload;
    if (!check_case(cx, type, value, &payload) ||
        !store_bits(cx, offset, value->of.variant.index, type->abi_discriminant)) {
        return false;
    }
    return !payload || tvn_lower_memory(cx, payload, value->of.variant.value,
                                        offset + type->abi_payload_offset);
}

bool tvn_lower_memory(struct tvn_canon *cx, const struct tvn_type *type,
                      const struct tvn_value *value, uint32_t offset)
{
    uint32_t first, second;
    uint64_t bits;
    switch (type->kind) {
    case TVN_TYPE_STRING:
        return tvn_lower_string(cx, value->of.string, &first, &second) &&
               store_pair(cx, offset, first, second);
    case TVN_TYPE_LIST:
        if (type->list_length > 0) {
            return check_list(cx, type, value) && store_elements(cx, type->element, value, offset);
        }
        return lower_list(cx, type, value, &first, &second) &&
               store_pair(cx, offset, first, second);
    case TVN_TYPE_RECORD:
    case TVN_TYPE_TUPLE:
        return store_fields(cx, type, value, offset);
    case TVN_TYPE_VARIANT:
    case TVN_TYPE_ENUM:
    case TVN_TYPE_OPTION:
    case TVN_TYPE_RESULT:
        return store_case(cx, type, value, offset);
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
        return lower_scalar(cx, type, value, &bits) && store_bits(cx, offset, bits, type->abi_size);
    case TVN_TYPE_STREAM: /* decoding refuses these */
    case TVN_TYPE_FUTURE:
    case TVN_TYPE_ERROR_CONTEXT:
        break;
    }
    tvn_unreachable();
}

/* ---- slots: always written in full, so that a wider slot of a variant holds a zero-extended value
 * ---- */

static void put(union tvn_flat *slots, uint32_t *position, uint64_t bits)
{
    slots[(*position)++] = (union tvn_flat){.u64 = bits};
}

static bool flat_elements(struct tvn_canon *cx, const struct tvn_type *type,
                          const struct tvn_value *value, union tvn_flat *slots, uint32_t *position)
{
    if (value->is_bytes) {
        for (size_t i = 0; i < value->of.bytes.len; i++) {
            put(slots, position, (uint8_t)value->of.bytes.ptr[i]);
        }
        return true;
    }
    for (uint32_t i = 0; i < value->of.list.count; i++) {
        const struct tvn_type *part =
            type->kind == TVN_TYPE_LIST ? type->element : type->fields[i].type;
        if (!tvn_lower_flat(cx, part, &value->of.list.items[i], slots, position)) {
            return false;
        }
    }
    return true;
}

static bool flat_case(struct tvn_canon *cx, const struct tvn_type *type,
                      const struct tvn_value *value, union tvn_flat *slots, uint32_t *position)
{
    const struct tvn_type *payload;
    if (!check_case(cx, type, value, &payload)) {
        return false;
    }
    uint32_t end = *position + type->abi_flat_count;
    put(slots, position, value->of.variant.index);
    if (payload && !tvn_lower_flat(cx, payload, value->of.variant.value, slots, position)) {
        return false;
    }
    while (*position < end) {
        put(slots, position, 0);
    }
    return true;
}

static bool flat_pair(union tvn_flat *slots, uint32_t *position, uint32_t first, uint32_t second)
{
    put(slots, position, first);
    put(slots, position, second);
    return true;
}

bool tvn_lower_flat(struct tvn_canon *cx, const struct tvn_type *type,
                    const struct tvn_value *value, union tvn_flat *slots, uint32_t *position)
{
    tvn_assert(type->abi_flat_count <= TVN_TYPE_FLAT_MAX);
    uint32_t first, second;
    uint64_t bits;
    switch (type->kind) {
    case TVN_TYPE_STRING:
        return tvn_lower_string(cx, value->of.string, &first, &second) &&
               flat_pair(slots, position, first, second);
    case TVN_TYPE_LIST:
        if (type->list_length > 0) {
            return check_list(cx, type, value) && flat_elements(cx, type, value, slots, position);
        }
        return lower_list(cx, type, value, &first, &second) &&
               flat_pair(slots, position, first, second);
    case TVN_TYPE_RECORD:
    case TVN_TYPE_TUPLE:
        return check_fields(cx, type, value) && flat_elements(cx, type, value, slots, position);
    case TVN_TYPE_VARIANT:
    case TVN_TYPE_ENUM:
    case TVN_TYPE_OPTION:
    case TVN_TYPE_RESULT:
        return flat_case(cx, type, value, slots, position);
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
        if (!lower_scalar(cx, type, value, &bits)) {
            return false;
        }
        put(slots, position, bits);
        return true;
    case TVN_TYPE_STREAM: /* decoding refuses these */
    case TVN_TYPE_FUTURE:
    case TVN_TYPE_ERROR_CONTEXT:
        break;
    }
    tvn_unreachable();
}

/* ---- whole functions ---- */

bool tvn_lower_params(struct tvn_canon *cx, const struct tvn_func_type *type,
                      const struct tvn_value *values, union tvn_flat *slots)
{
    uint32_t position = 0;
    if (tvn_func_flat_params(type) <= TVN_TYPE_FLAT_MAX) {
        for (uint32_t i = 0; i < type->param_count; i++) {
            if (!tvn_lower_flat(cx, type->params[i].type, &values[i], slots, &position)) {
                return false;
            }
        }
        return true;
    }
    uint64_t size;
    uint32_t align, offset;
    tvn_func_params_layout(type, &size, &align);
    if (size > UINT32_MAX) {
        return trap(cx, "the parameters are larger than the guest's memory can be");
    }
    if (!tvn_canon_realloc(cx, 0, 0, align, (uint32_t)size, &offset)) {
        return false;
    }
    put(slots, &position, offset);
    for (uint32_t i = 0; i < type->param_count; i++) {
        const struct tvn_type *param = type->params[i].type;
        offset = tvn_align_up_u32(offset, param->abi_align);
        if (!tvn_lower_memory(cx, param, &values[i], offset)) {
            return false;
        }
        offset += param->abi_size;
    }
    return true;
}

bool tvn_lower_result(struct tvn_canon *cx, const struct tvn_func_type *type,
                      const struct tvn_value *value, union tvn_flat *slots, uint32_t out_offset)
{
    tvn_assert(type->result);
    if (tvn_func_flat_results(type) <= 1) {
        uint32_t position = 0;
        return tvn_lower_flat(cx, type->result, value, slots, &position);
    }
    if (out_offset % type->result->abi_align != 0) {
        return trap(cx, "unaligned pointer for a result");
    }
    if (!cx->mem || !tvn_guest_mem_at(cx->mem, out_offset, type->result->abi_size)) {
        return trap(cx, "pointer for a result out of bounds of memory");
    }
    return tvn_lower_memory(cx, type->result, value, out_offset);
}
