/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Roles and the contract interfaces that make them. Specification: WIT Interface Reference. */
#include "base/str.h"
#include "types/invoker.h"

#include <stdbool.h>

#define TVN_ROLE_COUNT (TVN_ROLE_SINK + 1)

/* "torvyn:streaming/processor": the interface a role exports, without version. */
const char *tvn_role_interface(enum tvn_role role);
/* The role of "torvyn:streaming/processor", with or without "@version". */
TVN_NODISCARD bool tvn_role_from_interface(struct tvn_str interface, enum tvn_role *out_role);
