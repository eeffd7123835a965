/* SPDX-License-Identifier: Apache-2.0 */
/* What a command writes beside its flows must be no file of theirs. */
#include "host/host_internal.h"
#include "pipeline/files.h"

enum tvn_status tvn_host_check_output(const struct tvn_host *host, const char *flag,
                                      const char *path, struct tvn_diag_sink *sink)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        return TVN_OK;
    }
    for (uint32_t i = 0; i < host->flow_count; i++) {
        TVN_AUTO_VALUE(tvn_strbuf) use = {0};
        if (tvn_flow_file_use(host->flows[i].link, host->options.output_fd, &info, true, &use)) {
            (void)tvn_diag_error(sink, TVN_E_CONSTRAINT_VIOLATION, TVN_SPAN_NONE,
                                 "%s %s: that is %s", flag, path, tvn_strbuf_text(&use));
            tvn_diag_help(sink, "name another file");
            return TVN_E_CONSTRAINT_VIOLATION;
        }
    }
    return TVN_OK;
}
