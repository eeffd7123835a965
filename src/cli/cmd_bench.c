/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "cli/bench_report.h"
#include "cli/cli_internal.h"
#include "cli/compile_talk.h"
#include "cli/figures.h"
#include "cli/live_line.h"
#include "host/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ATTEMPTS_MAX        3u /* measurements before a regression is one */
#define DURATION_DEFAULT_NS UINT64_C(10000000000)
#define WARMUP_DEFAULT_NS   UINT64_C(2000000000)
#define DURATION_MAX_NS     UINT64_C(86400000000000) /* a day */
#define PAYLOAD_MAX_BYTES   ((uint64_t)16 << 20)
#define RATE_MAX            1e9
#define REPORT_BYTES_MAX    ((size_t)4 << 20)
#define BASELINE_NAME_MAX   64
#define THRESHOLD_DEFAULT   0.10

enum report_format { REPORT_PRETTY, REPORT_JSON, REPORT_CSV, REPORT_MARKDOWN };

struct bench_args {
    const char *flow_operand;
    const char *manifest;
    const char *flow;
    uint64_t duration_ns;
    const char *warmup;
    uint64_t iterations;
    const char *rate;
    uint64_t rounds;
    const char *payload_size;
    struct tvn_opt_list inputs;
    const char *report;
    unsigned report_format;
    const char *compare;
    const char *threshold;
    const char *baseline;
    unsigned output;
    struct tvn_opt_list config;
};

static const char *const report_formats[] = {"pretty", "json", "csv", "markdown", NULL};
static const char *const outputs[] = {"human", "json", NULL};

static const struct tvn_opt bench_opts[] = {
    {.name = "manifest",
     .kind = TVN_OPT_PATH,
     .offset = offsetof(struct bench_args, manifest),
     .value_name = "PATH",
     .help = "The project's manifest [default: ./Torvyn.toml]"},
    {.name = "flow",
     .kind = TVN_OPT_TEXT,
     .offset = offsetof(struct bench_args, flow),
     .value_name = "NAME",
     .help = "Flow to measure [default: the first one of the manifest]"},
    {.name = "duration",
     .kind = TVN_OPT_DURATION,
     .offset = offsetof(struct bench_args, duration_ns),
     .value_name = "DURATION",
     .help = "How long to measure [default: 10s]"},
    {.name = "warmup",
     .kind = TVN_OPT_TEXT,
     .offset = offsetof(struct bench_args, warmup),
     .value_name = "DURATION",
     .help =
         "Time before, which does not count, or a number of elements; 0 for none [default: 2s]"},
    {.name = "iterations",
     .kind = TVN_OPT_COUNT,
     .offset = offsetof(struct bench_args, iterations),
     .value_name = "N",
     .help = "Measure N elements instead of a time"},
    {.name = "rate",
     .kind = TVN_OPT_TEXT,
     .offset = offsetof(struct bench_args, rate),
     .value_name = "N",
     .help =
         "Give N elements a second, evenly, instead of as many as possible; latency counts from "
         "when an element was due"},
    {.name = "rounds",
     .kind = TVN_OPT_COUNT,
     .offset = offsetof(struct bench_args, rounds),
     .value_name = "N",
     .help = "Parts into which the measured time is cut for comparisons, at most 64 [default: 10]"},
    {.name = "payload-size",
     .kind = TVN_OPT_TEXT,
     .offset = offsetof(struct bench_args, payload_size),
     .value_name = "SIZE",
     .help = "Size of the elements that the built-in generator makes: 64, 4KiB"},
    {.name = "input",
     .kind = TVN_OPT_LIST,
     .offset = offsetof(struct bench_args, inputs),
     .value_name = "SOURCE",
     .help = "Read from this instead of the flow's source: a file, - (standard input), generator "
             "or generator:COUNT; NODE=SOURCE when there are several sources"},
    {.name = "report",
     .kind = TVN_OPT_PATH,
     .offset = offsetof(struct bench_args, report),
     .value_name = "PATH",
     .help = "Write the report to a file [default: standard output]"},
    {.name = "report-format",
     .kind = TVN_OPT_CHOICE,
     .offset = offsetof(struct bench_args, report_format),
     .value_name = "FORMAT",
     .help = "Form of the report [default: pretty]",
     .choices = report_formats},
    {.name = "compare",
     .kind = TVN_OPT_PATH,
     .offset = offsetof(struct bench_args, compare),
     .value_name = "PATH",
     .help = "Compare with an earlier report in JSON, or with the baseline of that name"},
    {.name = "threshold",
     .kind = TVN_OPT_TEXT,
     .offset = offsetof(struct bench_args, threshold),
     .value_name = "PERCENT",
     .help = "What is a regression: so much slower, or so much later [default: 10]"},
    {.name = "baseline",
     .kind = TVN_OPT_TEXT,
     .offset = offsetof(struct bench_args, baseline),
     .value_name = "NAME",
     .help = "Keep the result as .torvyn/bench/NAME.json"},
    {.name = "output",
     .kind = TVN_OPT_CHOICE,
     .offset = offsetof(struct bench_args, output),
     .value_name = "FORMAT",
     .help = "The same as --format",
     .choices = outputs},
    {.name = "config",
     .kind = TVN_OPT_LIST,
     .offset = offsetof(struct bench_args, config),
     .value_name = "KEY=VALUE",
     .help = "Override configuration, as for run; may be given again"},
    {0},
};

static const struct tvn_opt bench_operands[] = {
    {.name = "FLOW",
     .kind = TVN_OPT_TEXT,
     .offset = offsetof(struct bench_args, flow_operand),
     .help = "Flow to measure, as NAME or flow.NAME; the same as --flow"},
    {0},
};

static const struct tvn_example bench_examples[] = {
    {"torvyn bench --duration 5s", "Measure the first flow of ./Torvyn.toml for five seconds"},
    {"torvyn bench --baseline before", "Keep the result as .torvyn/bench/before.json"},
    {"torvyn bench --compare .torvyn/bench/before.json --threshold 5",
     "Exit with 3 when it has become more than 5 % slower"},
    {"torvyn bench --rate 10000", "Latency under a steady load"},
    {"torvyn bench --iterations 100000 --warmup 1000 --output json",
     "A number of elements; one JSON object"},
    {0},
};

static const struct tvn_exit_meaning bench_exits[] = {
    {TVN_EXIT_OK, "Measured; with --compare: no regression"},
    {TVN_EXIT_ERROR, "The flow was refused or failed, or nothing could be measured"},
    {TVN_EXIT_PREREQUISITE, "Wrong usage"},
    {TVN_EXIT_REGRESSION, "A regression against the report of --compare"},
    {TVN_EXIT_INTERRUPTED, "Interrupted by Ctrl+C; the report is of the time before"},
    {0},
};

struct session {
    struct tvn_cli *cli;
    const struct bench_args *args;
    const char *flow;
    struct tvn_bench_options options;
    uint64_t payload_bytes;
    double threshold;
    struct tvn_bench_baseline before;
    struct tvn_bench_pace before_pace;
    int null_fd; /* where pipeline output goes */
};

/* ---- arguments ---- */

/* A time, or a bare number of elements. */
static bool parse_warmup(struct session *session)
{
    const char *text = session->args->warmup;
    if (!text) {
        session->options.warmup_ns = WARMUP_DEFAULT_NS;
        return true;
    }
    return tvn_parse_u64(text, strlen(text), &session->options.warmup_elements) ||
           tvn_parse_duration(text, strlen(text), &session->options.warmup_ns);
}

static bool parse_real(const char *text, double max, double *out_value)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || errno != 0 || !isfinite(value) || value < 0 || value > max) {
        return false;
    }
    *out_value = value;
    return true;
}

static bool name_valid(const char *name)
{
    size_t length = strlen(name);
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    return length > 0 && length <= BASELINE_NAME_MAX && name[0] != '.' &&
           strspn(name, allowed) == length;
}

/* NULL, or what is wrong; *out_help then says what would be right. */
static const char *read_args(struct session *session, const char **out_help)
{
    const struct bench_args *args = session->args;
    struct tvn_bench_options *options = &session->options;
    if (args->flow && args->flow_operand) {
        *out_help = "name it with --flow or as argument";
        return "the flow is named twice";
    }
    if (args->iterations > 0 && args->duration_ns > 0) {
        *out_help = "give one of them";
        return "--iterations and --duration exclude each other";
    }
    options->iterations = args->iterations;
    options->duration_ns = args->iterations > 0    ? 0
                           : args->duration_ns > 0 ? args->duration_ns
                                                   : DURATION_DEFAULT_NS;
    if (!parse_warmup(session)) {
        *out_help = "a duration such as 2s, or a number of elements such as 1000";
        return "--warmup is neither a duration nor a number";
    }
    if (options->duration_ns > DURATION_MAX_NS || options->warmup_ns > DURATION_MAX_NS ||
        options->iterations > UINT64_MAX / TVN_BENCH_ROUNDS_MAX - options->warmup_elements) {
        *out_help = "at most 24h";
        return "the benchmark would take too long";
    }
    options->rounds = TVN_BENCH_ROUNDS_DEFAULT;
    if (args->rounds > TVN_BENCH_ROUNDS_MAX) {
        *out_help = "at most 64";
        return "--rounds is too large";
    }
    if (args->rounds > 0) {
        options->rounds = (uint32_t)args->rounds;
    }
    if (options->iterations > 0) {
        options->rounds = (uint32_t)tvn_min((uint64_t)options->rounds, options->iterations);
    }
    if (args->rate && (!parse_real(args->rate, RATE_MAX, &options->rate) || options->rate <= 0)) {
        *out_help = "elements a second, more than 0";
        return "--rate is no valid number";
    }
    session->threshold = THRESHOLD_DEFAULT;
    if (args->threshold) {
        if (!parse_real(args->threshold, 1e6, &session->threshold)) {
            *out_help = "percent, such as 5";
            return "--threshold is no valid number";
        }
        session->threshold /= 100;
    }
    if (args->payload_size &&
        (!tvn_parse_size(args->payload_size, strlen(args->payload_size), &session->payload_bytes) ||
         session->payload_bytes == 0 || session->payload_bytes > PAYLOAD_MAX_BYTES)) {
        *out_help = "1 to 16MiB";
        return "--payload-size is no valid size";
    }
    if (args->baseline && !name_valid(args->baseline)) {
        *out_help = "letters, digits, '-', '_' and '.', at most 64";
        return "--baseline is no valid name";
    }
    return NULL;
}

/* ---- baselines ---- */

/* <project>/.torvyn/bench/NAME.json; NULL when memory is exhausted. */
static char *baseline_path(const struct tvn_cli *cli, const char *directory, const char *name)
{
    TVN_AUTO_VALUE(tvn_strbuf) path = {0};
    tvn_strbuf_printf(&path, "%s/.torvyn/bench/%s.json", directory, name);
    return path.failed ? NULL : tvn_arena_strndup(cli->arena, path.ptr, path.len);
}

static enum tvn_status read_baseline(struct session *session)
{
    struct tvn_diag_sink *sink = session->cli->sink;
    const char *path = session->args->compare;
    const char *manifest = session->args->manifest ? session->args->manifest : "Torvyn.toml";
    if (!tvn_file_exists(path) && name_valid(path)) {
        TVN_AUTO_FREE char *directory = tvn_path_dirname(manifest);
        const char *by_name = directory ? baseline_path(session->cli, directory, path) : NULL;
        path = by_name && tvn_file_exists(by_name) ? by_name : path;
    }
    TVN_AUTO_VALUE(tvn_file_bytes) text = {0};
    enum tvn_status status = tvn_file_read(path, REPORT_BYTES_MAX, &text);
    if (status != TVN_OK) {
        (void)tvn_diag_error(sink, TVN_E_IO_ERROR, TVN_SPAN_NONE, "'%s' cannot be read: %s", path,
                             status == TVN_FULL ? "it is no report, too large" : strerror(errno));
        tvn_diag_help(sink, "make one with 'torvyn bench --baseline NAME'");
        return TVN_E_IO_ERROR;
    }
    TVN_AUTO_VALUE(tvn_strbuf) why = {0};
    TVN_AUTO(tvn_json) report = NULL;
    status = tvn_bench_parse((struct tvn_str){(const char *)text.ptr, text.len}, &report, &why);
    if (status == TVN_OK) {
        status = tvn_bench_read_baseline(report, &session->before, &why);
    }
    if (status == TVN_OK) {
        status =
            tvn_bench_read_pace(report, session->before.round_count, &session->before_pace, &why);
    }
    if (status != TVN_OK) {
        (void)tvn_diag_error(sink, TVN_E_CONSTRAINT_VIOLATION, TVN_SPAN_NONE,
                             "'%s' is no report of torvyn bench: %s", path, tvn_strbuf_text(&why));
        tvn_diag_help(sink, "make one with 'torvyn bench --baseline NAME'");
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    return TVN_OK;
}

/* A pipe or a device must not be replaced by a file. */
static bool write_in_place(const char *path, const struct tvn_strbuf *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return false;
    }
    bool written = tvn_fd_write_all(fd, text->ptr, text->len) == TVN_OK;
    int error = errno;
    written &= close(fd) == 0;
    errno = error;
    return written;
}

/* Whole or not at all, where it is a file. */
static bool write_file(const char *path, const struct tvn_strbuf *text)
{
    struct stat info;
    if (!text->failed && stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        return write_in_place(path, text);
    }
    if (text->failed) {
        errno = ENOMEM;
        return false;
    }
    return tvn_file_replace(path, tvn_strbuf_view(text)) == TVN_OK;
}

static enum tvn_status save_baseline(const struct session *session, const char *directory,
                                     const struct tvn_bench_figures *figures)
{
    struct tvn_cli *cli = session->cli;
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    struct tvn_json_writer json;
    tvn_json_writer_init(&json, &text, 2);
    tvn_json_begin_object(&json);
    tvn_json_field_text(&json, "torvyn", TVN_VERSION);
    tvn_bench_write_json(figures->report, &json);
    tvn_bench_write_pace(figures->pace, &json);
    tvn_json_end_object(&json);
    tvn_strbuf_add_char(&text, '\n');
    const char *path = baseline_path(cli, directory, session->args->baseline);
    errno = ENOMEM;
    if (!path || text.failed || tvn_file_put(path, tvn_strbuf_view(&text)) != TVN_OK) {
        (void)tvn_diag_error(cli->sink, TVN_E_IO_ERROR, TVN_SPAN_NONE,
                             "the baseline cannot be written to '%s/.torvyn/bench': %s", directory,
                             strerror(errno));
        return TVN_E_IO_ERROR;
    }
    if (tvn_cli_talks(cli)) {
        TVN_AUTO_VALUE(tvn_strbuf) line = {0};
        tvn_strbuf_add_text(&line, "\nBaseline saved: ");
        tvn_strbuf_add_escaped(&line, tvn_str_of(path));
        tvn_strbuf_add_char(&line, '\n');
        tvn_cli_say(&line);
    }
    return TVN_OK;
}

/* ---- talk ---- */

static void add_amount(struct tvn_strbuf *text, uint64_t ns, uint64_t elements)
{
    if (ns > 0) {
        tvn_figure_duration(text, ns);
    } else if (elements == 0) {
        tvn_strbuf_add_text(text, "none");
    } else {
        tvn_strbuf_printf(text, "%" PRIu64 " element%s", elements, elements == 1 ? "" : "s");
    }
}

/* ▶ Benchmarking flow "main" (warmup: 2s, duration: 5s) */
static void say_start(const struct session *session, const struct tvn_host *host)
{
    if (!tvn_cli_talks(session->cli)) {
        return;
    }
    const struct tvn_bench_options *options = &session->options;
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_strbuf_add_text(&text, "▶ Benchmarking flow \"");
    tvn_strbuf_add_escaped(&text, tvn_str_of(tvn_host_link(host)->flow_name));
    tvn_strbuf_add_text(&text, "\" (warmup: ");
    add_amount(&text, options->warmup_ns, options->warmup_elements);
    tvn_strbuf_add_text(&text, ", duration: ");
    add_amount(&text, options->duration_ns, options->iterations);
    if (options->rate > 0) {
        tvn_strbuf_printf(&text, ", rate: %g/s", options->rate);
    }
    tvn_strbuf_add_text(&text, ")\n\n");
    tvn_cli_say(&text);
}

/* ---- the report ---- */

static void write_json(const struct tvn_bench_figures *figures, struct tvn_json_writer *json)
{
    tvn_bench_write_json(figures->report, json);
    tvn_bench_write_pace(figures->pace, json);
    if (figures->comparison) {
        tvn_bench_write_comparison(figures->comparison, json);
        tvn_bench_write_pace_comparison(figures->comparison_pace, json);
    }
}

static void render(const struct session *session, const struct tvn_bench_figures *figures,
                   struct tvn_strbuf *out)
{
    switch ((enum report_format)session->args->report_format) {
    case REPORT_PRETTY:
        tvn_bench_report_pretty(figures, out);
        return;
    case REPORT_CSV:
        tvn_bench_report_csv(figures, out);
        return;
    case REPORT_MARKDOWN:
        tvn_bench_report_markdown(figures, out);
        return;
    case REPORT_JSON: {
        struct tvn_json_writer json;
        tvn_json_writer_init(&json, out, 2);
        tvn_json_begin_object(&json);
        write_json(figures, &json);
        tvn_json_end_object(&json);
        tvn_strbuf_add_char(out, '\n');
        return;
    }
    }
}

/* With --format json the report is in the command's object, too. Where the file cannot be written,
 * standard output gets the report: it took its time to measure. `figures` may be NULL. */
static enum tvn_exit publish(const struct session *session, const struct tvn_bench_figures *figures,
                             enum tvn_exit code)
{
    struct tvn_cli *cli = session->cli;
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    if (figures && (session->args->report || !tvn_cli_json(cli))) {
        render(session, figures, &text);
    }
    bool to_file = session->args->report != NULL;
    if (figures && to_file && !write_file(session->args->report, &text)) {
        (void)tvn_diag_error(cli->sink, TVN_E_IO_ERROR, TVN_SPAN_NONE,
                             "the report cannot be written to '%s': %s", session->args->report,
                             strerror(errno));
        code = TVN_EXIT_ERROR;
        to_file = false;
    }
    if (tvn_cli_json(cli)) {
        TVN_AUTO_VALUE(tvn_strbuf) out = {0};
        struct tvn_json_writer json;
        tvn_cli_json_begin(cli, code, &out, &json);
        if (figures) {
            write_json(figures, &json);
        }
        return tvn_cli_json_end(cli, code, &out, &json);
    }
    if (figures && !to_file) {
        code = tvn_cli_print(cli, &text, code);
    }
    tvn_cli_show_diagnostics(cli);
    return code;
}

/* ---- running ---- */

static enum tvn_status start(struct session *session, struct tvn_host **out_host)
{
    const struct bench_args *args = session->args;
    const struct tvn_bench_options *bench = &session->options;
    struct tvn_live_line live;
    tvn_live_line_init(&live, tvn_cli_talks(session->cli) && tvn_cli_is_terminal(STDERR_FILENO));
    struct tvn_compile_talk talk = {.cli = session->cli, .live = &live};
    struct tvn_host_options options = {
        .manifest_path = args->manifest,
        .config = {.overrides = args->config.items, .override_count = args->config.count},
        .link = {.flow = session->flow,
                 .inputs = args->inputs.items,
                 .input_count = args->inputs.count},
        .payload_bytes = session->payload_bytes,
        .output_fd = session->null_fd,
        .compiler = "/proc/self/exe",
        .compiling = tvn_compile_talk_tell,
        .compiling_context = &talk,
    };
    if (bench->iterations > 0 && bench->warmup_ns == 0) {
        options.limit = bench->warmup_elements + bench->iterations;
    }
    enum tvn_status status = tvn_host_create(&options, session->cli->sink, out_host);
    tvn_live_line_clear(&live);
    return status;
}

/* What was read from standard input is gone: such a flow cannot be measured again. */
static bool is_repeatable(const struct tvn_host *host)
{
    static const char *const gone[] = {"-", "stdin", "builtin:stdin"};
    const struct tvn_link *link = tvn_host_link(host);
    for (uint32_t i = 0; i < link->stage_count; i++) {
        const struct tvn_link_stage *stage = &link->stages[i];
        bool is_source = stage->role == TVN_ROLE_SOURCE && stage->kind == TVN_LINK_STAGE_BUILTIN;
        for (size_t k = 0; is_source && k < TVN_ARRAY_LEN(gone); k++) {
            if (strcmp(stage->builtin, gone[k]) == 0) {
                return false;
            }
        }
    }
    return true;
}

static void say_again(const struct session *session, unsigned attempt)
{
    if (tvn_cli_talks(session->cli)) {
        TVN_AUTO_VALUE(tvn_strbuf) text = {0};
        tvn_strbuf_printf(&text, "It seems to be slower. Measuring again, %u of %u\n\n",
                          attempt + 1, ATTEMPTS_MAX);
        tvn_cli_say(&text);
    }
}

/* What one measurement came to. */
struct result {
    const struct tvn_host *host;
    struct tvn_run_report run;
    struct tvn_bench_comparison comparison;
    struct tvn_bench_pace_comparison comparison_pace;
    struct tvn_bench_figures figures;
};

static bool is_empty(const struct tvn_bench_report *report)
{
    return report->elements == 0 || report->round_count == 0;
}

/* Unless it was interrupted. */
static void compare(const struct session *session, struct result *result)
{
    struct tvn_bench_figures *figures = &result->figures;
    if (session->args->compare && !is_empty(figures->report) && result->run.signal == 0) {
        tvn_bench_compare_at_pace(figures->report, figures->pace, &session->before,
                                  &session->before_pace, session->threshold, &result->comparison,
                                  &result->comparison_pace);
        figures->comparison = &result->comparison;
        figures->comparison_pace = &result->comparison_pace;
    }
}

/* A regression that only one measurement shows may be the machine's: it is to be measured again. */
static bool is_doubtful(const struct result *result, unsigned attempt)
{
    return result->figures.comparison && result->comparison.regression && attempt < ATTEMPTS_MAX &&
           is_repeatable(result->host);
}

static enum tvn_exit finish(const struct session *session, const struct result *result)
{
    const struct tvn_bench_figures *figures = &result->figures;
    if (is_empty(figures->report)) {
        struct tvn_diag_sink *sink = session->cli->sink;
        (void)tvn_diag_error(sink, TVN_E_CONSTRAINT_VIOLATION, TVN_SPAN_NONE,
                             "flow '%s' ended before anything was measured", figures->report->flow);
        tvn_diag_help(sink,
                      "shorten --warmup, or give the flow a longer input; '--input generator' "
                      "is one without end");
        return publish(session, NULL,
                       result->run.signal == SIGINT ? TVN_EXIT_INTERRUPTED : TVN_EXIT_ERROR);
    }
    if (result->run.signal != 0) {
        return publish(session, figures,
                       result->run.signal == SIGINT ? TVN_EXIT_INTERRUPTED : TVN_EXIT_OK);
    }
    enum tvn_exit code =
        figures->comparison && figures->comparison->regression ? TVN_EXIT_REGRESSION : TVN_EXIT_OK;
    const char *directory = tvn_host_manifest(result->host)->directory;
    if (session->args->baseline && save_baseline(session, directory, figures) != TVN_OK) {
        code = TVN_EXIT_ERROR;
    }
    return publish(session, figures, code);
}

/* One measurement. *out_again: it is not judged yet, another one is needed. */
static enum tvn_exit measure(struct session *session, unsigned attempt, bool *out_again)
{
    struct tvn_cli *cli = session->cli;
    TVN_AUTO(tvn_host) host = NULL;
    TVN_AUTO(tvn_bench) bench = NULL;
    const char *path = session->args->report;
    if (start(session, &host) != TVN_OK ||
        (path && tvn_host_check_output(host, "--report", path, cli->sink) != TVN_OK) ||
        tvn_bench_create(host, &session->options, cli->sink, &bench) != TVN_OK) {
        return publish(session, NULL, TVN_EXIT_ERROR);
    }
    tvn_cli_show_diagnostics(cli);
    if (attempt == 1) {
        say_start(session, host);
    }
    struct result result = {.host = host, .figures = {.pace = tvn_bench_pace(bench)}};
    enum tvn_status status = tvn_bench_run(bench, cli->sink, &result.run, &result.figures.report);
    if (status != TVN_OK) {
        return publish(session, NULL, TVN_EXIT_ERROR);
    }
    compare(session, &result);
    *out_again = is_doubtful(&result, attempt);
    return *out_again ? TVN_EXIT_OK : finish(session, &result);
}

static enum tvn_exit measure_all(struct session *session)
{
    bool again = true;
    enum tvn_exit code = TVN_EXIT_ERROR;
    if (session->args->compare && read_baseline(session) != TVN_OK) {
        return publish(session, NULL, code);
    }
    for (unsigned attempt = 1; again; attempt++) {
        again = false;
        code = measure(session, attempt, &again);
        if (again) {
            say_again(session, attempt);
        }
    }
    return code;
}

static enum tvn_exit bench_run(struct tvn_cli *cli, const void *raw)
{
    const struct bench_args *args = raw;
    cli->json |= args->output == 1;
    struct session session = {
        .cli = cli,
        .args = args,
        .flow = args->flow ? args->flow : args->flow_operand,
        .null_fd = -1,
    };
    const char *help = NULL;
    const char *wrong = read_args(&session, &help);
    if (wrong) {
        return tvn_cli_usage_error(cli, wrong, help);
    }
    session.null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (session.null_fd < 0) {
        (void)tvn_diag_error(cli->sink, TVN_E_IO_ERROR, TVN_SPAN_NONE,
                             "/dev/null cannot be opened: %s", strerror(errno));
        return publish(&session, NULL, TVN_EXIT_ERROR);
    }
    enum tvn_exit code = measure_all(&session);
    tvn_fd_close(&session.null_fd);
    return code;
}

const struct tvn_command tvn_cmd_bench = {
    .name = "bench",
    .summary = "Measure a flow under load",
    .description =
        "Runs a flow as fast as it can, or at a given rate, and reports throughput, latency, times "
        "of each component, queues, buffers, copies, scheduling and memory. What the flow writes "
        "to standard output is discarded. The warm-up does not count.\n\n"
        "Counts are exact. Times are those of every element, or of elements chosen at random when "
        "timing all of them would slow the flow; the report says which. The measured time is cut "
        "into rounds: a comparison tells a change from noise by them. Time in which another "
        "program had the processor does not count as the flow's there.\n\n"
        "A regression is one that is beyond the threshold with a confidence of 99 %, also in the "
        "best rounds, beyond what the baseline's worst rounds were, and in three measurements: "
        "what seems to be one is measured again, unless the flow reads standard input. What is "
        "beyond the threshold but not certain is said to be so.\n\n"
        "A machine's pace changes, with its clock and with who shares its cores. So the flow's "
        "thread also does a fixed piece of work, SHA3-256 of 64 KiB and sorting 2,048 numbers, up "
        "to fifty times a second, while nothing is under way and outside of the measured time, and "
        "a comparison converts the processor time of each round to the baseline's pace. A flow "
        "follows that pace for the greater part: a regression must show in what was measured and "
        "in what is converted. The threshold grows by the part of the time that other programs had "
        "the processor, as far as it is more than for the baseline. At a given rate, where "
        "elements would be late, the pace is not measured.",
    .opts = bench_opts,
    .operands = bench_operands,
    .examples = bench_examples,
    .exits = bench_exits,
    .args_size = sizeof(struct bench_args),
    .run = bench_run,
};
