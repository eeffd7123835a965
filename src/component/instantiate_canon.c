/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical definitions: lifted functions, lowered functions, resource built-ins. */
#include "base/assert.h"
#include "base/num.h"
#include "component/canon_internal.h"

/* One guest_mem per memory, so that its cached size is shared by all who use it. */
static enum tvn_status open_memory(struct tvn_instance *instance, const struct tvn_rt_scope *scope,
                                   uint32_t index, struct tvn_guest_mem **out_mem)
{
    *out_mem = NULL;
    if (index == TVN_INDEX_NONE) {
        return TVN_OK;
    }
    const struct tvn_core_item *core =
        &tvn_rt_scope_item(scope, TVN_SORT_CORE_MEMORY, index)->of.core;
    for (uint32_t i = 0; i < instance->mem_count; i++) {
        if (memcmp(&instance->mems[i]->memory, &core->of.memory, sizeof(core->of.memory)) == 0) {
            *out_mem = instance->mems[i];
            return TVN_OK;
        }
    }
    struct tvn_guest_mem *mem = TVN_ARENA_NEW(instance->arena, struct tvn_guest_mem);
    if (!mem) {
        return tvn_instantiate_no_memory(instance);
    }
    tvn_core_memory_open(instance, core, mem);
    if (instance->mem_count <
        TVN_GUEST_MEMS_MAX) { /* more images than memories only cost sharing */
        instance->mems[instance->mem_count++] = mem;
    }
    *out_mem = mem;
    return TVN_OK;
}

static bool must_check(const struct tvn_instance *instance)
{
    return !atomic_load_explicit(&instance->component->checked_signatures, memory_order_relaxed);
}

/* A core function that an option names, of a given type. */
static enum tvn_status option_func(struct tvn_instance *instance, const struct tvn_rt_scope *scope,
                                   uint32_t index, const struct tvn_core_signature *signature,
                                   const char *what, struct tvn_core_func *out_func,
                                   bool *out_has_func)
{
    *out_has_func = index != TVN_INDEX_NONE;
    if (!*out_has_func) {
        return TVN_OK;
    }
    *out_func = tvn_rt_scope_item(scope, TVN_SORT_CORE_FUNC, index)->of.core.of.func;
    if (must_check(instance) && !tvn_core_func_has_signature(instance, out_func, signature)) {
        return tvn_instantiate_broken(instance, what);
    }
    return TVN_OK;
}

static enum tvn_status option_realloc(struct tvn_instance *instance,
                                      const struct tvn_rt_scope *scope, uint32_t index,
                                      struct tvn_core_func *out_func, bool *out_has_func)
{
    static const struct tvn_core_signature signature = {
        .params = {TVN_CORE_I32, TVN_CORE_I32, TVN_CORE_I32, TVN_CORE_I32},
        .param_count = 4,
        .results = {TVN_CORE_I32},
        .result_count = 1,
    };
    return option_func(instance, scope, index, &signature, "realloc has the wrong core type",
                       out_func, out_has_func);
}

static enum tvn_status lift(struct tvn_instance *instance, struct tvn_rt_scope *scope,
                            const struct tvn_def *def, struct tvn_item *out_item)
{
    const struct tvn_func_type *type = def->of.lift.type;
    const struct tvn_canon_options *options = &def->of.lift.options;
    struct tvn_lifted *lifted = TVN_ARENA_NEW(instance->arena, struct tvn_lifted);
    struct tvn_rt_func *func = TVN_ARENA_NEW(instance->arena, struct tvn_rt_func);
    if (!lifted || !func) {
        return tvn_instantiate_no_memory(instance);
    }
    struct tvn_core_signature signature;
    tvn_func_lift_signature(type, &signature);
    struct tvn_export *export = &lifted->export;
    *export = (struct tvn_export){
        .guest = &scope->guest,
        .type = type,
        .params_spill = tvn_func_flat_params(type) > TVN_TYPE_FLAT_MAX,
        .result_spill = tvn_func_flat_results(type) > 1,
        .slot_count = (uint8_t)tvn_max(signature.param_count, signature.result_count),
        .string_encoding = options->string_encoding,
    };
    bool has_core;
    TVN_TRY(option_func(instance, scope, def->of.lift.core_func, &signature,
                        "a lifted function has the wrong core type", &export->core, &has_core));
    TVN_TRY(open_memory(instance, scope, options->memory, &export->mem));
    TVN_TRY(
        option_realloc(instance, scope, options->realloc, &export->realloc, &export->has_realloc));
    struct tvn_core_signature post_return = {.param_count = signature.result_count};
    post_return.params[0] = signature.results[0];
    TVN_TRY(option_func(instance, scope, options->post_return, &post_return,
                        "post-return has the wrong core type", &export->post_return,
                        &export->has_post_return));
    lifted->scope = scope;
    lifted->next = instance->lifted;
    instance->lifted = lifted;
    func->lifted = lifted;
    out_item->of.func = func;
    return TVN_OK;
}

static enum tvn_status create_lowered(struct tvn_instance *instance, struct tvn_rt_scope *scope,
                                      const struct tvn_def *def, const struct tvn_rt_func *func,
                                      struct tvn_site **out_site, struct tvn_item *out_item)
{
    struct tvn_site *site = TVN_ARENA_NEW(instance->arena, struct tvn_site);
    if (!site) {
        return tvn_instantiate_no_memory(instance);
    }
    site->site = (struct tvn_call_site){
        .guest = &scope->guest,
        .instance = instance,
        .type = def->of.lower.type,
        .string_encoding = def->of.lower.options.string_encoding,
    };
    site->scope = scope;
    tvn_raw_func callback = tvn_guest_call_raw;
    if (func->host) {
        const struct tvn_host_func *host = func->host->func;
        site->site.host = instance->contexts[func->host->context];
        site->site.name = func->host->name;
        site->site.impl = host;
        site->dynamic = host;
        callback = host->raw ? host->raw : tvn_dynamic_raw;
    } else {
        site->callee = func->lifted;
    }
    struct tvn_core_signature signature;
    tvn_func_lower_signature(def->of.lower.type, &signature);
    out_item->of.core.kind = TVN_CORE_EXTERN_FUNC;
    tvn_core_func_create(instance, &signature, callback, site, &out_item->of.core.of.func);
    *out_site = site;
    return TVN_OK;
}

const struct tvn_guest tvn_guest_of_empty_slot;

enum tvn_status tvn_instantiate_late(struct tvn_instance *instance, struct tvn_rt_scope *scope,
                                     const struct tvn_late_func *late,
                                     const struct tvn_rt_func *func, struct tvn_item *out_item)
{
    struct tvn_site *site;
    TVN_TRY(create_lowered(instance, scope, late->lower, func, &site, out_item));
    site->site.guest = (struct tvn_guest *)&tvn_guest_of_empty_slot;
    scope->late[late->number] = site;
    return TVN_OK;
}

static enum tvn_status lower(struct tvn_instance *instance, struct tvn_rt_scope *scope,
                             const struct tvn_def *def, struct tvn_item *out_item)
{
    const struct tvn_late_func *late = scope->late ? def->of.lower.late : NULL;
    const struct tvn_canon_options *options = &def->of.lower.options;
    struct tvn_site *site;
    if (late) {
        site = scope->late[late->number];
        *out_item = *tvn_rt_scope_item(scope, TVN_SORT_CORE_FUNC, late->alias);
    } else {
        const struct tvn_item *func = tvn_rt_scope_item(scope, TVN_SORT_FUNC, def->of.lower.func);
        TVN_TRY(create_lowered(instance, scope, def, func->of.func, &site, out_item));
    }
    TVN_TRY(open_memory(instance, scope, options->memory, &site->site.mem));
    TVN_TRY(option_realloc(instance, scope, options->realloc, &site->site.realloc,
                           &site->site.has_realloc));
    site->site.guest = &scope->guest;
    return TVN_OK;
}

static enum tvn_status resource_builtin(struct tvn_instance *instance, struct tvn_rt_scope *scope,
                                        const struct tvn_def *def, struct tvn_item *out_item)
{
    const struct tvn_resource_rt *type = tvn_rt_scope_resource(scope, def->of.canon_resource);
    struct tvn_resource_site *site = TVN_ARENA_NEW(instance->arena, struct tvn_resource_site);
    if (!site) {
        return tvn_instantiate_no_memory(instance);
    }
    if (!type) {
        return tvn_instantiate_broken(instance, "a resource built-in has no resource");
    }
    site->site = (struct tvn_call_site){
        .guest = &scope->guest,
        .instance = instance,
        .host = type->guest ? NULL : instance->contexts[type->context],
        .name = NULL,
    };
    site->type = type;
    struct tvn_core_signature signature = {
        .params = {TVN_CORE_I32}, .param_count = 1, .results = {TVN_CORE_I32}, .result_count = 1};
    tvn_raw_func callback = tvn_resource_new_raw;
    if (def->kind == TVN_DEF_CANON_RESOURCE_REP) {
        callback = tvn_resource_rep_raw;
    } else if (def->kind == TVN_DEF_CANON_RESOURCE_DROP) {
        callback = tvn_resource_drop_raw;
        signature.result_count = 0;
    }
    out_item->of.core.kind = TVN_CORE_EXTERN_FUNC;
    tvn_core_func_create(instance, &signature, callback, site, &out_item->of.core.of.func);
    return TVN_OK;
}

enum tvn_status tvn_instantiate_canon(struct tvn_instance *instance, struct tvn_rt_scope *scope,
                                      const struct tvn_def *def, struct tvn_item *out_item)
{
    if (def->kind == TVN_DEF_CANON_LIFT) {
        return lift(instance, scope, def, out_item);
    }
    if (def->kind == TVN_DEF_CANON_LOWER) {
        return lower(instance, scope, def, out_item);
    }
    return resource_builtin(instance, scope, def, out_item);
}
