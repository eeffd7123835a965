/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"
#include "cli/cli_internal.h"
#include "cli/figures.h"
#include "cli/screen.h"
#include "cli/watched.h"
#include "format/base64.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define BYTES_DEFAULT UINT64_C(64)
#define BYTES_MAX     UINT64_C(4096)
#define SAMPLE_MAX    UINT64_C(1048576)
#define SECONDS_MAX   UINT64_C(3600)
#define NS_PER_SECOND UINT64_C(1000000000)
#define HEX_ROW       16u
#define NO_EDGE       UINT32_MAX

enum tap_show { TAP_SHOW_TEXT, TAP_SHOW_HEX, TAP_SHOW_NONE };

struct tap_args {
    const char *flow;
    const char *edge;
    uint64_t pid;
    uint64_t sample;
    uint64_t limit;
    uint64_t bytes;
    uint64_t duration_ns;
    unsigned show;
};

static const char *const tap_shows[] = {"text", "hex", "none", NULL};

static const struct tvn_opt tap_opts[] = {
    {.name = "sample",
     .kind = TVN_OPT_COUNT,
     .offset = offsetof(struct tap_args, sample),
     .value_name = "N",
     .help = "Show one element of N [default: 1]"},
    {.name = "limit",
     .kind = TVN_OPT_COUNT,
     .offset = offsetof(struct tap_args, limit),
     .value_name = "N",
     .help = "Show at most N elements, then end"},
    {.name = "duration",
     .kind = TVN_OPT_DURATION,
     .offset = offsetof(struct tap_args, duration_ns),
     .value_name = "DURATION",
     .help = "End after this time, in whole seconds, at most 1h [default: 1h]"},
    {.name = "bytes",
     .kind = TVN_OPT_COUNT,
     .offset = offsetof(struct tap_args, bytes),
     .value_name = "N",
     .help = "Show the first N bytes of a payload, at most 4096 [default: 64]"},
    {.name = "show",
     .kind = TVN_OPT_CHOICE,
     .offset = offsetof(struct tap_args, show),
     .value_name = "FORM",
     .help = "How payloads are shown",
     .choices = tap_shows},
    {.name = "pid",
     .kind = TVN_OPT_COUNT,
     .offset = offsetof(struct tap_args, pid),
     .value_name = "PID",
     .help = "The process, when several have a flow of that name"},
    {0},
};

static const struct tvn_opt tap_operands[] = {
    {.name = "FLOW",
     .kind = TVN_OPT_TEXT,
     .offset = offsetof(struct tap_args, flow),
     .help = "The running flow",
     .required = true},
    {.name = "EDGE",
     .kind = TVN_OPT_TEXT,
     .offset = offsetof(struct tap_args, edge),
     .help =
         "NODE->NODE, NODE.PORT->NODE, or the number that top and the inspection socket give it, "
         "from 0 on",
     .required = true},
    {0},
};

static const struct tvn_example tap_examples[] = {
    {"torvyn tap main 'source->relay' --limit 5", "The next five elements"},
    {"torvyn tap main 'router.logs->sink' --sample 1000", "One of a thousand, until the flow ends"},
    {"torvyn tap main 0 --show hex --bytes 256", "The first edge's payloads as bytes"},
    {"torvyn tap main 0 --format json --duration 10s", "Ten seconds, an object a line"},
    {0},
};

static const struct tvn_exit_meaning tap_exits[] = {
    {TVN_EXIT_OK, "The flow ended, or enough was shown"},
    {TVN_EXIT_ERROR, "The process does not answer, or standard output is not usable"},
    {TVN_EXIT_PREREQUISITE, "There is no such flow or edge; or wrong usage"},
    {TVN_EXIT_INTERRUPTED, "Interrupted by Ctrl+C"},
    {0},
};

struct tap {
    struct tvn_cli *cli;
    const struct tap_args *args;
    const char *why; /* the peer says what it must not; static */
    const char *end; /* "flow" … */
    uint64_t seen;
    uint64_t taken;
    uint64_t lost;
    uint64_t shown;
    enum tvn_exit code;
};

/* ---- an element ---- */

/* "12:30:01.123456", local time */
static void add_time(struct tvn_strbuf *out, uint64_t unix_ns)
{
    struct tm fields;
    time_t seconds = (time_t)(unix_ns / NS_PER_SECOND);
    if (localtime_r(&seconds, &fields)) {
        tvn_strbuf_printf(out, "%02d:%02d:%02d.%06" PRIu64, fields.tm_hour, fields.tm_min,
                          fields.tm_sec, unix_ns % NS_PER_SECOND / 1000);
    }
}

static void add_hex(struct tvn_strbuf *out, struct tvn_str data)
{
    for (size_t row = 0; row < data.len; row += HEX_ROW) {
        tvn_strbuf_printf(out, "    %04zx ", row);
        for (size_t i = row; i < row + HEX_ROW; i++) {
            if (i < data.len) {
                tvn_strbuf_printf(out, " %02x", (unsigned char)data.ptr[i]);
            } else {
                tvn_strbuf_add_text(out, "   ");
            }
        }
        tvn_strbuf_add_text(out, "  ");
        for (size_t i = row; i < data.len && i < row + HEX_ROW; i++) {
            bool plain = data.ptr[i] >= ' ' && data.ptr[i] <= '~';
            tvn_strbuf_add(out, plain ? &data.ptr[i] : ".", 1);
        }
        tvn_strbuf_add_char(out, '\n');
    }
}

struct element {
    uint64_t sequence;
    uint64_t timestamp_ns;
    uint64_t length;
    struct tvn_str content_type;
    struct tvn_str data;
};

static void render_text(const struct tap *tap, const struct element *element,
                        struct tvn_strbuf *out)
{
    tvn_strbuf_printf(out, "#%" PRIu64 "  ", element->sequence);
    add_time(out, element->timestamp_ns);
    tvn_strbuf_add_text(out, "  ");
    tvn_strbuf_add_escaped(out, element->content_type.len > 0 ? element->content_type
                                                              : TVN_STR("(no type)"));
    tvn_strbuf_printf(out, "  %" PRIu64 " B", element->length);
    if (tap->args->show == TAP_SHOW_TEXT) {
        tvn_strbuf_add_text(out, "  ");
        tvn_strbuf_add_escaped(out, element->data);
        tvn_strbuf_add_text(out, element->data.len < element->length ? "…" : "");
    }
    tvn_strbuf_add_char(out, '\n');
    if (tap->args->show == TAP_SHOW_HEX) {
        add_hex(out, element->data);
    }
}

static void render_json(const struct tap *tap, const struct element *element,
                        struct tvn_strbuf *out)
{
    struct tvn_json_writer json;
    tvn_json_writer_init(&json, out, 0);
    tvn_json_begin_object(&json);
    tvn_json_field_u64(&json, "sequence", element->sequence);
    tvn_json_field_u64(&json, "timestamp_ns", element->timestamp_ns);
    tvn_json_key(&json, "content_type");
    tvn_json_write_str(&json, element->content_type);
    tvn_json_field_u64(&json, "length", element->length);
    tvn_json_field_bool(&json, "truncated", element->data.len < element->length);
    if (tap->args->show == TAP_SHOW_TEXT) {
        tvn_json_key(&json, "text");
        tvn_json_write_str(&json, element->data);
    } else if (tap->args->show == TAP_SHOW_HEX) {
        TVN_AUTO_VALUE(tvn_strbuf) hex = {0};
        for (size_t i = 0; i < element->data.len; i++) {
            tvn_strbuf_printf(&hex, "%02x", (unsigned char)element->data.ptr[i]);
        }
        tvn_json_field_text(&json, "hex", tvn_strbuf_text(&hex));
    }
    tvn_json_end_object(&json);
    tvn_strbuf_add_char(out, '\n');
}

/* ---- what the peer says ---- */

static bool get_number(const struct tvn_json *object, const char *key, uint64_t *out)
{
    const struct tvn_json *value = tvn_json_get(object, key);
    if (!value || tvn_json_kind(value) != TVN_JSON_INTEGER || tvn_json_integer(value) < 0) {
        return false;
    }
    *out = (uint64_t)tvn_json_integer(value);
    return true;
}

static bool get_text(const struct tvn_json *object, const char *key, struct tvn_str *out)
{
    const struct tvn_json *value = tvn_json_get(object, key);
    if (!value || tvn_json_kind(value) != TVN_JSON_STRING) {
        return false;
    }
    *out = tvn_json_string(value);
    return true;
}

static bool take_element(struct tap *tap, const struct tvn_json *object)
{
    struct element element = {0};
    struct tvn_str base64;
    TVN_AUTO_VALUE(tvn_strbuf) data = {0};
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    if (!get_number(object, "sequence", &element.sequence) ||
        !get_number(object, "timestamp_ns", &element.timestamp_ns) ||
        !get_number(object, "length", &element.length) ||
        !get_text(object, "content_type", &element.content_type) ||
        !get_text(object, "data", &base64) || !tvn_base64_decode(&data, base64) ||
        data.len > element.length) {
        tap->why = "the answer is not that of this version of torvyn";
        return false;
    }
    element.data = tvn_strbuf_view(&data);
    if (tvn_cli_json(tap->cli)) {
        render_json(tap, &element, &out);
    } else {
        render_text(tap, &element, &out);
    }
    tap->shown++;
    tap->code = tvn_cli_print(tap->cli, &out, TVN_EXIT_OK);
    return tap->code == TVN_EXIT_OK && !tap->cli->output_gone;
}

static bool take_line(void *context, const struct tvn_json *object)
{
    struct tap *tap = context;
    static const char *const ends[] = {"flow", "limit", "time", "stopped"};
    struct tvn_str end;
    if (tvn_json_get(object, "sequence")) {
        return take_element(tap, object);
    }
    if (!get_number(object, "seen", &tap->seen) || !get_number(object, "taken", &tap->taken) ||
        !get_number(object, "lost", &tap->lost)) {
        tap->why = "the answer is not that of this version of torvyn";
        return false;
    }
    for (size_t i = 0; get_text(object, "end", &end) && i < TVN_ARRAY_LEN(ends); i++) {
        tap->end = tvn_str_is(end, ends[i]) ? ends[i] : tap->end;
    }
    return true;
}

static bool goes_on(void *context)
{
    (void)context;
    return !tvn_screen_is_stopped();
}

/* ---- which edge ---- */

/* "NODE->NODE", "NODE.PORT->NODE"; → does as well. */
static bool edge_is(const struct tvn_flow_sample *flow, uint32_t index, struct tvn_str text)
{
    const struct tvn_edge_sample *edge = &flow->edges[index];
    static const char *const arrows[] = {"->", "→"};
    for (unsigned with_port = 0; with_port < 2; with_port++) {
        for (size_t i = 0; i < TVN_ARRAY_LEN(arrows); i++) {
            TVN_AUTO_VALUE(tvn_strbuf) name = {0};
            tvn_strbuf_printf(&name, "%s%s%s%s%s", flow->stages[edge->from].name,
                              with_port ? "." : "", with_port ? edge->port : "", arrows[i],
                              flow->stages[edge->to].name);
            if (tvn_str_equal(text, tvn_strbuf_view(&name))) {
                return true;
            }
        }
    }
    return false;
}

/* NO_EDGE when there is none, or several. */
static uint32_t find_edge(const struct tvn_flow_sample *flow, const char *wanted,
                          uint32_t *out_count)
{
    TVN_AUTO_VALUE(tvn_strbuf) name = {0};
    uint64_t number = 0;
    *out_count = 1;
    if (tvn_parse_u64(wanted, strlen(wanted), &number) && number < flow->edge_count) {
        return (uint32_t)number;
    }
    for (size_t i = 0; wanted[i]; i++) { /* blanks around the arrow */
        if (wanted[i] != ' ') {
            tvn_strbuf_add_char(&name, wanted[i]);
        }
    }
    uint32_t found = NO_EDGE;
    *out_count = 0;
    for (uint32_t i = 0; i < flow->edge_count; i++) {
        if (edge_is(flow, i, tvn_strbuf_view(&name))) {
            found = i;
            (*out_count)++;
        }
    }
    return *out_count == 1 ? found : NO_EDGE;
}

static enum tvn_exit refuse_edge(struct tvn_cli *cli, const struct tvn_flow_sample *flow,
                                 uint32_t matches)
{
    TVN_AUTO_VALUE(tvn_strbuf) help = {0};
    tvn_strbuf_add_text(&help, "its edges are ");
    for (uint32_t i = 0; i < flow->edge_count; i++) {
        const struct tvn_edge_sample *edge = &flow->edges[i];
        tvn_strbuf_add_text(&help, i > 0 ? ", " : "");
        tvn_strbuf_add_escaped(&help, tvn_str_of(flow->stages[edge->from].name));
        tvn_strbuf_add_char(&help, '.');
        tvn_strbuf_add_escaped(&help, tvn_str_of(edge->port));
        tvn_strbuf_add_text(&help, "->");
        tvn_strbuf_add_escaped(&help, tvn_str_of(flow->stages[edge->to].name));
    }
    return tvn_cli_usage_error(
        cli, matches > 1 ? "several edges are called that" : "the flow has no such edge",
        tvn_strbuf_text(&help));
}

/* ---- the command ---- */

static void say_end(const struct tap *tap)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    if (!tvn_cli_talks(tap->cli)) {
        return;
    }
    tvn_figure_count(&text, tap->shown);
    tvn_strbuf_add_text(&text, " shown of ");
    /* The counts of an interrupted tap are up to a second old. */
    tvn_figure_count(&text, tvn_max(tap->seen, tap->shown + tap->lost));
    tvn_strbuf_add_text(&text, " that passed");
    if (tap->lost > 0) {
        tvn_strbuf_add_text(&text, ", ");
        tvn_figure_count(&text, tap->lost);
        tvn_strbuf_add_text(&text, " lost because they came faster than they were taken");
    }
    tvn_strbuf_add_text(&text, tap->end && strcmp(tap->end, "flow") == 0 ? "; the flow has ended\n"
                                                                         : "\n");
    tvn_cli_say(&text);
}

static enum tvn_exit read_edge(struct tap *tap, const struct tvn_peer *peer, uint32_t edge)
{
    const struct tap_args *args = tap->args;
    uint64_t seconds = args->duration_ns > 0
                           ? (args->duration_ns + NS_PER_SECOND - 1) / NS_PER_SECOND
                           : SECONDS_MAX;
    char target[TVN_SAMPLE_NAME_MAX + 160];
    char limit[32] = "";
    if (args->limit > 0) {
        (void)snprintf(limit, sizeof(limit), "&limit=%" PRIu64, args->limit);
    }
    (void)snprintf(target, sizeof(target),
                   "/flows/%s/tap?edge=%" PRIu32 "&sample=%" PRIu64 "&bytes=%" PRIu64
                   "&seconds=%" PRIu64 "%s",
                   args->flow, edge, args->sample > 0 ? args->sample : 1,
                   args->show == TAP_SHOW_NONE ? 0
                   : args->bytes > 0           ? args->bytes
                                               : BYTES_DEFAULT,
                   seconds, limit);
    const struct tvn_peer_reader reader = {.take = take_line, .goes_on = goes_on, .context = tap};
    struct tvn_screen screen;
    tvn_screen_open(&screen, false);
    tap->cli->write = tvn_screen_write;
    const char *why = tvn_peer_read(peer, target, &reader);
    bool stopped = tvn_screen_is_stopped();
    tvn_screen_close(&screen);
    why = tap->why ? tap->why : why;
    if (why && !tap->end && !stopped && tap->code == TVN_EXIT_OK) {
        (void)tvn_diag_error(tap->cli->sink, TVN_E_IO_ERROR, TVN_SPAN_NONE,
                             "the flow's process: %s", why);
        tvn_cli_show_diagnostics(tap->cli);
        return TVN_EXIT_ERROR;
    }
    say_end(tap);
    return stopped ? TVN_EXIT_INTERRUPTED : tap->code;
}

static enum tvn_exit refuse_flow(struct tvn_cli *cli, const struct tvn_watched_flows *watched)
{
    if (watched->last->flow_count > 0) {
        return tvn_cli_usage_error(cli, "several processes have a flow of that name",
                                   "name the process with --pid; torvyn top shows them");
    }
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    const char *problem = tvn_watched_problem(watched, &text);
    return tvn_cli_usage_error(cli, "no process has a flow of that name",
                               problem ? problem : "torvyn top shows the flows that run");
}

static enum tvn_exit tap_flow(struct tap *tap, struct tvn_watched_flows *watched)
{
    const struct tap_args *args = tap->args;
    if (tvn_watched_read(watched, args->flow, args->pid, tap->cli->sink) != TVN_OK) {
        tvn_cli_show_diagnostics(tap->cli);
        return TVN_EXIT_ERROR;
    }
    const struct tvn_watched_reading *reading = watched->last;
    if (reading->flow_count != 1) {
        return refuse_flow(tap->cli, watched);
    }
    const struct tvn_watched_flow *flow = &reading->flows[0];
    uint32_t matches = 0;
    uint32_t edge = find_edge(&flow->sample, args->edge, &matches);
    if (edge == NO_EDGE) {
        return refuse_edge(tap->cli, &flow->sample, matches);
    }
    return read_edge(tap, &reading->peers.items[flow->peer], edge);
}

static enum tvn_exit tap_run(struct tvn_cli *cli, const void *raw)
{
    const struct tap_args *args = raw;
    struct tap tap = {.cli = cli, .args = args, .code = TVN_EXIT_OK};
    if (!tvn_sample_is_flow_name(tvn_str_of(args->flow))) {
        return tvn_cli_usage_error(cli, "that is no name of a flow",
                                   "flows are called by letters, digits, '_' and '-'");
    }
    if (args->sample > SAMPLE_MAX) {
        return tvn_cli_usage_error(cli, "--sample is too large", "the most is 1048576");
    }
    if (args->bytes > BYTES_MAX) {
        return tvn_cli_usage_error(cli, "--bytes is too large", "the most is 4096");
    }
    if (args->duration_ns > SECONDS_MAX * NS_PER_SECOND) {
        return tvn_cli_usage_error(cli, "--duration is too long", "the most is 1h");
    }
    TVN_AUTO_VALUE(tvn_watched_flows) watched = {0};
    return tap_flow(&tap, &watched);
}

const struct tvn_command tvn_cmd_tap = {
    .name = "tap",
    .summary = "Show the elements that cross an edge of a running flow",
    .description =
        "Shows elements as they are about to be taken from the edge's queue: sequence, time, "
        "content type, length and the beginning of the payload. The flow never waits for it: what "
        "comes faster than it is taken is lost here, and counted, and the flow goes on. Its copies "
        "are not copies of the pipeline.\n\n"
        "Payloads are read over the Unix socket of the state directory only, by the same user. "
        "With --format json each element is an object in a line.",
    .opts = tap_opts,
    .operands = tap_operands,
    .examples = tap_examples,
    .exits = tap_exits,
    .args_size = sizeof(struct tap_args),
    .run = tap_run,
};
