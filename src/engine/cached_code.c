/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/cached_code.h"

#include "base/assert.h"

static int find(void *context, struct tvn_str wasm)
{
    const struct tvn_cached_code *cached = context;
    struct tvn_code_key key;
    int fd;
    return tvn_code_key_of(cached->settings, wasm, &key) == TVN_OK &&
                   tvn_code_cache_find(cached->cache, &key, &fd) == TVN_OK
               ? fd
               : -1;
}

static void put(void *context, struct tvn_str wasm, struct tvn_str code)
{
    const struct tvn_cached_code *cached = context;
    struct tvn_code_key key;
    if (tvn_code_key_of(cached->settings, wasm, &key) == TVN_OK) {
        (void)tvn_code_cache_put(cached->cache, &key, code);
    }
}

void tvn_cached_code_attach(struct tvn_cached_code *cached, struct tvn_code_cache *cache,
                            struct tvn_engine *engine)
{
    tvn_assert(cached && cache && engine);
    *cached =
        (struct tvn_cached_code){.cache = cache, .settings = tvn_engine_code_settings(engine)};
    tvn_engine_set_code_store(
        engine, &(struct tvn_code_store){.context = cached, .find = find, .put = put});
}
