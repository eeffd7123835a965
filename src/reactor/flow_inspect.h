/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A look into a flow between two turns or from inside a call: for the simulator, which compares it
 * with a model of its own. Nothing can be changed through it.
 *
 * Threads: the one that runs the flow. Memory: views borrow from the flow.
 */
#include "reactor/flow.h"
#include "reactor/queue.h"

#include <stdbool.h>
#include <stdint.h>

struct tvn_edge_view {
    const struct tvn_queue *queue;  /* its elements are slots[(head + i) % capacity], i < count */
    const struct tvn_element *held; /* waits beside a queue that is full by bytes; NULL: none */
};
void tvn_flow_inspect_edge(const struct tvn_flow *flow, uint32_t edge,
                           struct tvn_edge_view *out_view);

struct tvn_flow_view {
    bool cut_pending;           /* a stage has failed; what that ends comes with the next turn */
    bool closing;               /* stages are being torn down */
    uint64_t close_deadline_ns; /* of closing: when TEARDOWN is waited for no longer */
};
void tvn_flow_inspect(const struct tvn_flow *flow, struct tvn_flow_view *out_view);
