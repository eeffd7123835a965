/* SPDX-License-Identifier: Apache-2.0 */
#include "connectors/spec.h"

#include "base/assert.h"
#include "base/num.h"

static const struct tvn_str prefix = {"builtin:", 8};
static const struct tvn_str generator = {"generator", 9};
static const struct tvn_str file = {"file:", 5};

const char *tvn_connector_kind_name(enum tvn_connector_kind kind)
{
    static const char *const names[] = {
        [TVN_CONNECTOR_GENERATOR] = "generator", [TVN_CONNECTOR_STDIN] = "stdin",
        [TVN_CONNECTOR_STDOUT] = "stdout",       [TVN_CONNECTOR_STDERR] = "stderr",
        [TVN_CONNECTOR_FILE] = "file",
    };
    tvn_assert((unsigned)kind < TVN_ARRAY_LEN(names));
    return names[kind];
}

bool tvn_connector_spec_is_builtin(struct tvn_str text)
{
    return tvn_str_starts_with(text, prefix);
}

/* What is left after "builtin:", or the text itself. */
static struct tvn_str without_prefix(struct tvn_str text, bool *out_builtin)
{
    *out_builtin = tvn_connector_spec_is_builtin(text);
    return *out_builtin ? tvn_str_slice(text, prefix.len, text.len) : text;
}

/* Anything that is no name is a path; after "builtin:" a path says so itself: "builtin:file:PATH".
 */
static enum tvn_status parse_path(struct tvn_str text, bool builtin,
                                  struct tvn_connector_spec *out_spec)
{
    if (builtin) {
        if (!tvn_str_starts_with(text, file)) {
            return TVN_E_CONSTRAINT_VIOLATION;
        }
        text = tvn_str_slice(text, file.len, text.len);
    }
    if (text.len == 0 || tvn_str_find(text, '\0') != SIZE_MAX) {
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    *out_spec = (struct tvn_connector_spec){.kind = TVN_CONNECTOR_FILE, .path = text};
    return TVN_OK;
}

static enum tvn_status parse_generator(struct tvn_str text, struct tvn_connector_spec *out_spec)
{
    uint64_t count = UINT64_MAX;
    if (text.len > generator.len) {
        struct tvn_str number = tvn_str_slice(text, generator.len + 1, text.len);
        if (!tvn_parse_u64(number.ptr, number.len, &count) || count == UINT64_MAX) {
            return TVN_E_CONSTRAINT_VIOLATION;
        }
    }
    *out_spec = (struct tvn_connector_spec){.kind = TVN_CONNECTOR_GENERATOR, .count = count};
    return TVN_OK;
}

enum tvn_status tvn_connector_spec_parse_source(struct tvn_str text,
                                                struct tvn_connector_spec *out_spec)
{
    tvn_assert(out_spec);
    bool builtin;
    struct tvn_str name = without_prefix(text, &builtin);
    if (tvn_str_is(name, "stdin") || (!builtin && tvn_str_is(name, "-"))) {
        *out_spec = (struct tvn_connector_spec){.kind = TVN_CONNECTOR_STDIN};
        return TVN_OK;
    }
    if (tvn_str_starts_with(name, generator) &&
        (name.len == generator.len || name.ptr[generator.len] == ':')) {
        return parse_generator(name, out_spec);
    }
    if (tvn_str_is(name, "stdout") || tvn_str_is(name, "stderr")) {
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    return parse_path(name, builtin, out_spec);
}

enum tvn_status tvn_connector_spec_parse_sink(struct tvn_str text,
                                              struct tvn_connector_spec *out_spec)
{
    tvn_assert(out_spec);
    bool builtin;
    struct tvn_str name = without_prefix(text, &builtin);
    if (tvn_str_is(name, "stdout") || (!builtin && tvn_str_is(name, "-"))) {
        *out_spec = (struct tvn_connector_spec){.kind = TVN_CONNECTOR_STDOUT};
        return TVN_OK;
    }
    if (tvn_str_is(name, "stderr")) {
        *out_spec = (struct tvn_connector_spec){.kind = TVN_CONNECTOR_STDERR};
        return TVN_OK;
    }
    if (tvn_str_is(name, "stdin")) {
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    return parse_path(name, builtin, out_spec);
}
