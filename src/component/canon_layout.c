/* SPDX-License-Identifier: Apache-2.0 */
/* Flat forms and memory layout of whole functions; those of types are computed with the types. */
#include "base/assert.h"
#include "base/num.h"
#include "component/canon_internal.h"

uint32_t tvn_func_flat_params(const struct tvn_func_type *type)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < type->param_count && count <= TVN_TYPE_FLAT_MAX; i++) {
        count += type->params[i].type->abi_flat_count;
    }
    return tvn_min(count, (uint32_t)TVN_TYPE_FLAT_MAX + 1);
}

uint32_t tvn_func_flat_results(const struct tvn_func_type *type)
{
    return type->result ? type->result->abi_flat_count : 0;
}

void tvn_func_params_layout(const struct tvn_func_type *type, uint64_t *out_size,
                            uint32_t *out_align)
{
    uint64_t size = 0;
    uint32_t align = 1;
    for (uint32_t i = 0; i < type->param_count; i++) {
        const struct tvn_type *param = type->params[i].type;
        size = tvn_align_up_size(size, param->abi_align) + param->abi_size;
        align = tvn_max(align, param->abi_align);
    }
    *out_size = tvn_align_up_size(size, align);
    *out_align = align;
}

static void flatten_params(const struct tvn_func_type *type, struct tvn_core_signature *out)
{
    if (tvn_func_flat_params(type) > TVN_TYPE_FLAT_MAX) {
        out->params[out->param_count++] = TVN_CORE_I32;
        return;
    }
    for (uint32_t i = 0; i < type->param_count; i++) {
        enum tvn_core_kind kinds[TVN_TYPE_FLAT_MAX];
        size_t count = tvn_type_flatten(type->params[i].type, kinds);
        for (size_t k = 0; k < count; k++) {
            out->params[out->param_count++] = kinds[k];
        }
    }
}

void tvn_func_lift_signature(const struct tvn_func_type *type,
                             struct tvn_core_signature *out_signature)
{
    *out_signature = (struct tvn_core_signature){0};
    flatten_params(type, out_signature);
    uint32_t results = tvn_func_flat_results(type);
    if (results > 1) {
        out_signature->results[out_signature->result_count++] = TVN_CORE_I32;
    } else if (results == 1) {
        enum tvn_core_kind kinds[TVN_TYPE_FLAT_MAX];
        tvn_type_flatten(type->result, kinds);
        out_signature->results[out_signature->result_count++] = kinds[0];
    }
}

void tvn_func_lower_signature(const struct tvn_func_type *type,
                              struct tvn_core_signature *out_signature)
{
    tvn_func_lift_signature(type, out_signature);
    if (tvn_func_flat_results(type) > 1) {
        out_signature->params[out_signature->param_count++] = TVN_CORE_I32;
        out_signature->result_count = 0;
    }
}
