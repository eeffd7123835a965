/* SPDX-License-Identifier: Apache-2.0 */
#include "contracts/model.h"

#include "base/assert.h"
#include "contracts/wit_name_internal.h"

const struct tvn_type_item *tvn_interface_find_type(const struct tvn_interface *interface,
                                                    struct tvn_str name)
{
    tvn_assert(interface);
    for (size_t i = 0; i < interface->type_count; i++) {
        if (tvn_str_equal(interface->types[i].name, name)) {
            return &interface->types[i];
        }
    }
    return NULL;
}

const struct tvn_func *tvn_interface_find_func(const struct tvn_interface *interface,
                                               struct tvn_str name)
{
    tvn_assert(interface);
    for (size_t i = 0; i < interface->func_count; i++) {
        if (tvn_str_equal(interface->funcs[i].name, name)) {
            return &interface->funcs[i];
        }
    }
    return NULL;
}

const struct tvn_interface *tvn_package_find_interface(const struct tvn_package *package,
                                                       struct tvn_str name)
{
    tvn_assert(package);
    for (size_t i = 0; i < package->interface_count; i++) {
        if (tvn_str_equal(package->interfaces[i]->name, name)) {
            return package->interfaces[i];
        }
    }
    return NULL;
}

const struct tvn_world *tvn_package_find_world(const struct tvn_package *package,
                                               struct tvn_str name)
{
    tvn_assert(package);
    for (size_t i = 0; i < package->world_count; i++) {
        if (tvn_str_equal(package->worlds[i]->name, name)) {
            return package->worlds[i];
        }
    }
    return NULL;
}

static bool label_valid(struct tvn_str text)
{
    size_t bad;
    return tvn_wit_label_valid(text, &bad);
}

bool tvn_interface_id_parse(struct tvn_str id, struct tvn_package_id *out_package,
                            struct tvn_str *out_name)
{
    tvn_assert(out_package);
    tvn_assert(out_name);
    struct tvn_semver version = {.pre = {"", 0}, .build = {"", 0}};
    size_t at = tvn_str_find(id, '@');
    if (at != SIZE_MAX) {
        if (!tvn_semver_parse(tvn_str_slice(id, at + 1, id.len), &version)) {
            return false;
        }
        id = tvn_str_slice(id, 0, at);
    }
    size_t colon = tvn_str_find(id, ':');
    size_t slash = tvn_str_find(id, '/');
    if (colon == SIZE_MAX || slash == SIZE_MAX || slash < colon) {
        return false;
    }
    struct tvn_str namespace_name = tvn_str_slice(id, 0, colon);
    struct tvn_str package_name = tvn_str_slice(id, colon + 1, slash);
    struct tvn_str name = tvn_str_slice(id, slash + 1, id.len);
    if (!label_valid(namespace_name) || !label_valid(package_name) || !label_valid(name)) {
        return false;
    }
    *out_package = (struct tvn_package_id){namespace_name, package_name, version};
    *out_name = name;
    return true;
}

void tvn_package_id_print(const struct tvn_package_id *id, struct tvn_strbuf *out)
{
    tvn_assert(id);
    tvn_assert(out);
    tvn_strbuf_add_escaped(out, id->namespace_name);
    tvn_strbuf_add_char(out, ':');
    tvn_strbuf_add_escaped(out, id->name);
    if (id->version.valid) {
        tvn_strbuf_add_char(out, '@');
        tvn_semver_print(&id->version, out);
    }
}

void tvn_interface_id_print(const struct tvn_package_id *package, struct tvn_str name,
                            struct tvn_strbuf *out)
{
    tvn_assert(package);
    tvn_assert(out);
    tvn_strbuf_add_escaped(out, package->namespace_name);
    tvn_strbuf_add_char(out, ':');
    tvn_strbuf_add_escaped(out, package->name);
    tvn_strbuf_add_char(out, '/');
    tvn_strbuf_add_escaped(out, name);
    if (package->version.valid) {
        tvn_strbuf_add_char(out, '@');
        tvn_semver_print(&package->version, out);
    }
}
