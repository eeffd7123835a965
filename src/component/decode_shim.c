/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds lowered functions that are called through a shim.
 *
 * A component's main module needs its imports before it exists, the options of `canon lower` need
 * the main module's memory. So wit-component puts a module in between, the shim, whose function k
 * does nothing but call entry k of the shim's table, and a module, the fixups, whose element
 * segment puts the lowered functions into that table. Where nobody else has the table and nothing
 * can run between the lowering and the fixups, an alias of the shim's function can be the lowered
 * function itself: struct tvn_late_func. Whatever does not match exactly is left as it is.
 */
#include "component/decode_internal.h"

struct graph {
    struct tvn_scope *scope;
    struct tvn_def *defs;
    struct tvn_def *end;
    struct tvn_def *shim;
    struct tvn_def *fixups;
    const struct tvn_def *last_effect; /* nothing runs between this one and the fixups */
    const struct tvn_core_module_type *shim_type;
    const struct tvn_core_extern *imports; /* of the fixups: the functions, then the table */
    const struct tvn_binding *actual;      /* what these functions are */
};

static struct tvn_def *made_by(const struct graph *graph, enum tvn_sort sort, uint32_t index)
{
    return &graph->defs[graph->scope->spaces[sort].items[index].def];
}

static const struct tvn_core_module_type *type_of(const struct graph *graph,
                                                  const struct tvn_def *def)
{
    return &graph->scope->spaces[TVN_SORT_CORE_INSTANCE].items[def->index].core_instance->type;
}

static bool takes(const struct tvn_def *def, uint32_t core_instance)
{
    for (uint32_t i = 0; i < def->of.core_instantiate.arg_count; i++) {
        if (def->of.core_instantiate.args[i].index == core_instance) {
            return true;
        }
    }
    return false;
}

/* The core instance that is given for the imports of a module name; the decoder found one. */
static uint32_t argument(const struct tvn_def *def, struct tvn_str module)
{
    const struct tvn_binding *arg = def->of.core_instantiate.args;
    while (!tvn_str_equal(arg->name, module)) {
        arg++;
    }
    return arg->index;
}

/* The first shim, and the only module that gets its instance, with its table: the fixups. */
static bool find_modules(struct graph *graph)
{
    for (struct tvn_def *def = graph->defs; def < graph->end; def++) {
        if (def->kind == TVN_DEF_CORE_INSTANTIATE && !graph->shim &&
            type_of(graph, def)->shape == TVN_CORE_SHAPE_SHIM) {
            graph->shim = def;
            graph->shim_type = type_of(graph, def);
        } else if (def->kind == TVN_DEF_CORE_INSTANTIATE && graph->shim &&
                   takes(def, graph->shim->index)) {
            if (graph->fixups) {
                return false;
            }
            graph->fixups = def;
        } else if (def->kind == TVN_DEF_CORE_INSTANTIATE || def->kind == TVN_DEF_INSTANTIATE) {
            graph->last_effect = graph->fixups ? graph->last_effect : def;
        } else if (def->kind == TVN_DEF_ALIAS_CORE_EXPORT && def->sort == TVN_SORT_CORE_TABLE &&
                   graph->shim && def->of.alias.instance == graph->shim->index) {
            return false;
        }
    }
    return graph->fixups != NULL;
}

/* The fixups import the shim's table, and functions that one bag holds in the same order. */
static bool match_fixups(struct graph *graph)
{
    const struct tvn_core_module_type *type = type_of(graph, graph->fixups);
    uint32_t slots = graph->shim_type->export_count - 1;
    bool starts = type->shape == TVN_CORE_SHAPE_FIXUPS_THAT_START;
    if ((type->shape != TVN_CORE_SHAPE_FIXUPS && !starts) ||
        type->import_count != slots + starts + 1 ||
        argument(graph->fixups, type->imports[slots + starts].module) != graph->shim->index) {
        return false;
    }
    const struct tvn_def *bag =
        made_by(graph, TVN_SORT_CORE_INSTANCE, argument(graph->fixups, type->imports[0].module));
    if (bag->kind != TVN_DEF_CORE_INSTANCE_EXPORTS || bag->of.exports.count != slots) {
        return false;
    }
    graph->imports = type->imports;
    graph->actual = bag->of.exports.items;
    for (uint32_t i = 0; i < slots; i++) {
        if (!tvn_str_equal(type->imports[i].module, type->imports[0].module) ||
            !tvn_str_equal(type->imports[i].name, graph->actual[i].name)) {
            return false;
        }
    }
    return true;
}

/* The canonical definition whose function is put into the slot that `alias` calls; NULL: it is
 * another kind of function, or none that could stand in for the alias. */
static struct tvn_def *find_lower(const struct graph *graph, const struct tvn_def *alias)
{
    uint32_t slot = 0;
    while (!tvn_str_equal(graph->shim_type->exports[slot].name, alias->of.alias.name)) {
        slot++; /* the decoder found it */
    }
    struct tvn_def *lower = made_by(graph, TVN_SORT_CORE_FUNC, graph->actual[slot].index);
    bool fits =
        lower->kind == TVN_DEF_CANON_LOWER && !lower->of.lower.late && lower > alias &&
        lower > graph->last_effect && lower < graph->fixups &&
        tvn_core_func_type_equal(graph->shim_type->exports[slot].func, graph->imports[slot].func);
    return fits ? lower : NULL;
}

/* False when the alias stays the shim's function, or memory is out, which is reported. */
static bool bind_alias(struct graph *graph, struct tvn_def *alias)
{
    struct tvn_def *lower = find_lower(graph, alias);
    if (!lower) {
        return false;
    }
    const struct tvn_def *func = made_by(graph, TVN_SORT_FUNC, lower->of.lower.func);
    if (func > alias && /* it must be possible to make it earlier, too */
        (func->kind != TVN_DEF_ALIAS_EXPORT ||
         made_by(graph, TVN_SORT_INSTANCE, func->of.alias.instance) > alias)) {
        return false;
    }
    struct tvn_late_func *late = TVN_DECODE_NEW(graph->scope->context, struct tvn_late_func);
    if (!late) {
        return false;
    }
    *late = (struct tvn_late_func){
        .lower = lower,
        .func = func > alias ? func : NULL,
        .alias = alias->index,
        .number = graph->scope->definition->late_count++,
    };
    alias->of.alias.late = late;
    lower->of.lower.late = late;
    return true;
}

enum tvn_status tvn_decode_shim(struct tvn_scope *scope, struct tvn_def *defs, uint32_t def_count)
{
    struct graph graph = {.scope = scope, .defs = defs, .end = defs + def_count};
    graph.last_effect = defs;
    if (!find_modules(&graph) || !match_fixups(&graph)) {
        return TVN_OK;
    }
    bool all = type_of(&graph, graph.fixups)->shape == TVN_CORE_SHAPE_FIXUPS;
    for (struct tvn_def *def = graph.shim; def < graph.end; def++) {
        if (def->kind == TVN_DEF_ALIAS_CORE_EXPORT && def->of.alias.instance == graph.shim->index) {
            all &= bind_alias(&graph, def);
        }
    }
    graph.shim->of.core_instantiate.only_for_late = all;
    graph.fixups->of.core_instantiate.only_for_late = all;
    return scope->context->failed;
}
