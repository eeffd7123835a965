/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/compiler.h"

#include "base/assert.h"
#include "base/diag.h"
#include "base/file.h"
#include "base/num.h"
#include "component/code.h"
#include "component/engine.h"
#include "engine/compile_protocol_internal.h"
#include "wasi/landlock.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define REQUEST_FD      0
#define ANSWER_FD       1
#define FIRST_UNUSED_FD 3
#define NICE_STEPS      5 /* flows that run are more urgent */
#define THREADS_MAX     8 /* each needs its share of the memory */

bool tvn_compiler_is_asked(int argc, const char *const *argv)
{
    return argc == 2 && strcmp(argv[1], TVN_COMPILER_ARGUMENT) == 0;
}

/* ---- limits ---- */

static bool set_limit(__rlimit_resource_t resource, uint64_t soft, uint64_t hard)
{
    const struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};
    return setrlimit(resource, &limit) == 0;
}

/* Bytes of private writable mappings, as RLIMIT_DATA counts them. */
static bool read_data_bytes(uint64_t *out_bytes)
{
    FILE *file = fopen("/proc/self/status", "re");
    if (!file) {
        return false;
    }
    char line[256];
    bool found = false;
    while (!found && fgets(line, sizeof(line), file)) {
        uint64_t kib;
        if (sscanf(line, "VmData: %" SCNu64 " kB", &kib) == 1) {
            *out_bytes = kib << 10;
            found = true;
        }
    }
    fclose(file);
    return found;
}

/*
 * What the program has at its start is not counted: it is little, but for a sanitizer's shadow.
 * RLIMIT_DATA, not RLIMIT_AS: allocators and thread stacks reserve far more address space than they
 * ever use.
 */
static bool limit_itself(const struct tvn_compile_request *request)
{
    uint64_t data_bytes;
    if (!read_data_bytes(&data_bytes)) {
        return false;
    }
    uint64_t memory = data_bytes + request->memory_bytes_max;
    uint64_t cpu = request->cpu_seconds_max;
    return set_limit(RLIMIT_DATA, memory, memory) && set_limit(RLIMIT_CPU, cpu, cpu + 1) &&
           set_limit(RLIMIT_CORE, 0, 0) &&
           set_limit(RLIMIT_FSIZE, TVN_COMPILE_MESSAGE_BYTES_MAX, TVN_COMPILE_MESSAGE_BYTES_MAX) &&
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

/*
 * Nothing can be opened by a path any more: should hostile code ever take over the compiler, it
 * finds three descriptors and no file. Where the kernel has no Landlock the limits above remain.
 */
static bool confine_itself(void)
{
    return tvn_wasi_landlock(NULL, 0) != TVN_E_IO_ERROR;
}

/* Nothing of the parent but the three descriptors, and no life without it. */
static bool detach(void)
{
    signal(SIGXFSZ, SIG_IGN); // NOLINT(bugprone-signal-handler)
    if (setpriority(PRIO_PROCESS, 0, NICE_STEPS) != 0) {
        return false;
    }
    char threads[16];
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    snprintf(threads, sizeof(threads), "%ld", tvn_max(1, tvn_min(processors, THREADS_MAX)));
    return close_range(FIRST_UNUSED_FD, ~0u, 0) == 0 &&
           prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 &&
           setenv("RAYON_NUM_THREADS", threads, 1) == 0 && // NOLINT(concurrency-mt-unsafe)
           setenv("RUST_BACKTRACE", "0", 1) == 0;          // NOLINT(concurrency-mt-unsafe)
}

/* ---- compiling ---- */

static bool answer(bool failed, const void *bytes, size_t length)
{
    const struct tvn_compile_answer head = {.length = length, .failed = failed};
    return tvn_fd_write_all(ANSWER_FD, &head, sizeof(head)) == TVN_OK &&
           tvn_fd_write_all(ANSWER_FD, bytes, length) == TVN_OK;
}

static bool compile_module(struct tvn_engine *engine, const uint8_t *wasm, size_t length)
{
    char text[TVN_CODE_ERROR_TEXT_BYTES];
    TVN_AUTO_VALUE(tvn_code_bytes) code = {0};
    if (tvn_code_compile(engine, wasm, length, &code, text, sizeof(text)) != TVN_OK) {
        (void)answer(true, text, strlen(text));
        return false;
    }
    return answer(false, code.ptr, code.len);
}

static int compile_all(const uint8_t *bytes, size_t length)
{
    struct tvn_compile_request request;
    memcpy(&request, bytes, sizeof(request));
    size_t ranges_bytes = request.module_count * sizeof(struct tvn_compile_range);
    if (request.magic != TVN_COMPILE_MAGIC || ranges_bytes > length - sizeof(request) ||
        !limit_itself(&request)) {
        return EXIT_FAILURE;
    }
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    TVN_AUTO(tvn_engine) engine = NULL;
    const struct tvn_engine_options options = {.fuel = request.fuel != 0};
    if (!sink || tvn_engine_create(&options, sink, &engine) != TVN_OK || !confine_itself()) {
        return EXIT_FAILURE;
    }
    for (uint32_t i = 0; i < request.module_count; i++) {
        struct tvn_compile_range range;
        memcpy(&range, bytes + sizeof(request) + i * sizeof(range), sizeof(range));
        if (range.offset > length || range.length > length - range.offset ||
            !compile_module(engine, bytes + range.offset, (size_t)range.length)) {
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}

int tvn_compiler_main(void)
{
    struct stat status;
    if (!detach() || fstat(REQUEST_FD, &status) != 0 ||
        status.st_size < (off_t)sizeof(struct tvn_compile_request)) {
        return EXIT_FAILURE;
    }
    size_t length = (size_t)status.st_size;
    void *bytes = mmap(NULL, length, PROT_READ, MAP_PRIVATE, REQUEST_FD, 0);
    return bytes == MAP_FAILED ? EXIT_FAILURE : compile_all(bytes, length);
}
