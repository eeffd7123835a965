/* SPDX-License-Identifier: Apache-2.0 */
/* wasi:sockets through the ABI, on loopback only. */
#include "path_tree.h"
#include "wasi_guest.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

static struct wasi_guest guest;

static int load(void **state)
{
    (void)state;
    return wasi_guest_load(&guest, TVN_GUEST_DIR "/wasi-net.wasm");
}

static int unload(void **state)
{
    (void)state;
    wasi_guest_unload(&guest);
    return 0;
}

static const struct tvn_wasi_options plain = {.stdin_fd = -1, .cancel_fd = -1};

#define EGRESS(text)  {.capability = TVN_CAP_NETWORK_EGRESS, .scope = (text)}
#define INGRESS(text) {.capability = TVN_CAP_NETWORK_INGRESS, .scope = (text)}
#define START_WITH(run, options, ...)                                      \
    wasi_run_start((run), &guest, (const struct tvn_grant[]){__VA_ARGS__}, \
                   TVN_ARRAY_LEN(((const struct tvn_grant[]){__VA_ARGS__})), (options))
#define START(run, ...) START_WITH(run, plain, __VA_ARGS__)

/* ---- an address as the guest takes it ---- */

#define PARTS_MAX 8
static struct tvn_value parts_of(const char *text)
{
    static struct tvn_value items[PARTS_MAX];
    uint8_t bytes[16];
    bool is_v6 = strchr(text, ':') != NULL;
    assert_int_equal(inet_pton(is_v6 ? AF_INET6 : AF_INET, text, bytes), 1);
    for (size_t i = 0; i < (is_v6 ? 8 : 4); i++) {
        items[i] = wasi_number(is_v6 ? (uint64_t)bytes[2 * i] << 8 | bytes[2 * i + 1] : bytes[i]);
    }
    return (struct tvn_value){.of.list = {.items = items, .count = is_v6 ? 8 : 4}};
}

static struct tvn_value tcp_connect(struct wasi_run *run, const char *address, uint16_t port,
                                    const char *text, uint32_t times)
{
    return WASI_CALL(run, "tcp-connect", parts_of(address), wasi_number(port), wasi_text(text),
                     wasi_number(times));
}
static struct tvn_value udp_send(struct wasi_run *run, const char *address, uint16_t port,
                                 bool connected)
{
    return WASI_CALL(run, "udp-send", parts_of(address), wasi_number(port), wasi_text("ping"),
                     wasi_bool(connected));
}

/* ---- a server that sends back what it gets ---- */

struct server {
    int fd;
    uint16_t port;
    pthread_t thread;
};

static void bind_server(struct server *server, int type, const char *address)
{
    bool is_v6 = strchr(address, ':') != NULL;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    socklen_t length = is_v6 ? sizeof(v6) : sizeof(v4);
    server->fd = socket(is_v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);
    assert_true(server->fd >= 0);
    inet_pton(AF_INET, address, &v4.sin_addr);
    inet_pton(AF_INET6, address, &v6.sin6_addr);
    struct sockaddr *local =
        is_v6 ? (struct sockaddr *)(void *)&v6 : (struct sockaddr *)(void *)&v4;
    assert_int_equal(bind(server->fd, local, length), 0);
    assert_int_equal(getsockname(server->fd, local, &length), 0);
    server->port = ntohs(is_v6 ? v6.sin6_port : v4.sin_port);
}

static void *serve_tcp(void *context)
{
    const struct server *server = context;
    static char bytes[65536];
    int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);
    ssize_t got;
    while (fd >= 0 && (got = read(fd, bytes, sizeof(bytes))) > 0) {
        ssize_t sent = 0;
        while (sent < got) {
            ssize_t piece = send(fd, bytes + sent, (size_t)(got - sent), MSG_NOSIGNAL);
            if (piece <= 0) {
                break;
            }
            sent += piece;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return NULL;
}

static void *serve_udp(void *context)
{
    const struct server *server = context;
    char bytes[100];
    struct sockaddr_in6 from;
    socklen_t length = sizeof(from);
    ssize_t got =
        recvfrom(server->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)(void *)&from, &length);
    if (got > 0) {
        (void)sendto(server->fd, bytes, (size_t)got, 0, (struct sockaddr *)(void *)&from, length);
    }
    return NULL;
}

static void start_tcp(struct server *server, const char *address)
{
    bind_server(server, SOCK_STREAM, address);
    assert_int_equal(listen(server->fd, 5), 0);
    assert_int_equal(pthread_create(&server->thread, NULL, serve_tcp, server), 0);
}

static void start_udp(struct server *server, const char *address)
{
    bind_server(server, SOCK_DGRAM, address);
    assert_int_equal(pthread_create(&server->thread, NULL, serve_udp, server), 0);
}

static void stop(struct server *server)
{
    pthread_join(server->thread, NULL);
    close(server->fd);
}

/* ---- a resolver that tells what the test wants ---- */

static _Atomic unsigned resolver_calls;
static int fake_resolve(void *context, const char *name, struct tvn_wasi_address *addresses,
                        size_t capacity, size_t *out_count)
{
    (void)context;
    atomic_fetch_add(&resolver_calls, 1);
    assert_true(capacity >= 3);
    if (strcmp(name, "slow.test") == 0) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    }
    if (strcmp(name, "missing.test") == 0) {
        return EAI_NONAME;
    }
    if (strcmp(name, "broken.test") == 0) {
        return EAI_FAIL;
    }
    if (strcmp(name, "busy.test") == 0) {
        return EAI_AGAIN;
    }
    if (strcmp(name, "localhost") == 0 || strcmp(name, "rebind.test") == 0) {
        addresses[0] = (struct tvn_wasi_address){.bytes = {127, 0, 0, 1}};
        *out_count = 1;
        return 0;
    }
    addresses[0] = (struct tvn_wasi_address){.bytes = {192, 0, 2, 1}};
    addresses[1] = (struct tvn_wasi_address){
        .is_v6 = true, .bytes = {[10] = 0xff, [11] = 0xff, 169, 254, 169, 254}};
    addresses[2] = (struct tvn_wasi_address){.is_v6 = true, .bytes = {0x20, 1, [15] = 9}};
    *out_count = 3;
    return 0;
}
static const struct tvn_wasi_options with_names = {
    .stdin_fd = -1, .cancel_fd = -1, .resolve = fake_resolve};

/* ---- tests ---- */

static void test_network_without_grant_is_denied_and_counted(void **state)
{
    (void)state;
    struct wasi_run run;
    START_WITH(&run, with_names, {.capability = TVN_CAP_STDOUT});
    unsigned calls = atomic_load(&resolver_calls);
    assert_reply(tcp_connect(&run, "127.0.0.1", 9, "x", 1), "create: access-denied");
    assert_reply(udp_send(&run, "127.0.0.1", 9, false), "create: access-denied");
    assert_int_equal(run.recorder.denials[TVN_CAP_NETWORK_EGRESS], 2);
    assert_reply(WASI_CALL(&run, "lookup", wasi_text("example.org")), "lookup: access-denied");
    assert_int_equal(run.recorder.denials[TVN_CAP_NETWORK_EGRESS], 3);
    assert_string_equal(run.recorder.last_scope, "example.org");
    assert_reply(WASI_CALL(&run, "lookup", wasi_text("127.0.0.1")), "lookup: access-denied");
    assert_int_equal(atomic_load(&resolver_calls), calls);
    wasi_run_end(&run);
}

static void test_tcp_connects_and_moves_bytes_both_ways(void **state)
{
    (void)state;
    static char line[8001];
    memset(line, 'x', sizeof(line) - 1);
    static const char *const addresses[] = {"127.0.0.1", "::1"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(addresses); i++) {
        struct server server;
        struct wasi_run run;
        start_tcp(&server, addresses[i]);
        START(&run, EGRESS("tcp"));
        assert_reply(tcp_connect(&run, addresses[i], server.port, "hello", 1), "ok: 5");
        stop(&server);
        start_tcp(&server, addresses[i]);
        assert_reply(tcp_connect(&run, addresses[i], server.port, line, 1000), "ok: 8000000");
        stop(&server);
        assert_int_equal(run.recorder.uses[TVN_CAP_NETWORK_EGRESS], 2);
        wasi_run_end(&run);
    }
}

static void test_tcp_connect_goes_only_where_it_may(void **state)
{
    (void)state;
    static const char *const refused[] = {"127.0.0.2", "::1",       "10.0.0.1", "169.254.169.254",
                                          "fe80::1",   "192.0.2.1", "8.8.8.8",  "2001:db8::1"};
    struct server server;
    struct wasi_run run;
    char grant[64];
    bind_server(&server, SOCK_STREAM, "127.0.0.1"); /* bound, but nobody listens */
    snprintf(grant, sizeof(grant), "tcp:127.0.0.1:%u", server.port);
    START(&run, EGRESS(grant));
    assert_reply(tcp_connect(&run, "127.0.0.1", server.port, "x", 1), "finish: connection-refused");
    assert_reply(tcp_connect(&run, "127.0.0.1", (uint16_t)(server.port ^ 1), "x", 1),
                 "start: access-denied");
    for (size_t i = 0; i < TVN_ARRAY_LEN(refused); i++) {
        assert_reply(tcp_connect(&run, refused[i], server.port, "x", 1), "start: access-denied");
    }
    assert_reply(tcp_connect(&run, "::ffff:127.0.0.1", server.port, "x", 1),
                 "start: invalid-argument");
    assert_reply(tcp_connect(&run, "::127.0.0.1", server.port, "x", 1), "start: invalid-argument");
    assert_reply(tcp_connect(&run, "0.0.0.0", server.port, "x", 1), "start: invalid-argument");
    assert_reply(tcp_connect(&run, "255.255.255.255", 1, "x", 1), "start: invalid-argument");
    assert_reply(udp_send(&run, "127.0.0.1", server.port, false), "bind: access-denied");
    assert_int_equal(run.recorder.denials[TVN_CAP_NETWORK_EGRESS], 2 + TVN_ARRAY_LEN(refused));
    close(server.fd);
    wasi_run_end(&run);
}

static void *ask_server(void *context)
{
    uint16_t port = *(const uint16_t *)context;
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char bytes[10] = {0};
    bool good = connect(fd, (struct sockaddr *)(void *)&to, sizeof(to)) == 0 &&
                write(fd, "hi", 2) == 2 && read(fd, bytes, sizeof(bytes)) == 2 &&
                read(fd, bytes + 2, 1) == 0;
    close(fd);
    return good ? context : NULL;
}

static void test_tcp_listens_and_accepts(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, INGRESS("tcp:127.0.0.1"));
    struct tvn_value reply = WASI_CALL(&run, "tcp-listen", parts_of("127.0.0.1"), wasi_number(0));
    assert_true(tvn_str_starts_with(reply.of.string, TVN_STR("ok: ")));
    uint16_t port = (uint16_t)strtoul(reply.of.string.ptr + 4, NULL, 10);
    pthread_t client;
    void *good = NULL;
    assert_int_equal(pthread_create(&client, NULL, ask_server, &port), 0);
    assert_reply(WASI_CALL0(&run, "tcp-accept"), "ok: hi");
    pthread_join(client, &good);
    assert_non_null(good);
    assert_int_equal(run.recorder.uses[TVN_CAP_NETWORK_INGRESS], 1);
    assert_reply(tcp_connect(&run, "127.0.0.1", port, "x", 1), "start: access-denied");
    wasi_run_end(&run);
}

static void test_tcp_listens_only_where_it_may(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, EGRESS("tcp"), INGRESS("tcp:127.0.0.1:1"));
    assert_reply(WASI_CALL(&run, "tcp-listen", parts_of("127.0.0.1"), wasi_number(0)),
                 "listen: access-denied");
    assert_reply(WASI_CALL(&run, "tcp-listen", parts_of("0.0.0.0"), wasi_number(0)),
                 "listen: access-denied");
    assert_reply(WASI_CALL(&run, "tcp-listen", parts_of("127.0.0.1"), wasi_number(4000)),
                 "bind: access-denied");
    assert_reply(WASI_CALL(&run, "tcp-listen", parts_of("::ffff:127.0.0.1"), wasi_number(0)),
                 "bind: invalid-argument");
    assert_int_equal(run.recorder.denials[TVN_CAP_NETWORK_INGRESS], 3);
    wasi_run_end(&run);
}

static void test_udp_sends_and_receives(void **state)
{
    (void)state;
    for (int connected = 0; connected < 2; connected++) {
        struct server server;
        struct wasi_run run;
        char grant[64];
        start_udp(&server, "127.0.0.1");
        snprintf(grant, sizeof(grant), "udp:127.0.0.1:%u", server.port);
        START(&run, EGRESS(grant));
        assert_reply(udp_send(&run, "127.0.0.1", server.port, connected != 0), "ok: ping");
        const char *step = connected ? "stream: access-denied" : "send: access-denied";
        assert_reply(udp_send(&run, "127.0.0.1", (uint16_t)(server.port ^ 1), connected != 0),
                     step);
        assert_reply(udp_send(&run, "127.0.0.2", server.port, connected != 0), step);
        assert_reply(udp_send(&run, "::1", server.port, connected != 0), step);
        assert_int_equal(run.recorder.denials[TVN_CAP_NETWORK_EGRESS], 3);
        step = connected ? "stream: invalid-argument" : "send: invalid-argument";
        assert_reply(udp_send(&run, "::ffff:127.0.0.1", server.port, connected != 0), step);
        assert_reply(WASI_CALL(&run, "udp-bind", parts_of("127.0.0.1"), wasi_number(4001)),
                     "bind: access-denied");
        stop(&server);
        wasi_run_end(&run);
    }
}

static void test_udp_sends_only_what_is_permitted(void **state)
{
    (void)state;
    struct wasi_run run;
    START(&run, EGRESS("udp"));
    WASI_FAULT0(&run, "udp-overrun", TVN_E_COMPONENT_TRAPPED, "only 0 are permitted");
    wasi_run_end(&run);
}

static void test_names_are_looked_up(void **state)
{
    (void)state;
    struct wasi_run run;
    START_WITH(&run, with_names, EGRESS("tcp"));
    assert_reply(WASI_CALL(&run, "lookup", wasi_text("Example.org.")),
                 "ok: 192.0.2.1 169.254.169.254 8193:0:0:0:0:0:0:9 ");
    assert_reply(WASI_CALL(&run, "lookup", wasi_text("slow.test")),
                 "ok: 192.0.2.1 169.254.169.254 8193:0:0:0:0:0:0:9 ");
    assert_reply(WASI_CALL(&run, "lookup", wasi_text("missing.test")), "next: name-unresolvable");
    assert_reply(WASI_CALL(&run, "lookup", wasi_text("broken.test")),
                 "next: permanent-resolver-failure");
    assert_reply(WASI_CALL(&run, "lookup", wasi_text("busy.test")),
                 "next: temporary-resolver-failure");
    unsigned calls = atomic_load(&resolver_calls);
    assert_reply(WASI_CALL(&run, "lookup", wasi_text("192.0.2.7")), "ok: 192.0.2.7 ");
    assert_reply(WASI_CALL(&run, "lookup", wasi_text("::ffff:192.0.2.7")), "ok: 192.0.2.7 ");
    static const char *const bad[] = {"", ".", "a b", "exa\xc3\xa4mple", "a/b", "::zz", "a%eth0"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(bad); i++) {
        struct tvn_value reply = WASI_CALL(&run, "lookup", wasi_text(bad[i]));
        assert_false(tvn_str_starts_with(reply.of.string, TVN_STR("ok")));
    }
    char name[400];
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_reply(WASI_CALL(&run, "lookup", wasi_text(name)), "lookup: invalid-argument");
    assert_int_equal(atomic_load(&resolver_calls), calls);
    wasi_run_end(&run);
}

static void test_names_lead_only_where_they_may(void **state)
{
    (void)state;
    struct server server;
    struct wasi_run run;
    char local[64];
    char rebind[64];
    start_tcp(&server, "127.0.0.1");
    snprintf(local, sizeof(local), "tcp:localhost:%u", server.port);
    snprintf(rebind, sizeof(rebind), "tcp:rebind.test:%u", server.port);
    START_WITH(&run, with_names, EGRESS(local), EGRESS(rebind));
    assert_reply(WASI_CALL(&run, "lookup", wasi_text("other.test")), "lookup: access-denied");
    assert_reply(tcp_connect(&run, "127.0.0.1", server.port, "x", 1), "start: access-denied");
    assert_reply(WASI_CALL(&run, "lookup", wasi_text("rebind.test")), "ok: 127.0.0.1 ");
    assert_reply(tcp_connect(&run, "127.0.0.1", server.port, "x", 1), "start: access-denied");
    assert_reply(WASI_CALL(&run, "lookup", wasi_text("localhost")), "ok: 127.0.0.1 ");
    assert_reply(tcp_connect(&run, "127.0.0.1", server.port, "x", 1), "ok: 1");
    assert_string_equal(run.recorder.last_scope, local);
    stop(&server);
    wasi_run_end(&run);
}

static void test_a_lookup_outlives_its_guest(void **state)
{
    (void)state;
    struct wasi_run run;
    struct tvn_wasi_options options = with_names;
    START_WITH(&run, options, EGRESS("tcp"));
    run.recorder.deadline_ns = 1; /* the wait ends at once */
    WASI_FAULT(&run, "lookup", TVN_E_COMPONENT_TIMEOUT, "time was up", wasi_text("slow.test"));
    wasi_run_end(&run);
    (void)nanosleep(&(struct timespec){.tv_nsec = 400000000}, NULL); /* the thread's own end */
}

static void test_waiting_ends_when_cancelled(void **state)
{
    (void)state;
    struct server server;
    struct wasi_run run;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    bind_server(&server, SOCK_DGRAM, "127.0.0.1"); /* nobody answers */
    struct tvn_wasi_options options = plain;
    options.cancel_fd = ends[0];
    assert_int_equal(write(ends[1], "x", 1), 1);
    START_WITH(&run, options, EGRESS("udp"));
    WASI_FAULT(&run, "udp-send", TVN_E_FLOW_CANCELLED, "cancelled", parts_of("127.0.0.1"),
               wasi_number(server.port), wasi_text("x"), wasi_bool(true));
    wasi_run_end(&run);
    close(ends[0]);
    close(ends[1]);
    close(server.fd);
}

static void test_options_and_states(void **state)
{
    (void)state;
    struct wasi_run run;
    unsigned before = path_tree_open_descriptors();
    START(&run, EGRESS(NULL), INGRESS(NULL));
    assert_reply(WASI_CALL0(&run, "options"), "");
    assert_reply(WASI_CALL0(&run, "states"), "");
    assert_reply(WASI_CALL0(&run, "exhaust"), "create: new-socket-limit");
    assert_reply(WASI_CALL0(&run, "exhaust"), "create: new-socket-limit");
    wasi_run_end(&run);
    assert_int_equal(path_tree_open_descriptors(), before);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_network_without_grant_is_denied_and_counted),
    cmocka_unit_test(test_tcp_connects_and_moves_bytes_both_ways),
    cmocka_unit_test(test_tcp_connect_goes_only_where_it_may),
    cmocka_unit_test(test_tcp_listens_and_accepts),
    cmocka_unit_test(test_tcp_listens_only_where_it_may),
    cmocka_unit_test(test_udp_sends_and_receives),
    cmocka_unit_test(test_udp_sends_only_what_is_permitted),
    cmocka_unit_test(test_names_are_looked_up),
    cmocka_unit_test(test_names_lead_only_where_they_may),
    cmocka_unit_test(test_a_lookup_outlives_its_guest),
    cmocka_unit_test(test_waiting_ends_when_cancelled),
    cmocka_unit_test(test_options_and_states),
};
TVN_TEST_MAIN_WITH("wasi.sockets", tests, load, unload)
