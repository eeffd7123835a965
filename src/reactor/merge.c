/* SPDX-License-Identifier: Apache-2.0 */
/* The inputs of a stage: from which the next element comes. */
#include "base/assert.h"
#include "reactor/vector_internal.h"

struct tvn_edge *tvn_stage_next_input(struct tvn_stage *stage, bool new_vector)
{
    if (stage->repeat) {
        tvn_assert(stage->input->queue.count > 0);
        stage->input_over |= new_vector;
        return stage->input;
    }
    uint32_t start = 0;
    switch (stage->merge) {
    case TVN_MERGE_FIRST_AVAILABLE:
        start = stage->input_cursor + (new_vector || stage->input_over);
        stage->input_over = false;
        break;
    case TVN_MERGE_ROUND_ROBIN:
        start = stage->input_cursor + 1;
        break;
    case TVN_MERGE_PRIORITY:
        break;
    }
    uint32_t index = start >= stage->input_count ? start - stage->input_count : start;
    for (uint32_t i = 0; i < stage->input_count; i++) {
        if (stage->inputs[index]->queue.count > 0) {
            stage->input_next = index;
            stage->input = stage->inputs[index];
            return stage->input;
        }
        index = index + 1 == stage->input_count ? 0 : index + 1;
    }
    return NULL;
}

bool tvn_stage_inputs_over(const struct tvn_stage *stage)
{
    for (uint32_t i = 0; i < stage->input_count; i++) {
        if (!stage->inputs[i]->ended || tvn_edge_count(stage->inputs[i]) > 0) {
            return false;
        }
    }
    return true;
}

void tvn_vector_drained(struct tvn_vector *vector)
{
    struct tvn_stage *stage = vector->stage;
    for (uint32_t i = 0; i < stage->input_count; i++) {
        struct tvn_edge *edge = stage->inputs[i];
        if (edge->taken > 0) {
            uint32_t taken = edge->taken;
            edge->taken = 0;
            tvn_edge_drained(vector, edge, taken);
        }
    }
}
