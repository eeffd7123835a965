/* SPDX-License-Identifier: Apache-2.0 */
/* What a world's text imports against what the manifest declares, in both directions. */
#include "host/check_internal.h"
#include "security/capability.h"
#include "types/role.h"

/* An import that the world's text names; not one that another import brings along for its types. */
static bool is_written(const struct tvn_world_item *item)
{
    return item->kind == TVN_WORLD_INTERFACE && (item->span.file != item->interface->span.file ||
                                                 item->span.offset != item->interface->span.offset);
}

static const struct tvn_manifest_capability *
find_declared(const struct tvn_manifest_capabilities *capabilities, enum tvn_capability capability,
              bool wanted)
{
    for (size_t i = 0; i < capabilities->count; i++) {
        const struct tvn_manifest_capability *item = &capabilities->items[i];
        enum tvn_capability found;
        if (item->wanted == wanted && tvn_capability_from_key(tvn_str_of(item->name), &found) &&
            found == capability) {
            return item;
        }
    }
    return NULL;
}

/* ---- imported, therefore to be declared ---- */

static bool is_allowed(const struct tvn_manifest_capabilities *capabilities, uint32_t any_of)
{
    for (unsigned i = 0; i < TVN_CAP_COUNT; i++) {
        enum tvn_capability capability = (enum tvn_capability)i;
        if ((any_of & (1u << i)) && (tvn_capability_is_intrinsic(capability) ||
                                     find_declared(capabilities, capability, true))) {
            return true;
        }
    }
    return false;
}

static void list_keys(uint32_t any_of, struct tvn_strbuf *out)
{
    for (unsigned i = 0; i < TVN_CAP_COUNT; i++) {
        if (any_of & (1u << i)) {
            tvn_strbuf_printf(out, "%s'%s'", out->len > 0 ? " or " : "",
                              tvn_capability_key((enum tvn_capability)i));
        }
    }
}

static enum tvn_status refuse_import(struct check *check, const struct check_component *component,
                                     const struct tvn_world_item *item, uint32_t any_of)
{
    const struct tvn_manifest_capabilities *capabilities = &component->declared->capabilities;
    const struct tvn_manifest_capability *refused = NULL;
    for (unsigned i = 0; i < TVN_CAP_COUNT && !refused; i++) {
        if (any_of & (1u << i)) {
            refused = find_declared(capabilities, (enum tvn_capability)i, false);
        }
    }
    TVN_AUTO_VALUE(tvn_strbuf) keys = {.max = 512};
    list_keys(any_of, &keys);
    if (refused) {
        (void)tvn_diag_error(check->sink, TVN_E_CAPABILITY_MISMATCH, item->span,
                             "component '%s' imports '%.*s', but its manifest says that it does "
                             "not need '%s'",
                             component->declared->name, TVN_STR_ARG(item->name), refused->name);
        tvn_diag_related(check->sink, refused->span, "declared as not needed");
        tvn_diag_help(check->sink, "remove the import, or declare %s = true", refused->name);
    } else {
        (void)tvn_diag_error(check->sink, TVN_E_CAPABILITY_MISMATCH, item->span,
                             "component '%s' imports '%.*s', but does not declare %s",
                             component->declared->name, TVN_STR_ARG(item->name),
                             tvn_strbuf_text(&keys));
        tvn_diag_related(check->sink,
                         capabilities->span.file ? capabilities->span
                                                 : component->declared->name_span,
                         capabilities->span.file ? "what it declares" : "it declares nothing");
        uint32_t first = (uint32_t)__builtin_ctz(any_of);
        bool single = check->manifest->component_count == 1;
        tvn_diag_help(check->sink, "write %s = true in %s, or remove the import",
                      tvn_capability_key((enum tvn_capability)first),
                      single ? "[capabilities.required]"
                             : "[component.capabilities.required] after its [[component]]");
    }
    return TVN_E_CAPABILITY_MISMATCH;
}

static enum tvn_status check_imports(struct check *check, const struct check_component *component,
                                     uint32_t *out_imported)
{
    enum tvn_status result = TVN_OK;
    *out_imported = 0;
    for (size_t i = 0; i < component->world->import_count; i++) {
        const struct tvn_world_item *item = &component->world->imports[i];
        uint32_t any_of = is_written(item) ? tvn_capability_of_import(item->name) : 0;
        *out_imported |= any_of;
        if (any_of != 0 && !is_allowed(&component->declared->capabilities, any_of)) {
            enum tvn_status status = refuse_import(check, component, item, any_of);
            result = result == TVN_OK ? status : result;
        }
    }
    return result;
}

/* ---- declared, therefore to be imported, and fitting the role ---- */

/* Too much for every role that the component plays; the first of them in *out_role. */
static bool is_excessive(enum tvn_capability capability, uint32_t roles, enum tvn_role *out_role)
{
    bool excessive = roles != 0;
    for (unsigned role = TVN_ROLE_COUNT; role-- > 0;) {
        if (roles & (1u << role)) {
            excessive &= tvn_capability_is_excessive(capability, (enum tvn_role)role);
            *out_role = (enum tvn_role)role;
        }
    }
    return excessive;
}

static void check_declared(struct check *check, const struct check_component *component,
                           const struct tvn_manifest_capability *item, uint32_t imported)
{
    enum tvn_capability capability;
    if (!item->wanted || !tvn_capability_from_key(tvn_str_of(item->name), &capability)) {
        return;
    }
    if (!(imported & (1u << capability)) && tvn_capability_has_imports(capability)) {
        tvn_diag_warning(check->sink, TVN_E_CAPABILITY_MISMATCH, item->span,
                         "component '%s' declares '%s', but its world '%.*s' imports nothing that "
                         "needs it",
                         component->declared->name, item->name,
                         TVN_STR_ARG(component->world->name));
        tvn_diag_related(check->sink, component->world->span, "its world");
        tvn_diag_help(check->sink, "remove the declaration, or import the interface in the world");
        return;
    }
    enum tvn_role role = TVN_ROLE_SOURCE;
    if (is_excessive(capability, check_world_roles(component->world), &role)) {
        tvn_diag_warning(check->sink, TVN_OK, item->span,
                         "component '%s' asks for '%s', which is unusual for a %s",
                         component->declared->name, item->name, tvn_role_name(role));
        tvn_diag_help(check->sink, "request the minimum: leave to sources and sinks what brings "
                                   "data in and takes it out");
    }
}

enum tvn_status check_capabilities(struct check *check, const struct check_component *component)
{
    uint32_t imported;
    enum tvn_status status = check_imports(check, component, &imported);
    const struct tvn_manifest_capabilities *capabilities = &component->declared->capabilities;
    for (size_t i = 0; i < capabilities->count; i++) {
        check_declared(check, component, &capabilities->items[i], imported);
    }
    return status;
}
