/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Compiled core modules kept in a private directory, one file per module.
 *
 * A file's name is the SHA-256 of the module's bytes and of everything else that its code depends
 * on (tvn_engine_code_settings), so what two components share is compiled once. Its content is the
 * code, which the engine maps, and a trailer with an HMAC over name and code. Code is loaded only
 * if its file and directory are this user's alone (owner, mode, no links) and the HMAC matches: a
 * bit flip, a truncated file, a file under another name and a directory that came out of somebody's
 * archive are refused, removed and compiled again. The HMAC's secret is a file of its own that does
 * not live in a directory which a project can bring along. A hostile process of the same user is
 * not defended against.
 *
 * Everything here may fail; the caller compiles then. Why it failed goes to the log.
 *
 * Threads: any, the object does not change; any number of processes may share the directory.
 * Memory: the object. Limits: `max_bytes` for all files, least recently used go first;
 * TVN_CODE_FILES_MAX.
 */
#include "format/digest.h"

#define TVN_CODE_CACHE_BYTES_DEFAULT ((uint64_t)1 << 30)
#define TVN_CODE_FILES_MAX           65536

/* Where the cache is. Owned texts. */
struct tvn_code_cache_place {
    char *directory;
    char *secret_directories[2]; /* the first that there is, or that can be made; may be NULL */
};
void tvn_code_cache_place_deinit(struct tvn_code_cache_place *place);
TVN_DEFINE_CLEANUP_VALUE(tvn_code_cache_place, tvn_code_cache_place_deinit)

/*
 * COLD PATH. From the environment: $TORVYN_HOME/cache, else $XDG_CACHE_HOME/torvyn/code, else
 * ~/.cache/torvyn/code; the secret in $XDG_STATE_HOME/torvyn, else ~/.local/state/torvyn, and in
 * $TORVYN_HOME only if neither can be had. TVN_NOT_FOUND with TORVYN_CODE_CACHE=off and when there
 * is no such place, TVN_E_OUT_OF_MEMORY.
 */
TVN_NODISCARD enum tvn_status tvn_code_cache_locate(struct tvn_code_cache_place *out_place);

struct tvn_code_cache;

/* COLD PATH. Makes what is missing. NULL when there can be no cache that is this user's alone. */
TVN_NODISCARD struct tvn_code_cache *
tvn_code_cache_open(const struct tvn_code_cache_place *place,
                    uint64_t max_bytes /* 0: TVN_CODE_CACHE_BYTES_DEFAULT */);
void tvn_code_cache_close(struct tvn_code_cache *cache);
TVN_DEFINE_CLEANUP(tvn_code_cache, tvn_code_cache_close)

struct tvn_code_key {
    char text[TVN_SHA256_TEXT_BYTES];
};
// COLD PATH. TVN_E_OUT_OF_MEMORY.
TVN_NODISCARD enum tvn_status tvn_code_key_of(const char *settings, struct tvn_str wasm,
                                              struct tvn_code_key *out_key);

/* COLD PATH. A descriptor of a checked file, for tvn_component_adopt_code_file; the caller closes
 * it. TVN_NOT_FOUND. */
TVN_NODISCARD enum tvn_status tvn_code_cache_find(struct tvn_code_cache *cache,
                                                  const struct tvn_code_key *key, int *out_fd);
/* COLD PATH. Complete and on disk before it can be found; replaces what is there. False when it
 * could not be kept. */
bool tvn_code_cache_put(struct tvn_code_cache *cache, const struct tvn_code_key *key,
                        struct tvn_str code);
/* For what the engine refused. */
void tvn_code_cache_remove(struct tvn_code_cache *cache, const struct tvn_code_key *key);
/* COLD PATH. Removes the least recently used files beyond the limit, and what crashes left. */
void tvn_code_cache_sweep(struct tvn_code_cache *cache);
