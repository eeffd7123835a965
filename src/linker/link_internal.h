/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The steps of linking, one file each; all add diagnostics and return the first error. */
#include "contracts/wit.h"
#include "linker/link.h"

struct tvn_link_build {
    struct tvn_link *link;
    const struct tvn_link_options *options;
    struct tvn_diag_sink *sink;
    struct tvn_wit *contracts; /* the canonical ones; NULL until contracts.c needs them */
    uint32_t stage_capacity;
    uint32_t edge_capacity;
};

/* ends.c: replaces ends by --input and --output, adds the missing ones. */
TVN_NODISCARD enum tvn_status tvn_link_apply_ends(struct tvn_link_build *build);
/* graph.c: unknown nodes, duplicate and missing edges, roles, cycles; then sorts the stages
 * topologically. */
TVN_NODISCARD enum tvn_status tvn_link_add_edges(struct tvn_link_build *build);
TVN_NODISCARD enum tvn_status tvn_link_check_graph(struct tvn_link_build *build);
/* locate.c: what a node's component reference names: a path, or a builtin's text (*out_builtin). */
TVN_NODISCARD enum tvn_status tvn_link_locate(struct tvn_link_build *build, const char *reference,
                                              struct tvn_span at, const char **out_path,
                                              const char **out_builtin);
/* load.c: the decoded component of a path, shared by all nodes that use it. */
TVN_NODISCARD enum tvn_status tvn_link_load(struct tvn_link_build *build, const char *path,
                                            struct tvn_span at,
                                            struct tvn_link_component **out_component);
/* contracts.c: versions and functions of the torvyn:* interfaces that a component exports for its
 * node and imports, and interfaces that nobody provides. */
TVN_NODISCARD enum tvn_status tvn_link_check_contracts(struct tvn_link_build *build,
                                                       const struct tvn_link_stage *stage);
/* Roles that a component can play, as bits 1 << TVN_ROLE_…. */
uint32_t tvn_link_component_roles(const struct tvn_component *component);

struct tvn_link_stage *tvn_link_add_stage(struct tvn_link_build *build,
                                          const struct tvn_link_stage *stage);
/* Index, or UINT32_MAX. */
uint32_t tvn_link_find_stage(const struct tvn_link *link, const char *name);
