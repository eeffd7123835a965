/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wit-dump: what our WIT front end makes of a file or folder, as JSON in the shape of wit-parser's
 * (lists that refer to each other by index) or as WIT again. Exit 0; 1 when the text is refused
 * (errors go to stderr as FILE:LINE:COLUMN: CODE: MESSAGE), 2 for a wrong command line or when
 * writing fails.
 */
#include "base/arena.h"
#include "base/diag.h"
#include "base/file.h"
#include "programs/wit_dump_internal.h"

#include <stdio.h>
#include <unistd.h>

static const char usage[] =
    "usage: wit-dump PATH [--format json|wit] [--features A,B | --all-features]\n";

struct options {
    const char *path;
    const char *features;
    bool all_features;
    bool as_wit;
};

static void print_errors(const struct tvn_diag_sink *sink)
{
    for (size_t i = 0; i < tvn_diag_count(sink); i++) {
        const struct tvn_diagnostic *diagnostic = tvn_diag_at(sink, i);
        const struct tvn_diag_source *source = tvn_diag_source(sink, diagnostic->primary.span.file);
        struct tvn_diag_place place = {0};
        (void)tvn_diag_locate(sink, diagnostic->primary.span, &place);
        fprintf(stderr, "%s:%u:%u: %s: %s\n", source ? source->name : "", (unsigned)place.line,
                (unsigned)place.column, tvn_status_code(diagnostic->code), diagnostic->message);
    }
}

static bool enable_features(struct tvn_wit *wit, const struct options *options)
{
    struct tvn_str rest = tvn_str_of(options->features);
    while (rest.len > 0) {
        size_t comma = tvn_str_find(rest, ',');
        size_t end = comma == SIZE_MAX ? rest.len : comma;
        if (end > 0 && tvn_wit_enable_feature(wit, tvn_str_slice(rest, 0, end)) != TVN_OK) {
            return false;
        }
        rest = tvn_str_slice(rest, comma == SIZE_MAX ? rest.len : comma + 1, rest.len);
    }
    if (options->all_features) {
        tvn_wit_enable_all_features(wit);
    }
    return true;
}

/* The first package, the others as blocks in it: a file that parses again. */
static void print_packages(const struct tvn_wit *wit, struct tvn_strbuf *out)
{
    for (size_t i = 0; i < tvn_wit_package_count(wit); i++) {
        if (i == 0) {
            tvn_wit_print_package(tvn_wit_package_at(wit, i), out);
            continue;
        }
        tvn_strbuf_add_char(out, '\n');
        tvn_wit_print_nested_package(tvn_wit_package_at(wit, i), out);
    }
}

static int dump(const struct options *options)
{
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    TVN_AUTO(tvn_wit) wit = tvn_wit_create();
    if (!sink || !wit || !enable_features(wit, options)) {
        fprintf(stderr, "out of memory\n");
        return 2;
    }
    if (tvn_wit_add_path(wit, options->path, sink) != TVN_OK ||
        tvn_wit_resolve(wit, sink) != TVN_OK) {
        print_errors(sink);
        return 1;
    }
    TVN_AUTO_VALUE(tvn_strbuf) out = {.max = (size_t)1 << 30};
    bool failed = false;
    if (options->as_wit) {
        print_packages(wit, &out);
    } else {
        struct tvn_dump lists;
        tvn_dump_init(&lists, wit);
        if (!lists.failed) {
            tvn_dump_write_json(&lists, &out);
        }
        failed = lists.failed;
        tvn_dump_deinit(&lists);
    }
    failed |= out.failed || tvn_fd_write_all(STDOUT_FILENO, out.ptr, out.len) != TVN_OK;
    return failed ? 2 : 0;
}

static bool parse_options(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        struct tvn_str word = tvn_str_of(argv[i]);
        bool more = i + 1 < argc;
        if (tvn_str_is(word, "--all-features")) {
            options->all_features = true;
        } else if (tvn_str_is(word, "--features") && more) {
            options->features = argv[++i];
        } else if (tvn_str_is(word, "--format") && more) {
            struct tvn_str format = tvn_str_of(argv[++i]);
            options->as_wit = tvn_str_is(format, "wit");
            if (!options->as_wit && !tvn_str_is(format, "json")) {
                return false;
            }
        } else if (word.len > 0 && word.ptr[0] != '-' && !options->path) {
            options->path = argv[i];
        } else {
            return false;
        }
    }
    return options->path != NULL;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    if (!parse_options(argc, argv, &options)) {
        fputs(usage, stderr);
        return 2;
    }
    return dump(&options);
}
