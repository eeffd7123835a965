/* SPDX-License-Identifier: Apache-2.0 */
#include "contracts/version_section.h"

#define CUSTOM_SECTION 0
#define LEB_BITS       7

void tvn_version_section_print(const char *contract_version, const char *const *packages,
                               size_t package_count, struct tvn_strbuf *out)
{
    tvn_strbuf_printf(out, "contract %s\n", contract_version);
    for (size_t i = 0; i < package_count; i++) {
        struct tvn_str package = tvn_str_of(packages[i]);
        size_t at = tvn_str_find(package, '@');
        if (at != SIZE_MAX) {
            tvn_strbuf_printf(out, "needs %.*s %s\n", (int)at, package.ptr, package.ptr + at + 1);
        }
    }
}

static void add_leb(struct tvn_strbuf *out, uint64_t value)
{
    while (value >> LEB_BITS) {
        tvn_strbuf_add_char(out, (char)((value & 0x7f) | 0x80));
        value >>= LEB_BITS;
    }
    tvn_strbuf_add_char(out, (char)value);
}

void tvn_version_section_encode(struct tvn_str text, struct tvn_strbuf *out)
{
    static const char name[] = TVN_VERSION_SECTION; /* its length is one byte of LEB128 */
    size_t name_length = sizeof(name) - 1;
    tvn_strbuf_add_char(out, CUSTOM_SECTION);
    add_leb(out, 1 + name_length + text.len);
    add_leb(out, name_length);
    tvn_strbuf_add(out, name, name_length);
    tvn_strbuf_add_str(out, text);
}

/* "needs torvyn:streaming 0.1.0": the version, if the line is about that package. */
static struct tvn_str version_in(struct tvn_str line, struct tvn_str namespace_name,
                                 struct tvn_str name)
{
    static const char needs[] = "needs ";
    const struct tvn_str parts[] = {TVN_STR(needs), namespace_name, TVN_STR(":"), name,
                                    TVN_STR(" ")};
    for (size_t i = 0; i < TVN_ARRAY_LEN(parts); i++) {
        if (!tvn_str_starts_with(line, parts[i])) {
            return (struct tvn_str){NULL, 0};
        }
        line = tvn_str_slice(line, parts[i].len, line.len);
    }
    return line;
}

bool tvn_version_section_needs(struct tvn_str text, struct tvn_str namespace_name,
                               struct tvn_str name, struct tvn_semver *out_version)
{
    if (text.len > TVN_VERSION_SECTION_BYTES_MAX) {
        return false;
    }
    while (text.len > 0) {
        size_t end = tvn_str_find(text, '\n');
        end = end == SIZE_MAX ? text.len : end;
        struct tvn_str version = version_in(tvn_str_slice(text, 0, end), namespace_name, name);
        if (version.len > 0) {
            return tvn_semver_parse(version, out_version);
        }
        text = tvn_str_slice(text, end < text.len ? end + 1 : end, text.len);
    }
    return false;
}
