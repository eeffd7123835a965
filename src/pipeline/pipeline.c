/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/pipeline.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "connectors/connector.h"
#include "connectors/shared_output.h"
#include "engine/component_stage.h"
#include "pipeline/files.h"
#include "pipeline/guest_log.h"
#include "pipeline/letters.h"
#include "types/intern.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

/* What belongs to one stage of the link. */
struct stage_slot {
    struct tvn_invoker *invoker;
    struct tvn_stage_stats stats;
    struct tvn_guard guard; /* component stages */
    struct tvn_pipeline *pipeline;
    struct tvn_guest_log log; /* of component stages */
    struct tvn_strbuf shown;  /* scratch for what it prints */
};

struct tvn_pipeline {
    const struct tvn_link *link;
    struct tvn_pipeline_options options;
    struct tvn_flow *flow;
    struct tvn_flow_stats stats;
    uint64_t deadline_ns;     /* CLOCK_MONOTONIC; what flow-context tells; 0: none */
    struct tvn_budget budget; /* of all the flow's buffers; used when it has a limit */
    struct tvn_intern intern;
    struct stage_slot *stages;
    struct tvn_stream_stats *streams;
    struct tvn_letters *letters; /* NULL: no stage has the policy dead-letter */
    bool output_waits[2];        /* of components' standard output and error: no regular file */
    bool output_is_terminal;
};

/* ---- what components print ---- */

/* True when there is room, or the write will say what is wrong; false: cancelled before. */
static bool await_room(int fd, int cancel_fd)
{
    struct pollfd fds[] = {{.fd = fd, .events = POLLOUT}, {.fd = cancel_fd, .events = POLLIN}};
    while (poll(fds, TVN_ARRAY_LEN(fds), -1) < 0) {
        if (errno != EINTR) {
            return true;
        }
        fds[0].revents = 0;
        fds[1].revents = 0;
    }
    return fds[0].revents != 0;
}

/* To somebody else's pipe or terminal, whose reader may stand still: that must not hold a flow
 * that was cancelled. */
static enum tvn_status write_waiting(int fd, int cancel_fd, const char *bytes, size_t length)
{
    while (length > 0) {
        if (!await_room(fd, cancel_fd)) {
            return TVN_E_FLOW_CANCELLED;
        }
        ssize_t written = tvn_shared_output_write(fd, bytes, length);
        if (written < 0 && errno != EINTR && errno != EAGAIN) {
            return TVN_E_IO_ERROR;
        }
        bytes += written > 0 ? written : 0;
        length -= written > 0 ? (size_t)written : 0;
    }
    return TVN_OK;
}

static enum tvn_status write_to(const struct tvn_pipeline *pipeline, int stream, const char *bytes,
                                size_t length)
{
    const struct tvn_pipeline_options *options = &pipeline->options;
    int fd = stream == 1 ? options->output_fd : STDERR_FILENO;
    tvn_blocking_enter(options->blocking);
    enum tvn_status status = pipeline->output_waits[stream == 1 ? 0 : 1]
                                 ? write_waiting(fd, options->stop->cancel_fd, bytes, length)
                                 : tvn_fd_write_all(fd, bytes, length);
    tvn_blocking_leave(options->blocking);
    return status;
}

/* As text for people; line ends and tabs stay. */
static void escape(struct tvn_strbuf *out, const char *bytes, size_t length)
{
    for (size_t start = 0, i = 0; i <= length; i++) {
        if (i == length || bytes[i] == '\n' || bytes[i] == '\t') {
            tvn_strbuf_add_escaped(out, (struct tvn_str){bytes + start, i - start});
            if (i < length) {
                tvn_strbuf_add_char(out, bytes[i]);
            }
            start = i + 1;
        }
    }
}

static enum tvn_status write_shown(struct stage_slot *slot, int stream)
{
    enum tvn_status status =
        slot->shown.failed    ? TVN_E_OUT_OF_MEMORY
        : slot->shown.len > 0 ? write_to(slot->pipeline, stream, slot->shown.ptr, slot->shown.len)
                              : TVN_OK;
    tvn_strbuf_reset(&slot->shown);
    return status;
}

/* A component's standard output and error: whole lines, as one where the target allows it. What it
 * prints is the flow's data and goes on as it is, unless a person looks at it. */
static enum tvn_status write_line(void *context, int stream, const char *bytes, size_t length)
{
    struct stage_slot *slot = context;
    if (stream != 1) {
        tvn_guest_log_add(&slot->log, bytes, length, tvn_clock_monotonic_ns(), &slot->shown);
    } else if (slot->pipeline->output_is_terminal) {
        escape(&slot->shown, bytes, length);
    } else {
        return write_to(slot->pipeline, stream, bytes, length);
    }
    return write_shown(slot, stream);
}

void tvn_pipeline_destroy(struct tvn_pipeline *pipeline)
{
    if (!pipeline) {
        return;
    }
    tvn_flow_destroy(pipeline->flow); /* releases what is queued, so before the stages */
    for (uint32_t i = 0; pipeline->stages && i < pipeline->link->stage_count; i++) {
        struct stage_slot *slot = &pipeline->stages[i];
        tvn_invoker_destroy(slot->invoker);
        if (slot->log.name) {
            tvn_guest_log_end(&slot->log, &slot->shown);
            (void)write_shown(slot, 2); /* nobody is left to be told */
        }
        tvn_strbuf_deinit(&slot->shown);
        if (slot->invoker && pipeline->options.audit &&
            pipeline->link->stages[i].kind == TVN_LINK_STAGE_COMPONENT) {
            tvn_audit_exercises(pipeline->options.audit, &slot->guard);
        }
    }
    tvn_letters_close(pipeline->letters);
    tvn_free(pipeline->stages);
    tvn_free(pipeline->streams);
    tvn_free(pipeline);
}

/* ---- stages ---- */

/* NULL: the flow has no limit of its own. */
static struct tvn_budget *flow_budget(struct tvn_pipeline *pipeline)
{
    return pipeline->budget.max_bytes > 0 ? &pipeline->budget : NULL;
}

static bool may_wait(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 && !S_ISREG(info.st_mode);
}

static enum tvn_status create_component(struct tvn_pipeline *pipeline, uint32_t index,
                                        struct tvn_diag_sink *sink)
{
    const struct tvn_link_stage *stage = &pipeline->link->stages[index];
    struct stage_slot *slot = &pipeline->stages[index];
    const struct tvn_pipeline_options *options = &pipeline->options;
    tvn_guard_init(&slot->guard, &stage->sandbox, options->audit ? tvn_audit_denied : NULL,
                   options->audit);
    if (options->audit) {
        tvn_audit_resolution(options->audit, pipeline->link->flow_name, stage->name,
                             &stage->sandbox);
    }
    tvn_guest_log_init(&slot->log, stage->name, &slot->stats.log_lines_dropped,
                       tvn_clock_monotonic_ns());
    TVN_TRY(tvn_runtime_compile(options->runtime, stage->component->component, sink));
    const struct tvn_component_stage_options stage_options = {
        .name = stage->name,
        .flow_id = pipeline->link->flow_name,
        .role = stage->role,
        .config = tvn_str_of(stage->config),
        .sandbox = &stage->sandbox,
        .guard = &slot->guard,
        .magazine = options->magazine,
        .intern = &pipeline->intern,
        .stats = &slot->stats,
        .ports = stage->ports,
        .port_count = stage->port_count,
        .flow_budget = flow_budget(pipeline),
        .owner = index + 1,
        .flow_deadline_ns = &pipeline->deadline_ns,
        .trace_ids = options->trace_ids,
        .cancel = &options->stop->cancel,
        .cancel_fd = options->stop->cancel_fd,
        .stdin_fd = 0,
        .blocking = options->blocking,
        .write = write_line,
        .write_context = slot,
    };
    return tvn_component_stage_create(options->runtime, stage->component->component, &stage_options,
                                      sink, &slot->invoker);
}

/* Where the stage's builtin is written down; what the command line says has no place. */
static struct tvn_span builtin_span(const struct tvn_link_stage *stage)
{
    return stage->node && !stage->replaced ? stage->node->component_span : TVN_SPAN_NONE;
}

static void help_to_open(const struct tvn_link_stage *stage, int error, struct tvn_diag_sink *sink)
{
    bool source = stage->role == TVN_ROLE_SOURCE;
    if (error == EBUSY) {
        tvn_diag_help(sink, "give each sink, flow and process a file of its own");
    } else if (error == ENOENT || error == ENOTDIR) {
        tvn_diag_help(sink, source ? "create the file, or name another one; paths begin where "
                                     "torvyn was started"
                                   : "create the folder first: only the file itself is made");
    } else if (error == EACCES || error == EPERM || error == EROFS) {
        tvn_diag_help(sink, source ? "it must be readable by this user"
                                   : "it, or its folder, must be writable by this user");
    }
}

static enum tvn_status builtin_failed(const struct tvn_link_stage *stage, enum tvn_status status,
                                      struct tvn_diag_sink *sink)
{
    int error = errno;
    struct tvn_span at = builtin_span(stage);
    switch ((int)status) {
    case TVN_E_IO_ERROR:
        (void)tvn_diag_error(sink, status, at, "'%s' cannot be opened: %s", stage->builtin,
                             error == EBUSY ? "something else uses it" : strerror(error));
        help_to_open(stage, error, sink);
        return status;
    case TVN_E_CONSTRAINT_VIOLATION:
        (void)tvn_diag_error(sink, status, at, "'%s' is not a %s", stage->builtin,
                             tvn_role_name(stage->role));
        tvn_diag_help(sink,
                      stage->role == TVN_ROLE_SOURCE
                          ? "sources: '-', 'stdin', 'generator', 'generator:COUNT', a file's path"
                          : "sinks: '-', 'stdout', 'stderr', a file's path");
        return status;
    default:
        return tvn_diag_error(sink, tvn_status_fold(status), at, "'%s' cannot be set up",
                              stage->builtin);
    }
}

static enum tvn_status create_builtin(struct tvn_pipeline *pipeline, uint32_t index,
                                      struct tvn_diag_sink *sink)
{
    const struct tvn_link_stage *stage = &pipeline->link->stages[index];
    bool is_source = stage->role == TVN_ROLE_SOURCE;
    struct tvn_str text = tvn_str_of(stage->builtin);
    struct tvn_connector_options options;
    tvn_connector_options_default(&options);
    options.magazine = pipeline->options.magazine;
    options.budget = flow_budget(pipeline);
    options.intern = &pipeline->intern;
    options.stats = &pipeline->stages[index].stats;
    options.payload_bytes = pipeline->options.payload_bytes;
    enum tvn_status status = is_source ? tvn_connector_spec_parse_source(text, &options.spec)
                                       : tvn_connector_spec_parse_sink(text, &options.spec);
    if (status == TVN_OK) {
        if (options.spec.kind == TVN_CONNECTOR_STDOUT) {
            options.fd = pipeline->options.output_fd;
        }
        struct tvn_invoker **invoker = &pipeline->stages[index].invoker;
        status = is_source ? tvn_connector_create_source(&options, invoker)
                           : tvn_connector_create_sink(&options, invoker);
    }
    return status == TVN_OK ? TVN_OK : builtin_failed(stage, status, sink);
}

/* A sink that is the source's file would truncate it before it is read, or feed it for ever; one
 * that is the manifest or a component would end the project. */
static enum tvn_status refuse_own_file(const struct tvn_pipeline *pipeline, uint32_t sink_index,
                                       struct tvn_diag_sink *sink)
{
    const struct tvn_link_stage *stage = &pipeline->link->stages[sink_index];
    int output_fd = pipeline->options.output_fd;
    struct stat written;
    TVN_AUTO_VALUE(tvn_strbuf) use = {0};
    if (!tvn_flow_file_of(stage, output_fd, &written) ||
        !tvn_flow_file_use(pipeline->link, output_fd, &written, false, &use)) {
        return TVN_OK;
    }
    (void)tvn_diag_error(sink, TVN_E_CONSTRAINT_VIOLATION, builtin_span(stage), "'%s' is %s",
                         stage->builtin, tvn_strbuf_text(&use));
    tvn_diag_help(sink, "write to another file and rename it afterwards");
    return TVN_E_CONSTRAINT_VIOLATION;
}

static enum tvn_status create_stages(struct tvn_pipeline *pipeline, struct tvn_diag_sink *sink)
{
    for (uint32_t i = 0; i < pipeline->link->stage_count; i++) {
        const struct tvn_link_stage *stage = &pipeline->link->stages[i];
        if (stage->kind == TVN_LINK_STAGE_BUILTIN && stage->role == TVN_ROLE_SINK) {
            TVN_TRY(refuse_own_file(pipeline, i, sink));
        }
    }
    for (uint32_t i = 0; i < pipeline->link->stage_count; i++) {
        pipeline->stages[i].pipeline = pipeline;
        bool is_component = pipeline->link->stages[i].kind == TVN_LINK_STAGE_COMPONENT;
        TVN_TRY(is_component ? create_component(pipeline, i, sink)
                             : create_builtin(pipeline, i, sink));
    }
    return TVN_OK;
}

/* ---- the flow ---- */

static void fill_stage(struct tvn_pipeline *pipeline, uint32_t index,
                       struct tvn_stage_options *out_options)
{
    static const enum tvn_on_error policies[] = {
        [TVN_MANIFEST_ON_ERROR_DEFAULT] = TVN_ON_ERROR_DEFAULT,
        [TVN_MANIFEST_ON_ERROR_SKIP] = TVN_ON_ERROR_SKIP,
        [TVN_MANIFEST_ON_ERROR_RETRY] = TVN_ON_ERROR_RETRY,
        [TVN_MANIFEST_ON_ERROR_TERMINATE] = TVN_ON_ERROR_TERMINATE,
        [TVN_MANIFEST_ON_ERROR_DEAD_LETTER] = TVN_ON_ERROR_DEAD_LETTER,
    };
    static const enum tvn_merge merges[] = {
        [TVN_MANIFEST_MERGE_FIRST_AVAILABLE] = TVN_MERGE_FIRST_AVAILABLE,
        [TVN_MANIFEST_MERGE_ROUND_ROBIN] = TVN_MERGE_ROUND_ROBIN,
        [TVN_MANIFEST_MERGE_PRIORITY] = TVN_MERGE_PRIORITY,
    };
    tvn_stage_options_default(out_options);
    out_options->invoker = pipeline->stages[index].invoker;
    out_options->stats = &pipeline->stages[index].stats;
    const struct tvn_manifest_node *node = pipeline->link->stages[index].node;
    if (node) {
        out_options->on_error = policies[node->on_error];
        out_options->max_retries = (uint32_t)node->max_retries; /* bounded by the configuration */
        out_options->retry_backoff_ns = node->retry_backoff_ms * 1000000;
        out_options->merge = merges[node->merge];
    }
}

static void fill_edge(struct tvn_pipeline *pipeline, uint32_t index,
                      struct tvn_edge_options *out_options)
{
    static const enum tvn_overflow_policy policies[] = {
        [TVN_CONFIG_POLICY_BLOCK] = TVN_OVERFLOW_BLOCK,
        [TVN_CONFIG_POLICY_DROP_OLDEST] = TVN_OVERFLOW_DROP_OLDEST,
        [TVN_CONFIG_POLICY_DROP_NEWEST] = TVN_OVERFLOW_DROP_NEWEST,
        [TVN_CONFIG_POLICY_ERROR] = TVN_OVERFLOW_ERROR,
        [TVN_CONFIG_POLICY_RATE_LIMIT] = TVN_OVERFLOW_RATE_LIMIT,
    };
    const struct tvn_link_edge *edge = &pipeline->link->edges[index];
    const struct tvn_config_backpressure *settings = &edge->backpressure;
    bool limited = settings->policy == TVN_CONFIG_POLICY_RATE_LIMIT;
    *out_options = (struct tvn_edge_options){
        .from = edge->from,
        .to = edge->to,
        .port = edge->port,
        .queue_depth = (uint32_t)settings->queue_depth, /* bounded by the configuration */
        .policy = policies[settings->policy],
        .low_watermark_ratio = settings->low_watermark_ratio,
        .max_bytes = settings->max_bytes,
        .max_elements_per_second = limited ? settings->max_elements_per_second : 0,
        .stats = &pipeline->streams[index],
    };
}

static enum tvn_status too_large(const struct tvn_link *link, uint32_t count, const char *what,
                                 int most, struct tvn_diag_sink *sink)
{
    (void)tvn_diag_error(
        sink, TVN_E_TOPOLOGY_INVALID, link->flow ? link->flow->span : TVN_SPAN_NONE,
        "flow '%s' has %u %s; at most %d can run", link->flow_name, count, what, most);
    tvn_diag_help(sink, "split it into several flows");
    return TVN_E_TOPOLOGY_INVALID;
}

enum tvn_status tvn_pipeline_check_size(const struct tvn_link *link, struct tvn_diag_sink *sink)
{
    tvn_assert(link && sink);
    if (link->stage_count > TVN_FLOW_STAGES_MAX) {
        return too_large(link, link->stage_count, "stages", TVN_FLOW_STAGES_MAX, sink);
    }
    if (link->edge_count > TVN_FLOW_EDGES_MAX) {
        return too_large(link, link->edge_count, "edges", TVN_FLOW_EDGES_MAX, sink);
    }
    return TVN_OK;
}

static enum tvn_status create_flow(struct tvn_pipeline *pipeline, struct tvn_diag_sink *sink)
{
    const struct tvn_link *link = pipeline->link;
    const struct tvn_pipeline_options *options = &pipeline->options;
    TVN_TRY(tvn_pipeline_check_size(link, sink));
    TVN_AUTO_FREE struct tvn_stage_options *stages = tvn_calloc(link->stage_count, sizeof(*stages));
    TVN_AUTO_FREE struct tvn_edge_options *edges = tvn_calloc(link->edge_count, sizeof(*edges));
    if (!stages || !edges) {
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE, "no memory for flow '%s'",
                              link->flow_name);
    }
    for (uint32_t i = 0; i < link->stage_count; i++) {
        fill_stage(pipeline, i, &stages[i]);
    }
    for (uint32_t i = 0; i < link->edge_count; i++) {
        fill_edge(pipeline, i, &edges[i]);
    }
    bool independent = link->flow && link->flow->fan_out == TVN_MANIFEST_FAN_OUT_INDEPENDENT;
    enum tvn_status status = tvn_flow_create(
        &(struct tvn_flow_options){
            .env = options->env,
            .magazine = options->magazine,
            .stages = stages,
            .stage_count = link->stage_count,
            .edges = edges,
            .edge_count = link->edge_count,
            .stats = &pipeline->stats,
            .stop = &options->stop->flag,
            .pause = &options->stop->pause,
            .events = options->events,
            .limit = options->limit,
            .deadline_ns = options->deadline_ns,
            .fan_out = independent ? TVN_FAN_OUT_INDEPENDENT : TVN_FAN_OUT_MIN_DEMAND,
            .dead_letter = pipeline->letters ? tvn_letters_take : NULL,
            .dead_letter_context = pipeline->letters,
            .schedule = options->schedule,
        },
        &pipeline->flow);
    if (status != TVN_OK) {
        return tvn_diag_error(sink, tvn_status_fold(status),
                              link->flow ? link->flow->span : TVN_SPAN_NONE,
                              "flow '%s' cannot be set up", link->flow_name);
    }
    return TVN_OK;
}

enum tvn_status tvn_pipeline_create(const struct tvn_link *link,
                                    const struct tvn_pipeline_options *options,
                                    struct tvn_diag_sink *sink, struct tvn_pipeline **out_pipeline)
{
    tvn_assert(link && options && options->resources && options->magazine && options->stop &&
               out_pipeline);
    TVN_AUTO(tvn_pipeline) pipeline = tvn_calloc(1, sizeof(*pipeline));
    if (pipeline) {
        pipeline->link = link;
        pipeline->options = *options;
        pipeline->output_waits[0] = may_wait(options->output_fd);
        pipeline->output_waits[1] = may_wait(STDERR_FILENO);
        pipeline->output_is_terminal = isatty(options->output_fd) == 1;
        /* One so far away that no clock gets there is none. */
        if (options->deadline_ns == 0 ||
            __builtin_add_overflow(options->env.now_ns(options->env.context), options->deadline_ns,
                                   &pipeline->deadline_ns)) {
            pipeline->deadline_ns = 0;
        }
        pipeline->budget.max_bytes = link->flow ? link->flow->max_buffer_memory : 0;
        tvn_intern_init(&pipeline->intern);
        pipeline->stages = tvn_calloc(link->stage_count, sizeof(*pipeline->stages));
        pipeline->streams = tvn_calloc(link->edge_count, sizeof(*pipeline->streams));
    }
    if (!pipeline || !pipeline->stages || !pipeline->streams) {
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE, "no memory for flow '%s'",
                              link->flow_name);
    }
    TVN_TRY(create_stages(pipeline, sink));
    TVN_TRY(tvn_letters_open(link, &pipeline->intern, options->magazine, sink, &pipeline->letters));
    TVN_TRY(create_flow(pipeline, sink));
    *out_pipeline = TVN_TAKE(pipeline);
    return TVN_OK;
}

/* ---- reading ---- */

struct tvn_flow *tvn_pipeline_flow(struct tvn_pipeline *pipeline)
{
    return pipeline->flow;
}

const struct tvn_intern *tvn_pipeline_intern(const struct tvn_pipeline *pipeline)
{
    return &pipeline->intern;
}

const struct tvn_link *tvn_pipeline_link(const struct tvn_pipeline *pipeline)
{
    return pipeline->link;
}

const struct tvn_flow_stats *tvn_pipeline_flow_stats(const struct tvn_pipeline *pipeline)
{
    return &pipeline->stats;
}

const struct tvn_stage_stats *tvn_pipeline_stage_stats(const struct tvn_pipeline *pipeline,
                                                       uint32_t stage)
{
    tvn_assert(stage < pipeline->link->stage_count);
    return &pipeline->stages[stage].stats;
}

const struct tvn_stream_stats *tvn_pipeline_stream_stats(const struct tvn_pipeline *pipeline,
                                                         uint32_t edge)
{
    tvn_assert(edge < pipeline->link->edge_count);
    return &pipeline->streams[edge];
}

uint64_t tvn_pipeline_stage_memory_bytes(const struct tvn_pipeline *pipeline, uint32_t stage)
{
    tvn_assert(stage < pipeline->link->stage_count);
    return pipeline->link->stages[stage].kind == TVN_LINK_STAGE_COMPONENT
               ? tvn_component_stage_memory_bytes(pipeline->stages[stage].invoker)
               : 0;
}

void tvn_pipeline_report_letters(const struct tvn_pipeline *pipeline, struct tvn_diag_sink *sink)
{
    tvn_letters_report(pipeline->letters, sink);
}

const struct tvn_guard *tvn_pipeline_stage_guard(const struct tvn_pipeline *pipeline,
                                                 uint32_t stage)
{
    tvn_assert(stage < pipeline->link->stage_count);
    return pipeline->link->stages[stage].kind == TVN_LINK_STAGE_COMPONENT
               ? &pipeline->stages[stage].guard
               : NULL;
}
