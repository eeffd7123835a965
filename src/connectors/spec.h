/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What --input, --output and `component = "builtin:…"` say: a source or sink by name.
 *
 *   source: "-", "stdin", "generator", "generator:COUNT", a file's path
 *   sink:   "-", "stdout", "stderr", a file's path
 *
 * With the prefix "builtin:" only the names and "builtin:file:PATH" are valid, without it
 * everything else is a path ("./stdin" for a file of such a name).
 */
#include "base/compiler.h"
#include "base/status.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum tvn_connector_kind {
    TVN_CONNECTOR_GENERATOR,
    TVN_CONNECTOR_STDIN,
    TVN_CONNECTOR_STDOUT,
    TVN_CONNECTOR_STDERR,
    TVN_CONNECTOR_FILE,
};
const char *tvn_connector_kind_name(enum tvn_connector_kind kind); /* "stdin" */

struct tvn_connector_spec {
    enum tvn_connector_kind kind;
    struct tvn_str path; /* FILE: a view into the parsed text */
    uint64_t count;      /* GENERATOR: elements; UINT64_MAX: endless */
};

// COLD PATH. TVN_E_CONSTRAINT_VIOLATION: empty, an unknown builtin, a bad count, a NUL in a path,
// the wrong direction.
TVN_NODISCARD enum tvn_status tvn_connector_spec_parse_source(struct tvn_str text,
                                                              struct tvn_connector_spec *out_spec);
TVN_NODISCARD enum tvn_status tvn_connector_spec_parse_sink(struct tvn_str text,
                                                            struct tvn_connector_spec *out_spec);
/* True for "builtin:…": a connector, not a component, stands at this node. */
bool tvn_connector_spec_is_builtin(struct tvn_str text);
