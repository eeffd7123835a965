/* SPDX-License-Identifier: Apache-2.0 */
/*
 * component_verdicts FILE…: a line per file, "accepted" or "refused CODE", for comparing with
 * another validator. Accepted means decoded, and every core module compiled: function bodies are
 * the engine's to judge.
 */
#include "base/file.h"
#include "component/component.h"
#include "component/engine.h"
#include "component/limits.h"

#include <stdio.h>

static const char *verdict(struct tvn_engine *engine, const char *path)
{
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    TVN_AUTO_VALUE(tvn_file_bytes) bytes = {0};
    TVN_AUTO(tvn_component) component = NULL;
    if (!sink || tvn_file_read(path, TVN_COMPONENT_BYTES_MAX, &bytes) != TVN_OK) {
        return NULL;
    }
    enum tvn_status status =
        tvn_component_decode((const uint8_t *)bytes.ptr, bytes.len,
                             tvn_diag_add_binary_source(sink, path), sink, &component);
    if (status == TVN_OK) {
        status = tvn_component_compile(component, engine, sink);
    }
    return status == TVN_OK ? "accepted" : tvn_status_code(status);
}

int main(int argc, char **argv)
{
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    TVN_AUTO(tvn_engine) engine = NULL;
    if (!sink || tvn_engine_create(&(struct tvn_engine_options){0}, sink, &engine) != TVN_OK) {
        (void)fputs("component_verdicts: no engine\n", stderr);
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        const char *text = verdict(engine, argv[i]);
        if (!text) {
            (void)fprintf(stderr, "component_verdicts: cannot read '%s'\n", argv[i]);
            return 2;
        }
        (void)printf("%s%s\n", text[0] == 'E' ? "refused " : "", text);
    }
    return 0;
}
