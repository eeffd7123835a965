/* SPDX-License-Identifier: Apache-2.0 */
#include "host/diff_files.h"

#include "base/assert.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/vec.h"
#include "component/component.h"
#include "component/limits.h"
#include "contracts/wit.h"

#include <errno.h>
#include <sys/stat.h>

struct side {
    struct tvn_file_bytes bytes; /* the component points into them */
    struct tvn_wit *wit;         /* one of the two */
    struct tvn_component *component;
    TVN_VEC(const struct tvn_package *) packages; /* its own, without those of deps */
    struct tvn_diff_side view;
};

struct tvn_diff_files {
    struct side before;
    struct side after;
    struct tvn_diff *diff;
};

static void side_deinit(struct side *side)
{
    tvn_vec_deinit(&side->packages);
    tvn_wit_destroy(side->wit);
    if (side->component) {
        tvn_component_destroy(side->component);
    }
    tvn_file_bytes_deinit(&side->bytes);
}

void tvn_diff_files_destroy(struct tvn_diff_files *files)
{
    if (files) {
        if (files->diff) {
            tvn_diff_destroy(files->diff);
        }
        side_deinit(&files->before);
        side_deinit(&files->after);
        tvn_free(files);
    }
}

static enum tvn_status no_memory(struct tvn_diag_sink *sink)
{
    return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE, "no memory to compare");
}

static bool is_component(const struct side *side)
{
    return side->bytes.len >= 4 && memcmp(side->bytes.ptr, "\0asm", 4) == 0;
}

static enum tvn_status read_component(struct side *side, const char *path,
                                      struct tvn_diag_sink *sink)
{
    uint32_t file = tvn_diag_add_binary_source(sink, path);
    TVN_TRY(tvn_component_decode(side->bytes.ptr, side->bytes.len, file, sink, &side->component));
    side->view.component = tvn_component_world(side->component);
    return TVN_OK;
}

/* Where a package's text stands, as far as it has any items. */
static struct tvn_span place_of(const struct tvn_package *package)
{
    if (package->interface_count > 0) {
        return package->interfaces[0]->span;
    }
    return package->world_count > 0 ? package->worlds[0]->span : TVN_SPAN_NONE;
}

/* Not from the folder's deps. */
static bool is_own(const struct tvn_package *package, const char *path,
                   const struct tvn_diag_sink *sink)
{
    const struct tvn_diag_source *source = tvn_diag_source(sink, place_of(package).file);
    TVN_AUTO_FREE char *deps = tvn_path_join(path, "deps/");
    return source && deps && strncmp(source->name, deps, strlen(deps)) != 0;
}

static enum tvn_status read_wit(struct side *side, const char *path, struct tvn_diag_sink *sink)
{
    side->wit = tvn_wit_create();
    if (!side->wit) {
        return no_memory(sink);
    }
    tvn_wit_enable_all_features(side->wit);
    TVN_TRY(tvn_wit_add_path(side->wit, path, sink));
    TVN_TRY(tvn_wit_resolve(side->wit, sink));
    for (size_t i = 0; i < tvn_wit_package_count(side->wit); i++) {
        const struct tvn_package *package = tvn_wit_package_at(side->wit, i);
        if (!is_own(package, path, sink)) {
            continue;
        }
        enum tvn_status status = tvn_vec_push(&side->packages, TVN_WIT_FILES_MAX, package);
        if (status != TVN_OK) {
            return no_memory(sink);
        }
    }
    side->view.packages = side->packages.items;
    side->view.package_count = side->packages.count;
    return TVN_OK;
}

/* errno says why. */
static enum tvn_status cannot_read(const char *path, struct tvn_diag_sink *sink)
{
    (void)tvn_diag_error(sink, TVN_E_COMPONENT_NOT_FOUND, TVN_SPAN_NONE, "'%s' cannot be read: %s",
                         path, strerror(errno));
    tvn_diag_help(sink, "name a WIT folder, a .wit file or a component");
    return TVN_E_COMPONENT_NOT_FOUND;
}

static enum tvn_status read_side(struct side *side, const char *path, struct tvn_diag_sink *sink)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        return cannot_read(path, sink);
    }
    if (S_ISDIR(info.st_mode)) {
        return read_wit(side, path, sink);
    }
    enum tvn_status status = tvn_file_read_regular(path, TVN_COMPONENT_BYTES_MAX, &side->bytes);
    if (status == TVN_FULL) {
        return tvn_diag_error(sink, TVN_E_COMPONENT_TOO_COMPLEX, TVN_SPAN_NONE,
                              "file '%s' is larger than %zu MiB", path,
                              TVN_COMPONENT_BYTES_MAX >> 20);
    }
    if (status != TVN_OK) {
        return status == TVN_E_OUT_OF_MEMORY ? no_memory(sink) : cannot_read(path, sink);
    }
    return is_component(side) ? read_component(side, path, sink) : read_wit(side, path, sink);
}

static enum tvn_status compare(struct tvn_diff_files *files, const char *before, const char *after,
                               struct tvn_diag_sink *sink)
{
    enum tvn_status first = read_side(&files->before, before, sink);
    enum tvn_status second = read_side(&files->after, after, sink);
    TVN_TRY(first);
    TVN_TRY(second);
    if (!files->before.component != !files->after.component) {
        (void)tvn_diag_error(sink, TVN_E_INTERFACE_INCOMPATIBLE, TVN_SPAN_NONE,
                             "'%s' is %s, '%s' is %s", before,
                             files->before.component ? "a component" : "WIT text", after,
                             files->after.component ? "a component" : "WIT text");
        tvn_diag_help(sink, "compare two components, or two versions of WIT text");
        return TVN_E_INTERFACE_INCOMPATIBLE;
    }
    enum tvn_status status =
        tvn_diff_compare(&files->before.view, &files->after.view, &files->diff);
    if (status == TVN_FULL) {
        return tvn_diag_error(sink, TVN_E_COMPONENT_TOO_COMPLEX, TVN_SPAN_NONE,
                              "'%s' and '%s' hold more than can be compared", before, after);
    }
    return status == TVN_OK ? TVN_OK : no_memory(sink);
}

enum tvn_status tvn_host_diff_files(const char *before, const char *after,
                                    struct tvn_diag_sink *sink, struct tvn_diff_files **out_files)
{
    tvn_assert(before && after && sink && out_files);
    TVN_AUTO(tvn_diff_files) files = tvn_calloc(1, sizeof(*files));
    if (!files) {
        return no_memory(sink);
    }
    TVN_TRY(compare(files, before, after, sink));
    *out_files = TVN_TAKE(files);
    return TVN_OK;
}

const struct tvn_diff *tvn_diff_files_result(const struct tvn_diff_files *files)
{
    return files->diff;
}

static const struct tvn_package_id *first_package(const struct side *side)
{
    return side->packages.count > 0 ? &side->packages.items[0]->id : NULL;
}

const struct tvn_package_id *tvn_diff_files_before(const struct tvn_diff_files *files)
{
    return first_package(&files->before);
}

const struct tvn_package_id *tvn_diff_files_after(const struct tvn_diff_files *files)
{
    return first_package(&files->after);
}
