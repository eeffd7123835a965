/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/live_line.h"

#include "base/file.h"
#include "base/str.h"
#include "base/utf8.h"
#include "cli/figures.h"
#include "host/host.h"

#include <sys/ioctl.h>
#include <unistd.h>

#define ERASE_LINE      "\r\x1b[K"
#define COLUMNS_DEFAULT 80

void tvn_live_line_init(struct tvn_live_line *live, bool enabled)
{
    *live = (struct tvn_live_line){.enabled = enabled};
}

static void put(struct tvn_str text)
{
    /* A terminal that went away does not stop the run. */
    enum tvn_status ignored = tvn_fd_write_all(STDERR_FILENO, text.ptr, text.len);
    (void)ignored;
}

static unsigned terminal_columns(void)
{
    struct winsize size;
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : COLUMNS_DEFAULT;
}

/* A character of `text` is taken to be a byte, but none is cut in two. A line as wide as the
 * terminal would wrap. */
static void draw(struct tvn_live_line *live, const struct tvn_strbuf *text)
{
    size_t room = terminal_columns() - 1;
    struct tvn_str view = tvn_strbuf_view(text);
    TVN_AUTO_VALUE(tvn_strbuf) line = {0};
    tvn_strbuf_add_text(&line, ERASE_LINE);
    size_t shown = view.len < room ? view.len : room;
    tvn_strbuf_add(&line, view.ptr, tvn_utf8_valid_prefix(view.ptr, shown));
    put(tvn_strbuf_view(&line));
    live->drawn = true;
}

void tvn_live_line_clear(struct tvn_live_line *live)
{
    if (live->drawn) {
        put(TVN_STR(ERASE_LINE));
        live->drawn = false;
    }
}

void tvn_live_line_show(struct tvn_live_line *live, const struct tvn_strbuf *text)
{
    if (live->enabled) {
        draw(live, text);
    }
}

/* ---- counters ---- */

/* Elements a second over the samples that are kept. */
static double recent_rate(struct tvn_live_line *live, const struct tvn_run_report *report)
{
    unsigned slot = live->sample_count % TVN_LIVE_SAMPLES;
    bool full = live->sample_count >= TVN_LIVE_SAMPLES;
    uint64_t before = full ? live->pulled[slot] : 0;
    uint64_t before_ns = full ? live->at_ns[slot] : 0;
    live->pulled[slot] = report->pulled;
    live->at_ns[slot] = report->duration_ns;
    live->sample_count++;
    return tvn_figure_rate(report->pulled - before, report->duration_ns - before_ns);
}

void tvn_live_line_update(void *context, const struct tvn_run_report *report)
{
    struct tvn_live_line *live = context;
    if (!live->enabled) {
        return;
    }
    uint64_t errors = 0;
    uint64_t queued = 0;
    for (uint32_t i = 0; i < report->stage_count; i++) {
        errors += report->stages[i].errors;
    }
    for (uint32_t i = 0; i < report->stream_count; i++) {
        queued += report->streams[i].depth;
    }
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_strbuf_add_text(&text, "  ");
    tvn_figure_count(&text, report->pulled);
    tvn_strbuf_add_text(&text, " elements | ");
    tvn_figure_count(&text, (uint64_t)recent_rate(live, report));
    tvn_strbuf_add_text(&text, " elem/s | ");
    tvn_figure_count(&text, errors);
    tvn_strbuf_printf(&text, " error%s | queue ", errors == 1 ? "" : "s");
    tvn_figure_count(&text, queued);
    draw(live, &text);
}
