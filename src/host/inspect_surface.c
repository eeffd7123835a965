/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "host/inspect_internal.h"
#include "security/capability.h"
#include "types/role.h"

static const char *copy(struct tvn_inspection *inspection, struct tvn_str text)
{
    return tvn_arena_strndup(inspection->arena, text.ptr, text.len);
}

static bool kept(enum tvn_status status)
{
    return status == TVN_OK || status == TVN_FULL; /* what is beyond the maximum is left out */
}

static bool add_capabilities(struct tvn_inspection *inspection, struct inspect_rows *rows,
                             struct tvn_str import, const char *world)
{
    uint32_t wanted = tvn_capability_of_import(import);
    for (unsigned i = 0; i < TVN_CAP_COUNT; i++) {
        enum tvn_capability capability = (enum tvn_capability)i;
        if (!(wanted & (1u << i)) || tvn_capability_is_intrinsic(capability)) {
            continue;
        }
        struct tvn_inspection_capability row = {.key = tvn_capability_key(capability),
                                                .grant = tvn_capability_grant_name(capability),
                                                .import = copy(inspection, import),
                                                .world = world};
        if (!row.import || !kept(tvn_vec_push(&rows->capabilities, TVN_INSPECTION_ROWS_MAX, row))) {
            return false;
        }
    }
    return true;
}

static bool add_contract(struct tvn_inspection *inspection, struct inspect_rows *rows,
                         const struct tvn_world_item *item, bool exported, const char *world)
{
    struct tvn_package_id package;
    struct tvn_str name;
    if (item->kind != TVN_WORLD_INTERFACE || !tvn_interface_id_parse(item->name, &package, &name)) {
        return true;
    }
    enum tvn_role role;
    bool plays = exported && tvn_role_from_interface(item->name, &role);
    struct tvn_inspection_contract row = {.exported = exported,
                                          .interface = copy(inspection, item->name),
                                          .role = plays ? copy(inspection, name) : NULL,
                                          .world = world};
    enum tvn_status status = tvn_vec_push(&rows->contracts, TVN_INSPECTION_ROWS_MAX, row);
    return row.interface && (!plays || row.role) && kept(status);
}

bool inspect_world(struct tvn_inspection *inspection, struct inspect_rows *rows,
                   const struct tvn_world *world, const char *world_name)
{
    for (size_t i = 0; i < world->import_count; i++) {
        if (!add_contract(inspection, rows, &world->imports[i], false, world_name) ||
            (world->imports[i].kind == TVN_WORLD_INTERFACE &&
             !add_capabilities(inspection, rows, world->imports[i].name, world_name))) {
            return false;
        }
    }
    for (size_t i = 0; i < world->export_count; i++) {
        if (!add_contract(inspection, rows, &world->exports[i], true, world_name)) {
            return false;
        }
    }
    return true;
}

bool inspect_take_rows(struct tvn_inspection *inspection, struct inspect_rows *rows)
{
    struct tvn_inspection_capability *capabilities = TVN_ARENA_ARRAY(
        inspection->arena, struct tvn_inspection_capability, rows->capabilities.count + 1);
    struct tvn_inspection_contract *contracts = TVN_ARENA_ARRAY(
        inspection->arena, struct tvn_inspection_contract, rows->contracts.count + 1);
    for (size_t i = 0; capabilities && i < rows->capabilities.count; i++) {
        capabilities[i] = rows->capabilities.items[i];
    }
    for (size_t i = 0; contracts && i < rows->contracts.count; i++) {
        contracts[i] = rows->contracts.items[i];
    }
    inspection->capabilities = capabilities;
    inspection->capability_count = capabilities ? rows->capabilities.count : 0;
    inspection->contracts = contracts;
    inspection->contract_count = contracts ? rows->contracts.count : 0;
    tvn_vec_deinit(&rows->capabilities);
    tvn_vec_deinit(&rows->contracts);
    return capabilities && contracts;
}
