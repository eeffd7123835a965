/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "observability/otlp_writer_internal.h"

#include <inttypes.h>
#include <stdio.h>

#define NUMBER_BYTES 24
#define ID_BYTES_MAX 16

/* opentelemetry.proto.common.v1, .resource.v1 */
#define KEY_VALUE_KEY       1
#define KEY_VALUE_VALUE     2
#define ANY_STRING          1
#define ANY_INT             3
#define RESOURCE            1 /* of ResourceMetrics, ResourceSpans */
#define RESOURCE_ATTRIBUTES 1
#define SCOPE               1 /* of ScopeMetrics, ScopeSpans */
#define SCOPE_NAME          1
#define SCOPE_VERSION       2

void otlp_writer_init(struct otlp_writer *writer, enum tvn_otlp_encoding encoding,
                      struct tvn_strbuf *out)
{
    writer->is_json = encoding == TVN_OTLP_JSON;
    if (writer->is_json) {
        tvn_json_writer_init(&writer->json, out, 0);
        tvn_json_begin_object(&writer->json);
    } else {
        tvn_protobuf_writer_init(&writer->protobuf, out);
    }
}

void otlp_writer_finish(struct otlp_writer *writer)
{
    if (writer->is_json) {
        tvn_json_end_object(&writer->json);
    }
}

/* ---- messages ---- */

void otlp_begin(struct otlp_writer *writer, uint32_t number, const char *name)
{
    if (writer->is_json) {
        tvn_json_key(&writer->json, name);
    }
    otlp_begin_item(writer, number);
}

void otlp_begin_item(struct otlp_writer *writer, uint32_t number)
{
    if (writer->is_json) {
        tvn_json_begin_object(&writer->json);
    } else {
        tvn_protobuf_begin(&writer->protobuf, number);
    }
}

void otlp_end(struct otlp_writer *writer)
{
    if (writer->is_json) {
        tvn_json_end_object(&writer->json);
    } else {
        tvn_protobuf_end(&writer->protobuf);
    }
}

void otlp_begin_list(struct otlp_writer *writer, const char *name)
{
    if (writer->is_json) {
        tvn_json_key(&writer->json, name);
        tvn_json_begin_array(&writer->json);
    }
}

void otlp_end_list(struct otlp_writer *writer)
{
    if (writer->is_json) {
        tvn_json_end_array(&writer->json);
    }
}

/* ---- fields ---- */

static void json_u64(struct tvn_json_writer *json, uint64_t value)
{
    char digits[NUMBER_BYTES];
    (void)snprintf(digits, sizeof(digits), "%" PRIu64, value);
    tvn_json_write_text(json, digits);
}

void otlp_text(struct otlp_writer *writer, uint32_t number, const char *name, struct tvn_str text)
{
    if (writer->is_json) {
        tvn_json_key(&writer->json, name);
        tvn_json_write_str(&writer->json, text);
    } else {
        tvn_protobuf_add_text(&writer->protobuf, number, text);
    }
}

void otlp_id(struct otlp_writer *writer, uint32_t number, const char *name, const uint8_t *bytes,
             size_t length)
{
    static const char digits[] = "0123456789abcdef";
    tvn_assert(length <= ID_BYTES_MAX);
    if (!writer->is_json) {
        tvn_protobuf_add_bytes(&writer->protobuf, number, bytes, length);
        return;
    }
    char text[2 * ID_BYTES_MAX];
    for (size_t i = 0; i < length; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    otlp_text(writer, number, name, (struct tvn_str){text, 2 * length});
}

void otlp_u32(struct otlp_writer *writer, uint32_t number, const char *name, uint32_t value)
{
    if (writer->is_json) {
        tvn_json_field_u64(&writer->json, name, value);
    } else {
        tvn_protobuf_add_varint(&writer->protobuf, number, value);
    }
}

void otlp_bool(struct otlp_writer *writer, uint32_t number, const char *name, bool value)
{
    if (writer->is_json) {
        tvn_json_field_bool(&writer->json, name, value);
    } else {
        tvn_protobuf_add_varint(&writer->protobuf, number, value);
    }
}

void otlp_fixed32(struct otlp_writer *writer, uint32_t number, const char *name, uint32_t value)
{
    if (writer->is_json) {
        tvn_json_field_u64(&writer->json, name, value);
    } else {
        tvn_protobuf_add_fixed32(&writer->protobuf, number, value);
    }
}

void otlp_fixed64(struct otlp_writer *writer, uint32_t number, const char *name, uint64_t value)
{
    if (writer->is_json) {
        tvn_json_key(&writer->json, name);
        json_u64(&writer->json, value);
    } else {
        tvn_protobuf_add_fixed64(&writer->protobuf, number, value);
    }
}

void otlp_double(struct otlp_writer *writer, uint32_t number, const char *name, double value)
{
    if (writer->is_json) {
        tvn_json_field_real(&writer->json, name, value);
    } else {
        tvn_protobuf_add_double(&writer->protobuf, number, value);
    }
}

void otlp_fixed64_list(struct otlp_writer *writer, uint32_t number, const char *name,
                       const uint64_t *values, size_t count)
{
    otlp_begin_list(writer, name);
    if (!writer->is_json) {
        tvn_protobuf_begin(&writer->protobuf, number);
    }
    for (size_t i = 0; i < count; i++) {
        if (writer->is_json) {
            json_u64(&writer->json, values[i]);
        } else {
            tvn_protobuf_pack_fixed64(&writer->protobuf, values[i]);
        }
    }
    if (!writer->is_json) {
        tvn_protobuf_end(&writer->protobuf);
    }
    otlp_end_list(writer);
}

void otlp_double_list(struct otlp_writer *writer, uint32_t number, const char *name,
                      const double *values, size_t count)
{
    otlp_begin_list(writer, name);
    if (!writer->is_json) {
        tvn_protobuf_begin(&writer->protobuf, number);
    }
    for (size_t i = 0; i < count; i++) {
        if (writer->is_json) {
            tvn_json_write_real(&writer->json, values[i]);
        } else {
            tvn_protobuf_pack_double(&writer->protobuf, values[i]);
        }
    }
    if (!writer->is_json) {
        tvn_protobuf_end(&writer->protobuf);
    }
    otlp_end_list(writer);
}

/* ---- messages of all signals ---- */

static void begin_attribute(struct otlp_writer *writer, uint32_t number, const char *key)
{
    otlp_begin_item(writer, number);
    otlp_text(writer, KEY_VALUE_KEY, "key", tvn_str_of(key));
    otlp_begin(writer, KEY_VALUE_VALUE, "value");
}

void otlp_attribute_text(struct otlp_writer *writer, uint32_t number, const char *key,
                         struct tvn_str value)
{
    begin_attribute(writer, number, key);
    otlp_text(writer, ANY_STRING, "stringValue", value);
    otlp_end(writer);
    otlp_end(writer);
}

void otlp_attribute_number(struct otlp_writer *writer, uint32_t number, const char *key,
                           int64_t value)
{
    begin_attribute(writer, number, key);
    if (writer->is_json) {
        char digits[NUMBER_BYTES];
        (void)snprintf(digits, sizeof(digits), "%" PRId64, value);
        tvn_json_field_text(&writer->json, "intValue", digits);
    } else {
        tvn_protobuf_add_varint(&writer->protobuf, ANY_INT, (uint64_t)value);
    }
    otlp_end(writer);
    otlp_end(writer);
}

static void optional_text(struct otlp_writer *writer, const char *key, const char *value)
{
    if (value) {
        otlp_attribute_text(writer, RESOURCE_ATTRIBUTES, key, tvn_str_of(value));
    }
}

void otlp_resource(struct otlp_writer *writer, const struct tvn_otlp_resource *resource)
{
    otlp_begin(writer, RESOURCE, "resource");
    otlp_begin_list(writer, "attributes");
    optional_text(writer, "service.name", resource->service_name);
    optional_text(writer, "service.version", resource->service_version);
    optional_text(writer, "service.instance.id", resource->instance_id);
    optional_text(writer, "host.name", resource->host_name);
    if (resource->pid != 0) {
        otlp_attribute_number(writer, RESOURCE_ATTRIBUTES, "process.pid", resource->pid);
    }
    otlp_end_list(writer);
    otlp_end(writer);
}

void otlp_scope(struct otlp_writer *writer)
{
    otlp_begin(writer, SCOPE, "scope");
    otlp_text(writer, SCOPE_NAME, "name", TVN_STR("torvyn"));
    otlp_text(writer, SCOPE_VERSION, "version", TVN_STR(TVN_VERSION));
    otlp_end(writer);
}
