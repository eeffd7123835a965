/* SPDX-License-Identifier: Apache-2.0 */
#include "toolchain/build.h"

#include "base/assert.h"
#include "base/mem.h"
#include "toolchain/build_internal.h"

const char *tvn_build_outcome_name(enum tvn_build_outcome outcome)
{
    static const char *const names[] = {"skipped", "failed", "up-to-date", "built"};
    tvn_assert((unsigned)outcome < TVN_ARRAY_LEN(names));
    return names[outcome];
}

void tvn_build_report_deinit(struct tvn_build_report *report)
{
    tvn_arena_destroy(report->arena);
    *report = (struct tvn_build_report){0};
}

/* All plans before the first command: what is missing is said at once, and for all. */
static enum tvn_status plan_all(const struct tvn_build_options *options, struct tvn_arena *arena,
                                struct tvn_diag_sink *sink, struct build_plan *plans,
                                struct build_job *jobs, struct tvn_build_result *results)
{
    enum tvn_status result = TVN_OK;
    for (size_t i = 0; i < options->component_count; i++) {
        const struct tvn_manifest_component *declared = options->components[i].declared;
        results[i] = (struct tvn_build_result){
            .name = declared->name, .language = declared->language, .outcome = TVN_BUILD_SKIPPED};
        enum tvn_status status =
            build_plan_create(options, &options->components[i], arena, sink, &plans[i]);
        if (status == TVN_OK) {
            results[i].output = plans[i].output;
            jobs[i] = (struct build_job){.plan = &plans[i], .result = &results[i], .lock = -1};
        } else {
            results[i].outcome = TVN_BUILD_FAILED;
        }
        result = result == TVN_OK ? status : result;
    }
    return result;
}

enum tvn_status tvn_build(const struct tvn_build_options *options, struct tvn_diag_sink *sink,
                          struct tvn_build_report *out_report)
{
    tvn_assert(options && options->manifest && options->probe && sink && out_report);
    size_t count = options->component_count;
    *out_report = (struct tvn_build_report){.arena = tvn_arena_create(0)};
    struct tvn_arena *arena = out_report->arena;
    struct tvn_build_result *results =
        arena ? TVN_ARENA_ARRAY(arena, struct tvn_build_result, count + 1) : NULL;
    struct build_plan *plans = arena ? TVN_ARENA_ARRAY(arena, struct build_plan, count + 1) : NULL;
    struct build_job *jobs = arena ? TVN_ARENA_ARRAY(arena, struct build_job, count + 1) : NULL;
    if (!results || !plans || !jobs) {
        return build_no_memory(sink);
    }
    enum tvn_status status = plan_all(options, arena, sink, plans, jobs, results);
    if (status == TVN_OK) {
        status = build_run(jobs, count, options);
    }
    for (size_t i = 0; i < count; i++) {
        build_plan_deinit(&plans[i]);
        out_report->failed_count += results[i].outcome == TVN_BUILD_FAILED ? 1 : 0;
    }
    out_report->results = results;
    out_report->result_count = count;
    return status;
}
