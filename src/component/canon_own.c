/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of own handles that were on their way when a call failed. */
#include "component/canon_internal.h"

static void abandon(const struct tvn_canon *cx, const struct tvn_type *type,
                    const struct tvn_value *value, uint32_t *skip);

static void abandon_own(const struct tvn_canon *cx, const struct tvn_value *value, uint32_t *skip)
{
    const struct tvn_resource_rt *resource = value->of.handle.type;
    if (!resource) {
        return;
    }
    if (*skip > 0) {
        (*skip)--;
    } else if (resource->drop) {
        resource->drop(cx->instance->contexts[resource->context], cx->guest, value->of.handle.rep);
    }
}

static void abandon_list(const struct tvn_canon *cx, const struct tvn_type *type,
                         const struct tvn_value *value, uint32_t *skip)
{
    if (value->is_bytes) {
        return;
    }
    for (uint32_t i = 0; i < value->of.list.count; i++) {
        abandon(cx, type->kind == TVN_TYPE_LIST ? type->element : type->fields[i].type,
                &value->of.list.items[i], skip);
    }
}

static void abandon(const struct tvn_canon *cx, const struct tvn_type *type,
                    const struct tvn_value *value, uint32_t *skip)
{
    if (!type->has_handle) {
        return;
    }
    switch (type->kind) {
    case TVN_TYPE_OWN:
        abandon_own(cx, value, skip);
        return;
    case TVN_TYPE_LIST:
    case TVN_TYPE_RECORD:
    case TVN_TYPE_TUPLE:
        abandon_list(cx, type, value, skip);
        return;
    case TVN_TYPE_VARIANT:
    case TVN_TYPE_OPTION:
    case TVN_TYPE_RESULT:
        if (value->of.variant.value) {
            abandon(cx, tvn_case_type(type, value->of.variant.index), value->of.variant.value,
                    skip);
        }
        return;
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
    case TVN_TYPE_STRING:
    case TVN_TYPE_ENUM:
    case TVN_TYPE_FLAGS:
    case TVN_TYPE_BORROW:
    case TVN_TYPE_STREAM:
    case TVN_TYPE_FUTURE:
    case TVN_TYPE_ERROR_CONTEXT:
        return;
    }
}

void tvn_canon_abandon_params(const struct tvn_canon *cx, const struct tvn_func_type *type,
                              const struct tvn_value *values, uint32_t skip)
{
    for (uint32_t i = 0; i < type->param_count; i++) {
        abandon(cx, type->params[i].type, &values[i], &skip);
    }
}

void tvn_canon_abandon_result(const struct tvn_canon *cx, const struct tvn_func_type *type,
                              const struct tvn_value *value, uint32_t skip)
{
    if (type->result) {
        abandon(cx, type->result, value, &skip);
    }
}
