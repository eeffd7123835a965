/* SPDX-License-Identifier: Apache-2.0 */
/* Takes everything. */
#include "hostile.h"

EXPORT_FUNC("sink", "push")
struct verdict_result *push(uint64_t sequence, uint64_t timestamp_ns, uint8_t *content_type,
                            uint32_t content_type_length, handle payload, handle context)
{
    (void)timestamp_ns;
    (void)content_type;
    (void)content_type_length;
    enum kind kind = sequence == FAULTY_SEQUENCE ? misbehave("push") : KIND_NONE;
    drop_borrows(kind, payload, context);
    return verdict_of(kind, 0);
}

EXPORT_POST("sink", "push") void push_return(struct verdict_result *returned)
{
    (void)returned;
    scratch_clear();
}

EXPORT_FUNC("sink", "complete") struct verdict_result *complete(void)
{
    return verdict_of(misbehave("complete"), 0);
}
