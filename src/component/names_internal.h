/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Names in component binaries: the grammar of import and export names, strong uniqueness, and
 * searching arrays of named items.
 */
#include "base/str.h"
#include "component/reader_internal.h"

struct tvn_map;

enum tvn_extern_name_kind {
    TVN_NAME_PLAIN,       /* "a-b" */
    TVN_NAME_CONSTRUCTOR, /* "[constructor]a" */
    TVN_NAME_METHOD,      /* "[method]a.b" */
    TVN_NAME_STATIC,      /* "[static]a.b" */
    TVN_NAME_INTERFACE,   /* "ns:pkg/name@1.2.3" */
};

struct tvn_extern_name {
    enum tvn_extern_name_kind kind;
    struct tvn_str text;     /* all of it */
    struct tvn_str resource; /* CONSTRUCTOR, METHOD, STATIC */
    struct tvn_str item;     /* METHOD, STATIC: the last part; PLAIN: all of it */
};

/* E0211 for a name outside the grammar. */
TVN_NODISCARD enum tvn_status tvn_extern_name_parse(struct tvn_decode_context *context,
                                                    struct tvn_str text, uint32_t offset,
                                                    struct tvn_extern_name *out_name);
/* A label ("a-b", "XML-parser"). */
bool tvn_label_valid(struct tvn_str text);

/*
 * Adds a name to a set where names must differ by more than case (labels), or by the rules for
 * imports and exports. E0211 "`what` name conflicts with".
 */
TVN_NODISCARD enum tvn_status tvn_label_add(struct tvn_decode_context *context, struct tvn_map *set,
                                            struct tvn_str label, uint32_t offset,
                                            const char *what);
TVN_NODISCARD enum tvn_status tvn_extern_name_add(struct tvn_decode_context *context,
                                                  struct tvn_map *set,
                                                  const struct tvn_extern_name *name,
                                                  uint32_t offset, const char *what);

/*
 * Arrays of structs that begin with `keys` strings: their numbers in the order of those strings,
 * and searching by them. `*out_duplicate` is an item whose keys are those of another one, or
 * UINT32_MAX.
 */
struct tvn_name_array {
    const void *items;
    size_t item_bytes;
    uint32_t count;
    uint32_t keys;
};
/* The order lives in the arena. NULL: reported. */
TVN_NODISCARD const uint32_t *tvn_name_order_create(struct tvn_decode_context *context,
                                                    struct tvn_name_array array,
                                                    uint32_t *out_duplicate);
/* UINT32_MAX when there is none. */
uint32_t tvn_name_order_find(struct tvn_name_array array, const uint32_t *order,
                             const struct tvn_str *keys);
