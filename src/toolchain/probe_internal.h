/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What probe.c and the languages' probes share. */
#include "toolchain/probe.h"

struct tvn_arena;

struct tvn_probe {
    struct tvn_arena *arena;
    const char *home;        /* $HOME; NULL when unset, as are the following */
    const char *path;        /* $PATH */
    const char *torvyn_home; /* $TORVYN_HOME */
    const char *cache;       /* of scripts/bootstrap */
    bool looked[TVN_TOOL_COUNT];
    const char *found[TVN_TOOL_COUNT];
};

/* All return NULL when there is no such thing, or memory is exhausted. */
const char *probe_variable(struct tvn_probe *probe, const char *name);
const char *probe_join(struct tvn_probe *probe, const char *directory, const char *name);
bool probe_is(enum tvn_tool_kind kind, const char *path);
const char *probe_on_path(struct tvn_probe *probe, struct tvn_str name);
const char *probe_in_cache(struct tvn_probe *probe, const struct tvn_tool_info *info);
const char *probe_ask(struct tvn_probe *probe, const char *const *argv);
