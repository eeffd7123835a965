/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a component: one error with a place in the file, or a document whose every index is
 * inside its index space and whose world can be printed.
 */
#include "base/assert.h"
#include "component/component.h"
#include "contracts/wit.h"

#define PRINT_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct check {
    const struct tvn_document *document;
    const struct tvn_definition *definition;
    uint32_t seen[TVN_SORT_COUNT]; /* items that definitions have added so far, at least */
};

static void check_index(const struct check *check, enum tvn_sort sort, uint32_t index)
{
    tvn_assert(index < check->definition->counts[sort]);
}

static void check_optional(const struct check *check, enum tvn_sort sort, uint32_t index)
{
    if (index != TVN_INDEX_NONE) {
        check_index(check, sort, index);
    }
}

static void check_name(const struct check *check, struct tvn_str name)
{
    const char *start = (const char *)check->document->bytes;
    tvn_assert(name.len == 0 ||
               (name.ptr >= start && name.ptr + name.len <= start + check->document->length));
}

static void check_bindings(const struct check *check, const struct tvn_binding *items,
                           uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        check_name(check, items[i].name);
        check_index(check, items[i].sort, items[i].index);
    }
}

static void check_options(const struct check *check, const struct tvn_canon_options *options)
{
    check_optional(check, TVN_SORT_CORE_MEMORY, options->memory);
    check_optional(check, TVN_SORT_CORE_FUNC, options->realloc);
    check_optional(check, TVN_SORT_CORE_FUNC, options->post_return);
}

static void check_resource(const struct check *check, const struct tvn_resource *resource)
{
    tvn_assert(resource && resource->index < check->document->resource_count);
}

static void check_type(const struct check *check, const struct tvn_extern *type)
{
    if (type->kind == TVN_EXTERN_RESOURCE) {
        check_resource(check, type->of.resource);
    } else if (type->kind == TVN_EXTERN_INSTANCE) {
        for (uint32_t i = 0; i < type->of.instance->export_count; i++) {
            const struct tvn_extern_item *item = &type->of.instance->exports[i];
            check_name(check, item->name);
            tvn_assert(tvn_instance_type_find(type->of.instance, item->name) == item);
        }
    }
}

static void check_definition(const struct tvn_document *document,
                             const struct tvn_definition *definition, unsigned depth);

static void check_outer(const struct check *check, const struct tvn_def *def)
{
    const struct tvn_definition *outer = check->definition;
    for (uint32_t i = 0; i < def->of.outer.depth; i++) {
        tvn_assert(outer->parent);
        outer = outer->parent;
    }
    tvn_assert(def->of.outer.index < outer->counts[def->sort]);
}

static void check_canon(const struct check *check, const struct tvn_def *def)
{
    if (def->kind == TVN_DEF_CANON_LIFT) {
        check_index(check, TVN_SORT_CORE_FUNC, def->of.lift.core_func);
        check_options(check, &def->of.lift.options);
        tvn_assert(def->of.lift.type == def->type.of.func);
    } else if (def->kind == TVN_DEF_CANON_LOWER) {
        check_index(check, TVN_SORT_FUNC, def->of.lower.func);
        check_options(check, &def->of.lower.options);
        tvn_assert(def->of.lower.type);
    } else {
        check_resource(check, def->of.canon_resource);
    }
}

static void check_def(const struct check *check, const struct tvn_def *def, unsigned depth)
{
    switch (def->kind) {
    case TVN_DEF_CORE_MODULE:
        tvn_assert(def->of.core_module < check->document->module_count);
        break;
    case TVN_DEF_CORE_INSTANTIATE:
        check_index(check, TVN_SORT_CORE_MODULE, def->of.core_instantiate.module);
        check_bindings(check, def->of.core_instantiate.args, def->of.core_instantiate.arg_count);
        break;
    case TVN_DEF_CORE_INSTANCE_EXPORTS:
    case TVN_DEF_INSTANCE_EXPORTS:
        check_bindings(check, def->of.exports.items, def->of.exports.count);
        break;
    case TVN_DEF_COMPONENT:
        check_definition(check->document, def->of.component, depth + 1);
        break;
    case TVN_DEF_INSTANTIATE:
        check_index(check, TVN_SORT_COMPONENT, def->of.instantiate.component);
        check_bindings(check, def->of.instantiate.args, def->of.instantiate.arg_count);
        break;
    case TVN_DEF_ALIAS_EXPORT:
        check_index(check, TVN_SORT_INSTANCE, def->of.alias.instance);
        break;
    case TVN_DEF_ALIAS_CORE_EXPORT:
        check_index(check, TVN_SORT_CORE_INSTANCE, def->of.alias.instance);
        break;
    case TVN_DEF_ALIAS_OUTER:
        check_outer(check, def);
        break;
    case TVN_DEF_RESOURCE:
        check_resource(check, def->of.resource.resource);
        check_optional(check, TVN_SORT_CORE_FUNC, def->of.resource.destructor);
        break;
    case TVN_DEF_CANON_LIFT:
    case TVN_DEF_CANON_LOWER:
    case TVN_DEF_CANON_RESOURCE_NEW:
    case TVN_DEF_CANON_RESOURCE_REP:
    case TVN_DEF_CANON_RESOURCE_DROP:
        check_canon(check, def);
        break;
    case TVN_DEF_IMPORT:
        check_name(check, def->of.import.name);
        break;
    case TVN_DEF_EXPORT:
        check_name(check, def->of.export.name);
        check_index(check, def->sort, def->of.export.item);
        break;
    }
}

static void check_definition(const struct tvn_document *document,
                             const struct tvn_definition *definition, unsigned depth)
{
    struct check check = {.document = document, .definition = definition};
    tvn_assert(depth <= 100);
    for (uint32_t i = 0; i < definition->def_count; i++) {
        const struct tvn_def *def = &definition->defs[i];
        tvn_assert(def->sort < TVN_SORT_COUNT);
        check_index(&check, def->sort, def->index);
        tvn_assert(def->index >= check.seen[def->sort]); /* in order; types may lie between */
        check.seen[def->sort] = def->index + 1;
        tvn_assert(def->offset < document->length);
        check_type(&check, &def->type);
        check_def(&check, def, depth);
    }
}

static void check_errors(const struct tvn_diag_sink *sink, size_t size)
{
    tvn_assert(tvn_diag_error_count(sink) == 1);
    const struct tvn_diagnostic *diagnostic = tvn_diag_at(sink, 0);
    tvn_assert(diagnostic->code == TVN_E_COMPONENT_INVALID ||
               diagnostic->code == TVN_E_COMPONENT_TOO_COMPLEX);
    tvn_assert(diagnostic->primary.span.file == 1);
    tvn_assert(diagnostic->primary.span.offset <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    TVN_AUTO(tvn_component) component = NULL;
    if (!sink) {
        return 0;
    }
    uint32_t file = tvn_diag_add_binary_source(sink, "fuzz.wasm");
    enum tvn_status status = tvn_component_decode(data, size, file, sink, &component);
    tvn_assert((status == TVN_OK) == (component != NULL));
    if (!component) {
        check_errors(sink, size);
        return 0;
    }
    const struct tvn_document *document = tvn_component_document(component);
    check_definition(document, document->root, 0);
    TVN_AUTO_VALUE(tvn_strbuf) text;
    tvn_strbuf_init(&text, PRINT_MAX);
    tvn_wit_print_world(tvn_component_world(component), &text);
    return 0;
}
