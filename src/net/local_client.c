/* SPDX-License-Identifier: Apache-2.0 */
#include "net/local_client.h"

#include "base/assert.h"
#include "base/clock.h"

#include <curl/curl.h>
#include <pthread.h>

#define STEP_MS  100
#define URL_MAX  4096
#define MS_TO_NS UINT64_C(1000000)

struct transfer {
    const struct tvn_local_request *request;
    CURL *curl;
    struct tvn_strbuf *body;
    size_t headers;    /* bytes */
    uint64_t since_ns; /* of the request; of a stream, when it said something last */
    bool stopped;
    bool too_large;
};

static void start_library(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

const char *tvn_local_result_text(enum tvn_local_result result)
{
    static const char *const texts[] = {
        [TVN_LOCAL_ANSWERED] = "answered",
        [TVN_LOCAL_STOPPED] = "stopped",
        [TVN_LOCAL_NOBODY] = "it takes no connections",
        [TVN_LOCAL_TIMED_OUT] = "no answer in time",
        [TVN_LOCAL_TOO_LARGE] = "the answer is too large",
        [TVN_LOCAL_BROKEN] = "the answer is broken off, or no HTTP",
        [TVN_LOCAL_NO_MEMORY] = "no memory",
    };
    tvn_assert((size_t)result < TVN_ARRAY_LEN(texts));
    return texts[result];
}

/* ---- what comes ---- */

static bool is_stream(const struct transfer *transfer)
{
    long status = 0;
    (void)curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    return transfer->request->take && status == 200;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t length = size * count; /* size is 1, says libcurl */
    if (is_stream(transfer)) {
        transfer->since_ns = tvn_clock_monotonic_ns();
        struct tvn_str part = {bytes, length};
        if (!transfer->request->take(transfer->request->context, part)) {
            transfer->stopped = true;
            return 0;
        }
        return length;
    }
    tvn_strbuf_add(transfer->body, bytes, length);
    transfer->too_large = transfer->body->failed;
    return transfer->too_large ? 0 : length;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    (void)bytes;
    transfer->headers += size * count;
    transfer->too_large = transfer->headers > TVN_LOCAL_HEADERS_MAX;
    return transfer->too_large ? 0 : size * count;
}

/* ---- the request ---- */

static bool set_up(struct transfer *transfer, const char *url, struct curl_slist *headers)
{
    const struct tvn_local_request *request = transfer->request;
    CURL *curl = transfer->curl;
    CURLcode codes[] = {
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, request->socket_path),
        curl_easy_setopt(curl, CURLOPT_URL, url),
        curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L),
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http"),
        curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1),
        curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L),
        curl_easy_setopt(curl, CURLOPT_PROXY, ""),
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L),
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers),
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body),
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer),
        curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header),
        curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer),
        request->post ? curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->post) : CURLE_OK,
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(codes); i++) {
        if (codes[i] != CURLE_OK) {
            return false;
        }
    }
    return true;
}

static bool is_late(const struct transfer *transfer)
{
    return tvn_clock_monotonic_ns() - transfer->since_ns >
           (uint64_t)transfer->request->timeout_ms * MS_TO_NS;
}

/* What became of the only transfer of the handle. */
static CURLcode outcome_of(CURLM *multi)
{
    int left = 0;
    for (CURLMsg *message = curl_multi_info_read(multi, &left); message;
         message = curl_multi_info_read(multi, &left)) {
        if (message->msg == CURLMSG_DONE) {
            return message->data.result;
        }
    }
    return CURLE_RECV_ERROR;
}

static enum tvn_local_result judge(const struct transfer *transfer, CURLcode code)
{
    if (transfer->stopped) {
        return TVN_LOCAL_STOPPED;
    }
    if (transfer->too_large) {
        return TVN_LOCAL_TOO_LARGE;
    }
    if (code == CURLE_COULDNT_CONNECT) {
        return TVN_LOCAL_NOBODY;
    }
    if (code == CURLE_OUT_OF_MEMORY) {
        return TVN_LOCAL_NO_MEMORY;
    }
    return code == CURLE_OK ? TVN_LOCAL_ANSWERED : TVN_LOCAL_BROKEN;
}

static enum tvn_local_result run(struct transfer *transfer, CURLM *multi)
{
    const struct tvn_local_request *request = transfer->request;
    int running = 1;
    transfer->since_ns = tvn_clock_monotonic_ns();
    while (true) {
        if (curl_multi_perform(multi, &running) != CURLM_OK) {
            return TVN_LOCAL_NO_MEMORY;
        }
        if (running == 0) {
            return judge(transfer, outcome_of(multi));
        }
        if (request->goes_on && !request->goes_on(request->context)) {
            return TVN_LOCAL_STOPPED;
        }
        if (is_late(transfer)) {
            return TVN_LOCAL_TIMED_OUT;
        }
        (void)curl_multi_poll(multi, NULL, 0, STEP_MS, NULL);
    }
}

static enum tvn_local_result run_with(struct transfer *transfer, const char *url,
                                      struct curl_slist *headers, unsigned *out_status)
{
    enum tvn_local_result result = TVN_LOCAL_NO_MEMORY;
    CURLM *multi = curl_multi_init();
    transfer->curl = curl_easy_init();
    if (multi && transfer->curl && set_up(transfer, url, headers) &&
        curl_multi_add_handle(multi, transfer->curl) == CURLM_OK) {
        result = run(transfer, multi);
        long status = 0;
        (void)curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
        if (result == TVN_LOCAL_ANSWERED && (status < 100 || status > 599)) {
            result = TVN_LOCAL_BROKEN;
        } else if (result == TVN_LOCAL_ANSWERED) {
            *out_status = (unsigned)status;
        }
        (void)curl_multi_remove_handle(multi, transfer->curl);
    }
    curl_easy_cleanup(transfer->curl);
    (void)curl_multi_cleanup(multi);
    return result;
}

enum tvn_local_result tvn_local_call(const struct tvn_local_request *request, unsigned *out_status,
                                     struct tvn_strbuf *out_body)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    tvn_assert(request && out_status && out_body && request->target[0] == '/');
    pthread_once(&once, start_library);
    TVN_AUTO_VALUE(tvn_strbuf) url = {0};
    tvn_strbuf_init(&url, URL_MAX);
    tvn_strbuf_printf(&url, "http://localhost%s", request->target);
    /* "Expect:" keeps a body from waiting for a 100. */
    struct curl_slist *type = curl_slist_append(NULL, "Content-Type: application/json");
    struct curl_slist *headers = type ? curl_slist_append(type, "Expect:") : NULL;
    if (url.failed || !headers) {
        curl_slist_free_all(type);
        return TVN_LOCAL_NO_MEMORY;
    }
    tvn_strbuf_deinit(out_body);
    tvn_strbuf_init(out_body, request->body_max > 0 ? request->body_max : TVN_LOCAL_BODY_DEFAULT);
    struct transfer transfer = {.request = request, .body = out_body};
    enum tvn_local_result result = run_with(&transfer, tvn_strbuf_text(&url), headers, out_status);
    curl_slist_free_all(headers);
    return result;
}
