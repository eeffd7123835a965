/* SPDX-License-Identifier: Apache-2.0 */
#include "wasi/wasi.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/mem.h"
#include "wasi/context_internal.h"
#include "wasi/network_internal.h"

enum tvn_status tvn_wasi_create(const struct tvn_wasi_options *options, struct tvn_wasi **out_wasi)
{
    tvn_assert(options);
    tvn_assert(options->world);
    tvn_assert(options->sandbox);
    tvn_assert(options->ops);
    tvn_assert(options->ops->check);
    tvn_assert(options->ops->write);
    tvn_assert(out_wasi);
    TVN_AUTO(tvn_wasi) wasi = tvn_calloc(1, sizeof(*wasi));
    if (!wasi) {
        return TVN_E_OUT_OF_MEMORY;
    }
    tvn_wasi_pollables_init(&wasi->pollables);
    wasi->world = options->world;
    wasi->sandbox = options->sandbox;
    wasi->ops = options->ops;
    wasi->context = options->context;
    wasi->environment = options->environment;
    wasi->cancel = options->cancel;
    wasi->cancel_fd = options->cancel_fd;
    wasi->blocking = options->blocking;
    wasi->resolve = options->resolve;
    wasi->resolve_context = options->resolve_context;
    wasi->origin_ns = tvn_clock_monotonic_ns();
    if (options->argument) {
        wasi->argument = tvn_strdup(options->argument);
        if (!wasi->argument) {
            return TVN_E_OUT_OF_MEMORY;
        }
    }
    tvn_wasi_console_init(&wasi->consoles[TVN_WASI_STDOUT], options->ops, options->context,
                          TVN_WASI_STDOUT);
    tvn_wasi_console_init(&wasi->consoles[TVN_WASI_STDERR], options->ops, options->context,
                          TVN_WASI_STDERR);
    /* Without the grant even its readiness is nobody's business. */
    int stdin_fd = tvn_sandbox_has(options->sandbox, TVN_CAP_STDIN) ? options->stdin_fd : -1;
    tvn_wasi_stdin_init(&wasi->input, options->ops, options->context, stdin_fd);
    TVN_TRY(tvn_wasi_preopens_init(&wasi->preopens, options->sandbox));
    *out_wasi = TVN_TAKE(wasi);
    return TVN_OK;
}

void tvn_wasi_destroy(struct tvn_wasi *wasi)
{
    if (!wasi) {
        return;
    }
    tvn_assert(wasi->consoles[TVN_WASI_STDOUT].stream.refs == 0);
    tvn_assert(wasi->consoles[TVN_WASI_STDERR].stream.refs == 0);
    tvn_assert(wasi->input.stream.refs == 0);
    tvn_assert(wasi->descriptor_count == 0);
    tvn_wasi_pollables_deinit(&wasi->pollables);
    tvn_wasi_preopens_deinit(&wasi->preopens);
    tvn_wasi_names_destroy(wasi->names);
    tvn_free(wasi->argument);
    tvn_free(wasi);
}

void tvn_wasi_flush(struct tvn_wasi *wasi)
{
    tvn_assert(wasi);
    tvn_wasi_console_finish(&wasi->consoles[TVN_WASI_STDOUT]);
    tvn_wasi_console_finish(&wasi->consoles[TVN_WASI_STDERR]);
}
