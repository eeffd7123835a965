/* SPDX-License-Identifier: Apache-2.0 */
#include "types/intern.h"

#include "base/assert.h"
#include "base/utf8.h"

void tvn_intern_init(struct tvn_intern *intern)
{
    tvn_assert(intern);
    intern->count = 1;
    intern->last = 0;
    intern->lengths[0] = 0;
    intern->names[0][0] = '\0';
}

static bool is_name(const struct tvn_intern *intern, uint32_t index, const char *name,
                    size_t length)
{
    return intern->lengths[index] == length &&
           (length == 0 || memcmp(intern->names[index], name, length) == 0);
}

/* C0 controls, DEL and, as two bytes of UTF-8, the C1 controls. */
static bool has_controls(const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)name[i];
        if (byte < 0x20 || byte == 0x7f) {
            return true;
        }
        if (byte == 0xc2 && i + 1 < length && (unsigned char)name[i + 1] < 0xa0) {
            return true;
        }
    }
    return false;
}

enum tvn_status tvn_intern_add_other(struct tvn_intern *intern, const char *name, size_t length,
                                     uint32_t *out_index)
{
    tvn_assert(intern && out_index);
    tvn_assert(name || length == 0);
    tvn_assert(intern->count >= 1 && intern->count <= TVN_INTERN_MAX);
    for (uint32_t i = 0; i < intern->count; i++) {
        if (is_name(intern, i, name, length)) {
            intern->last = i;
            *out_index = i;
            return TVN_OK;
        }
    }
    if (length > TVN_CONTENT_TYPE_MAX) {
        return TVN_E_CAPACITY_EXCEEDED;
    }
    if (!tvn_utf8_valid(name, length) || has_controls(name, length)) {
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    if (intern->count == TVN_INTERN_MAX) {
        return TVN_E_BUDGET_EXCEEDED;
    }
    uint32_t index = intern->count++;
    memcpy(intern->names[index], name, length);
    intern->lengths[index] = (uint16_t)length;
    intern->last = index;
    *out_index = index;
    return TVN_OK;
}
