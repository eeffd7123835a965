/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/num.h"
#include "host/host_internal.h"

static uint64_t run_duration_ns(const struct tvn_flow_stats *stats)
{
    uint64_t started_ns = tvn_stat_get(&stats->started_ns);
    uint64_t ended_ns = tvn_stat_get(&stats->ended_ns);
    if (started_ns == 0) {
        return 0;
    }
    return (ended_ns != 0 ? ended_ns : tvn_clock_monotonic_ns()) - started_ns;
}

static void read_stages(struct tvn_host_flow *flow, struct tvn_run_report *report)
{
    for (uint32_t i = 0; i < flow->link->stage_count; i++) {
        const struct tvn_stage_stats *stats = tvn_pipeline_stage_stats(flow->pipeline, i);
        flow->stage_reports[i] = (struct tvn_stage_report){
            .name = flow->link->stages[i].name,
            .role = flow->link->stages[i].role,
            .invocations = tvn_stat_get(&stats->invocations),
            .emitted = tvn_stat_get(&stats->emitted),
            .dropped = tvn_stat_get(&stats->dropped),
            .failed = tvn_stat_get(&stats->failed),
            .absorbed = tvn_stat_get(&stats->absorbed),
            .flushed = tvn_stat_get(&stats->flushed),
            .dead_lettered = tvn_stat_get(&stats->dead_lettered),
            .errors = tvn_stat_get(&stats->errors),
            .restarts = tvn_stat_get(&stats->restarts),
            .log_lines_dropped = tvn_stat_get(&stats->log_lines_dropped),
        };
        struct tvn_stage_report *stage = &flow->stage_reports[i];
        stage->produced_bytes = tvn_stat_get(&stats->produced_bytes);
        report->produced_bytes += stage->produced_bytes;
        for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
            stage->copies[reason] = tvn_stat_get(&stats->copies.count[reason]);
            stage->copy_bytes[reason] = tvn_stat_get(&stats->copies.bytes[reason]);
            report->copies[reason] += stage->copies[reason];
            report->copy_bytes[reason] += stage->copy_bytes[reason];
        }
    }
}

static void read_streams(struct tvn_host_flow *flow)
{
    uint64_t now_ns = tvn_clock_monotonic_ns();
    for (uint32_t i = 0; i < flow->link->edge_count; i++) {
        const struct tvn_stream_stats *stats = tvn_pipeline_stream_stats(flow->pipeline, i);
        flow->stream_reports[i] = (struct tvn_stream_report){
            .from = flow->link->stages[flow->link->edges[i].from].name,
            .to = flow->link->stages[flow->link->edges[i].to].name,
            .transferred = tvn_stat_get(&stats->transferred),
            .depth = tvn_stat_get(&stats->depth),
            .depth_peak = tvn_stat_get(&stats->depth_peak),
            .backpressure_events = tvn_stat_get(&stats->backpressure_events),
            .backpressure_ns = tvn_backpressure_ns(stats, now_ns),
            .suspend_ns = tvn_stat_get(&stats->suspend_ns),
        };
    }
}

/* What was under way in a flow that was left behind comes to no other end. */
static void count_abandoned(struct tvn_run_report *report)
{
    uint64_t made = report->pulled + report->forked + report->flushed;
    uint64_t ended = report->delivered + report->dropped + report->absorbed + report->failed;
    report->failed += made > ended ? made - ended : 0;
}

void tvn_host_read_report(struct tvn_host_flow *flow, struct tvn_run_report *out_report)
{
    const struct tvn_flow_stats *stats = tvn_pipeline_flow_stats(flow->pipeline);
    *out_report = (struct tvn_run_report){
        .flow = flow->link->flow_name,
        .index = (uint32_t)(flow - flow->host->flows),
        .state = tvn_flow_state(tvn_pipeline_flow(flow->pipeline)),
        .pulled = tvn_stat_get(&stats->pulled),
        .forked = tvn_stat_get(&stats->forked),
        .flushed = tvn_stat_get(&stats->flushed),
        .delivered = tvn_stat_get(&stats->delivered),
        .dropped = tvn_stat_get(&stats->dropped),
        .absorbed = tvn_stat_get(&stats->absorbed),
        .failed = tvn_stat_get(&stats->failed),
        .dead_lettered = tvn_stat_get(&stats->dead_lettered),
        .duration_ns = run_duration_ns(stats),
        .stages = flow->stage_reports,
        .stage_count = flow->link->stage_count,
        .streams = flow->stream_reports,
        .stream_count = flow->link->edge_count,
    };
    read_stages(flow, out_report);
    read_streams(flow);
    if (flow->stopped == TVN_HOST_STOP_ABANDON && !atomic_load(&flow->done)) {
        count_abandoned(out_report);
    }
}

/* Counters of all flows; the time is that of the longest. */
void tvn_host_read_total(struct tvn_host *host, struct tvn_run_report *out_report)
{
    *out_report = (struct tvn_run_report){0};
    for (uint32_t i = 0; i < host->flow_count; i++) {
        struct tvn_run_report report;
        tvn_host_read_report(&host->flows[i], &report);
        out_report->pulled += report.pulled;
        out_report->delivered += report.delivered;
        out_report->dropped += report.dropped;
        out_report->failed += report.failed;
        out_report->produced_bytes += report.produced_bytes;
        out_report->duration_ns = tvn_max(out_report->duration_ns, report.duration_ns);
        for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
            out_report->copies[reason] += report.copies[reason];
            out_report->copy_bytes[reason] += report.copy_bytes[reason];
        }
    }
    out_report->flow = host->flows[0].link->flow_name;
    out_report->state = tvn_flow_state(tvn_pipeline_flow(host->flows[0].pipeline));
    out_report->stages = host->stage_reports;
    out_report->stage_count = host->stage_count;
    out_report->streams = host->stream_reports;
    out_report->stream_count = host->edge_count;
}

static const char *entry_name(enum tvn_entry entry)
{
    static const char *const names[] = {
        [TVN_ENTRY_INIT] = "init",
        [TVN_ENTRY_PULL] = "pull",
        [TVN_ENTRY_NOTIFY] = "notify-backpressure",
        [TVN_ENTRY_PROCESS] = "process",
        [TVN_ENTRY_EVALUATE] = "evaluate",
        [TVN_ENTRY_ROUTE] = "route",
        [TVN_ENTRY_INGEST] = "ingest",
        [TVN_ENTRY_FLUSH] = "flush",
        [TVN_ENTRY_PUSH] = "push",
        [TVN_ENTRY_COMPLETE] = "complete",
        [TVN_ENTRY_TEARDOWN] = "teardown",
    };
    return names[entry];
}

/* Cancelled, because its time was over, before it had noticed that itself. */
static bool was_overdue(const struct tvn_host_flow *flow, const struct tvn_flow_failure *failure)
{
    return failure->code == TVN_E_FLOW_CANCELLED && flow->overdue;
}

/* A component that returned process-error without an own code: which public error that is. */
static enum tvn_status failure_code(const struct tvn_host_flow *flow,
                                    const struct tvn_flow_failure *failure)
{
    if (was_overdue(flow, failure)) {
        return TVN_E_FLOW_DEADLINE_EXCEEDED;
    }
    return failure->code > TVN_OK ? failure->code : TVN_E_FATAL_COMPONENT_ERROR;
}

static void add_place(struct tvn_diag_sink *sink, const struct tvn_host_flow *flow,
                      const struct tvn_flow_failure *failure)
{
    if (flow->host->flow_count > 1) {
        tvn_diag_note(sink, "in flow '%s'", flow->link->flow_name);
    }
    if (failure->has_sequence) {
        tvn_diag_note(sink, "in %s of element %llu", entry_name(failure->entry),
                      (unsigned long long)failure->sequence);
    } else {
        tvn_diag_note(sink, "in %s", entry_name(failure->entry));
    }
    if (failure->attempts > 0) {
        tvn_diag_note(sink, "after %u retries", failure->attempts);
    }
    if (failure->traps > 0) {
        tvn_diag_note(sink, "it died %u times within a short time and was not started again",
                      failure->traps);
    }
}

/* init and teardown have limits of their own. */
static void add_help(struct tvn_diag_sink *sink, const struct tvn_flow_failure *failure)
{
    if (failure->code != TVN_E_COMPONENT_TIMEOUT) {
        return;
    }
    if (failure->entry == TVN_ENTRY_INIT) {
        tvn_diag_help(sink, "increase component_init_timeout_ms, or do less in init");
    } else if (failure->entry == TVN_ENTRY_TEARDOWN) {
        tvn_diag_help(sink, "increase component_teardown_timeout_ms, or do less in teardown");
    }
}

/* An aggregator's memory went with it. */
static void note_loss(struct tvn_diag_sink *sink, const struct tvn_host_flow *flow, uint32_t stage)
{
    uint64_t lost = tvn_stat_get(&tvn_pipeline_stage_stats(flow->pipeline, stage)->lost);
    if (lost > 0) {
        tvn_diag_note(sink, "%llu element%s it had taken in came to nothing, counted as failed",
                      (unsigned long long)lost, lost == 1 ? " that" : "s that");
    }
}

void tvn_host_report_skipped(struct tvn_host_flow *flow, struct tvn_diag_sink *sink)
{
    for (uint32_t i = 0; i < flow->link->stage_count; i++) {
        const struct tvn_flow_failure *skipped =
            tvn_flow_first_skipped(tvn_pipeline_flow(flow->pipeline), i);
        if (!skipped) {
            continue;
        }
        const struct tvn_link_stage *stage = &flow->link->stages[i];
        uint64_t errors = tvn_stat_get(&tvn_pipeline_stage_stats(flow->pipeline, i)->errors);
        if (skipped->outcome == TVN_OUTCOME_ERROR) {
            tvn_diag_warning(sink, skipped->code, stage->span, "node '%s' returned %s: %s",
                             stage->name, tvn_process_error_name(skipped->error), skipped->text);
        } else {
            tvn_diag_warning(sink, skipped->code, stage->span, "node '%s' failed: %s", stage->name,
                             skipped->text[0] ? skipped->text : "it was not done in time");
        }
        add_place(sink, flow, skipped);
        add_help(sink, skipped);
        note_loss(sink, flow, i);
        if (errors > 1) {
            tvn_diag_note(sink, "the first of %llu errors of this node",
                          (unsigned long long)errors);
        }
    }
}

enum tvn_status tvn_host_report_failure(struct tvn_host_flow *flow, struct tvn_diag_sink *sink)
{
    const struct tvn_flow_failure *failure = tvn_flow_failure(tvn_pipeline_flow(flow->pipeline));
    if (!failure) {
        return TVN_OK;
    }
    enum tvn_status code = failure_code(flow, failure);
    if (failure->stage == TVN_FLOW_STAGE_NONE) {
        struct tvn_span at = flow->link->flow ? flow->link->flow->span : TVN_SPAN_NONE;
        const char *why = failure->text[0] ? failure->text : tvn_status_what(code);
        if (was_overdue(flow, failure)) {
            why = "the flow's time was over before its sources were exhausted";
        }
        (void)tvn_diag_error(sink, code, at, "flow '%s' ended early: %s", flow->link->flow_name,
                             why);
        return code;
    }
    const struct tvn_link_stage *stage = &flow->link->stages[failure->stage];
    if (failure->outcome == TVN_OUTCOME_ERROR && code != TVN_E_QUEUE_FULL) {
        (void)tvn_diag_error(sink, code, stage->span, "node '%s' returned %s: %s", stage->name,
                             tvn_process_error_name(failure->error), failure->text);
    } else {
        (void)tvn_diag_error(sink, code, stage->span, "node '%s' failed: %s", stage->name,
                             failure->text);
    }
    add_place(sink, flow, failure);
    note_loss(sink, flow, failure->stage);
    add_help(sink, failure);
    if (flow->overdue) {
        tvn_diag_note(sink, "the flow's time was over, and drain_timeout_ms after it too");
    }
    return code;
}
