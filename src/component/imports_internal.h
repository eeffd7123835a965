/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The set of what the host offers; shared by the two files about it. */
#include "base/vec.h"
#include "component/instance_internal.h"

#define TVN_IMPORTS_INTERFACES_MAX 1000

struct tvn_offered_resource {
    struct tvn_str name;
    const struct tvn_resource *identity; /* in the offered interface's own types */
    const struct tvn_resource_rt *rt;
};

struct tvn_offered_interface {
    const struct tvn_interface *interface;
    const char *id_text; /* NUL-terminated, for suggestions */
    const struct tvn_host_impl *funcs;
    uint32_t func_count;
    const struct tvn_offered_resource *resources; /* declared here and used from elsewhere */
    uint32_t resource_count;
};

struct tvn_imports {
    struct tvn_arena *arena;
    uint64_t serial; /* never used twice in a process */
    TVN_VEC(struct tvn_offered_interface) interfaces;
};

const struct tvn_offered_interface *tvn_imports_find(const struct tvn_imports *imports,
                                                     struct tvn_str id);
const struct tvn_resource_rt *tvn_offered_resource(const struct tvn_offered_interface *offered,
                                                   struct tvn_str name);
