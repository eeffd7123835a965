/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Diagnostics for programs, the same content as diag_text.h. One object each:
 *
 *     severity   "error", "warning" or "note"
 *     code       "E0701", or null
 *     name       "UnknownField", or null
 *     message    text
 *     file       path as the user gave it, or null when there is no place
 *     line, column, end_column
 *                from 1, in characters, the end exclusive; null without a place in a text
 *     offset     bytes; only for binary files
 *     label      what is wrong there, or null
 *     notes      array of text
 *     help       how to fix it, or null
 *     related    array of places: file, line, column, end_column, offset, label as above
 */
#include "base/diag.h"

struct tvn_json_writer;

// COLD PATH. Writes one value, an array of all kept diagnostics in the order of their making.
void tvn_diag_json_array(const struct tvn_diag_sink *sink, struct tvn_json_writer *json);
/* Only those of one severity. */
void tvn_diag_json_array_of(const struct tvn_diag_sink *sink, enum tvn_severity severity,
                            struct tvn_json_writer *json);
