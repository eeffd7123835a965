/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What capability.c offers to resolve.c. */
#include "base/str.h"

/* The nearest manifest key, or NULL. */
const char *tvn_capability_suggest_key(struct tvn_str key);
