/* SPDX-License-Identifier: Apache-2.0 */
/* The code of loops out of the code cache, and into it. */
#include "component/call_loop.h"
#include "engine/cached_code.h"
#include "engine/code_cache_internal.h"

#include "tvn_code_cache_test.h"
#include "tvn_component_test.h"

#include <dirent.h>
#include <sys/stat.h>

/* ---- fixtures ---- */

static struct tvn_cached_code cached;
static struct guest guest;
static uint32_t asked; /* calls that were offered to the loop */

static int set_up(void **state)
{
    (void)state;
    cache_open();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cache_close();
    return 0;
}

/* A loop that is told at once that there is nothing to call. */
static void *no_call(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    assert_int_equal(slot_count, 1);
    (*(uint32_t *)env)++;
    slots[0].i32 = -1;
    return NULL;
}

static void *never(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)env;
    (void)caller;
    (void)slots;
    (void)slot_count;
    fail();
    return NULL;
}

/* What a process does: an engine, an instance, a loop that runs, and the end of all. */
static void live_once(void)
{
    static const struct tvn_call_loop_host host = {no_call, never, never};
    guest_engine_start(NULL);
    tvn_cached_code_attach(&cached, cache, guest_engine);
    guest_load(&guest, "echo");
    assert_status(guest_instantiate(&guest, NULL), TVN_OK);
    struct tvn_call_loop *loop = NULL;
    asked = 0;
    assert_status(tvn_call_loop_create(guest_export(&guest, "string"), &host, &asked, &loop),
                  TVN_OK);
    assert_status(tvn_call_loop_run(loop), TVN_OK);
    assert_int_equal(asked, 1);
    guest_stop(&guest);
    guest_engine_stop(NULL);
}

/* The only file of the cache: its name is the key. */
static ino_t only_file(struct tvn_code_key *out_key)
{
    DIR *dir = opendir(directory);
    assert_non_null(dir);
    ino_t found = 0;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        if (entry->d_name[0] != '.') {
            assert_int_equal(found, 0);
            assert_int_equal(strlen(entry->d_name), TVN_SHA256_TEXT_BYTES - 1);
            memcpy(out_key->text, entry->d_name, sizeof(out_key->text));
            found = entry->d_ino;
        }
    }
    closedir(dir);
    assert_int_not_equal(found, 0);
    return found;
}

/* ---- cases ---- */

static void test_cached_code_is_kept_at_the_end_and_found_again(void **state)
{
    (void)state;
    struct tvn_code_key key, again;
    live_once();
    ino_t file = only_file(&key);
    live_once();
    assert_int_equal(only_file(&again), file); /* it was not written anew: nothing was compiled */
    assert_string_equal(again.text, key.text);
}

static void test_cached_code_that_is_damaged_is_made_again(void **state)
{
    (void)state;
    struct tvn_code_key key, again;
    live_once();
    only_file(&key);
    char path[160];
    snprintf(path, sizeof(path), "%s/%s", directory, key.text);
    struct stat before, after;
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(truncate(path, before.st_size - 1), 0);
    live_once();
    only_file(&again);
    assert_string_equal(again.text, key.text);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_size, before.st_size);
    live_once();
}

/* Sealed by us, but of an engine that is no more. */
static void test_cached_code_that_the_engine_refuses_is_replaced(void **state)
{
    (void)state;
    struct tvn_code_key key;
    live_once();
    only_file(&key);
    assert_true(tvn_code_cache_put(cache, &key, TVN_STR("code of another version")));
    ino_t refused = only_file(&key);
    live_once();
    assert_int_not_equal(only_file(&key), refused);
    int fd;
    assert_status(tvn_code_cache_find(cache, &key, &fd), TVN_OK);
    struct stat status;
    assert_int_equal(fstat(fd, &status), 0);
    assert_true(status.st_size > 4096);
    close(fd);
}

static void test_cached_code_without_a_loop_keeps_nothing(void **state)
{
    (void)state;
    guest_engine_start(NULL);
    tvn_cached_code_attach(&cached, cache, guest_engine);
    guest_engine_stop(NULL);
    DIR *dir = opendir(directory);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        assert_int_equal(entry->d_name[0], '.');
    }
    closedir(dir);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
static const struct CMUnitTest tests[] = {
    CASE(test_cached_code_is_kept_at_the_end_and_found_again),
    CASE(test_cached_code_that_is_damaged_is_made_again),
    CASE(test_cached_code_that_the_engine_refuses_is_replaced),
    CASE(test_cached_code_without_a_loop_keeps_nothing),
};
TVN_TEST_MAIN("engine.cached_code", tests)
