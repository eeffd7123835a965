/* SPDX-License-Identifier: Apache-2.0 */
#include "component/world_internal.h"

enum tvn_status tvn_world_create(struct tvn_decode_context *context,
                                 const struct tvn_document *document,
                                 const struct tvn_world **out_world)
{
    (void)document;
    struct tvn_world *world = TVN_DECODE_NEW(context, struct tvn_world);
    if (!world) {
        return context->failed;
    }
    *out_world = world;
    return TVN_OK;
}
