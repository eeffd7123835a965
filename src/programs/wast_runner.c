/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wast-runner: executes scripts of the public WebAssembly test suites, in the JSON form that
 * `wasm-tools json-from-wast` gives them, on the component layer. Prints a line per failing command
 * (with --verbose per command) and "N passed, N failed" with ", N skipped" when some were. Exit 0
 * when nothing failed, 1 when something did, 2 when a script cannot be read.
 */
#include "base/diag.h"
#include "base/file.h"
#include "programs/wast_runner_internal.h"

#include <inttypes.h>
#include <stdio.h>

static const char usage[] =
    "Usage: wast-runner [--verbose] [--validate] FILE.json...\n"
    "\n"
    "Executes scripts made by `wasm-tools json-from-wast` and prints every command that fails.\n"
    "\n"
    "  -v, --verbose   print every command, also those that are skipped\n"
    "      --validate  check what is valid and what is not; run nothing\n"
    "  -h, --help      this text\n";

struct options {
    bool verbose;
    bool validate_only;
};

static void report(const struct tvn_wast_run *run, const struct tvn_json *command,
                   enum tvn_wast_outcome outcome, const struct tvn_strbuf *reason)
{
    static const char *const names[] = {
        [TVN_WAST_PASSED] = "passed", [TVN_WAST_FAILED] = "failed", [TVN_WAST_SKIPPED] = "skipped"};
    if (outcome != TVN_WAST_FAILED && !run->verbose) {
        return;
    }
    const struct tvn_json *line = tvn_json_get(command, "line");
    const struct tvn_json *type = tvn_json_get(command, "type");
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_strbuf_add_escaped(&text, tvn_strbuf_view(reason));
    struct tvn_str kind =
        type && tvn_json_kind(type) == TVN_JSON_STRING ? tvn_json_string(type) : TVN_STR("?");
    printf("%.*s:%" PRId64 ": %.*s: %s%s%s\n", TVN_STR_ARG(run->source),
           line && tvn_json_kind(line) == TVN_JSON_INTEGER ? tvn_json_integer(line) : 0,
           TVN_STR_ARG(kind), names[outcome], text.len > 0 ? ": " : "", tvn_strbuf_text(&text));
}

static void run_commands(struct tvn_wast_run *run, const struct tvn_json *commands)
{
    for (size_t i = 0; i < tvn_json_count(commands); i++) {
        TVN_AUTO_VALUE(tvn_strbuf) reason = {0};
        const struct tvn_json *command = tvn_json_at(commands, i);
        enum tvn_wast_outcome outcome = tvn_wast_execute(run, command, &reason);
        run->counts.passed += outcome == TVN_WAST_PASSED;
        run->counts.failed += outcome == TVN_WAST_FAILED;
        run->counts.skipped += outcome == TVN_WAST_SKIPPED;
        report(run, command, outcome, &reason);
    }
}

static bool read_script(const char *path, struct tvn_json **out_script)
{
    TVN_AUTO_VALUE(tvn_file_bytes) bytes = {0};
    struct tvn_json_error error = {0};
    if (tvn_file_read(path, TVN_JSON_SIZE_MAX, &bytes) != TVN_OK) {
        perror(path);
        return false;
    }
    struct tvn_str text = {(const char *)bytes.ptr, bytes.len};
    if (tvn_json_parse_with_nul(text, out_script, &error) != TVN_OK) {
        fprintf(stderr, "%s: byte %zu: %s\n", path, error.offset, error.text);
        return false;
    }
    if (!tvn_json_get(*out_script, "commands")) {
        fprintf(stderr, "%s: not made by `wasm-tools json-from-wast`\n", path);
        return false;
    }
    return true;
}

static bool run_script(struct tvn_engine *engine, const char *path, const struct options *options,
                       struct tvn_wast_counts *counts)
{
    TVN_AUTO(tvn_json) script = NULL;
    if (!read_script(path, &script)) {
        return false;
    }
    TVN_AUTO_FREE char *directory = tvn_path_dirname(path);
    struct tvn_wast_run run = {.engine = engine,
                               .directory = directory,
                               .source = tvn_str_of(path),
                               .arena = tvn_arena_create(0),
                               .verbose = options->verbose,
                               .validate_only = options->validate_only};
    if (!run.arena || !directory) {
        tvn_arena_destroy(run.arena);
        fprintf(stderr, "%s: out of memory\n", path);
        return false;
    }
    const struct tvn_json *source = tvn_json_get(script, "source_filename");
    if (source && tvn_json_kind(source) == TVN_JSON_STRING) {
        run.source = tvn_json_string(source);
    }
    run_commands(&run, tvn_json_get(script, "commands"));
    counts->passed += run.counts.passed;
    counts->failed += run.counts.failed;
    counts->skipped += run.counts.skipped;
    tvn_wast_run_deinit(&run);
    return true;
}

static int run_scripts(char **paths, int count, const struct options *options)
{
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    TVN_AUTO(tvn_engine) engine = NULL;
    const struct tvn_engine_options engine_options = {.multi_memory = true};
    if (!sink || tvn_engine_create(&engine_options, sink, &engine) != TVN_OK) {
        fprintf(stderr, "the engine cannot be started\n");
        return 2;
    }
    struct tvn_wast_counts counts = {0};
    bool all_read = true;
    for (int i = 0; i < count; i++) {
        all_read = run_script(engine, paths[i], options, &counts) && all_read;
    }
    printf("%u passed, %u failed", counts.passed, counts.failed);
    if (counts.skipped > 0) {
        printf(", %u skipped", counts.skipped);
    }
    printf("\n");
    return !all_read ? 2 : counts.failed > 0 ? 1 : 0;
}

static bool is_option(const char *argument, const char *name, const char *letter)
{
    return strcmp(argument, name) == 0 || strcmp(argument, letter) == 0;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    int first = 1;
    for (; first < argc && argv[first][0] == '-'; first++) {
        if (is_option(argv[first], "--help", "-h")) {
            fputs(usage, stdout);
            return 0;
        }
        if (is_option(argv[first], "--verbose", "-v")) {
            options.verbose = true;
        } else if (strcmp(argv[first], "--validate") == 0) {
            options.validate_only = true;
        } else {
            fprintf(stderr, "wast-runner: unknown option '%s'\n%s", argv[first], usage);
            return 2;
        }
    }
    if (first == argc) {
        fputs(usage, stderr);
        return 2;
    }
    return run_scripts(argv + first, argc - first, &options);
}
