/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP calls over libcurl. Nobody else includes its headers. */
#include "net/http_client.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/num.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <pthread.h>

#define REUSE_VERSION 0x080000

struct tvn_http_client {
    CURLM *multi;
};

struct tvn_http_call {
    struct tvn_http_client *client;
    CURL *easy;
    struct curl_slist *headers;
    size_t answer_max;
    bool http2;
    bool too_large;
    bool no_memory;
    bool done;
    struct tvn_http_answer answer;
};

/* ---- URLs ---- */

static CURLU *parse_url(const char *url)
{
    CURLU *parsed = strnlen(url, TVN_HTTP_URL_MAX) < TVN_HTTP_URL_MAX ? curl_url() : NULL;
    if (parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK) {
        return parsed;
    }
    curl_url_cleanup(parsed);
    return NULL;
}

static void add_part(CURLU *parsed, CURLUPart part, unsigned flags, struct tvn_strbuf *out)
{
    char *text = NULL;
    if (curl_url_get(parsed, part, &text, flags) == CURLUE_OK) {
        tvn_strbuf_add_text(out, text);
    }
    curl_free(text);
}

static bool part_is(CURLU *parsed, CURLUPart part, const char *wanted)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    add_part(parsed, part, 0, &text);
    return strcmp(tvn_strbuf_text(&text), wanted) == 0;
}

bool tvn_http_url_is_valid(const char *url)
{
    tvn_assert(url);
    for (const char *c = url; *c; c++) {
        if ((unsigned char)*c <= ' ' || *c == 0x7f) {
            return false;
        }
    }
    CURLU *parsed = strstr(url, "://") ? parse_url(url) : NULL;
    bool valid =
        parsed &&
        (part_is(parsed, CURLUPART_SCHEME, "http") || part_is(parsed, CURLUPART_SCHEME, "https")) &&
        !part_is(parsed, CURLUPART_HOST, "") && part_is(parsed, CURLUPART_QUERY, "") &&
        part_is(parsed, CURLUPART_FRAGMENT, "");
    curl_url_cleanup(parsed);
    return valid;
}

void tvn_http_url_origin(const char *url, struct tvn_strbuf *out)
{
    CURLU *parsed = parse_url(url);
    if (!parsed) { /* it is valid: memory is missing */
        out->failed = true;
        return;
    }
    add_part(parsed, CURLUPART_SCHEME, 0, out);
    tvn_strbuf_add_text(out, "://");
    add_part(parsed, CURLUPART_HOST, 0, out);
    tvn_strbuf_add_char(out, ':');
    add_part(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT, out);
    curl_url_cleanup(parsed);
}

void tvn_http_url_path(const char *url, struct tvn_strbuf *out)
{
    CURLU *parsed = parse_url(url);
    if (!parsed) { /* it is valid: memory is missing */
        out->failed = true;
        return;
    }
    add_part(parsed, CURLUPART_PATH, 0, out);
    curl_url_cleanup(parsed);
}

/* ---- clients ---- */

static bool is_ready;

static void init_library(void)
{
    is_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

enum tvn_status tvn_http_client_create(struct tvn_http_client **out_client)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    tvn_assert(out_client);
    pthread_once(&once, init_library);
    struct tvn_http_client *client = is_ready ? tvn_calloc(1, sizeof(*client)) : NULL;
    if (client) {
        client->multi = curl_multi_init();
    }
    if (!client || !client->multi) {
        tvn_free(client);
        return TVN_E_OUT_OF_MEMORY;
    }
    *out_client = client;
    return TVN_OK;
}

void tvn_http_client_destroy(struct tvn_http_client *client)
{
    if (client) {
        curl_multi_cleanup(client->multi);
        tvn_free(client);
    }
}

void tvn_http_client_wake(struct tvn_http_client *client)
{
    (void)curl_multi_wakeup(client->multi); /* fails only when it is woken already */
}

/* ---- calls ---- */

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct tvn_http_call *call = context;
    size_t length = size * count;
    if (length > call->answer_max - call->answer.body.len) {
        call->too_large = true;
        return 0;
    }
    tvn_strbuf_add(&call->answer.body, bytes, length);
    call->no_memory |= call->answer.body.failed;
    return call->no_memory ? 0 : length;
}

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* A line without a colon is the status line, of which there is one for each interim answer too. */
static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
    struct tvn_http_call *call = context;
    struct tvn_strbuf *headers = &call->answer.headers;
    struct tvn_str line = {bytes, size * count};
    if (line.len > TVN_HTTP_ANSWER_HEADERS_MAX - headers->len ||
        line.len + 2 > TVN_HTTP_ANSWER_HEADERS_MAX - headers->len) {
        call->too_large = true;
        return 0;
    }
    if (tvn_str_starts_with(line, TVN_STR("HTTP/"))) {
        tvn_strbuf_reset(headers);
    }
    size_t colon = tvn_str_find(line, ':');
    if (colon != SIZE_MAX) {
        for (size_t i = 0; i < colon; i++) {
            tvn_strbuf_add_char(headers, to_lower(line.ptr[i]));
        }
        tvn_strbuf_add_char(headers, ':');
        tvn_strbuf_add_str(headers, tvn_str_trim(tvn_str_slice(line, colon + 1, line.len)));
        tvn_strbuf_add_char(headers, '\n');
        call->no_memory |= headers->failed;
    }
    return call->no_memory ? 0 : line.len;
}

static bool set_headers(struct tvn_http_call *call, const struct tvn_http_call_options *options)
{
    static const char *const always[] = {"Expect:", "Accept:"}; /* neither is sent */
    for (size_t i = 0; i < TVN_ARRAY_LEN(always) + options->header_count; i++) {
        const char *header =
            i < TVN_ARRAY_LEN(always) ? always[i] : options->headers[i - TVN_ARRAY_LEN(always)];
        struct curl_slist *longer = curl_slist_append(call->headers, header);
        if (!longer) {
            return false;
        }
        call->headers = longer;
    }
    return true;
}

static bool is_https(const char *url)
{
    return tvn_str_starts_with(tvn_str_of(url), TVN_STR("https:")) ||
           tvn_str_starts_with(tvn_str_of(url), TVN_STR("HTTPS:"));
}

#define SET(option, value) (curl_easy_setopt(call->easy, (option), (value)) == CURLE_OK)

/* libcurl before 8.0.0 cannot send a second request on a connection of HTTP/2 by prior knowledge
 * (curl's pull request 10643). */
static bool may_reuse(long version)
{
    return version != CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE ||
           curl_version_info(CURLVERSION_NOW)->version_num >= REUSE_VERSION;
}

/* libcurl's sockets are not for the processes that this one starts. */
static int close_on_exec(void *context, curl_socket_t fd, curlsocktype purpose)
{
    (void)context;
    (void)purpose;
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? CURL_SOCKOPT_OK : CURL_SOCKOPT_ERROR;
}

static bool set_version(struct tvn_http_call *call, const struct tvn_http_call_options *options)
{
    long version = CURL_HTTP_VERSION_1_1;
    if (options->http2) {
        version =
            is_https(options->url) ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
    }
    return SET(CURLOPT_HTTP_VERSION, version) &&
           (may_reuse(version) ||
            (SET(CURLOPT_FRESH_CONNECT, 1L) && SET(CURLOPT_FORBID_REUSE, 1L)));
}

static bool set_up(struct tvn_http_call *call, const struct tvn_http_call_options *options)
{
    return set_version(call, options) && SET(CURLOPT_URL, options->url) &&
           SET(CURLOPT_PROTOCOLS_STR, "http,https") && SET(CURLOPT_POST, 1L) &&
           SET(CURLOPT_POSTFIELDS, options->body.ptr) &&
           SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)options->body.len) &&
           SET(CURLOPT_HTTPHEADER, call->headers) &&
           SET(CURLOPT_USERAGENT, "torvyn/" TVN_VERSION) && SET(CURLOPT_NOSIGNAL, 1L) &&
           SET(CURLOPT_SOCKOPTFUNCTION, close_on_exec) &&
           SET(CURLOPT_QUICK_EXIT, 1L) /* a name server that is silent does not hold us */ &&
           SET(CURLOPT_NOPROGRESS, 1L) && SET(CURLOPT_FOLLOWLOCATION, 0L) &&
           SET(CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_timeout_ms) &&
           SET(CURLOPT_TIMEOUT_MS, (long)options->timeout_ms) &&
           SET(CURLOPT_WRITEFUNCTION, take_body) && SET(CURLOPT_WRITEDATA, call) &&
           SET(CURLOPT_HEADERFUNCTION, take_header) && SET(CURLOPT_HEADERDATA, call) &&
           SET(CURLOPT_PRIVATE, call);
}

enum tvn_status tvn_http_client_post(struct tvn_http_client *client,
                                     const struct tvn_http_call_options *options,
                                     struct tvn_http_call **out_call)
{
    tvn_assert(client && options && options->url && options->answer_max > 0 && out_call);
    tvn_assert(options->connect_timeout_ms > 0 && options->timeout_ms > 0);
    TVN_AUTO(tvn_http_call) call = tvn_calloc(1, sizeof(*call));
    if (!call) {
        return TVN_E_OUT_OF_MEMORY;
    }
    call->answer_max = options->answer_max;
    call->http2 = options->http2;
    tvn_strbuf_init(&call->answer.body, options->answer_max + 1);
    tvn_strbuf_init(&call->answer.headers, TVN_HTTP_ANSWER_HEADERS_MAX + 1);
    call->easy = curl_easy_init();
    if (!call->easy || !set_headers(call, options) || !set_up(call, options) ||
        curl_multi_add_handle(client->multi, call->easy) != CURLM_OK) {
        return TVN_E_OUT_OF_MEMORY;
    }
    call->client = client;
    *out_call = TVN_TAKE(call);
    return TVN_OK;
}

void tvn_http_call_destroy(struct tvn_http_call *call)
{
    if (!call) {
        return;
    }
    if (call->client) {
        (void)curl_multi_remove_handle(call->client->multi, call->easy);
    }
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    tvn_strbuf_deinit(&call->answer.headers);
    tvn_strbuf_deinit(&call->answer.body);
    tvn_free(call);
}

/* ---- answers ---- */

static enum tvn_http_failure failure_of(const struct tvn_http_call *call, CURLcode code)
{
    if (call->no_memory) {
        return TVN_HTTP_NO_MEMORY;
    }
    if (call->too_large) {
        return TVN_HTTP_TOO_LARGE;
    }
    switch ((int)code) {
    case CURLE_OK:
        return TVN_HTTP_ANSWERED;
    case CURLE_OPERATION_TIMEDOUT:
        return TVN_HTTP_TIMED_OUT;
    case CURLE_OUT_OF_MEMORY:
        return TVN_HTTP_NO_MEMORY;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
        return TVN_HTTP_UNREACHABLE;
    default:
        return TVN_HTTP_BROKEN;
    }
}

static const char *why_of(enum tvn_http_failure failure, CURLcode code)
{
    switch ((int)failure) {
    case TVN_HTTP_TOO_LARGE:
        return "the answer is too large";
    case TVN_HTTP_NO_MEMORY: /* libcurl also says so of a header beyond its own limit */
        return "memory is exhausted, or a header of the answer is too large";
    default:
        return curl_easy_strerror(code);
    }
}

static void finish(struct tvn_http_call *call, CURLcode code)
{
    long status = 0;
    long version = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(call->easy, CURLINFO_HTTP_VERSION, &version);
    curl_off_t retry_after_s = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    struct tvn_http_answer *answer = &call->answer;
    answer->retry_after_s = retry_after_s > 0 ? (uint64_t)retry_after_s : 0;
    answer->failure = failure_of(call, code);
    answer->why = why_of(answer->failure, code);
    if (answer->failure == TVN_HTTP_ANSWERED &&
        (status <= 0 || (call->http2 && version != CURL_HTTP_VERSION_2))) {
        answer->failure = TVN_HTTP_BROKEN;
        answer->why = status <= 0 ? "the answer has no status" : "the peer does not speak HTTP/2";
    }
    answer->status = answer->failure == TVN_HTTP_ANSWERED ? (unsigned)status : 0;
    call->done = true;
}

/* True: at least one call has got its answer. */
static bool harvest(struct tvn_http_client *client)
{
    int running;
    int left;
    bool any = false;
    (void)curl_multi_perform(client->multi, &running); /* a call's errors come as messages */
    for (CURLMsg *message; (message = curl_multi_info_read(client->multi, &left)) != NULL;) {
        struct tvn_http_call *call = NULL;
        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call) == CURLE_OK) {
            finish(call, message->data.result);
            any = true;
        }
    }
    return any;
}

void tvn_http_client_wait(struct tvn_http_client *client, uint32_t timeout_ms)
{
    tvn_assert(client);
    if (!harvest(client)) {
        (void)curl_multi_poll(client->multi, NULL, 0, (int)tvn_min(timeout_ms, (uint32_t)INT32_MAX),
                              NULL);
        (void)harvest(client);
    }
}

const struct tvn_http_answer *tvn_http_call_answer(const struct tvn_http_call *call)
{
    return call->done ? &call->answer : NULL;
}

bool tvn_http_answer_header(const struct tvn_http_answer *answer, const char *name,
                            struct tvn_str *out_value)
{
    struct tvn_str rest = tvn_strbuf_view(&answer->headers);
    bool found = false;
    while (rest.len > 0) {
        size_t end = tvn_str_find(rest, '\n');
        struct tvn_str line = tvn_str_slice(rest, 0, end == SIZE_MAX ? rest.len : end);
        size_t colon = tvn_str_find(line, ':');
        if (colon != SIZE_MAX && tvn_str_is(tvn_str_slice(line, 0, colon), name)) {
            *out_value = tvn_str_slice(line, colon + 1, line.len);
            found = true;
        }
        rest = tvn_str_slice(rest, end == SIZE_MAX ? rest.len : end + 1, rest.len);
    }
    return found;
}
