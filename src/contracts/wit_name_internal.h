/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Words of the WIT language: keywords, and what a name may look like. */
#include "base/str.h"

enum tvn_wit_keyword {
    TVN_WIT_KEYWORD_NONE, /* an ordinary identifier */
#define TVN_WIT_KEYWORD(enumerator, text) TVN_WIT_KEYWORD_##enumerator,
#include "contracts/wit_keywords.def"
#undef TVN_WIT_KEYWORD
};

enum tvn_wit_keyword tvn_wit_keyword_find(struct tvn_str word);
/* "" for NONE. */
const char *tvn_wit_keyword_text(enum tvn_wit_keyword keyword);

/*
 * A kebab-case label: words of [0-9a-z] or [0-9A-Z] joined by single '-', the first starts with a
 * letter. False with *out_bad_offset at the first character that breaks the rule.
 */
bool tvn_wit_label_valid(struct tvn_str text, size_t *out_bad_offset);

/* Writes the name as WIT needs it: with '%' when it is a keyword. */
void tvn_wit_print_name(struct tvn_strbuf *out, struct tvn_str name);
