/* SPDX-License-Identifier: Apache-2.0 */
/* See net.wit. */
#include "net.h"

#include <stdlib.h>
#include <string.h>

typedef wasi_sockets_network_error_code_t error_code;
typedef wasi_sockets_network_ip_socket_address_t socket_address;
typedef wasi_sockets_tcp_borrow_tcp_socket_t tcp_socket;

static const char *const code_names[] = {
    "unknown",
    "access-denied",
    "not-supported",
    "invalid-argument",
    "out-of-memory",
    "timeout",
    "concurrency-conflict",
    "not-in-progress",
    "would-block",
    "invalid-state",
    "new-socket-limit",
    "address-not-bindable",
    "address-in-use",
    "remote-unreachable",
    "connection-refused",
    "connection-reset",
    "connection-aborted",
    "datagram-too-large",
    "name-unresolvable",
    "temporary-resolver-failure",
    "permanent-resolver-failure",
};
enum { WOULD_BLOCK = 8 };

static wasi_sockets_tcp_own_tcp_socket_t listener;

/* ---- text ---- */

static void add(net_string_t *text, const void *bytes, size_t length)
{
    text->ptr = realloc(text->ptr, text->len + length + 1);
    memcpy(text->ptr + text->len, bytes, length);
    text->len += length;
}

static void add_text(net_string_t *text, const char *more)
{
    add(text, more, strlen(more));
}

static void add_number(net_string_t *text, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    add(text, digits + at, sizeof(digits) - at);
}

static void failed(net_string_t *ret, const char *step, error_code code)
{
    ret->len = 0;
    add_text(ret, step);
    add_text(ret, ": ");
    add_text(ret, code_names[code]);
}

static void ok_number(net_string_t *ret, uint64_t number)
{
    add_text(ret, "ok: ");
    add_number(ret, number);
}

/* ---- steps ---- */

static socket_address address_of(const net_list_u16_t *parts, uint16_t port)
{
    socket_address address = {0};
    if (parts->len == 4) {
        address.tag = 0;
        address.val.ipv4.port = port;
        address.val.ipv4.address.f0 = (uint8_t)parts->ptr[0];
        address.val.ipv4.address.f1 = (uint8_t)parts->ptr[1];
        address.val.ipv4.address.f2 = (uint8_t)parts->ptr[2];
        address.val.ipv4.address.f3 = (uint8_t)parts->ptr[3];
    } else {
        address.tag = 1;
        address.val.ipv6.port = port;
        memcpy(&address.val.ipv6.address, parts->ptr, 8 * sizeof(uint16_t));
    }
    return address;
}

static uint16_t port_of(const socket_address *address)
{
    return address->tag == 0 ? address->val.ipv4.port : address->val.ipv6.port;
}

static wasi_sockets_network_own_network_t network(void)
{
    static wasi_sockets_instance_network_own_network_t made;
    if (made.__handle == 0) {
        made = wasi_sockets_instance_network_instance_network();
    }
    return (wasi_sockets_network_own_network_t){made.__handle};
}

static wasi_sockets_network_borrow_network_t lend(void)
{
    return wasi_sockets_network_borrow_network(network());
}

static void block(wasi_io_poll_own_pollable_t pollable)
{
    wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(pollable));
    wasi_io_poll_pollable_drop_own(pollable);
}

static bool bind_tcp(tcp_socket socket, socket_address *address, error_code *code)
{
    return wasi_sockets_tcp_method_tcp_socket_start_bind(socket, lend(), address, code) &&
           wasi_sockets_tcp_method_tcp_socket_finish_bind(socket, code);
}

/* Sends and reads at the same time, so that neither side has to keep it all. */
static uint64_t exchange(wasi_io_streams_own_input_stream_t input,
                         wasi_io_streams_own_output_stream_t output, const net_string_t *text,
                         uint32_t times)
{
    wasi_io_streams_borrow_input_stream_t in = wasi_io_streams_borrow_input_stream(input);
    wasi_io_streams_borrow_output_stream_t out = wasi_io_streams_borrow_output_stream(output);
    wasi_io_streams_stream_error_t error;
    uint64_t total = (uint64_t)text->len * times;
    uint64_t received = 0;
    net_list_u8_t bytes;
    while (received < total) {
        uint64_t permit = 0;
        while (times > 0 &&
               wasi_io_streams_method_output_stream_check_write(out, &permit, &error) &&
               permit >= text->len) {
            bytes = (net_list_u8_t){text->ptr, text->len};
            if (!wasi_io_streams_method_output_stream_write(out, &bytes, &error)) {
                return received;
            }
            times--;
        }
        if (!wasi_io_streams_method_input_stream_blocking_read(in, 65536, &bytes, &error)) {
            return received;
        }
        received += bytes.len;
        net_list_u8_free(&bytes);
    }
    return received;
}

void exports_net_tcp_connect(net_list_u16_t *address, uint16_t port, net_string_t *text,
                             uint32_t times, net_string_t *ret)
{
    *ret = (net_string_t){0};
    error_code code = 0;
    wasi_sockets_tcp_create_socket_own_tcp_socket_t socket;
    socket_address remote = address_of(address, port);
    if (!wasi_sockets_tcp_create_socket_create_tcp_socket(address->len == 4 ? 0 : 1, &socket,
                                                          &code)) {
        failed(ret, "create", code);
        return;
    }
    tcp_socket self = wasi_sockets_tcp_borrow_tcp_socket(socket);
    wasi_sockets_tcp_tuple2_own_input_stream_own_output_stream_t streams;
    if (!wasi_sockets_tcp_method_tcp_socket_start_connect(self, lend(), &remote, &code)) {
        failed(ret, "start", code);
    } else {
        bool done;
        while (!(done = wasi_sockets_tcp_method_tcp_socket_finish_connect(self, &streams, &code)) &&
               code == WOULD_BLOCK) {
            block(wasi_sockets_tcp_method_tcp_socket_subscribe(self));
        }
        if (done) {
            ok_number(ret, exchange(streams.f0, streams.f1, text, times));
            wasi_io_streams_input_stream_drop_own(streams.f0);
            wasi_io_streams_output_stream_drop_own(streams.f1);
        } else {
            failed(ret, "finish", code);
        }
    }
    wasi_sockets_tcp_tcp_socket_drop_own(socket);
}

void exports_net_tcp_listen(net_list_u16_t *address, uint16_t port, net_string_t *ret)
{
    *ret = (net_string_t){0};
    error_code code = 0;
    socket_address local = address_of(address, port);
    if (!wasi_sockets_tcp_create_socket_create_tcp_socket(address->len == 4 ? 0 : 1, &listener,
                                                          &code)) {
        failed(ret, "create", code);
        return;
    }
    tcp_socket self = wasi_sockets_tcp_borrow_tcp_socket(listener);
    if (!bind_tcp(self, &local, &code)) {
        failed(ret, "bind", code);
    } else if (!wasi_sockets_tcp_method_tcp_socket_start_listen(self, &code) ||
               !wasi_sockets_tcp_method_tcp_socket_finish_listen(self, &code)) {
        failed(ret, "listen", code);
    } else if (!wasi_sockets_tcp_method_tcp_socket_local_address(self, &local, &code)) {
        failed(ret, "address", code);
    } else {
        ok_number(ret, port_of(&local));
    }
}

void exports_net_tcp_accept(net_string_t *ret)
{
    *ret = (net_string_t){0};
    error_code code = 0;
    tcp_socket self = wasi_sockets_tcp_borrow_tcp_socket(listener);
    wasi_sockets_tcp_tuple3_own_tcp_socket_own_input_stream_own_output_stream_t made;
    bool done;
    while (!(done = wasi_sockets_tcp_method_tcp_socket_accept(self, &made, &code)) &&
           code == WOULD_BLOCK) {
        block(wasi_sockets_tcp_method_tcp_socket_subscribe(self));
    }
    if (!done) {
        failed(ret, "accept", code);
        return;
    }
    wasi_io_streams_stream_error_t error;
    net_list_u8_t bytes;
    if (wasi_io_streams_method_input_stream_blocking_read(
            wasi_io_streams_borrow_input_stream(made.f1), 100, &bytes, &error)) {
        wasi_io_streams_method_output_stream_blocking_write_and_flush(
            wasi_io_streams_borrow_output_stream(made.f2), &bytes, &error);
        add_text(ret, "ok: ");
        add(ret, bytes.ptr, bytes.len);
    }
    wasi_sockets_tcp_method_tcp_socket_shutdown(wasi_sockets_tcp_borrow_tcp_socket(made.f0), 2,
                                                &code);
    wasi_io_streams_input_stream_drop_own(made.f1);
    wasi_io_streams_output_stream_drop_own(made.f2);
    wasi_sockets_tcp_tcp_socket_drop_own(made.f0);
}

/* ---- udp ---- */

typedef wasi_sockets_udp_tuple2_own_incoming_datagram_stream_own_outgoing_datagram_stream_t
    datagram_streams;

static void send_and_receive(net_string_t *ret, datagram_streams *streams,
                             const socket_address *remote, net_string_t *text, bool connected)
{
    error_code code = 0;
    uint64_t permit = 0;
    uint64_t sent = 0;
    wasi_sockets_udp_borrow_outgoing_datagram_stream_t out =
        wasi_sockets_udp_borrow_outgoing_datagram_stream(streams->f1);
    wasi_sockets_udp_borrow_incoming_datagram_stream_t in =
        wasi_sockets_udp_borrow_incoming_datagram_stream(streams->f0);
    wasi_sockets_udp_outgoing_datagram_t datagram = {.data = {text->ptr, text->len}};
    datagram.remote_address.is_some = !connected;
    datagram.remote_address.val = *remote;
    wasi_sockets_udp_list_outgoing_datagram_t list = {&datagram, 1};
    while (wasi_sockets_udp_method_outgoing_datagram_stream_check_send(out, &permit, &code) &&
           permit == 0) {
        block(wasi_sockets_udp_method_outgoing_datagram_stream_subscribe(out));
    }
    if (!wasi_sockets_udp_method_outgoing_datagram_stream_send(out, &list, &sent, &code)) {
        failed(ret, "send", code);
        return;
    }
    wasi_sockets_udp_list_incoming_datagram_t got = {0};
    while (got.len == 0) {
        if (!wasi_sockets_udp_method_incoming_datagram_stream_receive(in, 10, &got, &code)) {
            failed(ret, "receive", code);
            return;
        }
        if (got.len == 0) {
            block(wasi_sockets_udp_method_incoming_datagram_stream_subscribe(in));
        }
    }
    add_text(ret, "ok: ");
    add(ret, got.ptr[0].data.ptr, got.ptr[0].data.len);
}

static bool make_udp(net_string_t *ret, socket_address *local,
                     wasi_sockets_udp_create_socket_own_udp_socket_t *socket)
{
    error_code code = 0;
    if (!wasi_sockets_udp_create_socket_create_udp_socket(local->tag, socket, &code)) {
        failed(ret, "create", code);
        return false;
    }
    wasi_sockets_udp_borrow_udp_socket_t self = wasi_sockets_udp_borrow_udp_socket(*socket);
    if (!wasi_sockets_udp_method_udp_socket_start_bind(self, lend(), local, &code) ||
        !wasi_sockets_udp_method_udp_socket_finish_bind(self, &code)) {
        failed(ret, "bind", code);
        wasi_sockets_udp_udp_socket_drop_own(*socket);
        return false;
    }
    return true;
}

void exports_net_udp_send(net_list_u16_t *address, uint16_t port, net_string_t *text,
                          bool connected, net_string_t *ret)
{
    *ret = (net_string_t){0};
    socket_address remote = address_of(address, port);
    socket_address local = {.tag = remote.tag};
    error_code code = 0;
    wasi_sockets_udp_create_socket_own_udp_socket_t socket;
    datagram_streams streams;
    if (!make_udp(ret, &local, &socket)) {
        return;
    }
    if (!wasi_sockets_udp_method_udp_socket_stream(wasi_sockets_udp_borrow_udp_socket(socket),
                                                   connected ? &remote : NULL, &streams, &code)) {
        failed(ret, "stream", code);
    } else {
        send_and_receive(ret, &streams, &remote, text, connected);
        wasi_sockets_udp_incoming_datagram_stream_drop_own(streams.f0);
        wasi_sockets_udp_outgoing_datagram_stream_drop_own(streams.f1);
    }
    wasi_sockets_udp_udp_socket_drop_own(socket);
}

void exports_net_udp_bind(net_list_u16_t *address, uint16_t port, net_string_t *ret)
{
    *ret = (net_string_t){0};
    socket_address local = address_of(address, port);
    wasi_sockets_udp_create_socket_own_udp_socket_t socket;
    if (make_udp(ret, &local, &socket)) {
        add_text(ret, "ok");
        wasi_sockets_udp_udp_socket_drop_own(socket);
    }
}

void exports_net_udp_overrun(void)
{
    net_string_t ret = {0};
    socket_address local = {0};
    wasi_sockets_udp_create_socket_own_udp_socket_t socket;
    datagram_streams streams;
    error_code code = 0;
    uint64_t sent = 0;
    wasi_sockets_udp_outgoing_datagram_t datagram = {0};
    wasi_sockets_udp_list_outgoing_datagram_t list = {&datagram, 1};
    if (make_udp(&ret, &local, &socket) &&
        wasi_sockets_udp_method_udp_socket_stream(wasi_sockets_udp_borrow_udp_socket(socket), NULL,
                                                  &streams, &code)) {
        wasi_sockets_udp_method_outgoing_datagram_stream_send(
            wasi_sockets_udp_borrow_outgoing_datagram_stream(streams.f1), &list, &sent, &code);
    }
}

/* ---- names ---- */

static void add_address(net_string_t *ret, const wasi_sockets_network_ip_address_t *address)
{
    if (address->tag == 0) {
        const uint8_t parts[] = {address->val.ipv4.f0, address->val.ipv4.f1, address->val.ipv4.f2,
                                 address->val.ipv4.f3};
        for (size_t i = 0; i < 4; i++) {
            add_number(ret, parts[i]);
            add_text(ret, i < 3 ? "." : " ");
        }
        return;
    }
    const uint16_t *parts = (const uint16_t *)&address->val.ipv6;
    for (size_t i = 0; i < 8; i++) {
        add_number(ret, parts[i]);
        add_text(ret, i < 7 ? ":" : " ");
    }
}

void exports_net_lookup(net_string_t *name, net_string_t *ret)
{
    *ret = (net_string_t){0};
    error_code code = 0;
    wasi_sockets_ip_name_lookup_own_resolve_address_stream_t stream;
    if (!wasi_sockets_ip_name_lookup_resolve_addresses(lend(), name, &stream, &code)) {
        failed(ret, "lookup", code);
        return;
    }
    wasi_sockets_ip_name_lookup_borrow_resolve_address_stream_t self =
        wasi_sockets_ip_name_lookup_borrow_resolve_address_stream(stream);
    add_text(ret, "ok: ");
    for (;;) {
        wasi_sockets_ip_name_lookup_option_ip_address_t address;
        if (wasi_sockets_ip_name_lookup_method_resolve_address_stream_resolve_next_address(
                self, &address, &code)) {
            if (!address.is_some) {
                break;
            }
            add_address(ret, &address.val);
        } else if (code == WOULD_BLOCK) {
            block(wasi_sockets_ip_name_lookup_method_resolve_address_stream_subscribe(self));
        } else {
            failed(ret, "next", code);
            break;
        }
    }
    wasi_sockets_ip_name_lookup_resolve_address_stream_drop_own(stream);
}

/* ---- options and states ---- */

#define EXPECT(condition)              \
    do {                               \
        if (!(condition)) {            \
            add_text(ret, #condition); \
            add_text(ret, "\n");       \
        }                              \
    } while (0)
#define TCP(method)   wasi_sockets_tcp_method_tcp_socket_##method
#define UDP(method)   wasi_sockets_udp_method_udp_socket_##method
#define INVALID(call) (!(call) && code == 3)

void exports_net_options(net_string_t *ret)
{
    *ret = (net_string_t){0};
    error_code code = 0;
    bool on = true;
    uint64_t number = 0;
    uint32_t count = 0;
    uint8_t hops = 0;
    wasi_sockets_tcp_create_socket_own_tcp_socket_t tcp;
    wasi_sockets_udp_create_socket_own_udp_socket_t udp;
    wasi_sockets_tcp_create_socket_create_tcp_socket(0, &tcp, &code);
    wasi_sockets_udp_create_socket_create_udp_socket(1, &udp, &code);
    tcp_socket t = wasi_sockets_tcp_borrow_tcp_socket(tcp);
    wasi_sockets_udp_borrow_udp_socket_t u = wasi_sockets_udp_borrow_udp_socket(udp);
    EXPECT(TCP(address_family)(t) == 0 && UDP(address_family)(u) == 1);
    EXPECT(TCP(keep_alive_enabled)(t, &on, &code) && !on);
    EXPECT(TCP(set_keep_alive_enabled)(t, true, &code));
    EXPECT(TCP(keep_alive_enabled)(t, &on, &code) && on);
    EXPECT(INVALID(TCP(set_keep_alive_idle_time)(t, 0, &code)));
    EXPECT(TCP(set_keep_alive_idle_time)(t, 1, &code));
    EXPECT(TCP(keep_alive_idle_time)(t, &number, &code) && number == 1000000000u);
    EXPECT(TCP(set_keep_alive_idle_time)(t, UINT64_MAX, &code));
    EXPECT(INVALID(TCP(set_keep_alive_interval)(t, 0, &code)));
    EXPECT(TCP(set_keep_alive_interval)(t, 1500000000u, &code));
    EXPECT(TCP(keep_alive_interval)(t, &number, &code) && number == 2000000000u);
    EXPECT(INVALID(TCP(set_keep_alive_count)(t, 0, &code)));
    EXPECT(TCP(set_keep_alive_count)(t, 1000, &code));
    EXPECT(TCP(keep_alive_count)(t, &count, &code) && count == 127);
    EXPECT(INVALID(TCP(set_hop_limit)(t, 0, &code)));
    EXPECT(TCP(set_hop_limit)(t, 7, &code));
    EXPECT(TCP(hop_limit)(t, &hops, &code) && hops == 7);
    EXPECT(INVALID(TCP(set_receive_buffer_size)(t, 0, &code)));
    EXPECT(TCP(set_receive_buffer_size)(t, 20000, &code));
    EXPECT(TCP(receive_buffer_size)(t, &number, &code) && number == 20000);
    EXPECT(TCP(set_send_buffer_size)(t, UINT64_MAX, &code));
    EXPECT(TCP(send_buffer_size)(t, &number, &code) && number > 0);
    EXPECT(INVALID(TCP(set_listen_backlog_size)(t, 0, &code)));
    EXPECT(TCP(set_listen_backlog_size)(t, 1, &code));
    EXPECT(INVALID(UDP(set_unicast_hop_limit)(u, 0, &code)));
    EXPECT(UDP(set_unicast_hop_limit)(u, 9, &code));
    EXPECT(UDP(unicast_hop_limit)(u, &hops, &code) && hops == 9);
    EXPECT(UDP(set_receive_buffer_size)(u, 30000, &code));
    EXPECT(UDP(receive_buffer_size)(u, &number, &code) && number == 30000);
    EXPECT(INVALID(UDP(set_send_buffer_size)(u, 0, &code)));
    EXPECT(UDP(set_send_buffer_size)(u, 30000, &code));
    EXPECT(UDP(send_buffer_size)(u, &number, &code) && number == 30000);
    block(UDP(subscribe)(u));
    wasi_sockets_tcp_tcp_socket_drop_own(tcp);
    wasi_sockets_udp_udp_socket_drop_own(udp);
}

#define STATE(call)    (!(call) && code == 9)
#define PROGRESS(call) (!(call) && code == 7)
#define CONFLICT(call) (!(call) && code == 6)

void exports_net_states(net_string_t *ret)
{
    *ret = (net_string_t){0};
    error_code code = 0;
    wasi_sockets_tcp_create_socket_own_tcp_socket_t tcp;
    wasi_sockets_udp_create_socket_own_udp_socket_t udp;
    wasi_sockets_tcp_tuple2_own_input_stream_own_output_stream_t streams;
    wasi_sockets_tcp_tuple3_own_tcp_socket_own_input_stream_own_output_stream_t accepted;
    datagram_streams first;
    datagram_streams second;
    wasi_sockets_udp_list_incoming_datagram_t got;
    uint64_t permit = 0;
    wasi_sockets_tcp_create_socket_create_tcp_socket(0, &tcp, &code);
    wasi_sockets_udp_create_socket_create_udp_socket(0, &udp, &code);
    tcp_socket t = wasi_sockets_tcp_borrow_tcp_socket(tcp);
    wasi_sockets_udp_borrow_udp_socket_t u = wasi_sockets_udp_borrow_udp_socket(udp);
    socket_address local = {0};
    local.val.ipv4.address.f0 = 127;
    local.val.ipv4.address.f3 = 1;
    socket_address other = {.tag = 1};
    EXPECT(STATE(TCP(local_address)(t, &other, &code)));
    EXPECT(STATE(TCP(remote_address)(t, &other, &code)));
    EXPECT(PROGRESS(TCP(finish_bind)(t, &code)));
    EXPECT(PROGRESS(TCP(finish_connect)(t, &streams, &code)));
    EXPECT(PROGRESS(TCP(finish_listen)(t, &code)));
    EXPECT(STATE(TCP(start_listen)(t, &code)));
    EXPECT(STATE(TCP(accept)(t, &accepted, &code)));
    EXPECT(STATE(TCP(shutdown)(t, 0, &code)));
    other = (socket_address){.tag = 1};
    EXPECT(INVALID(TCP(start_bind)(t, lend(), &other, &code)));    /* the other family */
    EXPECT(INVALID(TCP(start_connect)(t, lend(), &local, &code))); /* port 0 */
    EXPECT(TCP(start_bind)(t, lend(), &local, &code));
    EXPECT(CONFLICT(TCP(start_bind)(t, lend(), &local, &code)));
    EXPECT(TCP(finish_bind)(t, &code));
    EXPECT(STATE(TCP(start_bind)(t, lend(), &local, &code)));
    EXPECT(TCP(start_listen)(t, &code) && !TCP(is_listening)(t));
    EXPECT(TCP(finish_listen)(t, &code) && TCP(is_listening)(t));
    EXPECT(TCP(set_listen_backlog_size)(t, 5, &code));
    EXPECT(!TCP(accept)(t, &accepted, &code) && code == WOULD_BLOCK);
    local.val.ipv4.port = 1;
    EXPECT(STATE(TCP(start_connect)(t, lend(), &local, &code)));
    EXPECT(STATE(UDP(local_address)(u, &other, &code)));
    EXPECT(STATE(UDP(remote_address)(u, &other, &code)));
    EXPECT(STATE(UDP(stream)(u, NULL, &first, &code)));
    EXPECT(PROGRESS(UDP(finish_bind)(u, &code)));
    local.val.ipv4.port = 0;
    EXPECT(UDP(start_bind)(u, lend(), &local, &code));
    EXPECT(UDP(finish_bind)(u, &code));
    EXPECT(INVALID(UDP(stream)(u, &local, &first, &code)));
    EXPECT(UDP(stream)(u, NULL, &first, &code));
    local.val.ipv4.port = 9;
    EXPECT(UDP(stream)(u, &local, &second, &code));
    EXPECT(UDP(remote_address)(u, &other, &code) && port_of(&other) == 9);
    EXPECT(STATE(wasi_sockets_udp_method_incoming_datagram_stream_receive(
        wasi_sockets_udp_borrow_incoming_datagram_stream(first.f0), 1, &got, &code)));
    EXPECT(STATE(wasi_sockets_udp_method_outgoing_datagram_stream_check_send(
        wasi_sockets_udp_borrow_outgoing_datagram_stream(first.f1), &permit, &code)));
    wasi_sockets_udp_udp_socket_drop_own(udp); /* its streams stay, until the instance ends */
    EXPECT(wasi_sockets_udp_method_incoming_datagram_stream_receive(
        wasi_sockets_udp_borrow_incoming_datagram_stream(second.f0), 1, &got, &code));
    wasi_sockets_tcp_tcp_socket_drop_own(tcp);
}

void exports_net_exhaust(net_string_t *ret)
{
    *ret = (net_string_t){0};
    static wasi_sockets_tcp_create_socket_own_tcp_socket_t made[1000];
    error_code code = 0;
    size_t count = 0;
    while (count < 1000 &&
           wasi_sockets_tcp_create_socket_create_tcp_socket(0, &made[count], &code)) {
        count++;
    }
    for (size_t i = 0; i < count; i++) {
        wasi_sockets_tcp_tcp_socket_drop_own(made[i]);
    }
    failed(ret, "create", code);
}
