/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/compiler.h"
#include "contracts/wit_name_internal.h"

static const char *const keyword_texts[] = {
    "",
#define TVN_WIT_KEYWORD(enumerator, text) text,
#include "contracts/wit_keywords.def"
#undef TVN_WIT_KEYWORD
};

enum tvn_wit_keyword tvn_wit_keyword_find(struct tvn_str word)
{
    tvn_assert(word.ptr || word.len == 0);
    size_t low = 1;
    size_t high = TVN_ARRAY_LEN(keyword_texts);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *text = keyword_texts[middle];
        size_t length = strlen(text);
        int order = memcmp(word.ptr, text, word.len < length ? word.len : length);
        if (order == 0 && word.len == length) {
            return (enum tvn_wit_keyword)middle;
        }
        if (order < 0 || (order == 0 && word.len < length)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return TVN_WIT_KEYWORD_NONE;
}

const char *tvn_wit_keyword_text(enum tvn_wit_keyword keyword)
{
    tvn_assert((size_t)keyword < TVN_ARRAY_LEN(keyword_texts));
    return keyword_texts[keyword];
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}
static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* Length of the word at text[from..]: one case throughout. */
static size_t word_end(struct tvn_str text, size_t from)
{
    bool lower = false;
    bool upper = false;
    size_t at = from;
    while (at < text.len && text.ptr[at] != '-') {
        lower |= is_lower(text.ptr[at]);
        upper |= is_upper(text.ptr[at]);
        bool allowed = is_digit(text.ptr[at]) || is_lower(text.ptr[at]) || is_upper(text.ptr[at]);
        if (!allowed || (lower && upper)) {
            return at;
        }
        at++;
    }
    return at;
}

bool tvn_wit_label_valid(struct tvn_str text, size_t *out_bad_offset)
{
    tvn_assert(out_bad_offset);
    if (text.len == 0 || is_digit(text.ptr[0])) {
        *out_bad_offset = 0;
        return false;
    }
    size_t at = 0;
    for (;;) {
        size_t end = word_end(text, at);
        if (end == at || (end < text.len && text.ptr[end] != '-')) {
            *out_bad_offset = end;
            return false;
        }
        if (end == text.len) {
            return true;
        }
        at = end + 1;
    }
}

void tvn_wit_print_name(struct tvn_strbuf *out, struct tvn_str name)
{
    tvn_assert(out);
    if (tvn_wit_keyword_find(name) != TVN_WIT_KEYWORD_NONE) {
        tvn_strbuf_add_char(out, '%');
    }
    tvn_strbuf_add_escaped(out, name);
}
