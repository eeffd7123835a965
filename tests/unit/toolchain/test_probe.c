/* SPDX-License-Identifier: Apache-2.0 */
#include "toolchain/probe.h"

#include "tvn_test.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

static char root[64];

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

static int make_root(void **state)
{
    (void)state;
    strcpy(root, "/tmp/tvn-probe-XXXXXX");
    if (!mkdtemp(root)) {
        return -1;
    }
    for (int tool = 0; tool < TVN_TOOL_COUNT; tool++) {
        unsetenv(tvn_tool_info((enum tvn_tool)tool)->variable);
    }
    unsetenv("XDG_CACHE_HOME");
    unsetenv("TORVYN_CACHE_DIR");
    unsetenv("TORVYN_HOME");
    setenv("HOME", root, 1);
    setenv("PATH", "/nowhere", 1);
    return 0;
}

static int remove_root(void **state)
{
    (void)state;
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Makes a file with its folders; returns its whole path, valid for three further calls. */
static const char *make(const char *name, mode_t mode, const char *content)
{
    static char paths[4][256];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", root, name);
    for (char *slash = strchr(path + strlen(root) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0755);
        *slash = '/';
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    close(fd);
    return path;
}

static void put_in_environment(const char *variable, const char *below_root)
{
    char value[256];
    snprintf(value, sizeof(value), "%s/%s", root, below_root);
    setenv(variable, value, 1);
}

static void test_probe_find_goes_from_near_to_far(void **state)
{
    (void)state;
    const char *cached = make(".cache/torvyn/tools-0123/bin/wasm-tools", 0755, "#!/bin/sh\n");
    make(".cache/torvyn/tools-0123/stamp", 0644, "");
    TVN_AUTO(tvn_probe) first = tvn_probe_create();
    assert_string_equal(tvn_probe_find(first, TVN_TOOL_WASM_TOOLS), cached);

    const char *on_path = make("bin/wasm-tools", 0755, "#!/bin/sh\n");
    put_in_environment("PATH", "bin");
    assert_string_equal(tvn_probe_find(first, TVN_TOOL_WASM_TOOLS), cached); /* looked once */
    TVN_AUTO(tvn_probe) second = tvn_probe_create();
    assert_string_equal(tvn_probe_find(second, TVN_TOOL_WASM_TOOLS), on_path);

    const char *at_home = make("home/bin/wasm-tools", 0755, "#!/bin/sh\n");
    put_in_environment("TORVYN_HOME", "home");
    TVN_AUTO(tvn_probe) third = tvn_probe_create();
    assert_string_equal(tvn_probe_find(third, TVN_TOOL_WASM_TOOLS), at_home);

    const char *named = make("elsewhere/tool", 0755, "#!/bin/sh\n");
    setenv("WASM_TOOLS", named, 1);
    TVN_AUTO(tvn_probe) fourth = tvn_probe_create();
    assert_string_equal(tvn_probe_find(fourth, TVN_TOOL_WASM_TOOLS), named);
}

/* The newest of several, and none whose filling was not finished. */
static void test_probe_find_takes_the_newest_whole_cache(void **state)
{
    (void)state;
    make(".cache/torvyn/tools-b/bin/wit-bindgen", 0755, "#!/bin/sh\n");
    make(".cache/torvyn/tools-b/stamp", 0644, "");
    make(".cache/torvyn/tools-c/bin/wit-bindgen", 0755, "#!/bin/sh\n");
    make(".cache/torvyn/tools-a/bin/wit-bindgen", 0755, "#!/bin/sh\n");
    const char *stamp = make(".cache/torvyn/tools-a/stamp", 0644, "");
    const struct timespec later[2] = {{.tv_sec = 4000000000}, {.tv_sec = 4000000000}};
    assert_int_equal(utimensat(AT_FDCWD, stamp, later, 0), 0);
    TVN_AUTO(tvn_probe) probe = tvn_probe_create();

    const char *found = tvn_probe_find(probe, TVN_TOOL_WIT_BINDGEN);

    assert_non_null(found);
    assert_non_null(strstr(found, "/tools-a/bin/wit-bindgen"));
}

static void test_probe_find_passes_over_what_cannot_run(void **state)
{
    (void)state;
    make("bin/git", 0644, "");
    make("bin/zig/file", 0644, "");
    put_in_environment("PATH", "bin");
    TVN_AUTO(tvn_probe) probe = tvn_probe_create();

    assert_null(tvn_probe_find(probe, TVN_TOOL_GIT));
    assert_null(tvn_probe_find(probe, TVN_TOOL_ZIG));
}

static void test_probe_require_when_missing_says_how_to_install(void **state)
{
    (void)state;
    TVN_AUTO(tvn_probe) probe = tvn_probe_create();
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    const char *path = NULL;

    assert_diag_status(tvn_probe_require(probe, TVN_TOOL_ZIG, "component 'x'", sink, &path),
                       TVN_E_TOOLCHAIN_MISSING, sink);

    assert_string_equal(tvn_diag_at(sink, 0)->help, tvn_tool_info(TVN_TOOL_ZIG)->install);
}

static void test_probe_variable_that_names_nothing_is_not_passed_over(void **state)
{
    (void)state;
    make("bin/wasm-tools", 0755, "#!/bin/sh\n");
    put_in_environment("PATH", "bin");
    setenv("WASM_TOOLS", "/nowhere/wasm-tools", 1);
    TVN_AUTO(tvn_probe) probe = tvn_probe_create();
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    const char *path = NULL;

    assert_diag_status(tvn_probe_require(probe, TVN_TOOL_WASM_TOOLS, "component 'x'", sink, &path),
                       TVN_E_TOOLCHAIN_MISSING, sink);

    setenv("WASM_TOOLS", "wasm-tools", 1); /* a bare name is one on PATH */
    TVN_AUTO(tvn_probe) other = tvn_probe_create();
    assert_non_null(tvn_probe_find(other, TVN_TOOL_WASM_TOOLS));
}

static void test_probe_version_is_the_first_line(void **state)
{
    (void)state;
    make("bin/wasm-tools", 0755,
         "#!/bin/sh\n[ $1 = --version ] && echo 'wasm-tools 9.8.7' && echo more\n");
    make("bin/git", 0755, "#!/bin/sh\nexit 1\n");
    put_in_environment("PATH", "bin");
    TVN_AUTO(tvn_probe) probe = tvn_probe_create();

    assert_string_equal(tvn_probe_version(probe, TVN_TOOL_WASM_TOOLS), "wasm-tools 9.8.7");
    assert_null(tvn_probe_version(probe, TVN_TOOL_GIT));
    assert_null(tvn_probe_version(probe, TVN_TOOL_GO));
}

static void test_probe_rust_prefers_the_component_target(void **state)
{
    (void)state;
    make("lib1/libstd-1.rlib", 0644, "");
    make("lib2/libstd-2.rlib", 0644, "");
    char script[512];
    snprintf(script, sizeof(script), "#!/bin/sh\n[ $4 = wasm32-wasip1 ] && echo %s/lib1\n", root);
    make(".cargo/bin/cargo", 0755, "#!/bin/sh\n");
    make(".cargo/bin/rustc", 0755, script);
    TVN_AUTO(tvn_probe) probe = tvn_probe_create();
    struct tvn_rust rust = {0};
    assert_true(tvn_probe_rust(probe, &rust));
    assert_string_equal(rust.target, "wasm32-wasip1");

    snprintf(script, sizeof(script), "#!/bin/sh\n[ $4 = wasm32-wasip2 ] && echo %s/lib2\n", root);
    make(".rustup/toolchains/new/bin/cargo", 0755, "#!/bin/sh\n");
    make(".rustup/toolchains/new/bin/rustc", 0755, script);
    assert_true(tvn_probe_rust(probe, &rust));

    assert_string_equal(rust.target, "wasm32-wasip2");
    assert_non_null(strstr(rust.cargo, "/toolchains/new/bin/cargo"));
    assert_false(rust.build_std);
}

static void test_probe_componentize_py_uses_the_package_of_the_cache(void **state)
{
    (void)state;
    make(".cache/torvyn/guest-tools-0/python/componentize_py/__init__.py", 0644, "");
    make(".cache/torvyn/guest-tools-0/stamp", 0644, "");
    make("bin/python3", 0755, "#!/bin/sh\n");
    put_in_environment("PATH", "bin");
    TVN_AUTO(tvn_probe) probe = tvn_probe_create();
    struct tvn_tool_call call;

    assert_true(tvn_probe_componentize_py(probe, &call));

    assert_non_null(strstr(call.argv[0], "/bin/python3"));
    assert_non_null(strstr(call.environment, "PYTHONPATH="));
    assert_false(tvn_probe_componentize_js(probe, root, &call));
    const char *own = make("node_modules/.bin/componentize-js", 0755, "#!/bin/sh\n");
    assert_true(tvn_probe_componentize_js(probe, root, &call));
    assert_string_equal(call.argv[0], own);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_probe_find_goes_from_near_to_far, make_root, remove_root),
    cmocka_unit_test_setup_teardown(test_probe_find_takes_the_newest_whole_cache, make_root,
                                    remove_root),
    cmocka_unit_test_setup_teardown(test_probe_find_passes_over_what_cannot_run, make_root,
                                    remove_root),
    cmocka_unit_test_setup_teardown(test_probe_require_when_missing_says_how_to_install, make_root,
                                    remove_root),
    cmocka_unit_test_setup_teardown(test_probe_variable_that_names_nothing_is_not_passed_over,
                                    make_root, remove_root),
    cmocka_unit_test_setup_teardown(test_probe_version_is_the_first_line, make_root, remove_root),
    cmocka_unit_test_setup_teardown(test_probe_rust_prefers_the_component_target, make_root,
                                    remove_root),
    cmocka_unit_test_setup_teardown(test_probe_componentize_py_uses_the_package_of_the_cache,
                                    make_root, remove_root),
};
TVN_TEST_MAIN("toolchain.probe", tests)
