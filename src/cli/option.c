/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/option.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/num.h"

#include <inttypes.h>

const struct tvn_opt *tvn_opt_find(const struct tvn_opt *table, struct tvn_str name)
{
    for (const struct tvn_opt *opt = table; opt && opt->name; opt++) {
        if (tvn_str_is(name, opt->name)) {
            return opt;
        }
    }
    return NULL;
}

const struct tvn_opt *tvn_opt_find_letter(const struct tvn_opt *table, char letter)
{
    for (const struct tvn_opt *opt = table; opt && opt->name; opt++) {
        if (opt->letter != 0 && opt->letter == letter) {
            return opt;
        }
    }
    return NULL;
}

size_t tvn_opt_count(const struct tvn_opt *table)
{
    size_t count = 0;
    while (table && table[count].name) {
        count++;
    }
    tvn_assert(count <= TVN_OPT_TABLE_MAX);
    return count;
}

static void *field(const struct tvn_opt *opt, void *values)
{
    /* SAFETY: offset is offsetof a field of the kind's type in the struct behind `values`. */
    return (char *)values + opt->offset;
}

/* Nothing but digits: what is wrong with such a number is its size, or that it has no unit. */
static bool is_number(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static enum tvn_status store_count(const char *text, uint64_t *out, struct tvn_strbuf *why)
{
    uint64_t value = 0;
    bool parsed = tvn_parse_u64(text, strlen(text), &value);
    if (!parsed && is_number(text)) {
        tvn_strbuf_printf(why, "the most is %" PRIu64, UINT64_MAX);
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    if (!parsed || value == 0) {
        tvn_strbuf_add_text(why, "write a whole number of at least 1");
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    *out = value;
    return TVN_OK;
}

static enum tvn_status store_duration(const char *text, uint64_t *out, struct tvn_strbuf *why)
{
    uint64_t value;
    if (!tvn_parse_duration(text, strlen(text), &value) || value == 0) {
        const char *help = is_number(text) && strspn(text, "0") != strlen(text)
                               ? "write a unit behind the number, such as 500ms, 30s or 5m"
                               : "write a number with a unit, such as 500ms, 30s or 5m";
        tvn_strbuf_add_text(why, help);
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    *out = value;
    return TVN_OK;
}

static enum tvn_status store_choice(const struct tvn_opt *opt, const char *text, void *out,
                                    struct tvn_strbuf *why)
{
    for (unsigned i = 0; opt->choices[i]; i++) {
        if (strcmp(opt->choices[i], text) != 0) {
            continue;
        }
        if (opt->kind == TVN_OPT_CHOICE) {
            *(unsigned *)out = i;
        } else {
            *(const char **)out = opt->choices[i];
        }
        return TVN_OK;
    }
    tvn_strbuf_add_text(why, "possible values: ");
    for (unsigned i = 0; opt->choices[i]; i++) {
        tvn_strbuf_printf(why, "%s%s", i > 0 ? ", " : "", opt->choices[i]);
    }
    return TVN_E_CONSTRAINT_VIOLATION;
}

static enum tvn_status store_item(const char *text, struct tvn_arena *arena,
                                  struct tvn_opt_list *list)
{
    const char **items = TVN_ARENA_ARRAY(arena, const char *, list->count + 1);
    if (!items) {
        return TVN_E_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < list->count; i++) {
        items[i] = list->items[i];
    }
    items[list->count++] = text;
    list->items = items;
    return TVN_OK;
}

enum tvn_status tvn_opt_store(const struct tvn_opt *opt, const char *text, struct tvn_arena *arena,
                              void *values, struct tvn_strbuf *why)
{
    tvn_assert(opt && values && why);
    tvn_assert(text || opt->kind == TVN_OPT_FLAG);
    void *out = field(opt, values);
    switch (opt->kind) {
    case TVN_OPT_FLAG:
        *(bool *)out = true;
        return TVN_OK;
    case TVN_OPT_TEXT:
    case TVN_OPT_PATH:
        *(const char **)out = text;
        return TVN_OK;
    case TVN_OPT_LIST:
        return store_item(text, arena, out);
    case TVN_OPT_COUNT:
        return store_count(text, out, why);
    case TVN_OPT_DURATION:
        return store_duration(text, out, why);
    case TVN_OPT_CHOICE:
    case TVN_OPT_WORD:
        return store_choice(opt, text, out, why);
    }
    tvn_unreachable();
}
