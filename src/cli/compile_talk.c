/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/compile_talk.h"

#include "cli/cli_internal.h"
#include "cli/figures.h"
#include "cli/live_line.h"
#include "host/host.h"

#include <inttypes.h>

#define SLOW_COMPILE_NS UINT64_C(1000000000) /* what takes no longer is not worth a word */

/*   compiling transform.wasm (17.5 MiB, 14 modules) ... */
void tvn_compile_talk_tell(void *context, const struct tvn_compile_progress *progress)
{
    struct tvn_compile_talk *talk = context;
    bool told = talk->file && strcmp(talk->file, progress->file) == 0;
    if (progress->elapsed_ns < SLOW_COMPILE_NS || !tvn_cli_talks(talk->cli) ||
        (told && !talk->live->enabled)) {
        return;
    }
    talk->file = progress->file;
    const char *slash = strrchr(progress->file, '/');
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_strbuf_add_text(&text, "  compiling ");
    tvn_strbuf_add_escaped(&text, tvn_str_of(slash ? slash + 1 : progress->file));
    tvn_strbuf_add_text(&text, " (");
    tvn_figure_bytes(&text, progress->wasm_bytes);
    tvn_strbuf_printf(&text, ", %" PRIu32 " module%s) ...", progress->modules_total,
                      progress->modules_total == 1 ? "" : "s");
    if (talk->live->enabled) {
        tvn_strbuf_printf(&text, " %" PRIu64 " s", progress->elapsed_ns / 1000000000);
        tvn_live_line_show(talk->live, &text);
    } else {
        tvn_strbuf_add_char(&text, '\n');
        tvn_cli_say(&text);
    }
}
