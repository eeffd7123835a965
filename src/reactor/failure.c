/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/num.h"
#include "reactor/flow_internal.h"

#include <string.h>

static void copy_text(char out[TVN_FAULT_TEXT_MAX], const char *text)
{
    size_t length = strnlen(text, TVN_FAULT_TEXT_MAX - 1);
    memcpy(out, text, length);
    out[length] = '\0';
}

struct tvn_flow_failure *tvn_flow_fail(struct tvn_flow *flow, enum tvn_status code,
                                       const struct tvn_stage *stage, const char *text)
{
    tvn_assert(flow && text);
    tvn_assert(code > TVN_OK);

    if (flow->failure.code != TVN_OK) {
        return NULL;
    }
    flow->failure = (struct tvn_flow_failure){
        .code = code,
        .stage = stage ? stage->index : TVN_FLOW_STAGE_NONE,
    };
    copy_text(flow->failure.text, text);
    return &flow->failure;
}

static enum tvn_on_error policy_for(const struct tvn_stage *stage, enum tvn_process_error error)
{
    static const enum tvn_on_error defaults[] = {
        [TVN_PROCESS_INVALID_INPUT] = TVN_ON_ERROR_SKIP,
        [TVN_PROCESS_UNAVAILABLE] = TVN_ON_ERROR_RETRY,
        [TVN_PROCESS_INTERNAL] = TVN_ON_ERROR_SKIP,
        [TVN_PROCESS_DEADLINE_EXCEEDED] = TVN_ON_ERROR_SKIP,
        [TVN_PROCESS_FATAL] = TVN_ON_ERROR_TERMINATE,
    };
    tvn_assert((unsigned)error < TVN_ARRAY_LEN(defaults));
    if (error == TVN_PROCESS_FATAL || stage->on_error == TVN_ON_ERROR_DEFAULT) {
        return defaults[error];
    }
    return stage->on_error;
}

static void wait_for_retry(struct tvn_flow *flow, struct tvn_stage *stage)
{
    uint64_t backoff = tvn_min(stage->retry_backoff_ns, TVN_FLOW_RETRY_BACKOFF_MAX_NS);
    for (uint32_t i = 0; i < stage->attempts && backoff < TVN_FLOW_RETRY_BACKOFF_MAX_NS; i++) {
        backoff = tvn_min(backoff * 2, TVN_FLOW_RETRY_BACKOFF_MAX_NS);
    }
    stage->attempts++;
    stage->wake_ns = tvn_flow_read_clock(flow) + backoff;
    stage->phase = TVN_STAGE_WAIT_TIME;
}

void tvn_stage_fail(struct tvn_flow *flow, struct tvn_stage *stage, enum tvn_entry entry,
                    enum tvn_outcome outcome, const struct tvn_element *element)
{
    struct tvn_fault *fault = &flow->fault;
    enum tvn_status code = fault->code;
    if (code <= TVN_OK) {
        code = outcome == TVN_OUTCOME_DEAD ? TVN_E_COMPONENT_TRAPPED : TVN_E_FATAL_COMPONENT_ERROR;
    }
    struct tvn_flow_failure *failure = tvn_flow_fail(flow, code, stage, fault->text);
    if (failure) {
        failure->entry = entry;
        failure->outcome = outcome;
        failure->error = fault->error;
        failure->has_sequence = element != NULL;
        failure->sequence = element ? element->sequence : 0;
        failure->attempts = stage->attempts;
    }
    stage->dead |= outcome == TVN_OUTCOME_DEAD;
    stage->failed = true;
    flow->cut_pending = true;
    *fault = (struct tvn_fault){0};
}

void tvn_stage_skip(struct tvn_flow *flow, struct tvn_stage *stage, enum tvn_entry entry,
                    enum tvn_outcome outcome, const struct tvn_element *element)
{
    if (!stage->has_skipped) {
        struct tvn_flow_failure *skipped = &flow->skipped[stage->index];
        stage->has_skipped = true;
        *skipped = (struct tvn_flow_failure){
            .code = flow->fault.code,
            .stage = stage->index,
            .entry = entry,
            .outcome = outcome,
            .error = flow->fault.error,
            .has_sequence = element != NULL,
            .sequence = element ? element->sequence : 0,
            .attempts = stage->attempts,
        };
        copy_text(skipped->text, flow->fault.text);
    }
    flow->fault = (struct tvn_fault){0};
}

enum tvn_verdict tvn_stage_judge(struct tvn_flow *flow, struct tvn_stage *stage,
                                 enum tvn_entry entry, enum tvn_outcome outcome,
                                 const struct tvn_element *element)
{
    tvn_assert(outcome == TVN_OUTCOME_ERROR || outcome == TVN_OUTCOME_DEAD);
    tvn_stage_count_error(flow, stage, entry, outcome, element);
    if (outcome == TVN_OUTCOME_ERROR) {
        enum tvn_on_error policy = policy_for(stage, flow->fault.error);
        if (policy == TVN_ON_ERROR_SKIP) {
            tvn_stage_skip(flow, stage, entry, outcome, element);
            return TVN_VERDICT_SKIP;
        }
        if (policy == TVN_ON_ERROR_RETRY && stage->attempts < stage->max_retries) {
            flow->fault = (struct tvn_fault){0};
            wait_for_retry(flow, stage);
            return TVN_VERDICT_RETRY;
        }
    }
    tvn_stage_fail(flow, stage, entry, outcome, element);
    return TVN_VERDICT_FAIL;
}

void tvn_flow_cut(struct tvn_flow *flow)
{
    tvn_assert(flow);
    flow->cut_pending = false;
    flow->sources_stopped = true;
    /* Consumers first, so that a stage is judged after everything it feeds. */
    for (uint32_t i = 0; i < flow->stage_count; i++) {
        struct tvn_stage *stage = flow->order[i];
        bool useless = stage->output_count > 0;
        for (uint32_t k = 0; k < stage->output_count; k++) {
            useless = useless && stage->outputs[k]->to->failed;
        }
        stage->failed |= useless;
        if (stage->failed && stage->phase != TVN_STAGE_ENDED) {
            tvn_stage_end(flow, stage);
        }
    }
    for (uint32_t i = 0; i < flow->edge_count; i++) {
        if (flow->edges[i].to->failed && !flow->edges[i].closed) {
            tvn_edge_close(flow, &flow->edges[i]);
        }
    }
}
