/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The parts of an inspection. All return false when memory is exhausted. */
#include "base/arena.h"
#include "base/vec.h"
#include "contracts/wit.h"
#include "host/inspect.h"

/* inspect_surface.c: capabilities and contracts of worlds, added to what is there. `world_name`
 * NULL: a component's. */
struct inspect_rows {
    TVN_VEC(struct tvn_inspection_capability) capabilities;
    TVN_VEC(struct tvn_inspection_contract) contracts;
};
bool inspect_world(struct tvn_inspection *inspection, struct inspect_rows *rows,
                   const struct tvn_world *world, const char *world_name);
bool inspect_take_rows(struct tvn_inspection *inspection, struct inspect_rows *rows);

/* inspect_wit.c */
bool inspect_is_wit(const char *path);
enum tvn_status inspect_wit(struct tvn_inspection *inspection, const char *path,
                            struct tvn_diag_sink *sink);

/* inspect_benchmarks.c: reports that cannot be read are left out. */
bool inspect_benchmarks(struct tvn_inspection *inspection);
