/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/mem.h"
#include "base/num.h"
#include "reactor/flow_internal.h"

#include <string.h>

/* Cut to fit; `text` is a fault's. Returns the length. */
static size_t copy_text(char *out, size_t size, const char *text)
{
    size_t length = strnlen(text, tvn_min(size, (size_t)TVN_FAULT_TEXT_MAX) - 1);
    memcpy(out, text, length);
    out[length] = '\0';
    return length;
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
        .text = "no memory for what was said about it",
    };
    flow->failure_text = tvn_malloc(TVN_FAULT_TEXT_MAX);
    if (flow->failure_text) {
        (void)copy_text(flow->failure_text, TVN_FAULT_TEXT_MAX, text);
        flow->failure.text = flow->failure_text;
    }
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

static uint64_t doubled(uint64_t backoff_ns, uint64_t times)
{
    backoff_ns = tvn_min(backoff_ns, TVN_FLOW_RETRY_BACKOFF_MAX_NS);
    for (uint64_t i = 0; i < times && backoff_ns < TVN_FLOW_RETRY_BACKOFF_MAX_NS; i++) {
        backoff_ns = tvn_min(backoff_ns * 2, TVN_FLOW_RETRY_BACKOFF_MAX_NS);
    }
    return backoff_ns;
}

static void wait_for(struct tvn_flow *flow, struct tvn_stage *stage, uint64_t duration_ns)
{
    stage->wake_ns = tvn_flow_read_clock(flow) + duration_ns;
    stage->phase = TVN_STAGE_WAIT_TIME;
}

static void describe(struct tvn_flow_failure *failure, const struct tvn_flow *flow,
                     const struct tvn_stage *stage, enum tvn_entry entry, enum tvn_outcome outcome,
                     const struct tvn_element *element)
{
    failure->stage = stage->index;
    failure->entry = entry;
    failure->outcome = outcome;
    failure->error = flow->fault.error;
    failure->has_sequence = element != NULL;
    failure->sequence = element ? element->sequence : 0;
    failure->attempts = stage->attempts;
    failure->traps = stage->circuit_open
                         ? (uint32_t)tvn_min(stage->trap_count, (uint64_t)stage->circuit_traps)
                         : 0;
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
        describe(failure, flow, stage, entry, outcome, element);
        if (stage->circuit_open && flow->failure_text) {
            static const char prefix[] = "the instance died too often, the last time: ";
            size_t used = copy_text(flow->failure_text, TVN_FAULT_TEXT_MAX, prefix);
            (void)copy_text(flow->failure_text + used, TVN_FAULT_TEXT_MAX - used, fault->text);
        }
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
        struct tvn_skipped *skipped = &flow->skipped[stage->index];
        stage->has_skipped = true;
        skipped->failure = (struct tvn_flow_failure){
            .code = flow->fault.code,
            .text = skipped->text,
        };
        describe(&skipped->failure, flow, stage, entry, outcome, element);
        (void)copy_text(skipped->text, sizeof(skipped->text), flow->fault.text);
    }
    flow->fault = (struct tvn_fault){0};
}

/* As skip; before, whoever collects dead letters gets the element. */
static void send_letter(struct tvn_flow *flow, struct tvn_stage *stage, enum tvn_entry entry,
                        enum tvn_outcome outcome, const struct tvn_element *element)
{
    if (element) {
        struct tvn_flow_failure failure = {.code = flow->fault.code, .text = flow->fault.text};
        describe(&failure, flow, stage, entry, outcome, element);
        if (flow->dead_letter(flow->dead_letter_context, stage->index, element, &failure)) {
            tvn_stat_add(&stage->stats->dead_lettered, 1);
            tvn_stat_add(&flow->stats->dead_lettered, 1);
            tvn_stage_tell(flow, stage, TVN_EVENT_DEAD_LETTER, element);
        }
    }
    tvn_stage_skip(flow, stage, entry, outcome, element);
}

/* One more death. Returns how many there were within the window, and opens the circuit. */
static uint32_t count_trap(struct tvn_flow *flow, struct tvn_stage *stage)
{
    uint64_t now_ns = tvn_flow_read_clock(flow);
    stage->trap_times_ns[stage->trap_count++ % stage->circuit_traps] = now_ns;
    uint64_t known = tvn_min(stage->trap_count, (uint64_t)stage->circuit_traps);
    uint32_t recent = 0;
    for (uint64_t i = 0; i < known; i++) {
        recent += now_ns - stage->trap_times_ns[i] <= stage->circuit_window_ns;
    }
    stage->circuit_open =
        recent == stage->circuit_traps || stage->restart_failures >= stage->circuit_traps;
    return recent;
}

static bool may_restart(const struct tvn_flow *flow, const struct tvn_stage *stage)
{
    return stage->invoker->ops->restart && tvn_stop_level(flow->stop) != TVN_STOP_CANCEL &&
           flow->fault.code != TVN_E_FLOW_CANCELLED;
}

static enum tvn_verdict judge_death(struct tvn_flow *flow, struct tvn_stage *stage,
                                    enum tvn_entry entry, const struct tvn_element *element)
{
    enum tvn_on_error policy = stage->on_error;
    bool ends = policy == TVN_ON_ERROR_DEFAULT || policy == TVN_ON_ERROR_TERMINATE ||
                (policy == TVN_ON_ERROR_RETRY && stage->attempts >= stage->max_retries);
    uint32_t recent = 0;
    if (!ends && may_restart(flow, stage)) {
        recent = count_trap(flow, stage);
    }
    if (recent == 0 || stage->circuit_open) {
        tvn_stage_fail(flow, stage, entry, TVN_OUTCOME_DEAD, element);
        return TVN_VERDICT_FAIL;
    }
    uint64_t backoff_ns = doubled(stage->restart_backoff_ns, recent - 1);
    stage->dead = true;
    if (policy == TVN_ON_ERROR_RETRY) {
        backoff_ns = tvn_max(backoff_ns, doubled(stage->retry_backoff_ns, stage->attempts));
        stage->attempts++;
        flow->fault = (struct tvn_fault){0};
        wait_for(flow, stage, backoff_ns);
        return TVN_VERDICT_RETRY;
    }
    if (policy == TVN_ON_ERROR_DEAD_LETTER) {
        send_letter(flow, stage, entry, TVN_OUTCOME_DEAD, element);
    } else {
        tvn_stage_skip(flow, stage, entry, TVN_OUTCOME_DEAD, element);
    }
    wait_for(flow, stage, backoff_ns);
    return TVN_VERDICT_SKIP;
}

static enum tvn_verdict judge_error(struct tvn_flow *flow, struct tvn_stage *stage,
                                    enum tvn_entry entry, enum tvn_outcome outcome,
                                    const struct tvn_element *element)
{
    switch (policy_for(stage, flow->fault.error)) {
    case TVN_ON_ERROR_SKIP:
        tvn_stage_skip(flow, stage, entry, outcome, element);
        return TVN_VERDICT_SKIP;
    case TVN_ON_ERROR_DEAD_LETTER:
        send_letter(flow, stage, entry, outcome, element);
        return TVN_VERDICT_SKIP;
    case TVN_ON_ERROR_RETRY:
        if (stage->attempts < stage->max_retries) {
            flow->fault = (struct tvn_fault){0};
            wait_for(flow, stage, doubled(stage->retry_backoff_ns, stage->attempts++));
            return TVN_VERDICT_RETRY;
        }
        break;
    case TVN_ON_ERROR_TERMINATE:
    case TVN_ON_ERROR_DEFAULT:
        break;
    }
    tvn_stage_fail(flow, stage, entry, outcome, element);
    return TVN_VERDICT_FAIL;
}

enum tvn_verdict tvn_stage_judge(struct tvn_flow *flow, struct tvn_stage *stage,
                                 enum tvn_entry entry, enum tvn_outcome outcome,
                                 const struct tvn_element *element)
{
    tvn_assert(outcome == TVN_OUTCOME_ERROR || outcome == TVN_OUTCOME_DEAD);
    tvn_stage_count_error(flow, stage, entry, outcome, element);
    bool dead = outcome == TVN_OUTCOME_DEAD;
    enum tvn_verdict verdict = dead ? judge_death(flow, stage, entry, element)
                                    : judge_error(flow, stage, entry, outcome, element);
    stage->held_lost |= dead || (entry == TVN_ENTRY_FLUSH && verdict != TVN_VERDICT_RETRY);
    return verdict;
}

void tvn_stage_settle_loss(struct tvn_flow *flow, struct tvn_stage *stage)
{
    uint64_t lost = stage->held;
    struct tvn_stage_stats *stats = stage->stats;
    stage->held = 0;
    stage->held_lost = false;
    tvn_assert(lost <= tvn_stat_get(&stats->absorbed));
    tvn_stat_set(&stats->absorbed, tvn_stat_get(&stats->absorbed) - lost);
    tvn_stat_set(&flow->stats->absorbed, tvn_stat_get(&flow->stats->absorbed) - lost);
    tvn_stat_add(&stats->failed, lost);
    tvn_stat_add(&flow->stats->failed, lost);
    tvn_stat_add(&stats->lost, lost);
}

bool tvn_stage_restart(struct tvn_flow *flow, struct tvn_stage *stage)
{
    tvn_assert(stage->dead && !stage->failed);
    enum tvn_outcome outcome = stage->invoker->ops->restart(stage->invoker, &flow->fault);
    tvn_flow_read_clock(flow);
    if (outcome == TVN_OUTCOME_EMIT) {
        stage->dead = false;
        stage->restart_failures = 0;
        stage->paused = false; /* the new instance has been told nothing */
        tvn_stat_add(&stage->stats->restarts, 1);
        tvn_stage_tell(flow, stage, TVN_EVENT_RESTARTED, NULL);
        tvn_stage_signal(flow, stage);
        return true;
    }
    tvn_assert(outcome == TVN_OUTCOME_ERROR || outcome == TVN_OUTCOME_DEAD);
    tvn_stage_count_error(flow, stage, TVN_ENTRY_INIT, outcome, NULL);
    bool fatal = outcome == TVN_OUTCOME_ERROR && flow->fault.error == TVN_PROCESS_FATAL;
    stage->restart_failures++;
    uint32_t recent = count_trap(flow, stage);
    if (fatal || stage->circuit_open || !may_restart(flow, stage)) {
        tvn_stage_fail(flow, stage, TVN_ENTRY_INIT, outcome, NULL);
        return true;
    }
    flow->fault = (struct tvn_fault){0};
    wait_for(flow, stage, doubled(stage->restart_backoff_ns, recent - 1));
    return false;
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
