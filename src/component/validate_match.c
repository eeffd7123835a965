/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subtyping: what may be given where something is asked for. Instances and modules may have more
 * exports and fewer imports than asked for; everything else must be equal.
 */
#include "base/assert.h"
#include "component/decode_internal.h"

#include <stdio.h>

#define TYPE_TEXT_MAX 160

static TVN_PRINTF(2, 3) enum tvn_status
    mismatch(const struct tvn_match *match, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return tvn_decode_invalid(match->substitution->context, match->offset, "%s '%.*s': %s",
                              match->what, TVN_DECODE_NAME(match->name), text);
}

enum tvn_status tvn_match_open(struct tvn_match *match, struct tvn_resource_list list)
{
    for (uint32_t i = 0; i < list.count; i++) {
        enum tvn_status status = tvn_pointer_map_set(&match->open, list.items[i], list.items[i]);
        if (status != TVN_OK) {
            return tvn_decode_folded(match->substitution->context, status, match->offset,
                                     "resources");
        }
    }
    return TVN_OK;
}

/* Comparing costs as much as the smaller one is large. */
static enum tvn_status charge(const struct tvn_match *match, uint32_t nodes_a, uint32_t nodes_b)
{
    return tvn_decode_charge(match->substitution->context, match->offset,
                             nodes_a < nodes_b ? nodes_a : nodes_b);
}

static enum tvn_status match_value(struct tvn_match *match, const struct tvn_type *actual,
                                   const struct tvn_type *expected)
{
    const struct tvn_type *type = NULL;
    TVN_TRY(tvn_substitute_type(match->substitution, expected, &type));
    TVN_TRY(charge(match, tvn_value_type_nodes(actual), tvn_value_type_nodes(type)));
    if (!tvn_type_equal(actual, type, NULL, NULL)) {
        TVN_AUTO_VALUE(tvn_strbuf) found = {.max = TYPE_TEXT_MAX};
        TVN_AUTO_VALUE(tvn_strbuf) wanted = {.max = TYPE_TEXT_MAX};
        tvn_type_print(actual, &found);
        tvn_type_print(type, &wanted);
        return mismatch(match, "type mismatch: expected %s, found %s", tvn_strbuf_text(&wanted),
                        tvn_strbuf_text(&found));
    }
    if (actual == expected || !tvn_value_type_of(expected)) {
        return TVN_OK;
    }
    return tvn_substitution_add(match->substitution, expected, actual);
}

static enum tvn_status match_func(struct tvn_match *match, const struct tvn_func_type *actual,
                                  const struct tvn_func_type *expected)
{
    const struct tvn_func_type *type = NULL;
    TVN_TRY(tvn_substitute_func(match->substitution, expected, &type));
    if (actual == type) {
        return TVN_OK;
    }
    TVN_TRY(charge(match, tvn_function_type_of(actual)->nodes, tvn_function_type_of(type)->nodes));
    if (tvn_func_type_equal(actual, type, NULL, NULL)) {
        return TVN_OK;
    }
    TVN_AUTO_VALUE(tvn_strbuf) found = {.max = TYPE_TEXT_MAX};
    TVN_AUTO_VALUE(tvn_strbuf) wanted = {.max = TYPE_TEXT_MAX};
    tvn_func_type_print(actual, &found);
    tvn_func_type_print(type, &wanted);
    return mismatch(match, "expected %s, found %s%s", tvn_strbuf_text(&wanted),
                    tvn_strbuf_text(&found),
                    tvn_str_equal(tvn_strbuf_view(&wanted), tvn_strbuf_view(&found))
                        ? " with other resource types"
                        : "");
}

static enum tvn_status match_resource(struct tvn_match *match, const struct tvn_extern *actual,
                                      const struct tvn_extern *expected)
{
    struct tvn_substitution *substitution = match->substitution;
    const struct tvn_resource *resource = expected->of.resource;
    bool bound = tvn_pointer_map_get(&substitution->map, resource) != NULL;
    if (!bound && tvn_pointer_map_get(&match->open, resource)) {
        TVN_TRY(tvn_substitution_add(substitution, resource, actual->of.resource));
    } else if (tvn_substitute_resource(substitution, resource) != actual->of.resource) {
        return mismatch(match, "resource types are not the same");
    }
    return tvn_substitution_add(substitution, expected->name_identity, actual->name_identity);
}

static enum tvn_status match_module(struct tvn_match *match,
                                    const struct tvn_core_module_type *actual,
                                    const struct tvn_core_module_type *expected)
{
    const struct tvn_core_module_index *actual_index = (const struct tvn_core_module_index *)actual;
    const struct tvn_core_module_index *expected_index =
        (const struct tvn_core_module_index *)expected;
    TVN_TRY(tvn_decode_charge(match->substitution->context, match->offset,
                              1 + (uint64_t)actual->import_count + expected->export_count));
    for (uint32_t i = 0; i < actual->import_count; i++) {
        const struct tvn_core_extern *import = &actual->imports[i];
        const struct tvn_core_extern *given =
            tvn_core_module_find_import(expected_index, import->module, import->name);
        if (!given || !tvn_core_extern_matches(given, import)) {
            return mismatch(match, "%s core import '%.*s' '%.*s'",
                            given ? "type mismatch in" : "the module has an unexpected",
                            TVN_DECODE_NAME(import->module), TVN_DECODE_NAME(import->name));
        }
    }
    for (uint32_t i = 0; i < expected->export_count; i++) {
        const struct tvn_core_extern *export = &expected->exports[i];
        const struct tvn_core_extern *given =
            tvn_core_module_find_export(actual_index, export->name);
        if (!given || !tvn_core_extern_matches(given, export)) {
            return mismatch(match, "%s core export '%.*s'",
                            given ? "type mismatch in" : "missing expected",
                            TVN_DECODE_NAME(export->name));
        }
    }
    return TVN_OK;
}

static enum tvn_status match_instance(struct tvn_match *match,
                                      const struct tvn_instance_type *actual,
                                      const struct tvn_instance_type *expected)
{
    for (uint32_t i = 0; i < expected->export_count; i++) {
        const struct tvn_extern_item *item = &expected->exports[i];
        const struct tvn_extern_item *given = tvn_instance_type_find(actual, item->name);
        if (!given) {
            return mismatch(match, "missing expected export '%.*s'", TVN_DECODE_NAME(item->name));
        }
        TVN_TRY(tvn_decode_charge(match->substitution->context, match->offset, 1));
        TVN_TRY(tvn_match_extern(match, &given->type, &item->type));
    }
    return TVN_OK;
}

/* A comparison of its own: resources bound in it stay in it. */
static struct tvn_match nested(const struct tvn_match *match, struct tvn_substitution *substitution)
{
    tvn_substitution_init(substitution, match->substitution->context, match->offset);
    return (struct tvn_match){.substitution = substitution,
                              .what = match->what,
                              .name = match->name,
                              .offset = match->offset,
                              .depth = match->depth + 1};
}

/* What `actual` imports must be among what `expected` gets; afterwards its resources are bound. */
static enum tvn_status match_imports(struct tvn_match *match,
                                     const struct tvn_component_type *actual,
                                     const struct tvn_component_type *expected)
{
    TVN_TRY(tvn_match_open(match, tvn_signature_of(actual)->import_fresh));
    for (uint32_t i = 0; i < actual->import_count; i++) {
        const struct tvn_extern_item *item = &actual->imports[i];
        const struct tvn_extern_item *given = tvn_signature_find_import(expected, item->name);
        if (!given) {
            return mismatch(match, "the component has an unexpected import '%.*s'",
                            TVN_DECODE_NAME(item->name));
        }
        TVN_TRY(tvn_match_extern(match, &given->type, &item->type));
    }
    return TVN_OK;
}

static enum tvn_status match_exports(struct tvn_match *match, struct tvn_substitution *actual_side,
                                     const struct tvn_component_type *actual,
                                     const struct tvn_component_type *expected)
{
    TVN_TRY(tvn_match_open(match, tvn_signature_of(expected)->export_fresh));
    for (uint32_t i = 0; i < expected->export_count; i++) {
        const struct tvn_extern_item *item = &expected->exports[i];
        const struct tvn_extern_item *found = tvn_signature_find_export(actual, item->name);
        if (!found) {
            return mismatch(match, "missing expected export '%.*s'", TVN_DECODE_NAME(item->name));
        }
        struct tvn_extern given = {0};
        TVN_TRY(tvn_substitute_extern(actual_side, &found->type, &given));
        TVN_TRY(tvn_match_extern(match, &given, &item->type));
    }
    return TVN_OK;
}

static enum tvn_status match_component(struct tvn_match *match,
                                       const struct tvn_component_type *actual,
                                       const struct tvn_component_type *expected)
{
    if (actual == expected) {
        return TVN_OK;
    }
    struct tvn_substitution actual_side;
    struct tvn_substitution expected_side;
    struct tvn_match imports = nested(match, &actual_side);
    struct tvn_match exports = nested(match, &expected_side);
    enum tvn_status status = match_imports(&imports, actual, expected);
    if (status == TVN_OK) {
        status = match_exports(&exports, &actual_side, actual, expected);
    }
    tvn_pointer_map_deinit(&imports.open);
    tvn_pointer_map_deinit(&exports.open);
    tvn_substitution_deinit(&actual_side);
    tvn_substitution_deinit(&expected_side);
    return status;
}

/* One direction of the equality of instance types. */
static enum tvn_status match_instance_type(struct tvn_match *match,
                                           const struct tvn_instance_type *actual,
                                           const struct tvn_instance_type *expected)
{
    struct tvn_substitution substitution;
    struct tvn_match inner = nested(match, &substitution);
    enum tvn_status status = tvn_match_open(&inner, tvn_interface_type_of(expected)->fresh);
    if (status == TVN_OK) {
        status = match_instance(&inner, actual, expected);
    }
    tvn_pointer_map_deinit(&inner.open);
    tvn_substitution_deinit(&substitution);
    return status;
}

/* Types as such (`eq` bounds) must be equal: each must do for the other. */
static enum tvn_status match_type(struct tvn_match *match, const struct tvn_extern *actual,
                                  const struct tvn_extern *expected)
{
    if (expected->kind == TVN_EXTERN_INSTANCE_TYPE) {
        if (actual->of.instance == expected->of.instance) {
            return TVN_OK;
        }
        TVN_TRY(match_instance_type(match, actual->of.instance, expected->of.instance));
        return match_instance_type(match, expected->of.instance, actual->of.instance);
    }
    TVN_TRY(match_component(match, actual->of.component, expected->of.component));
    return match_component(match, expected->of.component, actual->of.component);
}

enum tvn_status tvn_match_extern(struct tvn_match *match, const struct tvn_extern *actual,
                                 const struct tvn_extern *expected)
{
    if (match->depth > TVN_COMPONENT_NESTING_MAX) {
        return tvn_decode_fail(match->substitution->context, TVN_E_COMPONENT_TOO_COMPLEX,
                               match->offset, "types are nested more than %d deep",
                               TVN_COMPONENT_NESTING_MAX);
    }
    if (actual->kind != expected->kind) {
        return mismatch(match, "expected %s, found %s", tvn_extern_kind_name(expected->kind),
                        tvn_extern_kind_name(actual->kind));
    }
    struct tvn_extern wanted = *expected;
    switch (expected->kind) {
    case TVN_EXTERN_CORE_MODULE:
        return match_module(match, actual->of.core_module, expected->of.core_module);
    case TVN_EXTERN_FUNC:
    case TVN_EXTERN_FUNC_TYPE:
        return match_func(match, actual->of.func, expected->of.func);
    case TVN_EXTERN_VALUE_TYPE:
        return match_value(match, actual->of.value_type, expected->of.value_type);
    case TVN_EXTERN_RESOURCE:
        return match_resource(match, actual, expected);
    case TVN_EXTERN_INSTANCE:
        match->depth++;
        TVN_TRY(match_instance(match, actual->of.instance, expected->of.instance));
        match->depth--;
        return TVN_OK;
    case TVN_EXTERN_COMPONENT:
        TVN_TRY(tvn_substitute_extern(match->substitution, expected, &wanted));
        return match_component(match, actual->of.component, wanted.of.component);
    case TVN_EXTERN_COMPONENT_TYPE:
    case TVN_EXTERN_INSTANCE_TYPE:
        TVN_TRY(tvn_substitute_extern(match->substitution, expected, &wanted));
        return match_type(match, actual, &wanted);
    }
    tvn_unreachable();
}

static enum tvn_status freshen_identities(struct tvn_substitution *substitution,
                                          const struct tvn_instance_type *type)
{
    TVN_TRY(tvn_decode_charge(substitution->context, substitution->offset,
                              1 + (uint64_t)type->export_count));
    for (uint32_t i = 0; i < type->export_count; i++) {
        const struct tvn_extern *item = &type->exports[i].type;
        if (item->kind == TVN_EXTERN_INSTANCE) {
            TVN_TRY(freshen_identities(substitution, item->of.instance));
        } else if (item->kind == TVN_EXTERN_RESOURCE) {
            const struct tvn_name_identity *of = item->name_identity->of;
            const struct tvn_name_identity *now =
                of ? tvn_pointer_map_get(&substitution->map, of) : NULL;
            const struct tvn_name_identity *identity =
                tvn_identity_create(substitution->context, now ? now : of);
            if (!identity) {
                return tvn_decode_failure(substitution->context);
            }
            TVN_TRY(tvn_substitution_add(substitution, item->name_identity, identity));
        }
    }
    return TVN_OK;
}

enum tvn_status tvn_freshen_instance(struct tvn_decoder *decoder, uint32_t offset,
                                     const struct tvn_instance_type *type,
                                     const struct tvn_instance_type **out_type)
{
    const struct tvn_resource_list *fresh = &tvn_interface_type_of(type)->fresh;
    if (fresh->count == 0) {
        *out_type = type;
        return TVN_OK;
    }
    TVN_AUTO_VALUE(tvn_substitution) substitution;
    tvn_substitution_init(&substitution, &decoder->context, offset);
    for (uint32_t i = 0; i < fresh->count; i++) {
        const struct tvn_resource *made;
        TVN_TRY(tvn_resource_create(decoder, fresh->items[i]->name, &made));
        TVN_TRY(tvn_substitution_add(&substitution, fresh->items[i], made));
    }
    TVN_TRY(freshen_identities(&substitution, type));
    const struct tvn_extern item = {.kind = TVN_EXTERN_INSTANCE, .of.instance = type};
    struct tvn_extern freshened = {0};
    TVN_TRY(tvn_substitute_extern(&substitution, &item, &freshened));
    *out_type = freshened.of.instance;
    return TVN_OK;
}
