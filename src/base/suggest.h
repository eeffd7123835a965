/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* "Did you mean": the nearest of some names by edit distance with transpositions. */
#include "base/str.h"

/*
 * COLD PATH. NULL when nothing is near enough: at most one edit per three characters, at least one
 * allowed. Ties go to the earlier name. Names longer than 64 bytes are ignored.
 */
const char *tvn_suggest(struct tvn_str word, const char *const *names, size_t count);
