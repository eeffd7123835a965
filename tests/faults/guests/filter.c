/* SPDX-License-Identifier: Apache-2.0 */
/* Accepts everything. */
#define FILTERING(interface) "torvyn:filtering/" interface "@0.1.0"
#include "hostile.h"

EXPORT(FILTERING("filter") "#evaluate")
struct verdict_result *evaluate(uint64_t sequence, uint64_t timestamp_ns, uint8_t *content_type,
                                uint32_t content_type_length, handle payload, handle context)
{
    (void)timestamp_ns;
    (void)content_type;
    (void)content_type_length;
    enum kind kind = sequence == FAULTY_SEQUENCE ? misbehave("evaluate") : KIND_NONE;
    drop_borrows(kind, payload, context);
    return verdict_of(kind, 1);
}

EXPORT("cabi_post_" FILTERING("filter") "#evaluate")
void evaluate_return(struct verdict_result *returned)
{
    (void)returned;
    scratch_clear();
}
