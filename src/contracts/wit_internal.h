/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Inside of tvn_wit: the parsed files, then the resolved packages. */
#include "base/map.h"
#include "base/vec.h"
#include "contracts/wit.h"
#include "contracts/wit_ast_internal.h"

#define TVN_WIT_ITEMS_MAX    ((size_t)1 << 24) /* names, packages, interfaces of one set */
#define TVN_WIT_FEATURES_MAX 256

struct tvn_wit {
    struct tvn_arena *arena;
    struct tvn_ast_file *files;
    struct tvn_ast_file **files_tail;
    size_t file_count;
    TVN_VEC(struct tvn_str) features;
    bool all_features;
    bool resolved;
    TVN_VEC(const struct tvn_package *) packages;
    struct tvn_map *interfaces; /* id → struct tvn_interface */
};

/* Fills in packages and interfaces (wit_resolver.c). */
TVN_NODISCARD enum tvn_status tvn_wit_resolver_run(struct tvn_wit *wit, struct tvn_diag_sink *sink);
