/* SPDX-License-Identifier: Apache-2.0 */
#include "resources/buffer.h"

#define BIT(state) (1u << (unsigned)(state))

static const struct {
    const char *name;
    unsigned next;
} states[] = {
    [TVN_BUFFER_POOLED] = {"Pooled", BIT(TVN_BUFFER_OWNED)},
    [TVN_BUFFER_OWNED] = {"Owned", BIT(TVN_BUFFER_POOLED) | BIT(TVN_BUFFER_BORROWED) |
                                       BIT(TVN_BUFFER_LEASED)},
    [TVN_BUFFER_BORROWED] = {"Borrowed", BIT(TVN_BUFFER_OWNED)},
    [TVN_BUFFER_LEASED] = {"Leased", BIT(TVN_BUFFER_OWNED)},
};

const char *tvn_buffer_state_name(enum tvn_buffer_state state)
{
    tvn_assert((unsigned)state < TVN_ARRAY_LEN(states));
    return states[state].name;
}

bool tvn_buffer_state_may_follow(enum tvn_buffer_state from, enum tvn_buffer_state to)
{
    tvn_assert((unsigned)from < TVN_ARRAY_LEN(states));
    tvn_assert((unsigned)to < TVN_ARRAY_LEN(states));
    return (states[from].next & BIT(to)) != 0;
}
