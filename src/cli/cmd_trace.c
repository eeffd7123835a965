/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/file.h"
#include "base/num.h"
#include "base/vec.h"
#include "cli/cli_internal.h"
#include "cli/compile_talk.h"
#include "cli/figures.h"
#include "cli/interrupted.h"
#include "cli/live_line.h"
#include "cli/run_report.h"
#include "host/trace.h"
#include "observability/span_json.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define PENDING_MAX    ((size_t)1 << 20) /* rendered but not yet written; beyond, items wait */
#define JSON_ITEMS_MAX 100000u           /* kept for the one object of --format json */
#define JSON_TRACE_MAX \
    ((size_t)48 << 20) /* of their text: the object has room for the report, too */

enum trace_format { TRACE_PRETTY, TRACE_JSON, TRACE_OTLP };

struct trace_args {
    const char *flow_operand;
    const char *manifest;
    const char *flow;
    struct tvn_opt_list inputs;
    uint64_t limit;
    uint64_t timeout_ns;
    const char *output_trace;
    unsigned trace_format;
    bool show_buffers;
    bool show_backpressure;
    struct tvn_opt_list config;
};

static const char *const trace_formats[] = {"pretty", "json", "otlp", NULL};

static const struct tvn_opt trace_opts[] = {
    {.name = "manifest",
     .kind = TVN_OPT_PATH,
     .offset = offsetof(struct trace_args, manifest),
     .value_name = "PATH",
     .help = "The project's manifest [default: ./Torvyn.toml]"},
    {.name = "flow",
     .kind = TVN_OPT_TEXT,
     .offset = offsetof(struct trace_args, flow),
     .value_name = "NAME",
     .help = "Flow to trace [default: the first one of the manifest]"},
    {.name = "input",
     .kind = TVN_OPT_LIST,
     .offset = offsetof(struct trace_args, inputs),
     .value_name = "SOURCE",
     .help = "Read from this instead of the flow's source: a file, - (standard input), generator "
             "or generator:COUNT; NODE=SOURCE when there are several sources"},
    {.name = "limit",
     .kind = TVN_OPT_COUNT,
     .offset = offsetof(struct trace_args, limit),
     .value_name = "N",
     .help = "Trace at most N elements, then end"},
    {.name = "timeout",
     .kind = TVN_OPT_DURATION,
     .offset = offsetof(struct trace_args, timeout_ns),
     .value_name = "DURATION",
     .help = "End the flow after this time, with E0400: 500ms, 30s, 5m"},
    {.name = "output-trace",
     .kind = TVN_OPT_PATH,
     .offset = offsetof(struct trace_args, output_trace),
     .value_name = "PATH",
     .help = "Write the trace to a file [default: standard output]"},
    {.name = "trace-format",
     .kind = TVN_OPT_CHOICE,
     .offset = offsetof(struct trace_args, trace_format),
     .value_name = "FORMAT",
     .help = "Form of the trace; otlp is the JSON of OpenTelemetry's protocol [default: pretty]",
     .choices = trace_formats},
    {.name = "show-buffers",
     .kind = TVN_OPT_FLAG,
     .offset = offsetof(struct trace_args, show_buffers),
     .help = "Show what is in the buffers, the first 64 bytes"},
    {.name = "show-backpressure",
     .kind = TVN_OPT_FLAG,
     .offset = offsetof(struct trace_args, show_backpressure),
     .help = "Show when a full queue suspends its producer, and when that ends"},
    {.name = "config",
     .kind = TVN_OPT_LIST,
     .offset = offsetof(struct trace_args, config),
     .value_name = "KEY=VALUE",
     .help = "Override configuration, as for run; may be given again"},
    {0},
};

static const struct tvn_opt trace_operands[] = {
    {.name = "FLOW",
     .kind = TVN_OPT_TEXT,
     .offset = offsetof(struct trace_args, flow_operand),
     .help = "Flow to trace, as NAME or flow.NAME; the same as --flow"},
    {0},
};

static const struct tvn_example trace_examples[] = {
    {"torvyn trace --limit 3", "The path of three elements through the first flow"},
    {"torvyn trace --limit 100 --show-buffers", "The same with what is in the buffers"},
    {"torvyn trace flow.main --show-backpressure", "When queues were full"},
    {"torvyn trace --trace-format otlp --output-trace trace.json",
     "Spans that tools for OpenTelemetry read"},
    {0},
};

static const struct tvn_exit_meaning trace_exits[] = {
    {TVN_EXIT_OK,
     "The flow completed; also after SIGTERM or SIGHUP, when everything was delivered"},
    {TVN_EXIT_ERROR, "The flow failed, --timeout was reached, or the trace could not be written"},
    {TVN_EXIT_PREREQUISITE, "Wrong usage, or the manifest, a component or the flow was refused"},
    {TVN_EXIT_INTERRUPTED, "Interrupted by Ctrl+C; what was under way has been delivered"},
    {0},
};

struct session {
    struct tvn_cli *cli;
    const struct trace_args *args;
    const char *flow;
    struct tvn_host *host;
    struct tvn_trace *trace;
    const struct tvn_graph *graph;
    struct tvn_trace_flow_span flow_span;
    struct tvn_json_writer json; /* of JSON and OTLP; into `pending` */
    struct tvn_strbuf pending;
    size_t written; /* of pending */
    int fd;         /* -1: items are kept for one object */
    bool failed;    /* nobody takes the trace any more; errno in `error` */
    int error;
    uint64_t moved_ns;            /* when something could be written last */
    struct tvn_trace_item *items; /* taken, not rendered */
    struct tvn_trace_item **items_end;
    uint64_t item_count;
    uint64_t left_out;
};

static enum trace_format format_of(const struct session *session)
{
    return (enum trace_format)session->args->trace_format;
}

/* ---- rendering ---- */

static bool is_shown(const struct session *session, const struct tvn_trace_item *item)
{
    return item->kind == TVN_TRACE_ELEMENT || session->args->show_backpressure ||
           format_of(session) == TRACE_OTLP;
}

static void render(struct session *session, const struct tvn_trace_item *item)
{
    if (!is_shown(session, item)) {
        return;
    }
    switch (format_of(session)) {
    case TRACE_PRETTY:
        tvn_trace_text(session->graph, item, session->args->show_buffers, &session->pending);
        return;
    case TRACE_JSON:
        tvn_trace_json(session->graph, item, session->args->show_buffers, &session->json);
        return;
    case TRACE_OTLP:
        tvn_trace_otlp(session->graph, &session->flow_span, item, &session->json);
        return;
    }
}

static void begin(struct session *session)
{
    if (format_of(session) == TRACE_PRETTY) {
        return;
    }
    tvn_json_writer_init(&session->json, &session->pending, 0);
    tvn_json_begin_object(&session->json);
    if (format_of(session) == TRACE_OTLP) {
        static const struct tvn_otlp_resource resource = {.service_name = "torvyn"};
        tvn_span_json_begin_fields(&resource, &session->json);
        return;
    }
    tvn_json_field_text(&session->json, "flow", session->graph->flow);
    tvn_json_key(&session->json, "trace");
    tvn_json_begin_array(&session->json);
}

static uint64_t payload_copies(const uint64_t by_reason[TVN_COPY_REASON_COUNT])
{
    uint64_t total = 0;
    for (unsigned reason = 0; reason < TVN_COPY_REASON_COUNT; reason++) {
        total += reason == TVN_COPY_METADATA_MARSHAL ? 0 : by_reason[reason];
    }
    return total;
}

static uint64_t reuse_percent(const struct tvn_trace_summary *summary)
{
    return summary->buffers == 0
               ? 0
               : (summary->reused * 100 + summary->buffers / 2) / summary->buffers;
}

static void summary_text(const struct session *session, const struct tvn_trace_summary *summary,
                         struct tvn_strbuf *out)
{
    const struct tvn_histogram *latency = tvn_recorder_latency(tvn_host_recorder(session->host));
    tvn_strbuf_add_text(out, "  ── Trace Summary ────────\n  Elements traced:  ");
    tvn_figure_count(out, summary->elements);
    tvn_strbuf_add_text(out, "\n  Avg latency:      ");
    if (tvn_histogram_count(latency) == 0) {
        tvn_strbuf_add_text(out, "none (no element came from a source to a sink)");
    } else {
        tvn_trace_duration(out, (uint64_t)tvn_histogram_mean(latency));
        tvn_strbuf_add_text(out, " (p50: ");
        tvn_trace_duration(out, tvn_histogram_quantile(latency, 0.5));
        tvn_strbuf_add_text(out, ", p99: ");
        tvn_trace_duration(out, tvn_histogram_quantile(latency, 0.99));
        tvn_strbuf_add_char(out, ')');
    }
    tvn_strbuf_add_text(out, "\n  Copies:           ");
    tvn_figure_count(out, payload_copies(summary->copies));
    tvn_strbuf_printf(out, "\n  Buffer reuse:     %" PRIu64 "%%\n", reuse_percent(summary));
    tvn_strbuf_printf(out, "  Backpressure:     %" PRIu64 " event%s\n",
                      summary->backpressure_events, summary->backpressure_events == 1 ? "" : "s");
    if (summary->lost > 0) {
        tvn_strbuf_printf(out, "  Lost:             %" PRIu64 "\n", summary->lost);
    }
}

static void summary_json(const struct session *session, const struct tvn_trace_summary *summary,
                         struct tvn_json_writer *json)
{
    const struct tvn_histogram *latency = tvn_recorder_latency(tvn_host_recorder(session->host));
    tvn_json_key(json, "trace_summary");
    tvn_json_begin_object(json);
    tvn_json_field_u64(json, "elements", summary->elements);
    tvn_json_field_u64(json, "lost", summary->lost);
    if (tvn_histogram_count(latency) > 0) { /* else there is none to tell */
        tvn_json_field_real(json, "latency_avg_us", tvn_histogram_mean(latency) / 1e3);
        tvn_json_field_real(json, "latency_p50_us",
                            (double)tvn_histogram_quantile(latency, 0.5) / 1e3);
        tvn_json_field_real(json, "latency_p99_us",
                            (double)tvn_histogram_quantile(latency, 0.99) / 1e3);
    }
    tvn_json_field_u64(json, "copies", payload_copies(summary->copies));
    tvn_json_field_u64(json, "copied_bytes", payload_copies(summary->copy_bytes));
    tvn_json_field_u64(json, "buffers", summary->buffers);
    tvn_json_field_u64(json, "buffers_reused", summary->reused);
    tvn_json_field_u64(json, "backpressure_events", summary->backpressure_events);
    tvn_json_end_object(json);
}

static void end(struct session *session, const struct tvn_run_report *report)
{
    struct tvn_trace_summary summary;
    tvn_trace_summary(session->trace, &summary);
    struct tvn_json_writer *json = &session->json;
    switch (format_of(session)) {
    case TRACE_PRETTY:
        summary_text(session, &summary, &session->pending);
        return;
    case TRACE_JSON:
        tvn_json_end_array(json);
        summary_json(session, &summary, json);
        tvn_json_end_object(json);
        break;
    case TRACE_OTLP:
        tvn_trace_otlp_flow(session->graph, &session->flow_span, report->duration_ns, json);
        tvn_span_json_end_fields(json);
        tvn_json_end_object(json);
        break;
    }
    tvn_strbuf_add_char(&session->pending, '\n');
}

/* ---- writing ---- */

static void give_up(struct session *session, int error)
{
    session->failed = true;
    session->error = error;
    tvn_trace_let_go(session->trace);
    tvn_host_drain(session->host);
}

static void write_all(struct session *session)
{
    struct tvn_str rest = {session->pending.ptr + session->written,
                           session->pending.len - session->written};
    if (!session->failed && tvn_cli_write(session->cli, session->fd, rest) != TVN_OK) {
        give_up(session, errno);
    }
    tvn_strbuf_reset(&session->pending);
    session->written = 0;
}

/* As much as goes without waiting: this thread also takes the signals. False: nothing. */
static bool write_some(struct session *session)
{
    size_t before = session->written;
    struct pollfd fd = {.fd = session->fd, .events = POLLOUT};
    while (!session->failed && session->written < session->pending.len && poll(&fd, 1, 0) == 1) {
        size_t left = tvn_min(session->pending.len - session->written, (size_t)PIPE_BUF);
        ssize_t written = write(session->fd, session->pending.ptr + session->written, left);
        if (written < 0 && errno != EINTR && errno != EAGAIN) {
            give_up(session, errno);
        }
        session->written += written > 0 ? (size_t)written : 0;
    }
    bool moved = session->written > before;
    if (session->written == session->pending.len) {
        tvn_strbuf_reset(&session->pending);
        session->written = 0;
    }
    return moved;
}

static void take_items(struct session *session)
{
    struct tvn_trace_item *item = tvn_trace_take(session->trace);
    *session->items_end = item;
    while (item) {
        session->item_count++;
        session->items_end = &item->next;
        item = item->next;
    }
}

static struct tvn_trace_item *next_item(struct session *session)
{
    struct tvn_trace_item *item = session->items;
    if (item) {
        session->items = item->next;
        session->items_end = session->items ? session->items_end : &session->items;
    }
    return item;
}

/* `all`: without a limit to what waits for being written. */
static void render_items(struct session *session, bool all)
{
    while (session->fd >= 0 && session->items &&
           (all || session->pending.len - session->written < PENDING_MAX)) {
        TVN_AUTO(tvn_trace_item) item = next_item(session);
        if (!session->failed) {
            render(session, item);
        }
        if (all && session->pending.len >= PENDING_MAX) {
            write_all(session);
        }
    }
    while (session->fd < 0 && session->item_count > JSON_ITEMS_MAX && session->items) {
        TVN_AUTO(tvn_trace_item) item = next_item(session); /* what came last tells more */
        session->item_count--;
        session->left_out += is_shown(session, item);
    }
}

/* Asked to end. The flow waits for who reads the trace: after half of the drain time-out without a
 * reader it has the other half for itself. */
static void lose_patience(struct session *session)
{
    if (session->cli->patience_ns == 0) {
        const struct tvn_manifest *manifest = tvn_host_manifest(session->host);
        session->cli->patience_ns = 1 + manifest->config.runtime.drain_timeout_ms * 500000;
        session->moved_ns = tvn_clock_monotonic_ns();
    }
}

static void write_while_running(struct session *session)
{
    if (tvn_host_signal(session->host) != 0) {
        lose_patience(session);
    }
    uint64_t now_ns = tvn_clock_monotonic_ns();
    if (write_some(session) || session->pending.len == 0) {
        session->moved_ns = now_ns;
    } else if (session->cli->patience_ns > 0 && !session->failed &&
               now_ns - session->moved_ns >= session->cli->patience_ns) {
        give_up(session, ETIMEDOUT);
    }
}

static void observe(void *context, const struct tvn_run_report *report)
{
    (void)report;
    struct session *session = context;
    if (tvn_host_is_cancelled(session->host)) {
        tvn_trace_let_go(session->trace);
    }
    if (!session->items || session->fd < 0) {
        take_items(session);
    }
    render_items(session, false);
    if (session->fd >= 0) {
        write_while_running(session);
    }
}

static void write_rest(struct session *session, const struct tvn_run_report *report)
{
    if (tvn_host_signal(session->host) != 0 || report->status == TVN_E_FLOW_DEADLINE_EXCEEDED) {
        lose_patience(session);
    }
    tvn_trace_finish(session->trace);
    take_items(session);
    render_items(session, true);
    if (session->fd < 0) {
        return;
    }
    end(session, report);
    if (!session->failed && session->pending.failed) {
        give_up(session, ENOMEM);
    }
    write_all(session);
}

/* ---- talk ---- */

/* ▶ Tracing flow "main" (limit: 3 elements) */
static void say_start(const struct session *session)
{
    if (!tvn_cli_talks(session->cli)) {
        return;
    }
    const struct trace_args *args = session->args;
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_strbuf_add_text(&text, "▶ Tracing flow \"");
    tvn_strbuf_add_escaped(&text, tvn_str_of(session->graph->flow));
    tvn_strbuf_add_char(&text, '"');
    if (args->limit > 0) {
        tvn_strbuf_printf(&text, " (limit: %" PRIu64 " element%s)", args->limit,
                          args->limit == 1 ? "" : "s");
    }
    tvn_strbuf_add_text(&text, "\n\n");
    tvn_cli_say(&text);
}

static void say_file(const struct session *session)
{
    if (!session->args->output_trace || session->failed || !tvn_cli_talks(session->cli)) {
        return;
    }
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_strbuf_add_text(&text, "Trace written: ");
    tvn_strbuf_add_escaped(&text, tvn_str_of(session->args->output_trace));
    tvn_strbuf_add_char(&text, '\n');
    tvn_cli_say(&text);
}

/* ---- running ---- */

static enum tvn_status start(struct session *session)
{
    const struct trace_args *args = session->args;
    struct tvn_live_line live;
    tvn_live_line_init(&live, tvn_cli_talks(session->cli) && tvn_cli_is_terminal(STDERR_FILENO));
    struct tvn_compile_talk talk = {.cli = session->cli, .live = &live};
    const struct tvn_host_options options = {
        .manifest_path = args->manifest,
        .config = {.overrides = args->config.items, .override_count = args->config.count},
        .link = {.flow = session->flow,
                 .inputs = args->inputs.items,
                 .input_count = args->inputs.count},
        .limit = args->limit,
        .timeout_ns = args->timeout_ns,
        .output_fd = STDERR_FILENO,
        .compiler = "/proc/self/exe",
        .compiling = tvn_compile_talk_tell,
        .compiling_context = &talk,
    };
    enum tvn_status status = tvn_host_create(&options, session->cli->sink, &session->host);
    tvn_live_line_clear(&live);
    return status;
}

static enum tvn_status open_output(struct session *session)
{
    const char *path = session->args->output_trace;
    if (!path) {
        session->fd = tvn_cli_json(session->cli) ? -1 : STDOUT_FILENO;
        return TVN_OK;
    }
    TVN_TRY(tvn_host_check_output(session->host, "--output-trace", path, session->cli->sink));
    session->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (session->fd < 0) {
        return tvn_diag_error(session->cli->sink, TVN_E_IO_ERROR, TVN_SPAN_NONE,
                              "'%s' cannot be written: %s", path, strerror(errno));
    }
    return TVN_OK;
}

static void choose_flow_span(struct session *session)
{
    struct tvn_trace_flow_span *span = &session->flow_span;
    span->begin_unix_ns = tvn_clock_wall_ns();
    if (getrandom(span->trace_id, sizeof(span->trace_id), 0) < 0 ||
        getrandom(span->span_id, sizeof(span->span_id), 0) < 0) {
        memcpy(span->trace_id, &span->begin_unix_ns, sizeof(span->begin_unix_ns));
        memcpy(span->span_id, &span->begin_unix_ns, sizeof(span->begin_unix_ns));
    }
    span->trace_id[0] |= 1; /* zero would be none */
    span->span_id[0] |= 1;
}

/* Texts of items in the command's object, newest first, one after the other. */
struct item_texts {
    struct tvn_strbuf bytes;
    TVN_VEC(size_t) ends;
};

static void item_texts_deinit(struct item_texts *texts)
{
    tvn_strbuf_deinit(&texts->bytes);
    tvn_vec_deinit(&texts->ends);
}
TVN_DEFINE_CLEANUP_VALUE(item_texts, item_texts_deinit)

/* False: there is no room for it. */
static bool add_text(const struct session *session, const struct tvn_trace_item *item,
                     const struct tvn_json_writer *object, struct item_texts *texts)
{
    struct tvn_json_writer json;
    tvn_json_writer_init_value(&json, &texts->bytes, object->indent, object->depth + 1);
    tvn_trace_json(session->graph, item, session->args->show_buffers, &json);
    size_t between = 2 + (size_t)json.indent * json.depth; /* a comma, and the next line's begin */
    size_t total = texts->bytes.len + (texts->ends.count + 1) * between;
    if (texts->bytes.failed || total > JSON_TRACE_MAX) {
        return false;
    }
    enum tvn_status status = tvn_vec_push(&texts->ends, JSON_ITEMS_MAX, texts->bytes.len);
    return status == TVN_OK;
}

static void reverse_items(struct session *session)
{
    struct tvn_trace_item *newest = NULL;
    for (struct tvn_trace_item *item = session->items; item; item = session->items) {
        session->items = item->next;
        item->next = newest;
        newest = item;
    }
    session->items = newest;
}

/* From the newest item on, until the object has no more room; the older ones are left out. */
static void render_newest(struct session *session, const struct tvn_json_writer *object,
                          struct item_texts *texts)
{
    bool room = true;
    reverse_items(session);
    while (session->items) {
        TVN_AUTO(tvn_trace_item) item = next_item(session);
        if (is_shown(session, item)) {
            room = room && add_text(session, item, object, texts);
            session->left_out += !room;
        }
    }
}

static void trace_json(struct session *session, struct tvn_json_writer *json)
{
    TVN_AUTO_VALUE(item_texts) texts = {0};
    render_newest(session, json, &texts);
    tvn_json_field_u64(json, "trace_left_out", session->left_out);
    tvn_json_key(json, "trace");
    tvn_json_begin_array(json);
    struct tvn_str bytes = tvn_strbuf_view(&texts.bytes);
    for (size_t i = texts.ends.count; i > 0; i--) {
        size_t begin = i > 1 ? texts.ends.items[i - 2] : 0;
        tvn_json_write_written(json, tvn_str_slice(bytes, begin, texts.ends.items[i - 1]));
    }
    tvn_json_end_array(json);
}

static enum tvn_exit finish_json(struct session *session, enum tvn_exit code,
                                 const struct tvn_run_report *report)
{
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    struct tvn_json_writer json;
    tvn_cli_json_begin(session->cli, code, &out, &json);
    if (report) {
        tvn_run_report_json(session->host, report, &json);
        struct tvn_trace_summary summary;
        tvn_trace_summary(session->trace, &summary);
        summary_json(session, &summary, &json);
    }
    if (report && session->fd < 0) {
        trace_json(session, &json);
    }
    return tvn_cli_json_end(session->cli, code, &out, &json);
}

static enum tvn_exit finish(struct session *session, enum tvn_status status,
                            const struct tvn_run_report *report)
{
    struct tvn_cli *cli = session->cli;
    if (session->failed && session->error == EPIPE && !session->args->output_trace) {
        cli->output_gone = true; /* the reader has seen enough */
    } else if (session->failed) {
        (void)tvn_diag_error(cli->sink, TVN_E_IO_ERROR, TVN_SPAN_NONE,
                             "the trace cannot be written: %s",
                             tvn_cli_write_error(session->error));
        if (session->error == ETIMEDOUT) {
            tvn_diag_help(cli->sink, "read it, or let it be written: --output-trace PATH");
        }
        status = status == TVN_OK ? TVN_E_IO_ERROR : status;
    }
    say_file(session);
    enum tvn_exit code = report->signal == SIGINT ? TVN_EXIT_INTERRUPTED
                         : status == TVN_OK       ? TVN_EXIT_OK
                                                  : TVN_EXIT_ERROR;
    if (tvn_cli_json(cli)) {
        return finish_json(session, code, report->flow ? report : NULL);
    }
    tvn_cli_show_diagnostics(cli);
    return code;
}

static enum tvn_exit trace_flow(struct session *session)
{
    tvn_cli_show_diagnostics(session->cli);
    session->graph = tvn_host_graph(session->host);
    say_start(session);
    choose_flow_span(session);
    if (session->fd >= 0) {
        begin(session);
    }
    struct tvn_run_report report = {0};
    enum tvn_status status =
        tvn_host_run(session->host, observe, session, session->cli->sink, &report);
    write_rest(session, &report);
    return finish(session, status, &report);
}

static enum tvn_exit trace_run(struct tvn_cli *cli, const void *raw)
{
    const struct trace_args *args = raw;
    if (args->flow && args->flow_operand) {
        return tvn_cli_usage_error(cli, "the flow is named twice",
                                   "name it with --flow or as argument");
    }
    struct session session = {
        .cli = cli,
        .args = args,
        .flow = args->flow ? args->flow : args->flow_operand,
        .fd = -1,
    };
    session.items_end = &session.items;
    tvn_interrupted_prepare(cli);
    enum tvn_exit code = TVN_EXIT_PREREQUISITE;
    if (start(&session) == TVN_OK && open_output(&session) == TVN_OK &&
        tvn_host_trace(session.host, args->show_buffers, cli->sink, &session.trace) == TVN_OK) {
        code = trace_flow(&session);
    } else if (tvn_cli_json(cli)) {
        code = finish_json(&session, code, NULL);
    } else {
        tvn_cli_show_diagnostics(cli);
    }
    if (args->output_trace) {
        tvn_fd_close(&session.fd);
    }
    tvn_strbuf_deinit(&session.pending);
    tvn_trace_destroy(session.trace);
    tvn_host_destroy(session.host);
    return code;
}

const struct tvn_command tvn_cmd_trace = {
    .name = "trace",
    .summary = "Show the path of every element",
    .description =
        "Runs a flow and times every call: which components an element passes, how long each "
        "takes, "
        "how long the element waits in queues, which buffers are made, lent and copied, what a "
        "filter lets pass. The trace is standard output; what the flow writes to its standard "
        "output goes to standard error.\n\n"
        "A total is from the beginning of the pull to the end of the last push. Sources are pulled "
        "several times in a row, so elements wait in queues while the next ones are made.",
    .opts = trace_opts,
    .operands = trace_operands,
    .examples = trace_examples,
    .exits = trace_exits,
    .args_size = sizeof(struct trace_args),
    .run = trace_run,
};
