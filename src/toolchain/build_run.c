/* SPDX-License-Identifier: Apache-2.0 */
/* Runs plans, several at once, and puts what they made into place. */
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "contracts/version_section.h"
#include "toolchain/build_internal.h"
#include "toolchain/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TICK_MS        20 /* how soon an end is seen that closes no pipe */
#define TELL_EVERY_NS  UINT64_C(100000000)
#define LINE_BYTES_MAX ((size_t)256) /* of a tool's last line: what is told */
#define LOG_BYTES_MAX  ((size_t)16 << 20)
#define PREAMBLE_BYTES 8
#define COMPONENT_LAYER                                                      \
    1 /* the 16-bit field of the preamble that tells components from modules \
       */
#define LAYER_OFFSET 6

/* ---- the component ---- */

/* The newest of the plan's places; NULL when nothing is there. */
static const char *find_made(const struct build_plan *plan)
{
    const char *newest = NULL;
    struct timespec newest_time = {0};
    for (const char *const *place = plan->places; *place; place++) {
        struct stat info;
        if (stat(*place, &info) != 0 || !S_ISREG(info.st_mode)) {
            continue;
        }
        bool newer = !newest || info.st_mtim.tv_sec > newest_time.tv_sec ||
                     (info.st_mtim.tv_sec == newest_time.tv_sec &&
                      info.st_mtim.tv_nsec > newest_time.tv_nsec);
        if (newer) {
            newest = *place;
            newest_time = info.st_mtim;
        }
    }
    return newest;
}

static enum tvn_status check_component(const struct build_plan *plan, const char *path,
                                       const struct tvn_file_bytes *bytes)
{
    bool is_wasm = bytes->len >= PREAMBLE_BYTES && memcmp(bytes->ptr, "\0asm", 4) == 0;
    if (is_wasm && bytes->ptr[LAYER_OFFSET] == COMPONENT_LAYER) {
        return TVN_OK;
    }
    (void)tvn_diag_error(plan->sink, TVN_E_COMPONENT_INVALID, TVN_SPAN_NONE,
                         is_wasm ? "'%s' of component '%s' is a core module, not a component"
                                 : "'%s' of component '%s' is not WebAssembly",
                         path, plan->component->declared->name);
    tvn_diag_help(plan->sink, is_wasm ? "make a component of it: wasm-tools component new"
                                      : "let the build leave the component in $TORVYN_OUTPUT");
    return TVN_E_COMPONENT_INVALID;
}

static enum tvn_status put(const struct build_plan *plan, const char *path, struct tvn_str content)
{
    if (tvn_file_put(path, content) == TVN_OK) {
        return TVN_OK;
    }
    return tvn_diag_error(plan->sink, TVN_E_IO_ERROR, TVN_SPAN_NONE, "'%s' cannot be written: %s",
                          path, strerror(errno));
}

/* The component with its version section (a component that has the same one keeps it), where it
 * belongs. */
static enum tvn_status finish(struct build_job *job)
{
    struct build_plan *plan = job->plan;
    const char *made = find_made(plan);
    TVN_AUTO_VALUE(tvn_file_bytes) bytes = {0};
    if (!made || tvn_file_read(made, TVN_BUILD_COMPONENT_BYTES_MAX, &bytes) != TVN_OK) {
        (void)tvn_diag_error(plan->sink, TVN_E_COMPONENT_NOT_FOUND, TVN_SPAN_NONE,
                             "building component '%s' left no component that can be read",
                             plan->component->declared->name);
        tvn_diag_note(plan->sink, "looked for '%s'%s", made ? made : plan->places[0],
                      plan->places[1] && !made ? " and where Rust's tools put theirs" : "");
        tvn_diag_help(plan->sink, "let the build leave the component in $TORVYN_OUTPUT");
        return TVN_E_COMPONENT_NOT_FOUND;
    }
    TVN_TRY(check_component(plan, made, &bytes));
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    TVN_AUTO_VALUE(tvn_strbuf)
    whole = {.max = TVN_BUILD_COMPONENT_BYTES_MAX + 2 * TVN_VERSION_SECTION_BYTES_MAX};
    TVN_AUTO_VALUE(tvn_strbuf) section = {0};
    tvn_version_section_print(plan->options->manifest->project.contract_version,
                              plan->component->packages, plan->component->package_count, &text);
    tvn_version_section_encode(tvn_strbuf_view(&text), &section);
    tvn_strbuf_add(&whole, (const char *)bytes.ptr, bytes.len);
    if (!tvn_str_ends_with(tvn_strbuf_view(&whole), tvn_strbuf_view(&section))) {
        tvn_strbuf_add_str(&whole, tvn_strbuf_view(&section));
    }
    if (text.failed || section.failed || whole.failed) {
        return build_no_memory(plan->sink);
    }
    TVN_TRY(put(plan, plan->output, tvn_strbuf_view(&whole)));
    if (plan->mirror) {
        TVN_TRY(put(plan, plan->mirror, tvn_strbuf_view(&whole)));
    }
    job->result->bytes = whole.len;
    build_record_write(plan, job->inputs);
    return TVN_OK;
}

/* ---- jobs ---- */

static void end_job(struct build_job *job, enum tvn_build_outcome outcome,
                    const struct tvn_build_options *options)
{
    struct tvn_build_result *result = job->result;
    struct tvn_str log = tvn_strbuf_view(&job->log);
    job->running = false;
    job->done = true;
    result->outcome = outcome;
    if (log.len > 0) {
        log = tvn_arena_str(job->plan->arena, log);
        result->log = log.ptr ? log : (struct tvn_str){NULL, 0};
    }
    tvn_fd_close(&job->lock);
    if (options->finished) {
        options->finished(options->data, result);
    }
}

static enum tvn_status fail_job(struct build_job *job, enum tvn_status status,
                                const struct tvn_build_options *options)
{
    (void)unlink(job->plan->record); /* what lies there was not made of these sources */
    end_job(job, TVN_BUILD_FAILED, options);
    return status;
}

/* Starts the next step that is a program; every plan ends with one. */
static enum tvn_status start_step(struct build_job *job, const struct tvn_build_options *options)
{
    const struct build_step *step = &job->plan->steps.items[job->step];
    for (; step->act; step = &job->plan->steps.items[++job->step]) {
        enum tvn_status status = step->act(job->plan);
        if (status != TVN_OK) {
            return fail_job(job, status, options);
        }
    }
    const struct tvn_process_options process = {
        .argv = step->argv, .environment = step->environment, .directory = step->directory};
    enum tvn_status status = tvn_process_start(&process, &job->process);
    if (status == TVN_OK) {
        return TVN_OK;
    }
    if (status == TVN_NOT_FOUND) {
        status = tvn_diag_error(job->plan->sink, TVN_E_TOOLCHAIN_MISSING, TVN_SPAN_NONE,
                                "'%s' cannot be started: %s", step->argv[0], strerror(errno));
    } else {
        status = build_no_memory(job->plan->sink);
    }
    return fail_job(job, status, options);
}

static enum tvn_status start_job(struct build_job *job, const struct tvn_build_options *options)
{
    struct build_plan *plan = job->plan;
    if (build_record_is_fresh(plan)) {
        struct stat info;
        job->result->bytes = stat(plan->output, &info) == 0 ? (uint64_t)info.st_size : 0;
        end_job(job, TVN_BUILD_FRESH, options);
        return TVN_OK;
    }
    if (options->started) {
        options->started(options->data, plan->component);
    }
    job->running = true;
    job->started_ns = tvn_clock_monotonic_ns();
    job->inputs = build_record_inputs(plan);
    const char *inside = tvn_arena_printf(plan->arena, "%s/x", plan->work);
    if (!inside) {
        return fail_job(job, build_no_memory(plan->sink), options);
    }
    if (tvn_file_make_folders(inside) != TVN_OK) {
        return fail_job(job,
                        tvn_diag_error(plan->sink, TVN_E_IO_ERROR, TVN_SPAN_NONE,
                                       "folder '%s' cannot be made: %s", plan->work,
                                       strerror(errno)),
                        options);
    }
    if (plan->clean) {
        (void)unlink(plan->places[0]);
    }
    return start_step(job, options);
}

/* What a step printed, and whether the job goes on. */
static enum tvn_status end_step(struct build_job *job, const struct tvn_build_options *options)
{
    struct build_plan *plan = job->plan;
    const struct build_step *step = &plan->steps.items[job->step];
    int code = tvn_process_exit_code(job->process);
    if (code != 0 || !step->quiet) {
        tvn_strbuf_add_str(&job->log, tvn_process_output(job->process));
        if (tvn_process_output_cut(job->process)) {
            tvn_strbuf_add_text(&job->log, "\n[more was printed]\n");
        }
    }
    tvn_process_destroy(TVN_TAKE(job->process));
    if (code != 0) {
        job->result->failure =
            tvn_arena_printf(plan->arena, "%s ended with status %d", step->name, code);
        (void)tvn_diag_error(plan->sink, TVN_E_BUILD_FAILED, plan->component->declared->name_span,
                             "%s was not built: %s ended with status %d", build_needed_by(plan),
                             step->name, code);
        return fail_job(job, TVN_E_BUILD_FAILED, options);
    }
    if (++job->step < plan->steps.count) {
        return start_step(job, options);
    }
    enum tvn_status status = finish(job);
    if (status != TVN_OK) {
        return fail_job(job, status, options);
    }
    end_job(job, TVN_BUILD_DONE, options);
    return TVN_OK;
}

/* ---- all of them ---- */

/* Two processes that build the same component would take each other's files away. True when this
 * one may: also where no lock can be made, as in a project that is read only. */
static bool take_lock(struct build_job *job, const struct tvn_build_options *options)
{
    const struct build_plan *plan = job->plan;
    const char *path = job->lock < 0 ? tvn_arena_printf(plan->arena, "%s.lock", plan->work) : NULL;
    if (path && tvn_file_make_folders(path) == TVN_OK) {
        job->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    }
    if (job->lock < 0 || flock(job->lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) {
        return true;
    }
    if (!job->told && options->waiting) {
        options->waiting(options->data, plan->component);
    }
    job->told = true;
    return false;
}

static bool may_start(const struct build_job *jobs, size_t count, const struct build_job *job)
{
    if (!job->plan || job->running || job->done) {
        return false;
    }
    for (size_t i = 0; job->plan->exclusive && i < count; i++) {
        if (jobs[i].running && jobs[i].plan->exclusive &&
            strcmp(jobs[i].plan->exclusive, job->plan->exclusive) == 0) {
            return false;
        }
    }
    return true;
}

static unsigned count_limit(const struct tvn_build_options *options)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned limit = options->jobs > 0 ? options->jobs : processors > 0 ? (unsigned)processors : 1;
    return limit < TVN_BUILD_JOBS_MAX ? limit : TVN_BUILD_JOBS_MAX;
}

static void wait_for_output(const struct build_job *jobs, size_t count)
{
    struct pollfd fds[TVN_BUILD_JOBS_MAX];
    nfds_t used = 0;
    for (size_t i = 0; i < count && used < TVN_BUILD_JOBS_MAX; i++) {
        int fd = jobs[i].running ? tvn_process_fd(jobs[i].process) : -1;
        if (fd >= 0) {
            fds[used++] = (struct pollfd){.fd = fd, .events = POLLIN};
        }
    }
    (void)poll(fds, used, TICK_MS);
}

static struct tvn_str last_line(struct tvn_str text)
{
    size_t end = text.len;
    while (end > 0 && (text.ptr[end - 1] == '\n' || text.ptr[end - 1] == '\r')) {
        end--;
    }
    size_t begin = end;
    size_t oldest = end > LINE_BYTES_MAX ? end - LINE_BYTES_MAX : 0;
    while (begin > oldest && text.ptr[begin - 1] != '\n' && text.ptr[begin - 1] != '\r') {
        begin--;
    }
    return tvn_str_slice(text, begin, end);
}

static void tell_running(const struct build_job *jobs, size_t count,
                         const struct tvn_build_options *options, uint64_t *told_ns)
{
    struct tvn_build_progress told[TVN_BUILD_JOBS_MAX];
    size_t used = 0;
    uint64_t now_ns = tvn_clock_monotonic_ns();
    if (!options->running || now_ns - *told_ns < TELL_EVERY_NS) {
        return;
    }
    *told_ns = now_ns;
    for (size_t i = 0; i < count && used < TVN_BUILD_JOBS_MAX; i++) {
        const struct build_plan *plan = jobs[i].running ? jobs[i].plan : NULL;
        if (plan) {
            told[used++] = (struct tvn_build_progress){
                .name = plan->component->declared->name,
                .elapsed_ns = now_ns - jobs[i].started_ns,
                .line = last_line(tvn_process_output(jobs[i].process)),
            };
        }
    }
    if (used > 0) {
        options->running(options->data, told, used);
    }
}

static void keep_first(enum tvn_status *first, enum tvn_status status)
{
    *first = *first == TVN_OK ? status : *first;
}

enum tvn_status build_run(struct build_job *jobs, size_t count,
                          const struct tvn_build_options *options)
{
    unsigned limit = count_limit(options);
    enum tvn_status result = TVN_OK;
    uint64_t told_ns = 0;
    for (size_t i = 0; i < count; i++) {
        tvn_strbuf_init(&jobs[i].log, LOG_BYTES_MAX);
    }
    for (;;) {
        unsigned running = 0;
        bool waiting = false;
        for (size_t i = 0; i < count; i++) {
            running += jobs[i].running ? 1 : 0;
        }
        for (size_t i = 0; i < count && running < limit; i++) {
            if (may_start(jobs, count, &jobs[i]) && take_lock(&jobs[i], options)) {
                keep_first(&result, start_job(&jobs[i], options));
                running += jobs[i].running ? 1 : 0;
            }
        }
        for (size_t i = 0; i < count; i++) {
            waiting |= jobs[i].plan && !jobs[i].done;
        }
        if (!waiting) {
            break;
        }
        wait_for_output(jobs, count);
        tell_running(jobs, count, options, &told_ns);
        for (size_t i = 0; i < count; i++) {
            if (jobs[i].running && tvn_process_poll(jobs[i].process)) {
                keep_first(&result, end_step(&jobs[i], options));
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        tvn_strbuf_deinit(&jobs[i].log);
    }
    return result;
}
