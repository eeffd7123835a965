/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/map.h"
#include "component/names_internal.h"
#include "contracts/model.h"

#include <stdlib.h>

/* Characters of a fragment: digits and letters of one case. */
static bool fragment_valid(struct tvn_str text)
{
    bool lower = false;
    bool upper = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        lower |= c >= 'a' && c <= 'z';
        upper |= c >= 'A' && c <= 'Z';
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))) {
            return false;
        }
    }
    return text.len > 0 && !(lower && upper);
}

bool tvn_label_valid(struct tvn_str text)
{
    if (text.len == 0 || (text.ptr[0] >= '0' && text.ptr[0] <= '9')) {
        return false;
    }
    size_t from = 0;
    for (size_t i = 0; i <= text.len; i++) {
        if (i == text.len || text.ptr[i] == '-') {
            if (!fragment_valid(tvn_str_slice(text, from, i))) {
                return false;
            }
            from = i + 1;
        }
    }
    return true;
}

/* A namespace or a package: a label without capitals. */
static bool words_valid(struct tvn_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] >= 'A' && text.ptr[i] <= 'Z') {
            return false;
        }
    }
    return tvn_label_valid(text);
}

static bool interface_name_valid(struct tvn_str text)
{
    struct tvn_package_id package;
    struct tvn_str name;
    return tvn_interface_id_parse(text, &package, &name) && words_valid(package.namespace_name) &&
           words_valid(package.name) && tvn_label_valid(name);
}

static bool take_prefix(struct tvn_str *text, struct tvn_str prefix)
{
    if (!tvn_str_starts_with(*text, prefix)) {
        return false;
    }
    *text = tvn_str_slice(*text, prefix.len, text->len);
    return true;
}

/* "resource.item" */
static bool parse_member(struct tvn_str text, struct tvn_extern_name *name)
{
    size_t dot = tvn_str_find(text, '.');
    if (dot == SIZE_MAX) {
        return false;
    }
    name->resource = tvn_str_slice(text, 0, dot);
    name->item = tvn_str_slice(text, dot + 1, text.len);
    return tvn_label_valid(name->resource) && tvn_label_valid(name->item);
}

static bool parse(struct tvn_str text, struct tvn_extern_name *name)
{
    struct tvn_str rest = text;
    if (take_prefix(&rest, TVN_STR("[constructor]"))) {
        name->kind = TVN_NAME_CONSTRUCTOR;
        name->resource = rest;
        return tvn_label_valid(rest);
    }
    if (take_prefix(&rest, TVN_STR("[method]"))) {
        name->kind = TVN_NAME_METHOD;
        return parse_member(rest, name);
    }
    if (take_prefix(&rest, TVN_STR("[static]"))) {
        name->kind = TVN_NAME_STATIC;
        return parse_member(rest, name);
    }
    if (tvn_str_find(text, ':') != SIZE_MAX) {
        name->kind = TVN_NAME_INTERFACE;
        return interface_name_valid(text);
    }
    name->kind = TVN_NAME_PLAIN;
    name->item = text;
    return tvn_label_valid(text);
}

enum tvn_status tvn_extern_name_parse(struct tvn_decode_context *context, struct tvn_str text,
                                      uint32_t offset, struct tvn_extern_name *out_name)
{
    struct tvn_extern_name name = {.text = text};
    if (!parse(text, &name)) {
        return tvn_decode_invalid(context, offset,
                                  "'%.*s' is not a valid import or export name (a kebab-case name "
                                  "or an interface id)",
                                  TVN_DECODE_NAME(text));
    }
    *out_name = name;
    return TVN_OK;
}

/* Lower case, without hyphens up to a version. */
static void add_folded(struct tvn_strbuf *out, struct tvn_str text)
{
    bool in_version = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        in_version |= c == '@';
        if (c == '-' && !in_version) {
            continue;
        }
        if (c >= 'A' && c <= 'Z' && !in_version) {
            c = (char)(c - 'A' + 'a');
        }
        tvn_strbuf_add_char(out, c);
    }
}

static enum tvn_status add_key(struct tvn_decode_context *context, struct tvn_map *set,
                               const struct tvn_strbuf *key, struct tvn_str text, uint32_t offset,
                               const char *what)
{
    enum tvn_status status =
        key->failed ? TVN_E_OUT_OF_MEMORY : tvn_map_add(set, tvn_strbuf_view(key), NULL);
    if (status == TVN_EXISTS) {
        return tvn_decode_invalid(context, offset, "%s name '%.*s' conflicts with a previous name",
                                  what, TVN_DECODE_NAME(text));
    }
    return status == TVN_OK ? TVN_OK : tvn_decode_folded(context, status, offset, "names");
}

enum tvn_status tvn_label_add(struct tvn_decode_context *context, struct tvn_map *set,
                              struct tvn_str label, uint32_t offset, const char *what)
{
    if (label.len == 0) {
        return tvn_decode_invalid(context, offset, "%s name cannot be empty", what);
    }
    if (!tvn_label_valid(label)) {
        return tvn_decode_invalid(context, offset, "%s name '%.*s' is not in kebab case", what,
                                  TVN_DECODE_NAME(label));
    }
    TVN_AUTO_VALUE(tvn_strbuf) key = {0};
    add_folded(&key, label);
    return add_key(context, set, &key, label, offset, what);
}

enum tvn_status tvn_extern_name_add(struct tvn_decode_context *context, struct tvn_map *set,
                                    const struct tvn_extern_name *name, uint32_t offset,
                                    const char *what)
{
    TVN_AUTO_VALUE(tvn_strbuf) key = {0};
    TVN_AUTO_VALUE(tvn_strbuf) item = {0};
    switch (name->kind) {
    case TVN_NAME_CONSTRUCTOR:
        tvn_strbuf_add_text(&key, "[constructor]");
        add_folded(&key, name->resource);
        break;
    case TVN_NAME_METHOD:
    case TVN_NAME_STATIC:
        /* "[method]a.a" counts as "a"; otherwise the annotation alone is left out. */
        add_folded(&key, name->resource);
        add_folded(&item, name->item);
        if (!tvn_str_equal(tvn_strbuf_view(&key), tvn_strbuf_view(&item))) {
            tvn_strbuf_add_char(&key, '.');
            tvn_strbuf_add_str(&key, tvn_strbuf_view(&item));
        }
        key.failed |= item.failed;
        break;
    case TVN_NAME_PLAIN:
    case TVN_NAME_INTERFACE:
        add_folded(&key, name->text);
        break;
    }
    return add_key(context, set, &key, name->text, offset, what);
}

static const struct tvn_str *keys_at(const struct tvn_name_array *array, uint32_t index)
{
    const void *item = (const char *)array->items + index * array->item_bytes;
    return item;
}

static int keys_compare(const struct tvn_str *a, const struct tvn_str *b, uint32_t keys)
{
    for (uint32_t i = 0; i < keys; i++) {
        size_t length = a[i].len < b[i].len ? a[i].len : b[i].len;
        int order = length > 0 ? memcmp(a[i].ptr, b[i].ptr, length) : 0;
        if (order != 0) {
            return order;
        }
        if (a[i].len != b[i].len) {
            return a[i].len < b[i].len ? -1 : 1;
        }
    }
    return 0;
}

static int order_compare(const void *a, const void *b, void *context)
{
    const struct tvn_name_array *array = context;
    uint32_t first = *(const uint32_t *)a;
    uint32_t second = *(const uint32_t *)b;
    int order = keys_compare(keys_at(array, first), keys_at(array, second), array->keys);
    if (order == 0) {
        return first < second ? -1 : first > second;
    }
    return order;
}

const uint32_t *tvn_name_order_create(struct tvn_decode_context *context,
                                      struct tvn_name_array array, uint32_t *out_duplicate)
{
    uint32_t *order = TVN_DECODE_ARRAY(context, uint32_t, array.count);
    if (!order) {
        return NULL;
    }
    for (uint32_t i = 0; i < array.count; i++) {
        order[i] = i;
    }
    qsort_r(order, array.count, sizeof(*order), order_compare, &array);
    *out_duplicate = UINT32_MAX;
    for (uint32_t i = 1; i < array.count; i++) {
        if (keys_compare(keys_at(&array, order[i - 1]), keys_at(&array, order[i]), array.keys) ==
            0) {
            *out_duplicate = order[i];
        }
    }
    return order;
}

uint32_t tvn_name_order_find(struct tvn_name_array array, const uint32_t *order,
                             const struct tvn_str *keys)
{
    uint32_t low = 0;
    uint32_t high = array.count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int compared = keys_compare(keys_at(&array, order[middle]), keys, array.keys);
        if (compared == 0) {
            return order[middle];
        }
        if (compared < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return UINT32_MAX;
}
