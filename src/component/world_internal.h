/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Imports and exports of a decoded component as the interface model that WIT text resolves to. */
#include "component/definition.h"
#include "component/reader_internal.h"

/*
 * Fills in names and owners of the document's types and resources. `type` is the root's, as the
 * decoder made it.
 */
TVN_NODISCARD enum tvn_status tvn_world_create(struct tvn_decode_context *context,
                                               const struct tvn_component_type *type,
                                               const struct tvn_world **out_world);
