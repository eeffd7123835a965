/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a component file says about itself. Decodes only: nothing is compiled or run.
 *
 * Memory: one arena; everything lives until tvn_inspection_destroy. Strings come from the file and
 * may hold control characters. Limits: TVN_COMPONENT_BYTES_MAX, TVN_INSPECTION_PRODUCERS_MAX.
 */
#include "base/diag.h"

#define TVN_INSPECTION_PRODUCERS_MAX 256

struct tvn_inspection_item {
    const char *kind; /* "interface", "func", "type" */
    const char *name;
};
/* From the "producers" section: field "processed-by", name "clang", version "19.1.7". */
struct tvn_inspection_producer {
    const char *field;
    const char *name;
    const char *version; /* may be "" */
};
struct tvn_inspection_module {
    uint32_t offset; /* in the file */
    uint32_t length;
};

struct tvn_arena;

struct tvn_inspection {
    struct tvn_arena *arena;
    const char *path;
    const char *name; /* of the component; NULL when it has none */
    const char *wit;  /* the world, then the interfaces that it names */
    size_t file_bytes;
    size_t module_bytes; /* of all core modules */
    const struct tvn_inspection_module *modules;
    size_t module_count;
    const struct tvn_inspection_item *imports;
    size_t import_count;
    const struct tvn_inspection_item *exports;
    size_t export_count;
    const struct tvn_inspection_producer *producers;
    size_t producer_count;
};

// COLD PATH. E0210 missing file, E0211 no component (with the byte offset), E0213, E0004, E0011.
TVN_NODISCARD enum tvn_status tvn_host_inspect_file(const char *path, struct tvn_diag_sink *sink,
                                                    struct tvn_inspection **out_inspection);
void tvn_inspection_destroy(struct tvn_inspection *inspection);
TVN_DEFINE_CLEANUP(tvn_inspection, tvn_inspection_destroy)
