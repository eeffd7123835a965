/* SPDX-License-Identifier: Apache-2.0 */
/* Sends everything to the port "left". */
#define FILTERING(interface) "torvyn:filtering/" interface "@0.1.0"
#include "hostile.h"

/* result<list<string>, process-error> */
static struct {
    uint8_t is_error;
    union {
        struct {
            struct bytes *at;
            uint32_t length;
        } ports;
        struct failure error;
    };
} result;
_Static_assert(sizeof(result) == 16, "as lowered");

EXPORT(FILTERING("router") "#route")
void *route(uint64_t sequence, uint64_t timestamp_ns, uint8_t *content_type,
            uint32_t content_type_length, handle payload, handle context)
{
    (void)timestamp_ns;
    (void)content_type;
    (void)content_type_length;
    static uint8_t left[] = "left";
    static struct bytes ports[] = {{left, sizeof(left) - 1}};
    enum kind kind = sequence == FAULTY_SEQUENCE ? misbehave("route") : KIND_NONE;
    drop_borrows(kind, payload, context);
    result.is_error = 0;
    result.ports.at = ports;
    result.ports.length = kind == KIND_BAD_VALUE ? 0x10000000u : 1;
    if (failure_of(kind, &result.error)) {
        result.is_error = 1;
    }
    return &result;
}

EXPORT("cabi_post_" FILTERING("router") "#route") void route_return(void *returned)
{
    (void)returned;
    scratch_clear();
}
