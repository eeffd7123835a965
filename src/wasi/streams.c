/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wasi:io/streams: the ABI over wasi/byte_stream_internal.h.
 *
 * What standard output needs for each element is raw and makes no allocation; reading, zeroes by
 * the chunk and splicing are dynamic.
 */
#include "base/num.h"
#include "wasi/context_internal.h"
#include "wasi/value_internal.h"

#define BLOCKING_WRITE_MAX 4096u /* the interface's own limit for blocking-write-and-flush */
#define SCRATCH_BYTES      4096u

enum { STREAM_ERROR_FAILED, STREAM_ERROR_CLOSED }; /* the cases of stream-error */
enum { RESULT_OK, RESULT_ERR };

static void drop_stream(void *host, struct tvn_guest *guest, uint64_t rep)
{
    (void)host;
    (void)guest;
    tvn_byte_stream_unref(tvn_wasi_object_of(rep));
}

/* ---- outcomes ---- */

/* Something the guest is told; anything else that is not TVN_OK ends the instance. */
static bool is_stream_error(enum tvn_status status)
{
    return status == TVN_END || status == TVN_E_IO_ERROR;
}

// HOT PATH. stream-error at `at` (8 bytes). False: the fault is recorded.
static bool store_error(const struct tvn_call_site *site, const struct tvn_byte_stream *stream,
                        enum tvn_status status, uint8_t *at)
{
    if (status == TVN_END) {
        at[0] = STREAM_ERROR_CLOSED;
        return true;
    }
    const struct tvn_wasi *wasi = site->host;
    uint32_t handle =
        tvn_site_give_own(site, wasi->world->resources[TVN_WASI_ERROR], tvn_wasi_error_of(stream));
    if (handle == 0) {
        return false;
    }
    at[0] = STREAM_ERROR_FAILED;
    tvn_guest_store_u32(at + 4, handle);
    return true;
}

/*
 * HOT PATH. Ends a raw function: result<_, stream-error> (12 bytes, the payload at 4) or, with a
 * number, result<u64, stream-error> (16 bytes, the payload at 8), at the guest's `offset`.
 */
static void *finish(const struct tvn_call_site *site, const struct tvn_byte_stream *stream,
                    enum tvn_status status, uint32_t offset, const uint64_t *number)
{
    uint32_t alignment = number ? 8 : 4;
    uint8_t *at = tvn_wasi_result_at(site, offset, alignment, alignment + 8);
    if (TVN_UNLIKELY(!at)) {
        return tvn_wasi_trap_pointer(site);
    }
    if (TVN_LIKELY(status == TVN_OK || status == TVN_AGAIN)) {
        at[0] = RESULT_OK;
        if (number) {
            tvn_guest_store_u64(at + 8, *number);
        }
        return NULL;
    }
    if (!is_stream_error(status)) {
        (void)tvn_wasi_fail(site, status);
        return tvn_site_trapped(site);
    }
    at[0] = RESULT_ERR;
    return store_error(site, stream, status, at + alignment) ? NULL : tvn_site_trapped(site);
}

// COLD PATH. The same for a dynamic function: ok(value) or err(stream-error).
static enum tvn_status finish_value(const struct tvn_call_site *site, struct tvn_arena *arena,
                                    const struct tvn_byte_stream *stream, enum tvn_status status,
                                    struct tvn_value value, struct tvn_value *out_result)
{
    const struct tvn_wasi *wasi = site->host;
    bool fits;
    if (status == TVN_OK || status == TVN_AGAIN) {
        fits = tvn_wasi_case_of(arena, RESULT_OK, value, out_result);
    } else if (status == TVN_END) {
        fits = tvn_wasi_case_of(arena, RESULT_ERR, tvn_wasi_case(STREAM_ERROR_CLOSED), out_result);
    } else if (status == TVN_E_IO_ERROR) {
        struct tvn_value error =
            tvn_wasi_handle(wasi->world->resources[TVN_WASI_ERROR], tvn_wasi_error_of(stream));
        struct tvn_value failed;
        fits = tvn_wasi_case_of(arena, STREAM_ERROR_FAILED, error, &failed) &&
               tvn_wasi_case_of(arena, RESULT_ERR, failed, out_result);
    } else {
        return tvn_wasi_fail(site, status);
    }
    return fits ? TVN_OK : tvn_wasi_fail(site, TVN_E_OUT_OF_MEMORY);
}

/* ---- output-stream, raw ---- */

/* First steps of a raw method: `stream` becomes what the handle in slots[0] stands for. */
#define STREAM_ENTER(site, resource, slots, stream)                                  \
    do {                                                                             \
        uint64_t rep_;                                                               \
        TVN_SITE_ENTER(site);                                                        \
        if (TVN_UNLIKELY(!tvn_wasi_lookup(site, resource, (slots)[0].u32, &rep_))) { \
            return tvn_wasi_trap_handle(site, (slots)[0].u32);                       \
        }                                                                            \
        (stream) = tvn_wasi_object_of(rep_);                                         \
    } while (0)

static TVN_COLD void *trap_permit(const struct tvn_call_site *site, uint64_t length, size_t permit)
{
    return tvn_site_trap(site, TVN_E_COMPONENT_TRAPPED, "%llu bytes, but only %zu are permitted",
                         (unsigned long long)length, permit);
}

/* Sleeps until check-write permits something. */
static enum tvn_status await_room(const struct tvn_wasi *wasi, struct tvn_byte_stream *stream)
{
    for (;;) {
        enum tvn_status status = tvn_byte_stream_check_write(stream);
        if (status != TVN_AGAIN) {
            return status;
        }
        TVN_TRY(tvn_wasi_wait_stream(wasi, stream));
    }
}

static enum tvn_status await_flush(const struct tvn_wasi *wasi, struct tvn_byte_stream *stream)
{
    for (;;) {
        enum tvn_status status = tvn_byte_stream_flush(stream);
        if (status != TVN_AGAIN) {
            return status;
        }
        TVN_TRY(tvn_wasi_wait_stream(wasi, stream));
    }
}

/* bytes NULL: zeroes. */
static enum tvn_status write_and_flush(const struct tvn_wasi *wasi, struct tvn_byte_stream *stream,
                                       const char *bytes, size_t length)
{
    do {
        TVN_TRY(await_room(wasi, stream));
        size_t piece = tvn_min(length, stream->permit);
        TVN_TRY(tvn_byte_stream_write(stream, bytes, piece));
        bytes = bytes ? bytes + piece : NULL;
        length -= piece;
    } while (length > 0);
    return await_flush(wasi, stream);
}

// HOT PATH.
static void *check_write(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    struct tvn_byte_stream *stream;
    STREAM_ENTER(site, TVN_WASI_OUTPUT_STREAM, slots, stream);
    enum tvn_status status = tvn_byte_stream_check_write(stream);
    uint64_t permit = stream->permit;
    return finish(site, stream, status, slots[1].u32, &permit);
}

// HOT PATH.
static void *write_list(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    struct tvn_byte_stream *stream;
    STREAM_ENTER(site, TVN_WASI_OUTPUT_STREAM, slots, stream);
    uint32_t length = slots[2].u32;
    const uint8_t *bytes = tvn_wasi_result_at(site, slots[1].u32, 1, length);
    if (TVN_UNLIKELY(!bytes)) {
        return tvn_wasi_trap_pointer(site);
    }
    if (TVN_UNLIKELY(!stream->closed && length > stream->permit)) {
        return trap_permit(site, length, stream->permit);
    }
    enum tvn_status status = tvn_byte_stream_write(stream, (const char *)bytes, length);
    return finish(site, stream, status, slots[3].u32, NULL);
}

// HOT PATH.
static void *blocking_write_and_flush(void *env, void *caller, union tvn_flat *slots,
                                      size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    struct tvn_byte_stream *stream;
    STREAM_ENTER(site, TVN_WASI_OUTPUT_STREAM, slots, stream);
    uint32_t length = slots[2].u32;
    const uint8_t *bytes = tvn_wasi_result_at(site, slots[1].u32, 1, length);
    if (TVN_UNLIKELY(!bytes)) {
        return tvn_wasi_trap_pointer(site);
    }
    if (TVN_UNLIKELY(length > BLOCKING_WRITE_MAX)) {
        return trap_permit(site, length, BLOCKING_WRITE_MAX);
    }
    enum tvn_status status = write_and_flush(site->host, stream, (const char *)bytes, length);
    return finish(site, stream, status, slots[3].u32, NULL);
}

// HOT PATH.
static void *flush(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    struct tvn_byte_stream *stream;
    STREAM_ENTER(site, TVN_WASI_OUTPUT_STREAM, slots, stream);
    return finish(site, stream, tvn_byte_stream_flush(stream), slots[1].u32, NULL);
}

// HOT PATH.
static void *blocking_flush(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    struct tvn_byte_stream *stream;
    STREAM_ENTER(site, TVN_WASI_OUTPUT_STREAM, slots, stream);
    return finish(site, stream, await_flush(site->host, stream), slots[1].u32, NULL);
}

static void *write_zeroes(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    struct tvn_byte_stream *stream;
    STREAM_ENTER(site, TVN_WASI_OUTPUT_STREAM, slots, stream);
    uint64_t length = slots[1].u64;
    if (!stream->closed && length > stream->permit) {
        return trap_permit(site, length, stream->permit);
    }
    enum tvn_status status = stream->closed ? TVN_END : tvn_byte_stream_write(stream, NULL, length);
    return finish(site, stream, status, slots[2].u32, NULL);
}

static void *blocking_write_zeroes_and_flush(void *env, void *caller, union tvn_flat *slots,
                                             size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    const struct tvn_call_site *site = env;
    struct tvn_byte_stream *stream;
    STREAM_ENTER(site, TVN_WASI_OUTPUT_STREAM, slots, stream);
    uint64_t length = slots[1].u64;
    if (length > BLOCKING_WRITE_MAX) {
        return trap_permit(site, length, BLOCKING_WRITE_MAX);
    }
    enum tvn_status status = write_and_flush(site->host, stream, NULL, length);
    return finish(site, stream, status, slots[2].u32, NULL);
}

/* ---- subscribe, both kinds ---- */

static void *subscribe(void *env, union tvn_flat *slots, enum tvn_wasi_resource resource)
{
    const struct tvn_call_site *site = env;
    struct tvn_wasi *wasi = site->host;
    struct tvn_byte_stream *stream;
    STREAM_ENTER(site, resource, slots, stream);
    return tvn_wasi_give_pollable(site, tvn_wasi_pollable_stream(&wasi->pollables, stream), slots);
}

// HOT PATH.
static void *subscribe_output(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    return subscribe(env, slots, TVN_WASI_OUTPUT_STREAM);
}

static void *subscribe_input(void *env, void *caller, union tvn_flat *slots, size_t slot_count)
{
    (void)caller;
    (void)slot_count;
    return subscribe(env, slots, TVN_WASI_INPUT_STREAM);
}

/* ---- input-stream ---- */

/* A read that sleeps until there is something, when `blocking`. */
static enum tvn_status read_some(const struct tvn_wasi *wasi, struct tvn_byte_stream *stream,
                                 bool blocking, char *bytes, size_t capacity, size_t *out_length)
{
    for (;;) {
        *out_length = 0;
        enum tvn_status status = tvn_byte_stream_read(stream, bytes, capacity, out_length);
        if (status != TVN_AGAIN || !blocking) {
            return status;
        }
        TVN_TRY(tvn_wasi_wait_stream(wasi, stream));
    }
}

static enum tvn_status read_list(const struct tvn_call_site *site, const struct tvn_value *args,
                                 bool blocking, struct tvn_arena *arena,
                                 struct tvn_value *out_result)
{
    struct tvn_byte_stream *stream = tvn_wasi_object_of(args[0].of.handle.rep);
    size_t capacity = (size_t)tvn_min(args[1].of.u, (uint64_t)TVN_WASI_CHUNK_MAX);
    char *bytes = tvn_arena_alloc(arena, capacity);
    if (!bytes) {
        return tvn_wasi_fail(site, TVN_E_OUT_OF_MEMORY);
    }
    size_t length = 0;
    enum tvn_status status = read_some(site->host, stream, blocking, bytes, capacity, &length);
    return finish_value(site, arena, stream, status, tvn_wasi_bytes(bytes, length), out_result);
}

static enum tvn_status read_now(const struct tvn_call_site *site, const struct tvn_value *args,
                                uint32_t arg_count, struct tvn_arena *arena,
                                struct tvn_value *out_result)
{
    (void)arg_count;
    return read_list(site, args, false, arena, out_result);
}

static enum tvn_status blocking_read(const struct tvn_call_site *site, const struct tvn_value *args,
                                     uint32_t arg_count, struct tvn_arena *arena,
                                     struct tvn_value *out_result)
{
    (void)arg_count;
    return read_list(site, args, true, arena, out_result);
}

static enum tvn_status skip_bytes(const struct tvn_call_site *site, const struct tvn_value *args,
                                  bool blocking, struct tvn_arena *arena,
                                  struct tvn_value *out_result)
{
    struct tvn_byte_stream *stream = tvn_wasi_object_of(args[0].of.handle.rep);
    char scratch[SCRATCH_BYTES];
    size_t capacity = (size_t)tvn_min(args[1].of.u, (uint64_t)sizeof(scratch));
    size_t length = 0;
    enum tvn_status status = read_some(site->host, stream, blocking, scratch, capacity, &length);
    return finish_value(site, arena, stream, status, tvn_wasi_u64(length), out_result);
}

static enum tvn_status skip(const struct tvn_call_site *site, const struct tvn_value *args,
                            uint32_t arg_count, struct tvn_arena *arena,
                            struct tvn_value *out_result)
{
    (void)arg_count;
    return skip_bytes(site, args, false, arena, out_result);
}

static enum tvn_status blocking_skip(const struct tvn_call_site *site, const struct tvn_value *args,
                                     uint32_t arg_count, struct tvn_arena *arena,
                                     struct tvn_value *out_result)
{
    (void)arg_count;
    return skip_bytes(site, args, true, arena, out_result);
}

/* ---- splice ---- */

/* check-write, read, write; *out_stream is the one that a failure is about. */
static enum tvn_status splice_some(const struct tvn_wasi *wasi, const struct tvn_value *args,
                                   bool blocking, struct tvn_byte_stream **out_stream,
                                   size_t *out_length)
{
    struct tvn_byte_stream *output = tvn_wasi_object_of(args[0].of.handle.rep);
    struct tvn_byte_stream *input = tvn_wasi_object_of(args[1].of.handle.rep);
    *out_stream = output;
    enum tvn_status status =
        blocking ? await_room(wasi, output) : tvn_byte_stream_check_write(output);
    if (status != TVN_OK) {
        return status;
    }
    char scratch[SCRATCH_BYTES];
    size_t capacity = (size_t)tvn_min(args[2].of.u, (uint64_t)sizeof(scratch));
    capacity = tvn_min(capacity, output->permit);
    *out_stream = input;
    size_t length = 0;
    TVN_TRY(read_some(wasi, input, blocking, scratch, capacity, &length));
    *out_stream = output;
    TVN_TRY(tvn_byte_stream_write(output, scratch, length));
    *out_length = length;
    return TVN_OK;
}

static enum tvn_status splice_value(const struct tvn_call_site *site, const struct tvn_value *args,
                                    bool blocking, struct tvn_arena *arena,
                                    struct tvn_value *out_result)
{
    struct tvn_byte_stream *stream = NULL;
    size_t length = 0;
    enum tvn_status status = splice_some(site->host, args, blocking, &stream, &length);
    return finish_value(site, arena, stream, status, tvn_wasi_u64(length), out_result);
}

static enum tvn_status splice(const struct tvn_call_site *site, const struct tvn_value *args,
                              uint32_t arg_count, struct tvn_arena *arena,
                              struct tvn_value *out_result)
{
    (void)arg_count;
    return splice_value(site, args, false, arena, out_result);
}

static enum tvn_status blocking_splice(const struct tvn_call_site *site,
                                       const struct tvn_value *args, uint32_t arg_count,
                                       struct tvn_arena *arena, struct tvn_value *out_result)
{
    (void)arg_count;
    return splice_value(site, args, true, arena, out_result);
}

static const struct tvn_host_func stream_funcs[] = {
    {.name = "[method]output-stream.check-write", .raw = check_write},
    {.name = "[method]output-stream.write", .raw = write_list},
    {.name = "[method]output-stream.blocking-write-and-flush", .raw = blocking_write_and_flush},
    {.name = "[method]output-stream.flush", .raw = flush},
    {.name = "[method]output-stream.blocking-flush", .raw = blocking_flush},
    {.name = "[method]output-stream.subscribe", .raw = subscribe_output},
    {.name = "[method]output-stream.write-zeroes", .raw = write_zeroes},
    {.name = "[method]output-stream.blocking-write-zeroes-and-flush",
     .raw = blocking_write_zeroes_and_flush},
    {.name = "[method]output-stream.splice", .dynamic = splice},
    {.name = "[method]output-stream.blocking-splice", .dynamic = blocking_splice},
    {.name = "[method]input-stream.read", .dynamic = read_now},
    {.name = "[method]input-stream.blocking-read", .dynamic = blocking_read},
    {.name = "[method]input-stream.skip", .dynamic = skip},
    {.name = "[method]input-stream.blocking-skip", .dynamic = blocking_skip},
    {.name = "[method]input-stream.subscribe", .raw = subscribe_input},
};
static const struct tvn_host_resource stream_resources[] = {
    {.name = "input-stream", .drop = drop_stream},
    {.name = "output-stream", .drop = drop_stream},
};

static const struct tvn_wasi_interface interfaces[] = {
    {.id = "wasi:io/streams@0.2.12",
     TVN_WASI_FUNCS(stream_funcs),
     TVN_WASI_RESOURCES(stream_resources)},
};
const struct tvn_wasi_interfaces tvn_wasi_stream_interfaces = {TVN_WASI_LIST(interfaces)};
