/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"
#include "host/inspect_internal.h"
#include "observability/bench.h"

#include <dirent.h>
#include <stdlib.h>

#define FOLDER           ".torvyn/bench"
#define REPORT_BYTES_MAX ((size_t)4 << 20)

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct tvn_inspection_benchmark *)a)->name,
                  ((const struct tvn_inspection_benchmark *)b)->name);
}

/* False when it is no report of ours. */
static bool read_report(const char *file, struct tvn_inspection_benchmark *out)
{
    TVN_AUTO_FREE char *path = tvn_path_join(FOLDER, file);
    TVN_AUTO_VALUE(tvn_file_bytes) bytes = {0};
    TVN_AUTO_VALUE(tvn_strbuf) why = {0};
    TVN_AUTO(tvn_json) report = NULL;
    TVN_AUTO_FREE struct tvn_bench_baseline *baseline = tvn_calloc(1, sizeof(*baseline));
    if (!path || !baseline || tvn_file_read(path, REPORT_BYTES_MAX, &bytes) != TVN_OK ||
        tvn_bench_parse((struct tvn_str){(const char *)bytes.ptr, bytes.len}, &report, &why) !=
            TVN_OK ||
        tvn_bench_read_baseline(report, baseline, &why) != TVN_OK) {
        return false;
    }
    out->throughput_eps = baseline->throughput_eps;
    out->latency_p50_us = baseline->latency_p50_us;
    out->latency_p99_us = baseline->latency_p99_us;
    return true;
}

bool inspect_benchmarks(struct tvn_inspection *inspection)
{
    struct tvn_inspection_benchmark *rows = TVN_ARENA_ARRAY(
        inspection->arena, struct tvn_inspection_benchmark, TVN_INSPECTION_BENCHMARKS_MAX);
    DIR *directory = rows ? opendir(FOLDER) : NULL;
    const struct dirent *entry;
    size_t count = 0;
    while (directory && count < TVN_INSPECTION_BENCHMARKS_MAX && (entry = readdir(directory))) {
        struct tvn_str name = tvn_str_of(entry->d_name);
        if (entry->d_name[0] == '.' || entry->d_type != DT_REG ||
            !tvn_str_ends_with(name, TVN_STR(".json")) ||
            !read_report(entry->d_name, &rows[count])) {
            continue;
        }
        rows[count].name =
            tvn_arena_strndup(inspection->arena, name.ptr, name.len - strlen(".json"));
        count += rows[count].name != NULL;
    }
    if (directory) {
        closedir(directory);
    }
    if (count > 0) {
        qsort(rows, count, sizeof(*rows), compare);
    }
    inspection->benchmarks = rows;
    inspection->benchmark_count = count;
    return rows != NULL;
}
