/* SPDX-License-Identifier: Apache-2.0 */
/* Contracts may speak of the asynchronous Component Model; a component of a flow cannot use it. */
#include "host/check_internal.h"

/* "stream", "future", "error-context", "async", or NULL. */
static const char *async_part(const struct tvn_type *type)
{
    if (!type || !type->has_async) {
        return NULL;
    }
    if (type->kind == TVN_TYPE_STREAM || type->kind == TVN_TYPE_FUTURE) {
        return type->kind == TVN_TYPE_STREAM ? "stream" : "future";
    }
    if (type->kind == TVN_TYPE_ERROR_CONTEXT) {
        return "error-context";
    }
    const char *found = async_part(type->element);
    found = found ? found : async_part(type->error);
    for (uint32_t i = 0; i < type->field_count && !found; i++) { /* depth: TVN_TYPE_DEPTH_MAX */
        found = async_part(type->fields[i].type);
    }
    return found;
}

static const char *async_part_of_func(const struct tvn_func *func)
{
    const char *found = func->type.is_async ? "async" : async_part(func->type.result);
    for (uint32_t i = 0; i < func->type.param_count && !found; i++) {
        found = async_part(func->type.params[i].type);
    }
    return found;
}

static enum tvn_status check_func(struct check *check, const struct check_component *component,
                                  const struct tvn_func *func)
{
    const char *found = async_part_of_func(func);
    if (!found) {
        return TVN_OK;
    }
    (void)tvn_diag_error(check->sink, TVN_E_WORLD_INCOMPLETE, func->span,
                         "function '%.*s' of component '%s' needs '%s', which is not supported",
                         TVN_STR_ARG(func->name), component->declared->name, found);
    tvn_diag_note(check->sink, "it belongs to the asynchronous Component Model (WASI 0.3)");
    tvn_diag_help(check->sink, "use functions and types of WASI 0.2; elements of a flow stream "
                               "through Torvyn itself");
    return TVN_E_WORLD_INCOMPLETE;
}

static enum tvn_status check_items(struct check *check, const struct check_component *component,
                                   const struct tvn_world_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i].kind == TVN_WORLD_FUNC) {
            TVN_TRY(check_func(check, component, items[i].func));
        }
        for (size_t k = 0;
             items[i].kind == TVN_WORLD_INTERFACE && k < items[i].interface->func_count; k++) {
            TVN_TRY(check_func(check, component, &items[i].interface->funcs[k]));
        }
    }
    return TVN_OK;
}

enum tvn_status check_async(struct check *check, const struct check_component *component)
{
    const struct tvn_world *world = component->world;
    TVN_TRY(check_items(check, component, world->imports, world->import_count));
    return check_items(check, component, world->exports, world->export_count);
}
