/* SPDX-License-Identifier: Apache-2.0 */
#include "config/keys.h"

#include "base/assert.h"
#include "base/suggest.h"
#include "config/load_internal.h"

#include <assert.h>

/* Each row's field must have the type that value.c writes for it. */
#define FIELD_OF(section, field) ((struct_of_##section *)0)->field
#define HAS_TYPE(section, field, type) \
    __builtin_types_compatible_p(__typeof__(FIELD_OF(section, field)), type)
#define FITS_STRING(section, field)       HAS_TYPE(section, field, const char *)
#define FITS_NAME(section, field)         FITS_STRING(section, field)
#define FITS_PROJECT_NAME(section, field) FITS_STRING(section, field)
#define FITS_VERSION(section, field)      FITS_STRING(section, field)
#define FITS_WORD(section, field)         FITS_STRING(section, field)
#define FITS_CHOICE(section, field)       (sizeof(FIELD_OF(section, field)) == sizeof(unsigned))
#define FITS_BOOLEAN(section, field)      HAS_TYPE(section, field, bool)
#define FITS_INTEGER(section, field)      HAS_TYPE(section, field, uint64_t)
#define FITS_RATIO(section, field)        HAS_TYPE(section, field, double)
#define FITS_SIZE(section, field)         FITS_INTEGER(section, field)
#define FITS_DURATION_US(section, field)  FITS_INTEGER(section, field)
#define FITS_DURATION_MS(section, field)  FITS_INTEGER(section, field)
#define FITS_DURATION_S(section, field)   FITS_INTEGER(section, field)

#define TVN_CONFIG_SECTION(section, path, type, layered) typedef type struct_of_##section;
#define TVN_CONFIG_KEY(section, type, name, field, ...)                                        \
    static_assert(FITS_##type(section, field), name " in " #section " has a field of another " \
                                                    "type");
#define TVN_CONFIG_KEY_AT(section, type, name, field, ...)              \
    static_assert(FITS_##type(section, field),                          \
                  name " in " #section " has a field of another type"); \
    static_assert(HAS_TYPE(section, field##_span, struct tvn_span), "the place of " name);
#define TVN_CONFIG_ALIAS(...)
#define TVN_CONFIG_PART(...)
#include "config/config_keys.def"
#undef TVN_CONFIG_SECTION
#undef TVN_CONFIG_KEY
#undef TVN_CONFIG_KEY_AT
#undef TVN_CONFIG_ALIAS
#undef TVN_CONFIG_PART

#define ROW(section_, type_, name_, field_, default_, min_, max_, choices_, doc_, span_) \
    {.section = TVN_SECTION_##section_,                                                  \
     .type = TVN_CONFIG_TYPE_##type_,                                                    \
     .name = (name_),                                                                    \
     .default_text = (default_),                                                         \
     .min = (min_),                                                                      \
     .max = (max_),                                                                      \
     .choices = (choices_),                                                              \
     .doc = (doc_),                                                                      \
     .offset = offsetof(struct_of_##section_, field_),                                   \
     .span_offset = (span_)},
#define TVN_CONFIG_SECTION(...)
#define TVN_CONFIG_KEY(section_, type_, name_, field_, default_, min_, max_, choices_, doc_) \
    ROW(section_, type_, name_, field_, default_, min_, max_, choices_, doc_, SIZE_MAX)
#define TVN_CONFIG_KEY_AT(section_, type_, name_, field_, default_, min_, max_, choices_, doc_) \
    ROW(section_, type_, name_, field_, default_, min_, max_, choices_, doc_,                   \
        offsetof(struct_of_##section_, field_##_span))
#define TVN_CONFIG_ALIAS(section_, name_, target_) \
    {.section = TVN_SECTION_##section_,            \
     .type = TVN_CONFIG_TYPE_ALIAS,                \
     .name = (name_),                              \
     .doc = (target_),                             \
     .span_offset = SIZE_MAX},
#define TVN_CONFIG_PART(section_, name_, default_, doc_) \
    {.section = TVN_SECTION_##section_,                  \
     .type = TVN_CONFIG_TYPE_PART,                       \
     .name = (name_),                                    \
     .default_text = (default_),                         \
     .doc = (doc_),                                      \
     .span_offset = SIZE_MAX},
static const struct tvn_config_key keys[] = {
#include "config/config_keys.def"
};
#undef TVN_CONFIG_SECTION
#undef TVN_CONFIG_KEY
#undef TVN_CONFIG_KEY_AT
#undef TVN_CONFIG_ALIAS
#undef TVN_CONFIG_PART

static const struct {
    const char *path;
    bool layered;
} sections[TVN_SECTION_COUNT] = {
#define TVN_CONFIG_SECTION(section, path_, type, layered_) \
    [TVN_SECTION_##section] = {.path = (path_), .layered = (layered_)},
#define TVN_CONFIG_KEY(...)
#define TVN_CONFIG_KEY_AT(...)
#define TVN_CONFIG_ALIAS(...)
#define TVN_CONFIG_PART(...)
#include "config/config_keys.def"
#undef TVN_CONFIG_SECTION
#undef TVN_CONFIG_KEY
#undef TVN_CONFIG_KEY_AT
#undef TVN_CONFIG_ALIAS
#undef TVN_CONFIG_PART
};

const struct tvn_config_key *tvn_config_key_at(size_t index)
{
    return index < TVN_ARRAY_LEN(keys) ? &keys[index] : NULL;
}

size_t tvn_config_key_index(const struct tvn_config_key *key)
{
    tvn_assert(key >= keys && key < keys + TVN_ARRAY_LEN(keys));
    return (size_t)(key - keys);
}

size_t tvn_config_key_count(void)
{
    return TVN_ARRAY_LEN(keys);
}

const char *tvn_config_section_path(enum tvn_config_section section)
{
    tvn_assert(section < TVN_SECTION_COUNT);
    return sections[section].path;
}

bool tvn_config_section_is_layered(enum tvn_config_section section)
{
    tvn_assert(section < TVN_SECTION_COUNT);
    return sections[section].layered;
}

bool tvn_config_key_is_required(const struct tvn_config_key *key)
{
    tvn_assert(key);
    return key->default_text && strcmp(key->default_text, TVN_CONFIG_REQUIRED) == 0;
}

const struct tvn_config_key *config_find_key(enum tvn_config_section section, struct tvn_str name)
{
    for (size_t i = 0; i < TVN_ARRAY_LEN(keys); i++) {
        if (keys[i].section == section && tvn_str_is(name, keys[i].name)) {
            return keys[i].type == TVN_CONFIG_TYPE_ALIAS
                       ? config_find_key(section, tvn_str_of(keys[i].doc))
                       : &keys[i];
        }
    }
    return NULL;
}

const char *config_suggest_key(enum tvn_config_section section, struct tvn_str name)
{
    const char *names[TVN_ARRAY_LEN(keys)];
    size_t count = 0;
    for (size_t i = 0; i < TVN_ARRAY_LEN(keys); i++) {
        if (keys[i].section == section) {
            names[count++] = keys[i].name;
        }
    }
    return tvn_suggest(name, names, count);
}

const char *config_key_list(struct config_load *load, enum tvn_config_section section)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    for (size_t i = 0; i < TVN_ARRAY_LEN(keys); i++) {
        if (keys[i].section == section && keys[i].type != TVN_CONFIG_TYPE_ALIAS) {
            tvn_strbuf_printf(&text, "%s%s", text.len > 0 ? ", " : "", keys[i].name);
        }
    }
    const char *copy = tvn_arena_strndup(load->arena, tvn_strbuf_text(&text), text.len);
    return copy ? copy : "";
}
