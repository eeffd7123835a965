/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A router that does what the payload says: "metrics,logs" is the list of ports to return, "" none.
 * After '!' it misbehaves: t traps, e returns an error, m, o and n return a list that is
 * misaligned, outside of the memory or endless, s and u a name that is outside of the memory or no
 * UTF-8, c 257 names, l a name that is long, x one that is too long, b keeps its borrows.
 */
#include "streaming_abi.h"

#define ROUTER "torvyn:filtering/router@0.1.0#route"
#define NAMES  257

static struct {
    uint8_t is_error;
    union {
        struct {
            struct bytes *at;
            uint32_t length;
        } ok;
        struct failure error;
    };
} result;
_Static_assert(sizeof(result) == 16, "as lowered");

static struct bytes names[NAMES];
static uint8_t text[] = "the router is worn out\xff";
static uint8_t repeated[1026];

static void split(struct bytes list)
{
    result.ok.at = names;
    result.ok.length = 0;
    uint32_t begin = 0;
    for (uint32_t i = 0; list.length > 0 && i <= list.length; i++) {
        if (i == list.length || list.at[i] == ',') {
            names[result.ok.length++] = (struct bytes){list.at + begin, i - begin};
            begin = i + 1;
        }
    }
}

static void one_name(uint8_t *at, uint32_t length)
{
    names[0] = (struct bytes){at, length};
    result.ok.at = names;
    result.ok.length = 1;
}

static void misbehave(uint8_t how)
{
    switch (how) {
    case 'e':
        result.is_error = 1;
        result.error = (struct failure){INTERNAL, {text, 22}};
        break;
    case 'm':
        result.ok.at = (struct bytes *)(uintptr_t)2;
        result.ok.length = 1;
        break;
    case 'o':
        result.ok.at = (struct bytes *)(uintptr_t)0xfffffff0u;
        result.ok.length = 1;
        break;
    case 'n':
        result.ok.at = names;
        result.ok.length = UINT32_MAX;
        break;
    case 's':
        one_name((uint8_t *)(uintptr_t)0xfffffff0u, 9);
        break;
    case 'u':
        one_name(text, 23);
        break;
    case 'l':
    case 'x':
        for (uint32_t i = 0; i < sizeof(repeated); i++) {
            repeated[i] = (uint8_t)(i % 2 ? 0xa4 : 0xc3); /* ä */
        }
        one_name(repeated, how == 'l' ? 1024 : 1026);
        break;
    case 'c':
        for (uint32_t i = 0; i < NAMES; i++) {
            names[i] = (struct bytes){text, 0};
        }
        result.ok.at = names;
        result.ok.length = NAMES;
        break;
    default:
        __builtin_trap();
    }
}

EXPORT(ROUTER)
void *route(uint64_t sequence, uint64_t timestamp_ns, uint8_t *content_type,
            uint32_t content_type_length, handle payload, handle context)
{
    (void)sequence, (void)timestamp_ns, (void)content_type, (void)content_type_length;
    struct bytes list;
    buffer_read_all(payload, &list);
    result.is_error = 0;
    bool hostile = list.length > 1 && list.at[0] == '!';
    if (hostile && list.at[1] == 'b') {
        result.ok.length = 0;
        return &result;
    }
    if (hostile) {
        misbehave(list.at[1]);
    } else {
        split(list);
    }
    buffer_drop(payload);
    flow_context_drop(context);
    return &result;
}

EXPORT("cabi_post_" ROUTER) void route_return(void *returned)
{
    (void)returned;
    for (uint32_t i = 0; i < scratch.used; i++) {
        scratch.bytes[i] = '#'; /* who still reads a name sees it */
    }
    scratch_clear();
}
