/* SPDX-License-Identifier: Apache-2.0 */
/* TCP, UDP and look-ups by wasi:sockets itself, both ends in one program. */
#include "cases.h"
#include "programs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef wasi_sockets_network_error_code_t error_code;
typedef wasi_sockets_network_ip_socket_address_t address;

enum { WOULD_BLOCK = 8 };

struct connection {
    wasi_sockets_tcp_own_tcp_socket_t socket;
    wasi_io_streams_own_input_stream_t input;
    wasi_io_streams_own_output_stream_t output;
};

static const char *name_of(error_code code)
{
    static const char *const names[] = {
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
    return names[code];
}

/* Prints and passes on whether it went well. */
static bool step(const char *what, bool done, error_code code)
{
    printf("%s: %s\n", what, done ? "ok" : name_of(code));
    return done;
}

static wasi_sockets_network_borrow_network_t network(void)
{
    static wasi_sockets_instance_network_own_network_t made;
    if (made.__handle == 0) {
        made = wasi_sockets_instance_network_instance_network();
    }
    return wasi_sockets_network_borrow_network((wasi_sockets_network_own_network_t){made.__handle});
}

static void wait_for(wasi_io_poll_own_pollable_t pollable)
{
    wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(pollable));
    wasi_io_poll_pollable_drop_own(pollable);
}

static address loopback(bool v6, uint16_t port)
{
    address made = {.tag = v6 ? 1 : 0};
    if (v6) {
        made.val.ipv6.port = port;
        made.val.ipv6.address.f7 = 1;
    } else {
        made.val.ipv4.port = port;
        made.val.ipv4.address.f0 = 127;
        made.val.ipv4.address.f3 = 1;
    }
    return made;
}

static uint16_t port_of(const address *of)
{
    return of->tag == 0 ? of->val.ipv4.port : of->val.ipv6.port;
}

#define TCP(method)  wasi_sockets_tcp_method_tcp_socket_##method
#define BORROW(own)  wasi_sockets_tcp_borrow_tcp_socket(own)
#define UDP(method)  wasi_sockets_udp_method_udp_socket_##method
#define BORROWU(own) wasi_sockets_udp_borrow_udp_socket(own)

static bool create_tcp(bool v6, wasi_sockets_tcp_own_tcp_socket_t *out)
{
    error_code code = 0;
    wasi_sockets_tcp_create_socket_own_tcp_socket_t made;
    if (!wasi_sockets_tcp_create_socket_create_tcp_socket(v6 ? 1 : 0, &made, &code)) {
        return step("create", false, code);
    }
    out->__handle = made.__handle;
    return true;
}

/* A listener on a port of the system's choice. */
static bool listen_on(address *local, wasi_sockets_tcp_own_tcp_socket_t *out)
{
    error_code code = 0;
    if (!create_tcp(local->tag == 1, out)) {
        return false;
    }
    bool bound = TCP(start_bind)(BORROW(*out), network(), local, &code) &&
                 TCP(finish_bind)(BORROW(*out), &code);
    if (!step("bind", bound, code)) {
        return false;
    }
    bool listens = TCP(start_listen)(BORROW(*out), &code) &&
                   TCP(finish_listen)(BORROW(*out), &code) &&
                   TCP(local_address)(BORROW(*out), local, &code);
    return step("listen", listens, code);
}

static bool connect_to(address remote, struct connection *out)
{
    error_code code = 0;
    wasi_sockets_tcp_tuple2_own_input_stream_own_output_stream_t streams;
    if (!create_tcp(remote.tag == 1, &out->socket)) {
        return false;
    }
    bool done = TCP(start_connect)(BORROW(out->socket), network(), &remote, &code);
    if (done) {
        while (!(done = TCP(finish_connect)(BORROW(out->socket), &streams, &code)) &&
               code == WOULD_BLOCK) {
            wait_for(TCP(subscribe)(BORROW(out->socket)));
        }
    }
    if (done) {
        out->input = (wasi_io_streams_own_input_stream_t){streams.f0.__handle};
        out->output = (wasi_io_streams_own_output_stream_t){streams.f1.__handle};
    }
    return step("connect", done, code);
}

static bool accept_one(wasi_sockets_tcp_own_tcp_socket_t listener, struct connection *out)
{
    error_code code = 0;
    wasi_sockets_tcp_tuple3_own_tcp_socket_own_input_stream_own_output_stream_t made;
    bool done;
    while (!(done = TCP(accept)(BORROW(listener), &made, &code)) && code == WOULD_BLOCK) {
        wait_for(TCP(subscribe)(BORROW(listener)));
    }
    if (done) {
        out->socket = made.f0;
        out->input = (wasi_io_streams_own_input_stream_t){made.f1.__handle};
        out->output = (wasi_io_streams_own_output_stream_t){made.f2.__handle};
    }
    return step("accept", done, code);
}

static bool pair(struct connection *client, struct connection *server)
{
    wasi_sockets_tcp_own_tcp_socket_t listener;
    address local = loopback(false, 0);
    return listen_on(&local, &listener) && connect_to(loopback(false, port_of(&local)), client) &&
           accept_one(listener, server);
}

static void send_text(struct connection *to, const char *text)
{
    wasi_io_streams_stream_error_t error;
    programs_list_u8_t bytes = {(uint8_t *)text, strlen(text)};
    bool done = wasi_io_streams_method_output_stream_blocking_write_and_flush(
        wasi_io_streams_borrow_output_stream(to->output), &bytes, &error);
    printf("send: %s\n", done ? "ok" : error.tag == 1 ? "closed" : "failed");
}

static bool receive(struct connection *from)
{
    wasi_io_streams_stream_error_t error;
    programs_list_u8_t bytes;
    bool done = wasi_io_streams_method_input_stream_blocking_read(
        wasi_io_streams_borrow_input_stream(from->input), 1000, &bytes, &error);
    if (done) {
        printf("received: %.*s\n", (int)bytes.len, (const char *)bytes.ptr);
        programs_list_u8_free(&bytes);
    } else {
        printf("received: %s\n", error.tag == 1 ? "the end" : "a failure");
    }
    return done;
}

static void close_connection(struct connection *connection)
{
    wasi_io_streams_input_stream_drop_own(connection->input);
    wasi_io_streams_output_stream_drop_own(connection->output);
    wasi_sockets_tcp_tcp_socket_drop_own(connection->socket);
}

static void tcp_exchange(void)
{
    struct connection client, server;
    if (pair(&client, &server)) {
        send_text(&client, "question");
        receive(&server);
        send_text(&server, "answer");
        receive(&client);
        close_connection(&server);
        receive(&client);
        close_connection(&client);
    }
}

static void tcp_half_closed(void)
{
    struct connection client, server;
    error_code code = 0;
    if (pair(&client, &server)) {
        send_text(&client, "last words");
        step("shutdown", TCP(shutdown)(BORROW(client.socket), 1, &code), code); /* send */
        receive(&server);
        receive(&server);
        send_text(&server, "heard");
        receive(&client);
        send_text(&client, "more");
    }
}

static void tcp_much(void)
{
    enum { PIECE = 4096, PIECES = 128 };
    struct connection client, server;
    static uint8_t piece[PIECE];
    uint64_t received = 0;
    wasi_io_streams_stream_error_t error;
    if (!pair(&client, &server)) {
        return;
    }
    for (int i = 0; i < PIECES; i++) {
        memset(piece, i, sizeof(piece));
        programs_list_u8_t bytes = {piece, PIECE};
        if (!wasi_io_streams_method_output_stream_blocking_write_and_flush(
                wasi_io_streams_borrow_output_stream(client.output), &bytes, &error)) {
            printf("write failed\n");
            return;
        }
        for (uint64_t got = 0; got < PIECE;) {
            if (!wasi_io_streams_method_input_stream_blocking_read(
                    wasi_io_streams_borrow_input_stream(server.input), PIECE - got, &bytes,
                    &error)) {
                printf("read failed\n");
                return;
            }
            for (size_t k = 0; k < bytes.len; k++) {
                if (bytes.ptr[k] != (uint8_t)i) {
                    printf("another byte\n");
                    return;
                }
            }
            got += bytes.len;
            received += bytes.len;
            programs_list_u8_free(&bytes);
        }
    }
    printf("%" PRIu64 " bytes\n", received);
}

static void tcp_refused(void)
{
    /* A port that was bound a moment ago and that nobody listens on. */
    wasi_sockets_tcp_own_tcp_socket_t holder;
    struct connection client;
    error_code code = 0;
    address local = loopback(false, 0);
    if (create_tcp(false, &holder) && TCP(start_bind)(BORROW(holder), network(), &local, &code) &&
        TCP(finish_bind)(BORROW(holder), &code) &&
        TCP(local_address)(BORROW(holder), &local, &code)) {
        connect_to(loopback(false, port_of(&local)), &client);
    }
}

static void tcp_connect_denied(void)
{
    struct connection client;
    connect_to(loopback(false, 9), &client);
}

static void tcp_listen_denied(void)
{
    wasi_sockets_tcp_own_tcp_socket_t listener;
    address local = loopback(false, 0);
    listen_on(&local, &listener);
}

static void tcp_in_use(void)
{
    wasi_sockets_tcp_own_tcp_socket_t one, two;
    address local = loopback(false, 0);
    if (listen_on(&local, &one)) {
        listen_on(&local, &two);
    }
}

static void tcp_wrong_order(void)
{
    error_code code = 0;
    wasi_sockets_tcp_own_tcp_socket_t socket;
    address local;
    if (create_tcp(false, &socket)) {
        step("listen", TCP(start_listen)(BORROW(socket), &code), code);
        step("finish", TCP(finish_bind)(BORROW(socket), &code), code);
        step("address", TCP(local_address)(BORROW(socket), &local, &code), code);
        step("remote", TCP(remote_address)(BORROW(socket), &local, &code), code);
        step("shutdown", TCP(shutdown)(BORROW(socket), 2, &code), code);
        local = loopback(true, 0);
        step("other family", TCP(start_bind)(BORROW(socket), network(), &local, &code), code);
    }
}

static void tcp_options(void)
{
    error_code code = 0;
    wasi_sockets_tcp_own_tcp_socket_t socket;
    bool on = false;
    uint8_t hops = 0;
    uint32_t count = 0;
    if (create_tcp(false, &socket)) {
        step("keep alive", TCP(set_keep_alive_enabled)(BORROW(socket), true, &code), code);
        step("read", TCP(keep_alive_enabled)(BORROW(socket), &on, &code), code);
        step("hops", TCP(set_hop_limit)(BORROW(socket), 42, &code), code);
        step("read", TCP(hop_limit)(BORROW(socket), &hops, &code), code);
        step("count", TCP(set_keep_alive_count)(BORROW(socket), 5, &code), code);
        step("read", TCP(keep_alive_count)(BORROW(socket), &count, &code), code);
        step("no hops", TCP(set_hop_limit)(BORROW(socket), 0, &code), code);
        step("no buffer", TCP(set_receive_buffer_size)(BORROW(socket), 0, &code), code);
        printf("%d %u %u\n", on, hops, count);
    }
}

/* ---- udp ---- */

struct datagrams {
    wasi_sockets_udp_create_socket_own_udp_socket_t socket;
    wasi_sockets_udp_own_incoming_datagram_stream_t input;
    wasi_sockets_udp_own_outgoing_datagram_stream_t output;
    address local;
};

static bool open_udp(struct datagrams *out, const address *remote)
{
    error_code code = 0;
    wasi_sockets_udp_tuple2_own_incoming_datagram_stream_own_outgoing_datagram_stream_t streams;
    out->local = loopback(false, 0);
    if (!wasi_sockets_udp_create_socket_create_udp_socket(0, &out->socket, &code)) {
        return step("create", false, code);
    }
    wasi_sockets_udp_own_udp_socket_t own = {out->socket.__handle};
    bool bound = UDP(start_bind)(BORROWU(own), network(), &out->local, &code) &&
                 UDP(finish_bind)(BORROWU(own), &code) &&
                 UDP(local_address)(BORROWU(own), &out->local, &code);
    if (!step("bind", bound, code) ||
        !step("stream", UDP(stream)(BORROWU(own), (address *)remote, &streams, &code), code)) {
        return false;
    }
    out->input = streams.f0;
    out->output = streams.f1;
    return true;
}

static void send_datagram(struct datagrams *from, const address *to, const void *bytes,
                          size_t length)
{
    error_code code = 0;
    uint64_t sent = 0;
    wasi_sockets_udp_outgoing_datagram_t datagram = {.data = {(uint8_t *)bytes, length}};
    datagram.remote_address.is_some = to != NULL;
    if (to) {
        datagram.remote_address.val = *to;
    }
    wasi_sockets_udp_list_outgoing_datagram_t list = {&datagram, 1};
    wasi_sockets_udp_borrow_outgoing_datagram_stream_t output =
        wasi_sockets_udp_borrow_outgoing_datagram_stream(from->output);
    uint64_t permit = 0;
    bool done =
        wasi_sockets_udp_method_outgoing_datagram_stream_check_send(output, &permit, &code) &&
        permit > 0 &&
        wasi_sockets_udp_method_outgoing_datagram_stream_send(output, &list, &sent, &code);
    step("send", done && sent == 1, code);
}

static void receive_datagram(struct datagrams *to)
{
    error_code code = 0;
    wasi_sockets_udp_list_incoming_datagram_t got = {0};
    wasi_sockets_udp_borrow_incoming_datagram_stream_t input =
        wasi_sockets_udp_borrow_incoming_datagram_stream(to->input);
    while (wasi_sockets_udp_method_incoming_datagram_stream_receive(input, 1, &got, &code) &&
           got.len == 0) {
        wait_for(wasi_sockets_udp_method_incoming_datagram_stream_subscribe(input));
    }
    if (got.len == 1) {
        printf("received: %.*s\n", (int)got.ptr[0].data.len, (const char *)got.ptr[0].data.ptr);
    } else {
        step("receive", false, code);
    }
}

static void udp_exchange(void)
{
    struct datagrams one, two;
    if (open_udp(&one, NULL) && open_udp(&two, NULL)) {
        send_datagram(&one, &two.local, "there", 5);
        receive_datagram(&two);
        send_datagram(&two, &one.local, "and back", 8);
        receive_datagram(&one);
    }
}

static void udp_connected(void)
{
    struct datagrams one, two;
    if (open_udp(&one, NULL) && open_udp(&two, &one.local)) {
        send_datagram(&two, NULL, "to the one", 10);
        receive_datagram(&one);
        address elsewhere = loopback(false, 9);
        send_datagram(&two, &elsewhere, "elsewhere", 9);
    }
}

static void udp_too_large(void)
{
    struct datagrams one;
    static uint8_t bytes[70000];
    if (open_udp(&one, NULL)) {
        send_datagram(&one, &one.local, bytes, sizeof(bytes));
    }
}

static void udp_denied(void)
{
    struct datagrams one;
    open_udp(&one, NULL);
}

static void udp_send_denied(void)
{
    struct datagrams one;
    if (open_udp(&one, NULL)) {
        address elsewhere = loopback(false, 9);
        send_datagram(&one, &elsewhere, "no", 2);
    }
}

/* ---- names ---- */

static void look_up(const char *text)
{
    error_code code = 0;
    programs_string_t name = {(uint8_t *)text, strlen(text)};
    wasi_sockets_ip_name_lookup_own_resolve_address_stream_t stream;
    if (!wasi_sockets_ip_name_lookup_resolve_addresses(network(), &name, &stream, &code)) {
        printf("%s: %s\n", text, name_of(code));
        return;
    }
    wasi_sockets_ip_name_lookup_borrow_resolve_address_stream_t self =
        wasi_sockets_ip_name_lookup_borrow_resolve_address_stream(stream);
    wasi_sockets_ip_name_lookup_option_ip_address_t found;
    bool done;
    while (!(done = wasi_sockets_ip_name_lookup_method_resolve_address_stream_resolve_next_address(
                 self, &found, &code)) &&
           code == WOULD_BLOCK) {
        wait_for(wasi_sockets_ip_name_lookup_method_resolve_address_stream_subscribe(self));
    }
    if (!done) {
        printf("%s: %s\n", text, name_of(code));
    } else if (found.is_some && found.val.tag == 0) {
        const wasi_sockets_network_ipv4_address_t *v4 = &found.val.val.ipv4;
        printf("%s: %u.%u.%u.%u\n", text, v4->f0, v4->f1, v4->f2, v4->f3);
    } else {
        printf("%s: %s\n", text, found.is_some ? "IPv6" : "nothing");
    }
}

static void lookup_numbers(void)
{
    look_up("127.0.0.1");
    look_up("::1");
}

static void lookup_wrong(void)
{
    look_up("");
    look_up("not a name");
}

static void lookup_denied(void)
{
    look_up("localhost");
}

const struct program_case socket_cases[] = {
    {"tcp-exchange", tcp_exchange},
    {"tcp-half-closed", tcp_half_closed},
    {"tcp-much", tcp_much},
    {"tcp-refused", tcp_refused},
    {"tcp-connect-denied", tcp_connect_denied},
    {"tcp-listen-denied", tcp_listen_denied},
    {"tcp-in-use", tcp_in_use},
    {"tcp-wrong-order", tcp_wrong_order},
    {"tcp-options", tcp_options},
    {"udp-exchange", udp_exchange},
    {"udp-connected", udp_connected},
    {"udp-too-large", udp_too_large},
    {"udp-denied", udp_denied},
    {"udp-send-denied", udp_send_denied},
    {"lookup-numbers", lookup_numbers},
    {"lookup-wrong", lookup_wrong},
    {"lookup-denied", lookup_denied},
    {NULL, NULL},
};
