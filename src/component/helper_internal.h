/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Core modules that the host generates and adds to an instance, beside the component's own.
 * Implemented in component/wasmtime/helper.c.
 */
#include "component/core_internal.h"

/* The name in a helper's name section: its frames are left out of what a fault tells. A guest that
 * takes this name hides its own frames, nothing else. */
#define TVN_HELPER_MODULE    "torvyn:helper"
#define TVN_HELPER_BYTES_MAX 512
/* The function that a helper exports: no parameters, no results. */
#define TVN_HELPER_EXPORT "run"

struct tvn_helper_code;

/*
 * COLD PATH. The code of the module: the engine has had these bytes before, or loads or compiles
 * it. NULL when there is none now, because another thread makes it, or ever. Lives as long as the
 * engine.
 */
TVN_NODISCARD const struct tvn_helper_code *
tvn_core_helper_code(struct tvn_engine *engine, const uint8_t *wasm, size_t length);
/*
 * COLD PATH. Instantiates it and finds its function. Imports are in the module's order. False, and
 * nothing changed, when the instance has no room for it; no fault is recorded.
 */
TVN_NODISCARD bool tvn_core_helper(struct tvn_instance *instance,
                                   const struct tvn_helper_code *code,
                                   const struct tvn_core_item *imports, size_t import_count,
                                   struct tvn_core_func *out_run);
