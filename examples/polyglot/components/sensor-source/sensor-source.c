/*
 * Readings of two made-up sensors as JSON lines, the same ones in every run:
 *
 *     {"sensor":"kiln","reading":1,"fahrenheit":1652.0}
 *
 * Every seventh reading is what a broken wire gives.
 */
#include "managed_source.h"

#include <stdio.h>
#include <string.h>

#define READINGS_DEFAULT 10
#define BROKEN_EVERY     7
#define BROKEN_WIRE      -9999.0

struct sensor {
    const char *name;
    double fahrenheit; /* of the first reading */
    double step;       /* up for three readings, then down for two */
};

static const struct sensor sensors[] = {{"kiln", 1652.0, 9.0}, {"room", 68.0, 1.8}};
#define SENSOR_COUNT (sizeof(sensors) / sizeof(sensors[0]))

/* A component instance has one copy of this state and the host never calls it twice at a time. */
static unsigned long long total;
static unsigned long long produced;

/* {"count": N} */
static unsigned long long count_of(const managed_source_string_t *config)
{
    char text[128];
    unsigned long long count;
    if (config->len >= sizeof(text)) {
        return READINGS_DEFAULT;
    }
    memcpy(text, config->ptr, config->len);
    text[config->len] = '\0';
    return sscanf(text, " { \"count\" : %llu }", &count) == 1 ? count : READINGS_DEFAULT;
}

bool exports_torvyn_streaming_lifecycle_init(
    managed_source_string_t *config, exports_torvyn_streaming_lifecycle_process_error_t *err)
{
    (void)err;
    total = count_of(config);
    produced = 0;
    managed_source_string_free(config);
    return true;
}

void exports_torvyn_streaming_lifecycle_teardown(void)
{
}

static double temperature(const struct sensor *sensor, unsigned long long reading)
{
    static const int level[] = {0, 1, 2, 3, 2};
    return sensor->fahrenheit + sensor->step * level[reading % (sizeof(level) / sizeof(level[0]))];
}

static size_t print_reading(char *line, size_t size)
{
    const struct sensor *sensor = &sensors[produced % SENSOR_COUNT];
    unsigned long long reading = produced / SENSOR_COUNT;
    double fahrenheit =
        (produced + 1) % BROKEN_EVERY == 0 ? BROKEN_WIRE : temperature(sensor, reading);
    return (size_t)snprintf(line, size, "{\"sensor\":\"%s\",\"reading\":%llu,\"fahrenheit\":%.1f}",
                            sensor->name, reading + 1, fahrenheit);
}

static bool fail(exports_torvyn_streaming_source_process_error_t *err, const char *what,
                 torvyn_streaming_types_buffer_error_t *error)
{
    torvyn_streaming_types_buffer_error_free(error);
    err->tag = TORVYN_STREAMING_TYPES_PROCESS_ERROR_INTERNAL;
    managed_source_string_dup(&err->val.internal, what);
    return false;
}

bool exports_torvyn_streaming_source_pull(
    exports_torvyn_streaming_source_option_output_element_t *ret,
    exports_torvyn_streaming_source_process_error_t *err)
{
    ret->is_some = produced < total;
    if (!ret->is_some) {
        return true;
    }
    char line[128];
    managed_source_list_u8_t bytes = {(uint8_t *)line, print_reading(line, sizeof(line))};

    torvyn_streaming_buffer_allocator_own_mutable_buffer_t buffer;
    torvyn_streaming_types_buffer_error_t error;
    if (!torvyn_streaming_buffer_allocator_allocate(bytes.len, &buffer, &error)) {
        return fail(err, "buffer allocation failed", &error);
    }
    torvyn_streaming_types_borrow_mutable_buffer_t writable =
        torvyn_streaming_types_borrow_mutable_buffer(buffer);
    if (!torvyn_streaming_types_method_mutable_buffer_append(writable, &bytes, &error)) {
        torvyn_streaming_types_mutable_buffer_drop_own(buffer);
        return fail(err, "buffer write failed", &error);
    }
    ret->val.payload = torvyn_streaming_types_method_mutable_buffer_freeze(writable);
    torvyn_streaming_types_mutable_buffer_drop_own(buffer);
    ret->val.meta.sequence = produced; /* the runtime assigns sequence and timestamp */
    ret->val.meta.timestamp_ns = 0;
    managed_source_string_dup(&ret->val.meta.content_type, "application/json");
    produced++;
    return true;
}

void exports_torvyn_streaming_source_notify_backpressure(
    exports_torvyn_streaming_source_backpressure_signal_t signal)
{
    (void)signal;
}
