/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/assert.h"
#include "base/file.h"
#include "base/num.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define RULES_MAX      64
#define RULE_NAME_MAX  64
#define NAME_PREFIX    "torvyn_"
#define LOST_LINE      "[torvyn] a message is lost: out of memory\n"
#define LINE_BYTES_MAX ((size_t)64 << 10)
#define LEVEL_DEFAULT  TVN_LOG_INFO

struct rule {
    char name[RULE_NAME_MAX]; /* without the prefix; "" is every category */
    enum tvn_log_level level;
};

struct filter {
    size_t rule_count;
    struct rule rules[RULES_MAX]; /* the last one that matches best wins */
};

static pthread_mutex_t filter_lock = PTHREAD_MUTEX_INITIALIZER;
static struct filter current = {.rule_count = 1, .rules = {{"", LEVEL_DEFAULT}}};
/* Categories start at 0, so each looks itself up once. */
static _Atomic int filter_generation = 1;

static const char *const level_names[] = {
    [TVN_LOG_OFF] = "off",   [TVN_LOG_ERROR] = "error", [TVN_LOG_WARN] = "warn",
    [TVN_LOG_INFO] = "info", [TVN_LOG_DEBUG] = "debug", [TVN_LOG_TRACE] = "trace",
};

bool tvn_log_level_parse(struct tvn_str text, enum tvn_log_level *out_level)
{
    tvn_assert(out_level);
    for (size_t i = 0; i < TVN_ARRAY_LEN(level_names); i++) {
        if (tvn_str_is(text, level_names[i])) {
            *out_level = (enum tvn_log_level)i;
            return true;
        }
    }
    return false;
}

static bool name_valid(struct tvn_str name)
{
    if (name.len == 0 || name.len >= RULE_NAME_MAX) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
        if (!ok) {
            return false;
        }
    }
    return true;
}

/* "level" or "name=level"; the name is torvyn_<category>, or torvyn for all of them. */
static bool rule_parse(struct tvn_str text, struct rule *out_rule)
{
    struct rule rule = {0};
    size_t equals = tvn_str_find(text, '=');
    if (equals != SIZE_MAX) {
        struct tvn_str name = tvn_str_trim(tvn_str_slice(text, 0, equals));
        if (!name_valid(name)) {
            return false;
        }
        struct tvn_str prefix = TVN_STR(NAME_PREFIX);
        if (tvn_str_is(name, "torvyn")) {
            name.len = 0;
        } else if (tvn_str_starts_with(name, prefix)) {
            name = tvn_str_slice(name, prefix.len, name.len);
        }
        memcpy(rule.name, name.ptr, name.len);
        text = tvn_str_trim(tvn_str_slice(text, equals + 1, text.len));
    }
    if (!tvn_log_level_parse(text, &rule.level)) {
        return false;
    }
    *out_rule = rule;
    return true;
}

static bool filter_parse(struct tvn_str text, struct filter *filter)
{
    filter->rules[filter->rule_count++] = (struct rule){"", LEVEL_DEFAULT};
    text = tvn_str_trim(text);
    if (text.len == 0) {
        return true;
    }
    for (;;) {
        size_t comma = tvn_str_find(text, ',');
        struct tvn_str item = tvn_str_slice(text, 0, comma == SIZE_MAX ? text.len : comma);
        if (filter->rule_count == RULES_MAX ||
            !rule_parse(tvn_str_trim(item), &filter->rules[filter->rule_count])) {
            return false;
        }
        filter->rule_count++;
        if (comma == SIZE_MAX) {
            return true;
        }
        text = tvn_str_slice(text, comma + 1, text.len);
    }
}

enum tvn_status tvn_log_set_filter(const char *filter)
{
    tvn_assert(filter);
    struct filter parsed = {0};
    if (!filter_parse(tvn_str_of(filter), &parsed)) {
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    pthread_mutex_lock(&filter_lock);
    current = parsed;
    atomic_fetch_add_explicit(&filter_generation, 1, memory_order_relaxed);
    pthread_mutex_unlock(&filter_lock);
    return TVN_OK;
}

/* Looks the category up and remembers the answer for the filter's generation. */
static TVN_COLD int level_look_up(struct tvn_log_category *category)
{
    enum tvn_log_level general = TVN_LOG_OFF;
    const struct rule *own = NULL;
    pthread_mutex_lock(&filter_lock);
    for (size_t i = 0; i < current.rule_count; i++) {
        const struct rule *rule = &current.rules[i];
        if (rule->name[0] == '\0') {
            general = rule->level;
        } else if (tvn_str_is(tvn_str_of(rule->name), category->name)) {
            own = rule;
        }
    }
    int level = (int)(own ? own->level : general);
    int generation = atomic_load_explicit(&filter_generation, memory_order_relaxed);
    __atomic_store_n(&category->cached_level, level, __ATOMIC_RELAXED);
    /* Release: who sees this generation also sees its level, or a newer one. */
    __atomic_store_n(&category->generation, generation, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&filter_lock);
    return level;
}

bool tvn_log_enabled(struct tvn_log_category *category, enum tvn_log_level level)
{
    tvn_assert(category);
    int generation = __atomic_load_n(&category->generation, __ATOMIC_ACQUIRE);
    int limit;
    if (TVN_LIKELY(generation == atomic_load_explicit(&filter_generation, memory_order_relaxed))) {
        limit = __atomic_load_n(&category->cached_level, __ATOMIC_RELAXED);
    } else {
        limit = level_look_up(category);
    }
    return level != TVN_LOG_OFF && (int)level <= limit;
}

void tvn_log_write(struct tvn_log_category *category, enum tvn_log_level level, const char *format,
                   ...)
{
    tvn_assert(category);
    tvn_assert(format);
    tvn_assert(level > TVN_LOG_OFF && level <= TVN_LOG_TRACE);
    int saved = errno;
    TVN_AUTO_VALUE(tvn_strbuf) message = {.max = LINE_BYTES_MAX / 4}; /* escaping may make it 4x */
    TVN_AUTO_VALUE(tvn_strbuf) line = {.max = LINE_BYTES_MAX + RULE_NAME_MAX + 64};
    va_list args;
    va_start(args, format);
    errno = saved; /* for %m */
    tvn_strbuf_vprintf(&message, format, args);
    va_end(args);
    tvn_strbuf_add_text(&line, "[torvyn] ");
    if (level != TVN_LOG_INFO) {
        tvn_strbuf_printf(&line, "%s %s: ", level_names[level], category->name);
    }
    tvn_strbuf_add_escaped(&line, tvn_strbuf_view(&message));
    if (message.failed) {
        tvn_strbuf_add_text(&line, " …");
    }
    tvn_strbuf_add_char(&line, '\n');
    struct tvn_str text = line.failed ? TVN_STR(LOST_LINE) : tvn_strbuf_view(&line);
    /* A log that cannot be written has nobody left to tell. */
    enum tvn_status ignored = tvn_fd_write_all(STDERR_FILENO, text.ptr, text.len);
    (void)ignored;
    errno = saved;
}
