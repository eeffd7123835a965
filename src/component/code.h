/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Compiled core modules as bytes: what a code cache keeps and what a compiling process hands over.
 * Implemented in component/wasmtime/.
 *
 * Serialized code is native code: whoever chooses its bytes runs anything with the rights of this
 * process. The engine checks that it was made by the same version with the same settings, not that
 * it is harmless. So: only bytes that this user's own process made (engine/code_cache.h).
 *
 * Threads: as component.h; one thread adds code, nobody instantiates before all modules have some.
 */
#include "component/component.h"

#define TVN_CODE_ERROR_TEXT_BYTES 512

/* What decides, besides a module's bytes, which code is made of it: version and build of the
 * engine, instruction set, settings. Lives as long as the engine. */
const char *tvn_engine_code_settings(const struct tvn_engine *engine);
/* The one of them that differs between engines of the product. */
bool tvn_engine_has_fuel(const struct tvn_engine *engine);

/*
 * Where the code of modules that are generated at run time (call_loop.h) is kept from one process
 * to the next. Called by any thread, by one at a time, and not while calls run but between them.
 */
struct tvn_code_store {
    void *context;
    /* A descriptor of a file as tvn_component_adopt_code_file takes it, the caller's to close; -1
     * when there is none. */
    int (*find)(void *context, struct tvn_str wasm);
    /* Replaces what is there. It may fail: then it is compiled again, by the next process. */
    void (*put)(void *context, struct tvn_str wasm, struct tvn_str code);
};
/* COLD PATH. Before the first instance. What was compiled is put when the engine is destroyed: no
 * flow waits for a disk then. */
void tvn_engine_set_code_store(struct tvn_engine *engine, const struct tvn_code_store *store);

/* Memory of the engine. */
struct tvn_code_bytes {
    char *ptr;
    size_t len;
};
void tvn_code_bytes_deinit(struct tvn_code_bytes *bytes);
TVN_DEFINE_CLEANUP_VALUE(tvn_code_bytes, tvn_code_bytes_deinit)

/*
 * COLD PATH. Compiles a core module to bytes, for another process. TVN_E_COMPONENT_INVALID with the
 * engine's message in `text` (there is no sink to tell), which is cut to `text_bytes`.
 */
TVN_NODISCARD enum tvn_status tvn_code_compile(struct tvn_engine *engine, const uint8_t *wasm,
                                               size_t wasm_length, struct tvn_code_bytes *out_code,
                                               char *text, size_t text_bytes);

bool tvn_component_has_code(const struct tvn_component *component, uint32_t module);
/* All of its modules have code: it can be instantiated. */
bool tvn_component_is_compiled(const struct tvn_component *component);

/*
 * COLD PATH. Gives a module that has none code that was made earlier: a whole file (maybe with
 * other bytes behind the code), which is mapped and stays mapped, or bytes, which are copied.
 * TVN_NOT_FOUND when the engine has no use for it (other version or settings, damaged),
 * TVN_E_OUT_OF_MEMORY; the component is unchanged then.
 */
TVN_NODISCARD enum tvn_status tvn_component_adopt_code_file(struct tvn_component *component,
                                                            struct tvn_engine *engine,
                                                            uint32_t module, int fd);
TVN_NODISCARD enum tvn_status tvn_component_adopt_code_bytes(struct tvn_component *component,
                                                             struct tvn_engine *engine,
                                                             uint32_t module, const uint8_t *code,
                                                             size_t length);
/* COLD PATH. The code of a module that has some, as bytes. TVN_NOT_FOUND when the engine cannot
 * give it. */
TVN_NODISCARD enum tvn_status tvn_component_code_bytes(const struct tvn_component *component,
                                                       uint32_t module,
                                                       struct tvn_code_bytes *out_code);
