/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The steps of a check, one file each; all add diagnostics and return the first error. */
#include "base/arena.h"
#include "config/manifest.h"
#include "contracts/wit.h"
#include "host/check.h"

/* One package with its dependencies. */
struct check_package {
    struct tvn_wit *wit;
    const char *path; /* of the folder that holds its files */
    bool parsed;
    bool resolved;
};

/* A wit/ folder. */
struct check_folder {
    const char *path;
    struct check_package *packages;
    size_t package_count;
    bool shared; /* by components that have none of their own */
};

struct check_component {
    const struct tvn_manifest_component *declared;
    struct check_folder *folder;   /* NULL: there is none */
    const struct tvn_world *world; /* NULL: not found */
    size_t errors;
    size_t warnings;
};

struct check {
    struct tvn_diag_sink *sink;
    struct tvn_arena *arena; /* the report's */
    struct tvn_manifest *manifest;
    struct check_folder *folders; /* distinct */
    size_t folder_count;
    struct check_component *components;
    size_t component_count;
    size_t wit_files;
};

enum tvn_status check_no_memory(struct tvn_diag_sink *sink);

/* check_flows.c: what flows name must be there. */
TVN_NODISCARD enum tvn_status check_flows(struct check *check);

/* check_wit.c. find: which folders there are, and whose. */
TVN_NODISCARD enum tvn_status check_wit_find(struct check *check);
TVN_NODISCARD enum tvn_status check_wit_parse(struct check *check);
TVN_NODISCARD enum tvn_status check_wit_resolve(struct check *check);
void check_wit_release(struct check *check);
/* The worlds that the folder's own files define, one after the other; NULL after the last. */
const struct tvn_world *check_wit_world(const struct check *check,
                                        const struct check_folder *folder, size_t index);
/* The folder of the package that one of these worlds is defined in; NULL for others. */
const char *check_wit_path_of(const struct check *check, const struct check_folder *folder,
                              const struct tvn_world *world);
bool check_folder_usable(const struct check_folder *folder);

/* check_world.c: finds the component's world, and judges it. */
TVN_NODISCARD enum tvn_status check_world(struct check *check, struct check_component *component);
/* check_world.c: the packages that it names, with versions, in the check's arena. False: no
 * memory. */
TVN_NODISCARD bool check_world_packages(struct check *check, const struct tvn_world *world,
                                        const char *const **out_packages, size_t *out_count);
/* check_world.c: bits 1 << TVN_ROLE_… of the processing interfaces that it exports. */
uint32_t check_world_roles(const struct tvn_world *world);

/* check_async.c: the first function of the world that needs what flows cannot give. */
TVN_NODISCARD enum tvn_status check_async(struct check *check,
                                          const struct check_component *component);

/* check_capabilities.c, check_deprecations.c: for a component whose world was found. */
TVN_NODISCARD enum tvn_status check_capabilities(struct check *check,
                                                 const struct check_component *component);
void check_deprecations(struct check *check, const struct check_component *component);
