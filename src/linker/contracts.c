/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a component and this Torvyn mean the same by the contracts. Every component is compared
 * with the canonical contracts, so that two of them that pass fit each other as well: what one
 * emits is what the other takes.
 */
#include "contracts/canonical.h"
#include "contracts/compat.h"
#include "contracts/version_section.h"
#include "linker/link_internal.h"

/* One interface that a component and this Torvyn share. */
struct meeting {
    struct tvn_link_build *build;
    const struct tvn_link_stage *stage;
    const struct tvn_world_item *item;     /* of the component */
    const struct tvn_interface *canonical; /* Torvyn's */
    struct tvn_package_id package;         /* of the item's id */
    struct tvn_str needs;                  /* the section that the build wrote; "" without one */
    bool is_import;
};

static enum tvn_status load_contracts(struct tvn_link_build *build)
{
    if (build->contracts) {
        return TVN_OK;
    }
    build->contracts = tvn_wit_create();
    if (!build->contracts) {
        return tvn_diag_error(build->sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                              "no memory to link the flow");
    }
    TVN_TRY(tvn_contracts_add_canonical(build->contracts, build->sink));
    return tvn_wit_resolve(build->contracts, build->sink);
}

static void show_node(const struct meeting *meeting)
{
    struct tvn_span at =
        meeting->stage->node ? meeting->stage->node->component_span : meeting->stage->span;
    tvn_diag_related(meeting->build->sink, at, "used by node '%s'", meeting->stage->name);
}

/* ---- versions ---- */

/* The version of the same package that another component of the flow uses. */
static void note_neighbours(const struct meeting *meeting)
{
    const struct tvn_link *link = meeting->build->link;
    for (uint32_t i = 0; i < link->stage_count; i++) {
        const struct tvn_link_stage *other = &link->stages[i];
        if (!other->component || other->component == meeting->stage->component) {
            continue;
        }
        const struct tvn_world *world = tvn_component_world(other->component->component);
        for (size_t e = 0; e < world->export_count; e++) {
            struct tvn_package_id package;
            struct tvn_str name;
            if (tvn_interface_id_parse(world->exports[e].name, &package, &name) &&
                package.version.valid &&
                tvn_str_equal(package.namespace_name, meeting->package.namespace_name) &&
                tvn_str_equal(package.name, meeting->package.name)) {
                tvn_diag_note(meeting->build->sink, "node '%s' uses '%.*s'", other->name,
                              TVN_STR_ARG(world->exports[e].name));
                break;
            }
        }
    }
}

static enum tvn_status refuse_version(const struct meeting *meeting, enum tvn_version_fit fit)
{
    struct tvn_diag_sink *sink = meeting->build->sink;
    TVN_AUTO_VALUE(tvn_strbuf) mine = {0};
    TVN_AUTO_VALUE(tvn_strbuf) theirs = {0};
    tvn_package_id_print(&meeting->canonical->package, &mine);
    tvn_package_id_print(&meeting->package, &theirs);
    (void)tvn_diag_error(sink, TVN_E_VERSION_MISMATCH, meeting->item->span,
                         "component '%s' %s '%.*s', this Torvyn provides '%s'",
                         meeting->stage->component->path, meeting->is_import ? "needs" : "exports",
                         TVN_STR_ARG(meeting->item->name), tvn_strbuf_text(&mine));
    show_node(meeting);
    if (fit == TVN_VERSION_OTHER_MAJOR) {
        tvn_diag_note(sink, "different major versions are never compatible");
    } else {
        tvn_diag_note(sink, "an interface serves what was built against its own version or an "
                            "earlier one of the same major");
    }
    note_neighbours(meeting);
    tvn_diag_help(sink, "build the component against '%s', or use a Torvyn that provides '%s'",
                  tvn_strbuf_text(&mine), tvn_strbuf_text(&theirs));
    return TVN_E_VERSION_MISMATCH;
}

/* ---- functions ---- */

static void note_type(struct tvn_diag_sink *sink, const char *who, const struct tvn_func *func)
{
    TVN_AUTO_VALUE(tvn_strbuf) shape = {0};
    tvn_func_type_print(&func->type, &shape);
    tvn_diag_note(sink, "%s: %.*s: %s", who, TVN_STR_ARG(func->name), tvn_strbuf_text(&shape));
}

static enum tvn_status refuse_func(const struct meeting *meeting,
                                   const struct tvn_contract_difference *difference)
{
    struct tvn_diag_sink *sink = meeting->build->sink;
    struct tvn_str func = difference->used->name;
    struct tvn_str id = meeting->item->name;
    const char *path = meeting->stage->component->path;
    struct tvn_span at = meeting->item->span;
    bool missing = difference->fault == TVN_CONTRACT_FUNC_MISSING;
    if (meeting->is_import && missing) {
        (void)tvn_diag_error(sink, TVN_E_INTERFACE_INCOMPATIBLE, at,
                             "component '%s' needs the function '%.*s', which '%.*s' does not have",
                             path, TVN_STR_ARG(func), TVN_STR_ARG(meeting->canonical->id));
    } else if (missing) {
        (void)tvn_diag_error(sink, TVN_E_INTERFACE_INCOMPATIBLE, at,
                             "component '%s' exports '%.*s' without the function '%.*s'", path,
                             TVN_STR_ARG(id), TVN_STR_ARG(func));
    } else {
        (void)tvn_diag_error(sink, TVN_E_INTERFACE_INCOMPATIBLE, at,
                             "component '%s' %s '%.*s' of '%.*s' with another type than the "
                             "contract",
                             path, meeting->is_import ? "imports" : "exports", TVN_STR_ARG(func),
                             TVN_STR_ARG(id));
    }
    show_node(meeting);
    const struct tvn_func *contract = meeting->is_import ? difference->offered : difference->used;
    const struct tvn_func *component = meeting->is_import ? difference->used : difference->offered;
    if (contract) {
        note_type(sink, "the contract says", contract);
    }
    if (component) {
        note_type(sink, "the component has", component);
    }
    tvn_diag_note(sink, "the component was built against '%.*s', this Torvyn provides '%.*s'",
                  TVN_STR_ARG(id), TVN_STR_ARG(meeting->canonical->id));
    tvn_diag_help(sink, "build the component again, against the contracts of this Torvyn");
    return TVN_E_INTERFACE_INCOMPATIBLE;
}

static enum tvn_status check_meeting(const struct meeting *meeting)
{
    const struct tvn_interface *component = meeting->item->interface;
    const struct tvn_semver *theirs = &meeting->package.version;
    const struct tvn_semver *mine = &meeting->canonical->package.version;
    enum tvn_version_fit fit =
        meeting->is_import ? tvn_version_fit(theirs, mine) : tvn_version_fit(mine, theirs);
    if (fit != TVN_VERSION_FITS) {
        return refuse_version(meeting, fit);
    }
    struct tvn_contract_difference difference =
        meeting->is_import ? tvn_contract_compare(component, meeting->canonical)
                           : tvn_contract_compare(meeting->canonical, component);
    return difference.fault == TVN_CONTRACT_FITS ? TVN_OK : refuse_func(meeting, &difference);
}

/* ---- a component ---- */

static enum tvn_status unknown_import(const struct meeting *meeting)
{
    const struct tvn_interface *interface = meeting->item->interface;
    bool empty = interface->func_count == 0 && interface->type_count == 0;
    return empty ? TVN_OK
                 : tvn_diag_error(meeting->build->sink, TVN_E_IMPORT_UNKNOWN, meeting->item->span,
                                  "the component imports '%.*s', which nobody provides",
                                  TVN_STR_ARG(meeting->item->name));
}

/* What the build wrote down says more than the import's name, which is that of the WIT that was
 * there: a lower version of the same major that would do as well. */
static void lower_version(struct meeting *meeting)
{
    struct tvn_semver needed;
    const struct tvn_semver *named = &meeting->package.version;
    if (meeting->is_import &&
        tvn_version_section_needs(meeting->needs, meeting->package.namespace_name,
                                  meeting->package.name, &needed) &&
        needed.major == named->major && tvn_semver_compare(&needed, named) < 0) {
        meeting->package.version = needed;
    }
}

/* WASI is the runtime's to judge: linking does not need its host. */
static enum tvn_status check_item(struct meeting *meeting)
{
    struct tvn_str name;
    if (meeting->item->kind != TVN_WORLD_INTERFACE ||
        !tvn_interface_id_parse(meeting->item->name, &meeting->package, &name) ||
        tvn_str_is(meeting->package.namespace_name, "wasi")) {
        return TVN_OK;
    }
    TVN_AUTO_VALUE(tvn_strbuf) plain = {.max = 1024};
    const struct tvn_package_id any_version = {.namespace_name = meeting->package.namespace_name,
                                               .name = meeting->package.name};
    tvn_interface_id_print(&any_version, name, &plain);
    meeting->canonical =
        plain.failed ? NULL
                     : tvn_wit_find_interface(meeting->build->contracts, tvn_strbuf_view(&plain));
    if (!meeting->canonical) {
        return meeting->is_import ? unknown_import(meeting) : TVN_OK;
    }
    lower_version(meeting);
    return check_meeting(meeting);
}

/* An export counts if the node uses it: its role's, and lifecycle. */
static bool is_used(const struct tvn_link_stage *stage, struct tvn_str id)
{
    size_t at = tvn_str_find(id, '@');
    struct tvn_str plain = at == SIZE_MAX ? id : tvn_str_slice(id, 0, at);
    return tvn_str_is(plain, tvn_role_interface(stage->role)) ||
           tvn_str_is(plain, "torvyn:streaming/lifecycle");
}

enum tvn_status tvn_link_check_contracts(struct tvn_link_build *build,
                                         const struct tvn_link_stage *stage)
{
    TVN_TRY(load_contracts(build));
    const struct tvn_world *world = tvn_component_world(stage->component->component);
    struct meeting meeting = {.build = build, .stage = stage};
    if (!tvn_component_custom_section(stage->component->component, TVN_STR(TVN_VERSION_SECTION),
                                      &meeting.needs)) {
        meeting.needs = (struct tvn_str){NULL, 0};
    }
    enum tvn_status result = TVN_OK;
    for (size_t i = 0; i < world->export_count; i++) {
        meeting.item = &world->exports[i];
        if (is_used(stage, meeting.item->name)) {
            enum tvn_status status = check_item(&meeting);
            result = result == TVN_OK ? status : result;
        }
    }
    if (result == TVN_E_VERSION_MISMATCH) {
        return result; /* its imports are of the same version: once is enough */
    }
    meeting.is_import = true;
    for (size_t i = 0; i < world->import_count; i++) {
        meeting.item = &world->imports[i];
        enum tvn_status status = check_item(&meeting);
        result = result == TVN_OK ? status : result;
        if (status == TVN_E_VERSION_MISMATCH) {
            return result;
        }
    }
    return result;
}
