/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Bounds on what one component may make the host do. Beyond them: E0213 ComponentTooComplex when
 * decoding, a trap when running.
 */
#include <stddef.h>
#include <stdint.h>

#define TVN_COMPONENT_BYTES_MAX         ((size_t)64 << 20)
#define TVN_CORE_MODULE_BYTES_MAX       ((size_t)32 << 20) /* of the component's, each */
#define TVN_COMPONENT_NESTING_MAX       100     /* components in components, types in types */
#define TVN_COMPONENT_HEIGHT_MAX        200     /* types in types and types renamed, together */
#define TVN_COMPONENT_ITEMS_MAX         100000  /* of one index space */
#define TVN_COMPONENT_TYPE_SIZE_MAX     1000000 /* nodes of one type when written out */
#define TVN_COMPONENT_DECODED_BYTES_MAX ((size_t)256 << 20) /* of the document's arena */
#define TVN_COMPONENT_STEPS_MAX \
    ((uint64_t)100000000) /* visits of type nodes while decoding, all together */
#define TVN_COMPONENT_VALUE_BYTES_MAX \
    ((uint64_t)1 << 28) /* one value with 64-bit addresses stays below */
#define TVN_CORE_ITEMS_MAX \
    1000000 /* types, imports, exports, functions, globals or tags of a core module */
#define TVN_CORE_PARAMS_MAX              1000 /* parameters, and results, of a core function type */
#define TVN_CORE_TABLES_MAX              100  /* of a core module, memories too */
#define TVN_COMPONENT_NAME_MAX           100000 /* bytes of one name */
#define TVN_COMPONENT_CORE_INSTANCES_MAX 64
#define TVN_COMPONENT_MEMORIES_MAX       8
#define TVN_COMPONENT_TABLES_MAX         32
#define TVN_COMPONENT_TABLE_ELEMENTS_MAX 131072 /* of one table */
#define TVN_COMPONENT_INSTANCES_MAX      1000   /* component instances in one tree */
#define TVN_INSTANTIATE_STEPS_MAX                                   \
    10000000u /* definitions and named items looked at for one tree \
               */
#define TVN_INSTANCE_ARENA_MAX \
    ((size_t)64 << 20)        /* host memory for the run-time form of one tree */
#define TVN_HANDLES_MAX 65536 /* per component instance, all resource types together */
#define TVN_LIFT_BYTES_MAX \
    ((size_t)64 << 20) /* host memory that lifting one call's values may use */
/* The Canonical ABI's own bounds on one string and one list in guest memory. */
#define TVN_STRING_BYTES_MAX ((UINT32_C(1) << 28) - 1)
#define TVN_LIST_BYTES_MAX   ((UINT32_C(1) << 28) - 1)
