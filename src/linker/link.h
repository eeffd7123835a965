/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * From a manifest's flow to a linked pipeline: finds and decodes the components, checks roles,
 * edges and the graph, resolves capabilities. Judges only: nothing is compiled, instantiated or
 * run.
 *
 * Life: create → read → destroy. A link borrows the manifest; components are owned by the link.
 * Threads: one thread. Memory: one arena and one decoded component per distinct file.
 * Limits: the manifest's (config/manifest.h); TVN_COMPONENT_BYTES_MAX a file.
 */
#include "base/arena.h"
#include "component/component.h"
#include "config/manifest.h"
#include "types/role.h"
#include "types/sandbox.h"

/* A component file, once per distinct path. */
struct tvn_link_component {
    const char *path;
    struct tvn_component *component;
    uint8_t *bytes;
};

enum tvn_link_stage_kind { TVN_LINK_STAGE_COMPONENT, TVN_LINK_STAGE_BUILTIN };

/* A node of the flow, or an end that was added to it. */
struct tvn_link_stage {
    enum tvn_link_stage_kind kind;
    const char *name;
    const char *config;                   /* "" when unset */
    const struct tvn_manifest_node *node; /* NULL for an added end */
    enum tvn_role role;
    struct tvn_link_component *component; /* COMPONENT */
    const char *builtin; /* BUILTIN: as connectors/spec.h reads it: "builtin:stdin", "-", a path */
    struct tvn_sandbox sandbox;  /* COMPONENT */
    const struct tvn_str *ports; /* ROUTER: the names that its edges leave by, by number */
    uint32_t port_count;
    struct tvn_span span; /* of the node's name; file 0 when added */
    bool replaced;        /* --input or --output took the place of what the manifest says */
};

#define TVN_LINK_PORTS_MAX 64 /* of one router */

struct tvn_link_edge {
    uint32_t from; /* stage */
    uint32_t to;
    const char *from_port;
    const char *to_port;
    uint32_t port; /* of a router: the number of from_port, which several edges may share; else 0 */
    struct tvn_config_backpressure backpressure;
};

struct tvn_link {
    const struct tvn_manifest *manifest;
    const struct tvn_manifest_flow
        *flow; /* NULL for the implicit flow of a single-component project */
    const char *flow_name;
    struct tvn_link_stage *stages; /* in topological order, sources first */
    uint32_t stage_count;
    struct tvn_link_edge *edges;
    uint32_t edge_count;
    struct tvn_link_component *components;
    uint32_t component_count;
    struct tvn_arena *arena;
};

struct tvn_link_options {
    const char *flow; /* name; "flow." before it is allowed; NULL: the first in file order */
    /* --input: SRC, or NODE=SRC when there are several sources, or FLOW/NODE=SRC, which is for the
     * flow of this name only. */
    const char *const *inputs;
    size_t input_count;
    const char *const *outputs; /* --output, likewise */
    size_t output_count;
    bool one_of_several; /* flows: each end must name its flow */
    /* A folder of .wasm files that is looked into first, by a component's name or a path's last
     * part; NULL: none. */
    const char *components;
};

/*
 * COLD PATH. E0203 for the graph (unknown node, cycle, disconnected, role violations), E0702 for
 * independent branches that block, E0210 and
 * E0211 for component files, E0200 for a component that does not export the node's interface or
 * not as the contract says, E0201 for contract versions, E0212 for imports that nobody provides,
 * E0202 for capabilities.
 */
TVN_NODISCARD enum tvn_status tvn_link_create(const struct tvn_manifest *manifest,
                                              const struct tvn_link_options *options,
                                              struct tvn_diag_sink *sink,
                                              struct tvn_link **out_link);
void tvn_link_destroy(struct tvn_link *link);
TVN_DEFINE_CLEANUP(tvn_link, tvn_link_destroy)
