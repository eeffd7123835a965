/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * WIT text: parse, resolve, print.
 *
 * Limits: a file of at most TVN_WIT_FILE_MAX bytes, TVN_WIT_FILES_MAX files a set, nesting
 * TVN_TYPE_DEPTH_MAX.
 */
#include "contracts/model.h"

#define TVN_WIT_FILE_MAX  ((size_t)1 << 20)
#define TVN_WIT_FILES_MAX 1024

struct tvn_wit; /* a set of resolved packages; owns its arena */

// COLD PATH. Builder: add every file of every package, then resolve once.
TVN_NODISCARD struct tvn_wit *tvn_wit_create(void);
void tvn_wit_destroy(struct tvn_wit *wit);
TVN_DEFINE_CLEANUP(tvn_wit, tvn_wit_destroy)

/*
 * Parses one file; `name` is what diagnostics show. `text` is copied. Files that declare the same
 * package (or none, within the same `directory` group) belong together. E0100 with a span; goes on
 * to find further errors.
 */
TVN_NODISCARD enum tvn_status tvn_wit_add_text(struct tvn_wit *wit, const char *name,
                                               struct tvn_str text, struct tvn_diag_sink *sink);
/* Adds a .wit file, or a directory: its *.wit files as one package and each entry of its deps/ as a
 * further one. */
TVN_NODISCARD enum tvn_status tvn_wit_add_path(struct tvn_wit *wit, const char *path,
                                               struct tvn_diag_sink *sink);
/*
 * Items marked @unstable(feature = …) are left out unless their feature was enabled, before
 * resolving. TVN_FULL beyond 256 features, TVN_E_OUT_OF_MEMORY.
 */
TVN_NODISCARD enum tvn_status tvn_wit_enable_feature(struct tvn_wit *wit, struct tvn_str feature);
void tvn_wit_enable_all_features(struct tvn_wit *wit);
/*
 * Resolves names, uses, includes; once. E0101 with spans and suggestions for what is not found,
 * E0100 for what breaks other rules of the language. `sink` is the one that the files were added
 * with: spans refer to its sources.
 */
TVN_NODISCARD enum tvn_status tvn_wit_resolve(struct tvn_wit *wit, struct tvn_diag_sink *sink);

size_t tvn_wit_package_count(const struct tvn_wit *wit);
const struct tvn_package *tvn_wit_package_at(const struct tvn_wit *wit, size_t index);
/* By full id "torvyn:streaming/types@0.1.0"; without version any version matches. */
const struct tvn_interface *tvn_wit_find_interface(const struct tvn_wit *wit, struct tvn_str id);

/* Prints WIT that parses back to an equal model. */
void tvn_wit_print_package(const struct tvn_package *package, struct tvn_strbuf *out);
/* The same as a block, "package a:b { … }": several of them make one file. */
void tvn_wit_print_nested_package(const struct tvn_package *package, struct tvn_strbuf *out);
void tvn_wit_print_interface(const struct tvn_interface *interface, struct tvn_strbuf *out);
/* As `inspect` shows a component: the world, then every interface that it names, grouped in nested
 * packages. */
void tvn_wit_print_world(const struct tvn_world *world, struct tvn_strbuf *out);
