/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/num.h"
#include "cli/cli_internal.h"
#include "cli/figures.h"
#include "cli/screen.h"
#include "cli/top_view.h"
#include "cli/watched.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define INTERVAL_DEFAULT_NS UINT64_C(1000000000)
#define INTERVAL_MIN_NS     UINT64_C(100000000)
#define NS_PER_MS           INT64_C(1000000)

struct top_args {
    const char *flow_operand;
    const char *flow;
    uint64_t interval_ns;
    uint64_t pid;
    uint64_t samples;
    bool once;
};

static const struct tvn_opt top_opts[] = {
    {.name = "flow",
     .kind = TVN_OPT_TEXT,
     .offset = offsetof(struct top_args, flow),
     .value_name = "NAME",
     .help = "Show only flows of this name [default: all flows]"},
    {.name = "pid",
     .kind = TVN_OPT_COUNT,
     .offset = offsetof(struct top_args, pid),
     .value_name = "PID",
     .help = "Show only the flows of this process [default: all processes]"},
    {.name = "interval",
     .kind = TVN_OPT_DURATION,
     .offset = offsetof(struct top_args, interval_ns),
     .value_name = "DURATION",
     .help = "Time between two samples, at least 100ms [default: 1s]"},
    {.name = "samples",
     .kind = TVN_OPT_COUNT,
     .offset = offsetof(struct top_args, samples),
     .value_name = "N",
     .help = "End after N samples [default: when no flow is left]"},
    {.name = "once",
     .kind = TVN_OPT_FLAG,
     .offset = offsetof(struct top_args, once),
     .help = "Print one sample, of one interval, and end"},
    {0},
};

static const struct tvn_opt top_operands[] = {
    {.name = "FLOW",
     .kind = TVN_OPT_TEXT,
     .offset = offsetof(struct top_args, flow_operand),
     .help = "Flow to show; the same as --flow"},
    {0},
};

static const struct tvn_example top_examples[] = {
    {"torvyn top", "All flows of all your processes, every second"},
    {"torvyn top main --interval 200ms", "One flow, five times a second"},
    {"torvyn top --once", "One sample as text"},
    {"torvyn top --format json --samples 60 > top.jsonl", "A minute, an object a line"},
    {0},
};

static const struct tvn_exit_meaning top_exits[] = {
    {TVN_EXIT_OK, "The last flow ended, enough was shown, or q was pressed"},
    {TVN_EXIT_ERROR, "The state directory or standard output is not usable"},
    {TVN_EXIT_PREREQUISITE, "No flow runs that could be shown; or wrong usage"},
    {TVN_EXIT_INTERRUPTED, "Interrupted by Ctrl+C"},
    {0},
};

struct top {
    struct tvn_cli *cli;
    const struct top_args *args;
    const char *flow;
    uint64_t interval_ns;
    uint64_t shown; /* samples */
    bool paused;
    bool colour;
    uint32_t selected; /* flow whose level `l` changes */
    struct tvn_watched_flows watched;
    struct tvn_screen screen;
};

/* ---- one sample ---- */

static struct tvn_top_flow view_of(const struct top *top, uint32_t flow)
{
    return (struct tvn_top_flow){
        .earlier = tvn_watched_earlier(&top->watched, flow),
        .later = &top->watched.last->flows[flow].sample,
    };
}

static void add_title(const struct top *top, struct tvn_strbuf *out)
{
    const struct tvn_watched_reading *reading = top->watched.last;
    tvn_strbuf_printf(out, "torvyn top  %" PRIu32 " process%s, %" PRIu32 " flow%s, every ",
                      reading->peers.count, reading->peers.count == 1 ? "" : "es",
                      reading->flow_count, reading->flow_count == 1 ? "" : "s");
    tvn_figure_duration(out, top->interval_ns);
    if (top->screen.has_keys) {
        tvn_strbuf_printf(out, "   q quit  p %s  tab next flow  l its level",
                          top->paused ? "go on" : "pause");
    }
    tvn_strbuf_add_char(out, '\n');
    if (reading->left_out > 0) {
        tvn_strbuf_printf(out, "%" PRIu32 " more flows are not shown\n", reading->left_out);
    }
}

static void add_peer(const struct top *top, uint32_t peer, struct tvn_strbuf *out)
{
    const struct tvn_watched_reading *reading = top->watched.last;
    tvn_strbuf_printf(out, "\nProcess %" PRId64 "  ", reading->peers.items[peer].pid);
    tvn_strbuf_add_escaped(out, tvn_str_of(reading->peers.items[peer].path));
    tvn_strbuf_add_char(out, '\n');
    if (reading->why[peer]) {
        tvn_strbuf_printf(out, "  %s\n", reading->why[peer]);
    }
    for (uint32_t i = 0; i < reading->flow_count; i++) {
        if (reading->flows[i].peer == peer) {
            struct tvn_top_flow view = view_of(top, i);
            bool marked = top->screen.has_keys && i == top->selected;
            tvn_strbuf_add_text(out, marked ? "> " : "");
            tvn_top_text(&view, top->colour, out);
        }
    }
}

static void render_text(const struct top *top, struct tvn_strbuf *out)
{
    const struct tvn_watched_reading *reading = top->watched.last;
    add_title(top, out);
    for (uint32_t i = 0; i < reading->peers.count; i++) {
        add_peer(top, i, out);
    }
    if (reading->flow_count == 0) {
        tvn_strbuf_add_text(out, "\nNo flow runs.\n");
    }
}

static void json_processes(const struct top *top, struct tvn_json_writer *json)
{
    const struct tvn_watched_reading *reading = top->watched.last;
    tvn_json_field_u64(json, "time_unix_ns", tvn_clock_wall_ns());
    tvn_json_field_u64(json, "left_out", reading->left_out);
    tvn_json_key(json, "processes");
    tvn_json_begin_array(json);
    for (uint32_t p = 0; p < reading->peers.count; p++) {
        tvn_json_begin_object(json);
        tvn_json_field_i64(json, "pid", reading->peers.items[p].pid);
        tvn_json_field_text(json, "socket", reading->peers.items[p].path);
        tvn_json_field_text(json, "problem", reading->why[p]);
        tvn_json_key(json, "flows");
        tvn_json_begin_array(json);
        for (uint32_t i = 0; i < reading->flow_count; i++) {
            if (reading->flows[i].peer == p) {
                struct tvn_top_flow view = view_of(top, i);
                tvn_top_json(&view, json);
            }
        }
        tvn_json_end_array(json);
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
}

/* With --once the object that every command prints, else an object a line. */
static enum tvn_exit print_json(struct top *top)
{
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    struct tvn_json_writer json;
    if (top->args->once) {
        tvn_cli_json_begin(top->cli, TVN_EXIT_OK, &out, &json);
        json_processes(top, &json);
        return tvn_cli_json_end(top->cli, TVN_EXIT_OK, &out, &json);
    }
    tvn_json_writer_init(&json, &out, 0);
    tvn_json_begin_object(&json);
    json_processes(top, &json);
    tvn_json_end_object(&json);
    tvn_strbuf_add_char(&out, '\n');
    return tvn_cli_print(top->cli, &out, TVN_EXIT_OK);
}

static enum tvn_exit show(struct top *top)
{
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    if (tvn_cli_json(top->cli)) {
        return print_json(top);
    }
    render_text(top, &out);
    if (top->screen.is_terminal) {
        bool drawn = tvn_screen_draw(&top->screen, tvn_strbuf_view(&out));
        return drawn || tvn_screen_is_stopped() ? TVN_EXIT_OK : TVN_EXIT_ERROR;
    }
    tvn_strbuf_add_text(&out, top->args->once ? "" : "\n");
    return tvn_cli_print(top->cli, &out, TVN_EXIT_OK);
}

/* ---- keys ---- */

/* off → production → diagnostic → off */
static void change_level(struct top *top)
{
    static const char *const levels[] = {"off", "production", "diagnostic"};
    const struct tvn_watched_reading *reading = top->watched.last;
    if (top->selected >= reading->flow_count) {
        return;
    }
    const struct tvn_watched_flow *flow = &reading->flows[top->selected];
    size_t next = 0;
    for (size_t i = 0; i < TVN_ARRAY_LEN(levels); i++) {
        if (strcmp(flow->sample.level, levels[i]) == 0) {
            next = (i + 1) % TVN_ARRAY_LEN(levels);
        }
    }
    char target[TVN_SAMPLE_NAME_MAX + 16];
    char body[32];
    const char *why = NULL;
    (void)snprintf(target, sizeof(target), "/flows/%s/level", flow->sample.id);
    (void)snprintf(body, sizeof(body), "{\"level\":\"%s\"}", levels[next]);
    /* What became of it, the next sample shows. */
    tvn_json_unref(tvn_peer_ask(&reading->peers.items[flow->peer], target, body, &why));
}

/* False: quit. */
static bool obey(struct top *top, int key)
{
    switch (key) {
    case 'q':
    case 'Q':
        return false;
    case 'p':
    case 'P':
    case ' ':
        top->paused = !top->paused;
        (void)show(top);
        return true;
    case '\t':
        top->selected++;
        if (top->selected >= top->watched.last->flow_count) {
            top->selected = 0;
        }
        (void)show(top);
        return true;
    case 'l':
    case 'L':
        change_level(top);
        return true;
    default:
        return true;
    }
}

/* Until the next sample is due. False: end. */
static bool wait_for_next(struct top *top, uint64_t due_ns)
{
    while (true) {
        uint64_t now_ns = tvn_clock_monotonic_ns();
        if (now_ns >= due_ns && !top->paused) {
            return true;
        }
        int64_t left_ms = now_ns >= due_ns ? 1000 : (int64_t)(due_ns - now_ns) / NS_PER_MS + 1;
        int key = tvn_screen_wait(&top->screen, left_ms);
        if (key == TVN_KEY_STOP || (key != TVN_KEY_NONE && !obey(top, key))) {
            return false;
        }
        if (key == TVN_KEY_NONE && top->screen.is_terminal && top->shown > 0) {
            (void)show(top); /* the size may have changed */
        }
    }
}

/* ---- the command ---- */

static enum tvn_exit no_flow(const struct top *top)
{
    static const char *const hint =
        "top shows what torvyn run, of the same user and with the same state directory, is doing";
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    const char *problem = tvn_watched_problem(&top->watched, &text);
    return tvn_cli_usage_error(top->cli,
                               top->flow ? "no process has a flow of that name"
                               : problem ? "no flow runs that can be shown"
                                         : "no flow runs",
                               problem ? problem : hint);
}

static enum tvn_exit watch(struct top *top)
{
    uint64_t samples = top->args->once ? 1 : top->args->samples;
    uint64_t due_ns = tvn_clock_monotonic_ns();
    enum tvn_exit code = TVN_EXIT_OK;
    while (code == TVN_EXIT_OK && !top->cli->output_gone &&
           (samples == 0 || top->shown < samples)) {
        due_ns = tvn_max(due_ns + top->interval_ns, tvn_clock_monotonic_ns());
        if (!wait_for_next(top, due_ns)) {
            break;
        }
        if (tvn_watched_read(&top->watched, top->flow, top->args->pid, top->cli->sink) != TVN_OK) {
            return TVN_EXIT_ERROR;
        }
        code = show(top);
        top->shown++;
        if (top->watched.last->flow_count == 0) {
            break;
        }
    }
    return tvn_screen_is_stopped() && code == TVN_EXIT_OK ? TVN_EXIT_INTERRUPTED : code;
}

static enum tvn_exit watch_on_screen(struct top *top)
{
    const char *no_colour = getenv("NO_COLOR");
    bool draws = !tvn_cli_json(top->cli) && !top->args->once;
    tvn_screen_open(&top->screen, draws);
    top->cli->write = tvn_screen_write;
    top->colour = top->screen.is_terminal && !(no_colour && no_colour[0]);
    enum tvn_exit code = TVN_EXIT_OK;
    if (top->screen.is_terminal) {
        code = show(top); /* since the start; the first interval is still to come */
    }
    code = code == TVN_EXIT_OK ? watch(top) : code;
    tvn_screen_close(&top->screen);
    tvn_cli_show_diagnostics(top->cli);
    return code;
}

static enum tvn_exit top_run(struct tvn_cli *cli, const void *raw)
{
    const struct top_args *args = raw;
    struct top top = {
        .cli = cli,
        .args = args,
        .flow = args->flow ? args->flow : args->flow_operand,
        .interval_ns = args->interval_ns > 0 ? args->interval_ns : INTERVAL_DEFAULT_NS,
    };
    if (args->flow && args->flow_operand) {
        return tvn_cli_usage_error(cli, "the flow is named twice",
                                   "name it with --flow or as argument");
    }
    if (top.interval_ns < INTERVAL_MIN_NS) {
        return tvn_cli_usage_error(cli, "--interval is too short", "the least is 100ms");
    }
    enum tvn_exit code = TVN_EXIT_ERROR;
    if (tvn_watched_read(&top.watched, top.flow, args->pid, cli->sink) == TVN_OK) {
        code = top.watched.last->flow_count > 0 ? watch_on_screen(&top) : no_flow(&top);
    } else if (tvn_cli_json(cli)) {
        TVN_AUTO_VALUE(tvn_strbuf) out = {0};
        struct tvn_json_writer json;
        tvn_cli_json_begin(cli, code, &out, &json);
        code = tvn_cli_json_end(cli, code, &out, &json);
    } else {
        tvn_cli_show_diagnostics(cli);
    }
    tvn_watched_flows_deinit(&top.watched);
    return code;
}

const struct tvn_command tvn_cmd_top = {
    .name = "top",
    .summary = "Show what running flows are doing",
    .description =
        "Asks the inspection sockets of all your torvyn processes and shows, for every flow, its "
        "throughput, errors and copies, for every stage how its time was spent, and how full every "
        "queue is.\n\n"
        "Busy is the time in calls with elements; at level production it is an estimate from "
        "sampled calls, at diagnostic it is measured, at off nobody knows. Blocked is the time in "
        "which an output queue was full and the stage held back. Idle is the rest. Counters are "
        "exact at every level.\n\n"
        "On a terminal the keys are q (quit), p (pause), tab (next flow) and l (its level). "
        "Elsewhere samples are printed one after the other. With --format json each is an object "
        "in a line; with --once it is the one object of the command.",
    .opts = top_opts,
    .operands = top_operands,
    .examples = top_examples,
    .exits = top_exits,
    .args_size = sizeof(struct top_args),
    .run = top_run,
};
