/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The code cache as the store of an engine's own modules (component/code.h), under the same keys
 * and seals as the code of components: what an earlier process compiled is mapped.
 *
 * Memory: the caller's; it and the cache outlive the engine. Threads: as struct tvn_code_store.
 */
#include "component/code.h"
#include "engine/code_cache.h"

struct tvn_cached_code {
    struct tvn_code_cache *cache;
    const char *settings; /* the engine's */
};

// COLD PATH. Before the engine's first instance.
void tvn_cached_code_attach(struct tvn_cached_code *cached, struct tvn_code_cache *cache,
                            struct tvn_engine *engine);
