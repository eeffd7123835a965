/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_request.h"

#include "base/assert.h"
#include "base/num.h"

#include <strings.h>

#define LENGTH_DIGITS_MAX 15

static const struct tvn_http_refusal fine = {0};

static struct tvn_http_refusal refuse(unsigned status, const char *why)
{
    return (struct tvn_http_refusal){status, why};
}

/* ---- characters ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Of a method's or header's name. */
static bool is_token(struct tvn_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!is_alpha(c) && !is_digit(c) && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c))) {
            return false;
        }
    }
    return text.len > 0;
}

static bool is_value(struct tvn_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

/* Of a path or query; an escape must not hide a control character. */
static bool is_target(struct tvn_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            int high = i + 2 < text.len ? hex_value(text.ptr[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_value(text.ptr[i + 2]) : -1;
            if (high < 0 || low < 0 || high * 16 + low < 0x20 || high * 16 + low == 0x7f) {
                return false;
            }
            i += 2;
        } else if (!is_alpha(c) && !is_digit(c) &&
                   (c == '\0' || !strchr("-._~!$&'()*+,;=:@/?", c))) {
            return false;
        }
    }
    return true;
}

static bool same_name(struct tvn_str name, const char *other)
{
    return name.len == strlen(other) && strncasecmp(name.ptr, other, name.len) == 0;
}

static struct tvn_str trim_blanks(struct tvn_str text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) {
        text = tvn_str_slice(text, 1, text.len);
    }
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t')) {
        text.len--;
    }
    return text;
}

/* ---- the request line ---- */

static struct tvn_http_refusal parse_version(struct tvn_str text)
{
    bool is_version = text.len == 8 && memcmp(text.ptr, "HTTP/", 5) == 0 && is_digit(text.ptr[5]) &&
                      text.ptr[6] == '.' && is_digit(text.ptr[7]);
    if (!is_version) {
        return refuse(400, "bad version");
    }
    return tvn_str_is(text, "HTTP/1.1") ? fine : refuse(505, "not HTTP/1.1");
}

static struct tvn_http_refusal parse_line(struct tvn_str line, struct tvn_http_head *head)
{
    size_t first = tvn_str_find(line, ' ');
    size_t last = tvn_str_find_last(line, ' ');
    if (first == SIZE_MAX || first == last) {
        return refuse(400, "bad request line");
    }
    struct tvn_str method = tvn_str_slice(line, 0, first);
    struct tvn_str target = tvn_str_slice(line, first + 1, last);
    if (!is_token(method)) {
        return refuse(400, "bad method");
    }
    struct tvn_http_refusal refusal = parse_version(tvn_str_slice(line, last + 1, line.len));
    if (refusal.status != 0) {
        return refusal;
    }
    if (target.len == 0 || target.ptr[0] != '/' || !is_target(target)) {
        return refuse(400, "bad target");
    }
    size_t mark = tvn_str_find(target, '?');
    head->path = tvn_str_slice(target, 0, mark == SIZE_MAX ? target.len : mark);
    head->query =
        mark == SIZE_MAX ? (struct tvn_str){"", 0} : tvn_str_slice(target, mark + 1, target.len);
    head->is_post = tvn_str_is(method, "POST");
    head->is_head = tvn_str_is(method, "HEAD");
    return head->is_post || head->is_head || tvn_str_is(method, "GET")
               ? fine
               : refuse(405, "method not allowed");
}

/* ---- headers ---- */

/* Those that may be there once, and mean something here. */
enum single {
    SINGLE_HOST,
    SINGLE_LENGTH,
    SINGLE_ENCODING,
    SINGLE_TYPE,
    SINGLE_AUTHORIZATION,
    SINGLE_ORIGIN,
    SINGLE_EXPECT,
    SINGLE_COUNT,
};
static const char *const single_names[SINGLE_COUNT] = {
    [SINGLE_HOST] = "Host",
    [SINGLE_LENGTH] = "Content-Length",
    [SINGLE_ENCODING] = "Transfer-Encoding",
    [SINGLE_TYPE] = "Content-Type",
    [SINGLE_AUTHORIZATION] = "Authorization",
    [SINGLE_ORIGIN] = "Origin",
    [SINGLE_EXPECT] = "Expect",
};

/* "close" among the options of Connection. */
static bool says_close(struct tvn_str value)
{
    while (value.len > 0) {
        size_t comma = tvn_str_find(value, ',');
        size_t end = comma == SIZE_MAX ? value.len : comma;
        if (same_name(trim_blanks(tvn_str_slice(value, 0, end)), "close")) {
            return true;
        }
        value = tvn_str_slice(value, comma == SIZE_MAX ? end : end + 1, value.len);
    }
    return false;
}

static struct tvn_http_refusal parse_header(struct tvn_str line, struct tvn_http_head *head,
                                            struct tvn_str singles[SINGLE_COUNT])
{
    size_t colon = tvn_str_find(line, ':');
    struct tvn_str name = tvn_str_slice(line, 0, colon == SIZE_MAX ? 0 : colon);
    if (!is_token(name)) { /* a folded line and a space before the colon, too */
        return refuse(400, "bad header");
    }
    struct tvn_str value = trim_blanks(tvn_str_slice(line, colon + 1, line.len));
    if (!is_value(value)) {
        return refuse(400, "bad header");
    }
    if (same_name(name, "Connection") && says_close(value)) {
        head->keep_alive = false;
    }
    for (unsigned i = 0; i < SINGLE_COUNT; i++) {
        if (same_name(name, single_names[i])) {
            if (singles[i].ptr) {
                return refuse(400, "ambiguous request");
            }
            singles[i] = value;
        }
    }
    return fine;
}

static struct tvn_http_refusal parse_length(struct tvn_str value, struct tvn_http_head *head)
{
    for (size_t i = 0; i < value.len; i++) {
        if (!is_digit(value.ptr[i])) {
            return refuse(400, "bad length");
        }
    }
    if (value.len == 0) {
        return refuse(400, "bad length");
    }
    if (value.len > LENGTH_DIGITS_MAX ||
        !tvn_parse_u64(value.ptr, value.len, &head->content_length)) {
        return refuse(413, "body too large");
    }
    return fine;
}

static struct tvn_http_refusal settle(struct tvn_str singles[SINGLE_COUNT],
                                      struct tvn_http_head *head)
{
    if (!singles[SINGLE_HOST].ptr) {
        return refuse(400, "no host");
    }
    if (singles[SINGLE_ENCODING].ptr) {
        return singles[SINGLE_LENGTH].ptr ? refuse(400, "ambiguous request")
                                          : refuse(411, "length required");
    }
    if (singles[SINGLE_LENGTH].ptr) {
        struct tvn_http_refusal refusal = parse_length(singles[SINGLE_LENGTH], head);
        if (refusal.status != 0) {
            return refusal;
        }
    }
    if (head->content_length > 0 && !head->is_post) {
        return refuse(400, "a body that nobody asked for");
    }
    if (singles[SINGLE_EXPECT].ptr) {
        return refuse(417, "expectation failed");
    }
    head->host = singles[SINGLE_HOST];
    head->authorization = singles[SINGLE_AUTHORIZATION];
    head->content_type = singles[SINGLE_TYPE];
    head->has_origin = singles[SINGLE_ORIGIN].ptr != NULL;
    return fine;
}

/* Takes a line off the front of *rest, without its end. */
static struct tvn_str next_line(struct tvn_str *rest)
{
    size_t end = tvn_str_find(*rest, '\n');
    tvn_assert(end != SIZE_MAX && end > 0);
    struct tvn_str line = tvn_str_slice(*rest, 0, end - 1);
    *rest = tvn_str_slice(*rest, end + 1, rest->len);
    return line;
}

size_t tvn_http_head_length(struct tvn_str bytes)
{
    size_t line = 0; /* where it began */
    for (size_t i = 0; i < bytes.len; i++) {
        char c = bytes.ptr[i];
        bool after_return = i > 0 && bytes.ptr[i - 1] == '\r';
        if (c == '\0' || (c == '\n') != after_return) {
            return TVN_HTTP_HEAD_BROKEN;
        }
        if (c != '\n') {
            continue;
        }
        if (i == line + 1) { /* an empty line */
            return line == 0 ? TVN_HTTP_HEAD_BROKEN : i + 1;
        }
        line = i + 1;
    }
    return 0;
}

struct tvn_http_refusal tvn_http_head_parse(struct tvn_str bytes, struct tvn_http_head *out_head)
{
    tvn_assert(out_head && tvn_http_head_length(bytes) == bytes.len);
    *out_head = (struct tvn_http_head){.keep_alive = true};
    struct tvn_str rest = bytes;
    struct tvn_http_refusal refusal = parse_line(next_line(&rest), out_head);
    struct tvn_str singles[SINGLE_COUNT] = {{0}};
    unsigned count = 0;
    while (refusal.status == 0) {
        struct tvn_str line = next_line(&rest);
        if (line.len == 0) {
            return settle(singles, out_head);
        }
        refusal = count++ == TVN_HTTP_HEADERS_MAX ? refuse(431, "too many headers")
                                                  : parse_header(line, out_head, singles);
    }
    return refusal;
}

/* ---- who may ask ---- */

static bool host_is(struct tvn_str host, const char *name, uint16_t port)
{
    size_t length = strlen(name);
    if (host.len < length || strncasecmp(host.ptr, name, length) != 0) {
        return false;
    }
    struct tvn_str rest = tvn_str_slice(host, length, host.len);
    if (rest.len == 0) {
        return port == 0 || port == 80;
    }
    uint64_t given;
    return rest.ptr[0] == ':' && rest.len >= 2 && rest.len <= 6 &&
           tvn_parse_u64(rest.ptr + 1, rest.len - 1, &given) && (port == 0 || given == port);
}

static bool host_allowed(struct tvn_str host, const struct tvn_http_policy *policy)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(names); i++) {
        if (host_is(host, names[i], policy->port)) {
            return true;
        }
    }
    return policy->host && host_is(host, policy->host, policy->port);
}

/* Takes as long for any text of the same length. */
static bool is_secret(struct tvn_str given, struct tvn_str secret)
{
    volatile unsigned difference = given.len == secret.len ? 0 : 1;
    for (size_t i = 0; i < given.len; i++) {
        difference |= (unsigned char)given.ptr[i] ^ (unsigned char)secret.ptr[i % secret.len];
    }
    return difference == 0;
}

static bool token_allowed(struct tvn_str authorization, const char *token)
{
    static const char scheme[] = "Bearer ";
    if (!authorization.ptr || authorization.len < sizeof(scheme) - 1 ||
        strncasecmp(authorization.ptr, scheme, sizeof(scheme) - 1) != 0) {
        return false;
    }
    struct tvn_str given = tvn_str_slice(authorization, sizeof(scheme) - 1, authorization.len);
    return token[0] != '\0' && is_secret(given, tvn_str_of(token));
}

static bool is_json(struct tvn_str type)
{
    size_t semicolon = tvn_str_find(type, ';');
    struct tvn_str media =
        trim_blanks(tvn_str_slice(type, 0, semicolon == SIZE_MAX ? type.len : semicolon));
    struct tvn_str rest = semicolon == SIZE_MAX
                              ? (struct tvn_str){0}
                              : trim_blanks(tvn_str_slice(type, semicolon + 1, type.len));
    return same_name(media, "application/json") &&
           (semicolon == SIZE_MAX || same_name(rest, "charset=utf-8"));
}

struct tvn_http_refusal tvn_http_judge(const struct tvn_http_head *head,
                                       const struct tvn_http_policy *policy)
{
    tvn_assert(head && policy);
    if (policy->peer_refused) {
        return refuse(403, "not your process");
    }
    if (head->has_origin || !host_allowed(head->host, policy)) {
        return refuse(403, "not for browsers");
    }
    if (policy->token && !token_allowed(head->authorization, policy->token)) {
        return refuse(401, "token required");
    }
    if (head->is_post && !(head->content_type.ptr && is_json(head->content_type))) {
        return refuse(415, "not application/json");
    }
    return head->content_length > TVN_HTTP_BODY_MAX ? refuse(413, "body too large") : fine;
}

/* ---- targets ---- */

void tvn_http_unescape(struct tvn_str text, struct tvn_strbuf *out)
{
    tvn_assert(out);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '%' && i + 2 < text.len) {
            tvn_strbuf_add_char(
                out, (char)(hex_value(text.ptr[i + 1]) * 16 + hex_value(text.ptr[i + 2])));
            i += 2;
        } else {
            tvn_strbuf_add_char(out, text.ptr[i]);
        }
    }
}

bool tvn_http_query_find(struct tvn_str query, const char *name, struct tvn_str *out_value)
{
    tvn_assert(name && out_value);
    while (query.len > 0) {
        size_t end = tvn_str_find(query, '&');
        struct tvn_str pair = tvn_str_slice(query, 0, end == SIZE_MAX ? query.len : end);
        size_t equals = tvn_str_find(pair, '=');
        size_t name_end = equals == SIZE_MAX ? pair.len : equals;
        if (tvn_str_is(tvn_str_slice(pair, 0, name_end), name)) {
            *out_value = tvn_str_slice(pair, equals == SIZE_MAX ? pair.len : equals + 1, pair.len);
            return true;
        }
        query = end == SIZE_MAX ? (struct tvn_str){0} : tvn_str_slice(query, end + 1, query.len);
    }
    return false;
}

const char *tvn_http_reason(unsigned status)
{
    static const struct {
        unsigned status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {202, "Accepted"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(reasons); i++) {
        if (reasons[i].status == status) {
            return reasons[i].reason;
        }
    }
    return "Other";
}
