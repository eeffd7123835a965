/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types are trees with shared parts. A document can share parts so that walking it as a tree takes
 * exponential time, so pairs found equal are remembered (in a small direct-mapped table) and the
 * number of comparisons is bounded.
 */
#include "base/assert.h"
#include "contracts/type.h"

#define PAIRS 256

struct comparison {
    tvn_same_resource same_resource;
    void *context;
    size_t steps_left;
    struct pair {
        const struct tvn_type *a;
        const struct tvn_type *b;
    } equal[PAIRS];
};

static void comparison_init(struct comparison *comparison, tvn_same_resource same_resource,
                            void *context)
{
    *comparison = (struct comparison){
        .same_resource = same_resource, .context = context, .steps_left = TVN_TYPE_EQUAL_STEPS_MAX};
}

static struct pair *pair_slot(struct comparison *comparison, const struct tvn_type *a,
                              const struct tvn_type *b)
{
    uint64_t mixed = ((uint64_t)(uintptr_t)a ^ (uint64_t)(uintptr_t)b << 7) * 0x9e3779b97f4a7c15u;
    return &comparison->equal[mixed >> 56];
}
_Static_assert(PAIRS == 1 << 8, "pair_slot takes the top eight bits");

static bool equal(struct comparison *comparison, const struct tvn_type *a,
                  const struct tvn_type *b);

static bool fields_equal(struct comparison *comparison, const struct tvn_type *a,
                         const struct tvn_type *b)
{
    if (a->field_count != b->field_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->field_count; i++) {
        bool named = a->kind != TVN_TYPE_TUPLE;
        if ((named && !tvn_str_equal(a->fields[i].name, b->fields[i].name)) ||
            !equal(comparison, a->fields[i].type, b->fields[i].type)) {
            return false;
        }
    }
    return true;
}

static bool same_layout(const struct tvn_type *a, const struct tvn_type *b)
{
    return a->kind == b->kind && a->abi_size == b->abi_size && a->abi_align == b->abi_align &&
           a->abi_flat_count == b->abi_flat_count && a->has_handle == b->has_handle &&
           a->depth == b->depth;
}

static bool parts_equal(struct comparison *comparison, const struct tvn_type *a,
                        const struct tvn_type *b)
{
    switch (a->kind) {
    case TVN_TYPE_LIST:
        return a->list_length == b->list_length && a->is_map == b->is_map &&
               equal(comparison, a->element, b->element);
    case TVN_TYPE_OPTION:
    case TVN_TYPE_RESULT:
    case TVN_TYPE_STREAM:
    case TVN_TYPE_FUTURE:
    case TVN_TYPE_ERROR_CONTEXT:
        return equal(comparison, a->element, b->element) && equal(comparison, a->error, b->error);
    case TVN_TYPE_RECORD:
    case TVN_TYPE_TUPLE:
    case TVN_TYPE_VARIANT:
    case TVN_TYPE_ENUM:
    case TVN_TYPE_FLAGS:
        return fields_equal(comparison, a, b);
    case TVN_TYPE_OWN:
    case TVN_TYPE_BORROW:
        return comparison->same_resource
                   ? comparison->same_resource(comparison->context, a->resource, b->resource)
                   : a->resource == b->resource;
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
        return true;
    }
    tvn_unreachable();
}

/* Either may be NULL: the absent payload of a case. Recursion is as deep as types are:
 * TVN_TYPE_DEPTH_MAX. */
static bool equal(struct comparison *comparison, const struct tvn_type *a, const struct tvn_type *b)
{
    if (!a || !b) {
        return a == b;
    }
    if (a == b && (!a->has_handle || !comparison->same_resource)) {
        return true;
    }
    if (comparison->steps_left == 0 || !same_layout(a, b)) {
        return false;
    }
    comparison->steps_left--;
    struct pair *known = pair_slot(comparison, a, b);
    if (known->a == a && known->b == b) {
        return true;
    }
    if (!parts_equal(comparison, a, b)) {
        return false;
    }
    *known = (struct pair){a, b};
    return true;
}

bool tvn_type_equal(const struct tvn_type *a, const struct tvn_type *b,
                    tvn_same_resource same_resource, void *context)
{
    tvn_assert(a);
    tvn_assert(b);
    struct comparison comparison;
    comparison_init(&comparison, same_resource, context);
    return equal(&comparison, a, b);
}

bool tvn_func_type_equal(const struct tvn_func_type *a, const struct tvn_func_type *b,
                         tvn_same_resource same_resource, void *context)
{
    tvn_assert(a);
    tvn_assert(b);
    if (a->param_count != b->param_count || a->is_async != b->is_async) {
        return false;
    }
    struct comparison comparison;
    comparison_init(&comparison, same_resource, context);
    for (uint32_t i = 0; i < a->param_count; i++) {
        if (!tvn_str_equal(a->params[i].name, b->params[i].name) ||
            !equal(&comparison, a->params[i].type, b->params[i].type)) {
            return false;
        }
    }
    return equal(&comparison, a->result, b->result);
}
