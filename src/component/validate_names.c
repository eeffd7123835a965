/* SPDX-License-Identifier: Apache-2.0 */
/* Names of imports and exports: unique, and true where they say something of a function. */
#include "base/assert.h"
#include "base/map.h"
#include "component/decode_internal.h"

struct check {
    struct tvn_decode_context *context;
    const struct tvn_extern_name *name;
    uint32_t offset;
    const struct tvn_resource *resource; /* that the name mentions */
};

static enum tvn_status wrong(const struct check *check, const char *reason)
{
    return tvn_decode_invalid(check->context, check->offset, "'%.*s' %s",
                              TVN_DECODE_NAME(check->name->text), reason);
}

static enum tvn_status check_constructor(const struct check *check,
                                         const struct tvn_func_type *type)
{
    const struct tvn_type *result = type->result;
    if (!result) {
        return wrong(check, "should return one value");
    }
    if (result->kind == TVN_TYPE_RESULT && result->element) {
        result = result->element;
    }
    if (result->kind != TVN_TYPE_OWN || result->resource != check->resource) {
        return wrong(check, "should return its resource as own<…> or result<own<…>, …>");
    }
    return TVN_OK;
}

static enum tvn_status check_method(const struct check *check, const struct tvn_func_type *type)
{
    if (type->param_count == 0) {
        return wrong(check, "should have at least one parameter");
    }
    if (!tvn_str_is(type->params[0].name, "self")) {
        return wrong(check, "should have a first parameter called 'self'");
    }
    const struct tvn_type *self = type->params[0].type;
    if (self->kind != TVN_TYPE_BORROW || self->resource != check->resource) {
        return wrong(check, "should take its resource as borrow<…> in 'self'");
    }
    return TVN_OK;
}

static enum tvn_status check_annotated(struct tvn_decode_context *context,
                                       struct tvn_map *resources,
                                       const struct tvn_extern_name *name,
                                       const struct tvn_extern *type, uint32_t offset)
{
    struct check check = {.context = context, .name = name, .offset = offset};
    if (type->kind != TVN_EXTERN_FUNC) {
        return wrong(&check, "is not a func");
    }
    check.resource = resources ? tvn_map_get(resources, name->resource) : NULL;
    if (!check.resource) {
        return wrong(&check, "names a resource that has no such name here");
    }
    if (name->kind == TVN_NAME_CONSTRUCTOR) {
        return check_constructor(&check, type->of.func);
    }
    return name->kind == TVN_NAME_METHOD ? check_method(&check, type->of.func) : TVN_OK;
}

enum tvn_status tvn_check_extern_name(struct tvn_decode_context *context, struct tvn_map *names,
                                      struct tvn_map *resources, const struct tvn_extern_name *name,
                                      const struct tvn_extern *type, uint32_t offset,
                                      const char *what)
{
    if (name->kind != TVN_NAME_PLAIN && name->kind != TVN_NAME_INTERFACE) {
        TVN_TRY(check_annotated(context, resources, name, type, offset));
    }
    TVN_TRY(tvn_extern_name_add(context, names, name, offset, what));
    if (resources && type->kind == TVN_EXTERN_RESOURCE && name->kind == TVN_NAME_PLAIN) {
        enum tvn_status status =
            tvn_map_add(resources, name->text, (void *)(uintptr_t)type->of.resource);
        if (status != TVN_OK) {
            return tvn_decode_folded(context, status, offset, "names");
        }
    }
    return TVN_OK;
}
