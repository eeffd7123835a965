/* SPDX-License-Identifier: Apache-2.0 */
#include "contracts/canonical.h"

enum tvn_status tvn_contracts_add_canonical(struct tvn_wit *wit, struct tvn_diag_sink *sink)
{
    for (const struct tvn_embedded_text *file = tvn_contracts_texts; file->name; file++) {
        TVN_TRY(
            tvn_wit_add_text(wit, file->name, (struct tvn_str){file->text, file->length}, sink));
    }
    return TVN_OK;
}
