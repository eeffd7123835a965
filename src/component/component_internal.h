/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What decoding, compiling and instantiating know of a component; private to the module.
 *
 * Memory: `arena` holds everything that decoding makes, this struct included or not as it likes;
 * `code` is heap.
 */
#include "component/component.h"

#include <stdatomic.h>

struct tvn_custom_section; /* decode_internal.h */
struct tvn_core_code;      /* one compiled core module; component/wasmtime/ */

struct tvn_component {
    struct tvn_arena *arena;
    struct tvn_document document;
    const struct tvn_world *world;
    const struct tvn_custom_section *custom_sections; /* of the root */
    size_t custom_section_count;
    uint32_t file; /* the sink's number, for diagnostics */
    /* Compiled modules, document.module_count of them; NULL before tvn_component_compile. Owned. */
    struct tvn_core_code **code;
    /*
     * Notes of instantiation, so that the next one need not compare the same types again; zero at
     * first. They only ever record facts that cannot change, so threads may race for them.
     */
    _Atomic uint64_t
        checked_imports; /* serial of the imports that this component was found to match */
    _Atomic bool
        checked_signatures; /* lifted core functions have the types that their calls assume */
};

/* Frees compiled code; the modules' instances are gone. tvn_component_destroy calls it first.
 * Idempotent. */
void tvn_component_drop_code(struct tvn_component *component);
