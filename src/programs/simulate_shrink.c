/* SPDX-License-Identifier: Apache-2.0 */
/* From a failing run to a small one: what can be left out is, as long as something still fails. */
#include "base/num.h"
#include "programs/simulate_internal.h"

#define ROUNDS_MAX 6

struct shrink {
    struct tvn_sim_config best;
    struct tvn_sim_result result;
};

/* Keeps the candidate when it fails, too; its steps end where it failed. */
static bool attempt(struct shrink *shrink, const struct tvn_sim_config *candidate)
{
    struct tvn_sim_result result;
    if (!tvn_sim_run_apart(candidate, &result)) {
        return false;
    }
    shrink->best = *candidate;
    shrink->best.steps = tvn_min(candidate->steps, result.step + 1);
    shrink->result = result;
    return true;
}

static void fewer_flows(struct shrink *shrink)
{
    struct tvn_sim_config candidate = shrink->best;
    if (candidate.only == TVN_SIM_ANY && shrink->result.flow != TVN_SIM_ANY) {
        candidate.only = shrink->result.flow;
        if (attempt(shrink, &candidate)) {
            candidate = shrink->best;
        }
    }
    if (candidate.only != TVN_SIM_ANY && candidate.life == 0 && shrink->result.life > 0) {
        candidate = shrink->best;
        candidate.life = shrink->result.life;
        (void)attempt(shrink, &candidate);
    }
    for (uint32_t flows = 1; shrink->best.only == TVN_SIM_ANY && flows < shrink->best.flows;
         flows *= 2) {
        candidate = shrink->best;
        candidate.flows = flows;
        if (attempt(shrink, &candidate)) {
            return;
        }
    }
}

static void smaller(struct shrink *shrink, uint32_t *field_of_candidate,
                    struct tvn_sim_config *candidate, uint32_t first)
{
    uint32_t current = *field_of_candidate;
    for (uint32_t value = first; value < current; value = value * 2) {
        *field_of_candidate = value;
        if (attempt(shrink, candidate)) {
            return;
        }
    }
    *field_of_candidate = current;
}

static void less_trouble(struct shrink *shrink)
{
    for (unsigned fault = 0; fault < TVN_SIM_FAULT_COUNT; fault++) {
        struct tvn_sim_config candidate = shrink->best;
        candidate.off |= UINT64_C(1) << fault;
        if (candidate.off != shrink->best.off) {
            (void)attempt(shrink, &candidate);
        }
    }
}

static void fewer_steps(struct shrink *shrink)
{
    uint64_t low = 0; /* does not fail, as far as is known */
    uint64_t high = shrink->best.steps;
    while (high - low > 1) {
        struct tvn_sim_config candidate = shrink->best;
        candidate.steps = low + (high - low) / 2;
        if (attempt(shrink, &candidate)) {
            high = tvn_min(candidate.steps, shrink->best.steps);
        } else {
            low = candidate.steps;
        }
    }
}

static bool same(const struct tvn_sim_config *a, const struct tvn_sim_config *b)
{
    return a->steps == b->steps && a->off == b->off && a->flows == b->flows && a->only == b->only &&
           a->life == b->life && a->stages == b->stages && a->depth == b->depth &&
           a->workers == b->workers && a->rows == b->rows;
}

void tvn_sim_shrink(const struct tvn_sim_config *config, const struct tvn_sim_result *found,
                    struct tvn_sim_config *out_smallest, struct tvn_sim_result *out_result)
{
    struct shrink shrink = {.best = *config, .result = *found};
    shrink.best.steps = tvn_min(config->steps, found->step + 1);
    for (int round = 0; round < ROUNDS_MAX; round++) {
        struct tvn_sim_config before = shrink.best;
        fewer_flows(&shrink);
        fewer_steps(&shrink);
        struct tvn_sim_config candidate = shrink.best;
        smaller(&shrink, &candidate.stages, &candidate, 2);
        candidate = shrink.best;
        smaller(&shrink, &candidate.depth, &candidate, 1);
        candidate = shrink.best;
        smaller(&shrink, &candidate.workers, &candidate, 1);
        candidate = shrink.best;
        smaller(&shrink, &candidate.rows, &candidate, 0);
        less_trouble(&shrink);
        if (same(&before, &shrink.best)) {
            break;
        }
    }
    *out_smallest = shrink.best;
    *out_result = shrink.result;
}
