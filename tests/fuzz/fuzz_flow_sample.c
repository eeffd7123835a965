/* SPDX-License-Identifier: Apache-2.0 */
/* What a peer of `torvyn top` says of a flow: it is refused, or shown without harm. The first line
 * is the reading before, the rest the one that is shown. */
#include "base/assert.h"
#include "cli/top_view.h"
#include "format/json_writer.h"

#include <math.h>

/* False when it is refused. */
static bool read_one(struct tvn_str text, struct tvn_arena *arena, struct tvn_flow_sample *out)
{
    TVN_AUTO(tvn_json) json = NULL;
    struct tvn_json_error error;
    return tvn_json_parse(text, &json, &error) == TVN_OK && tvn_flow_sample_read(json, arena, out);
}

static void check_share(double share, bool may_be_unknown)
{
    tvn_assert(!isnan(share) && share <= 1 && (share >= 0 || may_be_unknown));
}

static void show(const struct tvn_top_flow *flow)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    TVN_AUTO_VALUE(tvn_strbuf) fitted = {0};
    TVN_AUTO_VALUE(tvn_strbuf) json = {0};
    tvn_top_text(flow, false, &text);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        tvn_assert(c == '\n' || (c >= ' ' && c != 0x7f));
    }
    tvn_top_fit(tvn_strbuf_view(&text), 40, 10, &fitted);
    struct tvn_json_writer writer;
    tvn_json_writer_init(&writer, &json, 0);
    tvn_top_json(flow, &writer);
    TVN_AUTO(tvn_json) value = NULL;
    struct tvn_json_error error;
    tvn_assert(json.failed || tvn_json_parse(tvn_strbuf_view(&json), &value, &error) !=
                                  TVN_E_CONSTRAINT_VIOLATION);
    for (uint32_t i = 0; i < flow->later->stage_count; i++) {
        struct tvn_stage_shares shares;
        tvn_stage_shares(flow->earlier, flow->later, i, &shares);
        check_share(shares.busy, true);
        check_share(shares.blocked, false);
        check_share(shares.idle, true);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    struct tvn_str text = {(const char *)data, size};
    size_t end = tvn_str_find(text, '\n');
    struct tvn_flow_sample earlier;
    struct tvn_flow_sample later;
    size_t first = end == SIZE_MAX ? 0 : end;
    size_t rest = end == SIZE_MAX ? 0 : end + 1;
    if (!arena || !read_one(tvn_str_slice(text, rest, size), arena, &later)) {
        return 0;
    }
    bool follows = read_one(tvn_str_slice(text, 0, first), arena, &earlier) &&
                   tvn_flow_sample_follows(&earlier, &later);
    const struct tvn_top_flow flow = {.earlier = follows ? &earlier : NULL, .later = &later};
    show(&flow);
    return 0;
}
