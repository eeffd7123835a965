/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/figures.h"

#include "base/str.h"

#include <inttypes.h>

#define NS_PER_MS     1e6
#define NS_PER_SECOND 1e9

void tvn_figure_count(struct tvn_strbuf *out, uint64_t value)
{
    if (value >= 1000) {
        tvn_figure_count(out, value / 1000); /* at most six levels deep */
        tvn_strbuf_printf(out, ",%03" PRIu64, value % 1000);
    } else {
        tvn_strbuf_printf(out, "%" PRIu64, value);
    }
}

void tvn_figure_bytes(struct tvn_strbuf *out, uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        tvn_strbuf_printf(out, "%" PRIu64 " B", bytes);
        return;
    }
    size_t unit = 0;
    double value = (double)bytes / 1024;
    while (value >= 1023.95 && unit + 1 < TVN_ARRAY_LEN(units)) {
        value /= 1024;
        unit++;
    }
    tvn_strbuf_printf(out, "%.1f %s", value, units[unit]);
}

void tvn_figure_seconds(struct tvn_strbuf *out, uint64_t ns)
{
    double seconds = (double)ns / NS_PER_SECOND;
    if (seconds >= 59.995) {
        uint64_t whole = (ns + UINT64_C(500000000)) / UINT64_C(1000000000);
        tvn_strbuf_printf(out, "%" PRIu64 "m %02" PRIu64 "s", whole / 60, whole % 60);
    } else if (seconds < 0.01) {
        tvn_strbuf_printf(out, "%.4fs", seconds); /* two places would say 0.00 */
    } else {
        tvn_strbuf_printf(out, "%.2fs", seconds);
    }
}

void tvn_figure_milliseconds(struct tvn_strbuf *out, uint64_t ns)
{
    double milliseconds = (double)ns / NS_PER_MS;
    tvn_strbuf_printf(out, milliseconds < 10 ? "%.2fms" : "%.0fms", milliseconds);
}

void tvn_figure_duration(struct tvn_strbuf *out, uint64_t ns)
{
    static const struct {
        uint64_t ns;
        const char *name;
    } units[] = {{UINT64_C(60000000000), "m"},
                 {UINT64_C(1000000000), "s"},
                 {UINT64_C(1000000), "ms"},
                 {UINT64_C(1000), "us"},
                 {UINT64_C(1), "ns"}};
    size_t unit = 0;
    while (ns == 0 || ns % units[unit].ns != 0) {
        unit++;
        if (unit + 1 == TVN_ARRAY_LEN(units)) {
            break;
        }
    }
    tvn_strbuf_printf(out, "%" PRIu64 "%s", ns / units[unit].ns, units[unit].name);
}

double tvn_figure_rate(uint64_t count, uint64_t ns)
{
    return ns == 0 ? 0 : (double)count * NS_PER_SECOND / (double)ns;
}
