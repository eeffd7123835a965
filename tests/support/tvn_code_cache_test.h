/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* An empty code cache in a folder of its own, for a unit test that fills it by compiling. */
#include "base/compiler.h"
#include "engine/code_cache.h"

#include "tvn_test.h"

#include <stdio.h>
#include <stdlib.h>

static char root[32];
static char directory[64]; /* of the cache, in root */
static struct tvn_code_cache *cache;

static TVN_UNUSED void cache_open(void)
{
    snprintf(root, sizeof(root), "/tmp/tvn-code-XXXXXX");
    assert_non_null(mkdtemp(root));
    snprintf(directory, sizeof(directory), "%s/cache", root);
    const struct tvn_code_cache_place place = {.directory = directory,
                                               .secret_directories = {root}};
    cache = tvn_code_cache_open(&place, 0);
    assert_non_null(cache);
}

static TVN_UNUSED void cache_close(void)
{
    tvn_code_cache_close(cache);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", root);
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c)
}
