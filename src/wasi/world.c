/* SPDX-License-Identifier: Apache-2.0 */
/* The WASI interfaces of a set of imports: parsed from the embedded text, joined with their code.
 */
#include "base/assert.h"
#include "base/diag.h"
#include "base/embedded.h"
#include "base/log.h"
#include "base/mem.h"
#include "contracts/wit.h"
#include "wasi/context_internal.h"
#include "wasi/sockets_internal.h"

TVN_LOG_CATEGORY("wasi");

/* src/wasi/wit, built into the program (cmake/TorvynEmbed.cmake). */
extern const struct tvn_embedded_text tvn_wasi_texts[];

/* An interface's functions come after those of the interfaces that it uses. */
static const struct tvn_wasi_interfaces *const all_interfaces[] = {
    &tvn_wasi_poll_interfaces,   &tvn_wasi_stream_interfaces, &tvn_wasi_clock_interfaces,
    &tvn_wasi_random_interfaces, &tvn_wasi_cli_interfaces,    &tvn_wasi_filesystem_interfaces,
    &tvn_wasi_socket_interfaces, &tvn_wasi_lookup_interfaces, &tvn_wasi_tcp_interfaces,
    &tvn_wasi_udp_interfaces,
};

static const struct {
    const char *interface;
    const char *name;
} resource_names[TVN_WASI_RESOURCE_COUNT] = {
    [TVN_WASI_ERROR] = {"wasi:io/error@0.2.12", "error"},
    [TVN_WASI_POLLABLE] = {"wasi:io/poll@0.2.12", "pollable"},
    [TVN_WASI_INPUT_STREAM] = {"wasi:io/streams@0.2.12", "input-stream"},
    [TVN_WASI_OUTPUT_STREAM] = {"wasi:io/streams@0.2.12", "output-stream"},
    [TVN_WASI_DESCRIPTOR] = {"wasi:filesystem/types@0.2.12", "descriptor"},
    [TVN_WASI_DIRECTORY_ENTRY_STREAM] = {"wasi:filesystem/types@0.2.12", "directory-entry-stream"},
    [TVN_WASI_NETWORK] = {"wasi:sockets/network@0.2.12", "network"},
    [TVN_WASI_RESOLVE_ADDRESS_STREAM] = {"wasi:sockets/ip-name-lookup@0.2.12",
                                         "resolve-address-stream"},
    [TVN_WASI_TCP_SOCKET] = {"wasi:sockets/tcp@0.2.12", "tcp-socket"},
    [TVN_WASI_UDP_SOCKET] = {"wasi:sockets/udp@0.2.12", "udp-socket"},
    [TVN_WASI_INCOMING_DATAGRAM_STREAM] = {"wasi:sockets/udp@0.2.12", "incoming-datagram-stream"},
    [TVN_WASI_OUTGOING_DATAGRAM_STREAM] = {"wasi:sockets/udp@0.2.12", "outgoing-datagram-stream"},
};

/* The text is ours: an error in it is our bug (E0099), unless memory ran out. */
static enum tvn_status parse_text(struct tvn_wit *wit, struct tvn_diag_sink *sink)
{
    for (const struct tvn_embedded_text *text = tvn_wasi_texts; text->name; text++) {
        TVN_TRY(
            tvn_wit_add_text(wit, text->name, (struct tvn_str){text->text, text->length}, sink));
    }
    return tvn_wit_resolve(wit, sink);
}

static enum tvn_status parse(struct tvn_wit *wit)
{
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    if (!sink) {
        return TVN_E_OUT_OF_MEMORY;
    }
    enum tvn_status status = parse_text(wit, sink);
    for (size_t i = 0; i < tvn_diag_count(sink); i++) {
        tvn_log_debug("embedded wit text: %s", tvn_diag_at(sink, i)->message);
    }
    return status == TVN_OK || status == TVN_E_OUT_OF_MEMORY ? status : TVN_E_INTERNAL;
}

static enum tvn_status add_interface(const struct tvn_wasi_world *world,
                                     struct tvn_imports *imports, uint32_t context,
                                     const struct tvn_wasi_interface *listed)
{
    const struct tvn_interface *interface =
        tvn_wit_find_interface(world->wit, tvn_str_of(listed->id));
    if (!interface) {
        return TVN_E_INTERNAL;
    }
    return tvn_imports_add(imports, interface, listed->funcs, listed->func_count, listed->resources,
                           listed->resource_count, context);
}

enum tvn_status tvn_wasi_add_imports(struct tvn_imports *imports, uint32_t context,
                                     struct tvn_wasi_world **out_world)
{
    tvn_assert(imports);
    tvn_assert(context < TVN_HOST_CONTEXTS_MAX);
    tvn_assert(out_world);
    TVN_AUTO(tvn_wasi_world) world = tvn_calloc(1, sizeof(*world));
    if (!world) {
        return TVN_E_OUT_OF_MEMORY;
    }
    world->wit = tvn_wit_create();
    if (!world->wit) {
        return TVN_E_OUT_OF_MEMORY;
    }
    TVN_TRY(parse(world->wit));
    for (size_t i = 0; i < TVN_ARRAY_LEN(all_interfaces); i++) {
        for (size_t k = 0; k < all_interfaces[i]->count; k++) {
            TVN_TRY(add_interface(world, imports, context, &all_interfaces[i]->items[k]));
        }
    }
    for (size_t i = 0; i < TVN_ARRAY_LEN(resource_names); i++) {
        world->resources[i] = tvn_imports_resource(imports, tvn_str_of(resource_names[i].interface),
                                                   tvn_str_of(resource_names[i].name));
        tvn_assert(world->resources[i]);
    }
    *out_world = TVN_TAKE(world);
    return TVN_OK;
}

void tvn_wasi_world_destroy(struct tvn_wasi_world *world)
{
    if (!world) {
        return;
    }
    tvn_wit_destroy(world->wit);
    tvn_free(world);
}
