/* SPDX-License-Identifier: Apache-2.0 */
#include "types/flow_state.h"

#include "base/assert.h"

#include <stddef.h>

#define BIT(state) (1u << (unsigned)(state))

/* One row per state: its name and the states that may follow. */
static const struct {
    const char *name;
    unsigned next;
} states[TVN_FLOW_STATE_COUNT] = {
    [TVN_FLOW_CREATED] = {"Created", BIT(TVN_FLOW_VALIDATED) | BIT(TVN_FLOW_FAILED)},
    [TVN_FLOW_VALIDATED] = {"Validated", BIT(TVN_FLOW_INSTANTIATED) | BIT(TVN_FLOW_FAILED)},
    [TVN_FLOW_INSTANTIATED] = {"Instantiated", BIT(TVN_FLOW_RUNNING) | BIT(TVN_FLOW_FAILED)},
    [TVN_FLOW_RUNNING] = {"Running",
                          BIT(TVN_FLOW_SUSPENDED) | BIT(TVN_FLOW_DRAINING) | BIT(TVN_FLOW_FAILED)},
    [TVN_FLOW_SUSPENDED] = {"Suspended",
                            BIT(TVN_FLOW_RUNNING) | BIT(TVN_FLOW_DRAINING) | BIT(TVN_FLOW_FAILED)},
    [TVN_FLOW_DRAINING] = {"Draining", BIT(TVN_FLOW_COMPLETED) | BIT(TVN_FLOW_FAILED)},
    [TVN_FLOW_COMPLETED] = {"Completed", 0},
    [TVN_FLOW_FAILED] = {"Failed", 0},
};

const char *tvn_flow_state_name(enum tvn_flow_state state)
{
    tvn_assert((unsigned)state < TVN_FLOW_STATE_COUNT);
    return states[state].name;
}

bool tvn_flow_state_may_follow(enum tvn_flow_state from, enum tvn_flow_state to)
{
    tvn_assert((unsigned)from < TVN_FLOW_STATE_COUNT);
    tvn_assert((unsigned)to < TVN_FLOW_STATE_COUNT);
    return (states[from].next & BIT(to)) != 0;
}

bool tvn_flow_state_is_terminal(enum tvn_flow_state state)
{
    tvn_assert((unsigned)state < TVN_FLOW_STATE_COUNT);
    return states[state].next == 0;
}
