/* SPDX-License-Identifier: Apache-2.0 */
/* Compiling a component: in a child with limits, in this process, and from the cache. */
#include "base/clock.h"
#include "component/code.h"
#include "engine/code_cache_internal.h"
#include "engine/compile.h"
#include "engine/compile_child.h"
#include "engine/compiler.h"

#include "tvn_code_cache_test.h"
#include "tvn_component_test.h"

#include <dirent.h>
#include <pthread.h>

#define SELF "/proc/self/exe"

/* ---- fixtures ---- */

static struct guest guest; /* its bytes and its sink; the component is decoded anew */
static struct tvn_component *component;
static unsigned progress_calls;

static void on_progress(void *context, const struct tvn_compile_progress *progress)
{
    (void)context;
    progress_calls++;
    assert_true(progress->wasm_bytes > 0);
    assert_true(strlen(progress->file) > 0);
    assert_int_equal(progress->modules_total, 1);
}

static const struct tvn_compile_options in_child = {.program = SELF, .progress = on_progress};
static const struct tvn_compile_options in_process = {.progress = on_progress};

static void decode_anew(void)
{
    tvn_component_destroy(component);
    component = NULL;
    assert_status(tvn_component_decode(guest.bytes.ptr, guest.bytes.len,
                                       tvn_component_file(guest.component), guest.sink, &component),
                  TVN_OK);
}

static int set_up(void **state)
{
    (void)state;
    cache_open();
    guest_load(&guest, "echo");
    decode_anew();
    progress_calls = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tvn_component_destroy(component);
    component = NULL;
    guest_stop(&guest);
    cache_close();
    return 0;
}

static void call_echo(void)
{
    tvn_component_destroy(guest.component);
    guest.component = TVN_TAKE(component);
    assert_status(guest_instantiate(&guest, NULL), TVN_OK);
    struct tvn_value argument = {.of.u = 7}, result;
    assert_status(guest_call(&guest, "u32", &argument, 1, &result), TVN_OK);
    assert_int_equal(result.of.u, 7);
}

static enum tvn_status compile(struct tvn_code_cache *with, const struct tvn_compile_options *how)
{
    return tvn_compile_component(component, guest_engine, with, how, guest.sink);
}

/* ---- whole components ---- */

static void test_compile_in_child_without_cache_runs(void **state)
{
    (void)state;
    assert_diag_status(compile(NULL, &in_child), TVN_OK, guest.sink);
    assert_int_equal(progress_calls, 1);
    assert_status(compile(NULL, &in_child), TVN_OK); /* the second time it does nothing */
    assert_int_equal(progress_calls, 1);
    call_echo();
}

static void test_compile_second_time_comes_from_the_cache(void **state)
{
    (void)state;
    assert_diag_status(compile(cache, &in_child), TVN_OK, guest.sink);
    decode_anew();
    const struct tvn_compile_options no_compiler = {.program = "/nonexistent",
                                                    .progress = on_progress};
    assert_diag_status(compile(cache, &no_compiler), TVN_OK, guest.sink);
    assert_int_equal(progress_calls, 1);
    call_echo();
}

static void test_compile_in_process_fills_and_uses_the_same_cache(void **state)
{
    (void)state;
    assert_diag_status(compile(cache, &in_process), TVN_OK, guest.sink);
    decode_anew();
    assert_diag_status(compile(cache, &in_child), TVN_OK, guest.sink);
    assert_int_equal(progress_calls, 1);
    call_echo();
}

static void test_compile_damaged_file_is_compiled_again(void **state)
{
    (void)state;
    assert_diag_status(compile(cache, &in_child), TVN_OK, guest.sink);
    char command[160];
    snprintf(command, sizeof(command), "truncate -s -1 '%s'/*", directory);
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c)
    for (int round = 0; round < 2; round++) {
        decode_anew();
        assert_diag_status(compile(cache, &in_child), TVN_OK, guest.sink);
    }
    assert_int_equal(progress_calls, 2);
    call_echo();
}

/* Sealed by us, but of an engine that is no more. */
static void test_compile_file_that_the_engine_refuses_is_replaced(void **state)
{
    (void)state;
    struct tvn_code_key key;
    const struct tvn_core_module *module = &tvn_component_document(component)->modules[0];
    assert_status(tvn_code_key_of(tvn_engine_code_settings(guest_engine),
                                  (struct tvn_str){(const char *)guest.bytes.ptr + module->offset,
                                                   module->length},
                                  &key),
                  TVN_OK);
    assert_true(tvn_code_cache_put(cache, &key, TVN_STR("code of another version")));
    assert_diag_status(compile(cache, &in_child), TVN_OK, guest.sink);
    decode_anew();
    assert_diag_status(compile(cache, &in_child), TVN_OK, guest.sink);
    assert_int_equal(progress_calls, 1);
    call_echo();
}

static void test_compile_without_compiler_fails_closed(void **state)
{
    (void)state;
    const struct tvn_compile_options options = {.program = "/nonexistent/torvyn"};
    assert_diag_status(compile(cache, &options), TVN_E_IO_ERROR, guest.sink);
    assert_false(tvn_component_is_compiled(component));
}

static void test_compile_with_a_program_that_is_no_compiler_is_internal(void **state)
{
    (void)state;
    const struct tvn_compile_options options = {.program = "/bin/false"};
    assert_diag_status(compile(cache, &options), TVN_E_INTERNAL, guest.sink);
}

/* ---- single modules ---- */

static void add_bytes(struct tvn_strbuf *out, const void *bytes, size_t length)
{
    tvn_strbuf_add(out, bytes, length);
}

static void add_leb(struct tvn_strbuf *out, uint32_t value)
{
    do {
        uint8_t byte = value & 0x7f;
        value >>= 7;
        byte |= value ? 0x80 : 0;
        add_bytes(out, &byte, 1);
    } while (value);
}

static void add_section(struct tvn_strbuf *out, char id, const struct tvn_strbuf *content)
{
    tvn_strbuf_add_char(out, id);
    add_leb(out, (uint32_t)content->len);
    tvn_strbuf_add_str(out, tvn_strbuf_view(content));
}

/* One function whose blocks all merge many locals: (func (param i32) (local i32 × locals) …). */
static void make_bomb(struct tvn_strbuf *out, uint32_t locals, uint32_t blocks)
{
    TVN_AUTO_VALUE(tvn_strbuf) body = {0};
    add_leb(&body, 1);
    add_leb(&body, locals);
    add_bytes(&body, "\x7f", 1);
    for (uint32_t i = 0; i < blocks; i++) {
        uint32_t to = 1 + (uint32_t)((uint64_t)i * 7919 % locals);
        uint32_t from = 1 + (uint32_t)(((uint64_t)i * 104729 + 1) % locals);
        add_bytes(&body, "\x02\x40\x20\x00\x0d\x00\x20", 7); /* block, local.get 0, br_if 0 */
        add_leb(&body, from);
        add_bytes(&body, "\x20", 1);
        add_leb(&body, to);
        add_bytes(&body, "\x6a\x21", 2); /* to := from + to */
        add_leb(&body, to);
        add_bytes(&body, "\x0b", 1);
    }
    add_bytes(&body, "\x0b", 1);
    TVN_AUTO_VALUE(tvn_strbuf) code = {0};
    add_leb(&code, 1);
    add_leb(&code, (uint32_t)body.len);
    tvn_strbuf_add_str(&code, tvn_strbuf_view(&body));
    TVN_AUTO_VALUE(tvn_strbuf) types = {0};
    add_bytes(&types, "\x01\x60\x01\x7f\x00", 5);
    TVN_AUTO_VALUE(tvn_strbuf) functions = {0};
    add_bytes(&functions, "\x01\x00", 2);
    add_bytes(out, "\0asm\1\0\0\0", 8);
    add_section(out, 1, &types);
    add_section(out, 3, &functions);
    add_section(out, 10, &code);
    assert_false(out->failed);
}

struct taken {
    unsigned count;
    size_t bytes;
};

static enum tvn_status take(void *context, uint32_t index, struct tvn_str code,
                            struct tvn_diag_sink *sink)
{
    (void)sink;
    struct taken *taken = context;
    assert_int_equal(index, taken->count);
    taken->count++;
    taken->bytes += code.len;
    return TVN_OK;
}

static void assert_message(const struct tvn_diag_sink *sink, const char *part)
{
    assert_int_equal(tvn_diag_error_count(sink), 1);
    if (!strstr(tvn_diag_at(sink, 0)->message, part)) {
        fail_msg("'%s' does not say '%s'", tvn_diag_at(sink, 0)->message, part);
    }
}

/* Compiles a module that compiles, then `wasm`; the status is the second one's. */
static enum tvn_status compile_module(struct tvn_str wasm, uint32_t cpu_seconds,
                                      uint64_t memory_bytes, struct tvn_diag_sink *sink)
{
    const struct tvn_compile_module modules[] = {
        {.wasm = {"\0asm\1\0\0\0", 8}, .number = 4},
        {.wasm = wasm, .number = 5, .at = {0, 0, 0}},
    };
    struct taken taken = {0};
    const struct tvn_compile_child_options options = {
        .program = SELF,
        .cpu_seconds_max = cpu_seconds,
        .memory_bytes_max = memory_bytes,
        .modules = modules,
        .module_count = TVN_ARRAY_LEN(modules),
        .take = take,
        .context = &taken,
    };
    enum tvn_status status = tvn_compile_child_run(&options, sink);
    assert_int_equal(taken.count, status == TVN_OK ? 2 : 1);
    return status;
}

static void test_compile_child_bad_module_is_invalid_with_the_engines_text(void **state)
{
    (void)state;
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    assert_diag_status(compile_module((struct tvn_str){"\0asm\1\0\0\0\xff", 9}, 0, 0, sink),
                       TVN_E_COMPONENT_INVALID, sink);
    assert_message(sink, "core module 5 cannot be compiled: ");
}

static void test_compile_child_beyond_processor_time_is_too_complex(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) bomb = {0};
    make_bomb(&bomb, 4000, 20000);
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    assert_diag_status(compile_module(tvn_strbuf_view(&bomb), 1, (uint64_t)4 << 30, sink),
                       TVN_E_COMPONENT_TOO_COMPLEX, sink);
    assert_message(sink, "takes longer than 1 s of processor time");
}

static void test_compile_child_beyond_memory_is_too_complex(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) bomb = {0};
    make_bomb(&bomb, 4000, 20000);
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    assert_diag_status(compile_module(tvn_strbuf_view(&bomb), 0, (uint64_t)64 << 20, sink),
                       TVN_E_COMPONENT_TOO_COMPLEX, sink);
    assert_message(sink, "needs more than 64 MiB of memory");
}

/* ---- a bystander ---- */

struct bystander {
    struct guest guest;
    _Atomic bool stop;
    uint64_t calls;
    bool failed;
};

static void *call_all_the_time(void *argument)
{
    struct bystander *bystander = argument;
    struct tvn_value value = {.of.u = 1}, result;
    while (!bystander->stop) {
        bystander->failed |=
            guest_call(&bystander->guest, "u32", &value, 1, &result) != TVN_OK || result.of.u != 1;
        bystander->calls++;
    }
    return NULL;
}

/* The bomb of the design, with the limits that users have. */
static void test_compile_child_bomb_is_refused_while_another_instance_runs(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) bomb = {0};
    make_bomb(&bomb, 4000, 20000);
    static struct bystander bystander;
    guest_start(&bystander.guest, "echo", NULL);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, call_all_the_time, &bystander), 0);
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    uint64_t begin_ns = tvn_clock_monotonic_ns();
    enum tvn_status status = compile_module(tvn_strbuf_view(&bomb), 0, 0, sink);
    uint64_t took_ns = tvn_clock_monotonic_ns() - begin_ns;
    bystander.stop = true;
    pthread_join(thread, NULL);
    assert_diag_status(status, TVN_E_COMPONENT_TOO_COMPLEX, sink);
    print_message("refused after %" PRIu64 " ms (%s), beside %" PRIu64 " calls\n",
                  took_ns / 1000000, tvn_diag_at(sink, 0)->message, bystander.calls);
    assert_false(bystander.failed);
    assert_true(bystander.calls > 0);
    guest_stop(&bystander.guest);
}

/* ---- hygiene ---- */

static unsigned count_descriptors(void)
{
    DIR *stream = opendir("/proc/self/fd");
    if (!stream) {
        fail_msg("descriptors cannot be counted");
        return 0;
    }
    unsigned count = 0;
    while (readdir(stream)) {
        count++;
    }
    closedir(stream);
    return count;
}

static void test_compile_child_leaves_no_descriptor_and_no_child(void **state)
{
    (void)state;
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    unsigned before = count_descriptors();
    for (int i = 0; i < 3; i++) {
        assert_status(compile_module((struct tvn_str){"\0asm\1\0\0\0", 8}, 0, 0, sink), TVN_OK);
        assert_status(compile_module((struct tvn_str){"\0asm", 4}, 0, 0, sink),
                      TVN_E_COMPONENT_INVALID);
    }
    assert_int_equal(count_descriptors(), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_compile_in_child_without_cache_runs, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_compile_second_time_comes_from_the_cache, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_compile_in_process_fills_and_uses_the_same_cache, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_compile_damaged_file_is_compiled_again, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_compile_file_that_the_engine_refuses_is_replaced, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_compile_without_compiler_fails_closed, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_compile_with_a_program_that_is_no_compiler_is_internal,
                                    set_up, tear_down),
    cmocka_unit_test(test_compile_child_bad_module_is_invalid_with_the_engines_text),
    cmocka_unit_test(test_compile_child_beyond_processor_time_is_too_complex),
    cmocka_unit_test(test_compile_child_beyond_memory_is_too_complex),
    cmocka_unit_test(test_compile_child_bomb_is_refused_while_another_instance_runs),
    cmocka_unit_test(test_compile_child_leaves_no_descriptor_and_no_child),
};

/* Not TVN_TEST_MAIN: the compiling process is this program, too. */
int main(int argc, char **argv)
{
    if (tvn_compiler_is_asked(argc, (const char *const *)argv)) {
        return tvn_compiler_main();
    }
    return tvn_test_main_(argc, argv, "engine.compile", tests, TVN_ARRAY_LEN(tests),
                          guest_engine_start, guest_engine_stop);
}
