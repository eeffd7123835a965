/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A component: decoded, typed, and, once compiled, ready to be instantiated any number of times.
 *
 * Decoding never compiles or runs anything: `check`, `link` and `inspect` use it on hostile bytes.
 * Threads: immutable after tvn_component_compile; shareable between threads.
 */
#include "component/definition.h"

struct tvn_engine;
struct tvn_component;

/*
 * COLD PATH. Decodes and validates. `bytes` must outlive the component. `file` is the sink's number
 * for diagnostics (tvn_diag_add_binary_source). E0211 with byte offset (also for a core module: the
 * help says how to make a component), E0213, E0011.
 */
TVN_NODISCARD enum tvn_status tvn_component_decode(const uint8_t *bytes, size_t length,
                                                   uint32_t file, struct tvn_diag_sink *sink,
                                                   struct tvn_component **out_component);
void tvn_component_destroy(struct tvn_component *component); /* no instance may live */
TVN_DEFINE_CLEANUP(tvn_component, tvn_component_destroy)

const struct tvn_document *tvn_component_document(const struct tvn_component *component);
/* Imports and exports as WIT: package root:component, world root. Lives as long as the component.
 */
const struct tvn_world *tvn_component_world(const struct tvn_component *component);
uint32_t tvn_component_file(const struct tvn_component *component);

/*
 * COLD PATH. Compiles every core module that has no code yet (code.h) for the engine, in this
 * process and with no limit on time and memory: foreign components go through tvn_runtime_compile.
 * E0211 with the engine's text and the module's offset.
 */
TVN_NODISCARD enum tvn_status tvn_component_compile(struct tvn_component *component,
                                                    struct tvn_engine *engine,
                                                    struct tvn_diag_sink *sink);

/* A custom section of the root component: producers, component-name … False when missing. */
bool tvn_component_custom_section(const struct tvn_component *component, struct tvn_str name,
                                  struct tvn_str *out_bytes);
