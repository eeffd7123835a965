/* SPDX-License-Identifier: Apache-2.0 */
#include "component/host.h"
#include "contracts/compat.h"
#include "host/link_wasi_internal.h"
#include "wasi/wasi.h"

static void note_type(struct tvn_diag_sink *sink, const char *who, const struct tvn_func *func)
{
    TVN_AUTO_VALUE(tvn_strbuf) shape = {0};
    tvn_func_type_print(&func->type, &shape);
    tvn_diag_note(sink, "%s %s", who, tvn_strbuf_text(&shape));
}

/* In the words of the component runtime, which would refuse the same. */
static enum tvn_status check_import(const struct tvn_world_item *item,
                                    const struct tvn_imports *imports, struct tvn_diag_sink *sink)
{
    const struct tvn_interface *used = item->interface;
    const struct tvn_interface *offered = tvn_imports_interface(imports, item->name);
    if (!offered) {
        bool empty = used->func_count == 0 && used->type_count == 0;
        return empty ? TVN_OK
                     : tvn_diag_error(sink, TVN_E_IMPORT_UNKNOWN, item->span,
                                      "the component imports '%.*s', which nobody provides",
                                      TVN_STR_ARG(item->name));
    }
    struct tvn_contract_difference difference = tvn_contract_compare(used, offered);
    if (difference.fault == TVN_CONTRACT_FUNC_MISSING) {
        return tvn_diag_error(sink, TVN_E_IMPORT_UNKNOWN, item->span,
                              "'%.*s' has no function '%.*s'", TVN_STR_ARG(offered->id),
                              TVN_STR_ARG(difference.used->name));
    }
    if (difference.fault == TVN_CONTRACT_FUNC_DIFFERS) {
        (void)tvn_diag_error(
            sink, TVN_E_IMPORT_UNKNOWN, item->span,
            "the component imports '%.*s#%.*s' with another type than Torvyn provides",
            TVN_STR_ARG(offered->id), TVN_STR_ARG(difference.used->name));
        note_type(sink, "the component expects", difference.used);
        note_type(sink, "Torvyn provides", difference.offered);
        return TVN_E_IMPORT_UNKNOWN;
    }
    return TVN_OK;
}

static enum tvn_status check_component(const struct tvn_component *component,
                                       const struct tvn_imports *imports,
                                       struct tvn_diag_sink *sink)
{
    const struct tvn_world *world = tvn_component_world(component);
    for (size_t i = 0; i < world->import_count; i++) {
        const struct tvn_world_item *item = &world->imports[i];
        if (item->kind == TVN_WORLD_INTERFACE &&
            tvn_str_starts_with(item->name, TVN_STR("wasi:"))) {
            TVN_TRY(check_import(item, imports, sink));
        }
    }
    return TVN_OK;
}

enum tvn_status link_wasi_check(const struct tvn_link *link, struct tvn_diag_sink *sink)
{
    struct tvn_wasi_world *world = NULL;
    struct tvn_imports *imports = tvn_imports_create();
    enum tvn_status result =
        imports ? tvn_wasi_add_imports(imports, 0, &world) : TVN_E_OUT_OF_MEMORY;
    if (result != TVN_OK) {
        (void)tvn_diag_error(sink, tvn_status_fold(result), TVN_SPAN_NONE,
                             "no memory to link the flow");
    }
    enum tvn_status ready = result;
    for (uint32_t i = 0; ready == TVN_OK && i < link->component_count; i++) {
        enum tvn_status status = check_component(link->components[i].component, imports, sink);
        result = result == TVN_OK ? status : result;
    }
    tvn_imports_destroy(imports);
    tvn_wasi_world_destroy(world);
    return tvn_status_fold(result);
}
