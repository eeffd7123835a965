/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A manifest from text, away from the machine's own environment and files. */
#include "config/manifest.h"

#include "diag_assert.h"

struct manifest_fixture {
    struct tvn_diag_sink *sink;
    struct tvn_manifest *manifest; /* NULL after errors */
    enum tvn_status status;
};

/* environment and overrides end in NULL; NULL: none. */
static inline struct manifest_fixture
manifest_open_with(const char *text, const char *const *environment, const char *const *overrides)
{
    static const char *const none[] = {NULL};
    struct tvn_config_options options = {
        .environment = environment ? environment : none, .overrides = overrides, .user_config = ""};
    while (overrides && overrides[options.override_count]) {
        options.override_count++;
    }
    struct manifest_fixture fixture = {.sink = tvn_diag_sink_create()};
    assert_non_null(fixture.sink);
    fixture.status = tvn_manifest_parse("dir/Torvyn.toml", tvn_str_of(text), &options, fixture.sink,
                                        &fixture.manifest);
    assert_true((fixture.status > TVN_OK) == (tvn_diag_error_count(fixture.sink) > 0));
    assert_true((fixture.status == TVN_OK) == (fixture.manifest != NULL));
    return fixture;
}

static inline struct manifest_fixture manifest_open(const char *text)
{
    return manifest_open_with(text, NULL, NULL);
}

static inline void manifest_close(struct manifest_fixture *fixture)
{
    tvn_manifest_destroy(fixture->manifest);
    tvn_diag_sink_destroy(fixture->sink);
    *fixture = (struct manifest_fixture){0};
}
