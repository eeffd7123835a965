/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "cli/cli_internal.h"
#include "cli/compile_talk.h"
#include "cli/figures.h"
#include "cli/interrupted.h"
#include "cli/live_line.h"
#include "cli/run_report.h"
#include "host/host.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

TVN_LOG_CATEGORY("cli");

#define FLOWS_NAMED_MAX 8

struct run_args {
    const char *flow_operand;
    const char *manifest;
    struct tvn_opt_list flows;
    bool all;
    struct tvn_opt_list inputs;
    struct tvn_opt_list outputs;
    uint64_t limit;
    uint64_t timeout_ns;
    struct tvn_opt_list config;
    const char *log_level;
};

static const char *const level_names[] = {"error", "warn", "info", "debug", "trace", NULL};

static const struct tvn_opt run_opts[] = {
    {.name = "manifest",
     .kind = TVN_OPT_PATH,
     .offset = offsetof(struct run_args, manifest),
     .value_name = "PATH",
     .help = "The project's manifest [default: ./Torvyn.toml]"},
    {.name = "flow",
     .kind = TVN_OPT_LIST,
     .offset = offsetof(struct run_args, flows),
     .value_name = "NAME",
     .help = "Flow to run; may be given again [default: the first one of the manifest]"},
    {.name = "all",
     .kind = TVN_OPT_FLAG,
     .offset = offsetof(struct run_args, all),
     .help = "Run all flows of the manifest beside each other"},
    {.name = "input",
     .kind = TVN_OPT_LIST,
     .offset = offsetof(struct run_args, inputs),
     .value_name = "SOURCE",
     .help = "Read from this instead of the flow's source: a file, - (standard input), "
             "generator or generator:COUNT; NODE=SOURCE when there are several sources, "
             "FLOW/NODE=SOURCE when there are several flows"},
    {.name = "output",
     .kind = TVN_OPT_LIST,
     .offset = offsetof(struct run_args, outputs),
     .value_name = "SINK",
     .help = "Write to this instead of the flow's sink: a file or - (standard output); NODE=SINK "
             "when there are several sinks, FLOW/NODE=SINK when there are several flows"},
    {.name = "limit",
     .kind = TVN_OPT_COUNT,
     .offset = offsetof(struct run_args, limit),
     .value_name = "N",
     .help = "Take at most N elements from the sources of a flow, then end it"},
    {.name = "timeout",
     .kind = TVN_OPT_DURATION,
     .offset = offsetof(struct run_args, timeout_ns),
     .value_name = "DURATION",
     .help = "End a flow after this time, with E0400: 500ms, 30s, 5m"},
    {.name = "config",
     .kind = TVN_OPT_LIST,
     .offset = offsetof(struct run_args, config),
     .value_name = "KEY=VALUE",
     .help = "Override configuration: a key such as runtime.invocation_timeout_ms, or NODE.key "
             "for a component; may be given again"},
    {.name = "log-level",
     .kind = TVN_OPT_WORD,
     .offset = offsetof(struct run_args, log_level),
     .value_name = "LEVEL",
     .help = "What to log [default: warn]",
     .choices = level_names},
    {0},
};

static const struct tvn_opt run_operands[] = {
    {.name = "FLOW",
     .kind = TVN_OPT_TEXT,
     .offset = offsetof(struct run_args, flow_operand),
     .help = "Flow to run, as NAME or flow.NAME; the same as --flow"},
    {0},
};

static const struct tvn_example run_examples[] = {
    {"torvyn run --limit 10", "Run the first flow of ./Torvyn.toml for ten elements"},
    {"seq 1 1000 | torvyn run flow.main --input -", "Feed the flow 'main' from standard input"},
    {"torvyn run --flow ingest --flow report", "Run two flows beside each other"},
    {"torvyn run --input access.log --output result.jsonl",
     "One element a line in, one line an element out"},
    {"torvyn run --config transform.prefix=x",
     "Set the key 'prefix' of the configuration of the node 'transform'"},
    {"torvyn run --format json --output /dev/null", "The summary as one JSON object"},
    {0},
};

static const struct tvn_exit_meaning run_exits[] = {
    {TVN_EXIT_OK,
     "All flows completed; also after SIGTERM or SIGHUP, when everything was delivered"},
    {TVN_EXIT_ERROR, "A flow failed, or --timeout was reached"},
    {TVN_EXIT_PREREQUISITE, "Wrong usage, or the manifest, a component or the flow was refused"},
    {TVN_EXIT_INTERRUPTED, "Interrupted by Ctrl+C; what was under way has been delivered"},
    {0},
};

struct session {
    struct tvn_cli *cli;
    const struct run_args *args;
    const char *const *flows; /* as asked for */
    size_t flow_count;
    struct tvn_live_line live;
    struct tvn_compile_talk compiling;
};

/* ---- starting ---- */

static void log_loading(const struct session *session, const struct tvn_manifest *manifest)
{
    if (session->args->all) {
        tvn_log_info("Loading all flows from %s", manifest->path);
        return;
    }
    const char *first = manifest->flow_count > 0 ? manifest->flows[0].name : "main";
    size_t count = session->flow_count > 0 ? session->flow_count : 1;
    for (size_t i = 0; i < count; i++) {
        const char *name = session->flow_count > 0 ? session->flows[i] : first;
        name = strncmp(name, "flow.", 5) == 0 ? name + 5 : name;
        tvn_log_info("Loading flow '%s' from %s", name, manifest->path);
    }
}

static void log_linked(const struct tvn_host *host)
{
    uint32_t components = 0;
    uint32_t edges = 0;
    for (uint32_t flow = 0; flow < tvn_host_flow_count(host); flow++) {
        const struct tvn_link *link = tvn_host_flow_link(host, flow);
        edges += link->edge_count;
        for (uint32_t i = 0; i < link->stage_count; i++) {
            components += link->stages[i].kind == TVN_LINK_STAGE_COMPONENT ? 1 : 0;
        }
    }
    tvn_log_info("Validating contracts...  ok");
    tvn_log_info("Linking components...    ok (%" PRIu32 " component%s, %" PRIu32 " edge%s)",
                 components, components == 1 ? "" : "s", edges, edges == 1 ? "" : "s");
}

/* The log's view of starting; the steps are done when they are told. */
static void step_done(void *context, enum tvn_host_step step, const struct tvn_host *host)
{
    const struct session *session = context;
    switch (step) {
    case TVN_HOST_STEP_LOADED:
        log_loading(session, tvn_host_manifest(host));
        break;
    case TVN_HOST_STEP_LINKED:
        log_linked(host);
        break;
    case TVN_HOST_STEP_INSTANTIATED:
        tvn_log_info("Instantiating...         ok");
        for (uint32_t flow = 0; flow < tvn_host_flow_count(host); flow++) {
            tvn_log_info("Running flow '%s'", tvn_host_flow_link(host, flow)->flow_name);
        }
        break;
    }
}

static enum tvn_status start(struct session *session, struct tvn_host **out_host)
{
    const struct run_args *args = session->args;
    const struct tvn_host_options options = {
        .manifest_path = args->manifest,
        .config = {.overrides = args->config.items, .override_count = args->config.count},
        .flows = session->flows,
        .flow_count = session->flow_count,
        .all_flows = args->all,
        .link = {.inputs = args->inputs.items,
                 .input_count = args->inputs.count,
                 .outputs = args->outputs.items,
                 .output_count = args->outputs.count},
        .limit = args->limit,
        .timeout_ns = args->timeout_ns,
        .output_fd = tvn_cli_json(session->cli) ? STDERR_FILENO : STDOUT_FILENO,
        .inspect = true,
        .telemetry = true,
        .step_done = step_done,
        .step_context = session,
        .compiler = "/proc/self/exe",
        .compiling = tvn_compile_talk_tell,
        .compiling_context = &session->compiling,
    };
    enum tvn_status status = tvn_host_create(&options, session->cli->sink, out_host);
    tvn_live_line_clear(&session->live);
    return status;
}

/* ---- talk ---- */

/* ▶ Running flows "main", "other" (limit: 10 elements) */
static void say_start(const struct session *session, const struct tvn_host *host)
{
    if (!tvn_cli_talks(session->cli)) {
        return;
    }
    const struct run_args *args = session->args;
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    uint32_t count = tvn_host_flow_count(host);
    tvn_strbuf_add_text(&text, count == 1 ? "▶ Running flow " : "▶ Running flows ");
    for (uint32_t flow = 0; flow < count && flow < FLOWS_NAMED_MAX; flow++) {
        tvn_strbuf_add_text(&text, flow == 0 ? "\"" : ", \"");
        tvn_strbuf_add_escaped(&text, tvn_str_of(tvn_host_flow_link(host, flow)->flow_name));
        tvn_strbuf_add_char(&text, '"');
    }
    if (count > FLOWS_NAMED_MAX) {
        tvn_strbuf_printf(&text, " and %" PRIu32 " more", count - FLOWS_NAMED_MAX);
    }
    if (args->limit > 0) {
        tvn_strbuf_printf(&text, " (limit: %" PRIu64 " element%s", args->limit,
                          args->limit == 1 ? "" : "s");
    }
    if (args->timeout_ns > 0) {
        tvn_strbuf_add_text(&text, args->limit > 0 ? ", timeout: " : " (timeout: ");
        tvn_figure_duration(&text, args->timeout_ns);
    }
    tvn_strbuf_add_text(&text, args->limit > 0 || args->timeout_ns > 0 ? ")\n\n" : "\n\n");
    tvn_cli_say(&text);
}

/* What the summary adds to the flow's name; NULL for nothing. */
static const char *ending(const struct tvn_cli *cli, const struct tvn_run_report *report)
{
    if (report->signal != 0) {
        return report->signal == SIGINT ? "interrupted" : "terminated";
    }
    if (cli->output_gone) {
        return "output closed";
    }
    if (report->status == TVN_E_FLOW_DEADLINE_EXCEEDED) {
        return "timeout";
    }
    return report->status != TVN_OK ? "failed" : NULL;
}

static void say_end(const struct session *session, const struct tvn_host *host,
                    const struct tvn_run_report *report)
{
    if (tvn_cli_talks(session->cli)) {
        TVN_AUTO_VALUE(tvn_strbuf) text = {0};
        /* Pipeline output, which stands between here and the line of the start, went elsewhere. */
        tvn_strbuf_add_text(&text, session->args->outputs.count > 0 ? "" : "\n");
        tvn_run_report_text(host, report, ending(session->cli, report), &text);
        tvn_cli_say(&text);
    }
    if (!tvn_log_enabled(&log_category_, TVN_LOG_INFO)) {
        return;
    }
    TVN_AUTO_VALUE(tvn_strbuf) duration = {0};
    tvn_figure_milliseconds(&duration, report->duration_ns);
    uint64_t peak = 0;
    uint64_t capacity = 0;
    (void)tvn_run_report_peak(host, report, &peak, &capacity);
    tvn_log_info("Flow '%s' %s. %" PRIu64 " element%s processed.", report->flow,
                 report->state == TVN_FLOW_COMPLETED ? "completed" : "failed", report->pulled,
                 report->pulled == 1 ? "" : "s");
    tvn_log_info("Duration: %s | Copies: %" PRIu64 " | Peak queue depth: %" PRIu64,
                 tvn_strbuf_text(&duration), tvn_run_report_copies(report), peak);
}

/* ---- running ---- */

/* A terminal that shows pipeline output has no room for counters. */
static bool live_possible(const struct tvn_cli *cli, const struct run_args *args)
{
    bool output_on_terminal = args->outputs.count == 0 && isatty(STDOUT_FILENO) == 1;
    return tvn_cli_talks(cli) && tvn_cli_is_terminal(STDERR_FILENO) && !output_on_terminal;
}

/* True when nobody can read standard output any more: `torvyn run | head`. */
static bool output_gone(void)
{
    struct pollfd fd = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&fd, 1, 0) == 1 && (fd.revents & POLLERR) != 0;
}

static enum tvn_exit exit_code(enum tvn_status status, const struct tvn_host *host,
                               const struct tvn_run_report *reports)
{
    for (uint32_t flow = 0; flow < tvn_host_flow_count(host); flow++) {
        if (reports[flow].signal == SIGINT) {
            return TVN_EXIT_INTERRUPTED;
        }
    }
    return status == TVN_OK ? TVN_EXIT_OK : TVN_EXIT_ERROR;
}

/* The fields of the only flow, or a list of flows. */
static enum tvn_exit finish_json(struct tvn_cli *cli, enum tvn_exit code,
                                 const struct tvn_host *host, const struct tvn_run_report *reports)
{
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    struct tvn_json_writer json;
    tvn_cli_json_begin(cli, code, &out, &json);
    if (reports && tvn_host_flow_count(host) == 1) {
        tvn_run_report_json(host, reports, &json);
    } else if (reports) {
        tvn_json_key(&json, "flows");
        tvn_json_begin_array(&json);
        for (uint32_t flow = 0; flow < tvn_host_flow_count(host); flow++) {
            tvn_json_begin_object(&json);
            tvn_run_report_json(host, &reports[flow], &json);
            const char *failed =
                reports[flow].status != TVN_OK ? tvn_status_code(reports[flow].status) : NULL;
            tvn_json_field_text(&json, "error", failed);
            tvn_json_end_object(&json);
        }
        tvn_json_end_array(&json);
    }
    return tvn_cli_json_end(cli, code, &out, &json);
}

static void say_ends(const struct session *session, const struct tvn_host *host,
                     const struct tvn_run_report *reports)
{
    for (uint32_t flow = 0; flow < tvn_host_flow_count(host); flow++) {
        say_end(session, host, &reports[flow]);
    }
}

/* The reader of standard output has seen enough: that is its way to say so, not an error. What else
 * went wrong remains one. */
static enum tvn_status forgive_closed_output(struct tvn_cli *cli, uint32_t flow_count,
                                             struct tvn_run_report *reports)
{
    enum tvn_status result = TVN_OK;
    for (uint32_t flow = 0; flow < flow_count; flow++) {
        if (reports[flow].status == TVN_E_IO_ERROR) {
            reports[flow].status = TVN_OK;
        } else if (result == TVN_OK) {
            result = reports[flow].status;
        }
    }
    cli->output_gone = true;
    if (result == TVN_OK) {
        cli->shown = tvn_diag_count(cli->sink);
    }
    return result;
}

static enum tvn_exit finish_text(const struct session *session, const struct tvn_host *host,
                                 enum tvn_status status, struct tvn_run_report *reports)
{
    struct tvn_cli *cli = session->cli;
    if (status == TVN_E_IO_ERROR && output_gone()) {
        status = forgive_closed_output(cli, tvn_host_flow_count(host), reports);
    }
    say_ends(session, host, reports);
    if (cli->shown < tvn_diag_count(cli->sink) && tvn_cli_talks(cli)) {
        TVN_AUTO_VALUE(tvn_strbuf) gap = {0};
        tvn_strbuf_add_char(&gap, '\n');
        tvn_cli_say(&gap);
    }
    tvn_cli_show_diagnostics(cli);
    return exit_code(status, host, reports);
}

static enum tvn_exit run_flows(struct session *session, struct tvn_host *host)
{
    struct tvn_cli *cli = session->cli;
    tvn_cli_show_diagnostics(cli); /* warnings of the start */
    TVN_AUTO_FREE struct tvn_run_report *reports =
        tvn_calloc(tvn_host_flow_count(host), sizeof(*reports));
    enum tvn_status status;
    if (reports) {
        say_start(session, host);
        status = tvn_host_run(host, session->live.enabled ? tvn_live_line_update : NULL,
                              &session->live, cli->sink, reports);
        tvn_live_line_clear(&session->live);
    } else {
        status = tvn_diag_error(cli->sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                                "no memory to run the flows");
    }
    if (!reports || !reports[0].flow) { /* it could not even begin */
        tvn_assert(status != TVN_OK);
        tvn_cli_show_diagnostics(cli);
        return tvn_cli_json(cli) ? finish_json(cli, TVN_EXIT_ERROR, host, NULL) : TVN_EXIT_ERROR;
    }
    if (tvn_cli_json(cli)) {
        say_ends(session, host, reports);
        return finish_json(cli, exit_code(status, host, reports), host, reports);
    }
    return finish_text(session, host, status, reports);
}

/* NULL, or what is wrong with these arguments, and what to do. */
static const char *usage_error(const struct run_args *args, const char **out_help)
{
    size_t flows = args->flows.count + (args->flow_operand ? 1 : 0);
    if (args->flow_operand && args->flows.count > 0) {
        *out_help = "name it with --flow or as argument";
        return "the flow is named twice";
    }
    if (args->all && flows > 0) {
        *out_help = "leave out --all, or the names";
        return "--all cannot be used with a flow's name";
    }
    return NULL;
}

static enum tvn_exit run_run(struct tvn_cli *cli, const void *raw)
{
    const struct run_args *args = raw;
    const char *help = NULL;
    const char *wrong = usage_error(args, &help);
    if (wrong) {
        return tvn_cli_usage_error(cli, wrong, help);
    }
    if (args->log_level) {
        tvn_cli_set_log(cli, args->log_level);
    }
    struct session session = {.cli = cli,
                              .args = args,
                              .flows = args->flow_operand ? &args->flow_operand : args->flows.items,
                              .flow_count = args->flow_operand ? 1 : args->flows.count};
    tvn_interrupted_prepare(cli);
    tvn_live_line_init(&session.live, live_possible(cli, args));
    session.compiling = (struct tvn_compile_talk){.cli = cli, .live = &session.live};
    TVN_AUTO(tvn_host) host = NULL;
    if (start(&session, &host) != TVN_OK) {
        tvn_cli_show_diagnostics(cli);
        return tvn_cli_json(cli) ? finish_json(cli, TVN_EXIT_PREREQUISITE, NULL, NULL)
                                 : TVN_EXIT_PREREQUISITE;
    }
    return run_flows(&session, host);
}

const struct tvn_command tvn_cmd_run = {
    .name = "run",
    .summary = "Run flows",
    .description =
        "Reads the manifest, links the flow and runs it until its source is exhausted, --limit or "
        "--timeout is reached, or Ctrl+C. Pipeline output goes to standard output, everything "
        "else to standard error.\n\n"
        "Several flows run beside each other, each to its own end: a flow that fails leaves the "
        "others alone.\n\n"
        "A flow without a source gets a generator of greetings, a flow without a sink writes its "
        "elements to standard output, one a line.",
    .opts = run_opts,
    .operands = run_operands,
    .examples = run_examples,
    .exits = run_exits,
    .args_size = sizeof(struct run_args),
    .run = run_run,
};
