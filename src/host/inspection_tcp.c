/* SPDX-License-Identifier: Apache-2.0 */
/* [observability] inspection_listen and inspection_token_file: who listens on TCP asks for a token.
 */
#include "base/assert.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "host/inspection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG   64
#define PORT_MAX  65535
#define FILE_MAX  4096
#define LOOPBACK4 127 /* first byte of every IPv4 address of this machine alone */

/* ---- the address ---- */

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
    socklen_t length;
};

static bool is_loopback(const struct address *address)
{
    return address->any.sa_family == AF_INET ? ntohl(address->v4.sin_addr.s_addr) >> 24 == LOOPBACK4
                                             : IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
}

/* "127.0.0.1", "[::1]", or "localhost", which is not looked up. */
static bool parse_host(struct tvn_str host, uint16_t port, struct address *out)
{
    char text[INET6_ADDRSTRLEN];
    *out = (struct address){0};
    bool is_v6 = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    if (is_v6) {
        host = tvn_str_slice(host, 1, host.len - 1);
    } else if (tvn_str_is(host, "localhost")) {
        host = TVN_STR("127.0.0.1");
    }
    if (host.len >= sizeof(text)) {
        return false;
    }
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    if (is_v6) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons(port);
        out->length = sizeof(out->v6);
        return inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1;
    }
    out->v4.sin_family = AF_INET;
    out->v4.sin_port = htons(port);
    out->length = sizeof(out->v4);
    return inet_pton(AF_INET, text, &out->v4.sin_addr) == 1;
}

static enum tvn_status parse_address(const struct tvn_config_observability *config,
                                     struct tvn_diag_sink *sink, struct address *out)
{
    struct tvn_str text = tvn_str_of(config->inspection_listen);
    size_t colon = tvn_str_find_last(text, ':');
    struct tvn_str digits =
        colon == SIZE_MAX ? (struct tvn_str){0} : tvn_str_slice(text, colon + 1, text.len);
    uint64_t port = 0;
    if (!tvn_parse_u64(digits.ptr, digits.len, &port) || port > PORT_MAX ||
        !parse_host(tvn_str_slice(text, 0, colon), (uint16_t)port, out)) {
        (void)tvn_diag_error(sink, TVN_E_CONSTRAINT_VIOLATION, config->inspection_listen_span,
                             "inspection_listen '%s' is no ADDRESS:PORT",
                             config->inspection_listen);
        tvn_diag_help(sink, "for example \"127.0.0.1:9100\" or \"[::1]:9100\"; names are not "
                            "looked up");
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    if (!is_loopback(out)) {
        (void)tvn_diag_error(sink, TVN_E_CONSTRAINT_VIOLATION, config->inspection_listen_span,
                             "inspection_listen '%s' can be reached from other machines",
                             config->inspection_listen);
        tvn_diag_note(sink, "the inspection API speaks plain HTTP and stops flows");
        tvn_diag_help(sink, "use an address of this machine alone, such as 127.0.0.1, and let a "
                            "proxy with TLS serve others");
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    return TVN_OK;
}

enum tvn_status tvn_inspection_tcp_check(const struct tvn_manifest *manifest,
                                         struct tvn_diag_sink *sink)
{
    const struct tvn_config_observability *config = &manifest->config.observability;
    struct address address;
    if (config->inspection_listen[0] == '\0') {
        return TVN_OK;
    }
    TVN_TRY(parse_address(config, sink, &address));
    if (config->inspection_token_file[0] == '\0') {
        (void)tvn_diag_error(sink, TVN_E_CONSTRAINT_VIOLATION, config->inspection_listen_span,
                             "inspection_listen needs inspection_token_file");
        tvn_diag_note(sink, "every user of this machine could stop the flows");
        tvn_diag_help(sink, "write a token into a file of mode 0600 (openssl rand -hex 32) and "
                            "name it in inspection_token_file");
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    return TVN_OK;
}

/* ---- the token ---- */

static enum tvn_status refuse_file(const struct tvn_config_observability *config,
                                   struct tvn_diag_sink *sink, enum tvn_status code,
                                   const char *why)
{
    (void)tvn_diag_error(sink, code, config->inspection_token_file_span,
                         "the token in '%s' cannot be used: %s", config->inspection_token_file,
                         why);
    return code;
}

/* NULL, or why others may know what the file says. */
static const char *why_not_secret(int fd)
{
    struct stat info;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        return "it is no regular file";
    }
    if (info.st_uid != geteuid() && info.st_uid != 0) {
        return "the file is another user's";
    }
    return (info.st_mode & (S_IRWXG | S_IRWXO)) != 0 ? "others may read or write the file (mode "
                                                       "0600 is needed)"
                                                     : NULL;
}

/* NULL, or why it is no token. */
static const char *why_no_token(struct tvn_str token)
{
    if (token.len < TVN_INSPECTION_TOKEN_MIN) {
        return "it is shorter than 32 characters";
    }
    if (token.len > TVN_INSPECTION_TOKEN_MAX) {
        return "it is longer than 512 characters";
    }
    for (size_t i = 0; i < token.len; i++) {
        char c = token.ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_plain && (c == '\0' || !strchr("-._~+/=", c))) {
            return "it may hold letters, digits and -._~+/= only, in one line";
        }
    }
    return NULL;
}

/* The file's bytes; TVN_OK with *out_why when it is not to be used. */
static enum tvn_status read_secret(const char *path, char text[FILE_MAX], size_t *out_length,
                                   const char **out_why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return TVN_E_IO_ERROR;
    }
    *out_why = why_not_secret(fd);
    ssize_t length = *out_why ? 0 : read(fd, text, FILE_MAX);
    int error = errno;
    tvn_fd_close(&fd);
    errno = error;
    *out_length = length < 0 ? 0 : (size_t)length;
    return length < 0 ? TVN_E_IO_ERROR : TVN_OK;
}

static enum tvn_status read_token(const struct tvn_manifest *manifest, struct tvn_diag_sink *sink,
                                  char **out_token)
{
    const struct tvn_config_observability *config = &manifest->config.observability;
    TVN_AUTO_FREE char *path = tvn_path_join(manifest->directory, config->inspection_token_file);
    char text[FILE_MAX];
    size_t length = 0;
    const char *why = NULL;
    if (!path) {
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE, "no memory to start");
    }
    if (read_secret(path, text, &length, &why) != TVN_OK) {
        return refuse_file(config, sink, TVN_E_IO_ERROR, strerror(errno));
    }
    struct tvn_str token = tvn_str_trim((struct tvn_str){text, length});
    why = why ? why : why_no_token(token);
    if (why) {
        (void)refuse_file(config, sink, TVN_E_CONSTRAINT_VIOLATION, why);
        tvn_diag_help(sink, "for example: (umask 077; openssl rand -hex 32 > %s)",
                      config->inspection_token_file);
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    *out_token = tvn_strndup(token.ptr, token.len);
    explicit_bzero(text, sizeof(text));
    return *out_token
               ? TVN_OK
               : tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE, "no memory to start");
}

/* ---- the socket ---- */

static int listen_at(struct address *address)
{
    int on = 1;
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, &address->any, address->length) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, &address->any, &address->length) != 0) {
        int error = errno;
        tvn_fd_close(&fd);
        errno = error;
    }
    return fd;
}

static void name_address(const struct address *address, struct tvn_inspection_tcp *tcp)
{
    char host[INET6_ADDRSTRLEN] = "";
    bool is_v6 = address->any.sa_family == AF_INET6;
    (void)inet_ntop(address->any.sa_family,
                    is_v6 ? (const void *)&address->v6.sin6_addr
                          : (const void *)&address->v4.sin_addr,
                    host, sizeof(host));
    (void)snprintf(tcp->host, sizeof(tcp->host), is_v6 ? "[%s]" : "%s", host);
    tcp->port = ntohs(is_v6 ? address->v6.sin6_port : address->v4.sin_port);
}

enum tvn_status tvn_inspection_tcp_open(const struct tvn_manifest *manifest,
                                        struct tvn_diag_sink *sink,
                                        struct tvn_inspection_tcp *out_tcp)
{
    tvn_assert(manifest && sink && out_tcp);
    const struct tvn_config_observability *config = &manifest->config.observability;
    *out_tcp = (struct tvn_inspection_tcp){.fd = -1};
    TVN_TRY(tvn_inspection_tcp_check(manifest, sink));
    if (config->inspection_listen[0] == '\0') {
        return TVN_OK;
    }
    struct address address;
    TVN_TRY(parse_address(config, sink, &address));
    TVN_TRY(read_token(manifest, sink, &out_tcp->token));
    out_tcp->fd = listen_at(&address);
    if (out_tcp->fd < 0) {
        int error = errno;
        (void)tvn_diag_error(sink, TVN_E_IO_ERROR, config->inspection_listen_span,
                             "cannot listen at '%s': %s", config->inspection_listen,
                             strerror(error));
        if (error == EADDRINUSE) {
            tvn_diag_help(sink, "another process listens there; take another port");
        }
        tvn_inspection_tcp_close(out_tcp);
        return TVN_E_IO_ERROR;
    }
    name_address(&address, out_tcp);
    return TVN_OK;
}

void tvn_inspection_tcp_close(struct tvn_inspection_tcp *tcp)
{
    tvn_fd_close(&tcp->fd);
    if (tcp->token) {
        explicit_bzero(tcp->token, strlen(tcp->token));
        tvn_free(TVN_TAKE(tcp->token));
    }
}
