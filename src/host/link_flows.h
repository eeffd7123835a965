/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Links the flows of a project without running them: the steps of linking that run takes, for one
 * flow or for all. Nothing is compiled or instantiated.
 *
 * Memory: owns the manifest and the links.
 */
#include "config/manifest.h"
#include "linker/link.h"

/* What linking found out about a stage, as text; lives as long as the link. */
struct tvn_flow_stage {
    const char *interface; /* "torvyn:streaming/sink@0.1.0"; a built-in's is without version */
    const char *grants;    /* "wasi:cli/stdout, wasi:cli/stderr"; "" for none */
};

struct tvn_flow_link {
    const char *flow;
    struct tvn_link *link;               /* NULL: refused */
    const struct tvn_flow_stage *stages; /* as link->stages */
};

struct tvn_flow_links {
    struct tvn_manifest *manifest;
    struct tvn_flow_link *items;
    size_t count;
    bool missing; /* the manifest or a component file is not there */
};

struct tvn_flow_links_options {
    const char *manifest_path; /* NULL: ./Torvyn.toml */
    const char *flow;          /* "flow." before it is allowed; NULL: all of them */
    const char *components;    /* as in struct tvn_link_options */
    bool first_only;           /* without a name: the first flow instead of all */
};

/*
 * COLD PATH. Judges every flow, also after one was refused. Written in any case and to be
 * deinitialised; statuses as tvn_manifest_load and tvn_link_create, and E0212 for what WASI does
 * not have: run finds that out when it instantiates.
 */
TVN_NODISCARD enum tvn_status tvn_host_link_flows(const struct tvn_flow_links_options *options,
                                                  struct tvn_diag_sink *sink,
                                                  struct tvn_flow_links *out_links);
void tvn_flow_links_deinit(struct tvn_flow_links *links);
TVN_DEFINE_CLEANUP_VALUE(tvn_flow_links, tvn_flow_links_deinit)
