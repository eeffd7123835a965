/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/guest_log.h"

#include "base/assert.h"
#include "base/num.h"

#include <inttypes.h>
#include <string.h>

#define LINE_COST_NS (UINT64_C(1000000000) / TVN_GUEST_LOG_LINES_PER_SECOND)
#define CREDIT_MAX   (LINE_COST_NS * TVN_GUEST_LOG_BURST)
#define CUT_MARK     "\xe2\x80\xa6"
/* What fits before the mark. */
#define TEXT_MAX (TVN_GUEST_LOG_LINE_MAX - (sizeof(CUT_MARK) - 1))

void tvn_guest_log_init(struct tvn_guest_log *log, const char *name, tvn_stat *dropped,
                        uint64_t now_ns)
{
    tvn_assert(log && name && dropped);
    *log = (struct tvn_guest_log){
        .name = name, .dropped = dropped, .credit_ns = CREDIT_MAX, .seen_ns = now_ns};
}

static void tell(struct tvn_guest_log *log, struct tvn_strbuf *out)
{
    if (log->untold > 0) {
        tvn_strbuf_printf(out,
                          "[torvyn] node '%s' writes too fast: %" PRIu64
                          " %s of its standard error %s dropped\n",
                          log->name, log->untold, log->untold == 1 ? "line" : "lines",
                          log->untold == 1 ? "was" : "were");
        log->untold = 0;
    }
}

/* Pays for a line; false: there is no credit. */
static bool pay(struct tvn_guest_log *log, uint64_t now_ns)
{
    uint64_t passed = now_ns > log->seen_ns ? now_ns - log->seen_ns : 0;
    log->seen_ns = tvn_max(now_ns, log->seen_ns);
    log->credit_ns = passed < CREDIT_MAX - log->credit_ns ? log->credit_ns + passed : CREDIT_MAX;
    if (log->credit_ns < LINE_COST_NS) {
        return false;
    }
    log->credit_ns -= LINE_COST_NS;
    return true;
}

/* Escapes but for tabs, which do no harm. */
static void add_text(struct tvn_strbuf *out, struct tvn_str text)
{
    for (size_t start = 0; start <= text.len;) {
        const char *tab = memchr(text.ptr + start, '\t', text.len - start);
        size_t end = tab ? (size_t)(tab - text.ptr) : text.len;
        tvn_strbuf_add_escaped(out, tvn_str_slice(text, start, end));
        if (tab) {
            tvn_strbuf_add_char(out, '\t');
        }
        start = end + 1;
    }
}

/* As much of the text as the line has room for; text escaped is no shorter than before. */
static void add_cut(struct tvn_guest_log *log, struct tvn_str text, struct tvn_strbuf *out)
{
    size_t room = TEXT_MAX - log->column;
    size_t start = out->len;
    size_t length = tvn_min(text.len, room + 4); /* whole characters up to the room, and more */
    add_text(out, tvn_str_slice(text, 0, length));
    if (out->failed || (length == text.len && out->len - start <= room)) {
        log->column += out->len - start;
        return;
    }
    size_t end = start + room;
    while (end > start && ((uint8_t)out->ptr[end] & 0xC0) == 0x80) { /* a character stays whole */
        end--;
    }
    out->len = end;
    tvn_strbuf_add_text(out, CUT_MARK);
    log->line = TVN_GUEST_LOG_CUT;
}

static void begin_line(struct tvn_guest_log *log, struct tvn_str text, uint64_t now_ns,
                       struct tvn_strbuf *out)
{
    if (!pay(log, now_ns)) {
        log->line = TVN_GUEST_LOG_DROPPED;
        log->untold++;
        tvn_stat_add(log->dropped, 1);
        return;
    }
    tell(log, out);
    log->line = TVN_GUEST_LOG_OPEN;
    log->column = 0;
    add_cut(log, text, out);
}

void tvn_guest_log_add(struct tvn_guest_log *log, const char *bytes, size_t length, uint64_t now_ns,
                       struct tvn_strbuf *out)
{
    tvn_assert(log && bytes && out);
    while (length > 0) {
        const char *newline = memchr(bytes, '\n', length);
        size_t size = newline ? (size_t)(newline - bytes) : length;
        bool has_return = newline && size > 0 && bytes[size - 1] == '\r';
        struct tvn_str text = {bytes, size - (has_return ? 1 : 0)};
        if (log->line == TVN_GUEST_LOG_FRESH) {
            begin_line(log, text, now_ns, out);
        } else if (log->line == TVN_GUEST_LOG_OPEN) {
            add_cut(log, text, out);
        }
        if (newline) {
            if (log->line != TVN_GUEST_LOG_DROPPED) {
                tvn_strbuf_add_char(out, '\n');
            }
            log->line = TVN_GUEST_LOG_FRESH;
            size++;
        }
        bytes += size;
        length -= size;
    }
}

void tvn_guest_log_end(struct tvn_guest_log *log, struct tvn_strbuf *out)
{
    tvn_assert(log && out);
    if (log->line == TVN_GUEST_LOG_OPEN || log->line == TVN_GUEST_LOG_CUT) {
        tvn_strbuf_add_char(out, '\n');
    }
    log->line = TVN_GUEST_LOG_FRESH;
    tell(log, out);
}
