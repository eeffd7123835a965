/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as WIT: errors whose places lie within the text, or a model that prints as WIT which
 * reads back and prints the same. A line that starts with "//= " separates files, each its own
 * package directory.
 */
#include "base/assert.h"
#include "base/diag.h"
#include "contracts/wit.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILES_MAX 8

static void check_diagnostics(const struct tvn_diag_sink *sink, enum tvn_status status,
                              size_t errors_before)
{
    tvn_assert(status >= TVN_OK);
    tvn_assert((status != TVN_OK) == (tvn_diag_error_count(sink) > errors_before));
    for (size_t i = 0; i < tvn_diag_count(sink); i++) {
        const struct tvn_diagnostic *diagnostic = tvn_diag_at(sink, i);
        const struct tvn_diag_source *source = tvn_diag_source(sink, diagnostic->primary.span.file);
        struct tvn_diag_place place;
        if (source) {
            tvn_assert((size_t)diagnostic->primary.span.offset + diagnostic->primary.span.length <=
                       source->text.len);
            tvn_assert(tvn_diag_locate(sink, diagnostic->primary.span, &place));
        }
    }
}

/* Adds the parts of the input; false after an error. */
static bool add_parts(struct tvn_wit *wit, struct tvn_str text, struct tvn_diag_sink *sink)
{
    bool clean = true;
    for (int i = 0; i < FILES_MAX && text.len > 0; i++) {
        const char *mark = memmem(text.ptr, text.len, "\n//= ", 5);
        size_t end = mark ? (size_t)(mark - text.ptr) + 1 : text.len;
        char name[32];
        snprintf(name, sizeof(name), "%d/a.wit", i);
        size_t errors = tvn_diag_error_count(sink);
        enum tvn_status status = tvn_wit_add_text(wit, name, tvn_str_slice(text, 0, end), sink);
        check_diagnostics(sink, status, errors);
        clean &= status == TVN_OK;
        const char *line = mark ? memchr(mark + 1, '\n', text.len - end) : NULL;
        text =
            line ? tvn_str_slice(text, (size_t)(line - text.ptr), text.len) : (struct tvn_str){0};
    }
    return clean;
}

static void print_all(const struct tvn_wit *wit, struct tvn_strbuf *out)
{
    for (size_t i = 0; i < tvn_wit_package_count(wit); i++) {
        const struct tvn_package *package = tvn_wit_package_at(wit, i);
        tvn_strbuf_add_text(out, i == 0 ? "" : "\n//= ----\n");
        tvn_wit_print_package(package, out);
        TVN_AUTO_VALUE(tvn_strbuf) ignored = {.max = (size_t)1 << 20};
        for (size_t w = 0; w < package->world_count; w++) {
            tvn_wit_print_world(package->worlds[w], &ignored);
        }
    }
}

static void check_reads_back(struct tvn_str printed)
{
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    TVN_AUTO(tvn_wit) wit = tvn_wit_create();
    TVN_AUTO_VALUE(tvn_strbuf) again = {.max = (size_t)4 << 20};
    if (!sink || !wit) {
        return;
    }
    tvn_wit_enable_all_features(wit);
    tvn_assert(add_parts(wit, printed, sink));
    tvn_assert(tvn_wit_resolve(wit, sink) == TVN_OK);
    print_all(wit, &again);
    tvn_assert(!again.failed && tvn_str_equal(tvn_strbuf_view(&again), printed));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    TVN_AUTO(tvn_wit) wit = tvn_wit_create();
    if (!sink || !wit) {
        return 0;
    }
    if (size > 0 && data[0] == '+') {
        tvn_wit_enable_all_features(wit);
        data++;
        size--;
    }
    bool clean = add_parts(wit, (struct tvn_str){(const char *)data, size}, sink);
    size_t errors = tvn_diag_error_count(sink);
    enum tvn_status status = tvn_wit_resolve(wit, sink);
    check_diagnostics(sink, status, errors);
    TVN_AUTO_VALUE(tvn_strbuf) printed = {.max = (size_t)1 << 20};
    print_all(wit, &printed);
    if (clean && status == TVN_OK && !printed.failed && tvn_wit_package_count(wit) <= FILES_MAX) {
        check_reads_back(tvn_strbuf_view(&printed));
    }
    return 0;
}
